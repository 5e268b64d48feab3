//! `Federated_Identity_Test`: a token of Entra, or of a stand-in, exchanged for one of the app (`preflight.md A22`).

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::PreflightError;
use super::judge::{Check, Weight};
use super::wire::{Said, Wire};
use crate::client::jwt::{Issuer, KEY_FILE, KEY_SET_FILE};
use crate::client::oauth::ASSERTION_TYPE;
use crate::clock::SystemClock;
use crate::scim::member;

/// Whose token endpoints are asked otherwise, which is not done here (`preflight.md 5.3`).
const GOOGLE: &str = "googleapis.com";

/// How the test of workload identity federation gets its tokens.
#[derive(Debug, Clone)]
pub struct Federation {
    /// Where the app exchanges an assertion for a token of its own.
    pub token_endpoint: String,
    /// The client that the app knows.
    pub client_id: String,
    /// The application in Entra for which the token is issued; its audience is `api://` and this.
    pub application_id: String,
    /// What the app is told as `baseAddress`; `None` for the endpoint that is tested.
    pub base_address: Option<String>,
    /// Who issues the first token.
    pub issuer: TokenIssuer,
}

/// Who issues the token that is exchanged.
#[derive(Debug, Clone)]
pub enum TokenIssuer {
    /// Entra, for a secret of the application.
    Entra {
        /// Its token endpoint: `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token`.
        token_endpoint: String,
        /// The secret.
        secret: SecretString,
    },
    /// A stand-in with a key of its own, which the app has to trust.
    StandIn {
        /// The folder of its key, and of the JWK Set to trust; made where there is none.
        folder: PathBuf,
        /// The tenant that it names as the issuer.
        tenant_id: String,
        /// The principal that it names as the subject.
        principal_id: String,
    },
}

impl Federation {
    /// Whether the exchange is one of Google's two, which need Google.
    pub(super) fn is_google(&self) -> bool {
        let url = url::Url::parse(&self.token_endpoint).ok();
        let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
        host.strip_suffix(GOOGLE).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    fn audience(&self) -> String {
        format!("api://{}", self.application_id)
    }

    /// What a person has to know about the first token.
    pub(super) fn warning(&self) -> Option<String> {
        let TokenIssuer::StandIn { folder, .. } = &self.issuer else { return None };
        let keys = folder.join(KEY_SET_FILE);
        Some(format!(
            "the token of Federated_Identity_Test is of a stand-in for Entra, whose keys are in {}; the real suite \
             has one of Entra",
            keys.display()
        ))
    }

    /// The assertion of the stand-in; `None` where Entra is to be asked.
    pub(super) fn stand_in(&self) -> Result<Option<SecretString>, PreflightError> {
        let TokenIssuer::StandIn { folder, tenant_id, principal_id } = &self.issuer else { return Ok(None) };
        let issuer = Issuer::kept_in(folder, tenant_id.clone(), Box::new(SystemClock))
            .map_err(|source| PreflightError::Issuer { file: folder.join(KEY_FILE), source })?;
        Ok(Some(issuer.assertion(&self.audience(), principal_id).token))
    }

    /// The test. The app's token is asked for and, as in the suite, not used by what is asserted; that it opens the
    /// endpoint is looked at beside it.
    pub(super) fn test(&self, wire: &mut Wire, base: &str, stand_in: Option<&SecretString>) -> Vec<Check> {
        let mut checks = Vec::new();
        let assertion = match (stand_in, &self.issuer) {
            (Some(token), _) => token.expose_secret().to_owned(),
            (None, TokenIssuer::StandIn { .. }) => return checks,
            (None, TokenIssuer::Entra { token_endpoint, secret }) => {
                let scope = format!("{}/.default", self.audience());
                wire.learn(secret.clone());
                let said = wire.ask_by_form(
                    token_endpoint,
                    form(&[
                        ("grant_type", "client_credentials"),
                        ("client_id", &self.application_id),
                        ("client_secret", secret.expose_secret()),
                        ("scope", &scope),
                    ]),
                );
                let (check, token) = issued(&said, "Acquire_Entra_Token");
                checks.push(check);
                let Some(token) = token else { return checks };
                token
            }
        };
        wire.learn(assertion.clone().into());
        let said = wire.ask_by_form(
            &self.token_endpoint,
            form(&[
                ("grant_type", "client_credentials"),
                ("client_id", &self.client_id),
                ("client_assertion", &assertion),
                ("client_assertion_type", ASSERTION_TYPE),
                ("baseAddress", self.base_address.as_deref().unwrap_or(base)),
            ]),
        );
        let (check, token) = issued(&said, "Acquire_Federated_Token");
        checks.push(check);
        if let Some(token) = token {
            let read = wire.ask_as(&token, "Users?startIndex=1&count=1");
            checks.push(read.answered("SCIM_Validate_Get_Users", &[200], Weight::Remark));
        }
        checks
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Whether a token was issued, and it.
pub(super) fn issued(said: &Said, action: &str) -> (Check, Option<String>) {
    let token = member(&said.body, "access_token").and_then(Value::as_str);
    let got = match token {
        Some(_) => said.told(),
        None => format!("{} without an access_token", said.told()),
    };
    let token = token.filter(|_| said.is_success()).map(str::to_owned);
    (said.check(action, "a token", got, token.is_some(), Weight::Both), token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_is_told_by_the_host_alone() {
        for (token_endpoint, is_google) in [
            ("https://sts.googleapis.com/v1/token", true),
            ("https://GoogleAPIs.com:443/token", true),
            ("https://app.example/token?for=googleapis.com", false),
            ("https://googleapis.com.app.example/token", false),
            ("https://notgoogleapis.com/token", false),
            ("no URL of googleapis.com", false),
        ] {
            let federation = Federation {
                token_endpoint: token_endpoint.to_owned(),
                client_id: String::new(),
                application_id: String::new(),
                base_address: None,
                issuer: TokenIssuer::Entra { token_endpoint: String::new(), secret: SecretString::default() },
            };
            assert_eq!(federation.is_google(), is_google, "{token_endpoint}");
        }
    }
}
