//! From what is known of an object to what is to be done about it (`engine.md 4.2, 4.3, 4.4`). Pure and total.

use crate::directory::object::ObjectKind;
use crate::scope::{Entitlement, Standing, Verdict};

/// What the decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Scope and standing at the source.
    pub verdict: &'a Verdict,
    /// Whether the object is linked, and then whether it was in scope when last evaluated.
    pub link: Option<Managed>,
    /// Whether it has a value for at least one matching attribute.
    pub has_matching_value: bool,
    /// Its row or membership changed, or it is in escrow, or this is a full read: it is evaluated. Otherwise only
    /// its entitlement may have changed.
    pub touched: bool,
    /// Whether this is the full read of an initial cycle.
    pub full: bool,
    /// What the job lets happen.
    pub rules: DecisionRules,
}

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Managed {
    /// In scope when last evaluated.
    Managed,
    /// Left scope, and was dealt with.
    Unmanaged,
}

/// The settings of a job that shape decisions for one object type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionRules {
    /// Target object actions.
    pub create: bool,
    /// Target object actions; a disable counts as an update.
    pub update: bool,
    /// Target object actions.
    pub delete: bool,
    /// Some mapping reads `IsSoftDeleted` (columns A and C of `engine.md 4.2`).
    pub soft_delete_mapped: bool,
    /// The connector can disable (column F: only by template).
    pub soft_delete_supported: bool,
    /// With nothing mapped to `IsSoftDeleted`: whether a DELETE follows instead of nothing (`unmapped_active`).
    pub delete_when_unmapped: bool,
    /// `SkipOutOfScopeDeletions` (column B).
    pub skip_out_of_scope: bool,
    /// Whether that flag covers disabled and soft-deleted objects too (README of the sheets).
    pub covers_soft_delete: bool,
    /// Whether a group that leaves scope is left as it is (`group_out_of_scope`).
    pub keeps_groups: bool,
}

/// What to do about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Not linked, in scope: look it up, then create, or link and update.
    Provision,
    /// Linked: read, compare, write the differences. `managed` is what the link says afterwards.
    Evaluate {
        /// Whether it is in scope.
        managed: bool,
        /// Whether this takes the account away from its owner: disabled or out of scope.
        removes: bool,
    },
    /// Linked: DELETE.
    Remove,
    /// Nothing is sent, and the log says why.
    Skip(Skip),
    /// Nothing is sent and there is nothing to say.
    Nothing,
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// No value for any matching attribute.
    NoMatchingValue,
    /// Not entitled: not assigned, filtered out, disabled or deleted (`engine.md 11`).
    NotEntitled,
    /// Out of scope, but the job skips deletions of those.
    SkipOutOfScopeDeletions,
    /// A group out of scope, which the job keeps (`group_out_of_scope`).
    GroupKept,
    /// The action is switched off in the mapping's target object actions.
    ActionOff,
    /// Nothing maps `IsSoftDeleted`, so there is no way to disable.
    SoftDeleteNotMapped,
    /// It left scope before; what happens to it since is nobody's business.
    Unmanaged,
    /// It fails an input or category filter: the mapping does not look at it (`engine.md 3.3`).
    NotProcessed,
}

/// Decides about one object.
pub fn decide(facts: &Facts<'_>) -> Decision {
    if !facts.verdict.is_processed() {
        return if facts.touched { Decision::Skip(Skip::NotProcessed) } else { Decision::Nothing };
    }
    match facts.link {
        None => decide_unlinked(facts),
        Some(managed) => match facts.verdict.kind {
            ObjectKind::User => decide_user(facts, managed),
            ObjectKind::Group => decide_group(facts, managed),
        },
    }
}

/// `engine.md 4.3`.
fn decide_unlinked(facts: &Facts<'_>) -> Decision {
    let verdict = facts.verdict;
    let unassigned = matches!(verdict.entitlement, Entitlement::NotAssigned);
    // The source is read whole, but only what changed is worth a line in the log (C24).
    let silent = !facts.touched || (facts.full && unassigned);
    if verdict.standing == Standing::HardDeleted || (silent && !(verdict.in_scope() && verdict.is_active())) {
        return Decision::Nothing;
    }
    if !facts.has_matching_value {
        return Decision::Skip(Skip::NoMatchingValue);
    }
    if !verdict.in_scope() || !verdict.is_active() {
        return Decision::Skip(Skip::NotEntitled);
    }
    Decision::Provision
}

