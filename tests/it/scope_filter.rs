//! Scoping filters (`engine.md 3.3 to 3.5`). Expected verdicts are those of the sheet's tables.

use std::collections::BTreeMap;

use scimulator::covers;
use scimulator::expression::{AppRole, AttributeValue};
use scimulator::scope::filter::{
    Arity, ClauseResult, Filter, FilterClause, FilterGroup, FilterOptions, FilterVerdict, MultiValued,
    Operator,
};
use serde_json::json;

type Source = BTreeMap<String, AttributeValue>;

fn options() -> FilterOptions<'static> {
    FilterOptions::default()
}

fn text(value: &str) -> Option<AttributeValue> {
    Some(AttributeValue::Text(value.to_owned()))
}

fn list(values: &[&str]) -> Option<AttributeValue> {
    Some(AttributeValue::List(values.iter().map(|value| (*value).to_owned()).collect()))
}

fn object(value: Option<AttributeValue>) -> Source {
    value.into_iter().map(|value| ("a".to_owned(), value)).collect()
}

fn clause(operator: &str, operand: Option<&str>, options: &FilterOptions<'_>) -> FilterClause {
    let values: Vec<String> = operand.map(str::to_owned).into_iter().collect();
    FilterClause::new("a", operator, &values, options).unwrap_or_else(|error| panic!("{operator}: {error}"))
}

/// What a single clause says of a value.
fn judge(
    operator: &str,
    operand: Option<&str>,
    value: Option<AttributeValue>,
    options: &FilterOptions<'_>,
) -> ClauseResult {
    let group = FilterGroup { name: "g".to_owned(), clauses: vec![clause(operator, operand, options)] };
    let filter = Filter { groups: vec![group], ..Filter::default() };
    filter.evaluate(&object(value)).groups.remove(0).clauses.remove(0)
}

/// Asserts verdicts of one clause over several texts; also that null and empty give `without`.
#[track_caller]
fn table(operator: &str, operand: Option<&str>, without: bool, values: &[(&str, bool)]) {
    for (value, wanted) in values {
        let result = judge(operator, operand, text(value), &options());
        assert_eq!(result.holds, *wanted, "{operator} {operand:?} over `{value}`");
        assert_eq!(result.invalid, None);
    }
    for (value, name) in [(None, "null"), (text(""), "empty"), (list(&[]), "the empty list")] {
        let result = judge(operator, operand, value, &options());
        assert_eq!(result.holds, without, "{operator} over {name}");
        assert_eq!(result.invalid, None, "{operator} over {name}: nothing is wrong, the clause is false");
    }
}

#[test]
fn equality_is_exact_and_false_without_a_value() {
    table(
        "EQUALS",
        Some("Sales"),
        false,
        &[("Sales", true), ("sales", false), ("Sales ", false), ("x", false)],
    );
    covers!("E-068");
    table("NOT EQUALS", Some("Sales"), false, &[("Sales", false), ("sales", true), ("x", true)]);
    covers!("E-069");
    table("EQUALS", Some("10"), false, &[("10", true), ("11", false)]);
    table("NOT EQUALS", Some("10"), false, &[("10", false), ("11", true), ("100", true)]);
    covers!("E-083");
}

#[test]
fn presence_is_the_exception_for_null() {
    table("IS NULL", None, true, &[("x", false), (" ", false), ("False", false), ("0", false)]);
    covers!("E-070");
    table("IS NOT NULL", None, false, &[("x", true), (" ", true), ("False", true), ("0", true)]);
    covers!("E-071");
}

#[test]
fn truth_is_boolean_and_missing_is_not_false() {
    table("IS TRUE", None, false, &[("True", true), ("False", false), ("1", false), ("yes", false)]);
    table("IS TRUE", None, false, &[("true", true), ("TRUE", true), ("false", false), ("FALSE", false)]);
    table("IS FALSE", None, false, &[("True", false), ("False", true), ("0", false), ("no", false)]);
    table("IS FALSE", None, false, &[("true", false), ("TRUE", false), ("false", true), ("FALSE", true)]);
    covers!("E-072");
}

