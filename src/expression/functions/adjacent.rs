//! Nine functions that other Microsoft pages show (`mapping.md 7.45`), known only when asked for.

use super::{each_text, source_or_choice};
use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine};
use crate::expression::value::Datum;

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

/// `ConvertFromBase64`: the inverse of `ConvertToBase64`; the encoding defaults to `Unicode`.
pub(in crate::expression) fn convert_from_base64<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    let encoding = arguments.text(1);
    let decode: fn(&[u8]) -> Option<String> = match encoding.as_ref() {
        "" | "Unicode" => |bytes| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
            char::decode_utf16(units)
                .collect::<std::result::Result<String, _>>()
                .ok()
                .filter(|_| rest.is_empty())
        },
        "ASCII" => |bytes| bytes.iter().map(|byte| Some(char::from(*byte)).filter(char::is_ascii)).collect(),
        "UTF8" => |bytes| String::from_utf8(bytes.to_vec()).ok(),
        other => {
            return Err(EvaluationError::new(format!(
                "`{other}` is not an encoding; there are Unicode, ASCII and UTF8"
            )));
        }
    };
    each_text(source, machine, |text| {
        let decoded = from_base64(text).and_then(|bytes| decode(&bytes));
        decoded
            .ok_or_else(|| EvaluationError::new(format!("`{text}` is not Base64 of text in that encoding")))
    })
}

/// The bytes of Base64 text with its padding (RFC 4648 section 4); `None` when malformed.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len().div_ceil(4).saturating_mul(3));
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    for (number, group) in (1..).zip(groups) {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if 2 < padding || (0 < padding && number != groups.len()) {
            return None;
        }
        let mut bits: u32 = 0;
        for byte in group {
            let sextet = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            bits = (bits << 6) | u32::from(sextet);
        }
        if group.iter().take(4_usize.saturating_sub(padding)).any(|byte| *byte == b'=') {
            return None;
        }
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(3_usize.saturating_sub(padding)));
    }
    Some(bytes)
}

/// `DNComponent`: the value of the n-th component of a distinguished name, from the left.
pub(in crate::expression) fn dn_component<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let number = arguments.integer(1)?;
    let Some(name) = arguments.take(0).text() else {
        return Ok(Datum::Null);
    };
    let mut components: Vec<String> = vec![String::new()];
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        let Some(last) = components.last_mut() else {
            break;
        };
        match character {
            // An escaped comma or backslash belongs to the value (RFC 4514 section 2.4).
            '\\' => last.extend(characters.next()),
            ',' => components.push(String::new()),
            _ => last.push(character),
        }
    }
    let place = number.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    let component = place.and_then(|place| components.get(place));
    let component =
        component.ok_or_else(|| EvaluationError::new(format!("the name has no component {number}")))?;
    let (_, value) = component.split_once('=').ok_or_else(|| {
        EvaluationError::new(format!("`{component}` is not a component of a distinguished name"))
    })?;
    Ok(Datum::owned(value.trim().to_owned()))
}

/// `DefaultDomain`: the tenant's default domain.
pub(in crate::expression) fn default_domain<'v>(
    _arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let domain = machine.environment.default_domain;
    let domain = domain.ok_or_else(|| EvaluationError::new("the tenant has no default domain"))?;
    Ok(Datum::owned(domain.to_owned()))
}

/// `Error`: fails the object with that message.
pub(in crate::expression) fn error<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    Err(EvaluationError::new(arguments.text(0)))
}

/// `Prepend`: prefix and source.
pub(in crate::expression) fn prepend<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let prefix = arguments.text(0);
    let source = source_or_choice(arguments.take(1), machine);
    each_text(source, machine, |text| Ok(format!("{prefix}{text}")))
}

/// `StringFromSid`: the text of a security identifier whose bytes are given in Base64.
pub(in crate::expression) fn string_from_sid<'v>(
    arguments: &mut Arguments<'v>,
    _machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let Some(text) = arguments.take(0).text() else {
        return Ok(Datum::Null);
    };
    let sid = from_base64(&text).and_then(|bytes| sid_text(&bytes));
    sid.map(Datum::owned)
        .ok_or_else(|| EvaluationError::new(format!("`{text}` is not Base64 of a security identifier")))
}

/// `S-<revision>-<authority>-<sub-authorities>`, from the layout of MS-DTYP 2.4.2.2.
fn sid_text(bytes: &[u8]) -> Option<String> {
    let (revision, bytes) = bytes.split_first()?;
    let (count, bytes) = bytes.split_first()?;
    let (authority, bytes) = bytes.split_first_chunk::<6>()?;
    let (parts, rest) = bytes.as_chunks::<4>();
    if parts.len() != usize::from(*count) || !rest.is_empty() {
        return None;
    }
    let authority = authority.iter().fold(0_u64, |authority, byte| (authority << 8) | u64::from(*byte));
    let mut text = format!("S-{revision}-{authority}");
    for part in parts {
        text.push('-');
        text.push_str(&u32::from_le_bytes(*part).to_string());
    }
    Some(text)
}

/// `Trim`: without surrounding white space.
pub(in crate::expression) fn trim<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let source = source_or_choice(arguments.take(0), machine);
    each_text(source, machine, |text| Ok(text.trim().to_owned()))
}
