//! What a cycle has to look at: the objects that changed since the watermark, those whose entitlement may have
//! changed with an edge, those in escrow; in source order, a page at a time.

use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError, directory, stamp};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// Scratch tables of one connection: the staging area of an import and the work list of a cycle.
pub(super) const TEMPORARY_TABLES: &str = "
CREATE TEMP TABLE IF NOT EXISTS staged_row (
  kind TEXT, id TEXT, state TEXT, since TEXT, id_given INTEGER, label TEXT, manager TEXT, fingerprint BLOB, row TEXT,
  file INTEGER, line INTEGER);
CREATE TEMP TABLE IF NOT EXISTS staged_edge (
  what TEXT, parent TEXT, member TEXT, member_key TEXT, job TEXT, file INTEGER, line INTEGER);
CREATE TEMP TABLE IF NOT EXISTS manager_moved (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS file_name (key TEXT, kind TEXT, id TEXT);
CREATE INDEX IF NOT EXISTS temp.file_name_key ON file_name (key, kind);
CREATE INDEX IF NOT EXISTS temp.file_name_id ON file_name (id, kind);
CREATE TEMP TABLE IF NOT EXISTS work (
  phase TEXT, position INTEGER, kind TEXT, id TEXT, changed INTEGER, entitlement INTEGER, escrow INTEGER,
  note TEXT, PRIMARY KEY (phase, position, id)) WITHOUT ROWID;
";

/// Objects whose row, state or members changed in a window of the change log.
const CHANGED: &str = "
INSERT INTO temp.work
SELECT CASE o.kind WHEN 'User' THEN 'users' ELSE 'groups' END, o.position, o.kind, o.id, 1, 0, 0, NULL
  FROM (SELECT DISTINCT kind, object FROM change
         WHERE ?1 < seq AND seq <= ?2 AND what NOT IN ('assigned', 'unassigned')) c
  JOIN object o ON o.kind = c.kind AND o.id = c.object";

/// Objects that may have become assigned to a job in a window, or no longer be: those with an assignment of their own
/// that changed; the members of an assigned group that was assigned, changed, left or came back; who joined or left
/// an assigned group. A group that was taken away from any job may have been this one's.
const ENTITLEMENT: &str = "
WITH span AS MATERIALIZED (SELECT kind, object, what, other FROM change WHERE ?1 < seq AND seq <= ?2),
     concerned AS MATERIALIZED (
       SELECT object AS id FROM span WHERE kind = 'Group' AND what = 'unassigned'
       UNION
       SELECT c.object FROM (SELECT DISTINCT object FROM span WHERE kind = 'Group') c
        WHERE EXISTS (SELECT 1 FROM assignment a WHERE a.principal = c.object AND a.job IN ('', ?3)))
INSERT INTO temp.work
SELECT CASE o.kind WHEN 'User' THEN 'users' ELSE 'groups' END, o.position, o.kind, o.id, 0, 1, 0, NULL
  FROM (SELECT kind, object AS id FROM span WHERE what IN ('assigned', 'unassigned')
        UNION
        SELECT 'User', m.member
          FROM (SELECT DISTINCT object FROM span
                 WHERE kind = 'Group' AND object IN (SELECT id FROM concerned)
                   AND what NOT IN ('member added', 'member removed')) c
          JOIN membership m ON m.parent = c.object
        UNION
        SELECT 'User', other FROM span
         WHERE what IN ('member added', 'member removed') AND object IN (SELECT id FROM concerned)) c
  JOIN object o ON o.kind = c.kind AND o.id = c.id
 WHERE true ON CONFLICT DO UPDATE SET entitlement = 1";

/// A full read.
const EVERYBODY: &str = "
INSERT INTO temp.work
SELECT CASE kind WHEN 'User' THEN 'users' ELSE 'groups' END, position, kind, id, 1, 0, 0, NULL
  FROM object WHERE state <> 'gone'";

/// Objects with an account that were deleted for good since the full read under way first began. From the few
/// changes to the many links, which `CROSS JOIN` holds SQLite to.
const GONE_SINCE: &str = "
INSERT INTO temp.work
SELECT CASE o.kind WHEN 'User' THEN 'users' ELSE 'groups' END, o.position, o.kind, o.id, 1, 0, 0, NULL
  FROM (SELECT DISTINCT kind, object FROM change
         WHERE (SELECT full_read FROM job WHERE name = ?1) < seq AND seq <= ?2 AND what = 'purged') c
  CROSS JOIN link l ON l.job = ?1 AND l.kind = c.kind AND l.source_id = c.object AND l.managed = 1
  JOIN object o ON o.kind = c.kind AND o.id = c.object AND o.state = 'gone'";

/// The part of a cycle that a piece of work belongs to; they never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Users: created, updated, disabled.
    Users,
    /// Groups: created, updated.
    Groups,
    /// Managers of users.
    Managers,
    /// Members of groups.
    Members,
    /// DELETE of users.
    UserRemovals,
    /// DELETE of groups.
    GroupRemovals,
}

