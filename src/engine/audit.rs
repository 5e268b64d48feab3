//! The audit log of a job (`engine.md 10`, `graph-api.md 11`): what its entries are called, and their shape in Graph.
//!
//! Activities of the job as a whole and retries of failures are kept as they happen. Those of single objects follow
//! from the steps of the provisioning log, which has them already.

use serde_json::{Value, json};

use super::entry::{Entry, Status, StepKind, seconds};
use super::spec::JobSpec;
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::store::{AuditRow, JobRow, LogRow, Store, StoreError};

/// What an entry of the audit log is about, by its published name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// An object was read.
    Import,
    /// It was decided what becomes of it.
    Rule,
    /// It was written.
    Export,
    /// What failed was tried again.
    ProcessEscrow,
    /// The job entered quarantine, or is in it for another reason.
    Quarantine,
    /// Credentials or settings were saved.
    UpdateSetting,
    /// The job was started.
    Start,
    /// The job was paused, or disabled.
    Pause,
    /// The job was restarted.
    Restart,
    /// Mappings or filters were saved.
    UpdateMappings,
}

impl Activity {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "Import",
            Self::Rule => "Synchronization rule action",
            Self::Export => "Export",
            Self::ProcessEscrow => "Process escrow",
            Self::Quarantine => "Quarantine",
            Self::UpdateSetting => "Update provisioning setting or credentials",
            Self::Start => "Enable/start provisioning configuration",
            Self::Pause => "Disable/pause provisioning configuration",
            Self::Restart => "Enable/restart provisioning configuration",
            Self::UpdateMappings => "Update attribute mappings or scope",
        }
    }

    /// The activity of a step; looking at references is part of exporting them (inferred).
    fn of_step(kind: StepKind) -> Self {
        match kind {
            StepKind::Import => Self::Import,
            StepKind::Scoping | StepKind::Matching | StepKind::Processing => Self::Rule,
            StepKind::ReferenceResolution | StepKind::Export => Self::Export,
        }
    }

    /// An entry about the job as a whole.
    pub fn of_job(self, at: Timestamp, cycle: Option<i64>, details: impl Into<String>) -> AuditRow {
        AuditRow {
            id: 0,
            at,
            cycle,
            activity: self.as_str().to_owned(),
            object: None,
            error_code: None,
            event_name: None,
            details: details.into(),
        }
    }

    /// An entry about a user or group in a cycle.
    pub fn of_object(
        self,
        at: Timestamp,
        cycle: i64,
        object: (ObjectKind, &str, &str),
        error_code: Option<String>,
        details: impl Into<String>,
    ) -> AuditRow {
        let (kind, id, label) = object;
        AuditRow {
            object: Some((kind, id.to_owned(), label.to_owned())),
            error_code,
            ..self.of_job(at, Some(cycle), details)
        }
    }
}

/// What somebody has saved since the last run of a job: settings or credentials, mappings or filters. Of secrets only
/// where they are is known, so that one which changed in its place is no change here.
pub(super) fn changes(
    store: &Store,
    job: &JobRow,
    spec: &JobSpec,
    now: Timestamp,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut changes = Vec::new();
    if store.meta(&settings_key(spec))?.as_ref() != Some(&spec.settings) {
        changes.push(Activity::UpdateSetting.of_job(now, None, "Connection or settings were saved"));
    }
    if job.definition != spec.definition {
        changes.push(Activity::UpdateMappings.of_job(now, None, "Mappings or scoping filters were saved"));
    }
    Ok(changes)
}

/// Keeps the settings that [`changes`] compares with.
pub(super) fn keep_settings(store: &Store, spec: &JobSpec) -> Result<(), StoreError> {
    store.set_meta(&settings_key(spec), Some(&spec.settings))
}

fn settings_key(spec: &JobSpec) -> String {
    format!("settings.{}", spec.name)
}

/// The audit log of a job with what these entries of its provisioning log say of single steps, the oldest first; of
/// one cycle only, when one is given.
pub fn entries(
    store: &Store,
    spec: &JobSpec,
    log: &[LogRow],
    cycle: Option<i64>,
) -> Result<Vec<Value>, StoreError> {
    let mut rows: Vec<(AuditRow, Status, u64)> = Vec::new();
    for row in log {
        let entry: Entry = serde_json::from_str(&row.entry)?;
        for (place, step) in entry.steps.iter().enumerate() {
            let code = row.error_code.clone().filter(|_| step.status == Status::Failure);
            let object = (row.kind, row.source_id.as_str(), row.label.as_str());
            let of_step = Activity::of_step(step.kind).of_object(
                row.at,
                row.cycle,
                object,
                code,
                step.description.clone(),
            );
            // Of the step, not of its place among those asked for: an entry keeps its id whatever else is shown.
            let of_step_alone = [spec.name.as_str(), "audit of a step", &row.id, &place.to_string()];
            let (number, _) = super::ids::derived(spec.seed, &of_step_alone).as_u64_pair();
            rows.push((AuditRow { event_name: Some(step.name.clone()), ..of_step }, step.status, number));
        }
    }
    for row in store.audit(&spec.name)?.into_iter().filter(|row| cycle.is_none() || row.cycle == cycle) {
        let status = if row.error_code.is_some() { Status::Failure } else { Status::Success };
        let number = row.id.unsigned_abs();
        rows.push((row, status, number));
    }
    rows.sort_by_key(|(row, ..)| row.at);
    rows.iter()
        .map(|(row, status, number)| {
            let cycle_id = match row.cycle {
                Some(cycle) => store.cycle_id(&spec.name, cycle)?,
                None => None,
            };
            Ok(graph(spec, cycle_id.as_deref(), row, *status, *number))
        })
        .collect()
}

/// An entry as Graph's `directoryAudit` (`graph-api.md 11`).
fn graph(spec: &JobSpec, cycle_id: Option<&str>, row: &AuditRow, status: Status, number: u64) -> Value {
    let guid = |what: &str| super::ids::derived(spec.seed, &[&spec.name, what]).to_string();
    let correlation = match cycle_id {
        Some(cycle_id) => cycle_id.to_owned(),
        None => guid(&format!("audit {}", row.id)),
    };
    let suffix: String = guid("audit").chars().take(5).collect();
    let details = [
        ("Details", row.details.as_str()),
        ("ErrorCode", row.error_code.as_deref().unwrap_or_default()),
        ("EventName", row.event_name.as_deref().unwrap_or_default()),
        // The service has an address; a program on this machine has none to tell.
        ("ipaddr", ""),
    ];
    let details: Vec<Value> =
        details.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let principal = json!({
        "id": guid("service principal"), "displayName": spec.application, "type": "ServicePrincipal",
    });
    let object = row
        .object
        .as_ref()
        .map(|(kind, id, label)| json!({ "id": id, "displayName": label, "type": kind.as_str() }));
    let targets: Vec<Value> = [Some(principal), object].into_iter().flatten().collect();
    json!({
        "id": format!("Sync_{correlation}_{suffix}_{number}"),
        "activityDateTime": seconds(row.at),
        "activityDisplayName": row.activity,
        "category": "ProvisioningManagement",
        "correlationId": correlation,
        "loggedByService": "Account Provisioning",
        "operationType": "",
        "result": if status == Status::Failure { "failure" } else { "success" },
        "resultReason": row.details,
        "initiatedBy": { "app": { "displayName": "Azure AD Provisioning Service" } },
        "targetResources": targets,
        "additionalDetails": details,
    })
}
