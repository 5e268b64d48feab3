//! The endpoint under test: one request, one answer, everything that came to be kept in mind to be taken away.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::judge::{Check, Weight, resources};
use crate::client::{About, Authorization, Exchange, Network, NetworkError, Outcome, Redactor, one_line};
use crate::clock::{Clock as _, SystemClock, WireInstant};
use crate::directory::object::ObjectKind;
use crate::engine::drive::Credentials;
use crate::http::{Method, Request};
use crate::scim::query::{collection_path, resource_path};
use crate::scim::{member, urn};
use crate::stop::Stop;

/// The pause before something is looked at again, in wire time.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// The endpoint.
pub(super) struct Wire {
    network: Network,
    credentials: Credentials,
    runtime: tokio::runtime::Runtime,
    base: String,
    /// How often something that does not hold is looked at again.
    retries: u32,
    /// Once it is asked, nothing is sent any more.
    stop: Stop,
    /// What came to be, to be taken away at the end.
    made: Vec<(ObjectKind, String)>,
    /// Media types of answers with success that are not SCIM's, and how many there were.
    odd_types: std::collections::BTreeMap<String, usize>,
    answers: usize,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// The status; `None` when no answer came.
    pub(super) status: Option<u16>,
    /// The body; null where it is no JSON.
    pub(super) body: Value,
    /// The exchange, as a line.
    pub(super) line: String,
    /// Why no answer came.
    error: Option<String>,
}

impl Said {
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The resource's id.
    pub(super) fn id(&self) -> Option<&str> {
        member(&self.body, "id").and_then(Value::as_str).filter(|id| !id.is_empty())
    }

    /// The resources of a list; none where the answer is an error.
    pub(super) fn found(&self) -> Vec<&Value> {
        if self.is_success() { resources(&self.body) } else { Vec::new() }
    }

    /// Status and the server's words, for people.
    pub(super) fn told(&self) -> String {
        let Some(status) = self.status else { return self.error.clone().unwrap_or_default() };
        let detail = ["scimType", "detail"].into_iter();
        let detail: Vec<&str> = detail.filter_map(|name| member(&self.body, name)?.as_str()).collect();
        if detail.is_empty() || self.is_success() {
            return status.to_string();
        }
        format!("{status}: {}", detail.join(": "))
    }

    /// Holds the status against those that will do.
    pub(super) fn answered(&self, action: &str, wanted: &[u16], weight: Weight) -> Check {
        let names: Vec<String> = wanted.iter().map(u16::to_string).collect();
        let holds = self.status.is_some_and(|status| wanted.contains(&status));
        self.check(action, &format!("status {}", names.join(" or ")), self.told(), holds, weight)
    }

    /// Something that this answer shows.
    pub(super) fn check(
        &self,
        action: &str,
        expected: &str,
        got: String,
        holds: bool,
        weight: Weight,
    ) -> Check {
        Check {
            phase: "",
            action: action.to_owned(),
            expected: expected.to_owned(),
            got,
            holds,
            weight,
            request: Some(self.line.clone()),
        }
    }
}

impl Wire {
    pub(super) fn new(
        network: Network,
        authorization: Authorization,
        (base, retries): (&str, u32),
        stop: Stop,
    ) -> std::io::Result<Self> {
        let redactor = Redactor::new(authorization.secret().cloned());
        Ok(Self {
            network,
            credentials: Credentials { authorization, redactor },
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            base: base.to_owned(),
            retries,
            stop,
            made: Vec::new(),
            odd_types: std::collections::BTreeMap::new(),
            answers: 0,
        })
    }

