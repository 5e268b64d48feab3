//! Scenarios against somebody's app, over a socket.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};

use scimulator::client::{Outcome, Pseudonyms, one_line};
use scimulator::clock::SystemClock;
use scimulator::config::TenantUrl;
use scimulator::scenario::{self, Options, Verdict};
use scimulator::target::{App, AppOptions, serve};
use secrecy::SecretString;
use serde_json::Value;

use super::pack::pack;
use super::{parsed, text_of};
use crate::bad_targets::server::{Answer, Server};
use crate::common::{Project, ThirdParty};
use crate::sources::root;

/// The embedded app on a port, until it is dropped.
struct Served {
    app: Arc<Mutex<App>>,
    url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    fn start(token: Option<&str>) -> Self {
        let options = AppOptions { token: token.map(str::to_owned), ..AppOptions::default() };
        let app = Arc::new(Mutex::new(App::new(options)));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let served = Arc::clone(&app);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let until = async { drop(stopped.await) };
                serve(served, Arc::new(SystemClock), listener, |_| {}, until).await.unwrap();
            });
        });
        let url = format!("http://{}/scim/v2", told.recv().unwrap());
        Self { app, url, stop: Some(stop), thread: Some(thread) }
    }

    fn app(&self) -> MutexGuard<'_, App> {
        self.app.lock().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let text =
            |resource: &Value, name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
        let app = self.app();
        app.resources()
            .map(|resource| text(resource, "userName").or_else(|| text(resource, "displayName")).unwrap())
            .collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn options(url: &str, token: Option<&str>) -> Options {
    let (url, _) = TenantUrl::parse(url).unwrap();
    Options::remote(url, token.map(SecretString::from), "t7x-")
}

/// A cycle a day: a month of them is thousands of requests otherwise.
const STORY: &str = "[job]\ninterval = \"1d\"\n[[step]]\ndo = \"initial cycle\"\n\
     expect.target.user.\"adele@contoso.com\" = { userName = \"adele@contoso.com\", manager = \"carla@contoso.com\" }\n\
     expect.target.group.\"Sales\" = { displayName = \"Sales\", members = [\"adele@contoso.com\", \"ben@contoso.com\"] }\n\
     expect.target.users = 3\n\
     [[step]]\nadvance = \"31d\"\n\
     edit = [{ user = \"adele@contoso.com\", delete = true }, { user = \"joe@contoso.com\", add = { displayName = \"Joe\", \
     mailNickname = \"joe\", manager = \"carla@contoso.com\" }, assign = true }]\n\
     expect.requests = [\n  { method = \"GET\", path = \"/Users?filter=userName eq \\\"joe@contoso.com\\\"\" },\n  \
     { method = \"POST\", body = { userName = \"joe@contoso.com\", externalId = \"joe\" } },\n  \
     { method = \"DELETE\", path = \"/Users/{adele@contoso.com}\" },\n]\n\
     expect.target.user.\"joe@contoso.com\" = { active = true, manager = \"carla@contoso.com\" }\n\
     expect.target.user.\"adele@contoso.com\".absent = true\n";

#[test]
fn a_run_carries_its_prefix_and_takes_away_what_it_made() {
    let served = Served::start(Some("s3cr3t"));
    let scenario = parsed(&text_of(STORY));
    let kept = Options { keep: true, ..options(&served.url, Some("s3cr3t")) };
    let report = scenario::run(&scenario, &kept);
    assert_eq!(report.verdict.as_str(), "passed", "{report}");
    assert_eq!(report.prefix.as_deref(), Some("t7x-1-"));
    assert!(report.to_string().contains("(names begin with `t7x-1-`)"));
    let expected =
        ["t7x-1-carla@contoso.com", "t7x-1-ben@contoso.com", "t7x-1-joe@contoso.com", "t7x-1-Sales"];
    assert_eq!(served.names(), expected);
    {
        let app = served.app();
        let joe = app.resources().find(|user| user["userName"] == expected[2]).unwrap();
        assert_eq!((&joe["externalId"], &joe["displayName"]), (&"t7x-1-joe".into(), &"Joe".into()));
    }

    // Another run beside it meets none of it, and leaves nothing.
    let other = Options { prefix: "u8y-".to_owned(), ..options(&served.url, Some("s3cr3t")) };
    let report = scenario::run(&scenario, &other);
    assert_eq!((report.verdict.as_str(), report.left.len()), ("passed", 0), "{report}");
    assert_eq!(served.names(), expected);
}

