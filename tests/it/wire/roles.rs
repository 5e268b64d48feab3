//! Roles (`wire.md 9`, `mapping.md 8`).

use std::collections::BTreeMap;

use scimulator::covers;
use scimulator::expression::{AppRole, AttributeValue};
use scimulator::mapping::{Evaluated, MappedValue, patch_body};
use scimulator::scim::style::Style;
use serde::Deserialize;
use serde_json::Value;

use super::bodies::{evaluate, mapping_of, style};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    id: String,
    value: String,
    display_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    #[serde(default)]
    style: BTreeMap<String, String>,
    #[serde(default)]
    attributes: Vec<toml::Table>,
    mappings: Vec<toml::Table>,
    roles: Vec<Role>,
    created: Option<String>,
    current: Option<String>,
    operations: Option<String>,
    error: Option<String>,
}

#[test]
fn the_assignments_themselves_flow_as_an_xml_text() {
    covers!("M-084");
    let rows = [toml::toml! { attribute = "appRoleAssignments" target = "nickName" }];
    let mapping = mapping_of(&rows, &[]);
    let created = |roles: Vec<AppRole>| {
        let source = BTreeMap::from([("appRoleAssignments".to_owned(), AttributeValue::Roles(roles))]);
        match evaluate(&mapping, &source, &Style::default()).unwrap() {
            Evaluated::Mapped(mapped) => mapped.attributes[1].value.clone(),
            Evaluated::IgnoreObject { .. } => panic!("nothing asks for that"),
        }
    };
    let role = AppRole { id: "1".to_owned(), value: "Mgr".to_owned(), display_name: "Manager".to_owned() };
    match created(vec![role]) {
        Some(MappedValue::Text(text)) => {
            assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"utf-16\"?>"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(created(Vec::new()), None);
}

fn check(case: Case) {
    let name = &case.name;
    let mut rows = case.mappings;
    rows.push(toml::toml! { constant = "u" target = "userName" });
    let mapping = mapping_of(&rows, &case.attributes);
    let style = style(&case.style);
    let roles = case.roles.into_iter().map(|role| AppRole {
        id: role.id,
        value: role.value,
        display_name: role.display_name,
    });
    let roles: Vec<AppRole> = roles.collect();
    let source = BTreeMap::from([("appRoleAssignments".to_owned(), AttributeValue::Roles(roles))]);
    let mapped = match (evaluate(&mapping, &source, &style), case.error) {
        (Ok(Evaluated::Mapped(mapped)), None) => mapped,
        (Err(got), Some(want)) => return assert!(got.to_string().contains(&want), "{name}: {got}"),
        (got, want) => panic!("{name}: got {got:?}, want the error {want:?}"),
    };
    let body = mapped.create_body(&style).unwrap();
    let created = body.get("roles").map_or_else(|| "absent".to_owned(), Value::to_string);
    assert_eq!(Some(created), case.created, "{name}");
    if let Some(current) = case.current {
        let mut current: Value = serde_json::from_str(&current).unwrap();
        current["userName"] = "u".into();
        let body = patch_body(&mapped.differences(&current, &style), &style);
        assert_eq!(Some(body["Operations"].to_string()), case.operations, "{name}");
    }
}

#[test]
fn roles_go_out_as_the_sheet_has_them() {
    covers!(
        "W-180", "W-181", "W-183", "W-184", "W-185", "W-186", "M-043", "M-044", "M-184", "M-186", "M-187",
        "M-188", "M-189"
    );
    super::cases::<Case>("roles.toml").into_iter().for_each(check);
}
