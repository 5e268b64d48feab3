//! For programs: the results in Microsoft's two shapes (`preflight.md 4`), and every check.

use serde_json::{Value, json};

use super::{NOTICE, Report};
use crate::preflight::judge::{Check, Weight, Word};
use crate::preflight::list::{Kind, Suite};
use crate::preflight::{Grade, Tested};

/// The version of this document's shape.
const FORMAT_VERSION: u32 = 1;

/// The report as one document: `gallery` in the shape of the orchestrator's result, `validator` in that of the web
/// page, `tests` with everything that was looked at.
pub fn to_json(report: &Report) -> Value {
    let of = |suite: Suite| report.tested.iter().filter(move |tested| tested.test.suite() == suite);
    json!({
        "formatVersion": FORMAT_VERSION,
        "url": report.url,
        "seed": report.seed,
        "durationMs": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "notice": NOTICE,
        "verdictAsRun": report.verdict_as_run(),
        "verdict": if report.is_fine() { "passed" } else { "failed" },
        "counts": {
            "passed": report.count(Grade::Passed),
            "tolerated": report.count(Grade::Tolerated),
            "failed": report.count(Grade::Failed),
            "skipped": report.count(Grade::Skipped),
        },
        "warnings": report.warnings,
        "left": report.left,
        "throughput": report.throughput.map(|it| json!({
            "requests": it.requests,
            "requestsPerSecond": it.per_second(),
            "verdict": if it.is_enough() { "passed" } else { "failed" },
        })),
        "tests": report.asked().map(tested).collect::<Vec<_>>(),
        "gallery": {
            "testResults": of(Suite::Gallery).map(gallery).collect::<Vec<_>>(),
            "childWorkflowRunLinks": {},
            "overallResult": report.overall_as_run(),
        },
        "validator": { "results": {
            "data": {
                "CorrelationId": "",
                "InvalidCredentials": false,
                "Message": null,
                "WarningMessage": null,
                "ErrorTrace": null,
                "SFComplianceFailed": false,
                "PassedTests": of(Suite::Validator).filter(|it| is_in(it, true)).map(validator).collect::<Vec<_>>(),
                "FailedTests": of(Suite::Validator).filter(|it| is_in(it, false)).map(validator).collect::<Vec<_>>(),
                "Warnings": report.warnings,
                "PreviewTests": of(Suite::Validator)
                    .filter(|it| it.test.kind == Kind::Preview && it.grade != Grade::Skipped)
                    .map(validator)
                    .collect::<Vec<_>>(),
            },
            "message": null,
            "errorTrace": null,
            "success": true,
        } },
    })
}

fn is_in(tested: &Tested, passed: bool) -> bool {
    tested.test.kind == Kind::Mandatory
        && tested.grade != Grade::Skipped
        && (tested.as_run == Word::Passed) == passed
}

fn tested(tested: &Tested) -> Value {
    let test = tested.test;
    json!({
        "id": test.id,
        "name": test.name,
        "description": test.about,
        "suite": test.suite().title(),
        "area": test.area.as_str(),
        "category": test.kind.as_str(),
        "grade": tested.grade.as_str(),
        "verdictAsRun": tested.as_run.as_str(),
        "reason": tested.skipped.map(|(word, _)| word),
        "reasonText": tested.skipped.map(|(_, sentence)| sentence),
        "advice": tested.advice(),
        "rule": test.rule,
        "durationMs": tested.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "checks": tested.checks.iter().map(check).collect::<Vec<_>>(),
    })
}

fn check(check: &Check) -> Value {
    json!({
        "phase": check.phase,
        "action": check.action,
        "expected": check.expected,
        "got": check.got,
        "holds": check.holds,
        "decides": match check.weight {
            Weight::Both => "both",
            Weight::Documented => "documented",
            Weight::AsRun => "as run",
            Weight::Remark => "nothing",
        },
        "request": check.request,
    })
}

fn gallery(tested: &Tested) -> Value {
    let is_failure = matches!(tested.as_run, Word::Failed | Word::Warning);
    let got = tested.findings().first().map(|check| super::told(check)).filter(|_| is_failure);
    json!({
        "testName": tested.test.name,
        "testCategory": tested.test.kind.as_str(),
        "testResult": tested.result_as_run(),
        "provisioningErrorDetails": got.unwrap_or_default(),
        "recommendationUrl": "",
        "runLink": "",
        "message": tested.skipped.map_or("", |(_, sentence)| sentence),
    })
}

fn validator(tested: &Tested) -> Value {
    let results = tested.checks.iter().map(|check| {
        let message = if check.holds { check.expected.clone() } else { super::told(check) };
        json!({ "Message": message, "Outcome": u8::from(!check.holds), "MoreInformation": check.got })
    });
    json!({
        "Name": tested.test.name,
        "Description": tested.test.about,
        "Results": results.collect::<Vec<_>>(),
        "RequestBody": tested.checks.first().and_then(|check| check.request.clone()),
        "InitialRequestBodies": null,
        "SFComplianceOptional": false,
        "HasTestPassed": tested.as_run == Word::Passed,
        "TestexecutionTime": tested.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "Category": u8::from(tested.test.kind == Kind::Preview),
    })
}
