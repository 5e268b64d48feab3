//! `requests_per_second` of a job, over sockets. How the spacing itself is reckoned is tested on virtual time beside
//! the code.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use scimulator::clock::WireInstant;
use scimulator::covers;

use crate::common::Project;

/// Bounds every wait, far beyond what any test needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// An empty target that answers every query with nothing found; gives the first path segment and the time of each
/// request as it comes.
fn target() -> (u16, Receiver<(String, WireInstant)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || {
                answer(stream, |line| sender.send((line, WireInstant::now())).is_ok());
            });
        }
    });
    (port, seen)
}

fn answer(mut stream: TcpStream, told: impl Fn(String) -> bool) {
    const EMPTY: &str =
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        let path = line.split_whitespace().nth(1).unwrap_or_default();
        if !told(path.split('/').nth(1).unwrap_or_default().to_owned()) {
            return;
        }
        lines.find(String::is_empty);
        if write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{EMPTY}", EMPTY.len()).is_err() {
            return;
        }
    }
}

/// A job for each path of one target.
fn project(port: u16, jobs: &[(&str, &str)]) -> Project {
    let jobs = jobs.iter().map(|(name, more)| {
        format!("[[job]]\nname = '{name}'\ntenant_url = 'http://127.0.0.1:{port}/{name}'\n{more}\n")
    });
    let config = format!("[directory]\npath = 'directory'\n{}", jobs.collect::<String>());
    Project::with([
        ("scimulator.toml", &config),
        ("directory/users.csv", "userPrincipalName\nada@contoso.com\n"),
    ])
}

#[test]
fn a_job_with_a_rate_spaces_its_requests_and_one_without_waits_for_nobody() {
    let (port, seen) = target();
    let project = project(port, &[("slow", "requests_per_second = 1"), ("free", "")]);
    let slow = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .current_dir(project.path(""))
        .args(["test-connection", "--job", "slow"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let first = seen.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first.0, "slow");
    // The other job's two probes leave and are answered while the first one waits for its second.
    project.scimulator(["test-connection", "--job", "free", "-q"]).assert().success();
    let mut order = Vec::new();
    let mut second = None;
    while second.is_none() {
        let (job, at) = seen.recv_timeout(PATIENCE).unwrap();
        if job == "slow" {
            second = Some(at);
        }
        order.push(job);
    }
    assert_eq!(order, ["free", "free", "slow"]);
    let apart = second.unwrap().saturating_duration_since(first.1);
    // The server notes a request a little after it left.
    assert!(Duration::from_millis(900) <= apart, "{apart:?}");
    assert!(slow.wait_with_output().unwrap().status.success());
    covers!("W-035");
}
