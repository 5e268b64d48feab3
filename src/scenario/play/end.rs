//! What there is when a scenario is over, for those who hold it against laws of their own.

use super::{Play, PlayError};
use crate::directory::object::ObjectKind;
use crate::oracle::Report;
use crate::store::LogFilter;

/// The end of a scenario.
#[derive(Debug, Clone)]
pub struct End {
    /// What the oracle says of what the app holds.
    pub oracle: Report,
    /// How many users and groups the job has linked to an account.
    pub linked: (u64, u64),
    /// The provisioning log, entry by entry, the newest first, as the state has it.
    pub log: Vec<String>,
    /// Why the job has not come to rest; `None` when nothing is wrong any more, its last cycle succeeded, and it has
    /// nothing to try again.
    pub unrest: Option<String>,
}

impl Play<'_> {
    fn unrest(&self) -> Result<Option<String>, PlayError> {
        let facts = self.facts(0)?;
        let result = facts.result.unwrap_or_else(|| "none".to_owned());
        Ok(if !self.app.is_mended() {
            Some("the app has a fault".to_owned())
        } else if self.stage.source.is_some() || !self.unseen.is_empty() {
            Some("the source has a fault".to_owned())
        } else if facts.status != "Active" {
            Some(format!("the job is {}", facts.status))
        } else if self.store.job(super::JOB)?.and_then(|row| row.watermark) != Some(self.store.last_seq()?) {
            Some("changes wait for a cycle".to_owned())
        } else if result != "Succeeded" {
            Some(format!("the result of the last cycle is {result}"))
        } else {
            facts
                .escrows
                .first()
                .map(|escrow| format!("`{}` is not settled: {}", escrow.label, escrow.reason))
        })
    }

    /// How things stand; or why that can't be told.
    pub(in crate::scenario) fn end(&mut self) -> Result<End, String> {
        let oracle = self.consult().map_err(|error| error.to_string())?;
        let log =
            self.store.log_entries(super::JOB, &LogFilter::default()).map_err(|error| error.to_string())?;
        let count = |kind| self.store.link_count(super::JOB, kind).map_err(|error| error.to_string());
        let linked = (count(ObjectKind::User)?, count(ObjectKind::Group)?);
        let unrest = self.unrest().map_err(|error| error.to_string())?;
        Ok(End { oracle, linked, log: log.iter().map(|row| format!("{row:?}")).collect(), unrest })
    }
}
