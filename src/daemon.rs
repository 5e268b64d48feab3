//! The service: every job runs on its own schedule until it is stopped.
//!
//! When a job is due is decided in [`due`], a pure function of what the state says and of job time; nothing is kept
//! in memory that a restart would miss. A [`Tended`] job is looked at again and again: it runs a cycle when one is due,
//! and whatever goes wrong with it stays with it. Around it is the shell: a thread a job, and timers that say when to
//! look. They may be early, late or many: looking is all they cause.
//!
//! On virtual time the same [`Tended`] jobs are looked at in one thread, which jumps from one due time to the next as
//! far as a [`Wish`] goes: one engine, two ways to wait.

pub mod due;
mod job;
mod service;
mod settings;
mod tended;
mod told;
mod virtual_time;

pub use job::ConfiguredJob;
pub use service::{Answer, Beat, Roster, ServiceError, Task, attend, run, run_virtual, supervise};
pub use settings::Settings;
pub use tended::{Fault, Looked, Ran, Runs, Tended};
pub use virtual_time::{ADVANCE_MAX, Advanced, Lull, Until, VirtualJobs, Wish};
