//! `provision`: one object through the five steps, outside the cycles. What is asked for and what is told come from
//! `engine.md 8` and `graph-api.md 6.2`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use scimulator::clock::{Clock as _, SystemClock};
use scimulator::covers;
use scimulator::store::{JobLock, Store};
use serde_json::{Value, json};

use crate::bad_targets::server::{Answer, Server};
use crate::common::{Project, free_port};

const CONFIG: &str = "[directory]\npath = 'directory'\n[[app_role]]\nvalue = 'Admin'\ndisplayName = 'Administrator'\n\
    id = '06b07648-ecfe-589f-9d2f-6325724a46ee'\n[[job]]\nname = 'app'\ntenant_url = 'embedded'\n";
const USERS: &str = "objectId,userPrincipalName,displayName,mailNickname,department,accountEnabled,manager\n\
    u1,ann@x.com,Ann,ann,Sales,True,eve@x.com\n\
    u2,ben@x.com,Ben,ben,Legal,True,\n\
    u3,cyd@x.com,Cyd,cyd,Sales,False,\n\
    u4,dora@x.com,Dora,dora,,True,\n\
    u5,eve@x.com,Eve,eve,,True,\n";

fn project() -> Project {
    Project::with([
        ("scimulator.toml", CONFIG),
        ("directory/users.csv", USERS),
        ("directory/groups.csv", "objectId,displayName,mailNickname\ng1,Team,team\n"),
        ("directory/members.csv", "group,member\nTeam,ben@x.com\n"),
        ("directory/assignments.csv", "principal,appRole\nann@x.com,Admin\ncyd@x.com,\neve@x.com,\nTeam,\n"),
    ])
}

#[track_caller]
fn fine<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let ran = project.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    ran.stdout
}

/// A run that sends nothing and ends with 2; what it said.
#[track_caller]
fn refused<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let before = requests(project).len();
    let ran = project.run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {ran:?}");
    assert_eq!(requests(project).len(), before, "{arguments:?}");
    ran.stderr
}

/// The answer of a run on demand, read twice as the shape demands: key, value; and the exit code.
#[track_caller]
fn answer<const N: usize>(project: &Project, arguments: [&str; N]) -> (Value, Value, Option<i32>) {
    let output = project.scimulator(["provision", "--format", "json"]).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let pair: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let inner = |name: &str| serde_json::from_str(pair[name].as_str().unwrap()).unwrap();
    (inner("key"), inner("value"), output.status.code())
}

/// Every request of the job so far: method, path and query, and the operations of a PATCH.
fn requests(project: &Project) -> Vec<(String, String, Value)> {
    let file = project.path("state/journal/app.jsonl");
    if !file.exists() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let request = |line: &str| {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let request = &exchange["request"];
        let (_, path) = request["url"].as_str().unwrap().rsplit_once("/v2/").unwrap_or_default();
        let body = &request["body"];
        let body = match body.as_str() {
            Some(text) => serde_json::from_str(text).unwrap_or_default(),
            None => body.clone(),
        };
        (request["method"].as_str().unwrap().to_owned(), path.to_owned(), body["Operations"].clone())
    };
    text.lines().map(request).collect()
}

/// The requests that `body` leads to.
fn requests_of(project: &Project, body: impl FnOnce()) -> Vec<(String, String, Value)> {
    let before = requests(project).len();
    body();
    requests(project).split_off(before)
}

fn store(project: &Project) -> Store {
    Store::open(&project.path("state")).unwrap()
}

/// What the embedded app holds under that name.
fn account(project: &Project, name: &str) -> Value {
    let held = store(project).embedded_content("app").unwrap();
    let found = held.into_iter().find(|one| one["userName"] == name || one["displayName"] == name);
    found.unwrap_or(Value::Null)
}

fn step<'v>(value: &'v Value, kind: &str) -> &'v Value {
    let steps = value["provisioningSteps"].as_array().unwrap();
    steps.iter().find(|step| step["type"] == kind).unwrap_or(&Value::Null)
}

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

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

