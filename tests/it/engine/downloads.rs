//! The logs as they leave: the three CSV files, rows of Azure Monitor, the audit log (`engine.md 10`, 11.2).

use std::collections::{BTreeMap, BTreeSet};

use scimulator::clock::Clock as _;
use scimulator::covers;
use scimulator::engine::Purpose;
use scimulator::http::Method;
use serde_json::{Value, json};

use super::harness::{World, status, upn};

/// Somebody is created, with a name that a spreadsheet would take for a formula; somebody fails, and fails again.
fn trouble() -> World {
    let mut world = World::new("");
    let name = "=cmd|'/c calc'!A1, \"Ada\"\nsecond line";
    world.people.user("ada", &[("displayName", name)]).user("bob", &[]).assign("ada").assign("bob");
    world.always(Method::Get, "userName+eq+%22bob%40", status(500));
    world.cycle();
    world.cycle();
    world
}

fn said(world: &mut World, arguments: &[&str]) -> String {
    world.restart();
    let run = world.project.scimulator(arguments.iter().copied()).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

fn lines(world: &mut World, arguments: &[&str]) -> Vec<Value> {
    said(world, arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of a file by its headings, read by a crate that knows nothing of ours.
fn rows(world: &World, file: &str) -> Vec<BTreeMap<String, String>> {
    let text = world.project.read(&format!("out/{file}"));
    assert!(text.lines().next().unwrap().starts_with('"'), "cells are in quotes: {text}");
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_csv_download_is_three_files_joined_by_change_id_and_json_is_one() {
    let mut world = trouble();
    said(&mut world, &["logs", "--csv", "out"]);
    let entries = lines(&mut world, &["logs", "--format", "json"]);
    let files: BTreeSet<String> = std::fs::read_dir(world.project.path("out"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    let [logs, properties, steps] = [0, 1, 2].map(|at| rows(&world, files.iter().nth(at).unwrap()));
    let changes: Vec<&str> = entries.iter().map(|entry| entry["changeId"].as_str().unwrap()).collect();
    assert_eq!(logs.iter().map(|row| row["changeId"].as_str()).collect::<Vec<_>>(), changes);
    assert_eq!(changes.iter().collect::<BTreeSet<_>>().len(), 3, "ada once, bob twice");
    for (entry, row) in entries.iter().zip(&logs) {
        let change = entry["changeId"].as_str().unwrap();
        assert_eq!(row["id"], entry["id"].as_str().unwrap());
        assert_eq!(row["status"], entry["provisioningStatusInfo"]["status"].as_str().unwrap());
        let code = entry["provisioningStatusInfo"]["errorInformation"]["errorCode"].as_str();
        assert_eq!(row["errorCode"], code.unwrap_or_default());
        let of = |rows: &[BTreeMap<String, String>], column: &str| -> Vec<String> {
            rows.iter().filter(|row| row["changeId"] == change).map(|row| row[column].clone()).collect()
        };
        let in_json = |list: &str, member: &str| -> Vec<String> {
            let all = entry[list].as_array().unwrap().iter();
            all.map(|one| one[member].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(of(&steps, "name"), in_json("provisioningSteps", "name"));
        assert_eq!(of(&steps, "description"), in_json("provisioningSteps", "description"));
        assert_eq!(of(&properties, "displayName"), in_json("modifiedProperties", "displayName"));
        assert_eq!(of(&properties, "newValue"), in_json("modifiedProperties", "newValue"));
    }
    assert!(
        properties.iter().any(|row| row["newValue"].starts_with("=cmd") && row["newValue"].contains('\n'))
    );
    covers!("E-262");

    said(&mut world, &["logs", "--csv", "out", "--status", "failure", "--cycle", "1"]);
    let logs = rows(&world, files.iter().next().unwrap());
    assert_eq!(logs.len(), 1, "what the filters leave");
    assert_eq!(logs[0]["errorCode"], "InternalServerError");

    said(&mut world, &["logs", "--csv", "out", "--redact"]);
    for file in &files {
        let text = world.project.read(&format!("out/{file}"));
        assert!(!text.contains("ada@contoso.com") && !text.contains("=cmd"), "{file}: {text}");
    }
}

#[test]
fn an_entry_is_a_row_of_azure_monitors_table() {
    let mut world = trouble();
    let entries = lines(&mut world, &["logs", "--format", "json"]);
    let rows = lines(&mut world, &["logs", "--monitor"]);
    assert_eq!(entries.len(), rows.len());
    for (entry, row) in entries.iter().zip(&rows) {
        let info = &entry["provisioningStatusInfo"];
        assert_eq!(row["ResultType"], info["status"]);
        let error = |member: &str| info["errorInformation"][member].as_str().unwrap_or_default();
        assert_eq!(row["ResultSignature"], error("errorCode"));
        assert_eq!(row["ResultDescription"], error("reason"));
        assert_eq!(row["TimeGenerated"], entry["activityDateTime"]);
        assert_eq!(
            (&row["JobId"], &row["CycleId"], &row["ChangeId"], &row["Action"]),
            (&entry["jobId"], &entry["cycleId"], &entry["changeId"], &entry["provisioningAction"])
        );
        for (column, member) in [
            ("SourceIdentity", "sourceIdentity"),
            ("TargetIdentity", "targetIdentity"),
            ("ServicePrincipal", "servicePrincipal"),
            ("ModifiedProperties", "modifiedProperties"),
            ("ProvisioningSteps", "provisioningSteps"),
        ] {
            let nested: Value = serde_json::from_str(row[column].as_str().unwrap()).unwrap();
            assert_eq!(nested, entry[member], "{column}");
        }
    }
    assert!(rows.iter().any(|row| row["ResultSignature"] == "InternalServerError"));
    covers!("E-263", "E-264");
}

/// What an audit entry says under a key of its additional details.
fn detail<'e>(entry: &'e Value, key: &str) -> &'e str {
    let details = entry["additionalDetails"].as_array().unwrap();
    details.iter().find(|detail| detail["key"] == key).unwrap()["value"].as_str().unwrap()
}

#[test]
fn the_audit_log_has_every_operation_and_every_retry_under_its_published_name() {
    let mut world = trouble();
    world.heal();
    let due = world.escrows()[0].next_retry.unwrap();
    world.run_at(Purpose::Cycle, due);
    let entries = lines(&mut world, &["logs", "--audit", "--format", "json"]);
    for entry in &entries {
        assert_eq!(entry["category"], "ProvisioningManagement");
        assert_eq!(entry["loggedByService"], "Account Provisioning");
        for key in ["Details", "ErrorCode", "EventName", "ipaddr"] {
            detail(entry, key);
        }
    }
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), entries.len());
    assert!(ids.iter().all(|id| id.starts_with("Sync_")));
    for choice in [["--status", "failure"], ["--limit", "1"], ["--cycle", "2"]] {
        let arguments = [&["logs", "--audit", "--format", "json"][..], &choice].concat();
        let chosen = lines(&mut world, &arguments);
        assert!(!chosen.is_empty() && chosen.len() < entries.len(), "{choice:?}");
        assert!(chosen.iter().all(|entry| entries.contains(entry)), "{choice:?}: an entry is what it is");
    }
    let of = |activity: &str| -> Vec<&Value> {
        entries.iter().filter(|entry| entry["activityDisplayName"] == activity).collect()
    };
    let events = |activity: &str| -> BTreeSet<&str> {
        of(activity).into_iter().map(|entry| detail(entry, "EventName")).collect()
    };
    assert_eq!(events("Import"), BTreeSet::from(["EntryImport", "EntryImportAdd"]));
    assert!(events("Synchronization rule action").contains("EntrySynchronizationScoping"));
    assert!(events("Export").contains("EntryExportAdd"));
    let failed: Vec<&Value> = entries.iter().filter(|entry| entry["result"] == "failure").collect();
    assert!(failed.iter().all(|entry| detail(entry, "ErrorCode") == "InternalServerError"), "{failed:?}");
    covers!("E-224");

    // bob was tried again twice: once in vain, once with success.
    let retries: Vec<(&Value, &str)> = of("Process escrow")
        .into_iter()
        .map(|entry| (&entry["result"], detail(entry, "ErrorCode")))
        .collect();
    assert_eq!(retries, [(&json!("failure"), "InternalServerError"), (&json!("success"), "")]);
    let about = &of("Process escrow")[0]["targetResources"][1];
    assert_eq!(about["displayName"], upn("bob"));
    // Each had its own entry of the provisioning log.
    let log = lines(&mut world, &["logs", "--object", "bob@contoso.com", "--format", "json"]);
    let statuses: Vec<&Value> = log.iter().map(|entry| &entry["provisioningStatusInfo"]["status"]).collect();
    assert_eq!(statuses, ["failure", "failure", "success"]);
    covers!("E-141");
}

#[test]
fn who_starts_pauses_restarts_or_changes_a_job_is_in_the_audit_log() {
    let mut world = World::new("");
    world.people.user("ada", &[]).assign("ada");
    world.cycle();
    let activities = |world: &mut World, from: usize| -> Vec<String> {
        let all = lines(world, &["logs", "--audit", "--format", "json"]);
        let job = all.iter().filter(|entry| entry["targetResources"].as_array().unwrap().len() == 1);
        let names = job.map(|entry| entry["activityDisplayName"].as_str().unwrap().to_owned());
        names.skip(from).collect()
    };
    let saved = "Update provisioning setting or credentials";
    let mapped = "Update attribute mappings or scope";
    assert_eq!(activities(&mut world, 0), [saved], "the first settings are saved settings");
    world.cycle();
    assert_eq!(activities(&mut world, 1), [""; 0], "nothing has changed");

    world.configure("token = { value = \"s3cr3t\" }");
    world.cycle();
    world.configure("token = { value = \"s3cr3t\" }\n[[job.filter]]\nobject = \"user\"\nname = \"F\"\nclauses = [{ attribute = \"mail\", operator = \"IS NULL\" }]\n");
    world.cycle();
    assert_eq!(activities(&mut world, 1), [saved, mapped]);

    for command in [&["pause"][..], &["start"], &["restart", "--reset", "escrows"]] {
        said(&mut world, command);
    }
    // Commands live on the wall clock, after every moment of the story.
    assert!(world.clock.now() < scimulator::clock::SystemClock.now());
    assert_eq!(
        activities(&mut world, 3),
        [
            "Disable/pause provisioning configuration",
            "Enable/start provisioning configuration",
            "Enable/restart provisioning configuration",
        ]
    );
    covers!("E-223");
    let text = said(&mut world, &["logs", "--audit"]);
    assert!(text.contains("Enable/restart provisioning configuration  escrows"), "{text}");
    assert!(!text.contains("s3cr3t"));
}
