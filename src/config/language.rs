//! The open questions of the expression language (`mapping.md 11`) as words of the configuration.

use jiff::tz::Offset;

use super::raw::RawFidelity;
use super::words::{Word, word_or, words};
use crate::expression::{
    DateDifference, GroupReplacement, MidRange, NullArguments, NullComparison, RandomImpossible,
    ReplaceOrder, RoleNone, RoleSeveral, RoleText, Switches,
};
use crate::mapping::check::UnknownAttributes;

words! {
    /// `join_empty` (OQ-2): `Join` with nothing to join.
    pub(super) enum JoinEmpty {
        /// Null, so that the attribute is left out.
        Null = "null",
        /// The empty text.
        Text = "text",
    }
}

words! {
    /// `split_style` (OQ-8): the parts that `Split` yields.
    pub(super) enum SplitStyle {
        /// Blanks around parts are cut off, and empty parts dropped.
        Trim = "trim",
        /// Parts stay as they are.
        Keep = "keep",
    }
}

words! {
    /// `naive_dates` (OQ-10): the zone of date text without an offset.
    pub(super) enum NaiveDates {
        /// UTC.
        Utc = "utc",
        /// `service_time_zone`.
        Local = "local",
    }
}

words! {
    /// `comparison_typing` (OQ-16): how two sides that are both numbers compare.
    pub(super) enum ComparisonTyping {
        /// As numbers.
        Numeric = "numeric",
        /// As text, like everything else.
        Text = "text",
    }
}

words! {
    /// `item_out_of_range` (OQ-17): `Item` outside the list.
    pub(super) enum ItemOutOfRange {
        /// An error.
        Error = "error",
        /// Null.
        Null = "null",
    }
}

words! {
    /// `diacritics_unlisted` (OQ-20): letters outside the table of `NormalizeDiacritics`.
    pub(super) enum DiacriticsUnlisted {
        /// They stay.
        Keep = "keep",
        /// Combining marks are taken off them.
        Strip = "strip",
    }
}

words! {
    /// `replace_no_match` (OQ-22): `Replace` from another attribute when nothing matches.
    pub(super) enum ReplaceNoMatch {
        /// Null.
        Null = "null",
        /// The empty text.
        Empty = "empty",
    }
}

words! {
    /// `word_delimiters` (OQ-23): what a run of delimiters means to `Word`.
    pub(super) enum WordDelimiters {
        /// One boundary.
        Runs = "runs",
        /// A boundary each, with empty words between them.
        Each = "each",
    }
}

words! {
    /// `function_case` (OQ-33): names of functions.
    pub(super) enum FunctionCase {
        /// Exactly as documented.
        Exact = "exact",
        /// In any letter case.
        Any = "any",
    }
}

words! {
    /// `unknown_escape` (OQ-7): a backslash before a character other than `\` and `"`.
    pub(super) enum UnknownEscape {
        /// Both stay.
        Keep = "keep",
        /// The backslash is dropped.
        Drop = "drop",
    }
}

