//! An object mapping held against what its target says of itself (`check --target`).

use super::check::{Findings, Problem};
use super::definition::{AttributeDefinition, AttributeType};
use super::rule::{AttributeMapping, FlowType, ObjectMapping};
use crate::diagnostic::did_you_mean;
use crate::directory::object::ObjectKind;
use crate::scim::path::TargetPath;
use crate::scim::schemas::{Schema, SchemaAttribute, Schemas};
use crate::scim::urn;

/// Attributes of every resource, which schemas don't list (RFC 7643 §3.1).
const COMMON: [&str; 4] = ["externalId", "id", "meta", "schemas"];

impl ObjectMapping {
    /// Where the mapping and the target's schemas don't agree: by mapping, then what the target requires and nothing
    /// maps.
    pub fn check_against(&self, schemas: &Schemas) -> Vec<Problem> {
        let mut findings = Findings::default();
        let core = core_schema(self.kind);
        if schemas.schema(core).is_none() {
            findings.error(format!("the target's `/Schemas` has no `{core}`"), None);
            return findings.into_problems();
        }
        for (index, mapping) in self.attributes.iter().enumerate() {
            findings.look_at(Some(index));
            self.check_attribute_against(mapping, schemas, &mut findings);
        }
        findings.look_at(None);
        let extensions = self.attributes.iter().filter_map(|mapping| mapping.target.extension());
        let mut read: Vec<&str> = [core].into_iter().chain(extensions).collect();
        read.sort_unstable();
        read.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        for schema in read.into_iter().filter_map(|urn| schemas.schema(urn)) {
            self.check_required(schema, &mut findings);
        }
        findings.into_problems()
    }

    fn check_attribute_against(
        &self,
        mapping: &AttributeMapping,
        schemas: &Schemas,
        findings: &mut Findings,
    ) {
        let target = &mapping.target;
        if target.extension().is_none()
            && COMMON.iter().any(|name| name.eq_ignore_ascii_case(target.attribute()))
        {
            return;
        }
        let urn = target.extension().unwrap_or(core_schema(self.kind));
        let Some(schema) = schemas.schema(urn) else {
            findings.error(format!("the target's `/Schemas` has no `{urn}`"), None);
            return;
        };
        let Some(whole) = schema.attribute(target.attribute()) else {
            missing(target.attribute(), urn, &schema.attributes, findings);
            return;
        };
        let Some(part) = whole.part(target) else {
            let of = format!("{}` of `{urn}", whole.name);
            missing(target.sub().unwrap_or_default(), &of, &whole.sub_attributes, findings);
            return;
        };
        for attribute in [whole, part] {
            if attribute.mutability.eq_ignore_ascii_case("readOnly") {
                let help = Some("remove the mapping, or let the target take the attribute".to_owned());
                findings.error(format!("the target says that `{}` is readOnly", attribute.name), help);
                return;
            }
        }
        if part.mutability.eq_ignore_ascii_case("immutable") && mapping.flow_type == FlowType::Always {
            let help = Some("apply the mapping only during object creation".to_owned());
            findings.warning(
                format!("the target says that `{}` is immutable; updates will fail", part.name),
                help,
            );
        }
        if let Some(definition) = self.definition(mapping) {
            check_shape(target, definition, whole, findings);
            check_type(target, definition, part, findings);
        }
    }

    fn check_required(&self, schema: &Schema, findings: &mut Findings) {
        for attribute in &schema.attributes {
            let read_only = attribute.mutability.eq_ignore_ascii_case("readOnly");
            let mapped = self.attributes.iter().any(|mapping| {
                let urn = mapping.target.extension().unwrap_or(core_schema(self.kind));
                urn.eq_ignore_ascii_case(&schema.id)
                    && mapping.target.attribute().eq_ignore_ascii_case(&attribute.name)
            });
            let common = COMMON.iter().any(|name| name.eq_ignore_ascii_case(&attribute.name));
            if attribute.required && !read_only && !mapped && !common {
                let message = format!(
                    "the target requires `{}` of `{}`, and nothing maps it",
                    attribute.name, schema.id
                );
                findings.error(message, None);
            }
        }
    }
}

fn core_schema(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => urn::USER,
        ObjectKind::Group => urn::GROUP,
    }
}

fn missing(name: &str, of: &str, there: &[SchemaAttribute], findings: &mut Findings) {
    let near = did_you_mean(name, there.iter().map(|attribute| attribute.name.as_str()));
    let help = near.map(|near| format!("did you mean `{near}`?"));
    findings.error(format!("the target's `/Schemas` has no `{name}` in `{of}`"), help);
}

/// One value or several.
fn check_shape(
    target: &TargetPath,
    definition: &AttributeDefinition,
    whole: &SchemaAttribute,
    findings: &mut Findings,
) {
    let name = &whole.name;
    if target.filter().is_some() && !whole.multi_valued {
        findings
            .error(format!("`{target}` picks an entry, and the target's `{name}` is single-valued"), None);
    } else if target.filter().is_none() && target.sub().is_none() {
        match (definition.multivalued, whole.multi_valued) {
            (true, false) => {
                findings.error(format!("`{target}` is multi-valued, and the target's `{name}` is not"), None);
            }
            (false, true) => {
                let help = Some(format!("pick an entry, such as `{name}[type eq \"work\"].value`"));
                findings
                    .error(format!("`{target}` is single-valued, and the target's `{name}` is not"), help);
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// Text may become whatever travels as a JSON text; truth and numbers have to be what the target says.
fn check_type(
    target: &TargetPath,
    definition: &AttributeDefinition,
    part: &SchemaAttribute,
    findings: &mut Findings,
) {
    let theirs = part.type_name.as_str();
    let fits = match definition.attribute_type {
        AttributeType::Boolean => theirs == "boolean",
        AttributeType::Integer => ["integer", "decimal"].contains(&theirs),
        AttributeType::DateTime => ["datetime", "string"].contains(&theirs),
        AttributeType::Binary => ["binary", "string"].contains(&theirs),
        AttributeType::Reference => ["complex", "reference", "string"].contains(&theirs),
        // Entries of a multi-valued complex attribute are written as objects with a `value`.
        AttributeType::String if theirs == "complex" => definition.multivalued,
        AttributeType::String => !["boolean", "decimal", "integer"].contains(&theirs),
    };
    if !fits {
        let ours = definition.attribute_type.as_str();
        findings.error(format!("`{target}` is a {ours} here, and `{theirs}` to the target"), None);
    }
}
