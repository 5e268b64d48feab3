//! One configured job, made ready to run: its target, credentials, journal and source put together.
//!
//! Commands and the service run cycles through [`Job`]; what they add is what they show.

mod simulated;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use self::simulated::Simulated;
use crate::client::journal::{Exchange, JournalError, JournalWriter};
use crate::client::{
    Network, NetworkError, NetworkOptions, Pace, ProxySettings, RootsError, prune, read_roots,
};
use crate::clock::{Clock, Timestamp, VirtualClock, WireClock};
use crate::config::fidelity::CREDENTIAL_BYTES_MAX;
use crate::config::token::TokenError;
use crate::config::{Access, Config, Endpoint, JobConfig};
use crate::diagnostic::{Diagnostic, Severity, chain};
use crate::directory::import::{ImportError, Source, import};
use crate::directory::read::ReadOptions;
use crate::engine::drive::{
    Credentials, Delivery, InProcess, Ports, ReadOnly, Remote, Simulation, in_process, over_network,
};
use crate::engine::spec::{EMBEDDED_PATH, JobSpec};
use crate::engine::{Cycle, CycleResult, EngineError, Event, ImportOutcome, Purpose};
use crate::http::{Method, Request, Response, TransportError};
use crate::mail::Postman;
use crate::schema::{self, Identity, Imported};
use crate::scim::style::Dialect;
use crate::store::{Store, StoreError};
use crate::target::{App, AppOptions, AppRules, Change, ContentError, Held, Reply, RulesError};

mod access;
mod oracle;

pub use oracle::{Evidence, ReadBack, Seen};

/// Why there is no use in sending anything to a target.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// Nobody answers.
    #[error("the endpoint can't be reached")]
    Unreachable(#[source] TransportError),
    /// The credentials are refused, with this status.
    #[error("the endpoint refuses us: {0}")]
    Refused(u16),
    /// Somebody answers who has no users at this address.
    #[error("the endpoint has no `/Users`: {0}")]
    Astray(u16),
}

