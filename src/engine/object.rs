//! One user or group on its way through the five steps: import, scope, match, decide, export.

mod matching;
mod notes;
mod source;
mod unique;

use serde_json::Value;

use super::context::{Answer, Context, EngineError, Next, Refusal};
use super::decide::Decision;
use super::entry::{Action, Entry, ModifiedProperty, Status, StepKind};
use super::guard::takes_away;
use super::reference::ReferenceNote;
use crate::config::fidelity::OnMissing;
use crate::directory::object::ObjectKind;
use crate::http::{Method, Response};
use crate::mapping::{Difference, Evaluated, Mapped, MappedAttribute, MappedValue, Taken};
use crate::scim::answer::parse_resource;
use crate::scim::failure::{ErrorCode, Exchange};
use crate::scim::path::TargetPath;
use crate::scim::query::{FilterValue, collection_path, read_path, resource_path};
use crate::scope::Verdict;
use crate::store::{Link, Phase, WorkItem};

use notes::SKIPPED;
pub(super) use notes::log_redundant;
pub(super) use source::{Loaded, decision, evaluate, is_touched, load, source_view};

/// A task: one object, at most one request under way.
#[derive(Debug)]
pub(super) struct ObjectTask {
    pub(super) item: WorkItem,
    phase: Phase,
    loaded: Loaded,
    mapped: Option<Mapped>,
    matching: Vec<(TargetPath, FilterValue)>,
    /// Values of `SelectUniqueValue` that the target turned out to hold.
    taken: Taken,
    /// Whether this takes the account away: disabled, or out of scope.
    removes: bool,
    /// Whether the PATCH under way writes `active` for that.
    disables: bool,
    /// What the link says afterwards.
    managed: bool,
    /// The account was created or linked anew: all its references are to be written.
    fresh: bool,
    /// A conflict on create was looked up once (`requery_on_conflict`).
    asked_again: bool,
    /// The linked account was gone, and another was looked for (`on_missing`): once is enough.
    rematched: bool,
    /// Why the mappings made nothing of the object; it fails with it when they are needed.
    unmappable: Option<Refusal>,
    current: Option<Value>,
    entry: Entry,
    stage: Stage,
}

/// What the request under way is for.
#[derive(Debug)]
enum Stage {
    /// Nothing is under way.
    Idle,
    /// A create may have been cut off: looks for the value it sent.
    Recover,
    /// The same for an object that is not to be created any more: what was created has to be taken away.
    Settle,
    /// Looks for a match by the matching attribute of this number.
    Match(usize),
    /// Reads the linked account.
    Read,
    /// Looks whether the target holds the unique value of this number.
    Unique(usize),
    /// Creates.
    Create,
    /// Writes the differences.
    Patch,
}

impl ObjectTask {
    /// Takes up an object: import, scope, mapping, decision, and the first request if there is to be one.
    pub(super) fn start(
        context: &mut Context<'_>,
        phase: Phase,
        item: WorkItem,
    ) -> Result<Option<(Self, Next)>, EngineError> {
        let kind = item.kind;
        let Some(loaded) = load(context.spec, context.store, (kind, &item.id), context.seen_until())? else {
            return Ok(None);
        };
        let mapping = context.spec.mapping(kind);
        count_import(context, &item, &loaded.verdict);
        if !mapping.enabled {
            context.store.drop_escrow(&context.spec.name, kind, &item.id, false)?;
            context.store.drop_escrow(&context.spec.name, kind, &item.id, true)?;
            return Ok(None);
        }
        let mut task = Self {
            phase,
            loaded,
            mapped: None,
            matching: Vec::new(),
            taken: Taken::new(),
            removes: false,
            disables: false,
            managed: true,
            fresh: false,
            asked_again: false,
            rematched: false,
            unmappable: None,
            current: None,
            entry: Entry { began: Some(context.now), ..Entry::default() },
            stage: Stage::Idle,
            item,
        };
        task.entry.display_name = task.loaded.object.text("displayName").map(str::to_owned);
        task.map(context);
        let decision = task.decide(context);
        let next = match (decision, task.interrupted(context)?) {
            (Decision::Nothing | Decision::Skip(_), Some((path, value))) => {
                task.stage = Stage::Settle;
                task.look_for_interrupted(context, &path, value)?
            }
            (decision, _) => task.act(context, decision)?,
        };
        context.stamp(&mut task.entry);
        Ok(Some((task, next)))
    }

