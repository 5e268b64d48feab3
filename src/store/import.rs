//! One import of the directory files: all of it, or nothing (design, law 3).
//!
//! Rows are compared with the last import as they stream in, inside one transaction that is rolled back unless
//! [`Import::finish`] accepts the whole. Memory holds one hash for each row seen, not the rows.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::params;

use super::directory::{ObjectState, label_of, manager_of, render_row};
use super::{Store, StoreError, stamp};
use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, Place};
use crate::directory::object::{ObjectKind, SourceObject};

/// How many dangling references are reported one by one; the rest is a number.
const DANGLING_REPORTED_MAX: usize = 20;

/// Collects the objects that a command has renamed. Files go on calling them by the names that files give them, so
/// that a rename by command takes nobody out of a group.
const FILE_NAMES: &str = "
CREATE TEMP TABLE IF NOT EXISTS file_name (key TEXT, kind TEXT, id TEXT);
CREATE INDEX IF NOT EXISTS temp.file_name_key ON file_name (key, kind);
CREATE INDEX IF NOT EXISTS temp.file_name_id ON file_name (id, kind);
DELETE FROM temp.file_name;
INSERT INTO temp.file_name
  SELECT key, kind, id FROM (
    SELECT kind, id, label_key, scimulator_lower(COALESCE(json_extract(file_row,
             CASE kind WHEN 'User' THEN '$.userPrincipalName' ELSE '$.displayName' END), id)) AS key
      FROM object WHERE edited = 1 AND in_file = 1)
   WHERE key <> label_key;
";

/// A query for id and state of the objects of a kind that files call by the name `key`, deleted ones left out.
fn named(kind: &str, key: &str) -> String {
    format!(
        "SELECT o.id, o.state FROM object o WHERE o.label_key = {key} AND o.kind = '{kind}' AND o.state <> 'gone'
            AND NOT EXISTS (SELECT 1 FROM temp.file_name f WHERE f.id = o.id AND f.kind = o.kind)
         UNION ALL
         SELECT o.id, o.state FROM temp.file_name f JOIN object o ON o.kind = f.kind AND o.id = f.id
          WHERE f.key = {key} AND f.kind = '{kind}' AND o.state <> 'gone'"
    )
}