/// Why a job can't be run at all. What goes wrong with its target is a result, not an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The token, or another secret, can't be had.
    #[error("the {what} of job `{job}` can't be had")]
    Token {
        /// The job.
        job: String,
        /// What can't be had.
        what: &'static str,
        /// Why.
        #[source]
        source: TokenError,
    },
    /// Entra would refuse to store credentials and notification addresses as large as these.
    #[error(
        "the credentials and notification addresses of job `{job}` take {bytes} bytes, and no more than \
         {CREDENTIAL_BYTES_MAX} can be stored"
    )]
    CredentialLimit {
        /// The job.
        job: String,
        /// What they take together.
        bytes: usize,
    },
    /// The token can't be sent.
    #[error("the token of job `{job}` can't be sent: {reason}")]
    InvalidToken {
        /// The job.
        job: String,
        /// Why.
        reason: String,
    },
    /// What the state's folder holds of keys and tokens can't be used.
    #[error("the {what} in the folder of the state can't be used")]
    Kept {
        /// The file.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The certificates of the job can't be used.
    #[error("the certificates of job `{job}` can't be used")]
    Roots {
        /// The job.
        job: String,
        /// Why.
        #[source]
        source: RootsError,
    },
    /// The network client can't be set up.
    #[error("the network client can't be set up")]
    Network(#[source] NetworkError),
    /// The journal can't be opened.
    #[error("the wire journal can't be opened")]
    Journal(#[source] JournalError),
    /// The profile can't be played by the embedded app.
    #[error("the embedded app can't play the app of job `{job}`")]
    Rules {
        /// The job.
        job: String,
        /// Why.
        #[source]
        source: RulesError,
    },
    /// The embedded app's content can't be read back.
    #[error("the embedded app's content can't be read back")]
    Content(#[source] ContentError),
    /// The state can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The imported schema can't be run any more: the job's settings changed since, or the state was edited.
    #[error("the imported schema of job `{job}` can't be run: {reason}")]
    Schema {
        /// The job.
        job: String,
        /// The first thing that is wrong with it.
        reason: String,
    },
    /// The asynchronous runtime can't be started.
    #[error("the runtime for network requests can't be started")]
    Runtime(#[source] std::io::Error),
}

/// What somebody who watches a cycle is told.
pub trait Watch {
    /// An exchange is over.
    fn exchanged(&mut self, _exchange: &Exchange) {}
    /// An object was dealt with.
    fn logged(&mut self, _event: &Event) {}
    /// The phase under way, objects done, objects to do.
    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}
    /// The source was read; what it warned about.
    fn imported(&mut self, _warnings: &[Diagnostic]) {}
    /// The source was refused.
    fn refused(&mut self, _findings: &[Diagnostic]) {}
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// Whether a run may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Requests are sent, and what came of them is kept.
    Real,
    /// Nothing is written: neither to the target nor to the state.
    Plan,
}

/// Reads an environment variable; handed in so that tests need no real ones.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A job, ready to run.
pub struct Job {
    spec: JobSpec,
    config: JobConfig,
    source: Source,
    credentials: Credentials,
    target: Target,
    journal: PathBuf,
    postman: Postman,
}

enum Target {
    Embedded(Embedded),
    Remote(Remote),
}

/// What the embedded app is started with.
#[derive(Clone)]
struct Embedded {
    token: Option<String>,
    rules: Option<Arc<AppRules>>,
}

impl Job {
    /// Makes a job ready: resolves its token, sets up its transport. Nothing is sent.
    pub fn new(config: &Config, job: &JobConfig, environment: Environment<'_>) -> Result<Self, RunError> {
        /// One object at a time, unless the configuration says otherwise: runs by hand are to be read.
        const WORKERS: usize = 1;
        let spec = JobSpec::new(config, job, WORKERS);
        let secrets = access::secrets(job, environment)?;
        if let Some(bytes) = job.excess_credentials(&secrets) {
            return Err(RunError::CredentialLimit { job: job.name.clone(), bytes });
        }
        let target = match &job.endpoint {
            Endpoint::Embedded => Target::Embedded(Embedded::new(job, secrets.first())?),
            Endpoint::Remote(_) => {
                let mut options = NetworkOptions::with_proxy(ProxySettings::from_variables(environment));
                options.timeout =
                    std::time::Duration::try_from(job.fidelity.timeout).unwrap_or(options.timeout);
                options.follow_redirects = job.fidelity.follow_redirects;
                if let Some(file) = &job.ca {
                    options.extra_roots = read_roots(file)
                        .map_err(|source| RunError::Roots { job: job.name.clone(), source })?;
                }
                let pace = match job.requests_per_second {
                    Some(requests) => Pace::per_second(requests, WireClock::real()),
                    None => Pace::none(),
                };
                Target::Remote(Remote {
                    network: Network::new(&options).map_err(RunError::Network)?,
                    pace: Arc::new(pace),
                })
            }
        };
        let credentials = access::credentials(config, job, &spec.tenant_id, secrets)?;
        Ok(Self {
            spec,
            config: job.clone(),
            source: source(config),
            credentials,
            target,
            journal: journal_folder(config),
            postman: Postman::new(config, environment),
        })
    }

    /// The same job in another dialect, whatever its tenant URL selects.
    #[must_use]
    pub fn speaking(mut self, dialect: Dialect) -> Self {
        self.spec.style.dialect = dialect;
        self
    }

    /// The same job with so many objects worked on at once, unless its configuration says how many.
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        if self.config.fidelity.workers.is_none() {
            self.spec.rules.workers = workers;
        }
        self
    }

    /// The same job against an embedded app that accepts this token alone, whatever the job sends. A target over the
    /// network has a will of its own.
    #[must_use]
    pub fn with_app_token(mut self, accepted: &str) -> Self {
        if let Target::Embedded(embedded) = &mut self.target {
            embedded.token = Some(accepted.to_owned());
        }
        self
    }

    /// What the engine sees of it.
    pub fn spec(&self) -> &JobSpec {
        &self.spec
    }

    /// Asks the target for a resource path once, apart from any cycle: nothing is written and no journal kept. The
    /// inner result is the answer, or why there is none.
    pub fn get(
        &self,
        store: &Store,
        clock: &dyn Clock,
        path: &str,
    ) -> Result<Result<Response, TransportError>, RunError> {
        let mut request = self.request(Method::Get, path);
        let authorization = &self.credentials.authorization;
        match &self.target {
            Target::Embedded(embedded) => {
                authorization.apply(&mut request);
                let mut app = embedded.app(&self.spec.name, store)?;
                Ok(Ok(app.handle(&request, clock.now()).response))
            }
            Target::Remote(remote) => {
                let authorized = authorization.exchange(&remote.network, request);
                Ok(runtime()?.block_on(authorized).answered.outcome)
            }
        }
    }

    /// Looks whether anybody is there who lets us in, by asking for one account.
    ///
    /// # Errors
    /// The question can't be put; the inner result says that nobody answers, or that the answer is a refusal.
    pub fn reach(&self, store: &Store, clock: &dyn Clock) -> Result<Result<(), Unreached>, RunError> {
        Ok(match self.get(store, clock, "Users?startIndex=1&count=1")? {
            Err(error) => Err(Unreached::Unreachable(error)),
            Ok(answer) if matches!(answer.status, 401 | 403) => Err(Unreached::Refused(answer.status)),
            Ok(answer) if matches!(answer.status, 404 | 410) => Err(Unreached::Astray(answer.status)),
            Ok(_) => Ok(()),
        })
    }

    /// A request for a resource path, without authorization.
    fn request(&self, method: Method, path: &str) -> Request {
        let rules = &self.spec.rules;
        let header = |name: &str, value: &Option<String>| Some((name.to_owned(), value.clone()?));
        let headers = [header("Accept", &rules.accept), header("User-Agent", &rules.user_agent)];
        Request {
            method,
            url: format!("{}/{path}", self.spec.base_url),
            headers: headers.into_iter().flatten().collect(),
            body: None,
        }
    }

    /// Deletes a resource of the target, apart from any cycle. The inner result is the answer, or why there is none.
    /// The embedded app of a configured job is left alone.
    pub fn delete(&self, path: &str) -> Result<Result<Response, TransportError>, RunError> {
        let Target::Remote(remote) = &self.target else {
            return Ok(Err(TransportError::Connect("the embedded app is in process".to_owned())));
        };
        let request = self.request(Method::Delete, path);
        let done = runtime()?.block_on(self.credentials.authorization.exchange(&remote.network, request));
        Ok(done.answered.outcome)
    }

    /// Runs one cycle on virtual time with ports of the caller's: no files are read and no journal is kept, unless they
    /// do it. `app` takes the requests of a job whose target is the embedded app.
    pub fn cycle_on(
        &self,
        store: &mut Store,
        clock: &VirtualClock,
        purpose: Purpose,
        ports: &mut dyn Ports,
        app: &mut dyn InProcess,
    ) -> Result<CycleResult, RunError> {
        let cycle = Cycle::begin(&self.spec, &self.credentials.redactor, store, clock.now(), purpose)?;
        match &self.target {
            Target::Embedded(_) => Ok(in_process(cycle, app, clock, &self.credentials, ports)?),
            Target::Remote(remote) => {
                Ok(runtime()?.block_on(over_network(cycle, remote, None, clock, &self.credentials, ports))?)
            }
        }
    }

    /// Runs one cycle, a test of the connection, or one object on demand, at the job time of `clock`. The caller holds the job's lock.
    pub fn cycle(
        &self,
        store: &mut Store,
        clock: &dyn Clock,
        purpose: Purpose,
        mode: Mode,
        watch: &mut dyn Watch,
    ) -> Result<CycleResult, RunError> {
        let journal = match mode {
            Mode::Real => {
                if let Some(keep) = self.config.journal_keep
                    && let Err(error) = prune(&self.journal, &self.spec.name, keep, clock.now())
                {
                    tracing::warn!(why = chain(&error), "old exchanges stay in the wire journal");
                }
                Some(JournalWriter::open(&self.journal, &self.spec.name).map_err(RunError::Journal)?)
            }
            Mode::Plan => None,
        };
        let mut copy;
        let store = match mode {
            Mode::Real => store,
            Mode::Plan => {
                copy = store.copy()?;
                &mut copy
            }
        };
        let mut ports = Watched { source: &self.source, journal, journal_gap: false, watch };
        // Read anew for every cycle: what was imported during one takes effect with the next (E-013).
        let mut spec = spec_in_effect(&self.spec, &self.config, store)?;
        if matches!(purpose, Purpose::OnDemand(_)) && spec.style.dialect == Dialect::Optscim {
            spec.to_mut().style.dialect = Dialect::Default; // it does not know the flag (`wire.md 1.6`)
        }
        let spec = &*spec;
        let result = match &self.target {
            Target::Embedded(embedded) => {
                embedded.cycle(spec, store, clock, (purpose, mode), &self.credentials, &mut ports)?
            }
            Target::Remote(remote) => {
                let mut simulated = (mode == Mode::Plan).then(|| Simulated::new(&spec.base_url));
                let simulation: Option<&mut dyn Simulation> = match &mut simulated {
                    Some(simulated) => Some(simulated),
                    None => None,
                };
                let secrets = &self.credentials.redactor;
                let cycle = Cycle::begin(spec, secrets, store, clock.now(), purpose)?;
                let run = over_network(cycle, remote, simulation, clock, &self.credentials, &mut ports);
                runtime()?.block_on(run)?
            }
        };
        if mode == Mode::Real {
            self.postman.deliver(store, &spec.name, clock.now());
        }
        Ok(result)
    }
}

impl Embedded {
    fn new(job: &JobConfig, token: Option<&SecretString>) -> Result<Self, RunError> {
        let rules = AppRules::read(&job.played)
            .map_err(|source| RunError::Rules { job: job.name.clone(), source })?;
        let token = token.map(|token| token.expose_secret().to_owned());
        Ok(Self { token, rules: rules.map(Arc::new) })
    }

    /// The embedded app of a job with what it held when it was last used.
    fn app(&self, job: &str, store: &Store) -> Result<App, RunError> {
        let options = AppOptions {
            base_path: EMBEDDED_PATH.to_owned(),
            token: self.token.clone(),
            rules: self.rules.clone(),
            ..AppOptions::default()
        };
        let held = Held {
            resources: store.embedded_content(job)?,
            rehearsed: store.embedded_rehearsal(job)?,
            settings: store.embedded_settings(job)?,
        };
        App::resumed(options, held).map_err(RunError::Content)
    }

    fn cycle(
        &self,
        spec: &JobSpec,
        store: &mut Store,
        clock: &dyn Clock,
        (purpose, mode): (Purpose, Mode),
        credentials: &Credentials,
        ports: &mut Watched<'_>,
    ) -> Result<CycleResult, RunError> {
        let mut app = self.app(&spec.name, store)?;
        // In process nothing has to be waited for, so the cycle has a hand of its own that starts at job time.
        let clock = VirtualClock::new(clock.now());
        let cycle = Cycle::begin(spec, &credentials.redactor, store, clock.now(), purpose)?;
        match mode {
            Mode::Plan => {
                let mut simulation = Simulated::new(&spec.base_url);
                let mut target = ReadOnly { target: &mut app, simulation: &mut simulation };
                Ok(in_process(cycle, &mut target, &clock, credentials, ports)?)
            }
            Mode::Real => {
                let mut kept = Kept { app, job: spec.name.clone() };
                let result = in_process(cycle, &mut kept, &clock, credentials, ports)?;
                // What took time in process took job time, where that does not pass by itself.
                store.reach_virtual_time(clock.now())?;
                Ok(result)
            }
        }
    }
}

/// Does something at the embedded app of a job, apart from SCIM, and keeps what that changed; `None` when the job has
/// another target. The caller holds the job's lock. The job's own token may be missing: its administrator is here.
pub fn at_app<T>(
    job: &JobConfig,
    store: &mut Store,
    environment: Environment<'_>,
    act: impl FnOnce(&mut App) -> T,
) -> Result<Option<T>, RunError> {
    if job.endpoint != Endpoint::Embedded {
        return Ok(None);
    }
    let secrets = access::secrets(job, environment).unwrap_or_default();
    let app = Embedded::new(job, secrets.first())?.app(&job.name, store)?;
    let mut kept = Kept { app, job: job.name.clone() };
    let done = act(&mut kept.app);
    kept.keep(store)?;
    Ok(Some(done))
}

/// The job with the schema that was imported for it, if one was.
pub fn spec_in_effect<'s>(
    spec: &'s JobSpec,
    job: &JobConfig,
    store: &Store,
) -> Result<Cow<'s, JobSpec>, RunError> {
    let Some(imported) = imported_schema(job, store)? else { return Ok(Cow::Borrowed(spec)) };
    Ok(Cow::Owned(spec.clone().with_mappings(imported.mappings, job.groups)))
}

