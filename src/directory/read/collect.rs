//! What all formats share: cells become attributes, rows become objects, findings are collected, duplicates found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::directory::object::{ObjectKind, SourceObject, canonical_id, derived_id};
use crate::expression::AttributeValue;

use super::extras::Extras;
use super::names::{Column, Meaning, Names};
use super::text::{Fault, Position};
use super::{
    AssignmentRow, Counts, FileRead, MembershipRow, ReadOptions, ReadOutcome, RemovalRow, Role, Sink,
    SinkError,
};

/// Errors shown for one folder, and as many warnings; a person mends the first few and reads again. Further ones are
/// counted in a last line.
pub const DIAGNOSTICS_MAX: usize = 50;

/// Longest `objectId`, in characters. Entra's have 36; one more is an error, since a longer one is a shifted column.
pub const ID_CHARS_MAX: usize = 128;

/// A file being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    /// Its number among the files, for [`Spot`].
    number: u32,
}

impl Source<'_> {
    pub(super) fn place(&self, position: Position) -> Place {
        Place::at(self.path, position.line, position.column)
    }
}

/// A cell's content before its column gives it a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    List(Vec<String>),
}

/// One cell of a row.
#[derive(Debug, Clone)]
pub(super) struct RawCell<'c> {
    pub(super) column: &'c Column,
    pub(super) value: Raw,
    pub(super) position: Position,
}

/// Where an identity was first seen.
#[derive(Debug, Clone, Copy)]
struct Spot {
    file: u32,
    line: u32,
}

