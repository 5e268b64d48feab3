//! Managers and members: what refers to whom, and why a reference is not there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::attribute::read;
use super::compare::{Comparison, Judgement, drifted};
use super::model::{Key, Object, State};
use super::verdict::{Difference, Rule};
use super::wire::{MemberSaying, is_accepted, is_write, member_saying, says, shown};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// What was said of one member: by which request, and whether it was to come.
#[derive(Default)]
struct Said {
    accepted: Option<(usize, bool)>,
    refused: Option<(usize, bool)>,
}

impl<'q> Comparison<'q> {
    pub(super) fn references(&mut self, key: &'q Key, object: &'q Object, id: &str, resource: &Value) {
        let settings = self.question.settings;
        let Some(reference) = &settings.kind(key.0).reference else { return };
        match key.0 {
            ObjectKind::User => self.manager(key, object, id, resource, &reference.path),
            ObjectKind::Group => self.members(key, object, id, resource, (&reference.path, &reference.kinds)),
        }
    }

    fn manager(&mut self, key: &'q Key, object: &'q Object, id: &str, resource: &Value, path: &str) {
        let world = self.question.world;
        let Some(held) = read(resource, path) else { return };
        self.report.compared.values = self.report.compared.values.saturating_add(1);
        let account = (key.0, id);
        let (wanted, judgement) = match world.managers.get(&key.1) {
            None => {
                if held.is_empty() {
                    return;
                }
                (Vec::new(), self.judge_kept_manager(key, object, id, path))
            }
            Some(manager) => {
                let other = (ObjectKind::User, manager.clone());
                // A manager who is not in the app can not be set, and one who left scope stays what he was.
                let Some(link) = world
                    .objects
                    .get(&other)
                    .filter(|other| !other.pending)
                    .and_then(|other| other.link.as_ref())
                    .filter(|link| link.managed)
                else {
                    return;
                };
                let wanted = vec![link.target_id.clone()];
                if held == wanted {
                    return;
                }
                let same = |said: &[String]| said == wanted;
                let judgement = match self.judge_told((key, object), account, path, &same) {
                    Some(judgement) => judgement,
                    None => self.judge_unset_manager(key, object, &other, (&link.target_id, path)),
                };
                (wanted, judgement)
            }
        };
        self.find((key, &object.label), Some(id), drifted(path, &wanted, &held), judgement);
    }

    /// The source has no manager, and the app has one.
    fn judge_kept_manager(&self, key: &Key, object: &Object, id: &str, path: &str) -> Judgement {
        let (mut told, mut refused) = (None, None);
        for (at, exchange) in self.wire.about(key.0, id).filter(|(_, exchange)| is_write(exchange)) {
            // Whoever had the account before is somebody else.
            if exchange.about.object.as_ref().is_some_and(|object| object.source_id != key.1) {
                continue;
            }
            match says(exchange, path) {
                Some(said) if is_accepted(exchange) => (told, refused) = (Some((at, said.is_empty())), None),
                Some(said) if said.is_empty() => refused = refused.or(Some(at)),
                Some(_) | None => {}
            }
        }
        let recorded = self.question.world.recorded.iter().any(|(user, _)| *user == key.1);
        // A read that shows none, though one was set and is there.
        let mut reads = self.wire.about(key.0, id).filter(|(_, exchange)| !is_write(exchange));
        let unseen = reads.find(|(read_at, exchange)| {
            let held = shown(exchange, id).and_then(|resource| read(resource, path));
            matches!(told, Some((at, false)) if at < *read_at) && held.is_some_and(|held| held.is_empty())
        });
        match (told, refused) {
            (_, None) if let Some((at, _)) = unseen => {
                Judgement::app(Some(at), "its answer shows what there was before a change that it has done")
            }
            (_, Some(at)) => self.judge_failed(at, "it refused the removal"),
            (Some((at, true)), None) => {
                Judgement::app(Some(at), "it said yes to the removal, and holds it still")
            }
            (None, None) if !recorded => Judgement::rule(Rule::ForeignReference),
            (Some((at, false)), None) if !recorded && self.is_before_clearing(at) => {
                Judgement::rule(Rule::LinksCleared)
            }
            (Some((_, false)) | None, None) => match self.spared(key, object) {
                Some(rule) => Judgement::rule(rule),
                None => self.judge_silence(key, object),
            },
        }
    }

    /// The app was never told of this manager.
    fn judge_unset_manager(
        &self,
        key: &Key,
        object: &Object,
        other: &Key,
        (id, path): (&str, &str),
    ) -> Judgement {
        if let Some(rule) = self.spared(key, object) {
            return Judgement::rule(rule);
        }
        let arrived = self.wire.arrival(other, id);
        let looked_at = self.wire.last_cycle(key);
        let is_late = match (arrived, looked_at) {
            (Some(arrived), Some(looked_at)) => looked_at < arrived,
            (Some(_), None) => true,
            (None, _) => !self.question.world.recorded.contains(&(key.1.clone(), other.1.clone())),
        };
        let is_failing = self.wire.failing(key).is_some();
        if !is_failing && self.is_back(&other.1).is_some() {
            return Judgement::rule(Rule::LostManager);
        }
        if !is_late || is_failing {
            return self.judge_silence(key, object);
        }
        let target = object.target_id().unwrap_or_default();
        let told_before = self.wire.about(key.0, target).any(|(_, exchange)| {
            let said = says(exchange, path).unwrap_or_default();
            is_accepted(exchange)
                && said.iter().any(|said| said != id && self.wire.arrival(other, said).is_some())
        });
        Judgement::rule(if told_before { Rule::NewAccount } else { Rule::LateManager })
    }

