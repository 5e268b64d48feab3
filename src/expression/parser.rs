//! Tokens into a tree, with the static checks of `mapping.md 6.3`. Goes on after a mistake and reports all it finds.

use super::ParseOptions;
use super::catalogue::{self, Arity, FunctionInfo, ParameterKind};
use super::error::ParseError;
use super::lexer::{Lexed, Token, TokenKind, lex};
use super::limits::{EXPRESSION_CHARACTERS_MAX, NESTING_MAX, PARSE_ERRORS_MAX};
use super::node::{Call, Comparison, Constant, Node, NodeKind, Span};
use crate::diagnostic::did_you_mean;

/// The words that end a flow instead of giving a value; they may stand wherever a branch may.
pub(super) const IGNORE_WORDS: [&str; 2] = ["IgnoreAttributeFlow", "IgnoreObjectFlow"];

/// Whether `word` is one that may stand bare as an argument somewhere.
pub(super) fn is_word(word: &str) -> bool {
    let of_parameters = || catalogue::catalogue().iter().flat_map(|function| function.parameters);
    IGNORE_WORDS.contains(&word) || of_parameters().any(|parameter| parameter.words.contains(&word))
}

/// The tree of `text`, or every mistake found in it.
pub(super) fn parse(text: &str, options: &ParseOptions<'_>) -> Result<Node, Vec<ParseError>> {
    let characters = text.chars().count();
    if EXPRESSION_CHARACTERS_MAX < characters {
        let length = characters.saturating_sub(EXPRESSION_CHARACTERS_MAX);
        let message = format!(
            "the expression has {characters} characters; at most {EXPRESSION_CHARACTERS_MAX} are allowed"
        );
        return Err(vec![ParseError { message, start: EXPRESSION_CHARACTERS_MAX, length }]);
    }
    let Lexed { tokens, errors, unterminated } = lex(text, options.drop_lone_backslash);
    let end = Span { start: characters, length: 0 };
    let mut parser = Parser { tokens: &tokens, end, options, errors, unterminated };
    let root = parser.expression();
    let mut errors = parser.errors;
    errors.sort_by_key(|error| error.start);
    errors.truncate(PARSE_ERRORS_MAX);
    match root {
        Some(root) if errors.is_empty() => Ok(root),
        Some(_) | None => Err(errors),
    }
}

struct Parser<'t, 'o> {
    tokens: &'t [Token],
    end: Span,
    options: &'o ParseOptions<'o>,
    errors: Vec<ParseError>,
    unterminated: bool,
}

/// An argument place as written: empty, readable, or a mistake already reported.
enum Argument {
    Omitted,
    Given(Node),
    Broken,
}

/// What may stand in an argument place beside a value.
#[derive(Clone, Copy)]
struct Place {
    comparison: bool,
    words: &'static [&'static str],
}

