//! The provisioning engine: a state machine that takes inputs and yields effects; only HTTP exchanges, the import of
//! the source and pauses are effects. It reads no clock, opens no socket and waits for nothing.
//!
//! [`Cycle`] is one run of a job: a cycle, a test of the connection, or one object [`on_demand`]. Drivers ([`drive`]) carry out its effects, over the network or in process.

pub mod audit;
mod context;
mod cycle;
pub mod decide;
pub mod drive;
pub mod entry;
pub mod escrow;
pub mod estimate;
pub mod forecast;
pub mod guard;
pub mod ids;
pub mod inspect;
pub mod notice;
mod object;
pub mod on_demand;
pub mod quarantine;
mod reference;
mod removal;
pub mod restart;
pub mod spec;
pub mod statistics;
pub mod status;

pub use context::{About, EffectId, EngineError, Refusal, phase_of};
pub use cycle::{Cycle, CycleKind, CycleResult, Effect, Event, ImportOutcome, Outcome, Purpose, RunState};
