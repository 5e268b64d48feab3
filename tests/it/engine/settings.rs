//! What a job is told besides mappings: by the profile of its application, and by the settings that Entra keeps among
//! its secrets.

use scimulator::config::{self, Config};
use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::RunState;
use scimulator::engine::quarantine::Reason;
use scimulator::engine::spec::JobSpec;
use scimulator::gallery;
use scimulator::http::Method;
use scimulator::schema::{Identity, export, import};
use scimulator::scim::style::Dialect;

use super::harness::{Adjust, World, status, upn};
use crate::common::Project;

/// The shipped profile with these lines before its first table, as a file of one's own.
fn profile(lines: &str) -> String {
    gallery::source(gallery::DEFAULT).unwrap().replacen("\n[user]", &format!("\n{lines}\n\n[user]"), 1)
}

/// A world whose job has that profile.
fn world(profile_lines: &str, lines: &str) -> World {
    let mut world = World::new(&format!("profile = \"p.toml\"\n{lines}"));
    world.project.write("p.toml", &profile(profile_lines));
    world.people.user("u", &[]).user("other", &[]).assign("u").assign("other");
    world
}

fn load(jobs: &str, profile_lines: &str) -> Result<Config, String> {
    let text = format!("[directory]\npath = \"directory\"\n{jobs}");
    let project = Project::with([("scimulator.toml", &text), ("p.toml", &profile(profile_lines))]);
    let loaded = config::load(&project.path("scimulator.toml"));
    loaded.map(|(config, _)| config).map_err(|findings| {
        findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ")
    })
}

