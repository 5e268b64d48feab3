//! The scenarios that ship, each with its page.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use scimulator::scenario::{self, Options, Scenario};

use crate::sources::root;

/// What each page answers.
const HEADINGS: [&str; 3] = ["## What Entra sends", "## What a good app does", "## What breaks apps"];

pub(super) fn pack() -> Vec<Scenario> {
    let folder = root().join("scenarios");
    let mut files = scenario::files(std::slice::from_ref(&folder)).unwrap();
    // Those of an application are in a folder of theirs.
    files.retain(|file| file.parent() == Some(&folder));
    let load = |file: PathBuf| scenario::load(&file).unwrap_or_else(|findings| panic!("{findings:#?}")).0;
    files.into_iter().map(load).collect()
}

#[test]
fn the_whole_pack_holds_against_the_embedded_app() {
    // Behaviours that the pack's expectations were read from.
    scimulator::covers!("E-101", "E-105", "E-106", "E-109", "E-110", "E-112");
    let pack = pack();
    assert!(21 <= pack.len(), "{} scenarios", pack.len());
    let workers = NonZeroUsize::new(2).unwrap();
    let reports = scenario::run_all(&pack, &Options::embedded(), workers, &mut |_| {});
    let bad: Vec<String> = reports
        .iter()
        .filter(|report| report.verdict.as_str() != "passed")
        .map(ToString::to_string)
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn each_scenario_of_the_pack_has_a_page_and_each_page_a_scenario() {
    let folder = root().join("docs/scenarios");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut names: Vec<String> = pack().iter().map(Scenario::name).collect();
    for name in &names {
        let page = std::fs::read_to_string(folder.join(name).with_extension("md")).unwrap();
        let mut rest = page.as_str();
        for heading in HEADINGS {
            rest =
                rest.split_once(heading).unwrap_or_else(|| panic!("{name}: no `{heading}` in its place")).1;
        }
        assert!(index.contains(&format!("[{name}]({name}.md)")), "{name}");
    }
    names.push("README".to_owned());
    names.sort();
    let mut pages: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    pages.sort();
    assert_eq!(pages, names);
}
