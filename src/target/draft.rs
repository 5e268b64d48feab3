//! A resource while a request changes it. Nothing is kept before the whole request has passed, so that one refused
//! operation leaves the resource as it was (RFC 7644 §3.5.2).

use serde_json::{Map, Value};

use super::ResourceKind;
use super::answer::Refusal;
use super::edit::{Verb, edit};
use super::filter::evaluate::entry_holds;
use super::filter::{Filter, Literal, Operator};
use super::members::{MemberChange, MemberEdit, Members};
use super::path::{AttributeName, PatchPath};
use super::schema::{self, Mutability, Place, Resolved, Type};
use super::value::member_ids;

/// What to do with names that the schemas lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownNames {
    /// In a whole resource: leave them out.
    Drop,
    /// In an operation: the client asked for something we can not do.
    Refuse,
}

/// A resource in the making.
pub(super) struct Draft<'a> {
    kind: ResourceKind,
    body: Map<String, Value>,
    members: MemberEdit<'a>,
    describe: &'a dyn Fn(&str) -> Value,
}

/// A resource that passed.
pub(super) struct Finished {
    /// The attributes, without `schemas`, `id`, `meta` and `members`.
    pub(super) body: Map<String, Value>,
    /// What happens to the members.
    pub(super) members: MemberChange,
}

impl<'a> Draft<'a> {
    /// Starts from what is there. `describe` gives a member as clients read it, for filters on members.
    pub(super) fn new(
        kind: ResourceKind,
        body: Map<String, Value>,
        members: &'a Members,
        describe: &'a dyn Fn(&str) -> Value,
    ) -> Self {
        Self { kind, body, members: MemberEdit::new(members), describe }
    }

    /// Forgets everything that clients may write, for a PUT.
    pub(super) fn clear(&mut self) {
        self.body = Map::new();
        self.members.clear();
    }

