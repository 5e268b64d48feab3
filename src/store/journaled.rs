//! The provisioning log.

use rusqlite::{Row, params};

use super::{Store, StoreError, directory, moment, stamp};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// One entry of the provisioning log as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Number of the cycle.
    pub cycle: i64,
    /// Place in the cycle: phase and object.
    pub position: i64,
    /// Id of the entry.
    pub id: String,
    /// Job time.
    pub at: Timestamp,
    /// User or group.
    pub kind: ObjectKind,
    /// objectId.
    pub source_id: String,
    /// userPrincipalName or displayName.
    pub label: String,
    /// The account, when known.
    pub target_id: Option<String>,
    /// `create`, `update`, `disable`, `delete`, `other` (`graph-api.md 10.2`).
    pub action: String,
    /// `success`, `warning`, `failure`, `skipped`.
    pub status: String,
    /// Entra's code, when there is one.
    pub error_code: Option<String>,
    /// The rest: JSON.
    pub entry: String,
}

/// Which entries of the log are wanted; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Status.
    pub status: Option<String>,
    /// Action.
    pub action: Option<String>,
    /// objectId; where nothing has that, part of the name, without case.
    pub object: Option<String>,
    /// Only this cycle.
    pub cycle: Option<i64>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
    /// Only entries written after the first mark and up to the second; see [`Store::log_mark`].
    pub written: Option<(i64, i64)>,
}

fn log_row(row: &Row<'_>) -> Result<LogRow, StoreError> {
    Ok(LogRow {
        cycle: row.get(0)?,
        position: row.get(1)?,
        id: row.get(2)?,
        at: moment(&row.get::<_, String>(3)?)?,
        kind: directory::kind(&row.get::<_, String>(4)?)?,
        source_id: row.get(5)?,
        label: row.get(6)?,
        target_id: row.get(7)?,
        action: row.get(8)?,
        status: row.get(9)?,
        error_code: row.get(10)?,
        entry: row.get(11)?,
    })
}

impl Store {
    /// Adds an entry to the provisioning log of a job.
    pub fn add_log_entry(&self, job: &str, row: &LogRow) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO log_entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                job,
                row.cycle,
                row.position,
                row.id,
                stamp(row.at),
                row.kind.as_str(),
                row.source_id,
                row.label,
                row.target_id,
                row.action,
                row.status,
                row.error_code,
                row.entry
            ])?;
        Ok(())
    }

    /// Entries of the provisioning log, in the order of cycles and of the objects in them.
    pub fn log_entries(&self, job: &str, filter: &LogFilter) -> Result<Vec<LogRow>, StoreError> {
        let about = match &filter.object {
            Some(object) if self.has_log_entries(job, object)? => "source_id = ?4",
            Some(_) => "instr(scimulator_lower(label), scimulator_lower(?4))",
            None => "?4 IS NULL",
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT * FROM (
               SELECT cycle, position, id, at, kind, source_id, label, target_id, action, status, error_code, entry
                 FROM log_entry
                WHERE job = ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR action = ?3)
                  AND {about} AND (?5 IS NULL OR cycle = ?5) AND (?7 IS NULL OR rowid > ?7) AND (?8 IS NULL OR rowid <= ?8)
                ORDER BY cycle DESC, position DESC LIMIT ?6)
             ORDER BY cycle, position"
        ))?;
        let limit = filter.limit.map_or(i64::MAX, i64::from);
        let mut rows = statement.query(params![
            job,
            filter.status,
            filter.action,
            filter.object,
            filter.cycle,
            limit,
            filter.written.map(|(after, _)| after),
            filter.written.map(|(_, until)| until)
        ])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(log_row(row)?);
        }
        Ok(entries)
    }

    /// How far the log has been written: a number that grows with each entry, whatever cycle and job it belongs to.
    pub fn log_mark(&self) -> Result<i64, StoreError> {
        Ok(self.query_row("SELECT COALESCE(MAX(rowid), 0) FROM log_entry", [], |row| row.get(0))?)
    }

    /// Whether the log has entries of the object with that objectId.
    fn has_log_entries(&self, job: &str, source_id: &str) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM log_entry WHERE job = ?1 AND source_id = ?2)")?
            .query_row([job, source_id], |row| row.get(0))?)
    }
}
