//! The vectors of `mapping.md`, appendix A.

use std::collections::{BTreeMap, BTreeSet};

use scimulator::expression::{
    AppRole, AttributeValue, Environment, Expression, LOG_TEXT_REDACTED, Outcome, ParseOptions, Random,
    Switches,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Vector {
    function: String,
    expression: String,
    source: BTreeMap<String, serde_json::Value>,
    now: Option<String>,
    target_existing: Option<BTreeSet<String>>,
    expected: serde_json::Value,
    #[serde(default)]
    expect_error: bool,
    expect_pattern: Option<String>,
    #[serde(default)]
    expect_min: BTreeMap<String, usize>,
    #[serde(default)]
    ignore_flow: bool,
    #[serde(default)]
    ignore_object: bool,
    log: Option<String>,
    #[serde(rename = "origin")]
    _origin: String,
    #[serde(rename = "note")]
    _note: Option<String>,
}

fn attribute(name: &str, value: &serde_json::Value) -> Option<AttributeValue> {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::Array(roles) if name == "appRoleAssignments" => {
            let role = |role: &serde_json::Value| AppRole {
                id: text(&role["id"]),
                value: text(&role["value"]),
                display_name: text(&role["displayName"]),
            };
            Some(AttributeValue::Roles(roles.iter().map(role).collect()))
        }
        serde_json::Value::Array(values) => Some(AttributeValue::List(values.iter().map(text).collect())),
        single => Some(AttributeValue::Text(text(single))),
    }
}

/// `Err` says how the outcome differs from the one wanted.
fn check(vector: &Vector) -> Result<(), String> {
    let source: BTreeMap<String, AttributeValue> = vector
        .source
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), attribute(name, value)?)))
        .collect();
    let nothing = BTreeSet::new();
    let switches = Switches::default();
    let now = vector.now.as_deref().unwrap_or("2025-07-30T00:00:00Z").parse().unwrap();
    let mut environment = Environment::new(now, Random::seeded(7), &switches);
    environment.target_values = vector.target_existing.as_ref().unwrap_or(&nothing);
    let outcome = Expression::parse(&vector.expression, &ParseOptions::default())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        .and_then(|expression| {
            expression.evaluate(&source, &mut environment).map_err(|error| error.to_string())
        });
    let differs = || Err(format!("gives {outcome:?}"));
    if vector.expect_error {
        return if outcome.is_err() { Ok(()) } else { differs() };
    }
    let wanted_log = vector.log.as_deref();
    if environment.redacted != wanted_log.is_some() || wanted_log.is_some_and(|log| log != LOG_TEXT_REDACTED)
    {
        return Err(format!("redacted: {}", environment.redacted));
    }
    let agrees = match &outcome {
        Err(_) => false,
        Ok(Outcome::IgnoreAttribute) => vector.ignore_flow,
        Ok(Outcome::IgnoreObject) => vector.ignore_object,
        Ok(Outcome::Null) => {
            vector.expected.is_null()
                && !vector.ignore_flow
                && !vector.ignore_object
                && vector.expect_pattern.is_none()
        }
        Ok(Outcome::Value(value)) => match value.clone().into_attribute_value() {
            AttributeValue::Text(text) => match &vector.expect_pattern {
                Some(pattern) => fits(&text, pattern, &vector.expect_min),
                None => vector.expected == serde_json::json!(text),
            },
            AttributeValue::List(values) => vector.expected == serde_json::json!(values),
            AttributeValue::Roles(_) => false,
        },
    };
    if agrees { Ok(()) } else { differs() }
}

fn fits(text: &str, pattern: &str, minima: &BTreeMap<String, usize>) -> bool {
    let of_class = |class: &str| match class {
        "digit" => text.chars().filter(char::is_ascii_digit).count(),
        "lower" => text.chars().filter(char::is_ascii_lowercase).count(),
        "upper" => text.chars().filter(char::is_ascii_uppercase).count(),
        "special" => text.chars().filter(char::is_ascii_punctuation).count(),
        other => panic!("unknown class {other}"),
    };
    fancy_regex::Regex::new(pattern).unwrap().is_match(text).unwrap()
        && minima.iter().all(|(class, least)| *least <= of_class(class))
}

/// The vectors that differ, each with how.
fn failures(vectors: &str) -> Vec<String> {
    let vectors: Vec<Vector> = serde_json::from_str(vectors).expect("the vectors are JSON");
    vectors
        .iter()
        .enumerate()
        .filter_map(|(number, vector)| {
            let difference = check(vector).err()?;
            Some(format!("{number} {} `{}` {difference}", vector.function, vector.expression))
        })
        .collect()
}

#[test]
fn every_published_and_derived_vector_comes_out_as_stated() {
    let vectors = include_str!("../../data/expression/functions.json");
    assert_eq!(vectors.matches("\"function\":").count(), 596);
    let failures = failures(vectors);
    assert!(failures.is_empty(), "{} of 596 differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn further_vectors_of_our_own_come_out_as_the_sheet_says() {
    let failures = failures(include_str!("../../data/expression/further.json"));
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
