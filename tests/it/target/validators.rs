//! What Microsoft's two suites ask of a target (`preflight.md 2.7`, 3), with the bodies they send.

use scimulator::covers;
use scimulator::http::Method;
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Story, USER};

/// The full user of `preflight.md 3.1`: a primary as text, a manager who is nobody, a locale that is none.
fn full_user(name: &str) -> Value {
    let mut user = json!({
        "userName": name, "active": true, "displayName": "ABCDEFGHIJKL", "title": "t",
        "emails": [{ "type": "work", "value": "w@x", "primary": true }], "preferredLanguage": "el-CY",
        "name": { "givenName": "g", "familyName": "f", "formatted": "g f", "middleName": "m", "honorificPrefix": "p",
            "honorificSuffix": "s" },
        "addresses": [{ "type": "work", "formatted": "a", "streetAddress": "b", "locality": "c", "region": "d",
            "postalCode": "e", "primary": true, "country": "Estonia" }],
        "phoneNumbers": [{ "type": "work", "value": "45-955-7623", "primary": true },
            { "type": "mobile", "value": "45-955-7623" }, { "type": "fax", "value": "45-955-7623" }],
        "roles": [{ "primary": "True", "display": "r", "value": "v", "type": "y" }],
        "userType": "u", "nickName": "n", "locale": "MNOPQRSTUVWX", "timezone": "America/Costa_Rica",
        "profileUrl": "ABCDEFGHIJKL", "schemas": [USER, ENTERPRISE]
    });
    user[ENTERPRISE] = json!({ "employeeNumber": "1", "department": "2", "costCenter": "3", "organization": "4",
        "division": "5", "manager": { "value": "MNOPQRSTUVWX" } });
    user
}

/// What must be read back: the same, with the role's `primary` as the boolean it is.
fn as_read(mut user: Value) -> Value {
    user["roles"][0]["primary"] = json!(true);
    user
}

/// The paths of B6 in the validator's order; `value` makes each one's new value.
fn verbose(op: &str, value: impl Fn(usize) -> Value) -> Value {
    let mut paths: Vec<String> = ["active", "displayName", "title"].map(ToOwned::to_owned).to_vec();
    paths.extend(
        ["emails[type eq \"work\"].value", "emails[type eq \"work\"].primary"].map(ToOwned::to_owned),
    );
    paths.push("preferredLanguage".to_owned());
    let names = ["givenName", "familyName", "formatted", "middleName", "honorificPrefix", "honorificSuffix"];
    paths.extend(names.map(|name| format!("name.{name}")));
    let parts = ["formatted", "streetAddress", "locality", "region", "postalCode", "primary", "country"];
    paths.extend(parts.map(|part| format!("addresses[type eq \"work\"].{part}")));
    let phones = ["work\"].value", "work\"].primary", "mobile\"].value", "fax\"].value"];
    paths.extend(phones.map(|phone| format!("phoneNumbers[type eq \"{phone}")));
    let extension = ["employeeNumber", "department", "costCenter", "organization", "division"];
    paths.extend(extension.map(|name| format!("{ENTERPRISE}:{name}")));
    paths.extend(["display", "value", "type"].map(|sub| format!("roles[primary eq \"True\"].{sub}")));
    paths.extend(["userType", "nickName", "locale", "timezone", "profileUrl"].map(ToOwned::to_owned));
    let operation = |(at, path): (usize, &String)| {
        let new = match path.as_str() {
            "active" => json!(false),
            primary if primary.ends_with("].primary") => json!(true),
            _ => value(at),
        };
        json!({ "op": op, "path": path, "value": new })
    };
    Value::Array(paths.iter().enumerate().map(operation).collect())
}

/// The resource that [`verbose`] leads to, apart from what it does not name.
fn after_verbose(value: impl Fn(usize) -> Value) -> Value {
    let v = |at: usize| value(at);
    let mut user = json!({
        "active": false, "displayName": v(1), "title": v(2), "emails": [{ "type": "work", "value": v(3), "primary": true }],
        "preferredLanguage": v(5),
        "name": { "givenName": v(6), "familyName": v(7), "formatted": v(8), "middleName": v(9), "honorificPrefix": v(10),
            "honorificSuffix": v(11) },
        "addresses": [{ "type": "work", "formatted": v(12), "streetAddress": v(13), "locality": v(14), "region": v(15),
            "postalCode": v(16), "primary": true, "country": v(18) }],
        "phoneNumbers": [{ "type": "work", "value": v(19), "primary": true }, { "type": "mobile", "value": v(21) },
            { "type": "fax", "value": v(22) }],
        "roles": [{ "primary": true, "display": v(28), "value": v(29), "type": v(30) }],
        "userType": v(31), "nickName": v(32), "locale": v(33), "timezone": v(34), "profileUrl": v(35)
    });
    user[ENTERPRISE] = json!({ "employeeNumber": v(23), "department": v(24), "costCenter": v(25), "organization": v(26),
        "division": v(27) });
    user
}

