//! Jobs in trouble, on virtual time: retries, thresholds, quarantine to its end, the deletion guard (`engine.md 5` to 7).

use scimulator::clock::{Clock as _, SignedDuration};
use scimulator::covers;
use scimulator::daemon::due::{Due, Standing, next_due};
use scimulator::directory::object::ObjectKind;
use scimulator::engine::quarantine::{Quarantine, Reason};
use scimulator::engine::restart::{Reset, restart};
use scimulator::engine::{CycleKind, CycleResult, Purpose, RunState, status};
use scimulator::http::Method;
use scimulator::store::Edit;

use super::harness::{JOB, World, status as answer, upn};

fn reason(result: &CycleResult) -> Option<Reason> {
    result.quarantine.as_ref().map(|quarantine| quarantine.reason)
}

/// Users `u1` to `u<count>`, all assigned.
fn crowd(lines: &str, count: usize) -> World {
    let mut world = World::new(lines);
    world.accept_vanished = true;
    for number in 1..=count {
        let name = format!("u{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world
}

/// Runs the cycles that the schedule brings until `days` days have passed; how many there were.
fn live(world: &mut World, days: i64) -> usize {
    let end = world.clock.now().saturating_add(SignedDuration::from_hours(days * 24)).unwrap();
    let mut cycles = 0;
    loop {
        let next = world.job().next_cycle.unwrap();
        if end < next {
            return cycles;
        }
        world.run_at(Purpose::Cycle, next);
        cycles += 1;
    }
}

/// E-147: one poisoned user for a month; everybody else is provisioned on, and the log tells how it went.
#[test]
fn a_poisoned_user_holds_nobody_up_and_is_given_up_after_28_days() {
    let mut world = crowd("", 3);
    world.always(Method::Post, "/Users", answer(500));
    world.run(Purpose::Cycle);
    world.heal();
    world.cycle();
    assert!(world.escrows().is_empty());
    world.people.user("poisoned", &[]).assign("poisoned");
    world.always(Method::Get, "userName+eq+%22poisoned%40", answer(500));
    let began = world.begin_next();
    world.run_at(Purpose::Cycle, began);
    let mut joined = 0;
    for day in 0..30 {
        let name = format!("joiner{day}");
        world.people.user(&name, &[]).assign(&name);
        live(&mut world, 1);
        joined += usize::from(world.active(&name) == Some(true));
    }
    assert_eq!(joined, 30, "everybody else goes on");
    let minutes: Vec<i64> = world
        .log()
        .iter()
        .filter(|logged| logged.row.label == upn("poisoned"))
        .map(|logged| logged.row.at.duration_since(began).as_mins())
        .collect();
    let days: Vec<i64> = (1..=28).map(|day| day * 24 * 60).collect();
    assert_eq!(minutes[..4], [0, 40, 6 * 60, 12 * 60]);
    assert_eq!(minutes[4..], days);
    let log = world.log();
    let told: Vec<&str> = log
        .iter()
        .filter(|logged| logged.row.label == upn("poisoned"))
        .map(super::harness::Logged::reason)
        .collect();
    assert!(
        told[0].contains("retried 0 times. It will be retried again after this date: 2026-01-05T"),
        "{}",
        told[0]
    );
    assert!(
        told.last().unwrap().ends_with("retried 31 times. It will not be retried again"),
        "{}",
        told.last().unwrap()
    );
    assert_eq!(world.escrows()[0].next_retry, None);
    // A change of the user brings a try of its own, and a new count.
    world.heal();
    world.people.set("poisoned", "jobTitle", "Boss");
    world.cycle();
    assert_eq!((world.active("poisoned"), world.escrows().len()), (Some(true), 0));
    covers!("E-145", "E-147", "E-148");
}

/// A create whose answer leaves open whether it happened waits like any other failure.
#[test]
fn a_create_that_may_have_happened_is_not_tried_before_its_time() {
    let mut world = crowd("", 1);
    world.always(Method::Post, "/Users", answer(500));
    world.cycle();
    world.cycle();
    world.sent();
    for _ in 0..7 {
        world.cycle();
        assert_eq!(world.requests(), [""; 0]);
    }
    world.heal();
    world.clean_cycle();
    assert_eq!(world.active("u1"), Some(true), "six hours after the first failure");
}

/// The thresholds at a hundredth: 50 failures, 40 %, 400 and 600.
const SCALED: &str = "[job.fidelity]\nscale = 100\nescrow_schedule = \"every-cycle\"\n";

#[test]
fn too_large_a_share_of_failures_quarantines_the_job_and_one_good_attempt_ends_it() {
    let mut world = crowd(SCALED, 1);
    world.clean_cycle();
    // 49 failures are too few to be looked at, whatever their share.
    for number in 0..49 {
        let name = format!("f{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world.always(Method::Post, "/Users", answer(500));
    let result = world.cycle();
    assert_eq!((result.state, reason(&result)), (RunState::EntryLevelErrors, None));
    world.people.user("f49", &[]).assign("f49");
    let before = world.job().watermark;
    let result = world.cycle();
    assert_eq!(reason(&result), Some(Reason::EncounteredEscrowProportionThreshold));
    assert!(before < world.job().watermark, "the cycle went through");
    let quarantine = result.quarantine.unwrap();
    assert_eq!(quarantine.error_code, "EncounteredEscrowProportionThreshold");
    assert_eq!(
        quarantine.error_message,
        "50 objects and 0 references are failing; 50 of 50 objects of the last cycle failed."
    );
    assert_eq!(
        quarantine.next_attempt.duration_since(quarantine.current_began),
        SignedDuration::from_mins(30)
    );
    // The next attempt is an ordinary cycle with the escrows that are due.
    let result = world.cycle();
    assert_eq!((reason(&result), result.quarantine.unwrap().series_count), (reason_of(&quarantine), 1));
    world.heal();
    let result = world.cycle();
    assert_eq!((reason(&result), result.statistics.actions.created), (None, 50));
    assert_eq!(result.next_cycle.duration_since(world.clock.now()), SignedDuration::from_mins(40));
    covers!("E-165", "E-170", "E-172", "E-276", "W-055", "W-056");
}

#[test]
fn by_choice_an_attempt_in_quarantine_leaves_escrows_alone() {
    let mut world = crowd(&format!("{SCALED}escrows_in_quarantine = false\n"), 1);
    world.clean_cycle();
    for number in 0..50 {
        let name = format!("f{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world.always(Method::Post, "/Users", answer(500));
    assert!(reason(&world.cycle()).is_some());
    world.heal();
    world.sent();
    let result = world.cycle();
    assert!(reason(&result).is_some(), "nothing was tried, so nothing is known to be better");
    assert_eq!((world.requests(), world.escrows().len()), (Vec::new(), 50));
    world.people.user("joiner", &[]).assign("joiner");
    let result = world.cycle();
    assert_eq!((reason(&result), result.statistics.actions.created), (None, 1));
    assert_eq!(world.cycle().statistics.actions.created, 50, "out of quarantine they are due again");
    covers!("E-276");
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what a result may lack")]
fn reason_of(quarantine: &Quarantine) -> Option<Reason> {
    Some(quarantine.reason)
}

#[test]
fn exactly_forty_percent_is_not_too_much_and_one_more_is() {
    for (failing, expected) in [(60, None), (61, Some(Reason::EncounteredEscrowProportionThreshold))] {
        let mut world = crowd(SCALED, 1);
        world.clean_cycle();
        for number in 0..150 {
            let name = if number < failing { format!("bad{number}") } else { format!("good{number}") };
            world.people.user(&name, &[]).assign(&name);
        }
        world.always(Method::Get, "userName+eq+%22bad", answer(500));
        assert_eq!(reason(&world.cycle()), expected);
    }
    covers!("E-159", "E-277");
}

/// README of the sheets, failure share: the other window weighs what is open against all that ever went well.
#[test]
fn the_share_may_be_taken_since_the_last_restart() {
    let lines = format!("{SCALED}share_window = \"since_restart\"\n");
    let mut world = crowd(&lines, 100);
    world.clean_cycle();
    for number in 0..60 {
        let name = format!("f{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world.always(Method::Post, "/Users", answer(500));
    assert_eq!(reason(&world.cycle()), None, "60 of 160 are less than 40 %");
    assert_eq!(world.job().exported, 100);
    covers!("E-164");
}

#[test]
fn too_many_failures_of_an_initial_cycle_are_dropped_and_the_job_waits() {
    let mut world = crowd(SCALED, 60);
    world.always(Method::Post, "/Users", answer(500));
    let result = world.cycle();
    assert_eq!((reason(&result), result.pruned), (None, true));
    let job = world.job();
    assert!(job.paused && job.escrows_pruned && world.escrows().is_empty());
    let (spec, _) = world.spec();
    let shown = status::synchronization_job(&spec, world.store()).unwrap();
    assert_eq!(shown["status"]["escrowsPruned"], true);
    assert_eq!((&shown["status"]["code"], &shown["schedule"]["state"]), (&"Paused".into(), &"Paused".into()));

    let lines = format!("{SCALED}initial_threshold_mode = \"quarantine\"\n");
    let mut world = crowd(&lines, 60);
    world.always(Method::Post, "/Users", answer(500));
    let result = world.cycle();
    assert_eq!((reason(&result), result.pruned), (Some(Reason::EncounteredEscrowProportionThreshold), false));
    assert_eq!(world.escrows().len(), 60);
    covers!("E-167");
}

#[test]
fn references_count_only_in_the_total() {
    // Nobody of 601 has his manager: 600 failures of references at a limit of 6,000 / 10.
    let mut world = World::new("[job.fidelity]\nscale = 1000\n");
    world.people.user("boss", &[]).assign("boss");
    world.clean_cycle();
    for number in 0..60 {
        let name = format!("u{number}");
        world.people.user(&name, &[("manager", &upn("boss"))]).assign(&name);
    }
    world.always(Method::Patch, "/Users", answer(500));
    let result = world.cycle();
    assert_eq!((world.escrows().len(), reason(&result)), (60, None));
    world.people.user("last", &[("manager", &upn("boss"))]).assign("last");
    let result = world.cycle();
    assert_eq!((world.escrows().len(), reason(&result)), (61, Some(Reason::EncounteredTotalEscrowThreshold)));
    covers!("E-138", "E-161", "E-163");
}

/// `engine.md 15` 5: refused credentials for four weeks. Attempts after 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 hours,
/// then one a day: 33 before the 28th day is over, and none after it.
#[test]
fn four_weeks_of_refused_credentials_disable_the_job() {
    let mut world = crowd("", 1);
    world.clean_cycle();
    world.always(Method::Get, "/Users", answer(401));
    let mut attempts = 0;
    let began = world.begin_next();
    loop {
        let (spec, _) = world.spec();
        let due = if attempts == 0 { began } else { world.begin_next() };
        let ends = status::quarantine(&world.job()).unwrap().map(|quarantine| {
            scimulator::engine::quarantine::ends_at(&quarantine, spec.rules.quarantine.limit)
        });
        if let Some(ends) = ends.filter(|ends| *ends <= due) {
            world.clock.advance_to(ends);
            break;
        }
        world.run_at(Purpose::Cycle, due);
        attempts += 1;
    }
    assert_eq!(attempts, 33);
    let now = world.clock.now();
    assert_eq!(now.duration_since(began), SignedDuration::from_hours(28 * 24));
    let (spec, _) = world.spec();
    assert!(status::settle(world.store(), &spec, now).unwrap(), "it is over");
    let shown = status::synchronization_job(&spec, world.store()).unwrap();
    assert_eq!(shown["schedule"]["state"], "Disabled");
    assert_eq!(shown["status"]["code"], "Quarantine");
    assert_eq!(shown["status"]["quarantine"]["reason"], "EncounteredQuarantineException");
    assert_eq!(shown["status"]["quarantine"]["seriesCount"], 32);
    covers!("E-173", "E-171", "W-058");
}

/// A guard of three removals.
const GUARDED: &str = "delete_threshold = 3\nnotification_email = \"ops@contoso.com\"\n";

fn writes(world: &mut World) -> Vec<String> {
    world.requests().into_iter().filter(|line| !line.starts_with("GET ")).collect()
}

/// Four leave in the four documented ways; somebody else joins in the same cycle.
fn four_leave(world: &mut World) {
    let (id, now) = (world.people.id("u1"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world.people.set("u2", "accountEnabled", "False").unassign("u3").drop_member("G", "u4");
    world.people.user("joiner", &[]).assign("joiner");
}

fn guarded(lines: &str) -> World {
    let mut world = crowd(lines, 3);
    world.people.user("u4", &[]).user("u5", &[]).assign("u5").group("G").member("G", "u4").assign("G");
    world.clean_cycle();
    world.sent();
    world
}

#[test]
fn more_removals_than_the_guard_lets_pass_are_staged_and_the_rest_goes_on() {
    let mut world = guarded(GUARDED);
    four_leave(&mut world);
    let result = world.cycle();
    assert_eq!(reason(&result), Some(Reason::TooManyDeletes));
    let sent = writes(&mut world);
    assert_eq!(sent.iter().filter(|line| line.contains("/Users")).collect::<Vec<_>>(), ["POST /Users"]);
    let mut lines = world.log_lines();
    lines.retain(|line| line.contains("staged"));
    assert_eq!(lines, ["u1", "u2", "u3", "u4"].map(|name| format!("{name} stagedDelete skipped")));
    assert_eq!((world.active("joiner"), world.active("u2")), (Some(true), Some(true)));
    let staged: Vec<String> =
        world.store().staged(JOB).unwrap().into_iter().map(|(_, _, name)| name).collect();
    assert_eq!(staged, ["u1", "u2", "u3", "u4"].map(upn));
    // An attempt finds them still there, and holds them back again.
    world.cycle();
    assert_eq!(writes(&mut world), [""; 0]);

    // Allowed: the next cycle sends them, and the quarantine ends with it.
    let mut job = world.job();
    job.force_deletes = true;
    world.store().save_job(&job).unwrap();
    let result = world.clean_cycle();
    assert_eq!(
        (reason(&result), result.statistics.actions.deleted, result.statistics.actions.disabled),
        (None, 1, 3)
    );
    assert_eq!((world.held("u1"), world.active("u2"), world.active("u4")), (None, Some(false), Some(false)));
    assert!(world.store().staged(JOB).unwrap().is_empty() && !world.job().force_deletes);
    covers!("E-179", "E-183", "E-184", "E-185", "W-153", "W-151");
}

#[test]
fn who_is_brought_back_is_not_removed_and_the_quarantine_ends() {
    let mut world = guarded(GUARDED);
    for name in ["u1", "u2", "u3", "u5"] {
        world.people.unassign(name);
    }
    assert_eq!(reason(&world.cycle()), Some(Reason::TooManyDeletes));
    for name in ["u1", "u2", "u3"] {
        world.people.assign(name);
    }
    world.sent();
    // One is left of the four: fewer than the threshold, but only an answer lets a staged removal go.
    assert_eq!(reason(&world.cycle()), Some(Reason::TooManyDeletes));
    assert_eq!(world.store().staged(JOB).unwrap().len(), 1);
    world.people.assign("u5");
    let result = world.clean_cycle();
    assert_eq!(reason(&result), None);
    assert_eq!(writes(&mut world), [""; 0]);
}

#[test]
fn three_pass_in_each_of_two_cycles_and_a_second_disable_is_no_removal() {
    let mut world = guarded(GUARDED);
    world.people.unassign("u1").unassign("u2").set("u3", "accountEnabled", "False");
    assert_eq!(reason(&world.clean_cycle()), None);
    // u3 is blocked already: what changes of it takes nothing away.
    world.people.set("u3", "jobTitle", "Gone").drop_member("G", "u4").unassign("u5").unassign("G");
    let result = world.clean_cycle();
    assert_eq!(
        (reason(&result), result.statistics.actions.disabled, result.statistics.actions.deleted),
        (None, 2, 1)
    );
    covers!("E-180");
}

#[test]
fn by_choice_the_threshold_itself_trips_and_the_action_has_its_other_name() {
    let lines = format!(
        "{GUARDED}[job.fidelity]\ndelete_threshold_inclusive = true\nstaged_action_name = \"StagedAction\"\n"
    );
    let mut world = guarded(&lines);
    world.people.unassign("u1").unassign("u2").unassign("u3");
    assert_eq!(reason(&world.cycle()), Some(Reason::TooManyDeletes));
    assert_eq!(world.log_lines(), ["u1", "u2", "u3"].map(|name| format!("{name} stagedAction skipped")));
    covers!("E-181", "E-183");
}

#[test]
fn incremental_cycles_recur_until_the_job_is_stopped_restarted_changed_or_quarantined_for_four_weeks() {
    let settled = || {
        let mut world = crowd("", 2);
        assert_eq!(world.clean_cycle().kind, CycleKind::Initial);
        for _ in 0..3 {
            let began = world.clock.now();
            let result = world.clean_cycle();
            assert_eq!(result.kind, CycleKind::Incremental);
            assert_eq!(world.clock.now().duration_since(began), SignedDuration::from_mins(40));
            scimulator::covers!("W-032");
        }
        world
    };
    let due = |world: &mut World| {
        let (spec, _) = world.spec();
        let limit = spec.rules.quarantine.limit;
        let standing = Standing::of(Some(&world.job()), spec.interval, limit).unwrap();
        next_due(&standing, world.clock.now())
    };
    let mut world = settled();
    let next = world.clock.now().saturating_add(SignedDuration::from_mins(40)).unwrap();
    assert_eq!(due(&mut world), Due::At(next));

    world.store().set_paused(JOB, true).unwrap();
    assert_eq!(due(&mut world), Due::Never);

    let mut world = settled();
    let ((spec, _), now) = (world.spec(), world.clock.now());
    restart(world.store(), &spec, Reset::EMPTY, now).unwrap();
    assert_eq!(due(&mut world), Due::Now);
    assert_eq!(world.clean_cycle().kind, CycleKind::Initial);
    assert_eq!(world.clean_cycle().kind, CycleKind::Incremental);

    let mut world = settled();
    world.configure("[[job.filter]]\nobject = \"user\"\nname = \"f\"\nclauses = [{ attribute = \"userPrincipalName\", operator = \"IS NOT NULL\" }]");
    assert_eq!(world.clean_cycle().kind, CycleKind::Initial);
    assert_eq!(world.clean_cycle().kind, CycleKind::Incremental);

    let mut world = settled();
    world.always(Method::Get, "/Users?filter=userName", answer(401));
    let began = world.begin_next();
    world.run_at(Purpose::Cycle, began);
    live(&mut world, 27);
    assert!(matches!(due(&mut world), Due::At(_) | Due::Now));
    live(&mut world, 2);
    let ((spec, _), now) = (world.spec(), world.clock.now());
    assert!(status::settle(world.store(), &spec, now).unwrap());
    assert_eq!(due(&mut world), Due::Never);
    covers!("E-029");
}

#[test]
fn an_object_answered_429_is_a_failure_that_counts_and_is_retried_by_itself() {
    let mut world = crowd(SCALED, 1);
    world.clean_cycle();
    for number in 0..50 {
        let name = format!("f{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world.always(Method::Post, "/Users", answer(429));
    let result = world.cycle();
    assert!(world.log_lines().iter().all(|line| line.ends_with("create failure TooManyRequests")));
    assert_eq!((world.log_lines().len(), world.escrows().len()), (50, 50));
    assert_eq!(reason(&result), Some(Reason::EncounteredEscrowProportionThreshold));
    world.heal();
    let result = world.cycle();
    assert_eq!((reason(&result), result.statistics.actions.created), (None, 50), "nobody did anything");
    covers!("E-151");
}

#[test]
fn without_links_and_watermark_who_is_in_scope_is_matched_again_and_nobody_else_is_touched() {
    let mut world = crowd("", 3);
    world.people.group("G").assign("G");
    world.clean_cycle();
    let ((spec, _), now) = (world.spec(), world.clock.now());
    let reset = Reset::CONNECTOR_DATA_STORE | Reset::WATERMARK;
    let restarted = restart(world.store(), &spec, reset, now).unwrap().unwrap();
    assert_eq!((restarted.initial, restarted.links_dropped), (true, 4));
    world.people.unassign("u2");
    world.sent();
    let result = world.clean_cycle();
    assert_eq!(result.kind, CycleKind::Initial);
    let sent = world.requests();
    assert_eq!(
        sent,
        [
            "GET /Users?filter=userName+eq+%22u1%40contoso.com%22",
            "GET /Users?filter=userName+eq+%22u3%40contoso.com%22",
            "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22G%22",
        ]
    );
    assert_eq!(world.active("u2"), Some(true), "left as it is, not disabled");
    // What happens to it since finds no link either.
    world.people.set("u2", "jobTitle", "Boss");
    world.clean_cycle();
    assert_eq!(world.log_lines(), ["u2 create skipped EntrySynchronizationSkipped"]);
    assert_eq!(world.requests(), [""; 0]);
    // A reset of the watermark alone keeps links: the same change disables.
    let mut world = crowd("", 3);
    world.clean_cycle();
    let ((spec, _), now) = (world.spec(), world.clock.now());
    restart(world.store(), &spec, Reset::WATERMARK, now).unwrap();
    world.people.unassign("u2");
    world.clean_cycle();
    assert_eq!(world.active("u2"), Some(false));
    covers!("E-211");
}
