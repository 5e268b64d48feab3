//! Names of source attributes: headings and keys in, the older directory API's names out (`mapping.md 5.1`).

use std::collections::{BTreeMap, BTreeSet};

/// What a column's cells mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `objectId`.
    Id,
    /// `deletedDateTime`.
    Deleted,
    /// `True` or `False`.
    Boolean,
    /// `Block sign in` of the bulk create template: the opposite of the attribute (`exports.md 2`).
    InvertedBoolean,
    /// A text.
    One,
    /// A custom attribute: a text, or several where the format has lists.
    Custom,
    /// A text that loses surrounding blanks: names by which objects are found.
    Name,
    /// Several texts, split at `;` in a cell.
    Many,
    /// The first of several texts.
    First,
    /// Never kept: passwords.
    Secret,
}

/// A resolved heading or key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// The attribute.
    pub(super) name: String,
    /// What its cells mean.
    pub(super) meaning: Meaning,
    /// Whether it was written the template's way, `Name [displayName] Required`.
    pub(super) bracketed: bool,
}

/// Attributes by their names. Any other name is a custom attribute: one text, its letter case kept.
const KNOWN: &[(&str, Meaning)] = &[
    ("objectId", Meaning::Id),
    ("deletedDateTime", Meaning::Deleted),
    ("accountEnabled", Meaning::Boolean),
    ("securityEnabled", Meaning::Boolean),
    ("mailEnabled", Meaning::Boolean),
    ("dirSyncEnabled", Meaning::Boolean),
    ("userPrincipalName", Meaning::Name),
    ("displayName", Meaning::Name),
    ("manager", Meaning::Name),
    ("proxyAddresses", Meaning::Many),
    ("otherMails", Meaning::Many),
    ("imAddresses", Meaning::Many),
    ("groupTypes", Meaning::Many),
    ("telephoneNumber", Meaning::One),
    ("givenName", Meaning::One),
    ("surname", Meaning::One),
    ("mail", Meaning::One),
    ("mailNickname", Meaning::One),
    ("jobTitle", Meaning::One),
    ("department", Meaning::One),
    ("companyName", Meaning::One),
    ("streetAddress", Meaning::One),
    ("city", Meaning::One),
    ("state", Meaning::One),
    ("postalCode", Meaning::One),
    ("country", Meaning::One),
    ("physicalDeliveryOfficeName", Meaning::One),
    ("mobile", Meaning::One),
    ("facsimileTelephoneNumber", Meaning::One),
    ("preferredLanguage", Meaning::One),
    ("onPremisesSecurityIdentifier", Meaning::One),
    ("onPremisesImmutableId", Meaning::One),
    ("employeeId", Meaning::One),
    ("employeeType", Meaning::One),
    ("employeeHireDate", Meaning::One),
    ("employeeLeaveDateTime", Meaning::One),
    ("employeeOrgData.costCenter", Meaning::One),
    ("employeeOrgData.division", Meaning::One),
    ("usageLocation", Meaning::One),
    ("createdDateTime", Meaning::One),
    ("userType", Meaning::One),
    ("authenticationPhoneNumber", Meaning::One),
    ("authenticationAlternativePhoneNumber", Meaning::One),
    ("authenticationEmail", Meaning::One),
    ("alternateEmailAddress", Meaning::One),
    ("ageGroup", Meaning::One),
    ("consentProvidedForMinor", Meaning::One),
    ("legalAgeGroupClassification", Meaning::One),
    ("creationType", Meaning::One),
    ("directorySynced", Meaning::One),
    ("invitationState", Meaning::One),
    ("identityIssuer", Meaning::One),
    ("description", Meaning::One),
    ("groupType", Meaning::One),
    ("membershipType", Meaning::One),
    ("membershipRule", Meaning::One),
    ("visibility", Meaning::One),
    ("source", Meaning::One),
    ("isAssignableToRole", Meaning::One),
    ("passwordProfile", Meaning::Secret),
];

/// Other names of known attributes: those of Graph and of later exports (`exports.md 1`, `mapping.md 5.1`).
const ALIASES: &[(&str, &str, Meaning)] = &[
    ("id", "objectId", Meaning::Id),
    ("officeLocation", "physicalDeliveryOfficeName", Meaning::One),
    ("mobilePhone", "mobile", Meaning::One),
    ("businessPhones", "telephoneNumber", Meaning::First),
    ("faxNumber", "facsimileTelephoneNumber", Meaning::One),
    ("onPremisesSyncEnabled", "dirSyncEnabled", Meaning::Boolean),
];

/// The attribute that holds passwords, in lower case; it is read by nobody.
const PASSWORDS: &str = "passwordprofile";

