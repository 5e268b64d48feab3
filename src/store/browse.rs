//! What people look at: the edges of an object with who said so, names like a mistyped one, who left lately.

use rusqlite::params;

use super::{Store, StoreError, directory};
use crate::directory::object::ObjectKind;

/// So many names are looked through for one like a mistyped one, for each way to look.
const NAMES_COMPARED_MAX: i64 = 1_000;

/// A membership with the object at its far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Kind of the object at the far end.
    pub kind: ObjectKind,
    /// Its objectId.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Whether it is in the directory; a member in the recycle bin does not count as one.
    pub active: bool,
    /// What a command said instead of the files; `None`: as the files have it.
    pub edited: Option<bool>,
}

/// An assignment of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    /// The job; empty for every job.
    pub job: String,
    /// The app role by value; empty for default access.
    pub role: String,
    /// Whether it stands.
    pub present: bool,
    /// What a command said instead of the files; `None`: as the files have it.
    pub edited: Option<bool>,
}

/// An object that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// User or group.
    pub kind: ObjectKind,
    /// Its name.
    pub label: String,
    /// Whether it went for good.
    pub purged: bool,
}

impl Store {
    /// The groups that an object is an immediate member of, or was until a command said otherwise; by name.
    pub fn groups_of(&self, member: &str) -> Result<Vec<Neighbour>, StoreError> {
        self.neighbours(
            "SELECT o.kind, o.id, o.label, o.state = 'active', m.edited
               FROM membership m JOIN object o ON o.kind = 'Group' AND o.id = m.parent
              WHERE m.member = ?1 AND (m.present = 1 OR m.edited IS NOT NULL) ORDER BY o.label_key, o.id LIMIT ?2",
            member,
            u32::MAX,
        )
    }

    /// The immediate members of a group, those taken out by command too, in source order; at most `limit`.
    pub fn members_of(&self, group: &str, limit: u32) -> Result<Vec<Neighbour>, StoreError> {
        self.neighbours(
            "SELECT o.kind, o.id, o.label, o.state = 'active', m.edited
               FROM membership m JOIN object o ON o.id = m.member
              WHERE m.parent = ?1 AND (m.present = 1 OR m.edited IS NOT NULL) ORDER BY o.position, o.kind LIMIT ?2",
            group,
            limit,
        )
    }

    fn neighbours(&self, sql: &str, id: &str, limit: u32) -> Result<Vec<Neighbour>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![id, limit])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Neighbour {
                kind: directory::kind(&row.get::<_, String>(0)?)?,
                id: row.get(1)?,
                label: row.get(2)?,
                active: row.get(3)?,
                edited: row.get(4)?,
            });
        }
        Ok(found)
    }

    /// How many members a group has: the edges that stand, to objects that are in the directory.
    pub fn member_count(&self, group: &str) -> Result<u64, StoreError> {
        let count: i64 = self.query_row(
            "SELECT count(*) FROM membership m
              WHERE m.parent = ?1 AND m.present = 1
                AND EXISTS (SELECT 1 FROM object o WHERE o.id = m.member AND o.state = 'active')",
            [group],
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }

    /// The assignments of an object itself, those taken back by command too; not those of its groups.
    pub fn assignments_of(&self, principal: &str) -> Result<Vec<AssignmentRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT job, role, present, edited FROM assignment
              WHERE principal = ?1 AND (present = 1 OR edited IS NOT NULL) ORDER BY job, role",
        )?;
        let rows = statement.query_map([principal], |row| {
            Ok(AssignmentRow {
                job: row.get(0)?,
                role: row.get(1)?,
                present: row.get(2)?,
                edited: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Names that may have been meant by a mistyped one: those that begin like it, then any. A bounded number, so
    /// the nearest of a million may not be among them.
    pub fn names_like(&self, text: &str) -> Result<Vec<String>, StoreError> {
        let key = text.to_lowercase();
        let mut statement = self.connection.prepare_cached(
            "SELECT label FROM object WHERE ?1 <= label_key AND label_key < ?1 || char(0x10FFFF)
                AND state <> 'gone' ORDER BY label_key LIMIT ?2",
        )?;
        let mut names = Vec::new();
        for share in [2, 4, usize::MAX] {
            let prefix: String = key.chars().take(key.chars().count() / share).collect();
            let rows = statement.query_map(params![prefix, NAMES_COMPARED_MAX], |row| row.get(0))?;
            for name in rows {
                names.push(name?);
            }
        }
        Ok(names)
    }

    /// What left the directory after a seq of the change log, for the recycle bin or for good; the first `limit`.
    pub fn departures_after(&self, seq: i64, limit: u32) -> Result<Vec<Departure>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT c.kind, o.label, c.what = 'purged' FROM change c JOIN object o ON o.kind = c.kind AND o.id = c.object
              WHERE ?1 < c.seq AND c.what IN ('recycled', 'purged') ORDER BY c.seq LIMIT ?2",
        )?;
        let mut rows = statement.query(params![seq, limit])?;
        let mut departures = Vec::new();
        while let Some(row) = rows.next()? {
            departures.push(Departure {
                kind: directory::kind(&row.get::<_, String>(0)?)?,
                label: row.get(1)?,
                purged: row.get(2)?,
            });
        }
        Ok(departures)
    }
}
