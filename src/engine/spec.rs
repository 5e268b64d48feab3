//! A job as the engine sees it: everything that configuration, profile and fidelity switches come to.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Action;
use super::escrow::RetryPolicy;
use super::guard::Guard;
use super::ids;
use super::notice::Notification;
use super::quarantine::Thresholds;
use crate::clock::SignedDuration;
use crate::config::fidelity::{
    Failures, FreshJobCode, GroupOutOfScope, InitialThreshold, LimitState, OnDemandShape, OnMissing, Probe,
    QuarantineSchedule, RetryAfter, StagedName, UnmappedActive,
};
use crate::config::{Access, Config, Endpoint, JobConfig};
use crate::directory::object::ObjectKind;
use crate::expression::{AppRole, Switches};
use crate::mapping::ObjectMapping;
use crate::scim::style::Style;
use crate::scope::{ScopeMode, ScopingKeys};

/// One job.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Its name in the configuration.
    pub name: String,
    /// Its id: `<template>.<tenant>.<guid>` (`wire.md 0.3`).
    pub id: String,
    /// The tenant's id.
    pub tenant_id: String,
    /// What ids and random values derive from.
    pub seed: u64,
    /// The tenant URL without flags and trailing slash; resource paths are appended after a slash.
    pub base_url: String,
    /// Feature flags that stay in the query of every request (`forward_flags`); none by default.
    pub forwarded_flags: Vec<String>,
    /// Which principals it considers.
    pub scope: ScopeMode,
    /// The mapping of users.
    pub users: ObjectMapping,
    /// The mapping of groups.
    pub groups: ObjectMapping,
    /// App roles by value.
    pub roles: BTreeMap<String, AppRole>,
    /// Values of app roles that are switched off: an assignment by one is a broken record.
    pub roles_off: BTreeSet<String>,
    /// The switches that shape bytes.
    pub style: Style,
    /// The switches of the expression language.
    pub expressions: Switches,
    /// The switches that shape behaviour.
    pub rules: Rules,
    /// From the start of one cycle to the start of the next; [`Self::pause_after`] says what becomes of it.
    pub interval: SignedDuration,
    /// Fingerprint of mappings, filters and the roles that are off; when it changes the next cycle is an initial one.
    pub definition: String,
    /// Name of the target system in log entries (`engine.md 11`).
    pub target_system: String,
    /// What the log calls the application.
    pub application: String,
    /// Who is told of its troubles; `None`: nobody.
    pub notification: Option<Notification>,
    /// Whether its configuration has credentials; the embedded app needs none.
    pub has_credentials: bool,
    /// Connection and settings as one text, without secrets: another one is a change for the audit log.
    pub settings: String,
}

