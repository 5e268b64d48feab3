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
    /// Run a sample directory against the embedded app: initial cycle, a leaver, an incremental cycle.
    #[command(after_help = "Examples:\n  scimulator demo\n  scimulator demo -v")]
    Demo,
    /// Run one cycle now.
    Cycle(CycleArguments),
    /// Show what a cycle would send, without sending it.
    Plan(PlanArguments),
    /// Show the job's state, its last and next cycle, and statistics.
    #[command(after_help = "Examples:\n  scimulator status\n  scimulator status --job staging --format json")]
    Status,
    /// Show the provisioning log.
    Logs(LogsArguments),
    /// Send the probe of Test Connection and say what Entra would conclude.
    #[command(
        after_help = "Examples:\n  scimulator test-connection\n  scimulator test-connection --job staging -v"
    )]
    TestConnection,
    /// Clear the job's quarantine or pause; it goes on from its watermark.
    #[command(after_help = "Examples:\n  scimulator start\n  scimulator start --job staging")]
    Start,
    /// Export the job's mappings and filters as Graph's synchronizationSchema JSON, or import them.
    #[command(
        subcommand,
        after_help = "Examples:\n  scimulator schema export > schema.json\n  scimulator schema import schema.json"
    )]
    Schema(SchemaCommand),
    /// Serve the embedded SCIM app alone.
    Target(TargetArguments),
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

/// Arguments of `cycle`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator cycle\n  scimulator cycle --initial --fail-on escrows\n\n\
                        In quarantine a cycle runs only when an attempt is due; otherwise it exits with 4.")]
pub struct CycleArguments {
    /// Read everything anew, as after a restart.
    #[arg(long)]
    pub initial: bool,
    /// Exit with 1 when the cycle ends with this.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub fail_on: Vec<FailOn>,
}

/// What may make a cycle fail that is otherwise fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Objects that failed and will be tried again.
    Escrows,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator plan\n  scimulator plan --fail-if 'disables > 5'\n  \
                        scimulator plan --fail-if 'deletes > 0' --format json")]
pub struct PlanArguments {
    /// Exit with 1 when this holds, a count compared with a number; repeated, when any holds.
    #[arg(long, value_name = "EXPR")]
    pub fail_if: Vec<String>,
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator logs --status failure\n  \
                        scimulator logs --object adele@contoso.com --wire\n  \
                        scimulator logs --action create --limit 20 --format json")]
pub struct LogsArguments {
    /// Only entries that ended so.
    #[arg(long, value_name = "STATUS", value_enum, ignore_case = true)]
    pub status: Option<LogStatus>,
    /// Only entries of this action.
    #[arg(long, value_name = "ACTION", value_enum, ignore_case = true)]
    pub action: Option<LogAction>,
    /// Only entries of this user or group: userPrincipalName, objectId or a group's displayName.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// Show the HTTP exchanges too.
    #[arg(long)]
    pub wire: bool,
    /// The most entries, the latest ones.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// How an entry of the provisioning log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogStatus {
    /// Done.
    Success,
    /// Failed, and to be tried again.
    Failure,
    /// Nothing to do, for a reason.
    Skipped,
    /// Done with a remark.
    Warning,
}

/// What an entry of the provisioning log was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogAction {
    /// A create.
    Create,
    /// An update.
    Update,
    /// A delete.
    Delete,
    /// A disable.
    Disable,
    /// Something else.
    Other,
}

/// What to do with the job's schema.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Write the mappings and filters that the job runs.
    #[command(
        after_help = "Examples:\n  scimulator schema export\n  scimulator schema export schema.json --job staging"
    )]
    Export {
        /// The file to write, replaced when it is there; `-` is standard output.
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// Run these mappings and filters from the next cycle on.
    #[command(after_help = "Examples:\n  scimulator schema import schema.json\n  \
                            scimulator schema export | scimulator schema import -")]
    Import {
        /// The file to read; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Drop what was imported: the profile and filters of the configuration hold again.
    #[command(after_help = "Examples:\n  scimulator schema reset\n  scimulator schema reset --job staging")]
    Reset,
}

/// Arguments of `target`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator target\n  scimulator target --port 8080 --token s3cr3t --base-path /scim/v2"
)]
pub struct TargetArguments {
    /// The port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// The bearer token that requests must carry; without it every request is let in.
    #[arg(long, value_name = "TOKEN", env = "SCIMULATOR_TARGET_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The path before `/Users`.
    #[arg(long, value_name = "PATH", default_value = "/scim")]
    pub base_path: String,
}
