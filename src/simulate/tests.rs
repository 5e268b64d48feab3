//! The laws hold in simulated stories; and each is broken on purpose, found, and told in a few lines.

use std::path::Path;

use super::*;
use crate::scenario::{self, Sabotage};

/// Steps of each story.
const STEPS: u32 = 6;

#[test]
fn the_laws_hold() {
    let mut played = Played::default();
    for seed in 1..=25 {
        let outcome = simulate(seed, STEPS);
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        played += outcome.played;
    }
    // Stories worth the name: people are sent, and processes die.
    assert!(1_000 < played.requests && 25 < played.kills, "{played:?}");
}

#[test]
fn the_story_of_a_seed_is_always_the_same() {
    assert_eq!(draw::draw(7, STEPS), draw::draw(7, STEPS));
    assert_ne!(draw::draw(7, STEPS).0, draw::draw(8, STEPS).0);
    let seven = simulate(7, STEPS).played;
    assert_eq!(simulate(7, STEPS).played, seven);
}

/// Breaks a law and looks for it from a seed on in whose story it is known to show.
fn found(sabotage: Sabotage, from: u64, law: Law) -> String {
    const SEEDS: u64 = 50;
    const LINES_MAX: usize = 10;
    let options = Options { sabotage: Some(sabotage), ..Options::embedded() };
    let failure = (from..from + SEEDS).find_map(|seed| run(seed, STEPS, &options, &|| ()).failure);
    let failure = failure.unwrap_or_else(|| panic!("{sabotage:?} goes unseen"));
    assert_eq!(failure.broken.law, law, "{}", failure.broken.what);
    let text = failure.reduced.to_toml();
    let lines = text.lines().filter(|line| !line.is_empty()).count();
    assert!(lines <= LINES_MAX, "{text}");
    let (scenario, _) = scenario::parse(&text, Path::new("reduced.toml")).unwrap();
    // What is told is the same story: it goes wrong by itself, and only as long as the law is broken.
    let report = scenario::run(&scenario, &Options::embedded());
    assert!(report.is_fine(), "{text}\n{report}");
    assert_eq!(failure.is_scenario, !matches!(law, Law::Kills | Law::Repeats | Law::Workers));
    if failure.is_scenario {
        let report = scenario::run(&scenario, &options);
        assert_eq!(report.verdict.as_str(), "failed", "{text}\n{report}");
    }
    text
}

#[test]
fn a_create_that_is_forgotten_over_a_kill_is_found() {
    let text = found(Sabotage::ForgottenIntents, 941, Law::Known);
    let page = include_str!("../../docs/simulate.md");
    assert!(page.contains(&format!("```toml\n{text}```\n")), "docs/simulate.md shows another one:\n{text}");
}

#[test]
fn a_watermark_that_moves_in_a_failed_cycle_is_found() {
    found(Sabotage::HastyWatermark, 3, Law::Oracle);
}

#[test]
fn a_failure_that_is_not_tried_again_is_found() {
    found(Sabotage::LostEscrows, 124, Law::Oracle);
}

#[test]
fn a_failure_that_is_given_up_at_once_is_found() {
    found(Sabotage::HastySurrender, 124, Law::Rests);
}

#[test]
fn an_end_that_tells_of_kills_is_found() {
    found(Sabotage::TellingEnd, seed_of(draw::Weather::Kills), Law::Kills);
}

#[test]
fn an_end_that_tells_of_workers_is_found() {
    found(Sabotage::TellingEnd, seed_of(draw::Weather::Calm), Law::Workers);
}

/// The first seed of a story in which no more than this may go wrong.
fn seed_of(weather: draw::Weather) -> u64 {
    (1..100).find(|seed| draw::draw(*seed, STEPS).1 == weather).unwrap()
}

#[test]
fn a_run_that_depends_on_something_else_than_its_seed_is_found() {
    found(Sabotage::UnequalRuns, 1, Law::Repeats);
}

#[test]
fn after_five_failures_no_story_is_begun() {
    let options = Options { sabotage: Some(Sabotage::UnequalRuns), ..Options::embedded() };
    let seeds: Vec<u64> = (1..=40).collect();
    let mut told = 0;
    let outcomes = all(&seeds, 1, NonZeroUsize::MIN, &options, &mut |_| told += 1);
    let failed = outcomes.iter().flatten().filter(|outcome| outcome.failure.is_some()).count();
    assert_eq!((failed, told), (FAILURES_MAX, 40), "each is told of, begun or not");
    let last = outcomes.iter().rposition(Option::is_some).unwrap();
    assert!(outcomes[last].as_ref().unwrap().failure.is_some() && last < 39);
}
