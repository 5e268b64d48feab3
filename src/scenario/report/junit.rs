//! Reports as `JUnit` XML, valid against `junit-10.xsd` of Jenkins' xUnit plugin.

use std::time::Duration;

use super::{Failure, Report, Verdict};
use crate::client::one_line;

/// Test cases under one name.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The name.
    pub name: String,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One test case.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it belongs to.
    pub class: String,
    /// Its name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// What a person looks at next, line by line.
    pub output: Vec<String>,
}

/// How a test case ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// It was not run: why.
    Skipped(String),
    /// These did not hold.
    Failed(Vec<Problem>),
    /// It could not be run to its end.
    Broken(Problem),
}

/// Something that did not hold.
#[derive(Debug, Clone)]
pub struct Problem {
    /// In a sentence.
    pub message: String,
    /// Which sort it is.
    pub kind: String,
    /// What shows it.
    pub detail: String,
}

/// All reports as one document: a test suite, a test case for each scenario.
pub fn to_junit(reports: &[Report]) -> String {
    document(&[Suite {
        name: "scimulator scenarios".to_owned(),
        cases: reports.iter().map(of_report).collect(),
    }])
}

/// Suites as one document.
pub fn document(suites: &[Suite]) -> String {
    let suites: String = suites.iter().map(suite).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn of_report(report: &Report) -> Case {
    let problem = |failure: &Failure| Problem {
        message: format!(
            "{}: `{}`: expected {}, got {}",
            failure.place, failure.key, failure.expected, failure.got
        ),
        kind: failure.key.clone(),
        detail: report.guilty(failure).map(|line| format!("guilty: {line}")).unwrap_or_default(),
    };
    Case {
        class: report.file.display().to_string(),
        name: report.title.clone(),
        took: report.took,
        outcome: match &report.verdict {
            Verdict::Passed => Outcome::Passed,
            Verdict::Skipped(why) => Outcome::Skipped(why.clone()),
            Verdict::Failed(failures) => Outcome::Failed(failures.iter().map(problem).collect()),
            Verdict::Broken(failure) => Outcome::Broken(problem(failure)),
        },
        // Every request of a scenario that failed.
        output: match report.verdict {
            Verdict::Passed => Vec::new(),
            Verdict::Skipped(_) | Verdict::Failed(_) | Verdict::Broken(_) => {
                report.exchanges.iter().map(one_line).collect()
            }
        },
    }
}

fn suite(suite: &Suite) -> String {
    let count = |is_it: fn(&Outcome) -> bool| suite.cases.iter().filter(|case| is_it(&case.outcome)).count();
    let took: Duration = suite.cases.iter().map(|case| case.took).sum();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        suite.cases.len(),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Broken(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        seconds(took)
    );
    let cases: String = suite.cases.iter().map(case).collect();
    format!("  <testsuite name=\"{}\" {counts}>\n{cases}  </testsuite>\n", escaped(&suite.name))
}

fn case(case: &Case) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(&case.class),
        escaped(&case.name),
        seconds(case.took)
    );
    let body = match &case.outcome {
        Outcome::Passed => String::new(),
        Outcome::Skipped(why) => format!("      <skipped message=\"{}\"/>\n", escaped(why)),
        Outcome::Failed(problems) => problems.iter().map(|it| element("failure", it)).collect(),
        Outcome::Broken(problem) => element("error", problem),
    };
    let body = body + &output(&case.output);
    if body.is_empty() { format!("{head}/>\n") } else { format!("{head}>\n{body}    </testcase>\n") }
}

fn element(name: &str, problem: &Problem) -> String {
    format!(
        "      <{name} message=\"{}\" type=\"{}\">{}</{name}>\n",
        escaped(&problem.message),
        escaped(&problem.kind),
        escaped(&problem.detail)
    )
}

fn output(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("      <system-out>{}</system-out>\n", escaped(&lines.join("\n")))
}

/// Seconds with a point, as the schema's pattern has them.
fn seconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

/// Text for content and attributes, of HTML too. What XML 1.0 can't hold becomes a question mark.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            other if other.is_control() && other < ' ' => escaped.push('?'),
            other => escaped.push(other),
        }
    }
    escaped
}
