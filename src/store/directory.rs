//! The directory as it stands: objects, edges, edits by command, the recycle bin, the change log.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Store, StoreError, moment, stamp};
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::object::{ObjectKind, SourceObject, canonical_id};
use crate::expression::AttributeValue;

/// Where an object stands in its life (`engine.md 1.3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectState {
    /// In the directory.
    Active,
    /// In the recycle bin since then: soft-deleted.
    Recycled(Timestamp),
    /// Hard-deleted; the row is kept as a tombstone.
    Gone(Timestamp),
}

/// One user or group as the directory has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// User or group.
    pub kind: ObjectKind,
    /// objectId.
    pub id: String,
    /// userPrincipalName or displayName.
    pub label: String,
    /// Place in the order in which the source first delivered it.
    pub position: i64,
    /// Attributes in effect.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// Attributes as last imported.
    pub imported: BTreeMap<String, AttributeValue>,
    /// Whether a command changed it since its row last changed in the file.
    pub edited: bool,
    /// Whether the files have it.
    pub in_file: bool,
    /// Where it stands in its life.
    pub state: ObjectState,
}

impl StoredObject {
    /// The text of a single-valued attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(AttributeValue::Text(text)) => Some(text),
            Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => None,
        }
    }
}

/// What a name that a person wrote stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// One object: kind and objectId.
    One(ObjectKind, String),
    /// Nothing has that objectId, userPrincipalName or displayName.
    Unknown,
    /// Several objects do; their kinds and objectIds.
    Several(Vec<(ObjectKind, String)>),
}

/// A change made by command or scenario instead of in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets attributes, or removes those without a value.
    Set(BTreeMap<String, Option<AttributeValue>>),
    /// Moves a user to the recycle bin; a group goes for good (`engine.md 4.4`).
    Delete,
    /// Takes an object back from the recycle bin.
    Restore,
    /// Deletes for good.
    Purge,
}

/// Why an edit can't be made.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Restoring what is not in the recycle bin, deleting what is gone, and the like.
    #[error("`{label}` {why}")]
    State {
        /// The object.
        label: String,
        /// What stands in the way.
        why: &'static str,
    },
    /// The new name is taken.
    #[error("`{0}` is the name of another object")]
    NameTaken(String),
    /// The state file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const OBJECT: &str = "kind, id, label, position, row, file_row, edited, in_file, state, deleted_at";

fn stored(row: &Row<'_>) -> Result<StoredObject, StoreError> {
    Ok(StoredObject {
        kind: kind(&row.get::<_, String>(0)?)?,
        id: row.get(1)?,
        label: row.get(2)?,
        position: row.get(3)?,
        attributes: parse_row(&row.get::<_, String>(4)?)?,
        imported: parse_row(&row.get::<_, String>(5)?)?,
        edited: row.get(6)?,
        in_file: row.get(7)?,
        state: state(&row.get::<_, String>(8)?, row.get::<_, Option<String>>(9)?.as_deref())?,
    })
}

/// The state of that name, since then.
pub(super) fn state(name: &str, since: Option<&str>) -> Result<ObjectState, StoreError> {
    match (name, since) {
        ("active", None) => Ok(ObjectState::Active),
        ("recycled", Some(since)) => Ok(ObjectState::Recycled(moment(since)?)),
        ("gone", Some(since)) => Ok(ObjectState::Gone(moment(since)?)),
        _ => Err(StoreError::Corrupt(format!("object state `{name}`"))),
    }
}

pub(super) fn kind(text: &str) -> Result<ObjectKind, StoreError> {
    ObjectKind::from_name(text).ok_or_else(|| StoreError::Corrupt(format!("object kind `{text}`")))
}

/// Attributes as JSON text: `{"name": "text" | ["text", …]}`, names in order.
pub(super) fn render_row(attributes: &BTreeMap<String, AttributeValue>) -> String {
    let object: serde_json::Map<String, serde_json::Value> = attributes
        .iter()
        .filter_map(|(name, value)| match value {
            AttributeValue::Text(text) => Some((name.clone(), text.clone().into())),
            AttributeValue::List(items) => Some((name.clone(), items.clone().into())),
            AttributeValue::Roles(_) => None, // computed for each job, never part of a row
        })
        .collect();
    serde_json::Value::Object(object).to_string()
}

