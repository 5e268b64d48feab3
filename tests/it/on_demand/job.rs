//! What a run on demand has to do with its job: what it leaves as it is, when it is refused, and what the next cycle
//! makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use scimulator::clock::{Clock as _, SystemClock};
use scimulator::covers;
use scimulator::store::JobLock;
use serde_json::{Value, json};

use super::{CONFIG, USERS, account, answer, fine, project, refused, requests, store};
use crate::bad_targets::server::{Answer, Server};
use crate::common::free_port;

#[test]
fn who_was_unassigned_is_disabled_past_the_deletion_guard() {
    let project = project();
    let guarded = "delete_threshold = 1\nnotification_email = 'a@x.com'\n";
    project.write("scimulator.toml", &format!("{CONFIG}{guarded}"));
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "unassign", "eve@x.com"]);
    fine(&project, ["directory", "unassign", "ann@x.com"]);
    let (key, value, code) = answer(&project, ["eve@x.com"]);
    covers!("E-194");
    assert_eq!((code, &key["result"], &value["action"]), (Some(0), &json!("Success"), &json!("Disable")));
    assert_eq!(account(&project, "eve@x.com")["active"], false);
    assert_eq!(account(&project, "ann@x.com")["active"], true, "nobody asked for her");
    fine(&project, ["cycle"]);
    assert_eq!(account(&project, "ann@x.com")["active"], false);
}

#[test]
fn the_flag_in_the_tenant_url_is_ignored() {
    let project = project();
    let server = Server::start(|_| None);
    let url = |flag: &str| {
        let config = CONFIG.replace("'embedded'", &format!("'{}{flag}'", server.url()));
        project.write("scimulator.toml", &format!("{config}scope = 'all'\ngroups = false\n"));
    };
    url("?aadOptscim062020");
    fine(&project, ["cycle"]);
    let mut users = USERS.replace(",Eve,", ",Eve V,");
    project.write("directory/users.csv", &users);
    let patches = |body: &dyn Fn()| {
        let before = server.asked().len();
        body();
        let sent = server.asked().split_off(before).into_iter().filter(|asked| asked.method == "PATCH");
        sent.map(|asked| serde_json::from_str::<Value>(&asked.body).unwrap()["Operations"].clone())
            .collect::<Vec<_>>()
    };
    covers!("W-038");
    let sent = patches(&|| drop(fine(&project, ["provision", "eve@x.com"])));
    assert_eq!(
        sent,
        [json!([{ "op": "Replace", "path": "displayName", "value": "Eve V" }])],
        "the default dialect"
    );
    users = users.replace(",Ben,", ",Ben V,");
    project.write("directory/users.csv", &users);
    let sent = patches(&|| drop(fine(&project, ["cycle"])));
    assert!(
        sent.contains(&json!([{ "op": "replace", "value": { "displayName": "Ben V" } }])),
        "the cycle speaks the flagged one: {sent:?}"
    );
}

#[test]
fn the_job_stays_as_it_is() {
    let project = project();
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "set", "eve@x.com", "displayName=Eve V"]);
    let standing = || {
        let store = store(&project);
        let mut row = store.job("app").unwrap().unwrap();
        row.cycle = 0; // entries and exchanges of a run on demand go by a number too
        (row, store.executions("app", 9).unwrap())
    };
    let before = standing();
    fine(&project, ["provision", "eve@x.com"]);
    assert_eq!(standing(), before);
    let planned = fine(&project, ["plan"]);
    assert!(planned.contains("would create 0, update 0"), "the change was written: {planned}");
    let shown = fine(&project, ["explain", "eve@x.com"]);
    assert!(shown.contains("success update on demand"), "{shown}");
    let wire = fine(&project, ["logs", "--object", "eve@x.com", "--limit", "1", "--wire"]);
    assert_eq!(wire.lines().count(), 3, "its entry, and its own two exchanges:\n{wire}");

    // A job that never ran has run no cycle afterwards either.
    let fresh = self::project();
    fine(&fresh, ["provision", "eve@x.com"]);
    assert!(fine(&fresh, ["status"]).contains("not started"));
    assert!(fine(&fresh, ["cycle"]).contains("initial cycle"));
}

