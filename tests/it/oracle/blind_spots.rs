//! What Entra leaves by rule: found, and nobody's fault.

use scimulator::clock::Clock as _;
use scimulator::engine::Purpose;
use scimulator::engine::restart::{Reset, restart};
use scimulator::http::Method;
use scimulator::scope::ScopeMode;
use scimulator::store::Edit;
use serde_json::json;

use super::rig::{Rig, about, whose};

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

#[track_caller]
fn check(rig: &mut Rig, wanted: &[(&str, &str)]) {
    let report = rig.ask();
    let found: Vec<_> = report.findings.iter().map(|finding| (about(finding), whose(finding))).collect();
    let found: Vec<_> = found.iter().map(|(what, whose)| (what.as_str(), *whose)).collect();
    assert_eq!(found, wanted, "{}", rig.told(&report));
    assert!(report.is_clean());
}

#[test]
fn a_value_that_became_empty_is_not_cleared() {
    let mut rig = Rig::settled("");
    rig.set("ada", "jobTitle", "");
    rig.cycle();
    check(&mut rig, &[("ada title: Clerk not -", "null-never-cleared")]);
}

#[test]
fn a_manager_and_a_member_who_come_late_are_set_by_the_next_full_read() {
    let mut rig = Rig::settled("");
    rig.set("cara", "manager", "dora@contoso.com");
    rig.member("Sales", "dora", true);
    rig.assign("Sales", false);
    rig.cycle();
    rig.assign("Sales", true);
    rig.cycle();
    // The group is made anew with all who are in it; cara was not looked at again.
    let dora = rig.target_id("dora");
    let manager = format!("cara {MANAGER}: - not {dora}");
    check(&mut rig, &[(&manager, "late-manager")]);

    let mut rig = Rig::new("");
    rig.assign("boss", false);
    rig.cycle();
    check(&mut rig, &[]);
    rig.assign("boss", true);
    rig.cycle();
    let late = [
        (
            "ada urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager: - not {boss}",
            "late-manager",
        ),
        (
            "ben urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager: - not {boss}",
            "late-manager",
        ),
    ];
    let boss = rig.target_id("boss");
    let late: Vec<_> = late.iter().map(|(what, rule)| (what.replace("{boss}", &boss), *rule)).collect();
    let late: Vec<_> = late.iter().map(|(what, rule)| (what.as_str(), *rule)).collect();
    check(&mut rig, &late);
    rig.run(Purpose::InitialCycle);
    check(&mut rig, &[]);

    // A member who is in the group before he is in scope: the group alone assigns nobody here.
    let mut rig = Rig::new("");
    rig.set("Sales", "securityEnabled", "False");
    rig.configure(|job| job.scope = ScopeMode::All);
    rig.configure(|job| {
        let users = &mut job.mappings.mappings[0];
        let clause = scimulator::scope::filter::FilterClause::new(
            "department",
            "EQUALS",
            &["Sales".to_owned()],
            &scimulator::scope::filter::FilterOptions::default(),
        );
        let group =
            scimulator::scope::filter::FilterGroup { name: "f".to_owned(), clauses: vec![clause.unwrap()] };
        users.scope.groups.push(group);
    });
    rig.set("ben", "department", "Other");
    rig.cycle();
    check(&mut rig, &[]);
    rig.set("ben", "department", "Sales");
    rig.cycle();
    check(&mut rig, &[("Sales members: - not ben@contoso.com", "late-member")]);
    rig.run(Purpose::InitialCycle);
    check(&mut rig, &[]);
}

#[test]
fn who_comes_back_from_the_recycle_bin_has_lost_his_memberships() {
    let mut rig = Rig::settled("");
    rig.edit("ben", &Edit::Delete);
    rig.cycle();
    check(&mut rig, &[]);
    rig.edit("ben", &Edit::Restore);
    rig.cycle();
    check(&mut rig, &[("Sales members: - not ben@contoso.com", "lost-membership")]);
    rig.run(Purpose::InitialCycle);
    check(&mut rig, &[]);
}

#[test]
fn who_is_deleted_after_leaving_scope_keeps_an_account_that_is_disabled() {
    let mut rig = Rig::settled("");
    rig.member("Sales", "ben", false);
    rig.assign("ben", false);
    rig.cycle();
    check(&mut rig, &[]);
    rig.edit("ben", &Edit::Purge);
    rig.cycle();
    check(&mut rig, &[("ben orphan", "deleted-out-of-scope")]);
}

#[test]
fn a_deletion_before_a_full_read_is_lost() {
    let mut rig = Rig::settled("");
    rig.member("Sales", "ben", false);
    rig.cycle();
    rig.edit("ben", &Edit::Purge);
    rig.run(Purpose::InitialCycle);
    check(&mut rig, &[("ben orphan", "deleted-before-full-read")]);
    rig.cycle();
    check(&mut rig, &[("ben orphan", "deleted-before-full-read")]);
}

#[test]
fn deletions_out_of_scope_may_be_skipped_and_actions_switched_off() {
    let mut rig = Rig::settled("skip_out_of_scope_deletions = true");
    rig.member("Sales", "ben", false);
    rig.assign("ben", false);
    rig.set("ada", "accountEnabled", "False");
    rig.assign("Sales", false);
    rig.cycle();
    let skipped = "skip-out-of-scope-deletions";
    check(
        &mut rig,
        &[
            ("ada active: True not False", skipped),
            ("ben active: True not False", skipped),
            ("Sales orphan", skipped),
        ],
    );

    let mut rig = Rig::settled("");
    rig.configure(|job| {
        for mapping in &mut job.mappings.mappings {
            (mapping.create, mapping.update, mapping.delete) = (false, false, false);
        }
    });
    rig.set("ada", "jobTitle", "Boss");
    rig.edit("cara", &Edit::Delete);
    rig.assign("dora", true);
    rig.cycle();
    rig.cycle();
    check(
        &mut rig,
        &[
            ("ada title: Clerk not Boss", "action-off"),
            ("cara active: True not False", "action-off"),
            ("dora missing", "action-off"),
            ("Sales members: cara@contoso.com not -", "action-off"),
        ],
    );
}

