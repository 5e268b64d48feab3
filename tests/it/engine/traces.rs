//! Whole sequences of requests, byte for byte (`wire.md` appendix A). Ids that the target gave are shown as names.

use serde_json::json;

use super::harness::{Answer, Sent, World, upn};
use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::CycleKind;
use scimulator::engine::entry::Status;
use scimulator::http::Method;
use scimulator::store::Edit;

const URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PROBES: [&str; 2] = [
    "GET /Users?filter=userName+eq+%22<guid>%22",
    "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22<guid>%22",
];

/// `u`, who reports to `m` and is a member of the group `G`; `m` is assigned, and `u` through `G`.
fn small() -> World {
    small_with("")
}

fn small_with(lines: &str) -> World {
    let mut world = World::new(lines);
    world
        .people
        .user("m", &[])
        .user("u", &[("manager", &upn("m")), ("givenName", "First"), ("surname", "Last")]);
    world.people.group("G").member("G", "u").assign("m").assign("G");
    world
}

/// The probes, then these.
fn probed(requests: &[&str]) -> Vec<String> {
    PROBES.iter().chain(requests).map(|line| (*line).to_owned()).collect()
}

#[test]
fn a_first_cycle_on_an_empty_target_sends_trace_a1() {
    let mut world = small();
    let result = world.clean_cycle();
    assert_eq!(result.kind, CycleKind::Initial);
    let sent = world.target_requests();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users?filter=userName+eq+%22m%40contoso.com%22",
            "POST /Users",
            "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
            "POST /Users",
            "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22G%22",
            "POST /Groups",
            &format!(r#"PATCH /Users/{{u}} [{{"op":"Add","path":"{URN}:manager","value":"{{m}}"}}]"#),
            r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{u}"}]}]"#,
        ])
    );
    let bodies: Vec<_> = sent.iter().filter(|sent| sent.method == Method::Post).map(Sent::json).collect();
    assert_eq!(
        bodies[1],
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", URN],
            "userName": "u@contoso.com",
            "active": true,
            "meta": { "resourceType": "User" },
            "name": { "formatted": "First Last", "familyName": "Last", "givenName": "First" },
        })
    );
    let group_id = world.people.id("G");
    let bytes = format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"{group_id}","displayName":"G","members":[],"meta":{{"resourceType":"Group"}}}}"#
    );
    let posted = sent.iter().rfind(|sent| sent.method == Method::Post).unwrap();
    assert_eq!(String::from_utf8_lossy(posted.body.as_ref().unwrap()), bytes);
    scimulator::covers!("W-229", "W-154", "W-102", "W-104", "W-092", "W-132", "W-026", "W-030");
    scimulator::covers!("E-015", "E-016", "E-018", "E-020", "E-021", "E-046", "E-008");
}

#[test]
fn a_changed_surname_and_a_first_department_send_trace_a2() {
    let mut world = small();
    world.clean_cycle();
    world.sent();
    world.people.set("u", "surname", "New").set("u", "department", "R&D");
    let result = world.clean_cycle();
    assert_eq!(result.kind, CycleKind::Incremental);
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users/{u}",
            &format!(
                r#"PATCH /Users/{{u}} [{{"op":"Replace","path":"name.familyName","value":"New"}},{{"op":"Replace","path":"name.formatted","value":"First New"}},{{"op":"Add","path":"{URN}:department","value":"R&D"}}]"#
            ),
        ])
    );
    scimulator::covers!(
        "W-230", "W-076", "W-107", "W-108", "W-112", "W-113", "W-114", "E-022", "E-023", "E-030"
    );
}

#[test]
fn the_bytes_of_an_update_are_the_documented_ones() {
    let mut world = small();
    world.clean_cycle();
    world.sent();
    world.people.set("u", "surname", "New");
    world.clean_cycle();
    let sent = world.sent();
    let body = sent.last().unwrap().body.as_ref().unwrap();
    assert_eq!(
        String::from_utf8_lossy(body),
        concat!(
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":["#,
            r#"{"op":"Replace","path":"name.familyName","value":"New"},"#,
            r#"{"op":"Replace","path":"name.formatted","value":"First New"}]}"#
        )
    );
    scimulator::covers!("W-106");
}

/// W-171: a member removed from its only assigned group.
#[test]
fn a_member_who_leaves_the_only_assigned_group_is_disabled_before_the_group_loses_it() {
    let mut world = small();
    world.clean_cycle();
    world.sent();
    world.people.drop_member("G", "u");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users/{u}",
            r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"False"}]"#,
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"Remove","path":"members","value":[{"value":"{u}"}]}]"#,
        ])
    );
    assert_eq!(world.active("u"), Some(false));
    assert_eq!(world.members("G"), Vec::<String>::new());
    scimulator::covers!("W-171", "W-160", "W-156", "E-128");
}

