//! What a target does wrong, and what becomes of the object, the cycle and the watermark (`engine.md 5` and 6).

use scimulator::clock::{Clock as _, SignedDuration, Timestamp};
use scimulator::engine::status::quarantine;
use scimulator::engine::{CycleKind, Purpose, RunState};
use scimulator::http::{Method, TransportError};
use serde_json::{Value, json};

use super::harness::{Answer, JOB, World, status, unreachable, upn};

/// Three users, all assigned; the middle one is `u`.
fn three() -> World {
    three_with("")
}

/// A failed object is tried again in every cycle, however long it has been failing.
const EVERY_CYCLE: &str = "[job.fidelity]\nescrow_schedule = \"every-cycle\"\n";

fn three_with(lines: &str) -> World {
    let mut world = World::new(lines);
    world
        .people
        .user("first", &[])
        .user("u", &[])
        .user("last", &[])
        .assign("first")
        .assign("u")
        .assign("last");
    world
}

fn text(status: u16, body: &str) -> Answer {
    Answer::Status(status, vec![("Content-Type", "text/html")], body.to_owned())
}

fn scim_error(code: u16, scim_type: &str, detail: &str) -> Answer {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": code.to_string(), "scimType": scim_type, "detail": detail,
    });
    Answer::Status(code, vec![("Content-Type", "application/scim+json")], body.to_string())
}

const HTML: &str = "<html><body>Sign in</body></html>";
const INCOMPATIBLE: &str = "SystemForCrossDomainIdentityManagementServiceIncompatible";

/// Answers to the create of one user, with the code in the log and the escrow.
#[test]
fn an_object_that_fails_is_in_escrow_and_all_others_go_on() {
    let cases: [(&str, Answer, &str); 17] = [
        ("400", status(400), INCOMPATIBLE),
        ("400 for a missing value", scim_error(400, "invalidValue", "title is required"), "MissingValues"),
        ("403", status(403), "InsufficientRights"),
        ("405", status(405), "MethodNotAllowed"),
        ("409", status(409), "EntryConflict"),
        ("422", status(422), "UnprocessableEntity"),
        ("429", status(429), "TooManyRequests"),
        ("500", status(500), "InternalServerError"),
        ("501", status(501), "NotImplemented"),
        ("502", status(502), "InternalServerError"),
        ("503", status(503), "InternalServerError"),
        ("504", status(504), "InternalServerError"),
        ("no answer", Answer::Lost(TransportError::Timeout { after_ms: 30_000 }), "Timeout"),
        ("no connection", unreachable(), "WebExceptionProtocolError"),
        (
            "no TLS",
            Answer::Lost(TransportError::Tls("bad certificate".to_owned())),
            "WebExceptionProtocolError",
        ),
        ("no id", text(201, "{\"schemas\":[]}"), INCOMPATIBLE),
        ("HTML", text(200, HTML), INCOMPATIBLE),
    ];
    for (name, answer, code) in cases {
        let mut world = three();
        world.clock.advance_to("2026-01-05T09:00:00.25Z".parse().unwrap());
        world.people.set("u", "jobTitle", "Boss");
        world.always(Method::Get, "nobody asks for this", Answer::Through);
        // The create of `u` is the second one.
        world.once(Method::Post, "/Users", Answer::Through);
        world.once(Method::Post, "/Users", answer);
        let before = world.clock.now();
        let result = world.cycle();
        assert_eq!(result.state, RunState::EntryLevelErrors, "{name}");
        assert_eq!(
            world.log_lines(),
            ["first create success", &format!("u create failure {code}"), "last create success"],
            "{name}"
        );
        assert_eq!(world.escrow_lines(), [format!("u {code} 0")], "{name}");
        let watermark = world.job().watermark;
        let newest = world.store().last_seq().unwrap();
        assert_eq!(watermark, Some(newest), "{name}: the watermark moves all the same");
        assert!(world.job().quarantine.is_none(), "{name}");
        let log = world.last_log();
        assert!(log[1].entry.summary().starts_with("Failed to create"), "{name}");
        let reason = log[1].reason().to_owned();
        assert!(
            reason.ends_with(
                "This operation was retried 0 times. It will be retried again after this date: \
                 2026-01-05T09:40:00.2500000Z UTC"
            ),
            "{name}: {reason}"
        );
        let escrow = world.escrows().remove(0);
        assert_eq!((escrow.first_failure, escrow.operation.as_str()), (before, "create"), "{name}");

        // The next cycle, the user unchanged, tries again.
        world.sent();
        world.restart();
        let result = world.clean_cycle();
        assert_eq!(result.kind, CycleKind::Incremental);
        assert!(world.held("u").is_some(), "{name}");
        assert_eq!(world.escrow_lines(), [""; 0], "{name}");
        let lines = world.requests();
        assert!(
            lines.iter().all(|line| !line.contains("first") && !line.contains("last")),
            "{name}: {lines:?}"
        );
    }
    scimulator::covers!("E-039", "E-024", "E-137", "E-142", "E-143", "E-221", "E-242", "E-243", "E-244");
    scimulator::covers!("E-245", "E-246", "E-255", "W-040", "W-045", "W-047", "W-048", "W-050");
}

