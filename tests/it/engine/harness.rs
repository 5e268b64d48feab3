//! A job, its directory and its target, small enough to hold in one hand: files in a project folder, the store on
//! disk, virtual time, and a target whose answers a test can script and whose content it can read.

mod people;

use std::collections::BTreeMap;

use scimulator::client::journal::{Exchange, JournalWriter};
use scimulator::client::{Authorization, Redactor};
use scimulator::clock::{Clock as _, SignedDuration, Timestamp, VirtualClock};
use scimulator::config;
use scimulator::directory::import::{ImportError, Source, import};
use scimulator::engine::drive::{Credentials, Delivery, InProcess, Ports, in_process};
use scimulator::engine::entry::Entry;
use scimulator::engine::spec::{EMBEDDED_PATH, JobSpec};
use scimulator::engine::{
    Cycle, CycleResult, Effect, EngineError, ImportOutcome, Outcome, Purpose, RunState,
};
use scimulator::http::{Method, Request, Response, TransportError};
use scimulator::runner;
use scimulator::store::{Escrow, JobRow, LogFilter, LogRow, Store};
use scimulator::target::{App, AppOptions};
use serde_json::Value;

pub(super) use self::people::Directory;
use super::wal::StateFile;
use crate::common::Project;

/// The job of every test.
pub(super) const JOB: &str = "job";
/// When every test begins.
pub(super) const START: &str = "2026-01-05T08:00:00Z";

/// A change of the source, or of the target by somebody else.
pub(super) type Event = fn(&mut World);
/// A change of the job that the configuration has no key for.
pub(super) type Adjust = fn(&mut JobSpec);

/// The userPrincipalName of somebody called `name`.
pub(super) fn upn(name: &str) -> String {
    format!("{name}@contoso.com")
}

/// One request as it reached the target, and how that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) at: Timestamp,
    pub(super) method: Method,
    /// Path and query below the base URL, as sent.
    pub(super) path: String,
    pub(super) body: Option<Vec<u8>>,
    /// `None` when no answer came.
    pub(super) status: Option<u16>,
}

impl Sent {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_deref().expect("a body")).unwrap()
    }

    pub(super) fn is_probe(&self) -> bool {
        probe_value(&self.path).is_some()
    }
}

/// The GUID that a probe asks for.
fn probe_value(path: &str) -> Option<&str> {
    let (_, value) = path.split_once("eq+%22")?;
    let value = value.strip_suffix("%22")?;
    (value.len() == 36 && value.chars().filter(|c| *c == '-').count() == 4).then_some(value)
}

/// What a scripted target does instead of handing a request to the app.
#[derive(Clone)]
pub(super) enum Answer {
    /// Status, headers, body.
    Status(u16, Vec<(&'static str, &'static str)>, String),
    /// No answer, and the app never sees it.
    Lost(TransportError),
    /// The app does what it is asked, and its answer is lost.
    LostAfterwards,
    /// The app's answer with another body.
    Body(fn(Value) -> String),
    /// The app's answer.
    Through,
}

/// An answer of that status with a SCIM error body.
pub(super) fn status(status: u16) -> Answer {
    let body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(),
    });
    Answer::Status(status, vec![("Content-Type", "application/scim+json")], body.to_string())
}

/// Nobody listens.
pub(super) fn unreachable() -> Answer {
    Answer::Lost(TransportError::Connect("connection refused".to_owned()))
}

struct Rule {
    method: Method,
    /// Part of path and query.
    part: String,
    answer: Answer,
    left: usize,
}

/// The app, with a script between it and the job. It lives through restarts of the job's process.
pub(super) struct Scripted {
    pub(super) app: App,
    rules: Vec<Rule>,
    sent: Vec<Sent>,
    /// Readable names of every resource ever seen, by id.
    names: BTreeMap<String, String>,
    latency: fn(&Request) -> SignedDuration,
}

impl Scripted {
    fn new() -> Self {
        let options = AppOptions { base_path: EMBEDDED_PATH.to_owned(), ..AppOptions::default() };
        Self {
            app: App::new(options),
            rules: Vec::new(),
            sent: Vec::new(),
            names: BTreeMap::new(),
            latency: |_| SignedDuration::ZERO,
        }
    }

