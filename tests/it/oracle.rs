//! The oracle: clean where everything is as it should be, a verdict and the request to blame where it is not.

mod blind_spots;
mod commands;
mod faults;
mod rig;
mod verdicts;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use scimulator::oracle::Rule;
use scimulator::scenario::{self, Options};

use crate::sources::root;

/// The scenarios of the pack in which the app is not as it should be after some cycle: always the app's fault. What the
/// finding has of it.
const AT_FAULT: [(&str, &str); 5] = [
    ("app-forgets", "without a request of this job"),
    ("app-throttles", "it failed this request"),
    ("licences", "it refused the change"),
    ("custom-date", "it failed this request"),
    ("test-mode", "it said yes to the create, and does not have it"),
];

#[test]
fn the_pack_is_clean_after_every_cycle_unless_the_app_fails() {
    let load = |file: PathBuf| {
        // Keys of the file come before its tables.
        let text = format!("oracle = \"clean\"\n{}", std::fs::read_to_string(&file).unwrap());
        scenario::parse(&text, &file).unwrap_or_else(|findings| panic!("{findings:?}")).0
    };
    let files = scenario::files(&[root().join("scenarios")]).unwrap();
    let pack: Vec<_> = files.into_iter().map(load).collect();
    let workers = NonZeroUsize::new(2).unwrap();
    let mut found = Vec::new();
    for report in scenario::run_all(&pack, &Options::embedded(), workers, &mut |_| {}) {
        assert_ne!(report.verdict.as_str(), "broken", "{report}");
        found.extend(report.failures().first().map(|failure| {
            assert_eq!(failure.key, "oracle", "{report}");
            (report.name.clone(), failure.got.clone())
        }));
    }
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, AT_FAULT.map(|(name, _)| name), "{found:#?}");
    for ((_, got), (_, words)) in found.iter().zip(AT_FAULT) {
        assert!(got.contains("(the app: ") && got.contains(words), "{got}");
    }
}

#[test]
fn a_step_may_ask_the_oracle_and_names_what_it_finds() {
    let text = r#"
        title = "Somebody edits the app"
        user = [{ userPrincipalName = "adele@contoso.com", displayName = "Adele Berg", mailNickname = "adele" }]
        assignment = [{ principal = "adele@contoso.com" }]

        [[step]]
        do = "initial cycle"
        expect.oracle = "clean"

        [[step]]
        fault = { target = "edited", user = "adele@contoso.com", set = { displayName = "Eve" } }
        expect.oracle = "clean"
    "#;
    let (scenario, warnings) = scenario::parse(text, Path::new("edited.toml")).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let report = scenario::run(&scenario, &Options::embedded());
    let [failure] = report.failures() else { panic!("{report}") };
    assert_eq!((failure.step, failure.key.as_str(), failure.guilty), (2, "expect.oracle", None));
    assert_eq!(
        failure.got,
        "User adele@contoso.com: `displayName` is `Eve`, not `Adele Berg` (the app: it was right, and changed \
         without a request of this job)"
    );
    let misspelt = scenario::parse(&text.replace("\"clean\"", "\"clena\""), Path::new("t.toml")).unwrap_err();
    assert!(misspelt.iter().any(|finding| finding.to_string().contains("clena")), "{misspelt:?}");
}

#[test]
fn the_page_on_the_oracle_names_every_rule_with_its_source() {
    let page = std::fs::read_to_string(root().join("docs/oracle.md")).unwrap();
    for rule in Rule::ALL {
        let row =
            page.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", rule.as_str())));
        let row = row.unwrap_or_else(|| panic!("`{}` is not in the page", rule.as_str()));
        assert!(row.contains(rule.source()), "{row}");
    }
}
