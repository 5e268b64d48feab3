//! An import beside other processes, and what it does not believe (design, laws 3 and 4).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use scimulator::clock::Timestamp;
use scimulator::diagnostic::Place;
use scimulator::directory::import::{ImportError, Read, Source, import};
use scimulator::directory::object::{ObjectKind, SourceObject};
use scimulator::directory::read::ReadOptions;
use scimulator::expression::AttributeValue;
use scimulator::store::{Edit, Import, ImportFault, Resolved, Store, Vanishing};

use crate::common::Project;

fn now() -> Timestamp {
    "2026-01-15T09:20:00Z".parse().unwrap()
}

fn user(id: &str, department: &str) -> SourceObject {
    let text = |value: &str| AttributeValue::Text(value.to_owned());
    SourceObject {
        kind: ObjectKind::User,
        id: id.to_owned(),
        id_given: true,
        attributes: BTreeMap::from([
            ("userPrincipalName".to_owned(), text(&format!("{id}@x.com"))),
            ("department".to_owned(), text(department)),
        ]),
        deleted: None,
    }
}

fn take(import: &mut Import<'_>, object: &SourceObject) {
    import.object(object, &Place::line(Path::new("users.csv"), 2)).unwrap();
}

const FILES: &str = "users.csv";

fn finish(import: Import<'_>) -> Result<u64, ImportFault> {
    import.finish(&[(FILES.to_owned(), "users".to_owned(), 1)], None).map(|imported| imported.changes)
}

/// Two processes with the state of one project.
fn two_stores(project: &Project) -> (Store, Store) {
    let open = || Store::open(&project.path("state")).unwrap();
    (open(), open())
}

#[test]
fn an_edit_by_another_process_while_files_are_read_stops_neither() {
    let project = Project::with([]);
    let (mut ours, mut other) = two_stores(&project);
    let mut first = ours.begin_import(now()).unwrap();
    take(&mut first, &user("ada", "Sales"));
    finish(first).unwrap();

    let mut import = ours.begin_import(now()).unwrap();
    take(&mut import, &user("ada", "Legal"));
    // The other one has its turn at once: nobody holds the write lock.
    other.edit(ObjectKind::User, "ada", &Edit::Delete, now()).unwrap();
    take(&mut import, &user("ben", "Sales"));
    assert_eq!(finish(import).unwrap(), 2, "Ada changed, Ben is new");
    let ada = other.object(ObjectKind::User, "ada").unwrap().unwrap();
    assert_eq!(ada.text("department"), Some("Legal"));
    assert!(other.object(ObjectKind::User, "ben").unwrap().is_some());
}

#[test]
fn an_import_that_another_one_overtook_keeps_nothing_and_can_be_done_again() {
    let project = Project::with([]);
    let (mut ours, mut other) = two_stores(&project);
    let mut slow = ours.begin_import(now()).unwrap();
    take(&mut slow, &user("ada", "Sales"));
    let mut quick = other.begin_import(now()).unwrap();
    take(&mut quick, &user("ada", "Legal"));
    assert_eq!(finish(quick).unwrap(), 1);
    assert!(matches!(finish(slow), Err(ImportFault::Overtaken)));
    let department = |store: &Store| {
        let ada = store.object(ObjectKind::User, "ada").unwrap().unwrap();
        ada.text("department").map(str::to_owned)
    };
    assert_eq!(department(&ours).as_deref(), Some("Legal"));
    // An import that found nothing new is in nobody's way.
    let mut again = ours.begin_import(now()).unwrap();
    take(&mut again, &user("ada", "Sales"));
    let mut idle = other.begin_import(now()).unwrap();
    take(&mut idle, &user("ada", "Legal"));
    assert_eq!(finish(idle).unwrap(), 0);
    assert_eq!(finish(again).unwrap(), 1);
    assert_eq!(department(&other).as_deref(), Some("Sales"));
}

