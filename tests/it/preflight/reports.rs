//! The list of tests, what is chosen of it, and the reports.

use scimulator::covers;
use scimulator::preflight::{Area, Attributes, Grade, Options, TESTS, Test, Word, list};
use serde_json::{Value, json};

use super::{against, get, options, run};
use crate::common::Project;
use crate::compatibility::{Fault, HONEST, serve};
use crate::scenario::reports::is_valid_junit;

fn names(fits: impl Fn(&Test) -> bool) -> Vec<&'static str> {
    TESTS.iter().filter(|test| fits(test)).map(|test| test.name).collect()
}

#[test]
fn the_tests_have_microsofts_names() {
    let gallery =
        |area: &'static [Area]| names(move |test| test.id.starts_with('A') && area.contains(&test.area));
    let users = ["Create", "Update", "Disable", "Delete"].map(|verb| format!("{verb}_User_Test"));
    let names_of = |prefix: &str| names(|test| test.name.starts_with(prefix));
    assert!(users.iter().all(|name| list::named(name).is_some_and(|test| test.area == Area::Users)));
    for name in ["User_Update_Manager_Test", "Restore_User_Test", "POD_User_Test"] {
        assert!(list::named(name).is_some(), "{name}");
    }
    let groups = [
        "Create_Group_Test",
        "Update_Group_Test",
        "Delete_Group_Test",
        "Group_Update_Add_Member_Test",
        "Group_Update_Remove_Member_Test",
        "POD_Group_Test",
        "Restore_Group_Test",
    ];
    let direct = [
        "Schema_Discoverability_Test",
        "SCIM_Null_Update_Test",
        "SCIM_User_Create_Test",
        "SCIM_User_Update_Test",
        "SCIM_User_Pagination_Test",
        "Validate_Credentials_Test",
        "Federated_Identity_Test",
    ];
    let with_groups = gallery(&[Area::Groups]);
    assert!(groups.iter().all(|name| with_groups.contains(name)));
    assert!(direct.iter().all(|name| gallery(&[Area::Scim]).contains(name)));
    assert_eq!(
        names_of("SCIM_Group_"),
        ["SCIM_Group_Create_Test", "SCIM_Group_Update_Test", "SCIM_Group_Pagination_Test"]
    );
    assert_eq!(list::named("scim_update_manager_test").unwrap().id, "A25");
    assert_eq!(gallery(&[Area::Users, Area::Groups, Area::Manager, Area::Scim]).len(), 25);
    assert_eq!(names(|test| test.id.starts_with('B')).len(), 25);
    assert_eq!(names(|test| test.id.starts_with('P')).len(), 7);
    // Names of the SCIM Validator are not unique.
    assert_eq!(list::named("PATCH /Users/Id"), None);
    assert_eq!(list::named("b8").unwrap().about, "Disable User");
    covers!("W-201", "W-203");
}

#[test]
fn an_app_without_groups_is_spared_their_tests() {
    let url = serve(HONEST);
    let report = run(&Options { groups: false, ..options(&url, &[]) });
    for tested in report.asked().filter(|tested| tested.test.area == Area::Groups) {
        assert_eq!(tested.skipped.unwrap().0, "not-mapped", "{}", tested.test.id);
        assert!(tested.checks.is_empty());
    }
    assert!(report.is_fine(), "and the rest passes");
    // The official run has no such branch for those that go through the service (X6).
    let as_run = |id: &str| report.asked().find(|tested| tested.test.id == id).unwrap().as_run;
    assert_eq!((as_run("A8"), as_run("A10"), as_run("B18")), (Word::Failed, Word::Warning, Word::Skipped));
    covers!("W-202");
}