#[test]
fn patterns_are_dotnet_case_sensitive_and_false_without_a_value() {
    table("REGEX MATCH", Some(".*"), false, &[("x", true)]);
    table("REGEX MATCH", Some("^S\\w+(?<=s)$"), false, &[("Sales", true), ("sales", false), ("Sale", false)]);
    table("REGEX MATCH", Some("(?i)^sales$"), false, &[("SALES", true), ("Sales EU", false)]);
    covers!("E-073");
    table("NOT REGEX MATCH", Some("^S"), false, &[("Sales", false), ("sales", true)]);
    table("NOT REGEX MATCH", Some("z"), false, &[("x", true)]);
    table("NOT REGEX MATCH", Some("^[1-9][0-9]$"), false, &[("10", false), ("9", true), ("100", true)]);
    covers!("E-074");
    table(
        "REGEX MATCH",
        Some(".*\\@domain.com"),
        false,
        &[("joe@domain.com", true), ("joe@other.com", false)],
    );
    table(
        "REGEX MATCH",
        Some("(1[0-9][0-9][0-9][0-9][0-9][0-9])"),
        false,
        &[("1000000", true), ("2000000", false)],
    );
    covers!("E-085");
}

#[test]
fn patterns_match_anywhere_unless_anchored() {
    table("REGEX MATCH", Some("([1-9][0-9])"), false, &[("100", true), ("10", true), ("9", false)]);
    let anchored = FilterOptions { regex_anchored: true, ..options() };
    for (value, wanted) in [("100", false), ("10", true), ("99", true), ("9", false), ("99\n", false)] {
        assert_eq!(
            judge("REGEX MATCH", Some("([1-9][0-9])"), text(value), &anchored).holds,
            wanted,
            "{value:?}"
        );
    }
    for (value, wanted) in [("a", true), ("b", true), ("ab", false)] {
        assert_eq!(judge("REGEX MATCH", Some("a|b"), text(value), &anchored).holds, wanted, "{value}");
        assert_eq!(judge("NOT REGEX MATCH", Some("a|b"), text(value), &anchored).holds, !wanted, "{value}");
    }
    covers!("E-075");
}

#[test]
fn comparisons_are_of_whole_numbers() {
    table(
        "GREATER_THAN",
        Some("10"),
        false,
        &[("11", true), ("10", false), ("9", false), ("100", true), ("010", false)],
    );
    table(
        "GREATER_THAN_OR_EQUALS",
        Some("10"),
        false,
        &[("11", true), ("10", true), ("9", false), ("010", true)],
    );
    table("GREATER_THAN", Some("99999999999999999999"), false, &[("100000000000000000000", true)]);
    covers!("E-076");
    for operator in ["Greater_Than", "Greater_Than_OR_EQUALS"] {
        for (value, operand) in
            [("ten", "1"), ("1.5", "1"), ("-1", "1"), ("+5", "1"), (" 5", "1"), ("5", "one"), ("5", "")]
        {
            let result = judge(operator, Some(operand), text(value), &options());
            assert!(!result.holds, "{value} {operator} {operand}");
            assert!(
                result.invalid.unwrap().contains("is not a whole number"),
                "{value} {operator} {operand}"
            );
        }
        // Without a value there is nothing invalid: the clause is false.
        assert_eq!(judge(operator, Some("1"), None, &options()).invalid, None);
    }
    covers!("E-077");
}

#[test]
fn text_operators_are_ordinal() {
    table("INCLUDES", Some("ale"), false, &[("Sales", true), ("SALES", false), ("al", false), ("ale", true)]);
    covers!("E-078");
    table("ENDS_WITH", Some("@x.com"), false, &[("a@x.com", true), ("a@X.com", false), ("@x.com.au", false)]);
    covers!("E-079");
    table("&", Some("US,CA"), false, &[("US", true), ("CA", true), ("us", false), ("US,CA,MX", false)]);
    table("!&", Some("US,CA"), false, &[("US", false), ("MX", true), ("US,CA,MX", true)]);
    table("&", Some("US"), false, &[("US,CA", false)]);
    covers!("E-080");
}

