//! Answers that are not the one hoped for, by the request that they answer (`wire.md 1.7`, 2.6, 11.1; `engine.md 5.1`).

use scimulator::clock::Clock as _;
use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::RunState;
use scimulator::http::Method;
use scimulator::store::Edit;
use serde_json::{Value, json};

use super::harness::{Answer, Event, JOB, World, status, upn};

const INCOMPATIBLE: &str = "SystemForCrossDomainIdentityManagementServiceIncompatible";
const REFUSED: &str = "SystemForCrossDomainIdentityManagementCredentialValidationFailure";

/// `u`, `m` and `other`, the group `G` with `m` in it, all of them in the target.
fn linked(lines: &str) -> World {
    let mut world = World::new(lines);
    for name in ["m", "u", "other"] {
        world.people.user(name, &[]).assign(name);
    }
    world.people.group("G").member("G", "m").assign("G");
    world.clean_cycle();
    world.sent();
    world
}

fn purge(world: &mut World) {
    let (id, now) = (world.people.id("u"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
}

fn retitle(world: &mut World) {
    world.people.set("u", "jobTitle", "Boss");
}

fn rename(world: &mut World) {
    world.people.rename_group("G", "New");
}

/// Every kind of request to something linked: what leads to it, the request, and the log of its object.
const REQUESTS: [(&str, Event, Method, &str, &str); 8] = [
    ("read of a user", retitle, Method::Get, "/Users/", "u update"),
    ("update of a user", retitle, Method::Patch, "/Users/", "u update"),
    ("delete of a user", purge, Method::Delete, "/Users/", "u delete"),
    ("read of a group", rename, Method::Get, "/Groups/", "New update"),
    ("update of a group", rename, Method::Patch, "/Groups/", "New update"),
    (
        "delete of a group",
        |world| {
            world.people.unassign("G");
        },
        Method::Delete,
        "/Groups/",
        "G delete",
    ),
    (
        "manager",
        |world| {
            world.people.set("u", "manager", &upn("m"));
        },
        Method::Patch,
        "/Users/",
        "u update",
    ),
    (
        "member",
        |world| {
            world.people.member("G", "u");
        },
        Method::Patch,
        "/Groups/",
        "G update",
    ),
];

#[test]
fn a_401_to_any_request_ends_the_cycle_and_nothing_is_lost() {
    for (name, event, method, part, _) in REQUESTS {
        let mut world = linked("");
        event(&mut world);
        let watermark = world.job().watermark;
        world.always(method, part, status(401));
        let result = world.cycle();
        assert_eq!(
            (result.state, result.statistics.error.code.as_str()),
            (RunState::Failed, "Unauthorized"),
            "{name}"
        );
        assert!(world.job().quarantine.is_some(), "{name}");
        assert_eq!(world.job().watermark, watermark, "{name}");
        world.sent();
        world.heal();
        world.clean_cycle();
        assert!(world.requests().iter().any(|line| line.starts_with(method.as_str())), "{name}: sent again");
        assert_eq!((world.escrow_lines(), world.job().quarantine), (Vec::new(), None), "{name}");
    }
    covers!("E-136", "E-244");
}

#[test]
fn a_403_to_any_request_is_its_objects_alone() {
    for (name, event, method, part, logged) in REQUESTS {
        let mut world = linked("");
        event(&mut world);
        world.people.user("new", &[]).assign("new");
        let watermark = world.job().watermark;
        world.always(method, part, status(403));
        let result = world.cycle();
        assert_eq!((result.state, world.job().quarantine), (RunState::EntryLevelErrors, None), "{name}");
        assert!(watermark < world.job().watermark, "{name}");
        assert!(world.held("new").is_some(), "{name}: others go on");
        let lines = world.log_lines();
        assert!(lines.contains(&format!("{logged} failure InsufficientRights")), "{name}: {lines:?}");
        world.heal();
        world.clean_cycle();
        assert_eq!(world.escrow_lines(), [""; 0], "{name}: done with the next try");
    }
    covers!("E-244", "W-041");
}

/// The group went between the read and the PATCH, or before the read.
#[test]
fn a_linked_group_that_is_gone_is_looked_for_or_fails_as_chosen() {
    for (lines, rematched) in [("", true), ("[job.fidelity]\non_missing = \"invalid_anchor\"", false)] {
        for read_succeeds in [false, true] {
            let mut world = linked(lines);
            let (id, held) = (world.target_id("G"), world.held("G").unwrap().to_string());
            world.by_hand(Method::Delete, &format!("/Groups/{id}"), None);
            if read_succeeds {
                world.once(Method::Get, "/Groups/", Answer::Status(200, Vec::new(), held));
            }
            rename(&mut world);
            world.cycle();
            let mut wanted = vec!["GET /Groups/{G}?excludedAttributes=members"];
            if read_succeeds {
                wanted.push(r#"PATCH /Groups/{G} [{"op":"Replace","path":"displayName","value":"New"}]"#);
            }
            if rematched {
                wanted.push("GET /Groups?excludedAttributes=members&filter=displayName+eq+%22New%22");
                wanted.push("POST /Groups");
                wanted
                    .push(r#"PATCH /Groups/{New} [{"op":"Add","path":"members","value":[{"value":"{m}"}]}]"#);
                assert_eq!(world.members("New"), ["m"]);
            } else {
                assert_eq!(world.log_lines(), ["New update failure InvalidAnchor"]);
                assert_eq!(world.escrow_lines(), ["New InvalidAnchor 0"]);
            }
            assert_eq!(world.requests(), wanted);
        }
    }
    covers!("E-247", "W-043", "W-077", "W-078");
}

/// The account went after this cycle had read it: the reference waits, and the next cycle reads, misses and creates it.
#[test]
fn a_reference_of_an_account_that_is_gone_is_written_to_the_one_that_replaces_it() {
    let mut world = linked("");
    let (id, held) = (world.target_id("u"), world.held("u").unwrap().to_string());
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    world.once(Method::Get, "/Users/", Answer::Status(200, Vec::new(), held));
    world.people.set("u", "manager", &upn("m"));
    world.cycle();
    assert_eq!(world.escrow_lines(), ["u InvalidAnchor 0 reference"]);
    world.clean_cycle();
    assert_eq!((world.manager("u").as_deref(), world.escrow_lines()), (Some("m"), Vec::new()));

    let mut world = linked("");
    let (id, held) = (world.target_id("G"), world.held("G").unwrap().to_string());
    world.by_hand(Method::Delete, &format!("/Groups/{id}"), None);
    world.once(Method::Get, "/Groups/", Answer::Status(200, Vec::new(), held));
    world.people.member("G", "u");
    world.cycle();
    assert_eq!(world.escrow_lines(), ["G InvalidAnchor 0 reference"]);
    world.clean_cycle();
    assert_eq!(
        (world.members("G"), world.escrow_lines()),
        (vec!["m".to_owned(), "u".to_owned()], Vec::new())
    );
    covers!("W-043");
}

#[test]
fn a_404_to_a_query_for_a_group_is_a_global_failure_and_never_a_create() {
    let mut world = linked("");
    world.people.group("H").assign("H");
    world.once(Method::Get, "displayName+eq+%22H%22", status(404));
    let result = world.cycle();
    assert_eq!((result.state, result.statistics.error.code.as_str()), (RunState::Failed, INCOMPATIBLE));
    assert!(world.requests().iter().all(|line| !line.starts_with("POST")));
    world.clean_cycle();
    assert!(world.held("H").is_some());
    covers!("E-136", "W-042");
}

#[test]
fn a_delete_of_an_account_that_is_gone_already_is_done() {
    let mut world = linked("");
    let id = world.target_id("u");
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    purge(&mut world);
    let source = world.people.id("u");
    world.clean_cycle();
    assert_eq!(world.log_lines(), ["u delete success"]);
    assert_eq!(world.store().link(JOB, ObjectKind::User, &source).unwrap(), None);
}

#[test]
fn a_refused_probe_of_groups_ends_the_cycle_like_one_of_users() {
    for (answer, code) in [(401, REFUSED), (404, INCOMPATIBLE)] {
        let mut world = linked("");
        retitle(&mut world);
        world.always(Method::Get, "/Groups?", status(answer));
        let result = world.cycle();
        assert_eq!((result.state, result.statistics.error.code.as_str()), (RunState::Failed, code));
        assert_eq!(
            world.trace(),
            [
                "GET /Users?filter=userName+eq+%22<guid>%22",
                "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22<guid>%22",
            ]
        );
        assert!(world.job().quarantine.is_some());
    }
    covers!("W-026", "W-027");
}

/// The service's model has dates there; whether it reads them is not on record, and nothing is made of them here.
#[test]
fn a_meta_that_holds_no_dates_is_not_looked_at() {
    let mut world = linked("");
    retitle(&mut world);
    world.once(
        Method::Get,
        "/Users/",
        Answer::Body(|mut user| {
            user["meta"] = json!({ "resourceType": "User", "created": "yesterday", "lastModified": 7 });
            user.to_string()
        }),
    );
    world.clean_cycle();
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
}

fn with_mails(mut user: Value, values: [&str; 2]) -> String {
    user["emails"] = values.map(|value| json!({ "type": "work", "value": value })).into();
    user.to_string()
}

/// Two entries of one `type` are an ambiguous target (`wire.md 11.1`): the first one is compared.
#[test]
fn of_two_entries_of_one_type_the_first_counts() {
    type Rewrite = fn(Value) -> String;
    let cases: [(Rewrite, usize); 2] = [
        (|user| with_mails(user, ["u@new.com", "u@old.com"]), 0),
        (|user| with_mails(user, ["u@old.com", "u@new.com"]), 1),
    ];
    for (answer, patches) in cases {
        let mut world = linked("");
        world.people.set("u", "mail", "u@new.com");
        world.once(Method::Get, "/Users/", Answer::Body(answer));
        world.clean_cycle();
        let sent = world.requests();
        let sent: Vec<&String> = sent.iter().filter(|line| line.starts_with("PATCH")).collect();
        assert_eq!(sent.len(), patches, "{sent:?}");
        let operation = r#"[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"u@new.com"}]"#;
        assert!(sent.iter().all(|line| line.ends_with(operation)), "{sent:?}");
    }
}

/// `wire.md 11.1`: a target that hides inactive users gets recreate attempts, and answers them 409.
#[test]
fn a_target_that_hides_inactive_users_is_asked_to_create_them_and_refuses() {
    let mut world = linked("");
    world.people.set("u", "accountEnabled", "False");
    world.clean_cycle();
    assert_eq!(world.active("u"), Some(false));
    let empty =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0 });
    world.always(Method::Get, "/Users/", status(404));
    world.always(Method::Get, "u%40contoso.com", Answer::Status(200, Vec::new(), empty.to_string()));
    world.people.set("u", "accountEnabled", "True");
    world.sent();
    world.cycle();
    assert_eq!(
        world.requests(),
        ["GET /Users/{u}", "GET /Users?filter=userName+eq+%22u%40contoso.com%22", "POST /Users"]
    );
    assert_eq!(world.log_lines(), ["u create failure EntryConflict"]);
    world.cycle();
    assert_eq!(world.escrow_lines(), ["u EntryConflict 1"], "and again");
    // Once they are shown, he is found and enabled.
    world.heal();
    while world.active("u") == Some(false) {
        world.cycle();
    }
    assert_eq!((world.target.app.resources().count(), world.escrow_lines()), (4, Vec::new()));
}
