//! Logs, exchanges and HAR without personal data: nothing of a person is left, and what tells the cause is.

use std::time::Duration;

use scimulator::client::{About, Answered, Exchange, ObjectRef, Pseudonyms, Redactor, one_line};
use scimulator::directory::object::ObjectKind;
use scimulator::http::{Method, Request, Response};
use serde_json::{Value, json};

use super::har::departures;
use crate::common::Project;
use crate::sources::root;

fn exchange(method: Method, target: &str, body: Option<Value>, status: u16, answer: &str) -> Exchange {
    let about = About {
        effect: "2.1.1".to_owned(),
        cycle: Some(1),
        object: Some(ObjectRef {
            kind: ObjectKind::User,
            label: "Adele@contoso.com".to_owned(),
            source_id: "c0a70500-0000-4000-8000-000000000001".to_owned(),
        }),
        started: "2026-08-01T09:40:00Z".parse().unwrap(),
    };
    let request = Request {
        method,
        url: format!("https://app.example/scim{target}"),
        headers: vec![("Accept".to_owned(), "application/scim+json".to_owned())],
        body: body.map(|body| body.to_string().into_bytes()),
    };
    let headers = vec![("Location".to_owned(), "/scim/Users/u%201".to_owned())];
    let outcome = Ok(Response { status, headers, body: answer.as_bytes().to_vec() });
    Exchange::record(about, &request, &Answered { outcome, elapsed: Duration::ZERO }, &Redactor::new([]))
}

fn masked(exchange: &Exchange) -> Value {
    serde_json::to_value(Pseudonyms::new([7; 32]).exchange(exchange)).unwrap()
}

#[test]
fn a_value_has_one_pseudonym_of_its_own_kind_under_a_key() {
    let (one, other) = (Pseudonyms::new([1; 32]), Pseudonyms::new([2; 32]));
    assert_eq!(one.of("adele@contoso.com"), one.of("Adele@Contoso.com"));
    assert_ne!(one.of("adele@contoso.com"), other.of("adele@contoso.com"));
    assert!(one.of("adele@contoso.com").ends_with("@example.invalid"));
    let id = one.of("c0a70500-0000-4000-8000-000000000001");
    assert_eq!((id.len(), id.matches('-').count()), (36, 4));
    assert!(!one.of("Adele").contains('@') && one.of("").is_empty());
    assert_eq!(format!("{one:?}"), "Pseudonyms(****)");
}

#[test]
fn an_exchange_keeps_its_shape_and_loses_its_person() {
    let names = Pseudonyms::new([7; 32]);
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "adele@contoso.com" },
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Remove", "path": "members[value eq \"u 1\"]" },
        { "op": "add", "value": { "name.givenName": "Adele", "active": true } },
        { "op": "Add", "path": "members", "value": [{ "value": "u 1" }] },
    ] });
    let answer = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness",
        "detail":"User 'Adele' (ADELE@contoso.com, bob@x.org) of c0a70500-0000-4000-8000-00000000000f exists"}"#;
    let person = names.of("Adele");
    let (address, id) = (names.of("adele@contoso.com"), names.of("u 1"));
    let seen = masked(&exchange(Method::Patch, "/Users/u%201", Some(patch), 409, answer));
    assert_eq!(
        seen["request"]["body"]["json"],
        json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": address },
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Remove", "path": format!("members[value eq \"{id}\"]") },
        { "op": "add", "value": { "name.givenName": person, "active": true } },
        { "op": "Add", "path": "members", "value": [{ "value": id }] },
    ] })
    );
    assert_eq!(seen["request"]["url"], format!("https://app.example/scim/Users/{id}"));
    assert_eq!(seen["response"]["headers"][0], json!(["Location", format!("/scim/Users/{id}")]));
    assert_eq!(
        seen["response"]["body"]["json"]["detail"],
        format!(
            "User '{person}' ({address}, {}) of {} exists",
            names.of("bob@x.org"),
            names.of("c0a70500-0000-4000-8000-00000000000f")
        )
    );
    assert_eq!(seen["response"]["body"]["json"]["scimType"], "uniqueness");
    assert_eq!(seen["object"]["label"], address);
    assert_ne!(seen["object"]["source_id"], "c0a70500-0000-4000-8000-000000000001");
}

