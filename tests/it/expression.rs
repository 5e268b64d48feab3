//! The expression language through its public face.

use std::collections::BTreeMap;

use scimulator::expression::{
    AttributeValue, Environment, EvaluationError, Expression, Outcome, ParseError, ParseOptions, Random,
    Switches,
};

fn parse(text: &str) -> Result<Expression, Vec<ParseError>> {
    Expression::parse(text, &ParseOptions::default())
}

fn evaluate(text: &str, source: &[(&str, &str)]) -> Result<Outcome, EvaluationError> {
    let source: BTreeMap<String, AttributeValue> = source
        .iter()
        .map(|(name, value)| ((*name).to_owned(), AttributeValue::Text((*value).to_owned())))
        .collect();
    let switches = Switches::default();
    let mut environment = Environment::new(
        "2025-07-30T00:00:00Z".parse().unwrap(),
        Random::seeded(1),
        &switches,
    );
    parse(text).unwrap().evaluate(&source, &mut environment)
}

#[test]
fn the_tree_of_a_call_names_its_parameters_and_survives_without_its_texts() {
    let expression = parse(r#"Switch([IsSoftDeleted],,"False","True","True","False")"#).unwrap();
    let canonical = r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#;
    assert_eq!(expression.canonical(), canonical);
    let mut tree = expression.to_graph_json();
    let keys: Vec<&str> = tree["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "source",
            "switchValue",
            "switchValue",
            "switchValue",
            "switchValue"
        ]
    );
    assert_eq!(tree["parameters"][1]["value"]["expression"], "\"False\"");
    strip_expressions(&mut tree);
    let rebuilt = Expression::from_graph_json(&tree, &ParseOptions::default()).unwrap();
    assert_eq!(rebuilt.canonical(), canonical);
    scimulator::covers!("M-126");
}

/// Leaves only the tree: types, names and parameters.
fn strip_expressions(source: &mut serde_json::Value) {
    let source = source.as_object_mut().unwrap();
    source.remove("expression");
    for entry in source["parameters"].as_array_mut().unwrap() {
        strip_expressions(&mut entry["value"]);
    }
}

#[test]
fn the_default_mapping_to_active_turns_is_soft_deleted_around() {
    let text = r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#;
    let is = |value: &str| evaluate(text, &[("IsSoftDeleted", value)]).unwrap();
    let text = |value: &str| Outcome::Value(scimulator::expression::Value::Text(value.to_owned()));
    assert_eq!(is("False"), text("True"));
    assert_eq!(is("True"), text("False"));
    assert_eq!(is("maybe"), Outcome::Null);
}
