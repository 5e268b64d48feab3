//! The program as a person runs it: what it prints where, and what it ends with.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// What a run printed and ended with.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program in a folder, with no more of the environment than is given.
fn run_with(folder: &Path, env: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimulator"));
    let output = command
        .current_dir(folder)
        .env_clear()
        .envs(env.iter().copied())
        .args(arguments)
        .output()
        .expect("the program starts");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Run {
    run_with(folder, &[], arguments)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Every file below a folder with its text, in order.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    found.sort();
    found
}

const CONFIG: &str = "[directory]\npath = 'directory'\n[[job]]\nname = 'a'\ntenant_url = 'embedded'\n";

#[test]
fn every_command_has_help_with_examples() {
    fn visit(folder: &Path, path: &[&str], command: &clap::Command, seen: &mut usize) {
        let run = run(folder, &[path, &["--help"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{path:?}");
        assert!(run.stdout.contains("Examples:"), "{path:?}: {}", run.stdout);
        *seen += 1;
        for below in command.get_subcommands() {
            visit(folder, &[path, &[below.get_name()]].concat(), below, seen);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    visit(dir.path(), &[], &scimulator::cli::command(), &mut seen);
    assert!(5 <= seen, "{seen} commands");
}

#[test]
fn wrong_use_ends_with_two_and_prints_nothing_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 6] = [
        &[],
        &["chekc"],
        &["check", "--wat"],
        &["check", "-q", "-v"],
        &["completions", "tcl"],
        &["man", "chekc"],
    ];
    for arguments in cases {
        let run = run(dir.path(), arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!run.stderr.is_empty(), "{arguments:?}");
    }
    assert!(run(dir.path(), &["man", "chekc"]).stderr.contains("did you mean `check`?"));
}

#[test]
fn wrong_use_is_told_as_json_where_json_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str, &str); 7] = [
        (&["--format", "json"], "requires a subcommand", "--help"),
        (&["--format", "json", "deletions"], "something is missing", "--help"),
        (&["chekc", "--format", "json"], "chekc", "check"),
        (&["--format=json", "check", "--taget"], "--taget", "--target"),
        (&["--format", "json", "provision"], "<OBJECT>", "Usage"),
        (&["check", "-q", "-v", "--format=json"], "--verbose", "Usage"),
        (&["man", "chekc", "--format=json"], "chekc", "check"),
    ];
    for (arguments, said, help) in cases {
        let run = run(dir.path(), arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        let error = &json(&run.stderr)["error"];
        assert_eq!(error["code"], "usage", "{arguments:?}");
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        assert!(text("message").contains(said), "{arguments:?}: {error}");
        assert!(!text("message").contains('\n') && !text("message").starts_with("error"), "{error}");
        assert!(text("help").contains(help), "{arguments:?}: {error}");
    }
    let refused = run(dir.path(), &["check", "--format", "jsn"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
    let helped = run(dir.path(), &["check", "--help", "--format", "json"]);
    assert_eq!((helped.code, helped.stderr.as_str()), (Some(0), ""), "help is no failure");
}

#[test]
fn init_writes_what_check_accepts_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path(), &["init", "demo"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let written = files(dir.path());
    let mut named: Vec<PathBuf> = first.stdout.lines().map(|line| dir.path().join(line)).collect();
    named.sort();
    assert_eq!(named, written.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>());
    assert!(written.iter().all(|(_, text)| !text.contains("{app}")));

    let checked = run(dir.path(), &["-c", "demo/scimulator.toml", "check"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str(), checked.stderr.as_str()),
        (Some(0), "ok: 1 job, 4 users, 1 group, 2 memberships, 3 assignments\n", "")
    );

    fs::remove_file(dir.path().join("demo/directory/groups.csv")).unwrap();
    let before = files(dir.path());
    let second = run(dir.path(), &["init", "demo"]);
    assert_eq!((second.code, second.stdout.as_str()), (Some(2), ""));
    assert!(second.stderr.contains("demo/scimulator.toml, demo/directory/users.csv"), "{}", second.stderr);
    assert!(!second.stderr.contains("groups.csv"), "only what is in the way is listed");
    assert_eq!(files(dir.path()), before, "not even the missing file is written");
}

#[test]
fn the_directory_that_init_writes_refers_only_to_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(dir.path(), &["init", "--format", "json"]).code, Some(0));
    let column = |file: &str, heading: &str| -> Vec<String> {
        let mut reader = csv::Reader::from_path(dir.path().join("directory").join(file)).unwrap();
        let at = reader.headers().unwrap().iter().position(|name| name == heading).unwrap();
        reader
            .records()
            .map(|record| record.unwrap()[at].to_owned())
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    let users = column("users.csv", "userPrincipalName");
    let groups = column("groups.csv", "displayName");
    assert!(users.contains(&"adele@contoso.com".to_owned()), "the scenario's leaver");
    assert!(column("users.csv", "manager").iter().all(|manager| users.contains(manager)));
    assert!(column("members.csv", "group").iter().all(|group| groups.contains(group)));
    assert!(column("members.csv", "member").iter().all(|member| users.contains(member)));
    let known = |principal: &String| users.contains(principal) || groups.contains(principal);
    assert!(column("assignments.csv", "principal").iter().all(known));
    fs::read_to_string(dir.path().join("scenarios/first.toml")).unwrap().parse::<toml::Table>().unwrap();
}

#[test]
fn check_shows_every_mistake_with_its_place_and_ends_with_two() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("below");
    fs::create_dir(&below).unwrap();
    let text = format!("{CONFIG}scope = 'asigned'\nintervall = '40m'\ntoken = {{ vlaue = 's3cr3t' }}\n");
    fs::write(dir.path().join("scimulator.toml"), text).unwrap();

    let run_text = run(&below, &["check"]);
    assert_eq!((run_text.code, run_text.stdout.as_str()), (Some(2), ""));
    for expected in [
        "scimulator.toml:6:9",
        "scimulator.toml:7:1",
        "scimulator.toml:8:11",
        "did you mean `assigned`?",
        "found 3 errors",
    ] {
        assert!(run_text.stderr.contains(expected), "{expected} in {}", run_text.stderr);
    }
    assert!(!run_text.stderr.contains("s3cr3t"), "excerpts hide secrets: {}", run_text.stderr);

    let run_json = run(&below, &["check", "--format", "json"]);
    assert_eq!((run_json.code, run_json.stderr.as_str()), (Some(2), ""));
    let findings = json(&run_json.stdout);
    let places: Vec<_> =
        findings.as_array().unwrap().iter().map(|f| (f["line"].as_u64(), f["column"].as_u64())).collect();
    assert_eq!(places, [(Some(6), Some(9)), (Some(7), Some(1)), (Some(8), Some(11))]);
    assert_eq!(findings[0]["severity"], "error");
    assert_eq!(findings[0]["help"], "did you mean `assigned`?");
}

#[test]
fn check_warns_of_a_token_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    fs::write(dir.path().join("directory/users.csv"), "objectId,userPrincipalName\nu1,ada@x.com\n").unwrap();
    fs::write(dir.path().join("scimulator.toml"), format!("{CONFIG}token = {{ env = 'SCIM_TOKEN' }}\n"))
        .unwrap();
    let without = run(dir.path(), &["check"]);
    assert_eq!((without.code, without.stdout.as_str()), (Some(0), "ok: 1 job, 1 user, 1 warning\n"));
    assert!(
        without.stderr.contains("job `a` has no token: the environment variable `SCIM_TOKEN` is not set")
    );
    let with = run_with(dir.path(), &[("SCIM_TOKEN", "s3cr3t")], &["check"]);
    assert_eq!((with.code, with.stdout.as_str(), with.stderr.as_str()), (Some(0), "ok: 1 job, 1 user\n", ""));
}

#[test]
fn a_failure_is_a_sentence_for_people_and_an_object_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    let text = run(dir.path(), &["check"]);
    assert_eq!((text.code, text.stdout.as_str()), (Some(2), ""));
    assert_eq!(
        text.stderr,
        "error: there is no `scimulator.toml` here or in a folder above\n  \
         help: name one with `-c FILE`, or write one with `scimulator init`\n"
    );
    let object = run(dir.path(), &["check", "--format", "json"]);
    assert_eq!((object.code, object.stdout.as_str()), (Some(2), ""));
    let error = &json(&object.stderr)["error"];
    assert_eq!(error["code"], "usage");
    assert_eq!(error["message"], "there is no `scimulator.toml` here or in a folder above");

    fs::write(dir.path().join("scimulator.toml"), CONFIG).unwrap();
    let job = run(dir.path(), &["check", "--job", "b"]);
    assert_eq!(
        (job.code, job.stderr.as_str()),
        (Some(2), "error: there is no job `b`\n  help: there are: a\n")
    );
}

#[test]
fn colour_is_for_terminals_and_no_color_is_honoured() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("scimulator.toml"), "x = 1\n").unwrap();
    let coloured = |env: &[(&str, &str)]| run_with(dir.path(), env, &["check"]).stderr.contains('\u{1b}');
    assert!(!coloured(&[]), "standard error is no terminal here");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]), "colour can be forced");
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in
        [&["completions", "bash"][..], &["completions", "zsh"], &["completions", "fish"], &["man"]]
    {
        let run = run(dir.path(), arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        for command in scimulator::cli::command().get_subcommands() {
            // A manual page writes a hyphen with a backslash.
            let name = command.get_name();
            let named = run.stdout.contains(name) || run.stdout.contains(&name.replace('-', r"\-"));
            assert!(named, "{name} in {arguments:?}");
        }
    }
    assert!(run(dir.path(), &["man", "check"]).stdout.contains(r"scimulator\-check"));
}

#[test]
fn the_level_of_the_log_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("SCIMULATOR_LOG", "scimulator=loud")];
    let run = run_with(dir.path(), &env, &["completions", "bash"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(
        run.stderr.starts_with("error: `SCIMULATOR_LOG` is no log filter\n  because: "),
        "{}",
        run.stderr
    );
}
