//! Values out of nothing: `Guid` and `RandomString` (`mapping.md 9`). For tests only, not cryptographic.

use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine};
use crate::expression::limits::RANDOM_STRING_CHARACTERS_MAX;
use crate::expression::random::Random;
use crate::expression::switches::RandomImpossible;
use crate::expression::value::Datum;

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

/// The classes of characters, in the order of the minima: digits, specials, capitals, small letters. The specials
/// are those of the Windows complexity policy.
const CLASSES: [(&str, &str); 4] = [
    ("digits", "0123456789"),
    ("special characters", "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"),
    ("capitals", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("small letters", "abcdefghijklmnopqrstuvwxyz"),
];

/// What fills up what the minima leave: letters and digits.
const FILL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `Guid` (`mapping.md 7.16`): a new version-4 GUID at every call.
pub(in crate::expression) fn guid<'v>(
    _arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let random = &mut machine.environment.random;
    let bits = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
    let guid = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
    Ok(Datum::owned(guid.hyphenated().to_string()))
}

/// `RandomString` (`mapping.md 7.33`).
pub(in crate::expression) fn random_string<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let mut number = |place| {
        let number = arguments.integer(place)?;
        usize::try_from(number).map_err(|_| EvaluationError::new(format!("the number {number} is negative")))
    };
    let length = number(0)?;
    let minima = [number(1)?, number(2)?, number(3)?, number(4)?];
    let avoided = arguments.text(5);
    let least = minima.into_iter().fold(0, usize::saturating_add);
    let length = match machine.switches().random_impossible {
        RandomImpossible::Longer => length.max(least),
        RandomImpossible::Error if length < least => {
            return Err(EvaluationError::new(format!(
                "the minima add up to {least}, more than the length {length}"
            )));
        }
        RandomImpossible::Error => length,
    };
    if RANDOM_STRING_CHARACTERS_MAX < length {
        return Err(EvaluationError::new(format!(
            "the length {length} is above {RANDOM_STRING_CHARACTERS_MAX}"
        )));
    }
    let random = &mut machine.environment.random;
    let mut characters: Vec<char> = Vec::with_capacity(length);
    for ((name, class), minimum) in CLASSES.into_iter().zip(minima) {
        draw(class, name, &avoided, minimum, random, &mut characters)?;
    }
    draw(FILL, "letters and digits", &avoided, length.saturating_sub(least), random, &mut characters)?;
    for last in (1..characters.len()).rev() {
        characters.swap(last, random.below(last.saturating_add(1)));
    }
    Ok(Datum::owned(characters.into_iter().collect()))
}

/// Adds `count` characters of `class` that are not among `avoided`.
fn draw(
    class: &str,
    name: &str,
    avoided: &str,
    count: usize,
    random: &mut Random,
    to: &mut Vec<char>,
) -> std::result::Result<(), EvaluationError> {
    let allowed: Vec<char> = class.chars().filter(|character| !avoided.contains(*character)).collect();
    for _ in 0..count {
        let character = allowed.get(random.below(allowed.len()));
        to.push(*character.ok_or_else(|| EvaluationError::new(format!("all {name} are to be avoided")))?);
    }
    Ok(())
}