#[test]
fn what_a_failed_run_made_is_taken_away_too() {
    let served = Served::start(None);
    let steps =
        "[[step]]\ndo = \"initial cycle\"\nexpect.target.user.\"ben@contoso.com\".displayName = \"Benno\"\n";
    let report = scenario::run(&parsed(&text_of(steps)), &options(&served.url, None));
    let [failure] = report.failures() else { panic!("{report}") };
    assert_eq!((failure.expected.as_str(), failure.got.as_str()), ("\"Benno\"", "\"Ben Ito\""));
    assert_eq!(served.names(), [""; 0]);
}

/// Somebody's account may match by an attribute that has no prefix. It is changed, as Entra would, and never deleted.
#[test]
fn an_account_that_the_run_did_not_make_is_left_alone() {
    let served = Served::start(None);
    let body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "t7x-1-ben@contoso.com",
    });
    let request = scimulator::http::Request {
        method: scimulator::http::Method::Post,
        url: format!("{}/Users", served.url),
        headers: vec![("Content-Type".to_owned(), "application/scim+json".to_owned())],
        body: Some(body.to_string().into_bytes()),
    };
    let made = served.app().handle(&request, "2026-01-01T00:00:00Z".parse().unwrap()).response;
    assert_eq!(made.status, 201);
    let report =
        scenario::run(&parsed(&text_of("[[step]]\ndo = \"initial cycle\"\n")), &options(&served.url, None));
    assert_eq!(report.verdict.as_str(), "passed");
    let [left] = report.left.as_slice() else { panic!("{report}") };
    assert!(left.ends_with("(met, not made by this run)"), "{left}");
    assert_eq!(served.names(), ["t7x-1-ben@contoso.com"]);
}

/// The answer to a create is lost. Whether the job meets the account again or not, it is the run's by its name; one that
/// is found under somebody's name is not.
#[test]
fn an_account_whose_creation_was_not_answered_is_taken_away_by_its_name() {
    let once = "[[step]]\ndo = \"initial cycle\"\n";
    let again = format!("{once}[[step]]\nat = \"+40m\"\n");
    for (steps, name, is_deleted) in [
        (once, "T7X-1-carla@contoso.com", true),
        (again.as_str(), "t7x-1-carla@contoso.com", true),
        (again.as_str(), "carla@contoso.com", false),
    ] {
        let text = text_of(steps).replace("[[assignment]]\nprincipal = \"Sales\"\n", "");
        let made = AtomicBool::new(false);
        let carla = serde_json::json!({ "id": "lost-1", "userName": name, "active": true });
        let server = Server::start(move |asked| {
            if asked.creates("t7x-1-carla") {
                made.store(true, Ordering::SeqCst);
                return Some(Answer::HangUp);
            }
            if asked.queries("carla") && made.load(Ordering::SeqCst) {
                let found = serde_json::json!({ "totalResults": 1, "Resources": [carla] });
                return Some(Answer::say(200, found));
            }
            let is_read = asked.method == "GET" && asked.target.ends_with("/Users/lost-1");
            is_read.then(|| Answer::say(200, &carla))
        });
        let report = scenario::run(&parsed(&text), &options(&server.url(), None));
        let asked = server.asked();
        let deleted = asked.iter().any(|asked| asked.method == "DELETE" && asked.target.contains("lost-1"));
        assert_eq!(deleted, is_deleted, "{name}: {report}");
        let left: &[&str] = if is_deleted { &[] } else { &["Users/lost-1 (met, not made by this run)"] };
        assert_eq!(report.left, left, "{name}");
    }
}

