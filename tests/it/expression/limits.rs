//! Every limit at its edge and one beyond.

use scimulator::covers;
use scimulator::expression::limits::{
    EVALUATION_STEPS_MAX, EXPRESSION_CHARACTERS_MAX, LIST_VALUES_MAX, NESTING_MAX, PARSE_ERRORS_MAX,
    RANDOM_STRING_CHARACTERS_MAX, REGEX_BACKTRACKS_MAX, REGEX_MATCHES_MAX, REGEX_PATTERN_CHARACTERS_MAX,
    REGEX_PROGRAM_BYTES_MAX, REGEX_PROGRAM_INSTRUCTIONS_MAX, REGEX_TEXT_BYTES_MAX, TRACE_ENTRIES_MAX,
    VALUE_BYTES_MAX,
};
use scimulator::expression::{Environment, Expression, ParseOptions, Random, Switches, Trace};
use serde_json::json;

use super::{NOW, evaluate, fails, gives, parse, shown, source};

/// A constant whose text has as many characters as bring the expression to `characters`.
fn constant_of(characters: usize) -> String {
    format!("\"{}\"", "é".repeat(characters - 2))
}

#[test]
fn an_expression_has_at_most_10_000_characters() {
    assert_eq!(EXPRESSION_CHARACTERS_MAX, 10_000);
    parse(&constant_of(10_000)).unwrap();
    let errors = parse(&constant_of(10_001)).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "the expression has 10001 characters; at most 10000 are allowed");
    assert_eq!((errors[0].start, errors[0].length), (10_000, 1));
    covers!("M-094", "E-092");
}

/// `Not(Not(…))`, `levels` deep.
fn nested(levels: usize) -> String {
    format!("{}[x]{}", "Not(".repeat(levels), ")".repeat(levels))
}

#[test]
fn functions_nest_to_the_limit_and_no_deeper() {
    gives(&nested(NESTING_MAX), &json!({ "x": "True" }), &json!("True"));
    let errors = parse(&nested(NESTING_MAX + 1)).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].message, format!("functions are nested deeper than {NESTING_MAX} levels"));
    assert_eq!(errors[0].start, NESTING_MAX * "Not(".len());
}

