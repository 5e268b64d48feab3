//! From the raw types to [`Config`]: what the schema can not say.
//!
//! A key that is absent or was taken out by the structure check (and reported there) arrives as `None`; only here do
//! `None`s turn into defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU8, NonZeroU32};
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::access::Surroundings;
use super::failures;
use super::fidelity::{Edition, Headers, RetryAfter};
use super::language::{self, FunctionCase, UnknownEscape};
use super::raw::{
    FilterObject, RawAppRole, RawConfig, RawDirectory, RawFidelity, RawFilter, RawHeaders, RawJob,
    RawVanishLimit, Text,
};
use super::secrets;
use super::source::Source;
use super::structure::{self, in_backticks};
use super::tenant_url::RemoteRefused;
use super::words::{Word, word_or};
use super::{
    Config, DeclaredRole, DirectoryConfig, Endpoint, Fidelity, JOB_NAME_CHARS_MAX, JobConfig, Loaded,
    ScopeMode, TenantUrl, VanishLimit, duration, reading, schema,
};
use crate::diagnostic::{Diagnostic, Place, Severity, did_you_mean, has_errors};
use crate::directory::object::ObjectKind;
use crate::expression::AppRole;
use crate::gallery;
use crate::mapping::template::{Template, TemplateOptions};
use crate::scim::style::Dialect;
use crate::scope::filter::Filter;

/// See [`super::load`].
pub(super) fn load(source: &Source) -> Loaded {
    let (mut table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| syntax(source, error)).collect());
    }
    let findings = structure::check(source, schema::json_schema(), &mut table);
    convert(source, table, findings)
}

/// What a table without structural mistakes comes to; `findings` are those it had.
pub(super) fn convert(source: &Source, table: Spanned<DeTable<'_>>, mut findings: Vec<Diagnostic>) -> Loaded {
    let raw = match RawConfig::deserialize(toml::de::Deserializer::from(table)) {
        Ok(raw) => raw,
        Err(error) => {
            findings.push(syntax(source, &error));
            return Err(findings);
        }
    };
    let mut converter = Converter { source, findings };
    let config = converter.config(raw);
    let mut findings = converter.findings;
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    match config {
        Some(config) if !has_errors(&findings) => Ok((config, findings)),
        _ => Err(findings),
    }
}

pub(crate) fn syntax(source: &Source, error: &toml::de::Error) -> Diagnostic {
    let place = match error.span() {
        Some(span) => source.place(&span),
        None => Place::file(&source.file),
    };
    Diagnostic::error(error.message().replace('\n', ", ")).at(place)
}

pub(super) struct Converter<'a> {
    source: &'a Source,
    findings: Vec<Diagnostic>,
}

