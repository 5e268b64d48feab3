//! Keys of the expression language (`mapping.md 11`), and of scoping filters (`engine.md 3.4`, 14).

use scimulator::config;
use scimulator::expression::{Environment, Expression, Random};
use serde_json::Value;

use super::{Row, world};
use crate::common::Project;
use crate::expression::{NOW, shown, source};

/// What an expression comes to in a job, as JSON; `refused` when it is not read, `error` when it fails.
fn value(fidelity: &str, text: &str, attributes: &str) -> String {
    let job = "[directory]\npath = 'd'\n[[job]]\nname = 'j'\ntenant_url = 'embedded'\n[job.fidelity]\n";
    let project = Project::with([("scimulator.toml", &format!("{job}{fidelity}"))]);
    let (config, _) = config::load(&project.path("scimulator.toml")).expect("a sound configuration");
    let Ok(expression) = Expression::parse(text, &config.jobs[0].reading().parse) else {
        return "refused".to_owned();
    };
    let switches = &config.jobs[0].fidelity.expressions;
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), switches);
    let attributes: Value = serde_json::from_str(attributes).unwrap();
    match shown(expression.evaluate(&source(&attributes), &mut environment)) {
        Value::Object(_) => "error".to_owned(),
        value => value.to_string(),
    }
}

/// Whether somebody with this attribute is provisioned under a filter of one clause.
fn scope(fidelity: &str, attribute: &str, value: &str, clause: &str) -> String {
    let filter = format!("[[job.filter]]\nobject = 'user'\nname = 'F'\nclauses = [{{ {clause} }}]\n");
    let mut world = world("scope = 'all'", &format!("{fidelity}{filter}"));
    world.people.user("u", &[(attribute, value)]);
    world.clean_cycle();
    if world.held("u").is_some() { "in" } else { "out" }.to_owned()
}

const ROLES: &str = r#"{"appRoleAssignments":[{"id":"1","value":"v1","displayName":"Role 1"},
    {"id":"2","value":"v2","displayName":"Role 2"}]}"#;