/// A short value may be a word of the sentence as well.
#[test]
fn a_short_value_is_found_in_quotes_alone_and_where_it_begins_as_a_name() {
    let names = Pseudonyms::new([7; 32]);
    let mut sentences = names.sentences();
    for text in ["Li", "no", "7", "is", "\u{674e}", "A", "Robert \"Bob\" Miller"] {
        sentences.learn("value", &text.into());
    }
    let bob = names.of("Robert \"Bob\" Miller");
    for (text, masked) in [
        ("no account is A, 7 of 7", "no account is A, 7 of 7".to_owned()),
        ("no", names.of("no")),
        (
            "`no` is \"7\" or 'li'",
            format!("`{}` is \"{}\" or '{}'", names.of("no"), names.of("7"), names.of("li")),
        ),
        ("2: Li, \u{674e}; Lima, li", format!("2: {}, {}; Lima, li", names.of("Li"), names.of("\u{674e}"))),
        (r#"{"name":"Robert \"Bob\" Miller"}"#, format!(r#"{{"name":"{bob}"}}"#)),
        (r#"Robert "Bob" Miller"#, bob.clone()),
    ] {
        assert_eq!(sentences.mask(text), masked, "{text}");
    }
}

#[test]
fn a_filter_loses_its_value_and_keeps_its_form() {
    let names = Pseudonyms::new([7; 32]);
    let url = |query: &str| {
        let seen = masked(&exchange(Method::Get, &format!("/Users?{query}"), None, 200, "{}"));
        seen["request"]["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned()
    };
    let address = names.of("adele@contoso.com").replace('@', "%40");
    assert_eq!(
        url("filter=userName+eq+%22adele%40contoso.com%22"),
        format!("filter=userName+eq+%22{address}%22")
    );
    assert_eq!(
        url("filter=emails%5btype+eq+%22work%22%5d.value+eq+%22adele%40contoso.com%22"),
        format!("filter=emails%5btype+eq+%22work%22%5d.value+eq+%22{address}%22")
    );
    assert_eq!(
        url("excludedAttributes=members&filter=displayName+eq+%22R%26D+team%22"),
        format!("excludedAttributes=members&filter=displayName+eq+%22{}%22", names.of("R&D team"))
    );
    for broken in ["filter=userName+eq+%22a%22b%22", "filter=userName+eq+%22a%5c%22b%22"] {
        assert_eq!(url(broken), "****");
    }
}

#[test]
fn a_body_that_is_no_json_is_masked_whole() {
    let seen = masked(&exchange(Method::Get, "/Users/1", None, 500, "<p>Adele Vance</p>"));
    assert_eq!(seen["response"]["body"], json!({ "text": "****" }));
    let line =
        one_line(&Pseudonyms::new([7; 32]).exchange(&exchange(Method::Delete, "/Users/1", None, 204, "")));
    assert!(line.starts_with("DELETE /Users/p-") && line.ends_with("204"), "{line}");
}

/// Every cell of the example's users and groups, but for what is no person's own.
fn personal_values() -> Vec<String> {
    let folder = root().join("examples/contoso/directory");
    let mut values = Vec::new();
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if file.extension().is_none_or(|extension| extension != "csv") || name.starts_with("assignments") {
            continue;
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(&file).unwrap();
        for row in reader.records() {
            // Short words occur in texts of ours as well; SCIM's `Operations` is no department.
            let cells = row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>();
            values.extend(cells.into_iter().filter(|cell| {
                7 <= cell.len()
                    && !matches!(
                        cell.to_lowercase().as_str(),
                        "member" | "internal" | "security" | "operations"
                    )
            }));
        }
    }
    values.sort();
    values.dedup();
    values
}

#[test]
fn the_log_and_har_of_the_example_hold_nothing_of_its_people() {
    let project = Project::with([]);
    let example = root().join("examples/contoso");
    for entry in std::fs::read_dir(example.join("directory")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        project.write(&format!("directory/{name}"), &std::fs::read_to_string(&path).unwrap());
    }
    project.write("scimulator.toml", &std::fs::read_to_string(example.join("scimulator.toml")).unwrap());
    project.scimulator(["cycle", "-q"]).assert().success();
    let print = |arguments: &[&str]| {
        let output = project.scimulator([]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let values = personal_values();
    assert!(100 < values.len());
    let holds = |text: &str| {
        let text = text.to_lowercase();
        values.iter().filter(|value| text.contains(&value.to_lowercase())).cloned().collect::<Vec<_>>()
    };
    let logs = ["logs", "--wire", "--limit", "1000"];
    assert!(50 < holds(&print(&logs)).len(), "without masking they are there");
    for more in [&[][..], &["--format", "json"]] {
        let text = print(&[&logs[..], &["--redact"], more].concat());
        assert_eq!(holds(&text), Vec::<String>::new());
        assert_eq!(text, print(&[&logs[..], &["--redact"], more].concat()), "pseudonyms stay the same");
        assert!(text.contains("contoso") || more.is_empty(), "the job is no person");
    }

    let har: Value = serde_json::from_str(&print(&["logs", "--har", "-", "--redact"])).unwrap();
    assert_eq!(holds(&har.to_string()), Vec::<String>::new());
    assert_eq!(departures(&har), Vec::<String>::new());
    let whole: Value = serde_json::from_str(&print(&["logs", "--har", "-"])).unwrap();
    assert_eq!(departures(&whole), Vec::<String>::new());
    let count = |har: &Value| har["log"]["entries"].as_array().unwrap().len();
    let journal = project.read("state/journal/contoso.jsonl").lines().count();
    assert_eq!((count(&har), count(&whole)), (journal, journal), "the whole journal, with its probes");

    print(&["logs", "--har", "adele.har", "--object", "adele.vance@contoso.com"]);
    let adele: Value = serde_json::from_str(&project.read("adele.har")).unwrap();
    assert_eq!(departures(&adele), Vec::<String>::new());
    let comments =
        adele["log"]["entries"].as_array().unwrap().iter().map(|entry| entry["comment"].to_string());
    let comments: Vec<String> = comments.collect();
    assert!(2 <= comments.len() && comments.iter().all(|text| text.contains("User adele.vance@contoso.com")));
}
