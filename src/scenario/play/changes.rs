//! What a step changes: the directory, and what goes wrong from now on.

use super::{Play, PlayError};
use crate::clock::Clock as _;
use crate::directory::object::{ObjectKind, SourceObject};
use crate::expression::AttributeValue;
use crate::scenario::model::{Change, Edit, Fault, FaultKind, Requests, SourceFault};
use crate::store::{Edit as StoreEdit, ObjectState};
use crate::target::Which;

impl Play<'_> {
    /// The kind and objectId that a name of the file stands for at present.
    pub(super) fn source_of(
        &self,
        kinds: &[ObjectKind],
        name: &str,
    ) -> Result<(ObjectKind, String), PlayError> {
        let candidates = self.ids.sources_of(kinds, name);
        // Whoever is there now goes before those who had the name once.
        for (kind, id) in &candidates {
            if let Some(object) = self.store.object(*kind, id)?
                && (self.prefix.strip(&object.label).eq_ignore_ascii_case(name) || id == name)
                && object.state == ObjectState::Active
            {
                return Ok((*kind, id.clone()));
            }
        }
        candidates.into_iter().next().ok_or_else(|| PlayError::Edit(format!("nobody is called `{name}`")))
    }

    /// An attribute's value under the names of the run. A manager is named by objectId, which is the same in every run.
    fn under_prefix(&self, kind: ObjectKind, name: &str, value: AttributeValue) -> AttributeValue {
        match value {
            AttributeValue::Text(manager) if kind == ObjectKind::User && name == "manager" => {
                let known = self.source_of(&[ObjectKind::User], &manager);
                AttributeValue::Text(known.map_or(manager, |(_, id)| id))
            }
            AttributeValue::Text(text) => AttributeValue::Text(self.prefix.value(kind, name, text)),
            other @ (AttributeValue::List(_) | AttributeValue::Roles(_)) => other,
        }
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Result<(), PlayError> {
        let (now, kind) = (self.clock.now(), edit.object.kind);
        if let Change::Add { id, attributes } = &edit.change {
            let attributes = attributes
                .iter()
                .map(|(name, value)| (name.clone(), self.under_prefix(kind, name, value.clone())))
                .collect();
            let object = SourceObject { kind, id: id.clone(), id_given: true, deleted: None, attributes };
            self.store.add_object(&object, now)?;
            self.ids.named(kind, &edit.object.name, id);
            return Ok(());
        }
        let (kind, id) = self.source_of(&[kind], &edit.object.name)?;
        match &edit.change {
            Change::Add { .. } => {}
            Change::Set(values) => {
                let values = values.iter().map(|(name, value)| {
                    (name.clone(), value.clone().map(|value| self.under_prefix(kind, name, value)))
                });
                let values = values.collect();
                self.store.edit(kind, &id, &StoreEdit::Set(values), now)?;
                if let Some(object) = self.store.object(kind, &id)? {
                    self.ids.named(kind, &self.prefix.strip(&object.label), &id);
                }
            }
            Change::Delete => self.store.edit(kind, &id, &StoreEdit::Delete, now)?,
            Change::Restore => self.store.edit(kind, &id, &StoreEdit::Restore, now)?,
            Change::Purge => self.store.edit(kind, &id, &StoreEdit::Purge, now)?,
            Change::Assign { role, present } => {
                if !self.store.edit_assignment("", (kind, &id), role.as_deref(), *present, now)? {
                    let so = if *present { "is assigned already" } else { "is not assigned itself" };
                    return Err(PlayError::Edit(format!("`{}` {so}", edit.object.name)));
                }
            }
            Change::Members { names, present } => {
                for name in names {
                    let (_, member) = self.source_of(&[ObjectKind::User, ObjectKind::Group], name)?;
                    if !self.store.edit_membership(&id, &member, *present, now)? {
                        let so = if *present { "is a member of it already" } else { "is no member of it" };
                        return Err(PlayError::Edit(format!("`{}`: `{name}` {so}", edit.object.name)));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn fault(&mut self, fault: &Fault) -> Result<(), PlayError> {
        match &fault.kind {
            FaultKind::None => self.app.mend(),
            FaultKind::Source(source) => {
                self.stage.source = *source;
                if *source != Some(SourceFault::Stale) {
                    for edit in std::mem::take(&mut self.unseen) {
                        self.edit(edit)?;
                    }
                }
            }
            FaultKind::Requests(rule) => {
                let which = self.which(&rule.requests)?;
                self.app.break_it(rule.fault.clone(), which);
            }
            FaultKind::Alive => self.app.spare(),
            FaultKind::Killed { unheard, requests } => {
                let which = self.which(requests)?;
                self.app.kill(*unheard, which);
            }
            FaultKind::Account { fault, object, set } => {
                let ids = self.ids.targets_of(&[object.kind], &object.name);
                let now = self.clock.now();
                if !ids.iter().any(|id| self.app.tamper(*fault, (object.kind, id), set, now)) {
                    let held = self.app.resources();
                    let mut held = held.iter().filter_map(|resource| resource.get("id")?.as_str());
                    return Err(PlayError::Edit(if held.any(|held| ids.iter().any(|id| id == held)) {
                        format!("the app refuses what `{fault}` does to `{}`", object.name)
                    } else {
                        format!("the app has no account of `{}`", object.name)
                    }));
                }
            }
        }
        Ok(())
    }

    /// Which requests are meant, by the names and ids of this moment.
    fn which(&self, requests: &Requests) -> Result<Which, PlayError> {
        let paths = requests.path.as_ref().map(|path| self.ids.readings(path));
        let label = match &requests.object {
            Some(object) => {
                let (kind, id) = self.source_of(&[object.kind], &object.name)?;
                self.store.object(kind, &id)?.map(|object| object.label)
            }
            None => None,
        };
        Ok(Which { paths, label, ..requests.which.clone() })
    }
}
