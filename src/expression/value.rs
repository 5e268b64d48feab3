//! Values: what an expression yields, and the borrowed form it computes with (`mapping.md 6.4 and 6.5`).

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::error::EvaluationError;
use super::{AppRole, AttributeValue};

/// What evaluating an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A value.
    Value(Value),
    /// No value: the mapping's default may apply on create.
    Null,
    /// The attribute takes no part in this export, default value included.
    IgnoreAttribute,
    /// The whole object drops out.
    IgnoreObject,
}

/// A value that is not null.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text; it may be empty.
    Text(String),
    /// Texts in order; there may be none.
    List(Vec<String>),
    /// A 64-bit integer.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A moment, as the civil time of UTC, from year 1 to the end of 9999, in steps of 100 ns.
    Instant(DateTime),
    /// Assigned app roles that no function has turned into text.
    Roles(Vec<AppRole>),
}

impl Outcome {
    /// `evaluationResult` of parseExpression: the value's texts; nothing for null and for an ignore mark
    /// (`mapping.md 10`).
    pub fn evaluation_result(&self) -> Vec<String> {
        match self {
            Self::Value(value) => value.to_text(),
            Self::Null | Self::IgnoreAttribute | Self::IgnoreObject => Vec::new(),
        }
    }
}

impl Value {
    /// Its texts, as `evaluationResult` of parseExpression reports them: one, except for a list
    /// (`mapping.md 6.4`).
    pub fn to_text(&self) -> Vec<String> {
        match self {
            Self::List(values) => values.clone(),
            Self::Text(_) | Self::Integer(_) | Self::Boolean(_) | Self::Instant(_) | Self::Roles(_) => {
                vec![self.as_datum().text().unwrap_or_default().into_owned()]
            }
        }
    }

    /// The form in which it meets a target attribute: text, except for a list. Roles become the XML text that a
    /// direct mapping of `appRoleAssignments` sends (`mapping.md 5.7`).
    pub fn into_attribute_value(self) -> AttributeValue {
        match self {
            Self::Text(text) => AttributeValue::Text(text),
            Self::List(values) => AttributeValue::List(values),
            other @ (Self::Integer(_) | Self::Boolean(_) | Self::Instant(_) | Self::Roles(_)) => {
                AttributeValue::Text(other.as_datum().text().unwrap_or_default().into_owned())
            }
        }
    }

    /// `String`, `List`, `Integer`, `Boolean`, `DateTime` or `AppRoles`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "String",
            Self::List(_) => "List",
            Self::Integer(_) => "Integer",
            Self::Boolean(_) => "Boolean",
            Self::Instant(_) => "DateTime",
            Self::Roles(_) => "AppRoles",
        }
    }

    fn as_datum(&self) -> Datum<'_> {
        match self {
            Self::Text(text) => Datum::Text(Cow::Borrowed(text)),
            Self::List(values) => Datum::List(Cow::Borrowed(values)),
            Self::Integer(number) => Datum::Integer(*number),
            Self::Boolean(truth) => Datum::Boolean(*truth),
            Self::Instant(moment) => Datum::Instant(*moment),
            Self::Roles(roles) => Datum::Roles(roles),
        }
    }
}

