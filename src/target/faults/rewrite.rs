//! Requests and answers that are changed on their way.

use serde_json::{Map, Value};

use super::Refusal;
use crate::http::{Request, Response};

/// A list that is empty becomes 404.
pub(super) fn not_found_when_empty(response: &mut Response) {
    if list(response).is_some_and(|body| found(&body) == 0) {
        *response = Refusal::not_found("nothing was found").into_response();
    }
}

/// What a list begins with is in it twice, the second one under another id.
pub(super) fn two_matches(response: &mut Response) {
    let Some(mut body) = list(response) else { return };
    let Some(Value::Array(resources)) = body.get_mut("Resources") else { return };
    let Some(mut second) = resources.first().cloned() else { return };
    if let Some(fields) = second.as_object_mut()
        && let Some(id) = fields.get("id").and_then(Value::as_str)
    {
        fields.insert("id".to_owned(), format!("{id}-second").into());
    }
    resources.push(second);
    counted(body, response);
}

/// Adds to a list what another one has.
pub(super) fn join_lists(response: &mut Response, other: &Response) {
    let Some(mut body) = list(response) else { return };
    let Some(Value::Array(more)) = list(other).and_then(|mut other| other.shift_remove("Resources")) else {
        return;
    };
    let Some(Value::Array(resources)) = body.get_mut("Resources") else { return };
    if more.is_empty() {
        return;
    }
    resources.extend(more);
    counted(body, response);
}

/// The answer says that it is something else than it is.
pub(super) fn content_type(response: &mut Response, media_type: &str) {
    for (_, value) in
        response.headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("Content-Type"))
    {
        media_type.clone_into(value);
    }
}

/// The request in which whoever removes a member removes all.
pub(super) fn remove_wipes(request: &Request) -> Request {
    changed(request, |body| {
        for operation in operations(body) {
            let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
            let is_member = text("path").to_ascii_lowercase().starts_with("members");
            if is_member && text("op").eq_ignore_ascii_case("remove") {
                operation.insert("path".to_owned(), "members".into());
                operation.shift_remove("value");
            }
        }
    })
}

/// The request in which a text is in capitals: in a resource, or in the operations of a PATCH.
pub(super) fn in_capitals(request: &Request, attribute: &str) -> Request {
    changed(request, |body| {
        raise(body, attribute);
        for operation in operations(body) {
            let path = operation.get("path").and_then(Value::as_str).map(str::to_owned);
            match (path, operation.get_mut("value")) {
                (Some(path), Some(value)) if path.eq_ignore_ascii_case(attribute) => capitals(value),
                (None, Some(Value::Object(values))) => raise(values, attribute),
                _ => {}
            }
        }
    })
}

fn raise(fields: &mut Map<String, Value>, attribute: &str) {
    // Operations may name the whole path of a value, as in `"name.givenName"`.
    for (name, value) in fields.iter_mut() {
        if name.eq_ignore_ascii_case(attribute) {
            capitals(value);
        }
    }
    if let Some((outer, inner)) = attribute.split_once('.') {
        let within = fields.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case(outer));
        for fields in within.filter_map(|(_, value)| value.as_object_mut()) {
            raise(fields, inner);
        }
    }
}

fn capitals(value: &mut Value) {
    if let Value::String(text) = value {
        *text = text.to_uppercase();
    }
}

/// The operations of a PATCH.
fn operations(body: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let list = body.get_mut("Operations").and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// The request with another body; one that is no JSON object stays as it is.
fn changed(request: &Request, change: impl FnOnce(&mut Map<String, Value>)) -> Request {
    let mut request = request.clone();
    if let Some(Ok(mut body)) = request.body.as_deref().map(serde_json::from_slice) {
        change(&mut body);
        request.body = Some(Value::Object(body).to_string().into_bytes());
    }
    request
}

/// The body of a list.
fn list(response: &Response) -> Option<Map<String, Value>> {
    let body: Map<String, Value> = serde_json::from_slice(&response.body).ok()?;
    (response.is_success() && body.contains_key("totalResults")).then_some(body)
}

fn found(body: &Map<String, Value>) -> usize {
    body.get("Resources").and_then(Value::as_array).map_or(0, Vec::len)
}

/// Puts a list back, its counts made right.
fn counted(mut body: Map<String, Value>, response: &mut Response) {
    let count = found(&body);
    for name in ["totalResults", "itemsPerPage"] {
        body.insert(name.to_owned(), count.into());
    }
    response.body = Value::Object(body).to_string().into_bytes();
}
