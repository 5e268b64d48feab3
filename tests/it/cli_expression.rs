//! `expression eval`: expressions tried from a shell.

use serde_json::{Value, json};

use crate::common::Project;

fn run<const N: usize>(arguments: [&str; N]) -> (Option<i32>, String, String) {
    run_in(&Project::with([]), arguments)
}

fn run_in<const N: usize>(project: &Project, arguments: [&str; N]) -> (Option<i32>, String, String) {
    let output = project.scimulator(["expression", "eval"]).args(arguments).output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn evaluated<const N: usize>(arguments: [&str; N]) -> Value {
    let (code, stdout, stderr) = run_in(&Project::with([]), arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn values_have_their_type_and_their_text() {
    for (expression, set, expected) in [
        ("ToUpper([a])", "a=berg", json!({ "value": "BERG", "type": "String" })),
        ("[a]", "a=", json!({ "value": "", "type": "String" })),
        ("[b]", "a=", json!({ "value": null, "type": "null" })),
        ("Not([a])", "a=True", json!({ "value": "False", "type": "Boolean" })),
        ("Count([a])", "a=xyz", json!({ "value": "1", "type": "Integer" })),
        // `M/d/yyyy h:mm:ss tt` (`mapping.md 6.4`).
        (
            "CDate([a])",
            "a=2026-03-01T15:04:05Z",
            json!({ "value": "3/1/2026 3:04:05 PM", "type": "DateTime" }),
        ),
        ("Split([a], \"-\")", "a=x-y", json!({ "value": ["x", "y"], "type": "List" })),
        ("[otherMails]", "otherMails=x", json!({ "value": ["x"], "type": "List" })),
        (
            "IIF([a]=\"1\", IgnoreAttributeFlow, \"\")",
            "a=1",
            json!({ "value": null, "type": "IgnoreAttributeFlow" }),
        ),
        (
            "IIF([a]=\"1\", IgnoreObjectFlow, \"\")",
            "a=1",
            json!({ "value": null, "type": "IgnoreObjectFlow" }),
        ),
    ] {
        scimulator::covers!("M-100");
        assert_eq!(evaluated([expression, "--set", set, "--format", "json"]), expected, "{expression}");
    }
}

#[test]
fn the_published_examples_come_out_as_published() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../data/expression/functions.json")).unwrap();
    let documented =
        cases.iter().filter(|case| case["origin"] == "documented" && case["expected"] != Value::Null);
    let mut run = 0;
    for case in documented {
        let mut options = Vec::new();
        for (name, value) in case["source"].as_object().unwrap() {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values.iter().filter(|value| !value.is_null()) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                options.push(format!("--set={name}={text}"));
            }
        }
        if let Some(now) = case["now"].as_str() {
            options.push(format!("--now={now}"));
        }
        if case.get("targetExisting").is_some() {
            continue;
        }
        let output = Project::with([])
            .scimulator(["expression", "eval", "--format", "json"])
            .args(options)
            .arg("--")
            .arg(case["expression"].as_str().unwrap())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}: {stderr}"));
        assert_eq!(value["value"], case["expected"], "{case}");
        run += 1;
    }
    assert!(20 < run, "{run} cases");
}

#[test]
fn a_repeated_set_is_a_list_and_text_shows_a_value_a_line() {
    let (code, stdout, stderr) = run(["[a]", "--set", "a=x=1", "--set", "a=y"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), "x=1\ny\n", ""));
    assert_eq!(run(["[a]"]).1, "null\n");
}

#[test]
fn time_is_given_and_random_values_follow_from_it() {
    let at = |now: &str| run(["Guid()", "--now", now]).1;
    assert_eq!(at("2026-03-01T12:00:00Z"), at("2026-03-01T12:00:00Z"));
    assert_ne!(at("2026-03-01T12:00:00Z"), at("2026-03-01T12:00:01Z"));
    let now = evaluated(["Now()", "--now", "2026-03-01T15:04:05Z", "--format", "json"]);
    assert_eq!(now, json!({ "value": "3/1/2026 3:04:05 PM", "type": "DateTime" }));
    assert_eq!(run(["Now()", "--now", "yesterday"]).0, Some(2));
}

