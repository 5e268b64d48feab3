//! The network transport over real sockets: what goes out byte for byte, and what every kind of answer becomes.

mod access;
mod grants;
mod har;
mod journal;
mod oauth;
mod pacing;
mod pseudonyms;
mod server;
mod tls;

use std::net::TcpListener;
use std::time::Duration;

use scimulator::client::{
    Authorization, BODY_BYTES_MAX, BearerToken, Network, NetworkOptions, ProxySettings,
};
use scimulator::covers;
use scimulator::http::{Method, Request, Response, TransportError};
use secrecy::SecretString;

use self::server::{Reply, Server};

fn direct() -> NetworkOptions {
    NetworkOptions::with_proxy(ProxySettings::none())
}

fn network() -> Network {
    Network::new(&direct()).unwrap()
}

fn request(method: Method, url: &str, body: Option<&str>) -> Request {
    let mut headers = vec![("Accept".to_owned(), "application/scim+json".to_owned())];
    if body.is_some() {
        headers.push(("Content-Type".to_owned(), "application/scim+json; charset=utf-8".to_owned()));
    }
    Request { method, url: url.to_owned(), headers, body: body.map(|body| body.as_bytes().to_vec()) }
}

fn get(url: &str) -> Request {
    request(Method::Get, url, None)
}

async fn outcome(network: &Network, request: &Request) -> Result<Response, TransportError> {
    network.exchange(request).await.outcome
}

/// What the transport makes of one scripted reply to a GET.
async fn outcome_of(reply: Reply) -> Result<Response, TransportError> {
    let server = Server::start([reply]);
    outcome(&network(), &get(&server.url("/scim/Users/1"))).await
}

#[tokio::test]
async fn a_get_goes_out_byte_for_byte_with_host_and_nothing_else() {
    let server = Server::start([Reply::ok("{}")]);
    let target = "/scim/v2/Groups?excludedAttributes=members&filter=\
                  urn%3aa.b%5bx+eq+%22R%26D+%2f+EMEA+(all)!*-_~%27%C3%A9%25%5C%22%5d&count=1";
    let mut sent = get(&server.url(target));
    let token = BearerToken::try_from(SecretString::from("s3cret")).unwrap();
    Authorization::Bearer(token).apply(&mut sent);
    outcome(&network(), &sent).await.unwrap();
    let wanted = format!(
        "GET {target} HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nAccept: application/scim+json\r\nHost: {}\r\n\r\n",
        server.authority(),
    );
    assert_eq!(server.request().text(), wanted);
    covers!("W-009");
}

#[tokio::test]
async fn every_method_goes_out_as_it_is_on_one_connection() {
    let cases = [
        (Method::Post, Some("{\"userName\":\"zoë\"}")),
        (Method::Patch, Some("{ }")),
        (Method::Put, Some("x")),
        (Method::Delete, None),
        (Method::Get, None),
    ];
    let server = Server::start(cases.map(|_| Reply::ok("{}")));
    let network = network();
    for (method, body) in cases {
        let url = server.url("/scim/Users/a%2Fb%20c;v=1/$x'(y)@z:%3a");
        outcome(&network, &request(method, &url, body)).await.unwrap();
        let with_body = body.map_or(String::new(), |body| {
            let length = body.len();
            format!("Content-Type: application/scim+json; charset=utf-8\r\nHost: {{host}}\r\nContent-Length: {length}\r\n\r\n{body}")
        });
        let rest = if body.is_some() { with_body } else { "Host: {host}\r\n\r\n".to_owned() };
        let wanted = format!(
            "{method} /scim/Users/a%2Fb%20c;v=1/$x'(y)@z:%3a HTTP/1.1\r\nAccept: application/scim+json\r\n{}",
            rest.replace("{host}", &server.authority()),
        );
        let received = server.request();
        assert_eq!(received.text(), wanted);
        assert_eq!(received.connection, 1, "the connection is kept alive");
    }
}

