//! The story that is told to a server, and what the server should hold after each part of it: a small model that
//! shares nothing with the engine.
//!
//! Every step has a person or group of its own, so that a request that is refused spoils no other step.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::reading::Flat;
use crate::directory::object::ObjectKind;
use crate::http::Method;
use crate::scim::urn;

/// The domain of the story's people (RFC 2606).
const DOMAIN: &str = "compatibility.example";

/// One row of the result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// What happens, in words.
    pub(super) title: &'static str,
    /// In which cycle, from 1.
    pub(super) cycle: usize,
    /// To whom.
    pub(super) who: &'static str,
    /// By which request.
    pub(super) method: Method,
}

/// The person whose account is there before the story begins, its userName in capitals.
pub(super) const KNOWN: &str = "known";
/// The person who is purged in the last cycle.
pub(super) const PURGED: &str = "purged";
/// How many cycles the story takes.
pub(super) const CYCLES: usize = 3;

const fn step(title: &'static str, cycle: usize, who: &'static str, method: Method) -> Step {
    Step { title, cycle, who, method }
}

/// The rows, in the order in which they happen.
pub(super) const STEPS: [Step; 20] = [
    step("joiner: created with name, mail, phone, address, department", 1, "joiner", Method::Post),
    step("joiner: an account is there already, its userName in capitals", 1, KNOWN, Method::Patch),
    step("joiner: a manager is set", 1, "report", Method::Patch),
    step("group: created", 1, "grown", Method::Post),
    step("group: members are added", 1, "shrunk", Method::Patch),
    step("mover: another title and surname", 2, "mover", Method::Patch),
    step("mover: another mail address", 2, "mail", Method::Patch),
    step("mover: a first title and department", 2, "bare", Method::Patch),
    step("mover: a first mobile number", 2, "phone", Method::Patch),
    step("mover: another userName", 2, "renamed", Method::Patch),
    step("mover: another manager", 2, "report", Method::Patch),
    step("mover: no manager any more", 2, "orphan", Method::Patch),
    step("group: one member more", 2, "grown", Method::Patch),
    step("group: one member of three leaves", 2, "shrunk", Method::Patch),
    step("group: another name", 2, "retitled", Method::Patch),
    step("group: dissolved", 2, "dissolved", Method::Delete),
    step("leaver: disabled", 2, "leaver", Method::Patch),
    step("returner: enabled again", 3, "returner", Method::Patch),
    step("leaver: purged", 3, PURGED, Method::Delete),
    step("group: a member who was purged is gone", 3, "mourning", Method::Patch),
];

