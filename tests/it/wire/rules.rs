//! Single rules of mappings: kinds, defaults, flow types, comparison, types, places (`mapping.md 1`, `2`).

use std::collections::BTreeMap;

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::expression::AttributeValue;
use scimulator::mapping::{Evaluated, patch_body, shorten_guest_upn};
use scimulator::scim::query::{FilterValue, match_query};
use scimulator::scim::style::Style;
use serde::Deserialize;
use serde_json::Value;

use super::bodies::{Cell, default_mapping, evaluate, mapped, mapping_of, source, style};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    #[serde(default)]
    attributes: Vec<toml::Table>,
    mappings: Vec<toml::Table>,
    #[serde(default)]
    source: BTreeMap<String, Cell>,
    #[serde(default)]
    style: BTreeMap<String, String>,
    current: Option<String>,
    created: Option<String>,
    operations: Option<String>,
    refused: Option<String>,
    error: Option<String>,
    code: Option<String>,
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn check(case: Case) {
    let name = &case.name;
    // No row of a case maps userName, which the default list requires; a fixed one is put there and taken away again.
    let mut rows = case.mappings;
    rows.push(toml::toml! { constant = "u" target = "userName" });
    let mapping = mapping_of(&rows, &case.attributes);
    let style = style(&case.style);
    let mapped = match (evaluate(&mapping, &source(&case.source), &style), case.error) {
        (Ok(Evaluated::Mapped(mapped)), None) => mapped,
        (Err(got), Some(want)) => {
            assert!(got.to_string().contains(&want), "{name}: {got}");
            assert_eq!(Some(got.code().as_str()), case.code.as_deref(), "{name}");
            return;
        }
        (got, want) => panic!("{name}: got {got:?}, want the error {want:?}"),
    };
    match (mapped.create_body(&style), case.refused) {
        (Ok(mut body), None) => {
            let members = body.as_object_mut().unwrap();
            assert_eq!(members.shift_remove("userName"), Some("u".into()));
            members.shift_remove("schemas").unwrap();
            members.shift_remove("meta").unwrap();
            assert_eq!(body, json(&case.created.unwrap()), "{name}");
        }
        (Err(got), Some(want)) => assert!(got.to_string().contains(&want), "{name}: {got}"),
        (got, want) => panic!("{name}: got {got:?}, want refusal {want:?}"),
    }
    if let Some(current) = case.current {
        let mut current = json(&current);
        current["userName"] = "u".into();
        let body = patch_body(&mapped.differences(&current, &style), &style);
        assert_eq!(body["Operations"], json(&case.operations.unwrap()), "{name}");
    }
}

#[test]
fn every_rule_has_its_effect_on_create_and_update() {
    covers!("M-001", "M-002", "M-003", "M-004", "M-009", "M-010", "M-011", "M-018", "M-020", "M-021");
    covers!(
        "M-022", "M-024", "M-031", "M-032", "M-033", "M-034", "M-035", "M-041", "M-042", "M-043", "M-045"
    );
    covers!("M-049", "M-051", "M-052", "M-054", "W-093", "W-094", "W-097", "W-109", "W-111");
    covers!("E-032", "E-033", "E-036", "E-037");
    super::cases::<Case>("rules.toml").into_iter().for_each(check);
}

fn texts(attributes: &[(&str, &str)]) -> BTreeMap<String, AttributeValue> {
    attributes
        .iter()
        .map(|(name, text)| ((*name).to_owned(), AttributeValue::Text((*text).to_owned())))
        .collect()
}

#[test]
fn what_is_looked_for_is_the_mapped_value_in_order_of_precedence() {
    covers!("M-006", "M-027", "W-061");
    let attribute = |name: &str, kind: &str| toml::toml! { name = name type = kind };
    let badge = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User:badge";
    let mapping = mapping_of(
        &[
            toml::toml! { attribute = "badge" target = badge matching = 4 },
            toml::toml! { attribute = "jobTitle" target = "title" },
            toml::toml! { expression = "Join(\"@\", [alias], \"contoso.com\")" target = "externalId" matching = 3 },
            toml::toml! { attribute = "upn" target = "userName" },
            toml::toml! { attribute = "empty" target = "nickName" matching = 2 },
            toml::toml! { attribute = "enabled" target = "active" matching = 5 },
        ],
        &[attribute(badge, "Integer")],
    );
    let source = texts(&[
        ("badge", "42"),
        ("alias", "ada"),
        ("upn", "Ada@contoso.com"),
        ("empty", ""),
        ("enabled", "True"),
    ]);
    let matching = mapped(&mapping, &source, &Style::default()).matching();
    let found: Vec<_> = matching.iter().map(|(path, value)| (path.as_str(), value.clone())).collect();
    let text = |text: &str| FilterValue::Text(text.to_owned());
    let bare = |text: &str| FilterValue::Bare(text.to_owned());
    assert_eq!(
        found,
        [
            ("userName", text("Ada@contoso.com")),
            ("externalId", text("ada@contoso.com")),
            (badge, bare("42")),
            ("active", bare("true")),
        ],
    );
}

