//! The accidental-deletion guard (`engine.md 7`): counts what a cycle would take away before anything is sent, and
//! holds all of it back when that is too much (design 9; C10).

use super::context::{Context, EngineError};
use super::decide::Decision;
use super::object::{decision, is_touched, load};
use super::quarantine::{Quarantine, Reason};
use crate::store::{Link, Phase};

/// The guard of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// So many deletes and disables of one cycle may pass.
    pub threshold: u64,
    /// Whether the threshold itself trips it (C9).
    pub inclusive: bool,
}

/// The threshold of every published sample, in force where none is configured and a plan wants one.
pub const THRESHOLD: u64 = 500;

impl Guard {
    /// Whether so many removals are too many.
    pub fn trips(self, removals: u64) -> bool {
        self.threshold < removals || (self.inclusive && self.threshold == removals)
    }
}

/// Whether a decision takes something away that is still there: deletes, or disables for the first time.
pub(super) fn takes_away(decision: Decision, link: Option<&Link>) -> bool {
    match decision {
        Decision::Remove => true,
        Decision::Evaluate { removes, .. } => removes && link.is_some_and(|link| !link.removed),
        Decision::Provision | Decision::Skip(_) | Decision::Nothing => false,
    }
}

/// How many removals the work list of a cycle holds, if they are to be held back; the target is not asked for that.
///
/// While the guard is tripped, whatever is left of the staged removals keeps everything back, however few they are:
/// only an answer lets them go (`engine.md 7`).
pub(super) fn held_back(
    context: &Context<'_>,
    guard: Guard,
    before: Option<&Quarantine>,
) -> Result<Option<u64>, EngineError> {
    let tripped = before.is_some_and(|before| before.reason == Reason::TooManyDeletes);
    let (mut removals, mut staged) = (0_u64, false);
    for phase in [Phase::Users, Phase::Groups] {
        let mut position = i64::MIN;
        while let Some(item) = context.store.next_work(phase, position)? {
            position = item.position;
            let Some(loaded) = load(context.spec, context.store, (item.kind, &item.id), None)? else {
                continue;
            };
            if loaded.link.is_none() || !context.spec.mapping(item.kind).enabled {
                continue;
            }
            let touched = is_touched(context.spec, &item);
            // Matching values matter only to who has no account.
            let decision = decision(context.spec, &loaded, touched, true, context.is_initial());
            if takes_away(decision, loaded.link.as_ref()) {
                removals = removals.saturating_add(1);
                staged = staged
                    || (tripped && context.store.is_staged(&context.spec.name, item.kind, &item.id)?);
            }
        }
    }
    Ok((guard.trips(removals) || staged).then_some(removals))
}

/// What the job's quarantine says about a cycle that was held back.
pub(super) fn message(removals: u64, guard: Guard) -> String {
    format!(
        "The cycle would have deleted or disabled {removals} users and groups; the threshold is {}. They are staged: \
         nothing of it was sent.",
        guard.threshold
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_must_be_exceeded_unless_it_is_inclusive() {
        crate::covers!("E-181");
        for (removals, exclusive, inclusive) in
            [(0, false, false), (499, false, false), (500, false, true), (501, true, true)]
        {
            assert_eq!(Guard { threshold: 500, inclusive: false }.trips(removals), exclusive, "{removals}");
            assert_eq!(Guard { threshold: 500, inclusive: true }.trips(removals), inclusive, "{removals}");
        }
    }
}
