//! SCIM as the provisioning service speaks and hears it, values only: target paths, URLs, answers, dialects.
//!
//! Nothing here sends anything; [`crate::client`] does, [`crate::engine`] decides when.

pub mod answer;
pub mod failure;
pub mod path;
pub mod query;
pub mod retry_after;
pub mod schemas;
pub mod style;

/// Schema URNs and message URNs, as the service writes them.
pub mod urn {
    /// The core User schema.
    pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    /// The core Group schema.
    pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
    /// The enterprise extension of the core User schema.
    pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    /// What group bodies of old carried beside [`GROUP`] (`wire.md 3.5`).
    pub const ADSCIM_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    /// A PATCH request.
    pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    /// The answer to a query.
    pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
}

/// The member of a JSON object by that name: exactly spelt when there is one, else without regard to case, since
/// SCIM attribute names and URNs have none (RFC 7643 §2.1).
pub fn member<'a>(object: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    let members = object.as_object()?;
    members.get(name).or_else(|| {
        members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}
