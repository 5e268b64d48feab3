//! Disks and pipes as they are when things go wrong: full, read-only. What a person is told, and that nothing is lost.
#![cfg(target_os = "linux")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::common::Project;

const CONFIG: &str =
    "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = 'embedded'\nscope = 'all'\n";

/// The heading of the files, and so many users.
fn users(count: usize) -> String {
    let rows = (1..=count).map(|number| format!("u{number}@contoso.com,User {number},u{number}\n"));
    format!("userPrincipalName,displayName,mailNickname\n{}", rows.collect::<String>())
}

fn project() -> Project {
    let project = Project::with([("scimulator.toml", CONFIG)]);
    project.write("directory/users.csv", &users(3));
    project
}

/// What a shell script printed that has the folder `state` of the project on a small disk of its own; `None`, and a
/// line that says so, where this machine lets nobody mount one. `run ARGUMENT...` in it runs the program, shows its exit
/// code and what it said.
fn on_a_small_disk(project: &Project, script: &str) -> Option<String> {
    const PRELUDE: &str = r#"
        run() { "$PROGRAM" "$@" >out 2>&1; echo "[$1] $?: $(tr '\n' ' ' <out)"; }
        mkdir -p state && mount -t tmpfs -o size=6m,mode=700 tmpfs state || exit 99
    "#;
    let output: Output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &format!("{PRELUDE}{script}")])
        .current_dir(project.path(""))
        .env("PROGRAM", env!("CARGO_BIN_EXE_scimulator"))
        .env("NO_COLOR", "1")
        .env_remove("SCIMULATOR_LOG")
        .output()
        .ok()
        .filter(|output| output.status.success())
        .or_else(|| {
            eprintln!("skipped: no disk can be mounted here");
            None
        })?;
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The line of a script's output that begins so, without its beginning.
#[track_caller]
fn said<'o>(output: &'o str, which: &str) -> &'o str {
    let lines: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix(which)).collect();
    lines.first().copied().unwrap_or_else(|| panic!("no `{which}` in:\n{output}"))
}

#[test]
fn a_full_disk_is_told_and_what_was_to_be_done_is_done_when_there_is_room() {
    let project = project();
    project.write("more.csv", &users(100));
    let script = r#"
        run cycle
        cp more.csv directory/users.csv
        dd if=/dev/zero of=state/filler bs=64k 2>/dev/null
        echo "none left: $(run cycle)"
        truncate -s -300k state/filler
        echo "some left: $(run cycle)"
        rm state/filler
        echo "room again: $(run cycle)"
        echo "at last: $(run cycle)"
    "#;
    let Some(output) = on_a_small_disk(&project, script) else { return };
    for when in ["none left: [cycle] 2: ", "some left: [cycle] 2: "] {
        let told = said(&output, when);
        assert!(told.contains("error: the state can't be used") && told.contains("help: "), "{output}");
        assert!(told.contains("scimulator.db") && told.contains("full"), "{output}");
    }
    // Some may have been created before the disk was full.
    let created = said(&output, "room again: [cycle] 0: ").split_once("created ").unwrap().1;
    let created: usize = created.split_once(' ').unwrap().0.parse().unwrap();
    assert!((1..=97).contains(&created), "{output}");
    let last = said(&output, "at last: [cycle] 0: ");
    assert!(last.contains("created 0   updated 0 ") && last.contains("requests 2 "), "{output}");
}

#[test]
fn a_state_on_a_read_only_disk_is_looked_at_and_not_run() {
    let project = project();
    let script = r#"
        run cycle
        mount -o remount,ro state || exit 99
        for command in status logs plan quarantine "explain u1@contoso.com" "directory list" "schema export -" cycle \
          start "directory disable u1@contoso.com"; do
          run $command
        done
    "#;
    let Some(output) = on_a_small_disk(&project, script) else { return };
    for (looks, words) in [
        ("status", "Active"),
        ("logs", "u3@contoso.com"),
        ("plan", "would create 0"),
        ("explain", "u1@contoso.com"),
        ("directory", "u2@contoso.com"),
        ("schema", "synchronizationRules"),
        ("quarantine", "is not in quarantine"),
    ] {
        let told = said(&output, &format!("[{looks}] 0: "));
        assert!(told.contains(words), "{output}");
    }
    for runs in ["cycle", "start", "directory"] {
        let told = said(&output, &format!("[{runs}] 2: "));
        assert!(told.contains("may be read, and not written to") && told.contains("help: "), "{output}");
    }
}

/// The program with what it prints going to a device that is always full.
fn into_full(project: &Project, arguments: &[&str]) -> Output {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimulator"));
    command.args(arguments).current_dir(project.path("")).env_remove("SCIMULATOR_LOG");
    command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn output_that_can_not_be_written_is_told() {
    let project = project();
    project.scimulator(["cycle"]).assert().code(0);
    for arguments in [
        &["status"][..],
        &["status", "--format", "json"],
        &["logs"],
        &["logs", "--format", "json"],
        &["plan"],
        &["schema", "export", "-"],
        &["completions", "bash"],
        &["man"],
        &["demo"],
    ] {
        let output = into_full(&project, arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("can not write to standard output"), "{arguments:?}: {told}");
    }
    // A cycle is over by the time that it is told of: what it did stays done.
    project.write("directory/users.csv", &users(4));
    assert_eq!(into_full(&project, &["cycle"]).status.code(), Some(2));
    let after = project.scimulator(["cycle", "--format", "json"]).output().unwrap();
    let after: Value = serde_json::from_slice(&after.stdout).unwrap();
    assert_eq!(after["cycle"], 3);
    assert_eq!(after["statistics"]["countExported"], 0, "{after}");
}

#[test]
fn exports_that_can_not_be_written_are_told_with_their_name() {
    let project = project();
    project.scimulator(["cycle"]).assert().code(0);
    for arguments in [&["logs", "--har", "/dev/full"][..], &["schema", "export", "/dev/full"]] {
        let output = project.scimulator(arguments.iter().copied()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("/dev/full") && told.contains("No space left"), "{arguments:?}: {told}");
    }
}

#[test]
fn a_journal_that_can_not_be_written_stops_no_cycle() {
    let project = project();
    std::fs::create_dir_all(project.path("state/journal")).unwrap();
    std::os::unix::fs::symlink("/dev/full", project.path("state/journal/app.jsonl")).unwrap();
    let output = project.scimulator(["cycle"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.matches("missing from the wire journal").count() == 1 && told.contains("No space left"),
        "{told}"
    );
    assert!(String::from_utf8(output.stdout).unwrap().contains("created 3"));
}
