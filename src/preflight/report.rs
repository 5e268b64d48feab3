//! What came of a pre-flight, in the forms that people and programs read.

use std::time::Duration;

use super::judge::{Check, Grade, REQUESTS_PER_SECOND, SET_UP, Weight, Word};
use super::list::{Kind, Suite};
use super::{DESELECTED, STOPPED, Tested, Throughput};
use crate::scenario::report::junit::{self, Case, Outcome, Problem};

mod html;
mod json;
mod text;

pub use html::to_html;
pub use json::to_json;
pub use text::{line, to_text};

/// What is said with every report.
pub const NOTICE: &str = "This does not replace the official run: Microsoft's gallery validation needs a tenant and \
                          its own Logic App, and its result is what a submission names.";

/// What the official run covers and this does not (`preflight.md 5.3`).
pub const NOT_COVERED: &str = "Not covered: Graph permissions, job ownership, allow-lists, verified domain, run links \
                               and template integrity, the 40-minute cadence against the suite's poll \
                               limits.";

/// What came of a pre-flight.
#[derive(Debug, Clone)]
pub struct Report {
    /// The endpoint.
    pub url: String,
    /// The same seed gives the same names and values.
    pub seed: u64,
    /// What came of each test, in the order of the list.
    pub tested: Vec<Tested>,
    /// What is odd about the endpoint as a whole.
    pub warnings: Vec<String>,
    /// What could not be taken away again.
    pub left: Vec<String>,
    /// How fast it was in a burst of reads, where that was measured.
    pub throughput: Option<Throughput>,
    /// How long it took, in real time.
    pub took: Duration,
}

impl Report {
    /// Whether no mandatory test failed, by the documents.
    pub fn is_fine(&self) -> bool {
        self.tested.iter().all(|tested| tested.grade != Grade::Failed)
    }

    /// What the official gallery run concludes of the tests that there are (`preflight.md 1.7`): `Succeeded` or `Failed`.
    pub fn overall_as_run(&self) -> &'static str {
        let of_gallery = || self.tested.iter().filter(|tested| tested.test.suite() == Suite::Gallery);
        let is_key = |tested: &&Tested| matches!(tested.test.id, "A21" | "A22");
        let failed = of_gallery().any(|tested| !is_key(&tested) && tested.as_run == Word::Failed);
        let let_in = of_gallery().filter(is_key).any(|tested| tested.as_run == Word::Passed);
        if failed || !let_in { "Failed" } else { "Succeeded" }
    }

    /// The same in words, for a run that has all tests of the suite. Of some of them it concludes nothing.
    pub fn verdict_as_run(&self) -> String {
        let of_gallery = || self.tested.iter().filter(|tested| tested.test.suite() == Suite::Gallery);
        let ran = of_gallery().filter(|tested| {
            tested.skipped.is_none_or(|(word, _)| word != DESELECTED.0 && word != STOPPED.0)
        });
        let (ran, all) = (ran.count(), of_gallery().count());
        if ran == all {
            return self.overall_as_run().to_owned();
        }
        format!("no verdict, {ran} of its {all} tests ran")
    }

    /// How many tests have this grade; those that were not asked for do not count.
    pub fn count(&self, grade: Grade) -> usize {
        self.asked().filter(|tested| tested.grade == grade).count()
    }

    /// The tests that were asked for.
    pub fn asked(&self) -> impl Iterator<Item = &Tested> {
        self.tested.iter().filter(|tested| tested.skipped.is_none_or(|(word, _)| word != DESELECTED.0))
    }
}

impl Tested {
    /// What does not hold, the weightiest first.
    pub fn findings(&self) -> Vec<&Check> {
        let mut found: Vec<&Check> = self.checks.iter().filter(|check| !check.holds).collect();
        found.sort_by_key(|check| match check.weight {
            Weight::Both => 0,
            Weight::Documented => 1,
            Weight::AsRun => 2,
            Weight::Remark => 3,
        });
        found
    }

