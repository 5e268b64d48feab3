//! Job time that stands still until somebody moves it: the same jobs, the same schedule, another way to wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::due::Due;
use super::job::ConfiguredJob;
use super::settings::Settings;
use super::tended::{Looked, Tended};
use super::told;
use crate::clock::{Clock as _, SignedDuration, Timestamp, VirtualClock};
use crate::engine::status;
use crate::store::{Store, StoreError};

/// How far a wish without a distance goes at most: past the 28 days of a quarantine and the 30 of the recycle bin.
pub const ADVANCE_MAX: SignedDuration = SignedDuration::from_hours(60 * 24);

/// One object at a time: job time that stands still is for looking at what is sent, in the order of the directory.
const WORKERS: usize = 1;

/// How far job time is to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// So far at most; [`ADVANCE_MAX`] when nothing is said.
    pub by: Option<SignedDuration>,
    /// Not farther than until this holds.
    pub until: Option<Until>,
    /// The job that it is to hold for; when none is named, see [`Until`].
    pub job: Option<String>,
}

/// What may end an advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// The job is in quarantine; or any of them is.
    Quarantined,
    /// The job has run and is in no quarantine; or all of them have and are.
    Active,
    /// The job was disabled, since its quarantine lasted too long; or any of them was.
    Disabled,
    /// The job has run a cycle; or any of them has.
    Cycle,
}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advanced {
    /// Where job time stood.
    pub from: Timestamp,
    /// Where it stands now.
    pub to: Timestamp,
    /// Cycles that ran, by job.
    pub cycles: BTreeMap<String, u64>,
    /// Whether what it was to move until holds; `None` when there was no such thing.
    pub reached: Option<bool>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// What is wrong with the source, when a cycle found that and time went no further: files don't mend themselves
    /// while it moves.
    pub source_fault: Option<String>,
}

/// The jobs of a configuration on virtual time. Everything happens in one thread and in one order: by due time, then
/// as the configuration lists the jobs.
pub struct VirtualJobs {
    settings: Arc<Settings>,
    store: Store,
    clock: VirtualClock,
    jobs: Vec<Tended<ConfiguredJob>>,
}

impl VirtualJobs {
    /// The jobs of these settings on the virtual time of `store`, which is their state. `clock` is moved along with it;
    /// it shows an earlier moment, if not the same.
    pub fn new(settings: &Arc<Settings>, store: Store, clock: &VirtualClock) -> Self {
        Self { settings: Arc::clone(settings), store, clock: clock.clone(), jobs: Vec::new() }
    }

    /// The state.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Moves job time as wished and runs every cycle that becomes due on the way. `wait` is called after each look; it
    /// says whether to go on, and lets real time pass when it is told that another process is running a cycle.
    ///
    /// # Errors
    /// The state can't be used. Job time stands where it was last moved to.
    pub fn advance(
        &mut self,
        wish: &Wish,
        wait: &mut dyn FnMut(Lull) -> bool,
    ) -> Result<Advanced, StoreError> {
        self.read_clock()?;
        let from = self.clock.now();
        let end = from.saturating_add(wish.by.unwrap_or(ADVANCE_MAX)).unwrap_or(Timestamp::MAX);
        let mut cycles = BTreeMap::new();
        let (mut interrupted, mut source_fault) = (false, None);
        while !interrupted && self.holds(wish, &cycles)? != Some(true) {
            let lull = match self.look()? {
                Look::Ran(name) => {
                    source_fault = status::source_fault(&self.store, &name)?;
                    *cycles.entry(name).or_default() += 1;
                    if source_fault.is_some() {
                        break;
                    }
                    Lull::None
                }
                Look::Busy => Lull::Busy,
                // A look may disable a job, which is no cycle.
                Look::Next(_) if self.holds(wish, &cycles)? == Some(true) => break,
                Look::Next(Some(next)) if next <= end => {
                    self.move_to(next)?;
                    Lull::None
                }
                Look::Next(_) => {
                    self.move_to(end)?;
                    break;
                }
            };
            interrupted = !wait(lull);
        }
        let reached = self.holds(wish, &cycles)?;
        let advanced = Advanced { from, to: self.clock.now(), cycles, reached, interrupted, source_fault };
        told::advanced(&advanced);
        Ok(advanced)
    }

