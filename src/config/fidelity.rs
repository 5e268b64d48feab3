//! Where the public record leaves a question open: one typed choice for each (`wire.md 13`, `engine.md 14`).
//!
//! The defaults are the recommended ones; an [`Edition`] pins them.

use std::num::NonZeroU32;

use jiff::SignedDuration;

pub use super::failures::{
    EscrowSchedule, Failures, InitialThreshold, LimitState, QuarantineSchedule, ShareWindow, StagedName,
};
use super::words::words;
use crate::expression::Switches;
use crate::mapping::check::UnknownAttributes;
pub use crate::scim::style::{
    ActiveStyle, CredentialLocation, EnvelopeOrder, FilterEscape, GroupCreateStyle, ListOnSingle,
    ManagerRemoveStyle, ManagerStyle, OptscimMerge, RolesStyle,
};
use crate::scope::ScopingKeys;
use crate::scope::filter::MultiValued;

words! {
    /// A set of defaults that never changes again, so that an update of this program changes nobody's results.
    pub enum Edition {
        /// The public record as of August 2026.
        E2026_08 = "2026-08",
    }
}

words! {
    /// The dialect of a job (`wire.md 0.3`).
    pub enum DialectChoice {
        /// As Entra chooses: by the app, else by the flags in the tenant URL.
        Auto = "auto",
        /// [`Dialect::Default`](crate::scim::style::Dialect::Default), whatever the flags say.
        Default = "default",
        /// [`Dialect::Optscim`](crate::scim::style::Dialect::Optscim), for a target that no URL can flag.
        Optscim = "optscim",
        /// [`Dialect::Legacy2018`](crate::scim::style::Dialect::Legacy2018).
        Legacy2018 = "legacy2018",
    }
}

words! {
    /// What a 404 on a linked id means (`wire.md 2.6` and `13` question 3, W-077, W-078).
    pub enum OnMissing {
        /// The match query runs again, and a create or a new link follows.
        Rematch = "rematch",
        /// The object fails with `InvalidAnchor`.
        InvalidAnchor = "invalid_anchor",
    }
}

words! {
    /// What is probed at the start of a cycle (`wire.md 1.5` and `13` question 9, W-026, W-030).
    pub enum Probe {
        /// `/Users`, and `/Groups` while the group mapping is on.
        Both = "both",
        /// `/Users` only.
        Users = "users",
        /// Nothing.
        Off = "off",
    }
}

words! {
    /// What a lost scope or a soft delete sends while nothing maps `IsSoftDeleted` (`wire.md 13` question 13, W-149).
    pub enum UnmappedActive {
        /// Nothing, as non-gallery apps have it.
        Nothing = "nothing",
        /// DELETE, as a few gallery connectors have it.
        Delete = "delete",
    }
}

words! {
    /// What becomes of a group that is unassigned or fails its filter (`engine.md 14` C19, E-131).
    pub enum GroupOutOfScope {
        /// DELETE, while Delete is on.
        Delete = "delete",
        /// Nothing is sent.
        Keep = "keep",
    }
}

words! {
    /// What a job without a secret token sends (`wire.md 1.3`, W-010): for apps that are not from the gallery.
    pub enum BlankToken {
        /// A JWT that the tenant issues, for the audience of custom apps.
        Jwt = "jwt",
        /// The same for the older audience, that of the directory itself.
        JwtOldAudience = "jwt_old_audience",
        /// No `Authorization` header.
        None = "none",
    }
}

impl BlankToken {
    /// `aud` of the JWT, where one is sent.
    pub fn audience(self) -> Option<&'static str> {
        match self {
            Self::Jwt => Some("8adf8e6e-67b2-4cf2-a259-e3dc5476c621"),
            Self::JwtOldAudience => Some("00000002-0000-0000-c000-000000000000"),
            Self::None => None,
        }
    }
}

words! {
    /// What ends the access of a Kno2fy user.
    pub enum AccessEnd {
        /// `active` false.
        Disable = "disable",
        /// DELETE, as the tutorial's list of capabilities has it.
        Delete = "delete",
    }
}

