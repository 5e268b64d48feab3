//! From source attributes to mapped values (`mapping.md 1.3`).

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{AttributeDefinition, AttributeType, parse_boolean};
use super::rule::{AttributeMapping, FlowBehavior, FlowType, MappingSource, ObjectMapping};
use crate::directory::object::ObjectKind;
use crate::expression::{
    AttributeValue, Attributes, Environment, EvaluationError, LOG_TEXT_REDACTED, Outcome, Value,
};
use crate::scim::failure::ErrorCode;
use crate::scim::path::TargetPath;
use crate::scim::query::FilterValue;
use crate::scim::style::{ListOnSingle, Style};

/// `type` of every element of `roles` (`mapping.md 2.2` step 5).
pub(super) const ROLE_TYPE: &str = "WindowsAzureActiveDirectoryRole";

/// Values found in the target, by the place of the mapping in [`ObjectMapping::attributes`] that must not choose them.
pub type Taken = BTreeMap<usize, BTreeSet<String>>;

static NOTHING_TAKEN: BTreeSet<String> = BTreeSet::new();

/// What the mappings make of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluated {
    /// Its values.
    Mapped(Mapped),
    /// An expression says that the object takes no part in the export (`IgnoreObjectFlow`).
    IgnoreObject {
        /// The target attribute whose expression said so.
        target: TargetPath,
    },
}

/// The mapped values of one object, references left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The kind of the object.
    pub kind: ObjectKind,
    /// In mapping order.
    pub attributes: Vec<MappedAttribute>,
}

/// What one mapping yields for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedAttribute {
    /// Place of the mapping in [`ObjectMapping::attributes`].
    pub mapping_index: usize,
    /// Where the value goes.
    pub path: TargetPath,
    /// The value; `None` when the source side is null, empty or ignored.
    pub value: Option<MappedValue>,
    /// What a create sends in place of a null value; what a None mapping fills a gap with.
    pub default: Option<MappedValue>,
    /// The expression says that the attribute takes no part, default included.
    pub ignored: bool,
    /// What logs show in place of the value (`Redact`); `None` shows the value.
    pub log_text: Option<String>,
    /// What the expression makes of an object whose Switch attributes are null, where that is imitated
    /// (`switch_null_defect`).
    pub(super) over_null: OverNull,
    pub(super) traits: Traits,
}

/// What a mapping makes of the object when the attributes that its Switches look at are null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OverNull {
    /// No Switch looks at an attribute, or nobody asked.
    NoSwitch,
    /// Null.
    Null,
    /// This.
    Value(MappedValue),
}

/// What a mapping and its attribute definition say about a value, apart from the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) attribute_type: AttributeType,
    pub(super) required: bool,
    pub(super) case_exact: bool,
    pub(super) matching_priority: u32,
    pub(super) flow_type: FlowType,
    pub(super) flow_behavior: FlowBehavior,
    /// The mapping is of the kind None.
    pub(super) fills_gap: bool,
    /// Definition and mapping say that null flows.
    pub(super) flows_null: bool,
    /// A value is looked up in the target before a create sends it.
    pub(super) unique: bool,
    pub(super) roles: Option<RoleList>,
}

/// The two functions that yield a list of roles (`mapping.md 8`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleList {
    /// `AppRoleAssignmentsComplex`: only ever adds.
    Adding,
    /// `AssertiveAppRoleAssignmentsComplex`: replaces the whole list.
    Asserting,
}

/// A value for the target: text, as the expression language gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappedValue {
    /// For a single-valued target.
    Text(String),
    /// For a multi-valued one; never empty unless it takes the last role away.
    List(Vec<String>),
}

/// Why an object has no mapped values: its export stops (`mapping.md 1.3` step 2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The expression failed.
    #[error("the mapping to `{target}` failed: {cause}")]
    Evaluation {
        /// The target attribute.
        target: String,
        /// What went wrong.
        cause: EvaluationError,
    },
    /// Several values for a single-valued target (`mapping.md` OQ-31).
    #[error(
        "the mapping to `{target}` yields a list of {count} values, and the attribute can only accept one"
    )]
    ListOnSingle {
        /// The target attribute.
        target: String,
        /// How many values.
        count: usize,
    },
    /// The text is no value of the target's type (`mapping.md 2.5`).
    #[error("the mapping to `{target}` yields `{text}`, which is no {}", .attribute_type.as_str())]
    Type {
        /// The target attribute.
        target: String,
        /// Its type.
        attribute_type: AttributeType,
        /// What was mapped.
        text: String,
    },
    /// The target object's list lacks the attribute.
    #[error("the target attribute `{target}` is not in the target's attribute list")]
    UnknownTarget {
        /// The target attribute.
        target: String,
    },
}

impl MappingError {
    /// The error code of the log entry (`engine.md 11.1`).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Evaluation { .. } | Self::Type { .. } => ErrorCode::InternalError,
            Self::ListOnSingle { .. } => ErrorCode::SchemaPropertyCanOnlyAcceptValue,
            Self::UnknownTarget { .. } => ErrorCode::SchemaAttributeNotFound,
        }
    }
}

