//! The HAR export against the structure that the HAR 1.2 specification demands, against the JSON Schema that others
//! publish of it, and one entry written out by hand.

use std::time::Duration;

use scimulator::client::{About, Answered, Exchange, JOURNAL_BODY_BYTES_MAX, ObjectRef, Redactor, har};
use scimulator::clock::Timestamp;
use scimulator::directory::object::ObjectKind;
use scimulator::http::{Method, Request, Response, TransportError};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::sources::root;

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn exchange(
    method: Method,
    target: &str,
    body: Option<&str>,
    outcome: Result<Response, TransportError>,
) -> Exchange {
    let about = About {
        effect: "1/7/put".to_owned(),
        cycle: Some(1),
        object: Some(ObjectRef {
            kind: ObjectKind::User,
            label: "adele@contoso.com".to_owned(),
            source_id: "a1".to_owned(),
        }),
        started: "2026-08-01T09:40:00.5Z".parse().unwrap(),
    };
    let request = Request {
        method,
        url: format!("https://app.example/scim{target}"),
        headers: pairs(&[
            ("Authorization", "Bearer s3cret"),
            ("Content-Type", "application/scim+json; charset=utf-8"),
        ]),
        body: body.map(|body| body.as_bytes().to_vec()),
    };
    let answered = Answered { outcome, elapsed: Duration::from_millis(12) };
    Exchange::record(about, &request, &answered, &Redactor::new([SecretString::from("s3cret")]))
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    Response { status, headers: pairs(headers), body: body.as_bytes().to_vec() }
}

/// Every kind of exchange.
fn all() -> Vec<Exchange> {
    let long = "x".repeat(JOURNAL_BODY_BYTES_MAX + 1);
    vec![
        exchange(
            Method::Get,
            "/Users?a=1&filter=userName+eq+%22a%40b%22&empty",
            None,
            Ok(response(200, &[], "{}")),
        ),
        exchange(
            Method::Post,
            "/Users",
            Some("{\"a\": 1}"),
            Ok(response(201, &[("content-type", "text/html")], "<p>")),
        ),
        exchange(Method::Patch, "/Users/1", Some(&long), Ok(response(599, &[], &long))),
        exchange(Method::Delete, "/Users/1", None, Ok(response(302, &[("Location", "/x")], ""))),
        exchange(Method::Delete, "/Users/1", None, Err(TransportError::Timeout { after_ms: 30_000 })),
    ]
}

/// Asserts that `value` has exactly the members `required`, and `optional` ones at most, and that each is of its type.
fn check_object(at: &str, value: &Value, required: &[(&str, &str)], optional: &[(&str, &str)]) {
    let members = value.as_object().unwrap_or_else(|| panic!("{at} is no object: {value}"));
    for (name, _) in required {
        assert!(members.contains_key(*name), "{at}.{name} is missing");
    }
    for (name, member) in members {
        let found = required.iter().chain(optional).find(|(known, _)| known == name);
        let (_, wanted) = found.unwrap_or_else(|| panic!("{at}.{name} is not in the specification"));
        let fits = match *wanted {
            "string" => member.is_string(),
            "integer" => member.is_i64() || member.is_u64(),
            "object" => member.is_object(),
            "array" => member.is_array(),
            other => panic!("{other}"),
        };
        assert!(fits, "{at}.{name} is no {wanted}: {member}");
    }
}

/// Members of type `name: type, …`, as short as the specification's tables.
fn members(table: &str) -> Vec<(&str, &str)> {
    table.split(',').filter_map(|member| member.trim().split_once(' ')).collect()
}

fn check(at: &str, value: &Value, required: &str, optional: &str) {
    check_object(at, value, &members(required), &members(optional));
}

fn check_pairs(at: &str, value: &Value) {
    for (index, pair) in value.as_array().unwrap().iter().enumerate() {
        check(&format!("{at}[{index}]"), pair, "name string, value string", "comment string");
    }
}

