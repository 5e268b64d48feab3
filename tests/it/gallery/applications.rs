//! The examples, run: what is special about each application.

use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::{CycleKind, RunState};
use serde_json::{Value, json};

use super::{APPS, ENTERPRISE, Stand};
use crate::common::free_port;

#[test]
fn every_example_fills_its_app_and_a_second_cycle_writes_nothing() {
    let held =
        [("contoso", 23), ("kintone", 3), ("klaxoon", 7), ("kno2fy", 4), ("knowbe4", 5), ("kpifire", 5)];
    for (example, resources) in held {
        let stand = Stand::of(example);
        let first = stand.cycle();
        assert_eq!(
            (first.result.kind, first.result.quarantine.is_none()),
            (CycleKind::Initial, true),
            "{example}"
        );
        let before = stand.held();
        covers!("A-013", "A-024", "A-049", "A-055");
        assert_eq!(before.len(), resources, "{example}: {:?}", stand.names());
        // Only Kno2fy's example has somebody who can't be created, and a group that waits for her.
        let failed = if example == "kno2fy" { 2 } else { 0 };
        assert_eq!(first.result.statistics.actions.failed, failed, "{example}");

        let second = stand.cycle();
        assert_eq!(second.result.kind, CycleKind::Incremental, "{example}");
        assert_eq!(second.writes(), Vec::<&str>::new(), "{example}");
        assert_eq!(stand.held(), before, "{example}: found again, unchanged");
    }
}

#[test]
fn who_lacks_a_required_attribute_at_the_source_fails_with_its_name_and_is_mended_there() {
    let stand = Stand::of("kno2fy");
    let cycle = stand.cycle();
    let said = stand.failure("nia.lund@contoso.com");
    covers!("A-007", "A-010");
    assert!(said.contains("emails[type eq"), "{said}");
    assert_eq!(cycle.writes().iter().filter(|line| **line == "POST /Users").count(), 2, "Ola and Pia alone");
    stand.directory(
        "mailNickname = \"nia.lund\"\n",
        "mailNickname = \"nia.lund\"\nmail = \"nia.lund@contoso.com\"\n",
    );
    let mended = stand.cycle();
    assert_eq!(mended.result.statistics.actions.failed, 0);
    assert_eq!(stand.user("nia.lund@contoso.com")["emails"][0]["value"], "nia.lund@contoso.com");
    let members = |stand: &Stand, name: &str| {
        let held = stand.held();
        let group =
            held.iter().find(|one| one["displayName"] == name && one.get("userName").is_none()).unwrap();
        group["members"].as_array().map_or(0, Vec::len)
    };
    covers!("A-013");
    assert_eq!(members(&stand, "Readers"), 3, "Ola, Pia, and Nia now; Rut is disabled");
    assert_eq!(members(&stand, "Editors"), 1);
}

/// Somebody leaves: blocked, then deleted, then purged after 30 days.
fn leaver(stand: &Stand, name: &str) -> [Vec<String>; 3] {
    stand.cycle();
    let writes =
        |stand: &Stand| stand.cycle().writes().iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let row = format!("userPrincipalName = \"{name}@contoso.com\"\n");
    stand.directory(&row, &format!("{row}accountEnabled = false\n"));
    let blocked = writes(stand);
    stand.directory(
        &format!("{row}accountEnabled = false\n"),
        &format!("{row}deletedDateTime = \"{}\"\n", scimulator::clock::Clock::now(&stand.clock)),
    );
    let deleted = writes(stand);
    stand.clock.advance(scimulator::clock::SignedDuration::from_hours(31 * 24));
    [blocked, deleted, writes(stand)]
}

