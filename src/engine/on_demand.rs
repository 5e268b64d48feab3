//! Provision on demand: one object goes through the five steps now, outside the cycles (`engine.md 8`).
//!
//! It is a run like a cycle, with a work list of one object: the same tasks, the same transactions, the same entries of
//! the log. What it leaves alone is the job: watermark, schedule, quarantine and statistics stay as they are.

mod report;

use super::context::EngineError;
use super::spec::JobSpec;
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::object::ObjectKind;
use crate::store::{Membership, ObjectState, Store, StoreError, StoredObject};

pub use report::{Report, ReportStep, refused};

/// Most members of a group in one call (`engine.md 8`).
pub const MEMBERS_MAX: usize = 5;

/// Most runs on demand within [`CALLS_WINDOW`] while `on_demand_rate` is on (`engine.md 8`, `graph-api.md 6`).
pub const CALLS_MAX: u32 = 5;
/// The stretch of wire time that [`CALLS_MAX`] is about.
pub const CALLS_WINDOW: SignedDuration = SignedDuration::from_secs(10);

/// Counts a run on demand at the moment `now` of wire time, in which `store` is asked by one process after the other;
/// how long to wait when there have been too many. One that is refused does not count.
pub fn admit(store: &mut Store, job: &str, now: Timestamp) -> Result<Option<SignedDuration>, StoreError> {
    let since = now.saturating_sub(CALLS_WINDOW).unwrap_or(Timestamp::MIN);
    store.step(|store| {
        // A clock that was set back since leaves moments to come.
        store.drop_calls_outside(job, since, now)?;
        let calls = store.calls(job)?;
        let too_many = calls.len().checked_sub(usize::try_from(CALLS_MAX).unwrap_or(usize::MAX));
        match too_many.and_then(|over| calls.get(over)) {
            Some(first) => Ok(Some(first.duration_since(since))),
            None => store.add_call(job, now).map(|()| None),
        }
    })
}

/// What is to be provisioned: one user, or one group with some of its members. Made by [`Choice::new`], so it is one
/// that can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    kind: ObjectKind,
    id: String,
    members: Vec<String>,
}

/// Why an object can't be provisioned on demand.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It was deleted at the source.
    #[error("{kind} `{label}` is deleted at the source and can't be picked")]
    Deleted {
        /// User or group.
        kind: ObjectKind,
        /// Its name.
        label: String,
    },
    /// Its sign-in is blocked at the source.
    #[error("User `{label}` is disabled at the source and can't be picked")]
    Disabled {
        /// userPrincipalName.
        label: String,
    },
    /// The job provisions no objects of its kind.
    #[error("job `{job}` provisions no groups: its group mapping is off")]
    NoGroups {
        /// The job.
        job: String,
    },
    /// Members were named, and it is no group.
    #[error("`{label}` is a user and has no members")]
    NoMembers {
        /// userPrincipalName.
        label: String,
    },
    /// Too many members.
    #[error("{count} members are too many; one call takes {MEMBERS_MAX}")]
    TooManyMembers {
        /// So many were named.
        count: usize,
    },
    /// A group as a member.
    #[error("`{label}` is a group, and nested groups are not processed")]
    NestedGroup {
        /// displayName.
        label: String,
    },
    /// No member of the group.
    #[error("`{label}` is not a member of group `{group}`")]
    NotAMember {
        /// userPrincipalName.
        label: String,
        /// displayName.
        group: String,
    },
    /// The directory never had an object with that id.
    #[error("there is no {kind} `{id}`")]
    Unknown {
        /// User or group.
        kind: ObjectKind,
        /// objectId.
        id: String,
    },
    /// The state can't be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Choice {
    /// Picks an object and, of a group, members; by objectId. Who left the group and was written as a member before can
    /// still be picked: that takes the account out.
    pub fn new(
        spec: &JobSpec,
        store: &Store,
        (kind, id): (ObjectKind, &str),
        members: &[String],
    ) -> Result<Self, Unfit> {
        let object = known(store, kind, id)?;
        if object.state != ObjectState::Active {
            return Err(Unfit::Deleted { kind, label: object.label });
        }
        if kind == ObjectKind::User && object.text("accountEnabled") == Some("False") {
            return Err(Unfit::Disabled { label: object.label });
        }
        if !spec.mapping(kind).enabled {
            return Err(Unfit::NoGroups { job: spec.name.clone() });
        }
        let mut picked: Vec<String> = Vec::new();
        for member in members {
            if !picked.contains(member) {
                picked.push(member.clone());
            }
        }
        match kind {
            ObjectKind::User if !picked.is_empty() => return Err(Unfit::NoMembers { label: object.label }),
            ObjectKind::User => {}
            ObjectKind::Group => check_members(spec, store, &object, &picked)?,
        }
        Ok(Self { kind, id: object.id, members: picked })
    }

    /// User or group.
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// objectId.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The members picked, by objectId.
    pub fn members(&self) -> &[String] {
        &self.members
    }
}

fn known(store: &Store, kind: ObjectKind, id: &str) -> Result<StoredObject, Unfit> {
    store.object(kind, id)?.ok_or_else(|| Unfit::Unknown { kind, id: id.to_owned() })
}

fn check_members(
    spec: &JobSpec,
    store: &Store,
    group: &StoredObject,
    picked: &[String],
) -> Result<(), Unfit> {
    if MEMBERS_MAX < picked.len() {
        return Err(Unfit::TooManyMembers { count: picked.len() });
    }
    if picked.is_empty() {
        return Ok(());
    }
    let members = store.memberships(&spec.name, &group.id, None)?;
    for id in picked {
        if let Some(nested) = store.object(ObjectKind::Group, id)? {
            return Err(Unfit::NestedGroup { label: nested.label });
        }
        let user = known(store, ObjectKind::User, id)?;
        if user.state != ObjectState::Active {
            return Err(Unfit::Deleted { kind: ObjectKind::User, label: user.label });
        }
        let is_or_was =
            |member: &Membership| member.member == *id && (member.present || member.recorded.is_some());
        if !members.iter().any(is_or_was) {
            return Err(Unfit::NotAMember { label: user.label, group: group.label.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sixth_run_within_ten_seconds_is_refused_and_told_how_long_to_wait() {
        let mut store = Store::in_memory().unwrap();
        let start: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
        let mut ask = |job: &str, millis: i64| {
            let now = start.saturating_add(SignedDuration::from_millis(millis)).unwrap();
            admit(&mut store, job, now).unwrap().map(|wait| wait.as_millis())
        };
        for at in [0, 1_000, 2_000, 3_000, 4_000] {
            assert_eq!(ask("app", at), None, "at {at}");
        }
        assert_eq!(ask("app", 4_500), Some(5_500), "until the first is ten seconds old");
        assert_eq!(ask("app", 9_999), Some(1));
        assert_eq!(ask("other", 9_999), None, "each job by itself");
        assert_eq!(ask("app", 10_000), None, "what was refused does not count");
        assert_eq!(ask("app", 10_001), Some(999));
        assert_eq!(ask("app", -60_000), None, "a clock that was set back forgets what is to come");
        crate::covers!("E-197");
    }
}
