//! .NET regular expressions through `Replace` (`mapping.md 6.9 and 7.36`).

use scimulator::covers;
use serde_json::json;

use super::{fails, gives};

/// Replaces what `pattern` matches in `text`; both are written as .NET sees them.
#[track_caller]
fn replaces(text: &str, pattern: &str, replacement: &str, wanted: &str) {
    let expression = "Replace([text], , [pattern], , [replacement], , )";
    let attributes = json!({ "text": text, "pattern": pattern, "replacement": replacement });
    gives(expression, &attributes, &json!(wanted));
}

#[track_caller]
fn refuses(pattern: &str) {
    let attributes = json!({ "text": "x", "pattern": pattern });
    fails(r#"Replace([text], , [pattern], , "", , )"#, &attributes, "regular expression");
}

#[test]
fn the_syntax_is_that_of_dotnet() {
    for (text, pattern, replacement, wanted) in [
        ("aBcD", "[A-Z]", "", "ac"),
        ("aBcD", "(?i)b", "-", "a-cD"),
        ("aBcDb", "(?i:b)c", "-", "a-Db"),
        ("a\nb", "a.b", "x", "a\nb"),
        ("a\nb", "(?s)a.b", "x", "x"),
        ("ab\n", "b$", "x", "ax\n"),
        ("ab\n\n", "b$", "x", "ab\n\n"),
        ("ab\nab", "(?m)^a", "x", "xb\nxb"),
        ("ab\nab", "(?m)b$", "x", "ax\nax"),
        ("ab\n", "b\\z", "x", "ab\n"),
        ("ab\n", "b\\Z", "x", "ax\n"),
        ("foobar", "foo(?=bar)", "x", "xbar"),
        ("foobaz", "foo(?!bar)", "x", "xbaz"),
        ("a1b2", "(?<=[a-z])\\d", "#", "a#b#"),
        ("xx12 y34", "(?<!x+)\\d+", "#", "xx1# y#"),
        ("abab", "(ab)\\1", "x", "x"),
        ("aa bb ab", "(?<c>\\w)\\k<c>", "x", "x x ab"),
        ("aa bb ab", "(?'c'\\w)\\k'c'", "x", "x x ab"),
        ("<<a>>", "<.+?>", "", ">"),
        ("aaa", "a{2}", "x", "xa"),
        ("aaaa", "a{2,}?", "x", "xx"),
        ("abcb", "(?>a|ab)c?", "x", "xbcb"),
        ("a b", "a(?x) \\  b # blanks and comments", "x", "x"),
        ("ab", "a(?#comment)b", "x", "x"),
        ("ab", "(?n)(a)(?<q>b)", "[${q}$1]", "[bb]"),
        ("x1y", "(?(?<=x)\\d|y)", "#", "x##"),
        ("ab ad", "(?<p>a)?(?(p)b|c)", "#", "# ad"),
    ] {
        replaces(text, pattern, replacement, wanted);
    }
    covers!("M-118");
}

#[test]
fn classes_follow_dotnet() {
    for (text, pattern, wanted) in [
        ("hello", "[a-z-[aeiou]]", "-e--o"),
        ("a1_é٣-", "\\w", "------"),
        ("a1٣b", "\\d", "a--b"),
        ("a1٣b", "[^\\d]", "-1٣-"),
        ("a\u{a0}\tb", "\\s", "a--b"),
        ("a b", "[\\S]", "- -"),
        ("]a", "[]]", "-a"),
        ("^a", "[\\^]", "-a"),
        ("a^", "[a^]", "--"),
        ("a-b", "[a-]", "--b"),
        ("a[b", "[[]", "a-b"),
        ("a&&b~", "[&&~]", "a--b-"),
        ("aÉé", "\\p{Lu}", "a-é"),
        ("aÉé", "[\\P{Lu}]", "-É-"),
        ("aλй", "\\p{IsGreek}", "a-й"),
        ("aλй", "\\p{IsCyrillic}", "aλ-"),
        ("aé", "\\P{IsBasicLatin}", "a-"),
        ("x\u{8}y", "[\\b]", "x-y"),
    ] {
        replaces(text, pattern, "-", wanted);
    }
}

#[test]
fn escapes_of_punctuation_are_literal_and_codes_are_characters() {
    for (text, pattern, wanted) in [
        ("a<b>c/d", "\\<", "a-b>c/d"),
        ("a<b>c/d", "[\\<\\>\\/]", "a-b-c-d"),
        ("a:b;c=d,e", "\\:|\\;|\\=|\\,", "a-b-c-d-e"),
        ("a b", "\\ ", "a-b"),
        ("aAb", "\\x41", "a-b"),
        ("a€b", "\\u20AC", "a-b"),
        ("a😀b", "\\uD83D\\uDE00", "a-b"),
        ("aAb", "\\101", "a-b"),
        ("a\u{1}b", "\\cA", "a-b"),
        ("a\tb", "\\t", "a-b"),
        ("a{,3}", "a{,3}", "-"),
        ("a{b}", "{b}", "a-"),
        ("a}b", "a}", "-b"),
        ("]a", "]a", "-"),
    ] {
        replaces(text, pattern, "-", wanted);
    }
    covers!("M-121");
}

#[test]
fn replacement_text_is_that_of_dotnet() {
    for (text, pattern, replacement, wanted) in [
        ("x1", "(?<a>x)(\\d)", "$1-$2", "1-x"),
        ("b", "b", "[$0$&$$]", "[bb$]"),
        ("abc", "b", "[$`|$']", "a[a|c]c"),
        ("abc", "(a)(b)", "$+", "bc"),
        ("abc", "b", "<$_>", "a<abc>c"),
        ("ab", "(a)", "$12$1ay", "a2aayb"),
        ("a", "a", "$9 ${nope} $", "$9 ${nope} $"),
        ("ab", "(a)|(b)", "[$1$2]", "[a][b]"),
        ("jo", "(?<n>j)", "${n}${n}", "jjo"),
        ("jo", "(?<n>j)", "${n", "${no"),
        ("abcdefghijk", "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "$11$1", "ka"),
    ] {
        replaces(text, pattern, replacement, wanted);
    }
    covers!("M-119");
}

#[test]
fn an_empty_match_after_a_match_counts() {
    replaces("abc", ".*", "x", "xx");
    replaces("abc", "b*", "-", "-a--c-");
    replaces("", "x*", "-", "-");
    replaces("é", "x*", "-", "-é-");
    covers!("M-120");
}

#[test]
fn invalid_patterns_are_errors() {
    for pattern in [
        "[",
        "(",
        ")",
        "a)",
        "*a",
        "a**",
        "a++",
        "(?<n",
        "(?<1a>x)",
        "\\q",
        "\\",
        "[z-a]",
        "(?P<n>x)",
        "\\p{Nope}",
        "\\k<n>",
        "\\2(a)",
        "(?z)",
        "[a",
        "(?<0>a)",
        "\\u12",
        "a{99999999}",
    ] {
        refuses(pattern);
    }
    fails(
        r#"Replace([text], , "(?<a-b>x)", , "", , )"#,
        &json!({ "text": "x" }),
        "balancing groups are not supported",
    );
}

#[test]
fn the_form_follows_from_the_arguments_given() {
    let x = json!({ "x": "a1b1", "y": "n77" });
    // All seven given: the other attribute comes first, and a source with a value stays.
    gives(r#"Replace([x], "a", "(\d)", "1", "-", [y], "<a>")"#, &x, &json!("a1b1"));
    gives(r#"Replace([none], "a", "(?<g>\d+)", "g", "-", [y], "<a>")"#, &x, &json!("77"));
    gives(r#"Replace([x], "a", "\d", , "-", , "<a>")"#, &x, &json!("<a1b1>"));
    gives(r#"Replace([x], "a", "\d", , "-", , )"#, &x, &json!("-1b1"));
    gives(r#"Replace([x], , "(\d)b", "1", "-", , )"#, &x, &json!("a-b1"));
    gives(r#"Replace([x], , "\d", , "-", , )"#, &x, &json!("a-b-"));
    for text in [r#"Replace([x], "a")"#, "Replace([x])", r#"Replace([x], , , "g", "-", , )"#] {
        fails(text, &x, "fit none of its forms");
    }
    covers!("M-167");
}

#[test]
fn a_source_with_a_value_beats_the_other_attribute() {
    let text = r#"Replace([a], , "(?<n>\d+)(?<m>x)?", "n", , [b], )"#;
    gives(text, &json!({ "a": "kept", "b": "12" }), &json!("kept"));
    gives(text, &json!({ "a": "", "b": "no 12" }), &json!("12"));
    gives(text, &json!({ "b": "none" }), &json!(null));
    gives(text, &json!({}), &json!(null));
    gives(r#"Replace([a], , "(?<n>\d+)(?<m>x)?", "m", , [b], )"#, &json!({ "b": "12" }), &json!(null));
    covers!("M-168");
}

#[test]
fn only_the_span_of_the_group_changes() {
    let x = json!({ "x": "aXa bXb" });
    gives(r#"Replace([x], , "(\w)X(?<last>\w)", "last", "$1", , )"#, &x, &json!("aX$1 bX$1"));
    gives(r#"Replace([x], , "(\w)X(?<last>\w)", "1", "", , )"#, &x, &json!("Xa Xb"));
    gives(r#"Replace([x], , "(?<n>\d)", "n", "-", , )"#, &x, &json!("aXa bXb"));
    gives(r#"Replace([x], , "(?<n>z)?X", "n", "-", , )"#, &x, &json!("aXa bXb"));
    fails(r#"Replace([x], , "X", "nope", "-", , )"#, &x, "no group `nope`");
    fails(r#"Replace([x], , "[", "n", "-", , )"#, &x, "regular expression");
    covers!("M-169");
}

#[test]
fn a_pattern_that_runs_away_is_an_error_and_not_a_hang() {
    let attributes = json!({ "text": format!("{}!x", "a".repeat(60)), "pattern": "^(a|a)+\\1!(?=y)" });
    fails(r#"Replace([text], , [pattern], , "", , )"#, &attributes, "too many steps");
}
