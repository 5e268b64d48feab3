//! Each test, and a fault that it is there to find.

use std::collections::BTreeSet;
use std::sync::Mutex;

use scimulator::covers;
use scimulator::http::{Method, Request, Response};
use scimulator::preflight::judge::SET_UP;
use scimulator::preflight::{ClientCredentials, Grade, Kind, Options, TESTS, Word};
use serde_json::{Value, json};

use super::{against, federated, options, run, told, verdicts};
use crate::common::edit_json;
use crate::compatibility::{Fault, HONEST, serve};

/// What a server does to an answer.
type Answer = fn(&Request, &mut Response);

fn body(request: &mut Request, change: impl FnOnce(&mut Value)) {
    if let Some(body) = &mut request.body {
        edit_json(body, change);
    }
}

fn text(request: &Request) -> String {
    String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned()
}

fn replaced(response: &mut Response, from: &str, to: &str) {
    response.body = String::from_utf8_lossy(&response.body).replace(from, to).into_bytes();
}

/// Takes the operations out of a PATCH that `goes` names, and members of path-less values likewise. Something harmless
/// stays: an empty PATCH would be refused.
fn without(request: &mut Request, goes: fn(&str, &str) -> bool) {
    if request.method != Method::Patch {
        return;
    }
    let is_user = request.url.contains("/Users/");
    body(request, |body| {
        let Some(operations) = body["Operations"].as_array_mut() else { return };
        operations.retain_mut(|operation| {
            let op = operation["op"].as_str().unwrap_or_default().to_ascii_lowercase();
            let Some(path) = operation["path"].as_str() else {
                if let Some(value) = operation["value"].as_object_mut() {
                    value.retain(|name, _| !goes(&op, name));
                }
                return true;
            };
            !goes(&op, path)
        });
        let harmless = if is_user { "nickName" } else { "externalId" };
        operations.push(json!({ "op": "replace", "path": harmless, "value": "x" }));
    });
}

fn is_filter(request: &Request) -> bool {
    request.method == Method::Get && request.url.contains("filter=")
}

fn nothing_found(response: &mut Response) {
    let list = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
    });
    response.body = list.to_string().into_bytes();
}

/// An empty list is told as 404 (X16).
const EMPTY_IS_404: Fault = Fault {
    response: |request, response| {
        if is_filter(request) && String::from_utf8_lossy(&response.body).contains("\"totalResults\":0") {
            response.status = 404;
        }
    },
    ..HONEST
};

/// The name of an account or group stays what it was.
const NAMES_STAY: Fault = Fault {
    request: |request| without(request, |_, path| ["userName", "displayName"].contains(&path)),
    ..HONEST
};

/// `active` comes back as text (W-211).
const ACTIVE_AS_TEXT: Fault = Fault {
    response: |_, response| {
        replaced(response, "\"active\":false", "\"active\":\"False\"");
        replaced(response, "\"active\":true", "\"active\":\"True\"");
    },
    ..HONEST
};

/// Whoever is disabled is hidden from filters.
const INACTIVE_ARE_HIDDEN: Fault = Fault {
    response: |request, response| {
        if is_filter(request) && String::from_utf8_lossy(&response.body).contains("\"active\":false") {
            nothing_found(response);
        }
    },
    ..HONEST
};

/// Deletes are accepted and forgotten.
const NOTHING_IS_DELETED: Fault = Fault {
    request: |request| {
        if request.method == Method::Delete {
            request.method = Method::Get;
        }
    },
    response: |request, response| {
        if request.method == Method::Delete {
            response.status = 204;
            response.body.clear();
        }
    },
};

const MANAGERS_ARE_IGNORED: Fault =
    Fault { request: |request| without(request, |_, path| path.contains(":manager")), ..HONEST };

const MEMBERS_ARE_IGNORED: Fault =
    Fault { request: |request| without(request, |_, path| path.starts_with("members")), ..HONEST };

const MEMBERS_STAY: Fault = Fault {
    request: |request| without(request, |op, path| op == "remove" && path.starts_with("members")),
    ..HONEST
};

