//! DELETE of an account or group, after everything else of the cycle (`engine.md 1.3` step 9).

use super::context::{Answer, Context, EngineError, Next};
use super::entry::{Action, Entry, Status, StepKind};
use super::object::{is_missing, usable};
use crate::http::Method;
use crate::scim::failure::Exchange;
use crate::scim::query::resource_path;
use crate::store::{Phase, WorkItem};

/// A task: one DELETE.
#[derive(Debug)]
pub(super) struct RemovalTask {
    pub(super) item: WorkItem,
    phase: Phase,
    label: String,
    target_id: String,
    entry: Entry,
}

impl RemovalTask {
    /// Takes up an object that is to be deleted.
    pub(super) fn start(
        context: &mut Context<'_>,
        phase: Phase,
        item: WorkItem,
    ) -> Result<Option<(Self, Next)>, EngineError> {
        let (Some(object), Some(link)) = (
            context.store.object(item.kind, &item.id)?,
            context.store.link(&context.spec.name, item.kind, &item.id)?,
        ) else {
            return Ok(None);
        };
        let mut entry = Entry { began: Some(context.now), ..Entry::default() };
        entry.display_name = object.text("displayName").map(str::to_owned);
        entry.step(
            "EntryImportDelete",
            StepKind::Import,
            format!(
                "Received a change of type (Delete) of {} '{}' from {}",
                item.kind,
                object.label,
                super::entry::SOURCE_SYSTEM
            ),
        );
        entry.step(
            "EntrySynchronizationDelete",
            StepKind::Processing,
            format!("{} '{}' will be deleted in {}", item.kind, object.label, context.spec.target_system),
        );
        let request = context.request(Method::Delete, &resource_path(item.kind, &link.target_id), None);
        context.statistics.count_exports += 1;
        context.stamp(&mut entry);
        let task = Self { phase, label: object.label, target_id: link.target_id, entry, item };
        Ok(Some((task, Next::Send(Exchange::Delete, request))))
    }

    /// Takes the answer: 2xx and 404 both mean that it is gone (`wire.md 1.7`).
    pub(super) fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        let mut entry = std::mem::take(&mut self.entry);
        if !is_missing(&answer)
            && let Err(refusal) = usable(Exchange::Delete, answer)
        {
            context.weigh(&refusal);
            context.fail(
                self.phase,
                &self.item,
                &self.label,
                Some(&self.target_id),
                Action::Delete,
                false,
                "EntryExportDelete",
                entry,
                &refusal,
            )?;
            return Ok(Next::Done);
        }
        let job = &context.spec.name;
        context.store.drop_link(job, self.item.kind, &self.item.id)?;
        context.close_escrow(&self.item, &self.label, false)?;
        context.close_escrow(&self.item, &self.label, true)?;
        context.exported();
        entry.step(
            "EntryExportDelete",
            StepKind::Export,
            format!("{} '{}' was deleted in {}", self.item.kind, self.label, context.spec.target_system),
        );
        context.log(
            self.phase,
            &self.item,
            &self.label,
            Some(&self.target_id),
            Action::Delete,
            Status::Success,
            entry,
        )?;
        Ok(Next::Done)
    }

    /// The object's name.
    pub(super) fn label(&self) -> &str {
        &self.label
    }
}
