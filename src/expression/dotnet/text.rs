//! .NET text: UTF-16 positions, one-to-one case mapping, title case (`mapping.md 6.10 and 7.32`).

use std::sync::LazyLock;

use fancy_regex::Regex;

/// Whose case rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression) enum Culture {
    /// Everybody's but the Turkic ones'.
    Invariant,
    /// `tr` and `az`: i with and without dot are different letters.
    Turkic,
}

impl Culture {
    /// The rules of the culture called `name` (RFC 4646); empty is invariant. `None` when the name is malformed.
    pub(in crate::expression) fn from_name(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::Invariant);
        }
        let mut subtags = name.split('-');
        let language = subtags.next()?;
        let well_formed = (2..=8).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && subtags.all(|tag| {
                (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        let turkic = ["tr", "az"].iter().any(|turkic| language.eq_ignore_ascii_case(turkic));
        well_formed.then_some(if turkic { Self::Turkic } else { Self::Invariant })
    }

    /// The capital of `character`, or itself when that is more than one character.
    pub(in crate::expression) fn upper(self, character: char) -> char {
        match (self, character) {
            (Self::Turkic, 'i') => 'İ',
            (Self::Turkic, 'ı') => 'I',
            (Self::Invariant, 'ı') => 'ı',
            // Small Greek letters with iota below have a one-letter capital beside the two-letter one.
            (_, '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}') => {
                offset(character, 8)
            }
            (_, 'ᾳ' | 'ῃ' | 'ῳ') => offset(character, 9),
            _ => only(character.to_uppercase(), character),
        }
    }

    /// The small letter of `character`, or itself when that is more than one character.
    pub(in crate::expression) fn lower(self, character: char) -> char {
        match (self, character) {
            (Self::Turkic, 'I') => 'ı',
            (Self::Turkic, 'İ') => 'i',
            (Self::Invariant, 'İ') => 'İ',
            _ => only(character.to_lowercase(), character),
        }
    }

    /// All capitals, character by character.
    pub(in crate::expression) fn to_upper(self, text: &str) -> String {
        text.chars().map(|character| self.upper(character)).collect()
    }

    /// All small letters, character by character.
    pub(in crate::expression) fn to_lower(self, text: &str) -> String {
        text.chars().map(|character| self.lower(character)).collect()
    }
}

fn offset(character: char, by: u32) -> char {
    u32::from(character).checked_add(by).and_then(char::from_u32).unwrap_or(character)
}

fn only(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        (Some(_) | None, _) => otherwise,
    }
}

