//! The wire journal: one JSON line for each exchange, in `state/journal/<job>.jsonl`, apart from the database.
//!
//! Records are redacted when they are made, so that nothing downstream (file, HAR, a line on the screen) ever holds
//! a secret. They carry job time and ids that follow from (job, cycle, object, step), nothing of the wall clock:
//! equal runs write equal bytes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answered, Redactor};
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::object::ObjectKind;
use crate::http::{Request, TransportError};

/// How much of a body the journal keeps, in bytes of UTF-8. A PATCH of 100 members takes some 6 kB; lists and error
/// pages beyond 64 KiB are cut there, which [`Body::Cut`] marks.
pub const JOURNAL_BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest line the reader takes, in bytes: two full bodies with every character escaped and generous headers
/// stay below. A longer one ends the reading, since it can not be ours.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// One exchange as the journal keeps it, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// What it was for.
    #[serde(flatten)]
    pub about: About,
    /// Time from sending to the last byte of the answer, in whole milliseconds.
    pub duration_ms: u64,
    /// What was sent.
    pub request: RequestRecord,
    /// What came back.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Exchange {
    /// Whether it only prepared the request that the effect is about: it asked for a token, or met the refusal of a
    /// stale one. Its effect has a letter at the end, in their order.
    pub fn is_aside(&self) -> bool {
        self.about.effect.ends_with(|end: char| end.is_ascii_lowercase())
    }
}

/// Which step of which object in which cycle an exchange belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The engine's id of the effect.
    pub effect: String,
    /// Number of the cycle; absent outside of cycles, as in a connection test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<u64>,
    /// The object; absent for a probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// When it left, in job time.
    pub started: Timestamp,
}

/// A source object by the names people look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// User or group.
    #[serde(with = "kind_name")]
    pub kind: ObjectKind,
    /// userPrincipalName or displayName.
    pub label: String,
    /// `objectId`.
    pub source_id: String,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Method in capitals.
    pub method: String,
    /// Absolute URL as sent, but for secrets.
    pub url: String,
    /// Headers in sending order; what the HTTP layer adds (`Host`, `Content-Length`) is not among them.
    pub headers: Vec<(String, String)>,
    /// The body, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Size of the body on the wire.
    pub body_bytes: u64,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer, whatever its status.
    Response(ResponseRecord),
    /// No answer.
    Error(ExchangeError),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseRecord {
    /// Status code.
    pub status: u16,
    /// Headers as received.
    pub headers: Vec<(String, String)>,
    /// The body, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Size of the body on the wire.
    pub body_bytes: u64,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeError {
    /// `connect`, `tls`, `timeout`, `too_large`, `protocol` or `no_token`.
    pub kind: String,
    /// The reason in words.
    pub message: String,
}

/// A body without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A JSON document, its members in the order of the wire.
    Json(Value),
    /// Anything else as text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// The beginning of a body beyond [`JOURNAL_BODY_BYTES_MAX`], as text; its whole size is beside it.
    Cut(String),
}

impl Exchange {
    /// The record of an exchange, with everything masked that `redactor` knows.
    pub fn record(about: About, request: &Request, answered: &Answered, redactor: &Redactor) -> Self {
        let (body, body_bytes) = Body::record(request.body.as_deref().unwrap_or_default(), redactor);
        let request = RequestRecord {
            method: request.method.as_str().to_owned(),
            url: redactor.redact(&request.url).into_owned(),
            headers: record_headers(&request.headers, redactor),
            body,
            body_bytes,
        };
        let outcome = match &answered.outcome {
            Ok(response) => {
                let (body, body_bytes) = Body::record(&response.body, redactor);
                let headers = record_headers(&response.headers, redactor);
                Outcome::Response(ResponseRecord { status: response.status, headers, body, body_bytes })
            }
            Err(error) => Outcome::Error(ExchangeError {
                kind: kind_of(error).to_owned(),
                message: redactor.redact(&error.to_string()).into_owned(),
            }),
        };
        let about = About {
            object: about.object.map(|object| ObjectRef {
                label: redactor.redact(&object.label).into_owned(),
                source_id: redactor.redact(&object.source_id).into_owned(),
                ..object
            }),
            ..about
        };
        let duration_ms = u64::try_from(answered.elapsed.as_millis()).unwrap_or(u64::MAX);
        Self { about, duration_ms, request, outcome }
    }
}

