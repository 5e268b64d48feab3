//! A wall clock that somebody sets back, between cycles and in the middle of one: the schedule, the retries and the
//! watermark are right by the clock as it is then.

use std::sync::{Arc, Mutex};

use scimulator::clock::{Clock, SignedDuration, Timestamp};
use scimulator::config;
use scimulator::daemon::due::Due;
use scimulator::daemon::{ConfiguredJob, Looked, Settings, Tended};
use scimulator::store::{LogFilter, Store};

use super::project;
use crate::bad_targets::server::{Answer, Server};
use crate::common::Project;

const START: &str = "2026-03-05T08:00:00Z";

/// A clock that goes wherever it is told to.
#[derive(Clone)]
struct Jumping(Arc<Mutex<Timestamp>>);

impl Jumping {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(START.parse().unwrap())))
    }

    fn jump(&self, minutes: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

const MONTH: i64 = 30 * 24 * 60;

fn tended(project: &Project, clock: &Jumping) -> Tended<ConfiguredJob> {
    let loaded = config::load(&project.path("scimulator.toml")).unwrap();
    let job = ConfiguredJob::new(Arc::new(Settings::new(loaded, None)), "app", 1);
    Tended::new(job, Arc::new(clock.clone()))
}

/// How many cycles run in so many minutes, looked at every minute.
fn live(job: &mut Tended<ConfiguredJob>, clock: &Jumping, minutes: i64) -> usize {
    let mut cycles = 0;
    for _ in 0..minutes {
        clock.jump(1);
        while job.look() == Looked::Ran {
            cycles += 1;
        }
    }
    cycles
}

fn tries(server: &Server) -> usize {
    server.asked().iter().filter(|asked| asked.creates("ben")).count()
}

#[test]
fn what_failed_before_a_clock_was_set_back_a_month_is_tried_again_by_the_new_time() {
    let server = Server::start(|asked| asked.creates("ben").then(|| Answer::say(400, r#"{"detail":"no"}"#)));
    let project = project(&server.url(), "");
    let clock = Jumping::new();
    let mut job = tended(&project, &clock);
    assert_eq!((job.look(), tries(&server)), (Looked::Ran, 1));

    clock.jump(-MONTH);
    assert_eq!((job.look(), tries(&server)), (Looked::Ran, 2), "its next try would have been in a month");
    // The schedule begins anew: the next cycle, then 6, 12 and 24 hours after this failure.
    assert_eq!((live(&mut job, &clock, 40), tries(&server)), (1, 3));
    assert_eq!((live(&mut job, &clock, 6 * 60 - 41), tries(&server)), (7, 3));
    assert_eq!((live(&mut job, &clock, 1), tries(&server)), (1, 4));

    // An hour back is waited out: nothing was due so late that the schedule could not have said so.
    clock.jump(-60);
    assert_eq!((live(&mut job, &clock, 99), tries(&server)), (0, 4));
    assert_eq!(live(&mut job, &clock, 1), 1);
}

#[test]
fn a_quarantined_job_is_not_tried_in_a_frenzy_after_its_clock_was_set_back() {
    let server = Server::start(|_| Some(Answer::say(401, r#"{"detail":"who are you"}"#)));
    for schedule in ["backoff", "doc"] {
        let project =
            project(&server.url(), &format!("[job.fidelity]\nquarantine_schedule = '{schedule}'\n"));
        let clock = Jumping::new();
        let mut job = tended(&project, &clock);
        assert_eq!(job.look(), Looked::Ran);
        clock.jump(-MONTH);
        assert_eq!(job.look(), Looked::Ran, "{schedule}: at once");
        let cycles = live(&mut job, &clock, 24 * 60);
        assert!((3..=5).contains(&cycles), "{schedule}: {cycles} attempts in a day");
    }
}

#[test]
fn a_clock_that_is_set_back_in_the_middle_of_a_cycle_loses_and_repeats_nothing() {
    let clock = Jumping::new();
    let hand = clock.clone();
    let server = Server::start(move |asked| {
        hand.jump(if asked.creates("ben") { -MONTH } else { 1 });
        None
    });
    let project = project(&server.url(), "");
    let mut job = tended(&project, &clock);
    assert_eq!(job.look(), Looked::Ran);
    let users =
        "userPrincipalName,displayName,mailNickname\nada@contoso.com,Ada,ada\nben@contoso.com,Ben,ben\n";
    project.write("directory/users.csv", &format!("{users}cleo@contoso.com,Cleo,cleo\n"));
    // The end of the first cycle was not told by the clock that its beginning was told by.
    assert_eq!(job.look(), Looked::Ran, "the next one is due in a month, and so at once");
    assert_eq!(server.users(), ["ada@contoso.com", "ben@contoso.com", "cleo@contoso.com"]);
    for name in ["ada", "ben", "cleo"] {
        assert_eq!(server.asked().iter().filter(|asked| asked.creates(name)).count(), 1, "{name}");
    }
    assert!(
        matches!(job.look(), Looked::Waits(Due::At(at)) if at <= clock.now() + SignedDuration::from_mins(40))
    );

    let store = Store::open(&project.path("state")).unwrap();
    for execution in store.executions("app", 2).unwrap() {
        assert!(execution.began <= execution.ended.unwrap());
    }
    let first = LogFilter { cycle: Some(1), ..LogFilter::default() };
    let moments: Vec<Timestamp> =
        store.log_entries("app", &first).unwrap().iter().map(|row| row.at).collect();
    assert!(moments.is_sorted() && moments.len() == 2, "{moments:?}");
}
