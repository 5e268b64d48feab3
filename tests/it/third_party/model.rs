//! What a target should hold after each step of the story, told from the directory's files alone: a deliberately
//! simple model that shares no code with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// The attributes of an account as texts, by target path; those without a value are left out.
pub(super) type Attributes = BTreeMap<String, String>;

/// Accounts by userName, and groups by displayName; a group's `members` are userNames, one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    pub(super) users: BTreeMap<String, Attributes>,
    pub(super) groups: BTreeMap<String, Attributes>,
}

/// The template mapping of a new job, source to target (`wire.md 12.3`), but for what is computed.
const MAPPED: [(&str, &str); 16] = [
    ("displayName", "displayName"),
    ("jobTitle", "title"),
    ("mail", "emails.work.value"),
    ("givenName", "name.givenName"),
    ("surname", "name.familyName"),
    ("physicalDeliveryOfficeName", "addresses.work.formatted"),
    ("streetAddress", "addresses.work.streetAddress"),
    ("city", "addresses.work.locality"),
    ("state", "addresses.work.region"),
    ("postalCode", "addresses.work.postalCode"),
    ("country", "addresses.work.country"),
    ("telephoneNumber", "phoneNumbers.work.value"),
    ("mobile", "phoneNumbers.mobile.value"),
    ("mailNickname", "externalId"),
    ("employeeId", "enterprise.employeeNumber"),
    ("department", "enterprise.department"),
];

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The accounts by objectId, through all steps.
#[derive(Debug, Default)]
pub(super) struct Model {
    accounts: BTreeMap<String, Attributes>,
}

impl Model {
    /// Takes in the files as they are now; gives what the target should hold.
    pub(super) fn step(&mut self, directory: &Path) -> Holdings {
        let mut users = table(&directory.join("exportUsers_2026-8-1.csv"));
        let extra = table(&directory.join("users.extra.csv"));
        for user in &mut users {
            let more = extra.iter().find(|row| row["userPrincipalName"] == user["userPrincipalName"]);
            user.extend(more.into_iter().flatten().map(|(name, cell)| (name.clone(), cell.clone())));
        }
        let groups = table(&directory.join("groups.csv"));
        let members = table(&directory.join("members.csv"));
        let assigned: BTreeSet<String> = table(&directory.join("assignments.csv"))
            .into_iter()
            .map(|mut row| row.remove("principal").unwrap())
            .collect();

        let mut entitled = BTreeMap::new();
        for user in &users {
            let upn = &user["userPrincipalName"];
            let by_group =
                members.iter().any(|row| row["member"] == *upn && assigned.contains(&row["group"]));
            if by_group || assigned.contains(upn) {
                entitled.insert(user["objectId"].clone(), user);
            }
        }
        for (id, user) in &entitled {
            let enabled = user["accountEnabled"] == "True";
            if enabled || self.accounts.contains_key(id) {
                let mut account = account(user);
                account.insert("active".to_owned(), if enabled { "true" } else { "false" }.to_owned());
                self.accounts.insert(id.clone(), account);
            }
        }
        let id_of = |upn: &str| {
            users.iter().find(|row| row["userPrincipalName"] == upn).map(|row| row["objectId"].clone())
        };
        let names: BTreeMap<String, String> =
            self.accounts.iter().map(|(id, account)| (id.clone(), account["userName"].clone())).collect();
        for (id, account) in &mut self.accounts {
            match entitled.get(id) {
                Some(user) => {
                    let manager = id_of(&user["manager"]).and_then(|id| names.get(&id));
                    account.extend(manager.map(|name| ("manager".to_owned(), name.clone())));
                }
                None => {
                    account.insert("active".to_owned(), "false".to_owned());
                }
            }
        }
        let group = |group: &Attributes| {
            let of_it = members.iter().filter(|row| row["group"] == group["displayName"]);
            let mut names: Vec<_> =
                of_it.filter_map(|row| names.get(&id_of(&row["member"])?)).cloned().collect();
            names.sort();
            let mut held = Attributes::from([("externalId".to_owned(), group["objectId"].clone())]);
            if !names.is_empty() {
                held.insert("members".to_owned(), names.join("\n"));
            }
            (group["displayName"].clone(), held)
        };
        Holdings {
            users: self
                .accounts
                .values()
                .map(|account| (account["userName"].clone(), account.clone()))
                .collect(),
            groups: groups.iter().filter(|row| assigned.contains(&row["displayName"])).map(group).collect(),
        }
    }
}

fn account(user: &Attributes) -> Attributes {
    let full = |name: &str| user.get(name).filter(|cell| !cell.is_empty()).cloned();
    let mut account: Attributes =
        MAPPED.into_iter().filter_map(|(source, target)| Some((target.to_owned(), full(source)?))).collect();
    // A guest is known by the address at home.
    let upn = &user["userPrincipalName"];
    let upn = match upn.split_once("#EXT#@") {
        Some((home, _)) => home.replace('_', "@"),
        None => upn.clone(),
    };
    account.insert("userName".to_owned(), upn);
    account.insert("name.formatted".to_owned(), format!("{} {}", user["givenName"], user["surname"]));
    account
}

fn table(file: &Path) -> Vec<Attributes> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// What the target holds, in the words of the model.
pub(super) fn observed(users: &[Value], groups: &[Value]) -> Holdings {
    let name_of = |id: &Value| {
        let user = users.iter().find(|user| user["id"] == *id);
        user.map_or_else(|| format!("unknown id {id}"), |user| text(&user["userName"]).unwrap())
    };
    let user = |user: &Value| {
        let mut seen = Attributes::new();
        let mut note =
            |path: &str, value: &Value| seen.extend(text(value).map(|text| (path.to_owned(), text)));
        for path in ["userName", "active", "displayName", "title", "externalId"] {
            note(path, &user[path]);
        }
        for part in ["givenName", "familyName", "formatted"] {
            note(&format!("name.{part}"), &user["name"][part]);
        }
        for (list, parts) in [
            ("emails", &["value"][..]),
            ("phoneNumbers", &["value"]),
            ("addresses", &["formatted", "streetAddress", "locality", "region", "postalCode", "country"]),
        ] {
            for entry in user[list].as_array().into_iter().flatten() {
                for part in parts {
                    note(&format!("{list}.{}.{part}", entry["type"].as_str().unwrap()), &entry[part]);
                }
            }
        }
        for part in ["employeeNumber", "department"] {
            note(&format!("enterprise.{part}"), &user[ENTERPRISE][part]);
        }
        if let Some(manager) = user[ENTERPRISE]["manager"].get("value") {
            seen.insert("manager".to_owned(), name_of(manager));
        }
        (seen["userName"].clone(), seen)
    };
    let group = |group: &Value| {
        let mut seen = Attributes::new();
        seen.extend(text(&group["externalId"]).map(|text| ("externalId".to_owned(), text)));
        let mut members: Vec<String> = group["members"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|member| name_of(&member["value"]))
            .collect();
        members.sort();
        if !members.is_empty() {
            seen.insert("members".to_owned(), members.join("\n"));
        }
        (text(&group["displayName"]).unwrap(), seen)
    };
    Holdings { users: users.iter().map(user).collect(), groups: groups.iter().map(group).collect() }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
