//! .NET regular expressions (`mapping.md 6.9`) on a Rust engine with look-around and back-references.
//!
//! A pattern is translated first, since raw .NET syntax would be misread; numbering of groups, replacement text and
//! the way from one match to the next are done here. Known differences that remain: characters beyond U+FFFF count
//! as one, balancing groups and right-to-left matching are refused.

use std::collections::BTreeMap;
use std::ops::Range;

use fancy_regex::{Captures, Regex, RegexBuilder};

use super::regex_translate::{Translation, translate};
use crate::expression::evaluate::check_bytes;
use crate::expression::limits::{
    REGEX_BACKTRACKS_MAX, REGEX_MATCHES_MAX, REGEX_PATTERN_CHARACTERS_MAX, REGEX_PROGRAM_BYTES_MAX,
    REGEX_PROGRAM_INSTRUCTIONS_MAX, REGEX_TEXT_BYTES_MAX,
};

/// Why a pattern can not be used, or not on this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PatternError(pub(crate) String);

/// Where in the text a pattern has to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchoring {
    /// Anywhere, as .NET's `IsMatch`.
    Anywhere,
    /// From the first to the last character.
    Whole,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
    /// .NET's group numbers, each with the engine's groups that share it.
    slots: BTreeMap<u32, Vec<usize>>,
    names: BTreeMap<String, u32>,
}

impl Pattern {
    /// Compiles a .NET pattern without options.
    pub(crate) fn new(pattern: &str, anchoring: Anchoring) -> Result<Self, PatternError> {
        let characters = pattern.chars().count();
        if REGEX_PATTERN_CHARACTERS_MAX < characters {
            return Err(PatternError(format!(
                "the pattern has {characters} characters; at most {REGEX_PATTERN_CHARACTERS_MAX} are allowed"
            )));
        }
        let Translation { pattern: translated, slots, names } = translate(pattern)?;
        let translated = match anchoring {
            Anchoring::Anywhere => translated,
            Anchoring::Whole => format!("\\A(?:{translated})\\z"),
        };
        let regex = RegexBuilder::new(&translated)
            .backtrack_limit(REGEX_BACKTRACKS_MAX)
            .delegate_size_limit(REGEX_PROGRAM_BYTES_MAX)
            .max_prog_size(REGEX_PROGRAM_INSTRUCTIONS_MAX)
            .build()
            .map_err(|_| {
                PatternError(format!("the regular expression `{pattern}` is not valid or too large"))
            })?;
        Ok(Self { regex, slots, names })
    }

    /// Whether the pattern matches `text`.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, PatternError> {
        check_subject(text)?;
        self.regex.is_match(text).map_err(|_| runaway())
    }

    /// The number of the group `name`, which may itself be a number; `None` when there is none.
    pub(crate) fn group(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied().or_else(|| {
            let number = name.parse().ok()?;
            (number == 0 || self.slots.contains_key(&number)).then_some(number)
        })
    }

    /// The first match.
    pub(crate) fn first<'t>(&self, text: &'t str) -> Result<Option<Match<'_, 't>>, PatternError> {
        self.next(text, 0)
    }

    fn next<'t>(&self, text: &'t str, from: usize) -> Result<Option<Match<'_, 't>>, PatternError> {
        check_subject(text)?;
        let captures = self.regex.captures_from_pos(text, from).map_err(|_| runaway())?;
        Ok(captures.map(|captures| Match { pattern: self, text, captures }))
    }

    /// Replaces every match by what `replace` appends for it. An empty match directly after another match counts,
    /// as in .NET.
    pub(crate) fn replace_all(
        &self,
        text: &str,
        mut replace: impl FnMut(&Match<'_, '_>, &mut String) -> Result<(), PatternError>,
    ) -> Result<String, PatternError> {
        let mut replaced = String::new();
        let mut copied = 0;
        let mut from = 0;
        let mut matches: usize = 0;
        while from <= text.len() {
            let Some(found) = self.next(text, from)? else {
                break;
            };
            matches = matches.saturating_add(1);
            if REGEX_MATCHES_MAX < matches {
                return Err(PatternError(format!("the pattern matches more than {REGEX_MATCHES_MAX} times")));
            }
            let Range { start, end } = found.span();
            replaced.push_str(text.get(copied..start).unwrap_or_default());
            replace(&found, &mut replaced)?;
            check_size(&replaced)?;
            copied = end;
            from = if start == end { after_character(text, end) } else { end };
        }
        replaced.push_str(text.get(copied..).unwrap_or_default());
        Ok(replaced)
    }
}