/// A value in the course of an evaluation: borrows from the source object and the expression where it can.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum<'v> {
    Null,
    Text(Cow<'v, str>),
    List(Cow<'v, [String]>),
    Integer(i64),
    Boolean(bool),
    Instant(DateTime),
    Roles(&'v [AppRole]),
}

impl<'v> Datum<'v> {
    /// The value of an attribute; absent ones and an empty list of roles are null.
    pub(super) fn from_attribute(value: Option<&'v AttributeValue>) -> Self {
        match value {
            None => Self::Null,
            Some(AttributeValue::Text(text)) => Self::Text(Cow::Borrowed(text)),
            Some(AttributeValue::List(values)) => Self::List(Cow::Borrowed(values)),
            Some(AttributeValue::Roles(roles)) if roles.is_empty() => Self::Null,
            Some(AttributeValue::Roles(roles)) => Self::Roles(roles),
        }
    }

    /// An owned text.
    pub(super) fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    pub(super) fn into_outcome(self) -> Outcome {
        Outcome::Value(match self {
            Self::Null => return Outcome::Null,
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::List(values) => Value::List(values.into_owned()),
            Self::Integer(number) => Value::Integer(number),
            Self::Boolean(truth) => Value::Boolean(truth),
            Self::Instant(moment) => Value::Instant(moment),
            Self::Roles(roles) => Value::Roles(roles.to_vec()),
        })
    }

    pub(super) fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Null, the empty text or the empty list.
    pub(super) fn is_null_or_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(values) => values.is_empty(),
            Self::Integer(_) | Self::Boolean(_) | Self::Instant(_) | Self::Roles(_) => false,
        }
    }

    /// As text; of a list the first value; `None` for null and for the empty list.
    pub(super) fn text(self) -> Option<Cow<'v, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Text(text) => text,
            Self::List(Cow::Borrowed(values)) => Cow::Borrowed(values.first()?),
            Self::List(Cow::Owned(values)) => Cow::Owned(values.into_iter().next()?),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Boolean(truth) => Cow::Borrowed(if truth { "True" } else { "False" }),
            Self::Instant(moment) => Cow::Owned(instant_text(moment)),
            Self::Roles(roles) => Cow::Owned(roles_xml(roles)),
        })
    }

    /// As a list: a single value is a list of one, null an empty one.
    pub(super) fn list(self) -> Cow<'v, [String]> {
        match self {
            Self::Null => Cow::Borrowed(&[]),
            Self::List(values) => values,
            Self::Roles(roles) => Cow::Owned(roles.iter().map(role_json).collect()),
            other @ (Self::Text(_) | Self::Integer(_) | Self::Boolean(_) | Self::Instant(_)) => {
                Cow::Owned(other.text().map(Cow::into_owned).into_iter().collect())
            }
        }
    }

    /// As an integer: text of an optional sign and digits, with surrounding blanks allowed.
    pub(super) fn integer(self) -> Result<i64, EvaluationError> {
        if let Self::Integer(number) = self {
            return Ok(number);
        }
        match self.text() {
            Some(text) => {
                let digits = text.trim();
                digits.parse().map_err(|_| EvaluationError::new(format!("`{text}` is not an integer")))
            }
            None => Err(EvaluationError::new("a number was expected, but the value is null")),
        }
    }

    /// As a truth value: `true` and `false` in any letter case, numbers unless 0; null and empty are false.
    pub(super) fn boolean(self) -> Result<bool, EvaluationError> {
        match self {
            Self::Boolean(truth) => return Ok(truth),
            Self::Integer(number) => return Ok(number != 0),
            Self::Null | Self::Text(_) | Self::List(_) | Self::Instant(_) | Self::Roles(_) => {}
        }
        let text = self.text().unwrap_or_default();
        if text.is_empty() || text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else if text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if let Some(number) = Decimal::parse(&text) {
            Ok(!number.is_zero())
        } else {
            Err(EvaluationError::new(format!("`{text}` is neither true nor false")))
        }
    }
}

/// `M/d/yyyy h:mm:ss tt` in UTC and English (`mapping.md 6.4`).
pub(super) fn instant_text(moment: DateTime) -> String {
    let hour = match moment.hour().rem_euclid(12) {
        0 => 12,
        hour => hour,
    };
    let half = if moment.hour() < 12 { "AM" } else { "PM" };
    format!(
        "{}/{}/{:04} {hour}:{:02}:{:02} {half}",
        moment.month(),
        moment.day(),
        moment.year(),
        moment.minute(),
        moment.second()
    )
}

/// One role as JSON text, in this key order and without blanks (`mapping.md 8`).
pub(super) fn role_json(role: &AppRole) -> String {
    serde_json::json!({ "id": role.id, "value": role.value, "displayName": role.display_name }).to_string()
}

/// The XML text that stands for roles where nothing turns them into something better. How it starts is observed
/// (`mapping.md 5.7`); what follows is not.
fn roles_xml(roles: &[AppRole]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><AppRoleAssignments>".to_owned();
    for role in roles {
        text.push_str("<AppRoleAssignment>");
        for (tag, value) in [("id", &role.id), ("value", &role.value), ("displayName", &role.display_name)] {
            let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            // Writing to a text can not fail.
            let _infallible = write!(text, "<{tag}>{escaped}</{tag}>");
        }
        text.push_str("</AppRoleAssignment>");
    }
    text.push_str("</AppRoleAssignments>");
    text
}

/// A decimal number as text, compared without ever leaving text: any number of digits, no rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal<'t> {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: &'t str,
    /// Digits after the point, without trailing zeros.
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    /// Reads an optional sign, digits and an optional fraction, with surrounding blanks allowed; `None` otherwise.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    pub(super) fn is_zero(self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let magnitude = || {
            let longer = self.whole.len().cmp(&other.whole.len());
            longer.then_with(|| self.whole.cmp(other.whole)).then_with(|| self.fraction.cmp(other.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
            (false, true) => std::cmp::Ordering::Greater,
            (true, false) => std::cmp::Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
