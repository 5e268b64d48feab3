//! What speaks HTTP to a target: the network transport, authorization, pacing and the wire journal.
//!
//! A transport takes a [`crate::http::Request`] and gives an [`Answered`]; nothing here knows SCIM's rules.
//! The journal keeps what was said, with every secret masked by the [`Redactor`] that logs use as well.

mod authorize;
mod har;
pub mod journal;
pub mod jwt;
mod network;
pub mod oauth;
mod pace;
mod pseudonym;
mod readable;
mod redact;
mod roots;

pub use authorize::{Authorization, Authorized, BearerToken, InvalidToken};
pub use har::{HAR_VERSION, har};
pub use journal::{
    About, Body, Exchange, ExchangeError, Filter, JOURNAL_BODY_BYTES_MAX, JournalError, JournalReader,
    JournalWriter, ObjectRef, Outcome, RequestRecord, ResponseRecord, file_name, prune, read,
};
pub use network::{Answered, BODY_BYTES_MAX, Network, NetworkError, NetworkOptions, ProxySettings};
pub use pace::Pace;
pub use pseudonym::{Pseudonyms, Sentences};
pub use readable::one_line;
pub use redact::{MASK, Redactor};
pub use roots::{ROOTS_FILE_BYTES_MAX, RootsError, read_roots};
