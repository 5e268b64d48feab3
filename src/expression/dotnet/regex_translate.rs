//! .NET pattern text into the syntax of the engine.
//!
//! Everything whose meaning differs is spelt out: options are resolved here except letter case, groups become
//! unnamed and are numbered by .NET's rules beside the pattern, punctuation becomes code points. Groups nest through
//! a list, not through recursion, so that depth can not exhaust the stack.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::regex::PatternError;

/// A translated pattern.
pub(super) struct Translation {
    /// In the syntax of the engine.
    pub(super) pattern: String,
    /// .NET's group numbers, each with the engine's groups that share it.
    pub(super) slots: BTreeMap<u32, Vec<usize>>,
    /// Numbers of named groups.
    pub(super) names: BTreeMap<String, u32>,
}

/// End of the text, also before a final line feed.
const END: &str = "(?=\\n?\\z)";
/// What .NET's `\w` holds, as items of a class.
pub(super) const WORD: &str = "\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}";

/// Translates `pattern`, or says why .NET would refuse it or this engine can not run it.
pub(super) fn translate(pattern: &str) -> Result<Translation, PatternError> {
    // The first pass finds the groups, whose number decides what `\10` or a forward reference means in the second.
    let mut scan = Translator::new(pattern, None);
    scan.run()?;
    let numbering = Numbering::of(&scan.groups);
    let mut translator = Translator::new(pattern, Some(&numbering));
    translator.run()?;
    let pattern = translator.out;
    Ok(Translation { pattern, slots: numbering.slots, names: numbering.names })
}

/// Group numbers: unnamed groups first, from left to right, then named ones.
struct Numbering {
    slots: BTreeMap<u32, Vec<usize>>,
    names: BTreeMap<String, u32>,
}

impl Numbering {
    /// `groups` holds the name of each group in order of its opening parenthesis.
    fn of(groups: &[Option<String>]) -> Self {
        let mut slots: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        let mut unnamed: u32 = 0;
        for (index, name) in (1..).zip(groups) {
            let number = match name {
                None => {
                    unnamed = unnamed.saturating_add(1);
                    Some(unnamed)
                }
                Some(name) => name.parse().ok(),
            };
            if let Some(number) = number {
                slots.entry(number).or_default().push(index);
            }
        }
        let mut next = unnamed;
        for (index, name) in (1..).zip(groups) {
            let Some(name) = name.as_ref().filter(|name| name.parse::<u32>().is_err()) else {
                continue;
            };
            let number = *names.entry(name.clone()).or_insert_with(|| {
                next = next.saturating_add(1);
                while slots.contains_key(&next) {
                    next = next.saturating_add(1);
                }
                next
            });
            slots.entry(number).or_default().push(index);
        }
        Self { slots, names }
    }

    fn indices(&self, name: &str) -> Option<&[usize]> {
        let number = self.names.get(name).copied().or_else(|| name.parse().ok())?;
        self.slots.get(&number).map(Vec::as_slice)
    }
}

/// The inline options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Options {
    ignore_case: bool,
    multiline: bool,
    explicit_capture: bool,
    single_line: bool,
    ignore_blanks: bool,
}

/// An open group: the options to return to, and what closes it.
struct Frame {
    options: Options,
    closing: &'static str,
}

/// What a quantifier would apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Atom,
    Quantifier,
}

/// A translation under way.
pub(super) struct Translator<'n> {
    pattern: Vec<char>,
    at: usize,
    out: String,
    options: Options,
    frames: Vec<Frame>,
    before: Before,
    /// Names of the capturing groups met so far; `None` is unnamed.
    groups: Vec<Option<String>>,
    /// `None` while the groups are being found.
    numbering: Option<&'n Numbering>,
}

pub(super) fn error<T>(message: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError(format!("the regular expression is not valid: {}", message.into())))
}

