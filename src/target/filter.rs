//! Filters (RFC 7644 §3.4.2.2): the text as a tree.

pub(super) mod evaluate;

use super::answer::Refusal;
use super::path::AttributeName;

/// Longest filter, in bytes. Entra's are one comparison (`wire.md 2.2`); whoever sends more gets a 400.
const FILTER_BYTES_MAX: usize = 16 * 1024;

/// How deep parentheses, `not` and brackets may nest. Keeps the recursion of parser and evaluation bounded; one more
/// level is a 400.
const FILTER_DEPTH_MAX: usize = 32;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// All of them; never empty.
    And(Vec<Filter>),
    /// Any of them; never empty.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// `x pr`: has a value.
    Present(Subject),
    /// `x eq "y"` and its like.
    Compare(Subject, Operator, Literal),
}

/// What a condition looks at: an attribute, or with `within` those of its entries that meet a filter
/// (`emails[type eq "work"].value`).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    pub(super) name: AttributeName,
    pub(super) within: Option<Box<Filter>>,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Boolean(bool),
    Null,
}

/// Parses the filter of a query. Errors are answers with `invalidFilter`.
pub(super) fn parse(text: &str) -> Result<Filter, Refusal> {
    Parser::new(text, true)?.whole()
}

/// Parses what stands in the brackets of a path: conditions on sub-attributes, without brackets of their own.
pub(super) fn parse_value_filter(text: &str) -> Result<Filter, Refusal> {
    Parser::new(text, false)?.whole()
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// Attribute names, operators, `true`, numbers.
    Word(String),
    /// A string in quotes, its escapes undone.
    Text(String),
}

struct Parser<'a> {
    text: &'a str,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    brackets_allowed: bool,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, brackets_allowed: bool) -> Result<Self, Refusal> {
        if FILTER_BYTES_MAX < text.len() {
            return Err(Refusal::filter(format!("the filter is longer than {FILTER_BYTES_MAX} bytes")));
        }
        let tokens = tokens(text)?.into_iter().peekable();
        Ok(Self { text, tokens, brackets_allowed, depth: 0 })
    }

    fn whole(mut self) -> Result<Filter, Refusal> {
        let filter = self.or()?;
        match self.tokens.next() {
            None => Ok(filter),
            Some(_) => Err(self.wrong("there is more text behind its end")),
        }
    }

    fn or(&mut self) -> Result<Filter, Refusal> {
        let first = self.and()?;
        let mut all = vec![first];
        while self.take_word("or") {
            all.push(self.and()?);
        }
        Ok(one_or(all, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let first = self.term()?;
        let mut all = vec![first];
        while self.take_word("and") {
            all.push(self.term()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, Refusal> {
        match self.tokens.next() {
            Some(Token::Open) => self.nested(Token::Close),
            Some(Token::Word(word))
                if word.eq_ignore_ascii_case("not") && self.tokens.peek() == Some(&Token::Open) =>
            {
                self.tokens.next();
                self.nested(Token::Close).map(|inner| Filter::Not(Box::new(inner)))
            }
            Some(Token::Word(word)) => self.condition(&word),
            Some(Token::Close | Token::OpenBracket | Token::CloseBracket | Token::Text(_)) | None => {
                Err(self.wrong("an attribute name is missing"))
            }
        }
    }

    fn nested(&mut self, end: Token) -> Result<Filter, Refusal> {
        if self.depth == FILTER_DEPTH_MAX {
            return Err(self.wrong(&format!("it nests deeper than {FILTER_DEPTH_MAX} levels")));
        }
        self.depth += 1;
        let inner = self.or()?;
        self.depth -= 1;
        if self.tokens.next() == Some(end) { Ok(inner) } else { Err(self.wrong("a bracket is not closed")) }
    }

    fn condition(&mut self, word: &str) -> Result<Filter, Refusal> {
        let mut name =
            AttributeName::parse(word).ok_or_else(|| self.wrong(&format!("`{word}` is no attribute")))?;
        let mut within = None;
        if self.tokens.next_if_eq(&Token::OpenBracket).is_some() {
            if !self.brackets_allowed || name.sub.is_some() {
                return Err(self.wrong("brackets stand where they may not"));
            }
            self.brackets_allowed = false;
            within = Some(Box::new(self.nested(Token::CloseBracket)?));
            self.brackets_allowed = true;
            name.sub = self.sub_after_bracket()?;
            if name.sub.is_none() && !self.operator_follows() {
                return Ok(Filter::Present(Subject { name, within }));
            }
        }
        let subject = Subject { name, within };
        let Some(Token::Word(operator)) = self.tokens.next() else {
            return Err(self.wrong("an operator is missing"));
        };
        if operator.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(subject));
        }
        let operator =
            operator_named(&operator).ok_or_else(|| self.wrong(&format!("`{operator}` is no operator")))?;
        let literal = self.literal()?;
        let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if ordered && matches!(literal, Literal::Boolean(_) | Literal::Null) {
            return Err(self.wrong("`true`, `false` and `null` can only be compared with `eq` and `ne`"));
        }
        Ok(Filter::Compare(subject, operator, literal))
    }

    /// `.value` behind a bracket. The grammar of the RFC has no such thing; Entra sends it (`wire.md 2.1`).
    fn sub_after_bracket(&mut self) -> Result<Option<String>, Refusal> {
        let dotted = |token: &Token| matches!(token, Token::Word(word) if word.starts_with('.'));
        let Some(Token::Word(word)) = self.tokens.next_if(dotted) else {
            return Ok(None);
        };
        let name = word.strip_prefix('.').and_then(AttributeName::parse);
        match name {
            Some(AttributeName { schema: None, attribute, sub: None }) => Ok(Some(attribute)),
            Some(_) | None => Err(self.wrong(&format!("`{word}` is no sub-attribute"))),
        }
    }

    fn operator_follows(&mut self) -> bool {
        let is_operator = |word: &str| word.eq_ignore_ascii_case("pr") || operator_named(word).is_some();
        matches!(self.tokens.peek(), Some(Token::Word(word)) if is_operator(word))
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            Some(Token::Word(word)) => match serde_json::from_str::<serde_json::Number>(&word) {
                Ok(number) => {
                    number.as_f64().map(Literal::Number).ok_or_else(|| self.wrong("a number is too large"))
                }
                Err(_) => Err(self.wrong(&format!("`{word}` is no value; text stands in double quotes"))),
            },
            Some(Token::Open | Token::Close | Token::OpenBracket | Token::CloseBracket) | None => {
                Err(self.wrong("a value is missing"))
            }
        }
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        self.tokens
            .next_if(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted)))
            .is_some()
    }

    fn wrong(&self, what: &str) -> Refusal {
        wrong(self.text, what)
    }
}

