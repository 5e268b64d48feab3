//! The licence that users show because of their groups.

use serde_json::{Map, Value};

use super::Content;
use super::shelf::Record;
use crate::target::ResourceKind;

impl Content {
    /// Shows on a user what its groups give: the licence, when one of them does.
    pub(super) fn add_license(&self, kind: ResourceKind, record: &Record, body: &mut Map<String, Value>) {
        let license = self.rules.as_ref().and_then(|rules| rules.license.as_ref());
        let Some(license) = license.filter(|_| kind == ResourceKind::User) else { return };
        let mut groups = self.groups_of.get(&record.id).into_iter().flatten();
        let granted = groups.any(|sequence| {
            self.groups.get(*sequence).is_some_and(|group| license.is_granted_by(&group.body))
        });
        let shown = if granted { &license.granted } else { &license.withheld };
        let extension = body.entry(license.user.urn.as_str()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(fields) = extension {
            fields.insert(license.user.name.clone(), shown.as_str().into());
        }
    }

    /// Takes out of a resource that was shown what is only shown.
    pub(super) fn without_license(&self, kind: ResourceKind, body: &mut Map<String, Value>) {
        let license = self.rules.as_ref().and_then(|rules| rules.license.as_ref());
        let Some(license) = license.filter(|_| kind == ResourceKind::User) else { return };
        let left = body.get_mut(&license.user.urn).and_then(Value::as_object_mut).map(|fields| {
            fields.shift_remove(&license.user.name);
            fields.is_empty()
        });
        if left == Some(true) {
            body.shift_remove(&license.user.urn);
        }
    }

    /// Who has a licence because of this resource, if it is a group and there are licences.
    pub(super) fn licensed_by(&self, kind: ResourceKind, record: &Record) -> Vec<String> {
        if self.gives_licenses(kind) {
            record.members.iter().map(ToOwned::to_owned).collect()
        } else {
            Vec::new()
        }
    }

    /// These users may show another licence from now on, since a group of theirs changed.
    pub(super) fn license_again(&mut self, kind: ResourceKind, users: Vec<String>) {
        if !self.gives_licenses(kind) {
            return;
        }
        for id in users {
            if let Some((sequence, _)) = self.users.by_id(&id) {
                self.users.forget_rendered(sequence);
                self.touched.insert((ResourceKind::User, id));
            }
        }
    }

    fn gives_licenses(&self, kind: ResourceKind) -> bool {
        kind == ResourceKind::Group && self.rules.as_ref().is_some_and(|rules| rules.license.is_some())
    }
}
