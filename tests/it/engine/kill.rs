//! Kill it anywhere (design, law 4): after any transaction, before any request leaves or after the target has done it,
//! the next cycle of another process ends where an uninterrupted one ends, and creates nobody twice.

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::EngineError;
use scimulator::engine::quarantine::Reason;
use scimulator::engine::status as job_status;
use scimulator::http::Method;
use scimulator::store::{Edit, Escrow, StoreError};
use serde_json::Value;

use super::harness::{Answer, JOB, Kill, World, status, upn};

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

/// What a cycle leaves: in the app, and of the job's standing what is told to people.
#[derive(Debug, PartialEq)]
struct End {
    content: Vec<Value>,
    /// Object, code and whether it is a reference; how often it was tried is another matter after a kill.
    escrows: Vec<String>,
    quarantine: Option<Reason>,
    staged: Vec<String>,
    watermark: Option<i64>,
}

fn end(world: &mut World) -> End {
    let escrow = |escrow: &Escrow| format!("{} {} {}", escrow.label, escrow.error_code, escrow.is_reference);
    let job = world.job();
    End {
        content: content(world),
        escrows: world.escrows().iter().map(escrow).collect(),
        quarantine: job_status::quarantine(&job).unwrap().map(|quarantine| quarantine.reason),
        staged: world.store().staged(JOB).unwrap().into_iter().map(|(_, _, label)| label).collect(),
        watermark: job.watermark,
    }
}

/// A cycle to be killed.
struct Story {
    /// All that comes before it.
    prepare: fn() -> World,
    /// What lets the job end well after it.
    mend: fn(&mut World),
    /// So many requests it sends at least, so that a kill has something to hit.
    requests: usize,
}

/// Kills the cycle at every boundary there is: after each transaction that it commits, the last one included, and
/// between the target's answer to each request and the news of it. Each time the next cycle has to end like an
/// uninterrupted one, and the job has to be mended by the same as that.
fn kill_everywhere(name: &str, story: &Story) {
    let mut whole = (story.prepare)();
    let before = whole.store().job(JOB).unwrap().and_then(|job| job.watermark);
    whole.sent();
    let reached = whole.killed_cycle(Kill::Never);
    assert!(reached.ended && story.requests <= reached.exchanges, "{name}: {reached:?}");
    // A cycle commits before the first request and after the last, and more than once in between.
    assert!(reached.exchanges < reached.commits, "{name}: {reached:?}");
    let expected = end(&mut whole);
    (story.mend)(&mut whole);
    whole.clean_cycle();
    let mended = content(&whole);
    let posts = creates(&mut whole);

    let commits = (0..=reached.commits).map(Kill::Committed);
    let places: Vec<Kill> = commits.chain((0..reached.exchanges).map(Kill::After)).collect();
    for kill in &places {
        let mut world = (story.prepare)();
        world.sent();
        world.killed_cycle(*kill);
        let watermark = world.store().job(JOB).unwrap().and_then(|job| job.watermark);
        if watermark != before {
            assert_eq!(content(&world), expected.content, "{name}, {kill:?}: the watermark is ahead");
        }
        world.cycle();
        assert_eq!(end(&mut world), expected, "{name}, {kill:?}");
        (story.mend)(&mut world);
        world.clean_cycle();
        assert_eq!(content(&world), mended, "{name}, {kill:?}: mended");
        assert_eq!(creates(&mut world), posts, "{name}, {kill:?}: nobody is created twice");
        world.clean_cycle();
        assert_eq!(world.requests(), [""; 0], "{name}, {kill:?}: and then there is nothing left to do");
    }
    eprintln!("{name}: killed in {} places", places.len());
}

fn nothing(_world: &mut World) {}

fn heal(world: &mut World) {
    world.heal();
}

#[test]
fn an_initial_cycle_can_be_killed_anywhere() {
    kill_everywhere("initial cycle", &Story { prepare: begin, mend: nothing, requests: 8 });
}

#[test]
fn an_incremental_cycle_can_be_killed_anywhere() {
    let prepare = || {
        let mut world = begin();
        world.clean_cycle();
        change(&mut world);
        world
    };
    kill_everywhere("joiner, mover, leavers", &Story { prepare, mend: nothing, requests: 8 });
}

/// The change log does not lead back to what these accounts refer to once they are linked: the link does.
#[test]
fn the_references_of_who_came_into_scope_survive_a_kill() {
    let prepare = || {
        let mut world = World::new("");
        world.people.user("u", &[]).user("v", &[]).group("G").member("G", "u").member("G", "v");
        world.people.assign("u").assign("v");
        world.clean_cycle();
        world.people.assign("G");
        world
    };
    kill_everywhere("a group comes into scope", &Story { prepare, mend: nothing, requests: 4 });
}

