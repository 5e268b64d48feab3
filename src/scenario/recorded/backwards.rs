//! The mappings of a job read backwards: from what the target was sent, or showed, to attributes of the source.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reading::Who;
use super::story::{name_attribute, same_texts};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::engine::spec::JobSpec;
use crate::expression::{AttributeValue, Environment, Random};
use crate::mapping::{
    AttributeMapping, AttributeType, Evaluated, Mapped, MappedValue, MappingSource, Taken, shorten_guest_upn,
};
use crate::scim::path::TargetPath;
use crate::scim::style::Dialect;

/// The attribute that says whether somebody may sign in.
pub(super) const ENABLED: &str = "accountEnabled";
/// The attribute that is computed from it, among other things.
const SOFT_DELETED: &str = "IsSoftDeleted";

/// A job, read backwards.
pub(super) struct Backwards<'s> {
    spec: &'s JobSpec,
    now: Timestamp,
}

/// A mapping whose target holds ids.
pub(super) struct Reference<'s> {
    /// Of the source.
    pub(super) attribute: &'s str,
    /// Whether there are several, as of members.
    pub(super) several: bool,
}

impl<'s> Backwards<'s> {
    pub(super) fn new(spec: &'s JobSpec, now: Timestamp) -> Self {
        Self { spec, now }
    }

    /// Every mapping of a kind that writes values, with its place.
    fn values(&self, kind: ObjectKind) -> impl Iterator<Item = (usize, &'s AttributeMapping)> {
        let mapping = self.spec.mapping(kind);
        let is_reference = move |one: &AttributeMapping| {
            mapping.definition(one).is_some_and(|known| known.attribute_type == AttributeType::Reference)
        };
        mapping.attributes.iter().enumerate().filter(move |(_, one)| !is_reference(one))
    }

    /// The name that a resource tells.
    pub(super) fn name(&self, kind: ObjectKind, resource: &Value) -> Option<String> {
        let is_name = |one: &AttributeMapping| matches!(&one.source, MappingSource::Direct(name) if name == name_attribute(kind));
        let (_, mapping) = self.values(kind).find(|(_, one)| is_name(one))?;
        texts_of(mapping.target.read(resource)?).pop()
    }

