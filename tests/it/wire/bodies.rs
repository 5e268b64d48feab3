//! Bodies of POST and PATCH (`wire.md 3`, `4`, `6`).

use std::collections::BTreeMap;
use std::path::Path;

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::expression::{AttributeValue, Environment, ParseOptions, Random, Switches};
use scimulator::gallery;
use scimulator::mapping::check::{CheckOptions, UnknownAttributes};
use scimulator::mapping::template::{Template, TemplateOptions};
use scimulator::mapping::{Evaluated, Mapped, MappingError, ObjectMapping, Taken, patch_body};
use scimulator::scim::style::{
    ActiveStyle, Dialect, EnvelopeOrder, FilterEscape, GroupCreateStyle, ListOnSingle, ManagerRemoveStyle,
    ManagerStyle, OptscimMerge, RolesStyle, Style,
};
use scimulator::scope::filter::FilterOptions;
use serde::Deserialize;
use serde_json::Value;

/// A style from switches by their names in the configuration.
pub(super) fn style(switches: &BTreeMap<String, String>) -> Style {
    let mut style = Style::default();
    for (key, value) in switches {
        match key.as_str() {
            "dialect" => style.dialect = Dialect::from_name(value).unwrap(),
            "active_style" => style.active_style = ActiveStyle::from_name(value).unwrap(),
            "manager_style" => style.manager_style = ManagerStyle::from_name(value).unwrap(),
            "manager_remove_style" => {
                style.manager_remove_style = ManagerRemoveStyle::from_name(value).unwrap();
            }
            "member_batch" => style.member_batch = value.parse().unwrap(),
            "member_ref_null" => style.member_ref_null = value.parse().unwrap(),
            "group_create_style" => style.group_create_style = GroupCreateStyle::from_name(value).unwrap(),
            "roles_style" => style.roles_style = RolesStyle::from_name(value).unwrap(),
            "roles_always" => style.roles_always = value.parse().unwrap(),
            "filter_escape" => style.filter_escape = FilterEscape::from_name(value).unwrap(),
            "list_on_single" => style.list_on_single = ListOnSingle::from_name(value).unwrap(),
            "optscim_merge" => style.optscim_merge = OptscimMerge::from_name(value).unwrap(),
            "envelope_order" => style.envelope_order = EnvelopeOrder::from_name(value).unwrap(),
            "none_fills_gaps" => style.none_fills_gaps = value.parse().unwrap(),
            "empty_flows" => style.empty_flows = value.parse().unwrap(),
            "typed_json_values" => style.typed_json_values = value.parse().unwrap(),
            "primary_marks" => style.primary_marks = value.parse().unwrap(),
            "flow_null_values" => style.flow_null_values = value.parse().unwrap(),
            "assertive_none" => style.assertive_none = value.parse().unwrap(),
            other => panic!("no switch `{other}`"),
        }
    }
    style
}

/// The cell of a source object in a case.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum Cell {
    Text(String),
    List(Vec<String>),
}

pub(super) fn source(cells: &BTreeMap<String, Cell>) -> BTreeMap<String, AttributeValue> {
    let value = |cell: &Cell| match cell {
        Cell::Text(text) => AttributeValue::Text(text.clone()),
        Cell::List(texts) => AttributeValue::List(texts.clone()),
    };
    cells.iter().map(|(name, cell)| (name.clone(), value(cell))).collect()
}

pub(crate) fn options() -> TemplateOptions<'static> {
    TemplateOptions {
        parse: ParseOptions::default(),
        check: CheckOptions {
            unique_value_outbound: false,
            scope_is_all: false,
            strict_conditions: false,
            unknown_attributes: UnknownAttributes::Error,
        },
        filter: FilterOptions::default(),
    }
}

pub(super) fn default_mapping(kind: ObjectKind) -> ObjectMapping {
    gallery::template(gallery::DEFAULT, &options()).unwrap().mapping(kind).unwrap().clone()
}

pub(super) fn evaluate(
    mapping: &ObjectMapping,
    source: &BTreeMap<String, AttributeValue>,
    style: &Style,
) -> Result<Evaluated, MappingError> {
    let switches = Switches::default();
    let mut environment =
        Environment::new("2026-08-01T00:00:00Z".parse().unwrap(), Random::seeded(1), &switches);
    let taken = Taken::new();
    mapping.evaluate(source, &mut environment, style, &taken)
}

pub(super) fn mapped(
    mapping: &ObjectMapping,
    source: &BTreeMap<String, AttributeValue>,
    style: &Style,
) -> Mapped {
    match evaluate(mapping, source, style).unwrap() {
        Evaluated::Mapped(mapped) => mapped,
        Evaluated::IgnoreObject { target } => panic!("the object is ignored by {target}"),
    }
}

