//! Reports as workflow commands of GitHub Actions, which show them at their line of the changed file.

use std::fmt::Write as _;

use super::{Failure, Report};

/// One `::error` line for each failure.
pub fn annotations(reports: &[Report]) -> Vec<String> {
    reports
        .iter()
        .flat_map(|report| report.failures().iter().map(|failure| annotation(report, failure)))
        .collect()
}

fn annotation(report: &Report, failure: &Failure) -> String {
    let mut properties = format!("file={}", property(&failure.place.file.display().to_string()));
    for (name, number) in [("line", failure.place.line), ("col", failure.place.column)] {
        if let Some(number) = number {
            write!(properties, ",{name}={number}").ok();
        }
    }
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
