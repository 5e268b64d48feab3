//! The configuration file as it is written: raw types for deserialization and for the JSON Schema, nothing else.
//! `config.rs` turns them into values that cannot be wrong.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use toml::Spanned;

use super::fidelity::{
    AccessEnd, ActiveStyle, BlankToken, CredentialLocation, DialectChoice, Edition, EnvelopeOrder,
    EscrowSchedule, FilterEscape, FreshJobCode, GroupCreateStyle, GroupOutOfScope, InitialThreshold,
    LimitState, ListOnSingle, MEMBER_BATCH_MAX, ManagerRemoveStyle, ManagerStyle, OnDemandShape, OnMissing,
    OptscimMerge, PAGE_SIZE_MAX, Probe, QuarantineSchedule, RolesStyle, ShareWindow, StagedName,
    UnmappedActive, WORKERS_MAX,
};
use super::language::{
    ComparisonTyping, DiacriticsUnlisted, FunctionCase, ItemOutOfRange, JoinEmpty, NaiveDates,
    ReplaceNoMatch, SplitStyle, UnknownEscape, WordDelimiters,
};
use super::mail::Security;
use super::words::{OneOf, words};
use super::{REQUESTS_PER_SECOND_MAX, ScopeMode};
use crate::directory::object::ObjectKind;
use crate::expression::{
    DateDifference, GroupReplacement, MidRange, NullArguments, NullComparison, RandomImpossible,
    ReplaceOrder, RoleNone, RoleSeveral, RoleText,
};
use crate::mapping::check::UnknownAttributes;
use crate::mapping::written::{WrittenClause, WrittenGroup};
use crate::scope::ScopingKeys;
use crate::scope::filter::{FilterCollection, MultiValued};

/// A text and its place.
pub(super) type Text = Spanned<String>;

