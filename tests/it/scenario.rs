//! Scenarios: the language, the runner, each kind of expectation, the reports, and the pack that ships.

mod command;
mod expectations;
mod faults;
mod language;
mod pack;
mod recorded;
mod remote;
pub(crate) mod reports;

use std::path::Path;

use scimulator::scenario::{self, Failure, Options, Report, Scenario};

/// Carla, her report Adele, Ben; a group of Adele and Ben. All are assigned but Zoe.
const DIRECTORY: &str = r#"
[[user]]
userPrincipalName = "carla@contoso.com"
objectId = "00000000-0000-4000-8000-000000000001"
displayName = "Carla Okoro"
mailNickname = "carla"
[[user]]
userPrincipalName = "adele@contoso.com"
objectId = "00000000-0000-4000-8000-000000000002"
displayName = "Adele Berg"
givenName = "Adele"
mail = "adele@contoso.com"
mailNickname = "adele"
department = "Sales"
manager = "carla@contoso.com"
[[user]]
userPrincipalName = "ben@contoso.com"
objectId = "00000000-0000-4000-8000-000000000003"
displayName = "Ben Ito"
mailNickname = "ben"
[[user]]
userPrincipalName = "zoe@contoso.com"
objectId = "00000000-0000-4000-8000-000000000004"
displayName = "Zoe Young"
mailNickname = "zoe"
[[group]]
objectId = "00000000-0000-4000-8000-000000000009"
displayName = "Sales"
members = ["adele@contoso.com", "ben@contoso.com"]
[[assignment]]
principal = "Sales"
[[assignment]]
principal = "carla@contoso.com"
"#;

/// A scenario on [`DIRECTORY`] with these steps.
fn text_of(steps: &str) -> String {
    format!("title = \"A test\"\n{DIRECTORY}{steps}")
}

#[track_caller]
fn parsed(text: &str) -> Scenario {
    match scenario::parse(text, Path::new("test.toml")) {
        Ok((scenario, warnings)) => {
            assert!(warnings.is_empty(), "{warnings:?}");
            scenario
        }
        Err(findings) => {
            panic!("{}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// What comes of these steps against the embedded app.
#[track_caller]
fn played(steps: &str) -> Report {
    scenario::run(&parsed(&text_of(steps)), &Options::embedded())
}

#[track_caller]
fn passes(steps: &str) -> Report {
    let report = played(steps);
    assert_eq!(report.verdict.as_str(), "passed", "{report}");
    report
}

/// The one thing that does not hold, and the request to blame.
#[track_caller]
fn fails(steps: &str) -> (Failure, String) {
    let report = played(steps);
    assert_eq!(report.verdict.as_str(), "failed", "{report}");
    let [failure] = report.failures() else { panic!("{report}") };
    (failure.clone(), report.guilty(failure).unwrap_or_default())
}

/// Line and column, from 1, where this stands in the scenario of these steps.
#[track_caller]
fn place_of(steps: &str, mark: &str) -> (Option<u32>, Option<u32>) {
    let text = text_of(steps);
    let at = text.rfind(mark).unwrap_or_else(|| panic!("no `{mark}`"));
    let before = &text[..at];
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    (Some(u32::try_from(before.matches('\n').count() + 1).unwrap()), Some(u32::try_from(column).unwrap()))
}
