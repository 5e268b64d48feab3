//! The network transport: one request value out, one answer in, byte for byte.

use std::error::Error;
use std::time::Duration;
use std::{fmt, io};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::clock::WireInstant;
use crate::http::{Method, Request, Response, TransportError};

/// The largest body of an answer that is read, in bytes. Entra's own limit is not published; 8 MiB holds a group
/// of some 100,000 members, and bounds what a broken target can make us hold per worker. A larger answer is
/// [`TransportError::TooLarge`], noticed at the first byte beyond.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a connection may lie unused before it is given up. Less than the 5 s after which common servers close
/// one: a request that meets the closing would fail although nothing is wrong.
const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(4);

/// The most redirects followed for one request, when they are followed at all.
const REDIRECTS_MAX: usize = 10;

/// Hosts that no proxy can reach for us.
const PROXY_NEVER: &str = "localhost,127.0.0.0/8,::1";

/// How to talk to a target.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Wire time a whole request may take, connecting and reading the body included. Entra's is unpublished;
    /// 30 s is the suggestion of `wire.md 1.6`.
    pub timeout: Duration,
    /// Whether a 3xx answer is followed (`wire.md 1.7`: not by default). Even then only within scheme, host and
    /// port of the request: a target that was allowed must not name another one.
    pub follow_redirects: bool,
    /// Certificates (DER) trusted besides the system's roots.
    pub extra_roots: Vec<Vec<u8>>,
    /// Proxies; never used for this very machine.
    pub proxy: ProxySettings,
}

impl NetworkOptions {
    /// Entra's behaviour, with the proxies given.
    pub fn with_proxy(proxy: ProxySettings) -> Self {
        Self { timeout: Duration::from_secs(30), follow_redirects: false, extra_roots: Vec::new(), proxy }
    }
}

/// Proxies, as the usual environment variables name them. Never printed: their URLs may hold passwords.
#[derive(Clone)]
pub struct ProxySettings {
    http: Option<String>,
    https: Option<String>,
    bypass: String,
}

impl ProxySettings {
    /// No proxy.
    pub fn none() -> Self {
        Self::from_variables(|_| None)
    }

    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not, say in this process.
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The same for variables that `look_up` answers for; an empty one counts as absent.
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let first =
            |names: [&str; 4]| names.into_iter().filter_map(&look_up).find(|value| !value.trim().is_empty());
        Self {
            http: first(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]),
            https: first(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            bypass: first(["NO_PROXY", "no_proxy", "", ""]).unwrap_or_default(),
        }
    }

    fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, NetworkError> {
        let bypass = || NoProxy::from_string(&format!("{},{PROXY_NEVER}", self.bypass));
        // Nothing else may look at the environment.
        builder = builder.no_proxy();
        if let Some(url) = &self.http {
            let proxy = Proxy::http(url).map_err(|_| NetworkError::Proxy { scheme: "http" })?;
            builder = builder.proxy(proxy.no_proxy(bypass()));
        }
        if let Some(url) = &self.https {
            let proxy = Proxy::https(url).map_err(|_| NetworkError::Proxy { scheme: "https" })?;
            builder = builder.proxy(proxy.no_proxy(bypass()));
        }
        Ok(builder)
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxySettings(http: {}, https: {})", self.http.is_some(), self.https.is_some())
    }
}

/// Why the transport can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A proxy variable holds no URL (not shown: it may hold a password).
    #[error("the proxy for {scheme} targets is not a URL")]
    Proxy {
        /// `http` or `https`.
        scheme: &'static str,
    },
    /// An extra root is not a certificate.
    #[error("extra root certificate {position} can not be read")]
    Root {
        /// Which one, from 1.
        position: usize,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP client can not be built.
    #[error("the HTTP client can not be set up")]
    Client(#[source] reqwest::Error),
}

/// What became of a request, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The answer, or why there is none.
    pub outcome: Result<Response, TransportError>,
    /// Wire time from sending to the last byte of the body.
    pub elapsed: Duration,
}

/// The transport over sockets: HTTP/1.1, connections kept alive, TLS against the system's roots.
#[derive(Clone)]
pub struct Network {
    client: Client,
    timeout: Duration,
}

impl Network {
    /// Sets the transport up; connects to nothing.
    pub fn new(options: &NetworkOptions) -> Result<Self, NetworkError> {
        // Without a provider building a client panics; that one is installed already is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
        let roots = extra_roots(options)?;
        let client = match base_client(options)?.tls_certs_merge(roots.clone()).build() {
            Ok(client) => client,
            // A machine without any root certificate can still talk to targets without TLS.
            Err(error) => {
                tracing::warn!(%error, "no root certificates of the system can be used");
                base_client(options)?.tls_certs_only(roots).build().map_err(NetworkError::Client)?
            }
        };
        Ok(Self { client, timeout: options.timeout })
    }

