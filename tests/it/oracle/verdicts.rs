//! Every fault of the scenario language, by its words: what the oracle says while it lasts and when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use scimulator::client::{Body, Exchange, Outcome};
use scimulator::parallel::in_order;
use scimulator::scenario::{self, Options, Report, Scenario};
use serde::Deserialize;
use serde_json::Value;

use crate::sources::root;

/// `tests/data/oracle/verdicts.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The directory of every story.
    directory: String,
    story: BTreeMap<String, Story>,
    row: Vec<Row>,
}

/// What happens; a row's fault begins at `FAULT` and ends at `NONE`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// So many users more, and a group of them.
    #[serde(default)]
    crowd: usize,
    /// How its job is set up, where not as usual.
    #[serde(default)]
    job: String,
    steps: Vec<String>,
    /// What the app holds in the end if nothing is wrong with it, as expectations.
    ends: String,
}

/// A fault, and what is found of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    story: String,
    /// The fault, or a list of them, as a scenario has it.
    fault: String,
    /// What the oracle finds, by steps; after others, nothing.
    #[serde(default)]
    found: Vec<Found>,
}

/// What the oracle finds after these steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    /// Their numbers, from 1.
    steps: Vec<usize>,
    /// Each as `what | whose | request to blame`.
    what: Vec<String>,
}

impl Row {
    /// Its faults, one or several, as tables.
    fn faults(&self) -> Vec<toml::Table> {
        let mut value: toml::Table = toml::from_str(&format!("fault = {}", self.fault)).unwrap();
        let faults = match value.remove("fault").unwrap() {
            toml::Value::Array(all) => all,
            one => vec![one],
        };
        faults.into_iter().map(|fault| fault.try_into().unwrap()).collect()
    }

    /// What is found after the step with this number, from 1.
    fn found(&self, step: usize) -> &[String] {
        self.found.iter().find(|found| found.steps.contains(&step)).map_or(&[], |found| &found.what)
    }
}

