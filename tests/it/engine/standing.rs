//! How a job stands, and what of its mapping fails an object (`engine.md 7`, 10, 11.1).

use scimulator::clock::{Clock as _, SignedDuration};
use scimulator::covers;
use scimulator::engine::quarantine::Reason;
use scimulator::engine::restart::{Reset, Stop, pause, restart, start};
use scimulator::engine::spec::JobSpec;
use scimulator::engine::{CycleKind, RunState, status};
use scimulator::expression::{Expression, ParseOptions};
use scimulator::http::Method;
use scimulator::mapping::{AttributeMapping, MappingSource};
use scimulator::store::Resolved;
use serde_json::{Value, json};

use super::harness::{Adjust, Answer, JOB, Kill, World, status as answer};

fn standing(world: &mut World) -> Value {
    let (spec, _) = world.spec();
    status::synchronization_job(&spec, world.store()).unwrap()
}

#[test]
fn until_its_first_run_has_ended_a_job_shows_not_run_and_the_placeholder() {
    let mut world = World::new("");
    world.people.user("ada", &[]).assign("ada");
    let placeholder = json!({
        "activityIdentifier": null,
        "countEntitled": 0, "countEntitledForProvisioning": 0,
        "countEscrowed": 0, "countEscrowedRaw": 0,
        "countExported": 0, "countExports": 0,
        "countImported": 0, "countImportedDeltas": 0, "countImportedReferenceDeltas": 0,
        "state": "Failed",
        "timeBegan": "0001-01-01T00:00:00Z", "timeEnded": "0001-01-01T00:00:00Z",
        "error": { "code": "None", "message": "", "tenantActionable": false },
    });
    for is_begun in [false, true] {
        if is_begun {
            assert!(!world.killed_cycle(Kill::After(0)).ended);
        }
        let shown = standing(&mut world);
        let (schedule, code) = if is_begun { ("Active", "NotRun") } else { ("Disabled", "Paused") };
        assert_eq!((&shown["schedule"]["state"], &shown["status"]["code"]), (&json!(schedule), &json!(code)));
        assert_eq!(shown["status"]["lastExecution"], placeholder);
    }
    world.clean_cycle();
    let shown = standing(&mut world);
    assert_eq!((&shown["schedule"]["state"], &shown["status"]["code"]), (&json!("Active"), &json!("Active")));
    assert_eq!(shown["status"]["lastExecution"]["state"], "Succeeded");
    covers!("E-004", "E-220");
}

#[test]
fn schedule_and_code_tell_a_pause_from_the_switch_and_a_quarantine_from_its_end() {
    let mut world = World::new("");
    world.people.user("ada", &[]).assign("ada");
    world.clean_cycle();
    let now = world.clock.now();
    let pair = |world: &mut World| {
        let shown = standing(world);
        let text = |pointer: &str| shown.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        (text("/schedule/state"), text("/status/code"))
    };
    let is = |schedule: &str, code: &str| (schedule.to_owned(), code.to_owned());
    assert!(pause(world.store(), JOB, Stop::Pause, now).unwrap());
    assert_eq!(pair(&mut world), is("Paused", "Paused"));
    assert!(pause(world.store(), JOB, Stop::Off, now).unwrap());
    assert_eq!(pair(&mut world), is("Disabled", "Paused"));
    start(world.store(), JOB, now).unwrap().unwrap();
    assert_eq!(pair(&mut world), is("Active", "Active"));
    assert!(pause(world.store(), JOB, Stop::Off, now).unwrap());
    assert!(pause(world.store(), JOB, Stop::Pause, now).unwrap());
    assert_eq!(pair(&mut world), is("Paused", "Paused"), "the last word counts");
    start(world.store(), JOB, now).unwrap().unwrap();

    world.always(Method::Get, "/Users", answer(401));
    world.cycle();
    assert_eq!(pair(&mut world), is("Active", "Quarantine"));
    let (spec, _) = world.spec();
    let late = world.clock.now().saturating_add(SignedDuration::from_hours(29 * 24)).unwrap();
    assert!(status::settle(world.store(), &spec, late).unwrap());
    assert_eq!(pair(&mut world), is("Disabled", "Quarantine"));
    assert_eq!(
        standing(&mut world)["status"]["quarantine"]["reason"],
        "EncounteredQuarantineException",
        "the object is kept"
    );
    covers!("E-005");
}

