//! The app with something wrong with it, on purpose: what it answers, keeps or shows otherwise than it should.
//!
//! One layer for scenarios and for `scimulator target --fault`. Every fault is deterministic: those that meet a share of
//! the requests draw it from a seed and the number of the request.

mod behind;
mod fault;
mod limits;
mod rewrite;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::Refusal;
use super::{App, AppOptions, ResourceKind};
use crate::http::{Method, Request, Response, TransportError};
use behind::Behind;
use limits::Limiter;

pub use fault::{Fault, FaultWord, SettingError, Settings};
pub use limits::Preset;

/// A fault, and which requests meet it. Of several that fit, the newest goes first.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// What they meet.
    pub fault: Fault,
    /// Which.
    pub which: Which,
}

impl FaultRule {
    /// A fault that every request meets that it is for.
    pub fn every(fault: Fault) -> Self {
        Self { fault, which: Which::default() }
    }
}

/// Which requests meet something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Only those of this method.
    pub method: Option<Method>,
    /// Only those for one of these paths below the base path, decoded and without a query: `/Users`.
    pub paths: Option<Vec<String>>,
    /// Only those about the object that the client calls so; over a socket there are no such names.
    pub label: Option<String>,
    /// So many that fit pass first.
    pub after: u32,
    /// So many meet it, then it is over; `None` for every one.
    pub times: Option<u32>,
    /// How many of a hundred meet it, drawn from the seed.
    pub percent: u8,
}

impl Default for Which {
    /// Every one.
    fn default() -> Self {
        Self { method: None, paths: None, label: None, after: 0, times: None, percent: 100 }
    }
}

impl Which {
    fn fits(&self, method: Method, path: &str, label: Option<&str>) -> bool {
        self.method.is_none_or(|wanted| wanted == method)
            && self.paths.as_ref().is_none_or(|paths| paths.iter().any(|known| known == path))
            && self
                .label
                .as_deref()
                .is_none_or(|name| label.is_some_and(|label| label.eq_ignore_ascii_case(name)))
    }
}

/// Counts the requests that are meant.
#[derive(Debug, Clone)]
pub struct Counter {
    which: Which,
    /// What its draws are told apart by from those of others.
    number: u64,
    seen: u64,
}

impl Counter {
    /// Has seen none yet. `number` tells its draws apart from those of others of one seed.
    pub fn new(which: Which, number: u64) -> Self {
        Self { which, number, seen: 0 }
    }

    /// Whether a request is meant, which counts it as seen. `path` is decoded, below the base path and without a query.
    pub fn reaches(&mut self, seed: u64, method: Method, path: &str, label: Option<&str>) -> bool {
        if self.is_over() || !self.which.fits(method, path, label) {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        u64::from(self.which.after) < self.seen && drawn(seed, self.number, self.seen) < self.which.percent
    }

    /// Whether as many have met it as were to.
    pub fn is_over(&self) -> bool {
        self.which.times == Some(0)
    }

    /// A request that was meant met what it was to meet.
    pub fn met(&mut self) {
        if let Some(times) = &mut self.which.times {
            *times = times.saturating_sub(1);
        }
    }
}

/// What somebody else does to one resource of the app, out of band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tampering<'a> {
    /// It is gone.
    Forget,
    /// It is there under another id, as after a restored backup.
    Renumber,
    /// These attributes of it are set.
    Edit(&'a Value),
    /// It is there twice, the second one under an id of its own, as after a backup that was restored into live data.
    Duplicate,
}

/// What comes of a request, and how long after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The answer, or why there is none.
    pub outcome: Result<Response, TransportError>,
    /// How long the app took.
    pub latency: SignedDuration,
}

/// What is served on a socket: an app, or one with faults.
pub trait Served: Send + 'static {
    /// The app itself: for its console, and for its keeper.
    fn app(&mut self) -> &mut App;

    /// What comes of a request that arrives at `now`.
    fn meet(&mut self, request: &Request, now: Timestamp) -> Met;
}

impl Served for App {
    fn app(&mut self) -> &mut App {
        self
    }

    fn meet(&mut self, request: &Request, now: Timestamp) -> Met {
        let reply = self.handle(request, now);
        Met { outcome: Ok(reply.response), latency: reply.latency }
    }
}

/// The app, and what is wrong with it.
pub struct FaultyApp {
    app: App,
    /// The second ones of what was duplicated. The app itself holds no two resources of one name.
    twins: App,
    seed: u64,
    /// How many rules there ever were; each draws by its own number.
    numbered: u64,
    /// The newest first.
    rules: Vec<Active>,
}

