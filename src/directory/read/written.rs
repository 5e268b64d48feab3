//! One attribute as a person writes it outside a file, `directory set department=Sales`: the names, types and
//! separators of the files.

use std::collections::BTreeSet;

use super::collect::{Raw, value_of};
use super::names::{Meaning, Names};
use crate::diagnostic::did_you_mean;
use crate::expression::AttributeValue;

/// Attributes that are computed, or that other commands write.
const COMPUTED: [(&str, &str); 5] = [
    ("IsSoftDeleted", "it is computed from scope and state"),
    ("appRoleAssignments", "it follows from assignments"),
    ("members", "members are added and removed one by one"),
    ("memberOf", "it follows from the members of groups"),
    ("originalUserPrincipalName", "it follows from userPrincipalName"),
];

/// An attribute and its value as a row of a file would hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The attribute, spelt as mappings know it.
    pub name: String,
    /// Its value; `None` is none.
    pub value: Option<AttributeValue>,
    /// For a custom attribute, the known one that may have been meant.
    pub near: Option<String>,
}

/// Why an attribute can't be written so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WrittenError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl WrittenError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

/// The attribute that `name` stands for with the texts given for it; several texts are a list. Empty texts count as
/// none. `multi_valued` are the declared attributes, as in [`super::ReadOptions`].
///
/// Errors: the attribute can't be set (identity, passwords, computed), takes one value, or is a boolean and the text
/// is none.
pub fn written(
    name: &str,
    texts: Vec<String>,
    multi_valued: &BTreeSet<String>,
) -> Result<Written, WrittenError> {
    if let Some((name, why)) =
        COMPUTED.iter().find(|(computed, _)| computed.eq_ignore_ascii_case(name.trim()))
    {
        return Err(WrittenError { message: format!("`{name}` can't be set: {why}"), help: None });
    }
    let names = Names::new(multi_valued);
    let column = names.resolve(name);
    match column.meaning {
        Meaning::Id => {
            return Err(WrittenError { message: "an objectId never changes".to_owned(), help: None });
        }
        Meaning::Deleted => {
            return Err(WrittenError::new(
                "`deletedDateTime` follows from the object's state",
                "use `directory delete`, `restore` or `purge`",
            ));
        }
        Meaning::Secret => {
            return Err(WrittenError::new(
                format!("`{}` is never kept", column.name),
                "the service can't read passwords either",
            ));
        }
        Meaning::InvertedBoolean => {
            return Err(WrittenError::new(
                format!("`{}` is a heading of the bulk create template", name.trim()),
                format!("write `{}`", column.name),
            ));
        }
        Meaning::Boolean
        | Meaning::One
        | Meaning::Custom
        | Meaning::Name
        | Meaning::Many
        | Meaning::First => {}
    }
    let near = (column.meaning == Meaning::Custom && !column.name.starts_with("extension_"))
        .then(|| did_you_mean(&column.name, names.known()).map(str::to_owned))
        .flatten();
    let mut texts = texts.into_iter();
    let raw = match (texts.next(), texts.len()) {
        (Some(text), 0) => Raw::Text(text),
        (first, _) if column.meaning == Meaning::Many => Raw::List(first.into_iter().chain(texts).collect()),
        (None, _) => Raw::Text(String::new()),
        (Some(_), more) => {
            return Err(WrittenError::new(
                format!("`{}` takes one value, not {}", column.name, more.saturating_add(1)),
                "declare an attribute of your own as multi-valued: `multi_valued` of `[directory]`",
            ));
        }
    };
    match value_of(&column, raw) {
        Ok(value) => Ok(Written { name: column.name, value, near }),
        Err(complaint) => Err(WrittenError { message: complaint.message, help: complaint.help }),
    }
}

/// Whether an attribute holds several values: a known one, or one declared.
pub fn is_multi_valued(name: &str, multi_valued: &BTreeSet<String>) -> bool {
    Names::new(multi_valued).resolve(name).meaning == Meaning::Many
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, texts: &[&str]) -> Result<(String, Option<AttributeValue>), String> {
        let declared = BTreeSet::from(["badges".to_owned()]);
        written(name, texts.iter().map(|text| (*text).to_owned()).collect(), &declared)
            .map(|written| (written.name, written.value))
            .map_err(|error| error.message)
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::Text(text.to_owned())
    }

    fn list(texts: &[&str]) -> AttributeValue {
        AttributeValue::List(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn attributes_are_written_as_in_a_file() {
        for (name, texts, expected) in [
            ("department", &["Sales"][..], ("department", Some(text("Sales")))),
            ("OfficeLocation", &["2.1"], ("physicalDeliveryOfficeName", Some(text("2.1")))),
            ("jobTitle", &[""], ("jobTitle", None)),
            ("ACCOUNTENABLED", &["false"], ("accountEnabled", Some(text("False")))),
            ("otherMails", &["a@x;b@x"], ("otherMails", Some(list(&["a@x", "b@x"])))),
            ("otherMails", &["a;b@x", "c@x"], ("otherMails", Some(list(&["a;b@x", "c@x"])))),
            ("Badges", &["7"], ("badges", Some(list(&["7"])))),
            ("shoeSize", &["44"], ("shoeSize", Some(text("44")))),
        ] {
            assert_eq!(set(name, texts), Ok((expected.0.to_owned(), expected.1)), "{name}");
        }
    }

    #[test]
    fn what_files_refuse_is_refused() {
        for (name, texts, expected) in [
            ("department", &["a", "b"][..], "`department` takes one value, not 2"),
            ("shoeSize", &["44", "45"], "`shoeSize` takes one value, not 2"),
            ("accountEnabled", &["maybe"], "`accountEnabled` is neither `True` nor `False`: `maybe`"),
            ("id", &["x"], "an objectId never changes"),
            ("deletedDateTime", &[""], "`deletedDateTime` follows from the object's state"),
            ("passwordProfile.password", &["x"], "`passwordProfile.password` is never kept"),
            ("isSoftDeleted", &["True"], "`IsSoftDeleted` can't be set: it is computed from scope and state"),
        ] {
            assert_eq!(set(name, texts), Err(expected.to_owned()), "{name}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_noticed_and_an_extension_is_none() {
        let near = |name: &str| written(name, vec!["x".to_owned()], &BTreeSet::new()).unwrap().near;
        assert_eq!(near("departmnt").as_deref(), Some("department"));
        assert_eq!(near("extension_0123_badge"), None);
        assert_eq!(near("shoeSize"), None);
    }
}
