//! Job time that stands still: moved by a running service, or by the command itself, with the same requests.

use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use scimulator::clock::{SignedDuration, Timestamp};
use scimulator::store::Store;
use serde_json::Value;

use super::{Service, project, status};
use crate::bad_targets::server::{Answer, PATIENCE, Server};
use crate::common::{Project, free_port};

fn advance<const N: usize>(project: &Project, arguments: [&str; N]) -> Output {
    project.scimulator(["advance", "--format", "json"]).args(arguments).output().unwrap()
}

/// Runs `advance`, which has to end with this.
#[track_caller]
fn advanced<const N: usize>(project: &Project, arguments: [&str; N], code: i32) -> Value {
    let output = advance(project, arguments);
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn started_advance(project: &Project, by: &str) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["advance", by, "--format", "json"])
        .current_dir(project.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn minutes(advanced: &Value) -> i64 {
    let at = |name: &str| -> Timestamp { advanced[name].as_str().unwrap().parse().unwrap() };
    at("to").duration_since(at("from")).as_mins()
}

/// What was sent, without when.
fn sent(project: &Project) -> Vec<(Value, Value, Value)> {
    let journal = project.read("state/journal/app.jsonl");
    let exchanges = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    exchanges
        .map(|it| (it["cycle"].clone(), it["request"].clone(), it["outcome"]["status"].clone()))
        .collect()
}

#[test]
fn a_service_on_virtual_time_moves_when_told_and_sends_what_the_command_alone_sends() {
    let served = project("embedded", "");
    let service = Service::start_with(&served, &["--virtual"]);
    let began = service.event("service_started");
    let stands = began["virtual_time"].clone();
    let ended = service.event("cycle_ended");
    assert_eq!(
        (&ended["kind"], &ended["timestamp"]),
        (&"initial".into(), &stands),
        "at once, and time stands"
    );
    served.scimulator(["directory", "disable", "ben@contoso.com"]).assert().success();

    let moved = advanced(&served, ["2h"], 0);
    assert_eq!((minutes(&moved), &moved["cycles"]["app"], &moved["from"]), (120, &3.into(), &stands));
    let ended = service.event("cycle_ended");
    assert_eq!(ended["disabled"], 1);
    let at = |text: &Value| -> Timestamp { text.as_str().unwrap().parse().unwrap() };
    assert_eq!(at(&ended["timestamp"]), at(&stands) + SignedDuration::from_mins(40), "the log has job time");
    assert_eq!(service.event("advanced")["to"], moved["to"]);
    service.signal("-TERM");
    assert_eq!(service.end().0.code(), Some(0));

    let alone = project("embedded", "");
    assert_eq!(advanced(&alone, ["--until", "cycle"], 0)["cycles"]["app"], 1);
    alone.scimulator(["directory", "disable", "ben@contoso.com"]).assert().success();
    advanced(&alone, ["2h"], 0);
    assert_eq!(sent(&alone), sent(&served));
    assert!(sent(&alone).len() > 10);
    let moved_on = advanced(&served, ["1s"], 0);
    assert_eq!(
        (&moved_on["from"], &moved_on["cycles"]),
        (&moved["to"], &serde_json::json!({})),
        "it is kept"
    );
}

#[test]
fn a_month_passes_in_the_recycle_bin_and_a_deleted_account_is_gone() {
    let project = project("embedded", "interval = '6h'");
    advanced(&project, ["--until", "cycle"], 0);
    project.scimulator(["directory", "delete", "ben@contoso.com"]).assert().success();
    let deleted = |project: &Project| {
        sent(project).iter().filter(|(_, request, _)| request["method"] == "DELETE").count()
    };
    advanced(&project, ["29d"], 0);
    assert_eq!(deleted(&project), 0);
    let shown = project.scimulator(["directory", "show", "ben@contoso.com"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("in the recycle bin") && shown.contains("(in 24h)"), "{shown}");
    advanced(&project, ["2d"], 0);
    assert_eq!(deleted(&project), 1);
    let moved = advanced(&project, ["1d"], 0);
    let state = Store::open(&project.path("state")).unwrap();
    assert_eq!(state.virtual_time().unwrap().unwrap(), moved["to"].as_str().unwrap().parse().unwrap());
    scimulator::covers!("E-279");
}

#[test]
fn each_of_several_jobs_has_a_schedule_of_its_own() {
    let slow = "[[job]]\nname = 'slow'\ntenant_url = 'embedded'\nscope = 'all'\ninterval = '6h'\n";
    let nobody = free_port();
    let lost =
        format!("[[job]]\nname = 'lost'\ntenant_url = 'http://127.0.0.1:{nobody}/scim'\nscope = 'all'\n");
    let project = project("embedded", &format!("{slow}{lost}"));
    // From the beginning of the day to its end: at 0:00 and every 40 minutes, every 6 hours; and the attempts of a
    // quarantine after 0.5, 1.5, 3.5, 7.5 and 15.5 hours.
    let moved = advanced(&project, ["24h"], 0);
    assert_eq!(moved["cycles"], serde_json::json!({ "app": 37, "slow": 5, "lost": 6 }));
    scimulator::covers!("E-267");
}

#[test]
fn retries_come_and_a_quarantine_ends_by_virtual_time() {
    let refuses = Arc::new(AtomicBool::new(false));
    let refuse = Arc::clone(&refuses);
    let server = Server::start(move |asked| {
        if refuse.load(Ordering::SeqCst) {
            return Some(Answer::say(401, r#"{"detail":"who are you"}"#));
        }
        asked.creates("ben").then(|| Answer::say(400, r#"{"detail":"no Bens"}"#))
    });
    let project = project(&server.url(), "");
    advanced(&project, ["49h"], 0);
    let journal = project.read("state/journal/app.jsonl");
    let exchanges = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let tries: Vec<Timestamp> = exchanges
        .filter(|it| it["request"]["method"] == "POST" && it["object"]["label"] == "ben@contoso.com")
        .map(|it| it["started"].as_str().unwrap().parse().unwrap())
        .collect();
    let minutes_after: Vec<i64> = tries.iter().map(|at| at.duration_since(tries[0]).as_mins()).collect();
    assert_eq!(minutes_after, [0, 40, 6 * 60, 12 * 60, 24 * 60, 48 * 60]);

    refuses.store(true, Ordering::SeqCst);
    advanced(&project, ["--until", "quarantined"], 0);
    assert_eq!(minutes(&advanced(&project, ["--until", "disabled"], 0)), 28 * 24 * 60);
    assert_eq!(status(&project)["schedule"]["state"], "Disabled");
    assert_eq!(advanced(&project, ["31d"], 0)["cycles"], serde_json::json!({}), "it runs no more");
    scimulator::covers!("E-279", "E-147", "E-173");
}

#[test]
fn time_moves_until_a_job_is_in_quarantine_and_until_it_is_out_again() {
    let refuses = Arc::new(AtomicBool::new(false));
    let refuse = Arc::clone(&refuses);
    let server = Server::start(move |_| {
        refuse.load(Ordering::SeqCst).then(|| Answer::say(401, r#"{"detail":"who are you"}"#))
    });
    let project = project(&server.url(), "");
    let service = Service::start_with(&project, &["--virtual"]);
    service.event("cycle_ended");
    let never = advanced(&project, ["3h", "--until", "quarantined"], 1);
    assert_eq!((&never["reached"], minutes(&never)), (&false.into(), 180));

    refuses.store(true, Ordering::SeqCst);
    let moved = advanced(&project, ["--until", "quarantined"], 0);
    // Three hours after the first cycle the next one is due in 20 minutes.
    assert_eq!((&moved["reached"], minutes(&moved)), (&true.into(), 20));
    assert_eq!(status(&project)["status"]["code"], "Quarantine");
    assert_eq!(project.scimulator(["cycle"]).output().unwrap().status.code(), Some(4), "no attempt is due");
    assert_eq!(minutes(&advanced(&project, ["--until", "quarantined"], 0)), 0);
    // Attempts after 30 and 60 minutes; the next one would be after two hours more.
    assert_eq!(advanced(&project, ["2h"], 0)["cycles"]["app"], 2);

    refuses.store(false, Ordering::SeqCst);
    let moved = advanced(&project, ["--until", "active", "--job", "app"], 0);
    assert_eq!((&moved["cycles"]["app"], minutes(&moved)), (&1.into(), 90));
    assert_eq!(advanced(&project, ["40m"], 0)["cycles"]["app"], 1, "the interval is back");
}

#[test]
fn time_stops_at_a_source_that_can_not_be_used_and_the_job_keeps_its_reason_as_a_sentence() {
    let project = project("embedded", "");
    advanced(&project, ["--until", "cycle"], 0);
    let requests = sent(&project).len();
    let users = project.read("directory/users.csv");
    std::fs::remove_file(project.path("directory/users.csv")).unwrap();

    let output = advance(&project, ["--until", "quarantined"]);
    assert_eq!(output.status.code(), Some(2));
    let moved: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&moved["cycles"]["app"], minutes(&moved), &moved["reached"]), (&1.into(), 40, &false.into()));
    assert_eq!(sent(&project).len(), requests, "nothing was sent");
    let told = String::from_utf8(output.stderr).unwrap();
    let error: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("no file of users") && message.contains("job time stopped at"), "{message}");

    let kept = status(&project)["status"]["lastExecution"]["error"].clone();
    assert_eq!((&kept["code"], &kept["message"]), (&"ImportFailed".into(), &moved["source_fault"]));
    let kept = kept["message"].as_str().unwrap();
    assert!(message.ends_with(kept), "{message}");
    for rendered in ["error:", "help:", "\n"] {
        assert!(!kept.contains(rendered), "`{kept}` holds `{rendered}`");
    }
    // By a service it is the same.
    let service = Service::start_with(&project, &["--virtual"]);
    service.event("service_started");
    assert_eq!(minutes(&advanced(&project, ["31d"], 2)), 40);
    project.write("directory/users.csv", &users);
    let moved = advanced(&project, ["80m"], 0);
    assert_eq!((&moved["cycles"]["app"], &moved["source_fault"]), (&2.into(), &Value::Null));
}

#[test]
fn job_time_never_goes_back_and_real_time_is_not_moved() {
    let project = project("embedded", "interval = '12h'");
    advanced(&project, ["31d"], 0);
    let refused = project.scimulator(["run"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("ahead of the wall clock"), "{said}");

    std::fs::remove_dir_all(project.path("state")).unwrap();
    let service = Service::start(&project);
    service.event("cycle_ended");
    let refused = advance(&project, ["1h"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("lives in real time"), "{said}");
    drop(service);
    let refused = advance(&project, ["1h"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("cycles have run"), "{said}");

    // Asked for, a state that lived in real time stands still, and can go back as long as it is not ahead.
    let service = Service::start_with(&project, &["--virtual"]);
    service.event("service_started");
    drop(service);
    let mut state = Store::open(&project.path("state")).unwrap();
    assert!(state.virtual_time().unwrap().is_some());
    state.set_virtual_time(Some("2026-01-05T08:00:00Z".parse().unwrap())).unwrap();
    drop(state);
    let service = Service::start(&project);
    service.event("service_started");
    assert_eq!(Store::open(&project.path("state")).unwrap().virtual_time().unwrap(), None);
}

/// A target that, once told to, holds back the answer to one request until it is released.
struct Held {
    server: Server,
    armed: Arc<AtomicBool>,
    reached: Receiver<()>,
    release: Sender<()>,
}

impl Held {
    fn start() -> Self {
        let (reach, reached) = channel();
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let armed = Arc::new(AtomicBool::new(false));
        let is_armed = Arc::clone(&armed);
        let server = Server::start(move |_| {
            if is_armed.swap(false, Ordering::SeqCst) {
                reach.send(()).unwrap();
                let released = released.lock().unwrap_or_else(PoisonError::into_inner);
                released.recv_timeout(PATIENCE).unwrap();
            }
            None
        });
        Self { server, armed, reached, release }
    }
}

#[test]
fn a_service_that_is_stopped_ends_the_cycle_and_says_how_far_it_came() {
    let held = Held::start();
    let project = project(&held.server.url(), "");
    let service = Service::start_with(&project, &["--virtual"]);
    service.event("cycle_ended");
    held.armed.store(true, Ordering::SeqCst);
    let advance = started_advance(&project, "31d");
    held.reached.recv_timeout(PATIENCE).unwrap();
    service.signal("-TERM");
    service.event("stopping");
    held.release.send(()).unwrap();
    let output = advance.wait_with_output().unwrap();
    let moved: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        (&moved["interrupted"], &moved["cycles"]["app"], minutes(&moved)),
        (&true.into(), &1.into(), 40)
    );
    assert_eq!(service.end().0.code(), Some(0));
}

#[test]
fn what_a_service_was_asked_before_it_was_killed_is_done_by_who_asked() {
    let held = Held::start();
    let project = project(&held.server.url(), "");
    let mut service = Service::start_with(&project, &["--virtual"]);
    service.event("cycle_ended");
    held.armed.store(true, Ordering::SeqCst);
    let advance = started_advance(&project, "80m");
    held.reached.recv_timeout(PATIENCE).unwrap();
    service.process.kill().unwrap();
    service.process.wait().unwrap();
    held.release.send(()).unwrap();
    let output = advance.wait_with_output().unwrap();
    let moved: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &moved["interrupted"]), (Some(0), &false.into()));
    assert_eq!(
        (minutes(&moved), &moved["cycles"]["app"]),
        (40, &2.into()),
        "the rest, from the cycle cut off"
    );
}