impl Phase {
    /// Its name in logs and ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Managers => "managers",
            Self::Members => "members",
            Self::UserRemovals => "user removals",
            Self::GroupRemovals => "group removals",
        }
    }
}

/// The stretch of the change log that a cycle reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkWindow {
    /// The watermark: changes after this seq. `None` in an initial cycle: every object.
    pub after: Option<i64>,
    /// The newest seq when the cycle began.
    pub until: i64,
}

/// One object to look at, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// User or group.
    pub kind: ObjectKind,
    /// objectId.
    pub id: String,
    /// Its place in the phase; grows from item to item.
    pub position: i64,
    /// Its own row or membership changed; in an initial cycle, it is part of the full read.
    pub changed: bool,
    /// An edge changed that may change whether it is assigned.
    pub entitlement: bool,
    /// It is in escrow and due, or a create of it may have been cut off, or its references were, or its
    /// removal is held back.
    pub escrow: bool,
    /// What an earlier phase noted about it.
    pub note: Option<String>,
}

/// One member of a group, with what this job knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Source id of the member.
    pub member: String,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name, for messages.
    pub label: String,
    /// Whether the group has it now: the edge stands and the member is not deleted.
    pub present: bool,
    /// Its target id, when this job has linked it.
    pub target_id: Option<String>,
    /// Whether it was in scope when last evaluated.
    pub managed: bool,
    /// Whether an object escrow is open for it.
    pub escrowed: bool,
    /// The target id under which this job has put it into the group, or may have.
    pub recorded: Option<String>,
    /// Whether the target said that it took it.
    pub confirmed: bool,
}

impl Store {
    /// Makes the work list of a cycle anew. Changes of members count as changes of the group; of the users behind an
    /// edge only the entitlement may have changed, and none of it matters to a job that is not scoped
    /// `by_assignment`.
    ///
    /// A full read does not see who was deleted for good before it (`engine.md 9`), but one that is done again sees
    /// who went since it first began: those it may have provisioned itself.
    pub fn plan_work(
        &mut self,
        job: &str,
        by_assignment: bool,
        window: WorkWindow,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute("DELETE FROM temp.work", [])?;
        if let Some(after) = window.after {
            self.execute(CHANGED, [after, window.until])?;
            if by_assignment {
                self.execute(ENTITLEMENT, params![after, window.until, job])?;
            }
        } else {
            self.execute(EVERYBODY, [])?;
            self.execute(GONE_SINCE, params![job, window.until])?;
        }
        self.execute(
            "INSERT INTO temp.work
             SELECT CASE o.kind WHEN 'User' THEN 'users' ELSE 'groups' END, o.position, o.kind, o.id, 0, 0, 1, NULL
               FROM (SELECT kind, source_id FROM escrow WHERE job = ?1 AND next_retry <= ?2
                     UNION SELECT kind, source_id FROM intent i WHERE job = ?1 AND NOT EXISTS (
                       SELECT 1 FROM escrow e WHERE e.job = i.job AND e.kind = i.kind AND e.source_id = i.source_id
                          AND e.is_reference = 0)
                     UNION SELECT kind, source_id FROM staged WHERE job = ?1
                     UNION SELECT kind, source_id FROM link WHERE job = ?1 AND references_due = 1) e
               JOIN object o ON o.kind = e.kind AND o.id = e.source_id
              WHERE true
             ON CONFLICT DO UPDATE SET escrow = 1",
            [job, &stamp(now)],
        )?;
        Ok(())
    }

    /// Makes the work list anew with one object on it, as if it had changed; empty when the directory never had it.
    pub fn plan_object(&mut self, kind: ObjectKind, id: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM temp.work", [])?;
        self.execute(
            "INSERT INTO temp.work
             SELECT CASE kind WHEN 'User' THEN 'users' ELSE 'groups' END, position, kind, id, 1, 0, 0, NULL
               FROM object WHERE kind = ?1 AND id = ?2",
            [kind.as_str(), id],
        )?;
        Ok(())
    }

    /// How many pieces of work a phase has.
    pub fn work_count(&self, phase: Phase) -> Result<u64, StoreError> {
        let count: i64 =
            self.query_row("SELECT count(*) FROM temp.work WHERE phase = ?1", [phase.as_str()], |row| {
                row.get(0)
            })?;
        Ok(count.unsigned_abs())
    }

