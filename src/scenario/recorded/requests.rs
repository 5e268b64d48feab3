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
            let whose = self.ids.get(id).or(wire.who.as_ref());
            let name = whose.map_or_else(|| id.clone(), |whose| format!("{{{}}}", (self.name)(whose)));
            return format!("/{collection}/{name}");
        }
        match wire.query.as_ref().filter(|_| wire.who.is_some()).and_then(|query| self.quoted(query)) {
            Some(query) => format!("/{collection}?{query}"),
            None => format!("/{collection}"),
        }
    }

    /// A text with names in place of the ids that stand in it in quotes; `None` where it has braces of its own.
    fn quoted(&self, text: &str) -> Option<String> {
        if !placeholders(text).is_empty() {
            return None;
        }
        let part = |part: &str| match self.ids.get(part) {
            Some(who) => format!("{{{}}}", (self.name)(who)),
            None => part.to_owned(),
        };
        Some(text.split('"').map(part).collect::<Vec<_>>().join("\""))
    }

    /// A value with names in place of ids, without null, and without the URLs of references, which are the target's
    /// own; `None` where nothing is left.
    fn value(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::Null => return None,
            Value::String(text) => match self.ids.get(text) {
                Some(who) => format!("{{{}}}", (self.name)(who)).into(),
                None if placeholders(text).is_empty() => value.clone(),
                None => return None,
            },
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect::<Option<_>>()?,
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| *name != "$ref")
                .filter_map(|(name, member)| Some((name.clone(), self.value(member)?)))
                .collect(),
            Value::Bool(_) | Value::Number(_) => value.clone(),
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
                ("path", Value::String(path)) => self.quoted(path).map(Value::String),
                ("value", _) => self.written(who, moment, operation, member, left_out),
                _ => self.value(member),
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
        if self.backwards.reference(who.0, operation).is_some() {
            return self.value(value);
        }
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
            (Some(path), _) => is_known(path, value).then(|| self.value(value)).flatten(),
            (None, Value::Object(members)) => Some(Value::Object(
                members
                    .iter()
                    .filter(|(path, member)| is_known(path, member))
                    .filter_map(|(path, member)| Some((path.clone(), self.value(member)?)))
                    .collect(),
            )),
            (None, _) => self.value(value),
        }
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
            } else if let Some(member) = self.value(member) {
                told.insert(name.clone(), member);
            }
        }
        told
    }
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
