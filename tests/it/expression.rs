//! The expression language through its public face. Expected values are worked out from `mapping.md` and from what
//! .NET documents, never taken from this program's output.

mod choices;
mod dates;
mod functions;
mod limits;
mod parsing;
mod patterns;
mod roles;
mod roundtrip;
mod speed;
mod vectors;

use std::collections::BTreeMap;

use scimulator::expression::{
    AppRole, AttributeValue, Environment, EvaluationError, Expression, Outcome, ParseError, ParseOptions,
    Random, Switches, Value,
};
use serde_json::{Value as Json, json};

/// The moment at which evaluations here happen.
pub(crate) const NOW: &str = "2025-07-30T00:00:00Z";

fn parse(text: &str) -> Result<Expression, Vec<ParseError>> {
    Expression::parse(text, &ParseOptions::default())
}

/// A source object out of a JSON object: texts, lists of texts, null, and roles under `appRoleAssignments`.
pub(crate) fn source(attributes: &Json) -> BTreeMap<String, AttributeValue> {
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    let role = |role: &Json| AppRole {
        id: text(&role["id"]),
        value: text(&role["value"]),
        display_name: text(&role["displayName"]),
    };
    let attributes = attributes.as_object().expect("an object").iter();
    attributes
        .filter_map(|(name, value)| {
            let value = match value {
                Json::Array(roles) if name == "appRoleAssignments" => {
                    AttributeValue::Roles(roles.iter().map(role).collect())
                }
                Json::Array(values) => AttributeValue::List(values.iter().map(text).collect()),
                Json::String(value) => AttributeValue::Text(value.clone()),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => return None,
            };
            Some((name.clone(), value))
        })
        .collect()
}

fn evaluate_with(text: &str, attributes: &Json, switches: &Switches) -> Result<Outcome, EvaluationError> {
    let expression = parse(text).unwrap_or_else(|errors| panic!("`{text}`: {errors:?}"));
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), switches);
    expression.evaluate(&source(attributes), &mut environment)
}

fn evaluate(text: &str, attributes: &Json) -> Result<Outcome, EvaluationError> {
    evaluate_with(text, attributes, &Switches::default())
}

/// An outcome as JSON: a text, a list of texts or null; the marks as `{"ignore": …}`, an error as `{"error": …}`.
pub(crate) fn shown(outcome: Result<Outcome, EvaluationError>) -> Json {
    match outcome {
        Ok(Outcome::Value(Value::List(values))) => json!(values),
        Ok(Outcome::Value(value)) => json!(value.to_text().concat()),
        Ok(Outcome::Null) => Json::Null,
        Ok(Outcome::IgnoreAttribute) => json!({ "ignore": "attribute" }),
        Ok(Outcome::IgnoreObject) => json!({ "ignore": "object" }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// Asserts what `text` evaluates to for an object with the given attributes.
#[track_caller]
fn gives(text: &str, attributes: &Json, wanted: &Json) {
    assert_eq!(shown(evaluate(text, attributes)), *wanted, "{text} over {attributes}");
}

/// Asserts that evaluating `text` fails, and that the message says so with `detail`.
#[track_caller]
fn fails(text: &str, attributes: &Json, detail: &str) {
    let outcome = evaluate(text, attributes);
    let message = outcome.expect_err(text).to_string();
    assert!(message.contains(detail), "{text} over {attributes}: {message}");
}