/// Takes rows of every format, and everything to say about them.
pub(super) struct Collector<'a> {
    pub(super) names: Names,
    sink: &'a mut dyn Sink,
    diagnostics: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    files: Vec<FileRead>,
    /// Paths of [`Spot::file`].
    paths: Vec<PathBuf>,
    /// Hashes of identities, not the identities: a million users are to fit (design 9).
    seen: BTreeMap<u64, Spot>,
    extras: Option<Extras>,
    counts: Counts,
    attributes: BTreeMap<ObjectKind, BTreeSet<String>>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(options: &ReadOptions, sink: &'a mut dyn Sink) -> Self {
        Self {
            names: Names::new(&options.multi_valued),
            sink,
            diagnostics: Vec::new(),
            errors: 0,
            warnings: 0,
            files: Vec::new(),
            paths: Vec::new(),
            seen: BTreeMap::new(),
            extras: None,
            counts: Counts::default(),
            attributes: BTreeMap::new(),
        }
    }

    pub(super) fn finish(mut self) -> ReadOutcome {
        for (count, severity, noun) in
            [(self.errors, Severity::Error, "error"), (self.warnings, Severity::Warning, "warning")]
        {
            if let Some(more @ 1..) = count.checked_sub(DIAGNOSTICS_MAX) {
                let s = if more == 1 { "" } else { "s" };
                let message = format!("and {more} more {noun}{s} in this folder");
                self.diagnostics.push(Diagnostic { severity, message, place: None, help: None });
            }
        }
        ReadOutcome {
            diagnostics: self.diagnostics,
            files: self.files,
            counts: self.counts,
            attributes: self.attributes,
        }
    }

    /// Objects of the kind have these columns or keys.
    pub(super) fn has_attributes<'c>(&mut self, kind: ObjectKind, columns: impl Iterator<Item = &'c Column>) {
        let known = self.attributes.entry(kind).or_default();
        for column in columns {
            if !known.contains(&column.name) {
                known.insert(column.name.clone());
            }
        }
    }

    /// Errors so far, shown or not.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    pub(super) fn files(&self) -> &[FileRead] {
        &self.files
    }

    /// Adds a finding.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Adds findings.
    pub(super) fn report_all(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            self.report(diagnostic);
        }
    }

    /// Adds errors at places of a file.
    pub(super) fn faults(&mut self, source: Source<'_>, faults: Vec<Fault>) {
        for fault in faults {
            self.fault(source, fault);
        }
    }

    /// Adds an error at a place of a file.
    pub(super) fn fault(&mut self, source: Source<'_>, fault: Fault) {
        let diagnostic = Diagnostic::error(fault.message).at(source.place(fault.position));
        self.report(Diagnostic { help: fault.help, ..diagnostic });
    }

    /// Begins a file.
    pub(super) fn source<'p>(&mut self, path: &'p Path) -> Source<'p> {
        let number = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.paths.push(path.to_owned());
        Source { path, number }
    }

    /// Ends a file, or a role's part of it.
    pub(super) fn file_read(&mut self, file: FileRead) {
        self.files.push(file);
    }

    pub(super) fn set_extras(&mut self, extras: Extras) {
        self.extras = Some(extras);
    }

    /// Says which rows of more attributes belong to nobody.
    pub(super) fn report_unused_extras(&mut self) {
        if let Some(extras) = self.extras.take() {
            self.report_all(extras.unused());
        }
    }

    /// Takes the cells of a user's or group's row. `None` when the row is faulty, else its id.
    pub(super) fn object(
        &mut self,
        kind: ObjectKind,
        cells: Vec<RawCell<'_>>,
        source: Source<'_>,
        position: Position,
    ) -> Result<Option<String>, SinkError> {
        let Some((mut object, id_position, name_position)) = self.assemble(kind, cells, source, position)
        else {
            return Ok(None);
        };
        if !self.is_new(&object, source, id_position, name_position) {
            return Ok(None);
        }
        if kind == ObjectKind::User
            && let Some(extras) = &mut self.extras
        {
            let conflicts = extras.fill_in(&mut object);
            if !conflicts.is_empty() {
                self.report_all(conflicts);
                return Ok(None);
            }
        }
        // A missing column counts as true (design 9).
        let enabled = match kind {
            ObjectKind::User => "accountEnabled",
            ObjectKind::Group => "securityEnabled",
        };
        object
            .attributes
            .entry(enabled.to_owned())
            .or_insert_with(|| AttributeValue::Text("True".to_owned()));

        let derived = u64::from(!object.id_given);
        match kind {
            ObjectKind::User => {
                self.counts.users += 1;
                self.counts.users_id_derived += derived;
            }
            ObjectKind::Group => {
                self.counts.groups += 1;
                self.counts.groups_id_derived += derived;
            }
        }
        let id = object.id.clone();
        self.sink.object(object, source.place(position))?;
        Ok(Some(id))
    }

    /// Takes an object known only to be gone.
    pub(super) fn removal(
        &mut self,
        mut row: RemovalRow,
        source: Source<'_>,
        position: Position,
    ) -> Result<(), SinkError> {
        row.id = name_of(&row.id);
        if let Some(first) = self.see("id", &row.id, source, position) {
            self.duplicate("objectId", &row.id, first, source, position);
            return Ok(());
        }
        self.counts.removals += 1;
        self.sink.removal(row, source.place(position))
    }

    /// Takes a membership; blanks around the names do not count.
    pub(super) fn membership(
        &mut self,
        group: &str,
        member: &str,
        source: Source<'_>,
        position: Position,
    ) -> Result<(), SinkError> {
        self.counts.memberships += 1;
        let row = MembershipRow { group: name_of(group), member: name_of(member) };
        self.sink.membership(row, source.place(position))
    }

    /// Takes an assignment; blanks around the names do not count, and an empty one is absent.
    pub(super) fn assignment(
        &mut self,
        principal: &str,
        app_role: Option<&str>,
        job: Option<&str>,
        source: Source<'_>,
        position: Position,
    ) -> Result<(), SinkError> {
        let filled =
            |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        self.counts.assignments += 1;
        let row =
            AssignmentRow { principal: name_of(principal), app_role: filled(app_role), job: filled(job) };
        self.sink.assignment(row, source.place(position))
    }

    /// The object that a row's own cells make, with the places of its id and name; `None`, and errors, when faulty.
    fn assemble(
        &mut self,
        kind: ObjectKind,
        cells: Vec<RawCell<'_>>,
        source: Source<'_>,
        position: Position,
    ) -> Option<(SourceObject, Position, Position)> {
        let errors_before = self.errors;
        let name_key = name_key(kind);
        let (mut id, mut deleted, mut attributes) = (None, None, BTreeMap::new());
        let (mut id_position, mut name_position) = (position, position);
        let mut name_faulty = false;
        for cell in cells {
            if cell.column.meaning == Meaning::Id {
                id_position = cell.position;
            } else if cell.column.name == name_key {
                name_position = cell.position;
            }
            let outcome = if cell.column.meaning == Meaning::Id {
                id_of(&cell.value).map(|value| id = id.take().or(value))
            } else if cell.column.meaning == Meaning::Deleted {
                deleted_of(&cell.value).map(|value| deleted = deleted.or(value))
            } else {
                match value_of(cell.column, cell.value) {
                    Ok(Some(_)) if attributes.contains_key(&cell.column.name) => Err(Complaint {
                        message: format!("`{}` is given twice, under two names", cell.column.name),
                        help: Some("keep one of them".to_owned()),
                    }),
                    Ok(Some(value)) => {
                        attributes.insert(cell.column.name.clone(), value);
                        Ok(())
                    }
                    Ok(None) => Ok(()),
                    Err(complaint) => Err(complaint),
                }
            };
            if let Err(complaint) = outcome {
                name_faulty |= cell.column.name == name_key;
                self.fault(
                    source,
                    Fault { message: complaint.message, help: complaint.help, position: cell.position },
                );
            }
        }
        let name = match attributes.get(name_key) {
            Some(AttributeValue::Text(name)) => name.clone(),
            _ if name_faulty => return None,
            Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => {
                let noun = kind.as_str().to_lowercase();
                self.fault(
                    source,
                    Fault::new(name_position, format!("the {noun} has no `{name_key}`"))
                        .help(format!("every {noun} needs one; remove the row if it is no {noun}")),
                );
                return None;
            }
        };
        if errors_before < self.errors {
            return None;
        }
        let id_given = id.is_some();
        let id = id.unwrap_or_else(|| derived_id(kind, &name));
        Some((SourceObject { kind, id, id_given, deleted, attributes }, id_position, name_position))
    }

    /// Whether no object before had the id or, among users, the userPrincipalName.
    fn is_new(
        &mut self,
        object: &SourceObject,
        source: Source<'_>,
        id_position: Position,
        name_position: Position,
    ) -> bool {
        let name = object.label();
        if object.kind == ObjectKind::User
            && let Some(first) = self.see("upn", name, source, name_position)
        {
            self.duplicate("userPrincipalName", name, first, source, name_position);
            return false;
        }
        if let Some(first) = self.see("id", &object.id, source, id_position) {
            if object.id_given {
                self.duplicate("objectId", &object.id, first, source, id_position);
            } else {
                self.duplicate(name_key(object.kind), name, first, source, name_position);
            }
            return false;
        }
        true
    }

    /// Notes an identity; gives the place where it was seen before.
    fn see(&mut self, sort: &str, text: &str, source: Source<'_>, position: Position) -> Option<Spot> {
        let spot = Spot { file: source.number, line: position.line };
        match self.seen.entry(fingerprint(sort, text)) {
            std::collections::btree_map::Entry::Occupied(entry) => Some(*entry.get()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(spot);
                None
            }
        }
    }

    fn duplicate(&mut self, name: &str, text: &str, first: Spot, source: Source<'_>, position: Position) {
        let before = usize::try_from(first.file).ok().and_then(|number| self.paths.get(number));
        let before = match before {
            Some(path) if path != source.path => format!("line {} of {}", first.line, path.display()),
            _ => format!("line {}", first.line),
        };
        let help = if name == "displayName" {
            "without an objectId the name is the group's identity; give both groups an objectId, or rename one"
        } else {
            "letter case does not count; remove one of the two rows"
        };
        self.fault(
            source,
            Fault::new(position, format!("{name} `{text}` stands already at {before}")).help(help),
        );
    }
}

