//! The arguments of `compatibility`.

use clap::Args;

/// Arguments of `compatibility`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator compatibility http://127.0.0.1:8080/scim --token-env SCIM_TOKEN\n  \
                        scimulator compatibility http://127.0.0.1:8080/scim --markdown > compatibility.md\n\n\
                        Each step is told in the default and in the flagged dialect. It is fine; tolerated, when the end is\n\
                        right but something about it is off; refused, when nothing has changed; corrupted, when the server\n\
                        holds something else than what it was told. What the story made is deleted at its end.\n\
                        Ends with 1 when a step is neither fine nor tolerated."
)]
pub struct CompatibilityArguments {
    /// The server's base URL, the part before `/Users`.
    #[arg(value_name = "URL")]
    pub url: String,
    /// The environment variable with the bearer token.
    #[arg(long, value_name = "NAME")]
    pub token_env: Option<String>,
    /// Let the server be another machine; users and groups are made and deleted there.
    #[arg(long)]
    pub allow_remote: bool,
    /// Print a Markdown table.
    #[arg(long)]
    pub markdown: bool,
}