#[test]
fn who_was_unassigned_is_disabled_past_the_deletion_guard() {
    let project = project();
    let guarded = "delete_threshold = 1\nnotification_email = 'a@x.com'\n";
    project.write("scimulator.toml", &format!("{CONFIG}{guarded}"));
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "unassign", "eve@x.com"]);
    fine(&project, ["directory", "unassign", "ann@x.com"]);
    let (key, value, code) = answer(&project, ["eve@x.com"]);
    covers!("E-194");
    assert_eq!((code, &key["result"], &value["action"]), (Some(0), &json!("Success"), &json!("Disable")));
    assert_eq!(account(&project, "eve@x.com")["active"], false);
    assert_eq!(account(&project, "ann@x.com")["active"], true, "nobody asked for her");
    fine(&project, ["cycle"]);
    assert_eq!(account(&project, "ann@x.com")["active"], false);
}

/// Seven lines of a file.
fn seven(line: impl Fn(u32) -> String) -> String {
    (1..=7).map(line).collect::<Vec<_>>().concat()
}

/// Users m1 to m7, all of them in Team.
fn crowd() -> Project {
    let project = project();
    let users = seven(|n| format!("m{n},m{n}@x.com,M{n},m{n},,True,\n"));
    project.write("directory/users.csv", &format!("{USERS}{users}"));
    let members = seven(|n| format!("Team,m{n}@x.com\n"));
    project.write("directory/members.csv", &format!("group,member\n{members}"));
    project
}

/// The names of those in Team, as the target has them.
fn team(project: &Project) -> Vec<String> {
    let held = store(project).embedded_content("app").unwrap();
    let group = account(project, "Team");
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let name = |member: &Value| {
        let user = held.iter().find(|user| user["id"] == member["value"]).unwrap();
        user["userName"].as_str().unwrap().trim_end_matches("@x.com").to_owned()
    };
    let mut names: Vec<String> = members.iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn of_a_group_the_members_that_were_picked_are_written_and_the_others_by_the_next_cycle() {
    let project = crowd();
    // The group alone comes into scope later, so that nothing but what is owed leads the next cycle to its members.
    let assigned = seven(|n| format!("m{n}@x.com,\n"));
    project.write(
        "directory/assignments.csv",
        &format!("principal,appRole\nann@x.com,Admin\neve@x.com,\n{assigned}"),
    );
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "assign", "Team"]);

    let six = [
        "provision",
        "Team",
        "--member=m1@x.com",
        "--member=m2@x.com",
        "--member=m3@x.com",
        "--member=m4@x.com",
        "--member=m5@x.com",
        "--member=m6@x.com",
    ];
    covers!("E-192", "W-038");
    assert!(refused(&project, six).contains("6 members are too many; one call takes 5"));
    let (key, value, code) = answer(
        &project,
        [
            "Team",
            "--member=m1@x.com",
            "--member=m2@x.com",
            "--member=m3@x.com",
            "--member=m4@x.com",
            "--member=m5@x.com",
        ],
    );
    covers!("G-090");
    assert_eq!((code, &key["result"], &value), (Some(0), &json!("Success"), &json!({})));
    assert_eq!(team(&project), ["m1", "m2", "m3", "m4", "m5"]);
    fine(&project, ["cycle"]);
    assert_eq!(team(&project), ["m1", "m2", "m3", "m4", "m5", "m6", "m7"]);

    fine(&project, ["directory", "remove-member", "Team", "m1@x.com"]);
    fine(&project, ["directory", "remove-member", "Team", "m2@x.com"]);
    let text = fine(&project, ["provision", "Team", "--member", "m1@x.com"]);
    assert!(text.contains("members: `m1@x.com` became nothing"), "{text}");
    assert_eq!(team(&project), ["m2", "m3", "m4", "m5", "m6", "m7"]);
}

#[test]
fn a_group_without_picked_members_owes_them_to_the_next_cycle() {
    let project = crowd();
    let assigned = seven(|n| format!("m{n}@x.com,\n"));
    project.write("directory/assignments.csv", &format!("principal,appRole\n{assigned}"));
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "assign", "Team"]);
    fine(&project, ["provision", "Team"]);
    assert_eq!(team(&project), [""; 0]);
    fine(&project, ["cycle"]);
    assert_eq!(team(&project).len(), 7);
}