impl ObjectMapping {
    /// Evaluates every mapping but references, in mapping order. `taken` are the values that each `SelectUniqueValue`
    /// passes over.
    pub fn evaluate<'t>(
        &self,
        source: &dyn Attributes,
        environment: &mut Environment<'t>,
        style: &Style,
        taken: &'t Taken,
    ) -> Result<Evaluated, MappingError> {
        let mut attributes = Vec::with_capacity(self.attributes.len());
        for (mapping_index, mapping) in self.attributes.iter().enumerate() {
            let target = || mapping.target.to_string();
            let definition =
                self.definition(mapping).ok_or_else(|| MappingError::UnknownTarget { target: target() })?;
            if definition.attribute_type == AttributeType::Reference {
                continue;
            }
            environment.target_values = taken.get(&mapping_index).unwrap_or(&NOTHING_TAKEN);
            let Some(raw) = evaluate_source(mapping, source, environment)? else {
                return Ok(Evaluated::IgnoreObject { target: mapping.target.clone() });
            };
            let value = raw.value.map(|value| fit(value, mapping, definition, style)).transpose()?.flatten();
            let default = mapping.default_value.as_ref().or(definition.default_value.as_ref());
            let default = default
                .map(|text| fit(AttributeValue::Text(text.clone()), mapping, definition, style))
                .transpose()?
                .flatten();
            let over_null = if style.switch_null_defect {
                over_null(mapping, definition, source, environment, style)?
            } else {
                OverNull::NoSwitch
            };
            attributes.push(MappedAttribute {
                mapping_index,
                path: mapping.target.clone(),
                value,
                default,
                ignored: raw.ignored,
                log_text: raw.log_text,
                over_null,
                traits: Traits::of(mapping, definition),
            });
        }
        Ok(Evaluated::Mapped(Mapped { kind: self.kind, attributes }))
    }
}

impl Traits {
    fn of(mapping: &AttributeMapping, definition: &AttributeDefinition) -> Self {
        Self {
            attribute_type: definition.attribute_type,
            required: definition.required,
            case_exact: definition.case_exact,
            matching_priority: mapping.matching_priority,
            flow_type: mapping.flow_type,
            flow_behavior: mapping.flow_behavior,
            fills_gap: mapping.source == MappingSource::None,
            flows_null: mapping.flow_null_values && definition.flow_null_values && !definition.multivalued,
            unique: mapping.source.selects_unique_value(),
            roles: role_list(mapping),
        }
    }
}

fn role_list(mapping: &AttributeMapping) -> Option<RoleList> {
    let MappingSource::Expression(expression) = &mapping.source else {
        return None;
    };
    if !mapping.target.is_core("roles") {
        return None;
    }
    expression.functions().into_iter().find_map(|function| match function {
        "AppRoleAssignmentsComplex" => Some(RoleList::Adding),
        "AssertiveAppRoleAssignmentsComplex" => Some(RoleList::Asserting),
        _ => None,
    })
}

/// The source side of a mapping, before the target attribute has its say.
#[derive(Default)]
struct Raw {
    value: Option<AttributeValue>,
    ignored: bool,
    log_text: Option<String>,
}

/// A mark or an error comes to null here.
fn over_null(
    mapping: &AttributeMapping,
    definition: &AttributeDefinition,
    source: &dyn Attributes,
    environment: &mut Environment<'_>,
    style: &Style,
) -> Result<OverNull, MappingError> {
    let MappingSource::Expression(expression) = &mapping.source else { return Ok(OverNull::NoSwitch) };
    let hidden = expression.switch_source_attributes();
    if hidden.is_empty() {
        return Ok(OverNull::NoSwitch);
    }
    match expression.evaluate(&Without { source, hidden: &hidden }, environment) {
        Ok(Outcome::Value(value)) => {
            let value = fit(value.into_attribute_value(), mapping, definition, style)?;
            Ok(value.map_or(OverNull::Null, OverNull::Value))
        }
        Ok(Outcome::Null | Outcome::IgnoreAttribute | Outcome::IgnoreObject) | Err(_) => Ok(OverNull::Null),
    }
}

/// A source object without some of its attributes.
struct Without<'s> {
    source: &'s dyn Attributes,
    hidden: &'s [&'s str],
}

impl Attributes for Without<'_> {
    fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        if self.hidden.contains(&name) { None } else { self.source.attribute(name) }
    }
}