impl Body {
    /// The body as kept, if there is one, and its size on the wire.
    fn record(bytes: &[u8], redactor: &Redactor) -> (Option<Self>, u64) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if bytes.is_empty() {
            return (None, size);
        }
        if JOURNAL_BODY_BYTES_MAX < bytes.len() {
            // Masked before it is cut: half a secret at the cut is one too much.
            let mut text = redactor.redact(&String::from_utf8_lossy(bytes)).into_owned();
            text.truncate(text.floor_char_boundary(JOURNAL_BODY_BYTES_MAX));
            return (Some(Self::Cut(text)), size);
        }
        let body = match serde_json::from_slice(bytes) {
            Ok(value) => Self::Json(redactor.redact_json(value)),
            Err(_) => Self::Text(redactor.redact(&String::from_utf8_lossy(bytes)).into_owned()),
        };
        (Some(body), size)
    }
}

fn record_headers(headers: &[(String, String)], redactor: &Redactor) -> Vec<(String, String)> {
    let record = |(name, value): &(String, String)| {
        (redactor.redact(name).into_owned(), redactor.redact_header(name, value))
    };
    headers.iter().map(record).collect()
}

fn kind_of(error: &TransportError) -> &'static str {
    match error {
        TransportError::Connect(_) => "connect",
        TransportError::Tls(_) => "tls",
        TransportError::Timeout { .. } => "timeout",
        TransportError::TooLarge { .. } => "too_large",
        TransportError::Protocol(_) => "protocol",
        TransportError::NoToken { .. } => "no_token",
    }
}

/// Why the journal can not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file or its folder can not be made, opened or read.
    #[error("the wire journal `{path}` can not be opened or read")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A record could not be written; the journal goes on with the next one.
    #[error("a record can not be written to the wire journal `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A line was cut off by a crash, or is being written at this moment. It is skipped; reading goes on.
    #[error("line {line} of the wire journal `{path}` is no whole record; it was skipped")]
    Torn {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
}

/// The file name of a job's journal. What a file name can not hold safely is percent-encoded.
pub fn file_name(job: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    format!("{}.jsonl", utf8_percent_encode(job, KEPT))
}

/// Appends to the journal of one job. One writer at a time: the holder of the job's lock.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    path: PathBuf,
    /// Whether the file ends in the middle of a line.
    torn: bool,
}

impl JournalWriter {
    /// Opens the journal of `job` in `folder` and makes both if need be, readable by their owner alone.
    pub fn open(folder: &Path, job: &str) -> Result<Self, JournalError> {
        let path = folder.join(file_name(job));
        let opened = make_folder(folder).and_then(|()| open_private(&path));
        match opened.and_then(|mut file| Ok((ends_in_mid_line(&mut file)?, file))) {
            Ok((torn, file)) => Ok(Self { file, path, torn }),
            Err(source) => Err(JournalError::Open { path, source }),
        }
    }

    /// Writes one record; it is with the system when this returns. A crash tears the last line at most.
    pub fn append(&mut self, exchange: &Exchange) -> Result<(), JournalError> {
        let mut line = if self.torn { vec![b'\n'] } else { Vec::new() };
        let written = serde_json::to_writer(&mut line, exchange).map_err(io::Error::from).and_then(|()| {
            line.push(b'\n');
            self.torn = true;
            self.file.write_all(&line)
        });
        written.map_err(|source| JournalError::Write { path: self.path.clone(), source })?;
        self.torn = false;
        Ok(())
    }
}

