//! A journal as a recording sees it: cycles, and of each exchange whom it is about and what it asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Body, Exchange, Outcome};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::scim::query::collection_path;

/// A user or group of the source, by kind and objectId.
pub(super) type Who = (ObjectKind, String);

/// What of a query is asked for; flags of the tenant URL may stand beside it.
const ASKED: [&str; 3] = ["filter", "excludedAttributes", "attributes"];

/// A cycle of the recording.
#[derive(Debug)]
pub(super) struct Cycle<'e> {
    pub(super) number: u64,
    pub(super) began: Timestamp,
    pub(super) wires: Vec<Wire<'e>>,
}

impl Cycle<'_> {
    /// Whether nothing came of it but probes that were answered.
    pub(super) fn is_idle(&self) -> bool {
        self.wires.iter().all(|wire| wire.who.is_none() && wire.is_fine())
    }

    /// Whether the target as a whole let it down.
    pub(super) fn is_refused(&self) -> bool {
        self.wires.iter().any(|wire| wire.who.is_none() && !wire.is_fine())
    }

    /// The exchanges about an object.
    pub(super) fn about(&self, who: &Who) -> impl Iterator<Item = &Wire<'_>> {
        self.wires.iter().filter(move |wire| wire.who.as_ref() == Some(who))
    }
}

/// An exchange.
#[derive(Debug)]
pub(super) struct Wire<'e> {
    pub(super) exchange: &'e Exchange,
    /// The object; `None` for a probe.
    pub(super) who: Option<Who>,
    /// What the object was called then.
    pub(super) label: &'e str,
    /// The phase of the cycle, as `docs/journal.md` numbers them.
    pub(super) phase: u32,
    pub(super) method: &'e str,
    /// The endpoint.
    pub(super) kind: ObjectKind,
    /// The target's id in the path.
    pub(super) id: Option<String>,
    /// What was asked for, decoded for reading.
    pub(super) query: Option<String>,
    /// 0 when no answer came.
    pub(super) status: u16,
}

impl<'e> Wire<'e> {
    /// `None` for what is not about users or groups.
    fn of(exchange: &'e Exchange) -> Option<Self> {
        let (kind, id, query) = place(&exchange.request.url)?;
        let object = exchange.about.object.as_ref();
        let phase = exchange.about.effect.split('.').next().and_then(|phase| phase.parse().ok());
        Some(Self {
            exchange,
            who: object.map(|object| (object.kind, object.source_id.clone())),
            label: object.map_or("", |object| object.label.as_str()),
            phase: phase.unwrap_or_default(),
            method: &exchange.request.method,
            kind,
            id,
            query,
            status: match &exchange.outcome {
                Outcome::Response(response) => response.status,
                Outcome::Error(_) => 0,
            },
        })
    }

    /// Whether it was answered as it should be: with a success, and by SCIM.
    pub(super) fn is_fine(&self) -> bool {
        (200..300).contains(&self.status) && !self.is_page()
    }

    /// Whether what came is a page for people.
    pub(super) fn is_page(&self) -> bool {
        match &self.exchange.outcome {
            Outcome::Response(response) => match &response.body {
                Some(Body::Text(text) | Body::Cut(text)) => {
                    // A masked text tells nothing; then the header does.
                    text.trim_start().starts_with('<')
                        || self.header("content-type").is_some_and(|kind| kind.contains("html"))
                }
                Some(Body::Json(_)) | None => false,
            },
            Outcome::Error(_) => false,
        }
    }

