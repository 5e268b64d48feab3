//! A job against the embedded app, in process, with a fault between them, and the oracle beside it.

use scimulator::client::Exchange;
use scimulator::clock::{Clock as _, SignedDuration, Timestamp, VirtualClock};
use scimulator::config;
use scimulator::directory::import::import;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::drive::{Delivery, InProcess, Ports};
use scimulator::engine::spec::EMBEDDED_PATH;
use scimulator::engine::{EngineError, Event, ImportOutcome, Purpose};
use scimulator::expression::AttributeValue;
use scimulator::http::{Method, Request, Response, TransportError};
use scimulator::oracle::{Difference, Finding, Report, Verdict};
use scimulator::runner::{self, Evidence, Job, ReadBack};
use scimulator::store::{Edit, Store};
use scimulator::target::{App, AppOptions};
use serde_json::Value;

use crate::common::Project;

/// `boss`, his reports `ada` and `ben`, and `cara`; the group `Sales` of the last three. All are assigned.
const USERS: &str =
    "objectId,userPrincipalName,displayName,mailNickname,jobTitle,department,manager,accountEnabled
00000000-0000-4000-8000-000000000001,boss@contoso.com,Boss,boss,Chief,,,True
00000000-0000-4000-8000-000000000002,ada@contoso.com,Ada,ada,Clerk,Sales,boss@contoso.com,True
00000000-0000-4000-8000-000000000003,ben@contoso.com,Ben,ben,Clerk,Sales,boss@contoso.com,True
00000000-0000-4000-8000-000000000004,cara@contoso.com,Cara,cara,Clerk,Sales,,True
00000000-0000-4000-8000-000000000005,dora@contoso.com,Dora,dora,Clerk,Sales,,True
";
const GROUPS: &str = "objectId,displayName
00000000-0000-4000-8000-000000000009,Sales
";
const MEMBERS: &str = "group,member
Sales,ada@contoso.com
Sales,ben@contoso.com
Sales,cara@contoso.com
";
/// `dora` is assigned to nothing.
const ASSIGNMENTS: &str = "principal,appRole
boss@contoso.com,
Sales,
ada@contoso.com,
ben@contoso.com,
cara@contoso.com,
";

/// The objectId of somebody in the files.
pub(super) fn id(name: &str) -> String {
    let number = match name {
        "boss" => 1,
        "ada" => 2,
        "ben" => 3,
        "cara" => 4,
        "dora" => 5,
        "Sales" => 9,
        _ => panic!("nobody is called {name}"),
    };
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(super) fn kind(name: &str) -> ObjectKind {
    if name == "Sales" { ObjectKind::Group } else { ObjectKind::User }
}

/// What an app does otherwise.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    /// To a request, before it is looked at.
    pub(super) request: fn(&mut Request),
    /// To its answer.
    pub(super) answer: fn(&Request, &mut Result<Response, TransportError>),
    /// To what it holds, after a request: its content, and what it holds besides against its own rules.
    pub(super) after: fn(&mut App, &mut Vec<Value>, &Request, Timestamp),
}

pub(super) const HONEST: Fault = Fault { request: |_| {}, answer: |_, _| {}, after: |_, _, _, _| {} };

struct Faulty {
    app: App,
    besides: Vec<Value>,
    fault: Fault,
}

impl InProcess for Faulty {
    fn handle(&mut self, request: &Request, _label: Option<&str>, now: Timestamp) -> Delivery {
        let mut met = request.clone();
        (self.fault.request)(&mut met);
        let mut outcome = Ok(self.app.handle(&met, now).response);
        (self.fault.answer)(request, &mut outcome);
        (self.fault.after)(&mut self.app, &mut self.besides, request, now);
        Delivery { outcome, latency: SignedDuration::ZERO }
    }
}

/// Everything of a test.
pub(super) struct Rig {
    config: config::Config,
    job: Job,
    pub(super) store: Store,
    pub(super) clock: VirtualClock,
    app: Faulty,
    pub(super) exchanges: Vec<Exchange>,
    since: usize,
    _project: Project,
}