#[test]
fn imports_and_edits_of_two_processes_all_succeed() {
    let project = Project::with([]);
    let (mut ours, mut other) = two_stores(&project);
    let rows: Vec<String> = (0..50).map(|number| format!("u{number},u{number}@x.com\n")).collect();
    let rows = rows.concat();
    project.write("directory/users.csv", &format!("objectId,userPrincipalName\n{rows}"));
    let source = source(&project);
    import(&mut ours, &source, now()).unwrap();
    let edits = std::thread::spawn(move || {
        for number in 0..50 {
            let department = Some(AttributeValue::Text(number.to_string()));
            let edit = Edit::Set(BTreeMap::from([("department".to_owned(), department)]));
            other.edit(ObjectKind::User, &format!("u{number}"), &edit, now()).unwrap();
        }
    });
    for round in 0..20 {
        let added = format!("objectId,userPrincipalName\n{rows}new{round},new{round}@x.com\n");
        project.write("directory/users.csv", &added);
        import(&mut ours, &source, now()).unwrap();
    }
    edits.join().unwrap();
    let edited = ours.object(ObjectKind::User, "u49").unwrap().unwrap();
    assert_eq!(edited.text("department"), Some("49"));
}

fn source(project: &Project) -> Source {
    Source {
        folder: project.path("directory"),
        options: ReadOptions::default(),
        vanish_limit: Some((20, 20)),
        roles: Vec::new(),
        jobs: vec!["app".to_owned()],
    }
}

/// A hundred of each: users in groups of their own, each user assigned.
struct Tenant {
    users: Vec<String>,
    groups: Vec<String>,
    members: Vec<String>,
    assignments: Vec<String>,
}

impl Tenant {
    fn new() -> Self {
        let rows = |make: fn(u32) -> String| (0..100).map(make).collect::<Vec<_>>();
        Self {
            users: rows(|n| format!("u{n},u{n}@x.com,")),
            groups: rows(|n| format!("g{n},Group {n},")),
            members: rows(|n| format!("g{n},u{n}")),
            assignments: rows(|n| format!("u{n}")),
        }
    }

    fn save(&self, project: &Project) {
        for (file, heading, rows) in [
            ("users", "objectId,userPrincipalName,deletedDateTime", &self.users),
            ("groups", "objectId,displayName,deletedDateTime", &self.groups),
            ("members", "group,member", &self.members),
            ("assignments", "principal", &self.assignments),
        ] {
            project.write(&format!("directory/{file}.csv"), &format!("{heading}\n{}\n", rows.join("\n")));
        }
    }
}

fn read(store: &mut Store, tenant: &Tenant, project: &Project) -> Result<Read, ImportError> {
    tenant.save(project);
    import(store, &source(project), now())
}

