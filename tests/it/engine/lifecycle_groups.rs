//! The table of groups (`engine.md 4.4`), row by row, as everything that reaches the target.

use scimulator::directory::object::ObjectKind;
use scimulator::http::Method;
use serde_json::json;

use super::harness::{Adjust, Event, JOB, World, status};

const FIND: &str = "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22N%22";
const READ: &str = "GET /Groups/{G}?excludedAttributes=members";
const GONE: &str = "DELETE /Groups/{G}";
const ADD_TO_NEW: &str = r#"PATCH /Groups/{N} [{"op":"Add","path":"members","value":[{"value":"{u}"}]}]"#;
const ADD: &str = r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{v}"}]}]"#;
const REMOVE: &str = r#"PATCH /Groups/{G} [{"op":"Remove","path":"members","value":[{"value":"{u}"}]}]"#;
const RENAME: &str = r#"PATCH /Groups/{G} [{"op":"Replace","path":"displayName","value":"G2"}]"#;
const ID_OF_NEW: &str = r#"PATCH /Groups/{N} [{"op":"Add","path":"externalId","value":"<id>"}]"#;

/// Groups whose description is `Out` fail it.
const FILTER: &str = "[[job.filter]]\nobject = \"group\"\nname = \"In\"\n\
    clauses = [{ attribute = \"description\", operator = \"NOT EQUALS\", value = \"Out\" }]\n";

/// Columns A (default), B (skip flag) and E (Delete off) of `engine.md 4.2`, as far as they concern groups.
const COLUMNS: [(char, &str, Adjust); 3] = [
    ('A', "", |_| {}),
    ('B', "skip_out_of_scope_deletions = true", |_| {}),
    ('E', "", |spec| spec.groups.delete = false),
];

/// A group of that name, which passes the filter, with the member `u`.
fn group(world: &mut World, name: &str) {
    world.people.group(name).set(name, "description", "In").member(name, "u");
}

struct Row {
    name: &'static str,
    event: Event,
    /// Everything that is sent in columns A, B and E, but for probes.
    cells: [&'static [&'static str]; 3],
}

const ROWS: [Row; 13] = [
    Row {
        name: "enters scope, and the target has none like it",
        event: |world| {
            group(world, "N");
            world.people.assign("N");
        },
        cells: [&[FIND, "POST /Groups", ADD_TO_NEW]; 3],
    },
    Row {
        name: "enters scope, and the target has it",
        event: |world| {
            group(world, "N");
            world.people.assign("N");
            let there =
                json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "N" });
            world.by_hand(Method::Post, "/Groups", Some(&there));
        },
        cells: [&[FIND, ID_OF_NEW, ADD_TO_NEW]; 3],
    },
    Row {
        name: "is assigned and fails the filter",
        event: |world| {
            group(world, "N");
            world.people.assign("N").set("N", "description", "Out");
        },
        cells: [&[]; 3],
    },
    Row {
        name: "attribute changed",
        event: |world| _ = world.people.rename_group("G", "G2"),
        cells: [&[READ, RENAME]; 3],
    },
    Row {
        name: "attribute changed that no mapping reads",
        event: |world| _ = world.people.set("G", "description", "still in"),
        cells: [&[READ]; 3],
    },
    Row {
        name: "linked member added",
        event: |world| _ = world.people.member("G", "v"),
        cells: [&[READ, ADD]; 3],
    },
    Row {
        name: "member added that is not linked",
        event: |world| _ = world.people.member("G", "blocked"),
        cells: [&[READ]; 3],
    },
    Row {
        name: "member removed",
        event: |world| _ = world.people.drop_member("G", "u"),
        cells: [&[READ, REMOVE]; 3],
    },
    Row { name: "unassigned", event: |world| _ = world.people.unassign("G"), cells: [&[GONE], &[], &[]] },
    Row {
        name: "fails the filter",
        event: |world| _ = world.people.set("G", "description", "Out"),
        cells: [&[GONE], &[], &[]],
    },
    Row {
        name: "no longer a security group",
        event: |world| _ = world.people.set("G", "securityEnabled", "False"),
        cells: [&[GONE], &[], &[]],
    },
    Row {
        name: "deleted at the source",
        event: |world| _ = world.people.remove("G"),
        cells: [&[GONE], &[GONE], &[]],
    },
    Row {
        name: "in the recycle bin",
        event: |world| _ = world.people.set("G", "deletedDateTime", "2026-01-04T00:00:00Z"),
        cells: [&[GONE], &[GONE], &[]],
    },
];

/// Users and groups in the target, everything assigned by itself.
fn settled(lines: &str, adjust: Adjust) -> World {
    let mut world = World::new(&format!("{lines}\n{FILTER}"));
    world.adjust = adjust;
    world.people.user("u", &[]).user("v", &[]).user("blocked", &[("accountEnabled", "False")]);
    world.people.assign("u").assign("v").assign("blocked");
    for name in ["G", "H"] {
        group(&mut world, name);
        world.people.assign(name);
    }
    world.clean_cycle();
    world.sent();
    world
}