#[test]
fn who_leaves_is_disabled_or_removed_as_the_app_has_it() {
    let disabled = |app: &str| {
        let stand = Stand::of(app);
        let name = match app {
            "kintone" => "kei.mori",
            "klaxoon" => "eva.roy",
            "kno2fy" => "pia.dahl",
            "knowbe4" => "cyd.moss",
            _ => "ida.poe",
        };
        let [blocked, _, purged] = leaver(&stand, name);
        assert!(blocked.contains(&"PATCH /Users".to_owned()), "{app}: {blocked:?}");
        let there = stand.names().contains(&format!("{name}@contoso.com"));
        (there, purged.contains(&"DELETE /Users".to_owned()), stand)
    };
    for app in ["kintone", "kno2fy", "knowbe4", "kpifire"] {
        let (there, deleted, _) = disabled(app);
        covers!("A-014", "A-024", "A-049", "A-055");
        assert!(!there && deleted, "{app}: a purge removes the account");
    }
    let (there, deleted, stand) = disabled("klaxoon");
    covers!("A-038", "A-039");
    assert!(there && !deleted, "klaxoon: the account stays");
    assert_eq!(stand.user("eva.roy@contoso.com")["active"], false);
}

#[test]
fn a_switch_has_kno2fy_remove_who_loses_access() {
    let stand = Stand::of("kno2fy");
    let config = stand.project.read("scimulator.toml");
    stand
        .project
        .write("scimulator.toml", &format!("{config}[job.fidelity]\nkno2fy_access_end = \"delete\"\n"));
    let [blocked, _, _] = leaver(&stand, "pia.dahl");
    covers!("A-014");
    assert!(blocked.contains(&"DELETE /Users".to_owned()), "{blocked:?}");
    assert!(!stand.names().contains(&"pia.dahl@contoso.com".to_owned()));
}

#[test]
fn users_and_groups_are_updated_where_the_app_lists_what_changed() {
    let stand = Stand::of("kpifire");
    stand.cycle();
    assert_eq!(stand.user("ida.poe@contoso.com")[ENTERPRISE]["department"], "Operations");
    stand.directory("department = \"Operations\"\nmanager", "department = \"Projects\"\nmanager");
    let cycle = stand.cycle();
    covers!("A-044", "A-049");
    assert_eq!(cycle.writes(), ["PATCH /Users"]);
    let ida = stand.user("ida.poe@contoso.com");
    assert_eq!(ida[ENTERPRISE], json!({ "department": "Projects" }), "no manager: it is not listed");
    let known = ["schemas", "id", "userName", "active", "name", "phoneNumbers", ENTERPRISE, "meta"];
    for name in ida.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{name}");
    }
    // What the app does not list is no change.
    stand.directory("jobTitle = \"Director\"", "jobTitle = \"Chairwoman\"");
    assert_eq!(stand.cycle().writes(), Vec::<&str>::new());
    stand.directory(
        "members = [\"ida.poe@contoso.com\"]",
        "members = [\"ida.poe@contoso.com\", \"jay.sims@contoso.com\"]",
    );
    covers!("A-047");
    assert_eq!(stand.cycle().writes(), ["PATCH /Groups"]);
}

#[test]
fn klaxoon_licences_follow_the_groups() {
    let stand = Stand::of("klaxoon");
    stand.cycle();
    let license = |name: &str| {
        let user = stand.user(&format!("{name}@contoso.com"));
        user["urn:ietf:params:scim:schemas:extension:klaxoon:2.0:User"]["license"].clone()
    };
    covers!("A-041", "A-042", "A-043");
    assert_eq!(license("eva.roy"), "PRO", "her group says true");
    assert_eq!(license("fay.bois"), "NONE", "her group says false");
    assert_eq!(license("guy.pin"), "PRO", "his group says nothing");
    assert_eq!(license("ines.lac"), "PRO", "one of her groups gives it");

    stand.directory("klaxoonLicense = \"true\"", "klaxoonLicense = \"false\"");
    stand.cycle();
    assert_eq!(license("eva.roy"), "NONE");
    stand.directory(
        "members = [\"guy.pin@contoso.com\", \"ines.lac@contoso.com\"]",
        "members = [\"guy.pin@contoso.com\"]",
    );
    stand.cycle();
    assert_eq!(
        (license("guy.pin"), license("ines.lac")),
        (json!("PRO"), json!("NONE")),
        "she left the trainers"
    );

    stand.directory("klaxoonLicense = \"false\"", "klaxoonLicense = \"perhaps\"");
    let cycle = stand.cycle();
    assert_eq!(cycle.result.statistics.actions.failed, 1);
    let said = stand.failure("Facilitators");
    assert!(said.contains("license` takes true, false and nothing else"), "{said}");
}

