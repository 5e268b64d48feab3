//! What the fuzz targets do with their bytes: plain functions that panic when a rule is broken. The fuzzer drives them
//! (`targets/`), and `cargo test` runs them over the kept corpus (`tests/it/fuzz.rs`).
#![allow(dead_code, reason = "each fuzz target takes one of them")]

use std::collections::BTreeMap;

use scimulator::clock::Timestamp;
use scimulator::expression::limits::{
    EVALUATION_STEPS_MAX, EXPRESSION_CHARACTERS_MAX, LIST_VALUES_MAX, PARSE_ERRORS_MAX, VALUE_BYTES_MAX,
};
use scimulator::expression::{
    AppRole, AttributeValue, Environment, EvaluationError, Expression, Outcome, ParseOptions, Random,
    Switches,
};
use scimulator::http::{Method, Request};
use scimulator::scim::path::TargetPath;
use scimulator::scim::style::Dialect;
use scimulator::scope::filter::{Filter, FilterOptions, MultiValued};
use scimulator::target::{App, AppOptions};
use serde_json::{Value, json};

/// What a fuzz target does.
type Body = fn(&[u8]);

/// All of them by name.
pub(crate) const ALL: [(&str, Body); 4] = [
    ("expression_evaluator", expression_evaluator),
    ("expression_parser", expression_parser),
    ("filter_parser", filter_parser),
    ("path_parser", path_parser),
];

/// The bytes are an expression. Whatever they are, mistakes lie inside the text; and what can be read is read the same
/// way again from its canonical text and from its tree.
pub(crate) fn expression_parser(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let characters = text.chars().count();
    let every_function = ParseOptions { adjacent_functions: true, ..ParseOptions::default() };
    let loose = ParseOptions { any_function_case: true, drop_lone_backslash: true, ..every_function };
    for options in [ParseOptions::default(), every_function, loose] {
        match Expression::parse(&text, &options) {
            Ok(expression) => {
                let again = |text: &str| Expression::parse(text, &every_function);
                let canonical = expression.canonical();
                // The blanks after commas may take it beyond the limit.
                if canonical.chars().count() <= EXPRESSION_CHARACTERS_MAX {
                    let read = again(&canonical).unwrap_or_else(|errors| panic!("{canonical:?}: {errors:?}"));
                    assert_eq!(read.canonical(), canonical);
                    let tree = expression.to_graph_json();
                    let read = Expression::from_graph_json(&tree, &every_function);
                    assert_eq!(read.map(|read| read.canonical()), Ok(canonical));
                }
            }
            Err(errors) => {
                assert!((1..=PARSE_ERRORS_MAX).contains(&errors.len()));
                assert!(errors.iter().all(|error| error.start + error.length <= characters), "{errors:?}");
            }
        }
    }
}