#[test]
fn every_row_sends_what_it_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for row in &ROWS {
        for ((column, lines, adjust), cell) in COLUMNS.iter().zip(row.cells) {
            let mut world = settled(lines, *adjust);
            (row.event)(&mut world);
            world.clean_cycle();
            let says_active = world.target_requests().iter().any(|sent| {
                sent.body.as_ref().is_some_and(|body| String::from_utf8_lossy(body).contains("active"))
            });
            assert!(!says_active, "{column} {}: a group is never disabled", row.name);
            let mut trace = world.requests();
            if let Some(id) = row.name.starts_with("enters").then(|| world.people.id("N")) {
                trace = trace.iter().map(|line| line.replace(&id, "<id>")).collect();
            }
            if trace != *cell {
                wrong.push(format!("{column} {}: {trace:?} instead of {cell:?}", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scimulator::covers!("E-125", "E-127", "E-128", "E-131", "E-133", "E-134");
}

#[test]
fn a_member_who_is_linked_later_is_not_looked_at_before_a_restart() {
    let mut world = settled("", |_| {});
    world.people.member("G", "blocked");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(log[0].line(), "G update warning UnableToResolveReferenceAttributeValue");
    world.people.set("blocked", "accountEnabled", "True");
    world.sent();
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        ["GET /Users?filter=userName+eq+%22blocked%40contoso.com%22", "POST /Users"]
    );
    assert_eq!(world.members("G"), ["u"]);
    let mut job = world.job();
    job.watermark = None;
    world.store().save_job(&job).unwrap();
    world.clean_cycle();
    assert_eq!(world.members("G"), ["blocked", "u"]);
    scimulator::covers!("E-129");
}

#[test]
fn where_everybody_is_in_scope_a_group_is_in_it_by_its_filter_alone() {
    let mut world = World::new(&format!("scope = \"all\"\n{FILTER}"));
    world.people.user("u", &[]);
    group(&mut world, "G");
    group(&mut world, "H");
    group(&mut world, "Kept out");
    world.people.set("Kept out", "description", "Out").assign("G");
    world.clean_cycle();
    assert!(world.held("G").is_some() && world.held("H").is_some() && world.held("Kept out").is_none());
    world.sent();
    world.people.unassign("G");
    world.clean_cycle();
    assert_eq!(world.requests(), [""; 0], "assignment is no criterion");
    world.people.set("G", "description", "Out");
    world.clean_cycle();
    assert_eq!(world.requests(), [GONE]);
    let id = world.people.id("G");
    assert!(world.store().link(JOB, ObjectKind::Group, &id).unwrap().is_none());
    scimulator::covers!("E-125", "E-131");
}

/// `engine.md 4.4`: the failing DELETEs go on until Delete is unticked.
#[test]
fn an_app_without_delete_of_groups_is_asked_again_until_delete_is_switched_off() {
    let mut world = World::new("[job.fidelity]\nescrow_schedule = \"every-cycle\"");
    world.people.user("u", &[]).assign("u").group("G").assign("G");
    world.clean_cycle();
    world.sent();
    world.people.unassign("G");
    world.always(Method::Delete, "/Groups/", status(501));
    for attempt in 0..3 {
        world.cycle();
        assert_eq!(world.requests(), [GONE], "{attempt}");
        assert_eq!(world.escrow_lines(), [format!("G NotImplemented {attempt}")]);
    }
    world.adjust = |spec| spec.groups.delete = false;
    world.clean_cycle();
    assert_eq!((world.requests(), world.escrow_lines()), (Vec::new(), Vec::new()));
    assert_eq!(world.log_lines(), ["G other skipped EntrySynchronizationSkipped"]);
    world.clean_cycle();
    assert_eq!(world.log_lines(), [""; 0], "and nothing is left of it");
    scimulator::covers!("E-133");
}

#[test]
fn create_and_update_are_switched_off_for_groups_alone() {
    const FIND: &str = "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22G%22";
    const PATCH: &str = r#"PATCH /Groups/{G} [{"op":"Add","path":"externalId","value":"g-1"}]"#;
    let cases: [(&str, Adjust, bool, &[&str], &str); 4] = [
        ("no match, Create off", |spec| spec.groups.create = false, false, &[FIND], "G other skipped"),
        (
            "one match, Create off",
            |spec| spec.groups.create = false,
            true,
            &[FIND, PATCH],
            "G update success",
        ),
        ("one match, Update off", |spec| spec.groups.update = false, true, &[FIND], "G other skipped"),
        (
            "no match, Update off",
            |spec| spec.groups.update = false,
            false,
            &[FIND, "POST /Groups"],
            "G create success",
        ),
    ];
    for (name, adjust, there, requests, logged) in cases {
        let mut world = World::new("");
        world.adjust = adjust;
        world.people.user("u", &[]).assign("u");
        world.clean_cycle();
        world.people.group("G").set("G", "objectId", "g-1").assign("G");
        if there {
            let group =
                json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G" });
            world.by_hand(Method::Post, "/Groups", Some(&group));
        }
        world.sent();
        world.clean_cycle();
        assert_eq!(world.requests(), requests, "{name}");
        assert!(world.log_lines()[0].starts_with(logged), "{name}: {:?}", world.log_lines());
        let linked = world.store().link(JOB, ObjectKind::Group, "g-1").unwrap().is_some();
        assert_eq!(linked, there || requests.len() == 2, "{name}");
    }

    let mut world = World::new("");
    world.adjust = |spec| spec.groups.update = false;
    world.people.user("u", &[]).assign("u").group("G").assign("G");
    world.clean_cycle();
    world.sent();
    world.people.member("G", "u").rename_group("G", "New");
    world.clean_cycle();
    assert_eq!((world.requests(), world.members("G")), (Vec::new(), Vec::new()));
}
