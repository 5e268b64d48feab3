//! Reports as `JUnit` XML, valid against `junit-10.xsd` of Jenkins' xUnit plugin.

use std::time::Duration;

use super::{Failure, Report, Tally, Verdict};
use crate::client::one_line;

/// All reports as one document: a test suite, a test case for each scenario.
pub fn to_junit(reports: &[Report]) -> String {
    let tally = Tally::of(reports);
    let took: Duration = reports.iter().map(|report| report.took).sum();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        reports.len(),
        tally.failed,
        tally.broken,
        tally.skipped,
        seconds(took)
    );
    let cases: String = reports.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"scimulator scenarios\" \
         {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(report: &Report) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(&report.file.display().to_string()),
        escaped(&report.title),
        seconds(report.took)
    );
    let body = match &report.verdict {
        Verdict::Passed => return format!("{head}/>\n"),
        Verdict::Skipped(why) => format!("      <skipped message=\"{}\"/>\n", escaped(why)),
        Verdict::Failed(failures) => failures.iter().map(|it| element("failure", report, it)).collect(),
        Verdict::Broken(failure) => element("error", report, failure),
    };
    format!("{head}>\n{body}{}    </testcase>\n", output(report))
}

fn element(name: &str, report: &Report, failure: &Failure) -> String {
    let message =
        format!("{}: `{}`: expected {}, got {}", failure.place, failure.key, failure.expected, failure.got);
    let guilty = report.guilty(failure).map(|line| format!("guilty: {line}")).unwrap_or_default();
    format!(
        "      <{name} message=\"{}\" type=\"{}\">{}</{name}>\n",
        escaped(&message),
        escaped(&failure.key),
        escaped(&guilty)
    )
}

/// Every request of a scenario that failed: what a person looks at next.
fn output(report: &Report) -> String {
    if report.exchanges.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = report.exchanges.iter().map(one_line).collect();
    format!("      <system-out>{}</system-out>\n", escaped(&lines.join("\n")))
}

/// Seconds with a point, as the schema's pattern has them.
fn seconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

/// Text for content and attributes. What XML 1.0 can't hold becomes a question mark.
fn escaped(text: &str) -> String {
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
