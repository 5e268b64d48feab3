//! What targets answer (`wire.md 11.1`), and what failures are called (`engine.md 11.1`).

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::http::{Method, Response, TransportError};
use scimulator::scim::answer::{parse_list, parse_resource};
use scimulator::scim::failure::{
    ErrorCode, Exchange, failure_code, failure_text, named_code, probe_failure_text, retry_text,
    transport_failure_code,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    #[serde(rename = "as")]
    form: String,
    body: String,
    total: Option<u64>,
    ids: Option<Vec<String>>,
    error: Option<String>,
    code: Option<String>,
}

#[test]
fn answers_are_read_with_the_tolerances_of_the_sheet() {
    covers!("W-208", "W-209", "W-099", "W-074");
    for case in super::cases::<Case>("answers.toml") {
        let body = case.body.as_bytes();
        let (exchange, got) = match case.form.as_str() {
            "list" => {
                let got = parse_list(ObjectKind::User, body).map(|list| {
                    (Some(list.total), list.resources.into_iter().map(|resource| resource.id).collect())
                });
                (Exchange::MatchQuery, got)
            }
            "resource" => {
                (Exchange::Read, parse_resource(ObjectKind::User, body).map(|read| (None, vec![read.id])))
            }
            other => panic!("{}: unknown form {other}", case.name),
        };
        match (got, case.error) {
            (Ok((total, ids)), None) => {
                assert_eq!(total, case.total, "{}", case.name);
                assert_eq!(Some(ids), case.ids, "{}", case.name);
            }
            (Err(got), Some(want)) => {
                assert!(got.to_string().contains(&want), "{}: {got}", case.name);
                assert_eq!(Some(got.code(exchange).as_str()), case.code.as_deref(), "{}", case.name);
                assert_eq!(
                    got.code(Exchange::Probe),
                    ErrorCode::CredentialValidationUnavailable,
                    "{}",
                    case.name
                );
                let text = got.match_failure_text();
                assert!(
                    text.starts_with("Failed to match an entry in the source and target systems"),
                    "{text}"
                );
            }
            (got, want) => panic!("{}: got {got:?}, want the error {want:?}", case.name),
        }
    }
}

#[test]
fn a_group_may_have_any_manager_member() {
    let body = br#"{"id":"g","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"x"}}"#;
    assert_eq!(parse_resource(ObjectKind::Group, body).unwrap().id, "g");
}

#[test]
fn statuses_get_the_codes_of_the_table() {
    covers!("W-028", "W-046", "W-047", "W-218");
    let none: &[u8] = b"";
    let html: &[u8] = b"<html>";
    let invalid_filter: &[u8] =
        br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidFilter"}"#;
    let missing: &[u8] = br#"{"scimType":"invalidValue","detail":"Attribute userName is Required"}"#;
    let wrong: &[u8] = br#"{"scimType":"invalidValue","detail":"not a phone number"}"#;
    let prefix = "SystemForCrossDomainIdentityManagement";
    for (exchange, status, body, want) in [
        // wire.md 1.5
        (Exchange::Probe, 401, none, format!("{prefix}CredentialValidationFailure")),
        (Exchange::Probe, 403, none, format!("{prefix}CredentialValidationFailure")),
        (Exchange::Probe, 404, none, format!("{prefix}ServiceIncompatible")),
        (Exchange::Probe, 400, invalid_filter, format!("{prefix}CredentialValidationUnavailable")),
        (Exchange::Probe, 500, html, format!("{prefix}CredentialValidationUnavailable")),
        // the decisions on 400 and 404 to a query
        (Exchange::MatchQuery, 400, invalid_filter, format!("{prefix}ServiceIncompatibleFiltering")),
        (Exchange::MatchQuery, 400, none, format!("{prefix}ServiceIncompatible")),
        (Exchange::MatchQuery, 404, none, format!("{prefix}ServiceIncompatible")),
        // engine.md 11.1
        (Exchange::Read, 404, html, "InvalidAnchor".into()),
        (Exchange::Update, 404, none, "InvalidAnchor".into()),
        (Exchange::Create, 404, none, format!("{prefix}ServiceIncompatible")),
        (Exchange::Create, 400, none, format!("{prefix}ServiceIncompatible")),
        (Exchange::Update, 400, invalid_filter, format!("{prefix}ServiceIncompatible")),
        (Exchange::Delete, 400, none, format!("{prefix}ServiceIncompatible")),
        (Exchange::Create, 400, missing, "MissingValues".into()),
        (Exchange::Create, 400, wrong, format!("{prefix}ServiceIncompatible")),
        (Exchange::Create, 409, none, "EntryConflict".into()),
        (Exchange::Update, 409, none, "EntryConflict".into()),
        (Exchange::Update, 401, none, "Unauthorized".into()),
        (Exchange::Update, 403, none, "InsufficientRights".into()),
        (Exchange::Update, 405, none, "MethodNotAllowed".into()),
        (Exchange::Create, 422, none, "UnprocessableEntity".into()),
        (Exchange::Read, 429, none, "TooManyRequests".into()),
        (Exchange::Create, 500, none, "InternalServerError".into()),
        (Exchange::Create, 502, none, "InternalServerError".into()),
        (Exchange::Create, 503, none, "InternalServerError".into()),
        (Exchange::Create, 504, none, "InternalServerError".into()),
        (Exchange::Create, 501, none, "NotImplemented".into()),
        (Exchange::Read, 302, html, format!("{prefix}ServiceIncompatible")),
    ] {
        assert_eq!(failure_code(exchange, status, body).as_str(), want, "{exchange:?} {status}");
    }
}