/// The job's mappings and filters as `synchronizationSchema`: what was imported, else those of its configuration.
pub fn schema_document(
    spec: &JobSpec,
    job: &JobConfig,
    store: &Store,
) -> Result<serde_json::Value, RunError> {
    let imported = imported_schema(job, store)?;
    let spec = match &imported {
        Some(imported) => &spec.clone().with_mappings(imported.mappings.clone(), job.groups),
        None => spec,
    };
    let version = spec.schema_guid(&spec.definition);
    let identity = Identity { id: &spec.id, version: &version, guid: &|part| spec.schema_guid(part) };
    if let Some(mut imported) = imported {
        schema::relabel(&mut imported.document, identity);
        return Ok(imported.document);
    }
    let mappings = [&spec.users, &spec.groups];
    let mappings: Vec<_> = mappings.into_iter().filter(|mapping| !mapping.attributes.is_empty()).collect();
    Ok(schema::export(&mappings, identity))
}

/// Whether an object can be provisioned on demand only once somebody has stopped the job: with an OAuth connector, as
/// long as the job is started (`engine.md 8`). One that never ran a cycle has not been started.
pub fn has_to_be_stopped(job: &JobConfig, store: &Store) -> Result<bool, StoreError> {
    if !matches!(job.access, Access::Oauth(_)) {
        return Ok(false);
    }
    let is_on = store.job(&job.name)?.is_some_and(|row| !row.paused && !row.disabled);
    Ok(is_on && !store.executions(&job.name, 1)?.is_empty())
}

