//! Reports for programs. The shape is documented in `docs/scenarios.md`: keys may be added, none changes its meaning.

use serde_json::{Value, json};

use super::{Failure, Report, Tally, Verdict};
use crate::engine::entry::seconds;

/// The version of the shape.
pub const FORMAT_VERSION: u32 = 1;

/// All reports as one document.
pub fn to_json(reports: &[Report]) -> Value {
    let tally = Tally::of(reports);
    json!({
        "version": FORMAT_VERSION,
        "summary": {
            "total": reports.len(), "passed": tally.passed, "failed": tally.failed, "broken": tally.broken,
            "skipped": tally.skipped,
        },
        "scenarios": reports.iter().map(scenario).collect::<Vec<_>>(),
    })
}

fn scenario(report: &Report) -> Value {
    let skipped = match &report.verdict {
        Verdict::Skipped(why) => Some(why),
        Verdict::Passed | Verdict::Failed(_) | Verdict::Broken(_) => None,
    };
    json!({
        "file": report.file.display().to_string(),
        "name": report.name,
        "title": report.title,
        "verdict": report.verdict.as_str(),
        "skipped": skipped,
        "prefix": report.prefix,
        "steps": report.steps,
        "cycles": report.cycles,
        "requests": report.exchanges.len(),
        "virtualTime": { "from": seconds(report.span.0), "to": seconds(report.span.1) },
        "failures": report.failures().iter().map(|it| failure(report, it)).collect::<Vec<_>>(),
        "left": report.left,
    })
}

fn failure(report: &Report, failure: &Failure) -> Value {
    json!({
        "file": failure.place.file.display().to_string(),
        "line": failure.place.line,
        "column": failure.place.column,
        "step": failure.step,
        "title": failure.title,
        "virtualTime": seconds(failure.at),
        "expectation": failure.key,
        "expected": failure.expected,
        "got": failure.got,
        "guilty": failure.guilty.and_then(|at| report.exchanges.get(at)),
    })
}
