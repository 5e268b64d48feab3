//! Walking the tree (`mapping.md 6.6`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Attributes;
use super::catalogue::Implementation;
use super::error::EvaluationError;
use super::limits::{EVALUATION_STEPS_MAX, LIST_VALUES_MAX, TRACE_ENTRIES_MAX, VALUE_BYTES_MAX};
use super::node::{Call, Comparison, Node, NodeKind, Operator};
use super::random::Random;
use super::switches::{NullComparison, Switches};
use super::value::{Datum, Decimal, Outcome};

/// What provisioning logs show in place of a value that [`Environment::redacted`] marks (`mapping.md 7.34`).
pub const LOG_TEXT_REDACTED: &str = "[Redact]";

/// What an evaluation needs beside the object, and what it leaves behind.
#[derive(Debug)]
pub struct Environment<'a> {
    /// The job time; one value throughout an evaluation.
    pub now: Timestamp,
    /// Where `Guid` and `RandomString` draw from; moves on with each draw.
    pub random: Random,
    /// The choices among open questions.
    pub switches: &'a Switches,
    /// Values that `SelectUniqueValue` finds taken in the target, compared exactly. A caller that looks values up
    /// one by one evaluates, asks the target for the value it got, adds it when taken, and evaluates again.
    pub target_values: &'a BTreeSet<String>,
    /// The tenant's default domain, for `DefaultDomain`.
    pub default_domain: Option<&'a str>,
    /// Where to note each step; `None` notes nothing.
    pub trace: Option<Trace>,
    /// Set when `Redact` was evaluated: logs show [`LOG_TEXT_REDACTED`] instead of old and new value.
    pub redacted: bool,
    /// Steps taken by the last evaluation, see [`limits::EVALUATION_STEPS_MAX`](super::limits::EVALUATION_STEPS_MAX).
    pub steps: u32,
}

impl<'a> Environment<'a> {
    /// An environment with nothing taken in the target, no default domain and no trace.
    pub fn new(now: Timestamp, random: Random, switches: &'a Switches) -> Self {
        static NOTHING_TAKEN: BTreeSet<String> = BTreeSet::new();
        Self {
            now,
            random,
            switches,
            target_values: &NOTHING_TAKEN,
            default_domain: None,
            trace: None,
            redacted: false,
            steps: 0,
        }
    }
}

/// The steps of an evaluation, innermost first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// One entry for each node that was evaluated, in the order in which they were done.
    pub entries: Vec<TraceEntry>,
}

/// One step of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEntry {
    /// The canonical text of the node.
    pub text: String,
    /// How deep it lies; the whole expression is at 0.
    pub depth: usize,
    /// What it came to.
    pub result: Result<Outcome, EvaluationError>,
}

/// Evaluates the tree `root` for `source`.
pub(super) fn evaluate(
    root: &Node,
    source: &dyn Attributes,
    environment: &mut Environment<'_>,
) -> Result<Outcome, EvaluationError> {
    environment.redacted = false;
    environment.steps = 0;
    let mut machine = Machine { source, environment, depth: 0 };
    Ok(machine.flow(root)?.into_outcome())
}

/// A value, or a mark that ends the flow.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Flow<'v> {
    Value(Datum<'v>),
    IgnoreAttribute,
    IgnoreObject,
}

impl Flow<'_> {
    fn into_outcome(self) -> Outcome {
        match self {
            Self::Value(value) => value.into_outcome(),
            Self::IgnoreAttribute => Outcome::IgnoreAttribute,
            Self::IgnoreObject => Outcome::IgnoreObject,
        }
    }
}

/// One evaluation under way.
pub(super) struct Machine<'v, 'm, 'a> {
    source: &'v dyn Attributes,
    pub(super) environment: &'m mut Environment<'a>,
    depth: usize,
}

