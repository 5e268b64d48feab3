//! Rows of delimited text (RFC 4180, with the separators that spreadsheets use).
//!
//! Written here and not left to a package, because an import is all or nothing: a quote that never closes is a
//! truncated file and must be told from a whole one, and every cell needs its line and column.

use std::io::Read;

use super::text::{Fault, Position, TextReader};

/// Largest cell, in bytes of UTF-8. The longest attribute of Entra is far shorter; a longer cell means a stray quote
/// that swallowed the rows after it. One byte more refuses the file.
pub const CELL_BYTES_MAX: usize = 64 * 1024;

/// Most cells in a row. Exports have about 30; one more refuses the file.
pub const COLUMNS_MAX: usize = 1_000;

/// Separators that are tried, in order of preference when the heading line leaves it open.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// One cell and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) position: Position,
}

/// One row, of at least one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) position: Position,
}

impl Row {
    /// Whether no cell holds anything: what spreadsheets leave behind below the last row.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.text.trim().is_empty())
    }
}

/// Reads rows one at a time.
pub(super) struct Delimited<R> {
    text: TextReader<R>,
    separator: char,
}

impl<R: Read> Delimited<R> {
    /// Finds the separator out from the heading line: the first that is neither blank nor a `version:` line.
    pub(super) fn open(mut text: TextReader<R>) -> Result<Self, Fault> {
        let separator = text
            .ahead()?
            .lines()
            .find(|line| !line.trim().is_empty() && !is_version(line))
            .map_or(',', separator_of);
        Ok(Self { text, separator })
    }

    /// The next row that is not blank; `None` at the end. An error ends the file: what follows cannot be trusted.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, Fault> {
        loop {
            match self.read_row()? {
                Some(row) if row.is_blank() => {}
                row => return Ok(row),
            }
        }
    }

    fn read_row(&mut self) -> Result<Option<Row>, Fault> {
        if self.text.peek()?.is_none() {
            return Ok(None);
        }
        let position = self.text.position();
        let mut cells = Vec::new();
        loop {
            let start = self.text.position();
            if cells.len() == COLUMNS_MAX {
                return Err(Fault::new(start, format!("the row has more than {COLUMNS_MAX} cells")));
            }
            let text = match self.text.peek()? {
                Some('"') => self.quoted(start)?,
                _ => self.bare(start)?,
            };
            cells.push(Cell { text, position: start });
            match self.text.next()? {
                Some(c) if c == self.separator => {}
                Some('\r') => {
                    if self.text.peek()? == Some('\n') {
                        self.text.next()?;
                    }
                    break;
                }
                _ => break,
            }
        }
        Ok(Some(Row { cells, position }))
    }

    /// Takes up to the separator or line end, and leaves that in place.
    fn bare(&mut self, start: Position) -> Result<String, Fault> {
        let mut cell = String::new();
        while self.push_run(&mut cell, self.separator, start)? {}
        // What stopped it may be a fault.
        self.text.peek()?;
        Ok(cell)
    }

    /// Adds what is at hand of the line up to `stop`; `false` when that is nothing.
    fn push_run(&mut self, cell: &mut String, stop: char, start: Position) -> Result<bool, Fault> {
        let run = self.text.run(stop)?;
        cell.push_str(run);
        let moved = !run.is_empty();
        check_length(cell, start)?;
        Ok(moved)
    }

    fn quoted(&mut self, start: Position) -> Result<String, Fault> {
        self.text.next()?;
        let mut cell = String::new();
        loop {
            match self.text.peek()? {
                None => {
                    return Err(Fault::new(start, "this quote never closes: the file is cut off or damaged")
                        .help("export the file again; a quote inside a quoted cell is written twice"));
                }
                Some('"') => {
                    let quote = self.text.position();
                    self.text.next()?;
                    match self.text.peek()? {
                        Some('"') => self.push(&mut cell, start)?,
                        None | Some('\n' | '\r') => return Ok(cell),
                        Some(c) if c == self.separator => return Ok(cell),
                        Some(c) => {
                            return Err(Fault::new(
                                quote,
                                format!("`{}` follows a closing quote", c.escape_debug()),
                            )
                            .help("a quote inside a quoted cell is written twice"));
                        }
                    }
                }
                Some(_) => {
                    // A line end in quotes is no part of a run.
                    if !self.push_run(&mut cell, '"', start)? {
                        self.push(&mut cell, start)?;
                    }
                }
            }
        }
    }

    fn push(&mut self, cell: &mut String, start: Position) -> Result<(), Fault> {
        if let Some(c) = self.text.next()? {
            cell.push(c);
        }
        check_length(cell, start)
    }
}

