//! The profiles, held against the tables of `gallery.md`.

use std::collections::BTreeMap;
use std::path::Path;

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::gallery;
use scimulator::mapping::template::Template;
use scimulator::mapping::{MappingSource, ObjectMapping};

use super::APPS;
use crate::sources::root;
use crate::wire::bodies::options;

fn template(app: &str) -> Template {
    gallery::template(app, &options()).unwrap_or_else(|| panic!("no profile `{app}`"))
}

fn kinds(template: &Template) -> impl Iterator<Item = &ObjectMapping> {
    [ObjectKind::User, ObjectKind::Group].into_iter().filter_map(|kind| template.mapping(kind))
}

/// Each attribute but the id as a row: name, type, F, R.
fn rows(mapping: Option<&ObjectMapping>) -> Vec<[String; 4]> {
    let mark = |flag: bool, mark: &str| if flag { mark.to_owned() } else { String::new() };
    let attributes = mapping.into_iter().flat_map(|mapping| &mapping.target.attributes);
    let mut rows: Vec<[String; 4]> = attributes
        .filter(|(name, _)| *name != "id")
        .map(|(name, of)| {
            let kind = of.attribute_type.as_str().to_owned();
            [name.clone(), kind, mark(of.filterable, "F"), mark(of.required, "R")]
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn each_profile_lists_the_attributes_of_its_tutorial_with_their_types_and_marks() {
    let text = std::fs::read_to_string(root().join("tests/data/gallery/attributes.toml")).unwrap();
    let tables: BTreeMap<String, BTreeMap<String, Vec<[String; 4]>>> = toml::from_str(&text).unwrap();
    assert_eq!(tables.keys().map(String::as_str).collect::<Vec<_>>(), APPS);
    covers!(
        "A-009", "A-010", "A-011", "A-012", "A-016", "A-017", "A-018", "A-019", "A-020", "A-021", "A-022"
    );
    covers!(
        "A-023", "A-035", "A-036", "A-037", "A-040", "A-041", "A-044", "A-045", "A-046", "A-047", "A-051"
    );
    covers!("A-052");
    for (app, table) in tables {
        let template = template(&app);
        for (kind, list) in [(ObjectKind::User, "users"), (ObjectKind::Group, "groups")] {
            let mut wanted = table[list].clone();
            wanted.sort();
            assert_eq!(rows(template.mapping(kind)), wanted, "{app}, {list}");
        }
    }
}

#[test]
fn what_a_profile_sends_is_listed_and_what_it_matches_on_can_be_filtered_on() {
    for app in APPS {
        for mapping in kinds(&template(app)) {
            for row in &mapping.attributes {
                covers!("A-006", "A-015", "A-048");
                let listed = mapping.target.attributes.get(row.target.as_str());
                let listed = listed.unwrap_or_else(|| panic!("{app} sends {}", row.target));
                assert!(listed.filterable || row.matching_priority == 0, "{app}: {}", row.target);
            }
            let required = mapping.target.attributes.iter().filter(|(_, of)| of.required && !of.anchor);
            for (name, _) in required {
                assert!(mapping.attributes.iter().any(|row| row.target.as_str() == name), "{app}: {name}");
            }
        }
    }
    covers!("A-053");
    assert_eq!(template("kintone").mapping(ObjectKind::Group), None);
    let klaxoon = template("klaxoon");
    let users = klaxoon.mapping(ObjectKind::User).unwrap();
    let matching: Vec<&str> = users.matching().iter().map(|(_, row)| row.target.as_str()).collect();
    covers!("A-037");
    assert_eq!(matching, ["userName", r#"emails[type eq "work"].value"#]);
    covers!("A-039");
    assert!(!users.delete);
}

/// The choices of `gallery.md` for the sources of `KnowBe4`.
#[test]
fn the_sources_of_knowbe4_are_those_that_were_settled() {
    let template = template("knowbe4");
    let users = template.mapping(ObjectKind::User).unwrap();
    let source = |target: &str| {
        let row =
            users.attributes.iter().find(|row| row.target.as_str().ends_with(&format!("2.0:User:{target}")));
        row.map(|row| match &row.source {
            MappingSource::Direct(name) => name.clone(),
            other => panic!("{target}: {other:?}"),
        })
    };
    for (target, wanted) in [
        ("customField1", "extensionAttribute1"),
        ("customField4", "extensionAttribute4"),
        ("customDate1", "extensionAttribute5"),
        ("customDate2", "extensionAttribute6"),
        ("phishingLanguage", "preferredLanguage"),
        ("trainingLanguage", "preferredLanguage"),
        ("organization", "companyName"),
        ("companyName", "companyName"),
        ("mailNickName", "mailNickname"),
        ("lastPasswordChangeDateTime", "lastPasswordChangeDateTime"),
        ("employeeNumber", "employeeId"),
        ("manager", "manager"),
    ] {
        assert_eq!(source(target).as_deref(), Some(wanted), "{target}");
    }
    for unmapped in ["outOfOfficeEnd", "userRole", "hostname"] {
        assert_eq!(source(unmapped), None, "{unmapped}");
    }
}

#[test]
fn a_mapping_beyond_what_the_app_lists_is_reported_and_so_is_one_that_it_can_not_match_on() {
    let findings = |app: &str, from: &str, to: &str| {
        let text = gallery::source(app).unwrap();
        assert!(text.contains(from));
        let text = text.replacen(from, to, 1);
        let (template, findings) = Template::parse(&text, Path::new("own.toml"), &options());
        assert!(template.is_none());
        findings.iter().map(ToString::to_string).collect::<String>()
    };
    let row = "    { attribute = \"givenName\", target = \"name.givenName\" },\n";
    for target in ["displayName", "externalId"] {
        let more = format!("{row}    {{ attribute = \"displayName\", target = \"{target}\" }},\n");
        let said = findings("kpifire", row, &more);
        covers!("A-006", "A-048");
        assert!(said.contains(&format!("`{target}` is not in the attribute list")), "{said}");
    }
    let said = findings("kno2fy", "target = \"displayName\" }", "target = \"displayName\", matching = 2 }");
    covers!("A-011");
    assert!(said.contains("can not filter on `displayName`"), "{said}");
}

#[test]
fn what_the_app_of_a_profile_does_is_held_to_its_form() {
    let said = |app: &str| {
        let text = format!("{}\n{app}", gallery::source(gallery::DEFAULT).unwrap());
        let (template, findings) = Template::parse(&text, Path::new("own.toml"), &options());
        assert_eq!(template.is_some(), findings.is_empty(), "{findings:?}");
        findings.iter().map(ToString::to_string).collect::<String>()
    };
    assert_eq!(said("[app]\n"), "");
    assert_eq!(said("[app.console]\ntokens = \"many\"\nother_mode = \"LDAP\"\n"), "");
    assert!(said("[app.console]\ntokens = \"three\"\n").contains("three"));
    assert!(said("[app.consol]\n").contains("consol"));
    let license = |group: &str, user: &str| {
        format!(
            "[app.license]\ngroup = \"{group}\"\nuser = \"{user}\"\ngranted = \"A\"\nwithheld = \"B\"\nunspecified = true\n"
        )
    };
    let own = "urn:ietf:params:scim:schemas:extension:own:2.0:User:seat";
    let unlisted = said(&license("urn:ietf:params:scim:schemas:extension:own:2.0:Group:seat", own));
    assert!(unlisted.contains("is not in the attribute list of groups"), "{unlisted}");
    assert!(said(&license("externalId", "seat")).contains("`seat` is no attribute of an extension"));
}