#[test]
fn the_reason_text_holds_status_message_answer_count_and_date_in_this_order() {
    let mut world = three_with(EVERY_CYCLE);
    world.always(Method::Post, "/Users", scim_error(409, "uniqueness", "taken"));
    world.cycle();
    world.cycle();
    world.cycle();
    let log = world.last_log();
    let reason = log[1].reason();
    let parts = [
        "StatusCode: Conflict",
        "Message: ",
        "Web Response: ",
        "\"detail\":\"taken\"",
        "retried 2 times",
        "after this date: ",
    ];
    let places: Vec<Option<usize>> = parts.iter().map(|part| reason.find(part)).collect();
    assert!(places.is_sorted() && places[0] == Some(0), "{reason}");
    let information = log[1].entry.error_information.as_ref().unwrap();
    assert_eq!(information.error_category, "nonServiceFailure");
    assert_eq!(world.log().len(), 9, "each retry has an entry of its own");
    scimulator::covers!("W-052", "E-259", "E-258", "E-142");
}

#[test]
fn failures_of_updates_and_deletes_have_their_own_codes_and_are_tried_again() {
    let mut world = three_with(EVERY_CYCLE);
    world.clean_cycle();
    world.people.set("u", "jobTitle", "Boss");
    world.once(Method::Patch, "/Users", status(409));
    world.cycle();
    assert_eq!(world.log_lines(), ["u update failure EntryConflict"]);
    world.people.set("u", "accountEnabled", "False");
    world.once(Method::Patch, "/Users", status(400));
    world.cycle();
    assert_eq!(world.log_lines(), [format!("u disable failure {INCOMPATIBLE}")]);
    assert_eq!(world.escrow_lines(), [format!("u {INCOMPATIBLE} 1")]);
    world.clean_cycle();
    assert_eq!((world.active("u"), world.held("u").unwrap()["title"].clone()), (Some(false), json!("Boss")));

    world.people.group("G").assign("G");
    world.clean_cycle();
    world.people.unassign("G");
    world.times(2, Method::Delete, "/Groups", status(501));
    world.cycle();
    world.cycle();
    assert_eq!(world.escrow_lines(), ["G NotImplemented 1"]);
    world.clean_cycle();
    assert_eq!((world.held("G"), world.escrow_lines()), (None, Vec::new()));
    scimulator::covers!("E-135", "W-046", "W-040");
}

#[test]
fn a_delete_of_what_is_gone_already_is_done() {
    let mut world = World::new("");
    world.people.user("u", &[]).group("G").assign("G").assign("u");
    world.clean_cycle();
    let id = world.target_id("G");
    world.by_hand(Method::Delete, &format!("/Groups/{id}"), None);
    world.people.unassign("G");
    world.clean_cycle();
    assert_eq!(world.log_lines(), ["G delete success"]);
}

#[test]
fn a_new_change_of_an_escrowed_object_goes_out_with_the_cycle_that_reads_it() {
    let mut world = three();
    world.clean_cycle();
    world.people.set("u", "jobTitle", "Boss");
    world.once(Method::Patch, "/Users", status(500));
    world.cycle();
    world.people.set("u", "jobTitle", "Chief");
    world.clean_cycle();
    assert_eq!(world.held("u").unwrap()["title"], "Chief");
    assert_eq!(world.escrow_lines(), [""; 0]);
    scimulator::covers!("E-145");
}

#[test]
fn an_escrow_goes_without_a_request_when_its_operation_is_not_wanted_any_more() {
    let mut world = three();
    world.times(2, Method::Post, "/Users", Answer::Through);
    world.once(Method::Post, "/Users", status(409));
    world.cycle();
    assert_eq!(world.escrow_lines(), ["last EntryConflict 0"]);
    world.people.unassign("last");
    world.sent();
    world.clean_cycle();
    assert_eq!((world.requests(), world.escrow_lines()), (Vec::new(), Vec::new()));
    scimulator::covers!("E-144");
}

