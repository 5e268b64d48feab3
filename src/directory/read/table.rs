//! Delimited files: headings, then a row an object (`exports.md 1` to `3`, contract 4).

use std::fs::{File, Metadata};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::directory::object::ObjectKind;
use crate::expression::AttributeValue;

use super::collect::{Collector, Raw, RawCell, Source, value_of};
use super::delimited::{Delimited, Row, is_version};
use super::extras::{EXTRA_FILE_BYTES_MAX, ExtraCell, Extras};
use super::names::{Column, Meaning, in_brackets};
use super::text::{Fault, Position, TextReader};
use super::{Role, SinkError};

/// Reads a file of one role. Gives the number of rows.
pub(super) fn read(
    role: Role,
    text: TextReader<File>,
    metadata: &Metadata,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    if role == Role::UsersExtra && EXTRA_FILE_BYTES_MAX < metadata.len() {
        let fault =
            Fault::new(Position::START, format!("the file is larger than {EXTRA_FILE_BYTES_MAX} bytes"))
                .help("move its columns into the users' file, which may be of any size");
        collector.fault(source, fault);
        return Ok(0);
    }
    let Some((mut rows, heading)) = open(text, source, collector) else {
        return Ok(0);
    };
    match role {
        Role::Users => objects(ObjectKind::User, &mut rows, &heading, source, collector),
        Role::Groups => objects(ObjectKind::Group, &mut rows, &heading, source, collector),
        Role::UsersExtra => extras(&mut rows, &heading, source, collector),
        Role::Members => members(&mut rows, &heading, source, collector),
        Role::Assignments => assignments(&mut rows, &heading, source, collector),
    }
}

/// Reads one group's members. Gives the number of rows.
pub(super) fn read_members_of(
    group: &str,
    text: TextReader<File>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    let Some((mut rows, heading)) = open(text, source, collector) else {
        return Ok(0);
    };
    let names = ["memberObjectIdOrUpn", "member", "id", "objectId", "userPrincipalName"];
    let columns: Vec<usize> = names.iter().filter_map(|name| heading.find(name)).collect();
    if columns.is_empty() {
        let fault = Fault::new(heading.position, "no column says who the members are").help(
            "one of `id`, `userPrincipalName`, `Member object ID or user principal name [memberObjectIdOrUpn] Required`",
        );
        collector.fault(source, fault);
        return Ok(0);
    }
    each_row(&mut rows, &heading, source, collector, |row, collector| {
        let member = columns.iter().find_map(|column| row.filled(*column));
        let Some(member) = member else {
            collector.fault(
                source,
                Fault::new(row.position, "the row names no member")
                    .help("fill in `id` or `userPrincipalName`, or remove the row"),
            );
            return Ok(());
        };
        collector.membership(group, member, source, row.position)
    })
}

/// The heading row.
struct Heading {
    /// The headings as written.
    written: Vec<String>,
    /// The same, or what they have in brackets.
    names: Vec<String>,
    positions: Vec<Position>,
    position: Position,
    /// Whether it is one of the admin center's templates.
    bracketed: bool,
}

impl Heading {
    fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.eq_ignore_ascii_case(name))
    }
}

impl Row {
    /// The cell's text without surrounding blanks; `None` when it is empty.
    fn filled(&self, column: usize) -> Option<&str> {
        self.cells.get(column).map(|cell| cell.text.trim()).filter(|text| !text.is_empty())
    }
}

