//! The open questions of `mapping.md 11` that offer a choice at evaluation, each with the recommended default.
//! Those that bear on parsing are [`ParseOptions`](super::ParseOptions).

use jiff::tz::Offset;

/// How an evaluation answers what the public record leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// OQ-1: a null first argument where nothing is documented. Default [`NullArguments::Table`].
    pub null_arguments: NullArguments,
    /// OQ-2: `Join` with nothing to join gives the empty text instead of null. Default off.
    pub join_empty_text: bool,
    /// OQ-3: `Mid` beyond its range. Default [`MidRange::Strict`].
    pub mid_range: MidRange,
    /// OQ-4: `Coalesce` passes over empty values too. Default off.
    pub coalesce_skips_empty: bool,
    /// OQ-5: a comparison with a null or empty side. Default [`NullComparison::False`].
    pub null_comparison: NullComparison,
    /// OQ-6: `IIF`, `Switch` and `Coalesce` evaluate only what they need. Default on.
    pub lazy_evaluation: bool,
    /// OQ-8: `Split` trims parts and drops empty ones. Default on.
    pub split_trims: bool,
    /// OQ-9: results of date functions stay dates, so that `FormatDateTime` formats them directly; else they are
    /// text at once. Default on.
    pub typed_dates: bool,
    /// OQ-10: date text without offset is in [`Self::service_time_zone`] instead of UTC. Default off.
    pub naive_dates_local: bool,
    /// OQ-11: the zone that `FormatDateTime` converts to. Default UTC.
    pub service_time_zone: Offset,
    /// OQ-12: `DateAdd` and `DateDiff` take date text. Default on.
    pub date_text_arguments: bool,
    /// OQ-13: how `DateDiff` counts `d`, `h`, `n`, `s`. Default [`DateDifference::Elapsed`].
    pub date_difference: DateDifference,
    /// OQ-14: `RandomString` whose minima exceed its length. Default [`RandomImpossible::Error`].
    pub random_impossible: RandomImpossible,
    /// OQ-15: the text of `SingleAppRoleAssignment`. Default [`RoleText::DisplayName`].
    pub role_text: RoleText,
    /// OQ-15: `SingleAppRoleAssignment` with several roles. Default [`RoleSeveral::Error`].
    pub role_several: RoleSeveral,
    /// OQ-15: the app-role functions without any role. Default [`RoleNone::Null`].
    pub role_none: RoleNone,
    /// OQ-16: comparisons are numeric when both sides are numbers. Default on; off compares texts always.
    pub numeric_comparison: bool,
    /// OQ-17: `Item` outside the list gives null instead of an error. Default off.
    pub item_outside_null: bool,
    /// OQ-18: text functions treat each value of a list alone; off takes the first value only. Default on.
    pub text_over_list: bool,
    /// OQ-19: without separators, `PCase` starts a word after an apostrophe. Default off.
    pub pcase_apostrophe: bool,
    /// OQ-20: `NormalizeDiacritics` strips combining marks from letters outside its table. Default off.
    pub diacritics_strip_unlisted: bool,
    /// OQ-22: the order in which `Replace` looks for its form. Default [`ReplaceOrder::Recommended`].
    pub replace_order: ReplaceOrder,
    /// OQ-22: what `Replace` replaces when a group is named. Default [`GroupReplacement::Span`].
    pub replace_group: GroupReplacement,
    /// OQ-22: `Replace` from another attribute gives the empty text instead of null when nothing matches. Default off.
    pub replace_no_match_empty: bool,
    /// OQ-23: in `Word`, runs of delimiters make empty words. Default off.
    pub word_empty_words: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            null_arguments: NullArguments::Table,
            join_empty_text: false,
            mid_range: MidRange::Strict,
            coalesce_skips_empty: false,
            null_comparison: NullComparison::False,
            lazy_evaluation: true,
            split_trims: true,
            typed_dates: true,
            naive_dates_local: false,
            service_time_zone: Offset::UTC,
            date_text_arguments: true,
            date_difference: DateDifference::Elapsed,
            random_impossible: RandomImpossible::Error,
            role_text: RoleText::DisplayName,
            role_several: RoleSeveral::Error,
            role_none: RoleNone::Null,
            numeric_comparison: true,
            item_outside_null: false,
            text_over_list: true,
            pcase_apostrophe: false,
            diacritics_strip_unlisted: false,
            replace_order: ReplaceOrder::Recommended,
            replace_group: GroupReplacement::Span,
            replace_no_match_empty: false,
            word_empty_words: false,
        }
    }
}

/// OQ-1: what a null first argument gives where the reference is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullArguments {
    /// The table of `mapping.md 6.7`.
    Table,
    /// It counts as the empty text in every function that has no documented rule of its own.
    EmptyText,
}

/// OQ-3: `Mid` with a start beyond the end or below 1, or a negative length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MidRange {
    /// Beyond the end gives the empty text; the others are errors.
    Strict,
    /// All of them give the whole input, as the older relative of this language has it.
    WholeText,
}

/// OQ-5: a comparison of which one side is null or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullComparison {
    /// It is false, whatever the operator.
    False,
    /// Null counts as the empty text, which compares like any other.
    EmptyText,
}

/// OQ-13: how `DateDiff` counts days, hours, minutes and seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateDifference {
    /// Whole elapsed units, truncated towards zero.
    Elapsed,
    /// Unit boundaries crossed: 23:59 to 00:01 is one day.
    Boundaries,
}

/// OQ-14: `RandomString` whose minima exceed its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomImpossible {
    /// An error.
    Error,
    /// The minima win: the text gets longer.
    Longer,
}

/// OQ-15: which text of a role `SingleAppRoleAssignment` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleText {
    /// Its display name.
    DisplayName,
    /// Its value.
    Value,
}

/// OQ-15: `SingleAppRoleAssignment` with several roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleSeveral {
    /// The observed error.
    Error,
    /// The first one is taken.
    First,
}

/// OQ-15: an app-role function without any role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleNone {
    /// Null, so that the mapping's default applies on create.
    Null,
    /// An error.
    Error,
}

/// OQ-22: which form of `Replace` wins when the arguments given fit several. The numbers are those of `mapping.md 7.36`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// 5, 2, 1, 4, 3.
    Recommended,
    /// 5, 4, 3, 2, 1: patterns before literal text.
    PatternsFirst,
}

/// OQ-22: what `Replace` with pattern, group and value replaces in each match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupReplacement {
    /// The span of the group.
    Span,
    /// Every occurrence of the group's text within the match.
    Text,
}
