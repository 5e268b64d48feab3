//! What a request may write: every name in it is held against the list before anything is changed.

use serde_json::{Map, Value};

use super::AppRules;
use super::listed::{Lookup, is_nothing, is_reference, label};
use crate::target::ResourceKind;
use crate::target::answer::Refusal;
use crate::target::edit::Verb;
use crate::target::filter::Filter;
use crate::target::path::{AttributeName, PatchPath};
use crate::target::schema::{self, Place};

/// Keys of a resource that say what it is and are not written.
const ENVELOPE: [&str; 3] = ["schemas", "id", "meta"];

/// Parts of an entry that say which one it is.
const LABELS: [&str; 2] = ["type", "primary"];

impl AppRules {
    /// Refuses a resource, or the value of an operation without a path, that has anything which is not listed or is of
    /// another type.
    pub(in crate::target) fn check_object(
        &self,
        kind: ResourceKind,
        fields: &Map<String, Value>,
        lookup: Lookup<'_>,
    ) -> Result<(), Refusal> {
        for (key, value) in fields {
            if !ENVELOPE.iter().any(|name| key.eq_ignore_ascii_case(name)) {
                self.check_path(kind, &PatchPath::parse(key)?, Some(value), lookup)?;
            }
        }
        Ok(())
    }

    /// The same for one operation of a PATCH.
    pub(in crate::target) fn check_operation(
        &self,
        kind: ResourceKind,
        verb: Verb,
        path: &str,
        value: Option<&Value>,
        lookup: Lookup<'_>,
    ) -> Result<(), Refusal> {
        // What is taken away need not be right, nor be there.
        let value = value.filter(|_| verb != Verb::Remove);
        match value {
            Some(Value::Object(fields)) if path.is_empty() => self.check_object(kind, fields, lookup),
            _ if path.is_empty() => Ok(()),
            _ => self.check_path(kind, &PatchPath::parse(path)?, value, lookup),
        }
    }

    fn check_path(
        &self,
        kind: ResourceKind,
        path: &PatchPath,
        value: Option<&Value>,
        lookup: Lookup<'_>,
    ) -> Result<(), Refusal> {
        match path {
            PatchPath::Attribute { name, filter } => {
                self.check_attribute(kind, name, filter.as_ref(), value, lookup)
            }
            PatchPath::Extension(urn) => match value {
                Some(Value::Object(fields)) => fields
                    .iter()
                    .filter(|(key, _)| !key.eq_ignore_ascii_case("schemas"))
                    .try_for_each(|(key, value)| {
                        let name = AttributeName::parse(key).filter(|name| name.schema.is_none());
                        let name = name.ok_or_else(|| unlisted(kind, key))?;
                        let name = AttributeName { schema: Some(urn.clone()), ..name };
                        self.check_attribute(kind, &name, None, Some(value), lookup)
                    }),
                _ if self.lists_extension(kind, urn) => Ok(()),
                _ => Err(unlisted(kind, urn)),
            },
        }
    }

    fn check_attribute(
        &self,
        kind: ResourceKind,
        name: &AttributeName,
        filter: Option<&Filter>,
        value: Option<&Value>,
        lookup: Lookup<'_>,
    ) -> Result<(), Refusal> {
        let refused = || unlisted(kind, &label(name, filter));
        let resolved = schema::resolve(kind, name).ok_or_else(refused)?;
        if let Some(listed) = self.find(kind, &resolved, filter) {
            return value.map_or(Ok(()), |value| listed.check(value, lookup));
        }
        // Else it may be the whole of something whose parts are listed.
        let parts: Vec<_> = self.listed(kind).iter().filter(|one| one.is_part_of(&resolved)).collect();
        if resolved.sub.is_some() || is_reference(resolved.definition) {
            return Err(refused());
        }
        for entry in value.into_iter().flat_map(all).filter(|entry| !is_nothing(entry)) {
            let Value::Object(fields) = entry else { return Err(refused()) };
            let mut described = fields.clone();
            // The entry is the one that the path describes, whether it says so itself or not.
            if let Some(Filter::Compare(subject, _, super::super::filter::Literal::Text(text))) = filter {
                described.insert(subject.name.attribute.clone(), text.as_str().into());
            }
            let described = Value::Object(described);
            for (sub, value) in fields {
                let part = parts.iter().find(|part| {
                    part.sub.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(sub))
                        && part.concerns(&described)
                });
                let is_label = LABELS.iter().any(|name| name.eq_ignore_ascii_case(sub));
                match part {
                    Some(part) => part.check(value, lookup)?,
                    None if is_label && resolved.definition.is_some_and(|of| of.multi_valued) => {}
                    None => {
                        let which = described.get("type").and_then(Value::as_str);
                        let which = which.map(|which| format!("[type eq \"{which}\"]")).unwrap_or_default();
                        return Err(unlisted(kind, &format!("{}{which}.{sub}", label(name, None))));
                    }
                }
            }
        }
        if parts.is_empty() { Err(refused()) } else { Ok(()) }
    }

    fn lists_extension(&self, kind: ResourceKind, urn: &str) -> bool {
        self.listed(kind).iter().any(|one| match &one.place {
            Place::Extension(own) => own.eq_ignore_ascii_case(urn),
            Place::Core => false,
        })
    }
}

fn all(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(entries) => entries.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    }
}

fn unlisted(kind: ResourceKind, name: &str) -> Refusal {
    Refusal::path(format!("this app has no attribute `{name}` of a {kind}"))
}
