//! State that can't be used: said plainly, with advice, and never overwritten. One process at a time runs a job.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::Connection;
use scimulator::store::{JobLock, Store, StoreError};

use crate::common::Project;

const STATE: &str = "state/scimulator.db";

/// A project whose job provisions the embedded app.
fn project() -> Project {
    Project::with([
        (
            "scimulator.toml",
            "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = 'embedded'\nscope = 'all'\n",
        ),
        ("directory/users.csv", "userPrincipalName,displayName,mailNickname\nada@contoso.com,Ada,ada\n"),
    ])
}

/// The same after a first cycle.
fn used() -> Project {
    let project = project();
    project.scimulator(["cycle"]).assert().code(0);
    project
}

/// Every command that needs the state ends with 2, saying this, and leaves the file as it is.
#[track_caller]
fn refuses(project: &Project, words: &[&str]) {
    let file = project.path(STATE);
    let before = std::fs::read(&file).unwrap();
    let folder = listing(&project.path("state"));
    for command in ["cycle", "plan", "status", "logs", "start", "test-connection"] {
        let output = project.scimulator([command]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(2), &b""[..]),
            "{command}: {said}"
        );
        for words in words {
            assert!(said.contains(words), "{command}: `{words}` is missing in:\n{said}");
        }
        assert!(said.contains("scimulator.db") && said.contains("help: "), "{command}: {said}");
        let output = project.scimulator([command, "--format", "json"]).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(
            (output.stdout.as_slice(), &said["error"]["code"]),
            (&b""[..], &"usage".into()),
            "{command}"
        );
    }
    assert!(before == std::fs::read(&file).unwrap(), "the file was changed");
    assert_eq!(listing(&project.path("state")), folder);
}

/// The names in a folder, but for locks, which say nothing.
fn listing(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "app.lock").collect();
    names.sort();
    names
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let project = project();
    // A fixed pattern without any meaning.
    let noise: Vec<u8> = (0..40_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    std::fs::create_dir(project.path("state")).unwrap();
    std::fs::write(project.path(STATE), noise).unwrap();
    refuses(&project, &["the state can't be used", "is not a state file of this program, or it is damaged"]);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let project = project();
    std::fs::create_dir(project.path("state")).unwrap();
    let other = Connection::open(project.path(STATE)).unwrap();
    other.execute_batch("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('Blue')").unwrap();
    drop(other);
    refuses(&project, &["is not a state file of this program", "nothing was changed"]);
}

#[test]
fn an_emptied_state_file_is_not_taken_for_a_new_one() {
    let project = used();
    std::fs::write(project.path(STATE), "").unwrap();
    refuses(&project, &["the state can't be used", "is empty: what it held is lost", "put a copy back"]);
}

#[test]
fn two_processes_that_make_the_state_at_once_share_one() {
    let project = project();
    let folder = project.path("state");
    let open = || Store::open(&folder).unwrap();
    let stores =
        std::thread::scope(|scope| [scope.spawn(open), scope.spawn(open)].map(|it| it.join().unwrap()));
    stores[0].set_meta("key", Some("value")).unwrap();
    assert_eq!(stores[1].meta("key").unwrap().as_deref(), Some("value"));
    drop(stores);
    assert_eq!(listing(&folder), ["scimulator.db"]);
}

#[test]
fn a_pause_that_comes_in_the_middle_of_a_cycle_is_kept() {
    let project = used();
    let store = Store::open(&project.path("state")).unwrap();
    // A cycle works on the row as it was before the pause.
    let row = store.job("app").unwrap().unwrap();
    project.scimulator(["pause"]).assert().code(0);
    store.save_job(&row).unwrap();
    project.scimulator(["cycle"]).assert().code(2);
    project.scimulator(["start"]).assert().code(0);
    project.scimulator(["cycle"]).assert().code(0);
}

#[test]
fn a_state_file_of_a_newer_version_is_left_alone() {
    let project = used();
    let state = Connection::open(project.path(STATE)).unwrap();
    state.pragma_update(None, "user_version", 99).unwrap();
    drop(state);
    refuses(&project, &["has version 99", "knows up to", "install the version of scimulator that wrote it"]);
}

