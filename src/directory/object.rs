//! Source objects as the directory files give them, before scope and mapping see them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::expression::AttributeValue;

/// The two object types of a job (`engine.md 0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl ObjectKind {
    /// `User` or `Group`, as logs and statistics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The kind of that exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "User" => Some(Self::User),
            "Group" => Some(Self::Group),
            _ => None,
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One user or group as a row of the directory gives it.
///
/// Attribute names are the older directory API's (`mapping.md 5.1`); values are text (`True`/`False` for booleans),
/// lists of text, never null: an absent or empty cell is an absent attribute. `objectId` is [`Self::id`] and not
/// among the attributes; `manager` is: the text of its cell, an objectId or a userPrincipalName.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceObject {
    /// User or group.
    pub kind: ObjectKind,
    /// `objectId`: as given, or derived from the userPrincipalName or displayName (contract 4).
    pub id: String,
    /// Whether the file gave the id, so that a rename keeps the object.
    pub id_given: bool,
    /// `deletedDateTime` as given: the row says that the object is in the recycle bin since then.
    pub deleted: Option<jiff::Timestamp>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, AttributeValue>,
}

impl SourceObject {
    /// A single-valued attribute's text; `None` when absent or multi-valued.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(AttributeValue::Text(text)) => Some(text),
            Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => None,
        }
    }

    /// The name people know it by: a user's userPrincipalName, a group's displayName, else the id.
    pub fn label(&self) -> &str {
        let name = match self.kind {
            ObjectKind::User => "userPrincipalName",
            ObjectKind::Group => "displayName",
        };
        self.text(name).unwrap_or(&self.id)
    }
}

/// An id as everything here spells it: letter case means nothing in a UUID, and files differ in it. What is no UUID
/// stays as it is.
pub fn canonical_id(id: &str) -> Cow<'_, str> {
    match uuid::Uuid::try_parse(id) {
        Ok(_) if id.len() == uuid::fmt::Hyphenated::LENGTH => Cow::Owned(id.to_ascii_lowercase()),
        _ => Cow::Borrowed(id),
    }
}

/// The namespace of derived ids. It never changes: a derived id is an object's identity in people's state.
const DERIVED_IDS: uuid::Uuid = uuid::Uuid::from_bytes([
    0x5c, 0x1a, 0x0f, 0x2e, 0x94, 0x3b, 0x5d, 0x47, 0x8e, 0x60, 0xd1, 0x7a, 0xb2, 0x08, 0x36, 0xc9,
]);

/// The `objectId` of an object whose file gives none: a name-based UUID (version 5) of its kind and its lower-cased
/// userPrincipalName or displayName (contract 4). The same name always gives the same id.
pub fn derived_id(kind: ObjectKind, name: &str) -> String {
    let name = format!("{}:{}", kind.as_str().to_lowercase(), name.trim().to_lowercase());
    uuid::Uuid::new_v5(&DERIVED_IDS, name.as_bytes()).to_string()
}