impl JobSpec {
    /// The job that a configuration describes. `workers` is what the driver takes when the configuration leaves it
    /// open.
    pub fn new(config: &Config, job: &JobConfig, workers: usize) -> Self {
        let seed = config.directory.seed;
        let fidelity = &job.fidelity;
        let (base_url, flags) = match &job.endpoint {
            Endpoint::Embedded => (EMBEDDED_URL.to_owned(), &[][..]),
            Endpoint::Remote(url) => (url.base().to_owned(), url.flags()),
        };
        let declared = |enabled| {
            let roles = config.app_roles.iter().filter(move |declared| declared.enabled == enabled);
            roles.map(|declared| &declared.role)
        };
        let tenant_id =
            config.directory.tenant_id.clone().unwrap_or_else(|| ids::derived(seed, &["tenant"]).to_string());
        let guid = ids::derived(seed, &[&job.name, "job"]);
        let spec = Self {
            name: job.name.clone(),
            id: format!("{}.{}.{guid}", job.app, tenant_id.replace('-', "")),
            tenant_id,
            seed,
            base_url,
            forwarded_flags: if fidelity.forward_flags { flags.to_vec() } else { Vec::new() },
            scope: job.scope,
            definition: String::new(),
            users: ObjectMapping::none(ObjectKind::User),
            groups: ObjectMapping::none(ObjectKind::Group),
            roles: declared(true).map(|role| (role.value.clone(), role.clone())).collect(),
            roles_off: declared(false).map(|role| role.value.clone()).collect(),
            style: Style {
                dialect: job.dialect(),
                active_style: fidelity.active_style,
                manager_style: fidelity.manager_style,
                manager_remove_style: fidelity.manager_remove_style,
                member_batch: usize::try_from(fidelity.member_batch.get()).unwrap_or(usize::MAX),
                member_ref_null: fidelity.member_ref_null,
                group_create_style: fidelity.group_create_style,
                roles_style: fidelity.roles_style,
                filter_escape: fidelity.filter_escape,
                list_on_single: fidelity.list_on_single,
                roles_always: fidelity.roles_always,
                optscim_merge: fidelity.optscim_merge,
                envelope_order: fidelity.envelope_order,
                none_fills_gaps: fidelity.none_fills_gaps,
                empty_flows: fidelity.empty_flows,
                typed_json_values: fidelity.typed_json_values,
                primary_marks: fidelity.primary_marks,
                flow_null_values: fidelity.flow_null_values,
                switch_null_defect: fidelity.switch_null_defect,
                assertive_none: fidelity.assertive_none,
            },
            expressions: fidelity.expressions.clone(),
            rules: Rules {
                interval_jitter: fidelity.interval_jitter,
                probe: fidelity.probe,
                on_missing: fidelity.on_missing,
                retry_after: match fidelity.retry_after {
                    RetryAfter::UpTo(longest) => Some(longest),
                    RetryAfter::Off => None,
                },
                named_errors: fidelity.named_errors,
                requery_on_conflict: fidelity.requery_on_conflict,
                reference_precheck: fidelity.reference_precheck,
                outage_after: fidelity.outage_after.get(),
                skip_out_of_scope: job.skip_out_of_scope_deletions,
                covers_soft_delete: fidelity.covers_soft_delete,
                keeps_groups: fidelity.group_out_of_scope == GroupOutOfScope::Keep,
                soft_delete_supported: job.supports_soft_delete(),
                delete_when_unmapped: fidelity.unmapped_active == UnmappedActive::Delete,
                intent_recovery: fidelity.intent_recovery,
                workers: fidelity
                    .workers
                    .map_or(workers, |count| usize::try_from(count.get()).unwrap_or(usize::MAX)),
                retry: RetryPolicy {
                    schedule: fidelity.failures.escrow_schedule,
                    give_up: fidelity.failures.escrow_give_up,
                },
                quarantine: QuarantineRules::of(&fidelity.failures, fidelity.mail_on_disable),
                guard: job.delete_threshold.map(|threshold| Guard {
                    threshold: threshold.into(),
                    inclusive: fidelity.failures.delete_threshold_inclusive,
                }),
                staged_action: match fidelity.failures.staged_action_name {
                    StagedName::Delete => Action::StagedDelete,
                    StagedName::Action => Action::StagedAction,
                },
                restart_clears_links: fidelity.failures.restart_clears_links,
                accept: Some(fidelity.headers.accept.clone()),
                user_agent: fidelity.headers.user_agent.clone(),
                soft_delete_retention: config.directory.soft_delete_retention,
                log_retention: fidelity.log_retention,
                scoping_keys: fidelity.scoping_key_names,
                on_demand_shape: fidelity.on_demand_shape,
                fresh_job_code: fidelity.fresh_job_code,
                on_demand_rate: fidelity.on_demand_rate,
                assignment_delay: fidelity.assignment_delay,
                page_size: fidelity.page_size.get().into(),
            },
            interval: job.interval,
            target_system: "customappsso".to_owned(),
            application: job.name.clone(),
            notification: notification(config, job),
            has_credentials: job.endpoint == Endpoint::Embedded
                || matches!(job.access, Access::Token(_) | Access::Oauth(_)),
            settings: settings(job),
        };
        spec.with_mappings(job.mappings.mappings.clone(), job.groups)
    }

