//! The application profiles that come with the program, as data; [`Template::parse`] reads them.

use std::path::Path;

use crate::mapping::template::{Places, Template, TemplateOptions};
use crate::scim::style::Dialect;

/// The profile of a job that names none: the portal's "Integrate any other application" (`wire.md 12`).
pub const DEFAULT: &str = "scim";

/// The application of which the public record says both that a user who loses access is disabled and that he is
/// removed.
pub const KNO2FY: &str = "kno2fy";

/// The template of 2018.
const LEGACY: &str = "customappsso";

const PROFILES: [(&str, &str); 7] = [
    (DEFAULT, include_str!("gallery/scim.toml")),
    ("kintone", include_str!("gallery/kintone.toml")),
    ("klaxoon", include_str!("gallery/klaxoon.toml")),
    (KNO2FY, include_str!("gallery/kno2fy.toml")),
    ("knowbe4", include_str!("gallery/knowbe4.toml")),
    ("kpifire", include_str!("gallery/kpifire.toml")),
    (LEGACY, include_str!("gallery/customappsso.toml")),
];

/// Whether the secret token of a profile's jobs may be left blank: those of gallery apps have one (`wire.md 1.3`).
pub fn takes_blank_token(name: &str) -> bool {
    matches!(name, DEFAULT | LEGACY)
}

/// Names of the profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|(name, _)| *name)
}

/// The text of a profile, to be shown or to start an own one from; `None` for an unknown name.
pub fn source(name: &str) -> Option<&'static str> {
    PROFILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The dialect that a profile says its jobs speak, whatever their tenant URL says.
pub fn pinned_dialect(name: &str) -> Option<Dialect> {
    Dialect::from_name(parsed(name)?.get("dialect")?.as_str()?)
}

/// Whether a profile lets users be deleted (target object action Delete).
pub fn deletes_users(name: &str) -> bool {
    let delete = |profile: toml::Table| profile.get("user")?.get("delete")?.as_bool();
    parsed(name).and_then(delete).unwrap_or(true)
}

fn parsed(name: &str) -> Option<toml::Table> {
    toml::from_str(source(name)?).ok()
}

/// A profile, parsed as the options say; `None` for an unknown name, and when the options refuse it.
pub fn template(name: &str, options: &TemplateOptions<'_>) -> Option<Template> {
    let template = Template::parse(source(name)?, Path::new(name), options).0?;
    Some(Template { places: Places::default(), ..template })
}
