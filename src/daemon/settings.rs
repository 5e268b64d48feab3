//! The configuration of a running service: read again before each cycle, replaced only by one that is right.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::told;
use crate::config::{self, Config, JobConfig};
use crate::diagnostic::Diagnostic;

/// The configuration in effect, shared by all jobs.
#[derive(Debug)]
pub struct Settings {
    file: PathBuf,
    /// The one job that is to run; `None` for all of them.
    only: Option<String>,
    current: Mutex<Arc<Config>>,
}

impl Settings {
    /// The service runs with `config`, which was read from its file, and all its jobs or `only` one. Warnings that
    /// came with it are told.
    pub fn new((config, warnings): (Config, Vec<Diagnostic>), only: Option<String>) -> Self {
        told::configuration_warnings(&warnings);
        Self { file: config.file.clone(), only, current: Mutex::new(Arc::new(config)) }
    }

    /// The configuration in effect.
    pub fn current(&self) -> Arc<Config> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again and puts what it says into effect. When something is wrong with it, that is told and
    /// what was in effect stays.
    pub fn reread(&self) -> Arc<Config> {
        match config::load(&self.file) {
            Ok((config, _)) => {
                let config = Arc::new(config);
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&config);
                config
            }
            Err(findings) => {
                told::configuration_refused(&findings);
                self.current()
            }
        }
    }

    /// The names of the jobs to run, in the order of the file.
    pub fn jobs(&self) -> Vec<String> {
        let config = self.current();
        let names = config.jobs.iter().map(|job| job.name.clone());
        names.filter(|name| self.only.as_ref().is_none_or(|only| only == name)).collect()
    }
}

/// The job of that name, if the configuration has it.
pub(super) fn job_of<'c>(config: &'c Config, name: &str) -> Option<&'c JobConfig> {
    config.jobs.iter().find(|job| job.name == name)
}
