//! What the service tells: one event of the log for each thing that happens, in this one place.
//!
//! The message says everything for people; the fields say it again for programs, under names that stay. `event` tells
//! the kind. Objects are named as the provisioning log names them; no token and no body gets here.

use tracing::{debug, error, info, warn};

use super::virtual_time::Advanced;
use crate::client::{Exchange, one_line};
use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, Severity, chain};
use crate::engine::entry::{Status, seconds};
use crate::engine::quarantine::Quarantine;
use crate::engine::{CycleKind, CycleResult, Event, RunState};
use crate::runner::Watch;
use crate::store::StoreError;

pub(super) fn service_started(jobs: &[String]) {
    info!(event = "service_started", jobs = jobs.join(","), "the service runs; jobs: {}", jobs.join(", "));
}

pub(super) fn virtual_service_started(jobs: &[String], now: Timestamp) {
    let now = seconds(now);
    info!(
        event = "service_started",
        jobs = jobs.join(","),
        virtual_time = now,
        "the service runs; jobs: {}; job time stands at {now} until `scimulator advance` moves it",
        jobs.join(", ")
    );
}

pub(super) fn advanced(advanced: &Advanced) {
    let (from, to) = (seconds(advanced.from), seconds(advanced.to));
    let cycles: u64 = advanced.cycles.values().sum();
    info!(event = "advanced", from, to, cycles, "job time moved from {from} to {to}; cycles: {cycles}");
}

pub(super) fn control_fault(error: &StoreError) {
    error!(event = "control_fault", reason = chain(error), "commands can't be carried out: {}", chain(error));
}

pub(super) fn job_taken_up(job: &str) {
    info!(event = "job_taken_up", job, "{job}: new in the configuration, its schedule begins");
}

pub(super) fn job_gone(job: &str) {
    info!(event = "job_gone", job, "{job}: not in the configuration any more, its schedule ends");
}

pub(super) fn stopping(why: &str) {
    info!(
        event = "stopping",
        "{why}: no further cycle begins; those under way end first, unless a second signal comes"
    );
}

pub(super) fn stopped() {
    info!(event = "stopped", "the service has stopped");
}

pub(super) fn cut_off(jobs: &[String]) {
    let list = jobs.join(", ");
    warn!(
        event = "cut_off",
        jobs = jobs.join(","),
        "stopped at once: a cycle of {list} was cut off, and the next one looks first at what it was doing"
    );
}

pub(super) fn next_cycle(job: &str, next: &str) {
    info!(event = "next_cycle", job, next_cycle = next, "{job}: next cycle at {next}");
}

pub(super) fn paused(job: &str) {
    info!(event = "paused", job, "{job}: paused; `scimulator start --job {job}` lets it go on");
}

pub(super) fn disabled(job: &str) {
    warn!(
        event = "disabled",
        job,
        "{job}: disabled after a quarantine that lasted too long; `scimulator start --job {job}` or `restart` lets it go on"
    );
}

pub(super) fn busy(job: &str, holder: &str) {
    warn!(
        event = "busy",
        job, holder, "{job}: a cycle is due, and {holder} is running one; looking again until it is done"
    );
}

pub(super) fn fault(job: &str, why: &str, until: &str) {
    error!(
        event = "fault",
        job,
        reason = why,
        next_cycle = until,
        "{job}: no cycle, {why}; next try at {until}"
    );
}

pub(super) fn configuration_warnings(findings: &[Diagnostic]) {
    for finding in findings {
        let finding = one_line_of(finding);
        warn!(event = "configuration_warning", reason = finding, "{finding}");
    }
}

pub(super) fn configuration_refused(findings: &[Diagnostic]) {
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
        let finding = one_line_of(finding);
        error!(
            event = "configuration_refused",
            reason = finding,
            "the configuration is wrong, the one read before stays in effect: {finding}"
        );
    }
}

pub(super) fn cycle_started(job: &str, cycle: i64, kind: CycleKind) {
    let kind = name_of(kind);
    info!(event = "cycle_started", job, cycle, kind, "{job}: {kind} cycle {cycle} begins");
}