/// What to do when a target answers 429 with `Retry-After` (`wire.md 13` question 4, `engine.md 14` C4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Wait as long as asked, at most this long, and repeat the request.
    UpTo(SignedDuration),
    /// The object fails at once.
    Off,
}

/// Headers of the requests (`wire.md 1.4` and `13` question 6, W-022). There is no setting for others (W-019).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// `Accept`.
    pub accept: String,
    /// `User-Agent`; `None` sends none.
    pub user_agent: Option<String>,
}

/// The most workers a job may have. Microsoft asks a target to take 25 requests a second (`wire.md 1.6`); with more
/// workers than this the order of the log costs more than the requests.
pub const WORKERS_MAX: u32 = 64;

/// The most members one PATCH may carry when that is configured. Microsoft publishes no number; the default is 100
/// (`wire.md 6.6`), and this leaves room to try what larger batches do to a target.
pub const MEMBER_BATCH_MAX: u32 = 1000;

/// The most objects a page may have when that is configured: with more, progress would stand still for long.
pub const PAGE_SIZE_MAX: u32 = 1000;

words! {
    /// The status code of a job that was never started (`engine.md 14` C15, `graph-api.md 12` G2; E-003, G-049).
    pub enum FreshJobCode {
        /// `NotConfigured` until there are credentials, then `Paused`.
        NotConfigured = "NotConfigured",
        /// `Paused` from the start.
        Paused = "Paused",
    }
}

words! {
    /// The shape of the answer to a run on demand (`graph-api.md 6.2`, G-084).
    pub enum OnDemandShape {
        /// The key holds the result, the value one object.
        Object = "object",
        /// The key is a constant type name, the value an array of one object.
        Array = "array",
    }
}
/// The most bytes that the credentials of a job and its notification addresses may take together where there is such a
/// limit (`engine.md 3.6`).
pub const CREDENTIAL_BYTES_MAX: usize = 1024;