#[test]
fn an_entitlement_change_leaves_an_escrow_that_is_not_due_alone() {
    let mut world = World::new("");
    world.people.user("u", &[]).group("G").assign("u");
    world.clean_cycle();
    world.people.set("u", "jobTitle", "Boss");
    world.once(Method::Patch, "/Users", status(500));
    world.cycle();
    let mut escrow = world.escrows().remove(0);
    escrow.next_retry = Some(world.clock.now().saturating_add(SignedDuration::from_hours(4)).unwrap());
    world.store().save_escrow(JOB, &escrow).unwrap();
    world.people.member("G", "u").assign("G");
    world.cycle();
    assert_eq!(world.escrow_lines(), ["u InternalServerError 0"]);
    escrow.next_retry = Some(Timestamp::MIN);
    world.store().save_escrow(JOB, &escrow).unwrap();
    world.clean_cycle();
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
    scimulator::covers!("E-143");
}

#[test]
fn references_that_fail_are_in_an_escrow_of_their_own_until_they_are_written() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).group("G").member("G", "u");
    world.people.assign("boss").assign("G");
    world.times(2, Method::Patch, "/", status(500));
    world.cycle();
    assert_eq!(
        world.escrow_lines(),
        ["u InternalServerError 0 reference", "G InternalServerError 0 reference"]
    );
    assert!(world.held("u").is_some() && world.manager("u").is_none() && world.members("G").is_empty());
    world.clean_cycle();
    assert_eq!((world.manager("u").as_deref(), world.members("G")), (Some("boss"), vec!["u".to_owned()]));
    assert_eq!(world.escrow_lines(), [""; 0]);
}

#[test]
fn a_reference_to_somebody_whose_create_failed_is_written_in_the_cycle_that_creates_him() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).group("G").member("G", "boss");
    world.people.assign("boss").assign("G").assign("u");
    world.once(Method::Post, "/Users", status(500));
    world.cycle();
    assert_eq!(
        world.escrow_lines(),
        [
            "boss InternalServerError 0",
            "u UnableToResolveReferenceAttributeValue 0 reference",
            "G UnableToResolveReferenceAttributeValue 0 reference",
        ]
    );
    world.clean_cycle();
    assert_eq!((world.manager("u").as_deref(), world.members("G")), (Some("boss"), vec!["boss".to_owned()]));
    assert_eq!(world.escrow_lines(), [""; 0]);
}

#[test]
fn a_reference_escrow_ends_when_its_object_leaves_scope() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("boss").assign("u");
    world.once(Method::Patch, "/Users", status(500));
    world.cycle();
    assert_eq!(world.escrow_lines(), ["u InternalServerError 0 reference"]);
    world.people.unassign("u");
    world.clean_cycle();
    assert_eq!(world.active("u"), Some(false));
    assert_eq!(world.escrow_lines(), [""; 0]);
    world.clean_cycle();
    assert_eq!(world.log_lines(), [""; 0], "nothing is tried again");
    scimulator::covers!("E-144");
}

