//! Why a command could not do its work, and how that is told: one place for all commands.

use std::error::Error;
use std::fmt;
use std::io;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use super::Exit;
use super::arguments::Format;
use super::output::{has_colour, warn};
use crate::config::{mask_secrets, mask_secrets_of};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::directory::read::holds_passwords;
use crate::runner::Unreached;
use crate::scenario;

/// The most bytes of a file that is read again to show an excerpt of it; larger files are named without one.
pub const EXCERPT_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    report: Report,
}

#[derive(Debug)]
enum Report {
    Message {
        message: String,
        causes: Vec<String>,
        help: Option<String>,
    },
    Findings(Vec<Diagnostic>),
    /// Whoever read our output went away; there is nobody to tell.
    Nobody,
}

impl Failure {
    /// A failure told in one sentence: a lower-case fragment without a final period, literals in backticks.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, report: Report::Message { message: message.into(), causes: Vec::new(), help: None } }
    }

    /// A failure told by what was found in files.
    pub fn findings(exit: Exit, findings: Vec<Diagnostic>) -> Self {
        Self { exit, report: Report::Findings(findings) }
    }

    /// The target of this run is unreachable, or refuses us.
    pub fn unreached(error: &Unreached) -> Self {
        let failure = Self::new(Exit::Target, error.to_string());
        match error {
            Unreached::Unreachable(cause) => failure.because(cause),
            Unreached::Refused(_) => {
                failure.help("name the environment variable with the bearer token: `--token-env NAME`")
            }
            Unreached::Astray(_) => failure.help("the URL is the one that `/Users` is put behind"),
        }
    }

    /// A result could not be printed. When the reader closed the pipe, that is its right and no failure.
    pub fn printing(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Fine, report: Report::Nobody };
        }
        Self::new(Exit::Usage, "can not write to standard output").because(error)
    }

    /// The same failure with an error and its chain of causes below the sentence.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        if let Report::Message { causes, .. } = &mut self.report {
            let mut link = Some(error);
            while let Some(error) = link {
                causes.push(error.to_string());
                link = error.source();
            }
        }
        self
    }

    /// The same failure with advice.
    #[must_use]
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        if let Report::Message { help, .. } = &mut self.report {
            *help = Some(advice.into());
        }
        self
    }

    /// What the process ends with.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Tells it on standard error.
    pub fn print(&self, format: Format) {
        match (&self.report, format) {
            (Report::Nobody, _) => {}
            (Report::Findings(findings), Format::Text) => print_findings(findings),
            (Report::Message { message, causes, help }, Format::Text) => {
                let causes = causes.iter().map(|cause| format!("\n  because: {cause}"));
                let help = help.iter().map(|help| format!("\n  help: {help}"));
                warn(&format!("error: {message}{}", causes.chain(help).collect::<String>()));
            }
            (report, Format::Json) => warn(&json!({ "error": self.to_json(report) }).to_string()),
        }
    }

    fn to_json(&self, report: &Report) -> Value {
        let code = self.exit.as_str();
        match report {
            Report::Message { message, causes, help } => {
                json!({ "code": code, "message": message, "causes": causes, "help": help })
            }
            Report::Findings(findings) => {
                let message = findings.iter().find(|finding| finding.severity == Severity::Error);
                json!({
                    "code": code,
                    "message": message.map_or("", |finding| finding.message.as_str()),
                    "diagnostics": findings_to_json(findings),
                })
            }
            Report::Nobody => Value::Null,
        }
    }
}

/// Findings as an array of objects.
pub fn findings_to_json(findings: &[Diagnostic]) -> Value {
    let object = |finding: &Diagnostic| {
        let place = finding.place.as_ref();
        json!({
            "severity": severity_name(finding.severity),
            "message": finding.message,
            "file": place.map(|place| place.file.display().to_string()),
            "line": place.and_then(|place| place.line),
            "column": place.and_then(|place| place.column),
            "help": finding.help,
        })
    };
    findings.iter().map(object).collect()
}

