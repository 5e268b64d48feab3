//! Whose assignment changes with a group: its members are looked at, and nobody else (`engine.md 3.2`).

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::store::{Edit, WorkWindow};

use super::harness::{JOB, World};

/// Two users who are assigned through a group, one who is by herself, and a group that is not assigned.
fn settled(lines: &str) -> World {
    let mut world = World::new(lines);
    world.people.user("ada", &[]).user("ben", &[]).user("cyd", &[]).user("dan", &[]);
    world.people.group("G").member("G", "ada").member("G", "ben").group("Other").member("Other", "dan");
    world.people.assign("G").assign("cyd");
    world.clean_cycle();
    world.sent();
    world
}

fn active(world: &World) -> [Option<bool>; 3] {
    ["ada", "ben", "cyd"].map(|name| world.active(name))
}

#[test]
fn members_of_an_assigned_group_leave_with_it_and_come_back_with_it() {
    let mut world = settled("");
    world.people.set("G", "deletedDateTime", "2026-01-04T00:00:00Z");
    world.clean_cycle();
    assert_eq!(active(&world), [Some(false), Some(false), Some(true)], "the group is in the recycle bin");
    world.people.set("G", "deletedDateTime", "");
    world.clean_cycle();
    assert_eq!(active(&world), [Some(true); 3], "it is back");
    let (id, now) = (world.people.id("G"), world.clock.now());
    world.store().edit(ObjectKind::Group, &id, &Edit::Delete, now).unwrap();
    world.clean_cycle();
    assert_eq!(active(&world), [Some(false), Some(false), Some(true)], "it is deleted for good");
}

#[test]
fn who_leaves_a_group_while_it_is_taken_away_is_seen() {
    let mut world = settled("");
    world.people.unassign("G").drop_member("G", "ada");
    world.clean_cycle();
    assert_eq!(active(&world), [Some(false), Some(false), Some(true)]);
}

/// Names of the users that a cycle would look at after these changes.
fn looked_at(lines: &str, change: fn(&mut World)) -> Vec<&'static str> {
    let mut world = settled(lines);
    let after = world.job().watermark;
    change(&mut world);
    let (spec, source) = world.spec();
    world.people.save(&world.project);
    let now = world.clock.now();
    let ids = ["ada", "ben", "cyd", "dan"].map(|name| (name, world.people.id(name)));
    let store = world.store();
    scimulator::directory::import::import(store, &source, now).unwrap();
    let window = WorkWindow { after, until: store.last_seq().unwrap() };
    let by_assignment = spec.scope == scimulator::scope::ScopeMode::Assigned;
    store.plan_work(JOB, by_assignment, window, now).unwrap();
    let is_there = |id: &str| store.work_of(ObjectKind::User, id).unwrap().is_some();
    ids.iter().filter(|(_, id)| is_there(id)).map(|(name, _)| *name).collect()
}

#[test]
fn only_members_of_groups_that_count_for_the_job_are_looked_at() {
    type Change = fn(&mut World);
    let cases: [(&str, Change, &[&str]); 6] = [
        ("an assigned group changes", |world| _ = world.people.set("G", "description", "d"), &["ada", "ben"]),
        ("another group changes", |world| _ = world.people.set("Other", "description", "d"), &[]),
        ("somebody joins the assigned group", |world| _ = world.people.member("G", "dan"), &["dan"]),
        ("somebody leaves another group", |world| _ = world.people.drop_member("Other", "dan"), &[]),
        ("another group is assigned", |world| _ = world.people.assign("Other"), &["dan"]),
        ("the group is taken away", |world| _ = world.people.unassign("G"), &["ada", "ben"]),
    ];
    for (name, change, expected) in cases {
        assert_eq!(looked_at("", change), expected, "{name}");
        let all: [&str; 0] = [];
        assert_eq!(looked_at("scope = 'all'", change), all, "{name}, with everybody in scope");
    }
}