/// Configuration of Scimulator, which plays the Microsoft Entra provisioning service against SCIM 2.0 endpoints.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "scimulator.toml")]
pub(super) struct RawConfig {
    /// The source directory.
    #[schemars(required)]
    pub(super) directory: Option<RawDirectory>,
    /// The roles that the application declares; assignments name them by value.
    pub(super) app_role: Option<Vec<RawAppRole>>,
    /// How notifications leave.
    pub(super) mail: Option<RawMail>,
    /// The provisioning jobs.
    #[schemars(required, with = "Vec<RawJob>")]
    pub(super) job: Option<Spanned<Vec<RawJob>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDirectory {
    /// The folder with users.csv, groups.csv and the like, from the configuration file's own folder.
    #[schemars(required, with = "String")]
    pub(super) path: Option<Text>,
    /// Further attributes whose cells are split at `;`.
    #[schemars(with = "Option<Vec<String>>", extend("default" = []))]
    pub(super) multi_valued: Option<Vec<Text>>,
    /// How many users, groups, memberships or assignments may vanish from the files at once before the import is held
    /// until accepted.
    pub(super) vanish_limit: Option<RawVanishLimit>,
    /// How long a deleted user stays in the recycle bin.
    #[schemars(with = "Option<String>", extend("default" = "30d"))]
    pub(super) soft_delete_retention: Option<Text>,
    /// The tenant's id, a GUID, which tokens and ids carry; by default one is derived.
    #[schemars(with = "Option<String>")]
    pub(super) tenant_id: Option<Text>,
    /// All ids that are derived come from this number.
    #[schemars(with = "Option<u64>", range(min = 0, max = i64::MAX), extend("default" = 0))]
    pub(super) seed: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVanishLimit {
    /// The import is held when more than this share of one of them vanished, `"1%"` to `"100%"`, …
    #[schemars(with = "Option<String>", extend("default" = "20%"))]
    pub(super) share: Option<Text>,
    /// … and at least this many.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 20))]
    pub(super) at_least: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAppRole {
    /// The role's id, a GUID.
    #[schemars(required, with = "String")]
    pub(super) id: Option<Text>,
    /// The role's value, by which assignments name it.
    #[schemars(required, with = "String")]
    pub(super) value: Option<Text>,
    /// The role's display name.
    #[serde(rename = "displayName")]
    #[schemars(required, with = "String")]
    pub(super) display_name: Option<Text>,
    /// Whether the role is switched on; who is assigned by one that is not lacks the required role.
    #[schemars(extend("default" = true))]
    pub(super) enabled: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMail {
    /// Who mails come from.
    #[schemars(with = "Option<String>", extend("default" = "azure-noreply@microsoft.com"))]
    pub(super) from: Option<Text>,
    /// Where jobs can be looked at; mails link below it.
    #[schemars(with = "Option<String>")]
    pub(super) link_base: Option<Text>,
    /// The server that sends mails; without one they stay files.
    #[schemars(with = "Option<RawSmtp>")]
    pub(super) smtp: Option<Spanned<RawSmtp>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSmtp {
    /// The mail server's name or address.
    #[schemars(required, with = "String")]
    pub(super) host: Option<Text>,
    /// Its port; by default the usual one of its kind of protection.
    #[schemars(range(min = 1, max = u16::MAX))]
    pub(super) port: Option<u16>,
    /// How the connection is protected.
    #[schemars(with = "Option<OneOf<Security>>", extend("default" = "starttls"))]
    pub(super) security: Option<String>,
    /// The name to log in by, with a password.
    #[schemars(with = "Option<String>")]
    pub(super) username: Option<Text>,
    /// Where the password is.
    pub(super) password: Option<RawToken>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJob {
    /// The job's name: lower-case letters, digits, `-` and `_`, at most 64.
    #[schemars(required, with = "String")]
    pub(super) name: Option<Text>,
    /// The app profile: its mapping, and the behaviour of the embedded app.
    #[schemars(with = "Option<String>", extend("default" = "scim"))]
    pub(super) app: Option<Text>,
    /// A profile of one's own, from the configuration file's own folder: its mappings take the place of the app's; without
    /// `app`, the embedded app plays it too.
    #[schemars(with = "Option<String>")]
    pub(super) profile: Option<Text>,
    /// Scoping filters; those of a kind of object take the place of the profile's.
    pub(super) filter: Option<Vec<RawFilter>>,
    /// The Tenant URL, with `?aadOptscim062020` for the flagged dialect; or `"embedded"` for the embedded app.
    #[schemars(required, with = "String")]
    pub(super) tenant_url: Option<Text>,
    /// Where the secret token is; left out, it is blank, and the tenant issues one (`blank_token`).
    pub(super) token: Option<RawToken>,
    /// OAuth, in place of a token.
    #[schemars(with = "Option<RawOauth>")]
    pub(super) oauth: Option<Spanned<RawOauth>>,
    /// A PEM file of certificates that are trusted besides the system's, from the configuration file's own folder.
    #[schemars(with = "Option<String>")]
    pub(super) ca: Option<Text>,
    /// Whether only assigned users and groups are provisioned, or all.
    #[schemars(with = "Option<OneOf<ScopeMode>>", extend("default" = "assigned"))]
    pub(super) scope: Option<String>,
    /// Whether the target may be another machine.
    #[schemars(extend("default" = false))]
    pub(super) allow_remote: Option<bool>,
    /// The time between two cycles, in job time.
    #[schemars(with = "Option<String>", extend("default" = "40m"))]
    pub(super) interval: Option<Text>,
    /// Whether the group mapping is on.
    #[schemars(extend("default" = true))]
    pub(super) groups: Option<bool>,
    /// Whether users that leave the scope are left as they are in the target.
    #[schemars(extend("default" = false))]
    pub(super) skip_out_of_scope_deletions: Option<bool>,
    /// The deletes and disables that one cycle may send; more are held back and the job is quarantined. Absent for no
    /// guard, as Entra has none until it is switched on.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) delete_threshold: Option<Spanned<u32>>,
    /// Who is told of quarantine and of the deletion guard.
    #[schemars(with = "Option<String>")]
    pub(super) notification_email: Option<Text>,
    /// Settings as Graph has them among a job's secrets.
    pub(super) secrets: Option<RawSecrets>,
    /// Whether that person gets mails.
    #[schemars(extend("default" = true))]
    pub(super) notifications: Option<bool>,
    /// The most requests the job sends in a second of wire time; absent for no limit, as Entra has none.
    #[schemars(range(min = 1, max = REQUESTS_PER_SECOND_MAX))]
    pub(super) requests_per_second: Option<u32>,
    /// How long the wire journal keeps an exchange, or `"forever"`.
    #[schemars(with = "Option<String>", extend("default" = "30d"))]
    pub(super) journal_keep: Option<Text>,
    /// One choice for each question that the public record leaves open.
    pub(super) fidelity: Option<RawFidelity>,
}

/// The texts that Graph's `PUT /secrets` takes, by its names.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct RawSecrets {
    /// `"True"`: everybody is provisioned; the same as `scope`.
    #[schemars(with = "Option<String>")]
    pub(super) sync_all: Option<Text>,
    /// `"True"`: users that leave the scope are left as they are; the same as `skip_out_of_scope_deletions`.
    #[schemars(with = "Option<String>")]
    pub(super) skip_out_of_scope_deletions: Option<Text>,
    /// JSON with who is told, and the deletion guard; the same as `notification_email` and `delete_threshold`.
    #[schemars(with = "Option<String>")]
    pub(super) sync_notification_settings: Option<Text>,
}

words! {
    /// What a filter is for.
    pub(super) enum FilterObject {
        /// Users.
        User = "user",
        /// Groups.
        Group = "group",
    }
}

impl FilterObject {
    /// The same as a kind of object.
    pub(super) fn kind(self) -> ObjectKind {
        match self {
            Self::User => ObjectKind::User,
            Self::Group => ObjectKind::Group,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFilter {
    /// Whom it is about.
    #[schemars(required, with = "OneOf<FilterObject>")]
    pub(super) object: Option<String>,
    /// The filter's title.
    #[schemars(required, with = "String")]
    pub(super) name: Option<Text>,
    /// What happens to an object that stops passing: it is deprovisioned (`scope`), or left as it is.
    #[schemars(with = "Option<OneOf<FilterCollection>>", extend("default" = "scope"))]
    pub(super) kind: Option<Text>,
    /// The conditions, which all have to hold.
    #[schemars(required, with = "Vec<WrittenClause>")]
    pub(super) clauses: Option<Spanned<Vec<WrittenClause>>>,
}

impl RawFilter {
    /// The filter without the kind of object.
    pub(super) fn into_group(self) -> WrittenGroup {
        WrittenGroup { name: self.name, kind: self.kind, clauses: self.clauses }
    }
}

/// Exactly one of the three.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct RawToken {
    /// The name of an environment variable.
    #[schemars(with = "Option<String>")]
    pub(super) env: Option<Text>,
    /// A file, from the configuration file's own folder.
    #[schemars(with = "Option<String>")]
    pub(super) file: Option<Text>,
    /// The token itself.
    #[schemars(with = "Option<String>")]
    pub(super) value: Option<SecretString>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOauth {
    /// Where access tokens are had.
    #[schemars(required, with = "String")]
    pub(super) token_endpoint: Option<Text>,
    /// The client identifier.
    #[schemars(required, with = "String")]
    pub(super) client_id: Option<Text>,
    /// Where the client secret is; absent for workload identity federation.
    pub(super) client_secret: Option<RawToken>,
    /// Where the refresh token is that came of an authorization code; with it, access tokens are had by it.
    pub(super) refresh_token: Option<RawToken>,
    /// The `scope` of a token request.
    #[schemars(with = "Option<String>")]
    pub(super) scope: Option<Text>,
    /// Workload identity federation: the app id of the workload, in place of a client secret.
    #[schemars(with = "Option<String>")]
    pub(super) workload_app_id: Option<Text>,
    /// The object id of the provisioning service's principal, which the assertion names; by default one is derived.
    #[schemars(with = "Option<String>")]
    pub(super) principal_id: Option<Text>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFidelity {
    /// The set of defaults; a later version of the program keeps each edition as it is.
    #[schemars(with = "Option<OneOf<Edition>>", extend("default" = "2026-08"))]
    pub(super) edition: Option<String>,
    /// The dialect, for a job whose app or tenant URL does not select the one that is wanted.
    #[schemars(with = "Option<OneOf<DialectChoice>>", extend("default" = "auto"))]
    pub(super) dialect: Option<String>,
    /// How `active` and other Boolean targets travel in a PATCH of the default dialect.
    #[schemars(with = "Option<OneOf<ActiveStyle>>", extend("default" = "string"))]
    pub(super) active_style: Option<String>,
    /// How a manager is set.
    #[schemars(with = "Option<OneOf<ManagerStyle>>", extend("default" = "string"))]
    pub(super) manager_style: Option<String>,
    /// How a manager is removed.
    #[schemars(with = "Option<OneOf<ManagerRemoveStyle>>", extend("default" = "dialect"))]
    pub(super) manager_remove_style: Option<String>,
    /// What a 404 on a linked id means.
    #[schemars(with = "Option<OneOf<OnMissing>>", extend("default" = "rematch"))]
    pub(super) on_missing: Option<String>,
    /// The longest `Retry-After` that is waited out, or `"off"`.
    #[schemars(with = "Option<String>", extend("default" = "10m"))]
    pub(super) retry_after: Option<Text>,
    /// Whether the time between two cycles varies, from half of the interval to all of it.
    #[schemars(extend("default" = false))]
    pub(super) interval_jitter: Option<bool>,
    /// How long an answer is waited for.
    #[schemars(with = "Option<String>", extend("default" = "30s"))]
    pub(super) timeout: Option<Text>,
    /// Requests for different objects in flight at once; by default four in the service and one everywhere else.
    #[schemars(range(min = 1, max = WORKERS_MAX))]
    pub(super) workers: Option<u32>,
    /// Headers of the requests.
    pub(super) headers: Option<RawHeaders>,
    /// Whether the feature flags stay in the URLs of requests.
    #[schemars(extend("default" = false))]
    pub(super) forward_flags: Option<bool>,
    /// The most members one PATCH carries.
    #[schemars(range(min = 1, max = MEMBER_BATCH_MAX), extend("default" = 100))]
    pub(super) member_batch: Option<u32>,
    /// What is probed at the start of a cycle.
    #[schemars(with = "Option<OneOf<Probe>>", extend("default" = "both"))]
    pub(super) probe: Option<String>,
    /// The body of a group's create.
    #[schemars(with = "Option<OneOf<GroupCreateStyle>>", extend("default" = "dialect"))]
    pub(super) group_create_style: Option<String>,
    /// Whether `"$ref": null` stands in each member entry.
    #[schemars(extend("default" = false))]
    pub(super) member_ref_null: Option<bool>,
    /// Whether a query for the present value goes before each write of a reference.
    #[schemars(extend("default" = false))]
    pub(super) reference_precheck: Option<bool>,
    /// What is sent for lost scope and soft deletes while nothing maps `IsSoftDeleted`.
    #[schemars(with = "Option<OneOf<UnmappedActive>>", extend("default" = "nothing"))]
    pub(super) unmapped_active: Option<String>,
    /// What ends a Kno2fy user's access: `active` false, or a DELETE.
    #[schemars(with = "Option<OneOf<AccessEnd>>", extend("default" = "disable"))]
    pub(super) kno2fy_access_end: Option<String>,
    /// How the `primary` of roles travels.
    #[schemars(with = "Option<OneOf<RolesStyle>>", extend("default" = "boolean"))]
    pub(super) roles_style: Option<String>,
    /// Whether a create carries `roles: []` though nothing maps roles.
    #[schemars(extend("default" = false))]
    pub(super) roles_always: Option<bool>,
    /// What happens to `"` and `\` in the value of a match query.
    #[schemars(with = "Option<OneOf<FilterEscape>>", extend("default" = "refuse"))]
    pub(super) filter_escape: Option<String>,
    /// Whether a 409 on a create is followed by a match query at once.
    #[schemars(extend("default" = false))]
    pub(super) requery_on_conflict: Option<bool>,
    /// Whether an error code that the target itself names in its answer is the one of the log.
    #[schemars(extend("default" = true))]
    pub(super) named_errors: Option<bool>,
    /// Whether redirects are followed.
    #[schemars(extend("default" = false))]
    pub(super) follow_redirects: Option<bool>,
    /// What a job without a secret token sends.
    #[schemars(with = "Option<OneOf<BlankToken>>", extend("default" = "jwt"))]
    pub(super) blank_token: Option<String>,
    /// Where the client id and secret stand in a token request.
    #[schemars(with = "Option<OneOf<CredentialLocation>>", extend("default" = "header"))]
    pub(super) oauth_credential_location: Option<String>,
    /// Whether credentials and notification addresses together may take at most 1 KB.
    #[schemars(extend("default" = false))]
    pub(super) credential_limit: Option<bool>,
    /// What happens when an expression yields a list and the target takes one value.
    #[schemars(with = "Option<OneOf<ListOnSingle>>", extend("default" = "error"))]
    pub(super) list_on_single: Option<String>,
    /// Whether `skip_out_of_scope_deletions` also stops the disable of blocked and soft-deleted users.
    #[schemars(extend("default" = true))]
    pub(super) covers_soft_delete: Option<bool>,
    /// What happens to a group that leaves scope.
    #[schemars(with = "Option<OneOf<GroupOutOfScope>>", extend("default" = "delete"))]
    pub(super) group_out_of_scope: Option<String>,
    /// Requests in a row that found no connection before the cycle ends as failed.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 5))]
    pub(super) outage_after: Option<u32>,
    /// When a failed object is tried again.
    #[schemars(with = "Option<OneOf<EscrowSchedule>>", extend("default" = "doc-current"))]
    pub(super) escrow_schedule: Option<String>,
    /// How long after its first failure an object is still tried again.
    #[schemars(with = "Option<String>", extend("default" = "28d"))]
    pub(super) escrow_give_up: Option<Text>,
    /// When a quarantined job is tried again.
    #[schemars(with = "Option<OneOf<QuarantineSchedule>>", extend("default" = "backoff"))]
    pub(super) quarantine_schedule: Option<String>,
    /// How long a quarantine lasts before the job is disabled.
    #[schemars(with = "Option<String>", extend("default" = "28d"))]
    pub(super) quarantine_limit: Option<Text>,
    /// Whether an attempt in quarantine also retries the objects in escrow that are due.
    #[schemars(extend("default" = true))]
    pub(super) escrows_in_quarantine: Option<bool>,
    /// With fewer failures of objects the `proportion` is not looked at.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 5000))]
    pub(super) min_failures: Option<u32>,
    /// The share of failed events that must be exceeded, `"1%"` to `"100%"`.
    #[schemars(with = "Option<String>", extend("default" = "40%"))]
    pub(super) proportion: Option<Text>,
    /// The open failures without references that must be exceeded.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 40_000))]
    pub(super) base_limit: Option<u32>,
    /// The open failures with references that must be exceeded.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 60_000))]
    pub(super) total_limit: Option<u32>,
    /// Divides the three numbers above, so that a small directory can show quarantine.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 1))]
    pub(super) scale: Option<u32>,
    /// Over which events the share of failures is taken.
    #[schemars(with = "Option<OneOf<ShareWindow>>", extend("default" = "cycle"))]
    pub(super) share_window: Option<String>,
    /// What too many failures of an initial cycle lead to.
    #[schemars(with = "Option<OneOf<InitialThreshold>>", extend("default" = "prune"))]
    pub(super) initial_threshold_mode: Option<String>,
    /// What the schedule of a job shows that a long quarantine has ended.
    #[schemars(with = "Option<OneOf<LimitState>>", extend("default" = "Disabled"))]
    pub(super) limit_state: Option<String>,
    /// How long the provisioning log and the audit log keep an entry.
    #[schemars(with = "Option<String>", extend("default" = "30d"))]
    pub(super) log_retention: Option<Text>,
    /// Whether a mail tells that a long quarantine has disabled the job.
    #[schemars(extend("default" = true))]
    pub(super) mail_on_disable: Option<bool>,
    /// Whether the threshold of the deletion guard itself trips it.
    #[schemars(extend("default" = false))]
    pub(super) delete_threshold_inclusive: Option<bool>,
    /// The action of a removal that the deletion guard holds back.
    #[schemars(with = "Option<OneOf<StagedName>>", extend("default" = "StagedDelete"))]
    pub(super) staged_action_name: Option<String>,
    /// Whether a restart with an empty scope drops the links too.
    #[schemars(extend("default" = false))]
    pub(super) restart_clears_links: Option<bool>,
    /// Whether a create whose answer was lost is looked up by the value it carried before anything else is sent.
    #[schemars(extend("default" = true))]
    pub(super) intent_recovery: Option<bool>,
    /// What the flagged dialect merges into one operation without a path.
    #[schemars(with = "Option<OneOf<OptscimMerge>>", extend("default" = "single"))]
    pub(super) optscim_merge: Option<String>,
    /// The first member of a PATCH body.
    #[schemars(with = "Option<OneOf<EnvelopeOrder>>", extend("default" = "schemas_first"))]
    pub(super) envelope_order: Option<String>,
    /// Whether a mapping without a source fills gaps of an existing account with its default.
    #[schemars(extend("default" = true))]
    pub(super) none_fills_gaps: Option<bool>,
    /// Whether an empty text is a value that flows.
    #[schemars(extend("default" = false))]
    pub(super) empty_flows: Option<bool>,
    /// Whether an Integer target gets a JSON number.
    #[schemars(extend("default" = true))]
    pub(super) typed_json_values: Option<bool>,
    /// Whether the `work` e-mail of a create is marked as primary unasked.
    #[schemars(extend("default" = true))]
    pub(super) primary_marks: Option<bool>,
    /// Whether losing the last role sends an empty replace.
    #[schemars(extend("default" = false))]
    pub(super) assertive_none: Option<bool>,
    /// Whether a null source value clears the target where definition and mapping say so.
    #[schemars(extend("default" = false))]
    pub(super) flow_null_values: Option<bool>,
    /// Whether an incremental update writes what a `Switch` makes of null.
    #[schemars(extend("default" = false))]
    pub(super) switch_null_defect: Option<bool>,
    /// A null first argument where the reference is silent.
    #[schemars(with = "Option<OneOf<NullArguments>>", extend("default" = "table"))]
    pub(super) null_arguments: Option<String>,
    /// `Join` with nothing to join.
    #[schemars(with = "Option<OneOf<JoinEmpty>>", extend("default" = "null"))]
    pub(super) join_empty: Option<String>,
    /// `Mid` beyond its range.
    #[schemars(with = "Option<OneOf<MidRange>>", extend("default" = "strict"))]
    pub(super) mid_out_of_range: Option<String>,
    /// Whether `Coalesce` passes over empty values too.
    #[schemars(extend("default" = false))]
    pub(super) coalesce_skips_empty: Option<bool>,
    /// A comparison with a null or empty side.
    #[schemars(with = "Option<OneOf<NullComparison>>", extend("default" = "never"))]
    pub(super) null_comparison: Option<String>,
    /// Whether `IIF`, `Switch` and `Coalesce` evaluate only what they need.
    #[schemars(extend("default" = true))]
    pub(super) lazy_evaluation: Option<bool>,
    /// The parts that `Split` yields.
    #[schemars(with = "Option<OneOf<SplitStyle>>", extend("default" = "trim"))]
    pub(super) split_style: Option<String>,
    /// Whether results of date functions stay dates.
    #[schemars(extend("default" = true))]
    pub(super) typed_dates: Option<bool>,
    /// The zone of date text without an offset.
    #[schemars(with = "Option<OneOf<NaiveDates>>", extend("default" = "utc"))]
    pub(super) naive_dates: Option<String>,
    /// The zone that `FormatDateTime` converts to: `UTC` or an offset such as `+01:00`.
    #[schemars(with = "Option<String>", extend("default" = "UTC"))]
    pub(super) service_time_zone: Option<Text>,
    /// Whether `DateAdd` and `DateDiff` take date text.
    #[schemars(extend("default" = true))]
    pub(super) date_text_arguments: Option<bool>,
    /// How `DateDiff` counts days, hours, minutes and seconds.
    #[schemars(with = "Option<OneOf<DateDifference>>", extend("default" = "elapsed"))]
    pub(super) datediff_rounding: Option<String>,
    /// `RandomString` whose minima exceed its length.
    #[schemars(with = "Option<OneOf<RandomImpossible>>", extend("default" = "error"))]
    pub(super) random_impossible: Option<String>,
    /// The text of `SingleAppRoleAssignment`.
    #[schemars(with = "Option<OneOf<RoleText>>", extend("default" = "displayName"))]
    pub(super) role_text: Option<String>,
    /// `SingleAppRoleAssignment` with several roles.
    #[schemars(with = "Option<OneOf<RoleSeveral>>", extend("default" = "error"))]
    pub(super) role_several: Option<String>,
    /// The app-role functions without any role.
    #[schemars(with = "Option<OneOf<RoleNone>>", extend("default" = "null"))]
    pub(super) role_none: Option<String>,
    /// How two sides compare that are both numbers.
    #[schemars(with = "Option<OneOf<ComparisonTyping>>", extend("default" = "numeric"))]
    pub(super) comparison_typing: Option<String>,
    /// `Item` outside the list.
    #[schemars(with = "Option<OneOf<ItemOutOfRange>>", extend("default" = "error"))]
    pub(super) item_out_of_range: Option<String>,
    /// Whether text functions treat each value of a list alone; else the first one only.
    #[schemars(extend("default" = true))]
    pub(super) text_over_list: Option<bool>,
    /// Whether `PCase` without separators starts a word after an apostrophe.
    #[schemars(extend("default" = false))]
    pub(super) pcase_apostrophe: Option<bool>,
    /// Letters outside the table of `NormalizeDiacritics`.
    #[schemars(with = "Option<OneOf<DiacriticsUnlisted>>", extend("default" = "keep"))]
    pub(super) diacritics_unlisted: Option<String>,
    /// The order in which `Replace` looks for its form.
    #[schemars(with = "Option<OneOf<ReplaceOrder>>", extend("default" = "recommended"))]
    pub(super) replace_form_order: Option<String>,
    /// What `Replace` replaces when a group is named.
    #[schemars(with = "Option<OneOf<GroupReplacement>>", extend("default" = "span"))]
    pub(super) replace_group_style: Option<String>,
    /// `Replace` from another attribute when nothing matches.
    #[schemars(with = "Option<OneOf<ReplaceNoMatch>>", extend("default" = "null"))]
    pub(super) replace_no_match: Option<String>,
    /// What a run of delimiters means to `Word`.
    #[schemars(with = "Option<OneOf<WordDelimiters>>", extend("default" = "runs"))]
    pub(super) word_delimiters: Option<String>,
    /// Attributes that the source object does not define.
    #[schemars(with = "Option<OneOf<UnknownAttributes>>", extend("default" = "error"))]
    pub(super) unknown_attributes: Option<String>,
    /// Names of functions.
    #[schemars(with = "Option<OneOf<FunctionCase>>", extend("default" = "exact"))]
    pub(super) function_case: Option<String>,
    /// A backslash before an ordinary character of a text.
    #[schemars(with = "Option<OneOf<UnknownEscape>>", extend("default" = "keep"))]
    pub(super) unknown_escape: Option<String>,
    /// Whether the functions that only other Microsoft pages show are known.
    #[schemars(extend("default" = false))]
    pub(super) adjacent_functions: Option<bool>,
    /// Whether `SelectUniqueValue` may be used.
    #[schemars(extend("default" = false))]
    pub(super) unique_value_outbound: Option<bool>,
    /// Whether conditions that the reference calls unsupported are reported.
    #[schemars(extend("default" = false))]
    pub(super) strict_conditions: Option<bool>,
    /// Whether patterns of scoping filters ask for the whole value.
    #[schemars(extend("default" = false))]
    pub(super) regex_anchored: Option<bool>,
    /// Whether `&` and `!&` of scoping filters test bits.
    #[schemars(extend("default" = false))]
    pub(super) bitmask: Option<bool>,
    /// How many values of a multi-valued attribute have to satisfy a clause.
    #[schemars(with = "Option<OneOf<MultiValued>>", extend("default" = "all"))]
    pub(super) multi_valued_filters: Option<String>,
    /// The names in the details of scoping steps.
    #[schemars(with = "Option<OneOf<ScopingKeys>>", extend("default" = "current"))]
    pub(super) scoping_key_names: Option<String>,
    /// The shape of the answer that `provision --format json` prints.
    #[schemars(with = "Option<OneOf<OnDemandShape>>", extend("default" = "object"))]
    pub(super) on_demand_shape: Option<String>,
    /// The status code of a job that was never started.
    #[schemars(with = "Option<OneOf<FreshJobCode>>", extend("default" = "NotConfigured"))]
    pub(super) fresh_job_code: Option<String>,
    /// Whether runs on demand are held to the rate of Graph's call: 5 in 10 seconds.
    #[schemars(extend("default" = false))]
    pub(super) on_demand_rate: Option<bool>,
    /// How long a new assignment stays unseen on demand, or `"none"`.
    #[schemars(with = "Option<String>", extend("default" = "none"))]
    pub(super) assignment_delay: Option<Text>,
    /// Objects in a page; a cycle's progress is counted in pages.
    #[schemars(range(min = 1, max = PAGE_SIZE_MAX), extend("default" = 100))]
    pub(super) page_size: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHeaders {
    /// `Accept`.
    #[schemars(with = "Option<String>", extend("default" = "application/scim+json"))]
    pub(super) accept: Option<Text>,
    /// `User-Agent`; absent for none.
    #[schemars(with = "Option<String>")]
    pub(super) user_agent: Option<Text>,
}
