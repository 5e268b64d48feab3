//! The decision tables of `engine.md 4`, cell by cell, as requests that reach the target.

use scimulator::clock::{Clock as _, SignedDuration};
use scimulator::directory::object::ObjectKind;
use scimulator::engine::RunState;
use scimulator::engine::spec::JobSpec;
use scimulator::http::Method;
use scimulator::store::Edit;
use serde_json::json;

use super::harness::{Adjust, Event, World, upn};

const DISABLE: &str = r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"False"}]"#;
const ENABLE: &str = r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"True"}]"#;
const DELETE: &str = "DELETE /Users/{u}";
const CREATE: &str = "POST /Users";
const NOTHING: &str = "";

/// The columns of `engine.md 4.2`: lines of configuration, and what the configuration has no key for.
const COLUMNS: [(char, &str, Adjust); 6] = [
    ('A', "", |_| {}),
    ('B', "skip_out_of_scope_deletions = true", |_| {}),
    ('C', "", |spec| {
        spec.users.attributes.retain(|rule| !rule.source.attributes().contains(&"IsSoftDeleted"));
    }),
    ('D', "", |spec| spec.users.update = false),
    ('E', "", |spec| spec.users.delete = false),
    ('F', "", |spec| spec.rules.soft_delete_supported = false),
];

/// An event, what came before it, and what it has to write in columns A to F.
struct Row {
    name: &'static str,
    /// Each step is an edit of the source and then a cycle; the requests of the last one are compared.
    steps: &'static [Event],
    cells: [&'static str; 6],
}

fn disable(world: &mut World) {
    world.people.set("u", "accountEnabled", "False");
}

fn enable(world: &mut World) {
    world.people.set("u", "accountEnabled", "True");
}

fn unassign(world: &mut World) {
    world.people.unassign("u");
}

fn assign(world: &mut World) {
    world.people.assign("u");
}

fn leave_group(world: &mut World) {
    world.people.assign("G").member("G", "u").unassign("u");
    world.clean_cycle();
    world.sent();
    world.people.drop_member("G", "u");
}

fn filter_out(world: &mut World) {
    world.people.set("u", "site", "Out");
}

/// The row goes, and with it the user to the recycle bin; edges go with the row.
fn take_row_out(world: &mut World) {
    world.people.hide("u");
}

fn put_row_back(world: &mut World) {
    world.people.show("u");
}

fn purge(world: &mut World) {
    let (id, now) = (world.people.id("u"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
}

fn a_month_passes(world: &mut World) {
    world.clock.advance(SignedDuration::from_hours(30 * 24));
}

const LINKED_USERS: [Row; 18] = [
    Row {
        name: "1 disabled",
        steps: &[disable],
        cells: [DISABLE, NOTHING, NOTHING, NOTHING, DISABLE, DELETE],
    },
    Row {
        name: "2 soft-deleted",
        steps: &[take_row_out],
        cells: [DISABLE, NOTHING, NOTHING, NOTHING, DISABLE, DELETE],
    },
    Row {
        name: "3 unassigned",
        steps: &[unassign],
        cells: [DISABLE, NOTHING, NOTHING, NOTHING, DISABLE, DELETE],
    },
    Row {
        name: "3 then changed",
        steps: &[unassign, |world| {
            world.people.set("u", "jobTitle", "Boss");
        }],
        cells: [NOTHING; 6],
    },
    Row {
        name: "3 left the assigned group",
        steps: &[leave_group],
        cells: [DISABLE, NOTHING, NOTHING, NOTHING, DISABLE, DELETE],
    },
    Row {
        name: "4 fails the filter",
        steps: &[filter_out],
        cells: [DISABLE, NOTHING, NOTHING, NOTHING, DISABLE, DELETE],
    },
    Row {
        name: "4 then changed",
        steps: &[filter_out, |world| {
            world.people.set("u", "jobTitle", "Boss");
        }],
        cells: [NOTHING; 6],
    },
    Row {
        name: "5 purged in scope",
        steps: &[purge],
        cells: [DELETE, DELETE, DELETE, DELETE, NOTHING, DELETE],
    },
    Row {
        name: "5 thirty days after 2",
        steps: &[take_row_out, a_month_passes],
        cells: [DELETE, DELETE, DELETE, DELETE, NOTHING, NOTHING],
    },
    Row { name: "6 purged after 3", steps: &[unassign, purge], cells: [NOTHING; 6] },
    Row { name: "6 soft-deleted after 3", steps: &[unassign, take_row_out], cells: [NOTHING; 6] },
    Row { name: "6 purged after 4", steps: &[filter_out, purge], cells: [NOTHING; 6] },
    Row { name: "6 soft-deleted after 4", steps: &[filter_out, take_row_out], cells: [NOTHING; 6] },
    Row {
        name: "7 enabled again",
        steps: &[disable, enable],
        cells: [ENABLE, NOTHING, NOTHING, NOTHING, ENABLE, CREATE],
    },
    Row {
        name: "7 restored",
        steps: &[take_row_out, put_row_back],
        cells: [ENABLE, NOTHING, NOTHING, NOTHING, ENABLE, CREATE],
    },
    Row {
        name: "8 assigned again",
        steps: &[unassign, |world| {
            assign(world);
            world.people.set("u", "jobTitle", "Boss");
        }],
        cells: [BACK_WITH_TITLE, TITLE, TITLE, NOTHING, BACK_WITH_TITLE, CREATE],
    },
    Row {
        name: "8 passes the filter again",
        steps: &[filter_out, |world| {
            world.people.set("u", "site", "Here").set("u", "jobTitle", "Boss");
        }],
        cells: [BACK_WITH_TITLE, TITLE, TITLE, NOTHING, BACK_WITH_TITLE, CREATE],
    },
    Row {
        name: "7 enabled again, the target says inactive",
        steps: &[disable, |world| {
            let id = world.target_id("u");
            let off = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "active", "value": false }],
            });
            if world.active("u") == Some(true) {
                world.by_hand(Method::Patch, &format!("/Users/{id}"), Some(&off));
            }
            enable(world);
        }],
        cells: [ENABLE, ENABLE, NOTHING, NOTHING, ENABLE, CREATE],
    },
];

