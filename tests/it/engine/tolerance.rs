//! What a target may answer without anything being wrong (`wire.md 1.7`, 11.1), and headers that are configured.

use super::harness::{Answer, JOB, World};
use scimulator::client::{Filter, read};
use scimulator::covers;
use scimulator::http::Method;

fn two() -> World {
    let mut world = World::new("");
    world.people.user("u", &[("jobTitle", "Clerk")]).assign("u");
    world.people.group("G").member("G", "u").assign("G");
    world
}

#[test]
fn a_patch_is_done_with_any_body_with_an_empty_one_and_with_none() {
    let answers = [
        (
            Answer::Status(200, vec![("Content-Type", "application/scim+json")], r#"{"id":"x"}"#.to_owned()),
            200,
        ),
        (Answer::Status(200, Vec::new(), String::new()), 200),
        (Answer::Status(200, vec![("Content-Type", "text/html")], "<p>thanks".to_owned()), 200),
        (Answer::Status(204, Vec::new(), String::new()), 204),
    ];
    for (answer, status) in answers {
        let mut world = two();
        world.clean_cycle();
        world.sent();
        world.always(Method::Patch, "", answer);
        world.people.set("u", "jobTitle", "Boss").user("v", &[]).assign("v").member("G", "v");
        world.clean_cycle();
        let patched = world.sent().into_iter().filter(|sent| sent.method == Method::Patch);
        assert_eq!(patched.map(|sent| sent.status).collect::<Vec<_>>(), [Some(status), Some(status)]);
        assert!(world.log_lines().contains(&"u update success".to_owned()), "{:?}", world.log_lines());
        // Done is done: nothing of it is asked for again.
        world.heal();
        world.clean_cycle();
        assert!(world.requests().iter().all(|line| !line.starts_with("PATCH")), "{status}");
    }
    covers!("W-039");
}

#[test]
fn the_status_decides_whatever_an_error_says_and_json_is_json_by_any_name() {
    for (kind, body) in [("text/html", "<h1>gone</h1>"), ("text/plain", ""), ("application/json", "[]")] {
        let mut world = two();
        let empty = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
        let plain = vec![("Content-Type", "application/json")];
        world.once(Method::Get, "u%40contoso.com", Answer::Status(200, plain, empty.to_owned()));
        world.clean_cycle();
        world.sent();
        world.once(
            Method::Get,
            "/Users/",
            Answer::Status(404, vec![("Content-Type", kind)], body.to_owned()),
        );
        world.people.set("u", "jobTitle", "Boss");
        world.clean_cycle();
        assert_eq!(
            world.requests(),
            [
                "GET /Users/{u}",
                "GET /Users?filter=userName+eq+%22u%40contoso.com%22",
                r#"PATCH /Users/{u} [{"op":"Replace","path":"title","value":"Boss"}]"#,
            ],
            "a 404 with the body `{body}`"
        );
    }
    covers!("W-210");
}

#[test]
fn accept_and_user_agent_are_sent_as_configured() {
    let mut world = two();
    let tagged = vec![("ETag", "W/\"7\"")];
    let empty = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0}"#;
    world.times(3, Method::Get, "/Users?", Answer::Status(200, tagged, empty.to_owned()));
    world.configure("fidelity = { headers = { accept = 'application/json', user_agent = 'azure/1' } }");
    world.clean_cycle();
    let journal = world.project.path("state/journal").join(format!("{JOB}.jsonl"));
    let exchanges: Vec<_> = read(&journal, Filter::all()).unwrap().map(Result::unwrap).collect();
    assert!(4 < exchanges.len());
    for exchange in exchanges {
        let headers = exchange.request.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let headers: Vec<String> = headers.collect();
        assert_eq!(headers[..2], ["Accept: application/json", "User-Agent: azure/1"]);
        // An `ETag` was answered, and nothing is made of it.
        assert!(headers[2..].iter().all(|header| header.starts_with("Content-Type: ")), "{headers:?}");
    }
    covers!("W-022", "W-023");
}
