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

    /// Keeps the document for a job, or drops it. A change of mappings clears a quarantine (E-010); that the next cycle
    /// is an initial one follows from the mappings themselves.
    pub fn save_job_schema(&mut self, job: &str, document: Option<&str>) -> Result<(), StoreError> {
        self.step(|store| {
            match document {
                Some(document) => store
                    .connection
                    .execute("INSERT OR REPLACE INTO job_schema VALUES (?1, ?2)", [job, document])?,
                None => store.connection.execute("DELETE FROM job_schema WHERE job = ?1", [job])?,
            };
            if let Some(row) = store.job(job)?
                && row.quarantine.is_some()
            {
                store.save_job(&super::JobRow { quarantine: None, next_cycle: None, ..row })?;
            }
            Ok(())
        })
    }
}
