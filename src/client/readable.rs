//! One exchange as one line that a person reads: for `demo`, `logs --wire` and scenario failures.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{Body, Exchange, Outcome, RequestRecord, ResponseRecord};

/// Where the status stands, in characters from the start, as long as the request is shorter.
const STATUS_COLUMN: usize = 72;

/// The most characters of a value, a detail or an error text that are shown.
const TEXT_CHARS_MAX: usize = 80;

/// The most changes of a PATCH that are spelt out; the rest is counted.
const CHANGES_MAX: usize = 4;

/// The endpoints of a SCIM service (RFC 7644 3.2): what precedes one in a path is the tenant URL's own.
const ENDPOINTS: [&str; 7] =
    ["Users", "Groups", "Schemas", "ServiceProviderConfig", "ResourceTypes", "Bulk", "Me"];

/// Method, target (decoded for reading), what was asked, status, what came of it:
///
/// ```text
/// GET    /Users?filter=userName eq "adele@contoso.com"                    200  0 found
/// POST   /Users adele@contoso.com                                         201  id=2819c223
/// PATCH  /Users/2819c223  Replace active=False                            200
/// ```
///
/// Control characters are shown escaped. Total: equal records give equal lines.
pub fn one_line(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let asked = match asked(request) {
        Some(asked) => format!("{:<6} {}{asked}", request.method, target(&request.url)),
        None => format!("{:<6} {}", request.method, target(&request.url)),
    };
    let (status, outcome) = match &exchange.outcome {
        Outcome::Response(response) => (response.status.to_string(), came_of_it(request, response)),
        Outcome::Error(error) => ("---".to_owned(), Some(shorten(&error.message))),
    };
    let line = format!("{asked:<STATUS_COLUMN$}  {status}  {}", outcome.unwrap_or_default());
    printable(line.trim_end())
}

/// Path from the SCIM endpoint on, and query, decoded.
fn target(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = match after_scheme.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (after_scheme, None),
    };
    let path = place.split_once('/').map_or("", |(_, path)| path);
    let segments: Vec<&str> = path.split('/').collect();
    // `…/Users/{id}` before `…/Users`: an id may be called `Users` as well.
    let from = [2, 1]
        .into_iter()
        .filter_map(|from_end| segments.len().checked_sub(from_end))
        .find(|at| segments.get(*at).is_some_and(|segment| ENDPOINTS.contains(segment)))
        .unwrap_or(0);
    let mut target = format!("/{}", decoded(&segments.get(from..).unwrap_or_default().join("/")));
    if let Some(query) = query {
        target.push('?');
        target.push_str(&decoded(&query.replace('+', " ")));
    }
    target
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// What a request says in its body, with the gap before it.
fn asked(request: &RequestRecord) -> Option<String> {
    let Body::Json(body) = request.body.as_ref()? else {
        return Some(format!("  ({} bytes)", request.body_bytes));
    };
    match member(body, "Operations").and_then(Value::as_array) {
        Some(operations) => Some(format!("  {}", changes(operations))),
        None => name(body).map(|name| format!(" {}", shorten(name))),
    }
}

