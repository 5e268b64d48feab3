//! What a server did with a request, told by reading back: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::client::{Body, Exchange, Outcome, one_line};

/// A resource as paths and scalars: `name.givenName`, `emails[work].value`, `members[ID]`.
pub(super) type Flat = BTreeMap<String, Value>;

/// The most of a server's own words that stand in a remark, in characters.
const DETAIL_CHARS_MAX: usize = 90;

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// This.
    There(Flat),
    /// 404 or 410.
    Gone,
    /// Something that can not be judged by.
    Unreadable(String),
}

/// How a step went. The order is from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// Accepted, and the server holds what it should.
    Fine,
    /// The server holds what it should, but something about it is off.
    Tolerated,
    /// Nothing was sent: an earlier step that was refused stands in the way.
    NotReached,
    /// Refused, and nothing has changed.
    Refused,
    /// The server holds something else than what it was told.
    Corrupted,
}

impl Grade {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Tolerated => "tolerated",
            Self::NotReached => "not reached",
            Self::Refused => "refused",
            Self::Corrupted => "corrupted",
        }
    }
}

/// How a step went, and why that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) grade: Grade,
    pub(super) remark: String,
    /// The requests as lines.
    pub(super) requests: Vec<String>,
}

/// What a step should change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// These paths should be so, and those without a value absent.
    To(BTreeMap<String, Option<Value>>),
    /// Everything should be gone.
    Gone,
}

impl Change {
    /// From what should have been there to what should be there; `None` is nothing.
    pub(super) fn between(before: Option<&Flat>, after: Option<&Flat>) -> Self {
        let Some(after) = after else { return Self::Gone };
        let none = Flat::new();
        let before = before.unwrap_or(&none);
        let lost = before.keys().filter(|path| !after.contains_key(*path)).map(|path| (path.clone(), None));
        let set = after.iter().filter(|(path, value)| before.get(*path) != Some(*value));
        Self::To(lost.chain(set.map(|(path, value)| (path.clone(), Some(value.clone())))).collect())
    }
}

/// A resource as paths. What the server keeps for itself (`id`, `meta`, `schemas`, `groups`) is left out.
pub(super) fn flat(resource: &Value) -> Flat {
    let mut flat = Flat::new();
    for (name, member) in resource.as_object().into_iter().flatten() {
        if matches!(name.as_str(), "id" | "meta" | "schemas" | "groups") {
            continue;
        }
        spread(name, member, &mut flat);
    }
    flat
}

fn spread(path: &str, value: &Value, flat: &mut Flat) {
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            flat.insert(path.to_owned(), value.clone());
        }
        Value::Object(members) => {
            let joint = if path.starts_with("urn:") && path.ends_with(":User") { ':' } else { '.' };
            for (name, member) in members {
                spread(&format!("{path}{joint}{name}"), member, flat);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let text = |name: &str| item.get(name).and_then(Value::as_str);
                if path == "members" {
                    let mut key = format!("members[{}]", text("value").unwrap_or_default());
                    // Somebody who is in it twice shows as another one.
                    while flat.contains_key(&key) {
                        key.push_str(" again");
                    }
                    flat.insert(key, Value::Bool(true));
                } else {
                    let key = text("type").map_or_else(|| position.to_string(), str::to_owned);
                    spread(&format!("{path}[{key}]"), item, flat);
                }
            }
        }
    }
}

/// Whether a path is one that servers derive from others.
fn is_derived(path: &str) -> bool {
    [".display", ".displayName", ".$ref", ".primary", ".type"].iter().any(|end| path.ends_with(end))
}

/// What is to be said of a step. `before` is `None` when the object came to be in the same cycle.
pub(super) fn judge(
    exchanges: &[&Exchange],
    change: &Change,
    before: Option<&State>,
    after: &State,
) -> Verdict {
    let requests = exchanges.iter().map(|exchange| one_line(exchange)).collect();
    let verdict = |grade, remark: String| Verdict { grade, remark, requests };
    let Some(last) = exchanges.last() else {
        return verdict(Grade::NotReached, "no such request was sent".to_owned());
    };
    let refusal = exchanges.iter().find_map(|exchange| refusal_of(exchange));
    let mut departures = departures(change, after);
    departures.extend(collateral(change, before, after).into_iter().map(|text| (Grade::Corrupted, text)));
    let worst = departures.iter().map(|(grade, _)| *grade).max();
    let told = || departures.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("; ");
    match (refusal, worst) {
        (Some(refusal), _) if is_untouched(change, before, after) => verdict(Grade::Refused, refusal),
        (Some(refusal), Some(Grade::Corrupted)) => {
            verdict(Grade::Corrupted, format!("{refusal}, but not undone: {}", told()))
        }
        (Some(refusal), _) => verdict(Grade::Tolerated, format!("{refusal}, but done all the same")),
        (None, Some(grade)) => verdict(grade, told()),
        (None, None) => match unusual(last) {
            Some(remark) => verdict(Grade::Tolerated, remark),
            None => verdict(Grade::Fine, String::new()),
        },
    }
}

