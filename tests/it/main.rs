//! Integration tests: one binary, one module a feature.
// Tells the lints that helpers here are tests too.
#![cfg(test)]

mod expression;
mod wire;
mod common;
mod laws;
#[path = "../support/sources.rs"]
mod sources;
