//! One job under supervision: what happens each time somebody looks whether it is due.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::due::{Due, Standing, held_until, is_held, next_due};
use super::told;
use crate::clock::{Clock, Timestamp};
use crate::diagnostic::chain;
use crate::engine::entry::seconds;
use crate::runner::RunError;
use crate::store::{LockError, StoreError};

/// Something that has a schedule and can be run: a configured job, or a stand-in of a test.
pub trait Runs: Send {
    /// Its name.
    fn name(&self) -> &str;

    /// What decides when it runs; `None` when there is no such job any more.
    ///
    /// # Errors
    /// Its state can't be read.
    fn standing(&mut self) -> Result<Option<Standing>, Fault>;

    /// Runs a cycle at job time `now`.
    ///
    /// # Errors
    /// It could not be run, or not to its end.
    fn cycle(&mut self, clock: &dyn Clock) -> Result<Ran, Fault>;

    /// Does at job time `now` what it owes besides cycles, which does not wait for one.
    ///
    /// # Errors
    /// Its state can't be used.
    fn errands(&mut self, _now: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
}

/// What came of the wish to run a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It is over; the next one is due then.
    Over(Timestamp),
    /// Another process runs cycles of the job; who, where it is known.
    Busy(String),
    /// It is not due any more: another process was faster, or the job was disabled.
    NotDue,
    /// There is no such job any more.
    Gone,
}

/// Why a cycle could not be run, or not to its end. What the target or the source did wrong is a result, not a fault.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The job can't run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The state can't be used.
    #[error("the state can't be used")]
    Store(#[from] StoreError),
    /// The job's lock can't be had, and nobody holds it.
    #[error("the job's lock can't be had")]
    Lock(#[from] LockError),
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// A cycle has run; whether another one is due is another look.
    Ran,
    /// There is nothing to do before then, unless something changes.
    Waits(Due),
    /// There is no such job any more.
    Gone,
}

/// A job, its schedule, and what went wrong with it.
pub struct Tended<R> {
    job: R,
    clock: Arc<dyn Clock>,
    /// Cycles in a row that could not be run.
    faults: u32,
    held: Option<Timestamp>,
    /// What was last said about its next cycle, so that it is said once.
    said: Option<String>,
}

impl<R: Runs> Tended<R> {
    /// A job that lives on this clock.
    pub fn new(job: R, clock: Arc<dyn Clock>) -> Self {
        Self { job, clock, faults: 0, held: None, said: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.job.name()
    }

    /// Runs a cycle when one is due. A fault, or a panic, is reported and leads to a pause; it never gets out.
    pub fn look(&mut self) -> Looked {
        let now = self.clock.now();
        if let Some(until) = self.held.filter(|until| is_held(*until, now)) {
            return Looked::Waits(Due::At(until));
        }
        match catch_unwind(AssertUnwindSafe(|| self.turn(now))) {
            Ok(Ok(looked)) => looked,
            Ok(Err(fault)) => self.hold(&chain(&fault)),
            Err(panic) => {
                let what = panic.downcast_ref::<String>().map(String::as_str);
                let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no description");
                self.hold(&format!("a defect of scimulator itself: {what}"))
            }
        }
    }

    fn turn(&mut self, now: Timestamp) -> Result<Looked, Fault> {
        let Some(mut standing) = self.job.standing()? else { return Ok(Looked::Gone) };
        if next_due(&standing, now) == Due::Now {
            match self.job.cycle(self.clock.as_ref())? {
                Ran::Over(next) => {
                    (self.faults, self.held) = (0, None);
                    self.said = Some(seconds(next)); // the line on its end has it
                    return Ok(Looked::Ran);
                }
                Ran::Busy(holder) => {
                    self.say(holder, told::busy);
                    return Ok(Looked::Waits(Due::Now));
                }
                Ran::Gone => return Ok(Looked::Gone),
                Ran::NotDue => match self.job.standing()? {
                    Some(changed) => standing = changed,
                    None => return Ok(Looked::Gone),
                },
            }
        }
        self.job.errands(now)?;
        let due = next_due(&standing, now);
        match due {
            Due::Now => {}
            Due::At(at) => self.say(seconds(at), told::next_cycle),
            Due::Never if standing.disabled => self.say("disabled".to_owned(), |job, _| told::disabled(job)),
            Due::Never => self.say("paused".to_owned(), |job, _| told::paused(job)),
        }
        Ok(Looked::Waits(due))
    }

    fn hold(&mut self, why: &str) -> Looked {
        let now = self.clock.now();
        self.faults = self.faults.saturating_add(1);
        let until = held_until(self.faults, now);
        self.held = Some(until);
        told::fault(self.job.name(), why, &seconds(until));
        Looked::Waits(Due::At(until))
    }

    fn say(&mut self, what: String, tell: impl FnOnce(&str, &str)) {
        if self.said.as_ref() != Some(&what) {
            tell(self.job.name(), &what);
            self.said = Some(what);
        }
    }
}
