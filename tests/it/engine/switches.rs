//! Every key of `[job.fidelity]`, read from a configuration file as people write it, and what it changes. What is seen
//! with each word is what the sheets say (`wire.md 13`, `engine.md 14`, `mapping.md 11`).

mod behaviour;
mod language;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use scimulator::config::schema;
use serde_json::Value;

use super::harness::World;

/// A key and what is seen with its words.
struct Row {
    key: &'static str,
    /// What is seen when these lines stand in `[job.fidelity]`.
    see: fn(&str) -> String,
    /// Words as TOML, the default first, and what is seen with each.
    words: &'static [(&'static str, &'static str)],
}

/// Keys that a test of its own sets in a configuration file: the key, the file below `tests/it`, the test.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "assignment_delay",
        "on_demand/job",
        "a_new_assignment_may_take_a_while_to_be_seen_on_demand_and_cycles_see_it_at_once",
    ),
    ("blank_token", "client/grants", "a_blank_token_may_name_the_older_audience_or_send_nothing"),
    ("coalesce_skips_empty", "mappings_in_jobs", "the_switches_of_the_language_reach_a_running_job"),
    ("covers_soft_delete", "engine/tables", "without_covers_soft_delete_the_flag_spares_only_who_left_scope"),
    (
        "credential_limit",
        "engine/settings",
        "credentials_and_notification_addresses_share_a_kilobyte_where_there_is_such_a_limit",
    ),
    (
        "delete_threshold_inclusive",
        "engine/quarantined",
        "by_choice_the_threshold_itself_trips_and_the_action_has_its_other_name",
    ),
    ("dialect", "dialects", "the_app_and_the_flags_of_the_tenant_url_select_the_dialect"),
    (
        "escrows_in_quarantine",
        "engine/quarantined",
        "by_choice_an_attempt_in_quarantine_leaves_escrows_alone",
    ),
    (
        "fresh_job_code",
        "status",
        "a_new_job_is_not_configured_until_it_has_credentials_and_paused_until_its_first_cycle_begins",
    ),
    ("flow_null_values", "mappings_in_jobs", "null_flows_only_where_definition_mapping_and_switch_say_so"),
    ("follow_redirects", "client/access", "a_redirect_is_followed_only_where_the_job_says_so"),
    ("function_case", "mappings_in_jobs", "the_switches_of_the_language_reach_a_running_job"),
    ("headers", "engine/tolerance", "accept_and_user_agent_are_sent_as_configured"),
    (
        "initial_threshold_mode",
        "engine/quarantined",
        "too_many_failures_of_an_initial_cycle_are_dropped_and_the_job_waits",
    ),
    (
        "intent_recovery",
        "engine/lost",
        "without_intent_recovery_a_lost_answer_and_a_rename_make_a_second_account",
    ),
    ("interval_jitter", "engine/lifecycle", "cycles_are_40_minutes_apart_or_with_jitter_20_to_40"),
    ("log_retention", "engine/notices", "the_logs_forget_what_is_older_than_their_retention"),
    (
        "mail_on_disable",
        "engine/notices",
        "nobody_is_told_without_an_address_or_with_notifications_off_or_of_the_end_by_choice",
    ),
    ("kno2fy_access_end", "gallery/applications", "a_switch_has_kno2fy_remove_who_loses_access"),
    (
        "oauth_credential_location",
        "client/access",
        "a_job_with_client_credentials_provisions_and_leaves_no_secret_behind",
    ),
    ("on_demand_rate", "on_demand/job", "held_to_the_rate_of_graph_the_sixth_run_is_refused"),
    ("on_demand_shape", "on_demand/job", "the_other_published_shape_is_a_choice"),
    ("on_missing", "engine/missing", "with_invalid_anchor_a_linked_account_that_is_gone_fails_its_object"),
    (
        "page_size",
        "engine/standing",
        "progress_counts_pages_of_objects_while_a_cycle_is_under_way_and_is_gone_afterwards",
    ),
    ("probe", "engine/traces", "probes_can_be_turned_off"),
    ("requery_on_conflict", "engine/failures", "after_a_conflict_a_second_look_is_taken_only_when_asked_for"),
    ("restart_clears_links", "cli_trouble", "each_reset_clears_its_own_part"),
    (
        "retry_after",
        "engine/failures",
        "a_throttled_request_fails_its_object_when_the_repeat_fails_or_waiting_is_off",
    ),
    ("role_text", "mappings_in_jobs", "roles_reach_the_functions_direct_and_through_groups"),
    (
        "scale",
        "engine/quarantined",
        "too_large_a_share_of_failures_quarantines_the_job_and_one_good_attempt_ends_it",
    ),
    ("scoping_key_names", "filters_in_jobs", "a_profile_of_ones_own_replaces_the_mappings"),
    ("share_window", "engine/quarantined", "the_share_may_be_taken_since_the_last_restart"),
    (
        "staged_action_name",
        "engine/quarantined",
        "by_choice_the_threshold_itself_trips_and_the_action_has_its_other_name",
    ),
    (
        "strict_conditions",
        "cli_check_lints",
        "conditions_that_the_reference_calls_unsupported_are_warned_of_when_asked_for",
    ),
    (
        "switch_null_defect",
        "mappings_in_jobs",
        "an_unchanged_switch_never_writes_null_unless_the_defect_is_imitated",
    ),
    ("timeout", "bad_targets", "a_target_that_hangs_fails_the_user_and_at_the_probe_the_cycle"),
    ("unique_value_outbound", "mappings_in_jobs", "select_unique_value_is_refused_unless_it_is_allowed"),
    ("unknown_attributes", "cli_check_lints", "a_source_attribute_that_nobody_has_is_told_with_its_place"),
    ("unmapped_active", "engine/tables", "with_nothing_mapped_to_the_soft_delete_a_setting_sends_a_delete"),
    ("workers", "engine/pacing", "as_many_requests_are_under_way_as_there_are_workers_and_never_more"),
];

