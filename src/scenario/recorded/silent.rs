//! What a recording tells by what it does not show: restarts of the job, and who had left without a request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::backwards::reference_ids;
use super::reading::{Cycle, Ids, Who, Wire};
use super::story::{Moment, Stories, Story, is_member};
use crate::expression::AttributeValue;

/// What happened without a request of its own.
#[derive(Debug, Default)]
pub(super) struct Silent {
    /// Cycles before which somebody restarted the job, each with the line that says what was reset.
    pub(super) restarts: BTreeMap<u64, &'static str>,
    /// Who was out of scope while the account was disabled; all others were disabled at the source.
    pub(super) leavers: BTreeSet<Who>,
    /// Who was deleted for good before a cycle, without a DELETE.
    pub(super) gone: BTreeMap<Who, u64>,
}

impl Silent {
    pub(super) fn of(from: u64, cycles: &[Cycle<'_>], stories: &Stories, ids: &Ids) -> Self {
        let mut silent = Self::default();
        let begins = cycles.iter().map(|cycle| cycle.number).find(|number| from <= *number);
        for cycle in cycles {
            if relinks(cycle, begins, cycles, stories) {
                silent.restarts.insert(cycle.number, "reset = \"full\"\n");
            } else if adds_anew(cycle, stories, ids) {
                silent.restarts.insert(cycle.number, "");
            }
        }
        // One that was broken off may have looked at anybody.
        let is_whole = |number: &u64| {
            let cycle = cycles.iter().find(|cycle| cycle.number == *number);
            cycle.is_some_and(|cycle| cycle.wires.iter().all(|wire| 3 < wire.phase || wire.is_fine()))
        };
        let full: BTreeSet<u64> = silent.restarts.keys().copied().filter(is_whole).collect();
        for (who, story) in &stories.all {
            silent.gone.extend(story.replaced.map(|cycle| (who.clone(), cycle)));
            let passed = |cycle: &&Cycle<'_>| is_passed_over(cycle, who, story, stories, &full);
            let is_passed = cycles.iter().any(|cycle| passed(&cycle));
            if (story.replaced.is_some() || is_passed) && may_leave(cycles, who, story, stories) {
                silent.leavers.insert(who.clone());
            }
            // A full read looks at everybody who is still there.
            let missed = full.iter().find(|cycle| {
                let is_last = story.met.range(**cycle..).next().is_none();
                is_last && stories.had_account(who, **cycle) && !story.is_disabled(Moment::of(**cycle))
            });
            if let (Some(cycle), false) = (missed, silent.gone.contains_key(who)) {
                silent.gone.insert(who.clone(), *cycle);
            }
        }
        silent
    }
}

/// Whether nothing speaks against it that somebody who is disabled is out of scope: who is looked at again is not, and
/// whose group is assigned can't be.
fn may_leave(cycles: &[Cycle<'_>], who: &Who, story: &Story, stories: &Stories) -> bool {
    let is_off = |number: u64| story.is_disabled(Moment::of(number));
    let mut was_off = false;
    for cycle in cycles.iter().map(|cycle| cycle.number).filter(|number| story.first <= *number) {
        let waits = story.met.range(..cycle).next_back().is_some_and(|last| story.failures.contains(last));
        if was_off && is_off(cycle) && story.visits.contains(&cycle) && !waits {
            return false;
        }
        let moment = Moment::of(cycle);
        let is_in_group =
            |((_, member), course): (&(Who, Who), &_)| member == who && is_member(course, moment);
        if is_off(cycle) && stories.members.iter().any(is_in_group) {
            return false;
        }
        was_off = is_off(cycle);
    }
    true
}

/// Whether a cycle would have looked at somebody who is disabled and in scope, and did not: it read everything, or the
/// manager left, or a group changed that somebody had been a member of.
fn is_passed_over(
    cycle: &Cycle<'_>,
    who: &Who,
    story: &Story,
    stories: &Stories,
    full: &BTreeSet<u64>,
) -> bool {
    let number = cycle.number;
    if number <= story.first || story.met.contains(&number) || !story.is_disabled(Moment::of(number)) {
        return false;
    }
    let (before, now) = (Moment::before(number), Moment::of(number));
    let manager = story.attributes.get("manager").and_then(|course| course.said(before)?.as_ref());
    let has_left = match manager {
        Some(AttributeValue::Text(id)) => stories.of(&(who.0, id.clone())).is_some_and(|manager| {
            manager.present.said(before) == Some(&true) && manager.present.said(now) == Some(&false)
        }),
        Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => false,
    };
    let was_member = stories.members.iter().any(|((group, member), course)| {
        member == who
            && course.was(&true, before)
            && !is_member(course, before)
            && stories.of(group).is_some_and(|group| group.visits.contains(&number))
    });
    full.contains(&number) || has_left || was_member
}

/// Whether a cycle added members that the target had taken: only a full read does so.
fn adds_anew(cycle: &Cycle<'_>, stories: &Stories, ids: &Ids) -> bool {
    let groups = cycle.wires.iter().filter_map(|wire| wire.who.as_ref().filter(|_| wire.phase == 5));
    let groups: BTreeSet<&Who> = groups.collect();
    groups.into_iter().any(|group| {
        let story = stories.of(group);
        let is_settled = story.is_some_and(|story| {
            let last = story.met.range(..cycle.number).next_back();
            let is_made = cycle.about(group).any(|wire| wire.method == "POST");
            last.is_some_and(|last| !story.failures.contains(last)) && !is_made
        });
        let added = cycle.about(group).filter(|wire| wire.phase == 5).flat_map(Wire::operations);
        let mut added = added.filter(|operation| {
            operation.get("op").and_then(Value::as_str).is_some_and(|op| op.eq_ignore_ascii_case("add"))
        });
        is_settled
            && added.any(|operation| {
                reference_ids(operation).iter().filter_map(|id| ids.referred(id)).any(|member| {
                    let course = stories.members.get(&(group.clone(), member.clone()));
                    course.is_some_and(|course| is_member(course, Moment::before(cycle.number)))
                })
            })
    })
}

/// Whether a cycle looked for accounts anew to which the job was linked: somebody had restarted it.
/// `begins` is the cycle that the recording begins with, before which nothing shows who was linked.
fn relinks(cycle: &Cycle<'_>, begins: Option<u64>, cycles: &[Cycle<'_>], stories: &Stories) -> bool {
    let was_linked = |who: &Who| {
        let mut earlier =
            cycles.iter().filter(|other| other.number < cycle.number).flat_map(|other| other.about(who));
        begins == Some(cycle.number) || earlier.any(|wire| wire.is_fine() && wire.target_id().is_some())
    };
    cycle.wires.iter().any(|wire| {
        let Some(who) = wire.who.as_ref().filter(|_| wire.is_look_up()) else { return false };
        let is_missed = cycle.about(who).any(|other| other.id.is_some() && other.status == 404);
        let is_linked = stories.had_account(who, cycle.number) && was_linked(who);
        is_linked && !is_missed && wire.shown().is_some()
    })
}
