//! Integration tests: one binary, one module a feature.

mod wire;
// Tells the lints that helpers here are tests too.
#![cfg(test)]