struct Wire<'w>(&'w mut Vec<Exchange>);

impl Ports for Wire<'_> {
    fn import(&mut self, _store: &mut Store, _now: Timestamp) -> Result<ImportOutcome, EngineError> {
        Ok(ImportOutcome::Done)
    }

    fn exchanged(&mut self, exchange: &Exchange) {
        self.0.push(exchange.clone());
    }

    fn logged(&mut self, _event: &Event) {}

    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}
}

impl Rig {
    /// A job with more settings, its directory read, before its first cycle.
    pub(super) fn new(settings: &str) -> Self {
        let toml = format!(
            "[directory]\npath = \"directory\"\n[[job]]\nname = \"job\"\ntenant_url = \"embedded\"\nscope = \"assigned\"\n{settings}"
        );
        let project = Project::with([
            ("scimulator.toml", &toml),
            ("directory/users.csv", USERS),
            ("directory/groups.csv", GROUPS),
            ("directory/members.csv", MEMBERS),
            ("directory/assignments.csv", ASSIGNMENTS),
        ]);
        let (config, _) = config::load(&project.path("scimulator.toml")).unwrap();
        let job = Job::new(&config, &config.jobs[0], &|_| None).unwrap();
        let clock = VirtualClock::new("2026-01-05T08:00:00Z".parse().unwrap());
        let mut store = Store::in_memory().unwrap();
        import(&mut store, &runner::source(&config), clock.now()).unwrap();
        let options = AppOptions { base_path: EMBEDDED_PATH.to_owned(), ..AppOptions::default() };
        let app = Faulty { app: App::new(options), besides: Vec::new(), fault: HONEST };
        Self { config, job, store, clock, app, exchanges: Vec::new(), since: 0, _project: project }
    }

    /// The same after its first cycle, which is clean.
    pub(super) fn settled(settings: &str) -> Self {
        let mut rig = Self::new(settings);
        rig.cycle();
        let report = rig.ask();
        assert_eq!(report.findings, [], "{}", rig.told(&report));
        rig
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.app.fault = fault;
    }

    /// Another configuration of the same job.
    pub(super) fn configure(&mut self, change: impl FnOnce(&mut config::JobConfig)) {
        change(&mut self.config.jobs[0]);
        self.job = Job::new(&self.config, &self.config.jobs[0], &|_| None).unwrap();
    }

    pub(super) fn cycle(&mut self) {
        self.run(Purpose::Cycle);
    }

    pub(super) fn run(&mut self, purpose: Purpose) {
        self.clock.advance_to(self.clock.now() + SignedDuration::from_mins(40));
        let mut wire = Wire(&mut self.exchanges);
        self.job.cycle_on(&mut self.store, &self.clock, purpose, &mut wire, &mut self.app).unwrap();
        self.clock.advance_to(self.clock.now() + SignedDuration::from_mins(1));
    }

    /// What the oracle says; once it is clean, that is where it begins to look.
    pub(super) fn ask(&mut self) -> Report {
        let resources: Vec<_> = self
            .app
            .app
            .resources()
            .chain(&self.app.besides)
            .map(|resource| {
                let kind = resource["meta"]["resourceType"].as_str().unwrap();
                (ObjectKind::from_name(kind).unwrap(), resource.clone())
            })
            .collect();
        let read = ReadBack { resources, ..ReadBack::default() };
        let evidence = Evidence { exchanges: &self.exchanges, since: self.since };
        let report = self.job.compare(&self.store, &self.clock, &read, evidence).unwrap();
        if report.is_clean() {
            self.since = self.exchanges.len();
        }
        report
    }

    /// A report as lines: the finding, and the request to blame.
    pub(super) fn told(&self, report: &Report) -> String {
        let lines =
            report.findings.iter().map(|finding| format!("{finding}\n    {}\n", self.guilty(finding)));
        lines.collect()
    }

