//! One page that can be sent to a colleague: nothing in it is fetched from elsewhere.

use std::fmt::Write as _;

use super::{NOT_COVERED, NOTICE, Report, differs, graded, pace, remark, told};
use crate::preflight::list::Suite;
use crate::preflight::{Grade, Tested};
use crate::scenario::report::junit::escaped;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1b1b;background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;\
    border-bottom:1px solid #ddd}code{font-size:.85em;overflow-wrap:anywhere}ul{margin:.3rem 0;padding-left:1.2rem}\
    .passed{color:#0a6b2d}.failed{color:#a80000;font-weight:600}.tolerated{color:#7a4b00}.skipped{color:#555}\
    .notice{border-left:4px solid #7a4b00;padding:.4rem .8rem;background:#fdf6e9}\
    @media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#1b1b1b}.notice{background:#2b2415}\
    td,th{border-color:#444}.passed{color:#6ccb8a}.failed{color:#ff8d85}.tolerated{color:#f0b45b}.skipped{color:#aaa}}";

/// The report as a page. `when` is when it was made.
pub fn to_html(report: &Report, when: &str) -> String {
    let title = format!("Pre-flight of {}", report.url);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n\
         <p>{1} passed, {2} tolerated, {3} failed, {4} skipped; {5}, seed {6}. The official gallery run, as run: \
         <strong>{7}</strong>.</p>\n<p class=\"notice\">{8}<br>{9}</p>\n",
        escaped(&title),
        report.count(Grade::Passed),
        report.count(Grade::Tolerated),
        report.count(Grade::Failed),
        report.count(Grade::Skipped),
        escaped(when),
        report.seed,
        report.verdict_as_run(),
        escaped(NOTICE),
        escaped(NOT_COVERED),
    );
    for (class, list) in [("tolerated", &report.warnings), ("failed", &report.left)] {
        for item in list {
            let what = if class == "failed" { "Left behind: " } else { "Warning: " };
            writeln!(page, "<p class=\"{class}\">{what}{}</p>", escaped(item)).unwrap_or_default();
        }
    }
    if let Some(throughput) = &report.throughput {
        writeln!(page, "<p>{}</p>", escaped(&pace(throughput))).unwrap_or_default();
    }
    for suite in [Suite::Gallery, Suite::Validator] {
        let rows: String = report.asked().filter(|it| it.test.suite() == suite).map(row).collect();
        if !rows.is_empty() {
            writeln!(
                page,
                "<h2>{}</h2>\n<table>\n<tr><th>verdict</th><th>test</th><th>what to know</th></tr>\n{rows}</table>",
                suite.title()
            ).unwrap_or_default();
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn row(tested: &Tested) -> String {
    let test = tested.test;
    let as_run =
        if differs(tested) { format!("<br>as run: {}", tested.as_run.as_str()) } else { String::new() };
    let mut more = String::new();
    if let Some((word, sentence)) = tested.skipped {
        more = format!("{}: {}", escaped(word), escaped(sentence));
    }
    let findings = tested.findings();
    if !findings.is_empty() {
        let item = |text: &str, request: Option<&str>| {
            let request =
                request.map(|line| format!("<br><code>{}</code>", escaped(line))).unwrap_or_default();
            format!("<li>{}{request}</li>", escaped(text))
        };
        let items = findings
            .iter()
            .map(|it| item(&format!("{}{}", told(it), remark(it.weight)), it.request.as_deref()));
        more = format!(
            "<ul>{}</ul>To change: {} <em>({})</em>",
            items.collect::<String>(),
            escaped(tested.advice()),
            escaped(test.rule)
        );
    }
    format!(
        "<tr><td class=\"{}\">{}{as_run}</td><td>{} {}<br><small>{}</small></td><td>{more}</td></tr>\n",
        tested.grade.as_str(),
        escaped(&graded(tested)),
        test.id,
        escaped(test.name),
        escaped(test.about)
    )
}