/// The schema that was imported for the job, read as the job reads it.
pub fn imported_schema(job: &JobConfig, store: &Store) -> Result<Option<Imported>, RunError> {
    let Some(text) = store.job_schema(&job.name)? else { return Ok(None) };
    let document = serde_json::from_str(&text).map_err(StoreError::from)?;
    let imported = schema::import(&document, &job.mappings.mappings, &job.reading()).map_err(|findings| {
        let error = findings.iter().find(|finding| finding.severity == Severity::Error);
        let reason = error.map_or_else(String::new, |error| error.message.clone());
        RunError::Schema { job: job.name.clone(), reason }
    })?;
    Ok(Some(imported))
}

impl From<Reply> for Delivery {
    fn from(reply: Reply) -> Self {
        Self { outcome: Ok(reply.response), latency: reply.latency }
    }
}

impl InProcess for App {
    fn handle(&mut self, request: &Request, _label: Option<&str>, now: Timestamp) -> Delivery {
        Self::handle(self, request, now).into()
    }
}

/// An embedded app whose content is in the state, so that the next process finds it again (design 9).
struct Kept {
    app: App,
    job: String,
}

impl InProcess for Kept {
    fn handle(&mut self, request: &Request, _label: Option<&str>, now: Timestamp) -> Delivery {
        self.app.handle(request, now).into()
    }

