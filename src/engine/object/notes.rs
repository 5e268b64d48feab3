//! What an object's entry in the log says: the steps that were seen, and why nothing was sent.

use serde_json::Value;

use super::{ObjectTask, source_view};
use crate::directory::object::ObjectKind;
use crate::engine::context::{Context, EngineError};
use crate::engine::decide::{Decision, Skip};
use crate::engine::entry::{Action, Entry, ErrorInformation, SOURCE_SYSTEM, Status, StepKind};
use crate::expression::AttributeValue;
use crate::scim::member;
use crate::scope::Standing;
use crate::store::{Link, ObjectState, Phase, WorkItem};

/// The code of an object without any matching value (`engine.md 11.1`).
const IMPORT_SKIPPED: &str = "ImportSkipped";
/// The code of an object that is out of scope or needs nothing (`engine.md 11.1`).
pub(super) const SKIPPED: &str = "EntrySynchronizationSkipped";

impl ObjectTask {
    pub(super) fn note_import(&mut self, context: &Context<'_>) {
        let view = source_view(context.spec, &self.loaded.object, &self.loaded.verdict);
        let whole = context.is_initial() || context.choice.is_some();
        let (name, verb) = match (whole, self.loaded.object.state, self.loaded.link.is_some()) {
            (true, ..) => ("EntryImport", "Retrieved"), // by a full read, or for this object alone
            (false, ObjectState::Gone(_), _) => {
                ("EntryImportDelete", "Received a change of type (Delete) of")
            }
            (false, _, true) => ("EntryImportUpdate", "Received a change of type (Update) of"),
            (false, _, false) => ("EntryImportAdd", "Received a change of type (Add) of"),
        };
        let description =
            format!("{verb} {} '{}' from {}", self.item.kind, self.loaded.object.label, SOURCE_SYSTEM);
        let mapping = context.spec.mapping(self.item.kind);
        let step = self.entry.step(name, StepKind::Import, description);
        for attribute in std::iter::once("objectId").chain(["accountEnabled", "IsSoftDeleted"]).chain(
            mapping
                .source_attributes()
                .into_iter()
                .filter(|name| !matches!(*name, "objectId" | "IsSoftDeleted")),
        ) {
            let text = match view.get(attribute) {
                Some(AttributeValue::Text(text)) => text.clone(),
                Some(AttributeValue::List(texts)) => texts.join(";"),
                Some(AttributeValue::Roles(roles)) => {
                    roles.iter().map(|role| role.display_name.as_str()).collect::<Vec<_>>().join(";")
                }
                None => continue,
            };
            step.details.insert(attribute.to_owned(), text);
        }
    }