    /// Asks once, for a path below the base URL.
    pub(super) fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Said {
        let mut headers = vec![("Accept".to_owned(), "application/scim+json".to_owned())];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/scim+json; charset=utf-8".to_owned()));
        }
        let url = format!("{}/{path}", self.base);
        let request = Request { method, url, headers, body: body.map(|body| body.to_string().into_bytes()) };
        self.exchange(&request, true)
    }

    /// Asks somebody else for something by a form, without our token; secrets of the form are masked.
    pub(super) fn ask_by_form(&mut self, url: &str, form: String) -> Said {
        let headers = vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let request =
            Request { method: Method::Post, url: url.to_owned(), headers, body: Some(form.into_bytes()) };
        self.exchange(&request, false)
    }

    /// Masks a secret from now on.
    pub(super) fn learn(&mut self, secret: SecretString) {
        self.credentials.redactor.learn(secret);
    }

    /// Reads with another token than ours.
    pub(super) fn ask_as(&mut self, token: &str, path: &str) -> Said {
        self.learn(token.to_owned().into());
        let headers = vec![
            ("Accept".to_owned(), "application/scim+json".to_owned()),
            ("Authorization".to_owned(), format!("Bearer {token}")),
        ];
        let url = format!("{}/{path}", self.base);
        self.exchange(&Request { method: Method::Get, url, headers, body: None }, false)
    }

    fn exchange(&mut self, request: &Request, authorized: bool) -> Said {
        if self.stop.is_asked() {
            let error = Some("the run was stopped".to_owned());
            return Said { status: None, body: Value::Null, line: String::new(), error };
        }
        let started = SystemClock.now();
        let answered = self.runtime.block_on(async {
            if authorized {
                self.credentials.authorization.exchange(&self.network, request.clone()).await.answered
            } else {
                self.network.exchange(request).await
            }
        });
        let about = About { effect: String::new(), cycle: None, object: None, started };
        let record = Exchange::record(about, request, &answered, &self.credentials.redactor);
        let line = one_line(&record);
        let error = match &record.outcome {
            Outcome::Error(error) => Some(error.message.clone()),
            Outcome::Response(_) => None,
        };
        let Ok(response) = answered.outcome else {
            return Said { status: None, body: Value::Null, line, error };
        };
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let said = Said { status: Some(response.status), body, line, error };
        if authorized && said.is_success() && !response.body.is_empty() {
            self.answers += 1;
            let kind = response.header("Content-Type").unwrap_or("no media type").split(';').next();
            let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
            if kind != "application/scim+json" {
                *self.odd_types.entry(kind).or_default() += 1;
            }
        }
        said
    }

    /// Reads so many times over four connections; how long that took, or why it ended early.
    pub(super) fn burst(&mut self, requests: u32) -> Result<std::time::Duration, String> {
        let began = WireInstant::now();
        let this = &*self;
        let reads = async || {
            for _ in 0..requests.div_ceil(4) {
                if this.stop.is_asked() {
                    return Err("the run was stopped".to_owned());
                }
                let headers = vec![("Accept".to_owned(), "application/scim+json".to_owned())];
                let url = format!("{}/Users?startIndex=1&count=1", this.base);
                let request = Request { method: Method::Get, url, headers, body: None };
                let done = this.credentials.authorization.exchange(&this.network, request).await;
                let response = done.answered.outcome.map_err(|error| error.to_string())?;
                if !response.is_success() {
                    return Err(response.status.to_string());
                }
            }
            Ok(())
        };
        let read = this.runtime.block_on(async { tokio::join!(reads(), reads(), reads(), reads()) });
        for read in [read.0, read.1, read.2, read.3] {
            read?;
        }
        Ok(began.elapsed())
    }

    /// Creates a resource.
    pub(super) fn make(&mut self, kind: ObjectKind, body: &Value) -> Said {
        let said = self.ask(Method::Post, collection_path(kind), Some(body));
        if let (true, Some(id)) = (said.is_success(), said.id()) {
            self.made.push((kind, id.to_owned()));
        }
        said
    }

    /// Something else made a resource: it is to be taken away as well.
    pub(super) fn remember(&mut self, kind: ObjectKind, id: &str) {
        if !self.made.iter().any(|(_, known)| known == id) {
            self.made.push((kind, id.to_owned()));
        }
    }

    /// Changes a resource.
    pub(super) fn patch(&mut self, kind: ObjectKind, id: &str, operations: &[Value]) -> Said {
        let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
        self.ask(Method::Patch, &resource_path(kind, id), Some(&body))
    }

    /// Reads a resource whole.
    pub(super) fn read(&mut self, kind: ObjectKind, id: &str) -> Said {
        self.ask(Method::Get, &resource_path(kind, id), None)
    }

    /// Reads until something holds, as often as is allowed: some targets do not read their own writes at once.
    pub(super) fn read_until(&mut self, path: &str, holds: impl Fn(&Said) -> bool) -> Said {
        let mut said = self.ask(Method::Get, path, None);
        for _ in 0..self.retries {
            if holds(&said) || self.stop.is_asked() {
                break;
            }
            wait();
            said = self.ask(Method::Get, path, None);
        }
        said
    }

    pub(super) fn delete(&mut self, kind: ObjectKind, id: &str) -> Said {
        self.ask(Method::Delete, &resource_path(kind, id), None)
    }

    /// Takes everything away that came to be, whoever asked to stop; what stays, and why.
    pub(super) fn clean_up(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        self.stop = Stop::default();
        // The last ones first: groups come after their members.
        for (kind, id) in std::mem::take(&mut self.made).into_iter().rev() {
            let said = self.delete(kind, &id);
            if !said.is_success() && said.status != Some(404) {
                left.push(format!("/{} ({})", resource_path(kind, &id), said.told()));
            }
        }
        left
    }

    /// What is odd about the answers as a whole (W-200).
    pub(super) fn warnings(&self) -> Vec<String> {
        let odd = self.odd_types.iter().map(|(kind, count)| {
            format!("{count} of {} answers with success are {kind}, not application/scim+json", self.answers)
        });
        odd.collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a target that is eventually consistent is given real time, a bounded number of times"
)]
fn wait() {
    std::thread::sleep(PAUSE);
}

/// Why the endpoint can't be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The network client can't be set up.
    #[error("the network client can't be set up")]
    Network(#[from] NetworkError),
    /// The runtime can't be started.
    #[error("the runtime for network requests can't be started")]
    Runtime(#[from] std::io::Error),
    /// The endpoint does not answer.
    #[error("the endpoint can't be reached: {0}")]
    Unreachable(String),
    /// The endpoint refuses us.
    #[error("the endpoint refuses us: {0}")]
    Refused(String),
}
