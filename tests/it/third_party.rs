//! The story of `examples/contoso` against SCIM servers that others wrote, over sockets, a process for each cycle.
//!
//! What a server refuses of the documented requests is listed in `tests/data/third_party/SERVER.toml`, and nothing is
//! bent to please it: exactly that must fail, as escrows with the server's answer in the log, and all else arrive.

mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::time::Duration;

use scimulator::client::{self, Filter, RequestRecord};
use scimulator::covers;
use scimulator::store::Store;
use serde::Deserialize;
use serde_json::Value;

use self::model::{Holdings, Model, observed};
use crate::common::{Project, ThirdParty};
use crate::sources::root;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    #[serde(default)]
    edits: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    from: Option<String>,
    to: String,
}

/// One server and dialect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    server: String,
    /// The feature flag at the end of the tenant URL, with its question mark; empty for none.
    flag: String,
    #[serde(default)]
    refused: Vec<Refused>,
}

/// A kind of request that the server refuses, although it is documented.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    /// An operation of the request, as it must have been sent; `value` only where its form is the point.
    op: String,
    path: String,
    value: Option<toml::Value>,
    /// Display names, each with the steps that it fails in: `STEP`, `FIRST .. LAST`, or `FIRST ..` to the end.
    objects: BTreeMap<String, Vec<String>>,
    action: String,
    code: String,
    /// Part of the server's answer, which the log must show.
    answer: String,
    /// What the target holds in place of what it should, from the first refusal on: path and value.
    #[serde(default)]
    holds: BTreeMap<String, String>,
    /// Members that the target keeps, from the first refusal on, by userName.
    #[serde(default)]
    keeps: BTreeSet<String>,
}

#[test]
fn scim2_server_takes_what_it_can() {
    run("scim2-server.toml");
}

#[test]
fn scim2_server_takes_what_it_can_with_the_flag() {
    run("scim2-server-flag.toml");
}

#[test]
fn scimmy_takes_what_it_can() {
    run("scimmy.toml");
}

#[test]
fn scimmy_takes_what_it_can_with_the_flag() {
    run("scimmy-flag.toml");
}

/// One story, every dialect, one end: the embedded app understands them all.
#[test]
fn the_embedded_app_ends_each_step_alike_under_every_dialect() {
    let story: Story = read("story.toml");
    for dialect in ["default", "optscim", "legacy2018"] {
        let project =
            example("tenant_url = \"embedded\"", &format!("fidelity = {{ dialect = \"{dialect}\" }}"));
        let mut model = Model::default();
        for step in &story.step {
            for edit in &step.edits {
                apply(&project, edit);
            }
            let wanted = model.step(&project.path("directory"));
            let output = project.scimulator(["cycle", "--fail-on", "escrows", "-q"]).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{dialect}, {}: {output:?}", step.name);
            let store = Store::open(&project.path("state")).unwrap();
            let content = store.embedded_content("contoso").unwrap();
            let (users, groups): (Vec<Value>, Vec<Value>) =
                content.into_iter().partition(|resource| resource["meta"]["resourceType"] == "User");
            assert_eq!(observed(&users, &groups), wanted, "{dialect}, {}", step.name);
        }
        let journal = client::read(&project.path("state/journal/contoso.jsonl"), Filter::all()).unwrap();
        let sent: Vec<_> = journal.map(|exchange| exchange.unwrap().request).collect();
        assert!(100 < sent.len());
        sent.iter().for_each(only_what_a_cycle_sends);
        let verbs: BTreeSet<&str> = sent.iter().map(|request| request.method.as_str()).collect();
        assert_eq!(verbs, BTreeSet::from(["DELETE", "GET", "PATCH", "POST"]));
    }
    covers!("W-021", "W-022", "W-023", "W-066", "W-176", "W-179");
}

