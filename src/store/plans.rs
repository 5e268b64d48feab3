//! How SQLite goes about the statements of imports and cycles: by an index wherever a table may be large.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::job::JobRow;
use super::{Edit, Escrow, Execution, Link, LogFilter, LogRow, MailRow, Phase, Store, WorkItem, WorkWindow};
use crate::clock::{SignedDuration, Timestamp};
use crate::diagnostic::Place;
use crate::directory::object::{ObjectKind, SourceObject};
use crate::expression::AttributeValue;

const JOB: &str = "job";

/// Statements that read a whole table because that is their purpose, by how they begin, and what they go through.
/// Scratch tables and lists made by the statement itself are named too: they are as long as what changed.
const WHOLE: &[(&str, &[&str])] = &[
    // An import: every fingerprint and every edge of the last one; what is missing; the files.
    ("SELECT kind, id, fingerprint FROM object WHERE in_file = 1", &["object"]),
    ("SELECT kind, id, state = 'active' FROM object WHERE in_file = 1", &["object"]),
    ("SELECT parent, member, '' FROM membership WHERE in_file = 1", &["membership"]),
    ("SELECT parent, member, present FROM membership WHERE in_file = 1", &["membership"]),
    ("SELECT principal, job, role FROM assignment WHERE in_file = 1", &["assignment"]),
    ("SELECT a.principal, a.job, a.role, a.present FROM assignment a", &["a"]),
    ("SELECT path, role FROM source_file", &["source_file"]),
    ("SELECT rowid, kind, id, state, since, row IS NULL FROM temp.staged_row", &["temp.staged_row"]),
    ("SELECT what, parent, member, member_key", &["temp.staged_edge"]),
    ("SELECT s.file, s.line, u.manager", &["s"]),
    ("SELECT EXISTS (SELECT 1 FROM temp.manager_moved)", &["temp.manager_moved"]),
    ("INSERT INTO change (at, kind, object, what, other)\n                 SELECT ?1, 'User', u.id", &["m"]),
    // A full read.
    ("INSERT INTO temp.work\nSELECT CASE kind WHEN 'User'", &["object"]),
    // What changed in a window.
    ("INSERT INTO temp.work\nSELECT CASE o.kind", &["c"]),
    ("WITH span AS MATERIALIZED", &["span", "concerned", "c", "a"]),
    ("INSERT INTO temp.work\n             SELECT CASE o.kind", &["e", "escrow", "i", "staged"]),
    ("SELECT c.member, o.kind, o.label", &["c"]),
    // Lists of what a job has, and the end of an index.
    ("SELECT kind, source_id, is_reference", &["escrow"]),
    ("SELECT count(*) FILTER", &["escrow"]),
    ("SELECT s.kind, s.source_id, o.label FROM staged", &["s"]),
    ("DELETE FROM staged", &["staged"]),
    ("SELECT resource FROM embedded", &["embedded"]),
    ("SELECT * FROM (\n               SELECT cycle, position, id", &["log_entry"]),
    ("SELECT id, at, cycle, activity", &["audit"]),
    // The oldest entry, by the beginning of an index.
    ("DELETE FROM log_entry", &["log_entry"]),
    (
        "INSERT INTO embedded VALUES (?1, ?2,\n                   (SELECT COALESCE(MAX(position)",
        &["embedded"],
    ),
    ("SELECT MAX(COALESCE((SELECT MAX(position)", &["object"]),
];

fn now() -> Timestamp {
    "2026-01-15T09:20:00Z".parse().unwrap()
}

fn object(kind: ObjectKind, id: &str, manager: &str) -> SourceObject {
    let text = |value: &str| AttributeValue::Text(value.to_owned());
    let name = if kind == ObjectKind::User { "userPrincipalName" } else { "displayName" };
    SourceObject {
        kind,
        id: id.to_owned(),
        id_given: true,
        attributes: [(name.to_owned(), text(id)), ("manager".to_owned(), text(manager))].into(),
        deleted: None,
    }
}

/// Imports users, groups and edges: `left` of each.
fn import(store: &mut Store, left: usize, manager: &str) {
    let place = Place::line(Path::new("file.csv"), 2);
    let files = ["users", "groups", "members", "assignments"];
    let files = files.map(|role| (format!("{role}.csv"), role.to_owned(), 1));
    let mut import = store.begin_import(now()).unwrap();
    for number in 0..left {
        let (user, group) = (format!("u{number}"), format!("g{number}"));
        import.object(&object(ObjectKind::User, &user, manager), &place).unwrap();
        import.object(&object(ObjectKind::Group, &group, ""), &place).unwrap();
        import.membership(&group, &user.to_uppercase(), &place).unwrap();
        import.membership(&group.to_uppercase(), &user, &place).unwrap();
        import.assignment("", &group, "", &place).unwrap();
    }
    import.recycled(ObjectKind::User, "u0").unwrap();
    import.finish(&files, None).unwrap();
}