#[test]
fn the_references_of_who_came_out_of_escrow_survive_a_kill() {
    let prepare = || {
        let mut world = World::new("");
        world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).group("G").member("G", "u");
        world.people.assign("boss").assign("u").assign("G");
        world.once(Method::Post, "/Users", Answer::Through);
        world.once(Method::Post, "/Users", status(500));
        world.once(Method::Post, "/Groups", status(500));
        world.cycle();
        assert_eq!(world.escrow_lines(), ["u InternalServerError 0", "G InternalServerError 0"]);
        world
    };
    kill_everywhere("out of escrow", &Story { prepare, mend: nothing, requests: 6 });
}

#[test]
fn a_cycle_in_which_objects_and_references_fail_can_be_killed_anywhere() {
    let prepare = || {
        let mut world = World::new("[job.fidelity]\nescrow_schedule = \"every-cycle\"\n");
        world.people.user("old", &[]).assign("old");
        world.clean_cycle();
        world.people.user("bad", &[]).user("u", &[("manager", &upn("old"))]).group("G").member("G", "bad");
        world.people.member("G", "u").assign("G").set("old", "jobTitle", "Boss");
        world.always(Method::Get, "userName+eq+%22bad", status(500));
        world.always(Method::Patch, "/Groups", status(400));
        world
    };
    kill_everywhere("failures", &Story { prepare, mend: heal, requests: 9 });
}

#[test]
fn a_cycle_that_ends_in_quarantine_can_be_killed_anywhere() {
    // Refused in the middle, when the users are there and the watermark has to stay.
    let prepare = || {
        let mut world = begin();
        world.always(Method::Post, "/Groups", status(401));
        world
    };
    kill_everywhere("refused in mid-cycle", &Story { prepare, mend: heal, requests: 8 });
    // Too many failures: five at a thousandth of the thresholds.
    let prepare = || {
        let mut world = World::new("[job.fidelity]\nscale = 1000\nescrow_schedule = \"every-cycle\"\n");
        world.people.user("good", &[]).assign("good");
        world.clean_cycle();
        for name in ["f1", "f2", "f3", "f4", "f5"] {
            world.people.user(name, &[]).assign(name);
        }
        world.always(Method::Post, "/Users", status(400));
        world
    };
    kill_everywhere("too large a share", &Story { prepare, mend: heal, requests: 10 });
}

#[test]
fn a_cycle_that_trips_the_deletion_guard_can_be_killed_anywhere() {
    let prepare = || {
        let mut world = World::new("delete_threshold = 1\nnotification_email = \"ops@contoso.com\"\n");
        world.people.user("u", &[]).user("v", &[]).user("w", &[]);
        world.people.assign("u").assign("v").assign("w");
        world.clean_cycle();
        world.people.unassign("u").set("v", "accountEnabled", "False").user("joiner", &[]).assign("joiner");
        world
    };
    let allow = |world: &mut World| {
        let mut job = world.job();
        job.force_deletes = true;
        world.store().save_job(&job).unwrap();
    };
    kill_everywhere("held back", &Story { prepare, mend: allow, requests: 4 });
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

/// A disk that is full at any moment of the cycle: it ends with a sentence, and goes on when there is room.
#[test]
fn a_disk_that_fills_up_anywhere_in_a_cycle_costs_nothing_but_time() {
    let prepare = || {
        let mut world = begin();
        world.clean_cycle();
        change(&mut world);
        world.sent();
        world
    };
    let mut whole = prepare();
    let before = whole.store().pages().unwrap();
    whole.clean_cycle();
    let after = whole.store().pages().unwrap();
    let (expected, posts) = (content(&whole), creates(&mut whole));
    let mut hit = 0;
    for pages in before..after {
        let mut world = prepare();
        let watermark = world.job().watermark;
        world.store().limit_pages(pages).unwrap();
        let error = world.try_cycle().unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Full(_))), "{pages} pages: {error}");
        hit += 1;
        assert_eq!(world.job().watermark, watermark, "{pages} pages");
        world.restart();
        world.clean_cycle();
        assert_eq!(content(&world), expected, "{pages} pages");
        assert_eq!(creates(&mut world), posts, "{pages} pages: nobody is created twice");
    }
    assert!(2 < hit, "the cycle needs {hit} pages");
}