const MEMBERS_ALWAYS_SHOWN: Fault = Fault {
    request: |request| request.url = request.url.replace("excludedAttributes=members", "x=y"),
    ..HONEST
};

const NO_EXTERNAL_ID_IN_SCHEMAS: Fault = Fault {
    response: |request, response| {
        if request.url.ends_with("/Schemas") {
            replaced(response, "\"externalId\"", "\"externalKey\"");
        }
    },
    ..HONEST
};

const NO_GROUP_IN_SCHEMAS: Fault = Fault {
    response: |request, response| {
        if request.url.ends_with("/Schemas") {
            replaced(response, "core:2.0:Group", "core:2.0:Team");
        }
    },
    ..HONEST
};

/// Empty text and null are refused.
const NOTHING_IS_CLEARED: Fault = Fault {
    response: |request, response| {
        if request.method == Method::Patch && text(request).contains("\"value\":\"\"") {
            response.status = 400;
        }
    },
    ..HONEST
};

const NO_ID_IN_ANSWERS: Fault = Fault {
    response: |request, response| {
        if request.method == Method::Post {
            edit_json(&mut response.body, |body| {
                drop(body.as_object_mut().map(|body| body.shift_remove("id")));
            });
        }
    },
    ..HONEST
};

/// A PATCH is answered as if it had been done.
const PATCHES_ARE_IGNORED: Fault = Fault {
    request: |request| {
        if request.method == Method::Patch {
            request.method = Method::Get;
            request.body = None;
        }
    },
    ..HONEST
};

const NO_START_INDEX: Fault = Fault {
    response: |request, response| {
        if request.url.contains("count=5") {
            edit_json(&mut response.body, |body| {
                drop(body.as_object_mut().map(|body| body.shift_remove("startIndex")));
            });
        }
    },
    ..HONEST
};

/// Filters mind letter case.
const CASE_MATTERS: Fault = Fault {
    response: |request, response| {
        let value = request.url.split("%22").nth(1).unwrap_or_default().replace("%40", "@");
        if is_filter(request) && !String::from_utf8_lossy(&response.body).contains(&value) {
            nothing_found(response);
        }
    },
    ..HONEST
};

/// A name that is taken is answered with 201.
const NAMES_REPEAT: Fault = Fault {
    response: |request, response| {
        if request.method == Method::Post && response.status == 409 {
            response.status = 201;
        }
    },
    ..HONEST
};

/// A part of what was posted is dropped.
const POSTS_LOSE_VALUES: Fault = Fault {
    request: |request| {
        if request.method == Method::Post {
            body(request, |body| {
                body.as_object_mut().map(|body| body.shift_remove("title"));
                body.as_object_mut().map(|body| body.shift_remove("externalId"));
            });
        }
    },
    ..HONEST
};

/// Lists say one more than there is.
const ONE_TOO_MANY: Fault = Fault {
    response: |request, response| {
        if is_filter(request) {
            replaced(response, "\"totalResults\":0", "\"totalResults\":1");
        }
    },
    ..HONEST
};

/// Whoever takes one member out of a group takes out all: the classic.
const ONE_REMOVAL_WIPES: Fault = Fault {
    request: |request| {
        body(request, |body| {
            for operation in body["Operations"].as_array_mut().into_iter().flatten() {
                let is_removal = operation["op"].as_str().is_some_and(|op| op.eq_ignore_ascii_case("remove"));
                if is_removal && operation["path"].as_str().is_some_and(|path| path.starts_with("members")) {
                    operation["path"] = json!("members");
                    operation.as_object_mut().map(|operation| operation.shift_remove("value"));
                }
            }
        });
    },
    ..HONEST
};

/// The operations of a PATCH are done from the last to the first.
const LAST_OPERATION_FIRST: Fault = Fault {
    request: |request| {
        body(request, |body| {
            if let Some(operations) = body["Operations"].as_array_mut() {
                operations.reverse();
            }
        });
    },
    ..HONEST
};