/// In what the server departs from what it was told.
fn departures(change: &Change, after: &State) -> Vec<(Grade, String)> {
    let corrupted = |text: &str| vec![(Grade::Corrupted, text.to_owned())];
    let (wanted, seen) = match (change, after) {
        (Change::Gone, State::Gone) => return Vec::new(),
        (Change::Gone, State::There(_)) => return corrupted("it is still there"),
        (Change::To(_), State::Gone) => return corrupted("it is not there"),
        (_, State::Unreadable(why)) => return corrupted(&format!("it can not be read back: {why}")),
        (Change::To(wanted), State::There(seen)) => (wanted, seen),
    };
    let mut found = Vec::new();
    for (path, value) in wanted {
        match (value, seen.get(path)) {
            (None, None) => {}
            (Some(wanted), Some(seen)) if wanted == seen => {}
            (Some(wanted), Some(seen)) if loosely(wanted) == loosely(seen) => {
                found.push((Grade::Tolerated, format!("`{path}` reads back as {seen}, not {wanted}")));
            }
            (Some(wanted), Some(seen)) => {
                found.push((Grade::Corrupted, format!("`{path}` is {seen}, not {wanted}")));
            }
            (Some(_), None) => found.push((Grade::Corrupted, format!("`{path}` is missing"))),
            (None, Some(seen)) => found.push((Grade::Corrupted, format!("`{path}` is still {seen}"))),
        }
    }
    found
}

/// A scalar by what it says, whatever its type and letter case.
fn loosely(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_lowercase()
}

/// What changed although nobody asked for it.
fn collateral(change: &Change, before: Option<&State>, after: &State) -> Vec<String> {
    let (Change::To(wanted), Some(State::There(before)), State::There(after)) = (change, before, after)
    else {
        return Vec::new();
    };
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    // A path-less request may leave its dotted keys beside what they mean: that is what is looked for here.
    let unasked = paths.into_iter().filter(|path| !wanted.contains_key(*path) && !is_derived(path));
    unasked
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| match after.get(path) {
            Some(seen) => format!("`{path}` became {seen} unasked"),
            None => format!("`{path}` vanished unasked"),
        })
        .collect()
}

fn is_untouched(change: &Change, before: Option<&State>, after: &State) -> bool {
    match (before, change, after) {
        (Some(before), ..) => before == after,
        (None, Change::To(wanted), State::There(after)) => {
            wanted.iter().all(|(path, value)| value.is_none() || !after.contains_key(path))
        }
        (None, _, State::Gone) => true,
        (None, ..) => false,
    }
}

