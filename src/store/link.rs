//! Links: which account is whose, what was recorded of its references, and the creates that are under way.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError};
use crate::directory::object::ObjectKind;

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

impl Store {
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
    /// recorded of the old one: whom it refers to, and who refers to it, but for what failed and is still owed.
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
}
