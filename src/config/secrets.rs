//! Settings that Entra keeps among the secrets of a job, by the names and in the texts of Graph (`graph-api.md 5`): for
//! whoever copies them from a tenant. Each says what a key of the job says too; only one of the two may.

use serde::Deserialize;
use toml::Spanned;

use super::convert::Converter;
use super::raw::{RawSecrets, Text};
use crate::scope::ScopeMode;

/// What the secrets say; `None` where they say nothing.
#[derive(Default)]
pub(super) struct Stored {
    /// `SyncAll`.
    pub(super) scope: Option<Spanned<ScopeMode>>,
    /// `SkipOutOfScopeDeletions`.
    pub(super) skip_out_of_scope_deletions: Option<Spanned<bool>>,
    /// `Recipients` of `SyncNotificationSettings`, where they are told of anything.
    pub(super) notification_email: Option<Text>,
    /// `DeleteThresholdValue` of `SyncNotificationSettings`, where it is enabled.
    pub(super) delete_threshold: Option<Spanned<u32>>,
}

/// The JSON text of `SyncNotificationSettings` (`engine.md 7`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Notifications {
    /// Whether somebody is told of quarantine.
    enabled: bool,
    /// Who is.
    #[serde(default)]
    recipients: Option<String>,
    /// Whether the deletion guard is on.
    #[serde(default)]
    delete_threshold_enabled: bool,
    /// How much passes it; the sample value of the documentation where it is not said.
    #[serde(default = "sample_threshold")]
    delete_threshold_value: u32,
    /// Inbound only.
    #[serde(default)]
    human_resources_lookahead_query_enabled: bool,
}

fn sample_threshold() -> u32 {
    500
}

/// Reads them; mistakes are noted.
pub(super) fn stored(converter: &mut Converter<'_>, raw: Option<RawSecrets>) -> Stored {
    let Some(raw) = raw else { return Stored::default() };
    let scope = raw.sync_all.and_then(|text| {
        let all = boolean(converter, "SyncAll", &text)?;
        Some(Spanned::new(text.span(), if all { ScopeMode::All } else { ScopeMode::Assigned }))
    });
    let skip_out_of_scope_deletions = raw.skip_out_of_scope_deletions.and_then(|text| {
        Some(Spanned::new(text.span(), boolean(converter, "SkipOutOfScopeDeletions", &text)?))
    });
    let mut stored = Stored { scope, skip_out_of_scope_deletions, ..Stored::default() };
    if let Some(text) = raw.sync_notification_settings {
        notifications(converter, &text, &mut stored);
    }
    stored
}

fn notifications(converter: &mut Converter<'_>, text: &Text, stored: &mut Stored) {
    let settings: Notifications = match serde_json::from_str(text.get_ref()) {
        Ok(settings) => settings,
        Err(error) => {
            let help = "write for example '{\"Enabled\":true,\"Recipients\":\"ops@contoso.com\",\
                        \"DeleteThresholdEnabled\":true,\"DeleteThresholdValue\":500}'";
            let message = format!("`SyncNotificationSettings` is not the JSON of these settings: {error}");
            converter.error(&text.span(), message, Some(help.to_owned()));
            return;
        }
    };
    if settings.human_resources_lookahead_query_enabled {
        let message = "`HumanResourcesLookaheadQueryEnabled` has no effect in an outbound job";
        converter.warning(&text.span(), message, None);
    }
    let recipients = settings.recipients.filter(|recipients| !recipients.is_empty());
    let told = settings.enabled || settings.delete_threshold_enabled;
    stored.notification_email =
        recipients.filter(|_| told).map(|recipients| Spanned::new(text.span(), recipients));
    stored.delete_threshold =
        settings.delete_threshold_enabled.then(|| Spanned::new(text.span(), settings.delete_threshold_value));
}

/// `True` or `False` in any letter case, as the samples have it (`graph-api.md 5`).
fn boolean(converter: &mut Converter<'_>, key: &str, text: &Text) -> Option<bool> {
    match text.get_ref() {
        value if value.eq_ignore_ascii_case("true") => Some(true),
        value if value.eq_ignore_ascii_case("false") => Some(false),
        value => {
            let help = "write \"True\" or \"False\"".to_owned();
            converter.error(&text.span(), format!("`{key}` can't be `{value}`"), Some(help));
            None
        }
    }
}

/// What the job's own key says, else the secret; both at once are a mistake.
pub(super) fn either<T>(
    converter: &mut Converter<'_>,
    key: &str,
    own: Option<T>,
    secret: Option<Spanned<T>>,
) -> Option<T> {
    if let (Some(_), Some(secret)) = (&own, &secret) {
        let message = format!("the job says this by `{key}` already");
        converter.error(&secret.span(), message, Some("keep one of the two".to_owned()));
    }
    own.or_else(|| secret.map(Spanned::into_inner))
}
