//! Mappings and filters into the document.

use serde_json::{Value, json};

use super::definitions::{own_source_attribute, pair, source_attribute, target_attribute};
use super::{RULE, SOURCE_DIRECTORY, TARGET_DIRECTORY};
use crate::directory::object::ObjectKind;
use crate::mapping::source::source_attributes;
use crate::mapping::{AttributeMapping, MappingSource, ObjectMapping};

/// What a document is called.
#[derive(Clone, Copy)]
pub struct Identity<'i> {
    /// The job's id (G-091).
    pub id: &'i str,
    /// Another one whenever the mappings are (G-091).
    pub version: &'i str,
    /// The GUID of a part of the document, by its name.
    pub guid: &'i dyn Fn(&str) -> String,
}

/// The document of a job with these mappings, one for each kind of object at most.
pub fn export(mappings: &[&ObjectMapping], identity: Identity<'_>) -> Value {
    let source: Vec<Value> = mappings.iter().map(|mapping| source_object(mapping)).collect();
    let target: Vec<Value> = mappings.iter().map(|mapping| target_object(mapping)).collect();
    let directory = |name: &str, objects: Vec<Value>| {
        json!({
            "discoverabilities": "None",
            "discoveryDateTime": null,
            "id": (identity.guid)(name),
            "metadata": [],
            "name": name,
            "objects": objects,
            "readOnly": false,
            "version": null,
        })
    };
    json!({
        "id": identity.id,
        "version": identity.version,
        "synchronizationRules": [{
            "containerFilter": null,
            "editable": true,
            "groupFilter": null,
            "id": (identity.guid)(RULE),
            "metadata": [pair("supportsProvisionOnDemand", "true")],
            "name": RULE,
            "objectMappings": mappings.iter().map(|mapping| object_mapping(mapping)).collect::<Vec<_>>(),
            "priority": 1,
            "sourceDirectoryName": SOURCE_DIRECTORY,
            "targetDirectoryName": TARGET_DIRECTORY,
        }],
        "directories": [directory(SOURCE_DIRECTORY, source), directory(TARGET_DIRECTORY, target)],
    })
}

/// An imported document under the name of the job that has it.
pub fn relabel(document: &mut Value, identity: Identity<'_>) {
    if let Some(members) = document.as_object_mut() {
        members.insert("id".to_owned(), identity.id.into());
        members.insert("version".to_owned(), identity.version.into());
    }
}

fn object_mapping(mapping: &ObjectMapping) -> Value {
    let escrow_behavior = format!("\"{}\"", mapping.escrow_behavior.as_str());
    json!({
        "attributeMappings": mapping.attributes.iter().map(attribute_mapping).collect::<Vec<_>>(),
        "enabled": mapping.enabled,
        "flowTypes": flow_types(mapping),
        "metadata": [pair("Disposition", "\"Normal\""), pair("EscrowBehavior", &escrow_behavior)],
        "name": mapping.name,
        "scope": mapping.scope.to_graph_json(),
        "sourceObjectName": mapping.kind.as_str(),
        "targetObjectName": mapping.target.name,
    })
}

/// `Add, Update, Delete`, or what of it is on; `None` when nothing is.
pub(super) fn flow_types(mapping: &ObjectMapping) -> String {
    let actions = [("Add", mapping.create), ("Update", mapping.update), ("Delete", mapping.delete)];
    let on: Vec<&str> = actions.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    if on.is_empty() { "None".to_owned() } else { on.join(", ") }
}

fn attribute_mapping(mapping: &AttributeMapping) -> Value {
    let mut json = json!({
        "defaultValue": mapping.default_value,
        "exportMissingReferences": false,
        "flowBehavior": mapping.flow_behavior.as_str(),
        "flowType": mapping.flow_type.as_str(),
        "matchingPriority": mapping.matching_priority,
        "source": source(&mapping.source),
        "targetAttributeName": mapping.target.as_str(),
    });
    // Only the portal shows this flag, and the published documents lack it (`mapping.md` OQ-27).
    if let (Value::Object(members), true) = (&mut json, mapping.flow_null_values) {
        members.insert("flowNullValues".to_owned(), true.into());
    }
    json
}

/// `attributeMappingSource` of the four kinds of mappings (`mapping.md 10`).
pub(super) fn source(source: &MappingSource) -> Value {
    let plain = |kind: &str, name: &str, expression: String| json!({ "expression": expression, "name": name, "parameters": [], "type": kind });
    match source {
        MappingSource::Direct(name) => plain("Attribute", name, format!("[{name}]")),
        MappingSource::Constant(text) => {
            // As a text of the expression language is written (`mapping.md 6.2`).
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            plain("Constant", text, format!("\"{escaped}\""))
        }
        MappingSource::Expression(expression) => expression.to_graph_json(),
        MappingSource::None => Value::Null,
    }
}

fn target_object(mapping: &ObjectMapping) -> Value {
    let attributes: Vec<Value> = mapping
        .target
        .attributes
        .iter()
        .map(|(name, definition)| target_attribute(name, definition))
        .collect();
    json!({ "attributes": attributes, "metadata": [], "name": mapping.target.name, "supportedApis": [] })
}

/// What Entra has, and what the mapping and its filter read besides.
fn source_object(mapping: &ObjectMapping) -> Value {
    let known = source_attributes(mapping.kind);
    let mut read = mapping.attributes_read();
    read.retain(|name| !known.iter().any(|attribute| attribute.name == *name));
    let attributes: Vec<Value> =
        known.iter().map(source_attribute).chain(read.into_iter().map(own_source_attribute)).collect();
    let metadata = match mapping.kind {
        ObjectKind::User => vec![
            pair("IsSoftDeletionSupported", "true"),
            pair("PropertyNameAccountEnabled", "accountEnabled"),
            pair("PropertyNameSoftDeleted", "IsSoftDeleted"),
        ],
        ObjectKind::Group => Vec::new(),
    };
    json!({
        "attributes": attributes,
        "metadata": metadata,
        "name": mapping.kind.as_str(),
        "supportedApis": [],
    })
}