#[tokio::test]
async fn an_answer_comes_back_whole() {
    let reply = "HTTP/1.1 201 Created\r\nLocation: /x\r\nETag: W/\"1\"\r\nContent-Length: 3\r\n\r\n\0\u{e9}";
    let answer = outcome_of(Reply::bytes(reply)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (201, "\0\u{e9}".as_bytes()));
    assert_eq!((answer.header("location"), answer.header("ETAG")), (Some("/x"), Some("W/\"1\"")));
    let empty = outcome_of(Reply::bytes("HTTP/1.1 204 No Content\r\n\r\n")).await.unwrap();
    assert_eq!((empty.status, empty.body.len()), (204, 0));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n1\r\n}\r\n0\r\n\r\n";
    assert_eq!(outcome_of(Reply::bytes(chunked)).await.unwrap().body, b"{ }");
}

#[tokio::test]
async fn a_url_that_would_change_on_its_way_is_not_sent() {
    let server = Server::start([Reply::ok("{}")]);
    let network = network();
    for target in [
        "/scim/Users/..",
        "/scim/Users/%2e%2E",
        "/scim/Users/./1",
        "/scim/Users/a b",
        "/scim/Users?x='",
        "/scim/Users/1#2",
    ] {
        let refused = outcome(&network, &request(Method::Delete, &server.url(target), None)).await;
        let changed = TransportError::Connect("not sent: the URL would be changed on its way out".to_owned());
        assert_eq!(refused, Err(changed), "{target}");
    }
    let mut split = get(&server.url("/scim/Users"));
    split.headers.push(("X-Split".to_owned(), "a\r\nEvil: b".to_owned()));
    assert!(
        matches!(outcome(&network, &split).await, Err(TransportError::Connect(reason)) if !reason.contains("Evil"))
    );
    outcome(&network, &get(&server.url("/scim/Users/last"))).await.unwrap();
    assert!(
        server.request().text().starts_with("GET /scim/Users/last HTTP/1.1\r\n"),
        "the first that arrived"
    );
}

#[tokio::test]
async fn silence_and_a_stalled_body_are_timeouts() {
    let stalled = Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_vec());
    for reply in [Reply::Hang(Vec::new()), stalled] {
        let server = Server::start([reply]);
        let network =
            Network::new(&NetworkOptions { timeout: Duration::from_millis(200), ..direct() }).unwrap();
        let answered = network.exchange(&get(&server.url("/scim/Users"))).await;
        assert_eq!(answered.outcome, Err(TransportError::Timeout { after_ms: 200 }));
        assert!(Duration::from_millis(200) <= answered.elapsed, "{:?}", answered.elapsed);
    }
}

#[tokio::test]
async fn no_listener_and_a_dropped_connection_are_failures_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/scim/Users", listener.local_addr().unwrap());
    drop(listener);
    let refused = outcome(&network(), &get(&nobody)).await;
    assert!(matches!(refused, Err(TransportError::Connect(_))), "{refused:?}");
    let dropped = outcome_of(Reply::Close(Vec::new())).await;
    assert!(matches!(dropped, Err(TransportError::Connect(_))), "{dropped:?}");
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_not_repeated() {
    let server = Server::start([Reply::ok("{}"), Reply::Close(Vec::new()), Reply::ok("{}")]);
    let network = network();
    let create = request(Method::Post, &server.url("/scim/Users"), Some("{}"));
    assert_eq!(outcome(&network, &create).await.unwrap().status, 200);
    let lost = outcome(&network, &create).await;
    assert!(matches!(lost, Err(TransportError::Connect(_))), "{lost:?}");
    assert_eq!((server.request().connection, server.request().connection), (1, 1));
    assert!(server.nothing_more());
}

