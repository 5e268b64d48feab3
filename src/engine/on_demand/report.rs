//! What came of a run on demand: what the log says of it, as one piece, and in the shape of Graph's answer
//! (`graph-api.md 6.2`).

use serde_json::{Map, Value, json};

use super::Choice;
use crate::clock::Timestamp;
use crate::config::fidelity::OnDemandShape;
use crate::directory::object::ObjectKind;
use crate::engine::context::EngineError;
use crate::engine::entry::{
    Action, Entry, ErrorInformation, ModifiedProperty, SOURCE_SYSTEM, Status, StepKind, target_type,
};
use crate::engine::ids;
use crate::engine::spec::JobSpec;
use crate::engine::statistics::RunError;
use crate::store::{LogFilter, Store};

pub use crate::engine::entry::Step as ReportStep;

/// The constant key of an answer in the other published shape (`graph-api.md 6.2`).
const ARRAY_KEY: &str = "Microsoft.Identity.Health.CPP.Common.DataContracts.SyncFabric.StatusInfo";

/// What a run on demand did about its object, references included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// User or group.
    pub kind: ObjectKind,
    /// objectId.
    pub source_id: String,
    /// userPrincipalName or displayName.
    pub label: String,
    /// The account; `None` when there is none.
    pub target_id: Option<String>,
    /// What was done, or tried.
    pub action: Action,
    /// How it ended.
    pub status: Status,
    /// The steps in the order in which entries list them: import, matching, scoping, export.
    pub steps: Vec<ReportStep>,
    /// What was written, or was to be.
    pub modified_properties: Vec<ModifiedProperty>,
    /// Why it failed.
    pub error_information: Option<ErrorInformation>,
    began: Timestamp,
    ended: Timestamp,
    change: String,
}

impl Report {
    /// What the log of `spec` says of the run of this number; `None` when it ended before it came to the object.
    pub fn of(spec: &JobSpec, store: &Store, choice: &Choice, run: i64) -> Result<Option<Self>, EngineError> {
        let filter =
            LogFilter { object: Some(choice.id().to_owned()), cycle: Some(run), ..LogFilter::default() };
        let mut report: Option<Self> = None;
        // An object whose references were written too has two entries.
        for row in store.log_entries(&spec.name, &filter)? {
            let entry = serde_json::from_str::<Entry>(&row.entry)?;
            let (Some(action), Some(status)) =
                (Action::from_name(&row.action), Status::from_name(&row.status))
            else {
                return Err(EngineError::Defect("an entry of the log has an unknown action or status"));
            };
            let part = Self {
                kind: row.kind,
                source_id: row.source_id,
                label: row.label,
                target_id: row.target_id,
                action,
                status,
                steps: entry.steps,
                modified_properties: entry.modified_properties,
                error_information: entry.error_information,
                began: entry.began.unwrap_or(row.at),
                ended: row.at,
                change: ids::derived(spec.seed, &[&row.id, "change"]).to_string(),
            };
            report = Some(match report {
                Some(first) => first.followed_by(part),
                None => part,
            });
        }
        Ok(report)
    }

    fn followed_by(mut self, references: Self) -> Self {
        let failed = references.status == Status::Failure;
        if failed || references.status == Status::Warning {
            self.status = references.status;
        }
        self.steps.extend(references.steps);
        self.steps.sort_by_key(|step| step.kind);
        self.modified_properties.extend(references.modified_properties);
        self.error_information = self.error_information.or(references.error_information);
        self.target_id = self.target_id.or(references.target_id);
        self.ended = references.ended;
        self
    }

    /// Steps of one kind.
    pub fn steps_of(&self, kind: StepKind) -> impl Iterator<Item = &ReportStep> {
        self.steps.iter().filter(move |step| step.kind == kind)
    }

    /// The reason of a skip, or the code of a failure, and a sentence about it; `None` for a success.
    pub fn error(&self) -> Option<(&str, &str)> {
        if let (Status::Failure, Some(error)) = (self.status, &self.error_information) {
            return Some((&error.error_code, &error.reason));
        }
        let skip = self.steps.iter().rev().find(|step| step.status == Status::Skipped)?;
        (self.status == Status::Skipped)
            .then(|| (skip.details.get("SkipReason").map_or("", String::as_str), skip.description.as_str()))
    }

    /// The `stringKeyStringValuePair` that Graph answers with.
    pub fn to_graph(&self, spec: &JobSpec) -> Value {
        let result = match self.status {
            Status::Success | Status::Warning => "Success",
            Status::Failure => "Failure",
            Status::Skipped => "Skipped",
        };
        // The published answer about a group that went well says nothing more.
        let value =
            if self.kind == ObjectKind::Group && result == "Success" { json!({}) } else { self.value(spec) };
        pair(spec, result, self.error(), &value)
    }

    fn value(&self, spec: &JobSpec) -> Value {
        let (error, code) = (self.error_information.as_ref(), self.error().map(|(code, _)| code));
        let properties: Vec<Value> = self
            .modified_properties
            .iter()
            .map(|property| {
                json!({
                    "displayName": property.display_name,
                    "oldValue": property.old_value,
                    "newValue": property.new_value,
                })
            })
            .collect();
        json!({
            "action": capitalised(self.action.as_str()),
            "changeId": self.change,
            "startTime": moment(self.began),
            "endTime": moment(self.ended),
            "modifiedProperties": properties,
            "provisioningSteps": self.steps.iter().map(|step| self.step(step)).collect::<Vec<_>>(),
            "reportableIdentifier": self.label,
            "statusInfo": {
                "status": capitalised(self.status.as_str()),
                "errorCode": code,
                "reason": error.map(|error| &error.reason),
                "additionalDetails": error.and_then(|error| error.additional_details.as_ref()),
                "errorCategory": error.map(|error| capitalised(&error.error_category)),
                "recommendedAction": error.and_then(|error| error.recommended_action.as_ref()),
            },
            "sourceIdentity": {
                "id": self.source_id, "type": self.kind.as_str(), "displayName": null, "details": null,
            },
            "sourceSystem": { "id": null, "name": SOURCE_SYSTEM, "details": null },
            "targetIdentity": {
                "id": self.target_id, "type": target_type(self.kind), "displayName": null, "details": null,
            },
            "targetSystem": { "id": null, "name": spec.target_system, "details": null },
        })
    }

    fn step(&self, step: &ReportStep) -> Value {
        let details: Map<String, Value> =
            step.details.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect();
        json!({
            "name": step.name,
            "type": capitalised(step.kind.as_str()),
            "status": capitalised(step.status.as_str()),
            "description": step.description,
            "timestamp": moment(step.timestamp.unwrap_or(self.ended)),
            "details": details,
        })
    }
}

/// The answer about a run that the target refused before its object was looked at.
pub fn refused(spec: &JobSpec, error: &RunError) -> Value {
    pair(spec, "Failure", Some((&error.code, &error.message)), &json!({}))
}

/// Key and value are texts that hold JSON.
fn pair(spec: &JobSpec, result: &str, error: Option<(&str, &str)>, value: &Value) -> Value {
    let details = error
        .map_or_else(|| json!({}), |(code, message)| json!({ "errorCode": code, "errorMessage": message }));
    match spec.rules.on_demand_shape {
        OnDemandShape::Object => {
            let key = json!({ "result": result, "details": details });
            json!({ "key": key.to_string(), "value": value.to_string() })
        }
        OnDemandShape::Array => json!({ "key": ARRAY_KEY, "value": json!([value]).to_string() }),
    }
}

/// A moment with the precision that the state keeps.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// An enum value as the answer writes it.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
