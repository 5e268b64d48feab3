//! What goes back: refusals as SCIM error bodies, and answers with the SCIM media type.

use serde_json::{Value, json};

use crate::http::Response;

/// Media type of every answer with a body (`wire.md 11.1`).
pub(super) const MEDIA_TYPE: &str = "application/scim+json";

/// Schema of error bodies (RFC 7644 §3.12).
const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    scim_type: Option<&'static str>,
    detail: String,
    headers: Vec<(&'static str, String)>,
}

impl Refusal {
    fn new(status: u16, scim_type: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self { status, scim_type, detail: detail.into(), headers: Vec::new() }
    }

    /// 400: the body is not JSON, or not the JSON that the request needs.
    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(400, Some("invalidSyntax"), detail)
    }

    /// 400: a filter that does not parse, or compares what can not be compared.
    pub(super) fn filter(detail: impl Into<String>) -> Self {
        Self::new(400, Some("invalidFilter"), detail)
    }

    /// 400: a path that does not parse, or names no attribute.
    pub(super) fn path(detail: impl Into<String>) -> Self {
        Self::new(400, Some("invalidPath"), detail)
    }

    /// 400: the path leads to nothing that could be changed.
    pub(super) fn no_target(detail: impl Into<String>) -> Self {
        Self::new(400, Some("noTarget"), detail)
    }

    /// 400: a required value is missing, or a value has the wrong type.
    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::new(400, Some("invalidValue"), detail)
    }

    /// 400: the attribute can not be written.
    pub(super) fn mutability(detail: impl Into<String>) -> Self {
        Self::new(400, Some("mutability"), detail)
    }

    /// 401, with the challenge that HTTP asks for.
    pub(super) fn unauthorized() -> Self {
        let mut refusal = Self::new(401, None, "the bearer token is missing or not the one expected");
        refusal.headers.push(("WWW-Authenticate", "Bearer realm=\"scim\"".to_owned()));
        refusal
    }

    /// 403.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, None, detail)
    }

    /// 404.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, None, detail)
    }

    /// 405; `allow` lists the methods that would do.
    pub(super) fn method(allow: &str) -> Self {
        let mut refusal = Self::new(405, None, format!("this resource answers to {allow} only"));
        refusal.headers.push(("Allow", allow.to_owned()));
        refusal
    }

    /// 409: somebody else holds the name (RFC 7644 §3.3).
    pub(super) fn uniqueness(detail: impl Into<String>) -> Self {
        Self::new(409, Some("uniqueness"), detail)
    }

    /// 413: larger than a limit of ours.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(413, None, detail)
    }

    /// 501: a part of SCIM that this app does without.
    pub(super) fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(501, None, detail)
    }

    /// Any status: of an app that does not do as it should.
    pub(super) fn of_status(status: u16, detail: impl Into<String>) -> Self {
        Self::new(status, None, detail)
    }

    /// What is wrong, for people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The SCIM error answer; its `status` is text (RFC 7644 §3.12).
    pub(super) fn into_response(self) -> Response {
        let mut body = json!({ "schemas": [ERROR_SCHEMA], "status": self.status.to_string() });
        if let Some(fields) = body.as_object_mut() {
            if let Some(scim_type) = self.scim_type {
                fields.insert("scimType".to_owned(), scim_type.into());
            }
            fields.insert("detail".to_owned(), self.detail.into());
        }
        let mut response = with_body(self.status, &body);
        response.headers.extend(self.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        response
    }
}

/// An answer with a JSON body.
pub(super) fn with_body(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), MEDIA_TYPE.to_owned())],
        body: body.to_string().into_bytes(),
    }
}

/// 204.
pub(super) fn no_content() -> Response {
    Response { status: 204, headers: Vec::new(), body: Vec::new() }
}
