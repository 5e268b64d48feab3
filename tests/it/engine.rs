//! The engine from files to target: cycles over a directory on disk, a store on disk and an app in process.

mod blind;
mod determinism;
mod entitlement;
mod failures;
mod harness;
mod kill;
mod lifecycle;
mod logs;
mod lost;
mod managers;
mod matching;
mod missing;
mod pacing;
mod quarantined;
mod references;
mod settings;
mod source;
mod story;
mod tables;
mod tolerance;
mod traces;
mod wal;
