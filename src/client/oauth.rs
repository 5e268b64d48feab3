//! OAuth 2.0 (`wire.md 1.3`): the token request of each grant, what its answer means, and the token while it lasts.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{self, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::authorize::BearerToken;
use super::jwt::{Issued, Issuer, RefreshToken};
use super::{Answered, Network, Redactor};
use crate::clock::{WireClock, WireInstant};
use crate::http::{Method, Request, TransportError};
use crate::scim::style::CredentialLocation;

/// How long before its end a token is given up at the latest, so that none expires on its way. A token that lives
/// shorter than twice that is given up at half its life.
const RENEWED_BEFORE_END: Duration = Duration::from_mins(1);

/// How much of a token endpoint's own words goes into an error text, in characters.
const DETAIL_CHARS_MAX: usize = 200;

/// The members of a token answer that are secrets (RFC 6749 5.1, `OpenID` Connect 3.1.3.3).
const SECRET_MEMBERS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// The type of a client assertion that is a JWT (RFC 7523 2.2).
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a job says to get a token.
#[derive(Debug)]
pub struct TokenClient {
    /// Where tokens are had.
    pub token_endpoint: Url,
    /// `client_id`.
    pub client_id: String,
    /// `scope`; `None` leaves it out.
    pub scope: Option<String>,
    /// How the client shows that a token is due to it.
    pub grant: Grant,
}

/// How a client shows that a token is due to it.
#[derive(Debug)]
pub enum Grant {
    /// By its secret: client credentials.
    Secret(ClientSecret),
    /// By its secret, and by the refresh token that came of an authorization code.
    Refresh(ClientSecret, sync::Mutex<RefreshToken>),
    /// By a signed assertion: workload identity federation.
    Assertion {
        /// Who signs it.
        issuer: Box<Issuer>,
        /// `aud`.
        audience: String,
        /// `sub`.
        subject: String,
    },
}

/// A client's secret.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    /// `client_secret`.
    pub secret: SecretString,
    /// Where it and the client id stand in the request.
    pub location: CredentialLocation,
}

impl TokenClient {
    /// The token request: a form. A client secret stands in the header or in the form, never in both (W-011, W-012).
    /// What is made for this request and is a secret is made known to `redactor`.
    pub fn request(&self, redactor: &Redactor) -> Request {
        let mut headers = vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let mut form = form_urlencoded::Serializer::new(String::new());
        match &self.grant {
            Grant::Secret(secret) => {
                form.append_pair("grant_type", "client_credentials");
                self.put_secret(secret, &mut headers, &mut form);
            }
            Grant::Refresh(secret, token) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", locked(token).current().expose_secret());
                self.put_secret(secret, &mut headers, &mut form);
            }
            Grant::Assertion { issuer, audience, subject } => {
                let Issued { token, .. } = issuer.assertion(audience, subject);
                redactor.learn(token.clone());
                form.append_pair("grant_type", "client_credentials");
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", token.expose_secret());
            }
        }
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        Request {
            method: Method::Post,
            url: self.token_endpoint.to_string(),
            headers,
            body: Some(form.finish().into_bytes()),
        }
    }

    fn put_secret(
        &self,
        ClientSecret { secret, location }: &ClientSecret,
        headers: &mut Vec<(String, String)>,
        form: &mut form_urlencoded::Serializer<'_, String>,
    ) {
        match location {
            CredentialLocation::Header => {
                headers.insert(0, ("Authorization".to_owned(), format!("Basic {}", self.basic(secret))));
            }
            CredentialLocation::Body => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret.expose_secret());
            }
        }
    }

    /// What a [`Redactor`] has to mask from the beginning: each secret, and the forms that a header or form gives it.
    pub fn secrets(&self) -> Vec<SecretString> {
        let mut secrets = Vec::new();
        match &self.grant {
            Grant::Secret(ClientSecret { secret, .. }) | Grant::Refresh(ClientSecret { secret, .. }, _) => {
                secrets.extend(spoken(secret));
                secrets.push(SecretString::from(self.basic(secret)));
            }
            Grant::Assertion { .. } => {}
        }
        if let Grant::Refresh(_, token) = &self.grant {
            secrets.extend(spoken(locked(token).current()));
        }
        secrets
    }

    /// `base64(id:secret)`, both as they are (`wire.md 1.3`; RFC 6749 2.3.1 would have them form-encoded first).
    fn basic(&self, secret: &SecretString) -> String {
        STANDARD.encode(format!("{}:{}", self.client_id, secret.expose_secret()))
    }

    /// Where the client id and secret stand, for a grant that has a secret.
    fn location(&self) -> Option<CredentialLocation> {
        match &self.grant {
            Grant::Secret(secret) | Grant::Refresh(secret, _) => Some(secret.location),
            Grant::Assertion { .. } => None,
        }
    }
}

