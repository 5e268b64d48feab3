//! One change to the value of one attribute (RFC 7644 §3.5.2): the present value in, the new one out.

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::filter::evaluate::entry_holds;
use super::filter::{Filter, Literal, Operator};
use super::schema::{Attribute, Mutability, Resolved, ResolvedSub, Type};
use super::value::{bounded, conform, is_primary};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Replace,
    Remove,
}

/// The value of an attribute after a change; `None` when none is left.
///
/// `value` is `None` when the request gave none. Removing what is not there changes nothing, and a filter that meets
/// no entry makes one when it says what it would look like (`wire.md 4.2`).
pub(super) fn edit(
    resolved: &Resolved,
    filter: Option<&Filter>,
    verb: Verb,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, Refusal> {
    if filter.is_none() && resolved.sub.is_none() {
        return edit_whole(resolved.definition, verb, current, value);
    }
    let listed = match resolved.definition {
        Some(definition) => definition.multi_valued,
        None => filter.is_some() || matches!(current, Some(Value::Array(_))),
    };
    let mut entries = entries(current);
    let chosen: Vec<bool> = entries
        .iter()
        .map(|entry| filter.is_none_or(|filter| entry_holds(filter, resolved.definition, entry)))
        .collect();
    let change = Change::new(resolved, verb, value)?;
    if !chosen.contains(&true) && !change.clears() {
        let made = match filter {
            None => Some(Map::new()),
            Some(filter) if listed => entry_described(filter, resolved.definition),
            Some(_) => None,
        };
        let made = made
            .ok_or_else(|| Refusal::no_target(format!("no entry of `{}` meets the filter", resolved.name)))?;
        let made = change.applied(Value::Object(made));
        if let Some(made) = made {
            if is_primary(&made) {
                demote(&mut entries);
            }
            entries.push(made);
        }
        return assemble(entries, listed);
    }
    if change.sets_primary() {
        demote(&mut entries);
    }
    let mut kept: Vec<Value> = Vec::with_capacity(entries.len());
    for (entry, chosen) in entries.into_iter().zip(chosen) {
        if !chosen {
            kept.push(entry);
        } else if let Some(changed) = change.applied(entry) {
            if change.sets_primary() {
                demote(&mut kept);
            }
            kept.push(changed);
        }
    }
    assemble(kept, listed)
}

/// What happens to each chosen entry.
struct Change<'a> {
    sub: Option<&'a ResolvedSub>,
    definition: Option<&'static Attribute>,
    /// The new sub-attribute, or the fields to merge; `None` clears.
    value: Option<Value>,
}

impl<'a> Change<'a> {
    fn new(resolved: &'a Resolved, verb: Verb, value: Option<Value>) -> Result<Self, Refusal> {
        let sub = resolved.sub.as_ref();
        let definition = resolved.definition;
        if let Some(known) = sub.and_then(|sub| sub.definition)
            && known.mutability == Mutability::ReadOnly
        {
            return Err(Refusal::mutability(format!(
                "`{}.{}` is written by the app alone",
                resolved.name, known.name
            )));
        }
        let value = match (verb, value, sub) {
            (Verb::Remove, ..) | (_, None, _) => None,
            (_, Some(value), Some(sub)) => conform(sub.definition, value)?,
            (_, Some(value), None) => match conform(definition, value)? {
                Some(Value::Array(mut entries)) if entries.len() == 1 => entries.pop(),
                Some(Value::Array(_)) => return Err(Refusal::value("a filtered path takes one value")),
                other => other,
            },
        };
        Ok(Self { sub, definition, value })
    }

    fn clears(&self) -> bool {
        self.value.is_none()
    }

    fn sets_primary(&self) -> bool {
        match self.sub {
            Some(sub) => sub.name == "primary" && self.value == Some(Value::Bool(true)),
            None => self.value.as_ref().is_some_and(is_primary),
        }
    }

    /// The entry with the change; `None` when nothing of it is left.
    fn applied(&self, entry: Value) -> Option<Value> {
        let Some(sub) = self.sub else {
            return match (entry, self.value.clone()?) {
                (Value::Object(mut fields), Value::Object(new)) => {
                    fields.extend(new);
                    Some(Value::Object(fields))
                }
                (_, new) => Some(new),
            };
        };
        let mut fields = if let Value::Object(fields) = entry {
            fields
        } else {
            Map::from_iter([("value".to_owned(), entry)])
        };
        match &self.value {
            Some(value) => {
                // A new value makes what else is known of a reference stale.
                if self.definition.is_some_and(|definition| definition.sub("$ref").is_some()) {
                    fields.clear();
                }
                fields.insert(sub.name.clone(), value.clone());
            }
            None => {
                fields.shift_remove(&sub.name);
            }
        }
        (!fields.is_empty()).then_some(Value::Object(fields))
    }
}

