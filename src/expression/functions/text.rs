//! Functions on text.

use std::fmt::Write as _;

use super::diacritics::normalize;
use super::{each_text, source_or_choice};
use crate::expression::dotnet::text::{Culture, capitalise_after, find, length, slice, title_case};
use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine};
use crate::expression::switches::MidRange;
use crate::expression::value::Datum;

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

/// `Append` (`mapping.md 7.1`): a null suffix counts as empty.
pub(in crate::expression) fn append<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    let suffix = arguments.text(1);
    each_text(source, machine, |text| Ok([text, suffix.as_ref()].concat()))
}

/// `ConvertToBase64` (`mapping.md 7.8`): of the UTF-16 little-endian bytes, without a byte-order mark.
pub(in crate::expression) fn convert_to_base64<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    each_text(source, machine, |text| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        Ok(base64(&bytes))
    })
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4_usize {
            let sextet = usize::try_from((bits >> (18 - 6 * place)) & 0x3F).unwrap_or(0);
            let letter = ALPHABET.get(sextet).filter(|_| place <= chunk.len());
            text.push(letter.map_or('=', |letter| char::from(*letter)));
        }
    }
    text
}

/// `ConvertToUTF8Hex` (`mapping.md 7.9`).
pub(in crate::expression) fn convert_to_utf8_hex<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    each_text(source, machine, |text| {
        let mut hex = String::with_capacity(text.len().saturating_mul(2));
        for byte in text.bytes() {
            // Writing to a text can not fail.
            let _infallible = write!(hex, "{byte:02X}");
        }
        Ok(hex)
    })
}

/// `CStr` (`mapping.md 7.11`).
pub(in crate::expression) fn c_str<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let value = source_or_choice(arguments.take(0), machine);
    Ok(value.text().map_or(Datum::Null, Datum::Text))
}

/// `InStr` (`mapping.md 7.19`): the 1-based first hit at or after the start, 0 for none.
pub(in crate::expression) fn in_str<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let start = if arguments.given(2) { arguments.integer(2)? } else { 1 };
    let ignore_case = match arguments.text(3).as_ref() {
        "" | "vbBinaryCompare" => false,
        "vbTextCompare" => true,
        other => {
            return Err(EvaluationError::new(format!(
                "`{other}` is neither vbBinaryCompare nor vbTextCompare"
            )));
        }
    };
    if start < 1 {
        return Err(EvaluationError::new(format!("the start {start} is below 1")));
    }
    let (Some(text), Some(sought)) = (arguments.take(0).text(), arguments.take(1).text()) else {
        return Ok(Datum::Integer(0));
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX).saturating_sub(1);
    let found = if start < length(&text) { find(&text, &sought, start, ignore_case) } else { None };
    Ok(Datum::Integer(found.and_then(|found| i64::try_from(found.saturating_add(1)).ok()).unwrap_or(0)))
}

/// `Left` (`mapping.md 7.26`): a negative number gives the whole text, null the empty one.
pub(in crate::expression) fn left<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = arguments.take(0);
    let count = arguments.integer(1)?;
    if source.is_null() {
        return Ok(Datum::owned(String::new()));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    each_text(source, machine, |text| Ok(slice(text, 0, count)))
}

/// `Mid` (`mapping.md 7.27`).
pub(in crate::expression) fn mid<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = arguments.take(0);
    let (start, count) = (arguments.integer(1)?, arguments.integer(2)?);
    let whole_text = machine.switches().mid_range == MidRange::WholeText;
    if !whole_text && start < 1 {
        return Err(EvaluationError::new(format!("the start {start} is below 1")));
    }
    if !whole_text && count < 0 {
        return Err(EvaluationError::new(format!("the length {count} is negative")));
    }
    if source.is_null() {
        return Ok(Datum::owned(String::new()));
    }
    let range =
        start.checked_sub(1).and_then(|start| usize::try_from(start).ok()).zip(usize::try_from(count).ok());
    each_text(source, machine, |text| {
        Ok(match range {
            Some((start, count)) if !whole_text || start < length(text) => slice(text, start, count),
            Some(_) | None => text.to_owned(),
        })
    })
}

/// `NormalizeDiacritics` (`mapping.md 7.28`).
pub(in crate::expression) fn normalize_diacritics<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    let strip_unlisted = machine.switches().diacritics_strip_unlisted;
    each_text(source, machine, |text| Ok(normalize(text, strip_unlisted)))
}

/// `PCase` (`mapping.md 7.32`).
pub(in crate::expression) fn p_case<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    let separators = arguments.take(1).text();
    let apostrophe = machine.switches().pcase_apostrophe;
    each_text(source, machine, |text| {
        Ok(match &separators {
            Some(separators) => capitalise_after(text, separators),
            None => title_case(text, apostrophe),
        })
    })
}

/// `StripSpaces` (`mapping.md 7.40`): U+0020 only.
pub(in crate::expression) fn strip_spaces<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    each_text(source, machine, |text| Ok(text.replace(' ', "")))
}

/// `ToLower` (`mapping.md 7.42`).
pub(in crate::expression) fn to_lower<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    change_case(arguments, machine, Culture::to_lower)
}

/// `ToUpper` (`mapping.md 7.43`).
pub(in crate::expression) fn to_upper<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    change_case(arguments, machine, Culture::to_upper)
}

fn change_case<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
    change: fn(Culture, &str) -> String,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    let name = arguments.text(1);
    let culture = Culture::from_name(&name)
        .ok_or_else(|| EvaluationError::new(format!("`{name}` is not a well-formed culture name")))?;
    each_text(source, machine, |text| Ok(change(culture, text)))
}

/// `Word` (`mapping.md 7.44`): each delimiter character counts alone.
pub(in crate::expression) fn word<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let text = arguments.text(0);
    let number = arguments.integer(1)?;
    let delimiters = arguments.text(2);
    let empty_words = machine.switches().word_empty_words;
    let mut words =
        text.split(|character| delimiters.contains(character)).filter(|word| empty_words || !word.is_empty());
    let place = number.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    Ok(Datum::owned(place.and_then(|place| words.nth(place)).unwrap_or_default().to_owned()))
}
