//! What a job has to tell people: mails it owes, and the audit log.

use rusqlite::params;

use super::{Store, StoreError, directory, moment, stamp};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// A mail as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// Its number, over all jobs.
    pub id: i64,
    /// When it became due, in job time.
    pub at: Timestamp,
    /// `quarantined`, `reason-changed`, `disabled`.
    pub occasion: String,
    /// Who gets it.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// An entry of the audit log as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number, over all jobs; 0 before it is kept.
    pub id: i64,
    /// Job time.
    pub at: Timestamp,
    /// The cycle it belongs to, if it does.
    pub cycle: Option<i64>,
    /// What was done, by its published name.
    pub activity: String,
    /// The user or group it is about: kind, objectId, name; `None` is the job itself.
    pub object: Option<(ObjectKind, String, String)>,
    /// Entra's code, when there is one.
    pub error_code: Option<String>,
    /// The name of a step, when it is one.
    pub event_name: Option<String>,
    /// What happened, in words.
    pub details: String,
}

impl Store {
    /// Notes that a mail is due; whoever calls [`Self::owed_mails`] next delivers it.
    pub fn owe_mail(&self, job: &str, mail: &MailRow) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO mail (job, at, occasion, recipient, subject, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![job, stamp(mail.at), mail.occasion, mail.recipient, mail.subject, mail.body])?;
        Ok(())
    }

    /// The mails of a job that are due and not delivered, the oldest first.
    pub fn owed_mails(&self, job: &str) -> Result<Vec<MailRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, at, occasion, recipient, subject, body FROM mail
              WHERE job = ?1 AND delivered IS NULL ORDER BY id",
        )?;
        let mut rows = statement.query([job])?;
        let mut mails = Vec::new();
        while let Some(row) = rows.next()? {
            mails.push(MailRow {
                id: row.get(0)?,
                at: moment(&row.get::<_, String>(1)?)?,
                occasion: row.get(2)?,
                recipient: row.get(3)?,
                subject: row.get(4)?,
                body: row.get(5)?,
            });
        }
        Ok(mails)
    }

    /// Notes that nothing is to be done about a mail any more: it was delivered, or a server refused it for good and only
    /// its file is there.
    pub fn mail_settled(&self, id: i64, at: Timestamp) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE mail SET delivered = ?2 WHERE id = ?1")?
            .execute(params![id, stamp(at)])?;
        Ok(())
    }

    /// Adds an entry to the audit log of a job.
    pub fn add_audit(&self, job: &str, row: &AuditRow) -> Result<(), StoreError> {
        let object = row.object.as_ref();
        self.connection
            .prepare_cached(
                "INSERT INTO audit (job, at, cycle, activity, kind, source_id, label, error_code, event_name, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                job,
                stamp(row.at),
                row.cycle,
                row.activity,
                object.map(|(kind, _, _)| kind.as_str()),
                object.map(|(_, id, _)| id),
                object.map(|(_, _, label)| label),
                row.error_code,
                row.event_name,
                row.details
            ])?;
        Ok(())
    }

    /// Drops what the logs of a job hold of the time before `limit`: of the provisioning log whole cycles that had ended
    /// by then, so that no cycle is shown in part.
    pub fn drop_logs_before(&self, job: &str, limit: Timestamp) -> Result<(), StoreError> {
        // From the oldest cycle that has entries, one after the other: they end in the order of their numbers, so the
        // first one that stays ends the search. Executions are kept for ever, and never gone through.
        while 0 < self.execute(
            "DELETE FROM log_entry WHERE job = ?1
                AND cycle <= (SELECT cycle FROM
                      (SELECT cycle, ended FROM execution
                        WHERE job = ?1 AND (SELECT MIN(cycle) FROM log_entry WHERE job = ?1) <= cycle
                          AND ended IS NOT NULL ORDER BY cycle LIMIT 1)
                     WHERE ended < ?2)",
            params![job, stamp(limit)],
        )? {}
        self.connection
            .prepare_cached("DELETE FROM audit WHERE job = ?1 AND at < ?2")?
            .execute(params![job, stamp(limit)])?;
        Ok(())
    }

    /// The audit log of a job, in the order in which it was written.
    pub fn audit(&self, job: &str) -> Result<Vec<AuditRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, at, cycle, activity, kind, source_id, label, error_code, event_name, details
               FROM audit WHERE job = ?1 ORDER BY at, id",
        )?;
        let mut rows = statement.query([job])?;
        let mut audit = Vec::new();
        while let Some(row) = rows.next()? {
            let kind = row.get::<_, Option<String>>(4)?.map(|kind| directory::kind(&kind)).transpose()?;
            let object = match (kind, row.get(5)?, row.get(6)?) {
                (Some(kind), Some(id), Some(label)) => Some((kind, id, label)),
                (_, _, _) => None,
            };
            audit.push(AuditRow {
                id: row.get(0)?,
                at: moment(&row.get::<_, String>(1)?)?,
                cycle: row.get(2)?,
                activity: row.get(3)?,
                object,
                error_code: row.get(7)?,
                event_name: row.get(8)?,
                details: row.get(9)?,
            });
        }
        Ok(audit)
    }
}
