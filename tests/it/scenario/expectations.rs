//! Each kind of expectation holds where it should, and where it does not, it says where it is written, what was
//! expected, what there is, and which request is to blame.

use super::{fails, passes, place_of};

/// An initial cycle, and 40 minutes later Adele is blocked, Ben leaves the group that he is assigned by, and Joe is
/// refused by the app.
const STORY: &str = r#"
[[step]]
do = "initial cycle"
[[step]]
at = "+40m"
edit = [
  { user = "adele@contoso.com", disable = true, set = { department = "Support" } },
  { group = "Sales", remove_members = ["ben@contoso.com"] },
  { user = "joe@contoso.com", add = { displayName = "Joe", mailNickname = "joe" }, assign = true },
]
fault = { target = "error", status = 400, method = "POST", user = "joe@contoso.com" }
"#;

struct Case {
    /// What holds at the end of the story.
    holds: &'static str,
    /// What does not.
    fails: &'static str,
    /// What of it the place of the failure is that of.
    mark: &'static str,
    key: &'static str,
    expected: &'static str,
    /// Part of what there is instead.
    got: &'static str,
    /// Parts of the request to blame, in this order; none when there is nobody to blame.
    guilty: &'static [&'static str],
}

#[track_caller]
fn check(case: &Case) {
    passes(&format!("{STORY}{}\n", case.holds));
    let steps = format!("{STORY}{}\n", case.fails);
    let (failure, guilty) = fails(&steps);
    assert_eq!((failure.place.line, failure.place.column), place_of(&steps, case.mark), "{}", case.fails);
    assert_eq!((failure.step, failure.key.as_str()), (2, case.key));
    assert_eq!(failure.expected, case.expected);
    assert_eq!(failure.at.to_string(), "2026-01-05T08:40:00Z");
    assert!(failure.got.contains(case.got), "`{}` is missing in `{}`", case.got, failure.got);
    let mut rest = guilty.as_str();
    for part in case.guilty {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` is missing in `{guilty}`"));
        rest = &rest[at..];
    }
    assert_eq!(case.guilty.is_empty(), guilty.is_empty(), "{guilty}");
}

#[test]
fn requests_by_method_path_status_operations_body_and_object() {
    check(&Case {
        holds: r#"expect.requests = [
            { method = "GET", path = "/Users/{adele@contoso.com}", status = 200 },
            { method = "GET", path = "/Users?filter=userName eq \"joe@contoso.com\"" },
        ]"#,
        fails: r#"expect.requests = [{ method = "GET", path = "/Users/{adele@contoso.com}", status = 404 }]"#,
        mark: r#"{ method = "GET", path"#,
        key: "expect.requests[1]",
        expected: "GET /Users/{adele@contoso.com} status 404",
        got: "status 200",
        guilty: &["GET", "/Users/", "200"],
    });
    check(&Case {
        holds: r#"expect.requests = [{ path = "/Users/{adele@contoso.com}", operations = [
            { op = "Replace", path = "active", value = "False" },
            { path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", value = "Support" },
        ] }]"#,
        fails: r#"expect.requests = [
            { object = "carla@contoso.com", count = 0 },
            { method = "PATCH", path = "/Users/{adele@contoso.com}", operations = [{ op = "Replace", path = "active", value = "False" }] },
        ]"#,
        mark: r#"{ method = "PATCH""#,
        key: "expect.requests[2]",
        expected: r#"PATCH /Users/{adele@contoso.com} operations [{"op":"Replace","path":"active","value":"False"}]"#,
        got: "Support",
        guilty: &["PATCH", "Replace active=False"],
    });
    check(&Case {
        holds: r#"expect.requests = [
            { method = "POST", object = "joe@contoso.com", status = 400, body = { userName = "joe@contoso.com" } },
        ]"#,
        fails: r#"expect.requests = [{ method = "POST", object = "joe@contoso.com", body = { userName = "jo@contoso.com" } }]"#,
        mark: r#"{ method = "POST", object"#,
        key: "expect.requests[1]",
        expected: r#"POST about joe@contoso.com body {"userName":"jo@contoso.com"}"#,
        got: r#""userName":"joe@contoso.com""#,
        guilty: &["POST", "/Users", "400"],
    });
    check(&Case {
        holds: r#"expect.requests = [{ method = "PATCH", path = "/Groups/{Sales}", operations = [
            { op = "Remove", path = "members", value = [{ value = "{ben@contoso.com}" }] },
        ] }]"#,
        fails: r#"expect.requests = [{ method = "PATCH", path = "/Groups/{Sales}", operations = [
            { op = "Remove", path = "members", value = [{ value = "{adele@contoso.com}" }] },
        ] }]"#,
        mark: r#"{ method = "PATCH", path = "/Groups"#,
        key: "expect.requests[1]",
        expected: r#"PATCH /Groups/{Sales} operations [{"op":"Remove","path":"members","value":[{"value":"{adele@contoso.com}"}]}]"#,
        got: r#""path":"members""#,
        guilty: &["PATCH", "/Groups/", "Remove members", "204"],
    });
    check(&Case {
        holds: r#"expect.requests = [{ method = "PATCH" }, { method = "PATCH" }, { method = "PATCH", path = "/Groups/{Sales}" }]"#,
        fails: r#"expect.requests = [{ method = "PATCH" }, { method = "PATCH" }, { method = "PATCH" }, { method = "PATCH" }]"#,
        mark: r#"{ method = "PATCH" }]"#,
        key: "expect.requests[4]",
        expected: "PATCH",
        got: "no such request among the",
        guilty: &[],
    });
}

#[test]
fn numbers_order_and_absence_of_requests() {
    check(&Case {
        holds: r#"expect.requests = [{ method = "POST", count = 1 }]"#,
        fails: r#"expect.requests = [{ method = "POST", count = 2 }]"#,
        mark: r#"{ method = "POST", count"#,
        key: "expect.requests[1]",
        expected: "2 times POST",
        got: "1 times",
        guilty: &["POST", "joe@contoso.com"],
    });
    check(&Case {
        holds: r#"expect = { ordered = true, requests = [
            { method = "GET", path = "/Users/{adele@contoso.com}" }, { method = "PATCH", path = "/Users/{adele@contoso.com}" },
        ] }"#,
        fails: r#"expect = { ordered = true, requests = [
            { method = "PATCH", path = "/Users/{adele@contoso.com}" }, { method = "GET", path = "/Users/{adele@contoso.com}" },
        ] }"#,
        mark: r#"{ method = "GET", path = "/Users/{adele"#,
        key: "expect.requests[2]",
        expected: "GET /Users/{adele@contoso.com}",
        got: "out of order",
        guilty: &["GET", "/Users/"],
    });
    check(&Case {
        holds: r#"expect = { only = true, requests = [
            { object = "adele@contoso.com" }, { object = "adele@contoso.com" }, { object = "joe@contoso.com" },
            { object = "joe@contoso.com" }, { path = "/Groups/{Sales}" }, { path = "/Groups/{Sales}" },
            { object = "ben@contoso.com" }, { object = "ben@contoso.com" },
        ] }"#,
        fails: r#"expect = { only = true, requests = [
            { object = "adele@contoso.com" }, { object = "adele@contoso.com" }, { object = "joe@contoso.com" },
            { object = "joe@contoso.com" }, { method = "GET", path = "/Groups/{Sales}" },
            { object = "ben@contoso.com" }, { object = "ben@contoso.com" },
        ] }"#,
        mark: r#"{ object = "adele@contoso.com" }, { object = "adele@contoso.com" }"#,
        key: "expect.only",
        expected: "no other requests",
        got: "PATCH",
        guilty: &["PATCH", "/Groups/"],
    });
    check(&Case {
        holds: r#"expect.no_requests = [{ method = "DELETE" }, { object = "zoe@contoso.com" }]"#,
        fails: r#"expect.no_requests = [{ method = "DELETE" }, { method = "PATCH", object = "adele@contoso.com" }]"#,
        mark: r#"{ method = "PATCH", object"#,
        key: "expect.no_requests[2]",
        expected: "no PATCH about adele@contoso.com",
        got: "PATCH",
        guilty: &["PATCH", "Replace active=False"],
    });
}

#[test]
fn attributes_managers_members_and_numbers_of_the_target() {
    check(&Case {
        holds: r#"expect.target.user."adele@contoso.com" = { active = false, name.givenName = "Adele", "emails[type eq \"work\"].value" = "adele@contoso.com" }"#,
        fails: r#"expect.target.user."adele@contoso.com" = { name.givenName = "Adele", active = true }"#,
        mark: "true }\n",
        key: r#"expect.target.user."adele@contoso.com".active"#,
        expected: "true",
        got: "false",
        guilty: &["PATCH", "/Users/", "Replace active=False", "200"],
    });
    check(&Case {
        holds: r#"expect.target.user."adele@contoso.com"."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".department = "Support""#,
        fails: r#"expect.target.user."adele@contoso.com"."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "Sales""#,
        mark: "\"Sales\"\n",
        key: r#"expect.target.user."adele@contoso.com".urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"#,
        expected: r#""Sales""#,
        got: r#""Support""#,
        guilty: &["PATCH", "Support"],
    });
    check(&Case {
        holds: r#"expect.target.user."ben@contoso.com".title.absent = true"#,
        fails: r#"expect.target.user."ben@contoso.com".displayName.absent = true"#,
        mark: "displayName.absent",
        key: r#"expect.target.user."ben@contoso.com".displayName"#,
        expected: "absent",
        got: r#""Ben Ito""#,
        guilty: &["POST", "ben@contoso.com", "201"],
    });
    check(&Case {
        holds: r#"expect.target.user."zoe@contoso.com".absent = true"#,
        fails: r#"expect.target.user."carla@contoso.com".absent = true"#,
        mark: "true\n",
        key: r#"expect.target.user."carla@contoso.com".absent"#,
        expected: "it is not in the target",
        got: "it is in the target, as ",
        guilty: &["POST", "carla@contoso.com", "201"],
    });
    check(&Case {
        holds: r#"expect.target.user."carla@contoso.com".absent = false"#,
        fails: r#"expect.target.user."joe@contoso.com".active = true"#,
        mark: "true\n",
        key: r#"expect.target.user."joe@contoso.com".active"#,
        expected: "true",
        got: "it is not in the target",
        guilty: &["POST", "joe@contoso.com", "400"],
    });
    check(&Case {
        holds: r#"expect.target.user."adele@contoso.com".manager = "carla@contoso.com""#,
        fails: r#"expect.target.user."adele@contoso.com".manager = "ben@contoso.com""#,
        mark: "\"ben@contoso.com\"\n",
        key: r#"expect.target.user."adele@contoso.com".manager"#,
        expected: r#""ben@contoso.com""#,
        got: "carla@contoso.com",
        guilty: &["PATCH", "manager="],
    });
    check(&Case {
        holds: r#"expect.target.group."Sales".members = ["adele@contoso.com"]"#,
        fails: r#"expect.target.group."Sales".members = ["ben@contoso.com", "adele@contoso.com"]"#,
        mark: "[\"ben@contoso.com\", \"adele",
        key: r#"expect.target.group."Sales".members"#,
        expected: r#"["ben@contoso.com","adele@contoso.com"]"#,
        got: "adele@contoso.com",
        guilty: &["PATCH", "Remove members"],
    });
    check(&Case {
        holds: "expect.target.users = 3",
        fails: "expect.target.users = 4",
        mark: "4\n",
        key: "expect.target.users",
        expected: "4",
        got: "3: carla@contoso.com, adele@contoso.com, ben@contoso.com",
        guilty: &["POST", "/Users"],
    });
    check(&Case {
        holds: "expect.target.groups = 1",
        fails: "expect.target.groups = 0",
        mark: "0\n",
        key: "expect.target.groups",
        expected: "0",
        got: "1: Sales",
        guilty: &["POST", "/Groups"],
    });
}

/// Nobody waits for somebody whom the job gave up, and yet he is not provisioned.
#[test]
fn whom_the_job_gave_up_is_no_escrow_and_not_forgotten() {
    let story = format!("[job.fidelity]\nescrow_give_up = \"30m\"\n{STORY}");
    let code = "SystemForCrossDomainIdentityManagementServiceIncompatible";
    passes(&format!(
        "{story}expect.job = {{ escrows = 0, given_up = 1, escrow.\"joe@contoso.com\" = \"{code}\" }}\n"
    ));
    let (failure, guilty) = fails(&format!("{story}expect.job.given_up = 0\n"));
    assert_eq!((failure.key.as_str(), failure.expected.as_str()), ("expect.job.given_up", "0"));
    assert!(failure.got.starts_with("1: joe@contoso.com create"), "{}", failure.got);
    assert!(guilty.contains("POST"), "{guilty}");
    // While somebody is tried again, nobody is given up.
    passes(&format!("{STORY}expect.job = {{ escrows = 1, given_up = 0 }}\n"));
}

/// A target applies operations in sequence (RFC 7644 §3.5.2), so that their order can be expected.
#[test]
fn operations_count_in_sequence_where_order_is_expected() {
    let active = r#"{ op = "Replace", path = "active", value = "False" }"#;
    let support = r#"{ path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", value = "Support" }"#;
    let patch = |ordered: bool, one: &str, two: &str| {
        format!(
            "expect = {{ ordered = {ordered}, requests = [{{ path = \"/Users/{{adele@contoso.com}}\", operations = [\n\
             {one},\n{two},\n] }}] }}"
        )
    };
    for (one, two) in [(active, support), (support, active)] {
        passes(&format!("{STORY}{}\n", patch(false, one, two)));
    }
    let both = [(active, support), (support, active)]
        .map(|(one, two)| super::played(&format!("{STORY}{}\n", patch(true, one, two))).verdict.as_str());
    assert_eq!(both.iter().filter(|verdict| **verdict == "passed").count(), 1, "{both:?}");
    assert_eq!(both.iter().filter(|verdict| **verdict == "failed").count(), 1, "{both:?}");
}

#[test]
fn the_job_its_escrows_and_its_log() {
    let job = |holds, fails, mark, key, expected, got, guilty| Case {
        holds,
        fails,
        mark,
        key,
        expected,
        got,
        guilty,
    };
    let refused: &[&str] = &["POST", "joe@contoso.com", "400"];
    let word = "\"Paused\"\n";
    check(&job(
        "expect.job.status = \"Active\"",
        "expect.job.status = \"Paused\"",
        word,
        "expect.job.status",
        "Paused",
        "Active",
        refused,
    ));
    check(&job(
        "expect.job.schedule = \"Active\"",
        "expect.job.schedule = \"Paused\"",
        word,
        "expect.job.schedule",
        "Paused",
        "Active",
        refused,
    ));
    check(&job(
        "expect.job.quarantine = \"none\"",
        "expect.job.quarantine = \"TooManyDeletes\"",
        "\"TooMany",
        "expect.job.quarantine",
        "TooManyDeletes",
        "none",
        refused,
    ));
    check(&job(
        "expect.job.result = \"EntryLevelErrors\"",
        "expect.job.result = \"Succeeded\"",
        "\"Succeeded",
        "expect.job.result",
        "Succeeded",
        "EntryLevelErrors",
        refused,
    ));
    check(&job(
        "expect.job.escrows = 1",
        "expect.job.escrows = 0",
        "0\n",
        "expect.job.escrows",
        "0",
        "1: joe@contoso.com create",
        refused,
    ));
    check(&job("expect.job.held = 0", "expect.job.held = 2", "2\n", "expect.job.held", "2", "0", &[]));
    check(&job("expect.job.cycles = 1", "expect.job.cycles = 3", "3\n", "expect.job.cycles", "3", "1", &[]));
    check(&job(
        "expect.job.escrow.\"joe@contoso.com\" = \"SystemForCrossDomainIdentityManagementServiceIncompatible\"",
        "expect.job.escrow.\"joe@contoso.com\" = \"none\"",
        "\"none\"",
        "expect.job.escrow.\"joe@contoso.com\"",
        "none",
        "SystemForCrossDomainIdentityManagementServiceIncompatible: ",
        refused,
    ));
    check(&job(
        "expect.log = [{ object = \"adele@contoso.com\", action = \"disable\", status = \"success\" }]",
        "expect.log = [{ object = \"adele@contoso.com\", action = \"delete\" }]",
        "{ object = \"adele@contoso.com\", action",
        "expect.log[1]",
        "an entry of the log: adele@contoso.com delete",
        "adele@contoso.com disable success",
        &["PATCH", "Replace active=False"],
    ));
    check(&job(
        "expect.no_log = [{ status = \"failure\", object = \"ben@contoso.com\" }]",
        "expect.no_log = [{ status = \"failure\" }]",
        "{ status = \"failure\" }",
        "expect.no_log[1]",
        "no entry of the log: failure",
        "joe@contoso.com create failure SystemForCrossDomainIdentityManagementServiceIncompatible",
        &[],
    ));
}

#[test]
fn what_time_moves_until_must_come_to_hold() {
    passes("[[step]]\nuntil = \"job.active\"\nadvance = \"1h\"\nexpect.job.cycles = 1\n");
    let steps = "[[step]]\nuntil = \"job.quarantined\"\nadvance = \"1h\"\n";
    let (failure, _) = fails(steps);
    assert_eq!((failure.place.line, failure.place.column), place_of(steps, "\"job.quarantined\""));
    assert_eq!(
        (failure.key.as_str(), failure.expected.as_str()),
        ("until", "`job.quarantined` before time is up")
    );
    assert_eq!(failure.got, "the job is Active, its schedule Active");
}

#[test]
fn a_count_of_nobody_is_just_none() {
    let (failure, _) = fails("[[step]]\nexpect.target.users = 1\n");
    assert_eq!((failure.expected.as_str(), failure.got.as_str()), ("1", "0"));
}
