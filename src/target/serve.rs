//! The app on a socket.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request as SocketRequest;
use axum::response::Response as SocketResponse;
use http_body::Frame;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::answer::{self, Refusal};
use super::console::{CONSOLE_PATH, over_http};
use super::faults::{Met, Served};
use super::{App, BODY_BYTES_MAX, Change};
use crate::clock::Clock;
use crate::http::{Method, Request, Response, TransportError};

/// Serves the app, with its faults if it has any, until `shutdown` is done, then lets running requests end.
///
/// `clock` gives the time of `meta`; each answer is held back for its latency in real time. After a request that
/// changed something, `on_change` gets the changes before the answer leaves and before another request is looked at, so
/// that whatever was answered for is kept. Where there is to be no answer, the connection is closed without one.
///
/// # Errors
///
/// Those of the listener.
pub async fn serve<A: Served>(
    app: Arc<Mutex<A>>,
    clock: Arc<dyn Clock>,
    listener: TcpListener,
    on_change: impl Fn(Vec<Change>) + Send + Sync + 'static,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let on_change = Arc::new(on_change);
    let router = Router::new().fallback(move |request: SocketRequest| {
        let (app, clock, on_change) = (Arc::clone(&app), Arc::clone(&clock), Arc::clone(&on_change));
        async move {
            let met = match taken_in(request).await {
                Ok(request) => {
                    let mut served = app.lock().unwrap_or_else(PoisonError::into_inner);
                    let met = if is_of_console(&request) {
                        at_once(console_response(served.app(), &request))
                    } else {
                        served.meet(&request, clock.now())
                    };
                    let changes = served.app().drain_changes();
                    if !changes.is_empty() {
                        on_change(changes);
                    }
                    met
                }
                Err(refusal) => at_once(refusal.into_response()),
            };
            wait(met.latency).await;
            given_out(met.outcome)
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

/// A new token: 244 bits that nobody can guess.
pub fn new_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn is_of_console(request: &Request) -> bool {
    let path = request.path_and_query().split('?').next().unwrap_or_default();
    path.strip_prefix(CONSOLE_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The console asks for no token: whoever sits at the machine is its administrator. A page in their browser is not, and
/// it shows itself by its origin, or by a name of its own that it had resolve to this machine.
fn check_visitor(request: &Request) -> Result<(), Refusal> {
    let host = request.header("Host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if !name.eq_ignore_ascii_case("localhost") && address.parse::<IpAddr>().is_err() {
        return Err(Refusal::forbidden(format!("the console goes by no name of `{host}`")));
    }
    match request.header("Origin") {
        Some(origin) if origin.strip_prefix("http://") != Some(host) => {
            Err(Refusal::forbidden(format!("the console answers no page of `{origin}`")))
        }
        Some(_) | None => Ok(()),
    }
}

fn console_response(app: &mut App, request: &Request) -> Response {
    match check_visitor(request).and_then(|()| over_http(app, request, &new_token())) {
        Ok((status, body)) => answer::with_body(status, &body),
        Err(refusal) => refusal.into_response(),
    }
}

fn at_once(response: Response) -> Met {
    Met { outcome: Ok(response), latency: SignedDuration::ZERO }
}

async fn taken_in(request: SocketRequest) -> Result<Request, Refusal> {
    let (head, body) = request.into_parts();
    let method = Method::from_name(head.method.as_str())
        .ok_or_else(|| Refusal::method("GET, POST, PUT, PATCH and DELETE"))?;
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let host = headers.iter().find(|(name, _)| name == "host").map(|(_, value)| value.as_str());
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let url = format!("http://{}{target}", host.unwrap_or("localhost"));
    let too_large = || Refusal::too_large(format!("a body has at most {BODY_BYTES_MAX} bytes"));
    // A body that announces its size is not waited for; any other is read up to the limit.
    if u64::try_from(BODY_BYTES_MAX).is_ok_and(|limit| limit < body.size_hint().lower()) {
        return Err(too_large());
    }
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())?;
    let body = (!bytes.is_empty()).then(|| bytes.to_vec());
    Ok(Request { method, url, headers, body })
}

fn given_out(outcome: Result<Response, TransportError>) -> SocketResponse {
    let Ok(response) = outcome else { return SocketResponse::new(Body::new(NoAnswer)) };
    let mut built = SocketResponse::builder().status(response.status);
    for (name, value) in &response.headers {
        built = built.header(name, value);
    }
    built.body(Body::from(response.body)).unwrap_or_else(|_| {
        // Only a value that no header can hold leads here, such as a line break.
        let mut fault = SocketResponse::new(Body::empty());
        *fault.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        fault
    })
}

/// A body that fails before anything was sent, headers included: the server closes the connection.
struct NoAnswer;

impl HttpBody for NoAnswer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the driver that waits out the app's latency, as data says"
)]
async fn wait(latency: SignedDuration) {
    if let Ok(latency) = Duration::try_from(latency) {
        tokio::time::sleep(latency).await;
    }
}
