//! The checklist of `engine.md 15`, item by item, on virtual time. What each item has in its corners is tested where
//! it belongs; this is the walk along the whole of it.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use scimulator::clock::{Clock as _, SignedDuration};
use scimulator::directory::object::ObjectKind;
use scimulator::engine::quarantine::Reason;
use scimulator::engine::restart::{Reset, restart};
use scimulator::engine::{CycleKind, Purpose, RunState, status as job_status};
use scimulator::http::Method;
use scimulator::store::{Edit, Store};

use super::harness::{Kill, World, status, upn};
use crate::bad_targets::server::{PATIENCE, Server};
use crate::common::Project;

const DISABLE: &str = r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"False"}]"#;
const ENABLE: &str = r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"True"}]"#;

/// Method and collection of each request.
fn shapes(lines: &[String]) -> Vec<String> {
    let shape = |line: &String| {
        line.split(['?', ' ', '/']).filter(|part| !part.is_empty()).take(2).collect::<Vec<_>>().join(" ")
    };
    lines.iter().map(shape).collect()
}

/// What a cycle wrote.
fn writes(world: &mut World) -> Vec<String> {
    world.requests().into_iter().filter(|line| !line.starts_with("GET ")).collect()
}

fn purge(world: &mut World, name: &str) {
    let (id, now) = (world.people.id(name), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
}

#[test]
fn item_1_a_first_start_and_a_second_run_without_changes() {
    let begin = || {
        let mut world = World::new("");
        world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).group("G").member("G", "u");
        world.people.assign("boss").assign("G");
        world
    };
    let mut world = begin();
    let last = world.killed_cycle(Kill::Never).exchanges - 1;
    assert!(world.job().watermark.is_some());
    let mut cut = begin();
    cut.killed_cycle(Kill::After(last));
    assert_eq!(cut.job().watermark, None, "not before the end");

    let probes = ["GET Users", "GET Groups"];
    let objects = ["GET Users", "POST Users", "GET Users", "POST Users", "GET Groups", "POST Groups"];
    let references = ["PATCH Users", "PATCH Groups"];
    assert_eq!(shapes(&world.trace()), [&probes[..], &objects, &references].concat());
    assert_eq!(world.job().steady, None);
    world.clean_cycle();
    assert_eq!(shapes(&world.trace()), probes);
    let (first, latest) = world.job().steady.unwrap();
    assert_eq!((first, latest), (world.clock.now(), world.clock.now()));
    world.clean_cycle();
    assert_eq!(world.job().steady, Some((first, world.clock.now())));
}

#[test]
fn item_2_leaving_and_coming_back_in_every_way() {
    let mut world = World::new(
        "[[job.filter]]\nobject = \"user\"\nname = \"In\"\nclauses = [\n  \
         { attribute = \"extensionAttribute1\", operator = \"EQUALS\", value = \"in\" },\n]\n",
    );
    world.people.user("u", &[("extensionAttribute1", "in")]).assign("u");
    world.people.user("w", &[("extensionAttribute1", "in")]).assign("w").user("bystander", &[]);
    world.clean_cycle();
    world.sent();
    let set = |world: &mut World, attribute: &str, value: &str| {
        world.people.set("u", attribute, value);
    };
    let mut expect = |name: &str, event: &dyn Fn(&mut World), expected: &[&str]| {
        event(&mut world);
        world.clean_cycle();
        assert_eq!(writes(&mut world), expected, "{name}");
    };
    expect("disabled", &|world| set(world, "accountEnabled", "False"), &[DISABLE]);
    expect("enabled", &|world| set(world, "accountEnabled", "True"), &[ENABLE]);
    let unassign = |world: &mut World| {
        world.people.unassign("u");
    };
    expect("unassigned", &unassign, &[DISABLE]);
    let assign = |world: &mut World| {
        world.people.assign("u");
    };
    expect("assigned", &assign, &[ENABLE]);
    expect("filtered out", &|world| set(world, "extensionAttribute1", "out"), &[DISABLE]);
    expect("passes again", &|world| set(world, "extensionAttribute1", "in"), &[ENABLE]);
    let vanish = |world: &mut World| {
        world.people.hide("u");
    };
    expect("soft-deleted", &vanish, &[DISABLE]);
    let month = SignedDuration::from_hours(30 * 24);
    expect("30 days later", &|world| world.clock.advance(month), &["DELETE /Users/{u}"]);
    expect("another cycle", &|_| {}, &[]);
    world.people.unassign("w");
    world.clean_cycle();
    assert_eq!((writes(&mut world).len(), world.active("w")), (1, Some(false)));
    purge(&mut world, "w");
    world.people.hide("w");
    world.clean_cycle();
    assert_eq!(writes(&mut world), [""; 0], "hard-deleted after it was unassigned");

    let mut world = World::new("scope = \"all\"");
    world.people.user("u", &[]).assign("u");
    world.clean_cycle();
    world.sent();
    world.people.unassign("u");
    world.clean_cycle();
    assert_eq!(writes(&mut world), [""; 0], "Sync All");
}

