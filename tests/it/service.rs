//! The service: a process that runs cycles on schedule, what its log tells, and how it ends.

mod alone;
mod schedule;
mod set_back;
mod virtual_time;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use scimulator::store::JobLock;
use serde_json::Value;

use crate::bad_targets::server::{Answer, PATIENCE, Server};
use crate::common::Project;

/// Two users for one job against this target.
fn project(url: &str, more: &str) -> Project {
    Project::with([
        ("scimulator.toml", &config(url, more)),
        (
            "directory/users.csv",
            "userPrincipalName,displayName,mailNickname\nada@contoso.com,Ada,ada\nben@contoso.com,Ben,ben\n",
        ),
    ])
}

fn config(url: &str, more: &str) -> String {
    format!(
        "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = '{url}'\nscope = 'all'\n{more}\n"
    )
}

/// `scimulator run` as a process. It is killed with the value.
struct Service {
    process: Child,
    /// Its log, an event a line.
    events: Receiver<Value>,
}

/// The objects that come out of a pipe, one a line.
fn objects(pipe: impl std::io::Read + Send + 'static) -> Receiver<Value> {
    let (sender, objects) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let object = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            if sender.send(object).is_err() {
                return;
            }
        }
    });
    objects
}

impl Service {
    fn start(project: &Project) -> Self {
        Self::start_with(project, &[])
    }

    fn start_with(project: &Project, arguments: &[&str]) -> Self {
        Self::start_in(project, arguments, &[])
    }

    fn start_in(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
            .args(["run", "--format", "json"])
            .args(arguments)
            .current_dir(project.path(""))
            .env_remove("SCIMULATOR_LOG")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let events = objects(process.stderr.take().unwrap());
        Self { process, events }
    }

