//! Integration tests: one binary, one module a feature.

// Tells the lints that helpers here are tests too.
#![cfg(test)]

mod client;