    fn decide(&self, context: &Context<'_>) -> Decision {
        let has_matching_value = self.unmappable.is_some() || !self.matching.is_empty();
        let touched = is_touched(context.spec, &self.item);
        decision(context.spec, &self.loaded, touched, has_matching_value, context.is_initial())
    }

    /// Begins what was decided. A mapping that fails stands in the way of values, not of a removal or a skip.
    fn act(&mut self, context: &mut Context<'_>, decision: Decision) -> Result<Next, EngineError> {
        if context.held.is_some() && takes_away(decision, self.loaded.link.as_ref()) {
            self.hold_back(context, decision)?;
            return Ok(Next::Done);
        }
        match decision {
            Decision::Provision | Decision::Evaluate { .. } if self.unmappable.is_some() => {
                let refusal = self.unmappable.take().ok_or(EngineError::Defect("a failure went missing"))?;
                self.note_import(context);
                self.removes = matches!(decision, Decision::Evaluate { removes: true, .. });
                self.fail_here(context, &refusal)
            }
            Decision::Nothing => {
                // Of a linked object in scope nothing was looked at: what it waits for is not done.
                if !(self.loaded.verdict.in_scope()
                    && self.loaded.link.as_ref().is_some_and(|link| link.managed))
                {
                    self.release_all(context)?;
                }
                Ok(Next::Done)
            }
            Decision::Skip(skip) => {
                self.skip(context, skip)?;
                Ok(Next::Done)
            }
            Decision::Remove => {
                let removals = match self.item.kind {
                    ObjectKind::User => Phase::UserRemovals,
                    ObjectKind::Group => Phase::GroupRemovals,
                };
                context.store.add_work(removals, &self.item)?;
                Ok(Next::Done)
            }
            Decision::Provision => {
                self.note_import(context);
                self.note_scope(context);
                self.begin_match(context)
            }
            Decision::Evaluate { managed, removes } => {
                self.managed = managed;
                self.removes = removes;
                self.note_import(context);
                self.note_scope(context);
                self.read(context)
            }
        }
    }

