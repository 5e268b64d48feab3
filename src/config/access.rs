//! How a job's requests are authorized (`wire.md 1.3`), and how that is read.

use toml::Spanned;
use url::Url;

use super::convert::Converter;
use super::fidelity::{BlankToken, CredentialLocation};
use super::raw::{RawOauth, RawToken, Text};
use super::tenant_url::{self, TokenEndpointError};
use super::{Endpoint, JobConfig, TokenSource};
use crate::gallery;

/// How a job's requests are authorized (`wire.md 1.3`).
#[derive(Debug, Clone)]
pub enum Access {
    /// Not at all: for a target that asks for nothing.
    Open,
    /// By a token that the tenant issues for this audience: the secret token was left blank.
    Issued(&'static str),
    /// By a long-lived secret token.
    Token(TokenSource),
    /// By OAuth.
    Oauth(Oauth),
}

/// OAuth, as the fields of the admin center have it.
#[derive(Debug, Clone)]
pub struct Oauth {
    /// Where access tokens are had: `https`, or `http`; allowed as the target is.
    pub token_endpoint: Url,
    /// The client identifier, not empty.
    pub client_id: String,
    /// What is asked for; `None` leaves it to the endpoint.
    pub scope: Option<String>,
    /// How the client shows who it is.
    pub proof: Proof,
}

/// How a client shows a token endpoint who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// By its secret.
    Secret {
        /// Where the client secret is.
        client_secret: TokenSource,
        /// Where the refresh token is that came of an authorization code; `None`: client credentials.
        refresh_token: Option<TokenSource>,
    },
    /// By an assertion that the tenant signs: workload identity federation.
    Federated {
        /// The app id of the workload, not empty.
        workload_app_id: String,
        /// The object id of the provisioning service's principal; `None`: one is derived.
        principal_id: Option<String>,
    },
}

impl Access {
    /// What its secrets are called, and where they are.
    pub fn secrets(&self) -> Vec<(&'static str, &TokenSource)> {
        match self {
            Self::Open | Self::Issued(_) | Self::Oauth(Oauth { proof: Proof::Federated { .. }, .. }) => {
                Vec::new()
            }
            Self::Token(token) => vec![("token", token)],
            Self::Oauth(Oauth { proof: Proof::Secret { client_secret, refresh_token }, .. }) => {
                let refresh_token = refresh_token.as_ref().map(|token| ("refresh token", token));
                [("client secret", client_secret)].into_iter().chain(refresh_token).collect()
            }
        }
    }
}

impl JobConfig {
    /// How the connection is stored in Entra: the keys of its settings and their values, `None` for a secret that is
    /// set (`wire.md 1.3`, W-015). The name of the authorization-code grant is inferred.
    pub fn connection(&self) -> Vec<(&'static str, Option<String>)> {
        let base_address = match &self.endpoint {
            Endpoint::Embedded => "embedded".to_owned(),
            Endpoint::Remote(url) => url.base().to_owned(),
        };
        let mut keys = vec![("baseAddress", Some(base_address))];
        let kind = |kind: &str| ("authenticationType", Some(kind.to_owned()));
        match &self.access {
            Access::Open | Access::Issued(_) => keys.push(kind("AuthenticationToken")),
            Access::Token(_) => keys.extend([("secretToken", None), kind("AuthenticationToken")]),
            Access::Oauth(oauth) => {
                keys.push(kind(match &oauth.proof {
                    Proof::Secret { refresh_token: Some(_), .. } => "OAuth2AuthorizationCodeGrant",
                    Proof::Secret { refresh_token: None, .. } | Proof::Federated { .. } => {
                        "OAuth2ClientCredentialsGrant"
                    }
                }));
                keys.push(("oauth2ClientId", Some(oauth.client_id.clone())));
                if let Proof::Secret { .. } = oauth.proof {
                    keys.push(("oauth2ClientSecret", None));
                }
                keys.push(("oauth2TokenExchangeUri", Some(oauth.token_endpoint.to_string())));
                if let Proof::Secret { .. } = oauth.proof {
                    let location = match self.fidelity.oauth_credential_location {
                        CredentialLocation::Header => "Header",
                        CredentialLocation::Body => "Body",
                    };
                    keys.push(("credentialLocationInRequest", Some(location.to_owned())));
                }
            }
        }
        keys
    }
}

/// What else a job says that its access depends on.
pub(super) struct Surroundings<'a> {
    pub(super) allow_remote: bool,
    pub(super) endpoint: Option<&'a Endpoint>,
    pub(super) app: &'a str,
    pub(super) blank_token: BlankToken,
}

