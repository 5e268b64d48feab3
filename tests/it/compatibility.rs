//! `compatibility`: what it says of the embedded app, of servers that do not do what they say, and of the two that
//! `docs/compatibility.md` is about.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use scimulator::clock::{Clock as _, SystemClock};
use scimulator::http::{Method, Request, Response};
use scimulator::target::{App, AppOptions};
use serde_json::{Value, json};

use crate::common::{Project, ThirdParty, edit_json};
use crate::sources::root;

/// What a server does otherwise: to a request before it is looked at, to an answer before it leaves.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) request: fn(&mut Request),
    pub(crate) response: fn(&Request, &mut Response),
}

pub(crate) const HONEST: Fault = Fault { request: |_| {}, response: |_, _| {} };

/// The embedded app with a fault, on a port.
pub(crate) fn serve(fault: Fault) -> String {
    serve_app(AppOptions { base_path: "/scim".to_owned(), ..AppOptions::default() }, fault)
}

/// The same with options of the app, whose base path is `/scim`.
pub(crate) fn serve_app(options: AppOptions, fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/scim", listener.local_addr().unwrap());
    let app = Arc::new(Mutex::new(App::new(options)));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let app = Arc::clone(&app);
            std::thread::spawn(move || converse(&app, stream, fault));
        }
    });
    url
}

fn converse(app: &Mutex<App>, mut stream: TcpStream, fault: Fault) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| 0 < *read)?;
        let mut words = line.split_whitespace();
        let method = Method::from_name(words.next()?)?;
        let url = format!("http://server{}", words.next()?);
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().ok()?;
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut request = Request { method, url, headers, body: Some(body).filter(|body| !body.is_empty()) };
        let asked = request.clone();
        (fault.request)(&mut request);
        let mut response = app.lock().unwrap().handle(&request, SystemClock.now()).response;
        (fault.response)(&asked, &mut response);
        let mut head =
            format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", response.status, response.body.len());
        for (name, value) in
            response.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
        {
            head.extend([name, ": ", value, "\r\n"]);
        }
        // In one piece: the second of two would wait for the first to be acknowledged.
        stream.write_all(&[format!("{head}\r\n").as_bytes(), &response.body].concat()).ok()?;
    }
}

