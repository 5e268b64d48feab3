//! `preflight`: what it says of the embedded app, that each of its tests fails on a fault, and its reports.

mod faults;
mod federated;
mod judged;
mod reports;
mod servers;

use std::collections::BTreeMap;

use scimulator::config::TenantUrl;
use scimulator::preflight::{self, Attributes, Grade, Options, Report, TESTS, Test, Tested, Word};

use scimulator::stop::Stop;

use crate::compatibility::{Fault, HONEST, serve};

/// Tests that are run against `url`: those of these numbers, or all.
pub(super) fn options(url: &str, ids: &[&str]) -> Options {
    Options {
        url: TenantUrl::parse(url).unwrap().0,
        tenant_url: url.to_owned(),
        allow_remote: false,
        token: None,
        tests: chosen(ids),
        attributes: Attributes::Default,
        groups: true,
        verbose: false,
        domain: "preflight.example".to_owned(),
        seed: 7,
        retries: 0,
        credentials: None,
        federation: None,
        throughput: false,
        stop: Stop::default(),
    }
}

pub(super) fn chosen(ids: &[&str]) -> Vec<&'static Test> {
    TESTS.iter().filter(|test| ids.is_empty() || ids.contains(&test.id)).collect()
}

pub(super) fn run(options: &Options) -> Report {
    preflight::run(options, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// What tests of these numbers say of a server with a fault.
pub(super) fn against(fault: Fault, ids: &[&str]) -> BTreeMap<&'static str, Tested> {
    let report = run(&options(&serve(fault), ids));
    report.asked().map(|tested| (tested.test.id, tested.clone())).collect()
}

/// Grade and official word of a test.
pub(super) fn verdicts(tested: &Tested) -> (Grade, Word) {
    (tested.grade, tested.as_run)
}

/// What is told of a test that does not hold, in one text.
pub(super) fn told(tested: &Tested) -> String {
    let findings =
        tested.findings().into_iter().map(|it| format!("{}: {}, got {}", it.action, it.expected, it.got));
    findings.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_embedded_app_passes_everything_that_can_be_run_and_nothing_stays_there() {
    let url = serve(HONEST);
    for seed in [7, 8] {
        let report = run(&Options { seed, ..options(&url, &[]) });
        for tested in report.asked() {
            match tested.test.id {
                "A21" => assert_eq!(tested.skipped.unwrap().0, "not-configured"),
                "A22" => assert_eq!(tested.skipped.unwrap().0, "needs-entra"),
                id => assert_eq!(verdicts(tested), (Grade::Passed, Word::Passed), "{id}: {}", told(tested)),
            }
        }
        assert!(report.is_fine());
        // Neither of the two authentication tests passed, which the official run takes for a failure.
        assert_eq!(report.overall_as_run(), "Failed");
        assert_eq!((report.warnings, report.left), (Vec::<String>::new(), Vec::new()));
    }
    // The other form of direct updates, and the pages of an app that has enough already.
    let verbose = Options { verbose: true, seed: 9, ..options(&url, &["A16", "A18", "A20", "A23"]) };
    assert!(run(&verbose).asked().all(|tested| tested.grade == Grade::Passed));
    // A feature flag is for the job; the direct tests never carry it.
    let flagged = options(&format!("{url}?aadOptscim062020"), &[]);
    for tested in run(&flagged).asked().filter(|tested| tested.skipped.is_none()) {
        assert_eq!(tested.grade, Grade::Passed, "{}: {}", tested.test.id, told(tested));
    }
    // Nothing of the runs before is there: eleven users have to be made again, and the second page has what was made.
    let users = get(&format!("{url}/Users?count=0"));
    assert!(users.contains("\"totalResults\":0"), "{users}");
}

/// The body of an answer to a GET.
pub(super) fn get(url: &str) -> String {
    use std::io::{Read as _, Write as _};
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
