//! The directories that ship with the program, and those that it makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use scimulator::directory::generate::{Population, generate};
use scimulator::directory::object::ObjectKind;
use scimulator::directory::read::ReadOutcome;

use super::{Rows, check_texts, findings, folder, read};

fn example(name: &str) -> (Rows, ReadOutcome) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join("directory");
    let (rows, outcome) = read(&folder);
    assert_eq!(findings(&folder, &outcome), "");
    (rows, outcome)
}

/// The objectId by every name that an object may be referred to by, lower-cased.
fn ids(rows: &Rows) -> BTreeMap<String, &str> {
    let names = |(object, _): &'_ (scimulator::directory::object::SourceObject, _)| {
        [object.id.to_lowercase(), object.label().to_lowercase()]
    };
    rows.objects.iter().flat_map(|row| names(row).map(|name| (name, row.0.id.as_str()))).collect()
}

/// The objectIds of users that an assignment reaches, directly or as immediate members of a group (`engine.md 3.2`).
fn reached<'r>(rows: &'r Rows, ids: &BTreeMap<String, &'r str>) -> BTreeSet<&'r str> {
    let id = |name: &str| *ids.get(&name.to_lowercase()).unwrap_or_else(|| panic!("nobody is `{name}`"));
    let assigned: BTreeSet<&str> = rows.assignments.iter().map(|(row, _)| id(&row.principal)).collect();
    let members = rows
        .memberships
        .iter()
        .filter(|(row, _)| assigned.contains(id(&row.group)))
        .map(|(row, _)| id(&row.member));
    let users: BTreeSet<&str> = rows
        .objects
        .iter()
        .filter(|(object, _)| object.kind == ObjectKind::User)
        .map(|(object, _)| object.id.as_str())
        .collect();
    members.chain(assigned.iter().copied()).filter(|id| users.contains(id)).collect()
}

fn check_managers(rows: &Rows, ids: &BTreeMap<String, &str>, without: usize) {
    let users = || rows.objects.iter().filter(|(object, _)| object.kind == ObjectKind::User);
    let managers: Vec<&str> = users().filter_map(|(object, _)| object.text("manager")).collect();
    assert_eq!(users().count() - managers.len(), without);
    for manager in managers {
        assert!(ids.contains_key(&manager.to_lowercase()), "{manager}");
    }
}

#[test]
fn contoso_reads_without_a_finding_and_has_somebody_of_every_sort() {
    let (rows, outcome) = example("contoso");
    assert_eq!((outcome.counts.users, outcome.counts.users_id_derived, outcome.counts.groups), (25, 0, 6));
    let ids = ids(&rows);
    check_managers(&rows, &ids, 1);
    let reached = reached(&rows, &ids);
    assert_eq!(reached.len(), 20);
    for (name, is_reached) in [
        ("miriam.okafor", true),
        ("joao.sousa", true),
        ("ingrid.jorgensen", false),
        ("emeka.eze", false),
        ("kofi.carter", false),
        ("ursula.muller", false),
        ("ayse.yilmaz", false),
    ] {
        let id = ids[&format!("{name}@contoso.com")];
        assert_eq!(reached.contains(id), is_reached, "{name}");
    }
    check_texts(rows.object("niamh.macleod@contoso.com"), &[("accountEnabled", "False")]);
    check_texts(
        rows.object("sean.obrien@contoso.com"),
        &[("displayName", "Seán O'Brien"), ("manager", "miriam.okafor@contoso.com"), ("employeeId", "E1003")],
    );
    let guests = rows.objects.iter().filter(|(object, _)| object.label().contains("#EXT#"));
    assert_eq!(guests.count(), 2);
    assert!(rows.members().contains(&("Sales", "Sales EMEA")));
}

#[test]
fn the_toml_example_reads_without_a_finding() {
    let (rows, outcome) = example("toml");
    assert_eq!((outcome.counts.users, outcome.counts.users_id_derived, outcome.counts.groups), (6, 6, 2));
    let ids = ids(&rows);
    check_managers(&rows, &ids, 2);
    assert_eq!(reached(&rows, &ids).len(), 5);
}

#[test]
fn a_generated_directory_reads_back_whole() {
    let folder = folder::<&str>(&[]);
    let made = folder.path().join("made");
    let population = Population::new(2_500, 42);
    generate(&made, population).unwrap();
    let (rows, outcome) = read(&made);
    assert_eq!(findings(&made, &outcome), "");
    assert_eq!((outcome.counts.users, outcome.counts.groups), (2_500, 125));
    let ids = ids(&rows);
    check_managers(&rows, &ids, 1);
    let reached = reached(&rows, &ids).len();
    assert!(1_250 < reached && reached < 2_500, "{reached}");

    let again = folder.path().join("again");
    generate(&again, population).unwrap();
    for name in ["users.csv", "groups.csv", "members.csv", "assignments.csv"] {
        assert!(fs::read(made.join(name)).unwrap() == fs::read(again.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn generating_overwrites_nothing() {
    let folder = folder(&[("groups.csv", "mine")]);
    let error = generate(folder.path(), Population::new(1, 1)).unwrap_err();
    assert_eq!(error.path, folder.path().join("groups.csv"));
    assert_eq!(error.cause.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(folder.path().join("groups.csv")).unwrap(), "mine");
}
