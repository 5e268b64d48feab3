//! Profiles: the mappings and target attribute lists of an application, as data. The built-in ones
//! ([`crate::gallery`]) and a person's own are the same kind of file, read here.
//!
//! ```toml
//! name = "scim"
//! title = "Integrate any other application"
//! # gallery = true      # the application may define attributes of its own outside an extension namespace
//! # dialect = "optscim"                    # whatever the tenant URL says
//! # target_supports_soft_delete = false    # of a gallery application: DELETE in place of a disable
//! # requests_per_second = 25               # of a gallery application: the pace that its developer asks for
//!
//! [user]
//! # filters = [{ name = "Sales", clauses = [{ attribute = "department", operator = "EQUALS", value = "Sales" }] }]
//! name = "Provision Microsoft Entra ID Users"
//! target = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
//! attributes = [
//!     { name = "id", anchor = true, required = true },
//!     { name = "userName", required = true },
//!     { name = "active", type = "Boolean" },
//! ]
//! mappings = [
//!     { attribute = "userPrincipalName", target = "userName", matching = 1 },
//!     { expression = 'Not([IsSoftDeleted])', target = "active" },
//! ]
//!
//! # [app]               # the embedded app plays this application, which takes what is listed and nothing else
//! ```

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

use super::check::CheckOptions;
use super::definition::{AttributeDefinition, AttributeType, Mutability, TargetObject};
use super::rule::{AttributeMapping, EscrowBehavior, FlowBehavior, FlowType, MappingSource, ObjectMapping};
use super::source::misspelt;
use super::written::WrittenGroup;
use crate::diagnostic::{Diagnostic, Place, Severity, did_you_mean, has_errors};
use crate::directory::object::ObjectKind;
use crate::expression::{Expression, ParseOptions};
use crate::scim::path::TargetPath;
use crate::scim::style::Dialect;
use crate::scim::urn;
use crate::scope::filter::{Filter, FilterOptions};

/// How an application is provisioned.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its name in a configuration.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The dialect that its jobs speak whatever their tenant URL says; `None` leaves it to the URL's flags
    /// (`wire.md 0.3`).
    pub dialect: Option<Dialect>,
    /// Whether its connector can disable an account; where it can't, DELETE takes the place of that (`engine.md 4.2`,
    /// column F).
    pub target_supports_soft_delete: bool,
    /// The most requests a second that the application asks for, for each job (`engine.md 5.4`); `None` for no limit.
    pub requests_per_second: Option<NonZeroU32>,
    /// One mapping a kind, users first.
    pub mappings: Vec<ObjectMapping>,
    /// Where its parts are written.
    pub places: Places,
}

/// Where mappings and clauses are written, for what is found out about them later; empty for a profile that ships.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Places {
    /// Mappings, by kind and place in [`ObjectMapping::attributes`].
    pub mappings: BTreeMap<(ObjectKind, usize), Place>,
    /// Clauses of filters, by kind and attribute: the first of each.
    pub clauses: BTreeMap<(ObjectKind, String), Place>,
}

/// What reading a profile depends on.
#[derive(Clone, Copy)]
pub struct TemplateOptions<'o> {
    /// How expressions are parsed.
    pub parse: ParseOptions<'o>,
    /// How mappings are checked.
    pub check: CheckOptions,
    /// How filters are read.
    pub filter: FilterOptions<'o>,
}

impl Template {
    /// Reads a profile. The diagnostics of a good one are warnings; of a bad one, every mistake that could be found,
    /// placed in `file`.
    pub fn parse(text: &str, file: &Path, options: &TemplateOptions<'_>) -> (Option<Self>, Vec<Diagnostic>) {
        let mut reader = Reader {
            text,
            file,
            options,
            diagnostics: Vec::new(),
            gallery: false,
            places: Places::default(),
        };
        let template = reader.template();
        let usable = !has_errors(&reader.diagnostics);
        (template.filter(|_| usable), reader.diagnostics)
    }