    /// Takes the answer to the request under way.
    pub(super) fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        let next = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => Err(EngineError::Defect("an answer came that nobody had asked for")),
            Stage::Recover => self.matched(context, None, answer),
            Stage::Settle => self.settled(context, answer),
            Stage::Match(number) => self.matched(context, Some(number), answer),
            Stage::Unique(number) => self.looked_for_unique(context, number, answer),
            Stage::Read => self.was_read(context, answer),
            Stage::Create => self.created(context, answer),
            Stage::Patch => self.patched(context, answer),
        };
        context.stamp(&mut self.entry);
        next
    }

    /// The object's name.
    pub(super) fn label(&self) -> &str {
        &self.loaded.object.label
    }

    fn map(&mut self, context: &Context<'_>) {
        let view = source_view(context.spec, &self.loaded.object, &self.loaded.verdict);
        match evaluate(context.spec, &self.loaded.object, &view, &self.taken, context.cycle, context.now) {
            Ok(Evaluated::Mapped(mapped)) => {
                self.matching = mapped.matching();
                self.mapped = Some(mapped);
            }
            Ok(Evaluated::IgnoreObject { .. }) => {}
            Err(error) => self.unmappable = Some(Refusal::ours(error.code(), error.to_string())),
        }
    }

    fn target_id(&self) -> Option<String> {
        self.loaded.link.as_ref().map(|link| link.target_id.clone())
    }

    /// Nothing is wanted of the object any more: neither the operation nor the reference that waits in escrow, nor
    /// the create that may have been cut off.
    fn release_all(&self, context: &Context<'_>) -> Result<(), EngineError> {
        self.release_escrow(context)?;
        self.release_references(context)?;
        Ok(context.store.drop_intent(&context.spec.name, self.item.kind, &self.item.id)?)
    }

    /// No reference of it is wanted any more.
    fn release_references(&self, context: &Context<'_>) -> Result<(), EngineError> {
        let (job, kind, id) = (&context.spec.name, self.item.kind, &self.item.id);
        context.store.owe_references(job, kind, id, false)?;
        context.close_escrow(&self.item, &self.loaded.object.label, true)
    }

    /// The operation that an escrow waited to repeat is done.
    fn release_escrow(&self, context: &Context<'_>) -> Result<(), EngineError> {
        context.close_escrow(&self.item, &self.loaded.object.label, false)
    }

    fn fail(
        &mut self,
        context: &mut Context<'_>,
        action: Action,
        step: &str,
        refusal: &Refusal,
    ) -> Result<(), EngineError> {
        context.weigh(refusal);
        let target_id = self.target_id();
        let entry = std::mem::take(&mut self.entry);
        context.fail(
            self.phase,
            &self.item,
            &self.loaded.object.label,
            target_id.as_deref(),
            action,
            false,
            step,
            entry,
            refusal,
        )
    }

    /// Fails with what the task was about.
    fn fail_here(&mut self, context: &mut Context<'_>, refusal: &Refusal) -> Result<Next, EngineError> {
        let (action, step) = if self.removes {
            (Action::Disable, "EntryExportUpdateSoftDelete")
        } else if self.loaded.link.is_none() {
            (Action::Create, "EntryExportAdd")
        } else {
            (Action::Update, "EntryExportUpdate")
        };
        self.fail(context, action, step, refusal)?;
        Ok(Next::Done)
    }

    // Creating.

    /// Nothing matches: create, unless the account was to be taken away or Create is off.
    fn unmatched(&mut self, context: &mut Context<'_>) -> Result<Next, EngineError> {
        if self.rematched {
            context.store.drop_link(&context.spec.name, self.item.kind, &self.item.id)?;
        }
        if self.removes || !context.spec.mapping(self.item.kind).create {
            let text = if self.removes {
                "it is not in the target, so there is nothing to disable"
            } else {
                "it is not in the target, and Create is switched off in the mapping's target object actions"
            };
            let reason = if self.removes { "NotEffectivelyEntitled" } else { "ActionDisabled" };
            self.finish_skipped(context, Action::Other, (SKIPPED, reason), text.to_owned())?;
            return Ok(Next::Done);
        }
        self.look_for_unique(context, 0)
    }

    /// Sends the create; every unique value it carries is known to be free.
    fn create(&mut self, context: &mut Context<'_>) -> Result<Next, EngineError> {
        let Some(mapped) = &self.mapped else {
            let text = "an expression leaves the object out".to_owned();
            self.finish_skipped(context, Action::Other, (SKIPPED, "IgnoreObjectFlow"), text)?;
            return Ok(Next::Done);
        };
        self.entry.step(
            "EntrySynchronizationAdd",
            StepKind::Matching,
            format!(
                "{} '{}' will be created in {} ({} is active and assigned, and no match was found)",
                self.item.kind, self.loaded.object.label, context.spec.target_system, self.item.kind
            ),
        );
        let body = match mapped.create_body(&context.spec.style) {
            Ok(body) => body,
            Err(refused) => {
                let refusal = Refusal::ours(ErrorCode::MandatoryFieldsMissing, refused.to_string());
                return self.fail_here(context, &refusal);
            }
        };
        self.entry.modified_properties = created_properties(mapped);
        context.statistics.count_exports += 1;
        if let Some((path, value)) = self.matching.first()
            && context.spec.rules.intent_recovery
        {
            context.store.save_intent(
                &context.spec.name,
                (self.item.kind, &self.item.id),
                (path.as_str(), value.as_str()),
            )?;
        }
        self.stage = Stage::Create;
        Ok(Next::Send(
            Exchange::Create,
            context.request(Method::Post, collection_path(self.item.kind), Some(&body)),
        ))
    }

    fn created(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        let (job, kind) = (context.spec.name.clone(), self.item.kind);
        let response = match usable(Exchange::Create, answer) {
            Ok(response) => response,
            Err(refusal) => {
                // A refusal by the target means that nothing was created; anything else leaves that open.
                if refusal.http_status.is_some_and(|status| (400..500).contains(&status)) {
                    context.store.drop_intent(&job, kind, &self.item.id)?;
                }
                if refusal.http_status == Some(409)
                    && context.spec.rules.requery_on_conflict
                    && !self.asked_again
                {
                    self.asked_again = true;
                    self.entry.modified_properties.clear();
                    return self.match_by(context, 0);
                }
                return self.fail_here(context, &refusal);
            }
        };
        let resource = match parse_resource(kind, &response.body) {
            Ok(resource) => resource,
            Err(error) => {
                return self.fail_here(context, &Refusal::answer(Exchange::Create, &error, &response));
            }
        };
        let link = Link { target_id: resource.id.clone(), managed: true, removed: false };
        context.store.save_link(&job, (kind, &self.item.id), &self.loaded.object.label, &link)?;
        context.store.made_account(&job, kind, &self.item.id)?;
        self.loaded.link = Some(link);
        self.fresh = true;
        self.release_escrow(context)?;
        context.exported();
        let status = if response.status == 201 { Status::Success } else { Status::Warning };
        let step = self.entry.step(
            "EntryExportAdd",
            StepKind::Export,
            format!("{kind} '{}' was created in {}", self.loaded.object.label, context.spec.target_system),
        );
        step.status = status;
        step.details.insert("ReportableIdentifier".to_owned(), self.loaded.object.label.clone());
        if status == Status::Warning {
            step.details.insert(
                "Warning".to_owned(),
                format!("the target answered {} instead of 201", response.status),
            );
        }
        // A new account has no references yet; what it answered is not asked (README, reads before the reference pass).
        self.add_references(context, None)?;
        let entry = std::mem::take(&mut self.entry);
        context.log(
            self.phase,
            &self.item,
            &self.loaded.object.label,
            Some(&resource.id),
            Action::Create,
            status,
            entry,
        )?;
        Ok(Next::Done)
    }

    // Reading and comparing.

    fn read(&mut self, context: &mut Context<'_>) -> Result<Next, EngineError> {
        let Some(link) = &self.loaded.link else { return Err(EngineError::Defect("a read without a link")) };
        let path = read_path(self.item.kind, &link.target_id);
        self.stage = Stage::Read;
        Ok(Next::Send(Exchange::Read, context.request(Method::Get, &path, None)))
    }

    fn was_read(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        if is_missing(&answer) {
            return self.missing(context, Exchange::Read, answer);
        }
        let response = match usable(Exchange::Read, answer) {
            Ok(response) => response,
            Err(refusal) => return self.fail_here(context, &refusal),
        };
        match parse_resource(self.item.kind, &response.body) {
            Ok(resource) => self.compare(context, resource.body),
            Err(error) => self.fail_here(context, &Refusal::answer(Exchange::Read, &error, &response)),
        }
    }

    /// The linked account is gone (`on_missing`). Its link stands until another account is found or none is: whoever
    /// is to be disabled must not be forgotten when the look-up fails.
    fn missing(
        &mut self,
        context: &mut Context<'_>,
        exchange: Exchange,
        answer: Answer,
    ) -> Result<Next, EngineError> {
        match context.spec.rules.on_missing {
            OnMissing::Rematch if !self.rematched => {
                self.rematched = true;
                self.entry.modified_properties.clear();
                let gone = self.target_id().unwrap_or_default();
                self.entry.step(
                    "EntryImport",
                    StepKind::Matching,
                    format!(
                        "The account {gone} is no longer in {}; looking for it again",
                        context.spec.target_system
                    ),
                );
                self.loaded.link = None;
                self.begin_match(context)
            }
            OnMissing::Rematch | OnMissing::InvalidAnchor => match usable(exchange, answer) {
                Err(refusal) => self.fail_here(context, &refusal),
                Ok(_) => Err(EngineError::Defect("a missing account that answered")),
            },
        }
    }

    fn compare(&mut self, context: &mut Context<'_>, current: Value) -> Result<Next, EngineError> {
        self.note_members(&current);
        let Some(mapped) = &self.mapped else {
            let text = "an expression leaves the object out".to_owned();
            self.finish_skipped(context, Action::Other, (SKIPPED, "IgnoreObjectFlow"), text)?;
            return Ok(Next::Done);
        };
        let mut differences = mapped.differences(&current, &context.spec.style);
        if !context.is_initial() && !self.fresh {
            differences.extend(mapped.switch_defects(&current, &context.spec.style));
            differences.sort_by_key(|difference| difference.mapping_index);
        }
        self.current = Some(current);
        if differences.is_empty() {
            return self.unchanged(context);
        }
        let Some(link) = &self.loaded.link else {
            return Err(EngineError::Defect("a comparison without a link"));
        };
        let body = crate::mapping::patch_body(&differences, &context.spec.style);
        let path = resource_path(self.item.kind, &link.target_id);
        self.entry.step(
            "EntrySynchronizationUpdate",
            StepKind::Processing,
            format!(
                "{} '{}' will be updated in {}",
                self.item.kind, self.loaded.object.label, context.spec.target_system
            ),
        );
        context.statistics.count_exports += 1;
        self.disables =
            self.removes && differences.iter().any(|difference| difference.path.is_core("active"));
        self.entry.modified_properties = changed_properties(&differences);
        self.stage = Stage::Patch;
        Ok(Next::Send(Exchange::Update, context.request(Method::Patch, &path, Some(&body))))
    }

    /// Source and target agree on everything but, perhaps, references.
    fn unchanged(&mut self, context: &mut Context<'_>) -> Result<Next, EngineError> {
        self.keep_link(context)?;
        self.release_escrow(context)?;
        let mut entry = std::mem::take(&mut self.entry);
        context.stamp(&mut entry);
        // If there are references to look at, their pass says how it ended: one change, one entry.
        if let Some(entry) = self.add_references(context, Some(entry))? {
            let target_id = self.target_id();
            log_redundant(
                context,
                self.phase,
                &self.item,
                &self.loaded.object.label,
                target_id.as_deref(),
                entry,
            )?;
        }
        Ok(Next::Done)
    }

    fn patched(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        if is_missing(&answer) {
            return self.missing(context, Exchange::Update, answer);
        }
        if let Err(refusal) = usable(Exchange::Update, answer) {
            return self.fail_here(context, &refusal);
        }
        self.keep_link(context)?;
        self.release_escrow(context)?;
        context.exported();
        let (action, step) = if self.disables {
            (Action::Disable, "EntryExportUpdateSoftDelete")
        } else {
            (Action::Update, "EntryExportUpdate")
        };
        let verb = if self.disables { "disabled" } else { "updated" };
        self.entry.step(
            step,
            StepKind::Export,
            format!(
                "{} '{}' was {verb} in {}",
                self.item.kind, self.loaded.object.label, context.spec.target_system
            ),
        );
        self.add_references(context, None)?;
        let target_id = self.target_id();
        let entry = std::mem::take(&mut self.entry);
        let status = entry.status_when_done();
        context.log(
            self.phase,
            &self.item,
            &self.loaded.object.label,
            target_id.as_deref(),
            action,
            status,
            entry,
        )?;
        Ok(Next::Done)
    }

    fn keep_link(&mut self, context: &mut Context<'_>) -> Result<(), EngineError> {
        let Some(link) = &mut self.loaded.link else {
            return Err(EngineError::Defect("a result without a link"));
        };
        if self.managed && !link.managed {
            self.fresh = true; // back in scope: everything it refers to is looked at again
        }
        link.managed = self.managed;
        link.removed = self.removes;
        Ok(context.store.save_link(
            &context.spec.name,
            (self.item.kind, &self.item.id),
            &self.loaded.object.label,
            link,
        )?)
    }

    /// Leaves a note for the reference pass, if this object has references to look at: in the list of this cycle, and,
    /// where the change log would not lead there again, in the link. Takes over an entry that is
    /// not written yet; gives it back when there is no such pass for the object.
    fn add_references(
        &self,
        context: &mut Context<'_>,
        pending: Option<Entry>,
    ) -> Result<Option<Entry>, EngineError> {
        let mapping = context.spec.mapping(self.item.kind);
        let (phase, attribute) = match self.item.kind {
            ObjectKind::User => (Phase::Managers, "manager"),
            ObjectKind::Group => (Phase::Members, "members"),
        };
        let references = mapping.references();
        let Some(reference) = references.iter().find(|reference| reference.source_attribute == attribute)
        else {
            return Ok(pending);
        };
        if !self.managed || !mapping.update {
            self.release_references(context)?;
            return Ok(pending);
        }
        if self.fresh || self.item.escrow {
            context.store.owe_references(&context.spec.name, self.item.kind, &self.item.id, true)?;
        }
        if self.item.kind == ObjectKind::Group
            && context.choice.as_ref().is_some_and(|choice| choice.members().is_empty())
        {
            return Ok(pending); // nobody asked for its members; those it owes are the next cycle's
        }
        let present = self
            .current
            .as_ref()
            .and_then(|current| reference.path.read_reference(current))
            .map(str::to_owned);
        let note = ReferenceNote { present, fresh: self.fresh, pending };
        let item = WorkItem { note: Some(serde_json::to_string(&note)?), ..self.item.clone() };
        context.store.add_work(phase, &item)?;
        Ok(None)
    }
}

