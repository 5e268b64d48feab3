//! `scimulator.toml` into values that cannot be wrong.
//!
//! [`load`] reports every mistake of the file at once, each with its line and column. The path of a file:
//! text → TOML (all syntax errors) → held against the schema (unknown keys, types, words) → raw types → [`Config`].

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use crate::diagnostic::Diagnostic;
use crate::expression::{AppRole, ParseOptions};
use crate::gallery;
use crate::mapping::check::CheckOptions;
use crate::mapping::source::is_date;
use crate::mapping::template::{Template, TemplateOptions};
use crate::scim::style::Dialect;
pub use crate::scope::ScopeMode;
use crate::scope::filter::FilterOptions;

pub mod duration;
pub mod fidelity;
pub mod schema;
pub mod tenant_url;
pub mod token;
pub mod words;

mod access;
mod convert;
mod failures;
mod language;
mod mail;
mod mask;
mod part;
mod raw;
mod secrets;
pub(crate) mod source;
pub(crate) mod structure;

pub use access::{Access, Oauth, Proof};
pub(crate) use convert::syntax;
use fidelity::{CREDENTIAL_BYTES_MAX, DialectChoice};
pub use fidelity::{Edition, Fidelity};
pub use mail::{Mail, SENDER, Security, Smtp};
pub use mask::{mask_secrets, mask_secrets_of};
pub(crate) use part::{Part, of_part, properties};
pub use source::FILE_BYTES_MAX;
pub use tenant_url::TenantUrl;
pub use token::TokenSource;

/// The name of the configuration file.
pub const FILE_NAME: &str = "scimulator.toml";

/// The most characters of a job's name, which is part of file names and ids.
pub const JOB_NAME_CHARS_MAX: usize = 64;

/// The most requests a second that a limit may allow. Microsoft asks for 25 (`wire.md 1.6`); past this a limit has no
/// effect on one machine, and leaving it out says the same more clearly.
pub const REQUESTS_PER_SECOND_MAX: u32 = 100_000;

/// A configuration file, read and found right.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Where run-time state is kept: `state` beside the file (contract 5).
    pub state_dir: PathBuf,
    /// The source directory.
    pub directory: DirectoryConfig,
    /// The roles the application declares; ids and values are unique.
    pub app_roles: Vec<DeclaredRole>,
    /// How mails leave.
    pub mail: Mail,
    /// The jobs, at least one; names are unique.
    pub jobs: Vec<JobConfig>,
}

/// A role that the application declares.
#[derive(Debug, Clone)]
pub struct DeclaredRole {
    /// Its names.
    pub role: AppRole,
    /// Whether it is switched on. An assignment by a role that is not is a broken record, which entitles to nothing
    /// (`engine.md 3.2`).
    pub enabled: bool,
}

/// The source directory.
#[derive(Debug, Clone)]
pub struct DirectoryConfig {
    /// The folder of its files.
    pub path: PathBuf,
    /// Attributes declared as multi-valued, besides the known ones: their cells are split at `;`.
    pub multi_valued: BTreeSet<String>,
    /// How much may vanish from the files at once.
    pub vanish_limit: VanishLimit,
    /// How long a deleted user stays in the recycle bin, in job time (E-027).
    pub soft_delete_retention: SignedDuration,
    /// The tenant's id, which tokens and ids carry; `None`: one is derived.
    pub tenant_id: Option<String>,
    /// All derived ids come from this number.
    pub seed: u64,
}

/// How many users, groups, memberships or assignments, each counted apart, may vanish from the files at once before
/// the import is held until it is accepted. Ours, apart from Entra's deletion guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VanishLimit {
    /// Share of those there were, in percent, 1 to 100.
    pub share_percent: u8,
    /// Fewer than this may always vanish, whatever their share.
    pub at_least: NonZeroU32,
}