#[test]
fn with_bitmask_the_ampersand_tests_bits() {
    let bitmask = FilterOptions { bitmask: true, ..options() };
    for (value, operand, shares) in
        [("514", "2", true), ("512", "2", false), ("3", "6", true), ("0", "7", false)]
    {
        assert_eq!(judge("&", Some(operand), text(value), &bitmask).holds, shares, "{value} & {operand}");
        assert_eq!(judge("!&", Some(operand), text(value), &bitmask).holds, !shares, "{value} !& {operand}");
    }
    for operator in ["&", "!&"] {
        for value in [None, text(""), list(&[])] {
            let result = judge(operator, Some("2"), value, &bitmask);
            assert_eq!((result.holds, result.invalid), (false, None), "{operator}");
        }
        let invalid = judge(operator, Some("2"), text("x"), &bitmask);
        assert_eq!((invalid.holds, invalid.invalid.as_deref()), (false, Some("`x` is not an integer")));
    }
    covers!("E-081");
}

#[test]
fn every_value_of_a_list_has_to_satisfy_a_clause_unless_one_is_enough() {
    let any = FilterOptions { multi_valued: MultiValued::Any, ..options() };
    let mut seen = std::collections::BTreeSet::new();
    for (operator, operand, values, all, one) in [
        ("EQUALS", Some("a"), &["a", "a"] as &[&str], true, true),
        ("EQUALS", Some("a"), &["a", "b"], false, true),
        ("EQUALS", Some("a"), &["b", "c"], false, false),
        ("NOT EQUALS", Some("a"), &["a", "b"], false, true),
        ("NOT EQUALS", Some("a"), &["b", ""], false, true),
        ("REGEX MATCH", Some("^a"), &["ab", "b"], false, true),
        ("REGEX MATCH", Some("^a"), &["ab", "a"], true, true),
        ("NOT REGEX MATCH", Some("^a"), &["ab", "b"], false, true),
        ("NOT REGEX MATCH", Some("^a"), &["c", "b"], true, true),
        ("IS TRUE", None, &["True", "False"], false, true),
        ("IS TRUE", None, &["True", "True"], true, true),
        ("IS FALSE", None, &["True", "False"], false, true),
        ("IS FALSE", None, &["False", "False"], true, true),
        ("GREATER_THAN", Some("5"), &["6", "5"], false, true),
        ("GREATER_THAN", Some("5"), &["6", "7"], true, true),
        ("GREATER_THAN_OR_EQUALS", Some("5"), &["4", "5"], false, true),
        ("GREATER_THAN_OR_EQUALS", Some("5"), &["6", "5"], true, true),
        ("INCLUDES", Some("a"), &["ab", "ba"], true, true),
        ("INCLUDES", Some("a"), &["ab", "b"], false, true),
        ("ENDS_WITH", Some("a"), &["ab", "ba"], false, true),
        ("ENDS_WITH", Some("a"), &["a", "ba"], true, true),
        ("&", Some("a,b"), &["a", "c"], false, true),
        ("&", Some("a,b"), &["a", "b"], true, true),
        ("!&", Some("a,b"), &["a", "c"], false, true),
        ("!&", Some("a,b"), &["d", "c"], true, true),
        ("IS NULL", None, &["", ""], true, true),
        ("IS NULL", None, &["", "a"], false, false),
        ("IS NOT NULL", None, &["", "a"], true, true),
    ] {
        let result = judge(operator, operand, list(values), &options());
        assert_eq!(result.holds, all, "{operator} over all of {values:?}");
        assert_eq!(
            result.warning.as_deref(),
            Some("`a` is multi-valued, which scoping filters do not support")
        );
        assert_eq!(
            judge(operator, operand, list(values), &any).holds,
            one,
            "{operator} over any of {values:?}"
        );
        seen.insert(Operator::from_name(operator).unwrap().api_name());
    }
    assert_eq!(seen.len(), Operator::ALL.len(), "every operator: {seen:?}");
    assert_eq!(judge("EQUALS", Some("a"), text("a"), &options()).warning, None);
    covers!("E-082");
}

