//! Functions on text, lists and conditions (`mapping.md 6.4 to 6.7 and 7`).

use std::collections::BTreeSet;

use scimulator::covers;
use scimulator::expression::{Environment, Random, Switches};
use serde_json::{Value as Json, json};

use super::{NOW, evaluate, fails, gives, parse, shown, source};

/// A table of expressions over one object.
#[track_caller]
fn all_give(attributes: &Json, table: &[(&str, Json)]) {
    for (text, wanted) in table {
        gives(text, attributes, wanted);
    }
}

#[test]
fn values_have_one_text_form_each() {
    all_give(
        &json!({ "list": ["a", "b"] }),
        &[
            (r#"Append(IsNull([x]), "")"#, json!("True")),
            (r#"Append(IsNull("x"), "")"#, json!("False")),
            (r#"Append(BitAnd(-1, -1), "")"#, json!("-1")),
            (r#"Append(Count([list]), "")"#, json!("2")),
            (r#"Append(CDate("2020-03-16T07:00:00.9"), "")"#, json!("3/16/2020 7:00:00 AM")),
            (r#"Left(CDate("2020-12-16T00:05:09"), 21)"#, json!("12/16/2020 12:05:09 A")),
        ],
    );
    covers!("M-100");
    for (text, name) in [
        ("[list]", "List"),
        ("\"a\"", "String"),
        ("1", "String"),
        ("BitAnd(1, 1)", "Integer"),
        ("IsNull([x])", "Boolean"),
        ("Now()", "DateTime"),
    ] {
        let outcome = evaluate(text, &json!({ "list": ["a"] })).unwrap();
        let scimulator::expression::Outcome::Value(value) = outcome else { panic!("{text} has no value") };
        assert_eq!(value.type_name(), name);
    }
}

#[test]
fn text_functions_treat_each_value_of_a_list() {
    let attributes = json!({ "l": ["Ab c", "Dé f"], "n": null });
    all_give(
        &attributes,
        &[
            (r#"Append([l], "!")"#, json!(["Ab c!", "Dé f!"])),
            ("ConvertToBase64([l])", json!(["QQBiACAAYwA=", "RADpACAAZgA="])),
            ("ConvertToUTF8Hex([l])", json!(["41622063", "44C3A92066"])),
            ("Left([l], 2)", json!(["Ab", "Dé"])),
            ("Mid([l], 2, 1)", json!(["b", "é"])),
            ("NormalizeDiacritics([l])", json!(["Ab c", "De f"])),
            ("PCase([l])", json!(["Ab C", "Dé F"])),
            (r#"Replace([l], " ", , , "_", , )"#, json!(["Ab_c", "Dé_f"])),
            (r#"Replace([l], , "[a-z]", , "-", , )"#, json!(["A- -", "Dé -"])),
            ("StripSpaces([l])", json!(["Abc", "Déf"])),
            ("ToLower([l])", json!(["ab c", "dé f"])),
            ("ToUpper([l])", json!(["AB C", "DÉ F"])),
            // All others take the first value.
            (r#"Word([l], 1, " ")"#, json!("Ab")),
            (r#"InStr([l], "c")"#, json!("4")),
            (r#"Switch([l], "d", "Ab c", "first")"#, json!("first")),
            (r#"Split([l], " ")"#, json!(["Ab", "c"])),
            ("CStr([l])", json!("Ab c")),
            (r#"IIF([l] = "Ab c", "yes", "no")"#, json!("yes")),
            (r#"Append("<", [l])"#, json!("<Ab c")),
        ],
    );
    covers!("M-101");
}

#[test]
fn integers_may_be_text_with_sign_and_blanks() {
    all_give(
        &json!({}),
        &[("Left(\"abcd\", \" +2 \")", json!("ab")), (r#"Mid("abcd", "2", "2")"#, json!("bc"))],
    );
    for number in ["", "two", "1.5", "1e3", "0x1", "--1", "9223372036854775808"] {
        fails(r#"Left("abc", [n])"#, &json!({ "n": number }), "is not an integer");
    }
    fails(r#"Left("abc", [n])"#, &json!({}), "a number was expected, but the value is null");
}

#[test]
fn branches_that_are_not_needed_are_not_evaluated() {
    all_give(
        &json!({ "a": "x" }),
        &[
            (r#"IIF([a] = "x", "ok", CDate("bad"))"#, json!("ok")),
            (r#"IIF([a] = "y", CDate("bad"), "ok")"#, json!("ok")),
            (r#"Switch([a], CDate("bad"), "x", "ok", CDate("bad"), "no")"#, json!("ok")),
            (r#"Switch([a], CDate("bad"), "z", CDate("bad"), "x", "ok")"#, json!("ok")),
            (r#"Coalesce([none], [a], CDate("bad"))"#, json!("x")),
        ],
    );
    covers!("M-103");
}

#[test]
fn a_comparison_with_a_null_or_empty_side_is_false() {
    for operator in ["=", "<>", "<", "<=", ">", ">="] {
        for (left, right) in [
            ("[none]", "\"a\""),
            ("\"a\"", "[none]"),
            ("\"\"", "\"\""),
            ("[none]", "[none]"),
            ("\"\"", "\"a\""),
        ] {
            gives(&format!("CBool({left} {operator} {right})"), &json!({}), &json!("False"));
        }
    }
    gives(r#"IIF([country]="","Other",[country])"#, &json!({}), &json!(null));
    covers!("M-104");
}

#[test]
fn numbers_compare_as_numbers_and_all_else_as_text() {
    for (left, operator, right, wanted) in [
        ("10", ">", "9", "True"),
        ("10", "=", "10.0", "True"),
        ("-1", "<", "0", "True"),
        ("-0", "=", "0", "True"),
        ("-2", "<", "-1.5", "True"),
        (" 7 ", "=", "+7", "True"),
        ("99999999999999999999", "<", "100000000000000000000", "True"),
        ("0.1", "<", "0.12", "True"),
        ("10", ">", "9a", "False"),
        ("a", "=", "A", "False"),
        ("Z", "<", "a", "True"),
        ("a", "<=", "ab", "True"),
        ("b", ">=", "a", "True"),
        ("a", "<>", "b", "True"),
        ("a", "<>", "a", "False"),
        ("True", "=", "true", "False"),
    ] {
        let attributes = json!({ "l": left, "r": right });
        gives(&format!("CBool([l] {operator} [r])"), &attributes, &json!(wanted));
    }
    covers!("M-105");
}

#[test]
fn the_is_functions_work_as_conditions_and_strict_settings_can_tell() {
    let text = r#"IIF(IsPresent([a]), Switch(IsNull([b]), "d", "True", "t"), IIF(Not([a]), "n", "m"))"#;
    gives(text, &json!({ "a": "x" }), &json!("t"));
    gives(text, &json!({ "a": "x", "b": "y" }), &json!("d"));
    gives(text, &json!({}), &json!("n"));
    let warnings = parse(text).unwrap().strict_warnings();
    let pointed: Vec<&str> =
        warnings.iter().map(|warning| &text[warning.start..][..warning.length]).collect();
    assert_eq!(pointed, ["IsPresent([a])", "IsNull([b])", "Not([a])"]);
    assert_eq!(warnings[0].message, "`IsPresent` is not supported as the first argument of `IIF`");
    assert_eq!(parse(r#"IIF([a] = "b", Not([c]), "")"#).unwrap().strict_warnings(), []);
    covers!("M-106");
}

#[test]
fn a_null_first_argument_is_null_error_or_a_value_by_function() {
    for text in [
        r#"Append([none], "a")"#,
        "ConvertToBase64([none])",
        "ConvertToUTF8Hex([none])",
        "CStr([none])",
        r#"FormatDateTime([none], , "yyyy", "yyyy")"#,
        "NormalizeDiacritics([none])",
        "NumFromDate([none])",
        "PCase([none])",
        "RemoveDuplicates([none])",
        r#"Replace([none], "a", , , "b", , )"#,
        r#"Replace([none], , "a", , "b", , )"#,
        r#"Replace([none], "<x>", , , , , "<x>")"#,
        r#"Split([none], ",")"#,
        "StripSpaces([none])",
        "ToLower([none])",
        "ToUpper([none])",
    ] {
        gives(text, &json!({}), &json!(null));
    }
    covers!("M-107");
    for (text, function) in [
        ("BitAnd([none], 1)", "BitAnd"),
        ("CDate([none])", "CDate"),
        (r"DateAdd([none], 1, Now())", "DateAdd"),
        (r#"DateAdd("d", 1, [none])"#, "DateAdd"),
        (r#"DateDiff("d", [none], Now())"#, "DateDiff"),
        (r#"DateDiff("d", Now(), [none])"#, "DateDiff"),
        ("DateFromNum([none])", "DateFromNum"),
        ("Item([none], 1)", "Item"),
    ] {
        fails(text, &json!({}), &format!("'{function}.'"));
    }
    covers!("M-108");
    all_give(
        &json!({}),
        &[
            ("Left([none], 3)", json!("")),
            (r#"Word([none], 1, " ")"#, json!("")),
            ("Mid([none], 1, 3)", json!("")),
            ("CBool([none])", json!("False")),
            ("IsString([none])", json!("False")),
            ("Count([none])", json!("0")),
            (r#"InStr([none], "a")"#, json!("0")),
        ],
    );
}

#[test]
fn an_empty_text_is_a_value() {
    all_give(
        &json!({ "e": "" }),
        &[
            (r#"Append([e], "a")"#, json!("a")),
            (r#"Coalesce([e], "x")"#, json!("")),
            ("IsNull([e])", json!("False")),
            ("IsString([e])", json!("True")),
            ("Count([e])", json!("1")),
            ("ToUpper([e])", json!("")),
        ],
    );
    fails("CDate([e])", &json!({ "e": "" }), "is not a date");
    covers!("M-109");
}

#[test]
fn positions_count_utf16_units() {
    all_give(
        &json!({ "x": "😀ab" }),
        &[
            ("Left([x], 2)", json!("😀")),
            ("Left([x], 3)", json!("😀a")),
            ("Mid([x], 3, 5)", json!("ab")),
            (r#"InStr([x], "b")"#, json!("4")),
        ],
    );
    covers!("M-122");
}

#[test]
fn an_error_names_the_innermost_function_and_stops_everything() {
    let error = evaluate(r#"Append("a", ToUpper(CDate("x")))"#, &json!({})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "An error occured while evaluating this function: 'CDate.' `x` is not a date"
    );
    assert_eq!(error.function, Some("CDate"));
    covers!("M-123");
}

#[test]
fn append_takes_a_null_suffix_as_empty() {
    all_give(
        &json!({ "a": "x" }),
        &[(r"Append([a], [none])", json!("x")), (r#"Append([a], "y")"#, json!("xy"))],
    );
    covers!("M-128");
}

#[test]
fn bit_and_works_on_64_bits() {
    all_give(
        &json!({ "uac": "514" }),
        &[
            ("BitAnd(&HF, &HF7)", json!("7")),
            ("BitAnd([uac], 2)", json!("2")),
            ("BitAnd(-1, 9223372036854775807)", json!("9223372036854775807")),
            ("BitAnd(&H8000000000000000, -1)", json!("-9223372036854775808")),
        ],
    );
    for text in [r#"BitAnd("x", 1)"#, r#"BitAnd(1, "")"#, r"BitAnd(1, [none])"] {
        fails(text, &json!({}), "'BitAnd.'");
    }
    covers!("M-129");
}

#[test]
fn c_bool_reads_comparisons_numbers_and_words() {
    for (value, wanted) in [
        ("1", "True"),
        ("-3", "True"),
        ("0.5", "True"),
        ("0", "False"),
        ("0.00", "False"),
        ("TRUE", "True"),
        ("true", "True"),
        ("False", "False"),
        ("", "False"),
    ] {
        gives("CBool([x])", &json!({ "x": value }), &json!(wanted));
    }
    gives("CBool([x])", &json!({}), &json!("False"));
    gives(r#"CBool([x] = "a")"#, &json!({ "x": "a" }), &json!("True"));
    gives("CBool(IsNull([x]))", &json!({}), &json!("True"));
    fails("CBool([x])", &json!({ "x": "yes" }), "`yes` is neither true nor false");
    covers!("M-130");
}

#[test]
fn coalesce_takes_the_first_that_is_not_null() {
    all_give(
        &json!({ "e": "", "b": "B", "l": [] }),
        &[
            ("Coalesce([a], [b])", json!("B")),
            ("Coalesce([a], [e], [b])", json!("")),
            ("Coalesce([a], [l], [b])", json!([])),
            ("Coalesce([a], [c])", json!(null)),
            ("Coalesce([b])", json!("B")),
        ],
    );
    covers!("M-132");
}

#[test]
fn encodings_are_utf16_in_base64_and_utf8_in_hexadecimal() {
    // Bytes by RFC 4648 and the Unicode standard.
    all_give(
        &json!({ "x": "😀" }),
        &[
            (r#"ConvertToBase64("Hello world!")"#, json!("SABlAGwAbABvACAAdwBvAHIAbABkACEA")),
            (r#"ConvertToBase64("A")"#, json!("QQA=")),
            (r#"ConvertToBase64("AB")"#, json!("QQBCAA==")),
            (r#"ConvertToBase64("ABC")"#, json!("QQBCAEMA")),
            ("ConvertToBase64([x])", json!("PdgA3g==")),
            (r#"ConvertToBase64("")"#, json!("")),
        ],
    );
    covers!("M-133");
    all_give(
        &json!({ "x": "😀" }),
        &[("ConvertToUTF8Hex([x])", json!("F09F9880")), (r#"ConvertToUTF8Hex("jk~")"#, json!("6A6B7E"))],
    );
    covers!("M-134");
}

#[test]
fn counting_and_picking_from_lists() {
    let attributes = json!({ "l": ["a", "b", "a", "A"], "one": "x", "none": null, "empty": [] });
    all_give(
        &attributes,
        &[
            ("Count([l])", json!("4")),
            ("Count([one])", json!("1")),
            ("Count([none])", json!("0")),
            ("Count([empty])", json!("0")),
        ],
    );
    covers!("M-135");
    all_give(&attributes, &[("Item([l], 2)", json!("b")), ("Item([one], 1)", json!("x"))]);
    for index in ["0", "5", "-1", "9223372036854775807", "-9223372036854775808"] {
        fails(&format!("Item([l], {index})"), &attributes, &format!("the index {index} is outside 1 to 4"));
    }
    fails("Item([empty], 1)", &attributes, "outside 1 to 0");
    covers!("M-152");
    gives("RemoveDuplicates([l])", &attributes, &json!(["a", "b", "A"]));
    gives("RemoveDuplicates([one])", &attributes, &json!("x"));
    covers!("M-166");
}

#[test]
fn c_str_passes_text_through() {
    all_give(
        &json!({ "dn": "cn=Joe" }),
        &[
            ("CStr([dn])", json!("cn=Joe")),
            ("CStr(BitAnd(6, 3))", json!("2")),
            ("CStr(IsNull([x]))", json!("True")),
        ],
    );
    covers!("M-136");
}

#[test]
fn a_guid_is_version_4_lower_case_and_new_each_time() {
    let pattern =
        fancy_regex::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
            .unwrap();
    let pair = shown(evaluate(r#"Join(" ", Guid(), Guid())"#, &json!({})));
    let guids: BTreeSet<&str> = pair.as_str().unwrap().split(' ').collect();
    assert_eq!(guids.len(), 2);
    assert!(guids.iter().all(|guid| pattern.is_match(guid).unwrap()), "{guids:?}");
    covers!("M-145");
}

#[test]
fn ignoring_a_flow_passes_up_through_choices_only() {
    let ignored = json!({ "ignore": "attribute" });
    for attributes in [json!({}), json!({ "x": "" }), json!({ "x": [] })] {
        gives("IgnoreFlowIfNullOrEmpty([x])", &attributes, &ignored);
    }
    gives("IgnoreFlowIfNullOrEmpty([x])", &json!({ "x": " " }), &json!(" "));
    gives("IgnoreFlowIfNullOrEmpty([x])", &json!({ "x": ["a"] }), &json!(["a"]));
    covers!("M-146");
    for text in [
        r#"IIF("1" = "1", IgnoreFlowIfNullOrEmpty([x]), "b")"#,
        r#"Switch("k", "d", "k", IgnoreFlowIfNullOrEmpty([x]))"#,
        r#"Switch("k", IgnoreFlowIfNullOrEmpty([x]), "l", "v")"#,
        r#"Coalesce([x], IgnoreFlowIfNullOrEmpty([x]), "c")"#,
        r#"IIF("1" = "1", IIF("1" = "2", "a", IgnoreFlowIfNullOrEmpty([x])), "b")"#,
    ] {
        gives(text, &json!({}), &ignored);
    }
    for text in [
        r#"Append(IgnoreFlowIfNullOrEmpty([x]), "a")"#,
        r#"ToLower(IIF("1" = "1", IgnoreAttributeFlow, "b"))"#,
        r#"IIF(IgnoreFlowIfNullOrEmpty([x]), "a", "b")"#,
        r#"Switch(IgnoreFlowIfNullOrEmpty([x]), "d", "k", "v")"#,
        "Redact(IgnoreFlowIfNullOrEmpty([x]))",
    ] {
        fails(text, &json!({}), "an ignore mark may pass through");
    }
    covers!("M-147");
    gives(r#"IIF([x] = "a", "a", IgnoreAttributeFlow)"#, &json!({}), &ignored);
    gives(r#"IIF([x] = "a", "a", IgnoreObjectFlow)"#, &json!({}), &json!({ "ignore": "object" }));
    assert!(parse(r#"IIF([x] = "a", IgnoreAttributeFlow)"#).is_err());
    covers!("M-148");
}

#[test]
fn in_str_counts_from_one() {
    all_give(
        &json!({ "x": "repEated" }),
        &[
            (r#"InStr([x], "e")"#, json!("2")),
            (r#"InStr([x], "e", 3)"#, json!("7")),
            (r#"InStr([x], "e", 3, vbBinaryCompare)"#, json!("7")),
            (r#"InStr([x], "e", 3, vbTextCompare)"#, json!("4")),
            (r#"InStr([x], "E", , vbTextCompare)"#, json!("2")),
            (r#"InStr([x], "z")"#, json!("0")),
            (r#"InStr([x], "d", 8)"#, json!("8")),
            (r#"InStr([x], "d", 9)"#, json!("0")),
            (r#"InStr([x], "d", 9223372036854775807)"#, json!("0")),
            (r#"InStr([none], "d")"#, json!("0")),
            (r"InStr([x], [none])", json!("0")),
        ],
    );
    for start in ["0", "-1", "-9223372036854775808"] {
        fails(&format!(r#"InStr("abc", "a", {start})"#), &json!({}), "is below 1");
    }
    covers!("M-149");
}

#[test]
fn is_functions_tell_null_from_empty() {
    for (value, is_null, is_empty) in [
        (json!(null), "True", "True"),
        (json!(""), "False", "True"),
        (json!([]), "False", "True"),
        (json!(" "), "False", "False"),
        (json!("x"), "False", "False"),
        (json!([""]), "False", "False"),
    ] {
        let attributes = json!({ "x": value });
        gives("IsNull([x])", &attributes, &json!(is_null));
        gives("IsNullOrEmpty([x])", &attributes, &json!(is_empty));
        gives("IsPresent([x])", &attributes, &json!(if is_empty == "True" { "False" } else { "True" }));
        gives("IsString([x])", &attributes, &json!(if is_null == "True" { "False" } else { "True" }));
    }
    covers!("M-150", "M-151");
}

#[test]
fn join_skips_null_and_empty_with_their_separators() {
    all_give(
        &json!({ "a": "A", "e": "", "l": ["1", "", "2"], "el": [] }),
        &[
            (r#"Join(", ", [e], [a], [none], "B", [e])"#, json!("A, B")),
            (r#"Join("-", [a], [l], [el], "z")"#, json!("A-1-2-z")),
            (r#"Join([none], [a], "B")"#, json!("AB")),
            (r#"Join("", 1000, [a])"#, json!("1000A")),
        ],
    );
    covers!("M-153");
    all_give(&json!({ "e": "", "el": [] }), &[(r#"Join(" ", [none], [e], [el])"#, json!(null))]);
    covers!("M-154");
}

#[test]
fn left_and_mid_cut_at_the_ends() {
    all_give(
        &json!({ "x": "John Doe" }),
        &[
            ("Left([x], 3)", json!("Joh")),
            ("Left([x], 0)", json!("")),
            ("Left([x], -1)", json!("John Doe")),
            ("Left([x], 99)", json!("John Doe")),
            ("Left([none], -1)", json!("")),
        ],
    );
    covers!("M-155");
    all_give(
        &json!({ "x": "abc" }),
        &[
            ("Mid([x], 2, 1)", json!("b")),
            ("Mid([x], 2, 99)", json!("bc")),
            ("Mid([x], 1, 0)", json!("")),
            ("Mid([x], 4, 1)", json!("")),
            ("Mid([x], 9223372036854775807, 9223372036854775807)", json!("")),
            ("Mid([none], 1, 1)", json!("")),
        ],
    );
    fails("Mid([x], 0, 1)", &json!({ "x": "abc" }), "the start 0 is below 1");
    fails("Mid([x], 1, -1)", &json!({ "x": "abc" }), "the length -1 is negative");
    covers!("M-156");
}

#[test]
fn not_is_false_for_true_only() {
    for value in ["True", "true", "TRUE"] {
        gives("Not([x])", &json!({ "x": value }), &json!("False"));
    }
    for value in [json!("False"), json!("1"), json!(""), json!(" True"), json!(null)] {
        gives("Not([x])", &json!({ "x": value }), &json!("True"));
    }
    gives("Not(IsNull([x]))", &json!({}), &json!("False"));
    covers!("M-159");
}

#[test]
fn now_stands_still_within_an_evaluation_and_follows_its_clock() {
    gives(r#"DateDiff("s", Now(), Now())"#, &json!({}), &json!("0"));
    let expression = parse("Now()").unwrap();
    let switches = Switches::default();
    for (now, wanted) in [(NOW, "7/30/2025 12:00:00 AM"), ("2021-07-02T15:33:38.9Z", "7/2/2021 3:33:38 PM")] {
        let mut environment = Environment::new(now.parse().unwrap(), Random::seeded(1), &switches);
        assert_eq!(shown(expression.evaluate(&source(&json!({})), &mut environment)), json!(wanted));
    }
    covers!("M-160");
}

#[test]
fn p_case_raises_after_the_separators_given_and_no_others() {
    all_give(
        &json!({ "x": "ANNA-MARIA o'neill 3RD" }),
        &[
            (r#"PCase([x], " ")"#, json!("Anna-maria O'neill 3rd")),
            (r#"PCase([x], "-'")"#, json!("Anna-Maria o'Neill 3rd")),
            (r#"PCase([x], "")"#, json!("Anna-maria o'neill 3rd")),
        ],
    );
    covers!("M-162");
    gives("PCase([x])", &json!({ "x": "ANNA-MARIA o'neill 3RD" }), &json!("Anna-Maria O'neill 3Rd"));
    covers!("M-164");
}

#[test]
fn redact_marks_the_value_for_the_logs() {
    let switches = Switches::default();
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
    let attributes = source(&json!({ "x": "secret" }));
    let outcome = parse(r#"Append(Redact([x]), "!")"#).unwrap().evaluate(&attributes, &mut environment);
    assert_eq!(shown(outcome), json!("secret!"));
    assert!(environment.redacted);
    // The mark belongs to one evaluation.
    parse("[x]").unwrap().evaluate(&attributes, &mut environment).unwrap();
    assert!(!environment.redacted);
    gives("Redact([x])", &json!({ "x": ["a"] }), &json!(["a"]));
    covers!("M-165");
}

#[test]
fn select_unique_value_takes_the_first_that_is_free() {
    let expression = parse(r#"SelectUniqueValue([none], "", [a], Append([a], "1"), CDate("bad"))"#).unwrap();
    let attributes = source(&json!({ "a": "Jo" }));
    let switches = Switches::default();
    let outcome_with = |taken: &[&str]| {
        let taken: BTreeSet<String> = taken.iter().map(|value| (*value).to_owned()).collect();
        let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
        environment.target_values = &taken;
        shown(expression.evaluate(&attributes, &mut environment))
    };
    assert_eq!(outcome_with(&[]), json!("Jo"));
    assert_eq!(outcome_with(&["jo"]), json!("Jo"));
    assert_eq!(outcome_with(&["Jo"]), json!("Jo1"));
    assert!(outcome_with(&["Jo", "Jo1"]).is_object());
    let both_taken = parse(r"SelectUniqueValue([a], [a])").unwrap();
    let taken = BTreeSet::from(["Jo".to_owned()]);
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
    environment.target_values = &taken;
    let error = both_taken.evaluate(&attributes, &mut environment).unwrap_err();
    assert_eq!(error.detail, "every candidate value is present in the target already");
}

#[test]
fn split_takes_the_delimiter_whole_and_trims() {
    all_give(
        &json!({ "x": " a ;; b;c ", "y": "a::b:c" }),
        &[
            (r#"Split([x], ";")"#, json!(["a", "b", "c"])),
            (r#"Split([y], "::")"#, json!(["a", "b:c"])),
            (r#"Split([y], "-")"#, json!(["a::b:c"])),
            (r#"Split(";", ";")"#, json!([])),
        ],
    );
    fails(r#"Split("a", "")"#, &json!({}), "the delimiter is empty");
    fails(r#"Split("a", [none])"#, &json!({}), "the delimiter is empty");
    covers!("M-173");
}

#[test]
fn strip_spaces_removes_u_0020_only() {
    gives("StripSpaces([x])", &json!({ "x": " a\tb\u{a0}c " }), &json!("a\tb\u{a0}c"));
    covers!("M-174");
}

#[test]
fn switch_takes_the_first_equal_key() {
    all_give(
        &json!({ "a": "x", "e": "" }),
        &[
            (r#"Switch([a], "d", "X", "1", "x", "2", "x", "3")"#, json!("2")),
            (r#"Switch([none], "d", "", "empty")"#, json!("empty")),
            (r#"Switch([e], "d", [none], "null")"#, json!("null")),
            (r#"Switch([a], "d", "y", "1")"#, json!("d")),
            (r#"Switch([a], , "y", "1")"#, json!(null)),
            (r#"Switch([a], "d", [a], [none])"#, json!(null)),
        ],
    );
    covers!("M-175");
    let expression = parse(r#"Switch([manager], Switch([b], , "k", "v"), Append([c], ""), "x")"#).unwrap();
    assert_eq!(expression.switch_source_attributes(), ["manager", "b"]);
}

#[test]
fn case_changes_character_by_character() {
    all_give(
        &json!({ "s": "straße", "i": "Iıİi", "o": "ΟΔΟΣ" }),
        &[
            ("ToUpper([s])", json!("STRAßE")),
            ("ToLower([o])", json!("οδοσ")),
            (r#"ToLower([i], "tr-TR")"#, json!("ııii")),
            (r#"ToUpper([i], "az")"#, json!("IIİİ")),
            (r#"ToLower([s], "de-DE")"#, json!("straße")),
            (r"ToLower([s], [none])", json!("straße")),
            (r#"ToUpper([s], "az-Latn-AZ")"#, json!("STRAßE")),
        ],
    );
    for culture in ["x", "tr_TR", "123", "en-", "en-toolongsubtag", "-en"] {
        fails("ToUpper([s], [c])", &json!({ "s": "a", "c": culture }), "is not a well-formed culture name");
    }
    covers!("M-177");
}

#[test]
fn word_counts_between_any_of_the_delimiters() {
    all_give(
        &json!({ "x": "The, quick!brown" }),
        &[
            (r#"Word([x], 2, ", !")"#, json!("quick")),
            (r#"Word([x], 0, ", !")"#, json!("")),
            (r#"Word([x], -1, ", !")"#, json!("")),
            (r#"Word([x], 4, ", !")"#, json!("")),
            (r#"Word([none], 1, " ")"#, json!("")),
        ],
    );
    covers!("M-178");
    all_give(
        &json!({ "x": "a,;,b" }),
        &[
            (r#"Word([x], 2, ",;")"#, json!("b")),
            (r#"Word([x], 1, "-")"#, json!("a,;,b")),
            (r#"Word([x], 1, "")"#, json!("a,;,b")),
            (r#"Word([x], 2, "-")"#, json!("")),
        ],
    );
    covers!("M-179");
}