/// Traces A1 and A3 with the flag: what is asked, and when, stays as it is; operations are those of the other dialect.
#[test]
fn with_the_flag_the_same_traces_have_the_operations_of_its_dialect() {
    let mut world = small_with("[job.fidelity]\ndialect = \"optscim\"");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users?filter=userName+eq+%22m%40contoso.com%22",
            "POST /Users",
            "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
            "POST /Users",
            "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22G%22",
            "POST /Groups",
            &format!(r#"PATCH /Users/{{u}} [{{"op":"add","path":"{URN}:manager","value":"{{m}}"}}]"#),
            r#"PATCH /Groups/{G} [{"op":"add","path":"members","value":[{"value":"{u}"}]}]"#,
        ])
    );
    world.people.drop_member("G", "u");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users/{u}",
            r#"PATCH /Users/{u} [{"op":"replace","path":"active","value":false}]"#,
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"remove","path":"members[value eq \"{u}\"]"}]"#,
        ])
    );
    assert_eq!((world.active("u"), world.members("G")), (Some(false), Vec::new()));
    world.people.member("G", "u");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users/{u}",
            r#"PATCH /Users/{u} [{"op":"replace","path":"active","value":true}]"#,
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"add","path":"members","value":[{"value":"{u}"}]}]"#,
        ])
    );
    assert_eq!((world.active("u"), world.members("G")), (Some(true), vec!["u".to_owned()]));
    scimulator::covers!("W-158", "W-161", "W-171");
}

/// The second half of trace A3: the account of somebody purged in scope is deleted last.
#[test]
fn somebody_purged_while_in_scope_is_taken_out_of_groups_and_then_deleted() {
    let mut world = small();
    world.clean_cycle();
    world.sent();
    let id = world.people.id("u");
    let now = world.clock.now();
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"Remove","path":"members","value":[{"value":"{u}"}]}]"#,
            "DELETE /Users/{u}",
        ])
    );
    assert_eq!(world.held("u"), None);
    scimulator::covers!("W-146", "E-106", "E-026");
}

#[test]
fn an_account_that_is_there_already_is_linked_and_made_to_agree_as_in_trace_a4() {
    let mut world = World::new("");
    world.people.user("u", &[("jobTitle", "Boss"), ("telephoneNumber", "+1")]).assign("u");
    let there = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "u@contoso.com", "active": true,
        "title": "Clerk",
    });
    world.by_hand(Method::Post, "/Users", Some(&there));
    let id = world.target_id("u");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
            r#"PATCH /Users/{u} [{"op":"Replace","path":"title","value":"Boss"},{"op":"Add","path":"phoneNumbers[type eq \"work\"].value","value":"+1"}]"#,
        ])
    );
    assert_eq!(world.target_id("u"), id);
    world.people.set("u", "jobTitle", "Chief");
    world.clean_cycle();
    assert_eq!(world.requests()[0], "GET /Users/{u}", "addressed by its id from now on");
    scimulator::covers!("W-072", "E-120", "E-022");
}

/// W-155: rename and members are two requests.
#[test]
fn a_renamed_group_with_a_new_member_is_read_patched_and_given_the_member() {
    let mut world = small();
    world.clean_cycle();
    world.sent();
    world.people.rename_group("G", "New").member("New", "m");
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        [
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"Replace","path":"displayName","value":"New"}]"#,
            r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{m}"}]}]"#,
        ]
    );
    assert_eq!(world.members("New"), ["m", "u"]);
    scimulator::covers!("W-155", "W-157", "E-127");
}

/// W-170: who loses scope with the group is disabled with the users, before the group goes.
#[test]
fn an_unassigned_group_is_deleted_after_its_members_are_disabled() {
    let mut world = small();
    world.people.user("v", &[]).member("G", "v").assign("v");
    world.clean_cycle();
    world.sent();
    world.people.unassign("G");
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        [
            "GET /Users/{u}",
            r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"False"}]"#,
            "DELETE /Groups/{G}",
        ]
    );
    assert_eq!(world.active("v"), Some(true), "assigned directly as well");
    assert_eq!(world.held("G"), None);
    scimulator::covers!("W-170", "E-131", "E-132", "E-134");
}

