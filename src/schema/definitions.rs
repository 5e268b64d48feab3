//! Attribute definitions, out and in (`mapping.md 3`, `graph-api.md 7.1`).

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::FILTERABLE;
use super::node::{Findings, Node};
use crate::mapping::source::SourceAttribute;
use crate::mapping::{AttributeDefinition, AttributeType, Mutability};

/// The members of an attribute definition. `apiExpressions` and `flowNullValues` have no effect outbound.
const MEMBERS: [&str; 12] = [
    "anchor",
    "apiExpressions",
    "caseExact",
    "defaultValue",
    "flowNullValues",
    "metadata",
    "multivalued",
    "mutability",
    "name",
    "referencedObjects",
    "required",
    "type",
];

/// The definition of a target attribute.
pub(super) fn target_attribute(name: &str, definition: &AttributeDefinition) -> Value {
    let metadata = if definition.filterable { Vec::new() } else { vec![pair(FILTERABLE, "false")] };
    json!({
        "anchor": definition.anchor,
        "caseExact": definition.case_exact,
        "defaultValue": definition.default_value,
        "flowNullValues": definition.flow_null_values,
        "metadata": metadata,
        "multivalued": definition.multivalued,
        "mutability": definition.mutability.as_str(),
        "name": name,
        "referencedObjects": references(definition.referenced_objects.iter().map(String::as_str)),
        "required": definition.required,
        "type": definition.attribute_type.as_str(),
    })
}

/// The definition of a source attribute that Entra has.
pub(super) fn source_attribute(attribute: &SourceAttribute) -> Value {
    let container = attribute.multivalued && attribute.attribute_type == AttributeType::Reference;
    let metadata = if container { vec![pair("IsContainer", "true")] } else { Vec::new() };
    json!({
        "anchor": attribute.anchor,
        "caseExact": false,
        "defaultValue": null,
        "flowNullValues": false,
        "metadata": metadata,
        "multivalued": attribute.multivalued,
        "mutability": Mutability::ReadWrite.as_str(),
        "name": attribute.name,
        "referencedObjects": references(attribute.references.iter().copied()),
        "required": attribute.required,
        "type": attribute.attribute_type.as_str(),
    })
}

/// The definition of a source attribute that only this directory has.
pub(super) fn own_source_attribute(name: &str) -> Value {
    json!({
        "anchor": false,
        "caseExact": false,
        "defaultValue": null,
        "flowNullValues": false,
        "metadata": [pair("IsCustomerDefined", "true")],
        "multivalued": false,
        "mutability": Mutability::ReadWrite.as_str(),
        "name": name,
        "referencedObjects": [],
        "required": false,
        "type": AttributeType::String.as_str(),
    })
}

/// A pair of `metadata`.
pub(super) fn pair(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": value })
}

fn references<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Value> {
    names.map(|name| json!({ "referencedObjectName": name, "referencedProperty": null })).collect()
}

/// The attributes of an object definition, by name. Two of one name are noted, and so is anything but one anchor: of
/// the target's objects by the check of the mapping, of the source's here.
pub(super) fn attributes(
    object: &Node<'_>,
    findings: &mut Findings,
) -> IndexMap<String, AttributeDefinition> {
    let mut attributes = IndexMap::new();
    for node in object.list("attributes", findings) {
        node.only(&MEMBERS, findings);
        let Some(name) = node.required("name", findings) else { continue };
        let definition = attribute(&node, findings);
        if attributes.insert(name.to_owned(), definition).is_some() {
            findings.error(&node.at("name"), format!("a second definition of `{name}`"));
        }
    }
    attributes
}

fn attribute(node: &Node<'_>, findings: &mut Findings) -> AttributeDefinition {
    let mut filterable = true;
    for (key, value) in node.metadata(findings) {
        if key == FILTERABLE {
            filterable = value != "false";
        }
    }
    let flow_null_values = node.flag("flowNullValues", false, findings);
    if flow_null_values {
        findings.warning(&node.at("flowNullValues"), "has no effect in an outbound job; kept");
    }
    let mut referenced_objects = Vec::new();
    for object in node.list("referencedObjects", findings) {
        referenced_objects.extend(object.required("referencedObjectName", findings).map(str::to_owned));
    }
    AttributeDefinition {
        attribute_type: node.name("type", AttributeType::ALL, AttributeType::as_str, findings),
        anchor: node.flag("anchor", false, findings),
        required: node.flag("required", false, findings),
        filterable,
        multivalued: node.flag("multivalued", false, findings),
        case_exact: node.flag("caseExact", true, findings),
        mutability: node.name("mutability", Mutability::ALL, Mutability::as_str, findings),
        default_value: node.text("defaultValue", findings).map(str::to_owned),
        flow_null_values,
        referenced_objects,
    }
}
