//! Reports as workflow commands of GitHub Actions, which show them at their line of the changed file.

use std::fmt::Write as _;

use super::{Failure, Report};
use crate::diagnostic::{Diagnostic, Place, Severity};

/// One `::error` line for each failure.
pub fn annotations(reports: &[Report]) -> Vec<String> {
    reports
        .iter()
        .flat_map(|report| report.failures().iter().map(|failure| annotation(report, failure)))
        .collect()
}

/// One line for each finding that has a place: `::error` for a mistake, `::warning` for what deserves one.
pub fn annotations_of_findings(findings: &[Diagnostic]) -> Vec<String> {
    let line = |finding: &Diagnostic| {
        let place = properties(finding.place.as_ref()?);
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let help = finding.help.iter().map(|help| format!("\nhelp: {help}"));
        let message = format!("{}{}", finding.message, help.collect::<String>());
        Some(format!("::{word} {place}::{}", data(&message)))
    };
    findings.iter().filter_map(line).collect()
}

fn properties(place: &Place) -> String {
    let mut properties = format!("file={}", property(&place.file.display().to_string()));
    for (name, number) in [("line", place.line), ("col", place.column)] {
        if let Some(number) = number {
            write!(properties, ",{name}={number}").ok();
        }
    }
    properties
}

fn annotation(report: &Report, failure: &Failure) -> String {
    let properties = properties(&failure.place);
    let title = format!("{}: {}", report.title, failure.key);
    let mut message = format!("expected {}\ngot {}", failure.expected, failure.got);
    if let Some(guilty) = report.guilty(failure) {
        write!(message, "\nguilty {guilty}").ok();
    }
    format!("::error {properties},title={}::{}", property(&title), data(&message))
}

/// Text after the colons: GitHub reads `%`, CR and LF percent-encoded.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value, in which colon and comma are encoded as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
