//! A job as the engine sees it: everything that configuration, profile and fidelity switches come to.

use std::collections::BTreeMap;

use super::escrow::RetryPolicy;
use crate::clock::SignedDuration;
use crate::directory::object::ObjectKind;
use crate::expression::{AppRole, Switches};
use crate::mapping::ObjectMapping;
use crate::scim::style::Style;
use crate::scope::ScopeMode;

/// One job.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Its name in the configuration.
    pub name: String,
    /// Its id: `scim.<tenant>.<guid>`.
    pub id: String,
    /// The tenant's id.
    pub tenant_id: String,
    /// What ids and random values derive from.
    pub seed: u64,
    /// The tenant URL without flags and trailing slash; resource paths are appended after a slash.
    pub base_url: String,
    /// Which principals it considers.
    pub scope: ScopeMode,
    /// The mapping of users.
    pub users: ObjectMapping,
    /// The mapping of groups.
    pub groups: ObjectMapping,
    /// App roles by value.
    pub roles: BTreeMap<String, AppRole>,
    /// The switches that shape bytes.
    pub style: Style,
    /// The switches of the expression language.
    pub expressions: Switches,
    /// The switches that shape behaviour.
    pub rules: Rules,
    /// From the start of one cycle to the start of the next.
    pub interval: SignedDuration,
    /// Fingerprint of mappings and filters; when it changes the next cycle is an initial one.
    pub definition: String,
    /// Name of the target system in log entries (`engine.md 11`).
    pub target_system: String,
    /// What the log calls the application.
    pub application: String,
}

impl JobSpec {
    /// The mapping of a kind.
    pub fn mapping(&self, kind: ObjectKind) -> &ObjectMapping {
        match kind {
            ObjectKind::User => &self.users,
            ObjectKind::Group => &self.groups,
        }
    }
}

/// The switches that shape what a job does rather than how it writes it. Names and citations are in
/// `docs/configuration.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What is probed when a cycle starts.
    pub probe: Probe,
    /// What a 404 on a linked id leads to.
    pub on_missing: OnMissing,
    /// Whether a 429 with Retry-After is waited out (at most [`RETRY_AFTER_MAX`]) and repeated.
    pub retry_after: bool,
    /// Whether a 409 on create is followed by another look-up in the same attempt.
    pub requery_on_conflict: bool,
    /// So many exchanges in a row without a connection are a global failure.
    pub outage_after: u32,
    /// `SkipOutOfScopeDeletions`.
    pub skip_out_of_scope: bool,
    /// Whether that flag covers disabled and soft-deleted objects too.
    pub covers_soft_delete: bool,
    /// The connector can disable.
    pub soft_delete_supported: bool,
    /// DELETE instead of nothing when no mapping reads `IsSoftDeleted`.
    pub delete_when_unmapped: bool,
    /// Whether an interrupted create is looked up before anything else (design, law 4).
    pub intent_recovery: bool,
    /// Objects worked on at once.
    pub workers: usize,
    /// When a failed object is tried again.
    pub retry: RetryPolicy,
    /// The `Accept` header; `None` sends none.
    pub accept: Option<String>,
    /// The `User-Agent` header; `None` sends none.
    pub user_agent: Option<String>,
    /// How long a user stays in the recycle bin.
    pub soft_delete_retention: SignedDuration,
}

/// No Retry-After is waited out for longer (README of the sheets, 429 and Retry-After).
pub const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_mins(10);

/// What a cycle's first requests ask for (`wire.md 13` #9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// A user and, while the group mapping is on, a group that nothing is called.
    Both,
    /// A user only.
    Users,
    /// Nothing.
    Off,
}

/// What to do when a linked account is gone (`wire.md 13` #3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// Look it up again; create it when nothing is found.
    Rematch,
    /// Fail the object with `InvalidAnchor`.
    InvalidAnchor,
}
