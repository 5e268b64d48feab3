//! How much may vanish from the files at once before the import is held (design 9): users, groups, memberships and
//! assignments, each counted apart. What is explained by a deletion does not count.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Import;
use crate::directory::object::ObjectKind;
use crate::store::directory::ObjectState;
use crate::store::{StoreError, directory};

/// What vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vanishing {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Members of groups that are still there, while the groups are too.
    Memberships,
    /// Assignments of users and groups that are still there.
    Assignments,
}

impl Vanishing {
    /// The noun for messages, in the plural.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Memberships => "memberships",
            Self::Assignments => "assignments",
        }
    }

    /// What files that hold them are read for; TOML groups may have their members with them.
    fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["users"],
            Self::Groups => &["groups"],
            Self::Memberships => &["members", "groups"],
            Self::Assignments => &["assignments"],
        }
    }
}

/// One sort of row of which more vanished at once than `vanish_limit` allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vanished {
    /// What.
    pub what: Vanishing,
    /// How many are missing from the files.
    pub vanished: u64,
    /// How many there were before.
    pub known: u64,
    /// The files that they would be in.
    pub files: Vec<PathBuf>,
}

impl fmt::Display for Vanished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, vanished, known, files } = self;
        write!(f, "{vanished} of {known} {} vanished from ", what.as_str())?;
        match files.as_slice() {
            [file] => write!(f, "`{}`", file.file_name().unwrap_or(file.as_os_str()).display())?,
            [] | [..] => f.write_str("the files")?,
        }
        f.write_str(" at once, more than `vanish_limit` allows")
    }
}

/// How many of one sort there were, and how many of them are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) vanished: u64,
    pub(super) known: u64,
}

/// What of the tallies is too much: a larger share in percent than the first number, and no fewer than the second.
pub(super) fn held(
    tallies: impl IntoIterator<Item = (Vanishing, Tally)>,
    (share_percent, at_least): (u32, u32),
    files: &[(String, String, u64)],
) -> Vec<Vanished> {
    let too_many = |tally: &Tally| {
        let share = u128::from(tally.known) * u128::from(share_percent);
        u64::from(at_least) <= tally.vanished && share < u128::from(tally.vanished) * 100
    };
    let of_role = |role: &str| -> Vec<PathBuf> {
        let files = files.iter().filter(|(_, known, _)| known == role);
        files.map(|(path, ..)| Path::new(path).to_owned()).collect()
    };
    tallies
        .into_iter()
        .filter(|(_, tally)| too_many(tally))
        .map(|(what, Tally { vanished, known })| {
            let mut files = what.roles().iter().map(|role| of_role(role));
            let files = files.find(|files| !files.is_empty()).unwrap_or_default();
            Vanished { what, vanished, known, files }
        })
        .collect()
}

/// Objects that the files had last time and no longer have.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Kind, objectId, and whether it was still in the directory; in source order.
    pub(super) objects: Vec<(ObjectKind, String, bool)>,
    pub(super) users: Tally,
    pub(super) groups: Tally,
}

impl Missing {
    pub(super) fn tally(&self) -> Vec<(Vanishing, Tally)> {
        vec![(Vanishing::Users, self.users), (Vanishing::Groups, self.groups)]
    }
}

impl Import<'_> {
    /// What the files no longer hold, but for what they say was removed.
    pub(super) fn missing(&self) -> Result<Missing, StoreError> {
        let mut missing = Missing::default();
        if self.known.iter().all(|known| known.seen) {
            return Ok(missing);
        }
        let mut statement = self.store.connection.prepare_cached(
            "SELECT kind, id, state = 'active' FROM object WHERE in_file = 1 ORDER BY rowid",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let kind = directory::kind(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
            let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            // What is not known was added by this very import.
            let Some(known) = self.known(kind, id) else { continue };
            let active: bool = row.get(2)?;
            let tally = match kind {
                ObjectKind::User => &mut missing.users,
                ObjectKind::Group => &mut missing.groups,
            };
            tally.known += u64::from(active);
            tally.vanished += u64::from(active && !known.seen);
            if !known.seen {
                missing.objects.push((kind, id.to_owned(), active));
            }
        }
        Ok(missing)
    }

    /// Users that the files no longer hold go to the recycle bin, groups go for good (contract 4).
    pub(super) fn write_missing(&self, missing: &Missing) -> Result<(), StoreError> {
        for (kind, id, active) in &missing.objects {
            self.leave_file(*kind, id)?;
            if *active {
                let state = match kind {
                    ObjectKind::User => ObjectState::Recycled(self.now),
                    ObjectKind::Group => ObjectState::Gone(self.now),
                };
                self.store.set_state(*kind, id, state, self.now)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_wants_more_than_its_share_and_no_fewer_than_its_minimum() {
        for (vanished, known, expected) in [
            (19, 20, false),
            (20, 20, true),
            (20, 99, true),
            (20, 100, false),
            (21, 100, true),
            (0, 0, false),
            (u64::MAX, u64::MAX, true),
        ] {
            let held = held([(Vanishing::Users, Tally { vanished, known })], (20, 20), &[]);
            assert_eq!(held.len(), usize::from(expected), "{vanished} of {known}");
        }
    }

    #[test]
    fn the_files_of_what_vanished_are_named() {
        let files = [("d/users.csv", "users"), ("d/members.csv", "members"), ("d/members/A.csv", "members")];
        let files = files.map(|(path, role)| (path.to_owned(), role.to_owned(), 1));
        let all = Tally { vanished: 20, known: 20 };
        let held = held([(Vanishing::Users, all), (Vanishing::Memberships, all)], (20, 20), &files);
        let said: Vec<String> = held.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "20 of 20 users vanished from `users.csv` at once, more than `vanish_limit` allows",
                "20 of 20 memberships vanished from the files at once, more than `vanish_limit` allows"
            ]
        );
        assert_eq!(held[1].files, [Path::new("d/members.csv"), Path::new("d/members/A.csv")]);
    }
}
