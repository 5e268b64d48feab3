//! `check`: what is found in the directory and the mappings.

use serde_json::Value;

use crate::common::Project;

const CONFIG: &str = "[directory]\npath = 'd'\nvanish_limit = { at_least = 2 }\n[[job]]\nname = 'a'\ntenant_url = 'embedded'\n";

fn check<const N: usize>(project: &Project, arguments: [&str; N]) -> (Option<i32>, String, String) {
    let output = project.scimulator(["check"]).args(arguments).output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_good_directory_is_counted_and_leaves_no_trace() {
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("d/users.csv", "objectId,userPrincipalName\nu1,ada@x.com\nu2,ben@x.com\n"),
        ("d/groups.csv", "objectId,displayName\ng1,Team\n"),
        ("d/members.csv", "group,member\nTeam,ada@x.com\n"),
        ("d/assignments.csv", "principal,appRole\nTeam,\n"),
    ]);
    let expected = "ok: 1 job, 2 users, 1 group, 1 membership, 1 assignment\n";
    assert_eq!(check(&project, []), (Some(0), expected.to_owned(), String::new()));
    assert!(!project.path("state").exists());
    assert_eq!(check(&project, ["--format", "json"]).1, "[]\n");
}

#[test]
fn passwords_of_the_bulk_create_template_are_never_shown() {
    let heading = "Name [displayName] Required,User name [userPrincipalName] Required,\
                   Initial password [passwordProfile] Required,Block sign in (Yes/No) [accountEnabled] Required";
    let rows = "Dora Park,dora@x.com,Secret-Value-1,No\nEli Park,eli@x.com,Secret-Value-2,perhaps\n";
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("d/users.csv", &format!("version:v1.0\n{heading}\n{rows}")),
    ]);
    for arguments in [&["check"][..], &["check", "--format", "json"], &["plan"], &["cycle", "-v"]] {
        let output = project.scimulator(arguments.iter().copied()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.contains("perhaps") && !said.contains("Secret-Value"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn every_mistake_of_the_files_has_its_place() {
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        (
            "d/users.csv",
            "objectId,userPrincipalName,accountEnabled\nu1,ada@x.com,perhaps\nu2,ben@x.com,True\nu2,cleo@x.com,True\n",
        ),
        ("d/assignments.csv", "principal,appRole\nada@x.com,Admin\n"),
    ]);
    let (code, stdout, _) = check(&project, ["--format", "json"]);
    assert_eq!(code, Some(2));
    let findings: Value = serde_json::from_str(&stdout).unwrap();
    let places: Vec<_> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let file = finding["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            (file, finding["line"].as_u64(), finding["column"].as_u64())
        })
        .collect();
    assert!(places.contains(&("users.csv".to_owned(), Some(2), Some(14))), "{places:?}");
    assert!(places.iter().any(|(file, line, _)| file == "users.csv" && *line == Some(4)), "{places:?}");
    assert!(stdout.contains("no app role `Admin`"), "{stdout}");
    let (_, stdout, stderr) = check(&project, []);
    assert_eq!(stdout, "");
    assert!(stderr.contains("d/users.csv:2:14"), "{stderr}");
}

#[test]
fn a_reference_to_nobody_is_a_warning() {
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("d/users.csv", "objectId,userPrincipalName,manager\nu1,ada@x.com,zoe@x.com\n"),
    ]);
    let (code, stdout, stderr) = check(&project, []);
    assert_eq!((code, stdout.as_str()), (Some(0), "ok: 1 job, 1 user, 1 warning\n"));
    assert!(stderr.contains("no user is called `zoe@x.com`") && stderr.contains("users.csv:2"), "{stderr}");
}

#[test]
fn derived_ids_are_told_without_a_warning() {
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("d/users.csv", "userPrincipalName\nada@x.com\nben@x.com\n"),
    ]);
    let (code, stdout, stderr) = check(&project, []);
    assert_eq!((code, stdout.as_str()), (Some(0), "ok: 1 job, 2 users\n"));
    assert_eq!(
        stderr,
        "note: 2 users have no objectId; one is derived from the userPrincipalName, so a rename is a leaver and a joiner\n"
    );
    assert_eq!(check(&project, ["-q"]).2, "");
}

#[test]
fn what_an_import_would_hold_is_an_error_and_the_state_stays_as_it_is() {
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("d/users.csv", "objectId,userPrincipalName\nu1,ada@x.com\nu2,ben@x.com\nu3,cleo@x.com\n"),
        ("d/groups.csv", "objectId,displayName\ng1,Team\n"),
    ]);
    project.scimulator(["directory", "accept"]).assert().success();
    project.write("d/users.csv", "objectId,userPrincipalName\nu1,ada@x.com\n");
    for _ in 0..2 {
        let (code, _, stderr) = check(&project, []);
        assert_eq!(code, Some(2));
        assert!(stderr.contains("2 of 3 users vanished"), "{stderr}");
    }
    project.write("d/users.csv", "objectId,userPrincipalName\nu1,ada@x.com\nu2,ben@x.com\nu3,cleo@x.com\n");
    std::fs::remove_file(project.path("d/groups.csv")).unwrap();
    let (code, _, stderr) = check(&project, []);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("was read before and is gone"), "{stderr}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let project = Project::with([("scimulator.toml", CONFIG)]);
    let (code, stdout, stderr) = check(&project, []);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("found 1 error"), "{stderr}");
}