/// Every attribute of `want` is in `read` with that value.
fn assert_holds(read: &Value, want: &Value) {
    for (name, value) in want.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
}

#[test]
fn b1_to_b5_create_duplicate_and_filters() {
    covers!("W-071", "W-075", "W-082");
    let mut story = Story::new();
    let id = story.create("/Users", full_user("one@x.com"));
    let (status, list) = story.get("/Users?filter=userName+eq+\"one%40x.com\"");
    assert_eq!((status, &list["totalResults"]), (200, &json!(1)));
    assert_holds(&list["Resources"][0], &{
        let mut want = as_read(full_user("one@x.com"));
        want["id"] = json!(id);
        want
    });
    assert_eq!(story.send(Method::Post, "/Users", Some(full_user("one@x.com"))).0, 409);
    let (_, upper) = story.get("/Users?filter=userName+eq+\"ONE%40X.COM\"");
    assert_eq!(upper["Resources"], list["Resources"]);
    let (status, none) = story.get("/Users?filter=userName+eq+\"nonexistente997dccbd8b7_one\"");
    assert_eq!((status, &none["totalResults"]), (200, &json!(0)));
}

#[test]
fn b6_and_b25_verbose_replace_and_add() {
    let new = |at: usize| json!(format!("new-{at}"));
    assert_eq!(verbose("replace", new).as_array().unwrap().len(), 36);
    let mut story = Story::new();
    let full = story.create("/Users", full_user("full@x"));
    let bare = story.create("/Users", json!({ "userName": "bare@x", "schemas": [USER] }));
    for (id, op) in [(full, "replace"), (bare, "add")] {
        let (status, answer) = story.patch(&format!("/Users/{id}"), &verbose(op, new));
        assert_eq!(status, 200, "{answer}");
        let (_, mut read) = story.get(&format!("/Users/{id}"));
        assert_eq!(answer, read);
        read[ENTERPRISE].as_object_mut().unwrap().shift_remove("manager");
        assert_holds(&read, &after_verbose(new));
    }
}

#[test]
fn b7_and_b8_rename_and_disable() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.create("/Users", full_user("old@x")));
    let (status, renamed) =
        story.patch(&path, &json!([{ "op": "replace", "value": { "userName": "burdette@beer.co.uk" } }]));
    assert_eq!((status, &renamed["userName"]), (200, &json!("burdette@beer.co.uk")));
    let (status, disabled) =
        story.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!((status, &disabled["active"]), (200, &json!(false)));
    assert_eq!(story.get(&path).0, 200);
}

#[test]
fn managers_in_all_three_forms_of_the_suites() {
    let mut story = Story::new();
    let path = format!("{ENTERPRISE}:manager");
    let user = format!("/Users/{}", story.create("/Users", full_user("u")));
    let (first, second) = (story.user("m1"), story.user("m2"));
    // B9 and B10 with objects, A25 and the other runs of suite B with bare ids.
    for (op, value, want) in [
        ("add", json!({ "value": first }), &first),
        ("replace", json!({ "value": second }), &second),
        ("Add", json!(first), &first),
        ("replace", json!(second), &second),
    ] {
        let (status, _) = story.patch(&user, &json!([{ "op": op, "path": path, "value": value }]));
        assert_eq!(status, 200);
        assert_eq!(story.get(&user).1[ENTERPRISE]["manager"]["value"], json!(want), "{op} {value}");
    }
    for (op, gone) in [("replace", json!({ "value": "" })), ("replace", json!(""))] {
        story.patch(&user, &json!([{ "op": "add", "path": path, "value": first }]));
        assert_eq!(story.patch(&user, &json!([{ "op": op, "path": path, "value": gone }])).0, 200);
        assert!(story.get(&user).1[ENTERPRISE].get("manager").is_none(), "{gone}");
    }
}