    /// Sends `request` and waits for the whole answer, at most for the time-out. Nothing is ever sent twice.
    ///
    /// Out go the request's own headers, with `Host` and, before a body, `Content-Length`; a request that names no
    /// `Accept` gets `*/*`. A URL that can not go out as it is written (a `..` segment, a raw blank) is not sent at
    /// all: what would go out instead may be another object's.
    pub async fn exchange(&self, request: &Request) -> Answered {
        let started = WireInstant::now();
        let outcome = self.try_exchange(request).await;
        Answered { outcome, elapsed: started.elapsed() }
    }

    async fn try_exchange(&self, request: &Request) -> Result<Response, TransportError> {
        let answer = self.client.execute(outgoing(request)?).await.map_err(|error| self.classify(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter().map(text_of_header).collect();
        let body = self.read_body(answer).await?;
        Ok(Response { status, headers, body })
    }

    async fn read_body(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.classify(&error))? {
            if BODY_BYTES_MAX.saturating_sub(body.len()) < chunk.len() {
                let limit_bytes = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
                return Err(TransportError::TooLarge { limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn classify(&self, error: &reqwest::Error) -> TransportError {
        if error.is_timeout() {
            let after_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
            return TransportError::Timeout { after_ms };
        }
        let causes = || std::iter::successors(error.source(), |cause| inner(*cause));
        let reason = causes().last().map_or_else(|| error.to_string(), ToString::to_string);
        if causes().any(<dyn Error>::is::<rustls::Error>) {
            return TransportError::Tls(reason);
        }
        let of_http = causes().find_map(|cause| cause.downcast_ref::<hyper::Error>());
        let of_socket = causes().any(<dyn Error>::is::<io::Error>);
        match of_http {
            // Once the answer has begun, its end is part of the protocol.
            Some(http) if http.is_parse() => TransportError::Protocol(http.to_string()),
            _ if error.is_body() || error.is_decode() => TransportError::Protocol(reason),
            Some(http) if !http.is_incomplete_message() && !of_socket && !error.is_connect() => {
                TransportError::Protocol(reason)
            }
            Some(_) | None => TransportError::Connect(reason),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client would print its proxies.
        f.debug_struct("Network").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The cause of an error. What an I/O error wraps is a cause in its own right, but not its `source`.
fn inner<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

fn base_client(options: &NetworkOptions) -> Result<ClientBuilder, NetworkError> {
    let builder = Client::builder()
        .http1_only()
        .http1_title_case_headers()
        .referer(false)
        .retry(reqwest::retry::never())
        .redirect(if options.follow_redirects { Policy::custom(follow_at_home) } else { Policy::none() })
        .timeout(options.timeout)
        .pool_idle_timeout(CONNECTION_IDLE_MAX);
    options.proxy.apply(builder)
}

fn follow_at_home(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let home = attempt.previous().first().is_some_and(|asked| asked.origin() == attempt.url().origin());
    if home && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
}

fn extra_roots(options: &NetworkOptions) -> Result<Vec<Certificate>, NetworkError> {
    let read = |(position, der): (usize, &Vec<u8>)| {
        // The client's builder would say that a root is wrong, but not which.
        RootCertStore::empty()
            .add(CertificateDer::from_slice(der).into_owned())
            .map_err(|source| NetworkError::Root { position, source })?;
        Certificate::from_der(der).map_err(NetworkError::Client)
    };
    (1..).zip(&options.extra_roots).map(read).collect()
}

fn outgoing(request: &Request) -> Result<reqwest::Request, TransportError> {
    let unsendable = |what: &str| TransportError::Connect(format!("not sent: {what}"));
    let url =
        Url::parse(&request.url).map_err(|error| unsendable(&format!("the URL is not valid: {error}")))?;
    let (path, query) = (url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default());
    if request.path_and_query() != format!("{path}{query}") {
        return Err(unsendable("the URL would be changed on its way out"));
    }
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let header = HeaderName::from_bytes(name.as_bytes());
        let (Ok(header), Ok(value)) = (header, HeaderValue::from_str(value)) else {
            return Err(unsendable(&format!("HTTP has no place for this header `{name}`")));
        };
        headers.append(header, value);
    }
    let mut outgoing = reqwest::Request::new(method(request.method), url);
    *outgoing.headers_mut() = headers;
    *outgoing.body_mut() = request.body.clone().map(Into::into);
    Ok(outgoing)
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn text_of_header((name, value): (&HeaderName, &HeaderValue)) -> (String, String) {
    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
}
