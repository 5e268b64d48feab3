//! What commands on a configured job share: the job, its state, its lock, and how its troubles are told.

use super::context::Context;
use super::{Exit, Failure};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::config::{Config, JobConfig};
use crate::engine::quarantine::Quarantine;
use crate::engine::spec::JobSpec;
use crate::engine::{CycleResult, RunState};
use crate::runner::{Job, RunError, spec_in_effect};
use crate::store::{JobLock, Store, StoreError};

/// A configured job and the state it runs on.
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) job: JobConfig,
    pub(super) store: Store,
}

impl Session {
    /// Opens the configuration, the one job that is meant, and the state.
    pub(super) fn open(context: &Context) -> Result<Self, Failure> {
        let config = context.config()?;
        let job = context.job(&config)?.clone();
        let store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
        Ok(Self { config, job, store })
    }

    /// Takes the job's lock: one process at a time runs its cycles.
    pub(super) fn lock(&self) -> Result<JobLock, Failure> {
        JobLock::take(&self.config.state_dir, &self.job.name).map_err(|error| {
            Failure::new(Exit::Usage, format!("job `{}` is busy", self.job.name)).because(&error)
        })
    }

    /// The job, ready to run.
    pub(super) fn ready(&self) -> Result<Job, Failure> {
        Job::new(&self.config, &self.job, &Context::env).map_err(|error| run_failure(&error))
    }

    /// The quarantine that the job is in. Mappings or filters saved since then have ended it (`engine.md 1.1`).
    pub(super) fn quarantine(&self) -> Result<Option<Quarantine>, Failure> {
        let job = self.store.job(&self.job.name).map_err(|error| store_failure(&error))?;
        let spec = JobSpec::new(&self.config, &self.job, 1);
        let spec = spec_in_effect(&spec, &self.job, &self.store).map_err(|error| run_failure(&error))?;
        match job.filter(|job| job.definition == spec.definition) {
            Some(job) => crate::engine::status::quarantine(&job).map_err(|error| store_failure(&error)),
            None => Ok(None),
        }
    }
}

/// The present moment of the job time that the service and commands live in.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// How a trouble with the state is told.
pub(super) fn store_failure(error: &StoreError) -> Failure {
    let failure = Failure::new(Exit::Usage, "the state can't be used").because(error);
    match error {
        StoreError::Busy { .. } => failure.help("wait until the other process is done, or end it"),
        StoreError::Newer { .. } => {
            failure.help("install the version of scimulator that wrote it; nothing was changed")
        }
        StoreError::NotOurs { .. } | StoreError::Corrupt(_) => {
            failure.help("nothing was changed; move the file away to start over, or put a copy back")
        }
        StoreError::Open { .. } | StoreError::Sqlite(_) => {
            failure.help("see that the folder can be written to and that the disk is not full")
        }
    }
}

/// How a run that could not take place is told.
pub(super) fn run_failure(error: &RunError) -> Failure {
    match error {
        RunError::Store(error) | RunError::Engine(crate::engine::EngineError::Store(error)) => {
            store_failure(error)
        }
        RunError::Engine(_) => Failure::new(Exit::Defect, "a defect of scimulator").because(error),
        RunError::Token { .. }
        | RunError::InvalidToken { .. }
        | RunError::Network(_)
        | RunError::Journal(_)
        | RunError::Content(_)
        | RunError::Schema { .. }
        | RunError::Runtime(_) => Failure::new(Exit::Usage, "the job can't run").because(error),
    }
}

/// What a finished run makes the process end with.
pub(super) fn exit_of(result: &CycleResult) -> Exit {
    match result.state {
        RunState::Succeeded | RunState::EntryLevelErrors => Exit::Fine,
        RunState::Failed if result.source_fault => Exit::Usage,
        RunState::Failed => Exit::Target,
    }
}
