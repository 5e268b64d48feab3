//! The closed table of `NormalizeDiacritics` (`mapping.md 7.28`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Replacements and the small keys that get them. Capital keys follow from these.
const SMALL: [(&str, &[&str]); 18] = [
    (
        "a",
        &[
            "\u{E4}",
            "\u{E0}",
            "\u{E2}",
            "\u{E3}",
            "\u{E5}",
            "\u{E1}",
            "\u{105}",
            "\u{103}",
            "\u{101}",
            "\u{101}\u{301}",
            "\u{101}\u{300}",
            "\u{101}\u{302}",
            "\u{101}\u{303}",
            "\u{1DF}",
            "\u{101}\u{308}",
            "\u{1E1}",
            "\u{61}\u{331}",
            "\u{E5}\u{304}",
        ],
    ),
    ("ae", &["\u{E6}", "\u{1E3}"]),
    ("c", &["\u{E7}", "\u{10D}", "\u{107}", "\u{63}\u{304}", "\u{63}\u{331}"]),
    ("d", &["\u{10F}", "\u{64}\u{304}", "\u{1E0F}"]),
    (
        "e",
        &[
            "\u{EB}",
            "\u{E8}",
            "\u{E9}",
            "\u{EA}",
            "\u{119}",
            "\u{11B}",
            "\u{117}",
            "\u{113}",
            "\u{1E17}",
            "\u{1E15}",
            "\u{113}\u{302}",
            "\u{113}\u{303}",
            "\u{EA}\u{304}",
            "\u{65}\u{331}",
            "\u{EB}\u{304}",
            "\u{65}\u{30A}\u{304}",
        ],
    ),
    ("g", &["\u{11F}", "\u{1E21}", "\u{67}\u{331}"]),
    (
        "i",
        &[
            "\u{EF}",
            "\u{EE}",
            "\u{EC}",
            "\u{ED}",
            "\u{131}",
            "\u{12B}",
            "\u{12B}\u{301}",
            "\u{12B}\u{300}",
            "\u{12B}\u{302}",
            "\u{12B}\u{303}",
            "\u{69}\u{331}",
        ],
    ),
    ("l", &["\u{13E}", "\u{142}", "\u{6C}\u{304}", "\u{1E39}", "\u{1E3B}"]),
    ("n", &["\u{F1}", "\u{144}", "\u{148}", "\u{6E}\u{304}", "\u{1E49}"]),
    (
        "o",
        &[
            "\u{F6}",
            "\u{F2}",
            "\u{151}",
            "\u{F5}",
            "\u{F4}",
            "\u{F3}",
            "\u{14D}",
            "\u{1E53}",
            "\u{1E51}",
            "\u{14D}\u{302}",
            "\u{14D}\u{303}",
            "\u{22B}",
            "\u{14D}\u{308}",
            "\u{1ED}",
            "\u{22D}",
            "\u{231}",
            "\u{6F}\u{331}",
        ],
    ),
    ("oe", &["\u{F8}", "\u{F8}\u{304}", "\u{153}\u{304}"]),
    ("r", &["\u{159}", "\u{72}\u{304}", "\u{1E5F}", "\u{1E5D}"]),
    ("s", &["\u{161}", "\u{15B}", "\u{219}", "\u{15F}", "\u{73}\u{304}", "\u{73}\u{331}"]),
    ("ss", &["\u{DF}"]),
    ("t", &["\u{165}", "\u{21B}", "\u{74}\u{304}", "\u{1E6F}"]),
    (
        "u",
        &[
            "\u{FC}",
            "\u{F9}",
            "\u{FB}",
            "\u{FA}",
            "\u{16F}",
            "\u{171}",
            "\u{16B}",
            "\u{16B}\u{301}",
            "\u{16B}\u{300}",
            "\u{16B}\u{302}",
            "\u{16B}\u{303}",
            "\u{75}\u{307}\u{304}",
            "\u{1D6}",
            "\u{1E7B}",
            "\u{1E73}\u{304}",
            "\u{75}\u{331}",
        ],
    ),
    (
        "y",
        &[
            "\u{FF}",
            "\u{FD}",
            "\u{233}",
            "\u{233}\u{301}",
            "\u{233}\u{300}",
            "\u{233}\u{303}",
            "\u{79}\u{331}",
        ],
    ),
    ("z", &["\u{17A}", "\u{17E}", "\u{17C}", "\u{7A}\u{304}", "\u{1E95}"]),
];

/// Characters in the longest key.
const KEY_CHARACTERS_MAX: usize = 3;

/// All 261 keys with their replacements.
static TABLE: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut table = BTreeMap::new();
    for (replacement, keys) in SMALL {
        for key in keys {
            table.insert((*key).to_owned(), replacement.to_owned());
            match *key {
                // Its capital is two letters, which need no replacing.
                "ß" => {}
                // The capital of the letter without a dot is the one with it, for this table.
                "ı" => drop(table.insert("İ".to_owned(), replacement.to_uppercase())),
                _ => drop(table.insert(key.to_uppercase(), replacement.to_uppercase())),
            }
        }
    }
    table
});

/// Composes `text`, then replaces the longest key at each position. Characters outside the table stay; with
/// `strip_unlisted` they lose their combining marks (OQ-20).
pub(super) fn normalize(text: &str, strip_unlisted: bool) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let composed: Vec<char> = text.nfc().collect();
    let mut normalized = String::with_capacity(text.len());
    let mut rest = composed.as_slice();
    while let [first, after_first @ ..] = rest {
        let longest = (1..=KEY_CHARACTERS_MAX).rev().find_map(|length| {
            let (key, after) = rest.split_at_checked(length)?;
            let replacement = TABLE.get(&key.iter().collect::<String>())?;
            Some((replacement, after))
        });
        rest = if let Some((replacement, after)) = longest {
            normalized.push_str(replacement);
            after
        } else {
            if strip_unlisted {
                decompose_canonical(*first, |part| {
                    if !is_combining_mark(part) {
                        normalized.push(part);
                    }
                });
            } else {
                normalized.push(*first);
            }
            after_first
        };
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::{TABLE, normalize};

    #[test]
    fn the_table_has_261_keys() {
        assert_eq!(TABLE.len(), 261);
        crate::covers!("M-157");
    }

    #[test]
    fn letters_outside_the_table_stay_after_composing() {
        for text in ["đ", "œ", "ð", "þ", "ţ", "ķ", "ņ", "ế", "ữ"] {
            assert_eq!(normalize(text, false), text);
        }
        assert_eq!(normalize("e\u{302}\u{301}", false), "ế");
        assert_eq!(normalize("o\u{308}", false), "o");
        crate::covers!("M-158");
        assert_eq!(normalize("ếđ", true), "eđ");
    }
}