#[test]
fn the_pack_holds_over_a_socket_and_what_needs_the_embedded_app_is_skipped() {
    let served = Served::start(None);
    let pack = pack();
    let reports =
        scenario::run_all(&pack, &options(&served.url, None), NonZeroUsize::new(2).unwrap(), &mut |_| {});
    let mut skipped = BTreeSet::new();
    for report in &reports {
        match &report.verdict {
            Verdict::Passed => assert_eq!(report.left, [""; 0]),
            Verdict::Skipped(why) => {
                assert!(why.contains("needs the embedded app"), "{why}");
                skipped.insert(report.name.as_str());
            }
            Verdict::Failed(_) | Verdict::Broken(_) => panic!("{report}"),
        }
    }
    let expected =
        ["app-down-two-days", "app-forgets", "app-throttles", "credentials-expire", "rematch-after-404"];
    assert_eq!(skipped, BTreeSet::from(expected));
    assert_eq!(served.names(), [""; 0]);
}

/// Refused, gone astray or down is not absent: else whatever should be gone would be gone in an app that is down.
#[test]
fn only_what_the_app_says_is_gone_counts_as_absent() {
    let steps = "[[step]]\ndo = \"initial cycle\"\nexpect.target.user.\"carla@contoso.com\".absent = true\n\
                 expect.target.users = 0\n";
    let text = text_of(steps).replace("[[assignment]]\nprincipal = \"Sales\"\n", "");
    for (answer, verdict, words) in [
        (Some((503, "")), "broken", "GET /Users/id-0: status 503"),
        (Some((401, "")), "broken", "GET /Users/id-0: status 401"),
        (Some((200, "<html>welcome</html>")), "broken", "GET /Users/id-0: status 200, and no JSON object"),
        (None, "broken", "GET /Users/id-0: "),
        (Some((404, "")), "passed", ""),
        (Some((410, "")), "passed", ""),
    ] {
        let server = Server::start(move |asked| {
            let is_read = asked.method == "GET" && asked.target.starts_with("/scim/Users/");
            is_read.then(|| answer.map_or(Answer::HangUp, |(status, body)| Answer::say(status, body)))
        });
        let report = scenario::run(&parsed(&text), &options(&server.url(), None));
        assert_eq!(report.verdict.as_str(), verdict, "{answer:?}: {report}");
        assert!(report.failures().iter().all(|failure| failure.got.contains(words)), "{report}");
    }
}