/// One choice for each open question that concerns this program. `[job.fidelity]` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fidelity {
    /// The edition that the defaults come from.
    pub edition: Edition,
    /// The dialect.
    pub dialect: DialectChoice,
    /// Form of Boolean targets in a PATCH.
    pub active_style: ActiveStyle,
    /// Form of setting a manager.
    pub manager_style: ManagerStyle,
    /// Form of removing a manager.
    pub manager_remove_style: ManagerRemoveStyle,
    /// Meaning of a 404 on a linked id.
    pub on_missing: OnMissing,
    /// Whether and how long `Retry-After` is waited out.
    pub retry_after: RetryAfter,
    /// Whether the time between two cycles varies, from half of the interval to all of it (`engine.md 14` C1, E-048).
    pub interval_jitter: bool,
    /// How long an answer is waited for, in wire time (W-037).
    pub timeout: SignedDuration,
    /// Requests for different objects in flight at once (W-036, E-266), at most [`WORKERS_MAX`]; `None` leaves it to
    /// the driver: four in the service, one everywhere else.
    pub workers: Option<NonZeroU32>,
    /// Headers of the requests.
    pub headers: Headers,
    /// Whether the feature flags stay in the URLs of requests (`wire.md 13` question 7, W-174).
    pub forward_flags: bool,
    /// The most members one PATCH carries (`wire.md 13` question 8, W-163), at most [`MEMBER_BATCH_MAX`].
    pub member_batch: NonZeroU32,
    /// What the probe asks for.
    pub probe: Probe,
    /// Body of a group's create.
    pub group_create_style: GroupCreateStyle,
    /// Whether `"$ref": null` stands in each member entry (`wire.md 13` question 11, W-159).
    pub member_ref_null: bool,
    /// Whether a query for the present value goes before each write of a reference (`wire.md 13` question 12, W-140,
    /// W-165).
    pub reference_precheck: bool,
    /// What is sent while nothing maps `IsSoftDeleted`.
    pub unmapped_active: UnmappedActive,
    /// What ends a Kno2fy user's access.
    pub kno2fy_access_end: AccessEnd,
    /// Form of `primary` in roles.
    pub roles_style: RolesStyle,
    /// Whether a create carries `roles: []` though nothing maps roles (`wire.md 13` question 14, W-089).
    pub roles_always: bool,
    /// Treatment of `"` and `\` in match queries.
    pub filter_escape: FilterEscape,
    /// Whether a 409 on a create is followed by a match query at once (`wire.md 13` question 17, W-101).
    pub requery_on_conflict: bool,
    /// Whether `InvalidDomain` and `LicenseLimitExceeded` are the code of a failure in which the target names them
    /// (`engine.md 11.1`, E-251). When Entra gives them for a generic app is not published; this is inferred.
    pub named_errors: bool,
    /// Whether redirects are followed (`wire.md 13` question 21, W-051).
    pub follow_redirects: bool,
    /// What stands for a secret token that was left blank.
    pub blank_token: BlankToken,
    /// Where the client id and secret stand in a token request.
    pub oauth_credential_location: CredentialLocation,
    /// Whether credentials and notification addresses are held to [`CREDENTIAL_BYTES_MAX`], as the Government cloud has
    /// it (`engine.md 3.6`, E-093).
    pub credential_limit: bool,
    /// Treatment of a list for a single-valued target.
    pub list_on_single: ListOnSingle,
    /// Whether `skip_out_of_scope_deletions` also stops the disable of blocked and soft-deleted users (`engine.md 14`
    /// C7, E-098).
    pub covers_soft_delete: bool,
    /// What becomes of a group that leaves scope.
    pub group_out_of_scope: GroupOutOfScope,
    /// Requests in a row that found no connection before the cycle ends as failed (README of the sheets,
    /// `outage_after`).
    pub outage_after: NonZeroU32,
    /// What becomes of failures: retries, quarantine, the deletion guard.
    pub failures: Failures,
    /// How long the provisioning log and the audit log keep an entry (`engine.md 11.2`, E-261).
    pub log_retention: SignedDuration,
    /// Whether a mail tells that a long quarantine has disabled the job (`engine.md 13`, E-269).
    pub mail_on_disable: bool,
    /// Whether a create whose answer was lost is looked up by the value it carried before anything else is sent.
    /// This safety is ours, not Entra's.
    pub intent_recovery: bool,
    /// What `optscim` merges.
    pub optscim_merge: OptscimMerge,
    /// The first member of a PATCH body.
    pub envelope_order: EnvelopeOrder,
    /// Whether a None mapping fills gaps on update too (`mapping.md` OQ-28, M-003).
    pub none_fills_gaps: bool,
    /// Whether an empty text is a value (`mapping.md` OQ-21, M-020).
    pub empty_flows: bool,
    /// Whether Integer targets get JSON numbers (`mapping.md` OQ-30, M-052).
    pub typed_json_values: bool,
    /// Whether the `work` e-mail of a create is marked as primary unasked (`mapping.md` OQ-29, M-042).
    pub primary_marks: bool,
    /// Whether a null source value clears the target where definition and mapping say so (`mapping.md` OQ-27, M-026).
    pub flow_null_values: bool,
    /// Whether an incremental update writes what a Switch makes of null (`mapping.md` OQ-32, M-025).
    pub switch_null_defect: bool,
    /// Whether losing the last role sends an empty replace (`mapping.md` OQ-15, M-189).
    pub assertive_none: bool,
    /// How expressions evaluate.
    pub expressions: Switches,
    /// Whether the functions of `mapping.md 7.45` are known (OQ-26, M-180).
    pub adjacent_functions: bool,
    /// Whether function names match in any letter case (OQ-33, M-089).
    pub any_function_case: bool,
    /// What an attribute is that the source object does not define (OQ-25, M-098).
    pub unknown_attributes: UnknownAttributes,
    /// Whether a backslash before an ordinary character is dropped (OQ-7, M-092).
    pub drop_lone_backslash: bool,
    /// Whether `SelectUniqueValue` may be used (OQ-24, M-172).
    pub unique_value_outbound: bool,
    /// Whether conditions that the reference calls unsupported are reported (OQ-5, M-106).
    pub strict_conditions: bool,
    /// Whether the patterns of scoping filters ask for the whole value (`engine.md 14` C5, E-075).
    pub regex_anchored: bool,
    /// Whether `&` and `!&` test bits (`engine.md 14` C6, E-081).
    pub bitmask: bool,
    /// How many values of a multi-valued attribute have to satisfy a clause (E-082).
    pub multi_valued_filters: MultiValued,
    /// The names in the details of scoping steps (E-089).
    pub scoping_key_names: ScopingKeys,
    /// The shape of the answer to a run on demand (G-084).
    pub on_demand_shape: OnDemandShape,
    /// The status code of a job that was never started.
    pub fresh_job_code: FreshJobCode,
    /// Whether runs on demand are held to the rate of Graph's call (`engine.md 8`, E-197). Off: a person at a command
    /// line is at the portal, which has no such limit.
    pub on_demand_rate: bool,
    /// How long a new assignment stays unseen on demand, in job time (E-200); `None`: not at all.
    pub assignment_delay: Option<SignedDuration>,
    /// Objects in a page, by which progress is counted (`engine.md 10`, E-215), at most [`PAGE_SIZE_MAX`].
    pub page_size: NonZeroU32,
}

