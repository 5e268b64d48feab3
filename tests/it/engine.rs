//! The engine from files to target: cycles over a directory on disk, a store on disk and an app in process.

mod blind;
mod determinism;
mod downloads;
mod entitlement;
mod failures;
mod harness;
mod kill;
mod lifecycle;
mod logs;
mod lost;
mod missing;
mod notices;
mod pacing;
mod quarantined;
mod source;
mod standing;
mod story;
mod tables;
mod tolerance;
mod traces;
