//! How long the real service takes for an initial cycle, by what Microsoft has published (`engine.md 2`). Pure.

use crate::scope::ScopeMode;

/// What a job has to go through in an initial cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// Whose business it is: everybody, or those assigned.
    pub scope: ScopeMode,
    /// Whether groups are provisioned.
    pub groups: bool,
    /// Users and groups in scope.
    pub objects: u64,
    /// Members of the groups among them, each counted in each of its groups.
    pub memberships: u64,
}

/// From the shortest to the longest time that is published, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes {
    /// 0 where only a longest time is published.
    pub least: u64,
    /// The longest.
    pub most: u64,
}

/// What an object or membership takes at the least and at the most, in hundredths of a minute.
const HUNDREDTHS: (u64, u64) = (1, 8);

/// The time of an initial cycle. Where everybody is in scope it was measured in 2023, up to a number of objects; past
/// that, and for assigned principals, it is a formula over objects and memberships.
pub fn initial_cycle(population: Population) -> Minutes {
    let between = |least, most| Minutes { least, most };
    match (population.scope, population.groups, population.objects) {
        (ScopeMode::All, _, ..1_000) => between(0, 30),
        (ScopeMode::All, true, ..=10_000) => between(0, 120),
        (ScopeMode::All, true, ..=100_000) => between(713, 1_425),
        (ScopeMode::All, false, ..=10_000) => between(43, 86),
        (ScopeMode::All | ScopeMode::Assigned, ..) => {
            let counted = population.objects.saturating_add(population.memberships);
            let minutes = |hundredths: u64| counted.saturating_mul(hundredths).div_ceil(100);
            between(minutes(HUNDREDTHS.0), minutes(HUNDREDTHS.1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assigned_principals_take_a_hundredth_to_eight_hundredths_of_a_minute_each_and_so_do_members() {
        for (objects, memberships, least, most) in [
            (0, 0, 0, 0),
            (60, 40, 1, 8),
            (100, 0, 1, 8),
            (400, 600, 10, 80),
            (10_000, 0, 100, 800),
            (60_000, 40_000, 1_000, 8_000),
        ] {
            for groups in [true, false] {
                let population = Population { scope: ScopeMode::Assigned, groups, objects, memberships };
                assert_eq!(initial_cycle(population), Minutes { least, most }, "{population:?}");
            }
        }
        crate::covers!("E-049", "W-033");
    }

    #[test]
    fn everybody_takes_what_was_measured_and_beyond_that_what_the_formula_says() {
        for (groups, objects, least, most) in [
            (true, 999, 0, 30),
            (false, 999, 0, 30),
            (true, 1_000, 0, 120),
            (true, 10_000, 0, 120),
            (true, 10_001, 713, 1_425),
            (true, 100_000, 713, 1_425),
            (false, 1_000, 43, 86),
            (false, 10_000, 43, 86),
            (false, 20_000, 200, 1_600),
            (true, 200_000, 2_000, 16_000),
        ] {
            let population = Population { scope: ScopeMode::All, groups, objects, memberships: 0 };
            assert_eq!(initial_cycle(population), Minutes { least, most }, "{population:?}");
        }
        crate::covers!("E-050");
    }
}
