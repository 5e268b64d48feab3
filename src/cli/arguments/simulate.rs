//! The arguments of `simulate`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator simulate\n  scimulator simulate --seeds 1..2000\n  \
                  scimulator simulate --seeds 124 --cycles 20 --save found\n\n\
                  From each seed a directory of a few people is drawn, and what happens to it: joiners, movers, leavers,\n\
                  faults of the app and of the source, restarts, kills of the process. Once all is over, the app must hold\n\
                  what it should, whatever happened. The same seed gives the same story. No configuration is read, nothing\n\
                  is sent over a network.\n\
                  Exit code 70: a law does not hold. That is a defect of scimulator; please report the scenario shown.")]
pub struct SimulateArguments {
    /// The seeds, both ends included; or one seed.
    #[arg(long, value_name = "A..B", default_value = "1..200", value_parser = seeds)]
    pub seeds: RangeInclusive<u64>,
    /// How often something happens and time moves on in each story; every time is one cycle, or several.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub cycles: u32,
    /// So many stories at once; by default as many as there are processors.
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Write the reduced scenario of each failing seed into this folder, as `seed-124.toml`.
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
}

/// So many seeds at most; the stories of more take hours.
const SEEDS_MAX: u64 = 1_000_000;

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let number =
        |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is no seed: write 1..2000"));
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (number(from)?, number(to.trim_start_matches('='))?),
        None => (number(text)?, number(text)?),
    };
    if to < from {
        return Err(format!("there is no seed from {from} to {to}"));
    }
    if SEEDS_MAX <= to - from {
        return Err(format!("at most {SEEDS_MAX} seeds at once"));
    }
    Ok(from..=to)
}
