//! Functions on dates (`mapping.md 6.8`).

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::source_or_choice;
use crate::expression::dotnet::date::{self, Interval, Surroundings};
use crate::expression::dotnet::date_format::{Format, Kind, Stamp, styles};
use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine};
use crate::expression::value::Datum;

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

/// The job time as the civil time of UTC.
fn now(machine: &Machine<'_, '_, '_>) -> DateTime {
    Offset::UTC.to_datetime(machine.environment.now)
}

/// The moment that `value` is or says.
fn instant(
    value: Datum<'_>,
    machine: &Machine<'_, '_, '_>,
) -> std::result::Result<DateTime, EvaluationError> {
    if let Datum::Instant(moment) = value {
        return Ok(moment);
    }
    let text =
        value.text().ok_or_else(|| EvaluationError::new("a date was expected, but the value is null"))?;
    let switches = machine.switches();
    let naive = if switches.naive_dates_local { switches.service_time_zone } else { Offset::UTC };
    date::parse(&text, Surroundings { naive, today: now(machine).date() })
        .ok_or_else(|| EvaluationError::new(format!("`{text}` is not a date")))
}

/// A date argument of `DateAdd` and `DateDiff`, which take text as well (OQ-12).
fn instant_argument(
    value: Datum<'_>,
    machine: &Machine<'_, '_, '_>,
) -> std::result::Result<DateTime, EvaluationError> {
    // Without typed dates (OQ-9) every date arrives as text.
    let text_allowed = machine.switches().date_text_arguments || !machine.switches().typed_dates;
    if !text_allowed && !matches!(value, Datum::Instant(_) | Datum::Null) {
        return Err(EvaluationError::new("a date was expected; turn text into one with `CDate`"));
    }
    instant(value, machine)
}

fn interval(arguments: &mut Arguments<'_>) -> std::result::Result<Interval, EvaluationError> {
    let name = arguments.text(0);
    Interval::from_name(&name).ok_or_else(|| {
        EvaluationError::new(format!("`{name}` is not an interval; there are yyyy, m, d, ww, h, n and s"))
    })
}

fn out_of_range() -> EvaluationError {
    EvaluationError::new("the result is outside the years 1 to 9999")
}

/// `CDate` (`mapping.md 7.6`).
pub(in crate::expression) fn c_date<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    instant(arguments.take(0), machine).map(Datum::Instant)
}

/// `DateAdd` (`mapping.md 7.12`).
pub(in crate::expression) fn date_add<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let interval = interval(arguments)?;
    let count = arguments.integer(1)?;
    let moment = instant_argument(arguments.take(2), machine)?;
    date::add(moment, interval, count).map(Datum::Instant).ok_or_else(out_of_range)
}

/// `DateDiff` (`mapping.md 7.13`): positive when the second date is later.
pub(in crate::expression) fn date_diff<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let interval = interval(arguments)?;
    let first = instant_argument(arguments.take(1), machine)?;
    let second = instant_argument(arguments.take(2), machine)?;
    Ok(Datum::Integer(date::difference(interval, first, second, machine.switches().date_difference)))
}

/// `DateFromNum` (`mapping.md 7.14`).
pub(in crate::expression) fn date_from_num<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let ticks = arguments.integer(0)?;
    date::from_file_time(ticks).map(Datum::Instant).ok_or_else(|| {
        EvaluationError::new(format!("`{ticks}` is not a file time between the years 1601 and 9999"))
    })
}

/// `FormatDateTime` (`mapping.md 7.15`).
pub(in crate::expression) fn format_date_time<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    if source.is_null() {
        return Ok(Datum::Null);
    }
    let styles = styles(&arguments.text(1)).map_err(EvaluationError::new)?;
    let output = Format::new(&arguments.text(3)).map_err(EvaluationError::new)?;
    let local = machine.switches().service_time_zone;
    let stamp = if let Datum::Instant(moment) = source {
        Stamp { wall: moment, kind: Kind::Utc }
    } else {
        let text = source.text().unwrap_or_default();
        let format = arguments.text(2);
        let input = Format::new(&format).map_err(EvaluationError::new)?;
        input.read(&text, &styles, local, now(machine)).ok_or_else(|| {
            EvaluationError::new(format!("`{text}` does not match the date format `{format}`"))
        })?
    };
    Ok(Datum::owned(output.write(stamp, local)))
}

/// `Now` (`mapping.md 7.30`).
pub(in crate::expression) fn now_function<'v>(
    _arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    Ok(Datum::Instant(now(machine)))
}

/// `NumFromDate` (`mapping.md 7.31`).
pub(in crate::expression) fn num_from_date<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let value = source_or_choice(arguments.take(0), machine);
    if value.is_null() {
        return Ok(Datum::Null);
    }
    date::file_time(instant(value, machine)?)
        .map(Datum::Integer)
        .ok_or_else(|| EvaluationError::new("the date is before 1601"))
}
