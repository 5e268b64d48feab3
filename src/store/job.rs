//! Jobs: watermark, escrows, executions. Everything here belongs to one job.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Store, StoreError, directory, moment, stamp};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// The standing of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its name in the configuration.
    pub name: String,
    /// Its id: `scim.<tenant>.<guid>` (`graph-api.md 3`).
    pub id: String,
    /// The seq up to which the change log is processed; `None`: the next cycle is an initial one.
    pub watermark: Option<i64>,
    /// The newest seq when the full read under way first began; it stays when an initial cycle fails or is killed.
    pub full_read: Option<i64>,
    /// Number of the last cycle begun; 0 before the first.
    pub cycle: i64,
    /// Fingerprint of mappings and filters; another one means an initial cycle (`engine.md 1.1`).
    pub definition: String,
    /// Whether an admin has paused it.
    pub paused: bool,
    /// Whether that pause is the portal's switch, which the schedule shows (`engine.md 0`).
    pub turned_off: bool,
    /// Runs in a row that ended in state Failed.
    pub failures: i64,
    /// First and last time that nothing was left to process.
    pub steady: Option<(Timestamp, Timestamp)>,
    /// Users and groups ever linked; never falls (`engine.md 10`).
    pub linked: (i64, i64),
    /// When the next cycle is due.
    pub next_cycle: Option<Timestamp>,
    /// The quarantine record as JSON, when in quarantine.
    pub quarantine: Option<String>,
    /// Whether a long quarantine has ended it: it runs no more until somebody starts or restarts it.
    pub disabled: bool,
    /// Whether an initial cycle had too many failures, and they were dropped (`engine.md 6.2`).
    pub escrows_pruned: bool,
    /// Whether the next cycle sends the removals that the deletion guard holds back.
    pub force_deletes: bool,
    /// Objects exported since the last restart.
    pub exported: i64,
}

impl JobRow {
    /// A job that has never run.
    pub fn new(name: &str, id: &str, definition: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            watermark: None,
            full_read: None,
            cycle: 0,
            definition: definition.to_owned(),
            paused: false,
            turned_off: false,
            failures: 0,
            steady: None,
            linked: (0, 0),
            next_cycle: None,
            quarantine: None,
            disabled: false,
            escrows_pruned: false,
            force_deletes: false,
            exported: 0,
        }
    }
}

/// A failed operation that waits for its next try (`engine.md 5.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// User or group.
    pub kind: ObjectKind,
    /// objectId.
    pub source_id: String,
    /// Whether only a reference (manager, members) could not be written.
    pub is_reference: bool,
    /// userPrincipalName or displayName.
    pub label: String,
    /// The account, when known.
    pub target_id: Option<String>,
    /// What was intended: create, update, disable, delete.
    pub operation: String,
    /// When it failed first.
    pub first_failure: Timestamp,
    /// How often it was tried again.
    pub retries: u32,
    /// When it is due; `None`: it is given up.
    pub next_retry: Option<Timestamp>,
    /// Entra's code (`engine.md 11.1`).
    pub error_code: String,
    /// The text of the log entry, without its tail about retries.
    pub reason: String,
    /// Status of the answer, when there was one.
    pub http_status: Option<u16>,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Number of the cycle.
    pub cycle: i64,
    /// cycleId.
    pub id: String,
    /// Whether it was an initial cycle.
    pub initial: bool,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it runs, or when it was killed.
    pub ended: Option<Timestamp>,
    /// `Succeeded`, `Failed` or `EntryLevelErrors`.
    pub state: Option<String>,
    /// Counts and error, JSON.
    pub statistics: String,
}

/// How far the run under way has come, in pages of objects (`engine.md 10`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Number of its cycle.
    pub cycle: i64,
    /// Pages dealt with.
    pub completed: u64,
    /// Pages there are.
    pub total: u64,
    /// When that was seen.
    pub at: Timestamp,
}

fn job_row(row: &Row<'_>) -> Result<JobRow, StoreError> {
    let time = |text: Option<String>| text.map(|text| moment(&text)).transpose();
    Ok(JobRow {
        name: row.get(0)?,
        id: row.get(1)?,
        watermark: row.get(2)?,
        cycle: row.get(3)?,
        definition: row.get(4)?,
        paused: row.get(5)?,
        failures: row.get(6)?,
        steady: time(row.get(7)?)?.zip(time(row.get(8)?)?),
        linked: (row.get(9)?, row.get(10)?),
        next_cycle: time(row.get(11)?)?,
        quarantine: row.get(12)?,
        disabled: row.get(13)?,
        escrows_pruned: row.get(14)?,
        force_deletes: row.get(15)?,
        exported: row.get(16)?,
        full_read: row.get(17)?,
        turned_off: row.get(18)?,
    })
}

