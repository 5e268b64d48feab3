//! A scripted HTTP server on loopback that keeps the raw bytes it was sent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Bounds every wait of a test, far beyond what any of them needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to do about one request.
pub(super) enum Reply {
    /// Send these bytes, await the next request.
    Bytes(Vec<u8>),
    /// Send these bytes, close the connection.
    Close(Vec<u8>),
    /// Send these bytes, then nothing until the client hangs up.
    Hang(Vec<u8>),
}

impl Reply {
    pub(super) fn bytes(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    pub(super) fn ok(body: &str) -> Self {
        Self::bytes(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }
}

/// One request as it came.
pub(super) struct Received {
    bytes: Vec<u8>,
    /// Which connection brought it, from 1.
    pub(super) connection: usize,
}

impl Received {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

pub(super) struct Server {
    address: SocketAddr,
    requests: Receiver<Received>,
}

impl Server {
    /// Answers requests with these replies in turn, then hangs up.
    pub(super) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let replies: Vec<Reply> = replies.into_iter().collect();
        std::thread::spawn(move || serve(&listener, replies, &sender));
        Self { address, requests }
    }

    pub(super) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// The next request.
    pub(super) fn request(&self) -> Received {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether no further request has come. Asked after the client has its answer: whatever it sent is here.
    pub(super) fn nothing_more(&self) -> bool {
        matches!(self.requests.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout))
    }
}

fn serve(listener: &TcpListener, replies: Vec<Reply>, sender: &Sender<Received>) {
    let mut replies = replies.into_iter().peekable();
    let mut connection = 0;
    while replies.peek().is_some() {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        connection += 1;
        while replies.peek().is_some() {
            let Some(bytes) = read_request(&mut stream) else {
                break;
            };
            // The test may have ended already, with all it wanted to know.
            sender.send(Received { bytes, connection }).ok();
            match replies.next().unwrap() {
                Reply::Bytes(bytes) => stream.write_all(&bytes).unwrap(),
                Reply::Close(bytes) => {
                    // A client that has read enough hangs up first.
                    stream.write_all(&bytes).and_then(|()| stream.shutdown(Shutdown::Write)).ok();
                    break;
                }
                Reply::Hang(bytes) => {
                    stream.write_all(&bytes).unwrap();
                    stream.read_to_end(&mut Vec::new()).ok();
                    break;
                }
            }
        }
    }
}

/// The head and as much body as `Content-Length` announces; `None` when the client has hung up.
pub(super) fn read_request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut next = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut next).ok()? == 0 {
            return None;
        }
        bytes.push(next[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap().to_ascii_lowercase();
    let length = head
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split_once("\r\n").unwrap().0.parse::<usize>().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    bytes.extend_from_slice(&body);
    Some(bytes)
}

/// For servers of other kinds: a listener's next connection, its reads bounded.
pub(super) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}
