//! What every task of a cycle works with: the job, the store, the counts, and the ways to fail.

use std::fmt::Write as _;

use super::audit::Activity;
use super::entry::{Action, Entry, ErrorInformation, Status, StepKind};
use super::escrow::FailedTry;
use super::ids;
use super::on_demand::Choice;
use super::spec::JobSpec;
use super::statistics::Statistics;
use crate::client::Redactor;
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::http::{Method, Request, Response, TransportError};
use crate::scim::answer::AnswerError;
use crate::scim::failure::{
    ErrorCode, Exchange, failure_code, failure_text, named_code, retry_text, transport_failure_code,
};
use crate::store::{Escrow, LogRow, Phase, Store, StoreError, WorkItem, WorkWindow};

/// Why the engine can't go on. Failures of the target are not among them: those are results.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the engine wrote earlier makes no sense to it now.
    #[error("a note of the engine can't be read back")]
    Note(#[from] serde_json::Error),
    /// The process of the job was killed, in a rehearsal of that.
    #[error("the process was killed")]
    Killed,
    /// Somebody asked to stop.
    #[error("it was stopped before its end")]
    Stopped,
    /// A defect: an outcome for an effect that was never asked for, and the like.
    #[error("defect: {0}")]
    Defect(&'static str),
}

/// The name of an effect: which task asked for it and the how-manieth request of that task it is. Their order is the
/// order of phases, objects and steps, whatever order answers arrive in (design, law 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectId {
    /// The phase: 0 import, 1 probes, then the phases of objects.
    pub phase: u8,
    /// Place of the object in the phase.
    pub position: i64,
    /// Number of the request within the task.
    pub step: u32,
}

impl std::fmt::Display for EffectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.phase, self.position, self.step)
    }
}

/// The object that an exchange is about; `None` for a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// User or group.
    pub kind: ObjectKind,
    /// objectId.
    pub source_id: String,
    /// userPrincipalName or displayName.
    pub label: String,
}

/// Why an object could not be exported, or why the whole cycle has to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Entra's code.
    pub code: ErrorCode,
    /// The code that the target itself named, for jobs that go by that (`named_errors`).
    pub named: Option<ErrorCode>,
    /// The reason text, without its tail about retries, as the target gave it: masked and cut where it is written down.
    pub reason: String,
    /// Status of the answer, when there was one.
    pub http_status: Option<u16>,
    /// Whether the target could not be reached at all.
    pub unreachable: bool,
    /// Whether the cycle ends with it: credentials refused, or a 404 to a query (`engine.md 5.1`).
    pub global: bool,
}

impl Refusal {
    /// An answer with a status that is not the one hoped for.
    pub(super) fn status(exchange: Exchange, response: &Response) -> Self {
        Self {
            code: failure_code(exchange, response.status, &response.body),
            named: named_code(exchange, response.status, &response.body),
            reason: failure_text(response.status, &response.body),
            http_status: Some(response.status),
            unreachable: false,
            global: response.status == 401 || (exchange == Exchange::MatchQuery && response.status == 404),
        }
    }

    /// No answer.
    pub(super) fn transport(exchange: Exchange, error: &TransportError) -> Self {
        let unreachable = matches!(error, TransportError::Connect(_) | TransportError::Tls(_));
        Self {
            code: transport_failure_code(exchange, error),
            named: None,
            reason: match error {
                TransportError::Connect(_) | TransportError::Tls(_) => {
                    format!("The target could not be reached: {error}")
                }
                TransportError::Timeout { .. }
                | TransportError::TooLarge { .. }
                | TransportError::Protocol(_) => {
                    format!("The request got no usable answer: {error}")
                }
                TransportError::NoToken { .. } => format!("The request was not sent: {error}"),
            },
            http_status: None,
            unreachable,
            // As a 401: without a token no other object fares better.
            global: matches!(error, TransportError::NoToken { .. }),
        }
    }

    /// An answer with a good status that could not be used.
    pub(super) fn answer(exchange: Exchange, error: &AnswerError, response: &Response) -> Self {
        let text = match exchange {
            Exchange::MatchQuery | Exchange::Read => error.match_failure_text(),
            Exchange::Probe | Exchange::Create | Exchange::Update | Exchange::Delete => error.to_string(),
        };
        Self {
            code: error.code(exchange),
            named: None,
            reason: format!("{text}. The answer began: {}", String::from_utf8_lossy(&response.body)),
            http_status: Some(response.status),
            unreachable: false,
            global: false,
        }
    }

