//! When a job runs next (`engine.md 2, 6.4, 12`). Pure.

use crate::clock::{SignedDuration, Timestamp};
use crate::engine::quarantine::ends_at;
use crate::engine::status::quarantine;
use crate::store::{JobRow, StoreError};

/// No quarantine pauses longer (`engine.md` C3).
const QUARANTINE_PAUSE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How long a job is left alone after the first cycle that could not be run.
const FAULT_PAUSE_FIRST: SignedDuration = SignedDuration::from_mins(1);
/// No such pause is longer: Entra's interval.
const FAULT_PAUSE_MAX: SignedDuration = SignedDuration::from_mins(40);

/// What of a job's state decides when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// An admin has paused it.
    pub paused: bool,
    /// A long quarantine has ended it.
    pub disabled: bool,
    /// When the quarantine it is in disables it.
    pub ends: Option<Timestamp>,
    /// The time between two cycles.
    pub interval: SignedDuration,
    /// What its last cycle left as the time of the next; `None` when none has ended yet, or `start` cleared it.
    pub next_cycle: Option<Timestamp>,
    /// The next attempt of a job in quarantine.
    pub next_attempt: Option<Timestamp>,
}

impl Standing {
    /// The standing of a job that keeps `row` in the state, or nothing yet; `limit`: how long a quarantine may last.
    ///
    /// # Errors
    /// The row holds a quarantine that can't be read.
    pub fn of(
        row: Option<&JobRow>,
        interval: SignedDuration,
        limit: SignedDuration,
    ) -> Result<Self, StoreError> {
        let quarantine = row.map(quarantine).transpose()?.flatten();
        Ok(Self {
            paused: row.is_some_and(|row| row.paused),
            disabled: row.is_some_and(|row| row.disabled),
            ends: quarantine.as_ref().map(|quarantine| ends_at(quarantine, limit)),
            interval,
            next_cycle: row.and_then(|row| row.next_cycle),
            next_attempt: quarantine.map(|quarantine| quarantine.next_attempt),
        })
    }
}

/// When a job is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// At once.
    Now,
    /// Later, unless something changes.
    At(Timestamp),
    /// Not before an admin says so.
    Never,
}

/// When a job of this standing is to run: at once when none of its cycles has ended, else when the last cycle said.
///
/// However late it is, one cycle is due, not one for each interval that went by. A moment farther off than any pause
/// was written under a clock that has been set back since, or under a longer interval: then it is due at once.
pub fn next_due(standing: &Standing, now: Timestamp) -> Due {
    if standing.paused || standing.disabled {
        return Due::Never;
    }
    let longest = standing.interval.max(QUARANTINE_PAUSE_MAX);
    let next = standing.next_cycle.max(standing.next_attempt);
    match next.map(|next| standing.ends.map_or(next, |ends| next.min(ends))) {
        Some(at) if now < at && at <= later(now, longest) => Due::At(at),
        Some(_) | None => Due::Now,
    }
}

/// Until when a job is left alone whose cycle could not be run, `faults` times in a row with this one: a minute, then
/// doubling up to 40 minutes. That is for troubles of ours, such as a full disk; what a target does wrong is in the
/// job's standing.
pub fn held_until(faults: u32, now: Timestamp) -> Timestamp {
    let factor = 2_i32.checked_pow(faults.saturating_sub(1));
    let pause = factor.and_then(|factor| FAULT_PAUSE_FIRST.checked_mul(factor));
    later(now, pause.map_or(FAULT_PAUSE_MAX, |pause| pause.min(FAULT_PAUSE_MAX)))
}