#[test]
fn a_value_of_another_type_is_no_value_to_any_operator_and_no_mistake() {
    for operator in Operator::ALL {
        let operand = (operator.arity() == Arity::Binary).then_some("1");
        let role = AppRole { id: "1".to_owned(), value: "1".to_owned(), display_name: "1".to_owned() };
        let result = judge(operator.api_name(), operand, Some(AttributeValue::Roles(vec![role])), &options());
        assert_eq!(result.holds, operator == Operator::IsNull, "{operator:?}");
        assert_eq!(result.invalid, None, "{operator:?}");
    }
    // Text operators see numbers and truth as the text they are; those on truth and numbers see nothing in other text.
    table("EQUALS", Some("True"), false, &[("True", true), ("true", false), ("1", false)]);
    table("INCLUDES", Some("1"), false, &[("31", true), ("True", false)]);
    table("ENDS_WITH", Some("e"), false, &[("True", true), ("1", false)]);
    table("&", Some("True,1"), false, &[("1", true), ("0", false)]);
    table("!&", Some("True,1"), false, &[("1", false), ("0", true)]);
    table("IS TRUE", None, false, &[("T", false), ("on", false), ("-1", false)]);
    table("IS FALSE", None, false, &[("F", false), ("off", false), ("null", false)]);
}

#[test]
fn roles_have_no_value_for_a_filter() {
    let role = AppRole { id: "1".to_owned(), value: "v".to_owned(), display_name: "d".to_owned() };
    assert!(judge("IS NULL", None, Some(AttributeValue::Roles(vec![role])), &options()).holds);
}

#[test]
fn operators_are_known_by_their_api_and_portal_names() {
    let names: Vec<&str> = Operator::ALL.map(Operator::api_name).into();
    let wanted = "EQUALS|NOT EQUALS|IS NULL|IS NOT NULL|IS TRUE|IS FALSE|REGEX MATCH|NOT REGEX MATCH|GREATER_THAN|\
        GREATER_THAN_OR_EQUALS|INCLUDES|ENDS_WITH|&|!&";
    assert_eq!(names.join("|"), wanted);
    for operator in Operator::ALL {
        assert_eq!(Operator::from_name(operator.api_name()), Some(operator));
        assert_eq!(Operator::from_name(operator.portal_name()), Some(operator));
        let values = if operator.arity() == Arity::Binary { vec!["1".to_owned()] } else { Vec::new() };
        assert!(FilterClause::new("a", operator.portal_name(), &values, &options()).is_ok());
    }
    assert_eq!(Operator::from_name("Greater_Than_OR_EQUALS"), Some(Operator::GreaterThanOrEquals));
    for absent in ["LESS_THAN", "STARTS_WITH", "BEFORE", "CONTAINS", "OR"] {
        let error = FilterClause::new("a", absent, &["1".to_owned()], &options()).unwrap_err();
        assert!(error.to_string().starts_with(&format!("unknown operator `{absent}`")), "{error}");
    }
    covers!("E-084");
    let error = FilterClause::new("a", "EQUAL", &[], &options()).unwrap_err();
    assert_eq!(error.to_string(), "unknown operator `EQUAL`; did you mean `EQUALS`?");
}

#[test]
fn operators_take_the_values_they_need() {
    for (operator, values, wanted) in [
        ("EQUALS", &[] as &[&str], "`EQUALS` takes one value, not 0"),
        ("EQUALS", &["a", "b"], "`EQUALS` takes one value, not 2"),
        ("IS NULL", &["a"], "`IS NULL` takes no value, not 1"),
    ] {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        assert_eq!(FilterClause::new("a", operator, &values, &options()).unwrap_err().to_string(), wanted);
    }
    assert!(FilterClause::new("a", "IS NULL", &[String::new()], &options()).is_ok());
    let error = FilterClause::new("a", "REGEX MATCH", &["[".to_owned()], &options()).unwrap_err();
    assert!(error.to_string().contains("regular expression is not valid"), "{error}");
    assert_eq!(
        FilterClause::new("", "IS NULL", &[], &options()).unwrap_err().to_string(),
        "the clause names no attribute"
    );
}

