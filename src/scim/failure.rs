//! What a refused or failed exchange is called in the provisioning log: error codes (`engine.md 11.1`) and the layout
//! of the reason text.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::member;
use crate::http::{Method, Response, TransportError};

/// What a request was for; the same status means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exchange {
    /// The look-up of a value that nothing has: Test Connection and the start of a cycle.
    Probe,
    /// The look-up by a matching attribute.
    MatchQuery,
    /// The read of a linked object by its id.
    Read,
    /// POST.
    Create,
    /// PATCH.
    Update,
    /// DELETE.
    Delete,
}

/// Declares the codes with their published names.
macro_rules! codes {
    ($( $(#[$note:meta])* $code:ident = $text:literal, )+) => {
        /// The error codes of provisioning log entries (`engine.md 11.1`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ErrorCode { $( $(#[$note])* $code, )+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$( Self::$code, )+];

            /// The published name.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$code => $text, )+ }
            }

            /// The code of exactly this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $text => Some(Self::$code), )+ _ => None }
            }
        }
    };
}

codes! {
    /// 409: the target refuses a value that another object has.
    EntryConflict = "EntryConflict",
    /// 429.
    TooManyRequests = "TooManyRequests",
    /// 500 and its kin.
    InternalServerError = "InternalServerError",
    /// 403.
    InsufficientRights = "InsufficientRights",
    /// 405.
    MethodNotAllowed = "MethodNotAllowed",
    /// 401.
    Unauthorized = "Unauthorized",
    /// 422.
    UnprocessableEntity = "UnprocessableEntity",
    /// No connection, failed TLS, broken HTTP.
    WebExceptionProtocolError = "WebExceptionProtocolError",
    /// The linked object is gone.
    InvalidAnchor = "InvalidAnchor",
    /// 501.
    NotImplemented = "NotImplemented",
    /// Our own check before a create finds a required attribute empty.
    MandatoryFieldsMissing = "MandatoryFieldsMissing",
    /// The target says that a required value is missing.
    MissingValues = "MissingValues",
    /// A mapping names an attribute that the target's definition lacks.
    SchemaAttributeNotFound = "SchemaAttributeNotFound",
    /// The provisioning service's own error, an expression that fails for example.
    InternalError = "InternalError",
    /// A value has a domain that the target does not allow.
    InvalidDomain = "InvalidDomain",
    /// The target has no free licence.
    LicenseLimitExceeded = "LicenseLimitExceeded",
    /// No answer in time.
    Timeout = "Timeout",
    /// Several objects match in the target.
    DuplicateTargetEntries = "DuplicateTargetEntries",
    /// Several source objects have the same matching value.
    DuplicateSourceEntries = "DuplicateSourceEntries",
    /// Every matching attribute is empty; scope was not evaluated.
    ImportSkipped = "ImportSkipped",
    /// Out of scope, or nothing to change.
    EntrySynchronizationSkipped = "EntrySynchronizationSkipped",
    /// A read by id returned a list.
    MultipleEntriesInResponse = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse",
    /// The answer is not what SCIM says.
    ServiceIncompatible = "SystemForCrossDomainIdentityManagementServiceIncompatible",
    /// The target does not understand the filter.
    ServiceIncompatibleFiltering = "SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering",
    /// A list met a single-valued target.
    SchemaPropertyCanOnlyAcceptValue = "SchemaPropertyCanOnlyAcceptValue",
    /// The probe was answered 401 or 403.
    CredentialValidationFailure = "SystemForCrossDomainIdentityManagementCredentialValidationFailure",
    /// The probe failed otherwise.
    CredentialValidationUnavailable = "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable",
    /// A reference could not be resolved because its object is not linked.
    UnableToResolveReferenceAttributeValue = "UnableToResolveReferenceAttributeValue",
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The code for an answer whose status is not the one hoped for (`engine.md 11.1`; a probe: `wire.md 1.5`).
///
/// `body` is looked at for a SCIM error only: 400 with `invalidFilter` to a query, and 400 that says a required value
/// is missing. A 404 to DELETE is no failure (`wire.md 1.7`) and should not come here.
pub fn failure_code(exchange: Exchange, status: u16, body: &[u8]) -> ErrorCode {
    match (exchange, status) {
        (Exchange::Probe, 401 | 403) => ErrorCode::CredentialValidationFailure,
        (Exchange::Probe, 404) => ErrorCode::ServiceIncompatible,
        (Exchange::Probe, _) => ErrorCode::CredentialValidationUnavailable,
        (Exchange::Read | Exchange::Update | Exchange::Delete, 404) => ErrorCode::InvalidAnchor,
        (Exchange::MatchQuery, 400) if ScimError::of(body).scim_type == "invalidFilter" => {
            ErrorCode::ServiceIncompatibleFiltering
        }
        (Exchange::Create | Exchange::Update, 400) if ScimError::of(body).says_value_missing() => {
            ErrorCode::MissingValues
        }
        (_, 401) => ErrorCode::Unauthorized,
        (_, 403) => ErrorCode::InsufficientRights,
        (_, 405) => ErrorCode::MethodNotAllowed,
        (_, 409) => ErrorCode::EntryConflict,
        (_, 422) => ErrorCode::UnprocessableEntity,
        (_, 429) => ErrorCode::TooManyRequests,
        (_, 501) => ErrorCode::NotImplemented,
        (_, 500..=599) => ErrorCode::InternalServerError,
        (_, _) => ErrorCode::ServiceIncompatible,
    }
}

/// The code that the target itself names in its refusal of a create or an update (`engine.md 11.1`, E-251): as the
/// `scimType` of its SCIM error in any letter case, or as a word of the `detail`. Which answer of a generic app stands
/// for these codes is published nowhere; that a target that names one means it is inferred, hence `named_errors`.
pub fn named_code(exchange: Exchange, status: u16, body: &[u8]) -> Option<ErrorCode> {
    const NAMED: [ErrorCode; 2] = [ErrorCode::InvalidDomain, ErrorCode::LicenseLimitExceeded];
    match (exchange, status) {
        // What these say of the request or of its timing holds whatever the body says.
        (_, 401 | 404 | 405 | 429) => None,
        (Exchange::Create | Exchange::Update, 400..=499) => {
            let error = ScimError::of(body);
            NAMED.into_iter().find(|code| error.names(code.as_str()))
        }
        (_, _) => None,
    }
}

/// The code for an exchange without an answer (`engine.md 11.1`; a probe: `wire.md 1.5`).
pub fn transport_failure_code(exchange: Exchange, error: &TransportError) -> ErrorCode {
    match (exchange, error) {
        (Exchange::Probe, TransportError::NoToken { refused: true, .. }) => {
            ErrorCode::CredentialValidationFailure
        }
        (Exchange::Probe, _) => ErrorCode::CredentialValidationUnavailable,
        (_, TransportError::NoToken { .. }) => ErrorCode::Unauthorized,
        (_, TransportError::Timeout { .. }) => ErrorCode::Timeout,
        (_, TransportError::TooLarge { .. }) => ErrorCode::ServiceIncompatible,
        (_, TransportError::Connect(_) | TransportError::Tls(_) | TransportError::Protocol(_)) => {
            ErrorCode::WebExceptionProtocolError
        }
    }
}

/// The two texts of a SCIM error body (RFC 7644 §3.12); empty where the body is none.
struct ScimError {
    scim_type: String,
    detail: String,
}

impl ScimError {
    fn of(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name| member(&body, name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { scim_type: text("scimType"), detail: text("detail") }
    }

    fn names(&self, code: &str) -> bool {
        let mut words = self.detail.split(|c: char| !c.is_ascii_alphanumeric());
        self.scim_type.eq_ignore_ascii_case(code) || words.any(|word| word == code)
    }

    /// `invalidValue` stands for a missing value and for a wrong one; only the detail tells them apart.
    fn says_value_missing(&self) -> bool {
        let detail = self.detail.to_lowercase();
        self.scim_type == "invalidValue"
            && ["required", "missing", "mandatory"].iter().any(|word| detail.contains(word))
    }
}

/// The reason of a failed exchange with an object: status name, a hint, the raw body (`wire.md 1.7`). A 400 says that
/// the endpoint is not fully compatible (`wire.md 5.2`).
pub fn failure_text(status: u16, body: &[u8]) -> String {
    let hint = if status == 400 {
        "The endpoint is not fully compatible with what it was sent"
    } else {
        "The target answered the request with an error"
    };
    format!(
        "StatusCode: {} Message: {hint}; see the response below for what it says. Web Response: {}",
        status_name(status),
        String::from_utf8_lossy(body)
    )
}

/// The sentences that follow a failure: `retries` repeats so far, and when it will be tried again, in UTC with seven
/// fractional digits (`wire.md 1.7`); `None`: it is given up (that wording is ours).
pub fn retry_text(retries: u32, next: Option<Timestamp>) -> String {
    let next = match next {
        Some(next) => {
            format!(
                "It will be retried again after this date: {} UTC",
                next.strftime("%Y-%m-%dT%H:%M:%S.%7fZ")
            )
        }
        None => "It will not be retried again".to_owned(),
    };
    format!("This operation was retried {retries} times. {next}")
}

/// The reason of a failed probe, in labelled lines (`engine.md 11.1`, `wire.md 1.5`). The caller masks secrets that
/// a target echoes.
pub fn probe_failure_text(method: Method, url: &str, response: &Response) -> String {
    let mut text = format!(
        "While attempting to validate our authorization to access your application, we received this unexpected \
         response:\nResource: {url}\nOperation: {method}\nResponse Status Code: {}\nResponse Headers:",
        status_name(response.status)
    );
    for (name, value) in &response.headers {
        write!(text, "\n{name}: {value}").unwrap_or_default();
    }
    text.push_str("\nResponse Content: ");
    text.push_str(&String::from_utf8_lossy(&response.body));
    text
}

/// A status as .NET names it, which is how the log shows it; the number where it has no name.
pub fn status_name(status: u16) -> String {
    let name = match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "NoContent",
        301 => "MovedPermanently",
        302 => "Found",
        303 => "SeeOther",
        304 => "NotModified",
        307 => "TemporaryRedirect",
        308 => "PermanentRedirect",
        400 => "BadRequest",
        401 => "Unauthorized",
        402 => "PaymentRequired",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        407 => "ProxyAuthenticationRequired",
        408 => "RequestTimeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "LengthRequired",
        412 => "PreconditionFailed",
        413 => "RequestEntityTooLarge",
        414 => "RequestUriTooLong",
        415 => "UnsupportedMediaType",
        417 => "ExpectationFailed",
        422 => "UnprocessableEntity",
        423 => "Locked",
        424 => "FailedDependency",
        428 => "PreconditionRequired",
        429 => "TooManyRequests",
        431 => "RequestHeaderFieldsTooLarge",
        500 => "InternalServerError",
        501 => "NotImplemented",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        505 => "HttpVersionNotSupported",
        507 => "InsufficientStorage",
        other => return other.to_string(),
    };
    name.to_owned()
}
