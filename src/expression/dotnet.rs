//! What .NET does with text, dates and patterns, where Rust does otherwise (`mapping.md 6.8 to 6.10`).

pub(super) mod date;
pub(super) mod date_format;
pub(crate) mod regex;
mod regex_blocks;
mod regex_class;
mod regex_translate;
pub(super) mod text;
