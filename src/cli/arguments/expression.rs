//! The arguments of `expression`.

use clap::{Args, Subcommand};

/// Arguments of `expression`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  scimulator expression eval 'ToUpper([surname])' --set surname=Berg\n  \
                        scimulator expression eval 'Switch([department], \"Other\", \"Sales\", \"S\")' --user adele@contoso.com")]
pub struct ExpressionArguments {
    /// What to do with expressions.
    #[command(subcommand)]
    pub command: ExpressionCommand,
}

/// What to do with expressions.
#[derive(Debug, Subcommand)]
pub enum ExpressionCommand {
    /// Evaluate an expression; with -v show how it was read and each step.
    Eval(ExpressionEvalArguments),
}

/// Arguments of `expression eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator expression eval 'Join(\"-\", [givenName], [surname])' --user adele@contoso.com\n  \
                  scimulator expression eval '[otherMails]' --set otherMails=a@x --set otherMails=b@x\n  \
                  scimulator expression eval 'FormatDateTime(Now(), , , \"yyyy\")' --now 2026-03-01T12:00:00Z -v\n\n\
                  An expression that can't be read ends with 2, one that fails for these attributes with 1."
)]
pub struct ExpressionEvalArguments {
    /// The expression.
    #[arg(value_name = "EXPR")]
    pub expression: String,
    /// Take the attributes of this user or group of the directory, as the job's mappings see them.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Set an attribute; a name set several times is a list, an empty value is the empty text.
    #[arg(long, value_name = "ATTR=VALUE", value_parser = parse_assignment)]
    pub set: Vec<Assignment>,
    /// The present moment, as `Now()` gives it.
    #[arg(long, value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,
}

/// `attr=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The attribute's name, not empty.
    pub name: String,
    /// Its value; may hold further `=`.
    pub value: String,
}

/// Reads an [`Assignment`].
pub(super) fn parse_assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Assignment { name: name.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("write `attribute=value`".to_owned()),
    }
}
