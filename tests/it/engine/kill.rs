//! Kill it anywhere (design, law 4): before any request leaves or after the target has done it, the next cycle of
//! another process ends where an uninterrupted one ends, and creates nobody twice.

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::http::Method;
use scimulator::store::Edit;
use serde_json::Value;

use super::harness::{Answer, Kill, World, status, upn};

/// The directory of the first cycle: a manager, a group, somebody matched, one of each who will leave.
fn begin() -> World {
    let mut world = World::new("");
    world.people.user("boss", &[("jobTitle", "Boss")]).user("u", &[("manager", &upn("boss"))]);
    world.people.user("matched", &[("department", "Sales")]).user("leaver", &[]).user("purged", &[]);
    world.people.group("G").group("H").member("G", "u").member("G", "leaver").member("H", "purged");
    world.people.assign("boss").assign("matched").assign("G").assign("H");
    let there = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn("matched"), "active": true,
    });
    world.by_hand(Method::Post, "/Users", Some(&there));
    world
}

/// What happens before the second cycle: joiner, mover, leavers.
fn change(world: &mut World) {
    let (id, now) = (world.people.id("purged"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world.people.drop_member("G", "leaver").set("u", "jobTitle", "Clerk").set(
        "u",
        "manager",
        &upn("matched"),
    );
    world
        .people
        .user("joiner", &[("manager", &upn("u"))])
        .member("G", "joiner")
        .rename_user("matched", "renamed");
    world.people.unassign("H").group("I").member("I", "u").assign("I");
}

/// Everything in the app but versions and times, which tell when and how often something was written.
fn content(world: &World) -> Vec<Value> {
    let mut content: Vec<Value> = world.target.app.resources().cloned().collect();
    for resource in &mut content {
        resource.as_object_mut().unwrap().remove("meta");
        if let Some(members) = resource.get_mut("members").and_then(Value::as_array_mut) {
            members.sort_by_key(ToString::to_string);
        }
    }
    content.sort_by_key(ToString::to_string);
    content
}

/// How many creates the app accepted.
fn creates(world: &mut World) -> usize {
    world.sent().iter().filter(|sent| sent.status == Some(201)).count()
}

/// Kills the cycle at every place in turn; each time the next one has to end like an uninterrupted one.
/// `requests` is how many an uninterrupted one sends at least, so that a kill has something to hit.
fn kill_everywhere(requests: usize, prepare: fn() -> World) {
    let mut whole = prepare();
    whole.sent();
    whole.clean_cycle();
    let sent = whole.sent();
    let expected = content(&whole);
    let posts = sent.iter().filter(|sent| sent.status == Some(201)).count();
    assert!(requests <= sent.len() && 1 <= posts, "{}", sent.len());
    for number in 0..sent.len() {
        for kill in [Kill::Before(number), Kill::After(number)] {
            let mut world = prepare();
            world.sent();
            assert!(!world.killed_cycle(kill), "{kill:?} comes after the end");
            world.clean_cycle();
            assert_eq!(content(&world), expected, "{kill:?}");
            assert_eq!(creates(&mut world), posts, "{kill:?}: nobody is created twice");
            world.clean_cycle();
            assert_eq!(world.requests(), [""; 0], "{kill:?}: and then there is nothing left to do");
        }
    }
}

#[test]
fn an_initial_cycle_can_be_killed_anywhere() {
    kill_everywhere(8, begin);
}

#[test]
fn an_incremental_cycle_can_be_killed_anywhere() {
    kill_everywhere(8, || {
        let mut world = begin();
        world.clean_cycle();
        change(&mut world);
        world
    });
}

/// The change log does not lead back to what these accounts refer to once they are linked: the link does.
#[test]
fn the_references_of_who_came_into_scope_or_out_of_escrow_survive_a_kill() {
    kill_everywhere(4, || {
        let mut world = World::new("");
        world.people.user("u", &[]).user("v", &[]).group("G").member("G", "u").member("G", "v");
        world.people.assign("u").assign("v");
        world.clean_cycle();
        world.people.assign("G");
        world
    });
    kill_everywhere(6, || {
        let mut world = World::new("");
        world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).group("G").member("G", "u");
        world.people.assign("boss").assign("u").assign("G");
        world.once(Method::Post, "/Users", Answer::Through);
        world.once(Method::Post, "/Users", status(500));
        world.once(Method::Post, "/Groups", status(500));
        world.cycle();
        assert_eq!(world.escrow_lines(), ["u InternalServerError 0", "G InternalServerError 0"]);
        world
    });
}

/// Somebody is created, the process dies before it hears so, and the source goes on before the next cycle.
#[test]
fn whoever_leaves_between_the_kill_and_the_next_cycle_is_not_forgotten() {
    let mut whole = begin();
    whole.clean_cycle();
    for kill in (2..whole.sent().len()).flat_map(|number| [Kill::Before(number), Kill::After(number)]) {
        let mut world = begin();
        world.killed_cycle(kill);
        change(&mut world);
        // The next cycle is a full read, which does not see hard deletes (E-212); but this one came after the read
        // that it repeats.
        world.clean_cycle();
        let live = |name: &&str| world.held(name).is_some_and(|held| held["active"] != false);
        let everybody = ["boss", "u", "renamed", "joiner", "G", "I", "leaver", "H"];
        let left: Vec<&str> = everybody.into_iter().filter(live).collect();
        assert_eq!(left, ["boss", "u", "renamed", "joiner", "G", "I"], "{kill:?}");
        assert_eq!(world.held("purged"), None, "{kill:?}");
        assert_eq!(world.members("G"), ["joiner", "u"], "{kill:?}");
    }
}

#[test]
fn a_manager_whose_answer_was_lost_can_be_taken_away() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("boss").assign("u");
    world.once(Method::Patch, "/Users", Answer::LostAfterwards);
    world.cycle();
    assert_eq!(world.manager("u").as_deref(), Some("boss"));
    world.people.set("u", "manager", "");
    world.restart();
    world.clean_cycle();
    assert_eq!((world.manager("u"), world.escrow_lines()), (None, Vec::new()));
}

#[test]
fn a_member_whose_answer_was_lost_is_added_again_or_taken_out() {
    for stays in [true, false] {
        let mut world = World::new("");
        world.people.user("u", &[]).group("G").member("G", "u").assign("u").assign("G");
        world.once(Method::Patch, "/Groups", Answer::LostAfterwards);
        world.cycle();
        assert_eq!(world.members("G"), ["u"]);
        if !stays {
            world.people.drop_member("G", "u");
        }
        world.restart();
        world.sent();
        world.clean_cycle();
        let patches = world.requests().iter().filter(|line| line.starts_with("PATCH /Groups")).count();
        assert_eq!((patches, world.members("G").len()), (1, usize::from(stays)));
        world.clean_cycle();
        assert_eq!((world.requests(), world.escrow_lines()), (Vec::new(), Vec::new()));
    }
}