    /// The next event of this kind; those before it are passed over.
    #[track_caller]
    fn event(&self, kind: &str) -> Value {
        /// So many events may come before the one that is waited for.
        const PASSED_MAX: usize = 500;
        let mut passed = Vec::new();
        while passed.len() < PASSED_MAX {
            match self.events.recv_timeout(PATIENCE) {
                Ok(event) if event["event"] == kind => return event,
                Ok(event) => passed.push(event.to_string()),
                Err(error) => {
                    passed.push(error.to_string());
                    break;
                }
            }
        }
        panic!("no `{kind}` after\n{}", passed.join("\n"))
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args([name, &self.process.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// How it ended, and the events that were not looked at.
    fn end(mut self) -> (ExitStatus, Vec<Value>) {
        let events = std::iter::from_fn(|| self.events.recv_timeout(PATIENCE).ok()).collect();
        (self.process.wait().unwrap(), events)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended long ago.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What the processes of a project have sent so far.
fn requests(project: &Project) -> usize {
    project.read("state/journal/app.jsonl").lines().count()
}

fn status(project: &Project) -> Value {
    let output = project.scimulator(["status", "--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn it_runs_the_initial_cycle_at_once_ends_on_sigterm_and_goes_on_where_it_was() {
    let project = project("embedded", "");
    let service = Service::start(&project);
    assert_eq!(service.event("service_started")["jobs"], "app");
    let started = service.event("cycle_started");
    assert_eq!(
        (&started["job"], &started["kind"], &started["cycle"]),
        (&"app".into(), &"initial".into(), &1.into())
    );
    let ended = service.event("cycle_ended");
    assert_eq!(
        (&ended["state"], &ended["created"], &ended["failed"]),
        (&"Succeeded".into(), &2.into(), &0.into())
    );

    let standing = status(&project);
    assert_eq!(standing["status"]["code"], "Active");
    assert_eq!(standing["status"]["lastExecution"]["state"], "Succeeded");
    let table = project.scimulator(["status"]).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("in 40m"), "{table}");

    service.signal("-TERM");
    service.event("stopping");
    let (status, events) = service.end();
    assert_eq!((status.code(), events.last().unwrap()["event"].as_str()), (Some(0), Some("stopped")));

    let before = requests(&project);
    let service = Service::start(&project);
    assert_eq!(service.event("next_cycle")["next_cycle"], ended["next_cycle"], "the schedule is kept");
    service.signal("-INT");
    let (status, events) = service.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert_eq!(requests(&project), before, "nothing was due");
}

#[cfg(target_os = "linux")]
#[test]
fn the_manager_that_started_it_hears_when_it_is_ready_alive_and_stopping() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let project = project("embedded", "");
    let path = project.path("notify");
    let name = format!("scimulator-{}", project.path("").file_name().unwrap().display());
    let sockets = [
        (path.display().to_string(), UnixDatagram::bind(&path).unwrap()),
        (
            format!("@{name}"),
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
        ),
    ];
    for (name, socket) in sockets {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let variables = [("NOTIFY_SOCKET", name.as_str()), ("WATCHDOG_USEC", "200000")];
        let service = Service::start_in(&project, &[], &variables);
        let heard = || {
            let mut buffer = [0; 64];
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        assert_eq!([heard(), heard(), heard()], ["READY=1", "WATCHDOG=1", "WATCHDOG=1"], "{name}");
        service.signal("-TERM");
        assert!((0..100).any(|_| heard() == "STOPPING=1"), "{name}");
        assert_eq!(service.end().0.code(), Some(0));
    }
}

#[test]
fn whoever_watches_the_status_sees_each_change() {
    let project = project("embedded", "");
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["status", "--watch", "--format", "json"])
        .current_dir(project.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let records = objects(process.stdout.take().unwrap());
    let code = || records.recv_timeout(PATIENCE).unwrap()["status"]["code"].clone();
    assert_eq!(code(), "Paused");
    project.scimulator(["cycle"]).assert().success();
    // A look in the middle of the cycle may come first.
    assert!((0..4).any(|_| code() == "Active"));
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn whoever_follows_the_log_sees_each_entry_once() {
    let project = project("embedded", "");
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["logs", "--follow", "--format", "json", "--action", "create"])
        .current_dir(project.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let records = objects(process.stdout.take().unwrap());
    let name = || {
        let record = records.recv_timeout(PATIENCE).unwrap();
        record["sourceIdentity"]["displayName"].as_str().unwrap().to_owned()
    };
    project.scimulator(["cycle"]).assert().success();
    assert_eq!([name(), name()], ["Ada", "Ben"]);
    project.scimulator(["cycle"]).assert().success();
    project.write(
        "directory/users.csv",
        "userPrincipalName,displayName,mailNickname\nada@contoso.com,Ada,ada\nben@contoso.com,Ben,ben\n\
         cleo@contoso.com,Cleo,cleo\n",
    );
    project.scimulator(["cycle"]).assert().success();
    assert_eq!(name(), "Cleo");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn for_people_each_event_is_a_line_with_time_and_level() {
    let project = project("embedded", "");
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["run"])
        .current_dir(project.path(""))
        .env_remove("SCIMULATOR_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    let lines: Vec<String> = log.lines().take(3).map(Result::unwrap).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    let said = |line: &str| {
        let (time, rest) = line.split_once(' ').unwrap();
        time.parse::<scimulator::clock::Timestamp>().unwrap();
        rest.to_owned()
    };
    assert_eq!(said(&lines[0]), "INFO  the service runs; jobs: app");
    assert_eq!(said(&lines[1]), "INFO  app: initial cycle 1 begins");
    let end = "INFO  app: initial cycle 1 succeeded; created 2, updated 0, disabled 0, deleted 0, skipped 0, failed 0, \
               requests 6; next cycle at 20";
    assert!(said(&lines[2]).starts_with(end), "{}", lines[2]);
}

#[test]
fn a_cycle_under_way_ends_before_the_service_does() {
    let (reached, is_reached) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let server = Server::start(move |asked| {
        if asked.creates("ben") {
            reached.send(()).unwrap();
            released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        None
    });
    let project = project(&server.url(), "");
    let service = Service::start(&project);
    is_reached.recv_timeout(PATIENCE).unwrap();
    service.signal("-TERM");
    service.event("stopping");
    assert!(service.events.try_recv().is_err(), "it waits for the cycle");
    release.send(()).unwrap();
    assert_eq!(service.event("cycle_ended")["state"], "Succeeded");
    assert_eq!(service.end().0.code(), Some(0));
    assert_eq!(server.users(), ["ada@contoso.com", "ben@contoso.com"]);
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_next_cycle_finds_what_was_cut_off() {
    let (reached, is_reached) = channel();
    let server = Server::start(move |asked| {
        let first = asked.creates("ben") && reached.send(()).is_ok();
        first.then_some(Answer::SilentlyDone)
    });
    let project = project(&server.url(), "");
    let service = Service::start(&project);
    is_reached.recv_timeout(PATIENCE).unwrap();
    service.signal("-INT");
    service.event("stopping");
    service.signal("-TERM");
    assert_eq!(service.event("cut_off")["jobs"], "app");
    assert_eq!(service.end().0.code(), Some(0));
    drop(is_reached);

    let service = Service::start(&project);
    assert_eq!(service.event("cycle_ended")["state"], "Succeeded", "it is due at once");
    assert_eq!(server.users(), ["ada@contoso.com", "ben@contoso.com"]);
    assert_eq!(server.asked().iter().filter(|asked| asked.creates("ben")).count(), 1);
}

#[test]
fn a_cycle_that_outlasts_the_interval_is_followed_by_the_next_and_never_overlapped() {
    let project = project("embedded", "interval = '1ms'");
    let service = Service::start(&project);
    for _ in 0..4 {
        service.event("cycle_ended");
    }
    service.signal("-TERM");
    assert_eq!(service.end().0.code(), Some(0));
    let state = rusqlite::Connection::open(project.path("state/scimulator.db")).unwrap();
    let mut rows = state.prepare("SELECT began, ended FROM execution ORDER BY cycle").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let cycles: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    assert!(4 <= cycles.len());
    for pair in cycles.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{pair:?}");
    }
    scimulator::covers!("E-267");
}

#[test]
fn a_configuration_that_became_wrong_is_told_and_a_right_one_takes_effect() {
    let project = project("embedded", "interval = '1ms'");
    let replace = |text: &str| {
        project.write("new.toml", text);
        std::fs::rename(project.path("new.toml"), project.path("scimulator.toml")).unwrap();
    };
    let service = Service::start(&project);
    service.event("cycle_ended");

    replace(&config("embedded", "intervall = '1ms'"));
    let refused = service.event("configuration_refused");
    let reason = refused["reason"].as_str().unwrap();
    assert!(
        reason.contains("scimulator.toml:7:1: ") && reason.contains("did you mean `interval`"),
        "{reason}"
    );
    assert_eq!(service.event("cycle_ended")["state"], "Succeeded", "the old one stays in effect");

    let filter = "interval = '1ms'\n[[job.filter]]\nobject = 'user'\nname = 'Ada'\nclauses = [\n  \
                  { attribute = 'displayName', operator = 'EQUALS', value = 'Ada' },\n]";
    replace(&config("embedded", filter));
    let mut started = service.event("cycle_started");
    while started["kind"] != "initial" {
        assert!(started["cycle"].as_i64().unwrap() < 500, "{started}");
        started = service.event("cycle_started");
    }
    let ended = service.event("cycle_ended");
    assert_eq!((&ended["kind"], &ended["disabled"]), (&"initial".into(), &1.into()), "Ben is out of scope");

    let other = config("embedded", "").replace("'app'", "'other'");
    replace(&other);
    assert_eq!(service.event("job_gone")["job"], "app");
    assert_eq!(service.event("job_taken_up")["job"], "other");
    assert_eq!(service.event("cycle_ended")["job"], "other");
    service.signal("-TERM");
    assert_eq!(service.end().0.code(), Some(0));
}

#[test]
fn a_job_that_another_process_runs_is_left_to_it_and_looked_at_again() {
    let project = project("embedded", "");
    std::fs::create_dir(project.path("state")).unwrap();
    let lock = JobLock::take(&project.path("state"), "app").unwrap();
    let service = Service::start(&project);
    let busy = service.event("busy");
    let holder = busy["holder"].as_str().unwrap();
    let (process, since) = holder.split_once(" since ").unwrap();
    assert_eq!(process, format!("process {}", std::process::id()));
    since.parse::<scimulator::clock::Timestamp>().unwrap();
    drop(lock);
    assert_eq!(service.event("cycle_ended")["state"], "Succeeded");

    // Between cycles the job is free for a cycle by hand and for one object, and there is one service at most.
    project.scimulator(["cycle"]).assert().success();
    project.scimulator(["provision", "ada@contoso.com"]).assert().success();
    let second = project.scimulator(["run"]).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    let holder = format!("another process (process {} since ", service.process.id());
    assert!(second.status.code() == Some(2) && said.contains(&holder), "{said}");
    assert!(said.contains("Z) is the service of this configuration"), "{said}");
}

#[test]
fn a_job_whose_token_is_missing_holds_up_no_other() {
    let project = project("embedded", "");
    let other =
        "[[job]]\nname = 'other'\ntenant_url = 'embedded'\nscope = 'all'\ntoken = { file = 'token' }\n";
    project.write("scimulator.toml", &(config("embedded", "") + other));
    let service = Service::start(&project);
    let (mut fault, mut ended) = (None, None);
    while fault.is_none() || ended.is_none() {
        let event = service.events.recv_timeout(PATIENCE).unwrap();
        match event["event"].as_str() {
            Some("fault") => fault = Some(event),
            Some("cycle_ended") => ended = Some(event),
            _ => {}
        }
    }
    let (fault, ended) = (fault.unwrap(), ended.unwrap());
    assert_eq!((&fault["job"], &ended["job"]), (&"other".into(), &"app".into()));
    let reason = fault["reason"].as_str().unwrap();
    assert!(reason.starts_with("the token of job `other` can't be had: "), "{reason}");
}

#[test]
fn failed_objects_and_quarantine_are_told_and_start_ends_the_wait() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refuse = Arc::clone(&refuses);
    let server = Server::start(move |asked| {
        if refuse.load(Ordering::SeqCst) {
            return Some(Answer::say(401, r#"{"detail":"who are you"}"#));
        }
        asked.creates("ben").then(|| Answer::say(400, r#"{"detail":"no Bens"}"#))
    });
    let project = project(&server.url(), "");
    let service = Service::start(&project);
    assert_eq!(service.event("cycle_ended")["state"], "Failed");
    let entered = service.event("quarantine_entered");
    assert_eq!(entered["reason"], "EncounteredQuarantineException");
    assert!(entered["message"].as_str().unwrap().contains("who are you"), "{entered}");

    refuses.store(false, Ordering::SeqCst);
    project.scimulator(["start"]).assert().success();
    let failed = service.event("object_failed");
    assert_eq!((&failed["object"], &failed["action"]), (&"ben@contoso.com".into(), &"create".into()));
    let ended = service.event("cycle_ended");
    assert_eq!((&ended["state"], &ended["escrowed"]), (&"EntryLevelErrors".into(), &1.into()));
    scimulator::covers!("E-170");
}

/// The target answers a match query only when as many of them are under way as are to be, or after a long while.
#[test]
fn a_service_works_on_four_objects_at_once_unless_told_otherwise() {
    const WAIT_MAX: Duration = Duration::from_secs(5);
    for (more, together) in [("", 4), ("fidelity = { workers = 2 }", 2)] {
        let counts = Arc::new((Mutex::new((0_usize, 0_usize)), Condvar::new()));
        let seen = Arc::clone(&counts);
        let target = Server::start(move |asked| {
            if asked.method != "GET" || asked.is_probe() {
                return None;
            }
            let (count, changed) = &*seen;
            let mut count = count.lock().unwrap();
            count.0 += 1;
            count.1 = count.1.max(count.0);
            changed.notify_all();
            let waited = changed.wait_timeout_while(count, WAIT_MAX, |(_, most)| *most < together);
            let (mut count, _) = waited.unwrap();
            count.0 -= 1;
            None
        });
        let project = project(&target.url(), more);
        let users = ["ada", "ben", "cyd", "dan", "eve", "fay", "gus", "hal"];
        let rows: Vec<String> = users.iter().map(|name| format!("{name}@contoso.com\n")).collect();
        project.write("directory/users.csv", &format!("userPrincipalName\n{}", rows.concat()));
        let service = Service::start(&project);
        let ended = service.event("cycle_ended");
        assert_eq!((&ended["state"], &ended["created"]), (&"Succeeded".into(), &users.len().into()));
        assert_eq!(counts.0.lock().unwrap().1, together, "{more}");
        // Groups come after all users, and there are none; what else was asked came before the first user.
        let asked = target.asked();
        let first = asked.iter().position(|asked| !asked.is_probe()).unwrap();
        assert!(asked[first..].iter().all(|asked| !asked.is_probe()), "probes never overlap with users");
    }
    scimulator::covers!("W-036");
}
