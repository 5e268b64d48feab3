//! The faults by their names, and what each may be told.

use std::fmt;

use jiff::SignedDuration;

use super::Preset;
use crate::http::{Method, Request};

/// How far behind stale reads are when nothing else is said.
const LAG: SignedDuration = SignedDuration::from_mins(5);
/// What an app keeps in capitals when nothing else is said.
const REWRITTEN: &str = "displayName";

/// A fault that requests meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens.
    Down,
    /// The credentials are refused: 401.
    Unauthorized,
    /// 429.
    Throttled {
        /// What `Retry-After` says; without it there is none.
        retry_after: Option<SignedDuration>,
    },
    /// A refusal of this status, 400 to 599.
    Error {
        /// The status.
        status: u16,
    },
    /// A gateway answers in place of the app.
    Html {
        /// The status, 200 to 599.
        status: u16,
    },
    /// What is asked is done, and the answer is lost.
    LostReply,
    /// What is asked is done, and the answer takes its time.
    Slow {
        /// How long.
        latency: SignedDuration,
    },
    /// A query that finds nothing is answered by 404.
    NotFoundWhenEmpty,
    /// A query that finds something finds one more.
    TwoMatches,
    /// Reads show what there was.
    StaleReads {
        /// So long ago, to a tenth of it.
        lag: SignedDuration,
    },
    /// A PATCH is answered as if it had been done.
    PatchIgnored,
    /// Whoever takes one member out of a group takes out all.
    RemoveWipes,
    /// Answers have another media type than their content.
    WrongContentType,
    /// A text is kept in capitals, whatever was sent.
    Rewrites {
        /// The attribute, with dots for those within others.
        attribute: String,
    },
    /// The published limits of an application.
    Limits {
        /// Which.
        of: Preset,
    },
}

impl Fault {
    /// How long an answer of a slow app takes when nothing else is said: longer than a job waits.
    pub const LATENCY: SignedDuration = SignedDuration::from_secs(31);

    /// Whether it depends on more than the request whether it is met.
    pub(super) fn is_conditional(&self) -> bool {
        matches!(self, Self::Limits { .. } | Self::StaleReads { .. })
    }

    /// Whether a request of this method for this path can meet it.
    pub(super) fn is_for(&self, request: &Request, path: &str) -> bool {
        let is_list = request.method == Method::Get && matches!(path, "/Users" | "/Groups");
        match self {
            Self::Down
            | Self::Unauthorized
            | Self::Throttled { .. }
            | Self::Error { .. }
            | Self::Html { .. }
            | Self::LostReply
            | Self::Slow { .. }
            | Self::WrongContentType
            | Self::Limits { .. } => true,
            Self::NotFoundWhenEmpty | Self::TwoMatches => is_list && request.url.contains("filter="),
            Self::StaleReads { .. } => request.method == Method::Get,
            Self::PatchIgnored => request.method == Method::Patch,
            Self::RemoveWipes => request.method == Method::Patch && path.starts_with("/Groups/"),
            Self::Rewrites { .. } => matches!(request.method, Method::Post | Method::Put | Method::Patch),
        }
    }
}

/// The name of a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultWord {
    /// [`Fault::Down`].
    Down,
    /// [`Fault::Unauthorized`].
    Unauthorized,
    /// [`Fault::Throttled`].
    Throttled,
    /// [`Fault::Error`].
    Error,
    /// [`Fault::Html`].
    Html,
    /// [`Fault::LostReply`].
    LostReply,
    /// [`Fault::Slow`].
    Slow,
    /// [`Fault::NotFoundWhenEmpty`].
    NotFoundWhenEmpty,
    /// [`Fault::TwoMatches`].
    TwoMatches,
    /// [`Fault::StaleReads`].
    StaleReads,
    /// [`Fault::PatchIgnored`].
    PatchIgnored,
    /// [`Fault::RemoveWipes`].
    RemoveWipes,
    /// [`Fault::WrongContentType`].
    WrongContentType,
    /// [`Fault::Rewrites`].
    Rewrites,
    /// [`Fault::Limits`].
    Limits,
}

