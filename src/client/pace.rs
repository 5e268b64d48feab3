//! Pacing on wire time: how long a request has to wait so that a target is not asked more often than agreed.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::{WireClock, WireInstant};

type Limiter = RateLimiter<NotKeyed, InMemoryState, WireClock, NoOpMiddleware<WireInstant>>;

/// Spaces requests evenly. It never waits itself: whoever drives the job does, on the clock it owns.
///
/// A non-gallery job has no limiter of its own (`wire.md 1.6`), so [`Pace::none`] is the default of a job.
#[derive(Debug)]
pub struct Pace(Option<Limiter>);

impl Pace {
    /// Every request may leave at once.
    pub fn none() -> Self {
        Self(None)
    }

    /// At most `requests` a second, one every 1/`requests` s: without bursts, so that no second ever sees more.
    pub fn per_second(requests: NonZeroU32, clock: WireClock) -> Self {
        let quota = Quota::per_second(requests).allow_burst(NonZeroU32::MIN);
        Self(Some(RateLimiter::direct_with_clock(quota, clock)))
    }

    /// Asks for the next place: `None` takes it, the request leaves now. `Some` takes nothing: ask again after
    /// that much wire time.
    pub fn admit(&self) -> Option<Duration> {
        let limiter = self.0.as_ref()?;
        limiter.check().err().map(|until| until.wait_time_from(limiter.clock().now()))
    }
}

impl GovernorClock for WireClock {
    type Instant = WireInstant;

    fn now(&self) -> WireInstant {
        WireClock::now(self)
    }
}

impl Reference for WireInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.saturating_duration_since(earlier).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        self.checked_sub(duration.into()).unwrap_or(*self)
    }
}

impl Add<Nanos> for WireInstant {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        self.checked_add(duration.into()).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SignedDuration, Timestamp, VirtualClock};

    fn paced(requests: u32) -> (VirtualClock, Pace) {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let pace = Pace::per_second(NonZeroU32::new(requests).unwrap(), WireClock::following(&clock));
        (clock, pace)
    }

    #[test]
    fn twenty_five_a_second_leave_forty_milliseconds_apart() {
        let (clock, pace) = paced(25);
        for _ in 0..50 {
            assert_eq!(pace.admit(), None);
            assert_eq!(pace.admit(), Some(Duration::from_millis(40)));
            clock.advance(SignedDuration::from_millis(39));
            assert_eq!(pace.admit(), Some(Duration::from_millis(1)));
            clock.advance(SignedDuration::from_millis(1));
        }
    }

    #[test]
    fn a_long_pause_earns_no_burst() {
        let (clock, pace) = paced(10);
        assert_eq!(pace.admit(), None);
        clock.advance(SignedDuration::from_hours(9));
        assert_eq!(pace.admit(), None);
        assert_eq!(pace.admit(), Some(Duration::from_millis(100)));
    }

    #[test]
    fn asking_too_early_takes_no_place() {
        let (clock, pace) = paced(1);
        assert_eq!(pace.admit(), None);
        for _ in 0..10 {
            assert_eq!(pace.admit(), Some(Duration::from_secs(1)));
        }
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(pace.admit(), None);
    }

    #[test]
    fn without_a_pace_nothing_waits() {
        let pace = Pace::none();
        assert!((0..10_000).all(|_| pace.admit().is_none()));
    }
}
