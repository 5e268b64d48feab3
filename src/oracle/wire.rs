//! What the requests said, and what the answers showed, read by a small reader of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::attribute::{member, read, texts};
use super::model::Key;
use crate::client::{Body, Exchange, Outcome};
use crate::directory::object::ObjectKind;

/// An account or group by the app's id.
type Account = (ObjectKind, String);

/// The exchanges of a job, by whom they are about.
pub(super) struct Wire<'w> {
    exchanges: &'w [Exchange],
    /// Nothing was wrong before this one.
    since: usize,
    by_account: BTreeMap<Account, Vec<usize>>,
    by_object: BTreeMap<Key, Vec<usize>>,
    /// The create that an account came of.
    born: BTreeMap<Account, usize>,
}

/// What a request says about members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MemberSaying {
    pub(super) added: BTreeSet<String>,
    pub(super) removed: BTreeSet<String>,
    /// Whether all who are not added are to go.
    pub(super) all_go: bool,
}

impl MemberSaying {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && !self.all_go
    }
}

impl<'w> Wire<'w> {
    pub(super) fn new(exchanges: &'w [Exchange], base_url: &str, since: usize) -> Self {
        let mut wire = Self {
            exchanges,
            since,
            by_account: BTreeMap::new(),
            by_object: BTreeMap::new(),
            born: BTreeMap::new(),
        };
        for (at, exchange) in exchanges.iter().enumerate() {
            if let Some(object) = &exchange.about.object {
                wire.by_object.entry((object.kind, object.source_id.clone())).or_default().push(at);
            }
            let Some((kind, id)) = place(&exchange.request.url, base_url) else { continue };
            let mut ids: BTreeSet<String> = id.into_iter().collect();
            if is_accepted(exchange) {
                ids.extend(resources(exchange).into_iter().filter_map(id_of).map(str::to_owned));
            }
            for id in ids {
                if exchange.request.method == "POST" && is_accepted(exchange) {
                    wire.born.insert((kind, id.clone()), at);
                }
                wire.by_account.entry((kind, id)).or_default().push(at);
            }
        }
        wire
    }

    pub(super) fn at(&self, at: usize) -> Option<&'w Exchange> {
        self.exchanges.get(at)
    }

    /// Every exchange about an account, with its place, in order.
    pub(super) fn about(
        &self,
        kind: ObjectKind,
        id: &str,
    ) -> impl DoubleEndedIterator<Item = (usize, &'w Exchange)> {
        let places = self.by_account.get(&(kind, id.to_owned()));
        places.into_iter().flatten().filter_map(|at| Some((*at, self.at(*at)?)))
    }

    /// Every exchange on behalf of a source object.
    pub(super) fn for_object(&self, key: &Key) -> impl DoubleEndedIterator<Item = (usize, &'w Exchange)> {
        self.by_object.get(key).into_iter().flatten().filter_map(|at| Some((*at, self.at(*at)?)))
    }

    /// The create that an account came of.
    pub(super) fn born(&self, kind: ObjectKind, id: &str) -> Option<usize> {
        self.born.get(&(kind, id.to_owned())).copied()
    }

    /// The cycle in which an account was first heard of on behalf of this object.
    pub(super) fn arrival(&self, key: &Key, target_id: &str) -> Option<u64> {
        let (kind, source_id) = key;
        let mut about = self.about(*kind, target_id);
        about.find_map(|(_, exchange)| {
            let object = exchange.about.object.as_ref()?;
            (object.source_id == *source_id).then_some(exchange.about.cycle).flatten()
        })
    }

    /// The last cycle in which anything was sent on behalf of an object.
    pub(super) fn last_cycle(&self, key: &Key) -> Option<u64> {
        self.for_object(key).filter_map(|(_, exchange)| exchange.about.cycle).max()
    }

    /// Whether the last exchange on behalf of an object failed: since when that request does, with no write between.
    pub(super) fn failing(&self, key: &Key) -> Option<usize> {
        let is_failed = |exchange: &Exchange| !is_understood(exchange) && status(exchange) != Some(404);
        let mut all = self.for_object(key).filter(|(_, exchange)| exchange.about.cycle.is_some()).rev();
        let (mut first, last) = all.next().filter(|(_, last)| is_failed(last))?;
        for (at, exchange) in all {
            if at < self.since || is_write(exchange) && is_understood(exchange) {
                break;
            }
            let is_same =
                exchange.request.method == last.request.method && exchange.request.url == last.request.url;
            if is_same && is_failed(exchange) {
                first = at;
            }
        }
        Some(first)
    }

    /// The first accepted write to an account from a place on: one that touches what is asked for, else any.
    pub(super) fn first_write(
        &self,
        account: (ObjectKind, &str),
        from: usize,
        touches: impl Fn(&Exchange) -> bool,
    ) -> Option<usize> {
        self.first_write_that(account, from, touches)
            .or_else(|| self.first_write_that(account, from, |_| true))
    }

    /// The first accepted write to an account from a place on that is such a one.
    pub(super) fn first_write_that(
        &self,
        (kind, id): (ObjectKind, &str),
        from: usize,
        is_such: impl Fn(&Exchange) -> bool,
    ) -> Option<usize> {
        let mut writes = self
            .about(kind, id)
            .filter(|(at, exchange)| from <= *at && is_write(exchange) && is_accepted(exchange));
        writes.find(|(_, exchange)| is_such(exchange)).map(|(at, _)| at)
    }
}

