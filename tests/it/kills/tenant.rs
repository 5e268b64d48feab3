//! A directory that changes at random, and what a target has to hold of it: a model that knows nothing of cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::common::Project;

/// Numbers that follow from a seed (`SplitMix64`).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        (!choices.is_empty()).then(|| &choices[self.below(choices.len())])
    }
}

/// These are there from the beginning and never leave, so that everybody can have one of them as manager.
const BOSSES: usize = 3;

struct Person {
    /// Every userPrincipalName so far, the present one last.
    names: Vec<String>,
    title: String,
    manager: Option<usize>,
    enabled: bool,
    /// Whether there is a row.
    listed: bool,
    /// Whether a cycle has come to its end since.
    settled: bool,
}

impl Person {
    fn name(&self) -> &str {
        self.names.last().unwrap()
    }
}

/// A tenant in which everybody is in scope.
pub(super) struct Tenant {
    people: Vec<Person>,
    /// Names and members, by number.
    groups: BTreeMap<usize, (String, BTreeSet<usize>)>,
    random: Random,
    made: usize,
}

impl Tenant {
    pub(super) fn new(random: Random) -> Self {
        let mut tenant = Self { people: Vec::new(), groups: BTreeMap::new(), random, made: 0 };
        for _ in 0..BOSSES + 5 {
            tenant.joins();
        }
        tenant.group_appears();
        tenant
    }