/// Probe answers, with the code of the run.
#[test]
fn a_failed_probe_quarantines_the_job_and_touches_no_object() {
    const REFUSED: &str = "SystemForCrossDomainIdentityManagementCredentialValidationFailure";
    const UNAVAILABLE: &str = "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable";
    let cases = [
        ("401", status(401), REFUSED),
        ("403", status(403), REFUSED),
        ("404", status(404), INCOMPATIBLE),
        ("400", status(400), UNAVAILABLE),
        ("500", status(500), UNAVAILABLE),
        ("HTML", text(200, HTML), UNAVAILABLE),
        ("no connection", unreachable(), UNAVAILABLE),
    ];
    for (name, answer, code) in cases {
        let mut world = three();
        world.clean_cycle();
        let watermark = world.job().watermark;
        world.people.set("u", "jobTitle", "Boss");
        world.always(Method::Get, "filter=userName", answer);
        world.sent();
        let began = world.clock.now().saturating_add(SignedDuration::from_mins(40)).unwrap();
        let result = world.cycle();
        assert_eq!(result.state, RunState::Failed, "{name}");
        assert_eq!(result.statistics.error.code, code, "{name}");
        assert_eq!(world.trace(), ["GET /Users?filter=userName+eq+%22<guid>%22"], "{name}");
        assert_eq!(world.job().watermark, watermark, "{name}");
        assert!(world.escrows().is_empty(), "{name}");
        // The record: the series begins now, and attempts are 30 minutes, then 60 apart.
        let record = quarantine(&world.job()).unwrap().expect("quarantine");
        assert_eq!(record.reason.as_str(), "EncounteredQuarantineException", "{name}");
        assert_eq!(
            (record.series_began, record.current_began, record.series_count),
            (began, began, 0),
            "{name}"
        );
        assert_eq!(record.next_attempt.duration_since(began), SignedDuration::from_mins(30), "{name}");
        assert_eq!(result.next_cycle, record.next_attempt);
        assert_eq!(world.job().failures, 1);
        world.restart();
        world.cycle();
        let again = quarantine(&world.job()).unwrap().expect("quarantine");
        assert_eq!((again.series_began, again.series_count), (began, 1), "{name}");
        assert_eq!(again.current_began, record.next_attempt, "{name}");
        assert_eq!(
            again.next_attempt.duration_since(again.current_began),
            SignedDuration::from_mins(60),
            "{name}"
        );
        assert_eq!(world.job().failures, 2);
        // The target recovers: the same changes are read again, and the rhythm resumes.
        world.heal();
        let at = again.next_attempt;
        let result = world.clean_cycle();
        assert_eq!(result.kind, CycleKind::Incremental);
        assert_eq!(world.held("u").unwrap()["title"], "Boss", "{name}");
        assert_eq!((world.job().quarantine, world.job().failures), (None, 0));
        assert_eq!(result.next_cycle.duration_since(at), SignedDuration::from_mins(40), "{name}");
    }
    scimulator::covers!("E-015", "E-038", "E-136", "E-156", "E-168", "E-169", "E-170", "E-172", "E-213");
    scimulator::covers!("W-027", "W-029", "W-054", "E-257", "E-221");
}

#[test]
fn the_text_of_a_refused_probe_has_labelled_lines() {
    let mut world = three();
    world.once(Method::Get, "filter=userName", text(401, "who are you"));
    let message = world.cycle().statistics.error.message;
    let labels = [
        "Resource: ",
        "Operation: GET",
        "Response Status Code: Unauthorized",
        "Response Headers:",
        "Response Content: who are you",
    ];
    let places: Vec<Option<usize>> = labels.iter().map(|label| message.find(label)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{message}");
    scimulator::covers!("E-260", "W-027");
}

#[test]
fn credentials_refused_in_mid_cycle_end_it_where_it_is() {
    let mut world = three();
    world.once(Method::Post, "/Users", Answer::Through);
    world.always(Method::Post, "/Users", status(401));
    let result = world.cycle();
    assert_eq!((result.state, result.statistics.error.code.as_str()), (RunState::Failed, "Unauthorized"));
    assert_eq!(world.job().watermark, None);
    assert!(world.job().quarantine.is_some());
    assert!(world.held("first").is_some());
    let trace = world.requests();
    assert!(!trace.iter().any(|line| line.contains("last")), "{trace:?}");
    world.heal();
    world.clean_cycle();
    assert!(world.held("u").is_some() && world.held("last").is_some());
    let posts = world.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 2, "the first one is linked already");
    assert_eq!((world.escrow_lines(), world.job().quarantine), (Vec::new(), None));
    scimulator::covers!("E-038", "E-136", "E-244", "E-172");
}

#[test]
fn once_the_cycle_has_failed_no_worker_sends_anything_further() {
    let mut world = three();
    world.workers = 3;
    world.once(Method::Get, "first%40", status(401));
    world.cycle();
    assert_eq!(world.requests().len(), 3, "what was under way, and no create after it");
    assert!(world.held("u").is_none());
    world.heal();
    world.clean_cycle();
    assert!(world.held("u").is_some());
    scimulator::covers!("E-038");
}

#[test]
fn a_404_to_a_match_query_is_a_global_failure_and_never_a_create() {
    let mut world = three();
    world.once(Method::Get, "u%40contoso", status(404));
    let result = world.cycle();
    assert_eq!((result.state, result.statistics.error.code.as_str()), (RunState::Failed, INCOMPATIBLE));
    assert!(world.job().quarantine.is_some());
    let posts = world.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "only the one before");
    scimulator::covers!("E-136", "W-042");
}

