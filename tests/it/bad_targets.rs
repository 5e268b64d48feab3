//! The program against targets that misbehave: what a person is told, what the process ends with, and that the rest
//! of the users go on.

pub(crate) mod server;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use self::server::{Answer, Asked, PATIENCE, Server};
use crate::common::{Project, Run, free_port};

/// The token of every job here: long and odd enough to be found wherever it leaks.
const TOKEN: &str = "tok3n+with/odd=letters";

/// Everybody, in the order of the file.
const EVERYBODY: [&str; 4] = ["ada@contoso.com", "ben@contoso.com", "cleo@contoso.com", "dan@contoso.com"];

const CREDENTIALS: &str = "SystemForCrossDomainIdentityManagementCredentialValidationFailure";
const UNAVAILABLE: &str = "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable";
const INCOMPATIBLE: &str = "SystemForCrossDomainIdentityManagementServiceIncompatible";

/// A project with four users and one job against this target; `fidelity` goes below `[job.fidelity]`.
fn project(url: &str, fidelity: &str) -> Project {
    let config = format!(
        "[directory]\npath = 'directory'\n[[job]]\nname = 'app'\ntenant_url = '{url}'\n\
         token = {{ value = '{TOKEN}' }}\nscope = 'all'\n[job.fidelity]\n{fidelity}\n"
    );
    let users = EVERYBODY.map(|upn| {
        let name = upn.split_once('@').unwrap().0;
        format!("{upn},{name},{name}\n")
    });
    let users = format!("userPrincipalName,displayName,mailNickname\n{}", users.concat());
    Project::with([("scimulator.toml", &config), ("directory/users.csv", &users)])
}

impl Run {
    /// The exit code, and everything that a person must be able to read in what was printed.
    #[track_caller]
    fn ends_with(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        let said = format!("{}{}", self.stdout, self.stderr);
        for words in words {
            assert!(said.contains(words), "`{words}` is missing in:\n{said}");
        }
    }
}

fn json_of<const N: usize>(project: &Project, arguments: [&str; N]) -> Value {
    let run = project.run(arguments);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

/// The entries of the log with this status, as a program reads them.
fn entries(project: &Project, status: &str) -> Vec<Value> {
    let run = project.run(["logs", "--status", status, "--wire", "--format", "json"]);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Everybody but this user.
fn all_but(user: &str) -> Vec<&'static str> {
    EVERYBODY.into_iter().filter(|upn| !upn.starts_with(user)).collect()
}

/// A cycle in which only Ben fails, for the reason that the script has: the others arrive, the log says why, and the
/// next cycle tries Ben again and nobody else. Gives back Ben's entry.
#[track_caller]
fn only_ben_fails(
    fidelity: &str,
    code: &str,
    reason: &[&str],
    script: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
) -> Value {
    let mended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&mended);
    let server = Server::start(move |asked| if seen.load(Ordering::SeqCst) { None } else { script(asked) });
    let project = project(&server.url(), fidelity);

    project
        .run(["cycle"])
        .ends_with(0, &["EntryLevelErrors", "created 3", "failed 1", "ben@contoso.com", code]);
    assert_eq!(server.users(), all_but("ben"));
    let [entry] = entries(&project, "failure").try_into().unwrap();
    let error = &entry["provisioningStatusInfo"]["errorInformation"];
    assert_eq!(entry["sourceIdentity"]["details"]["UserPrincipalName"], "ben@contoso.com");
    assert_eq!((&error["errorCode"], &entry["provisioningAction"]), (&json!(code), &json!("create")));
    let told = project.run(["logs", "--status", "failure"]).stdout;
    for words in reason {
        assert!(error["reason"].as_str().unwrap().contains(words), "`{words}` is missing: {error}");
        assert!(told.contains(words), "`{words}` is missing: {told}");
    }
    assert_eq!(project.run(["cycle", "--fail-on", "escrows"]).code, 1);

    mended.store(true, Ordering::SeqCst);
    project.run(["cycle"]).ends_with(0, &["Succeeded", "created 1", "failed 0"]);
    assert_eq!(server.users(), EVERYBODY);
    entry
}

