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
