//! `drift` and `clean` on a configured job: the contoso example against the embedded app, and one over a socket.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::Project;
use crate::compatibility::{Fault, HONEST, serve};
use crate::sources::root;

fn contoso() -> Project {
    let project = Project::with([]);
    let from = root().join("examples/contoso");
    project.write("scimulator.toml", &std::fs::read_to_string(from.join("scimulator.toml")).unwrap());
    for file in std::fs::read_dir(from.join("directory")).unwrap() {
        let path = file.unwrap().path();
        let name = format!("directory/{}", path.file_name().unwrap().to_str().unwrap());
        project.write(&name, &std::fs::read_to_string(&path).unwrap());
    }
    project
}

/// Exit code and JSON.
fn asked(project: &Project, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = project.scimulator(arguments.iter().copied()).args(["--format", "json"]).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), json)
}

#[track_caller]
fn fine(project: &Project, arguments: &[&str]) {
    let output = project.scimulator(arguments.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Difference, verdict and rule of each finding.
fn told(json: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = json["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|found| {
            let what = format!("{} {}", text(&found["label"]), text(&found["difference"]));
            (what, text(&found["verdict"]), text(&found["rule"]["name"]))
        })
        .collect()
}

#[test]
fn drift_follows_the_contoso_story_and_clean_takes_back_what_was_made() {
    let project = contoso();
    let (code, before) = asked(&project, &["drift"]);
    let told_so = (&before["findings"], &before["clean"], &before["hasRun"]);
    assert_eq!((code, told_so), (Some(2), (&json!([]), &json!(false), &json!(false))), "{before}");
    let run = project.run(["drift"]);
    assert!(run.stderr.contains("no cycle of job `contoso` has read the directory yet"), "{}", run.stderr);
    fine(&project, &["cycle"]);
    let (code, report) = asked(&project, &["drift"]);
    assert_eq!((code, &report["clean"]), (Some(0), &json!(true)), "{report:#}");
    assert!(8 < report["compared"]["users"].as_u64().unwrap(), "{report:#}");
    assert!(100 < report["compared"]["values"].as_u64().unwrap(), "{report:#}");
    let stories: [&[&[&str]]; 4] = [
        &[&["directory", "disable", "ana.dsouza@contoso.com"]],
        &[&["directory", "set", "joao.sousa@contoso.com", "jobTitle=Manager", "city="]],
        &[&["directory", "delete", "adele.vance@contoso.com"]],
        &[&["directory", "unassign", "Engineering"]],
    ];
    for story in stories {
        for edit in story {
            fine(&project, edit);
        }
        let waiting = asked(&project, &["drift"]).1["waiting"].as_array().unwrap().len();
        assert!(0 < waiting, "{story:?} waits for a cycle");
        fine(&project, &["cycle"]);
        let (code, report) = asked(&project, &["drift"]);
        assert_eq!(code, Some(0), "{story:?}: {:#?}", told(&report));
        assert!(told(&report).iter().all(|(_, verdict, _)| verdict == "blind-spot"), "{:#?}", told(&report));
    }
    let (_, report) = asked(&project, &["drift"]);
    let rules: BTreeSet<_> =
        told(&report).into_iter().map(|(what, _, rule)| format!("{what} {rule}")).collect();
    assert!(rules.contains("joao.sousa@contoso.com drifted null-never-cleared"), "{rules:?}");
    let output = project.scimulator(["drift", "--strict"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Entra's blind spot `null-never-cleared`"), "{text}");

    let (code, plan) = asked(&project, &["clean"]);
    let count = plan["accounts"].as_array().unwrap().len();
    assert_eq!((code, &plan["removed"], &plan["kept"]), (Some(0), &json!(false), &json!([])));
    assert!(8 < count, "{plan:#}");
    let before = deletes(&project, "contoso").len();
    let (code, done) = asked(&project, &["clean", "--yes"]);
    assert_eq!((code, &done["accounts"], &done["failed"]), (Some(0), &plan["accounts"], &json!([])));
    assert_eq!(deletes(&project, "contoso").len(), before + count);
    assert_eq!(asked(&project, &["clean"]).1["accounts"], json!([]));
    assert_eq!(asked(&project, &["status"]).1["schedule"]["state"], "Paused");
    let standing = project.run(["status"]).stdout;
    assert!(standing.contains("held as links  users 0, groups 0"), "{standing}");
    let started = project.run(["start"]).stderr;
    assert!(started.contains("begins with an initial cycle, which reads everybody"), "{started}");
    assert!(!started.contains("watermark"), "{started}");
    fine(&project, &["cycle"]);
    let (code, report) = asked(&project, &["drift"]);
    assert_eq!(code, Some(0), "{:#?}", told(&report));
}

const USERS: &str = "objectId,userPrincipalName,displayName,mailNickname,jobTitle
00000000-0000-4000-8000-000000000001,ann@contoso.com,Ann,ann,Clerk
00000000-0000-4000-8000-000000000002,bob@contoso.com,Bob,bob,Clerk
";

fn over_a_socket(url: &str) -> Project {
    let toml = format!(
        "[directory]\npath = \"directory\"\n[[job]]\nname = \"j\"\ntenant_url = \"{url}\"\nscope = \"all\"\ngroups = false\n"
    );
    Project::with([("scimulator.toml", &toml), ("directory/users.csv", USERS)])
}

#[test]
fn drift_reads_a_real_target_by_pages_and_names_the_request_to_blame() {
    let url = serve(Fault {
        request: |request| {
            let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
            if request.method == scimulator::http::Method::Patch && body.contains("Manager") {
                (request.method, request.body) = (scimulator::http::Method::Get, None);
            }
        },
        ..HONEST
    });
    let project = over_a_socket(&url);
    fine(&project, &["cycle"]);
    assert_eq!(asked(&project, &["drift"]).0, Some(0));
    fine(&project, &["directory", "set", "ann@contoso.com", "jobTitle=Manager"]);
    fine(&project, &["cycle"]);
    let (code, report) = asked(&project, &["drift"]);
    let finding = &report["findings"][0];
    assert_eq!((code, report["findings"].as_array().unwrap().len()), (Some(1), 1), "{report:#}");
    assert_eq!(
        (&finding["attribute"], &finding["wanted"], &finding["held"], &finding["verdict"]),
        (&json!("title"), &json!("Manager"), &json!("Clerk"), &json!("app"))
    );
    let guilty = &finding["guilty"]["request"];
    assert_eq!(guilty["method"], "PATCH");
    assert!(guilty["url"].as_str().unwrap().ends_with(finding["targetId"].as_str().unwrap()));

    let nobody = over_a_socket("http://127.0.0.1:1/scim");
    let output = nobody.scimulator(["drift"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{output:?}");
}

/// Somebody else than the job changes a user by hand.
fn changed_by_hand(url: &str, id: &str, path: &str, value: &Value) {
    use std::io::{Read as _, Write as _};
    let (authority, base) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": path, "value": value }],
    })
    .to_string();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(stream, "PATCH /{base}/Users/{id} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

#[test]
fn what_changed_by_hand_after_a_clean_comparison_is_no_request_of_the_job() {
    let url = serve(HONEST);
    let project = over_a_socket(&url);
    fine(&project, &["cycle"]);
    let (_, plan) = asked(&project, &["clean"]);
    let made = plan["accounts"].as_array().unwrap();
    let ann = made.iter().find(|account| account["label"] == "ann@contoso.com").unwrap();
    let ann = ann["targetId"].as_str().unwrap();
    let why = || {
        let (code, report) = asked(&project, &["drift"]);
        let finding = &report["findings"][0];
        assert_eq!((code, &finding["attribute"]), (Some(1), &json!("active")), "{report:#}");
        (finding["why"].as_str().unwrap().to_owned(), finding["guilty"].clone())
    };
    // Never asked before: the request that made the account looks just like the cause.
    changed_by_hand(&url, ann, "active", &json!(false));
    assert_eq!(why().1["request"]["method"], "POST");
    changed_by_hand(&url, ann, "active", &json!(true));
    assert_eq!(asked(&project, &["drift"]).0, Some(0));
    changed_by_hand(&url, ann, "active", &json!(false));
    let nobody = ("it was right, and changed without a request of this job".to_owned(), Value::Null);
    assert_eq!(why(), nobody);
    assert_eq!(why(), nobody, "a comparison that is not clean moves nothing");
    // The journal loses what the note is about, as by `journal_keep`.
    project.write("state/journal/j.jsonl", "");
    changed_by_hand(&url, ann, "active", &json!(true));
    fine(&project, &["directory", "set", "ann@contoso.com", "jobTitle=Manager"]);
    fine(&project, &["cycle"]);
    changed_by_hand(&url, ann, "title", &json!("Clerk"));
    let (_, report) = asked(&project, &["drift"]);
    assert_eq!(report["findings"][0]["guilty"]["request"]["method"], "PATCH", "sent after it: {report:#}");
}

#[test]
fn an_account_that_cannot_be_read_is_neither_missing_nor_fine() {
    let url = serve(Fault {
        response: |request, response| {
            if request.url.contains("startIndex") {
                let mut list: Value = serde_json::from_slice(&response.body).unwrap();
                list["Resources"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|user| user["userName"] != "bob@contoso.com");
                response.body = list.to_string().into_bytes();
            } else if request.method == scimulator::http::Method::Get && !request.url.contains('?') {
                response.body = b"<html>".to_vec();
            }
        },
        ..HONEST
    });
    let project = over_a_socket(&url);
    fine(&project, &["cycle"]);
    let (code, report) = asked(&project, &["drift"]);
    assert_eq!((code, &report["findings"]), (Some(3), &json!([])), "{report:#}");
    let gap = report["gaps"][0].as_str().unwrap();
    assert!(
        gap.starts_with("/Users/") && gap.ends_with("can't be read: status 200, and no JSON object"),
        "{gap}"
    );
}

#[test]
fn clean_leaves_what_was_there_before_and_what_the_target_does_not_give_up() {
    let url = serve(HONEST);
    // Ann is there already: another job made her.
    let other = over_a_socket(&url);
    let (ann, bob) = USERS.split_at(USERS.find("00000000-0000-4000-8000-000000000002").unwrap());
    other.write("directory/users.csv", ann);
    fine(&other, &["cycle"]);
    let project = over_a_socket(&url);
    fine(&project, &["cycle"]);
    let (_, plan) = asked(&project, &["clean"]);
    assert!(bob.contains(plan["accounts"][0]["label"].as_str().unwrap()), "{plan:#}");
    assert_eq!(plan["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(plan["kept"][0]["label"], "ann@contoso.com");
    let (code, done) = asked(&project, &["clean", "--yes"]);
    assert_eq!((code, &done["accounts"]), (Some(0), &plan["accounts"]), "{done:#}");
    let (code, report) = asked(&other, &["drift"]);
    assert_eq!((code, &report["strangers"]), (Some(0), &json!(0)), "Ann is there, Bob is gone: {report:#}");

    let stubborn = serve(Fault {
        response: |request, response| {
            if request.method == scimulator::http::Method::Delete {
                response.status = 403;
            }
        },
        ..HONEST
    });
    let project = over_a_socket(&stubborn);
    fine(&project, &["cycle"]);
    let (code, done) = asked(&project, &["clean", "--yes"]);
    assert_eq!((code, done["failed"].as_array().unwrap().len(), &done["accounts"]), (Some(3), 2, &json!([])));
    assert_eq!(done["failed"][0]["why"], "the target answered 403");
    let deletes = deletes(&project, "j");
    assert_eq!(
        deletes.iter().map(|line| line["response"]["status"].as_u64()).collect::<Vec<_>>(),
        [Some(403); 2]
    );
    assert_eq!(deletes[0]["object"]["label"], done["failed"][0]["label"]);
    assert_eq!((&deletes[0]["effect"], &deletes[0]["cycle"]), (&json!("clean"), &Value::Null));

    // It says yes, and deletes nobody: those are told by name, with the request.
    let liar = serve(Fault {
        request: |request| {
            if request.method == scimulator::http::Method::Delete {
                request.method = scimulator::http::Method::Get;
            }
        },
        ..HONEST
    });
    let project = over_a_socket(&liar);
    fine(&project, &["cycle"]);
    fine(&project, &["clean", "--yes"]);
    let (code, report) = asked(&project, &["drift"]);
    assert_eq!(code, Some(1), "{report:#}");
    let found = told(&report);
    assert_eq!(found.len(), 2, "{report:#}");
    assert_eq!(found[0], ("ann@contoso.com orphan".to_owned(), "app".to_owned(), String::new()));
    assert_eq!(report["findings"][0]["guilty"]["request"]["method"], "DELETE");
}

/// The deletions of the wire journal.
fn deletes(project: &Project, job: &str) -> Vec<Value> {
    let lines = project.read(&format!("state/journal/{job}.jsonl"));
    let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|line| line["request"]["method"] == "DELETE").collect()
}
