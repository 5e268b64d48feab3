//! Character classes of .NET patterns: `\p{…}`, `[…]` with ranges, sets and subtraction.

use super::regex::PatternError;
use super::regex_blocks::block;
use super::regex_translate::{Translator, WORD, error, push_literal};

/// Deepest nesting of class subtractions, in levels.
const SUBTRACTIONS_MAX: usize = 16;

/// The general categories of Unicode and their groups, which both sides spell alike.
const CATEGORIES: [&str; 37] = [
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd",
    "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp",
    "Zs",
];
impl Translator<'_> {
    /// What follows `\p` or `\P`: a general category or a block, as an item of a class.
    pub(super) fn property(&mut self, negated: bool) -> Result<String, PatternError> {
        if !self.take('{') {
            return error("`\\p` needs a name in braces");
        }
        let mut name = String::new();
        loop {
            match self.next() {
                Some('}') => break,
                Some(next) => name.push(next),
                None => return error("`\\p` is not closed"),
            }
        }
        if CATEGORIES.contains(&name.as_str()) {
            let letter = if negated { 'P' } else { 'p' };
            return Ok(format!("\\{letter}{{{name}}}"));
        }
        let Some((first, last)) = name.strip_prefix("Is").and_then(block) else {
            return error(format!("unknown property `{name}`"));
        };
        let caret = if negated { "^" } else { "" };
        Ok(format!("[{caret}\\x{{{first:X}}}-\\x{{{last:X}}}]"))
    }

    /// A class whose opening bracket has been taken, up to its closing one; `depth` subtractions further out.
    pub(super) fn class(&mut self, depth: usize) -> Result<String, PatternError> {
        if SUBTRACTIONS_MAX < depth {
            return error("class subtractions are nested too deeply");
        }
        let negated = self.take('^');
        let mut items = String::new();
        let mut first = true;
        loop {
            let Some(character) = self.next() else {
                return error("a `[` is not closed");
            };
            match character {
                ']' if !first => return Ok(closed_class(negated, &items, None)),
                '-' if !first && self.take('[') => {
                    let subtracted = self.class(depth.saturating_add(1))?;
                    if !self.take(']') {
                        return error("a subtraction must end its class");
                    }
                    return Ok(closed_class(negated, &items, Some(&subtracted)));
                }
                _ => self.class_item(character, &mut items)?,
            }
            first = false;
        }
    }

    /// One character, range, or set of a class.
    fn class_item(&mut self, character: char, items: &mut String) -> Result<(), PatternError> {
        let start = match self.class_character(character)? {
            ClassItem::Character(start) => start,
            ClassItem::Set(set) => {
                items.push_str(&set);
                return Ok(());
            }
        };
        push_literal(start, items);
        // A hyphen before the end or before a subtraction is a character of its own.
        if self.peek() != Some('-') || matches!(self.peek_at(1), Some(']' | '[') | None) {
            return Ok(());
        }
        self.next();
        let Some(next) = self.next() else {
            return error("a `[` is not closed");
        };
        match self.class_character(next)? {
            ClassItem::Character(end) if end < start => {
                error(format!("the range `{start}-{end}` runs backwards"))
            }
            ClassItem::Character(end) => {
                items.push('-');
                push_literal(end, items);
                Ok(())
            }
            ClassItem::Set(_) => error("a range can not end in a set"),
        }
    }

    fn class_character(&mut self, character: char) -> Result<ClassItem, PatternError> {
        if character != '\\' {
            return Ok(ClassItem::Character(character));
        }
        let Some(escaped) = self.next() else {
            return error("a `[` is not closed");
        };
        Ok(match escaped {
            'd' | 'D' | 's' | 'S' => ClassItem::Set(format!("\\{escaped}")),
            'w' => ClassItem::Set(WORD.to_owned()),
            'W' => ClassItem::Set(format!("[^{WORD}]")),
            'p' | 'P' => ClassItem::Set(self.property(escaped == 'P')?),
            'b' => ClassItem::Character('\u{8}'),
            _ => ClassItem::Character(self.code(escaped)?),
        })
    }
}

enum ClassItem {
    Character(char),
    Set(String),
}

fn closed_class(negated: bool, items: &str, subtracted: Option<&str>) -> String {
    let caret = if negated { "^" } else { "" };
    match subtracted {
        None => format!("[{caret}{items}]"),
        Some(subtracted) => format!("[[{caret}{items}]--{subtracted}]"),
    }
}
