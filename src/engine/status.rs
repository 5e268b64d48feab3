//! The standing of a job as `synchronizationJob` shows it (`graph-api.md 3`).

use serde_json::{Value, json};

use super::entry::seconds;
use super::notice::{self, Occasion};
use super::quarantine::{Quarantine, ends_at};
use super::spec::JobSpec;
use super::statistics::{IMPORT_FAILED, Statistics};
use crate::clock::{SignedDuration, Timestamp};
use crate::config::fidelity::FreshJobCode;
use crate::store::{Execution, JobRow, Link, Progress, Store, StoreError, StoredObject};

/// What the times of a job show before they are reached.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The job's record, after its last run, with the progress of one under way.
pub fn synchronization_job(spec: &JobSpec, store: &Store) -> Result<Value, StoreError> {
    let job = store.job(&spec.name)?.unwrap_or_else(|| JobRow::new(&spec.name, &spec.id, &spec.definition));
    let quarantine = quarantine(&job)?;
    let last = store.executions(&spec.name, 1)?.pop();
    let (state, code) = match (&quarantine, job.paused, &last) {
        (Some(_), _, _) if job.disabled => (spec.rules.quarantine.limit_state.as_str(), "Quarantine"),
        (_, true, _) => (if job.turned_off { "Disabled" } else { "Paused" }, "Paused"),
        (Some(_), false, _) => ("Active", "Quarantine"),
        (None, false, None) if store.has_begun(&spec.name)? => ("Active", "NotRun"),
        (None, false, None) => ("Disabled", fresh_code(spec)),
        (None, false, Some(_)) => ("Active", "Active"),
    };
    let execution = |execution: Option<Execution>| execution.map(|it| task_execution(&it)).transpose();
    let steady = |at: Option<Timestamp>| at.map_or_else(|| NEVER.to_owned(), seconds);
    Ok(json!({
        "id": job.id,
        "templateId": "scim",
        "schedule": { "expiration": null, "interval": iso_duration(spec.interval), "state": state },
        "status": {
            "countSuccessiveCompleteFailures": job.failures,
            "escrowsPruned": job.escrows_pruned,
            "code": code,
            "lastExecution": match last {
                Some(last) => task_execution(&last)?,
                None => placeholder(),
            },
            "lastSuccessfulExecution": execution(store.last_success(&spec.name, false)?)?,
            "lastSuccessfulExecutionWithExports": execution(store.last_success(&spec.name, true)?)?,
            "progress": store.progress(&spec.name)?.iter().map(synchronization_progress).collect::<Vec<_>>(),
            "quarantine": quarantine.as_ref().map(synchronization_quarantine),
            "steadyStateFirstAchievedTime": steady(job.steady.map(|(first, _)| first)),
            "steadyStateLastAchievedTime": steady(job.steady.map(|(_, last)| last)),
            "synchronizedEntryCountByType": [
                { "key": "User", "value": job.linked.0 },
                { "key": "Group", "value": job.linked.1 },
            ],
            "troubleshootingUrl": "",
        },
        "synchronizationJobSettings": settings(spec),
    }))
}

/// `synchronizationProgress` (`graph-api.md 3.4`).
fn synchronization_progress(progress: &Progress) -> Value {
    json!({
        "completedUnits": progress.completed,
        "totalUnits": progress.total,
        "units": "pages",
        "progressObservationDateTime": seconds(progress.at),
    })
}

/// The status code of a job that was never started: that is, no cycle of it has begun (`graph-api.md 3.9`).
fn fresh_code(spec: &JobSpec) -> &'static str {
    match spec.rules.fresh_job_code {
        FreshJobCode::NotConfigured if !spec.has_credentials => "NotConfigured",
        FreshJobCode::NotConfigured | FreshJobCode::Paused => "Paused",
    }
}

/// The job's settings: the threshold of the deletion guard, when there is one (`engine.md 7`).
fn settings(spec: &JobSpec) -> Vec<Value> {
    let threshold = spec.rules.guard.map(|guard| guard.threshold.to_string());
    threshold
        .map(|value| json!({ "name": "QuarantineTooManyDeletesThreshold", "value": value }))
        .into_iter()
        .collect()
}

