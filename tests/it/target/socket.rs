//! The app over a loopback socket, driven by a plain client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use scimulator::clock::{VirtualClock, WireInstant};
use scimulator::target::{App, AppOptions, Change, serve};
use serde_json::Value;

/// Longest wait for any answer.
const WAIT: Duration = Duration::from_secs(20);

/// Sends bytes and reads until the server closes; status, head and body.
fn exchange(address: SocketAddr, request: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect_timeout(&address, WAIT).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream.set_write_timeout(Some(WAIT)).unwrap();
    // A server that refuses early may stop reading; what it answered is read all the same.
    let _refused_early = stream.write_all(request);
    let mut answer = Vec::new();
    let _reset_after_answer = stream.read_to_end(&mut answer);
    let split = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, answer[split + 4..].to_vec())
}

fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:9\r\nAuthorization: Bearer t\r\nConnection: close\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Runs `with` against a served app, then stops it; what the keeper was told.
fn served(options: AppOptions, with: impl FnOnce(SocketAddr) + Send + 'static) -> Vec<Change> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&kept);
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let clock = Arc::new(VirtualClock::new("2026-05-01T00:00:00Z".parse().unwrap()));
        let app = Arc::new(Mutex::new(App::new(options)));
        let on_change = move |changes: Vec<Change>| keeper.lock().unwrap().extend(changes);
        let server = tokio::spawn(serve(app, clock, listener, on_change, async move {
            stopped.await.unwrap();
        }));
        tokio::task::spawn_blocking(move || with(address)).await.unwrap();
        stop.send(()).unwrap();
        tokio::time::timeout(WAIT, server).await.expect("the server stops when told").unwrap().unwrap();
    });
    Arc::try_unwrap(kept).unwrap().into_inner().unwrap()
}

#[test]
fn the_app_answers_over_a_socket_and_tells_its_keeper() {
    let options = AppOptions { token: Some("t".to_owned()), ..AppOptions::default() };
    let kept = served(options, |address| {
        let (status, head, body) =
            exchange(address, &request("POST", "/scim/v2/Users", "{\"userName\":\"ada\"}"));
        assert_eq!(status, 201);
        assert!(head.contains("application/scim+json"));
        let created: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(created["meta"]["created"], "2026-05-01T00:00:00Z", "job time, not the wall's");
        let location = format!("http://localhost:9/scim/v2/Users/{}", created["id"].as_str().unwrap());
        assert_eq!(created["meta"]["location"].as_str(), Some(location.as_str()));
        let query = request("GET", "/scim/v2/Users?filter=userName+eq+%22ada%22", "");
        let list: Value = serde_json::from_slice(&exchange(address, &query).2).unwrap();
        assert_eq!(list["totalResults"], 1);
        assert_eq!(exchange(address, &request("OPTIONS", "/scim/v2/Users", "")).0, 405);
        let anonymous = b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let (status, head, _) = exchange(address, anonymous);
        assert_eq!(status, 401);
        assert!(head.to_ascii_lowercase().contains("www-authenticate: bearer"));
    });
    assert_eq!(kept.len(), 1);
    assert!(matches!(&kept[0], Change::Put(user) if user["userName"] == "ada"));
}

#[test]
fn a_body_past_the_limit_is_refused_without_being_read() {
    served(AppOptions::default(), |address| {
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            scimulator::target::BODY_BYTES_MAX + 1
        );
        assert_eq!(exchange(address, head.as_bytes()).0, 413);
    });
}

#[test]
fn latency_is_waited_out_over_a_socket() {
    let latency = SignedDuration::from_millis(150);
    let options = AppOptions { latency, ..AppOptions::default() };
    served(options, move |address| {
        let began = WireInstant::now();
        assert_eq!(exchange(address, &request("GET", "/scim/v2/Users", "")).0, 200);
        assert!(latency.unsigned_abs() <= began.elapsed());
    });
}
