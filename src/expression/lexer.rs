//! Text into tokens (`mapping.md 6.1 and 6.2`). Never fails: what it can not read becomes a mistake and a token.

use super::error::ParseError;
use super::node::{Operator, Span};

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Where.
    pub(super) span: Span,
    /// What.
    pub(super) kind: TokenKind,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A function's name or a word.
    Name(String),
    /// `[name]`, without its brackets.
    Attribute(String),
    /// A quoted text, unescaped.
    Text(String),
    /// A number, as decimal text.
    Number(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// A comparison operator.
    Operator(Operator),
    /// A character that begins no token.
    Stray(char),
}

/// What the lexer made of a text.
pub(super) struct Lexed {
    /// The tokens, in order.
    pub(super) tokens: Vec<Token>,
    /// The mistakes, in order.
    pub(super) errors: Vec<ParseError>,
    /// Whether a text or bracket swallowed the rest, so that what is missing after it is no news.
    pub(super) unterminated: bool,
}

/// Splits `text` into tokens. With `drop_lone_backslash`, a backslash before a character other than `\` and `"`
/// vanishes (OQ-7).
pub(super) fn lex(text: &str, drop_lone_backslash: bool) -> Lexed {
    let mut lexer = Lexer {
        rest: text,
        position: 0,
        drop_lone_backslash,
        lexed: Lexed { tokens: Vec::new(), errors: Vec::new(), unterminated: false },
    };
    while let Some(first) = lexer.next() {
        lexer.token(first);
    }
    lexer.lexed
}

struct Lexer<'t> {
    rest: &'t str,
    position: usize,
    drop_lone_backslash: bool,
    lexed: Lexed,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next()?;
        self.rest = characters.as_str();
        self.position = self.position.saturating_add(1);
        Some(next)
    }

    /// Takes characters as long as they please `belongs`.
    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(character) = self.peek().filter(|character| belongs(*character)) {
            taken.push(character);
            self.next();
        }
        taken
    }

    fn span_from(&self, start: usize) -> Span {
        Span { start, length: self.position.saturating_sub(start) }
    }

    fn error(&mut self, start: usize, message: impl Into<String>) {
        let Span { start, length } = self.span_from(start);
        self.lexed.errors.push(ParseError { message: message.into(), start, length });
    }

    /// Reads the token that begins with `first`, which has been taken.
    fn token(&mut self, first: char) {
        let start = self.position.saturating_sub(1);
        let kind = match first {
            ' ' | '\t' | '\r' | '\n' => return,
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            ',' => TokenKind::Comma,
            '"' => self.quoted(start),
            '[' => self.attribute(start),
            '<' | '>' | '=' => TokenKind::Operator(self.operator(first)),
            '&' => self.hexadecimal(start),
            '-' if self.peek().is_some_and(|next| next.is_ascii_digit()) => self.number("-"),
            '0'..='9' => self.number(first.encode_utf8(&mut [0; 4])),
            _ if first.is_alphabetic() => {
                let tail = self.take_while(|next| next.is_alphanumeric() || next == '_');
                TokenKind::Name(format!("{first}{tail}"))
            }
            _ => {
                self.error(start, format!("unexpected character `{first}`"));
                TokenKind::Stray(first)
            }
        };
        self.lexed.tokens.push(Token { span: self.span_from(start), kind });
    }

    fn quoted(&mut self, start: usize) -> TokenKind {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return TokenKind::Text(text),
                Some('\\') => match self.peek() {
                    Some(escaped @ ('\\' | '"')) => {
                        text.push(escaped);
                        self.next();
                    }
                    Some(_) | None if self.drop_lone_backslash => {}
                    Some(_) | None => text.push('\\'),
                },
                Some(character) => text.push(character),
                None => {
                    self.error(start, "the text has no closing quotation mark");
                    self.lexed.unterminated = true;
                    return TokenKind::Text(text);
                }
            }
        }
    }

    fn attribute(&mut self, start: usize) -> TokenKind {
        let mut name = String::new();
        let mut open: usize = 1;
        while let Some(character) = self.next() {
            match character {
                '[' => open = open.saturating_add(1),
                ']' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                if name.is_empty() {
                    self.error(start, "the attribute has no name");
                }
                return TokenKind::Attribute(name);
            }
            name.push(character);
        }
        self.error(start, "the attribute has no closing bracket");
        self.lexed.unterminated = true;
        TokenKind::Attribute(name)
    }

    fn operator(&mut self, first: char) -> Operator {
        let second = self.peek();
        let found = Operator::ALL.into_iter().find(|operator| {
            let mut characters = operator.as_str().chars();
            characters.next() == Some(first) && characters.next().is_none_or(|wanted| second == Some(wanted))
        });
        let operator = found.unwrap_or(Operator::Equal);
        if 1 < operator.as_str().len() {
            self.next();
        }
        operator
    }

    fn number(&mut self, first: &str) -> TokenKind {
        let mut text = first.to_owned();
        text.push_str(&self.take_while(|next| next.is_ascii_digit()));
        if self.peek() == Some('.') {
            self.next();
            text.push('.');
            text.push_str(&self.take_while(|next| next.is_ascii_digit()));
        }
        TokenKind::Number(text)
    }

    /// `&H` and up to 16 hexadecimal digits: 64 bits in two's complement.
    fn hexadecimal(&mut self, start: usize) -> TokenKind {
        if self.peek() != Some('H') {
            self.error(start, "unexpected character `&`; texts are joined with `Join` or `Append`");
            return TokenKind::Stray('&');
        }
        self.next();
        let digits = self.take_while(|next| next.is_ascii_hexdigit());
        let value = u64::from_str_radix(&digits, 16).unwrap_or_else(|_| {
            self.error(start, "`&H` takes 1 to 16 hexadecimal digits");
            0
        });
        TokenKind::Number(value.cast_signed().to_string())
    }
}
