//! Manager and members (`wire.md 4.7`, `6.4 to 6.6`).

use std::collections::BTreeMap;

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::mapping::{ManagerChange, Verb, manager_operation, member_batches};
use scimulator::scim::path::TargetPath;
use scimulator::scim::style::{Dialect, MEMBER_BATCH, Style};
use serde::Deserialize;
use serde_json::Value;

use super::bodies::{default_mapping, style};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    #[serde(rename = "mark")]
    _mark: String,
    #[serde(default)]
    style: BTreeMap<String, String>,
    wanted: Option<String>,
    present: Option<String>,
    add: Option<Vec<String>>,
    remove: Option<Vec<String>>,
    bodies: Vec<String>,
}

#[test]
fn references_have_exactly_the_bytes_of_the_sheet() {
    covers!(
        "W-128", "W-133", "W-134", "W-135", "W-136", "W-137", "W-138", "W-158", "W-159", "W-160", "W-161",
        "W-164"
    );
    let manager =
        TargetPath::parse("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager").unwrap();
    let members = TargetPath::parse("members").unwrap();
    for case in super::cases::<Case>("references.toml") {
        let style = style(&case.style);
        let bodies: Vec<String> = if case.add.is_some() || case.remove.is_some() {
            let (add, remove) = (case.add.unwrap_or_default(), case.remove.unwrap_or_default());
            member_batches(&members, &add, &remove, &style)
                .iter()
                .map(|batch| batch.body.to_string())
                .collect()
        } else {
            let change = ManagerChange {
                path: &manager,
                present: case.present.as_deref(),
                wanted: case.wanted.as_deref(),
                base_url: "http://127.0.0.1:8080/scim",
            };
            manager_operation(&change, &style).iter().map(|operation| operation.body.to_string()).collect()
        };
        assert_eq!(bodies, case.bodies, "{}", case.name);
    }
}

/// The ids that a PATCH of members names, in its order: entries of value lists, and filtered paths.
fn carried(body: &Value) -> Vec<String> {
    let operations = body["Operations"].as_array().unwrap();
    let ids = operations.iter().flat_map(|operation| {
        let listed = operation["value"].as_array().into_iter().flatten();
        let listed = listed.map(|entry| entry["value"].as_str().unwrap());
        listed.chain(operation["path"].as_str().unwrap().split('"').nth(1))
    });
    ids.map(str::to_owned).collect()
}

#[test]
fn a_hundred_members_fill_a_request_and_each_member_is_in_exactly_one() {
    covers!("W-163");
    let members = TargetPath::parse("members").unwrap();
    let ids = |prefix: &str, count: usize| (0..count).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    for dialect in Dialect::ALL {
        let style = Style { dialect: *dialect, ..Style::default() };
        for (adds, removes, requests) in
            [(100, 0, 1), (101, 0, 2), (0, 100, 1), (0, 101, 2), (60, 40, 1), (60, 41, 2), (250, 30, 3)]
        {
            let (add, remove) = (ids("a", adds), ids("r", removes));
            let batches = member_batches(&members, &add, &remove, &style);
            assert_eq!(batches.len(), requests, "{dialect:?} {adds} {removes}");
            for batch in &batches {
                assert!(batch.added.len() + batch.removed.len() <= MEMBER_BATCH);
                assert_eq!(carried(&batch.body), [batch.added.clone(), batch.removed.clone()].concat());
            }
            let sent = |of: fn(&scimulator::mapping::MemberBatch) -> &Vec<String>| -> Vec<String> {
                batches.iter().flat_map(of).cloned().collect()
            };
            assert_eq!(sent(|batch| &batch.added), add);
            assert_eq!(sent(|batch| &batch.removed), remove);
        }
    }
    let one_at_a_time = Style { member_batch: 0, ..Style::default() };
    assert_eq!(member_batches(&members, &ids("a", 3), &[], &one_at_a_time).len(), 3);
}

#[test]
fn a_removal_is_logged_as_a_removal_whatever_its_form() {
    let path = TargetPath::parse("manager").unwrap();
    let change = ManagerChange { path: &path, present: Some("m"), wanted: None, base_url: "" };
    for name in
        ["dialect", "value", "filter", "filter_without_urn", "path_only", "empty_string", "empty_object"]
    {
        let style = style(&BTreeMap::from([("manager_remove_style".to_owned(), name.to_owned())]));
        assert_eq!(manager_operation(&change, &style).unwrap().verb, Verb::Remove, "{name}");
    }
}

#[test]
fn an_id_with_a_quote_stays_one_literal_in_a_filtered_path() {
    let members = TargetPath::parse("members").unwrap();
    let style = Style { dialect: Dialect::Optscim, ..Style::default() };
    let batches = member_batches(&members, &[], &[r#"a"b\c"#.to_owned()], &style);
    let path = batches[0].body["Operations"][0]["path"].as_str().unwrap();
    assert_eq!(path, r#"members[value eq "a\"b\\c"]"#);
}

#[test]
fn the_default_template_has_manager_and_members_as_references() {
    covers!("M-066", "M-068");
    let user = default_mapping(ObjectKind::User);
    let [manager] = user.references().try_into().unwrap();
    assert_eq!(manager.source_attribute, "manager");
    assert_eq!(manager.path.as_str(), "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager");
    assert!(!manager.multivalued);
    let group = default_mapping(ObjectKind::Group);
    let [members] = group.references().try_into().unwrap();
    assert_eq!((members.source_attribute, members.path.as_str()), ("members", "members"));
    assert!(members.multivalued);
    assert!(
        user.source_attributes().contains("manager") && user.source_attributes().contains("IsSoftDeleted")
    );
}