/// `engine.md 4.2`, columns A to F.
fn decide_user(facts: &Facts<'_>, managed: Managed) -> Decision {
    let (verdict, rules) = (facts.verdict, facts.rules);
    match (verdict.standing, managed) {
        // Rows 5 and 6.
        (Standing::HardDeleted, Managed::Unmanaged) => Decision::Nothing,
        (Standing::HardDeleted, Managed::Managed) if rules.delete => Decision::Remove,
        (Standing::HardDeleted, Managed::Managed) => Decision::Skip(Skip::ActionOff),
        (_, Managed::Unmanaged) if !verdict.in_scope() => unmanaged(facts),
        // Rows 3 and 4.
        _ if !verdict.in_scope() => {
            if rules.skip_out_of_scope {
                Decision::Skip(Skip::SkipOutOfScopeDeletions)
            } else {
                disable(facts, false)
            }
        }
        // Rows 1 and 2.
        (Standing::Disabled | Standing::SoftDeleted, _) => {
            if rules.skip_out_of_scope && rules.covers_soft_delete {
                Decision::Skip(Skip::SkipOutOfScopeDeletions)
            } else if rules.soft_delete_supported && !rules.soft_delete_mapped && !rules.delete_when_unmapped
            {
                // Nothing carries the disable, yet the user is in scope: its other attributes flow.
                update(facts)
            } else {
                disable(facts, true)
            }
        }
        // Rows 7 and 8, and the ordinary update.
        (Standing::Active, _) => update(facts),
    }
}

fn update(facts: &Facts<'_>) -> Decision {
    if facts.link == Some(Managed::Managed) && !facts.touched {
        Decision::Nothing
    } else if facts.rules.update {
        Decision::Evaluate { managed: true, removes: false }
    } else {
        Decision::Skip(Skip::ActionOff)
    }
}

fn disable(facts: &Facts<'_>, managed: bool) -> Decision {
    let rules = facts.rules;
    if !rules.soft_delete_supported || (!rules.soft_delete_mapped && rules.delete_when_unmapped) {
        if rules.delete { Decision::Remove } else { Decision::Skip(Skip::ActionOff) }
    } else if !rules.soft_delete_mapped {
        Decision::Skip(Skip::SoftDeleteNotMapped)
    } else if !rules.update {
        Decision::Skip(Skip::ActionOff)
    } else {
        Decision::Evaluate { managed, removes: true }
    }
}

fn unmanaged(facts: &Facts<'_>) -> Decision {
    if facts.touched && !facts.full { Decision::Skip(Skip::Unmanaged) } else { Decision::Nothing }
}

