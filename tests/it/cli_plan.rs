//! `plan --compare`: one cycle in two dialects. What each form is comes from the sheet (`wire.md 4`, 5.2 and 6.5).

use serde_json::{Value, json};

use crate::common::Project;
use crate::compatibility::{HONEST, serve};

const CONFIG: &str =
    "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\nscope = 'all'\ntenant_url = 'embedded'\n";
const HEADINGS: &str = "objectId,userPrincipalName,displayName,jobTitle,accountEnabled\n";
const ADELE: &str = "c0a70500-0000-4000-8000-000000000001";
const BEN: &str = "c0a70500-0000-4000-8000-000000000002";
const CLEO: &str = "c0a70500-0000-4000-8000-000000000004";
const SALES: &str = "c0a70500-0000-4000-8000-000000000003";

/// A target that is in step with its directory, and then three things change: two attributes of one user, another is
/// blocked and leaves the group, a third one comes.
fn project() -> Project {
    let users = format!("{HEADINGS}{ADELE},adele@x.com,Adele,Clerk,True\n{BEN},ben@x.com,Ben,Clerk,True\n");
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("directory/users.csv", &users),
        ("directory/groups.csv", &format!("objectId,displayName\n{SALES},Sales\n")),
        ("directory/members.csv", &format!("group,member\nSales,{ADELE}\nSales,{BEN}\n")),
    ]);
    project.scimulator(["cycle", "-q"]).assert().success();
    let users = format!(
        "{HEADINGS}{ADELE},adele@x.com,Adele V,Boss,True\n{BEN},ben@x.com,Ben,Clerk,False\n{CLEO},cleo@x.com,Cleo,,True\n"
    );
    project.write("directory/users.csv", &users);
    project.write("directory/members.csv", &format!("group,member\nSales,{ADELE}\n"));
    project
}

fn fine<const N: usize>(project: &Project, arguments: [&str; N]) -> String {
    let output = project.scimulator(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The operations of each PATCH in a dialect, by the name of its object.
fn operations(compared: &Value, dialect: &str) -> Vec<(String, Value)> {
    let requests =
        compared["requests"].as_array().unwrap().iter().filter(|request| request["method"] == "PATCH");
    let named = requests.map(|request| {
        let label = request["object"]["label"].as_str().unwrap().to_owned();
        (label, request["bodies"][dialect]["Operations"].clone())
    });
    named.collect()
}

#[test]
fn both_forms_of_every_request_stand_beside_each_other() {
    let project = project();
    let compared = |dialect| -> Value {
        let text = fine(&project, ["plan", "--compare", dialect, "--format", "json"]);
        serde_json::from_str(&text).unwrap()
    };
    let ben_id = {
        let shown: Value =
            serde_json::from_str(&fine(&project, ["directory", "show", BEN, "--format", "json"])).unwrap();
        let text = shown.to_string();
        let journal = project.read("state/journal/app.jsonl");
        let created =
            journal.lines().find(|line| line.contains("\"POST\"") && line.contains("ben@x.com")).unwrap();
        let created: Value = serde_json::from_str(created).unwrap();
        let id = created["response"]["body"]["json"]["id"].as_str().unwrap().to_owned();
        assert!(text.contains(&id));
        id
    };
    let named = |adele: Value, ben: Value, sales: Value| {
        vec![("adele@x.com".to_owned(), adele), ("ben@x.com".to_owned(), ben), ("Sales".to_owned(), sales)]
    };
    let default = named(
        json!([
            { "op": "Replace", "path": "displayName", "value": "Adele V" },
            { "op": "Replace", "path": "title", "value": "Boss" },
        ]),
        json!([{ "op": "Replace", "path": "active", "value": "False" }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "value": ben_id }] }]),
    );
    let optscim = named(
        json!([{ "op": "replace", "value": { "displayName": "Adele V", "title": "Boss" } }]),
        json!([{ "op": "replace", "path": "active", "value": false }]),
        json!([{ "op": "remove", "path": format!("members[value eq \"{ben_id}\"]") }]),
    );
    let wrapped = |value: &str| json!([{ "$ref": null, "value": value }]);
    let legacy = named(
        json!([
            { "op": "Replace", "path": "displayName", "value": wrapped("Adele V") },
            { "op": "Replace", "path": "title", "value": wrapped("Boss") },
        ]),
        json!([{ "op": "Replace", "path": "active", "value": wrapped("False") }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ben_id }] }]),
    );

    let with_flag = compared("optscim");
    assert_eq!(operations(&with_flag, "default"), default);
    assert_eq!(operations(&with_flag, "optscim"), optscim);
    assert_eq!(
        (&with_flag["dialects"], &with_flag["differing"]),
        (&json!(["default", "optscim"]), &json!(3))
    );
    let of_2018 = compared("legacy2018");
    assert_eq!(operations(&of_2018, "default"), default);
    assert_eq!(operations(&of_2018, "legacy2018"), legacy);
    let created =
        with_flag["requests"].as_array().unwrap().iter().find(|request| request["method"] == "POST");
    let created = created.unwrap();
    assert_eq!((&created["same"], &created["object"]["label"]), (&json!(true), &json!("cleo@x.com")));
    assert_eq!(created["bodies"]["default"], created["bodies"]["optscim"]);
    assert_eq!(created["bodies"]["default"]["userName"], "cleo@x.com");

    let text = fine(&project, ["plan", "--compare", "optscim"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["--- default", "+++ optscim"]);
    assert!(lines[2].starts_with("@ PATCH http://embedded.invalid/scim/v2/Users/"), "{text}");
    assert_eq!(
        lines[3..7],
        [
            r#"  "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]"#,
            r#"- {"op":"Replace","path":"displayName","value":"Adele V"}"#,
            r#"- {"op":"Replace","path":"title","value":"Boss"}"#,
            r#"+ {"op":"replace","value":{"displayName":"Adele V","title":"Boss"}}"#,
        ]
    );
    assert_eq!(
        *lines.last().unwrap(),
        "4 requests, of which 3 differ between default and optscim; nothing was written"
    );
    let same: Vec<&&str> = lines.iter().filter(|line| line.starts_with("= ")).collect();
    assert!(matches!(same[..], [post] if post.starts_with("= POST   /Users cleo@x.com ")), "{text}");

    // Nothing was written: the cycle has still everything to do.
    assert!(fine(&project, ["cycle", "--format", "json"]).contains("\"disabled\": 1"));
}