#[test]
fn an_object_without_any_matching_value_is_not_looked_for() {
    let mapped =
        mapped(&default_mapping(ObjectKind::User), &texts(&[("displayName", "D")]), &Style::default());
    assert_eq!(mapped.matching(), []);
}

#[test]
fn a_target_attribute_that_the_list_lost_stops_the_object() {
    let mut mapping = mapping_of(&[toml::toml! { attribute = "a" target = "title" }], &[]);
    mapping.target.attributes.shift_remove("title").unwrap();
    let error = evaluate(&mapping, &texts(&[("a", "x")]), &Style::default()).unwrap_err();
    assert_eq!(error.code().as_str(), "SchemaAttributeNotFound");
}

#[test]
fn an_expression_can_take_the_whole_object_out() {
    let mapping = mapping_of(
        &[toml::toml! { expression = "IIF([a]=\"x\", IgnoreObjectFlow, [a])" target = "title" }],
        &[],
    );
    let outcome = |a: &str| evaluate(&mapping, &texts(&[("a", a)]), &Style::default()).unwrap();
    let Evaluated::IgnoreObject { target } = outcome("x") else { panic!("the object is not ignored") };
    assert_eq!(target.as_str(), "title");
    assert!(matches!(outcome("y"), Evaluated::Mapped(_)));
}

#[test]
fn logs_show_a_mark_in_place_of_a_redacted_value() {
    covers!("M-165");
    let mapping = mapping_of(&[toml::toml! { expression = "Redact([a])" target = "title" }], &[]);
    let mapped = mapped(&mapping, &texts(&[("a", "secret")]), &Style::default());
    let [difference] =
        mapped.differences(&serde_json::json!({"title": "old"}), &Style::default()).try_into().unwrap();
    assert_eq!(difference.log_text.as_deref(), Some("[Redact]"));
    let body = patch_body(&[difference], &Style::default());
    assert_eq!(body["Operations"][0]["value"], "secret");
}

#[test]
fn a_guest_is_looked_for_and_created_by_the_short_name() {
    covers!("W-095", "M-081");
    let mapping = mapping_of(
        &[
            toml::toml! { attribute = "userPrincipalName" target = "userName" },
            toml::toml! { attribute = "originalUserPrincipalName" target = "nickName" },
        ],
        &[],
    );
    let raw = "ada_l_fabrikam.com#EXT#@contoso.onmicrosoft.com";
    let source = texts(&[("userPrincipalName", &shorten_guest_upn(raw)), ("originalUserPrincipalName", raw)]);
    let mapped = mapped(&mapping, &source, &Style::default());
    let (path, value) = mapped.matching().remove(0);
    let url = match_query(ObjectKind::User, &path, &value, &Style::default()).unwrap();
    assert_eq!(url, "Users?filter=userName+eq+%22ada_l%40fabrikam.com%22");
    let body = mapped.create_body(&Style::default()).unwrap();
    assert_eq!(body["userName"], "ada_l@fabrikam.com");
    assert_eq!(body["nickName"], raw);
}

#[test]
fn only_names_of_guests_are_shortened() {
    for (raw, short) in [
        ("ada_fabrikam.com#EXT#@contoso.com", "ada@fabrikam.com"),
        ("ada_fabrikam.com#ext#@contoso.com", "ada@fabrikam.com"),
        ("grace@contoso.com", "grace@contoso.com"),
        ("under_score@contoso.com", "under_score@contoso.com"),
        ("nounderscore#EXT#@contoso.com", "nounderscore#EXT#@contoso.com"),
        ("_fabrikam.com#EXT#@contoso.com", "_fabrikam.com#EXT#@contoso.com"),
    ] {
        assert_eq!(shorten_guest_upn(raw), short);
    }
}
