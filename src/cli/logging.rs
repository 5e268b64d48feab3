//! The program's own log, on standard error.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::arguments::{Format, GlobalArguments};
use super::context::Context;
use super::output::has_colour;
use super::{Exit, Failure};
use crate::clock::Clock;
use crate::engine::entry::seconds;

/// The environment variable that overrides the level, in the form `debug` or `scimulator::client=trace,warn`.
pub(super) const VARIABLE: &str = "SCIMULATOR_LOG";

/// The events whose message says all that their fields say.
const TOLD: &str = "scimulator::daemon";

/// Starts the log of a command, once for the process.
pub(super) fn start(global: &GlobalArguments) -> Result<(), Failure> {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, 3..) => LevelFilter::TRACE,
    };
    let filter = filter(|| EnvFilter::default().add_directive(level.into()))?;
    // Without a time: job time is not the wall clock's, and what has a time says it itself.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    started(log.with_ansi(has_colour()).without_time().try_init())
}

/// Starts the log of the service, once for the process: every event has the job time of `clock`.
pub(super) fn start_service(global: &GlobalArguments, clock: Arc<dyn Clock>) -> Result<(), Failure> {
    start_on(global, global.verbose.saturating_add(1), clock)
}

/// The same for a command that runs jobs as the service does: it tells troubles, and the rest when asked.
pub(super) fn start_jobs(global: &GlobalArguments, clock: Arc<dyn Clock>) -> Result<(), Failure> {
    start_on(global, global.verbose, clock)
}

fn start_on(global: &GlobalArguments, verbose: u8, clock: Arc<dyn Clock>) -> Result<(), Failure> {
    let (ours, theirs) = match (global.quiet, verbose) {
        (true, _) => (LevelFilter::ERROR, LevelFilter::ERROR),
        (false, 0) => (LevelFilter::WARN, LevelFilter::WARN),
        (false, 1) => (LevelFilter::INFO, LevelFilter::WARN),
        (false, 2) => (LevelFilter::DEBUG, LevelFilter::INFO),
        (false, 3) => (LevelFilter::TRACE, LevelFilter::DEBUG),
        (false, 4..) => (LevelFilter::TRACE, LevelFilter::TRACE),
    };
    let filter = filter(|| EnvFilter::new(format!("{theirs},{}={ours}", env!("CARGO_CRATE_NAME"))))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    started(match global.format {
        Format::Text => log.event_format(Line { clock, colour: has_colour() }).try_init(),
        Format::Json => log.json().flatten_event(true).with_timer(JobTime(clock)).try_init(),
    })
}

/// What the environment wants to see, else this.
fn filter(usual: impl FnOnce() -> EnvFilter) -> Result<EnvFilter, Failure> {
    match Context::env(VARIABLE).filter(|directives| !directives.is_empty()) {
        Some(directives) => EnvFilter::builder().parse(directives).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{VARIABLE}` is no log filter")).because(&error)
        }),
        None => Ok(usual()),
    }
}

fn started(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) -> Result<(), Failure> {
    result.map_err(|error| Failure::new(Exit::Defect, "can not start the log").because(error.as_ref()))
}

/// Job time as the stamp of an event.
struct JobTime(Arc<dyn Clock>);

impl FormatTime for JobTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", seconds(self.0.now()))
    }
}

/// An event as a line for people: job time, level, message. Fields follow where the message does not say them.
struct Line {
    clock: Arc<dyn Clock>,
    colour: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut said = Said { message: String::new(), fields: String::new() };
        event.record(&mut said);
        if metadata.target().starts_with(TOLD) {
            said.fields.clear();
        }
        let level = *metadata.level();
        let (on, off) = match colour_of(level).filter(|_| self.colour) {
            Some(colour) => (colour, "\u{1b}[0m"),
            None => ("", ""),
        };
        // One event, one line, whatever others put into their messages.
        let text = said.message.replace('\n', " ");
        writeln!(writer, "{} {on}{level:<5}{off} {text}{}", seconds(self.clock.now()), said.fields)
    }
}

fn colour_of(level: Level) -> Option<&'static str> {
    match level {
        Level::ERROR => Some("\u{1b}[31m"),
        Level::WARN => Some("\u{1b}[33m"),
        _ => None,
    }
}

/// The message of an event, and its other fields as ` name=value`.
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string never fails.
        if field.name() == "message" {
            write!(self.message, "{value:?}").ok();
        } else {
            write!(self.fields, " {}={value:?}", field.name()).ok();
        }
    }
}
