//! The open questions of `mapping.md 11`: what each switch changes. The defaults are what every other test sees.

use jiff::tz::Offset;
use scimulator::covers;
use scimulator::expression::{
    DateDifference, GroupReplacement, MidRange, NullArguments, NullComparison, RandomImpossible,
    ReplaceOrder, RoleNone, RoleSeveral, RoleText, Switches,
};
use serde_json::{Value as Json, json};

use super::{evaluate, evaluate_with, shown};

/// Asserts what `text` gives by default and with the switches that `change` sets.
#[track_caller]
fn choice(text: &str, attributes: &Json, default: &Json, change: impl FnOnce(&mut Switches), changed: &Json) {
    assert_eq!(shown(evaluate(text, attributes)), *default, "{text} by default");
    let mut switches = Switches::default();
    change(&mut switches);
    assert_eq!(shown(evaluate_with(text, attributes, &switches)), *changed, "{text} with the switch");
}

fn error(function: &str, detail: &str) -> Json {
    json!({ "error": format!("An error occured while evaluating this function: '{function}.' {detail}") })
}

#[test]
fn oq_1_null_arguments() {
    let empty = |switches: &mut Switches| switches.null_arguments = NullArguments::EmptyText;
    choice(r#"Append([none], "a")"#, &json!({}), &json!(null), empty, &json!("a"));
    choice("ToUpper([none])", &json!({}), &json!(null), empty, &json!(""));
    choice("Count([none])", &json!({}), &json!("0"), empty, &json!("1"));
    // Documented behaviour stays.
    choice("IsNull([none])", &json!({}), &json!("True"), empty, &json!("True"));
    choice(r#"Coalesce([none], "b")"#, &json!({}), &json!("b"), empty, &json!("b"));
}

#[test]
fn oq_2_join_of_nothing() {
    choice(r#"Join(" ", [a], [b])"#, &json!({}), &json!(null), |s| s.join_empty_text = true, &json!(""));
}

#[test]
fn oq_3_mid_out_of_range() {
    let whole = |switches: &mut Switches| switches.mid_range = MidRange::WholeText;
    let abc = json!({ "x": "abc" });
    choice("Mid([x], 4, 1)", &abc, &json!(""), whole, &json!("abc"));
    choice("Mid([x], 0, 1)", &abc, &error("Mid", "the start 0 is below 1"), whole, &json!("abc"));
    choice("Mid([x], 1, -1)", &abc, &error("Mid", "the length -1 is negative"), whole, &json!("abc"));
    choice("Mid([x], 2, 1)", &abc, &json!("b"), whole, &json!("b"));
}

#[test]
fn oq_4_coalesce_over_empty() {
    let attributes = json!({ "e": "", "l": [], "b": "B" });
    choice(
        "Coalesce([e], [l], [b])",
        &attributes,
        &json!(""),
        |s| s.coalesce_skips_empty = true,
        &json!("B"),
    );
}

#[test]
fn oq_5_comparisons_with_null() {
    let text = |switches: &mut Switches| switches.null_comparison = NullComparison::EmptyText;
    choice(r#"CBool([none] = "")"#, &json!({}), &json!("False"), text, &json!("True"));
    choice(r#"CBool([none] <> "a")"#, &json!({}), &json!("False"), text, &json!("True"));
    choice(r#"CBool("a" > [none])"#, &json!({}), &json!("False"), text, &json!("True"));
}

#[test]
fn oq_6_eager_evaluation() {
    let eager = |switches: &mut Switches| switches.lazy_evaluation = false;
    let bad = error("CDate", "`bad` is not a date");
    for text in [
        r#"IIF("1" = "1", "ok", CDate("bad"))"#,
        r#"Switch("k", CDate("bad"), "k", "ok")"#,
        r#"Coalesce("ok", CDate("bad"))"#,
    ] {
        choice(text, &json!({}), &json!("ok"), eager, &bad);
    }
    choice(r#"IIF("1" = "1", "ok", "no")"#, &json!({}), &json!("ok"), eager, &json!("ok"));
}

#[test]
fn oq_8_split_verbatim() {
    let attributes = json!({ "x": "a, ,b" });
    choice(
        r#"Split([x], ",")"#,
        &attributes,
        &json!(["a", "b"]),
        |s| s.split_trims = false,
        &json!(["a", " ", "b"]),
    );
}

#[test]
fn oq_9_dates_as_text() {
    let text = |switches: &mut Switches| switches.typed_dates = false;
    let mismatch =
        error("FormatDateTime", "`1/31/2024 12:00:00 AM` does not match the date format `yyyy-MM-dd`");
    choice(
        r#"FormatDateTime(CDate("2024-01-31"), , "yyyy-MM-dd", "yyyyMMdd")"#,
        &json!({}),
        &json!("20240131"),
        text,
        &mismatch,
    );
    let right = r#"FormatDateTime(CDate("2024-01-31"), , "M/d/yyyy h:mm:ss tt", "yyyyMMdd")"#;
    choice(right, &json!({}), &json!("20240131"), text, &json!("20240131"));
    choice(
        r#"DateAdd("d", 1, CDate("2024-01-31"))"#,
        &json!({}),
        &json!("2/1/2024 12:00:00 AM"),
        text,
        &json!("2/1/2024 12:00:00 AM"),
    );
}

#[test]
fn oq_10_and_11_the_zone_of_the_service() {
    let berlin = |switches: &mut Switches| switches.service_time_zone = Offset::constant(2);
    let format =
        r#"FormatDateTime("2024-06-30T23:30+00:00", , "yyyy-MM-ddTHH:mmzzz", "yyyy-MM-dd HH:mmzzz")"#;
    choice(format, &json!({}), &json!("2024-06-30 23:30+00:00"), berlin, &json!("2024-07-01 01:30+02:00"));
    // Wall-clock time without an offset, and UTC, stay.
    let naive = r#"FormatDateTime("2024-06-30 23:30", , "yyyy-MM-dd HH:mm", "HH:mm")"#;
    choice(naive, &json!({}), &json!("23:30"), berlin, &json!("23:30"));
    let local = |switches: &mut Switches| {
        switches.service_time_zone = Offset::constant(2);
        switches.naive_dates_local = true;
    };
    choice(
        r#"CDate("2024-06-30 23:30")"#,
        &json!({}),
        &json!("6/30/2024 11:30:00 PM"),
        berlin,
        &json!("6/30/2024 11:30:00 PM"),
    );
    choice(
        r#"CDate("2024-06-30 23:30")"#,
        &json!({}),
        &json!("6/30/2024 11:30:00 PM"),
        local,
        &json!("6/30/2024 9:30:00 PM"),
    );
    choice(
        r#"CDate("2024-06-30 23:30Z")"#,
        &json!({}),
        &json!("6/30/2024 11:30:00 PM"),
        local,
        &json!("6/30/2024 11:30:00 PM"),
    );
}

#[test]
fn oq_12_date_text_as_argument() {
    let refused = error("DateAdd", "a date was expected; turn text into one with `CDate`");
    let no_text = |switches: &mut Switches| switches.date_text_arguments = false;
    choice(r#"DateAdd("d", 1, "2024-01-31")"#, &json!({}), &json!("2/1/2024 12:00:00 AM"), no_text, &refused);
    choice(
        r#"DateAdd("d", 1, CDate("2024-01-31"))"#,
        &json!({}),
        &json!("2/1/2024 12:00:00 AM"),
        no_text,
        &json!("2/1/2024 12:00:00 AM"),
    );
}

#[test]
fn oq_13_date_difference_by_boundaries() {
    let boundaries = |switches: &mut Switches| switches.date_difference = DateDifference::Boundaries;
    for (interval, first, second, elapsed, crossed) in [
        ("d", "2024-01-01T23:59", "2024-01-02T00:01", "0", "1"),
        ("d", "2024-01-02T00:01", "2024-01-01T23:59", "0", "-1"),
        ("h", "2024-01-01T10:59", "2024-01-01T11:00", "0", "1"),
        ("n", "2024-01-01T10:00:00", "2024-01-01T10:00:59", "0", "0"),
    ] {
        let attributes = json!({ "i": interval, "a": first, "b": second });
        choice(
            "DateDiff([i], CDate([a]), CDate([b]))",
            &attributes,
            &json!(elapsed),
            boundaries,
            &json!(crossed),
        );
    }
}

#[test]
fn oq_14_minima_above_the_length() {
    let text = r#"Count(Split(Replace(RandomString(1, 2, 0, 2, 0), , "(.)", , "$1 ", , ), " "))"#;
    let refused = error("RandomString", "the minima add up to 4, more than the length 1");
    choice(text, &json!({}), &refused, |s| s.random_impossible = RandomImpossible::Longer, &json!("4"));
}

#[test]
fn oq_15_roles() {
    let role = |number: u8| json!({ "id": number.to_string(), "value": format!("v{number}"), "displayName": format!("Role {number}") });
    let one = json!({ "appRoleAssignments": [role(1)] });
    let two = json!({ "appRoleAssignments": [role(1), role(2)] });
    let text = "SingleAppRoleAssignment([appRoleAssignments])";
    choice(text, &one, &json!("Role 1"), |s| s.role_text = RoleText::Value, &json!("v1"));
    covers!("M-182");
    let several = error(
        "SingleAppRoleAssignment",
        "No more than one app role assignment was expected, but this many where found: 2",
    );
    choice(text, &two, &several, |s| s.role_several = RoleSeveral::First, &json!("Role 1"));
    covers!("W-182");
    let none = error("SingleAppRoleAssignment", "the object has no app role assignment");
    choice(text, &json!({}), &json!(null), |s| s.role_none = RoleNone::Error, &none);
}

#[test]
fn oq_16_comparisons_as_text() {
    choice("CBool(10 > 9)", &json!({}), &json!("True"), |s| s.numeric_comparison = false, &json!("False"));
}

#[test]
fn oq_17_item_outside_the_list() {
    let attributes = json!({ "l": ["a"] });
    let outside = error("Item", "the index 2 is outside 1 to 1");
    choice("Item([l], 2)", &attributes, &outside, |s| s.item_outside_null = true, &json!(null));
}

#[test]
fn oq_18_text_functions_over_the_first_value() {
    let attributes = json!({ "l": ["a", "b"] });
    choice("ToUpper([l])", &attributes, &json!(["A", "B"]), |s| s.text_over_list = false, &json!("A"));
}

#[test]
fn oq_19_apostrophes_in_proper_case() {
    choice(
        r#"PCase("st john's")"#,
        &json!({}),
        &json!("St John's"),
        |s| s.pcase_apostrophe = true,
        &json!("St John'S"),
    );
}

#[test]
fn oq_20_letters_outside_the_table() {
    let attributes = json!({ "x": "Nguyễn ţ đ" });
    choice(
        "NormalizeDiacritics([x])",
        &attributes,
        &json!("Nguyễn ţ đ"),
        |s| s.diacritics_strip_unlisted = true,
        &json!("Nguyen t đ"),
    );
}

#[test]
fn oq_22_forms_and_groups_of_replace() {
    let attributes = json!({ "x": "a1a", "t": "aXa", "none": null });
    let order = |switches: &mut Switches| switches.replace_order = ReplaceOrder::PatternsFirst;
    choice(r#"Replace([x], "a", "\d", , "-", , )"#, &attributes, &json!("-1-"), order, &json!("a-a"));
    let by_text = |switches: &mut Switches| switches.replace_group = GroupReplacement::Text;
    choice(
        r#"Replace([t], , "(?<g>a)Xa", "g", "-", , )"#,
        &attributes,
        &json!("-Xa"),
        by_text,
        &json!("-X-"),
    );
    let empty = |switches: &mut Switches| switches.replace_no_match_empty = true;
    choice(r#"Replace([none], , "(?<g>\d)", "g", , [t], )"#, &attributes, &json!(null), empty, &json!(""));
}

#[test]
fn oq_23_empty_words() {
    choice(r#"Word("a,,b", 2, ",")"#, &json!({}), &json!("b"), |s| s.word_empty_words = true, &json!(""));
}

#[test]
fn an_ignored_value_has_an_empty_evaluation_result() {
    let result =
        |text: &str| evaluate(text, &json!({ "a": "x", "l": ["1", "2"] })).unwrap().evaluation_result();
    assert_eq!(result("[a]"), ["x"]);
    assert_eq!(result("[l]"), ["1", "2"]);
    assert_eq!(result("Count([l])"), ["2"]);
    for text in ["IgnoreFlowIfNullOrEmpty([none])", r#"IIF([a] = "x", IgnoreAttributeFlow, [a])"#, "[none]"] {
        covers!("M-199");
        assert_eq!(result(text), [""; 0], "{text}");
    }
}
