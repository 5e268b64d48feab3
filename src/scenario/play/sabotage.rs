//! Laws broken on purpose, so that tests see them found.

use super::{JOB, Play, PlayError};

/// Which law is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// A process that starts again has forgotten the creates that were under way (design, law 4).
    ForgottenIntents,
    /// The watermark moves at the end of a cycle that failed, too (design, law 2).
    HastyWatermark,
    /// What failed by itself is not kept for another try.
    LostEscrows,
    /// What fails is given up at once.
    HastySurrender,
    /// What the app holds in the end tells how often the process was killed, and how many requests were in flight at
    /// once. It shows in simulated stories alone.
    TellingEnd,
    /// What happens depends on something else than the scenario: here, how many were played before (design,
    /// law 5).
    UnequalRuns,
}

/// How many scenarios were played before under the one law that looks at it; others don't count, so that tests at the
/// same time do not disturb it.
pub(super) fn played_before(sabotage: Option<Sabotage>) -> u64 {
    static PLAYED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    if sabotage != Some(Sabotage::UnequalRuns) {
        return 0;
    }
    PLAYED.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

impl Play<'_> {
    /// Called once a new process has taken over.
    pub(super) fn sabotage_restart(&mut self) -> Result<(), PlayError> {
        if self.sabotage == Some(Sabotage::ForgottenIntents) {
            for object in self.store.everybody(JOB)? {
                self.store.drop_intent(JOB, object.kind, &object.id)?;
            }
        }
        Ok(())
    }

    /// Called after each cycle.
    pub(super) fn sabotage_cycle(&mut self) -> Result<(), PlayError> {
        match self.sabotage {
            Some(Sabotage::HastyWatermark) => {
                let last = self.store.last_seq()?;
                if let Some(row) = self.store.job(JOB)?.filter(|row| row.watermark.is_some()) {
                    self.store.save_job(&crate::store::JobRow { watermark: Some(last), ..row })?;
                }
            }
            Some(Sabotage::LostEscrows) => {
                for escrow in self.store.escrows(JOB)? {
                    self.store.drop_escrow(JOB, escrow.kind, &escrow.source_id, escrow.is_reference)?;
                }
            }
            Some(Sabotage::HastySurrender) => {
                for escrow in self.store.escrows(JOB)? {
                    self.store.save_escrow(JOB, &crate::store::Escrow { next_retry: None, ..escrow })?;
                }
            }
            Some(Sabotage::UnequalRuns) => {
                if self.nth % 2 == 1 {
                    self.stage.exchanges.pop();
                }
            }
            Some(Sabotage::ForgottenIntents | Sabotage::TellingEnd) | None => {}
        }
        Ok(())
    }
}