#[test]
fn a_code_counts_as_named_only_where_a_refused_write_says_exactly_its_name() {
    let of_type = |scim_type: &str| format!(r#"{{"scimType":"{scim_type}","detail":"no"}}"#);
    let detail = |text: &str| format!(r#"{{"scimType":"invalidValue","detail":"{text}"}}"#);
    let (domain, licence) = (Some("InvalidDomain"), Some("LicenseLimitExceeded"));
    for (exchange, status, body, want) in [
        (Exchange::Create, 400, of_type("invalidDomain"), domain),
        (Exchange::Update, 422, of_type("InvalidDomain"), domain),
        (Exchange::Create, 403, of_type("licenseLimitExceeded"), licence),
        (Exchange::Create, 409, detail("LicenseLimitExceeded: buy more seats"), licence),
        (Exchange::Create, 402, detail("[InvalidDomain]"), domain),
        (Exchange::Create, 400, detail("the domain is invalid"), None),
        (Exchange::Create, 400, detail("invaliddomain"), None),
        (Exchange::Create, 400, detail("NoInvalidDomains"), None),
        (Exchange::Create, 400, "InvalidDomain".to_owned(), None),
        (Exchange::Create, 401, of_type("invalidDomain"), None),
        (Exchange::Create, 429, detail("LicenseLimitExceeded"), None),
        (Exchange::Create, 500, of_type("invalidDomain"), None),
        (Exchange::Read, 400, of_type("invalidDomain"), None),
        (Exchange::MatchQuery, 400, of_type("invalidDomain"), None),
    ] {
        let named = named_code(exchange, status, body.as_bytes());
        assert_eq!(named.map(ErrorCode::as_str), want, "{exchange:?} {status} {body}");
    }
}

#[test]
fn exchanges_without_an_answer_get_the_codes_of_the_table() {
    covers!("W-029", "W-047");
    let timeout = TransportError::Timeout { after_ms: 30_000 };
    let refused = TransportError::Connect("refused".to_owned());
    let tls = TransportError::Tls("unknown issuer".to_owned());
    assert_eq!(transport_failure_code(Exchange::Read, &timeout).as_str(), "Timeout");
    assert_eq!(transport_failure_code(Exchange::Create, &refused).as_str(), "WebExceptionProtocolError");
    assert_eq!(transport_failure_code(Exchange::Create, &tls).as_str(), "WebExceptionProtocolError");
    assert_eq!(
        transport_failure_code(Exchange::Probe, &refused).as_str(),
        "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable",
    );
}

#[test]
fn a_failure_text_has_its_parts_in_order() {
    covers!("W-052");
    let text = format!(
        "{}. {}",
        failure_text(409, br#"{"detail":"taken"}"#),
        retry_text(3, Some("2026-08-01T10:20:30.5Z".parse().unwrap())),
    );
    let mut rest = text.as_str();
    for part in [
        "StatusCode: Conflict",
        " Message: ",
        "Web Response: {\"detail\":\"taken\"}",
        "This operation was retried 3 times",
        "It will be retried again after this date: 2026-08-01T10:20:30.5000000Z",
    ] {
        rest = match rest.split_once(part) {
            Some((_, after)) => after,
            None => panic!("`{part}` is missing, or too early, in {text}"),
        };
    }
}

#[test]
fn a_failed_probe_tells_all_that_was_asked_and_answered() {
    covers!("W-027");
    let response = Response {
        status: 401,
        headers: vec![("WWW-Authenticate".to_owned(), "Bearer".to_owned())],
        body: b"no token".to_vec(),
    };
    let text = probe_failure_text(Method::Get, "https://app.example/scim/Users?filter=x", &response);
    for part in [
        "https://app.example/scim/Users?filter=x",
        "GET",
        "Unauthorized",
        "WWW-Authenticate: Bearer",
        "no token",
    ] {
        assert!(text.contains(part), "`{part}` is missing in {text}");
    }
}

#[test]
fn every_error_code_is_found_by_its_name() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_name(code.as_str()), Some(*code));
    }
}