impl Converter<'_> {
    pub(super) fn access(
        &mut self,
        token: Option<RawToken>,
        oauth: Option<Spanned<RawOauth>>,
        around: &Surroundings<'_>,
    ) -> Option<Access> {
        let is_embedded = around.endpoint == Some(&Endpoint::Embedded);
        let Some(oauth) = oauth else {
            return Some(match token {
                Some(token) => Access::Token(self.token(token)?),
                None if is_embedded || !gallery::takes_blank_token(around.app) => Access::Open,
                None => around.blank_token.audience().map_or(Access::Open, Access::Issued),
            });
        };
        let span = oauth.span();
        if token.is_some() {
            self.error(&span, "a job has a `token` or `oauth`, not both", None);
        }
        if is_embedded {
            let help = "leave `oauth` out, or serve the app with `scimulator target` and name its URL";
            self.error(&span, "the embedded app has no use for `oauth`", Some(help.to_owned()));
        }
        let mut raw = oauth.into_inner();
        let token_endpoint =
            raw.token_endpoint.take().and_then(|url| self.token_endpoint(&url, around.allow_remote));
        let client_id = raw.client_id.take().and_then(|id| self.filled(id, "client_id"));
        let scope = raw.scope.take().and_then(|scope| self.filled(scope, "scope"));
        let proof = self.proof(raw, &span, scope.is_some());
        Some(Access::Oauth(Oauth {
            token_endpoint: token_endpoint?,
            client_id: client_id?,
            scope,
            proof: proof?,
        }))
    }

    fn proof(&mut self, raw: RawOauth, span: &std::ops::Range<usize>, has_scope: bool) -> Option<Proof> {
        let RawOauth { client_secret, refresh_token, workload_app_id, principal_id, .. } = raw;
        let Some(workload) = workload_app_id else {
            if let Some(principal) = &principal_id {
                let help = "it is named by the assertion of workload identity federation";
                self.error(
                    &principal.span(),
                    "`principal_id` needs `workload_app_id`",
                    Some(help.to_owned()),
                );
            }
            let Some(client_secret) = client_secret else {
                let help = "write `client_secret = { env = \"NAME\" }`, `{ file = \"PATH\" }` or \
                            `{ value = \"SECRET\" }`; for workload identity federation `workload_app_id`";
                // One of the wrong type was taken out, and reported.
                if !self.has_told_of("`client_secret` must be a table") {
                    self.error(span, "`client_secret` is missing in `oauth`", Some(help.to_owned()));
                }
                return None;
            };
            let client_secret = self.token(client_secret);
            let refresh_token = match refresh_token {
                Some(token) => Some(self.token(token)?),
                None => None,
            };
            return Some(Proof::Secret { client_secret: client_secret?, refresh_token });
        };
        if client_secret.is_some() || refresh_token.is_some() {
            let help = "workload identity federation is there to do without secrets (`wire.md 1.3`)";
            let message = "`workload_app_id` stands in place of `client_secret` and `refresh_token`";
            self.error(&workload.span(), message, Some(help.to_owned()));
        }
        if !has_scope {
            let help = "write for example `scope = \"api://contoso/.default\"`";
            self.error(&workload.span(), "`workload_app_id` needs `scope`", Some(help.to_owned()));
        }
        let principal_id = principal_id.and_then(|id| self.guid(&id));
        Some(Proof::Federated { workload_app_id: self.filled(workload, "workload_app_id")?, principal_id })
    }

    fn filled(&mut self, text: Text, key: &str) -> Option<String> {
        if text.get_ref().trim().is_empty() {
            self.error(&text.span(), format!("`{key}` is empty"), None);
            return None;
        }
        Some(text.into_inner())
    }

    fn token_endpoint(&mut self, text: &Text, allow_remote: bool) -> Option<Url> {
        match tenant_url::token_endpoint(text.get_ref(), allow_remote) {
            Ok(url) => Some(url),
            Err(error) => {
                let help = match &error {
                    TokenEndpointError::Remote(_) => {
                        "it is told the client secret: once you are sure that it is the \
                        right one, set `allow_remote = true` in the job"
                    }
                    TokenEndpointError::Form(_) => {
                        "write for example `https://login.contoso.com/oauth2/token`"
                    }
                };
                self.error(&text.span(), format!("`token_endpoint`: {error}"), Some(help.to_owned()));
                None
            }
        }
    }

    /// That there is exactly one key is checked by the schema.
    pub(super) fn token(&mut self, raw: RawToken) -> Option<TokenSource> {
        match (raw.env, raw.file, raw.value) {
            (Some(name), _, _) => self.token_env(name),
            (None, Some(file), _) => Some(TokenSource::File(self.path(file.get_ref()))),
            (None, None, value) => value.map(TokenSource::Value),
        }
    }

    /// The message does not repeat what was written: it may be the token itself, pasted into the wrong place.
    fn token_env(&mut self, name: Text) -> Option<TokenSource> {
        let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.get_ref().starts_with(starts) && name.get_ref().chars().all(goes_on) {
            return Some(TokenSource::Env(name.into_inner()));
        }
        let help = "write the variable's name; the token itself goes into `value`";
        self.error(&name.span(), "`env` is not the name of an environment variable", Some(help.to_owned()));
        None
    }
}
