//! One import of the directory files: all of it, or nothing (design, law 3).
//!
//! Rows are compared with the last import as they stream in; what differs is staged beside the database, so nobody is
//! kept from it while files are read. [`Import::finish`] then takes the write lock, writes what was staged, and keeps
//! all of it or nothing. Memory holds hashes of rows and edges, not the rows.

mod edges;
mod gone;
mod vanish;

use std::path::PathBuf;

use rusqlite::params;

use super::directory::{ObjectState, label_of, manager_of, render_row};
use super::{Store, StoreError, stamp};
use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, Place};
use crate::directory::object::{ObjectKind, SourceObject};

pub use vanish::{Vanished, Vanishing};

/// How many dangling references are reported one by one; the rest is a number.
const DANGLING_REPORTED_MAX: usize = 20;
/// The named value that counts the imports that changed rows: one that finds it moved was overtaken.
const IMPORTS: &str = "imports";

/// An import in progress. Dropped without [`Import::finish`], it leaves no trace.
#[derive(Debug)]
pub struct Import<'s> {
    store: &'s mut Store,
    now: Timestamp,
    /// Which import `known` is from.
    imports: u64,
    /// Every object that the files had last time, sorted: 32 bytes each, whatever a row holds.
    known: Vec<Known>,
    /// Files that rows came from; staged rows name them by their place in here.
    files: Vec<PathBuf>,
    /// Objects read.
    read: u64,
    staging: bool,
}

/// An object of the last import.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Hash of kind and objectId; 128 bits, so that two of a million do not meet.
    identity: u128,
    /// Beginning of the row's fingerprint.
    fingerprint: u64,
    /// Whether this import has it too.
    seen: bool,
}

/// What an accepted import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Users and groups read.
    pub objects: u64,
    /// Entries added to the change log.
    pub changes: u64,
    /// Users that vanished and went to the recycle bin.
    pub vanished: u64,
    /// Dangling references and the like.
    pub warnings: Vec<Diagnostic>,
}

/// Why an import is refused. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportFault {
    /// More vanished at once than `vanish_limit` allows (design 9): what is too many, at least one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Vanished(Vec<Vanished>),
    /// A file that the last import read is gone, and no other took its place.
    #[error("the {role} file `{path}` was read before and is gone")]
    FileGone {
        /// What it held: users, groups, members or assignments.
        role: String,
        /// The file.
        path: String,
        /// Whether other files still hold some of the same, so that a person may accept it.
        is_part: bool,
    },
    /// A name that fits several groups.
    #[error("references that fit several groups")]
    Ambiguous(Vec<Diagnostic>),
    /// Another import changed the directory while this one read its files; to be done again.
    #[error("another import went ahead of this one")]
    Overtaken,
    /// The state file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Begins an import at job time `now`.
    pub fn begin_import(&mut self, now: Timestamp) -> Result<Import<'_>, StoreError> {
        let imports = self.imports()?;
        let known = self.known_rows()?;
        // Only scratch tables are written until the end, which locks nobody out.
        self.batch("SAVEPOINT staging; DELETE FROM temp.staged_edge; DELETE FROM temp.staged_row;")?;
        Ok(Import { store: self, now, imports, known, files: Vec::new(), read: 0, staging: true })
    }

    /// How many imports have changed rows.
    fn imports(&self) -> Result<u64, StoreError> {
        let Some(count) = self.meta(IMPORTS)? else { return Ok(0) };
        count.parse().map_err(|_| StoreError::Corrupt(format!("`{count}` imports")))
    }

    /// What the files had last time, by identity.
    fn known_rows(&self) -> Result<Vec<Known>, StoreError> {
        let mut known = Vec::new();
        let mut statement =
            self.connection.prepare_cached("SELECT kind, id, fingerprint FROM object WHERE in_file = 1")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let kind = super::directory::kind(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
            let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let fingerprint = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            known.push(Known { identity: identity(kind, id), fingerprint: short(fingerprint), seen: false });
        }
        known.sort_unstable_by_key(|known| known.identity);
        Ok(known)
    }
}

