//! Expectations: what a step must have come to.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;

use super::{BOTH, Reader, json_of};
use crate::config::words::Word;
use crate::directory::object::ObjectKind;
use crate::scenario::model::{
    ActionWord, Expectation, MethodWord, Named, StatusWord, Wanted, WantedEntry, WantedRequest,
};
use crate::scenario::raw::{Free, RawExpect, RawJobExpect, RawLog, RawRequest, RawTarget, Text};

/// The key that says whether something must be missing.
const ABSENT: &str = "absent";

impl Reader<'_> {
    pub(super) fn expectations(&mut self, raw: RawExpect) -> Vec<Expectation> {
        let mut all = Vec::new();
        let is_set = |flag: &Option<Spanned<bool>>| flag.as_ref().is_some_and(|flag| *flag.get_ref());
        let (only, ordered) = (is_set(&raw.only), is_set(&raw.ordered));
        let first = raw.requests.as_ref().and_then(|requests| requests.first()).map(Spanned::span);
        if let Some(span) = first.or_else(|| raw.only.as_ref().map(Spanned::span)) {
            let requests = raw.requests.unwrap_or_default().into_iter();
            let wanted = requests
                .map(|request| (self.source.place(&request.span()), self.request(request, ordered)))
                .collect();
            let what = Wanted::Requests { wanted, ordered, only };
            all.push(self.expectation(&span, "expect.requests".to_owned(), what));
        }
        for (number, request) in (1..).zip(raw.no_requests.unwrap_or_default()) {
            let span = request.span();
            let what = Wanted::NoRequest(self.request(request, ordered));
            all.push(self.expectation(&span, format!("expect.no_requests[{number}]"), what));
        }
        for (key, entries, present) in [("log", raw.log, true), ("no_log", raw.no_log, false)] {
            for (number, entry) in (1..).zip(entries.unwrap_or_default()) {
                let span = entry.span();
                let what = Wanted::Log { entry: self.entry(entry.into_inner()), present };
                all.push(self.expectation(&span, format!("expect.{key}[{number}]"), what));
            }
        }
        if let Some((span, what)) = word(raw.oracle.as_ref(), Wanted::Oracle) {
            all.push(self.expectation(&span, "expect.oracle".to_owned(), what));
        }
        if let Some(target) = raw.target {
            self.target(target, &mut all);
        }
        if let Some(job) = raw.job {
            self.job(job, &mut all);
        }
        all
    }

    fn request(&mut self, raw: Spanned<RawRequest>, in_sequence: bool) -> WantedRequest {
        let raw = raw.into_inner();
        if let Some(path) = &raw.path {
            self.placeholders_must_be_known(path.get_ref(), &path.span());
            self.path_must_be_one(path);
        }
        if let Some(object) = &raw.object {
            self.must_be_known(BOTH, object.get_ref(), &object.span());
        }
        let operations = raw.operations.map(|operations| {
            operations.iter().map(|operation| self.free(operation.get_ref(), &operation.span())).collect()
        });
        let body = raw.body.map(|body| self.free(body.get_ref(), &body.span()));
        WantedRequest {
            method: raw.method.and_then(|word| MethodWord::from_word(word.get_ref())),
            path: raw.path.map(Spanned::into_inner),
            object: raw.object.map(Spanned::into_inner),
            status: raw.status,
            operations,
            in_sequence,
            body,
            count: raw.count.and_then(|count| usize::try_from(count).ok()),
        }
    }

    /// A value in whose texts placeholders may stand.
    fn free(&mut self, value: &toml::Value, span: &Range<usize>) -> Value {
        let value = json_of(value);
        for text in texts_in(&value) {
            self.placeholders_must_be_known(text, span);
        }
        value
    }

    fn entry(&mut self, raw: RawLog) -> WantedEntry {
        if let Some(object) = &raw.object {
            self.must_be_known(BOTH, object.get_ref(), &object.span());
        }
        WantedEntry {
            object: raw.object.map(Spanned::into_inner),
            action: raw.action.and_then(|word| ActionWord::from_word(word.get_ref())).map(|word| word.0),
            status: raw.status.and_then(|word| StatusWord::from_word(word.get_ref())).map(|word| word.0),
            code: raw.code.map(Spanned::into_inner),
        }
    }

    fn target(&mut self, raw: RawTarget, all: &mut Vec<Expectation>) {
        for (kind, key, objects) in
            [(ObjectKind::User, "user", raw.user), (ObjectKind::Group, "group", raw.group)]
        {
            for (name, attributes) in objects.unwrap_or_default() {
                self.must_be_known(&[kind], name.get_ref(), &name.span());
                let key = format!("expect.target.{key}.\"{}\"", name.get_ref());
                let object = Named { kind, name: name.into_inner() };
                self.resource(&key, &object, attributes, all);
            }
        }
        for (kind, key, count) in
            [(ObjectKind::User, "users", raw.users), (ObjectKind::Group, "groups", raw.groups)]
        {
            if let Some(count) = count {
                let what = Wanted::Count(kind, u64::from(*count.get_ref()));
                all.push(self.expectation(&count.span(), format!("expect.target.{key}"), what));
            }
        }
    }

    fn resource(
        &mut self,
        key: &str,
        object: &Named,
        attributes: BTreeMap<Spanned<String>, Free>,
        all: &mut Vec<Expectation>,
    ) {
        for (name, value) in attributes {
            let span = value.span();
            if let (ABSENT, toml::Value::Boolean(absent)) = (name.get_ref().as_str(), value.get_ref()) {
                let what = Wanted::Present { object: object.clone(), present: !absent };
                all.push(self.expectation(&span, format!("{key}.{ABSENT}"), what));
                continue;
            }
            let value = self.free(value.get_ref(), &span);
            if is_named(object.kind, name.get_ref()) {
                for text in texts_in(&value) {
                    self.must_be_known(BOTH, text, &span);
                }
            }
            let mut leaves = Vec::new();
            leaves_of(name.get_ref(), value, &mut leaves);
            for (path, value) in leaves {
                let named = format!("{key}.{path}");
                let what = Wanted::Attribute { object: object.clone(), path, value };
                all.push(self.expectation(&span, named, what));
            }
        }
    }

    fn job(&mut self, raw: RawJobExpect, all: &mut Vec<Expectation>) {
        let words = [
            ("status", word(raw.status.as_ref(), Wanted::Status)),
            ("schedule", word(raw.schedule.as_ref(), Wanted::Schedule)),
            ("quarantine", word(raw.quarantine.as_ref(), Wanted::Quarantine)),
            ("result", word(raw.result.as_ref(), Wanted::Result)),
            ("escrows", count(raw.escrows.as_ref(), Wanted::Escrows)),
            ("given_up", count(raw.given_up.as_ref(), Wanted::GivenUp)),
            ("held", count(raw.held.as_ref(), Wanted::Held)),
            ("cycles", count(raw.cycles.as_ref(), Wanted::Cycles)),
        ];
        for (key, said) in words {
            if let Some((span, what)) = said {
                all.push(self.expectation(&span, format!("expect.job.{key}"), what));
            }
        }
        for (name, code) in raw.escrow.unwrap_or_default() {
            self.must_be_known(BOTH, name.get_ref(), &name.span());
            let is_user = self.names.has(ObjectKind::User, name.get_ref());
            let kind = if is_user { ObjectKind::User } else { ObjectKind::Group };
            let key = format!("expect.job.escrow.\"{}\"", name.get_ref());
            let object = Named { kind, name: name.into_inner() };
            let wanted = Some(code.get_ref().clone()).filter(|code| code != "none");
            all.push(self.expectation(&code.span(), key, Wanted::Escrow { object, code: wanted }));
        }
    }

    fn expectation(&self, span: &Range<usize>, key: String, what: Wanted) -> Expectation {
        Expectation { place: self.source.place(span), key, what }
    }
}

