//! What is asked of the target before anything is written, and what is made of odd answers (`wire.md 1.5`, 1.7, 2).

use scimulator::covers;
use scimulator::engine::entry::Status;
use scimulator::engine::{Purpose, RunState};
use scimulator::http::Method;
use serde_json::{Value, json};

use super::harness::{Answer, World, status};

fn text(status: u16, body: &Value) -> Answer {
    Answer::Status(status, vec![("Content-Type", "application/scim+json")], body.to_string())
}

/// Matches users on externalId, which is their mailNickname, a value that may hold anything.
fn match_on_nickname(spec: &mut scimulator::engine::spec::JobSpec) {
    for rule in &mut spec.users.attributes {
        rule.matching_priority = u32::from(rule.target.as_str() == "externalId");
    }
}

#[test]
fn special_characters_in_a_matching_value_are_sent_as_they_are_with_a_warning() {
    let cases: [(&str, &str, &str, Option<&str>); 5] = [
        ("", r"a\b", "a%5Cb", Some(r"\")),
        ("", "50%<x>", "50%25%3Cx%3E", Some("%<>")),
        ("", "plain.name", "plain.name", None),
        ("fidelity = { filter_escape = \"none\" }", "a\"b", "a%22b", Some("\"")),
        ("fidelity = { filter_escape = \"backslash\" }", r"a\b", "a%5C%5Cb", None),
    ];
    for (lines, value, asked, warned) in cases {
        let mut world = World::new(lines);
        world.adjust = match_on_nickname;
        world.people.user("u", &[("mailNickname", value)]).assign("u");
        // The embedded app, too, may fail to read such a query.
        let nobody =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0 });
        world.always(Method::Get, "/Users?filter=externalId", text(200, &nobody));
        world.clean_cycle();
        assert_eq!(
            world.requests(),
            [format!("GET /Users?filter=externalId+eq+%22{asked}%22"), "POST /Users".to_owned()],
            "{value}"
        );
        let log = world.last_log();
        let warnings: Vec<&str> = log[0]
            .entry
            .steps
            .iter()
            .filter(|step| step.status == Status::Warning)
            .map(|step| step.description.as_str())
            .collect();
        match warned {
            Some(characters) => {
                assert_eq!(warnings.len(), 1, "{value}");
                let words = format!("`externalId` is sent with `{characters}` as it is");
                assert!(warnings[0].contains(&words), "{}", warnings[0]);
            }
            None => assert_eq!(warnings, [""; 0], "{value}"),
        }
    }
    covers!("M-029");
}

#[test]
fn a_probe_that_finds_somebody_is_a_success_with_a_warning() {
    let mut world = World::new("");
    world.people.user("u", &[]).assign("u");
    let result = world.clean_cycle();
    assert_eq!(result.warnings, [""; 0], "an empty list is what is wanted");
    let found = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 1,
        "Resources": [{ "id": "x1", "userName": "somebody" }],
    });
    for purpose in [Purpose::Cycle, Purpose::TestConnection] {
        world.once(Method::Get, "/Users?filter=userName", text(200, &found));
        let result = world.run(purpose.clone());
        assert_eq!((result.state, result.quarantine), (RunState::Succeeded, None), "{purpose:?}");
        assert_eq!(result.warnings.len(), 1, "{purpose:?}");
        assert!(result.warnings[0].starts_with("the target found 1 Users"), "{}", result.warnings[0]);
    }
    covers!("W-025");
}