/// A token and how long it may be used.
#[derive(Debug, Clone)]
struct Kept {
    token: BearerToken,
    /// `None`: the endpoint did not say; until a 401.
    renew_at: Option<WireInstant>,
}

/// The access token of a job: asked for when one is needed, kept until shortly before it expires.
pub struct AccessTokens {
    client: TokenClient,
    clock: WireClock,
    redactor: Redactor,
    kept: Mutex<Option<Kept>>,
}

/// A request for a token and what came of it.
pub type TokenExchange = (Request, Answered);

impl AccessTokens {
    /// No token yet. Every token that comes is made known to `redactor` before anybody else sees it.
    pub fn new(client: TokenClient, clock: WireClock, redactor: Redactor) -> Self {
        Self { client, clock, redactor, kept: Mutex::new(None) }
    }

    /// A cycle begins: a token that came of a refresh token is renewed (W-016); others are kept while they last.
    pub async fn begin_cycle(&self) {
        if matches!(self.client.grant, Grant::Refresh(..)) {
            *self.kept.lock().await = None;
        }
    }

    /// A token that is good for now, and the exchange that brought it, if there had to be one. Of several callers one
    /// asks and the others wait for it. `refused` is a token that a target has just refused: it is not used again.
    pub async fn current(
        &self,
        network: &Network,
        refused: Option<&BearerToken>,
    ) -> (Result<BearerToken, TransportError>, Option<TokenExchange>) {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = &*kept
            && kept.renew_at.is_none_or(|at| self.clock.now() < at)
            && refused.is_none_or(|refused| *refused != kept.token)
        {
            return (Ok(kept.token.clone()), None);
        }
        *kept = None;
        let _turn = self.turn().await;
        let request = self.client.request(&self.redactor);
        let asked = self.clock.now();
        let answered = network.exchange(&request).await;
        let granted = self.granted(&answered);
        if granted.is_ok() {
            self.keep_refresh_token(&answered);
        }
        let token = granted.map(|(token, life)| {
            let renew_at = life
                .and_then(|life| asked.checked_add(life.saturating_sub(RENEWED_BEFORE_END.min(life / 2))));
            *kept = Some(Kept { token: token.clone(), renew_at });
            token
        });
        (token, Some((request, answered)))
    }

    /// Waits until nobody else redeems the refresh token, and takes over the one that they have left. What goes wrong
    /// there is told and keeps no request back: the token that is known may still be good.
    async fn turn(&self) -> Option<std::fs::File> {
        let Grant::Refresh(_, token) = &self.client.grant else { return None };
        let turn = locked(token).turn();
        let turn = match tokio::task::spawn_blocking(turn).await.map_err(io::Error::other).flatten() {
            Ok(turn) => Some(turn),
            Err(error) => {
                tracing::warn!(%error, "other processes can't be kept from the refresh token");
                None
            }
        };
        let mut token = locked(token);
        if let Err(error) = token.read_again() {
            tracing::warn!(%error, "the refresh token that was kept can't be read again");
        }
        for form in spoken(token.current()) {
            self.redactor.learn(form);
        }
        turn
    }

