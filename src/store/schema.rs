//! The schema that was imported for a job.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError};

impl Store {
    /// The `synchronizationSchema` document imported for a job; `None`: its profile holds.
    pub fn job_schema(&self, job: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT document FROM job_schema WHERE job = ?1")?
            .query_row([job], |row| row.get(0))
            .optional()?)
    }

    /// Keeps the document for a job, or drops it. What follows from that is the next cycle's business, which compares
    /// the mappings with those of the last one.
    pub fn save_job_schema(&self, job: &str, document: Option<&str>) -> Result<(), StoreError> {
        match document {
            Some(document) => {
                self.execute("INSERT OR REPLACE INTO job_schema VALUES (?1, ?2)", [job, document])?
            }
            None => self.execute("DELETE FROM job_schema WHERE job = ?1", [job])?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{APPLICATION_ID, LogFilter, Store};
    use crate::directory::object::ObjectKind;

    #[test]
    fn a_state_of_version_one_gains_the_table_and_keeps_its_content() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("001.sql")).unwrap();
        connection
            .execute_batch(
                r#"INSERT INTO meta VALUES ('k', 'v');
                INSERT INTO object VALUES
                  ('User', 'u1', 1, 1, 'Ann', 'ann', NULL, x'00', '{"a":"1"}', '{"a":"1"}', 0, 1, 'active', NULL),
                  ('User', 'u2', 2, 1, 'Bob', 'bob', NULL, x'00', '{"a":"1"}', '{"a":"2"}', 1, 1, 'active', NULL);
                INSERT INTO job (name, id, cycle, definition, paused, failures, users_linked, groups_linked)
                  VALUES ('j', 'i', 1, 'd', 0, 0, 1, 0);
                INSERT INTO link VALUES ('j', 'User', 'u1', 't1', 'Ann', 1);
                INSERT INTO escrow VALUES ('j', 'User', 'u2', 0, 'Bob', NULL, 'create', '2026-01-05T08:00:00.000000Z', 2,
                  '2026-01-05T08:40:00.000000Z', 'EntryConflict', 'taken', 409);
                INSERT INTO log_entry VALUES ('j', 1, 1, 'e', '2026-01-05T08:00:00.000000Z', 'User', 'u1', 'Ann', 't1',
                  'create', 'success', NULL, '{}');
                INSERT INTO embedded VALUES ('j', 't1', 1, '{"id":"t1"}');"#,
            )
            .unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let store = Store::prepare(connection, ":memory:".into()).unwrap();
        assert_eq!(store.meta("k").unwrap().as_deref(), Some("v"));
        let text = |id| store.object(ObjectKind::User, id).unwrap().unwrap().text("a").map(str::to_owned);
        assert_eq!((text("u1").as_deref(), text("u2").as_deref()), (Some("1"), Some("2")));
        let link = store.link("j", ObjectKind::User, "u1").unwrap().unwrap();
        assert_eq!((link.target_id.as_str(), link.managed, link.removed), ("t1", true, false));
        let escrow = store.escrows("j").unwrap().remove(0);
        assert_eq!((escrow.retries, escrow.http_status, escrow.next_retry.is_some()), (2, Some(409), true));
        assert_eq!(store.log_entries("j", &LogFilter::default()).unwrap().len(), 1);
        assert_eq!(store.embedded_content("j").unwrap().len(), 1);
        let job = store.job("j").unwrap().unwrap();
        assert_eq!((job.cycle, job.linked, job.disabled, job.full_read), (1, (1, 0), false, None));
        assert_eq!(store.job_schema("j").unwrap(), None);
        store.save_job_schema("j", Some("{}")).unwrap();
        store.save_job_schema("j", Some("[]")).unwrap();
        assert_eq!(store.job_schema("j").unwrap().as_deref(), Some("[]"));
        assert_eq!(store.job_schema("other").unwrap(), None);
        store.save_job_schema("j", None).unwrap();
        assert_eq!(store.job_schema("j").unwrap(), None);
    }
}