/// Why an exchange did not succeed: status and the server's words, or what became of the connection.
fn refusal_of(exchange: &Exchange) -> Option<String> {
    let response = match &exchange.outcome {
        Outcome::Error(error) => return Some(error.message.clone()),
        Outcome::Response(response) => response,
    };
    if (200..300).contains(&response.status)
        || (exchange.request.method == "DELETE" && response.status == 404)
    {
        return None;
    }
    let body = match &response.body {
        Some(Body::Json(body)) => body.clone(),
        Some(Body::Text(_) | Body::Cut(_)) | None => Value::Null,
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut remark = format!("{} {}", response.status, text("scimType")).trim_end().to_owned();
    let detail = text("detail").split_whitespace().collect::<Vec<_>>().join(" ");
    if !detail.is_empty() {
        let shown: String = detail.chars().take(DETAIL_CHARS_MAX).collect();
        let cut = if shown.len() < detail.len() { "…" } else { "" };
        remark = format!("{remark}: {}{cut}", shown.trim_end_matches('.').trim_end());
    }
    Some(remark)
}

/// A status that means success but is not the one that the sheet has (`wire.md 1.7`).
fn unusual(exchange: &Exchange) -> Option<String> {
    let Outcome::Response(response) = &exchange.outcome else { return None };
    let usual: &[u16] = match exchange.request.method.as_str() {
        "POST" => &[201],
        "DELETE" => &[204, 404],
        _ => &[200, 204],
    };
    let first = usual.first()?;
    (!usual.contains(&response.status)).then(|| format!("answered {}, not {first}", response.status))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::client::{About, Answered, Redactor};
    use crate::clock::Timestamp;
    use crate::http::{Method, Request, Response, TransportError};

    fn exchange(method: Method, status: u16, body: &str) -> Exchange {
        let url = "http://h/scim/Users/1".to_owned();
        let request = Request { method, url, headers: Vec::new(), body: None };
        let outcome = match status {
            0 => Err(TransportError::Timeout { after_ms: 5 }),
            _ => Ok(Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }),
        };
        let about =
            About { effect: String::new(), cycle: None, object: None, started: Timestamp::UNIX_EPOCH };
        let answered = Answered { outcome, elapsed: Duration::ZERO };
        Exchange::record(about, &request, &answered, &Redactor::new([]))
    }

    fn there(resource: &Value) -> State {
        State::There(flat(resource))
    }

    #[test]
    fn a_resource_is_paths_and_scalars() {
        let user = json!({
            "id": "1", "schemas": ["x"], "meta": { "version": "1" }, "active": false, "name": { "givenName": "A" },
            "emails": [{ "type": "work", "value": "a@b" }, { "value": "c@d" }], "nickName": null,
            "urn:x:2.0:User": { "department": "D", "manager": { "value": "7" } },
            "members": [{ "value": "u", "type": "User" }, { "value": "u" }],
        });
        let wanted = json!({
            "active": false, "name.givenName": "A", "emails[work].type": "work", "emails[work].value": "a@b",
            "emails[1].value": "c@d", "urn:x:2.0:User:department": "D", "urn:x:2.0:User:manager.value": "7",
            "members[u]": true, "members[u] again": true,
        });
        assert_eq!(serde_json::to_value(flat(&user)).unwrap(), wanted);
    }

    #[test]
    fn what_is_read_back_decides_and_not_the_status_alone() {
        let model = |title: &str| flat(&json!({ "title": title, "active": true }));
        let change = Change::between(Some(&model("a")), Some(&model("b")));
        let before = there(&json!({ "title": "a", "active": true, "x": 1 }));
        let done = there(&json!({ "title": "b", "active": true, "x": 1 }));
        let error = r#"{"scimType":"invalidValue","detail":"no  such\nluck."}"#;
        let cases = [
            (200, "{}", &done, Grade::Fine, ""),
            (204, "", &done, Grade::Fine, ""),
            (202, "", &done, Grade::Tolerated, "answered 202, not 200"),
            (200, "", &before, Grade::Corrupted, r#"`title` is "a", not "b""#),
            (400, error, &before, Grade::Refused, "400 invalidValue: no such luck"),
            (0, "", &before, Grade::Refused, "no answer within 5 ms"),
            (500, "", &done, Grade::Tolerated, "500, but done all the same"),
            (
                204,
                "",
                &there(&json!({ "title": "B", "active": true, "x": 1 })),
                Grade::Tolerated,
                r#"`title` reads back as "B", not "b""#,
            ),
            (
                204,
                "",
                &there(&json!({ "title": "b", "x": 1 })),
                Grade::Corrupted,
                "`active` vanished unasked",
            ),
            (
                204,
                "",
                &there(&json!({ "title": "b", "active": true, "x": 1, "name.givenName": "A" })),
                Grade::Corrupted,
                r#"`name.givenName` became "A" unasked"#,
            ),
            (
                400,
                "",
                &there(&json!({ "title": "a", "active": true, "x": 2 })),
                Grade::Corrupted,
                r#"400, but not undone: `title` is "a", not "b"; `x` became 2 unasked"#,
            ),
            (200, "", &State::Gone, Grade::Corrupted, "it is not there"),
            (200, "", &State::Unreadable("500".to_owned()), Grade::Corrupted, "it can not be read back: 500"),
        ];
        for (status, body, after, grade, remark) in cases {
            let sent = exchange(Method::Patch, status, body);
            let verdict = judge(&[&sent], &change, Some(&before), after);
            assert_eq!((verdict.grade, verdict.remark.as_str()), (grade, remark), "{status} {after:?}");
        }
        assert_eq!(judge(&[], &change, Some(&before), &before).grade, Grade::NotReached);
    }

    #[test]
    fn a_create_a_removal_and_a_delete_are_read_back_as_well() {
        let post = |status| exchange(Method::Post, status, "");
        let create = Change::between(None, Some(&flat(&json!({ "active": true }))));
        let said = |exchange: &Exchange, change: &Change, before: Option<&State>, after: &State| {
            judge(&[exchange], change, before, after).grade
        };
        assert_eq!(
            said(&post(201), &create, None, &there(&json!({ "active": true, "more": 1 }))),
            Grade::Fine
        );
        assert_eq!(said(&post(200), &create, None, &there(&json!({ "active": true }))), Grade::Tolerated);
        assert_eq!(said(&post(201), &create, None, &there(&json!({ "active": "True" }))), Grade::Tolerated);
        assert_eq!(said(&post(201), &create, None, &there(&json!({ "active": false }))), Grade::Corrupted);
        assert_eq!(said(&post(409), &create, None, &State::Gone), Grade::Refused);

        let group = |members: &[&str]| {
            let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
            json!({ "displayName": "G", "members": members })
        };
        let (three, two) = (group(&["a", "b", "c"]), group(&["a", "b"]));
        let removal = Change::between(Some(&flat(&three)), Some(&flat(&two)));
        let patch = exchange(Method::Patch, 204, "");
        for (after, grade) in [
            (&two, Grade::Fine),
            (&three, Grade::Corrupted),
            (&group(&[]), Grade::Corrupted),
            (&group(&["a", "b", "b"]), Grade::Corrupted),
        ] {
            assert_eq!(said(&patch, &removal, Some(&there(&three)), &there(after)), grade, "{after}");
        }

        let gone = Change::between(Some(&flat(&two)), None);
        for (status, after, grade) in [
            (204, State::Gone, Grade::Fine),
            (404, State::Gone, Grade::Fine),
            (204, there(&two), Grade::Corrupted),
            (403, there(&two), Grade::Refused),
        ] {
            let delete = exchange(Method::Delete, status, "");
            assert_eq!(said(&delete, &gone, Some(&there(&two)), &after), grade, "{status}");
        }
    }
}
