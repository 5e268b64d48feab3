//! What is told of an object: the five steps, and why nothing is sent.

use scimulator::covers;
use serde_json::{Value, json};

use super::{CONFIG, USERS, account, answer, fine, names, project, refused, requests_of, step, store};

#[test]
fn a_user_is_created_and_the_next_cycle_reads_the_account_by_its_id() {
    let project = project();
    let mut told = (Value::Null, Value::Null, None);
    let sent = requests_of(&project, || told = answer(&project, ["eve@x.com"]));
    let (key, value, code) = told;
    assert_eq!((code, &key), (Some(0), &json!({ "result": "Success", "details": {} })));

    covers!("E-188", "W-031");
    let lines: Vec<_> = sent.iter().map(|(method, path, _)| (method.as_str(), path.as_str())).collect();
    assert!(matches!(lines[..], [("GET", _), ("GET", _), ("POST", "Users")]), "{lines:?}");
    assert!(
        lines[0].1.starts_with("Users?filter=") && !lines[0].1.contains("x.com"),
        "a test user: {lines:?}"
    );
    assert!(lines[1].1.contains("eve@x.com") || lines[1].1.contains("eve%40x.com"), "{lines:?}");
    let kinds: Vec<&Value> =
        value["provisioningSteps"].as_array().unwrap().iter().map(|step| &step["type"]).collect();
    assert_eq!(kinds, ["Import", "Matching", "Scoping", "Export"], "no step for a test that went well");

    covers!("E-189");
    let imported = &step(&value, "Import")["details"];
    assert_eq!(
        (&imported["userPrincipalName"], &imported["displayName"]),
        (&json!("eve@x.com"), &json!("Eve"))
    );
    assert!(imported.get("department").is_none() && imported.get("givenName").is_none(), "{imported}");
    let exported = value["modifiedProperties"].as_array().unwrap();
    assert!(
        exported.contains(&json!({ "displayName": "userName", "oldValue": null, "newValue": "eve@x.com" }))
    );

    covers!("G-085", "G-086", "G-087");
    assert_eq!(
        names(&value),
        [
            "action",
            "changeId",
            "endTime",
            "modifiedProperties",
            "provisioningSteps",
            "reportableIdentifier",
            "sourceIdentity",
            "sourceSystem",
            "startTime",
            "statusInfo",
            "targetIdentity",
            "targetSystem"
        ]
    );
    assert_eq!((&value["action"], &value["statusInfo"]["status"]), (&json!("Create"), &json!("Success")));
    assert_eq!(value["sourceIdentity"]["type"], "User");
    assert_eq!(value["targetSystem"]["name"], "customappsso");
    let made = account(&project, "eve@x.com");
    assert_eq!(value["targetIdentity"]["id"], made["id"]);
    for step in value["provisioningSteps"].as_array().unwrap() {
        assert_eq!(names(step), ["description", "details", "name", "status", "timestamp", "type"]);
        assert_eq!(step["status"], "Success");
        let at = step["timestamp"].as_str().unwrap();
        assert!(value["startTime"].as_str() <= Some(at) && Some(at) <= value["endTime"].as_str(), "{value}");
    }

    let logged: Value = serde_json::from_str(&fine(&project, ["logs", "--format", "json"])).unwrap();
    covers!("G-138");
    assert_eq!(logged["initiatedBy"]["initiatorType"], "user");
    assert_eq!((&logged["provisioningAction"], &logged["changeId"]), (&json!("create"), &value["changeId"]));
    assert_eq!(
        names(&logged["provisioningSteps"][0]),
        ["description", "details", "name", "provisioningStepType", "status"],
        "a log entry has no times of steps"
    );

    covers!("E-198");
    let sent = requests_of(&project, || drop(fine(&project, ["cycle"])));
    let path = format!("Users/{}", made["id"].as_str().unwrap());
    assert!(sent.iter().any(|(method, asked, _)| method == "GET" && *asked == path), "{sent:?}");
    assert!(!sent.iter().any(|(_, asked, _)| asked.contains("filter") && asked.contains("eve")), "{sent:?}");
    let rows = fine(&project, ["logs", "--format", "json"]);
    let automatic = rows.lines().filter(|line| line.contains("\"initiatorType\":\"system\"")).count();
    assert_eq!(automatic, rows.lines().count() - 1, "everything else was done by the service");
}