/// A user or group as the directory has it.
#[derive(Debug, Clone)]
enum Row {
    /// Entra attributes.
    Person(BTreeMap<&'static str, String>),
    /// displayName and members.
    Group(String, Vec<&'static str>),
}

/// The directory of the story at one moment.
#[derive(Debug, Clone)]
pub(super) struct World {
    tag: String,
    rows: BTreeMap<&'static str, Row>,
}

impl World {
    /// The directory before the first cycle. `tag` is part of every name, so that nobody else's account is met.
    pub(super) fn new(tag: &str) -> Self {
        let mut world = Self { tag: tag.to_owned(), rows: BTreeMap::new() };
        for who in ["boss", "chief", KNOWN, "bare", "phone", "renamed", "leaver", "returner", PURGED] {
            world.person(who, &[]);
        }
        world.person(
            "joiner",
            &[
                ("jobTitle", "Engineer"),
                ("mail", "joiner@compatibility.example"),
                ("city", "Lisbon"),
                ("telephoneNumber", "+351 555 0100"),
                ("department", "R&D"),
            ],
        );
        world.person("mover", &[("jobTitle", "Clerk"), ("department", "Sales")]);
        world.person("mail", &[("mail", "old@compatibility.example"), ("jobTitle", "Clerk")]);
        world.person("report", &[("manager", "boss")]);
        world.person("orphan", &[("manager", "boss")]);
        world.group("grown", &["boss"]);
        world.group("shrunk", &["boss", "chief", "joiner"]);
        world.group("retitled", &["boss"]);
        world.group("dissolved", &["boss"]);
        world.group("mourning", &["boss", PURGED]);
        world
    }

    /// What changes before the cycle of this number.
    pub(super) fn go_on(&mut self, cycle: usize) {
        match cycle {
            2 => {
                self.set("mover", &[("jobTitle", "Manager"), ("surname", "Married")]);
                self.set("mail", &[("mail", "new@compatibility.example")]);
                self.set("bare", &[("jobTitle", "Clerk"), ("department", "Sales")]);
                self.set("phone", &[("mobile", "+351 555 0199")]);
                let renamed = self.principal("renamed").replace("renamed", "called-otherwise");
                self.set("renamed", &[("userPrincipalName", &renamed)]);
                self.set("report", &[("manager", "chief")]);
                self.set("orphan", &[("manager", "")]);
                self.set("leaver", &[("accountEnabled", "False")]);
                self.set("returner", &[("accountEnabled", "False")]);
                self.group("grown", &["boss", "chief"]);
                self.group("shrunk", &["boss", "joiner"]);
                if let Some(Row::Group(name, _)) = self.rows.get_mut("retitled") {
                    name.push_str(" (new)");
                }
                self.rows.remove("dissolved");
            }
            3 => {
                self.set("returner", &[("accountEnabled", "True")]);
                self.group("mourning", &["boss"]);
                self.rows.remove(PURGED);
            }
            _ => {}
        }
    }

    /// `objectId` of somebody.
    pub(super) fn id(&self, who: &str) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{who}.{}.{DOMAIN}", self.tag).as_bytes()).to_string()
    }

    /// userPrincipalName at the beginning.
    pub(super) fn principal(&self, who: &str) -> String {
        format!("{who}.{}@{DOMAIN}", self.tag)
    }

    /// Whether it is a user or a group; a name without a person or group is a group that was dissolved or a user that
    /// was purged.
    pub(super) fn kind(who: &str) -> ObjectKind {
        match who {
            "grown" | "shrunk" | "retitled" | "dissolved" | "mourning" => ObjectKind::Group,
            _ => ObjectKind::User,
        }
    }

    /// Names and texts of the directory's files. Whoever was purged keeps a row, as a purge is no edit of a file.
    pub(super) fn files(&self, before: &Self) -> [(&'static str, Vec<Vec<String>>); 3] {
        const COLUMNS: [&str; 13] = [
            "userPrincipalName",
            "displayName",
            "givenName",
            "surname",
            "accountEnabled",
            "mailNickname",
            "jobTitle",
            "mail",
            "city",
            "telephoneNumber",
            "mobile",
            "department",
            "manager",
        ];
        let head = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut users = vec![head(&[&["objectId"], &COLUMNS[..]].concat())];
        let mut groups = vec![head(&["objectId", "displayName"])];
        let mut members = vec![head(&["group", "member"])];
        let purged = before.rows.get_key_value(PURGED).filter(|_| !self.rows.contains_key(PURGED));
        for (who, row) in self.rows.iter().chain(purged) {
            match row {
                Row::Person(row) => {
                    let cell = |name: &&str| match (*name, row.get(*name)) {
                        ("manager", Some(manager)) if !manager.is_empty() => self.id(manager),
                        (_, cell) => cell.cloned().unwrap_or_default(),
                    };
                    users.push(std::iter::once(self.id(who)).chain(COLUMNS.iter().map(cell)).collect());
                }
                Row::Group(name, of_it) => {
                    groups.push(vec![self.id(who), name.clone()]);
                    members.extend(of_it.iter().map(|member| vec![self.id(who), self.id(member)]));
                }
            }
        }
        [("users.csv", users), ("groups.csv", groups), ("members.csv", members)]
    }

    /// What the server should hold of somebody, by path; `None` when it should hold nothing. `ids` are the server's.
    pub(super) fn wanted(&self, who: &str, ids: &BTreeMap<&'static str, String>) -> Option<Flat> {
        let mut flat = Flat::new();
        match self.rows.get(who)? {
            Row::Person(row) => {
                let enterprise = |name: &str| format!("{}:{name}", urn::ENTERPRISE_USER);
                let mapped = [
                    ("userPrincipalName", "userName".to_owned()),
                    ("displayName", "displayName".to_owned()),
                    ("givenName", "name.givenName".to_owned()),
                    ("surname", "name.familyName".to_owned()),
                    ("mailNickname", "externalId".to_owned()),
                    ("jobTitle", "title".to_owned()),
                    ("mail", "emails[work].value".to_owned()),
                    ("city", "addresses[work].locality".to_owned()),
                    ("telephoneNumber", "phoneNumbers[work].value".to_owned()),
                    ("mobile", "phoneNumbers[mobile].value".to_owned()),
                    ("department", enterprise("department")),
                ];
                for (source, path) in mapped {
                    flat.extend(row.get(source).map(|value| (path, json!(value))));
                }
                let text = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
                flat.insert("active".to_owned(), json!(text("accountEnabled") == "True"));
                let formatted = format!("{} {}", text("givenName"), text("surname"));
                flat.insert("name.formatted".to_owned(), json!(formatted));
                flat.extend(ids.get(text("manager")).map(|id| (enterprise("manager.value"), json!(id))));
            }
            Row::Group(name, members) => {
                flat.insert("displayName".to_owned(), json!(name));
                flat.insert("externalId".to_owned(), json!(self.id(who)));
                let there = members.iter().filter_map(|member| ids.get(member));
                flat.extend(there.map(|id| (format!("members[{id}]"), Value::Bool(true))));
            }
        }
        Some(flat)
    }

    fn person(&mut self, who: &'static str, more: &[(&'static str, &str)]) {
        let mut row = BTreeMap::from([
            ("userPrincipalName", self.principal(who)),
            ("displayName", format!("Test {who}")),
            ("givenName", "Test".to_owned()),
            ("surname", who.to_owned()),
            ("accountEnabled", "True".to_owned()),
            ("mailNickname", format!("{who}.{}", self.tag)),
        ]);
        row.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.rows.insert(who, Row::Person(row));
    }

    fn set(&mut self, who: &'static str, cells: &[(&'static str, &str)]) {
        if let Some(Row::Person(row)) = self.rows.get_mut(who) {
            row.extend(cells.iter().map(|(name, value)| (*name, (*value).to_owned())));
        }
    }

    fn group(&mut self, who: &'static str, members: &[&'static str]) {
        self.rows.insert(who, Row::Group(format!("Test {who} {}", self.tag), members.to_vec()));
    }

    /// Everybody and every group there is.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &'static str> {
        self.rows.keys().copied()
    }
}