#[test]
fn mistakes_are_marked_below_the_text() {
    let (code, stdout, stderr) = run(["Joni([a], [b)"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let lines: Vec<_> = stderr.lines().collect();
    assert!(
        lines[0].starts_with("error: the expression is not valid at character 1: unknown function `Joni`")
    );
    assert_eq!(lines[1..3], ["  Joni([a], [b)", "  ^^^^"]);
    assert!(lines[3].starts_with("error: the expression is not valid at character 11:"), "{stderr}");
    assert_eq!(lines[4..6], ["  Joni([a], [b)", "            ^^^"]);
    let (code, _, object) = run(["Joni()", "--format", "json"]);
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!((code, &object["error"]["code"]), (Some(2), &"usage".into()));
}

#[test]
fn an_expression_that_fails_for_the_object_ends_with_one() {
    let (code, stdout, stderr) = run(["Append(Mid([a], \"x\", 2), \"z\")", "--set", "a=abc"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    // The observed frame (`mapping.md 6.11`).
    scimulator::covers!("M-123");
    assert!(stderr.contains("An error occured while evaluating this function: 'Mid.'"), "{stderr}");
}

#[test]
fn verbose_shows_how_it_was_read_and_each_step() {
    let (_, stdout, stderr) = run(["Append( [a],\"y\" )", "--set", "a=x", "-v"]);
    assert_eq!(stdout, "xy\n");
    assert_eq!(
        stderr,
        "read as: Append([a], \"y\")\n  [a] → \"x\"\n  \"y\" → \"y\"\nAppend([a], \"y\") → \"xy\"\n"
    );
    let steps = evaluated(["Append([a], \"y\")", "--set", "a=x", "-v", "--format", "json"]);
    assert_eq!(steps["expression"], "Append([a], \"y\")");
    assert_eq!(steps["steps"].as_array().unwrap().len(), 3);
}

#[test]
fn a_users_attributes_are_those_that_mappings_see() {
    let project = Project::with([
        (
            "scimulator.toml",
            "[directory]\npath = 'd'\n[[app_role]]\nid = '06b07648-ecfe-589f-9d2f-6325724a46ee'\nvalue = 'Admin'\n\
             displayName = 'Administrator'\n[[job]]\nname = 'a'\ntenant_url = 'embedded'\n",
        ),
        ("d/users.csv", "objectId,userPrincipalName,displayName\nu1,ada@x.com,Ada\nu2,ben@x.com,Ben\n"),
        ("d/assignments.csv", "principal,appRole\nada@x.com,Admin\n"),
    ]);
    let value = |expression: &str, user: &str| run_in(&project, [expression, "--user", user]).1;
    assert_eq!(value("[displayName]", "ADA@x.com"), "Ada\n");
    assert_eq!(value("[IsSoftDeleted]", "ada@x.com"), "False\n");
    assert_eq!(value("[IsSoftDeleted]", "ben@x.com"), "True\n", "not assigned");
    assert_eq!(value("SingleAppRoleAssignment([appRoleAssignments])", "u1"), "Administrator\n");
    for function in
        ["SingleAppRoleAssignment", "AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex"]
    {
        let (code, stdout, _) = run_in(&project, [&format!("{function}([appRoleAssignments])")]);
        scimulator::covers!("M-191");
        assert_eq!((code, stdout.as_str()), (Some(0), "null\n"), "{function} without anybody's assignments");
    }
    let (_, stdout, _) = run_in(&project, ["[displayName]", "--user", "u1", "--set", "displayName=Other"]);
    assert_eq!(stdout, "Other\n");
    let (code, _, stderr) = run_in(&project, ["[displayName]", "--user", "adda@x.com"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean `ada@x.com`?"), "{stderr}");
}
