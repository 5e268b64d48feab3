//! The arguments of `logs`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::engine::entry::Action;

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
    pub(in crate::cli) fn is_whole(&self) -> bool {
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