/// The writes of the next cycle: as planned, and as the cycle then sent them, its new ids put back to `{new:…}`.
fn planned_and_sent(project: &Project) -> [Vec<String>; 2] {
    let line = |method: &Value, path: &str, body: &Value| {
        let path = percent_encoding::percent_decode_str(path).decode_utf8().unwrap();
        format!("{} {path} {body}", method.as_str().unwrap())
    };
    let below = |url: &Value| {
        url.as_str().unwrap().split_once("/scim").unwrap().1.trim_start_matches("/v2").to_owned()
    };
    let plan: Value = serde_json::from_str(&fine(project, ["plan", "--format", "json"])).unwrap();
    let requests = plan["requests"].as_array().unwrap();
    let planned = requests.iter().map(|it| line(&it["method"], &below(&it["url"]), &it["body"])).collect();
    let journal = project.path("state/journal/app.jsonl");
    let before = std::fs::read_to_string(journal).unwrap_or_default().lines().count();
    let cycle: Value = serde_json::from_str(&fine(project, ["cycle", "--format", "json"])).unwrap();
    let journal = project.read("state/journal/app.jsonl");
    let exchanges: Vec<Value> =
        journal.lines().skip(before).map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut new: Vec<(String, String)> = Vec::new();
    let mut sent = Vec::new();
    for exchange in exchanges.iter().filter(|it| it["request"]["method"] != "GET") {
        let body = exchange["request"]["body"].get("json").cloned().unwrap_or_default();
        let mut text = line(&exchange["request"]["method"], &below(&exchange["request"]["url"]), &body);
        for (id, placeholder) in &new {
            text = text.replace(id.as_str(), placeholder);
        }
        sent.push(text);
        if exchange["request"]["method"] == "POST" {
            let id = exchange["response"]["body"]["json"]["id"].as_str().unwrap().to_owned();
            new.push((id, format!("{{new:{}}}", exchange["object"]["label"].as_str().unwrap())));
        }
    }
    // Counts are promised too.
    let counted = |name: &str, of: &str| {
        assert_eq!(plan["counts"][name], cycle["statistics"]["actions"][of], "{name}: {cycle}");
    };
    for (name, of) in
        [("creates", "created"), ("updates", "updated"), ("disables", "disabled"), ("failures", "failed")]
    {
        counted(name, of);
    }
    [planned, sent]
}