/// The attribute that people know an object of this kind by.
pub(super) fn name_key(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::User => "userPrincipalName",
        ObjectKind::Group => "displayName",
    }
}

/// What an object is called or refers to: blanks around it do not count, nor does letter case in a UUID.
fn name_of(text: &str) -> String {
    canonical_id(text.trim()).into_owned()
}

/// The first 64 bits of a hash of the lower-cased text. Among four million identities, two different ones meet with a
/// chance of one in two million.
pub(super) fn fingerprint(sort: &str, text: &str) -> u64 {
    let hash = blake3::hash(format!("{sort}:{}", text.trim().to_lowercase()).as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |bits, byte| (bits << 8) | u64::from(*byte))
}

/// What is wrong with a cell, before its place is known.
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// The value of an attribute's cell; `None` when the cell is empty or never kept.
pub(super) fn value_of(column: &Column, raw: Raw) -> Result<Option<AttributeValue>, Complaint> {
    let text = |text: String| (!text.trim().is_empty()).then_some(AttributeValue::Text(text));
    Ok(match (column.meaning, raw) {
        (Meaning::Secret, _) => None,
        (Meaning::Boolean | Meaning::InvertedBoolean, Raw::Text(cell)) => boolean_of(column, cell.trim())?
            .map(|value| AttributeValue::Text(if value { "True".to_owned() } else { "False".to_owned() })),
        (Meaning::One | Meaning::Custom, Raw::Text(cell)) => text(cell),
        (Meaning::Name | Meaning::Id | Meaning::Deleted, Raw::Text(cell)) => text(name_of(&cell)),
        (Meaning::Many, Raw::Text(cell)) => list(cell.split(';').map(str::to_owned)),
        (Meaning::First, Raw::Text(cell)) => {
            text(cell.split(';').next().unwrap_or_default().trim().to_owned())
        }
        (Meaning::First, Raw::List(values)) => values.into_iter().find_map(text),
        (Meaning::Many | Meaning::Custom, Raw::List(values)) => list(values.into_iter()),
        (_, Raw::List(_)) => {
            return Err(Complaint {
                message: format!("`{}` takes one value, not a list", column.name),
                help: Some("only multi-valued and custom attributes take lists".to_owned()),
            });
        }
    })
}

