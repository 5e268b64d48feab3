//! `Replace` (`mapping.md 7.36`): five forms, told apart by the arguments given.

use std::borrow::Cow;

use super::{each_text, source_or_choice};
use crate::expression::dotnet::regex::{Anchoring, Pattern, PatternError};
use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine, check_bytes};
use crate::expression::node::NodeKind;
use crate::expression::switches::{GroupReplacement, ReplaceOrder};
use crate::expression::value::Datum;

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

const SOURCE: usize = 0;
const OLD_VALUE: usize = 1;
const PATTERN: usize = 2;
const GROUP: usize = 3;
const REPLACEMENT: usize = 4;
const OTHER_ATTRIBUTE: usize = 5;
const TEMPLATE: usize = 6;

/// What `Replace` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// 1: literal text by literal text.
    Literal,
    /// 2: the source into a template.
    Template,
    /// 3: whatever a pattern matches.
    Pattern,
    /// 4: one group of whatever a pattern matches.
    Group,
    /// 5: one group of another attribute, when the source has no value.
    OtherAttribute,
}

impl Form {
    /// The places that have to be given.
    fn places(self) -> &'static [usize] {
        match self {
            Self::Literal => &[OLD_VALUE, REPLACEMENT],
            Self::Template => &[OLD_VALUE, TEMPLATE],
            Self::Pattern => &[PATTERN, REPLACEMENT],
            Self::Group => &[PATTERN, GROUP, REPLACEMENT],
            Self::OtherAttribute => &[PATTERN, GROUP, OTHER_ATTRIBUTE],
        }
    }

    /// The first form, in the order that OQ-22 settles, whose places are all given.
    fn of(arguments: &Arguments<'_>, order: ReplaceOrder) -> Option<Self> {
        let order = match order {
            ReplaceOrder::Recommended => {
                [Self::OtherAttribute, Self::Template, Self::Literal, Self::Group, Self::Pattern]
            }
            ReplaceOrder::PatternsFirst => {
                [Self::OtherAttribute, Self::Group, Self::Pattern, Self::Template, Self::Literal]
            }
        };
        order.into_iter().find(|form| form.places().iter().all(|place| arguments.given(*place)))
    }
}

/// `Replace` (`mapping.md 7.36`).
pub(in crate::expression) fn replace<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let form = Form::of(arguments, machine.switches().replace_order)
        .ok_or_else(|| EvaluationError::new("the arguments given fit none of its forms"))?;
    let source = arguments.take(SOURCE);
    if form == Form::OtherAttribute {
        return if source.is_null_or_empty() { from_other_attribute(arguments, machine) } else { Ok(source) };
    }
    let source = source_or_choice(source, machine);
    let replacement = arguments.text(REPLACEMENT);
    match form {
        Form::Literal | Form::OtherAttribute => {
            let old = arguments.text(OLD_VALUE);
            each_text(source, machine, |text| replace_literal(text, &old, &replacement))
        }
        Form::Template => {
            let (old, template) = (arguments.text(OLD_VALUE), arguments.text(TEMPLATE));
            each_text(source, machine, |text| replace_literal(&template, &old, text))
        }
        Form::Pattern => {
            let pattern = pattern(arguments)?;
            each_text(source, machine, |text| {
                let replaced = pattern.replace_all(text, |found, to| found.expand(&replacement, to));
                replaced.map_err(failure)
            })
        }
        Form::Group => {
            let pattern = pattern(arguments)?;
            let group = group(&pattern, arguments)?;
            let by_text = machine.switches().replace_group == GroupReplacement::Text;
            each_text(source, machine, |text| {
                let replaced = pattern.replace_all(text, |found, to| {
                    let whole = found.span();
                    match found.group(group) {
                        Some(span) if by_text => {
                            let old = text.get(span).unwrap_or_default();
                            to.push_str(
                                &replace_literal(found.as_str(), old, &replacement)
                                    .map_err(|error| PatternError(error.detail))?,
                            );
                        }
                        Some(span) => {
                            to.push_str(text.get(whole.start..span.start).unwrap_or_default());
                            to.push_str(&replacement);
                            to.push_str(text.get(span.end..whole.end).unwrap_or_default());
                        }
                        None => to.push_str(found.as_str()),
                    }
                    Ok(())
                });
                replaced.map_err(failure)
            })
        }
    }
}

/// Form 5 when the source has no value: the group's text in the other attribute; null without a match.
fn from_other_attribute<'v>(arguments: &mut Arguments<'v>, machine: &Machine<'v, '_, '_>) -> Result<'v> {
    let pattern = pattern(arguments)?;
    let group = group(&pattern, arguments)?;
    let other = arguments.take(OTHER_ATTRIBUTE).text().unwrap_or_default();
    let found = if other.is_empty() { None } else { pattern.first(&other).map_err(failure)? };
    Ok(match found.and_then(|found| found.group_text(group).map(str::to_owned)) {
        Some(text) => Datum::owned(text),
        None if machine.switches().replace_no_match_empty => Datum::owned(String::new()),
        None => Datum::Null,
    })
}

/// Every `old` in `text` by `new`; an empty `old` changes nothing.
fn replace_literal(text: &str, old: &str, new: &str) -> std::result::Result<String, EvaluationError> {
    if old.is_empty() {
        return Ok(text.to_owned());
    }
    let grown = new.len().saturating_sub(old.len()).saturating_mul(text.matches(old).count());
    check_bytes(text.len().saturating_add(grown))?;
    Ok(text.replace(old, new))
}

/// The pattern, compiled; a constant one once for all evaluations.
fn pattern<'v>(arguments: &mut Arguments<'v>) -> std::result::Result<Cow<'v, Pattern>, EvaluationError> {
    let constant = match arguments.node(PATTERN).map(|node| &node.kind) {
        Some(NodeKind::Constant(constant)) => Some(constant),
        Some(NodeKind::Call(_) | NodeKind::Attribute(_) | NodeKind::Word(_) | NodeKind::Comparison(_))
        | None => None,
    };
    if let Some(constant) = constant {
        return constant.pattern().map(Cow::Borrowed).map_err(failure);
    }
    let text = arguments
        .take(PATTERN)
        .text()
        .ok_or_else(|| EvaluationError::new("the regular expression is null"))?;
    Pattern::new(&text, Anchoring::Anywhere).map(Cow::Owned).map_err(failure)
}

fn group(pattern: &Pattern, arguments: &mut Arguments<'_>) -> std::result::Result<u32, EvaluationError> {
    let name = arguments.text(GROUP);
    pattern
        .group(&name)
        .ok_or_else(|| EvaluationError::new(format!("the regular expression has no group `{name}`")))
}

fn failure(error: PatternError) -> EvaluationError {
    EvaluationError::new(error.0)
}
