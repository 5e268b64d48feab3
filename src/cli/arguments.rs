//! What can be typed: the arguments of the program and of each command.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use app::{AppCommand, AppMode, OnOff, TokenCommand};
pub use oracle::{CleanArguments, DriftArguments};
pub use preflight::{PreflightArguments, SuiteChoice};
pub use scenario::{ScenarioCommand, ScenarioNewArguments, ScenarioRunArguments};
pub use simulate::SimulateArguments;

use crate::config::duration;
use crate::engine::entry::Action;
use crate::gallery;
use crate::scim::style::Dialect;

mod app;
mod oracle;
mod preflight;
mod scenario;
mod simulate;

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

/// Arguments of `logs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator logs --status failure\n  \
                        scimulator logs --object adele@contoso.com --wire\n  \
                        scimulator logs --follow --wire\n  \
                        scimulator logs --har wire.har --redact\n  \
                        scimulator logs --jsonl wire.jsonl --redact\n  \
                        scimulator logs --csv download\n  \
                        scimulator logs --audit\n  \
                        scimulator logs --action create --limit 20 --format json")]
pub struct LogsArguments {
    /// Only entries that ended so.
    #[arg(long, value_name = "STATUS", value_enum, ignore_case = true)]
    pub status: Option<LogStatus>,
    /// Only entries of this action.
    #[arg(long, value_name = "ACTION", value_parser = action_parser(), ignore_case = true)]
    pub action: Option<Action>,
    /// Only entries of this user or group: userPrincipalName, objectId or a group's displayName.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// Show the HTTP exchanges too, each with its milliseconds.
    #[arg(long)]
    pub wire: bool,
    /// Go on showing entries as cycles write them, until interrupted.
    #[arg(long, short = 'f', conflicts_with_all = ["har", "jsonl", "csv", "audit", "monitor"])]
    pub follow: bool,
    /// Write the exchanges to this file as HAR 1.2 in place of showing the log; `-` is standard output. Without a
    /// choice of entries the whole journal, with probes and requests for tokens.
    #[arg(long, value_name = "FILE", conflicts_with = "wire")]
    pub har: Option<PathBuf>,
    /// Write the same exchanges to this file as JSON lines, in the form of the journal; `-` is standard output. `scenario
    /// new --from FILE` makes a scenario of them.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["wire", "har"])]
    pub jsonl: Option<PathBuf>,
    /// Write the entries into this folder as the three CSV files of the portal's download: entries, steps and modified
    /// properties, joined by changeId.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["wire", "har", "jsonl"])]
    pub csv: Option<PathBuf>,
    /// Print the entries as rows of Azure Monitor's `AADProvisioningLogs`, one JSON object a line.
    #[arg(long, conflicts_with_all = ["wire", "har", "jsonl", "csv"])]
    pub monitor: bool,
    /// Show the audit log of the job in place of the provisioning log: who started, paused and changed it, retries of
    /// failures, quarantine; with `--format json` every step of the chosen entries too.
    #[arg(long, conflicts_with_all = ["wire", "har", "jsonl", "csv", "monitor", "redact"])]
    pub audit: bool,
    /// Only entries of the cycle of this number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub cycle: Option<i64>,
    /// Put pseudonyms in the place of personal data; equal values have equal ones.
    #[arg(long)]
    pub redact: bool,
    /// The most entries, the latest ones.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

impl LogsArguments {
    /// Whether everything is meant when no limit is given: files and other programs take it all.
    pub(super) fn is_whole(&self) -> bool {
        self.har.is_some() || self.jsonl.is_some() || self.csv.is_some() || self.monitor
    }
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

/// The actions as the log names them, in any case.
fn action_parser() -> impl TypedValueParser<Value = Action> {
    PossibleValuesParser::new(Action::ALL.iter().map(|action| action.as_str())).try_map(|name| {
        let is_named = |action: &&Action| action.as_str().eq_ignore_ascii_case(&name);
        Action::ALL.iter().find(is_named).copied().ok_or("no action of the log")
    })
}

/// Arguments of `pause`.
#[derive(Debug, Clone, Copy, Args)]
pub struct PauseArguments {
    /// As the switch of the portal does it: the schedule is then Disabled, not Paused.
    #[arg(long)]
    pub off: bool,
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
    after_help = "Examples:\n  scimulator target\n  scimulator target --port 8080 --token s3cr3t --base-path /scim/v2\n  \
                  scimulator target --app knowbe4\n  scimulator target --app my-app.toml\n  \
                  scimulator target --fault throttled,retry_after=30s,after=20,times=5 --fault two_matches,path=/Users\n  \
                  scimulator target --fault error,status=503,percent=10 --seed 7\n  \
                  scimulator target --fault limits,of=Slack\n\n\
                  Faults: down, unauthorized, throttled (retry_after), error (status, 500), html (status, 502), lost_reply,\n\
                  slow (latency, 31s), not_found_when_empty, two_matches, stale_reads (lag, 5m), patch_ignored, remove_wipes,\n\
                  wrong_content_type, rewrites (attribute, displayName), limits (of: AWS, Slack, GitHub, Miro, dbt).\n\
                  Each may have: method, path (below the base path), after (so many pass first), times (so many meet it),\n\
                  percent (so many of a hundred, drawn from the seed). The last that fits a request goes first."
)]
pub struct TargetArguments {
    /// The app to play: one of the gallery, or the file of a profile; it takes what is listed there, and nothing else.
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// The port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// The bearer token that requests must carry; without it every request is let in.
    #[arg(long, value_name = "TOKEN", env = "SCIMULATOR_TARGET_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The app gives this client access tokens, at `/token` beside `/Users`: for a secret, or for an assertion.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The environment variable with the client's secret.
    #[arg(long, value_name = "NAME", requires = "client_id")]
    pub client_secret_env: Option<String>,
    /// Assertions are taken of the issuer with these keys, a JWK Set such as `issuer.jwks.json`.
    #[arg(long, value_name = "FILE", requires = "client_id", requires = "trust_audience")]
    pub trust: Option<PathBuf>,
    /// The `aud` that assertions must have.
    #[arg(long, value_name = "AUDIENCE", requires = "trust")]
    pub trust_audience: Option<String>,
    /// The path before `/Users`.
    #[arg(long, value_name = "PATH", default_value = "/scim")]
    pub base_path: String,
    /// Something that the app does wrong, `NAME[,KEY=VALUE]…`; several times for several.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,
    /// What the draws of faults with `percent` derive from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Arguments of `compatibility`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator compatibility http://127.0.0.1:8080/scim --token-env SCIM_TOKEN\n  \
                        scimulator compatibility http://127.0.0.1:8080/scim --markdown > compatibility.md\n\n\
                        Each step is told in the default and in the flagged dialect. It is fine; tolerated, when the end is\n\
                        right but something about it is off; refused, when nothing has changed; corrupted, when the server\n\
                        holds something else than what it was told. What the story made is deleted at its end.\n\
                        Ends with 1 when a step is neither fine nor tolerated."
)]
pub struct CompatibilityArguments {
    /// The server's base URL, the part before `/Users`.
    #[arg(value_name = "URL")]
    pub url: String,
    /// The environment variable with the bearer token.
    #[arg(long, value_name = "NAME")]
    pub token_env: Option<String>,
    /// Let the server be another machine; users and groups are made and deleted there.
    #[arg(long)]
    pub allow_remote: bool,
    /// Print a Markdown table.
    #[arg(long)]
    pub markdown: bool,
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

/// Arguments of `expression`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator expression eval 'ToUpper([surname])' --set surname=Berg\n  \
                        scimulator expression eval 'Switch([department], \"Other\", \"Sales\", \"S\")' --user adele@contoso.com")]
pub struct ExpressionArguments {
    /// What to do with expressions.
    #[command(subcommand)]
    pub command: ExpressionCommand,
}

/// What to do with expressions.
#[derive(Debug, Subcommand)]
pub enum ExpressionCommand {
    /// Evaluate an expression; with -v show how it was read and each step.
    Eval(ExpressionEvalArguments),
}

/// Arguments of `expression eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator expression eval 'Join(\"-\", [givenName], [surname])' --user adele@contoso.com\n  \
                  scimulator expression eval '[otherMails]' --set otherMails=a@x --set otherMails=b@x\n  \
                  scimulator expression eval 'FormatDateTime(Now(), , , \"yyyy\")' --now 2026-03-01T12:00:00Z -v\n\n\
                  An expression that can't be read ends with 2, one that fails for these attributes with 1."
)]
pub struct ExpressionEvalArguments {
    /// The expression.
    #[arg(value_name = "EXPR")]
    pub expression: String,
    /// Take the attributes of this user or group of the directory, as the job's mappings see them.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Set an attribute; a name set several times is a list, an empty value is the empty text.
    #[arg(long, value_name = "ATTR=VALUE", value_parser = parse_assignment)]
    pub set: Vec<Assignment>,
    /// The present moment, as `Now()` gives it.
    #[arg(long, value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,
}

