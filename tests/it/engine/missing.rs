//! Linked accounts that are gone from the target: what is looked for again, how often, and what is not forgotten.

use scimulator::http::Method;
use serde_json::json;

use super::harness::{World, status, upn};

fn three() -> World {
    let mut world = World::new("");
    world.people.user("first", &[]).user("u", &[]).user("last", &[]);
    world.people.assign("first").assign("u").assign("last");
    world
}

#[test]
fn a_linked_account_that_is_gone_is_looked_for_and_created_again() {
    let mut world = three();
    world.clean_cycle();
    let id = world.target_id("u");
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    world.people.set("u", "jobTitle", "Boss");
    world.sent();
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        ["GET /Users/{u}", "GET /Users?filter=userName+eq+%22u%40contoso.com%22", "POST /Users"]
    );
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
    scimulator::covers!("E-247", "W-077");
}

#[test]
fn a_linked_account_that_is_gone_and_has_a_twin_is_linked_to_the_twin() {
    let mut world = three();
    world.clean_cycle();
    let id = world.target_id("u");
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    let twin = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": upn("u"), "active": false, "externalId": "twin",
    });
    world.by_hand(Method::Post, "/Users", Some(&twin));
    world.people.set("u", "jobTitle", "Boss");
    world.once(Method::Get, &format!("/Users/{id}"), status(404));
    world.clean_cycle();
    let held = world.held("u").unwrap();
    assert_eq!(
        (&held["title"], &held["active"], &held["externalId"]),
        (&json!("Boss"), &json!(true), &json!("twin"))
    );
    scimulator::covers!("E-247", "W-077");
}

#[test]
fn a_patch_of_an_account_that_just_went_is_handled_like_a_read_of_it() {
    let mut world = three();
    world.clean_cycle();
    let id = world.target_id("u");
    world.people.set("u", "jobTitle", "Boss");
    world.once(Method::Patch, &format!("/Users/{id}"), status(404));
    world.sent();
    world.clean_cycle();
    let lines = world.requests();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[2], "GET /Users?filter=userName+eq+%22u%40contoso.com%22");
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
    scimulator::covers!("W-043");
}

#[test]
fn with_invalid_anchor_a_linked_account_that_is_gone_fails_its_object() {
    let mut world = World::new("[job.fidelity]\non_missing = \"invalid_anchor\"");
    world.people.user("u", &[]).assign("u");
    world.clean_cycle();
    let id = world.target_id("u");
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    world.people.set("u", "jobTitle", "Boss");
    world.sent();
    world.cycle();
    assert_eq!(world.requests(), ["GET /Users/{u}"]);
    assert_eq!(world.log_lines(), ["u update failure InvalidAnchor"]);
    scimulator::covers!("E-247", "W-078");
}

/// A target that finds by name what it does not know by id would keep a job asking for ever.
#[test]
fn an_account_that_is_found_and_gone_again_fails_after_one_second_look() {
    let mut world = three();
    world.clean_cycle();
    let id = world.target_id("u");
    world.people.set("u", "jobTitle", "Boss");
    world.always(Method::Patch, &format!("/Users/{id}"), status(404));
    world.sent();
    world.cycle();
    let lines = world.requests();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].starts_with("PATCH") && lines[3].starts_with("PATCH"), "{lines:?}");
    assert_eq!(world.escrow_lines(), ["u InvalidAnchor 0"]);
    world.heal();
    world.clean_cycle();
    assert_eq!(world.held("u").unwrap()["title"], "Boss");
}

/// Whoever is to be disabled is so in the end, though his account moved and the look-up or the PATCH failed at first.
#[test]
fn a_disable_outlives_a_look_up_that_fails() {
    for (method, part) in [(Method::Get, "filter=userName+eq+%22u%40"), (Method::Patch, "/Users/")] {
        let mut world = three();
        world.clean_cycle();
        let id = world.target_id("u");
        world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
        let twin = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn("u"), "active": true,
        });
        world.by_hand(Method::Post, "/Users", Some(&twin));
        world.people.unassign("u");
        world.once(method, part, status(500));
        world.cycle();
        assert_eq!(world.escrows()[0].operation, "disable", "{method}");
        assert_eq!(world.active("u"), Some(true), "{method}");
        world.clean_cycle();
        assert_eq!(world.active("u"), Some(false), "{method}");
        assert_eq!(world.escrow_lines(), [""; 0], "{method}");
    }
}

#[test]
fn a_disable_of_an_account_that_is_gone_for_good_ends_it() {
    let mut world = three();
    world.clean_cycle();
    let id = world.target_id("u");
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    world.people.unassign("u");
    world.sent();
    world.clean_cycle();
    assert_eq!(world.requests(), ["GET /Users/{u}", "GET /Users?filter=userName+eq+%22u%40contoso.com%22"]);
    world.people.assign("u");
    world.clean_cycle();
    assert_eq!(world.active("u"), Some(true), "he comes back as somebody new");
}

/// A group that refers to the old account does not count him as its member any more.
#[test]
fn what_was_recorded_of_the_old_account_is_void_for_the_new_one() {
    let mut world = World::new("");
    world.people.user("u", &[]).group("G").member("G", "u").assign("G");
    world.clean_cycle();
    let id = world.target_id("u");
    world.by_hand(Method::Delete, &format!("/Users/{id}"), None);
    world.people.set("u", "jobTitle", "Boss");
    world.clean_cycle();
    world.people.drop_member("G", "u").assign("u");
    world.sent();
    world.clean_cycle();
    let patches = world.requests().into_iter().filter(|line| line.starts_with("PATCH /Groups"));
    assert_eq!(patches.collect::<Vec<_>>(), [""; 0]);
    // Nor is he put in again by himself: the group did not change (a blind spot of Entra's).
    scimulator::covers!("E-247");
}
