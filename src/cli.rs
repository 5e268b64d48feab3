//! The command line: a file a command, arguments in, one call, rendering out.
//!
//! A command returns an [`Exit`] or a [`Failure`]; this module parses, dispatches, and renders failures in one place.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command, Format};
use context::Context;
pub use failure::Failure;
use output::warn;

pub mod arguments;
pub mod context;
pub mod failure;
pub mod output;

mod advance;
mod app;
mod check;
mod clean;
mod compatibility;
mod completions;
mod cycle;
mod deletions;
mod demo;
mod directory;
mod drift;
mod explain;
mod expression;
mod init;
mod logging;
mod logs;
mod man;
mod plan;
mod preflight;
mod provision;
mod quarantine;
mod report_files;
mod run;
mod scenario;
mod schema;
mod session;
mod simulate;
mod start;
mod status;
mod target;
mod test_connection;

/// What the process ends with (contract 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done; a cycle with escrows counts.
    Fine = 0,
    /// A check, test, `--fail-if` or `--fail-on` failed.
    Failed = 1,
    /// Wrong use, configuration or source.
    Usage = 2,
    /// This run found the target unreachable or was refused.
    Target = 3,
    /// The job was already in quarantine.
    Quarantine = 4,
    /// Held back by the deletion guard.
    Held = 5,
    /// A defect of ours.
    Defect = 70,
    /// A signal ended it early.
    Interrupted = 130,
}

impl Exit {
    /// One word for it, the `code` of an error printed as JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Target => "target",
            Self::Quarantine => "quarantine",
            Self::Held => "held",
            Self::Defect => "defect",
            Self::Interrupted => "interrupted",
        }
    }

    /// The number of it.
    fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Target => 3,
            Self::Quarantine => 4,
            Self::Held => 5,
            Self::Defect => 70,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Runs the program with these arguments (the first one is the program's name).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    std::panic::set_hook(Box::new(say_defect));
    let typed: Vec<OsString> = arguments.into_iter().collect();
    guarded(|| match Arguments::try_parse_from(&typed) {
        Ok(arguments) => run(arguments),
        Err(error) if error.use_stderr() && asks_for_json(&typed) => {
            let failure = misuse(&error);
            failure.print(Format::Json);
            failure.exit()
        }
        Err(error) => {
            // A closed pipe leaves nobody to tell.
            error.print().ok();
            if error.use_stderr() { Exit::Usage } else { Exit::Fine }
        }
    })
}

/// The whole command line as a value, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Whether `--format json` was typed: what else was can't be read as arguments, so it is looked for by itself.
fn asks_for_json(typed: &[OsString]) -> bool {
    let pairs = typed.iter().zip(typed.iter().skip(1));
    typed.iter().any(|one| one == "--format=json")
        || pairs.into_iter().any(|(a, b)| a == "--format" && b == "json")
}

/// What was typed wrongly, as a failure like others: of what the parser says, the first paragraph and its advice.
fn misuse(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::new(Exit::Usage, "something is missing: a command, or what it is to do")
            .help("`--help` tells what there is");
    }
    let text = error.to_string();
    let mut paragraphs =
        text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let said = paragraphs.next().unwrap_or_default();
    let help: Vec<String> = paragraphs.filter(|paragraph| !paragraph.is_empty()).collect();
    let failure = Failure::new(Exit::Usage, said.strip_prefix("error: ").unwrap_or(&said));
    if help.is_empty() { failure } else { failure.help(help.join("; ")) }
}

fn run(arguments: Arguments) -> Exit {
    let format = arguments.global.format;
    dispatch(arguments).unwrap_or_else(|failure| {
        failure.print(format);
        failure.exit()
    })
}

fn dispatch(Arguments { global, command }: Arguments) -> Result<Exit, Failure> {
    // Whoever runs jobs on a clock has a log with the time of that clock.
    if !matches!(command, Command::Run(_) | Command::Advance(_)) {
        logging::start(&global)?;
    }
    let context = Context::new(global)?;
    match command {
        Command::Init(arguments) => init::run(&context, &arguments),
        Command::Check(arguments) => check::run(&context, &arguments),
        Command::Demo => demo::run(&context),
        Command::Run(arguments) => run::run(&context, &arguments),
        Command::Advance(arguments) => advance::run(&context, &arguments),
        Command::Cycle(arguments) => cycle::run(&context, &arguments),
        Command::Plan(arguments) => plan::run(&context, &arguments),
        Command::Provision(arguments) => provision::run(&context, &arguments),
        Command::Status(arguments) => status::run(&context, &arguments),
        Command::Logs(arguments) => logs::run(&context, &arguments),
        Command::TestConnection => test_connection::run(&context),
        Command::Start => start::start(&context),
        Command::Pause(arguments) => start::pause(&context, arguments),
        Command::Restart(arguments) => start::restart_job(&context, &arguments),
        Command::Deletions(command) => deletions::run(&context, command),
        Command::Quarantine => quarantine::run(&context),
        Command::Schema(command) => schema::run(&context, &command),
        Command::Directory(arguments) => directory::run(&context, &arguments),
        Command::Explain(arguments) => explain::run(&context, &arguments),
        Command::Expression(arguments) => expression::run(&context, &arguments),
        Command::Compatibility(arguments) => compatibility::run(&context, &arguments),
        Command::Drift(arguments) => drift::run(&context, &arguments),
        Command::Clean(arguments) => clean::run(&context, &arguments),
        Command::Preflight(arguments) => preflight::run(&context, &arguments),
        Command::Scenario(command) => scenario::run(&context, &command),
        Command::Simulate(arguments) => simulate::run(&context, &arguments),
        Command::Target(arguments) => target::run(&context, &arguments),
        Command::App(command) => app::run(&context, &command),
        Command::Completions(arguments) => completions::run(&context, &arguments),
        Command::Man(arguments) => man::run(&context, &arguments),
    }
}

/// Turns a panic into [`Exit::Defect`]: every other way out is a value.
fn guarded(run: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Defect)
}

fn say_defect(panic: &PanicHookInfo<'_>) {
    let what = panic.payload_as_str().unwrap_or("no description");
    let place =
        panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    warn(&format!(
        "a defect of scimulator itself: {what}{place}\nplease report it with the command that led here"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_as_a_defect_and_a_result_as_itself() {
        assert_eq!(guarded(|| panic!("on purpose")), Exit::Defect);
        assert_eq!(guarded(|| Exit::Held), Exit::Held);
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
