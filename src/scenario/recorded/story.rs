//! What a recording says of each user and group: its attributes, its members, its comings and goings, each with the
//! moment from which on it was so. Bodies are read backwards through the mappings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::backwards::{Backwards, ENABLED, reference_ids, texts_of};
use super::reading::{Cycle, Ids, Who, Wire};
use crate::directory::object::ObjectKind;
use crate::expression::AttributeValue;
use crate::mapping::shorten_guest_upn;

/// A moment of the recording: before a cycle, or in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// Before a cycle.
    pub(super) fn before(cycle: u64) -> Self {
        Self(cycle.saturating_mul(2))
    }

    /// In a cycle.
    pub(super) fn of(cycle: u64) -> Self {
        Self(cycle.saturating_mul(2).saturating_add(1))
    }
}

/// Something that has one value after the other.
#[derive(Debug, Clone)]
pub(super) struct Course<T>(BTreeMap<Moment, T>);

impl<T> Default for Course<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Course<T> {
    /// What was so at a moment; of what shows later only, the first that shows.
    pub(super) fn at(&self, moment: Moment) -> Option<&T> {
        self.0.range(..=moment).next_back().or_else(|| self.0.iter().next()).map(|(_, value)| value)
    }

    /// What was said of it by then.
    pub(super) fn said(&self, moment: Moment) -> Option<&T> {
        self.0.range(..=moment).next_back().map(|(_, value)| value)
    }

    /// Whether this was ever said of it by then.
    pub(super) fn was(&self, value: &T, moment: Moment) -> bool
    where
        T: PartialEq,
    {
        self.0.range(..=moment).any(|(_, said)| said == value)
    }

    /// What was so in the end.
    pub(super) fn last(&self) -> Option<&T> {
        self.0.values().next_back()
    }

    fn set(&mut self, moment: Moment, value: T) {
        self.0.insert(moment, value);
    }

    /// Says what was so at a moment, unless something was said of it by then.
    fn set_first(&mut self, moment: Moment, value: T) {
        if self.said(moment).is_none() {
            self.set(moment, value);
        }
    }

    /// Whether anything was said of it at a moment or later.
    pub(super) fn changes_from(&self, moment: Moment) -> bool {
        self.0.range(moment..).next().is_some()
    }

    fn is_silent_between(&self, from: Moment, to: Moment) -> bool {
        from <= to && self.0.range(from..to).next().is_none()
    }
}

/// A user or group.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Attributes of the source; `None` for one that is absent. A manager is an objectId.
    pub(super) attributes: BTreeMap<String, Course<Option<AttributeValue>>>,
    /// Whether it is in the source.
    pub(super) present: Course<bool>,
    /// The cycle that shows it first.
    pub(super) first: u64,
    /// Whether its account was there before the recording met it.
    pub(super) existed: bool,
    /// The cycle that created its account first.
    pub(super) made: Option<u64>,
    /// Whether a cycle ever tried to.
    was_tried: bool,
    /// Cycles that asked for anything about it.
    pub(super) met: BTreeSet<u64>,
    /// Cycles that looked at it for its own sake, not for what it refers to.
    pub(super) visits: BTreeSet<u64>,
    /// Cycles in which something about it failed.
    pub(super) failures: BTreeSet<u64>,
    /// The cycle in which somebody else came under its name, though it was never deleted in the target.
    pub(super) replaced: Option<u64>,
}

impl Story {
    /// The attributes at a moment.
    pub(super) fn attributes_at(&self, moment: Moment) -> BTreeMap<String, AttributeValue> {
        let value = |course: &Course<Option<AttributeValue>>| course.at(moment).cloned().flatten();
        self.attributes.iter().filter_map(|(name, course)| Some((name.clone(), value(course)?))).collect()
    }

    /// Whether anything was said of an attribute by then.
    fn says(&self, name: &str, moment: Moment) -> bool {
        self.attributes.get(name).is_some_and(|course| course.said(moment).is_some())
    }

    /// Every name that it had.
    pub(super) fn names(&self, kind: ObjectKind) -> Vec<String> {
        self.texts(name_attribute(kind))
    }

