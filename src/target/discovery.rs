//! What the app says of itself: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7643 §5 to §7).

use serde_json::{Map, Value, json};

use super::ResourceKind;
use super::query::PAGE_RESOURCES_MAX;
use super::schema::{self, Attribute, SCHEMAS};

const CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// `/ServiceProviderConfig`.
pub(super) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": [CONFIG_SCHEMA],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": PAGE_RESOURCES_MAX },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A secret token in the Authorization header",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", &format!("{base}/ServiceProviderConfig")),
    })
}

/// Every resource type.
pub(super) fn resource_types(base: &str) -> Vec<Value> {
    let both = [(ResourceKind::User, vec![schema::ENTERPRISE.to_owned()]), (ResourceKind::Group, Vec::new())];
    both.into_iter().map(|(kind, extensions)| resource_type(kind, &extensions, base)).collect()
}

/// Every schema, in the order of `wire.md 8.1`.
pub(super) fn schemas(base: &str) -> Vec<Value> {
    let documents = SCHEMAS
        .iter()
        .map(|schema| schema_document(schema.id, schema.name, &attribute_documents(schema.attributes), base));
    documents.collect()
}

/// A resource type and the extensions that its resources may have.
pub(super) fn resource_type(kind: ResourceKind, extensions: &[String], base: &str) -> Value {
    let extensions: Vec<Value> =
        extensions.iter().map(|urn| json!({ "schema": urn, "required": false })).collect();
    json!({
        "schemas": [RESOURCE_TYPE_SCHEMA],
        "id": kind.as_str(),
        "name": kind.as_str(),
        "endpoint": format!("/{}", kind.endpoint()),
        "description": schema::description(schema::core_schema(kind)),
        "schema": schema::core_schema(kind),
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", &format!("{base}/ResourceTypes/{kind}")),
    })
}

/// A schema with these attributes.
pub(super) fn schema_document(id: &str, name: &str, attributes: &[Value], base: &str) -> Value {
    json!({
        "schemas": [SCHEMA_SCHEMA],
        "id": id,
        "name": name,
        "description": schema::description(id).unwrap_or("Extension of this app's own"),
        "attributes": attributes,
        "meta": meta("Schema", &format!("{base}/Schemas/{id}")),
    })
}

fn attribute_documents(attributes: &[Attribute]) -> Vec<Value> {
    let kept = attributes.iter().filter(|attribute| !attribute.discarded);
    kept.map(|attribute| Value::Object(attribute_document(attribute))).collect()
}

/// An attribute as `/Schemas` shows it.
pub(super) fn attribute_document(attribute: &Attribute) -> Map<String, Value> {
    let mut document: Map<String, Value> = [
        ("name", Value::from(attribute.name)),
        ("type", attribute.kind.as_str().into()),
        ("multiValued", attribute.multi_valued.into()),
        ("description", attribute.description.into()),
        ("required", attribute.required.into()),
        ("caseExact", attribute.case_exact.into()),
        ("mutability", attribute.mutability.as_str().into()),
        ("returned", "default".into()),
        ("uniqueness", if attribute.unique { "server" } else { "none" }.into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let mut add = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            document.insert(name.to_owned(), Value::Array(values));
        }
    };
    add("canonicalValues", attribute.canonical_values.iter().map(|value| Value::from(*value)).collect());
    add("referenceTypes", attribute.reference_types.iter().map(|value| Value::from(*value)).collect());
    add("subAttributes", attribute_documents(attribute.sub_attributes));
    document
}

fn meta(resource_type: &str, location: &str) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}