impl Import<'_> {
    /// One user or group row.
    pub fn object(&mut self, object: &SourceObject, place: &Place) -> Result<(), StoreError> {
        self.read += 1;
        let row = render_row(&object.attributes);
        let mut hasher = blake3::Hasher::new();
        hasher.update(row.as_bytes());
        hasher.update(object.deleted.map(stamp).unwrap_or_default().as_bytes());
        let fingerprint = hasher.finalize();
        let fingerprint = fingerprint.as_bytes().as_slice();
        if let Some(known) = self.known_mut(object.kind, &object.id) {
            known.seen = true;
            if known.fingerprint == short(fingerprint) {
                return Ok(());
            }
        }
        let file = self.file_number(place);
        self.store
            .connection
            .prepare_cached(
                "INSERT INTO temp.staged_row (kind, id, state, since, id_given, label, manager, fingerprint, row, file, line)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                object.kind.as_str(),
                object.id,
                if object.deleted.is_some() { "recycled" } else { "active" },
                object.deleted.map(|since| stamp(since.min(self.now))),
                object.id_given,
                label_of(object.kind, &object.attributes, &object.id),
                manager_of(&object.attributes),
                fingerprint,
                row,
                file,
                place.line
            ])?;
        Ok(())
    }

    /// A user or group that a delta answer declares deleted for good (`@removed`, reason `deleted`).
    pub fn purged(&mut self, kind: ObjectKind, id: &str) -> Result<(), StoreError> {
        self.removed(kind, id, "gone")
    }

    /// A user that a delta answer declares soft-deleted (`@removed`, reason `changed`); a group goes for good.
    pub fn recycled(&mut self, kind: ObjectKind, id: &str) -> Result<(), StoreError> {
        match kind {
            ObjectKind::User => self.removed(kind, id, "recycled"),
            ObjectKind::Group => self.purged(kind, id),
        }
    }

    /// The row says that it has gone, so it has not vanished.
    fn removed(&mut self, kind: ObjectKind, id: &str, state: &str) -> Result<(), StoreError> {
        self.store
            .connection
            .prepare_cached("INSERT INTO temp.staged_row (kind, id, state, since) VALUES (?1, ?2, ?3, ?4)")?
            .execute([kind.as_str(), id, state, &stamp(self.now)])?;
        Ok(())
    }

    /// One member of a group, both as the file names them.
    pub fn membership(&mut self, group: &str, member: &str, place: &Place) -> Result<(), StoreError> {
        self.edge("membership", group, member, "", place)
    }

    /// One assignment to a job (`""` for every job), the role by value (`""` for default access).
    pub fn assignment(
        &mut self,
        job: &str,
        principal: &str,
        role: &str,
        place: &Place,
    ) -> Result<(), StoreError> {
        self.edge("assignment", role, principal, job, place)
    }

    fn edge(
        &mut self,
        what: &str,
        parent: &str,
        member: &str,
        job: &str,
        place: &Place,
    ) -> Result<(), StoreError> {
        let file = self.file_number(place);
        self.store
            .connection
            .prepare_cached(
                "INSERT INTO temp.staged_edge (what, parent, member, member_key, job, file, line)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![what, parent, member, member.to_lowercase(), job, file, place.line])?;
        Ok(())
    }

    /// Accepts the import: what was staged is written, what is missing has vanished, edges are compared, the files
    /// are remembered.
    ///
    /// `files` are path, role and number of rows of each file read; `vanish_limit` is the share in percent and the
    /// least number, `None` when a person has accepted whatever vanished.
    pub fn finish(
        mut self,
        files: &[(String, String, u64)],
        vanish_limit: Option<(u32, u32)>,
    ) -> Result<Imported, ImportFault> {
        self.store.batch("RELEASE staging")?;
        self.staging = false;
        self.store.begin_step()?;
        let result = self.write(files, vanish_limit);
        self.store.end_step(result.is_ok())?;
        result
    }

    fn write(
        &mut self,
        files: &[(String, String, u64)],
        vanish_limit: Option<(u32, u32)>,
    ) -> Result<Imported, ImportFault> {
        if self.store.imports()? != self.imports {
            return Err(ImportFault::Overtaken);
        }
        let before = self.store.last_seq()?;
        if let Some(fault) = gone::missing_file(&self.files_read_before()?, files, vanish_limit.is_none()) {
            return Err(fault);
        }
        let rows = self.write_rows()?;
        let missing = self.missing()?;
        let mut tally = missing.tally();
        let vanished = missing.users.vanished;
        self.write_missing(&missing)?;
        self.store.log_reports(before, self.now)?;
        let edges = self.write_edges()?;
        tally.extend(edges.tally);
        if let Some(limit) = vanish_limit {
            let held = vanish::held(tally, limit, files);
            if !held.is_empty() {
                return Err(ImportFault::Vanished(held));
            }
        }
        let mut warnings = edges.warnings;
        warnings.extend(self.dangling_managers()?);
        self.remember_files(files)?;
        if 0 < rows || !missing.objects.is_empty() {
            self.store.set_meta(IMPORTS, Some(&self.imports.saturating_add(1).to_string()))?;
        }
        let changes = self.store.last_seq()?.saturating_sub(before).unsigned_abs();
        Ok(Imported { objects: self.read, changes, vanished, warnings })
    }

    /// Path and role of the files of the last import, by role.
    fn files_read_before(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement =
            self.store.connection.prepare_cached("SELECT path, role FROM source_file ORDER BY role, path")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn remember_files(&self, files: &[(String, String, u64)]) -> Result<(), StoreError> {
        self.store.execute("DELETE FROM source_file", [])?;
        for (path, role, rows) in files {
            self.store.execute(
                "INSERT OR REPLACE INTO source_file VALUES (?1, ?2, ?3)",
                params![path, role, i64::try_from(*rows).unwrap_or(i64::MAX)],
            )?;
        }
        Ok(())
    }

    /// Writes the staged rows in the order in which they came; returns how many there were.
    fn write_rows(&self) -> Result<u64, StoreError> {
        let mut next_position: i64 = self.store.query_row(
            "SELECT MAX(COALESCE((SELECT MAX(position) FROM object WHERE kind = 'User'), 0),
                        COALESCE((SELECT MAX(position) FROM object WHERE kind = 'Group'), 0)) + 1",
            [],
            |row| row.get(0),
        )?;
        let mut statement = self.store.connection.prepare_cached(
            "SELECT rowid, kind, id, state, since, row IS NULL FROM temp.staged_row ORDER BY rowid",
        )?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            let kind = super::directory::kind(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
            let id: String = row.get(2)?;
            let since: Option<String> = row.get(4)?;
            let wanted = super::directory::state(&row.get::<_, String>(3)?, since.as_deref())?;
            if row.get(5)? {
                self.write_removal(kind, &id, wanted)?;
            } else if self.write_row(row.get(0)?, next_position, (kind, &id), wanted)? {
                next_position += 1;
            }
        }
        Ok(count)
    }

    /// Writes a staged row; whether the object is new.
    fn write_row(
        &self,
        rowid: i64,
        position: i64,
        (kind, id): (ObjectKind, &str),
        wanted: ObjectState,
    ) -> Result<bool, StoreError> {
        let state = self.store.state_of(kind, id)?;
        // The row decides from here on: an edit by command stood until now (design 9).
        self.store
            .connection
            .prepare_cached(
                "INSERT INTO object (kind, id, id_given, label, label_key, manager, fingerprint, file_row, edited_row,
                                     position, edited, in_file, state, deleted_at)
                 SELECT kind, id, id_given, label, scimulator_lower(label), manager, fingerprint, row, NULL,
                        ?2, 0, 1, 'active', NULL FROM temp.staged_row WHERE rowid = ?1
                 ON CONFLICT DO UPDATE SET id_given = excluded.id_given, label = excluded.label,
                    label_key = excluded.label_key, manager = excluded.manager, fingerprint = excluded.fingerprint,
                    file_row = excluded.file_row, edited_row = NULL, edited = 0, in_file = 1",
            )?
            .execute([rowid, position])?;
        match (state, wanted) {
            (None | Some(ObjectState::Gone(_)), ObjectState::Active) => {
                self.store
                    .connection
                    .prepare_cached(
                        "UPDATE object SET state = 'active', deleted_at = NULL
                          WHERE kind = ?1 AND id = ?2 AND state <> 'active'",
                    )?
                    .execute([kind.as_str(), id])?;
                self.store.log_change(self.now, kind, id, "added", None)?;
                if kind == ObjectKind::User {
                    self.store.note_manager(id)?;
                }
            }
            (None, ObjectState::Recycled(_) | ObjectState::Gone(_)) => {
                self.store.log_change(self.now, kind, id, "added", None)?;
                self.store.set_state(kind, id, wanted, self.now)?;
            }
            (Some(ObjectState::Gone(_)), ObjectState::Recycled(_) | ObjectState::Gone(_)) => {}
            (Some(ObjectState::Recycled(_)), ObjectState::Active) => {
                self.store.set_state(kind, id, ObjectState::Active, self.now)?;
            }
            (Some(ObjectState::Active), ObjectState::Recycled(_) | ObjectState::Gone(_)) => {
                self.store.set_state(kind, id, wanted, self.now)?;
            }
            (Some(ObjectState::Active), ObjectState::Active)
            | (Some(ObjectState::Recycled(_)), ObjectState::Recycled(_) | ObjectState::Gone(_)) => {
                self.store.log_change(self.now, kind, id, "updated", None)?;
            }
        }
        Ok(state.is_none())
    }

    fn write_removal(&self, kind: ObjectKind, id: &str, wanted: ObjectState) -> Result<(), StoreError> {
        let Some(state) = self.store.state_of(kind, id)? else { return Ok(()) };
        self.leave_file(kind, id)?;
        let moves = match (state, wanted) {
            (ObjectState::Active, _) | (ObjectState::Recycled(_), ObjectState::Gone(_)) => true,
            (ObjectState::Recycled(_) | ObjectState::Gone(_), _) => false,
        };
        if moves { self.store.set_state(kind, id, wanted, self.now) } else { Ok(()) }
    }

    fn leave_file(&self, kind: ObjectKind, id: &str) -> Result<(), StoreError> {
        self.store
            .connection
            .prepare_cached("UPDATE object SET in_file = 0 WHERE kind = ?1 AND id = ?2")?
            .execute([kind.as_str(), id])?;
        Ok(())
    }

    fn known(&self, kind: ObjectKind, id: &str) -> Option<&Known> {
        let identity = identity(kind, id);
        let at = self.known.binary_search_by_key(&identity, |known| known.identity).ok()?;
        self.known.get(at)
    }

    fn known_mut(&mut self, kind: ObjectKind, id: &str) -> Option<&mut Known> {
        let identity = identity(kind, id);
        let at = self.known.binary_search_by_key(&identity, |known| known.identity).ok()?;
        self.known.get_mut(at)
    }

    /// The number by which staged rows name a file. Rows come file by file.
    fn file_number(&mut self, place: &Place) -> u32 {
        if self.files.last() != Some(&place.file) {
            self.files.push(place.file.clone());
        }
        u32::try_from(self.files.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The place of a staged row.
    fn place(&self, file: Option<u32>, line: Option<u32>) -> Option<Place> {
        let file = self.files.get(usize::try_from(file?).ok()?)?;
        Some(Place { file: file.clone(), line, column: None })
    }

    /// Managers that are nowhere in the directory, of the rows that this import brought or changed.
    fn dangling_managers(&self) -> Result<Vec<Diagnostic>, StoreError> {
        let mut statement = self.store.connection.prepare_cached(DANGLING_MANAGERS)?;
        let mut rows = statement.query([])?;
        let mut findings = Findings::new(Diagnostic::warning);
        while let Some(row) = rows.next()? {
            let (manager, label): (String, String) = (row.get(2)?, row.get(3)?);
            findings.add(self.place(row.get(0)?, row.get(1)?), || {
                format!(
                    "no user is called `{manager}`, the manager of `{label}`; the reference counts as absent"
                )
            });
        }
        Ok(findings.into_list())
    }
}

const DANGLING_MANAGERS: &str = "
SELECT s.file, s.line, u.manager, u.label
  FROM temp.staged_row s JOIN object u ON u.kind = s.kind AND u.id = s.id
 WHERE s.kind = 'User' AND s.manager IS NOT NULL AND u.state = 'active'
   AND NOT EXISTS (SELECT 1 FROM object m WHERE m.kind = 'User' AND m.id = u.manager AND m.state = 'active')
   AND NOT EXISTS (SELECT 1 FROM object m
        WHERE m.kind = 'User' AND m.label_key = scimulator_lower(u.manager) AND m.state = 'active')
   AND NOT EXISTS (SELECT 1 FROM temp.file_name f
        JOIN object m ON m.kind = f.kind AND m.id = f.id AND m.state = 'active'
        WHERE f.kind = 'User' AND f.key = scimulator_lower(u.manager))
 ORDER BY s.rowid";

/// Findings of one sort, of which there may be one for each row: the first few are kept, the rest is counted.
struct Findings {
    make: fn(String) -> Diagnostic,
    kept: Vec<Diagnostic>,
    more: usize,
}

impl Findings {
    fn new(make: fn(String) -> Diagnostic) -> Self {
        Self { make, kept: Vec::new(), more: 0 }
    }

    fn add(&mut self, place: Option<Place>, message: impl FnOnce() -> String) {
        if self.kept.len() < DANGLING_REPORTED_MAX {
            self.kept.push(Diagnostic { place, ..(self.make)(message()) });
        } else {
            self.more += 1;
        }
    }

    fn into_list(mut self) -> Vec<Diagnostic> {
        if 0 < self.more {
            self.kept.push((self.make)(format!("and {} more like these", self.more)));
        }
        self.kept
    }
}

impl Drop for Import<'_> {
    fn drop(&mut self) {
        if self.staging {
            // A failure to roll back leaves scratch tables as they are, and the next import empties them.
            drop(self.store.batch("ROLLBACK TO staging; RELEASE staging"));
        }
    }
}

/// The beginning of a fingerprint: enough to tell one row of an object from its next.
fn short(fingerprint: &[u8]) -> u64 {
    fingerprint.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn identity(kind: ObjectKind, id: &str) -> u128 {
    hash(&[kind.as_str(), id])
}

/// A hash of 128 bits: two of a million do not meet.
fn hash(parts: &[&str]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    u128::from_le_bytes(bytes)
}
