//! Functions that take or give lists.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::source_or_choice;
use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine, check_bytes, check_list};
use crate::expression::limits::VALUE_BYTES_MAX;
use crate::expression::value::Datum;

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

/// `Join` (`mapping.md 7.25`): null and empty sources are skipped together with their separator.
pub(in crate::expression) fn join<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let separator = arguments.text(0);
    let parts = arguments.len().saturating_sub(1);
    let bytes = arguments.bytes(1).saturating_add(separator.len().saturating_mul(parts));
    let mut joined = String::with_capacity(bytes.min(VALUE_BYTES_MAX));
    let mut add = |value: &str| {
        if value.is_empty() {
            return Ok(());
        }
        // An empty text stands for nothing joined yet: empty values never get in.
        let separator = if joined.is_empty() { "" } else { separator.as_ref() };
        check_bytes(joined.len().saturating_add(separator.len()).saturating_add(value.len()))?;
        joined.push_str(separator);
        joined.push_str(value);
        Ok(())
    };
    for place in 1..arguments.len() {
        match arguments.take(place) {
            Datum::List(values) => {
                machine.count_steps(values.len())?;
                values.iter().try_for_each(|value| add(value))?;
            }
            single @ (Datum::Null
            | Datum::Text(_)
            | Datum::Integer(_)
            | Datum::Boolean(_)
            | Datum::Instant(_)
            | Datum::Roles(_)) => add(&single.text().unwrap_or_default())?,
        }
    }
    if joined.is_empty() && !machine.switches().join_empty_text {
        return Ok(Datum::Null);
    }
    Ok(Datum::owned(joined))
}

/// `Count` (`mapping.md 7.10`): 1 for a single value, 0 for null.
pub(in crate::expression) fn count<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let values = source_or_choice(arguments.take(0), machine).list().len();
    Ok(Datum::Integer(i64::try_from(values).unwrap_or(i64::MAX)))
}

/// `Item` (`mapping.md 7.24`): counts from 1.
pub(in crate::expression) fn item<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    if source.is_null() {
        return Err(EvaluationError::new("the attribute is null"));
    }
    let index = arguments.integer(1)?;
    let values = source.list();
    let place = index.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    match place.and_then(|place| values.get(place)) {
        Some(value) => Ok(Datum::owned(value.clone())),
        None if machine.switches().item_outside_null => Ok(Datum::Null),
        None => Err(EvaluationError::new(format!("the index {index} is outside 1 to {}", values.len()))),
    }
}

/// `RemoveDuplicates` (`mapping.md 7.35`): the first of each value stays, in order; letter case counts.
pub(in crate::expression) fn remove_duplicates<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    match source_or_choice(arguments.take(0), machine) {
        Datum::List(values) => {
            machine.count_steps(values.len())?;
            let mut seen = BTreeSet::new();
            let unique = values.iter().filter(|value| seen.insert(value.as_str())).cloned().collect();
            Ok(Datum::List(Cow::Owned(unique)))
        }
        single @ (Datum::Null
        | Datum::Text(_)
        | Datum::Integer(_)
        | Datum::Boolean(_)
        | Datum::Instant(_)
        | Datum::Roles(_)) => Ok(single),
    }
}

/// `Split` (`mapping.md 7.39`): the delimiter counts as a whole; parts are trimmed, empty ones dropped (OQ-8).
pub(in crate::expression) fn split<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let Some(source) = source_or_choice(arguments.take(0), machine).text() else {
        return Ok(Datum::Null);
    };
    let delimiter = arguments.text(1);
    if delimiter.is_empty() {
        return Err(EvaluationError::new("the delimiter is empty"));
    }
    let trims = machine.switches().split_trims;
    let mut parts: Vec<String> = Vec::new();
    for part in source.split(delimiter.as_ref()) {
        let part = if trims { part.trim() } else { part };
        if !(trims && part.is_empty()) {
            check_list(parts.len().saturating_add(1))?;
            parts.push(part.to_owned());
        }
    }
    machine.count_steps(parts.len())?;
    Ok(Datum::List(Cow::Owned(parts)))
}
