//! Quarantine (`engine.md 6`): what leads to it, the record, when the next attempt is due, and when it is the end.
//! Pure.

use serde::{Deserialize, Serialize};

use crate::clock::{SignedDuration, Timestamp};
use crate::config::fidelity::{QuarantineSchedule, ShareWindow};

/// The first pause between attempts of the preset `backoff`; each further one is twice as long (`engine.md` C3).
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(30);
/// No pause is longer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// The hours from the first failure to the first attempts of the preset `doc`; then they are a day apart.
const DOC_HOURS: [i64; 3] = [6, 12, 24];

/// Why a job is in quarantine (`engine.md 6.1`). The engine never chooses the published reasons `Unknown`,
/// `QuarantinedOnDemand` and `IngestionInterrupted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Too many open failures, those of references left out.
    EncounteredBaseEscrowThreshold,
    /// Too many open failures, those of references counted.
    EncounteredTotalEscrowThreshold,
    /// Too large a share of what the job did failed.
    EncounteredEscrowProportionThreshold,
    /// Invalid credentials, no connection, or a target that does not speak SCIM.
    EncounteredQuarantineException,
    /// A cycle was to delete or disable more than the deletion guard lets pass.
    TooManyDeletes,
}

impl Reason {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EncounteredBaseEscrowThreshold => "EncounteredBaseEscrowThreshold",
            Self::EncounteredTotalEscrowThreshold => "EncounteredTotalEscrowThreshold",
            Self::EncounteredEscrowProportionThreshold => "EncounteredEscrowProportionThreshold",
            Self::EncounteredQuarantineException => "EncounteredQuarantineException",
            Self::TooManyDeletes => "TooManyDeletes",
        }
    }

    /// The published number.
    pub fn number(self) -> u32 {
        match self {
            Self::EncounteredBaseEscrowThreshold => 0,
            Self::EncounteredTotalEscrowThreshold => 1,
            Self::EncounteredEscrowProportionThreshold => 2,
            Self::EncounteredQuarantineException => 4,
            Self::TooManyDeletes => 32,
        }
    }
}

/// The numbers that open failures are held against (`engine.md 6.2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// With fewer failures without references the share is not looked at (README of the sheets, what the 5,000 minimum
    /// gates).
    pub failures_min: u64,
    /// The share of failed events that must be exceeded, in percent.
    pub share_percent: u64,
    /// The failures without references that must be exceeded.
    pub base_limit: u64,
    /// The failures with references that must be exceeded.
    pub total_limit: u64,
    /// Divides the three absolute numbers, so that a small directory can show what happens (C23).
    pub scale: u64,
    /// Over which events the share is taken.
    pub share_window: ShareWindow,
}

impl Thresholds {
    /// The published numbers.
    pub const PUBLISHED: Self = Self {
        failures_min: 5_000,
        share_percent: 40,
        base_limit: 40_000,
        total_limit: 60_000,
        scale: 1,
        share_window: ShareWindow::Cycle,
    };

    /// The numbers with the scale applied.
    #[must_use]
    pub fn scaled(self) -> Self {
        let part = |number: u64| number.checked_div(self.scale).unwrap_or(number);
        Self {
            failures_min: part(self.failures_min).max(1),
            base_limit: part(self.base_limit),
            total_limit: part(self.total_limit),
            scale: 1,
            ..self
        }
    }
}

/// What there is to be held against [`Thresholds`] at the end of a cycle. Skipped objects count nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Open failures of objects.
    pub objects: u64,
    /// Open failures of references: managers, members.
    pub references: u64,
    /// Objects that failed within the window of the share.
    pub failed: u64,
    /// Objects exported within that window.
    pub succeeded: u64,
}

impl Counts {
    /// The share of failed events in percent, rounded down; 0 without events.
    pub fn share_percent(self) -> u64 {
        self.failed.saturating_mul(100).checked_div(self.failed.saturating_add(self.succeeded)).unwrap_or(0)
    }

    fn share_exceeds(self, percent: u64) -> bool {
        let events = self.failed.saturating_add(self.succeeded);
        percent.saturating_mul(events) < self.failed.saturating_mul(100)
    }
}

