//! Jobs under supervision do not harm each other: one that hangs, one that panics, one that does its work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scimulator::clock::{Clock, SignedDuration, Timestamp, VirtualClock};
use scimulator::daemon::due::Standing;
use scimulator::daemon::{Beat, Fault, Host, Ran, Roster, Runs, Task, Tended, attend, supervise};
use tokio::sync::mpsc::unbounded_channel;

use crate::bad_targets::server::{Answer, PATIENCE, Server};

/// Far more hours than threads need to get their turns.
const HOURS_MAX: usize = 200;
/// When nothing happens for so long, the clock moves on.
const LULL: Duration = Duration::from_millis(20);
const INTERVAL: SignedDuration = SignedDuration::from_mins(40);

/// A stand-in for a job, called by what is wrong with it.
struct StandIn {
    name: String,
    next: Option<Timestamp>,
    began: Sender<String>,
    panics: Arc<AtomicBool>,
    released: Arc<Mutex<Receiver<()>>>,
}

impl Runs for StandIn {
    fn name(&self) -> &str {
        &self.name
    }

    fn standing(&mut self) -> Result<Option<Standing>, Fault> {
        Ok(Some(Standing {
            paused: false,
            disabled: false,
            ends: None,
            interval: INTERVAL,
            next_cycle: self.next,
            next_attempt: None,
        }))
    }

    fn cycle(&mut self, clock: &dyn Clock) -> Result<Ran, Fault> {
        self.began.send(self.name.clone()).unwrap();
        if self.name == "hangs" {
            self.released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        assert!(self.name != "panics" || !self.panics.swap(false, Ordering::SeqCst), "on purpose");
        let next = clock.now() + INTERVAL;
        self.next = Some(next);
        Ok(Ran::Over(next))
    }
}

struct StandIns {
    clock: VirtualClock,
    began: Sender<String>,
    panics: Arc<AtomicBool>,
    released: Arc<Mutex<Receiver<()>>>,
}

impl StandIns {
    fn job(&self, name: &str) -> StandIn {
        let (began, panics, released) = (self.began.clone(), self.panics.clone(), self.released.clone());
        StandIn { name: name.to_owned(), next: None, began, panics, released }
    }
}

impl Roster for StandIns {
    fn names(&self) -> Vec<String> {
        ["hangs", "panics", "works"].map(str::to_owned).to_vec()
    }

    fn task(&self, name: &str) -> Task {
        let mut job = Tended::new(self.job(name), Arc::new(self.clock.clone()));
        Box::new(move |beat| attend(&mut job, beat))
    }
}

#[test]
fn a_job_that_hangs_and_one_that_panics_take_no_other_down() {
    let (began, begun) = channel();
    let (release, released) = channel();
    let (stop, mut stops) = unbounded_channel();
    let clock = VirtualClock::new("2026-01-05T08:00:00Z".parse().unwrap());
    let beat = Arc::new(Beat::default());

    let its_beat = Arc::clone(&beat);
    let jobs = StandIns {
        clock: clock.clone(),
        began,
        panics: Arc::new(AtomicBool::new(true)),
        released: Arc::new(Mutex::new(released)),
    };
    let service = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(supervise(&jobs, &its_beat, &Host::none(), &mut stops))
    });
    let mut began: BTreeMap<String, u32> = BTreeMap::new();
    // How far each has got when an hour passes depends on the threads; in a few hours everybody has had their turns.
    for _ in 0..HOURS_MAX {
        while let Ok(name) = begun.recv_timeout(LULL) {
            *began.entry(name).or_default() += 1;
        }
        if ["panics", "works"].iter().all(|name| began.get(*name).is_some_and(|count| 3 <= *count)) {
            break;
        }
        clock.advance(SignedDuration::from_hours(1));
        beat.beat();
    }
    assert_eq!(began.get("hangs"), Some(&1), "{began:?}");
    assert!(["panics", "works"].iter().all(|name| 3 <= began[*name]), "{began:?}");

    stop.send("enough").unwrap();
    release.send(()).unwrap();
    service.join().unwrap().unwrap();
    assert!(stop.is_closed(), "it waited for the one that hung");
}

/// The same with real jobs: a target that accepts a connection and never answers, beside one that does.
#[test]
fn a_target_that_never_answers_holds_up_its_own_job_alone() {
    let server = Server::start(|_| Some(Answer::Silence));
    let stuck = format!(
        "[[job]]\nname = 'stuck'\ntenant_url = '{}'\nscope = 'all'\n[job.fidelity]\ntimeout = '10m'\n",
        server.url()
    );
    let project = super::project("embedded", &format!("interval = '1ms'\n{stuck}"));
    let service = super::Service::start(&project);
    let (mut is_stuck, mut others) = (false, 0);
    while !is_stuck || others < 5 {
        let event = service.events.recv_timeout(PATIENCE).unwrap();
        match (event["event"].as_str(), event["job"].as_str()) {
            (Some("cycle_started"), Some("stuck")) => is_stuck = true,
            (Some("cycle_ended"), Some("app")) => others += usize::from(is_stuck),
            (Some("cycle_ended"), _) => panic!("it has no answer: {event}"),
            _ => {}
        }
    }
    assert_eq!(server.asked().len(), 1, "the probe");
    service.signal("-TERM");
    service.event("stopping");
    service.signal("-TERM");
    let cut_off = service.event("cut_off");
    assert!(cut_off["jobs"].as_str().unwrap().contains("stuck"), "{cut_off}");
    assert_eq!(service.end().0.code(), Some(0));
}
