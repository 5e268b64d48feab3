//! `provision`: one object through the five steps, outside the cycles. What is asked for and what is told come from
//! `engine.md 8` and `graph-api.md 6.2`.

mod job;
mod references;
mod steps;

use scimulator::store::Store;
use serde_json::Value;

use crate::common::Project;

const CONFIG: &str = "[directory]\npath = 'directory'\n[[app_role]]\nvalue = 'Admin'\ndisplayName = 'Administrator'\n\
    id = '06b07648-ecfe-589f-9d2f-6325724a46ee'\n[[job]]\nname = 'app'\ntenant_url = 'embedded'\n";
const USERS: &str = "objectId,userPrincipalName,displayName,mailNickname,department,accountEnabled,manager\n\
    u1,ann@x.com,Ann,ann,Sales,True,eve@x.com\n\
    u2,ben@x.com,Ben,ben,Legal,True,\n\
    u3,cyd@x.com,Cyd,cyd,Sales,False,\n\
    u4,dora@x.com,Dora,dora,,True,\n\
    u5,eve@x.com,Eve,eve,,True,\n";

fn project() -> Project {
    Project::with([
        ("scimulator.toml", CONFIG),
        ("directory/users.csv", USERS),
        ("directory/groups.csv", "objectId,displayName,mailNickname\ng1,Team,team\n"),
        ("directory/members.csv", "group,member\nTeam,ben@x.com\n"),
        ("directory/assignments.csv", "principal,appRole\nann@x.com,Admin\ncyd@x.com,\neve@x.com,\nTeam,\n"),
    ])
}

#[track_caller]
fn fine<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let ran = project.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    ran.stdout
}

/// A run that sends nothing and ends with 2; what it said.
#[track_caller]
fn refused<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let before = requests(project).len();
    let ran = project.run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {ran:?}");
    assert_eq!(requests(project).len(), before, "{arguments:?}");
    ran.stderr
}

/// The answer of a run on demand, read twice as the shape demands: key, value; and the exit code.
#[track_caller]
fn answer<const N: usize>(project: &Project, arguments: [&str; N]) -> (Value, Value, Option<i32>) {
    let output = project.scimulator(["provision", "--format", "json"]).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let pair: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let inner = |name: &str| serde_json::from_str(pair[name].as_str().unwrap()).unwrap();
    (inner("key"), inner("value"), output.status.code())
}

/// Every request of the job so far: method, path and query, and the operations of a PATCH.
fn requests(project: &Project) -> Vec<(String, String, Value)> {
    let file = project.path("state/journal/app.jsonl");
    if !file.exists() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let request = |line: &str| {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let request = &exchange["request"];
        let (_, path) = request["url"].as_str().unwrap().rsplit_once("/v2/").unwrap_or_default();
        let body = &request["body"];
        let body = match body.as_str() {
            Some(text) => serde_json::from_str(text).unwrap_or_default(),
            None => body.clone(),
        };
        (request["method"].as_str().unwrap().to_owned(), path.to_owned(), body["Operations"].clone())
    };
    text.lines().map(request).collect()
}

/// The requests that `body` leads to.
fn requests_of(project: &Project, body: impl FnOnce()) -> Vec<(String, String, Value)> {
    let before = requests(project).len();
    body();
    requests(project).split_off(before)
}

fn store(project: &Project) -> Store {
    Store::open(&project.path("state")).unwrap()
}

/// What the embedded app holds under that name.
fn account(project: &Project, name: &str) -> Value {
    let held = store(project).embedded_content("app").unwrap();
    let found = held.into_iter().find(|one| one["userName"] == name || one["displayName"] == name);
    found.unwrap_or(Value::Null)
}

fn step<'v>(value: &'v Value, kind: &str) -> &'v Value {
    let steps = value["provisioningSteps"].as_array().unwrap();
    steps.iter().find(|step| step["type"] == kind).unwrap_or(&Value::Null)
}

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