#[test]
fn kintone_gets_the_members_of_an_assigned_group_and_no_group() {
    let stand = Stand::of("kintone");
    let cycle = stand.cycle();
    covers!("A-053", "A-054");
    assert_eq!(stand.names(), ["kei.mori@contoso.com", "mio.sato@contoso.com", "ren.abe@contoso.com"]);
    assert!(cycle.sent.iter().all(|line| line.ends_with(" /Users")), "{:?}", cycle.sent);
    // A new member comes into scope, one that leaves goes out of it.
    stand.directory("\"mio.sato@contoso.com\"]", "\"yui.ono@contoso.com\"]");
    stand.cycle();
    assert_eq!(stand.user("yui.ono@contoso.com")["active"], true);
    assert_eq!(stand.user("mio.sato@contoso.com")["active"], false);
}

/// `wire.md 1.5`: anything but a list is a refusal. Microsoft's page does not say whether groups are probed.
#[test]
fn a_group_mapping_on_an_app_without_groups_ends_as_the_probe_is_set() {
    let own = scimulator::gallery::source("kintone").unwrap().replace("\n[app]\n", "");
    let groups = scimulator::gallery::source("kpifire").unwrap().split("\n[group]").nth(1).unwrap();
    let groups = groups.split("\n# The embedded").next().unwrap();
    for (settings, probe, users) in [("", "both", 0), ("", "users", 3), ("groups = false\n", "both", 3)] {
        let stand = Stand::of("kintone");
        stand.project.write("profile.toml", &format!("{own}\n[group]{groups}"));
        let app = "app = \"kintone\"\n";
        stand.edit("scimulator.toml", app, &format!("{app}profile = \"profile.toml\"\n{settings}"));
        let config = stand.project.read("scimulator.toml");
        stand.project.write("scimulator.toml", &format!("{config}[job.fidelity]\nprobe = \"{probe}\"\n"));
        let cycle = stand.cycle();
        covers!("A-053");
        assert_eq!(stand.held().len(), users, "{settings}{probe}: the probe comes before the users");
        let refused = cycle.result.quarantine.is_some();
        assert_eq!(refused, settings.is_empty(), "{settings}{probe}");
        if refused {
            assert_eq!(cycle.result.state, RunState::Failed);
            assert!(cycle.result.statistics.error.message.contains("this app has no Groups"));
        }
    }
}

#[test]
fn a_profile_that_points_at_another_strict_app_fails_with_the_attribute_named() {
    let pairs = [
        ("kpifire", "kno2fy", "hal.orr@contoso.com", "no attribute `displayName` of a User"),
        ("kno2fy", "kpifire", "ola.berg@contoso.com", "no attribute `phoneNumbers[type eq"),
        ("klaxoon", "kintone", "eva.roy@contoso.com", "no attribute `displayName` of a User"),
        ("kintone", "klaxoon", "Nobody", ""),
    ];
    for (app, profile, object, said) in pairs {
        let stand = Stand::of(app);
        stand.project.write("other.toml", scimulator::gallery::source(profile).unwrap());
        let config = stand.project.read("scimulator.toml");
        let config: Vec<&str> = config.lines().filter(|line| !line.starts_with("profile")).collect();
        stand.project.write("scimulator.toml", &(config.join("\n") + "\n"));
        stand.edit("scimulator.toml", "tenant_url", "profile = \"other.toml\"\ntenant_url");
        let cycle = stand.cycle();
        if object == "Nobody" {
            // The probe of groups meets an app that has none.
            assert!(cycle.result.quarantine.is_some(), "{app}");
            continue;
        }
        assert!(!stand.names().contains(&object.to_owned()), "{app}: nothing is kept of it");
        let failure = stand.failure(object);
        assert!(failure.contains("SystemForCrossDomainIdentityManagementServiceIncompatible"), "{failure}");
        assert!(failure.contains(said), "{app}: {failure}");
    }
}

