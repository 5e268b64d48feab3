//! What an update has to write: mapped values against what the target holds (`wire.md 4.1`, `engine.md 1.4`).

use serde_json::Value;

use super::definition::{AttributeType, parse_boolean};
use super::evaluate::{Mapped, MappedAttribute, MappedValue, OverNull, RoleList, Traits};
use super::rule::{FlowBehavior, FlowType};
use crate::scim::member;
use crate::scim::path::TargetPath;
use crate::scim::style::{Dialect, Style};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// The target has nothing there, or an empty text.
    Add,
    /// The target has something else there.
    Replace,
    /// References only (`wire.md 4.6`).
    Remove,
}

impl Verb {
    /// The name a dialect gives it.
    pub fn as_str(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Add, Dialect::Default | Dialect::Legacy2018) => "Add",
            (Self::Replace, Dialect::Default | Dialect::Legacy2018) => "Replace",
            (Self::Remove, Dialect::Default | Dialect::Legacy2018) => "Remove",
            (Self::Add, Dialect::Optscim) => "add",
            (Self::Replace, Dialect::Optscim) => "replace",
            (Self::Remove, Dialect::Optscim) => "remove",
        }
    }
}

/// One attribute that an update writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Place of the mapping in [`ObjectMapping::attributes`](super::ObjectMapping::attributes).
    pub mapping_index: usize,
    /// The target attribute.
    pub path: TargetPath,
    /// Add or Replace.
    pub verb: Verb,
    /// What the target holds; `None` when nothing.
    pub old: Option<Value>,
    /// What it is to hold, or of a list what is added; `None` writes null, which only `flow_null_values` and
    /// `switch_null_defect` do.
    pub new: Option<MappedValue>,
    /// What logs show in place of both values.
    pub log_text: Option<String>,
    pub(super) traits: Traits,
}

impl Mapped {
    /// What differs from `current`, the resource as the target returned it, in mapping order.
    ///
    /// A null or empty value clears nothing (`wire.md 4.1`); a default flows on create only, but of a None mapping
    /// it fills a gap.
    pub fn differences(&self, current: &Value, style: &Style) -> Vec<Difference> {
        self.attributes.iter().filter_map(|attribute| difference(attribute, current, style)).collect()
    }

    /// What an incremental update writes besides under `switch_null_defect`: of attributes that did not change, what
    /// their Switch makes of null (`mapping.md 1.3`, OQ-32). In mapping order; nothing without that switch.
    pub fn switch_defects(&self, current: &Value, style: &Style) -> Vec<Difference> {
        let unchanged = self.attributes.iter().filter(|one| difference(one, current, style).is_none());
        let written = unchanged.filter_map(|attribute| {
            let old = attribute.path.read(current).filter(|old| !is_empty(old))?;
            let new = match &attribute.over_null {
                OverNull::Null => None,
                OverNull::Value(MappedValue::Text(text)) if !equals(text, old, attribute.traits) => {
                    Some(MappedValue::Text(text.clone()))
                }
                OverNull::NoSwitch | OverNull::Value(_) => return None,
            };
            let flows = !attribute.ignored && attribute.traits.flow_type == FlowType::Always;
            flows.then(|| attribute.difference(Verb::Replace, Some(old), new))
        });
        written.collect()
    }
}

fn difference(attribute: &MappedAttribute, current: &Value, style: &Style) -> Option<Difference> {
    let old = attribute.path.read(current);
    let present = old.is_some_and(|old| !is_empty(old));
    if style.flow_null_values && present && attribute.clears() {
        return Some(attribute.difference(Verb::Replace, old, None));
    }
    let (verb, new) = match (update_value(attribute, present, style)?, old) {
        (MappedValue::Text(text), Some(old)) if present => {
            (Verb::Replace, text_change(&text, old, attribute.traits)?)
        }
        // Only `empty_flows` lets an empty text come here, and there is nothing to make emptier.
        (MappedValue::Text(text), _) if text.is_empty() => return None,
        (new @ MappedValue::Text(_), _) => (Verb::Add, new),
        (MappedValue::List(texts), old) => {
            let held = old.map(held_values).unwrap_or_default();
            list_change(texts, &held, attribute.traits)?
        }
    };
    Some(attribute.difference(verb, old, Some(new)))
}

impl MappedAttribute {
    fn difference(&self, verb: Verb, old: Option<&Value>, new: Option<MappedValue>) -> Difference {
        Difference {
            mapping_index: self.mapping_index,
            path: self.path.clone(),
            verb,
            old: old.cloned(),
            new,
            log_text: self.log_text.clone(),
            traits: self.traits,
        }
    }