/// A rule, and what it has met.
struct Active {
    fault: Fault,
    counter: Counter,
    limiter: Option<Limiter>,
    behind: Option<Behind>,
}

impl fmt::Debug for FaultyApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.rules.iter().map(|active| (&active.fault, &active.counter)).collect();
        f.debug_struct("FaultyApp").field("app", &self.app).field("rules", &rules).finish_non_exhaustive()
    }
}

impl FaultyApp {
    /// An app with which nothing is wrong yet. What meets a share of the requests follows from `seed`.
    pub fn new(app: App, seed: u64) -> Self {
        let twins =
            App::new(AppOptions { token: None, token_endpoint: None, rules: None, ..app.options.clone() });
        Self { app, twins, seed, numbered: 0, rules: Vec::new() }
    }

    /// Requests meet this fault from now on. A later one goes before those that were there.
    pub fn break_it(&mut self, rule: FaultRule) {
        self.numbered = self.numbered.saturating_add(1);
        let FaultRule { fault, which } = rule;
        let limiter = if let Fault::Limits { of } = fault { Some(Limiter::new(of)) } else { None };
        let behind = if let Fault::StaleReads { lag } = fault { Some(Behind::new(lag)) } else { None };
        self.rules.insert(0, Active { fault, counter: Counter::new(which, self.numbered), limiter, behind });
    }

    /// Requests meet no fault any more.
    pub fn mend(&mut self) {
        self.rules.clear();
    }

    /// Whether no request meets a fault any more.
    pub fn is_mended(&self) -> bool {
        self.rules.iter().all(|active| active.counter.is_over())
    }

    /// Everything that the app holds, duplicates too, read out of band.
    pub fn resources(&self) -> impl Iterator<Item = &Value> {
        self.app.resources().chain(self.twins.resources())
    }

    /// Lets somebody else do something to a resource, out of band; whether there is such a resource, and the app agreed.
    pub fn tamper(&mut self, what: Tampering<'_>, kind: ResourceKind, id: &str, now: Timestamp) -> bool {
        match what {
            Tampering::Forget => self.app.forget(kind, id, now),
            Tampering::Renumber => self.app.renumber(kind, id, now),
            Tampering::Edit(set) => set.as_object().is_some_and(|set| self.app.overwrite(kind, id, set, now)),
            Tampering::Duplicate => {
                let is_it = |resource: &&Value| resource.get("id").and_then(Value::as_str) == Some(id);
                let Some(mut twin) = self.app.resources().find(is_it).cloned() else { return false };
                if let Some(fields) = twin.as_object_mut() {
                    fields.insert("id".to_owned(), format!("{id}-duplicate").into());
                }
                self.twins.adopt(twin).is_ok()
            }
        }
    }

