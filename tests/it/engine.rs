//! The engine from files to target: cycles over a directory on disk, a store on disk and an app in process.

mod harness;
mod tables;
mod traces;