/// The reason for which these counts are too much, if they are. Of several that hold, the first of Total, Base,
/// Proportion (C14). `before` is the reason of a quarantine in force: a cycle in which nothing was tried says nothing
/// about a share, and what held before holds on (inferred).
pub fn exceeded(counts: Counts, thresholds: Thresholds, before: Option<Reason>) -> Option<Reason> {
    use Reason::{
        EncounteredBaseEscrowThreshold as Base, EncounteredEscrowProportionThreshold as Proportion,
        EncounteredTotalEscrowThreshold as Total,
    };
    let limits = thresholds.scaled();
    let total = counts.objects.saturating_add(counts.references);
    let untried = counts.failed + counts.succeeded == 0 && before == Some(Proportion);
    if limits.total_limit < total {
        Some(Total)
    } else if limits.base_limit < counts.objects {
        Some(Base)
    } else if limits.failures_min <= counts.objects && (untried || counts.share_exceeds(limits.share_percent))
    {
        Some(Proportion)
    } else {
        None
    }
}

/// When a quarantined job is tried again (`engine.md 6.4`, C3).
fn next_attempt(
    schedule: QuarantineSchedule,
    series_began: Timestamp,
    series_count: u32,
    now: Timestamp,
) -> Timestamp {
    let due = match schedule {
        QuarantineSchedule::Backoff => now.saturating_add(pause(series_count)),
        QuarantineSchedule::Doc => {
            let age = now.duration_since(series_began);
            let hours = DOC_HOURS.into_iter().find(|hours| age < SignedDuration::from_hours(*hours));
            let hours = hours.unwrap_or_else(|| (age.as_hours().div_euclid(24) + 1).saturating_mul(24));
            series_began.saturating_add(SignedDuration::from_hours(hours))
        }
    };
    due.unwrap_or(Timestamp::MAX)
}

/// The pause after an attempt that failed: 30 minutes, doubling, at most a day.
fn pause(series_count: u32) -> SignedDuration {
    2_i32
        .checked_pow(series_count)
        .and_then(|factor| FIRST_PAUSE.checked_mul(factor))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
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
    schedule: QuarantineSchedule,
) -> Quarantine {
    let series_count = before.map_or(0, |before| before.series_count.saturating_add(1));
    // Never later than now: a clock that was set back begins the schedule anew.
    let series_began = before.map_or(now, |before| before.series_began.min(now));
    Quarantine {
        reason,
        series_began,
        current_began: now,
        series_count,
        next_attempt: next_attempt(schedule, series_began, series_count, now),
        error_code: error_code.to_owned(),
        error_message: error_message.to_owned(),
    }
}

