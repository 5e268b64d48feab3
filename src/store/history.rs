//! A job's world as a whole, for whoever compares it: every object, edge and link, and what happened when.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::{Link, Store, StoreError, StoredObject, directory, moment};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// What the change log says of who joined, came back and was deleted for good, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Happened {
    /// When a member joined a group last, by group and member.
    pub joined: BTreeMap<(String, String), Timestamp>,
    /// When somebody came back from the recycle bin last.
    pub restored: BTreeMap<String, Timestamp>,
    /// When somebody was deleted for good.
    pub purged: BTreeMap<(ObjectKind, String), Timestamp>,
}

/// An account or group in the target that a job is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// User or group.
    pub kind: ObjectKind,
    /// objectId of its object.
    pub source_id: String,
    /// The object's name when the link was last written.
    pub label: String,
    /// The target's id.
    pub target_id: String,
    /// Whether the job made it; otherwise it was there and was found.
    pub created: bool,
}

/// An edge between two objects, or an object and something else.
pub type Edge = (String, String);

impl Store {
    /// Everybody in the directory or its recycle bin, and those gone for good to whom this job is linked.
    pub fn everybody(&self, job: &str) -> Result<Vec<StoredObject>, StoreError> {
        self.stored_objects(
            "state <> 'gone'
             OR EXISTS (SELECT 1 FROM link l WHERE l.job = ?1 AND l.kind = object.kind AND l.source_id = object.id)
             OR EXISTS (SELECT 1 FROM log_entry e WHERE e.job = ?1 AND e.source_id = object.id)",
            job,
        )
    }

    /// Every link of a job.
    pub fn links(&self, job: &str) -> Result<BTreeMap<(ObjectKind, String), Link>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT kind, source_id, target_id, managed, removed FROM link WHERE job = ?1")?;
        let mut rows = statement.query([job])?;
        let mut links = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let link = Link { target_id: row.get(2)?, managed: row.get(3)?, removed: row.get(4)? };
            links.insert((directory::kind(&row.get::<_, String>(0)?)?, row.get(1)?), link);
        }
        Ok(links)
    }

    /// Every account that a job is linked to: groups first, in source order.
    pub fn accounts(&self, job: &str) -> Result<Vec<Account>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT l.kind, l.source_id, l.label, l.target_id, l.created
               FROM link l LEFT JOIN object o ON o.kind = l.kind AND o.id = l.source_id
              WHERE l.job = ?1 ORDER BY l.kind, o.position, l.source_id",
        )?;
        let mut rows = statement.query([job])?;
        let mut accounts = Vec::new();
        while let Some(row) = rows.next()? {
            accounts.push(Account {
                kind: directory::kind(&row.get::<_, String>(0)?)?,
                source_id: row.get(1)?,
                label: row.get(2)?,
                target_id: row.get(3)?,
                created: row.get(4)?,
            });
        }
        Ok(accounts)
    }

    /// Every membership that stands: group and member.
    pub fn all_memberships(&self) -> Result<Vec<Edge>, StoreError> {
        self.edges("SELECT parent, member FROM membership WHERE present = 1", [])
    }

    /// Every assignment that stands for a job: principal, and the app role by value.
    pub fn all_assignments(&self, job: &str) -> Result<Vec<Edge>, StoreError> {
        self.edges("SELECT principal, role FROM assignment WHERE job IN ('', ?1) AND present = 1", [job])
    }

    /// Every reference that the target is known to have taken: who refers, and to whom.
    pub fn all_references(&self, job: &str) -> Result<Vec<Edge>, StoreError> {
        self.edges("SELECT source_id, other_id FROM reference WHERE job = ?1 AND confirmed = 1", [job])
    }

    fn edges(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Edge>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Objects that something happened to after a seq: they changed themselves, or an edge of theirs did, or the
    /// assignment of a group that they are in.
    pub fn touched_after(&self, seq: i64) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT object FROM change WHERE ?1 < seq
             UNION SELECT other FROM change WHERE ?1 < seq AND what IN ('member added', 'member removed')
             UNION SELECT m.member FROM change c JOIN membership m ON m.parent = c.object
                    WHERE ?1 < c.seq AND c.kind = 'Group' AND c.what NOT IN ('member added', 'member removed')",
        )?;
        let rows = statement.query_map(params![seq], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The end of the change log for the last cycle that had everybody in scope, while no full read has come after it.
    pub fn everybody_until(&self, job: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.meta(&everybody_key(job))?.and_then(|seq| seq.parse().ok()))
    }

    /// Sets that, or forgets it.
    pub fn set_everybody_until(&self, job: &str, seq: Option<i64>) -> Result<(), StoreError> {
        self.set_meta(&everybody_key(job), seq.map(|seq| seq.to_string()).as_deref())
    }

    /// Who joined, came back and was deleted for good.
    pub fn happened(&self) -> Result<Happened, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT what, kind, object, COALESCE(other, ''), MAX(at) FROM change
              WHERE what IN ('member added', 'restored', 'purged') GROUP BY what, kind, object, other",
        )?;
        let mut rows = statement.query([])?;
        let mut happened = Happened::default();
        while let Some(row) = rows.next()? {
            let (object, at) = (row.get::<_, String>(2)?, moment(&row.get::<_, String>(4)?)?);
            match row.get::<_, String>(0)?.as_str() {
                "member added" => {
                    happened.joined.insert((object, row.get(3)?), at);
                }
                "restored" => {
                    happened.restored.insert(object, at);
                }
                _ => {
                    happened.purged.insert((directory::kind(&row.get::<_, String>(1)?)?, object), at);
                }
            }
        }
        Ok(happened)
    }
}

fn everybody_key(job: &str) -> String {
    format!("everybody.{job}")
}