#[test]
fn a_target_that_refuses_us_is_told_before_open_failures_are() {
    let server = Server::start(|asked| (asked.method == "POST").then(|| Answer::say(401, "")));
    let project = project(&server.url(), "");
    project.run(["cycle", "--fail-on", "escrows"]).ends_with(3, &["Failed"]);
}

/// A run that ends at the probe: nothing is sent after it, the job is in quarantine, and the next run says so without
/// asking the target.
#[track_caller]
fn the_probe_ends_it(
    fidelity: &str,
    code: &str,
    words: &[&str],
    script: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
) {
    let server = Server::start(script);
    let project = project(&server.url(), fidelity);
    let request = format!("{}/Users?filter=userName+eq+", server.url());

    project.run(["test-connection"]).ends_with(3, &[&[code, &request, "refused"], words].concat());
    assert_eq!(server.asked().len(), 1);
    let told = [&[code, &request, "GET", "in quarantine", "in 30m", "`scimulator start`"], words].concat();
    project.run(["cycle"]).ends_with(3, &told);
    let asked = server.asked();
    assert!(asked.len() == 2 && asked[1].is_probe(), "{asked:?}");
    assert_eq!(server.users(), [""; 0]);

    let again = [
        &["is in quarantine (EncounteredQuarantineException) since", code, "in 30m", "mend the cause"],
        words,
    ];
    project.run(["cycle"]).ends_with(4, &again.concat());
    assert_eq!(server.asked().len(), 2);
    assert_eq!(project.run(["status"]).code, 4);
    let status = &json_of(&project, ["status", "--format", "json"])["status"];
    assert_eq!(
        (&status["code"], &status["quarantine"]["reason"], &status["quarantine"]["error"]["code"]),
        (&json!("Quarantine"), &json!("EncounteredQuarantineException"), &json!(code))
    );
}

#[test]
fn a_refused_token_is_told_and_start_goes_on_once_it_is_mended() {
    let refusal = || Answer::say(401, json!({ "status": "401", "detail": "this token has expired" }));
    let words = ["Unauthorized", "this token has expired"];
    the_probe_ends_it("", CREDENTIALS, &words, move |_| Some(refusal()));
    scimulator::covers!("W-027", "W-054", "E-015", "E-156", "E-170", "E-257");

    let refused = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&refused);
    let server = Server::start(move |_| seen.load(Ordering::SeqCst).then(refusal));
    let project = project(&server.url(), "");
    assert_eq!(project.run(["cycle"]).code, 3);
    refused.store(false, Ordering::SeqCst);
    assert_eq!(project.run(["cycle"]).code, 4);
    project.run(["start"]).ends_with(0, &["job `app` is out of quarantine"]);
    assert_eq!(project.run(["status"]).code, 0);
    project.run(["cycle"]).ends_with(0, &["Succeeded", "created 4"]);
    assert_eq!(server.users(), EVERYBODY);
    project.run(["start"]).ends_with(0, &["was neither in quarantine nor paused"]);
    scimulator::covers!("E-175");
}

#[test]
fn a_token_that_is_refused_in_the_middle_ends_the_cycle() {
    let server = Server::start(|asked| {
        asked.creates("ben").then(|| Answer::say(401, json!({ "detail": "this token has expired" })))
    });
    let project = project(&server.url(), "");
    project.run(["cycle"]).ends_with(3, &["Unauthorized", "this token has expired", "in quarantine"]);
    assert_eq!(server.users(), ["ada@contoso.com"]);
    let status = json_of(&project, ["status", "--format", "json"]);
    assert_eq!(status["status"]["quarantine"]["error"]["code"], "Unauthorized");
}

