//! A report for people.

use std::fmt::Write as _;

use super::{Failure, Report, Verdict};
use crate::engine::entry::seconds;

/// The report of a scenario: one line when nothing is wrong, else each failure with its place.
pub fn to_text(report: &Report) -> String {
    let mut text = format!("{:<7} {}  {}", report.verdict.as_str(), report.name, report.title);
    if let Some(prefix) = &report.prefix {
        write!(text, "  (names begin with `{prefix}`)").ok();
    }
    if let Verdict::Skipped(why) = &report.verdict {
        write!(text, "\n  {why}").ok();
    }
    for failure in report.failures() {
        text.push_str(&of_failure(report, failure));
    }
    for left in &report.left {
        write!(text, "\n  left in the target: {left}").ok();
    }
    text
}

fn of_failure(report: &Report, failure: &Failure) -> String {
    let Failure { place, step, at, key, expected, got, .. } = failure;
    let title = failure.title.as_ref().map(|title| format!(", {title}")).unwrap_or_default();
    let mut text = format!("\n  {place}: `{key}` (step {step}{title}, {})", seconds(*at));
    write!(text, "\n    expected  {}", indented(expected)).ok();
    write!(text, "\n    got       {}", indented(got)).ok();
    if let Some(guilty) = report.guilty(failure) {
        write!(text, "\n    guilty    {guilty}").ok();
    }
    text
}

/// Further lines under the first one.
fn indented(text: &str) -> String {
    text.replace('\n', "\n              ")
}
