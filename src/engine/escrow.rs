//! When a failed object is tried again, and when no more (`engine.md 5.3`). Pure.

use crate::clock::{SignedDuration, Timestamp};
use crate::config::fidelity::EscrowSchedule;

/// The hours of [`EscrowSchedule::DocCurrent`] before it goes on day by day.
const CURRENT_HOURS: [i64; 3] = [6, 12, 24];
/// The hours of [`EscrowSchedule::Doc2022`].
const HOURS_OF_2022: [i64; 7] = [2, 6, 12, 24, 48, 96, 168];
/// The step of the schedules that go on.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// No schedule has a longer step (the last of [`HOURS_OF_2022`]), unless the interval is longer.
const STEP_MAX: SignedDuration = SignedDuration::from_hours(72);

/// The retry policy of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// When retries are due.
    pub schedule: EscrowSchedule,
    /// No retry is due later than this after the first failure.
    pub give_up: SignedDuration,
}

/// A try that has just failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedTry {
    /// When the operation failed first; `now`, if this is the first time.
    pub first_failure: Timestamp,
    /// When the cycle of this try began.
    pub cycle_began: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// From the start of one cycle to the start of the next.
    pub interval: SignedDuration,
}

/// No retry that was planned by `now` is due later, whatever the schedule.
pub fn latest_retry(now: Timestamp, interval: SignedDuration) -> Timestamp {
    later(now, interval.max(STEP_MAX))
}

impl RetryPolicy {
    /// When an object that failed just now is due again; `None` when it is given up.
    ///
    /// A retry happens in the first cycle that begins at that time or later, so a try that came late, or between two
    /// steps since the source changed, does not shift the steps after it.
    pub fn next_retry(self, failed: FailedTry) -> Option<Timestamp> {
        let next_cycle = later(failed.cycle_began, failed.interval).max(failed.now);
        let age = failed.now.duration_since(failed.first_failure);
        let after = |hours: &[i64]| {
            let offsets = hours.iter().map(|hours| SignedDuration::from_hours(*hours));
            offsets.into_iter().find(|offset| age < *offset).map(|offset| later(failed.first_failure, offset))
        };
        let due = match self.schedule {
            EscrowSchedule::EveryCycle => next_cycle,
            EscrowSchedule::DocCurrent if failed.first_failure == failed.now => next_cycle,
            EscrowSchedule::DocCurrent => after(&CURRENT_HOURS)
                .unwrap_or_else(|| later(failed.first_failure, DAY * (whole_days(age).saturating_add(1)))),
            EscrowSchedule::Doc2022 => after(&HOURS_OF_2022)?,
        };
        (due <= later(failed.first_failure, self.give_up)).then_some(due)
    }
}

fn later(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

fn whole_days(age: SignedDuration) -> i32 {
    i32::try_from(age.as_hours().div_euclid(24)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes after the first failure at which tries happen, with a cycle every 40 minutes that always fails.
    fn tries(schedule: EscrowSchedule) -> Vec<i64> {
        let policy = RetryPolicy { schedule, give_up: SignedDuration::from_hours(28 * 24) };
        let first_failure: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let interval = SignedDuration::from_mins(40);
        let (mut minutes, mut now, mut cycle_began) = (Vec::new(), first_failure, first_failure);
        while let Some(due) = policy.next_retry(FailedTry { first_failure, cycle_began, now, interval }) {
            assert!(now < due && due <= latest_retry(now, interval));
            while cycle_began < due {
                cycle_began = cycle_began.saturating_add(interval).unwrap();
            }
            now = cycle_began;
            minutes.push(now.duration_since(first_failure).as_mins());
        }
        minutes
    }

    #[test]
    fn the_presets_retry_as_published() {
        crate::covers!("E-147", "E-148", "E-149", "E-150", "W-053");
        let current = tries(EscrowSchedule::DocCurrent);
        let days: Vec<i64> = (1..=28).map(|day| day * 24 * 60).collect();
        assert_eq!(current[..3], [40, 6 * 60, 12 * 60]);
        assert_eq!(current[3..], days);
        // A cycle begins every 40 minutes, so a retry waits for the next one.
        assert_eq!(tries(EscrowSchedule::Doc2022), [2, 6, 12, 24, 48, 96, 168].map(|hours: i64| hours * 60));
        let every = tries(EscrowSchedule::EveryCycle);
        assert_eq!(every.len(), 28 * 24 * 60 / 40);
        assert!(every.iter().zip(1..).all(|(minutes, number)| *minutes == 40 * number));
    }

    /// A change at the source brings a try between two steps; the steps stay where they are.
    #[test]
    fn a_try_between_two_steps_moves_none_of_them() {
        let policy = RetryPolicy {
            schedule: EscrowSchedule::DocCurrent,
            give_up: SignedDuration::from_hours(28 * 24),
        };
        let first_failure: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let interval = SignedDuration::from_mins(40);
        for (minutes, due) in
            [(41, Some(360)), (359, Some(360)), (360, Some(720)), (1440, Some(2880)), (40_320, None)]
        {
            let now = later(first_failure, SignedDuration::from_mins(minutes));
            let failed = FailedTry { first_failure, cycle_began: now, now, interval };
            let due = due.map(|due| later(first_failure, SignedDuration::from_mins(due)));
            assert_eq!(policy.next_retry(failed), due, "{minutes}");
        }
    }

    /// 28 days to the minute is still in time; `escrow_give_up` may say less.
    #[test]
    fn nothing_is_tried_later_than_the_limit() {
        let first_failure: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let now = later(first_failure, SignedDuration::from_hours(6));
        let failed =
            FailedTry { first_failure, cycle_began: now, now, interval: SignedDuration::from_mins(40) };
        for (give_up, expected) in [(11, false), (12, true)] {
            let policy = RetryPolicy {
                schedule: EscrowSchedule::DocCurrent,
                give_up: SignedDuration::from_hours(give_up),
            };
            assert_eq!(policy.next_retry(failed).is_some(), expected);
        }
    }
}
