//! Functions on roles and randomness, adjacent functions, and the trace of an evaluation (`mapping.md 7.45, 8 and 9`).

use scimulator::covers;
use scimulator::expression::{Environment, Expression, ParseOptions, Random, Switches, Value};
use serde_json::{Value as Json, json};

use super::{NOW, evaluate, fails, gives, parse, shown, source};

fn roles(count: usize) -> Json {
    let role = |number: usize| json!({ "id": format!("id-{number}"), "value": format!("v\"{number}"), "displayName": format!("Role {number}") });
    json!({ "appRoleAssignments": (1..=count).map(role).collect::<Vec<_>>() })
}

#[test]
fn app_role_functions_give_a_name_or_json_texts() {
    let json_text = |number| {
        json!(format!(r#"{{"id":"id-{number}","value":"v\"{number}","displayName":"Role {number}"}}"#))
    };
    gives("SingleAppRoleAssignment([appRoleAssignments])", &roles(1), &json!("Role 1"));
    covers!("M-182");
    let error = evaluate("SingleAppRoleAssignment([appRoleAssignments])", &roles(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "An error occured while evaluating this function: 'SingleAppRoleAssignment.' No more than one app role \
         assignment was expected, but this many where found: 2"
    );
    covers!("M-183");
    for function in
        ["SingleAppRoleAssignment", "AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex"]
    {
        let text = format!("{function}([appRoleAssignments])");
        gives(&text, &roles(0), &json!(null));
        gives(&text, &json!({}), &json!(null));
    }
    covers!("M-184");
    for function in ["AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex"] {
        let text = format!("{function}([appRoleAssignments])");
        gives(&text, &roles(2), &json!([json_text(1), json_text(2)]));
        fails(&format!("{function}(\"text\")"), &json!({}), "`[appRoleAssignments]` was expected");
    }
    covers!("M-185");
}

#[test]
fn roles_that_no_function_turns_into_text_flow_as_xml() {
    let outcome = evaluate("[appRoleAssignments]", &roles(1)).unwrap();
    let scimulator::expression::Outcome::Value(value @ Value::Roles(_)) = outcome else { panic!("no roles") };
    let text = value.to_text().concat();
    assert!(text.starts_with(r#"<?xml version="1.0" encoding="utf-16"?>"#), "{text}");
}

/// The random text of `text`, for a seed.
fn random(text: &str, seed: u64) -> String {
    let switches = Switches::default();
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(seed), &switches);
    let outcome = parse(text).unwrap().evaluate(&source(&json!({})), &mut environment);
    shown(outcome).as_str().expect("a text").to_owned()
}

#[test]
fn random_strings_meet_their_minima_exactly() {
    for seed in 0..200 {
        let exact = random("RandomString(6, 3, 0, 0, 3)", seed);
        assert_eq!(exact.chars().filter(char::is_ascii_digit).count(), 3, "{exact}");
        assert_eq!(exact.chars().filter(char::is_ascii_lowercase).count(), 3, "{exact}");
        let filled = random(r#"RandomString(12, 1, 1, 1, 1, "?,01lIO")"#, seed);
        assert_eq!(filled.chars().count(), 12, "{filled}");
        assert_eq!(filled.chars().filter(char::is_ascii_punctuation).count(), 1, "{filled}");
        assert!(!filled.chars().any(|character| "?,01lIO".contains(character)), "{filled}");
    }
    assert_eq!(random("RandomString(0, 0, 0, 0, 0)", 1), "");
    covers!("M-192");
    for (text, detail) in [
        ("RandomString(4, 2, 2, 2, 0)", "the minima add up to 6"),
        ("RandomString(257, 1, 1, 1, 1)", "the length 257 is above 256"),
        ("RandomString(8, -1, 1, 1, 1)", "the number -1 is negative"),
        (r#"RandomString(8, 1, 0, 0, 0, "0123456789")"#, "all digits are to be avoided"),
    ] {
        fails(text, &json!({}), detail);
    }
    assert_eq!(random(r#"RandomString(4, 0, 0, 4, 0, "0123456789")"#, 1).len(), 4);
    covers!("M-193");
}

#[test]
fn the_same_seed_gives_the_same_values_in_the_same_order() {
    let text = r#"Join(" ", Guid(), RandomString(20, 1, 1, 1, 1), Guid())"#;
    assert_eq!(random(text, 42), random(text, 42));
    assert_ne!(random(text, 42), random(text, 43));
    covers!("M-194");
}

#[test]
fn adjacent_functions_do_what_their_pages_say() {
    let options = ParseOptions { adjacent_functions: true, ..ParseOptions::default() };
    let switches = Switches::default();
    let attributes = json!({
        "x": " a b ", "l": [" a", "b "], "dn": "CN=Doe\\, Joe,OU=Sales,DC=contoso",
        "appRoleAssignments": [{ "id": "1", "value": "v", "displayName": "One" }, { "id": "2", "value": "w", "displayName": "Two" }],
    });
    for (text, wanted) in [
        (r#"ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA")"#, json!("Hello world!")),
        (r#"ConvertFromBase64("SGVsbG8gd29ybGQh", UTF8)"#, json!("Hello world!")),
        (r#"ConvertFromBase64("SGVsbG8gd29ybGQh", "ASCII")"#, json!("Hello world!")),
        (r#"ConvertFromBase64("QQA=", Unicode)"#, json!("A")),
        ("DNComponent([dn], 1)", json!("Doe, Joe")),
        ("DNComponent([dn], 3)", json!("contoso")),
        ("Trim([x])", json!("a b")),
        ("Trim([l])", json!(["a", "b"])),
        ("AppRoleAssignments([appRoleAssignments])", json!("One,Two")),
        ("DefaultDomain()", json!("contoso.onmicrosoft.com")),
        ("IsNothing([none])", json!("True")),
        (r#"Prepend("<", [x])"#, json!("< a b ")),
        // The well-known identifier of the built-in administrators, in its binary form.
        (r#"StringFromSid("AQIAAAAAAAUgAAAAIAIAAA==")"#, json!("S-1-5-32-544")),
    ] {
        let expression = Expression::parse(text, &options).unwrap();
        let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
        environment.default_domain = Some("contoso.onmicrosoft.com");
        assert_eq!(shown(expression.evaluate(&source(&attributes), &mut environment)), wanted, "{text}");
    }
    for (text, detail) in [
        (r#"ConvertFromBase64("SGV")"#, "is not Base64"),
        (r#"ConvertFromBase64("QQ==")"#, "is not Base64"),
        (r#"ConvertFromBase64("=QQA")"#, "is not Base64"),
        (r#"ConvertFromBase64("QQA=", "UTF7")"#, "is not an encoding"),
        ("DNComponent([dn], 4)", "no component 4"),
        (r#"DNComponent("plain", 1)"#, "is not a component"),
        (r#"StringFromSid("AQI=")"#, "is not Base64 of a security identifier"),
        (r#"Error("no licence left")"#, "'Error.' no licence left"),
        ("DefaultDomain()", "no default domain"),
    ] {
        let expression = Expression::parse(text, &options).unwrap();
        let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
        let error = expression.evaluate(&source(&attributes), &mut environment).expect_err(text);
        assert!(error.to_string().contains(detail), "{text}: {error}");
    }
}

#[test]
fn a_trace_holds_every_step_innermost_first() {
    let switches = Switches::default();
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
    environment.trace = Some(scimulator::expression::Trace::default());
    let expression = parse(r#"IIF([a]="x", ToUpper(Left([b], 2)), "no")"#).unwrap();
    expression.evaluate(&source(&json!({ "a": "x", "b": "abc" })), &mut environment).unwrap();
    let steps: Vec<(usize, String, Json)> = environment
        .trace
        .unwrap()
        .entries
        .into_iter()
        .map(|entry| (entry.depth, entry.text, shown(entry.result)))
        .collect();
    let step = |depth: usize, text: &str, result: &str| (depth, text.to_owned(), json!(result));
    assert_eq!(
        steps,
        [
            step(2, "[a]", "x"),
            step(2, "\"x\"", "x"),
            step(1, "[a] = \"x\"", "True"),
            step(3, "[b]", "abc"),
            step(3, "\"2\"", "2"),
            step(2, "Left([b], 2)", "ab"),
            step(1, "ToUpper(Left([b], 2))", "AB"),
            step(0, "IIF([a] = \"x\", ToUpper(Left([b], 2)), \"no\")", "AB"),
        ]
    );
}
