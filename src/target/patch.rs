//! The body of a PATCH (RFC 7644 §3.5.2).

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::draft::{Draft, UnknownNames};
use super::edit::Verb;
use super::filter::evaluate::find;

/// Schema of PATCH bodies.
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Most operations of one PATCH. Entra's validator sends 36 (`wire.md 4.1`); whoever sends more than this gets a 413.
pub(super) const OPERATIONS_MAX: usize = 1_000;

/// One operation, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    verb: Verb,
    /// Empty for none.
    path: String,
    value: Option<Value>,
}

impl Operation {
    /// What is done, where (empty for no path), and with what.
    pub(super) fn parts(&self) -> (Verb, &str, Option<&Value>) {
        (self.verb, &self.path, self.value.as_ref())
    }
}

/// Reads the operations out of a body. Verbs come in any case (`wire.md 7`); an empty list is no mistake
/// (`wire.md 10.1`).
pub(super) fn operations(mut body: Map<String, Value>) -> Result<Vec<Operation>, Refusal> {
    if let Some(schemas) = find(&body, "schemas") {
        let named = schemas.as_array().is_some_and(|urns| {
            urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(PATCH_SCHEMA))
        });
        if !named {
            return Err(Refusal::syntax(format!("`schemas` does not name `{PATCH_SCHEMA}`")));
        }
    }
    let key = body.keys().find(|key| key.eq_ignore_ascii_case("Operations")).cloned();
    let listed = key.and_then(|key| body.shift_remove(&key));
    let Some(Value::Array(listed)) = listed else {
        return Err(Refusal::syntax("`Operations` is missing or no list"));
    };
    if OPERATIONS_MAX < listed.len() {
        return Err(Refusal::too_large(format!("a PATCH has at most {OPERATIONS_MAX} operations")));
    }
    listed.into_iter().map(operation).collect()
}

/// Carries out one operation on the draft.
pub(super) fn apply(draft: &mut Draft<'_>, operation: Operation) -> Result<(), Refusal> {
    let Operation { verb, path, value } = operation;
    if !path.is_empty() {
        return draft.apply(verb, &path, value);
    }
    match (verb, value) {
        (Verb::Remove, _) => Err(Refusal::no_target("`remove` needs a `path`")),
        (Verb::Add | Verb::Replace, Some(Value::Object(fields))) => {
            draft.merge(fields, verb, UnknownNames::Refuse)
        }
        (Verb::Add | Verb::Replace, _) => Err(Refusal::value("without a `path`, `value` is an object")),
    }
}

fn operation(given: Value) -> Result<Operation, Refusal> {
    let Value::Object(mut given) = given else {
        return Err(Refusal::syntax("an operation is an object"));
    };
    let verb = match given.get("op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        Some(_) | None => return Err(Refusal::syntax("`op` is one of add, replace, remove")),
    };
    let path = match given.shift_remove("path") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(path)) => path.trim().to_owned(),
        Some(_) => return Err(Refusal::path("`path` is text")),
    };
    Ok(Operation { verb, path, value: given.shift_remove("value") })
}
