//! The app with faults: the figures of published limits, and the layer on a socket as `scimulator target --fault` has
//! it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use scimulator::http::{Method, Request, Response};
use scimulator::target::{App, AppOptions, Fault, FaultRule, FaultWord, FaultyApp, Preset};
use serde_json::{Value, json};

use crate::common::Project;
use crate::sources::root;

/// An app under the limits of an application, and its time.
struct Limited(FaultyApp, Timestamp);

impl Limited {
    fn to(of: Preset) -> Self {
        let mut app = FaultyApp::new(App::new(AppOptions::default()), 0);
        app.break_it(FaultRule::every(Fault::Limits { of }));
        Self(app, "2026-05-01T00:00:00Z".parse().unwrap())
    }

    fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let body = body.map(|body| body.to_string().into_bytes());
        let request = Request { method, url: format!("http://app/scim/v2{path}"), headers: Vec::new(), body };
        self.0.handle(&request, None, self.1).outcome.unwrap()
    }

    /// How many of these requests pass before one is throttled.
    fn passing(&mut self, method: Method, path: &str, body: Option<&Value>) -> usize {
        let passing = (0..5000).find(|_| self.ask(method, path, body).status == 429);
        passing.expect("there is a limit")
    }

    fn later(&mut self, seconds: i64) {
        self.1 += SignedDuration::from_secs(seconds);
    }
}

/// A PATCH of a group that adds so many members.
fn adding(members: usize) -> Value {
    let value: Vec<Value> = (0..members).map(|n| json!({ "value": n.to_string() })).collect();
    json!({ "Operations": [{ "op": "Add", "path": "members", "value": value }] })
}

#[test]
fn dbt_takes_20_creates_in_a_window_of_5_seconds_and_does_not_count_the_rest() {
    // "API rate limits", dbt Developer Hub.
    let mut app = Limited::to(Preset::Dbt);
    assert_eq!(app.passing(Method::Post, "/Users", Some(&json!({}))), 20);
    for (method, path) in [(Method::Get, "/Users"), (Method::Patch, "/Users/1"), (Method::Post, "/Groups")] {
        assert_ne!(app.ask(method, path, Some(&json!({}))).status, 429, "{method} {path}");
    }
    app.later(4);
    assert_eq!(app.passing(Method::Post, "/Users", Some(&json!({}))), 0);
    app.later(1);
    assert_eq!(app.passing(Method::Post, "/Users", Some(&json!({}))), 20);
}

#[test]
fn github_takes_1000_users_an_hour() {
    // "Troubleshooting identity and access management for your enterprise", GitHub Docs.
    let mut app = Limited::to(Preset::GitHub);
    assert_eq!(app.passing(Method::Post, "/Users", Some(&json!({}))), 1000);
    app.later(3600);
    assert_eq!(app.ask(Method::Post, "/Users", Some(&json!({}))).status, 400, "it is looked at again");
}

#[test]
fn slack_refills_three_writes_a_second_and_says_when() {
    // "SCIM API rate limits", Slack developer docs: 180 a minute, 20 at once.
    let mut app = Limited::to(Preset::Slack);
    assert_eq!(app.passing(Method::Post, "/Users", Some(&json!({}))), 20);
    assert_eq!(app.ask(Method::Post, "/Users", Some(&json!({}))).header("Retry-After"), Some("1"));
    app.later(1);
    assert_eq!(app.passing(Method::Post, "/Users", Some(&json!({}))), 3);
    assert_eq!(app.passing(Method::Patch, "/Groups/1", Some(&json!({}))), 80);
    assert_eq!(app.passing(Method::Get, "/Users/1", None), 300);
    // 1000 reads in all, of which 300 are gone.
    assert_eq!(app.passing(Method::Get, "/Users", None), 700);
}

#[test]
fn miro_counts_each_endpoint_in_30_seconds_and_groups_by_their_size() {
    // "Rate limits", Miro Developer Platform.
    let mut app = Limited::to(Preset::Miro);
    let small = adding(1);
    let large = adding(50);
    for (method, path, body, amount) in [
        (Method::Get, "/Users", None, 200),
        (Method::Get, "/Users/1", None, 200),
        (Method::Post, "/Users", None, 200),
        (Method::Patch, "/Users/1", None, 100),
        (Method::Delete, "/Users/1", None, 20),
        (Method::Get, "/Groups", None, 5),
        (Method::Get, "/Groups/1", None, 20),
        (Method::Patch, "/Groups/1", Some(&large), 5),
        (Method::Patch, "/Groups/1", Some(&small), 100),
    ] {
        assert_eq!(app.passing(method, path, body), amount, "{method} {path}");
    }
    app.later(30);
    assert_eq!(app.passing(Method::Get, "/Groups", None), 5);
    assert_eq!(app.ask(Method::Patch, "/Groups/1", Some(&adding(80_000))).status, 413);
}