/// Whether a file's text has a column or key for passwords.
pub fn holds_passwords(text: &str) -> bool {
    text.to_lowercase().contains(PASSWORDS)
}

/// How many `extensionAttributeN` there are.
const EXTENSION_ATTRIBUTES: u8 = 15;

/// Finds attributes by name, without regard to case and surrounding blanks.
pub(super) struct Names(BTreeMap<String, (String, Meaning)>);

impl Names {
    /// The known names, and `multi_valued` ones declared by the person.
    pub(super) fn new(multi_valued: &BTreeSet<String>) -> Self {
        let mut names = BTreeMap::new();
        for (name, meaning) in KNOWN {
            names.insert(name.to_lowercase(), ((*name).to_owned(), *meaning));
        }
        for (alias, name, meaning) in ALIASES {
            names.insert(alias.to_lowercase(), ((*name).to_owned(), *meaning));
        }
        for number in 1..=EXTENSION_ATTRIBUTES {
            let name = format!("extensionAttribute{number}");
            let nested = format!("onpremisesextensionattributes.{}", name.to_lowercase());
            names.insert(name.to_lowercase(), (name.clone(), Meaning::One));
            names.insert(nested, (name, Meaning::One));
        }
        for name in multi_valued {
            // A declaration may make a text attribute multi-valued, not an identity or a boolean.
            names
                .entry(name.trim().to_lowercase())
                .and_modify(|(_, meaning)| {
                    if *meaning == Meaning::One {
                        *meaning = Meaning::Many;
                    }
                })
                .or_insert_with(|| (name.trim().to_owned(), Meaning::Many));
        }
        Self(names)
    }

    /// Every name that has a meaning of its own, spelt as mappings know it.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|(name, _)| name.as_str())
    }

    /// The attribute that a heading or key names.
    pub(super) fn resolve(&self, heading: &str) -> Column {
        let heading = heading.trim();
        let (label, name, bracketed) = match in_brackets(heading) {
            Some((label, name)) => (label, name, true),
            None => ("", heading, false),
        };
        let lower = name.to_lowercase();
        if lower == PASSWORDS || lower.split_once('.').is_some_and(|(before, _)| before == PASSWORDS) {
            return Column { name: name.to_owned(), meaning: Meaning::Secret, bracketed };
        }
        let (name, meaning) = match self.0.get(&lower) {
            Some((name, meaning)) => (name.clone(), *meaning),
            None => (name.to_owned(), Meaning::Custom),
        };
        let inverted = meaning == Meaning::Boolean && label.to_lowercase().starts_with("block sign in");
        Column { name, meaning: if inverted { Meaning::InvertedBoolean } else { meaning }, bracketed }
    }
}

/// `Name [displayName] Required` into label and name.
pub(super) fn in_brackets(heading: &str) -> Option<(&str, &str)> {
    let (label, rest) = heading.split_once('[')?;
    let (name, _) = rest.split_once(']')?;
    let name = name.trim();
    (!label.trim().is_empty() && !name.is_empty()).then_some((label.trim(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_resolve_to_the_older_names() {
        let names = Names::new(&BTreeSet::from(["Skills".to_owned(), "department".to_owned()]));
        for (heading, name, meaning) in [
            (" USERPRINCIPALNAME ", "userPrincipalName", Meaning::Name),
            ("id", "objectId", Meaning::Id),
            ("officeLocation", "physicalDeliveryOfficeName", Meaning::One),
            ("mobilePhone", "mobile", Meaning::One),
            ("businessPhones", "telephoneNumber", Meaning::First),
            ("faxNumber", "facsimileTelephoneNumber", Meaning::One),
            ("onPremisesSyncEnabled", "dirSyncEnabled", Meaning::Boolean),
            ("onPremisesExtensionAttributes.extensionAttribute15", "extensionAttribute15", Meaning::One),
            ("employeeorgdata.costcenter", "employeeOrgData.costCenter", Meaning::One),
            ("proxyaddresses", "proxyAddresses", Meaning::Many),
            ("skills", "Skills", Meaning::Many),
            ("Department", "department", Meaning::Many),
            ("extension_0123_Badge", "extension_0123_Badge", Meaning::Custom),
            ("Name [displayName] Required", "displayName", Meaning::Name),
            ("Block sign in (Yes/No) [accountEnabled] Required", "accountEnabled", Meaning::InvertedBoolean),
            ("Initial password [passwordProfile] Required", "passwordProfile", Meaning::Secret),
            ("passwordProfile.password", "passwordProfile.password", Meaning::Secret),
            ("[odd]", "[odd]", Meaning::Custom),
        ] {
            let column = names.resolve(heading);
            crate::covers!("M-072");
            assert_eq!((column.name.as_str(), column.meaning), (name, meaning), "{heading}");
        }
    }
}