    /// Runs what is due now, without moving job time.
    ///
    /// # Errors
    /// The state can't be used.
    pub fn run_due(&mut self, wait: &mut dyn FnMut(Lull) -> bool) -> Result<(), StoreError> {
        self.read_clock()?;
        while matches!(self.look()?, Look::Ran(_)) && wait(Lull::None) {}
        Ok(())
    }

    /// Looks at the jobs until one has run a cycle.
    fn look(&mut self) -> Result<Look, StoreError> {
        self.take_up();
        let mut gone = Vec::new();
        let mut look = Look::Next(None);
        for job in &mut self.jobs {
            match job.look() {
                Looked::Ran => {
                    look = Look::Ran(job.name().to_owned());
                    break;
                }
                Looked::Gone => gone.push(job.name().to_owned()),
                Looked::Waits(Due::Now) => look = Look::Busy,
                Looked::Waits(Due::Never) => {}
                Looked::Waits(Due::At(at)) => {
                    if let Look::Next(next) = &mut look {
                        *next = Some(next.map_or(at, |next| next.min(at)));
                    }
                }
            }
        }
        for name in gone {
            told::job_gone(&name);
            self.jobs.retain(|job| job.name() != name);
        }
        self.read_clock()?;
        Ok(look)
    }

    /// Takes up the jobs that the configuration has and that are not looked after yet.
    fn take_up(&mut self) {
        for name in self.settings.jobs() {
            if !self.jobs.iter().any(|job| job.name() == name) {
                let job = ConfiguredJob::new(Arc::clone(&self.settings), &name, WORKERS);
                self.jobs.push(Tended::new(job, Arc::new(self.clock.clone())));
            }
        }
    }

    /// A cycle may have moved job time, ours or one by hand.
    fn read_clock(&mut self) -> Result<(), StoreError> {
        if let Some(at) = self.store.virtual_time()? {
            self.clock.advance_to(at);
        }
        Ok(())
    }

    /// Moves job time, in the state first: what happens from now on must not be found later than the clock.
    fn move_to(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.store.reach_virtual_time(at)?;
        self.clock.advance_to(at);
        Ok(())
    }

    /// Whether what the wish waits for holds.
    fn holds(&self, wish: &Wish, cycles: &BTreeMap<String, u64>) -> Result<Option<bool>, StoreError> {
        let Some(until) = wish.until else { return Ok(None) };
        let (mut any, mut all) = (false, true);
        for name in
            self.settings.jobs().iter().filter(|name| wish.job.as_ref().is_none_or(|job| job == *name))
        {
            let row = self.store.job(name)?;
            let holds = match until {
                Until::Quarantined => row.is_some_and(|row| row.quarantine.is_some()),
                Until::Active => row.is_some_and(|row| row.next_cycle.is_some() && row.quarantine.is_none()),
                Until::Disabled => row.is_some_and(|row| row.disabled),
                Until::Cycle => cycles.contains_key(name),
            };
            (any, all) = (any || holds, all && holds);
        }
        Ok(Some(match until {
            Until::Quarantined | Until::Disabled | Until::Cycle => any,
            Until::Active => all,
        }))
    }
}

/// What came of a look at all jobs.
enum Look {
    /// This one has run a cycle.
    Ran(String),
    /// None has, and another process is running one.
    Busy,
    /// Nothing is due before then; or ever.
    Next(Option<Timestamp>),
}

/// Why an advance pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lull {
    /// It does not; it only asks whether to go on.
    None,
    /// Another process is running a cycle that is due.
    Busy,
}