    /// Something found on our side, before or instead of a request.
    pub(super) fn ours(code: ErrorCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            named: None,
            reason: reason.into(),
            http_status: None,
            unreachable: false,
            global: false,
        }
    }
}

/// The most of a reason that is written down, in bytes: the answer's body stands at its end and may be long.
const REASON_BYTES_MAX: usize = 2_560;

/// An answer, or why there is none.
pub(super) type Answer = Result<Response, TransportError>;

/// What a task wants next.
pub(super) enum Next {
    /// Send this and come back with the answer.
    Send(Exchange, Request),
    /// Nothing: the task is done.
    Done,
}

/// What all tasks of one cycle share.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) spec: &'a JobSpec,
    /// Masks what a target echoes: nothing secret is written down (contract 3).
    pub(super) secrets: &'a Redactor,
    pub(super) store: &'a mut Store,
    pub(super) cycle: i64,
    pub(super) began: Timestamp,
    pub(super) now: Timestamp,
    pub(super) window: WorkWindow,
    pub(super) statistics: Statistics,
    /// The failure that ends the cycle.
    pub(super) abort: Option<Refusal>,
    /// So many removals were more than the deletion guard lets pass: all are held back.
    pub(super) held: Option<u64>,
    /// What a probe found odd and let pass, in sentences.
    pub(super) warnings: Vec<String>,
    /// Exchanges in a row that met no target.
    pub(super) unreachable_in_a_row: u32,
    /// The one object that somebody asked for, in a run on demand.
    pub(super) choice: Option<Choice>,
    /// Objects logged since somebody last asked: what a progress view shows.
    pub(super) events: Vec<super::cycle::Event>,
}