    /// The same job with other mappings and filters. `groups`: whether the configuration lets the group mapping be on.
    #[must_use]
    pub fn with_mappings(mut self, mappings: Vec<ObjectMapping>, groups: bool) -> Self {
        self.users = ObjectMapping::none(ObjectKind::User);
        self.groups = ObjectMapping::none(ObjectKind::Group);
        for mapping in mappings {
            match mapping.kind {
                // The user mapping can't be switched off (`engine.md 3.1`).
                ObjectKind::User => self.users = ObjectMapping { enabled: true, ..mapping },
                ObjectKind::Group => {
                    self.groups = ObjectMapping { enabled: mapping.enabled && groups, ..mapping };
                }
            }
        }
        self.definition = definition(&self);
        self
    }

    /// The GUID of a part of the job's schema document.
    pub fn schema_guid(&self, part: &str) -> String {
        ids::derived(self.seed, &[&self.name, "schema", part]).to_string()
    }

    /// Objects worked on at once: one, where a value has to be unique, lest two of them find the same one free.
    pub fn workers(&self) -> usize {
        let mappings = [&self.users, &self.groups].into_iter().filter(|mapping| mapping.enabled);
        let unique = mappings
            .flat_map(|mapping| &mapping.attributes)
            .any(|mapping| mapping.source.selects_unique_value());
        if unique { 1 } else { self.rules.workers.max(1) }
    }

    /// From the start of a cycle to the start of the next: the interval, or with `interval_jitter` anything from half of
    /// it (`engine.md 14` C1).
    pub fn pause_after(&self, cycle: i64) -> SignedDuration {
        if !self.rules.interval_jitter {
            return self.interval;
        }
        let half = self.interval.as_secs().unsigned_abs() / 2;
        let stream = ids::stream(self.seed, &[&self.name, &cycle.to_string(), "interval"]);
        let less = i64::try_from(stream % half.saturating_add(1)).unwrap_or_default();
        self.interval.saturating_sub(SignedDuration::from_secs(less))
    }

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
    /// Whether the time between two cycles varies.
    pub interval_jitter: bool,
    /// What is probed when a cycle starts.
    pub probe: Probe,
    /// What a 404 on a linked id leads to.
    pub on_missing: OnMissing,
    /// How long a Retry-After is waited out at most before a throttled request is repeated; `None`: not at all.
    pub retry_after: Option<SignedDuration>,
    /// Whether an error code that the target itself names is the one of the log.
    pub named_errors: bool,
    /// Whether a 409 on create is followed by another look-up in the same attempt.
    pub requery_on_conflict: bool,
    /// Whether the target is asked before a reference is written (`reference_precheck`).
    pub reference_precheck: bool,
    /// So many exchanges in a row without a connection are a global failure.
    pub outage_after: u32,
    /// `SkipOutOfScopeDeletions`.
    pub skip_out_of_scope: bool,
    /// Whether that flag covers disabled and soft-deleted objects too.
    pub covers_soft_delete: bool,
    /// Whether a group that leaves scope is left as it is.
    pub keeps_groups: bool,
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
    /// What leads into quarantine, and out of it.
    pub quarantine: QuarantineRules,
    /// The deletion guard, where there is one.
    pub guard: Option<Guard>,
    /// What the log calls a removal that the guard holds back.
    pub staged_action: Action,
    /// Whether a restart with an empty scope drops the links too.
    pub restart_clears_links: bool,
    /// The `Accept` header; `None` sends none.
    pub accept: Option<String>,
    /// The `User-Agent` header; `None` sends none.
    pub user_agent: Option<String>,
    /// How long a user stays in the recycle bin.
    pub soft_delete_retention: SignedDuration,
    /// How long the logs keep an entry.
    pub log_retention: SignedDuration,
    /// The names in the details of scoping steps.
    pub scoping_keys: ScopingKeys,
    /// The shape of the answer to a run on demand.
    pub on_demand_shape: OnDemandShape,
    /// The status code of a job that was never started.
    pub fresh_job_code: FreshJobCode,
    /// Whether runs on demand are held to a rate.
    pub on_demand_rate: bool,
    /// How long a new assignment stays unseen on demand; `None`: not at all.
    pub assignment_delay: Option<SignedDuration>,
    /// Objects in a page, by which progress is counted; not zero.
    pub page_size: u64,
}

