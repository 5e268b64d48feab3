//! The scenario put together: who is there at first, and a step for each cycle with its edits, faults and requests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::backwards::{Backwards, ENABLED};
use super::faults::{Fault, Path, faults};
use super::reading::{Cycle, Ids, Who};
use super::requests::{Reading, requests};
use super::silent::Silent;
use super::story::{Moment, Stories, Story, is_member, name_attribute, name_of};
use super::writing::{comment, inline, lines, list, table};
use super::{Recorded, Recording};
use crate::clock::SignedDuration;
use crate::directory::object::ObjectKind;
use crate::engine::spec::JobSpec;
use crate::expression::AttributeValue;
use crate::scim::query::collection_path;
use crate::scope::ScopeMode;
use crate::target::{self, FaultWord};

/// The line of a step in which one more cycle becomes due.
const NEXT_CYCLE: &str = "until = \"job.cycle\"";
/// The same for a cycle by hand.
const BY_HAND: &str = "do = \"cycle\"";

/// How time comes to a step's cycle.
enum Time {
    /// It is the first.
    First,
    /// By a restart, with the line that says of what.
    Restart(&'static str),
    /// By itself, or by hand.
    Goes(&'static str),
}

/// The edits of a step.
struct Edits {
    tables: Vec<Map<String, Value>>,
    /// Whether one of them changes nothing.
    is_touched: bool,
}

/// What a scenario is put together from.
pub(super) struct Assembly<'a> {
    recording: &'a Recording,
    spec: &'a JobSpec,
    /// How long the job waits for an answer.
    timeout: SignedDuration,
    cycles: &'a [Cycle<'a>],
    stories: &'a Stories,
    ids: &'a Ids,
    backwards: &'a Backwards<'a>,
    /// Who has, or had, a name, in lower case.
    bearers: BTreeMap<String, BTreeSet<Who>>,
    silent: Silent,
    /// Whoever the chosen cycles ask for, with those whom these refer to.
    needed: BTreeSet<Who>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(
        recording: &'a Recording,
        (spec, timeout): (&'a JobSpec, SignedDuration),
        cycles: &'a [Cycle<'a>],
        stories: &'a Stories,
        ids: &'a Ids,
        backwards: &'a Backwards<'a>,
    ) -> Self {
        let mut bearers: BTreeMap<String, BTreeSet<Who>> = BTreeMap::new();
        for (who, story) in &stories.all {
            for name in story.names(who.0) {
                bearers.entry(name.to_lowercase()).or_default().insert(who.clone());
            }
        }
        let from = *recording.cycles.start();
        let silent = Silent::of(from, cycles, stories, ids);
        let needed = needed(from, stories, backwards);
        Self { recording, spec, timeout, cycles, stories, ids, backwards, bearers, silent, needed }
    }

    /// The file.
    pub(super) fn scenario(&self, head: &toml::Table) -> Recorded {
        let from = *self.recording.cycles.start();
        let mut steps = Vec::new();
        let (mut left_out, mut expected, mut cycles) = (BTreeSet::new(), 0, 0);
        let told = |(_, cycle): &(usize, &'a Cycle<'a>)| {
            from <= cycle.number && !(cycle.is_idle() || cycle.wires.is_empty())
        };
        let told: Vec<(usize, &Cycle<'_>)> = self.cycles.iter().enumerate().filter(told).collect();
        // Whoever had an account before is there before the first step. Without anybody, whoever is shown first was there
        // all along, also while the target let every cycle down.
        let before = self.people(|who| self.stories.had_account(who, from));
        let is_new = before.is_empty();
        let (people, mut then) = if is_new {
            let mut shown =
                told.iter().filter(|(_, cycle)| cycle.wires.iter().any(|wire| wire.who.is_some()));
            let first = shown.next().map_or(from, |(_, cycle)| cycle.number);
            (self.people(|who| self.first(who) <= first), Moment::of(first))
        } else {
            steps.extend(self.steps_before(&before, Moment::before(from)));
            (before, Moment::before(from))
        };
        let directory = self.directory(&people, then, is_new);
        let mut here: BTreeSet<Who> = people.into_iter().cloned().collect();
        let mut last = None;
        for (at, cycle) in told {
            let time = match self.silent.restarts.get(&cycle.number).copied() {
                _ if last.is_none() && is_new => Time::First,
                Some(reset) => Time::Restart(reset),
                None => Time::Goes(self.time(at)),
            };
            if let Some(last) = last {
                steps.extend(self.idle(last, cycle));
            }
            let now = Moment::of(cycle.number);
            let edits = self.edits(cycle, then.min(now), now, &here, !matches!(time, Time::Goes(_)));
            let name = |who: &Who| self.name(who, now);
            let Self { stories, ids, backwards, .. } = *self;
            let reading = Reading { stories, ids, backwards, name: &name };
            let requests = requests(cycle, &reading, &mut left_out);
            expected += requests.len();
            cycles += 1;
            steps.push(self.step(at, cycle, &edits, &time, &requests));
            here.extend(self.people(|who| self.first(who) <= cycle.number).into_iter().cloned());
            then = then.max(now);
            last = Some(cycle);
        }
        let mut notes = self.stories.notes.clone();
        notes.extend(left_out);
        Recorded {
            text: format!("{}{directory}\n{}", self.top(head, &notes), steps.join("\n")),
            cycles,
            requests: expected,
            notes,
        }
    }

    /// The users and groups of the scenario for which something holds, in their order.
    fn people(&self, holds: impl Fn(&Who) -> bool) -> Vec<&'a Who> {
        self.stories.order.iter().filter(|who| self.needed.contains(*who) && holds(who)).collect()
    }