impl Context<'_> {
    /// Whether every object is read anew.
    pub(super) fn is_initial(&self) -> bool {
        self.window.after.is_none()
    }

    /// Since when assignments are too new to be seen on demand (`assignment_delay`); `None`: all are seen.
    pub(super) fn seen_until(&self) -> Option<Timestamp> {
        let delay = self.choice.as_ref().and(self.spec.rules.assignment_delay)?;
        Some(self.now.saturating_sub(delay).unwrap_or(Timestamp::MIN))
    }

    /// A request to the target.
    pub(super) fn request(&self, method: Method, path: &str, body: Option<&serde_json::Value>) -> Request {
        let rules = &self.spec.rules;
        let mut headers = Vec::new();
        headers.extend(rules.accept.iter().map(|accept| ("Accept".to_owned(), accept.clone())));
        headers.extend(rules.user_agent.iter().map(|agent| ("User-Agent".to_owned(), agent.clone())));
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/scim+json; charset=utf-8".to_owned()));
        }
        Request {
            method,
            url: url(&self.spec.base_url, path, &self.spec.forwarded_flags),
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
        }
    }

    /// A reason as it may be written down: without secrets that the target echoed, and not too long.
    pub(super) fn shown(&self, reason: &str) -> String {
        // Masked before it is cut: half a secret at the cut is one too much.
        let mut text = self.secrets.redact(reason).into_owned();
        text.truncate(text.floor_char_boundary(REASON_BYTES_MAX));
        text
    }

    /// An object was created, changed, disabled or deleted.
    pub(super) fn exported(&mut self) {
        self.statistics.count_exported += 1;
        self.statistics.actions.objects_exported += 1;
    }

    /// Notes how an exchange went for the sake of the whole cycle: refused credentials end it, and so does a target
    /// that has not been there for a while (`outage_after`).
    pub(super) fn weigh(&mut self, refusal: &Refusal) {
        if refusal.unreachable {
            self.unreachable_in_a_row = self.unreachable_in_a_row.saturating_add(1);
        }
        // One object has no other to go on with.
        let outage_after = if self.choice.is_some() { 1 } else { self.spec.rules.outage_after };
        let outage = outage_after <= self.unreachable_in_a_row;
        if self.abort.is_none() && (refusal.global || outage) {
            self.abort = Some(refusal.clone());
        }
    }

    /// Notes the time of the steps that a task has just taken, where somebody will be told.
    pub(super) fn stamp(&self, entry: &mut Entry) {
        if self.choice.is_some() {
            entry.stamp(self.now);
        }
    }

    /// Writes an entry of the log; `phase` and the object's place make its place in the cycle.
    #[expect(clippy::too_many_arguments, reason = "a log row has that many columns")]
    pub(super) fn log(
        &mut self,
        phase: Phase,
        item: &WorkItem,
        label: &str,
        target_id: Option<&str>,
        action: Action,
        status: Status,
        mut entry: Entry,
    ) -> Result<(), EngineError> {
        self.stamp(&mut entry);
        entry.on_demand = self.choice.is_some();
        entry.mask(self.secrets);
        let began = *entry.began.get_or_insert(self.now);
        entry.duration_in_milliseconds =
            i64::try_from(self.now.duration_since(began).as_millis()).unwrap_or(i64::MAX);
        let id = ids::derived(
            self.spec.seed,
            &[&self.spec.name, &self.cycle.to_string(), phase.as_str(), item.kind.as_str(), &item.id],
        );
        let actions = &mut self.statistics.actions;
        match (status, action) {
            (Status::Failure, _) => actions.failed += 1,
            (Status::Skipped, Action::StagedDelete | Action::StagedAction) => actions.staged += 1,
            (Status::Skipped, _) => actions.skipped += 1,
            (Status::Success | Status::Warning, action) => {
                if status == Status::Warning {
                    actions.warned += 1;
                }
                match action {
                    Action::Create => actions.created += 1,
                    Action::Update => actions.updated += 1,
                    Action::Disable => actions.disabled += 1,
                    Action::Delete => actions.deleted += 1,
                    Action::StagedDelete | Action::StagedAction | Action::Other => {}
                }
            }
        }
        entry.steps.sort_by_key(|step| step.kind);
        let code = entry.steps.iter().rev().find_map(|step| step.details.get("ErrorCode").cloned());
        self.store.add_log_entry(
            &self.spec.name,
            &LogRow {
                cycle: self.cycle,
                position: place(phase, item.position),
                id: id.to_string(),
                at: self.now,
                kind: item.kind,
                source_id: item.id.clone(),
                label: label.to_owned(),
                target_id: target_id.map(str::to_owned),
                action: action.as_str().to_owned(),
                status: status.as_str().to_owned(),
                error_code: code.clone(),
                entry: serde_json::to_string(&entry)?,
            },
        )?;
        self.events.push(super::cycle::Event {
            kind: item.kind,
            label: label.to_owned(),
            action,
            status,
            summary: entry.summary().to_owned(),
            code,
        });
        Ok(())
    }

    /// What an escrow of the object waited for is done, or not wanted any more: it is closed.
    pub(super) fn close_escrow(
        &self,
        item: &WorkItem,
        label: &str,
        is_reference: bool,
    ) -> Result<(), EngineError> {
        if self.store.drop_escrow(&self.spec.name, item.kind, &item.id, is_reference)? {
            self.audit_retry(item, label, None, if is_reference { "references" } else { "object" })?;
        }
        Ok(())
    }

    /// Notes in the audit log that a failure was tried again (`engine.md 5.2`).
    fn audit_retry(
        &self,
        item: &WorkItem,
        label: &str,
        error_code: Option<String>,
        what: &str,
    ) -> Result<(), EngineError> {
        let outcome = if error_code.is_some() { "failed again" } else { "is settled" };
        let details = format!("{} '{label}': {what} was retried and {outcome}", item.kind);
        let object = (item.kind, item.id.as_str(), label);
        let row = Activity::ProcessEscrow.of_object(self.now, self.cycle, object, error_code, details);
        Ok(self.store.add_audit(&self.spec.name, &row)?)
    }

    /// Opens an escrow for what failed, or renews the one there is, and writes the entry that says so.
    #[expect(clippy::too_many_arguments, reason = "an escrow has that many columns")]
    pub(super) fn fail(
        &mut self,
        phase: Phase,
        item: &WorkItem,
        label: &str,
        target_id: Option<&str>,
        action: Action,
        is_reference: bool,
        step_name: &str,
        mut entry: Entry,
        refusal: &Refusal,
    ) -> Result<(), EngineError> {
        let job = &self.spec.name;
        let code = refusal.named.filter(|_| self.spec.rules.named_errors).unwrap_or(refusal.code);
        // One that was given up is over: a failure since then is a first one.
        let before = self.store.escrow(job, item.kind, &item.id, is_reference)?;
        let before = before.filter(|before| before.next_retry.is_some());
        // Never later than now: a clock that was set back begins the schedule anew.
        let first_failure = before.as_ref().map_or(self.now, |before| before.first_failure.min(self.now));
        let escrow = Escrow {
            kind: item.kind,
            source_id: item.id.clone(),
            is_reference,
            label: label.to_owned(),
            target_id: target_id.map(str::to_owned),
            operation: action.as_str().to_owned(),
            first_failure,
            retries: before.as_ref().map_or(0, |before| before.retries.saturating_add(1)),
            next_retry: self.spec.rules.retry.next_retry(FailedTry {
                first_failure,
                cycle_began: self.began,
                now: self.now,
                interval: self.spec.pause_after(self.cycle),
            }),
            error_code: code.as_str().to_owned(),
            reason: self.shown(&refusal.reason),
            http_status: refusal.http_status,
        };
        self.store.save_escrow(job, &escrow)?;
        if before.is_some() {
            self.audit_retry(item, label, Some(escrow.error_code.clone()), &escrow.operation)?;
        }
        let category = if refusal.http_status == Some(409) { "nonServiceFailure" } else { "failure" };
        let mut reason = escrow.reason;
        write!(reason, " {}", retry_text(escrow.retries, escrow.next_retry))
            .map_err(|_| EngineError::Defect("writing to a string failed"))?;
        let description = match action {
            Action::Create => {
                format!("Failed to create {} '{label}' in {}", item.kind, self.spec.target_system)
            }
            Action::Update => {
                format!("Failed to update {} '{label}' in {}", item.kind, self.spec.target_system)
            }
            Action::Disable => {
                format!("Failed to disable {} '{label}' in {}", item.kind, self.spec.target_system)
            }
            Action::Delete => {
                format!("Failed to delete {} '{label}' in {}", item.kind, self.spec.target_system)
            }
            Action::StagedDelete | Action::StagedAction | Action::Other => {
                format!("Failed to process {} '{label}'", item.kind)
            }
        };
        let step = entry.step(step_name, StepKind::Export, description);
        step.status = Status::Failure;
        step.details.insert("ErrorCode".to_owned(), code.as_str().to_owned());
        entry.error_information = Some(ErrorInformation {
            error_code: code.as_str().to_owned(),
            reason,
            additional_details: None,
            error_category: category.to_owned(),
            recommended_action: None,
        });
        if !is_reference {
            self.statistics.actions.objects_failed += 1;
        }
        self.statistics.count_escrowed += 1;
        self.statistics.count_escrowed_raw += 1;
        self.log(phase, item, label, target_id, action, Status::Failure, entry)
    }
}

