//! `scenario run`, `list` and `new` as a person and a build server meet them.

use scimulator::client::Pseudonyms;
use scimulator::scenario::{self, Options};
use serde_json::Value;

use super::{parsed, text_of};
use crate::common::Project;

const FINE: &str = "[[step]]\ndo = \"initial cycle\"\nexpect.target.users = 3\n";
const WRONG: &str = "[[step]]\ndo = \"initial cycle\"\nexpect.target.users = 4\n";

fn project() -> Project {
    Project::with([
        ("scenarios/b.toml", text_of(FINE).as_str()),
        ("scenarios/a/z.toml", text_of(WRONG).as_str()),
        ("scenarios/c.toml", text_of(FINE).as_str()),
        ("scenarios/notes.md", "no scenario"),
    ])
}

#[test]
fn what_init_writes_runs_and_passes_for_every_app() {
    for app in scimulator::gallery::names() {
        let project = Project::with([]);
        assert_eq!(project.run(["init", ".", "--app", app]).code, 0);
        let told = project.run(["scenario", "run", "scenarios/first.toml"]);
        assert_eq!(told.code, 0, "{app}: {}{}", told.stdout, told.stderr);
        assert_eq!(
            told.stdout,
            "passed  first  Leaver: disabled, then deleted, then purged after 30 days\n\n1 scenario: 1 passed\n"
        );
    }
}

#[test]
fn what_new_writes_runs_and_passes_and_is_never_overwritten() {
    let project = Project::with([]);
    assert_eq!(project.run(["scenario", "new", "joiner"]).stdout, "scenarios/joiner.toml\n");
    assert_eq!(project.run(["scenario", "new", "tests/own.toml"]).stdout, "tests/own.toml\n");
    let again = project.run(["scenario", "new", "joiner"]);
    assert!(
        again.code == 2 && again.stderr.contains("there is already a `scenarios/joiner.toml`"),
        "{}",
        again.stderr
    );
    let told = project.run(["scenario", "run", "scenarios", "tests"]);
    assert!(
        told.code == 0 && told.stdout.ends_with("2 scenarios: 2 passed\n"),
        "{}{}",
        told.stdout,
        told.stderr
    );
}

#[test]
fn scenarios_run_in_the_order_of_their_files_however_many_at_once() {
    let project = project();
    let one = project.run(["scenario", "run", "--jobs", "1"]);
    assert_eq!(one.code, 1);
    let names: Vec<&str> =
        one.stdout.lines().filter(|line| !line.starts_with(' ') && line.contains("A test")).collect();
    assert_eq!(names, ["failed  z  A test", "passed  b  A test", "passed  c  A test"]);
    assert!(
        one.stdout.contains("scenarios/a/z.toml:37:23: `expect.target.users` (step 1, 2026-01-05T08:00:00Z)"),
        "{}",
        one.stdout
    );
    assert!(one.stdout.ends_with("3 scenarios: 2 passed, 1 failed\n"));
    assert_eq!(project.run(["scenario", "run", "--jobs", "3"]).stdout, one.stdout);
}

