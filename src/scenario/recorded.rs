//! A recording made into a scenario: a wire journal is read backwards, into the smallest directory and the edits that
//! make the job send the same requests again, and into the faults that the target met them with.
//!
//! Values in, values out; whoever calls this reads the journal and writes the file. Nothing of a token or another secret
//! is in a journal. What personal data there is stays, unless the exchanges come with pseudonyms in its place.

mod assembling;
mod backwards;
mod faults;
mod reading;
mod requests;
mod silent;
mod spoken;
mod story;
mod writing;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::language::parse;
use crate::client::Exchange;
use crate::clock::SignedDuration;
use crate::diagnostic::Diagnostic;
use crate::engine::spec::JobSpec;
use backwards::Backwards;
use reading::Ids;
use story::Stories;

/// What becomes a scenario.
#[derive(Debug)]
pub struct Recording {
    /// The file that the scenario is for: paths of its job are from there.
    pub file: PathBuf,
    /// What it is about, in one line.
    pub title: String,
    /// The keys of a scenario that say how its job is: `app`, `app_role`, `multi_valued`, `seed` and `job`. Where they
    /// don't say in which forms it writes, the requests do.
    pub head: toml::Table,
    /// The journal, in its order.
    pub exchanges: Vec<Exchange>,
    /// The cycles that become steps; what was before them says what there was.
    pub cycles: RangeInclusive<u64>,
}

/// A scenario of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The file.
    pub text: String,
    /// How many cycles have a step.
    pub cycles: usize,
    /// How many requests are expected.
    pub requests: usize,
    /// What does not follow from the recording, or is not known.
    pub notes: Vec<String>,
}

/// Why a recording makes no scenario.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no exchange about a user or group in these cycles.
    #[error("the recording shows no user and no group")]
    Nothing,
    /// The job is not one of a scenario.
    #[error("the job of the recording can't be that of a scenario")]
    Job(Vec<Diagnostic>),
}

/// Makes a recording into a scenario.
///
/// # Errors
/// The recording shows nobody, or its job can't be that of a scenario.
pub fn scenario_of(recording: &Recording) -> Result<Recorded, RecordError> {
    let mut cycles = reading::cycles(&recording.exchanges);
    cycles.retain(|cycle| cycle.number <= *recording.cycles.end());
    let from = *recording.cycles.start();
    if !cycles.iter().any(|cycle| from <= cycle.number && cycle.wires.iter().any(|wire| wire.who.is_some())) {
        return Err(RecordError::Nothing);
    }
    let began = cycles.iter().find(|cycle| from <= cycle.number).map(|cycle| cycle.began);
    let head = spoken::with_forms(&recording.head, &cycles);
    let (spec, timeout) = job(recording, &head)?;
    let backwards = Backwards::new(&spec, began.unwrap_or_default());
    let mut ids = Ids::of(&cycles);
    let stories = Stories::read(&cycles, &mut ids, &backwards);
    Ok(assembling::Assembly::new(recording, (&spec, timeout), &cycles, &stories, &ids, &backwards)
        .scenario(&head))
}

/// The job that a scenario with these keys has, and how long it waits for an answer.
fn job(recording: &Recording, head: &toml::Table) -> Result<(JobSpec, SignedDuration), RecordError> {
    let mut whole = head.clone();
    whole.insert("title".to_owned(), recording.title.clone().into());
    let somebody = [("userPrincipalName", "somebody@recorded.invalid"), ("displayName", "Somebody")];
    let somebody: toml::Table =
        somebody.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    whole.insert("user".to_owned(), vec![toml::Value::from(somebody)].into());
    whole.insert("step".to_owned(), vec![toml::Value::from(toml::Table::new())].into());
    let (scenario, _) = parse(&whole.to_string(), &recording.file).map_err(RecordError::Job)?;
    match scenario.config.jobs.first() {
        Some(job) => Ok((JobSpec::new(&scenario.config, job, 1), job.fidelity.timeout)),
        None => Err(RecordError::Job(vec![Diagnostic::error("the scenario has no job")])),
    }
}
