//! For people at a terminal.

use super::{NOT_COVERED, NOTICE, Report, differs, graded, pace, remark, told};
use crate::preflight::Tested;
use crate::preflight::judge::{Grade, Weight};

/// One test as a line.
pub fn line(tested: &Tested) -> String {
    let took = tested.took.map(|took| format!("  {} ms", took.as_millis())).unwrap_or_default();
    let why = tested.skipped.map(|(word, _)| format!("  {word}")).unwrap_or_default();
    let as_run =
        if differs(tested) { format!("  as run: {}", tested.as_run.as_str()) } else { String::new() };
    format!("{:<21} {:<4} {}{why}{as_run}{took}", graded(tested), tested.test.id, tested.test.title())
}

/// What is to change, the warnings and the verdicts: what follows the lines.
pub fn to_text(report: &Report) -> String {
    let mut lines = Vec::new();
    for tested in report.asked().filter(|tested| matches!(tested.grade, Grade::Failed | Grade::Tolerated)) {
        lines.push(String::new());
        lines.push(format!("{} {}: {}", tested.test.id, tested.test.title(), graded(tested)));
        let mut shown: Option<&String> = None;
        for check in tested.findings() {
            lines.push(format!("  {}{}", told(check), remark(check.weight)));
            // One exchange may show several things.
            let request = check.request.as_ref().filter(|request| shown != Some(*request));
            lines.extend(request.map(|request| format!("    {request}")));
            shown = request.or(shown);
        }
        lines.push(format!("  to change: {} [{}]", tested.advice(), tested.test.rule));
        let is_harder = tested.findings().iter().any(|check| check.weight == Weight::AsRun);
        if is_harder || differs(tested) {
            lines.push(format!("  as run: {}", tested.result_as_run()));
        }
    }
    for tested in report.asked().filter(|tested| tested.grade == Grade::Skipped) {
        if let Some((word, sentence)) = tested.skipped {
            lines.push(String::new());
            lines.push(format!("{} {}: skipped, {word}: {sentence}", tested.test.id, tested.test.title()));
        }
    }
    lines.push(String::new());
    lines.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.extend(report.left.iter().map(|left| format!("left behind: {left}")));
    lines.extend(report.throughput.iter().map(pace));
    let counts = [Grade::Passed, Grade::Tolerated, Grade::Failed, Grade::Skipped];
    let counts: Vec<String> =
        counts.iter().map(|grade| format!("{} {}", report.count(*grade), grade.as_str())).collect();
    let asked = report.asked().count();
    let seconds = report.took.as_secs_f64();
    lines.push(format!(
        "{} of {asked} test{}, in {seconds:.1} s, seed {}",
        counts.join(", "),
        if asked == 1 { "" } else { "s" },
        report.seed
    ));
    lines.push(format!("the official gallery run, as run: {}", report.verdict_as_run()));
    lines.push(NOTICE.to_owned());
    lines.push(NOT_COVERED.to_owned());
    lines.join("\n")
}