#[test]
fn in_quarantine_it_works_and_ends_an_escrow_and_not_the_quarantine() {
    let broken = Arc::new(AtomicBool::new(false));
    let strict = Arc::new(AtomicBool::new(true));
    let (is_broken, is_strict) = (Arc::clone(&broken), Arc::clone(&strict));
    let server = Server::start(move |asked| {
        let refuse = |status, detail| Some(Answer::say(status, json!({ "detail": detail })));
        if is_broken.load(Ordering::SeqCst) {
            return refuse(401, "who are you?");
        }
        if is_strict.load(Ordering::SeqCst) && asked.creates("ben") {
            return refuse(400, "no Ben here");
        }
        None
    });
    let project = project();
    let config = CONFIG.replace("'embedded'", &format!("'{}'", server.url()));
    project.write("scimulator.toml", &format!("{config}scope = 'all'\ngroups = false\n"));
    fine(&project, ["cycle"]);
    let escrows = || store(&project).escrows("app").unwrap().len();
    assert_eq!(escrows(), 1);
    broken.store(true, Ordering::SeqCst);
    assert_eq!(project.run(["cycle"]).code, 3);

    // The probe is refused: the one thing that is shown.
    let asked = server.asked().len();
    let ran = project.run(["provision", "ben@x.com"]);
    covers!("E-188");
    assert_eq!((ran.code, server.asked().len()), (3, asked + 1), "{ran:?}");
    assert!(
        ran.stdout.contains("TEST CONNECTION: failure") && ran.stdout.contains("who are you?"),
        "{ran:?}"
    );
    let (key, value, code) = answer(&project, ["ben@x.com"]);
    let refused = "SystemForCrossDomainIdentityManagementCredentialValidationFailure";
    assert_eq!((code, &key["result"], &value), (Some(3), &json!("Failure"), &json!({})));
    assert_eq!(key["details"]["errorCode"], refused);

    broken.store(false, Ordering::SeqCst);
    let (key, value, code) = answer(&project, ["ben@x.com"]);
    covers!("G-085", "E-189");
    assert_eq!((code, &key["result"]), (Some(1), &json!("Failure")));
    assert!(key["details"]["errorMessage"].as_str().unwrap().contains("no Ben here"), "{key}");
    assert_eq!((&value["statusInfo"]["errorCode"], escrows()), (&key["details"]["errorCode"], 1));
    let tried = json!({ "displayName": "userName", "oldValue": null, "newValue": "ben@x.com" });
    assert!(value["modifiedProperties"].as_array().unwrap().contains(&tried), "what was attempted: {value}");
    strict.store(false, Ordering::SeqCst);
    assert_eq!(answer(&project, ["ben@x.com"]).2, Some(0));
    assert_eq!(escrows(), 0);
    assert_eq!(project.run(["quarantine"]).code, 4, "the job is where it was");
}

#[test]
fn an_account_that_the_target_has_soft_deleted_is_not_restored_and_a_duplicate_comes() {
    let hides = Arc::new(AtomicBool::new(false));
    let is_hidden = Arc::clone(&hides);
    let server = Server::start(move |asked| {
        let nothing = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                              "totalResults": 0, "Resources": [] });
        match (is_hidden.load(Ordering::SeqCst) && asked.method == "GET", asked.target.contains('?')) {
            (true, true) => Some(Answer::say(200, nothing)),
            (true, false) => Some(Answer::say(404, json!({ "status": "404" }))),
            (false, _) => None,
        }
    });
    let project = project();
    project.write("scimulator.toml", &CONFIG.replace("'embedded'", &format!("'{}'", server.url())));
    fine(&project, ["provision", "eve@x.com"]);
    let count = || server.users().iter().filter(|name| *name == "eve@x.com").count();
    assert_eq!(count(), 1);
    hides.store(true, Ordering::SeqCst);
    let before = server.asked().len();
    let (key, value, code) = answer(&project, ["eve@x.com"]);
    assert_eq!((code, &key["result"], &value["action"]), (Some(0), &json!("Success"), &json!("Create")));
    assert_eq!(count(), 2, "the one that is hidden, and another");
    let asked = server.asked().split_off(before);
    assert!(asked.iter().all(|asked| asked.method != "PATCH"), "nothing was restored: {asked:?}");
    covers!("E-195");
}

#[test]
fn with_oauth_the_job_has_to_be_stopped() {
    let project = project();
    fine(&project, ["cycle"]);
    fine(&project, ["provision", "eve@x.com"]); // without OAuth it works while the job is started
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let config = CONFIG.replace("'embedded'", &format!("'{nowhere}/scim'"));
    let oauth = format!(
        "[job.oauth]\ntoken_endpoint = '{nowhere}/token'\nclient_id = 'entra'\nclient_secret = {{ value = 's3cr3t' }}\n"
    );
    project.write("scimulator.toml", &format!("{config}{oauth}"));
    covers!("E-196");
    let said = refused(&project, ["provision", "eve@x.com"]);
    assert!(said.contains("only while the job is stopped") && said.contains("scimulator pause"), "{said}");
    fine(&project, ["pause"]);
    let ran = project.run(["provision", "eve@x.com"]);
    assert_eq!(ran.code, 3, "now it asks for a token, and nobody is there: {ran:?}");
}

