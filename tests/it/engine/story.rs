//! Joiner, mover, leaver: the example directory against the embedded app, a new process for each cycle. After each the
//! app holds what the default mapping says of the files, computed here in a few lines of its own.

use std::collections::{BTreeMap, BTreeSet};

use scimulator::client::journal::Exchange;
use scimulator::clock::{SignedDuration, Timestamp, VirtualClock};
use scimulator::config;
use scimulator::engine::{CycleKind, CycleResult, Purpose, RunState};
use scimulator::runner::{Job, Mode, Watch};
use scimulator::store::Store;
use serde_json::{Map, Value, json};

use crate::common::Project;
use crate::sources::root;

const URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USERS: &str = "directory/exportUsers_2026-8-1.csv";
const EXTRA: &str = "directory/users.extra.csv";
const MEMBERS: &str = "directory/members.csv";
const ASSIGNMENTS: &str = "directory/assignments.csv";

type Row = BTreeMap<String, String>;

/// Requests as `METHOD path`.
#[derive(Default)]
struct Seen(Vec<String>);

impl Watch for Seen {
    fn exchanged(&mut self, exchange: &Exchange) {
        let (_, path) = exchange.request.url.split_once("/scim/v2").unwrap();
        self.0.push(format!("{} {path}", exchange.request.method));
    }
}

struct Story {
    project: Project,
    now: Timestamp,
    /// What every account and group that the app ever held should look like now.
    expected: BTreeMap<String, Value>,
}

impl Story {
    fn begin() -> Self {
        let project = Project::with([]);
        let folder = root().join("examples/contoso");
        for path in ["scimulator.toml", USERS, EXTRA, MEMBERS, ASSIGNMENTS, "directory/groups.csv"] {
            project.write(path, &std::fs::read_to_string(folder.join(path)).unwrap());
        }
        Self { project, now: "2026-08-03T08:00:00Z".parse().unwrap(), expected: BTreeMap::new() }
    }

    fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.project.read(path);
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {path}");
        self.project.write(path, &text.replace(old, new));
    }

    fn add(&self, path: &str, line: &str) {
        self.project.write(path, &(self.project.read(path) + line + "\n"));
    }

    /// Drops the lines that hold `part`.
    fn drop_lines(&self, path: &str, part: &str) {
        let text = self.project.read(path);
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains(part)).collect();
        assert!(kept.len() < text.lines().count(), "`{part}` in {path}");
        self.project.write(path, &(kept.join("\n") + "\n"));
    }

    /// One cycle by a process of its own.
    fn cycle(&mut self) -> (CycleResult, Vec<String>) {
        let (config, _) = config::load(&self.project.path("scimulator.toml")).unwrap();
        let job = Job::new(&config, &config.jobs[0], &|_| None).unwrap();
        let mut store = Store::open(&config.state_dir).unwrap();
        let mut seen = Seen::default();
        let clock = VirtualClock::new(self.now);
        let result = job.cycle(&mut store, &clock, Purpose::Cycle, Mode::Real, &mut seen).unwrap();
        self.now = self.now.saturating_add(SignedDuration::from_mins(40)).unwrap();
        assert_eq!(result.state, RunState::Succeeded);
        (result, seen.0)
    }

    fn rows(&self, path: &str) -> Vec<Row> {
        let text = self.project.read(path);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().unwrap().clone();
        let row = |record: csv::StringRecord| {
            columns.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect()
        };
        reader.records().map(|record| row(record.unwrap())).collect()
    }

    /// A cycle, after which the app has to hold what the files say. Returns what was sent.
    fn cycle_and_compare(&mut self) -> Vec<String> {
        let (_, sent) = self.cycle();
        self.expect();
        assert_eq!(self.held(), self.expected);
        sent
    }

    /// Works out from the files what the app should hold.
    fn expect(&mut self) {
        let members: Vec<(String, String)> =
            self.rows(MEMBERS).iter().map(|row| (row["group"].clone(), row["member"].clone())).collect();
        let assigned: BTreeSet<String> =
            self.rows(ASSIGNMENTS).iter().map(|row| row["principal"].clone()).collect();
        let in_scope = |upn: &str| {
            assigned.contains(upn)
                || members.iter().any(|(group, member)| member == upn && assigned.contains(group))
        };
        let mut users: BTreeMap<String, Row> =
            self.rows(USERS).into_iter().map(|row| (row["userPrincipalName"].clone(), row)).collect();
        for extra in self.rows(EXTRA) {
            users.get_mut(&extra["userPrincipalName"]).unwrap().extend(extra);
        }
        let enabled = |row: &Row| row["accountEnabled"] == "True";
        let before: BTreeSet<String> = self.expected.keys().cloned().collect();
        for (upn, row) in &users {
            let name = user_name(upn);
            if !in_scope(upn) || !(enabled(row) || before.contains(&name)) {
                continue;
            }
            let manager = users.get(&row["manager"]).map(|manager| user_name(&manager["userPrincipalName"]));
            let there = |name: &String| {
                before.contains(name)
                    || users.values().any(|row| {
                        user_name(&row["userPrincipalName"]) == *name
                            && in_scope(&row["userPrincipalName"])
                            && enabled(row)
                    })
            };
            self.expected.insert(name, account(row, manager.filter(there)));
        }
        // Whoever is disabled, out of scope or gone keeps an account that is off.
        for (name, account) in &mut self.expected {
            let row = users.values().find(|row| user_name(&row["userPrincipalName"]) == *name);
            if name.contains('@')
                && !row.is_some_and(|row| in_scope(&row["userPrincipalName"]) && enabled(row))
            {
                account["active"] = json!(false);
            }
        }
        let groups = self.rows("directory/groups.csv");
        self.expected.retain(|name, _| name.contains('@'));
        for row in groups.iter().filter(|row| assigned.contains(&row["displayName"])) {
            let name = &row["displayName"];
            let mut inside: Vec<String> = members
                .iter()
                .filter(|(group, member)| group == name && users.contains_key(member))
                .map(|(_, member)| user_name(member))
                .filter(|member| self.expected.contains_key(member))
                .collect();
            inside.sort();
            let group = json!({ "displayName": name, "externalId": row["objectId"], "members": inside });
            self.expected.insert(name.clone(), group);
        }
    }

    /// What the app holds, ids of others replaced by their names.
    fn held(&self) -> BTreeMap<String, Value> {
        let store = Store::open(&self.project.path("state")).unwrap();
        let content = store.embedded_content("contoso").unwrap();
        let name = |resource: &Value| {
            let name = resource["userName"].as_str().or(resource["displayName"].as_str());
            name.unwrap().to_owned()
        };
        let names: BTreeMap<String, String> = content
            .iter()
            .map(|resource| (resource["id"].as_str().unwrap().to_owned(), name(resource)))
            .collect();
        let named = |reference: &Value| names[reference["value"].as_str().unwrap()].clone();
        content
            .iter()
            .map(|resource| {
                let mut shown = resource.as_object().unwrap().clone();
                for noise in ["id", "meta", "schemas", "groups"] {
                    shown.remove(noise);
                }
                if let Some(manager) = shown.get_mut(URN).and_then(|enterprise| enterprise.get_mut("manager"))
                {
                    *manager = json!(named(manager));
                }
                if resource["userName"].is_null() {
                    let members = resource["members"].as_array().cloned().unwrap_or_default();
                    let mut inside: Vec<String> = members.iter().map(named).collect();
                    inside.sort();
                    shown.insert("members".to_owned(), json!(inside));
                }
                (name(resource), Value::Object(shown))
            })
            .collect()
    }
}

/// Guests go by the address they have at home.
fn user_name(upn: &str) -> String {
    match upn.split_once("#EXT#@") {
        Some((guest, _)) => {
            let (alias, domain) = guest.rsplit_once('_').unwrap();
            format!("{alias}@{domain}")
        }
        None => upn.to_owned(),
    }
}

