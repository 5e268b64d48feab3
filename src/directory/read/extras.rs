//! `users.extra.csv`: attributes that the admin center's exports lack, joined to the users by identity.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Place};
use crate::directory::object::SourceObject;
use crate::expression::AttributeValue;

use super::collect::fingerprint;
use super::text::Position;

/// Largest `users.extra.csv`, in bytes: unlike the other files it is held in memory while the users are read. One
/// byte more is an error.
pub const EXTRA_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The rows that still wait for their user.
pub(super) struct Extras {
    path: PathBuf,
    rows: BTreeMap<u64, Extra>,
}

struct Extra {
    line: u32,
    key: String,
    cells: Vec<ExtraCell>,
}

/// One cell of such a row.
pub(super) struct ExtraCell {
    pub(super) name: std::sync::Arc<str>,
    pub(super) value: AttributeValue,
    pub(super) position: Position,
}

impl Extras {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), rows: BTreeMap::new() }
    }

    /// Keeps a row for the user of this objectId or else userPrincipalName. Gives the line of an earlier row for the
    /// same key.
    pub(super) fn insert(
        &mut self,
        id: Option<&str>,
        name: &str,
        line: u32,
        cells: Vec<ExtraCell>,
    ) -> Option<u32> {
        let (sort, key) = id.map_or(("upn", name), |id| ("id", id));
        let extra = Extra { line, key: key.to_owned(), cells };
        self.rows.insert(fingerprint(sort, key), extra).map(|earlier| earlier.line)
    }

    /// Moves what waits for this user into it; gives an error for each attribute that both give differently.
    pub(super) fn fill_in(&mut self, user: &mut SourceObject) -> Vec<Diagnostic> {
        let by_id = self.rows.remove(&fingerprint("id", &user.id));
        let by_name = self.rows.remove(&fingerprint("upn", user.label()));
        let mut conflicts = Vec::new();
        for cell in by_id.into_iter().chain(by_name).flat_map(|extra| extra.cells) {
            match user.attributes.get(&*cell.name) {
                None => {
                    user.attributes.insert(cell.name.to_string(), cell.value);
                }
                Some(own) if *own == cell.value => {}
                Some(_) => conflicts.push(
                    Diagnostic::error(format!(
                        "`{}` of `{}` is given here and in the users' file, with different values",
                        cell.name,
                        user.label()
                    ))
                    .at(Place::at(&self.path, cell.position.line, cell.position.column))
                    .help("remove the column from one of the two files"),
                ),
            }
        }
        conflicts
    }

    /// A warning for each row whose user did not come, by line.
    pub(super) fn unused(self) -> Vec<Diagnostic> {
        let mut rows: Vec<Extra> = self.rows.into_values().collect();
        rows.sort_by_key(|extra| extra.line);
        rows.into_iter()
            .map(|extra| {
                Diagnostic::warning(format!("no user `{}`: the row is not used", extra.key))
                    .at(Place::line(&self.path, extra.line))
                    .help(
                        "a row belongs to the user of its objectId or, without one, of its userPrincipalName",
                    )
            })
            .collect()
    }
}
