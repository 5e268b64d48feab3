//! Groups with members that were picked, and managers: what is written now, and what is left to the next cycle.

use scimulator::covers;
use serde_json::{Value, json};

use super::{CONFIG, USERS, account, answer, fine, project, refused, store};
use crate::bad_targets::server::{Answer, Server};
use crate::common::Project;

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