fn parse_row(text: &str) -> Result<BTreeMap<String, AttributeValue>, StoreError> {
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(text)?;
    object
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                serde_json::Value::String(text) => AttributeValue::Text(text),
                list @ serde_json::Value::Array(_) => AttributeValue::List(serde_json::from_value(list)?),
                other @ (serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Number(_)
                | serde_json::Value::Object(_)) => {
                    return Err(StoreError::Corrupt(format!("attribute `{name}` is `{other}`")));
                }
            };
            Ok((name, value))
        })
        .collect()
}

/// The name of an object of that kind with those attributes.
pub(super) fn label_of<'a>(
    kind: ObjectKind,
    attributes: &'a BTreeMap<String, AttributeValue>,
    id: &'a str,
) -> &'a str {
    let name = match kind {
        ObjectKind::User => "userPrincipalName",
        ObjectKind::Group => "displayName",
    };
    match attributes.get(name) {
        Some(AttributeValue::Text(text)) => text,
        Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => id,
    }
}

pub(super) fn manager_of(attributes: &BTreeMap<String, AttributeValue>) -> Option<&str> {
    match attributes.get("manager") {
        Some(AttributeValue::Text(text)) => Some(text),
        Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => None,
    }
}

impl Store {
    /// The seq of the newest entry of the change log; 0 when there is none.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        Ok(self.query_row("SELECT COALESCE(MAX(seq), 0) FROM change", [], |row| row.get(0))?)
    }

    /// Adds an entry to the change log.
    pub(super) fn log_change(
        &self,
        at: Timestamp,
        kind: ObjectKind,
        object: &str,
        what: &str,
        other: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO change (at, kind, object, what, other) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![stamp(at), kind.as_str(), object, what, other])?;
        Ok(())
    }

    /// Where an object stands in its life; `None` when the directory never had it.
    pub(super) fn state_of(&self, kind: ObjectKind, id: &str) -> Result<Option<ObjectState>, StoreError> {
        let found: Option<(String, Option<String>)> = self
            .connection
            .prepare_cached("SELECT state, deleted_at FROM object WHERE kind = ?1 AND id = ?2")?
            .query_row([kind.as_str(), id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found.map(|(name, since)| state(&name, since.as_deref())).transpose()
    }

    /// One object, tombstones included.
    pub fn object(&self, kind: ObjectKind, id: &str) -> Result<Option<StoredObject>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {OBJECT} FROM object WHERE kind = ?1 AND id = ?2"))?;
        let mut rows = statement.query([kind.as_str(), id])?;
        rows.next()?.map(stored).transpose()
    }

    /// A page of the objects of a kind that are not gone, in source order after `position`.
    pub fn objects_after(
        &self,
        kind: ObjectKind,
        position: i64,
        limit: usize,
    ) -> Result<Vec<StoredObject>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {OBJECT} FROM object WHERE kind = ?1 AND state <> 'gone' AND ?2 < position
             ORDER BY position LIMIT ?3"
        ))?;
        let mut rows =
            statement.query(params![kind.as_str(), position, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(stored(row)?);
        }
        Ok(page)
    }

    /// The objects for which a condition about a job holds, tombstones included; in source order.
    pub(super) fn stored_objects(&self, condition: &str, job: &str) -> Result<Vec<StoredObject>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {OBJECT} FROM object WHERE {condition} ORDER BY kind DESC, position"
        ))?;
        let mut rows = statement.query([job])?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next()? {
            objects.push(stored(row)?);
        }
        Ok(objects)
    }

    /// How many objects of a kind are in the directory, and how many in its recycle bin.
    pub fn object_counts(&self, kind: ObjectKind) -> Result<(u64, u64), StoreError> {
        let count = |state: &str| -> Result<u64, StoreError> {
            let count: i64 = self.query_row(
                "SELECT count(*) FROM object WHERE kind = ?1 AND state = ?2",
                [kind.as_str(), state],
                |row| row.get(0),
            )?;
            Ok(count.unsigned_abs())
        };
        Ok((count("active")?, count("recycled")?))
    }

    /// What an objectId, userPrincipalName or group displayName stands for (contract 2). A living object wins over
    /// one in the recycle bin, that over a tombstone; names are compared without case.
    pub fn resolve(&self, text: &str) -> Result<Resolved, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, id, state FROM object WHERE id = ?1
             UNION SELECT kind, id, state FROM object WHERE label_key = ?2",
        )?;
        let mut rows = statement.query([&*canonical_id(text), &text.to_lowercase()])?;
        let mut found: Vec<(u8, ObjectKind, String)> = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(1)?;
            let rank = match row.get::<_, String>(2)?.as_str() {
                "active" => 0,
                "recycled" => 1,
                _ => 2,
            };
            found.push((rank, kind(&row.get::<_, String>(0)?)?, id));
        }
        let best = found.iter().map(|(rank, ..)| *rank).min();
        let mut candidates: Vec<(ObjectKind, String)> = found
            .into_iter()
            .filter(|(rank, ..)| Some(*rank) == best)
            .map(|(_, kind, id)| (kind, id))
            .collect();
        if let Some(exact) = candidates.iter().position(|(_, id)| id == text) {
            let (kind, id) = candidates.swap_remove(exact);
            return Ok(Resolved::One(kind, id));
        }
        Ok(match candidates.len() {
            0 => Resolved::Unknown,
            1 => candidates.pop().map_or(Resolved::Unknown, |(kind, id)| Resolved::One(kind, id)),
            _ => Resolved::Several(candidates),
        })
    }

    /// The user that a `manager` cell names, if it is in the directory and not deleted; else `None`: a dangling
    /// reference counts as absent (design 9). One that a command has renamed is found by both its names.
    pub fn resolve_manager(&self, text: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT id FROM object WHERE kind = 'User' AND state = 'active' AND id = ?1
                 UNION ALL
                 SELECT id FROM object WHERE kind = 'User' AND state = 'active' AND label_key = ?2
                 UNION ALL
                 SELECT id FROM object WHERE edited = 1 AND in_file = 1 AND kind = 'User' AND state = 'active'
                    AND scimulator_lower(json_extract(file_row, '$.userPrincipalName')) = ?2
                 LIMIT 1",
            )?
            .query_row([&*canonical_id(text), &text.to_lowercase()], |row| row.get(0))
            .optional()?)
    }

    /// The app roles by which an object is assigned to a job, each with the group it comes through: directly, or as
    /// an immediate member of an assigned group that is security-enabled (`engine.md 3.2`). An assigned group that
    /// is not security-enabled assigns nobody, not even itself.
    ///
    /// Assignments that were made after `seen_until` are left out.
    pub fn assignments(
        &self,
        job: &str,
        kind: ObjectKind,
        id: &str,
        seen_until: Option<Timestamp>,
    ) -> Result<Vec<(String, Option<String>)>, StoreError> {
        // Left out where it says nothing: it goes through the change log.
        let seen = match seen_until {
            Some(_) => {
                "NOT EXISTS (SELECT 1 FROM change c
                  WHERE c.object = a.principal AND c.what = 'assigned' AND c.other = a.role AND ?4 < c.at)"
            }
            None => "?4 IS NULL",
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT a.role, NULL FROM assignment a
              WHERE a.principal = ?1 AND a.job IN ('', ?2) AND a.present = 1 AND {seen}
                AND (?3 = 'User' OR EXISTS (SELECT 1 FROM object g WHERE g.kind = 'Group' AND g.id = ?1
                     AND COALESCE(json_extract(g.row, '$.securityEnabled'), 'True') <> 'False'))
             UNION ALL
             SELECT a.role, g.label FROM membership m
               JOIN assignment a ON a.principal = m.parent AND a.job IN ('', ?2) AND a.present = 1 AND {seen}
               JOIN object g ON g.kind = 'Group' AND g.id = m.parent AND g.state = 'active'
                AND COALESCE(json_extract(g.row, '$.securityEnabled'), 'True') <> 'False'
              WHERE ?3 = 'User' AND m.member = ?1 AND m.present = 1
              ORDER BY 2, 1"
        ))?;
        let seen_until = seen_until.map(stamp);
        let rows = statement
            .query_map(params![id, job, kind.as_str(), seen_until], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a group is assigned directly but can't count, since it is not security-enabled.
    pub fn assigned_without_security(&self, job: &str, group: &str) -> Result<bool, StoreError> {
        Ok(self.query_row(
            "SELECT EXISTS (SELECT 1 FROM assignment a JOIN object g ON g.kind = 'Group' AND g.id = a.principal
              WHERE a.principal = ?1 AND a.job IN ('', ?2) AND a.present = 1
                AND json_extract(g.row, '$.securityEnabled') = 'False')",
            [group, job],
            |row| row.get(0),
        )?)
    }

    /// Changes an object by command. The edit stands until the object's row changes in the file.
    pub fn edit(&mut self, kind: ObjectKind, id: &str, edit: &Edit, now: Timestamp) -> Result<(), EditError> {
        self.step(|store| {
            let object = store
                .object(kind, id)?
                .ok_or_else(|| StoreError::Corrupt(format!("no {kind} has the id `{id}`")))?;
            let refuse = |why| Err(EditError::State { label: object.label.clone(), why });
            let before = store.last_seq()?;
            match (edit, object.state) {
                (Edit::Set(_) | Edit::Restore, ObjectState::Gone(_)) => return refuse("is deleted for good"),
                (Edit::Set(values), _) => {
                    let mut attributes = object.attributes.clone();
                    for (name, value) in values {
                        match value {
                            Some(value) => attributes.insert(name.clone(), value.clone()),
                            None => attributes.remove(name),
                        };
                    }
                    let label = label_of(kind, &attributes, id).to_owned();
                    if store.is_name_taken(kind, &label, id)? {
                        return Err(EditError::NameTaken(label));
                    }
                    store.execute(
                            "UPDATE object SET edited_row = ?3, label = ?4, label_key = ?5, manager = ?6, edited = 1
                              WHERE kind = ?1 AND id = ?2",
                            params![
                                kind.as_str(),
                                id,
                                render_row(&attributes),
                                label,
                                label.to_lowercase(),
                                manager_of(&attributes)
                            ],
                        )
                        .map_err(StoreError::from)?;
                    store.log_change(now, kind, id, "updated", None)?;
                    return Ok(());
                }
                (Edit::Delete, ObjectState::Recycled(_)) => return refuse("is in the recycle bin already"),
                (Edit::Delete | Edit::Purge, ObjectState::Gone(_)) => return refuse("is deleted for good already"),
                (Edit::Delete, ObjectState::Active) if kind == ObjectKind::User => {
                    store.set_state(kind, id, ObjectState::Recycled(now), now)?;
                }
                (Edit::Delete | Edit::Purge, _) => store.set_state(kind, id, ObjectState::Gone(now), now)?,
                (Edit::Restore, ObjectState::Recycled(_)) => {
                    store.set_state(kind, id, ObjectState::Active, now)?;
                }
                (Edit::Restore, ObjectState::Active) => return refuse("is not deleted"),
            }
            store.execute("UPDATE object SET edited = 1 WHERE kind = ?1 AND id = ?2", [kind.as_str(), id])
                .map_err(StoreError::from)?;
            store.log_reports(before, now)?;
            Ok(())
        })
    }

    /// Moves an object through its life and logs it. A user that leaves for the recycle bin leaves its groups: their
    /// member lists lose it. On its return nothing is logged for the groups, so no incremental cycle puts the
    /// memberships back (`engine.md 1.5`; the removal is our inference from it).
    pub(super) fn set_state(
        &self,
        kind: ObjectKind,
        id: &str,
        state: ObjectState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (name, since, what) = match state {
            ObjectState::Active => ("active", None, "restored"),
            ObjectState::Recycled(since) => ("recycled", Some(since), "recycled"),
            ObjectState::Gone(since) => ("gone", Some(since), "purged"),
        };
        let was_active = self.state_of(kind, id)? == Some(ObjectState::Active);
        let leaves = was_active && !matches!(state, ObjectState::Active);
        self.connection
            .prepare_cached("UPDATE object SET state = ?3, deleted_at = ?4 WHERE kind = ?1 AND id = ?2")?
            .execute(params![kind.as_str(), id, name, since.map(stamp)])?;
        self.log_change(now, kind, id, what, None)?;
        if leaves && kind == ObjectKind::User {
            self.note_manager(id)?;
        }
        if leaves {
            self.connection
                .prepare_cached(
                    "INSERT INTO change (at, kind, object, what, other)
                     SELECT ?1, 'Group', parent, 'member removed', member FROM membership
                      WHERE member = ?2 AND present = 1 ORDER BY parent",
                )?
                .execute([&stamp(now), id])?;
        }
        Ok(())
    }

    /// Remembers a user that came or left, for [`Self::log_reports`].
    pub(super) fn note_manager(&self, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO temp.manager_moved
                 SELECT lower(id) FROM object WHERE kind = 'User' AND id = ?1
                 UNION SELECT label_key FROM object WHERE kind = 'User' AND id = ?1",
            )?
            .execute([id])?;
        Ok(())
    }

    /// Logs a change for everybody whose manager came or left since the seq `before`: what the cell names, or names no
    /// longer, is part of the user (Graph drops the relation to a deleted manager; our inference). A manager that only
    /// enters the scope of a job is no change (`engine.md 1.5`), and neither is one that is restored, as with members.
    pub(super) fn log_reports(&self, before: i64, now: Timestamp) -> Result<(), StoreError> {
        let anybody: bool =
            self.query_row("SELECT EXISTS (SELECT 1 FROM temp.manager_moved)", [], |row| row.get(0))?;
        if anybody {
            self.execute(
                "INSERT INTO change (at, kind, object, what, other)
                 SELECT ?1, 'User', u.id, 'updated', NULL FROM temp.manager_moved m
                  CROSS JOIN object u ON lower(u.manager) = +m.key AND u.manager IS NOT NULL
                  WHERE u.kind = 'User' AND u.state = 'active'
                    AND NOT EXISTS (SELECT 1 FROM change c
                         WHERE c.seq > ?2 AND c.kind = 'User' AND c.object = u.id AND c.other IS NULL)
                  GROUP BY u.id ORDER BY u.position",
                params![stamp(now), before],
            )?;
            self.execute("DELETE FROM temp.manager_moved", [])?;
        }
        Ok(())
    }

    /// Deletes for good what has been in the recycle bin for `retention` (30 days, `engine.md 1.3`); returns how many.
    pub fn expire_recycle_bin(
        &mut self,
        now: Timestamp,
        retention: SignedDuration,
    ) -> Result<usize, StoreError> {
        let limit = now.saturating_sub(retention).unwrap_or(Timestamp::MIN);
        self.step(|store| {
            let due: Vec<(String, String)> = store
                .connection
                .prepare_cached(
                    "SELECT kind, id FROM object WHERE state = 'recycled' AND deleted_at <= ?1 ORDER BY position",
                )?
                .query_map([stamp(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (name, id) in &due {
                store.set_state(kind(name)?, id, ObjectState::Gone(now), now)?;
            }
            Ok(due.len())
        })
    }

    /// When the next object leaves the recycle bin for good.
    pub fn next_expiry(&self, retention: SignedDuration) -> Result<Option<Timestamp>, StoreError> {
        let first: Option<String> =
            self.query_row("SELECT MIN(deleted_at) FROM object WHERE state = 'recycled'", [], |row| {
                row.get(0)
            })?;
        first.map(|text| Ok(moment(&text)?.saturating_add(retention).unwrap_or(Timestamp::MAX))).transpose()
    }

    /// Adds a user or group that no file has, by scenario. It stands like an edit.
    ///
    /// # Errors
    /// There is one of that objectId, or a living user of that userPrincipalName.
    pub fn add_object(&mut self, object: &SourceObject, now: Timestamp) -> Result<(), EditError> {
        let (kind, id) = (object.kind, object.id.as_str());
        let label = label_of(kind, &object.attributes, id);
        self.step(|store| {
            if store.object(kind, id)?.is_some() {
                return Err(EditError::NameTaken(id.to_owned()));
            }
            if store.is_name_taken(kind, label, id)? {
                return Err(EditError::NameTaken(label.to_owned()));
            }
            let row = render_row(&object.attributes);
            store.execute(
                    "INSERT INTO object (kind, id, id_given, label, label_key, manager, fingerprint, file_row,
                                         edited_row, position, edited, in_file, state, deleted_at)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, x'', '{}', ?7, COALESCE(MAX(position), 0) + 1, 1, 0, 'active', NULL
                       FROM object WHERE kind = ?1",
                    params![
                        kind.as_str(),
                        id,
                        object.id_given,
                        label,
                        label.to_lowercase(),
                        manager_of(&object.attributes),
                        row
                    ],
                )
                .map_err(StoreError::from)?;
            store.log_change(now, kind, id, "added", None)?;
            Ok(())
        })
    }

    /// Whether another living user has this userPrincipalName. Groups may share a displayName.
    fn is_name_taken(&self, kind: ObjectKind, label: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.query_row(
            "SELECT EXISTS (SELECT 1 FROM object
              WHERE kind = ?1 AND label_key = ?2 AND id <> ?3 AND state = 'active' AND kind = 'User')",
            params![kind.as_str(), label.to_lowercase(), id],
            |row| row.get(0),
        )?)
    }

    /// Puts a member into a group or takes it out, by command. Returns whether that changed anything.
    pub fn edit_membership(
        &mut self,
        group: &str,
        member: &str,
        present: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.step(|store| {
            let before: Option<bool> = store
                .query_row(
                    "SELECT present FROM membership WHERE parent = ?1 AND member = ?2",
                    [group, member],
                    |row| row.get(0),
                )
                .optional()?;
            if before.unwrap_or(false) == present {
                return Ok(false);
            }
            store.execute(
                "INSERT INTO membership (parent, member, in_file, edited) VALUES (?1, ?2, 0, ?3)
                 ON CONFLICT DO UPDATE SET edited = ?3",
                params![group, member, present],
            )?;
            let what = if present { "member added" } else { "member removed" };
            store.log_change(now, ObjectKind::Group, group, what, Some(member))?;
            Ok(true)
        })
    }

    /// Assigns an object to a job (`""` for every job) or takes the assignment away, by command. Returns whether
    /// that changed anything. Taking away without a role takes every role.
    pub fn edit_assignment(
        &mut self,
        job: &str,
        (kind, principal): (ObjectKind, &str),
        role: Option<&str>,
        present: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.step(|store| {
            let mut standing: Vec<(String, String)> = store
                .connection
                .prepare_cached(
                    "SELECT job, role FROM assignment
                      WHERE principal = ?1 AND present = 1 AND (?2 = '' OR job IN ('', ?2))",
                )?
                .query_map([principal, job], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            if present {
                let role = role.unwrap_or_default();
                if standing.iter().any(|(_, standing)| standing == role) {
                    return Ok(false);
                }
                standing = vec![(job.to_owned(), role.to_owned())];
            } else if let Some(role) = role {
                standing.retain(|(_, standing)| standing == role);
            }
            for (job, role) in &standing {
                store.execute(
                    "INSERT INTO assignment (job, principal, role, in_file, edited) VALUES (?1, ?2, ?3, 0, ?4)
                     ON CONFLICT DO UPDATE SET edited = ?4",
                    params![job, principal, role, present],
                )?;
                let what = if present { "assigned" } else { "unassigned" };
                store.log_change(now, kind, principal, what, Some(role))?;
            }
            Ok(!standing.is_empty())
        })
    }
}
