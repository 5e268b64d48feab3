//! Quarantine (`engine.md 6`): the record, and when the next attempt is due. Pure.
//!
//! What is here is what a global failure needs; thresholds over counts of escrows are not built yet.

use serde::{Deserialize, Serialize};

use crate::clock::{SignedDuration, Timestamp};

/// The first pause between attempts; each further one is twice as long (`engine.md` C3).
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(30);
/// No pause is longer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// Why a job is in quarantine (`engine.md 6.1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Invalid credentials, no connection, or a target that does not speak SCIM.
    EncounteredQuarantineException,
}

impl Reason {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EncounteredQuarantineException => "EncounteredQuarantineException",
        }
    }
}

/// The quarantine of a job, as `synchronizationQuarantine` shows it (`graph-api.md 3.5`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// Why.
    pub reason: Reason,
    /// When this series began.
    pub series_began: Timestamp,
    /// When it was last imposed.
    pub current_began: Timestamp,
    /// How often it was looked at again and left in force.
    pub series_count: u32,
    /// When the next attempt is due.
    pub next_attempt: Timestamp,
    /// Entra's code of the failure behind it.
    pub error_code: String,
    /// What happened.
    pub error_message: String,
}

/// Imposes quarantine at `now`, or leaves it in force when the job is in it already.
pub fn impose(
    before: Option<&Quarantine>,
    reason: Reason,
    (error_code, error_message): (&str, &str),
    now: Timestamp,
) -> Quarantine {
    let series_count = before.map_or(0, |before| before.series_count.saturating_add(1));
    Quarantine {
        reason,
        series_began: before.map_or(now, |before| before.series_began),
        current_began: now,
        series_count,
        next_attempt: now.saturating_add(pause(series_count)).unwrap_or(Timestamp::MAX),
        error_code: error_code.to_owned(),
        error_message: error_message.to_owned(),
    }
}

/// The pause after an attempt that failed: 30 minutes, doubling, at most a day.
fn pause(series_count: u32) -> SignedDuration {
    2_i32
        .checked_pow(series_count)
        .and_then(|factor| FIRST_PAUSE.checked_mul(factor))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_double_from_half_an_hour_to_a_day() {
        let mut now: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let began = now;
        let mut quarantine = None;
        for minutes in [30, 60, 120, 240, 480, 960, 1440, 1440] {
            let imposed = impose(
                quarantine.as_ref(),
                Reason::EncounteredQuarantineException,
                ("Unauthorized", "refused"),
                now,
            );
            assert_eq!(imposed.next_attempt.duration_since(now), SignedDuration::from_mins(minutes));
            assert_eq!(imposed.series_began, began);
            assert_eq!(imposed.current_began, now);
            now = imposed.next_attempt;
            quarantine = Some(imposed);
        }
        crate::covers!("E-168", "E-169", "W-057");
        assert_eq!(quarantine.unwrap().series_count, 7);
    }
}
