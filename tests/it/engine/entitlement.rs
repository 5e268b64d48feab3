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