#[test]
fn members_that_can_not_be_picked() {
    let project = crowd();
    project
        .write("directory/groups.csv", "objectId,displayName,mailNickname\ng1,Team,team\ng2,Inner,inner\n");
    fine(&project, ["directory", "add-member", "Team", "Inner"]);
    covers!("E-193");
    let nested = refused(&project, ["provision", "Team", "--member", "Inner"]);
    assert!(nested.contains("`Inner` is a group, and nested groups are not processed"), "{nested}");
    let stranger = refused(&project, ["provision", "Team", "--member", "dora@x.com"]);
    assert!(stranger.contains("`dora@x.com` is not a member of group `Team`"), "{stranger}");
    let user = refused(&project, ["provision", "m1@x.com", "--member", "m2@x.com"]);
    assert!(user.contains("`m1@x.com` is a user and has no members"), "{user}");

    // A member without an account is told; the next cycle writes it.
    let (key, _, code) = answer(&project, ["Team", "--member", "m1@x.com"]);
    assert_eq!((code, &key["result"]), (Some(0), &json!("Success")));
    assert_eq!(account(&project, "m1@x.com"), Value::Null, "members are not provisioned themselves");
    let text = fine(&project, ["provision", "Team", "--member", "m1@x.com"]);
    assert!(text.contains("Unable to resolve m1@x.com"), "{text}");
    fine(&project, ["cycle"]);
    assert_eq!(team(&project).len(), 7);
}

#[test]
fn members_that_the_target_refuses_are_shown_as_attempted() {
    let project = project();
    let server = Server::start(|asked| {
        let refuses = asked.method == "PATCH" && asked.target.contains("/Groups/");
        refuses.then(|| Answer::say(400, json!({ "detail": "no members here" })))
    });
    project.write("scimulator.toml", &CONFIG.replace("'embedded'", &format!("'{}'", server.url())));
    fine(&project, ["provision", "ben@x.com"]);
    let (key, value, code) = answer(&project, ["Team", "--member", "ben@x.com"]);
    covers!("E-189");
    assert_eq!((code, &key["result"], &value["action"]), (Some(1), &json!("Failure"), &json!("Create")));
    assert!(key["details"]["errorMessage"].as_str().unwrap().contains("no members here"), "{key}");
    let tried = json!({ "displayName": "members", "oldValue": null, "newValue": "ben@x.com" });
    assert!(value["modifiedProperties"].as_array().unwrap().contains(&tried), "{value}");
}

#[test]
fn a_manager_whom_no_cycle_has_come_to_is_written_by_the_next_one() {
    let project = project();
    let users = USERS.replace("eve@x.com\n", "flo@x.com\n");
    project.write("directory/users.csv", &format!("{users}u6,flo@x.com,Flo,flo,,True,\n"));
    fine(&project, ["directory", "unassign", "ann@x.com"]);
    fine(&project, ["cycle"]);
    assert_eq!(account(&project, "ann@x.com"), Value::Null);
    // From here on nothing about her changes but her assignment.
    fine(&project, ["directory", "assign", "ann@x.com"]);
    fine(&project, ["directory", "assign", "flo@x.com"]);
    let text = fine(&project, ["provision", "ann@x.com"]);
    assert!(text.contains("Unable to resolve flo@x.com"), "{text}");
    fine(&project, ["cycle"]);
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let manager = account(&project, "ann@x.com")[enterprise]["manager"]["value"].clone();
    assert_eq!(manager, account(&project, "flo@x.com")["id"]);
}

