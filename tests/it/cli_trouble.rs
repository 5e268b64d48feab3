//! Jobs in trouble, from the command line: the deletion guard, quarantine and its forecast, pause, restart.

use scimulator::covers;
use serde_json::Value;

use crate::common::{Project, free_port};

const USERS: &str = "objectId,userPrincipalName,displayName,accountEnabled\n\
    u1,ann@contoso.com,Ann,true\nu2,bob@contoso.com,Bob,true\nu3,cyd@contoso.com,Cyd,true\n";
const HEAD: &str = "[directory]\npath = \"directory\"\n[[job]]\nname = \"j\"\nscope = \"all\"\n";

fn project(settings: &str) -> Project {
    let project = Project::with([("directory/users.csv", USERS)]);
    project.write("scimulator.toml", &format!("{HEAD}{settings}"));
    project
}

/// Exit code, standard output, messages.
fn run(project: &Project, arguments: &[&str]) -> (i32, String, String) {
    let output = project.scimulator(arguments.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    let (_, stdout, stderr) = run(project, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
}

const GUARDED: &str =
    "tenant_url = \"embedded\"\ndelete_threshold = 1\nnotification_email = \"ops@contoso.com\"\n";

fn tripped() -> Project {
    let project = project(GUARDED);
    assert_eq!(run(&project, &["cycle"]).0, 0);
    for user in ["ann@contoso.com", "bob@contoso.com"] {
        assert_eq!(run(&project, &["directory", "disable", user]).0, 0);
    }
    let (_, plan, _) = run(&project, &["plan"]);
    assert!(
        plan.contains("deletion guard: 2 disables and deletes; the threshold of 1 holds them all back"),
        "{plan}"
    );
    let (code, _, told) = run(&project, &["cycle"]);
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("2 deletes and disables are held back (TooManyDeletes)"), "{told}");
    project
}

#[test]
fn removals_that_are_held_back_go_when_they_are_allowed() {
    let project = tripped();
    assert_eq!(run(&project, &["cycle"]).0, 4, "in quarantine, and not due");
    let (code, shown, _) = run(&project, &["quarantine"]);
    assert_eq!(code, 4);
    assert!(
        shown.contains("TooManyDeletes") && shown.contains("held back     2 deletes and disables"),
        "{shown}"
    );
    let (code, _, told) = run(&project, &["deletions", "allow"]);
    assert_eq!(code, 0);
    assert!(told.contains("deletes or disables these 2") && told.contains("ann@contoso.com"), "{told}");
    let (code, done, _) = run(&project, &["cycle"]);
    assert_eq!(code, 0);
    assert!(done.contains("disabled 2"), "{done}");
    assert_eq!(run(&project, &["quarantine"]).0, 0);
    covers!("E-185", "E-207", "E-178");
    assert_eq!(
        json(&project, &["status"])["synchronizationJobSettings"],
        serde_json::json!([{ "name": "QuarantineTooManyDeletesThreshold", "value": "1" }])
    );
}

#[test]
fn a_rejection_after_the_cause_is_mended_removes_nobody() {
    let project = tripped();
    let (_, _, told) = run(&project, &["deletions", "reject"]);
    assert!(told.contains("2 of 2 still have a reason to go"), "{told}");
    assert_eq!(run(&project, &["cycle"]).0, 5, "counted anew");
    for user in ["ann@contoso.com", "bob@contoso.com"] {
        assert_eq!(run(&project, &["directory", "set", user, "accountEnabled=true"]).0, 0);
    }
    let (code, _, told) = run(&project, &["deletions", "reject"]);
    assert_eq!(code, 0);
    assert!(told.contains("an initial one") && !told.contains("reason to go"), "{told}");
    let (code, done, _) = run(&project, &["cycle"]);
    assert_eq!((code, done.contains("disabled 0")), (0, true), "{done}");
    assert_eq!(run(&project, &["deletions", "allow"]).2, "job `j`: the deletion guard holds nothing back\n");
    covers!("E-186");
}

#[test]
fn the_guard_needs_somebody_to_tell() {
    let project = project("tenant_url = \"embedded\"\ndelete_threshold = 1\n");
    let (code, _, told) = run(&project, &["check"]);
    assert_eq!(code, 2);
    assert!(told.contains("`delete_threshold` needs `notification_email`") && told.contains(":7:"), "{told}");
    covers!("E-176");
}

#[test]
fn a_paused_job_runs_no_cycle_until_it_is_started_and_then_goes_on() {
    let project = project("tenant_url = \"embedded\"\n");
    assert_eq!(run(&project, &["pause"]).0, 2, "it has never run");
    run(&project, &["cycle"]);
    assert_eq!(run(&project, &["pause"]).0, 0);
    let (code, _, told) = run(&project, &["cycle"]);
    assert_eq!((code, told.contains("is paused")), (2, true), "{told}");
    let status = json(&project, &["status"]);
    assert_eq!(
        (&status["schedule"]["state"], &status["status"]["code"]),
        (&"Paused".into(), &"Paused".into())
    );
    assert_eq!(run(&project, &["start"]).0, 0);
    assert_eq!(json(&project, &["cycle"])["kind"], "incremental");
    covers!("E-014", "W-152");
}

/// What each criterion leaves: kind of the next cycle, failures, links.
#[test]
fn each_reset_clears_its_own_part() {
    let cases: [(&[&str], &str, i64, i64); 6] = [
        (&["escrows"], "incremental", 0, 2),
        (&["watermark"], "initial", 1, 2),
        (&["quarantine-state"], "incremental", 1, 2),
        (&["ConnectorDataStore"], "incremental", 1, 0),
        (&["full"], "initial", 0, 0),
        (&[], "initial", 0, 2),
    ];
    let dropped = "tenant_url = \"embedded\"\n[job.fidelity]\nrestart_clears_links = true\n";
    let cases = cases.map(|case| (case, "tenant_url = \"embedded\"\n"));
    for ((reset, kind, failures, links), settings) in
        cases.into_iter().chain([((&[][..], "initial", 0, 0), dropped)])
    {
        let project = project(settings);
        run(&project, &["cycle"]);
        // An account whose link is lost and whose name is double can't be provisioned.
        let database = rusqlite::Connection::open(project.path("state/scimulator.db")).unwrap();
        database
            .execute_batch(
                "INSERT INTO escrow SELECT job, kind, source_id, 0, label, NULL, 'create', '2026-01-05T08:00:00.000000Z',
                        0, '2126-01-05T08:00:00.000000Z', 'InternalServerError', 'no', 500 FROM link
                  WHERE source_id = 'u3';
                 DELETE FROM link WHERE source_id = 'u3';",
            )
            .unwrap();
        let mut arguments = vec!["restart"];
        if !reset.is_empty() {
            arguments.push("--reset");
            arguments.extend(reset);
        }
        let (code, _, told) = run(&project, &arguments);
        assert_eq!(code, 0, "{told}");
        let count = |table: &str| -> i64 {
            database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        assert_eq!((count("escrow"), count("link")), (failures, links), "{reset:?}");
        assert!(told.contains(&format!("its next cycle is an {kind}")), "{reset:?}: {told}");
        assert_eq!(json(&project, &["plan"])["kind"], kind, "{reset:?}");
    }
    covers!("E-202", "E-203", "E-204", "E-206", "E-208", "E-041", "W-081");
}

#[test]
fn a_wrong_criterion_is_wrong_use() {
    let project = project("tenant_url = \"embedded\"\n");
    let (code, _, told) = run(&project, &["restart", "--reset", "watermarks"]);
    assert_eq!(code, 2);
    assert!(
        told.contains("there is no `watermarks`") && told.contains("did you mean `watermark`?"),
        "{told}"
    );
}

#[test]
fn a_job_out_of_reach_says_what_would_get_it_out_and_start_clears_it() {
    let settings = format!("tenant_url = \"http://127.0.0.1:{}/scim\"\n", free_port());
    let project = project(&settings);
    assert_eq!(run(&project, &["cycle"]).0, 3);
    let (code, shown, _) = run(&project, &["quarantine"]);
    assert_eq!(code, 4);
    for part in [
        "EncounteredQuarantineException",
        "next attempt",
        "disabled",
        "way out",
        "5000 more failures",
        "40001 more failures",
    ] {
        assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
    }
    let shown = json(&project, &["quarantine"]);
    assert_eq!((&shown["inQuarantine"], &shown["quarantine"]["seriesCount"]), (&true.into(), &0.into()));
    assert_eq!(shown["thresholds"][2]["limit"], 60_000);
    run(&project, &["restart", "--reset", "quarantine-state"]);
    assert_eq!(run(&project, &["quarantine"]).0, 0);
    assert_eq!(run(&project, &["cycle"]).0, 3, "looked at again, and imposed again");
    assert_eq!(run(&project, &["quarantine"]).0, 4);
    assert_eq!(run(&project, &["restart", "--reset", "none"]).0, 0);
    assert_eq!(run(&project, &["quarantine"]).0, 0);
    run(&project, &["cycle"]);
    assert_eq!(run(&project, &["quarantine"]).0, 4);
    assert_eq!(run(&project, &["start"]).0, 0);
    assert_eq!(run(&project, &["quarantine"]).0, 0);
    covers!("E-205", "E-201");
}

#[test]
fn the_log_can_be_asked_for_each_action_that_stands_in_it() {
    let config = "[directory]\npath = 'directory'\n[[job]]\nname = 'a'\nscope = 'all'\ntenant_url = 'embedded'\n\
                  notification_email = 'ops@contoso.com'\ndelete_threshold = 1\n";
    let users = "userPrincipalName\na@b.c\nd@e.f\ng@h.i\n";
    let project = Project::with([("scimulator.toml", config), ("directory/users.csv", users)]);
    project.scimulator(["cycle", "-q"]).assert().success();
    project.write("directory/users.csv", "userPrincipalName\na@b.c\n");
    project.scimulator(["cycle", "-q"]).output().unwrap();
    for (action, count) in [("create", 3), ("stagedDelete", 2), ("STAGEDDELETE", 2), ("stagedAction", 0)] {
        let run = project.scimulator(["logs", "--action", action, "--format", "json"]).output().unwrap();
        assert_eq!(run.status.code(), Some(0), "{action}: {}", String::from_utf8_lossy(&run.stderr));
        let entries = String::from_utf8(run.stdout).unwrap();
        assert_eq!(entries.lines().count(), count, "{action}: {entries}");
    }
    let run = project.scimulator(["logs", "--action", "staged"]).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
}