    /// What comes of a request that arrives at `now`; `label` is what the client calls the object that it is about.
    pub fn handle(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Met {
        let Some(fault) = self.first_met(request, label, now) else { return self.pass(request, now) };
        let at_once = |outcome| Met { outcome, latency: SignedDuration::ZERO };
        let lost = |why: &str| Err(TransportError::Connect(why.to_owned()));
        match fault {
            Happens::Fault(Fault::Down) => at_once(lost("connection refused")),
            Happens::Fault(Fault::Unauthorized) => at_once(Ok(Refusal::unauthorized().into_response())),
            Happens::Fault(Fault::Throttled { retry_after }) => at_once(Ok(throttled(retry_after))),
            Happens::Fault(Fault::Error { status }) => {
                at_once(Ok(Refusal::of_status(status, "something went wrong").into_response()))
            }
            Happens::Fault(Fault::Html { status }) => at_once(Ok(html(status))),
            Happens::Fault(Fault::LostReply) => {
                let met = self.pass(request, now);
                Met { outcome: lost("the connection broke before the answer"), ..met }
            }
            Happens::Fault(Fault::Slow { latency }) => Met { latency, ..self.pass(request, now) },
            Happens::Fault(Fault::NotFoundWhenEmpty) => {
                self.changed(request, now, rewrite::not_found_when_empty)
            }
            Happens::Fault(Fault::TwoMatches) => self.changed(request, now, rewrite::two_matches),
            Happens::Fault(Fault::WrongContentType) => {
                self.changed(request, now, |response| rewrite::content_type(response, "text/plain"))
            }
            Happens::Fault(Fault::PatchIgnored) => {
                let read = Request { method: Method::Get, body: None, ..request.clone() };
                self.pass(&read, now)
            }
            Happens::Fault(Fault::RemoveWipes) => self.pass(&rewrite::remove_wipes(request), now),
            Happens::Fault(Fault::Rewrites { attribute }) => {
                self.pass(&rewrite::in_capitals(request, &attribute), now)
            }
            // Whether a request meets these two shows when they are tried; then the answer is there.
            Happens::Fault(Fault::Limits { .. } | Fault::StaleReads { .. }) => self.pass(request, now),
            Happens::Answered(response) => at_once(Ok(response)),
        }
    }

    /// The first fault that a request meets; it counts as met.
    fn first_met(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Option<Happens> {
        let path = self.path_of(request);
        let Self { app, seed, rules, .. } = self;
        for active in rules.iter_mut() {
            if !active.fault.is_for(request, &path)
                || !active.counter.reaches(*seed, request.method, &path, label)
            {
                continue;
            }
            let answered = match (&mut active.limiter, &mut active.behind) {
                (Some(limiter), _) => limiter.refusal(request, &path, now),
                (None, Some(behind)) => behind.read(app, request, now),
                (None, None) => None,
            };
            let happens = match answered {
                Some(response) => Happens::Answered(response),
                None if active.fault.is_conditional() => continue,
                None => Happens::Fault(active.fault.clone()),
            };
            active.counter.met();
            return Some(happens);
        }
        None
    }

    /// The path of a request below the base path, decoded and without its query.
    pub fn path_of(&self, request: &Request) -> String {
        let target = request.path_and_query();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let below = path.strip_prefix(self.app.options.base_path.as_str()).unwrap_or(path);
        percent_decode_str(below).decode_utf8_lossy().into_owned()
    }

    /// The app's own answer, changed on its way.
    fn changed(&mut self, request: &Request, now: Timestamp, change: impl FnOnce(&mut Response)) -> Met {
        let mut met = self.pass(request, now);
        if let Ok(response) = &mut met.outcome {
            change(response);
        }
        met
    }

    /// The app does what it is asked.
    fn pass(&mut self, request: &Request, now: Timestamp) -> Met {
        if request.method.writes() {
            for active in &mut self.rules {
                if active.counter.is_over() {
                    active.behind = None;
                } else if let Some(behind) = &mut active.behind {
                    behind.remember(&self.app, now);
                }
            }
        }
        if self.twins.resources().next().is_none() {
            return self.app.meet(request, now);
        }
        let path = self.path_of(request);
        let id = path.rsplit('/').next().unwrap_or_default();
        if self.twins.resources().any(|twin| twin.get("id").and_then(Value::as_str) == Some(id)) {
            return self.twins.meet(request, now);
        }
        let mut met = self.app.meet(request, now);
        if request.method == Method::Get
            && matches!(path.as_str(), "/Users" | "/Groups")
            && let Ok(response) = &mut met.outcome
        {
            rewrite::join_lists(response, &self.twins.handle(request, now).response);
        }
        met
    }
}

impl Served for FaultyApp {
    fn app(&mut self) -> &mut App {
        &mut self.app
    }

    fn meet(&mut self, request: &Request, now: Timestamp) -> Met {
        self.handle(request, None, now)
    }
}

/// What happens to a request instead of what should.
enum Happens {
    Fault(Fault),
    /// A limit refuses it, or it shows what there was.
    Answered(Response),
}

/// A number below 100 that follows from the seed, the rule and how many requests it has seen.
fn drawn(seed: u64, number: u64, seen: u64) -> u8 {
    let mut bytes = Vec::new();
    for part in [seed, number, seen] {
        bytes.extend(part.to_le_bytes());
    }
    let hash = blake3::hash(&bytes);
    let value = hash.as_bytes().first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    u8::try_from(value % 100).unwrap_or_default()
}

/// Too many requests (RFC 6585 §4).
fn throttled(retry_after: Option<SignedDuration>) -> Response {
    let mut response = Refusal::of_status(429, "too many requests").into_response();
    if let Some(pause) = retry_after {
        response.headers.push(("Retry-After".to_owned(), pause.as_secs().to_string()));
    }
    response
}

/// What a gateway says in place of the app.
fn html(status: u16) -> Response {
    let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
    let headers = vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())];
    Response { status, headers, body: body.into_bytes() }
}
