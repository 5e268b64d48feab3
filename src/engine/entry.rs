//! One entry of the provisioning log: what was seen and concluded at each of the five steps (`engine.md 11`).
//!
//! The steps are values; the log, the on-demand answer and `explain` show the same ones. [`Entry`] is also the JSON
//! that the store keeps, so its field names are part of the state file's format.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spec::JobSpec;
use crate::client::Redactor;
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::scim::urn;
use crate::store::LogRow;

/// What an entry did, or would have done (`graph-api.md 10.2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// An account or group was created.
    Create,
    /// Attributes or references were changed.
    Update,
    /// `active` became false.
    Disable,
    /// Deleted.
    Delete,
    /// A delete or disable is held back by the deletion guard.
    #[serde(rename = "stagedDelete")]
    StagedDelete,
    /// The same by its other published name (`staged_action_name`).
    #[serde(rename = "stagedAction")]
    StagedAction,
    /// Nothing had to be done.
    Other,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::Create,
        Self::Update,
        Self::Disable,
        Self::Delete,
        Self::StagedDelete,
        Self::StagedAction,
        Self::Other,
    ];

    /// Its name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::StagedDelete => "stagedDelete",
            Self::StagedAction => "stagedAction",
            Self::Other => "other",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }
}

/// How a step or an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Done.
    Success,
    /// Done in part, or with something to know.
    Warning,
    /// Not done; it will be tried again.
    Failure,
    /// Nothing was to be done.
    Skipped,
}

impl Status {
    /// Its name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Success, Self::Warning, Self::Failure, Self::Skipped]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// The five steps, and reference resolution beside them (`engine.md 11`).
///
/// Their order is the one in which an entry lists its steps, whatever order they were taken in (`engine.md` C11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepKind {
    /// The source object was read.
    Import,
    /// The target was asked for it.
    Matching,
    /// Its scope was evaluated.
    Scoping,
    /// What to do was decided.
    Processing,
    /// References were turned into target ids.
    ReferenceResolution,
    /// The target was told.
    Export,
}

impl StepKind {
    /// Its name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Matching => "matching",
            Self::Scoping => "scoping",
            Self::Processing => "processing",
            Self::ReferenceResolution => "referenceResolution",
            Self::Export => "export",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `EntryImportAdd` and the like (`engine.md 11`).
    pub name: String,
    /// Which of the steps it is.
    #[serde(rename = "provisioningStepType")]
    pub kind: StepKind,
    /// How it ended.
    pub status: Status,
    /// A sentence for people.
    pub description: String,
    /// Names and values, all text.
    pub details: IndexMap<String, String>,
    /// When it was taken; only of steps on demand, whose answer tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// One attribute that was written, with what the target had before; `None` where it had nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifiedProperty {
    /// The target attribute.
    pub display_name: String,
    /// What the target had.
    pub old_value: Option<String>,
    /// What it was sent.
    pub new_value: Option<String>,
}

/// Why an entry did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorInformation {
    /// Entra's code (`engine.md 11.1`).
    pub error_code: String,
    /// What happened, in a sentence or with the target's answer.
    pub reason: String,
    /// Always null: nothing published says what stands here.
    pub additional_details: Option<String>,
    /// `failure` or `nonServiceFailure`.
    pub error_category: String,
    /// What to do about it.
    pub recommended_action: Option<String>,
}

/// The part of an entry that grows as an object goes through its steps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The steps taken so far.
    #[serde(rename = "provisioningSteps")]
    pub steps: Vec<Step>,
    /// What was written.
    pub modified_properties: Vec<ModifiedProperty>,
    /// Why it failed.
    pub error_information: Option<ErrorInformation>,
    /// From the first step to the last, in job time.
    pub duration_in_milliseconds: i64,
    /// When the first step was taken.
    pub began: Option<Timestamp>,
    /// The display name of the source object.
    pub display_name: Option<String>,
    /// Whether somebody asked for this object alone (`engine.md 8`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_demand: bool,
}