    fn keep(&mut self, store: &mut Store) -> Result<(), EngineError> {
        let changes = self.app.drain_changes();
        if changes.is_empty() {
            return Ok(());
        }
        store.step(|store| {
            for change in changes {
                match change {
                    Change::Put(resource) => {
                        let id = resource
                            .get("id")
                            .and_then(serde_json::Value::as_str)
                            .unwrap_or_default()
                            .to_owned();
                        store.save_embedded(&self.job, &id, &resource)?;
                    }
                    Change::Removed { id, .. } => store.drop_embedded(&self.job, &id)?,
                    Change::Rehearsed { id, resource } => {
                        store.save_rehearsed(&self.job, &id, resource.as_ref())?;
                    }
                    Change::RehearsalOver => store.drop_rehearsal(&self.job)?,
                    Change::Settings(settings) => store.save_embedded_settings(&self.job, &settings)?,
                }
            }
            Ok::<(), StoreError>(())
        })?;
        Ok(())
    }
}

/// The folder of a configuration's wire journals.
pub fn journal_folder(config: &Config) -> PathBuf {
    config.state_dir.join("journal")
}

/// Where a configuration's directory is and how it is read.
pub fn source(config: &Config) -> Source {
    let limit = config.directory.vanish_limit;
    Source {
        folder: config.directory.path.clone(),
        options: ReadOptions { multi_valued: config.directory.multi_valued.clone() },
        vanish_limit: Some((u32::from(limit.share_percent), limit.at_least.get())),
        roles: config.app_roles.iter().map(|declared| declared.role.value.clone()).collect(),
        jobs: config.jobs.iter().map(|job| job.name.clone()).collect(),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, RunError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Runtime)
}

