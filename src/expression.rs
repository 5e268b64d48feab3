//! Entra's expression language (`mapping.md 6 and 7`): lexer, parser, values, evaluation, one table of functions.
//! Pure: the time, randomness and attribute values are passed in.

use serde::{Deserialize, Serialize};

/// A source attribute's value. There is no null: an absent attribute has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// One text; booleans are `True` and `False`.
    Text(String),
    /// Several texts, in order.
    List(Vec<String>),
    /// `appRoleAssignments`: the roles of the object for this application.
    Roles(Vec<AppRole>),
}

/// One assigned app role (`mapping.md 8`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppRole {
    /// The role's id, a GUID.
    pub id: String,
    /// The role's value.
    pub value: String,
    /// The role's display name.
    pub display_name: String,
}

/// Where an expression finds the attributes of the object at hand.
pub trait Attributes {
    /// The value of the attribute of exactly this name (case matters, OQ-25); `None` is null.
    fn attribute(&self, name: &str) -> Option<&AttributeValue>;
}

impl Attributes for std::collections::BTreeMap<String, AttributeValue> {
    fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.get(name)
    }
}
