//! The provisioning log: one entry for each change, its steps, its action and status (`engine.md 11`).

use scimulator::clock::Clock as _;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::entry::{Status, summary};
use scimulator::http::Method;
use scimulator::store::Edit;
use serde_json::{Value, json};

use super::harness::{Logged, World, status, upn};

/// Steps as `name type status`.
fn steps(logged: &Logged) -> Vec<String> {
    logged
        .entry
        .steps
        .iter()
        .map(|step| {
            let kind = serde_json::to_value(step.kind).unwrap();
            format!("{} {} {}", step.name, kind.as_str().unwrap(), step.status.as_str())
        })
        .collect()
}

fn detail<'l>(logged: &'l Logged, step: &str, name: &str) -> Option<&'l str> {
    let step = logged.entry.steps.iter().find(|known| known.name == step)?;
    step.details.get(name).map(String::as_str)
}

fn description<'l>(logged: &'l Logged, step: &str) -> &'l str {
    &logged.entry.steps.iter().rfind(|known| known.name == step).expect("the step").description
}

/// Changes as `attribute: old -> new`.
fn properties(logged: &Logged) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let line = |property: &scimulator::engine::entry::ModifiedProperty| {
        format!("{}: {} -> {}", property.display_name, text(&property.old_value), text(&property.new_value))
    };
    logged.entry.modified_properties.iter().map(line).collect()
}

/// A world where `u` is in the target and the watermark is set.
fn settled(row: &[(&str, &str)]) -> World {
    let mut world = World::new("");
    world.people.user("u", row).user("other", &[]).assign("u").assign("other");
    world.clean_cycle();
    world
}

#[test]
fn a_create_shows_import_scope_decision_and_export() {
    let mut world = World::new("");
    world.people.user("u", &[("displayName", "U"), ("jobTitle", "Boss")]).assign("u");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["u create success"]);
    assert_eq!(
        steps(&log[0]),
        [
            "EntryImport import success",
            "EntrySynchronizationAdd matching success",
            "EntrySynchronizationScoping scoping success",
            "EntryExportAdd export success",
        ]
    );
    assert!(description(&log[0], "EntryImport").starts_with("Retrieved "));
    assert!(description(&log[0], "EntrySynchronizationAdd").contains("will be created in customappsso ("));
    assert!(description(&log[0], "EntryExportAdd").contains("was created in customappsso"));
    assert_eq!(detail(&log[0], "EntryImport", "jobTitle"), Some("Boss"));
    for (name, value) in [
        ("Active in the source system", "True"),
        ("Assigned to the application", "True"),
        ("User has the required role", "True"),
        ("Scoping filter evaluation passed", "True"),
        ("ScopeEvaluationResult", "{}"),
    ] {
        assert_eq!(detail(&log[0], "EntrySynchronizationScoping", name), Some(value));
    }
    assert_eq!(
        properties(&log[0]),
        [
            "userName: null -> u@contoso.com",
            "active: null -> True",
            "displayName: null -> U",
            "title: null -> Boss",
        ]
    );
    // A delta says so.
    world.people.user("late", &[]).assign("late");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(log[0].entry.steps[0].name, "EntryImportAdd");
    assert!(log[0].entry.steps[0].description.contains("Received a change of type (Add)"));
    scimulator::covers!("E-231", "E-232", "E-234", "E-236", "E-237", "E-241", "E-088");
}

#[test]
fn an_update_shows_old_and_new_values() {
    let mut world = settled(&[("jobTitle", "Clerk"), ("surname", "Old")]);
    world.people.set("u", "jobTitle", "Boss").set("u", "department", "Sales");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["u update success"]);
    assert_eq!(
        steps(&log[0]),
        [
            "EntryImportUpdate import success",
            "EntrySynchronizationScoping scoping success",
            "EntrySynchronizationUpdate processing success",
            "EntryExportUpdate export success",
        ]
    );
    assert!(description(&log[0], "EntryExportUpdate").contains("was updated in customappsso"));
    assert_eq!(
        properties(&log[0]),
        [
            "title: Clerk -> Boss",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department: null -> Sales",
        ]
    );
    scimulator::covers!("E-233", "E-234");
}