#[test]
fn five_requests_in_a_row_without_a_connection_are_an_outage() {
    for (lost, state) in [(4, RunState::EntryLevelErrors), (5, RunState::Failed)] {
        let mut world = World::new("");
        for name in ["a", "b", "c", "d", "e", "f"] {
            world.people.user(name, &[]).assign(name);
        }
        world.times(lost, Method::Get, "%40contoso", unreachable());
        let result = world.cycle();
        assert_eq!(result.state, state, "{lost}");
        assert_eq!(world.job().quarantine.is_some(), state == RunState::Failed);
        assert_eq!(world.held("f").is_some(), state == RunState::EntryLevelErrors);
        world.clean_cycle();
        assert!(["a", "b", "c", "d", "e", "f"].iter().all(|name| world.held(name).is_some()));
        assert_eq!(world.escrow_lines(), [""; 0]);
    }
    scimulator::covers!("E-136", "E-246");
}

#[test]
fn retry_after_stops_the_job_for_that_time_and_repeats_only_the_refused_request() {
    for (header, waited) in [("120", 120), ("Mon, 05 Jan 2026 08:02:00 GMT", 120), ("3600", 600)] {
        let mut world = three();
        world.once(Method::Post, "/Users", Answer::Through);
        let header: &'static str = header;
        world.once(Method::Post, "/Users", Answer::Status(429, vec![("Retry-After", header)], String::new()));
        world.clean_cycle();
        let sent = world.sent();
        let refused = sent.iter().position(|sent| sent.status == Some(429)).unwrap();
        let (refused, repeated, next) = (&sent[refused], &sent[refused + 1], &sent[refused + 2]);
        assert_eq!(repeated.at.duration_since(refused.at), SignedDuration::from_secs(waited), "{header}");
        assert_eq!(
            (repeated.method, &repeated.path, &repeated.body),
            (refused.method, &refused.path, &refused.body)
        );
        assert!(next.path.contains("last%40"));
        assert_eq!(world.log_lines(), ["first create success", "u create success", "last create success"]);
    }
    scimulator::covers!("E-152", "W-049");
}

#[test]
fn while_a_retry_after_runs_no_worker_sends_anything() {
    let mut world = three();
    world.workers = 3;
    world.once(Method::Get, "first%40", Answer::Status(429, vec![("Retry-After", "60")], String::new()));
    world.clean_cycle();
    let sent = world.sent();
    let refused = sent.iter().position(|sent| sent.status == Some(429)).unwrap();
    let until = sent[refused].at.saturating_add(SignedDuration::from_secs(60)).unwrap();
    // The three match queries were under way together.
    assert!(sent[refused + 3..].iter().all(|sent| until <= sent.at));
    assert_eq!(sent[refused + 3..].iter().filter(|sent| sent.path.contains("filter")).count(), 1);
    scimulator::covers!("E-152");
}

#[test]
fn a_throttled_request_fails_its_object_when_the_repeat_fails_or_waiting_is_off() {
    for (lines, times, requests) in [("", 2, 3), ("[job.fidelity]\nretry_after = \"off\"", 1, 2)] {
        let mut world = World::new(lines);
        world.people.user("u", &[]).assign("u");
        world.times(
            times,
            Method::Post,
            "/Users",
            Answer::Status(429, vec![("Retry-After", "1")], String::new()),
        );
        world.cycle();
        assert_eq!(world.requests().len(), requests, "{lines}");
        assert_eq!(world.escrow_lines(), ["u TooManyRequests 0"], "{lines}");
        world.clean_cycle();
        assert!(world.held("u").is_some());
    }
    scimulator::covers!("E-152", "W-048");
}

#[test]
fn after_a_conflict_a_second_look_is_taken_only_when_asked_for() {
    for (lines, looks, code) in
        [("", 1, Some("EntryConflict")), ("[job.fidelity]\nrequery_on_conflict = true", 2, None)]
    {
        let mut world = World::new(lines);
        world.people.user("u", &[]).assign("u");
        // Somebody else creates the account between look-up and create.
        world.once(
            Method::Get,
            "u%40contoso",
            Answer::Body(|_| {
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#
                    .to_owned()
            }),
        );
        let there = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn("u"), "active": true,
        });
        world.by_hand(Method::Post, "/Users", Some(&there));
        world.cycle();
        let lines = world.requests();
        assert_eq!(lines.iter().filter(|line| line.contains("filter")).count(), looks);
        assert_eq!(world.escrows().first().map(|escrow| escrow.error_code.clone()).as_deref(), code);
    }
    scimulator::covers!("W-101", "W-045");
}

