//! TOML files: `[[user]]`, `[[group]]` with `members = […]`, `[[member]]`, `[[assignment]]`.

use std::borrow::Cow;
use std::fs::File;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::did_you_mean;
use crate::directory::object::ObjectKind;

use super::collect::{Collector, Raw, RawCell, Source};
use super::names::{Column, Names};
use super::text::{Fault, Position, TextReader};
use super::{Role, SinkError};

/// Largest TOML file, in bytes of UTF-8: it is parsed whole. About 100,000 users; one byte more is an error, and CSV
/// has no such limit.
pub const TOML_FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Table names and what they give.
const TABLES: [(&str, Role); 4] = [
    ("user", Role::Users),
    ("group", Role::Groups),
    ("member", Role::Members),
    ("assignment", Role::Assignments),
];

type Key<'t> = Spanned<Cow<'t, str>>;

/// Reads a file of one role, or of any when none is given. Gives the roles found and the number of rows of each.
pub(super) fn read(
    role: Option<Role>,
    text: TextReader<File>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<Vec<(Role, u64)>, SinkError> {
    let text = match text.rest(TOML_FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(fault) => {
            collector.fault(source, fault);
            return Ok(Vec::new());
        }
    };
    let lines = Lines::new(&text);
    let (document, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        for error in errors {
            let position = error.span().map_or(Position::START, |span| lines.position(span.start));
            collector.fault(source, Fault::new(position, format!("not valid TOML: {}", error.message())));
        }
        return Ok(Vec::new());
    }

    tables(role, document.get_ref(), &lines, source, collector)
}

/// Reads the tables `[[user]]`, `[[group]]`, `[[member]]` and `[[assignment]]` of a document that also holds other
/// things, which the caller has taken out of it.
pub(super) fn read_part(
    text: &str,
    document: &DeTable<'_>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<Vec<(Role, u64)>, SinkError> {
    tables(None, document, &Lines::new(text), source, collector)
}

fn tables(
    role: Option<Role>,
    document: &DeTable<'_>,
    lines: &Lines<'_>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<Vec<(Role, u64)>, SinkError> {
    let mut found = Vec::new();
    for (key, value) in document {
        let table = TABLES.iter().find(|(name, _)| key.get_ref() == name);
        match (table, role) {
            (Some((_, table_role)), None) => found.push((*table_role, value)),
            (Some((_, table_role)), Some(role)) if *table_role == role => found.push((*table_role, value)),
            (Some((name, table_role)), Some(_)) => collector.fault(
                source,
                Fault::new(lines.of(key), format!("`[[{name}]]` does not belong in this file"))
                    .help(format!("it goes to `{table_role}.toml`; `directory.toml` may hold everything")),
            ),
            (None, _) => {
                let names = TABLES.iter().map(|(name, _)| *name);
                let fault = Fault::new(lines.of(key), format!("unknown key `{}`", key.get_ref()));
                collector.fault(
                    source,
                    match did_you_mean(key.get_ref(), names) {
                        Some(meant) => fault.help(format!("did you mean `[[{meant}]]`?")),
                        None => {
                            fault.help("`[[user]]`, `[[group]]`, `[[member]]` and `[[assignment]]` are read")
                        }
                    },
                );
            }
        }
    }
    if let Some(role) = role
        && found.is_empty()
        && document.is_empty()
    {
        let name = TABLES.iter().find(|(_, known)| *known == role).map_or("user", |(name, _)| *name);
        collector.fault(
            source,
            Fault::new(Position::START, format!("the file has no `[[{name}]]`"))
                .help(format!("write `{name} = []` to say that there are none")),
        );
    }
    // Users before groups, in whatever order they are written.
    found.sort_by_key(|(role, _)| *role);

    let mut rows_by_role = Vec::new();
    for (role, value) in found {
        let DeValue::Array(rows) = value.get_ref() else {
            let fault = Fault::new(lines.of(value), format!("the {role} are not a list of tables"));
            collector.fault(
                source,
                fault.help("each begins with its name in double brackets, such as `[[user]]`"),
            );
            continue;
        };
        let mut count = 0;
        for row in rows {
            let DeValue::Table(table) = row.get_ref() else {
                collector.fault(source, Fault::new(lines.of(row), "this is not a table"));
                continue;
            };
            count += 1;
            let position = lines.of(row);
            match role {
                Role::Users => {
                    object(ObjectKind::User, table, position, lines, source, collector)?;
                }
                Role::Groups => {
                    object(ObjectKind::Group, table, position, lines, source, collector)?;
                }
                Role::Members => member(table, position, lines, source, collector)?,
                Role::Assignments => assignment(table, position, lines, source, collector)?,
                Role::UsersExtra => {}
            }
        }
        rows_by_role.push((role, count));
    }
    Ok(rows_by_role)
}

fn object(
    kind: ObjectKind,
    table: &DeTable<'_>,
    position: Position,
    lines: &Lines<'_>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), SinkError> {
    let mut cells = Vec::new();
    let mut members = Vec::new();
    let mut faults = Vec::new();
    for (key, value) in table {
        if kind == ObjectKind::Group && key.get_ref().eq_ignore_ascii_case("members") {
            member_list(value, lines, &mut members, &mut faults);
        } else {
            flatten(key.get_ref(), value, &collector.names, lines, &mut cells, &mut faults);
        }
    }
    if !faults.is_empty() {
        collector.faults(source, faults);
        return Ok(());
    }
    let cells: Vec<_> = cells
        .iter()
        .map(|(column, value, position)| RawCell { column, value: value.clone(), position: *position })
        .collect();
    collector.has_attributes(kind, cells.iter().map(|cell| cell.column));
    if let Some(id) = collector.object(kind, cells, source, position)? {
        for (member, position) in members {
            collector.membership(&id, &member, source, position)?;
        }
    }
    Ok(())
}

fn member_list(
    value: &Spanned<DeValue<'_>>,
    lines: &Lines<'_>,
    members: &mut Vec<(String, Position)>,
    faults: &mut Vec<Fault>,
) {
    let DeValue::Array(values) = value.get_ref() else {
        faults.push(Fault::new(lines.of(value), "`members` is not a list"));
        return;
    };
    for value in values {
        match value.get_ref().as_str().map(str::trim) {
            Some(member) if !member.is_empty() => members.push((member.to_owned(), lines.of(value))),
            _ => faults.push(
                Fault::new(lines.of(value), "a member is a text that is not empty")
                    .help("an objectId, a userPrincipalName or a group's displayName"),
            ),
        }
    }
}

/// Turns a key into cells; a table into one for each of its own, their names joined by a dot.
fn flatten(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    names: &Names,
    lines: &Lines<'_>,
    cells: &mut Vec<(Column, Raw, Position)>,
    faults: &mut Vec<Fault>,
) {
    let raw = match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{name}.{}", key.get_ref()), value, names, lines, cells, faults);
            }
            return;
        }
        DeValue::Array(values) => {
            values.iter().map(|value| scalar(value.get_ref())).collect::<Option<Vec<_>>>().map(Raw::List)
        }
        value @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => scalar(value).map(Raw::Text),
    };
    match raw {
        Some(raw) => cells.push((names.resolve(name), raw, lines.of(value))),
        None => faults.push(
            Fault::new(lines.of(value), format!("`{name}` holds neither a text nor a list of texts"))
                .help("attributes are texts, booleans, numbers, dates, or lists of these"),
        ),
    }
}