    fn members(
        &mut self,
        key: &'q Key,
        group: &'q Object,
        id: &str,
        resource: &Value,
        (path, kinds): (&str, &[ObjectKind]),
    ) {
        let world = self.question.world;
        let Some(held) = read(resource, path) else { return };
        let held: BTreeSet<String> = held.into_iter().collect();
        // By the app's id: the member, and whether it has to be there.
        let mut known: BTreeMap<&str, (&Key, &Object, bool)> = BTreeMap::new();
        let group_members = world.members.get(&key.1);
        for member in group_members.into_iter().flatten() {
            let found = kinds.iter().find_map(|kind| world.objects.get_key_value(&(*kind, member.clone())));
            let Some((member_key, member)) = found else { continue };
            if let Some(link) = member.link.as_ref().filter(|_| member.state == State::Active) {
                known.insert(&link.target_id, (member_key, member, link.managed && !member.pending));
            }
        }
        let about = (key, group.label.as_str());
        let told: Vec<(usize, bool, MemberSaying)> = self
            .wire
            .about(key.0, id)
            .filter(|(_, exchange)| is_write(exchange))
            .map(|(at, exchange)| (at, is_accepted(exchange), member_saying(exchange, path)))
            .filter(|(_, _, saying)| !saying.is_empty())
            .collect();
        for (target, (member_key, member, required)) in &known {
            self.report.compared.values = self.report.compared.values.saturating_add(1);
            if *required && !held.contains(*target) {
                let judgement =
                    self.judge_absent_member((key, group, id), (member_key, target), &told, &held);
                let difference = Difference::Drifted {
                    path: path.to_owned(),
                    wanted: Some(member.label.clone()),
                    held: None,
                };
                self.find(about, Some(id), difference, judgement);
            }
        }
        for target in held.iter().filter(|target| !known.contains_key(target.as_str())) {
            let owner = kinds.iter().find_map(|kind| self.owners.get(&(*kind, target.as_str())));
            let owner = owner.and_then(|owner| world.objects.get_key_value(*owner));
            if owner.is_some_and(|(_, owner)| owner.pending) || self.is_unlinked(group_members, kinds, target)
            {
                continue;
            }
            let judgement = self.judge_extra_member((key, group), target, &told, kinds);
            let name = owner.map_or_else(|| target.clone(), |(_, owner)| owner.label.clone());
            let difference = Difference::Drifted { path: path.to_owned(), wanted: None, held: Some(name) };
            self.find(about, Some(id), difference, judgement);
        }
    }

    /// Whether an account is that of a member who is linked to none at present and should be: as such it is told already.
    fn is_unlinked(&self, members: Option<&BTreeSet<String>>, kinds: &[ObjectKind], target: &str) -> bool {
        let mut keys =
            members.into_iter().flatten().flat_map(|id| kinds.iter().map(|kind| (*kind, id.clone())));
        keys.any(|key| {
            let object = self.question.world.objects.get(&key);
            object.is_some_and(|object| object.link.is_none() && self.is_whole(&key, object))
                && self.wire.arrival(&key, target).is_some()
        })
    }

    fn judge_absent_member(
        &self,
        (key, group, id): (&Key, &Object, &str),
        (member, target): (&Key, &str),
        told: &[(usize, bool, MemberSaying)],
        held: &BTreeSet<String>,
    ) -> Judgement {
        let said = said_of(told, target);
        let since = self.question.since;
        match (said.accepted, said.refused) {
            (_, Some((at, true))) => self.judge_failed(at, "it refused to take the member in"),
            (Some((at, true)), _) if since <= at => {
                let wiped = wiped_by(told, at, held);
                Judgement::app(
                    Some(wiped.unwrap_or(at)),
                    match wiped {
                        Some(_) => "all members went with this request, which named some of them",
                        None => "it said yes to the member, and does not have it",
                    },
                )
            }
            (Some((_, true)), _) => {
                let touches = |at: usize| told.iter().any(|(touching, ..)| *touching == at);
                let later =
                    told.iter().find(|(at, accepted, _)| since <= *at && *accepted).map(|(at, ..)| *at);
                let guilty = later.or_else(|| self.wire.first_write((key.0, id), since, |_| false));
                Judgement::app(
                    guilty,
                    match guilty {
                        Some(at) if touches(at) => {
                            "the member was there until this request, which did not name it"
                        }
                        Some(_) => "the member was there until this request, which does not speak of members",
                        None => "the member was there, and went without a request of this job",
                    },
                )
            }
            (Some((_, false)) | None, _) => {
                if let Some(rule) = self.spared(key, group) {
                    return Judgement::rule(rule);
                }
                let joined = self.question.world.history.joined.get(&(key.1.clone(), member.1.clone()));
                if self.is_back(&member.1).is_some_and(|back| joined.is_none_or(|joined| *joined <= back)) {
                    return Judgement::rule(Rule::LostMembership);
                }
                let recorded = self.question.world.recorded.contains(&(key.1.clone(), member.1.clone()));
                if said.accepted.is_none() && recorded {
                    return Judgement::app(
                        None,
                        "the journal does not reach back to the request that it said yes to",
                    );
                }
                if self.wire.failing(key).is_none() && self.came_late((key, id), (member, target)) {
                    let other_id = told.iter().filter(|(_, accepted, _)| *accepted).any(|(_, _, saying)| {
                        saying
                            .added
                            .iter()
                            .any(|said| said != target && self.wire.arrival(member, said).is_some())
                    });
                    return Judgement::rule(if other_id { Rule::NewAccount } else { Rule::LateMember });
                }
                self.judge_silence(key, group)
            }
        }
    }