fn list(values: impl Iterator<Item = String>) -> Option<AttributeValue> {
    let values: Vec<String> =
        values.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect();
    (!values.is_empty()).then_some(AttributeValue::List(values))
}

fn boolean_of(column: &Column, cell: &str) -> Result<Option<bool>, Complaint> {
    let inverted = column.meaning == Meaning::InvertedBoolean;
    match cell.to_lowercase().as_str() {
        "" => Ok(None),
        "true" => Ok(Some(!inverted)),
        "false" => Ok(Some(inverted)),
        "yes" if inverted => Ok(Some(false)),
        "no" if inverted => Ok(Some(true)),
        _ => Err(Complaint {
            message: format!("`{}` is neither `True` nor `False`: `{}`", column.name, cell.escape_debug()),
            help: Some(if inverted {
                "`Block sign in` takes `Yes` or `No`".to_owned()
            } else {
                "write `True` or `False`, in any letter case; an empty cell counts as absent".to_owned()
            }),
        }),
    }
}

fn id_of(raw: &Raw) -> Result<Option<String>, Complaint> {
    let Raw::Text(cell) = raw else {
        return Err(Complaint { message: "`objectId` takes one value, not a list".to_owned(), help: None });
    };
    let id = cell.trim();
    if id.chars().any(|c| c.is_whitespace() || c.is_control()) || ID_CHARS_MAX < id.chars().count() {
        return Err(Complaint {
            message: format!("not an objectId: `{}`", id.escape_debug()),
            help: Some(format!(
                "an objectId has no blanks and at most {ID_CHARS_MAX} characters; is a separator missing in this row?"
            )),
        });
    }
    Ok((!id.is_empty()).then(|| name_of(id)))
}

fn deleted_of(raw: &Raw) -> Result<Option<Timestamp>, Complaint> {
    let cell = match raw {
        Raw::Text(cell) => cell.trim(),
        Raw::List(_) => "a list",
    };
    if cell.is_empty() {
        return Ok(None);
    }
    let midnight = || -> Option<Timestamp> {
        // The date parser would take a time without an offset too, and drop it.
        let date =
            (cell.len() == "2026-01-01".len()).then(|| cell.parse::<jiff::civil::Date>().ok()).flatten()?;
        date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    match cell.parse::<Timestamp>().ok().or_else(midnight) {
        Some(time) => Ok(Some(time)),
        None => Err(Complaint {
            message: format!("`deletedDateTime` is not a date: `{}`", cell.escape_debug()),
            help: Some("write `2026-08-01T09:30:00Z` or `2026-08-01`".to_owned()),
        }),
    }
}

/// Reports a file's end and how many rows it gave.
pub(super) fn read_of(path: &Path, role: Role, metadata: &std::fs::Metadata, rows: u64) -> FileRead {
    let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    FileRead { path: path.to_owned(), role, bytes: metadata.len(), modified, rows }
}
