//! When a failed object is tried again (`engine.md 5.3`). Pure.

use crate::clock::{SignedDuration, Timestamp};

/// The retry policy of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryPolicy {
    /// Tried again in every cycle (preset `every-cycle`).
    #[default]
    EveryCycle,
}

impl RetryPolicy {
    /// When an object that failed at `now`, in a cycle that began at `began`, is due again.
    pub fn next_retry(self, began: Timestamp, now: Timestamp, interval: SignedDuration) -> Timestamp {
        match self {
            Self::EveryCycle => began.saturating_add(interval).unwrap_or(Timestamp::MAX).max(now),
        }
    }
}
