//! Scoping filters as people write them in TOML, in a profile and in the configuration alike.
//!
//! ```toml
//! filters = [
//!     { name = "Sales", clauses = [
//!         { attribute = "department", operator = "EQUALS", value = "Sales" },
//!         { attribute = "mail", operator = "IS NOT NULL" },
//!     ] },
//! ]
//! ```

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::source::misspelt;
use crate::diagnostic::{Severity, did_you_mean};
use crate::directory::object::ObjectKind;
use crate::scope::filter::{
    ClauseError, Filter, FilterClause, FilterCollection, FilterGroup, FilterOptions, Operator,
};

/// A text and its place.
type Text = Spanned<String>;

/// One group of clauses. Everything is optional here, so that each missing key is reported with the others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenGroup {
    /// The filter's title.
    pub(crate) name: Option<Text>,
    /// One of [`FilterCollection`] by name.
    pub(crate) kind: Option<Text>,
    /// The conditions, which all have to hold.
    pub(crate) clauses: Option<Spanned<Vec<WrittenClause>>>,
}

/// One condition on one attribute.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenClause {
    /// The source attribute.
    #[schemars(required, with = "String")]
    pub(crate) attribute: Option<Text>,
    /// The operator, such as `EQUALS` or `IS NOT NULL`.
    #[schemars(required, with = "String")]
    pub(crate) operator: Option<Text>,
    /// What to compare with; absent for operators that compare with nothing.
    #[schemars(with = "Option<String>")]
    pub(crate) value: Option<Text>,
}

/// A mistake, where it stands and what to do about it.
pub(crate) struct Mistake {
    pub(crate) severity: Severity,
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl WrittenGroup {
    /// The attributes that its clauses look at, with their places.
    pub(crate) fn attributes(&self) -> Vec<(String, Range<usize>)> {
        let clauses = self.clauses.iter().flat_map(Spanned::get_ref);
        clauses
            .filter_map(|clause| clause.attribute.as_ref())
            .map(|attribute| (attribute.get_ref().clone(), attribute.span()))
            .collect()
    }

    /// The keys that are missing, each with the place of what should have them.
    pub(crate) fn missing(&self, whole: &Range<usize>) -> Vec<Mistake> {
        let mut missing = Vec::new();
        let mut need = |there: bool, key: &str, span: &Range<usize>| {
            if !there {
                missing.push(mistake(Severity::Error, span, format!("`{key}` is missing"), None));
            }
        };
        need(self.name.is_some(), "name", whole);
        need(self.clauses.is_some(), "clauses", whole);
        if let Some(clauses) = &self.clauses {
            for clause in clauses.get_ref() {
                let place = clause.attribute.as_ref().or(clause.operator.as_ref()).or(clause.value.as_ref());
                let place = place.map_or_else(|| clauses.span(), Spanned::span);
                need(clause.attribute.is_some(), "attribute", &place);
                need(clause.operator.is_some(), "operator", &place);
            }
        }
        missing
    }

    /// Adds the group to a filter of that kind of object, with everything that is wrong with it. Keys that are missing
    /// are not among that.
    pub(crate) fn add_to(
        self,
        filter: &mut Filter,
        object: ObjectKind,
        options: &FilterOptions<'_>,
    ) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let collection = self.kind.map_or(FilterCollection::Scope, |kind| {
            FilterCollection::from_name(kind.get_ref()).unwrap_or_else(|| {
                let words: Vec<&str> = FilterCollection::ALL.iter().map(|one| one.as_str()).collect();
                let help = match did_you_mean(kind.get_ref(), words.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!("one of {}", words.join(", ")),
                };
                let message = format!("`{}` is no kind of filter", kind.get_ref());
                mistakes.push(mistake(Severity::Error, &kind.span(), message, Some(help)));
                FilterCollection::Scope
            })
        });
        let mut clauses = Vec::new();
        if let Some(written) = self.clauses {
            if written.get_ref().is_empty() {
                let help = "a filter without clauses lets everything pass; leave it out".to_owned();
                mistakes.push(mistake(
                    Severity::Error,
                    &written.span(),
                    "there is no clause".to_owned(),
                    Some(help),
                ));
            }
            for clause in written.into_inner() {
                clauses.extend(clause.read(object, options, &mut mistakes));
            }
        }
        let name = self.name.map(Spanned::into_inner).unwrap_or_default();
        filter.collection_mut(collection).push(FilterGroup { name, clauses });
        mistakes
    }
}

impl WrittenClause {
    fn read(
        self,
        object: ObjectKind,
        options: &FilterOptions<'_>,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<FilterClause> {
        let (attribute, operator) = (self.attribute?, self.operator?);
        let values: Vec<String> = self.value.iter().map(|value| value.get_ref().clone()).collect();
        match FilterClause::new(attribute.get_ref(), operator.get_ref(), &values, options) {
            Ok(clause) => {
                if let Some(near) = misspelt(object, attribute.get_ref()) {
                    let message = format!("Entra knows no attribute `{}` of a {object}", attribute.get_ref());
                    let help = Some(format!("did you mean `{near}`?"));
                    mistakes.push(mistake(Severity::Warning, &attribute.span(), message, help));
                }
                Some(clause)
            }
            Err(error) => {
                let value = self.value.as_ref().unwrap_or(&operator);
                let (span, help) = match &error {
                    ClauseError::UnknownOperator { near, .. } => (
                        operator.span(),
                        near.is_none().then(|| {
                            format!("there are: {}", Operator::ALL.map(Operator::api_name).join(", "))
                        }),
                    ),
                    ClauseError::Operands { wanted: 0, .. } => {
                        (value.span(), Some("leave `value` out".to_owned()))
                    }
                    ClauseError::Operands { .. } => (operator.span(), Some("add `value = \"…\"`".to_owned())),
                    ClauseError::Refused { .. } | ClauseError::NoAttribute => (attribute.span(), None),
                    ClauseError::Pattern(_) => (value.span(), None),
                };
                mistakes.push(mistake(Severity::Error, &span, error.to_string(), help));
                None
            }
        }
    }
}

fn mistake(severity: Severity, span: &Range<usize>, message: String, help: Option<String>) -> Mistake {
    Mistake { severity, span: span.clone(), message, help }
}