#[test]
fn held_to_the_rate_of_graph_the_sixth_run_is_refused() {
    let project = project();
    project.write("scimulator.toml", &format!("{CONFIG}[job.fidelity]\non_demand_rate = true\n"));
    fine(&project, ["provision", "eve@x.com"]);
    for _ in 0..4 {
        store(&project).add_call("app", SystemClock.now()).unwrap();
    }
    let states = || (store(&project).calls("app").unwrap().len(), requests(&project).len());
    assert_eq!(states().0, 5);
    let before = states();
    let said = refused(&project, ["provision", "eve@x.com"]);
    assert!(said.contains("429 TooManyRequests") && said.contains("try again after"), "{said}");
    assert_eq!(states(), before);
    project.write("scimulator.toml", CONFIG);
    fine(&project, ["provision", "eve@x.com"]);
    covers!("E-197");
}

#[test]
fn a_new_assignment_may_take_a_while_to_be_seen_on_demand_and_cycles_see_it_at_once() {
    let project = project();
    fine(&project, ["directory", "unassign", "Team"]);
    fine(&project, ["advance", "--until", "cycle"]);
    project.write("scimulator.toml", &format!("{CONFIG}[job.fidelity]\nassignment_delay = '5m'\n"));
    let told = |user: &str| answer(&project, [user]).0;
    fine(&project, ["directory", "assign", "dora@x.com"]);
    assert_eq!(told("dora@x.com")["details"]["errorCode"], "NotEffectivelyEntitled");
    fine(&project, ["advance", "299s"]);
    assert_eq!(told("dora@x.com")["result"], "Skipped");
    fine(&project, ["advance", "1s"]);
    assert_eq!(told("dora@x.com")["result"], "Success");

    // Through a group it takes as long; a cycle does not wait, and an old assignment is there all the time.
    fine(&project, ["directory", "assign", "Team"]);
    assert_eq!(told("ben@x.com")["result"], "Skipped");
    assert_eq!(told("Team")["result"], "Skipped");
    assert_eq!(told("eve@x.com")["details"]["errorCode"], "RedundantExport");
    fine(&project, ["cycle"]);
    assert_eq!(account(&project, "ben@x.com")["active"], true);
    project.write("scimulator.toml", CONFIG);
    fine(&project, ["directory", "unassign", "dora@x.com"]);
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "assign", "dora@x.com"]);
    assert_eq!(told("dora@x.com")["result"], "Success", "by default at once");
    covers!("E-200");
}

#[test]
fn a_job_in_a_cycle_is_busy() {
    let project = project();
    fine(&project, ["cycle"]);
    let lock = JobLock::take(&project.path("state"), "app").unwrap();
    let said = refused(&project, ["provision", "eve@x.com"]);
    assert!(said.contains("job `app` is busy"), "{said}");
    drop(lock);
    fine(&project, ["pause"]);
    fine(&project, ["provision", "eve@x.com"]);
}

#[test]
fn the_other_published_shape_is_a_choice() {
    let project = project();
    project.write("scimulator.toml", &format!("{CONFIG}[job.fidelity]\non_demand_shape = 'array'\n"));
    let pair: Value =
        serde_json::from_str(&fine(&project, ["provision", "eve@x.com", "--format", "json"])).unwrap();
    covers!("G-084");
    assert_eq!(pair["key"], "Microsoft.Identity.Health.CPP.Common.DataContracts.SyncFabric.StatusInfo");
    let value: Value = serde_json::from_str(pair["value"].as_str().unwrap()).unwrap();
    assert_eq!((value.as_array().unwrap().len(), &value[0]["action"]), (1, &json!("Create")));
}

#[test]
fn a_create_that_was_cut_off_is_looked_up_by_the_next_cycle() {
    let project = project();
    let server = Server::start(|asked| asked.creates("eve").then_some(Answer::SilentlyDone));
    let config = CONFIG.replace("'embedded'", &format!("'{}'", server.url()));
    project.write("scimulator.toml", &format!("{config}groups = false\n[job.fidelity]\ntimeout = '300ms'\n"));
    assert_eq!(project.run(["provision", "eve@x.com"]).code, 1);
    let state = Connection::open(project.path("state/scimulator.db")).unwrap();
    let intents: i64 = state.query_row("SELECT count(*) FROM intent", [], |row| row.get(0)).unwrap();
    assert_eq!(intents, 1);
    fine(&project, ["cycle"]);
    let names = server.users();
    assert_eq!(names.iter().filter(|name| *name == "eve@x.com").count(), 1, "{names:?}");
}
