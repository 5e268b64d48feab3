//! Creates whose answer is lost (design, law 4): what the target has taken in is found again, whatever the source did
//! since.

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::http::Method;
use scimulator::store::Edit;

use super::harness::{Answer, Event, World, unreachable};

/// The user `u` between two others, all assigned.
fn three() -> World {
    let mut world = World::new("");
    world
        .people
        .user("first", &[])
        .user("u", &[])
        .user("last", &[])
        .assign("first")
        .assign("u")
        .assign("last");
    world
}

fn users(world: &World) -> usize {
    world.target.app.resources().filter(|resource| resource["userName"].is_string()).count()
}

#[test]
fn a_create_whose_answer_is_lost_ends_in_a_match_even_after_a_rename() {
    let mut world = World::new("");
    world.people.user("u", &[]).assign("u");
    world.once(Method::Post, "/Users", Answer::LostAfterwards);
    world.cycle();
    assert_eq!(world.escrow_lines(), ["u WebExceptionProtocolError 0"]);
    let id = world.target_id("u");
    world.people.rename_user("u", "renamed");
    world.restart();
    world.sent();
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        [
            "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
            r#"PATCH /Users/{u} [{"op":"Replace","path":"userName","value":"renamed@contoso.com"}]"#,
        ]
    );
    assert_eq!((world.target_id("renamed"), users(&world)), (id, 1));
    assert!(
        world.last_log()[0].entry.steps.iter().any(|step| step.details.contains_key("InterruptedCreate"))
    );
}

#[test]
fn without_intent_recovery_a_lost_answer_and_a_rename_make_a_second_account() {
    let mut world = World::new("[job.fidelity]\nintent_recovery = false");
    world.people.user("u", &[]).assign("u");
    world.once(Method::Post, "/Users", Answer::LostAfterwards);
    world.cycle();
    world.people.rename_user("u", "renamed");
    world.clean_cycle();
    assert_eq!(users(&world), 2);
}

#[test]
fn who_leaves_scope_while_the_answer_to_his_create_is_lost_is_found_and_disabled() {
    let events: [(&str, Event, Option<bool>); 4] = [
        (
            "unassigned",
            |world| {
                world.people.unassign("u");
            },
            Some(false),
        ),
        (
            "disabled",
            |world| {
                world.people.set("u", "accountEnabled", "False");
            },
            Some(false),
        ),
        (
            "soft-deleted",
            |world| {
                world.people.hide("u");
            },
            Some(false),
        ),
        ("purged", purge, None),
    ];
    for (name, event, active) in events {
        let mut world = three();
        world.once(Method::Post, "/Users", Answer::Through);
        world.once(Method::Post, "/Users", Answer::LostAfterwards);
        world.cycle();
        assert_eq!(world.active("u"), Some(true));
        event(&mut world);
        world.restart();
        world.clean_cycle();
        assert_eq!(world.active("u"), active, "{name}");
        assert_eq!(world.escrow_lines(), [""; 0], "{name}");
    }
}

#[test]
fn who_leaves_scope_after_a_create_that_never_arrived_is_looked_for_once() {
    let mut world = three();
    world.once(Method::Post, "/Users", Answer::Through);
    world.once(Method::Post, "/Users", unreachable());
    world.cycle();
    world.people.unassign("u");
    world.sent();
    world.clean_cycle();
    assert_eq!(world.requests(), ["GET /Users?filter=userName+eq+%22u%40contoso.com%22"]);
    world.people.set("u", "jobTitle", "Boss");
    world.clean_cycle();
    assert_eq!(world.requests(), [""; 0]);
}

fn purge(world: &mut World) {
    let (id, now) = (world.people.id("u"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
}
