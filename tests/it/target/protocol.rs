//! Status codes, headers, error bodies, discovery.

use scimulator::covers;
use scimulator::http::{Method, Request};
use scimulator::target::{App, AppOptions};
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Story, USER};

#[test]
fn every_answer_with_a_body_has_the_scim_media_type() {
    covers!("W-213");
    let mut story = Story::new();
    let id = story.user("a");
    let create = json!({ "userName": "b" }).to_string().into_bytes();
    let answers = [
        (200, story.raw(Method::Get, &format!("/Users/{id}"), None)),
        (200, story.raw(Method::Get, "/Users", None)),
        (200, story.raw(Method::Get, "/Schemas", None)),
        (200, story.raw(Method::Get, "/ServiceProviderConfig", None)),
        (201, story.raw(Method::Post, "/Users", Some(create.clone()))),
        (409, story.raw(Method::Post, "/Users", Some(create))),
        (400, story.raw(Method::Post, "/Users", Some(b"{".to_vec()))),
        (404, story.raw(Method::Get, "/Users/nobody", None)),
        (405, story.raw(Method::Delete, "/Users", None)),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Content-Type"), Some("application/scim+json"), "{status}");
        assert!(serde_json::from_slice::<Value>(&answer.body).unwrap().is_object());
    }
    let gone = story.raw(Method::Delete, &format!("/Users/{id}"), None);
    assert_eq!((gone.status, gone.body.is_empty(), gone.header("Content-Type")), (204, true, None));
}

#[test]
fn a_query_without_hits_is_an_empty_list() {
    covers!("W-213");
    let mut story = Story::new();
    for endpoint in
        ["/Users?filter=userName+eq+%22x%22", "/Groups?filter=displayName+eq+%22x%22", "/Users", "/Groups"]
    {
        let (status, list) = story.get(endpoint);
        assert_eq!(status, 200, "{endpoint}");
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        assert_eq!((&list["totalResults"], &list["Resources"]), (&json!(0), &json!([])), "{endpoint}");
    }
}

