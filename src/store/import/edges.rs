//! Memberships and assignments: what the names in the files stand for, and what changed.

use rusqlite::{OptionalExtension as _, Row, params};

use super::vanish::{Tally, Vanishing};
use super::{Findings, Import, ImportFault, hash};
use crate::diagnostic::Diagnostic;
use crate::directory::object::ObjectKind;
use crate::store::{StoreError, directory};

/// Collects the objects that a command has renamed. Files go on calling them by the names that files give them, so
/// that a rename by command takes nobody out of a group.
const FILE_NAMES: &str = "
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

/// What came of the edges.
pub(super) struct Edges {
    pub(super) tally: Vec<(Vanishing, Tally)>,
    /// References to what is not there.
    pub(super) warnings: Vec<Diagnostic>,
}

/// The edges of the last import, by hash: 17 bytes each.
struct KnownEdges {
    hashes: Vec<u128>,
    seen: Vec<bool>,
}

impl KnownEdges {
    fn new(mut hashes: Vec<u128>) -> Self {
        hashes.sort_unstable();
        Self { seen: vec![false; hashes.len()], hashes }
    }

    /// Notes that the files still have this edge; `false` when they did not have it last time.
    fn see(&mut self, hash: u128) -> bool {
        let Ok(at) = self.hashes.binary_search(&hash) else { return false };
        if let Some(seen) = self.seen.get_mut(at) {
            *seen = true;
        }
        true
    }

    /// Whether the files still have it; `None` when they did not have it last time.
    fn is_seen(&self, hash: u128) -> Option<bool> {
        self.seen.get(self.hashes.binary_search(&hash).ok()?).copied()
    }

    fn all_seen(&self) -> bool {
        self.seen.iter().all(|seen| *seen)
    }
}

/// The name that was looked up last, and what it stands for: rows of a group mostly come one after the other.
#[derive(Default)]
struct LastGroup {
    name: String,
    id: Option<String>,
    ambiguous: bool,
}