/// When a quarantine that is not lifted disables the job: `limit` after its series began (README, the 28th day).
pub fn ends_at(quarantine: &Quarantine, limit: SignedDuration) -> Timestamp {
    quarantine.series_began.saturating_add(limit).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(schedule: QuarantineSchedule, count: usize) -> Vec<i64> {
        let began: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let (mut now, mut quarantine, mut minutes) = (began, None, Vec::new());
        for number in 0..count {
            let imposed = impose(
                quarantine.as_ref(),
                Reason::EncounteredQuarantineException,
                ("Unauthorized", "refused"),
                now,
                schedule,
            );
            assert_eq!((imposed.series_began, imposed.current_began), (began, now));
            assert_eq!(usize::try_from(imposed.series_count).unwrap(), number);
            minutes.push(imposed.next_attempt.duration_since(now).as_mins());
            now = imposed.next_attempt;
            quarantine = Some(imposed);
        }
        minutes
    }

    #[test]
    fn attempts_double_from_half_an_hour_to_a_day_or_follow_the_article() {
        crate::covers!("E-168", "E-169", "E-171", "W-057");
        assert_eq!(series(QuarantineSchedule::Backoff, 8), [30, 60, 120, 240, 480, 960, 1440, 1440]);
        assert_eq!(series(QuarantineSchedule::Doc, 5), [360, 360, 720, 1440, 1440]);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_attempt_wait_longer_than_a_day() {
        let (then, now): (Timestamp, Timestamp) =
            ("2026-03-05T08:00:00Z".parse().unwrap(), "2026-01-05T08:00:00Z".parse().unwrap());
        for schedule in [QuarantineSchedule::Backoff, QuarantineSchedule::Doc] {
            let impose = |before, now| {
                impose(
                    before,
                    Reason::EncounteredQuarantineException,
                    ("Unauthorized", "refused"),
                    now,
                    schedule,
                )
            };
            let after = impose(Some(&impose(None, then)), now);
            assert_eq!((after.series_began, after.series_count), (now, 1), "{schedule:?}");
            assert!(now < after.next_attempt, "{schedule:?}: it must not be due at once, again and again");
            assert!(after.next_attempt.duration_since(now) <= LONGEST_PAUSE, "{schedule:?}");
        }
    }

    fn counts(objects: u64, references: u64, succeeded: u64) -> Counts {
        Counts { objects, references, failed: objects, succeeded }
    }

    /// `engine.md 6.2`, at full numbers.
    #[test]
    fn the_worked_examples_hold() {
        use Reason::{
            EncounteredBaseEscrowThreshold as Base, EncounteredEscrowProportionThreshold as Proportion,
            EncounteredTotalEscrowThreshold as Total,
        };
        crate::covers!("E-158", "E-159", "E-160", "E-161", "E-162", "E-163", "E-155", "E-273");
        let table = [
            (counts(4_000, 0, 0), None),
            (counts(4_999, 0, 0), None),
            (counts(5_000, 0, 0), Some(Proportion)),
            (counts(5_000, 0, 5_000), Some(Proportion)),
            (counts(4_999, 0, 5_001), None),
            (counts(6_000, 0, 9_000), None),
            (counts(6_001, 0, 8_999), Some(Proportion)),
            (counts(40_000, 0, 60_001), None),
            (counts(40_001, 0, 100_000), Some(Base)),
            (counts(45_000, 0, 100_000), Some(Base)),
            (counts(30_000, 0, 5_000), Some(Proportion)),
            (counts(20_000, 0, 100_000), None),
            (counts(40_000, 20_000, 60_001), None),
            (counts(40_000, 20_001, 60_001), Some(Total)),
            (counts(40_000, 21_000, 60_001), Some(Total)),
            (counts(0, 60_000, 0), None),
            (counts(0, 60_001, 0), Some(Total)),
            (counts(45_000, 16_000, 0), Some(Total)),
            (counts(4_999, 1, 0), None),
        ];
        for (counts, expected) in table {
            assert_eq!(exceeded(counts, Thresholds::PUBLISHED, None), expected, "{counts:?}");
        }
    }

    #[test]
    fn a_cycle_without_events_leaves_a_share_as_it_was() {
        let quiet = Counts { objects: 5_000, references: 0, failed: 0, succeeded: 0 };
        let proportion = Some(Reason::EncounteredEscrowProportionThreshold);
        let verdict = |counts, before| exceeded(counts, Thresholds::PUBLISHED, before);
        assert_eq!(verdict(quiet, None), None);
        assert_eq!(verdict(quiet, proportion), proportion);
        assert_eq!(verdict(Counts { objects: 4_999, ..quiet }, proportion), None);
        assert_eq!(verdict(Counts { succeeded: 1, ..quiet }, proportion), None);
    }

    #[test]
    fn a_scale_divides_the_numbers_and_not_the_share() {
        crate::covers!("E-277");
        let thresholds = Thresholds { scale: 1000, ..Thresholds::PUBLISHED };
        let table = [
            (counts(4, 0, 0), None),
            (counts(5, 0, 0), Some(Reason::EncounteredEscrowProportionThreshold)),
            (counts(5, 0, 8), None),
            (counts(40, 0, 70), None),
            (counts(41, 0, 70), Some(Reason::EncounteredBaseEscrowThreshold)),
            (counts(0, 60, 0), None),
            (counts(0, 61, 0), Some(Reason::EncounteredTotalEscrowThreshold)),
        ];
        for (counts, expected) in table {
            assert_eq!(exceeded(counts, thresholds, None), expected, "{counts:?}");
        }
    }

    #[test]
    fn reasons_have_their_published_names_and_numbers() {
        crate::covers!("E-154", "E-157");
        let table = [
            (Reason::EncounteredBaseEscrowThreshold, "EncounteredBaseEscrowThreshold", 0),
            (Reason::EncounteredTotalEscrowThreshold, "EncounteredTotalEscrowThreshold", 1),
            (Reason::EncounteredEscrowProportionThreshold, "EncounteredEscrowProportionThreshold", 2),
            (Reason::EncounteredQuarantineException, "EncounteredQuarantineException", 4),
            (Reason::TooManyDeletes, "TooManyDeletes", 32),
        ];
        for (reason, name, number) in table {
            assert_eq!((reason.as_str(), reason.number()), (name, number));
        }
    }
}