#[test]
fn progress_counts_pages_of_objects_while_a_cycle_is_under_way_and_is_gone_afterwards() {
    /// Pages completed and all, when a first cycle is cut off before exchange number `exchange`.
    fn pages(lines: &str, exchange: usize) -> (World, Value) {
        let mut world = World::new(&format!("[job.fidelity]\n{lines}"));
        for name in ["ann", "bob", "cyd", "dan", "eve"] {
            world.people.user(name, &[]).assign(name);
        }
        world.people.group("G").member("G", "ann").assign("G");
        assert!(!world.killed_cycle(Kill::Before(exchange)).ended);
        let progress = standing(&mut world)["status"]["progress"].clone();
        (world, progress)
    }
    let of = |progress: &Value| {
        assert_eq!((progress.as_array().unwrap().len(), &progress[0]["units"]), (1, &json!("pages")));
        (progress[0]["completedUnits"].as_u64().unwrap(), progress[0]["totalUnits"].as_u64().unwrap())
    };
    // Two probes, then a look-up and a create for each user: five users are three pages of two, the group is one.
    for (exchange, completed) in [(3, 0), (5, 0), (6, 1), (9, 1), (10, 2), (12, 3), (14, 4)] {
        let (_, progress) = pages("page_size = 2", exchange);
        assert_eq!(of(&progress), (completed, 4), "before exchange {exchange}");
    }
    let (_, progress) = pages("", 9);
    assert_eq!(of(&progress), (0, 2), "a page of 100");

    let (mut world, progress) = pages("page_size = 2", 6);
    let at = world.clock.now();
    assert_eq!(progress[0]["progressObservationDateTime"], at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    world.restart();
    let shown = |world: &World| {
        let run = world.project.scimulator(["status"]).output().unwrap();
        String::from_utf8(run.stdout).unwrap()
    };
    let text = shown(&world);
    assert!(text.contains("initial cycle under way, 25 % (1 of 4 pages)"), "{text}");
    assert!(!text.contains("Activity ID"), "none has ended: {text}");

    world.clean_cycle();
    let ended = world.clean_cycle();
    assert_eq!(standing(&mut world)["status"]["progress"], json!([]));
    let (id, at) = (world.job().id, world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    world.restart();
    let text = shown(&world);
    assert!(!text.contains("under way"), "{text}");
    for part in [
        format!("incremental cycle {} ended at {at} after 0s", ended.cycle),
        "held as links  users 5, groups 1".to_owned(),
        format!("Activity ID    {}", ended.id),
        format!("Job ID         {id}"),
    ] {
        assert!(text.contains(&part), "`{part}` is missing in:\n{text}");
    }
    covers!("E-215", "E-222");
}

#[test]
fn the_last_run_the_last_good_one_and_the_last_that_exported_are_told_apart() {
    let mut world = World::new("");
    world.people.user("ada", &[]).assign("ada");
    let exported = world.clean_cycle().id;
    let quiet = world.clean_cycle().id;
    world.people.set("ada", "jobTitle", "Boss");
    world.always(Method::Patch, "/Users", answer(500));
    let failing = world.cycle();
    assert_eq!(failing.state, RunState::EntryLevelErrors);
    let shown = standing(&mut world);
    let run = |which: &str| shown["status"][which]["activityIdentifier"].as_str().unwrap().to_owned();
    assert_eq!(
        ["lastExecution", "lastSuccessfulExecution", "lastSuccessfulExecutionWithExports"].map(run),
        [failing.id, quiet, exported]
    );
    assert_eq!(shown["status"]["troubleshootingUrl"], "");
    covers!("E-214");
}

#[test]
fn a_run_counts_whom_it_looked_at_and_which_changes_it_read() {
    let mut world = World::new("");
    world.people.user("ada", &[]).user("off", &[("accountEnabled", "False")]).user("stranger", &[]);
    world.people.group("G").member("G", "ada").assign("G").assign("off");
    let counts = world.clean_cycle().statistics;
    assert_eq!((counts.count_imported, counts.count_entitled), (4, 3), "everybody; the group, ada and off");
    assert_eq!(counts.count_entitled_for_provisioning, 2, "who is off gets no account");
    world.people.set("ada", "jobTitle", "Boss");
    let counts = world.clean_cycle().statistics;
    assert_eq!((counts.count_imported, counts.count_imported_deltas), (1, 1));
    assert_eq!(counts.count_imported_reference_deltas, 0);
    world.people.member("G", "stranger");
    let counts = world.clean_cycle().statistics;
    assert_eq!(counts.count_imported_reference_deltas, 1);
    covers!("E-218");
}

/// README of the sheets: a restart before a tripped guard is answered drops what is staged, and counts again.
#[test]
fn a_restart_forfeits_the_protection_of_removals_that_are_held_back() {
    let lines = "delete_threshold = 3\nnotification_email = \"ops@contoso.com\"\n";
    for restarts in [false, true] {
        let mut world = World::new(lines);
        for name in ["a", "b", "c", "d", "e"] {
            world.people.user(name, &[]).assign(name);
        }
        world.clean_cycle();
        for name in ["a", "b", "c", "d"] {
            world.people.unassign(name);
        }
        assert_eq!(world.cycle().quarantine.unwrap().reason, Reason::TooManyDeletes);
        let (spec, _) = world.spec();
        let now = world.clock.now();
        if restarts {
            let restarted = restart(world.store(), &spec, Reset::EMPTY, now).unwrap().unwrap();
            assert_eq!(restarted.staged_dropped, 4);
            let again = world.cycle();
            assert_eq!(again.kind, CycleKind::Initial);
            assert_eq!(again.quarantine.unwrap().reason, Reason::TooManyDeletes, "four are still too many");
            restart(world.store(), &spec, Reset::EMPTY, now).unwrap().unwrap();
        }
        // One is brought back: three are left, as many as may go.
        world.people.assign("a");
        let result = world.cycle();
        assert_eq!(result.quarantine.is_none(), restarts);
        let active = ["b", "c", "d"].map(|name| world.active(name));
        assert_eq!(active, [Some(!restarts); 3], "restarts: {restarts}");
    }
    covers!("E-187");
}

fn title(spec: &mut JobSpec) -> &mut AttributeMapping {
    spec.users.attributes.iter_mut().find(|rule| rule.target.as_str() == "title").unwrap()
}

fn expression(text: &str) -> MappingSource {
    MappingSource::Expression(Expression::parse(text, &ParseOptions::default()).unwrap())
}

#[test]
fn what_a_mapping_can_not_yield_fails_the_object_under_its_own_code() {
    let cases: [(Adjust, &str); 4] = [
        (
            |spec| {
                spec.users.target.attributes["title"].required = true;
                title(spec).source = MappingSource::Direct("nothingHere".to_owned());
            },
            "MandatoryFieldsMissing",
        ),
        (
            |spec| {
                spec.users.target.attributes.shift_remove("title").unwrap();
            },
            "SchemaAttributeNotFound",
        ),
        (|spec| title(spec).source = expression(r#"Item(Split([jobTitle], ","), 9)"#), "InternalError"),
        (
            |spec| title(spec).source = expression(r#"Split([jobTitle], ",")"#),
            "SchemaPropertyCanOnlyAcceptValue",
        ),
    ];
    for (adjust, code) in cases {
        let mut world = World::new("");
        world.adjust = adjust;
        world.people.user("ada", &[("jobTitle", "x,y")]).assign("ada");
        world.cycle();
        let lines = world.log_lines();
        assert!(matches!(&lines[..], [line] if line.ends_with(&format!("failure {code}"))), "{lines:?}");
        assert_eq!(world.held("ada"), None, "{code}");
        let escrow = world.escrows().remove(0);
        let next = escrow.next_retry.unwrap().duration_since(escrow.first_failure);
        assert_eq!(next, SignedDuration::from_mins(40), "{code}");
    }
    let mut world = World::new("[job.fidelity]\nlist_on_single = \"first\"\n");
    world.adjust = |spec| title(spec).source = expression(r#"Split([jobTitle], ",")"#);
    world.people.user("ada", &[("jobTitle", "x,y")]).assign("ada");
    world.clean_cycle();
    assert_eq!(world.held("ada").unwrap()["title"], "x");
    covers!("E-248", "E-249", "E-250", "E-256");
}

#[test]
fn a_value_that_passes_through_redact_is_in_the_target_and_in_no_entry_of_the_log() {
    let mut world = World::new("");
    world.adjust = |spec| title(spec).source = expression("Join(\"-\", Redact([jobTitle]), [department])");
    world.people.user("ada", &[("jobTitle", "H1DDEN"), ("department", "Sales")]).assign("ada");
    world.clean_cycle();
    assert_eq!(world.held("ada").unwrap()["title"], "H1DDEN-Sales");
    world.people.set("ada", "jobTitle", "UNS33N");
    world.clean_cycle();
    assert_eq!(world.held("ada").unwrap()["title"], "UNS33N-Sales");
    let log = world.log();
    assert_eq!(log.len(), 2);
    for logged in log {
        assert!(logged.row.entry.contains("[Redact]"), "{}", logged.row.entry);
        assert!(
            !logged.row.entry.contains("H1DDEN") && !logged.row.entry.contains("UNS33N"),
            "{}",
            logged.row.entry
        );
    }
    covers!("E-265");
}

#[test]
fn what_becomes_of_one_job_changes_nothing_in_another_with_the_same_target() {
    let mut world =
        World::new("scope = \"all\"\n[[job]]\nname = \"other\"\ntenant_url = \"embedded\"\nscope = \"all\"");
    world.people.user("ada", &[]).user("bob", &[]);
    world.clean_cycle();
    let [created, matched] = [JOB, "other"].map(|job| world.cycle_of(job).statistics.actions.created);
    assert_eq!((created, matched), (0, 0), "both know the accounts");
    world.people.set("bob", "jobTitle", "Boss");
    world.once(Method::Patch, "/Users", answer(500));
    world.cycle_of("other");

    let kept = |world: &mut World, job: &str| {
        let store = world.store();
        let links = ["ada", "bob"].map(|name| {
            let (kind, id) = match store.resolve(&super::harness::upn(name)).unwrap() {
                Resolved::One(kind, id) => (kind, id),
                other => panic!("{other:?}"),
            };
            store.link(job, kind, &id).unwrap()
        });
        (store.job(job).unwrap(), links, store.escrows(job).unwrap(), store.executions(job, 10).unwrap())
    };
    let before = kept(&mut world, "other");
    assert_eq!(before.2.len(), 1);
    // A quarantine, a restart that forgets all, and an initial cycle of the first job.
    world.once(Method::Get, "/Users", answer(401));
    assert!(world.cycle().quarantine.is_some());
    let (spec, _) = world.spec();
    let now = world.clock.now();
    restart(world.store(), &spec, Reset::FULL, now).unwrap().unwrap();
    assert_eq!(kept(&mut world, JOB).1, [None, None]);
    assert_eq!(world.clean_cycle().kind, CycleKind::Initial);
    assert_eq!(kept(&mut world, "other"), before);
    covers!("E-001");
}

/// `engine.md 11.1`; the list in place of a resource is in the failures.
#[test]
fn members_that_nobody_asked_for_give_a_warning_and_nothing_fails() {
    fn with_members(mut group: Value) -> String {
        group["members"] = json!([{ "value": "somebody" }]);
        group.to_string()
    }
    let mut world = World::new("");
    world.people.user("ada", &[]).group("G").member("G", "ada").assign("G");
    world.clean_cycle();
    let id = world.target_id("G");
    world.people.set("G", "mailNickname", "g").rename_group("G", "H");
    world.once(Method::Get, &id, Answer::Body(with_members));
    world.clean_cycle();
    let log = world.last_log();
    let warnings: Vec<&str> = log
        .iter()
        .flat_map(|logged| &logged.entry.steps)
        .filter_map(|step| step.details.get("Warning").map(String::as_str))
        .collect();
    assert_eq!(
        warnings,
        [
            "the target returned members of Group 'H' in spite of `excludedAttributes=members`; they are ignored"
        ]
    );
    assert!(log.iter().all(|logged| logged.row.status != "failure"));
    assert_eq!(world.members("H"), ["ada"]);

    world.people.rename_group("H", "I");
    let list = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"Resources":[{"id":"a"},{"id":"b"}]}"#;
    world.once(Method::Get, &id, Answer::Status(200, Vec::new(), list.to_owned()));
    world.cycle();
    let code = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse";
    assert_eq!(world.log_lines(), [format!("I update failure {code}")]);
    covers!("E-254");
}

#[test]
fn a_link_is_shown_with_both_anchors_name_and_type() {
    let mut world = World::new("");
    world.people.user("ada", &[("displayName", "Ada")]).group("G").assign("ada").assign("G");
    world.clean_cycle();
    let expected = [("ada@contoso.com", "ada", "Ada", "user"), ("G", "G", "G", "group")].map(
        |(shown, name, display_name, kind)| {
            let (id, target) = (world.people.id(name), world.target_id(name));
            (
                shown,
                json!({
                    "objectId": id, "sourceAnchor": id, "targetAnchor": target,
                    "displayName": display_name, "objectTypeName": kind,
                }),
            )
        },
    );
    world.restart();
    for (name, connection) in expected {
        let run = world.project.scimulator(["explain", name, "--format", "json"]).output().unwrap();
        let said: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(said["link"]["objectConnection"], connection);
    }
    covers!("E-002");
}
