//! Whether a filter holds for a resource, or for one entry of a multi-valued attribute.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Filter, Literal, Operator, Subject};
use crate::target::ResourceKind;
use crate::target::schema::{self, Attribute, Place, Resolved, Type};

/// Something with attributes: a resource.
pub(in crate::target) trait Source {
    /// Kind of the resource.
    fn kind(&self) -> ResourceKind;
    /// The value of an attribute, its name as the schema spells it.
    fn attribute(&self, place: &Place, name: &str) -> Option<Cow<'_, Value>>;
}

/// Whether the filter holds for the resource. An attribute that the schemas lack has no value (RFC 7644 §3.4.2.2).
pub(in crate::target) fn holds(filter: &Filter, resource: &impl Source) -> bool {
    walk(filter, &mut |subject, test| {
        let Some(resolved) = schema::resolve(resource.kind(), &subject.name) else {
            return compare_all(None, &[], &test);
        };
        let value = resource.attribute(&resolved.place, &resolved.name);
        let kept = value.as_deref().map(entries).unwrap_or_default().into_iter().filter(|entry| {
            subject.within.as_ref().is_none_or(|inner| entry_holds(inner, resolved.definition, entry))
        });
        let (values, definition) = compared(&resolved, kept, &test);
        compare_all(definition, &values, &test)
    })
}

/// Whether the filter holds for one entry of the attribute that `parent` defines. An entry that is no object counts
/// as its own `value`.
pub(in crate::target) fn entry_holds(filter: &Filter, parent: Option<&Attribute>, entry: &Value) -> bool {
    walk(filter, &mut |subject, test| {
        let name = &subject.name.attribute;
        let value = if entry.is_object() {
            member(entry, name)
        } else {
            Some(entry).filter(|_| name.eq_ignore_ascii_case("value"))
        };
        let values: Vec<&Value> = value.into_iter().collect();
        compare_all(parent.and_then(|parent| parent.sub(name)), &values, &test)
    })
}

/// A field whose name's case is ignored.
pub(in crate::target) fn find<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields
        .get(name)
        .or_else(|| fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The form in which two texts are compared: as it is, or without case.
pub(in crate::target) fn folded(text: &str, exact: bool) -> Cow<'_, str> {
    if exact { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

/// The values a query or an index sees in the value of an attribute: those of the sub-attribute that is compared.
pub(in crate::target) fn compared_values<'a>(resolved: &Resolved, value: &'a Value) -> Vec<&'a Value> {
    let all = entries(value).into_iter();
    match resolved.compared_sub() {
        Some(sub) => all.filter_map(|entry| member(entry, &sub.name)).collect(),
        None => all.collect(),
    }
}

enum Test<'a> {
    Present,
    Compare(Operator, &'a Literal),
}

fn walk(filter: &Filter, leaf: &mut impl FnMut(&Subject, Test<'_>) -> bool) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|part| walk(part, leaf)),
        Filter::Or(any) => any.iter().any(|part| walk(part, leaf)),
        Filter::Not(inner) => !walk(inner, leaf),
        Filter::Present(subject) => leaf(subject, Test::Present),
        Filter::Compare(subject, operator, literal) => leaf(subject, Test::Compare(*operator, literal)),
    }
}

fn entries(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(entries) => entries.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    }
}

fn member<'a>(entry: &'a Value, name: &str) -> Option<&'a Value> {
    entry.as_object().and_then(|fields| find(fields, name))
}

/// The values a test looks at, and the definition that says how they compare.
fn compared<'a>(
    resolved: &Resolved,
    entries: impl Iterator<Item = &'a Value>,
    test: &Test<'_>,
) -> (Vec<&'a Value>, Option<&'static Attribute>) {
    let sub = match test {
        Test::Present => resolved.sub.clone(),
        Test::Compare(..) => resolved.compared_sub(),
    };
    match sub {
        Some(sub) => (entries.filter_map(|entry| member(entry, &sub.name)).collect(), sub.definition),
        None => (entries.collect(), resolved.definition),
    }
}

/// Whether any value passes. `eq null` and `ne` also hold for attributes without a value.
fn compare_all(definition: Option<&Attribute>, values: &[&Value], test: &Test<'_>) -> bool {
    let values: Vec<&Value> = values.iter().copied().filter(|value| is_assigned(value)).collect();
    match test {
        Test::Present | Test::Compare(Operator::NotEqual, Literal::Null) => !values.is_empty(),
        Test::Compare(Operator::Equal, Literal::Null) => values.is_empty(),
        Test::Compare(Operator::NotEqual, literal) => {
            let differs = |value: &&Value| !compare(definition, value, Operator::Equal, literal);
            values.is_empty() || values.iter().any(differs)
        }
        Test::Compare(operator, literal) => {
            values.iter().any(|value| compare(definition, value, *operator, literal))
        }
    }
}

fn compare(definition: Option<&Attribute>, value: &Value, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(value), Literal::Text(text)) => compare_text(definition, value, operator, text),
        (Value::Bool(value), Literal::Boolean(wanted)) => operator == Operator::Equal && value == wanted,
        // `roles[primary eq "True"]` is how Entra spells it (`wire.md 3.2`).
        (Value::Bool(value), Literal::Text(text)) => {
            operator == Operator::Equal && text.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (Value::Number(value), Literal::Number(wanted)) => {
            let ordering = value.as_f64().and_then(|value| value.partial_cmp(wanted));
            ordering.is_some_and(|ordering| ordered(ordering, operator))
        }
        // Entries of unknown extensions may be complex: their `value` stands for them.
        (Value::Object(fields), _) => find(fields, "value")
            .is_some_and(|inner| !inner.is_object() && compare(definition, inner, operator, literal)),
        _ => false,
    }
}

fn compare_text(definition: Option<&Attribute>, value: &str, operator: Operator, text: &str) -> bool {
    if definition.is_some_and(|definition| definition.kind == Type::DateTime)
        && let (Ok(value), Ok(wanted)) = (value.parse::<Timestamp>(), text.parse::<Timestamp>())
    {
        return ordered(value.cmp(&wanted), operator);
    }
    let exact = definition.is_some_and(|definition| definition.case_exact);
    let (value, text) = (folded(value, exact), folded(text, exact));
    match operator {
        Operator::Contains => value.contains(text.as_ref()),
        Operator::StartsWith => value.starts_with(text.as_ref()),
        Operator::EndsWith => value.ends_with(text.as_ref()),
        Operator::Equal
        | Operator::NotEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Less
        | Operator::LessOrEqual => ordered(value.cmp(&text), operator),
    }
}

fn ordered(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
