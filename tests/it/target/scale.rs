//! Sizes of real tenants. The bounds are far above what the work takes, and far below what a scan for each request
//! would: they tell the two apart, on any machine.

use std::time::Duration;

use scimulator::clock::WireInstant;
use scimulator::http::Method;
use scimulator::target::{App, AppOptions};
use serde_json::{Value, json};

use super::Story;

#[test]
fn a_hundred_thousand_users_are_found_by_index() {
    let kept = (0..100_000).map(|at| {
        let stamp = "2026-01-01T00:00:00Z";
        let meta = json!({ "resourceType": "User", "created": stamp, "lastModified": stamp });
        json!({ "id": format!("{at}"), "userName": format!("u{at}@x"), "externalId": format!("e{at}"), "meta": meta })
    });
    let mut story = Story::with(App::with_content(AppOptions::default(), kept).unwrap());
    let began = WireInstant::now();
    for at in (0..100_000).step_by(100) {
        for filter in [format!("userName+eq+%22U{at}%40X%22"), format!("externalId+eq+%22e{at}%22")] {
            let (_, list) = story.get(&format!("/Users?filter={filter}"));
            assert_eq!(
                (&list["totalResults"], &list["Resources"][0]["userName"]),
                (&json!(1), &json!(format!("u{at}@x")))
            );
        }
    }
    // 2,000 scans of 100,000 users would take minutes in a debug build.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_group_of_twenty_thousand_comes_and_goes_in_batches() {
    let mut story = Story::new();
    let group = story.group("all");
    let path = format!("/Groups/{group}");
    let ids: Vec<String> = (0..20_000).map(|at| format!("member-{at}")).collect();
    let began = WireInstant::now();
    for batch in ids.chunks(100) {
        let value: Vec<Value> = batch.iter().map(|id| json!({ "value": id })).collect();
        assert_eq!(story.patch(&path, &json!([{ "op": "Add", "path": "members", "value": value }])).0, 204);
    }
    assert_eq!(story.members(&group), ids);
    for batch in ids[..10_000].chunks(100) {
        let value: Vec<Value> = batch.iter().map(|id| json!({ "value": id })).collect();
        assert_eq!(
            story.patch(&path, &json!([{ "op": "Remove", "path": "members", "value": value }])).0,
            204
        );
    }
    for batch in ids[10_000..19_999].chunks(100) {
        let operations: Vec<Value> = batch
            .iter()
            .map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
            .collect();
        assert_eq!(story.patch(&path, &json!(operations)).0, 204);
    }
    assert_eq!(story.members(&group), ["member-19999"]);
    let put: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    assert_eq!(story.send(Method::Put, &path, Some(json!({ "displayName": "all", "members": put }))).0, 200);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