    fn outcome(&mut self, request: &Request, path: &str, now: Timestamp) -> Result<Response, TransportError> {
        let rule = self
            .rules
            .iter_mut()
            .find(|rule| 0 < rule.left && rule.method == request.method && path.contains(&rule.part));
        let answer = match rule {
            Some(rule) => {
                rule.left -= 1;
                rule.answer.clone()
            }
            None => Answer::Through,
        };
        match answer {
            Answer::Status(status, headers, body) => Ok(Response {
                status,
                headers: headers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                body: body.into_bytes(),
            }),
            Answer::Lost(error) => Err(error),
            Answer::LostAfterwards => {
                self.app.handle(request, now);
                Err(TransportError::Connect("the connection broke".to_owned()))
            }
            Answer::Body(edit) => {
                let mut response = self.app.handle(request, now).response;
                response.body = edit(serde_json::from_slice(&response.body).unwrap_or_default()).into_bytes();
                Ok(response)
            }
            Answer::Through => Ok(self.app.handle(request, now).response),
        }
    }
}

impl InProcess for Scripted {
    fn handle(&mut self, request: &Request, _label: Option<&str>, now: Timestamp) -> Delivery {
        let path =
            request.path_and_query().strip_prefix(EMBEDDED_PATH).expect("below the base URL").to_owned();
        let outcome = self.outcome(request, &path, now);
        for resource in self.app.resources() {
            let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
            let name = [text("userName"), text("displayName")].into_iter().find(|name| !name.is_empty());
            let name = name.unwrap_or_default();
            let short = name.strip_suffix("@contoso.com").unwrap_or(&name);
            self.names.entry(text("id")).or_insert_with(|| format!("{{{short}}}"));
        }
        self.sent.push(Sent {
            at: now,
            method: request.method,
            path,
            body: request.body.clone(),
            status: outcome.as_ref().ok().map(|response| response.status),
        });
        Delivery { outcome, latency: (self.latency)(request) }
    }
}

/// Where a cycle is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    /// Before the exchange of this number leaves.
    Before(usize),
    /// After the target has answered it, before the engine hears of it.
    After(usize),
    /// As soon as so many transactions of the cycle are on disk.
    Committed(usize),
    /// Not at all.
    Never,
}

/// How far a cycle came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// Transactions on disk.
    pub(super) commits: usize,
    /// Exchanges that were answered.
    pub(super) exchanges: usize,
    /// Whether it came to its end.
    pub(super) ended: bool,
}

/// Everything a test needs.
pub(super) struct World {
    pub(super) project: Project,
    pub(super) people: Directory,
    pub(super) target: Scripted,
    pub(super) clock: VirtualClock,
    /// Changes what the configuration has no key for.
    pub(super) adjust: Adjust,
    pub(super) workers: usize,
    /// Accepts whatever vanished from the files, as `directory accept` does.
    pub(super) accept_vanished: bool,
    /// Whether the files are written anew from `people` before each cycle.
    pub(super) saves: bool,
    store: Option<Store>,
    began: bool,
}

impl World {
    /// A world with an empty directory; `lines` go into the job's table of the configuration.
    pub(super) fn new(lines: &str) -> Self {
        let project = Project::with([]);
        let world = Self {
            project,
            people: Directory::default(),
            target: Scripted::new(),
            clock: VirtualClock::new(START.parse().unwrap()),
            adjust: |_| {},
            workers: 1,
            accept_vanished: false,
            saves: true,
            store: None,
            began: false,
        };
        world.configure(lines);
        world
    }

    /// Writes another configuration.
    pub(super) fn configure(&self, lines: &str) {
        let text = format!(
            "[directory]\npath = \"directory\"\n\n[[job]]\nname = \"{JOB}\"\ntenant_url = \"embedded\"\n{lines}\n"
        );
        self.project.write("scimulator.toml", &text);
    }

    /// The job and its source, as configured now.
    pub(super) fn spec(&self) -> (JobSpec, Source) {
        let (config, _) = config::load(&self.project.path("scimulator.toml")).expect("a sound configuration");
        let mut spec = JobSpec::new(&config, &config.jobs[0], self.workers);
        (self.adjust)(&mut spec);
        let mut source = runner::source(&config);
        if self.accept_vanished {
            source.vanish_limit = None;
        }
        (spec, source)
    }

    pub(super) fn store(&mut self) -> &mut Store {
        let folder = self.project.path("state");
        self.store.get_or_insert_with(|| Store::open(&folder).unwrap())
    }

