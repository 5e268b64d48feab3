//! PATCH in every form that Entra and its validators send, from tables.

use scimulator::covers;
use serde_json::{Value, json};

use super::{Story, data};

/// The resource without what the app adds to it.
fn own_attributes(mut resource: Value) -> Value {
    for added in ["schemas", "id", "meta"] {
        resource.as_object_mut().unwrap().shift_remove(added);
    }
    resource
}

#[test]
fn every_form_of_patch_does_to_a_user_what_it_says() {
    covers!("W-123", "W-130");
    for case in data("patch.json").as_array().unwrap() {
        let name = &case["name"];
        let mut story = Story::new();
        let id = story.create("/Users", case["before"].clone());
        let path = format!("/Users/{id}");
        let before = story.get(&path).1;
        let (status, answer) = story.patch(&path, &case["operations"]);
        let read = story.get(&path).1;
        if let Some(scim_type) = case.get("refused") {
            assert_eq!((status, &answer["scimType"]), (400, scim_type), "{name}: {answer}");
            assert_eq!(read, before, "{name}: a refused request changes nothing");
        } else {
            assert_eq!(status, 200, "{name}: {answer}");
            assert_eq!(own_attributes(read.clone()), case["after"], "{name}");
            assert_eq!(answer, read, "{name}: the answer is the resource");
        }
    }
}

#[test]
fn every_form_of_patch_does_to_members_what_it_says() {
    covers!("W-162", "W-214");
    for case in data("members.json").as_array().unwrap() {
        let name = &case["name"];
        let mut story = Story::new();
        let before: Vec<Value> =
            case["before"].as_array().unwrap().iter().map(|id| json!({ "value": id })).collect();
        let id = story.create("/Groups", json!({ "displayName": "g", "members": before }));
        let (status, answer) = story.patch(&format!("/Groups/{id}"), &case["operations"]);
        let members = json!(story.members(&id));
        if let Some(scim_type) = case.get("refused") {
            assert_eq!((status, &answer["scimType"]), (400, scim_type), "{name}: {answer}");
            assert_eq!(members, case["before"], "{name}: a refused request changes nothing");
        } else {
            assert_eq!((status, answer), (204, Value::Null), "{name}");
            assert_eq!(members, case["after"], "{name}");
        }
    }
}

#[test]
fn a_refused_operation_undoes_the_members_before_it() {
    let mut story = Story::new();
    let id = story.create("/Groups", json!({ "displayName": "g", "members": [{ "value": "a" }] }));
    let (status, _) = story.patch(
        &format!("/Groups/{id}"),
        &json!([
            { "op": "add", "path": "members", "value": [{ "value": "b" }] },
            { "op": "remove", "path": "members[value eq \"a\"]" },
            { "op": "replace", "path": "flavour", "value": "mint" },
        ]),
    );
    assert_eq!(status, 400);
    assert_eq!(story.members(&id), ["a"]);
}

#[test]
fn the_envelope_is_read_leniently_but_not_blindly() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.user("a"));
    let operations = json!([{ "op": "add", "path": "title", "value": "T" }]);
    let send =
        |story: &mut Story, body: Value| story.send(scimulator::http::Method::Patch, &path, Some(body)).0;
    assert_eq!(send(&mut story, json!({ "Operations": operations })), 200, "no schemas");
    assert_eq!(
        send(&mut story, json!({ "operations": operations, "schemas": [super::PATCH] })),
        200,
        "lower case"
    );
    assert_eq!(
        send(&mut story, json!({ "Operations": operations, "schemas": [super::USER] })),
        400,
        "other schema"
    );
    assert_eq!(send(&mut story, json!({ "schemas": [super::PATCH] })), 400, "no operations");
    assert_eq!(send(&mut story, json!([])), 400, "a list");
}

#[test]
fn the_number_of_operations_has_an_edge() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.user("a"));
    let many = |count: usize| json!(vec![json!({ "op": "add", "path": "title", "value": "T" }); count]);
    assert_eq!(story.patch(&path, &many(1_000)).0, 200);
    assert_eq!(story.patch(&path, &many(1_001)).0, 413);
}

#[test]
fn the_number_of_values_has_an_edge() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.user("a"));
    let email = |at: usize| json!({ "value": format!("{at}@x"), "type": "other" });
    let list: Vec<Value> = (0..1_000).map(email).collect();
    assert_eq!(story.patch(&path, &json!([{ "op": "add", "path": "emails", "value": list }])).0, 200);
    let one_more = json!([{ "op": "add", "path": "emails", "value": [email(1_000)] }]);
    assert_eq!(story.patch(&path, &one_more).1["scimType"], "invalidValue");
}