/// The README of the sheets decides: a 401 is the job's trouble wherever it comes, a 403 the object's.
#[test]
fn a_401_on_an_object_ends_the_cycle_and_a_403_fails_that_object_alone() {
    for (answer, code, state, created) in [
        (403, "InsufficientRights", RunState::EntryLevelErrors, 2),
        (401, "Unauthorized", RunState::Failed, 1),
    ] {
        let mut world = World::new("");
        for name in ["first", "u", "last"] {
            world.people.user(name, &[]).assign(name);
        }
        world.once(Method::Post, "/Users", Answer::Through);
        world.once(Method::Post, "/Users", status(answer));
        let result = world.cycle();
        assert_eq!(result.state, state, "{answer}");
        assert_eq!(result.quarantine.is_some(), state == RunState::Failed, "{answer}");
        assert!(world.log_lines().contains(&format!("u create failure {code}")), "{answer}");
        assert_eq!(world.target.app.resources().count(), created, "{answer}");
        assert_eq!(world.job().watermark.is_none(), state == RunState::Failed, "{answer}");
        // Either way it is tried again, and so are those that were never asked about.
        world.heal();
        world.clean_cycle();
        assert_eq!(world.target.app.resources().count(), 3, "{answer}");
    }
    covers!("W-041");
}

#[test]
fn a_delete_is_done_at_204_and_404_and_any_other_answer_is_a_failure() {
    for (answer, line, escrows) in [
        (204, "G delete success", 0),
        (404, "G delete success", 0),
        (400, "G delete failure SystemForCrossDomainIdentityManagementServiceIncompatible", 1),
        (500, "G delete failure InternalServerError", 1),
    ] {
        let mut world = World::new("");
        world.people.user("u", &[]).assign("u").group("G").assign("G");
        world.clean_cycle();
        world.people.unassign("G");
        world.once(Method::Delete, "/Groups", status(answer));
        world.cycle();
        assert_eq!(world.log_lines(), [line], "{answer}");
        assert_eq!(world.escrows().len(), escrows, "{answer}");
        let id = world.people.id("G");
        let kind = scimulator::directory::object::ObjectKind::Group;
        let link = world.store().link(super::harness::JOB, kind, &id).unwrap();
        assert_eq!(link.is_some(), escrows == 1, "{answer}: the link goes with the account");
        if answer == 400 {
            let log = world.last_log();
            assert!(log[0].reason().contains("not fully compatible"), "{}", log[0].reason());
        }
    }
    covers!("W-044");
}

#[test]
fn a_create_without_a_required_value_is_not_sent() {
    let mut world = World::new("");
    world.adjust = |spec| {
        spec.users.target.attributes.get_mut("title").unwrap().required = true;
    };
    world.people.user("u", &[]).user("v", &[("jobTitle", "Boss")]).assign("u").assign("v");
    world.cycle();
    assert_eq!(world.log_lines(), ["u create failure MandatoryFieldsMissing", "v create success"]);
    let posts = world.sent().iter().filter(|sent| sent.method == Method::Post).count();
    assert_eq!(posts, 1);
    assert_eq!(world.escrow_lines(), ["u MandatoryFieldsMissing 0"]);
    // Where it is the target that says so, the other code.
    let missing = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "400", "scimType": "invalidValue", "detail": "department is required",
    });
    world.people.user("w", &[("jobTitle", "Boss")]).assign("w");
    world.once(Method::Post, "/Users", text(400, &missing));
    world.cycle();
    assert!(world.log_lines().contains(&"w create failure MissingValues".to_owned()));
    covers!("W-215");
}

#[test]
fn an_attribute_that_the_target_does_not_have_and_a_shared_matching_value_have_codes_of_their_own() {
    let mut world = World::new("");
    world.adjust = |spec| {
        match_on_nickname(spec);
        spec.users.target.attributes.shift_remove("title");
    };
    world.people.user("u", &[("mailNickname", "u"), ("jobTitle", "Boss")]).assign("u");
    world.cycle();
    assert_eq!(world.log_lines(), ["u create failure SchemaAttributeNotFound"]);

    let mut world = World::new("");
    world.adjust = match_on_nickname;
    for name in ["u", "v"] {
        world.people.user(name, &[("mailNickname", "same")]).assign(name);
    }
    world.cycle();
    assert_eq!(world.log_lines(), ["u create success", "v create failure DuplicateSourceEntries"]);
    covers!("W-216");
}
