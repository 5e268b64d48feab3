//! The parsed tree and its canonical text.

use std::sync::OnceLock;

use super::catalogue::FunctionInfo;
use super::dotnet::regex::{Anchoring, Pattern, PatternError};

/// A stretch of the expression's text, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// Characters from the start of the text.
    pub(super) start: usize,
    /// Characters covered.
    pub(super) length: usize,
}

impl Span {
    /// The stretch from the start of `self` to the end of `last`.
    pub(super) fn to(self, last: Self) -> Self {
        let end = last.start.saturating_add(last.length);
        Self { start: self.start, length: end.saturating_sub(self.start) }
    }
}

/// One node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Where it was written.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: NodeKind,
}

/// The kinds of node (`mapping.md 6.1`).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeKind {
    /// A function call.
    Call(Call),
    /// `[name]`.
    Attribute(String),
    /// A quoted text or a bare number.
    Constant(Constant),
    /// A bare word.
    Word(String),
    /// A comparison, as condition of `IIF` and `CBool` only.
    Comparison(Box<Comparison>),
}

/// A function call whose arguments stand at their formal places.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The function.
    pub(super) function: &'static FunctionInfo,
    /// Arguments by place; `None` is omitted.
    pub(super) arguments: Vec<Option<Node>>,
    /// Whether it was written in the function's shorter form, which lacks an optional place.
    pub(super) short: bool,
}

/// A constant text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    /// Its value.
    pub(super) text: String,
    /// Whether it was written as a number: then the parent shows it without quotation marks.
    pub(super) bare: bool,
    /// It as a pattern, once somebody asked.
    pattern: PatternCache,
}

/// A pattern compiled at most once. Plays no part in comparisons: it follows from the text.
#[derive(Debug, Clone, Default)]
struct PatternCache(OnceLock<Result<Box<Pattern>, PatternError>>);

impl PartialEq for PatternCache {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Constant {
    /// A constant; `bare` when it was written as a number.
    pub(super) fn new(text: String, bare: bool) -> Self {
        Self { text, bare, pattern: PatternCache::default() }
    }

    /// Its text as a regular expression.
    pub(super) fn pattern(&self) -> Result<&Pattern, PatternError> {
        let pattern =
            self.pattern.0.get_or_init(|| Pattern::new(&self.text, Anchoring::Anywhere).map(Box::new));
        pattern.as_deref().map_err(PatternError::clone)
    }
}

/// Two values compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    /// Left side.
    pub(super) left: Node,
    /// How they are compared.
    pub(super) operator: Operator,
    /// Right side.
    pub(super) right: Node,
}

/// The comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// All of them, longest text first.
    pub(super) const ALL: [Self; 6] =
        [Self::NotEqual, Self::LessOrEqual, Self::GreaterOrEqual, Self::Equal, Self::Less, Self::Greater];

    /// As written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Call {
    /// The call that decides what an `IIF` or `Switch` gives, if its first argument is one.
    pub(super) fn deciding_call(&self) -> Option<(&Self, Span)> {
        match self.arguments.first() {
            Some(Some(Node { kind: NodeKind::Call(inner), span }))
                if ["IIF", "Switch"].contains(&self.function.name) =>
            {
                Some((inner, *span))
            }
            Some(_) | None => None,
        }
    }

    /// The arguments as they are written, which differs from their places in the short form only.
    pub(super) fn written(&self) -> impl Iterator<Item = Option<&Node>> {
        let short_places = self.function.short_form.filter(|_| self.short);
        self.arguments
            .iter()
            .enumerate()
            .filter(move |(place, _)| short_places.is_none_or(|places| places.contains(place)))
            .map(|(_, argument)| argument.as_ref())
    }
}

impl Node {
    /// The canonical text of this node on its own: a bare number is quoted (`mapping.md 6.12`).
    pub(super) fn canonical(&self) -> String {
        let mut text = String::new();
        match &self.kind {
            NodeKind::Constant(constant) => quote(&constant.text, &mut text),
            NodeKind::Call(_) | NodeKind::Attribute(_) | NodeKind::Word(_) | NodeKind::Comparison(_) => {
                self.write(&mut text);
            }
        }
        text
    }

    /// Appends the text that a parent shows for this node.
    fn write(&self, text: &mut String) {
        match &self.kind {
            NodeKind::Attribute(name) => {
                text.push('[');
                text.push_str(name);
                text.push(']');
            }
            NodeKind::Constant(constant) if constant.bare => text.push_str(&constant.text),
            NodeKind::Constant(constant) => quote(&constant.text, text),
            NodeKind::Word(word) => text.push_str(word),
            NodeKind::Comparison(comparison) => {
                comparison.left.write(text);
                text.push(' ');
                text.push_str(comparison.operator.as_str());
                text.push(' ');
                comparison.right.write(text);
            }
            NodeKind::Call(call) => {
                text.push_str(call.function.name);
                text.push('(');
                for (place, argument) in call.written().enumerate() {
                    if 0 < place {
                        text.push_str(", ");
                    }
                    if let Some(argument) = argument {
                        argument.write(text);
                    }
                }
                text.push(')');
            }
        }
    }

    /// Calls `see` for this node and every node below it, in the order in which they are written.
    pub(super) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match &self.kind {
            NodeKind::Call(call) => call.arguments.iter().flatten().for_each(|argument| argument.visit(see)),
            NodeKind::Comparison(comparison) => {
                comparison.left.visit(see);
                comparison.right.visit(see);
            }
            NodeKind::Attribute(_) | NodeKind::Constant(_) | NodeKind::Word(_) => {}
        }
    }
}

/// Appends `value` as a quoted text, with `\` and `"` escaped.
pub(super) fn quote(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        if matches!(character, '\\' | '"') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}