    /// Whether null is a value of it (`mapping.md 1.4`).
    fn clears(&self) -> bool {
        self.traits.flows_null
            && self.value.is_none()
            && !self.ignored
            && matches!(self.traits.flow_type, FlowType::Always | FlowType::MultiValueAddOnly)
    }
}

/// What would flow on an update, were it different; `None` when nothing may.
fn update_value(attribute: &MappedAttribute, present: bool, style: &Style) -> Option<MappedValue> {
    let traits = attribute.traits;
    if attribute.ignored {
        return None;
    }
    let flows = match traits.flow_type {
        FlowType::Always | FlowType::MultiValueAddOnly => true,
        FlowType::ObjectAddOnly => false,
        FlowType::ValueAddOnly => !present || matches!(attribute.value, Some(MappedValue::List(_))),
        FlowType::AttributeAddOnly => !present,
    };
    if !flows {
        return None;
    }
    match &attribute.value {
        Some(value) => Some(value.clone()),
        None if traits.fills_gap && style.none_fills_gaps && !present => attribute.default.clone(),
        None if traits.roles == Some(RoleList::Asserting) && style.assertive_none && present => {
            Some(MappedValue::List(Vec::new()))
        }
        None => None,
    }
}

fn text_change(text: &str, old: &Value, traits: Traits) -> Option<MappedValue> {
    let changed = traits.flow_behavior == FlowBehavior::FlowAlways || !equals(text, old, traits);
    changed.then(|| MappedValue::Text(text.to_owned()))
}

/// Lists are added to and never replaced, so that values the source lost stay (`wire.md 4.5`, `9.2`); only the
/// assertive role function states the whole list (`wire.md 9.3`).
fn list_change(texts: Vec<String>, held: &[String], traits: Traits) -> Option<(Verb, MappedValue)> {
    let always = traits.flow_behavior == FlowBehavior::FlowAlways;
    let lacking = |text: &&String| !held.iter().any(|held| holds(held, text, traits));
    if traits.roles == Some(RoleList::Asserting) {
        let surplus = held.iter().any(|held| !texts.iter().any(|text| holds(held, text, traits)));
        let changed = always || surplus || texts.iter().any(|text| lacking(&text));
        return changed.then_some((Verb::Replace, MappedValue::List(texts)));
    }
    let added: Vec<String> = texts.iter().filter(lacking).cloned().collect();
    let whole = match traits.flow_type {
        FlowType::Always | FlowType::ObjectAddOnly | FlowType::AttributeAddOnly => texts,
        FlowType::MultiValueAddOnly | FlowType::ValueAddOnly => added.clone(),
    };
    let changed = !added.is_empty() || (always && !whole.is_empty());
    changed.then_some((Verb::Add, MappedValue::List(whole)))
}

/// Nothing worth replacing: the service adds where the target has an empty text (`wire.md 4.1`).
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// The texts of a multi-valued attribute: its elements, or the `value` of each.
fn held_values(value: &Value) -> Vec<String> {
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = elements.iter().filter_map(|element| match element {
        Value::Object(_) => member(element, "value").map(plain_text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Some(plain_text(element))
        }
    });
    texts.collect()
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a held value is the mapped one. A role is the same by its value, or by the whole JSON text where a target
/// kept that (`wire.md 9.2`).
fn holds(held: &str, text: &str, traits: Traits) -> bool {
    if traits.roles.is_some() {
        let role: Value = serde_json::from_str(text).unwrap_or_default();
        if member(&role, "value").and_then(Value::as_str) == Some(held) {
            return true;
        }
    }
    same_text(held, text, traits.case_exact)
}

/// Whether the target's value is the mapped one. Truth is compared as truth, whether the target returns a boolean or
/// its text; text by `caseExact` (`mapping.md 1.3`).
fn equals(text: &str, current: &Value, traits: Traits) -> bool {
    match current {
        Value::String(current) if traits.attribute_type == AttributeType::Boolean => {
            same_text(current, text, false)
        }
        Value::String(current) => same_text(current, text, traits.case_exact),
        Value::Bool(current) => parse_boolean(text) == Some(*current),
        Value::Number(current) => {
            text == current.to_string() || text.parse().is_ok_and(|number| current.as_i64() == Some(number))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn same_text(a: &str, b: &str, case_exact: bool) -> bool {
    a == b || (!case_exact && a.to_lowercase() == b.to_lowercase())
}
