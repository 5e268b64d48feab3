//! What `status` shows of a job before it runs, while it runs and when it is stopped (`engine.md 0`, 10,
//! `graph-api.md 3.9`).

use scimulator::covers;
use serde_json::Value;

use crate::common::{Project, free_port};

const USERS: &str =
    "userPrincipalName,displayName,mailNickname\nada@contoso.com,Ada,ada\nben@contoso.com,Ben,ben\n";

fn config(job: &str) -> String {
    format!("[directory]\npath = 'directory'\n[[job]]\nname = 'app'\nscope = 'all'\n{job}\n")
}

fn project(job: &str) -> Project {
    Project::with([("scimulator.toml", &config(job)), ("directory/users.csv", USERS)])
}

fn run<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let output = project.scimulator(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn shown(project: &Project) -> Value {
    serde_json::from_str(&run(project, ["status", "--format", "json"])).unwrap()
}

/// State of the schedule and status code.
fn pair(project: &Project) -> (String, String) {
    let shown = shown(project);
    let text = |pointer: &str| shown.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    (text("/schedule/state"), text("/status/code"))
}

fn is(schedule: &str, code: &str) -> (String, String) {
    (schedule.to_owned(), code.to_owned())
}

#[test]
fn a_new_job_is_not_configured_until_it_has_credentials_and_paused_until_its_first_cycle_begins() {
    let url = format!("tenant_url = 'http://127.0.0.1:{}/scim'", free_port());
    let project = project(&url);
    assert_eq!(pair(&project), is("Disabled", "NotConfigured"));
    project.write("scimulator.toml", &config(&format!("{url}\n[job.fidelity]\nfresh_job_code = 'Paused'")));
    assert_eq!(pair(&project), is("Disabled", "Paused"));
    project.write("scimulator.toml", &config(&format!("{url}\ntoken = {{ value = 'sesame' }}")));
    assert_eq!(pair(&project), is("Disabled", "Paused"));
    assert!(run(&project, ["status"]).contains("not started"));
    assert_eq!(shown(&project)["schedule"]["interval"], "PT40M");

    // One object on demand starts no cycles; a cycle does.
    let embedded = config("tenant_url = 'embedded'");
    project.write("scimulator.toml", &embedded);
    run(&project, ["provision", "ada@contoso.com"]);
    assert_eq!(pair(&project), is("Disabled", "Paused"));
    run(&project, ["cycle"]);
    assert_eq!(pair(&project), is("Active", "Active"));
    covers!("E-003", "G-049");
}

#[test]
fn a_job_that_is_turned_off_shows_a_disabled_schedule_and_runs_no_cycle() {
    let project = project("tenant_url = 'embedded'");
    run(&project, ["cycle"]);
    project.scimulator(["pause", "--off"]).assert().success();
    assert_eq!(pair(&project), is("Disabled", "Paused"));
    run(&project, ["cycle"]);
    assert_eq!(pair(&project), is("Disabled", "Paused"), "a cycle by hand turns nothing on");
    project.scimulator(["start"]).assert().success();
    assert_eq!(pair(&project), is("Active", "Active"));
}