/// A job with these keys, and these lines in its `[job.fidelity]`.
fn world(job: &str, fidelity: &str) -> World {
    World::new(&format!("{job}\n[job.fidelity]\n{fidelity}"))
}

/// Holds what is seen against the rows; the default also where nothing is written.
fn check(rows: &[Row]) {
    for Row { key, see, words } in rows {
        let (_, default) = words[0];
        assert_eq!(see(""), default, "{key} by default");
        for (word, seen) in *words {
            assert_eq!(see(&format!("{key} = {word}\n")), *seen, "{key} = {word}");
        }
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    language::ROWS.iter().chain(requests::ROWS).chain(behaviour::ROWS)
}

/// Keys of `[job.fidelity]` with their schemas.
fn keys() -> BTreeMap<String, Value> {
    let schema = schema::json_schema();
    let keys = schema.pointer("/properties/job/items/properties/fidelity/properties").unwrap();
    keys.as_object().unwrap().clone().into_iter().collect()
}

#[test]
fn every_word_of_every_key_is_seen_to_change_something() {
    let keys = keys();
    let mut shown: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for Row { key, words, .. } in rows() {
        let (default, seen_by_default) = words[0];
        let of = keys.get(*key).unwrap_or_else(|| panic!("`{key}` is no key"));
        assert_eq!(of["default"].to_string(), default, "{key}: the default comes first");
        for (word, seen) in &words[1..] {
            assert_ne!(*seen, seen_by_default, "{key} = {word} shows nothing");
            shown.entry(key).or_default().insert((*word).to_owned());
        }
    }
    for (key, file, test) in ELSEWHERE {
        assert!(shown.insert(key, BTreeSet::new()).is_none(), "`{key}` has a row: no need to look elsewhere");
        assert!(keys.contains_key(*key), "`{key}` is no key");
        let path = crate::sources::root().join("tests/it").join(file).with_extension("rs");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(&format!("#[test]\nfn {test}()")), "{file} has no test {test}");
        assert!(text.contains(&format!("{key} = ")), "{file} does not write {key}");
        let of = &keys[*key];
        let words = of["enum"].as_array().into_iter().flatten().filter(|word| **word != of["default"]);
        for word in words.map(|word| word.as_str().unwrap()) {
            let quoted = [format!("\"{word}"), format!("'{word}")];
            assert!(
                quoted.iter().any(|quoted| text.contains(quoted)),
                "{file} does not write {key} = {word}"
            );
        }
    }
    for (key, of) in &keys {
        let only_word = of["enum"].as_array().is_some_and(|words| words.len() == 1);
        let shown = shown.get(key.as_str());
        assert!(only_word || shown.is_some(), "`{key}` needs a row that shows what it changes");
        let Some(shown) = shown.filter(|shown| !shown.is_empty()) else { continue };
        let mut words = of["enum"].as_array().cloned().unwrap_or_default();
        if of["type"] == "boolean" {
            words = vec![true.into(), false.into()];
        }
        for word in words.into_iter().filter(|word| *word != of["default"]) {
            assert!(shown.contains(&word.to_string()), "no row shows what `{key} = {word}` changes");
        }
    }
}

#[test]
fn the_words_of_the_language_do_what_they_say() {
    check(language::ROWS);
}

#[test]
fn the_words_that_shape_requests_do_what_they_say() {
    check(requests::ROWS);
}

#[test]
fn the_words_that_shape_behaviour_do_what_they_say() {
    check(behaviour::ROWS);
}
