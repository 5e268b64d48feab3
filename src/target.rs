//! The embedded SCIM 2.0 app: a correct and friendly target to provision into, in process or over a socket.
//!
//! [`App`] is the pure core: a request and the time in, an answer and its latency out. [`serve`] puts it on a socket.
//! [`FaultyApp`] is the app that is not as it should be.
//! Its evaluation of filters and PATCH is its own and shares nothing with the client's encoder, so that one mistake can
//! not cancel out another. What it must answer is in `wire.md 11`; what Microsoft's suites ask of it, in
//! `preflight.md`.
//!
//! ```
//! use scimulator::http::{Method, Request};
//! use scimulator::target::{App, AppOptions};
//!
//! let mut app = App::new(AppOptions::default());
//! let ask = Request {
//!     method: Method::Get,
//!     url: "http://app/scim/v2/Users?filter=userName+eq+%22ada%40contoso.com%22".to_owned(),
//!     headers: Vec::new(),
//!     body: None,
//! };
//! let reply = app.handle(&ask, "2026-01-01T00:00:00Z".parse()?);
//! assert_eq!(reply.response.status, 200);
//! # Ok::<(), jiff::Error>(())
//! ```

mod answer;
mod console;
mod content;
mod discovery;
mod draft;
mod edit;
mod faults;
mod filter;
mod members;
mod oauth;
mod out_of_band;
mod patch;
mod path;
mod project;
mod query;
mod schema;
mod serve;
mod strict;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::http::{Method, Request, Response};
use answer::Refusal;
use console::Settings;
use content::{Content, location};
use draft::UnknownNames;
use edit::Verb;
use oauth::Given;
use project::Projection;
use query::Query;

pub use console::{ConsoleCommand, ConsoleError, Mode};
pub use faults::{
    Counter, Fault, FaultRule, FaultWord, FaultyApp, Met, Preset, Served, SettingError,
    Settings as FaultSettings, Tampering, Which,
};
pub use oauth::{NoKey, TokenEndpoint, Trusted};
pub use serve::{new_token, serve};
pub use strict::{AppRules, RulesError};

/// Largest body of a request, in bytes. A group of 100,000 members in one PUT stays below it; more is a 413.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Schema of list answers (RFC 7644 §3.4.2).
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What the app is told when it starts.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// Path in front of `/Users`, without a slash at its end.
    pub base_path: String,
    /// The bearer token to accept; `None` accepts every request.
    pub token: Option<String>,
    /// Whom the app's token endpoint, `/token` beside `/Users`, gives access tokens; `None` for an app that has none.
    /// Where there is one, requests need one of its tokens, or [`AppOptions::token`].
    pub token_endpoint: Option<TokenEndpoint>,
    /// How long every answer takes.
    pub latency: SignedDuration,
    /// The application to play; `None` for a friendly one that takes whatever SCIM has.
    pub rules: Option<Arc<AppRules>>,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            base_path: "/scim/v2".to_owned(),
            token: None,
            token_endpoint: None,
            latency: SignedDuration::ZERO,
            rules: None,
        }
    }
}

/// An answer, and how long after the request it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub response: Response,
    /// How long the app took; whoever drives it waits, in its own kind of time.
    pub latency: SignedDuration,
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl ResourceKind {
    /// The name of the resource type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The last part of the path where such resources are.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a keeper of the app's content has to write down.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The resource is new or has changed; whole.
    Put(Value),
    /// The resource is gone.
    Removed {
        /// What it was.
        kind: ResourceKind,
        /// Its id.
        id: String,
    },
    /// The rehearsal under way differs from what the app holds: the resource as it would be, whole; `None` for one that
    /// would be gone.
    Rehearsed {
        /// Its id.
        id: String,
        /// As it would be.
        resource: Option<Value>,
    },
    /// Nothing is rehearsed any more.
    RehearsalOver,
    /// Something was set in the console; all of it.
    Settings(Value),
}

/// What an earlier run kept: the values of [`Change`], put together.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// The resources, in any order.
    pub resources: Vec<Value>,
    /// What was rehearsed, by id.
    pub rehearsed: Vec<(String, Option<Value>)>,
    /// What was set in the console.
    pub settings: Option<Value>,
}

