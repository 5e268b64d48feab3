//! Scoping filters (`engine.md 3.3 to 3.5`): clauses joined by AND in groups, groups joined by OR.
//!
//! A filter is read once, where every mistake in it is reported; evaluating it can not fail. Each clause is judged,
//! also where the outcome is settled already, so that a person can see them all.

mod graph;
mod operator;

use serde_json::{Map, Value as Json};

use crate::expression::dotnet::regex::{Anchoring, Pattern};
use crate::expression::{AttributeValue, Attributes};

pub use graph::{FilterError, FilterMistake};
pub use operator::{Arity, Operator};

/// Choices among the open questions on filters, and what is known of attributes.
#[derive(Clone, Copy, Default)]
pub struct FilterOptions<'a> {
    /// `REGEX MATCH` and `NOT REGEX MATCH` ask for the whole value instead of any part (`engine.md` C5).
    pub regex_anchored: bool,
    /// `&` and `!&` test the bits of integers instead of containment (`engine.md` C6).
    pub bitmask: bool,
    /// How many values of a multi-valued attribute have to satisfy a clause.
    pub multi_valued: MultiValued,
    /// Whether the attribute of this name holds dates, which filters can not use. `None`: only those known by name.
    pub is_date: Option<&'a dyn Fn(&str) -> bool>,
}

/// `multivaluedComparisonType` (`graph-api.md 8.3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MultiValued {
    /// Every value has to satisfy the clause.
    #[default]
    All,
    /// One value is enough.
    Any,
}

/// The filter of one object mapping (`objectMapping.scope`).
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The normal filter: an object that stops passing is deprovisioned.
    pub groups: Vec<FilterGroup>,
    /// Applied while reading the source: an object that stops passing is simply not processed any more.
    pub input_filter_groups: Vec<FilterGroup>,
    /// Decides whether the mapping applies to the object at all.
    pub category_filter_groups: Vec<FilterGroup>,
}

/// Clauses that all have to hold.
#[derive(Debug, Clone)]
pub struct FilterGroup {
    /// Its title.
    pub name: String,
    /// The clauses; a group without any lets everything pass.
    pub clauses: Vec<FilterClause>,
}

/// One condition on one attribute.
#[derive(Debug, Clone)]
pub struct FilterClause {
    attribute: String,
    operator: Operator,
    operand: Option<String>,
    multi_valued: MultiValued,
    test: Test,
}

/// What a clause asks of one value that is neither null nor empty.
#[derive(Debug, Clone)]
enum Test {
    Equal(bool),
    Present(bool),
    Truth(bool),
    Matches(Box<Pattern>, bool),
    Above { or_equal: bool },
    Contains,
    EndsWith,
    WithinOperand(bool),
    SharesBits(bool),
}

/// Why a clause can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClauseError {
    /// The operator does not exist.
    #[error("unknown operator `{name}`{}", .near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownOperator {
        /// As written.
        name: String,
        /// The existing one most like it.
        near: Option<&'static str>,
    },
    /// A binary operator without its one value, or a unary one with a value.
    #[error("`{operator}` takes {}, not {given}", match .wanted { 0 => "no value", _ => "one value" })]
    Operands {
        /// The operator.
        operator: &'static str,
        /// How many values it takes.
        wanted: usize,
        /// How many there are.
        given: usize,
    },
    /// The attribute can not be used in filters (`engine.md 3.4`).
    #[error("`{attribute}` can not be used in a scoping filter: {reason}")]
    Refused {
        /// The attribute.
        attribute: String,
        /// Why.
        reason: &'static str,
    },
    /// The clause names no attribute.
    #[error("the clause names no attribute")]
    NoAttribute,
    /// The value is no .NET regular expression.
    #[error("{0}")]
    Pattern(String),
}

/// What a filter says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterResult {
    /// The conclusion.
    pub verdict: FilterVerdict,
    /// The groups of the normal filter, each with its clauses.
    pub groups: Vec<GroupResult>,
    /// The groups applied while reading.
    pub input_filter_groups: Vec<GroupResult>,
    /// The groups that decide whether the mapping applies.
    pub category_filter_groups: Vec<GroupResult>,
}

/// The conclusion of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterVerdict {
    /// The object passes.
    Passed,
    /// It fails the normal filter and is out of scope.
    OutOfScope,
    /// It fails an input or category filter: it is left alone, neither updated nor deprovisioned.
    NotProcessed,
}

/// What a group says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupResult {
    /// The group's title.
    pub name: String,
    /// Whether all its clauses hold.
    pub passed: bool,
    /// Each clause, in order.
    pub clauses: Vec<ClauseResult>,
}

/// What a clause says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseResult {
    /// `<attribute> <OPERATOR> '<value>'`.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// Why it could not be judged and therefore does not hold: invalid scoping.
    pub invalid: Option<String>,
    /// What a person should know about it, though it was judged.
    pub warning: Option<String>,
}