#[test]
fn the_flag_in_the_tenant_url_is_ignored() {
    let project = project();
    let server = Server::start(|_| None);
    let url = |flag: &str| {
        let config = CONFIG.replace("'embedded'", &format!("'{}{flag}'", server.url()));
        project.write("scimulator.toml", &format!("{config}scope = 'all'\ngroups = false\n"));
    };
    url("?aadOptscim062020");
    fine(&project, ["cycle"]);
    let mut users = USERS.replace(",Eve,", ",Eve V,");
    project.write("directory/users.csv", &users);
    let patches = |body: &dyn Fn()| {
        let before = server.asked().len();
        body();
        let sent = server.asked().split_off(before).into_iter().filter(|asked| asked.method == "PATCH");
        sent.map(|asked| serde_json::from_str::<Value>(&asked.body).unwrap()["Operations"].clone())
            .collect::<Vec<_>>()
    };
    covers!("W-038");
    let sent = patches(&|| drop(fine(&project, ["provision", "eve@x.com"])));
    assert_eq!(
        sent,
        [json!([{ "op": "Replace", "path": "displayName", "value": "Eve V" }])],
        "the default dialect"
    );
    users = users.replace(",Ben,", ",Ben V,");
    project.write("directory/users.csv", &users);
    let sent = patches(&|| drop(fine(&project, ["cycle"])));
    assert!(
        sent.contains(&json!([{ "op": "replace", "value": { "displayName": "Ben V" } }])),
        "the cycle speaks the flagged one: {sent:?}"
    );
}

#[test]
fn the_job_stays_as_it_is() {
    let project = project();
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "set", "eve@x.com", "displayName=Eve V"]);
    let standing = || {
        let store = store(&project);
        let mut row = store.job("app").unwrap().unwrap();
        row.cycle = 0; // entries and exchanges of a run on demand go by a number too
        (row, store.executions("app", 9).unwrap())
    };
    let before = standing();
    fine(&project, ["provision", "eve@x.com"]);
    assert_eq!(standing(), before);
    let planned = fine(&project, ["plan"]);
    assert!(planned.contains("would create 0, update 0"), "the change was written: {planned}");
    let shown = fine(&project, ["explain", "eve@x.com"]);
    assert!(shown.contains("success update on demand"), "{shown}");
    let wire = fine(&project, ["logs", "--object", "eve@x.com", "--limit", "1", "--wire"]);
    assert_eq!(wire.lines().count(), 3, "its entry, and its own two exchanges:\n{wire}");

    // A job that never ran has run no cycle afterwards either.
    let fresh = self::project();
    fine(&fresh, ["provision", "eve@x.com"]);
    assert!(fine(&fresh, ["status"]).contains("not started"));
    assert!(fine(&fresh, ["cycle"]).contains("initial cycle"));
}

#[test]
fn in_quarantine_it_works_and_ends_an_escrow_and_not_the_quarantine() {
    let broken = Arc::new(AtomicBool::new(false));
    let strict = Arc::new(AtomicBool::new(true));
    let (is_broken, is_strict) = (Arc::clone(&broken), Arc::clone(&strict));
    let server = Server::start(move |asked| {
        let refuse = |status, detail| Some(Answer::say(status, json!({ "detail": detail })));
        if is_broken.load(Ordering::SeqCst) {
            return refuse(401, "who are you?");
        }
        if is_strict.load(Ordering::SeqCst) && asked.creates("ben") {
            return refuse(400, "no Ben here");
        }
        None
    });
    let project = project();
    let config = CONFIG.replace("'embedded'", &format!("'{}'", server.url()));
    project.write("scimulator.toml", &format!("{config}scope = 'all'\ngroups = false\n"));
    fine(&project, ["cycle"]);
    let escrows = || store(&project).escrows("app").unwrap().len();
    assert_eq!(escrows(), 1);
    broken.store(true, Ordering::SeqCst);
    assert_eq!(project.run(["cycle"]).code, 3);

    // The probe is refused: the one thing that is shown.
    let asked = server.asked().len();
    let ran = project.run(["provision", "ben@x.com"]);
    covers!("E-188");
    assert_eq!((ran.code, server.asked().len()), (3, asked + 1), "{ran:?}");
    assert!(
        ran.stdout.contains("TEST CONNECTION: failure") && ran.stdout.contains("who are you?"),
        "{ran:?}"
    );
    let (key, value, code) = answer(&project, ["ben@x.com"]);
    let refused = "SystemForCrossDomainIdentityManagementCredentialValidationFailure";
    assert_eq!((code, &key["result"], &value), (Some(3), &json!("Failure"), &json!({})));
    assert_eq!(key["details"]["errorCode"], refused);

    broken.store(false, Ordering::SeqCst);
    let (key, value, code) = answer(&project, ["ben@x.com"]);
    covers!("G-085", "E-189");
    assert_eq!((code, &key["result"]), (Some(1), &json!("Failure")));
    assert!(key["details"]["errorMessage"].as_str().unwrap().contains("no Ben here"), "{key}");
    assert_eq!((&value["statusInfo"]["errorCode"], escrows()), (&key["details"]["errorCode"], 1));
    let tried = json!({ "displayName": "userName", "oldValue": null, "newValue": "ben@x.com" });
    assert!(value["modifiedProperties"].as_array().unwrap().contains(&tried), "what was attempted: {value}");
    strict.store(false, Ordering::SeqCst);
    assert_eq!(answer(&project, ["ben@x.com"]).2, Some(0));
    assert_eq!(escrows(), 0);
    assert_eq!(project.run(["quarantine"]).code, 4, "the job is where it was");
}

