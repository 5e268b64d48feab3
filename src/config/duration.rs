//! Durations as people write them.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// The longest duration a configuration may name, ten years. Nothing in the service lasts longer (28 days of
/// quarantine, 30 days of recycle bin), and the sum with any instant of this century stays within the calendar.
pub const DURATION_MAX: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

/// Why a text is no usable duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not in the form of a duration.
    #[error("`{0}` is not a duration")]
    Form(String),
    /// Months and years have no fixed length.
    #[error("`{0}` has no fixed length")]
    NotFixed(String),
    /// Zero or negative.
    #[error("a duration must be longer than zero, and `{0}` is not")]
    NotPositive(String),
    /// Longer than [`DURATION_MAX`].
    #[error("`{0}` is longer than ten years")]
    TooLong(String),
}

/// What to write instead.
pub const HELP: &str = "write for example `30s`, `40m`, `28d` or `2 days 3h`";

/// The duration that `text` names: seconds, minutes, hours, days of 24 hours, weeks of seven days; positive and at
/// most [`DURATION_MAX`].
///
/// ```
/// use jiff::SignedDuration;
/// use scimulator::config::duration;
/// assert_eq!(duration::parse("28d"), Ok(SignedDuration::from_hours(28 * 24)));
/// assert!(duration::parse("0s").is_err());
/// assert!(duration::parse("1 month").is_err(), "months differ in length");
/// ```
pub fn parse(text: &str) -> Result<SignedDuration, DurationError> {
    let span: Span = text.trim().parse().map_err(|_| {
        // A number past what the calendar can hold is no matter of form.
        let is_form = small(text).parse::<Span>().is_ok();
        if is_form { DurationError::TooLong(text.to_owned()) } else { DurationError::Form(text.to_owned()) }
    })?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| DurationError::NotFixed(text.to_owned()))?;
    if duration <= SignedDuration::ZERO {
        return Err(DurationError::NotPositive(text.to_owned()));
    }
    if DURATION_MAX < duration {
        return Err(DurationError::TooLong(text.to_owned()));
    }
    Ok(duration)
}

/// The text with a one for each of its numbers.
fn small(text: &str) -> String {
    let mut small = String::new();
    for character in text.trim().chars() {
        let digit = character.is_ascii_digit();
        if !digit || !small.ends_with('1') {
            small.push(if digit { '1' } else { character });
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let hours = SignedDuration::from_hours;
        let cases = [
            ("30s", SignedDuration::from_secs(30)),
            ("40m", SignedDuration::from_mins(40)),
            ("40 minutes", SignedDuration::from_mins(40)),
            ("28d", hours(672)),
            ("31d", hours(744)),
            ("2 days 3h", hours(51)),
            ("1w", hours(168)),
            ("PT40M", SignedDuration::from_mins(40)),
            ("1500ms", SignedDuration::from_millis(1500)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_positive_fixed_duration_is_refused_with_its_reason() {
        let cases = [
            ("", DurationError::Form(String::new())),
            ("40", DurationError::Form("40".to_owned())),
            ("soon", DurationError::Form("soon".to_owned())),
            ("0s", DurationError::NotPositive("0s".to_owned())),
            ("-5m", DurationError::NotPositive("-5m".to_owned())),
            ("1 month", DurationError::NotFixed("1 month".to_owned())),
            ("11 years", DurationError::NotFixed("11 years".to_owned())),
            ("3651d", DurationError::TooLong("3651d".to_owned())),
            ("999999999999d", DurationError::TooLong("999999999999d".to_owned())),
            ("999999999999", DurationError::Form("999999999999".to_owned())),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        assert_eq!(parse("3650d"), Ok(DURATION_MAX), "the limit itself is allowed");
    }
}
