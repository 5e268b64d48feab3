//! Ctrl-C and SIGTERM: what takes long ends at the next point, and takes away what it made before it goes.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};

use serde_json::Value;

use crate::bad_targets::server::{Answer, Asked, PATIENCE, Server};
use crate::common::Project;

/// A target that waits before it does what the `nth` POST asks, until it is told to go on.
struct Slow {
    server: Server,
    arrived: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

impl Slow {
    fn start(nth: usize, script: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let ((arrive, arrived), (go_on, gone_on)) = (mpsc::channel(), mpsc::channel());
        let waits = Mutex::new((nth, arrive, gone_on));
        let server = Server::start(move |asked| {
            let mut waits = waits.lock().unwrap();
            let (left, arrive, gone_on) = &mut *waits;
            if asked.method == "POST" && 0 < *left {
                *left -= 1;
                if *left == 0 {
                    arrive.send(()).unwrap();
                    gone_on.recv_timeout(PATIENCE).unwrap();
                }
            }
            script(asked)
        });
        Self { server, arrived, go_on }
    }
}

/// Starts the program against such a target and sends it a signal while a POST is under way: its exit code, and what it
/// said in all on standard error.
fn interrupted(project: &Project, slow: &Slow, signal: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(arguments)
        .current_dir(project.path(""))
        .env_remove("SCIMULATOR_LOG")
        .stdout(std::fs::File::create(project.path("stdout")).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    slow.arrived.recv_timeout(PATIENCE).unwrap();
    send(&process, signal);
    // It has heard: the answer comes after that.
    let heard = lines.by_ref().find(|line| line.contains("unless a second signal comes"));
    slow.go_on.send(()).unwrap();
    let told: Vec<String> = heard.into_iter().chain(lines).collect();
    (process.wait().unwrap().code(), told.join("\n"))
}

fn send(process: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

const SCENARIO: &str = "title = 'T'\n\
    user = [{ userPrincipalName = 'a@contoso.com', displayName = 'A', mailNickname = 'a' },\
            { userPrincipalName = 'b@contoso.com', displayName = 'B', mailNickname = 'b' },\
            { userPrincipalName = 'c@contoso.com', displayName = 'C', mailNickname = 'c' }]\n\
    [job]\nscope = 'all'\n\
    [[step]]\ndo = 'initial cycle'\n\
    [[step]]\nadvance = '2h'\n";

fn posts(server: &Server) -> usize {
    server.asked().iter().filter(|asked| asked.method == "POST").count()
}

#[test]
fn an_interrupted_scenario_takes_its_users_away_and_writes_its_reports() {
    for signal in ["-INT", "-TERM"] {
        let project = Project::with([("a.toml", SCENARIO), ("b.toml", SCENARIO)]);
        let slow = Slow::start(2, |_| None);
        let url = slow.server.url();
        let reports = ["--junit", "r.xml", "--har", "r.har", "--jobs", "1"];
        let arguments = [&["scenario", "run", "a.toml", "b.toml", "--target", &url], &reports[..]].concat();
        let (code, _) = interrupted(&project, &slow, signal, &arguments);
        let told = project.read("stdout");
        assert_eq!(code, Some(130), "{told}");
        assert_eq!(posts(&slow.server), 2, "nobody was made after the signal");
        assert_eq!(
            slow.server.users(),
            [""; 0],
            "who was made is gone, also by the request that was under way"
        );
        assert!(told.contains("it was stopped before its end"), "{told}");
        assert!(told.contains("skipped b  T") && told.contains("the run was stopped before it"), "{told}");
        let junit = project.read("r.xml");
        assert!(junit.contains("it was stopped before its end"), "{junit}");
        let har: Value = serde_json::from_str(&project.read("r.har")).unwrap();
        let made = har["log"]["entries"].as_array().unwrap().iter();
        assert_eq!(made.filter(|entry| entry["request"]["method"] == "POST").count(), 2);
    }
}

#[test]
fn what_an_interrupted_scenario_could_not_take_away_is_told() {
    let project = Project::with([("a.toml", SCENARIO)]);
    let slow = Slow::start(1, |asked| (asked.method == "DELETE").then(|| Answer::say(500, "{}")));
    let url = slow.server.url();
    let (code, _) = interrupted(&project, &slow, "-INT", &["scenario", "run", "a.toml", "--target", &url]);
    let told = project.read("stdout");
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("left in the target: Users/") && told.contains("(names begin with `sc"), "{told}");
}

#[test]
fn an_interrupted_preflight_takes_its_users_away_and_writes_its_reports() {
    // Among the tests that share their cycles, and among those that ask directly.
    for (nth, begun) in [(3, ["--suite", "gallery"]), (2, ["--suite", "validator"])] {
        let project = Project::with([]);
        let slow = Slow::start(nth, |_| None);
        let url = slow.server.url();
        let reports = ["--junit", "r.xml", "--html", "r.html", "--format", "json"];
        let arguments = [&["preflight", &url], &begun[..], &reports[..]].concat();
        let (code, said) = interrupted(&project, &slow, "-INT", &arguments);
        assert_eq!(code, Some(130), "{said}");
        assert_eq!(posts(&slow.server), nth, "nobody was made after the signal");
        assert_eq!(slow.server.users(), [""; 0]);
        let told: Value = serde_json::from_str(&project.read("stdout")).unwrap();
        assert_eq!(told["left"].as_array().unwrap().len(), 0);
        let tests = told["tests"].as_array().unwrap();
        let stopped = tests.iter().filter(|test| test["reason"] == "stopped").count();
        assert!(10 < stopped, "{stopped}");
        assert_eq!(told["counts"]["failed"], tests.iter().filter(|test| test["grade"] == "failed").count());
        assert!(project.read("r.xml").contains("stopped: the run was stopped before its end"));
        assert!(project.read("r.html").contains("stopped: the run was stopped before its end"));
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let project = Project::with([("a.toml", SCENARIO)]);
    let slow = Slow::start(1, |_| None);
    let mut process = Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["scenario", "run", "a.toml", "--target", &slow.server.url()])
        .current_dir(project.path(""))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    slow.arrived.recv_timeout(PATIENCE).unwrap();
    send(&process, "-INT");
    lines.by_ref().find(|line| line.contains("unless a second signal comes")).unwrap();
    send(&process, "-INT");
    // The target does not answer until then.
    assert_eq!(process.wait().unwrap().code(), Some(130));
    slow.go_on.send(()).unwrap();
}
