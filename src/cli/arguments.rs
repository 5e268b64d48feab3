//! What can be typed: the arguments of the program and of each command.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use app::{AppCommand, AppMode, OnOff, TokenCommand};
pub use compatibility::CompatibilityArguments;
pub use directory::{
    AssignmentArguments, DirectoryArguments, DirectoryCommand, MemberArguments, ObjectArguments,
};
pub use expression::{Assignment, ExpressionArguments, ExpressionCommand, ExpressionEvalArguments};
pub use logs::{LogStatus, LogsArguments};
pub use oracle::{CleanArguments, DriftArguments};
pub use preflight::{PreflightArguments, SuiteChoice};
pub use scenario::{ScenarioCommand, ScenarioNewArguments, ScenarioRunArguments};
pub use schema::SchemaCommand;
pub use simulate::SimulateArguments;
pub use target::TargetArguments;

use crate::config::duration;
use crate::gallery;
use crate::scim::style::Dialect;

mod app;
mod compatibility;
mod directory;
mod expression;
mod logs;
mod oracle;
mod preflight;
mod scenario;
mod schema;
mod simulate;
mod target;

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
    /// Read configuration, directory and mappings and report every mistake in them.
    Check(CheckArguments),
    /// Run a sample directory against the embedded app: initial cycle, a leaver, an incremental cycle.
    #[command(after_help = "Examples:\n  scimulator demo\n  scimulator demo -v")]
    Demo,
    /// Run the service: every job on its schedule, until stopped.
    #[command(after_help = "Examples:\n  scimulator run\n  scimulator run --job staging --format json\n  \
                            scimulator run --virtual\n\n\
                            The log goes to standard error, a line an event; with --format json each line is an object.\n\
                            SIGINT or SIGTERM ends the service when the cycle under way has ended, a second one at once.")]
    Run(RunArguments),
    /// Move virtual job time, running every cycle that becomes due.
    #[command(
        group = clap::ArgGroup::new("how far").required(true).multiple(true).args(["by", "until"]),
        after_help = "Examples:\n  scimulator advance 40m\n  scimulator advance --until quarantined\n  \
                      scimulator advance 31d --until active --job staging\n\n\
                      A service started with `run --virtual` does it; when none runs, it is done here. Without a \
                      distance it moves 60 days at most.\nExit code 1: what it was to move until does not hold; 2: a cycle could not use the source, and time stopped."
    )]
    Advance(AdvanceArguments),
    /// Run one cycle now.
    Cycle(CycleArguments),
    /// Show what a cycle would send, without sending it.
    Plan(PlanArguments),
    /// Provision one user or group now, outside the cycles, and show each step.
    Provision(ProvisionArguments),
    /// Show the job's state, its last and next cycle, and statistics.
    #[command(
        after_help = "Examples:\n  scimulator status\n  scimulator status --job staging --format json\n  \
                            scimulator status --watch"
    )]
    Status(StatusArguments),
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
    /// Let a running cycle end, and start no further one.
    #[command(after_help = "Examples:\n  scimulator pause\n  scimulator pause --off --job staging")]
    Pause(PauseArguments),
    /// Start a job over: by default quarantine, watermark and open failures are cleared, as in the portal.
    #[command(
        after_help = "Examples:\n  scimulator restart\n  scimulator restart --reset escrows\n  scimulator restart --reset full"
    )]
    Restart(RestartArguments),
    /// Answer the deletion guard: let the removals that it holds back go, or start over without them.
    #[command(
        subcommand,
        after_help = "Examples:\n  scimulator deletions allow\n  scimulator deletions reject"
    )]
    Deletions(DeletionsCommand),
    /// Say whether a job is in quarantine, why, what would clear it, and how far it is from each threshold.
    #[command(after_help = "Examples:\n  scimulator quarantine\n  scimulator quarantine --format json")]
    Quarantine,
    /// Export the job's mappings and filters as Graph's synchronizationSchema JSON, or import them.
    #[command(
        subcommand,
        after_help = "Examples:\n  scimulator schema export > schema.json\n  scimulator schema import schema.json"
    )]
    Schema(SchemaCommand),
    /// Look into the directory and change it for trying things out.
    Directory(DirectoryArguments),
    /// Say why something was or was not sent for a user or group.
    Explain(ExplainArguments),
    /// Evaluate mapping expressions.
    Expression(ExpressionArguments),
    /// Tell a server a story of joiners, movers, leavers and groups, and say by reading back what it made of each step.
    Compatibility(CompatibilityArguments),
    /// Run Microsoft's gallery validation tests and those of its SCIM Validator against an endpoint, before the official
    /// run.
    Preflight(Box<PreflightArguments>),
    /// Compare the target with what it should hold: missing, orphan, drifted, whose fault, and by which request.
    Drift(DriftArguments),
    /// Remove from the target what this job created.
    Clean(CleanArguments),
    /// Play stories drawn from seeds on embedded parts, with faults and kills, and hold them against the laws.
    Simulate(SimulateArguments),
    /// Run scenarios on virtual time, list them, or write one to start from.
    #[command(
        subcommand,
        after_help = "Examples:\n  scimulator scenario run scenarios\n  scimulator scenario new leaver"
    )]
    Scenario(ScenarioCommand),
    /// Serve the embedded SCIM app alone.
    Target(TargetArguments),
    /// Do what the administrator of the embedded app does in its console: tokens, test mode, a sync from its side.
    #[command(
        subcommand,
        after_help = "Examples:\n  scimulator app show\n  scimulator app token new > token\n  \
                            scimulator app test-mode on && scimulator cycle && scimulator app report\n\n\
                            What there is depends on the app: docs/gallery/ has a page for each."
    )]
    App(AppCommand),
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
    #[arg(long, value_name = "NAME", default_value = "scim", value_parser = PossibleValuesParser::new(gallery::names()))]
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

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Job time stands still until `scimulator advance` moves it.
    #[arg(long = "virtual")]
    pub virtual_time: bool,
}