#[test]
fn a_connection_test_changes_nothing_of_the_job() {
    let mut world = three();
    let result = world.run(Purpose::TestConnection);
    assert_eq!(result.state, RunState::Succeeded);
    assert_eq!(world.trace().len(), 2);
    assert_eq!(world.store().job(JOB).unwrap(), None);
    world.clean_cycle();
    let before = world.job();
    world.once(Method::Get, "filter", status(401));
    assert_eq!(world.run(Purpose::TestConnection).state, RunState::Failed);
    assert_eq!(world.job(), before);
    assert_eq!(world.store().executions(JOB, 10).unwrap().len(), 1);
}

#[test]
fn an_answer_that_is_no_scim_resource_fails_the_object_with_a_reason() {
    fn bad_manager(mut user: Value) -> String {
        user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] = json!({ "manager": "bare" });
        user.to_string()
    }
    let cases: [(&str, Answer, &str); 4] = [
        ("HTML", text(200, HTML), INCOMPATIBLE),
        (
            "a list",
            text(
                200,
                r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"Resources":[{"id":"a"},{"id":"b"}]}"#,
            ),
            "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse",
        ),
        ("a bare manager", Answer::Body(bad_manager), INCOMPATIBLE),
        ("500", status(500), "InternalServerError"),
    ];
    for (name, answer, code) in cases {
        let mut world = three();
        world.clean_cycle();
        world.people.set("u", "jobTitle", "Boss");
        let id = world.target_id("u");
        world.once(Method::Get, &id, answer);
        world.cycle();
        assert_eq!(world.log_lines(), [format!("u update failure {code}")], "{name}");
        world.clean_cycle();
        assert_eq!(world.held("u").unwrap()["title"], "Boss");
    }
    scimulator::covers!("E-255", "W-209", "W-208");
}

#[test]
fn two_source_objects_with_one_matching_value_do_not_share_an_account() {
    let mut world = World::new("");
    world.adjust = |spec| {
        for rule in &mut spec.users.attributes {
            rule.matching_priority = u32::from(rule.target.as_str() == "externalId");
        }
    };
    world
        .people
        .user("u", &[("mailNickname", "same")])
        .user("v", &[("mailNickname", "same")])
        .assign("u")
        .assign("v");
    world.cycle();
    assert_eq!(world.log_lines(), ["u create success", "v create failure DuplicateSourceEntries"]);
    assert_eq!(world.target.app.resources().count(), 1);
    scimulator::covers!("E-252");
}

#[test]
fn a_create_answered_200_is_taken_with_a_warning() {
    let mut world = World::new("");
    world.people.user("u", &[]).assign("u");
    world.once(Method::Post, "/Users", text(200, r#"{"id":"x1","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"u@contoso.com"}"#));
    let result = world.cycle();
    assert_eq!((result.state, world.log_lines()), (RunState::Succeeded, vec!["u create warning".to_owned()]));
    scimulator::covers!("W-100");
}

#[test]
fn another_mapping_ends_a_quarantine_and_keeps_escrows_and_links() {
    let mut world = three();
    world.times(1, Method::Post, "/Users", status(409));
    world.cycle();
    world.always(Method::Get, "filter=userName+eq+%22", status(401));
    world.cycle();
    let first = quarantine(&world.job()).unwrap().unwrap();
    world.adjust = |spec| spec.definition += " with another filter";
    let result = world.cycle();
    assert_eq!(result.kind, CycleKind::Initial);
    let second = quarantine(&world.job()).unwrap().unwrap();
    assert!(first.series_began < second.series_began, "a series of its own");
    assert_eq!((second.series_count, world.escrow_lines()), (0, vec!["first EntryConflict 0".to_owned()]));
    world.heal();
    world.sent();
    world.clean_cycle();
    let posts = world.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "the other two are linked");
    scimulator::covers!("E-010");
}

#[test]
fn a_match_query_that_is_refused_fails_the_object_with_a_code_of_its_own() {
    let cases = [
        (scim_error(400, "invalidFilter", "no such attribute"), format!("{INCOMPATIBLE}Filtering")),
        (status(400), INCOMPATIBLE.to_owned()),
        (text(200, HTML), INCOMPATIBLE.to_owned()),
    ];
    for (answer, code) in cases {
        let mut world = three();
        world.once(Method::Get, "u%40contoso", answer);
        world.cycle();
        assert_eq!(world.log_lines()[1], format!("u create failure {code}"));
        assert_eq!(world.requests().iter().filter(|line| line.starts_with("POST")).count(), 2);
        world.clean_cycle();
        assert!(world.held("u").is_some());
    }
    scimulator::covers!("E-255", "W-218");
}
