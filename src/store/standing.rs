//! What keeps a job from going on as usual: open failures, removals that are held back, and how a restart clears them.

use rusqlite::params;

use super::{Store, StoreError, moment};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// The failures of a job that are still tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFailures {
    /// Of objects.
    pub objects: u64,
    /// Of references: managers, members.
    pub references: u64,
}

impl Store {
    /// How many failures of a job are still tried again.
    pub fn open_failures(&self, job: &str) -> Result<OpenFailures, StoreError> {
        let (objects, references): (i64, i64) = self
            .connection
            .prepare_cached(
                "SELECT count(*) FILTER (WHERE is_reference = 0), count(*) FILTER (WHERE is_reference = 1)
                   FROM escrow WHERE job = ?1 AND next_retry IS NOT NULL",
            )?
            .query_row([job], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(OpenFailures { objects: objects.unsigned_abs(), references: references.unsigned_abs() })
    }

    /// Pauses a job, also while a cycle of it runs, or lets it go on; `false` when it has never run.
    pub fn set_paused(&self, job: &str, paused: bool) -> Result<bool, StoreError> {
        let changed =
            self.execute("UPDATE job SET paused = ?2, turned_off = 0 WHERE name = ?1", params![job, paused])?;
        Ok(changed == 1)
    }

    /// Pauses a job as the portal's switch does; `false` when it has never run.
    pub fn turn_off(&self, job: &str) -> Result<bool, StoreError> {
        let changed = self.execute("UPDATE job SET paused = 1, turned_off = 1 WHERE name = ?1", [job])?;
        Ok(changed == 1)
    }

    /// Drops every failure of a job: none is tried again.
    pub fn drop_escrows(&self, job: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM escrow WHERE job = ?1", [job])?;
        Ok(())
    }

    /// Drops every link of a job, with the references it recorded (`ConnectorDataStore`), and notes when.
    pub fn drop_links(&self, job: &str, now: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM reference WHERE job = ?1", [job])?;
        self.execute("DELETE FROM link WHERE job = ?1", [job])?;
        self.set_meta(&cleared_key(job), Some(&now.to_string()))
    }

    /// When the links of a job were last dropped.
    pub fn links_cleared(&self, job: &str) -> Result<Option<Timestamp>, StoreError> {
        self.meta(&cleared_key(job))?.as_deref().map(moment).transpose()
    }

    /// The last exchange of a job before its target was last found right, in the words of whoever noted it.
    pub fn right_until(&self, job: &str) -> Result<Option<String>, StoreError> {
        self.meta(&right_key(job))
    }

    /// Notes that.
    pub fn set_right_until(&self, job: &str, exchange: &str) -> Result<(), StoreError> {
        self.set_meta(&right_key(job), Some(exchange))
    }

    /// Notes a delete or disable that the guard holds back in this cycle.
    pub fn stage(&self, job: &str, kind: ObjectKind, source_id: &str, cycle: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO staged (job, kind, source_id, cycle) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![job, kind.as_str(), source_id, cycle])?;
        Ok(())
    }

    /// Whether a removal of the object is held back.
    pub fn is_staged(&self, job: &str, kind: ObjectKind, source_id: &str) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM staged WHERE job = ?1 AND kind = ?2 AND source_id = ?3)",
            )?
            .query_row([job, kind.as_str(), source_id], |row| row.get(0))?)
    }

    /// The objects whose removal is held back: kind, id and name, users first.
    pub fn staged(&self, job: &str) -> Result<Vec<(ObjectKind, String, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT s.kind, s.source_id, o.label FROM staged s JOIN object o ON o.id = s.source_id AND o.kind = s.kind
              WHERE s.job = ?1 ORDER BY s.kind DESC, o.position",
        )?;
        let mut rows = statement.query([job])?;
        let mut staged = Vec::new();
        while let Some(row) = rows.next()? {
            staged.push((super::directory::kind(&row.get::<_, String>(0)?)?, row.get(1)?, row.get(2)?));
        }
        Ok(staged)
    }

    /// Forgets the removals that cycle `cycle` no longer wanted, or sent.
    pub fn drop_staged_before(&self, job: &str, cycle: i64) -> Result<(), StoreError> {
        self.execute("DELETE FROM staged WHERE job = ?1 AND cycle < ?2", params![job, cycle])?;
        Ok(())
    }
}

fn cleared_key(job: &str) -> String {
    format!("links_cleared.{job}")
}

fn right_key(job: &str) -> String {
    format!("right_until.{job}")
}
