//! Choosing between values, and asking what they are.

use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Flow, Machine};
use crate::expression::node::Node;
use crate::expression::value::Datum;

type Strict<'v> = Result<Datum<'v>, EvaluationError>;
type Lazy<'v> = Result<Flow<'v>, EvaluationError>;

/// `BitAnd` (`mapping.md 7.4`), on 64 bits.
pub(in crate::expression) fn bit_and<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    Ok(Datum::Integer(arguments.integer(0)? & arguments.integer(1)?))
}

/// `CBool` (`mapping.md 7.5`): a comparison arrives here as its truth.
pub(in crate::expression) fn c_bool<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    arguments.take(0).boolean().map(Datum::Boolean)
}

/// `Coalesce` (`mapping.md 7.7`): the first argument that is not null; an ignore mark is not null.
pub(in crate::expression) fn coalesce<'v>(
    arguments: &'v [Option<Node>],
    machine: &mut Machine<'v, '_, '_>,
) -> Lazy<'v> {
    machine.evaluate_eagerly(arguments)?;
    let skips_empty = machine.switches().coalesce_skips_empty;
    for candidate in arguments.iter().flatten() {
        match machine.flow(candidate)? {
            Flow::Value(value) if value.is_null() || (skips_empty && value.is_null_or_empty()) => {}
            found @ (Flow::Value(_) | Flow::IgnoreAttribute | Flow::IgnoreObject) => return Ok(found),
        }
    }
    Ok(Flow::Value(Datum::Null))
}

/// `IgnoreFlowIfNullOrEmpty` (`mapping.md 7.17`).
pub(in crate::expression) fn ignore_flow_if_null_or_empty<'v>(
    arguments: &'v [Option<Node>],
    machine: &mut Machine<'v, '_, '_>,
) -> Lazy<'v> {
    let value = match arguments {
        [Some(expression), ..] => machine.value(expression)?,
        _ => Datum::Null,
    };
    Ok(if value.is_null_or_empty() { Flow::IgnoreAttribute } else { Flow::Value(value) })
}

/// `IIF` (`mapping.md 7.18`).
pub(in crate::expression) fn iif<'v>(
    arguments: &'v [Option<Node>],
    machine: &mut Machine<'v, '_, '_>,
) -> Lazy<'v> {
    let [Some(condition), Some(if_true), Some(if_false)] = arguments else {
        return Ok(Flow::Value(Datum::Null));
    };
    machine.evaluate_eagerly(arguments)?;
    let branch = if machine.value(condition)?.boolean()? { if_true } else { if_false };
    machine.flow(branch)
}

/// `IsNull` (`mapping.md 7.20`) and `IsNothing`.
pub(in crate::expression) fn is_null<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    Ok(Datum::Boolean(arguments.take(0).is_null()))
}

/// `IsNullOrEmpty` (`mapping.md 7.21`).
pub(in crate::expression) fn is_null_or_empty<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    Ok(Datum::Boolean(arguments.take(0).is_null_or_empty()))
}

/// `IsPresent` (`mapping.md 7.22`).
pub(in crate::expression) fn is_present<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    Ok(Datum::Boolean(!arguments.take(0).is_null_or_empty()))
}

/// `IsString` (`mapping.md 7.23`): everything but null has a text form.
pub(in crate::expression) fn is_string<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    Ok(Datum::Boolean(!arguments.take(0).is_null()))
}

/// `Not` (`mapping.md 7.29`): false for the text `true` in any letter case, else true.
pub(in crate::expression) fn not<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    Ok(Datum::Boolean(!arguments.text(0).eq_ignore_ascii_case("true")))
}

/// `Redact` (`mapping.md 7.34`): marks the value for the logs and lets it through.
pub(in crate::expression) fn redact<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Strict<'v> {
    machine.environment.redacted = true;
    Ok(arguments.take(0))
}

/// `SelectUniqueValue` (`mapping.md 7.37`): the first candidate that the target does not hold; null and empty ones
/// are skipped.
pub(in crate::expression) fn select_unique_value<'v>(
    arguments: &'v [Option<Node>],
    machine: &mut Machine<'v, '_, '_>,
) -> Lazy<'v> {
    for rule in arguments.iter().flatten() {
        let candidate = machine.value(rule)?.text().unwrap_or_default();
        if !candidate.is_empty() && !machine.environment.target_values.contains(candidate.as_ref()) {
            return Ok(Flow::Value(Datum::Text(candidate)));
        }
    }
    Err(EvaluationError::new("every candidate value is present in the target already"))
}

/// `Switch` (`mapping.md 7.41`): the value of the first key that equals the source, null counting as empty.
pub(in crate::expression) fn switch<'v>(
    arguments: &'v [Option<Node>],
    machine: &mut Machine<'v, '_, '_>,
) -> Lazy<'v> {
    let [Some(source), default, pairs @ ..] = arguments else {
        return Ok(Flow::Value(Datum::Null));
    };
    machine.evaluate_eagerly(arguments)?;
    let source = machine.value(source)?.text().unwrap_or_default();
    for pair in pairs.chunks_exact(2) {
        if let [Some(key), Some(value)] = pair
            && machine.value(key)?.text().unwrap_or_default() == source
        {
            return machine.flow(value);
        }
    }
    default.as_ref().map_or(Ok(Flow::Value(Datum::Null)), |default| machine.flow(default))
}
