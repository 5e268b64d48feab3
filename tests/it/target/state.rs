//! Ids, and what a keeper of the content sees.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use scimulator::http::Method;
use scimulator::target::{App, AppOptions, Change, ContentError, ResourceKind};
use serde_json::{Value, json};

use super::{ENTERPRISE, Story};

#[test]
fn ids_depend_on_the_name_and_its_earlier_holders_alone() {
    let (mut one, mut other) = (Story::new(), Story::new());
    let (a, b) = (one.user("Ada"), one.user("bob"));
    assert_eq!(
        (other.user("bob"), other.user("ada")),
        (b.clone(), a.clone()),
        "neither order nor case matters"
    );
    assert_ne!(one.group("ada"), a, "a group is no user");
    one.send(Method::Delete, &format!("/Users/{a}"), None);
    other.send(Method::Delete, &format!("/Users/{a}"), None);
    let again = one.user("ADA");
    assert_ne!(again, a);
    other.user("zoe");
    assert_eq!(other.user("ada"), again);
    assert!(a.parse::<uuid::Uuid>().is_ok_and(|id| id.get_version_num() == 5));
}

#[test]
fn a_name_given_up_by_a_rename_gives_no_id_twice() {
    let mut story = Story::new();
    let first = story.user("ada");
    story
        .patch(&format!("/Users/{first}"), &json!([{ "op": "replace", "path": "userName", "value": "eva" }]));
    assert_ne!(story.user("ada"), first);
}

/// Keeps content as a store would: by what it is told, row by row.
#[derive(Default)]
struct Keeper(BTreeMap<String, Value>);

impl Keeper {
    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put(resource) => {
                    self.0.insert(resource["id"].as_str().unwrap().to_owned(), resource);
                }
                Change::Removed { id, .. } => {
                    self.0.remove(&id);
                }
                other => panic!("a friendly app has no console: {other:?}"),
            }
        }
    }
}

#[test]
fn a_keeper_that_follows_the_changes_can_bring_the_app_back() {
    let mut story = Story::new();
    let mut keeper = Keeper::default();
    let (user, manager, leaver) = (story.user("u"), story.user("m"), story.user("l"));
    keeper.take(story.app.drain_changes());
    story.patch(&format!("/Users/{user}"), &json!([{ "op": "Add", "path": "manager", "value": manager }]));
    let members = json!([{ "value": leaver }, { "value": user }]);
    let group = story.create("/Groups", json!({ "displayName": "g", "members": members }));
    keeper.take(story.app.drain_changes());
    story.send(Method::Delete, &format!("/Users/{leaver}"), None);
    let changes = story.app.drain_changes();
    assert!(changes.contains(&Change::Removed { kind: ResourceKind::User, id: leaver }));
    assert_eq!(changes.len(), 2, "the group that lost a member changed as well: {changes:?}");
    keeper.take(changes);
    assert!(story.app.drain_changes().is_empty());
    story.get("/Users");
    assert!(story.app.drain_changes().is_empty(), "reading changes nothing");

    let kept: Vec<Value> = keeper.0.into_values().collect();
    let back = App::with_content(AppOptions::default(), kept).unwrap();
    let (before, after): (Vec<&Value>, Vec<&Value>) =
        (story.app.resources().collect(), back.resources().collect());
    assert_eq!(after, before, "all of it, in the order of creation");
    let mut back = Story::with(back);
    assert_eq!(back.members(&group), [user.as_str()]);
    assert!(back.app.drain_changes().is_empty());
    let (_, list) = back.get("/Users?filter=userName+eq+%22U%22");
    assert_eq!(list["Resources"][0][ENTERPRISE]["manager"]["displayName"], "m display");
    assert_eq!(back.send(Method::Post, "/Users", Some(json!({ "userName": "u" }))).0, 409);
}

#[test]
fn resources_are_users_then_groups_in_the_order_of_their_creation() {
    let mut story = Story::new();
    story.group("z");
    story.user("y");
    story.group("a");
    story.user("b");
    let names: Vec<&Value> = story.app.resources().map(|one| &one["displayName"]).collect();
    assert_eq!(names, ["y display", "b display", "z", "a"]);
    let location = story.app.resources().next().unwrap()["meta"]["location"].as_str().unwrap();
    assert!(location.starts_with("/scim/v2/Users/"), "kept content knows no host");
}

#[test]
fn content_that_can_not_be_is_refused() {
    let meta = json!({ "resourceType": "User", "created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z" });
    let user = json!({ "id": "1", "userName": "a", "meta": meta });
    let mut twin = user.clone();
    twin["id"] = json!("2");
    let mut undated = user.clone();
    undated["meta"]["created"] = json!("yesterday");
    let load = |resources: Vec<Value>| App::with_content(AppOptions::default(), resources).unwrap_err();
    assert_eq!(load(vec![json!(1)]), ContentError::NotAnObject);
    assert_eq!(load(vec![json!({ "userName": "a" })]), ContentError::NoId);
    assert_eq!(load(vec![user.clone(), user.clone()]), ContentError::DuplicateId { id: "1".to_owned() });
    assert_eq!(load(vec![undated]), ContentError::Meta { id: "1".to_owned(), name: "created" });
    assert!(matches!(load(vec![user, twin]), ContentError::Resource { id, .. } if id == "2"));
}

#[test]
fn latency_comes_as_data() {
    let options = AppOptions { latency: SignedDuration::from_hours(9), ..AppOptions::default() };
    let request = scimulator::http::Request {
        method: Method::Get,
        url: "http://app.test/scim/v2/Users".to_owned(),
        headers: Vec::new(),
        body: None,
    };
    let reply = App::new(options).handle(&request, "2026-01-01T00:00:00Z".parse().unwrap());
    assert_eq!((reply.response.status, reply.latency), (200, SignedDuration::from_hours(9)));
}
