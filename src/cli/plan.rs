//! `plan`: what a cycle would send, without sending it.

mod compare;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::arguments::PlanArguments;
use super::context::Context;
use super::failure::print_findings;
use super::output::Output;
use super::session::{Session, exit_of, run_failure};
use super::{Exit, Failure};
use crate::client::{Body, Exchange, one_line};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::engine::estimate::{Minutes, Population, initial_cycle};
use crate::engine::guard::{self, Guard};
use crate::engine::spec::JobSpec;
use crate::engine::{CycleKind, CycleResult, Purpose};
use crate::runner::{Mode, Watch};

pub(super) fn run(context: &Context, arguments: &PlanArguments) -> Result<Exit, Failure> {
    let conditions =
        arguments.fail_if.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut session = Session::look(context)?;
    let job = session.ready()?;
    if let Some(other) = arguments.compare {
        return compare::run(context, &mut session, job, other);
    }
    let clock = session.store.clock().clone();
    let mut watch = Planned { output: context.output, writes: Vec::new() };
    let result = job
        .cycle(&mut session.store, &clock, Purpose::CycleByHand, Mode::Plan, &mut watch)
        .map_err(|error| run_failure(&error))?;
    let counts = counts(&result);
    if context.output.is_json() {
        context.output.json(&to_json(job.spec(), &result, &watch.writes, &counts))?;
    } else {
        print(context, job.spec(), &result, &watch.writes, &counts)?;
    }
    let met: Vec<&Condition> = conditions.iter().filter(|condition| condition.holds(&counts)).collect();
    for condition in &met {
        context.output.note(&format!("failed: {} holds", condition.text));
    }
    Ok(if met.is_empty() { exit_of(&result) } else { Exit::Failed })
}

fn counts(result: &CycleResult) -> BTreeMap<&'static str, u64> {
    let actions = &result.statistics.actions;
    BTreeMap::from([
        ("creates", actions.created),
        ("updates", actions.updated),
        ("disables", actions.disabled),
        ("deletes", actions.deleted),
        ("removals", actions.disabled.saturating_add(actions.deleted).saturating_add(actions.staged)),
        ("skips", actions.skipped),
        ("failures", actions.failed),
        ("requests", actions.requests),
    ])
}

fn print(
    context: &Context,
    spec: &JobSpec,
    result: &CycleResult,
    writes: &[Exchange],
    counts: &BTreeMap<&'static str, u64>,
) -> Result<(), Failure> {
    let (output, job) = (context.output, &spec.name);
    for write in writes {
        output.text(&one_line(write))?;
    }
    let kind = match result.kind {
        CycleKind::Initial => "initial",
        CycleKind::Incremental => "incremental",
    };
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    output.text(&format!(
        "{job}: the next cycle, {kind}, would create {}, update {}, disable {}, delete {}, skip {}; nothing was written",
        count("creates"),
        count("updates"),
        count("disables"),
        count("deletes"),
        count("skips")
    ))?;
    if 0 < count("failures") {
        output.text(&format!("{} objects would fail", count("failures")))?;
    }
    output.text(&guard_text(spec.rules.guard, count("removals")))?;
    output.text(&format!("Entra would take {}", estimate(spec, result)))?;
    let error = &result.statistics.error;
    if error.code != "None" && !result.source_fault {
        output.note(&format!("{}: {}", error.code, error.message));
    }
    Ok(())
}

/// The job's guard, or the one that Entra offers first.
fn assumed(guard: Option<Guard>) -> Guard {
    guard.unwrap_or(Guard { threshold: guard::THRESHOLD, inclusive: false })
}

/// What the guard makes of a cycle, or would if it were on.
fn guard_text(guard: Option<Guard>, removals: u64) -> String {
    let assumed = assumed(guard);
    let (threshold, trips) = (assumed.threshold, assumed.trips(removals));
    let verdict = match (guard.is_some(), trips) {
        (true, true) => format!("the threshold of {threshold} holds them all back"),
        (true, false) => format!("the threshold of {threshold} lets them pass"),
        (false, true) => format!("it is off; a threshold of {threshold} would hold them all back"),
        (false, false) => format!("it is off; a threshold of {threshold} would let them pass"),
    };
    format!("deletion guard: {removals} disables and deletes; {verdict}")
}

/// How long the real service would take, by what Microsoft has published.
fn estimate(spec: &JobSpec, result: &CycleResult) -> String {
    match (result.kind, minutes(spec, result)) {
        (CycleKind::Initial, Minutes { most: 0 | 1, .. }) => {
            "about a minute for this initial cycle".to_owned()
        }
        (CycleKind::Initial, Minutes { least: 0, most }) => {
            format!("{most} minutes at most for this initial cycle")
        }
        (CycleKind::Initial, Minutes { least, most }) => {
            format!("{least} to {most} minutes for this initial cycle")
        }
        (CycleKind::Incremental, _) => "10 minutes at most, usually, for an incremental cycle".to_owned(),
    }
}