fn wrong(text: &str, what: &str) -> Refusal {
    Refusal::filter(format!("the filter `{text}` is not understood: {what}"))
}

fn one_or(mut all: Vec<Filter>, several: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            several(all)
        }
    }
}

fn operator_named(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "eq" => Operator::Equal,
        "ne" => Operator::NotEqual,
        "co" => Operator::Contains,
        "sw" => Operator::StartsWith,
        "ew" => Operator::EndsWith,
        "gt" => Operator::Greater,
        "ge" => Operator::GreaterOrEqual,
        "lt" => Operator::Less,
        "le" => Operator::LessOrEqual,
        _ => return None,
    })
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenBracket, 1),
            ']' => (Token::CloseBracket, 1),
            '"' => quoted(rest)
                .ok_or_else(|| wrong(text, "a text in quotes does not end or has a bad escape"))?,
            _ => {
                let stops = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
                let word = rest.split(stops).next().unwrap_or(rest);
                (Token::Word(word.to_owned()), word.len())
            }
        };
        found.push(token);
        rest = rest.get(length..).unwrap_or("").trim_start();
    }
    Ok(found)
}

/// The string at the start of `rest`, which begins with a quote, and its length in bytes. It is a JSON string
/// (RFC 7644 §3.4.2.2).
fn quoted(rest: &str) -> Option<(Token, usize)> {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })?;
    let length = end.saturating_add(1);
    let text: String = serde_json::from_str(rest.get(..length)?).ok()?;
    Some((Token::Text(text), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_tighter_than_or_and_case_does_not_matter() {
        let spelled = parse(r#"(a eq "1" AND b Pr) oR not (c GT 5)"#).unwrap();
        let plain = parse(r#"a eq "1" and b pr or not (c gt 5)"#).unwrap();
        assert_eq!(spelled, plain);
        let Filter::Or(alternatives) = plain else { panic!("an `or` at the top") };
        assert!(matches!(alternatives.as_slice(), [Filter::And(_), Filter::Not(_)]));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let wrong = [
            "",
            " ",
            "userName",
            "userName eq",
            "userName eq bob",
            "userName is \"a\"",
            "eq \"a\"",
            "userName eq \"a",
            "userName eq \"a\" and",
            "and userName pr",
            "(userName pr",
            "userName pr)",
            "emails[type eq \"work\"",
            "emails[]",
            "emails[phones[type pr]]",
            "name.givenName[value pr]",
            "active gt true",
            "title co null",
            "userName eq \"\\x\"",
            "userName pr title pr",
            "emails[type pr].a.b pr",
            "not userName pr",
            "a eq 1e999",
        ];
        for text in wrong {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_has_an_edge() {
        let nested = |levels: usize| format!("{}a pr{}", "(".repeat(levels), ")".repeat(levels));
        assert!(parse(&nested(FILTER_DEPTH_MAX)).is_ok());
        assert!(parse(&nested(FILTER_DEPTH_MAX + 1)).is_err());
    }

    #[test]
    fn length_has_an_edge() {
        let long = |bytes: usize| format!("a eq \"{}\"", "x".repeat(bytes - 7));
        assert!(parse(&long(FILTER_BYTES_MAX)).is_ok());
        assert!(parse(&long(FILTER_BYTES_MAX + 1)).is_err());
    }
}