/// That a default value is for creates alone: `mappings_in_jobs.rs`.
#[test]
fn item_3_what_a_cycle_does_not_see_and_what_it_does_not_clear() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("u");
    world.people.user("x", &[("jobTitle", "Clerk")]).assign("x");
    world.people.user("v", &[("manager", &upn("u"))]).assign("v").group("H").member("H", "v").assign("H");
    world.clean_cycle();
    assert_eq!((world.manager("u"), world.manager("v").as_deref()), (None, Some("u")));
    world.people.assign("boss");
    world.clean_cycle();
    assert_eq!(world.manager("u"), None, "late");
    world.sent();
    world.people.set("x", "jobTitle", "").set("v", "manager", "").drop_member("H", "v");
    world.clean_cycle();
    assert_eq!(shapes(&writes(&mut world)), ["PATCH Users", "PATCH Groups"], "references alone");
    assert_eq!(world.held("x").unwrap()["title"], "Clerk");
    assert_eq!((world.manager("v"), world.members("H").len()), (None, 0));
    world.run(Purpose::InitialCycle);
    assert_eq!(world.manager("u").as_deref(), Some("boss"), "the full read sees it");
}

#[test]
fn item_4_one_object_fails_and_is_tried_again_with_a_count_and_a_date() {
    let mut world = World::new("");
    for name in ["a", "bad", "c"] {
        world.people.user(name, &[]).assign(name);
    }
    world.always(Method::Get, "userName+eq+%22bad", status(500));
    assert_eq!(world.cycle().state, RunState::EntryLevelErrors);
    assert_eq!((world.active("a"), world.active("bad"), world.active("c")), (Some(true), None, Some(true)));
    let due = world.begin_next();
    assert_eq!(due.duration_since(world.clock.now()), SignedDuration::from_mins(40));
    world.cycle();
    let reasons: Vec<String> = world
        .log()
        .iter()
        .filter(|logged| logged.row.status == "failure")
        .map(|logged| logged.reason().to_owned())
        .collect();
    for (reason, (count, again)) in
        reasons.iter().zip([("0", "2026-01-05T08:40:00.0000000Z"), ("1", "2026-01-05T14:00:00.0000000Z")])
    {
        assert!(reason.contains(&format!("retried {count} times")), "{reason}");
        assert!(reason.contains(&format!("again after this date: {again}")), "{reason}");
    }
    assert_eq!(reasons.len(), 2);
}

/// But for the mail, which nobody sends yet.
#[test]
fn item_5_a_refused_token_and_the_ladder_to_the_end() {
    let refused = || {
        let mut world = World::new("");
        world.people.user("u", &[]).assign("u");
        world.clean_cycle();
        world.always(Method::Get, "/Users", status(401));
        world
    };
    let mut world = refused();
    let first = world.cycle();
    assert_eq!(first.quarantine.unwrap().reason, Reason::EncounteredQuarantineException);
    assert_eq!(first.next_cycle.duration_since(world.clock.now()), SignedDuration::from_mins(30));
    world.heal();
    let recovered = world.clean_cycle();
    assert_eq!((recovered.quarantine, recovered.state), (None, RunState::Succeeded));

    // 30 minutes, doubling to a day, for as long as it fits into 28 days.
    let (mut ladder, mut pause, mut age) = (0, 30, 0);
    while age < 28 * 24 * 60 {
        ladder += 1;
        age += pause;
        pause = (2 * pause).min(24 * 60);
    }
    let mut world = refused();
    let (spec, _) = world.spec();
    let limit = spec.rules.quarantine.limit;
    let mut cycles = 0;
    let mut due = world.begin_next();
    let ends = due.checked_add(limit).unwrap();
    while due < ends {
        world.run_at(Purpose::Cycle, due);
        cycles += 1;
        due = world.begin_next();
    }
    assert_eq!(cycles, ladder);
    assert!(job_status::settle(world.store(), &spec, ends).unwrap());
    assert!(world.job().disabled);
}

/// The worked examples of `engine.md 6.2` at a thousandth; `src/engine/quarantine.rs` has them at full numbers.
#[test]
fn item_6_the_thresholds_end_to_end() {
    let cases = [
        (5, 5, 0, Some(Reason::EncounteredEscrowProportionThreshold)),
        (4, 6, 0, None),
        (20, 100, 0, None),
        (41, 100, 0, Some(Reason::EncounteredBaseEscrowThreshold)),
        (40, 61, 20, None),
        (40, 61, 21, Some(Reason::EncounteredTotalEscrowThreshold)),
    ];
    for (failing, well, references, expected) in cases {
        let mut world = World::new("[job.fidelity]\nscale = 1000\n");
        world.people.user("boss", &[]).assign("boss");
        world.clean_cycle();
        for number in 0..failing {
            let name = format!("bad{number}");
            world.people.user(&name, &[]).assign(&name);
        }
        for number in 0..well {
            let name = format!("good{number}");
            let manager = if number < references { upn("boss") } else { String::new() };
            world.people.user(&name, &[("manager", &manager)]).assign(&name);
        }
        world.always(Method::Get, "userName+eq+%22bad", status(500));
        world.always(Method::Patch, "/Users", status(500));
        let reason = world.cycle().quarantine.map(|quarantine| quarantine.reason);
        assert_eq!(world.escrows().len(), failing + references, "{failing} and {references} of {well}");
        assert_eq!(reason, expected, "{failing} failing, {well} well, {references} references");
    }
}

