//! What can be typed: the arguments of the program and of each command.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::config::APP_PROFILES;

/// Plays the Microsoft Entra provisioning service against any SCIM 2.0 endpoint.
///
/// A directory of CSV or TOML files stands for the tenant; jobs send its users and groups to a SCIM endpoint the way
/// Entra does: the same requests, the same cycles, the same quarantine.
#[derive(Debug, Parser)]
#[command(
    name = "scimulator",
    version,
    after_help = "Examples:\n  scimulator init demo         a configuration, a small directory, a first scenario\n  \
                  scimulator -c demo/scimulator.toml check\n\n\
                  Exit codes: 0 fine, 1 a check failed, 2 wrong use or configuration, 3 target unreachable,\n\
                  4 in quarantine, 5 held by the deletion guard, 70 a defect of scimulator"
)]
pub struct Arguments {
    /// Arguments of every command.
    #[command(flatten)]
    pub global: GlobalArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Arguments of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArguments {
    /// The configuration [default: scimulator.toml here or in a folder above].
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The job; needless when there is one.
    #[arg(long, global = true, value_name = "NAME")]
    pub job: Option<String>,
    /// The form of data on standard output, and of an error on standard error.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Less: no notes, and only errors in the log.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// More: a log on standard error; twice for details, three times for everything.
    /// `SCIMULATOR_LOG` overrides it, as in `scimulator::client=trace,warn`.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a configuration, a small directory and a first scenario.
    Init(InitArguments),
    /// Read the configuration and report every mistake in it, without touching the network.
    #[command(
        after_help = "Examples:\n  scimulator check\n  scimulator -c conf/scimulator.toml check --format json"
    )]
    Check,
    /// Print a shell's completion script.
    Completions(CompletionsArguments),
    /// Print a manual page.
    Man(ManArguments),
}

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator init\n  scimulator init demo --app scim")]
pub struct InitArguments {
    /// The folder to write into; made when it is missing.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The app profile of the job.
    #[arg(long, value_name = "NAME", default_value = "scim", value_parser = PossibleValuesParser::new(APP_PROFILES))]
    pub app: String,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator completions bash > ~/.local/share/bash-completion/completions/scimulator\n  \
                        scimulator completions zsh > ~/.zfunc/_scimulator"
)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator man | man -l -\n  scimulator man check > scimulator-check.1")]
pub struct ManArguments {
    /// The command whose page is wanted; the program's own when left out.
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}
