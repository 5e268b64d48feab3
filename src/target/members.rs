//! Members of a group: an ordered set, and changes to it that cost what they touch and not what the group holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Ids of the members, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    ids: BTreeMap<u64, Arc<str>>,
    positions: BTreeMap<Arc<str>, u64>,
    next: u64,
}

impl Members {
    /// Every member.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.ids.values().map(AsRef::as_ref)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether that id is a member.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.positions.contains_key(id)
    }

    /// Adds a member at the end; without effect for one who is there.
    pub(super) fn insert(&mut self, id: &str) {
        if self.contains(id) {
            return;
        }
        let id: Arc<str> = Arc::from(id);
        self.ids.insert(self.next, Arc::clone(&id));
        self.positions.insert(id, self.next);
        self.next = self.next.saturating_add(1);
    }

    /// Takes a member out; without effect for one who is not there.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(position) = self.positions.remove(id) {
            self.ids.remove(&position);
        }
    }

    /// Applies a change that was worked out on these very members.
    pub(super) fn apply(&mut self, change: &MemberChange) {
        for id in &change.removed {
            self.remove(id);
        }
        for id in &change.added {
            self.insert(id);
        }
    }
}

/// What an edit comes down to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MemberChange {
    /// Members who leave.
    pub(super) removed: BTreeSet<String>,
    /// Members who come, in order.
    pub(super) added: Vec<String>,
}

impl MemberChange {
    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Edits of one request beside the members they apply to, which stay as they are until all of them are accepted.
#[derive(Debug)]
pub(super) struct MemberEdit<'a> {
    base: &'a Members,
    removed: BTreeSet<String>,
    added: Members,
}

impl<'a> MemberEdit<'a> {
    /// No edit yet.
    pub(super) fn new(base: &'a Members) -> Self {
        Self { base, removed: BTreeSet::new(), added: Members::default() }
    }

    /// The members as edited.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.base.iter().filter(|id| !self.removed.contains(*id)).chain(self.added.iter())
    }

    /// Adds a member; without effect for one who is there (`wire.md 11.1`).
    pub(super) fn add(&mut self, id: &str) {
        if self.base.contains(id) {
            self.removed.remove(id);
        } else {
            self.added.insert(id);
        }
    }

    /// Takes a member out; without effect for one who is not there (`wire.md 11.1`).
    pub(super) fn remove(&mut self, id: &str) {
        if self.base.contains(id) {
            self.removed.insert(id.to_owned());
        } else {
            self.added.remove(id);
        }
    }

    /// Takes everybody out.
    pub(super) fn clear(&mut self) {
        self.removed = self.base.iter().map(ToOwned::to_owned).collect();
        self.added = Members::default();
    }

    /// What the edits come down to.
    pub(super) fn finish(self) -> MemberChange {
        MemberChange { removed: self.removed, added: self.added.iter().map(ToOwned::to_owned).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(ids: &[&str]) -> Members {
        let mut made = Members::default();
        for id in ids {
            made.insert(id);
        }
        made
    }

    #[test]
    fn edits_show_at_once_and_apply_later() {
        let mut base = members(&["a", "b", "c"]);
        let mut edit = MemberEdit::new(&base);
        edit.remove("b");
        edit.add("d");
        edit.add("a");
        edit.remove("nobody");
        assert_eq!(edit.iter().collect::<Vec<_>>(), ["a", "c", "d"]);
        let change = edit.finish();
        assert_eq!(
            base.iter().collect::<Vec<_>>(),
            ["a", "b", "c"],
            "untouched before the change is applied"
        );
        base.apply(&change);
        assert_eq!(base.iter().collect::<Vec<_>>(), ["a", "c", "d"]);
    }

    #[test]
    fn who_leaves_and_comes_back_in_one_request_has_not_moved() {
        let base = members(&["a", "b"]);
        let mut edit = MemberEdit::new(&base);
        edit.clear();
        edit.add("a");
        edit.add("b");
        edit.add("c");
        edit.remove("c");
        assert!(edit.finish().is_empty());
    }
}
