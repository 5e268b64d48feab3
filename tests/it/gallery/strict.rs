//! Embedded apps that are held to their profiles, request by request.

use std::sync::Arc;

use scimulator::covers;
use scimulator::gallery;
use scimulator::http::{Method, Request};
use scimulator::target::{App, AppOptions, AppRules};
use serde_json::{Value, json};

use super::{APPS, ENTERPRISE};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const KMSAT: &str = "urn:ietf:params:scim:schemas:extension:knowbe4:kmsat:2.0:User";
const LICENSE: &str = "urn:ietf:params:scim:schemas:extension:klaxoon:2.0:Group";

struct Played(App);

impl Played {
    fn of(app: &str) -> Self {
        let rules = AppRules::read(gallery::source(app).unwrap()).unwrap().map(Arc::new);
        assert!(rules.is_some(), "{app} is held to its profile");
        Self(App::new(AppOptions { rules, ..AppOptions::default() }))
    }

    fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = Request {
            method,
            url: format!("http://app.test/scim/v2{path}"),
            headers: Vec::new(),
            body: body.map(|body| body.to_string().into_bytes()),
        };
        let response = self.0.handle(&request, "2026-08-03T08:00:00Z".parse().unwrap()).response;
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }

    fn post(&mut self, endpoint: &str, body: &Value) -> (u16, Value) {
        self.send(Method::Post, endpoint, Some(body))
    }

    fn patch(&mut self, path: &str, operations: &Value) -> (u16, Value) {
        self.send(Method::Patch, path, Some(&json!({ "schemas": [PATCH], "Operations": operations })))
    }

    fn find(&mut self, endpoint: &str, filter: &str) -> (u16, Value) {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.send(Method::Get, &format!("{endpoint}?filter={filter}"), None)
    }

    /// A resource that must be accepted; its path.
    fn there(&mut self, endpoint: &str, body: &Value) -> String {
        let (status, created) = self.post(endpoint, body);
        assert_eq!(status, 201, "{created}");
        format!("{endpoint}/{}", created["id"].as_str().unwrap())
    }
}

/// A user with everything that the app lists, as Entra creates one.
fn user(app: &str, name: &str) -> Value {
    let mut body = json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "active": true,
        "name": { "givenName": "A", "familyName": "B" },
    });
    let fields = body.as_object_mut().unwrap();
    if ["kno2fy", "knowbe4", "kintone"].contains(&app) {
        fields.insert("displayName".to_owned(), "A B".into());
    }
    if ["knowbe4", "klaxoon", "kintone"].contains(&app) {
        fields.insert("externalId".to_owned(), "ab".into());
    }
    if ["kno2fy", "klaxoon", "kintone"].contains(&app) {
        fields.insert(
            "emails".to_owned(),
            json!([{ "primary": true, "type": "work", "value": format!("{name}@contoso.com") }]),
        );
    }
    body
}

fn group(app: &str, name: &str) -> Value {
    match app {
        "klaxoon" => json!({ "schemas": [GROUP], "displayName": name, "externalId": "g", "members": [] }),
        _ => json!({ "schemas": [GROUP], "displayName": name, "members": [] }),
    }
}

/// A refusal that names the attribute.
fn assert_refused((status, body): (u16, Value), wanted: (u16, &str), attribute: &str) {
    assert_eq!((status, body["scimType"].as_str().unwrap_or_default()), wanted, "{body}");
    assert_eq!(body["status"], wanted.0.to_string());
    assert!(body["detail"].as_str().unwrap().contains(&format!("`{attribute}`")), "{body}");
}

#[test]
fn what_is_listed_is_taken_and_read_back() {
    for app in APPS {
        let mut played = Played::of(app);
        let ada = played.there("/Users", &user(app, "ada"));
        let (_, read) = played.send(Method::Get, &ada, None);
        assert_eq!((&read["userName"], &read["name"]["familyName"]), (&json!("ada"), &json!("B")), "{app}");
        let (status, renamed) =
            played.patch(&ada, &json!([{ "op": "Replace", "path": "name.familyName", "value": "C" }]));
        assert_eq!((status, &renamed["name"]["familyName"]), (200, &json!("C")), "{app}");
        let (status, disabled) =
            played.patch(&ada, &json!([{ "op": "Replace", "path": "active", "value": "False" }]));
        assert_eq!((status, &disabled["active"]), (200, &json!(false)), "{app}");
        if app == "kintone" {
            continue;
        }
        let sales = played.there("/Groups", &group(app, "Sales"));
        let id = ada.rsplit('/').next().unwrap();
        let (status, _) =
            played.patch(&sales, &json!([{ "op": "Add", "path": "members", "value": [{ "value": id }] }]));
        assert_eq!(status, 204, "{app}");
        assert_eq!(played.send(Method::Get, &sales, None).1["members"][0]["value"], id, "{app}");
        let gone = json!([{ "op": "Remove", "path": format!("members[value eq \"{id}\"]") }]);
        assert_eq!(played.patch(&sales, &gone).0, 204, "{app}");
        assert_eq!(played.send(Method::Get, &sales, None).1["members"], Value::Null, "{app}");
    }
}