/// The end of a cycle, and what it did to a quarantine: `was` is the one that the job was in before.
pub(super) fn cycle_ended(job: &str, result: &CycleResult, was: Option<&Quarantine>) {
    let (kind, cycle) = (name_of(result.kind), result.cycle);
    let next = (!result.pruned).then(|| seconds(result.next_cycle));
    let and_then = match &next {
        Some(next) => format!("next cycle at {next}"),
        None => "too many failures for an initial cycle: they are not tried again, and the job is paused"
            .to_owned(),
    };
    let state = result.state.as_str();
    let actions = &result.statistics.actions;
    let error = &result.statistics.error;
    let outcome = match result.state {
        RunState::Succeeded => "succeeded".to_owned(),
        RunState::EntryLevelErrors => format!("ended with {} in escrow", result.statistics.count_escrowed),
        RunState::Failed if result.source_fault => {
            format!("failed, the source can't be used and nothing was sent: {}", flat(&error.message))
        }
        RunState::Failed => format!("failed, {}: {}", error.code, flat(&error.message)),
    };
    let counts = format!(
        "created {}, updated {}, disabled {}, deleted {}, skipped {}, failed {}, requests {}",
        actions.created,
        actions.updated,
        actions.disabled,
        actions.deleted,
        actions.skipped,
        actions.failed,
        actions.requests
    );
    macro_rules! ended {
        ($level:ident) => {
            $level!(
                event = "cycle_ended",
                job,
                cycle,
                kind,
                state,
                cycle_id = result.id,
                created = actions.created,
                updated = actions.updated,
                disabled = actions.disabled,
                deleted = actions.deleted,
                skipped = actions.skipped,
                failed = actions.failed,
                escrowed = result.statistics.count_escrowed,
                requests = actions.requests,
                error_code = error.code,
                next_cycle = next,
                "{job}: {kind} cycle {cycle} {outcome}; {counts}; {and_then}"
            )
        };
    }
    for warning in &result.warnings {
        warn!(event = "target_warning", job, reason = warning, "{job}: {warning}");
    }
    match result.state {
        RunState::Succeeded | RunState::EntryLevelErrors => ended!(info),
        RunState::Failed => ended!(error),
    }
    match (was, &result.quarantine) {
        (None, Some(now)) => quarantine_entered(job, now),
        (Some(_), Some(now)) if !result.source_fault => quarantine_kept(job, now),
        (Some(was), None) => quarantine_left(job, was),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn quarantine_entered(job: &str, quarantine: &Quarantine) {
    let (reason, next) = (quarantine.reason.as_str(), seconds(quarantine.next_attempt));
    error!(
        event = "quarantine_entered",
        job,
        reason,
        error_code = quarantine.error_code,
        next_attempt = next,
        "{job}: in quarantine ({reason}): {}: {}; next attempt at {next}, or at once after `scimulator start --job {job}`",
        quarantine.error_code,
        flat(&quarantine.error_message)
    );
}

fn quarantine_kept(job: &str, quarantine: &Quarantine) {
    let (reason, next) = (quarantine.reason.as_str(), seconds(quarantine.next_attempt));
    let (count, since) = (quarantine.series_count, seconds(quarantine.series_began));
    warn!(
        event = "quarantine_kept",
        job,
        reason,
        attempts = count,
        since,
        next_attempt = next,
        "{job}: still in quarantine ({reason}) since {since}, attempts in vain: {count}; next attempt at {next}"
    );
}

fn quarantine_left(job: &str, was: &Quarantine) {
    let since = seconds(was.series_began);
    info!(event = "quarantine_left", job, since, "{job}: out of quarantine, in which it was since {since}");
}

fn name_of(kind: CycleKind) -> &'static str {
    match kind {
        CycleKind::Initial => "initial",
        CycleKind::Incremental => "incremental",
    }
}

/// A text of several lines in one.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A finding without line breaks: a line of a log is one event.
fn one_line_of(finding: &Diagnostic) -> String {
    flat(&finding.to_string())
}

/// Tells what happens during a cycle.
pub(super) struct Telling<'t> {
    job: &'t str,
    /// What was warned of in the last cycle.
    warned: &'t mut Vec<Diagnostic>,
}

impl<'t> Telling<'t> {
    pub(super) fn new(job: &'t str, warned: &'t mut Vec<Diagnostic>) -> Self {
        Self { job, warned }
    }
}

impl Watch for Telling<'_> {
    fn exchanged(&mut self, exchange: &Exchange) {
        debug!(event = "exchange", job = self.job, "{}: {}", self.job, one_line(exchange));
    }

    fn logged(&mut self, event: &Event) {
        if event.status != Status::Failure {
            return;
        }
        let (job, kind, action) = (self.job, event.kind.as_str(), event.action.as_str());
        let code = event.code.as_deref().unwrap_or("no code");
        warn!(
            event = "object_failed",
            job,
            kind,
            object = event.label,
            action,
            error_code = code,
            "{job}: {kind} {}: {action} failed, {code}: {}",
            event.label,
            flat(&event.summary)
        );
    }

    fn imported(&mut self, warnings: &[Diagnostic]) {
        for warning in warnings.iter().filter(|warning| !self.warned.contains(warning)) {
            let finding = one_line_of(warning);
            warn!(event = "source_warning", job = self.job, reason = finding, "{}: {finding}", self.job);
        }
        *self.warned = warnings.to_vec();
    }

    fn refused(&mut self, findings: &[Diagnostic]) {
        for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
            let finding = one_line_of(finding);
            error!(event = "source_refused", job = self.job, reason = finding, "{}: {finding}", self.job);
        }
    }
}