impl Import<'_> {
    /// Compares the staged edges with those of the last import, and writes what differs.
    ///
    /// What names nothing is dropped with a warning, what names several groups refuses the import.
    pub(super) fn write_edges(&self) -> Result<Edges, ImportFault> {
        self.store.batch(FILE_NAMES)?;
        let mut memberships =
            self.known_edges("SELECT parent, member, '' FROM membership WHERE in_file = 1")?;
        let mut assignments =
            self.known_edges("SELECT principal, job, role FROM assignment WHERE in_file = 1")?;
        let mut ambiguous = Findings::new(Diagnostic::error);
        let mut dangling = Findings::new(Diagnostic::warning);
        let mut last = LastGroup::default();
        let connection = &self.store.connection;
        let mut statement = connection.prepare_cached(&staged_edges()).map_err(StoreError::from)?;
        let mut rows = statement.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let edge = StagedEdge::read(row)?;
            let place = || self.place(edge.file, edge.line);
            if edge.is_membership && last.name != edge.parent {
                last = self.group_named(edge.parent)?;
            }
            if edge.is_membership && last.ambiguous {
                ambiguous.add(place(), || several_groups(edge.parent));
            }
            if edge.is_group_name && self.is_ambiguous(edge.member_key)? {
                ambiguous.add(place(), || several_groups(edge.member));
            }
            let group = if edge.is_membership { last.id.as_deref() } else { Some("") };
            if group.is_none() {
                dangling.add(place(), || {
                    format!("no group has the objectId or displayName `{}`; the row is ignored", edge.parent)
                });
            }
            if edge.member_id.is_none() {
                dangling.add(place(), || {
                    format!("no user or group is called `{}`; the row is ignored", edge.member)
                });
            }
            let (Some(group), Some(member)) = (group, edge.member_id) else { continue };
            if edge.is_membership {
                if !memberships.see(hash(&[group, member, ""])) {
                    self.add_membership(group, member)?;
                }
            } else if !assignments.see(hash(&[member, edge.job, edge.parent])) {
                self.add_assignment(edge.job, member, edge.parent)?;
            }
        }
        let ambiguous = ambiguous.into_list();
        if !ambiguous.is_empty() {
            return Err(ImportFault::Ambiguous(ambiguous));
        }
        let tally = vec![
            (Vanishing::Memberships, self.remove_memberships(&memberships)?),
            (Vanishing::Assignments, self.remove_assignments(&assignments)?),
        ];
        Ok(Edges { tally, warnings: dangling.into_list() })
    }

    /// The edges that the query gives as three texts.
    fn known_edges(&self, sql: &str) -> Result<KnownEdges, StoreError> {
        let mut statement = self.store.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut hashes = Vec::new();
        while let Some(row) = rows.next()? {
            hashes.push(hash(&[text(row, 0)?, text(row, 1)?, text(row, 2)?]));
        }
        Ok(KnownEdges::new(hashes))
    }

    /// The group that a file calls by this objectId, else by this name; the living before those in the recycle bin.
    fn group_named(&self, name: &str) -> Result<LastGroup, StoreError> {
        let connection = &self.store.connection;
        let by_id: Option<bool> = connection
            .prepare_cached("SELECT state = 'gone' FROM object WHERE kind = 'Group' AND id = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        if by_id == Some(false) {
            return Ok(LastGroup { name: name.to_owned(), id: Some(name.to_owned()), ambiguous: false });
        }
        let key = name.to_lowercase();
        let id = connection
            .prepare_cached(&format!("SELECT id FROM ({}) ORDER BY state LIMIT 1", named("Group", "?1")))?
            .query_row([&key], |row| row.get(0))
            .optional()?;
        let ambiguous = by_id.is_none() && self.is_ambiguous(&key)?;
        Ok(LastGroup { name: name.to_owned(), id, ambiguous })
    }

    /// Whether several groups in the directory have this name.
    fn is_ambiguous(&self, key: &str) -> Result<bool, StoreError> {
        let named = named("Group", "?1");
        Ok(self
            .store
            .connection
            .prepare_cached(&format!("SELECT 1 < (SELECT count(*) FROM ({named}) WHERE state = 'active')"))?
            .query_row([key], |row| row.get(0))?)
    }

    fn add_membership(&self, group: &str, member: &str) -> Result<(), StoreError> {
        let connection = &self.store.connection;
        let present: Option<bool> = connection
            .prepare_cached("SELECT present FROM membership WHERE parent = ?1 AND member = ?2")?
            .query_row([group, member], |row| row.get(0))
            .optional()?;
        connection
            .prepare_cached(
                "INSERT INTO membership (parent, member, in_file, edited) VALUES (?1, ?2, 1, NULL)
                 ON CONFLICT DO UPDATE SET in_file = 1, edited = NULL",
            )?
            .execute([group, member])?;
        if present == Some(true) {
            return Ok(());
        }
        self.store.log_change(self.now, ObjectKind::Group, group, "member added", Some(member))
    }

    fn add_assignment(&self, job: &str, principal: &str, role: &str) -> Result<(), StoreError> {
        let connection = &self.store.connection;
        let present: Option<bool> = connection
            .prepare_cached("SELECT present FROM assignment WHERE principal = ?1 AND job = ?2 AND role = ?3")?
            .query_row([principal, job, role], |row| row.get(0))
            .optional()?;
        connection
            .prepare_cached(
                "INSERT INTO assignment (job, principal, role, in_file, edited) VALUES (?1, ?2, ?3, 1, NULL)
                 ON CONFLICT DO UPDATE SET in_file = 1, edited = NULL",
            )?
            .execute([job, principal, role])?;
        if present == Some(true) {
            return Ok(());
        }
        self.log_assignment(principal, "assigned", role)
    }

    /// Takes away the memberships that the files no longer have. Edges of an object in the recycle bin are frozen:
    /// they went with it, and come back with it. Of those whose two ends stay, counts how many went.
    fn remove_memberships(&self, known: &KnownEdges) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        if known.all_seen() {
            return Ok(tally);
        }
        let connection = &self.store.connection;
        let mut statement = connection.prepare_cached(
            "SELECT parent, member, present FROM membership WHERE in_file = 1 ORDER BY parent, member",
        )?;
        let mut rows = statement.query([])?;
        let mut states = connection.prepare_cached(
            "SELECT (SELECT state FROM object WHERE kind = 'Group' AND id = ?1),
                    (SELECT state FROM object WHERE id = ?2 ORDER BY kind DESC LIMIT 1)",
        )?;
        let mut removed: Vec<(String, String, bool)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (group, member, present) = (text(row, 0)?, text(row, 1)?, row.get::<_, bool>(2)?);
            let Some(seen) = known.is_seen(hash(&[group, member, ""])) else { continue };
            let (group_state, member_state): (Option<String>, Option<String>) =
                states.query_row([group, member], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let is_active = |state: &Option<String>| state.as_deref() == Some("active");
            let counts = u64::from(present && is_active(&group_state) && is_active(&member_state));
            tally.known += counts;
            if !seen && member_state.as_deref() != Some("recycled") {
                tally.vanished += counts;
                let is_gone = member_state.as_deref() == Some("gone");
                removed.push((group.to_owned(), member.to_owned(), present && !is_gone));
            }
        }
        for (group, member, is_news) in &removed {
            connection
                .prepare_cached("DELETE FROM membership WHERE parent = ?1 AND member = ?2")?
                .execute([group, member])?;
            if *is_news {
                self.store.log_change(self.now, ObjectKind::Group, group, "member removed", Some(member))?;
            }
        }
        Ok(tally)
    }

    /// The same for assignments.
    fn remove_assignments(&self, known: &KnownEdges) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        if known.all_seen() {
            return Ok(tally);
        }
        let connection = &self.store.connection;
        let mut statement = connection.prepare_cached(
            "SELECT a.principal, a.job, a.role, a.present FROM assignment a
              WHERE a.in_file = 1
                AND EXISTS (SELECT 1 FROM object o WHERE o.id = a.principal AND o.state = 'active')
              ORDER BY a.principal, a.job, a.role",
        )?;
        let mut rows = statement.query([])?;
        let mut removed: Vec<(String, String, String, bool)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (principal, job, role) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
            let present: bool = row.get(3)?;
            let Some(seen) = known.is_seen(hash(&[principal, job, role])) else { continue };
            tally.known += u64::from(present);
            if !seen {
                tally.vanished += u64::from(present);
                removed.push((principal.to_owned(), job.to_owned(), role.to_owned(), present));
            }
        }
        for (principal, job, role, is_news) in &removed {
            connection
                .prepare_cached("DELETE FROM assignment WHERE principal = ?1 AND job = ?2 AND role = ?3")?
                .execute(params![principal, job, role])?;
            if *is_news {
                self.log_assignment(principal, "unassigned", role)?;
            }
        }
        Ok(tally)
    }

    fn log_assignment(&self, principal: &str, what: &str, role: &str) -> Result<(), StoreError> {
        let name: String = self
            .store
            .connection
            .prepare_cached("SELECT kind FROM object WHERE id = ?1 ORDER BY kind DESC LIMIT 1")?
            .query_row([principal], |row| row.get(0))?;
        self.store.log_change(self.now, directory::kind(&name)?, principal, what, Some(role))
    }
}