/// What is not fine, by dialect and step, as `verdict: remark`; and how the program ended.
fn told(url: &str) -> (Option<i32>, BTreeMap<(String, String), String>) {
    let project = Project::with([]);
    let output = project.scimulator(["compatibility", url, "--format", "json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let steps = told["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 20);
    let mut found = BTreeMap::new();
    for step in steps {
        for (dialect, told) in step["dialects"].as_object().unwrap() {
            let text = |name: &str| told[name].as_str().unwrap();
            if text("verdict") != "fine" {
                let key = (dialect.clone(), step["step"].as_str().unwrap().to_owned());
                found.insert(key, format!("{}: {}", text("verdict"), text("remark")));
            }
        }
    }
    (output.status.code(), found)
}

#[test]
fn the_embedded_app_is_fine_in_every_step_and_nothing_stays_there() {
    let url = serve(HONEST);
    assert_eq!(told(&url), (Some(0), BTreeMap::new()));
    // A second telling meets nothing of the first.
    assert_eq!(told(&url), (Some(0), BTreeMap::new()));
}

#[test]
fn a_server_that_says_yes_and_does_something_else_is_found_out() {
    // The classic: a value list is overlooked, and all members go.
    let all_members_go: fn(&mut Request) = |request| {
        let Some(body) = &mut request.body else { return };
        edit_json(body, |body| {
            for operation in body["Operations"].as_array_mut().into_iter().flatten() {
                if operation["op"] == "Remove" && operation["path"] == "members" {
                    operation.as_object_mut().unwrap().remove("value");
                }
            }
        });
    };
    // Disabled users stay as they are.
    let active_is_ignored: fn(&mut Request) = |request| {
        let Some(body) = &mut request.body else { return };
        if request.method == Method::Patch {
            edit_json(body, |body| {
                if let Some(operations) = body["Operations"].as_array_mut() {
                    operations.retain(|operation| operation["path"] != "active");
                    operations.push(json!({ "op": "replace", "path": "nickName", "value": "x" }));
                }
            });
        }
    };
    let group = |step: &str| ("default".to_owned(), format!("group: {step}"));
    let (code, found) = told(&serve(Fault { request: all_members_go, ..HONEST }));
    assert_eq!(code, Some(1));
    let steps: Vec<_> = found.keys().cloned().collect();
    assert_eq!(steps, [group("a member who was purged is gone"), group("one member of three leaves")]);
    assert!(
        found.values().all(|told| told.starts_with("corrupted: ") && told.contains("vanished unasked")),
        "{found:?}"
    );

    let (code, found) = told(&serve(Fault { request: active_is_ignored, ..HONEST }));
    assert_eq!(code, Some(1));
    for dialect in ["default", "optscim"] {
        let told = &found[&(dialect.to_owned(), "leaver: disabled".to_owned())];
        assert_eq!(told, "corrupted: `active` is true, not false; `nickName` became \"x\" unasked");
    }
}

#[test]
fn an_end_that_is_right_with_something_off_is_tolerated() {
    let (code, found) = told(&serve(Fault {
        response: |request, response| {
            if request.method == Method::Post && response.status == 201 {
                response.status = 200;
            }
        },
        ..HONEST
    }));
    assert_eq!(code, Some(0));
    assert_eq!(found.len(), 4, "two creates in two dialects: {found:?}");
    assert!(found.values().all(|told| told == "tolerated: answered 200, not 201"), "{found:?}");
}

#[test]
fn a_refusal_is_told_with_the_servers_words_and_what_it_stands_in_the_way_of() {
    fn makes_an_orphan(request: &Request) -> bool {
        let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
        request.method == Method::Post && body.contains("\"userName\":\"orphan.")
    }
    let (code, found) = told(&serve(Fault {
        request: |request| {
            if makes_an_orphan(request) {
                request.body = Some(b"{}".to_vec());
            }
        },
        response: |request, response| {
            if makes_an_orphan(request) {
                assert_eq!(response.status, 400);
                response.body =
                    json!({ "scimType": "invalidValue", "detail": "no orphans | here" }).to_string().into();
            }
        },
    }));
    assert_eq!(code, Some(1));
    let told: Vec<_> = found.iter().map(|((_, step), told)| (step.as_str(), told.as_str())).collect();
    let wanted = ("mover: no manager any more", "refused: 400 invalidValue: no orphans | here");
    assert_eq!(told, [wanted, wanted], "the account is tried again and refused again");
}

#[test]
fn no_server_is_touched_that_was_not_allowed_or_does_not_answer() {
    let project = Project::with([]);
    let cases: [(&[&str], i32, &str); 4] = [
        (&["http://scim.example/v2"], 2, "the target `scim.example` is not on this machine"),
        (&["scim"], 2, "not an absolute URL"),
        (&["http://127.0.0.1:9/scim", "--token-env", "NOT_SET"], 2, "`NOT_SET` is not set"),
        (&["http://127.0.0.1:1/scim"], 3, "the server can't be reached"),
    ];
    for (arguments, code, wanted) in cases {
        let output = project.scimulator(["compatibility"]).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
}

/// With `SCIMULATOR_BLESS` the page is written anew; the difference is to be read.
#[test]
fn the_page_on_compatibility_says_what_the_servers_do() {
    let page = root().join("docs/compatibility.md");
    for name in ["scim2-server", "scimmy"] {
        let Some(server) = ThirdParty::start(name) else { continue };
        let output = Project::with([])
            .scimulator(["compatibility", &server.base_url, "--token-env", "SERVER_TOKEN", "--markdown"])
            .env("SERVER_TOKEN", &server.token)
            .output()
            .unwrap();
        let fresh = String::from_utf8(output.stdout).unwrap();
        assert_eq!(fresh.lines().count(), 22, "{fresh}");
        let text = std::fs::read_to_string(&page).unwrap();
        let heading = format!("## {name}");
        let section = text.find(&heading).unwrap_or_else(|| panic!("`{heading}` is not in the page"));
        let begin = section + text[section..].find("| step |").unwrap();
        let end = text[begin..].find("\n\n").map_or(text.len(), |at| begin + at + 1);
        if std::env::var_os("SCIMULATOR_BLESS").is_some() {
            std::fs::write(&page, format!("{}{fresh}{}", &text[..begin], &text[end..])).unwrap();
        } else {
            assert_eq!(
                &text[begin..end],
                fresh,
                "run the tests with SCIMULATOR_BLESS=1 and read the difference"
            );
        }
    }
}