    /// Sets every attribute of an object: a resource, or the value of an operation without path. Its keys may be
    /// nested or flat, `name.givenName` and `urn:…:User:department` (`wire.md 4.3`); `schemas`, `id` and `meta` are
    /// passed over.
    pub(super) fn merge(
        &mut self,
        object: Map<String, Value>,
        verb: Verb,
        unknown: UnknownNames,
    ) -> Result<(), Refusal> {
        for (key, value) in object {
            if ["schemas", "id", "meta"].iter().any(|common| key.eq_ignore_ascii_case(common)) {
                continue;
            }
            match PatchPath::parse(&key) {
                Ok(PatchPath::Extension(urn)) => self.merge_extension(&urn, value, verb, unknown)?,
                Ok(PatchPath::Attribute { name, filter }) => {
                    self.set(&name, filter.as_ref(), verb, value, unknown)?;
                }
                Err(_) if unknown == UnknownNames::Drop => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Carries out one operation of a PATCH.
    pub(super) fn apply(&mut self, verb: Verb, path: &str, value: Option<Value>) -> Result<(), Refusal> {
        match PatchPath::parse(path)? {
            PatchPath::Extension(urn) if verb == Verb::Remove => self.remove_extension(&urn),
            PatchPath::Extension(urn) => {
                let value = value.ok_or_else(|| Refusal::value("the operation has no `value`"))?;
                self.merge_extension(&urn, value, verb, UnknownNames::Refuse)
            }
            PatchPath::Attribute { name, filter } => {
                let resolved = schema::resolve(self.kind, &name).ok_or_else(|| {
                    Refusal::path(format!("`{path}` names no attribute of a {}", self.kind))
                })?;
                if is_read_only(&resolved) {
                    return Err(Refusal::mutability(format!(
                        "`{}` is written by the app alone",
                        resolved.name
                    )));
                }
                if verb == Verb::Remove && resolved.name == schema::naming_attribute(self.kind) {
                    // RFC 7644, section 3.5.2.2.
                    return Err(Refusal::mutability(format!(
                        "`{}` can't be removed: it is required",
                        resolved.name
                    )));
                }
                self.edit(&resolved, filter.as_ref(), verb, value)
            }
        }
    }

    /// Tidies the resource up. What it must have is looked at by whoever keeps it.
    pub(super) fn finish(mut self) -> Finished {
        let kind = self.kind;
        for (name, value) in &mut self.body {
            let Value::Array(entries) = value else { continue };
            if !is_complex_list(kind, name) {
                continue;
            }
            entries.retain(says_something);
        }
        self.body.retain(|_, value| value.as_array().is_none_or(|entries| !entries.is_empty()));
        Finished { body: self.body, members: self.members.finish() }
    }

    fn merge_extension(
        &mut self,
        urn: &str,
        value: Value,
        verb: Verb,
        unknown: UnknownNames,
    ) -> Result<(), Refusal> {
        let Some(urn) = schema::extension(self.kind, urn) else {
            return match unknown {
                UnknownNames::Drop => Ok(()),
                UnknownNames::Refuse => {
                    Err(Refusal::path(format!("`{urn}` is no extension of a {}", self.kind)))
                }
            };
        };
        match value {
            Value::Null if verb == Verb::Replace => self.remove_extension(&urn),
            Value::Null => Ok(()),
            Value::Object(fields) => {
                // Some clients send an extension as a resource of its own, which says what it is.
                let attributes = fields.into_iter().filter(|(key, _)| !key.eq_ignore_ascii_case("schemas"));
                for (key, value) in attributes {
                    match AttributeName::parse(&key) {
                        Some(name) if name.schema.is_none() => {
                            let name = AttributeName { schema: Some(urn.clone()), ..name };
                            self.set(&name, None, verb, value, unknown)?;
                        }
                        Some(_) | None => {
                            return Err(Refusal::path(format!("`{key}` is no attribute of `{urn}`")));
                        }
                    }
                }
                Ok(())
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Refusal::value(format!("the value of extension `{urn}` is an object")))
            }
        }
    }

    fn remove_extension(&mut self, urn: &str) -> Result<(), Refusal> {
        let known = schema::extension(self.kind, urn);
        let urn =
            known.ok_or_else(|| Refusal::path(format!("`{urn}` is no extension of a {}", self.kind)))?;
        let key = self.body.keys().find(|key| key.eq_ignore_ascii_case(&urn)).cloned();
        if let Some(key) = key {
            self.body.shift_remove(&key);
        }
        Ok(())
    }

    /// Sets one attribute out of an object. What only the app writes is passed over.
    fn set(
        &mut self,
        name: &AttributeName,
        filter: Option<&Filter>,
        verb: Verb,
        value: Value,
        unknown: UnknownNames,
    ) -> Result<(), Refusal> {
        match schema::resolve(self.kind, name) {
            Some(resolved) if is_read_only(&resolved) => Ok(()),
            Some(resolved) => self.edit(&resolved, filter, verb, Some(value)),
            None if unknown == UnknownNames::Drop => Ok(()),
            None => Err(Refusal::path(format!("`{}` names no attribute of a {}", name.attribute, self.kind))),
        }
    }

    fn edit(
        &mut self,
        resolved: &Resolved,
        filter: Option<&Filter>,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), Refusal> {
        if resolved.definition.is_some_and(|definition| definition.discarded) {
            return Ok(());
        }
        if self.kind == ResourceKind::Group && resolved.place == Place::Core && resolved.name == "members" {
            return self.edit_members(resolved, filter, verb, value);
        }
        let Place::Extension(urn) = &resolved.place else {
            return edit_in(&mut self.body, resolved, filter, verb, value);
        };
        let key = self.body.keys().find(|key| key.eq_ignore_ascii_case(urn)).unwrap_or(urn).clone();
        let mut fields = match self.body.get(&key) {
            Some(Value::Object(fields)) => fields.clone(),
            Some(_) | None => Map::new(),
        };
        edit_in(&mut fields, resolved, filter, verb, value)?;
        if fields.is_empty() {
            self.body.shift_remove(&key);
        } else {
            self.body.insert(key, Value::Object(fields));
        }
        Ok(())
    }

    /// Members come and go whole. `Remove` with a list takes out those listed and nobody else (`wire.md 6.5`).
    fn edit_members(
        &mut self,
        resolved: &Resolved,
        filter: Option<&Filter>,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), Refusal> {
        if resolved.sub.is_some() || (filter.is_some() && verb != Verb::Remove) {
            return Err(Refusal::mutability("members are added and removed whole"));
        }
        match (verb, filter, value) {
            (Verb::Add | Verb::Replace, _, None) => Err(Refusal::value("the operation has no `value`")),
            (Verb::Add, _, Some(value)) => {
                for id in member_ids(value)? {
                    self.members.add(&id);
                }
                Ok(())
            }
            (Verb::Replace, _, Some(value)) => {
                let ids = member_ids(value)?;
                self.members.clear();
                for id in ids {
                    self.members.add(&id);
                }
                Ok(())
            }
            (Verb::Remove, Some(filter), _) => {
                for id in self.members_meeting(filter, resolved) {
                    self.members.remove(&id);
                }
                Ok(())
            }
            (Verb::Remove, None, None | Some(Value::Null)) => {
                self.members.clear();
                Ok(())
            }
            (Verb::Remove, None, Some(value)) => {
                for id in member_ids(value)? {
                    self.members.remove(&id);
                }
                Ok(())
            }
        }
    }

    fn members_meeting(&self, filter: &Filter, resolved: &Resolved) -> Vec<String> {
        if let Filter::Compare(subject, Operator::Equal, Literal::Text(id)) = filter
            && subject.name.attribute.eq_ignore_ascii_case("value")
        {
            return vec![id.clone()];
        }
        let meets = |id: &&str| entry_holds(filter, resolved.definition, &(self.describe)(id));
        self.members.iter().filter(meets).map(ToOwned::to_owned).collect()
    }
}

fn edit_in(
    fields: &mut Map<String, Value>,
    resolved: &Resolved,
    filter: Option<&Filter>,
    verb: Verb,
    value: Option<Value>,
) -> Result<(), Refusal> {
    let key =
        fields.keys().find(|key| key.eq_ignore_ascii_case(&resolved.name)).unwrap_or(&resolved.name).clone();
    match edit(resolved, filter, verb, fields.get(&key).cloned(), value)? {
        Some(value) => fields.insert(key, value),
        None => fields.shift_remove(&key),
    };
    Ok(())
}

fn is_read_only(resolved: &Resolved) -> bool {
    resolved.definition.is_some_and(|definition| definition.mutability == Mutability::ReadOnly)
}

fn is_complex_list(kind: ResourceKind, name: &str) -> bool {
    let name = AttributeName { schema: None, attribute: name.to_owned(), sub: None };
    let definition = schema::resolve(kind, &name).and_then(|resolved| resolved.definition);
    definition.is_some_and(|definition| definition.multi_valued && definition.kind == Type::Complex)
}

/// Whether an entry holds more than its label. Clearing `emails[type eq "work"].value` leaves just a label behind
/// (`preflight.md A16`).
fn says_something(entry: &Value) -> bool {
    entry.as_object().is_none_or(|fields| fields.keys().any(|name| name != "type" && name != "primary"))
}