/// Whether a job that is left alone `until` then still is; not when the clock has been set back since.
pub fn is_held(until: Timestamp, now: Timestamp) -> bool {
    now < until && until <= later(now, FAULT_PAUSE_MAX)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A job that last ran at 08:00 with an interval of 40 minutes.
    fn steady() -> Standing {
        Standing {
            paused: false,
            disabled: false,
            ends: None,
            interval: SignedDuration::from_mins(40),
            next_cycle: Some(at("2026-01-05T08:40:00Z")),
            next_attempt: None,
        }
    }

    #[test]
    fn a_job_runs_at_once_when_new_then_at_its_interval_and_never_when_paused() {
        let attempt = at("2026-01-05T16:00:00Z");
        let new = Standing { next_cycle: None, ..steady() };
        let paused = Standing { paused: true, ..steady() };
        let quarantined = Standing { next_attempt: Some(attempt), ..steady() };
        let ending = Standing { ends: Some(at("2026-01-05T12:00:00Z")), ..quarantined.clone() };
        let disabled = Standing { disabled: true, ..ending.clone() };
        let weekly = Standing {
            interval: SignedDuration::from_hours(7 * 24),
            next_cycle: Some(at("2026-01-12T08:00:00Z")),
            ..steady()
        };
        let next = Due::At(at("2026-01-05T08:40:00Z"));
        let cases = [
            ("no cycle has ended yet", &new, "2026-01-05T08:00:00Z", Due::Now),
            ("a moment after its cycle", &steady(), "2026-01-05T08:00:01Z", next),
            ("a moment before the next", &steady(), "2026-01-05T08:39:59.999Z", next),
            ("on the dot", &steady(), "2026-01-05T08:40:00Z", Due::Now),
            ("nine hours late", &steady(), "2026-01-05T17:40:00Z", Due::Now),
            ("the clock was set back an hour", &steady(), "2026-01-05T07:00:00Z", next),
            ("the clock was set back a month", &steady(), "2025-12-05T08:00:00Z", Due::Now),
            ("paused", &paused, "2026-01-05T08:40:00Z", Due::Never),
            (
                "paused and never run",
                &Standing { next_cycle: None, ..paused.clone() },
                "2026-01-05T08:40:00Z",
                Due::Never,
            ),
            ("in quarantine at the regular time", &quarantined, "2026-01-05T08:40:00Z", Due::At(attempt)),
            ("in quarantine when the attempt is due", &quarantined, "2026-01-05T16:00:00Z", Due::Now),
            ("28 days are over first", &ending, "2026-01-05T08:40:00Z", Due::At(at("2026-01-05T12:00:00Z"))),
            ("28 days are over", &ending, "2026-01-05T12:00:00Z", Due::Now),
            ("disabled", &disabled, "2026-01-05T17:00:00Z", Due::Never),
            ("a long interval", &weekly, "2026-01-05T08:00:00Z", Due::At(at("2026-01-12T08:00:00Z"))),
            (
                "an interval that was longer",
                &Standing { interval: steady().interval, ..weekly.clone() },
                "2026-01-05T08:00:00Z",
                Due::Now,
            ),
        ];
        for (case, standing, now, expected) in cases {
            assert_eq!(next_due(standing, at(now)), expected, "{case}");
        }
    }

    #[test]
    fn a_clock_that_jumps_nine_hours_leads_to_one_cycle() {
        let mut standing = steady();
        let mut now = at("2026-01-05T17:40:00Z");
        let mut cycles = 0;
        // Looked at every second for 39 minutes after the jump.
        for _ in 0..39 * 60 {
            if next_due(&standing, now) == Due::Now {
                cycles += 1;
                standing.next_cycle = Some(later(now, standing.interval));
            }
            now = later(now, SignedDuration::from_secs(1));
        }
        assert_eq!(cycles, 1);
    }

    #[test]
    fn troubles_of_ours_are_tried_again_after_a_minute_doubling_to_the_interval() {
        let now = at("2026-01-05T08:00:00Z");
        for (faults, minutes) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 40), (8, 40), (u32::MAX, 40)] {
            let until = held_until(faults, now);
            assert_eq!(until.duration_since(now), SignedDuration::from_mins(minutes), "{faults} faults");
            assert!(is_held(until, now) && !is_held(until, until), "{faults} faults");
            assert!(!is_held(until, later(now, SignedDuration::from_hours(-1))), "the clock was set back");
        }
    }
}
