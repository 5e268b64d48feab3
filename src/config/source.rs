//! The text of a configuration file and the places in it.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Place};

/// The most bytes a configuration file may have, one mebibyte: thousands of jobs. A larger file is something else,
/// named by mistake, and is not read to its end.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A file that was read, for turning byte ranges into lines and columns.
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
    /// The bytes at which lines begin: a file has more places than may each look through it.
    lines: Vec<usize>,
}

impl Source {
    /// The text of a file.
    pub(crate) fn new(file: &Path, text: String) -> Self {
        Self { file: file.to_owned(), lines: lines(&text), text }
    }

    /// Reads a file; `what` it is, for messages: `configuration`, `profile`.
    pub(crate) fn read(file: &Path, what: &str) -> Result<Self, Diagnostic> {
        let fail = |message: String| Diagnostic::error(message).at(Place::file(file));
        let mut bytes = Vec::new();
        File::open(file)
            .and_then(|file| file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| fail(format!("can not read the {what}: {error}")))?;
        if u64::try_from(bytes.len()).map_or(true, |bytes| FILE_BYTES_MAX < bytes) {
            return Err(fail(format!("the {what} is larger than {FILE_BYTES_MAX} bytes")));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(file, text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let readable = error.as_bytes().get(..valid).unwrap_or_default();
                let readable = String::from_utf8_lossy(readable);
                let (line, column) = line_and_column(&readable, &lines(&readable), valid);
                let place = Place::at(file, line, column);
                Err(Diagnostic::error(format!("the {what} is not UTF-8 text")).at(place))
            }
        }
    }

    /// The line and column where a range of bytes begins.
    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        let (line, column) = line_and_column(&self.text, &self.lines, span.start);
        Place::at(&self.file, line, column)
    }
}

/// The bytes at which the lines of a text begin.
fn lines(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at.saturating_add(1))).collect()
}

/// Line and column of a byte, both from 1; columns count characters.
fn line_and_column(text: &str, lines: &[usize], byte: usize) -> (u32, u32) {
    let line = lines.partition_point(|begin| *begin <= byte);
    let begin = line.checked_sub(1).and_then(|line| lines.get(line)).copied().unwrap_or_default();
    let before = text.get(begin..byte).or_else(|| text.get(begin..)).unwrap_or_default();
    let before = if begin == 0 { before.strip_prefix('\u{feff}').unwrap_or(before) } else { before };
    let column = before.chars().count().saturating_add(1);
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let text = "\u{feff}a = 1\r\nü = 'é' # x\n";
        let lines = lines(text);
        let at = |what: &str| line_and_column(text, &lines, text.find(what).unwrap());
        assert_eq!(at("a"), (1, 1));
        assert_eq!(at("ü"), (2, 1));
        assert_eq!(at("# x"), (2, 9));
        assert_eq!(line_and_column(text, &lines, text.len()), (3, 1));
    }
}
