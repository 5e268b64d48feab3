//! What stands for a secret token that was left blank, and the grants of OAuth beside client credentials: each as the
//! program sends it, and no secret left behind.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use scimulator::client::Redactor;
use scimulator::client::jwt::RefreshToken;
use scimulator::client::oauth::{AccessTokens, ClientSecret, Grant, TokenClient};
use scimulator::clock::{Clock as _, SignedDuration, SystemClock, Timestamp, VirtualClock, WireClock};
use scimulator::config::fidelity::CredentialLocation;
use scimulator::covers;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::network;
use super::server::{Reply, Server};
use crate::common::Project;

const USERS: &str = "userPrincipalName,displayName\nadele@contoso.com,Adele\n";
const EMPTY: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}"#;
const TENANT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

fn project(server: &Server, access: &str) -> Project {
    let config = format!(
        "[directory]\npath = 'directory'\ntenant_id = '{TENANT}'\n[[job]]\nname = 'app'\nscope = 'all'\ngroups = false\n\
         tenant_url = '{}'\n{access}",
        server.url("/scim")
    );
    Project::with([("scimulator.toml", &config), ("directory/users.csv", USERS)])
}

/// A cycle that provisions Adele; everything that was said and kept, the secret files left out.
fn cycle(project: &Project) -> String {
    let run =
        project.scimulator(["cycle", "-vvv"]).env("SECRET", "s3cr3t").env("REFRESH", "r3fresh").output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
    let logs = project.scimulator(["logs", "--wire", "--format", "json"]).output().unwrap();
    let files = std::fs::read_dir(project.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let kept = files.filter(|path| path.is_file() && path.to_string_lossy().contains("scimulator.db"));
    let kept: String =
        kept.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect();
    said.into_owned()
        + &String::from_utf8(logs.stdout).unwrap()
        + &project.read("state/journal/app.jsonl")
        + &kept
}

/// Answers of a target to a first cycle that creates Adele; it echoes the token it was sent when that is known.
fn target(echo: &str) -> [Reply; 3] {
    let created = format!(r#"{{"id":"u1","userName":"adele@contoso.com","title":"{echo}"}}"#);
    let created = format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{created}", created.len());
    [Reply::ok(EMPTY), Reply::ok(EMPTY), Reply::bytes(&created)]
}

fn bearer(request: &str) -> Option<String> {
    request.lines().find_map(|line| line.strip_prefix("Authorization: Bearer ")).map(str::to_owned)
}

/// The claims of a token, once its signature was verified by the public half of the tenant's key.
fn verified(project: &Project, token: &str) -> Value {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let parsed = |text: &str| serde_json::from_slice::<Value>(&decode(text)).unwrap();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let set: Value = serde_json::from_str(&project.read("state/issuer.jwks.json")).unwrap();
    let header = parsed(header);
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).expect("the key that signed is published");
    assert_eq!((&header["alg"], &key["kty"], &key["crv"]), (&json!("ES256"), &json!("EC"), &json!("P-256")));
    assert!(key.get("d").is_none(), "the private half stays where it is");
    let mut point = vec![4];
    point.extend(decode(key["x"].as_str().unwrap()));
    point.extend(decode(key["y"].as_str().unwrap()));
    let signed = token.rsplit_once('.').unwrap().0.as_bytes();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &decode(signature)).unwrap();
    let claims = parsed(payload);
    let now = SystemClock.now().as_second();
    let at = |name: &str| claims[name].as_i64().unwrap();
    assert!(at("iat") <= now && now - 600 < at("iat") && at("nbf") <= now && now < at("exp"), "{claims}");
    claims
}

