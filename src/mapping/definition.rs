//! What the target's objects look like: their attribute definitions (`mapping.md 3`).

use indexmap::IndexMap;

/// The target side of an object mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetObject {
    /// Its name, a schema URN (`wire.md 12.3`).
    pub name: String,
    /// Attribute definitions by name, in the order of the list a person sees.
    pub attributes: IndexMap<String, AttributeDefinition>,
}

/// One attribute of a target object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeDefinition {
    /// The type of its values.
    pub attribute_type: AttributeType,
    /// Whether it is the object's key; exactly one is.
    pub anchor: bool,
    /// Whether a create fails without a value.
    pub required: bool,
    /// Whether the target can filter on it, so that it may be a matching attribute (`mapping.md 1.5`).
    pub filterable: bool,
    /// Whether it holds several values.
    pub multivalued: bool,
    /// Whether a pure change of case is a change; it is where a list does not say (`mapping.md 1.3`).
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// Used on create when neither the source nor the mapping has a value.
    pub default_value: Option<String>,
    /// Kept and returned; without effect outbound (`mapping.md 1.4`).
    pub flow_null_values: bool,
    /// The kinds of source objects a Reference points to, such as `User`.
    pub referenced_objects: Vec<String>,
}

/// Declares an enum whose variants have the names of the synchronization schema.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $( $(#[$note:meta])* $variant:ident, )+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
        pub enum $name { $( $(#[$note])* $variant, )+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// Its name in the synchronization schema.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant), )+ }
            }

            /// The one of exactly this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }
    };
}
pub(super) use named;

named! {
    /// The types of values (`mapping.md 3`).
    AttributeType {
        /// Text.
        #[default]
        String,
        /// A whole number in decimal.
        Integer,
        /// `True` or `False`.
        Boolean,
        /// Text that is a date.
        DateTime,
        /// The id of another object.
        Reference,
        /// Base64 text.
        Binary,
    }
}

named! {
    /// Who may write an attribute.
    Mutability {
        /// Anyone.
        #[default]
        ReadWrite,
        /// The target only.
        ReadOnly,
        /// Anyone, once.
        Immutable,
        /// Anyone, and it is never returned.
        WriteOnly,
    }
}

/// The truth of a text: `True` or `False` in any letter case, nothing else (`mapping.md 2.5`).
pub(super) fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl AttributeType {
    /// Whether a text can be a value of this type. Only Boolean and Integer are held to anything (`mapping.md 2.5`).
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Boolean => parse_boolean(text).is_some(),
            Self::Integer => text.parse::<i64>().is_ok(),
            Self::String | Self::DateTime | Self::Reference | Self::Binary => true,
        }
    }
}