fn escrow_row(row: &Row<'_>) -> Result<Escrow, StoreError> {
    Ok(Escrow {
        kind: directory::kind(&row.get::<_, String>(0)?)?,
        source_id: row.get(1)?,
        is_reference: row.get(2)?,
        label: row.get(3)?,
        target_id: row.get(4)?,
        operation: row.get(5)?,
        first_failure: moment(&row.get::<_, String>(6)?)?,
        retries: row.get(7)?,
        next_retry: row.get::<_, Option<String>>(8)?.map(|text| moment(&text)).transpose()?,
        error_code: row.get(9)?,
        reason: row.get(10)?,
        http_status: row.get(11)?,
    })
}

fn execution_row(row: &Row<'_>) -> Result<Execution, StoreError> {
    Ok(Execution {
        cycle: row.get(0)?,
        id: row.get(1)?,
        initial: row.get(2)?,
        began: moment(&row.get::<_, String>(3)?)?,
        ended: row.get::<_, Option<String>>(4)?.map(|text| moment(&text)).transpose()?,
        state: row.get(5)?,
        statistics: row.get(6)?,
    })
}

const ESCROW: &str =
    "kind, source_id, is_reference, label, target_id, operation, first_failure, retries, next_retry,
                      error_code, reason, http_status";
const EXECUTION: &str = "cycle, id, initial, began, ended, state, statistics";

