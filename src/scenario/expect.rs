//! Holds expectations against what happened. Pure: evidence in, what does not hold out.

use serde_json::Value;

use super::model::{Expectation, Named, Wanted, WantedEntry};
use super::names::Ids;
use crate::client::{Exchange, Outcome};
use crate::diagnostic::Place;
use crate::directory::object::ObjectKind;
use crate::store::{Escrow, LogRow};

mod requests;
mod resources;

pub(super) use requests::Seen;

/// What happened, under the names of the file: without the prefix of a run.
pub(super) struct Evidence<'e> {
    /// Every exchange of the scenario so far.
    pub(super) seen: &'e [Seen<'e>],
    /// The first of them that belongs to the step.
    pub(super) from: usize,
    pub(super) ids: &'e Ids,
    /// What the target holds, users and groups; empty when nothing is expected of it.
    pub(super) resources: &'e [(ObjectKind, Value)],
    pub(super) job: &'e JobFacts,
    /// The entries of the log that the step made.
    pub(super) log: &'e [LogRow],
    /// Whether what `until` waits for came to hold.
    pub(super) reached: bool,
}

/// The state of the job at the end of a step.
#[derive(Debug, Clone, Default)]
pub(super) struct JobFacts {
    pub(super) status: String,
    pub(super) schedule: String,
    /// The reason of the quarantine, and what it says.
    pub(super) quarantine: Option<(String, String)>,
    /// What failed: what waits for another try, and what is given up.
    pub(super) escrows: Vec<Escrow>,
    pub(super) held: u64,
    /// Cycles that the step ran.
    pub(super) cycles: u64,
    /// How the last cycle ended, if there was one.
    pub(super) result: Option<String>,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Miss {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) guilty: Option<usize>,
}

/// What of an expectation does not hold.
pub(super) fn hold(expectation: &Expectation, evidence: &Evidence<'_>) -> Vec<Miss> {
    let job = evidence.job;
    let said = match &expectation.what {
        Wanted::Requests { wanted, ordered, only } => {
            return requests::hold(expectation, wanted, (*ordered, *only), evidence);
        }
        Wanted::NoRequest(wanted) => requests::none(wanted, evidence),
        Wanted::Attribute { object, path, value } => resources::attribute(object, path, value, evidence),
        Wanted::Present { object, present } => resources::present(object, *present, evidence),
        Wanted::Count(kind, count) => resources::count(*kind, *count, evidence),
        Wanted::Status(status) => differs(status.as_str(), &job.status, evidence),
        Wanted::Schedule(state) => differs(state.as_str(), &job.schedule, evidence),
        Wanted::Quarantine(reason) => {
            let (found, says) = job.quarantine.clone().unwrap_or_else(|| ("none".to_owned(), String::new()));
            differs(reason.as_str(), &found, evidence).map(|said| Said {
                got: if says.is_empty() { said.got } else { format!("{}: {says}", said.got) },
                ..said
            })
        }
        Wanted::Result(result) => {
            differs(result.as_str(), job.result.as_deref().unwrap_or("no cycle has run"), evidence)
        }
        Wanted::Escrows(count) => escrows(*count, false, evidence),
        Wanted::GivenUp(count) => escrows(*count, true, evidence),
        Wanted::Escrow { object, code } => escrow(object, code.as_deref(), evidence),
        Wanted::Held(count) => counted(*count, job.held),
        Wanted::Cycles(count) => counted(*count, job.cycles),
        Wanted::Log { entry, present } => log(entry, *present, evidence),
        // Held by the player, which has it read back.
        Wanted::Oracle(_) => None,
        Wanted::Reached(until) => (!evidence.reached).then(|| Said {
            expected: format!("`{until}` before time is up"),
            got: format!("the job is {}, its schedule {}", job.status, job.schedule),
            guilty: first_failed(evidence),
        }),
    };
    let miss = |Said { expected, got, guilty }| Miss {
        place: expectation.place.clone(),
        key: expectation.key.clone(),
        expected,
        got,
        guilty,
    };
    said.map(miss).into_iter().collect()
}

/// What was expected, what there is, and the request to blame.
struct Said {
    expected: String,
    got: String,
    guilty: Option<usize>,
}

fn differs(expected: &str, got: &str, evidence: &Evidence<'_>) -> Option<Said> {
    (expected != got).then(|| Said {
        expected: expected.to_owned(),
        got: got.to_owned(),
        guilty: first_failed(evidence),
    })
}

fn counted(expected: u64, got: u64) -> Option<Said> {
    (expected != got).then(|| Said { expected: expected.to_string(), got: got.to_string(), guilty: None })
}

/// The first request of the step that the target refused or did not answer.
fn first_failed(evidence: &Evidence<'_>) -> Option<usize> {
    let mut of_step = evidence.seen.iter().skip(evidence.from);
    of_step.find(|seen| is_failed(seen.exchange)).map(|seen| seen.index)
}

