//! Servers that say one thing and do another: each is flagged, as the app's, with the request to blame.

use scimulator::engine::Purpose;
use scimulator::http::{Method, Request, Response, TransportError};
use scimulator::store::Edit;
use serde_json::json;

use super::rig::{Fault, HONEST, Rig, about, by_hand, kind, whose};
use crate::common::edit_json;

/// What the oracle finds after a cycle with a fault: what, whose, and the request to blame.
#[track_caller]
fn found(rig: &mut Rig) -> Vec<(String, &'static str, String)> {
    rig.cycle();
    let report = rig.ask();
    report.findings.iter().map(|finding| (about(finding), whose(finding), rig.guilty(finding))).collect()
}

#[track_caller]
fn check(rig: &mut Rig, wanted: &[(&str, &str)]) {
    let found = found(rig);
    let found: Vec<_> = found
        .iter()
        .map(|(what, whose, guilty)| {
            assert_eq!(*whose, "app", "{found:?}");
            (what.as_str(), guilty.as_str())
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_patch_that_is_answered_and_ignored() {
    let mut rig = Rig::settled("");
    rig.fault(Fault {
        request: |request| {
            if request.method == Method::Patch {
                (request.method, request.body) = (Method::Get, None);
            }
        },
        ..HONEST
    });
    rig.set("ada", "accountEnabled", "False");
    rig.set("ben", "jobTitle", "Boss");
    check(
        &mut rig,
        &[
            (
                "ada active: True not False",
                r#"PATCH /Users/{ada} [{"op":"Replace","path":"active","value":"False"}]"#,
            ),
            (
                "ben title: Clerk not Boss",
                r#"PATCH /Users/{ben} [{"op":"Replace","path":"title","value":"Boss"}]"#,
            ),
        ],
    );
    // Later, when nothing is sent, it is still the same request.
    let still = found(&mut rig);
    assert_eq!(still.len(), 2, "{still:?}");
    assert!(still[0].2.contains("\"False\""), "{still:?}");
}

#[test]
fn removing_one_member_wipes_all() {
    let mut rig = Rig::settled("");
    rig.fault(Fault {
        request: |request| {
            if request.method == Method::Patch {
                edit_json(request.body.as_mut().unwrap(), |body| {
                    for operation in body["Operations"].as_array_mut().unwrap() {
                        if operation["op"] == "Remove" && operation["path"] == "members" {
                            operation.as_object_mut().unwrap().remove("value");
                        }
                    }
                });
            }
        },
        ..HONEST
    });
    rig.member("Sales", "ada", false);
    let blamed = r#"PATCH /Groups/{Sales} [{"op":"Remove","path":"members","value":[{"value":"{ada}"}]}]"#;
    check(
        &mut rig,
        &[
            ("Sales members: - not ben@contoso.com", blamed),
            ("Sales members: - not cara@contoso.com", blamed),
        ],
    );
}

#[test]
fn a_member_who_is_taken_in_and_lost_and_one_who_is_let_go_and_kept() {
    let mut rig = Rig::settled("");
    rig.fault(Fault {
        request: |request| {
            if request.method == Method::Patch && request.url.contains("/Groups/") {
                (request.method, request.body) = (Method::Get, None);
            }
        },
        ..HONEST
    });
    rig.member("Sales", "boss", true);
    check(
        &mut rig,
        &[(
            "Sales members: - not boss@contoso.com",
            r#"PATCH /Groups/{Sales} [{"op":"Add","path":"members","value":[{"value":"{boss}"}]}]"#,
        )],
    );
    let mut rig = Rig::settled("");
    rig.fault(Fault {
        request: |request| {
            if request.method == Method::Patch && request.url.contains("/Groups/") {
                (request.method, request.body) = (Method::Get, None);
            }
        },
        ..HONEST
    });
    rig.member("Sales", "cara", false);
    check(
        &mut rig,
        &[(
            "Sales members: cara@contoso.com not -",
            r#"PATCH /Groups/{Sales} [{"op":"Remove","path":"members","value":[{"value":"{cara}"}]}]"#,
        )],
    );
}

#[test]
fn a_value_that_is_rewritten_on_create_and_on_update() {
    let shout = Fault {
        request: |request| {
            if request.body.is_some() {
                let text = String::from_utf8(request.body.take().unwrap()).unwrap();
                request.body = Some(text.replace("Trainee", "Apprentice").into_bytes());
            }
        },
        ..HONEST
    };
    let mut rig = Rig::settled("");
    rig.fault(shout);
    rig.set("ada", "jobTitle", "Trainee");
    rig.set("dora", "jobTitle", "Trainee");
    rig.assign("dora", true);
    check(
        &mut rig,
        &[
            (
                "ada title: Apprentice not Trainee",
                r#"PATCH /Users/{ada} [{"op":"Replace","path":"title","value":"Trainee"}]"#,
            ),
            ("dora title: Apprentice not Trainee", "POST /Users null"),
        ],
    );
}

#[test]
fn a_create_that_is_answered_and_forgotten_and_one_that_is_refused() {
    let mut rig = Rig::settled("");
    rig.fault(Fault {
        after: |app, _, request, now| {
            if request.method == Method::Post {
                let made =
                    app.resources().find(|resource| resource["userName"] == "dora@contoso.com").unwrap();
                let made = made["id"].as_str().unwrap().to_owned();
                by_hand(app, Method::Delete, &format!("Users/{made}"), None, now);
            }
        },
        ..HONEST
    });
    rig.assign("dora", true);
    check(&mut rig, &[("dora missing", "POST /Users null")]);

    let mut rig = Rig::settled("");
    rig.fault(Fault { request: |request| request.method = Method::Get, answer: refuse_writes, ..HONEST });
    rig.assign("dora", true);
    rig.member("Sales", "boss", true);
    check(
        &mut rig,
        &[
            ("dora missing", "POST /Users null"),
            (
                "Sales members: - not boss@contoso.com",
                r#"PATCH /Groups/{Sales} [{"op":"Add","path":"members","value":[{"value":"{boss}"}]}]"#,
            ),
        ],
    );
}

fn refuse_writes(request: &Request, outcome: &mut Result<Response, TransportError>) {
    if request.method != Method::Get
        && let Ok(response) = outcome
    {
        response.status = 400;
    }
}

#[test]
fn a_deletion_that_is_answered_and_ignored_and_one_that_is_refused() {
    for (answer, why) in [(204, "yes"), (501, "refused")] {
        let mut rig = Rig::settled("");
        let fault: fn(&mut Request) = |request| {
            if request.method == Method::Delete {
                request.method = Method::Get;
            }
        };
        rig.fault(if answer == 204 {
            Fault { request: fault, ..HONEST }
        } else {
            Fault {
                request: fault,
                answer: |request, outcome| {
                    if request.method == Method::Delete {
                        outcome.as_mut().unwrap().status = 501;
                    }
                },
                ..HONEST
            }
        });
        rig.edit("cara", &Edit::Purge);
        let found = found(&mut rig);
        let (what, whose, guilty) = &found[0];
        assert_eq!(
            (what.as_str(), *whose, guilty.as_str()),
            ("cara orphan", "app", "DELETE /Users/{cara}"),
            "{why}"
        );
    }
}

#[test]
fn an_app_that_forgets_or_is_edited_has_no_request_to_blame() {
    let mut rig = Rig::settled("");
    let (ada, ben) = (rig.target_id("ada"), rig.target_id("ben"));
    rig.by_hand(Method::Delete, &format!("Users/{ada}"), None);
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "title", "value": "Hacker" }],
    });
    rig.by_hand(Method::Patch, &format!("Users/{ben}"), Some(&patch));
    let found = found(&mut rig);
    let told: Vec<_> =
        found.iter().map(|(what, whose, guilty)| (what.as_str(), *whose, guilty.as_str())).collect();
    assert!(told.contains(&("ada missing", "app", "nobody")), "{told:?}");
    assert!(told.contains(&("ben title: Hacker not Clerk", "app", "nobody")), "{told:?}");
}