/// Which tests a fault must not get past.
const FAULTS: [(&str, Fault, &[&str]); 20] = [
    ("an empty list is told as 404", EMPTY_IS_404, &["A1", "A2", "A7", "A8", "A13", "B4", "B16"]),
    ("names stay what they were", NAMES_STAY, &["A2", "A9", "A18", "A20", "B6", "B7", "B21", "B25", "P1"]),
    ("active comes back as text", ACTIVE_AS_TEXT, &["A3", "A6", "B1", "B8"]),
    ("the disabled are hidden", INACTIVE_ARE_HIDDEN, &["A3", "B8"]),
    ("nothing is deleted", NOTHING_IS_DELETED, &["A4", "A10", "A14", "B12", "B24", "P3", "P4", "P6", "P7"]),
    ("managers are ignored", MANAGERS_ARE_IGNORED, &["A5", "A25", "B9", "B10", "B11"]),
    ("members are ignored", MEMBERS_ARE_IGNORED, &["A11", "A12", "B22", "B23"]),
    ("members stay", MEMBERS_STAY, &["A12", "B23", "P5"]),
    ("one removal wipes all", ONE_REMOVAL_WIPES, &["B23"]),
    ("the last operation goes first", LAST_OPERATION_FIRST, &["P2", "P5"]),
    ("members are always shown", MEMBERS_ALWAYS_SHOWN, &["B13", "B14"]),
    ("an attribute is not advertised", NO_EXTERNAL_ID_IN_SCHEMAS, &["A15"]),
    ("/Schemas has no Group", NO_GROUP_IN_SCHEMAS, &["A8", "A9", "A11", "A12", "A13", "A15"]),
    ("empty text is refused", NOTHING_IS_CLEARED, &["A16", "A25"]),
    ("no id in answers", NO_ID_IN_ANSWERS, &["A17", "A19"]),
    (
        "patches are ignored",
        PATCHES_ARE_IGNORED,
        &["A2", "A3", "A16", "A18", "A20", "B6", "B7", "B8", "B20", "B21", "B25", "P1", "P2"],
    ),
    ("pages have no startIndex", NO_START_INDEX, &["A23", "A24"]),
    ("filters mind letter case", CASE_MATTERS, &["B5", "B17"]),
    ("a name may be taken twice", NAMES_REPEAT, &["B2", "B19"]),
    ("posts lose values", POSTS_LOSE_VALUES, &["B1", "B3", "B15", "B18"]),
];

#[test]
fn every_test_fails_on_a_fault_that_it_is_there_to_find() {
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    for (what, fault, ids) in FAULTS {
        let tested = against(fault, ids);
        assert_eq!(tested.len(), ids.len(), "{what}: a number is wrong");
        for (id, tested) in tested {
            // What is optional or a preview is tolerated by the documents, and the official run says so.
            let wanted = match tested.test.kind {
                Kind::Mandatory => Grade::Failed,
                Kind::Optional | Kind::Preview => Grade::Tolerated,
            };
            assert_eq!(tested.grade, wanted, "{what}: {id}: {}", told(&tested));
            let reached = tested.findings().iter().all(|check| check.phase != SET_UP);
            assert!(reached, "{what}: {id}: it is not the set-up that is to fail: {}", told(&tested));
            failed.insert(id);
        }
    }
    // These need an app with a token endpoint, whose answer has none here.
    for id in ["A21", "A22"] {
        let tested = federated::failing(id);
        assert_eq!(tested.grade, Grade::Failed, "{id}: {}", told(&tested));
        failed.insert(id);
    }
    let all: BTreeSet<&str> = TESTS.iter().map(|test| test.id).collect();
    assert_eq!(failed, all, "each test has a fault on which it fails; to be skipped is not to fail");
    covers!("W-189", "W-190", "W-192", "W-193", "W-194", "W-195", "W-196", "W-197", "W-206");
}

