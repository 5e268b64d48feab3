//! The source attributes that Entra itself has (`mapping.md 5.1 to 5.3`). A directory may have others besides:
//! extensions, and whatever columns a person adds.

use super::definition::AttributeType;
use crate::directory::object::ObjectKind;

/// One attribute of a source object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceAttribute {
    /// Its name; letter case matters.
    pub name: &'static str,
    /// The type of its values.
    pub attribute_type: AttributeType,
    /// Whether it is the object's key.
    pub anchor: bool,
    /// As the published schema has it; without effect outbound.
    pub required: bool,
    /// Whether it holds several values.
    pub multivalued: bool,
    /// The object types a Reference points to.
    pub references: &'static [&'static str],
}

const fn of(name: &'static str, attribute_type: AttributeType) -> SourceAttribute {
    SourceAttribute {
        name,
        attribute_type,
        anchor: false,
        required: false,
        multivalued: false,
        references: &[],
    }
}

const fn text(name: &'static str) -> SourceAttribute {
    of(name, AttributeType::String)
}

const fn anchor(name: &'static str) -> SourceAttribute {
    SourceAttribute { anchor: true, ..text(name) }
}

const fn required(attribute: SourceAttribute) -> SourceAttribute {
    SourceAttribute { required: true, ..attribute }
}

const fn several(attribute: SourceAttribute) -> SourceAttribute {
    SourceAttribute { multivalued: true, ..attribute }
}

const fn reference(name: &'static str, references: &'static [&'static str]) -> SourceAttribute {
    SourceAttribute { references, ..of(name, AttributeType::Reference) }
}

/// Attributes of a user: the 44 of the published schema, then the others that mappings use or may use.
const USER: [SourceAttribute; 57] = [
    anchor("objectId"),
    required(of("IsSoftDeleted", AttributeType::Boolean)),
    required(of("accountEnabled", AttributeType::Boolean)),
    required(text("userPrincipalName")),
    text("originalUserPrincipalName"),
    required(text("displayName")),
    text("givenName"),
    required(text("surname")),
    text("mail"),
    text("mailNickname"),
    text("jobTitle"),
    text("department"),
    text("companyName"),
    text("streetAddress"),
    text("city"),
    text("state"),
    text("postalCode"),
    text("country"),
    text("physicalDeliveryOfficeName"),
    text("telephoneNumber"),
    text("mobile"),
    text("facsimileTelephoneNumber"),
    required(text("preferredLanguage")),
    several(text("proxyAddresses")),
    reference("manager", &["User"]),
    reference("appRoleAssignments", &["appRoleAssignment"]),
    of("dirSyncEnabled", AttributeType::Boolean),
    text("onPremisesSecurityIdentifier"),
    text("passwordProfile.password"),
    text("extensionAttribute1"),
    text("extensionAttribute2"),
    text("extensionAttribute3"),
    text("extensionAttribute4"),
    text("extensionAttribute5"),
    text("extensionAttribute6"),
    text("extensionAttribute7"),
    text("extensionAttribute8"),
    text("extensionAttribute9"),
    text("extensionAttribute10"),
    text("extensionAttribute11"),
    text("extensionAttribute12"),
    text("extensionAttribute13"),
    text("extensionAttribute14"),
    text("extensionAttribute15"),
    text("employeeId"),
    of("employeeHireDate", AttributeType::DateTime),
    several(text("otherMails")),
    text("employeeType"),
    of("employeeLeaveDateTime", AttributeType::DateTime),
    text("employeeOrgData.costCenter"),
    text("employeeOrgData.division"),
    text("usageLocation"),
    of("createdDateTime", AttributeType::DateTime),
    text("onPremisesImmutableId"),
    text("onPremisesSamAccountName"),
    text("division"),
    of("lastPasswordChangeDateTime", AttributeType::DateTime),
];

/// Attributes of a group.
const GROUP: [SourceAttribute; 11] = [
    anchor("objectId"),
    reference("appRoleAssignments", &["appRoleAssignment"]),
    several(reference("members", &["User", "Group"])),
    required(text("displayName")),
    text("mail"),
    text("mailNickname"),
    of("mailEnabled", AttributeType::Boolean),
    of("securityEnabled", AttributeType::Boolean),
    text("description"),
    of("dirSyncEnabled", AttributeType::Boolean),
    of("IsSoftDeleted", AttributeType::Boolean),
];

/// The attributes of a kind, in the order of the published schema.
pub fn source_attributes(kind: ObjectKind) -> &'static [SourceAttribute] {
    match kind {
        ObjectKind::User => &USER,
        ObjectKind::Group => &GROUP,
    }
}

