//! `directory` and `explain`: looking into the tenant and changing it by hand.

use serde_json::Value;

use crate::common::Project;

const CONFIG: &str = "[directory]\npath = 'directory'\nvanish_limit = { at_least = 2 }\n\
    [[app_role]]\nid = '06b07648-ecfe-589f-9d2f-6325724a46ee'\nvalue = 'Admin'\ndisplayName = 'Administrator'\n\
    [[job]]\nname = 'a'\ntenant_url = 'embedded'\n";

const USERS: &str = "objectId,userPrincipalName,displayName,accountEnabled,department,jobTitle,manager\n\
    u1,ada@x.com,Ada,True,Sales,Clerk,ben@x.com\n\
    u2,ben@x.com,Ben,True,Sales,,\n\
    u3,cleo@x.com,Cleo,True,Legal,,\n";

const GROUPS: &str = "objectId,displayName,securityEnabled\ng1,Team,True\ng2,Legal,True\n";

fn project() -> Project {
    Project::with([
        ("scimulator.toml", CONFIG),
        ("directory/users.csv", USERS),
        ("directory/groups.csv", GROUPS),
        ("directory/members.csv", "group,member\nTeam,ada@x.com\nTeam,Legal\n"),
        ("directory/assignments.csv", "principal,appRole\nTeam,\nben@x.com,\n"),
    ])
}

/// A run that must be fine; what it printed.
fn fine<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let ran = project.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    ran.stdout
}

/// A run that must be refused as wrong use; what it complained of.
fn refused<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let ran = project.run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
    ran.stderr
}