/// `attr=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The attribute's name, not empty.
    pub name: String,
    /// Its value; may hold further `=`.
    pub value: String,
}

fn parse_assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Assignment { name: name.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("write `attribute=value`".to_owned()),
    }
}

/// Arguments of `directory`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator directory list\n  scimulator directory disable adele@contoso.com\n\n\
                        An edit stands until the object's row changes in the file."
)]
pub struct DirectoryArguments {
    /// What to do with the directory.
    #[command(subcommand)]
    pub command: DirectoryCommand,
}

/// What to do with the directory.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// List users and groups.
    #[command(
        after_help = "Examples:\n  scimulator directory list\n  scimulator directory list --format json | jq '.value[].name'"
    )]
    List,
    /// Show a user or group: attributes, state, groups, assignments, accounts.
    #[command(after_help = "Examples:\n  scimulator directory show adele@contoso.com\n  \
                            scimulator directory show Sales --format json")]
    Show(ObjectArguments),
    /// Set attributes of a user or group; an empty value clears one.
    #[command(
        after_help = "Examples:\n  scimulator directory set adele@contoso.com department=Sales jobTitle=\n  \
                      scimulator directory set adele@contoso.com otherMails=a@x.com otherMails=b@x.com"
    )]
    Set {
        /// A userPrincipalName, an objectId or a group's displayName.
        #[arg(value_name = "OBJECT")]
        object: String,
        /// The attributes; a name set several times is a list.
        #[arg(value_name = "ATTR=VALUE", required = true, value_parser = parse_assignment)]
        set: Vec<Assignment>,
    },
    /// Block a user's sign-in: accountEnabled becomes False.
    #[command(after_help = "Examples:\n  scimulator directory disable adele@contoso.com")]
    Disable(ObjectArguments),
    /// Move a user to the recycle bin, or delete a group.
    #[command(after_help = "Examples:\n  scimulator directory delete adele@contoso.com")]
    Delete(ObjectArguments),
    /// Take a user out of the recycle bin.
    #[command(after_help = "Examples:\n  scimulator directory restore adele@contoso.com")]
    Restore(ObjectArguments),
    /// Delete a user for good, from the recycle bin or at once.
    #[command(after_help = "Examples:\n  scimulator directory purge adele@contoso.com")]
    Purge(ObjectArguments),
    /// Assign a user or group to the application: of the job that --job names, else of every job.
    #[command(after_help = "Examples:\n  scimulator directory assign Sales\n  \
                            scimulator directory assign adele@contoso.com --role Admin --job staging")]
    Assign(AssignmentArguments),
    /// Take an assignment back; without --role every one.
    #[command(after_help = "Examples:\n  scimulator directory unassign Sales\n  \
                            scimulator directory unassign adele@contoso.com --role Admin")]
    Unassign(AssignmentArguments),
    /// Add a member to a group.
    #[command(after_help = "Examples:\n  scimulator directory add-member Sales adele@contoso.com")]
    AddMember(MemberArguments),
    /// Remove a member from a group.
    #[command(after_help = "Examples:\n  scimulator directory remove-member Sales adele@contoso.com")]
    RemoveMember(MemberArguments),
    /// Accept that rows vanished from the files, of whatever sort, so that the import goes on.
    #[command(after_help = "Examples:\n  scimulator directory accept")]
    Accept,
    /// Write a made-up directory of any size.
    #[command(after_help = "Examples:\n  scimulator directory generate --users 10000 big\n  \
                            scimulator directory generate --users 500 --seed 7 small")]
    Generate {
        /// How many users.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        users: u32,
        /// The same seed gives the same directory.
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// The folder to write into; it must not hold these files yet.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

/// One user or group.
#[derive(Debug, Args)]
pub struct ObjectArguments {
    /// A userPrincipalName, an objectId or a group's displayName.
    #[arg(value_name = "OBJECT")]
    pub object: String,
}

/// A user or group and a role of the application.
#[derive(Debug, Args)]
pub struct AssignmentArguments {
    /// A userPrincipalName, an objectId or a group's displayName.
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// The role, by its value; without it default access.
    #[arg(long, value_name = "VALUE")]
    pub role: Option<String>,
}

/// A group and one of its members.
#[derive(Debug, Args)]
pub struct MemberArguments {
    /// The group's displayName or objectId.
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The member's userPrincipalName, displayName or objectId.
    #[arg(value_name = "MEMBER")]
    pub member: String,
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