/// One provisioning job.
#[derive(Debug, Clone)]
pub struct JobConfig {
    /// Unique; lower-case letters, digits, `-` and `_`, 1 to [`JOB_NAME_CHARS_MAX`].
    pub name: String,
    /// The app profile, one of [`gallery::names`].
    pub app: String,
    /// The file of a profile of one's own, whose mappings are used in place of the app's.
    pub profile: Option<PathBuf>,
    /// The text of the profile that the embedded app plays: the app's, or one's own where no app is named.
    pub played: String,
    /// The mappings, with the scoping filters: the profile's, with what the job says itself.
    pub mappings: Template,
    /// The target.
    pub endpoint: Endpoint,
    /// How its requests are authorized.
    pub access: Access,
    /// A PEM file of certificates that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// Who is in scope before filters.
    pub scope: ScopeMode,
    /// Whether the target may be another machine; a remote target without it never loads.
    pub allow_remote: bool,
    /// The time between two cycles, in job time (E-048).
    pub interval: SignedDuration,
    /// Whether the group mapping is on.
    pub groups: bool,
    /// `SkipOutOfScopeDeletions`: users that leave the scope stay as they are (E-102).
    pub skip_out_of_scope_deletions: bool,
    /// The most requests in a second of wire time, at most [`REQUESTS_PER_SECOND_MAX`]: as configured, else as the
    /// profile has it; `None` for no limit (W-035).
    pub requests_per_second: Option<NonZeroU32>,
    /// How long the wire journal keeps an exchange, in job time; `None` for ever.
    pub journal_keep: Option<SignedDuration>,
    /// The deletes and disables that one cycle may send; `None` without the guard (E-176).
    pub delete_threshold: Option<u32>,
    /// Who is told of quarantine and of the guard.
    pub notification_email: Option<String>,
    /// Whether that person gets mails (`SyncNotificationSettings.Enabled`, E-271).
    pub notifications: bool,
    /// The open questions, answered.
    pub fidelity: Fidelity,
}

impl JobConfig {
    /// The form of its requests: the one that was chosen, else the one that its profile or app is pinned to, else what
    /// the flags of the tenant URL select (`wire.md 0.3`).
    pub fn dialect(&self) -> Dialect {
        let of_url = || match &self.endpoint {
            Endpoint::Embedded => Dialect::Default,
            Endpoint::Remote(url) => url.dialect(),
        };
        match self.fidelity.dialect {
            DialectChoice::Auto => self.mappings.dialect.unwrap_or_else(of_url),
            DialectChoice::Default => Dialect::Default,
            DialectChoice::Optscim => Dialect::Optscim,
            DialectChoice::Legacy2018 => Dialect::Legacy2018,
        }
    }

    /// Whether the application's accounts can be disabled: as the profile has it, but for the one of which the public
    /// record says both.
    pub fn supports_soft_delete(&self) -> bool {
        let removes =
            self.app == gallery::KNO2FY && self.fidelity.kno2fy_access_end == fidelity::AccessEnd::Delete;
        self.mappings.target_supports_soft_delete && !removes
    }

    /// The bytes that its credentials and notification addresses take together, where that is more than it may store
    /// (`credential_limit`). `secrets` are what [`Access::secrets`] resolve to.
    pub fn excess_credentials(&self, secrets: &[SecretString]) -> Option<usize> {
        let client_id = match &self.access {
            Access::Oauth(oauth) => oauth.client_id.len(),
            Access::Open | Access::Issued(_) | Access::Token(_) => 0,
        };
        let bytes = client_id
            + secrets.iter().map(|secret| secret.expose_secret().len()).sum::<usize>()
            + self.notification_email.as_ref().map_or(0, String::len);
        (self.fidelity.credential_limit && CREDENTIAL_BYTES_MAX < bytes).then_some(bytes)
    }

    /// How mappings and filters of this job are read.
    pub fn reading(&self) -> TemplateOptions<'static> {
        reading(&self.fidelity, self.scope)
    }
}

/// How mappings and filters are read under these choices.
fn reading(fidelity: &Fidelity, scope: ScopeMode) -> TemplateOptions<'static> {
    TemplateOptions {
        parse: ParseOptions {
            known_attributes: None,
            adjacent_functions: fidelity.adjacent_functions,
            any_function_case: fidelity.any_function_case,
            drop_lone_backslash: fidelity.drop_lone_backslash,
        },
        check: CheckOptions {
            unique_value_outbound: fidelity.unique_value_outbound,
            scope_is_all: scope == ScopeMode::All,
            strict_conditions: fidelity.strict_conditions,
            unknown_attributes: fidelity.unknown_attributes,
        },
        filter: FilterOptions {
            regex_anchored: fidelity.regex_anchored,
            bitmask: fidelity.bitmask,
            multi_valued: fidelity.multi_valued_filters,
            is_date: Some(&is_date),
        },
    }
}

/// Where a job's requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The embedded SCIM app, in process.
    Embedded,
    /// A SCIM endpoint.
    Remote(TenantUrl),
}

/// A configuration and what deserves a warning; or everything that is wrong with it, and the warnings too.
pub type Loaded = Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Reads a configuration file.
///
/// Errors: the file can not be read, is larger than [`FILE_BYTES_MAX`], is not UTF-8, is not TOML (then every syntax
/// error is reported, and nothing further in, since what follows a syntax error is guesswork), or says something
/// wrong.
pub fn load(file: &Path) -> Loaded {
    let source = source::Source::read(file, "configuration").map_err(|diagnostic| vec![diagnostic])?;
    convert::load(&source)
}

/// The configuration that governs `start`: [`FILE_NAME`] there or in the nearest folder above.
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
}