/// Everybody passes it who is not at the site `Out`.
const FILTER: &str = "[[job.filter]]\nobject = \"user\"\nname = \"In\"\n\
    clauses = [{ attribute = \"site\", operator = \"NOT EQUALS\", value = \"Out\" }]\n";

const TITLE: &str = r#"PATCH /Users/{u} [{"op":"Add","path":"title","value":"Boss"}]"#;
const BACK_WITH_TITLE: &str = concat!(
    r#"PATCH /Users/{u} [{"op":"Replace","path":"active","value":"True"},"#,
    r#"{"op":"Add","path":"title","value":"Boss"}]"#
);

/// What of a trace changes something.
fn writes(trace: &[String]) -> Vec<&str> {
    trace.iter().map(String::as_str).filter(|line| !line.starts_with("GET ")).collect()
}

/// Whether what a trace reads is what its write needs: the account before a PATCH, a look-up before a POST, nothing
/// before a DELETE. Where nothing is written the account may have been compared.
fn is_read_for(trace: &[String], cell: &str) -> bool {
    let reads: Vec<&str> = trace.iter().map(String::as_str).filter(|line| line.starts_with("GET ")).collect();
    match cell {
        NOTHING => matches!(reads[..], [] | ["GET /Users/{u}"]),
        DELETE => reads.is_empty(),
        CREATE => reads == ["GET /Users?filter=userName+eq+%22u%40contoso.com%22"],
        _ => reads == ["GET /Users/{u}"],
    }
}