impl Fidelity {
    /// The recommended choices of an edition.
    pub fn of(edition: Edition) -> Self {
        const MEMBER_BATCH: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
        const PAGE_SIZE: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
        const OUTAGE_AFTER: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
        match edition {
            Edition::E2026_08 => Self {
                edition,
                dialect: DialectChoice::Auto,
                active_style: ActiveStyle::String,
                manager_style: ManagerStyle::String,
                manager_remove_style: ManagerRemoveStyle::Dialect,
                on_missing: OnMissing::Rematch,
                retry_after: RetryAfter::UpTo(SignedDuration::from_mins(10)),
                interval_jitter: false,
                timeout: SignedDuration::from_secs(30),
                workers: None,
                headers: Headers { accept: "application/scim+json".to_owned(), user_agent: None },
                forward_flags: false,
                member_batch: MEMBER_BATCH,
                probe: Probe::Both,
                group_create_style: GroupCreateStyle::Dialect,
                member_ref_null: false,
                reference_precheck: false,
                unmapped_active: UnmappedActive::Nothing,
                kno2fy_access_end: AccessEnd::Disable,
                roles_style: RolesStyle::Boolean,
                roles_always: false,
                filter_escape: FilterEscape::Refuse,
                requery_on_conflict: false,
                named_errors: true,
                follow_redirects: false,
                blank_token: BlankToken::Jwt,
                oauth_credential_location: CredentialLocation::Header,
                credential_limit: false,
                list_on_single: ListOnSingle::Error,
                covers_soft_delete: true,
                group_out_of_scope: GroupOutOfScope::Delete,
                outage_after: OUTAGE_AFTER,
                failures: Failures::RECOMMENDED,
                log_retention: SignedDuration::from_hours(30 * 24),
                mail_on_disable: true,
                intent_recovery: true,
                optscim_merge: OptscimMerge::Single,
                envelope_order: EnvelopeOrder::SchemasFirst,
                none_fills_gaps: true,
                empty_flows: false,
                typed_json_values: true,
                primary_marks: true,
                flow_null_values: false,
                switch_null_defect: false,
                assertive_none: false,
                expressions: Switches::default(),
                adjacent_functions: false,
                any_function_case: false,
                unknown_attributes: UnknownAttributes::Error,
                drop_lone_backslash: false,
                unique_value_outbound: false,
                strict_conditions: false,
                regex_anchored: false,
                bitmask: false,
                multi_valued_filters: MultiValued::All,
                scoping_key_names: ScopingKeys::Current,
                on_demand_shape: OnDemandShape::Object,
                fresh_job_code: FreshJobCode::NotConfigured,
                on_demand_rate: false,
                assignment_delay: None,
                page_size: PAGE_SIZE,
            },
        }
    }
}