#[test]
fn attributes_that_filters_can_not_use_are_refused_with_the_reason() {
    for attribute in [
        "IsMemberOf",
        "members",
        "appRoleAssignments",
        "userType",
        "manager",
        "StatusHireDate",
        "startDate",
        "endDate",
        "StatusTerminationDate",
        "accountExpires",
        "employeeHireDate",
    ] {
        let error =
            FilterClause::new(attribute, "IS NOT NULL", &[], &options()).expect_err(attribute).to_string();
        assert!(
            error.starts_with(&format!("`{attribute}` can not be used in a scoping filter: ")),
            "{error}"
        );
    }
    let is_date = |name: &str| name == "extension_x_birthday";
    let knows_dates = FilterOptions { is_date: Some(&is_date), ..options() };
    assert!(FilterClause::new("extension_x_birthday", "IS NOT NULL", &[], &options()).is_ok());
    let error = FilterClause::new("extension_x_birthday", "IS NOT NULL", &[], &knows_dates).unwrap_err();
    assert!(error.to_string().ends_with("filters have no date operators"), "{error}");
    covers!("E-086", "M-085");
}

fn group(name: &str, clauses: &[(&str, &str)]) -> FilterGroup {
    let clause = |(attribute, value): &(&str, &str)| {
        FilterClause::new(attribute, "EQUALS", &[(*value).to_owned()], &options()).unwrap()
    };
    FilterGroup { name: name.to_owned(), clauses: clauses.iter().map(clause).collect() }
}

fn person(attributes: &[(&str, &str)]) -> Source {
    attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), AttributeValue::Text((*value).to_owned())))
        .collect()
}

#[test]
fn clauses_are_joined_by_and_groups_by_or() {
    let filter = Filter {
        groups: vec![
            group("Sales in Peru", &[("dept", "Sales"), ("country", "PE")]),
            group("Board", &[("title", "CEO")]),
        ],
        ..Filter::default()
    };
    for (attributes, wanted) in [
        (&[("dept", "Sales"), ("country", "PE")] as &[(&str, &str)], FilterVerdict::Passed),
        (&[("dept", "Sales")], FilterVerdict::OutOfScope),
        (&[("country", "PE")], FilterVerdict::OutOfScope),
        (&[("title", "CEO")], FilterVerdict::Passed),
        (&[("title", "CEO"), ("dept", "Sales")], FilterVerdict::Passed),
        (&[], FilterVerdict::OutOfScope),
    ] {
        assert_eq!(filter.evaluate(&person(attributes)).verdict, wanted, "{attributes:?}");
    }
    covers!("E-065");
}

#[test]
fn without_groups_everything_passes() {
    let result = Filter::default().evaluate(&person(&[]));
    assert_eq!(result.verdict, FilterVerdict::Passed);
    assert_eq!(result.scope_evaluation_result(), "{}");
    let null = Filter::from_graph_json(&json!(null), &options()).unwrap();
    assert_eq!(null.evaluate(&person(&[])).verdict, FilterVerdict::Passed);
    covers!("E-066");
}

#[test]
fn input_and_category_filters_leave_an_object_alone() {
    for collection in ["inputFilterGroups", "categoryFilterGroups"] {
        let filter = json!({
            "groups": [{ "name": "g", "clauses": [{ "operatorName": "EQUALS", "sourceOperandName": "dept", "targetOperand": { "values": ["Sales"] } }] }],
            collection: [{ "name": "i", "clauses": [{ "operatorName": "IS TRUE", "sourceOperandName": "accountEnabled", "targetOperand": { "values": [] } }] }],
        });
        let filter = Filter::from_graph_json(&filter, &options()).unwrap();
        let verdict = |attributes: &[(&str, &str)]| filter.evaluate(&person(attributes)).verdict;
        assert_eq!(verdict(&[("dept", "Sales"), ("accountEnabled", "True")]), FilterVerdict::Passed);
        assert_eq!(verdict(&[("dept", "Sales")]), FilterVerdict::NotProcessed);
        assert_eq!(verdict(&[("accountEnabled", "True")]), FilterVerdict::OutOfScope);
        assert_eq!(verdict(&[]), FilterVerdict::NotProcessed);
    }
}

