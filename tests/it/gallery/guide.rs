//! The guide on a profile of one's own, followed by the letter: a sixth application out of data files alone.

use scimulator::covers;
use scimulator::target::AppRules;
use serde_json::json;

use crate::common::Project;
use crate::sources::root;

fn blocks(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/own-profile.md")).unwrap();
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn a_sixth_app_is_made_of_the_files_in_the_guide() {
    let files = blocks("toml");
    let project = Project::with([]);
    for (name, text) in ["scimulator.toml", "desk.toml"].into_iter().zip(&files) {
        project.write(name, text);
    }
    project.write("directory/users.csv", &blocks("csv")[0]);
    project.scimulator(["check"]).assert().success();
    project.scimulator(["check", "--target"]).assert().success();
    let first = project.scimulator(["cycle"]).assert().success();
    let said = String::from_utf8(first.get_output().stdout.clone()).unwrap();
    assert!(said.contains("created 1") && said.contains("failed 1"), "{said}");
    let log = project.scimulator(["logs", "--status", "failure"]).assert().success();
    let log = String::from_utf8(log.get_output().stdout.clone()).unwrap();
    covers!("A-006", "A-007");
    assert!(log.contains("2.0:User:side` takes window, aisle and nothing else"), "{log}");

    let second = project.scimulator(["schema", "export", "schema.json"]).assert().success();
    drop(second);
    project.scimulator(["schema", "import", "schema.json"]).assert().success();
    let again = project.scimulator(["cycle", "--format", "json"]).assert().success();
    let again: serde_json::Value = serde_json::from_slice(&again.get_output().stdout).unwrap();
    assert_eq!(again["kind"], json!("incremental"), "what was imported is what the profile says");

    let rules = AppRules::read(&files[1]).unwrap();
    assert!(rules.is_some(), "`target --app desk.toml` plays it");
}

#[test]
fn an_app_that_nobody_knows_is_told_from_a_file() {
    let project = Project::with([("bad.toml", "[user]\nattributes = [{ name = \"shoeSize\" }]\n[app]\n")]);
    let unknown = project.scimulator(["target", "--app", "knowb4"]).assert().code(2);
    assert!(String::from_utf8_lossy(&unknown.get_output().stderr).contains("did you mean `knowbe4`?"));
    let bad = project.scimulator(["target", "--app", "bad.toml"]).assert().code(2);
    assert!(String::from_utf8_lossy(&bad.get_output().stderr).contains("`shoeSize`"));
}
