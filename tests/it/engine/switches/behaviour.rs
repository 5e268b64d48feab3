//! Keys about failures, quarantine and the end of it (`engine.md 5`, 6 and 14).

use scimulator::clock::{Clock as _, SignedDuration};
use scimulator::engine::{Purpose, RunState, status};
use scimulator::http::Method;

use super::{Row, world};
use crate::engine::harness::{Answer, World, status as answer, unreachable};

/// Users of these names, all assigned.
fn people(world: &mut World, names: &[&str]) {
    for name in names {
        world.people.user(name, &[]).assign(name);
    }
}

/// Runs what the schedule brings for so many minutes; when requests of that kind left, in minutes.
fn minutes(world: &mut World, minutes: i64, part: &str) -> String {
    let began = world.begin_next();
    let end = began.saturating_add(SignedDuration::from_mins(minutes)).unwrap();
    world.sent();
    let mut next = began;
    while next <= end {
        world.run_at(Purpose::Cycle, next);
        next = world.job().next_cycle.unwrap();
    }
    let sent = world.sent().into_iter().filter(|sent| sent.path.contains(part));
    let at: Vec<String> = sent.map(|sent| sent.at.duration_since(began).as_mins().to_string()).collect();
    at.join(" ")
}

/// When somebody whose look-up always fails is looked up.
fn retries(fidelity: &str) -> String {
    let mut world = world("", fidelity);
    people(&mut world, &["good"]);
    world.clean_cycle();
    people(&mut world, &["bad"]);
    world.always(Method::Get, "bad%40", answer(500));
    minutes(&mut world, 6 * 60, "bad%40")
}

/// Why the job is in quarantine after a cycle in which two of four users failed.
fn half_failed(fidelity: &str) -> String {
    let mut world = world("", fidelity);
    people(&mut world, &["first"]);
    world.clean_cycle();
    people(&mut world, &["good1", "good2", "bad1", "bad2"]);
    world.always(Method::Get, "bad", answer(500));
    let quarantine = world.cycle().quarantine;
    quarantine.map_or_else(|| "none".to_owned(), |quarantine| quarantine.error_code)
}

fn refused(fidelity: &str) -> World {
    let mut world = world("", fidelity);
    people(&mut world, &["u"]);
    world.clean_cycle();
    world.always(Method::Get, "/Users", answer(401));
    world
}

pub(super) const ROWS: &[Row] = &[
    Row {
        key: "group_out_of_scope",
        see: |lines| {
            let mut world = world("", lines);
            world.people.user("u", &[]).assign("u").group("G").assign("G");
            world.clean_cycle();
            world.sent();
            world.people.unassign("G");
            world.clean_cycle();
            scimulator::covers!("E-131");
            format!("{} {}", world.requests().concat(), world.log_lines().concat())
        },
        words: &[
            (r#""delete""#, "DELETE /Groups/{G} G delete success"),
            (r#""keep""#, " G other skipped EntrySynchronizationSkipped"),
        ],
    },
    Row {
        key: "named_errors",
        see: |lines| {
            let mut world = world("", lines);
            people(&mut world, &["a", "b", "c"]);
            for detail in ["InvalidDomain: example.org", "LicenseLimitExceeded", "no such plan"] {
                let body = format!(r#"{{"scimType":"invalidValue","detail":"{detail}"}}"#);
                world.once(Method::Post, "/Users", Answer::Status(403, Vec::new(), body));
            }
            world.cycle();
            scimulator::covers!("E-251");
            let codes = |line: &String| line.rsplit(' ').next().unwrap_or_default().to_owned();
            let logged: Vec<String> = world.log_lines().iter().map(codes).collect();
            let escrows = world.escrows();
            assert!(escrows.iter().map(|escrow| &escrow.error_code).eq(&logged), "log and escrows agree");
            logged.join(" ")
        },
        words: &[
            ("true", "InvalidDomain LicenseLimitExceeded InsufficientRights"),
            ("false", "InsufficientRights InsufficientRights InsufficientRights"),
        ],
    },
    Row {
        key: "outage_after",
        see: |lines| {
            let mut world = world("", &format!("probe = 'off'\n{lines}"));
            people(&mut world, &["a", "b", "c", "d", "e", "f"]);
            world.always(Method::Get, "", unreachable());
            assert_eq!(world.cycle().state, RunState::Failed);
            world.sent().len().to_string()
        },
        words: &[("5", "5"), ("2", "2")],
    },
    Row {
        // engine.md 2: the next cycle, 6 hours …; within 2 hours, 6 …
        key: "escrow_schedule",
        see: retries,
        words: &[
            (r#""doc-current""#, "0 40 360"),
            (r#""doc-2022""#, "0 120 360"),
            (r#""every-cycle""#, "0 40 80 120 160 200 240 280 320 360"),
        ],
    },
    Row { key: "escrow_give_up", see: retries, words: &[(r#""28d""#, "0 40 360"), (r#""1h""#, "0 40")] },
    Row {
        // engine.md 14 C3: 30 minutes, doubling; by the documents 6 and 12 hours after the first failure.
        key: "quarantine_schedule",
        see: |lines| minutes(&mut refused(lines), 12 * 60, "/Users?"),
        words: &[(r#""backoff""#, "0 30 90 210 450"), (r#""doc""#, "0 360 720")],
    },
    Row {
        key: "quarantine_limit",
        see: |lines| {
            let mut world = refused(lines);
            world.cycle();
            let (spec, _) = world.spec();
            let later = world.clock.now().saturating_add(SignedDuration::from_hours(2)).unwrap();
            status::settle(world.store(), &spec, later).unwrap().to_string()
        },
        words: &[(r#""28d""#, "false"), (r#""1h""#, "true")],
    },
    Row {
        key: "limit_state",
        see: |lines| {
            let mut world = refused(lines);
            world.cycle();
            let (spec, _) = world.spec();
            let later = world.clock.now().saturating_add(SignedDuration::from_hours(29 * 24)).unwrap();
            assert!(status::settle(world.store(), &spec, later).unwrap());
            let job = status::synchronization_job(&spec, world.store()).unwrap();
            format!("{} {}", job["schedule"]["state"], job["status"]["code"])
        },
        words: &[
            (r#""Disabled""#, r#""Disabled" "Quarantine""#),
            (r#""Paused""#, r#""Paused" "Quarantine""#),
        ],
    },
    Row {
        key: "min_failures",
        see: half_failed,
        words: &[("5000", "none"), ("2", "EncounteredEscrowProportionThreshold")],
    },
    Row {
        key: "proportion",
        see: |lines| half_failed(&format!("min_failures = 1\n{lines}")),
        words: &[(r#""40%""#, "EncounteredEscrowProportionThreshold"), (r#""50%""#, "none")],
    },
    Row {
        key: "base_limit",
        see: half_failed,
        words: &[("40000", "none"), ("1", "EncounteredBaseEscrowThreshold")],
    },
    Row {
        key: "total_limit",
        see: half_failed,
        words: &[("60000", "none"), ("1", "EncounteredTotalEscrowThreshold")],
    },
];