/// Length in UTF-16 units.
pub(in crate::expression) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// At most `count` UTF-16 units of `text` from unit `start` on. Half of a surrogate pair becomes U+FFFD, as it does
/// when .NET puts it on the wire.
pub(in crate::expression) fn slice(text: &str, start: usize, count: usize) -> String {
    if text.is_ascii() {
        let end = start.saturating_add(count).min(text.len());
        return text.get(start..end).unwrap_or_default().to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().skip(start).take(count).collect();
    String::from_utf16_lossy(&units)
}

/// UTF-16 unit at which `sought` first occurs in `text` at or after unit `start`; `None` when it does not.
pub(in crate::expression) fn find(
    text: &str,
    sought: &str,
    start: usize,
    ignore_case: bool,
) -> Option<usize> {
    if ignore_case {
        let upper = |text| Culture::Invariant.to_upper(text);
        return find(&upper(text), &upper(sought), start, false);
    }
    let mut units: usize = 0;
    let mut characters = text.chars();
    while units < start {
        units = units.saturating_add(characters.next()?.len_utf16());
    }
    let rest = characters.as_str();
    let before = rest.get(..rest.find(sought)?)?;
    Some(units.saturating_add(length(before)))
}

/// `text` lowered and each word raised, as `TextInfo.ToTitleCase` of the invariant culture decides what a word is:
/// it runs from a letter to the next white space, punctuation or symbol. The ASCII apostrophe does not end it,
/// unless `apostrophe_ends_word` (OQ-19).
pub(in crate::expression) fn title_case(text: &str, apostrophe_ends_word: bool) -> String {
    let mut in_word = false;
    text.chars()
        .map(|character| {
            let character = Culture::Invariant.lower(character);
            if in_word {
                let goes_on = character == '\'' && !apostrophe_ends_word;
                in_word = goes_on || !is_separator(character);
                character
            } else {
                in_word = is_letter(character);
                if in_word { title(character) } else { character }
            }
        })
        .collect()
}

/// `text` lowered, with its first character and each one directly after one of `separators` raised.
pub(in crate::expression) fn capitalise_after(text: &str, separators: &str) -> String {
    let mut raise = true;
    text.chars()
        .map(|character| {
            let lower = Culture::Invariant.lower(character);
            let shown = if raise { title(lower) } else { lower };
            raise = separators.contains(character);
            shown
        })
        .collect()
}

/// The capital that begins a word; differs from others for the three letters that are two in one.
fn title(character: char) -> char {
    match character {
        'ǆ' => 'ǅ',
        'ǉ' => 'ǈ',
        'ǌ' => 'ǋ',
        'ǳ' => 'ǲ',
        _ => Culture::Invariant.upper(character),
    }
}

/// Whether .NET counts `character` among the letters.
fn is_letter(character: char) -> bool {
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{L}").ok());
    if character.is_ascii() { character.is_ascii_alphabetic() } else { is_in(LETTER.as_ref(), character) }
}

/// Whether `character` ends a word: white space, control, format, punctuation, symbols.
fn is_separator(character: char) -> bool {
    static SEPARATOR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\A[\p{Z}\p{Cc}\p{Cf}\p{P}\p{S}]").ok());
    if character.is_ascii() {
        !character.is_ascii_alphanumeric()
    } else {
        is_in(SEPARATOR.as_ref(), character)
    }
}

fn is_in(class: Option<&Regex>, character: char) -> bool {
    class.is_some_and(|class| class.is_match(character.encode_utf8(&mut [0; 4])).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::{Culture, find, slice, title_case};

    #[test]
    fn half_of_a_surrogate_pair_becomes_the_replacement_character() {
        assert_eq!(slice("😀a", 1, 2), "\u{FFFD}a");
        assert_eq!(slice("😀a", 2, 9), "a");
    }

    #[test]
    fn case_maps_one_to_one() {
        for (small, capital) in [('ß', 'ß'), ('ŉ', 'ŉ'), ('ᾀ', 'ᾈ'), ('ῳ', 'ῼ'), ('é', 'É'), ('ı', 'ı')]
        {
            assert_eq!(Culture::Invariant.upper(small), capital, "{small}");
        }
        for (capital, small) in [('İ', 'İ'), ('ẞ', 'ß'), ('Σ', 'σ')] {
            assert_eq!(Culture::Invariant.lower(capital), small, "{capital}");
        }
    }

    #[test]
    fn a_sought_text_longer_than_the_rest_is_not_found() {
        assert_eq!(find("abc", "cd", 2, false), None);
        assert_eq!(find("abc", "", 3, false), Some(3));
        assert_eq!(find("abc", "", 4, false), None);
    }

    #[test]
    fn a_word_starts_at_a_letter_after_a_separator_or_a_leading_digit() {
        for (text, wanted) in [
            ("3rd", "3Rd"),
            ("abc3def", "Abc3def"),
            ("john's", "John's"),
            ("a.b/c&d+e", "A.B/C&D+E"),
            ("“quoted” word", "“Quoted” Word"),
            ("e\u{301}a b", "E\u{301}a B"),
        ] {
            assert_eq!(title_case(text, false), wanted);
            crate::covers!("M-163");
        }
        assert_eq!(title_case("john's", true), "John'S");
    }
}
