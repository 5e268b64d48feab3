//! The default template (`wire.md 12`), and what is wrong with a profile (`mapping.md 1.2`, `2.4`).

use std::path::Path;

use scimulator::covers;
use scimulator::diagnostic::Severity;
use scimulator::directory::object::ObjectKind;
use scimulator::gallery;
use scimulator::mapping::template::{Template, TemplateOptions};
use scimulator::mapping::{AttributeType, FlowBehavior, FlowType, MappingSource, ObjectMapping};
use serde::Deserialize;

use super::bodies::{default_mapping, options};

/// The tables of wire.md 12.1 and 12.2: source, target, matching.
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn rows(kind: ObjectKind) -> Vec<(String, String, u32)> {
    let mapping = default_mapping(kind);
    let source = |source: &MappingSource| match source {
        MappingSource::Direct(name) => name.clone(),
        MappingSource::Expression(expression) => expression.text().to_owned(),
        MappingSource::Constant(_) | MappingSource::None => panic!("not in the template"),
    };
    for row in &mapping.attributes {
        assert_eq!((row.flow_type, row.flow_behavior), (FlowType::Always, FlowBehavior::FlowWhenChanged));
        assert_eq!(row.default_value, None);
    }
    let rows = mapping.attributes.iter();
    rows.map(|row| (source(&row.source), row.target.as_str().replace(ENTERPRISE, "E"), row.matching_priority))
        .collect()
}

fn owned(rows: &[(&str, &str, u32)]) -> Vec<(String, String, u32)> {
    rows.iter()
        .map(|(source, target, matching)| ((*source).to_owned(), (*target).to_owned(), *matching))
        .collect()
}

