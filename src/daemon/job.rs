//! A configured job as the service runs it.

use std::sync::Arc;
use std::time::Duration;

use super::due::{Due, Standing, next_due};
use super::settings::{Settings, job_of};
use super::tended::{Fault, Ran, Runs};
use super::told::{self, Telling};
use crate::clock::Clock;
use crate::diagnostic::Diagnostic;
use crate::engine::spec::JobSpec;
use crate::engine::status::{quarantine, settle};
use crate::engine::{CycleKind, Purpose};
use crate::runner::{Environment, Job, Mode, spec_in_effect};
use crate::store::{JobLock, JobRow, LockError, Store, StoreError};

/// How long a job waits while somebody else writes to the state, in wire time: the import of another job may take
/// minutes when a million rows changed.
const WRITER_PATIENCE: Duration = Duration::from_mins(10);

/// A job of the configuration, by its name.
pub struct ConfiguredJob {
    settings: Arc<Settings>,
    name: String,
    /// Open between cycles. It is taken out while something is done with it, so that a fault, or a panic in the middle
    /// of a transaction, closes it.
    store: Option<Store>,
    /// What its source was last warned of, so that it is said once.
    warned: Vec<Diagnostic>,
}

impl ConfiguredJob {
    /// The job `name` of these settings.
    pub fn new(settings: Arc<Settings>, name: &str) -> Self {
        Self { settings, name: name.to_owned(), store: None, warned: Vec::new() }
    }

    fn open(&mut self) -> Result<Store, StoreError> {
        if let Some(store) = self.store.take() {
            return Ok(store);
        }
        let store = Store::open(&self.settings.current().state_dir)?;
        store.wait_for_writers(WRITER_PATIENCE)?;
        Ok(store)
    }

    fn run(&mut self, store: &mut Store, clock: &dyn Clock) -> Result<Ran, Fault> {
        let config = self.settings.reread();
        let Some(job) = job_of(&config, &self.name) else { return Ok(Ran::Gone) };
        let row = store.job(&self.name)?;
        let limit = job.fidelity.failures.quarantine_limit;
        if next_due(&Standing::of(row.as_ref(), job.interval, limit)?, clock.now()) != Due::Now {
            return Ok(Ran::NotDue);
        }
        if settle(store, &self.name, limit, clock.now())? {
            return Ok(Ran::NotDue);
        }
        let ready = Job::new(&config, job, ENVIRONMENT)?;
        let was = row.as_ref().map(quarantine).transpose()?.flatten();
        let kind = kind_of_next(row.as_ref(), &*spec_in_effect(ready.spec(), job, store)?);
        told::cycle_started(&self.name, row.map_or(0, |row| row.cycle).saturating_add(1), kind);
        let mut telling = Telling::new(&self.name, &mut self.warned);
        let result = ready.cycle(store, clock, Purpose::Cycle, Mode::Real, &mut telling)?;
        told::cycle_ended(&self.name, &result, was.as_ref());
        Ok(Ran::Over(result.next_cycle))
    }
}

/// The process's environment, where tokens may be.
const ENVIRONMENT: Environment<'static> = &|name| std::env::var(name).ok();

impl Runs for ConfiguredJob {
    fn name(&self) -> &str {
        &self.name
    }

    fn standing(&mut self) -> Result<Option<Standing>, Fault> {
        let config = self.settings.current();
        let Some(job) = job_of(&config, &self.name) else { return Ok(None) };
        let store = self.open()?;
        let limit = job.fidelity.failures.quarantine_limit;
        let standing = Standing::of(store.job(&self.name)?.as_ref(), job.interval, limit)?;
        self.store = Some(store);
        Ok(Some(standing))
    }

    fn cycle(&mut self, clock: &dyn Clock) -> Result<Ran, Fault> {
        let folder = self.settings.current().state_dir.clone();
        let _lock = match JobLock::take(&folder, &self.name) {
            Ok(lock) => lock,
            Err(LockError::Held { holder, .. }) => {
                return Ok(Ran::Busy(
                    holder.unwrap_or_else(|| "a process that did not say who it is".to_owned()),
                ));
            }
            Err(error @ LockError::File { .. }) => return Err(error.into()),
        };
        let mut store = self.open()?;
        let ran = self.run(&mut store, clock)?;
        self.store = Some(store);
        Ok(ran)
    }
}

/// The kind of the cycle that would run now.
fn kind_of_next(row: Option<&JobRow>, spec: &JobSpec) -> CycleKind {
    let goes_on = row.is_some_and(|row| row.watermark.is_some() && row.definition == spec.definition);
    if goes_on { CycleKind::Incremental } else { CycleKind::Initial }
}