#[test]
fn a_file_that_is_no_scenario_ends_with_two_before_anything_runs() {
    let project = project();
    project.write("scenarios/d.toml", "title = 'x'\nsteps = 1\n");
    let told = project.run(["scenario", "run"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    assert!(
        told.stderr.contains("unknown key `steps`") && told.stderr.contains("did you mean `step`?"),
        "{}",
        told.stderr
    );
    for (arguments, words) in [
        (["scenario", "run", "nowhere"], "can not read `nowhere`"),
        (["scenario", "run", "--target=ftp://x"], "the URL"),
        (["scenario", "run", "--target=https://app.example.com/scim"], "--allow-remote"),
    ] {
        project.write("scenarios/d.toml", &text_of(FINE));
        let told = project.run(arguments);
        assert!(told.code == 2 && told.stderr.contains(words), "{}", told.stderr);
    }
}

#[test]
fn a_run_that_plays_nothing_is_no_success() {
    let skipped = "[[step]]\nfault = { target = \"down\" }\n";
    let project = Project::with([("s.toml", text_of(skipped).as_str())]);
    let target = format!("http://127.0.0.1:{}/scim", crate::common::free_port());
    let told = project.run(["scenario", "run", "s.toml", "--target", &target]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    assert!(told.stdout.ends_with("1 scenario: 1 skipped\n"), "{}", told.stdout);
    assert!(told.stderr.contains("nothing was played: every scenario was skipped"), "{}", told.stderr);
}

#[test]
fn a_list_names_each_with_its_title() {
    let told = project().run(["scenario", "list", "scenarios", "--format", "json"]);
    let list: Value = serde_json::from_str(&told.stdout).unwrap();
    let names: Vec<&Value> = list["value"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["z", "b", "c"]);
    assert_eq!((&list["value"][0]["title"], &list["value"][0]["steps"]), (&"A test".into(), &1.into()));
    assert!(
        project()
            .run(["scenario", "list"])
            .stdout
            .starts_with("NAME   STEPS   TITLE\nz      1       A test\n")
    );
}

#[test]
fn reports_are_refused_before_anything_is_played() {
    let text = text_of(FINE);
    let project = Project::with([("a.toml", text.as_str()), ("b.txt", text.as_str())]);
    for (junit, har, words) in [
        ("nodir/x.xml", "x.har", "can not write `nodir/x.xml`"),
        ("x.xml", "a.toml", "`a.toml` is a scenario's name"),
        ("other.toml", "x.har", "`other.toml` is a scenario's name"),
        ("b.txt", "x.har", "`b.txt` is a scenario's name"),
        ("x.xml", "./x.xml", "`--junit` and `--har` name the same file"),
    ] {
        let told = project.run(["scenario", "run", "a.toml", "b.txt", "--junit", junit, "--har", har]);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{junit} {har}");
        assert!(told.stderr.contains(words), "{}", told.stderr);
        assert!(!project.path("x.xml").exists() && !project.path("x.har").exists(), "{junit} {har}");
    }
    assert_eq!((project.read("a.toml"), project.read("b.txt")), (text.clone(), text.clone()));
    project.write("x.xml", "of the last run");
    assert_eq!(project.run(["scenario", "run", "a.toml", "--junit", "x.xml"]).code, 0);
    assert!(project.read("x.xml").starts_with("<?xml"));
}

#[test]
fn in_github_a_mistake_in_a_file_is_an_annotation_at_its_line() {
    let project = Project::with([("a.toml", "title = 'x'\nsteps = 1\nuser = []\n[[step]]\n")]);
    let mut command = project.scimulator(["scenario", "run", "a.toml"]);
    let output = command.env("GITHUB_ACTIONS", "true").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("::error file=a.toml,line=2,col=1::unknown key `steps`%0Ahelp: did you mean `step`?\n"),
        "{told}"
    );
}

#[test]
fn names_that_are_alike_are_listed_by_their_files() {
    let text = text_of(FINE);
    let project = Project::with(["a/story.toml", "b/story.toml", "c.toml"].map(|file| (file, text.as_str())));
    let told = project.run(["scenario", "list", "a", "b", "c.toml"]).stdout;
    let names: Vec<&str> = told.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["a/story.toml", "b/story.toml", "c"]);
}

#[test]
fn a_project_without_scenarios_is_told_how_to_have_one() {
    for command in ["run", "list"] {
        let told = Project::with([]).run(["scenario", command]);
        assert_eq!(told.code, 2);
        assert!(told.stderr.contains("help: scenarios are `.toml` files; write one with"), "{}", told.stderr);
    }
}

#[test]
fn names_of_new_scenarios_are_fit_for_files_and_shells() {
    let project = Project::with([]);
    let told = project.run(["scenario", "new", "a\nb"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    assert!(told.stderr.contains(r"error: `a\nb` can not be the name of a scenario"), "{}", told.stderr);
    assert!(!project.path("scenarios").exists());
    let told = project.run(["scenario", "new", "two words"]);
    assert_eq!(told.stdout, "scenarios/two words.toml\n");
    assert!(
        told.stderr.contains("next: scimulator scenario run 'scenarios/two words.toml'\n"),
        "{}",
        told.stderr
    );
}

#[test]
fn json_is_one_document_of_the_documented_shape() {
    let told = project().run(["scenario", "run", "--format", "json"]);
    assert_eq!(told.code, 1);
    let report: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (&report["version"], &report["summary"]),
        (&1.into(), &serde_json::json!({ "total": 3, "passed": 2, "failed": 1, "broken": 0, "skipped": 0 }))
    );
    let failed = &report["scenarios"][0];
    assert_eq!(
        (&failed["verdict"], &failed["cycles"], &failed["steps"]),
        (&"failed".into(), &1.into(), &0.into())
    );
    let failure = &failed["failures"][0];
    for (key, value) in [
        ("file", Value::from("scenarios/a/z.toml")),
        ("line", 37.into()),
        ("column", 23.into()),
        ("step", 1.into()),
        ("expectation", "expect.target.users".into()),
        ("expected", "4".into()),
        ("virtualTime", "2026-01-05T08:00:00Z".into()),
    ] {
        assert_eq!(failure[key], value, "{key}");
    }
    assert_eq!(failure["guilty"]["request"]["method"], "POST");
    let page = std::fs::read_to_string(crate::sources::root().join("docs/scenarios.md")).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for key in [keys(&report), keys(&report["summary"]), keys(failed), keys(failure)].concat() {
        assert!(
            ["`", "."].iter().any(|before| page.contains(&format!("{before}{key}"))),
            "`{key}` is not documented"
        );
    }
}

/// Whatever leaves the machine as an artefact or an annotation may be read by others than the tenant's people.
#[test]
fn a_redacted_run_names_nobody_in_any_report() {
    let steps = "[[step]]\ntitle = \"About adele@contoso.com\"\ndo = \"initial cycle\"\n\
                 expect.target.user.\"adele@contoso.com\" = { displayName = \"Adele Summers\", active = false }\n\
                 expect.requests = [{ path = \"/Users/{adele@contoso.com}\", body = { displayName = \"Adele Winters\" } }]\n";
    let project = Project::with([("s.toml", text_of(steps).as_str())]);
    let told = |arguments: &[&str]| {
        let all = ["scenario", "run", "s.toml", "--junit", "r.xml", "--har", "r.har"];
        let command = project.scimulator(all.iter().chain(arguments).copied());
        let output = { command }.env("GITHUB_ACTIONS", "true").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let printed = [output.stdout, output.stderr].concat();
        [String::from_utf8(printed).unwrap(), project.read("r.xml"), project.read("r.har")]
    };
    let personal =
        ["contoso", "Adele", "Berg", "Summers", "Winters", "Okoro", "00000000-0000-4000-8000-00000000000"];
    let openly = told(&[]).concat();
    assert!(personal.iter().all(|word| openly.contains(word)), "{openly}");
    for arguments in [&["--redact"][..], &["--redact", "--format", "json"]] {
        for text in told(arguments) {
            for word in personal {
                assert!(!text.contains(word), "`{word}` stands in {text}");
            }
            assert!(text.contains("@example.invalid"), "{text}");
        }
        assert!(told(arguments)[0].contains("false"), "what tells nobody from another stays");
    }
}

/// A name of two letters, one with quotes in it, and one that somebody gave in the app alone are names, too.
#[test]
fn a_redacted_report_names_nobody_by_whatever_name() {
    let redact = Some(Pseudonyms::of_one_run());
    let options = Options { redact, ..Options::embedded() };
    let bob = r#"Robert \"Bob\" Miller"#;
    let change = format!(
        "edit = {{ user = \"adele@contoso.com\", set = {{ surname = \"Li\", displayName = \"{bob}\", employeeId = \"7\" }} }}\n"
    );
    let wanted = "{ op = \"Replace\", path = \"name.familyName\", value = \"Wu\" }";
    let adele = "expect.target.user.\"adele@contoso.com\"";
    for (steps, shown) in [
        (format!("{change}advance = \"40m\"\n{adele}.displayName = \"Bo\"\n"), &["Miller", "Bo"][..]),
        (format!("{change}advance = \"40m\"\n{adele}.\"name.familyName\" = \"Wu\"\n"), &["\"Li\"", "\"Wu\""]),
        (
            format!("{change}advance = \"40m\"\nexpect.requests = [{{ method = \"PATCH\", path = \"/Users/{{adele@contoso.com}}\", operations = [{wanted}] }}]\n"),
            &["Miller", "\"Li\"", "\"Wu\"", "\"7\""],
        ),
        (
            format!("fault = {{ target = \"edited\", user = \"adele@contoso.com\", set = {{ title = \"Kingpin\" }} }}\n{adele}.title = \"Clerk\"\n"),
            &["Kingpin", "Clerk"],
        ),
        (
            "edit = { group = \"Sales\", set = { displayName = \"HR\" } }\nadvance = \"40m\"\nexpect.target.group.\"HR\".absent = true\n".to_owned(),
            &["HR"],
        ),
    ] {
        let scenario = parsed(&text_of(&format!("[[step]]\ndo = \"initial cycle\"\n[[step]]\n{steps}")));
        let told = |options: &Options| {
            let report = scenario::run(&scenario, options);
            assert_eq!(report.verdict.as_str(), "failed", "{report}");
            format!("{report}\n{}", scenario::report::to_junit(std::slice::from_ref(&report)).replace("&quot;", "\""))
        };
        let (openly, masked) = (told(&Options::embedded()), told(&options));
        for word in shown {
            assert!(openly.contains(word), "`{word}` is not in {openly}");
            assert!(!masked.contains(word), "`{word}` stands in {masked}");
        }
    }
    let scenario = parsed(&text_of("[[step]]\ndo = \"initial cycle\"\nexpect.target.users = 4\n"));
    let (report, end) = scenario::run_to_end(&scenario, &options);
    assert!(!report.to_string().contains("carla") && report.held.is_empty(), "{report}");
    assert!(end.is_err() && scenario::run_to_end(&scenario, &Options::embedded()).1.is_ok());
}

#[test]
fn in_github_each_failure_is_an_annotation_at_its_line() {
    let project = project();
    let output =
        project.scimulator(["scenario", "run", "scenarios"]).env("GITHUB_ACTIONS", "true").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let line = stdout.lines().find(|line| line.starts_with("::error ")).unwrap();
    assert!(
        line.starts_with(
            "::error file=scenarios/a/z.toml,line=37,col=23,title=A test%3A expect.target.users::expected 4%0Agot 3: carla"
        ),
        "{line}"
    );
    let output = project
        .scimulator(["scenario", "run", "--format", "json"])
        .env("GITHUB_ACTIONS", "true")
        .output()
        .unwrap();
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "JSON stays alone on standard output");
    assert!(String::from_utf8(output.stderr).unwrap().contains("::error file="));
}

#[test]
fn a_watched_scenario_runs_again_when_it_changes() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let project = Project::with([("s.toml", text_of(WRONG).as_str())]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_scimulator"))
        .args(["scenario", "run", "s.toml", "--watch"])
        .current_dir(project.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "1 scenario: 1 failed"));
    project.write("s.toml", &text_of(FINE));
    assert!(lines.any(|line| line == "1 scenario: 1 passed"));
    child.kill().unwrap();
    child.wait().unwrap();
}
