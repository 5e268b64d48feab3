//! Members and managers: how they read, and what becomes of them.

use scimulator::http::Method;
use serde_json::json;

use super::{ENTERPRISE, Story};

#[test]
fn members_read_back_with_what_the_app_knows_of_them() {
    let mut story = Story::new();
    let user = story.user("ada");
    let nested = story.group("nested");
    let group = story.create(
        "/Groups",
        json!({ "displayName": "g", "members": [{ "value": user, "display": "made up" }, { "value": nested }, { "value": "unknown" }] }),
    );
    let base = "http://app.test/scim/v2";
    let want = json!([
        { "value": user, "$ref": format!("{base}/Users/{user}"), "type": "User", "display": "ada display" },
        { "value": nested, "$ref": format!("{base}/Groups/{nested}"), "type": "Group", "display": "nested" },
        { "value": "unknown" },
    ]);
    assert_eq!(story.get(&format!("/Groups/{group}")).1["members"], want);
    for excluded in [
        format!("/Groups/{group}?excludedAttributes=members"),
        format!("/Groups/{group}?attributes=displayName"),
    ] {
        assert!(story.get(&excluded).1.get("members").is_none(), "{excluded}");
    }
    let (_, list) = story.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22g%22");
    assert_eq!(list["totalResults"], 1);
    assert!(list["Resources"][0].get("members").is_none());
    assert_eq!(
        story.get(&format!("/Groups/{group}?attributes=members.value")).1["members"],
        json!([{ "value": user }, { "value": nested }, { "value": "unknown" }])
    );
}

#[test]
fn a_manager_reads_back_with_what_the_app_knows_of_them() {
    let mut story = Story::new();
    let (user, manager) = (story.user("u"), story.user("m"));
    let path = format!("{ENTERPRISE}:manager");
    let (_, read) =
        story.patch(&format!("/Users/{user}"), &json!([{ "op": "Add", "path": path, "value": manager }]));
    let reference = format!("http://app.test/scim/v2/Users/{manager}");
    assert_eq!(
        read[ENTERPRISE]["manager"],
        json!({ "value": manager, "$ref": reference, "displayName": "m display" })
    );
    let (_, read) = story
        .patch(&format!("/Users/{user}"), &json!([{ "op": "Replace", "path": path, "value": "nobody" }]));
    assert_eq!(
        read[ENTERPRISE]["manager"],
        json!({ "value": "nobody" }),
        "a manager who is not there (preflight.md 3.1)"
    );
}

#[test]
fn names_in_references_follow_a_rename() {
    let mut story = Story::new();
    let (user, manager) = (story.user("u"), story.user("m"));
    story.patch(&format!("/Users/{user}"), &json!([{ "op": "Add", "path": "manager", "value": manager }]));
    story.create("/Groups", json!({ "displayName": "g", "members": [{ "value": manager }] }));
    let shown = |story: &Story| {
        let user = story.app.resources().find(|one| one["userName"] == "u").unwrap()[ENTERPRISE]["manager"]["displayName"].clone();
        let group =
            story.app.resources().find(|one| one["displayName"] == "g").unwrap()["members"][0]["display"]
                .clone();
        (user, group)
    };
    assert_eq!(shown(&story), (json!("m display"), json!("m display")));
    story.patch(
        &format!("/Users/{manager}"),
        &json!([{ "op": "replace", "path": "displayName", "value": "New" }]),
    );
    assert_eq!(shown(&story), (json!("New"), json!("New")));
}

#[test]
fn who_is_deleted_leaves_groups_and_manages_nobody() {
    let mut story = Story::new();
    let (user, manager) = (story.user("u"), story.user("m"));
    story.patch(&format!("/Users/{user}"), &json!([{ "op": "Add", "path": "manager", "value": manager }]));
    let members = json!([{ "value": user }, { "value": manager }]);
    let group = story.create("/Groups", json!({ "displayName": "g", "members": members }));
    let outer = story.create("/Groups", json!({ "displayName": "outer", "members": [{ "value": group }] }));
    let deleted_at = story.now.to_string();
    assert_eq!(story.send(Method::Delete, &format!("/Users/{manager}"), None).0, 204);
    assert_eq!(story.members(&group), [user.as_str()]);
    let (_, report) = story.get(&format!("/Users/{user}"));
    assert!(report.get(ENTERPRISE).is_none());
    assert_eq!(report["meta"]["lastModified"], json!(deleted_at));
    assert_eq!(story.send(Method::Delete, &format!("/Groups/{group}"), None).0, 204);
    assert!(story.members(&outer).is_empty());
    let again = story.user("m");
    assert_ne!(again, manager, "a second holder of a name is somebody else");
    assert!(story.members(&outer).is_empty());
}
