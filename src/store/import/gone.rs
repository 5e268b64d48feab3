//! Files that were read before and are gone: a fault of the source, never a deletion (contract 4).

use std::ffi::OsStr;
use std::path::Path;

use super::ImportFault;

/// The role whose files are named after what they hold, one for each group.
const NAMED_BY_CONTENT: &str = "members";

/// The first file of the last import that nothing stands in for, if there is one.
///
/// `before` are path and role, `now` path, role and rows. Downloads get a new name each time, so any file of a role
/// stands in for a single one, and as many pages for as many pages. Files of members stand for their group each. That
/// some of several files are gone may be `accepted` by a person; that a role has none left, may not.
pub(super) fn missing_file(
    before: &[(String, String)],
    now: &[(String, String, u64)],
    accepted: bool,
) -> Option<ImportFault> {
    before.iter().find_map(|(path, role)| {
        let left = now.iter().filter(|(_, other, _)| other == role);
        let had = before.iter().filter(|(_, other)| other == role).count();
        let is_missing = !left.clone().any(|(other, ..)| name(other) == name(path));
        let fewer = left.clone().count() < had || (had > 1 && role == NAMED_BY_CONTENT);
        let is_part = left.count() > 0;
        (is_missing && fewer && !(is_part && accepted)).then(|| ImportFault::FileGone {
            role: role.clone(),
            path: path.clone(),
            is_part,
        })
    })
}

/// A folder may be reached by another path than last time.
fn name(path: &str) -> Option<&OsStr> {
    Path::new(path).file_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_missed_unless_another_stands_in_for_it() {
        let pages = ["users-1.json", "users-2.json", "users-3.json"];
        for (role, before, now, accepted, expected) in [
            ("users", &["users.csv"][..], &["users.csv"][..], false, None),
            ("users", &["d/users.csv"], &["../d/users.csv"], false, None),
            ("users", &["exportUsers_1.csv"], &["exportUsers_2.csv"], false, None),
            ("users", &["users.csv"], &[], false, Some(("users.csv", false))),
            ("users", &["users.csv"], &[], true, Some(("users.csv", false))),
            ("users", &pages, &["users-1.json", "users-3.json"], false, Some(("users-2.json", true))),
            ("users", &pages, &["users-1.json", "users-3.json"], true, None),
            ("users", &pages, &["a.json", "b.json", "c.json"], false, None),
            ("users", &pages, &["users-1.json", "users-2.json", "users-3.json", "users-4.json"], false, None),
            (
                "members",
                &["members/A.csv", "members/B.csv"],
                &["members/B.csv"],
                false,
                Some(("members/A.csv", true)),
            ),
            (
                "members",
                &["members/A.csv", "members/B.csv"],
                &["members/B.csv", "members/C.csv"],
                false,
                Some(("members/A.csv", true)),
            ),
            ("members", &["members/A.csv", "members/B.csv"], &["members/B.csv"], true, None),
            ("members", &["members.csv"], &["memberships.csv"], false, None),
        ] {
            let before_files: Vec<_> =
                before.iter().map(|path| ((*path).to_owned(), role.to_owned())).collect();
            let now_files: Vec<_> = now.iter().map(|path| ((*path).to_owned(), role.to_owned(), 1)).collect();
            let found = match missing_file(&before_files, &now_files, accepted) {
                Some(ImportFault::FileGone { path, is_part, .. }) => Some((path, is_part)),
                Some(other) => panic!("{other}"),
                None => None,
            };
            let expected = expected.map(|(path, is_part)| (path.to_owned(), is_part));
            assert_eq!(found, expected, "{before:?} then {now:?}");
        }
    }
}