#[test]
fn import_steps_are_named_by_the_way_in_which_the_object_came() {
    let project = project();
    let import = |object: &str| {
        let rows = fine(&project, ["logs", "--object", object, "--limit", "1", "--format", "json"]);
        let row: Value = serde_json::from_str(&rows).unwrap();
        row["provisioningSteps"][0]["name"].as_str().unwrap().to_owned()
    };
    fine(&project, ["cycle"]);
    covers!("E-230");
    assert_eq!(import("eve@x.com"), "EntryImport", "a full read");
    let users = format!("{}u6,flo@x.com,Flo,flo,,True,\n", USERS.replace(",Eve,", ",Eve V,"));
    project.write("directory/users.csv", &users);
    fine(&project, ["directory", "assign", "flo@x.com"]);
    fine(&project, ["cycle"]);
    assert_eq!(
        (import("eve@x.com").as_str(), import("flo@x.com").as_str()),
        ("EntryImportUpdate", "EntryImportAdd")
    );
    fine(&project, ["provision", "eve@x.com"]);
    assert_eq!(import("eve@x.com"), "EntryImport", "on demand");
}

#[test]
fn nothing_to_do_is_a_skip_with_its_reason() {
    let project = project();
    fine(&project, ["provision", "eve@x.com"]);
    let (key, value, code) = answer(&project, ["eve@x.com"]);
    covers!("G-085", "G-089");
    assert_eq!((code, &key["result"]), (Some(0), &json!("Skipped")));
    assert_eq!(key["details"]["errorCode"], "RedundantExport");
    assert_eq!((&value["action"], &value["modifiedProperties"]), (&json!("Other"), &json!([])));
    let last = value["provisioningSteps"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["name"], &last["type"], &last["status"], &last["details"]["SkipReason"]),
        (&json!("EntrySynchronizationSkip"), &json!("Export"), &json!("Skipped"), &json!("RedundantExport"))
    );
    let text = fine(&project, ["provision", "eve@x.com"]);
    for words in ["IMPORT: success", "SCOPE: success", "MATCH: not needed", "ACTION: other, skipped"] {
        assert!(text.contains(words), "`{words}` is missing in:\n{text}");
    }
}

#[test]
fn the_scope_step_shows_every_condition_and_who_is_out_of_scope_is_not_looked_for() {
    let project = project();
    let filter = "[[job.filter]]\nobject = 'user'\nname = 'Sales only'\n\
        clauses = [{ attribute = 'department', operator = 'EQUALS', value = 'Sales' }]\n";
    project.write("scimulator.toml", &format!("{CONFIG}{filter}"));
    let mut told = (Value::Null, Value::Null, None);
    let sent = requests_of(&project, || told = answer(&project, ["ben@x.com"]));
    covers!("E-199");
    assert_eq!(sent.len(), 1, "the probe alone: {sent:?}");
    let (key, value, code) = told;
    assert_eq!((code, &key["result"]), (Some(0), &json!("Skipped")));
    assert_eq!(key["details"]["errorCode"], "NotEffectivelyEntitled");
    covers!("E-190", "G-088");
    assert_eq!(
        step(&value, "Scoping")["details"],
        json!({
            "Active in the source system": "True",
            "Assigned to the application": "True",
            "User has the required role": "True",
            "Scoping filter evaluation passed": "False",
            "ScopeEvaluationResult": "{\"Sales only.department EQUALS 'Sales'\":false}",
        })
    );
    let text = fine(&project, ["provision", "dora@x.com"]);
    for words in ["Assigned to the application: False", "SCOPE: success", "MATCH: not looked for", "skipped"]
    {
        assert!(text.contains(words), "`{words}` is missing in:\n{text}");
    }
    let (_, value, _) = answer(&project, ["ann@x.com"]);
    assert_eq!(step(&value, "Scoping")["details"]["Scoping filter evaluation passed"], "True");

    project.write("scimulator.toml", &format!("{CONFIG}scope = 'all'\n"));
    let (_, value, _) = answer(&project, ["dora@x.com"]);
    assert_eq!(step(&value, "Scoping")["details"]["Scope sync all"], "True");
}

