//! A job's access to its target, as the program has it: OAuth, a certificate authority of one's own, a proxy.

use scimulator::covers;
use serde_json::Value;

use super::server::{Reply, Server};
use super::tls;
use crate::common::Project;

const USERS: &str = "userPrincipalName,displayName\nadele@contoso.com,Adele\n";
const EMPTY: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}"#;

fn project(job: &str) -> Project {
    let config = format!(
        "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\nscope = 'all'\ngroups = false\n{job}"
    );
    Project::with([("scimulator.toml", &config), ("directory/users.csv", USERS)])
}

fn oauth(server: &Server, more: &str) -> String {
    format!(
        "tenant_url = '{}'\noauth = {{ token_endpoint = '{}', client_id = 'app', client_secret = {{ env = 'SECRET' }} }}\n\
         [job.fidelity]\n{more}",
        server.url("/scim"),
        server.url("/token")
    )
}

fn status(status: u16, body: &str) -> Reply {
    Reply::bytes(&format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

#[test]
fn a_job_with_client_credentials_provisions_and_leaves_no_secret_behind() {
    let token = r#"{"access_token":"acc3ss","token_type":"Bearer","expires_in":3600}"#;
    let created = r#"{"id":"u1","userName":"adele@contoso.com","title":"acc3ss s3cr3t YXBwOnMzY3IzdA=="}"#;
    let server = Server::start([
        Reply::ok(token),
        Reply::ok(EMPTY),
        Reply::ok(EMPTY),
        Reply::bytes(&format!(
            "HTTP/1.1 201 Created\r\nX-Echo: Bearer acc3ss\r\nContent-Length: {}\r\n\r\n{created}",
            created.len()
        )),
    ]);
    let project = project(&oauth(&server, "oauth_credential_location = 'body'"));
    let run = project.scimulator(["cycle", "-vvv"]).env("SECRET", "s3cr3t").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(said.contains("created 1"), "{said}");
    assert!(server.request().text().ends_with("&client_id=app&client_secret=s3cr3t"));
    for _ in 0..3 {
        assert!(server.request().text().contains("\r\nAuthorization: Bearer acc3ss\r\n"));
    }
    covers!("W-013");

    let logs = project.scimulator(["logs", "--wire", "--format", "json"]).output().unwrap();
    let journal = project.read("state/journal/app.jsonl");
    let effects: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        effects[0]["effect"], "1.0.1a",
        "the request for the token stands before the one that needed it"
    );
    assert_eq!(
        effects[0]["request"]["body"]["text"],
        "grant_type=client_credentials&client_id=app&client_secret=****"
    );
    assert_eq!(effects[0]["response"]["body"]["json"]["access_token"], "****");
    assert_eq!(effects[1]["effect"], "1.0.1");
    let database = std::fs::read_dir(project.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<String> = database
        .filter(|path| path.is_file())
        .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
        .collect();
    texts.extend([said.into_owned(), String::from_utf8(logs.stdout).unwrap(), journal]);
    for text in texts {
        for secret in ["acc3ss", "s3cr3t", "YXBwOnMzY3IzdA"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn a_token_endpoint_that_refuses_fails_the_connection_test_with_entras_codes() {
    let refusal = r#"{"error":"invalid_client","error_description":"s3cr3t is wrong"}"#;
    let cases = [
        (status(401, refusal), "CredentialValidationFailure", "answered 401, invalid_client: **** is wrong"),
        (status(415, ""), "CredentialValidationUnavailable", "answered 415"),
        (status(500, ""), "CredentialValidationUnavailable", "answered 500"),
    ];
    for (reply, code, reason) in cases {
        let hinted = !reason.ends_with("500");
        let server = Server::start([reply, Reply::ok(EMPTY)]);
        let project = project(&oauth(&server, ""));
        let run = project.scimulator(["test-connection"]).env("SECRET", "s3cr3t").output().unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        assert_eq!(run.status.code(), Some(3), "{said}");
        assert!(said.contains(&format!("refused: SystemForCrossDomainIdentityManagement{code}\n")), "{said}");
        assert!(said.contains(reason), "{said}");
        assert_eq!(said.contains("Supported CredentialLocationInRequest is required"), hinted, "{said}");
        assert!(said.contains("POST   /token"), "the exchange with the endpoint is shown: {said}");
    }
    covers!("W-014");
}

#[test]
fn a_token_that_is_refused_in_a_cycle_ends_it_and_puts_the_job_into_quarantine() {
    let server = Server::start([status(400, r#"{"error":"invalid_client"}"#)]);
    let project = project(&oauth(&server, "probe = 'off'"));
    let run = project.scimulator(["cycle"]).env("SECRET", "s3cr3t").output().unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(
        said.contains("Unauthorized: The request was not sent: no access token: the token endpoint"),
        "{said}"
    );
    assert!(said.contains("in quarantine (EncounteredQuarantineException)"), "{said}");
}

#[test]
fn a_plan_lists_what_the_target_would_get_and_no_request_for_a_token() {
    let token = r#"{"access_token":"acc3ss","token_type":"Bearer","expires_in":3600}"#;
    let server = Server::start([Reply::ok(token), Reply::ok(EMPTY), Reply::ok(EMPTY)]);
    let project = project(&oauth(&server, ""));
    let run = project.scimulator(["plan", "--format", "json"]).env("SECRET", "s3cr3t").output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(server.request().text().starts_with("POST /token "), "one was sent");
    let planned: Value = serde_json::from_slice(&run.stdout).unwrap();
    let urls: Vec<&Value> = planned["requests"].as_array().unwrap().iter().map(|it| &it["url"]).collect();
    assert_eq!(urls, [&Value::from(server.url("/scim/Users"))]);
}

#[test]
fn a_missing_client_secret_is_told_before_anything_is_sent() {
    let server = Server::start([Reply::ok(EMPTY)]);
    let project = project(&oauth(&server, ""));
    let checked = project.scimulator(["check"]).output().unwrap();
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(
        said.contains("job `app` has no client secret: the environment variable `SECRET` is not set"),
        "{said}"
    );
    let run = project.scimulator(["cycle"]).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    assert!(server.nothing_more());
}

#[test]
fn a_target_with_a_certificate_of_its_own_authority_is_trusted_by_name() {
    for trusted in [true, false] {
        let (port, root, server) = tls::serve_own_authority();
        let ca = if trusted { "ca = 'root.pem'\n" } else { "" };
        let project = project(&format!("tenant_url = 'https://localhost:{port}/scim'\n{ca}"));
        project.write("root.pem", &format!("# ours\n{root}"));
        let run = project.scimulator(["test-connection"]).output().unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        let request = server.join().unwrap().2;
        assert_eq!(request.is_some(), trusted, "{said}");
        assert_eq!(said.contains("TLS handshake failed"), !trusted, "{said}");
    }
}

#[test]
fn a_certificate_file_that_is_none_is_told() {
    let cases = [
        (None, "can not read the certificate file"),
        (Some("nothing"), "holds no certificate in PEM form"),
        (Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"), "is not PEM"),
        (Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "extra root certificate 1"),
    ];
    for (text, wanted) in cases {
        let project = project("tenant_url = 'https://localhost:1/scim'\nca = 'root.pem'\n");
        if let Some(text) = text {
            project.write("root.pem", text);
        }
        let run = project.scimulator(["test-connection"]).output().unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn the_proxy_of_the_environment_is_used_for_targets_elsewhere() {
    let proxy = Server::start([Reply::ok(EMPTY)]);
    let project = project("tenant_url = 'http://scim.example.invalid/scim'\nallow_remote = true\n");
    let run =
        project.scimulator(["test-connection", "-q"]).env("HTTP_PROXY", proxy.url("")).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(
        proxy
            .request()
            .text()
            .starts_with("GET http://scim.example.invalid/scim/Users?filter=userName+eq+%22")
    );
}

/// `wire.md 13` question 21.
#[test]
fn a_redirect_is_followed_only_where_the_job_says_so() {
    for (key, requests, code) in [("", 1, 3), ("follow_redirects = true\n", 2, 0)] {
        let server = Server::start([
            Reply::bytes(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere/Users\r\nContent-Length: 0\r\n\r\n",
            ),
            Reply::ok(EMPTY),
        ]);
        let project = project(&format!("tenant_url = '{}'\n[job.fidelity]\n{key}", server.url("/scim")));
        let run = project.scimulator(["test-connection", "-q"]).output().unwrap();
        assert_eq!(run.status.code(), Some(code), "{run:?}");
        assert!(server.request().text().starts_with("GET /scim/Users?filter="));
        match requests {
            1 => assert!(server.nothing_more()),
            _ => assert!(server.request().text().starts_with("GET /elsewhere/Users HTTP")),
        }
    }
    covers!("W-051");
}