/// An import in progress. Dropped without [`Import::finish`], it leaves no trace.
#[derive(Debug)]
pub struct Import<'s> {
    store: &'s mut Store,
    now: Timestamp,
    next_position: i64,
    /// Every object that the files had last time, sorted: 40 bytes each, whatever a row holds.
    known: Vec<Known>,
    /// Objects read.
    read: u64,
    open: bool,
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
    /// More users vanished at once than `vanish_limit` allows (design 9).
    #[error("{vanished} of {known} users vanished from the files at once, more than `vanish_limit` allows")]
    Vanished {
        /// Active users missing from the files.
        vanished: u64,
        /// Active users known before.
        known: u64,
    },
    /// A kind of file that the last import read is gone.
    #[error("the {role} file `{path}` was read before and is gone")]
    FileGone {
        /// What it held: users, groups, members or assignments.
        role: String,
        /// The file.
        path: String,
    },
    /// A name that fits several groups.
    #[error("references that fit several groups")]
    Ambiguous(Vec<Diagnostic>),
    /// The state file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Begins an import at job time `now`.
    pub fn begin_import(&mut self, now: Timestamp) -> Result<Import<'_>, StoreError> {
        self.batch("SAVEPOINT import; DELETE FROM temp.staged_edge; DELETE FROM temp.staged_row;")?;
        let next_position: i64 =
            self.connection
                .query_row("SELECT COALESCE(MAX(position), 0) + 1 FROM object", [], |row| row.get(0))?;
        let known = self.known_rows()?;
        Ok(Import { store: self, now, next_position, known, read: 0, open: true })
    }

    /// What the files had last time, by identity.
    fn known_rows(&self) -> Result<Vec<Known>, StoreError> {
        let mut known = Vec::new();
        let mut statement =
            self.connection.prepare("SELECT kind, id, fingerprint FROM object WHERE in_file = 1")?;
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

        let identity = identity(object.kind, &object.id);
        if let Ok(at) = self.known.binary_search_by_key(&identity, |known| known.identity)
            && let Some(known) = self.known.get_mut(at)
        {
            known.seen = true;
            if known.fingerprint == short(fingerprint) {
                return Ok(());
            }
        }

        let deleted_at = object.deleted.map(|since| since.min(self.now));
        let label = label_of(object.kind, &object.attributes, &object.id);
        let state = self.store.object(object.kind, &object.id)?.map(|known| known.state);
        // The row decides from here on: an edit by command stood until now (design 9).
        let columns = params![
            object.kind.as_str(),
            object.id,
            object.id_given,
            label,
            label.to_lowercase(),
            manager_of(&object.attributes),
            fingerprint,
            row,
            self.next_position,
        ];
        self.store
            .connection
            .prepare_cached(
                "INSERT INTO object (kind, id, id_given, label, label_key, manager, fingerprint, file_row, row,
                                     position, edited, in_file, state, deleted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, 0, 1, 'active', NULL)
                 ON CONFLICT DO UPDATE SET id_given = ?3, label = ?4, label_key = ?5, manager = ?6, fingerprint = ?7,
                                           file_row = ?8, row = ?8, edited = 0, in_file = 1",
            )?
            .execute(columns)?;
        if state.is_none() {
            self.next_position += 1;
        }
        let (kind, id) = (object.kind, object.id.as_str());
        let wanted = deleted_at.map_or(ObjectState::Active, ObjectState::Recycled);
        match (state, wanted) {
            (None | Some(ObjectState::Gone(_)), ObjectState::Active) => {
                self.store
                    .connection
                    .prepare_cached(
                        "UPDATE object SET state = 'active', deleted_at = NULL WHERE kind = ?1 AND id = ?2",
                    )?
                    .execute([kind.as_str(), id])?;
                self.store.log_change(self.now, kind, id, "added", None)?;
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
        self.store
            .connection
            .prepare_cached("INSERT INTO temp.staged_row VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![kind.as_str(), id, place.file.display().to_string(), place.line])?;
        Ok(())
    }

    /// A user or group that a delta answer declares deleted for good (`@removed`, reason `deleted`).
    pub fn purged(&mut self, kind: ObjectKind, id: &str) -> Result<(), StoreError> {
        self.removed(kind, id, ObjectState::Gone(self.now))
    }

    /// A user that a delta answer declares soft-deleted (`@removed`, reason `changed`); a group goes for good.
    pub fn recycled(&mut self, kind: ObjectKind, id: &str) -> Result<(), StoreError> {
        match kind {
            ObjectKind::User => self.removed(kind, id, ObjectState::Recycled(self.now)),
            ObjectKind::Group => self.purged(kind, id),
        }
    }

    /// The row says that it has gone, so it has not vanished.
    fn removed(&mut self, kind: ObjectKind, id: &str, state: ObjectState) -> Result<(), StoreError> {
        let Some(object) = self.store.object(kind, id)? else { return Ok(()) };
        self.store
            .connection
            .execute("UPDATE object SET in_file = 0 WHERE kind = ?1 AND id = ?2", [kind.as_str(), id])?;
        let moves = match (object.state, state) {
            (ObjectState::Active, _) | (ObjectState::Recycled(_), ObjectState::Gone(_)) => true,
            (ObjectState::Recycled(_) | ObjectState::Gone(_), _) => false,
        };
        if moves { self.store.set_state(kind, id, state, self.now) } else { Ok(()) }
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
        self.store
            .connection
            .prepare_cached(
                "INSERT INTO temp.staged_edge (what, parent, parent_key, member, member_key, job, file, line)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                what,
                parent,
                parent.to_lowercase(),
                member,
                member.to_lowercase(),
                job,
                place.file.display().to_string(),
                place.line
            ])?;
        Ok(())
    }

    /// Accepts the import: what is missing has vanished, edges are compared, the files are remembered.
    ///
    /// `files` are path, role and number of rows of each file read; `share_percent` and `at_least` are the
    /// `vanish_limit`, `None` when a person has accepted whatever vanished.
    pub fn finish(
        mut self,
        files: &[(String, String, u64)],
        vanish_limit: Option<(u32, u32)>,
    ) -> Result<Imported, ImportFault> {
        let before = self.change_count()?;
        for (path, role) in self.files_read_before()? {
            if !files.iter().any(|(_, known, _)| *known == role) {
                return Err(ImportFault::FileGone { role, path });
            }
        }
        let vanished = self.vanish(vanish_limit)?;
        let mut warnings = self.resolve_edges()?;
        self.compare_memberships()?;
        self.compare_assignments()?;
        warnings.extend(self.dangling_managers()?);
        self.store.connection.execute("DELETE FROM source_file", []).map_err(StoreError::from)?;
        for (path, role, rows) in files {
            self.store
                .connection
                .execute(
                    "INSERT OR REPLACE INTO source_file VALUES (?1, ?2, ?3)",
                    params![path, role, i64::try_from(*rows).unwrap_or(i64::MAX)],
                )
                .map_err(StoreError::from)?;
        }
        let objects = self.read;
        let changes = self.change_count()?.saturating_sub(before);
        self.store.batch("RELEASE import")?;
        self.open = false;
        Ok(Imported { objects, changes: changes.unsigned_abs(), vanished, warnings })
    }

    fn change_count(&self) -> Result<i64, StoreError> {
        self.store.last_seq()
    }

    fn files_read_before(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let mut statement =
            self.store.connection.prepare("SELECT path, role FROM source_file ORDER BY role, path")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Users that the files no longer hold go to the recycle bin, groups go for good (contract 4).
    fn vanish(&mut self, limit: Option<(u32, u32)>) -> Result<u64, ImportFault> {
        let mut missing: Vec<(ObjectKind, String, bool)> = Vec::new();
        let mut known_users: u64 = 0;
        if self.known.iter().any(|known| !known.seen) {
            let mut statement = self
                .store
                .connection
                .prepare("SELECT kind, id, state FROM object WHERE in_file = 1 ORDER BY position")
                .map_err(StoreError::from)?;
            let mut rows = statement.query([]).map_err(StoreError::from)?;
            while let Some(row) = rows.next().map_err(StoreError::from)? {
                let kind = super::directory::kind(&row.get::<_, String>(0).map_err(StoreError::from)?)?;
                let id: String = row.get(1).map_err(StoreError::from)?;
                let active = row.get::<_, String>(2).map_err(StoreError::from)? == "active";
                let known = self.known.binary_search_by_key(&identity(kind, &id), |known| known.identity);
                // What is not known was added by this very import.
                let Some(known) = known.ok().and_then(|at| self.known.get(at)) else { continue };
                if kind == ObjectKind::User && active {
                    known_users += 1;
                }
                if !known.seen {
                    missing.push((kind, id, active));
                }
            }
        }
        let vanished =
            missing.iter().filter(|(kind, _, active)| *kind == ObjectKind::User && *active).count();
        let vanished = u64::try_from(vanished).unwrap_or(u64::MAX);
        if let Some((share_percent, at_least)) = limit
            && u64::from(at_least) <= vanished
            && known_users.saturating_mul(u64::from(share_percent)) < vanished.saturating_mul(100)
        {
            return Err(ImportFault::Vanished { vanished, known: known_users });
        }
        for (kind, id, active) in &missing {
            self.store
                .connection
                .execute("UPDATE object SET in_file = 0 WHERE kind = ?1 AND id = ?2", [kind.as_str(), id])
                .map_err(StoreError::from)?;
            if *active {
                let state = match kind {
                    ObjectKind::User => ObjectState::Recycled(self.now),
                    ObjectKind::Group => ObjectState::Gone(self.now),
                };
                self.store.set_state(*kind, id, state, self.now)?;
            }
        }
        Ok(vanished)
    }

    /// Finds the objects that the edges name; what names nothing is dropped with a warning, what names several
    /// groups refuses the import.
    fn resolve_edges(&mut self) -> Result<Vec<Diagnostic>, ImportFault> {
        self.store.batch(FILE_NAMES)?;
        let group_named = |key: &str| named("Group", key);
        let ambiguous = self.report(
            &format!(
                "SELECT file, line, 'several groups are called `' || parent || '`; write the objectId'
                   FROM temp.staged_edge e WHERE what = 'membership'
                    AND NOT EXISTS (SELECT 1 FROM object WHERE kind = 'Group' AND id = e.parent)
                    AND 1 < (SELECT count(*) FROM ({}) WHERE state = 'active')
                 UNION ALL
                 SELECT file, line, 'several groups are called `' || member || '`; write the objectId'
                   FROM temp.staged_edge e
                  WHERE NOT EXISTS (SELECT 1 FROM object WHERE id = e.member)
                    AND NOT EXISTS ({})
                    AND 1 < (SELECT count(*) FROM ({}) WHERE state = 'active')",
                group_named("e.parent_key"),
                named("User", "e.member_key"),
                group_named("e.member_key")
            ),
            Diagnostic::error,
        )?;
        if !ambiguous.is_empty() {
            return Err(ImportFault::Ambiguous(ambiguous));
        }
        // By objectId, else by name; the living before those in the recycle bin.
        self.store.batch(&format!(
            "UPDATE temp.staged_edge SET
               parent_id = CASE what WHEN 'assignment' THEN parent ELSE COALESCE(
                 (SELECT id FROM object WHERE kind = 'Group' AND id = parent AND state <> 'gone'),
                 (SELECT id FROM ({}) ORDER BY state LIMIT 1)) END,
               member_id = COALESCE(
                 (SELECT id FROM object WHERE id = member AND state <> 'gone' LIMIT 1),
                 (SELECT id FROM ({}) ORDER BY state LIMIT 1),
                 (SELECT id FROM ({}) ORDER BY state LIMIT 1));",
            group_named("parent_key"),
            named("User", "member_key"),
            group_named("member_key")
        ))?;
        let dangling = self.report(
            "SELECT file, line, 'no group has the objectId or displayName `' || parent || '`; the row is ignored'
               FROM temp.staged_edge WHERE parent_id IS NULL
             UNION ALL
             SELECT file, line, 'no user or group is called `' || member || '`; the row is ignored'
               FROM temp.staged_edge WHERE member_id IS NULL",
            Diagnostic::warning,
        )?;
        self.store.batch("DELETE FROM temp.staged_edge WHERE parent_id IS NULL OR member_id IS NULL")?;
        Ok(dangling)
    }

    fn report(&self, sql: &str, make: fn(String) -> Diagnostic) -> Result<Vec<Diagnostic>, StoreError> {
        let mut statement = self.store.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        let mut more: usize = 0;
        while let Some(row) = rows.next()? {
            if found.len() < DANGLING_REPORTED_MAX {
                let file: String = row.get(0)?;
                let place = match row.get::<_, Option<u32>>(1)? {
                    Some(line) => Place::line(Path::new(&file), line),
                    None => Place::file(Path::new(&file)),
                };
                found.push(make(row.get(2)?).at(place));
            } else {
                more += 1;
            }
        }
        if 0 < more {
            found.push(make(format!("and {more} more like these")));
        }
        Ok(found)
    }

    fn compare_memberships(&mut self) -> Result<(), StoreError> {
        let added: Vec<(String, String, bool)> = self
            .store
            .connection
            .prepare(
                "SELECT DISTINCT e.parent_id, e.member_id, COALESCE(m.present, 0)
                   FROM temp.staged_edge e LEFT JOIN membership m ON m.parent = e.parent_id AND m.member = e.member_id
                  WHERE e.what = 'membership' AND COALESCE(m.in_file, 0) = 0 ORDER BY e.rowid",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        for (group, member, present) in &added {
            self.store
                .connection
                .prepare_cached(
                    "INSERT INTO membership (parent, member, in_file, edited) VALUES (?1, ?2, 1, NULL)
                     ON CONFLICT DO UPDATE SET in_file = 1, edited = NULL",
                )?
                .execute([group, member])?;
            if !present {
                self.store.log_change(self.now, ObjectKind::Group, group, "member added", Some(member))?;
            }
        }
        // Edges of an object in the recycle bin are frozen: they went with it, and come back with it.
        let removed: Vec<(String, String, bool, bool)> = self
            .store
            .connection
            .prepare(
                "SELECT m.parent, m.member, m.present, o.state = 'gone'
                   FROM membership m JOIN object o ON o.id = m.member
                  WHERE m.in_file = 1 AND o.state <> 'recycled' AND NOT EXISTS (
                    SELECT 1 FROM temp.staged_edge e
                     WHERE e.what = 'membership' AND e.parent_id = m.parent AND e.member_id = m.member)
                  ORDER BY m.parent, m.member",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?;
        for (group, member, present, gone) in &removed {
            self.store
                .connection
                .prepare_cached("DELETE FROM membership WHERE parent = ?1 AND member = ?2")?
                .execute([group, member])?;
            if *present && !gone {
                self.store.log_change(self.now, ObjectKind::Group, group, "member removed", Some(member))?;
            }
        }
        Ok(())
    }

    fn compare_assignments(&mut self) -> Result<(), StoreError> {
        let added: Vec<(String, String, String, bool)> = self
            .store
            .connection
            .prepare(
                "SELECT DISTINCT e.job, e.member_id, e.parent_id, COALESCE(a.present, 0)
                   FROM temp.staged_edge e
                   LEFT JOIN assignment a ON a.job = e.job AND a.principal = e.member_id AND a.role = e.parent_id
                  WHERE e.what = 'assignment' AND COALESCE(a.in_file, 0) = 0 ORDER BY e.rowid",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?;
        for (job, principal, role, present) in &added {
            self.store
                .connection
                .prepare_cached(
                    "INSERT INTO assignment (job, principal, role, in_file, edited) VALUES (?1, ?2, ?3, 1, NULL)
                     ON CONFLICT DO UPDATE SET in_file = 1, edited = NULL",
                )?
                .execute([job, principal, role])?;
            if !present {
                self.log_assignment(principal, "assigned", role)?;
            }
        }
        let removed: Vec<(String, String, String, bool)> = self
            .store
            .connection
            .prepare(
                "SELECT a.job, a.principal, a.role, a.present
                   FROM assignment a JOIN object o ON o.id = a.principal
                  WHERE a.in_file = 1 AND o.state = 'active' AND NOT EXISTS (
                    SELECT 1 FROM temp.staged_edge e WHERE e.what = 'assignment'
                       AND e.job = a.job AND e.member_id = a.principal AND e.parent_id = a.role)
                  ORDER BY a.principal, a.job, a.role",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?;
        for (job, principal, role, present) in &removed {
            self.store
                .connection
                .prepare_cached("DELETE FROM assignment WHERE principal = ?1 AND job = ?2 AND role = ?3")?
                .execute([principal, job, role])?;
            if *present {
                self.log_assignment(principal, "unassigned", role)?;
            }
        }
        Ok(())
    }

    fn log_assignment(&self, principal: &str, what: &str, role: &str) -> Result<(), StoreError> {
        let name: String = self.store.connection.query_row(
            "SELECT kind FROM object WHERE id = ?1 ORDER BY kind DESC LIMIT 1",
            [principal],
            |row| row.get(0),
        )?;
        self.store.log_change(self.now, super::directory::kind(&name)?, principal, what, Some(role))
    }

    /// Managers that are nowhere in the directory, of the rows that this import brought or changed.
    fn dangling_managers(&self) -> Result<Vec<Diagnostic>, StoreError> {
        self.report(
            "SELECT s.file, s.line, 'no user is called `' || u.manager || '`, the manager of `' || u.label
                    || '`; the reference counts as absent'
               FROM temp.staged_row s JOIN object u ON u.kind = s.kind AND u.id = s.id
              WHERE s.kind = 'User' AND u.manager IS NOT NULL AND u.state = 'active'
                AND NOT EXISTS (SELECT 1 FROM object m WHERE m.kind = 'User' AND m.id = u.manager AND m.state = 'active')
                AND NOT EXISTS (SELECT 1 FROM object m
                     WHERE m.kind = 'User' AND m.label_key = scimulator_lower(u.manager) AND m.state = 'active')
                AND NOT EXISTS (SELECT 1 FROM temp.file_name f
                     JOIN object m ON m.kind = f.kind AND m.id = f.id AND m.state = 'active'
                     WHERE f.kind = 'User' AND f.key = scimulator_lower(u.manager))
              ORDER BY s.rowid",
            Diagnostic::warning,
        )
    }
}

impl Drop for Import<'_> {
    fn drop(&mut self) {
        if self.open {
            // A failure to roll back leaves the transaction open, and closing the file rolls it back.
            drop(self.store.batch("ROLLBACK TO import; RELEASE import"));
        }
    }
}

/// The beginning of a fingerprint: enough to tell one row of an object from its next.
fn short(fingerprint: &[u8]) -> u64 {
    fingerprint.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn identity(kind: ObjectKind, id: &str) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_str().as_bytes());
    hasher.update(b"\0");
    hasher.update(id.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    u128::from_le_bytes(bytes)
}