#[test]
fn b13_to_b24_groups() {
    let mut story = Story::new();
    let body = json!({ "displayName": "ABCDEFGHIJKL", "externalId": "3f2c0e4e-0000-4000-8000-000000000001", "schemas": [GROUP] });
    let id = story.create("/Groups", body.clone());
    let path = format!("/Groups/{id}");
    assert_eq!(story.send(Method::Post, "/Groups", Some(body.clone())).0, 409);
    let (_, list) = story.get("/Groups?excludedAttributes=members&filter=displayName+eq+\"abcdefghijkl\"");
    assert_eq!(list["totalResults"], 1);
    assert_holds(&list["Resources"][0], &body);
    assert_eq!(story.patch(&path, &json!([{ "op": "replace", "value": { "externalId": "e" } }])).0, 204);
    assert_eq!(story.patch(&path, &json!([{ "op": "replace", "value": { "displayName": "New" } }])).0, 204);
    assert_holds(&story.get(&path).1, &json!({ "displayName": "New", "externalId": "e" }));
    let (one, two) =
        (story.create("/Users", full_user("member_1")), story.create("/Users", full_user("member_2")));
    let both = json!([{ "op": "replace", "path": "members", "value": [{ "value": one }, { "value": two }] }]);
    assert_eq!(story.patch(&path, &both).0, 204);
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{one}\"]") }]);
    assert_eq!(story.patch(&path, &remove).0, 204);
    assert_eq!(story.members(&id), [two]);
    assert!(story.get(&format!("{path}?excludedAttributes=members")).1.get("members").is_none());
    assert_eq!(story.send(Method::Delete, &path, None).0, 204);
    assert_eq!(story.get(&path).0, 404);
}

#[test]
fn a16_empty_and_null_clear_every_mapped_attribute() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.create("/Users", full_user("scnull")));
    for empty in [json!(""), Value::Null] {
        let mut operations = Vec::new();
        let filtered = [
            "emails[type eq \"work\"].value",
            "phoneNumbers[type eq \"work\"].value",
            "phoneNumbers[type eq \"mobile\"].value",
            "phoneNumbers[type eq \"fax\"].value",
        ];
        operations.extend(filtered.map(|path| json!({ "op": "replace", "path": path, "value": empty })));
        for part in ["formatted", "streetAddress", "locality", "region", "postalCode", "country"] {
            let path = format!("addresses[type eq \"work\"].{part}");
            operations.push(json!({ "op": "replace", "path": path, "value": empty }));
        }
        let mut merged = json!({ "displayName": empty, "title": empty, "preferredLanguage": empty, "name.givenName": empty,
            "name.familyName": empty, "name.formatted": empty });
        for name in ["employeeNumber", "department"] {
            merged[format!("{ENTERPRISE}:{name}")] = empty.clone();
        }
        operations.push(json!({ "op": "replace", "value": merged }));
        let (status, answer) = story.patch(&path, &json!(operations));
        assert_eq!(status, 200, "{answer}");
        let (_, read) = story.get(&path);
        for name in ["displayName", "title", "preferredLanguage", "emails", "phoneNumbers", "addresses"] {
            assert!(read.get(name).is_none(), "{name} after {empty}");
        }
        assert_eq!(
            read["name"],
            json!({ "middleName": "m", "honorificPrefix": "p", "honorificSuffix": "s" })
        );
        assert!(read[ENTERPRISE].get("department").is_none());
    }
}

#[test]
fn a18_non_verbose_update_of_everything() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.create("/Users", full_user("lasupduser")));
    let mut merged = json!({ "userName": "upd-1", "displayName": "Updated SCIM User", "title": "Senior Engineer",
        "name.givenName": "UpdatedFirst", "externalId": "upd-2", "profileUrl": "upd-3", "timezone": "Europe/London" });
    merged[format!("{ENTERPRISE}:employeeNumber")] = json!("upd-4");
    let operations = json!([
        { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "upd-5" },
        { "op": "replace", "path": "addresses[type eq \"work\"].formatted", "value": "upd-6" },
        { "op": "replace", "path": "addresses[type eq \"other\"].formatted", "value": "upd-7" },
        { "op": "replace", "path": "phoneNumbers[type eq \"fax\"].value", "value": "upd-8" },
        { "op": "replace", "path": "roles[primary eq \"True\"].display", "value": "upd-9" },
        { "op": "replace", "value": merged },
    ]);
    let (status, answer) = story.patch(&path, &operations);
    assert_eq!(status, 200, "{answer}");
    let (_, read) = story.get(&path);
    assert_holds(
        &read,
        &json!({ "userName": "upd-1", "displayName": "Updated SCIM User", "externalId": "upd-2",
        "profileUrl": "upd-3", "timezone": "Europe/London" }),
    );
    assert_eq!(
        (&read["name"]["givenName"], &read["name"]["familyName"]),
        (&json!("UpdatedFirst"), &json!("f"))
    );
    assert_eq!(read["addresses"][1], json!({ "type": "other", "formatted": "upd-7" }));
    assert_eq!(read["phoneNumbers"][2]["value"], "upd-8");
    assert_eq!(
        (&read["roles"][0]["display"], &read[ENTERPRISE]["employeeNumber"]),
        (&json!("upd-9"), &json!("upd-4"))
    );
}

