//! What can go wrong: while parsing, with a place; while evaluating, with the function.

use thiserror::Error;

/// One mistake in the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the expression is not valid at character {}: {message}", .start.saturating_add(1))]
pub struct ParseError {
    /// What is wrong: a lower-case fragment, literals in backticks.
    pub message: String,
    /// Where it begins: characters from the start of the text, from 0.
    pub start: usize,
    /// How many characters it spans; 0 at the end of the text.
    pub length: usize,
}

/// Something in an expression that works here and is not supported by the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseWarning {
    /// What it is: a lower-case fragment, literals in backticks.
    pub message: String,
    /// Where it begins: characters from the start of the text, from 0.
    pub start: usize,
    /// How many characters it spans.
    pub length: usize,
}

/// Why an expression has no value for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationError {
    /// The innermost function that failed; `None` when a limit of the whole evaluation was met.
    pub function: Option<&'static str>,
    /// What was wrong.
    pub detail: String,
}

impl EvaluationError {
    /// An error of a function that is not named yet; the evaluation fills it in.
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self { function: None, detail: detail.into() }
    }

    /// The same error, raised by `function` unless a function further in raised it.
    pub(super) fn within(mut self, function: &'static str) -> Self {
        self.function.get_or_insert(function);
        self
    }
}

impl std::error::Error for EvaluationError {}

impl std::fmt::Display for EvaluationError {
    /// The observed frame, spelt as observed (`mapping.md 6.11`).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.function {
            Some(function) => {
                write!(f, "An error occured while evaluating this function: '{function}.' {}", self.detail)
            }
            None => f.write_str(&self.detail),
        }
    }
}