    /// When somebody came back from the recycle bin, while no full read has begun after it. One at the same moment may have
    /// been before.
    fn is_back(&self, id: &str) -> Option<Timestamp> {
        let history = &self.question.world.history;
        let back = *history.restored.get(id)?;
        let mut began = history.full_reads.iter().filter_map(|cycle| history.began.get(cycle));
        began.all(|began| *began <= back).then_some(back)
    }

    /// Whether a member's account came when the group's members had been written already, by an edge that is older.
    fn came_late(&self, (group, group_id): (&Key, &str), (member, member_id): (&Key, &str)) -> bool {
        let history = &self.question.world.history;
        let Some(arrived) = self.wire.arrival(member, member_id) else { return true };
        if history.full_reads.range(arrived..).next().is_some() {
            return false;
        }
        if self.wire.arrival(group, group_id).is_some_and(|made| arrived <= made) {
            return false;
        }
        let before = history.ended.range(..arrived).next_back().map(|(_, ended)| *ended);
        match (history.joined.get(&(group.1.clone(), member.1.clone())), before) {
            (Some(joined), Some(before)) => *joined <= before,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    fn judge_extra_member(
        &self,
        (key, group): (&Key, &Object),
        target: &str,
        told: &[(usize, bool, MemberSaying)],
        kinds: &[ObjectKind],
    ) -> Judgement {
        let said = said_of(told, target);
        if let Some((at, false)) = said.refused {
            return self.judge_failed(at, "it refused to let the member go");
        }
        match said.accepted {
            Some((at, false)) => {
                Judgement::app(Some(at), "it said yes to the removal, and has the member still")
            }
            None => Judgement::rule(Rule::ForeignReference),
            Some((at, true)) => {
                // An account that is gone can not be taken out: the app names nobody.
                let deleted = kinds.iter().find_map(|kind| {
                    let mut all = self.wire.about(*kind, target);
                    all.rfind(|(_, exchange)| exchange.request.method == "DELETE" && is_accepted(exchange))
                });
                if let Some((at, _)) = deleted {
                    return Judgement::app(Some(at), "it names an account that it has deleted");
                }
                if kinds.iter().all(|kind| !self.owners.contains_key(&(*kind, target))) {
                    return Judgement::rule(Rule::NewAccount);
                }
                if self.is_before_clearing(at) {
                    return Judgement::rule(Rule::LinksCleared);
                }
                match self.spared(key, group) {
                    Some(rule) => Judgement::rule(rule),
                    None => self.judge_silence(key, group),
                }
            }
        }
    }
}

/// The last that was said of a member.
fn said_of(told: &[(usize, bool, MemberSaying)], target: &str) -> Said {
    let mut said = Said::default();
    for (at, accepted, saying) in told {
        let comes = if saying.added.contains(target) {
            true
        } else if saying.all_go || saying.removed.contains(target) {
            false
        } else {
            continue;
        };
        if *accepted {
            said = Said { accepted: Some((*at, comes)), refused: None };
        } else {
            // The first of those that ask for the same.
            said.refused = said.refused.filter(|(_, before)| *before == comes).or(Some((*at, comes)));
        }
    }
    said
}

/// The request after `from` that named some members to go, and of the others none is left.
fn wiped_by(told: &[(usize, bool, MemberSaying)], from: usize, held: &BTreeSet<String>) -> Option<usize> {
    let mut members: BTreeSet<&str> = BTreeSet::new();
    for (at, _, saying) in told.iter().filter(|(_, accepted, _)| *accepted) {
        if from < *at && !saying.removed.is_empty() {
            let mut others = members.iter().filter(|member| !saying.removed.contains(**member)).peekable();
            if others.peek().is_some() && others.all(|member| !held.contains(*member)) {
                return Some(*at);
            }
        }
        if saying.all_go {
            members.clear();
        }
        members.retain(|member| !saying.removed.contains(*member));
        members.extend(saying.added.iter().map(String::as_str));
    }
    None
}
