//! The 33 open questions of `mapping.md 11`, each answered in both ways by the key that the configuration has for it:
//! what the key says reaches the place where it matters. Questions 25 (`unknown_attributes`), 27 (`flow_null_values`)
//! and 32 (`switch_null_defect`) show in whole cycles and checks only: see `cli_check_lints` and `mappings_in_jobs`.

use scimulator::config::{self, JobConfig};
use scimulator::diagnostic::Diagnostic;
use scimulator::engine::spec::JobSpec;
use scimulator::expression::{Environment, Expression, Random};
use scimulator::mapping::{Evaluated, Taken, patch_body};
use serde_json::{Value, json};

use crate::common::Project;
use crate::expression::{shown, source};

/// A job with these keys below `[job.fidelity]` and a profile with these rows; or what is wrong with it.
fn job(keys: &str, attributes: &str, rows: &str) -> Result<(JobSpec, JobConfig, Vec<Diagnostic>), String> {
    let profile = format!(
        "name = \"p\"\ntitle = \"P\"\ngallery = true\n[user]\nname = \"Users\"\n\
         target = \"urn:ietf:params:scim:schemas:core:2.0:User\"\nattributes = [\n\
         {{ name = \"id\", anchor = true }},\n{{ name = \"userName\" }},\n{attributes}\n]\nmappings = [\n\
         {{ attribute = \"userPrincipalName\", target = \"userName\", matching = 1 }},\n{rows}\n]\n"
    );
    let text = format!(
        "[directory]\npath = \"directory\"\n[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\n\
         profile = \"p.toml\"\n[job.fidelity]\n{keys}\n"
    );
    let project = Project::with([("scimulator.toml", &text), ("p.toml", &profile)]);
    match config::load(&project.path("scimulator.toml")) {
        Ok((config, warnings)) => {
            Ok((JobSpec::new(&config, &config.jobs[0], 1), config.jobs[0].clone(), warnings))
        }
        Err(findings) => Err(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

/// What an expression gives under these keys; an error of evaluation as `"error"`.
fn evaluated(keys: &str, text: &str, attributes: &Value) -> Value {
    let (spec, job, _) = job(keys, "", "").unwrap();
    let expression = Expression::parse(text, &job.reading().parse).unwrap();
    let now = "2025-07-30T00:00:00Z".parse().unwrap();
    let mut environment = Environment::new(now, Random::seeded(1), &spec.expressions);
    match shown(expression.evaluate(&source(attributes), &mut environment)) {
        Value::Object(_) => json!("error"),
        value => value,
    }
}

#[test]
fn every_key_of_the_expression_language_reaches_the_evaluation() {
    let role = |number: u8| json!({ "id": number.to_string(), "value": format!("v{number}"), "displayName": format!("Role {number}") });
    let none = json!({});
    let text = |name: &str, value: &str| json!({ name: value });
    let roles = |roles: Vec<Value>| json!({ "appRoleAssignments": roles });
    let list = |values: &[&str]| json!({ "l": values });
    let of_random = r#"Count(Split(Replace(RandomString(1, 2, 0, 2, 0), , "(.)", , "$1 ", , ), " "))"#;
    let shifted = r#"FormatDateTime("2024-06-30T23:30+00:00", , "yyyy-MM-ddTHH:mmzzz", "yyyy-MM-dd HH:mm")"#;
    let of_date = r#"FormatDateTime(CDate("2024-01-31"), , "yyyy-MM-dd", "yyyyMMdd")"#;
    let single = "SingleAppRoleAssignment([appRoleAssignments])";
    let local = "naive_dates = \"local\"\nservice_time_zone = \"+02:00\"";
    let cases = [
        (
            1,
            "null_arguments = \"empty_text\"",
            r#"Append([none], "a")"#,
            none.clone(),
            json!(null),
            json!("a"),
        ),
        (2, "join_empty = \"text\"", r#"Join(" ", [a], [b])"#, none.clone(), json!(null), json!("")),
        (3, "mid_out_of_range = \"whole_text\"", "Mid([x], 4, 1)", text("x", "abc"), json!(""), json!("abc")),
        (4, "coalesce_skips_empty = true", r#"Coalesce([e], "b")"#, text("e", ""), json!(""), json!("b")),
        (
            5,
            "null_comparison = \"empty_text\"",
            r#"CBool([none] = "")"#,
            none.clone(),
            json!("False"),
            json!("True"),
        ),
        (
            6,
            "lazy_evaluation = false",
            r#"IIF("1" = "1", "ok", CDate("bad"))"#,
            none.clone(),
            json!("ok"),
            json!("error"),
        ),
        (7, "unknown_escape = \"drop\"", r#"Append("a\qb", "")"#, none.clone(), json!(r"a\qb"), json!("aqb")),
        (
            8,
            "split_style = \"keep\"",
            r#"Split([x], ",")"#,
            text("x", "a, ,b"),
            json!(["a", "b"]),
            json!(["a", " ", "b"]),
        ),
        (9, "typed_dates = false", of_date, none.clone(), json!("20240131"), json!("error")),
        (
            10,
            local,
            r#"CDate("2024-06-30 23:30")"#,
            none.clone(),
            json!("6/30/2024 11:30:00 PM"),
            json!("6/30/2024 9:30:00 PM"),
        ),
        (
            11,
            "service_time_zone = \"+02:00\"",
            shifted,
            none.clone(),
            json!("2024-06-30 23:30"),
            json!("2024-07-01 01:30"),
        ),
        (
            12,
            "date_text_arguments = false",
            r#"DateAdd("d", 1, "2024-01-31")"#,
            none.clone(),
            json!("2/1/2024 12:00:00 AM"),
            json!("error"),
        ),
        (
            13,
            "datediff_rounding = \"boundaries\"",
            r#"DateDiff("d", CDate("2024-01-01T23:59"), CDate("2024-01-02T00:01"))"#,
            none.clone(),
            json!("0"),
            json!("1"),
        ),
        (14, "random_impossible = \"longer\"", of_random, none.clone(), json!("error"), json!("4")),
        (15, "role_text = \"value\"", single, roles(vec![role(1)]), json!("Role 1"), json!("v1")),
        (
            15,
            "role_several = \"first\"",
            single,
            roles(vec![role(1), role(2)]),
            json!("error"),
            json!("Role 1"),
        ),
        (15, "role_none = \"error\"", single, none.clone(), json!(null), json!("error")),
        (16, "comparison_typing = \"text\"", "CBool(10 > 9)", none.clone(), json!("True"), json!("False")),
        (17, "item_out_of_range = \"null\"", "Item([l], 2)", list(&["a"]), json!("error"), json!(null)),
        (18, "text_over_list = false", "ToUpper([l])", list(&["a", "b"]), json!(["A", "B"]), json!("A")),
        (
            19,
            "pcase_apostrophe = true",
            r#"PCase("st john's")"#,
            none.clone(),
            json!("St John's"),
            json!("St John'S"),
        ),
        (
            20,
            "diacritics_unlisted = \"strip\"",
            "NormalizeDiacritics([x])",
            text("x", "Nguyễn"),
            json!("Nguyễn"),
            json!("Nguyen"),
        ),
        (
            22,
            "replace_form_order = \"patterns_first\"",
            r#"Replace([x], "a", "\d", , "-", , )"#,
            text("x", "a1a"),
            json!("-1-"),
            json!("a-a"),
        ),
        (
            22,
            "replace_group_style = \"text\"",
            r#"Replace([x], , "(?<g>a)Xa", "g", "-", , )"#,
            text("x", "aXa"),
            json!("-Xa"),
            json!("-X-"),
        ),
        (
            22,
            "replace_no_match = \"empty\"",
            r#"Replace([none], , "(?<g>\d)", "g", , [x], )"#,
            text("x", "b"),
            json!(null),
            json!(""),
        ),
        (23, "word_delimiters = \"each\"", r#"Word("a,,b", 2, ",")"#, none, json!("b"), json!("")),
    ];
    for (question, keys, expression, attributes, default, changed) in cases {
        assert_eq!(evaluated("", expression, &attributes), default, "question {question} by default");
        assert_eq!(evaluated(keys, expression, &attributes), changed, "question {question}: {keys}");
    }
}

/// The body of a create without schemas, userName and meta, and the operations of an update of `current`.
fn written(keys: &str, attributes: &str, rows: &str, of: &Value, current: &Value) -> Written {
    let (spec, _, _) = job(keys, attributes, rows).unwrap();
    let mut of = of.clone();
    of["userPrincipalName"] = json!("u");
    let mut current = current.clone();
    current["userName"] = json!("u");
    let now = "2025-07-30T00:00:00Z".parse().unwrap();
    let mut environment = Environment::new(now, Random::seeded(1), &spec.expressions);
    let taken = Taken::new();
    match spec.users.evaluate(&source(&of), &mut environment, &spec.style, &taken) {
        Ok(Evaluated::Mapped(mapped)) => {
            let mut body = mapped.create_body(&spec.style).unwrap();
            let members = body.as_object_mut().unwrap();
            members.retain(|name, _| !["schemas", "userName", "meta"].contains(&name.as_str()));
            let differences = mapped.differences(&current, &spec.style);
            (body, patch_body(&differences, &spec.style)["Operations"].clone())
        }
        Ok(Evaluated::IgnoreObject { target }) => panic!("ignored by {target}"),
        Err(error) => (json!(error.code().as_str()), Value::Null),
    }
}

type Written = (Value, Value);
/// Question, keys, target attributes, rows, source, what the target holds; what is written by default and by the keys.
type Case<'c> = (u8, &'c str, &'c str, &'c str, Value, Value, Written, Written);

#[test]
fn every_key_of_mappings_reaches_what_is_written() {
    const TITLE: &str = "{ name = \"title\" },";
    const ROLES: &str = "{ name = \"roles\", multivalued = true },";
    const MAIL: &str = "{ name = 'emails[type eq \"work\"].value' },";
    let mapped = "{ attribute = \"jobTitle\", target = \"title\" },";
    let roles =
        "{ expression = 'AssertiveAppRoleAssignmentsComplex([appRoleAssignments])', target = \"roles\" },";
    let replaced = |value: Value| json!([{ "op": "Replace", "path": "title", "value": value }]);
    let work = |primary: Option<bool>| {
        let mut mail = json!({ "type": "work", "value": "u@x.com" });
        if let Some(primary) = primary {
            mail["primary"] = json!(primary);
        }
        json!({ "emails": [mail] })
    };
    let cases: [Case<'_>; 6] = [
        (
            15,
            "assertive_none = true",
            ROLES,
            roles,
            json!({}),
            json!({ "roles": [{ "value": "User" }] }),
            (json!({}), json!([])),
            (json!({}), json!([{ "op": "Replace", "path": "roles", "value": [] }])),
        ),
        (
            21,
            "empty_flows = true",
            TITLE,
            mapped,
            json!({ "jobTitle": "" }),
            json!({ "title": "Boss" }),
            (json!({}), json!([])),
            (json!({ "title": "" }), replaced(json!(""))),
        ),
        (
            28,
            "none_fills_gaps = false",
            TITLE,
            "{ target = \"title\", default = \"Clerk\" },",
            json!({}),
            json!({}),
            (json!({ "title": "Clerk" }), json!([{ "op": "Add", "path": "title", "value": "Clerk" }])),
            (json!({ "title": "Clerk" }), json!([])),
        ),
        (
            29,
            "primary_marks = false",
            MAIL,
            "{ attribute = \"mail\", target = 'emails[type eq \"work\"].value' },",
            json!({ "mail": "u@x.com" }),
            json!({ "emails": [{ "type": "work", "value": "u@x.com" }] }),
            (work(Some(true)), json!([])),
            (work(None), json!([])),
        ),
        (
            30,
            "typed_json_values = false",
            "{ name = \"title\", type = \"Integer\" },",
            mapped,
            json!({ "jobTitle": "42" }),
            json!({ "title": 7 }),
            (json!({ "title": 42 }), replaced(json!(42))),
            (json!({ "title": "42" }), replaced(json!("42"))),
        ),
        (
            31,
            "list_on_single = \"first\"",
            TITLE,
            "{ attribute = \"otherMails\", target = \"title\" },",
            json!({ "otherMails": ["a", "b"] }),
            json!({ "title": "b" }),
            (json!("SchemaPropertyCanOnlyAcceptValue"), Value::Null),
            (json!({ "title": "a" }), replaced(json!("a"))),
        ),
    ];
    for (question, keys, attributes, rows, of, current, default, changed) in cases {
        let by = |keys| written(keys, attributes, rows, &of, &current);
        assert_eq!(by(""), default, "question {question} by default");
        assert_eq!(by(keys), changed, "question {question}: {keys}");
    }
}

#[test]
fn every_key_about_reading_decides_whether_a_profile_is_taken() {
    let unique = r#"SelectUniqueValue([mailNickname], Append([mailNickname], "1"))"#;
    for (question, keys, expression, refused) in [
        (24, "unique_value_outbound = true", unique, "SelectUniqueValue"),
        (26, "adjacent_functions = true", "Trim([jobTitle])", "unknown function `Trim`"),
        (33, "function_case = \"any\"", "toupper([jobTitle])", "unknown function `toupper`"),
    ] {
        let read = |keys| {
            let row = format!(
                "{{ expression = '{expression}', target = \"title\", flow_type = \"ObjectAddOnly\" }},"
            );
            job(keys, "{ name = \"title\" },", &row).map(|_| ())
        };
        let error = read("").expect_err(expression);
        assert!(error.contains(refused), "question {question} by default: {error}");
        assert_eq!(read(keys), Ok(()), "question {question}: {keys}");
    }
    // Question 5 in its stricter form only reports.
    let warned = |keys| {
        let row = "{ expression = 'IIF(IsPresent([jobTitle]), \"a\", \"b\")', target = \"title\" },";
        let (_, _, warnings) = job(keys, "{ name = \"title\" },", row).unwrap();
        warnings.iter().map(ToString::to_string).filter(|text| text.contains("IsPresent")).count()
    };
    assert_eq!((warned(""), warned("strict_conditions = true")), (0, 1));
}
