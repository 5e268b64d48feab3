//! The shell: a thread a job, a pacemaker that wakes them, and an orderly end.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};
use tokio_cron_scheduler::{Job as Timer, JobScheduler, JobSchedulerError};

use super::host::Host;
use super::job::{ConfiguredJob, SERVICE_WORKERS};
use super::settings::Settings;
use super::tended::{Looked, Runs, Tended};
use super::told;
use super::virtual_time::{Advanced, Lull, VirtualJobs};
use crate::clock::{Clock as _, SystemClock, VirtualClock};
use crate::stop;
use crate::store::{Store, StoreError};

/// How often jobs look whether they are due, in wire time. Job time decides what is due; an early look does nothing.
const BEAT: Duration = Duration::from_secs(1);
/// How long a job waits for a beat at most, in wire time. The scheduler reads the wall clock and falls silent when that
/// is set back.
const BEAT_MISSED_AFTER: Duration = Duration::from_secs(30);

/// Why the service can't run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The asynchronous runtime can't be started.
    #[error("the runtime can't be started")]
    Runtime(#[source] std::io::Error),
    /// The signals that end it can't be listened to.
    #[error("signals can't be listened to")]
    Signals(#[source] std::io::Error),
    /// The timers can't be started.
    #[error("the timers can't be started")]
    Timers(#[source] JobSchedulerError),
    /// A thread can't be started.
    #[error("the thread of job `{job}` can't be started")]
    Thread {
        /// The job.
        job: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What a thread does until it is told to stop, or has nothing left to do.
pub type Task = Box<dyn FnOnce(&Beat) + Send>;

/// Who is to be kept at work: the jobs of a configuration, or stand-ins of a test.
pub trait Roster {
    /// The names of all that are to be at work now.
    fn names(&self) -> Vec<String>;

    /// What the one of that name does.
    fn task(&self, name: &str) -> Task;
}

/// Every job of a configuration on its own schedule, in real time.
struct RealTime<'s>(&'s Arc<Settings>);

impl Roster for RealTime<'_> {
    fn names(&self) -> Vec<String> {
        self.0.jobs()
    }

    fn task(&self, name: &str) -> Task {
        let mut job =
            Tended::new(ConfiguredJob::new(Arc::clone(self.0), name, SERVICE_WORKERS), Arc::new(SystemClock));
        Box::new(move |beat| attend(&mut job, beat))
    }
}

/// All jobs on virtual time: one thread, which waits for commands.
struct VirtualTime<'s> {
    settings: &'s Arc<Settings>,
    clock: &'s VirtualClock,
    /// Handed over to the thread.
    store: Mutex<Option<Store>>,
}

impl Roster for VirtualTime<'_> {
    fn names(&self) -> Vec<String> {
        vec!["virtual time".to_owned()]
    }

    fn task(&self, _name: &str) -> Task {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).take();
        let jobs = store.map(|store| VirtualJobs::new(self.settings, store, self.clock));
        Box::new(move |beat| {
            if let Some(mut jobs) = jobs {
                obey(&mut jobs, beat);
            }
        })
    }
}

/// Runs every job on its schedule until a signal comes: SIGINT or SIGTERM, or Ctrl-C elsewhere. A cycle under way then
/// ends first; a second signal ends the service at once.
pub fn run(settings: &Arc<Settings>, host: &Host) -> Result<(), ServiceError> {
    told::service_started(&settings.jobs());
    serve(&RealTime(settings), host)
}

/// The same on the virtual time of `store`, which `clock` follows: what is due now runs, and then time stands still
/// until a command moves it.
pub fn run_virtual(
    settings: &Arc<Settings>,
    store: Store,
    clock: &VirtualClock,
    host: &Host,
) -> Result<(), ServiceError> {
    told::virtual_service_started(&settings.jobs(), clock.now());
    serve(&VirtualTime { settings, clock, store: Mutex::new(Some(store)) }, host)
}

fn serve(roster: &impl Roster, host: &Host) -> Result<(), ServiceError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServiceError::Runtime)?;
    runtime.block_on(async {
        let mut signals = stop::signals().map_err(ServiceError::Signals)?;
        let beat = Arc::new(Beat::default());
        let mut timers = pacemaker(&beat).await.map_err(ServiceError::Timers)?;
        let served = supervise(roster, &beat, host, &mut signals).await;
        timers.shutdown().await.map_err(ServiceError::Timers)?;
        served
    })
}

