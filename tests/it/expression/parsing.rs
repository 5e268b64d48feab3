//! Grammar, lexical rules, static checks and the places of mistakes (`mapping.md 6.1 to 6.3`).

use scimulator::covers;
use scimulator::expression::{Expression, ParseOptions, catalogue};
use serde_json::json;

use super::{gives, parse};

/// Asserts the mistakes of `text`: part of each message and the part of the text that it points at.
#[track_caller]
fn mistakes(text: &str, wanted: &[(&str, &str)]) {
    let errors = parse(text).expect_err(text);
    let pointed: Vec<(String, String)> = errors
        .iter()
        .map(|error| (error.message.clone(), text.chars().skip(error.start).take(error.length).collect()))
        .collect();
    assert_eq!(pointed.len(), wanted.len(), "{text}: {pointed:?}");
    for ((message, at), (wanted_message, wanted_at)) in pointed.iter().zip(wanted) {
        assert!(message.contains(wanted_message), "{text}: {message}");
        assert_eq!(at, wanted_at, "{text}: {message}");
    }
}

#[test]
fn an_attribute_or_a_text_alone_is_an_expression() {
    gives("[mail]", &json!({ "mail": "a@x.com" }), &json!("a@x.com"));
    gives(r#" "Contoso" "#, &json!({}), &json!("Contoso"));
    gives(
        r#"[emails[type eq "work"].value]"#,
        &json!({ "emails[type eq \"work\"].value": "w" }),
        &json!("w"),
    );
    covers!("M-087");
}

#[test]
fn empty_parentheses_hold_no_argument() {
    gives("Now( )", &json!({}), &json!("7/30/2025 12:00:00 AM"));
    mistakes("ToLower()", &[("at least 1 argument, not 0", "ToLower")]);
    covers!("M-088");
}

#[test]
fn names_and_words_are_case_sensitive() {
    mistakes(r#"append([x], "y")"#, &[("unknown function `append`; did you mean `Append`?", "append")]);
    mistakes(r#"InStr("a", "b", 1, VBTextCompare)"#, &[("`VBTextCompare` is no value", "VBTextCompare")]);
    covers!("M-089");
    let any_case = ParseOptions { any_function_case: true, ..ParseOptions::default() };
    let expression = Expression::parse(r#"append([x], "y")"#, &any_case).unwrap();
    assert_eq!(expression.canonical(), r#"Append([x], "y")"#);
}

#[test]
fn white_space_may_stand_between_any_two_tokens() {
    gives("\tIIF \r\n ( [a]\n=\n\"x\" , \"yes\"\t,\t\"no\" ) \n", &json!({ "a": "x" }), &json!("yes"));
    covers!("M-090");
}

#[test]
fn only_backslash_and_quotation_mark_are_escaped() {
    for (text, wanted) in [
        (r#""a\\b""#, r"a\b"),
        (r#""say \"hi\"""#, r#"say "hi""#),
        (r#""[(,)] it's""#, "[(,)] it's"),
        (r#""\\\\""#, r"\\"),
    ] {
        gives(text, &json!({}), &json!(wanted));
    }
    covers!("M-091");
    gives(r#""a\nb\d\+""#, &json!({}), &json!(r"a\nb\d\+"));
    covers!("M-092");
    let dropping = ParseOptions { drop_lone_backslash: true, ..ParseOptions::default() };
    assert_eq!(Expression::parse(r#""\d\\""#, &dropping).unwrap().canonical(), r#""d\\""#);
}

#[test]
fn a_bare_number_equals_its_quoted_text() {
    for (text, wanted) in [
        ("12", "12"),
        ("-3", "-3"),
        ("1.50", "1.50"),
        ("&HF", "15"),
        ("&Hff", "255"),
        ("&HFFFFFFFFFFFFFFFF", "-1"),
        ("007", "007"),
    ] {
        gives(text, &json!({}), &json!(wanted));
    }
    covers!("M-093");
    mistakes("&HX", &[("1 to 16 hexadecimal digits", "&H"), ("unexpected text", "X")]);
    mistakes("&H10000000000000000", &[("1 to 16 hexadecimal digits", "&H10000000000000000")]);
}

#[test]
fn what_belongs_to_other_products_is_refused() {
    for text in [r#"[a] & "b""#, "%username%", "$item", "True", "NULL", r"'text'", "[a] + 1"] {
        parse(text).expect_err(text);
    }
    covers!("M-095");
}

#[test]
fn each_static_mistake_is_pointed_at() {
    mistakes(r#"Appendix([x], "y")"#, &[("unknown function `Appendix`; did you mean `Append`?", "Appendix")]);
    mistakes("Append([x])", &[("`Append` takes at least 2 arguments, not 1", "Append")]);
    mistakes(r#"Append([x], "y", "z")"#, &[("`Append` takes 2 arguments, not 3", "Append")]);
    mistakes(r#"Append(, "y")"#, &[("needs its argument 1 (`source`)", "Append")]);
    mistakes(r#"Append([x], "y)"#, &[("no closing quotation mark", "\"y)")]);
    mistakes("Append([x, 1)", &[("no closing bracket", "[x, 1)")]);
    mistakes(r#"Append([x], "y""#, &[("expected `)` to close `Append(`", "")]);
    mistakes(r#"Append([x], "y") z"#, &[("unexpected text after the end", "z")]);
    mistakes("[a][b]", &[("unexpected text after the end", "[b]")]);
    mistakes("", &[("the expression is empty", "")]);
    mistakes("[]", &[("the attribute has no name", "[]")]);
    mistakes(")", &[("expected a function", ")")]);
    mistakes("Append([x], y)", &[("`y` is no value; write `[y]` for an attribute", "y")]);
    mistakes("IgnoreAttributeFlow", &[("`IgnoreAttributeFlow` is no value", "IgnoreAttributeFlow")]);
    covers!("M-096");
}

#[test]
fn every_mistake_is_found_at_once() {
    mistakes(
        r#"Join("é", appendix([a]), Left([b]), Mid(c, 1, 2) Left)"#,
        &[
            ("unknown function `appendix`", "appendix"),
            ("at least 2 arguments", "Left"),
            ("`c` is no value", "c"),
            ("expected `,` or `)`", "Left"),
        ],
    );
}

#[test]
fn a_mistake_reads_with_its_character_counted_from_one() {
    let errors = parse("Append([x], y)").unwrap_err();
    let text = "the expression is not valid at character 13: `y` is no value; write `[y]` for an attribute, `\"y\"` for a text";
    assert_eq!(errors[0].to_string(), text);
}

#[test]
fn a_comparison_is_the_first_argument_of_iif_or_cbool() {
    for text in [
        r#"[a] = "b""#,
        r#"Append([a] = "b", "c")"#,
        r#"IIF([a], [b] = "c", "d")"#,
        r#"Switch([a] = "b", , "True", "x")"#,
    ] {
        let errors = parse(text).expect_err(text);
        assert!(errors[0].message.contains("a comparison may stand only as first argument"), "{errors:?}");
    }
    mistakes(r#"IIF([a] = "b" = "c", "d", "e")"#, &[("expected `,` or `)`", "=")]);
    mistakes(r#"IIF([a] = "b" AND [c] = "d", "e", "f")"#, &[("expected `,` or `)`", "AND")]);
    covers!("M-097");
}

#[test]
fn an_attribute_that_the_source_does_not_define_is_a_mistake_when_that_is_known() {
    let known = |name: &str| name == "mail";
    let options = ParseOptions { known_attributes: Some(&known), ..ParseOptions::default() };
    Expression::parse("[mail]", &options).unwrap();
    let errors = Expression::parse("Append([Mail], [nick])", &options).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        ["the source object has no attribute `Mail`", "the source object has no attribute `nick`"]
    );
    assert_eq!((errors[1].start, errors[1].length), (15, 6));
    gives("[Mail]", &json!({ "mail": "x" }), &json!(null));
    covers!("M-098");
}

#[test]
fn omitted_trailing_arguments_may_be_dropped_or_exceed_the_last() {
    for text in [
        r#"Replace([x], "a", , ,"b")"#,
        r#"Replace([x], "a", , , "b", , )"#,
        r#"Replace([x], "a", , , "b", , , , , )"#,
    ] {
        gives(text, &json!({ "x": "banana" }), &json!("bbnbnb"));
    }
    gives("ToLower([x], )", &json!({ "x": "A" }), &json!("a"));
    gives(r#"InStr("ABC", "b", , vbTextCompare)"#, &json!({}), &json!("2"));
    gives(r"Coalesce([x], )", &json!({ "x": "A" }), &json!("A"));
    covers!("M-099");
    mistakes(r#"Join(" ", [a], , [b])"#, &[("needs its argument 3 (`source`)", "Join")]);
}

#[test]
fn switch_takes_pairs_and_an_omitted_default() {
    mistakes(r#"Switch([a], "d", "x")"#, &[("in pairs after its first two arguments, not 3", "Switch")]);
    mistakes(r#"Switch([a], "d")"#, &[("at least 4 arguments", "Switch")]);
    mistakes(r#"Switch([a], "d", "k", "v", "k2")"#, &[("in pairs", "Switch")]);
    mistakes(r#"Switch([a], "d", "k", )"#, &[("needs its argument 4 (`switchValue`)", "Switch")]);
    gives(r#"Switch([a], , "k", "v")"#, &json!({ "a": "other" }), &json!(null));
    covers!("M-176");
}

#[test]
fn select_unique_value_stands_at_the_top_with_two_rules_or_more() {
    mistakes(
        "ToLower(SelectUniqueValue([a], [b]))",
        &[("may not stand inside another function", "SelectUniqueValue")],
    );
    mistakes("SelectUniqueValue([a])", &[("at least 2 arguments", "SelectUniqueValue")]);
    covers!("M-171");
}

#[test]
fn iif_needs_both_branches() {
    mistakes(r#"IIF([a] = "b", "c")"#, &[("at least 3 arguments", "IIF")]);
    mistakes(r#"IIF([a] = "b", "c", )"#, &[("needs its argument 3 (`valueIfFalse`)", "IIF")]);
}

#[test]
fn the_language_has_exactly_these_44_functions() {
    let names: Vec<&str> =
        catalogue().iter().filter(|function| !function.adjacent).map(|function| function.name).collect();
    let wanted = "Append AppRoleAssignmentsComplex AssertiveAppRoleAssignmentsComplex BitAnd CBool CDate Coalesce \
        ConvertToBase64 ConvertToUTF8Hex Count CStr DateAdd DateDiff DateFromNum FormatDateTime Guid \
        IgnoreFlowIfNullOrEmpty IIF InStr IsNull IsNullOrEmpty IsPresent IsString Item Join Left Mid \
        NormalizeDiacritics Not Now NumFromDate PCase RandomString Redact RemoveDuplicates Replace SelectUniqueValue \
        SingleAppRoleAssignment Split StripSpaces Switch ToLower ToUpper Word";
    assert_eq!(names, wanted.split_whitespace().collect::<Vec<_>>());
    assert_eq!(names.len(), 44);
    covers!("M-127");
}

#[test]
fn adjacent_functions_are_unknown_unless_asked_for() {
    let adjacent: Vec<&str> =
        catalogue().iter().filter(|function| function.adjacent).map(|function| function.name).collect();
    let wanted = "AppRoleAssignments ConvertFromBase64 DefaultDomain DNComponent Error IsNothing Prepend StringFromSid Trim";
    assert_eq!(adjacent, wanted.split_whitespace().collect::<Vec<_>>());
    mistakes("Trim([x])", &[("unknown function `Trim`", "Trim")]);
    let asked = ParseOptions { adjacent_functions: true, ..ParseOptions::default() };
    Expression::parse("Trim([x])", &asked).unwrap();
    covers!("M-180");
}