    /// The mapping of a kind.
    pub fn mapping(&self, kind: ObjectKind) -> Option<&ObjectMapping> {
        self.mappings.iter().find(|mapping| mapping.kind == kind)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplate {
    name: String,
    title: String,
    #[serde(default)]
    gallery: bool,
    dialect: Option<Spanned<String>>,
    target_supports_soft_delete: Option<Spanned<bool>>,
    requests_per_second: Option<Spanned<NonZeroU32>>,
    user: Spanned<RawObject>,
    group: Option<Spanned<RawObject>>,
    app: Option<RawApp>,
}

/// How the embedded app plays the application. That app shares no code with the client and reads it anew; here it is
/// only held to its form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApp {
    #[serde(rename = "console")]
    _console: Option<RawConsole>,
    license: Option<RawLicense>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConsole {
    #[serde(rename = "tokens")]
    _tokens: Option<RawTokens>,
    #[serde(rename = "other_mode")]
    _other_mode: Option<String>,
    #[serde(rename = "test_mode")]
    _test_mode: Option<bool>,
    #[serde(rename = "aliases")]
    _aliases: Option<bool>,
    #[serde(rename = "force_sync")]
    _force_sync: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawTokens {
    One,
    Many,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLicense {
    group: Spanned<String>,
    user: Spanned<String>,
    #[serde(rename = "granted")]
    _granted: String,
    #[serde(rename = "withheld")]
    _withheld: String,
    #[serde(rename = "unspecified")]
    _unspecified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawObject {
    name: String,
    target: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    create: bool,
    #[serde(default = "yes")]
    update: bool,
    #[serde(default = "yes")]
    delete: bool,
    escrow_behavior: Option<Spanned<String>>,
    #[serde(default)]
    filters: Vec<Spanned<WrittenGroup>>,
    attributes: Vec<RawAttribute>,
    mappings: Vec<Spanned<RawMapping>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAttribute {
    name: Spanned<String>,
    #[serde(rename = "type")]
    attribute_type: Option<Spanned<String>>,
    #[serde(default)]
    anchor: bool,
    #[serde(default)]
    required: bool,
    #[serde(default = "yes")]
    filterable: bool,
    #[serde(default)]
    multivalued: bool,
    #[serde(default = "yes")]
    case_exact: bool,
    mutability: Option<Spanned<String>>,
    default: Option<String>,
    #[serde(default)]
    flow_null_values: bool,
    #[serde(default)]
    references: Vec<String>,
    /// The values that the embedded app takes; mappings have no use for them.
    #[serde(default, rename = "values")]
    _values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    attribute: Option<String>,
    expression: Option<Spanned<String>>,
    constant: Option<String>,
    target: Spanned<String>,
    default: Option<String>,
    #[serde(default)]
    matching: u32,
    flow_type: Option<Spanned<String>>,
    #[serde(default)]
    flow_null_values: bool,
    flow_behavior: Option<Spanned<String>>,
}

/// Attributes of the core and enterprise schemas (RFC 7643 §3.1, §4.1 to §4.3) that need no namespace.
const USER_ATTRIBUTES: [&str; 22] = [
    "active",
    "addresses",
    "displayName",
    "emails",
    "entitlements",
    "externalId",
    "groups",
    "id",
    "ims",
    "locale",
    "name",
    "nickName",
    "password",
    "phoneNumbers",
    "photos",
    "preferredLanguage",
    "profileUrl",
    "roles",
    "timezone",
    "title",
    "userName",
    "userType",
];

/// The same of groups.
const GROUP_ATTRIBUTES: [&str; 4] = ["displayName", "externalId", "id", "members"];

fn is_standard(kind: ObjectKind, path: &TargetPath) -> bool {
    let among = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(path.attribute()));
    match (path.extension(), kind) {
        (None, ObjectKind::User) => among(&USER_ATTRIBUTES),
        (None, ObjectKind::Group) => among(&GROUP_ATTRIBUTES),
        (Some(schema), _) => schema.eq_ignore_ascii_case(urn::ENTERPRISE_USER),
    }
}

/// Whether an attribute is none of the core or enterprise schema.
fn is_custom_name(kind: ObjectKind, name: &str) -> bool {
    TargetPath::parse(name).is_ok_and(|path| !is_standard(kind, &path))
}

/// Whether an attribute is one that a custom one may be (`mapping.md 2.4`): a single value of its own.
fn is_plain(name: &str, definition: &AttributeDefinition) -> bool {
    let simple = TargetPath::parse(name).is_ok_and(|path| path.filter().is_none() && path.sub().is_none());
    simple && !definition.multivalued && definition.attribute_type != AttributeType::Reference
}

/// Whether a custom attribute is where custom attributes belong (`wire.md 12.4`).
fn is_custom(path: &TargetPath) -> bool {
    let schema = path.extension().map(str::to_ascii_lowercase);
    schema.is_some_and(|schema| {
        schema.starts_with("urn:ietf:params:scim:schemas:extension:")
            && (schema.ends_with(":2.0:user") || schema.ends_with(":2.0:group"))
    })
}

fn yes() -> bool {
    true
}

struct Reader<'r> {
    text: &'r str,
    file: &'r Path,
    options: &'r TemplateOptions<'r>,
    diagnostics: Vec<Diagnostic>,
    gallery: bool,
    places: Places,
}

impl Reader<'_> {
    fn template(&mut self) -> Option<Template> {
        let raw: RawTemplate = match toml::from_str(self.text) {
            Ok(raw) => raw,
            Err(error) => {
                self.error(error.message(), error.span().unwrap_or_default());
                return None;
            }
        };
        self.gallery = raw.gallery;
        let dialect = raw.dialect.map(|name| self.name(Some(name), "dialect", Dialect::ALL, Dialect::as_str));
        self.of_gallery("target_supports_soft_delete", raw.target_supports_soft_delete.as_ref());
        self.of_gallery("requests_per_second", raw.requests_per_second.as_ref());
        let objects = [(ObjectKind::User, Some(raw.user)), (ObjectKind::Group, raw.group)];
        let mappings: Vec<ObjectMapping> =
            objects.into_iter().filter_map(|(kind, object)| Some(self.object(kind, object?))).collect();
        if let Some(license) = raw.app.and_then(|app| app.license) {
            self.license(&license, &mappings);
        }
        Some(Template {
            name: raw.name,
            title: raw.title,
            dialect,
            target_supports_soft_delete: raw.target_supports_soft_delete.is_none_or(Spanned::into_inner),
            requests_per_second: raw.requests_per_second.map(Spanned::into_inner),
            mappings,
            places: std::mem::take(&mut self.places),
        })
    }

    /// The licence of a group must be listed; that of a user is the app's own, in a namespace of its own.
    fn license(&mut self, license: &RawLicense, mappings: &[ObjectMapping]) {
        let group = license.group.get_ref();
        let groups = mappings.iter().find(|mapping| mapping.kind == ObjectKind::Group);
        if !groups.is_some_and(|mapping| mapping.target.attributes.contains_key(group)) {
            self.error(format!("`{group}` is not in the attribute list of groups"), license.group.span());
        }
        for name in [&license.group, &license.user] {
            let path = TargetPath::parse(name.get_ref());
            if !path.is_ok_and(|path| path.extension().is_some() && path.sub().is_none()) {
                self.error(format!("`{}` is no attribute of an extension", name.get_ref()), name.span());
            }
        }
    }

    /// A key that only Microsoft gives to an application, when it takes it into its gallery.
    fn of_gallery<T>(&mut self, key: &str, given: Option<&Spanned<T>>) {
        if let (Some(given), false) = (given, self.gallery) {
            let message = format!("`{key}` is for gallery applications");
            let help = "write `gallery = true` if it is one; any other application has nothing of the kind";
            self.push(Severity::Error, message, given.span(), Some(help.to_owned()));
        }
    }

    fn object(&mut self, kind: ObjectKind, raw: Spanned<RawObject>) -> ObjectMapping {
        let whole = raw.span();
        let raw = raw.into_inner();
        let scope = self.filter(kind, raw.filters);
        let mut definitions = IndexMap::new();
        for attribute in raw.attributes {
            let (span, name) = (attribute.name.span(), attribute.name.get_ref().clone());
            match TargetPath::parse(&name) {
                Ok(path) if self.gallery || is_standard(kind, &path) || is_custom(&path) => {}
                Ok(path) => {
                    let help = format!(
                        "write it as `urn:ietf:params:scim:schemas:extension:<Name>:2.0:{kind}:{}`",
                        path.attribute()
                    );
                    let message = format!("the custom attribute `{name}` is in no extension namespace");
                    self.push(Severity::Error, message, span.clone(), Some(help));
                }
                Err(error) => self.error(format!("`{name}` is no target path: {error}"), span.clone()),
            }
            let definition = self.definition(attribute);
            if !self.gallery && is_custom_name(kind, &name) && !is_plain(&name, &definition) {
                let help = "such attributes need a gallery app, or a schema edited over Graph".to_owned();
                let message =
                    format!("the custom attribute `{name}` is a reference, multi-valued or complex");
                self.push(Severity::Error, message, span.clone(), Some(help));
            }
            if definitions.insert(name.clone(), definition).is_some() {
                self.error(format!("a second definition of `{name}`"), span);
            }
        }
        let mut attributes = Vec::new();
        let mut spans = Vec::new();
        for mapping in raw.mappings {
            let span = mapping.span();
            if let Some(mapping) = self.mapping(mapping.into_inner(), &span) {
                for name in mapping.source.attributes() {
                    if let Some(near) = misspelt(kind, name) {
                        let message = format!("Entra knows no attribute `{name}` of a {kind}");
                        let help = Some(format!("did you mean `{near}`?"));
                        self.push(Severity::Warning, message, span.clone(), help);
                    }
                }
                self.places.mappings.insert((kind, attributes.len()), self.place(span.start));
                attributes.push(mapping);
                spans.push(span);
            }
        }
        let object = ObjectMapping {
            kind,
            name: raw.name,
            enabled: raw.enabled,
            create: raw.create,
            update: raw.update,
            delete: raw.delete,
            escrow_behavior: self.name(
                raw.escrow_behavior,
                "escrow behavior",
                EscrowBehavior::ALL,
                EscrowBehavior::as_str,
            ),
            scope,
            attributes,
            target: TargetObject { name: raw.target, attributes: definitions },
        };
        for problem in object.check(self.options.check) {
            let span = problem.mapping_index.and_then(|index| spans.get(index)).unwrap_or(&whole).clone();
            self.push(problem.severity, problem.message, span, problem.help);
        }
        object
    }

    fn filter(&mut self, kind: ObjectKind, written: Vec<Spanned<WrittenGroup>>) -> Filter {
        let mut filter = Filter::default();
        for group in written {
            for (name, span) in group.get_ref().attributes() {
                let place = self.place(span.start);
                self.places.clauses.entry((kind, name)).or_insert(place);
            }
            let mut mistakes = group.get_ref().missing(&group.span());
            mistakes.extend(group.into_inner().add_to(&mut filter, kind, &self.options.filter));
            for mistake in mistakes {
                self.push(mistake.severity, mistake.message, mistake.span, mistake.help);
            }
        }
        filter
    }

    fn definition(&mut self, raw: RawAttribute) -> AttributeDefinition {
        AttributeDefinition {
            attribute_type: self.name(raw.attribute_type, "type", AttributeType::ALL, AttributeType::as_str),
            anchor: raw.anchor,
            required: raw.required,
            filterable: raw.filterable,
            multivalued: raw.multivalued,
            case_exact: raw.case_exact,
            mutability: self.name(raw.mutability, "mutability", Mutability::ALL, Mutability::as_str),
            default_value: raw.default,
            flow_null_values: raw.flow_null_values,
            referenced_objects: raw.references,
        }
    }

    /// `None` when its target or source can not be read; the reason is noted.
    fn mapping(&mut self, raw: RawMapping, span: &Range<usize>) -> Option<AttributeMapping> {
        let target_span = raw.target.span();
        let target = match TargetPath::parse(raw.target.get_ref()) {
            Ok(target) => Some(target),
            Err(error) => {
                self.error(format!("`{}` is no target path: {error}", raw.target.get_ref()), target_span);
                None
            }
        };
        let source = match (raw.attribute, raw.expression, raw.constant) {
            (Some(name), None, None) => Some(MappingSource::Direct(name)),
            (None, Some(text), None) => self.expression(&text),
            (None, None, Some(text)) => Some(MappingSource::Constant(text)),
            (None, None, None) => Some(MappingSource::None),
            (_, _, _) => {
                let help = Some("keep one of `attribute`, `expression` and `constant`".to_owned());
                self.push(Severity::Error, "a mapping has one source".to_owned(), span.clone(), help);
                None
            }
        };
        let flow_type = self.name(raw.flow_type, "flow type", FlowType::ALL, FlowType::as_str);
        let flow_behavior =
            self.name(raw.flow_behavior, "flow behavior", FlowBehavior::ALL, FlowBehavior::as_str);
        Some(AttributeMapping {
            source: source?,
            target: target?,
            default_value: raw.default,
            matching_priority: raw.matching,
            flow_type,
            flow_null_values: raw.flow_null_values,
            flow_behavior,
        })
    }

    fn expression(&mut self, text: &Spanned<String>) -> Option<MappingSource> {
        match Expression::parse(text.get_ref(), &self.options.parse) {
            Ok(expression) => Some(MappingSource::Expression(expression)),
            Err(errors) => {
                for error in errors {
                    self.error(error.to_string(), text.span());
                }
                None
            }
        }
    }

    /// One of a set of names; the default when absent, and when wrong, which is noted.
    fn name<T: Copy + Default>(
        &mut self,
        given: Option<Spanned<String>>,
        what: &str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> T {
        let Some(given) = given else { return T::default() };
        let text = given.get_ref();
        all.iter().copied().find(|one| as_str(*one) == text).unwrap_or_else(|| {
            let nearest = did_you_mean(text, all.iter().map(|one| as_str(*one)));
            let help = nearest.map_or_else(
                || format!("one of {}", all.iter().map(|one| as_str(*one)).collect::<Vec<_>>().join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            self.push(Severity::Error, format!("`{text}` is no {what}"), given.span(), Some(help));
            T::default()
        })
    }

    fn error(&mut self, message: impl Into<String>, span: Range<usize>) {
        self.push(Severity::Error, message.into(), span, None);
    }

    fn push(&mut self, severity: Severity, message: String, span: Range<usize>, help: Option<String>) {
        let place = Some(self.place(span.start));
        self.diagnostics.push(Diagnostic { severity, message, place, help });
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Place::at(self.file, small(line), small(column))
    }
}