#[test]
fn a_created_resource_has_everything_a_client_reads() {
    covers!("W-082", "W-214");
    let mut story = Story::new();
    let mut body = json!({
        "schemas": [USER, ENTERPRISE], "externalId": "bjensen", "userName": "bjensen@contoso.com", "active": true,
        "emails": [{ "primary": true, "type": "work", "value": "bjensen@contoso.com" }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara" },
        "roles": []
    });
    body[ENTERPRISE] = json!({ "department": "R&D" });
    let answer = story.raw(Method::Post, "/Users", Some(body.to_string().into_bytes()));
    let created: Value = serde_json::from_slice(&answer.body).unwrap();
    let id = created["id"].as_str().unwrap();
    let location = format!("http://app.test/scim/v2/Users/{id}");
    assert_eq!(answer.header("Location"), Some(location.as_str()));
    let mut want = json!({
        "schemas": [USER, ENTERPRISE], "id": id, "externalId": "bjensen", "userName": "bjensen@contoso.com",
        "active": true, "emails": [{ "primary": true, "type": "work", "value": "bjensen@contoso.com" }],
        "name": { "formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara" },
        "meta": { "resourceType": "User", "created": "2026-01-01T00:00:00Z",
            "lastModified": "2026-01-01T00:00:00Z", "location": location }
    });
    want[ENTERPRISE] = json!({ "department": "R&D" });
    assert_eq!(created, want);
    assert_eq!(story.get(&format!("/Users/{id}")).1, want);
    assert_eq!(
        story.get("/Users?filter=userName+eq+%22bjensen%40contoso.com%22").1["Resources"],
        json!([want])
    );
}

#[test]
fn a_disabled_user_is_still_read_by_id_and_by_filter() {
    covers!("W-082");
    let mut story = Story::new();
    let id = story.user("a");
    story.patch(&format!("/Users/{id}"), &json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    assert_eq!(story.get(&format!("/Users/{id}")).1["active"], json!(false));
    let (_, list) = story.get("/Users?filter=userName+eq+%22a%22");
    assert_eq!((&list["totalResults"], &list["Resources"][0]["active"]), (&json!(1), &json!(false)));
}

#[test]
fn change_times_follow_the_clock_and_only_real_changes_count() {
    covers!("W-214");
    let mut story = Story::new();
    let user = format!("/Users/{}", story.user("a"));
    let title = json!([{ "op": "add", "path": "title", "value": "T" }]);
    let (_, changed) = story.patch(&user, &title);
    assert_eq!(changed["meta"]["created"], "2026-01-01T00:00:00Z");
    assert_eq!(changed["meta"]["lastModified"], "2026-01-01T00:00:01Z");
    let (_, same) = story.patch(&user, &title);
    assert_eq!(same["meta"]["lastModified"], "2026-01-01T00:00:01Z");
    story.now = "2026-02-03T04:05:06.123987654Z".parse().unwrap();
    let (_, changed) = story.patch(&user, &json!([{ "op": "remove", "path": "title" }]));
    assert_eq!(changed["meta"]["lastModified"], "2026-02-03T04:05:06.123Z");
}

#[test]
fn adding_a_member_who_is_there_changes_nothing() {
    covers!("W-214");
    let mut story = Story::new();
    let user = story.user("u");
    let group = story.create("/Groups", json!({ "displayName": "g", "members": [{ "value": user }] }));
    let before = story.get(&format!("/Groups/{group}")).1;
    for operation in [
        json!({ "op": "Add", "path": "members", "value": [{ "value": user }] }),
        json!({ "op": "Remove", "path": "members", "value": [{ "value": "nobody" }] }),
        json!({ "op": "remove", "path": "members[value eq \"nobody\"]" }),
    ] {
        assert_eq!(story.patch(&format!("/Groups/{group}"), &json!([operation])).0, 204, "{operation}");
        assert_eq!(story.get(&format!("/Groups/{group}")).1, before, "{operation}");
    }
}

#[test]
fn names_are_unique_without_case_also_when_they_change() {
    let mut story = Story::new();
    let (first, second) = (story.user("ada@x"), story.user("bob@x"));
    let group = story.group("Team");
    story.group("Other");
    let taken = |(status, error): (u16, Value)| {
        assert_eq!(
            (status, error["scimType"].as_str(), error["status"].as_str()),
            (409, Some("uniqueness"), Some("409"))
        );
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    };
    taken(story.send(Method::Post, "/Users", Some(json!({ "userName": "ADA@x" }))));
    taken(story.send(Method::Post, "/Groups", Some(json!({ "displayName": "team" }))));
    taken(story.patch(
        &format!("/Users/{second}"),
        &json!([{ "op": "replace", "path": "userName", "value": "Ada@X" }]),
    ));
    taken(story.send(Method::Put, &format!("/Users/{second}"), Some(json!({ "userName": "Ada@X" }))));
    taken(story.patch(
        &format!("/Groups/{group}"),
        &json!([{ "op": "replace", "value": { "displayName": "OTHER" } }]),
    ));
    assert_eq!(story.get(&format!("/Users/{second}")).1["userName"], "bob@x");
    let own = json!([{ "op": "replace", "path": "userName", "value": "ADA@X" }]);
    assert_eq!(story.patch(&format!("/Users/{first}"), &own).0, 200, "one's own name in another case");
    let same = json!({ "userName": "cyd@x", "displayName": "ada@x display", "externalId": "1" });
    assert_eq!(
        story.send(Method::Post, "/Users", Some(same)).0,
        201,
        "display names of users need not be unique"
    );
}

#[test]
fn put_replaces_the_whole_resource() {
    let mut story = Story::new();
    let user =
        story.create("/Users", json!({ "userName": "a", "title": "T", "externalId": "E", "nickName": "N" }));
    let (status, put) = story.send(
        Method::Put,
        &format!("/Users/{user}"),
        Some(json!({ "schemas": [USER], "id": "other", "userName": "b", "nickName": "M", "meta": { "created": "x" } })),
    );
    assert_eq!(status, 200);
    assert_eq!((&put["id"], &put["userName"], &put["nickName"]), (&json!(user), &json!("b"), &json!("M")));
    assert!(put.get("title").is_none() && put.get("externalId").is_none());
    assert_eq!(put["meta"]["created"], "2026-01-01T00:00:00Z");

    let group = story
        .create("/Groups", json!({ "displayName": "g", "members": [{ "value": "x" }, { "value": "y" }] }));
    let put = json!({ "displayName": "g", "members": [{ "value": "y" }, { "value": "z" }] });
    assert_eq!(story.send(Method::Put, &format!("/Groups/{group}"), Some(put)).0, 200);
    assert_eq!(story.members(&group), ["y", "z"]);
    assert_eq!(story.send(Method::Put, "/Users/nobody", Some(json!({ "userName": "q" }))).0, 404);
}

#[test]
fn a_deleted_resource_is_gone() {
    let mut story = Story::new();
    for path in [format!("/Users/{}", story.user("a")), format!("/Groups/{}", story.group("a"))] {
        assert_eq!(story.send(Method::Delete, &path, None).0, 204);
        assert_eq!(story.get(&path).0, 404);
        assert_eq!(story.send(Method::Delete, &path, None).0, 404, "a second time");
        assert_eq!(story.patch(&path, &json!([])).0, 404);
    }
    assert_eq!(story.app.resources().count(), 0);
}

#[test]
fn what_is_no_resource_is_refused() {
    let mut story = Story::new();
    for (body, scim_type) in [
        (json!([]), "invalidSyntax"),
        (json!({ "schemas": [GROUP], "userName": "a" }), "invalidSyntax"),
        (json!({ "schemas": "x", "userName": "a" }), "invalidSyntax"),
        (json!({ "displayName": "nameless" }), "invalidValue"),
        (json!({ "userName": "" }), "invalidValue"),
        (json!({ "userName": 5 }), "invalidValue"),
        (json!({ "userName": "a", "active": "perhaps" }), "invalidValue"),
        (json!({ "userName": "a", "name": "text" }), "invalidValue"),
        (json!({ "userName": "a", ENTERPRISE: "text" }), "invalidValue"),
        (
            json!({ "userName": "a", "emails": [{ "value": "1", "primary": true }, { "value": "2", "primary": true }] }),
            "invalidValue",
        ),
    ] {
        let (status, error) = story.send(Method::Post, "/Users", Some(body.clone()));
        assert_eq!((status, error["scimType"].as_str()), (400, Some(scim_type)), "{body}: {error}");
    }
    assert_eq!(story.raw(Method::Post, "/Users", None).status, 400, "no body");
    assert_eq!(story.raw(Method::Post, "/Users", Some(b"\xff{}".to_vec())).status, 400, "not UTF-8");
    assert_eq!(story.app.resources().count(), 0);
}

#[test]
fn bodies_of_every_age_make_a_resource() {
    let mut story = Story::new();
    // The documented group with the schema of 2018 (wire.md 3.5), the observed one with empty members.
    let documented = json!({ "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "displayName", "meta": { "resourceType": "Group" } });
    let id = story.create("/Groups", documented);
    assert_eq!(story.get(&format!("/Groups/{id}")).1["schemas"], json!([GROUP]));
    story.create(
        "/Groups",
        json!({ "schemas": [GROUP], "externalId": "1", "displayName": "Org Admin", "members": [] }),
    );
    // A boolean as text, as before 2020 (wire.md 3.1); a custom extension that `schemas` does not name; a null.
    let custom = "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User";
    let id = story.create(
        "/Users",
        json!({ "schemas": [USER, ENTERPRISE], "userName": "a", "active": "True",
        "title": null, custom: { "tag": "t" }, "roles": [{ "primary": "True", "value": "r" }] }),
    );
    let (_, read) = story.get(&format!("/Users/{id}"));
    assert_eq!((&read["active"], &read["roles"][0]["primary"]), (&json!(true), &json!(true)));
    assert_eq!(read[custom], json!({ "tag": "t" }));
    assert_eq!(read["schemas"], json!([USER, custom]));
    assert!(read.get("title").is_none());
}

#[test]
fn a_wrong_token_is_refused_with_a_challenge() {
    let options = AppOptions { token: Some("s3cret".to_owned()), ..AppOptions::default() };
    let mut app = App::new(options);
    let mut ask = |credentials: Option<&str>| {
        let headers =
            credentials.map(|value| ("authorization".to_owned(), value.to_owned())).into_iter().collect();
        let url = "http://app.test/scim/v2/Users".to_owned();
        let request = Request { method: Method::Get, url, headers, body: None };
        app.handle(&request, "2026-01-01T00:00:00Z".parse().unwrap()).response
    };
    assert_eq!(ask(Some("Bearer s3cret")).status, 200);
    assert_eq!(ask(Some("bearer s3cret")).status, 200, "the scheme has no case (RFC 7235)");
    for wrong in [
        None,
        Some("Bearer other"),
        Some("Bearer S3CRET"),
        Some("s3cret"),
        Some("Basic s3cret"),
        Some("Bearer "),
    ] {
        let answer = ask(wrong);
        assert_eq!(answer.status, 401, "{wrong:?}");
        assert!(answer.header("WWW-Authenticate").unwrap().starts_with("Bearer"));
        let error: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(error["status"], "401");
    }
    assert_eq!(app.requests(), 8, "refused requests count");
}

#[test]
fn other_paths_and_methods_are_told_apart() {
    let mut story = Story::new();
    let user = format!("/Users/{}", story.user("a"));
    for (method, path, status) in [
        (Method::Get, "/", 404),
        (Method::Get, "", 404),
        (Method::Get, "/users", 404),
        (Method::Get, "/Users/a/b", 404),
        (Method::Get, "/Users/%ff", 404),
        (Method::Get, "//Users", 404),
        (Method::Get, "/Users/", 200),
        (Method::Put, "/Users", 405),
        (Method::Patch, "/Groups", 405),
        (Method::Post, user.as_str(), 405),
        (Method::Get, "/.search", 405),
        (Method::Post, "/Schemas", 405),
        (Method::Delete, "/ResourceTypes/User", 405),
        (Method::Post, "/Bulk", 501),
        (Method::Get, "/Me", 501),
    ] {
        let answer = story.raw(method, path, None);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("Allow").is_some(), status == 405, "{method} {path}");
    }
    let outside = Request {
        method: Method::Get,
        url: "http://app.test/Users".to_owned(),
        headers: Vec::new(),
        body: None,
    };
    assert_eq!(story.app.handle(&outside, story.now).response.status, 404);
}

#[test]
fn ids_in_paths_may_be_percent_encoded() {
    let mut story = Story::new();
    let id = story.user("a");
    let spelled = id.replace('-', "%2D").replace('a', "%61");
    assert_eq!(story.get(&format!("/Users/{spelled}")).1["id"], json!(id));
}

#[test]
fn schemas_list_core_and_enterprise_in_full() {
    covers!("W-178");
    let mut story = Story::new();
    let (status, list) = story.get("/Schemas");
    assert_eq!((status, &list["totalResults"]), (200, &json!(3)));
    assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    let schemas = list["Resources"].as_array().unwrap();
    let ids: Vec<&Value> = schemas.iter().map(|schema| &schema["id"]).collect();
    assert_eq!(ids, [USER, GROUP, ENTERPRISE]);
    let mut names = Vec::new();
    let mut open: Vec<(String, &Value)> = schemas
        .iter()
        .flat_map(|schema| schema["attributes"].as_array().unwrap())
        .map(|one| (String::new(), one))
        .collect();
    while let Some((parent, attribute)) = open.pop() {
        let name = format!("{parent}{}", attribute["name"].as_str().unwrap());
        for (characteristic, is_right) in [
            ("type", attribute["type"].is_string()),
            ("multiValued", attribute["multiValued"].is_boolean()),
            ("required", attribute["required"].is_boolean()),
            ("caseExact", attribute["caseExact"].is_boolean()),
            (
                "mutability",
                ["readWrite", "readOnly", "immutable"].iter().any(|word| attribute["mutability"] == *word),
            ),
            ("returned", attribute["returned"] == "default"),
            ("uniqueness", ["none", "server"].iter().any(|word| attribute["uniqueness"] == *word)),
        ] {
            assert!(is_right, "{name}: {characteristic}");
        }
        let subs = attribute["subAttributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(attribute["type"] == "complex", !subs.is_empty(), "{name}");
        open.extend(subs.iter().map(|sub| (format!("{name}."), sub)));
        names.push(name);
    }
    // Every attribute of the default target list (wire.md 12.4), and no password.
    for wanted in [
        "externalId",
        "active",
        "userName",
        "displayName",
        "title",
        "preferredLanguage",
        "name.givenName",
        "name.familyName",
        "name.formatted",
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "emails.value",
        "addresses.formatted",
        "addresses.streetAddress",
        "addresses.locality",
        "addresses.region",
        "addresses.postalCode",
        "addresses.country",
        "phoneNumbers.value",
        "nickName",
        "userType",
        "locale",
        "timezone",
        "profileUrl",
        "roles.display",
        "roles.type",
        "roles.value",
        "roles.primary",
        "employeeNumber",
        "department",
        "costCenter",
        "organization",
        "division",
        "manager",
        "manager.value",
        "members",
        "members.value",
    ] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}");
    }
    assert!(!names.iter().any(|name| name == "password"));
    for schema in schemas {
        let (status, alone) = story.get(&format!("/Schemas/{}", schema["id"].as_str().unwrap()));
        assert_eq!((status, &alone), (200, schema));
    }
    assert_eq!(story.get("/Schemas/urn:nothing").0, 404);
    assert_eq!(story.get("/Schemas?filter=id+pr").0, 403, "RFC 7644 §4");
}

#[test]
fn the_app_describes_itself() {
    let mut story = Story::new();
    let (status, config) = story.get("/ServiceProviderConfig");
    assert_eq!(status, 200);
    assert_eq!((&config["patch"]["supported"], &config["filter"]["supported"]), (&json!(true), &json!(true)));
    assert_eq!((&config["bulk"]["supported"], &config["sort"]["supported"]), (&json!(false), &json!(false)));
    assert_eq!(config["filter"]["maxResults"], 1_000);
    let (_, types) = story.get("/ResourceTypes");
    assert_eq!(types["totalResults"], 2);
    assert_eq!(story.get("/ResourceTypes/User").1, types["Resources"][0]);
    assert_eq!(
        types["Resources"][0]["schemaExtensions"],
        json!([{ "schema": ENTERPRISE, "required": false }])
    );
    assert_eq!(
        (&types["Resources"][1]["endpoint"], &types["Resources"][1]["schema"]),
        (&json!("/Groups"), &json!(GROUP))
    );
    assert_eq!(story.get("/ResourceTypes/Device").0, 404);
}