/// Why content of an earlier run can not be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A resource that is no JSON object.
    #[error("a kept resource is no object")]
    NotAnObject,
    /// A resource without an id.
    #[error("a kept resource has no `id`")]
    NoId,
    /// The settings of the console make no sense.
    #[error("the kept settings of the console can not be read: {reason}")]
    Settings {
        /// Why.
        reason: String,
    },
    /// Two resources of one kind and id.
    #[error("two kept resources have the id `{id}`")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// `meta` lacks something, or it can not be read.
    #[error("`meta.{name}` of the kept resource `{id}` is missing or wrong")]
    Meta {
        /// Which resource.
        id: String,
        /// Which part of `meta`.
        name: &'static str,
    },
    /// The app would refuse the resource if a client sent it.
    #[error("the kept resource `{id}` is refused: {reason}")]
    Resource {
        /// Which resource.
        id: String,
        /// Why.
        reason: String,
    },
}

/// The app: users and groups, and the protocol around them.
#[derive(Debug)]
pub struct App {
    options: AppOptions,
    content: Content,
    /// What the app would hold if what is rehearsed had happened; `None` when nothing is rehearsed.
    rehearsal: Option<Content>,
    rehearsal_over: bool,
    settings: Settings,
    settings_changed: bool,
    requests: u64,
    tokens: Given,
}

impl App {
    /// An app that holds nothing.
    pub fn new(options: AppOptions) -> Self {
        let content = Content::new(&options.base_path, options.rules.clone());
        Self {
            options,
            content,
            rehearsal: None,
            rehearsal_over: false,
            settings: Settings::default(),
            settings_changed: false,
            requests: 0,
            tokens: Given::default(),
        }
    }

    /// An app that holds what an earlier run kept: the values of [`App::resources`] or of [`Change::Put`], in any order.
    ///
    /// Names of resources that were removed before are not known any more, so that one who is created again under such
    /// a name may get the id of the first.
    pub fn with_content(
        options: AppOptions,
        resources: impl IntoIterator<Item = Value>,
    ) -> Result<Self, ContentError> {
        Self::resumed(options, Held { resources: resources.into_iter().collect(), ..Held::default() })
    }

    /// The same with what was set in the console, and what was rehearsed there.
    pub fn resumed(options: AppOptions, held: Held) -> Result<Self, ContentError> {
        let mut app = Self::new(options);
        if let Some(settings) = held.settings {
            app.settings = serde_json::from_value(settings)
                .map_err(|error| ContentError::Settings { reason: error.to_string() })?;
        }
        if app.settings.is_rehearsal() {
            let ids: BTreeSet<&str> = held.rehearsed.iter().map(|(id, _)| id.as_str()).collect();
            let is_rehearsed = |resource: &&Value| {
                resource.get("id").and_then(Value::as_str).is_some_and(|id| ids.contains(id))
            };
            let untouched = held.resources.iter().filter(|resource| !is_rehearsed(resource)).cloned();
            let rehearsed = held.rehearsed.iter().filter_map(|(_, resource)| resource.clone());
            let mut rehearsal = Content::new(&app.options.base_path, app.options.rules.clone());
            rehearsal.load(untouched.chain(rehearsed))?;
            app.rehearsal = Some(rehearsal);
        }
        app.content.load(held.resources)?;
        Ok(app)
    }

    /// Takes in one more resource as an earlier run kept it, or another app holds it: its id stays.
    pub fn adopt(&mut self, resource: Value) -> Result<(), ContentError> {
        self.content.load([resource])
    }

