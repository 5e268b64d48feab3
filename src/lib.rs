//! Scimulator plays the Microsoft Entra provisioning service against any SCIM 2.0 endpoint.
//!
//! ```text
//! directory ─► change log ─► [ import ► scope ► match ► decide ► export ] ─► store
//!  files        seq 1,2,3…      the five steps of one object                   links, escrows, log, watermark
//! ```
//!
//! What the program does, other programs' tests can do: a configuration becomes a [`runner::Job`], and a job runs
//! cycles, against a target over the network or the embedded one in process.
//!
//! ```
//! use scimulator::clock::VirtualClock;
//! use scimulator::engine::{Purpose, RunState};
//! use scimulator::runner::{Job, Mode, Unwatched};
//! use scimulator::store::Store;
//!
//! let (config, _warnings) = scimulator::config::load("examples/toml/scimulator.toml".as_ref())
//!     .map_err(|findings| format!("{findings:?}"))?;
//! let job = Job::new(&config, &config.jobs[0], &|_variable| None)?;
//! let clock = VirtualClock::new("2026-01-15T09:00:00Z".parse()?);
//!
//! let mut store = Store::in_memory()?;
//! let planned = job.cycle(&mut store, &clock, Purpose::Cycle, Mode::Plan, &mut Unwatched)?;
//!
//! assert_eq!(planned.state, RunState::Succeeded);
//! assert_eq!(planned.statistics.actions.created, 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * Pure, values in and values out: [`expression`], [`mapping`], [`schema`], [`scope`], [`scim`], and the deciding
//!   half of [`engine`], which as a whole is a state machine: it yields effects and takes their outcomes.
//! * Shell: [`directory`] reads files, [`client`] speaks HTTP, [`store`] speaks SQL, [`clock`] reads the time, and
//!   nobody else does any of these; [`mail`] delivers mails. [`runner`] puts a job together, [`daemon`] runs it on its schedule, [`cli`] shows
//!   what came of it.
//! * [`target`] is the embedded app. It shares no code with the client, so that one mistake can not cancel out another.
//!
//! `ARCHITECTURE.md` has the code map and the invariants, with the tests that guard them.

pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod diagnostic;
pub mod directory;
pub mod engine;
pub mod expression;
pub mod gallery;
pub mod http;
#[doc(hidden)]
pub mod ledger;
pub mod mail;
pub mod mapping;
pub mod oracle;
pub mod parallel;
pub mod preflight;
pub mod private;
pub mod runner;
pub mod scenario;
pub mod schema;
pub mod scim;
pub mod scope;
pub mod simulate;
pub mod stop;
pub mod store;
pub mod target;
