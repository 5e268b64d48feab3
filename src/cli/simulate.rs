//! `simulate`: stories drawn from seeds, held against the laws.

use std::num::NonZeroUsize;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::SimulateArguments;
use super::context::Context;
use super::output::counted;
use super::{Exit, Failure};
use crate::simulate::{self, Outcome, Played, simulate_all};

pub(super) fn run(context: &Context, arguments: &SimulateArguments) -> Result<Exit, Failure> {
    let output = context.output;
    if let Some(folder) = &arguments.save {
        std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    }
    let seeds: Vec<u64> = arguments.seeds.clone().collect();
    let workers =
        arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let bar = output.progress("stories", u64::try_from(seeds.len()).unwrap_or(u64::MAX));
    let mut trouble = None;
    let outcomes = simulate_all(&seeds, arguments.cycles, workers, &mut |outcome| {
        bar.inc(1);
        let Some((outcome, failure)) = outcome.as_ref().and_then(|it| Some((it, it.failure.as_ref()?)))
        else {
            return;
        };
        if !output.is_json()
            && let Err(failure) = bar.suspend(|| output.text(&told(outcome.seed, failure, arguments)))
        {
            trouble.get_or_insert(failure);
        }
        if let Some(folder) = &arguments.save {
            let file = folder.join(format!("seed-{}.toml", outcome.seed));
            if let Err(error) = std::fs::write(&file, failure.reduced.to_toml()) {
                trouble.get_or_insert(cannot_write(&file, &error));
            }
        }
    });
    bar.finish_and_clear();
    let begun = outcomes.iter().flatten().count();
    let failed = outcomes.iter().flatten().filter(|outcome| outcome.failure.is_some()).count();
    if output.is_json() {
        output.json(&to_json(arguments, &outcomes))?;
    } else {
        output.text(&summary(arguments.cycles, played(&outcomes), begun, failed))?;
        if begun < seeds.len() {
            output.note(&format!("{} were not begun, after so many failures", seeds.len() - begun));
        }
    }
    match trouble {
        Some(trouble) => Err(trouble),
        None => Ok(if failed == 0 { Exit::Fine } else { Exit::Defect }),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("can not write `{}`", path.display())).because(error)
}

/// How the story of a seed is told again.
fn again(seed: u64, arguments: &SimulateArguments) -> String {
    format!("scimulator simulate --seeds {seed} --cycles {}", arguments.cycles)
}

fn told(seed: u64, failure: &simulate::Failure, arguments: &SimulateArguments) -> String {
    let scenario = failure.reduced.to_toml();
    let lines: Vec<String> =
        scenario.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect();
    let shows = if failure.is_scenario {
        "as a scenario, for `scimulator scenario run`"
    } else {
        "the story, which shows it to the command above alone"
    };
    format!(
        "failed  seed {seed}: not so: {}\n  {}\n  again: {}\n  {shows}:\n{}\n",
        failure.broken.law.says(),
        failure.broken.what,
        again(seed, arguments),
        lines.join("\n")
    )
}

fn played(outcomes: &[Option<Outcome>]) -> Played {
    let mut sum = Played::default();
    for outcome in outcomes.iter().flatten() {
        sum += outcome.played;
    }
    sum
}

fn summary(cycles: u32, played: Played, begun: usize, failed: usize) -> String {
    let stories = if begun == 1 { "story".to_owned() } else { format!("{begun} stories") };
    let end = if failed == 0 { "every law held".to_owned() } else { format!("{failed} failed") };
    format!(
        "{stories} of {}: {}, {} cut off by a kill, {}: {end}",
        counted(cycles, "step"),
        counted(played.cycles, "cycle"),
        played.kills,
        counted(played.requests, "request"),
    )
}

/// The result for programs. Keys may be added, none goes away.
fn to_json(arguments: &SimulateArguments, outcomes: &[Option<Outcome>]) -> Value {
    let sum = played(outcomes);
    let failures = outcomes.iter().flatten().filter_map(|outcome| {
        let failure = outcome.failure.as_ref()?;
        Some(json!({
            "seed": outcome.seed,
            "law": failure.broken.law.says(),
            "what": failure.broken.what,
            "again": again(outcome.seed, arguments),
            "scenario": failure.reduced.to_toml(),
        }))
    });
    json!({
        "version": 1,
        "seeds": { "from": arguments.seeds.start(), "to": arguments.seeds.end() },
        "steps": arguments.cycles,
        "stories": outcomes.iter().flatten().count(),
        "notBegun": outcomes.iter().filter(|outcome| outcome.is_none()).count(),
        "cycles": sum.cycles,
        "kills": sum.kills,
        "requests": sum.requests,
        "failures": failures.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario;

    #[test]
    fn a_failure_is_told_with_seed_command_and_scenario() {
        let outcome = simulate::failing();
        let arguments = SimulateArguments { seeds: 124..=125, cycles: 6, save: None, jobs: None };
        let failure = outcome.failure.as_ref().unwrap();
        let told = told(outcome.seed, failure, &arguments);
        let (head, story) = told.split_once("as a scenario, for `scimulator scenario run`:\n").unwrap();
        assert!(
            head.starts_with("failed  seed 124: not so: in the end the app holds what it should\n"),
            "{told}"
        );
        assert!(head.contains("\n  again: scimulator simulate --seeds 124 --cycles 6\n"), "{told}");
        let story: Vec<&str> = story.lines().map(str::trim).collect();
        assert_eq!(story.join("\n") + "\n", failure.reduced.to_toml());

        let json = to_json(&arguments, &[Some(outcome.clone()), None]);
        assert_eq!((&json["stories"], &json["notBegun"]), (&1.into(), &1.into()));
        let told = &json["failures"][0];
        assert_eq!((&told["seed"], &told["again"]), (&124.into(), &again(124, &arguments).into()));
        let text = told["scenario"].as_str().unwrap();
        scenario::parse(text, Path::new("story.toml")).unwrap();
        let sum = summary(6, outcome.played, 1, 1);
        assert!(sum.starts_with("story of 6 steps: ") && sum.ends_with(": 1 failed"), "{sum}");
    }
}