/// Kind and id that a URL names; no id for the collection.
fn place(url: &str, base_url: &str) -> Option<(ObjectKind, Option<String>)> {
    let rest = url.strip_prefix(base_url)?;
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    let (collection, id) = match path.trim_start_matches('/').split_once('/') {
        Some((collection, id)) => (collection, Some(id)),
        None => (path.trim_start_matches('/'), None),
    };
    let kind = match collection {
        "Users" => ObjectKind::User,
        "Groups" => ObjectKind::Group,
        _ => return None,
    };
    let decoded = |id: &str| percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
    Some((kind, id.filter(|id| !id.is_empty()).map(decoded)))
}

fn id_of(resource: &Value) -> Option<&str> {
    resource.get("id").and_then(Value::as_str)
}

/// The status of the answer, if there is one.
pub(super) fn status(exchange: &Exchange) -> Option<u16> {
    match &exchange.outcome {
        Outcome::Response(response) => Some(response.status),
        Outcome::Error(_) => None,
    }
}

/// Whether the app said yes.
pub(super) fn is_accepted(exchange: &Exchange) -> bool {
    status(exchange).is_some_and(|status| (200..300).contains(&status))
}

/// Whether the app said yes, and said what it has to: a create answers with the resource, a read with one or a list. A
/// body that was too long to be kept has said so.
pub(super) fn is_understood(exchange: &Exchange) -> bool {
    let Outcome::Response(response) = &exchange.outcome else { return false };
    let is_read = exchange.request.method == "GET";
    let says = match &response.body {
        Some(Body::Cut(_)) => true,
        Some(Body::Json(Value::Object(body))) => {
            member(body, "id").is_some() || is_read && member(body, "totalResults").is_some()
        }
        Some(Body::Json(_) | Body::Text(_)) | None => false,
    };
    is_accepted(exchange) && (says || !is_read && exchange.request.method != "POST")
}

/// What is told of a request that the app did not do: `refused`, or that there was no answer, or none of its own.
pub(super) fn failed(exchange: &Exchange, refused: &str) -> String {
    match status(exchange) {
        None => "it did not answer this request".to_owned(),
        Some(200..300) => "its answer to this request can't be read".to_owned(),
        Some(_) => refused.to_owned(),
    }
}

/// Whether it asks for a change.
pub(super) fn is_write(exchange: &Exchange) -> bool {
    exchange.request.method != "GET"
}

/// Whether it is a query, and not a read by id.
pub(super) fn is_query(exchange: &Exchange) -> bool {
    exchange.request.method == "GET" && exchange.request.url.contains("filter=")
}

fn json_of(body: Option<&Body>) -> Option<&Value> {
    match body? {
        Body::Json(value) => Some(value),
        Body::Text(_) | Body::Cut(_) => None,
    }
}

/// What was sent, as JSON.
pub(super) fn sent(exchange: &Exchange) -> Option<&Value> {
    json_of(exchange.request.body.as_ref())
}

