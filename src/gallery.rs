//! The application profiles that come with the program, as data; [`Template::parse`] reads them.

use std::path::Path;

use crate::mapping::template::{Places, Template, TemplateOptions};

/// The profile of a job that names none: the portal's "Integrate any other application" (`wire.md 12`).
pub const DEFAULT: &str = "scim";

const PROFILES: [(&str, &str); 2] = [
    (DEFAULT, include_str!("gallery/scim.toml")),
    ("customappsso", include_str!("gallery/customappsso.toml")),
];

/// Names of the profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|(name, _)| *name)
}

/// The text of a profile, to be shown or to start an own one from; `None` for an unknown name.
pub fn source(name: &str) -> Option<&'static str> {
    PROFILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A profile, parsed as the options say; `None` for an unknown name, and when the options refuse it.
pub fn template(name: &str, options: &TemplateOptions<'_>) -> Option<Template> {
    let template = Template::parse(source(name)?, Path::new(name), options).0?;
    Some(Template { places: Places::default(), ..template })
}
