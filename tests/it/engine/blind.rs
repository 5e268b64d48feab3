//! What change-driven provisioning does not see, and what a full read puts right (`engine.md 1.5`).

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::{CycleKind, Purpose};
use scimulator::http::Method;
use scimulator::store::Edit;
use serde_json::json;

use super::harness::{World, upn};

const URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
fn a_manager_who_comes_into_scope_late_is_set_by_the_next_full_read_only() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("u");
    world.clean_cycle();
    assert_eq!(world.manager("u"), None);
    assert_eq!(
        world.log_lines(),
        ["u create success", "u update warning UnableToResolveReferenceAttributeValue"]
    );
    assert!(world.escrows().is_empty());
    world.people.assign("boss");
    world.clean_cycle();
    world.clean_cycle();
    assert!(world.held("boss").is_some());
    assert_eq!(world.manager("u"), None);
    let result = world.run(Purpose::InitialCycle);
    assert_eq!(result.kind, CycleKind::Initial);
    assert_eq!(world.manager("u").as_deref(), Some("boss"));
    scimulator::covers!("E-042", "W-139");
}

#[test]
fn a_member_who_comes_into_scope_late_is_added_by_the_next_full_read_only() {
    let mut world = World::new("scope = \"assigned\"");
    world.people.user("early", &[]).user("late", &[]).group("G").group("Plain");
    world.people.set("G", "securityEnabled", "True").member("G", "early").member("Plain", "late").assign("G");
    // A nested group is a member that is out of scope until it is assigned itself.
    world.people.member("G", "Plain");
    world.clean_cycle();
    assert_eq!(world.members("G"), ["early"]);
    assert_eq!(
        world.log_lines().last().unwrap(),
        "G update warning UnableToResolveReferenceAttributeValue",
        "the others are written"
    );
    assert!(world.escrows().is_empty());
    world.people.assign("Plain");
    world.clean_cycle();
    world.clean_cycle();
    assert_eq!(world.members("Plain"), ["late"]);
    assert_eq!(world.members("G"), ["early"]);
    world.run(Purpose::InitialCycle);
    assert_eq!(world.members("G"), ["Plain", "early"]);
    scimulator::covers!("E-043", "E-129", "W-168");
}

#[test]
fn a_restored_user_is_active_again_and_back_in_groups_with_the_next_full_read() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("v", &[]).group("G").member("G", "u").member("G", "v").assign("G");
    world.clean_cycle();
    world.people.hide("u");
    world.clean_cycle();
    assert_eq!((world.active("u"), world.members("G")), (Some(false), vec!["v".to_owned()]));
    world.people.show("u");
    world.clean_cycle();
    world.clean_cycle();
    assert_eq!((world.active("u"), world.members("G")), (Some(true), vec!["v".to_owned()]));
    world.run(Purpose::InitialCycle);
    assert_eq!(world.members("G"), ["u", "v"]);
    scimulator::covers!("E-044", "W-150");
}

#[test]
fn a_full_read_puts_back_members_taken_out_by_hand_and_keeps_those_put_in_by_hand() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("v", &[]).group("G").member("G", "u").assign("G").assign("v");
    world.clean_cycle();
    let (group, u, v) = (world.target_id("G"), world.target_id("u"), world.target_id("v"));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "remove", "path": format!("members[value eq \"{u}\"]") },
            { "op": "add", "path": "members", "value": [{ "value": v }] },
        ],
    });
    world.by_hand(Method::Patch, &format!("/Groups/{group}"), Some(&body));
    world.clean_cycle();
    assert_eq!(world.members("G"), ["v"], "an incremental cycle does not look");
    world.run(Purpose::InitialCycle);
    assert_eq!(world.members("G"), ["u", "v"]);
    scimulator::covers!("E-045", "W-166");
}

#[test]
fn drift_in_the_target_is_not_noticed_until_the_source_changes() {
    let mut world = World::new("");
    world.people.user("u", &[("jobTitle", "Boss")]).assign("u");
    world.clean_cycle();
    let drift = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "title", "value": "Hacker" }],
    });
    let id = world.target_id("u");
    world.by_hand(Method::Patch, &format!("/Users/{id}"), Some(&drift));
    world.sent();
    world.clean_cycle();
    assert_eq!(world.requests(), [""; 0]);
    assert_eq!(world.held("u").unwrap()["title"], "Hacker");
    world.people.set("u", "department", "Sales");
    world.clean_cycle();
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
    scimulator::covers!("E-006", "W-079");
}

#[test]
fn a_hard_delete_that_no_cycle_saw_before_a_full_read_is_lost() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("v", &[]).assign("u").assign("v");
    world.clean_cycle();
    world.sent();
    let (id, now) = (world.people.id("u"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world.run(Purpose::InitialCycle);
    assert_eq!(world.requests(), ["GET /Users/{v}"]);
    world.clean_cycle();
    assert_eq!(world.active("u"), Some(true), "an orphan");
    scimulator::covers!("E-212");
}

#[test]
fn a_full_read_addresses_linked_objects_by_id_and_disables_who_is_out_of_scope() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("lost", &[]).group("G").member("G", "u").assign("G").assign("lost");
    world.clean_cycle();
    world.people.unassign("lost");
    world.sent();
    world.run(Purpose::InitialCycle);
    assert_eq!(
        world.requests(),
        [
            "GET /Users/{u}",
            "GET /Users/{lost}",
            r#"PATCH /Users/{lost} [{"op":"Replace","path":"active","value":"False"}]"#,
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{u}"}]}]"#,
        ]
    );
    scimulator::covers!("E-210");
}

#[test]
fn another_mapping_means_a_full_read_by_the_links_that_stand() {
    let mut world = World::new("");
    world.people.user("u", &[("jobTitle", "Boss")]).assign("u");
    world.clean_cycle();
    world.sent();
    world.adjust = |spec| spec.definition += " with another filter";
    let result = world.clean_cycle();
    assert_eq!((result.kind, world.requests()), (CycleKind::Initial, vec!["GET /Users/{u}".to_owned()]));
    assert_eq!(world.clean_cycle().kind, CycleKind::Incremental);
    scimulator::covers!("E-009", "W-080");
}

#[test]
fn sync_all_to_sync_assigned_disables_nobody_until_a_full_read() {
    let mut world = World::new("scope = \"all\"");
    world.people.user("u", &[]).user("v", &[]).assign("v");
    world.clean_cycle();
    world.configure("scope = \"assigned\"");
    world.sent();
    assert_eq!(world.clean_cycle().kind, CycleKind::Incremental);
    assert_eq!((world.requests(), world.active("u")), (Vec::new(), Some(true)));
    world.run(Purpose::InitialCycle);
    assert_eq!((world.active("u"), world.active("v")), (Some(false), Some(true)));
    scimulator::covers!("E-012");
}

#[test]
fn null_values_clear_nothing_but_a_lost_manager_is_taken_away() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss")), ("jobTitle", "Boss")]);
    world.people.assign("boss").assign("u");
    world.clean_cycle();
    world.people.set("u", "jobTitle", "").set("u", "manager", "");
    world.sent();
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        [
            "GET /Users/{u}".to_owned(),
            format!(r#"PATCH /Users/{{u}} [{{"op":"Remove","path":"{URN}:manager","value":"{{boss}}"}}]"#),
        ]
    );
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
    assert_eq!(world.manager("u"), None);
    scimulator::covers!("E-034", "E-035", "W-111");
}
