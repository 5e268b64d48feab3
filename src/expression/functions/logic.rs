//! Choosing between values, and asking what they are.

use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Flow, Machine};
use crate::expression::node::Node;
use crate::expression::value::Datum;

/// `Not` (`mapping.md 7.29`): false for the text `true` in any letter case, else true.
pub(in crate::expression) fn not<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Result<Datum<'v>, EvaluationError> {
    Ok(Datum::Boolean(!arguments.text(0).eq_ignore_ascii_case("true")))
}

/// `Switch` (`mapping.md 7.41`): the value of the first key that equals the source, null counting as empty.
pub(in crate::expression) fn switch<'v>(
    arguments: &'v [Option<Node>],
    machine: &mut Machine<'v, '_, '_>,
) -> Result<Flow<'v>, EvaluationError> {
    let [Some(source), default, pairs @ ..] = arguments else {
        return Ok(Flow::Value(Datum::Null));
    };
    let source = machine.value(source)?.text().unwrap_or_default();
    for pair in pairs.chunks_exact(2) {
        if let [Some(key), Some(value)] = pair
            && machine.value(key)?.text().unwrap_or_default() == source
        {
            return machine.flow(value);
        }
    }
    default
        .as_ref()
        .map_or(Ok(Flow::Value(Datum::Null)), |default| machine.flow(default))
}