#[test]
fn a_default_value_is_sent_on_create_alone_and_so_is_a_mapping_that_says_so() {
    let mut rig = Rig::new("");
    rig.configure(|job| {
        for attribute in &mut job.mappings.mappings[0].attributes {
            match attribute.target.as_str() {
                "title" => attribute.default_value = Some("Staff".to_owned()),
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" => {
                    attribute.flow_type = scimulator::mapping::FlowType::ObjectAddOnly;
                }
                _ => {}
            }
        }
    });
    rig.set("dora", "jobTitle", "");
    rig.assign("dora", true);
    rig.cycle();
    check(&mut rig, &[]);
    rig.set("ada", "jobTitle", "");
    rig.set("ben", "department", "Research");
    rig.cycle();
    check(
        &mut rig,
        &[
            ("ada title: Clerk not Staff", "default-only-on-create"),
            (
                "ben urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department: Sales not Research",
                "flow-only-on-create",
            ),
        ],
    );
}

#[test]
fn what_others_put_into_a_group_is_not_looked_at() {
    let mut rig = Rig::settled("");
    let (group, boss) = (rig.target_id("Sales"), rig.target_id("boss"));
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "members", "value": [{ "value": boss }] }],
    });
    rig.by_hand(Method::Patch, &format!("Groups/{group}"), Some(&patch));
    let stranger = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "admin", "active": true,
    });
    rig.by_hand(Method::Post, "Users", Some(&stranger));
    rig.cycle();
    check(&mut rig, &[("Sales members: boss@contoso.com not -", "foreign-reference")]);
    assert_eq!(rig.ask().strangers.len(), 1, "the admin is nobody's business");
}

#[test]
fn an_account_made_anew_is_back_in_groups_with_the_next_full_read() {
    let mut rig = Rig::settled("");
    let ben = rig.target_id("ben");
    rig.by_hand(Method::Delete, &format!("Users/{ben}"), None);
    rig.set("ben", "jobTitle", "Boss");
    rig.cycle();
    assert_ne!(rig.target_id("ben"), ben);
    let report = rig.ask();
    let found: Vec<_> = report.findings.iter().map(|finding| (about(finding), whose(finding))).collect();
    assert!(
        found.contains(&("Sales members: - not ben@contoso.com".to_owned(), "new-account")),
        "{}",
        rig.told(&report)
    );
    assert!(report.is_clean(), "{}", rig.told(&report));
    rig.run(Purpose::InitialCycle);
    check(&mut rig, &[]);
}

#[test]
fn the_deletion_guard_holds_back_and_a_restart_makes_everybody_wait() {
    let mut rig = Rig::settled("delete_threshold = 1\nnotification_email = \"ops@contoso.com\"");
    for name in ["ada", "ben", "cara"] {
        rig.set(name, "accountEnabled", "False");
    }
    rig.cycle();
    let report = rig.ask();
    let held: Vec<_> = report.findings.iter().map(|finding| (about(finding), whose(finding))).collect();
    let held_back = |name: &str| (format!("{name} active: True not False"), "held-back");
    assert_eq!(held, ["ada", "ben", "cara"].map(held_back), "{}", rig.told(&report));

    let mut rig = Rig::settled("");
    let (spec, now) = (rig.spec(), rig.clock.now());
    restart(&mut rig.store, &spec, Reset::EMPTY, now).unwrap();
    assert_eq!(rig.ask().waiting.len(), 5, "after a restart everything waits for the full read");
}

#[test]
fn who_is_in_scope_with_everybody_is_left_over_until_a_full_read() {
    let mut rig = Rig::new("");
    rig.configure(|job| job.scope = ScopeMode::All);
    rig.cycle();
    check(&mut rig, &[]);
    rig.configure(|job| job.scope = ScopeMode::Assigned);
    rig.cycle();
    check(&mut rig, &[("dora active: True not False", "scope-narrowed")]);
    // Whoever changes is looked at again. A removal that no cycle took up is no blind spot.
    rig.set("dora", "jobTitle", "Boss");
    rig.cycle();
    check(&mut rig, &[]);
    rig.assign("cara", false);
    rig.member("Sales", "cara", false);
    let mut row = rig.store.job("job").unwrap().unwrap();
    row.watermark = Some(rig.store.last_seq().unwrap());
    rig.store.save_job(&row).unwrap();
    let report = rig.ask();
    let found: Vec<_> = report.findings.iter().map(|finding| (about(finding), whose(finding))).collect();
    assert!(found.contains(&("cara active: True not False".to_owned(), "ours")), "{}", rig.told(&report));

    // A group as well, and after a full read nobody is left over.
    let mut rig = Rig::new("");
    rig.assign("Sales", false);
    rig.configure(|job| job.scope = ScopeMode::All);
    rig.cycle();
    rig.configure(|job| job.scope = ScopeMode::Assigned);
    rig.cycle();
    check(&mut rig, &[("dora active: True not False", "scope-narrowed"), ("Sales orphan", "scope-narrowed")]);
    rig.run(Purpose::InitialCycle);
    check(&mut rig, &[]);
    assert_eq!(rig.store.everybody_until("job").unwrap(), None);
    scimulator::covers!("E-012");
}