    fn step(
        &self,
        at: usize,
        cycle: &Cycle<'_>,
        edits: &Edits,
        time: &Time,
        requests: &[Map<String, Value>],
    ) -> String {
        let mut step = format!("[[step]]\ntitle = \"Cycle {} of the recording\"\n", cycle.number);
        if edits.is_touched {
            let why = "An attribute set to what it is: something changed that the app does not get.";
            step.push_str(&comment(why));
        }
        let faults: Vec<_> =
            faults(self.cycles, at, self.stories).iter().map(|fault| self.fault(fault, cycle)).collect();
        for (key, tables) in [("edit", &edits.tables), ("fault", &faults)] {
            match tables.as_slice() {
                [] => {}
                [one] => step.extend([key, " = ", &table(one), "\n"]),
                several => step.extend([key, " = ", &list(several), "\n"]),
            }
        }
        match time {
            Time::First => step.push_str("do = \"initial cycle\"\n"),
            Time::Restart(reset) => step.extend(["do = \"restart\"\n", reset, NEXT_CYCLE, "\n"]),
            Time::Goes(time) => step.extend([time, "\n"]),
        }
        step.extend(["expect.only = true\nexpect.requests = ", &list(requests), "\n"]);
        step
    }

    /// What comes before the directory.
    fn top(&self, head: &toml::Table, notes: &[String]) -> String {
        let mut top =
            comment("A recording, read backwards: docs/scenarios.md says how, and what it can not show.");
        for note in notes {
            top.push_str(&comment(note));
        }
        let began = self.cycles.iter().find(|cycle| self.recording.cycles.contains(&cycle.number));
        let mut keys = Map::new();
        keys.insert("title".to_owned(), self.recording.title.clone().into());
        if let Some(cycle) = began {
            keys.insert("start".to_owned(), cycle.began.to_string().into());
        }
        top.push_str(&lines(&keys));
        top.push_str(&head.to_string());
        top.push('\n');
        top
    }

    fn first(&self, who: &Who) -> u64 {
        self.stories.of(who).map_or(u64::MAX, |story| story.first)
    }

    /// What the file calls somebody at a moment: by name where nobody else ever had it.
    fn name(&self, who: &Who, moment: Moment) -> String {
        let name = name_of(self.stories.of(who), who, moment);
        let is_shared = self.bearers.get(&name.to_lowercase()).is_some_and(|bearers| 1 < bearers.len());
        if is_shared || name.contains(['{', '}']) { who.1.clone() } else { name }
    }

    /// An attribute as the file has it.
    fn value(&self, name: &str, value: &AttributeValue, moment: Moment) -> Option<Value> {
        match value {
            AttributeValue::Text(id) if self.is_reference(name) => {
                let who = (ObjectKind::User, id.clone());
                Some(self.stories.of(&who).map_or_else(|| id.clone(), |_| self.name(&who, moment)).into())
            }
            AttributeValue::Text(text) if name == ENABLED => Some((text == "True").into()),
            AttributeValue::Text(text) => Some(text.clone().into()),
            AttributeValue::List(texts) => Some(texts.clone().into()),
            AttributeValue::Roles(_) => None,
        }
    }

    fn is_reference(&self, name: &str) -> bool {
        self.backwards.single_references(ObjectKind::User).iter().any(|(attribute, _)| *attribute == name)
    }

