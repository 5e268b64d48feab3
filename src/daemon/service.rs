//! The shell: a thread a job, a pacemaker that wakes them, and an orderly end.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_cron_scheduler::{Job as Timer, JobScheduler, JobSchedulerError};

use super::due::Standing;
use super::job::ConfiguredJob;
use super::settings::Settings;
use super::tended::{Fault, Looked, Ran, Runs, Tended};
use super::told;
use crate::clock::Clock;

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

/// Who is to be run: the jobs of a configuration, or stand-ins of a test.
pub trait Roster: Send + Sync {
    /// The names of all jobs that are to run now.
    fn names(&self) -> Vec<String>;

    /// The job of that name, ready to be looked after.
    fn job(&self, name: &str) -> Box<dyn Runs>;
}

impl Roster for Arc<Settings> {
    fn names(&self) -> Vec<String> {
        self.jobs()
    }

    fn job(&self, name: &str) -> Box<dyn Runs> {
        Box::new(ConfiguredJob::new(Self::clone(self), name))
    }
}

impl Runs for Box<dyn Runs> {
    fn name(&self) -> &str {
        self.as_ref().name()
    }

    fn standing(&mut self) -> Result<Option<Standing>, Fault> {
        self.as_mut().standing()
    }

    fn cycle(&mut self, clock: &dyn Clock) -> Result<Ran, Fault> {
        self.as_mut().cycle(clock)
    }
}

/// Runs every job on its schedule until a signal comes: SIGINT or SIGTERM, or Ctrl-C elsewhere. A cycle under way then
/// ends first; a second signal ends the service at once.
pub fn run(settings: &Arc<Settings>, clock: &Arc<dyn Clock>) -> Result<(), ServiceError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServiceError::Runtime)?;
    runtime.block_on(async {
        let mut signals = signals()?;
        let beat = Arc::new(Beat::default());
        let mut timers = pacemaker(&beat).await.map_err(ServiceError::Timers)?;
        let served = supervise(settings, clock, &beat, &mut signals).await;
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
    clock: &Arc<dyn Clock>,
    beat: &Arc<Beat>,
    stops: &mut mpsc::UnboundedReceiver<&'static str>,
) -> Result<(), ServiceError> {
    let (ended, mut endings) = mpsc::unbounded_channel();
    let mut crew = Crew { clock, beat, ended, at_work: BTreeSet::new() };
    let names = roster.names();
    for name in &names {
        crew.hire(roster.job(name))?;
    }
    told::service_started(&names);
    loop {
        tokio::select! {
            Some(name) = endings.recv() => {
                told::job_gone(&name);
                crew.at_work.remove(&name);
            }
            () = beat.beaten.notified() => {
                for name in roster.names() {
                    if !crew.at_work.contains(&name) {
                        told::job_taken_up(&name);
                        crew.hire(roster.job(&name))?;
                    }
                }
            }
            Some(why) = stops.recv() => {
                told::stopping(why);
                break;
            }
        }
    }
    beat.stop();
    while !crew.at_work.is_empty() {
        tokio::select! {
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

/// The threads at work.
struct Crew<'c> {
    clock: &'c Arc<dyn Clock>,
    beat: &'c Arc<Beat>,
    ended: mpsc::UnboundedSender<String>,
    at_work: BTreeSet<String>,
}

impl Crew<'_> {
    fn hire(&mut self, job: Box<dyn Runs>) -> Result<(), ServiceError> {
        let name = job.name().to_owned();
        let (clock, beat, ended) = (Arc::clone(self.clock), Arc::clone(self.beat), self.ended.clone());
        let mut tended = Tended::new(job, clock);
        std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                attend(&mut tended, &beat);
                // Nobody hears it when the service was stopped at once.
                ended.send(tended.name().to_owned()).ok();
            })
            .map_err(|source| ServiceError::Thread { job: name.clone(), source })?;
        self.at_work.insert(name);
        Ok(())
    }
}

/// Looks after one job until it is gone or the service stops.
fn attend(job: &mut Tended<Box<dyn Runs>>, beat: &Beat) {
    let mut seen = 0;
    while !beat.is_stopped() {
        match job.look() {
            Looked::Ran => {}
            Looked::Waits(_) => beat.wait(&mut seen),
            Looked::Gone => return,
        }
    }
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

/// The names of the signals that ask to stop, as they come.
#[cfg(unix)]
fn signals() -> Result<mpsc::UnboundedReceiver<&'static str>, ServiceError> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = mpsc::unbounded_channel();
    for (name, kind) in [("SIGINT", SignalKind::interrupt()), ("SIGTERM", SignalKind::terminate())] {
        let mut signal = signal(kind).map_err(ServiceError::Signals)?;
        let sender = sender.clone();
        tokio::spawn(async move { while signal.recv().await.is_some() && sender.send(name).is_ok() {} });
    }
    Ok(receiver)
}

/// The names of the signals that ask to stop, as they come.
#[cfg(not(unix))]
fn signals() -> Result<mpsc::UnboundedReceiver<&'static str>, ServiceError> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(
        async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send("Ctrl-C").is_ok() {} },
    );
    Ok(receiver)
}
