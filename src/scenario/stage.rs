//! What a scenario's job runs on: a source that does not come from files, and an app that may misbehave.

use std::sync::Arc;

use serde_json::{Value, json};

use super::model::{FaultRule, SourceFault, TargetFault};
use super::names::target_of;
use crate::client::Exchange;
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::object::ObjectKind;
use crate::engine::drive::{Delivery, InProcess, Ports};
use crate::engine::spec::{EMBEDDED_PATH, EMBEDDED_URL};
use crate::engine::{EngineError, Event, ImportOutcome};
use crate::http::{Request, Response, TransportError};
use crate::store::Store;
use crate::target::{App, AppOptions, AppRules, ConsoleCommand, ConsoleError, ResourceKind};

/// The ports of a scenario's cycles: the directory is in the state already, edits are in its change log.
#[derive(Debug, Default)]
pub(super) struct Stage {
    /// What is wrong with the source.
    pub(super) source: Option<SourceFault>,
    /// Every exchange so far.
    pub(super) exchanges: Vec<Exchange>,
}

impl Ports for Stage {
    fn import(&mut self, _store: &mut Store, _now: Timestamp) -> Result<ImportOutcome, EngineError> {
        Ok(match self.source {
            None | Some(SourceFault::None) => ImportOutcome::Done,
            Some(SourceFault::Missing) => ImportOutcome::Fault("the source is not there".to_owned()),
            Some(SourceFault::Truncated) => ImportOutcome::Fault("the source ends in the middle".to_owned()),
            Some(SourceFault::Empty) => {
                ImportOutcome::Fault("the source is empty all of a sudden".to_owned())
            }
        })
    }

    fn exchanged(&mut self, exchange: &Exchange) {
        self.exchanges.push(exchange.clone());
    }

    fn logged(&mut self, _event: &Event) {}

    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}
}

/// A rule whose names are ids of this moment.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) fault: FaultRule,
    /// The paths it is about; `None` for any.
    pub(super) paths: Option<Vec<String>>,
    /// The name of the object it is about.
    pub(super) label: Option<String>,
}

/// The embedded app, and what is wrong with it.
pub(super) struct FaultyApp {
    app: App,
    rules: Vec<Rule>,
    /// How long the job waits for an answer.
    timeout: SignedDuration,
}

impl FaultyApp {
    pub(super) fn new(timeout: SignedDuration, rules: Option<AppRules>) -> Self {
        let rules = rules.map(Arc::new);
        let options = AppOptions { base_path: EMBEDDED_PATH.to_owned(), rules, ..AppOptions::default() };
        Self { app: App::new(options), rules: Vec::new(), timeout }
    }

    /// Requests meet this fault from now on. A later one goes before those that were there.
    pub(super) fn break_it(&mut self, rule: Rule) {
        self.rules.insert(0, rule);
    }

    /// Requests meet no fault any more.
    pub(super) fn mend(&mut self) {
        self.rules.clear();
    }

    /// Does something in the console of the app.
    pub(super) fn console(&mut self, command: ConsoleCommand) -> Result<(), ConsoleError> {
        self.app.console(command)
    }

    /// Everything that it holds, read out of band.
    pub(super) fn resources(&self) -> Vec<Value> {
        self.app.resources().cloned().collect()
    }

    /// Lets somebody else do something to a resource, out of band; whether the app agreed.
    pub(super) fn tamper(
        &mut self,
        fault: TargetFault,
        (kind, id): (ObjectKind, &str),
        set: &Value,
        now: Timestamp,
    ) -> bool {
        let kind = match kind {
            ObjectKind::User => ResourceKind::User,
            ObjectKind::Group => ResourceKind::Group,
        };
        match fault {
            TargetFault::Forgets => self.app.forget(kind, id, now),
            TargetFault::Renumbers => self.app.renumber(kind, id, now),
            TargetFault::Edited => set.as_object().is_some_and(|set| self.app.overwrite(kind, id, set, now)),
            TargetFault::None
            | TargetFault::Down
            | TargetFault::Unauthorized
            | TargetFault::Throttled
            | TargetFault::Error
            | TargetFault::LostReply
            | TargetFault::Slow => false,
        }
    }

    /// The first fault that a request meets; it counts as met.
    fn meet(&mut self, request: &Request, label: Option<&str>) -> Option<FaultRule> {
        let path = target_of(&request.url, EMBEDDED_URL).0;
        let rule = self.rules.iter_mut().find(|rule| {
            rule.fault.times != Some(0)
                && rule.fault.method.is_none_or(|method| method == request.method)
                && rule.paths.as_ref().is_none_or(|paths| paths.contains(&path))
                && rule
                    .label
                    .as_deref()
                    .is_none_or(|name| label.is_some_and(|label| label.eq_ignore_ascii_case(name)))
        })?;
        if let Some(times) = &mut rule.fault.times {
            *times = times.saturating_sub(1);
        }
        Some(rule.fault.clone())
    }
}

impl InProcess for FaultyApp {
    fn handle(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Delivery {
        let Some(fault) = self.meet(request, label) else { return self.app.handle(request, now).into() };
        let at_once = |outcome| Delivery { outcome, latency: SignedDuration::ZERO };
        let lost = |why: &str| Err(TransportError::Connect(why.to_owned()));
        match fault.fault {
            TargetFault::Down => at_once(lost("connection refused")),
            TargetFault::Unauthorized => at_once(Ok(refusal(401, "the token is not valid any more"))),
            TargetFault::Throttled => {
                let mut response = refusal(429, "too many requests");
                if let Some(pause) = fault.retry_after {
                    response.headers.push(("Retry-After".to_owned(), pause.as_secs().to_string()));
                }
                at_once(Ok(response))
            }
            TargetFault::Error => at_once(Ok(refusal(fault.status, "something went wrong"))),
            TargetFault::LostReply => {
                self.app.handle(request, now);
                at_once(lost("the connection broke before the answer"))
            }
            TargetFault::Slow => {
                let reply = self.app.handle(request, now);
                if fault.latency < self.timeout {
                    return Delivery { outcome: Ok(reply.response), latency: fault.latency };
                }
                let after_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
                Delivery { outcome: Err(TransportError::Timeout { after_ms }), latency: self.timeout }
            }
            TargetFault::None | TargetFault::Forgets | TargetFault::Renumbers | TargetFault::Edited => {
                self.app.handle(request, now).into()
            }
        }
    }
}

/// Where resources of a kind are.
pub(super) fn endpoint(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "Users",
        ObjectKind::Group => "Groups",
    }
}

/// An answer that refuses, in SCIM's form (RFC 7644 §3.12).
fn refusal(status: u16, detail: &str) -> Response {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail,
    });
    let headers = vec![("Content-Type".to_owned(), "application/scim+json".to_owned())];
    Response { status, headers, body: body.to_string().into_bytes() }
}
