//! Who is in scope: assignment, scoping filters, and the computed `IsSoftDeleted` (`engine.md 3 and 4.1`). Pure.

pub mod filter;
mod verdict;

pub use verdict::{Entitlement, Route, ScopeMode, Standing, Verdict};
