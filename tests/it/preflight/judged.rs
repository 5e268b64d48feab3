//! The pure half: answers in, checks and grades out.

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::preflight::judge::{
    Check, Weight, differences, goes_on, grade, is_fast_enough, list_assertions, pages, repeated_types,
    token_life, unparsable,
};
use scimulator::preflight::{Grade, Kind, Word};
use scimulator::scim::path::TargetPath;
use serde_json::{Value, json};

fn check(holds: bool, weight: Weight) -> Check {
    Check {
        phase: "",
        action: String::new(),
        expected: String::new(),
        got: String::new(),
        holds,
        weight,
        request: None,
    }
}

#[test]
fn a_check_that_does_not_hold_decides_the_verdicts_of_its_weight() {
    use Grade::{Failed, Passed, Tolerated};
    let cases = [
        (Kind::Mandatory, Weight::Both, Failed, Word::Failed, false),
        (Kind::Mandatory, Weight::Documented, Failed, Word::Passed, true),
        (Kind::Mandatory, Weight::AsRun, Tolerated, Word::Failed, false),
        (Kind::Mandatory, Weight::Remark, Tolerated, Word::Passed, true),
        (Kind::Optional, Weight::Both, Tolerated, Word::Warning, false),
        (Kind::Optional, Weight::Documented, Tolerated, Word::Passed, true),
        (Kind::Optional, Weight::AsRun, Tolerated, Word::Warning, false),
        (Kind::Preview, Weight::Both, Tolerated, Word::Failed, false),
    ];
    for (kind, weight, documented, as_run, next_phase) in cases {
        let checks = [check(true, Weight::Both), check(false, weight)];
        assert_eq!(grade(kind, &checks), (documented, as_run), "{kind:?}, {weight:?}");
        assert_eq!(goes_on(&checks), next_phase, "{kind:?}, {weight:?}");
        let checks = [check(true, Weight::Both), check(true, weight)];
        assert_eq!(grade(kind, &checks), (Passed, Word::Passed));
    }
}

#[test]
fn a_resource_parses_or_it_is_told_why_not() {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "userName": "a@x.example",
        "active": true, "emails": [{ "type": "work", "value": "a@x.example", "primary": true }],
        "meta": { "created": "2026-01-02T03:04:05Z" },
    });
    assert_eq!(unparsable(ObjectKind::User, &user), None);
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let cases: [(&str, Value, &str); 7] = [
        ("/schemas", json!([]), "`schemas` does not name urn:ietf:params:scim:schemas:core:2.0:User"),
        ("/id", json!(1), "`id` is no text"),
        ("/userName", json!(null), "`userName` is no text"),
        ("/active", json!("False"), "`active` cannot be parsed as type Boolean"),
        ("/emails/0/primary", json!("True"), "`emails.primary` cannot be parsed as type Boolean"),
        ("/meta/created", json!("yesterday"), "`meta.created` cannot be parsed as type DateTime"),
        ("/meta", json!({ "created": 1 }), "`meta.created` cannot be parsed as type DateTime"),
    ];
    for (at, value, why) in cases {
        let mut broken = user.clone();
        *broken.pointer_mut(at).unwrap() = value;
        assert_eq!(unparsable(ObjectKind::User, &broken).as_deref(), Some(why));
    }
    let mut bare = user;
    bare[enterprise] = json!({ "manager": "2" });
    assert_eq!(unparsable(ObjectKind::User, &bare).as_deref(), Some("`manager` is no object with a `value`"));
    covers!("W-211");
}

