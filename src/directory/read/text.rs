//! Decoding of directory files: bytes in, characters with their line and column out, nothing ever replaced.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes read from a file at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What stops the reading of a file, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) position: Position,
}

impl Fault {
    pub(super) fn new(position: Position, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, position }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// Counts lines; one ends with LF, CR LF, or a CR alone.
#[derive(Debug, Clone, Copy)]
struct Tracker {
    position: Position,
    after_cr: bool,
}

impl Tracker {
    fn advance(&mut self, c: char) {
        match c {
            '\n' if self.after_cr => {}
            '\n' | '\r' => {
                self.position = Position { line: self.position.line.saturating_add(1), column: 1 };
            }
            _ => self.position.column = self.position.column.saturating_add(1),
        }
        self.after_cr = c == '\r';
    }

    /// Counts characters none of which ends a line.
    fn advance_in_line(&mut self, run: &str) {
        let count = u32::try_from(run.chars().count()).unwrap_or(u32::MAX);
        self.position.column = self.position.column.saturating_add(count);
        self.after_cr = self.after_cr && run.is_empty();
    }
}

/// Reads characters from bytes in UTF-8 (with or without a byte order mark) or UTF-16 (with one, as Excel's
/// "Unicode text" writes it).
pub(super) struct TextReader<R> {
    source: R,
    decoder: Decoder,
    encoding: &'static Encoding,
    raw: Vec<u8>,
    /// Bytes of `raw` that wait to be decoded: those read while the encoding was found out.
    waiting: usize,
    text: String,
    at: usize,
    tracker: Tracker,
    bytes_decoded: u64,
    ended: bool,
    fault: Option<Fault>,
}

impl<R: Read> TextReader<R> {
    /// Finds the encoding out from the first bytes.
    pub(super) fn open(mut source: R) -> Result<Self, Fault> {
        let mut raw = vec![0; CHUNK_BYTES];
        let mut waiting = 0;
        while waiting < 4 {
            match source.read(raw.get_mut(waiting..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(count) => waiting += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io_fault(Position::START, &error)),
            }
        }
        let head = raw.get(..waiting).unwrap_or_default();
        let (encoding, mark_bytes) = match head {
            [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
                return Err(Fault::new(Position::START, "the file is in UTF-32, which is not read")
                    .help("save it as UTF-8"));
            }
            [b'P', b'K', 3, 4, ..] => {
                return Err(Fault::new(Position::START, "the file is a workbook or a zip archive, not text")
                    .help("in Excel choose Save As, `CSV UTF-8 (Comma delimited)`"));
            }
            [0xEF, 0xBB, 0xBF, ..] => (UTF_8, 3),
            [0xFF, 0xFE, ..] => (UTF_16LE, 2),
            [0xFE, 0xFF, ..] => (UTF_16BE, 2),
            _ => (UTF_8, 0),
        };
        raw.copy_within(mark_bytes..waiting, 0);
        Ok(Self {
            source,
            decoder: encoding.new_decoder_without_bom_handling(),
            encoding,
            raw,
            waiting: waiting - mark_bytes,
            text: String::new(),
            at: 0,
            tracker: Tracker { position: Position::START, after_cr: false },
            bytes_decoded: u64::try_from(mark_bytes).unwrap_or_default(),
            ended: false,
            fault: None,
        })
    }

    /// Where the next character stands.
    pub(super) fn position(&self) -> Position {
        self.tracker.position
    }

    /// The text decoded but not taken yet: at least the first chunk of the file when nothing was taken.
    pub(super) fn ahead(&mut self) -> Result<&str, Fault> {
        self.fill()?;
        Ok(self.text.get(self.at..).unwrap_or_default())
    }

