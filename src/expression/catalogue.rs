//! The one table of functions: names, formal parameters, number of arguments, implementation (`mapping.md 7`).

use super::ParseOptions;
use super::error::EvaluationError;
use super::evaluate::{Arguments, Flow, Machine};
use super::functions::{list, logic};
use super::node::Node;
use super::parser::IGNORE_WORDS;
use super::value::Datum;

/// One function of the language.
#[derive(Debug)]
pub struct FunctionInfo {
    /// Its name; letter case matters.
    pub name: &'static str,
    /// Formal parameters in order; the last one or two may repeat.
    pub parameters: &'static [ParameterInfo],
    /// Whether it is one of the nine of `mapping.md 7.45`, unknown unless
    /// [`ParseOptions::adjacent_functions`] is set.
    pub adjacent: bool,
    /// Whether it may not stand inside another function.
    pub(super) top_level_only: bool,
    pub(super) arity: Arity,
    /// Places that the arguments of a shorter, older form take.
    pub(super) short_form: Option<&'static [usize]>,
    /// Tells the text at the second place of the full form from that of the short one.
    pub(super) names_styles: Option<fn(&str) -> bool>,
    pub(super) implementation: Implementation,
}

impl PartialEq for FunctionInfo {
    /// Names are unique in the table.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A formal parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its key in the JSON tree (`mapping.md 6.12`).
    pub key: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it may be given several times.
    pub repeats: bool,
    /// Bare words it takes.
    pub words: &'static [&'static str],
}

/// What a parameter takes; other types are converted (`mapping.md 6.5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any value.
    Any,
    /// A text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A date, or text that reads as one.
    Date,
    /// A list; a single value is a list of one.
    List,
    /// A comparison or a truth value.
    Condition,
    /// `[appRoleAssignments]`.
    Roles,
}

impl ParameterKind {
    /// The attribute type by which Graph's `functions` call names it (`graph-api.md 8.2`).
    pub fn graph_type(self) -> &'static str {
        match self {
            Self::Any | Self::Text | Self::List => "String",
            Self::Integer => "Integer",
            Self::Date => "DateTime",
            Self::Condition => "Boolean",
            Self::Roles => "Reference",
        }
    }
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    /// As many as there are parameters; optional ones may be missing from the end.
    Formal,
    /// The last parameter repeats; at least this many arguments in all.
    Repeating { arguments_min: usize },
    /// The last parameter repeats in pairs, at least one of them.
    Pairs,
}

/// A function that gets its arguments evaluated.
pub(super) type Strict =
    for<'v> fn(&mut Arguments<'v>, &mut Machine<'v, '_, '_>) -> Result<Datum<'v>, EvaluationError>;

/// A function that evaluates what it needs.
pub(super) type Lazy =
    for<'v> fn(&'v [Option<Node>], &mut Machine<'v, '_, '_>) -> Result<Flow<'v>, EvaluationError>;

/// What a function does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Implementation {
    Strict(Strict),
    Lazy(Lazy),
}

impl FunctionInfo {
    /// The formal parameter of the argument at `place`.
    pub(super) fn parameter(&self, place: usize) -> Option<&'static ParameterInfo> {
        match self.arity {
            Arity::Formal => self.parameters.get(place),
            Arity::Repeating { .. } | Arity::Pairs => {
                self.parameters.get(place).or_else(|| self.parameters.last())
            }
        }
    }

    /// The least number of arguments, omitted ones that are not the last counted in.
    pub(super) fn arguments_min(&self) -> usize {
        match self.arity {
            Arity::Formal => self
                .parameters
                .iter()
                .rposition(|parameter| parameter.required)
                .map_or(0, |place| place.saturating_add(1)),
            Arity::Repeating { arguments_min } => arguments_min,
            Arity::Pairs => self.parameters.len().saturating_add(1),
        }
    }
}

/// Every function, sorted by name: the 44, and the adjacent ones marked as such.
pub fn catalogue() -> &'static [FunctionInfo] {
    &FUNCTIONS
}

/// The function that `name` means under `options`.
pub(super) fn find(name: &str, options: &ParseOptions<'_>) -> Option<&'static FunctionInfo> {
    FUNCTIONS
        .iter()
        .find(|function| {
            function.name == name || (options.any_function_case && function.name.eq_ignore_ascii_case(name))
        })
        .filter(|function| options.adjacent_functions || !function.adjacent)
}

const fn required(key: &'static str, kind: ParameterKind) -> ParameterInfo {
    ParameterInfo {
        key,
        kind,
        required: true,
        repeats: false,
        words: &[],
    }
}

const fn optional(key: &'static str, kind: ParameterKind) -> ParameterInfo {
    ParameterInfo {
        required: false,
        ..required(key, kind)
    }
}

const fn repeating(key: &'static str, kind: ParameterKind) -> ParameterInfo {
    ParameterInfo {
        repeats: true,
        ..required(key, kind)
    }
}

const fn strict(
    name: &'static str,
    parameters: &'static [ParameterInfo],
    implementation: Strict,
) -> FunctionInfo {
    FunctionInfo {
        name,
        parameters,
        adjacent: false,
        top_level_only: false,
        arity: Arity::Formal,
        short_form: None,
        names_styles: None,
        implementation: Implementation::Strict(implementation),
    }
}

const fn lazy(
    name: &'static str,
    parameters: &'static [ParameterInfo],
    implementation: Lazy,
) -> FunctionInfo {
    FunctionInfo {
        implementation: Implementation::Lazy(implementation),
        ..strict(name, parameters, list::join)
    }
}

static FUNCTIONS: [FunctionInfo; 3] = {
    use ParameterKind::{Any, List, Text};
    [
        FunctionInfo {
            arity: Arity::Repeating { arguments_min: 2 },
            ..strict(
                "Join",
                &[required("separator", Text), repeating("source", List)],
                list::join,
            )
        },
        strict("Not", &[required("source", Any)], logic::not),
        FunctionInfo {
            arity: Arity::Pairs,
            ..lazy(
                "Switch",
                &[
                    required("source", Text),
                    optional("defaultValue", Any),
                    repeating("switchValue", Any),
                ],
                logic::switch,
            )
        },
    ]
};