#[test]
fn a_damaged_state_file_is_told_from_an_empty_one() {
    let project = used();
    let mut bytes = std::fs::read(project.path(STATE)).unwrap();
    // Everything but the first page, which says what it is.
    bytes[4096..].fill(0xA5);
    std::fs::write(project.path(STATE), &bytes).unwrap();
    let output = project.scimulator(["cycle"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("scimulator.db") && said.contains("damaged") && said.contains("help: "), "{said}");
    assert!(bytes == std::fs::read(project.path(STATE)).unwrap(), "the file was changed");
}

#[test]
fn a_state_file_that_another_process_writes_is_busy() {
    let project = used();
    let other = Connection::open(project.path(STATE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let output = project.scimulator(["cycle"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for words in ["in use by another process", "scimulator.db", "help: wait until the other process is done"]
    {
        assert!(said.contains(words), "`{words}` is missing in:\n{said}");
    }
    // Reading goes on meanwhile (contract 5).
    project.scimulator(["status"]).assert().code(0);
    project.scimulator(["logs"]).assert().code(0);
    other.execute_batch("ROLLBACK").unwrap();
    project.scimulator(["cycle"]).assert().code(0);
}

#[test]
fn a_step_waits_for_another_writer_even_when_it_reads_first() {
    /// How long the other writer goes on if the step does not end before.
    const HELD: Duration = Duration::from_millis(200);
    let project = used();
    let other = Connection::open(project.path(STATE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('other', 'writer')").unwrap();
    let mut store = Store::open(&project.path("state")).unwrap();
    let (ended, result) = channel();
    std::thread::spawn(move || {
        let step = store.step(|store| {
            let before = store.meta("other")?;
            store.set_meta("ours", Some("step"))?;
            Ok::<_, StoreError>(before)
        });
        ended.send(step.map_err(|error| error.to_string())).unwrap();
    });
    assert_eq!(result.recv_timeout(HELD), Err(RecvTimeoutError::Timeout), "the step waits");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(result.recv().unwrap(), Ok(Some("writer".to_owned())));
}

#[test]
fn what_only_looks_makes_no_state() {
    let project = project();
    let looking: [&[&str]; 9] = [
        &["plan"],
        &["test-connection"],
        &["logs"],
        &["schema", "export", "-"],
        &["quarantine"],
        &["explain", "ada@contoso.com"],
        &["directory", "list"],
        &["directory", "show", "ada@contoso.com"],
        &["expression", "eval", "[displayName]", "--user", "ada@contoso.com"],
    ];
    for arguments in looking {
        let output = project.scimulator([]).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!project.path("state").exists(), "{arguments:?}");
        if arguments == ["plan"] {
            let planned = String::from_utf8(output.stdout).unwrap();
            assert!(planned.contains("the next cycle, initial, would create 1"), "{planned}");
        }
    }
    project.scimulator(["cycle"]).assert().code(0);
}

#[test]
fn a_second_process_on_a_job_is_told_who_runs_it() {
    let project = used();
    let lock = JobLock::take(&project.path("state"), "app").unwrap();
    let holder = format!("process {}", std::process::id());
    for arguments in [["cycle", "--job", "app"], ["start", "--job", "app"]] {
        let output = project.scimulator(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for words in ["job `app` is busy", "another process", &holder, " since 20"] {
            assert!(said.contains(words), "`{words}` is missing in:\n{said}");
        }
    }
    for reading in ["status", "logs", "plan"] {
        project.scimulator([reading]).assert().code(0);
    }
    drop(lock);
    project.scimulator(["cycle"]).assert().code(0);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// Whether this user may write into a folder that nobody may write into: root may.
    fn permissions_do_not_count(folder: &Path) -> bool {
        std::fs::write(folder.join("probe"), "").is_ok()
    }

    #[test]
    fn a_folder_that_can_not_be_written_to_is_told() {
        let project = project();
        let state = project.path("state");
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o500)).unwrap();
        if permissions_do_not_count(&state) {
            std::fs::remove_dir_all(&state).unwrap();
            // For root a file in the folder's place does the same.
            std::fs::write(&state, "").unwrap();
        }
        let output = project.scimulator(["cycle"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for words in
            ["can't open the state file", "scimulator.db", "help: see that the folder can be written to"]
        {
            assert!(said.contains(words), "`{words}` is missing in:\n{said}");
        }
        assert_eq!(project.read("directory/users.csv").lines().count(), 2);
    }

    #[test]
    fn what_is_kept_is_private() {
        let project = used();
        assert_eq!(mode(&project.path("state")), 0o700);
        assert_eq!(mode(&project.path("state/journal")), 0o700);
        let mut files = vec![project.path(STATE), project.path("state/app.lock")];
        files.extend(
            std::fs::read_dir(project.path("state/journal")).unwrap().map(|entry| entry.unwrap().path()),
        );
        assert_eq!(files.len(), 3);
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    #[test]
    fn what_is_written_of_the_journal_and_the_log_is_as_private_unless_it_is_masked() {
        let project = used();
        project.write("wire.har", "an older one");
        std::fs::set_permissions(project.path("wire.har"), std::fs::Permissions::from_mode(0o644)).unwrap();
        for (arguments, file) in [
            (&["logs", "--har", "wire.har"][..], "wire.har"),
            (&["logs", "--jsonl", "wire.jsonl"], "wire.jsonl"),
            (&["logs", "--csv", "portal"], "portal/ProvisioningLogs.csv"),
            (&["scenario", "new", "monday", "--from", "journal"], "scenarios/monday.toml"),
        ] {
            project.scimulator(arguments.iter().copied()).assert().code(0);
            assert_eq!(mode(&project.path(file)), 0o600, "{file}");
        }
        project.write("usual", "");
        let usual = mode(&project.path("usual"));
        project.scimulator(["logs", "--jsonl", "masked.jsonl", "--redact"]).assert().code(0);
        project.scimulator(["scenario", "new", "masked", "--from", "journal", "--redact"]).assert().code(0);
        for file in ["masked.jsonl", "scenarios/masked.toml"] {
            assert_eq!(mode(&project.path(file)), usual, "{file}");
        }
        assert_eq!(mode(&project.path("state/pseudonyms.key")), 0o600);
    }

    #[test]
    fn what_was_open_to_others_is_closed() {
        let project = project();
        std::fs::create_dir(project.path("state")).unwrap();
        std::fs::set_permissions(project.path("state"), std::fs::Permissions::from_mode(0o755)).unwrap();
        project.scimulator(["cycle"]).assert().code(0);
        assert_eq!((mode(&project.path(STATE)), mode(&project.path("state/app.lock"))), (0o600, 0o600));
        assert_eq!((mode(&project.path("state")), mode(&project.path("state/journal"))), (0o700, 0o700));

        std::fs::set_permissions(project.path(STATE), std::fs::Permissions::from_mode(0o664)).unwrap();
        project.scimulator(["status"]).assert().code(0);
        assert_eq!(mode(&project.path(STATE)), 0o600);
    }
}
