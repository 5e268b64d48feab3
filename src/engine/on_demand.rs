//! Provision on demand: one object goes through the five steps now, outside the cycles (`engine.md 8`).
//!
//! It is a run like a cycle, with a work list of one object: the same tasks, the same transactions, the same entries of
//! the log. What it leaves alone is the job: watermark, schedule, quarantine and statistics stay as they are.

mod report;

use super::context::EngineError;
use super::spec::JobSpec;
use crate::directory::object::ObjectKind;
use crate::store::{Membership, ObjectState, Store, StoreError, StoredObject};

pub use report::{Report, ReportStep, refused};

/// Most members of a group in one call (`engine.md 8`).
pub const MEMBERS_MAX: usize = 5;

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