    /// The token in an answer, and its life where that is said.
    fn granted(&self, answered: &Answered) -> Result<(BearerToken, Option<Duration>), TransportError> {
        let endpoint = &self.client.token_endpoint;
        let fail = |refused, what: &str| TransportError::NoToken {
            refused,
            reason: format!("the token endpoint `{endpoint}` {what}"),
        };
        let response = match &answered.outcome {
            Ok(response) => response,
            Err(error) => return Err(fail(false, &format!("could not be asked: {error}"))),
        };
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        for secret in SECRET_MEMBERS.iter().filter_map(|name| body.get(name)?.as_str()) {
            self.redactor.learn(SecretString::from(secret));
        }
        if response.status != 200 {
            let refused = matches!(response.status, 400 | 401 | 403);
            let mut what = format!("answered {}{}", response.status, told(&body));
            // Of the errors of RFC 6749 5.2 the others are about the grant or the client's rights: the endpoint has
            // found the credentials. Who looks for them in the form alone may miss a parameter: `invalid_request`.
            let has_missed = body
                .get("error")
                .and_then(Value::as_str)
                .is_none_or(|error| matches!(error, "invalid_client" | "invalid_request"));
            if let Some(location) = self.client.location()
                && (response.status == 415
                    || (refused && has_missed && location == CredentialLocation::Header))
            {
                let place = location.as_str();
                write!(
                    what,
                    ". Supported CredentialLocationInRequest is required: the client id and secret were sent in the \
                     {place} of a form post (`oauth_credential_location`)"
                )
                .unwrap_or_default();
            }
            return Err(fail(refused, &what));
        }
        let Some(token) = body.get("access_token").and_then(Value::as_str) else {
            return Err(fail(false, "answered 200 without an `access_token`"));
        };
        let kind = body.get("token_type").and_then(Value::as_str).unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(fail(false, &format!("gave a token of type `{}`, not `Bearer`", shortened(kind))));
        }
        let token = BearerToken::try_from(SecretString::from(token))
            .map_err(|error| fail(false, &format!("gave a token that can not be sent: {error}")))?;
        let seconds = match body.get("expires_in") {
            // Some endpoints write the number as a text.
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        Ok((token, seconds.map(Duration::from_secs)))
    }

    /// An endpoint may hand out another refresh token with each access token; the old one is worth nothing then.
    fn keep_refresh_token(&self, answered: &Answered) {
        let Grant::Refresh(_, kept) = &self.client.grant else { return };
        let body = answered.outcome.as_ref().map(|response| response.body.as_slice()).unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(token) = body.get("refresh_token").and_then(Value::as_str).filter(|token| !token.is_empty())
        else {
            return;
        };
        if let Err(error) = locked(kept).replace(SecretString::from(token)) {
            tracing::warn!(%error, "the refresh token that took the place of the configured one can't be kept");
        }
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("client", &self.client).finish_non_exhaustive()
    }
}

fn locked(token: &sync::Mutex<RefreshToken>) -> sync::MutexGuard<'_, RefreshToken> {
    token.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A secret as it is, and as a form has it.
fn spoken(secret: &SecretString) -> [SecretString; 2] {
    let form: String = form_urlencoded::byte_serialize(secret.expose_secret().as_bytes()).collect();
    [secret.clone(), SecretString::from(form)]
}

/// `, invalid_client: unknown client` from an error answer (RFC 6749 5.2); nothing from another body.
fn told(body: &Value) -> String {
    let member = |name| body.get(name).and_then(Value::as_str).map(shortened);
    match (member("error"), member("error_description")) {
        (Some(error), Some(description)) => format!(", {error}: {description}"),
        (Some(text), None) | (None, Some(text)) => format!(", {text}"),
        (None, None) => String::new(),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(DETAIL_CHARS_MAX).collect()
}
