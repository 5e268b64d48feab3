//! A target that is read but never written: what `plan` works against. Writes are answered as a target that agrees with
//! everything would, and take effect here alone: what was written is read back from here, everything else from the real
//! target. So the second of two users with one name meets the first, and who is hired again meets the disabled account.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::engine::drive::Simulation;
use crate::engine::spec::EMBEDDED_PATH;
use crate::http::{Method, Request, Response};
use crate::target::{App, AppOptions};

/// So many resources read from the real target are remembered, the latest ones: what is changed was read just before.
const REMEMBERED_MAX: usize = 1024;

/// The effects of a plan on its target.
#[derive(Debug)]
pub(super) struct Simulated {
    /// Where the real target is.
    base_url: String,
    /// Holds what was written, and nothing else.
    shadow: App,
    /// Ids that writes have touched, removed ones too: the real target knows them no better.
    touched: BTreeSet<String>,
    read: Remembered,
}

/// Resources read, by id; the one that was read longest ago is forgotten first.
#[derive(Debug, Default)]
struct Remembered {
    /// Each with the number of its last read.
    resources: BTreeMap<String, (u64, Value)>,
    /// Their ids by that number.
    order: BTreeMap<u64, String>,
    reads: u64,
}

impl Remembered {
    fn add(&mut self, resource: &Value) {
        let Some(id) = id_of(resource) else { return };
        self.reads = self.reads.saturating_add(1);
        if let Some((read, _)) = self.resources.insert(id.to_owned(), (self.reads, resource.clone())) {
            self.order.remove(&read);
        }
        self.order.insert(self.reads, id.to_owned());
        if REMEMBERED_MAX < self.order.len()
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.resources.remove(&oldest);
        }
    }

    fn get(&self, id: &str) -> Option<&Value> {
        self.resources.get(id).map(|(_, resource)| resource)
    }
}

/// What a request is about.
struct Route<'r> {
    kind: &'static str,
    id: Option<String>,
    /// Path and query below the base URL.
    rest: &'r str,
}

impl Simulated {
    pub(super) fn new(base_url: &str) -> Self {
        let options =
            AppOptions { base_path: EMBEDDED_PATH.to_owned(), token: None, ..AppOptions::default() };
        Self {
            base_url: base_url.to_owned(),
            shadow: App::new(options),
            touched: BTreeSet::new(),
            read: Remembered::default(),
        }
    }

    fn route<'r>(&self, request: &'r Request) -> Option<Route<'r>> {
        let rest = request.url.strip_prefix(&self.base_url)?;
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        let mut segments = path.trim_start_matches('/').splitn(2, '/');
        let kind = match segments.next()? {
            "Users" => "User",
            "Groups" => "Group",
            _ => return None,
        };
        let id = segments.next().map(|id| percent_decode_str(id).decode_utf8_lossy().into_owned());
        Some(Route { kind, id, rest })
    }

    /// The same request to the shadow.
    fn ask_shadow(&mut self, request: &Request, rest: &str, now: Timestamp) -> Response {
        let url = format!("http://shadow.invalid{EMBEDDED_PATH}{rest}");
        let headers = request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        let request = Request { url, headers: headers.cloned().collect(), ..request.clone() };
        self.shadow.handle(&request, now).response
    }

    /// Puts a resource into the shadow; one that it would refuse stays with the real target.
    fn adopt(&mut self, kind: &str, id: &str, resource: Value, now: Timestamp) -> bool {
        let Value::Object(mut body) = resource else { return false };
        body.insert("id".to_owned(), json!(id));
        let meta =
            json!({ "resourceType": kind, "created": now.to_string(), "lastModified": now.to_string() });
        body.insert("meta".to_owned(), meta);
        self.shadow.adopt(Value::Object(body)).is_ok()
    }

    /// What a create makes gets the id `{new:<label>}`, so that later requests can be read (design 9).
    fn create(
        &mut self,
        route: &Route<'_>,
        request: &Request,
        label: Option<&str>,
        now: Timestamp,
    ) -> Response {
        let body: Value =
            request.body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let mut resource = if let Value::Object(members) = body { members } else { Map::new() };
        let label = label.unwrap_or_default();
        let mut id = format!("{{new:{label}}}");
        let mut number = 1;
        while self.touched.contains(&id) {
            number += 1;
            id = format!("{{new:{label}#{number}}}");
        }
        // One that the shadow refuses has its id all the same: nobody else gets it, nor is the real target asked for it.
        self.adopt(route.kind, &id, Value::Object(resource.clone()), now);
        self.touched.insert(id.clone());
        resource.insert("id".to_owned(), json!(id));
        respond(201, &Value::Object(resource))
    }

    fn change(&mut self, id: &str, route: &Route<'_>, request: &Request, now: Timestamp) {
        if !self.touched.contains(id) {
            let Some(resource) = self.read.get(id).cloned() else { return };
            if !self.adopt(route.kind, id, resource, now) {
                return;
            }
            self.touched.insert(id.to_owned());
        }
        // What the shadow refuses, a target that agrees with everything takes, to an effect that nobody knows.
        self.ask_shadow(request, route.rest, now);
    }
}

