//! References: what they may point to, what is asked before they are written, and what an unresolved one leads to.

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::spec::JobSpec;
use scimulator::http::Method;
use serde_json::json;

use super::harness::{World, upn};

/// Lets the reference of that kind's mapping point to these objects only.
fn point(spec: &mut JobSpec, kind: ObjectKind, to: &[&str]) {
    let mapping = match kind {
        ObjectKind::User => &mut spec.users,
        ObjectKind::Group => &mut spec.groups,
    };
    let reference = mapping.references()[0].path.as_str().to_owned();
    let definition = mapping.target.attributes.get_mut(&reference).expect("a defined reference");
    definition.referenced_objects = to.iter().map(|name| (*name).to_owned()).collect();
}

#[test]
fn a_reference_is_resolved_against_the_objects_that_its_definition_names_and_no_others() {
    let world = |adjust| {
        let mut world = World::new("");
        world.adjust = adjust;
        world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("boss").assign("u");
        world.people.group("G").group("H").member("G", "u").member("G", "H").assign("G").assign("H");
        world.clean_cycle();
        world
    };
    let shipped = world(|_| {});
    assert_eq!(shipped.manager("u").as_deref(), Some("boss"));
    assert_eq!(shipped.members("G"), ["H", "u"]);

    let mut elsewhere = world(|spec| {
        point(spec, ObjectKind::User, &["Group"]);
        point(spec, ObjectKind::Group, &["User"]);
    });
    assert_eq!(elsewhere.manager("u"), None);
    assert_eq!(elsewhere.members("G"), ["u"]);
    let unresolved: Vec<String> = elsewhere
        .last_log()
        .iter()
        .flat_map(|logged| logged.entry.steps.clone())
        .filter(|step| step.name == "UnableToResolveReferenceAttributeValue")
        .map(|step| step.description)
        .collect();
    assert_eq!(unresolved.len(), 2, "{unresolved:?}");
    assert!(unresolved[0].contains(&upn("boss")) && unresolved[1].contains('H'), "{unresolved:?}");
    assert!(elsewhere.escrows().is_empty());

    let open = world(|spec| point(spec, ObjectKind::Group, &[]));
    assert_eq!(open.members("G"), ["H", "u"], "a definition that names none takes any");
    covers!("M-058");
}

/// What of a trace is about references: questions and writes.
fn about_references(trace: Vec<String>) -> Vec<String> {
    let about = |line: &String| {
        line.contains("attributes=id&") || (line.starts_with("PATCH") && !line.contains("active"))
    };
    trace.into_iter().filter(about).collect()
}

#[test]
fn a_question_goes_before_each_write_of_a_reference_only_with_the_pre_check() {
    const ASK_MANAGER: &str = "GET /Users?attributes=id&filter=id+eq+%22{u}%22+and+manager+eq+%22{boss}%22";
    const ASK_MEMBER: &str = "GET /Groups?attributes=id&filter=id+eq+%22{G}%22+and+members+eq+%22{u}%22";
    let manager = format!(
        r#"PATCH /Users/{{u}} [{{"op":"Add","path":"{}:manager","value":"{{boss}}"}}]"#,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    );
    let member = r#"PATCH /Groups/{G} [{"op":"Add","path":"members","value":[{"value":"{u}"}]}]"#;
    for (lines, written) in [
        ("", vec![manager.as_str(), member]),
        ("fidelity = { reference_precheck = true }", vec![ASK_MANAGER, &manager, ASK_MEMBER, member]),
    ] {
        let mut world = World::new(lines);
        world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("boss").assign("u");
        world.people.group("G").member("G", "u").assign("G");
        world.clean_cycle();
        assert_eq!(about_references(world.requests()), written, "{lines}");
        assert_eq!(world.manager("u").as_deref(), Some("boss"));
        assert_eq!(world.members("G"), ["u"]);

        // Somebody else takes the member out; only the pre-check notices, and leaves the removal be.
        let id = world.target_id("G");
        let out = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": "members" }],
        });
        world.by_hand(Method::Patch, &format!("/Groups/{id}"), Some(&out));
        world.people.drop_member("G", "u");
        world.clean_cycle();
        let removal = r#"PATCH /Groups/{G} [{"op":"Remove","path":"members","value":[{"value":"{u}"}]}]"#;
        let expected = if lines.is_empty() { removal } else { ASK_MEMBER };
        assert_eq!(about_references(world.requests()), [expected], "{lines}");
    }
    covers!("W-140", "W-165");
}