/// Where the character at `position` ends; past the end of the text when there is none.
fn after_character(text: &str, position: usize) -> usize {
    let width = text.get(position..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    position.saturating_add(width)
}

fn check_size(text: &str) -> Result<(), PatternError> {
    check_bytes(text.len()).map_err(|error| PatternError(error.detail))
}

/// Searching takes up to the square of a text's length, so that is bounded as well.
fn check_subject(text: &str) -> Result<(), PatternError> {
    if REGEX_TEXT_BYTES_MAX < text.len() {
        let bytes = text.len();
        return Err(PatternError(format!(
            "the text to search takes {bytes} bytes; at most {REGEX_TEXT_BYTES_MAX} are allowed"
        )));
    }
    Ok(())
}

fn runaway() -> PatternError {
    PatternError("the regular expression takes too many steps on this text".to_owned())
}

/// One match.
pub(crate) struct Match<'r, 't> {
    pattern: &'r Pattern,
    text: &'t str,
    captures: Captures<'t, str>,
}

impl<'t> Match<'_, 't> {
    /// Bytes of the text that the whole match covers.
    pub(crate) fn span(&self) -> Range<usize> {
        self.group(0).unwrap_or(0..0)
    }

    /// The whole match.
    pub(crate) fn as_str(&self) -> &'t str {
        self.text.get(self.span()).unwrap_or_default()
    }

    /// Bytes of the text that the group of this .NET number covers; `None` when it took no part.
    pub(crate) fn group(&self, number: u32) -> Option<Range<usize>> {
        if number == 0 {
            return self.captures.get(0).map(|found| found.range());
        }
        // Groups that share a number rarely both take part; the later one then stands.
        let shared = self.pattern.slots.get(&number)?;
        shared.iter().rev().find_map(|index| self.captures.get(*index)).map(|found| found.range())
    }

    /// The text of a group; `None` when it took no part.
    pub(crate) fn group_text(&self, number: u32) -> Option<&'t str> {
        self.text.get(self.group(number)?)
    }

    /// Appends .NET replacement text: `$1`, `${name}`, `$0`, `$&`, `` $` ``, `$'`, `$+`, `$_`, `$$`. An unknown group
    /// stays literal; one that took no part is empty.
    pub(crate) fn expand(&self, replacement: &str, to: &mut String) -> Result<(), PatternError> {
        let mut rest = replacement;
        while let Some((literal, after)) = rest.split_once('$') {
            to.push_str(literal);
            rest = self.substitution(after, to);
            check_size(to)?;
        }
        to.push_str(rest);
        Ok(())
    }

    /// Expands what follows a `$` and returns what follows that.
    fn substitution<'s>(&self, after: &'s str, to: &mut String) -> &'s str {
        let mut characters = after.chars();
        let simple = match characters.next() {
            Some('$') => Some("$"),
            Some('&') => Some(self.as_str()),
            Some('_') => Some(self.text),
            Some('`') => self.text.get(..self.span().start),
            Some('\'') => self.text.get(self.span().end..),
            Some('+') => {
                let last = self.pattern.slots.keys().next_back();
                Some(last.and_then(|number| self.group_text(*number)).unwrap_or_default())
            }
            Some(_) | None => None,
        };
        if let Some(simple) = simple {
            to.push_str(simple);
            return characters.as_str();
        }
        let named = after.strip_prefix('{').and_then(|body| body.split_once('}'));
        if let Some((name, rest)) = named
            && let Some(number) = self.pattern.group(name)
        {
            to.push_str(self.group_text(number).unwrap_or_default());
            return rest;
        }
        if let Some((number, rest)) = self.longest_number(after) {
            to.push_str(self.group_text(number).unwrap_or_default());
            return rest;
        }
        to.push('$');
        after
    }

    /// The longest run of digits at the start of `after` that is a group's number, and what follows it.
    fn longest_number<'s>(&self, after: &'s str) -> Option<(u32, &'s str)> {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        (1..=digits).rev().find_map(|length| {
            let (number, rest) = after.split_at_checked(length)?;
            Some((self.pattern.group(number)?, rest))
        })
    }
}