#[test]
fn a_token_that_is_not_the_apps_is_refused_by_the_test_of_the_connection() {
    for app in APPS {
        let stand = Stand::of(app);
        let good = stand.project.scimulator(["test-connection"]).assert().success();
        let good = String::from_utf8(good.get_output().stdout.clone()).unwrap();
        covers!("A-001");
        assert!(good.contains("connected"), "{app}: {good}");
    }
    for app in ["knowbe4", "kpifire"] {
        let stand = Stand::of(app);
        stand.cycle();
        stand.project.write("token", "another-token\n");
        covers!("A-001", "A-050");
        stand.project.scimulator(["test-connection"]).assert().code(3);
        assert_eq!(stand.cycle().result.state, RunState::Failed, "{app}");
    }
}

#[test]
fn scope_filters_and_status_work_with_every_profile() {
    for app in APPS {
        let stand = Stand::of(app);
        // Everybody, assigned or not, whose surname is none.
        stand.edit("scimulator.toml", "scope = \"assigned\"", "scope = \"all\"");
        let config = stand.project.read("scimulator.toml");
        let filter = "[[job.filter]]\nobject = \"user\"\nname = \"Nobody\"\n\
                      clauses = [{ attribute = \"surname\", operator = \"EQUALS\", value = \"Nobody\" }]\n";
        stand.project.write("scimulator.toml", &format!("{config}{filter}"));
        stand.cycle();
        let users = |stand: &Stand| stand.held().iter().filter(|one| one.get("userName").is_some()).count();
        assert_eq!(users(&stand), 0, "{app}: the filter keeps everybody out");
        stand.project.write("scimulator.toml", &config);
        stand.cycle();
        let mapping = stand.config().jobs[0].mappings.mapping(ObjectKind::User).is_some();
        covers!("A-003");
        assert!(mapping && 2 <= users(&stand), "{app}: everybody");

        stand.project.scimulator(["pause"]).assert().success();
        let status = |stand: &Stand| -> Value {
            let shown = stand.project.scimulator(["status", "--format", "json"]).assert().success();
            serde_json::from_slice(&shown.get_output().stdout).unwrap()
        };
        assert_eq!(status(&stand)["status"]["code"], "Paused", "{app}: off");
        stand.project.scimulator(["start"]).assert().success();
        covers!("A-003", "A-005");
        let shown = status(&stand);
        assert_eq!(shown["status"]["code"], "Active", "{app}: on");
        assert!(shown["status"]["progress"].is_array(), "{app}: {shown}");
        stand.project.scimulator(["quarantine"]).assert().success();
        let logs = stand.project.scimulator(["logs", "--format", "json"]).assert().success();
        assert!(3 <= logs.get_output().stdout.split(|byte| *byte == b'\n').count(), "{app}");
    }
}

#[test]
fn somebody_is_told_of_quarantine_whatever_the_app_unless_mails_are_off() {
    for app in APPS {
        for (switch, mails) in [("", 1), ("notifications = false\n", 0)] {
            let stand = Stand::of(app);
            let nowhere = format!("\"http://127.0.0.1:{}/scim\"", free_port());
            stand.edit("scimulator.toml", "\"embedded\"", &nowhere);
            let told = format!("notification_email = \"ops@contoso.com\"\n{switch}scope");
            stand.edit("scimulator.toml", "scope", &told);
            stand.project.scimulator(["cycle"]).assert().code(3);
            let folder = stand.project.path("state/mail");
            let files = std::fs::read_dir(folder).map_or(0, Iterator::count);
            covers!("A-002");
            assert_eq!(files, mails, "{app} {switch}");
        }
    }
}
