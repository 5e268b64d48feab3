//! OAuth client credentials: the token request byte for byte, how long a token is kept, and what a refusal is called.

use std::sync::Arc;

use scimulator::client::oauth::{AccessTokens, ClientSecret, Grant, TokenClient};
use scimulator::client::{Authorization, Redactor};
use scimulator::clock::{SignedDuration, Timestamp, VirtualClock, WireClock};
use scimulator::config::fidelity::CredentialLocation;
use scimulator::covers;
use scimulator::http::TransportError;
use secrecy::SecretString;

use super::server::{Reply, Server};
use super::{get, network};

fn tokens_of(server: &Server, location: CredentialLocation) -> (VirtualClock, Redactor, AccessTokens) {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let client = TokenClient {
        token_endpoint: server.url("/oauth2/token?tenant=a%20b").parse().unwrap(),
        client_id: "app one".to_owned(),
        scope: None,
        grant: Grant::Secret(ClientSecret { secret: SecretString::from("s3cr&t/+="), location }),
    };
    let redactor = Redactor::new(client.secrets());
    let tokens = AccessTokens::new(client, WireClock::following(&clock), redactor.clone());
    (clock, redactor, tokens)
}

fn granted(token: &str, expires_in: &str) -> Reply {
    Reply::ok(&format!(r#"{{"access_token":"{token}","token_type":"bearer"{expires_in}}}"#))
}

fn bearer_of(request: &str) -> Option<&str> {
    request.lines().find_map(|line| line.strip_prefix("Authorization: Bearer "))
}

#[tokio::test]
async fn the_token_request_is_a_form_with_the_credentials_in_header_or_body() {
    // The Basic value is base64 of `app one:s3cr&t/+=`, made with coreutils.
    let cases = [
        (
            CredentialLocation::Header,
            "Authorization: Basic YXBwIG9uZTpzM2NyJnQvKz0=\r\n",
            "grant_type=client_credentials",
        ),
        (
            CredentialLocation::Body,
            "",
            "grant_type=client_credentials&client_id=app+one&client_secret=s3cr%26t%2F%2B%3D",
        ),
    ];
    for (location, authorization, form) in cases {
        let server = Server::start([granted("t1", ""), Reply::ok("{}")]);
        let (_, _, tokens) = tokens_of(&server, location);
        let authorization_mode = Authorization::Oauth(Arc::new(tokens));
        let done = authorization_mode.exchange(&network(), get(&server.url("/scim/Users/1"))).await;
        assert_eq!(done.answered.outcome.unwrap().status, 200);
        assert_eq!(done.before.len(), 1);
        let wanted = format!(
            "POST /oauth2/token?tenant=a%20b HTTP/1.1\r\n{authorization}Accept: application/json\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{form}",
            server.authority(),
            form.len()
        );
        assert_eq!(server.request().text(), wanted);
        assert_eq!(bearer_of(server.request().text()), Some("t1"), "the token is then the bearer");
    }
    covers!("W-011", "W-012");
}

#[tokio::test]
async fn a_token_is_kept_until_a_minute_before_its_end_or_half_its_life() {
    let replies = [
        granted("long", r#","expires_in":3600"#),
        granted("text", r#","expires_in":"100""#),
        granted("none", r#","expires_in":0"#),
        granted("last", ""),
    ];
    let server = Server::start(replies);
    let (clock, _, tokens) = tokens_of(&server, CredentialLocation::Header);
    let network = network();
    let steps = [
        (0, "long", true),
        (3539, "long", false),
        (1, "text", true),
        (49, "text", false),
        (1, "none", true),
        (0, "last", true),
        (1_000_000, "last", false),
    ];
    let mut asked = 0;
    for (seconds, wanted, asks) in steps {
        clock.advance(SignedDuration::from_secs(seconds));
        let (token, exchange) = tokens.current(&network, None).await;
        let mut request = get("http://127.0.0.1/");
        Authorization::Bearer(token.unwrap()).apply(&mut request);
        assert_eq!(request.header("Authorization"), Some(format!("Bearer {wanted}").as_str()));
        assert_eq!(exchange.is_some(), asks, "{wanted}");
        asked += usize::from(asks);
    }
    assert_eq!(asked, 4);
}

#[tokio::test]
async fn many_who_need_a_token_at_once_ask_for_one() {
    let server = Server::start([granted("t1", ""), granted("t2", "")]);
    let (_, _, tokens) = tokens_of(&server, CredentialLocation::Header);
    let network = network();
    let (a, b, c) = tokio::join!(
        tokens.current(&network, None),
        tokens.current(&network, None),
        tokens.current(&network, None)
    );
    assert_eq!([a.1, b.1, c.1].into_iter().flatten().count(), 1);
    assert!(a.0.unwrap() == b.0.unwrap());
    server.request();
    assert!(server.nothing_more());
}

#[tokio::test]
async fn a_kept_token_that_is_refused_is_renewed_and_the_request_repeated_once() {
    let refusal = || Reply::bytes("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let replies = [
        granted("t1", ""),
        Reply::ok("{}"),
        // Revoked: a new token helps.
        refusal(),
        granted("t2", ""),
        Reply::ok("{}"),
        // Refused for good: the new token does not help, and that is the answer.
        refusal(),
        granted("t3", ""),
        refusal(),
        Reply::ok("{}"),
    ];
    let server = Server::start(replies);
    let (_, _, tokens) = tokens_of(&server, CredentialLocation::Header);
    let authorization = Authorization::Oauth(Arc::new(tokens));
    let network = network();
    let mut seen = Vec::new();
    for (status, before) in [(200, 1), (200, 2), (401, 2)] {
        let done = authorization.exchange(&network, get(&server.url("/scim/Users/1"))).await;
        assert_eq!((done.answered.outcome.unwrap().status, done.before.len()), (status, before));
    }
    for _ in 0..8 {
        seen.push(bearer_of(server.request().text()).unwrap_or("asks").to_owned());
    }
    assert_eq!(seen, ["asks", "t1", "t1", "asks", "t2", "t2", "asks", "t3"]);
    assert!(server.nothing_more());
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_not_renewed() {
    let refusal = Reply::bytes("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let server = Server::start([granted("t1", ""), refusal, granted("t2", "")]);
    let (_, _, tokens) = tokens_of(&server, CredentialLocation::Header);
    let done =
        Authorization::Oauth(Arc::new(tokens)).exchange(&network(), get(&server.url("/scim/Users/1"))).await;
    assert_eq!(done.answered.outcome.unwrap().status, 401);
    assert_eq!(done.before.len(), 1);
}

#[tokio::test]
async fn what_a_token_endpoint_does_wrong_is_told_and_no_request_goes_out() {
    let status = |status: &str, body: &str| {
        Reply::bytes(&format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    };
    let refusal = r#"{"error":"invalid_client","error_description":"unknown client"}"#;
    let hint = "Supported CredentialLocationInRequest is required";
    let (header, body) = (CredentialLocation::Header, CredentialLocation::Body);
    let cases = [
        (status("401 U", refusal), header, true, "answered 401, invalid_client: unknown client", true),
        (
            status("400 B", r#"{"error":"invalid_request"}"#),
            header,
            true,
            "answered 400, invalid_request",
            true,
        ),
        (status("400 B", r#"{"error":"invalid_grant"}"#), header, true, "answered 400, invalid_grant", false),
        (status("400 B", r#"{"error":"invalid_scope"}"#), header, true, "answered 400, invalid_scope", false),
        (
            status("403 F", r#"{"error":"unauthorized_client"}"#),
            header,
            true,
            "answered 403, unauthorized_client",
            false,
        ),
        (status("401 U", "<html>"), header, true, "answered 401", true),
        (status("401 U", refusal), body, true, "answered 401, invalid_client: unknown client", false),
        (status("415 U", "<html>"), header, false, "answered 415", true),
        (status("415 U", ""), body, false, "answered 415", true),
        (status("503 S", "later"), header, false, "answered 503", false),
        (status("302 F", ""), header, false, "answered 302", false),
        (Reply::ok("<html>"), header, false, "answered 200 without an `access_token`", false),
        (Reply::ok(r#"{"access_token":7}"#), header, false, "answered 200 without an `access_token`", false),
        (
            Reply::ok(r#"{"access_token":"t","token_type":"mac"}"#),
            header,
            false,
            "gave a token of type `mac`, not `Bearer`",
            false,
        ),
        (Reply::ok(r#"{"access_token":"a\nb"}"#), header, false, "gave a token that can not be sent", false),
        (Reply::Close(Vec::new()), header, false, "could not be asked", false),
    ];
    for (reply, location, is_refusal, wanted, hinted) in cases {
        let server = Server::start([reply, Reply::ok("{}")]);
        let (_, _, tokens) = tokens_of(&server, location);
        let authorization = Authorization::Oauth(Arc::new(tokens));
        let done = authorization.exchange(&network(), get(&server.url("/scim/Users/1"))).await;
        let Err(TransportError::NoToken { refused, reason }) = done.answered.outcome else {
            panic!("{wanted}: {:?}", done.answered)
        };
        assert_eq!(refused, is_refusal, "{reason}");
        let endpoint = server.url("/oauth2/token?tenant=a%20b");
        assert!(reason.starts_with(&format!("the token endpoint `{endpoint}` {wanted}")), "{reason}");
        assert_eq!(reason.contains(hint), hinted, "{reason}");
        assert_eq!(done.before.len(), 1, "the exchange with the endpoint is there to be shown");
        server.request();
        assert!(server.nothing_more(), "{wanted}");
    }
}

#[tokio::test]
async fn every_secret_of_a_token_answer_is_masked_from_then_on() {
    let reply =
        r#"{"access_token":"acc3ss","refresh_token":"r3fresh","id_token":"1d","token_type":"Bearer"}"#;
    let server = Server::start([Reply::ok(reply)]);
    let (_, redactor, tokens) = tokens_of(&server, CredentialLocation::Header);
    let (_, exchange) = tokens.current(&network(), None).await;
    let body = exchange.unwrap().1.outcome.unwrap().body;
    let masked = redactor.redact(std::str::from_utf8(&body).unwrap()).into_owned();
    assert_eq!(
        masked,
        r#"{"access_token":"****","refresh_token":"****","id_token":"****","token_type":"Bearer"}"#
    );
    let forms = "s3cr&t/+= client_secret=s3cr%26t%2F%2B%3D Basic YXBwIG9uZTpzM2NyJnQvKz0=";
    assert_eq!(redactor.redact(forms), "**** client_secret=**** Basic ****");
    assert!(!format!("{tokens:?}").contains("s3cr"), "printing shows no secret");
}