impl FaultWord {
    /// Every name, in the order in which the documentation lists them.
    pub const ALL: &'static [Self] = &[
        Self::Down,
        Self::Unauthorized,
        Self::Throttled,
        Self::Error,
        Self::Html,
        Self::LostReply,
        Self::Slow,
        Self::NotFoundWhenEmpty,
        Self::TwoMatches,
        Self::StaleReads,
        Self::PatchIgnored,
        Self::RemoveWipes,
        Self::WrongContentType,
        Self::Rewrites,
        Self::Limits,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unauthorized => "unauthorized",
            Self::Throttled => "throttled",
            Self::Error => "error",
            Self::Html => "html",
            Self::LostReply => "lost_reply",
            Self::Slow => "slow",
            Self::NotFoundWhenEmpty => "not_found_when_empty",
            Self::TwoMatches => "two_matches",
            Self::StaleReads => "stale_reads",
            Self::PatchIgnored => "patch_ignored",
            Self::RemoveWipes => "remove_wipes",
            Self::WrongContentType => "wrong_content_type",
            Self::Rewrites => "rewrites",
            Self::Limits => "limits",
        }
    }

    /// The settings that belong to it.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Error | Self::Html => &["status"],
            Self::Throttled => &["retry_after"],
            Self::Slow => &["latency"],
            Self::StaleReads => &["lag"],
            Self::Rewrites => &["attribute"],
            Self::Limits => &["of"],
            Self::Down
            | Self::Unauthorized
            | Self::LostReply
            | Self::NotFoundWhenEmpty
            | Self::TwoMatches
            | Self::PatchIgnored
            | Self::RemoveWipes
            | Self::WrongContentType => &[],
        }
    }

    /// The fault of that name with these settings.
    ///
    /// # Errors
    /// A setting belongs to another fault, is out of range, or one is missing.
    pub fn with(self, settings: Settings) -> Result<Fault, SettingError> {
        if let Some(key) = settings.given().into_iter().find(|key| !self.keys().contains(key)) {
            return Err(SettingError::Foreign { key, fault: self });
        }
        let status = |default, least| match settings.status.unwrap_or(default) {
            status if (least..=599).contains(&status) => Ok(status),
            status => Err(SettingError::Status { status, least }),
        };
        Ok(match self {
            Self::Down => Fault::Down,
            Self::Unauthorized => Fault::Unauthorized,
            Self::Throttled => Fault::Throttled { retry_after: settings.retry_after },
            Self::Error => Fault::Error { status: status(500, 400)? },
            Self::Html => Fault::Html { status: status(502, 200)? },
            Self::LostReply => Fault::LostReply,
            Self::Slow => Fault::Slow { latency: settings.latency.unwrap_or(Fault::LATENCY) },
            Self::NotFoundWhenEmpty => Fault::NotFoundWhenEmpty,
            Self::TwoMatches => Fault::TwoMatches,
            Self::StaleReads => Fault::StaleReads { lag: settings.lag.unwrap_or(LAG) },
            Self::PatchIgnored => Fault::PatchIgnored,
            Self::RemoveWipes => Fault::RemoveWipes,
            Self::WrongContentType => Fault::WrongContentType,
            Self::Rewrites => {
                Fault::Rewrites { attribute: settings.attribute.unwrap_or_else(|| REWRITTEN.to_owned()) }
            }
            Self::Limits => Fault::Limits { of: settings.of.ok_or(SettingError::NoPreset)? },
        })
    }
}

impl fmt::Display for FaultWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a fault may be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The status of `error` (500) and `html` (502).
    pub status: Option<u16>,
    /// What `Retry-After` says of `throttled` (there is none).
    pub retry_after: Option<SignedDuration>,
    /// How long an answer of `slow` takes (31 seconds).
    pub latency: Option<SignedDuration>,
    /// How far behind `stale_reads` are (5 minutes).
    pub lag: Option<SignedDuration>,
    /// What `rewrites` keeps in capitals (`displayName`).
    pub attribute: Option<String>,
    /// Whose `limits`.
    pub of: Option<Preset>,
}

impl Settings {
    /// The names of those that are given.
    fn given(&self) -> Vec<&'static str> {
        [
            ("status", self.status.is_some()),
            ("retry_after", self.retry_after.is_some()),
            ("latency", self.latency.is_some()),
            ("lag", self.lag.is_some()),
            ("attribute", self.attribute.is_some()),
            ("of", self.of.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
    }
}

/// Why there is no such fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The setting is another fault's.
    #[error("`{key}` does not belong to `{fault}`")]
    Foreign {
        /// The setting.
        key: &'static str,
        /// The fault.
        fault: FaultWord,
    },
    /// The status makes no sense.
    #[error("the status is from {least} to 599, not {status}")]
    Status {
        /// As given.
        status: u16,
        /// The least that makes sense.
        least: u16,
    },
    /// Nothing says whose limits.
    #[error("whose limits: `limits` needs `of`")]
    NoPreset,
}