/// Every kind of event in one incremental cycle.
#[test]
fn a_cycle_writes_users_then_groups_then_references_and_deletes_last() {
    let mut world = World::new("");
    for name in ["purged", "disabled", "lost", "changed", "managed"] {
        world.people.user(name, &[]).assign(name);
    }
    world.people.group("G").member("G", "changed").assign("G").group("H").assign("H");
    world.clean_cycle();
    world.sent();
    let (id, now) = (world.people.id("purged"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world
        .people
        .set("disabled", "accountEnabled", "False")
        .unassign("lost")
        .set("changed", "jobTitle", "Boss");
    world.people.set("managed", "manager", &upn("changed")).user("new", &[]).assign("new").member("G", "new");
    world.people.unassign("H");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        probed(&[
            "GET /Users/{disabled}",
            r#"PATCH /Users/{disabled} [{"op":"Replace","path":"active","value":"False"}]"#,
            "GET /Users/{lost}",
            r#"PATCH /Users/{lost} [{"op":"Replace","path":"active","value":"False"}]"#,
            "GET /Users/{changed}",
            r#"PATCH /Users/{changed} [{"op":"Add","path":"title","value":"Boss"}]"#,
            "GET /Users/{managed}",
            "GET /Users?filter=userName+eq+%22new%40contoso.com%22",
            "POST /Users",
            "GET /Groups/{G}?excludedAttributes=members",
            &format!(
                r#"PATCH /Users/{{managed}} [{{"op":"Add","path":"{URN}:manager","value":"{{changed}}"}}]"#
            ),
            r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{new}"}]}]"#,
            "DELETE /Users/{purged}",
            "DELETE /Groups/{H}",
        ])
    );
    scimulator::covers!("E-025", "E-046", "E-047", "W-154", "W-105");
}

#[test]
fn a_second_cycle_with_nothing_changed_sends_the_probes_and_nothing_else() {
    let mut world = small();
    world.clean_cycle();
    world.sent();
    world.restart();
    world.clean_cycle();
    assert_eq!(world.trace(), probed(&[]));
    assert!(world.job().steady.is_some());
    scimulator::covers!("E-280", "W-030", "E-216");
}

#[test]
fn a_large_group_gets_a_hundred_members_a_request() {
    let mut world = World::new("");
    world.people.group("G").assign("G");
    for number in 0..250 {
        let name = format!("u{number:03}");
        world.people.user(&name, &[]).member("G", &name);
    }
    world.clean_cycle();
    let added = |sent: &[Sent]| -> Vec<usize> {
        let patches = sent.iter().filter(|sent| sent.method == Method::Patch);
        patches.map(|sent| sent.json()["Operations"][0]["value"].as_array().unwrap().len()).collect()
    };
    assert_eq!(added(&world.sent()), [100, 100, 50]);
    assert_eq!(world.members("G").len(), 250);

    // Adds and removals share a request, a hundred in all.
    for number in 0..60 {
        let (old, new) = (format!("u{number:03}"), format!("v{number:03}"));
        world.people.drop_member("G", &old).user(&new, &[]).member("G", &new);
    }
    world.accept_vanished = true;
    world.clean_cycle();
    let sent = world.sent();
    let sizes: Vec<Vec<(String, usize)>> = sent
        .iter()
        .filter(|sent| sent.method == Method::Patch && sent.path.starts_with("/Groups"))
        .map(|sent| {
            let operations = sent.json()["Operations"].as_array().unwrap().clone();
            let size = |operation: &serde_json::Value| {
                (operation["op"].as_str().unwrap().to_owned(), operation["value"].as_array().unwrap().len())
            };
            operations.iter().map(size).collect()
        })
        .collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().all(|operations| operations.len() <= 2));
    assert!(sizes.iter().all(|operations| operations.iter().map(|(_, count)| count).sum::<usize>() <= 100));
    let total = |op: &str| {
        sizes.iter().flatten().filter(|(name, _)| name == op).map(|(_, count)| count).sum::<usize>()
    };
    assert_eq!((total("Add"), total("Remove")), (60, 60));
    assert_eq!(world.members("G").len(), 250);
    scimulator::covers!("W-163");
}

#[test]
fn a_rehire_under_the_old_name_takes_over_the_account_that_was_to_be_deleted() {
    let mut world = World::new("");
    world.people.user("u", &[("jobTitle", "Clerk")]).user("other", &[]).assign("u").assign("other");
    world.clean_cycle();
    let account = world.target_id("u");
    let (id, now) = (world.people.id("u"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world.people.remove("u").user("u", &[("jobTitle", "Boss")]).assign("u");
    world.clean_cycle();
    assert_eq!((world.target_id("u"), world.active("u")), (account, Some(true)));
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
}

#[test]
fn probes_can_be_turned_off() {
    for (probe, probes) in [("both", &PROBES[..]), ("users", &PROBES[..1]), ("off", &[])] {
        let mut world = World::new(&format!("[job.fidelity]\nprobe = \"{probe}\""));
        world.people.user("u", &[]).assign("u");
        world.clean_cycle();
        world.sent();
        world.clean_cycle();
        assert_eq!(world.trace(), probes, "{probe}");
    }
    scimulator::covers!("W-026", "W-030");
}

#[test]
fn members_that_a_target_returns_all_the_same_are_ignored() {
    let mut world = small();
    world.clean_cycle();
    world.people.member("G", "m");
    world.sent();
    world.once(
        Method::Get,
        "/Groups/",
        Answer::Body(|mut group| {
            group["members"] = json!([{ "value": "somebody" }]);
            group.to_string()
        }),
    );
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        [
            "GET /Groups/{G}?excludedAttributes=members",
            r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{m}"}]}]"#,
        ]
    );
    let log = world.last_log();
    let [logged] = &log[..] else { panic!("one entry: {:?}", world.log_lines()) };
    assert_eq!(logged.line(), "G update warning");
    let warned = logged.entry.steps.iter().filter(|step| step.status == Status::Warning);
    let warned: Vec<&str> = warned.map(|step| step.details["Warning"].as_str()).collect();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains("in spite of `excludedAttributes=members`"), "{warned:?}");
    scimulator::covers!("W-156", "E-254");

    // The next one is answered as asked, and says nothing.
    world.people.drop_member("G", "m");
    world.clean_cycle();
    assert_eq!(world.log_lines(), ["G update success"]);
}
