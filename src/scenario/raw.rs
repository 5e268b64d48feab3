//! A scenario file as it is written: raw types for deserialization and for the JSON Schema, nothing else.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use toml::Spanned;

use super::model::{AtConsole, Do, ProcessFault, SourceFault, TargetFault, Until};
use crate::config::words::OneOf;

/// A text and its place.
pub(super) type Text = Spanned<String>;
/// Whatever may be compared with something, and its place.
pub(super) type Free = Spanned<toml::Value>;
/// Values by attribute.
pub(super) type Attributes = BTreeMap<Spanned<String>, Free>;
/// Attributes by the name of their user or group.
pub(super) type Objects = BTreeMap<Spanned<String>, Attributes>;

/// A scenario of Scimulator: what happens to a directory and to an app on virtual time, and what must come of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Scenario")]
pub(super) struct RawScenario {
    /// What it is about, in one line.
    #[schemars(required, with = "String")]
    pub(super) title: Option<Text>,
    /// More about it.
    pub(super) description: Option<String>,
    /// The folder of directory files, from the scenario's own folder; in its place `[[user]]`, `[[group]]`, `[[member]]`
    /// and `[[assignment]]` may stand in the scenario itself.
    #[schemars(with = "Option<String>")]
    pub(super) directory: Option<Text>,
    /// When it begins, in virtual time.
    #[schemars(with = "Option<String>", extend("default" = super::language::START))]
    pub(super) start: Option<Text>,
    /// What the oracle must say after every cycle, as in `expect.oracle`.
    #[schemars(with = "Option<OneOf<super::model::OracleWord>>")]
    pub(super) oracle: Option<Text>,
    /// What happens, step by step.
    #[schemars(required, with = "Vec<RawStep>")]
    pub(super) step: Option<Spanned<Vec<Spanned<RawStep>>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStep {
    /// What the step is about, for the report.
    pub(super) title: Option<String>,
    /// Changes of the directory, in their order.
    #[schemars(with = "Option<OneOrMany<RawEdit>>")]
    pub(super) edit: Option<Vec<Spanned<RawEdit>>>,
    /// What goes wrong from now on, or what does no longer.
    #[schemars(with = "Option<OneOrMany<RawFault>>")]
    pub(super) fault: Option<Vec<Spanned<RawFault>>>,
    /// What the administrator of the embedded app does in its console, after edits and faults.
    #[schemars(with = "Option<OneOf<AtConsole>>")]
    pub(super) console: Option<Text>,
    /// What somebody does to the job, after edits and faults and before time moves.
    #[serde(rename = "do")]
    #[schemars(with = "Option<OneOf<Do>>")]
    pub(super) action: Option<Text>,
    /// What a `restart` resets: `full`, `watermark`, `escrows`, `quarantine-state`, `connector-data-store`,
    /// `force-deletes`, several separated by blanks.
    #[schemars(with = "Option<String>")]
    pub(super) reset: Option<Text>,
    /// Moves time to this distance from the start, as `+40m`, and runs every cycle due until then.
    #[schemars(with = "Option<String>")]
    pub(super) at: Option<Text>,
    /// Moves time by this much, as `31d`, and runs every cycle due until then.
    #[schemars(with = "Option<String>")]
    pub(super) advance: Option<Text>,
    /// Moves time no farther than until this holds; it must come to hold.
    #[schemars(with = "Option<OneOf<Until>>")]
    pub(super) until: Option<Text>,
    /// What must hold at the end of the step.
    pub(super) expect: Option<RawExpect>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEdit {
    /// The userPrincipalName or objectId of the user that is changed.
    #[schemars(with = "Option<String>")]
    pub(super) user: Option<Text>,
    /// The displayName or objectId of the group that is changed.
    #[schemars(with = "Option<String>")]
    pub(super) group: Option<Text>,
    /// Makes the user or group, with these attributes.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(super) add: Option<Attributes>,
    /// Sets attributes.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(super) set: Option<Attributes>,
    /// Empties attributes.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) clear: Option<Vec<Text>>,
    /// Blocks the user's sign-in: `accountEnabled` becomes false.
    #[schemars(with = "Option<bool>")]
    pub(super) disable: Option<Spanned<bool>>,
    /// Lets the user sign in again: `accountEnabled` becomes true.
    #[schemars(with = "Option<bool>")]
    pub(super) enable: Option<Spanned<bool>>,
    /// Moves the user to the recycle bin; a group goes for good.
    #[schemars(with = "Option<bool>")]
    pub(super) delete: Option<Spanned<bool>>,
    /// Takes the user back from the recycle bin.
    #[schemars(with = "Option<bool>")]
    pub(super) restore: Option<Spanned<bool>>,
    /// Deletes for good.
    #[schemars(with = "Option<bool>")]
    pub(super) purge: Option<Spanned<bool>>,
    /// Assigns the user or group to the app.
    #[schemars(with = "Option<bool>")]
    pub(super) assign: Option<Spanned<bool>>,
    /// Takes the assignment back; without `role` every one.
    #[schemars(with = "Option<bool>")]
    pub(super) unassign: Option<Spanned<bool>>,
    /// The app role of `assign` and `unassign`, by its value.
    #[schemars(with = "Option<String>")]
    pub(super) role: Option<Text>,
    /// Puts members into the group.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) add_members: Option<Vec<Text>>,
    /// Takes members out of the group.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) remove_members: Option<Vec<Text>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFault {
    /// What the app does wrong; `none` ends every fault of the app.
    #[schemars(with = "Option<OneOf<TargetFault>>")]
    pub(super) target: Option<Text>,
    /// What is wrong with the source; `none` ends it.
    #[schemars(with = "Option<OneOf<SourceFault>>")]
    pub(super) source: Option<Text>,
    /// What becomes of the process that runs the job, once unless `times` says otherwise; `none` ends it.
    #[schemars(with = "Option<OneOf<ProcessFault>>")]
    pub(super) process: Option<Text>,
    /// How many requests it meets; without it every one until it is ended.
    #[schemars(with = "Option<u32>", range(min = 1, max = u32::MAX))]
    pub(super) times: Option<Spanned<u32>>,
    /// How many requests pass before the first one meets it.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX), extend("default" = 0))]
    pub(super) after: Option<Spanned<u32>>,
    /// How many of a hundred requests meet it, drawn from `seed`.
    #[schemars(with = "Option<u8>", range(min = 1, max = 100), extend("default" = 100))]
    pub(super) percent: Option<Spanned<u8>>,
    /// Only requests of this method.
    #[schemars(with = "Option<OneOf<super::model::MethodWord>>")]
    pub(super) method: Option<Text>,
    /// Only requests for this path, as in an expectation.
    #[schemars(with = "Option<String>")]
    pub(super) path: Option<Text>,
    /// Only requests about this user; whom the app forgets, renumbers, edits or has twice.
    #[schemars(with = "Option<String>")]
    pub(super) user: Option<Text>,
    /// Only requests about this group; what the app forgets, renumbers, edits or has twice.
    #[schemars(with = "Option<String>")]
    pub(super) group: Option<Text>,
    /// The status of an `error`, 500 when it says nothing, and of `html`, 502.
    #[schemars(with = "Option<u16>", range(min = 200, max = 599))]
    pub(super) status: Option<Spanned<u16>>,
    /// What `Retry-After` says in the answers of an app that throttles; without it there is none.
    #[schemars(with = "Option<String>")]
    pub(super) retry_after: Option<Text>,
    /// How long an answer of a `slow` app takes.
    #[schemars(with = "Option<String>", extend("default" = "31s"))]
    pub(super) latency: Option<Text>,
    /// How far behind the writes `stale_reads` are.
    #[schemars(with = "Option<String>", extend("default" = "5m"))]
    pub(super) lag: Option<Text>,
    /// The text that an app which `rewrites` keeps in capitals, with dots for those within others: `name.givenName`.
    #[schemars(with = "Option<String>", extend("default" = "displayName"))]
    pub(super) attribute: Option<Text>,
    /// Whose published `limits`.
    #[schemars(with = "Option<OneOf<crate::target::Preset>>")]
    pub(super) of: Option<Text>,
    /// What somebody else sets in the app, by SCIM attribute.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(super) set: Option<Spanned<BTreeMap<String, toml::Value>>>,
}

impl RawFault {
    /// The keys that it has beside the one that says what goes wrong, each with where its value stands.
    pub(super) fn given(&self) -> Vec<(&'static str, std::ops::Range<usize>)> {
        fn of<T>(
            key: &'static str,
            value: Option<&Spanned<T>>,
        ) -> Option<(&'static str, std::ops::Range<usize>)> {
            value.map(|value| (key, value.span()))
        }
        let all = [
            of("times", self.times.as_ref()),
            of("after", self.after.as_ref()),
            of("percent", self.percent.as_ref()),
            of("method", self.method.as_ref()),
            of("path", self.path.as_ref()),
            of("user", self.user.as_ref()),
            of("group", self.group.as_ref()),
            of("status", self.status.as_ref()),
            of("retry_after", self.retry_after.as_ref()),
            of("latency", self.latency.as_ref()),
            of("lag", self.lag.as_ref()),
            of("attribute", self.attribute.as_ref()),
            of("of", self.of.as_ref()),
            of("set", self.set.as_ref()),
        ];
        all.into_iter().flatten().collect()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpect {
    /// Requests that the step must have sent. Others are allowed, unless `only` is true.
    #[schemars(with = "Option<Vec<RawRequest>>")]
    pub(super) requests: Option<Vec<Spanned<RawRequest>>>,
    /// Whether the step may have sent nothing else; the probes at the start of a cycle do not count.
    #[schemars(with = "Option<bool>", extend("default" = false))]
    pub(super) only: Option<Spanned<bool>>,
    /// Whether the requests must have been sent in this order, with the operations of each PATCH in sequence.
    #[schemars(with = "Option<bool>", extend("default" = false))]
    pub(super) ordered: Option<Spanned<bool>>,
    /// Requests that the step must not have sent.
    #[schemars(with = "Option<Vec<RawRequest>>")]
    pub(super) no_requests: Option<Vec<Spanned<RawRequest>>>,
    /// What the oracle must say of all that the app holds: `clean` when nothing is missing, orphaned or drifted by
    /// anybody's fault, `strict` when that is so of Entra's blind spots too, `no defect` when nothing is so by a defect
    /// of Scimulator.
    #[schemars(with = "Option<OneOf<super::model::OracleWord>>")]
    pub(super) oracle: Option<Text>,
    /// What the app must hold.
    pub(super) target: Option<RawTarget>,
    /// The state of the job.
    pub(super) job: Option<RawJobExpect>,
    /// Entries that the provisioning log of the step must have.
    #[schemars(with = "Option<Vec<RawLog>>")]
    pub(super) log: Option<Vec<Spanned<RawLog>>>,
    /// Entries that the provisioning log of the step must not have.
    #[schemars(with = "Option<Vec<RawLog>>")]
    pub(super) no_log: Option<Vec<Spanned<RawLog>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequest {
    /// The method.
    #[schemars(with = "Option<OneOf<super::model::MethodWord>>")]
    pub(super) method: Option<Text>,
    /// The path below the tenant URL, readable: `/Users/{adele@contoso.com}`; with a query only when it is to be compared.
    #[schemars(with = "Option<String>")]
    pub(super) path: Option<Text>,
    /// The user or group that it is about, also where its path does not say so.
    #[schemars(with = "Option<String>")]
    pub(super) object: Option<Text>,
    /// The status of the answer; 0 stands for no answer at all.
    #[schemars(with = "Option<u16>", range(min = 0, max = 599))]
    pub(super) status: Option<u16>,
    /// The operations of a PATCH: so many, each with these members.
    #[schemars(with = "Option<Vec<BTreeMap<String, serde_json::Value>>>")]
    pub(super) operations: Option<Vec<Spanned<toml::Value>>>,
    /// Members that the body must have, at least.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(super) body: Option<Free>,
    /// How many such requests there must be, neither more nor less.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) count: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    /// Accounts, by userPrincipalName or objectId of their user. Each attribute must have its value; `absent = true`
    /// says that it, or the account itself, must not be there.
    #[schemars(with = "Option<BTreeMap<String, BTreeMap<String, serde_json::Value>>>")]
    pub(super) user: Option<Objects>,
    /// Groups, by displayName or objectId; `members` names all of its members.
    #[schemars(with = "Option<BTreeMap<String, BTreeMap<String, serde_json::Value>>>")]
    pub(super) group: Option<Objects>,
    /// How many accounts there are.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) users: Option<Spanned<u32>>,
    /// How many groups there are.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) groups: Option<Spanned<u32>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJobExpect {
    /// The status code: `Active`, `Quarantine`, `Paused`, `NotRun`, `NotConfigured`.
    #[schemars(with = "Option<OneOf<super::model::JobStatus>>")]
    pub(super) status: Option<Text>,
    /// The state of its schedule: `Active`, `Paused`, `Disabled`.
    #[schemars(with = "Option<OneOf<super::model::ScheduleState>>")]
    pub(super) schedule: Option<Text>,
    /// Why it is in quarantine, as `EncounteredQuarantineException`; `none` when it must not be in any.
    #[schemars(with = "Option<OneOf<super::model::QuarantineWord>>")]
    pub(super) quarantine: Option<Text>,
    /// How many failed objects and references wait for another try.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) escrows: Option<Spanned<u32>>,
    /// How many failed objects and references are given up, and not tried again by themselves.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) given_up: Option<Spanned<u32>>,
    /// The error code of what failed, by name of the user or group, also when it is given up; `none` when nothing did.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(super) escrow: Option<BTreeMap<Spanned<String>, Text>>,
    /// How many removals the deletion guard holds back.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) held: Option<Spanned<u32>>,
    /// How many cycles the step ran.
    #[schemars(with = "Option<u32>", range(min = 0, max = u32::MAX))]
    pub(super) cycles: Option<Spanned<u32>>,
    /// How the last cycle ended: `Succeeded`, `EntryLevelErrors`, `Failed`.
    #[schemars(with = "Option<OneOf<super::model::RunWord>>")]
    pub(super) result: Option<Text>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    /// The user or group.
    #[schemars(with = "Option<String>")]
    pub(super) object: Option<Text>,
    /// The action: `create`, `update`, `disable`, `delete`, `other`, or what the deletion guard holds back.
    #[schemars(with = "Option<OneOf<super::model::ActionWord>>")]
    pub(super) action: Option<Text>,
    /// How it ended: `success`, `warning`, `failure`, `skipped`.
    #[schemars(with = "Option<OneOf<super::model::StatusWord>>")]
    pub(super) status: Option<Text>,
    /// Entra's code.
    #[schemars(with = "Option<String>")]
    pub(super) code: Option<Text>,
}

/// One table, or a list of them. A single one arrives as a list of one.
pub(super) struct OneOrMany<T>(std::marker::PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}
