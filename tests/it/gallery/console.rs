//! The consoles of the embedded apps: tokens, the other mode, rehearsals, a sync from the app's side.

use std::sync::{Arc, Mutex};

use scimulator::clock::{Clock as _, SignedDuration, SystemClock, VirtualClock};
use scimulator::covers;
use scimulator::daemon::{Settings, VirtualJobs};
use scimulator::engine::RunState;
use scimulator::gallery;
use scimulator::store::Store;
use scimulator::target::{App, AppOptions, AppRules, ConsoleCommand, ConsoleError, Mode, serve};
use serde_json::{Value, json};

use super::Stand;

fn token(text: &str) -> ConsoleCommand {
    ConsoleCommand::NewToken { token: text.to_owned() }
}

#[test]
fn a_new_token_of_knowbe4_ends_the_old_one_until_the_job_has_it() {
    let stand = Stand::of("knowbe4");
    assert_eq!(stand.cycle().result.state, RunState::Succeeded);
    let shown = stand.project.scimulator(["app", "token", "new"]).assert().success();
    let made = String::from_utf8(shown.get_output().stdout.clone()).unwrap().trim().to_owned();
    assert!(40 <= made.len(), "{made}");

    let refused = stand.cycle();
    covers!("A-032");
    assert_eq!(refused.result.state, RunState::Failed);
    assert!(refused.result.quarantine.is_some(), "Entra quarantines at once");

    covers!("A-031");
    let shown = stand.project.scimulator(["app", "show", "--format", "json"]).assert().success();
    assert!(!String::from_utf8_lossy(&shown.get_output().stdout).contains(&made));
    let state = std::fs::read(stand.project.path("state/scimulator.db")).unwrap();
    assert!(!state.windows(made.len()).any(|bytes| bytes == made.as_bytes()), "only a fingerprint is kept");

    stand.project.write("token", &format!("{made}\n"));
    stand.project.scimulator(["start"]).assert().success();
    let recovered = stand.cycle();
    covers!("A-032");
    assert_eq!((recovered.result.state, recovered.result.quarantine.is_none()), (RunState::Succeeded, true));

    stand.project.scimulator(["app", "token", "revoke"]).assert().success();
    covers!("A-033");
    assert_eq!(stand.cycle().result.state, RunState::Failed);
    stand.project.write("token", "first-token-of-the-example\n");
    assert_eq!(stand.cycle().result.state, RunState::Failed, "the first one is none any more either");
}

#[test]
fn every_token_that_was_added_to_kpifire_is_good_and_no_other() {
    let stand = Stand::of("kpifire");
    stand.cycle();
    stand.console(token("second"));
    for good in ["first-token-of-the-example", "second"] {
        stand.project.write("token", good);
        covers!("A-050");
        assert_eq!(stand.cycle().result.state, RunState::Succeeded, "{good}");
    }
    stand.project.write("token", "third");
    assert_eq!(stand.cycle().result.state, RunState::Failed);
}

#[test]
fn scim_is_refused_while_knowbe4_is_switched_off_or_takes_users_by_adi() {
    for (mode, said) in [(Mode::Off, "switched off"), (Mode::Other, "by ADI")] {
        let stand = Stand::of("knowbe4");
        stand.console(ConsoleCommand::Mode(mode));
        let cycle = stand.cycle();
        covers!("A-025");
        assert_eq!((cycle.result.state, stand.held().len()), (RunState::Failed, 0));
        assert!(cycle.result.statistics.error.message.contains(said), "{:?}", cycle.result.statistics.error);

        stand.console(ConsoleCommand::Mode(Mode::Scim));
        let shown = stand.at_app(|app| app.console_shown()).unwrap();
        covers!("A-026");
        assert_eq!(
            shown["testMode"],
            mode == Mode::Other,
            "a change from ADI turns it on, and nothing else does"
        );
    }
}