    /// The next piece of work of a phase after `position`, in source order.
    pub fn next_work(&self, phase: Phase, position: i64) -> Result<Option<WorkItem>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT kind, id, position, changed, entitlement, escrow, note FROM temp.work
                  WHERE phase = ?1 AND ?2 < position ORDER BY position LIMIT 1",
            )?
            .query_row(params![phase.as_str(), position], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ))
            })
            .optional()?
            .map(|(kind, id, position, changed, entitlement, escrow, note)| {
                Ok(WorkItem {
                    kind: directory::kind(&kind)?,
                    id,
                    position,
                    changed,
                    entitlement,
                    escrow,
                    note,
                })
            })
            .transpose()
    }

    /// The piece of work that the list of a cycle has for an object; `None`: the cycle passes it over.
    pub fn work_of(&self, kind: ObjectKind, id: &str) -> Result<Option<WorkItem>, StoreError> {
        let phase = match kind {
            ObjectKind::User => Phase::Users,
            ObjectKind::Group => Phase::Groups,
        };
        let before: Option<i64> = self
            .query_row(
                "SELECT position - 1 FROM object WHERE kind = ?1 AND id = ?2",
                [kind.as_str(), id],
                |row| row.get(0),
            )
            .optional()?;
        let Some(before) = before else { return Ok(None) };
        Ok(self.next_work(phase, before)?.filter(|item| item.id == id))
    }

    /// Owes another look to whoever refers to an object: to the next cycle, and to the one under way (`now`) as far as it
    /// has not come to them.
    pub fn owe_referrers(&self, job: &str, other: &str, now: bool) -> Result<(), StoreError> {
        const REFERRERS: &str =
            "SELECT source_id FROM reference INDEXED BY reference_other WHERE job = ?1 AND other_id = ?2";
        self.execute(
            &format!(
                "UPDATE link SET references_due = 1
                  WHERE job = ?1 AND kind IN ('User', 'Group') AND source_id IN ({REFERRERS})"
            ),
            [job, other],
        )?;
        if !now {
            return Ok(());
        }
        self.execute(
            &format!(
                "INSERT INTO temp.work
                 SELECT CASE o.kind WHEN 'User' THEN 'users' ELSE 'groups' END, o.position, o.kind, o.id, 0, 0, 1, NULL
                   FROM ({REFERRERS}) r CROSS JOIN object o ON o.id = r.source_id
                  WHERE o.state = 'active'
                 ON CONFLICT DO UPDATE SET escrow = 1"
            ),
            [job, other],
        )?;
        Ok(())
    }

    /// Adds a piece of work to a later phase, at the place its object has there.
    pub fn add_work(&self, phase: Phase, item: &WorkItem) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO temp.work VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT DO UPDATE SET note = ?8, changed = MAX(changed, ?5), escrow = MAX(escrow, ?7)",
            )?
            .execute(params![
                phase.as_str(),
                item.position,
                item.kind.as_str(),
                item.id,
                item.changed,
                item.entitlement,
                item.escrow,
                item.note
            ])?;
        Ok(())
    }

    /// The members of a group as a job has to see them: all of them and all that it has recorded, or, within a
    /// window, only those whose edge changed. Sorted by source id.
    pub fn memberships(
        &self,
        job: &str,
        group: &str,
        window: Option<WorkWindow>,
    ) -> Result<Vec<Membership>, StoreError> {
        let (after, until) =
            window.map_or((-1, i64::MAX), |window| (window.after.unwrap_or(-1), window.until));
        let mut statement = self.connection.prepare_cached(
            "SELECT c.member, o.kind, o.label,
                    COALESCE(m.present, 0) AND o.state = 'active',
                    l.target_id, COALESCE(l.managed, 0),
                    EXISTS (SELECT 1 FROM escrow e WHERE e.job = ?1 AND e.kind = o.kind AND e.source_id = o.id
                               AND e.is_reference = 0),
                    r.target_id, COALESCE(r.confirmed, 0)
               FROM (SELECT member FROM membership WHERE parent = ?2 AND ?3 < 0
                     UNION SELECT other_id FROM reference
                            WHERE job = ?1 AND source_id = ?2 AND attribute = 'members' AND ?3 < 0
                     UNION SELECT other FROM change
                            WHERE ?3 < seq AND seq <= ?4 AND 0 <= ?3 AND kind = 'Group' AND object = ?2
                              AND what IN ('member added', 'member removed')) c
               JOIN object o ON o.id = c.member
               LEFT JOIN membership m ON m.parent = ?2 AND m.member = c.member
               LEFT JOIN link l ON l.job = ?1 AND l.kind = o.kind AND l.source_id = o.id
               LEFT JOIN reference r ON r.job = ?1 AND r.source_id = ?2 AND r.attribute = 'members'
                    AND r.other_id = c.member
              ORDER BY o.position, o.kind, c.member",
        )?;
        let mut rows = statement.query(params![job, group, after, until])?;
        let mut members = Vec::new();
        while let Some(row) = rows.next()? {
            members.push(Membership {
                member: row.get(0)?,
                kind: directory::kind(&row.get::<_, String>(1)?)?,
                label: row.get(2)?,
                present: row.get(3)?,
                target_id: row.get(4)?,
                managed: row.get(5)?,
                escrowed: row.get(6)?,
                recorded: row.get(7)?,
                confirmed: row.get(8)?,
            });
        }
        Ok(members)
    }
}
