//! Scenarios: what happens to a directory and to an app on virtual time, and what must come of it.
//!
//! A scenario is a self-contained TOML file (`docs/scenarios.md`). [`load`] reads it, [`run`] plays it: against the
//! embedded app in process, or against any SCIM endpoint, where job time is virtual and wire time is real. The same
//! runner serves `scimulator scenario run` and other programs' tests:
//!
//! ```
//! use scimulator::scenario::{self, Options};
//!
//! let text = r#"
//!     title = "Whoever is blocked is disabled in the app"
//!     user = [{ userPrincipalName = "adele@contoso.com", displayName = "Adele Berg", mailNickname = "adele" }]
//!     assignment = [{ principal = "adele@contoso.com" }]
//!
//!     [[step]]
//!     do = "initial cycle"
//!     expect.target.user."adele@contoso.com".active = true
//!
//!     [[step]]
//!     at = "+40m"
//!     edit = { user = "adele@contoso.com", disable = true }
//!     expect.requests = [{ method = "PATCH", path = "/Users/{adele@contoso.com}", status = 200 }]
//!     expect.target.user."adele@contoso.com".active = false
//! "#;
//! let (scenario, _warnings) = scenario::parse(text, "blocked.toml".as_ref())
//!     .map_err(|findings| format!("{findings:?}"))?;
//! let report = scenario::run(&scenario, &Options::embedded());
//! assert!(report.is_fine(), "{report}");
//! # Ok::<(), String>(())
//! ```
//!
//! In a test of an app:
//!
//! ```no_run
//! # mod my_app {
//! #     pub struct App { pub url: String }
//! #     pub fn start_on_a_free_port() -> App { App { url: String::new() } }
//! # }
//! use scimulator::config::TenantUrl;
//! use scimulator::scenario::{self, Options};
//!
//! # /* a test is left out of a program, and would not be compiled here
//! #[test]
//! # */
//! fn a_leaver_is_disabled() {
//!     let app = my_app::start_on_a_free_port();
//!     let (scenario, _warnings) = scenario::load("scenarios/leaver.toml".as_ref()).unwrap();
//!     let (url, _warnings) = TenantUrl::parse(&app.url).unwrap();
//!     let prefix = format!("test{}-", std::process::id()); // for two runs at once against one app
//!     let report = scenario::run(&scenario, &Options::remote(url, None, &prefix));
//!     assert!(report.is_fine(), "{report}");
//! }
//! ```

mod expect;
mod language;
mod mask;
mod model;
mod names;
mod play;
mod raw;
mod recorded;
pub mod report;
mod schema;
mod snapshot;
mod stage;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::client::Pseudonyms;
use crate::config::{TenantUrl, TokenSource};
use crate::parallel::in_order;
use crate::runner::{RunError, Unreached};
use crate::stop::Stop;
use snapshot::Prefix;

pub use language::{Loaded, load, parse};
pub use model::{AccountFault, Do, ProcessFault, Scenario, SourceFault, Step, TargetFault, Until};
#[cfg(test)]
pub(crate) use play::Sabotage;
pub use play::{End, Unrest};
pub use recorded::{RecordError, Recorded, Recording, scenario_of};
pub use report::{Failure, Report, Tally, Verdict};
pub use schema::json_schema;

/// How scenarios are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What they are run against.
    pub target: Target,
    /// Whether what a run made in somebody's app stays there.
    pub keep: bool,
    /// What names begin with in somebody's app, so that two runs do not meet: lower-case letters, digits and `-`. Each
    /// scenario of a run adds its number.
    pub prefix: String,
    /// What stands for personal data in reports and exchanges; `None` leaves it as it is.
    pub redact: Option<Pseudonyms>,
    /// Ends the run early: of the scenario under way whatever it made is still taken away, further ones are skipped.
    pub stop: Stop,
    /// A law that is broken on purpose.
    #[cfg(test)]
    pub(crate) sabotage: Option<Sabotage>,
}

/// What scenarios are run against.
#[derive(Debug, Clone)]
pub enum Target {
    /// The embedded app, in process; each scenario has its own, empty at the start.
    Embedded,
    /// A SCIM endpoint.
    Remote(Remote),
}

