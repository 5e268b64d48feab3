//! Expectations on what the target holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::requests::{BOTH, of_object};
use super::{Evidence, Said, first_failed, is_failed, is_like};
use crate::directory::object::ObjectKind;
use crate::scenario::language::is_named;
use crate::scenario::model::Named;
use crate::scim::path::TargetPath;
use crate::scim::query::collection_path;

/// The manager of an account (RFC 7643 §4.3).
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// The account of a user, or the target's group: by the ids that the run has met, the latest first, else by its name.
fn find<'e>(object: &Named, evidence: &'e Evidence<'e>) -> Option<&'e Value> {
    let of_kind =
        || evidence.resources.iter().filter(|(kind, _)| *kind == object.kind).map(|(_, resource)| resource);
    let ids = evidence.ids.targets_of(&[object.kind], &object.name);
    let by_id = ids.iter().find_map(|id| of_kind().find(|resource| text(resource, "id") == Some(id)));
    let name = match object.kind {
        ObjectKind::User => "userName",
        ObjectKind::Group => "displayName",
    };
    by_id.or_else(|| {
        of_kind()
            .find(|resource| text(resource, name).is_some_and(|text| text.eq_ignore_ascii_case(&object.name)))
    })
}

fn text<'v>(resource: &'v Value, name: &str) -> Option<&'v str> {
    resource.get(name).and_then(Value::as_str)
}

/// Holds whether the account or group is there.
pub(super) fn present(object: &Named, present: bool, evidence: &Evidence<'_>) -> Option<Said> {
    let found = find(object, evidence);
    if found.is_some() == present {
        return None;
    }
    let words = |there: bool| if there { "it is in the target" } else { "it is not in the target" };
    let id =
        found.and_then(|resource| text(resource, "id")).map(|id| format!(", as {id}")).unwrap_or_default();
    let sources = evidence.ids.sources_of(&[object.kind], &object.name);
    let last = |method: &str| of_object(&sources, evidence).rfind(|seen| seen.method() == method);
    let guilty = last("DELETE").or_else(|| last("POST"));
    Some(Said {
        expected: words(present).to_owned(),
        got: format!("{}{id}", words(!present)),
        // Where nothing was ever sent about it, something before stood in the way.
        guilty: guilty.map(|seen| seen.index).or_else(|| first_failed(evidence)),
    })
}

/// Holds how many there are.
pub(super) fn count(kind: ObjectKind, wanted: u64, evidence: &Evidence<'_>) -> Option<Said> {
    let found: Vec<&Value> =
        evidence.resources.iter().filter(|(known, _)| *known == kind).map(|(_, resource)| resource).collect();
    if u64::try_from(found.len()) == Ok(wanted) {
        return None;
    }
    let name = |resource: &&Value| {
        text(resource, if kind == ObjectKind::User { "userName" } else { "displayName" })
            .unwrap_or("?")
            .to_owned()
    };
    let names: Vec<String> = found.iter().map(name).collect();
    let of_kind = |method: &str| {
        evidence.seen.iter().rfind(|seen| seen.method() == method && seen.endpoint() == collection_path(kind))
    };
    let is_more = wanted < u64::try_from(found.len()).unwrap_or(u64::MAX);
    let guilty = if is_more { of_kind("POST") } else { of_kind("DELETE").or_else(|| of_kind("POST")) };
    Some(Said {
        expected: wanted.to_string(),
        got: if names.is_empty() { "0".to_owned() } else { format!("{}: {}", names.len(), names.join(", ")) },
        guilty: guilty.map(|seen| seen.index).or_else(|| first_failed(evidence)),
    })
}

/// Holds an attribute against its value; null: it must be missing.
pub(super) fn attribute(object: &Named, path: &str, wanted: &Value, evidence: &Evidence<'_>) -> Option<Said> {
    let Some(resource) = find(object, evidence) else {
        return present(object, true, evidence).map(|said| Said { expected: shown(wanted), ..said });
    };
    let (is_so, got) = if is_named(object.kind, path) {
        named(object.kind, resource, wanted, evidence)
    } else {
        let seen = read(resource, path);
        let is_so = match (wanted, seen) {
            (Value::Null, None | Some(Value::Null)) => true,
            (Value::Null, Some(_)) | (_, None) => false,
            (wanted, Some(seen)) => is_like(wanted, seen, evidence.ids),
        };
        (is_so, seen.map_or_else(|| shown(&Value::Null), shown))
    };
    (!is_so).then(|| Said { expected: shown(wanted), got, guilty: blame(object, path, evidence) })
}

/// The manager of an account, or the members of a group, by name.
fn named(kind: ObjectKind, resource: &Value, wanted: &Value, evidence: &Evidence<'_>) -> (bool, String) {
    let found: BTreeSet<&str> = match kind {
        ObjectKind::User => TargetPath::parse(MANAGER)
            .ok()
            .and_then(|path| path.read_reference(resource))
            .filter(|id| !id.is_empty())
            .into_iter()
            .collect(),
        ObjectKind::Group => {
            let members = resource.get("members").and_then(Value::as_array).into_iter().flatten();
            members.filter_map(|member| text(member, "value")).collect()
        }
    };
    let mut left = found.clone();
    let wanted: Vec<&str> = match wanted {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let mut all_there = true;
    for name in &wanted {
        let ids = evidence.ids.targets_of(BOTH, name.trim_matches(['{', '}']));
        match ids.iter().find(|id| left.contains(id.as_str())) {
            Some(id) => {
                left.remove(id.as_str());
            }
            None => all_there = false,
        }
    }
    let names: Vec<&str> = found.iter().map(|id| evidence.ids.name_of_target(id)).collect();
    let got = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    (all_there && left.is_empty(), got)
}

/// The value at a path; `name.givenName`, `emails[type eq "work"].value`, or with the name of its schema.
fn read<'v>(resource: &'v Value, path: &str) -> Option<&'v Value> {
    match TargetPath::parse(path) {
        Ok(path) => path.read(resource),
        Err(_) => resource.get(path),
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "absent".to_owned() } else { value.to_string() }
}

/// The last write about the object that touched the attribute, else the last at all; where there is none, what failed
/// first.
fn blame(object: &Named, path: &str, evidence: &Evidence<'_>) -> Option<usize> {
    let sources = evidence.ids.sources_of(&[object.kind], &object.name);
    let about = || of_object(&sources, evidence);
    let head = path.rsplit(':').next().unwrap_or(path);
    let head = head.split(['.', '[']).next().unwrap_or(head);
    let touching = about().rfind(|seen| seen.is_write() && seen.touches(head));
    let guilty = touching
        .or_else(|| about().rfind(|seen| seen.is_write()))
        .or_else(|| about().find(|seen| is_failed(seen.exchange)));
    guilty.map(|seen| seen.index)
}
