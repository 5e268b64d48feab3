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
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
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

/// Job time of one directory: the wall clock, or a hand that stands still until it is moved.
#[derive(Debug, Clone, Default)]
pub enum JobClock {
    /// The wall clock.
    #[default]
    Real,
    /// Virtual time.
    Virtual(VirtualClock),
}

impl Clock for JobClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Real => SystemClock.now(),
            Self::Virtual(clock) => clock.now(),
        }
    }
}

/// A moment of wire time, for measuring and for deadlines of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireInstant(std::time::Instant);

impl WireInstant {
    /// The present moment of wire time.
    #[expect(clippy::disallowed_methods, reason = "the one place where the monotonic clock is read")]
    pub fn now() -> Self {
        Self(std::time::Instant::now())
    }

    /// Real time that has passed since this moment.
    pub fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The moment that lies `by` later; `None` beyond what the platform can represent.
    pub fn checked_add(self, by: Duration) -> Option<Self> {
        self.0.checked_add(by).map(Self)
    }

    /// The moment that lies `by` earlier; `None` beyond what the platform can represent.
    pub fn checked_sub(self, by: Duration) -> Option<Self> {
        self.0.checked_sub(by).map(Self)
    }
}

/// Where wire time comes from: real against a socket; against the embedded app it follows the virtual clock.
#[derive(Debug, Clone)]
pub struct WireClock(WireSource);

#[derive(Debug, Clone)]
enum WireSource {
    Real,
    /// The instant only anchors the count: differences are those of the virtual clock alone.
    Following {
        clock: VirtualClock,
        origin: WireInstant,
        start: Timestamp,
    },
}

impl WireClock {
    /// The monotonic clock of the machine.
    pub fn real() -> Self {
        Self(WireSource::Real)
    }

    /// Wire time that passes as the hand of `clock` moves.
    pub fn following(clock: &VirtualClock) -> Self {
        let (origin, start) = (WireInstant::now(), clock.now());
        Self(WireSource::Following { clock: clock.clone(), origin, start })
    }

    /// The present moment of this wire time.
    pub fn now(&self) -> WireInstant {
        match &self.0 {
            WireSource::Real => WireInstant::now(),
            WireSource::Following { clock, origin, start } => {
                let passed = Duration::try_from(clock.now().duration_since(*start)).unwrap_or(Duration::ZERO);
                origin.checked_add(passed).unwrap_or(*origin)
            }
        }
    }
}