#[test]
fn matching_attributes_are_asked_for_in_turn_and_all_that_match_are_shown() {
    const AT: &str = "2026-01-05T08:00:00Z";
    let project = project();
    let profile = "name = 'p'\ntitle = 'P'\ngallery = true\n[user]\nname = 'Users'\n\
        target = 'urn:ietf:params:scim:schemas:core:2.0:User'\nattributes = [\n{ name = 'id', anchor = true },\n\
        { name = 'userName', required = true }, { name = 'externalId' },\n]\nmappings = [\n\
        { attribute = 'userPrincipalName', target = 'userName', matching = 1 },\n\
        { attribute = 'mailNickname', target = 'externalId', matching = 2 },\n]\n";
    project.write("p.toml", profile);
    project.write("scimulator.toml", &format!("{CONFIG}profile = 'p.toml'\nscope = 'all'\n"));
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    for (id, name, nickname) in [("t1", "one", "eve"), ("t2", "two", "eve"), ("t3", "three", "dora")] {
        let meta = json!({ "resourceType": "User", "created": AT, "lastModified": AT });
        let held =
            json!({ "schemas": schemas, "id": id, "meta": meta, "userName": name, "externalId": nickname });
        store(&project).save_embedded("app", id, &held).unwrap();
    }
    let mut told = (Value::Null, Value::Null, None);
    let sent = requests_of(&project, || told = answer(&project, ["eve@x.com"]));
    covers!("E-191");
    assert_eq!(sent.len(), 3, "probe and two look-ups: {sent:?}");
    assert!(sent[1].1.contains("userName") && sent[2].1.contains("externalId"), "{sent:?}");
    let (key, value, code) = told;
    assert_eq!((code, &key["result"]), (Some(1), &json!("Failure")));
    assert_eq!(key["details"]["errorCode"], "DuplicateTargetEntries");
    assert_eq!(step(&value, "Matching")["details"]["TargetId"], "t1;t2");

    let (_, value, code) = answer(&project, ["dora@x.com"]);
    assert_eq!((code, &step(&value, "Matching")["details"]["TargetId"]), (Some(0), &json!("t3")));
    assert_eq!(
        value["modifiedProperties"],
        json!([{ "displayName": "userName", "oldValue": "three", "newValue": "dora@x.com" }])
    );
}

#[test]
fn what_can_not_be_picked_is_said_and_nothing_is_sent() {
    let project = project();
    fine(&project, ["cycle"]);
    let says = |arguments: [&str; 2], words: &[&str]| {
        let said = refused(&project, arguments);
        for words in words {
            assert!(said.contains(words), "{arguments:?}: `{words}` is missing in:\n{said}");
        }
    };
    covers!("E-192", "W-038");
    let two = project.run(["provision", "ann@x.com", "ben@x.com"]);
    assert_eq!((two.code, two.stdout.as_str()), (2, ""), "{two:?}");
    covers!("E-193");
    says(["provision", "Administrator"], &["is a role", "can't be provisioned on demand"]);
    covers!("E-194");
    says(["provision", "cyd@x.com"], &["`cyd@x.com` is disabled at the source", "next cycle"]);
    fine(&project, ["directory", "delete", "dora@x.com"]);
    says(["provision", "dora@x.com"], &["`dora@x.com` is deleted at the source"]);
    says(["provision", "bem@x.com"], &["there is no user or group `bem@x.com`", "did you mean `ben@x.com`?"]);
    project.write("scimulator.toml", &format!("{CONFIG}groups = false\n"));
    says(["provision", "Team"], &["job `app` provisions no groups"]);

    project.write("directory/users.csv", "objectId,userPrincipalName\nu1,\"ann");
    says(["provision", "ann@x.com"], &["users.csv", "nothing was sent"]);
}