fn expected(cell: &'static str) -> Vec<&'static str> {
    if cell == NOTHING { Vec::new() } else { vec![cell] }
}

#[test]
fn every_cell_of_the_table_of_linked_users_sends_what_it_says() {
    let mut wrong = Vec::new();
    for row in &LINKED_USERS {
        for ((column, lines, adjust), cell) in COLUMNS.iter().zip(row.cells) {
            // Row 7 with a target that was changed by hand needs an account.
            if *column == 'F' && row.name.contains("the target says") {
                continue;
            }
            let mut world = World::new(&format!("{lines}\n{FILTER}"));
            world.adjust = *adjust;
            world.people.user("u", &[("site", "Here")]).user("other", &[]).assign("u").assign("other");
            world.people.group("G");
            world.clean_cycle();
            for step in row.steps {
                world.sent();
                step(&mut world);
                world.clean_cycle();
            }
            let mut trace = world.requests();
            trace.retain(|line| !line.contains("/Groups"));
            if writes(&trace) != expected(cell) || !is_read_for(&trace, cell) {
                wrong.push(format!("{column} {}: {trace:?} instead of `{cell}`", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scimulator::covers!(
        "E-097", "E-098", "E-099", "E-100", "E-106", "E-107", "E-108", "E-110", "E-111", "E-027", "E-114"
    );
    scimulator::covers!(
        "E-096", "E-101", "E-102", "E-103", "E-104", "E-105", "E-109", "E-112", "E-113", "E-028"
    );
    scimulator::covers!("W-145", "W-148", "W-149", "E-278", "W-143", "W-147");
}

/// `engine.md 4.2`: nothing is sent in columns B to D, and the log says why.
#[test]
fn what_is_not_taken_away_is_logged_as_skipped_with_the_reason() {
    /// Numbers of columns, and what the log says there.
    type Reasons = [(usize, &'static str); 3];
    const FLAG: &str = "SkipOutOfScopeDeletions is on";
    const UNMAPPED: &str = "no mapping reads IsSoftDeleted";
    const OFF: &str = "switched off in the mapping's target object actions";
    // In scope without a way to disable: the other attributes are looked at, and there is nothing to do.
    const AGREE: &str = "source and target agree";
    let cases: [(&str, Event, Reasons); 4] = [
        ("disabled", disable, [(1, FLAG), (2, AGREE), (3, OFF)]),
        ("soft-deleted", take_row_out, [(1, FLAG), (2, AGREE), (3, OFF)]),
        ("unassigned", unassign, [(1, FLAG), (2, UNMAPPED), (3, OFF)]),
        ("filtered out", filter_out, [(1, FLAG), (2, UNMAPPED), (3, OFF)]),
    ];
    let cases = cases.into_iter().flat_map(|(name, event, cells)| cells.map(|cell| (name, event, cell)));
    for (name, event, (column, reason)) in cases.chain([("purged", purge as Event, (4, OFF))]) {
        let (letter, lines, adjust) = COLUMNS[column];
        let mut world = World::new(&format!("{lines}\n{FILTER}"));
        world.adjust = adjust;
        world.people.user("u", &[("site", "Here")]).user("other", &[]).assign("u");
        world.clean_cycle();
        event(&mut world);
        world.clean_cycle();
        assert_eq!(world.log_lines(), ["u other skipped EntrySynchronizationSkipped"], "{letter} {name}");
        let log = world.last_log();
        let said = log[0].entry.summary();
        assert!(said.contains(reason), "{letter} {name}: {said}");
    }
    scimulator::covers!("E-253", "W-217");
}

/// Columns D and E as a profile has them.
#[test]
fn a_profile_switches_actions_off() {
    for (actions, event, cell) in [
        ("", disable as Event, DISABLE),
        ("update = false", disable, NOTHING),
        ("delete = false", disable, DISABLE),
        ("delete = false", purge, NOTHING),
    ] {
        let mut world = World::new("profile = 'p.toml'");
        world.project.write(
            "p.toml",
            &format!(
                "name = 'p'\ntitle = 'P'\n[user]\nname = 'Users'\n{actions}\n\
                 target = 'urn:ietf:params:scim:schemas:core:2.0:User'\nattributes = [\n\
                 {{ name = 'id', anchor = true }}, {{ name = 'userName' }}, {{ name = 'active', type = 'Boolean' }},\n]\n\
                 mappings = [\n{{ attribute = 'userPrincipalName', target = 'userName', matching = 1 }},\n\
                 {{ expression = 'Not([IsSoftDeleted])', target = 'active' }},\n]\n"
            ),
        );
        world.people.user("u", &[]).user("other", &[]).assign("u");
        world.clean_cycle();
        world.sent();
        event(&mut world);
        world.clean_cycle();
        assert_eq!(writes(&world.requests()), expected(cell), "{actions}");
    }
    scimulator::covers!("E-108");
}

#[test]
fn without_covers_soft_delete_the_flag_spares_only_who_left_scope() {
    let cases: [(Event, &str); 3] = [(disable, DISABLE), (take_row_out, DISABLE), (unassign, NOTHING)];
    for (event, cell) in cases {
        let mut world =
            World::new("skip_out_of_scope_deletions = true\n[job.fidelity]\ncovers_soft_delete = false");
        world.people.user("u", &[]).user("other", &[]).assign("u");
        world.clean_cycle();
        world.sent();
        event(&mut world);
        world.clean_cycle();
        assert_eq!(writes(&world.requests()), expected(cell));
    }
    scimulator::covers!("E-098");
}

/// Row 9.
#[test]
fn unassigning_changes_nothing_where_everybody_is_in_scope() {
    for (column, lines, adjust) in COLUMNS {
        let mut world = World::new(&format!("scope = \"all\"\n{lines}"));
        world.adjust = adjust;
        world.people.user("u", &[]).user("never", &[]).assign("u");
        world.clean_cycle();
        assert!(world.held("never").is_some(), "everybody is in scope");
        world.sent();
        unassign(&mut world);
        world.clean_cycle();
        assert_eq!(world.requests(), [""; 0], "column {column}");
    }
    scimulator::covers!("E-115", "E-052");
}

#[test]
fn back_in_scope_is_a_read_by_id_and_one_patch() {
    let mut world = World::new("");
    world.people.user("u", &[]).assign("u");
    world.clean_cycle();
    unassign(&mut world);
    world.clean_cycle();
    world.sent();
    assign(&mut world);
    world.clean_cycle();
    assert_eq!(world.requests(), ["GET /Users/{u}", ENABLE]);
    scimulator::covers!("E-275");
}

#[test]
fn a_hard_delete_together_with_a_lost_assignment_is_a_delete() {
    let mut world = World::new("");
    world.people.user("u", &[]).assign("u");
    world.clean_cycle();
    world.sent();
    purge(&mut world);
    unassign(&mut world);
    world.clean_cycle();
    assert_eq!(world.requests(), [DELETE]);
    scimulator::covers!("E-274");
}

/// `engine.md 4.3`: name, edit of the rules, the row, accounts there already, requests, the log.
#[test]
fn who_is_not_linked_follows_the_table() {
    type Case = (
        &'static str,
        fn(&mut JobSpec),
        &'static [(&'static str, &'static str)],
        usize,
        &'static [&'static str],
        &'static [&'static str],
    );
    const FIND: &str = "GET /Users?filter=userName+eq+%22u%40contoso.com%22";
    const PATCH: &str = r#"PATCH /Users/{u} [{"op":"Add","path":"title","value":"Boss"}]"#;
    const BOSS: &[(&str, &str)] = &[("jobTitle", "Boss")];
    const SKIPPED: &[&str] = &["u create skipped EntrySynchronizationSkipped"];
    let cases: [Case; 9] = [
        ("no match", |_| {}, BOSS, 0, &[FIND, CREATE], &["u create success"]),
        (
            "no match, Create off",
            |spec| spec.users.create = false,
            BOSS,
            0,
            &[FIND],
            &["u other skipped EntrySynchronizationSkipped"],
        ),
        ("one match", |_| {}, BOSS, 1, &[FIND, PATCH], &["u update success"]),
        (
            "one match, Create off",
            |spec| spec.users.create = false,
            BOSS,
            1,
            &[FIND, PATCH],
            &["u update success"],
        ),
        (
            "one match, Update off",
            |spec| spec.users.update = false,
            BOSS,
            1,
            &[FIND],
            &["u other skipped EntrySynchronizationSkipped"],
        ),
        ("disabled", |_| {}, &[("accountEnabled", "False")], 1, &[], SKIPPED),
        ("soft-deleted", |_| {}, &[("deletedDateTime", "2026-01-04T00:00:00Z")], 1, &[], SKIPPED),
        (
            "no matching value",
            |spec| match_on(spec, &["externalId"]),
            &[],
            1,
            &[],
            &["u other skipped ImportSkipped"],
        ),
        ("several matches", |_| {}, BOSS, 2, &[FIND], &["u create failure DuplicateTargetEntries"]),
    ];
    for (name, adjust, row, accounts, requests, log) in cases {
        let mut world = World::new("");
        world.adjust = adjust;
        world.people.user("first", &[]).assign("first");
        world.clean_cycle();
        world.people.user("u", row).assign("u");
        if 1 <= accounts {
            world.by_hand(Method::Post, "/Users", Some(&account("u")));
        }
        if accounts == 2 {
            world.always(Method::Get, "userName+eq+%22u%40", super::harness::Answer::Body(twice));
        }
        world.sent();
        let result = world.cycle();
        assert_eq!(world.requests(), requests, "{name}");
        assert_eq!(world.log_lines(), log, "{name}");
        let linked = requests.len() == 2 || name == "one match, Update off";
        let (id, failed) = (world.people.id("u"), name == "several matches");
        assert_eq!(
            world.store().link(super::harness::JOB, ObjectKind::User, &id).unwrap().is_some(),
            linked,
            "{name}"
        );
        assert_eq!(world.escrows().len(), usize::from(failed), "{name}");
        assert_eq!(result.state == RunState::EntryLevelErrors, failed, "{name}");
    }
    scimulator::covers!(
        "E-119", "E-120", "E-121", "E-122", "E-123", "E-137", "E-139", "W-073", "W-144", "W-068"
    );
    scimulator::covers!("E-199", "E-007", "W-217", "E-253");
}

fn account(name: &str) -> serde_json::Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn(name), "active": true,
    })
}

fn twice(mut list: serde_json::Value) -> String {
    let one = list["Resources"][0].clone();
    let mut other = one.clone();
    other["id"] = json!("another");
    list["Resources"] = json!([one, other]);
    list["totalResults"] = json!(2);
    list.to_string()
}

/// Matches users on these attributes, in this order.
fn match_on(spec: &mut JobSpec, targets: &[&str]) {
    for rule in &mut spec.users.attributes {
        let place = targets.iter().position(|target| *target == rule.target.as_str());
        rule.matching_priority = place.map_or(0, |place| u32::try_from(place + 1).unwrap());
    }
}

/// How a look-up by work e-mail begins.
const MAIL: &str = "GET /Users?filter=emails%5btype+eq+%22work%22%5d.value+eq+%22";

#[test]
fn matching_attributes_are_asked_in_their_order_until_one_hits() {
    let mut world = World::new("");
    world.adjust = |spec| match_on(spec, &["externalId", "emails[type eq \"work\"].value", "userName"]);
    world.people.user("hit", &[("mail", "hit@x.com"), ("mailNickname", "hit")]).assign("hit");
    world.people.user("gap", &[("mail", "gap@x.com")]).assign("gap");
    let mut there = account("hit");
    there["emails"] = json!([{ "type": "work", "value": "hit@x.com" }]);
    world.by_hand(Method::Post, "/Users", Some(&there));
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        [
            "GET /Users?filter=externalId+eq+%22hit%22",
            &format!("{MAIL}hit%40x.com%22"),
            r#"PATCH /Users/{hit} [{"op":"Add","path":"externalId","value":"hit"}]"#,
            &format!("{MAIL}gap%40x.com%22"),
            "GET /Users?filter=userName+eq+%22gap%40contoso.com%22",
            "POST /Users",
        ]
    );
    scimulator::covers!("E-019", "W-067", "W-068", "W-062");
}

#[test]
fn an_out_of_scope_change_is_logged_once_and_consumed_by_the_watermark() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("stranger", &[]).assign("u");
    world.clean_cycle();
    assert_eq!(world.log_lines(), ["u create success"], "strangers get no line in a full read");
    world.people.set("stranger", "jobTitle", "Guest");
    world.sent();
    world.clean_cycle();
    assert_eq!(world.requests(), [""; 0]);
    assert_eq!(world.log_lines(), ["stranger create skipped EntrySynchronizationSkipped"]);
    world.clean_cycle();
    assert_eq!(world.log_lines(), [""; 0]);
    scimulator::covers!("E-040", "E-124", "E-139", "E-278");
}

#[test]
fn a_group_that_is_there_already_is_linked_and_its_members_follow() {
    let mut world = World::new("");
    world.people.user("u", &[]).group("G").member("G", "u").assign("G");
    let there = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G" });
    world.by_hand(Method::Post, "/Groups", Some(&there));
    world.clean_cycle();
    let id = world.people.id("G");
    assert_eq!(
        world.requests(),
        [
            "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
            "POST /Users",
            "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22G%22",
            &format!(r#"PATCH /Groups/{{G}} [{{"op":"Add","path":"externalId","value":"{id}"}}]"#),
            r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{u}"}]}]"#,
        ]
    );
    scimulator::covers!("E-125", "W-169");
}

#[test]
fn nested_groups_are_members_by_their_own_id_and_are_not_expanded() {
    let mut world = World::new("");
    world.people.user("inner", &[]).group("Outer").group("Inner").group("Stray");
    world.people.member("Outer", "Inner").member("Outer", "Stray").member("Inner", "inner").assign("Outer");
    world.clean_cycle();
    assert_eq!(world.held("inner"), None, "a member of a nested group is not in scope through the outer one");
    assert_eq!(world.members("Outer"), [""; 0]);
    let unresolved = world.last_log();
    let step = unresolved.iter().flat_map(|logged| &logged.entry.steps);
    assert!(step.clone().any(|step| step.name == "UnableToResolveReferenceAttributeValue"
        && step.description.contains("Inner, Stray")
        && step.description.contains("'Outer'")));
    assert!(world.escrows().is_empty());

    let mut world = World::new("");
    world
        .people
        .user("u", &[])
        .group("Outer")
        .group("Inner")
        .member("Outer", "Inner")
        .assign("Outer")
        .assign("Inner");
    world.clean_cycle();
    assert_eq!(world.members("Outer"), ["Inner"]);
    scimulator::covers!("M-053");
    scimulator::covers!("E-130", "E-055", "W-167", "E-129", "E-238");
}

#[test]
fn with_groups_off_members_of_an_assigned_group_are_provisioned_all_the_same() {
    let mut world = World::new("groups = false");
    world.people.user("u", &[]).group("G").member("G", "u").assign("G");
    world.clean_cycle();
    assert_eq!(
        world.trace(),
        [
            "GET /Users?filter=userName+eq+%22<guid>%22",
            "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
            "POST /Users",
        ]
    );
    world.people.unassign("G");
    world.clean_cycle();
    assert_eq!(world.active("u"), Some(false));
    scimulator::covers!("E-058", "E-053");
}

#[test]
fn a_role_of_default_access_provisions_like_any_other_and_the_guest_name_is_shortened() {
    let mut world = World::new("");
    world.people.user("g", &[]).assign("g");
    world.people.set("g", "userPrincipalName", "dana_fabrikam.example#EXT#@contoso.com");
    world.people.unassign("g");
    world.people.assign_key("dana_fabrikam.example#EXT#@contoso.com");
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        ["GET /Users?filter=userName+eq+%22dana%40fabrikam.example%22", "POST /Users"]
    );
    scimulator::covers!("E-059", "E-061", "W-095");
}

#[test]
fn a_blocked_account_is_blocked_however_the_file_spells_it() {
    for spelling in ["False", "false", "FALSE"] {
        let mut world = World::new("");
        world.people.user("u", &[]).assign("u");
        world.clean_cycle();
        world.people.set("u", "accountEnabled", spelling);
        world.clean_cycle();
        assert_eq!(world.active("u"), Some(false), "{spelling}");
    }
}

#[test]
fn with_nothing_mapped_to_the_soft_delete_a_setting_sends_a_delete() {
    let events: [Event; 4] = [disable, take_row_out, unassign, filter_out];
    for event in events {
        let mut world = World::new(&format!("{FILTER}[job.fidelity]\nunmapped_active = \"delete\""));
        world.adjust = COLUMNS[2].2;
        world.people.user("u", &[("site", "Here")]).user("other", &[]).assign("u");
        world.clean_cycle();
        world.sent();
        event(&mut world);
        world.clean_cycle();
        assert_eq!(writes(&world.requests()), [DELETE]);
    }
    scimulator::covers!("W-149");
}

/// The last row of `engine.md 4.3`: out of scope, by every way of being so.
#[test]
fn whoever_is_not_linked_and_out_of_scope_is_logged_and_left_alone() {
    for (assigned, site) in [(false, "Here"), (true, "Out"), (false, "Out")] {
        let mut world = World::new(FILTER);
        world.people.user("first", &[("site", "Here")]).assign("first");
        world.clean_cycle();
        world.people.user("u", &[("site", site)]);
        if assigned {
            world.people.assign("u");
        }
        world.by_hand(Method::Post, "/Users", Some(&account("u")));
        world.sent();
        world.clean_cycle();
        assert_eq!(world.requests(), [""; 0], "{assigned} {site}");
        assert_eq!(world.log_lines(), ["u create skipped EntrySynchronizationSkipped"]);
        let id = world.people.id("u");
        assert!(world.store().link(super::harness::JOB, ObjectKind::User, &id).unwrap().is_none());
    }
    scimulator::covers!("E-124");
}
