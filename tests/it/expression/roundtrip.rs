//! Canonical text and the JSON tree (`mapping.md 6.12 and 10`).

use scimulator::covers;
use scimulator::expression::{Expression, ParseOptions};
use serde_json::{Value as Json, json};

use super::parse;

#[test]
fn the_canonical_text_has_one_blank_after_each_comma_and_empty_places() {
    for (text, canonical) in [
        ("Mid( [userPrincipalName],1,8 )", "Mid([userPrincipalName], 1, 8)"),
        (
            r#"Replace([preferredLanguage], "-", , ,"_", ,  )"#,
            r#"Replace([preferredLanguage], "-", , , "_", , )"#,
        ),
        (r#"IIF([a]="b","c",IgnoreAttributeFlow)"#, r#"IIF([a] = "b", "c", IgnoreAttributeFlow)"#),
        ("Now( )", "Now()"),
        (r#"Append("a\\b\"c", "\d")"#, r#"Append("a\\b\"c", "\\d")"#),
        (r#"FormatDateTime([d],"yyyy","MM")"#, r#"FormatDateTime([d], "yyyy", "MM")"#),
        ("BitAnd(&HF,[x])", "BitAnd(15, [x])"),
        ("7", "\"7\""),
    ] {
        let expression = parse(text).unwrap();
        assert_eq!(expression.canonical(), canonical);
        assert_eq!(expression.text(), text);
        // The canonical text means the same and is its own canonical text.
        assert_eq!(parse(canonical).unwrap().canonical(), canonical);
    }
    covers!("M-124");
}

#[test]
fn the_published_tree_of_mid_comes_out_member_by_member() {
    // graph-api.md 8.1
    let constant = |text: &str| json!({ "expression": format!("\"{text}\""), "name": text, "parameters": [], "type": "Constant" });
    let wanted = json!({
        "expression": "Mid([userPrincipalName], 1, 8)",
        "name": "Mid",
        "parameters": [
            { "key": "source", "value": { "expression": "[userPrincipalName]", "name": "userPrincipalName", "parameters": [], "type": "Attribute" } },
            { "key": "start", "value": constant("1") },
            { "key": "length", "value": constant("8") },
        ],
        "type": "Function",
    });
    let expression = parse("Mid([userPrincipalName], 1, 8)").unwrap();
    assert_eq!(expression.to_graph_json(), wanted);
    covers!("M-125");
}

#[test]
fn direct_and_constant_sources_are_trees_of_one_node() {
    let direct = json!({ "expression": "[mail]", "name": "mail", "parameters": [], "type": "Attribute" });
    assert_eq!(parse("[mail]").unwrap().to_graph_json(), direct);
    let constant =
        json!({ "expression": "\"Contoso\"", "name": "Contoso", "parameters": [], "type": "Constant" });
    assert_eq!(parse("\"Contoso\"").unwrap().to_graph_json(), constant);
    covers!("M-196");
}

fn keys(text: &str) -> Vec<String> {
    let tree = parse(text).unwrap().to_graph_json();
    let entries = tree["parameters"].as_array().unwrap();
    entries.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn parameters_have_their_published_keys_and_omitted_ones_none() {
    for (text, wanted) in [
        (r#"Append([a], "b")"#, "source suffix"),
        (r#"FormatDateTime([d], , "yyyy", "MM")"#, "source inputFormat outputFormat"),
        (r#"FormatDateTime([d], "None", "yyyy", "MM")"#, "source dateTimeStyles inputFormat outputFormat"),
        (r#"FormatDateTime([d], "yyyy", "MM")"#, "source inputFormat outputFormat"),
        (r#"Join("", [a], [b], [c])"#, "separator source source source"),
        (r#"Replace([a], "b", , , "c", , )"#, "source Find Replacement"),
        (
            r#"Replace([a], , "b", "c", , [d], )"#,
            "source RegularExpression RegularExpressionGroupName ReplacementPropertyName",
        ),
        (r#"Replace([a], "b", , , , , "c")"#, "source Find Template"),
        (r#"Split([a], ",")"#, "source delimiter"),
        (
            r#"Switch([a], "d", "k", "v", "l", "w")"#,
            "source defaultValue switchValue switchValue switchValue switchValue",
        ),
        ("Not([a])", "source"),
        ("SingleAppRoleAssignment([appRoleAssignments])", "source"),
    ] {
        assert_eq!(keys(text).join(" "), wanted, "{text}");
    }
    covers!("M-126");
}

/// Leaves only the tree: types, names and parameters.
fn strip_expressions(source: &mut Json) {
    let source = source.as_object_mut().unwrap();
    source.remove("expression");
    for entry in source["parameters"].as_array_mut().unwrap() {
        strip_expressions(&mut entry["value"]);
    }
}

#[test]
fn the_text_is_rebuilt_from_the_tree_when_only_that_is_given() {
    for (text, rebuilt) in [
        (r#"Switch([a], , "k", "v")"#, r#"Switch([a], , "k", "v")"#),
        (r#"Replace([a], "-", , , "_", , )"#, r#"Replace([a], "-", , , "_")"#),
        (r"Mid([a], 1, 8)", r#"Mid([a], "1", "8")"#),
        (r#"IIF([a] <= 3, IgnoreObjectFlow, "b\"c")"#, r#"IIF([a] <= "3", IgnoreObjectFlow, "b\"c")"#),
        (r#"FormatDateTime([d], "yyyy", "MM")"#, r#"FormatDateTime([d], , "yyyy", "MM")"#),
        ("[mail]", "[mail]"),
        ("Now()", "Now()"),
    ] {
        let mut tree = parse(text).unwrap().to_graph_json();
        strip_expressions(&mut tree);
        let expression = Expression::from_graph_json(&tree, &ParseOptions::default());
        assert_eq!(expression.unwrap().canonical(), rebuilt);
    }
    let mut tree = parse("[mail]").unwrap().to_graph_json();
    tree["expression"] = json!("ToLower([mail])");
    let expression = Expression::from_graph_json(&tree, &ParseOptions::default()).unwrap();
    assert_eq!(expression.canonical(), "ToLower([mail])");
    covers!("M-197");
}

#[test]
fn a_tree_that_makes_no_sense_is_refused() {
    for (tree, message) in [
        (json!("text"), "must be an object"),
        (json!({ "type": "Magic", "name": "x" }), "unknown type \"Magic\""),
        (json!({ "type": "Function", "name": "Nope", "parameters": [] }), "unknown function `Nope`"),
        (json!({ "type": "Attribute", "name": "" }), "neither expression nor name"),
        (
            json!({ "type": "Function", "name": "Not", "parameters": [{ "key": "sauce", "value": {} }] }),
            "no parameter `sauce`",
        ),
        (json!({ "type": "Function", "name": "Not", "parameters": {} }), "`parameters` must be a list"),
        (json!({ "type": "Function", "name": "Not", "parameters": [1] }), "needs `key` and `value`"),
        (json!({ "type": "Function", "name": "Mid", "parameters": [] }), "needs its argument 1"),
        (json!({ "expression": "Lower([x])" }), "unknown function `Lower`"),
    ] {
        let errors =
            Expression::from_graph_json(&tree, &ParseOptions::default()).expect_err(&tree.to_string());
        assert!(errors[0].message.contains(message), "{tree}: {errors:?}");
    }
}

#[test]
fn attributes_and_functions_are_listed_once_in_order_of_first_use() {
    let expression = parse(r#"Switch([b], Join(" ", [a], [b]), "x", Join("", [c], ToLower([a])))"#).unwrap();
    assert_eq!(expression.attributes(), ["b", "a", "c"]);
    assert_eq!(expression.functions(), ["Switch", "Join", "ToLower"]);
}