fn table() -> Table {
    let path = root().join("tests/data/oracle/verdicts.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn parsed(text: &str) -> Scenario {
    let (scenario, warnings) = scenario::parse(text, Path::new("verdicts.toml")).unwrap_or_else(|findings| {
        panic!("{}\n{text}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    assert!(warnings.is_empty(), "{warnings:?}");
    scenario
}

/// The first `count` steps of a story, under a fault or none. `asked` says of which steps the oracle is asked.
fn text_of(
    table: &Table,
    story: &Story,
    fault: Option<&str>,
    count: usize,
    asked: &dyn Fn(usize) -> bool,
) -> String {
    let begins = fault.map_or_else(String::new, |fault| format!("fault = {fault}"));
    let ends = match fault {
        None => "",
        Some(fault) if fault.contains("source") => "fault = { source = \"none\" }",
        Some(fault) if fault.contains("process") => "fault = { process = \"none\" }",
        Some(_) => "fault = { target = \"none\" }",
    };
    let mut text = format!("title = \"A fault\"\n{}{}{}", table.directory, crowd(story.crowd), story.job);
    for (number, step) in (1..=count).zip(&story.steps) {
        let step = step.replace("FAULT", &begins).replace("NONE", ends);
        writeln!(text, "[[step]]\n{step}").unwrap();
        if asked(number) {
            text.push_str("expect.oracle = \"strict\"\n");
        }
    }
    text
}

/// So many users, and a group of them that is assigned.
fn crowd(count: usize) -> String {
    if count == 0 {
        return String::new();
    }
    let mut text = String::new();
    let mut members = Vec::new();
    for number in 0..count {
        writeln!(
            text,
            "[[user]]\nuserPrincipalName = 'u{number}@contoso.com'\ndisplayName = 'U{number}'\nmailNickname = 'u{number}'"
        )
        .unwrap();
        members.push(format!("'u{number}@contoso.com'"));
    }
    let members = members.join(", ");
    writeln!(
        text,
        "[[group]]\ndisplayName = 'Crowd'\nmembers = [{members}]\n[[assignment]]\nprincipal = 'Crowd'"
    )
    .unwrap();
    text
}

fn short(text: &str) -> String {
    text.replace("@contoso.com", "")
}

/// Names by the app's ids, as far as answers show them.
fn names(exchanges: &[Exchange]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for exchange in exchanges {
        let Outcome::Response(response) = &exchange.outcome else { continue };
        let Some(Body::Json(body)) = &response.body else { continue };
        let listed = body["Resources"].as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
        for resource in listed {
            let name = resource.get("userName").or(resource.get("displayName")).and_then(Value::as_str);
            if let (Some(id), Some(name)) = (resource["id"].as_str(), name) {
                names.insert(id.to_owned(), short(name));
            }
        }
    }
    names
}

fn named(text: &str, names: &BTreeMap<String, String>) -> String {
    // The id of a duplicate begins with the other one's.
    let longest_first = names.iter().rev();
    longest_first.fold(text.to_owned(), |text, (id, name)| text.replace(id, &format!("{{{name}}}")))
}

/// The request to blame: method, path, operations of a PATCH, on behalf of whom, and the status.
fn blamed(exchange: &Exchange, names: &BTreeMap<String, String>) -> String {
    let path = exchange.request.url.split("/scim/v2").last().unwrap().split('?').next().unwrap();
    let mut text = format!("{} {}", exchange.request.method, named(path, names));
    if let Some(Body::Json(body)) = &exchange.request.body
        && let Some(operations) = body["Operations"].as_array()
    {
        for operation in operations {
            write!(
                text,
                " {} {}",
                operation["op"].as_str().unwrap(),
                operation["path"].as_str().unwrap_or("…")
            )
            .unwrap();
        }
    }
    let object =
        exchange.about.object.as_ref().map_or_else(|| "nobody".to_owned(), |object| short(&object.label));
    let status = match &exchange.outcome {
        Outcome::Response(response) => response.status.to_string(),
        Outcome::Error(_) => "no answer".to_owned(),
    };
    let cycle = exchange.about.cycle.unwrap();
    format!("{text} for {object} in cycle {cycle}: {status}")
}

/// What the oracle found in the last step.
fn found(report: &Report) -> Vec<String> {
    let names = names(&report.exchanges);
    let mut found = Vec::new();
    for failure in report.failures() {
        assert_eq!(failure.key, "expect.oracle", "{report}");
        let (what, whose) = failure.got.rsplit_once(" (").unwrap();
        let whose = match whose.split_once(':').unwrap().0 {
            "the app" => "app".to_owned(),
            "a defect of ours" => "ours".to_owned(),
            rule => rule.split('`').nth(1).unwrap().to_owned(),
        };
        let guilty =
            failure.guilty.map_or_else(|| "nobody".to_owned(), |at| blamed(&report.exchanges[at], &names));
        found.push(format!("{} | {whose} | {guilty}", named(&short(what), &names)));
    }
    together(&found)
}

/// What is said alike of several of a crowd, in one line.
fn together(found: &[String]) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let one_of_many = |part: &str| {
        let word = part.trim_end_matches(|c| !is_word(c));
        let number = word.strip_prefix('u').filter(|rest| !rest.is_empty());
        match number.filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(_) => part.replacen(word, "u…", 1),
            None => part.to_owned(),
        }
    };
    let mut counted: Vec<(String, usize)> = Vec::new();
    for line in found {
        let line: String = line.split_inclusive(|c| !is_word(c)).map(one_of_many).collect();
        match counted.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => counted.push((line, 1)),
        }
    }
    let told = |(line, count)| if count == 1 { line } else { format!("{count} × {line}") };
    counted.into_iter().map(told).collect()
}

/// What the app holds, by names in the place of ids, without what a server adds.
fn content(report: &Report) -> BTreeSet<String> {
    let name = |resource: &Value| {
        let name = resource.get("userName").unwrap_or(&resource["displayName"]);
        name.as_str().unwrap().to_owned()
    };
    let ids: BTreeMap<String, String> =
        report.held.iter().map(|it| (it["id"].as_str().unwrap().to_owned(), name(it))).collect();
    let mut all = BTreeSet::new();
    for resource in &report.held {
        let mut resource = resource.clone();
        resource.as_object_mut().unwrap().retain(|name, _| name != "meta" && name != "id");
        assert!(all.insert(named(&resource.to_string(), &ids)), "two of one kind: {resource}");
    }
    all
}

/// Plays a row up to a step, in which the oracle is asked; `asked` says of which steps before it is asked too.
fn played(table: &Table, row: &Row, step: usize, asked: &dyn Fn(usize) -> bool, more: &str) -> Report {
    let asked = |number: usize| number == step || asked(number);
    let text = text_of(table, &table.story[&row.story], Some(&row.fault), step, &asked) + more;
    let report = scenario::run(&parsed(&text), &Options::embedded());
    assert_ne!(report.verdict.as_str(), "broken", "{}: {report}", row.fault);
    report
}

#[test]
fn every_fault_converges_or_is_flagged_with_the_right_verdict_and_the_guilty_request() {
    let table = table();
    let workers = std::thread::available_parallelism().unwrap();
    let twins: BTreeMap<&String, Twin> =
        table.story.iter().map(|(name, story)| (name, undisturbed(&table, story))).collect();
    let judge = |_, row: &Row| {
        let mut wrong = String::new();
        let (story, twin) = (&table.story[&row.story], &twins[&row.story]);
        let last = story.steps.len();
        // A step of which something is found ends a scenario. The oracle is content with all others before it.
        for step in (1..=last).filter(|step| *step == last || !row.found(*step).is_empty()) {
            let converges = row.found(step).is_empty();
            let more = if converges { story.ends.as_str() } else { "" };
            let report = played(&table, row, step, &|before| row.found(before).is_empty(), more);
            let found = found(&report);
            let mut problems = Vec::new();
            if found != row.found(step) || report.failures().iter().any(|it| it.step != step) {
                problems.push(format!("found {found:#?}\n{report}"));
            } else if converges && content(&report) != twin.content {
                problems.push(format!("{:#?}", content(&report)));
            } else if converges && report.exchanges == twin.exchanges {
                problems.push("nothing met it".to_owned());
            }
            for problem in problems {
                writeln!(wrong, "{}: {}: step {step}: {problem}", row.story, row.fault).unwrap();
            }
        }
        wrong
    };
    let wrong = in_order(&table.row, workers, judge, &mut |_| {}).concat();
    assert!(wrong.is_empty(), "{wrong}");
}

/// As `drift` is, which has not seen the app when it was as it should be: what differs and whose it is are the same, and
/// the request to blame may be an earlier one.
#[test]
fn verdicts_do_not_depend_on_having_looked_before() {
    let table = table();
    let without_request = |found: &[String]| -> Vec<String> {
        found.iter().map(|line| line.rsplit_once(" | ").unwrap().0.to_owned()).collect()
    };
    for row in table.row.iter().filter(|row| table.story[&row.story].crowd == 0) {
        for step in row.found.iter().filter_map(|found| found.steps.last()) {
            let report = played(&table, row, *step, &|_| false, "");
            let found = found(&report);
            assert_eq!(without_request(&found), without_request(row.found(*step)), "{}: {report}", row.fault);
        }
    }
}

#[test]
fn the_page_on_scenarios_names_every_fault_that_is_never_made_good() {
    let table = table();
    let page = std::fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let (_, listed) = page.split_once("Of these it can't know").unwrap();
    let listed = listed.split("\n## ").next().unwrap();
    let lasting = |row: &&Row| !row.found(table.story[&row.story].steps.len()).is_empty();
    let rows: Vec<&Row> = table.row.iter().filter(lasting).collect();
    assert!(10 < rows.len());
    for row in rows {
        for fault in row.faults() {
            let word = fault["target"].as_str().unwrap();
            assert!(listed.contains(&format!("`{word}`")), "`{word}` is not in the list");
        }
    }
}

/// The words of a scenario's schema, each at least once; and each key of a fault.
#[test]
fn every_word_of_the_language_has_a_row() {
    let schema = scenario::json_schema();
    let forms = schema.pointer("/properties/step/items/properties/fault/anyOf").and_then(Value::as_array);
    let fault = forms.into_iter().flatten().find_map(|form| form.get("properties")).unwrap();
    let rows: Vec<toml::Table> = table().row.iter().flat_map(Row::faults).collect();
    for key in fault.as_object().unwrap().keys() {
        assert!(rows.iter().any(|row| row.contains_key(key)), "no row has `{key}`");
    }
    for key in ["target", "source", "process", "of", "method"] {
        let words = fault[key]["enum"].as_array().unwrap_or_else(|| panic!("{key}: {fault}"));
        for word in words.iter().filter_map(Value::as_str).filter(|word| *word != "none") {
            let has_it = rows.iter().any(|row| row.get(key).and_then(toml::Value::as_str) == Some(word));
            assert!(has_it, "no row has {key} = `{word}`");
        }
    }
    let throttled =
        || rows.iter().filter(|row| row.get("target").and_then(toml::Value::as_str) == Some("throttled"));
    assert!(throttled().any(|row| row.contains_key("retry_after")));
    assert!(throttled().any(|row| !row.contains_key("retry_after")));
    for method in ["POST", "PATCH", "DELETE"] {
        let lost = rows.iter().any(|row| {
            let is = |key: &str, word: &str| row.get(key).and_then(toml::Value::as_str) == Some(word);
            is("target", "lost_reply") && is("method", method)
        });
        assert!(lost, "no answer to a {method} is lost");
    }
}

/// What comes of a story in which nothing goes wrong.
struct Twin {
    content: BTreeSet<String>,
    exchanges: Vec<Exchange>,
}

/// The oracle is content after each step of it, and the app holds what is expected.
fn undisturbed(table: &Table, story: &Story) -> Twin {
    let text = text_of(table, story, None, story.steps.len(), &|_| true) + &story.ends;
    let report = scenario::run(&parsed(&text), &Options::embedded());
    assert_eq!(report.verdict.as_str(), "passed", "{report}");
    Twin { content: content(&report), exchanges: report.exchanges }
}
