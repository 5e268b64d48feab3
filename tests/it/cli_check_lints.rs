//! `check`: attributes that nobody has, and what the target says of the mappings.

use scimulator::covers;
use serde_json::Value;

use crate::common::Project;

/// What `check` found: code, then severity, file, line, column and message of each finding.
type Found = (Option<i32>, Vec<(String, String, Option<u64>, Option<u64>, String)>);

fn check<const N: usize>(project: &Project, arguments: [&str; N]) -> Found {
    let output = project.scimulator(["check", "--format", "json"]).args(arguments).output().unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let found = findings.as_array().unwrap().iter().map(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let file = text("file").rsplit('/').next().unwrap().to_owned();
        let help = text("help");
        let message = if help.is_empty() { text("message") } else { format!("{} | {help}", text("message")) };
        (text("severity"), file, finding["line"].as_u64(), finding["column"].as_u64(), message)
    });
    (output.status.code(), found.collect())
}

const PROFILE_HEAD: &str = "name = 'p'\ntitle = 'P'\n[user]\nname = 'Users'\n\
    target = 'urn:ietf:params:scim:schemas:core:2.0:User'\nattributes = [\n{ name = 'id', anchor = true },\n";

/// A project whose profile has these target attributes and mappings, one a line; the first mapping is on line 9 after
/// as many lines as there are attributes.
fn project(attributes: &[&str], mappings: &[&str], settings: &str) -> Project {
    let profile =
        format!("{PROFILE_HEAD}{}\n]\nmappings = [\n{}\n]\n", attributes.join("\n"), mappings.join("\n"));
    let config = format!(
        "[directory]\npath = 'd'\nmulti_valued = ['extension_0a_tags']\n[[job]]\nname = 'a'\n\
         tenant_url = 'embedded'\nprofile = 'p.toml'\n{settings}"
    );
    Project::with([
        ("p.toml", profile.as_str()),
        ("scimulator.toml", config.as_str()),
        ("d/users.csv", "userPrincipalName,badge,extension_0a_Level,extension_0a_tags\nada@x.com,,,a;b\n"),
    ])
}

const NAME: &str = "{ attribute = 'userPrincipalName', target = 'userName', matching = 1 },";

#[test]
fn a_source_attribute_that_nobody_has_is_told_with_its_place() {
    let attributes =
        ["{ name = 'userName' },", "{ name = 'title' },", "{ name = 'nickName' },", "{ name = 'locale' },"];
    let mappings = [
        NAME,
        "{ expression = 'Append([Badge], [badge])', target = 'title' },",
        "{ attribute = 'extension_0a_level', target = 'nickName' },",
        "  { attribute = 'extension_ff_other', target = 'locale' },",
    ];
    let filter = "[[job.filter]]\nobject = 'user'\nname = 'f'\nclauses = [\n  { attribute = 'shoeSize', operator = 'IS NOT NULL' },\n]\n";
    let found = check(&project(&attributes, &mappings, filter), []);
    covers!("M-055", "M-082", "M-098");
    let told = |message: &str, file: &str, line: u64, column: u64| {
        let found = found
            .1
            .iter()
            .find(|one| one.4.contains(message))
            .unwrap_or_else(|| panic!("{message}: {found:?}"));
        assert_eq!(
            (found.0.as_str(), found.1.as_str(), found.2, found.3),
            ("error", file, Some(line), Some(column)),
            "{message}"
        );
    };
    assert_eq!((found.0, found.1.len()), (Some(2), 3), "{found:?}");
    told("attribute `Badge` of a User | did you mean `badge`?", "p.toml", 15, 1);
    told("attribute `extension_0a_level` of a User | did you mean `extension_0a_Level`?", "p.toml", 16, 1);
    told("attribute `shoeSize` of a User", "scimulator.toml", 12, 17);

    let relaxed =
        project(&attributes, &mappings, &format!("{filter}[job.fidelity]\nunknown_attributes = 'null'\n"));
    assert_eq!(check(&relaxed, []), (Some(0), Vec::new()));
}

#[test]
fn a_multi_valued_directory_extension_can_not_be_mapped() {
    let mappings = [NAME, "{ attribute = 'extension_0a_tags', target = 'title' },"];
    let (code, found) =
        check(&project(&["{ name = 'userName' },", "{ name = 'title' },"], &mappings, ""), []);
    covers!("M-082");
    assert_eq!((code, found.len()), (Some(2), 1), "{found:?}");
    assert!(found[0].4.contains("`extension_0a_tags` is a multi-valued directory extension"), "{found:?}");
    assert_eq!((found[0].1.as_str(), found[0].2), ("p.toml", Some(13)));
}

#[test]
fn custom_attributes_are_single_and_plain_without_a_gallery_app() {
    const CUSTOM: &str = "urn:ietf:params:scim:schemas:extension:Own:2.0:User";
    let attribute = |rest: &str| format!("{{ name = '{CUSTOM}:{rest} }},");
    for (rest, refused) in [
        ("badge'", false),
        ("badge', type = 'Integer'", false),
        ("boss', type = 'Reference'", true),
        ("tags', multivalued = true", true),
        ("desk.floor'", true),
    ] {
        let own = attribute(rest);
        let (code, found) = check(&project(&["{ name = 'userName' },", &own], &[NAME], ""), []);
        covers!("M-046");
        assert_eq!(code, Some(if refused { 2 } else { 0 }), "{rest}: {found:?}");
        assert_eq!(
            found.iter().any(|one| one.4.contains("is a reference, multi-valued or complex")),
            refused
        );
    }
    // `roles` is the exception.
    let roles = project(&["{ name = 'userName' },", "{ name = 'roles', multivalued = true },"], &[NAME], "");
    assert_eq!(check(&roles, []).0, Some(0));
}

