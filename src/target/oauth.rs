//! The app's token endpoint: client credentials, by a secret or by an assertion of an issuer that it trusts
//! (`wire.md 1.3`, RFC 6749 4.4, RFC 7523 2.2).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::http::{Request, Response};

/// How long an access token is good: as long as is asked for at least (`preflight.md A21`).
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// How far an issuer's clock may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// First byte of an uncompressed point (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// The one kind of assertion that there is (RFC 7523 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whom the token endpoint gives a token.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    /// The client identifier.
    pub client_id: String,
    /// Its secret; `None` when it has none.
    pub client_secret: Option<String>,
    /// Whose word is taken for who it is; `None` for nobody's.
    pub trusted: Option<Trusted>,
}

/// An issuer whose assertions are taken.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Public keys by their ids.
    keys: BTreeMap<String, Vec<u8>>,
    /// The `aud` that assertions must have.
    audience: String,
}

/// Why no issuer can be trusted by a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key set has no P-256 key with a `kid`")]
pub struct NoKey;

impl Trusted {
    /// Trusts the P-256 keys of a JWK Set (RFC 7517), for assertions with this `aud`.
    ///
    /// # Errors
    /// There is none.
    pub fn by_key_set(set: &Value, audience: &str) -> Result<Self, NoKey> {
        let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(|key| {
            let text = |name: &str| key.get(name).and_then(Value::as_str);
            let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
            let point = [vec![UNCOMPRESSED], coordinate("x")?, coordinate("y")?].concat();
            (text("crv") == Some("P-256")).then_some((text("kid")?.to_owned(), point))
        });
        let keys: BTreeMap<_, _> = keys.collect();
        if keys.is_empty() {
            return Err(NoKey);
        }
        Ok(Self { keys, audience: audience.to_owned() })
    }

    /// Why an assertion is not taken; `None` when it is.
    fn objection(&self, assertion: &str, now: Timestamp) -> Option<&'static str> {
        let parts: Vec<&str> = assertion.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return Some("it is no signed JWT") };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        let parsed = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap_or_default();
        let (header, claims) = (parsed(header), parsed(payload));
        let Some(key) = header.get("kid").and_then(Value::as_str).and_then(|kid| self.keys.get(kid)) else {
            return Some("its key is not known");
        };
        let (signed, _) = assertion.rsplit_once('.')?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        if key.verify(signed.as_bytes(), &decoded(signature)).is_err() {
            return Some("its signature is wrong");
        }
        if claims.get("aud").and_then(Value::as_str) != Some(self.audience.as_str()) {
            return Some("its `aud` is another");
        }
        let at = |name: &str| claims.get(name).and_then(Value::as_i64);
        if at("exp").is_none_or(|end| end <= now.as_second()) {
            return Some("it has expired");
        }
        let is_early = at("nbf").is_some_and(|start| now.as_second() + SKEW.as_secs() < start);
        is_early.then_some("it is not good yet")
    }
}

/// The tokens that were given, with their ends.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<String, Timestamp>);

impl Given {
    /// Whether a token is good.
    pub(super) fn accepts(&self, token: &str, now: Timestamp) -> bool {
        self.0.get(token).is_some_and(|end| now < *end)
    }

    /// What a request for a token comes to.
    pub(super) fn answer(&mut self, endpoint: &TokenEndpoint, request: &Request, now: Timestamp) -> Response {
        let body = request.body.as_deref().unwrap_or_default();
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
            return refused(400, "unsupported_grant_type", "the grant is client_credentials");
        }
        let proof = match proof(endpoint, request, &form, now) {
            Ok(proof) => proof,
            Err(why) => return refused(401, "invalid_client", why),
        };
        self.0.retain(|_, end| now < *end);
        // Nobody can tell it who does not know the proof.
        let seed = format!("{proof} {} {}", now.as_nanosecond(), self.0.len());
        let token = blake3::derive_key("scimulator embedded app access token", seed.as_bytes());
        let token = URL_SAFE_NO_PAD.encode(token);
        self.0.insert(token.clone(), now.saturating_add(LIFE).unwrap_or(Timestamp::MAX));
        said(200, &json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFE.as_secs() }))
    }
}

/// By what a client shows who it is, or why it does not.
fn proof(
    endpoint: &TokenEndpoint,
    request: &Request,
    form: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<String, &'static str> {
    let basic = request.header("Authorization").and_then(|it| it.strip_prefix("Basic ")).and_then(|it| {
        let text = String::from_utf8(STANDARD.decode(it).ok()?).ok()?;
        text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    });
    let (id, secret) = match basic {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (form.get("client_id").cloned(), form.get("client_secret").cloned()),
    };
    if id.as_deref() != Some(endpoint.client_id.as_str()) {
        return Err("the client is not known");
    }
    if let Some(assertion) = form.get("client_assertion") {
        let Some(trusted) = &endpoint.trusted else { return Err("no issuer of assertions is trusted") };
        if form.get("client_assertion_type").map(String::as_str) != Some(ASSERTION_TYPE) {
            return Err("the type of the assertion is not known");
        }
        return trusted.objection(assertion, now).map_or_else(|| Ok(assertion.clone()), Err);
    }
    secret.filter(|secret| endpoint.client_secret.as_ref() == Some(secret)).ok_or("the secret is wrong")
}

fn refused(status: u16, error: &str, why: &str) -> Response {
    said(status, &json!({ "error": error, "error_description": why }))
}

fn said(status: u16, body: &Value) -> Response {
    let headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")];
    Response {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: body.to_string().into_bytes(),
    }
}
