//! Client credentials and workload identity federation against the embedded app with its own token endpoint: who is let
//! in by what, and what fails.

use std::path::Path;

use scimulator::client::jwt::{Issuer, KEY_SET_FILE};
use scimulator::clock::{Clock as _, SystemClock, Timestamp, VirtualClock};
use scimulator::http::{Method, Request, Response};
use scimulator::preflight::{ClientCredentials, Federation, Grade, Options, Tested, TokenIssuer, Word};
use scimulator::target::{App, AppOptions, TokenEndpoint, Trusted};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{options, run, told, verdicts};
use crate::common::Project;
use crate::compatibility::{Fault, HONEST, serve_app};
use crate::target::faults::Target;

const TENANT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
const APPLICATION: &str = "0c1b1f5e-5f0a-4d0f-9a45-6f6a4b3ff8aa";

/// The key set of the stand-in whose key is in this folder.
fn key_set(folder: &Path) -> Value {
    Issuer::kept_in(folder, TENANT.to_owned(), Box::new(SystemClock)).unwrap();
    serde_json::from_str(&std::fs::read_to_string(folder.join(KEY_SET_FILE)).unwrap()).unwrap()
}

/// An app that knows the client `scim` by its secret, and by assertions of whoever has the key in this folder.
fn app(folder: &Path) -> AppOptions {
    let trusted = Trusted::by_key_set(&key_set(folder), &format!("api://{APPLICATION}")).unwrap();
    AppOptions {
        base_path: "/scim".to_owned(),
        token: Some("static".to_owned()),
        token_endpoint: Some(TokenEndpoint {
            client_id: "scim".to_owned(),
            client_secret: Some("s3cr3t&".to_owned()),
            trusted: Some(trusted),
        }),
        ..AppOptions::default()
    }
}

fn federation(url: &str, folder: &Path) -> Federation {
    Federation {
        token_endpoint: format!("{url}/token"),
        client_id: "scim".to_owned(),
        application_id: APPLICATION.to_owned(),
        base_address: None,
        issuer: TokenIssuer::StandIn {
            folder: folder.to_owned(),
            tenant_id: TENANT.to_owned(),
            principal_id: "principal".to_owned(),
        },
    }
}

/// What the authentication tests say of that app with a fault, and what else the report says.
fn asked(
    fault: Fault,
    ids: &[&str],
    change: impl FnOnce(&mut ClientCredentials, &mut Federation),
) -> (Vec<Tested>, scimulator::preflight::Report) {
    let project = Project::with([]);
    let folder = project.path("");
    let url = serve_app(app(&folder), fault);
    let mut credentials = ClientCredentials {
        token_endpoint: format!("{url}/token"),
        id: "scim".to_owned(),
        secret: "s3cr3t&".to_owned().into(),
        scope: None,
    };
    let mut federation = federation(&url, &folder);
    change(&mut credentials, &mut federation);
    let options = Options {
        token: Some("static".to_owned().into()),
        credentials: Some(credentials),
        federation: Some(federation),
        ..options(&url, ids)
    };
    let report = run(&options);
    (report.asked().cloned().collect(), report)
}

/// A test of authentication against an app with a fault that it is there to find: its answer has no token.
pub(super) fn failing(id: &str) -> Tested {
    let (tested, _) = asked(Fault { response: nameless, ..HONEST }, &[id], |_, _| {});
    tested.into_iter().next().unwrap()
}

#[test]
fn the_embedded_app_passes_both_tests_of_authentication() {
    let (tested, report) = asked(HONEST, &[], |_, _| {});
    for tested in &tested {
        assert_eq!(verdicts(tested), (Grade::Passed, Word::Passed), "{}: {}", tested.test.id, told(tested));
    }
    assert_eq!(tested.len(), 57);
    assert_eq!(report.overall_as_run(), "Succeeded");
    assert!(report.warnings.iter().any(|it| it.contains("of a stand-in for Entra")), "{:?}", report.warnings);
    let shown = scimulator::preflight::report::to_json(&report).to_string();
    assert!(!shown.contains("s3cr3t") && !shown.contains("eyJ"), "{shown}");
}

/// What of the exchange is wrong.
type Change<'c> = &'c dyn Fn(&mut Federation);