    /// Every text that an attribute had.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let values = self.attributes.get(name).into_iter().flat_map(|course| course.0.values());
        let texts = values.filter_map(|value| match value {
            Some(AttributeValue::Text(text)) => Some(text.clone()),
            Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => None,
        });
        texts.collect()
    }

    /// Whether it was disabled at a moment.
    pub(super) fn is_disabled(&self, moment: Moment) -> bool {
        let enabled = self.attributes.get(ENABLED).and_then(|course| course.at(moment)?.as_ref());
        enabled == Some(&AttributeValue::Text("False".to_owned()))
    }

    /// Whether its account was created in a cycle or before.
    fn was_made(&self, cycle: u64) -> bool {
        self.existed || self.made.is_some_and(|made| made <= cycle)
    }

    fn set(&mut self, name: &str, moment: Moment, value: Option<AttributeValue>) {
        self.attributes.entry(name.to_owned()).or_default().set(moment, value);
    }

    fn set_first(&mut self, name: &str, moment: Moment, value: Option<AttributeValue>) {
        self.attributes.entry(name.to_owned()).or_default().set_first(moment, value);
    }
}

/// What somebody else changed in the target.
#[derive(Debug)]
pub(super) struct Drift {
    pub(super) cycle: u64,
    pub(super) who: Who,
    /// What the target was found to hold, by the mapped path where it stands.
    pub(super) found: Map<String, Value>,
}

/// What a recording says of everybody.
#[derive(Debug, Default)]
pub(super) struct Stories {
    /// Users first, each kind in the order of appearance.
    pub(super) order: Vec<Who>,
    pub(super) all: BTreeMap<Who, Story>,
    /// Whether somebody is a member, by group and member.
    pub(super) members: BTreeMap<(Who, Who), Course<bool>>,
    pub(super) drifts: Vec<Drift>,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
    /// What is known of each account, by mapping.
    accounts: BTreeMap<Who, BTreeMap<usize, Vec<String>>>,
}

/// What people know an object of a kind by.
pub(super) fn name_attribute(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "userPrincipalName",
        ObjectKind::Group => "displayName",
    }
}