    /// The attributes of somebody as a table of the directory, without the name.
    fn attributes(&self, story: &Story, kind: ObjectKind, moment: Moment) -> Map<String, Value> {
        let attributes = story.attributes_at(moment);
        let is_told = |(name, value): &(&String, &AttributeValue)| {
            name.as_str() != name_attribute(kind)
                && !(name.as_str() == ENABLED && **value == AttributeValue::Text("True".to_owned()))
        };
        attributes
            .iter()
            .filter(is_told)
            .filter_map(|(name, value)| Some((name.clone(), self.value(name, value, moment)?)))
            .collect()
    }

    /// The members of a group among some people.
    fn members(&self, group: &Who, moment: Moment, among: &BTreeSet<Who>) -> Vec<&Who> {
        let of_group = self.stories.members.range((group.clone(), (ObjectKind::User, String::new()))..);
        of_group
            .take_while(|((parent, _), _)| parent == group)
            .filter(|((_, member), course)| among.contains(member) && is_member(course, moment))
            .map(|((_, member), _)| member)
            .collect()
    }

    /// What makes the accounts that were there before. Nobody is created disabled, so that comes next.
    fn steps_before(&self, people: &[&Who], moment: Moment) -> Vec<String> {
        let mut steps =
            vec!["[[step]]\ntitle = \"What there was before\"\ndo = \"initial cycle\"\n".to_owned()];
        let is_off = |who: &&&Who| self.stories.of(who).is_some_and(|story| story.is_disabled(moment));
        let off = people.iter().filter(is_off);
        let edits: Vec<_> = off
            .map(|who| {
                let mut edit = Map::new();
                edit.insert(self.key_of(who, false).to_owned(), true.into());
                self.about(who, moment, edit)
            })
            .collect();
        if !edits.is_empty() {
            let title = "Whose accounts were disabled before";
            steps.push(format!("[[step]]\ntitle = \"{title}\"\nedit = {}\n{BY_HAND}\n", list(&edits)));
        }
        steps
    }

