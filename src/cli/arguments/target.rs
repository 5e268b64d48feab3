//! The arguments of `target`.

use std::path::PathBuf;

use clap::Args;

use crate::target::{FaultWord, Preset};

/// Arguments of `target`.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  scimulator target\n  scimulator target --port 8080 --token s3cr3t --base-path /scim/v2\n  \
                  scimulator target --app knowbe4\n  scimulator target --app my-app.toml\n  \
                  scimulator target --fault throttled,retry_after=30s,after=20,times=5 --fault two_matches,path=/Users\n  \
                  scimulator target --fault error,status=503,percent=10 --seed 7\n  \
                  scimulator target --fault limits,of=Slack\n\n\
                  Faults, with their settings: {}. Each may have: method, path (below the base path), after (so many pass first), \
                  times (so many meet it), percent (so many of a hundred, drawn from the seed). The last that fits a request \
                  goes first.", faults()))]
pub struct TargetArguments {
    /// The app to play: one of the gallery, or the file of a profile; it takes what is listed there, and nothing else.
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// The port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// The bearer token that requests must carry; without it every request is let in.
    #[arg(long, value_name = "TOKEN", env = "SCIMULATOR_TARGET_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The app gives this client access tokens, at `/token` beside `/Users`: for a secret, or for an assertion.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The environment variable with the client's secret.
    #[arg(long, value_name = "NAME", requires = "client_id")]
    pub client_secret_env: Option<String>,
    /// Assertions are taken of the issuer with these keys, a JWK Set such as `issuer.jwks.json`.
    #[arg(long, value_name = "FILE", requires = "client_id", requires = "trust_audience")]
    pub trust: Option<PathBuf>,
    /// The `aud` that assertions must have.
    #[arg(long, value_name = "AUDIENCE", requires = "trust")]
    pub trust_audience: Option<String>,
    /// The path before `/Users`.
    #[arg(long, value_name = "PATH", default_value = "/scim")]
    pub base_path: String,
    /// Something that the app does wrong, `NAME[,KEY=VALUE]…`; several times for several.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,
    /// What the draws of faults with `percent` derive from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// The faults, each with what it may be told.
fn faults() -> String {
    let fault = |word: &FaultWord| match (word, word.keys()) {
        (_, []) => word.to_string(),
        (FaultWord::Limits, keys) => {
            let presets: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
            format!("{word} ({}: {})", keys.join(", "), presets.join(", "))
        }
        (_, keys) => format!("{word} ({})", keys.join(", ")),
    };
    FaultWord::ALL.iter().map(fault).collect::<Vec<_>>().join(", ")
}