fn changes(operations: &[Value]) -> String {
    let all: Vec<String> = operations.iter().flat_map(changes_of).collect();
    let mut shown: Vec<String> = all.iter().take(CHANGES_MAX).cloned().collect();
    if let Some(more @ 1..) = all.len().checked_sub(CHANGES_MAX) {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

fn changes_of(operation: &Value) -> Vec<String> {
    let op = member(operation, "op").and_then(Value::as_str).unwrap_or("?");
    let path = member(operation, "path").and_then(Value::as_str);
    match (path, member(operation, "value")) {
        (Some(path), Some(value)) => vec![format!("{op} {path}={}", value_text(value))],
        (Some(path), None) => vec![format!("{op} {path}")],
        (None, Some(Value::Object(members))) => {
            members.iter().map(|(path, value)| format!("{op} {path}={}", value_text(value))).collect()
        }
        (None, Some(value)) => vec![format!("{op} {}", value_text(value))],
        (None, None) => vec![op.to_owned()],
    }
}

/// A value as people say it: a scalar bare, `[{"value": x}]` as `x`, several of those as their number.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => shorten(text),
        Value::Array(items) => match items.as_slice() {
            [only] => value_text(only),
            _ => format!("[{} values]", items.len()),
        },
        Value::Object(members) => match members.get("value") {
            Some(inner) => value_text(inner),
            None => shorten(&value.to_string()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn came_of_it(request: &RequestRecord, response: &ResponseRecord) -> Option<String> {
    let body = match response.body.as_ref()? {
        Body::Json(body) => body,
        Body::Text(text) | Body::Cut(text) => {
            let first = text.lines().map(str::trim).find(|line| !line.is_empty());
            return first.map(shorten).filter(|_| response.status != 200 || request.method == "GET");
        }
    };
    if 400 <= response.status {
        return scim_error(body);
    }
    match request.method.as_str() {
        "GET" => match member(body, "totalResults").filter(|total| total.is_number()) {
            Some(total) => Some(format!("{total} found")),
            None => name(body).map(shorten),
        },
        "POST" => member(body, "id").and_then(Value::as_str).map(|id| format!("id={}", shorten(id))),
        _ => None,
    }
}

/// `scimType: detail` of an error answer (RFC 7644 3.12), or what there is of it.
fn scim_error(body: &Value) -> Option<String> {
    let text = |name| member(body, name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text("scimType"), text("detail")) {
        (Some(kind), Some(detail)) => Some(shorten(&format!("{kind}: {detail}"))),
        (Some(only), None) | (None, Some(only)) => Some(shorten(only)),
        (None, None) => None,
    }
}

/// The name a person knows a resource by.
fn name(resource: &Value) -> Option<&str> {
    ["userName", "displayName", "externalId", "id"]
        .into_iter()
        .find_map(|name| member(resource, name)?.as_str())
}

/// A member by its name without regard to letter case, as SCIM has it (RFC 7643 2.1).
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members: &Map<String, Value> = value.as_object()?;
    members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Escapes what would break the line or steer a terminal.
fn printable(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{About, Answered, Redactor};
    use super::*;
    use crate::clock::Timestamp;
    use crate::http::{Method, Request, Response, TransportError};

    fn line(method: Method, url: &str, body: &str, outcome: Result<(u16, &str), TransportError>) -> String {
        let about =
            About { effect: "e".to_owned(), cycle: None, object: None, started: Timestamp::UNIX_EPOCH };
        let body = (!body.is_empty()).then(|| body.as_bytes().to_vec());
        let request = Request { method, url: url.to_owned(), headers: Vec::new(), body };
        let outcome = outcome.map(|(status, body)| Response {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        });
        let answered = Answered { outcome, elapsed: Duration::ZERO };
        one_line(&Exchange::record(about, &request, &answered, &Redactor::new([])))
    }

    #[test]
    fn the_status_of_every_line_stands_in_one_column() {
        let list = r#"{"totalResults":0,"Resources":[]}"#;
        let get = "http://127.0.0.1:8080/scim/v2/Users?filter=userName+eq+%22adele%40contoso.com%22";
        let user = "http://127.0.0.1:8080/scim/v2/Users/2819c223";
        let disable = r#"{"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#;
        let lines = [
            line(Method::Get, get, "", Ok((200, list))),
            line(
                Method::Post,
                "http://127.0.0.1:8080/scim/v2/Users",
                r#"{"userName":"adele@contoso.com"}"#,
                Ok((201, r#"{"id":"2819c223"}"#)),
            ),
            line(Method::Patch, user, disable, Ok((200, r#"{"id":"2819c223"}"#))),
            line(Method::Delete, user, "", Ok((204, ""))),
        ];
        let wanted = [
            "GET    /Users?filter=userName eq \"adele@contoso.com\"                      200  0 found",
            "POST   /Users adele@contoso.com                                           201  id=2819c223",
            "PATCH  /Users/2819c223  Replace active=False                              200",
            "DELETE /Users/2819c223                                                    204",
        ];
        assert_eq!(lines, wanted);
    }

    /// The line without its padding.
    fn check(asked: (Method, &str, &str), outcome: Result<(u16, &str), TransportError>, wanted: &str) {
        let (method, url, body) = asked;
        let line = line(method, url, body, outcome);
        let squeezed = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed, wanted);
    }

    #[test]
    fn the_target_is_decoded_and_starts_at_the_scim_endpoint() {
        let cases = [
            (
                "https://h/Groups?excludedAttributes=members&filter=displayName+eq+%22R%26D+%2f+EMEA+(all)%22",
                "GET /Groups?excludedAttributes=members&filter=displayName eq \"R&D / EMEA (all)\" 200",
            ),
            ("https://h/a/Users/b/Users/42", "GET /Users/42 200"),
            ("https://h/Users/Users", "GET /Users/Users 200"),
            ("https://h/scim/Users/a%2fb", "GET /Users/a/b 200"),
            (
                "https://h/scim/Users?filter=userName+eq+%22m%C3%BCller%0d%0a%22",
                "GET /Users?filter=userName eq \"müller\\r\\n\" 200",
            ),
            ("https://h/elsewhere/thing", "GET /elsewhere/thing 200"),
            ("https://h", "GET / 200"),
        ];
        for (url, wanted) in cases {
            check((Method::Get, url, ""), Ok((200, "")), wanted);
        }
    }

    #[test]
    fn a_patch_says_what_it_changes() {
        let cases = [
            (r#"[{"op":"Add","path":"members","value":[{"value":"42"}]}]"#, "Add members=42"),
            (
                r#"[{"op":"Add","path":"members","value":[{"value":"1"},{"value":"2"}]}]"#,
                "Add members=[2 values]",
            ),
            (r#"[{"op":"remove","path":"title"}]"#, "remove title"),
            (
                r#"[{"op":"replace","value":{"active":false,"title":"Boss"}}]"#,
                "replace active=false, replace title=Boss",
            ),
            (
                r#"[{"op":"Replace","path":"a","value":"1"},{"op":"Replace","path":"b","value":"2"},{"op":"Replace","path":"c","value":"3"},{"op":"Replace","path":"d","value":"4"},{"op":"Replace","path":"e","value":"5"},{"op":"Replace","path":"f","value":"6"}]"#,
                "Replace a=1, Replace b=2, Replace c=3, Replace d=4, 2 more",
            ),
        ];
        for (operations, wanted) in cases {
            let body = format!(r#"{{"schemas":["x"],"Operations":{operations}}}"#);
            check(
                (Method::Patch, "http://h/Users/1", &body),
                Ok((204, "")),
                &format!("PATCH /Users/1 {wanted} 204"),
            );
        }
    }

    #[test]
    fn the_end_of_the_line_says_what_came_of_it() {
        let get = (Method::Get, "http://h/Users/1", "");
        let post = (Method::Post, "http://h/Users", r#"{"userName":"a@b.c"}"#);
        check(get, Ok((200, r#"{"id":"1","userName":"a@b.c"}"#)), "GET /Users/1 200 a@b.c");
        check(get, Ok((404, r#"{"status":"404"}"#)), "GET /Users/1 404");
        check(
            get,
            Ok((502, "\n <html>bad gateway</html>\n<p>")),
            "GET /Users/1 502 <html>bad gateway</html>",
        );
        check(
            post,
            Ok((409, r#"{"scimType":"uniqueness","detail":"userName is taken"}"#)),
            "POST /Users a@b.c 409 uniqueness: userName is taken",
        );
        check(
            post,
            Err(TransportError::Timeout { after_ms: 30_000 }),
            "POST /Users a@b.c --- no answer within 30000 ms",
        );
    }

    #[test]
    fn long_values_are_shortened_at_characters() {
        let body =
            format!(r#"{{"Operations":[{{"op":"Add","path":"title","value":"{}"}}]}}"#, "é".repeat(81));
        let wanted = format!("PATCH /Users/1 Add title={}… 204", "é".repeat(80));
        check((Method::Patch, "http://h/Users/1", &body), Ok((204, "")), &wanted);
    }
}