/// The URL of a resource path; flags that are forwarded stand before the rest of the query.
fn url(base_url: &str, path: &str, flags: &[String]) -> String {
    if flags.is_empty() {
        return format!("{base_url}/{path}");
    }
    let flags = flags.join("&");
    match path.split_once('?') {
        Some((path, query)) => format!("{base_url}/{path}?{flags}&{query}"),
        None => format!("{base_url}/{path}?{flags}"),
    }
}

/// The place of an object in the log of a cycle.
fn place(phase: Phase, position: i64) -> i64 {
    (i64::from(phase_number(phase)) << PHASE_BITS).saturating_add(position)
}

/// Room for a million million objects in a phase.
const PHASE_BITS: u32 = 40;

/// The phase, as effect ids number it, of a place in the log of a cycle.
pub fn phase_of(place: i64) -> i64 {
    place >> PHASE_BITS
}

/// The number of a phase in effect ids; 0 is the import, 1 the probes.
pub(super) fn phase_number(phase: Phase) -> u8 {
    match phase {
        Phase::Users => 2,
        Phase::Groups => 3,
        Phase::Managers => 4,
        Phase::Members => 5,
        Phase::UserRemovals => 6,
        Phase::GroupRemovals => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn a_flag_is_in_the_url_only_when_it_is_forwarded() {
        let flag = ["aadOptscim062020".to_owned()];
        crate::covers!("W-174");
        for (path, flags, expected) in [
            ("Users?filter=a", &[][..], "http://h/scim/Users?filter=a"),
            ("Users/1", &[], "http://h/scim/Users/1"),
            ("Users?filter=a", &flag, "http://h/scim/Users?aadOptscim062020&filter=a"),
            ("Users/1", &flag, "http://h/scim/Users/1?aadOptscim062020"),
        ] {
            assert_eq!(url("http://h/scim", path, flags), expected);
        }
    }
}
