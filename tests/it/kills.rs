//! The program killed (SIGKILL) at random instants, over a socket: whatever it was doing, the next cycle ends as if
//! nothing had happened, and nobody is created twice (design, law 4).
//!
//! `SCIMULATOR_KILLS` says how often, `SCIMULATOR_SEED` how it goes.

mod tenant;

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scimulator::clock::{Clock as _, SystemClock};
use scimulator::http::{Method, Request};
use scimulator::target::{App, AppOptions};
use serde_json::Value;

use self::tenant::{Random, Tenant};
use crate::bad_targets::server::{Answer, Asked, PATIENCE, Server};
use crate::common::Project;

/// How often the process is killed when nothing else is said.
const KILLS: usize = 30;
const SEED: u64 = 20_260_301;
/// A cycle here takes about so many requests; a kill waits for one of these numbers at most.
const REQUESTS_MAX: usize = 16;
/// What happens at the source between two cycles at least, and less than twice.
const CHANGES_MIN: usize = 5;
/// How long after that it comes at most, in microseconds: the time of a few requests.
const JITTER_MAX_US: usize = 6_000;
/// The same when it waits for no request at all: long enough for the process to be in its import.
const START_MAX_US: usize = 40_000;
/// So many processes in a row may end before they are killed.
const MISSES_MAX: usize = 50;

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).map_or(default, |text| text.parse().ok().expect("a number"))
}

type HeldBack = Arc<Mutex<Option<(usize, Receiver<()>)>>>;

/// The embedded app on a socket, which counts.
struct Target {
    server: Server,
    app: Arc<Mutex<App>>,
    /// Requests that were carried out since the last [`Self::count_from`].
    came: Arc<AtomicUsize>,
    /// The answer to the request of this number waits until nobody holds the other end.
    held_back: HeldBack,
    /// A word for each of them.
    words: Receiver<()>,
    writes: Arc<AtomicUsize>,
    created: Arc<AtomicUsize>,
    deleted: Arc<AtomicUsize>,
}

impl Target {
    fn start() -> Self {
        let options = AppOptions { base_path: "/scim".to_owned(), ..AppOptions::default() };
        let app = Arc::new(Mutex::new(App::new(options)));
        let counters: [Arc<AtomicUsize>; 4] = Default::default();
        let [came, writes, created, deleted] = counters.clone();
        let (say, words) = channel();
        let served = Arc::clone(&app);
        let held_back = HeldBack::default();
        let holding = Arc::clone(&held_back);
        let server = Server::start(move |asked| {
            let response = served.lock().unwrap().handle(&request(asked), SystemClock.now()).response;
            let [came, writes, created, deleted] = &counters;
            if asked.method != "GET" {
                writes.fetch_add(1, Ordering::SeqCst);
            }
            if response.status == 201 {
                created.fetch_add(1, Ordering::SeqCst);
            }
            if asked.method == "DELETE" && response.status == 204 {
                deleted.fetch_add(1, Ordering::SeqCst);
            }
            let number = came.fetch_add(1, Ordering::SeqCst) + 1;
            // Whoever waits for a request may have gone on.
            say.send(()).ok();
            let held = holding.lock().unwrap().take_if(|(held, _)| *held == number);
            if let Some((_, released)) = held {
                released.recv_timeout(PATIENCE).ok();
            }
            Some(Answer::say(response.status, String::from_utf8(response.body).unwrap()))
        });
        Self { server, app, came, held_back, words, writes, created, deleted }
    }

    /// Waits until so many requests have come from a process, and then this long; whether it was still alive.
    fn wait_for(&self, requests: usize, jitter: Duration, process: &mut Child) -> bool {
        /// How often it is looked whether the process is still there.
        const LOOK: Duration = Duration::from_millis(10);
        while self.came.load(Ordering::SeqCst) < requests {
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            self.words.recv_timeout(LOOK).ok();
        }
        let (_nobody, silence) = channel::<()>();
        assert_eq!(silence.recv_timeout(jitter), Err(RecvTimeoutError::Timeout));
        process.try_wait().unwrap().is_none()
    }