/// The resources that an answer shows.
pub(super) fn resources(exchange: &Exchange) -> Vec<&Value> {
    let Outcome::Response(response) = &exchange.outcome else { return Vec::new() };
    let Some(body) = json_of(response.body.as_ref()) else { return Vec::new() };
    match body.get("Resources").and_then(Value::as_array) {
        Some(list) => list.iter().collect(),
        None if id_of(body).is_some() => vec![body],
        None => Vec::new(),
    }
}

/// The account as an answer shows it.
pub(super) fn shown<'e>(exchange: &'e Exchange, id: &str) -> Option<&'e Value> {
    if !is_accepted(exchange) {
        return None;
    }
    resources(exchange).into_iter().find(|resource| id_of(resource) == Some(id))
}

/// One change that a request asks for: the verb in lower case, the path if one is given, the value.
fn operations(exchange: &Exchange) -> Vec<(String, Option<&str>, Value)> {
    let Some(body) = sent(exchange).and_then(Value::as_object) else { return Vec::new() };
    if exchange.request.method == "POST" || exchange.request.method == "PUT" {
        return vec![("replace".to_owned(), None, Value::Object(body.clone()))];
    }
    let listed = member(body, "Operations").and_then(Value::as_array);
    let operation = |operation| {
        let operation: &Map<String, Value> = Value::as_object(operation)?;
        let verb = member(operation, "op")?.as_str()?.to_lowercase();
        let path = member(operation, "path").and_then(Value::as_str);
        Some((verb, path, member(operation, "value").cloned().unwrap_or_default()))
    };
    listed.into_iter().flatten().filter_map(operation).collect()
}

/// What a request says an attribute is to be: its values, none for one that is taken away; `None` when it does not
/// speak of it.
pub(super) fn says(exchange: &Exchange, path: &str) -> Option<Vec<String>> {
    let lower = path.to_lowercase();
    let mut said = None;
    for (verb, named, value) in operations(exchange) {
        let values = match named {
            None => value
                .as_object()
                .and_then(|object| member(object, path))
                .map(texts)
                .or_else(|| read(&value, path).filter(|values| !values.is_empty())),
            Some(named) => {
                let named = named.to_lowercase();
                let rest = lower.strip_prefix(&named);
                if named == lower
                    || named == format!("{lower}.value")
                    || named.starts_with(&format!("{lower}["))
                {
                    Some(texts(&value))
                } else if let Some(sub) = rest.and_then(|rest| rest.strip_prefix('.')) {
                    read(&value, sub).filter(|values| !values.is_empty())
                } else if rest.is_some_and(|rest| rest.starts_with('[')) {
                    read(&json!({ named: value }), &lower).filter(|values| !values.is_empty())
                } else {
                    None
                }
            }
        };
        if let Some(values) = values {
            said = Some(if verb == "remove" { Vec::new() } else { values });
        }
    }
    said
}

/// What a request says about the members of a group.
pub(super) fn member_saying(exchange: &Exchange, path: &str) -> MemberSaying {
    let mut saying = MemberSaying::default();
    let lower = path.to_lowercase();
    for (verb, named, value) in operations(exchange) {
        let (values, filtered) = match named.map(str::to_lowercase) {
            None => match value.as_object().and_then(|object| member(object, path)) {
                Some(value) => (texts(value), None),
                None => continue,
            },
            Some(named) if named == lower => (texts(&value), None),
            Some(named) => {
                // The id keeps its letter case.
                let Some(filter) = operation_filter(exchange, &named, &lower) else { continue };
                (Vec::new(), Some(filter))
            }
        };
        match verb.as_str() {
            "remove" => match filtered {
                Some(id) => {
                    saying.removed.insert(id);
                }
                None if values.is_empty() => saying.all_go = true,
                None => saying.removed.extend(values),
            },
            "replace" => {
                saying.all_go = exchange.request.method != "POST";
                saying.added.extend(values);
            }
            _ => saying.added.extend(values),
        }
    }
    saying
}