    /// Answers a request that arrives at `now`. Never fails: what is wrong with a request is in the answer.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.requests = self.requests.saturating_add(1);
        let answered = self.answer(request, now);
        if answered.is_ok() && request.method != Method::Get && self.rehearsal.is_none() {
            self.settings_changed |= self.settings.drop_aliases();
        }
        let response = answered.unwrap_or_else(Refusal::into_response);
        Reply { response, latency: self.options.latency }
    }

    /// Every resource: users, then groups, in the order of their creation. Locations start with the base path.
    pub fn resources(&self) -> impl Iterator<Item = &Value> {
        self.content.resources()
    }

    /// What changed since the last call, one entry for each resource, by kind and id.
    pub fn drain_changes(&mut self) -> Vec<Change> {
        let mut changes = self.content.drain_changes();
        let rehearsed = self.rehearsal.as_mut().map(Content::drain_changes).unwrap_or_default();
        changes.extend(rehearsed.into_iter().filter_map(|change| match change {
            Change::Put(resource) => {
                let id = resource.get("id").and_then(Value::as_str)?.to_owned();
                Some(Change::Rehearsed { id, resource: Some(resource) })
            }
            Change::Removed { id, .. } => Some(Change::Rehearsed { id, resource: None }),
            Change::Rehearsed { .. } | Change::RehearsalOver | Change::Settings(_) => None,
        }));
        if std::mem::take(&mut self.rehearsal_over) {
            changes.push(Change::RehearsalOver);
        }
        if std::mem::take(&mut self.settings_changed) {
            changes.push(Change::Settings(serde_json::to_value(&self.settings).unwrap_or_default()));
        }
        changes
    }

    /// How many requests were answered.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Response, Refusal> {
        if let Some(endpoint) = &self.options.token_endpoint
            && request.method == Method::Post
            && request.path_and_query() == format!("{}/token", self.options.base_path)
        {
            return Ok(self.tokens.answer(endpoint, request, now));
        }
        self.check_token(request, now)?;
        let rules = self.options.rules.clone();
        if let Some(rules) = &rules {
            self.settings.check_mode(&rules.console)?;
            self.settings_changed |= self.settings.keep_first(self.options.token.as_deref(), &rules.console);
        }
        if request.body.as_ref().is_some_and(|body| BODY_BYTES_MAX < body.len()) {
            return Err(Refusal::too_large(format!("a body has at most {BODY_BYTES_MAX} bytes")));
        }
        let target = request.path_and_query();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let base = self.base(request);
        let route = self.route(path)?;
        match route {
            Route::Resources(kind) | Route::Resource(kind, _)
                if rules.as_ref().is_some_and(|rules| !rules.has(kind)) =>
            {
                Err(Refusal::not_found(format!("this app has no {}", kind.endpoint())))
            }
            Route::Resources(kind) => match request.method {
                Method::Get => self.list(&[kind], &Query::from_url(query)?, &base),
                Method::Post => self.create(kind, request, query, &base, now),
                Method::Put | Method::Patch | Method::Delete => Err(Refusal::method("GET and POST")),
            },
            Route::Resource(kind, id) => self.on_resource(kind, &id, request, query, &base, now),
            Route::Search(kinds) => match request.method {
                Method::Post => self.list(&kinds, &Query::from_body(&object(request)?)?, &base),
                Method::Get | Method::Put | Method::Patch | Method::Delete => Err(Refusal::method("POST")),
            },
            Route::Discovery(part) => match request.method {
                Method::Get => part.answer(query, &base, rules.as_deref()),
                Method::Post | Method::Put | Method::Patch | Method::Delete => Err(Refusal::method("GET")),
            },
            Route::Absent(what) => Err(Refusal::not_implemented(format!("this app has no {what}"))),
        }
    }

    fn check_token(&self, request: &Request, now: Timestamp) -> Result<(), Refusal> {
        let first = self.options.token.as_deref();
        if self.options.token_endpoint.is_none() && self.settings.is_open(first) {
            return Ok(());
        }
        let given = request.header("Authorization").and_then(|credentials| credentials.split_once(' '));
        match given {
            Some((scheme, token))
                if scheme.eq_ignore_ascii_case("Bearer")
                    && (self.settings.accepts(token.trim(), first)
                        || self.tokens.accepts(token.trim(), now)) =>
            {
                Ok(())
            }
            Some(_) | None => Err(Refusal::unauthorized()),
        }
    }

    /// What requests read: what is rehearsed, or what there is.
    fn shown_content(&self) -> &Content {
        self.rehearsal.as_ref().unwrap_or(&self.content)
    }

    /// What requests write to.
    fn written_content(&mut self) -> &mut Content {
        self.rehearsal.as_mut().unwrap_or(&mut self.content)
    }

    /// Refuses a resource with anything that the application does not list.
    fn check_object(&self, kind: ResourceKind, fields: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(rules) = &self.options.rules else { return Ok(()) };
        let content = self.shown_content();
        rules.check_object(kind, fields, &|id| content.kind_of(id))
    }

    /// The absolute URL in front of `/Users`, by which the client reached us.
    fn base(&self, request: &Request) -> String {
        let origin = request.url.strip_suffix(request.path_and_query()).unwrap_or_default();
        format!("{origin}{}", self.options.base_path)
    }

    fn route(&self, path: &str) -> Result<Route, Refusal> {
        let unknown = || Refusal::not_found(format!("there is nothing at `{path}`"));
        let below = path.strip_prefix(self.options.base_path.as_str()).ok_or_else(unknown)?;
        let below = below.strip_prefix('/').ok_or_else(unknown)?;
        let below = below.strip_suffix('/').unwrap_or(below);
        let decoded: Result<Vec<String>, _> = below
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned))
            .collect();
        let parts = decoded.map_err(|_| unknown())?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (user, group) = (ResourceKind::User, ResourceKind::Group);
        Ok(match parts.as_slice() {
            ["Users"] => Route::Resources(user),
            ["Groups"] => Route::Resources(group),
            ["Users", ".search"] => Route::Search(vec![user]),
            ["Groups", ".search"] => Route::Search(vec![group]),
            [".search"] => Route::Search(vec![user, group]),
            ["Users", id] if !id.is_empty() => Route::Resource(user, (*id).to_owned()),
            ["Groups", id] if !id.is_empty() => Route::Resource(group, (*id).to_owned()),
            ["ServiceProviderConfig"] => Route::Discovery(Discovery::Config),
            ["ResourceTypes"] => Route::Discovery(Discovery::ResourceTypes),
            ["ResourceTypes", id] => Route::Discovery(Discovery::ResourceType((*id).to_owned())),
            ["Schemas"] => Route::Discovery(Discovery::Schemas),
            ["Schemas", id] => Route::Discovery(Discovery::Schema((*id).to_owned())),
            ["Bulk"] => Route::Absent("bulk requests"),
            ["Me"] => Route::Absent("alias for the user who asks"),
            _ => return Err(unknown()),
        })
    }

    fn list(&self, kinds: &[ResourceKind], query: &Query, base: &str) -> Result<Response, Refusal> {
        let there = |kind: &ResourceKind| self.options.rules.as_ref().is_none_or(|rules| rules.has(*kind));
        let kinds: Vec<ResourceKind> = kinds.iter().copied().filter(there).collect();
        if let (Some(rules), Some(filter)) = (&self.options.rules, &query.filter) {
            kinds.iter().try_for_each(|kind| rules.check_filter(*kind, filter))?;
        }
        let with_members = query.projection.wants_members();
        let (filter, content) = (query.filter.as_ref(), self.shown_content());
        let page = content.list(&kinds, filter, query.skip, query.count, base, with_members);
        let resources: Vec<Value> = page
            .resources
            .into_iter()
            .map(|(kind, resource)| query.projection.apply(kind, resource))
            .collect();
        Ok(list_response(page.total, query.skip, &resources))
    }

    fn create(
        &mut self,
        kind: ResourceKind,
        request: &Request,
        query: &str,
        base: &str,
        now: Timestamp,
    ) -> Result<Response, Refusal> {
        let projection = Query::from_url(query)?.projection;
        let object = resource_object(kind, request)?;
        self.check_object(kind, &object)?;
        let id = self.written_content().create(kind, object, now)?;
        let mut response = answer::with_body(201, &self.shown(kind, &id, base, &projection)?);
        response.headers.push(("Location".to_owned(), location(kind, &id, base)));
        Ok(response)
    }

    fn on_resource(
        &mut self,
        kind: ResourceKind,
        id: &str,
        request: &Request,
        query: &str,
        base: &str,
        now: Timestamp,
    ) -> Result<Response, Refusal> {
        let projection = Query::from_url(query)?.projection;
        match request.method {
            Method::Get => {}
            Method::Put => {
                let object = resource_object(kind, request)?;
                self.check_object(kind, &object)?;
                self.written_content().change(kind, id, now, |draft| {
                    draft.clear();
                    draft.merge(object, Verb::Add, UnknownNames::Drop)
                })?;
            }
            Method::Patch => {
                let operations = patch::operations(object(request)?)?;
                if let Some(rules) = &self.options.rules {
                    let content = self.shown_content();
                    operations.iter().try_for_each(|operation| {
                        let (verb, path, value) = operation.parts();
                        rules.check_operation(kind, verb, path, value, &|id| content.kind_of(id))
                    })?;
                }
                self.written_content().change(kind, id, now, |draft| {
                    operations.into_iter().try_for_each(|operation| patch::apply(draft, operation))
                })?;
                // A group may be large; Entra prefers no body here (`wire.md 6.3`).
                if kind == ResourceKind::Group && projection.is_whole() {
                    return Ok(answer::no_content());
                }
            }
            Method::Delete if self.options.rules.as_ref().is_some_and(|rules| !rules.can_delete(kind)) => {
                return Err(Refusal::method("GET, PUT and PATCH"));
            }
            Method::Delete => {
                self.written_content().remove(kind, id, now)?;
                return Ok(answer::no_content());
            }
            Method::Post => return Err(Refusal::method("GET, PUT, PATCH and DELETE")),
        }
        Ok(answer::with_body(200, &self.shown(kind, id, base, &projection)?))
    }

    fn shown(
        &self,
        kind: ResourceKind,
        id: &str,
        base: &str,
        projection: &Projection,
    ) -> Result<Value, Refusal> {
        let resource = self.shown_content().read(kind, id, base, projection.wants_members())?;
        Ok(projection.apply(kind, resource))
    }
}

