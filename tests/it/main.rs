//! Integration tests: one binary, one module a feature.
// Tells the lints that helpers here are tests too.
#![cfg(test)]
#![expect(
    clippy::as_conversions,
    clippy::panic_in_result_fn,
    clippy::string_slice,
    clippy::unnecessary_wraps,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected may fail right there, and tables read better with one type"
)]

mod bad_targets;
mod cli;
mod cli_check;
mod cli_check_lints;
mod cli_directory;
mod cli_expression;
mod cli_plan;
mod cli_trouble;
mod client;
mod common;
mod compatibility;
mod config;
mod demo;
mod dialects;
mod directory_read;
mod documents;
mod engine;
mod expression;
mod filters_in_jobs;
mod fuzz;
mod gallery;
mod import;
mod interrupted;
mod kills;
mod laws;
mod mail;
mod mappings_in_jobs;
mod mishaps;
mod on_demand;
mod oracle;
mod preflight;
mod quarantine_page;
mod scenario;
mod schema;
mod scope_filter;
mod service;
mod simulate;
#[path = "../support/sources.rs"]
mod sources;
mod state_files;
mod status;
mod target;
mod third_party;
mod wire;