/// Everything that a cycle may ask of the store about one object, or do about it.
fn treat(store: &Store, kind: ObjectKind, id: &str) {
    let object = (kind, id);
    store.object(kind, id).unwrap();
    store.assignments(JOB, kind, id, None).unwrap();
    store.assigned_without_security(JOB, id).unwrap();
    store.resolve_manager("U1").unwrap();
    store.save_intent(JOB, object, ("userName", "x")).unwrap();
    store.intent(JOB, kind, id).unwrap();
    let link = |target_id: &str| Link { target_id: target_id.to_owned(), managed: true, removed: false };
    store.save_link(JOB, object, "x", &link("t1")).unwrap();
    store.save_link(JOB, object, "x", &link("t2")).unwrap();
    store.link(JOB, kind, id).unwrap();
    store.source_of(JOB, kind, "t2").unwrap();
    store.propose_reference(JOB, id, "members", ("u1", "t")).unwrap();
    store.record_reference(JOB, id, "members", ("u1", "t")).unwrap();
    store.remove_reference(JOB, id, "members", "u1").unwrap();
    store.record_manager(JOB, id, Some(("u1", "t"))).unwrap();
    store.has_recorded_manager(JOB, id).unwrap();
    let escrow = Escrow {
        kind,
        source_id: id.to_owned(),
        is_reference: false,
        label: id.to_owned(),
        target_id: None,
        operation: "create".to_owned(),
        first_failure: now(),
        retries: 0,
        next_retry: Some(now()),
        error_code: "x".to_owned(),
        reason: "x".to_owned(),
        http_status: None,
    };
    store.save_escrow(JOB, &escrow).unwrap();
    store.escrow(JOB, kind, id, false).unwrap();
    store.drop_escrow(JOB, kind, id, false).unwrap();
    store.hand_over(JOB, kind, id, "another").unwrap();
    store.owe_referrers(JOB, "another", true).unwrap();
    store.drop_intent(JOB, kind, id).unwrap();
    let resource = serde_json::json!({ "id": id });
    store.save_embedded(JOB, id, &resource).unwrap();
    store.drop_embedded(JOB, id).unwrap();
    let entry = LogRow {
        cycle: 1,
        position: i64::from(kind == ObjectKind::Group),
        id: id.to_owned(),
        at: now(),
        kind,
        source_id: id.to_owned(),
        label: id.to_owned(),
        target_id: None,
        action: "create".to_owned(),
        status: "success".to_owned(),
        error_code: None,
        entry: "{}".to_owned(),
    };
    store.add_log_entry(JOB, &entry).unwrap();
}

/// An import, a full read, another import with leavers, an incremental cycle.
fn live(store: &mut Store) {
    import(store, 3, "");
    let job = JobRow { full_read: Some(1), cycle: 1, ..JobRow::new(JOB, JOB, "") };
    store.save_job(&job).unwrap();
    let execution = Execution {
        cycle: 1,
        id: "x".to_owned(),
        initial: true,
        began: now(),
        ended: None,
        state: None,
        statistics: "{}".to_owned(),
    };
    store.save_execution(JOB, &execution).unwrap();
    let until = store.last_seq().unwrap();
    store.plan_work(JOB, true, WorkWindow { after: None, until }, now()).unwrap();
    import(store, 2, "u1");
    store.edit(ObjectKind::User, "u1", &Edit::Purge, now()).unwrap();
    store.expire_recycle_bin(now(), SignedDuration::ZERO).unwrap();
    store.next_expiry(SignedDuration::ZERO).unwrap();
    let window = WorkWindow { after: Some(until), until: store.last_seq().unwrap() };
    store.plan_work(JOB, true, window, now()).unwrap();
    store.work_count(Phase::Users).unwrap();
    let item: WorkItem = store.next_work(Phase::Users, i64::MIN).unwrap().unwrap();
    store.work_of(ObjectKind::Group, "g1").unwrap();
    store.add_work(Phase::Managers, &item).unwrap();
    for kind in [ObjectKind::User, ObjectKind::Group] {
        treat(store, kind, if kind == ObjectKind::User { "u0" } else { "g0" });
    }
    store.begin_full_read(JOB, 1).unwrap();
    store.open_failures(JOB).unwrap();
    store.owe_references(JOB, ObjectKind::User, "u1", true).unwrap();
    store.stage(JOB, ObjectKind::User, "u1", 1).unwrap();
    store.is_staged(JOB, ObjectKind::User, "u1").unwrap();
    store.staged(JOB).unwrap();
    store.drop_staged_before(JOB, 2).unwrap();
    store.memberships(JOB, "g1", None).unwrap();
    store.memberships(JOB, "g1", Some(window)).unwrap();
    store.edit_membership("g1", "u1", false, now()).unwrap();
    store.edit_assignment("", (ObjectKind::Group, "g1"), None, false, now()).unwrap();
    store.escrows(JOB).unwrap();
    store.log_entries(JOB, &LogFilter::default()).unwrap();
    let of_one = |object: &str| LogFilter { object: Some(object.to_owned()), ..LogFilter::default() };
    store.log_entries(JOB, &of_one("u0")).unwrap();
    store.log_entries(JOB, &of_one("ada")).unwrap();
    store.embedded_content(JOB).unwrap();
    let mail = MailRow {
        id: 0,
        at: now(),
        occasion: "disabled".to_owned(),
        recipient: String::new(),
        subject: String::new(),
        body: String::new(),
    };
    store.owe_mail(JOB, &mail).unwrap();
    for mail in store.owed_mails(JOB).unwrap() {
        store.mail_settled(mail.id, now()).unwrap();
    }
    store.audit(JOB).unwrap();
    store.drop_logs_before(JOB, now()).unwrap();
    store.resolve("u1").unwrap();
    store.objects_after(ObjectKind::User, 0, 10).unwrap();
    store.names_like("u").unwrap();
    store.departures_after(0, 10).unwrap();
    store.groups_of("u1").unwrap();
    store.members_of("g1", 10).unwrap();
    store.assignments_of("g1").unwrap();
    store.source_of(JOB, ObjectKind::User, "t").unwrap();
}

