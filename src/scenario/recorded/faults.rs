//! What went wrong in a recording, as faults that make it go wrong again.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::reading::{Cycle, Who, Wire};
use super::story::Stories;
use crate::client::Outcome;
use crate::config::duration::DURATION_MAX;
use crate::directory::object::ObjectKind;
use crate::scenario::model::AccountFault;
use crate::scim::retry_after;
use crate::target::FaultWord;

/// A fault of a step: keys of its table, and whom it is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) keys: Map<String, Value>,
    pub(super) who: Option<Who>,
    /// Whom its path names.
    pub(super) path: Option<Path>,
    /// What comes last in its table: `after` and `times`.
    pub(super) counts: Map<String, Value>,
}

/// The path of the requests that a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// The collection.
    Collection(ObjectKind),
    /// The object's own.
    Own,
}

/// Which requests count for the `after` and `times` of a fault.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    who: Option<Who>,
    method: String,
    path: Option<Path>,
}

impl Key {
    fn fits(&self, wire: &Wire<'_>) -> bool {
        wire.method == self.method
            && (self.who.is_none() || self.who == wire.who)
            && match self.path {
                None => true,
                Some(Path::Collection(kind)) => wire.id.is_none() && wire.kind == kind,
                Some(Path::Own) => wire.id.is_some(),
            }
    }
}

/// What went wrong in the cycle at this place of the recording.
pub(super) fn faults(cycles: &[Cycle<'_>], at: usize, stories: &Stories) -> Vec<Fault> {
    let Some(cycle) = cycles.get(at) else { return Vec::new() };
    let mut faults = of_accounts(cycles, at, stories);
    let mut done: Vec<Key> = Vec::new();
    // Whatever is about nobody comes last: the newest fault goes first, and counts every request.
    let (probes, others): (Vec<usize>, Vec<usize>) =
        (0..cycle.wires.len()).partition(|at| cycle.wires.get(*at).is_some_and(|wire| wire.who.is_none()));
    for place in others.into_iter().chain(probes) {
        let Some(wire) = cycle.wires.get(place) else { continue };
        if fault_of(cycles, at, place, stories).is_none() {
            continue;
        }
        let key = key_of(cycle, wire, stories);
        if done.contains(&key) {
            continue;
        }
        // Runs of one fault among the requests that the key fits.
        let fitting =
            (0..cycle.wires.len()).filter(|place| cycle.wires.get(*place).is_some_and(|wire| key.fits(wire)));
        let mut runs: Vec<(u32, Option<Map<String, Value>>)> = Vec::new();
        for place in fitting {
            let is_ours = cycle.wires.get(place).is_some_and(|wire| wire.who.is_none() == key.who.is_none());
            let fault = fault_of(cycles, at, place, stories).filter(|_| is_ours);
            match runs.last_mut() {
                Some((count, last)) if *last == fault => *count += 1,
                _ => runs.push((1, fault)),
            }
        }
        let mut before = 0;
        for (count, fault) in runs {
            if let Some(mut keys) = fault {
                keys.insert("method".to_owned(), key.method.clone().into());
                let mut counts = Map::new();
                if before != 0 {
                    counts.insert("after".to_owned(), before.into());
                }
                counts.insert("times".to_owned(), count.into());
                faults.push(Fault { keys, who: key.who.clone(), path: key.path, counts });
            }
            before += count;
        }
        done.push(key);
    }
    faults
}

fn key_of(cycle: &Cycle<'_>, wire: &Wire<'_>, stories: &Stories) -> Key {
    let path = match (wire.method, &wire.id, &wire.who) {
        ("GET", None, _) => Some(Path::Collection(wire.kind)),
        // An id is known to a fault only when the account is older than the step.
        ("GET", Some(_), Some(who)) if is_older(stories, who, cycle.number) => Some(Path::Own),
        _ => None,
    };
    Key { who: wire.who.clone(), method: wire.method.to_owned(), path }
}

fn is_older(stories: &Stories, who: &Who, cycle: u64) -> bool {
    stories.of(who).is_some_and(|story| story.existed || story.made.is_some_and(|made| made < cycle))
}

/// The fault that a request met; `None` for one that met none, or one that its account has.
fn fault_of(cycles: &[Cycle<'_>], at: usize, place: usize, stories: &Stories) -> Option<Map<String, Value>> {
    let cycle = cycles.get(at)?;
    let wire = cycle.wires.get(place)?;
    let mut keys = Map::new();
    let word = match wire.status {
        0 => {
            let Outcome::Error(error) = &wire.exchange.outcome else { return None };
            let is_done = wire.method != "GET" && is_done(cycles, at, place);
            match error.kind.as_str() {
                // It was never sent.
                "no_token" => return None,
                "timeout" if is_done || wire.method == "GET" => FaultWord::Slow,
                _ if is_done => FaultWord::LostReply,
                _ => FaultWord::Down,
            }
        }
        401 => FaultWord::Unauthorized,
        429 => {
            let left = wire.exchange.about.started;
            if let Some(pause) = wire.header("retry-after").and_then(|text| retry_after::parse(text, left)) {
                // A pause of a scenario is one that takes time.
                let pause = pause.as_secs().clamp(1, DURATION_MAX.as_secs());
                keys.insert("retry_after".to_owned(), format!("{pause}s").into());
            }
            FaultWord::Throttled
        }
        404 if wire.id.is_some() && is_gone(cycles, at, wire, stories) => return None,
        404 if wire.id.is_none() && wire.method == "GET" => FaultWord::NotFoundWhenEmpty,
        status if wire.is_page() || (300..400).contains(&status) => {
            keys.insert("status".to_owned(), status.into());
            FaultWord::Html
        }
        status if 400 <= status => {
            keys.insert("status".to_owned(), status.into());
            FaultWord::Error
        }
        _ if wire.is_look_up() && wire.found().is_some_and(|found| 1 < found) => FaultWord::TwoMatches,
        _ if is_mislabelled(wire) => FaultWord::WrongContentType,
        _ => return None,
    };
    keys.shift_insert(0, "target".to_owned(), word.as_str().into());
    Some(keys)
}

/// Whether JSON came as something else.
fn is_mislabelled(wire: &Wire<'_>) -> bool {
    wire.answer().is_some() && wire.header("content-type").is_some_and(|kind| !kind.contains("json"))
}

/// Everything about an object after a place of the recording.
fn later<'c>(
    cycles: &'c [Cycle<'c>],
    (at, place): (usize, usize),
    who: &'c Who,
) -> impl Iterator<Item = &'c Wire<'c>> {
    let here = cycles.get(at).into_iter().flat_map(move |cycle| cycle.wires.iter().skip(place + 1));
    let after = cycles.iter().skip(at + 1).flat_map(|cycle| &cycle.wires);
    here.chain(after).filter(move |wire| wire.who.as_ref() == Some(who))
}

