//! Attribute mappings (`mapping.md 1 to 5`): from a source object's attributes to what the target should hold, the
//! body that creates it, the differences to what it holds now, and the requests that close them.
//!
//! ```text
//! source attributes ─► ObjectMapping::evaluate ─► Mapped ─┬► matching      what to look for
//!                                                         ├► create_body   what to POST
//!                                                         └► differences ─► patch_body   what to PATCH
//! ```
//!
//! References (manager, members) take no part in that; [`mod@reference`] has their requests.

mod against;
pub mod check;
pub mod create;
pub mod definition;
pub mod difference;
pub mod evaluate;
pub mod guest;
pub mod patch;
pub mod reference;
pub mod rule;
pub mod source;
pub mod template;
pub(crate) mod written;

pub use create::CreateRefused;
pub use definition::{AttributeDefinition, AttributeType, Mutability, TargetObject};
pub use difference::{Difference, Verb};
pub use evaluate::{Evaluated, Mapped, MappedAttribute, MappedValue, MappingError, Taken};
pub use guest::shorten_guest_upn;
pub use patch::patch_body;
pub use reference::{
    ManagerChange, ManagerOperation, MemberBatch, ReferenceMapping, manager_operation, member_batches,
};
pub use rule::{AttributeMapping, EscrowBehavior, FlowBehavior, FlowType, MappingSource, ObjectMapping};