impl Converter<'_> {
    pub(super) fn error(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report(span, Diagnostic::error(message), help);
    }

    pub(super) fn warning(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report(span, Diagnostic::warning(message), help);
    }

    fn report(&mut self, span: &Range<usize>, finding: Diagnostic, help: Option<String>) {
        let finding = finding.at(self.source.place(span));
        self.findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// Whether something was found whose message begins like this.
    pub(super) fn has_told_of(&self, message: &str) -> bool {
        self.findings.iter().any(|finding| finding.message.starts_with(message))
    }

    /// A path as written, from the folder of the configuration file.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.source.file.parent().unwrap_or(Path::new("")).join(path)
    }

    fn config(&mut self, raw: RawConfig) -> Option<Config> {
        let directory = raw.directory.and_then(|raw| self.directory(raw));
        let app_roles = self.app_roles(raw.app_role.unwrap_or_default());
        let mail = self.mail(raw.mail);
        let jobs = raw.job.map(|raw| self.jobs(raw));
        Some(Config {
            file: self.source.file.clone(),
            state_dir: self.path("state"),
            directory: directory?,
            app_roles,
            mail: mail?,
            jobs: jobs?,
        })
    }

    fn directory(&mut self, raw: RawDirectory) -> Option<DirectoryConfig> {
        let multi_valued = self.multi_valued(raw.multi_valued.unwrap_or_default());
        let vanish_limit = self.vanish_limit(raw.vanish_limit);
        let soft_delete_retention =
            self.duration(raw.soft_delete_retention, SignedDuration::from_hours(30 * 24));
        let tenant_id = raw.tenant_id.and_then(|id| self.guid(&id));
        let path = raw.path?;
        if path.get_ref().trim().is_empty() {
            self.error(&path.span(), "`path` is empty", Some("name the directory's folder".to_owned()));
        }
        Some(DirectoryConfig {
            path: self.path(path.get_ref()),
            multi_valued,
            vanish_limit,
            soft_delete_retention,
            tenant_id,
            seed: raw.seed.unwrap_or(0),
        })
    }

    fn multi_valued(&mut self, raw: Vec<Text>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for name in raw {
            let span = name.span();
            let name = name.into_inner();
            if name.is_empty() || name.trim() != name {
                self.error(&span, format!("`{name}` is no attribute name"), None);
            } else if !names.insert(name.clone()) {
                self.error(&span, format!("the attribute `{name}` is listed twice"), None);
            }
        }
        names
    }

    fn vanish_limit(&mut self, raw: Option<RawVanishLimit>) -> VanishLimit {
        const SHARE_PERCENT: NonZeroU8 = NonZeroU8::new(20).expect("not zero");
        const AT_LEAST: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
        let (share, at_least) = raw.map_or((None, None), |raw| (raw.share, raw.at_least));
        VanishLimit {
            share_percent: self.percent(share, SHARE_PERCENT).get(),
            at_least: at_least.and_then(NonZeroU32::new).unwrap_or(AT_LEAST),
        }
    }

    /// A share, from 1 % to 100 %.
    pub(super) fn percent(&mut self, share: Option<Text>, default: NonZeroU8) -> NonZeroU8 {
        let Some(share) = share else { return default };
        let percent = share.get_ref().strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let percent = percent.filter(|percent| *percent <= 100).and_then(NonZeroU8::new);
        if percent.is_none() {
            let message = format!("`{}` is not a share in percent", share.get_ref());
            let help = "write a whole number from `1%` to `100%`".to_owned();
            self.error(&share.span(), message, Some(help));
        }
        percent.unwrap_or(default)
    }

    fn app_roles(&mut self, raw: Vec<RawAppRole>) -> Vec<DeclaredRole> {
        let (mut ids, mut values) = (Seen::new("role id"), Seen::new("role value"));
        let mut roles = Vec::new();
        for RawAppRole { id, value, display_name, enabled } in raw {
            let id = id.and_then(|id| {
                let guid = self.guid(&id)?;
                ids.note(self, &guid, id.span());
                Some(guid)
            });
            let value = value.map(|value| {
                if value.get_ref().is_empty() {
                    let help = "assignments name a role by its value";
                    self.error(&value.span(), "`value` is empty", Some(help.to_owned()));
                }
                values.note(self, value.get_ref(), value.span());
                value.into_inner()
            });
            if let (Some(id), Some(value), Some(display_name)) = (id, value, display_name) {
                let role = AppRole { id, value, display_name: display_name.into_inner() };
                roles.push(DeclaredRole { role, enabled: enabled.unwrap_or(true) });
            }
        }
        roles
    }

    pub(super) fn guid(&mut self, text: &Text) -> Option<String> {
        let guid = uuid::Uuid::try_parse(text.get_ref()).ok();
        if guid.is_none() {
            let help = "write for example `06b07648-ecfe-589f-9d2f-6325724a46ee`";
            self.error(&text.span(), format!("`{}` is not a GUID", text.get_ref()), Some(help.to_owned()));
        }
        guid.map(|guid| guid.hyphenated().to_string())
    }

    fn jobs(&mut self, raw: Spanned<Vec<RawJob>>) -> Vec<JobConfig> {
        let span = raw.span();
        let raw = raw.into_inner();
        if raw.is_empty() && self.findings.is_empty() {
            self.error(&span, "there is no job", Some("write `[[job]]`, once for each job".to_owned()));
        }
        let mut names = Seen::new("job name");
        raw.into_iter().filter_map(|raw| self.job(raw, &mut names)).collect()
    }

    fn job(&mut self, raw: RawJob, names: &mut Seen) -> Option<JobConfig> {
        let name = raw.name.and_then(|name| self.job_name(name, names));
        let url_span = raw.tenant_url.as_ref().map(Spanned::span);
        let names_app = raw.app.is_some();
        let app = self.app(raw.app);
        let stored = secrets::stored(self, raw.secrets);
        let scope = raw.scope.as_deref().and_then(ScopeMode::from_word);
        let scope = secrets::either(self, "scope", scope, stored.scope).unwrap_or(ScopeMode::Assigned);
        let skip_out_of_scope_deletions = secrets::either(
            self,
            "skip_out_of_scope_deletions",
            raw.skip_out_of_scope_deletions,
            stored.skip_out_of_scope_deletions,
        );
        let allow_remote = raw.allow_remote.unwrap_or(false);
        let endpoint = raw.tenant_url.and_then(|url| self.endpoint(&url, allow_remote));
        let ca = raw.ca.map(|file| self.path(file.get_ref()));
        let interval = self.duration(raw.interval, SignedDuration::from_mins(40));
        let fidelity = self.fidelity(raw.fidelity);
        let access = self.access(
            raw.token,
            raw.oauth,
            &Surroundings {
                allow_remote,
                endpoint: endpoint.as_ref(),
                app: &app,
                blank_token: fidelity.blank_token,
            },
        );
        let profile = raw.profile.map(|profile| self.path(profile.get_ref()));
        let reading = reading(&fidelity, scope);
        let of_app = gallery::template(&app, &reading);
        let (mappings, own) = match &profile {
            // A profile takes the place of the app's mappings; the job remains one of that app.
            Some(file) => {
                let (own, text) = self.profile(file, &reading);
                let of_app = of_app.as_ref().and_then(|of_app| of_app.dialect);
                (own.map(|own| Template { dialect: own.dialect.or(of_app), ..own }), text)
            }
            None => (of_app, None),
        };
        let played = own.filter(|_| !names_app);
        let played = played.or_else(|| gallery::source(&app).map(str::to_owned)).unwrap_or_default();
        let address = stored.notification_email.map(|address| Spanned::new(address.span(), address));
        let address = secrets::either(self, "notification_email", raw.notification_email, address);
        let notification_email = address.and_then(|address| self.address(&address));
        let threshold = stored.delete_threshold.map(|threshold| Spanned::new(threshold.span(), threshold));
        let threshold = secrets::either(self, "delete_threshold", raw.delete_threshold, threshold);
        let delete_threshold = threshold.map(|threshold| {
            if notification_email.is_none() {
                let help = "Entra switches the guard on only with somebody to tell: write for example \
                            `notification_email = \"ops@contoso.com\"`";
                let message = "`delete_threshold` needs `notification_email`";
                self.error(&threshold.span(), message, Some(help.to_owned()));
            }
            threshold.into_inner()
        });
        let mappings = self.with_filters(mappings, raw.filter.unwrap_or_default(), &reading);
        let mappings = mappings?;
        let job = JobConfig {
            name: name?,
            app,
            profile,
            played,
            requests_per_second: raw
                .requests_per_second
                .and_then(NonZeroU32::new)
                .or(mappings.requests_per_second),
            mappings,
            endpoint: endpoint?,
            access: access?,
            ca,
            scope,
            allow_remote,
            interval,
            groups: raw.groups.unwrap_or(true),
            skip_out_of_scope_deletions: skip_out_of_scope_deletions.unwrap_or(false),
            journal_keep: self.journal_keep(raw.journal_keep),
            delete_threshold,
            notification_email,
            notifications: raw.notifications.unwrap_or(true),
            fidelity,
        };
        if let (Dialect::Legacy2018, Endpoint::Remote(url), Some(span)) =
            (job.dialect(), &job.endpoint, url_span)
            && !url.is_scim_at_root()
        {
            let help = "such jobs reach `/scim` directly under the root and nothing else (W-005)";
            self.error(&span, "the 2018 dialect has no use for this path", Some(help.to_owned()));
        }
        Some(job)
    }

    pub(super) fn address(&mut self, address: &Text) -> Option<String> {
        let parts = address.get_ref().split_once('@');
        let sound = parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
            && !address.get_ref().contains(|c: char| c.is_whitespace() || c.is_control());
        if !sound {
            let message = format!("`{}` is no mail address", address.get_ref());
            self.error(&address.span(), message, Some("write for example `ops@contoso.com`".to_owned()));
        }
        sound.then(|| address.get_ref().clone())
    }

    fn job_name(&mut self, name: Text, names: &mut Seen) -> Option<String> {
        let span = name.span();
        let name = name.into_inner();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if !(1..=JOB_NAME_CHARS_MAX).contains(&name.chars().count()) || !name.chars().all(allowed) {
            let help =
                format!("1 to {JOB_NAME_CHARS_MAX} characters: lower-case letters, digits, `-` and `_`");
            self.error(&span, format!("`{name}` is no job name"), Some(help));
            return None;
        }
        names.note(self, &name, span);
        Some(name)
    }

    fn app(&mut self, app: Option<Text>) -> String {
        let Some(app) = app else { return gallery::DEFAULT.to_owned() };
        let name = app.get_ref().as_str();
        if gallery::source(name).is_none() {
            let help = match did_you_mean(name, gallery::names()) {
                Some(profile) => format!("did you mean `{profile}`?"),
                None => format!("known: {}", in_backticks(&gallery::names().collect::<Vec<_>>())),
            };
            self.error(&app.span(), format!("there is no app profile `{name}`"), Some(help));
        }
        app.into_inner()
    }

    /// A profile of one's own, and its text; every mistake in it is noted with its place in that file.
    fn profile(&mut self, file: &Path, reading: &TemplateOptions<'_>) -> (Option<Template>, Option<String>) {
        match Source::read(file, "profile") {
            Ok(source) => {
                let (template, findings) = Template::parse(&source.text, file, reading);
                self.findings.extend(findings);
                (template, Some(source.text))
            }
            Err(finding) => {
                self.findings.push(finding);
                (None, None)
            }
        }
    }

    /// The mappings with the job's own filters. Filters are read, and mistakes reported, even when there are no
    /// mappings to put them to.
    fn with_filters(
        &mut self,
        mappings: Option<Template>,
        raw: Vec<RawFilter>,
        reading: &TemplateOptions<'_>,
    ) -> Option<Template> {
        let mut filters: BTreeMap<ObjectKind, Filter> = BTreeMap::new();
        let mut clauses: BTreeMap<(ObjectKind, String), Place> = BTreeMap::new();
        for raw in raw {
            let object = raw.object.as_deref().and_then(FilterObject::from_word);
            let kind = object.map_or(ObjectKind::User, FilterObject::kind);
            let filter = filters.entry(kind).or_default();
            let group = raw.into_group();
            for (name, span) in group.attributes() {
                let place = self.source.place(&span);
                clauses.entry((kind, name)).or_insert(place);
            }
            for mistake in group.add_to(filter, kind, &reading.filter) {
                match mistake.severity {
                    Severity::Error => self.error(&mistake.span, mistake.message, mistake.help),
                    Severity::Warning => self.warning(&mistake.span, mistake.message, mistake.help),
                }
            }
        }
        let mut mappings = mappings?;
        for mapping in &mut mappings.mappings {
            if let Some(filter) = filters.remove(&mapping.kind) {
                mapping.scope = filter;
                mappings.places.clauses.retain(|(kind, _), _| *kind != mapping.kind);
            }
        }
        mappings.places.clauses.extend(clauses);
        Some(mappings)
    }

    fn endpoint(&mut self, text: &Text, allow_remote: bool) -> Option<Endpoint> {
        const EMBEDDED: &str = "embedded";
        let span = text.span();
        if text.get_ref() == EMBEDDED {
            return Some(Endpoint::Embedded);
        }
        let (url, warnings) = match TenantUrl::parse(text.get_ref()) {
            Ok(parsed) => parsed,
            Err(error) => {
                let help = match did_you_mean(text.get_ref(), [EMBEDDED]) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => "write for example `https://api.contoso.com/scim`, or `embedded`".to_owned(),
                };
                self.error(&span, format!("`tenant_url`: {error}"), Some(help));
                return None;
            }
        };
        for warning in warnings {
            self.warning(&span, warning.to_string(), warning.help());
        }
        if let Err(refused) = url.permit(allow_remote) {
            self.error(&span, refused.to_string(), Some(RemoteRefused::HELP.to_owned()));
        }
        Some(Endpoint::Remote(url))
    }

    fn fidelity(&mut self, raw: Option<RawFidelity>) -> Fidelity {
        let edition = raw.as_ref().and_then(|raw| raw.edition.clone());
        let base = Fidelity::of(word_or(edition.as_deref(), Edition::E2026_08));
        let Some(mut raw) = raw else { return base };
        let failures = failures::failures(self, &mut raw, &base.failures);
        let zone = raw.service_time_zone.as_ref().and_then(|text| self.zone(text));
        let expressions = language::switches(&raw, zone);
        Fidelity {
            edition: base.edition,
            dialect: word_or(raw.dialect.as_deref(), base.dialect),
            active_style: word_or(raw.active_style.as_deref(), base.active_style),
            manager_style: word_or(raw.manager_style.as_deref(), base.manager_style),
            manager_remove_style: word_or(raw.manager_remove_style.as_deref(), base.manager_remove_style),
            on_missing: word_or(raw.on_missing.as_deref(), base.on_missing),
            retry_after: self.retry_after(raw.retry_after, base.retry_after),
            interval_jitter: raw.interval_jitter.unwrap_or(base.interval_jitter),
            timeout: self.duration(raw.timeout, base.timeout),
            workers: raw.workers.and_then(NonZeroU32::new).or(base.workers),
            headers: self.headers(raw.headers, base.headers),
            forward_flags: raw.forward_flags.unwrap_or(base.forward_flags),
            member_batch: raw.member_batch.and_then(NonZeroU32::new).unwrap_or(base.member_batch),
            probe: word_or(raw.probe.as_deref(), base.probe),
            group_create_style: word_or(raw.group_create_style.as_deref(), base.group_create_style),
            member_ref_null: raw.member_ref_null.unwrap_or(base.member_ref_null),
            reference_precheck: raw.reference_precheck.unwrap_or(base.reference_precheck),
            unmapped_active: word_or(raw.unmapped_active.as_deref(), base.unmapped_active),
            kno2fy_access_end: word_or(raw.kno2fy_access_end.as_deref(), base.kno2fy_access_end),
            roles_style: word_or(raw.roles_style.as_deref(), base.roles_style),
            roles_always: raw.roles_always.unwrap_or(base.roles_always),
            filter_escape: word_or(raw.filter_escape.as_deref(), base.filter_escape),
            requery_on_conflict: raw.requery_on_conflict.unwrap_or(base.requery_on_conflict),
            named_errors: raw.named_errors.unwrap_or(base.named_errors),
            follow_redirects: raw.follow_redirects.unwrap_or(base.follow_redirects),
            blank_token: word_or(raw.blank_token.as_deref(), base.blank_token),
            oauth_credential_location: word_or(
                raw.oauth_credential_location.as_deref(),
                base.oauth_credential_location,
            ),
            credential_limit: raw.credential_limit.unwrap_or(base.credential_limit),
            list_on_single: word_or(raw.list_on_single.as_deref(), base.list_on_single),
            covers_soft_delete: raw.covers_soft_delete.unwrap_or(base.covers_soft_delete),
            group_out_of_scope: word_or(raw.group_out_of_scope.as_deref(), base.group_out_of_scope),
            outage_after: raw.outage_after.and_then(NonZeroU32::new).unwrap_or(base.outage_after),
            failures,
            log_retention: self.duration(raw.log_retention, base.log_retention),
            mail_on_disable: raw.mail_on_disable.unwrap_or(base.mail_on_disable),
            intent_recovery: raw.intent_recovery.unwrap_or(base.intent_recovery),
            expressions,
            any_function_case: word_or(raw.function_case.as_deref(), FunctionCase::Exact)
                == FunctionCase::Any,
            drop_lone_backslash: word_or(raw.unknown_escape.as_deref(), UnknownEscape::Keep)
                == UnknownEscape::Drop,
            optscim_merge: word_or(raw.optscim_merge.as_deref(), base.optscim_merge),
            envelope_order: word_or(raw.envelope_order.as_deref(), base.envelope_order),
            none_fills_gaps: raw.none_fills_gaps.unwrap_or(base.none_fills_gaps),
            empty_flows: raw.empty_flows.unwrap_or(base.empty_flows),
            typed_json_values: raw.typed_json_values.unwrap_or(base.typed_json_values),
            primary_marks: raw.primary_marks.unwrap_or(base.primary_marks),
            flow_null_values: raw.flow_null_values.unwrap_or(base.flow_null_values),
            switch_null_defect: raw.switch_null_defect.unwrap_or(base.switch_null_defect),
            unknown_attributes: word_or(raw.unknown_attributes.as_deref(), base.unknown_attributes),
            assertive_none: raw.assertive_none.unwrap_or(base.assertive_none),
            adjacent_functions: raw.adjacent_functions.unwrap_or(base.adjacent_functions),
            unique_value_outbound: raw.unique_value_outbound.unwrap_or(base.unique_value_outbound),
            strict_conditions: raw.strict_conditions.unwrap_or(base.strict_conditions),
            regex_anchored: raw.regex_anchored.unwrap_or(base.regex_anchored),
            bitmask: raw.bitmask.unwrap_or(base.bitmask),
            multi_valued_filters: word_or(raw.multi_valued_filters.as_deref(), base.multi_valued_filters),
            scoping_key_names: word_or(raw.scoping_key_names.as_deref(), base.scoping_key_names),
            on_demand_shape: word_or(raw.on_demand_shape.as_deref(), base.on_demand_shape),
            fresh_job_code: word_or(raw.fresh_job_code.as_deref(), base.fresh_job_code),
            on_demand_rate: raw.on_demand_rate.unwrap_or(base.on_demand_rate),
            assignment_delay: match raw.assignment_delay {
                Some(text) => self.duration_unless("none", &text),
                None => base.assignment_delay,
            },
            page_size: raw.page_size.and_then(NonZeroU32::new).unwrap_or(base.page_size),
        }
    }

    fn zone(&mut self, text: &Text) -> Option<jiff::tz::Offset> {
        let zone = language::zone(text.get_ref());
        if zone.is_none() {
            let message = format!("`{}` is no time zone", text.get_ref());
            self.error(&text.span(), message, Some(language::ZONE_HELP.to_owned()));
        }
        zone
    }

    fn retry_after(&mut self, text: Option<Text>, default: RetryAfter) -> RetryAfter {
        const OFF: &str = "off";
        let Some(text) = text else { return default };
        if text.get_ref() == OFF {
            return RetryAfter::Off;
        }
        match duration::parse(text.get_ref()) {
            Ok(duration) => RetryAfter::UpTo(duration),
            Err(error) => {
                let help = format!("{}, or `{OFF}`", duration::HELP);
                self.error(&text.span(), error.to_string(), Some(help));
                default
            }
        }
    }

    fn journal_keep(&mut self, text: Option<Text>) -> Option<SignedDuration> {
        /// As long as Entra's own logs are kept.
        const DAYS: i64 = 30;
        match text {
            Some(text) => self.duration_unless("forever", &text),
            None => Some(SignedDuration::from_hours(DAYS * 24)),
        }
    }

    /// A duration; `None` where `word` is written in its place, or what is written is wrong.
    fn duration_unless(&mut self, word: &str, text: &Text) -> Option<SignedDuration> {
        if text.get_ref() == word {
            return None;
        }
        match duration::parse(text.get_ref()) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let help = format!("{}, or `{word}`", duration::HELP);
                self.error(&text.span(), error.to_string(), Some(help));
                None
            }
        }
    }

    fn headers(&mut self, raw: Option<RawHeaders>, base: Headers) -> Headers {
        let Some(raw) = raw else { return base };
        Headers {
            accept: self.header(raw.accept).unwrap_or(base.accept),
            user_agent: self.header(raw.user_agent).or(base.user_agent),
        }
    }

    fn header(&mut self, text: Option<Text>) -> Option<String> {
        let text = text?;
        let value = text.get_ref();
        let printable = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !printable || value.is_empty() || value.trim() != value {
            let help = "printable ASCII without blanks around it";
            self.error(&text.span(), "this can not stand in an HTTP header", Some(help.to_owned()));
            return None;
        }
        Some(text.into_inner())
    }

    pub(super) fn duration(&mut self, text: Option<Text>, default: SignedDuration) -> SignedDuration {
        let Some(text) = text else { return default };
        duration::parse(text.get_ref()).unwrap_or_else(|error| {
            self.error(&text.span(), error.to_string(), Some(duration::HELP.to_owned()));
            default
        })
    }
}