#[test]
fn the_result_has_one_member_for_each_clause_of_every_group() {
    let mut filter = Filter {
        groups: vec![
            group("Sales in Peru", &[("department", "Sales"), ("country", "PE")]),
            group("Board", &[("title", "C\"O'")]),
        ],
        ..Filter::default()
    };
    filter.groups[1].clauses.push(FilterClause::new("mail", "IS NOT NULL", &[], &options()).unwrap());
    let result = filter.evaluate(&person(&[("department", "Sales")]));
    let wanted =
        r#"{"Sales in Peru.department EQUALS 'Sales'":true,"Sales in Peru.country EQUALS 'PE'":false,"#
            .to_owned()
            + r#""Board.title EQUALS 'C\"O''":false,"Board.mail IS NOT NULL ''":false}"#;
    assert_eq!(result.scope_evaluation_result(), wanted);
    covers!("E-091");
}

#[test]
fn a_filter_survives_its_way_through_json() {
    let filter = json!({
        "categoryFilterGroups": [],
        "groups": [{
            "clauses": [
                { "operatorName": "EQUALS", "sourceOperandName": "department", "targetOperand": { "values": ["Sales"] } },
                { "operatorName": "IS NOT NULL", "sourceOperandName": "mail", "targetOperand": { "values": [] } },
            ],
            "name": "Sales",
        }],
        "inputFilterGroups": [],
    });
    assert_eq!(Filter::from_graph_json(&filter, &options()).unwrap().to_graph_json(), filter);
}

#[test]
fn every_mistake_of_a_filter_in_json_is_found_with_its_place() {
    let filter = json!({ "groups": [
        { "name": "g", "clauses": [
            { "operatorName": "NOPE", "sourceOperandName": "a", "targetOperand": { "values": ["1"] } },
            { "operatorName": "EQUALS", "sourceOperandName": "a", "targetOperand": { "values": [1] } },
            { "operatorName": "EQUALS", "targetOperand": { "values": ["1"] } },
            { "operatorName": "EQUALS", "sourceOperandName": "manager", "targetOperand": { "values": ["1"] } },
        ] },
        { "name": "h" },
        { "name": "i", "clauses": [{ "sourceOperandName": "a" }, { "operatorName": "EQUALS", "sourceOperandName": "a", "targetOperand": { "values": "1" } }] },
    ], "inputFilterGroups": {} });
    let errors = Filter::from_graph_json(&filter, &options()).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "filter `g`, clause 1: unknown operator `NOPE`",
            "filter `g`, clause 2: expected texts as values",
            "filter `g`, clause 3: expected `sourceOperandName`",
            "filter `g`, clause 4: `manager` can not be used in a scoping filter: filters can not look at references",
            "filter `h`, clause 0: expected a list of clauses",
            "filter `i`, clause 1: expected `operatorName`",
            "filter `i`, clause 2: expected a list of values",
            "filter `inputFilterGroups`, clause 0: expected a list of filter groups",
        ]
    );
    assert!(Filter::from_graph_json(&json!("x"), &options()).is_err());
}

#[test]
fn a_pattern_that_runs_away_is_invalid_scoping() {
    let value = format!("{}!x", "a".repeat(60));
    for operator in ["REGEX MATCH", "NOT REGEX MATCH"] {
        let result = judge(operator, Some("^(a|a)+\\1!(?=y)"), text(&value), &options());
        assert!(!result.holds);
        assert!(result.invalid.unwrap().contains("too many steps"));
    }
}