#[test]
fn the_two_verdicts_differ_where_the_official_run_asserts_less_or_more() {
    // The last word of X5: whether the member was ever there does not enter.
    let tested = against(MEMBERS_ARE_IGNORED, &["A11"]);
    assert_eq!(verdicts(&tested["A11"]), (Grade::Failed, Word::Passed), "{}", told(&tested["A11"]));
    // A target that takes access away by hiding the account, and gives it back (W-207).
    let tested = against(INACTIVE_ARE_HIDDEN, &["A6"]);
    assert_eq!(verdicts(&tested["A6"]), (Grade::Tolerated, Word::Failed), "{}", told(&tested["A6"]));
    // The official run reads the job's mapping, where the documents say /Schemas (X6).
    let tested = against(NO_GROUP_IN_SCHEMAS, &["A8", "A10"]);
    assert_eq!(verdicts(&tested["A8"]), (Grade::Failed, Word::Passed));
    assert_eq!(verdicts(&tested["A10"]), (Grade::Tolerated, Word::Passed));
    // An optional test that fails is a warning.
    let tested = against(NOTHING_IS_DELETED, &["A4"]);
    assert_eq!(verdicts(&tested["A4"]), (Grade::Tolerated, Word::Warning));
    let of_kind = |kind: Kind| -> Vec<&str> {
        TESTS.iter().filter(|test| test.kind == kind).map(|test| test.name).collect()
    };
    let optional =
        ["Delete_User_Test", "Delete_Group_Test", "Restore_Group_Test", "SCIM_Group_Pagination_Test"];
    assert_eq!(of_kind(Kind::Optional), optional);
    assert_eq!(of_kind(Kind::Preview).len(), 7);
    // Wrong attributes on create are compared by nobody but us.
    let tested = against(POSTS_LOSE_VALUES, &["A1"]);
    assert_eq!(verdicts(&tested["A1"]), (Grade::Tolerated, Word::Passed));
    assert!(told(&tested["A1"]).contains("`title` is missing"), "{}", told(&tested["A1"]));
    covers!("W-204", "W-207");
}

#[test]
fn lists_are_held_to_their_form() {
    let tested = against(ONE_TOO_MANY, &["B4", "B16"]);
    assert!(tested.values().all(|tested| tested.grade == Grade::Failed));
    assert!(told(&tested["B4"]).contains("`totalResults` is 0, got 1"), "{}", told(&tested["B4"]));
    let wrong_schema = Fault {
        response: |request, response| {
            if is_filter(request) {
                replaced(response, "2.0:ListResponse", "2.0:List");
            }
        },
        ..HONEST
    };
    let tested = against(wrong_schema, &["B3", "B4", "B15"]);
    assert!(
        tested
            .values()
            .all(|tested| told(tested).starts_with("GET /") && told(tested).contains("its schema"))
    );
    let no_schemas = Fault {
        response: |request, response| {
            if is_filter(request) {
                replaced(response, "\"schemas\"", "\"schemata\"");
            }
        },
        ..HONEST
    };
    let tested = against(no_schemas, &["B3", "B4"]);
    assert!(told(&tested["B3"]).contains("`schemas` does not name"), "{}", told(&tested["B3"]));
    assert!(told(&tested["B4"]).contains("no `schemas`"), "{}", told(&tested["B4"]));
    let absent_when_empty = Fault {
        response: |request, response| {
            if is_filter(request) {
                replaced(response, ",\"Resources\":[]", "");
            }
        },
        ..HONEST
    };
    let tested = against(absent_when_empty, &["B4", "B16"]);
    assert!(tested.values().all(|tested| tested.grade == Grade::Passed));
    let tested = against(ACTIVE_AS_TEXT, &["B1"]);
    assert!(
        told(&tested["B1"]).contains("`active` cannot be parsed as type Boolean"),
        "{}",
        told(&tested["B1"])
    );
    covers!("W-198", "W-199", "W-211");
}

