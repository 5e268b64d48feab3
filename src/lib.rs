//! Scimulator plays the Microsoft Entra provisioning service against any SCIM 2.0 endpoint.
//!
//! One pipeline, several drivers:
//!
//! ```text
//! directory ─► change log ─► [ import ► scope ► match ► decide ► export ] ─► store
//!  files        seq 1,2,3…      the five steps of one object                   links, escrows, log, watermark
//! ```
//!
//! Pure (values in, values out): [`expression`], [`mapping`], [`schema`], [`scope`], [`scim`] and the deciding half of
//! [`engine`]. Shell: [`directory`], [`client`], [`store`], [`target`], `cli`.
//! `ARCHITECTURE.md` has the code map and the invariants.

pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod diagnostic;
pub mod directory;
pub mod engine;
pub mod expression;
pub mod gallery;
pub mod http;
#[doc(hidden)]
pub mod ledger;
pub mod mapping;
pub mod runner;
pub mod schema;
pub mod scim;
pub mod scope;
pub mod store;
pub mod target;