    /// The process ends; the next use of the store opens it again.
    pub(super) fn restart(&mut self) {
        self.store = None;
    }

    /// One cycle, 40 minutes after the last.
    pub(super) fn cycle(&mut self) -> CycleResult {
        self.run(Purpose::Cycle)
    }

    /// One cycle that must not fail at all.
    pub(super) fn clean_cycle(&mut self) -> CycleResult {
        let result = self.cycle();
        let error = &result.statistics.error.message;
        assert_eq!(result.state, RunState::Succeeded, "{error} {:?}", self.failures());
        result
    }

    /// One run; 40 minutes after the last, or when a quarantined job is due.
    pub(super) fn run(&mut self, purpose: Purpose) -> CycleResult {
        let due = self.begin_at();
        self.run_at(purpose, due)
    }

    pub(super) fn run_at(&mut self, purpose: Purpose, at: Timestamp) -> CycleResult {
        self.try_at(purpose, at).unwrap()
    }

    /// One cycle, 40 minutes after the last; or what kept it from its end.
    pub(super) fn try_cycle(&mut self) -> Result<CycleResult, EngineError> {
        let due = self.begin_at();
        self.try_at(Purpose::Cycle, due)
    }

    fn try_at(&mut self, purpose: Purpose, at: Timestamp) -> Result<CycleResult, EngineError> {
        self.clock.advance_to(at);
        self.prepare();
        let (spec, source) = self.spec();
        let journal = JournalWriter::open(&self.project.path("state/journal"), JOB).unwrap();
        let mut ports = TestPorts { source, journal };
        let now = self.clock.now();
        let store = self.store.as_mut().unwrap();
        let credentials = credentials();
        let cycle = Cycle::begin(&spec, &credentials.redactor, store, now, purpose)?;
        in_process(cycle, &mut self.target, &self.clock, &credentials, &mut ports)
    }

    /// One cycle, now, of another job of the configuration, against the same target.
    pub(super) fn cycle_of(&mut self, job: &str) -> CycleResult {
        let (config, _) = config::load(&self.project.path("scimulator.toml")).expect("a sound configuration");
        let spec = config.jobs.iter().find(|known| known.name == job).expect("a job of that name");
        let spec = JobSpec::new(&config, spec, self.workers);
        let journal = JournalWriter::open(&self.project.path("state/journal"), job).unwrap();
        let mut ports = TestPorts { source: runner::source(&config), journal };
        let now = self.clock.now();
        self.prepare();
        let credentials = credentials();
        let store = self.store.as_mut().unwrap();
        let cycle = Cycle::begin(&spec, &credentials.redactor, store, now, Purpose::Cycle).unwrap();
        in_process(cycle, &mut self.target, &self.clock, &credentials, &mut ports).unwrap()
    }

    /// Begins a cycle as [`Self::cycle`] does and kills its process at `kill`: the next use of the store finds what was
    /// on the disk at that moment.
    pub(super) fn killed_cycle(&mut self, kill: Kill) -> Reached {
        let due = self.begin_at();
        self.clock.advance_to(due);
        // A file that was closed has no log, so that what is in it from here on is the cycle's.
        self.restart();
        self.prepare();
        let file = StateFile::new(&self.project.path("state/scimulator.db"));
        let opened = file.commits();
        let reached = self.drive_until(kill, &|| file.commits() - opened);
        let kept = if let Kill::Committed(commits) = kill { commits } else { reached.commits };
        let left = file.after(opened + kept.min(reached.commits));
        self.restart();
        file.put_back(&left);
        reached
    }

    /// Drives a cycle until `kill`, or to its end.
    fn drive_until(&mut self, kill: Kill, commits: &dyn Fn() -> usize) -> Reached {
        let (spec, source) = self.spec();
        let now = self.clock.now();
        let store = self.store.as_mut().unwrap();
        let redactor = credentials().redactor;
        let is_committed = || matches!(kill, Kill::Committed(wanted) if wanted <= commits());
        let mut exchanges = 0;
        if is_committed() {
            return Reached { commits: commits(), exchanges, ended: false };
        }
        let mut cycle = Cycle::begin(&spec, &redactor, store, now, Purpose::Cycle).unwrap();
        while !is_committed()
            && let Some((id, effect)) = cycle.poll_effect(now).unwrap()
            && !is_committed()
        {
            let outcome = match effect {
                Effect::Import => Outcome::Imported(read(cycle.store(), &source, now).unwrap()),
                Effect::Pause(_) => Outcome::Resumed,
                Effect::Exchange { .. } if kill == Kill::Before(exchanges) => break,
                Effect::Exchange { request, .. } => {
                    let delivery = self.target.handle(&request, None, now);
                    exchanges += 1;
                    if kill == Kill::After(exchanges - 1) {
                        break;
                    }
                    Outcome::Answered(delivery.outcome)
                }
            };
            if is_committed() {
                break;
            }
            cycle.handle_outcome(now, id, outcome).unwrap();
        }
        let ended = cycle.into_result().is_ok();
        Reached { commits: commits(), exchanges, ended }
    }