fn json<const N: usize>(project: &Project, arguments: [&str; N]) -> Value {
    let text = fine(project, arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn show(project: &Project, name: &str) -> Value {
    json(project, ["directory", "show", name, "--format", "json"])
}

#[test]
fn the_list_has_everybody_in_source_order() {
    let project = project();
    let list = json(&project, ["directory", "list", "--format", "json"]);
    let rows = list["value"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ada@x.com", "ben@x.com", "cleo@x.com", "Team", "Legal"]);
    assert_eq!(rows[0]["objectType"], "User");
    assert_eq!(rows[0]["attributes"]["department"], "Sales");
    assert_eq!(rows[0]["attributes"]["accountEnabled"], "True", "values are those that mappings see");

    let text = project.run(["directory", "list"]);
    let columns: Vec<_> =
        text.stdout.lines().map(|line| line.find("OBJECT ID").or(line.rfind("   "))).collect();
    assert_eq!(text.stdout.lines().count(), 6, "{}", text.stdout);
    assert!(columns.iter().all(Option::is_some));
    assert_eq!(text.stderr, "3 users, 2 groups\n");
}

#[test]
fn a_list_longer_than_a_page_has_every_object_once() {
    let project = Project::with([("scimulator.toml", CONFIG)]);
    fine(&project, ["directory", "generate", "--users", "1100", "directory"]);
    let list = json(&project, ["directory", "list", "--format", "json"]);
    let ids: std::collections::BTreeSet<_> =
        list["value"].as_array().unwrap().iter().map(|row| row["objectId"].as_str().unwrap()).collect();
    assert_eq!((list["value"].as_array().unwrap().len(), ids.len()), (1155, 1155));
}

#[test]
fn attributes_are_set_cleared_and_marked_until_the_row_changes() {
    let project = project();
    let set = [
        "directory",
        "set",
        "ada@x.com",
        "department=Legal",
        "JobTitle=",
        "otherMails=a@y",
        "otherMails=b@y",
    ];
    assert_eq!(
        fine(&project, set),
        "ada@x.com: department was `Sales` and is `Legal` now\n\
         ada@x.com: jobTitle was `Clerk` and is nothing now\n\
         ada@x.com: otherMails was nothing and is `a@y;b@y` now\n"
    );
    let shown = show(&project, "ada@x.com");
    assert_eq!(shown["attributes"]["department"], "Legal");
    assert_eq!(shown["attributes"]["otherMails"], serde_json::json!(["a@y", "b@y"]));
    assert_eq!(shown["attributes"].get("jobTitle"), None);
    assert_eq!(shown["edited"]["department"], serde_json::json!({ "value": "Legal", "file": "Sales" }));
    assert_eq!(shown["edited"]["jobTitle"], serde_json::json!({ "value": null, "file": "Clerk" }));
    let text = fine(&project, ["directory", "show", "ada@x.com"]);
    assert!(text.contains("IN THE FILE") && text.contains("Legal       Sales"), "{text}");

    assert!(fine(&project, set).contains("nothing changed"), "the same again");

    project.write("directory/users.csv", &USERS.replace("Clerk", "Chief"));
    let shown = show(&project, "ada@x.com");
    assert_eq!(
        (&shown["attributes"]["department"], &shown["edited"]),
        (&"Sales".into(), &serde_json::json!({}))
    );
}

#[test]
fn what_can_not_be_set_is_refused_and_slips_are_told() {
    let project = project();
    for (set, expected) in [
        ("accountEnabled=perhaps", "`accountEnabled` is neither `True` nor `False`"),
        ("objectId=u9", "an objectId never changes"),
        ("userPrincipalName=", "a user can't be without `userPrincipalName`"),
        ("userPrincipalName=BEN@x.com", "`BEN@x.com` is the name of another object"),
        ("IsSoftDeleted=True", "`IsSoftDeleted` can't be set"),
        ("department", "attribute=value"),
    ] {
        let complaint = refused(&project, ["directory", "set", "ada@x.com", set]);
        assert!(complaint.contains(expected), "{set}: {complaint}");
    }
    let twice = refused(&project, ["directory", "set", "ada@x.com", "department=a", "department=b"]);
    assert!(twice.contains("`department` takes one value, not 2"), "{twice}");
    assert_eq!(show(&project, "ada@x.com")["edited"], serde_json::json!({}), "nothing of it was kept");

    let slip = project.run(["directory", "set", "ada@x.com", "departmnt=x"]);
    assert_eq!(slip.code, 0);
    assert!(slip.stderr.contains("did you mean `department`?"), "{}", slip.stderr);
    assert_eq!(show(&project, "ada@x.com")["attributes"]["departmnt"], "x");
    let manager = project.run(["directory", "set", "ada@x.com", "manager=zoe@x.com"]);
    assert!(manager.stderr.contains("no user is called `zoe@x.com`"), "{}", manager.stderr);
}

#[test]
fn a_rename_by_command_keeps_groups_assignments_and_reports() {
    let project = project();
    fine(&project, ["directory", "set", "ben@x.com", "userPrincipalName=benedict@x.com"]);
    fine(&project, ["directory", "set", "ada@x.com", "userPrincipalName=ada.l@x.com"]);
    fine(&project, ["directory", "set", "Team", "displayName=Crew"]);
    fine(&project, ["directory", "set", "Legal", "displayName=Team"]);
    // The files go on calling them by the old names, and are read again.
    let crew = show(&project, "Crew");
    let members: Vec<_> =
        crew["members"].as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap()).collect();
    assert_eq!(members, ["ada.l@x.com", "Team"]);
    assert_eq!(show(&project, "Team")["memberCount"], 0);
    assert_eq!(show(&project, "benedict@x.com")["assignments"].as_array().unwrap().len(), 1);
    let cycle = project.run(["cycle"]);
    let dangles = ["is ignored", "counts as absent"].iter().any(|words| cycle.stderr.contains(words));
    assert!(!dangles, "no reference dangles: {}", cycle.stderr);
    let log = fine(&project, ["logs", "--object", "ada.l@x.com", "--wire"]);
    assert!(log.contains("manager"), "the manager was written: {log}");
}

#[test]
fn users_go_through_the_recycle_bin_and_groups_do_not() {
    let project = project();
    assert!(fine(&project, ["directory", "delete", "ada@x.com"]).contains("in the recycle bin until"));
    let shown = show(&project, "ada@x.com");
    assert_eq!((&shown["status"], &shown["inFile"]), (&"recycled".into(), &true.into()));
    let moment = |name: &str| shown[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let kept = moment("purgeDateTime").duration_since(moment("deletedDateTime"));
    assert_eq!(kept, jiff::SignedDuration::from_hours(30 * 24));
    assert!(
        refused(&project, ["directory", "delete", "ada@x.com"]).contains("is in the recycle bin already")
    );
    assert!(refused(&project, ["directory", "assign", "ada@x.com"]).contains("is in the recycle bin"));
    fine(&project, ["directory", "restore", "ada@x.com"]);
    assert_eq!(show(&project, "ada@x.com")["status"], "active");
    assert!(refused(&project, ["directory", "restore", "ada@x.com"]).contains("is not deleted"));
    fine(&project, ["directory", "purge", "ada@x.com"]);
    assert_eq!(show(&project, "ada@x.com")["status"], "deleted");
    assert!(refused(&project, ["directory", "restore", "ada@x.com"]).contains("is deleted for good"));
    fine(&project, ["directory", "delete", "Legal"]);
    assert_eq!(show(&project, "Legal")["status"], "deleted");
}

#[test]
fn a_disabled_user_is_disabled_in_the_app_by_the_next_cycle() {
    let project = project();
    fine(&project, ["cycle"]);
    assert!(fine(&project, ["directory", "disable", "ben@x.com"]).contains("accountEnabled was `True`"));
    let cycle = json(&project, ["cycle", "--format", "json"]);
    assert_eq!(cycle["statistics"]["actions"]["disabled"], 1, "{cycle}");
    assert!(refused(&project, ["directory", "disable", "Team"]).contains("only users can be disabled"));
}

#[test]
fn members_come_and_go() {
    let project = project();
    let add = ["directory", "add-member", "Team", "cleo@x.com"];
    assert_eq!(fine(&project, add), "cleo@x.com is a member of Team\n");
    assert_eq!(fine(&project, add), "nothing changed: cleo@x.com is a member of Team\n");
    fine(&project, ["directory", "remove-member", "Team", "ada@x.com"]);
    let members = show(&project, "Team")["members"].clone();
    let edits: Vec<_> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (member["name"].as_str().unwrap(), member["edit"].as_str()))
        .collect();
    assert_eq!(edits, [("ada@x.com", Some("removed")), ("cleo@x.com", Some("added")), ("Legal", None)]);
    // The name of a user is no group's.
    let complaint = refused(&project, ["directory", "add-member", "ada@x.com", "cleo@x.com"]);
    assert!(complaint.contains("there is no group `ada@x.com`"), "{complaint}");
    let own = refused(&project, ["directory", "add-member", "Team", "Team"]);
    assert!(own.contains("can't be a member of itself"), "{own}");
}

#[test]
fn assignments_name_known_roles_and_jobs() {
    let project = project();
    fine(&project, ["directory", "assign", "cleo@x.com", "--role", "Admin"]);
    let cycle = json(&project, ["cycle", "--format", "json"]);
    assert_eq!(cycle["statistics"]["actions"]["created"], 4, "three users and a group: {cycle}");
    let role = refused(&project, ["directory", "assign", "cleo@x.com", "--role", "Admn"]);
    assert!(role.contains("did you mean `Admin`?"), "{role}");
    assert!(refused(&project, ["directory", "assign", "cleo@x.com", "--job", "b"]).contains("no job `b`"));
    fine(&project, ["directory", "unassign", "cleo@x.com"]);
    let again = fine(&project, ["directory", "unassign", "cleo@x.com"]);
    assert!(again.contains("nothing changed"), "{again}");
}

#[test]
fn an_assignment_to_every_job_is_not_taken_from_one_alone() {
    let project = project();
    project.write("scimulator.toml", &format!("{CONFIG}[[job]]\nname = 'b'\ntenant_url = 'embedded'\n"));
    fine(&project, ["directory", "assign", "cleo@x.com", "--job", "b"]);
    assert_eq!(show(&project, "cleo@x.com")["assignments"][0]["job"], "b");
    fine(&project, ["directory", "unassign", "cleo@x.com", "--job", "b"]);
    let complaint = refused(&project, ["directory", "unassign", "ben@x.com", "--job", "b"]);
    assert!(complaint.contains("is assigned to every job"), "{complaint}");
    fine(&project, ["directory", "unassign", "ben@x.com"]);
}

#[test]
fn names_are_found_by_id_or_label_and_else_something_near_is_offered() {
    let project = project();
    for name in ["u1", "ada@x.com", "ADA@X.COM"] {
        assert_eq!(show(&project, name)["objectId"], "u1");
    }
    let near = refused(&project, ["directory", "show", "cloe@x.com"]);
    assert!(
        near.contains("there is no user or group `cloe@x.com`")
            && near.contains("did you mean `cleo@x.com`?")
    );
    let far = refused(&project, ["directory", "show", "zzzzz"]);
    assert!(far.contains("`scimulator directory list` shows everybody"), "{far}");
    project.write("directory/groups.csv", &format!("{GROUPS}g3,Legal,True\n"));
    project.write("directory/members.csv", "group,member\nTeam,ada@x.com\n");
    let both = refused(&project, ["directory", "show", "legal"]);
    assert!(both.contains("the name of 2 objects") && both.contains("g2") && both.contains("g3"), "{both}");
}

#[test]
fn a_fault_of_the_files_stops_edits_and_leaves_the_last_state_to_look_at() {
    let project = project();
    fine(&project, ["directory", "accept"]);
    project.write("directory/users.csv", "");
    let edit = refused(&project, ["directory", "disable", "ada@x.com"]);
    assert!(edit.contains("nothing was changed") && edit.contains("users.csv"), "{edit}");
    for arguments in [["directory", "show", "ada@x.com"], ["directory", "list", "-q"]] {
        let look = project.run(arguments);
        assert_eq!(look.code, 2);
        assert!(look.stdout.contains("ada@x.com"), "{}", look.stdout);
        assert!(look.stderr.contains("users.csv"), "{}", look.stderr);
    }
}

#[test]
fn vanished_rows_wait_until_they_are_accepted() {
    let project = project();
    assert_eq!(fine(&project, ["directory", "accept"]), "nothing is held; there was nothing to accept\n");
    let few: String = USERS.split_inclusive('\n').take(2).collect();
    project.write("directory/users.csv", &few);
    let held = refused(&project, ["directory", "set", "ada@x.com", "department=x"]);
    assert!(held.contains("2 of 3 users vanished") && held.contains("directory accept"), "{held}");
    let accepted = fine(&project, ["directory", "accept"]);
    assert_eq!(
        accepted,
        "accepted: 2 of 3 users vanished and are in the recycle bin now\n  \
         User ben@x.com: recycle bin\n  User cleo@x.com: recycle bin\n"
    );
    assert_eq!(show(&project, "ben@x.com")["status"], "recycled");
    project.write("directory/users.csv", USERS);
    assert_eq!(show(&project, "ben@x.com")["status"], "active", "the row came back");
}

#[test]
fn a_made_up_directory_is_written_once_and_reads_well() {
    let project = Project::with([("scimulator.toml", CONFIG)]);
    let generate = ["directory", "generate", "--users", "40", "--seed", "7", "directory"];
    assert_eq!(fine(&project, generate).lines().count(), 4);
    let users = project.read("directory/users.csv");
    assert_eq!(users.lines().count(), 41);
    let again = refused(&project, generate);
    assert!(again.contains("there is already `directory/users.csv`"), "{again}");
    assert_eq!(project.read("directory/users.csv"), users);
    assert!(fine(&project, ["check"]).starts_with("ok: 1 job, 40 users, 2 groups, "));
}

#[test]
fn explain_says_what_the_next_cycle_does_and_why() {
    let project = project();
    let explain = |name: &str| json(&project, ["explain", name, "--format", "json"]);

    let unassigned = explain("cleo@x.com");
    assert_eq!(unassigned["scope"]["inScope"], false);
    assert_eq!(unassigned["conclusion"]["action"], "skip");
    assert_eq!(
        unassigned["conclusion"]["description"],
        "nothing is sent: it is not assigned to the application"
    );

    let member = explain("ada@x.com");
    assert_eq!(member["scope"]["assigned"], serde_json::json!(["as a member of `Team`, default access"]));
    assert_eq!(member["conclusion"]["action"], "provision");
    // As `wire.md 2.1` writes it.
    let url = member["queries"][0]["url"].as_str().unwrap();
    assert!(url.ends_with("/Users?filter=userName+eq+%22ada%40x.com%22"), "{url}");
    let row = |explained: &Value, target: &str| {
        explained["mapping"].as_array().unwrap().iter().find(|row| row["target"] == target).unwrap().clone()
    };
    assert_eq!(row(&member, "active")["value"], "True");
    assert_eq!(row(&member, "displayName")["sourceValues"]["displayName"], "Ada");
    assert_eq!(member["lastEntry"], Value::Null);

    fine(&project, ["cycle"]);
    let linked = explain("ada@x.com");
    assert_eq!(linked["import"]["isInNextCycle"], false);
    assert_eq!(linked["lastEntry"]["provisioningStatusInfo"]["status"], "success");
    let target = linked["link"]["targetId"].as_str().unwrap();
    assert!(linked["queries"][0]["url"].as_str().unwrap().ends_with(&format!("/Users/{target}")));
    let methods: Vec<_> = linked["lastEntry"]["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| exchange["request"]["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods.first(), Some(&"GET"), "the match query comes first");
    assert!(methods.contains(&"POST"), "{methods:?}");

    fine(&project, ["directory", "disable", "ada@x.com"]);
    let leaver = explain("ada@x.com");
    assert_eq!(leaver["conclusion"]["action"], "disable");
    assert_eq!(row(&leaver, "active")["value"], "False");
    assert_eq!(leaver["scope"]["objections"], serde_json::json!(["it is disabled in the source system"]));
    let text = fine(&project, ["explain", "ada@x.com"]);
    for expected in
        ["the next cycle looks at it: its row or its members changed", "LINK: account ", "  POST   /Users"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    fine(&project, ["directory", "purge", "ada@x.com"]);
    assert_eq!(explain("ada@x.com")["conclusion"]["action"], "delete");
}