    /// A header of the answer.
    pub(super) fn header(&self, name: &str) -> Option<&'e str> {
        let Outcome::Response(response) = &self.exchange.outcome else { return None };
        let found = response.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// What was sent, as JSON.
    pub(super) fn sent(&self) -> Option<&'e Value> {
        json(self.exchange.request.body.as_ref())
    }

    /// What came back, as JSON.
    pub(super) fn answer(&self) -> Option<&'e Value> {
        match &self.exchange.outcome {
            Outcome::Response(response) => json(response.body.as_ref()),
            Outcome::Error(_) => None,
        }
    }

    /// The operations of a PATCH.
    pub(super) fn operations(&self) -> &'e [Value] {
        let operations = self.sent().and_then(|body| body.get("Operations")).and_then(Value::as_array);
        operations.map_or(&[], Vec::as_slice)
    }

    /// The account or group that the answer shows as it was: what a read by id returned, or the one that a query found.
    pub(super) fn shown(&self) -> Option<&'e Value> {
        if self.method != "GET" || !self.is_fine() {
            return None;
        }
        let answer = self.answer()?;
        if self.id.is_some() {
            return Some(answer);
        }
        match answer.get("Resources").and_then(Value::as_array).map(Vec::as_slice) {
            Some([one]) => Some(one),
            Some(_) | None => None,
        }
    }

    /// How many a query found.
    pub(super) fn found(&self) -> Option<usize> {
        let found = self.answer()?.get("Resources").and_then(Value::as_array);
        found.map_or_else(
            || (self.answer()?.get("totalResults")?.as_u64()? == 0).then_some(0),
            |all| Some(all.len()),
        )
    }

    /// The target's id of the object that it is about, as far as it says so.
    pub(super) fn target_id(&self) -> Option<&str> {
        let of = |resource: &'e Value| resource.get("id").and_then(Value::as_str);
        match (self.method, &self.id) {
            (_, Some(id)) => Some(id),
            ("POST", None) if self.is_fine() => of(self.answer()?),
            (_, None) => of(self.shown()?),
        }
    }

    /// Whether it looks for an account or group by what it is matched on.
    pub(super) fn is_look_up(&self) -> bool {
        self.method == "GET" && self.id.is_none() && matches!(self.phase, 2 | 3)
    }
}

fn json(body: Option<&Body>) -> Option<&Value> {
    match body {
        Some(Body::Json(value)) => Some(value),
        Some(Body::Text(_) | Body::Cut(_)) | None => None,
    }
}

/// The cycles of a journal in their order; what was sent outside of cycles, or only prepared a request, is left out.
pub(super) fn cycles(exchanges: &[Exchange]) -> Vec<Cycle<'_>> {
    let mut cycles: BTreeMap<u64, Cycle<'_>> = BTreeMap::new();
    for exchange in exchanges {
        let (Some(number), false, Some(wire)) =
            (exchange.about.cycle, exchange.is_aside(), Wire::of(exchange))
        else {
            continue;
        };
        let began = exchange.about.started;
        let cycle = cycles.entry(number).or_insert_with(|| Cycle { number, began, wires: Vec::new() });
        cycle.began = cycle.began.min(began);
        cycle.wires.push(wire);
    }
    cycles.into_values().collect()
}

/// Endpoint, id and query of a URL, decoded.
fn place(url: &str) -> Option<(ObjectKind, Option<String>, Option<String>)> {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let segments: Vec<&str> = path.split('/').collect();
    let kind_of = |segment: &&str| {
        [ObjectKind::User, ObjectKind::Group].into_iter().find(|kind| collection_path(*kind) == *segment)
    };
    let (at, kind) =
        segments.iter().enumerate().rev().find_map(|(at, segment)| Some((at, kind_of(segment)?)))?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let id = segments.get(at.saturating_add(1)).filter(|id| !id.is_empty()).map(|id| decoded(id));
    let is_asked = |part: &&str| part.split_once('=').is_some_and(|(name, _)| ASKED.contains(&name));
    let asked: Vec<&str> = query.unwrap_or_default().split('&').filter(is_asked).collect();
    let query = (!asked.is_empty()).then(|| decoded(&asked.join("&").replace('+', " ")));
    Some((kind, id, query))
}

/// Who the target's ids belong to, as far as the recording says so. An app may number each kind for itself.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeMap<(ObjectKind, String), Who>);

impl Ids {
    pub(super) fn of(cycles: &[Cycle<'_>]) -> Self {
        let mut ids = BTreeMap::new();
        for wire in cycles.iter().flat_map(|cycle| &cycle.wires) {
            if let (Some(who), Some(id)) = (&wire.who, wire.target_id()) {
                ids.entry((wire.kind, id.to_owned())).or_insert_with(|| who.clone());
            }
        }
        Self(ids)
    }

    /// Whose an id is at an endpoint.
    pub(super) fn get(&self, kind: ObjectKind, id: &str) -> Option<&Who> {
        self.0.get(&(kind, id.to_owned()))
    }

    /// Whom a manager or member is, which does not say of which kind: a user, else a group.
    pub(super) fn referred(&self, id: &str) -> Option<&Who> {
        self.get(ObjectKind::User, id).or_else(|| self.get(ObjectKind::Group, id))
    }

    pub(super) fn add(&mut self, id: &str, who: Who) {
        self.0.insert((who.0, id.to_owned()), who);
    }
}
