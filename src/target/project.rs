//! Which attributes of a resource an answer shows: `attributes` and `excludedAttributes` (RFC 7644 §3.9).

use serde_json::{Map, Value};

use super::ResourceKind;
use super::path::{AttributeName, is_extension};
use super::schema::{self, Place};

/// What a client wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Projection {
    /// These and no others; empty for all.
    pub(super) attributes: Vec<String>,
    /// All but these.
    pub(super) excluded: Vec<String>,
}

/// Where an attribute lies in a resource, each step without case: `["name", "familyname"]`.
type Steps = Vec<String>;

impl Projection {
    /// Whether the whole resource is shown.
    pub(super) fn is_whole(&self) -> bool {
        self.attributes.is_empty() && self.excluded.is_empty()
    }

    /// Whether a group's members are shown, so that they need not be gathered when not.
    pub(super) fn wants_members(&self) -> bool {
        let members = |name: &String| {
            steps(ResourceKind::Group, name)
                .is_some_and(|steps| steps.first().is_some_and(|first| first == "members"))
        };
        let excluded = self
            .excluded
            .iter()
            .any(|name| steps(ResourceKind::Group, name).is_some_and(|steps| steps == ["members"]));
        !excluded && (self.attributes.is_empty() || self.attributes.iter().any(members))
    }

    /// The part of the resource that is shown. `schemas` and `id` always are; names that the schemas lack say nothing.
    pub(super) fn apply(&self, kind: ResourceKind, resource: Value) -> Value {
        let Value::Object(mut fields) = resource else {
            return resource;
        };
        if !self.attributes.is_empty() {
            let mut wanted: Vec<Steps> =
                self.attributes.iter().filter_map(|name| steps(kind, name)).collect();
            wanted.extend(ALWAYS.iter().map(|name| vec![(*name).to_owned()]));
            fields = keep(fields, &wanted);
        }
        if !self.excluded.is_empty() {
            let excluded = self.excluded.iter().filter_map(|name| steps(kind, name));
            let excluded: Vec<Steps> = excluded
                .filter(|steps| !steps.first().is_some_and(|first| ALWAYS.contains(&first.as_str())))
                .collect();
            fields = leave_out(fields, &excluded);
        }
        Value::Object(fields)
    }
}

/// Attributes of every answer (RFC 7643 §3).
const ALWAYS: &[&str] = &["schemas", "id"];

fn steps(kind: ResourceKind, name: &str) -> Option<Steps> {
    if is_extension(name) {
        return schema::extension(kind, name).map(|urn| vec![urn.to_lowercase()]);
    }
    let resolved = schema::resolve(kind, &AttributeName::parse(name)?)?;
    let place = match resolved.place {
        Place::Core => None,
        Place::Extension(urn) => Some(urn),
    };
    let steps = place.into_iter().chain([resolved.name]).chain(resolved.sub.map(|sub| sub.name));
    Some(steps.map(|step| step.to_lowercase()).collect())
}

/// What is left behind this name of the steps that begin with it; nothing is left of those that end here.
fn behind(name: &str, all: &[Steps]) -> Vec<Steps> {
    let name = name.to_lowercase();
    let matching = all.iter().filter(|steps| steps.first() == Some(&name));
    matching.map(|steps| steps.iter().skip(1).cloned().collect()).collect()
}

fn keep(fields: Map<String, Value>, wanted: &[Steps]) -> Map<String, Value> {
    let kept = fields.into_iter().filter_map(|(name, value)| {
        let rest = behind(&name, wanted);
        if rest.is_empty() {
            return None;
        }
        if rest.iter().any(Vec::is_empty) {
            return Some((name, value));
        }
        inside(value, &|fields| keep(fields, &rest)).map(|value| (name, value))
    });
    kept.collect()
}

fn leave_out(fields: Map<String, Value>, excluded: &[Steps]) -> Map<String, Value> {
    let kept = fields.into_iter().filter_map(|(name, value)| {
        let rest = behind(&name, excluded);
        if rest.is_empty() {
            return Some((name, value));
        }
        if rest.iter().any(Vec::is_empty) {
            return None;
        }
        inside(value, &|fields| leave_out(fields, &rest)).map(|value| (name, value))
    });
    kept.collect()
}

/// The value with its objects cut down; `None` when nothing is left.
fn inside(value: Value, cut: &impl Fn(Map<String, Value>) -> Map<String, Value>) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let fields = cut(fields);
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(entries) => {
            let entries: Vec<Value> = entries.into_iter().filter_map(|entry| inside(entry, cut)).collect();
            (!entries.is_empty()).then_some(Value::Array(entries))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