#[test]
fn a_page_of_a_gateway_is_no_target() {
    let page = "<html><title>Please sign in</title></html>";
    let words = ["the answer could not be deserialised", "Please sign in"];
    the_probe_ends_it("", UNAVAILABLE, &words, move |_| {
        Some(Answer::Say(200, vec![("Content-Type", "text/html".to_owned())], page.to_owned()))
    });
    the_probe_ends_it("", UNAVAILABLE, &["BadGateway", "Please sign in"], move |_| {
        Some(Answer::Say(502, vec![("Content-Type", "text/html".to_owned())], page.to_owned()))
    });
    scimulator::covers!("W-029");
    only_ben_fails("", INCOMPATIBLE, &["could not be deserialised", "Please sign in"], move |asked| {
        asked.queries("ben").then(|| Answer::Say(200, Vec::new(), page.to_owned()))
    });
}

#[test]
fn a_404_to_a_query_is_no_answer_of_a_target_and_ends_the_cycle() {
    let not_here = || Answer::say(404, "nothing lives here");
    the_probe_ends_it("", INCOMPATIBLE, &["NotFound", "nothing lives here"], move |_| Some(not_here()));
    scimulator::covers!("W-028");

    let gone = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&gone);
    let server =
        Server::start(move |asked| (asked.queries("ben") && seen.load(Ordering::SeqCst)).then(not_here));
    let project = project(&server.url(), "");
    let told =
        [INCOMPATIBLE, "StatusCode: NotFound", "nothing lives here", "in quarantine", "ben@contoso.com"];
    project.run(["cycle"]).ends_with(3, &told);
    assert_eq!(server.users(), ["ada@contoso.com"]);
    gone.store(false, Ordering::SeqCst);
    assert_eq!((project.run(["start"]).code, project.run(["cycle"]).code), (0, 0));
    assert_eq!(server.users(), EVERYBODY);
    scimulator::covers!("E-136");
}

#[test]
fn a_list_with_two_matches_writes_nothing() {
    let entry = only_ben_fails("", "DuplicateTargetEntries", &["2 objects in the target match"], |asked| {
        let two = json!({ "totalResults": 2, "Resources": [{ "id": "one" }, { "id": "two" }] });
        asked.queries("ben").then(|| Answer::say(200, two))
    });
    let sent: Vec<_> = entry["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| &exchange["request"]["method"])
        .collect();
    assert_eq!(sent, ["GET"]);
    scimulator::covers!("W-073", "E-121");
}

#[test]
fn an_account_that_is_created_without_an_id_can_not_be_linked() {
    only_ben_fails("", INCOMPATIBLE, &["has no `id` that is a text", r#"{"userName":"ben"#], |asked| {
        asked.creates("ben").then(|| Answer::say(201, json!({ "userName": "ben@contoso.com" })))
    });
}

#[test]
fn a_target_that_hangs_fails_the_user_and_at_the_probe_the_cycle() {
    let fidelity = "timeout = '300ms'";
    only_ben_fails(fidelity, "Timeout", &["no answer within 300 ms"], |asked| {
        asked.creates("ben").then_some(Answer::Silence)
    });
    the_probe_ends_it(fidelity, UNAVAILABLE, &["no answer within 300 ms"], |_| Some(Answer::Silence));
    scimulator::covers!("W-037");
}

#[test]
fn a_process_that_is_killed_leaves_nothing_that_the_next_one_does_twice() {
    let (reached, is_reached) = channel();
    let server = Server::start(move |asked| {
        let first = asked.creates("ben") && reached.send(()).is_ok();
        first.then_some(Answer::SilentlyDone)
    });
    let project = project(&server.url(), "");
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["cycle", "--quiet"])
        .current_dir(project.path(""))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    is_reached.recv_timeout(PATIENCE).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    drop(is_reached);
    project.run(["status"]).ends_with(0, &["never run"]);

    project.run(["cycle"]).ends_with(0, &["Succeeded", "created 2", "failed 0"]);
    assert_eq!(server.users(), EVERYBODY);
    let created = |user| server.asked().iter().filter(|asked| asked.creates(user)).count();
    assert_eq!(["ada", "ben", "cleo", "dan"].map(created), [1; 4]);
    project.run(["cycle"]).ends_with(0, &["Succeeded", "created 0", "updated 0", "requests 2"]);
}