/// The response, if its status is one that lets the work go on.
pub(super) fn usable(exchange: Exchange, answer: Answer) -> Result<Response, Refusal> {
    match answer {
        Ok(response) if response.is_success() => Ok(response),
        Ok(response) => Err(Refusal::status(exchange, &response)),
        Err(error) => Err(Refusal::transport(exchange, &error)),
    }
}

/// Whether the target says that there is no such object.
pub(super) fn is_missing(answer: &Answer) -> bool {
    matches!(answer, Ok(response) if response.status == 404)
}

/// What a create sends, as the log lists it.
fn created_properties(mapped: &Mapped) -> Vec<ModifiedProperty> {
    let property = |attribute: &MappedAttribute| {
        let value = attribute.create_value()?;
        Some(ModifiedProperty {
            display_name: attribute.path.to_string(),
            old_value: None,
            new_value: Some(attribute.log_text.clone().unwrap_or_else(|| text_of(value))),
        })
    };
    mapped.attributes.iter().filter_map(property).collect()
}

/// What a PATCH sends, as the log lists it.
fn changed_properties(differences: &[Difference]) -> Vec<ModifiedProperty> {
    let property = |difference: &Difference| ModifiedProperty {
        display_name: difference.path.to_string(),
        old_value: difference.log_text.clone().or_else(|| difference.old.as_ref().map(json_text)),
        new_value: difference
            .new
            .as_ref()
            .map(|new| difference.log_text.clone().unwrap_or_else(|| text_of(new))),
    };
    differences.iter().map(property).collect()
}

fn text_of(value: &MappedValue) -> String {
    match value {
        MappedValue::Text(text) => text.clone(),
        MappedValue::List(texts) => texts.join(";"),
    }
}

fn json_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other @ (Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

fn count_import(context: &mut Context<'_>, item: &WorkItem, verdict: &Verdict) {
    let statistics = &mut context.statistics;
    statistics.count_imported += 1;
    if item.changed {
        statistics.count_imported_deltas += 1;
    }
    if item.entitlement {
        statistics.count_imported_reference_deltas += 1;
    }
    if verdict.in_scope() {
        statistics.count_entitled += 1;
        if verdict.is_active() {
            statistics.count_entitled_for_provisioning += 1;
        }
    }
}
