//! Values as they come in, brought into the form in which they are kept.
//!
//! Lenient by a list, for the sake of what Entra sends: `"False"` for a boolean (`wire.md 4.2`), a bare id or a list
//! of one for a complex attribute (`wire.md 4.7`), a list of one `{"$ref", "value"}` for a single value
//! (`wire.md 4.4`), roles as JSON inside text (`wire.md 9.1`). `null`, `""`, `[]` and `{}` mean "no value"
//! (RFC 7643 §2.5; the empty text by `preflight.md A16`).

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::schema::{Attribute, Mutability, Type};

/// Most entries of a multi-valued attribute other than `members`. People have a handful of addresses; comparing each
/// new entry with those there would make many more of them slow. One more is a 400.
pub(super) const ENTRIES_MAX: usize = 1_000;

/// The kept form of a value for the attribute; `None` when it means "no value". Attributes of unknown extensions
/// (`None`) keep what comes, without its nulls.
pub(super) fn conform(definition: Option<&Attribute>, value: Value) -> Result<Option<Value>, Refusal> {
    let Some(definition) = definition else {
        return Ok(without_nulls(value));
    };
    if !definition.multi_valued {
        return conform_single(definition, value);
    }
    let given = entries(value);
    bounded(&given)?;
    let mut entries: Vec<Value> = Vec::with_capacity(given.len());
    for entry in given {
        if let Some(entry) = conform_entry(definition, entry)?
            && !entries.contains(&entry)
        {
            entries.push(entry);
        }
    }
    if 1 < entries.iter().filter(|entry| is_primary(entry)).count() {
        return Err(Refusal::value(format!("more than one entry of `{}` is primary", definition.name)));
    }
    Ok((!entries.is_empty()).then_some(Value::Array(entries)))
}

/// Whether the entry is the preferred one of its list.
pub(super) fn is_primary(entry: &Value) -> bool {
    entry.get("primary") == Some(&Value::Bool(true))
}

/// The entries of a list; any other value is the only one.
pub(super) fn entries(value: Value) -> Vec<Value> {
    if let Value::Array(entries) = value { entries } else { vec![value] }
}

/// Refuses a list longer than [`ENTRIES_MAX`].
pub(super) fn bounded(entries: &[Value]) -> Result<(), Refusal> {
    if entries.len() <= ENTRIES_MAX {
        return Ok(());
    }
    Err(Refusal::value(format!("an attribute other than `members` has at most {ENTRIES_MAX} values")))
}

/// The id a reference points at: the last part of its URL.
pub(super) fn id_of_reference(reference: &str) -> Option<&str> {
    reference.trim_end_matches('/').rsplit('/').next().filter(|id| !id.is_empty())
}

/// The ids in a list of members, in whichever form they come: objects with `value` or `$ref`, bare ids, one of them
/// alone. Entries without a value count as none.
pub(super) fn member_ids(value: Value) -> Result<Vec<String>, Refusal> {
    let given = entries(value);
    let mut ids = Vec::with_capacity(given.len());
    for entry in given {
        match entry {
            Value::Null => {}
            Value::String(id) => ids.extend(Some(id).filter(|id| !id.is_empty())),
            Value::Object(fields) => match reference_target(&fields)? {
                Some(id) => ids.push(id),
                None => return Err(Refusal::value("a member has no `value`")),
            },
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                return Err(Refusal::value("a member is an object with a `value`"));
            }
        }
    }
    Ok(ids)
}

fn reference_target(fields: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let text = |name: &str| {
        let found = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        match found {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Refusal::value(format!("`{name}` of a reference is text"))),
        }
    };
    let value = text("value")?;
    let reference = text("$ref")?;
    Ok(value.or_else(|| reference.and_then(id_of_reference)).map(ToOwned::to_owned))
}

fn conform_single(definition: &Attribute, value: Value) -> Result<Option<Value>, Refusal> {
    let mut given = entries(value);
    let value = match (given.pop(), given.is_empty()) {
        (None, _) => return Ok(None),
        (Some(only), true) => only,
        (Some(_), false) => return Err(Refusal::value(format!("`{}` takes one value", definition.name))),
    };
    if definition.kind == Type::Complex {
        return conform_entry(definition, value);
    }
    let wrapped = value.as_object().map(|fields| fields.get("value").cloned());
    match wrapped {
        Some(inner) => conform_entry(definition, inner.ok_or_else(|| mistyped(definition))?),
        None => conform_entry(definition, value),
    }
}

fn conform_entry(definition: &Attribute, value: Value) -> Result<Option<Value>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => conform_text(definition, text),
        Value::Bool(flag) if definition.kind == Type::Boolean => Ok(Some(Value::Bool(flag))),
        Value::Object(fields) if definition.kind == Type::Complex => conform_complex(definition, fields),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(mistyped(definition)),
    }
}

fn conform_text(definition: &Attribute, text: String) -> Result<Option<Value>, Refusal> {
    match definition.kind {
        Type::String | Type::Reference | Type::Binary | Type::DateTime => Ok(Some(Value::String(text))),
        Type::Boolean if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
        Type::Boolean if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
        Type::Complex if definition.sub("value").is_some() => {
            conform_complex(definition, Map::from_iter([("value".to_owned(), Value::String(text))]))
        }
        Type::Boolean | Type::Complex => Err(mistyped(definition)),
    }
}

/// Sub-attributes that the schema lacks are dropped, as are those that only the app writes.
fn conform_complex(definition: &Attribute, given: Map<String, Value>) -> Result<Option<Value>, Refusal> {
    let given = if definition.name == "roles" { unfold_role(given) } else { given };
    if definition.sub("$ref").is_some() {
        let target = reference_target(&given)?;
        return Ok(target.map(|id| Value::Object(Map::from_iter([("value".to_owned(), Value::String(id))]))));
    }
    let mut fields = Map::new();
    for (name, value) in given {
        let Some(sub) = definition.sub(&name).filter(|sub| sub.mutability != Mutability::ReadOnly) else {
            continue;
        };
        if let Some(value) = conform(Some(sub), value)? {
            fields.insert(sub.name.to_owned(), value);
        }
    }
    Ok((!fields.is_empty()).then_some(Value::Object(fields)))
}

/// A role whose `value` is the text of a JSON object becomes that object; `displayName`, as Entra's functions write
/// it, is `display` (`wire.md 9.1`, 9.2).
fn unfold_role(mut given: Map<String, Value>) -> Map<String, Value> {
    let folded = given.get("value").and_then(Value::as_str).filter(|text| text.trim_start().starts_with('{'));
    if let Some(Ok(Value::Object(inner))) = folded.map(serde_json::from_str) {
        given.shift_remove("value");
        given.extend(inner);
    }
    if let Some(display) = given.shift_remove("displayName") {
        given.entry("display").or_insert(display);
    }
    given
}

fn mistyped(definition: &Attribute) -> Refusal {
    Refusal::value(format!("a value of `{}` is not of type {}", definition.name, definition.kind.as_str()))
}

fn without_nulls(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(entries) => {
            let kept: Vec<Value> = entries.into_iter().filter_map(without_nulls).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(fields) => {
            let kept: Map<String, Value> =
                fields.into_iter().filter_map(|(name, value)| Some((name, without_nulls(value)?))).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        kept @ (Value::Bool(_) | Value::Number(_)) => Some(kept),
    }
}