#[test]
fn what_the_validator_does_not_mind_fails_nothing() {
    let easy_going = Fault {
        response: |request, response| {
            response.headers.retain(|(name, _)| name != "Location" && name != "ETag");
            for (name, value) in &mut response.headers {
                if name.eq_ignore_ascii_case("Content-Type") {
                    *value = "application/json".to_owned();
                }
            }
            if 400 <= response.status {
                edit_json(&mut response.body, |body| body["status"] = json!(response.status));
            }
            if request.method == Method::Patch && request.url.contains("/Groups/") {
                response.status = 200;
                response.body.clear();
            }
        },
        ..HONEST
    };
    let report = run(&options(&serve(easy_going), &[]));
    for tested in report.asked().filter(|tested| tested.skipped.is_none()) {
        assert_eq!(tested.grade, Grade::Passed, "{}: {}", tested.test.id, told(tested));
    }
    assert_eq!(report.warnings.len(), 1);
    assert!(
        report.warnings[0].contains("are application/json, not application/scim+json"),
        "{:?}",
        report.warnings
    );
    covers!("W-200");
}

#[test]
fn two_entries_of_one_type_are_told_as_unsupported() {
    let repeated = Fault {
        response: |request, response| {
            if is_filter(request) {
                edit_json(&mut response.body, |body| {
                    for resource in body["Resources"].as_array_mut().into_iter().flatten() {
                        if let Some(emails) = resource["emails"].as_array_mut() {
                            emails.push(json!({ "type": "work", "value": "b@x.example" }));
                        }
                    }
                });
            }
        },
        ..HONEST
    };
    let tested = against(repeated, &["B1"]);
    assert_eq!(tested["B1"].grade, Grade::Tolerated);
    assert!(told(&tested["B1"]).ends_with("got emails of type work"), "{}", told(&tested["B1"]));
    covers!("W-212");
}

#[test]
fn the_form_of_schemas_is_looked_at() {
    let faults: [(Answer, &str); 3] = [
        (
            |request, response| {
                if request.url.ends_with("/Schemas") {
                    replaced(response, "2.0:ListResponse", "2.0:Schemas");
                }
            },
            "it is no ListResponse",
        ),
        (
            |request, response| {
                if request.url.ends_with("/Schemas") {
                    edit_json(&mut response.body, |body| body["Resources"][0]["description"] = Value::Null);
                }
            },
            "has members that are null",
        ),
        (
            |request, response| {
                if request.url.ends_with("/Schemas") {
                    replaced(response, "\"name\":\"title\"", "\"name\":\"Title\"");
                }
            },
            "has names that are not in camelCase: Title",
        ),
    ];
    for (response, wanted) in faults {
        let tested = against(Fault { response, ..HONEST }, &["A15"]);
        assert_eq!(verdicts(&tested["A15"]), (Grade::Failed, Word::Passed), "{wanted}");
        assert!(told(&tested["A15"]).contains(wanted), "{}", told(&tested["A15"]));
    }
    covers!("W-177");
}

