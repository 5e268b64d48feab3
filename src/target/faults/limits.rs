//! Published limits of applications, as far as their vendors give figures. Each preset names the page that it is from.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::Refusal;
use super::throttled;
use crate::http::{Method, Request, Response};

/// An application whose limits are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// AWS IAM Identity Center: no more than 100 membership changes in a request, and no request that replaces or removes
    /// all of them (`PatchGroup` and `CreateGroup`, IAM Identity Center SCIM Implementation Developer Guide; `wire.md
    /// 6.6`). How many requests a minute it takes is not published.
    Aws,
    /// Slack: requests a minute, each with a burst, by endpoint; 429 with `Retry-After` ("SCIM API rate limits", Slack
    /// developer docs). Read as a bucket: so many at once, refilled evenly.
    Slack,
    /// GitHub, Enterprise Managed Users: 1,000 users an hour ("Troubleshooting identity and access management for your
    /// enterprise", GitHub Docs). The status of the refusal is not published; 429 is assumed.
    GitHub,
    /// Miro: requests in 30 seconds, by endpoint; groups by the size of the body, of which 800,000 bytes are the most
    /// ("Rate limits", Miro Developer Platform, SCIM). `Retry-After` is not mentioned.
    Miro,
    /// dbt: 20 requests that create or replace users in a fixed window of 5 seconds ("API rate limits", dbt Developer
    /// Hub). `Retry-After` is not mentioned in what was read.
    Dbt,
}