impl<'v, 'a> Machine<'v, '_, 'a> {
    /// The choices among open questions.
    pub(super) fn switches(&self) -> &'a Switches {
        self.environment.switches
    }

    /// Counts `steps` more.
    pub(super) fn count_steps(&mut self, steps: usize) -> Result<(), EvaluationError> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.environment.steps = self.environment.steps.saturating_add(steps);
        if EVALUATION_STEPS_MAX < self.environment.steps {
            return Err(EvaluationError::new(format!(
                "the evaluation takes more than {EVALUATION_STEPS_MAX} steps"
            )));
        }
        Ok(())
    }

    /// The value of `node`, or the mark that ends the flow.
    pub(super) fn flow(&mut self, node: &'v Node) -> Result<Flow<'v>, EvaluationError> {
        self.count_steps(1)?;
        if self.environment.trace.is_none() {
            return self.flow_untraced(node);
        }
        self.depth = self.depth.saturating_add(1);
        let result = self.flow_untraced(node);
        self.depth = self.depth.saturating_sub(1);
        if let Some(trace) = &mut self.environment.trace
            && trace.entries.len() < TRACE_ENTRIES_MAX
        {
            let result = result.clone().map(Flow::into_outcome);
            trace.entries.push(TraceEntry { text: node.canonical(), depth: self.depth, result });
        }
        result
    }

    fn flow_untraced(&mut self, node: &'v Node) -> Result<Flow<'v>, EvaluationError> {
        Ok(Flow::Value(match &node.kind {
            NodeKind::Attribute(name) => Datum::from_attribute(self.source.attribute(name)),
            NodeKind::Constant(constant) => Datum::Text(Cow::Borrowed(&constant.text)),
            NodeKind::Word(word) => match word.as_str() {
                "IgnoreAttributeFlow" => return Ok(Flow::IgnoreAttribute),
                "IgnoreObjectFlow" => return Ok(Flow::IgnoreObject),
                word => Datum::Text(Cow::Borrowed(word)),
            },
            NodeKind::Comparison(comparison) => Datum::Boolean(self.compare(comparison)?),
            NodeKind::Call(call) => return self.call(call).map_err(|error| error.within(call.function.name)),
        }))
    }

    fn call(&mut self, call: &'v Call) -> Result<Flow<'v>, EvaluationError> {
        let flow = match call.function.implementation {
            Implementation::Strict(implementation) => {
                let mut values = Vec::with_capacity(call.arguments.len());
                for argument in &call.arguments {
                    values.push(argument.as_ref().map(|argument| self.value(argument)).transpose()?);
                }
                implementation(&mut Arguments { values, nodes: &call.arguments }, self).map(Flow::Value)?
            }
            Implementation::Lazy(implementation) => implementation(&call.arguments, self)?,
        };
        match flow {
            Flow::Value(value) => self.within_limits(value).map(Flow::Value),
            ignored @ (Flow::IgnoreAttribute | Flow::IgnoreObject) => Ok(ignored),
        }
    }

    /// Evaluates all `arguments` of a function that needs only some, if that is asked for (OQ-6): an error in any of
    /// them then surfaces. What they come to is asked for again.
    pub(super) fn evaluate_eagerly(&mut self, arguments: &'v [Option<Node>]) -> Result<(), EvaluationError> {
        if !self.switches().lazy_evaluation {
            for argument in arguments.iter().flatten() {
                self.flow(argument)?;
            }
        }
        Ok(())
    }

    /// The value of `node` where only a value will do.
    pub(super) fn value(&mut self, node: &'v Node) -> Result<Datum<'v>, EvaluationError> {
        match self.flow(node)? {
            Flow::Value(value) => Ok(value),
            Flow::IgnoreAttribute | Flow::IgnoreObject => Err(EvaluationError::new(
                "an ignore mark may pass through `IIF`, `Switch` and `Coalesce` only",
            )),
        }
    }

    fn within_limits(&self, value: Datum<'v>) -> Result<Datum<'v>, EvaluationError> {
        match &value {
            Datum::Text(text) => check_bytes(text.len())?,
            Datum::List(values) => {
                check_list(values.len())?;
                check_bytes(values.iter().map(String::len).fold(0, usize::saturating_add))?;
            }
            Datum::Instant(moment) if !self.switches().typed_dates => {
                return Ok(Datum::owned(super::value::instant_text(*moment)));
            }
            Datum::Null | Datum::Integer(_) | Datum::Boolean(_) | Datum::Instant(_) | Datum::Roles(_) => {}
        }
        Ok(value)
    }

    fn compare(&mut self, comparison: &'v Comparison) -> Result<bool, EvaluationError> {
        let left = self.value(&comparison.left)?.text().unwrap_or_default();
        let right = self.value(&comparison.right)?.text().unwrap_or_default();
        let switches = self.switches();
        if (left.is_empty() || right.is_empty()) && switches.null_comparison == NullComparison::False {
            return Ok(false);
        }
        let numbers = if switches.numeric_comparison {
            Decimal::parse(&left).zip(Decimal::parse(&right))
        } else {
            None
        };
        // .NET orders text by UTF-16 units.
        let order = numbers
            .map_or_else(|| left.encode_utf16().cmp(right.encode_utf16()), |(left, right)| left.cmp(&right));
        Ok(match comparison.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
        })
    }
}

/// Fails when a value of `bytes` is too large to be made.
pub(super) fn check_bytes(bytes: usize) -> Result<(), EvaluationError> {
    if VALUE_BYTES_MAX < bytes {
        return Err(EvaluationError::new(format!(
            "the value takes {bytes} bytes; at most {VALUE_BYTES_MAX} are allowed"
        )));
    }
    Ok(())
}

/// Fails when a list of `values` is too long to be made.
pub(super) fn check_list(values: usize) -> Result<(), EvaluationError> {
    if LIST_VALUES_MAX < values {
        return Err(EvaluationError::new(format!(
            "the list has {values} values; at most {LIST_VALUES_MAX} are allowed"
        )));
    }
    Ok(())
}

/// Arguments of a function that wants all of them evaluated.
pub(super) struct Arguments<'v> {
    values: Vec<Option<Datum<'v>>>,
    nodes: &'v [Option<Node>],
}

impl<'v> Arguments<'v> {
    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Bytes of the texts that stand at `place` and after it; other values count as none.
    pub(super) fn bytes(&self, place: usize) -> usize {
        let texts = self.values.iter().skip(place).flatten().map(|value| match value {
            Datum::Text(text) => text.len(),
            Datum::List(values) => values.iter().map(String::len).fold(0, usize::saturating_add),
            Datum::Null | Datum::Integer(_) | Datum::Boolean(_) | Datum::Instant(_) | Datum::Roles(_) => 0,
        });
        texts.fold(0, usize::saturating_add)
    }

    /// Whether something stands at `place`, be it null or empty.
    pub(super) fn given(&self, place: usize) -> bool {
        self.values.get(place).is_some_and(Option::is_some)
    }

    /// The expression at `place`.
    pub(super) fn node(&self, place: usize) -> Option<&'v Node> {
        self.nodes.get(place).and_then(Option::as_ref)
    }

    /// The value at `place`, which is gone afterwards; null when omitted.
    pub(super) fn take(&mut self, place: usize) -> Datum<'v> {
        self.values.get_mut(place).and_then(Option::take).unwrap_or(Datum::Null)
    }

    /// The text at `place`; empty when omitted or null.
    pub(super) fn text(&mut self, place: usize) -> Cow<'v, str> {
        self.take(place).text().unwrap_or_default()
    }

    /// The integer at `place`.
    pub(super) fn integer(&mut self, place: usize) -> Result<i64, EvaluationError> {
        self.take(place).integer()
    }
}