#[test]
fn aws_takes_100_changes_of_members_and_not_all_at_once() {
    // `PatchGroup` and `CreateGroup`, IAM Identity Center SCIM Implementation Developer Guide.
    let mut app = Limited::to(Preset::Aws);
    let group = json!({ "displayName": "Sales" });
    let created: Value =
        serde_json::from_slice(&app.ask(Method::Post, "/Groups", Some(&group)).body).unwrap();
    let path = format!("/Groups/{}", created["id"].as_str().unwrap());
    assert_eq!(app.ask(Method::Patch, &path, Some(&adding(100))).status, 204);
    assert_eq!(app.ask(Method::Patch, &path, Some(&adding(101))).status, 400);
    let all = json!({ "Operations": [{ "op": "Remove", "path": "members" }] });
    assert_eq!(app.ask(Method::Patch, &path, Some(&all)).status, 400);
    let one = json!({ "Operations": [{ "op": "Remove", "path": "members", "value": [{ "value": "1" }] }] });
    assert_eq!(app.ask(Method::Patch, &path, Some(&one)).status, 204);
    let whole = json!({ "displayName": "All", "members": adding(101)["Operations"][0]["value"] });
    assert_eq!(app.ask(Method::Post, "/Groups", Some(&whole)).status, 400);
}

/// `scimulator target` with these arguments, on a port of its own; stopped with the value.
pub(crate) struct Target {
    child: Child,
    address: String,
}

impl Target {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scimulator"))
            .args(["target", "--port", "0"])
            .args(arguments)
            .env_remove("SCIMULATOR_TARGET_TOKEN")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").unwrap().strip_suffix("/scim").unwrap().to_owned();
        Self { child, address }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/scim", self.address)
    }

    /// Everything that comes back until the connection is closed.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        let request = format!(
            "{method} /scim{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn faults_are_met_over_a_socket() {
    let target = Target::start(&[
        "--fault",
        "not_found_when_empty",
        "--fault",
        "html,method=GET,path=/Groups",
        "--fault",
        "lost_reply,method=post,times=1",
        "--fault",
        "throttled,retry_after=2m,path=/Users,after=2,times=1",
    ]);
    let ada = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}"#;
    let query = "/Users?filter=userName+eq+%22ada%22";
    assert!(target.ask("GET", query, "").starts_with("HTTP/1.1 404"));
    assert_eq!(
        target.ask("POST", "/Users", ada),
        "",
        "it is done, and the connection closes without an answer"
    );
    let throttled = target.ask("GET", query, "");
    assert!(throttled.starts_with("HTTP/1.1 429") && throttled.contains("retry-after: 120"), "{throttled}");
    let found = target.ask("GET", query, "");
    assert!(found.starts_with("HTTP/1.1 200") && found.contains(r#""totalResults":1"#), "{found}");
    let html = target.ask("GET", "/Groups", "");
    assert!(html.starts_with("HTTP/1.1 502") && html.contains("text/html"), "{html}");
}

#[test]
fn a_fault_that_makes_no_sense_is_told_with_what_would() {
    for (fault, words) in [
        ("dwon", "did you mean `down`?"),
        ("slow,status=503", "`status` does not belong to `slow`"),
        ("error,status=200", "the status is from 400 to 599, not 200"),
        ("error,satus=503", "did you mean `status`?"),
        ("error,times=0", "`0` is no number of requests"),
        ("error,percent=101", "`101` is no number from 1 to 100"),
        ("slow,latency=soon", "write for example `30s`"),
        ("limits", "`limits` needs `of`"),
        ("limits,of=slack", "did you mean `Slack`?"),
        ("down,times", "`times` says nothing"),
        ("down,times", "keys of `down` are method, path, after, times, percent"),
        ("slow,status=503", "keys of `slow` are latency, method"),
        ("error,status=abc", "write for example `status=503`"),
        ("error,status=200", "write for example `error,status=503`"),
        ("limits", "limits are known of AWS, Slack"),
        ("down,path=Users", "`Users` is no path, which begins with `/`"),
        ("down,path=Users", "write for example `path=/Users`"),
        ("error,user=a@b", "a request does not say whom it is about"),
        ("error,group=Sales", "narrow it by `method` and `path`"),
        ("forgets,user=x", "`forgets` is done to an account once, and is for scenarios alone"),
    ] {
        let told = Project::with([]).scimulator(["target", "--fault", fault]).assert().code(2);
        let told = String::from_utf8_lossy(&told.get_output().stderr).into_owned();
        assert!(told.contains(words), "{fault}: {told}");
    }
}

/// An app that gives tokens to nobody lets nobody in.
#[test]
fn a_client_that_has_nothing_to_show_is_refused() {
    let told = Project::with([]).scimulator(["target", "--client-id", "entra"]).assert().code(2);
    let told = String::from_utf8_lossy(&told.get_output().stderr).into_owned();
    for words in ["`entra` has nothing to show", "--client-secret-env", "--trust"] {
        assert!(told.contains(words), "`{words}` is not in {told}");
    }
}

#[test]
fn help_and_documentation_name_every_fault_and_preset() {
    let help = Project::with([]).scimulator(["target", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let page = std::fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let schema = std::fs::read_to_string(root().join("docs/scenario.schema.json")).unwrap();
    for word in FaultWord::ALL {
        assert!(help.contains(word.as_str()), "{word}");
        assert!(page.contains(&format!("| `{word}` |")), "{word}");
        assert!(schema.contains(&format!("\"{word}\"")), "{word}");
    }
    for preset in Preset::ALL {
        assert!(help.contains(preset.as_str()) && page.contains(&format!("`{preset}`")), "{preset}");
    }
}
