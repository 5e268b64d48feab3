//! `directory list`: everybody, a page at a time.

use serde_json::Value;

use super::super::context::Context;
use super::super::session::store_failure;
use super::super::{Exit, Failure};
use super::{Tenant, status, to_json};
use crate::directory::object::ObjectKind;
use crate::store::{Store, StoredObject};

/// Objects in memory at once.
const PAGE_OBJECTS: usize = 1_000;
/// The most characters by which a column is widened; a longer text pushes the rest of its row.
const COLUMN_CHARS_MAX: usize = 60;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let (tenant, exit) = Tenant::to_look_at(context)?;
    let output = context.output;
    if output.is_json() {
        output.text("{\"value\": [")?;
        let mut first = true;
        pages(&tenant.store, |page| {
            let lines: Vec<String> =
                page.iter().map(|object| Value::Object(to_json(object)).to_string()).collect();
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            output.text(&format!("{comma}{}", lines.join(",\n")))
        })?;
        output.text("]}")?;
        return Ok(exit);
    }
    let mut widths = None;
    pages(&tenant.store, |page| {
        let mut rows: Vec<[String; 5]> = page.iter().map(row).collect();
        if widths.is_none() {
            rows.insert(0, ["TYPE", "NAME", "DISPLAY NAME", "STATE", "OBJECT ID"].map(str::to_owned));
        }
        // The first page decides, so that no other has to be seen before it is printed; it may lack groups.
        let widths = widths.get_or_insert_with(|| {
            rows.push([ObjectKind::Group.as_str(), "", "", "recycle bin, edited", ""].map(str::to_owned));
            let widths = widths_of(&rows);
            rows.pop();
            widths
        });
        output.text(&rows.iter().map(|row| line(row, widths)).collect::<Vec<_>>().join("\n"))
    })?;
    let counts: Vec<String> = [(ObjectKind::User, "user"), (ObjectKind::Group, "group")]
        .into_iter()
        .map(|(kind, name)| {
            let (active, recycled) =
                tenant.store.object_counts(kind).map_err(|error| store_failure(&error))?;
            let plural = if active == 1 { "" } else { "s" };
            let bin =
                if 0 < recycled { format!(" and {recycled} in the recycle bin") } else { String::new() };
            Ok(format!("{active} {name}{plural}{bin}"))
        })
        .collect::<Result<_, Failure>>()?;
    output.note(&counts.join(", "));
    Ok(exit)
}

/// Every object that is not gone, users first, in the order of the source.
fn pages(store: &Store, mut take: impl FnMut(&[StoredObject]) -> Result<(), Failure>) -> Result<(), Failure> {
    for kind in [ObjectKind::User, ObjectKind::Group] {
        let mut position = i64::MIN;
        loop {
            let page =
                store.objects_after(kind, position, PAGE_OBJECTS).map_err(|error| store_failure(&error))?;
            let Some(last) = page.last() else { break };
            position = last.position;
            take(&page)?;
        }
    }
    Ok(())
}

fn row(object: &StoredObject) -> [String; 5] {
    let state = match status(object) {
        "active" if object.text("accountEnabled") == Some("False") => "disabled",
        "recycled" => "recycle bin",
        other => other,
    };
    let edited = if object.edited { ", edited" } else { "" };
    [
        object.kind.as_str().to_owned(),
        object.label.clone(),
        object.text("displayName").unwrap_or_default().to_owned(),
        format!("{state}{edited}"),
        object.id.clone(),
    ]
}

fn widths_of(rows: &[[String; 5]]) -> [usize; 5] {
    rows.iter().fold([0; 5], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count()).min(COLUMN_CHARS_MAX);
        }
        widths
    })
}

fn line(row: &[String; 5], widths: &[usize; 5]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}   "));
    cells.collect::<String>().trim_end().to_owned()
}