/// How SQLite means to go about a statement, a line a loop.
fn plan(store: &Store, sql: &str) -> Vec<String> {
    let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    statement.raw_query().mapped(|row| row.get(3)).map(Result::unwrap).collect()
}

/// Tables that a plan goes through from one end to the other, or through all that a job or kind has in them.
fn scanned(plan: &[String]) -> Vec<String> {
    let lines = plan.iter().filter_map(|line| {
        let narrow = line.strip_prefix("SEARCH ").filter(|line| {
            ["(job=?)", "(job=? AND kind=?)", "(kind=?)"].iter().any(|whole| line.ends_with(whole))
        });
        line.strip_prefix("SCAN ").or(narrow)
    });
    // Indexes of few rows: what commands changed, the recycle bin, references that a kill may have cut off.
    let few = [" object_edited", " object_deleted", " link_references_due", " mail_owed"];
    let lines = lines.filter(|line| !few.iter().any(|index| line.contains(index)));
    // What the statement itself puts together: constants, parts of a union.
    let tables = lines.map(|line| line.split(' ').next().unwrap().to_owned());
    tables.filter(|table| !table.starts_with('(') && *table != "CONSTANT").collect()
}

#[test]
fn nothing_in_an_import_or_a_cycle_goes_through_a_large_table_unless_it_has_to() {
    let mut store = Store::in_memory().unwrap();
    let statements = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&statements);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            seen.lock().unwrap().insert(statement.sql().into_owned());
        }
    };
    store.connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).unwrap();
    live(&mut store);
    store.connection.trace_v2(TraceEventCodes::empty(), None::<fn(TraceEvent<'_>)>).unwrap();

    let statements = statements.lock().unwrap();
    let explained = statements.iter().filter(|sql| {
        let first = sql.split_whitespace().next().unwrap_or_default();
        ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first)
    });
    let mut indexes = store
        .connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        .unwrap();
    let mut unused: BTreeSet<String> =
        indexes.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(10 <= unused.len(), "{unused:?}");
    let mut used = BTreeSet::new();
    let mut offences = Vec::new();
    let mut count = 0;
    for sql in explained {
        count += 1;
        let whole = WHOLE.iter().find(|(beginning, _)| sql.trim_start().starts_with(beginning));
        let plan = plan(&store, sql);
        unused.retain(|index| !plan.iter().any(|line| line.contains(&format!("INDEX {index}"))));
        for table in scanned(&plan) {
            let allowed = whole.is_some_and(|(_, tables)| tables.contains(&table.as_str()));
            // An import empties its scratch tables, and remembers its few files.
            let deletes = sql.starts_with("DELETE FROM ") && !sql.contains("WHERE");
            if !allowed && !deletes {
                offences.push(format!("goes through all of `{table}`: {sql}"));
            }
            used.insert(whole.map(|(beginning, _)| *beginning));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
    assert!(60 <= count, "{count} statements");
    assert!(unused.is_empty(), "indexes that nothing uses: {unused:?}");
    for (beginning, _) in WHOLE {
        assert!(used.contains(&Some(*beginning)), "needs no exception: {beginning}");
    }
}