impl Filter {
    /// What the filter says of `source`. Without any group everything passes.
    pub fn evaluate(&self, source: &dyn Attributes) -> FilterResult {
        let judge = |groups: &[FilterGroup]| groups.iter().map(|group| group.evaluate(source)).collect();
        let groups: Vec<GroupResult> = judge(&self.groups);
        let input_filter_groups: Vec<GroupResult> = judge(&self.input_filter_groups);
        let category_filter_groups: Vec<GroupResult> = judge(&self.category_filter_groups);
        let verdict = if !any_passed(&input_filter_groups) || !any_passed(&category_filter_groups) {
            FilterVerdict::NotProcessed
        } else if any_passed(&groups) {
            FilterVerdict::Passed
        } else {
            FilterVerdict::OutOfScope
        };
        FilterResult { verdict, groups, input_filter_groups, category_filter_groups }
    }
}

/// Groups are joined by OR; none at all lets everything pass.
fn any_passed(groups: &[GroupResult]) -> bool {
    groups.is_empty() || groups.iter().any(|group| group.passed)
}

impl FilterResult {
    /// The text of `ScopeEvaluationResult`: a JSON object with one member for each clause of the normal filter, key
    /// `<filter title>.<attribute> <OPERATOR> '<value>'`; `{}` without filters (`engine.md 3.5`).
    pub fn scope_evaluation_result(&self) -> String {
        let mut members = Map::new();
        for group in &self.groups {
            for clause in &group.clauses {
                members.insert(format!("{}.{}", group.name, clause.text), Json::Bool(clause.holds));
            }
        }
        Json::Object(members).to_string()
    }
}

impl FilterGroup {
    fn evaluate(&self, source: &dyn Attributes) -> GroupResult {
        let clauses: Vec<ClauseResult> = self.clauses.iter().map(|clause| clause.evaluate(source)).collect();
        GroupResult { name: self.name.clone(), passed: clauses.iter().all(|clause| clause.holds), clauses }
    }
}

impl FilterClause {
    /// Reads one clause; `operator` is a name of the API or the portal, `values` are `targetOperand.values`.
    pub fn new(
        attribute: &str,
        operator: &str,
        values: &[String],
        options: &FilterOptions<'_>,
    ) -> Result<Self, ClauseError> {
        if attribute.is_empty() {
            return Err(ClauseError::NoAttribute);
        }
        if let Some(reason) = refusal(attribute, options) {
            return Err(ClauseError::Refused { attribute: attribute.to_owned(), reason });
        }
        let operator = Operator::from_name(operator).ok_or_else(|| ClauseError::UnknownOperator {
            name: operator.to_owned(),
            near: Operator::near(operator),
        })?;
        let operand = match (operator.arity(), values) {
            // Forms leave an empty value behind where none is asked for.
            (Arity::Unary, values) if values.iter().all(String::is_empty) => None,
            (Arity::Binary, [operand]) => Some(operand.clone()),
            (arity, _) => {
                let wanted = usize::from(arity == Arity::Binary);
                return Err(ClauseError::Operands {
                    operator: operator.api_name(),
                    wanted,
                    given: values.len(),
                });
            }
        };
        let test = Test::new(operator, operand.as_deref().unwrap_or_default(), options)?;
        Ok(Self {
            attribute: attribute.to_owned(),
            operator,
            operand,
            multi_valued: options.multi_valued,
            test,
        })
    }

    /// The attribute it looks at.
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Its operator.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The value compared with; `None` for unary operators.
    pub fn operand(&self) -> Option<&str> {
        self.operand.as_deref()
    }

    /// `<attribute> <OPERATOR> '<value>'`, as results show it.
    pub fn text(&self) -> String {
        let operand = self.operand.as_deref().unwrap_or_default();
        format!("{} {} '{operand}'", self.attribute, self.operator.api_name())
    }

    fn evaluate(&self, source: &dyn Attributes) -> ClauseResult {
        let value = source.attribute(&self.attribute);
        let (judged, warning) = match value {
            None | Some(AttributeValue::Roles(_)) => (self.judge(None), None),
            Some(AttributeValue::Text(text)) => (self.judge(Some(text)), None),
            Some(AttributeValue::List(values)) => {
                let warning =
                    format!("`{}` is multi-valued, which scoping filters do not support", self.attribute);
                (self.judge_list(values), Some(warning))
            }
        };
        let (holds, invalid) = match judged {
            Ok(holds) => (holds, None),
            Err(invalid) => (false, Some(invalid)),
        };
        ClauseResult { text: self.text(), holds, invalid, warning }
    }