#[test]
fn the_default_template_has_the_rows_of_the_sheet_in_its_order() {
    covers!("W-219", "W-220", "W-221", "W-222", "W-223", "W-069");
    covers!("M-060", "M-061", "M-062", "M-063", "M-064", "M-065", "M-066", "M-068", "M-069");
    let users = [
        ("userPrincipalName", "userName", 1),
        (r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#, "active", 0),
        ("displayName", "displayName", 0),
        ("jobTitle", "title", 0),
        ("mail", r#"emails[type eq "work"].value"#, 0),
        ("preferredLanguage", "preferredLanguage", 0),
        ("givenName", "name.givenName", 0),
        ("surname", "name.familyName", 0),
        (r#"Join(" ", [givenName], [surname])"#, "name.formatted", 0),
        ("physicalDeliveryOfficeName", r#"addresses[type eq "work"].formatted"#, 0),
        ("streetAddress", r#"addresses[type eq "work"].streetAddress"#, 0),
        ("city", r#"addresses[type eq "work"].locality"#, 0),
        ("state", r#"addresses[type eq "work"].region"#, 0),
        ("postalCode", r#"addresses[type eq "work"].postalCode"#, 0),
        ("country", r#"addresses[type eq "work"].country"#, 0),
        ("telephoneNumber", r#"phoneNumbers[type eq "work"].value"#, 0),
        ("mobile", r#"phoneNumbers[type eq "mobile"].value"#, 0),
        ("facsimileTelephoneNumber", r#"phoneNumbers[type eq "fax"].value"#, 0),
        ("mailNickname", "externalId", 0),
        ("employeeId", "E:employeeNumber", 0),
        ("department", "E:department", 0),
        ("manager", "E:manager", 0),
    ];
    assert_eq!(rows(ObjectKind::User), owned(&users));
    let groups =
        [("displayName", "displayName", 1), ("objectId", "externalId", 0), ("members", "members", 0)];
    assert_eq!(rows(ObjectKind::Group), owned(&groups));
    assert_eq!(default_mapping(ObjectKind::User).name, "Provision Microsoft Entra ID Users");
    assert_eq!(default_mapping(ObjectKind::Group).name, "Provision Microsoft Entra ID Groups");
}

#[test]
fn the_default_attribute_lists_have_the_types_and_flags_of_the_sheet() {
    covers!("W-227");
    let user = default_mapping(ObjectKind::User).target;
    let group = default_mapping(ObjectKind::Group).target;
    assert_eq!(
        (user.name.as_str(), group.name.as_str()),
        (ENTERPRISE, "urn:ietf:params:scim:schemas:core:2.0:Group")
    );
    assert_eq!((user.attributes.len(), group.attributes.len()), (38, 4));
    for (object, name, anchor, required) in [
        (&user, "id", true, true),
        (&user, "userName", false, true),
        (&user, "displayName", false, false),
        (&group, "id", true, true),
        (&group, "displayName", false, true),
        (&group, "externalId", false, false),
    ] {
        let definition = &object.attributes[name];
        assert_eq!((definition.anchor, definition.required), (anchor, required), "{name}");
    }
    for (name, definition) in user.attributes.iter().chain(&group.attributes) {
        let want = match name.replace(ENTERPRISE, "E").as_str() {
            "active" => AttributeType::Boolean,
            "E:manager" | "members" => AttributeType::Reference,
            _ => AttributeType::String,
        };
        assert_eq!(definition.attribute_type, want, "{name}");
        assert_eq!(definition.multivalued, name == "members", "{name}");
    }
    let manager = &user.attributes[&format!("{ENTERPRISE}:manager")];
    assert_eq!(manager.referenced_objects, ["User"]);
    assert_eq!(group.attributes["members"].referenced_objects, ["User", "Group"]);
}

#[test]
fn every_profile_that_ships_is_without_fault() {
    for name in gallery::names() {
        let (template, diagnostics) =
            Template::parse(gallery::source(name).unwrap(), Path::new(name), &options());
        assert_eq!(diagnostics, [], "{name}");
        assert_eq!(template.unwrap().name, name);
    }
    assert!(gallery::template("no such profile", &options()).is_none());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    /// Text of the shipped profile, and what takes its place.
    replace: Option<(String, String)>,
    /// A row of the user mapping that is put after the others, and definitions for it.
    mapping: Option<String>,
    #[serde(default)]
    attributes: String,
    #[serde(default)]
    scope_is_all: bool,
    #[serde(default)]
    unique_value_outbound: bool,
    /// Fragments of the diagnostics, in order; a profile with warnings only is usable.
    errors: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    help: Option<String>,
    /// Text that stands at the place of the first error.
    at: Option<String>,
}

#[test]
fn mistakes_in_a_profile_are_found_and_placed() {
    covers!("M-005", "M-013", "M-014", "M-028", "M-039", "M-047", "M-048", "M-051", "M-056", "M-057");
    covers!("M-077", "M-083", "M-086", "M-171", "M-190", "W-069", "W-131", "W-187", "W-228");
    for case in super::cases::<Fault>("profiles.toml") {
        let mut text = gallery::source(gallery::DEFAULT).unwrap().to_owned();
        if let Some((from, to)) = &case.replace {
            assert!(text.contains(from.as_str()), "{}", case.name);
            text = text.replacen(from.as_str(), to, 1);
        }
        let end_of_list = "references = [\"User\"] },\n";
        assert!(text.contains(end_of_list));
        text = text.replacen(end_of_list, &format!("{end_of_list}{}\n", case.attributes), 1);
        if let Some(mapping) = &case.mapping {
            let end_of_rows = "]\n\n[group]";
            assert!(text.contains(end_of_rows));
            text = text.replacen(end_of_rows, &format!("    {mapping},\n{end_of_rows}"), 1);
        }
        let mut options: TemplateOptions<'_> = options();
        options.check.scope_is_all = case.scope_is_all;
        options.check.unique_value_outbound = case.unique_value_outbound;
        let (template, diagnostics) = Template::parse(&text, Path::new("profile.toml"), &options);
        assert_eq!(template.is_some(), case.errors.is_empty(), "{}: {diagnostics:?}", case.name);
        for (severity, wanted) in [(Severity::Error, &case.errors), (Severity::Warning, &case.warnings)] {
            let found: Vec<_> = diagnostics.iter().filter(|found| found.severity == severity).collect();
            assert_eq!(found.len(), wanted.len(), "{}: {diagnostics:?}", case.name);
            for (found, want) in found.iter().zip(wanted) {
                assert!(found.message.contains(want), "{}: {found}", case.name);
            }
        }
        if let Some(help) = &case.help {
            assert!(diagnostics[0].help.as_ref().unwrap().contains(help), "{}: {diagnostics:?}", case.name);
        }
        if let Some(at) = &case.at {
            let place = diagnostics[0].place.as_ref().unwrap();
            let line = text.lines().nth(usize::try_from(place.line.unwrap()).unwrap() - 1).unwrap();
            let rest: String =
                line.chars().skip(usize::try_from(place.column.unwrap()).unwrap() - 1).collect();
            assert!(rest.starts_with(at.as_str()), "{}: `{rest}`", case.name);
        }
    }
}

#[test]
fn the_template_of_2018_matches_users_on_the_external_id_and_is_else_as_todays() {
    covers!("W-070");
    let template = gallery::template("customappsso", &options()).unwrap();
    let users = template.mapping(ObjectKind::User).unwrap();
    let matching: Vec<_> = users
        .matching()
        .into_iter()
        .map(|(_, row)| match &row.source {
            MappingSource::Direct(source) => (source.as_str(), row.target.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(matching, [("mailNickname", "externalId")]);
    let targets = |mapping: &ObjectMapping| {
        mapping.attributes.iter().map(|row| row.target.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(targets(users), targets(&default_mapping(ObjectKind::User)));
    let groups = template.mapping(ObjectKind::Group).unwrap();
    assert_eq!(groups.fingerprint(), default_mapping(ObjectKind::Group).fingerprint());
}
