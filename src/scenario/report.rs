//! What came of scenarios, as values and in the forms that people and programs read.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Exchange, har, one_line};
use crate::clock::Timestamp;
use crate::diagnostic::Place;

mod github;
mod json;
pub mod junit;
mod text;

pub use github::{annotations, annotations_of_findings};
pub use json::{FORMAT_VERSION, to_json};
pub use junit::to_junit;
pub use text::to_text;

/// What came of one scenario.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The name of the scenario.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What stood before the names of this run, where it ran against somebody's app.
    pub prefix: Option<String>,
    /// The steps that were done; the scenario ends with the first one of which something does not hold.
    pub steps: usize,
    /// Cycles that ran.
    pub cycles: u64,
    /// Cycles that were cut off: their process was killed.
    pub kills: u64,
    /// From when to when, in virtual time.
    pub span: (Timestamp, Timestamp),
    /// Every exchange, in the order in which answers came.
    pub exchanges: Vec<Exchange>,
    /// What the embedded app held in the end, read out of band; empty for another target, and where the report is
    /// without personal data.
    pub held: Vec<Value>,
    /// What it left in the target and could not take away again.
    pub left: Vec<String>,
    /// How long it took, in real time.
    pub took: Duration,
}

/// How a scenario ended.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// These did not, all of one step.
    Failed(Vec<Failure>),
    /// It could not be played to its end: why.
    Broken(Failure),
    /// It was not played: why.
    Skipped(String),
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where it is written.
    pub place: Place,
    /// Which step, from 1.
    pub step: usize,
    /// What the step is about.
    pub title: Option<String>,
    /// Virtual time at the end of the step.
    pub at: Timestamp,
    /// The key, as the file has it: `expect.requests[2]`.
    pub key: String,
    /// What was expected.
    pub expected: String,
    /// What there is instead.
    pub got: String,
    /// The first request that is to blame, as its place in [`Report::exchanges`].
    pub guilty: Option<usize>,
}

impl Report {
    /// Whether nothing speaks against it: it passed, or was not played.
    pub fn is_fine(&self) -> bool {
        matches!(self.verdict, Verdict::Passed | Verdict::Skipped(_))
    }

    /// What did not hold.
    pub fn failures(&self) -> &[Failure] {
        match &self.verdict {
            Verdict::Failed(failures) => failures,
            Verdict::Broken(failure) => std::slice::from_ref(failure),
            Verdict::Passed | Verdict::Skipped(_) => &[],
        }
    }

    /// The request to blame, as a line.
    pub fn guilty(&self, failure: &Failure) -> Option<String> {
        self.exchanges.get(failure.guilty?).map(one_line)
    }
}

impl Verdict {
    /// One word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Broken(_) => "broken",
            Self::Skipped(_) => "skipped",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(self))
    }
}

/// How many scenarios ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Everything held.
    pub passed: usize,
    /// Something did not hold.
    pub failed: usize,
    /// Not played to the end.
    pub broken: usize,
    /// Not played.
    pub skipped: usize,
}

impl Tally {
    /// Counts.
    pub fn of(reports: &[Report]) -> Self {
        let mut tally = Self::default();
        for report in reports {
            *match report.verdict {
                Verdict::Passed => &mut tally.passed,
                Verdict::Failed(_) => &mut tally.failed,
                Verdict::Broken(_) => &mut tally.broken,
                Verdict::Skipped(_) => &mut tally.skipped,
            } += 1;
        }
        tally
    }
}

/// The exchanges of all scenarios as one HAR document.
pub fn to_har(reports: &[Report]) -> Value {
    har(reports.iter().flat_map(|report| &report.exchanges))
}
