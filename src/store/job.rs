//! Jobs: watermark, links, references, intents, escrows, executions. Everything here belongs to one job.

use std::collections::BTreeSet;

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

/// The connection between a source object and its account (`engine.md 0`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The account's id, opaque.
    pub target_id: String,
    /// Whether the object was in scope when last evaluated.
    pub managed: bool,
    /// Whether the account was disabled, and not enabled since: doing it again takes nothing away.
    pub removed: bool,
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

    /// Notes that a full read begins, with the change log at `seq`; one that is done again began when it first did.
    pub fn begin_full_read(&self, job: &str, seq: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE job SET full_read = ?2 WHERE name = ?1 AND full_read IS NULL")?
            .execute(params![job, seq])?;
        Ok(())
    }

    /// The link of an object.
    pub fn link(&self, job: &str, kind: ObjectKind, source_id: &str) -> Result<Option<Link>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT target_id, managed, removed FROM link WHERE job = ?1 AND kind = ?2 AND source_id = ?3",
            )?
            .query_row([job, kind.as_str(), source_id], |row| {
                Ok(Link { target_id: row.get(0)?, managed: row.get(1)?, removed: row.get(2)? })
            })
            .optional()?)
    }

    /// Links an object, or changes its link. The intent behind it is fulfilled. A new account id makes void what was
    /// recorded of the old one: whom it refers to, and who refers to it.
    pub fn save_link(
        &self,
        job: &str,
        (kind, source_id): (ObjectKind, &str),
        label: &str,
        link: &Link,
    ) -> Result<(), StoreError> {
        let known = self.link(job, kind, source_id)?;
        if known.as_ref().is_some_and(|known| known.target_id != link.target_id) {
            self.forget_references(job, source_id)?;
        }
        self.connection
            .prepare_cached(
                "INSERT INTO link (job, kind, source_id, target_id, label, managed, removed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET target_id = ?4, label = ?5, managed = ?6, removed = ?7,
                   created = created AND target_id = ?4",
            )?
            .execute(params![
                job,
                kind.as_str(),
                source_id,
                link.target_id,
                label,
                link.managed,
                link.removed
            ])?;
        self.connection
            .prepare_cached("DELETE FROM intent WHERE job = ?1 AND kind = ?2 AND source_id = ?3")?
            .execute([job, kind.as_str(), source_id])?;
        if known.is_none() {
            let column = match kind {
                ObjectKind::User => "users_linked",
                ObjectKind::Group => "groups_linked",
            };
            self.execute(&format!("UPDATE job SET {column} = {column} + 1 WHERE name = ?1"), [job])?;
        }
        Ok(())
    }

    /// Notes that the account of a link was made by this job, and not found.
    pub fn made_account(&self, job: &str, kind: ObjectKind, source_id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE link SET created = 1 WHERE job = ?1 AND kind = ?2 AND source_id = ?3")?
            .execute([job, kind.as_str(), source_id])?;
        Ok(())
    }

    /// Drops the link of an object whose account is gone, with what it recorded, and what others recorded of it. What
    /// failed to be written about those others is still owed: the retry knows by the record what to take away.
    pub fn drop_link(&self, job: &str, kind: ObjectKind, source_id: &str) -> Result<(), StoreError> {
        self.forget_references(job, source_id)?;
        self.connection
            .prepare_cached("DELETE FROM link WHERE job = ?1 AND kind = ?2 AND source_id = ?3")?
            .execute([job, kind.as_str(), source_id])?;
        Ok(())
    }

    /// What an object is called, and what it was called when its account was written last; letter case aside.
    pub fn names(
        &self,
        job: &str,
        kind: ObjectKind,
        source_id: &str,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT label FROM object WHERE kind = ?2 AND id = ?3
             UNION ALL SELECT label FROM link WHERE job = ?1 AND kind = ?2 AND source_id = ?3",
        )?;
        let rows = statement.query_map([job, kind.as_str(), source_id], |row| row.get::<_, String>(0))?;
        rows.map(|name| Ok(name?.to_lowercase())).collect()
    }

    /// How many objects of a kind are linked now.
    pub fn link_count(&self, job: &str, kind: ObjectKind) -> Result<u64, StoreError> {
        let count: i64 = self.query_row(
            "SELECT count(*) FROM link WHERE job = ?1 AND kind = ?2",
            [job, kind.as_str()],
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }

    /// The source object that an account is linked to.
    pub fn source_of(
        &self,
        job: &str,
        kind: ObjectKind,
        target_id: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(self
            .query_row(
                "SELECT source_id FROM link WHERE job = ?1 AND kind = ?2 AND target_id = ?3",
                [job, kind.as_str(), target_id],
                |row| row.get(0),
            )
            .optional()?)
    }

    fn forget_references(&self, job: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM reference WHERE job = ?1 AND source_id = ?2")?
            .execute([job, id])?;
        self.connection
            .prepare_cached(
                // Left to itself SQLite goes through all references of the job.
                "DELETE FROM reference INDEXED BY reference_other WHERE job = ?1 AND other_id = ?2
                    AND NOT EXISTS (SELECT 1 FROM escrow e WHERE e.job = ?1 AND e.source_id = reference.source_id
                       AND e.kind = CASE reference.attribute WHEN 'members' THEN 'Group' ELSE 'User' END)",
            )?
            .execute([job, id])?;
        Ok(())
    }

    /// Leaves an account to another object: the link goes, and what the account refers to and is referred to by is from
    /// now on recorded of its new owner.
    pub fn hand_over(&self, job: &str, kind: ObjectKind, from: &str, to: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE OR REPLACE reference SET source_id = ?3 WHERE job = ?1 AND source_id = ?2",
            )?
            .execute([job, from, to])?;
        self.connection
            .prepare_cached(
                "UPDATE OR REPLACE reference INDEXED BY reference_other SET other_id = ?3
                  WHERE job = ?1 AND other_id = ?2",
            )?
            .execute([job, from, to])?;
        self.drop_link(job, kind, from)
    }

    /// Notes whether all the references of a linked object are still to be looked at, so that a kill between the
    /// object and its references loses none (design, law 4).
    pub fn owe_references(
        &self,
        job: &str,
        kind: ObjectKind,
        source_id: &str,
        due: bool,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE link SET references_due = ?4
                  WHERE job = ?1 AND kind = ?2 AND source_id = ?3 AND references_due <> ?4",
            )?
            .execute(params![job, kind.as_str(), source_id, due])?;
        Ok(())
    }

    /// Notes that a reference is about to be written: a member or the manager, by source id and target id. Until
    /// [`Self::record_reference`] it may be in the target or not (design, law 4).
    pub fn propose_reference(
        &self,
        job: &str,
        source_id: &str,
        attribute: &str,
        (other_id, target_id): (&str, &str),
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO reference VALUES (?1, ?2, ?3, ?4, ?5, 0)
                 ON CONFLICT DO UPDATE SET target_id = ?5, confirmed = confirmed AND target_id = ?5",
            )?
            .execute([job, source_id, attribute, other_id, target_id])?;
        Ok(())
    }

    /// Records that a reference was written: a member or the manager, by source id and target id.
    pub fn record_reference(
        &self,
        job: &str,
        source_id: &str,
        attribute: &str,
        (other_id, target_id): (&str, &str),
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO reference VALUES (?1, ?2, ?3, ?4, ?5, 1)")?
            .execute([job, source_id, attribute, other_id, target_id])?;
        Ok(())
    }

    /// Records who the manager of a user is in the target, by source id and target id, or that there is none. Whoever
    /// was recorded or proposed before is forgotten.
    pub fn record_manager(
        &self,
        job: &str,
        user: &str,
        manager: Option<(&str, &str)>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM reference WHERE job = ?1 AND source_id = ?2 AND attribute = 'manager'",
            )?
            .execute([job, user])?;
        match manager {
            Some(manager) => self.record_reference(job, user, "manager", manager),
            None => Ok(()),
        }
    }

    /// Forgets a recorded reference.
    pub fn remove_reference(
        &self,
        job: &str,
        source_id: &str,
        attribute: &str,
        other_id: &str,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM reference WHERE job = ?1 AND source_id = ?2 AND attribute = ?3 AND other_id = ?4",
            )?
            .execute([job, source_id, attribute, other_id])?;
        Ok(())
    }

    /// Whether this job has set a manager of the user, or may have.
    pub fn has_recorded_manager(&self, job: &str, user: &str) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM reference
                                 WHERE job = ?1 AND source_id = ?2 AND attribute = 'manager')",
            )?
            .query_row([job, user], |row| row.get(0))?)
    }

    /// Notes that a create is about to leave, with the matching value it sends (design, law 4).
    pub fn save_intent(
        &self,
        job: &str,
        (kind, source_id): (ObjectKind, &str),
        (path, value): (&str, &str),
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO intent VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute([job, kind.as_str(), source_id, path, value])?;
        Ok(())
    }

    /// The create that may have left before a kill: target path and matching value.
    pub fn intent(
        &self,
        job: &str,
        kind: ObjectKind,
        source_id: &str,
    ) -> Result<Option<(String, String)>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT path, value FROM intent WHERE job = ?1 AND kind = ?2 AND source_id = ?3")?
            .query_row([job, kind.as_str(), source_id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// The create is known not to have happened: the target refused it.
    pub fn drop_intent(&self, job: &str, kind: ObjectKind, source_id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM intent WHERE job = ?1 AND kind = ?2 AND source_id = ?3")?
            .execute([job, kind.as_str(), source_id])?;
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
