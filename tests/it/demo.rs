//! The tour: what a stranger reads, and what was really sent.

use crate::common::Project;
use crate::sources::root;

/// The requests below a line that ends so, as method, path (ids and probe values cut off) and status.
fn requests(transcript: &str, heading: &str) -> Vec<String> {
    let (_, rest) = transcript.split_once(heading).unwrap_or_else(|| panic!("no `{heading}`"));
    let lines = rest.lines().skip(1).take_while(|line| line.starts_with("       "));
    let request = |line: &str| {
        let mut words = line.split_whitespace();
        let method = words.next().filter(|word| ["GET", "POST", "PATCH", "DELETE"].contains(word))?;
        let place = words.next()?.split(['?', '/']).nth(1)?.to_owned();
        let status = line.split("  ").map(str::trim).find(|part| part.parse::<u16>().is_ok())?;
        Some(format!("{method} /{place} {status}"))
    };
    lines.filter_map(request).collect()
}

fn transcript() -> String {
    let output = Project::with([]).scimulator(["demo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_tour_reads_as_it_was_approved_and_is_the_same_each_time() {
    let (first, second) = (transcript(), transcript());
    assert_eq!(first, second);
    let file = root().join("tests/data/demo/transcript.txt");
    if std::env::var_os("SCIMULATOR_BLESS").is_some() {
        std::fs::write(&file, &first).unwrap();
    }
    let approved = std::fs::read_to_string(&file).unwrap();
    assert_eq!(first, approved, "run the tests with SCIMULATOR_BLESS=1 and read the difference");
}

#[test]
fn a_job_whose_token_is_refused_asks_once_an_attempt_and_goes_on_when_it_is_let_in() {
    let told = transcript();
    // `engine.md 6.4`: after 30 minutes, then 1 and 2 hours.
    let attempts = [
        ("09:20  Incremental cycle", "in 30 minutes, at 09:50."),
        ("09:50  The next attempt", "in 60 minutes, at 10:50."),
        ("10:50  The next attempt", "in 120 minutes, at 12:50."),
    ];
    for (heading, next) in attempts {
        assert_eq!(requests(&told, heading), ["GET /Users 401"], "{heading}");
        let after = told.split_once(heading).unwrap().1;
        let said: String = after.lines().take(4).collect();
        assert!(said.contains("in quarantine (EncounteredQuarantineException)"), "{said}");
        assert!(said.contains(&format!("Next attempt {next}")), "{said}");
    }
    // 28 days after it began, and not after the last attempt.
    for words in
        ["since         2026-03-02T09:20:00Z", "disabled      2026-03-30T09:20:00Z", "way out       "]
    {
        assert!(told.contains(words), "{words}");
    }
    let recovery = requests(&told, "12:50  The next attempt");
    assert_eq!(recovery, ["GET /Users 200", "GET /Groups 200", "GET /Users 200", "PATCH /Users 200"]);
    assert!(told.contains("Replace title=Senior Engineer"));
    assert!(told.trim_end().ends_with("The next cycle is due at 13:30."), "40 minutes again");
}

#[test]
fn the_first_act_creates_whoever_is_assigned_and_disables_the_leaver() {
    let told = transcript();
    let initial = requests(&told, "08:00  Initial cycle");
    let created = |request: &&String| request.starts_with("POST") && request.ends_with(" 201");
    assert_eq!(initial.iter().filter(created).count(), 5, "four users and a group: {initial:?}");
    assert!(!told.contains("eli@contoso.com"), "he is not assigned");
    let leaver = requests(&told, "08:40  Incremental cycle");
    assert_eq!(leaver[2..], ["GET /Users 200", "PATCH /Users 200"]);
    assert!(told.contains("Replace active=False"));
}