    fn number(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    fn joins(&mut self) {
        let number = self.number();
        let manager = (BOSSES <= self.people.len()).then(|| self.random.below(BOSSES));
        let names = vec![format!("p{number}@contoso.com")];
        let title = format!("Title {number}");
        self.people.push(Person { names, title, manager, enabled: true, listed: true, settled: false });
    }

    fn group_appears(&mut self) {
        let number = self.number();
        self.groups.insert(number, (format!("Group {number}"), BTreeSet::new()));
        for _ in 0..3 {
            self.member_comes(number);
        }
    }

    fn member_comes(&mut self, group: usize) {
        let enabled: Vec<usize> = self.who(|person| person.listed && person.enabled);
        if let (Some(who), Some((_, members))) = (self.random.pick(&enabled), self.groups.get_mut(&group)) {
            members.insert(*who);
        }
    }

    /// Whoever is no boss and like this.
    fn who(&self, like: impl Fn(&Person) -> bool) -> Vec<usize> {
        (BOSSES..self.people.len()).filter(|who| like(&self.people[*who])).collect()
    }

    /// One thing happens.
    pub(super) fn change(&mut self) {
        let listed = self.who(|person| person.listed);
        let groups: Vec<usize> = self.groups.keys().copied().collect();
        let who = self.random.pick(&listed).copied();
        let group = self.random.pick(&groups).copied();
        match (self.random.below(12), who, group) {
            (0, Some(who), _) => self.people[who].title = format!("Title {}", self.number()),
            (1, Some(who), _) => self.people[who].manager = Some(self.random.below(BOSSES)),
            (2, Some(who), _) => self.people[who].manager = None,
            (3, Some(who), _) => {
                let name = format!("p{}@contoso.com", self.number());
                self.people[who].names.push(name);
            }
            (4, Some(who), _) => self.people[who].enabled = false,
            // Who never had an account stays without one here: a member of a group that comes late is another story.
            (5, Some(who), _) if self.people[who].settled => self.people[who].enabled = true,
            (6, Some(who), _) => {
                self.people[who].listed = false;
                for (_, members) in self.groups.values_mut() {
                    members.remove(&who);
                }
            }
            (7, _, _) => self.group_appears(),
            (8, _, Some(group)) => self.member_comes(group),
            (9, _, Some(group)) => {
                let (_, members) = self.groups.get_mut(&group).unwrap();
                let present: Vec<usize> = members.iter().copied().collect();
                if let Some(who) = self.random.pick(&present) {
                    members.remove(who);
                }
            }
            (10, _, Some(group)) if 1 < groups.len() => {
                self.groups.remove(&group);
            }
            _ => self.joins(),
        }
    }

    /// Something happens to somebody whose account the target may have and no cycle may know of.
    pub(super) fn surprise(&mut self) {
        let Some(who) = self.random.pick(&self.who(|person| person.listed && !person.settled)).copied()
        else {
            return self.change();
        };
        if self.random.below(3) == 0 {
            self.people[who].enabled = false;
        } else {
            let name = format!("p{}@contoso.com", self.number());
            self.people[who].names.push(name);
        }
    }

    /// Writes the files.
    pub(super) fn save(&self, project: &Project) {
        let mut users =
            "objectId,userPrincipalName,displayName,mailNickname,jobTitle,accountEnabled,manager\n"
                .to_owned();
        for (number, person) in self.people.iter().enumerate().filter(|(_, person)| person.listed) {
            let manager = person.manager.map_or("", |manager| self.people[manager].name());
            let Person { title, enabled, .. } = person;
            let name = person.name();
            writeln!(users, "u{number},{name},Person {number},p{number},{title},{enabled},{manager}")
                .unwrap();
        }
        let (mut groups, mut edges) = ("objectId,displayName\n".to_owned(), "group,member\n".to_owned());
        for (number, (name, members)) in &self.groups {
            writeln!(groups, "g{number},{name}").unwrap();
            for member in members {
                writeln!(edges, "g{number},{}", self.people[*member].name()).unwrap();
            }
        }
        project.write("directory/users.csv", &users);
        project.write("directory/groups.csv", &groups);
        project.write("directory/members.csv", &edges);
    }

    /// A cycle has come to its end: who has an account by now is known.
    pub(super) fn settle(&mut self, held: &[Value]) {
        for person in &mut self.people {
            person.settled = person.names.iter().any(|name| account(held, name).is_some());
        }
    }

    /// What the target holds and what it has to hold, an object a line.
    pub(super) fn compare(&self, held: &[Value]) -> (Vec<String>, Vec<String>) {
        let (mut found, mut wanted): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut known = BTreeSet::new();
        for person in &self.people {
            let accounts: Vec<&Value> = person.names.iter().filter_map(|name| account(held, name)).collect();
            known.extend(accounts.iter().map(|account| text(account, "id").to_owned()));
            if person.listed && (person.enabled || person.settled) {
                let manager = person.manager.map_or("", |manager| self.people[manager].name());
                wanted.push(format!(
                    "{} {} active={} below {manager}",
                    person.name(),
                    person.title,
                    person.enabled
                ));
                found.extend(accounts.iter().map(|account| line(held, account)));
            } else {
                // Whether somebody who left at once ever had an account depends on the kill; one at most, and inactive.
                let count = if person.settled { 1 } else { accounts.len().min(1) };
                wanted.extend((0..count).map(|_| format!("{} active=false", person.name())));
                let activity = |account: &&Value| format!("{} active={}", person.name(), account["active"]);
                found.extend(accounts.iter().map(activity));
            }
        }
        for (name, members) in self.groups.values() {
            let ids = |who: &usize| account(held, self.people[*who].name()).map(|it| text(it, "id"));
            let members: BTreeSet<&str> = members.iter().filter_map(ids).collect();
            wanted.push(format!("{name} {members:?}"));
        }
        for resource in held {
            if resource["userName"].is_null() {
                let members = resource["members"].as_array().map(Vec::as_slice).unwrap_or_default();
                let members: BTreeSet<&str> = members.iter().map(|member| text(member, "value")).collect();
                found.push(format!("{} {members:?}", text(resource, "displayName")));
            } else if !known.contains(text(resource, "id")) {
                found.push(format!("{}, whom nobody knows", text(resource, "userName")));
            }
        }
        found.sort();
        wanted.sort();
        (found, wanted)
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn account<'v>(held: &'v [Value], name: &str) -> Option<&'v Value> {
    held.iter().find(|resource| resource["userName"] == name)
}

fn line(held: &[Value], account: &Value) -> String {
    let manager = &account["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"];
    let manager = held.iter().find(|resource| resource["id"] == *manager);
    let manager = manager.map_or("", |manager| text(manager, "userName"));
    let (name, title) = (text(account, "userName"), text(account, "title"));
    format!("{name} {title} active={} below {manager}", account["active"])
}
