//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.

use jiff::{SignedDuration, Timestamp};

/// How long the header asks to wait, counted from `now`; `None` when it says nothing that makes sense. A date in the
/// past asks for no wait.
pub fn parse(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit into 32 bits are as good as for ever; the caller has a cap.
        return Some(SignedDuration::from_secs(text.parse::<u32>().map_or(i64::from(u32::MAX), i64::from)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_nothing_else() {
        let now: Timestamp = "2026-01-15T09:20:00Z".parse().unwrap();
        for (text, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999999999999999", Some(i64::from(u32::MAX))),
            ("Thu, 15 Jan 2026 09:21:30 GMT", Some(90)),
            ("Thu, 15 Jan 2026 09:19:00 GMT", Some(0)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse(text, now).map(|wait| wait.as_secs()), expected, "{text:?}");
        }
    }
}
