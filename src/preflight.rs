//! Pre-flight: Microsoft's gallery validation and its SCIM Validator, test by test by their names, against any
//! endpoint, before the official run (`preflight.md`).
//!
//! [`judge`] is pure: answers in, checks and grades out. Around it, `wire` asks the endpoint, `validator` and `direct`
//! send what the suites send, and `provisioned` edits a source of its own and runs cycles on virtual time; wire time
//! is real. Every test has two verdicts: the documents' and the official run's, which asserts less here and more there
//! (`preflight.md 5.2`). Nothing here replaces the official run.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use self::attributes::{MANAGER, Values};
use self::direct::Direct;
use self::judge::{Check, grade, is_fast_enough};
use self::provisioned::Provisioned;
use self::validator::Validator;
use self::wire::{Said, Wire};
use crate::client::{Authorization, BearerToken, InvalidToken, Network, NetworkOptions, ProxySettings};
use crate::clock::{Clock as _, SystemClock, VirtualClock, WireInstant};
use crate::config::{self, TenantUrl};
use crate::diagnostic::Diagnostic;
use crate::http::Method;
use crate::runner::{Job, RunError};
use crate::scim::schemas::Schemas;
use crate::scim::style::Dialect;
use crate::stop::Stop;

pub mod judge;
pub mod list;
pub mod report;

mod attributes;
mod direct;
mod federated;
mod provisioned;
mod validator;
mod wire;

pub use attributes::Attributes;
pub use direct::ClientCredentials;
pub use federated::{Federation, TokenIssuer};
pub use judge::{Grade, Word};
pub use list::{Area, Kind, Suite, TESTS, Test};
pub use provisioned::PlayError;
pub use report::Report;
pub use wire::WireError;

/// How often something that does not hold is looked at again, where nothing else is said (`preflight.md 5.1`).
pub const RETRIES: u32 = 3;

/// The suffix of test userPrincipalNames, where nothing else is said.
pub const DOMAIN: &str = "preflight.example";

/// Reads in the burst by which requests a second are measured: four seconds' worth of what is asked for.
const BURST: u32 = 100;

/// The environment variable of the throw-away job's own token.
const TOKEN: &str = "TOKEN";

/// Why a test was not run that was not asked for: a stable word and a sentence.
const DESELECTED: (&str, &str) = ("deselected", "it was not asked for");

/// Why a test was not run that was asked for: a stable word and a sentence.
const STOPPED: (&str, &str) = ("stopped", "the run was stopped before its end");

/// What is tested, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tenant URL; flags are for the job alone, as in the suite (`preflight.md 1.3`).
    pub url: TenantUrl,
    /// The same, as it was written.
    pub tenant_url: String,
    /// Whether the endpoint may be another machine: users and groups are made, changed and deleted there.
    pub allow_remote: bool,
    /// The bearer token.
    pub token: Option<SecretString>,
    /// The tests that are run.
    pub tests: Vec<&'static Test>,
    /// Where the attributes come from.
    pub attributes: Attributes,
    /// Whether the app has groups.
    pub groups: bool,
    /// Whether direct updates give each attribute an operation of its own (`preflight.md 2.3`).
    pub verbose: bool,
    /// The suffix of test names.
    pub domain: String,
    /// Names and values follow from it.
    pub seed: u64,
    /// How often something that does not hold is looked at again.
    pub retries: u32,
    /// Client credentials for the test of them.
    pub credentials: Option<ClientCredentials>,
    /// Workload identity federation for the test of it.
    pub federation: Option<Federation>,
    /// Whether requests a second are measured.
    pub throughput: bool,
    /// Ends the run early: what it made is still taken away, and tests that are not over are skipped.
    pub stop: Stop,
}