impl Entry {
    /// Masks secrets in everything that may come from the target.
    pub fn mask(&mut self, secrets: &Redactor) {
        let details = self.steps.iter_mut().flat_map(|step| step.details.values_mut());
        let values = self.modified_properties.iter_mut();
        let values = values.flat_map(|property| [&mut property.old_value, &mut property.new_value]).flatten();
        let reason = self.error_information.iter_mut().map(|error| &mut error.reason);
        for text in details.chain(values).chain(reason) {
            *text = secrets.redact(text).into_owned();
        }
    }

    /// Adds a step that succeeded.
    pub fn step(&mut self, name: &str, kind: StepKind, description: String) -> &mut Step {
        self.steps.push(Step {
            name: name.to_owned(),
            kind,
            status: Status::Success,
            description,
            details: IndexMap::new(),
            timestamp: None,
        });
        let last = self.steps.len().saturating_sub(1);
        self.steps.get_mut(last).expect("a step was pushed just now")
    }

    /// The status of the whole once it is done: a warning when one of its steps has one.
    pub fn status_when_done(&self) -> Status {
        let has_warning = self.steps.iter().any(|step| step.status == Status::Warning);
        if has_warning { Status::Warning } else { Status::Success }
    }

    /// Notes when the steps since the last call were taken.
    pub fn stamp(&mut self, now: Timestamp) {
        for step in &mut self.steps {
            step.timestamp.get_or_insert(now);
        }
    }

    /// The text of the last step, for one-line views.
    pub fn summary(&self) -> &str {
        self.steps.last().map_or("", |step| &step.description)
    }
}

/// A row of the log as `provisioningObjectSummary` (`graph-api.md 10.2`, `10.3`).
pub fn summary(spec: &JobSpec, cycle_id: &str, row: &LogRow) -> Result<Value, serde_json::Error> {
    let mut entry: Entry = serde_json::from_str(&row.entry)?;
    for step in &mut entry.steps {
        step.timestamp = None; // no member of a provisioningStep
    }
    let kind = row.kind.as_str();
    let id = |what: &str| super::ids::derived(spec.seed, &[&spec.name, what]).to_string();
    let principal = id("service principal");
    let mut source_details = json!({
        "id": row.source_id,
        "odatatype": kind,
        "DisplayName": entry.display_name.as_deref().unwrap_or(&row.label),
    });
    if let (ObjectKind::User, Some(details)) = (row.kind, source_details.as_object_mut()) {
        details.insert("UserPrincipalName".to_owned(), row.label.clone().into());
    }
    Ok(json!({
        "id": row.id,
        "activityDateTime": seconds(row.at),
        "tenantId": spec.tenant_id,
        "jobId": spec.id,
        "cycleId": cycle_id,
        "changeId": super::ids::derived(spec.seed, &[&row.id, "change"]).to_string(),
        "provisioningAction": row.action,
        "durationInMilliseconds": entry.duration_in_milliseconds,
        "provisioningStatusInfo": { "status": row.status, "errorInformation": entry.error_information },
        "provisioningSteps": entry.steps,
        "modifiedProperties": entry.modified_properties,
        "servicePrincipal": { "id": principal, "displayName": spec.application },
        "sourceSystem": { "id": id("source system"), "displayName": SOURCE_SYSTEM, "details": {} },
        "targetSystem": { "id": id("target system"), "displayName": spec.target_system, "details": {
            "ApplicationId": id("application"),
            "ServicePrincipalId": principal,
            "ServicePrincipalDisplayName": spec.application,
        } },
        "initiatedBy": if entry.on_demand {
            json!({ "id": id("administrator"), "displayName": "Administrator", "initiatorType": "user" })
        } else {
            json!({ "id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system" })
        },
        "sourceIdentity": {
            "id": row.source_id,
            "displayName": entry.display_name.as_deref().unwrap_or(&row.label),
            "identityType": kind,
            "details": source_details,
        },
        "targetIdentity": {
            "id": row.target_id.as_deref().unwrap_or_default(),
            "displayName": "",
            "identityType": target_type(row.kind),
            "details": {},
        },
    }))
}

/// What the account of an object of that kind is, as a schema.
pub(super) fn target_type(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => urn::ENTERPRISE_USER,
        ObjectKind::Group => urn::GROUP,
    }
}

/// Name of the source system in log entries of 2026 (`graph-api.md` G12).
pub const SOURCE_SYSTEM: &str = "Microsoft Entra ID";

/// A moment with seconds precision, as the log shows it.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