#[test]
fn an_account_that_the_target_has_soft_deleted_is_not_restored_and_a_duplicate_comes() {
    let hides = Arc::new(AtomicBool::new(false));
    let is_hidden = Arc::clone(&hides);
    let server = Server::start(move |asked| {
        let nothing = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                              "totalResults": 0, "Resources": [] });
        match (is_hidden.load(Ordering::SeqCst) && asked.method == "GET", asked.target.contains('?')) {
            (true, true) => Some(Answer::say(200, nothing)),
            (true, false) => Some(Answer::say(404, json!({ "status": "404" }))),
            (false, _) => None,
        }
    });
    let project = project();
    project.write("scimulator.toml", &CONFIG.replace("'embedded'", &format!("'{}'", server.url())));
    fine(&project, ["provision", "eve@x.com"]);
    let count = || server.users().iter().filter(|name| *name == "eve@x.com").count();
    assert_eq!(count(), 1);
    hides.store(true, Ordering::SeqCst);
    let before = server.asked().len();
    let (key, value, code) = answer(&project, ["eve@x.com"]);
    assert_eq!((code, &key["result"], &value["action"]), (Some(0), &json!("Success"), &json!("Create")));
    assert_eq!(count(), 2, "the one that is hidden, and another");
    let asked = server.asked().split_off(before);
    assert!(asked.iter().all(|asked| asked.method != "PATCH"), "nothing was restored: {asked:?}");
    covers!("E-195");
}

#[test]
fn with_oauth_the_job_has_to_be_stopped() {
    let project = project();
    fine(&project, ["cycle"]);
    fine(&project, ["provision", "eve@x.com"]); // without OAuth it works while the job is started
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let config = CONFIG.replace("'embedded'", &format!("'{nowhere}/scim'"));
    let oauth = format!(
        "[job.oauth]\ntoken_endpoint = '{nowhere}/token'\nclient_id = 'entra'\nclient_secret = {{ value = 's3cr3t' }}\n"
    );
    project.write("scimulator.toml", &format!("{config}{oauth}"));
    covers!("E-196");
    let said = refused(&project, ["provision", "eve@x.com"]);
    assert!(said.contains("only while the job is stopped") && said.contains("scimulator pause"), "{said}");
    fine(&project, ["pause"]);
    let ran = project.run(["provision", "eve@x.com"]);
    assert_eq!(ran.code, 3, "now it asks for a token, and nobody is there: {ran:?}");
}

#[test]
fn held_to_the_rate_of_graph_the_sixth_run_is_refused() {
    let project = project();
    project.write("scimulator.toml", &format!("{CONFIG}[job.fidelity]\non_demand_rate = true\n"));
    fine(&project, ["provision", "eve@x.com"]);
    for _ in 0..4 {
        store(&project).add_call("app", SystemClock.now()).unwrap();
    }
    let states = || (store(&project).calls("app").unwrap().len(), requests(&project).len());
    assert_eq!(states().0, 5);
    let before = states();
    let said = refused(&project, ["provision", "eve@x.com"]);
    assert!(said.contains("429 TooManyRequests") && said.contains("try again after"), "{said}");
    assert_eq!(states(), before);
    project.write("scimulator.toml", CONFIG);
    fine(&project, ["provision", "eve@x.com"]);
    covers!("E-197");
}

