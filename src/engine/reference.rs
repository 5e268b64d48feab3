//! References, written after all users and groups: the manager of a user, the members of a group
//! (`engine.md 1.2` step 7, `wire.md 4.7` and 6).

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::{Answer, Context, EngineError, Next, Refusal};
use super::entry::{Action, Entry, ModifiedProperty, Status, StepKind};
use super::object::{log_redundant, usable};
use super::on_demand::Choice;
use crate::directory::object::ObjectKind;
use crate::http::Method;
use crate::mapping::{EscrowBehavior, ManagerChange, MemberBatch, manager_operation, member_batches};
use crate::scim::answer::parse_list;
use crate::scim::failure::{ErrorCode, Exchange};
use crate::scim::path::TargetPath;
use crate::scim::query::{reference_query, resource_path};
use crate::store::{Membership, Phase, WorkItem};

/// What the pass over objects leaves for the pass over references.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReferenceNote {
    /// The manager that the target returned for the user, by target id.
    pub(super) present: Option<String>,
    /// The account was created or linked anew, or is back in scope: everything it refers to is looked at.
    pub(super) fresh: bool,
    /// The entry of an object that needed nothing so far.
    pub(super) pending: Option<Entry>,
}

/// A task: the references of one object, at most one request under way.
#[derive(Debug)]
pub(super) struct ReferenceTask {
    pub(super) item: WorkItem,
    phase: Phase,
    label: String,
    target_id: String,
    entry: Entry,
    /// Whether the object itself has been logged already.
    logged: bool,
    /// Names of what could not be resolved, out of scope or unknown.
    unresolved: Vec<String>,
    /// Names of what is in scope but not in the target yet, for it failed.
    waiting: Vec<String>,
    changed: bool,
    work: Work,
}

/// What is to be written once it is known not to be there already.
#[derive(Debug)]
enum Write {
    Manager {
        body: Value,
        property: ModifiedProperty,
        wanted: Option<(String, String)>,
    },
    Members {
        path: TargetPath,
        add: Vec<String>,
        remove: Vec<String>,
        sources: BTreeMap<String, (String, String)>,
    },
}

#[derive(Debug)]
enum Work {
    /// Asks before it writes (`reference_precheck`): the target ids still to be asked about, the one under way first.
    Asking { questions: VecDeque<String>, write: Box<Write> },
    /// Source id and target id of the manager to be set.
    Manager(Option<(String, String)>),
    Members {
        batches: std::vec::IntoIter<MemberBatch>,
        under_way: Option<MemberBatch>,
        sources: BTreeMap<String, (String, String)>,
    },
}

impl ReferenceTask {
    /// Takes up the references of an object that this cycle has seen.
    pub(super) fn start(
        context: &mut Context<'_>,
        phase: Phase,
        item: WorkItem,
    ) -> Result<Option<(Self, Next)>, EngineError> {
        let note: ReferenceNote = match &item.note {
            Some(note) => serde_json::from_str(note)?,
            None => return Err(EngineError::Defect("references without a note")),
        };
        let (Some(object), Some(link)) = (
            context.store.object(item.kind, &item.id)?,
            context.store.link(&context.spec.name, item.kind, &item.id)?,
        ) else {
            return Ok(None);
        };
        let mut task = Self {
            phase,
            label: object.label.clone(),
            target_id: link.target_id,
            logged: note.pending.is_none(),
            entry: note.pending.unwrap_or_else(|| Entry { began: Some(context.now), ..Entry::default() }),
            unresolved: Vec::new(),
            waiting: Vec::new(),
            changed: false,
            work: Work::Manager(None),
            item,
        };
        task.entry.display_name = object.text("displayName").map(str::to_owned);
        let next = match task.item.kind {
            ObjectKind::User => {
                task.start_manager(context, object.text("manager"), note.present.as_deref())?
            }
            ObjectKind::Group => task.start_members(context, note.fresh)?,
        };
        let next = match next {
            Next::Done => {
                task.finish(context)?;
                Next::Done
            }
            next @ Next::Send(..) => next,
        };
        context.stamp(&mut task.entry);
        Ok(Some((task, next)))
    }

