//! How a job's requests are authorized: from what its configuration names to secrets, keys and tokens.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;

use super::{Environment, RunError};
use crate::client::jwt::{IssuedTokens, Issuer, KEY_FILE, RefreshToken};
use crate::client::oauth::{AccessTokens, ClientSecret, Grant, TokenClient};
use crate::client::{Authorization, BearerToken, Redactor};
use crate::clock::{SystemClock, WireClock};
use crate::config::{Access, Config, JobConfig, Oauth, Proof};
use crate::engine::drive::Credentials;
use crate::engine::ids;
use crate::store::private_folder;

/// The secrets that a job's configuration names, in its order.
pub(super) fn secrets(job: &JobConfig, environment: Environment<'_>) -> Result<Vec<SecretString>, RunError> {
    let had = |(what, source): (&'static str, &crate::config::TokenSource)| {
        source.resolve(environment).map_err(|source| RunError::Token { job: job.name.clone(), what, source })
    };
    job.access.secrets().into_iter().map(had).collect()
}

/// How the job's requests are authorized, with the secrets that were found for it.
pub(super) fn credentials(
    config: &Config,
    job: &JobConfig,
    tenant_id: &str,
    secrets: Vec<SecretString>,
) -> Result<Credentials, RunError> {
    let mut secrets = secrets.into_iter();
    let (redactor, authorization) = match &job.access {
        Access::Open => (Redactor::new([]), Authorization::None),
        Access::Issued(audience) => {
            let redactor = Redactor::new([]);
            let tokens =
                IssuedTokens::new(issuer(config, tenant_id)?, (*audience).to_owned(), redactor.clone());
            (redactor, Authorization::Issued(Arc::new(tokens)))
        }
        Access::Token(_) => {
            let token = secrets.next().unwrap_or_default();
            let redactor = Redactor::new([token.clone()]);
            let token = BearerToken::try_from(token).map_err(|error| RunError::InvalidToken {
                job: job.name.clone(),
                reason: error.to_string(),
            })?;
            (redactor, Authorization::Bearer(token))
        }
        Access::Oauth(oauth) => {
            let client = client(config, job, tenant_id, oauth, secrets)?;
            let redactor = Redactor::new(client.secrets());
            let tokens = AccessTokens::new(client, WireClock::real(), redactor.clone());
            (redactor, Authorization::Oauth(Arc::new(tokens)))
        }
    };
    Ok(Credentials { authorization, redactor })
}

fn client(
    config: &Config,
    job: &JobConfig,
    tenant_id: &str,
    oauth: &Oauth,
    mut secrets: impl Iterator<Item = SecretString>,
) -> Result<TokenClient, RunError> {
    let grant = match &oauth.proof {
        Proof::Secret { refresh_token, .. } => {
            let secret = ClientSecret {
                secret: secrets.next().unwrap_or_default(),
                location: job.fidelity.oauth_credential_location,
            };
            if refresh_token.is_some() {
                let name = format!("{}.refresh-token", job.name);
                let configured = secrets.next().unwrap_or_default();
                let kept = private_folder(&config.state_dir)
                    .and_then(|()| RefreshToken::kept_in(config.state_dir.join(&name), configured))
                    .map_err(|source| RunError::Kept { what: name, source })?;
                Grant::Refresh(secret, Mutex::new(kept))
            } else {
                Grant::Secret(secret)
            }
        }
        Proof::Federated { workload_app_id, principal_id } => {
            let derived =
                || ids::derived(config.directory.seed, &["tenant", "provisioning principal"]).to_string();
            Grant::Assertion {
                issuer: Box::new(issuer(config, tenant_id)?),
                audience: format!("api://{workload_app_id}"),
                subject: principal_id.clone().unwrap_or_else(derived),
            }
        }
    };
    Ok(TokenClient {
        token_endpoint: oauth.token_endpoint.clone(),
        client_id: oauth.client_id.clone(),
        scope: oauth.scope.clone(),
        grant,
    })
}

fn issuer(config: &Config, tenant_id: &str) -> Result<Issuer, RunError> {
    private_folder(&config.state_dir)
        .and_then(|()| Issuer::kept_in(&config.state_dir, tenant_id.to_owned(), Box::new(SystemClock)))
        .map_err(|source| RunError::Kept { what: KEY_FILE.to_owned(), source })
}