#[test]
fn a_closed_port_is_unreachable() {
    let url = format!("http://127.0.0.1:{}/scim", free_port());
    let project = project(&url, "");
    project.run(["cycle"]).ends_with(3, &[UNAVAILABLE, &url, "refused", "in quarantine"]);
    project.run(["cycle"]).ends_with(4, &[UNAVAILABLE, &url, "`scimulator start`"]);
    project.run(["test-connection"]).ends_with(3, &[UNAVAILABLE, &url]);
}

#[test]
fn a_body_without_end_is_cut_off() {
    let entry = only_ben_fails("", INCOMPATIBLE, &["larger than 8388608 bytes"], |asked| {
        asked.queries("ben").then_some(Answer::Endless)
    });
    assert_eq!(entry["exchanges"][0]["error"]["kind"], "too_large");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Arc::new(Server::start(|_| None));
    let location = format!("{}/Users", elsewhere.url());
    only_ben_fails("", INCOMPATIBLE, &["StatusCode: Found"], move |asked| {
        let headers = vec![("Location", location.clone())];
        asked.queries("ben").then(|| Answer::Say(302, headers, String::new()))
    });
    assert!(elsewhere.asked().is_empty());
    scimulator::covers!("W-051");
}

#[test]
fn the_content_type_of_an_answer_does_not_matter() {
    let created = json!({ "id": "made-by-script", "userName": "ben@contoso.com" }).to_string();
    let server = Server::start(move |asked| {
        let headers = vec![("Content-Type", "text/html".to_owned())];
        asked.creates("ben").then(|| Answer::Say(201, headers, created.clone()))
    });
    let project = project(&server.url(), "");
    project.run(["cycle"]).ends_with(0, &["Succeeded", "created 4", "failed 0"]);
    assert!(entries(&project, "warning").is_empty());
    assert_eq!(server.users(), all_but("ben"), "the script did not keep what it created");
}

#[test]
fn a_create_that_is_answered_with_200_is_a_success_with_a_warning() {
    let server = Server::start(|asked| {
        asked.creates("ben").then(|| Answer::say(200, json!({ "id": "b", "userName": "ben@contoso.com" })))
    });
    let project = project(&server.url(), "");
    let told = ["Succeeded", "created 4", "with a warning: 1", "`scimulator logs --status warning`"];
    project.run(["cycle"]).ends_with(0, &told);
    let [entry] = entries(&project, "warning").try_into().unwrap();
    assert_eq!(entry["sourceIdentity"]["details"]["UserPrincipalName"], "ben@contoso.com");
    let told = ["ben@contoso.com", "warning: the target answered 200 instead of 201"];
    project.run(["logs", "--status", "warning"]).ends_with(0, &told);
    project.run(["cycle"]).ends_with(0, &["Succeeded", "created 0", "failed 0"]);
}

#[test]
fn looking_back_needs_no_token() {
    let server = Server::start(|_| None);
    let project = project(&server.url(), "");
    assert_eq!(project.run(["cycle"]).code, 0);
    let config = project.read("scimulator.toml");
    project
        .write("scimulator.toml", &config.replace(&format!("value = '{TOKEN}'"), "env = 'NOBODY_SETS_THIS'"));
    project
        .run(["cycle"])
        .ends_with(2, &["the token of job `app` can't be had", "`NOBODY_SETS_THIS` is not set"]);
    project.run(["logs", "--wire"]).ends_with(0, &["ada@contoso.com", "POST   /Users ada@contoso.com"]);
    assert_eq!(project.run(["status"]).code, 0);
}

