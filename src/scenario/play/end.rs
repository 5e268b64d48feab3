//! What there is when a scenario is over, for those who hold it against laws of their own.

use super::{Play, PlayError};
use crate::oracle::Report;
use crate::store::{LogFilter, LogRow};

/// The end of a scenario.
#[derive(Debug, Clone)]
pub struct End {
    /// What the oracle says of what the app holds.
    pub oracle: Report,
    /// The provisioning log, the newest entry first.
    pub log: Vec<LogRow>,
    /// Why the job has not come to rest; `None` when nothing is wrong any more, its last cycle succeeded, and it has
    /// nothing to try again.
    pub unrest: Option<Unrest>,
}

/// Why a job has not come to rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrest {
    /// The app still has a fault.
    App,
    /// The source still has one.
    Source,
    /// The job does not run, or in quarantine: its status.
    Status(String),
    /// Changes wait for a cycle.
    Changes,
    /// The last cycle did not succeed: its result.
    Result(String),
    /// Somebody or something failed, and is not settled.
    Escrow {
        /// Who or what.
        label: String,
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for Unrest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::App => f.write_str("the app has a fault"),
            Self::Source => f.write_str("the source has a fault"),
            Self::Status(status) => write!(f, "the job is {status}"),
            Self::Changes => f.write_str("changes wait for a cycle"),
            Self::Result(result) => write!(f, "the result of the last cycle is {result}"),
            Self::Escrow { label, reason } => write!(f, "`{label}` is not settled: {reason}"),
        }
    }
}

impl Play<'_> {
    fn unrest(&self) -> Result<Option<Unrest>, PlayError> {
        let facts = self.facts(0)?;
        let result = facts.result.unwrap_or_else(|| "none".to_owned());
        Ok(if !self.app.is_mended() {
            Some(Unrest::App)
        } else if self.stage.source.is_some() || !self.unseen.is_empty() {
            Some(Unrest::Source)
        } else if facts.status != "Active" {
            Some(Unrest::Status(facts.status))
        } else if self.store.job(super::JOB)?.and_then(|row| row.watermark) != Some(self.store.last_seq()?) {
            Some(Unrest::Changes)
        } else if result != "Succeeded" {
            Some(Unrest::Result(result))
        } else {
            let first = facts.escrows.into_iter().next();
            first.map(|escrow| Unrest::Escrow { label: escrow.label, reason: escrow.reason })
        })
    }

    /// How things stand; or why that can't be told.
    pub(in crate::scenario) fn end(&mut self) -> Result<End, String> {
        let oracle = self.consult().map_err(|error| error.to_string())?;
        let log =
            self.store.log_entries(super::JOB, &LogFilter::default()).map_err(|error| error.to_string())?;
        let unrest = self.unrest().map_err(|error| error.to_string())?;
        Ok(End { oracle, log, unrest })
    }
}
