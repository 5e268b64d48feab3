//! The functions, by family. Each is an entry of the [catalogue](super::catalogue).

pub(super) mod list;
pub(super) mod logic;
