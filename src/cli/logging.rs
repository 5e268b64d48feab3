//! The program's own log, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::arguments::GlobalArguments;
use super::output::has_colour;
use super::{Exit, Failure};

/// The environment variable that overrides the level, in the form `debug` or `scimulator::client=trace,warn`.
pub(super) const VARIABLE: &str = "SCIMULATOR_LOG";

/// Starts the log once for the process.
pub(super) fn start(global: &GlobalArguments, variable: Option<String>) -> Result<(), Failure> {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, 3..) => LevelFilter::TRACE,
    };
    let filter = match variable.filter(|directives| !directives.is_empty()) {
        Some(directives) => EnvFilter::builder().parse(directives).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{VARIABLE}` is no log filter")).because(&error)
        })?,
        None => EnvFilter::default().add_directive(level.into()),
    };
    // Without a time: job time is not the wall clock's, and what has a time says it itself.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colour())
        .without_time()
        .try_init()
        .map_err(|error| Failure::new(Exit::Defect, "can not start the log").because(error.as_ref()))
}