/// Drops the records of `job` that are older than `keep` at job time `now`. Called before the journal is opened for
/// writing, under the job's lock.
///
/// The file is written anew for that, so it is not done for every record: the oldest may be a tenth older than `keep`.
pub fn prune(folder: &Path, job: &str, keep: SignedDuration, now: Timestamp) -> Result<(), JournalError> {
    let path = folder.join(file_name(job));
    let age = |exchange: &Exchange| now.duration_since(exchange.about.started);
    let oldest = read(&path, Filter::all())?.find_map(Result::ok);
    if oldest.is_none_or(|oldest| age(&oldest) <= keep.saturating_add(keep / 10)) {
        return Ok(());
    }
    let rewritten = path.with_extension("jsonl.new");
    let write_all = || -> Result<(), JournalError> {
        let failed = |source| JournalError::Write { path: rewritten.clone(), source };
        let mut file = BufWriter::new(create_private(&rewritten).map_err(failed)?);
        for exchange in read(&path, Filter::all())? {
            let exchange = match exchange {
                Ok(exchange) => exchange,
                Err(JournalError::Torn { .. }) => continue,
                Err(error) => return Err(error),
            };
            if age(&exchange) <= keep {
                serde_json::to_writer(&mut file, &exchange).map_err(|error| failed(error.into()))?;
                file.write_all(b"\n").map_err(failed)?;
            }
        }
        file.flush().map_err(failed)?;
        std::fs::rename(&rewritten, &path).map_err(failed)
    };
    write_all().inspect_err(|_| {
        // What could not be finished is of no use; the journal itself is as it was.
        std::fs::remove_file(&rewritten).ok();
    })
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn ends_in_mid_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Which records to read; what is `None` does not choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Those of one cycle.
    pub cycle: Option<u64>,
    /// Those of one object, by `objectId` or label, in any letter case.
    pub object: Option<String>,
}

impl Filter {
    /// Every record.
    pub fn all() -> Self {
        Self { cycle: None, object: None }
    }

    fn takes(&self, about: &About) -> bool {
        let named = |wanted: &String| {
            about.object.as_ref().is_some_and(|object| {
                let (label, wanted) = (object.label.to_lowercase(), wanted.to_lowercase());
                label == wanted || object.source_id.to_lowercase() == wanted
            })
        };
        self.cycle.is_none_or(|cycle| about.cycle == Some(cycle)) && self.object.as_ref().is_none_or(named)
    }
}

/// Reads a journal from its beginning; safe while somebody writes. A file that is not there is an empty journal.
pub fn read(path: &Path, filter: Filter) -> Result<JournalReader, JournalError> {
    let lines = match File::open(path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(JournalError::Open { path: path.to_owned(), source });
        }
    };
    Ok(JournalReader { lines, path: path.to_owned(), filter, line: 0 })
}

/// The records of a journal in the order they were written. An [`JournalError::Torn`] item is a note: more may
/// follow. Any other error ends the reading.
#[derive(Debug)]
pub struct JournalReader {
    lines: Option<BufReader<File>>,
    path: PathBuf,
    filter: Filter,
    line: u64,
}

impl JournalReader {
    /// The next whole line without its line break; `Err(None)` for one that is torn.
    fn next_line(&mut self) -> Option<Result<Vec<u8>, Option<io::Error>>> {
        let lines = self.lines.as_mut()?;
        let mut line = Vec::new();
        match lines.take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(Some(error))),
        }
        self.line = self.line.saturating_add(1);
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Some(Ok(line));
        }
        let too_long = LINE_BYTES_MAX <= u64::try_from(line.len()).unwrap_or(u64::MAX);
        Some(Err(
            too_long.then(|| io::Error::new(io::ErrorKind::InvalidData, "a line is too long to be a record"))
        ))
    }
}

impl Iterator for JournalReader {
    type Item = Result<Exchange, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let exchange = match self.next_line()? {
                Ok(line) => serde_json::from_slice::<Exchange>(&line).ok(),
                Err(None) => None,
                Err(Some(source)) => {
                    self.lines = None;
                    return Some(Err(JournalError::Open { path: self.path.clone(), source }));
                }
            };
            match exchange {
                Some(exchange) if self.filter.takes(&exchange.about) => return Some(Ok(exchange)),
                Some(_) => {}
                None => {
                    return Some(Err(JournalError::Torn { path: self.path.clone(), line: self.line }));
                }
            }
        }
    }
}

/// [`ObjectKind`] by the name logs use.
mod kind_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::directory::object::ObjectKind;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
    pub(super) fn serialize<S: Serializer>(kind: &ObjectKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectKind, D::Error> {
        let name = String::deserialize(deserializer)?;
        ObjectKind::from_name(&name).ok_or_else(|| D::Error::custom(format!("no kind of object: `{name}`")))
    }
}
