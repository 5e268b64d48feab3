//! Entra's expression language (`mapping.md 6 and 7`): lexer, parser, values, evaluation, one table of functions.
//! Pure: the time, randomness and attribute values are passed in.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use scimulator::expression::{AttributeValue, Environment, Expression, Outcome, ParseOptions, Random, Switches, Value};
//!
//! let expression = Expression::parse(r#"Join(" ", [givenName], [surname])"#, &ParseOptions::default()).unwrap();
//! let source = BTreeMap::from([
//!     ("givenName".to_owned(), AttributeValue::Text("Grace".to_owned())),
//!     ("surname".to_owned(), AttributeValue::Text("Hopper".to_owned())),
//! ]);
//! let switches = Switches::default();
//! let mut environment = Environment::new("2026-08-01T00:00:00Z".parse().unwrap(), Random::seeded(1), &switches);
//! let outcome = expression.evaluate(&source, &mut environment).unwrap();
//! assert_eq!(outcome, Outcome::Value(Value::Text("Grace Hopper".to_owned())));
//! ```

mod catalogue;
pub(crate) mod dotnet;
mod error;
mod evaluate;
#[expect(clippy::unnecessary_wraps, reason = "every function has the signature that the catalogue holds")]
mod functions;
mod json;
mod lexer;
pub mod limits;
mod node;
mod parser;
mod random;
mod switches;
mod value;

use serde::{Deserialize, Serialize};

pub use catalogue::{FunctionInfo, ParameterInfo, ParameterKind, catalogue};
pub use error::{EvaluationError, ParseError, ParseWarning};
pub use evaluate::{Environment, LOG_TEXT_REDACTED, Trace, TraceEntry};
pub use random::Random;
pub use switches::{
    DateDifference, GroupReplacement, MidRange, NullArguments, NullComparison, RandomImpossible,
    ReplaceOrder, RoleNone, RoleSeveral, RoleText, Switches,
};
pub use value::{Outcome, Value};

use node::{Node, NodeKind};

/// A source attribute's value. There is no null: an absent attribute has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// One text; booleans are `True` and `False`.
    Text(String),
    /// Several texts, in order.
    List(Vec<String>),
    /// `appRoleAssignments`: the roles of the object for this application.
    Roles(Vec<AppRole>),
}

/// One assigned app role (`mapping.md 8`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppRole {
    /// The role's id, a GUID.
    pub id: String,
    /// The role's value.
    pub value: String,
    /// The role's display name.
    pub display_name: String,
}

/// Where an expression finds the attributes of the object at hand.
pub trait Attributes {
    /// The value of the attribute of exactly this name (case matters, OQ-25); `None` is null.
    fn attribute(&self, name: &str) -> Option<&AttributeValue>;
}

impl Attributes for std::collections::BTreeMap<String, AttributeValue> {
    fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.get(name)
    }
}

/// What the parser is told beside the text.
#[derive(Clone, Copy, Default)]
pub struct ParseOptions<'a> {
    /// Whether the source object defines an attribute of exactly this name. When given, other names are errors
    /// (OQ-25); when `None`, unknown attributes evaluate to null.
    pub known_attributes: Option<&'a dyn Fn(&str) -> bool>,
    /// Whether the nine functions of `mapping.md 7.45` are known (OQ-26).
    pub adjacent_functions: bool,
    /// Whether function names match in any letter case (OQ-33). Words and attribute names never do.
    pub any_function_case: bool,
    /// Whether a backslash before a character other than `\` and `"` is dropped (OQ-7). Otherwise both stay.
    pub drop_lone_backslash: bool,
}

/// A parsed expression: immutable, evaluated any number of times, from any thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
}

impl Expression {
    /// Parses `text`. On failure returns every mistake found, in order of position, at most
    /// [`limits::PARSE_ERRORS_MAX`] (`mapping.md 6.1 to 6.3`).
    pub fn parse(text: &str, options: &ParseOptions<'_>) -> Result<Self, Vec<ParseError>> {
        Ok(Self { root: parser::parse(text, options)?, text: text.to_owned() })
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as the service writes it back: one blank after each comma, omitted arguments as empty places
    /// (`mapping.md 6.12`).
    pub fn canonical(&self) -> String {
        self.root.canonical()
    }

    /// Names of the attributes it reads, in order of first use, each once.
    pub fn attributes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.visit(&mut |node| {
            if let NodeKind::Attribute(name) = &node.kind
                && !names.contains(&name.as_str())
            {
                names.push(name.as_str());
            }
        });
        names
    }

    /// Names of the functions it calls, in order of first use, each once.
    pub fn functions(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        self.root.visit(&mut |node| {
            if let NodeKind::Call(call) = &node.kind
                && !names.contains(&call.function.name)
            {
                names.push(call.function.name);
            }
        });
        names
    }

    /// Uses of `IsNull`, `IsNullOrEmpty`, `IsPresent` and `Not` as condition of `IIF` or source of `Switch`. They work
    /// (OQ-5), but the reference calls them unsupported there; a strict setting reports them.
    pub fn strict_warnings(&self) -> Vec<ParseWarning> {
        let mut warnings = Vec::new();
        self.root.visit(&mut |node| {
            if let NodeKind::Call(outer) = &node.kind
                && let Some((inner, span)) = outer.deciding_call()
                && ["IsNull", "IsNullOrEmpty", "IsPresent", "Not"].contains(&inner.function.name)
            {
                let (inner, outer) = (inner.function.name, outer.function.name);
                let message = format!("`{inner}` is not supported as the first argument of `{outer}`");
                warnings.push(ParseWarning { message, start: span.start, length: span.length });
            }
        });
        warnings
    }

    /// Names of the attributes whose values pass through `Redact`, which logs must not show (`mapping.md 7.34`).
    pub fn redacted_attributes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.visit(&mut |node| {
            if let NodeKind::Call(call) = &node.kind
                && call.function.name == "Redact"
            {
                node.visit(&mut |inner| {
                    if let NodeKind::Attribute(name) = &inner.kind {
                        names.push(name.as_str());
                    }
                });
            }
        });
        names
    }

    /// Names of the attributes that are the source of a `Switch`, which must not be references (`mapping.md 5.7`).
    pub fn switch_source_attributes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.visit(&mut |node| {
            if let NodeKind::Call(call) = &node.kind
                && call.function.name == "Switch"
                && let Some(Some(Node { kind: NodeKind::Attribute(name), .. })) = call.arguments.first()
            {
                names.push(name.as_str());
            }
        });
        names
    }

    /// The `attributeMappingSource` object of Graph: type, name, canonical text and parameters (`mapping.md 6.12`).
    pub fn to_graph_json(&self) -> serde_json::Value {
        json::to_json(&self.root)
    }

    /// Reads an `attributeMappingSource` object: its `expression` decides; without one the text is rebuilt from the
    /// tree (`mapping.md 10`). Mistakes in the tree have no place and stand at 0.
    pub fn from_graph_json(
        source: &serde_json::Value,
        options: &ParseOptions<'_>,
    ) -> Result<Self, Vec<ParseError>> {
        let text = json::text_of(source, options).map_err(|error| vec![error])?;
        Self::parse(&text, options)
    }

    /// The value for the object `source`.
    ///
    /// `Err` stops the export of the whole object (`mapping.md 1.3`); its text is what provisioning logs show.
    pub fn evaluate(
        &self,
        source: &dyn Attributes,
        environment: &mut Environment<'_>,
    ) -> Result<Outcome, EvaluationError> {
        evaluate::evaluate(&self.root, source, environment)
    }
}