fn hold_back(said: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn a_blank_token_sends_a_jwt_of_the_tenant_that_the_target_can_verify() {
    let server = Server::start(target("").into_iter().chain(target("")));
    let project = project(&server, "");
    let said = cycle(&project);
    let sent: Vec<String> = (0..3).map(|_| bearer(server.request().text()).unwrap()).collect();
    assert!(sent.iter().all(|token| *token == sent[0]), "one token while it lasts");
    let claims = verified(&project, &sent[0]);
    assert_eq!(claims["iss"], json!(format!("https://sts.windows.net/{TENANT}/")));
    assert_eq!(claims["aud"], json!("8adf8e6e-67b2-4cf2-a259-e3dc5476c621"));
    assert_eq!(claims["appid"], json!("00000014-0000-0000-c000-000000000000"));
    covers!("W-010");

    hold_back(&said, &[&sent[0], sent[0].rsplit_once('.').unwrap().1]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(project.path("state/issuer.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let set = project.read("state/issuer.jwks.json");
    project.scimulator(["test-connection"]).assert().success();
    verified(&project, &bearer(server.request().text()).unwrap());
    assert_eq!(project.read("state/issuer.jwks.json"), set, "the next run signs with the same key");
}

#[test]
fn a_blank_token_may_name_the_older_audience_or_send_nothing() {
    for (choice, audience) in
        [("jwt_old_audience", Some("00000002-0000-0000-c000-000000000000")), ("none", None)]
    {
        let server = Server::start(target(""));
        let project = project(&server, &format!("[job.fidelity]\nblank_token = '{choice}'\n"));
        cycle(&project);
        let token = bearer(server.request().text());
        assert_eq!(token.is_some(), audience.is_some());
        assert_eq!(project.path("state/issuer.key").exists(), audience.is_some());
        if let Some(token) = token {
            assert_eq!(verified(&project, &token)["aud"], json!(audience));
        }
    }
}

#[test]
fn a_key_file_that_is_none_is_told_and_nothing_is_sent() {
    let server = Server::start(target(""));
    let project = project(&server, "");
    project.write("state/issuer.key", "nothing");
    let run = project.scimulator(["cycle"]).output().unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(said.contains("the issuer.key in the folder of the state can't be used"), "{said}");
    assert!(said.contains("it holds no P-256 key"), "{said}");
    assert!(server.nothing_more());
}

#[test]
fn workload_identity_federation_proves_itself_by_an_assertion_and_no_secret() {
    let granted = Reply::ok(r#"{"access_token":"acc3ss","token_type":"Bearer","expires_in":3600}"#);
    let server = Server::start([granted].into_iter().chain(target("acc3ss")));
    let principal = "0d9f6a1f-6d3e-4b0e-9a0e-d0b5a3d04f0b";
    let project = project(
        &server,
        &format!(
            "oauth = {{ token_endpoint = '{}', client_id = 'app one', workload_app_id = 'w1', scope = 'api://x/.default', \
             principal_id = '{principal}' }}\n",
            server.url("/token")
        ),
    );
    let said = cycle(&project);
    let asked = server.request();
    let (head, form) = asked.text().split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /token HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Content-Type: application/x-www-form-urlencoded"), "{head}");
    assert_eq!(bearer(head), None);
    assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "client_id", "client_assertion_type", "client_assertion", "scope"]);
    let value = |name: &str| pairs.iter().find(|(of, _)| of == name).unwrap().1.clone();
    assert_eq!(value("grant_type"), "client_credentials");
    assert_eq!(value("client_id"), "app one");
    assert_eq!(value("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!(value("scope"), "api://x/.default");
    covers!("W-017");
    let assertion = value("client_assertion");
    let claims = verified(&project, &assertion);
    assert_eq!(claims["iss"], json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0")));
    assert_eq!(claims["aud"], json!("api://w1"));
    assert_eq!(claims["sub"], json!(principal));
    assert_eq!(claims["ver"], json!("2.0"));
    covers!("W-018");
    assert_eq!(bearer(server.request().text()).as_deref(), Some("acc3ss"));
    hold_back(&said, &[&assertion, assertion.rsplit_once('.').unwrap().1, "acc3ss"]);
}

fn refreshing(server: &Server) -> Project {
    project(
        server,
        &format!(
            "oauth = {{ token_endpoint = '{}', client_id = 'app', client_secret = {{ env = 'SECRET' }}, \
             refresh_token = {{ env = 'REFRESH' }} }}\n[job.fidelity]\noauth_credential_location = 'body'\n",
            server.url("/token")
        ),
    )
}

#[test]
fn in_authorization_code_mode_each_cycle_renews_the_token_and_goes_on_with_the_newest_refresh_token() {
    let granted = |token: &str, refresh: &str| {
        Reply::ok(&format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":36000{refresh}}}"#
        ))
    };
    let found = r#"{"id":"u1","userName":"adele@contoso.com","active":true,"displayName":"Adele"}"#;
    let mut replies = vec![granted("acc1", r#","refresh_token":"r3placed""#)];
    replies.extend(target("acc1 r3placed r3fresh"));
    replies.extend([granted("acc2", ""), Reply::ok(EMPTY), Reply::ok(found)]);
    replies.extend([granted("acc3", ""), Reply::ok(EMPTY)]);
    let server = Server::start(replies);
    let project = refreshing(&server);
    let mut said = cycle(&project);
    let form = |refresh: &str| {
        format!("grant_type=refresh_token&refresh_token={refresh}&client_id=app&client_secret=s3cr3t")
    };
    assert!(server.request().text().ends_with(&form("r3fresh")));
    for _ in 0..3 {
        assert_eq!(bearer(server.request().text()).as_deref(), Some("acc1"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(project.path("state/app.refresh-token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    said += &cycle(&project);
    assert!(server.request().text().ends_with(&form("r3placed")), "acc1 had hours to live");
    assert_eq!(bearer(server.request().text()).as_deref(), Some("acc2"));
    hold_back(&said, &["s3cr3t", "r3fresh", "r3placed", "acc1", "acc2"]);

    // Another refresh token in the configuration is another beginning.
    let run =
        project.scimulator(["cycle"]).env("SECRET", "s3cr3t").env("REFRESH", "an0ther").output().unwrap();
    let more = String::from_utf8_lossy(&run.stderr);
    let asked = loop {
        let request = server.request();
        if request.text().starts_with("POST") {
            break request;
        }
    };
    assert!(asked.text().ends_with(&form("an0ther")), "{more}");
}

#[tokio::test]
async fn a_token_of_a_refresh_token_is_renewed_when_a_cycle_begins_and_when_it_is_about_to_expire() {
    let granted = |token: &str| Reply::ok(&format!(r#"{{"access_token":"{token}","expires_in":3600}}"#));
    let server = Server::start(["t1", "t2", "t3"].map(granted));
    let folder = tempfile::tempdir().unwrap();
    let kept = RefreshToken::kept_in(folder.path().join("kept"), SecretString::from("r3fresh")).unwrap();
    let secret = ClientSecret { secret: SecretString::from("s3cr3t"), location: CredentialLocation::Header };
    let client = TokenClient {
        token_endpoint: server.url("/token").parse().unwrap(),
        client_id: "app".to_owned(),
        scope: None,
        grant: Grant::Refresh(secret, Mutex::new(kept)),
    };
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let redactor = Redactor::new(client.secrets());
    let tokens = AccessTokens::new(client, WireClock::following(&clock), redactor);
    let network = network();
    for (cycle_begins, seconds, asks) in
        [(true, 0, true), (false, 3_000, false), (true, 0, true), (false, 3_539, false), (false, 1, true)]
    {
        if cycle_begins {
            tokens.begin_cycle().await;
        }
        clock.advance(SignedDuration::from_secs(seconds));
        let (token, asked) = tokens.current(&network, None).await;
        token.unwrap();
        assert_eq!(asked.is_some(), asks, "{seconds}");
    }
    covers!("W-016");
    assert!(!format!("{tokens:?}").contains("s3cr3t") && !format!("{tokens:?}").contains("r3fresh"));
}

#[tokio::test]
async fn two_who_go_by_one_refresh_token_each_redeem_the_one_that_the_other_has_left() {
    let granted = |number: u32| {
        let body = format!(r#"{{"access_token":"t{number}","refresh_token":"r/{number}"}}"#);
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", body.len());
        Reply::Close(format!("{head}\r\n\r\n{body}").into_bytes())
    };
    let server = Server::start((1..=4).map(granted));
    let folder = tempfile::tempdir().unwrap();
    let redactor = Redactor::new([]);
    // As two processes have it: each has read the file before anything was kept there.
    let [one, other] = [(); 2].map(|()| {
        let kept = RefreshToken::kept_in(folder.path().join("kept"), SecretString::from("r/0")).unwrap();
        let secret =
            ClientSecret { secret: SecretString::from("s3cr3t"), location: CredentialLocation::Header };
        let client = TokenClient {
            token_endpoint: server.url("/token").parse().unwrap(),
            client_id: "app".to_owned(),
            scope: None,
            grant: Grant::Refresh(secret, Mutex::new(kept)),
        };
        AccessTokens::new(client, WireClock::real(), redactor.clone())
    });
    let network = network();
    for tokens in [&one, &other] {
        tokens.current(&network, None).await.0.unwrap();
        tokens.begin_cycle().await;
    }
    let (a, b) = tokio::join!(one.current(&network, None), other.current(&network, None));
    a.0.unwrap();
    b.0.unwrap();
    for wanted in 0..4 {
        let asked = server.request();
        assert!(
            asked.text().ends_with(&format!("&refresh_token=r%2F{wanted}")),
            "{wanted}: {}",
            asked.text()
        );
    }
    assert_eq!(redactor.redact("r/1 r%2F1 r/2 r%2F2"), "**** **** **** ****", "whoever got it");
}

#[test]
fn the_connection_is_shown_under_the_keys_it_is_stored_by_without_its_secrets() {
    let server = Server::start([
        Reply::ok(r#"{"access_token":"acc3ss","expires_in":3600}"#),
        Reply::ok(EMPTY),
        Reply::ok(EMPTY),
    ]);
    let oauth = format!(
        "oauth = {{ token_endpoint = '{}', client_id = 'app', client_secret = {{ value = 's3cr3t' }} }}\n",
        server.url("/token")
    );
    let shown = |access: &str| {
        let project = project(&server, access);
        let run = project.scimulator(["test-connection", "--format", "json"]).output().unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        hold_back(&said, &["s3cr3t", "acc3ss"]);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["connected"], json!(true), "{said}");
        said["credentials"].clone()
    };
    let base = server.url("/scim");
    assert_eq!(
        shown(&oauth),
        json!([
            { "key": "baseAddress", "value": base },
            { "key": "authenticationType", "value": "OAuth2ClientCredentialsGrant" },
            { "key": "oauth2ClientId", "value": "app" },
            { "key": "oauth2ClientSecret", "value": "****" },
            { "key": "oauth2TokenExchangeUri", "value": server.url("/token") },
            { "key": "credentialLocationInRequest", "value": "Header" },
        ])
    );
    assert_eq!(
        shown("token = { value = 's3cr3t' }\n"),
        json!([
            { "key": "baseAddress", "value": base },
            { "key": "secretToken", "value": "****" },
            { "key": "authenticationType", "value": "AuthenticationToken" },
        ])
    );
    covers!("W-015");
}