/// Reads up to the heading row, past the `version:` line of templates. `None`, and an error, when there is none.
fn open(
    text: TextReader<File>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Option<(Delimited<File>, Heading)> {
    let attempt = || -> Result<(Delimited<File>, Option<Row>), Fault> {
        let mut rows = Delimited::open(text)?;
        let mut first = rows.next_row()?;
        let version = |row: &Row| row.cells.first().is_some_and(|cell| is_version(cell.text.trim()));
        if first.as_ref().is_some_and(version) {
            first = rows.next_row()?;
        }
        Ok((rows, first))
    };
    let (rows, first) = match attempt() {
        Ok(opened) => opened,
        Err(fault) => {
            collector.fault(source, fault);
            return None;
        }
    };
    let Some(row) = first else {
        let fault = Fault::new(Position::START, "the file has no headings")
            .help("the first line names the columns, such as `userPrincipalName,displayName`");
        collector.fault(source, fault);
        return None;
    };
    let heading = Heading {
        bracketed: row.cells.iter().any(|cell| in_brackets(cell.text.trim()).is_some()),
        written: row.cells.iter().map(|cell| cell.text.trim().to_owned()).collect(),
        names: row
            .cells
            .iter()
            .map(|cell| in_brackets(cell.text.trim()).map_or(cell.text.trim(), |(_, name)| name).to_owned())
            .collect(),
        positions: row.cells.iter().map(|cell| cell.position).collect(),
        position: row.position,
    };
    let errors_before = collector.errors();
    for (at, (name, position)) in heading.names.iter().zip(&heading.positions).enumerate() {
        if name.is_empty() {
            let fault = Fault::new(*position, format!("heading {} is empty", at + 1))
                .help("name the column, or remove the separator");
            collector.fault(source, fault);
        }
        let earlier = heading.names.iter().take(at).position(|known| known.eq_ignore_ascii_case(name));
        if let Some(earlier) = earlier.filter(|_| !name.is_empty()) {
            let fault = Fault::new(
                *position,
                format!("columns {} and {} are both headed `{name}`", earlier + 1, at + 1),
            )
            .help("remove one of them");
            collector.fault(source, fault);
        }
    }
    (errors_before == collector.errors()).then_some((rows, heading))
}

/// Calls `take` for each row that has as many cells as there are headings. Gives the number of rows.
fn each_row(
    rows: &mut Delimited<File>,
    heading: &Heading,
    source: Source<'_>,
    collector: &mut Collector<'_>,
    mut take: impl FnMut(Row, &mut Collector<'_>) -> Result<(), SinkError>,
) -> Result<u64, SinkError> {
    let mut count = 0;
    let width = heading.names.len();
    loop {
        let row = match rows.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(count),
            Err(fault) => {
                collector.fault(source, fault);
                return Ok(count);
            }
        };
        let sample = row.cells.first().and_then(|cell| cell.text.trim().get(..8));
        if heading.bracketed && sample.is_some_and(|text| text.eq_ignore_ascii_case("Example:")) {
            collector.report(
                Diagnostic::warning("the template's sample row is skipped").at(source.place(row.position)),
            );
            continue;
        }
        count += 1;
        if row.cells.len() == width {
            take(row, collector)?;
            continue;
        }
        let position = row.cells.get(width).map_or(row.position, |cell| cell.position);
        let s = if row.cells.len() == 1 { "" } else { "s" };
        let fault =
            Fault::new(position, format!("the row has {} cell{s}, the heading {width}", row.cells.len()));
        collector.fault(
            source,
            fault.help(
                "put quotes around a cell that holds the separator; a last row that is too short means a file cut off",
            ),
        );
    }
}

fn objects(
    kind: ObjectKind,
    rows: &mut Delimited<File>,
    heading: &Heading,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    let Some(columns) = attribute_columns(heading, source, collector) else {
        return Ok(0);
    };
    let required = super::collect::name_key(kind);
    if !columns.iter().any(|column| column.name == required) {
        collector.fault(source, missing_column(required, heading));
        return Ok(0);
    }
    collector.has_attributes(kind, columns.iter());
    each_row(rows, heading, source, collector, |row, collector| {
        let cells = columns
            .iter()
            .zip(row.cells)
            .map(|(column, cell)| RawCell { column, value: Raw::Text(cell.text), position: cell.position })
            .collect();
        collector.object(kind, cells, source, row.position).map(drop)
    })
}

/// The headings as attributes. `None`, and an error, when two mean the same one.
fn attribute_columns(
    heading: &Heading,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Option<Vec<Column>> {
    let columns: Vec<Column> =
        heading.written.iter().map(|heading| collector.names.resolve(heading)).collect();
    let errors_before = collector.errors();
    for (at, (column, position)) in columns.iter().zip(&heading.positions).enumerate() {
        if let Some(earlier) = columns.iter().take(at).position(|known| known.name == column.name) {
            let name = |at: usize| heading.names.get(at).map(String::as_str).unwrap_or_default();
            let message = format!("`{}` and `{}` are two names of one attribute", name(earlier), name(at));
            collector.fault(source, Fault::new(*position, message).help("remove one of the two columns"));
        }
    }
    (errors_before == collector.errors()).then_some(columns)
}

fn missing_column(required: &str, heading: &Heading) -> Fault {
    let fault = Fault::new(heading.position, format!("the column `{required}` is missing"));
    match did_you_mean(required, heading.names.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("there is a column `{near}`; rename it if it is meant")),
        None => fault.help(format!("the columns are: {}", heading.names.join(", "))),
    }
}

fn extras(
    rows: &mut Delimited<File>,
    heading: &Heading,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    let Some(columns) = attribute_columns(heading, source, collector) else {
        return Ok(0);
    };
    let id_column = columns.iter().position(|column| column.meaning == Meaning::Id);
    let name_column = columns.iter().position(|column| column.name == "userPrincipalName");
    if id_column.is_none() && name_column.is_none() {
        collector.fault(source, missing_column("userPrincipalName", heading));
        return Ok(0);
    }
    if let Some(at) = columns.iter().position(|column| column.meaning == Meaning::Deleted) {
        let position = heading.positions.get(at).copied().unwrap_or(heading.position);
        let fault = Fault::new(position, "`deletedDateTime` belongs in the users' own file");
        collector.fault(source, fault);
        return Ok(0);
    }
    collector.has_attributes(ObjectKind::User, columns.iter());
    let shared: Vec<Arc<str>> = columns.iter().map(|column| Arc::from(column.name.as_str())).collect();
    let mut extras = Extras::new(source.path);
    let count = each_row(rows, heading, source, collector, |row, collector| {
        let key = |column: Option<usize>| column.and_then(|column| row.filled(column)).map(str::to_owned);
        let (id, name) = (key(id_column), key(name_column));
        if id.is_none() && name.is_none() {
            collector
                .fault(source, Fault::new(row.position, "the row has no objectId and no userPrincipalName"));
            return Ok(());
        }
        let mut cells = Vec::new();
        for (at, ((column, name), cell)) in columns.iter().zip(&shared).zip(row.cells).enumerate() {
            if Some(at) == id_column || Some(at) == name_column {
                continue;
            }
            match value_of(column, Raw::Text(cell.text)) {
                Ok(Some(value)) => {
                    cells.push(ExtraCell {
                        name: Arc::clone(name),
                        value: shrunk(value),
                        position: cell.position,
                    });
                }
                Ok(None) => {}
                Err(complaint) => collector.fault(
                    source,
                    Fault { message: complaint.message, help: complaint.help, position: cell.position },
                ),
            }
        }
        let name = name.unwrap_or_default();
        if let Some(line) = extras.insert(id.as_deref(), &name, row.position.line, cells) {
            let key = id.unwrap_or(name);
            let fault = Fault::new(row.position, format!("`{key}` stands already at line {line}"))
                .help("a user has one row in this file");
            collector.fault(source, fault);
        }
        Ok(())
    })?;
    collector.set_extras(extras);
    Ok(count)
}

/// The value without spare room: these are kept.
fn shrunk(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Text(text) => AttributeValue::Text(text.into_boxed_str().into_string()),
        AttributeValue::List(_) | AttributeValue::Roles(_) => value,
    }
}

