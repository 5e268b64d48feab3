//! Filters, paging and projections.

use scimulator::covers;
use scimulator::http::Method;
use serde_json::{Value, json};

use super::{ENTERPRISE, Story, data, encoded};

fn ids(list: &Value) -> Vec<&str> {
    list["Resources"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn filters_find_what_they_describe() {
    covers!("W-071", "W-075");
    let table = data("filters.json");
    let mut story = Story::new();
    let created: Vec<String> =
        table["users"].as_array().unwrap().iter().map(|user| story.create("/Users", user.clone())).collect();
    for case in table["cases"].as_array().unwrap() {
        let filter = case["filter"].as_str().unwrap();
        let (status, list) = story.get(&format!("/Users?filter={}", encoded(filter)));
        assert_eq!(status, 200, "{filter}: {list}");
        let want: Vec<&str> = case["found"]
            .as_array()
            .unwrap()
            .iter()
            .map(|at| created[usize::try_from(at.as_u64().unwrap()).unwrap()].as_str())
            .collect();
        assert_eq!(ids(&list), want, "{filter}");
        assert_eq!(list["totalResults"], want.len(), "{filter}");
    }
}

#[test]
fn group_names_match_without_case_and_external_ids_with_it() {
    covers!("W-071", "W-075");
    let mut story = Story::new();
    let id = story.create("/Groups", json!({ "displayName": "R&D / EMEA (all)", "externalId": "Ab-1" }));
    // The bytes of wire.md 2.1.
    let (_, list) =
        story.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22R%26D+%2f+EMEA+(all)%22");
    assert_eq!(ids(&list), [id.as_str()]);
    for (filter, found) in [
        ("displayName eq \"r&d / emea (ALL)\"", 1),
        ("externalId eq \"Ab-1\"", 1),
        ("externalId eq \"ab-1\"", 0),
        ("displayName eq \"R&D\"", 0),
    ] {
        let (_, list) = story.get(&format!("/Groups?filter={}", encoded(filter)));
        assert_eq!(list["totalResults"], found, "{filter}");
    }
}

#[test]
fn the_queries_of_the_wire_sheet_are_understood_byte_by_byte() {
    covers!("W-071");
    let mut story = Story::new();
    let mut body = json!({ "userName": "bob@contoso.com", "externalId": "bob",
        "emails": [{ "type": "work", "value": "bob@contoso.com" }] });
    body[ENTERPRISE] = json!({ "employeeNumber": "701984" });
    story.create("/Users", body);
    for query in [
        "userName+eq+%22bob%40contoso.com%22",
        "emails%5btype+eq+%22work%22%5d.value+eq+%22bob%40contoso.com%22",
        "externalId+eq+%22bob%22",
        "urn%3aietf%3aparams%3ascim%3aschemas%3aextension%3aenterprise%3a2.0%3aUser%3aemployeeNumber+eq+%22701984%22",
    ] {
        let (status, list) = story.get(&format!("/Users?filter={query}"));
        assert_eq!((status, &list["totalResults"]), (200, &json!(1)), "{query}");
    }
}

#[test]
fn an_index_follows_every_change_of_a_value() {
    let mut story = Story::new();
    let id = story.user("old@x");
    let found = |story: &mut Story, filter: &str| {
        story.get(&format!("/Users?filter={}", encoded(filter))).1["totalResults"].as_u64().unwrap()
    };
    story.patch(
        &format!("/Users/{id}"),
        &json!([{ "op": "replace", "value": { "userName": "new@x", "externalId": "E", "emails": [{ "value": "e@x" }] } }]),
    );
    for (filter, count) in [
        ("userName eq \"old@x\"", 0),
        ("userName eq \"NEW@x\"", 1),
        ("externalId eq \"E\"", 1),
        ("emails.value eq \"e@x\"", 1),
    ] {
        assert_eq!(found(&mut story, filter), count, "{filter}");
    }
    assert_eq!(story.send(Method::Delete, &format!("/Users/{id}"), None).0, 204);
    for filter in ["userName eq \"new@x\"", "externalId eq \"E\"", "emails.value eq \"e@x\"", "userName pr"] {
        assert_eq!(found(&mut story, filter), 0, "{filter}");
    }
}

#[test]
fn groups_are_found_by_their_members() {
    let mut story = Story::new();
    let user = story.user("u");
    let with = story.create("/Groups", json!({ "displayName": "with", "members": [{ "value": user }] }));
    story.group("without");
    // The historic pre-check of wire.md 6.6.
    let check = format!("/Groups?attributes=id&filter=id+eq+%22{with}%22+and+members+eq+%22{user}%22");
    let (_, list) = story.get(&check);
    assert_eq!(ids(&list), [with.as_str()]);
    assert!(list["Resources"][0].get("displayName").is_none());
    for filter in [
        format!("members.value eq \"{user}\""),
        format!("members[value eq \"{user}\"]"),
        "members.type eq \"user\"".to_owned(),
        "members.display co \"display\"".to_owned(),
        "members pr".to_owned(),
    ] {
        let (_, list) = story.get(&format!("/Groups?filter={}", encoded(&filter)));
        assert_eq!(ids(&list), [with.as_str()], "{filter}");
    }
}

#[test]
fn bad_queries_are_bad_requests() {
    let mut story = Story::new();
    for (query, scim_type) in [
        ("filter=", "invalidFilter"),
        ("filter=userName", "invalidFilter"),
        ("filter=userName+eq+%22a", "invalidFilter"),
        ("startIndex=one", "invalidValue"),
        ("count=1.5", "invalidValue"),
    ] {
        let (status, error) = story.get(&format!("/Users?{query}"));
        assert_eq!((status, error["scimType"].as_str()), (400, Some(scim_type)), "{query}");
    }
}

#[test]
fn pages_cover_the_list_once() {
    let mut story = Story::new();
    let created: Vec<String> = (0..12).map(|at| story.user(&format!("u{at}"))).collect();
    let mut read = Vec::new();
    for start in [1, 6, 11] {
        let (_, page) = story.get(&format!("/Users?startIndex={start}&count=5"));
        assert_eq!((&page["startIndex"], &page["totalResults"]), (&json!(start), &json!(12)));
        assert_eq!(page["itemsPerPage"], page["Resources"].as_array().unwrap().len());
        read.extend(ids(&page).into_iter().map(ToOwned::to_owned));
    }
    assert_eq!(read, created, "in the order of creation");

    let count = |story: &mut Story, query: &str| {
        let (status, page) = story.get(&format!("/Users?{query}"));
        assert_eq!((status, &page["totalResults"]), (200, &json!(12)), "{query}");
        page["Resources"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut story, "count=0"), 0);
    assert_eq!(count(&mut story, "count=-3"), 0);
    assert_eq!(count(&mut story, "startIndex=-3&count=2"), 2);
    assert_eq!(count(&mut story, "startIndex=13"), 0);
    assert_eq!(count(&mut story, "startIndex=11&count=5&filter=userName+pr"), 2);
}

#[test]
fn a_page_has_a_largest_size() {
    let mut story = Story::new();
    for at in 0..1_001 {
        story.user(&format!("u{at}"));
    }
    for query in ["", "?count=5000", "?filter=userName+pr"] {
        let (_, page) = story.get(&format!("/Users{query}"));
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(1_001), &json!(1_000)), "{query}");
    }
}

