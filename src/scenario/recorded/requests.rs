//! The requests of a recorded cycle as expectations: what a replay sends too.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::backwards::{Backwards, texts_of};
use super::reading::{Cycle, Ids, Who, Wire};
use super::story::{Moment, Stories, same_texts};
use crate::directory::object::ObjectKind;
use crate::scenario::names::placeholders;
use crate::scim::query::collection_path;

/// Members of a body that are the same for all of a kind.
const FRAME: [&str; 2] = ["schemas", "meta"];

/// What requests are read by.
pub(super) struct Reading<'r> {
    pub(super) stories: &'r Stories,
    pub(super) ids: &'r Ids,
    pub(super) backwards: &'r Backwards<'r>,
    /// What the file calls somebody.
    pub(super) name: &'r dyn Fn(&Who) -> String,
}

/// The requests of a cycle, without probes that were answered, as tables of `expect.requests`. What of their bodies a
/// replay can't be known to repeat is left out, and added to `left_out`.
pub(super) fn requests(
    cycle: &Cycle<'_>,
    reading: &Reading<'_>,
    left_out: &mut BTreeSet<String>,
) -> Vec<Map<String, Value>> {
    let is_told = |wire: &&Wire<'_>| wire.who.is_some() || !wire.is_fine();
    cycle.wires.iter().filter(is_told).map(|wire| reading.request(cycle.number, wire, left_out)).collect()
}