fn check_length(cell: &str, start: Position) -> Result<(), Fault> {
    if CELL_BYTES_MAX < cell.len() {
        return Err(Fault::new(start, format!("the cell is longer than {CELL_BYTES_MAX} bytes"))
            .help("look for a quote that is opened here and not closed"));
    }
    Ok(())
}

/// Whether it is the first line of a template of the admin center (`exports.md 2`).
pub(super) fn is_version(line: &str) -> bool {
    line.trim_start_matches('"').get(..8).is_some_and(|head| head.eq_ignore_ascii_case("version:"))
}

/// The separator that the line uses most outside quotes.
fn separator_of(heading: &str) -> char {
    let mut quoted = false;
    let mut counts = [0_usize; SEPARATORS.len()];
    for c in heading.chars() {
        if c == '"' {
            quoted = !quoted;
        }
        if !quoted {
            for (count, separator) in counts.iter_mut().zip(SEPARATORS) {
                *count += usize::from(c == separator);
            }
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default();
    counts.iter().zip(SEPARATORS).find(|(count, _)| **count == most).map_or(',', |(_, separator)| separator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, Fault> {
        let mut delimited = Delimited::open(TextReader::open(text.as_bytes())?)?;
        let mut rows = Vec::new();
        while let Some(row) = delimited.next_row()? {
            rows.push(row.cells.into_iter().map(|cell| cell.text).collect());
        }
        Ok(rows)
    }

    #[test]
    fn separators_are_found_in_the_heading_line() {
        let expected = vec![vec!["a", "b,c"], vec!["1;1", "2"]];
        assert_eq!(rows("a,\"b,c\"\n1;1,2").unwrap(), expected);
        assert_eq!(rows("a;\"b,c\"\r\n\"1;1\";2\r\n").unwrap(), expected);
        assert_eq!(rows("a\t\"b,c\"\r1;1\t2\r").unwrap(), expected);
        assert_eq!(rows("version:v1.0\nx;y").unwrap(), vec![vec!["version:v1.0"], vec!["x", "y"]]);
    }

    #[test]
    fn a_row_after_a_quoted_line_end_keeps_its_line_number() {
        let text = "a,b\n\"one\r\ntwo\",x\n\n,\n3,\"4\"\n";
        let mut delimited = Delimited::open(TextReader::open(text.as_bytes()).unwrap()).unwrap();
        let mut seen = Vec::new();
        while let Some(row) = delimited.next_row().unwrap() {
            seen.push(row.cells.last().map(|cell| (cell.position.line, cell.position.column)).unwrap());
        }
        assert_eq!(seen, [(1, 3), (3, 6), (6, 3)]);
    }

    #[test]
    fn faults_are_placed() {
        for (text, line, column, words) in [
            ("a,b\n1,\"2\n3,4\n", 2, 3, "never closes"),
            ("a,b\n1,\"2\"x\n", 2, 5, "`x` follows a closing quote"),
        ] {
            let fault = rows(text).unwrap_err();
            assert_eq!(fault.position, Position { line, column }, "{text:?}");
            assert!(fault.message.contains(words), "{}", fault.message);
        }
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let longest = format!("a\n{}\n", "x".repeat(CELL_BYTES_MAX));
        assert_eq!(rows(&longest).unwrap().len(), 2);
        let longer = format!("a\n{}\n", "x".repeat(CELL_BYTES_MAX + 1));
        assert_eq!(rows(&longer).unwrap_err().position, Position { line: 2, column: 1 });
        let widest = vec!["x"; COLUMNS_MAX].join(",");
        assert_eq!(rows(&widest).unwrap().len(), 1);
        assert!(rows(&format!("{widest},x")).is_err());
    }

    proptest! {
        /// The `csv` package is the judge of well-formed text.
        #[test]
        fn reads_what_another_writer_wrote(
            table in prop::collection::vec(prop::collection::vec("[a-z;\", \r\né]{0,6}", 3), 1..5)
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["h1", "h2", "h3"]).unwrap();
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let expected: Vec<Vec<String>> = table
                .into_iter()
                .filter(|row| row.iter().any(|cell| !cell.trim().is_empty()))
                .collect();
            prop_assert_eq!(rows(&text).unwrap().split_off(1), expected);
        }
    }
}