#[test]
fn client_credentials_have_to_get_a_token_that_lives_long_enough_and_opens_the_endpoint() {
    fn issued(request: &Request, response: &mut Response, status: u16, expires_in: u64) {
        if request.url.ends_with("/token") {
            let form = text(request);
            let is_right = form.contains("grant_type=client_credentials")
                && form.contains("client_id=app")
                && form.contains("client_secret=s3cr3t%26")
                && form.contains("scope=scim");
            response.status = if is_right { status } else { 400 };
            response.body =
                json!({ "access_token": "issued-token", "expires_in": expires_in }).to_string().into_bytes();
        } else if request.header("Authorization").is_some_and(|it| it != "Bearer issued-token") {
            response.status = 401;
        }
    }
    let faults: [(Answer, (Grade, Word), &str); 5] = [
        (|request, response| issued(request, response, 200, 3600), (Grade::Passed, Word::Passed), ""),
        (
            |request, response| issued(request, response, 200, 3599),
            (Grade::Tolerated, Word::Failed),
            "3599 seconds",
        ),
        (
            |request, response| issued(request, response, 200, 21_601),
            (Grade::Tolerated, Word::Failed),
            "21601 seconds",
        ),
        (
            |request, response| issued(request, response, 401, 3600),
            (Grade::Failed, Word::Failed),
            "Acquire_OAuth2_Token",
        ),
        (
            |request, response| {
                issued(request, response, 200, 3600);
                if request.header("Authorization") == Some("Bearer issued-token") {
                    response.status = 403;
                }
            },
            (Grade::Failed, Word::Failed),
            "SCIM_Validate_Get_Users: status 200, got 403",
        ),
    ];
    for (response, wanted, words) in faults {
        let url = serve(Fault { response, ..HONEST });
        let credentials = ClientCredentials {
            token_endpoint: format!("{url}/token"),
            id: "app".to_owned(),
            secret: "s3cr3t&".to_owned().into(),
            scope: Some("scim".to_owned()),
        };
        let report = run(&Options { credentials: Some(credentials), ..options(&url, &["A21"]) });
        let tested = report.asked().next().unwrap();
        assert_eq!(verdicts(tested), wanted, "{}", told(tested));
        assert!(told(tested).contains(words), "{}", told(tested));
        let shown = scimulator::preflight::report::to_json(&report).to_string();
        assert!(!shown.contains("s3cr3t") && !shown.contains("issued-token"), "{shown}");
        let passed = report.overall_as_run() == "Succeeded";
        assert_eq!(passed, wanted.1 == Word::Passed, "one of the two authentication tests has to pass");
    }
    covers!("W-020");
}

/// What was asked for, of the tests that look at it.
static SENT: Mutex<Vec<(Method, String, Value)>> = Mutex::new(Vec::new());

#[test]
fn the_requests_are_those_of_the_suites() {
    let recording = Fault {
        request: |request| {
            let body =
                serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
            SENT.lock().unwrap().push((request.method, request.url.clone(), body));
        },
        ..HONEST
    };
    let operations = |ids: &[&str]| -> Vec<Value> {
        SENT.lock().unwrap().clear();
        let tested = against(recording, ids);
        assert!(tested.values().all(|tested| tested.grade == Grade::Passed));
        let sent = SENT.lock().unwrap();
        let patches = sent.iter().filter(|(method, ..)| *method == Method::Patch);
        patches.flat_map(|(_, _, body)| body["Operations"].as_array().unwrap().clone()).collect()
    };
    for (id, op) in [("B6", "replace"), ("B25", "add")] {
        let sent = operations(&[id]);
        assert_eq!(sent.len(), 36, "{id}");
        assert!(sent.iter().all(|it| it["op"] == op && it["path"].is_string()), "{id}");
    }
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    assert_eq!(operations(&["B11"]), [json!({ "op": "replace", "path": manager, "value": { "value": "" } })]);
    let sent = operations(&["A25"]);
    let ops: Vec<&str> = sent.iter().map(|it| it["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["Add", "replace", "replace"]);
    assert!(sent.iter().all(|it| it["path"] == manager && it["value"].is_string()), "{sent:?}");
    assert_eq!(sent[2]["value"], "");
    assert_eq!(operations(&["B8"]), [json!({ "op": "replace", "path": "active", "value": false })]);
    // Two readings of the same update: empty text, then null (`preflight.md 2.8`).
    let sent = operations(&["A16"]);
    let bare =
        |value: &Value| sent.iter().filter(|it| it["value"] == *value && it["path"].is_string()).count();
    assert_eq!((bare(&json!("")), bare(&Value::Null)), (10, 10), "{sent:?}");
    let merged: Vec<_> = sent.iter().filter(|it| it["path"].is_null()).collect();
    assert_eq!(merged.len(), 2);
    assert_eq!(merged[0]["value"].as_object().unwrap().len(), 8, "{:?}", merged[0]);
    // Pages of five, until all is read.
    operations(&["A23"]);
    let sent = SENT.lock().unwrap();
    let pages = sent.iter().filter(|(_, url, _)| url.ends_with("count=5")).count();
    assert_eq!(pages, 4, "the count, and three pages of eleven");
    covers!("W-191", "W-194", "W-205", "W-206");
}