/// A user mapping made of rows as a profile has them. Attributes are taken from the default list; `attributes` adds
/// definitions or takes the place of listed ones. The rows are put behind a matching `userName` unless they have it.
pub(super) fn mapping_of(rows: &[toml::Table], attributes: &[toml::Table]) -> ObjectMapping {
    let mut profile: toml::Table = gallery::source(gallery::DEFAULT).unwrap().parse().unwrap();
    // What custom attributes may be without a gallery app is not what these tests are about.
    profile.insert("gallery".to_owned(), true.into());
    let user = profile["user"].as_table_mut().unwrap();
    let listed = user["attributes"].as_array_mut().unwrap();
    for attribute in attributes {
        listed.retain(|known| known["name"] != attribute["name"]);
        listed.push(attribute.clone().into());
    }
    let mut rows: Vec<toml::Table> = rows.to_vec();
    let matching = |row: &toml::Table| row["target"].as_str() == Some("userName");
    match rows.iter_mut().find(|row| matching(row)) {
        Some(row) => drop(row.insert("matching".to_owned(), 1.into())),
        None => rows.insert(0, toml::toml! { attribute = "no such" target = "userName" matching = 1 }),
    }
    user.insert("mappings".to_owned(), rows.into());
    let text = profile.to_string();
    let (template, diagnostics) = Template::parse(&text, Path::new("case"), &options());
    template.unwrap_or_else(|| panic!("{diagnostics:?}")).mapping(ObjectKind::User).unwrap().clone()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    #[serde(rename = "mark")]
    _mark: String,
    kind: String,
    #[serde(default)]
    style: BTreeMap<String, String>,
    source: BTreeMap<String, Cell>,
    body: String,
}

#[test]
fn creates_are_those_of_the_sheet_in_every_dialect_that_shares_them() {
    covers!("W-083", "W-085", "W-086", "W-087", "W-088", "W-089", "W-090", "W-091", "W-092", "W-096");
    covers!("W-102", "W-103", "W-104", "W-175");
    covers!("M-019", "M-020", "M-031", "M-032", "M-036", "M-040", "M-042", "M-045", "M-049");
    for case in super::cases::<Create>("creates.toml") {
        let mapping = default_mapping(ObjectKind::from_name(&case.kind).unwrap());
        let mut style = style(&case.style);
        let check = |style: &Style| {
            let body = mapped(&mapping, &source(&case.source), style).create_body(style).unwrap();
            assert_eq!(body.to_string(), case.body, "{}", case.name);
        };
        check(&style);
        if style.dialect == Dialect::Default {
            style.dialect = Dialect::Optscim;
            check(&style);
        }
    }
}

/// The URN of a custom extension is the documented pattern (`wire.md 3.1`), the rest of the body that of the sheet.
#[test]
fn a_custom_extension_stands_under_its_urn_and_not_in_schemas() {
    covers!("W-084");
    let custom = "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User";
    let rows = [
        toml::toml! { constant = "u" target = "userName" },
        format!("attribute = 'badge'\ntarget = '{custom}:badge'").parse().unwrap(),
        toml::toml! { attribute = "department" target = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" },
    ];
    let attributes = [format!("name = '{custom}:badge'").parse().unwrap()];
    let mapping = mapping_of(&rows, &attributes);
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    let source = BTreeMap::from([("badge".to_owned(), text("B-7")), ("department".to_owned(), text("R&D"))]);
    let style = Style::default();
    let body = mapped(&mapping, &source, &style).create_body(&style).unwrap();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(
        body["schemas"],
        serde_json::json!(["urn:ietf:params:scim:schemas:core:2.0:User", enterprise])
    );
    assert_eq!(body[custom], serde_json::json!({ "badge": "B-7" }));
    assert_eq!(body[enterprise], serde_json::json!({ "department": "R&D" }));
}

/// `"template"`, or rows as in a profile.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rows {
    Template(String),
    Rows(Vec<toml::Table>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    name: String,
    #[serde(rename = "section")]
    _section: String,
    #[serde(rename = "mark")]
    _mark: String,
    kind: Option<String>,
    #[serde(default)]
    style: BTreeMap<String, String>,
    #[serde(default)]
    attributes: Vec<toml::Table>,
    mappings: Rows,
    source: BTreeMap<String, Cell>,
    current: String,
    body: String,
}

#[test]
fn updates_have_exactly_the_bytes_of_the_sheet() {
    covers!(
        "W-093", "W-098", "W-106", "W-107", "W-108", "W-110", "W-112", "W-113", "W-114", "W-115", "W-116"
    );
    covers!(
        "W-117", "W-118", "W-119", "W-120", "W-121", "W-122", "W-124", "W-125", "W-126", "W-127", "W-129"
    );
    covers!("W-142", "W-157", "M-023", "M-035", "M-037", "M-038", "M-050");
    for case in super::cases::<Update>("updates.toml") {
        let kind = case.kind.as_deref().map_or(ObjectKind::User, |name| ObjectKind::from_name(name).unwrap());
        let mapping = match &case.mappings {
            Rows::Template(name) => {
                assert_eq!(name, "template");
                default_mapping(kind)
            }
            Rows::Rows(rows) => mapping_of(rows, &case.attributes),
        };
        let style = style(&case.style);
        let current: Value = serde_json::from_str(&case.current).unwrap();
        let differences = mapped(&mapping, &source(&case.source), &style).differences(&current, &style);
        assert_eq!(patch_body(&differences, &style).to_string(), case.body, "{}", case.name);
    }
}
