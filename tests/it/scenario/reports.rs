//! Reports for machines: `JUnit` XML and HAR.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scimulator::scenario::report::{to_har, to_junit};
use scimulator::scenario::{Options, Report, run};

use super::{parsed, text_of};

/// An element of an XML document, as much of it as a schema speaks of.
#[derive(Debug)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
}

/// Reads the elements of a document; panics at whatever is not well-formed. Comments, CDATA and the like are not in it.
fn read(xml: &str) -> Element {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let mut open = vec![Element { name: String::new(), attributes: BTreeMap::new(), children: Vec::new() }];
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "a bare `>` in {text}");
        entities(text);
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().unwrap();
            assert_eq!(element.name, name);
            open.last_mut().unwrap().children.push(element);
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = BTreeMap::new();
        let mut rest = rest;
        while !rest.is_empty() {
            let (key, after) = rest.split_once("=\"").expect("an attribute");
            let (value, after) = after.split_once('"').expect("a quote");
            entities(value);
            assert!(attributes.insert(key.to_owned(), value.to_owned()).is_none(), "{key} twice");
            rest = after.trim_start();
        }
        let element = Element { name: name.to_owned(), attributes, children: Vec::new() };
        if is_empty { open.last_mut().unwrap().children.push(element) } else { open.push(element) }
    }
    let [document] = open.try_into().expect("every element ends");
    let [root]: [Element; 1] = document.children.try_into().expect("one root");
    root
}

/// Every `&` begins an entity.
fn entities(text: &str) {
    for part in text.split('&').skip(1) {
        assert!(
            ["amp;", "lt;", "gt;", "quot;", "#10;"].iter().any(|entity| part.starts_with(entity)),
            "&{part}"
        );
    }
}

/// An element, its required attributes, further ones, its children.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// What `junit-10.xsd` (xUnit plugin of Jenkins) says of the elements that occur.
const SCHEMA: [Rule; 7] = [
    ("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
    (
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        &["testsuite", "properties", "testcase", "system-out", "system-err"],
    ),
    (
        "testcase",
        &["name"],
        &["time", "classname", "group"],
        &[
            "skipped",
            "error",
            "failure",
            "rerunFailure",
            "rerunError",
            "flakyFailure",
            "flakyError",
            "system-out",
            "system-err",
        ],
    ),
    ("failure", &[], &["type", "message"], &[]),
    ("error", &[], &["type", "message"], &[]),
    ("skipped", &[], &["type", "message"], &[]),
    ("system-out", &[], &[], &[]),
];

/// Holds a document against the schema.
pub(crate) fn is_valid_junit(text: &str) {
    validate(&read(text));
}

fn validate(element: &Element) {
    let (_, required, further, children) = SCHEMA
        .iter()
        .find(|(name, ..)| *name == element.name)
        .unwrap_or_else(|| panic!("<{}>", element.name));
    for name in *required {
        assert!(element.attributes.contains_key(*name), "<{}> has no {name}", element.name);
    }
    for (name, value) in &element.attributes {
        assert!(
            required.contains(&name.as_str()) || further.contains(&name.as_str()),
            "{name} on <{}>",
            element.name
        );
        if name == "time" {
            // `SUREFIRE_TIME`: digits, a point, digits.
            let (whole, part) = value.split_once('.').unwrap();
            assert!(
                [whole, part].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())),
                "{value}"
            );
        }
    }
    for child in &element.children {
        assert!(children.contains(&child.name.as_str()), "<{}> in <{}>", child.name, element.name);
        validate(child);
    }
}

fn report(title: &str, steps: &str) -> Report {
    let text = text_of(steps).replace("A test", title);
    run(&parsed(&text), &Options::embedded())
}

#[test]
fn junit_is_valid_against_the_schema_whatever_the_verdict_and_the_texts() {
    let cycle = "[[step]]\ndo = \"initial cycle\"\n";
    let mut skipped = report("skipped <&>", cycle);
    skipped.verdict = scimulator::scenario::Verdict::Skipped("needs \"it\" & that".to_owned());
    let reports = [
        report("a < b & 'c' > \\\"d\\\"", cycle),
        report("failed", &format!("{cycle}expect = {{ target.users = 7, target.groups = 7 }}\n")),
        report("broken", "[[step]]\nedit = { user = 'ben@contoso.com', restore = true }\n"),
        skipped,
    ];
    let document = read(&to_junit(&reports));
    validate(&document);
    assert_eq!(document.name, "testsuites");
    let [suite] = document.children.as_slice() else { panic!("one suite") };
    let count = |name: &str| suite.attributes[name].as_str();
    assert_eq!((count("tests"), count("failures"), count("errors"), count("skipped")), ("4", "1", "1", "1"));
    let kinds: Vec<Vec<&str>> = suite
        .children
        .iter()
        .map(|case| case.children.iter().map(|child| child.name.as_str()).collect())
        .collect();
    assert_eq!(
        kinds,
        [vec![], vec!["failure", "failure", "system-out"], vec!["error"], vec!["skipped", "system-out"]]
    );
    assert_eq!(suite.children[0].attributes["name"], "a &lt; b &amp; 'c' &gt; &quot;d&quot;");
    let failure = &suite.children[1].children[0];
    assert!(failure.attributes["message"].starts_with("test.toml:"), "{failure:?}");
    assert!(suite.children[2].children[0].attributes["message"].contains("`ben@contoso.com` is not deleted"));
}

#[test]
fn har_has_every_exchange_of_every_scenario() {
    let cycle = "[[step]]\ndo = \"initial cycle\"\n";
    let reports = [report("a", cycle), report("b", cycle)];
    let har = to_har(&reports);
    assert_eq!(har["log"]["version"], "1.2");
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), reports.iter().map(|report| report.exchanges.len()).sum::<usize>());
    assert!(10 < entries.len());
}

#[test]
fn files_of_a_run_are_written_where_they_are_wanted() {
    let project =
        crate::common::Project::with([("s.toml", text_of("[[step]]\ndo = \"initial cycle\"\n").as_str())]);
    project
        .scimulator(["scenario", "run", "s.toml", "--junit", "r.xml", "--har", "r.har"])
        .assert()
        .success();
    validate(&read(&project.read("r.xml")));
    assert!(serde_json::from_str::<serde_json::Value>(&project.read("r.har")).is_ok());
    let nowhere: PathBuf = project.path("no/such/r.xml");
    project.scimulator(["scenario", "run", "s.toml", "--junit", nowhere.to_str().unwrap()]).assert().code(2);
}

#[test]
fn equal_runs_give_equal_exchanges() {
    let steps = "[[step]]\ndo = \"initial cycle\"\n[[step]]\nadvance = \"1d\"\n\
                 edit = { user = \"ben@contoso.com\", delete = true }\n";
    let (first, second) = (report("a", steps), report("a", steps));
    assert_eq!(first.exchanges, second.exchanges);
    assert!(30 <= first.cycles, "{}", first.cycles);
}
