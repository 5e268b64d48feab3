//! An app that is held to its profile: it takes the attributes that are listed, of the types that are listed, wants
//! those that are required, and filters on those that can be filtered on. All of it is data, the profile's own TOML with
//! a table `[app]`, read here without a line of the client's.
//!
//! Where the applications' tutorials are silent, `gallery.md` settles the answers: 400 with `invalidPath`,
//! `invalidValue` or `invalidFilter`, and the attribute named.

mod listed;
mod request;
mod schemas;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ResourceKind;
use super::answer::Refusal;
use super::filter::{Filter, Subject};
use super::path::AttributeName;
use super::schema;
pub(super) use listed::Listed;
use listed::RawAttribute;

/// Why a profile can not be played.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It is no profile.
    #[error("the profile can't be read")]
    Form(#[source] Box<toml::de::Error>),
    /// It lists something that is no attribute.
    #[error("`{name}` in the profile is no attribute of a {kind}")]
    Attribute {
        /// What is listed.
        name: String,
        /// Among the attributes of what.
        kind: ResourceKind,
    },
}

/// What an application takes.
#[derive(Debug, Clone)]
pub struct AppRules {
    users: KindRules,
    /// `None` for an application without groups.
    groups: Option<KindRules>,
    /// What users get from their groups.
    pub(super) license: Option<License>,
    /// What its console offers.
    pub(super) console: ConsoleRules,
}

/// What it takes of one kind.
#[derive(Debug, Clone)]
struct KindRules {
    listed: Vec<Listed>,
    /// Whether resources can be deleted.
    delete: bool,
}

/// A licence that a group gives to its users.
#[derive(Debug, Clone)]
pub(super) struct License {
    /// Where groups say it: `true` or `false`.
    pub(super) group: ExtensionAttribute,
    /// Where users show it.
    pub(super) user: ExtensionAttribute,
    /// What users show who have it.
    pub(super) granted: String,
    /// What the others show.
    pub(super) withheld: String,
    /// What a group gives that says nothing.
    pub(super) unspecified: bool,
}

/// An attribute of an extension.
#[derive(Debug, Clone)]
pub(super) struct ExtensionAttribute {
    pub(super) urn: String,
    pub(super) name: String,
}

impl ExtensionAttribute {
    fn parse(text: &str) -> Option<Self> {
        let AttributeName { schema, attribute, sub } = AttributeName::parse(text)?;
        Some(Self { urn: schema.filter(|_| sub.is_none())?, name: attribute })
    }
}

/// What the application's own console offers, besides SCIM.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsoleRules {
    /// Whether it hands out tokens, and how many are good at a time; `None` when the vendor does that.
    pub(super) tokens: Option<TokenRule>,
    /// Provisioning can be switched on and off, and to this other way.
    pub(super) other_mode: Option<String>,
    /// Whether changes can be rehearsed.
    #[serde(default)]
    pub(super) test_mode: bool,
    /// Whether users have further e-mail addresses, which SCIM does not know.
    #[serde(default)]
    pub(super) aliases: bool,
    /// Whether it can ask for a sync.
    #[serde(default)]
    pub(super) force_sync: bool,
}

/// How many tokens of a console are good at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenRule {
    /// The newest.
    One,
    /// Each until it is revoked.
    Many,
}

/// The parts of a profile that say what an application takes.
#[derive(Deserialize)]
struct RawProfile {
    user: RawKind,
    group: Option<RawKind>,
    app: Option<RawApp>,
}