#[test]
fn a_profile_may_pin_its_jobs_to_a_dialect() {
    const OWN: &str = "profile = \"p.toml\"\n";
    const FLAG: &str = "?aadOptscim062020";
    let job = |flag: &str, keys: &str| {
        format!("[[job]]\nname = \"a\"\ntenant_url = \"http://127.0.0.1:1/scim{flag}\"\n{keys}")
    };
    for (pinned, flag, keys, dialect) in [
        ("", "", OWN.to_owned(), Dialect::Default),
        ("", FLAG, OWN.to_owned(), Dialect::Optscim),
        ("dialect = \"optscim\"", "", OWN.to_owned(), Dialect::Optscim),
        ("dialect = \"default\"", FLAG, OWN.to_owned(), Dialect::Default),
        (
            "dialect = \"default\"",
            FLAG,
            format!("{OWN}fidelity = {{ dialect = \"optscim\" }}"),
            Dialect::Optscim,
        ),
        ("dialect = \"optscim\"", "", String::new(), Dialect::Default),
        ("", FLAG, "app = \"customappsso\"".to_owned(), Dialect::Legacy2018),
        ("", "", format!("app = \"customappsso\"\n{OWN}"), Dialect::Legacy2018),
        ("dialect = \"optscim\"", "", format!("app = \"customappsso\"\n{OWN}"), Dialect::Optscim),
    ] {
        let config = load(&job(flag, &keys), pinned).unwrap();
        assert_eq!(config.jobs[0].dialect(), dialect, "{pinned:?} {flag} {keys}");
    }
    let refused = load(&job("", OWN), "dialect = \"optscm\"").unwrap_err();
    assert!(refused.contains("`optscm` is no dialect"), "{refused}");

    // And that is what they speak.
    let mut world = world("dialect = \"optscim\"", "");
    world.clean_cycle();
    world.sent();
    world.people.unassign("u");
    world.clean_cycle();
    assert_eq!(
        world.requests(),
        ["GET /Users/{u}", r#"PATCH /Users/{u} [{"op":"replace","path":"active","value":false}]"#]
    );
    covers!("W-003");
}

/// The job with a schema whose source objects say that they can't be soft-deleted.
fn edited_schema(spec: &mut JobSpec) {
    let guid = |part: &str| part.to_owned();
    let mappings = [&spec.users, &spec.groups];
    let mut document = export(&mappings, Identity { id: "id", version: "1", guid: &guid });
    let user = &mut document["directories"][0]["objects"][0];
    assert_eq!(user["name"], "User");
    let pairs = user["metadata"].as_array_mut().unwrap();
    let keys: Vec<&str> = pairs.iter().map(|pair| pair["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["IsSoftDeletionSupported", "PropertyNameAccountEnabled", "PropertyNameSoftDeleted"]);
    pairs[0]["value"] = "false".into();
    let mappings = vec![spec.users.clone(), spec.groups.clone()];
    let config = load("[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\n", "").unwrap();
    let imported = import(&document, &mappings, &config.jobs[0].reading()).unwrap();
    assert_eq!(imported.document, document, "the keys are kept");
    *spec = spec.clone().with_mappings(imported.mappings, true);
}

#[test]
fn whether_a_target_can_disable_is_said_by_the_template_and_by_no_schema() {
    let cases: [(&str, Adjust, &str); 4] = [
        ("", |_| {}, "PATCH"),
        ("", edited_schema, "PATCH"),
        ("gallery = true\ntarget_supports_soft_delete = false", |_| {}, "DELETE"),
        ("gallery = true\ntarget_supports_soft_delete = false", edited_schema, "DELETE"),
    ];
    for (lines, adjust, expected) in cases {
        let mut world = world(lines, "");
        world.adjust = adjust;
        world.clean_cycle();
        world.sent();
        world.people.set("u", "accountEnabled", "False");
        world.clean_cycle();
        let writes: Vec<String> =
            world.requests().into_iter().filter(|line| !line.starts_with("GET")).collect();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(writes[0].starts_with(expected), "{lines}: {writes:?}");
    }
    let refused = load(
        "[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\nprofile = \"p.toml\"\n",
        "target_supports_soft_delete = false",
    );
    assert!(refused.unwrap_err().contains("`target_supports_soft_delete` is for gallery applications"));
    covers!("E-118");
}

#[test]
fn only_a_gallery_template_has_a_rate_of_its_own() {
    const JOBS: &str = "[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\nprofile = \"p.toml\"\n\
        [[job]]\nname = \"b\"\ntenant_url = \"embedded\"\nprofile = \"p.toml\"\nrequests_per_second = 3\n\
        [[job]]\nname = \"c\"\ntenant_url = \"embedded\"\n";
    let rates = |lines| -> Vec<Option<u32>> {
        let jobs = load(JOBS, lines).unwrap().jobs;
        jobs.iter().map(|job| job.requests_per_second.map(std::num::NonZeroU32::get)).collect()
    };
    assert_eq!(rates(""), [None, Some(3), None]);
    assert_eq!(rates("gallery = true\nrequests_per_second = 25"), [Some(25), Some(3), None]);
    let refused = load(JOBS, "requests_per_second = 25").unwrap_err();
    assert!(refused.contains("`requests_per_second` is for gallery applications"), "{refused}");
    covers!("E-153");
}

#[test]
fn the_skip_flag_is_a_text_among_the_secrets_and_holds_for_users_and_groups_alike() {
    for (text, spared) in [("True", true), ("true", true), ("False", false)] {
        let mut world = World::new(&format!("[job.secrets]\nSkipOutOfScopeDeletions = \"{text}\""));
        world.people.user("u", &[]).user("other", &[]).assign("u").assign("other");
        world.people.group("G").assign("G");
        world.clean_cycle();
        world.people.unassign("u").unassign("G");
        world.clean_cycle();
        assert_eq!(world.active("u"), Some(spared), "{text}");
        assert_eq!(world.held("G").is_some(), spared, "{text}");
    }
    let job = |lines: &str| load(&format!("[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\n{lines}"), "");
    let refused = job("[job.secrets]\nSkipOutOfScopeDeletions = \"yes\"\n").unwrap_err();
    assert!(refused.contains("`SkipOutOfScopeDeletions` can't be `yes`"), "{refused}");
    let twice = "skip_out_of_scope_deletions = true\n[job.secrets]\nSkipOutOfScopeDeletions = \"True\"\n";
    let refused = job(twice).unwrap_err();
    assert!(refused.contains("says this by `skip_out_of_scope_deletions` already"), "{refused}");
    // The token has its own place, and is not repeated when it is looked for here.
    let refused = job("[job.secrets]\nSecretToken = \"s3cr3t\"\n").unwrap_err();
    assert!(refused.contains("SecretToken") && !refused.contains("s3cr3t"), "{refused}");
    covers!("E-117");
}

#[test]
fn the_deletion_guard_is_a_json_text_among_the_secrets() {
    let settings = |enabled: bool, value: u32| {
        format!(
            "[job.secrets]\nSyncNotificationSettings = '{{\"Enabled\":true,\"Recipients\":\"ops@contoso.com\",\
             \"DeleteThresholdEnabled\":{enabled},\"DeleteThresholdValue\":{value},\
             \"HumanResourcesLookaheadQueryEnabled\":false}}'"
        )
    };
    for (enabled, value, held) in [(true, 1, true), (true, 2, false), (false, 1, false)] {
        let mut world = World::new(&settings(enabled, value));
        for name in ["u", "v", "w"] {
            world.people.user(name, &[]).assign(name);
        }
        world.clean_cycle();
        world.people.unassign("u").unassign("v");
        let result = world.cycle();
        let reason = result.quarantine.map(|quarantine| quarantine.reason);
        assert_eq!(reason, held.then_some(Reason::TooManyDeletes), "{enabled} {value}");
        assert_eq!(world.active("u"), Some(held), "{enabled} {value}");
    }
    let job = |lines: &str| {
        let config = load(&format!("[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\n{lines}\n"), "")?;
        let job = &config.jobs[0];
        Ok::<_, String>((job.notification_email.clone(), job.delete_threshold))
    };
    let told = Some("ops@contoso.com".to_owned());
    assert_eq!(job(&settings(true, 500)), Ok((told.clone(), Some(500))));
    assert_eq!(job(&settings(false, 500)), Ok((told, None)));
    let text = |json: &str| job(&format!("[job.secrets]\nSyncNotificationSettings = '{json}'"));
    assert_eq!(text(r#"{"Enabled":false,"Recipients":"ops@contoso.com"}"#), Ok((None, None)));
    for (json, words) in [
        ("500", "is not the JSON of these settings"),
        (r#"{"Enabled":true,"Threshold":5}"#, "unknown field `Threshold`"),
        (
            r#"{"Enabled":true,"DeleteThresholdEnabled":true}"#,
            "`delete_threshold` needs `notification_email`",
        ),
        (r#"{"Enabled":true,"Recipients":"nobody"}"#, "`nobody` is no mail address"),
    ] {
        let refused = text(json).unwrap_err();
        assert!(refused.contains(words), "{json}: {refused}");
    }
    covers!("E-177");
}

#[test]
fn credentials_and_notification_addresses_share_a_kilobyte_where_there_is_such_a_limit() {
    // 1,000 bytes of token and 24 of an address are just enough.
    let address = format!("{}@contoso.com", "o".repeat(12));
    for (switch, token, code) in
        [("true", 1_000, Some(0)), ("true", 1_001, Some(2)), ("false", 1_001, Some(0))]
    {
        let text = format!(
            "[directory]\npath = \"directory\"\n[[job]]\nname = \"a\"\ntenant_url = \"embedded\"\n\
             token = {{ value = \"{}\" }}\nnotification_email = \"{address}\"\n\
             fidelity = {{ credential_limit = {switch} }}\n",
            "x".repeat(token)
        );
        let project = Project::with([
            ("scimulator.toml", text.as_str()),
            ("directory/users.csv", "userPrincipalName\nada@contoso.com\n"),
        ]);
        for command in ["check", "cycle", "test-connection"] {
            let output = project.scimulator([command]).output().unwrap();
            assert_eq!(output.status.code(), code, "{command} {switch} {token}");
            if code == Some(2) {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("take 1025 bytes"), "{said}");
                assert!(!said.contains("xxx"), "a secret is not repeated");
            }
        }
    }
    covers!("E-093");
}

#[test]
fn a_reference_that_waits_for_its_object_is_no_escrow_where_the_mapping_says_so() {
    for (behavior, escrows) in [
        ("", vec!["boss InternalServerError 0", "u UnableToResolveReferenceAttributeValue 0 reference"]),
        (
            "escrow_behavior = \"Default\"",
            vec!["boss InternalServerError 0", "u UnableToResolveReferenceAttributeValue 0 reference"],
        ),
        ("escrow_behavior = \"IgnoreLookupReferenceResolutionFailure\"", vec!["boss InternalServerError 0"]),
    ] {
        let mut world = World::new("profile = \"p.toml\"");
        let text = gallery::source(gallery::DEFAULT).unwrap();
        world.project.write("p.toml", &text.replacen("\n[user]\n", &format!("\n[user]\n{behavior}\n"), 1));
        world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("boss").assign("u");
        world.once(Method::Post, "/Users", status(500));
        let result = world.cycle();
        assert_eq!(result.state, RunState::EntryLevelErrors);
        let mut open = world.escrow_lines();
        open.sort_unstable();
        assert_eq!(open, escrows, "{behavior}");
        let unresolved = world.last_log().iter().any(|logged| {
            logged.entry.steps.iter().any(|step| step.name == "UnableToResolveReferenceAttributeValue")
        });
        assert_eq!(unresolved, escrows.len() == 1, "{behavior}: a warning in its place");
        let id = world.people.id("u");
        let kind = ObjectKind::User;
        assert!(world.store().link(super::harness::JOB, kind, &id).unwrap().is_some());
        // The next cycle sets the manager only where somebody waited for it.
        world.clean_cycle();
        assert_eq!(world.manager("u").is_some(), escrows.len() == 2, "{behavior}");
    }
    covers!("E-140");
}