/// The ports of a driver: source, journal, and who watches.
struct Watched<'w> {
    source: &'w Source,
    journal: Option<JournalWriter>,
    /// Whether it was said that exchanges are missing from the journal.
    journal_gap: bool,
    watch: &'w mut dyn Watch,
}

impl Ports for Watched<'_> {
    fn import(&mut self, store: &mut Store, now: Timestamp) -> Result<ImportOutcome, EngineError> {
        match import(store, self.source, now) {
            Ok(read) => {
                self.watch.imported(&read.warnings);
                Ok(ImportOutcome::Done)
            }
            Err(ImportError::Store(error)) => Err(error.into()),
            Err(error) => {
                let findings = error.findings();
                self.watch.refused(&findings);
                let reason = findings.iter().find(|finding| finding.severity == Severity::Error);
                let reason = reason.map_or_else(|| error.to_string(), Diagnostic::sentence);
                Ok(ImportOutcome::Fault(reason))
            }
        }
    }

    fn exchanged(&mut self, exchange: &Exchange) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.append(exchange)
        {
            // The journal is for people to read; a cycle does not stop for it, and says so once.
            if !std::mem::replace(&mut self.journal_gap, true) {
                let why = chain(&error);
                tracing::warn!(why, "exchanges of this cycle are missing from the wire journal");
            }
        }
        self.watch.exchanged(exchange);
    }

    fn logged(&mut self, event: &Event) {
        self.watch.logged(event);
    }

    fn progress(&mut self, phase: &str, done: u64, total: u64) {
        self.watch.progress(phase, done, total);
    }
}