#[test]
fn what_was_sent_is_looked_for_where_its_path_points() {
    let sent = |path: &str, value: Value| vec![(TargetPath::parse(path).unwrap(), value)];
    let held = json!({
        "title": "a", "emails": [{ "type": "home", "value": "h" }, { "type": "work", "value": "w" }],
        "roles": [{ "primary": true, "value": "r" }],
    });
    let cases = [
        ("title", json!("a"), ""),
        ("title", json!("A"), "`title` is \"a\", not \"A\""),
        (r#"emails[type eq "work"].value"#, json!("w"), ""),
        (
            r#"emails[type eq "other"].value"#,
            json!("w"),
            r#"`emails[type eq "other"].value` is missing from the fetched resource"#,
        ),
        (r#"roles[primary eq "True"].value"#, json!("r"), ""),
        ("nickName", json!("n"), "`nickName` is missing from the fetched resource"),
    ];
    for (path, value, wanted) in cases {
        assert_eq!(differences(&sent(path, value), &held).join("; "), wanted, "{path}");
    }
    let twice = json!({ "phoneNumbers": [{ "type": "work" }, { "type": "fax" }, { "type": "Work" }], "members": [{ "type": "User" }, { "type": "User" }] });
    assert_eq!(repeated_types(&twice), ["phoneNumbers of type Work"]);
    covers!("W-212");
}

#[test]
fn an_empty_list_needs_no_resources_and_a_full_one_all_of_them() {
    let list = |total: Value, more: Value| {
        let mut list = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total });
        list.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        list
    };
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "1", "displayName": "G", "members": [{ "value": "2" }] });
    let name = [(TargetPath::parse("displayName").unwrap(), json!("G"))];
    let other = [(TargetPath::parse("displayName").unwrap(), json!("H"))];
    let missed = |status: u16, body: &Value, wanted: Option<&[_]>, without: bool| -> Vec<usize> {
        let assertions = list_assertions(ObjectKind::Group, Some(status), body, wanted, without);
        (0..).zip(&assertions).filter(|(_, (_, _, holds))| !holds).map(|(at, _)| at).collect()
    };
    // 0 status, 1 parts, 2 schema, 3 count, 4 all matches, 5 as created, 6 members or the parsing
    let empty = list(json!(0), json!({}));
    assert_eq!(missed(200, &empty, None, false), [0; 0]);
    assert_eq!(missed(404, &empty, None, false), [0]);
    assert_eq!(missed(200, &list(json!("0"), json!({})), None, false), [1, 3]);
    assert_eq!(missed(200, &json!({ "totalResults": 0 }), None, false), [1, 2]);
    assert_eq!(missed(200, &list(json!(1), json!({})), None, false), [3]);
    let full = list(json!(1), json!({ "Resources": [group] }));
    assert_eq!(missed(200, &full, Some(&name), false), [0; 0]);
    assert_eq!(missed(200, &full, Some(&other), false), [5]);
    assert_eq!(missed(200, &full, Some(&name), true), [6]);
    assert_eq!(missed(200, &list(json!(1), json!({})), Some(&name), false), [4, 5]);
    assert_eq!(
        missed(200, &list(json!(1), json!({ "Resources": [{ "id": "1" }] })), Some(&name), false),
        [5, 6]
    );
    covers!("W-198", "W-199");
}

#[test]
fn pages_echo_their_start_and_hold_everything_once() {
    let page = |start: Value, ids: &[&str]| json!({ "startIndex": start, "Resources": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() });
    let own = ["a", "b", "f"].map(str::to_owned);
    let first = page(json!(1), &["a", "b", "c", "d", "e"]);
    let cases = [
        (vec![(1, Some(200), first.clone()), (6, Some(200), page(json!(6), &["f"]))], "", ""),
        (
            vec![(1, Some(200), first.clone())],
            "1 page where there have to be two",
            "1 resources are on no page",
        ),
        (
            vec![(1, Some(200), first.clone()), (6, Some(200), page(json!("6"), &["f"]))],
            "page 2 has the `startIndex` \"6\", not 6",
            "",
        ),
        (
            vec![(1, Some(200), first.clone()), (6, Some(500), json!(null))],
            "page 2 is answered 500",
            "1 resources are on no page",
        ),
        (
            vec![(1, Some(200), first.clone()), (6, Some(200), page(json!(6), &["a", "f"]))],
            "",
            "1 of 7 resources come twice",
        ),
    ];
    for (read, wrong, unseen) in cases {
        let found = pages(&read, &own);
        assert_eq!((found.0.join("; "), found.1.join("; ")), (wrong.to_owned(), unseen.to_owned()));
    }
    covers!("W-205");
}

#[test]
fn a_token_lives_from_one_hour_to_six() {
    for (seconds, is_fine) in [(3599, false), (3600, true), (21_600, true), (21_601, false)] {
        assert_eq!(token_life(seconds).is_none(), is_fine, "{seconds}");
    }
    covers!("W-020");
}

#[test]
fn a_target_is_fast_enough_from_25_requests_a_second_on() {
    let cases = [(25, 1000, true), (24, 1000, false), (100, 4000, true), (100, 4001, false), (100, 10, true)];
    for (requests, milliseconds, wanted) in cases {
        let took = std::time::Duration::from_millis(milliseconds);
        assert_eq!(is_fast_enough(requests, took), wanted, "{requests} in {milliseconds} ms");
    }
    covers!("W-034");
}
