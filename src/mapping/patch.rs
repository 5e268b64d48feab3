//! The PATCH that closes differences of plain attributes, in each dialect (`wire.md 4.2 to 4.4`).

use serde_json::{Map, Value, json};

use super::create::{role_element, typed_json};
use super::definition::AttributeType;
use super::difference::{Difference, Verb};
use super::evaluate::{MappedValue, RoleList};
use crate::scim::style::{Dialect, EnvelopeOrder, OptscimMerge, Style};
use crate::scim::urn;

/// The body of one PATCH that carries all of them (`wire.md 4.1`); differences are in mapping order.
pub fn patch_body(differences: &[Difference], style: &Style) -> Value {
    let operations: Vec<Value> = match style.dialect {
        Dialect::Default | Dialect::Legacy2018 => {
            differences.iter().map(|difference| operation(difference, style)).collect()
        }
        Dialect::Optscim => merged_operations(differences, style),
    };
    envelope(&operations, style)
}

/// A PATCH body around operations (`wire.md 4.1`).
pub(super) fn envelope(operations: &[Value], style: &Style) -> Value {
    match style.envelope_order {
        EnvelopeOrder::SchemasFirst => json!({"schemas": [urn::PATCH_OP], "Operations": operations}),
        EnvelopeOrder::OperationsFirst => json!({"Operations": operations, "schemas": [urn::PATCH_OP]}),
    }
}

/// An entry of a value list: of members, of a multi-valued attribute, of a scalar in `legacy2018`.
pub(super) fn entry(value: impl Into<Value>, style: &Style) -> Value {
    let value = value.into();
    if style.member_ref_null || style.dialect == Dialect::Legacy2018 {
        return json!({"$ref": null, "value": value});
    }
    json!({"value": value})
}

/// An operation with its own path.
fn operation(difference: &Difference, style: &Style) -> Value {
    json!({
        "op": difference.verb.as_str(style.dialect),
        "path": difference.path.wire_text(style.dialect),
        "value": operation_value(difference, style),
    })
}

fn operation_value(difference: &Difference, style: &Style) -> Value {
    match (&difference.new, difference.traits.roles) {
        (None, _) => Value::Null,
        (Some(MappedValue::List(texts)), Some(RoleList::Asserting)) => {
            texts.iter().map(|text| role_element(text, RoleList::Asserting)).collect()
        }
        (Some(MappedValue::List(texts)), Some(RoleList::Adding)) if style.dialect == Dialect::Optscim => {
            texts.iter().map(|text| role_element(text, RoleList::Adding)).collect()
        }
        (Some(MappedValue::List(texts)), _) => match style.dialect {
            Dialect::Legacy2018 => texts.iter().map(|text| entry(text.as_str(), style)).collect(),
            Dialect::Default | Dialect::Optscim => texts.iter().map(|text| json!({"value": text})).collect(),
        },
        (Some(MappedValue::Text(text)), _) => match style.dialect {
            Dialect::Legacy2018 => json!([entry(scalar(text, difference, style), style)]),
            Dialect::Default | Dialect::Optscim => scalar(text, difference, style),
        },
    }
}

fn scalar(text: &str, difference: &Difference, style: &Style) -> Value {
    let attribute_type = difference.traits.attribute_type;
    if style.updates_with_boolean_text() && attribute_type == AttributeType::Boolean {
        return Value::from(text);
    }
    typed_json(text, attribute_type, style)
}

/// The operations of `optscim` (`wire.md 4.3`): those that keep a path, then a merged add and a merged replace, the
/// one whose first member is earlier in mapping order leading. A single add keeps its path and precedes a merged
/// replace.
fn merged_operations(differences: &[Difference], style: &Style) -> Vec<Value> {
    let (apart, mergeable): (Vec<_>, Vec<_>) =
        differences.iter().partition(|difference| !is_mergeable(difference, style));
    // `active` closes what keeps a path; filtered paths come first of all.
    let (active, filtered): (Vec<_>, Vec<_>) =
        apart.into_iter().partition(|difference| difference.path.is_core("active"));
    let mut operations: Vec<Value> =
        filtered.into_iter().chain(active).map(|difference| operation(difference, style)).collect();

    let of_verb =
        |verb| mergeable.iter().copied().filter(|difference| difference.verb == verb).collect::<Vec<_>>();
    let (adds, replaces) = (of_verb(Verb::Add), of_verb(Verb::Replace));
    let add_leads = match adds.as_slice() {
        [_] => true,
        _ => mergeable.first().is_some_and(|first| first.verb == Verb::Add),
    };
    let add = merge(&adds, false, style);
    let replace = merge(&replaces, style.optscim_merge != OptscimMerge::Several, style);
    operations.extend(if add_leads { [add, replace] } else { [replace, add] }.into_iter().flatten());
    operations
}

fn is_mergeable(difference: &Difference, style: &Style) -> bool {
    let scalar = matches!(difference.new, None | Some(MappedValue::Text(_)));
    let active_apart = difference.path.is_core("active") && style.optscim_merge != OptscimMerge::Active;
    scalar && difference.path.filter().is_none() && !active_apart
}

/// One path-less operation whose keys are the paths, flat (`wire.md 4.3`); a single one only goes without a path when
/// told so, and `active` alone never does: its form is documented.
fn merge(differences: &[&Difference], single_without_path: bool, style: &Style) -> Option<Value> {
    let (first, others) = differences.split_first()?;
    if others.is_empty() && (!single_without_path || first.path.is_core("active")) {
        return Some(operation(first, style));
    }
    let members: Map<String, Value> = differences
        .iter()
        .map(|difference| (difference.path.to_string(), operation_value(difference, style)))
        .collect();
    Some(json!({"op": first.verb.as_str(style.dialect), "value": members}))
}