/// What stands in an account without the run having sent it, or having been told of it on the way, is as personal.
#[test]
fn a_redacted_run_hides_what_it_reads_back_of_an_app() {
    let steps =
        "[[step]]\ndo = \"initial cycle\"\nexpect.target.user.\"carla@contoso.com\".nickName = \"Karla\"\n";
    let text = text_of(steps).replace("[[assignment]]\nprincipal = \"Sales\"\n", "");
    let server = Server::start(|asked| {
        let is_read = asked.method == "GET" && asked.target.starts_with("/scim/Users/");
        is_read.then(|| Answer::say(200, r#"{"id": "id-0", "nickName": "Carlotta"}"#))
    });
    let openly = options(&server.url(), None);
    let masked = Options { redact: Some(Pseudonyms::of_one_run()), ..openly.clone() };
    for (options, is_told) in [(openly, true), (masked, false)] {
        let report = scenario::run(&parsed(&text), &options);
        assert_eq!(report.verdict.as_str(), "failed", "{report}");
        assert_eq!(report.to_string().contains("Carlotta"), is_told, "{report}");
    }
}

#[test]
fn the_command_takes_a_target_and_a_token_from_the_environment() {
    let served = Served::start(Some("s3cr3t"));
    let project = Project::with([("s.toml", text_of(STORY).as_str())]);
    let run = |token: &str| {
        let arguments = [
            "scenario",
            "run",
            "s.toml",
            "--target",
            &served.url,
            "--token-env",
            "APP_TOKEN",
            "--har",
            "r.har",
        ];
        let output = project.scimulator(arguments).env("APP_TOKEN", token).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = run("s3cr3t");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("(names begin with `sc"), "{told}");
    assert!(!project.read("r.har").contains("s3cr3t"));
    assert_eq!(served.names(), [""; 0]);
}

#[test]
fn a_misspelt_flag_of_the_url_is_warned_of() {
    let served = Served::start(None);
    let project = Project::with([("s.toml", text_of("[[step]]\ndo = \"initial cycle\"\n").as_str())]);
    let url = format!("{}?aadOptscim06202", served.url);
    let output = project.scimulator(["scenario", "run", "s.toml", "--target", &url]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("the URL: `aadOptscim06202` is no known flag and is ignored"), "{told}");
    assert!(told.contains("did you mean `aadOptscim062020`?"), "{told}");
}

/// One line, and not one failure for each scenario that blames a line of it.
#[test]
fn an_endpoint_that_nobody_is_at_or_that_refuses_the_token_ends_the_run_before_it_begins() {
    let served = Served::start(Some("s3cr3t"));
    let project = Project::with([("s.toml", text_of(STORY).as_str()), ("t.toml", text_of(STORY).as_str())]);
    let run = |url: &str, token: Option<&str>| {
        let mut command = project.scimulator(["scenario", "run", "s.toml", "t.toml", "--target", url]);
        if let Some(token) = token {
            command.args(["--token-env", "APP_TOKEN"]).env("APP_TOKEN", token);
        }
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let refused = "error: the endpoint refuses us: 401\n  help: name the environment variable with the bearer token: \
                   `--token-env NAME`\n";
    assert_eq!(run(&served.url, Some("wr0ng")), (Some(3), refused.to_owned()));
    assert_eq!(run(&served.url, None), (Some(3), refused.to_owned()));
    let astray =
        "error: the endpoint has no `/Users`: 404\n  help: the URL is the one that `/Users` is put behind\n";
    assert_eq!(run(&format!("{}/wrong", served.url), Some("s3cr3t")), (Some(3), astray.to_owned()));
    let (code, told) = run("http://127.0.0.1:1/scim", None);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.starts_with("error: the endpoint can't be reached\n  because: "), "{told}");
    for (token, why) in [(" ", "the token is empty"), ("Bearer x", "the token begins with the word `Bearer`")]
    {
        let (code, told) = run(&served.url, Some(token));
        assert_eq!(code, Some(2), "{told}");
        let named = "error: the environment variable `APP_TOKEN` holds no token\n  because: ";
        assert!(told.strip_prefix(named).is_some_and(|told| told.starts_with(why)), "{told}");
    }
}

#[test]
fn the_page_on_the_pack_says_what_two_servers_do_with_it() {
    let page = std::fs::read_to_string(root().join("docs/scenarios/README.md")).unwrap();
    for (column, name) in [(2, "scimmy"), (3, "scim2-server")] {
        let Some(server) = ThirdParty::start(name) else { continue };
        let one = NonZeroUsize::MIN;
        let options = options(&server.base_url, Some(&server.token));
        let reports = scenario::run_all(&pack(), &options, one, &mut |_| {});
        for report in reports.iter().filter(|report| !matches!(report.verdict, Verdict::Skipped(_))) {
            let row =
                |name: &str| page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
            let cell = row(&report.name).split('|').nth(column).unwrap().trim();
            let (verdict, cause) = cell.split_once(": ").unwrap_or((cell, ""));
            assert_eq!(verdict, report.verdict.as_str(), "{name}: {report}");
            assert_eq!(report.left, [""; 0], "{name}");
            // Whatever a server does wrong, somebody is named: with the request and the answer that the page has.
            for failure in report.failures() {
                let Some(guilty) = failure.guilty.map(|at| &report.exchanges[at]) else {
                    assert!(failure.key.starts_with("expect.job."), "{report}");
                    continue;
                };
                let cells: Vec<&str> = row(cause).split(" | ").collect();
                let quoted =
                    |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
                assert!(one_line(guilty).contains(&quoted(cells[1])[0]), "{name}: {cause}: {report}");
                let Outcome::Response(answer) = &guilty.outcome else { panic!("{report}") };
                let said = format!("{:?}", answer.body);
                assert_eq!(answer.status, 400, "{report}");
                assert!(quoted(cells[2]).iter().any(|words| said.contains(words)), "{name}: {cause}: {said}");
            }
        }
    }
}
