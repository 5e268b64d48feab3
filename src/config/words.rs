//! Choices that are written as words in the configuration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::scim::style;
use crate::scope::filter::{FilterCollection, MultiValued};
use crate::scope::{ScopeMode, ScopingKeys};

/// A closed set of choices, each written as one word.
pub trait Word: Copy + PartialEq + 'static {
    /// Every choice, in the order in which the documentation lists them.
    const CHOICES: &'static [Self];

    /// The word that stands for this choice.
    fn word(self) -> &'static str;

    /// The choice written so; `None` when no choice is. Case matters.
    fn from_word(word: &str) -> Option<Self> {
        Self::CHOICES.iter().copied().find(|choice| choice.word() == word)
    }
}

/// Lets enums that other modules declare with `ALL` and `as_str` be written in the configuration.
macro_rules! words_of {
    ($($name:ty),+ $(,)?) => { $(
        impl Word for $name {
            const CHOICES: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+ };
}

words_of! {
    style::ActiveStyle, style::CredentialLocation, style::Dialect, style::FilterEscape, style::GroupCreateStyle, style::ListOnSingle,
    style::ManagerRemoveStyle, style::ManagerStyle, style::RolesStyle, style::OptscimMerge, style::EnvelopeOrder,
    ScopeMode, FilterCollection, MultiValued, ScopingKeys,
}

/// The choice of that word. Unknown words were taken out by the structure check.
pub(super) fn word_or<W: Word>(text: Option<&str>, default: W) -> W {
    text.and_then(W::from_word).unwrap_or(default)
}

/// Declares an enum whose variants are words: `as_str`, [`Word`] and `Display`.
macro_rules! words {
    ($(#[$outer:meta])* $vis:vis enum $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($(#[$inner])* $variant),+ }

        impl $name {
            /// The word that stands for this choice in the configuration.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl $crate::config::words::Word for $name {
            const CHOICES: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// Stands for a [`Word`] in the raw types, so that the schema lists the words.
pub(crate) struct OneOf<W>(std::marker::PhantomData<W>);

impl<W: Word> JsonSchema for OneOf<W> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = W::CHOICES.iter().map(|choice| choice.word()).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}
