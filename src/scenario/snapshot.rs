//! The directory that a scenario begins with, in memory.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::diagnostic::Place;
use crate::directory::object::{ObjectKind, SourceObject};
use crate::directory::read::{AssignmentRow, MembershipRow, Removal, RemovalRow, Sink, SinkError};
use crate::expression::AttributeValue;
use crate::scim::member;
use crate::store::{ImportFault, Store};

/// Every row of a directory, with its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) objects: Vec<(SourceObject, Place)>,
    memberships: Vec<(MembershipRow, Place)>,
    pub(super) assignments: Vec<(AssignmentRow, Place)>,
    removals: Vec<RemovalRow>,
}

impl Sink for Snapshot {
    fn object(&mut self, object: SourceObject, place: Place) -> Result<(), SinkError> {
        self.objects.push((object, place));
        Ok(())
    }

    fn removal(&mut self, row: RemovalRow, _place: Place) -> Result<(), SinkError> {
        self.removals.push(row);
        Ok(())
    }

    fn membership(&mut self, row: MembershipRow, place: Place) -> Result<(), SinkError> {
        self.memberships.push((row, place));
        Ok(())
    }

    fn assignment(&mut self, row: AssignmentRow, place: Place) -> Result<(), SinkError> {
        self.assignments.push((row, place));
        Ok(())
    }
}

impl Snapshot {
    /// Puts everything into the change log, under the names of a run: `prefixed` says how an attribute reads there.
    ///
    /// # Errors
    /// A name fits several groups, or the state can't be used.
    pub(super) fn import(
        &self,
        store: &mut Store,
        now: Timestamp,
        prefix: &Prefix,
    ) -> Result<(), ImportFault> {
        let ids = self.ids();
        // Names differ from run to run; ids do not.
        let id = |name: &str| ids.get(&name.to_lowercase()).cloned().unwrap_or_else(|| name.to_owned());
        let mut import = store.begin_import(now)?;
        for (object, place) in &self.objects {
            let mut object = object.clone();
            object.attributes = prefix.attributes(object.kind, object.attributes);
            // A manager who is renamed stays the manager.
            if let Some(AttributeValue::Text(manager)) = object.attributes.get_mut("manager") {
                *manager = id(manager);
            }
            import.object(&object, place)?;
        }
        for row in &self.removals {
            match row.removal {
                Removal::SoftDeleted => import.recycled(row.kind, &row.id)?,
                Removal::Purged => import.purged(row.kind, &row.id)?,
            }
        }
        for (row, place) in &self.memberships {
            import.membership(&id(&row.group), &id(&row.member), place)?;
        }
        for (row, place) in &self.assignments {
            let role = row.app_role.as_deref().unwrap_or_default();
            import.assignment("", &id(&row.principal), role, place)?;
        }
        import.finish(&[], None)?;
        Ok(())
    }

    /// objectIds by name, where a name is one object's alone.
    fn ids(&self) -> BTreeMap<String, String> {
        let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (object, _) in &self.objects {
            found
                .entry(object.label().to_lowercase())
                .and_modify(|id| *id = None)
                .or_insert_with(|| Some(object.id.clone()));
        }
        found.into_iter().filter_map(|(name, id)| Some((name, id?))).collect()
    }
}

/// What stands before the names of a run, so that runs against one target do not meet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prefix(Option<String>);

impl Prefix {
    pub(super) fn new(prefix: Option<String>) -> Self {
        Self(prefix)
    }

    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The attributes under the names of the run: the local part of userPrincipalName and mail, mailNickname, and the
    /// displayName of a group.
    pub(super) fn attributes(
        &self,
        kind: ObjectKind,
        attributes: BTreeMap<String, AttributeValue>,
    ) -> BTreeMap<String, AttributeValue> {
        let read = |(name, value): (String, AttributeValue)| match value {
            AttributeValue::Text(text) => {
                let text = self.value(kind, &name, text);
                (name, AttributeValue::Text(text))
            }
            other @ (AttributeValue::List(_) | AttributeValue::Roles(_)) => (name, other),
        };
        attributes.into_iter().map(read).collect()
    }

    /// An attribute's text under the names of the run.
    pub(super) fn value(&self, kind: ObjectKind, name: &str, text: String) -> String {
        let named = match kind {
            ObjectKind::User => &["userPrincipalName", "mail", "mailNickname"][..],
            ObjectKind::Group => &["displayName", "mail", "mailNickname"][..],
        };
        match &self.0 {
            Some(prefix) if named.contains(&name) => format!("{prefix}{text}"),
            Some(_) | None => text,
        }
    }

    /// Whether a resource of the target has a name of the run, in whatever letter case.
    pub(super) fn is_borne_by(&self, kind: ObjectKind, resource: &serde_json::Value) -> bool {
        let Some(prefix) = &self.0 else { return false };
        let name = match kind {
            ObjectKind::User => "userName",
            ObjectKind::Group => "displayName",
        };
        let name = member(resource, name).and_then(serde_json::Value::as_str).unwrap_or_default();
        name.to_ascii_lowercase().starts_with(prefix.as_str())
    }

    /// A text of the target as the file would have it: without the prefix, in whatever letter case.
    pub(super) fn strip(&self, text: &str) -> String {
        let Some(prefix) = &self.0 else { return text.to_owned() };
        let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
        // A prefix is ASCII, so that lower-casing the ASCII letters keeps every place.
        while let Some(at) = rest.to_ascii_lowercase().find(prefix.as_str()) {
            let (before, after) = rest.split_at(at);
            plain.push_str(before);
            rest = after.get(prefix.len()..).unwrap_or_default();
        }
        plain.push_str(rest);
        plain
    }

    /// A JSON value without the prefix in any of its texts.
    pub(super) fn strip_json(&self, value: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        if !self.is_some() {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(self.strip(text)),
            Value::Array(items) => items.iter().map(|item| self.strip_json(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.strip_json(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_goes_before_the_names_of_a_run_and_off_again() {
        let prefix = Prefix::new(Some("r1x-".to_owned()));
        let named = |kind, name: &str| prefix.value(kind, name, "ada@contoso.com".to_owned());
        assert_eq!(named(ObjectKind::User, "userPrincipalName"), "r1x-ada@contoso.com");
        assert_eq!(named(ObjectKind::User, "mail"), "r1x-ada@contoso.com");
        assert_eq!(named(ObjectKind::User, "displayName"), "ada@contoso.com");
        assert_eq!(named(ObjectKind::Group, "displayName"), "r1x-ada@contoso.com");
        assert_eq!(prefix.strip("R1X-ADA@contoso.com, r1x-Sales, é r1x-"), "ADA@contoso.com, Sales, é ");
        assert_eq!(Prefix::default().strip("r1x-ada"), "r1x-ada");
    }
}