#[tokio::test]
async fn what_is_not_http_or_breaks_off_is_a_protocol_error() {
    let replies = [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 two-hundred OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ];
    for reply in replies {
        let outcome = outcome_of(Reply::Close(reply.as_bytes().to_vec())).await;
        assert!(matches!(outcome, Err(TransportError::Protocol(_))), "{reply:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit_and_not_a_byte_further() {
    let announced = |length: usize| {
        let mut reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        reply.resize(reply.len() + length, b'x');
        Reply::Close(reply)
    };
    // Without a length the body ends with the connection: only counting can stop it.
    let unannounced = |length: usize| {
        let mut reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        reply.resize(reply.len() + length, b'x');
        Reply::Close(reply)
    };
    let too_large = Err(TransportError::TooLarge { limit_bytes: 8 * 1024 * 1024 });
    for reply in [announced(BODY_BYTES_MAX), unannounced(BODY_BYTES_MAX)] {
        assert_eq!(outcome_of(reply).await.map(|answer| answer.body.len()), Ok(BODY_BYTES_MAX));
    }
    for reply in [announced(BODY_BYTES_MAX + 1), unannounced(BODY_BYTES_MAX + 1)] {
        assert_eq!(outcome_of(reply).await, too_large);
    }
}

fn redirect_to(location: &str) -> Reply {
    Reply::bytes(&format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ))
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([Reply::ok("{}")]);
    for location in [elsewhere.url("/scim/Users"), "/scim/other".to_owned()] {
        let server = Server::start([redirect_to(&location), Reply::ok("{}")]);
        let answer = outcome(&network(), &get(&server.url("/scim/Users"))).await.unwrap();
        assert_eq!((answer.status, answer.header("Location")), (307, Some(location.as_str())));
        server.request();
        assert!(server.nothing_more());
    }
    assert!(elsewhere.nothing_more());
    covers!("W-051");
}

#[tokio::test]
async fn a_redirect_is_followed_on_request_but_never_to_another_target() {
    let network = Network::new(&NetworkOptions { follow_redirects: true, ..direct() }).unwrap();
    let server = Server::start([redirect_to("/scim/v2/Users"), Reply::ok("{}")]);
    let moved = request(Method::Post, &server.url("/scim/Users"), Some("{}"));
    assert_eq!(outcome(&network, &moved).await.unwrap().status, 200);
    assert!(server.request().text().starts_with("POST /scim/Users "));
    assert!(server.request().text().starts_with("POST /scim/v2/Users "));

    let elsewhere = Server::start([Reply::ok("{}")]);
    let server = Server::start([redirect_to(&elsewhere.url("/scim/Users"))]);
    assert_eq!(outcome(&network, &get(&server.url("/scim/Users"))).await.unwrap().status, 307);
    assert!(elsewhere.nothing_more());
}

#[tokio::test]
async fn a_proxy_serves_distant_targets_and_never_this_machine() {
    let proxy = Server::start([Reply::ok("{}")]);
    let answer = || Reply::Close(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec());
    let target = Server::start([answer(), answer()]);
    let settings = ProxySettings::from_variables(|name| (name == "http_proxy").then(|| proxy.url("")));
    let network = Network::new(&NetworkOptions::with_proxy(settings)).unwrap();
    outcome(&network, &get(&target.url("/scim/direct"))).await.unwrap();
    let by_name = format!("http://localhost:{}/scim/named", target.port());
    outcome(&network, &get(&by_name)).await.unwrap();
    outcome(&network, &get("http://scim.example.invalid/scim/Users?x=%3a")).await.unwrap();
    assert!(target.request().text().starts_with("GET /scim/direct HTTP/1.1\r\n"));
    assert!(target.request().text().starts_with("GET /scim/named HTTP/1.1\r\n"));
    assert!(
        proxy.request().text().starts_with("GET http://scim.example.invalid/scim/Users?x=%3a HTTP/1.1\r\n")
    );
}

#[test]
fn a_proxy_that_is_no_url_is_named_without_being_shown() {
    let settings =
        ProxySettings::from_variables(|name| (name == "HTTPS_PROXY").then(|| "http://u:pa ss@[".to_owned()));
    assert_eq!(format!("{settings:?}"), "ProxySettings(http: false, https: true)");
    let error = Network::new(&NetworkOptions::with_proxy(settings)).unwrap_err();
    assert_eq!(error.to_string(), "the proxy for https targets is not a URL");
}