#[test]
fn what_can_not_be_filtered_on_or_is_too_long_is_an_error() {
    let long = format!("{{ expression = '\"{}\"', target = 'title' }},", "x".repeat(10_000));
    let attributes = ["{ name = 'userName', filterable = false },", "{ name = 'title' },"];
    let (code, found) = check(&project(&attributes, &[NAME, &long], ""), []);
    assert_eq!(code, Some(2));
    let told = |message: &str, line: u64| {
        let found = found
            .iter()
            .find(|one| one.4.contains(message))
            .unwrap_or_else(|| panic!("{message}: {found:?}"));
        assert_eq!((found.1.as_str(), found.2), ("p.toml", Some(line)), "{message}");
    };
    told("can not filter on `userName`", 12);
    told("at most 10000 are allowed", 13);
}

#[test]
fn the_default_mappings_agree_with_the_embedded_app() {
    let project = Project::with([
        ("scimulator.toml", "[directory]\npath = 'd'\n[[job]]\nname = 'a'\ntenant_url = 'embedded'\n"),
        ("d/users.csv", "userPrincipalName\nada@x.com\n"),
    ]);
    assert_eq!(check(&project, ["--target"]), (Some(0), Vec::new()));
    assert!(!project.path("state").exists(), "nothing is kept");
}

#[test]
fn mappings_are_held_against_the_schemas_of_the_target() {
    let attributes = [
        "{ name = 'title' },",
        "{ name = 'active' },",
        "{ name = 'emails' },",
        "{ name = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName' },",
        "{ name = 'name.nickName' },",
        "{ name = 'externalId' },",
        "{ name = 'urn:ietf:params:scim:schemas:extension:Own:2.0:User:badge' },",
    ];
    let mappings = [
        "{ attribute = 'mail', target = 'title' },",
        "{ attribute = 'mail', target = 'active' },",
        "{ attribute = 'mail', target = 'emails' },",
        "{ attribute = 'mail', target = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName' },",
        "{ attribute = 'mail', target = 'name.nickName' },",
        "{ attribute = 'mailNickname', target = 'externalId', matching = 1 },",
        "{ attribute = 'mail', target = 'urn:ietf:params:scim:schemas:extension:Own:2.0:User:badge' },",
    ];
    let project = project(&attributes, &mappings, "groups = false\n");
    assert_eq!(check(&project, []), (Some(0), Vec::new()), "without the target nothing is wrong");
    let (code, found) = check(&project, ["--target"]);
    assert_eq!(code, Some(1), "{found:#?}");
    let first = 17;
    for (message, line) in [
        ("`active` is a String here, and `boolean` to the target", Some(first + 1)),
        ("`emails` is single-valued, and the target's `emails` is not", Some(first + 2)),
        ("the target says that `displayName` is readOnly", Some(first + 3)),
        ("the target's `/Schemas` has no `nickName` in `name`", Some(first + 4)),
        (
            "the target's `/Schemas` has no `urn:ietf:params:scim:schemas:extension:Own:2.0:User`",
            Some(first + 6),
        ),
        ("the target requires `userName`", None),
    ] {
        let one = found
            .iter()
            .find(|one| one.4.contains(message))
            .unwrap_or_else(|| panic!("{message}: {found:#?}"));
        assert_eq!((one.0.as_str(), one.2), ("error", line), "{message}");
    }
}

/// `mapping.md` OQ-5: the reference calls them unsupported, and uses them all the same.
#[test]
fn conditions_that_the_reference_calls_unsupported_are_warned_of_when_asked_for() {
    let mappings = [
        NAME,
        "{ expression = 'IIF(IsPresent([city]), [city], [state])', target = 'title' },",
        "{ expression = 'Switch(IsNullOrEmpty([city]), \"a\", \"True\", \"b\")', target = 'nickName' },",
        "{ expression = 'IIF([city] = \"x\", \"y\", [city])', target = 'locale' },",
    ];
    let attributes =
        ["{ name = 'userName' },", "{ name = 'title' },", "{ name = 'nickName' },", "{ name = 'locale' },"];
    for (settings, messages) in [
        ("", vec![]),
        ("[job.fidelity]\nstrict_conditions = false\n", vec![]),
        (
            "[job.fidelity]\nstrict_conditions = true\n",
            vec![
                "`IsPresent` is not supported as the first argument of `IIF`",
                "`IsNullOrEmpty` is not supported as the first argument of `Switch`",
            ],
        ),
    ] {
        let (code, found) = check(&project(&attributes, &mappings, settings), []);
        assert_eq!(code, Some(0), "a warning is no mistake: {found:?}");
        assert!(found.iter().all(|one| (one.0.as_str(), one.1.as_str()) == ("warning", "p.toml")));
        assert_eq!(found.iter().map(|one| one.4.as_str()).collect::<Vec<_>>(), messages, "{settings}");
    }
    covers!("M-106");
}
