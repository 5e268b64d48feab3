//! How far a job is from quarantine, and how it would get out (`engine.md 6`): what `quarantine` shows.

use super::context::EngineError;
use super::quarantine::{Counts, Quarantine, Reason, ends_at};
use super::spec::JobSpec;
use super::statistics::Statistics;
use super::status;
use crate::clock::Timestamp;
use crate::config::fidelity::ShareWindow;
use crate::store::Store;

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The quarantine it is in.
    pub quarantine: Option<Quarantine>,
    /// When that disables it.
    pub ends: Option<Timestamp>,
    /// Whether it has.
    pub disabled: bool,
    /// Whether an admin, or an initial cycle with too many failures, has paused it.
    pub paused: bool,
    /// What is held against the thresholds.
    pub counts: Counts,
    /// Each threshold over counts.
    pub distances: Vec<Distance>,
    /// Removals that the deletion guard holds back.
    pub staged: u64,
}

/// One threshold, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// What exceeding it leads to.
    pub reason: Reason,
    /// The number now; a share in percent.
    pub current: u64,
    /// The number that must be exceeded.
    pub limit: u64,
    /// Open failures below which it is not looked at; 0 for none of its own.
    pub from: u64,
}

impl Distance {
    /// How many more failures it takes, for a threshold over counts; for a share, until it is looked at.
    pub fn left(&self) -> u64 {
        match self.reason {
            Reason::EncounteredEscrowProportionThreshold => self.from,
            Reason::EncounteredBaseEscrowThreshold
            | Reason::EncounteredTotalEscrowThreshold
            | Reason::EncounteredQuarantineException
            | Reason::TooManyDeletes => self.limit.saturating_add(1).saturating_sub(self.current),
        }
    }
}

/// Where a job stands now.
pub fn forecast(spec: &JobSpec, store: &Store) -> Result<Forecast, EngineError> {
    let job = store.job(&spec.name)?;
    let rules = &spec.rules.quarantine;
    // Mappings or filters saved since then have ended a quarantine (`engine.md 1.1`).
    let quarantine = job.as_ref().filter(|job| job.definition == spec.definition);
    let quarantine = quarantine.map(status::quarantine).transpose()?.flatten();
    let open = store.open_failures(&spec.name)?;
    let last: Statistics = match store.executions(&spec.name, 1)?.pop() {
        Some(execution) => serde_json::from_str(&execution.statistics)?,
        None => Statistics::default(),
    };
    let (failed, succeeded) = match rules.thresholds.share_window {
        ShareWindow::Cycle => (last.actions.objects_failed, last.actions.objects_exported),
        ShareWindow::SinceRestart => {
            (open.objects, job.as_ref().map_or(0, |job| job.exported.unsigned_abs()))
        }
    };
    let counts = Counts { objects: open.objects, references: open.references, failed, succeeded };
    let limits = rules.thresholds.scaled();
    let distance = |reason, current, limit, from| Distance { reason, current, limit, from };
    let share_from = limits.failures_min.saturating_sub(open.objects);
    Ok(Forecast {
        ends: quarantine.as_ref().map(|quarantine| ends_at(quarantine, rules.limit)),
        disabled: job.as_ref().is_some_and(|job| job.disabled),
        paused: job.as_ref().is_some_and(|job| job.paused),
        quarantine,
        counts,
        distances: vec![
            distance(
                Reason::EncounteredEscrowProportionThreshold,
                counts.share_percent(),
                limits.share_percent,
                share_from,
            ),
            distance(Reason::EncounteredBaseEscrowThreshold, open.objects, limits.base_limit, 0),
            distance(
                Reason::EncounteredTotalEscrowThreshold,
                open.objects.saturating_add(open.references),
                limits.total_limit,
                0,
            ),
        ],
        staged: u64::try_from(store.staged(&spec.name)?.len()).unwrap_or(u64::MAX),
    })
}

impl Forecast {
    /// What would get the job out, or on, in a sentence; `None` when nothing is in its way.
    pub fn way_out(&self) -> Option<&'static str> {
        if self.disabled {
            return Some(
                "nothing by itself: it is disabled; mend the cause, then `scimulator start` or `restart`",
            );
        }
        match self.quarantine.as_ref().map(|quarantine| quarantine.reason) {
            None if self.paused => Some("`scimulator start`"),
            None => None,
            Some(Reason::TooManyDeletes) => Some(
                "`scimulator deletions allow` lets the removals go; bringing everybody back, or `deletions reject` once \
                 the cause is mended, ends it without them",
            ),
            Some(Reason::EncounteredQuarantineException) => Some(
                "an attempt that reaches the target and is let in; `scimulator start` makes one due at once",
            ),
            Some(
                Reason::EncounteredBaseEscrowThreshold
                | Reason::EncounteredTotalEscrowThreshold
                | Reason::EncounteredEscrowProportionThreshold,
            ) => Some(
                "an attempt after which the failures are below the thresholds; `scimulator start` makes one due at once, \
                 `restart` drops the failures and reads everybody anew",
            ),
        }
    }
}
