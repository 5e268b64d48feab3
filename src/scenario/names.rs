//! Who is who in a run: the names of the file, the objectIds of the source, the ids of the target.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::snapshot::Prefix;
use crate::client::{Body, Exchange, Outcome};
use crate::directory::object::ObjectKind;
use crate::scim::member;
use crate::scim::query::collection_path;

/// The names in braces in a text: `/Users/{adele@contoso.com}`.
pub(super) fn placeholders(text: &str) -> Vec<&str> {
    let parts = text.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .filter(|name| !name.is_empty())
        .collect()
}

/// Both kinds of object.
const KINDS: [ObjectKind; 2] = [ObjectKind::User, ObjectKind::Group];

/// What is known of names and ids, of all that was ever there.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    /// objectIds by kind and lower-cased name, the newest last. An objectId is a name of its object.
    sources: BTreeMap<(ObjectKind, String), Vec<String>>,
    /// The target's ids by kind and objectId, the newest last.
    targets: BTreeMap<(ObjectKind, String), Vec<String>>,
    /// What of these the run itself created.
    made: BTreeSet<(ObjectKind, String)>,
    /// Whom a create was sent for that told no id, by kind and objectId: how they were asked for before, below the
    /// tenant URL.
    unheard: BTreeMap<(ObjectKind, String), Option<String>>,
    /// How each was last asked for.
    asked: BTreeMap<(ObjectKind, String), String>,
    /// The latest name of each objectId.
    labels: BTreeMap<String, String>,
}

fn remember(known: &mut Vec<String>, id: &str) {
    known.retain(|other| other != id);
    known.push(id.to_owned());
}

impl Ids {
    /// An object is called so now.
    pub(super) fn named(&mut self, kind: ObjectKind, name: &str, id: &str) {
        for name in [name, id] {
            remember(self.sources.entry((kind, name.to_lowercase())).or_default(), id);
        }
        self.labels.insert(id.to_owned(), name.to_owned());
    }

    /// The target calls an object so.
    pub(super) fn linked(&mut self, kind: ObjectKind, source_id: &str, target_id: &str) {
        remember(self.targets.entry((kind, source_id.to_owned())).or_default(), target_id);
    }

    /// Takes in what an exchange says: the id in the answer to a create, in the path of a read or write, and of the one
    /// that a query finds. Whom nobody answered for when it was created is known by the latter alone: it is the run's when
    /// it bears the run's prefix as it is found first.
    pub(super) fn learn(&mut self, exchange: &Exchange, base_url: &str, prefix: &Prefix) {
        let Some(object) = &exchange.about.object else { return };
        let key = (object.kind, object.source_id.clone());
        let url = exchange.request.url.as_str();
        let path = target_of(url, base_url).0;
        let is_query =
            exchange.request.method == "GET" && path == format!("/{}", collection_path(object.kind));
        if is_query && let Some(below) = url.strip_prefix(base_url) {
            self.asked.insert(key.clone(), below.trim_start_matches('/').to_owned());
        }
        let answer = match &exchange.outcome {
            Outcome::Response(response) => Some(response),
            Outcome::Error(_) => None,
        };
        let body = match answer.and_then(|answer| answer.body.as_ref()) {
            Some(Body::Json(body)) => Some(body),
            Some(Body::Text(_) | Body::Cut(_)) | None => None,
        };
        let is_success = answer.is_some_and(|answer| (200..300).contains(&answer.status));
        let body = body.filter(|_| is_success);
        if exchange.request.method == "POST" {
            if let Some(id) = body.and_then(|body| body.get("id")?.as_str()) {
                self.made.insert((object.kind, id.to_owned()));
                self.linked(object.kind, &object.source_id, id);
            } else {
                let asked = self.asked.get(&key).cloned();
                self.unheard.insert(key, asked);
            }
            return;
        }
        if !is_success {
            return;
        }
        if is_query {
            let found = body.and_then(|body| body.get("Resources")?.as_array()).map(Vec::as_slice);
            if let Some([one]) = found {
                self.found(&key, one, prefix);
            }
        } else if let Some(id) = path.split('/').nth(2).filter(|id| !id.is_empty()) {
            self.linked(object.kind, &object.source_id, id);
        }
    }

    /// A query for an object finds this resource.
    fn found(&mut self, key: &(ObjectKind, String), resource: &Value, prefix: &Prefix) {
        let Some(id) = resource.get("id").and_then(Value::as_str) else { return };
        let (kind, source_id) = key;
        let is_new = !self.targets.values().any(|ids| ids.iter().any(|known| known == id));
        if is_new && self.unheard.contains_key(key) && prefix.is_borne_by(*kind, resource) {
            self.made.insert((*kind, id.to_owned()));
        }
        self.linked(*kind, source_id, id);
    }