    /// The attributes that expressions read and no mapping tells directly.
    pub(super) fn untold(&self, kind: ObjectKind) -> Vec<&'s str> {
        let mapping = self.spec.mapping(kind);
        let is_told = |name: &str| {
            let direct =
                |one: &AttributeMapping| matches!(&one.source, MappingSource::Direct(known) if known == name);
            [ENABLED, SOFT_DELETED, "objectId", name_attribute(kind)].contains(&name)
                || mapping.attributes.iter().any(direct)
        };
        let expressions = mapping.attributes.iter().filter_map(|one| match &one.source {
            MappingSource::Expression(expression) => Some(expression.attributes()),
            MappingSource::Direct(_) | MappingSource::Constant(_) | MappingSource::None => None,
        });
        expressions.flatten().filter(|name| !is_told(name)).collect()
    }

    /// The attributes that make the values which a create can't do without, but for the name.
    pub(super) fn required(&self, kind: ObjectKind) -> Vec<&'s str> {
        let mapping = self.spec.mapping(kind);
        let is_required =
            |one: &&AttributeMapping| mapping.definition(one).is_some_and(|known| known.required);
        let rows = mapping.attributes.iter().filter(is_required);
        let names = rows.flat_map(|one| one.source.attributes());
        names.filter(|name| ![name_attribute(kind), "objectId", SOFT_DELETED].contains(name)).collect()
    }

    /// Attributes of the source that a whole resource tells; one whose target is absent is absent.
    pub(super) fn attributes(
        &self,
        kind: ObjectKind,
        resource: &Value,
    ) -> Vec<(String, Option<AttributeValue>)> {
        let mut told: BTreeMap<String, Option<AttributeValue>> = BTreeMap::new();
        for (at, mapping) in self.values(kind) {
            let value = mapping.target.read(resource).unwrap_or(&Value::Null);
            let Some((name, value)) = self.attribute(kind, at, value) else { continue };
            // Whether somebody is enabled does not follow from an absent `active`.
            if name != ENABLED || value.is_some() {
                let told = told.entry(name).or_default();
                *told = told.take().or(value);
            }
        }
        told.into_iter().collect()
    }

    /// The attribute that a mapping's value tells; `None` where it tells none by itself.
    pub(super) fn attribute(
        &self,
        kind: ObjectKind,
        at: usize,
        value: &Value,
    ) -> Option<(String, Option<AttributeValue>)> {
        let mapping = self.spec.mapping(kind);
        let one = mapping.attributes.get(at)?;
        let mut texts = texts_of(value);
        match &one.source {
            MappingSource::Direct(name) if name == "objectId" || name == name_attribute(kind) => None,
            MappingSource::Direct(name) if name == SOFT_DELETED => None,
            MappingSource::Direct(name) => {
                let is_list = mapping.definition(one).is_some_and(|known| known.multivalued);
                let value = match texts.len() {
                    0 => None,
                    _ if is_list => Some(AttributeValue::List(texts)),
                    _ => Some(AttributeValue::Text(texts.swap_remove(0))),
                };
                Some((name.clone(), value))
            }
            MappingSource::Expression(expression)
                if kind == ObjectKind::User
                    && one.target.is_core("active")
                    && expression.attributes().contains(&SOFT_DELETED) =>
            {
                let value = texts.pop().map(|truth| {
                    let is_on = truth.eq_ignore_ascii_case("true");
                    AttributeValue::Text(if is_on { "True" } else { "False" }.to_owned())
                });
                Some((ENABLED.to_owned(), value))
            }
            MappingSource::Expression(_) | MappingSource::Constant(_) | MappingSource::None => None,
        }
    }

    /// Attributes that expressions read and no mapping tells directly: where one of them, set to what came of the
    /// expression, makes just that of it, it is taken to be so. `body` is a whole resource.
    pub(super) fn guesses(
        &self,
        who: &Who,
        known: &BTreeMap<String, AttributeValue>,
        body: &Value,
    ) -> Vec<(String, AttributeValue)> {
        let mut known = known.clone();
        let mut guessed = Vec::new();
        for (at, mapping) in self.values(who.0) {
            let value = mapping.target.read(body).unwrap_or(&Value::Null);
            if let Some((name, value)) = self.guess(who, &known, at, value) {
                known.insert(name.clone(), value.clone());
                guessed.push((name, value));
            }
        }
        guessed
    }

    /// The same for one mapping, and what came of it.
    pub(super) fn guess(
        &self,
        who: &Who,
        known: &BTreeMap<String, AttributeValue>,
        at: usize,
        value: &Value,
    ) -> Option<(String, AttributeValue)> {
        let mapping = self.spec.mapping(who.0);
        let Some(MappingSource::Expression(expression)) = mapping.attributes.get(at).map(|one| &one.source)
        else {
            return None;
        };
        let texts = texts_of(value);
        let [text] = texts.as_slice() else { return None };
        if self.forward(who, known, at).is_some_and(|made| same_texts(&made, &texts)) {
            return None;
        }
        let unknown = self.untold(who.0);
        let unknown = expression.attributes().into_iter().filter(|name| unknown.contains(name));
        let mut unknown: Vec<&str> = unknown.collect();
        unknown.dedup();
        unknown.into_iter().find_map(|name| {
            let guess = AttributeValue::Text(text.clone());
            let mut tried = known.clone();
            tried.insert(name.to_owned(), guess.clone());
            let made = self.forward(who, &tried, at)?;
            same_texts(&made, &texts).then(|| (name.to_owned(), guess))
        })
    }

    /// What one mapping makes of attributes; `None` where nothing can be mapped.
    pub(super) fn forward(
        &self,
        who: &Who,
        attributes: &BTreeMap<String, AttributeValue>,
        at: usize,
    ) -> Option<Vec<String>> {
        let mapped = self.mapped(who, attributes)?;
        let one = mapped.attributes.into_iter().find(|one| one.mapping_index == at)?;
        Some(match one.value {
            Some(MappedValue::Text(text)) => vec![text],
            Some(MappedValue::List(texts)) => texts,
            None => Vec::new(),
        })
    }

    /// What the mappings make of attributes.
    fn mapped(&self, who: &Who, attributes: &BTreeMap<String, AttributeValue>) -> Option<Mapped> {
        let mut view = attributes.clone();
        let mut set =
            |name: &str, text: &str| view.insert(name.to_owned(), AttributeValue::Text(text.to_owned()));
        set("objectId", &who.1);
        let is_off = attributes.get(ENABLED) == Some(&AttributeValue::Text("False".to_owned()));
        set(SOFT_DELETED, if is_off { "True" } else { "False" });
        // A guest has two names (`mapping.md 5.5`).
        if let Some(AttributeValue::Text(name)) = attributes.get("userPrincipalName") {
            let text = |text: &str| AttributeValue::Text(text.to_owned());
            view.entry("originalUserPrincipalName".to_owned()).or_insert_with(|| text(name));
            view.insert("userPrincipalName".to_owned(), text(&shorten_guest_upn(name)));
        }
        let mut environment =
            Environment::new(self.now, Random::seeded(self.spec.seed), &self.spec.expressions);
        let taken = Taken::new();
        let mapping = self.spec.mapping(who.0);
        match mapping.evaluate(&view, &mut environment, &self.spec.style, &taken) {
            Ok(Evaluated::Mapped(mapped)) => Some(mapped),
            Ok(Evaluated::IgnoreObject { .. }) | Err(_) => None,
        }
    }

    /// The body that creates whoever has these attributes.
    pub(super) fn body(&self, who: &Who, attributes: &BTreeMap<String, AttributeValue>) -> Option<Value> {
        self.mapped(who, attributes)?.create_body(&self.spec.style).ok()
    }

    /// What an account holds, by mapping.
    pub(super) fn held(&self, kind: ObjectKind, resource: &Value) -> BTreeMap<usize, Vec<String>> {
        let values = self.values(kind);
        values
            .map(|(at, mapping)| (at, mapping.target.read(resource).map(texts_of).unwrap_or_default()))
            .collect()
    }

    /// What a resource holds where a mapping writes, without null.
    pub(super) fn found(&self, kind: ObjectKind, at: usize, resource: &Value) -> Option<Value> {
        without_null(self.spec.mapping(kind).attributes.get(at)?.target.read(resource)?)
    }

    /// The target of a mapping.
    pub(super) fn target(&self, kind: ObjectKind, at: usize) -> String {
        let one = self.spec.mapping(kind).attributes.get(at);
        one.map_or_else(String::new, |one| one.target.to_string())
    }

    /// References of which there is one: attribute of the source, and the target's.
    pub(super) fn single_references(&self, kind: ObjectKind) -> Vec<(&'s str, &'s TargetPath)> {
        let references = self.spec.mapping(kind).references();
        references.iter().filter(|one| !one.multivalued).map(|one| (one.source_attribute, one.path)).collect()
    }

    /// The reference that an operation is about.
    pub(super) fn reference(&self, kind: ObjectKind, operation: &Value) -> Option<Reference<'s>> {
        let path = operation.get("path").and_then(Value::as_str);
        let path = match path {
            Some(path) => path,
            None => operation.get("value")?.as_object()?.keys().next()?.as_str(),
        };
        self.reference_at(kind, path)
    }

    /// The reference at a path, as any dialect writes it.
    pub(super) fn reference_at(&self, kind: ObjectKind, path: &str) -> Option<Reference<'s>> {
        let plain = path.split('[').next().unwrap_or_default();
        let references = self.spec.mapping(kind).references();
        let found = references.iter().find(|one| {
            [Dialect::Default, Dialect::Legacy2018]
                .iter()
                .any(|dialect| one.path.wire_text(*dialect).eq_ignore_ascii_case(plain))
                || one.path.attribute().eq_ignore_ascii_case(plain)
        })?;
        Some(Reference { attribute: found.source_attribute, several: found.multivalued })
    }

    /// The mappings whose targets an operation writes, each with what it writes there.
    pub(super) fn written<'o>(&self, kind: ObjectKind, operation: &'o Value) -> Vec<(usize, &'o Value)> {
        let value = operation.get("value").unwrap_or(&Value::Null);
        if let Some(path) = operation.get("path").and_then(Value::as_str) {
            return self.at_path(kind, path).map(|at| (at, value)).into_iter().collect();
        }
        let members = value.as_object().into_iter().flatten();
        members.filter_map(|(path, value)| Some((self.at_path(kind, path)?, value))).collect()
    }

    /// The mapping whose target is at a path, as any dialect writes it.
    pub(super) fn at_path(&self, kind: ObjectKind, path: &str) -> Option<usize> {
        let parsed = TargetPath::parse(path).ok();
        let is_there = |mapping: &AttributeMapping| {
            mapping.target.wire_text(Dialect::Legacy2018).eq_ignore_ascii_case(path)
                || parsed.as_ref().is_some_and(|parsed| parsed.same_place(&mapping.target))
        };
        self.values(kind).find(|(_, mapping)| is_there(mapping)).map(|(at, _)| at)
    }
}

/// The texts of a value as mappings have them; of entries, their values.
pub(super) fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Bool(truth) => vec![if *truth { "True" } else { "False" }.to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().flat_map(texts_of).collect(),
        Value::Object(members) => members.get("value").map(texts_of).unwrap_or_default(),
    }
}

/// A value with no null in it, which the file has no word for; `None` for null.
fn without_null(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => items.iter().filter_map(without_null).collect(),
        Value::Object(members) => {
            members.iter().filter_map(|(name, member)| Some((name.clone(), without_null(member)?))).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    })
}

/// The ids that an operation on a reference names.
pub(super) fn reference_ids(operation: &Value) -> Vec<String> {
    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
    let in_path = path.split('"').nth(1).filter(|_| path.contains('['));
    let value = operation.get("value").unwrap_or(&Value::Null);
    let value = match (operation.get("path"), value) {
        (None, Value::Object(members)) => members.values().next().unwrap_or(&Value::Null),
        (Some(_) | None, value) => value,
    };
    in_path.map(str::to_owned).into_iter().chain(texts_of(value)).collect()
}