    /// Whether the clause holds for the values of a multi-valued attribute.
    fn judge_list(&self, values: &[String]) -> Result<bool, String> {
        if values.is_empty() || matches!(self.test, Test::Present(_)) {
            return self.judge(values.iter().find(|value| !value.is_empty()).map(String::as_str));
        }
        let verdicts: Result<Vec<bool>, String> =
            values.iter().map(|value| self.judge(Some(value))).collect();
        let verdicts = verdicts?;
        Ok(match self.multi_valued {
            MultiValued::All => verdicts.into_iter().all(|holds| holds),
            MultiValued::Any => verdicts.into_iter().any(|holds| holds),
        })
    }

    /// Whether the clause holds for one value; `Err` says why that can not be told. Null and empty satisfy nothing
    /// but `IS NULL`.
    fn judge(&self, value: Option<&str>) -> Result<bool, String> {
        let value = value.filter(|value| !value.is_empty());
        if let Test::Present(wanted) = self.test {
            return Ok(value.is_some() == wanted);
        }
        let Some(value) = value else {
            return Ok(false);
        };
        let operand = self.operand.as_deref().unwrap_or_default();
        match &self.test {
            Test::Present(wanted) => Ok(*wanted),
            Test::Equal(wanted) => Ok((value == operand) == *wanted),
            Test::Truth(true) => Ok(value.eq_ignore_ascii_case("true")),
            Test::Truth(false) => Ok(value.eq_ignore_ascii_case("false")),
            Test::Matches(pattern, wanted) => {
                pattern.is_match(value).map(|matches| matches == *wanted).map_err(|error| error.to_string())
            }
            Test::Above { or_equal } => {
                let (value, operand) = (WholeNumber::new(value)?, WholeNumber::new(operand)?);
                Ok(operand < value || (*or_equal && operand == value))
            }
            Test::Contains => Ok(value.contains(operand)),
            Test::EndsWith => Ok(value.ends_with(operand)),
            Test::WithinOperand(wanted) => Ok(operand.contains(value) == *wanted),
            Test::SharesBits(wanted) => Ok((bits(value)? & bits(operand)? != 0) == *wanted),
        }
    }
}

impl Test {
    fn new(operator: Operator, operand: &str, options: &FilterOptions<'_>) -> Result<Self, ClauseError> {
        let pattern = || {
            let anchoring = if options.regex_anchored { Anchoring::Whole } else { Anchoring::Anywhere };
            let pattern =
                Pattern::new(operand, anchoring).map_err(|error| ClauseError::Pattern(error.to_string()));
            pattern.map(Box::new)
        };
        Ok(match operator {
            Operator::Equals => Self::Equal(true),
            Operator::NotEquals => Self::Equal(false),
            Operator::IsNull => Self::Present(false),
            Operator::IsNotNull => Self::Present(true),
            Operator::IsTrue => Self::Truth(true),
            Operator::IsFalse => Self::Truth(false),
            Operator::RegexMatch => Self::Matches(pattern()?, true),
            Operator::NotRegexMatch => Self::Matches(pattern()?, false),
            Operator::GreaterThan => Self::Above { or_equal: false },
            Operator::GreaterThanOrEquals => Self::Above { or_equal: true },
            Operator::Includes => Self::Contains,
            Operator::EndsWith => Self::EndsWith,
            Operator::And if options.bitmask => Self::SharesBits(true),
            Operator::NotAnd if options.bitmask => Self::SharesBits(false),
            Operator::And => Self::WithinOperand(true),
            Operator::NotAnd => Self::WithinOperand(false),
        })
    }
}

/// Why an attribute can not be used in filters; `None` when it can (`engine.md 3.4`).
fn refusal(attribute: &str, options: &FilterOptions<'_>) -> Option<&'static str> {
    /// Date attributes that are known by name: those of the documentation, and the source users' own.
    const DATES: [&str; 8] = [
        "StatusHireDate",
        "startDate",
        "endDate",
        "StatusTerminationDate",
        "accountExpires",
        "employeeHireDate",
        "employeeLeaveDateTime",
        "createdDateTime",
    ];
    let is = |name: &str| attribute.eq_ignore_ascii_case(name);
    if is("IsMemberOf") || is("members") {
        Some("filters can not look at memberships")
    } else if is("appRoleAssignments") {
        Some("filters can not look at role assignments")
    } else if is("userType") {
        Some("it is not available to the provisioning service")
    } else if is("manager") {
        Some("filters can not look at references")
    } else if DATES.into_iter().any(is) || options.is_date.is_some_and(|is_date| is_date(attribute)) {
        Some("filters have no date operators")
    } else {
        None
    }
}

/// A number 0, 1, 2, …, of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WholeNumber<'t> {
    /// Compared first: more digits, without leading zeros, are more.
    length: usize,
    digits: &'t str,
}

impl<'t> WholeNumber<'t> {
    fn new(text: &'t str) -> Result<Self, String> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{text}` is not a whole number 0, 1, 2, …"));
        }
        let digits = text.trim_start_matches('0');
        Ok(Self { length: digits.len(), digits })
    }
}

fn bits(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("`{text}` is not an integer"))
}