/// A SCIM endpoint that scenarios are run against. The caller has made sure that it is the right one: users and groups
/// are made, disabled and deleted there.
#[derive(Debug, Clone)]
pub struct Remote {
    /// The tenant URL, flags included.
    pub url: TenantUrl,
    /// The bearer token.
    pub token: Option<TokenSource>,
}

impl Options {
    /// Against the embedded app.
    pub fn embedded() -> Self {
        Self::against(Target::Embedded, "")
    }

    /// Against an endpoint, under names that begin with `prefix`.
    pub fn remote(url: TenantUrl, token: Option<SecretString>, prefix: &str) -> Self {
        let remote = Remote { url, token: token.map(TokenSource::Value) };
        Self::against(Target::Remote(remote), prefix)
    }

    fn against(target: Target, prefix: &str) -> Self {
        Self {
            target,
            keep: false,
            prefix: prefix.to_owned(),
            redact: None,
            stop: Stop::default(),
            #[cfg(test)]
            sabotage: None,
        }
    }

    /// The prefix of the scenario with that number.
    fn prefix(&self, number: usize) -> Prefix {
        Prefix::new(match &self.target {
            Target::Embedded => None,
            Target::Remote(_) => Some(format!("{}{number}-", self.prefix.to_ascii_lowercase())),
        })
    }

    /// The value of an environment variable, for proxies of a real target; in process there is no environment.
    fn variable(&self, name: &str) -> Option<String> {
        match self.target {
            Target::Embedded => None,
            Target::Remote(_) => std::env::var(name).ok(),
        }
    }
}

/// Plays one scenario.
pub fn run(scenario: &Scenario, options: &Options) -> Report {
    play::play(scenario, options, 1)
}

/// Looks once whether somebody's app is there and lets the job of these scenarios in, so that not each of them has to find
/// out. The embedded app is always there.
///
/// # Errors
/// The app can't be asked; the inner result says that nobody answers, or that the answer is a refusal.
pub fn reach(scenarios: &[Scenario], options: &Options) -> Result<Result<(), Unreached>, RunError> {
    match scenarios.iter().find(|scenario| scenario.needs_embedded().is_none()) {
        Some(scenario) => play::reach(scenario, options),
        None => Ok(Ok(())),
    }
}

/// Plays one scenario against the embedded app, and tells how things stand when it is over, with the scenario's verdict
/// aside. The text says why that is not known: the scenario could not begin, the state could not be read, or there are to
/// be pseudonyms, which the end has none of.
pub fn run_to_end(scenario: &Scenario, options: &Options) -> (Report, Result<End, String>) {
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is one of a certain lifetime")]
    let (report, end) = play::play_to_end(scenario, options, 1, |play| play.end());
    let end = match &options.redact {
        Some(_) => Err("what there is at the end is told without pseudonyms only".to_owned()),
        None => end.unwrap_or_else(|| Err("it could not begin".to_owned())),
    };
    (report, end)
}

/// Plays scenarios, `workers` at once. `done` is called for each in the order of the list, as soon as it and all before
/// it are over; the reports come in that order too.
pub fn run_all(
    scenarios: &[Scenario],
    options: &Options,
    workers: NonZeroUsize,
    done: &mut (dyn FnMut(&Report) + Send),
) -> Vec<Report> {
    let number = |at: usize| at.saturating_add(1);
    in_order(scenarios, workers, |at, scenario| play::play(scenario, options, number(at)), done)
}

/// Whether a text looks like a scenario: it has steps, which no other file of ours has.
pub fn is_scenario(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("[[step"))
}

/// The scenario files among these paths: files as they are, of folders every `.toml` below them, sorted.
///
/// # Errors
/// A path is not there, or a folder can't be read: which, and why.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, (PathBuf, std::io::Error)> {
    let mut files = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|error| (path.clone(), error))?;
        if !kind.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut below = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|error| (path.clone(), error))? {
            below.push(entry.map_err(|error| (path.clone(), error))?.path());
        }
        below.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "toml"));
        below.sort();
        files.extend(self::files(&below)?);
    }
    Ok(files)
}