    /// The request to blame: method, path with names for ids, and body.
    pub(super) fn guilty(&self, finding: &Finding) -> String {
        let Some(exchange) = finding.guilty.map(|at| &self.exchanges[at]) else { return "nobody".to_owned() };
        let base = self.job.spec().base_url.as_str();
        let mut text =
            format!("{} {}", exchange.request.method, exchange.request.url.strip_prefix(base).unwrap());
        if let Some(scimulator::client::Body::Json(body)) = &exchange.request.body {
            text = format!("{text} {}", body.get("Operations").unwrap_or(&Value::Null));
        }
        for name in ["boss", "ada", "ben", "cara", "dora", "Sales"] {
            for exchange in &self.exchanges {
                if let Some(object) = &exchange.about.object
                    && object.source_id == id(name)
                    && exchange.request.method == "POST"
                    && let scimulator::client::Outcome::Response(response) = &exchange.outcome
                    && let Some(scimulator::client::Body::Json(body)) = &response.body
                    && let Some(target) = body["id"].as_str()
                {
                    text = text.replace(target, &format!("{{{name}}}"));
                }
            }
        }
        text
    }

    pub(super) fn target_id(&self, name: &str) -> String {
        self.store.link("job", kind(name), &id(name)).unwrap().unwrap().target_id
    }

    pub(super) fn edit(&mut self, name: &str, edit: &Edit) {
        self.store.edit(kind(name), &id(name), edit, self.clock.now()).unwrap();
    }

    pub(super) fn set(&mut self, name: &str, attribute: &str, value: &str) {
        let value = Some(AttributeValue::Text(value.to_owned())).filter(|_| !value.is_empty());
        self.edit(name, &Edit::Set([(attribute.to_owned(), value)].into()));
    }

    pub(super) fn assign(&mut self, name: &str, present: bool) {
        let now = self.clock.now();
        assert!(self.store.edit_assignment("", (kind(name), &id(name)), None, present, now).unwrap());
    }

    pub(super) fn member(&mut self, group: &str, name: &str, present: bool) {
        let now = self.clock.now();
        assert!(self.store.edit_membership(&id(group), &id(name), present, now).unwrap());
    }

    /// Somebody else does something to the app.
    pub(super) fn by_hand(&mut self, method: Method, path: &str, body: Option<&Value>) -> Value {
        by_hand(&mut self.app.app, method, path, body, self.clock.now())
    }
}

pub(super) fn by_hand(
    app: &mut App,
    method: Method,
    path: &str,
    body: Option<&Value>,
    now: Timestamp,
) -> Value {
    let headers = vec![("Content-Type".to_owned(), "application/scim+json".to_owned())];
    let url = format!("http://app{EMBEDDED_PATH}/{path}");
    let body = body.map(|body| body.to_string().into_bytes());
    let response = app.handle(&Request { method, url, headers, body }, now).response;
    assert!(response.is_success(), "{}", String::from_utf8_lossy(&response.body));
    serde_json::from_slice(&response.body).unwrap_or_default()
}

/// What differs, in few words.
pub(super) fn about(finding: &Finding) -> String {
    let name = finding.label.split('@').next().unwrap();
    match &finding.difference {
        Difference::Missing | Difference::Orphan => format!("{name} {}", finding.difference.as_str()),
        Difference::Drifted { path, wanted, held } => {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            format!("{name} {path}: {} not {}", text(held), text(wanted))
        }
    }
}

/// `app`, `ours`, or the name of the rule.
pub(super) fn whose(finding: &Finding) -> &'static str {
    match finding.verdict {
        Verdict::BlindSpot(rule) => rule.as_str(),
        Verdict::App | Verdict::Ours => finding.verdict.as_str(),
    }
}

impl Rig {
    pub(super) fn spec(&self) -> scimulator::engine::spec::JobSpec {
        self.job.spec().clone()
    }
}