fn edit_whole(
    definition: Option<&'static Attribute>,
    verb: Verb,
    current: Option<Value>,
    value: Option<Value>,
) -> Result<Option<Value>, Refusal> {
    let multi_valued = definition.map_or_else(
        || matches!(current, Some(Value::Array(_))) || matches!(value, Some(Value::Array(_))),
        |definition| definition.multi_valued,
    );
    match (verb, value) {
        (Verb::Remove, None | Some(Value::Null)) => Ok(None),
        // For a single value the path alone says what goes (RFC 7644 §3.5.2.2).
        (Verb::Remove, Some(_)) if !multi_valued => Ok(None),
        (Verb::Remove, Some(value)) => {
            let listed = entries(conform(definition, value)?);
            let kept =
                entries(current).into_iter().filter(|entry| !listed.iter().any(|one| is_meant(one, entry)));
            assemble(kept.collect(), true)
        }
        (Verb::Add | Verb::Replace, None) => Err(Refusal::value("the operation has no `value`")),
        (Verb::Add, Some(value)) if multi_valued => {
            let mut all = entries(current);
            for new in entries(conform(definition, value)?) {
                append(&mut all, new);
            }
            assemble(all, true)
        }
        (Verb::Add | Verb::Replace, Some(Value::Object(given))) if merges(definition, current.as_ref()) => {
            merge(definition, current, given)
        }
        (Verb::Add | Verb::Replace, Some(value)) => conform(definition, value),
    }
}

/// Whether sub-attributes that are not named stay (RFC 7644 §3.5.2.3). A reference is one thing and is set whole.
fn merges(definition: Option<&Attribute>, current: Option<&Value>) -> bool {
    match definition {
        Some(definition) => {
            definition.kind == Type::Complex && !definition.multi_valued && definition.sub("$ref").is_none()
        }
        None => matches!(current, Some(Value::Object(_))),
    }
}

fn merge(
    definition: Option<&Attribute>,
    current: Option<Value>,
    given: Map<String, Value>,
) -> Result<Option<Value>, Refusal> {
    let mut fields = match current {
        Some(Value::Object(fields)) => fields,
        Some(_) | None => Map::new(),
    };
    for (name, value) in given {
        let sub = definition.and_then(|definition| definition.sub(&name));
        if definition.is_some() && sub.is_none() {
            continue;
        }
        let name = sub.map_or(name, |sub| sub.name.to_owned());
        match conform(sub, value)? {
            Some(value) => fields.insert(name, value),
            None => fields.shift_remove(&name),
        };
    }
    Ok((!fields.is_empty()).then_some(Value::Object(fields)))
}

fn entries(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(single) => vec![single],
    }
}

fn assemble(mut entries: Vec<Value>, listed: bool) -> Result<Option<Value>, Refusal> {
    bounded(&entries)?;
    if listed {
        return Ok((!entries.is_empty()).then_some(Value::Array(entries)));
    }
    Ok(entries.pop())
}

/// Adds an entry unless it is there. One with the same value, and no other type, is the same one and learns what the
/// new one says besides.
fn append(all: &mut Vec<Value>, new: Value) {
    if all.contains(&new) {
        return;
    }
    if is_primary(&new) {
        demote(all);
    }
    let same = all.iter_mut().find(|entry| new.get("value").is_some() && is_meant(&new, entry));
    match (same, new) {
        (Some(Value::Object(fields)), Value::Object(new)) => fields.extend(new),
        (_, new) => all.push(new),
    }
}

/// Whether an entry of a list in a request means this entry: by `value` and `type` as far as both have them, or by
/// everything given when there is no value.
fn is_meant(given: &Value, entry: &Value) -> bool {
    let (Value::Object(given), Value::Object(entry)) = (given, entry) else {
        return given == entry;
    };
    let agree = |name: &str| match (given.get(name), entry.get(name)) {
        (Some(given), Some(entry)) => given == entry,
        _ => true,
    };
    match (given.get("value"), entry.get("value")) {
        (Some(given), Some(entry)) => given == entry && agree("type"),
        (Some(_), None) => false,
        (None, _) => given.iter().all(|(name, value)| entry.get(name) == Some(value)),
    }
}

/// At most one entry is primary: a new one takes it from the others (RFC 7644 §3.5.2).
fn demote(others: &mut [Value]) {
    for primary in others.iter_mut().filter_map(|other| other.get_mut("primary")) {
        *primary = Value::Bool(false);
    }
}

/// The entry that a filter describes, when it is made of equalities alone: `type eq "work"`.
fn entry_described(filter: &Filter, parent: Option<&Attribute>) -> Option<Map<String, Value>> {
    match filter {
        Filter::And(all) => {
            let mut fields = Map::new();
            for part in all {
                fields.extend(entry_described(part, parent)?);
            }
            Some(fields)
        }
        Filter::Compare(subject, Operator::Equal, literal) => {
            let sub = parent.and_then(|parent| parent.sub(&subject.name.attribute));
            if parent.is_some() && sub.is_none() {
                return None;
            }
            let name = sub.map_or(subject.name.attribute.as_str(), |sub| sub.name);
            let value = match literal {
                Literal::Text(text) => Value::from(text.as_str()),
                Literal::Boolean(flag) => Value::from(*flag),
                Literal::Number(number) => Value::from(*number),
                Literal::Null => return None,
            };
            let value = conform(sub, value).ok().flatten()?;
            Some(Map::from_iter([(name.to_owned(), value)]))
        }
        Filter::Or(_) | Filter::Not(_) | Filter::Present(_) | Filter::Compare(..) => None,
    }
}
