//! The configuration file as it is written: raw types for deserialization and for the JSON Schema, nothing else.
//! `config.rs` turns them into values that cannot be wrong.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use toml::Spanned;

use super::fidelity::{
    ActiveStyle, Edition, EscrowSchedule, FilterEscape, GroupCreateStyle, ListOnSingle, MEMBER_BATCH_MAX,
    ManagerRemoveStyle, ManagerStyle, OnMissing, Probe, RolesStyle, UnmappedActive, WORKERS_MAX,
};
use super::words::OneOf;
use super::{REQUESTS_PER_SECOND_MAX, ScopeMode};

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
    /// How many users and groups may vanish from the files at once before the import is held until accepted.
    pub(super) vanish_limit: Option<RawVanishLimit>,
    /// How long a deleted user stays in the recycle bin.
    #[schemars(with = "Option<String>", extend("default" = "30d"))]
    pub(super) soft_delete_retention: Option<Text>,
    /// All ids that are derived come from this number.
    #[schemars(with = "Option<u64>", range(min = 0, max = i64::MAX), extend("default" = 0))]
    pub(super) seed: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVanishLimit {
    /// The import is held when more than this share of the rows vanished, `"1%"` to `"100%"`, …
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
    /// The Tenant URL, with `?aadOptscim062020` for the flagged dialect; or `"embedded"` for the embedded app.
    #[schemars(required, with = "String")]
    pub(super) tenant_url: Option<Text>,
    /// Where the secret token is; absent for a target that wants none.
    pub(super) token: Option<RawToken>,
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
    /// The most requests the job sends in a second of wire time; absent for no limit, as Entra has none.
    #[schemars(range(min = 1, max = REQUESTS_PER_SECOND_MAX))]
    pub(super) requests_per_second: Option<u32>,
    /// One choice for each question that the public record leaves open.
    pub(super) fidelity: Option<RawFidelity>,
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
pub(super) struct RawFidelity {
    /// The set of defaults; a later version of the program keeps each edition as it is.
    #[schemars(with = "Option<OneOf<Edition>>", extend("default" = "2026-08"))]
    pub(super) edition: Option<String>,
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
    /// Whether redirects are followed.
    #[schemars(extend("default" = false))]
    pub(super) follow_redirects: Option<bool>,
    /// What happens when an expression yields a list and the target takes one value.
    #[schemars(with = "Option<OneOf<ListOnSingle>>", extend("default" = "error"))]
    pub(super) list_on_single: Option<String>,
    /// Whether `skip_out_of_scope_deletions` also stops the disable of blocked and soft-deleted users.
    #[schemars(extend("default" = true))]
    pub(super) covers_soft_delete: Option<bool>,
    /// Requests in a row that found no connection before the cycle ends as failed.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = 5))]
    pub(super) outage_after: Option<u32>,
    /// When a failed object is tried again.
    #[schemars(with = "Option<OneOf<EscrowSchedule>>", extend("default" = "every-cycle"))]
    pub(super) escrow_schedule: Option<String>,
    /// Whether a create whose answer was lost is looked up by the value it carried before anything else is sent.
    #[schemars(extend("default" = true))]
    pub(super) intent_recovery: Option<bool>,
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
