//! `drift`: the target against what it should hold.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::arguments::DriftArguments;
use super::context::Context;
use super::output::counted;
use super::session::{Session, run_failure, store_failure};
use super::{Exit, Failure};
use crate::client::{self, Exchange, Filter, JournalError, file_name, one_line};
use crate::oracle::{Difference, Finding, Report, Verdict};
use crate::runner::{Evidence, ReadBack, Seen, journal_folder};
use crate::store::StoreError;

pub(super) fn run(context: &Context, arguments: &DriftArguments) -> Result<Exit, Failure> {
    let session = Session::look(context)?;
    let job = session.ready()?;
    let clock = session.store.clock().clone();
    let before = journal_bytes(&session);
    let read = match job.read_back(&session.store, &clock).map_err(|error| run_failure(&error))? {
        Seen::Read(read) => read,
        Seen::Unreachable(why) => {
            return Err(Failure::new(Exit::Target, format!("the target can't be read: {why}"))
                .help("`scimulator test-connection` shows what it answers"));
        }
    };
    let exchanges = journal(context, &session)?;
    let mark = session.store.right_until(&session.job.name).map_err(|error| store_failure(&error))?;
    let evidence = Evidence::after(&exchanges, mark.as_deref());
    let report = job.compare(&session.store, &clock, &read, evidence).map_err(|error| run_failure(&error))?;
    let has_run = session.store.has_read(&session.job.name).map_err(|error| store_failure(&error))?;
    let is_right = has_run && report.is_clean() && report.waiting.is_empty() && read.gaps.is_empty();
    // Whatever was sent while the target was read may have come after that.
    if is_right && before == journal_bytes(&session) {
        note_right(&session, evidence).map_err(|error| store_failure(&error))?;
    }
    if context.output.is_json() {
        context.output.json(&to_json((&session.job.name, has_run), &report, &read, &exchanges))?;
    } else {
        context.output.text(&to_text(&report, &read, &exchanges))?;
    }
    if !has_run {
        let name = &session.job.name;
        return Err(Failure::new(
            Exit::Usage,
            format!("no cycle of job `{name}` has read the directory yet: there is nothing to compare with"),
        )
        .help("`scimulator cycle` runs one"));
    }
    Ok(exit_of(&report, &read, arguments.strict))
}

/// From now on the target is known to have been right here. A state that can only be read is left as it is.
fn note_right(session: &Session, evidence: Evidence<'_>) -> Result<(), StoreError> {
    match evidence.mark() {
        Some(mark) if !session.store.is_read_only() => {
            session.store.set_right_until(&session.job.name, &mark)
        }
        Some(_) | None => Ok(()),
    }
}

/// The file of the job's wire journal.
fn journal_file(session: &Session) -> PathBuf {
    journal_folder(&session.config).join(file_name(&session.job.name))
}

/// How long that is; nothing, where there is none.
fn journal_bytes(session: &Session) -> u64 {
    std::fs::metadata(journal_file(session)).map_or(0, |file| file.len())
}

/// The job's exchanges, as far back as they are kept.
fn journal(context: &Context, session: &Session) -> Result<Vec<Exchange>, Failure> {
    let failed =
        |error: &JournalError| Failure::new(Exit::Usage, "the wire journal can't be read").because(error);
    let path = journal_file(session);
    let mut exchanges = Vec::new();
    for exchange in client::read(&path, Filter::all()).map_err(|error| failed(&error))? {
        match exchange {
            Ok(exchange) => exchanges.push(exchange),
            Err(error @ JournalError::Torn { .. }) => context.output.note(&error.to_string()),
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(exchanges)
}

/// A defect of ours goes before a fault of the app, and that before accounts that could not be read.
fn exit_of(report: &Report, read: &ReadBack, strict: bool) -> Exit {
    let verdicts = || report.findings.iter().map(|finding| finding.verdict);
    if verdicts().any(|verdict| verdict == Verdict::Ours) {
        Exit::Defect
    } else if verdicts().any(|verdict| strict || verdict == Verdict::App) {
        Exit::Failed
    } else if !read.unread.is_empty() {
        Exit::Target
    } else {
        Exit::Fine
    }
}

fn to_text(report: &Report, read: &ReadBack, exchanges: &[Exchange]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in &report.findings {
        lines.push(format!("{:<8} {finding}", finding.difference.as_str()));
        lines.extend(guilty(finding, exchanges).map(|exchange| format!("         {}", one_line(exchange))));
    }
    lines.extend(read.gaps.iter().map(|gap| format!("not compared: {gap}")));
    let compared = report.compared;
    let count =
        |verdict: &str| report.findings.iter().filter(|finding| finding.verdict.as_str() == verdict).count();
    lines.push(format!(
        "{} and {} compared in {}: {} by the app's fault, {} by rule, {} by ours",
        counted(compared.users, "user"),
        counted(compared.groups, "group"),
        counted(compared.values, "value"),
        count("app"),
        count("blind-spot"),
        count("ours")
    ));
    if !report.waiting.is_empty() {
        lines.push(format!("{} wait for a cycle: {}", report.waiting.len(), report.waiting.join(", ")));
    }
    if !report.strangers.is_empty() {
        lines.push(format!("{} others in the target are not this job's business", report.strangers.len()));
    }
    lines.join("\n")
}

fn to_json((job, has_run): (&str, bool), report: &Report, read: &ReadBack, exchanges: &[Exchange]) -> Value {
    let finding = |finding: &Finding| {
        let (path, wanted, held) = match &finding.difference {
            Difference::Missing | Difference::Orphan => (None, None, None),
            Difference::Drifted { path, wanted, held } => (Some(path), wanted.as_ref(), held.as_ref()),
        };
        let rule = match finding.verdict {
            Verdict::BlindSpot(rule) => Some(rule),
            Verdict::App | Verdict::Ours => None,
        };
        json!({
            "kind": finding.key.0.as_str(),
            "sourceId": finding.key.1,
            "label": finding.label,
            "targetId": finding.target_id,
            "difference": finding.difference.as_str(),
            "attribute": path,
            "wanted": wanted,
            "held": held,
            "verdict": finding.verdict.as_str(),
            "rule": rule.map(|rule| json!({ "name": rule.as_str(), "source": rule.source(), "says": rule.says() })),
            "why": finding.why,
            "guilty": guilty(finding, exchanges),
        })
    };
    json!({
        "job": job,
        "clean": has_run && report.is_clean(),
        "hasRun": has_run,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "compared": {
            "users": report.compared.users, "groups": report.compared.groups, "values": report.compared.values,
        },
        "waiting": report.waiting,
        "strangers": report.strangers.len(),
        "gaps": read.gaps,
    })
}

fn guilty<'e>(finding: &Finding, exchanges: &'e [Exchange]) -> Option<&'e Exchange> {
    finding.guilty.and_then(|at| exchanges.get(at))
}