#[test]
fn a_new_assignment_may_take_a_while_to_be_seen_on_demand_and_cycles_see_it_at_once() {
    let project = project();
    fine(&project, ["directory", "unassign", "Team"]);
    fine(&project, ["advance", "--until", "cycle"]);
    project.write("scimulator.toml", &format!("{CONFIG}[job.fidelity]\nassignment_delay = '5m'\n"));
    let told = |user: &str| answer(&project, [user]).0;
    fine(&project, ["directory", "assign", "dora@x.com"]);
    assert_eq!(told("dora@x.com")["details"]["errorCode"], "NotEffectivelyEntitled");
    fine(&project, ["advance", "299s"]);
    assert_eq!(told("dora@x.com")["result"], "Skipped");
    fine(&project, ["advance", "1s"]);
    assert_eq!(told("dora@x.com")["result"], "Success");

    // Through a group it takes as long; a cycle does not wait, and an old assignment is there all the time.
    fine(&project, ["directory", "assign", "Team"]);
    assert_eq!(told("ben@x.com")["result"], "Skipped");
    assert_eq!(told("Team")["result"], "Skipped");
    assert_eq!(told("eve@x.com")["details"]["errorCode"], "RedundantExport");
    fine(&project, ["cycle"]);
    assert_eq!(account(&project, "ben@x.com")["active"], true);
    project.write("scimulator.toml", CONFIG);
    fine(&project, ["directory", "unassign", "dora@x.com"]);
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "assign", "dora@x.com"]);
    assert_eq!(told("dora@x.com")["result"], "Success", "by default at once");
    covers!("E-200");
}

#[test]
fn a_job_in_a_cycle_is_busy() {
    let project = project();
    fine(&project, ["cycle"]);
    let lock = JobLock::take(&project.path("state"), "app").unwrap();
    let said = refused(&project, ["provision", "eve@x.com"]);
    assert!(said.contains("job `app` is busy"), "{said}");
    drop(lock);
    fine(&project, ["pause"]);
    fine(&project, ["provision", "eve@x.com"]);
}

#[test]
fn the_other_published_shape_is_a_choice() {
    let project = project();
    project.write("scimulator.toml", &format!("{CONFIG}[job.fidelity]\non_demand_shape = 'array'\n"));
    let pair: Value =
        serde_json::from_str(&fine(&project, ["provision", "eve@x.com", "--format", "json"])).unwrap();
    covers!("G-084");
    assert_eq!(pair["key"], "Microsoft.Identity.Health.CPP.Common.DataContracts.SyncFabric.StatusInfo");
    let value: Value = serde_json::from_str(pair["value"].as_str().unwrap()).unwrap();
    assert_eq!((value.as_array().unwrap().len(), &value[0]["action"]), (1, &json!("Create")));
}

#[test]
fn a_create_that_was_cut_off_is_looked_up_by_the_next_cycle() {
    let project = project();
    let server = Server::start(|asked| asked.creates("eve").then_some(Answer::SilentlyDone));
    let config = CONFIG.replace("'embedded'", &format!("'{}'", server.url()));
    project.write("scimulator.toml", &format!("{config}groups = false\n[job.fidelity]\ntimeout = '300ms'\n"));
    assert_eq!(project.run(["provision", "eve@x.com"]).code, 1);
    let state = Connection::open(project.path("state/scimulator.db")).unwrap();
    let intents: i64 = state.query_row("SELECT count(*) FROM intent", [], |row| row.get(0)).unwrap();
    assert_eq!(intents, 1);
    fine(&project, ["cycle"]);
    let names = server.users();
    assert_eq!(names.iter().filter(|name| *name == "eve@x.com").count(), 1, "{names:?}");
}
