//! What a target says of its attributes: the answer of `/Schemas` (RFC 7643 §7, RFC 7644 §4).

use serde_json::Value;

use super::member;
use super::path::TargetPath;

/// The schemas of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schemas(Vec<Schema>);

/// One schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its URN.
    pub id: String,
    /// Its attributes, in their order.
    pub attributes: Vec<SchemaAttribute>,
}

/// One attribute or sub-attribute. What the target leaves out has the default of RFC 7643 §7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaAttribute {
    /// Its name.
    pub name: String,
    /// `string`, `boolean`, `decimal`, `integer`, `dateTime`, `reference`, `complex` or `binary`, in small letters.
    pub type_name: String,
    /// Whether it holds several values.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// `readOnly`, `readWrite`, `immutable` or `writeOnly`.
    pub mutability: String,
    /// The parts of a complex attribute.
    pub sub_attributes: Vec<SchemaAttribute>,
}

/// Why an answer is no list of schemas.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemasError {
    /// Not JSON.
    #[error("the answer is no JSON")]
    NotJson,
    /// JSON, but neither a list response nor an array of schemas with an `id`.
    #[error("the answer is no list of schemas")]
    NotAList,
}

impl Schemas {
    /// Reads the answer of `/Schemas`: a list response, or a bare array as some servers give it.
    pub fn parse(body: &[u8]) -> Result<Self, SchemasError> {
        let body: Value = serde_json::from_slice(body).map_err(|_| SchemasError::NotJson)?;
        let list = member(&body, "Resources").unwrap_or(&body).as_array().ok_or(SchemasError::NotAList)?;
        let schemas: Vec<Schema> = list
            .iter()
            .filter_map(|schema| {
                let id = member(schema, "id").and_then(Value::as_str)?.to_owned();
                Some(Schema { id, attributes: attributes(schema, "attributes", true) })
            })
            .collect();
        if schemas.is_empty() { Err(SchemasError::NotAList) } else { Ok(Self(schemas)) }
    }

    /// The schema of this URN, in any letter case.
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.0.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }
}

impl Schema {
    /// The attribute of this name, in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&SchemaAttribute> {
        named(&self.attributes, name)
    }
}

impl SchemaAttribute {
    /// The part that a path means: itself for a path without sub-attribute.
    pub fn part(&self, path: &TargetPath) -> Option<&Self> {
        path.sub().map_or(Some(self), |sub| named(&self.sub_attributes, sub))
    }
}

fn named<'a>(attributes: &'a [SchemaAttribute], name: &str) -> Option<&'a SchemaAttribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// The attributes in a list; those of a schema have parts, and these have none: schemas nest one level.
fn attributes(holder: &Value, list: &str, of_schema: bool) -> Vec<SchemaAttribute> {
    let list = member(holder, list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|attribute| {
            let text = |name: &str| member(attribute, name).and_then(Value::as_str);
            let flag = |name: &str| member(attribute, name).and_then(Value::as_bool).unwrap_or(false);
            Some(SchemaAttribute {
                name: text("name")?.to_owned(),
                type_name: text("type").unwrap_or("string").to_ascii_lowercase(),
                multi_valued: flag("multiValued"),
                required: flag("required"),
                mutability: text("mutability").unwrap_or("readWrite").to_owned(),
                sub_attributes: if of_schema {
                    attributes(attribute, "subAttributes", false)
                } else {
                    Vec::new()
                },
            })
        })
        .collect()
}