#[test]
fn a_create_without_a_required_attribute_is_refused_and_leaves_nothing() {
    let required = [
        ("kno2fy", "userName", "userName"),
        ("kno2fy", "active", "active"),
        ("kno2fy", "displayName", "displayName"),
        ("kno2fy", "emails", r#"emails[type eq "work"].value"#),
        ("kno2fy", "name", "name.givenName"),
        ("knowbe4", "userName", "userName"),
        ("klaxoon", "userName", "userName"),
        ("klaxoon", "emails", r#"emails[type eq "work"].value"#),
        ("klaxoon", "externalId", "externalId"),
        ("klaxoon", "name", "name.givenName"),
        ("klaxoon", "active", "active"),
        ("kintone", "userName", "userName"),
    ];
    for (app, without, named) in required {
        let mut played = Played::of(app);
        let mut body = user(app, "ada");
        body.as_object_mut().unwrap().remove(without).unwrap();
        covers!("A-007", "A-010", "A-022", "A-036", "A-052");
        assert_refused(played.post("/Users", &body), (400, "invalidValue"), named);
        assert_eq!(played.0.resources().count(), 0, "{app} without {without}");
    }
    for (app, without) in [("kno2fy", "displayName"), ("knowbe4", "displayName"), ("klaxoon", "externalId")] {
        let mut body = group(app, "Sales");
        body.as_object_mut().unwrap().remove(without).unwrap();
        covers!("A-012", "A-023", "A-040");
        assert_refused(Played::of(app).post("/Groups", &body), (400, "invalidValue"), without);
    }
    // An update must not take it away either.
    let mut played = Played::of("kno2fy");
    let ada = played.there("/Users", &user("kno2fy", "ada"));
    let clear = json!([{ "op": "Remove", "path": "displayName" }]);
    assert_refused(played.patch(&ada, &clear), (400, "invalidValue"), "displayName");
    let clear = json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "" }]);
    assert_refused(played.patch(&ada, &clear), (400, "invalidValue"), "emails[type eq \"work\"].value");
    assert_eq!(played.send(Method::Get, &ada, None).1["displayName"], "A B");
    covers!("A-045");
    let mut kpifire = Played::of("kpifire");
    kpifire.there("/Users", &json!({ "schemas": [USER] }));
    kpifire.there("/Groups", &json!({ "schemas": [GROUP] }));
}