#[test]
fn preview_tests_on_several_operations_and_deletes() {
    let mut story = Story::new();
    let path = format!("/Users/{}", story.create("/Users", full_user("p")));
    let several = json!([{ "op": "remove", "path": "preferredLanguage" }, { "op": "add", "path": "externalId", "value": "e" },
        { "op": "replace", "path": "displayName", "value": "d" }]);
    let (status, read) = story.patch(&path, &several);
    assert_eq!((status, &read["externalId"], &read["displayName"]), (200, &json!("e"), &json!("d")));
    assert!(read.get("preferredLanguage").is_none());
    for endpoint in ["/Users", "/Groups"] {
        let nobody = format!("{endpoint}/3f2c0e4e-0000-4000-8000-000000000001");
        assert_eq!(story.send(Method::Delete, &nobody, None).0, 404);
    }
}

/// The names that A15 makes out of `/Schemas`.
fn discovered(schemas: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for schema in schemas["Resources"].as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            if [USER, GROUP].contains(&id) {
                names.extend(flattened(name, attribute));
            } else {
                names.push(format!("{id}:{name}"));
            }
        }
    }
    names
}

fn flattened(name: &str, attribute: &Value) -> Vec<String> {
    let subs = attribute["subAttributes"].as_array().cloned().unwrap_or_default();
    let named = |filter: &str, left_out: &[&str]| -> Vec<String> {
        let subs = subs.iter().map(|sub| sub["name"].as_str().unwrap());
        subs.filter(|sub| !left_out.contains(sub)).map(|sub| format!("{name}{filter}.{sub}")).collect()
    };
    if name == "members" {
        return vec![name.to_owned()];
    }
    if attribute["type"] != "complex" {
        return if attribute["type"] == "reference" { Vec::new() } else { vec![name.to_owned()] };
    }
    if attribute["multiValued"] != true {
        return named("", &[]);
    }
    let labels =
        subs.iter().find(|sub| sub["name"] == "type").and_then(|sub| sub["canonicalValues"].as_array());
    match labels {
        Some(labels) => labels
            .iter()
            .flat_map(|label| named(&format!("[type eq {label}]"), &["type", "primary"]))
            .collect(),
        None => named("[primary eq \"True\"]", &["primary"]),
    }
}

#[test]
fn a15_finds_the_default_target_list_in_the_schemas() {
    covers!("W-178");
    let names = discovered(&Story::new().get("/Schemas").1);
    let mut wanted: Vec<String> = [
        "active",
        "userName",
        "displayName",
        "title",
        "emails[type eq \"work\"].value",
        "preferredLanguage",
        "addresses[type eq \"other\"].formatted",
        "phoneNumbers[type eq \"work\"].value",
        "phoneNumbers[type eq \"mobile\"].value",
        "phoneNumbers[type eq \"fax\"].value",
        "externalId",
        "nickName",
        "userType",
        "locale",
        "timezone",
        "profileUrl",
        "roles[primary eq \"True\"].display",
        "roles[primary eq \"True\"].type",
        "roles[primary eq \"True\"].value",
        "members",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    let names_of =
        ["givenName", "familyName", "formatted", "middleName", "honorificPrefix", "honorificSuffix"];
    wanted.extend(names_of.map(|part| format!("name.{part}")));
    let parts = ["formatted", "streetAddress", "locality", "region", "postalCode", "country"];
    wanted.extend(parts.map(|part| format!("addresses[type eq \"work\"].{part}")));
    let extension = ["employeeNumber", "department", "costCenter", "organization", "division", "manager"];
    wanted.extend(extension.map(|name| format!("{ENTERPRISE}:{name}")));
    for name in wanted {
        assert!(names.iter().any(|known| known.eq_ignore_ascii_case(&name)), "{name} is missing");
    }
}