/// The id in `members[value eq "id"]`.
fn operation_filter(exchange: &Exchange, named: &str, lower: &str) -> Option<String> {
    named.strip_prefix(lower).filter(|rest| rest.starts_with('['))?;
    let original = operations(exchange).into_iter().filter_map(|(_, path, _)| path.map(str::to_owned));
    let path = original.into_iter().find(|path| path.to_lowercase() == named)?;
    let (_, quoted) = path.split_once('"')?;
    Some(quoted.split_once('"')?.0.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::client::{About, ObjectRef, RequestRecord, ResponseRecord};

    pub(in crate::oracle) const BASE: &str = "http://app/scim";

    /// An exchange in a cycle on behalf of somebody.
    pub(in crate::oracle) fn exchange(
        cycle: u64,
        (kind, source_id): (ObjectKind, &str),
        (method, path): (&str, &str),
        sent: Option<Value>,
        (status, answer): (u16, Option<Value>),
    ) -> Exchange {
        Exchange {
            about: About {
                effect: String::new(),
                cycle: Some(cycle),
                object: Some(ObjectRef {
                    kind,
                    label: source_id.to_owned(),
                    source_id: source_id.to_owned(),
                }),
                started: "2026-01-15T09:00:00Z".parse().unwrap(),
            },
            duration_ms: 0,
            request: RequestRecord {
                method: method.to_owned(),
                url: format!("{BASE}{path}"),
                headers: Vec::new(),
                body: sent.map(Body::Json),
                body_bytes: 0,
            },
            outcome: Outcome::Response(ResponseRecord {
                status,
                headers: Vec::new(),
                body: answer.map(Body::Json),
                body_bytes: 0,
            }),
        }
    }

    fn patch(operations: &Value) -> Exchange {
        let body = json!({ "Operations": operations });
        exchange(1, (ObjectKind::User, "s"), ("PATCH", "/Users/1"), Some(body), (204, None))
    }

    #[test]
    fn a_request_says_what_an_attribute_is_to_be_in_every_dialect() {
        const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        for (operations, path, wanted) in [
            (json!([{"op": "Replace", "path": "active", "value": "False"}]), "active", Some(vec!["False"])),
            (
                json!([{"op": "Replace", "path": "title", "value": [{"$ref": null, "value": "x"}]}]),
                "title",
                Some(vec!["x"]),
            ),
            (
                json!([{"op": "replace", "value": {"title": "x", department: "y"}}]),
                department,
                Some(vec!["y"]),
            ),
            (json!([{"op": "replace", "value": {"name.givenName": "x"}}]), "name.givenName", Some(vec!["x"])),
            (
                json!([{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@b"}]),
                "emails[type eq \"work\"].value",
                Some(vec!["a@b"]),
            ),
            (
                json!([{"op": "add", "path": "emails", "value": [{"type": "work", "value": "a@b"}]}]),
                "emails[type eq \"work\"].value",
                Some(vec!["a@b"]),
            ),
            (json!([{"op": "add", "path": MANAGER, "value": "7"}]), MANAGER, Some(vec!["7"])),
            (json!([{"op": "remove", "path": format!("{MANAGER}[value eq \"7\"]")}]), MANAGER, Some(vec![])),
            (json!([{"op": "Remove", "path": MANAGER, "value": "7"}]), MANAGER, Some(vec![])),
            (json!([{"op": "Replace", "path": "active", "value": "False"}]), "title", None),
        ] {
            let wanted = wanted.map(|wanted| wanted.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(says(&patch(&operations), path), wanted, "{operations}");
        }
    }

    #[test]
    fn a_request_says_which_members_come_and_go() {
        let of = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        for (operations, added, removed, all_go) in [
            (
                json!([{"op": "Add", "path": "members", "value": [{"value": "A"}, {"value": "B"}]}]),
                vec!["A", "B"],
                vec![],
                false,
            ),
            (
                json!([{"op": "Remove", "path": "members", "value": [{"value": "A"}]}]),
                vec![],
                vec!["A"],
                false,
            ),
            (json!([{"op": "remove", "path": "members[value eq \"A\"]"}]), vec![], vec!["A"], false),
            (json!([{"op": "Remove", "path": "members"}]), vec![], vec![], true),
            (json!([{"op": "Replace", "path": "displayName", "value": "x"}]), vec![], vec![], false),
        ] {
            let wanted = MemberSaying { added: of(&added), removed: of(&removed), all_go };
            assert_eq!(member_saying(&patch(&operations), "members"), wanted, "{operations}");
        }
    }
}
