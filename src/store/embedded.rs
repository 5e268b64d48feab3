//! What the embedded app of a job holds, what is set in its console, and what is rehearsed there.

use rusqlite::OptionalExtension as _;
use serde_json::Value;

use super::{Store, StoreError};

impl Store {
    /// What the embedded app of a job holds, in the order of creation.
    pub fn embedded_content(&self, job: &str) -> Result<Vec<Value>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT resource FROM embedded WHERE job = ?1 ORDER BY position")?;
        let mut rows = statement.query([job])?;
        let mut content = Vec::new();
        while let Some(row) = rows.next()? {
            content.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
        }
        Ok(content)
    }

    /// Keeps a resource of the embedded app.
    pub fn save_embedded(&self, job: &str, id: &str, resource: &Value) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO embedded VALUES (?1, ?2,
                   (SELECT COALESCE(MAX(position), 0) + 1 FROM embedded WHERE job = ?1), ?3)
                 ON CONFLICT DO UPDATE SET resource = ?3",
            )?
            .execute([job, id, &resource.to_string()])?;
        Ok(())
    }

    /// Forgets a resource of the embedded app.
    pub fn drop_embedded(&self, job: &str, id: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM embedded WHERE job = ?1 AND id = ?2", [job, id])?;
        Ok(())
    }

    /// What is set in the console of the embedded app; `None` when nothing ever was.
    pub fn embedded_settings(&self, job: &str) -> Result<Option<Value>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT settings FROM embedded_settings WHERE job = ?1")?
            .query_row([job], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Keeps what is set in the console.
    pub fn save_embedded_settings(&self, job: &str, settings: &Value) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO embedded_settings VALUES (?1, ?2)")?
            .execute([job, &settings.to_string()])?;
        Ok(())
    }

    /// What is rehearsed, by id: each resource as it would be, `None` for one that would be gone.
    pub fn embedded_rehearsal(&self, job: &str) -> Result<Vec<(String, Option<Value>)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, resource FROM embedded_rehearsal WHERE job = ?1 ORDER BY id")?;
        let mut rows = statement.query([job])?;
        let mut rehearsed = Vec::new();
        while let Some(row) = rows.next()? {
            let resource: Option<String> = row.get(1)?;
            let resource = resource.map(|text| serde_json::from_str(&text)).transpose()?;
            rehearsed.push((row.get(0)?, resource));
        }
        Ok(rehearsed)
    }

    /// Keeps what a resource would be.
    pub fn save_rehearsed(&self, job: &str, id: &str, resource: Option<&Value>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO embedded_rehearsal VALUES (?1, ?2, ?3)")?
            .execute((job, id, resource.map(ToString::to_string)))?;
        Ok(())
    }

    /// Forgets what was rehearsed.
    pub fn drop_rehearsal(&self, job: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM embedded_rehearsal WHERE job = ?1", [job])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_and_rehearsals_are_kept_by_job_until_they_are_dropped() {
        let store = Store::in_memory().unwrap();
        assert_eq!(store.embedded_settings("j").unwrap(), None);
        store.save_embedded_settings("j", &json!({"testMode": true})).unwrap();
        store.save_embedded_settings("j", &json!({"testMode": false})).unwrap();
        assert_eq!(store.embedded_settings("j").unwrap(), Some(json!({"testMode": false})));
        assert_eq!(store.embedded_settings("other").unwrap(), None);

        store.save_rehearsed("j", "b", Some(&json!({"id": "b"}))).unwrap();
        store.save_rehearsed("j", "a", Some(&json!({"id": "a"}))).unwrap();
        store.save_rehearsed("j", "a", None).unwrap();
        let kept = [("a".to_owned(), None), ("b".to_owned(), Some(json!({"id": "b"})))];
        assert_eq!(store.embedded_rehearsal("j").unwrap(), kept);
        assert_eq!(store.embedded_rehearsal("other").unwrap(), []);
        store.drop_rehearsal("j").unwrap();
        assert_eq!(store.embedded_rehearsal("j").unwrap(), []);
    }
}
