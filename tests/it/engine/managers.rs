//! A cell that names a manager who is not in the directory yet, or no longer.

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::store::Edit;

use super::harness::{World, upn};

const URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// `u` and `v` report to `boss`, and only the cells of `u` and `v` say so.
fn reports() -> World {
    let mut world = World::new("scope = \"all\"");
    world
        .people
        .user("u", &[("manager", &upn("boss"))])
        .user("v", &[("manager", &upn("Boss"))])
        .user("w", &[]);
    world
}

#[test]
fn a_manager_who_joins_after_the_reports_is_set_in_the_same_cycle() {
    let mut world = reports();
    world.clean_cycle();
    assert_eq!((world.manager("u"), world.manager("v")), (None, None));
    world.sent();
    world.people.user("boss", &[]);
    world.clean_cycle();
    assert_eq!(
        (world.manager("u").as_deref(), world.manager("v").as_deref(), world.manager("w")),
        (Some("boss"), Some("boss"), None)
    );
    world.sent();
    world.clean_cycle();
    assert_eq!(world.requests(), [""; 0]);
}

#[test]
fn a_manager_who_is_deleted_is_taken_from_the_reports_and_a_return_puts_nobody_back() {
    let mut world = reports();
    world.people.user("boss", &[]);
    world.clean_cycle();
    world.sent();
    world.people.hide("boss");
    world.clean_cycle();
    let removals: Vec<String> =
        world.requests().into_iter().filter(|line| line.contains(&format!("{URN}:manager"))).collect();
    assert_eq!(removals.len(), 2, "{removals:?}");
    assert_eq!((world.manager("u"), world.manager("v"), world.active("boss")), (None, None, Some(false)));
    world.people.show("boss");
    world.clean_cycle();
    assert_eq!((world.manager("u"), world.active("boss")), (None, Some(true)));
}

#[test]
fn a_manager_deleted_by_command_leaves_the_reports_too() {
    let mut world = reports();
    world.people.user("boss", &[]);
    world.clean_cycle();
    let (boss, now) = (world.people.id("boss"), world.clock.now());
    world.store().edit(ObjectKind::User, &boss, &Edit::Delete, now).unwrap();
    world.clean_cycle();
    assert_eq!((world.manager("u"), world.manager("v")), (None, None));
}