impl Preset {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Aws, Self::Slack, Self::GitHub, Self::Miro, Self::Dbt];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Slack => "Slack",
            Self::GitHub => "GitHub",
            Self::Miro => "Miro",
            Self::Dbt => "dbt",
        }
    }

    fn limits(self) -> &'static [Limit] {
        match self {
            Self::Aws => &[],
            Self::Slack => SLACK,
            Self::GitHub => GITHUB,
            Self::Miro => MIRO,
            Self::Dbt => DBT,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Membership changes in one request to AWS.
const AWS_MEMBERS_MAX: usize = 100;
/// Bytes of a PATCH of a group that Miro counts among the large ones when it has more.
const MIRO_LARGE_BYTES: usize = 500;
/// Most bytes of a PATCH of a group at Miro; beyond it, 413.
const MIRO_BODY_BYTES_MAX: usize = 800_000;

/// So many requests of a kind in so much time.
#[derive(Debug, Clone, Copy)]
struct Limit {
    methods: &'static [Method],
    /// What paths begin with.
    below: &'static str,
    /// Whether they name one resource; `None` for any.
    one: Option<bool>,
    /// Whether the body is large; `None` for any.
    large: Option<bool>,
    amount: i32,
    seconds: i64,
    /// How many at once when the rest is refilled evenly; `None` for windows.
    burst: Option<i32>,
}

const READS: &[Method] = &[Method::Get];
const WRITES: &[Method] = &[Method::Post, Method::Put, Method::Patch, Method::Delete];
const CREATES: &[Method] = &[Method::Post];
const UPDATES: &[Method] = &[Method::Put, Method::Patch];
const DELETES: &[Method] = &[Method::Delete];

const fn bucket(
    methods: &'static [Method],
    below: &'static str,
    one: Option<bool>,
    (amount, burst): (i32, i32),
) -> Limit {
    Limit { methods, below, one, large: None, amount, seconds: 60, burst: Some(burst) }
}

const fn window(
    methods: &'static [Method],
    below: &'static str,
    one: Option<bool>,
    (amount, seconds): (i32, i64),
) -> Limit {
    Limit { methods, below, one, large: None, amount, seconds, burst: None }
}

const SLACK: &[Limit] = &[
    bucket(WRITES, "/", None, (600, 180)),
    bucket(READS, "/", None, (1000, 1000)),
    bucket(READS, "/Users", Some(true), (300, 300)),
    bucket(CREATES, "/Users", None, (180, 20)),
    bucket(UPDATES, "/Users", None, (180, 20)),
    bucket(DELETES, "/Users", None, (180, 20)),
    bucket(READS, "/Groups", Some(true), (300, 300)),
    bucket(CREATES, "/Groups", None, (180, 20)),
    bucket(UPDATES, "/Groups", None, (180, 80)),
    bucket(DELETES, "/Groups", None, (180, 20)),
];

const GITHUB: &[Limit] = &[window(CREATES, "/Users", None, (1000, 3600))];

const MIRO: &[Limit] = &[
    window(READS, "/Users", Some(false), (200, 30)),
    window(READS, "/Users", Some(true), (200, 30)),
    window(CREATES, "/Users", None, (200, 30)),
    window(&[Method::Put], "/Users", None, (100, 30)),
    window(&[Method::Patch], "/Users", None, (100, 30)),
    window(DELETES, "/Users", None, (20, 30)),
    window(READS, "/Groups", Some(false), (5, 30)),
    window(READS, "/Groups", Some(true), (20, 30)),
    Limit { large: Some(true), ..window(&[Method::Patch], "/Groups", None, (5, 30)) },
    Limit { large: Some(false), ..window(&[Method::Patch], "/Groups", None, (100, 30)) },
];

const DBT: &[Limit] = &[window(&[Method::Post, Method::Put], "/Users", None, (20, 5))];

impl Limit {
    fn is_for(&self, request: &Request, path: &str) -> bool {
        let names_one = path.trim_start_matches('/').contains('/');
        let is_large = request.body.as_ref().is_some_and(|body| MIRO_LARGE_BYTES < body.len());
        self.methods.contains(&request.method)
            && path.starts_with(self.below)
            && self.one.is_none_or(|one| one == names_one)
            && self.large.is_none_or(|large| large == is_large)
    }
}

/// What is left of one limit.
#[derive(Debug, Clone, Copy)]
struct Meter {
    limit: Limit,
    /// Of a bucket: when it is full again. Of a window: when it began.
    since: Option<Timestamp>,
    /// Requests in the window.
    count: i32,
}

impl Meter {
    /// How long until the next request may come; `None` when it may now.
    fn wait(&self, now: Timestamp) -> Option<SignedDuration> {
        let since = self.since?;
        let wait = match self.limit.burst {
            Some(burst) => since.duration_since(now) - self.interval() * (burst - 1),
            None if self.count < self.limit.amount => return None,
            None => SignedDuration::from_secs(self.limit.seconds) - now.duration_since(since),
        };
        (SignedDuration::ZERO < wait).then_some(wait)
    }

    fn count(&mut self, now: Timestamp) {
        match (self.limit.burst, self.since) {
            (Some(_), since) => {
                let from = since.map_or(now, |since| since.max(now));
                self.since = from.saturating_add(self.interval()).ok();
            }
            (None, Some(since))
                if now.duration_since(since) < SignedDuration::from_secs(self.limit.seconds) =>
            {
                self.count = self.count.saturating_add(1);
            }
            (None, _) => (self.since, self.count) = (Some(now), 1),
        }
    }

    /// How long a bucket takes to be refilled by one.
    fn interval(&self) -> SignedDuration {
        SignedDuration::from_secs(self.limit.seconds).checked_div(self.limit.amount).unwrap_or_default()
    }
}

/// The limits of an application, and what is left of them. What is refused does not count.
#[derive(Debug, Clone)]
pub(super) struct Limiter {
    preset: Preset,
    meters: Vec<Meter>,
}

impl Limiter {
    pub(super) fn new(preset: Preset) -> Self {
        let meters = preset.limits().iter().map(|limit| Meter { limit: *limit, since: None, count: 0 });
        Self { preset, meters: meters.collect() }
    }

    /// Why a request is refused; `None` when it may pass.
    pub(super) fn refusal(&mut self, request: &Request, path: &str, now: Timestamp) -> Option<Response> {
        let size = request.body.as_ref().map_or(0, Vec::len);
        let is_group = path.starts_with("/Groups");
        if self.preset == Preset::Miro && is_group && MIRO_BODY_BYTES_MAX < size {
            let why = format!("a body has at most {MIRO_BODY_BYTES_MAX} bytes");
            return Some(Refusal::too_large(why).into_response());
        }
        if self.preset == Preset::Aws
            && is_group
            && let Some(why) = aws_refusal(request)
        {
            return Some(Refusal::of_status(400, why).into_response());
        }
        let wait = self
            .meters
            .iter()
            .filter(|meter| meter.limit.is_for(request, path))
            .filter_map(|it| it.wait(now));
        if let Some(wait) = wait.max() {
            // A wait in whole seconds is never too short.
            let seconds = wait.as_secs().saturating_add(i64::from(0 < wait.subsec_nanos()));
            let told = (self.preset == Preset::Slack).then(|| SignedDuration::from_secs(seconds));
            return Some(throttled(told));
        }
        for meter in self.meters.iter_mut().filter(|meter| meter.limit.is_for(request, path)) {
            meter.count(now);
        }
        None
    }
}

/// Why AWS refuses what is done to members.
fn aws_refusal(request: &Request) -> Option<String> {
    let body: Map<String, Value> = serde_json::from_slice(request.body.as_deref()?).ok()?;
    let length = |value: Option<&Value>| match value {
        Some(Value::Array(values)) => values.len(),
        Some(_) => 1,
        None => 0,
    };
    let mut changes = length(body.get("members"));
    for operation in body.get("Operations").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        let (path, value) = (text("path").to_ascii_lowercase(), operation.get("value"));
        if !path.starts_with("members") {
            changes = changes.saturating_add(length(value.and_then(|value| value.get("members"))));
            continue;
        }
        let is_all = path == "members"
            && (text("op").eq_ignore_ascii_case("replace")
                || text("op").eq_ignore_ascii_case("remove") && value.is_none());
        if is_all {
            return Some("ValidationException: members can't be replaced or removed all at once".to_owned());
        }
        changes = changes.saturating_add(length(value).max(1));
    }
    (AWS_MEMBERS_MAX < changes)
        .then(|| format!("ValidationException: at most {AWS_MEMBERS_MAX} membership changes in a request"))
}
