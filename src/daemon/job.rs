//! A configured job as the service runs it.

use std::sync::Arc;
use std::time::Duration;

use super::due::{Due, Standing, next_due};
use super::settings::{Settings, job_of};
use super::tended::{Fault, Ran, Runs};
use super::told::{self, Telling};
use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::config::JobConfig;
use crate::diagnostic::Diagnostic;
use crate::engine::spec::JobSpec;
use crate::engine::status::{quarantine, settle};
use crate::engine::{CycleKind, Purpose};
use crate::mail::Postman;
use crate::runner::{Environment, Job, Mode, spec_in_effect};
use crate::store::{JobLock, JobRow, LockError, Store, StoreError};

/// How long a job waits while somebody else writes to the state, in wire time: the import of another job may take
/// minutes when a million rows changed.
const WRITER_PATIENCE: Duration = Duration::from_mins(10);

/// The objects that a job of the service works on at once, unless its configuration says otherwise (W-036).
pub(super) const SERVICE_WORKERS: usize = 4;

/// How long a mail that could not be delivered waits for another try, in job time, unless a cycle ends before.
const MAIL_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// A job of the configuration, by its name.
pub struct ConfiguredJob {
    settings: Arc<Settings>,
    name: String,
    /// How many objects it works on at once where its configuration leaves that open.
    workers: usize,
    /// Open between cycles. It is taken out while something is done with it, so that a fault, or a panic in the middle
    /// of a transaction, closes it.
    store: Option<Store>,
    /// What its source was last warned of, so that it is said once.
    warned: Vec<Diagnostic>,
    /// When it last tried to deliver the mails that it owes.
    mails_tried: Option<Timestamp>,
}

impl ConfiguredJob {
    /// The job `name` of these settings, which works on so many objects at once where they leave that open.
    pub fn new(settings: Arc<Settings>, name: &str, workers: usize) -> Self {
        Self { settings, name: name.to_owned(), workers, store: None, warned: Vec::new(), mails_tried: None }
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
        let now = clock.now();
        if next_due(&standing_of(row.as_ref(), job)?, now) != Due::Now {
            return Ok(Ran::NotDue);
        }
        let spec = JobSpec::new(&config, job, 1);
        let definition = &spec_in_effect(&spec, job, store)?.definition;
        let is_changed = row.as_ref().is_some_and(|row| row.definition != *definition);
        // Changed mappings or filters end a quarantine, however long it has lasted.
        if !is_changed && settle(store, &spec, now)? {
            Postman::new(&config, ENVIRONMENT).deliver(store, &self.name, now);
            return Ok(Ran::NotDue);
        }
        let kind = match &row {
            Some(row) if row.watermark.is_some() && !is_changed => CycleKind::Incremental,
            Some(_) | None => CycleKind::Initial,
        };
        let was = row.as_ref().map(quarantine).transpose()?.flatten();
        let ready = Job::new(&config, job, ENVIRONMENT)?.with_workers(self.workers);
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
        let standing = standing_of(store.job(&self.name)?.as_ref(), job)?;
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
        self.mails_tried = Some(clock.now());
        self.store = Some(store);
        Ok(ran)
    }

    /// Delivers the mails that are still owed, every now and then (`MAIL_PAUSE`): of a job that is paused or disabled no cycle will.
    fn errands(&mut self, now: Timestamp) -> Result<(), Fault> {
        let is_waiting = |tried: Timestamp| {
            // A clock that was set back is no reason to wait longer.
            tried <= now && now < tried.saturating_add(MAIL_PAUSE).unwrap_or(Timestamp::MAX)
        };
        if self.mails_tried.is_some_and(is_waiting) {
            return Ok(());
        }
        self.mails_tried = Some(now);
        let store = self.open()?;
        if !store.owed_mails(&self.name)?.is_empty() {
            let config = self.settings.current();
            // Whoever holds the lock runs a cycle and delivers when it ends.
            if let Ok(_lock) = JobLock::take(&config.state_dir, &self.name) {
                Postman::new(&config, ENVIRONMENT).deliver(&store, &self.name, now);
            }
        }
        self.store = Some(store);
        Ok(())
    }
}

/// The standing of a configured job that keeps `row` in the state.
///
/// # Errors
/// The row holds a quarantine that can't be read.
pub fn standing_of(row: Option<&JobRow>, job: &JobConfig) -> Result<Standing, StoreError> {
    Standing::of(row, job.interval, job.fidelity.failures.quarantine_limit)
}