/// The default mapping of `wire.md 12.1`, by hand.
fn account(row: &Row, manager: Option<String>) -> Value {
    let text = |name: &str| row.get(name).filter(|value| !value.is_empty()).map(|value| json!(value));
    let object = |parts: &[(&str, Option<Value>)]| -> Map<String, Value> {
        parts.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))).collect()
    };
    let typed = |kind: &str, parts: &[(&str, Option<Value>)]| -> Option<Value> {
        let mut entry = object(parts);
        (!entry.is_empty()).then(|| {
            entry.insert("type".to_owned(), json!(kind));
            Value::Object(entry)
        })
    };
    let list = |entries: Vec<Option<Value>>| -> Option<Value> {
        let entries: Vec<Value> = entries.into_iter().flatten().collect();
        (!entries.is_empty()).then(|| json!(entries))
    };
    let mail = text("mail").map(|mail| json!([{ "type": "work", "primary": true, "value": mail }]));
    let address = typed(
        "work",
        &[
            ("formatted", text("physicalDeliveryOfficeName")),
            ("streetAddress", text("streetAddress")),
            ("locality", text("city")),
            ("region", text("state")),
            ("postalCode", text("postalCode")),
            ("country", text("country")),
        ],
    );
    let phones = vec![
        typed("work", &[("value", text("telephoneNumber"))]),
        typed("mobile", &[("value", text("mobile"))]),
        typed("fax", &[("value", text("facsimileTelephoneNumber"))]),
    ];
    let enterprise = object(&[
        ("employeeNumber", text("employeeId")),
        ("department", text("department")),
        ("manager", manager.map(|manager| json!(manager))),
    ]);
    Value::Object(object(&[
        ("userName", Some(json!(user_name(&row["userPrincipalName"])))),
        ("active", Some(json!(true))),
        ("displayName", text("displayName")),
        ("title", text("jobTitle")),
        ("preferredLanguage", text("preferredLanguage")),
        ("emails", mail),
        (
            "name",
            Some(json!({
                "givenName": row["givenName"], "familyName": row["surname"],
                "formatted": format!("{} {}", row["givenName"], row["surname"]),
            })),
        ),
        ("addresses", list(vec![address])),
        ("phoneNumbers", list(phones)),
        ("externalId", text("mailNickname")),
        (URN, (!enterprise.is_empty()).then(|| Value::Object(enterprise))),
    ]))
}

/// Requests that are no probes, ids left out: `GET /Users`.
fn shapes(sent: &[String]) -> Vec<String> {
    let shape = |line: &String| {
        let (method, path) = line.split_once(" /").unwrap();
        let end = path.find(['/', '?']).unwrap_or(path.len());
        format!("{method} {}", path.split_at(end).0)
    };
    sent.iter().skip(2).map(shape).collect()
}

