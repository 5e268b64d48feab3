//! A job's mappings and filters as Graph's `synchronizationSchema`, out and in (`graph-api.md 7`, `mapping.md 10`).
//!
//! ```text
//! ObjectMapping (users, groups) ─► export ─► JSON, as the portal's schema editor and Graph show it
//! ObjectMapping (users, groups) ◄─ import ◄─ JSON, with everything that is wrong or without effect
//! ```
//!
//! What is imported is kept as the document it was, so that parts that mean nothing to an outbound job come out again.

mod definitions;
mod export;
mod import;
mod node;

pub use export::{Identity, export, relabel};
pub use import::{Imported, import};

/// The source directory's name (`graph-api.md 7.3`).
pub const SOURCE_DIRECTORY: &str = "Azure Active Directory";
/// The target directory's name (`wire.md 12.3`).
pub const TARGET_DIRECTORY: &str = "customappsso";
/// The name of the one rule (README of the sheets).
pub const RULE: &str = "USERGROUP_OUTBOUND_USERGROUP";
/// The most bytes of a document that is imported, 8 mebibytes. Exports of large gallery applications have a few hundred
/// kibibytes; something larger was named by mistake.
pub const DOCUMENT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The metadata key under which an attribute definition says that the target can not filter on it. Graph has no place
/// for that, and without it an export would forget it.
const FILTERABLE: &str = "scimulator.filterable";