impl Store {
    /// The standing of a job; `None` before its first run.
    pub fn job(&self, name: &str) -> Result<Option<JobRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, id, watermark, cycle, definition, paused, failures, steady_first, steady_last,
                    users_linked, groups_linked, next_cycle, quarantine, disabled, escrows_pruned,
                    force_deletes, exported, full_read, turned_off FROM job WHERE name = ?1",
        )?;
        let mut rows = statement.query([name])?;
        rows.next()?.map(job_row).transpose()
    }

    /// Keeps the standing of a job. Whether it is paused is kept for a new job alone: a pause may come in while a cycle
    /// works on what it read before, and is [`Store::set_paused`]'s, as [`Store::turn_off`] is the switch's.
    pub fn save_job(&self, job: &JobRow) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO job (name, id, watermark, cycle, definition, paused, failures, steady_first, steady_last,
                                  users_linked, groups_linked, next_cycle, quarantine, disabled, escrows_pruned,
                                  force_deletes, exported, full_read)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
                 ON CONFLICT DO UPDATE SET id = ?2, watermark = ?3, cycle = ?4, definition = ?5,
                    failures = ?7, steady_first = ?8, steady_last = ?9, users_linked = ?10, groups_linked = ?11,
                    next_cycle = ?12, quarantine = ?13, disabled = ?14, escrows_pruned = ?15, force_deletes = ?16,
                    exported = ?17, full_read = ?18",
            )?
            .execute(params![
                job.name,
                job.id,
                job.watermark,
                job.cycle,
                job.definition,
                job.paused,
                job.failures,
                job.steady.map(|(first, _)| stamp(first)),
                job.steady.map(|(_, last)| stamp(last)),
                job.linked.0,
                job.linked.1,
                job.next_cycle.map(stamp),
                job.quarantine,
                job.disabled,
                job.escrows_pruned,
                job.force_deletes,
                job.exported,
                job.full_read,
            ])?;
        Ok(())
    }

    /// Whether a cycle of a job has ever begun.
    pub fn has_begun(&self, job: &str) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM execution WHERE job = ?1)")?
            .query_row([job], |row| row.get(0))?)
    }

    /// Whether a cycle of a job has ever ended that did not fail.
    pub fn has_read(&self, job: &str) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM execution WHERE job = ?1 AND ended IS NOT NULL AND state <> 'Failed')",
            )?
            .query_row([job], |row| row.get(0))?)
    }

    /// Notes that a full read begins, with the change log at `seq`; one that is done again began when it first did.
    pub fn begin_full_read(&self, job: &str, seq: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE job SET full_read = ?2 WHERE name = ?1 AND full_read IS NULL")?
            .execute(params![job, seq])?;
        Ok(())
    }

    /// Opens an escrow or renews it.
    pub fn save_escrow(&self, job: &str, escrow: &Escrow) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO escrow (job, kind, source_id, is_reference, label, target_id, operation,
                   first_failure, retries, next_retry, error_code, reason, http_status)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                job,
                escrow.kind.as_str(),
                escrow.source_id,
                escrow.is_reference,
                escrow.label,
                escrow.target_id,
                escrow.operation,
                stamp(escrow.first_failure),
                escrow.retries,
                escrow.next_retry.map(stamp),
                escrow.error_code,
                escrow.reason,
                escrow.http_status,
            ])?;
        Ok(())
    }

    /// The escrow of an object, or of its references.
    pub fn escrow(
        &self,
        job: &str,
        kind: ObjectKind,
        source_id: &str,
        is_reference: bool,
    ) -> Result<Option<Escrow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {ESCROW} FROM escrow WHERE job = ?1 AND kind = ?2 AND source_id = ?3 AND is_reference = ?4"
        ))?;
        let mut rows = statement.query(params![job, kind.as_str(), source_id, is_reference])?;
        rows.next()?.map(escrow_row).transpose()
    }

    /// Every open escrow of a job, the oldest first.
    pub fn escrows(&self, job: &str) -> Result<Vec<Escrow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {ESCROW} FROM escrow WHERE job = ?1 ORDER BY first_failure, kind DESC, source_id, is_reference"
        ))?;
        let mut rows = statement.query([job])?;
        let mut escrows = Vec::new();
        while let Some(row) = rows.next()? {
            escrows.push(escrow_row(row)?);
        }
        Ok(escrows)
    }

    /// Makes failures that are due later than `latest` due at `now`: no schedule says so, a clock that has been set back
    /// since does.
    pub fn recall_escrows(&self, job: &str, latest: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE escrow SET next_retry = ?3 WHERE job = ?1 AND ?2 < next_retry")?
            .execute([job, &stamp(latest), &stamp(now)])?;
        Ok(())
    }

    /// Closes an escrow, if there is one; whether it was still waiting to be tried again.
    pub fn drop_escrow(
        &self,
        job: &str,
        kind: ObjectKind,
        source_id: &str,
        is_reference: bool,
    ) -> Result<bool, StoreError> {
        let was_tried_again = self
            .connection
            .prepare_cached(
                "DELETE FROM escrow WHERE job = ?1 AND kind = ?2 AND source_id = ?3 AND is_reference = ?4
                 RETURNING next_retry IS NOT NULL",
            )?
            .query_row(params![job, kind.as_str(), source_id, is_reference], |row| row.get(0))
            .optional()?;
        Ok(was_tried_again.unwrap_or(false))
    }

    /// Keeps the record of a run.
    pub fn save_execution(&self, job: &str, execution: &Execution) -> Result<(), StoreError> {
        self.execute(
            "INSERT OR REPLACE INTO execution VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                job,
                execution.cycle,
                execution.id,
                execution.initial,
                stamp(execution.began),
                execution.ended.map(stamp),
                execution.state,
                execution.statistics,
            ],
        )?;
        Ok(())
    }

    /// Keeps how far a run has come.
    pub fn save_progress(&self, job: &str, progress: &Progress) -> Result<(), StoreError> {
        let pages = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO progress VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                job,
                progress.cycle,
                pages(progress.completed),
                pages(progress.total),
                stamp(progress.at)
            ])?;
        Ok(())
    }

    /// How far the run of a job has come that is under way, or was killed.
    pub fn progress(&self, job: &str) -> Result<Option<Progress>, StoreError> {
        let row = self
            .connection
            .prepare_cached("SELECT cycle, completed, total, at FROM progress WHERE job = ?1")?
            .query_row([job], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?))
            })
            .optional()?;
        row.map(|(cycle, completed, total, at)| {
            let (completed, total) = (completed.unsigned_abs(), total.unsigned_abs());
            Ok(Progress { cycle, completed, total, at: moment(&at)? })
        })
        .transpose()
    }

    /// Forgets how far a run has come: it is over, or another one begins.
    pub fn drop_progress(&self, job: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM progress WHERE job = ?1")?.execute([job])?;
        Ok(())
    }

    /// The run of a job with that number, ended or not.
    pub fn execution(&self, job: &str, cycle: i64) -> Result<Option<Execution>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {EXECUTION} FROM execution WHERE job = ?1 AND cycle = ?2"))?;
        let mut rows = statement.query(params![job, cycle])?;
        rows.next()?.map(execution_row).transpose()
    }

    /// The cycleId of a cycle of a job.
    pub fn cycle_id(&self, job: &str, cycle: i64) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id FROM execution WHERE job = ?1 AND cycle = ?2")?
            .query_row(params![job, cycle], |row| row.get(0))
            .optional()?)
    }

    /// Runs of a job that have ended, the newest first.
    pub fn executions(&self, job: &str, limit: u32) -> Result<Vec<Execution>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {EXECUTION} FROM execution WHERE job = ?1 AND ended IS NOT NULL ORDER BY cycle DESC LIMIT ?2"
        ))?;
        let mut rows = statement.query(params![job, limit])?;
        let mut executions = Vec::new();
        while let Some(row) = rows.next()? {
            executions.push(execution_row(row)?);
        }
        Ok(executions)
    }

    /// The newest run without errors; with `exports`, the newest of those that exported something.
    pub fn last_success(&self, job: &str, exports: bool) -> Result<Option<Execution>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {EXECUTION} FROM execution WHERE job = ?1 AND state = 'Succeeded'
                AND (?2 = 0 OR 0 < json_extract(statistics, '$.countExported')) ORDER BY cycle DESC LIMIT 1"
        ))?;
        let mut rows = statement.query(params![job, exports])?;
        rows.next()?.map(execution_row).transpose()
    }
}