/// The attribute of exactly this name; `None` for one that only this directory may have.
pub fn source_attribute(kind: ObjectKind, name: &str) -> Option<&'static SourceAttribute> {
    source_attributes(kind).iter().find(|attribute| attribute.name == name)
}

/// Whether the name has the form of a directory extension, `extension_<appId without hyphens>_<name>`
/// (`mapping.md 5.6`).
pub fn is_directory_extension(name: &str) -> bool {
    name.strip_prefix("extension_").and_then(|rest| rest.split_once('_')).is_some_and(|(app, name)| {
        !name.is_empty() && !app.is_empty() && app.chars().all(|c| c.is_ascii_hexdigit())
    })
}

/// Whether the attribute is known to hold dates, which scoping filters can not use (`engine.md 3.4`).
pub fn is_date(name: &str) -> bool {
    USER.iter().any(|attribute| {
        attribute.attribute_type == AttributeType::DateTime && attribute.name.eq_ignore_ascii_case(name)
    })
}

/// The known attribute that a name is probably meant to be: one that is written almost so. `None` for known names and
/// for those that resemble none, which are a directory's own.
pub fn misspelt(kind: ObjectKind, name: &str) -> Option<&'static str> {
    /// Below this Jaro-Winkler similarity (0 to 1) a name is taken for another one, not for a misspelling: `costCentre`
    /// and `employeeNumber` are columns that people have.
    const SIMILARITY_MIN: f64 = 0.95;
    if source_attribute(kind, name).is_some() || is_directory_extension(name) {
        return None;
    }
    source_attributes(kind)
        .iter()
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), &known.name.to_lowercase()), known.name))
        .filter(|(similarity, _)| SIMILARITY_MIN <= *similarity)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_attributes_are_there_with_their_types() {
        crate::covers!("M-070", "M-071", "M-075", "M-076", "M-078", "M-079");
        let user = |name: &str| source_attribute(ObjectKind::User, name).unwrap_or_else(|| panic!("{name}"));
        for name in [
            "accountEnabled",
            "originalUserPrincipalName",
            "companyName",
            "dirSyncEnabled",
            "onPremisesSecurityIdentifier",
            "employeeId",
            "employeeType",
            "employeeOrgData.costCenter",
            "employeeOrgData.division",
            "usageLocation",
            "onPremisesImmutableId",
        ] {
            assert!(!user(name).multivalued && !user(name).anchor, "{name}");
        }
        for name in ["employeeHireDate", "employeeLeaveDateTime", "createdDateTime"] {
            assert_eq!(user(name).attribute_type, AttributeType::DateTime, "{name}");
            assert!(is_date(name), "{name}");
        }
        for number in 1..=15 {
            let attribute = user(&format!("extensionAttribute{number}"));
            assert_eq!((attribute.attribute_type, attribute.multivalued), (AttributeType::String, false));
        }
        assert!(user("proxyAddresses").multivalued && user("otherMails").multivalued);
        assert_eq!(user("manager").references, ["User"]);
        let group =
            |name: &str| source_attribute(ObjectKind::Group, name).unwrap_or_else(|| panic!("{name}"));
        assert!(group("members").multivalued);
        assert_eq!(group("members").references, ["User", "Group"]);
        for name in ["displayName", "mail", "mailNickname", "mailEnabled", "securityEnabled", "description"] {
            group(name);
        }
        for kind in [ObjectKind::User, ObjectKind::Group] {
            let anchors: Vec<_> = source_attributes(kind).iter().filter(|one| one.anchor).collect();
            assert_eq!(anchors.iter().map(|one| one.name).collect::<Vec<_>>(), ["objectId"]);
        }
        for name in ["samAccountName", "userType"] {
            assert_eq!(source_attribute(ObjectKind::User, name), None, "{name}");
        }
    }

    #[test]
    fn a_misspelt_name_is_told_from_a_name_of_ones_own() {
        let user = |name| misspelt(ObjectKind::User, name);
        assert_eq!(user("departement"), Some("department"));
        assert_eq!(user("Department"), Some("department"), "letter case matters");
        assert_eq!(user("userPrincipleName"), Some("userPrincipalName"));
        for name in ["department", "costCentre", "badge", "employeeNumber", "extension_0a1b_department"] {
            assert_eq!(user(name), None, "{name}");
        }
    }
}