/// `engine.md 4.4`: a group is never disabled.
fn decide_group(facts: &Facts<'_>, managed: Managed) -> Decision {
    let (verdict, rules) = (facts.verdict, facts.rules);
    let gone = matches!(verdict.standing, Standing::HardDeleted | Standing::SoftDeleted);
    match managed {
        Managed::Unmanaged if gone => Decision::Nothing,
        Managed::Unmanaged if !verdict.in_scope() => unmanaged(facts),
        _ if gone || !verdict.in_scope() => {
            if !gone && rules.skip_out_of_scope {
                Decision::Skip(Skip::SkipOutOfScopeDeletions)
            } else if !gone && rules.keeps_groups {
                Decision::Skip(Skip::GroupKept)
            } else if rules.delete {
                Decision::Remove
            } else {
                Decision::Skip(Skip::ActionOff)
            }
        }
        Managed::Managed | Managed::Unmanaged => update(facts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Route;
    use crate::scope::filter::{FilterResult, FilterVerdict};

    const A: DecisionRules = DecisionRules {
        create: true,
        update: true,
        delete: true,
        soft_delete_mapped: true,
        soft_delete_supported: true,
        delete_when_unmapped: false,
        skip_out_of_scope: false,
        covers_soft_delete: true,
        keeps_groups: false,
    };
    const B: DecisionRules = DecisionRules { skip_out_of_scope: true, ..A };
    const C: DecisionRules = DecisionRules { soft_delete_mapped: false, ..A };
    const D: DecisionRules = DecisionRules { update: false, ..A };
    const E: DecisionRules = DecisionRules { delete: false, ..A };
    const F: DecisionRules = DecisionRules { soft_delete_supported: false, ..A };

    const DISABLE: Decision = Decision::Evaluate { managed: true, removes: true };
    const DISABLE_AND_LEAVE: Decision = Decision::Evaluate { managed: false, removes: true };
    const UPDATE: Decision = Decision::Evaluate { managed: true, removes: false };
    const OFF: Decision = Decision::Skip(Skip::ActionOff);
    const SKIPPED: Decision = Decision::Skip(Skip::SkipOutOfScopeDeletions);
    const UNMAPPED: Decision = Decision::Skip(Skip::SoftDeleteNotMapped);

    fn verdict(kind: ObjectKind, standing: Standing, assigned: bool) -> Verdict {
        let entitlement = if assigned {
            Entitlement::Assigned(vec![Route { role: String::new(), group: None }])
        } else {
            Entitlement::NotAssigned
        };
        Verdict { kind, standing, entitlement, filter: FilterResult::unfiltered() }
    }

    fn filtered(kind: ObjectKind, standing: Standing, filter: FilterVerdict) -> Verdict {
        let filter = FilterResult { verdict: filter, ..FilterResult::unfiltered() };
        Verdict { filter, ..verdict(kind, standing, true) }
    }

    fn decision(rules: DecisionRules, verdict: &Verdict, link: Option<Managed>) -> Decision {
        decide(&Facts { verdict, link, has_matching_value: true, touched: true, full: false, rules })
    }

    /// `engine.md 4.2`: rows are events, columns A to F.
    #[test]
    fn linked_users_follow_the_table() {
        let user = |standing, assigned| verdict(ObjectKind::User, standing, assigned);
        let table = [
            (
                "1 disabled",
                user(Standing::Disabled, true),
                Managed::Managed,
                [DISABLE, SKIPPED, UPDATE, OFF, DISABLE, Decision::Remove],
            ),
            (
                "2 soft-deleted",
                user(Standing::SoftDeleted, true),
                Managed::Managed,
                [DISABLE, SKIPPED, UPDATE, OFF, DISABLE, Decision::Remove],
            ),
            (
                "3 unassigned",
                user(Standing::Active, false),
                Managed::Managed,
                [DISABLE_AND_LEAVE, SKIPPED, UNMAPPED, OFF, DISABLE_AND_LEAVE, Decision::Remove],
            ),
            (
                "4 fails the filter",
                filtered(ObjectKind::User, Standing::Active, FilterVerdict::OutOfScope),
                Managed::Managed,
                [DISABLE_AND_LEAVE, SKIPPED, UNMAPPED, OFF, DISABLE_AND_LEAVE, Decision::Remove],
            ),
            (
                "5 hard-deleted",
                user(Standing::HardDeleted, true),
                Managed::Managed,
                [
                    Decision::Remove,
                    Decision::Remove,
                    Decision::Remove,
                    Decision::Remove,
                    OFF,
                    Decision::Remove,
                ],
            ),
            (
                "6 hard-deleted after 3",
                user(Standing::HardDeleted, false),
                Managed::Unmanaged,
                [Decision::Nothing; 6],
            ),
            (
                "6 soft-deleted after 3",
                user(Standing::SoftDeleted, false),
                Managed::Unmanaged,
                [Decision::Skip(Skip::Unmanaged); 6],
            ),
            (
                "6 hard-deleted after 4",
                filtered(ObjectKind::User, Standing::HardDeleted, FilterVerdict::OutOfScope),
                Managed::Unmanaged,
                [Decision::Nothing; 6],
            ),
            (
                "6 soft-deleted after 4",
                filtered(ObjectKind::User, Standing::SoftDeleted, FilterVerdict::OutOfScope),
                Managed::Unmanaged,
                [Decision::Skip(Skip::Unmanaged); 6],
            ),
            (
                "7 restored",
                user(Standing::Active, true),
                Managed::Managed,
                [UPDATE, UPDATE, UPDATE, OFF, UPDATE, UPDATE],
            ),
            (
                "8 assigned again",
                user(Standing::Active, true),
                Managed::Unmanaged,
                [UPDATE, UPDATE, UPDATE, OFF, UPDATE, UPDATE],
            ),
        ];
        for (event, verdict, link, columns) in table {
            for (column, (rules, expected)) in [A, B, C, D, E, F].into_iter().zip(columns).enumerate() {
                assert_eq!(decision(rules, &verdict, Some(link)), expected, "event {event}, column {column}");
            }
        }
    }

    /// `engine.md 3.3`: "simply not processed any more", whatever else happens to it.
    #[test]
    fn what_an_input_filter_keeps_out_is_left_as_it_is() {
        for kind in [ObjectKind::User, ObjectKind::Group] {
            for standing in
                [Standing::Active, Standing::Disabled, Standing::SoftDeleted, Standing::HardDeleted]
            {
                let verdict = filtered(kind, standing, FilterVerdict::NotProcessed);
                for link in [None, Some(Managed::Managed), Some(Managed::Unmanaged)] {
                    for rules in [A, B, C, D, E, F] {
                        assert_eq!(
                            decision(rules, &verdict, link),
                            Decision::Skip(Skip::NotProcessed),
                            "{kind} {standing:?} {link:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_skip_flag_spares_the_disabled_only_when_it_covers_them() {
        let disabled = verdict(ObjectKind::User, Standing::Disabled, true);
        let narrow = DecisionRules { covers_soft_delete: false, ..B };
        assert_eq!(decision(narrow, &disabled, Some(Managed::Managed)), DISABLE);
    }

    #[test]
    fn a_hard_delete_is_judged_by_the_last_stored_scope() {
        let lost_everything = verdict(ObjectKind::User, Standing::HardDeleted, false);
        assert_eq!(decision(A, &lost_everything, Some(Managed::Managed)), Decision::Remove);
    }

    /// `engine.md 4.3`.
    #[test]
    fn unlinked_users_follow_the_table() {
        let user = |standing, assigned| verdict(ObjectKind::User, standing, assigned);
        assert_eq!(decision(A, &user(Standing::Active, true), None), Decision::Provision);
        for standing in [Standing::Disabled, Standing::SoftDeleted] {
            assert_eq!(
                decision(A, &user(standing, true), None),
                Decision::Skip(Skip::NotEntitled),
                "{standing:?}"
            );
        }
        assert_eq!(decision(A, &user(Standing::Active, false), None), Decision::Skip(Skip::NotEntitled));
        assert_eq!(decision(A, &user(Standing::HardDeleted, true), None), Decision::Nothing);
        let nameless = user(Standing::Active, false);
        let facts = Facts {
            verdict: &nameless,
            link: None,
            has_matching_value: false,
            touched: true,
            full: false,
            rules: A,
        };
        assert_eq!(decide(&facts), Decision::Skip(Skip::NoMatchingValue), "scope is not even looked at");
    }

    #[test]
    fn who_was_never_in_scope_gets_no_line_in_a_full_read() {
        let stranger = verdict(ObjectKind::User, Standing::Active, false);
        let facts = Facts {
            verdict: &stranger,
            link: None,
            has_matching_value: true,
            touched: true,
            full: true,
            rules: A,
        };
        assert_eq!(decide(&facts), Decision::Nothing);
    }

    /// `engine.md 4.4`.
    #[test]
    fn linked_groups_are_deleted_never_disabled() {
        let group = |standing, assigned| verdict(ObjectKind::Group, standing, assigned);
        let keeping = DecisionRules { keeps_groups: true, ..A };
        let kept = Decision::Skip(Skip::GroupKept);
        for (verdict, columns) in [
            (group(Standing::Active, false), [Decision::Remove, SKIPPED, OFF, kept]),
            (group(Standing::HardDeleted, true), [Decision::Remove, Decision::Remove, OFF, Decision::Remove]),
            (group(Standing::SoftDeleted, true), [Decision::Remove, Decision::Remove, OFF, Decision::Remove]),
            (
                filtered(ObjectKind::Group, Standing::Active, FilterVerdict::OutOfScope),
                [Decision::Remove, SKIPPED, OFF, kept],
            ),
            (group(Standing::Active, true), [UPDATE; 4]),
        ] {
            for (rules, expected) in [A, B, E, keeping].into_iter().zip(columns) {
                assert_eq!(decision(rules, &verdict, Some(Managed::Managed)), expected, "{verdict:?}");
            }
        }
    }

    #[test]
    fn an_edge_that_changes_nothing_causes_no_request() {
        let member = verdict(ObjectKind::User, Standing::Active, true);
        let facts = Facts {
            verdict: &member,
            link: Some(Managed::Managed),
            has_matching_value: true,
            touched: false,
            full: false,
            rules: A,
        };
        assert_eq!(decide(&facts), Decision::Nothing);
    }
}