fn guarded() -> World {
    let mut world = World::new("delete_threshold = 1\nnotification_email = \"ops@contoso.com\"\n");
    world.people.user("u", &[]).user("v", &[]).user("stays", &[]);
    world.people.assign("u").assign("v").assign("stays");
    world.clean_cycle();
    world.sent();
    world
}

#[test]
fn item_7_removals_above_the_threshold_are_staged_until_they_are_forced() {
    let mut world = guarded();
    purge(&mut world, "v");
    world.people.unassign("u").hide("v");
    assert_eq!(world.cycle().quarantine.unwrap().reason, Reason::TooManyDeletes);
    assert_eq!(writes(&mut world), [""; 0]);
    assert_eq!(world.log_lines(), ["u stagedDelete skipped", "v stagedDelete skipped"]);
    let ((spec, _), now) = (world.spec(), world.clock.now());
    restart(world.store(), &spec, Reset::FORCE_DELETES, now).unwrap().unwrap();
    assert_eq!(world.clean_cycle().quarantine, None);
    assert_eq!(writes(&mut world), [DISABLE, "DELETE /Users/{v}"]);
}

#[test]
fn item_8_restarts_with_and_without_links() {
    for (reset, expected) in [
        (Reset::EMPTY, &["GET /Users/{u}"][..]),
        (Reset::FULL, &["GET /Users?filter=userName+eq+%22u%40contoso.com%22"]),
    ] {
        let mut world = World::new("");
        world.people.user("u", &[]).assign("u");
        world.clean_cycle();
        world.sent();
        let ((spec, _), now) = (world.spec(), world.clock.now());
        restart(world.store(), &spec, reset, now).unwrap().unwrap();
        assert_eq!(world.clean_cycle().kind, CycleKind::Initial);
        assert_eq!(world.requests(), expected);
    }
}

#[test]
fn item_8_a_pause_lets_the_cycle_end_and_start_goes_on_from_the_old_watermark() {
    let (reached, is_reached) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let server = Server::start(move |asked| {
        if asked.creates("ada") {
            reached.send(()).unwrap();
            released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        None
    });
    let config = format!(
        "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = '{}'\nscope = 'all'\n",
        server.url()
    );
    let users =
        "userPrincipalName,displayName,mailNickname\nada@contoso.com,Ada,ada\nben@contoso.com,Ben,ben\n";
    let project = Project::with([("scimulator.toml", config.as_str()), ("directory/users.csv", users)]);
    let watermark = || Store::open(&project.path("state")).unwrap().job("app").unwrap().unwrap().watermark;
    std::thread::scope(|scope| {
        let cycle = scope.spawn(|| project.scimulator(["cycle"]).output().unwrap());
        is_reached.recv_timeout(PATIENCE).unwrap();
        project.scimulator(["pause"]).assert().success();
        release.send(()).unwrap();
        assert_eq!(cycle.join().unwrap().status.code(), Some(0));
    });
    assert_eq!(server.users(), ["ada@contoso.com", "ben@contoso.com"], "it ended as it would have");
    let before = watermark();
    assert!(before.is_some());
    project.write("directory/users.csv", &format!("{users}cleo@contoso.com,Cleo,cleo\n"));
    assert_eq!(project.scimulator(["cycle"]).output().unwrap().status.code(), Some(2), "paused");
    assert_eq!((watermark(), server.users().len()), (before, 2));
    project.scimulator(["start"]).assert().success();
    let asked = server.asked().len();
    project.scimulator(["cycle"]).assert().success();
    assert_eq!(server.users().len(), 3);
    assert_eq!(server.asked().len() - asked, 4, "two probes, a query, a create: nobody else is read");
}

#[test]
fn item_9_a_saved_filter_reads_everybody_and_disables_who_fails_it() {
    let filter = "[[job.filter]]\nobject = \"user\"\nname = \"Sales\"\nclauses = [\n  \
                  { attribute = \"department\", operator = \"EQUALS\", value = \"Sales\" },\n]\n";
    for (flag, expected) in [("", &[DISABLE][..]), ("skip_out_of_scope_deletions = true\n", &[])] {
        let mut world = World::new(flag);
        world.people.user("u", &[("department", "Legal")]).assign("u");
        world.people.user("v", &[("department", "Sales")]).assign("v");
        world.clean_cycle();
        world.sent();
        world.configure(&format!("{flag}{filter}"));
        assert_eq!(world.clean_cycle().kind, CycleKind::Initial);
        assert_eq!(writes(&mut world), expected);
    }
}