/// Disables a job whose quarantine has lasted too long by job time `now`; whether it is disabled. It runs no more until
/// somebody starts or restarts it (`engine.md 6.4`).
pub fn settle(store: &mut Store, spec: &JobSpec, now: Timestamp) -> Result<bool, StoreError> {
    let Some(mut job) = store.job(&spec.name)? else { return Ok(false) };
    let limit = spec.rules.quarantine.limit;
    let ended = quarantine(&job)?.filter(|quarantine| ends_at(quarantine, limit) <= now);
    if let (false, Some(quarantine)) = (job.disabled, ended) {
        job.disabled = true;
        store.step(|store| {
            notice::keep(store, spec, Occasion::Disabled, &quarantine, (None, now))?;
            store.save_job(&job)
        })?;
    }
    Ok(job.disabled)
}

/// Why the source could not be used in the last run of a job; `None` when it could, or none has ended.
pub fn source_fault(store: &Store, job: &str) -> Result<Option<String>, StoreError> {
    let Some(last) = store.executions(job, 1)?.pop() else { return Ok(None) };
    let error = serde_json::from_str::<Statistics>(&last.statistics)?.error;
    Ok((error.code == IMPORT_FAILED).then_some(error.message))
}

/// The quarantine of a job, if it is in one.
pub fn quarantine(job: &JobRow) -> Result<Option<Quarantine>, StoreError> {
    Ok(job.quarantine.as_deref().map(serde_json::from_str).transpose()?)
}

/// A link as Graph's `objectConnection` (`graph-api.md 9`).
pub fn object_connection(object: &StoredObject, link: &Link) -> Value {
    json!({
        "objectId": object.id,
        "sourceAnchor": object.id,
        "targetAnchor": link.target_id,
        "displayName": object.text("displayName").unwrap_or(&object.label),
        "objectTypeName": object.kind.as_str().to_lowercase(),
    })
}

/// `synchronizationQuarantine` (`graph-api.md 3.5`).
pub fn synchronization_quarantine(quarantine: &Quarantine) -> Value {
    json!({
        "currentBegan": seconds(quarantine.current_began),
        "nextAttempt": seconds(quarantine.next_attempt),
        "reason": quarantine.reason.as_str(),
        "seriesBegan": seconds(quarantine.series_began),
        "seriesCount": quarantine.series_count,
        "error": {
            "code": quarantine.error_code,
            "message": quarantine.error_message,
            "tenantActionable": true,
        },
    })
}

/// `synchronizationTaskExecution` (`graph-api.md 3.3`).
fn task_execution(execution: &Execution) -> Result<Value, StoreError> {
    let counts: Statistics = serde_json::from_str(&execution.statistics)?;
    Ok(json!({
        "activityIdentifier": execution.id,
        "countEntitled": counts.count_entitled,
        "countEntitledForProvisioning": counts.count_entitled_for_provisioning,
        "countEscrowed": counts.count_escrowed,
        "countEscrowedRaw": counts.count_escrowed_raw,
        "countExported": counts.count_exported,
        "countExports": counts.count_exports,
        "countImported": counts.count_imported,
        "countImportedDeltas": counts.count_imported_deltas,
        "countImportedReferenceDeltas": counts.count_imported_reference_deltas,
        "state": execution.state,
        "timeBegan": execution.began.to_string(),
        "timeEnded": execution.ended.map(|ended| ended.to_string()),
        "error": counts.error,
    }))
}

/// What a job shows before its first run has ended (`engine.md 10`).
fn placeholder() -> Value {
    json!({
        "activityIdentifier": null,
        "countEntitled": 0, "countEntitledForProvisioning": 0,
        "countEscrowed": 0, "countEscrowedRaw": 0,
        "countExported": 0, "countExports": 0,
        "countImported": 0, "countImportedDeltas": 0, "countImportedReferenceDeltas": 0,
        "state": "Failed",
        "timeBegan": NEVER, "timeEnded": NEVER,
        "error": { "code": "None", "message": "", "tenantActionable": false },
    })
}

/// `PT40M`: whole minutes where that is exact, else seconds.
fn iso_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    if seconds % 60 == 0 { format!("PT{}M", seconds / 60) } else { format!("PT{seconds}S") }
}
