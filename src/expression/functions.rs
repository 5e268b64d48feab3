//! The functions, by family. Each is an entry of the [catalogue](super::catalogue).

pub(super) mod adjacent;
pub(super) mod dates;
mod diacritics;
pub(super) mod generate;
pub(super) mod list;
pub(super) mod logic;
pub(super) mod replace;
pub(super) mod roles;
pub(super) mod text;

use std::borrow::Cow;

use super::error::EvaluationError;
use super::evaluate::{Machine, check_bytes};
use super::switches::NullArguments;
use super::value::Datum;

/// Applies `treat` to the source of a text function: to each value of a list alone (OQ-18), to the text of
/// anything else. Null stays null (OQ-1).
fn each_text<'v>(
    source: Datum<'v>,
    machine: &mut Machine<'v, '_, '_>,
    mut treat: impl FnMut(&str) -> Result<String, EvaluationError>,
) -> Result<Datum<'v>, EvaluationError> {
    if let Datum::List(values) = &source
        && machine.switches().text_over_list
    {
        machine.count_steps(values.len())?;
        let mut treated = Vec::with_capacity(values.len());
        let mut bytes: usize = 0;
        for value in values.iter() {
            let text = treat(value)?;
            bytes = bytes.saturating_add(text.len());
            check_bytes(bytes)?;
            treated.push(text);
        }
        return Ok(Datum::List(Cow::Owned(treated)));
    }
    source.text().map_or(Ok(Datum::Null), |text| treat(&text).map(Datum::owned))
}

/// The source, with null replaced where OQ-1 is answered so. Functions with a documented rule for null do not ask.
fn source_or_choice<'v>(source: Datum<'v>, machine: &Machine<'v, '_, '_>) -> Datum<'v> {
    match machine.switches().null_arguments {
        NullArguments::EmptyText if source.is_null() => Datum::Text(Cow::Borrowed("")),
        NullArguments::EmptyText | NullArguments::Table => source,
    }
}