impl Reading<'_> {
    fn request(&self, cycle: u64, wire: &Wire<'_>, left_out: &mut BTreeSet<String>) -> Map<String, Value> {
        let mut request = Map::new();
        let mut put = |key: &str, value: Value| request.insert(key.to_owned(), value);
        put("method", wire.method.into());
        put("path", self.path(wire).into());
        if let Some(status) = status(wire) {
            put("status", status.into());
        }
        let Some(who) = &wire.who else { return request };
        let moment = Moment::of(cycle);
        if wire.method == "PATCH" {
            let operations =
                wire.operations().iter().map(|operation| self.operation(who, moment, operation, left_out));
            put("operations", operations.collect());
        } else if let (Some(Value::Object(body)), "POST") = (wire.sent(), wire.method) {
            put("body", Value::Object(self.body(who, moment, body, left_out)));
        }
        request
    }

    /// The path with names in place of ids, and the query where it can be written so.
    fn path(&self, wire: &Wire<'_>) -> String {
        let collection = collection_path(wire.kind);
        if let Some(id) = &wire.id {
            let whose = self.ids.get(wire.kind, id).or(wire.who.as_ref());
            let name = whose.map_or_else(|| id.clone(), |whose| self.placeholder(whose));
            return format!("/{collection}/{name}");
        }
        match wire
            .query
            .as_ref()
            .filter(|_| wire.who.is_some())
            .and_then(|query| self.quoted(wire.kind, query))
        {
            Some(query) => format!("/{collection}?{query}"),
            None => format!("/{collection}"),
        }
    }

    /// A filter, or a path with one, of a kind: names stand in place of the ids that references, and `id`, are compared
    /// with. `None` where it has braces of its own.
    fn quoted(&self, kind: ObjectKind, text: &str) -> Option<String> {
        if !placeholders(text).is_empty() {
            return None;
        }
        let mut told = String::new();
        for (at, part) in text.split('"').enumerate() {
            if at != 0 {
                told.push('"');
            }
            // Every other part is a value, and what it is compared with stands before it.
            let compared = told.strip_suffix(" eq \"").filter(|_| !at.is_multiple_of(2)).unwrap_or_default();
            let whose = match compared.rsplit(['[', ' ', '=', '(', ':']).next().unwrap_or_default() {
                "id" => self.ids.get(kind, part),
                "value" => self.ids.referred(part).filter(|_| self.is_reference(kind, compared)),
                path if self.backwards.reference_at(kind, path).is_some() => self.ids.referred(part),
                _ => None,
            };
            told.push_str(&whose.map_or_else(|| part.to_owned(), |who| self.placeholder(who)));
        }
        Some(told)
    }

    /// Whether a path that ends in a filter on `value` is that of a reference.
    fn is_reference(&self, kind: ObjectKind, path: &str) -> bool {
        path.strip_suffix("[value").is_some_and(|path| self.backwards.reference_at(kind, path).is_some())
    }

    fn placeholder(&self, who: &Who) -> String {
        format!("{{{}}}", (self.name)(who))
    }

    /// The value of a reference, with names in place of ids, and without URLs, which are the target's own.
    fn references(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::String(id) => match self.ids.referred(id) {
                Some(who) => self.placeholder(who).into(),
                None => return plain(value),
            },
            Value::Array(items) => items.iter().map(|item| self.references(item)).collect::<Option<_>>()?,
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| *name != "$ref")
                .filter_map(|(name, member)| {
                    let is_id = name == "value";
                    let member = if is_id { self.references(member) } else { plain(member) };
                    Some((name.clone(), member?))
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => return plain(value),
        })
    }

    fn operation(
        &self,
        who: &Who,
        moment: Moment,
        operation: &Value,
        left_out: &mut BTreeSet<String>,
    ) -> Value {
        let mut told = Map::new();
        for (key, member) in operation.as_object().into_iter().flatten() {
            let member = match (key.as_str(), member) {
                ("path", Value::String(path)) => self.quoted(who.0, path).map(Value::String),
                ("value", _) => self.written(who, moment, operation, member, left_out),
                _ => plain(member),
            };
            if let Some(member) = member {
                told.insert(key.clone(), member);
            }
        }
        Value::Object(told)
    }

    /// What an operation writes, as far as the mappings make it of what is known.
    fn written(
        &self,
        who: &Who,
        moment: Moment,
        operation: &Value,
        value: &Value,
        left_out: &mut BTreeSet<String>,
    ) -> Option<Value> {
        let attributes = self.stories.of(who)?.attributes_at(moment);
        let mut is_known = |path: &str, value: &Value| {
            let made =
                self.backwards.at_path(who.0, path).map(|at| self.backwards.forward(who, &attributes, at));
            let is_known = match made {
                Some(Some(made)) => same_texts(&made, &texts_of(value)),
                // No mapping writes it: then the replay shows that.
                None => true,
                Some(None) => false,
            };
            if !is_known {
                left_out.insert(unknown(who.0, path));
            }
            is_known
        };
        match (operation.get("path").and_then(Value::as_str), value) {
            (Some(path), _) => self.member(who.0, path, value, &mut is_known),
            (None, Value::Object(members)) => Some(Value::Object(
                members
                    .iter()
                    .filter_map(|(path, member)| {
                        Some((path.clone(), self.member(who.0, path, member, &mut is_known)?))
                    })
                    .collect(),
            )),
            (None, _) => plain(value),
        }
    }

    /// What is written at a path: a reference, or something else where that `is_known`.
    fn member(
        &self,
        kind: ObjectKind,
        path: &str,
        value: &Value,
        is_known: &mut dyn FnMut(&str, &Value) -> bool,
    ) -> Option<Value> {
        if self.backwards.reference_at(kind, path).is_some() {
            return self.references(value);
        }
        is_known(path, value).then(|| plain(value)).flatten()
    }

    /// The members of a body that the mappings make of what is known.
    fn body(
        &self,
        who: &Who,
        moment: Moment,
        body: &Map<String, Value>,
        left_out: &mut BTreeSet<String>,
    ) -> Map<String, Value> {
        let made =
            self.stories.of(who).and_then(|story| self.backwards.body(who, &story.attributes_at(moment)));
        let mut told = Map::new();
        for (name, member) in body.iter().filter(|(name, _)| !FRAME.contains(&name.as_str())) {
            if made.as_ref().and_then(|made| made.get(name)) != Some(member) {
                left_out.insert(unknown(who.0, name));
            } else if let Some(member) = plain(member) {
                told.insert(name.clone(), member);
            }
        }
        told
    }
}

/// A value without null; `None` where nothing is left, or where a text has braces of its own.
fn plain(value: &Value) -> Option<Value> {
    Some(match value {
        Value::String(text) if placeholders(text).is_empty() => value.clone(),
        Value::Null | Value::String(_) => return None,
        Value::Array(items) => items.iter().map(plain).collect::<Option<_>>()?,
        Value::Object(members) => {
            members.iter().filter_map(|(name, member)| Some((name.clone(), plain(member)?))).collect()
        }
        Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// The status that is expected; `None` for a success that the embedded app tells by another one.
fn status(wire: &Wire<'_>) -> Option<u16> {
    let usual = match (wire.method, wire.kind) {
        ("GET", _) | ("PATCH", ObjectKind::User) => 200,
        ("POST", _) => 201,
        _ => 204,
    };
    (!wire.is_fine() || wire.status == usual).then_some(wire.status)
}

fn unknown(kind: ObjectKind, target: &str) -> String {
    format!(
        "`{target}` of {}s: what it came from does not show in the traffic, so its values are left out",
        kind.as_str().to_lowercase()
    )
}