/// Whether a write that was not answered was done all the same: it was never made good, though it was asked again.
fn is_done(cycles: &[Cycle<'_>], at: usize, place: usize) -> bool {
    let Some(wire) = cycles.get(at).and_then(|cycle| cycle.wires.get(place)) else { return false };
    let Some(who) = &wire.who else { return false };
    let asked = writes(wire);
    let is_same = |other: &&Wire<'_>| {
        other.method == wire.method
            && (wire.method != "PATCH" || writes(other).iter().any(|write| asked.contains(write)))
    };
    let mut is_asked = false;
    for other in later(cycles, (at, place), who) {
        if is_same(&other) && other.is_fine() {
            return false;
        }
        is_asked |= other.is_fine() || (wire.method == "DELETE" && other.status == 404);
    }
    is_asked
}

/// What a PATCH writes: each value with where it goes, and how.
fn writes<'w>(wire: &Wire<'w>) -> Vec<(String, &'w str, &'w Value)> {
    let mut writes = Vec::new();
    for operation in wire.operations() {
        let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
        let (op, path) = (text("op").to_lowercase(), text("path"));
        let value = operation.get("value").unwrap_or(&Value::Null);
        if let Some(items) = value.as_array() {
            writes.extend(items.iter().map(|item| (op.clone(), path, item)));
        } else if let (Some(members), true) = (value.as_object(), path.is_empty()) {
            writes.extend(members.iter().map(|(path, value)| (op.clone(), path.as_str(), value)));
        } else {
            writes.push((op, path, value));
        }
    }
    writes
}

/// Whether an account that was not found was gone for good, or had another id from then on.
fn is_gone(cycles: &[Cycle<'_>], at: usize, wire: &Wire<'_>, stories: &Stories) -> bool {
    let Some(who) = &wire.who else { return false };
    let number = cycles.get(at).map_or(0, |cycle| cycle.number);
    let is_back = |other: &Wire<'_>| other.id == wire.id && other.is_fine();
    is_older(stories, who, number) && !cycles.iter().skip(at).flat_map(|cycle| cycle.about(who)).any(is_back)
}

/// What happened to accounts before the cycle, out of band.
fn of_accounts(cycles: &[Cycle<'_>], at: usize, stories: &Stories) -> Vec<Fault> {
    let Some(cycle) = cycles.get(at) else { return Vec::new() };
    let mut faults = Vec::new();
    let mut push = |keys: Vec<(&str, Value)>, who: &Who| {
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        faults.push(Fault { keys, who: Some(who.clone()), path: None, counts: Map::new() });
    };
    for drift in stories.drifts.iter().filter(|drift| drift.cycle == cycle.number) {
        push(
            vec![
                ("target", AccountFault::Edited.as_str().into()),
                ("set", Value::Object(drift.found.clone())),
            ],
            &drift.who,
        );
    }
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for (place, wire) in cycle.wires.iter().enumerate() {
        let (Some(who), Some(id)) = (&wire.who, &wire.id) else { continue };
        let is_missed = |other: &Wire<'_>| other.status == 404 && other.id == wire.id;
        let before = cycles.iter().take(at).any(|cycle| cycle.about(who).any(is_missed));
        if wire.status != 404 || before || !is_gone(cycles, at, wire, stories) || !told.insert(id) {
            continue;
        }
        let next = later(cycles, (at, place), who).find(|other| {
            other.method == "POST" || other.shown().is_some() || (other.id.is_some() && other.is_fine())
        });
        let is_renumbered = next.is_some_and(|next| next.method == "GET" && next.id.is_none());
        let fault = if is_renumbered { AccountFault::Renumbers } else { AccountFault::Forgets };
        push(vec![("target", fault.as_str().into())], who);
    }
    faults
}