    /// What to change.
    pub fn advice(&self) -> &'static str {
        let is_set_up = self.findings().first().is_some_and(|check| check.phase == SET_UP);
        if is_set_up {
            "take what the suite creates its resources with, or take those attributes off the list; what the test is \
             about was not reached"
        } else {
            self.test.advice
        }
    }

    /// The text that the official gallery run leaves (`preflight.md 2.2`).
    pub fn result_as_run(&self) -> String {
        let word = match self.as_run {
            Word::Passed => return "success".to_owned(),
            Word::Skipped => return "SKIPPED".to_owned(),
            Word::Warning => "WARNING",
            Word::Failed => "FAILED",
        };
        let mut decisive = self.findings();
        decisive.retain(|check| matches!(check.weight, Weight::Both | Weight::AsRun));
        let Some(check) = decisive.first() else {
            return format!("{word} - {}", self.skipped.map_or("", |(_, sentence)| sentence));
        };
        if check.phase.is_empty() || self.took.is_some() {
            return format!("{word} - Action: {} - {}", check.action, check.got);
        }
        let (log, target) = if check.expected.contains("provisioning log") {
            (check.got.as_str(), "success")
        } else {
            ("success", check.got.as_str())
        };
        format!("{word} - [{} Phase] Provisioning: {log} | SCIM: {}: {target}", check.phase, check.action)
    }
}

/// Requests a second, in a sentence.
fn pace(throughput: &Throughput) -> String {
    let verdict = if throughput.is_enough() { "passed" } else { "failed" };
    format!(
        "throughput {verdict}: {:.0} requests a second in a burst of {} reads; {REQUESTS_PER_SECOND} are asked for",
        throughput.per_second(),
        throughput.requests
    )
}

/// A finding in a sentence.
fn told(check: &Check) -> String {
    let phase = if check.phase.is_empty() { String::new() } else { format!("[{}] ", check.phase) };
    format!("{phase}{}: expected {}, got {}", check.action, check.expected, check.got)
}

/// Whose verdict a finding leaves alone, where it is one of the two.
fn remark(weight: Weight) -> &'static str {
    match weight {
        Weight::Both => "",
        Weight::Documented => " (the official run does not look at it)",
        Weight::AsRun => " (the official run insists, the documents do not)",
        Weight::Remark => " (tolerated)",
    }
}

/// `JUnit` XML: a suite an area, a case a test. What fails an optional or preview test is a note in its output.
pub fn to_junit(report: &Report) -> String {
    let mut suites: Vec<junit::Suite> = Vec::new();
    for tested in report.asked() {
        let test = tested.test;
        let name = format!("{}: {}", test.suite().title(), test.area.as_str());
        let findings = tested.findings();
        let problem = |check: &&Check| Problem {
            message: told(check),
            kind: check.action.clone(),
            detail: format!(
                "{}\nto change: {}\nrule: {}",
                check.request.as_deref().unwrap_or_default(),
                tested.advice(),
                test.rule
            ),
        };
        let decisive = findings.iter().filter(|it| matches!(it.weight, Weight::Both | Weight::Documented));
        let outcome = match tested.grade {
            Grade::Passed | Grade::Tolerated => Outcome::Passed,
            Grade::Skipped => {
                let (word, sentence) = tested.skipped.unwrap_or_default();
                Outcome::Skipped(format!("{word}: {sentence}"))
            }
            Grade::Failed => Outcome::Failed(decisive.map(problem).collect()),
        };
        let output = match tested.grade {
            Grade::Tolerated => {
                findings.iter().map(|it| format!("{}{}", told(it), remark(it.weight))).collect()
            }
            Grade::Passed | Grade::Skipped | Grade::Failed => Vec::new(),
        };
        let case = Case {
            class: format!("preflight.{}", test.area.as_str()),
            name: format!("{} {}", test.id, test.title()),
            took: tested.took.unwrap_or_default(),
            outcome,
            output,
        };
        match suites.iter_mut().find(|suite| suite.name == name) {
            Some(suite) => suite.cases.push(case),
            None => suites.push(junit::Suite { name, cases: vec![case] }),
        }
    }
    junit::document(&suites)
}

/// The grade, and what makes it one of several.
fn graded(tested: &Tested) -> String {
    let kind = match tested.test.kind {
        Kind::Mandatory => "",
        Kind::Optional => " (optional)",
        Kind::Preview => " (preview)",
    };
    format!("{}{kind}", tested.grade.as_str())
}

/// Whether the two verdicts are not the same.
fn differs(tested: &Tested) -> bool {
    match tested.grade {
        Grade::Passed | Grade::Tolerated => tested.as_run != Word::Passed,
        Grade::Skipped => tested.as_run != Word::Skipped,
        Grade::Failed => tested.as_run != Word::Failed,
    }
}
