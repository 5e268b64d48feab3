//! The operators of filters under their names in the API and the portal (`engine.md 3.4`, `graph-api.md 8.3`).

use crate::diagnostic::did_you_mean;

/// How a clause compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// Exactly equal.
    Equals,
    /// Not equal.
    NotEquals,
    /// Null or empty.
    IsNull,
    /// Neither null nor empty.
    IsNotNull,
    /// Boolean true.
    IsTrue,
    /// Boolean false; a missing value is not false.
    IsFalse,
    /// The .NET pattern matches.
    RegexMatch,
    /// The .NET pattern does not match.
    NotRegexMatch,
    /// A larger whole number.
    GreaterThan,
    /// A whole number as large or larger.
    GreaterThanOrEquals,
    /// The source contains the operand.
    Includes,
    /// The source ends with the operand.
    EndsWith,
    /// The source occurs inside the operand; note the direction.
    And,
    /// The source does not occur inside the operand.
    NotAnd,
}

/// Whether a clause compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// No value.
    Unary,
    /// One value.
    Binary,
}

impl Arity {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unary => "Unary",
            Self::Binary => "Binary",
        }
    }
}

impl Operator {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Equals,
        Self::NotEquals,
        Self::IsNull,
        Self::IsNotNull,
        Self::IsTrue,
        Self::IsFalse,
        Self::RegexMatch,
        Self::NotRegexMatch,
        Self::GreaterThan,
        Self::GreaterThanOrEquals,
        Self::Includes,
        Self::EndsWith,
        Self::And,
        Self::NotAnd,
    ];

    /// The operator of that name in the API or the portal, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| {
            name.eq_ignore_ascii_case(operator.api_name())
                || name.eq_ignore_ascii_case(operator.portal_name())
        })
    }

    /// The API name most like `name`.
    pub(super) fn near(name: &str) -> Option<&'static str> {
        did_you_mean(name, Self::ALL.map(Self::api_name))
    }

    /// `operatorName` in the API. Those after `IS FALSE` that are no pattern operators are inferred from the portal.
    pub fn api_name(self) -> &'static str {
        match self {
            Self::Equals => "EQUALS",
            Self::NotEquals => "NOT EQUALS",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
            Self::IsTrue => "IS TRUE",
            Self::IsFalse => "IS FALSE",
            Self::RegexMatch => "REGEX MATCH",
            Self::NotRegexMatch => "NOT REGEX MATCH",
            Self::GreaterThan => "GREATER_THAN",
            Self::GreaterThanOrEquals => "GREATER_THAN_OR_EQUALS",
            Self::Includes => "INCLUDES",
            Self::EndsWith => "ENDS_WITH",
            Self::And => "&",
            Self::NotAnd => "!&",
        }
    }

    /// The name that the portal shows.
    pub fn portal_name(self) -> &'static str {
        match self {
            Self::GreaterThan => "Greater_Than",
            Self::GreaterThanOrEquals => "Greater_Than_OR_EQUALS",
            Self::Includes => "Includes",
            Self::Equals
            | Self::NotEquals
            | Self::IsNull
            | Self::IsNotNull
            | Self::IsTrue
            | Self::IsFalse
            | Self::RegexMatch
            | Self::NotRegexMatch
            | Self::EndsWith
            | Self::And
            | Self::NotAnd => self.api_name(),
        }
    }

    /// Whether it compares with a value.
    pub fn arity(self) -> Arity {
        match self {
            Self::IsNull | Self::IsNotNull | Self::IsTrue | Self::IsFalse => Arity::Unary,
            Self::Equals
            | Self::NotEquals
            | Self::RegexMatch
            | Self::NotRegexMatch
            | Self::GreaterThan
            | Self::GreaterThanOrEquals
            | Self::Includes
            | Self::EndsWith
            | Self::And
            | Self::NotAnd => Arity::Binary,
        }
    }

    /// `supportedAttributeTypes` in the API.
    pub fn supported_attribute_types(self) -> &'static [&'static str] {
        match self {
            Self::Equals | Self::NotEquals | Self::RegexMatch | Self::NotRegexMatch => &["Integer", "String"],
            Self::IsNull | Self::IsNotNull => &["Integer", "String", "Binary", "Boolean"],
            Self::IsTrue | Self::IsFalse => &["Boolean"],
            Self::GreaterThan | Self::GreaterThanOrEquals => &["Integer"],
            Self::Includes | Self::EndsWith | Self::And | Self::NotAnd => &["String"],
        }
    }
}