#[test]
fn what_is_not_listed_is_refused_by_its_name_in_every_form() {
    let mut played = Played::of("kpifire");
    let ada = played.there("/Users", &user("kpifire", "ada"));
    let with = |name: &str, value: Value| {
        let mut body = user("kpifire", "bea");
        body[name] = value;
        body
    };
    covers!("A-048");
    for (body, named) in [
        (with("displayName", json!("Bea")), "displayName"),
        (with("externalId", json!("bea")), "externalId"),
        (
            with("emails", json!([{ "type": "work", "value": "b@contoso.com" }])),
            r#"emails[type eq "work"].value"#,
        ),
        (with("nonsense", json!(1)), "nonsense"),
        (with("name", json!({ "formatted": "Bea" })), "name.formatted"),
        (
            with("phoneNumbers", json!([{ "type": "mobile", "value": "1" }])),
            r#"phoneNumbers[type eq "mobile"].value"#,
        ),
        (with(ENTERPRISE, json!({ "division": "x" })), &format!("{ENTERPRISE}:division")),
        (with("urn:example:2.0:User", json!({ "a": "b" })), "urn:example:2.0:User:a"),
    ] {
        assert_refused(played.post("/Users", &body), (400, "invalidPath"), named);
    }
    for (operation, named) in [
        (json!({ "op": "Replace", "path": "displayName", "value": "x" }), "displayName"),
        (json!({ "op": "Remove", "path": "title" }), "title"),
        (json!({ "op": "Add", "value": { "displayName": "x" } }), "displayName"),
        (json!({ "op": "Add", "value": { "name.middleName": "x" } }), "name.middleName"),
        (
            json!({ "op": "Add", "path": "phoneNumbers[type eq \"fax\"].value", "value": "x" }),
            "phoneNumbers[type eq \"fax\"].value",
        ),
        (
            json!({ "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "x" }),
            &format!("{ENTERPRISE}:manager"),
        ),
        (json!({ "op": "Remove", "path": KMSAT }), KMSAT),
    ] {
        assert_refused(played.patch(&ada, &json!([operation])), (400, "invalidPath"), named);
    }
    // Listed ones in the forms of the flagged dialect.
    let flat = json!([{ "op": "Replace", "value": {
        "name.givenName": "Z", "phoneNumbers[type eq \"work\"].value": "1", (format!("{ENTERPRISE}:department")): "D",
    } }]);
    let (status, read) = played.patch(&ada, &flat);
    assert_eq!((status, &read[ENTERPRISE]["department"]), (200, &json!("D")), "{read}");
}

#[test]
fn filters_go_by_what_the_list_marks() {
    let work = r#"emails[type eq "work"].value"#;
    let yes = [
        ("kno2fy", "/Users", "userName"),
        ("kno2fy", "/Groups", "displayName"),
        ("knowbe4", "/Users", "userName"),
        ("knowbe4", "/Groups", "displayName"),
        ("klaxoon", "/Users", "userName"),
        ("klaxoon", "/Users", work),
        ("klaxoon", "/Groups", "displayName"),
        ("kpifire", "/Users", "userName"),
        ("kpifire", "/Groups", "displayName"),
        ("kintone", "/Users", "userName"),
    ];
    for (app, endpoint, attribute) in yes {
        let mut played = Played::of(app);
        played.there("/Users", &user(app, "ada"));
        let (status, found) = played.find(endpoint, &format!("{attribute} eq \"ada@contoso.com\""));
        assert_eq!(status, 200, "{found}");
        let expected = usize::from(attribute == work);
        assert_eq!(found["totalResults"], expected, "{app}: {attribute}");
    }
    let no = [
        ("kno2fy", "/Users", "displayName", "displayName eq \"x\""),
        ("kno2fy", "/Users", work, "emails[type eq \"work\"].value eq \"x\""),
        ("kno2fy", "/Users", "externalId", "userName eq \"a\" and externalId eq \"x\""),
        ("kno2fy", "/Groups", "members", "members eq \"x\""),
        ("knowbe4", "/Users", "externalId", "externalId eq \"x\""),
        ("knowbe4", "/Groups", "externalId", "externalId eq \"x\""),
        ("klaxoon", "/Users", "externalId", "externalId eq \"x\""),
        ("klaxoon", "/Users", "emails.value", "emails.value eq \"x\""),
        ("klaxoon", "/Groups", "externalId", "externalId eq \"x\""),
        ("kpifire", "/Users", "active", "not (active eq true)"),
        ("kpifire", "/Groups", "id", "id eq \"x\""),
        ("kintone", "/Users", "nonsense", "nonsense pr"),
    ];
    for (app, endpoint, attribute, filter) in no {
        covers!("A-008", "A-011", "A-022", "A-037", "A-040", "A-046", "A-052");
        assert_refused(Played::of(app).find(endpoint, filter), (400, "invalidFilter"), attribute);
    }
}

#[test]
fn values_have_the_types_that_are_listed() {
    let mut played = Played::of("knowbe4");
    let ada = played.there("/Users", &user("knowbe4", "ada"));
    let bea = played.there("/Users", &user("knowbe4", "bea"));
    let sales = played.there("/Groups", &group("knowbe4", "Sales"));
    let (bea, sales_id) = (bea.rsplit('/').next().unwrap(), sales.rsplit('/').next().unwrap().to_owned());
    let manager = format!("{ENTERPRISE}:manager");
    let (date, field) = (format!("{KMSAT}:customDate1"), format!("{KMSAT}:customField1"));
    let set = |path: &str, value: Value| json!([{ "op": "Replace", "path": path, "value": value }]);
    covers!("A-017", "A-019");
    for (path, good) in [
        (&date, json!("2026-08-01T00:00:00Z")),
        (&date, json!("2026-08-01T09:00:00+02:00")),
        (&manager, json!(bea)),
        (&manager, json!({ "value": bea })),
        (&field, json!("text")),
    ] {
        assert_eq!(played.patch(&ada, &set(path, good.clone())).0, 200, "{path} {good}");
    }
    for (path, bad) in [
        (&date, json!("01/08/2026")),
        (&date, json!("2026-08-01")),
        (&date, json!(20_260_801)),
        (&manager, json!("nobody")),
        (&manager, json!(sales_id)),
        (&field, json!(17)),
        (&"active".to_owned(), json!("maybe")),
        (&"title".to_owned(), json!(["a", "b"])),
    ] {
        assert_refused(played.patch(&ada, &set(path, bad)), (400, "invalidValue"), path);
    }
    let member = |id: &str| json!([{ "op": "Add", "path": "members", "value": [{ "value": id }] }]);
    assert_refused(played.patch(&sales, &member("nobody")), (400, "invalidValue"), "members");
    assert_eq!(played.patch(&sales, &member(bea)).0, 204);
    // What means "no value" is of every type, and a date may be taken away.
    assert_eq!(played.patch(&ada, &set(&date, json!(""))).0, 200);

    let mut klaxoon = Played::of("klaxoon");
    let team = klaxoon.there("/Groups", &group("klaxoon", "Team"));
    let license = format!("{LICENSE}:license");
    assert_refused(klaxoon.patch(&team, &set(&license, json!("perhaps"))), (400, "invalidValue"), &license);
    for good in ["true", "False"] {
        assert_eq!(klaxoon.patch(&team, &set(&license, json!(good))).0, 204);
    }
}

#[test]
fn a_taken_name_is_a_conflict_and_klaxoon_removes_nobody() {
    for app in APPS {
        let mut played = Played::of(app);
        played.there("/Users", &user(app, "ada"));
        let (status, body) = played.post("/Users", &user(app, "ADA"));
        assert_eq!((status, &body["scimType"]), (409, &json!("uniqueness")), "{app}");
    }
    let mut klaxoon = Played::of("klaxoon");
    let ada = klaxoon.there("/Users", &user("klaxoon", "ada"));
    covers!("A-038");
    assert_eq!(klaxoon.send(Method::Delete, &ada, None).0, 405);
    assert_eq!(klaxoon.send(Method::Get, &ada, None).0, 200);
}

#[test]
fn an_app_without_groups_has_nothing_there_and_says_so() {
    let mut played = Played::of("kintone");
    covers!("A-053");
    assert_eq!(played.find("/Groups", "displayName eq \"x\"").0, 404);
    assert_eq!(played.post("/Groups", &group("kintone", "Sales")).0, 404);
    let (_, types) = played.send(Method::Get, "/ResourceTypes", None);
    assert_eq!(types["totalResults"], 1);
    let (_, schemas) = played.send(Method::Get, "/Schemas", None);
    let ids: Vec<&str> =
        schemas["Resources"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [USER]);
}

#[test]
fn the_schemas_of_an_app_are_its_list() {
    let mut played = Played::of("knowbe4");
    let (_, schemas) = played.send(Method::Get, "/Schemas", None);
    let schema = |id: &str| {
        let all = schemas["Resources"].as_array().unwrap();
        all.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
    };
    let names = |schema: &Value| -> Vec<String> {
        let list = schema["attributes"].as_array().unwrap();
        list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut user = names(&schema(USER));
    user.sort();
    let mut listed = [
        "userName",
        "active",
        "title",
        "name",
        "externalId",
        "displayName",
        "userType",
        "addresses",
        "phoneNumbers",
    ];
    listed.sort_unstable();
    assert_eq!(user, listed);
    let kmsat = schema(KMSAT);
    assert_eq!(names(&kmsat).len(), 18);
    let dates = kmsat["attributes"].as_array().unwrap().iter().filter(|one| one["type"] == "dateTime");
    assert_eq!(dates.count(), 4);
    let addresses =
        schema(USER)["attributes"].as_array().unwrap().iter().find(|one| one["name"] == "addresses").cloned();
    let parts: Vec<String> = addresses.unwrap()["subAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(parts, ["formatted", "type", "primary"]);
}

#[test]
fn a_profile_without_an_app_of_its_own_is_played_by_the_friendly_one() {
    for app in [gallery::DEFAULT, "customappsso"] {
        assert!(AppRules::read(gallery::source(app).unwrap()).unwrap().is_none(), "{app}");
    }
    assert!(AppRules::read("name = 1 [").is_err());
    let unknown = AppRules::read("[user]\nattributes = [{ name = \"shoeSize\" }]\n[app]\n").unwrap_err();
    assert!(unknown.to_string().contains("`shoeSize`"), "{unknown}");
}