#[test]
fn disable_delete_skip_and_failure_have_their_own_actions_and_steps() {
    let mut world = settled(&[]);
    world.people.set("u", "accountEnabled", "False");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["u disable success"]);
    assert_eq!(steps(&log[0]).last().unwrap(), "EntryExportUpdateSoftDelete export success");
    assert_eq!(properties(&log[0]), ["active: True -> False"]);

    let (id, now) = (world.people.id("u"), world.clock.now());
    world.store().edit(ObjectKind::User, &id, &Edit::Purge, now).unwrap();
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["u delete success"]);
    assert_eq!(
        steps(&log[0]),
        [
            "EntryImportDelete import success",
            "EntrySynchronizationDelete processing success",
            "EntryExportDelete export success",
        ]
    );

    // An attribute that no mapping reads: seen, compared, nothing to do.
    world.people.set("other", "faxBrand", "Acme");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["other other skipped EntrySynchronizationSkipped"]);
    assert_eq!(steps(&log[0]).last().unwrap(), "EntrySynchronizationSkip export skipped");
    assert_eq!(detail(&log[0], "EntrySynchronizationSkip", "SkipReason"), Some("RedundantExport"));
    assert!(log[0].entry.error_information.is_none());

    world.people.set("other", "jobTitle", "Boss");
    world.once(Method::Patch, "/Users", status(500));
    world.cycle();
    let log = world.last_log();
    assert_eq!(
        steps(&log[0]),
        [
            "EntryImportUpdate import success",
            "EntrySynchronizationScoping scoping success",
            "EntrySynchronizationUpdate processing success",
            "EntryExportUpdate export failure",
        ]
    );
    let information = log[0].entry.error_information.as_ref().unwrap();
    assert_eq!(
        (information.error_code.as_str(), information.error_category.as_str()),
        ("InternalServerError", "failure")
    );
    scimulator::covers!("E-031", "E-229", "E-233", "E-234", "E-235", "E-239", "E-258");
}

#[test]
fn who_is_not_entitled_is_skipped_with_numbered_reasons() {
    let mut world = settled(&[]);
    world.people.user("x", &[("accountEnabled", "False")]);
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["x create skipped EntrySynchronizationSkipped"]);
    assert_eq!(detail(&log[0], "EntrySynchronizationSkip", "SkipReason"), Some("NotEffectivelyEntitled"));
    let text = description(&log[0], "EntrySynchronizationSkip");
    let first = text.find("1) it is disabled in the source system");
    let second = text.find("2) it is not assigned to the application");
    assert!(first.is_some() && first < second, "{text}");
    scimulator::covers!("E-229", "E-239", "E-253");
}

#[test]
fn an_object_without_a_matching_value_is_skipped_before_its_scope_is_looked_at() {
    let mut world = World::new("");
    world.adjust = |spec| {
        for rule in &mut spec.users.attributes {
            rule.matching_priority = u32::from(rule.target.as_str() == "externalId");
        }
    };
    world.people.user("u", &[]).assign("u");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(steps(&log[0]), ["EntryImport import success", "EntrySynchronizationSkip export skipped"]);
    assert_eq!(log[0].entry.error_information.as_ref().unwrap().error_code, "ImportSkipped");
    assert_eq!(world.requests(), [""; 0]);
    scimulator::covers!("E-123", "W-068", "E-139");
}

#[test]
fn a_match_shows_the_account_that_was_found() {
    let mut world = World::new("");
    world.people.user("u", &[("jobTitle", "Boss")]).assign("u");
    let there = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn("u"), "active": true,
    });
    world.by_hand(Method::Post, "/Users", Some(&there));
    let id = world.target_id("u");
    world.clean_cycle();
    let log = world.last_log();
    assert_eq!(
        steps(&log[0]),
        [
            "EntryImport import success",
            "EntryImport matching success",
            "EntrySynchronizationScoping scoping success",
            "EntrySynchronizationUpdate processing success",
            "EntryExportUpdate export success",
        ]
    );
    assert!(description(&log[0], "EntryImport").contains(&id));
    assert_eq!(log[0].row.target_id.as_deref(), Some(id.as_str()));
    scimulator::covers!("E-231");
}

#[test]
fn references_log_members_by_name_and_a_change_of_references_alone_is_one_entry() {
    let mut world = World::new("");
    world.people.user("a", &[]).user("b", &[]).user("c", &[]).group("G").member("G", "a").member("G", "b");
    world.people.assign("G").assign("c");
    world.clean_cycle();
    world.people.drop_member("G", "a").member("G", "c");
    world.clean_cycle();
    let log = world.last_log();
    let groups: Vec<&Logged> = log.iter().filter(|logged| logged.row.kind == ObjectKind::Group).collect();
    assert_eq!(groups.len(), 1, "read, found equal, members written: one change, one entry");
    assert_eq!(groups[0].line(), "G update success");
    assert_eq!(properties(groups[0]), ["members: null -> c@contoso.com", "members: a@contoso.com -> null"]);
    assert_eq!(steps(groups[0]).last().unwrap(), "EntryExportUpdate export success");
    assert_eq!(world.log_lines(), ["a disable success", "G update success"]);
    scimulator::covers!("E-225");
}