#[test]
fn every_member_the_specification_requires_is_there_and_of_its_type() {
    let document = har(&all());
    check("$", &document, "log object", "");
    let log = &document["log"];
    check(
        "log",
        log,
        "version string, creator object, entries array",
        "browser object, pages array, comment string",
    );
    assert_eq!(log["version"], "1.2");
    check("creator", &log["creator"], "name string, version string", "comment string");
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), all().len());
    for entry in entries {
        check(
            "entry",
            entry,
            "startedDateTime string, time integer, request object, response object, cache object, timings object",
            "pageref string, serverIPAddress string, connection string, comment string",
        );
        assert!(entry["startedDateTime"].as_str().unwrap().parse::<Timestamp>().is_ok());
        check("timings", &entry["timings"], "send integer, wait integer, receive integer", "");
        let parts = ["send", "wait", "receive"].map(|part| entry["timings"][part].as_u64().unwrap());
        assert_eq!(Some(parts.iter().sum()), entry["time"].as_u64(), "`time` is the sum of the timings");

        let request = &entry["request"];
        check(
            "request",
            request,
            "method string, url string, httpVersion string, cookies array, headers array, queryString array, \
             headersSize integer, bodySize integer",
            "postData object, comment string",
        );
        check_pairs("request.headers", &request["headers"]);
        check_pairs("request.queryString", &request["queryString"]);
        if let Some(data) = request.get("postData") {
            check("postData", data, "mimeType string, params array, text string", "comment string");
        }

        let response = &entry["response"];
        check(
            "response",
            response,
            "status integer, statusText string, httpVersion string, cookies array, headers array, content object, \
             redirectURL string, headersSize integer, bodySize integer",
            "comment string",
        );
        check_pairs("response.headers", &response["headers"]);
        check(
            "content",
            &response["content"],
            "size integer, mimeType string",
            "compression integer, text string, encoding string, comment string",
        );
    }
}

/// One of the schema's files with those that it names in their places.
fn schema(file: &str) -> Value {
    fn resolve(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                if let Some(other) = members.get("$ref").and_then(Value::as_str) {
                    return schema(other.trim_end_matches('#'));
                }
                let kept = members.into_iter().filter(|(name, _)| name != "$id");
                kept.map(|(name, member)| (name, resolve(member))).collect()
            }
            Value::Array(items) => items.into_iter().map(resolve).collect(),
            scalar => scalar,
        }
    }
    let text = std::fs::read_to_string(root().join("tests/data/har").join(file)).unwrap();
    resolve(serde_json::from_str(&text).unwrap())
}

/// Everything in which a document departs from the published schema (npm `har-schema`).
pub(super) fn departures(document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema("har.json")).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_published_json_schema_accepts_every_kind_of_exchange() {
    let document = har(&all());
    assert_eq!(departures(&document), Vec::<String>::new());
    // And it does look; the date breaks two of its rules.
    let mut broken = document;
    broken["log"]["entries"][1]["response"].as_object_mut().unwrap().remove("content");
    broken["log"]["entries"][2]["request"]["postData"]["mimeType"] = json!(1);
    broken["log"]["entries"][3]["startedDateTime"] = json!("yesterday");
    assert_eq!(departures(&broken).len(), 4, "{:?}", departures(&broken));
}

#[test]
fn an_entry_says_what_was_sent_and_what_came_back() {
    let created = exchange(
        Method::Post,
        "/Users?x=a+b%26c",
        Some("{ \"userName\": \"adele\" }"),
        Ok(response(
            201,
            &[("content-type", "application/scim+json"), ("Location", "/scim/Users/1")],
            "{\"id\":\"s3cret\"}",
        )),
    );
    let wanted = json!({
        "startedDateTime": "2026-08-01T09:40:00.5Z",
        "time": 12,
        "request": {
            "method": "POST",
            "url": "https://app.example/scim/Users?x=a+b%26c",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [
                { "name": "Authorization", "value": "****" },
                { "name": "Content-Type", "value": "application/scim+json; charset=utf-8" },
            ],
            "queryString": [{ "name": "x", "value": "a b&c" }],
            "postData": {
                "mimeType": "application/scim+json; charset=utf-8",
                "params": [],
                "text": "{\"userName\":\"adele\"}",
            },
            "headersSize": -1,
            "bodySize": 23,
        },
        "response": {
            "status": 201,
            "statusText": "Created",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [
                { "name": "content-type", "value": "application/scim+json" },
                { "name": "Location", "value": "/scim/Users/1" },
            ],
            "content": { "size": 15, "mimeType": "application/scim+json", "text": "{\"id\":\"****\"}" },
            "redirectURL": "/scim/Users/1",
            "headersSize": -1,
            "bodySize": 15,
        },
        "cache": {},
        "timings": { "send": 0, "wait": 12, "receive": 0 },
        "comment": "cycle 1, User adele@contoso.com, effect 1/7/put",
    });
    assert_eq!(har([&created])["log"]["entries"][0], wanted);
}

#[test]
fn an_exchange_without_an_answer_and_a_cut_body_say_so() {
    let document = har(&all());
    let entries = &document["log"]["entries"];
    let timeout = &entries[4]["response"];
    assert_eq!(
        (&timeout["status"], &timeout["comment"]),
        (&json!(0), &json!("timeout: no answer within 30000 ms"))
    );
    let cut = &entries[2];
    assert_eq!(cut["request"]["postData"]["comment"], "cut; 65537 bytes in all");
    assert_eq!(cut["response"]["content"]["comment"], "cut; 65537 bytes in all");
    assert_eq!(cut["response"]["content"]["size"], 65_537);
    assert_eq!(entries[0]["request"].get("postData"), None);
    assert!(!document.to_string().contains("s3cret"));
}
