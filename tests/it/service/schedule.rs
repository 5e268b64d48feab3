//! The schedule of a job on virtual time: the same code that the service runs, without its threads and timers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scimulator::clock::{Clock as _, SignedDuration, Timestamp, VirtualClock};
use scimulator::config;
use scimulator::daemon::due::Due;
use scimulator::daemon::{ConfiguredJob, Looked, Settings, Tended};
use scimulator::store::{Execution, Store};

use super::project;
use crate::bad_targets::server::{Answer, Server};
use crate::common::Project;

const START: &str = "2026-01-05T08:00:00Z";

fn tended(project: &Project, clock: &VirtualClock) -> Tended<ConfiguredJob> {
    let loaded = config::load(&project.path("scimulator.toml")).unwrap();
    let job = ConfiguredJob::new(Arc::new(Settings::new(loaded, None)), "app", 1);
    Tended::new(job, Arc::new(clock.clone()))
}

/// Runs whatever is due until `until`, jumping from one due time to the next.
fn run_until(job: &mut Tended<ConfiguredJob>, clock: &VirtualClock, until: Timestamp) {
    loop {
        match job.look() {
            Looked::Ran => {}
            Looked::Waits(Due::At(at)) if at <= until => clock.advance_to(at),
            Looked::Waits(_) => return clock.advance_to(until),
            Looked::Gone => panic!("the job is gone"),
        }
    }
}

/// Every cycle so far, the oldest first.
fn executions(project: &Project) -> Vec<Execution> {
    let store = Store::open(&project.path("state")).unwrap();
    let mut executions = store.executions("app", u32::MAX).unwrap();
    executions.reverse();
    executions
}

/// Minutes from each cycle to the next.
fn pauses(executions: &[Execution]) -> Vec<i64> {
    executions.windows(2).map(|pair| pair[1].began.duration_since(pair[0].began).as_mins()).collect()
}