#[test]
fn a_cycle_sends_what_was_planned() {
    for url in ["embedded".to_owned(), serve(HONEST)] {
        let project = Project::with([(
            "scimulator.toml",
            &*format!(
                "[directory]\npath = 'd'\n[[job]]\nname = 'app'\nscope = 'all'\ntenant_url = '{url}'\n"
            ),
        )]);
        let users = |rows: &str| {
            let heading = "objectId,userPrincipalName,displayName,accountEnabled,manager,jobTitle";
            project.write("d/users.csv", &format!("{heading}\n{rows}"));
        };
        users(
            "u1,ada@x.com,Ada,True,,\nu2,ben@x.com,Ben,True,ada@x.com,\nu3,cleo@x.com,Cleo,True,ada@x.com,\n",
        );
        project.write("d/groups.csv", "objectId,displayName\ng1,Sales\ng2,Dev\n");
        project.write("d/members.csv", "group,member\ng1,u1\ng1,u2\ng2,u3\n");
        let [planned, sent] = planned_and_sent(&project);
        assert_eq!(planned, sent, "an initial cycle");
        assert_eq!(sent.iter().filter(|line| line.starts_with("POST")).count(), 5, "{sent:#?}");

        // A mover, a leaver who is hired again under his name at once, somebody whose name is taken over by another,
        // a newcomer, two groups.
        users(
            "u1,ada@x.com,Ada,True,,Boss\nu4,ben@x.com,Ben the second,True,u1,\nu3,cleo2@x.com,Cleo,True,u1,\n\
             u5,cleo@x.com,Another Cleo,True,u3,\nu6,dora@x.com,Dora,True,u5,\n",
        );
        project.write("d/groups.csv", "objectId,displayName\ng1,Sales and more\ng3,Ops\n");
        project.write("d/members.csv", "group,member\ng1,u1\ng1,u6\ng3,u5\n");
        let [planned, sent] = planned_and_sent(&project);
        assert_eq!(planned, sent, "an incremental cycle");
        let words =
            ["\"active\",\"value\":\"False\"", "\"active\",\"value\":\"True\"", "cleo2@x.com", "DELETE"];
        for word in words {
            assert!(sent.iter().any(|line| line.contains(word)), "{word}: {sent:#?}");
        }
        let [planned, sent] = planned_and_sent(&project);
        assert_eq!((planned, sent), (Vec::new(), Vec::new()));
    }
}

#[test]
fn a_dialect_is_compared_with_another_one() {
    let project = Project::with([("scimulator.toml", CONFIG), ("directory/users.csv", HEADINGS)]);
    for (dialect, wanted) in [("default", "speaks `default` as it is"), ("optscm", "invalid value")] {
        let output = project.scimulator(["plan", "--compare", dialect]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(wanted), "{said}");
    }
}

/// Of an initial cycle: users and groups in scope, and with each group its members (`engine.md 2`).
#[test]
fn a_plan_says_how_long_entra_would_take() {
    let users: Vec<String> = (0..60).map(|n| format!("u{n},u{n}@x.com,U,,True\n")).collect();
    let members: Vec<String> = (0..40).map(|n| format!("Sales,u{n}\n")).collect();
    let (users, members) = (users.concat(), members.concat());
    let assigned = CONFIG.replace("scope = 'all'", "scope = 'assigned'");
    let project = Project::with([
        ("scimulator.toml", &assigned),
        ("directory/users.csv", &format!("{HEADINGS}{users}")),
        ("directory/groups.csv", "objectId,displayName\ng1,Sales\ng2,Nobody\n"),
        ("directory/members.csv", &format!("group,member\n{members}Nobody,u50\n")),
        ("directory/assignments.csv", "principal,appRole\nSales,\nu58,\n"),
    ]);
    let minutes = |project: &Project| {
        let plan: Value = serde_json::from_str(&fine(project, ["plan", "--format", "json"])).unwrap();
        plan["estimateMinutes"].clone()
    };
    // 41 users, a group, 40 members: 0.82 to 6.56 minutes.
    assert_eq!(minutes(&project), json!({ "least": 1, "most": 7 }));
    assert!(fine(&project, ["plan"]).contains("Entra would take 1 to 7 minutes for this initial cycle"));
    project.write("scimulator.toml", CONFIG);
    assert_eq!(minutes(&project), json!({ "least": 0, "most": 30 }), "everybody, and fewer than 1,000");
    project.scimulator(["cycle", "-q"]).assert().success();
    assert_eq!(minutes(&project), json!({ "most": 10 }), "an incremental cycle");
    scimulator::covers!("W-033", "E-049", "E-050");
}
