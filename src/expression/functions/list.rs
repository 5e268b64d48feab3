//! Functions that take or give lists.

use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine, check_bytes};
use crate::expression::value::Datum;

/// `Join` (`mapping.md 7.25`): null and empty sources are skipped together with their separator.
pub(in crate::expression) fn join<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<Datum<'v>, EvaluationError> {
    let separator = arguments.text(0);
    let mut joined = String::new();
    let mut add = |value: &str| {
        if value.is_empty() {
            return Ok(());
        }
        // An empty text stands for nothing joined yet: empty values never get in.
        let separator = if joined.is_empty() { "" } else { separator.as_ref() };
        check_bytes(
            joined
                .len()
                .saturating_add(separator.len())
                .saturating_add(value.len()),
        )?;
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
            single => add(&single.text().unwrap_or_default())?,
        }
    }
    if joined.is_empty() && !machine.switches().join_empty_text {
        return Ok(Datum::Null);
    }
    Ok(Datum::owned(joined))
}
