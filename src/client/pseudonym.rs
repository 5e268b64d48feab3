//! Masking personal data in what is handed on: log entries, exchanges, HAR documents.
//!
//! A value becomes a pseudonym that is the same wherever it stands, so that one can still follow a person through a
//! log. Which person it is can not be told without the key, which stays in the state.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Body, Exchange, MASK, ObjectRef, Outcome};
use crate::private;

/// Values below this length, in characters, may be words like any other: in sentences they are looked for where they
/// stand in quotes or are all there is, and elsewhere only when they begin as a name does.
const KNOWN_CHARS_MIN: usize = 3;

/// Members of JSON bodies whose values say nothing of a person. For a dotted or URN path the last part counts.
const PLAIN: [&str; 23] = [
    "$ref",
    "active",
    "created",
    "detail",
    "error",
    "error_description",
    "expires_in",
    "itemsperpage",
    "lastmodified",
    "location",
    "message",
    "op",
    "path",
    "primary",
    "resourcetype",
    "schemas",
    "scimtype",
    "startindex",
    "status",
    "token_type",
    "totalresults",
    "type",
    "version",
];

/// What makes pseudonyms; 32 random bytes that never leave the state.
#[derive(Clone)]
pub struct Pseudonyms([u8; 32]);

/// The personal values of one record, which are then looked for in its sentences: each by the forms in which it may stand
/// there, the longest first.
#[derive(Debug, Default)]
struct Known(BTreeMap<(std::cmp::Reverse<usize>, String), String>);

impl Known {
    fn learn(&mut self, text: &str) {
        // As it is, and as it stands in JSON that a sentence cites.
        let in_json = Value::from(text).to_string();
        let in_json = in_json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        for form in [text, in_json] {
            if !form.trim().is_empty() {
                self.0.insert((std::cmp::Reverse(form.len()), form.to_owned()), text.to_owned());
            }
        }
    }

    fn learn_json(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) if !is_plain(name) => self.learn(text),
            Value::Array(items) => items.iter().for_each(|item| self.learn_json(name, item)),
            Value::Object(members) => {
                members.iter().for_each(|(name, member)| self.learn_json(name, member));
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn learn_body(&mut self, body: Option<&Body>) {
        if let Some(Body::Json(value)) = body {
            self.learn_json("", value);
        }
    }

    fn learn_exchange(&mut self, exchange: &Exchange) {
        if let Some(object) = &exchange.about.object {
            self.learn(&object.label);
            self.learn(&object.source_id);
        }
        self.learn_body(exchange.request.body.as_ref());
        if let Outcome::Response(response) = &exchange.outcome {
            self.learn_body(response.body.as_ref());
        }
    }
}

/// Masks sentences about people whose values it has learned.
#[derive(Debug)]
pub struct Sentences<'p> {
    pseudonyms: &'p Pseudonyms,
    known: Known,
}

impl Sentences<'_> {
    /// Learns the personal values of an exchange.
    pub fn learn_exchange(&mut self, exchange: &Exchange) {
        self.known.learn_exchange(exchange);
    }

    /// Learns an attribute's value, with all that is in it.
    pub fn learn(&mut self, name: &str, value: &Value) {
        self.known.learn_json(name, value);
    }

    /// A sentence with everything masked that was learned, and all that looks like an address or a GUID. The texts
    /// `True` and `False` stay: they tell nobody from another.
    pub fn mask(&mut self, text: &str) -> String {
        self.known.0.retain(|(_, value), _| !["True", "False"].contains(&value.as_str()));
        self.pseudonyms.sentence(text, &self.known)
    }
}

/// The file of the key in the state's folder, readable by its owner alone.
const KEY_FILE: &str = "pseudonyms.key";

impl Pseudonyms {
    /// Pseudonyms under a key: the same key, the same pseudonyms.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Pseudonyms under a key that is kept nowhere: the same in one run, others in the next.
    pub fn of_one_run() -> Self {
        Self(random_key())
    }