    /// The next character, left in place; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<char>, Fault> {
        self.fill()?;
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some('\0') => Err(Fault::new(self.position(), "a NUL character")
                .help("the file is binary, damaged, or UTF-16 without a byte order mark; save it as UTF-8")),
            next => Ok(next),
        }
    }

    /// Takes the next character; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<char>, Fault> {
        let next = self.peek()?;
        if let Some(c) = next {
            self.at += c.len_utf8();
            self.tracker.advance(c);
        }
        Ok(next)
    }

    /// Takes a run of characters of one line up to `stop`, an ASCII character: as many as are at hand, so that the next
    /// character may be one that could have been in it. Empty when the next one stops the run or is a fault.
    pub(super) fn run(&mut self, stop: char) -> Result<&str, Fault> {
        self.fill()?;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([stop, '\n', '\r', '\0']).unwrap_or(rest.len());
        let run = rest.get(..end).unwrap_or_default();
        self.at += end;
        self.tracker.advance_in_line(run);
        Ok(run)
    }

    /// Takes everything that is left, at most `bytes_max` bytes of it.
    pub(super) fn rest(mut self, bytes_max: usize) -> Result<String, Fault> {
        let mut text = String::new();
        while let Some(c) = self.next()? {
            text.push(c);
            if bytes_max < text.len() {
                return Err(Fault::new(
                    self.position(),
                    format!("the file is larger than {bytes_max} bytes of text"),
                )
                .help("CSV is read row by row and may be of any size"));
            }
        }
        Ok(text)
    }

    fn fill(&mut self) -> Result<(), Fault> {
        while self.at == self.text.len() {
            // The text before a malformed byte was handed out first, so the tracker stands at the byte.
            if let Some(fault) = &self.fault {
                return Err(Fault { position: self.tracker.position, ..fault.clone() });
            }
            if self.ended {
                return Ok(());
            }
            self.decode_chunk()?;
        }
        Ok(())
    }

    fn decode_chunk(&mut self) -> Result<(), Fault> {
        if self.waiting == 0 {
            self.waiting = loop {
                match self.source.read(&mut self.raw) {
                    Ok(count) => break count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(io_fault(self.tracker.position, &error)),
                }
            };
            self.ended = self.waiting == 0;
        }
        let chunk = self.raw.get(..self.waiting).unwrap_or_default();
        self.text.clear();
        self.at = 0;
        // A chunk is 64 KiB, so the length cannot overflow.
        let room =
            self.decoder.max_utf8_buffer_length_without_replacement(chunk.len()).unwrap_or(CHUNK_BYTES * 3);
        self.text.reserve(room);
        let (result, read) =
            self.decoder.decode_to_string_without_replacement(chunk, &mut self.text, self.ended);
        self.bytes_decoded += u64::try_from(read).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => self.waiting = 0,
            DecoderResult::OutputFull => {
                self.raw.copy_within(read..self.waiting, 0);
                self.waiting -= read;
            }
            DecoderResult::Malformed(bad, after) => {
                let offset = self.bytes_decoded.saturating_sub(u64::from(bad) + u64::from(after));
                let first = read
                    .checked_sub(usize::from(bad) + usize::from(after))
                    .and_then(|at| self.raw.get(at))
                    .map_or_else(String::new, |byte| format!(" (0x{byte:02X})"));
                let message =
                    format!("byte {}{first} of the file is not {}", offset + 1, self.encoding.name());
                let help = if self.encoding == UTF_8 {
                    "the file is in another encoding, such as Windows-1252, or damaged; in Excel choose Save As, \
                     `CSV UTF-8 (Comma delimited)`"
                } else {
                    "the file is damaged or cut off; export it again"
                };
                self.fault = Some(Fault::new(self.tracker.position, message).help(help));
                self.ended = true;
            }
        }
        Ok(())
    }
}

fn io_fault(position: Position, error: &io::Error) -> Fault {
    Fault::new(position, format!("the file cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a call, so that every sequence straddles two reads.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (Some((first, rest)), Some(slot)) = (self.0.split_first(), buffer.first_mut()) else {
                return Ok(0);
            };
            *slot = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn all(bytes: &[u8]) -> Result<String, Fault> {
        TextReader::open(bytes).and_then(|reader| reader.rest(1_000))
    }

    fn all_by_single_bytes(bytes: &[u8]) -> Result<String, Fault> {
        TextReader::open(Drip(bytes)).and_then(|reader| reader.rest(1_000))
    }

    #[test]
    fn utf_8_and_utf_16_give_the_same_characters() {
        let text = "Zoë,Ł😀\r\n";
        let mut little = vec![0xFF, 0xFE];
        let mut big = vec![0xFE, 0xFF];
        for unit in text.encode_utf16() {
            little.extend(unit.to_le_bytes());
            big.extend(unit.to_be_bytes());
        }
        let mut marked = vec![0xEF, 0xBB, 0xBF];
        marked.extend(text.bytes());
        for bytes in [text.as_bytes(), &marked, &little, &big] {
            assert_eq!(all(bytes).unwrap(), text);
            assert_eq!(all_by_single_bytes(bytes).unwrap(), text);
        }
    }

    #[test]
    fn a_bad_byte_is_named_with_its_place() {
        let by_single_bytes = all_by_single_bytes(b"ab\ncd\xE9f").unwrap_err();
        assert_eq!(by_single_bytes.position, Position { line: 2, column: 3 });
        let fault = all(b"ab\ncd\xE9f").unwrap_err();
        assert_eq!(fault.position, Position { line: 2, column: 3 });
        assert!(fault.message.starts_with("byte 6 (0xE9) of the file is not UTF-8"), "{}", fault.message);
        assert_eq!(all(b"\xFF\xFEa\0b").unwrap_err().position, Position { line: 1, column: 2 });
        assert_eq!(all(b"a\0b").unwrap_err().position, Position { line: 1, column: 2 });
    }

    #[test]
    fn a_line_ends_with_any_of_the_three_line_ends() {
        let mut reader = TextReader::open("a\nb\r\nc\rdé".as_bytes()).unwrap();
        while reader.next().unwrap().is_some() {}
        assert_eq!(reader.position(), Position { line: 4, column: 3 });
    }

    #[test]
    fn a_text_may_be_as_long_as_the_limit_and_no_longer() {
        let rest = |limit| TextReader::open("aé\n".as_bytes()).and_then(|reader| reader.rest(limit));
        assert_eq!(rest(4).unwrap(), "aé\n");
        let fault = rest(3).unwrap_err();
        assert!(fault.message.contains("larger than 3 bytes"), "{}", fault.message);
    }
}