/// The first line is an expression, the others are `name=value` attributes; a name that comes again makes a list. What
/// it comes to is the same each time, and no limit is passed.
pub(crate) fn expression_evaluator(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let options = ParseOptions { adjacent_functions: true, ..ParseOptions::default() };
    let Ok(expression) = Expression::parse(first, &options) else {
        return;
    };
    let source = attributes(rest);
    let given = source.values().map(bytes_of).max().unwrap_or(0).max(text.len());
    let eager = Switches { lazy_evaluation: false, ..Switches::default() };
    for switches in [Switches::default(), eager] {
        let once = evaluate(&expression, &source, &switches);
        assert_eq!(once, evaluate(&expression, &source, &switches), "{first:?}");
        match once {
            Ok(Outcome::Value(value)) => {
                let texts = value.to_text();
                assert!(
                    texts.len() <= LIST_VALUES_MAX.max(source.len()),
                    "{first:?}: {} values",
                    texts.len()
                );
                let bytes: usize = texts.iter().map(String::len).sum();
                // An attribute comes through as it is, however long; roles grow a little as text.
                assert!(bytes <= VALUE_BYTES_MAX.max(given.saturating_mul(8)), "{first:?}: {bytes} bytes");
            }
            Ok(Outcome::Null | Outcome::IgnoreAttribute | Outcome::IgnoreObject) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn evaluate(
    expression: &Expression,
    source: &BTreeMap<String, AttributeValue>,
    switches: &Switches,
) -> Result<Outcome, EvaluationError> {
    let mut environment = Environment::new(Timestamp::UNIX_EPOCH, Random::seeded(7), switches);
    let outcome = expression.evaluate(source, &mut environment);
    assert!(outcome.is_err() || environment.steps <= EVALUATION_STEPS_MAX);
    outcome
}

/// Attributes out of lines.
fn attributes(lines: &str) -> BTreeMap<String, AttributeValue> {
    let mut source: BTreeMap<String, AttributeValue> = BTreeMap::new();
    for (name, value) in lines.lines().filter_map(|line| line.split_once('=')) {
        let value = value.to_owned();
        if name == "appRoleAssignments" {
            let role = AppRole { id: value.clone(), value: value.clone(), display_name: value };
            match source.get_mut(name) {
                Some(AttributeValue::Roles(roles)) => roles.push(role),
                Some(_) | None => drop(source.insert(name.to_owned(), AttributeValue::Roles(vec![role]))),
            }
            continue;
        }
        match source.get_mut(name) {
            Some(AttributeValue::List(values)) => values.push(value),
            Some(AttributeValue::Text(first)) => {
                let first = std::mem::take(first);
                source.insert(name.to_owned(), AttributeValue::List(vec![first, value]));
            }
            Some(AttributeValue::Roles(_)) | None => {
                source.insert(name.to_owned(), AttributeValue::Text(value));
            }
        }
    }
    source
}

fn bytes_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::Text(text) => text.len(),
        AttributeValue::List(values) => values.iter().map(String::len).sum(),
        AttributeValue::Roles(roles) => roles
            .len()
            .saturating_mul(256)
            .saturating_add(roles.iter().map(|role| role.id.len().saturating_mul(3)).sum()),
    }
}

/// The bytes are a scoping filter as Graph writes it, and a SCIM filter that the embedded app is asked with. A scoping
/// filter that can be read survives its way through JSON and judges any object; the app answers 200 or 400.
pub(crate) fn filter_parser(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(written) = serde_json::from_slice::<Value>(data) {
        for multi_valued in [MultiValued::All, MultiValued::Any] {
            let options = FilterOptions { multi_valued, bitmask: true, ..FilterOptions::default() };
            let Ok(filter) = Filter::from_graph_json(&written, &options) else {
                continue;
            };
            let json = filter.to_graph_json();
            assert_eq!(Filter::from_graph_json(&json, &options), Ok(filter.clone()));
            for lines in ["", "department=Sales\nlevel=7\nactive=True", "department=\nlevel=-\nlevel=8"] {
                let result = filter.evaluate(&attributes(lines)).scope_evaluation_result();
                let read: Value =
                    serde_json::from_str(&result).unwrap_or_else(|error| panic!("{result}: {error}"));
                assert!(read.is_object(), "{result}");
            }
        }
    }
    let query: String =
        percent_encoding::percent_encode(data, percent_encoding::NON_ALPHANUMERIC).to_string();
    let status = answer(Method::Get, &format!("/Users?filter={query}"), None);
    assert!([200, 400].contains(&status), "{status} to the filter {text:?}");
}

/// The bytes are a target path, and the path of a PATCH to the embedded app. A path that can be read keeps its text
/// and finds something or nothing in any resource; the app accepts or refuses.
pub(crate) fn path_parser(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match TargetPath::parse(&text) {
        Ok(path) => {
            assert_eq!(path.as_str(), text);
            assert_eq!(path.wire_text(Dialect::Default), text);
            assert!(path.same_place(&path));
            assert!(!path.wire_text(Dialect::Legacy2018).is_empty());
            let resource = user();
            let _found: (Option<&Value>, Option<&str>) =
                (path.read(&resource), path.read_reference(&resource));
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column), "{text:?}: {error}");
        }
    }
    let operation = json!({ "op": "Add", "path": text, "value": "x" });
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    });
    let status = answer(Method::Patch, "/Users/u", Some(&body));
    assert!((200..500).contains(&status), "{status} to the path {text:?}");
}

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ada",
        "active": true,
        "name": { "givenName": "Ada" },
        "emails": [{ "type": "work", "value": "ada@contoso.com", "primary": true }, "odd", null],
        "roles": [[], {}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "m" } },
    })
}

/// The status that an embedded app with one user answers with; `u` stands for that user's id.
fn answer(method: Method, path: &str, body: Option<&Value>) -> u16 {
    let mut app = App::new(AppOptions::default());
    let mut send = |method, path: &str, body: Option<&Value>| {
        let url = format!("http://app.test/scim/v2{path}");
        let body = body.map(|body| body.to_string().into_bytes());
        app.handle(&Request { method, url, headers: Vec::new(), body }, Timestamp::UNIX_EPOCH).response
    };
    let mut ada = user();
    for attribute in ["emails", "roles"] {
        ada[attribute] = json!([{ "type": "work", "value": "ada@contoso.com" }]);
    }
    let created = send(Method::Post, "/Users", Some(&ada));
    let created: Value = serde_json::from_slice(&created.body).unwrap_or_default();
    let id = created["id"].as_str().unwrap_or_default();
    assert!(!id.is_empty(), "{created}");
    send(method, &path.replace("/Users/u", &format!("/Users/{id}")), body).status
}
