//! A small SCIM target on loopback that does as it should, except where a test says otherwise.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// Bounds every wait, far beyond what any test needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Where an endless body ends after all: far beyond what any client should read.
const ENDLESS_BYTES: usize = 64 * 1024 * 1024;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) body: String,
}

impl Asked {
    /// Whether it is the match query for this userName; the probe asks for a value that nobody has.
    pub(crate) fn queries(&self, user: &str) -> bool {
        self.method == "GET" && self.target.contains("/Users?filter=") && self.target.contains(user)
    }

    /// Whether it creates this user.
    pub(crate) fn creates(&self, user: &str) -> bool {
        self.method == "POST" && self.body.contains(&format!(r#""userName":"{user}@"#))
    }

    /// Whether it is a query that names no user of the tests.
    pub(crate) fn is_probe(&self) -> bool {
        self.target.contains("?filter=") && !self.target.contains("contoso")
    }
}

/// What to do about a request.
pub(crate) enum Answer {
    /// Status, headers, body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// Nothing, until the client hangs up.
    Silence,
    /// Do what is asked, and then nothing until the client hangs up.
    SilentlyDone,
    /// Nothing: the connection ends.
    HangUp,
    /// A body without end.
    Endless,
}

impl Answer {
    pub(crate) fn say(status: u16, body: impl std::fmt::Display) -> Self {
        Self::Say(status, vec![("Content-Type", "application/scim+json".to_owned())], body.to_string())
    }
}

/// What a test says about a request; `None` leaves it to the target.
type Script = dyn Fn(&Asked) -> Option<Answer> + Send + Sync;

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

struct State {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
    resources: Mutex<Vec<Value>>,
    /// How many there ever were.
    made: AtomicUsize,
    stopped: AtomicBool,
}

impl Server {
    pub(crate) fn start(script: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Box::new(script),
            asked: Mutex::default(),
            resources: Mutex::default(),
            made: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { address, state, accepting: Some(accepting) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/scim", self.address)
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// The userNames that the target holds.
    pub(crate) fn users(&self) -> Vec<String> {
        let resources = self.state.resources.lock().unwrap();
        let mut names: Vec<String> =
            resources.iter().filter_map(|user| Some(user["userName"].as_str()?.to_owned())).collect();
        names.sort();
        names
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

/// One connection: one request, one answer.
fn serve(state: &State, stream: TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let Some(asked) = read(&mut reader) else { return };
    state.asked.lock().unwrap().push(asked.clone());
    let answer = (state.script)(&asked).unwrap_or_else(|| agree(state, &asked));
    if matches!(answer, Answer::SilentlyDone) {
        agree(state, &asked);
    }
    let mut stream = reader.into_inner();
    // The client may hang up before the end, which is its right.
    match answer {
        Answer::Say(status, headers, body) => {
            let mut head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
            stream.write_all(format!("{head}\r\n{body}").as_bytes()).ok();
            stream.shutdown(Shutdown::Write).ok();
        }
        Answer::Silence | Answer::SilentlyDone => {
            stream.read_exact(&mut [0]).ok();
        }
        Answer::HangUp => {}
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").ok();
            let piece = vec![b' '; 64 * 1024];
            for _ in 0..ENDLESS_BYTES / piece.len() {
                if stream.write_all(&piece).is_err() {
                    break;
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, target, body: String::from_utf8(body).ok()? })
}

/// What a target should answer that has nothing but what it was sent.
fn agree(state: &State, asked: &Asked) -> Answer {
    let mut resources = state.resources.lock().unwrap();
    match asked.method.as_str() {
        "GET" if asked.target.contains('?') => {
            let found: Vec<&Value> = resources
                .iter()
                .filter(|user| {
                    user["userName"]
                        .as_str()
                        .is_some_and(|name| asked.target.contains(&name.replace('@', "%40")))
                })
                .collect();
            let schema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
            Answer::say(200, json!({ "schemas": [schema], "totalResults": found.len(), "Resources": found }))
        }
        "GET" => match resources.iter().find(|user| asked.target.ends_with(user["id"].as_str().unwrap())) {
            Some(user) => Answer::say(200, user),
            None => Answer::say(404, json!({ "status": "404" })),
        },
        "POST" => {
            let mut user: Value = serde_json::from_str(&asked.body).unwrap();
            user["id"] = json!(format!("id-{}", state.made.fetch_add(1, Ordering::SeqCst)));
            resources.push(user.clone());
            Answer::say(201, user)
        }
        "DELETE" => {
            resources.retain(|user| !asked.target.ends_with(user["id"].as_str().unwrap()));
            Answer::Say(204, Vec::new(), String::new())
        }
        _ => Answer::Say(204, Vec::new(), String::new()),
    }
}
