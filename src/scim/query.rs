//! URLs below the tenant URL, byte for byte as the service writes them (`wire.md 2.1`, `2.6`).
//!
//! All of them are relative: the caller puts the tenant URL's path and a slash before them. They are final; parsing
//! and printing them again with a URL library may change bytes.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::path::TargetPath;
use super::style::{FilterEscape, Style};
use crate::directory::object::ObjectKind;

/// A value to look for, with the type that decides about quotes (`wire.md 2.1` rule 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterValue {
    /// Stands in double quotes.
    Text(String),
    /// A boolean or a number: stands bare.
    Bare(String),
}

impl FilterValue {
    /// The value as text, without quotes.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Bare(text) => text,
        }
    }
}

impl std::fmt::Display for FilterValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a value can not be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// An empty or blank value is never queried (`wire.md 2.1` rule 6).
    #[error("the value for `{path}` is empty, and an empty value is never queried")]
    Empty {
        /// The matching attribute.
        path: String,
    },
    /// A filter literal can not hold a double quote, since the service does not escape it (`wire.md 2.1` rule 5).
    #[error(
        "the value for `{path}` holds a double quote, which a filter sent by the service can not express"
    )]
    Quote {
        /// The matching attribute.
        path: String,
    },
}

/// The collection of a kind: `Users` or `Groups`.
pub fn collection_path(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "Users",
        ObjectKind::Group => "Groups",
    }
}

/// `Users/{id}` or `Groups/{id}`, for PATCH and DELETE; the id is escaped so that it decodes to what was stored.
pub fn resource_path(kind: ObjectKind, id: &str) -> String {
    format!("{}/{}", collection_path(kind), utf8_percent_encode(id, PATH_SEGMENT))
}

/// The read by id; of a group never the members (`wire.md 6.2`).
pub fn read_path(kind: ObjectKind, id: &str) -> String {
    let resource = resource_path(kind, id);
    match kind {
        ObjectKind::User => resource,
        ObjectKind::Group => format!("{resource}?excludedAttributes=members"),
    }
}

/// The query that looks for an object by one matching attribute (`wire.md 2.1`, rules 1 to 6).
pub fn match_query(
    kind: ObjectKind,
    path: &TargetPath,
    value: &FilterValue,
    style: &Style,
) -> Result<String, QueryError> {
    if value.as_str().trim().is_empty() {
        return Err(QueryError::Empty { path: path.to_string() });
    }
    let literal = match value {
        FilterValue::Bare(bare) => encode_value(bare),
        FilterValue::Text(text) => {
            format!("%22{}%22", encode_value(&escape_quotes(path, text, style.filter_escape)?))
        }
    };
    Ok(filter_query(kind, path, &literal, style))
}

/// The query of Test Connection and of a cycle's start: a value that nothing has (`wire.md 1.5`). `value` is a fresh
/// GUID at each probe.
pub fn probe_query(kind: ObjectKind, path: &TargetPath, value: uuid::Uuid, style: &Style) -> String {
    filter_query(kind, path, &format!("%22{value}%22"), style)
}

/// The characters of a value that a filter is known to fail with: special ones that rule 4 does not encode and that no
/// backslash was put before (`mapping.md 1.5`). Empty when there are none.
pub fn unescaped_specials(value: &FilterValue, style: &Style) -> String {
    let is_escaped =
        |character| style.filter_escape == FilterEscape::Backslash && matches!(character, '"' | '\\');
    let mut specials = String::new();
    for character in value.as_str().chars() {
        let is_special = matches!(character, '"' | '%' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
        if is_special && !is_escaped(character) && !specials.contains(character) {
            specials.push(character);
        }
    }
    specials
}

fn filter_query(kind: ObjectKind, path: &TargetPath, literal: &str, style: &Style) -> String {
    let excluded = match kind {
        ObjectKind::User => "",
        ObjectKind::Group => "excludedAttributes=members&",
    };
    let path = form_encode(&path.wire_text(style.dialect));
    format!("{}?{excluded}filter={path}+eq+{literal}", collection_path(kind))
}

fn escape_quotes<'v>(
    path: &TargetPath,
    text: &'v str,
    escape: FilterEscape,
) -> Result<Cow<'v, str>, QueryError> {
    match escape {
        FilterEscape::Refuse if text.contains('"') => Err(QueryError::Quote { path: path.to_string() }),
        FilterEscape::Refuse | FilterEscape::None => Ok(Cow::Borrowed(text)),
        FilterEscape::Backslash => Ok(Cow::Owned(text.replace('\\', "\\\\").replace('"', "\\\""))),
    }
}

/// Rule 3: the path is form-encoded with lower-case hex.
fn form_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'(' | b')' | b'!' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => push_lower_hex(&mut encoded, other),
        }
    }
    encoded
}

/// The question whether an object refers to another one by `attribute` (`manager`, `members`), as it stood before
/// each write of a reference in older revisions (`wire.md 4.7`, `6.6`). Ids are the target's.
pub fn reference_query(kind: ObjectKind, id: &str, attribute: &str, other: &str) -> String {
    format!(
        "{}?attributes=id&filter=id+eq+%22{}%22+and+{attribute}+eq+%22{}%22",
        collection_path(kind),
        encode_value(id),
        encode_value(other)
    )
}

/// Rules 4 and 5: a fixed list of characters in lower-case hex, space as `+`; what is left and illegal in a URL is
/// escaped by the URI layer, in upper-case hex.
fn encode_value(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut utf8 = [0; 4];
    for character in text.chars() {
        match character {
            ';' | '/' | '?' | ':' | '@' | '&' | '=' | '+' | '$' | ',' | '#' | '[' | ']' | '\'' => {
                character.encode_utf8(&mut utf8).bytes().for_each(|byte| push_lower_hex(&mut encoded, byte));
            }
            ' ' => encoded.push('+'),
            other => encoded.extend(utf8_percent_encode(other.encode_utf8(&mut utf8), ILLEGAL_IN_VALUE)),
        }
    }
    encoded
}

fn push_lower_hex(encoded: &mut String, byte: u8) {
    write!(encoded, "%{byte:02x}").unwrap_or_default();
}

/// All but the unreserved characters of RFC 3986: whatever the id holds, it stays one segment.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the URI layer escapes among the characters that rule 4 leaves alone.
const ILLEGAL_IN_VALUE: &AsciiSet = &PATH_SEGMENT.remove(b'!').remove(b'(').remove(b')').remove(b'*');