pub(super) const ROWS: &[Row] = &[
    Row {
        key: "null_arguments",
        see: |lines| value(lines, r#"Append([none], "a")"#, "{}"),
        words: &[(r#""table""#, "null"), (r#""empty_text""#, r#""a""#)],
    },
    Row {
        key: "join_empty",
        see: |lines| value(lines, r#"Join(" ", [a], [b])"#, "{}"),
        words: &[(r#""null""#, "null"), (r#""text""#, r#""""#)],
    },
    Row {
        key: "mid_out_of_range",
        see: |lines| value(lines, "Mid([x], 0, 1)", r#"{"x":"abc"}"#),
        words: &[(r#""strict""#, "error"), (r#""whole_text""#, r#""abc""#)],
    },
    Row {
        key: "null_comparison",
        see: |lines| value(lines, r#"CBool([none] = "")"#, "{}"),
        words: &[(r#""never""#, r#""False""#), (r#""empty_text""#, r#""True""#)],
    },
    Row {
        key: "lazy_evaluation",
        see: |lines| value(lines, r#"IIF("1" = "1", "ok", CDate("bad"))"#, "{}"),
        words: &[("true", r#""ok""#), ("false", "error")],
    },
    Row {
        key: "split_style",
        see: |lines| value(lines, r#"Split([x], ",")"#, r#"{"x":"a, ,b"}"#),
        words: &[(r#""trim""#, r#"["a","b"]"#), (r#""keep""#, r#"["a"," ","b"]"#)],
    },
    Row {
        key: "typed_dates",
        see: |lines| value(lines, r#"FormatDateTime(CDate("2024-01-31"), , "yyyy-MM-dd", "yyyyMMdd")"#, "{}"),
        words: &[("true", r#""20240131""#), ("false", "error")],
    },
    Row {
        key: "naive_dates",
        see: |lines| {
            let lines = format!("service_time_zone = '+02:00'\n{lines}");
            value(&lines, r#"CDate("2024-06-30 23:30")"#, "{}")
        },
        words: &[(r#""utc""#, r#""6/30/2024 11:30:00 PM""#), (r#""local""#, r#""6/30/2024 9:30:00 PM""#)],
    },
    Row {
        key: "service_time_zone",
        see: |lines| {
            let text = r#"FormatDateTime([d], , "yyyy-MM-ddTHH:mmzzz", "yyyy-MM-dd HH:mmzzz")"#;
            value(lines, text, r#"{"d":"2024-06-30T23:30+00:00"}"#)
        },
        words: &[(r#""UTC""#, r#""2024-06-30 23:30+00:00""#), (r#""+02:00""#, r#""2024-07-01 01:30+02:00""#)],
    },
    Row {
        key: "date_text_arguments",
        see: |lines| value(lines, r#"DateAdd("d", 1, "2024-01-31")"#, "{}"),
        words: &[("true", r#""2/1/2024 12:00:00 AM""#), ("false", "error")],
    },
    Row {
        key: "datediff_rounding",
        see: |lines| {
            value(lines, r#"DateDiff("d", CDate("2024-01-01T23:59"), CDate("2024-01-02T00:01"))"#, "{}")
        },
        words: &[(r#""elapsed""#, r#""0""#), (r#""boundaries""#, r#""1""#)],
    },
    Row {
        // Four characters, each followed by a blank that `Split` takes away.
        key: "random_impossible",
        see: |lines| {
            let text = r#"Count(Split(Replace(RandomString(1, 2, 0, 2, 0), , "(.)", , "$1 ", , ), " "))"#;
            value(lines, text, "{}")
        },
        words: &[(r#""error""#, "error"), (r#""longer""#, r#""4""#)],
    },
    Row {
        key: "role_several",
        see: |lines| value(lines, "SingleAppRoleAssignment([appRoleAssignments])", ROLES),
        words: &[(r#""error""#, "error"), (r#""first""#, r#""Role 1""#)],
    },
    Row {
        key: "role_none",
        see: |lines| value(lines, "SingleAppRoleAssignment([appRoleAssignments])", "{}"),
        words: &[(r#""null""#, "null"), (r#""error""#, "error")],
    },
    Row {
        key: "role_none",
        see: |lines| value(lines, "AppRoleAssignmentsComplex([appRoleAssignments])", "{}"),
        words: &[(r#""null""#, "null"), (r#""error""#, "error")],
    },
    Row {
        key: "role_none",
        see: |lines| value(lines, "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])", "{}"),
        words: &[(r#""null""#, "null"), (r#""error""#, "error")],
    },
    Row {
        key: "comparison_typing",
        see: |lines| value(lines, "CBool(10 > 9)", "{}"),
        words: &[(r#""numeric""#, r#""True""#), (r#""text""#, r#""False""#)],
    },
    Row {
        key: "item_out_of_range",
        see: |lines| value(lines, "Item([l], 2)", r#"{"l":["a"]}"#),
        words: &[(r#""error""#, "error"), (r#""null""#, "null")],
    },
    Row {
        key: "text_over_list",
        see: |lines| value(lines, "ToUpper([l])", r#"{"l":["a","b"]}"#),
        words: &[("true", r#"["A","B"]"#), ("false", r#""A""#)],
    },
    Row {
        key: "pcase_apostrophe",
        see: |lines| value(lines, r#"PCase("st john's")"#, "{}"),
        words: &[("false", r#""St John's""#), ("true", r#""St John'S""#)],
    },
    Row {
        key: "diacritics_unlisted",
        see: |lines| value(lines, "NormalizeDiacritics([x])", r#"{"x":"Nguyễn"}"#),
        words: &[(r#""keep""#, r#""Nguyễn""#), (r#""strip""#, r#""Nguyen""#)],
    },
    Row {
        key: "replace_form_order",
        see: |lines| value(lines, r#"Replace([x], "a", "\d", , "-", , )"#, r#"{"x":"a1a"}"#),
        words: &[(r#""recommended""#, r#""-1-""#), (r#""patterns_first""#, r#""a-a""#)],
    },
    Row {
        key: "replace_group_style",
        see: |lines| value(lines, r#"Replace([t], , "(?<g>a)Xa", "g", "-", , )"#, r#"{"t":"aXa"}"#),
        words: &[(r#""span""#, r#""-Xa""#), (r#""text""#, r#""-X-""#)],
    },
    Row {
        key: "replace_no_match",
        see: |lines| value(lines, r#"Replace([none], , "(?<g>\d)", "g", , [t], )"#, r#"{"t":"aXa"}"#),
        words: &[(r#""null""#, "null"), (r#""empty""#, r#""""#)],
    },
    Row {
        key: "word_delimiters",
        see: |lines| value(lines, r#"Word("a,,b", 2, ",")"#, "{}"),
        words: &[(r#""runs""#, r#""b""#), (r#""each""#, r#""""#)],
    },
    Row {
        key: "unknown_escape",
        see: |lines| value(lines, r#"ToUpper("a\d")"#, "{}"),
        words: &[(r#""keep""#, r#""A\\D""#), (r#""drop""#, r#""AD""#)],
    },
    Row {
        key: "adjacent_functions",
        see: |lines| value(lines, r#"Trim(" a ")"#, "{}"),
        words: &[("false", "refused"), ("true", r#""a""#)],
    },
    Row {
        key: "regex_anchored",
        see: |lines| {
            let clause = "attribute = 'employeeId', operator = 'REGEX MATCH', value = '[1-9][0-9]'";
            scope(lines, "employeeId", "100", clause)
        },
        words: &[("false", "in"), ("true", "out")],
    },
    Row {
        // The text `2` does not hold `6`; the numbers share a bit.
        key: "bitmask",
        see: |lines| scope(lines, "employeeId", "6", "attribute = 'employeeId', operator = '&', value = '2'"),
        words: &[("false", "out"), ("true", "in")],
    },
    Row {
        key: "multi_valued_filters",
        see: |lines| {
            let clause = "attribute = 'otherMails', operator = 'ENDS_WITH', value = '@x.com'";
            scope(lines, "otherMails", "a@x.com;b@y.com", clause)
        },
        words: &[(r#""all""#, "out"), (r#""any""#, "in")],
    },
];