    /// Whom a create was sent for that told no id, and who was not met since: with the query that they were asked for by.
    pub(super) fn missing(&self) -> Vec<((ObjectKind, String), String)> {
        let missing = self.unheard.iter().filter(|(key, _)| !self.targets.contains_key(*key));
        missing.filter_map(|(key, asked)| Some((key.clone(), asked.clone()?))).collect()
    }

    /// Takes in what the answer to such a query finds.
    pub(super) fn searched(&mut self, key: &(ObjectKind, String), answer: &Value, prefix: &Prefix) {
        for resource in member(answer, "Resources").and_then(Value::as_array).into_iter().flatten() {
            self.found(key, resource, prefix);
        }
    }

    /// objectIds of whoever has or had this name, the latest first.
    pub(super) fn sources_of(&self, kinds: &[ObjectKind], name: &str) -> Vec<(ObjectKind, String)> {
        let key = name.to_lowercase();
        let of = |kind: &ObjectKind| {
            let known = self.sources.get(&(*kind, key.clone())).into_iter().flatten().rev();
            known.map(|id| (*kind, id.clone())).collect::<Vec<_>>()
        };
        kinds.iter().flat_map(of).collect()
    }

    /// The target's ids of whoever has or had this name, the latest first.
    pub(super) fn targets_of(&self, kinds: &[ObjectKind], name: &str) -> Vec<String> {
        let sources = self.sources_of(kinds, name);
        sources.iter().flat_map(|key| self.targets.get(key).into_iter().flatten().rev()).cloned().collect()
    }

    /// Every account and group that the run has met in the target, kind and id: an account once, however many objects
    /// of the source it had.
    pub(super) fn targets(&self) -> BTreeSet<(ObjectKind, &str)> {
        self.targets.iter().flat_map(|((kind, _), ids)| ids.iter().map(|id| (*kind, id.as_str()))).collect()
    }

    /// Whether the run created it; else it was there before.
    pub(super) fn is_made(&self, kind: ObjectKind, id: &str) -> bool {
        self.made.contains(&(kind, id.to_owned()))
    }

    /// The name of whom the target calls so; else the id itself.
    pub(super) fn name_of_target<'a>(&'a self, id: &'a str) -> &'a str {
        let found = self.targets.iter().find(|(_, ids)| ids.iter().any(|known| known == id));
        found.and_then(|((_, source), _)| self.labels.get(source)).map_or(id, String::as_str)
    }

    /// Every reading of a text, each placeholder in place of an id of the target.
    pub(super) fn readings(&self, text: &str) -> Vec<String> {
        let mut readings = vec![String::new()];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            let ids = if name.is_empty() { Vec::new() } else { self.targets_of(&KINDS, name) };
            readings = readings
                .iter()
                .flat_map(|reading| ids.iter().map(move |id| format!("{reading}{before}{id}")))
                .collect();
            rest = behind;
        }
        readings.into_iter().map(|reading| format!("{reading}{rest}")).collect()
    }
}

/// Path and query of a URL below the tenant URL, decoded for reading.
pub(super) fn target_of(url: &str, base_url: &str) -> (String, Option<String>) {
    let below = url.strip_prefix(base_url).unwrap_or(url);
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    match below.split_once('?') {
        Some((path, query)) => (decoded(path), Some(decoded(&query.replace('+', " ")))),
        None => (decoded(below), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_reads_as_each_id_that_its_name_ever_had() {
        let mut ids = Ids::default();
        ids.named(ObjectKind::User, "Ada@contoso.com", "s1");
        ids.linked(ObjectKind::User, "s1", "t1");
        ids.linked(ObjectKind::User, "s1", "t2");
        ids.named(ObjectKind::User, "ada.berg@contoso.com", "s1");
        ids.named(ObjectKind::User, "ada@contoso.com", "s2");
        ids.linked(ObjectKind::User, "s2", "t3");
        assert_eq!(ids.readings("/Users/{ada@contoso.com}/x"), ["/Users/t3/x", "/Users/t2/x", "/Users/t1/x"]);
        assert_eq!(ids.readings("/Users/{ada.berg@contoso.com}"), ["/Users/t2", "/Users/t1"]);
        assert_eq!(ids.readings("/Users/{s1}"), ["/Users/t2", "/Users/t1"]);
        assert_eq!(ids.readings("/Users/{nobody}"), [""; 0]);
        assert_eq!(ids.readings("/Users"), ["/Users"]);
        assert_eq!(ids.name_of_target("t1"), "ada.berg@contoso.com");
        assert_eq!(placeholders("a{b}c{d e}f{}"), ["b", "d e"]);
    }
}