    fn count_from(&self) {
        self.came.store(0, Ordering::SeqCst);
        self.writes.store(0, Ordering::SeqCst);
        while self.words.try_recv().is_ok() {}
    }

    fn held(&self) -> Vec<Value> {
        self.app.lock().unwrap().resources().cloned().collect()
    }
}

fn request(asked: &Asked) -> Request {
    Request {
        method: Method::from_name(&asked.method).unwrap(),
        url: format!("http://app{}", asked.target),
        headers: vec![("Content-Type".to_owned(), "application/scim+json".to_owned())],
        body: (!asked.body.is_empty()).then(|| asked.body.clone().into_bytes()),
    }
}

fn start(project: &Project, command: &str) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args([command, "--quiet"])
        .current_dir(project.path(""))
        .env_remove("SCIMULATOR_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn however_often_the_process_is_killed_everybody_is_provisioned_once() {
    let (kills, seed) = (setting("SCIMULATOR_KILLS", KILLS), setting("SCIMULATOR_SEED", SEED));
    eprintln!("rerun with SCIMULATOR_KILLS={kills} SCIMULATOR_SEED={seed}");
    let mut random = Random(seed);
    let target = Target::start();
    let config = format!(
        "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = '{}'\nscope = 'all'\ninterval = '1ms'\n",
        target.server.url()
    );
    let project = Project::with([("scimulator.toml", config.as_str())]);
    let mut tenant = Tenant::new(Random(seed ^ 1));
    tenant.save(&project);

    let (mut killed, mut missed, mut kinds) = (0, 0, [0; 3]);
    while killed < kills {
        // A cycle by hand; at times the service, which runs one after the other.
        let serves = random.below(4) == 0;
        let requests = random.below(REQUESTS_MAX);
        let longest = if requests == 0 { START_MAX_US } else { JITTER_MAX_US };
        let jitter = Duration::from_micros(random.below(longest) as u64);
        // At times the target has done what was asked, and its answer never gets through.
        let is_lost = 0 < requests && random.below(2) == 0;
        let (release, released) = channel();
        let jitter = if is_lost { Duration::ZERO } else { jitter };
        *target.held_back.lock().unwrap() = is_lost.then_some((requests, released));
        target.count_from();
        let mut process = start(&project, if serves { "run" } else { "cycle" });
        let was_alive = target.wait_for(requests, jitter, &mut process);
        process.kill().unwrap();
        process.wait().unwrap();
        drop(release);
        *target.held_back.lock().unwrap() = None;
        if was_alive {
            let (came, wrote) = (target.came.load(Ordering::SeqCst), target.writes.load(Ordering::SeqCst));
            kinds[usize::from(0 < came) + usize::from(0 < wrote)] += 1;
            (killed, missed) = (killed + 1, 0);
        } else {
            missed += 1;
            assert!(missed < MISSES_MAX, "no cycle is long enough to be hit");
        }

        // At times the next process finds the source changed, or dies as well.
        let next = random.below(4);
        if next < 3 {
            tenant.surprise();
            tenant.save(&project);
        }
        if next == 0 {
            continue;
        }
        let cycle = || {
            target.count_from();
            let output = project.scimulator(["cycle"]).timeout(PATIENCE).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "after kill {killed}: {told}");
        };
        cycle();
        let held = target.held();
        let (found, wanted) = tenant.compare(&held);
        assert_eq!(found, wanted, "after kill {killed}");
        tenant.settle(&held);
        let there = target.created.load(Ordering::SeqCst) - target.deleted.load(Ordering::SeqCst);
        assert_eq!(there, held.len(), "nothing was created twice");
        if random.below(4) == 0 {
            cycle();
            assert_eq!(
                target.writes.load(Ordering::SeqCst),
                0,
                "after kill {killed}: nothing was left to do"
            );
        }
        for _ in 0..CHANGES_MIN + random.below(CHANGES_MIN) {
            tenant.change();
        }
        tenant.save(&project);
    }
    let [before, reading, writing] = kinds;
    eprintln!(
        "{kills} kills: {before} before the first request, {reading} before the first write, {writing} later"
    );
    assert!(0 < writing, "some kill comes in the middle of a cycle");
}
