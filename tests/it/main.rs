//! Integration tests: one binary, one module a feature.

mod directory_read;
mod cli;
mod config;