/// What a refused import complains of: sort, missing, known, file.
fn held(result: Result<Read, ImportError>) -> Vec<(Vanishing, u64, u64, String)> {
    match result {
        Err(error @ ImportError::Refused(ImportFault::Vanished(_))) => {
            let findings = error.findings();
            let ImportError::Refused(ImportFault::Vanished(vanished)) = error else { unreachable!() };
            let lines = vanished.iter().zip(&findings).map(|(it, finding)| {
                let file = finding.place.as_ref().unwrap().file.file_name().unwrap();
                let file = file.to_str().unwrap().to_owned();
                let sentence = format!(
                    "{} of {} {} vanished from `{file}` at once, more than `vanish_limit` allows",
                    it.vanished,
                    it.known,
                    it.what.as_str()
                );
                assert_eq!(finding.message, sentence);
                assert!(finding.help.as_ref().unwrap().contains("directory accept"));
                (it.what, it.vanished, it.known, file)
            });
            lines.collect()
        }
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn rows_of_every_sort_that_vanish_at_once_are_held() {
    type Harm = fn(&mut Tenant, usize);
    let sorts: [(Vanishing, Harm); 4] = [
        (Vanishing::Users, |tenant, left| tenant.users.truncate(left)),
        (Vanishing::Groups, |tenant, left| tenant.groups.truncate(left)),
        (Vanishing::Memberships, |tenant, left| tenant.members.truncate(left)),
        (Vanishing::Assignments, |tenant, left| tenant.assignments.truncate(left)),
    ];
    for (what, harm) in sorts {
        let project = Project::with([]);
        let mut store = Store::in_memory().unwrap();
        read(&mut store, &Tenant::new(), &project).unwrap();
        let seq = store.last_seq().unwrap();
        // 21 of 100 are more than 20 %, and no fewer than 20.
        let mut tenant = Tenant::new();
        harm(&mut tenant, 79);
        let role = if what == Vanishing::Memberships { "members" } else { what.as_str() };
        assert_eq!(held(read(&mut store, &tenant, &project)), [(what, 21, 100, format!("{role}.csv"))]);
        assert_eq!(store.last_seq().unwrap(), seq, "{what:?}: nothing was imported");
        // One row less, and it is let through.
        let mut tenant = Tenant::new();
        harm(&mut tenant, 80);
        assert_eq!(held(read(&mut store, &tenant, &project)), [], "{what:?}");
        assert!(seq < store.last_seq().unwrap());
    }
}

#[test]
fn an_empty_list_of_members_and_assignments_is_held_when_there_were_many() {
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    read(&mut store, &Tenant::new(), &project).unwrap();
    let empty = Tenant { members: Vec::new(), assignments: Vec::new(), ..Tenant::new() };
    assert_eq!(
        held(read(&mut store, &empty, &project)),
        [
            (Vanishing::Memberships, 100, 100, "members.csv".to_owned()),
            (Vanishing::Assignments, 100, 100, "assignments.csv".to_owned())
        ]
    );
}

#[test]
fn edges_that_go_with_their_object_do_not_count() {
    // Half the users are said to be deleted, by their rows or by command, and nobody lists them any more.
    for by_command in [false, true] {
        let project = Project::with([]);
        let mut store = Store::in_memory().unwrap();
        read(&mut store, &Tenant::new(), &project).unwrap();
        let mut tenant = Tenant::new();
        for number in 50..100 {
            if by_command {
                store.edit(ObjectKind::User, &format!("u{number}"), &Edit::Purge, now()).unwrap();
            } else {
                tenant.users[number] += "2026-01-10T00:00:00Z";
            }
        }
        tenant.members.truncate(50);
        tenant.assignments.truncate(50);
        assert_eq!(held(read(&mut store, &tenant, &project)), [], "by command: {by_command}");
    }
    // Groups deleted by command take their memberships along.
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    read(&mut store, &Tenant::new(), &project).unwrap();
    let mut tenant = Tenant::new();
    for number in 50..100 {
        store.edit(ObjectKind::Group, &format!("g{number}"), &Edit::Delete, now()).unwrap();
    }
    tenant.groups.truncate(50);
    tenant.members.truncate(50);
    assert_eq!(held(read(&mut store, &tenant, &project)), []);
}

#[test]
fn a_membership_that_a_command_had_taken_away_does_not_count() {
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    read(&mut store, &Tenant::new(), &project).unwrap();
    for number in 50..100 {
        let (group, member) = (format!("g{number}"), format!("u{number}"));
        assert!(store.edit_membership(&group, &member, false, now()).unwrap());
    }
    let mut tenant = Tenant::new();
    tenant.members.truncate(50);
    assert_eq!(held(read(&mut store, &tenant, &project)), []);
}

#[test]
fn members_of_toml_groups_are_counted_too() {
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    let user = |n: u32| format!("[[user]]\nobjectId = 'u{n}'\nuserPrincipalName = 'u{n}@x.com'\n");
    project.write("directory/users.toml", &(0..40).map(user).collect::<Vec<_>>().concat());
    let members: Vec<String> = (0..40).map(|n| format!("'u{n}'")).collect();
    let group = |members: &[String]| {
        format!("[[group]]\nobjectId = 'g'\ndisplayName = 'G'\nmembers = [{}]\n", members.join(", "))
    };
    project.write("directory/groups.toml", &group(&members));
    import(&mut store, &source(&project), now()).unwrap();
    project.write("directory/groups.toml", &group(&members[..19]));
    assert_eq!(
        held(import(&mut store, &source(&project), now())),
        [(Vanishing::Memberships, 21, 40, "groups.toml".to_owned())]
    );
}

#[test]
fn advice_about_a_file_that_is_gone_or_empty_fits_what_it_held() {
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    read(&mut store, &Tenant::new(), &project).unwrap();
    for (file, may_be_empty) in
        [("users", None), ("groups", Some(false)), ("members", Some(true)), ("assignments", Some(true))]
    {
        let path = project.path(&format!("directory/{file}.csv"));
        let text = std::fs::read_to_string(&path).unwrap();
        let advice = |store: &mut Store| {
            let findings = import(store, &source(&project), now()).unwrap_err().findings();
            findings[0].help.clone().unwrap()
        };
        let fits = |advice: &str| match may_be_empty {
            Some(true) => advice.contains("headings and no rows says that there are none"),
            Some(false) => advice.ends_with("keep their rows with a `deletedDateTime`"),
            // Without users there is nothing to advise but which files there may be.
            None => !advice.contains("no rows"),
        };
        std::fs::write(&path, "").unwrap();
        let empty = advice(&mut store);
        std::fs::remove_file(&path).unwrap();
        let gone = advice(&mut store);
        assert!(fits(&empty) && fits(&gone), "{file}: {empty}; {gone}");
        std::fs::write(&path, text).unwrap();
    }
    // What the advice says is true.
    let nobody = Tenant { groups: Vec::new(), ..Tenant::new() };
    let findings = read(&mut store, &nobody, &project).unwrap_err().findings();
    assert_eq!(findings[0].message, "the file has no groups");
    let mut deleted = Tenant::new();
    deleted.groups.iter_mut().for_each(|row| row.push_str("2026-01-10T00:00:00Z"));
    read(&mut store, &deleted, &project).unwrap();
}

/// What an import is refused for, when a file is gone: message and advice.
#[track_caller]
fn gone(result: Result<Read, ImportError>) -> (String, String) {
    match result {
        Err(error @ ImportError::Refused(ImportFault::FileGone { .. })) => {
            let finding = error.findings().remove(0);
            (finding.message, finding.help.unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_file_of_several_that_is_gone_is_a_fault_until_accepted() {
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    for page in 0..10 {
        let next = if page < 9 { r#","@odata.nextLink":"https://graph.example/next""# } else { "" };
        let users =
            (0..10).map(|n| format!(r#"{{"id":"u{page}{n}","userPrincipalName":"u{page}{n}@x.com"}}"#));
        let users = users.collect::<Vec<_>>().join(",");
        project.write(&format!("directory/users-{page}.json"), &format!(r#"{{"value":[{users}]{next}}}"#));
    }
    project.write("directory/groups.csv", "objectId,displayName\ng1,Sales\ng2,Dev\n");
    project.write("directory/members/Sales.csv", "id\nu00\n");
    project.write("directory/members/Dev.csv", "id\nu01\n");
    let accepted = Source { vanish_limit: None, ..source(&project) };
    import(&mut store, &source(&project), now()).unwrap();
    for (file, role) in [("users-4.json", "users"), ("members/Dev.csv", "members")] {
        let path = project.path(&format!("directory/{file}"));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let seq = store.last_seq().unwrap();
        let (message, help) = gone(import(&mut store, &source(&project), now()));
        assert!(message.starts_with(&format!("the {role} file `")) && message.contains(file), "{message}");
        assert!(help.starts_with("put it back") && help.contains("directory accept"), "{help}");
        assert_eq!(store.last_seq().unwrap(), seq);
        let mut copy = store.copy().unwrap();
        import(&mut copy, &accepted, now()).unwrap();
        assert!(seq < copy.last_seq().unwrap(), "{file}: nobody left");
        std::fs::write(&path, text).unwrap();
        import(&mut store, &source(&project), now()).unwrap();
        assert_eq!(store.last_seq().unwrap(), seq);
    }
}

#[test]
fn a_members_file_that_is_gone_can_be_accepted_by_command() {
    const CONFIG: &str =
        "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = 'embedded'\nscope = 'all'\n";
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("directory/users.csv", "objectId,userPrincipalName\nu1,ada@x.com\nu2,ben@x.com\n"),
        ("directory/groups.csv", "objectId,displayName\ng1,Sales\ng2,Dev\n"),
        ("directory/members/Sales.csv", "id\nu1\n"),
        ("directory/members/Dev.csv", "id\nu2\n"),
    ]);
    project.scimulator(["cycle"]).assert().code(0);
    std::fs::remove_file(project.path("directory/members/Dev.csv")).unwrap();
    for command in ["check", "plan", "cycle"] {
        let output = project.scimulator([command]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("Dev.csv` was read before and is gone") && said.contains("put it back"),
            "{said}"
        );
    }
    let accepted = project.scimulator(["directory", "accept"]).output().unwrap();
    let said = String::from_utf8(accepted.stdout).unwrap();
    assert!(said.starts_with("accepted: the members file `") && said.contains("Dev.csv` is gone"), "{said}");
    let plan = project.scimulator(["plan"]).output().unwrap();
    let said = String::from_utf8(plan.stdout).unwrap();
    assert!(said.contains("Remove members="), "{said}");
}

#[test]
fn letter_case_of_an_object_id_means_nothing() {
    const ADA: &str = "0b6a1f5e-8f0c-4c53-9d1e-2f5a7c3b1a03";
    const BEN: &str = "0b6a1f5e-8f0c-4c53-9d1e-2f5a7c3b1a04";
    const TEAM: &str = "0b6a1f5e-8f0c-4c53-9d1e-2f5a7c3b1a05";
    let project = Project::with([]);
    let mut store = Store::in_memory().unwrap();
    let save = |id: fn(&str) -> String| {
        project.write(
            "directory/users.csv",
            &format!(
                "objectId,userPrincipalName,manager\n{},a@x.com,\n{},b@x.com,{}\n",
                id(ADA),
                id(BEN),
                id(ADA)
            ),
        );
        project.write("directory/groups.csv", &format!("objectId,displayName\n{},Team\n", id(TEAM)));
        project.write("directory/members.csv", &format!("group,member\n{},{}\n", id(TEAM), id(BEN)));
        project.write("directory/assignments.csv", &format!("principal\n{}\n", id(ADA)));
    };
    save(str::to_owned);
    import(&mut store, &source(&project), now()).unwrap();
    let seq = store.last_seq().unwrap();
    save(str::to_uppercase);
    let read = import(&mut store, &source(&project), now()).unwrap();
    assert_eq!((store.last_seq().unwrap(), read.warnings), (seq, Vec::new()));
    assert_eq!(store.resolve(&BEN.to_uppercase()).unwrap(), Resolved::One(ObjectKind::User, BEN.to_owned()));
    assert_eq!(store.resolve_manager(&ADA.to_uppercase()).unwrap().as_deref(), Some(ADA));
}

#[test]
fn accept_takes_whatever_is_held() {
    const CONFIG: &str = "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = 'embedded'\n";
    let project = Project::with([("scimulator.toml", CONFIG)]);
    Tenant::new().save(&project);
    project.scimulator(["cycle"]).assert().code(0);
    let few = |rows: Vec<String>| rows.into_iter().take(60).collect::<Vec<_>>();
    let Tenant { groups, members, assignments, .. } = Tenant::new();
    let tenant = Tenant { groups: few(groups), assignments: few(assignments), members, ..Tenant::new() };
    tenant.save(&project);
    let cycle = project.scimulator(["cycle"]).output().unwrap();
    let said = String::from_utf8(cycle.stderr).unwrap();
    assert_eq!(cycle.status.code(), Some(2), "{said}");
    for sentence in ["40 of 100 groups vanished from `groups.csv`", "40 of 100 assignments vanished from"] {
        assert!(said.contains(sentence), "{said}");
    }
    let accepted = project.scimulator(["directory", "accept"]).output().unwrap();
    let said = String::from_utf8(accepted.stdout).unwrap();
    assert!(
        said.starts_with(
            "accepted: 40 of 100 groups vanished and are deleted for good now\n\
             accepted: 40 of 100 assignments vanished and are taken away now\n  \
             Group Group 60: deleted for good\n"
        ),
        "{said}"
    );
    let json = project.scimulator(["directory", "accept", "--format", "json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json, serde_json::json!({ "accepted": false, "held": [] }));
    project.scimulator(["cycle"]).assert().code(0);
}

/// A file that is replaced by a whole other one, again and again, while it is read: what is imported is one of the two,
/// or nothing at all.
#[test]
fn a_file_that_is_replaced_while_it_is_read_is_refused_or_read_anew() {
    /// Enough for a reading to take many times as long as a replacement.
    const USERS: usize = 2_000;
    /// So many imports may be lucky.
    const IMPORTS_MAX: usize = 50;
    let text = |department: &str| {
        let rows = (0..USERS).map(|number| format!("u{number},u{number}@x.com,{department}\n"));
        format!("objectId,userPrincipalName,department\n{}", rows.collect::<String>())
    };
    let project = Project::with([("directory/users.csv", text("Sales").as_str())]);
    let mut store = Store::open(&project.path("state")).unwrap();
    let source = source(&project);
    import(&mut store, &source, now()).unwrap();
    let departments = |store: &Store| -> BTreeSet<String> {
        let ids = (0..USERS).map(|number| format!("u{number}"));
        let object = |id: String| store.object(ObjectKind::User, &id).unwrap().unwrap();
        ids.map(|id| format!("{:?}", object(id).attributes["department"])).collect()
    };

    let is_over = AtomicBool::new(false);
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| {
            let texts = [text("Legal"), text("Marketing")];
            for text in texts.iter().cycle().take_while(|_| !is_over.load(Ordering::SeqCst)) {
                project.write("new.csv", text);
                std::fs::rename(project.path("new.csv"), project.path("directory/users.csv")).unwrap();
            }
        });
        let refused = (0..IMPORTS_MAX).find_map(|_| {
            let seen = (store.last_seq().unwrap(), departments(&store));
            match import(&mut store, &source, now()) {
                Ok(_) => {
                    assert_eq!(departments(&store).len(), 1, "half of each");
                    None
                }
                Err(error) => Some((error.findings(), seen)),
            }
        });
        is_over.store(true, Ordering::SeqCst);
        refused
    });
    let (findings, seen) = refused.expect("an import that does not get the file in peace");
    assert!(findings[0].to_string().contains("kept changing while it was read"), "{}", findings[0]);
    assert!(findings[0].help.as_ref().unwrap().contains("move them here when they are whole"));
    assert_eq!((store.last_seq().unwrap(), departments(&store)), seen, "nothing of it was taken");

    import(&mut store, &source, now()).unwrap();
    let wanted = if project.read("directory/users.csv").contains("Legal") { "Legal" } else { "Marketing" };
    let departments = departments(&store);
    assert!(departments.len() == 1 && departments.first().unwrap().contains(wanted), "{departments:?}");
}
