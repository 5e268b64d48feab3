//! Answers of Microsoft Graph saved as files (`exports.md 4`): pages, delta answers, expanded managers and members.
//!
//! Objects are read one at a time; a page may be of any size.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Place};
use crate::directory::object::ObjectKind;

use super::collect::{Collector, Raw, RawCell, Source};
use super::names::{Column, Names};
use super::text::{Fault, Position, TextReader};
use super::{Removal, RemovalRow, Role, SinkError};

/// Graph expands at most this many members of a group, without a word about the rest.
const EXPANDED_MEMBERS_MAX: usize = 20;

/// The pages of one role, to see that the last one is there.
#[derive(Debug, Default)]
pub(super) struct Pages {
    count: usize,
    with_next: usize,
    last: Option<Place>,
}

impl Pages {
    /// An error when every page promises a further one.
    pub(super) fn fault(&self, role: Role) -> Option<Diagnostic> {
        let place = self.last.clone().filter(|_| self.count == self.with_next)?;
        Some(
            Diagnostic::error(format!(
                "the last page of the {role} is missing: every page has an `@odata.nextLink`"
            ))
            .at(place)
            .help("fetch the `@odata.nextLink` of the last page, again and again, and save each answer"),
        )
    }
}

/// Reads one page. Gives the number of objects.
pub(super) fn read(
    role: Role,
    text: TextReader<File>,
    pages: &mut Pages,
    source: Source<'_>,
    collector: &mut Collector<'_>,
) -> Result<u64, SinkError> {
    let kind = if role == Role::Groups { ObjectKind::Group } else { ObjectKind::User };
    let shared = Rc::new(Shared { position: Cell::new(Position::START), fault: Cell::new(None) });
    let feed = Feed { text, shared: Rc::clone(&shared), waiting: [0; 4], left: 0 };
    let mut page =
        Page { kind, source, shared: &shared, collector, count: 0, has_next: false, stopped: None };
    let mut json = serde_json::Deserializer::from_reader(feed);
    let outcome = PageSeed(&mut page).deserialize(&mut json).and_then(|()| json.end());
    let Page { count, has_next, stopped, .. } = page;
    if let Some(error) = stopped {
        return Err(error);
    }
    pages.count += 1;
    pages.with_next += usize::from(has_next);
    pages.last = Some(Place::file(source.path));
    if let Err(error) = outcome {
        // What is wrong with the bytes says more than what is then wrong with the JSON.
        let fault = shared.fault.take().unwrap_or_else(|| json_fault(&error, shared.position.get()));
        collector.fault(source, fault);
        // It may be the page that has the last objects.
        pages.with_next -= usize::from(has_next);
    }
    Ok(count)
}

fn json_fault(error: &serde_json::Error, position: Position) -> Fault {
    let words = error.to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    if error.is_eof() {
        Fault::new(position, "the JSON ends too early: the file is cut off").help("save the answer again")
    } else if error.is_data() {
        Fault::new(position, words).help("a page is `{\"value\": [ … ]}`, as Graph answers, or a bare list")
    } else {
        Fault::new(position, format!("not valid JSON: {words}")).help("each file holds one page")
    }
}

/// What the feed and its reader share: the parser sees bytes only.
struct Shared {
    /// Of the last character handed out.
    position: Cell<Position>,
    fault: Cell<Option<Fault>>,
}

/// The decoded characters as bytes of UTF-8.
struct Feed {
    text: TextReader<File>,
    shared: Rc<Shared>,
    /// Bytes of the present character, those left at the end.
    waiting: [u8; 4],
    left: usize,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let position = self.text.position();
            let next = self.text.next().map_err(|fault| {
                self.shared.fault.set(Some(fault));
                io::Error::from(io::ErrorKind::InvalidData)
            })?;
            let Some(c) = next else {
                return Ok(0);
            };
            self.shared.position.set(position);
            let mut bytes = [0; 4];
            self.left = c.encode_utf8(&mut bytes).len();
            bytes.rotate_left(self.left);
            self.waiting = bytes;
        }
        let from = self.waiting.get(4 - self.left..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(from) {
            *to = *from;
        }
        self.left -= count;
        Ok(count)
    }
}

struct Page<'p, 'c> {
    kind: ObjectKind,
    source: Source<'p>,
    shared: &'p Shared,
    collector: &'p mut Collector<'c>,
    count: u64,
    has_next: bool,
    stopped: Option<SinkError>,
}

struct PageSeed<'s, 'p, 'c>(&'s mut Page<'p, 'c>);