    /// When the next cycle is due.
    pub(super) fn begin_next(&mut self) -> Timestamp {
        self.begin_at()
    }

    fn begin_at(&mut self) -> Timestamp {
        let now = self.clock.now();
        if !std::mem::replace(&mut self.began, true) {
            return now;
        }
        let due = self.store().job(JOB).unwrap().and_then(|job| job.next_cycle);
        due.map_or(now, |due| due.max(now))
    }

    fn prepare(&mut self) {
        if self.saves {
            self.people.save(&self.project);
        }
        self.store();
    }

    /// What reached the target since the last call, probes and all.
    pub(super) fn sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.target.sent)
    }

    /// What reached the target since the last [`Self::sent`], left in place.
    pub(super) fn target_requests(&self) -> Vec<Sent> {
        self.target.sent.clone()
    }

    /// The same as lines, ids and probe values made readable: `PATCH /Users/{ada} [{…operations…}]`.
    pub(super) fn trace(&mut self) -> Vec<String> {
        let sent = self.sent();
        sent.iter().map(|sent| self.line(sent)).collect()
    }

    /// The trace without the probes.
    pub(super) fn requests(&mut self) -> Vec<String> {
        let sent = self.sent();
        sent.iter().filter(|sent| !sent.is_probe()).map(|sent| self.line(sent)).collect()
    }

    fn line(&self, sent: &Sent) -> String {
        let mut path = sent.path.clone();
        if let Some(value) = probe_value(&sent.path) {
            path = path.replace(value, "<guid>");
        }
        let mut line = format!("{} {path}", sent.method);
        if sent.method == Method::Patch {
            line = format!("{line} {}", sent.json()["Operations"]);
        }
        for (id, name) in &self.target.names {
            line = line.replace(id.as_str(), name);
        }
        line
    }

    /// Scripts every answer to requests of that method whose path and query hold `part`.
    pub(super) fn always(&mut self, method: Method, part: &str, answer: Answer) {
        self.times(usize::MAX, method, part, answer);
    }

    /// Scripts the next answer.
    pub(super) fn once(&mut self, method: Method, part: &str, answer: Answer) {
        self.times(1, method, part, answer);
    }

    pub(super) fn times(&mut self, left: usize, method: Method, part: &str, answer: Answer) {
        self.target.rules.push(Rule { method, part: part.to_owned(), answer, left });
    }

    /// The target is itself again.
    pub(super) fn heal(&mut self) {
        self.target.rules.clear();
    }

    pub(super) fn latency(&mut self, latency: fn(&Request) -> SignedDuration) {
        self.target.latency = latency;
    }

    /// A request by somebody else, past the job.
    pub(super) fn by_hand(&mut self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let headers = vec![("Content-Type".to_owned(), "application/scim+json".to_owned())];
        let request = Request {
            method,
            url: format!("http://app{EMBEDDED_PATH}{path}"),
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
        };
        let response = self.target.app.handle(&request, self.clock.now()).response;
        assert!(response.is_success(), "{}", String::from_utf8_lossy(&response.body));
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// The account of a user, or a group, as the app holds it.
    pub(super) fn held(&self, name: &str) -> Option<Value> {
        let upn = upn(name);
        self.target
            .app
            .resources()
            .find(|resource| {
                resource["userName"] == upn.as_str()
                    || (resource["displayName"] == name && resource["userName"].is_null())
            })
            .cloned()
    }

    /// The id of an account or group in the app.
    pub(super) fn target_id(&self, name: &str) -> String {
        self.held(name).expect("it is in the app")["id"].as_str().unwrap().to_owned()
    }

    /// Whether the account of a user is active; `None` when there is none.
    pub(super) fn active(&self, name: &str) -> Option<bool> {
        self.held(name).map(|held| held["active"] == true)
    }

    /// Names of the members of a group in the app, sorted.
    pub(super) fn members(&self, group: &str) -> Vec<String> {
        let held = self.held(group).expect("the group is in the app");
        let ids = held["members"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<String> = ids
            .iter()
            .map(|member| {
                let id = member["value"].as_str().unwrap();
                let resource = self.target.app.resources().find(|resource| resource["id"] == id);
                let resource = resource.expect("a member that is there");
                let name = resource["userName"].as_str().or(resource["displayName"].as_str()).unwrap();
                name.trim_end_matches("@contoso.com").to_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// userName of the manager that the account of a user has in the app, shortened.
    pub(super) fn manager(&self, name: &str) -> Option<String> {
        let held = self.held(name)?;
        let id =
            held["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"].clone();
        let manager = self.target.app.resources().find(|resource| resource["id"] == id)?;
        Some(manager["userName"].as_str()?.trim_end_matches("@contoso.com").to_owned())
    }

    pub(super) fn job(&mut self) -> JobRow {
        self.store().job(JOB).unwrap().expect("the job has run")
    }

    pub(super) fn escrows(&mut self) -> Vec<Escrow> {
        self.store().escrows(JOB).unwrap()
    }

    /// Escrows as `name code retries`, a reference marked.
    pub(super) fn escrow_lines(&mut self) -> Vec<String> {
        let line = |escrow: &Escrow| {
            let reference = if escrow.is_reference { " reference" } else { "" };
            let name = escrow.label.trim_end_matches("@contoso.com");
            format!("{name} {} {}{reference}", escrow.error_code, escrow.retries)
        };
        self.escrows().iter().map(line).collect()
    }

    /// The whole provisioning log.
    pub(super) fn log(&mut self) -> Vec<Logged> {
        self.log_of(&LogFilter::default())
    }

    /// The provisioning log of the last cycle.
    pub(super) fn last_log(&mut self) -> Vec<Logged> {
        let cycle = Some(self.job().cycle);
        self.log_of(&LogFilter { cycle, ..LogFilter::default() })
    }

    fn log_of(&mut self, filter: &LogFilter) -> Vec<Logged> {
        let rows = self.store().log_entries(JOB, filter).unwrap();
        rows.into_iter().map(|row| Logged { entry: serde_json::from_str(&row.entry).unwrap(), row }).collect()
    }

    /// The last cycle's log as `name action status code`.
    pub(super) fn log_lines(&mut self) -> Vec<String> {
        self.last_log().iter().map(Logged::line).collect()
    }

    fn failures(&mut self) -> Vec<String> {
        self.last_log()
            .iter()
            .filter(|logged| logged.row.status == "failure")
            .map(|logged| format!("{} {:?}", logged.line(), logged.entry.error_information))
            .collect()
    }
}

/// An entry of the log.
pub(super) struct Logged {
    pub(super) row: LogRow,
    pub(super) entry: Entry,
}

impl Logged {
    pub(super) fn line(&self) -> String {
        let name = self.row.label.trim_end_matches("@contoso.com");
        let code = self.row.error_code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        format!("{name} {} {}{code}", self.row.action, self.row.status)
    }

    /// The reason of a failure.
    pub(super) fn reason(&self) -> &str {
        &self.entry.error_information.as_ref().expect("error information").reason
    }
}

pub(super) fn credentials() -> Credentials {
    Credentials { authorization: Authorization::None, redactor: Redactor::new(None) }
}

struct TestPorts {
    source: Source,
    journal: JournalWriter,
}

fn read(store: &mut Store, source: &Source, now: Timestamp) -> Result<ImportOutcome, EngineError> {
    match import(store, source, now) {
        Ok(_) => Ok(ImportOutcome::Done),
        Err(ImportError::Store(error)) => Err(error.into()),
        Err(error) => Ok(ImportOutcome::Fault(error.findings()[0].to_string())),
    }
}

impl Ports for TestPorts {
    fn import(&mut self, store: &mut Store, now: Timestamp) -> Result<ImportOutcome, EngineError> {
        read(store, &self.source, now)
    }

    fn exchanged(&mut self, exchange: &Exchange) {
        self.journal.append(exchange).unwrap();
    }

    fn logged(&mut self, _event: &scimulator::engine::Event) {}

    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}
}
