//! Stories drawn from seeds: random directories, edits, faults, restarts and kills, on embedded parts in process and on
//! virtual time. Whatever happens in one, the laws have to hold once it has come to rest; where they do not, the story is
//! reduced to a scenario of a few lines.

mod draw;
mod judge;
mod reduce;
mod story;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::parallel::in_order;
use crate::scenario::Options;

pub use judge::{Broken, Law, Played};
pub use story::{Row, Step, Story};

/// What came of one seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// How much was played, before anything was reduced.
    pub played: Played,
    /// What did not hold, if anything.
    pub failure: Option<Failure>,
}

/// A story in which a law does not hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What did not hold in the story as it was drawn.
    pub broken: Broken,
    /// The smallest story found in which the same does not hold.
    pub reduced: Story,
    /// Whether it fails as a scenario, too. What shows only by comparison with another run does not.
    pub is_scenario: bool,
}

/// After so many failures no further story is begun: to reduce one takes as long as to play hundreds.
pub const FAILURES_MAX: usize = 5;

/// Simulates each of these seeds, `workers` at once. `done` is called for each in the order of the list; those that were
/// not begun any more, after [`FAILURES_MAX`], are `None`.
pub fn simulate_all(
    seeds: &[u64],
    steps: u32,
    workers: NonZeroUsize,
    done: &mut (dyn FnMut(&Option<Outcome>) + Send),
) -> Vec<Option<Outcome>> {
    all(seeds, steps, workers, &Options::embedded(), done)
}

fn all(
    seeds: &[u64],
    steps: u32,
    workers: NonZeroUsize,
    options: &Options,
    done: &mut (dyn FnMut(&Option<Outcome>) + Send),
) -> Vec<Option<Outcome>> {
    let failures = AtomicUsize::new(0);
    let work = |_: usize, seed: &u64| {
        if FAILURES_MAX <= failures.load(Ordering::SeqCst) {
            return None;
        }
        Some(run(*seed, steps, options, &|| {
            failures.fetch_add(1, Ordering::SeqCst);
        }))
    };
    in_order(seeds, workers, work, done)
}

/// Draws the story of a seed, of so many steps, plays it, and holds it against the laws.
pub fn simulate(seed: u64, steps: u32) -> Outcome {
    run(seed, steps, &Options::embedded(), &|| ())
}

/// A story that fails: whatever fails in it is forgotten.
#[cfg(test)]
pub(crate) fn failing() -> Outcome {
    let options = Options { sabotage: Some(crate::scenario::Sabotage::LostEscrows), ..Options::embedded() };
    run(124, 6, &options, &|| ())
}

/// `found` is called for a story that fails, before it is reduced.
fn run(seed: u64, steps: u32, options: &Options, found: &dyn Fn()) -> Outcome {
    let (story, weather) = draw::draw(seed, steps);
    let mut played = Played::default();
    let failure = judge::judge(&story, weather, options, &mut played).map(|broken| {
        found();
        let mut fails = |less: &Story| {
            judge::judge(less, weather, options, &mut Played::default())
                .is_some_and(|found| found.law == broken.law && found.kind == broken.kind)
        };
        let mut reduced = reduce::reduce(&story, &mut fails);
        let found = judge::judge(&reduced, weather, options, &mut Played::default());
        let expectation = found.and_then(|found| found.expectation);
        let is_scenario = expectation.is_some() || matches!(broken.law, Law::Playable | Law::Oracle);
        reduced.expected = expectation.map_or(reduced.expected, |expectation| vec![expectation]);
        reduced.title = format!("{}: {}", story.title, broken.law.says());
        Failure { broken, reduced, is_scenario }
    });
    Outcome { seed, played, failure }
}
