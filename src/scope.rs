//! Scope: which objects a job provisions (`engine.md 3`).

pub mod filter;