#[test]
fn a_token_that_the_target_echoes_is_masked_everywhere() {
    let server = Server::start(|asked| {
        let headers = vec![("X-Echo", TOKEN.to_owned()), ("Set-Cookie", format!("sid={TOKEN}"))];
        let body = json!({ "status": "400", "detail": format!("no luck with {TOKEN}, \"{TOKEN}\"") });
        if asked.creates("ben") {
            return Some(Answer::Say(400, headers, body.to_string()));
        }
        if asked.queries("cleo") {
            return Some(Answer::say(200, format!("<html>{TOKEN}")));
        }
        if asked.queries("dan") {
            // A match whose attributes are to be changed: the log shows what was there before.
            let there =
                json!({ "id": "d", "userName": "dan@contoso.com", "displayName": format!("{TOKEN}!") });
            return Some(Answer::say(200, json!({ "totalResults": 1, "Resources": [there] })));
        }
        // The second job of the tests below is refused at the probe.
        asked.target.starts_with("/refusing/").then(|| Answer::Say(401, headers, body.to_string()))
    });
    let project = project(&server.url(), "");
    let refusing = format!(
        "\n[[job]]\nname = 'refusing'\ntenant_url = '{}'\ntoken = {{ value = '{TOKEN}' }}\n",
        server.url().replace("/scim", "/refusing")
    );
    project.write("scimulator.toml", &(project.read("scimulator.toml") + &refusing));

    let escaped = TOKEN.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let is_clean =
        |text: &str| !text.contains(TOKEN) && !text.contains(&escaped) && !text.contains("odd=letters");
    let mut echoes = 0;
    let mut check = |arguments: &[&str]| {
        let mut command = project.scimulator([]);
        let output = command.args(arguments).args(["-vvv"]).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(is_clean(&said), "{arguments:?}: {said}");
        echoes += said.matches("****").count();
    };
    for job in ["app", "refusing"] {
        for command in [
            &["test-connection"][..],
            &["plan"],
            &["cycle"],
            &["cycle"],
            &["status"],
            &["logs", "--wire"],
            &["logs", "--wire", "--redact"],
            &["logs", "--har", "-"],
            &["start"],
        ] {
            check(&[command, &["--job", job]].concat());
            check(&[command, &["--job", job, "--format", "json"]].concat());
        }
    }
    assert!(30 < echoes, "only {echoes} echoes were shown, masked: the target was not heard");
    let log = entries_of(&project, "app");
    assert!(log.contains("no luck with ****") && log.contains(r#""oldValue":"****!""#), "{log}");

    let mut files = 0;
    for folder in ["state", "state/journal"] {
        for file in std::fs::read_dir(project.path(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_file() {
                files += 1;
                let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
                assert!(is_clean(&text), "{}", file.display());
            }
        }
    }
    assert!(5 <= files, "{files} files of state, journals and locks");
}

fn entries_of(project: &Project, job: &str) -> String {
    project.run(["logs", "--job", job, "--format", "json"]).stdout
}

#[test]
fn a_comparison_with_the_target_says_plainly_why_there_is_none() {
    for (status, body, code, words) in [
        (404, "", 1, "the target has no `/Schemas` to compare with: it answered 404"),
        (501, "", 1, "it answered 501"),
        (200, "<html>", 1, "the answer is no JSON"),
        (200, "{\"totalResults\":0}", 1, "the answer is no list of schemas"),
        (200, "[{\"id\":\"urn:x\"}]", 1, "has no `urn:ietf:params:scim:schemas:core:2.0:User`"),
        (401, TOKEN, 3, "refused the request for `/Schemas` with 401"),
    ] {
        let server =
            Server::start(move |asked| asked.target.contains("/Schemas").then(|| Answer::say(status, body)));
        let project = project(&server.url(), "");
        project.run(["check", "--target"]).ends_with(code, &[words, "scimulator.toml"]);
        project.run(["check"]).ends_with(0, &[]);
        let asked = server.asked();
        assert_eq!(asked.len(), 1, "one request, and none without `--target`");
        assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("GET", "/scim/Schemas"));
    }
    let closed = project(&format!("http://127.0.0.1:{}/scim", free_port()), "");
    closed.run(["check", "--target"]).ends_with(3, &["the target could not be reached"]);
}
