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
            Some(document) => self
                .connection
                .execute("INSERT OR REPLACE INTO job_schema VALUES (?1, ?2)", [job, document])?,
            None => self.connection.execute("DELETE FROM job_schema WHERE job = ?1", [job])?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{APPLICATION_ID, Store};

    #[test]
    fn a_state_of_version_one_gains_the_table_and_keeps_its_content() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("001.sql")).unwrap();
        connection.execute("INSERT INTO meta VALUES ('k', 'v')", []).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let store = Store::prepare(connection, ":memory:".into()).unwrap();
        assert_eq!(store.meta("k").unwrap().as_deref(), Some("v"));
        assert_eq!(store.job_schema("j").unwrap(), None);
        store.save_job_schema("j", Some("{}")).unwrap();
        store.save_job_schema("j", Some("[]")).unwrap();
        assert_eq!(store.job_schema("j").unwrap().as_deref(), Some("[]"));
        assert_eq!(store.job_schema("other").unwrap(), None);
        store.save_job_schema("j", None).unwrap();
        assert_eq!(store.job_schema("j").unwrap(), None);
    }
}