/// The text of a value that is one; booleans are `True` and `False`.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(if *value { "True" } else { "False" }.to_owned()),
        DeValue::Integer(number) => Some(
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
        ),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn member(
    table: &DeTable<'_>,
    position: Position,
    lines: &Lines<'_>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), SinkError> {
    let [group, member] = match texts(table, ["group", "member"], 2, position, lines) {
        Ok(texts) => texts,
        Err(faults) => {
            collector.faults(source, faults);
            return Ok(());
        }
    };
    collector.membership(group.unwrap_or_default(), member.unwrap_or_default(), source, position)
}

fn assignment(
    table: &DeTable<'_>,
    position: Position,
    lines: &Lines<'_>,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), SinkError> {
    let [principal, role, job] = match texts(table, ["principal", "appRole", "job"], 1, position, lines) {
        Ok(texts) => texts,
        Err(faults) => {
            collector.faults(source, faults);
            return Ok(());
        }
    };
    collector.assignment(principal.unwrap_or_default(), role, job, source, position)
}

/// The texts of these keys and no others; the first `required` of them must be there.
fn texts<'t, const N: usize>(
    table: &'t DeTable<'_>,
    names: [&str; N],
    required: usize,
    position: Position,
    lines: &Lines<'_>,
) -> Result<[Option<&'t str>; N], Vec<Fault>> {
    let mut faults = Vec::new();
    for (key, value) in table {
        if !names.iter().any(|name| key.get_ref().eq_ignore_ascii_case(name)) {
            let fault = Fault::new(lines.of(key), format!("unknown key `{}`", key.get_ref()));
            faults.push(match did_you_mean(key.get_ref(), names) {
                Some(meant) => fault.help(format!("did you mean `{meant}`?")),
                None => fault.help(format!("the keys are: {}", names.join(", "))),
            });
        } else if value.get_ref().as_str().is_none() {
            faults.push(Fault::new(lines.of(value), format!("`{}` is not a text", key.get_ref())));
        }
    }
    let found = names.map(|name| {
        table
            .iter()
            .find(|(key, _): &(&Key<'_>, _)| key.get_ref().eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.get_ref().as_str())
            .map(str::trim)
            .filter(|text| !text.is_empty())
    });
    for (name, _) in names.iter().zip(&found).take(required).filter(|(_, text)| text.is_none()) {
        faults.push(Fault::new(position, format!("`{name}` is missing")));
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// Turns byte offsets into lines and columns.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    fn of<T>(&self, spanned: &Spanned<T>) -> Position {
        self.position(spanned.span().start)
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default().chars().count();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(before + 1) }
    }
}
