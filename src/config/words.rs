//! Choices that are written as words in the configuration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A closed set of choices, each written as one word.
pub trait Word: Copy + PartialEq + 'static {
    /// Every choice with its word, in the order in which the documentation lists them.
    const WORDS: &'static [(&'static str, Self)];

    /// The choice written so; `None` when no choice is. Case matters.
    fn from_name(name: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, choice)| *choice)
    }
}

/// Declares an enum whose variants are words: `as_str`, [`Word`] and `Display`.
macro_rules! words {
    ($(#[$outer:meta])* pub enum $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$inner])* $variant),+ }

        impl $name {
            /// The word that stands for this choice in the configuration.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl $crate::config::words::Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
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
pub(super) struct OneOf<W>(std::marker::PhantomData<W>);

impl<W: Word> JsonSchema for OneOf<W> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = W::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}