/// What leads into quarantine, and out of it (`engine.md 6`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineRules {
    /// The numbers that open failures are held against.
    pub thresholds: Thresholds,
    /// What too many failures of an initial cycle lead to.
    pub initial: InitialThreshold,
    /// When a quarantined job is tried again.
    pub schedule: QuarantineSchedule,
    /// How long a quarantine lasts before the job is disabled.
    pub limit: SignedDuration,
    /// What the schedule of such a job shows.
    pub limit_state: LimitState,
    /// Whether a mail tells of its end.
    pub mails_end: bool,
    /// Whether an attempt also retries the escrows that are due.
    pub retries_escrows: bool,
}

impl QuarantineRules {
    fn of(failures: &Failures, mails_end: bool) -> Self {
        Self {
            thresholds: Thresholds {
                failures_min: failures.min_failures.get(),
                share_percent: failures.proportion.get().into(),
                base_limit: failures.base_limit.get(),
                total_limit: failures.total_limit.get(),
                scale: failures.scale.get(),
                share_window: failures.share_window,
            },
            initial: failures.initial_threshold_mode,
            schedule: failures.quarantine_schedule,
            limit: failures.quarantine_limit,
            limit_state: failures.limit_state,
            mails_end,
            retries_escrows: failures.escrows_in_quarantine,
        }
    }
}

/// Who is told of the job's troubles, and where the mail sends them.
fn notification(config: &Config, job: &JobConfig) -> Option<Notification> {
    let recipient = job.notification_email.clone().filter(|_| job.notifications)?;
    let link = match &config.mail.link_base {
        Some(base) => {
            let mut link = base.clone();
            if let Ok(mut segments) = link.path_segments_mut() {
                segments.pop_if_empty().extend(["jobs", &job.name]);
            }
            Some(link)
        }
        // Nothing serves the job: the file that says what it is.
        None => std::path::absolute(&config.file).ok().and_then(|file| url::Url::from_file_path(file).ok()),
    };
    Some(Notification { recipient, link: link.map_or_else(String::new, String::from) })
}

/// What the admin center keeps under *Admin credentials* and *Settings*.
fn settings(job: &JobConfig) -> String {
    let connection: Vec<_> = job.connection();
    serde_json::json!({
        "connection": connection,
        "scope": job.scope.as_str(),
        "skipOutOfScopeDeletions": job.skip_out_of_scope_deletions,
        "deleteThreshold": job.delete_threshold,
        "notificationEmail": job.notification_email,
        "notifications": job.notifications,
    })
    .to_string()
}

/// Where the embedded app is thought to be. Nothing is sent there: it is called in process.
pub const EMBEDDED_URL: &str = "http://embedded.invalid/scim/v2";
/// The path of [`EMBEDDED_URL`], which the app has to know.
pub const EMBEDDED_PATH: &str = "/scim/v2";

/// A text that is another one whenever mappings, filters or the roles that are off are.
fn definition(spec: &JobSpec) -> String {
    let mut text = spec.users.fingerprint() + &spec.groups.fingerprint();
    for role in &spec.roles_off {
        text.extend(["\nrole off: ", role]);
    }
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
