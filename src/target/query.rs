//! What a query asks for (RFC 7644 §3.4.2), from a URL or from the body of a `/.search`.

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::filter::{self, Filter};
use super::project::Projection;

/// Most resources on a page, whatever the client asks for, and the page when it asks for no size. A client that wants
/// more reads on with `startIndex`.
pub(super) const PAGE_RESOURCES_MAX: usize = 1_000;

/// A query, read.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) projection: Projection,
    pub(super) filter: Option<Filter>,
    /// Resources before the page.
    pub(super) skip: usize,
    /// Resources on the page at most.
    pub(super) count: usize,
}

impl Query {
    /// Reads the part of a URL behind the `?`. Parameters that are not known are passed over.
    pub(super) fn from_url(query: &str) -> Result<Self, Refusal> {
        let mut read = Self::page_of_all();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "attributes" => read.projection.attributes = names(&value),
                "excludedAttributes" => read.projection.excluded = names(&value),
                "filter" => read.filter = Some(filter::parse(&value)?),
                "startIndex" => read.skip = skip(number(&name, value.trim().parse().ok())?),
                "count" => read.count = page_size(number(&name, value.trim().parse().ok())?),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Reads the body of a search request (RFC 7644 §3.4.3).
    pub(super) fn from_body(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut read = Self::page_of_all();
        for (name, value) in body {
            match name.as_str() {
                "attributes" => read.projection.attributes = listed_names(name, value)?,
                "excludedAttributes" => read.projection.excluded = listed_names(name, value)?,
                "filter" => {
                    let text = value.as_str().ok_or_else(|| Refusal::filter("`filter` is text"))?;
                    read.filter = Some(filter::parse(text)?);
                }
                "startIndex" => read.skip = skip(number(name, value.as_i64())?),
                "count" => read.count = page_size(number(name, value.as_i64())?),
                _ => {}
            }
        }
        Ok(read)
    }

    fn page_of_all() -> Self {
        Self { count: PAGE_RESOURCES_MAX, ..Self::default() }
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
}

fn listed_names(parameter: &str, value: &Value) -> Result<Vec<String>, Refusal> {
    let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let read: Option<Vec<String>> =
        entries.iter().map(|entry| entry.as_str().map(ToOwned::to_owned)).collect();
    read.filter(|_| value.is_array() || value.is_null())
        .ok_or_else(|| Refusal::syntax(format!("`{parameter}` is a list of names")))
}

fn number(parameter: &str, value: Option<i64>) -> Result<i64, Refusal> {
    value.ok_or_else(|| Refusal::value(format!("`{parameter}` is not a whole number")))
}

/// `startIndex` counts from 1; less means 1 (RFC 7644 §3.4.2.4).
fn skip(start_index: i64) -> usize {
    usize::try_from(start_index.saturating_sub(1)).unwrap_or(0)
}

/// A negative `count` means 0 (RFC 7644 §3.4.2.4).
fn page_size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0).min(PAGE_RESOURCES_MAX)
}
