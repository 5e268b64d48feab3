//! The arguments of `app`.

use clap::{Subcommand, ValueEnum};

/// What to do in the console of the embedded app.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Show what is set.
    #[command(after_help = "Examples:\n  scimulator app show --format json")]
    Show,
    /// Tokens.
    #[command(after_help = "Examples:\n  scimulator app token new > token\n  scimulator app token revoke")]
    Token {
        /// What to do about them.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Say how users get into the app.
    #[command(after_help = "Examples:\n  scimulator app mode other && scimulator app mode scim")]
    Mode {
        /// By SCIM, by the app's other way, or not at all.
        #[arg(value_name = "MODE", value_enum)]
        mode: AppMode,
    },
    /// Rehearse changes: they are answered as done, and nothing changes.
    #[command(after_help = "Examples:\n  scimulator app test-mode on")]
    TestMode {
        /// On or off.
        #[arg(value_name = "STATE", value_enum)]
        state: OnOff,
    },
    /// Show what the changes of the rehearsal would do.
    #[command(after_help = "Examples:\n  scimulator app report --format json")]
    Report,
    /// Give a user one more e-mail address, which SCIM does not know.
    #[command(after_help = "Examples:\n  scimulator app alias ann.hill@contoso.com ann@contoso.com")]
    Alias {
        /// The user's name in the app.
        #[arg(value_name = "USER")]
        user: String,
        /// The address.
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    /// Ask for a sync: the service evaluates everybody at once.
    #[command(after_help = "Examples:\n  scimulator app force-sync")]
    ForceSync,
}

/// What to do about the tokens of the embedded app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum TokenCommand {
    /// Make one and print it, this once. Where an app has one token at a time, the one before it is refused from now on.
    #[command(after_help = "Examples:\n  scimulator app token new > token")]
    New,
    /// Refuse every token.
    #[command(after_help = "Examples:\n  scimulator app token revoke")]
    Revoke,
}

/// How users get into the embedded app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AppMode {
    /// Provisioning is switched off.
    Off,
    /// By SCIM.
    Scim,
    /// By the app's other way.
    Other,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// On.
    On,
    /// Off.
    Off,
}