impl<'de> DeserializeSeed<'de> for PageSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of Graph with a list `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_value = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "value" if has_value => return Err(A::Error::custom("`value` stands twice")),
                "value" => {
                    has_value = true;
                    map.next_value_seed(ListSeed(self.0))?;
                }
                "@odata.nextLink" => self.0.has_next = map.next_value::<Option<IgnoredAny>>()?.is_some(),
                "error" => {
                    let error: Value = map.next_value()?;
                    let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
                    return Err(A::Error::custom(format!(
                        "this is an error that Graph answered, not a page: {}: {}",
                        part("code"),
                        part("message")
                    )));
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_value { Ok(()) } else { Err(A::Error::custom("the page has no list `value`")) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        ListSeed(self.0).visit_seq(list)
    }
}

struct ListSeed<'s, 'p, 'c>(&'s mut Page<'p, 'c>);

impl<'de> DeserializeSeed<'de> for ListSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some((position, object)) = list.next_element_seed(ObjectSeed(self.0.shared))? {
            self.0.count += 1;
            if let Err(error) = self.0.object(&object, position) {
                self.0.stopped = Some(error);
                return Err(A::Error::custom("the sink failed"));
            }
        }
        Ok(())
    }
}

/// Reads one object and notes where it starts.
struct ObjectSeed<'p>(&'p Shared);

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = (Position, Map<String, Value>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // The parser has just looked at the first character of the object, and no further.
        let position = self.0.position.get();
        Ok((position, Map::deserialize(deserializer)?))
    }
}

impl Page<'_, '_> {
    fn object(&mut self, object: &Map<String, Value>, position: Position) -> Result<(), SinkError> {
        let Self { kind, source, .. } = *self;
        if let Some(removed) = object.get("@removed") {
            return self.removed(removed, object.get("id"), position);
        }
        let mut cells = Vec::new();
        let mut members = Vec::new();
        for (key, value) in object {
            let lower = key.to_lowercase();
            match (kind, lower.as_str()) {
                (ObjectKind::Group, "members" | "members@delta") => {
                    self.members(key, value, position, &mut members);
                }
                (ObjectKind::Group, "members@odata.nextlink") => self.collector.fault(
                    source,
                    Fault::new(position, "the members of this group go on at `members@odata.nextLink`").help(
                        "save them all as `members/<objectId>.csv`, and ask for the groups without `$expand`",
                    ),
                ),
                (ObjectKind::User, "manager") if value.is_object() => {
                    // A deleted manager comes without an id, and counts as none.
                    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
                    cells.push((self.collector.names.resolve(key), Raw::Text(id.to_owned())));
                }
                // Annotations, such as `@odata.type` and `manager@odata.context`.
                (_, key) if key.contains('@') => {}
                _ => flatten(key, value, &self.collector.names, &mut cells),
            }
        }
        let cells: Vec<_> =
            cells.iter().map(|(column, value)| RawCell { column, value: value.clone(), position }).collect();
        self.collector.has_attributes(kind, cells.iter().map(|cell| cell.column));
        if let Some(id) = self.collector.object(kind, cells, source, position)? {
            for member in members {
                self.collector.membership(&id, &member, source, position)?;
            }
        }
        Ok(())
    }

    fn removed(&mut self, removed: &Value, id: Option<&Value>, position: Position) -> Result<(), SinkError> {
        let removal = match removed.get("reason").and_then(Value::as_str) {
            Some("changed") => Some(Removal::SoftDeleted),
            Some("deleted") => Some(Removal::Purged),
            _ => None,
        };
        let id = id.and_then(Value::as_str).map(str::trim).filter(|id| !id.is_empty());
        match (removal, id) {
            (Some(removal), Some(id)) => {
                let row = RemovalRow { kind: self.kind, id: id.to_owned(), removal };
                self.collector.removal(row, self.source, position)
            }
            (None, _) => {
                let fault = Fault::new(position, "`@removed` has no reason `changed` or `deleted`");
                self.collector.fault(self.source, fault);
                Ok(())
            }
            (_, None) => {
                self.collector.fault(self.source, Fault::new(position, "the removed object has no `id`"));
                Ok(())
            }
        }
    }

    fn members(&mut self, key: &str, value: &Value, position: Position, members: &mut Vec<String>) {
        let Some(values) = value.as_array() else {
            self.collector.fault(self.source, Fault::new(position, format!("`{key}` is not a list")));
            return;
        };
        for value in values.iter().filter(|value| value.get("@removed").is_none()) {
            match value.get("id").and_then(Value::as_str) {
                Some(id) if !id.trim().is_empty() => members.push(id.to_owned()),
                _ => self.collector.fault(
                    self.source,
                    Fault::new(position, format!("an object in `{key}` has no `id`"))
                        .help("expand them with their ids: `$expand=members($select=id)`"),
                ),
            }
        }
        if key.eq_ignore_ascii_case("members") && values.len() == EXPANDED_MEMBERS_MAX {
            self.collector.report(
                Diagnostic::warning(format!(
                    "the group has exactly {EXPANDED_MEMBERS_MAX} members, which is where `$expand` stops"
                ))
                .at(self.source.place(position))
                .help("if it has more, save them all as `members/<objectId>.csv`"),
            );
        }
    }
}

/// Turns a property into cells; an object into one for each of its own, their names joined by a dot. Null is absent,
/// and so are lists of objects (licences, identities): no source attribute holds them.
fn flatten(name: &str, value: &Value, names: &Names, cells: &mut Vec<(Column, Raw)>) {
    let raw = match value {
        Value::Object(object) => {
            for (key, value) in object.iter().filter(|(key, _)| !key.contains('@')) {
                flatten(&format!("{name}.{key}"), value, names, cells);
            }
            return;
        }
        Value::Array(values) => values.iter().map(scalar).collect::<Option<Vec<_>>>().map(Raw::List),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            scalar(value).map(Raw::Text)
        }
    };
    if let Some(raw) = raw {
        cells.push((names.resolve(name), raw));
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(if *value { "True" } else { "False" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
