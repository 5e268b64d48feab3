//! What a target answers, read with the tolerances of `wire.md 11.1`: the content type is ignored, unknown members
//! and missing `schemas` are fine, what the service could not deserialise is an error that says why.

use serde_json::Value;

use super::failure::{ErrorCode, Exchange};
use super::{member, urn};
use crate::directory::object::ObjectKind;
use crate::http::Response;

/// One object as the target returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its id: opaque, kept and used as it is (`wire.md 3.4`).
    pub id: String,
    /// The whole resource.
    pub body: Value,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAnswer {
    /// How many objects match, by the target's own count; more than one means several matches even if fewer were
    /// returned.
    pub total: u64,
    /// Those that were returned: none if and only if `total` is 0, never more than `total`.
    pub resources: Vec<Resource>,
}

/// What the answer to a read by id says of the resource, to whoever looks apart from any cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadById {
    /// It is there: whole.
    There(Value),
    /// It is not there: 404, or 410.
    Gone,
    /// Nothing can be said of it: why.
    Unreadable(String),
}

impl ReadById {
    /// Reads an answer. Only what says so is absence; a refusal, or something that is no resource, is none.
    pub fn of(answer: &Response) -> Self {
        match answer.status {
            404 | 410 => Self::Gone,
            status if !answer.is_success() => Self::Unreadable(format!("status {status}")),
            status => match serde_json::from_slice(&answer.body) {
                Ok(resource @ Value::Object(_)) => Self::There(resource),
                Ok(_) | Err(_) => Self::Unreadable(format!("status {status}, and no JSON object")),
            },
        }
    }
}

/// Why an answer could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not JSON at all, an HTML page for example.
    #[error("the answer could not be deserialised: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("the answer could not be deserialised: an object is expected")]
    NotAnObject,
    /// `schemas` names something else than a list answer, or is no list of URNs.
    #[error("the answer to a query is no ListResponse: its `schemas` is {0}")]
    NotAList(String),
    /// `totalResults` is missing or no integer from 0 up.
    #[error("the answer to a query has no integer `totalResults`")]
    TotalResults,
    /// `Resources` is no list.
    #[error("`Resources` is not an array")]
    ResourcesNotArray,
    /// The count and the list contradict each other.
    #[error("`totalResults` is {total}, but `Resources` holds {returned}")]
    Count {
        /// `totalResults`.
        total: u64,
        /// Length of `Resources`.
        returned: usize,
    },
    /// A read by id was answered with a list.
    #[error("a read by id was answered with a list of resources instead of one resource")]
    ListForResource,
    /// No `id`, an empty one, or one that is no text.
    #[error("the received resource could not be deserialised: it has no `id` that is a text")]
    Id,
    /// An id that no URL can carry: a path segment of one or two dots means another place.
    #[error("the received resource has the `id` `{0}`, which can not stand in a URL")]
    IdUnusable(String),
    /// `manager` is not an object with `value` (`wire.md 4.7`).
    #[error(
        "the received resource could not be deserialised: `manager` of the enterprise extension is {found} where an \
         object with `value` is expected"
    )]
    Manager {
        /// What stands there.
        found: &'static str,
    },
}

impl AnswerError {
    /// The error code of an answer with a good status and this content (`engine.md 11.1`; a probe: `wire.md 1.5`).
    pub fn code(&self, exchange: Exchange) -> ErrorCode {
        match (exchange, self) {
            (Exchange::Probe, _) => ErrorCode::CredentialValidationUnavailable,
            (_, Self::ListForResource) => ErrorCode::MultipleEntriesInResponse,
            (
                _,
                Self::NotJson(_)
                | Self::NotAnObject
                | Self::NotAList(_)
                | Self::TotalResults
                | Self::ResourcesNotArray
                | Self::Count { .. }
                | Self::Id
                | Self::IdUnusable(_)
                | Self::Manager { .. },
            ) => ErrorCode::ServiceIncompatible,
        }
    }

    /// The text of a log entry for an answer to a match query or read that could not be used (`wire.md 2.4`).
    pub fn match_failure_text(&self) -> String {
        format!("Failed to match an entry in the source and target systems: {self}")
    }
}

/// Reads the answer to a query for objects of one kind (`wire.md 2.4`, `11.1`).
pub fn parse_list(kind: ObjectKind, body: &[u8]) -> Result<ListAnswer, AnswerError> {
    let body = parse_object(body)?;
    if let Some(schemas) = member(&body, "schemas")
        && !names_schema(schemas, urn::LIST_RESPONSE)
    {
        return Err(AnswerError::NotAList(schemas.to_string()));
    }
    let total = member(&body, "totalResults").and_then(Value::as_u64).ok_or(AnswerError::TotalResults)?;
    let resources = match member(&body, "Resources") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(resources)) => {
            resources.iter().map(|resource| checked(kind, resource.clone())).collect::<Result<_, _>>()?
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(AnswerError::ResourcesNotArray);
        }
    };
    let returned = resources.len();
    let consistent = match total {
        0 => returned == 0,
        _ => 0 < returned && u64::try_from(returned).is_ok_and(|returned| returned <= total),
    };
    if !consistent {
        return Err(AnswerError::Count { total, returned });
    }
    Ok(ListAnswer { total, resources })
}

/// Reads one resource: the answer to a read by id or to a create (`wire.md 2.7`, `3.4`).
pub fn parse_resource(kind: ObjectKind, body: &[u8]) -> Result<Resource, AnswerError> {
    let body = parse_object(body)?;
    let is_list = member(&body, "schemas").is_some_and(|schemas| names_schema(schemas, urn::LIST_RESPONSE));
    if is_list {
        return Err(AnswerError::ListForResource);
    }
    checked(kind, body)
}

fn parse_object(body: &[u8]) -> Result<Value, AnswerError> {
    // Servers on .NET like to put a byte-order mark before their JSON.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value =
        serde_json::from_slice(body).map_err(|error| AnswerError::NotJson(error.to_string()))?;
    if !value.is_object() {
        return Err(AnswerError::NotAnObject);
    }
    Ok(value)
}

fn names_schema(schemas: &Value, urn: &str) -> bool {
    schemas.as_array().is_some_and(|schemas| {
        schemas.iter().any(|schema| schema.as_str().is_some_and(|s| s.eq_ignore_ascii_case(urn)))
    })
}

fn checked(kind: ObjectKind, body: Value) -> Result<Resource, AnswerError> {
    if !body.is_object() {
        return Err(AnswerError::NotAnObject);
    }
    let id = match member(&body, "id") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        _ => return Err(AnswerError::Id),
    };
    if id == "." || id == ".." {
        return Err(AnswerError::IdUnusable(id));
    }
    if kind == ObjectKind::User {
        check_manager(&body)?;
    }
    Ok(Resource { id, body })
}

fn check_manager(user: &Value) -> Result<(), AnswerError> {
    let manager = member(user, urn::ENTERPRISE_USER).and_then(|enterprise| member(enterprise, "manager"));
    let found = match manager {
        None | Some(Value::Null | Value::Object(_)) => return Ok(()),
        Some(Value::String(_)) => "a bare text",
        Some(Value::Array(_)) => "an array",
        Some(Value::Bool(_) | Value::Number(_)) => "a number or boolean",
    };
    Err(AnswerError::Manager { found })
}