/// What a path leads to.
enum Route {
    Resources(ResourceKind),
    Resource(ResourceKind, String),
    Search(Vec<ResourceKind>),
    Discovery(Discovery),
    Absent(&'static str),
}

/// A part of the app's description of itself.
enum Discovery {
    Config,
    ResourceTypes,
    ResourceType(String),
    Schemas,
    Schema(String),
}

impl Discovery {
    fn answer(&self, query: &str, base: &str, rules: Option<&AppRules>) -> Result<Response, Refusal> {
        let resource_types =
            || rules.map_or_else(|| discovery::resource_types(base), |rules| rules.resource_types(base));
        let schemas = || rules.map_or_else(|| discovery::schemas(base), |rules| rules.schemas(base));
        if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "filter") {
            return Err(Refusal::forbidden("the description of the app can not be filtered (RFC 7644 §4)"));
        }
        let one_of = |all: Vec<Value>, id: &str| {
            let found = all.into_iter().find(|one| one.get("id").and_then(Value::as_str) == Some(id));
            found.ok_or_else(|| Refusal::not_found(format!("there is no `{id}` here")))
        };
        let body = match self {
            Self::Config => discovery::service_provider_config(base),
            Self::ResourceType(id) => one_of(resource_types(), id)?,
            Self::Schema(id) => one_of(schemas(), id)?,
            Self::ResourceTypes => return Ok(whole_list(&resource_types())),
            Self::Schemas => return Ok(whole_list(&schemas())),
        };
        Ok(answer::with_body(200, &body))
    }
}

fn whole_list(resources: &[Value]) -> Response {
    list_response(resources.len(), 0, resources)
}

/// A page of a list. `Resources` is there even when it is empty (`wire.md 11.1`).
fn list_response(total: usize, skip: usize, resources: &[Value]) -> Response {
    let body = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": skip.saturating_add(1),
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    answer::with_body(200, &body)
}

/// The JSON object in the body.
fn object(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let body = request.body.as_deref().unwrap_or_default();
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Refusal::syntax("the body is not a JSON object")),
        Err(error) => Err(Refusal::syntax(format!("the body is not JSON: {error}"))),
    }
}

/// The resource in the body. Its `schemas` may be absent, and may name any others beside the one of its kind, such as
/// the one that jobs of 2018 add to groups (`wire.md 3.5`).
fn resource_object(kind: ResourceKind, request: &Request) -> Result<Map<String, Value>, Refusal> {
    let object = object(request)?;
    let wanted = schema::core_schema(kind);
    let named = match filter::evaluate::find(&object, "schemas") {
        None => true,
        Some(Value::Array(urns)) => {
            urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(wanted))
        }
        Some(_) => false,
    };
    if named { Ok(object) } else { Err(Refusal::syntax(format!("`schemas` does not name `{wanted}`"))) }
}