fn minutes(spec: &JobSpec, result: &CycleResult) -> Minutes {
    initial_cycle(Population {
        scope: spec.scope,
        groups: spec.groups.enabled,
        objects: result.statistics.count_entitled,
        memberships: result.statistics.actions.memberships,
    })
}

fn to_json(
    spec: &JobSpec,
    result: &CycleResult,
    writes: &[Exchange],
    counts: &BTreeMap<&'static str, u64>,
) -> Value {
    let guard = spec.rules.guard;
    let removals = counts.get("removals").copied().unwrap_or_default();
    let Minutes { least, most } = minutes(spec, result);
    let requests: Vec<Value> = writes
        .iter()
        .map(|write| {
            json!({
                "method": write.request.method,
                "url": write.request.url,
                "object": write.about.object,
                "body": body_of(write),
            })
        })
        .collect();
    json!({
        "job": spec.name,
        "kind": match result.kind { CycleKind::Initial => "initial", CycleKind::Incremental => "incremental" },
        "state": result.state.as_str(),
        "counts": counts,
        "requests": requests,
        "deletionGuard": {
            "enabled": guard.is_some(),
            "removals": removals,
            "threshold": assumed(guard).threshold,
            "trips": assumed(guard).trips(removals),
        },
        "estimateMinutes": match result.kind {
            CycleKind::Initial => json!({ "least": least, "most": most }),
            CycleKind::Incremental => json!({ "most": 10 }),
        },
        "error": result.statistics.error,
    })
}

/// The body of a request as JSON; null without one.
fn body_of(write: &Exchange) -> Value {
    match &write.request.body {
        Some(Body::Json(body)) => body.clone(),
        Some(Body::Text(text) | Body::Cut(text)) => Value::from(text.clone()),
        None => Value::Null,
    }
}

/// Keeps the writes.
struct Planned {
    output: Output,
    writes: Vec<Exchange>,
}

impl Watch for Planned {
    fn exchanged(&mut self, exchange: &Exchange) {
        if exchange.request.method != "GET" && !exchange.is_aside() {
            self.writes.push(exchange.clone());
        }
    }

    fn imported(&mut self, warnings: &[Diagnostic]) {
        if !self.output.is_quiet() {
            print_findings(warnings);
        }
    }

    fn refused(&mut self, findings: &[Diagnostic]) {
        print_findings(findings);
    }
}

/// `disables > 5`: a count compared with a number.
#[derive(Debug)]
struct Condition {
    text: String,
    name: &'static str,
    operator: &'static str,
    number: u64,
}

impl Condition {
    const NAMES: [&'static str; 8] =
        ["creates", "updates", "disables", "deletes", "removals", "skips", "failures", "requests"];
    /// The longer first, so that `>=` is not read as `>`.
    const OPERATORS: [&'static str; 6] = [">=", "<=", "!=", "==", ">", "<"];

    fn parse(text: &str) -> Result<Self, Failure> {
        let failed = |what: String| {
            Failure::new(Exit::Usage, format!("`--fail-if '{text}'`: {what}"))
                .help("write a count, a comparison and a number, as in `disables > 5`")
        };
        let (operator, at) = Self::OPERATORS
            .iter()
            .find_map(|operator| Some((*operator, text.find(operator)?)))
            .ok_or_else(|| failed("there is no comparison".to_owned()))?;
        let (left, right) = text.split_at(at);
        let left = left.trim();
        let name = Self::NAMES.iter().find(|name| **name == left).ok_or_else(|| {
            failed(match did_you_mean(left, Self::NAMES) {
                Some(meant) => format!("there is no count `{left}`; did you mean `{meant}`?"),
                None => format!("there is no count `{left}`; there are {}", Self::NAMES.join(", ")),
            })
        })?;
        let number = right.strip_prefix(operator).unwrap_or_default().trim();
        let number = number.parse().map_err(|_| failed(format!("`{number}` is no whole number")))?;
        Ok(Self { text: text.to_owned(), name, operator, number })
    }

    fn holds(&self, counts: &BTreeMap<&'static str, u64>) -> bool {
        let count = counts.get(self.name).copied().unwrap_or_default();
        match self.operator {
            ">=" => self.number <= count,
            "<=" => count <= self.number,
            "!=" => count != self.number,
            "==" => count == self.number,
            ">" => self.number < count,
            _ => count < self.number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_compares_a_count_with_a_number() {
        let counts = BTreeMap::from([("disables", 5), ("deletes", 0)]);
        for (text, expected) in [
            ("disables > 5", false),
            ("disables>4", true),
            ("disables >= 5", true),
            ("disables<=5", true),
            ("disables < 5", false),
            ("disables == 5", true),
            ("deletes != 0", false),
        ] {
            assert_eq!(Condition::parse(text).unwrap().holds(&counts), expected, "{text}");
        }
    }

    #[test]
    fn a_bad_condition_is_wrong_use() {
        for text in ["", "disables", "disable > 5", "disables > many", "disables > -1", "> 5"] {
            assert_eq!(Condition::parse(text).unwrap_err().exit(), Exit::Usage, "{text}");
        }
    }
}