/// An edge as a file has it, and the object that its member or principal stands for.
struct StagedEdge<'r> {
    is_membership: bool,
    /// The group; the role of an assignment.
    parent: &'r str,
    /// The principal of an assignment.
    member: &'r str,
    member_key: &'r str,
    job: &'r str,
    file: Option<u32>,
    line: Option<u32>,
    member_id: Option<&'r str>,
    /// Whether the member was found as a group, by its name.
    is_group_name: bool,
}

/// By objectId, else by name, users before groups; the living before those in the recycle bin.
fn staged_edges() -> String {
    format!(
        "SELECT what, parent, member, member_key, job, file, line, COALESCE(known, person, team),
                known IS NULL AND person IS NULL AND team IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM object WHERE id = member)
           FROM (SELECT *, CASE WHEN known IS NULL AND person IS NULL
                                THEN (SELECT id FROM ({}) ORDER BY state LIMIT 1) END AS team
                   FROM (SELECT *, CASE WHEN known IS NULL
                                        THEN (SELECT id FROM ({}) ORDER BY state LIMIT 1) END AS person
                           FROM (SELECT rowid AS number, *,
                                        (SELECT id FROM object WHERE id = member AND state <> 'gone' LIMIT 1) AS known
                                   FROM temp.staged_edge)))
          ORDER BY number",
        named("Group", "member_key"),
        named("User", "member_key"),
    )
}

impl<'r> StagedEdge<'r> {
    fn read(row: &'r Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            is_membership: text(row, 0)? == "membership",
            parent: text(row, 1)?,
            member: text(row, 2)?,
            member_key: text(row, 3)?,
            job: text(row, 4)?,
            file: row.get(5)?,
            line: row.get(6)?,
            member_id: row.get_ref(7)?.as_str_or_null().map_err(rusqlite::Error::from)?,
            is_group_name: row.get(8)?,
        })
    }
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

fn several_groups(name: &str) -> String {
    format!("several groups are called `{name}`; write the objectId")
}