/// Values that must not occur twice, with the place of the first occurrence.
struct Seen {
    what: &'static str,
    first: BTreeMap<String, Range<usize>>,
}

impl Seen {
    fn new(what: &'static str) -> Self {
        Self { what, first: BTreeMap::new() }
    }

    fn note(&mut self, converter: &mut Converter<'_>, value: &str, span: Range<usize>) {
        match self.first.get(value) {
            Some(first) => {
                let line = converter.source.place(first).line.unwrap_or_default();
                let help = format!("line {line} has it first");
                converter.error(&span, format!("the {} `{value}` is used twice", self.what), Some(help));
            }
            None => {
                self.first.insert(value.to_owned(), span);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Access, TokenSource};

    /// The defaults are stated twice, for people (the schema) and for the program ([`Fidelity::of`] and the like).
    #[test]
    fn writing_out_every_default_of_the_schema_changes_nothing() {
        let schema = schema::json_schema();
        let mut keys_written = 0;
        let mut defaults = |pointer: &str| {
            let keys = schema.pointer(pointer).and_then(serde_json::Value::as_object).unwrap();
            let lines: Vec<String> = keys
                .iter()
                .filter_map(|(key, of)| Some(format!("{key} = {}\n", of.get("default")?)))
                .collect();
            keys_written += lines.len();
            lines.concat()
        };
        let job = "/properties/job/items/properties";
        let written = format!(
            "[directory]\npath = 'd'\n{}vanish_limit = {{ {} }}\n[mail]\n{}[[job]]\nname = 'j'\ntenant_url = 'embedded'\n{}\
             [job.fidelity]\n{}[job.fidelity.headers]\n{}",
            defaults("/properties/directory/properties"),
            defaults("/properties/directory/properties/vanish_limit/properties").trim().replace('\n', ", "),
            defaults("/properties/mail/properties"),
            defaults(job),
            defaults(&format!("{job}/fidelity/properties")),
            defaults(&format!("{job}/fidelity/properties/headers/properties")),
        );
        let bare = "[directory]\npath = 'd'\n[[job]]\nname = 'j'\ntenant_url = 'embedded'\n";
        let read = |text: &str| {
            let source = Source::new(Path::new("scimulator.toml"), text.to_owned());
            load(&source).unwrap_or_else(|findings| panic!("{text}\n{findings:#?}"))
        };
        let ((written_config, written_warnings), (bare_config, _)) = (read(&written), read(bare));
        assert_eq!(written_warnings, []);
        assert_eq!(format!("{written_config:?}"), format!("{bare_config:?}"));
        assert!(30 <= keys_written, "the schema states its defaults: {keys_written}");
    }

    #[test]
    fn a_token_is_read_from_each_of_its_three_places() {
        let read = |token: &str| {
            let text = format!(
                "[directory]\npath = 'd'\n[[job]]\nname = 'j'\ntenant_url = 'embedded'\ntoken = {token}\n"
            );
            let source = Source::new(Path::new("conf/scimulator.toml"), text);
            let Access::Token(token) = load(&source).unwrap().0.jobs.remove(0).access else {
                panic!("a token")
            };
            token
        };
        assert!(matches!(read("{ env = 'SCIM_TOKEN' }"), TokenSource::Env(name) if name == "SCIM_TOKEN"));
        assert!(matches!(read("{ file = 't' }"), TokenSource::File(path) if path == Path::new("conf/t")));
        let TokenSource::Value(value) = read("{ value = 's3cr3t' }") else { panic!("a value") };
        assert_eq!(secrecy::ExposeSecret::expose_secret(&value), "s3cr3t");
    }
}
