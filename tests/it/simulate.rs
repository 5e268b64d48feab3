//! `simulate` as people run it, and the stories that it found. That broken laws are found is tested beside the code
//! (`src/simulate/tests.rs`).

use scimulator::scenario::{self, Options};
use serde_json::Value;

use crate::common::Project;
use crate::sources::root;

#[test]
fn stories_are_played_and_summed_up() {
    let project = Project::with([]);
    let told = project.scimulator(["simulate", "--seeds", "1..12", "--cycles", "4"]).assert().code(0);
    let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    assert!(told.starts_with("12 stories of 4 steps: "), "{told}");
    assert!(told.ends_with(": every law held\n"), "{told}");
    let page = std::fs::read_to_string(root().join("docs/simulate.md")).unwrap();
    let shown = format!("$ scimulator simulate --seeds 1..12 --cycles 4\n{told}");
    assert!(page.contains(&shown), "docs/simulate.md shows something else: {told}");

    // The same, for programs, whatever the number of workers.
    let json = |jobs: &str| -> Value {
        let arguments = ["simulate", "--seeds", "1..12", "--cycles", "4", "--jobs", jobs, "--format", "json"];
        let told = project.scimulator(arguments).assert().code(0);
        serde_json::from_slice(&told.get_output().stdout).unwrap()
    };
    let summed = json("1");
    assert_eq!(summed, json("3"));
    assert_eq!(summed["seeds"], serde_json::json!({ "from": 1, "to": 12 }));
    assert_eq!((&summed["stories"], &summed["notBegun"]), (&12.into(), &0.into()));
    assert_eq!(summed["failures"], serde_json::json!([]));
    assert!(told.contains(&format!("{} requests", summed["requests"])), "{told}");
    assert_eq!(std::fs::read_dir(project.path("")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn seeds_that_are_none_are_told() {
    let project = Project::with([]);
    for (seeds, words) in [
        ("x", "`x` is no seed: write 1..2000"),
        ("1..", "`` is no seed"),
        ("9..3", "there is no seed from 9 to 3"),
        ("1..9999999", "at most 1000000 seeds at once"),
    ] {
        let told = project.scimulator(["simulate", "--seeds", seeds]).assert().code(2);
        let told = String::from_utf8(told.get_output().stderr.clone()).unwrap();
        assert!(told.contains(words), "{seeds}: {told}");
    }
}

/// Each went wrong once.
#[test]
fn stories_that_were_found_hold() {
    let files = scenario::files(&[root().join("tests/data/simulate")]).unwrap();
    assert!(10 <= files.len());
    for file in files {
        let (scenario, warnings) = scenario::load(&file).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let report = scenario::run(&scenario, &Options::embedded());
        assert!(report.is_fine(), "{report}");
    }
}