#[test]
fn a_rehearsal_answers_as_if_done_and_reports_what_would_be() {
    let stand = Stand::of("knowbe4");
    stand.cycle();
    let before = stand.held();
    stand.console(ConsoleCommand::TestMode(true));
    assert_eq!(stand.at_app(|app| app.rehearsal_report()), Some(vec![]));

    stand.directory("jobTitle = \"Analyst\"", "jobTitle = \"Senior Analyst\"");
    let bob = "userPrincipalName = \"dan.reed@contoso.com\"\n";
    stand
        .directory(&format!("{bob}displayName"), &format!("{bob}preferredLanguage = \"fr-FR\"\ndisplayName"));
    stand.directory("accountEnabled = false\n", "");
    stand.directory("[\"cyd.moss@contoso.com\",", "[\"cyd.moss@contoso.com\", \"ann.hill@contoso.com\",");
    let rehearsed = stand.cycle();
    covers!("A-027");
    assert_eq!(rehearsed.result.state, RunState::Succeeded, "accepted");
    assert_eq!(rehearsed.writes(), ["PATCH /Users", "POST /Users", "PATCH /Groups"]);
    assert_eq!(stand.held(), before, "and nothing has changed");
    assert_eq!(stand.cycle().writes(), Vec::<&str>::new(), "the client sees it done");

    let report = stand.at_app(|app| app.rehearsal_report()).unwrap();
    let lines: Vec<(&str, &str, &str)> = report
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap();
            (text("action"), text("kind"), text("name"))
        })
        .collect();
    covers!("A-028");
    let wanted = [
        ("update", "User", "bob.king@contoso.com"),
        ("create", "User", "dan.reed@contoso.com"),
        ("update", "Group", "Logistics"),
    ];
    assert_eq!(lines, wanted);
    let title = json!({ "attribute": "title", "old": "Analyst", "new": "Senior Analyst" });
    assert_eq!(report[0]["changes"], json!([title]));
    let created = report[1]["changes"].as_array().unwrap();
    let name = json!({ "attribute": "userName", "old": null, "new": "dan.reed@contoso.com" });
    assert!(created.contains(&name), "{created:?}");
    let members = &report[2]["changes"][0];
    assert_eq!(members["attribute"], "members");
    let count = |name: &str| members[name].as_array().unwrap().len();
    assert_eq!((count("old"), count("new")), (1, 2), "Ann joins");

    // Live: what was rehearsed is forgotten, and a sync from the app's side does it for real.
    stand.console(ConsoleCommand::TestMode(false));
    assert_eq!(stand.at_app(|app| app.rehearsal_report()), None);
    stand.project.scimulator(["app", "force-sync"]).assert().success();
    stand.cycle();
    covers!("A-029");
    assert_eq!(stand.user("bob.king@contoso.com")["title"], "Senior Analyst");
    assert_eq!(stand.user("dan.reed@contoso.com")["active"], true);
}