/// Keeps a thread a job until `stops` says for the first time why to stop and every thread has ended, or says it again.
///
/// # Errors
/// The thread of a job can't be started.
pub async fn supervise(
    roster: &impl Roster,
    beat: &Arc<Beat>,
    host: &Host,
    stops: &mut mpsc::UnboundedReceiver<&'static str>,
) -> Result<(), ServiceError> {
    let (ended, mut endings) = mpsc::unbounded_channel();
    let mut crew = Crew { beat, ended, at_work: BTreeSet::new() };
    for name in roster.names() {
        crew.hire(&name, roster.task(&name))?;
    }
    host.ready();
    let mut watchdog = host.alive_every().map(tokio::time::interval);
    loop {
        tokio::select! {
            () = tick(&mut watchdog) => host.alive(),
            Some(name) = endings.recv() => {
                told::job_gone(&name);
                crew.at_work.remove(&name);
            }
            () = beat.beaten.notified() => {
                for name in roster.names() {
                    if !crew.at_work.contains(&name) {
                        told::job_taken_up(&name);
                        crew.hire(&name, roster.task(&name))?;
                    }
                }
            }
            Some(why) = stops.recv() => {
                told::stopping(why);
                break;
            }
        }
    }
    host.stopping();
    beat.stop();
    while !crew.at_work.is_empty() {
        tokio::select! {
            () = tick(&mut watchdog) => host.alive(),
            Some(name) = endings.recv() => {
                crew.at_work.remove(&name);
            }
            Some(_) = stops.recv() => {
                told::cut_off(&crew.at_work.into_iter().collect::<Vec<_>>());
                return Ok(());
            }
        }
    }
    told::stopped();
    Ok(())
}

/// The next time that the watchdog wants to be fed; never, when there is none.
async fn tick(watchdog: &mut Option<tokio::time::Interval>) {
    match watchdog {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// The threads at work.
struct Crew<'c> {
    beat: &'c Arc<Beat>,
    ended: mpsc::UnboundedSender<String>,
    at_work: BTreeSet<String>,
}

impl Crew<'_> {
    fn hire(&mut self, name: &str, task: Task) -> Result<(), ServiceError> {
        let (beat, ended, its_name) = (Arc::clone(self.beat), self.ended.clone(), name.to_owned());
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                task(&beat);
                // Nobody hears it when the service was stopped at once.
                ended.send(its_name).ok();
            })
            .map_err(|source| ServiceError::Thread { job: name.to_owned(), source })?;
        self.at_work.insert(name.to_owned());
        Ok(())
    }
}

/// Looks after one job until it is gone or the service stops.
pub fn attend<R: Runs>(job: &mut Tended<R>, beat: &Beat) {
    let mut seen = 0;
    while !beat.is_stopped() {
        match job.look() {
            Looked::Ran => {}
            Looked::Waits(_) => beat.wait(&mut seen),
            Looked::Gone => return,
        }
    }
}

/// Runs what is due on virtual time and carries out commands until the service stops.
fn obey(jobs: &mut VirtualJobs, beat: &Beat) {
    let mut seen = 0;
    let mut trouble = None;
    while !beat.is_stopped() {
        match obey_once(jobs, beat, &mut seen) {
            Ok(true) => trouble = None,
            Ok(false) => beat.wait(&mut seen),
            Err(error) => {
                let now = Some(error.to_string());
                if trouble != now {
                    told::control_fault(&error);
                    trouble = now;
                }
                beat.wait(&mut seen);
            }
        }
    }
}

/// Carries out the next command, if there is one; without, what is due now.
fn obey_once(jobs: &mut VirtualJobs, beat: &Beat, seen: &mut u64) -> Result<bool, StoreError> {
    let mut wait = |lull| {
        if lull == Lull::Busy {
            beat.wait(seen);
        }
        !beat.is_stopped()
    };
    jobs.run_due(&mut wait)?;
    let Some((command, asked)) = jobs.store().next_command()? else { return Ok(false) };
    let answer = match serde_json::from_str(&asked) {
        Ok(wish) => Answer::Advanced(jobs.advance(&wish, &mut wait)?),
        Err(error) => Answer::NotUnderstood(error.to_string()),
    };
    jobs.store().answer_command(command, &serde_json::to_string(&answer)?)?;
    Ok(true)
}

/// What the service answers to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Job time was moved.
    Advanced(Advanced),
    /// Another version of the program asked for something else.
    NotUnderstood(String),
}

/// What threads wait for: the next beat, or the word to stop.
#[derive(Debug, Default)]
pub struct Beat {
    state: Mutex<BeatState>,
    changed: Condvar,
    /// The same for the supervisor, which is no thread.
    beaten: Notify,
}

#[derive(Debug, Default)]
struct BeatState {
    count: u64,
    stopped: bool,
}

impl Beat {
    /// Wakes everybody up once.
    pub fn beat(&self) {
        self.change(|state| state.count = state.count.wrapping_add(1));
        self.beaten.notify_one();
    }

    fn stop(&self) {
        self.change(|state| state.stopped = true);
    }

    fn change(&self, change: impl FnOnce(&mut BeatState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Waits for a beat later than the one `seen`, or for the word to stop.
    fn wait(&self, seen: &mut u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, BEAT_MISSED_AFTER, |state| state.count == *seen && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        *seen = state.count;
    }
}

/// Timers that beat as long as they are kept.
async fn pacemaker(beat: &Arc<Beat>) -> Result<JobScheduler, JobSchedulerError> {
    let timers = JobScheduler::new().await?;
    let beat = Arc::clone(beat);
    timers.add(Timer::new_repeated(BEAT, move |_, _| beat.beat())?).await?;
    timers.start().await?;
    Ok(timers)
}