/// Every entry of a varied story has what `graph-api.md 10` lists, and ids that lead to its run.
#[test]
fn every_entry_is_shown_with_its_ids_action_and_status() {
    let mut world = settled(&[("jobTitle", "Clerk")]);
    world.people.set("u", "jobTitle", "Boss").user("new", &[]).assign("new").set(
        "other",
        "accountEnabled",
        "False",
    );
    let result = world.clean_cycle();
    let (spec, _) = world.spec();
    let log = world.last_log();
    assert_eq!(world.log_lines(), ["u update success", "other disable success", "new create success"]);
    let shown: Vec<Value> =
        log.iter().map(|logged| summary(&spec, &result.id, &logged.row).unwrap()).collect();
    let mut ids: Vec<&str> = shown
        .iter()
        .flat_map(|entry| [&entry["id"], &entry["changeId"]])
        .map(|id| id.as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "each entry and each change has an id of its own");
    for (entry, logged) in shown.iter().zip(&log) {
        assert_eq!(entry["cycleId"], result.id.as_str());
        assert_eq!(entry["jobId"], spec.id.as_str());
        assert!(
            ["create", "update", "delete", "stageddelete", "disable", "other"]
                .contains(&entry["provisioningAction"].as_str().unwrap())
        );
        assert_eq!(entry["provisioningStatusInfo"]["status"], "success");
        assert_eq!(entry["sourceSystem"]["displayName"], "Microsoft Entra ID");
        assert_eq!(entry["targetSystem"]["displayName"], "customappsso");
        assert_eq!(entry["sourceIdentity"]["id"], logged.row.source_id.as_str());
        assert!(logged.entry.steps.iter().all(|step| step.status == Status::Success));
    }
    let run = world.store().executions(super::harness::JOB, 1).unwrap().remove(0);
    assert_eq!(run.id, result.id, "activityIdentifier");
    scimulator::covers!("E-226", "E-228", "E-241");
}

#[test]
fn a_run_counts_what_it_did() {
    let mut world = World::new("");
    world
        .people
        .user("boss", &[])
        .user("u", &[("manager", &upn("boss"))])
        .user("off", &[("accountEnabled", "False")]);
    world.people.user("stranger", &[]).group("G").member("G", "u").assign("G").assign("boss").assign("off");
    let counts = world.clean_cycle().statistics;
    assert_eq!(
        (counts.count_imported, counts.count_entitled, counts.count_entitled_for_provisioning),
        (5, 4, 3)
    );
    assert_eq!((counts.count_exports, counts.count_exported), (5, 5), "three creates, a manager, members");
    assert_eq!(world.job().linked, (2, 1));
    world.people.set("u", "jobTitle", "Boss").unassign("G");
    world.once(Method::Patch, "/Users", status(500));
    let counts = world.cycle().statistics;
    assert_eq!((counts.count_escrowed, counts.count_escrowed_raw, counts.count_exported), (1, 1, 1));
    world.clean_cycle();
    assert_eq!(world.job().linked, (2, 1), "totals never fall");
    scimulator::covers!("E-217", "E-219");
}

/// The import step of each entry of the last cycle, by name of the object.
fn imports(world: &mut World) -> Vec<(String, String)> {
    let name = |logged: &Logged| logged.row.label.trim_end_matches("@contoso.com").to_owned();
    let step = |logged: &Logged| {
        let step = &logged.entry.steps[0];
        assert_eq!(serde_json::to_value(step.kind).unwrap(), "import");
        step.name.clone()
    };
    world.last_log().iter().map(|logged| (name(logged), step(logged))).collect()
}

#[test]
fn a_full_read_imports_and_a_delta_says_what_it_is() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("v", &[]).assign("u").assign("v").group("G").assign("G");
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, step)| ((*name).to_owned(), (*step).to_owned())).collect()
    };
    world.clean_cycle();
    let read = [("u", "EntryImport"), ("v", "EntryImport"), ("G", "EntryImport")];
    assert_eq!(imports(&mut world), pairs(&read));
    world.people.set("u", "jobTitle", "Boss").user("new", &[]).assign("new").set("G", "description", "d");
    world.clean_cycle();
    let delta = [("u", "EntryImportUpdate"), ("new", "EntryImportAdd"), ("G", "EntryImportUpdate")];
    assert_eq!(imports(&mut world), pairs(&delta));
    // A full read of what is known is a read all the same.
    world.run(scimulator::engine::Purpose::InitialCycle);
    assert!(imports(&mut world).iter().all(|(_, step)| step == "EntryImport"));
    scimulator::covers!("E-230");
}

#[test]
fn a_step_is_of_one_of_six_types() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("u");
    world.clean_cycle();
    world.people.set("u", "jobTitle", "Boss").user("stranger", &[]);
    world.clean_cycle();
    let cycle = world.job().cycle;
    let (spec, _) = world.spec();
    let log = world.log();
    let mut types: Vec<String> = log
        .iter()
        .map(|logged| summary(&spec, &cycle.to_string(), &logged.row).unwrap())
        .flat_map(|entry| entry["provisioningSteps"].as_array().unwrap().clone())
        .map(|step| step["provisioningStepType"].as_str().unwrap().to_owned())
        .collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types, ["export", "import", "matching", "processing", "referenceResolution", "scoping"]);
    scimulator::covers!("E-227");
}