#[test]
fn a_removal_can_be_rehearsed_too() {
    let mut app = played("knowbe4");
    let user = json!({ "userName": "ada", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"] });
    let (_, ada) = ask(&mut app, "POST", "/Users", Some(&user));
    app.console(ConsoleCommand::TestMode(true)).unwrap();
    let path = format!("/Users/{}", ada["id"].as_str().unwrap());
    assert_eq!(ask(&mut app, "DELETE", &path, None).0, 204);
    assert_eq!(ask(&mut app, "GET", &path, None).0, 404, "as if done");
    let report = app.rehearsal_report().unwrap();
    covers!("A-028");
    assert_eq!(
        (report.len(), &report[0]["action"], &report[0]["name"]),
        (1, &json!("remove"), &json!("ada"))
    );
    app.console(ConsoleCommand::TestMode(false)).unwrap();
    assert_eq!(ask(&mut app, "GET", &path, None).0, 200);
}

#[test]
fn the_first_sync_for_real_drops_alias_addresses() {
    let stand = Stand::of("knowbe4");
    stand.cycle();
    let alias =
        || ConsoleCommand::Alias { user: "ann.hill@contoso.com".into(), address: "ann@contoso.com".into() };
    stand.console(alias());
    stand.console(ConsoleCommand::TestMode(true));
    let aliases = |stand: &Stand| stand.at_app(|app| app.console_shown()).unwrap()["aliases"].clone();
    stand.directory("Head of Security", "Chief of Security");
    stand.cycle();
    covers!("A-030");
    assert_eq!(aliases(&stand), json!({ "ann.hill@contoso.com": ["ann@contoso.com"] }), "not by a rehearsal");
    stand.console(ConsoleCommand::TestMode(false));
    stand.directory("Chief of Security", "Queen of Security");
    stand.cycle();
    covers!("A-030");
    assert_eq!(aliases(&stand), json!({}));
    let nobody =
        stand.at_app(|app| app.console(ConsoleCommand::Alias { user: "x".into(), address: "y".into() }));
    assert_eq!(nobody, Err(ConsoleError::NoSuchUser { name: "x".into() }));
}

#[test]
fn a_sync_from_the_apps_side_has_the_service_look_at_everybody_at_once() {
    let stand = Stand::of("knowbe4");
    let at = stand.clock.now();
    let mut store = stand.store();
    store.set_virtual_time(Some(at)).unwrap();
    let clock = VirtualClock::new(at);
    let settings = Arc::new(Settings::new((stand.config(), Vec::new()), None));
    let mut jobs = VirtualJobs::new(&settings, store, &clock);
    let cycles = |store: &Store| store.job("knowbe4").unwrap().map_or(0, |row| row.cycle);
    jobs.run_due(&mut |_| true).unwrap();
    covers!("A-004");
    assert_eq!(cycles(jobs.store()), 1, "an initial cycle at once");
    let next = jobs.store().job("knowbe4").unwrap().unwrap().next_cycle.unwrap();
    assert_eq!(next.duration_since(clock.now()).as_mins(), 40);
    jobs.run_due(&mut |_| true).unwrap();
    assert_eq!(cycles(jobs.store()), 1, "and then nothing for a while");

    // Somebody broke an account in the app; no change at the source would tell.
    let id = stand.user("bob.king@contoso.com")["id"].as_str().unwrap().to_owned();
    stand.at_app(|app| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "Replace", "path": "title", "value": "Broken" }],
        });
        let token = [("Authorization".to_owned(), "Bearer first-token-of-the-example".to_owned())];
        assert_eq!(asked(app, "PATCH", &format!("/Users/{id}"), Some(&body), &token).0, 200);
    });
    let said = stand.project.scimulator(["app", "force-sync"]).assert().success();
    assert!(String::from_utf8_lossy(&said.get_output().stderr).contains("evaluates everybody"));
    jobs.run_due(&mut |_| true).unwrap();
    covers!("A-034");
    assert_eq!(cycles(jobs.store()), 2, "without a minute passing");
    assert_eq!(stand.user("bob.king@contoso.com")["title"], "Analyst", "found and mended");
    assert_eq!(stand.held().len(), 5, "the links are kept");

    stand.project.scimulator(["pause"]).assert().success();
    stand.project.scimulator(["app", "force-sync"]).assert().code(2);
    Stand::of("kno2fy").project.scimulator(["app", "force-sync"]).assert().code(2);
}

#[test]
fn every_profile_starts_with_an_initial_cycle_and_goes_on_every_40_minutes() {
    for app in super::APPS {
        let stand = Stand::of(app);
        let mut store = stand.store();
        store.set_virtual_time(Some(stand.clock.now())).unwrap();
        let clock = VirtualClock::new(stand.clock.now());
        let settings = Arc::new(Settings::new((stand.config(), Vec::new()), None));
        let mut jobs = VirtualJobs::new(&settings, store, &clock);
        let by = |minutes| scimulator::daemon::Wish {
            by: Some(SignedDuration::from_mins(minutes)),
            until: None,
            job: None,
        };
        let first = jobs.advance(&by(39), &mut |_| true).unwrap();
        covers!("A-004");
        assert_eq!(first.cycles.get(app), Some(&1), "{app}: at once");
        assert_eq!(
            jobs.advance(&by(41), &mut |_| true).unwrap().cycles.get(app),
            Some(&2),
            "{app}: 40 and 80"
        );
    }
}

#[test]
fn an_app_whose_console_lacks_something_says_so() {
    let not_offered = |what| Err(ConsoleError::NotOffered { what });
    let mut kintone = played("kintone");
    assert_eq!(kintone.console(token("x")), not_offered("tokens"));
    assert_eq!(kintone.console(ConsoleCommand::TestMode(true)), not_offered("test mode"));
    assert_eq!(kintone.console_shown(), None);
    let mut kpifire = played("kpifire");
    assert_eq!(kpifire.console(ConsoleCommand::Mode(Mode::Off)), not_offered("switch for provisioning"));
    assert_eq!(kpifire.console_shown(), Some(json!({ "tokens": 0 })));
}