impl Simulation for Simulated {
    fn answer(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Option<Response> {
        let done = || Response { status: 204, headers: Vec::new(), body: Vec::new() };
        let Some(route) = self.route(request) else { return request.method.writes().then(done) };
        match (request.method, &route.id) {
            (Method::Get, Some(id)) if self.touched.contains(id) => {
                Some(self.ask_shadow(request, route.rest, now))
            }
            (Method::Get, _) => None,
            (Method::Post, _) => Some(self.create(&route, request, label, now)),
            (Method::Put | Method::Patch, Some(id)) => {
                self.change(id, &route, request, now);
                Some(done())
            }
            (Method::Delete, Some(id)) => {
                self.ask_shadow(request, route.rest, now);
                self.touched.insert(id.clone());
                Some(done())
            }
            (Method::Put | Method::Patch | Method::Delete, None) => Some(done()),
        }
    }

    fn amend(&mut self, request: &Request, response: &mut Response, now: Timestamp) {
        let Some(route) = self.route(request).filter(|_| response.status == 200) else { return };
        let Ok(mut answer) = serde_json::from_slice::<Value>(&response.body) else { return };
        if route.id.is_some() {
            return self.read.add(&answer);
        }
        let Some(Value::Array(found)) = answer.get_mut("Resources") else { return };
        for resource in found.iter() {
            self.read.add(resource);
        }
        let before = found.len();
        found.retain(|resource| id_of(resource).is_none_or(|id| !self.touched.contains(id)));
        let hidden = before - found.len();
        let mut ours = serde_json::from_slice::<Value>(&self.ask_shadow(request, route.rest, now).body)
            .unwrap_or_default();
        let Some(Value::Array(ours)) = ours.get_mut("Resources").map(Value::take) else { return };
        if hidden == 0 && ours.is_empty() {
            return;
        }
        found.extend(ours);
        let total = found.len();
        for count in ["totalResults", "itemsPerPage"] {
            if let Some(value) = answer.get_mut(count) {
                *value = json!(total);
            }
        }
        response.body = answer.to_string().into_bytes();
    }
}

fn id_of(resource: &Value) -> Option<&str> {
    resource.get("id").and_then(Value::as_str)
}

fn respond(status: u16, body: &Value) -> Response {
    Response { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1/scim";

    fn now() -> Timestamp {
        "2026-01-15T09:20:00Z".parse().unwrap()
    }

    fn request(method: Method, rest: &str, body: Option<Value>) -> Request {
        let body = body.map(|body| body.to_string().into_bytes());
        Request { method, url: format!("{BASE}{rest}"), headers: Vec::new(), body }
    }

    fn json_of(response: &Response) -> Value {
        serde_json::from_slice(&response.body).unwrap()
    }

    fn list(resources: &Value) -> Response {
        let count = resources.as_array().unwrap().len();
        respond(200, &json!({ "totalResults": count, "Resources": resources }))
    }

    /// What a query finds, by id, when the real target finds this.
    fn found(simulated: &mut Simulated, filter: &str, real: &Value) -> (Vec<String>, Value) {
        let query = request(Method::Get, &format!("/Users?filter=userName+eq+%22{filter}%22"), None);
        assert_eq!(simulated.answer(&query, None, now()), None);
        let mut answer = list(real);
        simulated.amend(&query, &mut answer, now());
        let answer = json_of(&answer);
        let ids = answer["Resources"].as_array().unwrap().iter().map(|it| id_of(it).unwrap().to_owned());
        (ids.collect(), answer)
    }

    #[test]
    fn reads_pass_through_and_writes_do_not() {
        let mut simulated = Simulated::new(BASE);
        assert_eq!(simulated.answer(&request(Method::Get, "/Users/7", None), None, now()), None);
        for method in [Method::Patch, Method::Delete, Method::Put] {
            let answer =
                simulated.answer(&request(method, "/Users/7", Some(json!({}))), None, now()).unwrap();
            assert_eq!(answer.status, 204, "{method}");
        }
    }

    #[test]
    fn what_would_be_created_is_named_after_the_source_object_and_found_again() {
        let mut simulated = Simulated::new(BASE);
        let post = request(Method::Post, "/Users", Some(json!({ "userName": "a@b.c" })));
        let answer = simulated.answer(&post, Some("a@b.c"), now()).unwrap();
        assert_eq!(
            (answer.status, json_of(&answer)),
            (201, json!({ "userName": "a@b.c", "id": "{new:a@b.c}" }))
        );
        assert_eq!(found(&mut simulated, "A@b.c", &json!([])).0, ["{new:a@b.c}"]);
        assert_eq!(found(&mut simulated, "x", &json!([])).1, json!({ "totalResults": 0, "Resources": [] }));
        // A second one of that name has an id of its own; the app that agrees with everything takes it.
        let other = request(Method::Post, "/Users", Some(json!({ "userName": "other" })));
        assert_eq!(json_of(&simulated.answer(&other, Some("a@b.c"), now()).unwrap())["id"], "{new:a@b.c#2}");
    }

    #[test]
    fn what_was_changed_or_removed_reads_back_so() {
        let mut simulated = Simulated::new(BASE);
        let real = json!({ "id": "7", "userName": "ada", "active": true });
        assert_eq!(found(&mut simulated, "ada", &json!([real])).0, ["7"]);
        let operations = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        let patch = request(Method::Patch, "/Users/7", Some(json!({ "Operations": operations })));
        simulated.answer(&patch, None, now()).unwrap();
        let read = simulated.answer(&request(Method::Get, "/Users/7", None), None, now()).unwrap();
        assert_eq!((&json_of(&read)["active"], &json_of(&read)["userName"]), (&json!(false), &json!("ada")));
        let (ids, answer) = found(&mut simulated, "ada", &json!([real]));
        assert_eq!((ids, &answer["Resources"][0]["active"]), (vec!["7".to_owned()], &json!(false)));

        let rename = json!([{ "op": "Replace", "path": "userName", "value": "eve" }]);
        let patch = request(Method::Patch, "/Users/7", Some(json!({ "Operations": rename })));
        simulated.answer(&patch, None, now()).unwrap();
        assert_eq!(found(&mut simulated, "ada", &json!([real])).0, [""; 0]);
        assert_eq!(found(&mut simulated, "eve", &json!([])).0, ["7"]);

        simulated.answer(&request(Method::Delete, "/Users/7", None), None, now()).unwrap();
        assert_eq!(found(&mut simulated, "ada", &json!([real])).0, [""; 0]);
        let read = simulated.answer(&request(Method::Get, "/Users/7", None), None, now()).unwrap();
        assert_eq!(read.status, 404);
    }

    #[test]
    fn what_was_read_again_is_remembered_past_so_many_others() {
        let mut simulated = Simulated::new(BASE);
        let read = |simulated: &mut Simulated, number: usize| {
            let real = json!([{ "id": number.to_string(), "userName": format!("user{number}") }]);
            let query = request(Method::Get, "/Users?filter=userName+eq+%22x%22", None);
            simulated.amend(&query, &mut list(&real), now());
        };
        for number in (0..REMEMBERED_MAX).chain([0]).chain(REMEMBERED_MAX..2 * REMEMBERED_MAX - 1) {
            read(&mut simulated, number);
        }
        let operations = json!([{ "op": "Replace", "path": "title", "value": "Lead" }]);
        for (id, status) in [("0", 200), ("1", 0)] {
            let patch = request(
                Method::Patch,
                &format!("/Users/{id}"),
                Some(json!({ "Operations": operations.clone() })),
            );
            simulated.answer(&patch, None, now()).unwrap();
            let read = simulated.answer(&request(Method::Get, &format!("/Users/{id}"), None), None, now());
            assert_eq!(read.map_or(0, |read| read.status), status, "{id}");
        }
    }

    #[test]
    fn a_create_that_the_shadow_refuses_keeps_its_id_to_itself() {
        let mut simulated = Simulated::new(BASE);
        for wanted in ["{new:ada}", "{new:ada#2}"] {
            let post = request(Method::Post, "/Users", Some(json!({ "displayName": "no userName" })));
            let answer = simulated.answer(&post, Some("ada"), now()).unwrap();
            assert_eq!((answer.status, &json_of(&answer)["id"]), (201, &json!(wanted)));
        }
    }
}