impl Stories {
    /// Reads cycles in their order. Ids that nobody has are given to somebody made up.
    pub(super) fn read(cycles: &[Cycle<'_>], ids: &mut Ids, backwards: &Backwards<'_>) -> Self {
        let mut stories = Self::default();
        for cycle in cycles {
            let mut written = BTreeSet::new();
            for wire in &cycle.wires {
                let Some(who) = &wire.who else { continue };
                stories.meet(cycle.number, who, wire, ids);
                match wire.method {
                    "GET" => stories.shown(cycle.number, who, wire, ids, backwards, !written.contains(who)),
                    "POST" => stories.created(cycle.number, who, wire, backwards),
                    "PATCH" => stories.changed(cycle, who, wire, ids, backwards),
                    _ => {}
                }
                if wire.method != "GET" {
                    written.insert(who.clone());
                }
            }
        }
        stories.order.sort_by_key(|(kind, _)| *kind);
        for cycle in cycles {
            stories.insufficient(cycle, backwards);
        }
        stories.successors();
        stories
    }

    /// Who was looked for, not found, and not created either, lacked something that the target requires.
    fn insufficient(&mut self, cycle: &Cycle<'_>, backwards: &Backwards<'_>) {
        let moment = Moment::of(cycle.number);
        let mut about: BTreeMap<&Who, Vec<&Wire<'_>>> = BTreeMap::new();
        for wire in &cycle.wires {
            if let Some(who) = &wire.who {
                about.entry(who).or_default().push(wire);
            }
        }
        for (who, wires) in about {
            let Some(story) = self.all.get_mut(who) else { continue };
            let is_in_vain = |wire: &&Wire<'_>| wire.is_look_up() && wire.is_fine() && wire.shown().is_none();
            let is_several = |wire: &&Wire<'_>| wire.found() != Some(0);
            if !wires.iter().all(is_in_vain) || wires.iter().any(is_several) || story.was_made(cycle.number) {
                continue;
            }
            for name in backwards.required(who.0) {
                story.set(name, moment, None);
            }
        }
    }

    /// Notes whose names were given to others.
    fn successors(&mut self) {
        let mut bearers: BTreeMap<String, Vec<&Who>> = BTreeMap::new();
        for (who, story) in self.all.iter().filter(|((kind, _), _)| *kind == ObjectKind::User) {
            for name in story.names(who.0) {
                bearers.entry(name.to_lowercase()).or_default().push(who);
            }
        }
        let mut replaced = Vec::new();
        for (name, bearers) in bearers.iter().filter(|(_, bearers)| 1 < bearers.len()) {
            let is_called = |who: &Who, moment| name_of(self.of(who), who, moment).to_lowercase() == *name;
            for who in bearers {
                let Some(story) = self.of(who) else { continue };
                let before = Moment::before(story.first);
                let is_taken = |other: &&&Who| {
                    self.of(other).is_some_and(|theirs| theirs.first < story.first)
                        && is_called(other, before)
                        && self.of(other).is_some_and(|theirs| theirs.present.at(before) != Some(&false))
                };
                if is_called(who, Moment::of(story.first)) {
                    let taken = bearers.iter().filter(is_taken);
                    replaced.extend(taken.map(|other| ((*other).clone(), story.first)));
                }
            }
        }
        for (who, cycle) in replaced {
            if let Some(story) = self.all.get_mut(&who) {
                story.replaced = story.replaced.or(Some(cycle));
            }
        }
    }

    /// Whether somebody had an account before this cycle, and was not deleted.
    pub(super) fn had_account(&self, who: &Who, cycle: u64) -> bool {
        self.of(who).is_some_and(|story| {
            (story.existed || story.made.is_some_and(|made| made < cycle))
                && story.present.at(Moment::before(cycle)) != Some(&false)
        })
    }

    /// The story of somebody.
    pub(super) fn of(&self, who: &Who) -> Option<&Story> {
        self.all.get(who)
    }

    fn meet(&mut self, cycle: u64, who: &Who, wire: &Wire<'_>, ids: &Ids) {
        let moment = Moment::of(cycle);
        if !self.all.contains_key(who) {
            self.order.push(who.clone());
            self.all.insert(who.clone(), Story { first: cycle, ..Story::default() });
        }
        let Some(story) = self.all.get_mut(who) else { return };
        story.met.insert(cycle);
        if wire.method == "POST" {
            story.was_tried = true;
            story.made = story.made.or(wire.is_fine().then_some(cycle));
        } else if !story.was_tried {
            // Whoever takes over the account of somebody else had none.
            story.existed |= wire.target_id().is_some_and(|id| ids.get(wire.kind, id) == Some(who));
        }
        let name = Some(AttributeValue::Text(wire.label.to_owned()));
        story.set(name_attribute(who.0), moment, name);
        match wire.method {
            "DELETE" => story.present.set(moment, false),
            "POST" => story.present.set(moment, true),
            _ => story.present.set_first(moment, true),
        }
        if matches!(wire.phase, 2 | 3) {
            story.visits.insert(cycle);
        }
        if !wire.is_fine() {
            story.failures.insert(cycle);
        }
    }

    /// Takes in what a read shows: the source as the last write left it, unless somebody else wrote since.
    fn shown(
        &mut self,
        cycle: u64,
        who: &Who,
        wire: &Wire<'_>,
        ids: &mut Ids,
        backwards: &Backwards<'_>,
        is_unwritten: bool,
    ) {
        let Some(resource) = wire.shown() else { return };
        // What is asked for by what it refers to may be shown in part.
        if !matches!(wire.phase, 2 | 3) {
            return;
        }
        let moment = Moment::before(cycle);
        if is_unwritten {
            self.compare(cycle, who, resource, backwards);
        }
        let Some(story) = self.all.get_mut(who) else { return };
        for (name, value) in backwards.attributes(who.0, resource) {
            story.set_first(&name, moment, value);
        }
        // Letter case is the target's; a guest has a longer name at the source.
        let label = shorten_guest_upn(wire.label).to_lowercase();
        if let Some(name) = backwards.name(who.0, resource).filter(|name| name.to_lowercase() != label) {
            story.set_first(name_attribute(who.0), moment, Some(AttributeValue::Text(name)));
        }
        for (name, path) in backwards.single_references(who.0) {
            let is_said = self.of(who).is_some_and(|story| story.says(name, moment));
            let other = path.read_reference(resource).filter(|_| !is_said);
            let other = other.map(|id| match ids.get(ObjectKind::User, id) {
                Some((_, other)) => other.clone(),
                None => self.stranger(cycle, id, ids).1,
            });
            if let Some(story) = self.all.get_mut(who) {
                story.set_first(name, moment, other.map(AttributeValue::Text));
            }
        }
        self.accounts.insert(who.clone(), backwards.held(who.0, resource));
    }

    /// Compares an account with what is known of it.
    fn compare(&mut self, cycle: u64, who: &Who, resource: &Value, backwards: &Backwards<'_>) {
        let Some(known) = self.accounts.get(who) else { return };
        let held = backwards.held(who.0, resource);
        let mut found = Map::new();
        for (mapping, known) in known {
            let is_same = match held.get(mapping) {
                Some(held) => same_texts(held, known),
                None => known.is_empty(),
            };
            if is_same {
                continue;
            }
            let path = backwards.target(who.0, *mapping);
            match backwards.found(who.0, *mapping, resource) {
                Some(value) => {
                    found.insert(path, value);
                }
                None => self.notes.push(format!(
                    "cycle {cycle}: in the app, {path} of {} had become empty, which no fault does",
                    name_of(self.all.get(who), who, Moment::of(cycle)),
                )),
            }
        }
        if !found.is_empty() {
            self.drifts.push(Drift { cycle, who: who.clone(), found });
        }
    }

    fn created(&mut self, cycle: u64, who: &Who, wire: &Wire<'_>, backwards: &Backwards<'_>) {
        let (Some(body), Some(story)) = (wire.sent(), self.all.get_mut(who)) else { return };
        let moment = Moment::of(cycle);
        for (name, value) in backwards.attributes(who.0, body) {
            story.set(&name, moment, value);
        }
        for (name, value) in backwards.guesses(who, &story.attributes_at(moment), body) {
            story.set(&name, moment, Some(value));
        }
        for name in backwards.untold(who.0) {
            story.set_first(name, moment, None);
        }
        if wire.is_fine() {
            let kept = wire.answer().filter(|answer| answer.get("id").is_some()).unwrap_or(body);
            self.accounts.insert(who.clone(), backwards.held(who.0, kept));
        }
    }

    fn changed(
        &mut self,
        cycle: &Cycle<'_>,
        who: &Who,
        wire: &Wire<'_>,
        ids: &mut Ids,
        backwards: &Backwards<'_>,
    ) {
        let moment = Moment::of(cycle.number);
        let mut account = self.accounts.remove(who).unwrap_or_default();
        for operation in wire.operations() {
            let is_removal = is_removal(operation);
            if let Some(reference) = backwards.reference(who.0, operation) {
                let others: Vec<Who> = reference_ids(operation)
                    .iter()
                    .map(|id| match ids.referred(id) {
                        Some(other) => other.clone(),
                        None => self.stranger(cycle.number, id, ids),
                    })
                    .collect();
                for other in &others {
                    let from = self.since(cycle.number, who, other, reference.attribute, reference.several);
                    if reference.several {
                        let course = self.members.entry((who.clone(), other.clone())).or_default();
                        course.set_first(Moment(0), is_removal);
                        course.set(from, !is_removal);
                    } else if let Some(story) = self.all.get_mut(who).filter(|_| !is_removal) {
                        story.set(reference.attribute, from, Some(AttributeValue::Text(other.1.clone())));
                    }
                }
                if let Some(story) = self.all.get_mut(who)
                    && !reference.several
                    && (is_removal || others.is_empty())
                {
                    story.set(reference.attribute, moment, None);
                }
                continue;
            }
            for (mapping, value) in backwards.written(who.0, operation) {
                let Some(story) = self.all.get_mut(who) else { continue };
                if let Some((name, value)) = backwards.attribute(who.0, mapping, value) {
                    if operation
                        .get("op")
                        .and_then(Value::as_str)
                        .is_some_and(|op| op.eq_ignore_ascii_case("add"))
                        && value.is_some()
                    {
                        story.set_first(&name, Moment::before(cycle.number), None);
                    }
                    story.set(&name, moment, value);
                } else {
                    let known = story.attributes_at(moment);
                    if let Some((name, value)) = backwards.guess(who, &known, mapping, value) {
                        story.set(&name, moment, Some(value));
                    }
                }
                account.insert(mapping, texts_of(value));
            }
        }
        if wire.is_fine() {
            let account = match wire.answer().filter(|answer| answer.get("id").is_some()) {
                Some(answer) => backwards.held(who.0, answer),
                None => account,
            };
            self.accounts.insert(who.clone(), account);
        }
    }

    /// From when on a reference that is written was in the source. One that is written by itself waited for its other
    /// end since the cycle that last looked at the object.
    fn since(&self, cycle: u64, who: &Who, other: &Who, attribute: &str, several: bool) -> Moment {
        let now = Moment::of(cycle);
        let Some(story) = self.all.get(who).filter(|story| !story.visits.contains(&cycle)) else {
            return now;
        };
        let Some(visit) = story.visits.range(..cycle).next_back() else { return now };
        let known = self.all.get(other).is_some_and(|other| other.first <= *visit);
        let from = Moment::of(*visit);
        let is_silent = if several {
            let course = self.members.get(&(who.clone(), other.clone()));
            course.is_none_or(|course| course.is_silent_between(from, now))
        } else {
            story.attributes.get(attribute).is_none_or(|course| course.is_silent_between(from, now))
        };
        if known && is_silent { from } else { now }
    }

    /// Somebody whom the recording knows by the target's id alone.
    fn stranger(&mut self, cycle: u64, id: &str, ids: &mut Ids) -> Who {
        let number = self.order.iter().filter(|(_, id)| id.starts_with(STRANGER)).count() + 1;
        let who = (ObjectKind::User, format!("{STRANGER}{number}"));
        let mut story = Story { first: cycle, existed: true, ..Story::default() };
        let name = format!("{STRANGER}{number}@recorded.invalid");
        let text = |text: String| Some(AttributeValue::Text(text));
        story.set("userPrincipalName", Moment(0), text(name));
        story.set("displayName", Moment(0), text(format!("Stranger {number}")));
        story.set("mailNickname", Moment(0), text(format!("{STRANGER}{number}")));
        story.present.set(Moment(0), true);
        self.notes.push(format!(
            "somebody whom the recording knows by the app's id alone is `{STRANGER}{number}@recorded.invalid`"
        ));
        self.order.push(who.clone());
        self.all.insert(who.clone(), story);
        ids.add(id, who.clone());
        who
    }
}

/// What the names of those begin with of whom nothing else is known.
const STRANGER: &str = "stranger-";

/// What an object is called at a moment.
pub(super) fn name_of(story: Option<&Story>, who: &Who, moment: Moment) -> String {
    let name = story.and_then(|story| story.attributes.get(name_attribute(who.0))?.at(moment)?.as_ref());
    match name {
        Some(AttributeValue::Text(name)) if !name.is_empty() => name.clone(),
        Some(AttributeValue::Text(_) | AttributeValue::List(_) | AttributeValue::Roles(_)) | None => {
            who.1.clone()
        }
    }
}

/// Whether an operation takes something away.
fn is_removal(operation: &Value) -> bool {
    let op = operation.get("op").and_then(Value::as_str).unwrap_or_default();
    op.eq_ignore_ascii_case("remove")
}

/// Whether two lists hold the same texts; truth has no letter case.
pub(super) fn same_texts(one: &[String], other: &[String]) -> bool {
    let is_truth = |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            one == other || (is_truth(one) && is_truth(other) && one.eq_ignore_ascii_case(other))
        })
}

/// Whether somebody is a member at a moment.
pub(super) fn is_member(course: &Course<bool>, moment: Moment) -> bool {
    course.said(moment) == Some(&true)
}
