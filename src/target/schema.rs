//! What attributes there are, and which one a name means.

mod tables;

use super::ResourceKind;
use super::path::AttributeName;

/// Schema of users.
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Schema of groups.
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of users (RFC 7643 §4.3).
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Value types of RFC 7643 §2.3 that the app has a use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Boolean,
    DateTime,
    Binary,
    Reference,
    Complex,
}

impl Type {
    /// The word in `/Schemas`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may write an attribute (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
}

impl Mutability {
    /// The word in `/Schemas`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "readWrite",
            Self::ReadOnly => "readOnly",
            Self::Immutable => "immutable",
        }
    }
}

/// One attribute or sub-attribute (RFC 7643 §7).
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: Type,
    pub(super) multi_valued: bool,
    pub(super) required: bool,
    pub(super) case_exact: bool,
    pub(super) mutability: Mutability,
    /// No two resources share a value.
    pub(super) unique: bool,
    /// Accepted and forgotten: neither stored nor shown in `/Schemas`.
    pub(super) discarded: bool,
    pub(super) canonical_values: &'static [&'static str],
    pub(super) reference_types: &'static [&'static str],
    pub(super) sub_attributes: &'static [Attribute],
}

impl Attribute {
    /// The sub-attribute of that name, its case ignored.
    pub(super) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }
}

/// A schema as `/Schemas` shows it.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) attributes: &'static [Attribute],
}

/// Every schema the app knows, in the order of `/Schemas` (`wire.md 8.1`).
pub(super) static SCHEMAS: &[Schema] = &[
    Schema { id: USER, name: "User", description: "User account", attributes: tables::USER_ATTRIBUTES },
    Schema {
        id: GROUP,
        name: "Group",
        description: "Group of users and groups",
        attributes: tables::GROUP_ATTRIBUTES,
    },
    Schema {
        id: ENTERPRISE,
        name: "EnterpriseUser",
        description: "Enterprise extension of users",
        attributes: tables::ENTERPRISE_ATTRIBUTES,
    },
];

/// The schema that every resource of the kind has.
pub(super) fn core_schema(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => USER,
        ResourceKind::Group => GROUP,
    }
}

/// What the schema of that id describes.
pub(super) fn description(id: &str) -> Option<&'static str> {
    SCHEMAS.iter().find(|schema| schema.id == id).map(|schema| schema.description)
}

/// The attribute that names a resource for people, and is unique: it must be there.
pub(super) fn naming_attribute(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "userName",
        ResourceKind::Group => "displayName",
    }
}

/// In which part of a resource an attribute lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// At the top.
    Core,
    /// In the extension of that URN.
    Extension(String),
}

/// Which attribute a name means.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) place: Place,
    /// The name as the schema spells it.
    pub(super) name: String,
    /// `None` for attributes of extensions that the app does not know: those are stored as they come.
    pub(super) definition: Option<&'static Attribute>,
    pub(super) sub: Option<ResolvedSub>,
}

/// Which sub-attribute a name means.
#[derive(Debug, Clone)]
pub(super) struct ResolvedSub {
    pub(super) name: String,
    pub(super) definition: Option<&'static Attribute>,
}

impl Resolved {
    /// The attribute's own name, or that of its sub-attribute which stands for it in comparisons:
    /// `value` for a complex attribute named alone (RFC 7643 §2.4).
    pub(super) fn compared_sub(&self) -> Option<ResolvedSub> {
        if self.sub.is_some() {
            return self.sub.clone();
        }
        let definition = self.definition.filter(|definition| definition.kind == Type::Complex)?;
        definition.sub("value").map(|value| ResolvedSub { name: "value".to_owned(), definition: Some(value) })
    }
}

/// The attribute a name means for resources of `kind`; `None` when the schemas have none.
///
/// A name without URN that the core schema lacks is looked for in the enterprise extension: the oldest documented
/// requests say `manager` (`wire.md 4.7`). Extensions that the app does not know hold any attribute.
pub(super) fn resolve(kind: ResourceKind, name: &AttributeName) -> Option<Resolved> {
    let core = || known(Place::Core, find(core_attributes(kind), &name.attribute), name);
    let common = || known(Place::Core, find(tables::COMMON_ATTRIBUTES, &name.attribute), name);
    let enterprise = || {
        let extension = match kind {
            ResourceKind::User => tables::ENTERPRISE_ATTRIBUTES,
            ResourceKind::Group => &[],
        };
        known(Place::Extension(ENTERPRISE.to_owned()), find(extension, &name.attribute), name)
    };
    match name.schema.as_deref() {
        None => core().or_else(common).or_else(enterprise),
        Some(urn) if urn.eq_ignore_ascii_case(core_schema(kind)) => core(),
        Some(urn) if SCHEMAS.iter().any(|schema| schema.id.eq_ignore_ascii_case(urn)) => {
            if urn.eq_ignore_ascii_case(ENTERPRISE) { enterprise() } else { None }
        }
        Some(urn) => Some(Resolved {
            place: Place::Extension(urn.to_owned()),
            name: name.attribute.clone(),
            definition: None,
            sub: name.sub.as_ref().map(|sub| ResolvedSub { name: sub.clone(), definition: None }),
        }),
    }
}

/// The extension a URN names, as the app spells it, or `None` for the core schemas.
pub(super) fn extension(kind: ResourceKind, urn: &str) -> Option<String> {
    match SCHEMAS.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn)) {
        Some(schema) if schema.id == ENTERPRISE && kind == ResourceKind::User => Some(ENTERPRISE.to_owned()),
        Some(_) => None,
        None => Some(urn.to_owned()),
    }
}

fn known(place: Place, definition: Option<&'static Attribute>, name: &AttributeName) -> Option<Resolved> {
    let definition = definition?;
    let sub = match &name.sub {
        None => None,
        Some(sub) => {
            let found = definition.sub(sub)?;
            Some(ResolvedSub { name: found.name.to_owned(), definition: Some(found) })
        }
    };
    Some(Resolved { place, name: definition.name.to_owned(), definition: Some(definition), sub })
}

fn core_attributes(kind: ResourceKind) -> &'static [Attribute] {
    match kind {
        ResourceKind::User => tables::USER_ATTRIBUTES,
        ResourceKind::Group => tables::GROUP_ATTRIBUTES,
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
