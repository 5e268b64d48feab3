//! The arguments of `preflight`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use crate::preflight::{DOMAIN, RETRIES};

/// Arguments of `preflight`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator preflight http://127.0.0.1:8080/scim --token-env SCIM_TOKEN\n  \
                  scimulator preflight http://127.0.0.1:8080/scim --html preflight.html --junit preflight.xml\n  \
                  scimulator preflight http://127.0.0.1:8080/scim --test Create_User_Test --test B6\n\n\
                  Two verdicts: by the documents, which decides the exit code, and as run, what the official run would say.\n\
                  What the tests made is deleted at their end. It does not replace the official run.\n\
                  Exit code 1: a mandatory test failed; 3: the endpoint is not there or refuses us."
)]
pub struct PreflightArguments {
    /// The tenant URL, the part before `/Users`; a feature flag is for the provisioning job alone.
    #[arg(value_name = "URL")]
    pub url: String,
    /// The environment variable with the bearer token.
    #[arg(long, value_name = "NAME")]
    pub token_env: Option<String>,
    /// Let the endpoint be another machine; users and groups are made, changed and deleted there.
    #[arg(long)]
    pub allow_remote: bool,
    /// Which of the two suites.
    #[arg(long, value_enum, default_value_t = SuiteChoice::All)]
    pub suite: SuiteChoice,
    /// Only this test, by its number or Microsoft's name; may be given several times.
    #[arg(long, value_name = "TEST", conflicts_with = "suite")]
    pub test: Vec<String>,
    /// Where the attributes come from: `default`, `discover` (what /Schemas shows), or the file of an Entra schema.
    #[arg(long, value_name = "SOURCE", default_value = "default")]
    pub attributes: String,
    /// The app has no groups: leave their tests out.
    #[arg(long)]
    pub no_groups: bool,
    /// Give each attribute of a direct update an operation of its own, as a job with `PatchBodyFormat` does.
    #[arg(long)]
    pub verbose_patch: bool,
    /// The domain of test users.
    #[arg(long, value_name = "DOMAIN", default_value = DOMAIN, value_parser = NonEmptyStringValueParser::new())]
    pub domain: String,
    /// The same seed gives the same names and values; without it each run has its own.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How often something that does not hold is looked at again, 200 ms apart.
    #[arg(long, value_name = "N", default_value_t = RETRIES)]
    pub retries: u32,
    /// Where client credentials get a token, for `Validate_Credentials_Test`.
    #[arg(long, value_name = "URL", requires = "client_id", requires = "client_secret_env")]
    pub token_endpoint: Option<String>,
    /// The client.
    #[arg(long, value_name = "ID", requires = "token_endpoint")]
    pub client_id: Option<String>,
    /// The environment variable with its secret.
    #[arg(long, value_name = "NAME", requires = "token_endpoint")]
    pub client_secret_env: Option<String>,
    /// The scope that it asks for.
    #[arg(long, value_name = "SCOPE", requires = "token_endpoint")]
    pub oauth_scope: Option<String>,
    /// Where the app exchanges a token of Entra for one of its own, for `Federated_Identity_Test`.
    #[arg(
        long,
        value_name = "URL",
        requires = "federated_client_id",
        requires = "federated_application_id",
        requires = "federated_tenant_id"
    )]
    pub federated_token_endpoint: Option<String>,
    /// The client that the app knows.
    #[arg(long, value_name = "ID", requires = "federated_token_endpoint")]
    pub federated_client_id: Option<String>,
    /// The application in Entra, for which the token is issued.
    #[arg(long, value_name = "ID", requires = "federated_token_endpoint")]
    pub federated_application_id: Option<String>,
    /// Its tenant.
    #[arg(long, value_name = "ID", requires = "federated_token_endpoint")]
    pub federated_tenant_id: Option<String>,
    /// The environment variable with the application's secret: Entra itself is asked for the token.
    #[arg(
        long,
        value_name = "NAME",
        requires = "federated_token_endpoint",
        conflicts_with = "federated_issuer"
    )]
    pub federated_secret_env: Option<String>,
    /// In place of Entra: the folder of a key that signs the token; `issuer.key` and, for the app, `issuer.jwks.json`
    /// are made there.
    #[arg(long, value_name = "FOLDER", requires = "federated_token_endpoint")]
    pub federated_issuer: Option<PathBuf>,
    /// The `sub` of a token of that issuer; the application when it says nothing.
    #[arg(long, value_name = "ID", requires = "federated_issuer")]
    pub federated_principal_id: Option<String>,
    /// What the app is told as `baseAddress`; the endpoint that is tested when it says nothing.
    #[arg(long, value_name = "URL", requires = "federated_token_endpoint")]
    pub federated_base_address: Option<String>,
    /// Write a `JUnit` report.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write one page that can be sent to a colleague.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// The suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SuiteChoice {
    /// The gallery validation.
    Gallery,
    /// The SCIM Validator.
    Validator,
    /// Both.
    All,
}