/// Why the tests can't be run; not what the endpoint did.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// The token can't be sent.
    #[error("the token can't be sent")]
    Token(#[from] InvalidToken),
    /// The endpoint can't be asked.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The key of the stand-in for Entra can't be had.
    #[error("the key of the stand-in for Entra, `{}`, can't be made or read", file.display())]
    Issuer {
        /// Where it is kept.
        file: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The throw-away job can't be made.
    #[error("the job can't be set up in a temporary folder")]
    Folder(#[from] std::io::Error),
    /// The throw-away job is not right.
    #[error("the job can't be set up")]
    Config(Vec<Diagnostic>),
    /// The throw-away job can't be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The tests that need the service can't be played.
    #[error(transparent)]
    Play(#[from] PlayError),
}

/// What came of one test.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The test.
    pub test: &'static Test,
    /// What it is worth by the documents.
    pub grade: Grade,
    /// What the official run says.
    pub as_run: Word,
    /// Why it was not run: a stable word, and a sentence.
    pub skipped: Option<(&'static str, &'static str)>,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// How long it took; `None` for those that share their cycles.
    pub took: Option<Duration>,
}

/// What is told while tests run.
#[derive(Debug, Clone, Copy)]
pub enum Told<'t> {
    /// This begins: a test, or a cycle that several share.
    Begins(&'t str),
    /// A test is over; also one that was not run.
    Over(&'t Tested),
}

/// How fast the endpoint was in a burst of reads.
#[derive(Debug, Clone, Copy)]
pub struct Throughput {
    /// So many requests.
    pub requests: u32,
    /// In so much time.
    pub took: Duration,
}

impl Throughput {
    /// Requests a second.
    pub fn per_second(&self) -> f64 {
        f64::from(self.requests) / self.took.as_secs_f64().max(f64::EPSILON)
    }

    /// Whether they are as many as are asked for (W-034).
    pub fn is_enough(&self) -> bool {
        is_fast_enough(self.requests, self.took)
    }
}

/// Runs the tests and takes away whatever they made. `told` hears what begins and what is over.
pub fn run(options: &Options, told: &mut dyn FnMut(Told<'_>)) -> Result<Report, PreflightError> {
    let began = WireInstant::now();
    let authorization = match &options.token {
        Some(token) => Authorization::Bearer(BearerToken::try_from(token.clone())?),
        None => Authorization::None,
    };
    let network = NetworkOptions::with_proxy(ProxySettings::from_environment());
    let network = Network::new(&network).map_err(WireError::from)?;
    let target = (options.url.base(), options.retries);
    let mut wire =
        Wire::new(network, authorization, target, options.stop.clone()).map_err(WireError::from)?;
    // Before the endpoint is asked: its key set can be had of a first run without one.
    let assertion = options.federation.as_ref().map(Federation::stand_in).transpose()?.flatten();
    reach(&mut wire)?;
    let schemas = wire.ask(Method::Get, "Schemas", None);
    let tested = run_all(options, &mut wire, &schemas, assertion.as_ref(), told);
    let is_measured = options.throughput && !options.stop.is_asked();
    let throughput = is_measured.then(|| wire.burst(BURST));
    // Whatever happened, nothing of ours stays.
    let left = wire.clean_up();
    let mut warnings = wire.warnings();
    warnings.extend(short_lived(options));
    let is_asked = options.tests.iter().any(|test| test.id == "A22");
    warnings.extend(options.federation.as_ref().filter(|_| is_asked).and_then(Federation::warning));
    let throughput = match throughput {
        Some(Ok(took)) => Some(Throughput { requests: BURST, took }),
        Some(Err(why)) => {
            warnings.push(format!("a burst of {BURST} reads ended early: {why}"));
            None
        }
        None => None,
    };
    Ok(Report {
        url: options.url.base().to_owned(),
        seed: options.seed,
        tested: tested?,
        warnings,
        left,
        throughput,
        took: began.elapsed(),
    })
}

/// Looks whether anybody is there who lets us in.
fn reach(wire: &mut Wire) -> Result<(), WireError> {
    let said = wire.ask(Method::Get, "Users?startIndex=1&count=1", None);
    match said.status {
        None => Err(WireError::Unreachable(said.told())),
        Some(401 | 403) => Err(WireError::Refused(said.told())),
        Some(_) => Ok(()),
    }
}

fn run_all(
    options: &Options,
    wire: &mut Wire,
    schemas: &Said,
    assertion: Option<&SecretString>,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<Tested>, PreflightError> {
    let parsed = Schemas::parse(schemas.body.to_string().as_bytes()).ok();
    let mut values = Values::new(options.seed, &options.domain, &options.attributes, parsed.as_ref());
    let has_manager = values.has(MANAGER);
    let skip = |test: &Test| skipped(options, has_manager, test);
    let runs = |test: &&&Test| skip(test).is_none();
    let provisioned: Vec<&'static str> =
        options.tests.iter().filter(|test| runs(test) && is_provisioned(test)).map(|test| test.id).collect();
    let job = job(options)?;
    let spec = job.spec().clone();
    let clock = VirtualClock::new(SystemClock.now());
    let on_demand = self::job(options)?.speaking(on_demand_dialect(spec.style.dialect));
    let mut played =
        match Provisioned::new((&mut *wire, &mut values), (job, on_demand), (clock, options.stop.clone()))?
            .play(&provisioned, schemas, told)
        {
            Err(error) if error.is_stop() => BTreeMap::new(),
            other => other?,
        };
    let mut tested = Vec::new();
    for test in &TESTS {
        let began = WireInstant::now();
        let checks = played.remove(test.id);
        let was_played = checks.is_some();
        let stopped = || (!was_played && options.stop.is_asked()).then_some(STOPPED);
        let why = skip(test).or_else(stopped);
        if why.is_none() && !was_played {
            told(Told::Begins(&format!("{} {}", test.id, test.title())));
        }
        let checks = match (why, checks) {
            (Some(_), _) => Vec::new(),
            (None, Some(checks)) => checks,
            (None, None) if test.suite() == Suite::Validator => {
                Validator { wire: &mut *wire, values: &mut values }.run(test.id)
            }
            (None, None) if test.id == "A22" => options
                .federation
                .as_ref()
                .map(|federation| federation.test(&mut *wire, options.url.base(), assertion))
                .unwrap_or_default(),
            (None, None) => {
                let verbose = options.verbose;
                let credentials = options.credentials.as_ref();
                Direct { wire: &mut *wire, values: &mut values, spec: &spec, schemas, verbose, credentials }
                    .run(test.id)
            }
        };
        // Stopped in the middle, it lacks answers: nothing that it found is to be trusted.
        let why = why.or_else(stopped);
        let checks = if why.is_some() { Vec::new() } else { checks };
        let (by_documents, as_run) = match why {
            Some((word, _)) => (Grade::Skipped, skipped_as_run(test, word)),
            None => grade(test.kind, &checks),
        };
        let took = (why.is_none() && !is_provisioned(test)).then(|| began.elapsed());
        let result = Tested { test, grade: by_documents, as_run, skipped: why, checks, took };
        told(Told::Over(&result));
        tested.push(result);
    }
    Ok(tested)
}

/// Whether a test goes through the provisioning service.
fn is_provisioned(test: &Test) -> bool {
    const PROVISIONED: [&str; 14] =
        ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12", "A13", "A14"];
    PROVISIONED.contains(&test.id)
}

/// On demand nobody knows the feature flag (`wire.md 1.6`).
fn on_demand_dialect(dialect: Dialect) -> Dialect {
    if dialect == Dialect::Optscim { Dialect::Default } else { dialect }
}

/// Why a test is not run: a stable word and a sentence (`preflight.md 5.3`).
fn skipped(options: &Options, has_manager: bool, test: &Test) -> Option<(&'static str, &'static str)> {
    if !options.tests.iter().any(|chosen| chosen.id == test.id) {
        return Some(DESELECTED);
    }
    match (test.id, test.area) {
        ("A22", _) => match &options.federation {
            None => {
                Some(("needs-entra", "it needs a token issued by Entra, or an app that trusts a stand-in"))
            }
            Some(federation) if federation.is_google() => {
                Some(("needs-third-party", "its token endpoint is Google's"))
            }
            Some(_) => None,
        },
        ("A21", _) if options.credentials.is_none() => Some((
            "not-configured",
            "no client credentials were given; the real suite reports FAILED for it, and fails the run unless \
             Federated_Identity_Test passes",
        )),
        (_, Area::Groups) if !options.groups => Some(("not-mapped", "the app is said to have no groups")),
        (_, Area::Manager) if !has_manager => {
            Some(("not-mapped", "`manager` is not among the attributes that are tested"))
        }
        (_, Area::Users | Area::Groups | Area::Manager | Area::Scim) => None,
    }
}

/// What the official run says of a test that is not run here: it has no such branch for authentication (X2) and for
/// groups that are not mapped (X6).
fn skipped_as_run(test: &Test, word: &str) -> Word {
    let has_no_branch =
        matches!(test.id, "A21" | "A22") || (is_provisioned(test) && test.area == Area::Groups);
    if has_no_branch && word != DESELECTED.0 && word != STOPPED.0 {
        return if test.kind == Kind::Optional { Word::Warning } else { Word::Failed };
    }
    Word::Skipped
}

/// A throw-away job with the default template. Texts are quoted by the TOML library.
fn job(options: &Options) -> Result<Job, PreflightError> {
    let mut job = toml::toml! {
        name = "preflight"
        scope = "assigned"
    };
    job.insert("tenant_url".to_owned(), options.tenant_url.clone().into());
    job.insert("allow_remote".to_owned(), options.allow_remote.into());
    job.insert("groups".to_owned(), options.groups.into());
    if options.token.is_some() {
        job.insert("token".to_owned(), toml::toml! { env = "TOKEN" }.into());
    }
    let mut text = toml::toml! {
        [directory]
        path = "directory"
    };
    text.insert("job".to_owned(), toml::Value::Array(vec![job.into()]));
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(config::FILE_NAME);
    std::fs::write(&file, text.to_string())?;
    let (config, _) = config::load(&file).map_err(PreflightError::Config)?;
    let Some(job) = config.jobs.first() else { return Err(PreflightError::Config(Vec::new())) };
    let token = options.token.as_ref().map(|token| token.expose_secret().to_owned());
    let environment = |name: &str| if name == TOKEN { token.clone() } else { std::env::var(name).ok() };
    Ok(Job::new(&config, job, &environment)?)
}

/// A token that says of itself that it ends within a day is too short-lived for the suite (`preflight.md 1.2`, 5.3).
fn short_lived(options: &Options) -> Option<String> {
    use base64::Engine as _;
    /// A day, in seconds.
    const DAY: i64 = 86_400;
    let token = options.token.as_ref()?.expose_secret();
    let payload = token.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let rest = payload.get("exp")?.as_i64()? - SystemClock.now().as_second();
    (rest < DAY)
        .then(|| format!("the token ends in {} minutes; the real suite needs it for 24 hours", rest / 60))
}