impl<'n> Translator<'n> {
    fn new(pattern: &str, numbering: Option<&'n Numbering>) -> Self {
        Self {
            pattern: pattern.chars().collect(),
            at: 0,
            out: String::new(),
            options: Options {
                ignore_case: false,
                multiline: false,
                explicit_capture: false,
                single_line: false,
                ignore_blanks: false,
            },
            frames: Vec::new(),
            before: Before::Nothing,
            groups: Vec::new(),
            numbering,
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at.saturating_add(ahead)).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(next)
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn take_text(&mut self, wanted: &str) -> bool {
        let found = wanted.chars().enumerate().all(|(ahead, wanted)| self.peek_at(ahead) == Some(wanted));
        if found {
            self.at = self.at.saturating_add(wanted.chars().count());
        }
        found
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.before = Before::Atom;
    }

    fn run(&mut self) -> Result<(), PatternError> {
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape()?,
                '[' => {
                    let class = self.class(0)?;
                    self.atom(&class);
                }
                '(' => self.open()?,
                ')' => {
                    let Some(frame) = self.frames.pop() else {
                        return error("a `)` closes nothing");
                    };
                    self.options = frame.options;
                    self.atom(frame.closing);
                }
                '|' => {
                    self.out.push('|');
                    self.before = Before::Nothing;
                }
                '^' => self.atom(if self.options.multiline { "(?m:^)" } else { "\\A" }),
                '$' => self.atom(if self.options.multiline { "(?m:$)" } else { END }),
                '.' => self.atom(if self.options.single_line { "(?s:.)" } else { "[^\\n]" }),
                '*' | '+' | '?' => self.quantifier(character.encode_utf8(&mut [0; 4]))?,
                '{' => match self.counted() {
                    Some(quantifier) => self.quantifier(&quantifier)?,
                    None => self.literal('{'),
                },
                '#' if self.options.ignore_blanks => while self.next().is_some_and(|next| next != '\n') {},
                _ if self.options.ignore_blanks && character.is_whitespace() => {}
                _ => self.literal(character),
            }
        }
        if self.frames.is_empty() { Ok(()) } else { error("a `(` is not closed") }
    }

    fn literal(&mut self, character: char) {
        let mut text = String::new();
        push_literal(character, &mut text);
        self.atom(&text);
    }

    /// The rest of `{n}`, `{n,}` or `{n,m}`; `None` when the brace is an ordinary character.
    fn counted(&mut self) -> Option<String> {
        let rest = self.pattern.get(self.at..)?;
        let length = rest.iter().position(|character| *character == '}')?;
        let body: String = rest.get(..length)?.iter().collect();
        let (least, most) = body.split_once(',').unwrap_or((&body, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if least.is_empty() || !digits(least) || !digits(most) {
            return None;
        }
        self.at = self.at.saturating_add(length).saturating_add(1);
        Some(format!("{{{body}}}"))
    }

    fn quantifier(&mut self, quantifier: &str) -> Result<(), PatternError> {
        match self.before {
            Before::Nothing => return error(format!("the quantifier `{quantifier}` follows nothing")),
            Before::Quantifier => return error(format!("the quantifier `{quantifier}` follows another one")),
            Before::Atom => {}
        }
        self.out.push_str(quantifier);
        if self.take('?') {
            self.out.push('?');
        }
        self.before = Before::Quantifier;
        Ok(())
    }

    fn push_frame(&mut self, opening: &str, closing: &'static str) {
        self.out.push_str(opening);
        self.frames.push(Frame { options: self.options, closing });
        self.before = Before::Nothing;
    }

    fn capture(&mut self, name: Option<String>, closing: &'static str) {
        self.groups.push(name);
        self.push_frame("(", closing);
    }

    /// What follows an opening parenthesis.
    fn open(&mut self) -> Result<(), PatternError> {
        if !self.take('?') {
            if self.options.explicit_capture {
                self.push_frame("(?:", ")");
            } else {
                self.capture(None, ")");
            }
            return Ok(());
        }
        self.special(")")
    }

    /// What follows `(?`; the group ends with `closing`.
    fn special(&mut self, closing: &'static str) -> Result<(), PatternError> {
        for opening in [":", "=", "!", ">", "<=", "<!"] {
            if self.take_text(opening) {
                self.push_frame(&format!("(?{opening}"), closing);
                return Ok(());
            }
        }
        match self.next() {
            Some('<') => {
                let name = self.group_name('>')?;
                self.capture(Some(name), closing);
                Ok(())
            }
            Some('\'') => {
                let name = self.group_name('\'')?;
                self.capture(Some(name), closing);
                Ok(())
            }
            Some('#') => {
                while let Some(next) = self.next() {
                    if next == ')' {
                        return Ok(());
                    }
                }
                error("a comment is not closed")
            }
            Some('(') => self.condition(),
            Some(first) => self.inline_options(first, closing),
            None => error("`(?` is not complete"),
        }
    }

    /// A name of a group up to `end`.
    fn group_name(&mut self, end: char) -> Result<String, PatternError> {
        let mut name = String::new();
        while let Some(next) = self.next() {
            if next == end {
                let first_is_digit = name.starts_with(|first: char| first.is_ascii_digit());
                let number = name.parse::<u32>().is_ok_and(|number| 0 < number);
                return if name.is_empty() || (first_is_digit && !number) {
                    error("a group's name must be a word or a number above 0")
                } else {
                    Ok(name)
                };
            }
            if next == '-' {
                return Err(PatternError("balancing groups are not supported".to_owned()));
            }
            if !is_word(next) {
                break;
            }
            name.push(next);
        }
        error("the name of a group is not valid")
    }

    /// What follows `(?(`: a group's name or number, or an expression that is looked ahead for.
    fn condition(&mut self) -> Result<(), PatternError> {
        let rest = self.pattern.get(self.at..).unwrap_or_default();
        let name: String = rest.iter().take_while(|character| is_word(**character)).collect();
        let length = name.chars().count();
        let closed = self.peek_at(length) == Some(')');
        let group = match self.numbering {
            Some(numbering) => numbering.indices(&name).and_then(<[usize]>::last).copied(),
            // In the first pass any word will do: nothing depends on it.
            None => (!name.is_empty()).then_some(0),
        };
        if let Some(index) = group.filter(|_| closed) {
            self.at = self.at.saturating_add(length).saturating_add(1);
            self.push_frame(&format!("(?({index})"), ")");
            return Ok(());
        }
        self.push_frame("(?(", ")");
        if self.take('?') {
            return self.special("))");
        }
        self.push_frame("(?=", "))");
        Ok(())
    }

    /// `(?imnsx-imnsx)` for the rest of the group, or `(?imnsx-imnsx:` for a group of its own.
    fn inline_options(&mut self, first: char, closing: &'static str) -> Result<(), PatternError> {
        let mut options = self.options;
        let mut on = true;
        let mut next = Some(first);
        loop {
            match next {
                Some('i') => options.ignore_case = on,
                Some('m') => options.multiline = on,
                Some('n') => options.explicit_capture = on,
                Some('s') => options.single_line = on,
                Some('x') => options.ignore_blanks = on,
                Some('-') => on = false,
                Some('+') => on = true,
                Some(end @ (')' | ':')) => {
                    let case = if options.ignore_case { "i" } else { "-i" };
                    if end == ':' {
                        self.push_frame(&format!("(?{case}:"), closing);
                    } else {
                        self.out.extend(["(?", case, ")"]);
                        self.before = Before::Nothing;
                    }
                    self.options = options;
                    return Ok(());
                }
                Some(_) | None => return error("unknown construct after `(?`"),
            }
            next = self.next();
        }
    }

    /// An escape outside a class.
    fn escape(&mut self) -> Result<(), PatternError> {
        let Some(character) = self.next() else {
            return error("a backslash ends the pattern");
        };
        match character {
            'd' | 'D' | 's' | 'S' | 'b' | 'B' | 'A' | 'G' | 'z' => self.atom(&format!("\\{character}")),
            'w' => self.atom(&format!("[{WORD}]")),
            'W' => self.atom(&format!("[^{WORD}]")),
            'Z' => self.atom(END),
            'p' | 'P' => {
                let property = self.property(character == 'P')?;
                self.atom(&property);
            }
            'k' => {
                let end = match self.next() {
                    Some('<') => '>',
                    Some('\'') => '\'',
                    Some(_) | None => return error("`\\k` needs a group's name"),
                };
                let name = self.group_name(end)?;
                self.reference(&name)?;
            }
            '1'..='9' => {
                let mut digits = character.to_string();
                while let Some(next) = self.peek().filter(char::is_ascii_digit) {
                    digits.push(next);
                    self.at = self.at.saturating_add(1);
                }
                self.numbered(&digits)?;
            }
            _ => {
                let literal = self.code(character)?;
                self.literal(literal);
            }
        }
        Ok(())
    }

    /// `\1` to `\9` are always references; longer numbers are when there is such a group, else octal codes.
    fn numbered(&mut self, digits: &str) -> Result<(), PatternError> {
        let known = self.numbering.is_none_or(|numbering| numbering.indices(digits).is_some());
        if digits.len() == 1 || known {
            return self.reference(digits);
        }
        let octal: String = digits.chars().take(3).take_while(|digit| ('0'..='7').contains(digit)).collect();
        let Some(character) =
            u32::from_str_radix(&octal, 8).ok().and_then(|code| char::from_u32(code & 0xFF))
        else {
            return error(format!("reference to the undefined group {digits}"));
        };
        self.literal(character);
        digits.chars().skip(octal.len()).for_each(|digit| self.literal(digit));
        Ok(())
    }

    fn reference(&mut self, name: &str) -> Result<(), PatternError> {
        let Some(numbering) = self.numbering else {
            self.before = Before::Atom;
            return Ok(());
        };
        let Some(indices) = numbering.indices(name) else {
            return error(format!("reference to the undefined group `{name}`"));
        };
        let references: Vec<String> = indices.iter().rev().map(|index| format!("\\{index}")).collect();
        self.atom(&format!("(?:{})", references.join("|")));
        Ok(())
    }

    /// The character that the escape `\first` stands for, in and outside classes.
    pub(super) fn code(&mut self, first: char) -> Result<char, PatternError> {
        let code = match first {
            'a' => 0x07,
            'e' => 0x1B,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'v' => 0x0B,
            'x' => self.hexadecimal(2)?,
            'u' => self.unit()?,
            'c' => match self.next().map(|control| control.to_ascii_uppercase()) {
                Some(control @ '@'..='_') => u32::from(control) & 0x1F,
                Some(_) | None => return error("`\\c` needs a letter"),
            },
            '0'..='7' => {
                let mut octal = first.to_string();
                while let Some(digit) =
                    self.peek().filter(|digit| octal.len() < 3 && ('0'..='7').contains(digit))
                {
                    octal.push(digit);
                    self.at = self.at.saturating_add(1);
                }
                u32::from_str_radix(&octal, 8).unwrap_or(0) & 0xFF
            }
            _ if is_word(first) => return error(format!("unknown escape `\\{first}`")),
            _ => u32::from(first),
        };
        char::from_u32(code).map_or_else(|| error("half of a surrogate pair can not be matched"), Ok)
    }

    /// `\uXXXX`, or two of them that make up one character.
    fn unit(&mut self) -> Result<u32, PatternError> {
        let high = self.hexadecimal(4)?;
        if (0xD800..0xDC00).contains(&high) && self.take_text("\\u") {
            let low = self.hexadecimal(4)?;
            if (0xDC00..0xE000).contains(&low) {
                return Ok((((high & 0x3FF) << 10) | (low & 0x3FF)).saturating_add(0x1_0000));
            }
            return error("half of a surrogate pair can not be matched");
        }
        Ok(high)
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u32, PatternError> {
        let text: String = self.pattern.get(self.at..).unwrap_or_default().iter().take(digits).collect();
        self.at = self.at.saturating_add(text.chars().count());
        let complete = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u32::from_str_radix(&text, 16) {
            Ok(code) if complete => Ok(code),
            Ok(_) | Err(_) => error(format!("{digits} hexadecimal digits are needed")),
        }
    }
}

/// Letters and digits as they are, all else by code point: no punctuation can gain a meaning.
pub(super) fn push_literal(character: char, to: &mut String) {
    if character.is_alphanumeric() {
        to.push(character);
    } else {
        // Writing to a text can not fail.
        let _infallible = write!(to, "\\x{{{:X}}}", u32::from(character));
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
