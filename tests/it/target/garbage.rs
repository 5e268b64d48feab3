//! Requests that somebody broke: whatever comes, an answer goes out, and it is not one that blames the app.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use scimulator::http::Method;
use serde_json::{Value, json};

use super::{Story, data, encoded};

/// How often each kind of request is broken.
const BROKEN_REQUESTS: u32 = 3_000;

/// Always the same requests, so that a failure can be repeated.
fn runner() -> TestRunner {
    let config = Config { cases: BROKEN_REQUESTS, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn populated() -> Story {
    let mut story = Story::new();
    for user in data("filters.json")["users"].as_array().unwrap() {
        story.create("/Users", user.clone());
    }
    story.create("/Groups", json!({ "displayName": "g", "members": [{ "value": "a" }, { "value": "b" }] }));
    story
}

/// Cuts, doubles, swaps or overwrites a piece of the text.
fn broken(text: &str, (kind, at, length, put): (u8, prop::sample::Index, usize, String)) -> String {
    let chars: Vec<char> = text.chars().collect();
    let start = if chars.is_empty() { 0 } else { at.index(chars.len()) };
    let end = (start + length).min(chars.len());
    let (before, piece, after): (String, String, String) =
        (chars[..start].iter().collect(), chars[start..end].iter().collect(), chars[end..].iter().collect());
    match kind {
        0 => before + &after,
        1 => format!("{before}{piece}{piece}{after}"),
        2 => format!("{before}{put}{after}"),
        _ => format!("{after}{piece}{before}"),
    }
}

fn damage() -> impl Strategy<Value = (u8, prop::sample::Index, usize, String)> {
    let pieces = prop::sample::select(vec![
        "", "\"", "[", "]", "(", ")", "{", "}", ".", ":", ",", "\\", "null", "true", "-1e9", "\u{0}", "ß",
        "🦀", "not (", " and ", "eq", "urn:", "members", "value", "primary", "$ref",
    ]);
    (0_u8..4, any::<prop::sample::Index>(), 0_usize..12, pieces.prop_map(ToOwned::to_owned))
}

/// The app answered, did not blame itself, and still holds what can be read and queried.
fn is_sound(story: &mut Story, status: u16, sent: &str) {
    assert!((200..500).contains(&status), "{status} to {sent}");
    assert_eq!(story.get("/Users?filter=not+(flavour+pr)&count=1").0, 200, "after {sent}");
}

#[test]
fn broken_bodies_never_break_the_app() {
    let mut bodies: Vec<(Method, String, String)> = Vec::new();
    for case in data("patch.json").as_array().unwrap() {
        bodies.push((Method::Post, "/Users".to_owned(), case["before"].to_string()));
        bodies.push((
            Method::Patch,
            "/Users/{user}".to_owned(),
            json!({ "Operations": case["operations"] }).to_string(),
        ));
        bodies.push((Method::Put, "/Users/{user}".to_owned(), case["before"].to_string()));
    }
    for case in data("members.json").as_array().unwrap() {
        bodies.push((
            Method::Patch,
            "/Groups/{group}".to_owned(),
            json!({ "Operations": case["operations"] }).to_string(),
        ));
    }
    let strategy = (prop::sample::select(bodies), prop::collection::vec(damage(), 1..4));
    runner()
        .run(&strategy, |((method, path, body), damages)| {
            let mut story = populated();
            let ids: Vec<String> =
                story.app.resources().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
            let path = path.replace("{user}", &ids[0]).replace("{group}", &ids[3]);
            let sent = damages.into_iter().fold(body, |text, damage| broken(&text, damage));
            let before: Vec<Value> = story.app.resources().cloned().collect();
            let status = story.raw(method, &path, Some(sent.clone().into_bytes())).status;
            if 300 <= status {
                assert_eq!(
                    story.app.resources().cloned().collect::<Vec<_>>(),
                    before,
                    "a refusal changes nothing"
                );
            }
            is_sound(&mut story, status, &sent);
            Ok(())
        })
        .unwrap();
}

#[test]
fn broken_filters_never_break_the_app() {
    let filters: Vec<String> = data("filters.json")["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["filter"].as_str().unwrap().to_owned())
        .collect();
    let mut story = populated();
    let strategy = (prop::sample::select(filters), prop::collection::vec(damage(), 1..4), any::<bool>());
    let story = std::cell::RefCell::new(&mut story);
    runner()
        .run(&strategy, |(filter, damages, escaped)| {
            let mut story = story.borrow_mut();
            let sent = damages.into_iter().fold(filter, |text, damage| broken(&text, damage));
            let query = if escaped { encoded(&sent) } else { sent.clone() };
            let status =
                story.raw(Method::Get, &format!("/Users?filter={query}&attributes={query}"), None).status;
            assert!(matches!(status, 200 | 400), "{status} to {sent}");
            is_sound(&mut story, status, &sent);
            Ok(())
        })
        .unwrap();
}

#[test]
fn deep_bodies_are_refused() {
    let mut story = Story::new();
    let deep = format!(
        "{{\"userName\":\"a\",\"urn:x:User\":{}1{}}}",
        "{\"a\":".repeat(100_000),
        "}".repeat(100_000)
    );
    assert_eq!(story.raw(Method::Post, "/Users", Some(deep.into_bytes())).status, 400);
}

#[test]
fn a_filter_of_many_terms_is_answered() {
    let mut story = populated();
    let many = vec!["userName eq \"bob\""; 500].join(" or ");
    assert_eq!(story.get(&format!("/Users?filter={}", encoded(&many))).1["totalResults"], 1);
}
