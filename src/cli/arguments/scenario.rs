//! Arguments of `scenario`.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::gallery;

/// What to do with scenarios.
#[derive(Debug, Subcommand)]
pub enum ScenarioCommand {
    /// Run scenarios on virtual time, against the embedded app or a real endpoint.
    Run(ScenarioRunArguments),
    /// List scenarios.
    #[command(
        after_help = "Examples:\n  scimulator scenario list\n  scimulator scenario list scenarios --format json"
    )]
    List {
        /// Scenario files, and folders of them.
        #[arg(value_name = "PATH", default_value = "scenarios")]
        paths: Vec<PathBuf>,
    },
    /// Write a scenario to start from, or one that a recording makes; never overwrites.
    New(ScenarioNewArguments),
}

/// Arguments of `scenario new`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator scenario new leaver\n  scimulator scenario new tests/leaver.toml\n  \
                  scimulator scenario new monday --from journal\n  \
                  scimulator scenario new monday --from journal --job contoso --cycles 4..6 --redact\n  \
                  scimulator scenario new theirs --from contoso.jsonl --app scim\n\n\
                  With --from the wire journal is read backwards, and what was made of it is played once against the\n\
                  embedded app. Ends with 1 when the replay does not go as the recording went, with 2 when there is no\n\
                  recording; the file is written in the first case all the same."
)]
pub struct ScenarioNewArguments {
    /// Its name, for `scenarios/NAME.toml`; or the file itself.
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
    /// Make it of a recording: `journal` for the job's own, or a journal's file. That needs no configuration; one that is
    /// named by `--config` or `--job` says how its job is.
    #[arg(long, value_name = "journal|FILE")]
    pub from: Option<PathBuf>,
    /// Only this cycle of the recording.
    #[arg(long, value_name = "N", requires = "from", conflicts_with = "cycles")]
    pub cycle: Option<u64>,
    /// Only these cycles of the recording: `A..B`, both of them too, `A..` or `..B`.
    #[arg(long, value_name = "A..B", requires = "from", value_parser = cycles)]
    pub cycles: Option<RangeInclusive<u64>>,
    /// Put pseudonyms in the place of personal data.
    #[arg(long, requires = "from")]
    pub redact: bool,
    /// The app profile of the job that a journal's file is of.
    #[arg(long, value_name = "APP", requires = "from", value_parser = PossibleValuesParser::new(gallery::names()))]
    pub app: Option<String>,
}

/// Reads `A..B`.
fn cycles(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write `A..B`, `A..` or `..B`")?;
    let number = |text: &str, open: u64| match text.trim() {
        "" => Ok(open),
        text => text.parse::<u64>().map_err(|_| format!("`{text}` is no number of a cycle")),
    };
    let (first, last) = (number(first, 0)?, number(last, u64::MAX)?);
    if last < first {
        return Err(format!("{first} comes after {last}"));
    }
    Ok(first..=last)
}

/// Arguments of `scenario run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator scenario run scenarios\n  \
                  scimulator scenario run scenarios/leaver.toml --watch\n  \
                  scimulator scenario run scenarios --junit report.xml --har traffic.har\n  \
                  scimulator scenario run scenarios --target http://127.0.0.1:8080/scim --token-env SCIM_TOKEN\n\n\
                  Against a real endpoint job time is virtual and wire time is real. Names begin with a prefix of the\n\
                  run, and what the run made there is deleted at its end. Scenarios that break the app on purpose need\n\
                  the embedded one and are skipped.\n\
                  With GITHUB_ACTIONS=true each failure is also an annotation at its line.\n\
                  Ends with 1 when a scenario fails or all are skipped, with 2 when a file is no scenario.")]
pub struct ScenarioRunArguments {
    /// Scenario files, and folders of them.
    #[arg(value_name = "PATH", default_value = "scenarios")]
    pub paths: Vec<PathBuf>,
    /// The tenant URL of a SCIM endpoint, flags included, in place of the embedded app.
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// The environment variable with the endpoint's bearer token.
    #[arg(long, value_name = "NAME", requires = "target")]
    pub token_env: Option<String>,
    /// Let the endpoint be another machine; users and groups are made, disabled and deleted there.
    #[arg(long, requires = "target")]
    pub allow_remote: bool,
    /// Leave in the endpoint what the run made there.
    #[arg(long, requires = "target")]
    pub keep: bool,
    /// Write the results as `JUnit` XML, valid against the `junit-10.xsd` of Jenkins.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write every exchange as HAR 1.2.
    #[arg(long, value_name = "FILE")]
    pub har: Option<PathBuf>,
    /// Put pseudonyms in the place of personal data in reports and exchanges; those of one run are alike.
    #[arg(long)]
    pub redact: bool,
    /// Run again whenever a scenario or its directory changes, until stopped.
    #[arg(long)]
    pub watch: bool,
    /// How many scenarios run at once [default: one for each processor].
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}