/// Arguments of `advance`.
#[derive(Debug, Args)]
pub struct AdvanceArguments {
    /// How far, as `40m` or `31d`.
    #[arg(value_name = "BY", value_parser = parse_duration)]
    pub by: Option<jiff::SignedDuration>,
    /// No farther than until this holds.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub until: Option<AdvanceUntil>,
}

/// What may end an advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AdvanceUntil {
    /// The job is in quarantine; without --job, any of them.
    Quarantined,
    /// The job has run and is in no quarantine; without --job, all of them.
    Active,
    /// The job was disabled, since its quarantine lasted too long; without --job, any of them.
    Disabled,
    /// The job has run a cycle; without --job, any of them.
    Cycle,
}

fn parse_duration(text: &str) -> Result<jiff::SignedDuration, String> {
    duration::parse(text).map_err(|error| format!("{error}; {}", duration::HELP))
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Show it again whenever it changes, until stopped; with --format json, an object a line.
    #[arg(short, long)]
    pub watch: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator check\n  scimulator -c conf/scimulator.toml check --format json\n  \
                        scimulator check --target\n\n\
                        Exits with 2 for mistakes in what was written, with 1 when the target disagrees."
)]
pub struct CheckArguments {
    /// Also ask the target for its `/Schemas`, and compare them with the mappings.
    #[arg(long)]
    pub target: bool,
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
                        scimulator plan --fail-if 'deletes > 0' --format json\n  \
                        scimulator plan --compare optscim")]
pub struct PlanArguments {
    /// Exit with 1 when this holds, a count compared with a number; repeated, when any holds.
    #[arg(long, value_name = "EXPR")]
    pub fail_if: Vec<String>,
    /// Show each request beside what it would be in this dialect.
    #[arg(long, value_name = "DIALECT", value_parser = dialect_parser(), conflicts_with = "fail_if")]
    pub compare: Option<Dialect>,
}

/// Arguments of `provision`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator provision adele@contoso.com\n  \
                  scimulator provision Sales --member adele@contoso.com --member ben@contoso.com\n  \
                  scimulator provision adele@contoso.com --format json | jq '.value | fromjson'\n\n\
                  It writes in the default dialect, whatever the tenant URL says, and also in quarantine. Watermark and \
                  schedule stay as they are.\n\
                  Exit code 1: the object failed. 3: the target can't be reached or refuses the credentials.")]
pub struct ProvisionArguments {
    /// A userPrincipalName, an objectId or a group's displayName.
    #[arg(value_name = "OBJECT")]
    pub object: String,
    /// A member of the group that is to be written too; up to five.
    #[arg(long, value_name = "MEMBER")]
    pub member: Vec<String>,
}

/// Dialects by the names that the configuration's documentation has for them.
fn dialect_parser() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(Dialect::ALL.iter().map(|dialect| dialect.as_str()))
        .try_map(|name| Dialect::from_name(&name).ok_or_else(|| format!("there is no dialect `{name}`")))
}

/// Arguments of `pause`.
#[derive(Debug, Clone, Copy, Args)]
pub struct PauseArguments {
    /// As the switch of the portal does it: the schedule is then Disabled, not Paused.
    #[arg(long)]
    pub off: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator explain adele@contoso.com\n  scimulator explain Sales --format json"
)]
pub struct ExplainArguments {
    /// A userPrincipalName, an objectId or a group's displayName.
    #[arg(value_name = "OBJECT")]
    pub object: String,
}

/// What `restart` takes.
#[derive(Debug, Args)]
pub struct RestartArguments {
    /// What to reset, separated by commas or blanks: full, watermark, escrows, quarantine-state, connector-data-store,
    /// force-deletes. Without it: quarantine-state, watermark and escrows.
    #[arg(long, value_name = "LIST", num_args = 1..)]
    pub reset: Vec<String>,
}

/// What `deletions` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum DeletionsCommand {
    /// The next cycle sends the removals that are held back, and ends the quarantine.
    #[command(after_help = "Examples:\n  scimulator deletions allow && scimulator cycle")]
    Allow,
    /// They are dropped, and the job is restarted; mend their cause first, or the next cycle counts them again.
    #[command(
        after_help = "Examples:\n  scimulator directory restore ann@contoso.com\n  scimulator deletions reject"
    )]
    Reject,
}