#[test]
fn projections_show_what_is_asked_for() {
    let mut story = Story::new();
    let mut body = json!({ "userName": "a", "title": "T", "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "type": "work", "value": "w" }] });
    body[ENTERPRISE] = json!({ "department": "D", "division": "V" });
    let id = story.create("/Users", body);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();

    let (_, read) = story.get(&format!("/Users/{id}?attributes=title,NAME.givenName,emails.value"));
    assert_eq!(keys(&read), ["schemas", "id", "title", "name", "emails"]);
    assert_eq!(read["name"], json!({ "givenName": "G" }));
    assert_eq!(read["emails"], json!([{ "value": "w" }]));

    let (_, read) =
        story.get(&format!("/Users/{id}?attributes={}", encoded(&format!("{ENTERPRISE}:department"))));
    assert_eq!(read[ENTERPRISE], json!({ "department": "D" }));
    let (_, read) = story.get(&format!("/Users/{id}?attributes={}", encoded(ENTERPRISE)));
    assert_eq!(read[ENTERPRISE], json!({ "department": "D", "division": "V" }));

    let (_, read) =
        story.get(&format!("/Users/{id}?excludedAttributes=id,title,name.givenName,emails,department"));
    assert_eq!(keys(&read), ["schemas", "id", "userName", "name", ENTERPRISE, "meta"]);
    assert_eq!(read["name"], json!({ "familyName": "F" }));
    assert_eq!(read[ENTERPRISE], json!({ "division": "V" }));

    let (_, list) = story.get("/Users?attributes=userName");
    assert_eq!(keys(&list["Resources"][0]), ["schemas", "id", "userName"]);
    let (status, answer) = story.send(
        Method::Patch,
        &format!("/Users/{id}?attributes=title"),
        Some(json!({ "Operations": [{ "op": "replace", "path": "title", "value": "New" }] })),
    );
    assert_eq!(
        (status, keys(&answer)),
        (200, vec!["schemas".to_owned(), "id".to_owned(), "title".to_owned()])
    );
}

#[test]
fn searches_may_come_by_post_over_one_kind_or_both() {
    let mut story = Story::new();
    let user = story.user("same");
    let group = story.group("same");
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "displayName sw \"same\"", "attributes": ["displayName"], "startIndex": 1, "count": 10 });
    let (status, list) = story.send(Method::Post, "/.search", Some(search.clone()));
    assert_eq!((status, ids(&list)), (200, vec![user.as_str(), group.as_str()]));
    assert_eq!(ids(&story.send(Method::Post, "/Users/.search", Some(search.clone())).1), [user.as_str()]);
    assert_eq!(ids(&story.send(Method::Post, "/Groups/.search", Some(search)).1), [group.as_str()]);
    let second = json!({ "startIndex": 2, "count": 1 });
    assert_eq!(
        ids(&story.send(Method::Post, "/.search", Some(second)).1),
        [group.as_str()],
        "pages run across kinds"
    );
}