/// `None` when the whole object is to be ignored.
fn evaluate_source(
    mapping: &AttributeMapping,
    source: &dyn Attributes,
    environment: &mut Environment<'_>,
) -> Result<Option<Raw>, MappingError> {
    let raw = match &mapping.source {
        MappingSource::None => Raw::default(),
        MappingSource::Constant(text) => {
            Raw { value: Some(AttributeValue::Text(text.clone())), ..Raw::default() }
        }
        MappingSource::Direct(name) => Raw { value: source.attribute(name).cloned(), ..Raw::default() },
        MappingSource::Expression(expression) => {
            let outcome = expression
                .evaluate(source, environment)
                .map_err(|cause| MappingError::Evaluation { target: mapping.target.to_string(), cause })?;
            match outcome {
                Outcome::Value(value) => Raw {
                    value: Some(value.into_attribute_value()),
                    ignored: false,
                    log_text: environment.redacted.then(|| LOG_TEXT_REDACTED.to_owned()),
                },
                Outcome::Null => Raw::default(),
                Outcome::IgnoreAttribute => Raw { ignored: true, ..Raw::default() },
                Outcome::IgnoreObject => return Ok(None),
            }
        }
    };
    Ok(Some(raw))
}

/// A value as the target attribute takes it; `None` when it counts as null.
fn fit(
    value: AttributeValue,
    mapping: &AttributeMapping,
    definition: &AttributeDefinition,
    style: &Style,
) -> Result<Option<MappedValue>, MappingError> {
    let target = || mapping.target.to_string();
    let mut texts = match value {
        AttributeValue::Text(text) => vec![text],
        AttributeValue::List(texts) => texts,
        AttributeValue::Roles(roles) if roles.is_empty() => Vec::new(),
        AttributeValue::Roles(roles) => Value::Roles(roles).to_text(),
    };
    if !style.empty_flows {
        texts.retain(|text| !text.is_empty());
    }
    if let Some(text) = texts.iter().find(|text| !definition.attribute_type.accepts(text)) {
        return Err(MappingError::Type {
            target: target(),
            attribute_type: definition.attribute_type,
            text: text.clone(),
        });
    }
    if texts.is_empty() {
        return Ok(None);
    }
    if takes_list(&mapping.target, definition) {
        return Ok(Some(MappedValue::List(texts)));
    }
    if 1 < texts.len() && style.list_on_single == ListOnSingle::Error {
        return Err(MappingError::ListOnSingle { target: target(), count: texts.len() });
    }
    let first = texts.into_iter().next();
    let text = if is_role_type(&mapping.target) { Some(ROLE_TYPE.to_owned()) } else { first };
    Ok(text.map(MappedValue::Text))
}

/// Whether lists go there as they are: a multi-valued attribute named as a whole, not an element or a part of one.
fn takes_list(path: &TargetPath, definition: &AttributeDefinition) -> bool {
    definition.multivalued && path.filter().is_none() && path.sub().is_none()
}

/// `roles[…].type` always shows the fixed text, whatever is mapped to it (`mapping.md 2.2` step 5).
fn is_role_type(path: &TargetPath) -> bool {
    path.extension().is_none()
        && path.attribute().eq_ignore_ascii_case("roles")
        && path.sub().is_some_and(|sub| sub.eq_ignore_ascii_case("type"))
}

impl Mapped {
    /// The values that a create must not send before the target was asked for them (`mapping.md 7.37`), each with the
    /// place of its mapping, in mapping order.
    pub fn unique_values(&self) -> Vec<(usize, TargetPath, FilterValue)> {
        let unique = self.attributes.iter().filter(|attribute| attribute.traits.unique && !attribute.ignored);
        let found = unique.filter_map(|attribute| match attribute.value.as_ref()? {
            MappedValue::Text(text) => {
                let value = filter_value(text, attribute.traits.attribute_type);
                Some((attribute.mapping_index, attribute.path.clone(), value))
            }
            MappedValue::List(_) => None,
        });
        found.collect()
    }

    /// What to look for, in ascending precedence; matching attributes without a value are left out
    /// (`wire.md 2.3`). Booleans and integers stand bare in a filter (`wire.md 2.1` rule 2).
    pub fn matching(&self) -> Vec<(TargetPath, FilterValue)> {
        let mut matching: Vec<_> =
            self.attributes.iter().filter(|attribute| 0 < attribute.traits.matching_priority).collect();
        matching.sort_by_key(|attribute| attribute.traits.matching_priority);
        let found = matching.into_iter().filter_map(|attribute| {
            let text = match attribute.value.as_ref()? {
                MappedValue::Text(text) => text,
                MappedValue::List(texts) => texts.first()?,
            };
            Some((attribute.path.clone(), filter_value(text, attribute.traits.attribute_type)))
        });
        found.filter(|(_, value)| !value.as_str().trim().is_empty()).collect()
    }
}

fn filter_value(text: &str, attribute_type: AttributeType) -> FilterValue {
    match (attribute_type, parse_boolean(text)) {
        (AttributeType::Boolean, Some(truth)) => FilterValue::Bare(truth.to_string()),
        (AttributeType::Integer, _) => FilterValue::Bare(text.to_owned()),
        (_, _) => FilterValue::Text(text.to_owned()),
    }
}