#[derive(Deserialize)]
struct RawKind {
    attributes: Vec<RawAttribute>,
    #[serde(default = "yes")]
    delete: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApp {
    #[serde(default)]
    console: ConsoleRules,
    license: Option<RawLicense>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLicense {
    group: String,
    user: String,
    granted: String,
    withheld: String,
    unspecified: bool,
}

fn yes() -> bool {
    true
}

impl AppRules {
    /// What the profile says of its application; `None` when it has no table `[app]`, and everything is taken.
    pub fn read(profile: &str) -> Result<Option<Self>, RulesError> {
        let raw: RawProfile = toml::from_str(profile).map_err(|error| RulesError::Form(Box::new(error)))?;
        let Some(app) = raw.app else { return Ok(None) };
        let license = app.license.map(License::read).transpose()?;
        Ok(Some(Self {
            users: KindRules::read(ResourceKind::User, &raw.user)?,
            groups: raw.group.map(|group| KindRules::read(ResourceKind::Group, &group)).transpose()?,
            license,
            console: app.console,
        }))
    }

    /// Whether the application has resources of this kind.
    pub(super) fn has(&self, kind: ResourceKind) -> bool {
        self.kind(kind).is_some()
    }

    /// Whether they can be deleted.
    pub(super) fn can_delete(&self, kind: ResourceKind) -> bool {
        self.kind(kind).is_some_and(|rules| rules.delete)
    }

    /// Refuses a filter on anything that can not be filtered on.
    pub(super) fn check_filter(&self, kind: ResourceKind, filter: &Filter) -> Result<(), Refusal> {
        match filter {
            Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|one| self.check_filter(kind, one)),
            Filter::Not(inner) => self.check_filter(kind, inner),
            Filter::Present(subject) | Filter::Compare(subject, ..) => self.check_subject(kind, subject),
        }
    }

    /// Refuses a resource that lacks what is required; `body` has its attributes as they are kept.
    pub(super) fn check_required(
        &self,
        kind: ResourceKind,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        match self.listed(kind).iter().find(|one| one.is_required() && !one.is_in(body)) {
            Some(missing) => Err(Refusal::value(format!("`{}` is required of a {kind}", missing.text))),
            None => Ok(()),
        }
    }

    fn check_subject(&self, kind: ResourceKind, subject: &Subject) -> Result<(), Refusal> {
        let found = schema::resolve(kind, &subject.name)
            .and_then(|resolved| self.find(kind, &resolved, subject.within.as_deref()));
        if found.is_some_and(|one| one.filterable) {
            return Ok(());
        }
        let text = listed::label(&subject.name, subject.within.as_deref());
        let filterable: Vec<String> = self
            .listed(kind)
            .iter()
            .filter(|one| one.filterable)
            .map(|one| format!("`{}`", one.text))
            .collect();
        let instead = match filterable.as_slice() {
            [] => "it filters on nothing".to_owned(),
            some => format!("it filters on {}", some.join(" and ")),
        };
        Err(Refusal::filter(format!("this app can not filter a {kind} on `{text}`; {instead}")))
    }

    fn find(
        &self,
        kind: ResourceKind,
        resolved: &schema::Resolved,
        filter: Option<&Filter>,
    ) -> Option<&Listed> {
        self.listed(kind).iter().find(|one| one.is(resolved, filter))
    }

    fn listed(&self, kind: ResourceKind) -> &[Listed] {
        self.kind(kind).map(|rules| rules.listed.as_slice()).unwrap_or_default()
    }

    fn kind(&self, kind: ResourceKind) -> Option<&KindRules> {
        match kind {
            ResourceKind::User => Some(&self.users),
            ResourceKind::Group => self.groups.as_ref(),
        }
    }
}

impl KindRules {
    fn read(kind: ResourceKind, raw: &RawKind) -> Result<Self, RulesError> {
        let listed: Result<Vec<Listed>, RulesError> = raw
            .attributes
            .iter()
            .map(|one| {
                Listed::read(kind, one).ok_or_else(|| RulesError::Attribute { name: one.name.clone(), kind })
            })
            .collect();
        Ok(Self { listed: listed?, delete: raw.delete })
    }
}

impl License {
    fn read(raw: RawLicense) -> Result<Self, RulesError> {
        let attribute =
            |name: String, kind| ExtensionAttribute::parse(&name).ok_or(RulesError::Attribute { name, kind });
        Ok(Self {
            group: attribute(raw.group, ResourceKind::Group)?,
            user: attribute(raw.user, ResourceKind::User)?,
            granted: raw.granted,
            withheld: raw.withheld,
            unspecified: raw.unspecified,
        })
    }

    /// What users get from a group with these attributes.
    pub(super) fn is_granted_by(&self, group: &Map<String, Value>) -> bool {
        let extension = group.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.group.urn));
        let said = extension
            .and_then(|(_, fields)| fields.as_object())
            .and_then(|fields| super::filter::evaluate::find(fields, &self.group.name))
            .and_then(Value::as_str);
        said.map_or(self.unspecified, |said| said.eq_ignore_ascii_case("true"))
    }
}