    /// How an edit says that somebody's account is to be enabled, or disabled: whoever was deleted without a request was
    /// not in scope any more.
    fn key_of(&self, who: &Who, is_on: bool) -> &'static str {
        let leaves = self.silent.leavers.contains(who) && self.spec.scope == ScopeMode::Assigned;
        match (is_on, leaves) {
            (true, true) => "assign",
            (true, false) => "enable",
            (false, true) => "unassign",
            (false, false) => "disable",
        }
    }

    /// The tables of the directory; where nobody `is_new`, everybody is enabled at first.
    fn directory(&self, people: &[&Who], moment: Moment, is_new: bool) -> String {
        let among: BTreeSet<Who> = people.iter().map(|who| (*who).clone()).collect();
        let mut text = String::new();
        for who in people {
            let Some(story) = self.stories.of(who) else { continue };
            let mut row = Map::new();
            row.insert("objectId".to_owned(), who.1.clone().into());
            let name = name_of(Some(story), who, moment);
            row.insert(name_attribute(who.0).to_owned(), name.into());
            row.extend(self.attributes(story, who.0, moment));
            if !is_new {
                row.shift_remove(ENABLED);
            }
            let members = self.members(who, moment, &among);
            if !members.is_empty() {
                let names: Vec<String> = members.iter().map(|who| self.name(who, moment)).collect();
                row.insert("members".to_owned(), names.into());
            }
            text.extend(["\n[[", &who.0.as_str().to_lowercase(), "]]\n", &lines(&row)]);
        }
        if self.spec.scope == ScopeMode::Assigned {
            for who in people {
                let mut row = Map::new();
                row.insert("principal".to_owned(), self.name(who, moment).into());
                text.extend(["\n[[assignment]]\n", &lines(&row)]);
            }
        }
        text
    }

    /// The edits that make the requests of a cycle. In an initial one everybody is looked at anyway.
    fn edits(
        &self,
        cycle: &Cycle<'_>,
        then: Moment,
        now: Moment,
        here: &BTreeSet<Who>,
        is_initial: bool,
    ) -> Edits {
        let (mut tables, mut is_touched) = (Vec::new(), false);
        let mut there = here.clone();
        for who in self.people(|_| true) {
            let Some(story) = self.stories.of(who) else { continue };
            if here.contains(who) {
                // Nothing is told of anybody in a cycle that does not ask for them, but that they are gone.
                if !story.met.contains(&cycle.number) && self.silent.gone.get(who) != Some(&cycle.number) {
                    continue;
                }
                let mut edit = self.change(who, story, then, now, here);
                let is_known = story.existed || story.first < cycle.number;
                let is_looked_at = is_known && story.visits.contains(&cycle.number);
                let last = story.met.range(..cycle.number).next_back();
                let waits = last.is_some_and(|last| story.failures.contains(last));
                if edit.is_empty() && is_looked_at && !is_initial && !waits {
                    // Something of it changed that the app does not get.
                    let value = self.unchanged(who, story, now);
                    edit.insert("set".to_owned(), value);
                    is_touched = true;
                }
                if !edit.is_empty() {
                    tables.push(self.about(who, then, edit));
                }
            } else if story.first <= cycle.number {
                there.insert(who.clone());
                tables.push(self.addition(who, story, now, &there));
            }
        }
        Edits { tables, is_touched }
    }

    fn about(&self, who: &Who, moment: Moment, keys: Map<String, Value>) -> Map<String, Value> {
        let mut edit = Map::new();
        edit.insert(who.0.as_str().to_lowercase(), self.name(who, moment).into());
        edit.extend(keys);
        edit
    }

    fn addition(&self, who: &Who, story: &Story, now: Moment, there: &BTreeSet<Who>) -> Map<String, Value> {
        let mut edit = Map::new();
        edit.insert(who.0.as_str().to_lowercase(), name_of(Some(story), who, now).into());
        let mut attributes = Map::new();
        attributes.insert("objectId".to_owned(), who.1.clone().into());
        attributes.extend(self.attributes(story, who.0, now));
        edit.insert("add".to_owned(), Value::Object(attributes));
        if self.spec.scope == ScopeMode::Assigned {
            edit.insert("assign".to_owned(), true.into());
        }
        let members: Vec<String> =
            self.members(who, now, there).into_iter().map(|member| self.name(member, now)).collect();
        if !members.is_empty() {
            edit.insert("add_members".to_owned(), members.into());
        }
        edit
    }

    /// What changed of somebody between two moments, as keys of an edit.
    fn change(
        &self,
        who: &Who,
        story: &Story,
        then: Moment,
        now: Moment,
        here: &BTreeSet<Who>,
    ) -> Map<String, Value> {
        let mut edit = Map::new();
        let (was, is) = (story.attributes_at(then), story.attributes_at(now));
        let mut set = Map::new();
        for (name, value) in is.iter().filter(|(name, value)| was.get(*name) != Some(*value)) {
            if name == ENABLED {
                let is_on = *value == AttributeValue::Text("True".to_owned());
                edit.insert(self.key_of(who, is_on).to_owned(), true.into());
            } else if let Some(value) = self.value(name, value, now) {
                set.insert(name.clone(), value);
            }
        }
        if !set.is_empty() {
            edit.insert("set".to_owned(), Value::Object(set));
        }
        let cleared: Vec<&String> = was.keys().filter(|name| !is.contains_key(*name)).collect();
        if !cleared.is_empty() {
            edit.insert("clear".to_owned(), json!(cleared));
        }
        let mut joined = Vec::new();
        let mut left = Vec::new();
        let of_group = self.stories.members.range((who.clone(), (ObjectKind::User, String::new()))..);
        let of_group = of_group.take_while(|((group, _), _)| group == who);
        for ((_, member), course) in of_group.filter(|((_, member), _)| self.needed.contains(member)) {
            let was_there = here.contains(member) && is_member(course, then);
            match (was_there, is_member(course, now)) {
                (false, true) => joined.push(self.name(member, now)),
                (true, false) => left.push(self.name(member, now)),
                (true, true) | (false, false) => {}
            }
        }
        for (key, names) in [("add_members", joined), ("remove_members", left)] {
            if !names.is_empty() {
                edit.insert(key.to_owned(), names.into());
            }
        }
        let present = |moment| story.present.at(moment) != Some(&false);
        // Who comes back under the same objectId was never deleted, but not in scope.
        let returns = story.present.last() == Some(&true);
        let gone = match (present(then), present(now), who.0) {
            (true, false, _) if returns && self.spec.scope == ScopeMode::Assigned => Some("unassign"),
            (true, false, ObjectKind::User) => Some("purge"),
            (true, false, ObjectKind::Group) => Some("delete"),
            (false, true, _) if self.spec.scope == ScopeMode::Assigned => Some("assign"),
            _ => None,
        };
        let left = self.silent.gone.get(who).map(|cycle| Moment::of(*cycle));
        let left = left.filter(|left| then < *left && *left <= now);
        let key = match who.0 {
            ObjectKind::User => "purge",
            ObjectKind::Group => "delete",
        };
        if let Some(key) = gone.or(left.map(|_| key)) {
            edit.insert(key.to_owned(), true.into());
        }
        edit
    }

    /// An attribute set to what it is.
    fn unchanged(&self, who: &Who, story: &Story, now: Moment) -> Value {
        let attributes = story.attributes_at(now);
        let name = if attributes.contains_key("displayName") { "displayName" } else { name_attribute(who.0) };
        let value = attributes.get(name).and_then(|value| self.value(name, value, now));
        json!({ name: value.unwrap_or_else(|| who.1.clone().into()) })
    }

    fn fault(&self, fault: &Fault, cycle: &Cycle<'_>) -> Map<String, Value> {
        let mut keys = fault.keys.clone();
        let moment = Moment::of(cycle.number);
        let path = match (fault.path, &fault.who) {
            (Some(Path::Collection(kind)), _) => Some(format!("/{}", collection_path(kind))),
            (Some(Path::Own), Some(who)) => {
                Some(format!("/{}/{{{}}}", collection_path(who.0), self.name(who, moment)))
            }
            (Some(Path::Own), None) | (None, _) => None,
        };
        if let Some(path) = path {
            keys.insert("path".to_owned(), path.into());
        }
        if let Some(who) = &fault.who {
            keys.insert(who.0.as_str().to_lowercase(), self.name(who, moment).into());
        }
        let is_slow = keys.get("target") == Some(&FaultWord::Slow.as_str().into());
        if is_slow && target::Fault::LATENCY <= self.timeout {
            let latency = self.timeout.saturating_add(SignedDuration::from_secs(1));
            keys.insert("latency".to_owned(), format!("{}s", latency.as_secs()).into());
        }
        keys.extend(fault.counts.clone());
        keys
    }

    /// How time comes to a cycle: it is the next that is due, or one by hand, which comes when none is due.
    fn time(&self, at: usize) -> &'static str {
        let before = at.checked_sub(1).and_then(|before| self.cycles.get(before));
        let (Some(last), Some(cycle)) = (before, self.cycles.get(at)) else { return NEXT_CYCLE };
        let gap = cycle.began.duration_since(last.began);
        let steps = i32::try_from(cycle.number.saturating_sub(last.number)).unwrap_or(i32::MAX);
        let usual = self.spec.interval.saturating_mul(steps);
        let is_due = usual / 2 <= gap && gap <= usual.saturating_mul(2);
        if last.is_refused() || is_due { NEXT_CYCLE } else { BY_HAND }
    }

    /// The step for the cycles between two that had nothing to do, in which time goes by.
    fn idle(&self, last: &Cycle<'_>, next: &Cycle<'_>) -> Option<String> {
        let (first, count) = (last.number.saturating_add(1), next.number.saturating_sub(last.number));
        let count = count.checked_sub(1).filter(|count| 0 < *count)?;
        let title = match count {
            1 => format!("Cycle {first} of the recording: nothing to do"),
            _ => {
                format!("Cycles {first} to {} of the recording: nothing to do", next.number.saturating_sub(1))
            }
        };
        let pause = self.spec.interval.as_secs().saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
        let pause = format!("advance = \"{}\"", span(pause));
        // Out of quarantine it takes another time than from cycle to cycle.
        let time = if last.is_refused() { NEXT_CYCLE } else { &pause };
        Some(format!("[[step]]\ntitle = {}\n{time}\nexpect.only = true\n", inline(&title.into())))
    }
}

/// A time in seconds as a person writes it.
fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// Whoever the cycles from this one on ask for, with those whom these refer to.
fn needed(from: u64, stories: &Stories, backwards: &Backwards<'_>) -> BTreeSet<Who> {
    let is_met = |story: &Story| story.met.range(from..).next().is_some();
    let met = stories.all.iter().filter(|(_, story)| is_met(story));
    let mut unseen: Vec<&Who> = met.map(|(who, _)| who).collect();
    let changed = stories.members.iter().filter(|(_, course)| course.changes_from(Moment::before(from)));
    unseen.extend(changed.map(|((_, member), _)| member));
    let mut needed = BTreeSet::new();
    while let Some(who) = unseen.pop() {
        if needed.insert(who.clone())
            && let Some(story) = stories.of(who)
        {
            let references = backwards.single_references(who.0);
            let others = references.iter().flat_map(|(name, _)| story.texts(name));
            let others = others.filter_map(|id| stories.all.get_key_value(&(ObjectKind::User, id)));
            unseen.extend(others.map(|(other, _)| other));
        }
    }
    needed
}