#[test]
fn who_is_not_trusted_gets_no_token() {
    let other = Project::with([]);
    let elsewhere = other.path("");
    let exchange = "Acquire_Federated_Token: a token, got 401";
    let cases: [(&str, Change<'_>, Fault, &str); 5] = [
        (
            "another issuer",
            &|federation| {
                if let TokenIssuer::StandIn { folder, .. } = &mut federation.issuer {
                    folder.clone_from(&elsewhere);
                }
            },
            HONEST,
            exchange,
        ),
        ("another audience", &|federation| federation.application_id = "x".to_owned(), HONEST, exchange),
        ("another client", &|federation| federation.client_id = "x".to_owned(), HONEST, exchange),
        (
            "no token in the answer",
            &|_| {},
            Fault { response: nameless, ..HONEST },
            "Acquire_Federated_Token: a token, got 200 without an access_token",
        ),
        ("an endpoint that is none", &|it| it.token_endpoint.push('s'), HONEST, "a token, got 401"),
    ];
    for (what, change, fault, words) in cases {
        let (tested, report) = asked(fault, &["A22"], |_, federation| change(federation));
        assert_eq!(verdicts(&tested[0]), (Grade::Failed, Word::Failed), "{what}: {}", told(&tested[0]));
        assert!(told(&tested[0]).contains(words), "{what}: {}", told(&tested[0]));
        assert_eq!(report.overall_as_run(), "Failed", "{what}");
    }
    // A token that opens nothing is a remark: the suite does not use it.
    let shut = Fault {
        response: |request, response| {
            if request.header("Authorization").is_some_and(|it| it != "Bearer static") {
                response.status = 403;
            }
        },
        ..HONEST
    };
    let (tested, _) = asked(shut, &["A22"], |_, _| {});
    assert_eq!(verdicts(&tested[0]), (Grade::Tolerated, Word::Passed), "{}", told(&tested[0]));
}

fn nameless(request: &Request, response: &mut Response) {
    if request.url.ends_with("/token") {
        response.body = b"{}".to_vec();
    }
}

#[test]
fn entra_itself_may_be_asked_for_the_first_token_and_google_is_not() {
    // What Entra is asked, in the suite's words; here it says no.
    let entra = serve_app(
        AppOptions { base_path: "/scim".to_owned(), ..AppOptions::default() },
        Fault {
            response: |request, response| {
                let form = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
                let is_right = form.starts_with("grant_type=client_credentials&client_id=")
                    && form.contains("&client_secret=entra-s3cr3t&scope=api%3A%2F%2F")
                    && form.ends_with("%2F.default");
                response.status = if is_right { 403 } else { 400 };
            },
            ..HONEST
        },
    );
    let (tested, _) = asked(HONEST, &["A22"], |_, federation| {
        let secret = "entra-s3cr3t".to_owned().into();
        federation.issuer = TokenIssuer::Entra { token_endpoint: format!("{entra}/token"), secret };
    });
    assert_eq!(verdicts(&tested[0]), (Grade::Failed, Word::Failed));
    assert!(told(&tested[0]).starts_with("Acquire_Entra_Token: a token, got 403"), "{}", told(&tested[0]));
    // A token of it is exchanged as the stand-in's is: one that the app does not know is refused there.
    let entra = serve_app(
        AppOptions { base_path: "/scim".to_owned(), ..AppOptions::default() },
        Fault {
            response: |_, response| {
                response.status = 200;
                response.body = br#"{"access_token":"e.n.tra"}"#.to_vec();
            },
            ..HONEST
        },
    );
    let (tested, _) = asked(HONEST, &["A22"], |_, federation| {
        let secret = "entra-s3cr3t".to_owned().into();
        federation.issuer = TokenIssuer::Entra { token_endpoint: format!("{entra}/token"), secret };
    });
    assert!(
        told(&tested[0]).starts_with("Acquire_Federated_Token: a token, got 401"),
        "{}",
        told(&tested[0])
    );

    let (tested, _) = asked(HONEST, &["A22"], |_, federation| {
        federation.token_endpoint = "https://sts.googleapis.com/v1/token".to_owned();
    });
    assert_eq!(tested[0].skipped.unwrap().0, "needs-third-party");
}

#[test]
fn the_token_endpoint_knows_a_client_by_a_good_proof_alone() {
    let project = Project::with([]);
    let folder = project.path("");
    let now: Timestamp = SystemClock.now();
    let ask = |app: &mut App, path: &str, headers: &[(&str, &str)], form: &str, now: Timestamp| {
        let method = if form.is_empty() { Method::Get } else { Method::Post };
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Some(form.as_bytes().to_vec()).filter(|body| !body.is_empty());
        let request = Request { method, url: format!("http://app/scim/{path}"), headers, body };
        let response = app.handle(&request, now).response;
        (response.status, serde_json::from_slice::<Value>(&response.body).unwrap_or_default())
    };
    let mut app = App::new(app(&folder));
    let grant = "grant_type=client_credentials";
    let assertion = |at: Timestamp| {
        let issuer = Issuer::kept_in(&folder, TENANT.to_owned(), Box::new(VirtualClock::new(at))).unwrap();
        let token = issuer.assertion(&format!("api://{APPLICATION}"), "principal").token;
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        format!(
            "{grant}&client_id=scim&client_assertion_type={kind}&client_assertion={}",
            token.expose_secret()
        )
    };
    let hours = |count: i64| scimulator::clock::SignedDuration::from_hours(count);
    let mut forged = assertion(now);
    forged.truncate(forged.len() - 4);
    forged.push_str("AAAA");
    // `scim:s3cr3t&` in base64.
    let basic = [("Authorization", "Basic c2NpbTpzM2NyM3Qm")];
    for (what, headers, form, wanted) in [
        ("a secret in the body", &[][..], format!("{grant}&client_id=scim&client_secret=s3cr3t%26"), 200),
        ("a secret in the header", &basic[..], grant.to_owned(), 200),
        ("an assertion", &[][..], assertion(now), 200),
        ("a wrong secret", &[][..], format!("{grant}&client_id=scim&client_secret=s3cr3t"), 401),
        ("no proof", &[][..], format!("{grant}&client_id=scim"), 401),
        ("another client", &[][..], format!("{grant}&client_id=x&client_secret=s3cr3t%26"), 401),
        ("an assertion of yesterday", &[][..], assertion(now - hours(24)), 401),
        ("an assertion of tomorrow", &[][..], assertion(now + hours(24)), 401),
        ("a forged assertion", &[][..], forged, 401),
        ("no assertion", &[][..], format!("{grant}&client_id=scim&client_assertion=x"), 401),
        ("another grant", &[][..], "grant_type=password&client_id=scim".to_owned(), 400),
    ] {
        let (status, said) = ask(&mut app, "token", headers, &form, now);
        assert_eq!(status, wanted, "{what}: {said}");
        assert_eq!(said["access_token"].is_string(), wanted == 200, "{what}: {said}");
    }
    let (_, said) = ask(&mut app, "token", &basic, grant, now);
    let bearer = format!("Bearer {}", said["access_token"].as_str().unwrap());
    let with =
        |token: &str, app: &mut App, at: Timestamp| ask(app, "Users", &[("Authorization", token)], "", at).0;
    assert_eq!((said["token_type"].as_str(), said["expires_in"].as_i64()), (Some("Bearer"), Some(3600)));
    assert_eq!(with(&bearer, &mut app, now), 200);
    assert_eq!(with(&bearer, &mut app, now + hours(1)), 401, "it has expired");
    assert_eq!(with("Bearer static", &mut app, now), 200);
    assert_eq!(with("Bearer x", &mut app, now), 401);
    assert_eq!(ask(&mut app, "Users", &[], "", now).0, 401);
    assert!(Trusted::by_key_set(&serde_json::json!({ "keys": [] }), "x").is_err());
}

#[test]
fn the_commands_meet_by_a_key_set() {
    let project = Project::with([]);
    let preflight = |url: &str, more: &[&str]| {
        let endpoint = format!("{url}/token");
        let output = project
            .scimulator(["preflight", url, "--test", "A22", "--token-env", "TOKEN"])
            .args(["--federated-token-endpoint", &endpoint, "--federated-client-id", "scim"])
            .args(["--federated-application-id", APPLICATION, "--federated-tenant-id", TENANT])
            .args(more)
            .env("TOKEN", "static")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said.into_owned())
    };
    let keys = ["--federated-issuer", "keys"];
    let (code, said) = preflight("http://127.0.0.1:1/scim", &keys);
    assert_eq!(code, Some(3), "{said}");
    let set = project.path("keys/issuer.jwks.json");
    let audience = format!("api://{APPLICATION}");
    let arguments = ["--token", "static", "--client-id", "scim", "--trust", set.to_str().unwrap()];
    let target = Target::start(&[&arguments[..], &["--trust-audience", &audience]].concat());
    let (code, said) = preflight(&target.url(), &keys);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("passed") && said.contains("a stand-in for Entra"), "{said}");
    let (code, said) = preflight(&target.url(), &["--federated-issuer", "others"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Acquire_Federated_Token"), "{said}");
    let (code, said) = preflight(&target.url(), &[]);
    assert_eq!((code, said.contains("--federated-issuer FOLDER")), (Some(2), true), "{said}");
}