/// The words of choices that the expression language declares.
macro_rules! words_for {
    ($($name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => { $(
        impl Word for $name {
            const CHOICES: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    )+ };
}

words_for! {
    NullArguments { Table = "table", EmptyText = "empty_text" }
    MidRange { Strict = "strict", WholeText = "whole_text" }
    NullComparison { False = "never", EmptyText = "empty_text" }
    DateDifference { Elapsed = "elapsed", Boundaries = "boundaries" }
    RandomImpossible { Error = "error", Longer = "longer" }
    RoleText { DisplayName = "displayName", Value = "value" }
    RoleSeveral { Error = "error", First = "first" }
    RoleNone { Null = "null", Error = "error" }
    ReplaceOrder { Recommended = "recommended", PatternsFirst = "patterns_first" }
    UnknownAttributes { Error = "error", Null = "null" }
    GroupReplacement { Span = "span", Text = "text" }
}

/// The switches that the keys come to. `zone` is `service_time_zone`, which may be wrong in itself.
pub(super) fn switches(raw: &RawFidelity, zone: Option<Offset>) -> Switches {
    let base = Switches::default();
    Switches {
        null_arguments: word_or(raw.null_arguments.as_deref(), base.null_arguments),
        join_empty_text: word_or(raw.join_empty.as_deref(), JoinEmpty::Null) == JoinEmpty::Text,
        mid_range: word_or(raw.mid_out_of_range.as_deref(), base.mid_range),
        coalesce_skips_empty: raw.coalesce_skips_empty.unwrap_or(base.coalesce_skips_empty),
        null_comparison: word_or(raw.null_comparison.as_deref(), base.null_comparison),
        lazy_evaluation: raw.lazy_evaluation.unwrap_or(base.lazy_evaluation),
        split_trims: word_or(raw.split_style.as_deref(), SplitStyle::Trim) == SplitStyle::Trim,
        typed_dates: raw.typed_dates.unwrap_or(base.typed_dates),
        naive_dates_local: word_or(raw.naive_dates.as_deref(), NaiveDates::Utc) == NaiveDates::Local,
        service_time_zone: zone.unwrap_or(base.service_time_zone),
        date_text_arguments: raw.date_text_arguments.unwrap_or(base.date_text_arguments),
        date_difference: word_or(raw.datediff_rounding.as_deref(), base.date_difference),
        random_impossible: word_or(raw.random_impossible.as_deref(), base.random_impossible),
        role_text: word_or(raw.role_text.as_deref(), base.role_text),
        role_several: word_or(raw.role_several.as_deref(), base.role_several),
        role_none: word_or(raw.role_none.as_deref(), base.role_none),
        numeric_comparison: word_or(raw.comparison_typing.as_deref(), ComparisonTyping::Numeric)
            == ComparisonTyping::Numeric,
        item_outside_null: word_or(raw.item_out_of_range.as_deref(), ItemOutOfRange::Error)
            == ItemOutOfRange::Null,
        text_over_list: raw.text_over_list.unwrap_or(base.text_over_list),
        pcase_apostrophe: raw.pcase_apostrophe.unwrap_or(base.pcase_apostrophe),
        diacritics_strip_unlisted: word_or(raw.diacritics_unlisted.as_deref(), DiacriticsUnlisted::Keep)
            == DiacriticsUnlisted::Strip,
        replace_order: word_or(raw.replace_form_order.as_deref(), base.replace_order),
        replace_group: word_or(raw.replace_group_style.as_deref(), base.replace_group),
        replace_no_match_empty: word_or(raw.replace_no_match.as_deref(), ReplaceNoMatch::Null)
            == ReplaceNoMatch::Empty,
        word_empty_words: word_or(raw.word_delimiters.as_deref(), WordDelimiters::Runs)
            == WordDelimiters::Each,
    }
}

/// How an offset is written, for messages.
pub(super) const ZONE_HELP: &str = "write `UTC` or an offset such as `+01:00`";

/// An offset from UTC as text: `UTC`, or `+HH:MM` and `-HH:MM` up to 14 hours.
pub(super) fn zone(text: &str) -> Option<Offset> {
    /// Offsets in use reach 14 hours.
    const MINUTES_MAX: i32 = 14 * 60;
    if text == "UTC" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two_digits = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i32>().ok().filter(|_| digits)
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes).filter(|minutes| *minutes < 60)?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    if MINUTES_MAX < total {
        return None;
    }
    Offset::from_seconds(sign * total * 60).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_utc_or_offsets() {
        for (text, seconds) in
            [("UTC", Some(0)), ("+01:00", Some(3600)), ("-09:30", Some(-34_200)), ("+14:00", Some(50_400))]
        {
            assert_eq!(zone(text).map(|zone| i64::from(zone.seconds())), seconds, "{text}");
        }
        for text in ["", "utc", "+1:00", "+01:60", "+14:01", "01:00", "+0100", "+ 1:00", "Europe/Berlin"] {
            assert_eq!(zone(text), None, "{text}");
        }
    }
}