#[test]
fn a_second_account_after_a_restore() {
    let mut rig = Rig::settled("");
    rig.edit("cara", &Edit::Delete);
    rig.cycle();
    assert!(rig.ask().is_clean());
    rig.fault(Fault {
        after: |app, besides, request, _now| {
            let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
            if request.method == Method::Patch && body.contains("\"True\"") {
                let id = request.url.rsplit('/').next().unwrap();
                let held = app.resources().find(|resource| resource["id"] == id).unwrap();
                let mut twin = held.clone();
                twin["id"] = json!("twin");
                besides.push(twin);
            }
        },
        ..HONEST
    });
    rig.edit("cara", &Edit::Restore);
    let found = found(&mut rig);
    let orphan = found.iter().find(|(what, ..)| what == "cara orphan").unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(
        (orphan.1, orphan.2.as_str()),
        ("app", r#"PATCH /Users/{cara} [{"op":"Replace","path":"active","value":"True"}]"#)
    );
}

#[test]
fn reads_that_lag_behind_writes_make_a_second_account() {
    // A linked account is not found by its id, nor by its name: it is made again.
    let mut rig = Rig::settled("");
    rig.fault(Fault {
        answer: |request, outcome| {
            let response = outcome.as_mut().unwrap();
            if request.method != Method::Get || !request.url.contains("/Users") {
                return;
            }
            if request.url.contains("filter=") {
                response.status = 200;
                response.body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    "totalResults": 0, "Resources": [],
                })
                .to_string()
                .into_bytes();
            } else {
                response.status = 404;
                response.body = b"{}".to_vec();
            }
        },
        request: |request| {
            if request.method == Method::Post {
                // A lagging app does not see that the name is taken.
                edit_json(request.body.as_mut().unwrap(), |body| {
                    body["userName"] = json!("ada@contoso.com ");
                });
            }
        },
        ..HONEST
    });
    rig.set("ada", "jobTitle", "Boss");
    let found = found(&mut rig);
    let orphan = found.iter().find(|(what, ..)| what == "ada orphan").unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(orphan.1, "app");
    assert!(orphan.2.starts_with("GET /Users/"), "{found:?}");
}

