//! The embedded SCIM app, in process and over a socket.

pub(crate) mod faults;
mod garbage;
mod patch;
mod protocol;
mod queries;
mod references;
mod scale;
mod socket;
mod state;
mod validators;

use jiff::Timestamp;
use scimulator::clock::SignedDuration;
use scimulator::http::{Method, Request, Response};
use scimulator::target::{App, AppOptions};
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An app and a clock that moves one second a request.
struct Story {
    app: App,
    now: Timestamp,
}

impl Story {
    fn new() -> Self {
        Self::with(App::new(AppOptions::default()))
    }

    fn with(app: App) -> Self {
        Self { app, now: "2026-01-01T00:00:00Z".parse().unwrap() }
    }

    fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.raw(method, path, body.map(|body| body.to_string().into_bytes()));
        let body = if response.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&response.body).unwrap()
        };
        (response.status, body)
    }

    fn raw(&mut self, method: Method, path: &str, body: Option<Vec<u8>>) -> Response {
        let url = format!("http://app.test/scim/v2{path}");
        let reply = self.app.handle(&Request { method, url, headers: Vec::new(), body }, self.now);
        self.now = self.now.checked_add(SignedDuration::from_secs(1)).unwrap();
        reply.response
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.send(Method::Get, path, None)
    }

    /// Creates a resource that must be accepted; its id.
    fn create(&mut self, endpoint: &str, body: Value) -> String {
        let (status, created) = self.send(Method::Post, endpoint, Some(body));
        assert_eq!(status, 201, "{created}");
        created["id"].as_str().unwrap().to_owned()
    }

    fn user(&mut self, name: &str) -> String {
        self.create(
            "/Users",
            json!({ "schemas": [USER], "userName": name, "displayName": format!("{name} display") }),
        )
    }

    fn group(&mut self, name: &str) -> String {
        self.create("/Groups", json!({ "schemas": [GROUP], "displayName": name }))
    }

    fn patch(&mut self, path: &str, operations: &Value) -> (u16, Value) {
        self.send(Method::Patch, path, Some(json!({ "schemas": [PATCH], "Operations": operations })))
    }

    /// Ids of the members, as read back.
    fn members(&mut self, group: &str) -> Vec<String> {
        let (status, read) = self.get(&format!("/Groups/{group}"));
        assert_eq!(status, 200);
        let members = read["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }
}

/// The value of a query parameter as Entra writes it.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A data file beside the tests.
fn data(name: &str) -> Value {
    let path = format!("{}/tests/data/target/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