/// Tells findings on standard error, each with an excerpt of its file where that can be read.
pub fn print_findings(findings: &[Diagnostic]) {
    let theme = if has_colour() { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
    let handler = GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_links(false);
    for finding in findings {
        let mut text = String::new();
        match handler.render_report(&mut text, &Excerpt::of(finding)) {
            Ok(()) => warn(text.trim_end()),
            Err(fmt::Error) => warn(&finding.to_string()),
        }
    }
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A finding with the text it is about.
#[derive(Debug)]
struct Excerpt<'a> {
    finding: &'a Diagnostic,
    source: Option<(NamedSource<String>, LabeledSpan)>,
}

impl<'a> Excerpt<'a> {
    fn of(finding: &'a Diagnostic) -> Self {
        let source = finding.place.as_ref().and_then(|place| {
            let text = text_of(place)?;
            let (start, length) = span(&text, place.line?, place.column.unwrap_or(1))?;
            let source = NamedSource::new(place.file.display().to_string(), text);
            Some((source, LabeledSpan::underline((start, length))))
        });
        Self { finding, source }
    }
}

/// The file's text, its secrets blotted out; nothing of a directory file with passwords, whose rows show around a
/// finding.
fn text_of(place: &Place) -> Option<String> {
    let bytes = std::fs::metadata(&place.file).ok()?.len();
    if EXCERPT_FILE_BYTES_MAX < bytes {
        return None;
    }
    let text = std::fs::read_to_string(&place.file).ok()?;
    if holds_passwords(&text) {
        return None;
    }
    let is_toml = place.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    Some(match is_toml {
        true if scenario::is_scenario(&text) => mask_secrets_of(&text, scenario::json_schema()),
        true => mask_secrets(&text),
        false => text,
    })
}

/// Start and length in bytes of the word, or quoted text, at that line and column.
fn span(text: &str, line: u32, column: u32) -> Option<(usize, usize)> {
    let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
    let before: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let line = text.get(before..)?.lines().next().unwrap_or_default();
    // A byte order mark belongs to no column.
    let mark = if line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let line = line.get(mark..)?;
    let start = line.char_indices().nth(column.checked_sub(1)?).map_or(line.len(), |(at, _)| at);
    let rest = line.get(start..)?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let length = match quote.and_then(|quote| rest.get(1..)?.find(quote)) {
        Some(inside) => inside.checked_add(2)?,
        None => rest
            .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '*'))
            .unwrap_or(rest.len()),
    };
    Some((before + mark + start, length.max(1)))
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = severity_name(self.finding.severity);
        match &self.finding.place {
            // With an excerpt the place stands above it.
            Some(place) if self.source.is_none() => {
                write!(f, "{place}: {severity}: {}", self.finding.message)
            }
            _ => write!(f, "{severity}: {}", self.finding.message),
        }
    }
}

impl Error for Excerpt<'_> {}

impl miette::Diagnostic for Excerpt<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help: &'a String = self.finding.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let (source, _) = self.source.as_ref()?;
        Some(source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, label) = self.source.as_ref()?;
        Some(Box::new(std::iter::once(label.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let exit = |kind: io::ErrorKind| Failure::printing(&io::Error::from(kind)).exit();
        assert_eq!(exit(io::ErrorKind::BrokenPipe), Exit::Fine);
        assert_eq!(exit(io::ErrorKind::StorageFull), Exit::Usage);
    }

    #[test]
    fn the_word_or_quoted_text_at_a_place_is_underlined() {
        let text = "\u{feff}a = 'é x' # n\nname_b = 5\n\n";
        let at = |line, column| {
            span(text, line, column).and_then(|(start, length)| text.get(start..start + length))
        };
        assert_eq!(at(1, 5), Some("'é x'"));
        assert_eq!(at(2, 1), Some("name_b"));
        assert_eq!(at(2, 10), Some("5"));
        assert_eq!(span(text, 3, 1), Some((text.len() - 1, 1)), "an empty line");
        assert_eq!(span(text, 9, 1), Some((text.len(), 1)), "past the end");
        assert_eq!(span(text, 0, 1), None);
    }
}