#[test]
fn no_depth_overflows_a_small_stack() {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(|| {
        // As deep as the text allows, closed and left open, in every construct that nests.
        for text in ["Not(", "IIF(", "IIF([a]=", "Join(\"\", ", "[", "(", "Unknown(", "Not(,", "IIF(Not("] {
            let depth = EXPRESSION_CHARACTERS_MAX / (text.len() + 1);
            parse(&text.repeat(depth)).unwrap_err();
            parse(&format!("{}{}", text.repeat(depth), ")".repeat(depth))).unwrap_err();
        }
        let deepest = "IIF([x] = \"a\", IIF(\"1\" = \"1\", ".repeat(NESTING_MAX / 2)
            + "\"end\""
            + &", \"no\")".repeat(NESTING_MAX);
        gives(&deepest, &json!({ "x": "a" }), &json!("end"));
        let expression = parse(&nested(NESTING_MAX)).unwrap();
        let tree = expression.to_graph_json();
        assert_eq!(
            Expression::from_graph_json(&tree, &ParseOptions::default()).unwrap().canonical(),
            expression.canonical()
        );
        assert_eq!(expression.clone(), expression);
        // Patterns nest as well.
        for (open, close) in [("(", ")"), ("(?:", ")"), ("(?=", ")"), ("[a-", "]"), ("(?(", ")")] {
            let pattern = format!("{}x{}", open.repeat(2_000), close.repeat(2_000));
            fails(
                "Replace([x], , [p], , \"\", , )",
                &json!({ "x": "x", "p": pattern }),
                "regular expression",
            );
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn a_tree_deeper_than_the_limit_is_refused() {
    let mut tree = json!({ "type": "Attribute", "name": "x" });
    for _ in 0..=NESTING_MAX {
        tree =
            json!({ "type": "Function", "name": "Not", "parameters": [{ "key": "source", "value": tree }] });
    }
    let errors = Expression::from_graph_json(&tree, &ParseOptions::default()).unwrap_err();
    assert_eq!(errors[0].message, format!("functions are nested deeper than {NESTING_MAX} levels"));
}

#[test]
fn at_most_so_many_mistakes_are_reported() {
    let wrong = |count: usize| format!("Join({})", vec!["x"; count].join(","));
    assert_eq!(parse(&wrong(PARSE_ERRORS_MAX)).unwrap_err().len(), PARSE_ERRORS_MAX);
    assert_eq!(parse(&wrong(PARSE_ERRORS_MAX + 1)).unwrap_err().len(), PARSE_ERRORS_MAX);
}

#[test]
fn an_evaluation_takes_at_most_so_many_steps() {
    // One step for each node and each list value: Count(…) is 3 nodes with its list inside RemoveDuplicates.
    let list = |values: usize| json!({ "l": vec!["a"; values] });
    let edge = usize::try_from(EVALUATION_STEPS_MAX).unwrap() - 3;
    gives("Count(RemoveDuplicates([l]))", &list(edge), &json!("1"));
    fails("Count(RemoveDuplicates([l]))", &list(edge + 1), "the evaluation takes more than 100000 steps");
}

#[test]
fn steps_grow_with_the_nodes_that_were_needed() {
    let switches = Switches::default();
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
    let expression = parse(r#"IIF([a] = "x", Join(" ", [a], [b]), Join(" ", [c], [d], [e]))"#).unwrap();
    expression.evaluate(&source(&json!({ "a": "x" })), &mut environment).unwrap();
    // IIF, the comparison and its sides; then Join and its three arguments.
    assert_eq!(environment.steps, 8);
}

#[test]
fn a_list_has_at_most_so_many_values() {
    let attributes = |values: usize| json!({ "x": vec!["a"; values].join(",") });
    gives(r#"Count(Split([x], ","))"#, &attributes(LIST_VALUES_MAX), &json!(LIST_VALUES_MAX.to_string()));
    let beyond =
        format!("the list has {} values; at most {LIST_VALUES_MAX} are allowed", LIST_VALUES_MAX + 1);
    fails(r#"Count(Split([x], ","))"#, &attributes(LIST_VALUES_MAX + 1), &beyond);
}

#[test]
fn a_value_has_at_most_so_many_bytes() {
    let half = "a".repeat(VALUE_BYTES_MAX / 2);
    let attributes = json!({ "x": half, "l": [half, half] });
    for text in [
        r#"Join("", [x], [x])"#,
        "Append([x], [x])",
        r#"Replace("bb", "b", , , [x], , )"#,
        r#"Replace("bb", , "b", , [x], , )"#,
        r#"Replace("bb", , "(b)", "1", [x], , )"#,
    ] {
        let value = shown(evaluate(text, &attributes));
        assert_eq!(value.as_str().map(str::len), Some(VALUE_BYTES_MAX), "{text}");
    }
    assert_eq!(shown(evaluate("ToLower([l])", &attributes)), json!([half, half]));
    let beyond =
        format!("the value takes {} bytes; at most {VALUE_BYTES_MAX} are allowed", VALUE_BYTES_MAX + 1);
    for text in [
        r#"Join("", [x], "b", [x])"#,
        r#"Append(Append([x], [x]), "b")"#,
        r#"Replace("bcb", "b", , , [x], , )"#,
        r#"Replace("bcb", , "b", , [x], , )"#,
        r#"Replace("bbc", , "(b)", "1", [x], , )"#,
    ] {
        fails(text, &attributes, &beyond);
    }
    fails(r#"Append([l], "b")"#, &attributes, &format!("the value takes {} bytes", VALUE_BYTES_MAX + 2));
    // Growing in leaps does not get far either.
    let leap = r#"Replace([x], "a", , , [x], , )"#;
    fails(leap, &attributes, "bytes; at most");
}

#[test]
fn a_pattern_has_at_most_so_many_characters() {
    let attributes = |characters: usize| json!({ "p": "é".repeat(characters), "x": "é" });
    gives(r#"Replace([x], , [p], , "", , )"#, &attributes(REGEX_PATTERN_CHARACTERS_MAX), &json!("é"));
    let beyond = format!("the pattern has {} characters", REGEX_PATTERN_CHARACTERS_MAX + 1);
    fails(r#"Replace([x], , [p], , "", , )"#, &attributes(REGEX_PATTERN_CHARACTERS_MAX + 1), &beyond);
}

#[test]
fn a_pattern_is_replaced_at_most_so_many_times() {
    let attributes = |characters: usize| json!({ "x": "a".repeat(characters) });
    gives(r#"Replace([x], , "a", , "", , )"#, &attributes(REGEX_MATCHES_MAX), &json!(""));
    let beyond = format!("the pattern matches more than {REGEX_MATCHES_MAX} times");
    fails(r#"Replace([x], , "a", , "", , )"#, &attributes(REGEX_MATCHES_MAX + 1), &beyond);
}

#[test]
fn a_pattern_searches_at_most_so_many_bytes() {
    let attributes = |bytes: usize| json!({ "x": "a".repeat(bytes) });
    gives(
        r#"InStr(Replace([x], , "a$", , "b", , ), "b")"#,
        &attributes(REGEX_TEXT_BYTES_MAX),
        &json!("65536"),
    );
    let beyond = "the text to search takes 65537 bytes; at most 65536 are allowed";
    fails(r#"Replace([x], , "a$", , "b", , )"#, &attributes(REGEX_TEXT_BYTES_MAX + 1), beyond);
}

#[test]
fn replacement_text_that_repeats_the_whole_text_is_stopped_on_the_way() {
    let attributes = json!({ "x": "a".repeat(60_000), "r": "$_".repeat(4_000) });
    fails(r#"Replace([x], , "a", , [r], , )"#, &attributes, "bytes; at most");
}

#[test]
fn a_pattern_that_compiles_to_too_much_is_refused() {
    fails(r#"Replace("x", , "(\\w{100}){100}", , "", , )"#, &json!({}), "is not valid or too large");
}

#[test]
fn a_random_string_has_at_most_256_characters() {
    gives("InStr(Append(RandomString(256, 256, 0, 0, 0), \"x\"), \"x\")", &json!({}), &json!("257"));
    fails("RandomString(257, 0, 0, 0, 0)", &json!({}), "the length 257 is above 256");
}

#[test]
fn a_trace_stops_growing_and_the_evaluation_goes_on() {
    let switches = Switches::default();
    let values = vec!["[a]"; TRACE_ENTRIES_MAX].join(",");
    let expression = parse(&format!("Count(Split(Join(\",\", {values}), \",\"))")).unwrap();
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
    environment.trace = Some(Trace::default());
    let outcome = expression.evaluate(&source(&json!({ "a": "x" })), &mut environment);
    assert_eq!(shown(outcome), json!(TRACE_ENTRIES_MAX.to_string()));
    assert_eq!(environment.trace.unwrap().entries.len(), TRACE_ENTRIES_MAX);
}

/// The largest number from 1 to `most` that passes; everything up to it does, and nothing beyond.
fn edge(most: usize, passes: impl Fn(usize) -> bool) -> usize {
    let (mut passing, mut failing) = (1, most);
    assert!(passes(passing) && !passes(failing));
    while passing + 1 < failing {
        let middle = usize::midpoint(passing, failing);
        if passes(middle) { passing = middle } else { failing = middle }
    }
    passing
}

/// What `Replace` with that pattern fails with on that text.
fn replace_failure(pattern: &str, text: &str) -> Option<String> {
    let attributes = json!({ "p": pattern, "x": text });
    evaluate(r#"Replace([x], , [p], , "", , )"#, &attributes).err().map(|error| error.to_string())
}

#[test]
fn a_search_backtracks_at_most_so_often() {
    // Two alternatives fail at each character: two steps back for each, and a few at the ends.
    let pattern = "^(?:(?=b)b|(?=c)c|a)*$";
    let failure = |characters: usize| replace_failure(pattern, &"a".repeat(characters));
    let last = edge(REGEX_TEXT_BYTES_MAX, |characters| failure(characters).is_none());
    assert!(last.abs_diff(REGEX_BACKTRACKS_MAX / 2) < 10, "{last}");
    assert!(failure(last + 1).unwrap().contains("takes too many steps"), "{:?}", failure(last + 1));
}

#[test]
fn a_pattern_compiles_to_at_most_so_much() {
    // A part without look-around is measured in bytes, one with it in instructions.
    let plain = |count: usize| format!("\\w{{{count}}}");
    let last = edge(REGEX_PROGRAM_BYTES_MAX, |count| replace_failure(&plain(count), "x").is_none());
    let failure = replace_failure(&plain(last + 1), "x").unwrap();
    assert!(failure.contains("is not valid or too large"), "{failure}");

    let looking = |count: usize| "(?!a)|".repeat(count);
    let most = REGEX_PATTERN_CHARACTERS_MAX / looking(1).len();
    let last = edge(most, |count| replace_failure(&looking(count), "x").is_none());
    let failure = replace_failure(&looking(last + 1), "x").unwrap();
    assert!(failure.contains("is not valid or too large"), "{failure}");
    let instructions_each = REGEX_PROGRAM_INSTRUCTIONS_MAX / last;
    assert!((2..10).contains(&instructions_each), "{instructions_each}");
}

#[test]
fn catastrophic_patterns_end() {
    let text = format!("{}!", "a".repeat(5_000));
    for pattern in ["(a+)+$", "(a|aa)+$", "(.*a){12}b", "^(\\w+\\s?)*$", "(?=(a+)+b)", "(a*)*\\1b"] {
        if let Some(failure) = replace_failure(pattern, &text) {
            assert!(failure.contains("takes too many steps"), "{pattern}: {failure}");
        }
    }
}

#[test]
fn half_of_a_surrogate_pair_never_gets_out() {
    // .NET text may hold half a pair; on the wire it becomes the replacement character, as here.
    let attributes = json!({ "x": "a😀b", "l": ["😀", "b"] });
    for (text, wanted) in [
        ("Left([x], 2)", json!("a\u{FFFD}")),
        ("Mid([x], 3, 2)", json!("\u{FFFD}b")),
        ("Left([l], 1)", json!(["\u{FFFD}", "b"])),
        (r#"Append(Left([x], 2), "c")"#, json!("a\u{FFFD}c")),
        ("ConvertToUTF8Hex(Left([l], 1))", json!(["EFBFBD", "62"])),
    ] {
        gives(text, &attributes, &wanted);
    }
}

#[test]
fn the_documentation_has_every_limit() {
    let page = include_str!("../../../docs/expressions.md");
    let (_, table) = page.split_once("## Limits").unwrap();
    let rows = table.lines().filter_map(|line| line.rsplit('|').nth(1));
    let documented: Vec<usize> =
        rows.filter_map(|value| value.split_whitespace().next()?.replace(',', "").parse().ok()).collect();
    let limits = [
        EXPRESSION_CHARACTERS_MAX,
        NESTING_MAX,
        PARSE_ERRORS_MAX,
        usize::try_from(EVALUATION_STEPS_MAX).unwrap(),
        LIST_VALUES_MAX,
        VALUE_BYTES_MAX,
        TRACE_ENTRIES_MAX,
        REGEX_PATTERN_CHARACTERS_MAX,
        REGEX_PROGRAM_BYTES_MAX,
        REGEX_PROGRAM_INSTRUCTIONS_MAX,
        REGEX_BACKTRACKS_MAX,
        REGEX_MATCHES_MAX,
        REGEX_TEXT_BYTES_MAX,
        RANDOM_STRING_CHARACTERS_MAX,
    ];
    assert_eq!(documented, limits);
}