    /// Takes the answer to the request under way.
    pub(super) fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        if let Work::Asking { .. } = &self.work {
            return self.was_answered(context, answer);
        }
        if let Work::Members { under_way: Some(batch), sources, .. } = &self.work {
            // Listed whatever comes of it, as a manager is.
            self.entry.modified_properties.extend(member_properties(batch, sources));
        }
        if let Err(refusal) = usable(Exchange::Update, answer) {
            return self.fail(context, &refusal);
        }
        self.changed = true;
        let job = context.spec.name.clone();
        let next = match &mut self.work {
            Work::Asking { .. } => return Err(EngineError::Defect("a question was taken for a write")),
            Work::Manager(wanted) => {
                context.store.record_manager(&job, &self.item.id, pair(wanted.as_ref()))?;
                Next::Done
            }
            Work::Members { batches, under_way, sources } => {
                let Some(done) = under_way.take() else {
                    return Err(EngineError::Defect("an answer came that nobody had asked for"));
                };
                for target in &done.added {
                    if let Some((member, _)) = sources.get(target) {
                        context.store.record_reference(&job, &self.item.id, "members", (member, target))?;
                    }
                }
                for target in &done.removed {
                    if let Some((member, _)) = sources.get(target) {
                        context.store.remove_reference(&job, &self.item.id, "members", member)?;
                    }
                }
                match batches.next() {
                    Some(batch) => {
                        propose(context, &self.item.id, &batch, sources)?;
                        let path = resource_path(ObjectKind::Group, &self.target_id);
                        let request = context.request(Method::Patch, &path, Some(&batch.body));
                        *under_way = Some(batch);
                        context.statistics.count_exports += 1;
                        Next::Send(Exchange::Update, request)
                    }
                    None => Next::Done,
                }
            }
        };
        context.statistics.count_exported += 1;
        if matches!(next, Next::Done) {
            self.finish(context)?;
        }
        Ok(next)
    }

    /// The object's name.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    fn fail(&mut self, context: &mut Context<'_>, refusal: &Refusal) -> Result<Next, EngineError> {
        context.weigh(refusal);
        self.settle(context)?;
        let entry = std::mem::take(&mut self.entry);
        context.fail(
            self.phase,
            &self.item,
            &self.label,
            Some(&self.target_id),
            Action::Update,
            true,
            "EntryExportUpdate",
            entry,
            refusal,
        )?;
        Ok(Next::Done)
    }

    /// Writes, or asks first where that is switched on. `questions` are the target ids to ask about.
    fn begin(
        &mut self,
        context: &mut Context<'_>,
        questions: VecDeque<String>,
        write: Write,
    ) -> Result<Next, EngineError> {
        if !context.spec.rules.reference_precheck || questions.is_empty() {
            return self.write(context, write);
        }
        let next = self.ask(context, &questions);
        self.work = Work::Asking { questions, write: Box::new(write) };
        Ok(next)
    }

    fn ask(&self, context: &Context<'_>, questions: &VecDeque<String>) -> Next {
        let attribute = match self.item.kind {
            ObjectKind::User => "manager",
            ObjectKind::Group => "members",
        };
        match questions.front() {
            Some(other) => {
                let query = reference_query(self.item.kind, &self.target_id, attribute, other);
                Next::Send(Exchange::MatchQuery, context.request(Method::Get, &query, None))
            }
            None => Next::Done,
        }
    }

    /// What the target holds already is not written again; what it does not hold is not taken away.
    fn was_answered(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        let response = match usable(Exchange::MatchQuery, answer) {
            Ok(response) => response,
            Err(refusal) => return self.fail(context, &refusal),
        };
        let holds = match parse_list(self.item.kind, &response.body) {
            Ok(list) => 0 < list.total,
            Err(error) => {
                return self.fail(context, &Refusal::answer(Exchange::MatchQuery, &error, &response));
            }
        };
        let idle = Work::Manager(None);
        let Work::Asking { mut questions, mut write } = std::mem::replace(&mut self.work, idle) else {
            return Err(EngineError::Defect("an answer to no question"));
        };
        let asked = questions.pop_front().unwrap_or_default();
        let job = context.spec.name.clone();
        match write.as_mut() {
            Write::Manager { wanted: Some((other, target)), .. } if holds => {
                context.store.record_manager(&job, &self.item.id, Some((other, target)))?;
                self.finish(context)?;
                return Ok(Next::Done);
            }
            Write::Manager { .. } => {}
            Write::Members { add, remove, sources, .. } => {
                let list = if holds { add } else { remove };
                let before = list.len();
                list.retain(|target| *target != asked);
                if let (true, Some((member, _))) = (list.len() < before, sources.get(&asked)) {
                    if holds {
                        context.store.record_reference(&job, &self.item.id, "members", (member, &asked))?;
                    } else {
                        context.store.remove_reference(&job, &self.item.id, "members", member)?;
                    }
                }
            }
        }
        if !questions.is_empty() {
            let next = self.ask(context, &questions);
            self.work = Work::Asking { questions, write };
            return Ok(next);
        }
        let next = self.write(context, *write)?;
        if matches!(next, Next::Done) {
            self.finish(context)?;
        }
        Ok(next)
    }

    fn write(&mut self, context: &mut Context<'_>, write: Write) -> Result<Next, EngineError> {
        let path = resource_path(self.item.kind, &self.target_id);
        let body = match write {
            Write::Manager { body, property, wanted } => {
                if let Some(wanted) = pair(wanted.as_ref()) {
                    context.store.propose_reference(&context.spec.name, &self.item.id, "manager", wanted)?;
                }
                self.entry.modified_properties.push(property);
                self.work = Work::Manager(wanted);
                body
            }
            Write::Members { path, add, remove, sources } => {
                let mut batches = member_batches(&path, &add, &remove, &context.spec.style).into_iter();
                let Some(first) = batches.next() else { return Ok(Next::Done) };
                propose(context, &self.item.id, &first, &sources)?;
                let body = first.body.clone();
                self.work = Work::Members { batches, under_way: Some(first), sources };
                body
            }
        };
        context.statistics.count_exports += 1;
        Ok(Next::Send(Exchange::Update, context.request(Method::Patch, &path, Some(&body))))
    }

    fn start_manager(
        &mut self,
        context: &mut Context<'_>,
        manager: Option<&str>,
        present: Option<&str>,
    ) -> Result<Next, EngineError> {
        let references = context.spec.users.references();
        let Some(reference) = references.iter().find(|reference| reference.source_attribute == "manager")
        else {
            return Ok(Next::Done);
        };
        let job = context.spec.name.clone();
        let recorded = context.store.has_recorded_manager(&job, &self.item.id)?;
        let manager = match manager {
            Some(text) => context.store.resolve_manager(text)?.map(|id| (text, id)),
            None => None,
        };
        let wanted = match manager {
            None if !recorded => return Ok(Next::Done), // what we never set is not ours to take away
            None => None,
            Some((name, _)) if !reference.points_to(ObjectKind::User) => {
                self.unresolved.push(name.to_owned());
                return Ok(Next::Done);
            }
            Some((name, id)) => match context.store.link(&job, ObjectKind::User, &id)? {
                Some(link) if link.managed => Some((id, link.target_id)),
                Some(_) | None => {
                    let failed = context.store.escrow(&job, ObjectKind::User, &id, false)?.is_some();
                    let list = if failed { &mut self.waiting } else { &mut self.unresolved };
                    list.push(name.to_owned());
                    return Ok(Next::Done);
                }
            },
        };
        let operation = manager_operation(
            &ManagerChange {
                path: reference.path,
                present,
                wanted: wanted.as_ref().map(|(_, target)| target.as_str()),
                base_url: &context.spec.base_url,
            },
            &context.spec.style,
        );
        let Some(operation) = operation else {
            // The target agrees already; the record follows.
            context.store.record_manager(&job, &self.item.id, pair(wanted.as_ref()))?;
            return Ok(Next::Done);
        };
        let property = ModifiedProperty {
            display_name: reference.path.to_string(),
            old_value: present.map(str::to_owned),
            new_value: Some(wanted.as_ref().map(|(_, target)| target.clone()).unwrap_or_default()),
        };
        // Only the setting of a manager was ever asked about (`wire.md 4.7`).
        let questions = wanted.iter().map(|(_, target)| target.clone()).collect();
        self.begin(context, questions, Write::Manager { body: operation.body, property, wanted })
    }

    /// Which members are to be added and removed. An incremental cycle looks at the edges that changed, and no
    /// further: a member that comes into scope later is not noticed (`engine.md 1.5`). A full read writes every
    /// member again, since a group's members are never read back.
    fn start_members(&mut self, context: &mut Context<'_>, fresh: bool) -> Result<Next, EngineError> {
        let references = context.spec.groups.references();
        let Some(reference) = references.iter().find(|reference| reference.source_attribute == "members")
        else {
            return Ok(Next::Done);
        };
        let job = context.spec.name.clone();
        let chosen = context.choice.as_ref().map(Choice::members);
        // A failure that waits for its retry is of members that this window does not show.
        let failed = context.store.escrow(&job, self.item.kind, &self.item.id, true)?.is_some();
        let everything = context.is_initial() || fresh || failed || self.item.escrow || chosen.is_some();
        let window = (!everything).then_some(context.window);
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        let mut sources = BTreeMap::new();
        let mut memberships = context.store.memberships(&job, &self.item.id, window)?;
        memberships.retain(|member| chosen.is_none_or(|chosen| chosen.contains(&member.member)));
        for member in memberships {
            let Membership {
                member,
                kind,
                label,
                present,
                target_id,
                managed,
                escrowed,
                recorded,
                confirmed,
            } = member;
            if context.is_initial() && present {
                context.statistics.actions.memberships += 1;
            }
            if !reference.points_to(kind) {
                if present {
                    self.unresolved.push(label);
                }
                continue;
            }
            match (present, target_id, recorded) {
                (true, Some(target), recorded) if managed => {
                    let known = confirmed && recorded.as_deref() == Some(target.as_str());
                    if !known || context.is_initial() {
                        add.push(target.clone());
                        sources.insert(target, (member, label));
                    }
                }
                // Left scope and still a member: nobody asked to take it out. Or never a member, and none now.
                (true, Some(_), Some(_)) | (false, _, None) => {}
                (true, _, _) if escrowed => self.waiting.push(label),
                (true, _, _) => self.unresolved.push(label),
                (false, _, Some(target)) => {
                    remove.push(target.clone());
                    sources.insert(target, (member, label));
                }
            }
        }
        let questions = add.iter().chain(&remove).cloned().collect();
        self.begin(context, questions, Write::Members { path: reference.path.clone(), add, remove, sources })
    }

    /// Whether nothing is left of the references to look at. On demand it is some members of a group only, and a
    /// manager whom no cycle has come to yet is left to the next one.
    fn is_whole(&self, context: &Context<'_>) -> bool {
        context.choice.is_none() || (self.item.kind == ObjectKind::User && self.unresolved.is_empty())
    }

    /// The references were looked at; what failed is in escrow.
    fn settle(&self, context: &Context<'_>) -> Result<(), EngineError> {
        if !self.is_whole(context) {
            return Ok(());
        }
        Ok(context.store.owe_references(&context.spec.name, self.item.kind, &self.item.id, false)?)
    }

    /// Everything that could be written is written.
    fn finish(&mut self, context: &mut Context<'_>) -> Result<(), EngineError> {
        self.settle(context)?;
        let mut entry = std::mem::take(&mut self.entry);
        let kind = self.item.kind;
        match context.spec.mapping(kind).escrow_behavior {
            EscrowBehavior::Default => {}
            EscrowBehavior::IgnoreLookupReferenceResolutionFailure => {
                self.unresolved.append(&mut self.waiting);
            }
        }
        let attribute = match kind {
            ObjectKind::User => "manager",
            ObjectKind::Group => "member",
        };
        if !self.waiting.is_empty() {
            // In scope, but it failed: tried again until it is there (README, unresolved references).
            let refusal = Refusal::ours(
                ErrorCode::UnableToResolveReferenceAttributeValue,
                format!("the {attribute} could not be provisioned yet: {}.", self.waiting.join(", ")),
            );
            return context.fail(
                self.phase,
                &self.item,
                &self.label,
                Some(&self.target_id),
                Action::Update,
                true,
                "EntryExportUpdate",
                entry,
                &refusal,
            );
        }
        if self.is_whole(context) {
            context.close_escrow(&self.item, &self.label, true)?;
        }
        if !self.unresolved.is_empty() {
            let text = format!(
                "Unable to resolve {} of {kind} '{}': not in scope, or not in {}",
                self.unresolved.join(", "),
                self.label,
                context.spec.target_system
            );
            let step = entry.step(
                "UnableToResolveReferenceAttributeValue",
                StepKind::ReferenceResolution,
                text.clone(),
            );
            step.status = Status::Warning;
            step.details.insert("Warning".to_owned(), text);
            step.details.insert("ErrorCode".to_owned(), "UnableToResolveReferenceAttributeValue".to_owned());
        }
        if self.changed {
            entry.step(
                "EntryExportUpdate",
                StepKind::Export,
                format!(
                    "References of {kind} '{}' were updated in {}",
                    self.label, context.spec.target_system
                ),
            );
        }
        if self.changed || !self.unresolved.is_empty() {
            let status = entry.status_when_done();
            return context.log(
                self.phase,
                &self.item,
                &self.label,
                Some(&self.target_id),
                Action::Update,
                status,
                entry,
            );
        }
        if self.logged {
            return Ok(());
        }
        log_redundant(context, self.phase, &self.item, &self.label, Some(&self.target_id), entry)
    }
}