#[test]
fn two_days_are_one_initial_cycle_and_72_incremental_ones() {
    let project = project("embedded", "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    let end = clock.now() + SignedDuration::from_hours(48);
    run_until(&mut job, &clock, end);
    let executions = executions(&project);
    assert_eq!(executions[0].began, START.parse().unwrap(), "the first one at once");
    assert_eq!(pauses(&executions), [40; 72]);
    let initial: Vec<bool> = executions.iter().map(|execution| execution.initial).collect();
    assert!(initial[0] && initial[1..].iter().all(|initial| !initial));
    let writes =
        project.read("state/journal/app.jsonl").lines().filter(|line| !line.contains("\"GET\"")).count();
    assert_eq!(writes, 2, "two creates, and nothing ever after");
    scimulator::covers!("E-267", "A-004");
}

#[test]
fn a_clock_that_jumps_leads_to_one_cycle_and_one_that_is_set_back_to_no_standstill() {
    let project = project("embedded", "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    assert_eq!(job.look(), Looked::Ran);
    clock.advance(SignedDuration::from_hours(9));
    assert_eq!(job.look(), Looked::Ran);
    let next = clock.now() + SignedDuration::from_mins(40);
    assert_eq!(job.look(), Looked::Waits(Due::At(next)), "one for thirteen that were missed");

    let before = VirtualClock::new("2025-01-05T08:00:00Z".parse().unwrap());
    let mut job = tended(&project, &before);
    assert_eq!(job.look(), Looked::Ran);
    assert_eq!(executions(&project).len(), 3);
}

#[test]
fn a_job_in_quarantine_is_tried_less_and_less_often_and_then_every_40_minutes_again() {
    let refuses = Arc::new(AtomicBool::new(false));
    let refuse = Arc::clone(&refuses);
    let server = Server::start(move |_| {
        refuse.load(Ordering::SeqCst).then(|| Answer::say(401, r#"{"detail":"who are you"}"#))
    });
    let project = project(&server.url(), "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    assert_eq!(job.look(), Looked::Ran);

    refuses.store(true, Ordering::SeqCst);
    let end = clock.now() + SignedDuration::from_hours(96);
    run_until(&mut job, &clock, end);
    refuses.store(false, Ordering::SeqCst);
    let end = end + SignedDuration::from_hours(25);
    run_until(&mut job, &clock, end);

    let pauses = pauses(&executions(&project));
    let in_quarantine = [40, 30, 60, 120, 240, 480, 960, 1440, 1440];
    assert_eq!(pauses[..in_quarantine.len()], in_quarantine, "{pauses:?}");
    let after = &pauses[in_quarantine.len()..];
    assert!(after[0] == 1440 && 1 < after.len() && after[1..].iter().all(|pause| *pause == 40), "{after:?}");
    scimulator::covers!("E-170", "E-172");
}

#[test]
fn after_28_days_of_quarantine_a_job_is_disabled_and_rests_until_somebody_starts_it() {
    let server = Server::start(|_| Some(Answer::say(401, r#"{"detail":"who are you"}"#)));
    let project = project(&server.url(), "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    let end = clock.now() + SignedDuration::from_hours(40 * 24);
    run_until(&mut job, &clock, end);
    assert_eq!(job.look(), Looked::Waits(Due::Never));
    let executions = executions(&project);
    let days = executions.last().unwrap().began.duration_since(executions[0].began).as_hours() / 24;
    assert_eq!(days, 27, "the last attempt comes before the 28 days are over");

    let standing = super::status(&project);
    assert_eq!(
        (&standing["schedule"]["state"], &standing["status"]["code"]),
        (&"Disabled".into(), &"Quarantine".into())
    );
    let refused = project.scimulator(["cycle"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(4) && said.contains("the job is disabled"), "{said}");
    scimulator::covers!("E-173");
}

#[test]
fn mappings_that_were_changed_end_a_quarantine_however_long_it_has_lasted() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refuse = Arc::clone(&refuses);
    let server = Server::start(move |_| {
        refuse.load(Ordering::SeqCst).then(|| Answer::say(401, r#"{"detail":"who are you"}"#))
    });
    let project = project(&server.url(), "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    let end = clock.now() + SignedDuration::from_hours(27 * 24);
    run_until(&mut job, &clock, end);

    refuses.store(false, Ordering::SeqCst);
    let filter = "[[job.filter]]\nobject = 'user'\nname = 'Ada'\nclauses = [\n  \
                  { attribute = 'displayName', operator = 'EQUALS', value = 'Ada' },\n]";
    project.write("scimulator.toml", &super::config(&server.url(), filter));
    clock.advance(SignedDuration::from_hours(10 * 24));
    assert_eq!(job.look(), Looked::Ran);
    assert_eq!(server.users(), ["ada@contoso.com"]);
}

#[test]
fn a_paused_job_rests_until_it_is_started() {
    let project = project("embedded", "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    assert_eq!(job.look(), Looked::Ran);
    let pause = |paused| {
        let store = Store::open(&project.path("state")).unwrap();
        assert!(store.set_paused("app", paused).unwrap());
    };
    pause(true);
    clock.advance(SignedDuration::from_hours(9));
    assert_eq!(job.look(), Looked::Waits(Due::Never));
    pause(false);
    assert_eq!(job.look(), Looked::Ran);
}

#[test]
fn a_state_that_can_not_be_used_is_tried_again_later() {
    let project = project("embedded", "");
    let clock = VirtualClock::new(START.parse().unwrap());
    let mut job = tended(&project, &clock);
    project.write("state", "a file where the folder should be");
    let later = |minutes| Looked::Waits(Due::At(clock.now() + SignedDuration::from_mins(minutes)));
    assert_eq!(job.look(), later(1));
    clock.advance(SignedDuration::from_mins(1));
    assert_eq!(job.look(), later(2));
    std::fs::remove_file(project.path("state")).unwrap();
    clock.advance(SignedDuration::from_mins(2));
    assert_eq!(job.look(), Looked::Ran);
}