impl<'t> Parser<'t, '_> {
    fn peek(&self) -> Option<&'t TokenKind> {
        self.tokens.first().map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Where the next token stands, or the end of the text.
    fn here(&self) -> Span {
        self.tokens.first().map_or(self.end, |token| token.span)
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        // A text without its end swallows what follows; complaining about that as well would mislead.
        let follows = self.unterminated && span.start == self.end.start;
        // The lexer has spoken about stray characters.
        let known = self.errors.iter().any(|error| error.start == span.start);
        if !follows && !known {
            self.errors.push(ParseError { message: message.into(), start: span.start, length: span.length });
        }
    }

    fn expression(&mut self) -> Option<Node> {
        if self.tokens.is_empty() && self.errors.is_empty() {
            self.error(self.end, "the expression is empty");
            return None;
        }
        let root = self.value(0, false);
        if let Some(token) = self.tokens.first() {
            let (span, message) = if matches!(token.kind, TokenKind::Operator(_)) {
                (token.span, "a comparison may stand only as first argument of `IIF` or `CBool`")
            } else {
                (token.span.to(self.last()), "unexpected text after the end of the expression")
            };
            self.error(span, message);
        }
        root
    }

    fn last(&self) -> Span {
        self.tokens.last().map_or(self.end, |token| token.span)
    }

    /// A call, attribute or constant; `None` when there is none, which is then reported and skipped.
    /// `nested` says whether it is an argument.
    fn value(&mut self, depth: usize, nested: bool) -> Option<Node> {
        let Some(token) = self.next() else {
            self.error(self.end, "expected a function, an attribute or a text");
            return None;
        };
        let span = token.span;
        let kind = match &token.kind {
            TokenKind::Attribute(name) => {
                if self.options.known_attributes.is_some_and(|known| !known(name)) {
                    self.error(span, format!("the source object has no attribute `{name}`"));
                }
                NodeKind::Attribute(name.clone())
            }
            TokenKind::Text(text) => NodeKind::Constant(Constant::new(text.clone(), false)),
            TokenKind::Number(text) => NodeKind::Constant(Constant::new(text.clone(), true)),
            TokenKind::Name(name) if self.peek() == Some(&TokenKind::Open) => {
                return self.call(name, span, depth, nested);
            }
            TokenKind::Name(name) => {
                self.error(
                    span,
                    format!(
                        "`{name}` is no value; write `[{name}]` for an attribute, `\"{name}\"` for a text"
                    ),
                );
                return None;
            }
            TokenKind::Open
            | TokenKind::Close
            | TokenKind::Comma
            | TokenKind::Operator(_)
            | TokenKind::Stray(_) => {
                self.error(span, "expected a function, an attribute or a text");
                return None;
            }
        };
        Some(Node { span, kind })
    }

    /// The call of `name`, whose opening parenthesis comes next.
    fn call(&mut self, name: &str, name_span: Span, depth: usize, nested: bool) -> Option<Node> {
        if NESTING_MAX <= depth {
            self.error(name_span, format!("functions are nested deeper than {NESTING_MAX} levels"));
            self.next();
            self.skip_to_close();
            self.next();
            return None;
        }
        let function = catalogue::find(name, self.options);
        if function.is_none() {
            self.unknown_function(name, name_span);
        }
        self.next();
        let arguments = self.arguments(function, depth);
        let close = self.here();
        if self.peek() != Some(&TokenKind::Close) {
            // How many arguments there would be is not known.
            self.error(close, format!("expected `)` to close `{name}(`"));
            return None;
        }
        self.next();
        let function = function?;
        let span = name_span.to(close);
        if nested && function.top_level_only {
            self.error(name_span, format!("`{}` may not stand inside another function", function.name));
        }
        self.checked(function, arguments, name_span).map(|(arguments, short)| Node {
            span,
            kind: NodeKind::Call(Call { function, arguments, short }),
        })
    }

    fn unknown_function(&mut self, name: &str, span: Span) {
        let names = catalogue::catalogue()
            .iter()
            .filter(|function| self.options.adjacent_functions || !function.adjacent);
        let near = did_you_mean(name, names.map(|function| function.name));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.error(span, format!("unknown function `{name}`{hint}"));
    }

    /// The arguments up to the closing parenthesis, which is left.
    fn arguments(&mut self, function: Option<&'static FunctionInfo>, depth: usize) -> Vec<Argument> {
        let mut arguments = Vec::new();
        if self.peek() == Some(&TokenKind::Close) {
            return arguments;
        }
        loop {
            let place = function.map_or(Place { comparison: true, words: &IGNORE_WORDS }, |function| {
                let parameter = function.parameter(arguments.len());
                Place {
                    comparison: parameter.is_some_and(|parameter| parameter.kind == ParameterKind::Condition),
                    words: parameter.map_or(&IGNORE_WORDS, |parameter| parameter.words),
                }
            });
            arguments.push(self.argument(place, depth));
            if !matches!(self.peek(), Some(TokenKind::Comma | TokenKind::Close) | None) {
                self.error(self.here(), "expected `,` or `)`");
                self.skip_to_separator();
            }
            if self.peek() != Some(&TokenKind::Comma) {
                return arguments;
            }
            self.next();
        }
    }

    fn argument(&mut self, place: Place, depth: usize) -> Argument {
        let calls = self.tokens.get(1).is_some_and(|token| token.kind == TokenKind::Open);
        let left = match self.tokens.first().map(|token| (&token.kind, token.span)) {
            None | Some((TokenKind::Comma | TokenKind::Close, _)) => return Argument::Omitted,
            Some((TokenKind::Name(word), span))
                if !calls
                    && (place.words.contains(&word.as_str()) || IGNORE_WORDS.contains(&word.as_str())) =>
            {
                self.next();
                Some(Node { span, kind: NodeKind::Word(word.clone()) })
            }
            Some(_) => self.value(depth.saturating_add(1), true),
        };
        let Some(TokenKind::Operator(operator)) = self.peek() else {
            return left.map_or(Argument::Broken, Argument::Given);
        };
        let operator_span = self.here();
        self.next();
        if !place.comparison {
            self.error(operator_span, "a comparison may stand only as first argument of `IIF` or `CBool`");
        }
        let right = self.value(depth.saturating_add(1), true);
        match (left, right) {
            (Some(left), Some(right)) => {
                let span = left.span.to(right.span);
                let comparison = Comparison { left, operator: *operator, right };
                Argument::Given(Node { span, kind: NodeKind::Comparison(Box::new(comparison)) })
            }
            (Some(_) | None, None) | (None, Some(_)) => Argument::Broken,
        }
    }

    /// Skips to the next `,` or `)` of this call.
    fn skip_to_separator(&mut self) {
        let mut open: usize = 0;
        while let Some(kind) = self.peek() {
            if open == 0 && matches!(kind, TokenKind::Comma | TokenKind::Close) {
                return;
            }
            if *kind == TokenKind::Open {
                open = open.saturating_add(1);
            } else if *kind == TokenKind::Close {
                open = open.saturating_sub(1);
            }
            self.next();
        }
    }

    /// Skips to the `)` of this call, over whatever stands between.
    fn skip_to_close(&mut self) {
        self.skip_to_separator();
        while self.peek() == Some(&TokenKind::Comma) {
            self.next();
            self.skip_to_separator();
        }
    }

    /// The arguments at their formal places, and whether they were written in the short form; `None` when their
    /// number is wrong or one is broken.
    fn checked(
        &mut self,
        function: &'static FunctionInfo,
        mut written: Vec<Argument>,
        name_span: Span,
    ) -> Option<(Vec<Option<Node>>, bool)> {
        let short = short_places(function, &written);
        if let Some(places) = short {
            let mut spread: Vec<Argument> = function.parameters.iter().map(|_| Argument::Omitted).collect();
            for (argument, place) in written.into_iter().zip(places) {
                if let Some(slot) = spread.get_mut(*place) {
                    *slot = argument;
                }
            }
            written = spread;
        }
        let name = function.name;
        let least = function.arguments_min();
        match function.arity {
            Arity::Formal => {
                let most = function.parameters.len();
                while most < written.len() && matches!(written.last(), Some(Argument::Omitted)) {
                    written.pop();
                }
                if most < written.len() {
                    let given = written.len();
                    self.error(name_span, format!("`{name}` takes {}, not {given}", count(most)));
                }
            }
            Arity::Repeating { .. } => {
                while least < written.len() && matches!(written.last(), Some(Argument::Omitted)) {
                    written.pop();
                }
            }
            Arity::Pairs => {
                if !written.len().is_multiple_of(2) {
                    let given = written.len();
                    let message = format!(
                        "`{name}` takes keys and values in pairs after its first two arguments, not {}",
                        count(given)
                    );
                    self.error(name_span, message);
                }
            }
        }
        if written.len() < least {
            let given = written.len();
            self.error(name_span, format!("`{name}` takes at least {}, not {given}", count(least)));
        } else {
            for (place, argument) in written.iter().enumerate() {
                let parameter = function.parameter(place).filter(|parameter| parameter.required);
                if let (Argument::Omitted, Some(parameter)) = (argument, parameter) {
                    self.error(
                        name_span,
                        format!(
                            "`{name}` needs its argument {} (`{}`)",
                            place.saturating_add(1),
                            parameter.key
                        ),
                    );
                }
            }
        }
        let arguments: Option<Vec<Option<Node>>> = written
            .into_iter()
            .map(|argument| match argument {
                Argument::Omitted => Some(None),
                Argument::Given(node) => Some(Some(node)),
                Argument::Broken => None,
            })
            .collect();
        Some((arguments?, short.is_some()))
    }
}

/// The places of the short form when exactly that many arguments are all given and the second, which takes the
/// place of a list of style names, is none.
fn short_places(function: &FunctionInfo, written: &[Argument]) -> Option<&'static [usize]> {
    let places = function.short_form?;
    let all_given = written.iter().all(|argument| !matches!(argument, Argument::Omitted));
    let second_names_styles = match written.get(1) {
        Some(Argument::Given(Node { kind: NodeKind::Constant(constant), .. })) => {
            function.names_styles.is_some_and(|names_styles| names_styles(&constant.text))
        }
        Some(_) | None => false,
    };
    (written.len() == places.len() && all_given && !second_names_styles).then_some(places)
}

fn count(arguments: usize) -> String {
    match arguments {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}