/// What a request about members writes, as the log lists it.
fn member_properties(
    batch: &MemberBatch,
    sources: &BTreeMap<String, (String, String)>,
) -> Vec<ModifiedProperty> {
    let label = |target: &String| sources.get(target).map(|(_, label)| label.clone());
    let property = |old_value: Option<String>, new_value: Option<String>| ModifiedProperty {
        display_name: "members".to_owned(),
        old_value,
        new_value,
    };
    let added = batch.added.iter().filter_map(label).map(|label| property(None, Some(label)));
    let removed = batch.removed.iter().filter_map(label).map(|label| property(Some(label), None));
    added.chain(removed).collect()
}

fn pair(owned: Option<&(String, String)>) -> Option<(&str, &str)> {
    owned.map(|(other, target)| (other.as_str(), target.as_str()))
}

/// Notes what a request is about to add. What the target takes in must be known even if its answer never arrives, or
/// nobody would take out a member who left the group since.
fn propose(
    context: &Context<'_>,
    group: &str,
    batch: &MemberBatch,
    sources: &BTreeMap<String, (String, String)>,
) -> Result<(), EngineError> {
    for target in &batch.added {
        if let Some((member, _)) = sources.get(target) {
            context.store.propose_reference(&context.spec.name, group, "members", (member, target))?;
        }
    }
    Ok(())
}