fn members(
    rows: &mut Delimited<File>,
    heading: &Heading,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    let (Some(group), Some(member)) = (heading.find("group"), heading.find("member")) else {
        let missing = if heading.find("group").is_none() { "group" } else { "member" };
        let fault = missing_column(missing, heading);
        collector.fault(
            source,
            fault.help("the columns are `group,member`; an export of one group's members goes to `members/<group>.csv`"),
        );
        return Ok(0);
    };
    warn_of_strangers(heading, &["group", "member"], source, collector);
    each_row(rows, heading, source, collector, |row, collector| {
        match (row.filled(group), row.filled(member)) {
            (Some(group), Some(member)) => collector.membership(group, member, source, row.position),
            (group, _) => {
                let what = if group.is_none() { "group" } else { "member" };
                collector.fault(
                    source,
                    Fault::new(row.position, format!("the row names no {what}"))
                        .help("fill the cell in, or remove the row"),
                );
                Ok(())
            }
        }
    })
}

fn assignments(
    rows: &mut Delimited<File>,
    heading: &Heading,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    let Some(principal) = heading.find("principal") else {
        collector.fault(source, missing_column("principal", heading));
        return Ok(0);
    };
    let (role, job) = (heading.find("appRole"), heading.find("job"));
    warn_of_strangers(heading, &["principal", "appRole", "job"], source, collector);
    each_row(rows, heading, source, collector, |row, collector| {
        let cell = |column: Option<usize>| column.and_then(|column| row.filled(column));
        let Some(principal) = row.filled(principal) else {
            collector.fault(
                source,
                Fault::new(row.position, "the row names no principal")
                    .help("fill the cell in, or remove the row"),
            );
            return Ok(());
        };
        collector.assignment(principal, cell(role), cell(job), source, row.position)
    })
}

/// Says which columns are not read: a misspelt `appRole` must not pass in silence.
fn warn_of_strangers(heading: &Heading, known: &[&str], source: Source<'_>, collector: &mut Collector<'_>) {
    for (name, position) in heading.names.iter().zip(&heading.positions) {
        if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        let warning =
            Diagnostic::warning(format!("the column `{name}` is not read")).at(source.place(*position));
        collector.report(match did_you_mean(name, known.iter().copied()) {
            Some(meant) => warning.help(format!("did you mean `{meant}`?")),
            None => warning.help(format!("the columns are `{}`", known.join(","))),
        });
    }
}
