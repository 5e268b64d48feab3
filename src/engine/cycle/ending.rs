//! How a run ends: what becomes of the watermark, of quarantine, and when the next cycle is due.

use super::{Cycle, CycleResult, RunState, Stage};
use crate::clock::Timestamp;
use crate::config::fidelity::{InitialThreshold, ShareWindow};
use crate::engine::context::{EngineError, Refusal};
use crate::engine::guard;
use crate::engine::notice;
use crate::engine::quarantine::{self, Counts, Quarantine, Reason};
use crate::engine::statistics::{IMPORT_FAILED, RunError};
use crate::engine::status;
use crate::scope::ScopeMode;
use crate::store::{Execution, JobRow};

/// What a cycle that came to its end means for its job.
enum Judgement {
    /// It goes on as usual; a quarantine is lifted.
    Sound,
    /// Quarantine, with what its error says.
    Quarantined(Reason, String),
    /// An initial cycle with too many failures: they are dropped, and the job waits for an admin (`engine.md 6.2`).
    Pruned,
}

impl Cycle<'_> {
    /// Ends the cycle: the watermark moves, or does not (`engine.md 1.5`).
    pub(super) fn end(&mut self) -> Result<(), EngineError> {
        if matches!(self.purpose, super::Purpose::TestConnection | super::Purpose::OnDemand(_)) {
            self.end_apart();
            return Ok(());
        }
        let now = self.context.now;
        let spec = self.context.spec;
        // Links made during the cycle were counted in the table; the row read at its beginning is old.
        let mut job =
            self.context.store.job(&spec.name)?.ok_or(EngineError::Defect("the job's row is gone"))?;
        let before = status::quarantine(&job)?;
        let pause = spec.pause_after(self.context.cycle);
        let regular = self.context.began.saturating_add(pause).unwrap_or(Timestamp::MAX).max(now);
        let (state, quarantine, next_cycle, pruned) = match (&self.import_fault, &self.context.abort) {
            (Some(reason), _) => {
                self.context.statistics.error = RunError {
                    code: IMPORT_FAILED.to_owned(),
                    message: reason.clone(),
                    tenant_actionable: true,
                };
                (RunState::Failed, before.clone(), regular, false)
            }
            (None, Some(refusal)) => {
                let error = run_error(refusal, self.context.shown(&refusal.reason));
                let imposed = self.impose(
                    before.as_ref(),
                    Reason::EncounteredQuarantineException,
                    (&error.code, &error.message),
                );
                self.context.statistics.error = error;
                let attempt = imposed.next_attempt;
                (RunState::Failed, Some(imposed), attempt, false)
            }
            (None, None) => {
                let failed = 0 < self.context.statistics.count_escrowed;
                let state = if failed { RunState::EntryLevelErrors } else { RunState::Succeeded };
                self.went_through(&mut job)?;
                match self.judge(&job, before.as_ref())? {
                    Judgement::Sound => (state, None, regular, false),
                    Judgement::Pruned => (state, None, regular, true),
                    Judgement::Quarantined(reason, message) => {
                        let imposed = self.impose(before.as_ref(), reason, (reason.as_str(), &message));
                        let attempt = imposed.next_attempt;
                        (state, Some(imposed), attempt, false)
                    }
                }
            }
        };
        if state == RunState::Failed {
            job.failures += 1;
        }
        job.escrows_pruned |= pruned;
        job.quarantine = quarantine.as_ref().map(serde_json::to_string).transpose()?;
        job.next_cycle = Some(next_cycle);
        let execution = Execution {
            cycle: self.context.cycle,
            id: self.id.clone(),
            initial: self.context.is_initial(),
            began: self.context.began,
            ended: Some(now),
            state: Some(state.as_str().to_owned()),
            statistics: serde_json::to_string(&self.context.statistics)?,
        };
        let cycle = self.context.cycle;
        let kept_from = now.saturating_sub(spec.rules.log_retention).unwrap_or(Timestamp::MIN);
        let occasion = notice::occasion(before.as_ref(), quarantine.as_ref());
        self.context.store.step(|store| {
            if let (Some(occasion), Some(quarantine)) = (occasion, &quarantine) {
                notice::keep(store, spec, occasion, quarantine, (Some(cycle), now))?;
            }
            if pruned {
                store.drop_escrows(&spec.name)?;
                store.set_paused(&spec.name, true)?;
            }
            if state != RunState::Failed {
                store.drop_staged_before(&spec.name, cycle)?;
                // Whoever is in scope by that alone is not looked at again before a full read (E-012).
                if spec.scope == ScopeMode::All {
                    store.set_everybody_until(&spec.name, job.watermark)?;
                } else if execution.initial {
                    store.set_everybody_until(&spec.name, None)?;
                }
            }
            store.drop_logs_before(&spec.name, kept_from)?;
            store.drop_progress(&spec.name)?;
            store.save_job(&job)?;
            store.save_execution(&spec.name, &execution)
        })?;
        self.result = Some(CycleResult {
            cycle,
            id: self.id.clone(),
            kind: self.kind(),
            state,
            statistics: self.context.statistics.clone(),
            warnings: self.context.warnings.clone(),
            source_fault: self.import_fault.is_some(),
            quarantine,
            pruned,
            next_cycle,
        });
        self.stage = Stage::Over;
        Ok(())
    }

    fn impose(&self, before: Option<&Quarantine>, reason: Reason, error: (&str, &str)) -> Quarantine {
        let schedule = self.context.spec.rules.quarantine.schedule;
        quarantine::impose(before, reason, error, self.context.now, schedule)
    }

    /// Notes in the job what a cycle that came to its end has done: the watermark moves.
    fn went_through(&self, job: &mut JobRow) -> Result<(), EngineError> {
        let (context, now) = (&self.context, self.context.now);
        job.failures = 0;
        job.force_deletes = false;
        job.watermark = Some(context.window.until);
        job.full_read = None;
        let exported = context.statistics.actions.objects_exported;
        job.exported = job.exported.saturating_add(i64::try_from(exported).unwrap_or(i64::MAX));
        let open = context.store.open_failures(&context.spec.name)?;
        if context.statistics.count_exports == 0
            && open.objects + open.references == 0
            && context.held.is_none()
        {
            job.steady = Some((job.steady.map_or(now, |(first, _)| first), now));
        }
        Ok(())
    }

    /// What the removals held back and the failures still open mean for the job (`engine.md 6.2`, 7).
    fn judge(&self, job: &JobRow, before: Option<&Quarantine>) -> Result<Judgement, EngineError> {
        let (context, rules) = (&self.context, &self.context.spec.rules);
        if let (Some(removals), Some(guard)) = (context.held, rules.guard) {
            return Ok(Judgement::Quarantined(Reason::TooManyDeletes, guard::message(removals, guard)));
        }
        let counts = self.counts(job)?;
        let Some(reason) =
            quarantine::exceeded(counts, rules.quarantine.thresholds, before.map(|before| before.reason))
        else {
            return Ok(Judgement::Sound);
        };
        if context.is_initial() && rules.quarantine.initial == InitialThreshold::Prune {
            return Ok(Judgement::Pruned);
        }
        let message = format!(
            "{} objects and {} references are failing; {} of {} objects of the last cycle failed.",
            counts.objects,
            counts.references,
            context.statistics.actions.objects_failed,
            context
                .statistics
                .actions
                .objects_failed
                .saturating_add(context.statistics.actions.objects_exported)
        );
        Ok(Judgement::Quarantined(reason, message))
    }

    fn counts(&self, job: &JobRow) -> Result<Counts, EngineError> {
        let open = self.context.store.open_failures(&self.context.spec.name)?;
        let actions = &self.context.statistics.actions;
        let (failed, succeeded) = match self.context.spec.rules.quarantine.thresholds.share_window {
            ShareWindow::Cycle => (actions.objects_failed, actions.objects_exported),
            ShareWindow::SinceRestart => (open.objects, job.exported.unsigned_abs()),
        };
        Ok(Counts { objects: open.objects, references: open.references, failed, succeeded })
    }

    /// Ends a run that is no cycle: there is a result, and the job stands as before.
    fn end_apart(&mut self) {
        if let Some(refusal) = &self.context.abort {
            self.context.statistics.error = run_error(refusal, self.context.shown(&refusal.reason));
        }
        let state = if self.context.abort.is_some() {
            RunState::Failed
        } else if 0 < self.context.statistics.count_escrowed {
            RunState::EntryLevelErrors
        } else {
            RunState::Succeeded
        };
        self.result = Some(CycleResult {
            cycle: self.context.cycle,
            id: self.id.clone(),
            kind: self.kind(),
            state,
            statistics: self.context.statistics.clone(),
            warnings: self.context.warnings.clone(),
            source_fault: false,
            quarantine: None,
            pruned: false,
            next_cycle: self.job.next_cycle.unwrap_or(self.context.now),
        });
        self.stage = Stage::Over;
    }
}

fn run_error(refusal: &Refusal, message: String) -> RunError {
    RunError { code: refusal.code.as_str().to_owned(), message, tenant_actionable: true }
}