/// Whether a request was refused or not answered.
fn is_failed(exchange: &Exchange) -> bool {
    match &exchange.outcome {
        Outcome::Response(response) => 400 <= response.status,
        Outcome::Error(_) => true,
    }
}

/// Holds how many failures there are that are given up, or that are not.
fn escrows(count: u64, given_up: bool, evidence: &Evidence<'_>) -> Option<Said> {
    let is_meant = |escrow: &&Escrow| escrow.next_retry.is_none() == given_up;
    let found: Vec<String> = evidence.job.escrows.iter().filter(is_meant).map(of_escrow).collect();
    let is_so = u64::try_from(found.len()) == Ok(count);
    (!is_so).then(|| Said {
        expected: count.to_string(),
        got: if found.is_empty() { "0".to_owned() } else { format!("{}: {}", found.len(), found.join("; ")) },
        guilty: first_failed(evidence),
    })
}

fn of_escrow(escrow: &Escrow) -> String {
    let reference = if escrow.is_reference { " (a reference)" } else { "" };
    format!("{} {}{reference} {}", escrow.label, escrow.operation, escrow.error_code)
}

fn escrow(object: &Named, code: Option<&str>, evidence: &Evidence<'_>) -> Option<Said> {
    let sources = evidence.ids.sources_of(&[object.kind], &object.name);
    let is_about =
        |kind: ObjectKind, id: &str| sources.iter().any(|(known, source)| *known == kind && source == id);
    let mut found = evidence.job.escrows.iter().filter(|escrow| is_about(escrow.kind, &escrow.source_id));
    let first = found.next();
    let holds = match (code, first) {
        (None, None) => true,
        (Some(code), Some(first)) => {
            first.error_code == code || found.any(|escrow| escrow.error_code == code)
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    (!holds).then(|| Said {
        expected: code.unwrap_or("none").to_owned(),
        got: first
            .map_or_else(|| "none".to_owned(), |escrow| format!("{}: {}", escrow.error_code, escrow.reason)),
        guilty: requests::of_object(&sources, evidence)
            .find(|seen| is_failed(seen.exchange))
            .map(|seen| seen.index),
    })
}

fn log(wanted: &WantedEntry, present: bool, evidence: &Evidence<'_>) -> Option<Said> {
    let sources = wanted.object.as_ref().map(|name| evidence.ids.sources_of(requests::BOTH, name));
    let is_about = |row: &&LogRow| {
        sources
            .as_ref()
            .is_none_or(|sources| sources.iter().any(|(kind, id)| *kind == row.kind && *id == row.source_id))
    };
    let is_wanted = |row: &&LogRow| {
        is_about(row)
            && wanted.action.is_none_or(|action| action.as_str() == row.action)
            && wanted.status.is_none_or(|status| status.as_str() == row.status)
            && wanted.code.as_ref().is_none_or(|code| row.error_code.as_ref() == Some(code))
    };
    let found = evidence.log.iter().find(is_wanted);
    if found.is_some() == present {
        return None;
    }
    let words = [
        wanted.object.clone(),
        wanted.action.map(|action| action.as_str().to_owned()),
        wanted.status.map(|status| status.as_str().to_owned()),
        wanted.code.clone(),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let entry = |row: &LogRow| {
        let code = row.error_code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        format!("{} {} {}{code}", row.label, row.action, row.status)
    };
    let near: Vec<String> = evidence.log.iter().filter(is_about).map(entry).collect();
    Some(Said {
        expected: format!("{} entry of the log: {}", if present { "an" } else { "no" }, words.join(" ")),
        got: match found {
            Some(row) => entry(row),
            None if near.is_empty() => "no entry".to_owned(),
            None => near.join("\n"),
        },
        guilty: sources
            .and_then(|sources| requests::of_object(&sources, evidence).last().map(|seen| seen.index)),
    })
}

/// Whether a value is as wanted: members of tables at least, lists in whatever order (values of an attribute have
/// none), all else exactly; placeholders read as ids.
fn is_like(wanted: &Value, seen: &Value, ids: &Ids) -> bool {
    match (wanted, seen) {
        (Value::String(wanted), Value::String(seen)) => {
            wanted == seen || (wanted.contains('{') && ids.readings(wanted).contains(seen))
        }
        (Value::Array(wanted), Value::Array(seen)) => {
            let fits = |one: usize, at: usize| match (wanted.get(one), seen.get(at)) {
                (Some(wanted), Some(seen)) => is_like(wanted, seen, ids),
                _ => false,
            };
            wanted.len() == seen.len()
                && requests::assign(wanted.len(), seen.len(), &fits).iter().all(Option::is_some)
        }
        (Value::Object(wanted), Value::Object(seen)) => {
            wanted.iter().all(|(name, wanted)| seen.get(name).is_some_and(|seen| is_like(wanted, seen, ids)))
        }
        (wanted, seen) => wanted == seen,
    }
}