#[test]
fn the_console_of_a_served_app_is_beside_its_scim_endpoints() {
    let app = Arc::new(Mutex::new(played("knowbe4")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(serve(app, Arc::new(SystemClock), listener, |_| {}, stopped));
        let talk = move |method: &'static str, path: &'static str, body: Option<Value>| async move {
            tokio::task::spawn_blocking(move || exchange(address, method, path, body.as_ref())).await.unwrap()
        };
        let (status, shown) = talk("GET", "/console", None).await;
        assert_eq!((status, &shown["provisioning"]), (200, &json!("SCIM")));
        let (status, made) = talk("POST", "/console/token", None).await;
        covers!("A-031");
        assert_eq!(status, 201);
        assert!(made["token"].is_string());
        assert_eq!(talk("GET", "/scim/v2/Users", None).await.0, 401, "without that token");
        assert_eq!(talk("GET", "/console/report", None).await.0, 404);
        assert_eq!(talk("PUT", "/console/test-mode", Some(json!({ "on": true }))).await.1["testMode"], true);
        assert_eq!(talk("GET", "/console/report", None).await, (200, json!([])));
        assert_eq!(
            talk("PUT", "/console/mode", Some(json!({ "mode": "other" }))).await.1["provisioning"],
            "ADI"
        );
        assert_eq!(talk("PUT", "/console/mode", Some(json!({ "mode": "up" }))).await.0, 400);
        assert_eq!(talk("DELETE", "/console/token", None).await.1["tokens"], 0);
        assert_eq!(talk("GET", "/console/nothing", None).await.0, 404);
        assert_eq!(talk("GET", "/consoles", None).await.0, 401, "that is none of the console");
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
    });
}

#[test]
fn the_console_answers_no_page_of_somebody_else() {
    let app = Arc::new(Mutex::new(played("knowbe4")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served =
            tokio::spawn(serve(app, Arc::new(SystemClock), listener, |_| {}, std::future::pending()));
        let ours = address.to_string();
        let cases = [
            (ours.clone(), None, 200),
            (format!("localhost:{}", address.port()), None, 200),
            (ours.clone(), Some(format!("http://{ours}")), 200),
            (ours.clone(), Some("http://evil.test".to_owned()), 403),
            (ours.clone(), Some("null".to_owned()), 403),
            ("evil.test".to_owned(), None, 403),
            (
                format!("evil.test:{}", address.port()),
                Some(format!("http://evil.test:{}", address.port())),
                403,
            ),
        ];
        for (host, origin, wanted) in cases {
            let origin_line = origin.as_ref().map(|it| format!("Origin: {it}\r\n")).unwrap_or_default();
            let headers = format!("Host: {host}\r\n{origin_line}");
            let asked = move || exchange_with(address, "GET", "/console", None, &headers);
            let (status, _) = tokio::task::spawn_blocking(asked).await.unwrap();
            assert_eq!(status, wanted, "{host} {origin:?}");
        }
        served.abort();
    });
}

fn played(app: &str) -> App {
    let rules = AppRules::read(gallery::source(app).unwrap()).unwrap().map(Arc::new);
    App::new(AppOptions { rules, ..AppOptions::default() })
}

fn ask(app: &mut App, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    asked(app, method, path, body, &[])
}

fn asked(
    app: &mut App,
    method: &str,
    path: &str,
    body: Option<&Value>,
    headers: &[(String, String)],
) -> (u16, Value) {
    let request = scimulator::http::Request {
        method: scimulator::http::Method::from_name(method).unwrap(),
        url: format!("http://app.test/scim/v2{path}"),
        headers: headers.to_vec(),
        body: body.map(|body| body.to_string().into_bytes()),
    };
    let response = app.handle(&request, "2026-08-03T08:00:00Z".parse().unwrap()).response;
    (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
}

/// One exchange over a socket of its own.
fn exchange(address: std::net::SocketAddr, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    exchange_with(address, method, path, body, &format!("Host: {address}\r\n"))
}

/// The same with these header lines.
fn exchange_with(
    address: std::net::SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
    headers: &str,
) -> (u16, Value) {
    use std::io::{Read as _, Write as _};
    let body = body.map(ToString::to_string).unwrap_or_default();
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}