    /// What masks sentences under these pseudonyms; it knows nobody yet.
    pub fn sentences(&self) -> Sentences<'_> {
        Sentences { pseudonyms: self, known: Known::default() }
    }

    /// Pseudonyms under the key that is kept in the state's folder, made at the first time.
    pub fn kept_in(folder: &Path) -> io::Result<Self> {
        let path = folder.join(KEY_FILE);
        if !path.exists() {
            private::write_unless_there(&path, &random_key())?;
        }
        let key = fs::read(&path)?;
        let key =
            key.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it holds no key"))?;
        Ok(Self(key))
    }

    /// What stands for a value: an address for an address, a GUID for a GUID, else a word. Letter case makes no
    /// difference, since it makes none to directories; an empty value stays empty.
    pub fn of(&self, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        let hash = blake3::keyed_hash(&self.0, value.to_lowercase().as_bytes());
        let word = hash.to_hex().chars().take(10).collect::<String>();
        if Uuid::try_parse(value).is_ok() {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
            return Uuid::from_bytes(bytes).hyphenated().to_string();
        }
        if value.contains('@') { format!("p-{word}@example.invalid") } else { format!("p-{word}") }
    }

    /// An exchange without personal data.
    pub fn exchange(&self, exchange: &Exchange) -> Exchange {
        let mut known = Known::default();
        let mut masked = exchange.clone();
        known.learn_exchange(exchange);
        masked.about.object = exchange.about.object.as_ref().map(|object| ObjectRef {
            kind: object.kind,
            label: self.of(&object.label),
            source_id: self.of(&object.source_id),
        });
        masked.request.url = self.url(&exchange.request.url);
        self.headers(&mut masked.request.headers, &known);
        self.body(&mut masked.request.body, &known);
        match &mut masked.outcome {
            Outcome::Response(response) => {
                self.headers(&mut response.headers, &known);
                self.body(&mut response.body, &known);
            }
            Outcome::Error(error) => error.message = self.sentence(&error.message, &known),
        }
        masked
    }

    /// A log entry in Graph's form (`provisioningObjectSummary`) without personal data.
    pub fn log_entry(&self, entry: &mut Value) {
        let known = known_of_entry(entry);
        for identity in ["sourceIdentity", "targetIdentity"].map(|name| format!("/{name}")) {
            for name in ["id", "displayName"] {
                entry
                    .pointer_mut(&format!("{identity}/{name}"))
                    .into_iter()
                    .for_each(|value| self.replace(value));
            }
        }
        for (name, value) in members_mut(entry.pointer_mut("/sourceIdentity/details")) {
            if name != "odatatype" {
                self.replace(value);
            }
        }
        for property in items_mut(entry.get_mut("modifiedProperties")) {
            let name = property.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !is_plain(&name) {
                for name in ["oldValue", "newValue"] {
                    property.get_mut(name).into_iter().for_each(|value| self.replace(value));
                }
            }
        }
        for step in items_mut(entry.get_mut("provisioningSteps")) {
            step.get_mut("description").into_iter().for_each(|text| self.rewrite(text, &known));
            let imports = step.get("provisioningStepType").and_then(Value::as_str) == Some("import");
            for (name, value) in members_mut(step.get_mut("details")) {
                let is_flag = matches!(value.as_str(), Some("True" | "False"));
                match name.as_str() {
                    "ErrorCode" | "SkipReason" => {}
                    _ if is_flag => {}
                    "TargetId" | "ReportableIdentifier" | "InterruptedCreate" => self.replace(value),
                    _ if imports => self.replace(value),
                    _ => self.rewrite(value, &known),
                }
            }
        }
        let reason = entry.pointer_mut("/provisioningStatusInfo/errorInformation/reason");
        if let Some(reason) = reason {
            self.rewrite(reason, &known);
        }
    }

    /// A line about a log entry without personal data: what the entry knows is looked for in it.
    pub fn line_about(&self, entry: &Value, line: &str) -> String {
        self.sentence(line, &known_of_entry(entry))
    }

    fn replace(&self, value: &mut Value) {
        if let Value::String(text) = value {
            *text = self.of(text);
        }
    }

    fn rewrite(&self, value: &mut Value, known: &Known) {
        if let Value::String(text) = value {
            *text = self.sentence(text, known);
        }
    }

    fn headers(&self, headers: &mut [(String, String)], known: &Known) {
        for (name, value) in headers {
            let is_url = ["location", "content-location"].contains(&name.to_lowercase().as_str());
            *value = if is_url { self.url(value) } else { self.sentence(value, known) };
        }
    }

    fn body(&self, body: &mut Option<Body>, known: &Known) {
        match body {
            Some(Body::Json(value)) => {
                *value = self.json("", value.take(), known);
            }
            // A form, a page or half a document: not to be told apart from what is personal in it.
            Some(Body::Text(text) | Body::Cut(text)) => MASK.clone_into(text),
            None => {}
        }
    }

    fn json(&self, name: &str, value: Value, known: &Known) -> Value {
        match value {
            Value::String(text) => Value::String(self.member(name, text, known)),
            Value::Number(number) if !is_plain(name) => Value::String(self.of(&number.to_string())),
            Value::Array(items) => items.into_iter().map(|item| self.json(name, item, known)).collect(),
            Value::Object(members) => {
                let path = members.get("path").and_then(Value::as_str).map(str::to_owned);
                let mask = |(name, member): (String, Value)| {
                    // The value of an operation is named by its path.
                    let meant = if name == "value" { path.as_deref().unwrap_or(&name) } else { &name };
                    let masked = self.json(meant, member, known);
                    (name, masked)
                };
                Value::Object(members.into_iter().map(mask).collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// The text of a member of this name.
    fn member(&self, name: &str, text: String, known: &Known) -> String {
        match last_part(name).as_str() {
            "location" | "$ref" => self.url(&text),
            "detail" | "error_description" | "message" => self.sentence(&text, known),
            "path" => self.path(&text),
            _ if is_plain(name) => text,
            _ => self.of(&text),
        }
    }

    /// A path with its filter values masked, but for the names of types.
    fn path(&self, path: &str) -> String {
        let mut masked = String::new();
        for (position, part) in path.split('"').enumerate() {
            if 0 < position {
                masked.push('"');
            }
            let is_value = !position.is_multiple_of(2);
            let before = masked.trim_end_matches('"').to_lowercase();
            if is_value && !before.ends_with("type eq ") && !before.ends_with("primary eq ") {
                masked.push_str(&self.of(part));
            } else {
                masked.push_str(part);
            }
        }
        masked
    }

    /// A URL with the ids of resources and the values of filters masked; host and endpoint stay.
    fn url(&self, url: &str) -> String {
        let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
        let segments: Vec<&str> = place.split('/').collect();
        let mut after_endpoint = false;
        let mut masked: Vec<String> = Vec::new();
        for segment in segments {
            masked.push(if after_endpoint && !segment.is_empty() {
                encoded(&self.of(&percent_decode_str(segment).decode_utf8_lossy()))
            } else {
                segment.to_owned()
            });
            after_endpoint |= matches!(segment, "Users" | "Groups");
        }
        let mut url = masked.join("/");
        if let Some(query) = query {
            url.push('?');
            url.push_str(&self.query(query));
        }
        url
    }

    /// A query with everything between two encoded quotes masked. Where quotes are no pairs, or are escaped, what is
    /// a value can not be told: then nothing of the query stays.
    fn query(&self, query: &str) -> String {
        const QUOTE: &str = "%22";
        let parts: Vec<&str> = query.split(QUOTE).collect();
        if parts.len().is_multiple_of(2) || query.to_lowercase().contains("%5c") {
            return MASK.to_owned();
        }
        let mask = |(position, part): (usize, &&str)| {
            if position.is_multiple_of(2) {
                return (*part).to_owned();
            }
            let before =
                position.checked_sub(1).and_then(|before| parts.get(before)).copied().unwrap_or_default();
            if before.ends_with("type+eq+") || before.ends_with("primary+eq+") {
                return (*part).to_owned();
            }
            encoded(&self.of(&percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy()))
        };
        parts.iter().enumerate().map(mask).collect::<Vec<_>>().join(QUOTE)
    }

    /// A sentence with everything masked that the record knows, and all that looks like an address or a GUID.
    fn sentence(&self, text: &str, known: &Known) -> String {
        let mut masked = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let before = masked.chars().next_back();
            let starts = !before.is_some_and(char::is_alphanumeric) || !next.is_alphanumeric();
            let told = || telling_word(rest).map(|word| (word.len(), word));
            let found = if starts { known.at_start_of(rest, before).or_else(told) } else { None };
            let length = if let Some((length, value)) = found {
                masked.push_str(&self.of(value));
                length
            } else {
                masked.push(next);
                next.len_utf8()
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        masked
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(****)")
    }
}

impl Known {
    /// The longest known value that a text begins with, as a word of its own, and how long it is there; `before` is
    /// what stands before the text.
    fn at_start_of(&self, text: &str, before: Option<char>) -> Option<(usize, &str)> {
        self.0.iter().find_map(|((_, form), value)| {
            let found = text.get(..form.len())?;
            let after = text.get(form.len()..)?.chars().next();
            let is_long = KNOWN_CHARS_MIN <= form.chars().count();
            let is_apart = before == after && before.is_none_or(|quote| matches!(quote, '"' | '`' | '\''));
            let is_it = if is_long || is_apart {
                found.eq_ignore_ascii_case(form)
            } else {
                found == form && begins_as_a_name(form)
            };
            (is_it && !after.is_some_and(char::is_alphanumeric)).then_some((form.len(), value.as_str()))
        })
    }
}

/// Whether a short value is hardly a word of a sentence: two letters or more, the first a capital, or none of ASCII.
fn begins_as_a_name(text: &str) -> bool {
    let is_one = |first: char| (first.is_uppercase() && 1 < text.chars().count()) || !first.is_ascii();
    text.chars().all(char::is_alphabetic) && text.chars().next().is_some_and(is_one)
}

/// The word that a text begins with, when it is an address or a GUID.
fn telling_word(text: &str) -> Option<&str> {
    let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | '+' | '#'));
    let word = text.split(ends).next().unwrap_or_default().trim_end_matches('.');
    let is_address =
        word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    (is_address || (word.len() == 36 && Uuid::try_parse(word).is_ok())).then_some(word)
}

/// 32 bytes that the operating system's randomness determines: the standard library keys its hashers with it.
fn random_key() -> [u8; 32] {
    let hasher = RandomState::new();
    let mut seed = blake3::Hasher::new();
    for number in 0..4_u64 {
        seed.update(&hasher.hash_one(number).to_le_bytes());
    }
    *seed.finalize().as_bytes()
}

fn known_of_entry(entry: &Value) -> Known {
    let mut known = Known::default();
    let mut learn = |value: Option<&Value>| {
        if let Some(text) = value.and_then(Value::as_str) {
            known.learn(text);
        }
    };
    for pointer in ["/sourceIdentity/id", "/sourceIdentity/displayName", "/targetIdentity/id"] {
        learn(entry.pointer(pointer));
    }
    learn(entry.pointer("/sourceIdentity/details/UserPrincipalName"));
    let array = |name: &str| entry.get(name).and_then(Value::as_array).into_iter().flatten();
    for property in array("modifiedProperties") {
        let name = property.get("displayName").and_then(Value::as_str).unwrap_or_default();
        if !is_plain(name) {
            learn(property.get("oldValue"));
            learn(property.get("newValue"));
        }
    }
    for step in array("provisioningSteps") {
        let details = step.get("details").and_then(Value::as_object).into_iter().flatten();
        for (name, value) in details {
            let imports = step.get("provisioningStepType").and_then(Value::as_str) == Some("import");
            let is_flag = matches!(value.as_str(), Some("True" | "False"));
            if (imports && !is_flag) || matches!(name.as_str(), "TargetId" | "InterruptedCreate") {
                learn(Some(value));
            }
        }
    }
    known
}

fn is_plain(name: &str) -> bool {
    PLAIN.contains(&last_part(name).as_str())
}

/// The attribute that a path ends in, in lower case.
fn last_part(path: &str) -> String {
    path.rsplit(['.', ':']).next().unwrap_or_default().to_lowercase()
}

fn encoded(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.');
    utf8_percent_encode(text, KEPT).to_string()
}

fn items_mut(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

fn members_mut(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    value.and_then(Value::as_object_mut).into_iter().flatten()
}