fn word<W: Word>(text: Option<&Text>, what: fn(W) -> Wanted) -> Option<(Range<usize>, Wanted)> {
    let text = text?;
    Some((text.span(), what(W::from_word(text.get_ref())?)))
}

fn count(count: Option<&Spanned<u32>>, what: fn(u64) -> Wanted) -> Option<(Range<usize>, Wanted)> {
    count.map(|count| (count.span(), what(u64::from(*count.get_ref()))))
}

/// Whether the value of such an attribute is the name of somebody, or a list of names.
pub(in crate::scenario) fn is_named(kind: ObjectKind, attribute: &str) -> bool {
    match kind {
        ObjectKind::User => attribute == "manager",
        ObjectKind::Group => attribute == "members",
    }
}

/// An attribute, or each below it where a table is written: `name.givenName`. What must be missing is null.
fn leaves_of(path: &str, value: Value, leaves: &mut Vec<(String, Value)>) {
    let Value::Object(members) = value else {
        leaves.push((path.to_owned(), value));
        return;
    };
    if members.get(ABSENT) == Some(&Value::Bool(true)) {
        leaves.push((path.to_owned(), Value::Null));
        return;
    }
    // After a schema's name comes a colon (RFC 7644 §3.10).
    let is_schema = path.starts_with("urn:") && path.rsplit(':').next() == Some("User");
    let joint = if is_schema { ':' } else { '.' };
    for (name, value) in members {
        leaves_of(&format!("{path}{joint}{name}"), value, leaves);
    }
}

/// Every text in a value.
fn texts_in(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts_in).collect(),
        Value::Object(members) => members.values().flat_map(texts_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
