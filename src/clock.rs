//! The two times. *Job time* (cycles, escrow, quarantine, recycle bin, log stamps) comes from one [`Clock`];
//! *wire time* (socket time-outs, pacing) is [`WireInstant`] and always real. They are different types and never mix.
//! Nothing outside this module reads the time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use jiff::{SignedDuration, Timestamp};

/// Job time. One for each directory (tenant), shared by its jobs.
pub trait Clock: Send + Sync {
    /// The present moment of job time.
    fn now(&self) -> Timestamp;
}

/// The wall clock: job time of the service.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock is read"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Job time that stands still until somebody moves it; copies share one hand.
#[derive(Debug, Clone)]
pub struct VirtualClock(Arc<Mutex<Timestamp>>);

impl VirtualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Moves the hand forward to `to`; an earlier moment leaves it where it is.
    pub fn advance_to(&self, to: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (*now).max(to);
    }

    /// Moves the hand forward by `by`; a negative `by` leaves it where it is, and it stops at the end of time.
    pub fn advance(&self, by: SignedDuration) {
        let now = self.now();
        self.advance_to(now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment of wire time, for measuring and for deadlines of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireInstant(std::time::Instant);

impl WireInstant {
    /// The present moment of wire time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the monotonic clock is read"
    )]
    pub fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Real time that has passed since this moment.
    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_duration_since(self.0)
    }
}