/// Assigned by a role that the application has switched off.
const ROLES: &str = "\n[[app_role]]\nid = \"00000000-0000-0000-0000-00000000000a\"\nvalue = \"off\"\n\
    displayName = \"Off\"\nenabled = false\n[[app_role]]\nid = \"00000000-0000-0000-0000-00000000000b\"\n\
    value = \"on\"\ndisplayName = \"On\"\n";

#[test]
fn a_broken_assignment_record_entitles_to_nothing_and_is_logged_as_skipped() {
    let mut world = World::new(ROLES);
    world
        .people
        .user("broken", &[])
        .user("sound", &[])
        .user("both", &[])
        .user("off", &[("accountEnabled", "False")]);
    world.people.assign_role("broken", "off").assign_role("sound", "on").assign_role("both", "off");
    world.people.assign_role("both", "on").assign_role("off", "on");
    world.clean_cycle();
    assert_eq!(
        world.log_lines(),
        [
            "broken create skipped EntrySynchronizationSkipped",
            "sound create success",
            "both create success",
            "off create skipped EntrySynchronizationSkipped",
        ]
    );
    let log = world.last_log();
    let skip = |index: usize| log[index].entry.steps.last().unwrap().clone();
    for (index, words) in [(0, "1) it lacks the required entitlement"), (3, "1) it is disabled")] {
        assert_eq!(skip(index).details["SkipReason"], "NotEffectivelyEntitled");
        assert!(skip(index).description.contains(words), "{}", skip(index).description);
    }
    let scoping = log[0].entry.steps.iter().find(|step| step.name == "EntrySynchronizationScoping").unwrap();
    assert_eq!(scoping.details["Assigned to the application"], "True");
    assert_eq!(scoping.details["User has the required role"], "False");

    // A role that is switched off later takes everybody out who has no other.
    world.configure(&ROLES.replace("enabled = false", "").replace("\"On\"", "\"On\"\nenabled = false"));
    world.clean_cycle();
    let active = ["broken", "sound", "both", "off"].map(|name| world.active(name));
    assert_eq!(active, [Some(true), Some(false), Some(true), None]);
    scimulator::covers!("E-060");
}

#[test]
fn the_reasons_that_apply_are_numbered_from_one() {
    let filter = "[[job.filter]]\nobject = \"user\"\nname = \"In\"\n\
        clauses = [{ attribute = \"site\", operator = \"NOT EQUALS\", value = \"Out\" }]\n";
    let mut world = World::new(&format!("{filter}{ROLES}"));
    world.people.user("known", &[("site", "Here")]).assign("known");
    world.clean_cycle();
    world
        .people
        .user("a", &[("site", "Here")])
        .user("b", &[("site", "Out")])
        .user("c", &[("site", "Out")])
        .user("d", &[("site", "Here")]);
    world.people.assign_role("b", "off").assign("c").assign_role("d", "off");
    world.clean_cycle();
    let log = world.last_log();
    let not = ["not assigned", "lacks the required entitlement", "did not pass the scoping filter"];
    for (logged, reasons) in log.iter().zip([&not[..1], &not[1..], &not[2..], &not[1..2]]) {
        let step = logged.entry.steps.last().unwrap();
        assert_eq!(step.details["SkipReason"], "NotEffectivelyEntitled");
        let listed = step.description.split_once("entitled: ").unwrap().1;
        let mut rest = listed;
        for (index, reason) in reasons.iter().enumerate() {
            let number = format!("{}) ", index + 1);
            let at = rest.find(&number).unwrap_or_else(|| panic!("{number} in {listed}"));
            let after = rest[at..].find(reason).unwrap_or_else(|| panic!("{reason} in {listed}"));
            rest = &rest[at + after..];
        }
        assert!(!listed.contains(&format!("{}) ", reasons.len() + 1)), "{listed}");
    }
    assert_eq!(log.len(), 4);
    scimulator::covers!("E-240");
}
