//! The source directory of a test.

use std::collections::{BTreeMap, BTreeSet};

use super::upn;
use crate::common::Project;

/// The source directory as a test edits it; written out as files before each cycle.
#[derive(Default)]
pub(in crate::engine) struct Directory {
    users: Vec<BTreeMap<String, String>>,
    groups: Vec<BTreeMap<String, String>>,
    members: Vec<(String, String)>,
    /// Who is assigned, and the value of the role, empty for default access.
    assignments: Vec<(String, String)>,
    /// userPrincipalNames that the files leave out.
    hidden: BTreeSet<String>,
    made: u32,
}

impl Directory {
    fn next_id(&mut self) -> String {
        self.made += 1;
        format!("00000000-0000-4000-8000-{:012}", self.made)
    }

    /// A new user with these attributes and an objectId; enabled.
    pub(in crate::engine) fn user(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        let mut row = BTreeMap::from([
            ("objectId".to_owned(), self.next_id()),
            ("userPrincipalName".to_owned(), upn(name)),
            ("accountEnabled".to_owned(), "True".to_owned()),
        ]);
        row.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.users.push(row);
        self
    }

    /// A new security group.
    pub(in crate::engine) fn group(&mut self, name: &str) -> &mut Self {
        let row = BTreeMap::from([
            ("objectId".to_owned(), self.next_id()),
            ("displayName".to_owned(), name.to_owned()),
        ]);
        self.groups.push(row);
        self
    }

    /// The row of the user of that name, or of the group.
    pub(in crate::engine) fn row(&mut self, name: &str) -> &mut BTreeMap<String, String> {
        let upn = upn(name);
        let user = self.users.iter_mut().find(|row| row["userPrincipalName"] == upn);
        user.or_else(|| self.groups.iter_mut().find(|row| row["displayName"] == name)).expect("known by name")
    }

    /// objectId of the user or group of that name.
    pub(in crate::engine) fn id(&mut self, name: &str) -> String {
        self.row(name)["objectId"].clone()
    }

    /// Sets one attribute; an empty text empties it.
    pub(in crate::engine) fn set(&mut self, name: &str, attribute: &str, value: &str) -> &mut Self {
        self.row(name).insert(attribute.to_owned(), value.to_owned());
        self
    }

    /// Takes the row of a user or group out, with its memberships and assignments.
    pub(in crate::engine) fn remove(&mut self, name: &str) -> &mut Self {
        let key = self.key(name);
        self.users.retain(|row| row["userPrincipalName"] != key);
        self.groups.retain(|row| row["displayName"] != key);
        self.members.retain(|(group, member)| *group != key && *member != key);
        self.assignments.retain(|(principal, _)| *principal != key);
        self
    }

    /// A group gets another name; its edges follow.
    pub(in crate::engine) fn rename_group(&mut self, old: &str, new: &str) -> &mut Self {
        self.set(old, "displayName", new);
        let edges = self.members.iter_mut().flat_map(|(group, member)| [group, member]);
        let assigned = self.assignments.iter_mut().map(|(principal, _)| principal);
        for name in edges.chain(assigned).filter(|name| *name == old) {
            new.clone_into(name);
        }
        self
    }

    /// A user gets another userPrincipalName; edges and managers follow.
    pub(in crate::engine) fn rename_user(&mut self, old: &str, new: &str) -> &mut Self {
        self.set(old, "userPrincipalName", &upn(new));
        let edges = self.members.iter_mut().map(|(_, member)| member);
        let managers = self.users.iter_mut().filter_map(|row| row.get_mut("manager"));
        let assigned = self.assignments.iter_mut().map(|(principal, _)| principal);
        for name in edges.chain(assigned).chain(managers).filter(|name| **name == upn(old)) {
            *name = upn(new);
        }
        self
    }

    /// Leaves a user's row, memberships and assignments out of the files, until [`Self::show`].
    pub(in crate::engine) fn hide(&mut self, name: &str) -> &mut Self {
        self.hidden.insert(upn(name));
        self
    }

    pub(in crate::engine) fn show(&mut self, name: &str) -> &mut Self {
        self.hidden.remove(&upn(name));
        self
    }

    pub(in crate::engine) fn member(&mut self, group: &str, member: &str) -> &mut Self {
        self.members.push((group.to_owned(), self.key(member)));
        self
    }

    pub(in crate::engine) fn drop_member(&mut self, group: &str, member: &str) -> &mut Self {
        let member = self.key(member);
        self.members.retain(|edge| *edge != (group.to_owned(), member.clone()));
        self
    }

    pub(in crate::engine) fn assign(&mut self, principal: &str) -> &mut Self {
        self.assign_role(principal, "")
    }

    /// Assigns by an app role, which the configuration has to declare.
    pub(in crate::engine) fn assign_role(&mut self, principal: &str, role: &str) -> &mut Self {
        let key = self.key(principal);
        self.assignments.push((key, role.to_owned()));
        self
    }

    /// Assigns by the very text that the file is to have.
    pub(in crate::engine) fn assign_key(&mut self, principal: &str) -> &mut Self {
        self.assignments.push((principal.to_owned(), String::new()));
        self
    }

    pub(in crate::engine) fn unassign(&mut self, principal: &str) -> &mut Self {
        let key = self.key(principal);
        self.assignments.retain(|(principal, _)| *principal != key);
        self
    }

    fn key(&self, name: &str) -> String {
        let group = self.groups.iter().any(|row| row["displayName"] == name);
        if group { name.to_owned() } else { upn(name) }
    }

    pub(in crate::engine) fn save(&self, project: &Project) {
        let table = |path: &str, rows: &[BTreeMap<String, String>]| {
            let columns: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
            let mut text = csv_line(columns.iter().map(|column| column.as_str()));
            for row in rows {
                text += &csv_line(columns.iter().map(|column| row.get(*column).map_or("", String::as_str)));
            }
            project.write(path, &text);
        };
        let shown = |key: &&String| !self.hidden.contains(*key);
        let users: Vec<_> =
            self.users.iter().filter(|row| shown(&&row["userPrincipalName"])).cloned().collect();
        table("directory/users.csv", &users);
        if !self.groups.is_empty() {
            table("directory/groups.csv", &self.groups);
        }
        let mut text = "group,member\n".to_owned();
        for (group, member) in self.members.iter().filter(|(_, member)| shown(&member)) {
            text += &csv_line([group.as_str(), member.as_str()].into_iter());
        }
        project.write("directory/members.csv", &text);
        let mut text = "principal,appRole\n".to_owned();
        for (principal, role) in self.assignments.iter().filter(|(principal, _)| shown(&principal)) {
            text += &csv_line([principal.as_str(), role].into_iter());
        }
        project.write("directory/assignments.csv", &text);
    }
}

fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).unwrap();
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}