    pub(super) fn note_scope(&mut self, context: &Context<'_>) {
        let description = format!(
            "{} '{}' {} for {}",
            self.item.kind,
            self.loaded.object.label,
            if self.loaded.verdict.in_scope() { "is in scope" } else { "is out of scope" },
            context.spec.application
        );
        let step = self.entry.step("EntrySynchronizationScoping", StepKind::Scoping, description);
        let details = self.loaded.verdict.details(context.spec.rules.scoping_keys);
        step.details.extend(details.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }

    /// Says so when the target returned the members that it was asked to leave out: they are not looked at (README of
    /// the sheets, returned members; `wire.md 6.2`, E-254).
    pub(super) fn note_members(&mut self, current: &Value) {
        let members = member(current, "members").and_then(Value::as_array);
        if self.item.kind != ObjectKind::Group || members.is_none_or(Vec::is_empty) {
            return;
        }
        let text = format!(
            "the target returned members of Group '{}' in spite of `excludedAttributes=members`; they are ignored",
            self.loaded.object.label
        );
        let step = self.entry.step("EntryImport", StepKind::Import, text.clone());
        step.status = Status::Warning;
        step.details.insert("Warning".to_owned(), text);
    }

    /// Ends with nothing sent, and says why.
    pub(super) fn skip(&mut self, context: &mut Context<'_>, skip: Skip) -> Result<(), EngineError> {
        self.note_import(context);
        if skip != Skip::NoMatchingValue {
            self.note_scope(context);
        }
        let label = self.loaded.object.label.clone();
        let (code, reason, text) = match skip {
            Skip::NoMatchingValue => (
                IMPORT_SKIPPED,
                "NoMatchingValue",
                "no matching attribute has a value at the source".to_owned(),
            ),
            Skip::NotEntitled => {
                let objections: Vec<String> = self
                    .loaded
                    .verdict
                    .objections()
                    .iter()
                    .enumerate()
                    .map(|(index, objection)| format!("{}) {objection}", index.saturating_add(1)))
                    .collect();
                (
                    SKIPPED,
                    "NotEffectivelyEntitled",
                    format!("it is not effectively entitled: {}", objections.join(", ")),
                )
            }
            Skip::SkipOutOfScopeDeletions => (
                SKIPPED,
                "NotEffectivelyEntitled",
                "SkipOutOfScopeDeletions is on, so nothing is taken away".to_owned(),
            ),
            Skip::GroupKept => (
                SKIPPED,
                "NotEffectivelyEntitled",
                "it left scope, and `group_out_of_scope` keeps such groups".to_owned(),
            ),
            Skip::ActionOff => (
                SKIPPED,
                "ActionDisabled",
                "the action is switched off in the mapping's target object actions".to_owned(),
            ),
            Skip::SoftDeleteNotMapped => (
                SKIPPED,
                "NotEffectivelyEntitled",
                "no mapping reads IsSoftDeleted, so there is no way to disable it".to_owned(),
            ),
            Skip::Unmanaged => (
                SKIPPED,
                "NotEffectivelyEntitled",
                "it left scope before and is no longer managed".to_owned(),
            ),
            Skip::NotProcessed => (
                SKIPPED,
                "NotProcessed",
                format!("the mapping does not look at it: {}", self.loaded.verdict.objections().join(", ")),
            ),
        };
        if let Some(link) = &self.loaded.link
            && link.managed
            && skip != Skip::NotProcessed
            && (!self.loaded.verdict.in_scope() || self.loaded.verdict.standing == Standing::HardDeleted)
        {
            let link = Link { managed: false, ..link.clone() };
            context.store.save_link(&context.spec.name, (self.item.kind, &self.item.id), &label, &link)?;
        }
        let action = match skip {
            Skip::NotEntitled => Action::Create,
            Skip::NoMatchingValue
            | Skip::SkipOutOfScopeDeletions
            | Skip::GroupKept
            | Skip::ActionOff
            | Skip::SoftDeleteNotMapped
            | Skip::Unmanaged
            | Skip::NotProcessed => Action::Other,
        };
        self.finish_skipped(context, action, (code, reason), text)
    }

    /// A delete or disable that the deletion guard holds back: nothing is sent, and the job remembers it.
    pub(super) fn hold_back(
        &mut self,
        context: &mut Context<'_>,
        decision: Decision,
    ) -> Result<(), EngineError> {
        self.note_import(context);
        self.note_scope(context);
        let (kind, label) = (self.item.kind, self.loaded.object.label.clone());
        context.store.stage(&context.spec.name, kind, &self.item.id, context.cycle)?;
        let (name, verb) = match decision {
            Decision::Remove => ("EntrySynchronizationDelete", "delete"),
            Decision::Evaluate { .. } | Decision::Provision | Decision::Skip(_) | Decision::Nothing => {
                ("EntrySynchronizationUpdate", "disable")
            }
        };
        let text = format!(
            "{kind} '{label}' is staged: the {verb} in {} is held back by accidental-deletion prevention",
            context.spec.target_system
        );
        let step = self.entry.step(name, StepKind::Processing, text);
        step.status = Status::Skipped;
        step.details.insert("SkipReason".to_owned(), "TooManyDeletes".to_owned());
        let (target_id, action) = (self.target_id(), context.spec.rules.staged_action);
        let entry = std::mem::take(&mut self.entry);
        context.log(self.phase, &self.item, &label, target_id.as_deref(), action, Status::Skipped, entry)
    }

    pub(super) fn finish_skipped(
        &mut self,
        context: &mut Context<'_>,
        action: Action,
        (code, reason): (&str, &str),
        text: String,
    ) -> Result<(), EngineError> {
        let description = format!("{} '{}' was skipped: {text}", self.item.kind, self.loaded.object.label);
        skip_step(&mut self.entry, description, (code, reason), text);
        self.release_all(context)?;
        let target_id = self.target_id();
        let entry = std::mem::take(&mut self.entry);
        context.log(
            self.phase,
            &self.item,
            &self.loaded.object.label,
            target_id.as_deref(),
            action,
            Status::Skipped,
            entry,
        )
    }
}

/// Adds the step that says that nothing was done, and the code that goes with it.
fn skip_step(entry: &mut Entry, description: String, (code, reason): (&str, &str), text: String) {
    let step = entry.step("EntrySynchronizationSkip", StepKind::Export, description);
    step.status = Status::Skipped;
    step.details.insert("SkipReason".to_owned(), reason.to_owned());
    step.details.insert("ErrorCode".to_owned(), code.to_owned());
    // A skip has no error information, but for a missing matching value (`graph-api.md 10.4`).
    if code == IMPORT_SKIPPED {
        entry.error_information = Some(ErrorInformation {
            error_code: code.to_owned(),
            reason: text,
            additional_details: None,
            error_category: "nonServiceFailure".to_owned(),
            recommended_action: None,
        });
    }
}

/// Writes the entry of an object that needed nothing (`RedundantExport`).
pub(in crate::engine) fn log_redundant(
    context: &mut Context<'_>,
    phase: Phase,
    item: &WorkItem,
    label: &str,
    target_id: Option<&str>,
    mut entry: Entry,
) -> Result<(), EngineError> {
    let text = "source and target agree".to_owned();
    let description = format!("{} '{label}' was skipped: {text}", item.kind);
    skip_step(&mut entry, description, (SKIPPED, "RedundantExport"), text);
    context.log(phase, item, label, target_id, Action::Other, Status::Skipped, entry)
}