#[test]
fn the_attributes_are_the_default_ones_or_discovered_or_those_of_a_schema_file() {
    // An app that knows no roles: it drops them, and does not advertise them.
    let no_roles = Fault {
        request: |request| {
            if let Some(body) = &mut request.body {
                crate::common::edit_json(body, |body| {
                    drop(body.as_object_mut().map(|body| body.shift_remove("roles")));
                });
            }
        },
        response: |request, response| {
            if request.url.ends_with("/Schemas") {
                let text = String::from_utf8_lossy(&response.body)
                    .replace("\"name\":\"roles\"", "\"name\":\"parts\"");
                response.body = text.into_bytes();
            }
        },
    };
    let url = serve(no_roles);
    let project = Project::with([]);
    let graded = |attributes: Attributes| {
        let report = run(&Options { attributes, ..options(&url, &["B1", "A17", "B9"]) });
        report.asked().map(|tested| tested.grade).collect::<Vec<_>>()
    };
    assert_eq!(graded(Attributes::Default), [Grade::Passed, Grade::Failed, Grade::Passed]);
    assert_eq!(graded(Attributes::Discovered), [Grade::Passed, Grade::Passed, Grade::Passed]);
    let schema = json!({ "directories": [{ "objects": [{ "name": "User", "attributes": [
        { "name": "userName" }, { "name": "displayName" }, { "name": "emails[type eq \"work\"].value" },
    ] }] }] });
    assert_eq!(
        graded(Attributes::of_file(&schema)),
        [Grade::Passed, Grade::Passed, Grade::Skipped],
        "no manager"
    );
    // By the command line alike.
    project.write("schema.json", &schema.to_string());
    let output = |source: &str| {
        let arguments =
            ["preflight", &url, "--test", "B1", "--test", "B9", "--attributes", source, "--format", "json"];
        let output = project.scimulator(arguments).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let grades =
            told["tests"].as_array().unwrap().iter().map(|test| test["grade"].as_str().unwrap().to_owned());
        (output.status.code(), grades.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(output("default"), (Some(1), "failed passed".to_owned()));
    assert_eq!(output("discover"), (Some(0), "passed passed".to_owned()));
    assert_eq!(output("schema.json"), (Some(0), "passed skipped".to_owned()));
    covers!("W-188");
}

#[test]
fn the_same_seed_sends_the_same_names() {
    let names = |seed: u64| {
        let url = serve(HONEST);
        let report = run(&Options { seed, ..options(&url, &["A1", "B1", "A19"]) });
        let lines =
            report.tested.iter().flat_map(|tested| &tested.checks).filter_map(|check| check.request.clone());
        lines.filter(|line| line.contains("filter=")).collect::<Vec<_>>()
    };
    assert_eq!(names(7), names(7));
    assert_ne!(names(7), names(8));
}

#[test]
fn a_failure_says_what_to_change_and_by_which_rule_in_every_form() {
    let deaf = Fault {
        request: |request| {
            if request.method == scimulator::http::Method::Patch {
                request.method = scimulator::http::Method::Get;
            }
        },
        ..HONEST
    };
    let (url, project) = (serve(deaf), Project::with([]));
    let arguments = [
        "preflight",
        &url,
        "--seed",
        "7",
        "--retries",
        "0",
        "--test",
        "B7",
        "--test",
        "P1",
        "--test",
        "B3",
        "--test",
        "A22",
        "--junit",
        "junit.xml",
        "--html",
        "page.html",
    ];
    let output = project.scimulator(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let junit = project.read("junit.xml");
    is_valid_junit(&junit);
    let page = project.read("page.html");
    for told in [&text, &junit, &page] {
        for words in [
            "apply every operation of a PATCH",
            "preflight.md B7",
            "GET    /Users/",
            "needs-entra: it needs a token issued by Entra, or an app that trusts a stand-in",
            "Update User userName",
            "Multiple Operations on different attributes",
        ] {
            assert!(told.contains(words), "no `{words}` in {told}");
        }
    }
    for told in [&text, &page] {
        assert!(told.contains("This does not replace the official run"), "{told}");
        assert!(told.contains("1 passed, 1 tolerated, 1 failed, 1 skipped"), "{told}");
    }
    assert!(
        junit.contains(
            "<testsuite name=\"SCIM Validator: users\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"0\""
        ),
        "{junit}"
    );
    assert!(junit.contains("<testsuite name=\"Gallery validation: scim\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{junit}");
    // The page needs nothing from elsewhere, and what a server says is text in it.
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("<script"), "{page}");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
}

#[test]
fn json_has_both_of_microsofts_shapes() {
    let url = serve(HONEST);
    let output = Project::with([])
        .scimulator(["preflight", &url, "--seed", "7", "--retries", "0", "--format", "json"])
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(told["counts"], json!({ "passed": 55, "tolerated": 0, "failed": 0, "skipped": 2 }));
    let gallery = &told["gallery"];
    assert_eq!(
        gallery["overallResult"], "Failed",
        "no authentication test passed (`preflight.md 1.7`, rule 3)"
    );
    let results = gallery["testResults"].as_array().unwrap();
    assert_eq!(results.len(), 25);
    assert_eq!(results[0]["testName"], "Create_User_Test");
    assert_eq!(
        (&results[0]["testCategory"], &results[0]["testResult"]),
        (&json!("mandatory"), &json!("success"))
    );
    // How many depends on what else the machine does; which of them are enough, `judged.rs` tests.
    let many = told["throughput"]["requestsPerSecond"].as_f64().unwrap();
    assert!(0.0 < many, "{}", told["throughput"]);
    assert_eq!(told["throughput"]["verdict"], if 25.0 <= many { "passed" } else { "failed" });
    let data = &told["validator"]["results"]["data"];
    let count = |list: &str| data[list].as_array().unwrap().len();
    assert_eq!((count("PassedTests"), count("FailedTests"), count("PreviewTests")), (25, 0, 7));
    assert_eq!(data["PassedTests"][0]["Name"], "POST /Users");
    assert_eq!(data["PassedTests"][0]["HasTestPassed"], true);
    assert!(get(&format!("{url}/Groups?count=0")).contains("\"totalResults\":0"), "nothing stays");
}

#[test]
fn the_official_text_of_a_failure_names_phase_and_action() {
    let hides = Fault {
        response: |request, response| {
            if request.url.contains("filter=")
                && String::from_utf8_lossy(&response.body).contains("\"active\":false")
            {
                response.status = 500;
            }
        },
        ..HONEST
    };
    let tested = against(hides, &["A3"]);
    let text = tested["A3"].result_as_run();
    assert!(text.starts_with("FAILED - [Disable Phase] Provisioning: success | SCIM: "), "{text}");
}

#[test]
fn wrong_use_and_an_absent_endpoint_end_with_their_codes() {
    let project = Project::with([]);
    let cases: [(&[&str], i32, &str); 10] = [
        (&["http://scim.example/v2"], 2, "--allow-remote"),
        (&["http://127.0.0.1:9/scim", "--token-env", "NOT_SET"], 2, "`NOT_SET` is not set"),
        (&["http://127.0.0.1:9/scim", "--test", "Create_Usr_Test"], 2, "did you mean `Create_User_Test`?"),
        (&["http://127.0.0.1:9/scim", "--attributes", "none.json"], 2, "can not read the schema `none.json`"),
        (&["http://127.0.0.1:9/scim", "--token-endpoint", "http://127.0.0.1:9/"], 2, "--client-id"),
        (&["http://127.0.0.1:1/scim", "--domain", "ü b\""], 2, "write letters, digits, `-` and dots"),
        // Nobody is there: the files are looked at first.
        (&["http://127.0.0.1:1/scim", "--html", "none/x.html"], 2, "make the folder `none` first"),
        (&["http://127.0.0.1:1/scim", "--junit", "./x", "--html", "x"], 2, "name the same file"),
        (&["http://127.0.0.1:1/scim", "--junit", "."], 2, "`--junit .` is no file"),
        (&["http://127.0.0.1:1/scim"], 3, "the endpoint can't be reached"),
    ];
    for (arguments, code, words) in cases {
        let output = project.scimulator(["preflight"]).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    let closed = Fault { response: |_, response| response.status = 401, ..HONEST };
    let output = project.scimulator(["preflight", &serve(closed)]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the endpoint refuses us: 401") && said.contains("--token-env"), "{said}");
}

#[test]
fn a_token_opens_the_endpoint_and_is_told_to_nobody() {
    let closed = Fault {
        response: |request, response| {
            if request.header("Authorization") != Some("Bearer s3cr3t-token") {
                response.status = 401;
            } else if response.status == 200 {
                // What a careless server repeats.
                response.headers.push(("X-Debug".to_owned(), "s3cr3t-token".to_owned()));
            }
        },
        ..HONEST
    };
    let (url, project) = (serve(closed), Project::with([]));
    let output = project
        .scimulator([
            "preflight",
            &url,
            "--token-env",
            "PREFLIGHT_TOKEN",
            "--test",
            "A1",
            "--test",
            "A8",
            "--test",
            "B4",
        ])
        .args(["--format", "json", "--html", "page.html", "--junit", "junit.xml"])
        .env("PREFLIGHT_TOKEN", "s3cr3t-token")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for told in [text, project.read("page.html"), project.read("junit.xml")] {
        assert!(told.contains("Create_User_Test") && !told.contains("s3cr3t"), "{told}");
    }
}

#[test]
fn what_can_not_be_taken_away_is_listed() {
    let keeps = Fault {
        request: |request| {
            if request.method == scimulator::http::Method::Delete {
                request.method = scimulator::http::Method::Get;
            }
        },
        response: |request, response| {
            if request.method == scimulator::http::Method::Delete {
                response.status = 403;
            }
        },
    };
    let report = run(&options(&serve(keeps), &["A1", "B3"]));
    assert!(report.is_fine());
    assert_eq!(report.left.len(), 2, "{:?}", report.left);
    assert!(
        report.left.iter().all(|left| left.starts_with("/Users/") && left.ends_with("(403)")),
        "{:?}",
        report.left
    );
}

#[test]
fn with_v_it_says_what_begins_and_without_it_nothing_but_results() {
    let (url, project) = (serve(HONEST), Project::with([]));
    let said = |more: &[&str]| {
        let arguments =
            [&["preflight", &url, "--test", "A1", "--test", "B1", "--test", "A22"], more].concat();
        project.run(arguments).stderr
    };
    assert_eq!(said(&[]), "");
    let verbose = said(&["-v"]);
    let begun: Vec<&str> = verbose.lines().filter_map(|line| line.strip_suffix(" …")).collect();
    assert_eq!(begun.iter().filter(|what| what.starts_with("A1 to A14, cycle ")).count(), 5, "{begun:?}");
    // A22 is skipped, A1 shares the cycles.
    assert!(begun.iter().any(|what| what.starts_with("B1 ")), "{begun:?}");
    assert!(!begun.iter().any(|what| what.starts_with("A1 C") || what.starts_with("A22 ")), "{begun:?}");
}

#[test]
fn a_misspelt_flag_in_the_url_is_told_wherever_an_endpoint_is_typed() {
    let (url, project) = (
        serve(HONEST),
        Project::with([(
            "s.toml",
            "title = 'T'\nuser = [{ userPrincipalName = 'a@contoso.com' }]\n[[step]]\ndo = 'initial cycle'\n",
        )]),
    );
    let url = format!("{url}?aadOptscim06202");
    let commands: [&[&str]; 3] = [
        &["preflight", &url, "--test", "B1"],
        &["compatibility", &url],
        &["scenario", "run", "s.toml", "--target", &url],
    ];
    for command in commands {
        let said = project.run(command.iter().copied()).stderr;
        assert!(said.contains("`aadOptscim06202` is no known flag and is ignored"), "{command:?}: {said}");
        assert!(said.contains("did you mean `aadOptscim062020`?"), "{command:?}: {said}");
        assert_eq!(project.run(command.iter().copied().chain(["-q"])).stderr, "", "{command:?}");
    }
}

#[test]
fn of_some_tests_nothing_is_concluded_about_the_official_run() {
    let (url, project) = (serve(HONEST), Project::with([]));
    let told = project.run(["preflight", &url, "--test", "A1", "--html", "p.html"]).stdout;
    assert!(
        told.contains("\nthe official gallery run, as run: no verdict, 1 of its 25 tests ran\n"),
        "{told}"
    );
    assert!(told.contains("0 skipped of 1 test, in "), "{told}");
    assert!(project.read("p.html").contains("<strong>no verdict, 1 of its 25 tests ran</strong>"));
    let told = project.run(["preflight", &url, "--suite", "gallery"]).stdout;
    assert!(told.contains("\nthe official gallery run, as run: Failed\n"), "{told}");
    assert!(told.contains(" of 25 tests, in "), "{told}");
}
