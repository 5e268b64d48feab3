//! OAuth 2.0 client credentials (`wire.md 1.3`): the token request, what its answer means, and the token while it
//! lasts.

use std::fmt::{self, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::authorize::BearerToken;
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

/// What a job says to get a token.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Where tokens are had.
    pub token_endpoint: Url,
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: SecretString,
    /// Where the two stand in the request.
    pub location: CredentialLocation,
}

impl ClientCredentials {
    /// The token request: a form, with the credentials in the header or in the form, never in both (W-011, W-012).
    pub fn request(&self) -> Request {
        let mut headers = vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        match self.location {
            CredentialLocation::Header => {
                headers.insert(0, ("Authorization".to_owned(), format!("Basic {}", self.basic())));
            }
            CredentialLocation::Body => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", self.client_secret.expose_secret());
            }
        }
        Request {
            method: Method::Post,
            url: self.token_endpoint.to_string(),
            headers,
            body: Some(form.finish().into_bytes()),
        }
    }

    /// What a [`Redactor`] has to mask: the secret, and the two forms that a header or form gives it.
    pub fn secrets(&self) -> [SecretString; 3] {
        let form: String =
            form_urlencoded::byte_serialize(self.client_secret.expose_secret().as_bytes()).collect();
        [self.client_secret.clone(), SecretString::from(form), SecretString::from(self.basic())]
    }

    /// `base64(id:secret)`, both as they are (`wire.md 1.3`; RFC 6749 2.3.1 would have them form-encoded first).
    fn basic(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret.expose_secret()))
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
    credentials: ClientCredentials,
    clock: WireClock,
    redactor: Redactor,
    kept: Mutex<Option<Kept>>,
}

/// A request for a token and what came of it.
pub type TokenExchange = (Request, Answered);

impl AccessTokens {
    /// No token yet. Every token that comes is made known to `redactor` before anybody else sees it.
    pub fn new(credentials: ClientCredentials, clock: WireClock, redactor: Redactor) -> Self {
        Self { credentials, clock, redactor, kept: Mutex::new(None) }
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
        let request = self.credentials.request();
        let asked = self.clock.now();
        let answered = network.exchange(&request).await;
        let granted = self.granted(&answered);
        let token = granted.map(|(token, life)| {
            let renew_at = life
                .and_then(|life| asked.checked_add(life.saturating_sub(RENEWED_BEFORE_END.min(life / 2))));
            *kept = Some(Kept { token: token.clone(), renew_at });
            token
        });
        (token, Some((request, answered)))
    }

    /// The token in an answer, and its life where that is said.
    fn granted(&self, answered: &Answered) -> Result<(BearerToken, Option<Duration>), TransportError> {
        let endpoint = &self.credentials.token_endpoint;
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
            if response.status == 415 || (refused && self.credentials.location == CredentialLocation::Header)
            {
                let place = self.credentials.location.as_str();
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
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("credentials", &self.credentials).finish_non_exhaustive()
    }
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
