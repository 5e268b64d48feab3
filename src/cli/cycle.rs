//! `cycle`: one cycle now.

use indicatif::ProgressBar;
use serde_json::json;

use super::arguments::{CycleArguments, FailOn};
use super::context::Context;
use super::failure::print_findings;
use super::output::{Output, relative, warn};
use super::session::{Session, exit_of, now, run_failure, store_failure};
use super::{Exit, Failure};
use crate::diagnostic::Diagnostic;
use crate::engine::entry::{Status, seconds};
use crate::engine::quarantine::{Quarantine, Reason};
use crate::engine::status::{settle, synchronization_quarantine};
use crate::engine::{CycleKind, CycleResult, Event, Purpose};
use crate::mail::Postman;
use crate::runner::{Mode, Watch};

/// So many failed objects are named; the log has them all.
const FAILURES_SHOWN_MAX: usize = 10;

pub(super) fn run(context: &Context, arguments: &CycleArguments) -> Result<Exit, Failure> {
    let mut session = Session::open(context)?;
    let _lock = session.lock()?;
    if let Some(quarantine) = session.quarantine()? {
        refuse_in_quarantine(&mut session, &quarantine)?;
    }
    refuse_while_paused(&session)?;
    let job = session.ready()?;
    let clock = session.store.clock().clone();
    let purpose = if arguments.initial { Purpose::InitialCycle } else { Purpose::CycleByHand };
    let mut watch = Progress::new(context.output);
    let result = job
        .cycle(&mut session.store, &clock, purpose, Mode::Real, &mut watch)
        .map_err(|error| run_failure(&error))?;
    watch.bar.finish_and_clear();
    print(context.output, &session, &result, &watch.failures)?;
    let failed = arguments.fail_on.contains(&FailOn::Escrows) && 0 < result.statistics.count_escrowed;
    let exit = exit_of(&result);
    Ok(if failed && exit == Exit::Fine { Exit::Failed } else { exit })
}

/// A paused job runs no cycle.
fn refuse_while_paused(session: &Session) -> Result<(), Failure> {
    let name = &session.job.name;
    if session.store.job(name).map_err(|error| store_failure(&error))?.is_some_and(|job| job.paused) {
        return Err(Failure::new(Exit::Usage, format!("job `{name}` is paused"))
            .help("`scimulator start` lets it go on"));
    }
    Ok(())
}

/// In quarantine a cycle runs only when an attempt is due (contract 2), and none when that has lasted too long.
fn refuse_in_quarantine(session: &mut Session, quarantine: &Quarantine) -> Result<(), Failure> {
    let now = now(&session.store);
    let spec = session.spec()?;
    let is_disabled = settle(&mut session.store, &spec, now);
    let outlook = if is_disabled.map_err(|error| store_failure(&error))? {
        Postman::new(&session.config, &Context::env).deliver(&session.store, &session.job.name, now);
        "that lasted so long that the job is disabled".to_owned()
    } else if now < quarantine.next_attempt {
        let attempt = quarantine.next_attempt;
        format!("the next attempt is due {}, at {}", relative(attempt, now), seconds(attempt))
    } else {
        return Ok(());
    };
    Err(Failure::new(
        Exit::Quarantine,
        format!(
            "job `{}` is in quarantine ({}) since {}; {outlook}",
            session.job.name,
            quarantine.reason.as_str(),
            seconds(quarantine.series_began),
        ),
    )
    .help(format!(
        "mend the cause, then clear the quarantine with `scimulator start`; it was `{}`:\n    {}",
        quarantine.error_code,
        quarantine.error_message.replace('\n', "\n    ")
    )))
}

fn print(output: Output, session: &Session, result: &CycleResult, failures: &[Event]) -> Result<(), Failure> {
    let job = session.job.name.as_str();
    if output.is_json() {
        return output.json(&to_json(job, result));
    }
    let now = now(&session.store);
    let actions = &result.statistics.actions;
    let kind = match result.kind {
        CycleKind::Initial => "initial cycle",
        CycleKind::Incremental => "incremental cycle",
    };
    output.text(&format!(
        "{job}: {kind} {}, {}\n  created {}   updated {}   disabled {}   deleted {}   skipped {}   failed {}   \
         requests {}",
        result.cycle,
        result.state.as_str(),
        actions.created,
        actions.updated,
        actions.disabled,
        actions.deleted,
        actions.skipped,
        actions.failed,
        actions.requests
    ))?;
    for event in failures.iter().take(FAILURES_SHOWN_MAX) {
        output.text(&format!("  failed: {} {}", event.summary, event.code.as_deref().unwrap_or_default()))?;
    }
    if FAILURES_SHOWN_MAX < failures.len() {
        output.text(&format!("  and {} more", failures.len().saturating_sub(FAILURES_SHOWN_MAX)))?;
    }
    if !failures.is_empty() {
        output.note("what failed is tried again by and by, and in the next `scimulator cycle`; see `scimulator logs --status failure`");
    }
    if 0 < actions.warned {
        output.note(&format!("with a warning: {}; see `scimulator logs --status warning`", actions.warned));
    }
    for warning in &result.warnings {
        output.note(&format!("warning: {warning}"));
    }
    let error = &result.statistics.error;
    if error.code != "None" && !result.source_fault {
        output.note(&format!("{}: {}", error.code, error.message));
    }
    match &result.quarantine {
        Some(quarantine) if quarantine.reason == Reason::TooManyDeletes => output.note(&format!(
            "{} deletes and disables are held back ({}): `scimulator deletions allow` lets them go, `deletions reject` \
             drops them",
            actions.staged,
            quarantine.reason.as_str()
        )),
        None if result.pruned => output.note(
            "too many objects failed in the initial cycle: their retries are dropped, and the job is paused until \
             `scimulator start`",
        ),
        Some(quarantine) if !result.source_fault => output.note(&format!(
            "the job is in quarantine ({}); the next attempt is due {}, `scimulator start` clears it",
            quarantine.reason.as_str(),
            relative(quarantine.next_attempt, now)
        )),
        Some(_) | None => output.note(&format!("next cycle due {}", relative(result.next_cycle, now))),
    }
    Ok(())
}

/// A finished run for programs.
pub(super) fn to_json(job: &str, result: &CycleResult) -> serde_json::Value {
    json!({
        "job": job,
        "cycle": result.cycle,
        "cycleId": result.id,
        "kind": match result.kind { CycleKind::Initial => "initial", CycleKind::Incremental => "incremental" },
        "state": result.state.as_str(),
        "statistics": result.statistics,
        "warnings": result.warnings,
        "quarantine": result.quarantine.as_ref().map(synchronization_quarantine),
        "nextCycle": result.next_cycle.to_string(),
    })
}

/// Shows progress on a terminal, keeps what failed, tells findings.
pub(super) struct Progress {
    output: Output,
    bar: ProgressBar,
    failures: Vec<Event>,
}

impl Progress {
    fn new(output: Output) -> Self {
        Self { output, bar: output.progress("", 0), failures: Vec::new() }
    }
}

impl Watch for Progress {
    fn logged(&mut self, event: &Event) {
        if event.status == Status::Failure {
            self.failures.push(event.clone());
        }
    }

    fn progress(&mut self, phase: &str, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(phase.to_owned());
    }

    fn imported(&mut self, warnings: &[Diagnostic]) {
        if !self.output.is_quiet() {
            print_findings(warnings);
        }
    }

    fn refused(&mut self, findings: &[Diagnostic]) {
        print_findings(findings);
        warn("nothing was sent, and the watermark stays where it was");
    }
}