/// Headers, operators and endpoints of any request of a cycle (`wire.md 1.4`, 2.2, 8).
fn only_what_a_cycle_sends(request: &RequestRecord) {
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let accept = ("Accept", "application/scim+json");
    match request.method.as_str() {
        "POST" | "PATCH" => {
            assert_eq!(headers, [accept, ("Content-Type", "application/scim+json; charset=utf-8")]);
        }
        _ => {
            assert_eq!(headers, [accept]);
            assert!(request.body.is_none());
        }
    }
    let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let path = path.strip_prefix("http://embedded.invalid/scim/v2/").unwrap();
    assert!(matches!(path.split('/').next(), Some("Users" | "Groups")), "{path}");
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let filter = parameter.strip_prefix("filter=").map(|filter| filter.split('+').collect::<Vec<_>>());
        match filter {
            Some(filter) => assert!(filter.len() >= 3 && filter[1] == "eq", "{query}"),
            None => assert_eq!(parameter, "excludedAttributes=members"),
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(file: &str) -> T {
    let text = std::fs::read_to_string(root().join("tests/data/third_party").join(file)).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn run(file: &str) {
    let (story, case): (Story, Case) = (read("story.toml"), read(file));
    let Some(server) = ThirdParty::start(&case.server) else { return };
    let project = contoso(&server, &case.flag);
    let mut model = Model::default();
    for (number, step) in story.step.iter().enumerate() {
        for edit in &step.edits {
            apply(&project, edit);
        }
        let wanted = model.step(&project.path("directory"));
        let output = project.scimulator(["cycle", "--format", "json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {output:?}", step.name);
        let cycle: Value = serde_json::from_slice(&output.stdout).unwrap();

        let place = format!("{}{}, {}", case.server, case.flag, step.name);
        let spans = |steps: &[String]| steps.iter().map(|steps| span(&story, steps)).collect::<Vec<_>>();
        let fails = |steps: &[String]| spans(steps).iter().any(|span| span.contains(&number));
        failures_are_those_expected(&project, &cycle, &case, &place, fails);
        let seen = observed(&list(&server, "Users"), &list(&server, "Groups"));
        let has_failed = |steps: &[String]| spans(steps).iter().any(|span| *span.start() <= number);
        compare(&case, &place, wanted, &seen, has_failed);
        if step.edits.is_empty() && 0 < number {
            let actions = &cycle["statistics"]["actions"];
            for action in ["created", "updated", "disabled", "deleted"] {
                assert_eq!(actions[action], 0, "{}: {action}", step.name);
            }
        }
    }
}

/// The numbers of the steps that are meant.
fn span(story: &Story, steps: &str) -> RangeInclusive<usize> {
    let position = |name: &str| story.step.iter().position(|step| step.name == name).expect(name);
    match steps.split_once(" ..") {
        Some((first, "")) => position(first)..=story.step.len(),
        Some((first, last)) => position(first)..=position(last.trim()),
        None => position(steps)..=position(steps),
    }
}

/// The example, pointed at the server.
fn contoso(server: &ThirdParty, flag: &str) -> Project {
    let target =
        format!("tenant_url = \"{}{flag}\"\ntoken = {{ value = \"{}\" }}", server.base_url, server.token);
    example(&target, "")
}

/// The example with another target, and these lines more in its job.
fn example(target: &str, more: &str) -> Project {
    let project = Project::with([]);
    let example = root().join("examples/contoso");
    for entry in std::fs::read_dir(example.join("directory")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        project.write(&format!("directory/{name}"), &std::fs::read_to_string(&path).unwrap());
    }
    let config = std::fs::read_to_string(example.join("scimulator.toml")).unwrap();
    let pointed = config.replace("tenant_url = \"embedded\"", &format!("{target}\n{more}"));
    assert!(more.is_empty() || pointed != config);
    project.write("scimulator.toml", &pointed);
    project
}

fn apply(project: &Project, edit: &Edit) {
    let file = format!("directory/{}", edit.file);
    let before = project.read(&file);
    let after = match &edit.from {
        Some(from) => before.replace(from, &edit.to),
        None => before.clone() + &edit.to,
    };
    assert_ne!(after, before, "an edit of {file} changes nothing: {:?}", edit.from);
    project.write(&file, &after);
}

/// Compares what the log says of this cycle with what is listed, request by request.
fn failures_are_those_expected(
    project: &Project,
    cycle: &Value,
    case: &Case,
    place: &str,
    fails: impl Fn(&[String]) -> bool,
) {
    let output = project
        .scimulator(["logs", "--status", "failure", "--wire", "--limit", "1000", "--format", "json"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut entries: Vec<Value> = entries.filter(|entry| entry["cycleId"] == cycle["cycleId"]).collect();
    let mut missing = Vec::new();
    for refused in &case.refused {
        for (object, _) in refused.objects.iter().filter(|(_, steps)| fails(steps)) {
            match entries.iter().position(|entry| is_it(entry, object, refused)) {
                Some(at) => drop(entries.swap_remove(at)),
                None => missing
                    .push(format!("{} of {} {} for {object}", refused.action, refused.op, refused.path)),
            }
        }
    }
    let unexpected: Vec<String> = entries.iter().map(|entry| format!("{entry:#}")).collect();
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "{place}: expected failures that did not come: {missing:#?}\nfailures not expected: {}",
        unexpected.join("\n")
    );
}

fn is_it(entry: &Value, object: &str, refused: &Refused) -> bool {
    let named = entry["sourceIdentity"]["displayName"] == object;
    let error = &entry["provisioningStatusInfo"]["errorInformation"];
    let told = error["reason"].as_str().unwrap().contains(&refused.answer);
    let requests = entry["exchanges"].as_array().unwrap().iter().map(|exchange| &exchange["request"]);
    let sent = requests.filter_map(|request| request["body"]["json"]["Operations"].as_array()).flatten().any(
        |operation| {
            let value = refused.value.as_ref().map(|value| serde_json::to_value(value).unwrap());
            operation["op"] == refused.op.as_str()
                && operation["path"] == refused.path.as_str()
                && value.is_none_or(|value| value == operation["value"])
        },
    );
    named
        && told
        && sent
        && error["errorCode"] == refused.code.as_str()
        && entry["provisioningAction"] == refused.action.as_str()
}

/// Holds what the target has against what it should have, but for what it refused.
fn compare(
    case: &Case,
    place: &str,
    mut wanted: Holdings,
    seen: &Holdings,
    has_failed: impl Fn(&[String]) -> bool,
) {
    for refused in &case.refused {
        for (object, _) in refused.objects.iter().filter(|(_, steps)| has_failed(steps)) {
            let user = wanted.users.values_mut().find(|user| user["displayName"] == *object);
            let held = user.or_else(|| wanted.groups.get_mut(object));
            let held = held.unwrap_or_else(|| panic!("{place}: nothing is expected of {object}"));
            held.extend(refused.holds.clone());
            if !refused.keeps.is_empty() {
                let members = held.remove("members").unwrap_or_default();
                let members: BTreeSet<&str> =
                    members.lines().chain(refused.keeps.iter().map(String::as_str)).collect();
                held.insert("members".to_owned(), Vec::from_iter(members).join("\n"));
            }
            held.retain(|_, value| !value.is_empty());
        }
    }
    for (what, wanted, seen) in
        [("user", &wanted.users, &seen.users), ("group", &wanted.groups, &seen.groups)]
    {
        let names: BTreeSet<_> = wanted.keys().chain(seen.keys()).collect();
        for name in names {
            assert_eq!(
                seen.get(name),
                wanted.get(name),
                "{place}: {what} {name} (left is what the target holds)"
            );
        }
    }
}

/// Every resource of an endpoint, read by a client that has nothing of ours.
fn list(server: &ThirdParty, endpoint: &str) -> Vec<Value> {
    /// More than the story has.
    const COUNT: usize = 200;
    let rest = server.base_url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let token = &server.token;
    // HTTP/1.0: the answer ends where the connection does.
    write!(
        stream,
        "GET /{path}/{endpoint}?count={COUNT} HTTP/1.0\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.lines().next().unwrap().contains(" 200"), "{answer}");
    let mut body: Value = serde_json::from_str(body).unwrap();
    let resources = body["Resources"].as_array_mut().map(std::mem::take).unwrap_or_default();
    assert_eq!(body["totalResults"], resources.len(), "the whole list is needed");
    resources
}