#[test]
fn a_reply_that_is_lost_or_means_nothing_after_the_commit_converges() {
    type Answer = fn(&Request, &mut Result<Response, TransportError>);
    let answers: [Answer; 3] = [
        |request, outcome| {
            if request.method == Method::Post {
                *outcome = Err(TransportError::Connect("cut off".to_owned()));
            }
        },
        |request, outcome| {
            if request.method == Method::Post {
                outcome.as_mut().unwrap().status = 500;
            }
        },
        |request, outcome| {
            if request.method == Method::Post {
                outcome.as_mut().unwrap().body = b"<html>".to_vec();
            }
        },
    ];
    for answer in answers {
        let mut rig = Rig::settled("");
        rig.fault(Fault { answer, ..HONEST });
        rig.assign("dora", true);
        let found = found(&mut rig);
        let told: Vec<_> =
            found.iter().map(|(what, whose, guilty)| (what.as_str(), *whose, guilty.as_str())).collect();
        assert_eq!(
            told,
            [("dora missing", "app", "POST /Users null"), ("dora orphan", "app", "POST /Users null")],
            "it has an account that nobody was told of"
        );
        rig.fault(HONEST);
        rig.run(Purpose::CycleByHand);
        let report = rig.ask();
        assert_eq!(report.findings, [], "{}", rig.told(&report));
    }
}

#[test]
fn a_defect_of_ours_is_called_one() {
    // Planted: a change that the watermark has passed without a request, and a group that lost a member unasked.
    let mut rig = Rig::settled("");
    rig.set("ada", "jobTitle", "Boss");
    rig.member("Sales", "boss", true);
    let mut row = rig.store.job("job").unwrap().unwrap();
    row.watermark = Some(rig.store.last_seq().unwrap());
    rig.store.save_job(&row).unwrap();
    let report = rig.ask();
    let found: Vec<_> = report.findings.iter().map(|finding| (about(finding), whose(finding))).collect();
    assert!(found.contains(&("ada title: Clerk not Boss".to_owned(), "ours")), "{}", rig.told(&report));
    assert!(
        found.contains(&("Sales members: - not boss@contoso.com".to_owned(), "ours")),
        "{}",
        rig.told(&report)
    );
    assert!(!report.is_clean());
    // Planted: the account of somebody who is assigned is deleted by us.
    let mut rig = Rig::settled("");
    rig.store.drop_link("job", kind("ben"), &super::rig::id("ben")).unwrap();
    let report = rig.ask();
    let found: Vec<_> = report.findings.iter().map(|finding| (about(finding), whose(finding))).collect();
    assert!(found.contains(&("ben missing".to_owned(), "ours")), "{}", rig.told(&report));
}

#[test]
fn what_no_cycle_has_taken_up_is_waiting_and_no_finding() {
    let mut rig = Rig::settled("");
    rig.set("ada", "jobTitle", "Boss");
    let report = rig.ask();
    assert_eq!((report.findings.len(), report.waiting), (0, vec!["ada@contoso.com".to_owned()]));
    rig.cycle();
    let report = rig.ask();
    assert_eq!((report.findings.len(), report.waiting.len()), (0, 0));
    assert_eq!((report.compared.users, report.compared.groups), (4, 1));
}