#[test]
fn joiners_movers_and_leavers_of_the_example_end_as_the_mapping_says() {
    let mut story = Story::begin();
    let (result, _) = story.cycle();
    assert_eq!(result.kind, CycleKind::Initial);
    story.expect();
    assert_eq!(story.held(), story.expected);
    // 25 users: two in the nested group, three in no assigned group, one disabled.
    assert_eq!(story.expected.keys().filter(|name| name.contains('@')).count(), 19);
    assert_eq!(story.expected.keys().filter(|name| !name.contains('@')).count(), 4);

    let (result, sent) = story.cycle();
    assert_eq!((result.kind, sent.len()), (CycleKind::Incremental, 2), "{sent:?}");
    assert!(sent.iter().all(|line| line.starts_with("GET ") && line.contains("eq+%22")));

    // A joiner.
    story.add(
        USERS,
        "noor.haddad@contoso.com,Noor Haddad,Haddad,noor.haddad@contoso.com,Noor,\
         c0a70500-0000-4000-8000-000000000026,Member,Analyst,Finance,True,IE,1 Way,Leinster,Ireland,HQ/2,Dublin,\
         D01,+353 1 555 0126,+353 85 555 0126,,,,,,,",
    );
    let extra = story.project.read(EXTRA).replace('\n', ",,\n").replacen(
        ",,\n",
        ",preferredLanguage,facsimileTelephoneNumber\n",
        1,
    );
    story.project.write(EXTRA, &extra);
    story.add(
        EXTRA,
        "noor.haddad@contoso.com,noor.haddad,E1026,grace.mensah@contoso.com,,en-IE,+353 1 555 0127",
    );
    story.add(MEMBERS, "Finance,noor.haddad@contoso.com");
    let sent = story.cycle_and_compare();
    assert_eq!(shapes(&sent), ["GET Users", "POST Users", "GET Groups", "PATCH Users", "PATCH Groups"]);

    // A mover: title, department, manager, group.
    story.edit(USERS, "Member,Software Engineer,Engineering,True,IE", "Member,Controller,Finance,True,IE");
    story.edit(EXTRA, "mei.chen,E1010,sean.obrien@contoso.com", "mei.chen,E1010,zoe.lefevre@contoso.com");
    story.edit(MEMBERS, "Engineering,mei.chen@contoso.com", "Finance,mei.chen@contoso.com");
    let sent = story.cycle_and_compare();
    assert_eq!(
        shapes(&sent),
        [
            "GET Users",
            "PATCH Users",
            "GET Groups",
            "GET Groups",
            "PATCH Users",
            "PATCH Groups",
            "PATCH Groups"
        ]
    );
    let mei = &story.held()["mei.chen@contoso.com"];
    assert_eq!(mei[URN]["manager"], "zoe.lefevre@contoso.com");

    // Leavers: blocked, unassigned, taken out of the files.
    story.edit(
        USERS,
        "Site Reliability Engineer,Engineering,True",
        "Site Reliability Engineer,Engineering,False",
    );
    let sent = story.cycle_and_compare();
    assert_eq!(shapes(&sent), ["GET Users", "PATCH Users"]);
    assert_eq!(story.held()["haruto.ito@contoso.com"]["active"], false);

    story.drop_lines(ASSIGNMENTS, "miriam.okafor@contoso.com");
    let sent = story.cycle_and_compare();
    assert_eq!(shapes(&sent), ["GET Users", "PATCH Users"]);
    assert_eq!(story.held()["miriam.okafor@contoso.com"]["active"], false);

    for path in [USERS, EXTRA, MEMBERS] {
        story.drop_lines(path, "lucia.garcia@contoso.com");
    }
    let sent = story.cycle_and_compare();
    assert_eq!(shapes(&sent), ["GET Users", "PATCH Users", "GET Groups", "PATCH Groups"]);
    assert_eq!(story.held()["lucia.garcia@contoso.com"]["active"], false);

    // A group loses its assignment: the guests are disabled, then the group goes.
    story.drop_lines(ASSIGNMENTS, "Partners");
    let sent = story.cycle_and_compare();
    assert_eq!(shapes(&sent), ["GET Users", "PATCH Users", "GET Users", "PATCH Users", "DELETE Groups"]);

    // Somebody comes back.
    story.add(ASSIGNMENTS, "miriam.okafor@contoso.com,");
    story.cycle_and_compare();
    assert_eq!(story.held()["miriam.okafor@contoso.com"]["active"], true);

    // Thirty days after the deletion it is final.
    story.now = story.now.saturating_add(SignedDuration::from_hours(30 * 24)).unwrap();
    let (_, sent) = story.cycle();
    assert_eq!(shapes(&sent), ["DELETE Users"]);
    story.expected.remove("lucia.garcia@contoso.com");
    assert_eq!(story.held(), story.expected);
    let (_, sent) = story.cycle();
    assert_eq!(sent.len(), 2);

    scimulator::covers!("E-055", "E-061", "E-132", "E-280", "E-020", "E-027", "E-030", "E-128");
    scimulator::covers!("W-219", "W-220", "W-221", "W-222", "W-223", "W-095", "W-145", "W-146", "W-169");
}
