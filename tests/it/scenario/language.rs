//! Scenario files: every mistake with its place, and what ships beside the reader.

use std::path::Path;

use scimulator::diagnostic::Diagnostic;
use scimulator::scenario::{self, json_schema};
use serde_json::Value;

use super::{DIRECTORY, parsed, text_of};
use crate::common::Project;
use crate::sources::root;

fn findings(text: &str) -> Vec<Diagnostic> {
    scenario::parse(text, Path::new("test.toml")).expect_err("something is wrong")
}

/// `line:column: message`, and the help behind it.
fn lines(findings: &[Diagnostic]) -> Vec<String> {
    let line = |finding: &Diagnostic| {
        let place = finding.place.as_ref().expect("a finding has a place");
        let help = finding.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
        format!("{}:{}: {}{help}", place.line.unwrap(), place.column.unwrap(), finding.message)
    };
    findings.iter().map(line).collect()
}

/// The one mistake in these steps: the text where it is, what is said of it, part of the advice.
#[track_caller]
fn mistake(steps: &str, mark: &str, message: &str, help: &str) {
    let found = findings(&text_of(steps));
    let [finding] = found.as_slice() else { panic!("{:#?}", lines(&found)) };
    let place = finding.place.as_ref().unwrap();
    assert_eq!((place.line, place.column), super::place_of(steps, mark), "{message}");
    assert_eq!(finding.message, message);
    assert!(finding.help.as_deref().unwrap_or_default().contains(help), "{finding:?}");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = "titel = 'x'\ndirectory = 'd'\nuser = []\n[job]\nscpoe = 'all'\ntoken = { value = 's' }\n\
                [job.fidelity]\nprobe = 'boht'\n[[step]]\ndo = 'cylce'\n[step.expect.job]\nescrows = 'one'\n";
    assert_eq!(
        lines(&findings(text)),
        [
            "1:1: `title` is missing",
            "1:1: unknown key `titel` | did you mean `title`?",
            "5:1: unknown key `scpoe` | did you mean `scope`?",
            "6:1: unknown key `token`",
            "8:9: `probe` can not be `boht` | did you mean `both`?",
            "10:6: `do` can not be `cylce` | did you mean `cycle`?",
            "12:11: `escrows` must be a whole number, not a text",
        ]
    );
}

#[test]
fn syntax_errors_are_told_with_their_place() {
    let found = findings("title = 'x\n[[step]]\nat = = 1\n");
    let mut lines: Vec<_> = found.iter().map(|it| it.place.as_ref().unwrap().line.unwrap()).collect();
    lines.dedup();
    assert_eq!(lines, [1, 3]);
}

#[test]
fn a_scenario_has_one_directory() {
    let both = format!("title = 'x'\ndirectory = 'd'\n{DIRECTORY}[[step]]\n");
    assert_eq!(
        lines(&findings(&both)),
        [
            "2:13: there are two directories, this one and the tables of the file | name a folder, or write the tables \
          into the scenario"
        ]
    );
    assert!(lines(&findings("title = 'x'\n[[step]]\n"))[0].contains("there is no directory"));
    let faulty = "title = 'x'\n[[user]]\ndisplayName = 'A'\n[[assignment]]\nprincpal = 'a'\n[[step]]\n";
    let found = lines(&findings(faulty));
    assert!(
        found.iter().any(|line| line.starts_with("2:1: the user has no `userPrincipalName`")),
        "{found:?}"
    );
    assert!(found.iter().any(|line| line.starts_with("5:1: unknown key `princpal`")), "{found:?}");
}

/// They are warnings: a directory may have attributes of its own.
#[test]
fn attributes_and_paths_that_are_nearly_right_are_warned_of() {
    for (step, mark, message, help) in [
        (
            "edit = { user = 'adele@contoso.com', set = { acountEnabled = 'False' } }",
            "acountEnabled",
            "no User has an attribute `acountEnabled`, neither in Entra nor in the directory",
            "did you mean `accountEnabled`?",
        ),
        (
            "edit = { user = 'adele@contoso.com', clear = ['deparment'] }",
            "'deparment'",
            "no User has an attribute `deparment`, neither in Entra nor in the directory",
            "did you mean `department`?",
        ),
        (
            "expect.no_requests = [{ path = '/Usres/{adele@contoso.com}' }]",
            "'/Usres",
            "no request has the path `/Usres/{adele@contoso.com}`",
            "did you mean `/Users`?",
        ),
        (
            "expect.no_requests = [{ path = 'https://h/x' }]",
            "'https",
            "no request has the path `https://h/x`",
            "paths are below the tenant URL and begin with `/Users`",
        ),
    ] {
        let step = format!("[[step]]\n{step}\n");
        let (_, warnings) = scenario::parse(&text_of(&step), "test.toml".as_ref()).unwrap();
        let [warning] = warnings.as_slice() else { panic!("{:#?}", lines(&warnings)) };
        let place = warning.place.as_ref().unwrap();
        assert_eq!((place.line, place.column), super::place_of(&step, mark), "{message}");
        assert_eq!(warning.message, message);
        assert!(warning.help.as_deref().unwrap_or_default().starts_with(help), "{warning:?}");
    }
    parsed(&text_of(
        "[[step]]\nedit = { user = 'adele@contoso.com', set = { Department = 'x', shoeSize = '41' } }\n\
         expect.no_requests = [{ path = '/Users?filter=userName eq \"x\"' }, { path = '/Groups' }]\n",
    ));
}

#[test]
fn changes_that_contradict_each_other_are_two_edits() {
    for (edit, mark, what) in [
        ("disable = true, enable = true", "true }", "`disable` and `enable`"),
        ("restore = true, delete = true", "true }", "`delete` and `restore`"),
        ("purge = true, restore = true", "true }", "`restore` and `purge`"),
        ("assign = true, unassign = true", "true }", "`assign` and `unassign`"),
        (
            "set = { department = 'x' }, clear = ['Department']",
            "'Department'",
            "a value and none for `Department`",
        ),
    ] {
        let step = format!("[[step]]\nedit = {{ user = 'adele@contoso.com', {edit} }}\n");
        mistake(&step, mark, &format!("one edit can't have {what}"), "a table for each");
    }
    let members = "add_members = ['zoe@contoso.com'], remove_members = ['Zoe@contoso.com']";
    let step = format!("[[step]]\nedit = {{ group = 'Sales', {members} }}\n");
    let message = "one edit can't have `Zoe@contoso.com` in and out of the group";
    mistake(&step, "'Zoe@", message, "a table for each");
    let user = "user = 'adele@contoso.com'";
    parsed(&text_of(&format!(
        "[[step]]\nedit = [{{ {user}, disable = true }}, {{ {user}, enable = true }}]\n"
    )));
}

#[test]
fn an_oracle_within_a_step_is_an_expectation() {
    let message = "unknown key `oracle`";
    mistake("[[step]]\noracle = 'clean'\n", "oracle", message, "write `expect.oracle = \"clean\"`");
}

/// Some keys of a scenario are those of a configuration, and not written as they are there.
#[test]
fn help_is_in_the_grammar_of_scenarios() {
    let found = lines(&findings(&text_of("[[job]]\ninterval = '1d'\n[[step]]\n")));
    assert!(found[0].contains("`job` must be a table, not an array | write `[job]`, and"), "{found:?}");
    let found = lines(&findings("title = 'x'\n[directory]\npath = 'd'\n[[step]]\n"));
    assert!(
        found[1].contains("`directory` must be a text in quotes, not a table | write `directory = "),
        "{found:?}"
    );
    let found = lines(&findings("title = 'x'\ndirectory = '../nodir'\n[[step]]\n"));
    assert_eq!(
        found,
        ["2:13: there is no folder `../nodir` | it is looked for from the scenario's own folder"]
    );
}

#[test]
fn names_are_those_of_the_directory_and_of_the_steps_above() {
    let blocked = "[[step]]\nedit = { user = 'adele@contoso.com', disable = true }\n";
    parsed(&text_of(blocked));
    mistake(
        "[[step]]\nedit = { user = 'adela@contoso.com', disable = true }\n",
        "'adela@",
        "no user is called `adela@contoso.com`",
        "did you mean `adele@contoso.com`?",
    );
    mistake(
        "[[step]]\nedit = { group = 'adele@contoso.com', delete = true }\n",
        "'adele@contoso.com', delete",
        "no group is called `adele@contoso.com`",
        "neither in the directory nor made by a step above",
    );
    let path = "[[step]]\nexpect.requests = [{ path = '/Users/{joe@contoso.com}' }]\n";
    mistake(path, "'/Users/{joe", "nobody is called `joe@contoso.com`", "");
    let joe = "[[step]]\nedit = { user = 'joe@contoso.com', add = { displayName = 'Joe' } }\n";
    parsed(&text_of(&format!("{joe}{path}")));
    mistake(&format!("{path}{joe}"), "'/Users/{joe", "nobody is called `joe@contoso.com`", "");
    let again = "[[step]]\nedit = { user = 'joe@contoso.com', add = { displayName = 'Joe 2' } }\n";
    mistake(
        &format!("{joe}{again}"),
        "'joe@contoso.com', add = { displayName = 'Joe 2'",
        "`joe@contoso.com` has been there before",
        "objectId",
    );
    let renamed =
        "[[step]]\nedit = { user = 'ben@contoso.com', set = { userPrincipalName = 'benno@contoso.com' } }\n";
    parsed(&text_of(&format!("{renamed}[[step]]\nexpect.target.user.'benno@contoso.com'.active = true\n")));
    mistake(
        "[[step]]\nexpect.target.group.'Sales'.members = ['adele@contoso.com', 'bne@contoso.com']\n",
        "['adele@contoso.com', 'bne",
        "nobody is called `bne@contoso.com`",
        "did you mean `ben@contoso.com`?",
    );
}

#[test]
fn what_a_step_says_must_make_sense() {
    let cases = [
        ("at = '40q'", "'40q'", "`40q` is not a duration", "`+40m`, `31d`"),
        (
            "at = '40m'\nadvance = '1h'",
            "'1h'",
            "a step has `at` or `advance`, not both",
            "counts from the start",
        ),
        (
            "at = '1h'\n[[step]]\nat = '30m'",
            "'30m'",
            "`30m` lies before the end of the step above",
            "never goes back",
        ),
        ("reset = 'full'", "'full'", "`reset` belongs to `do = \"restart\"`", ""),
        ("do = 'restart'\nreset = 'ful'", "'ful'", "there is no `ful` to reset", "did you mean `full`?"),
        ("edit = { delete = true }", "{ delete", "the edit is about nobody", "`user = "),
        ("edit = { user = 'ben@contoso.com' }", "{ user = 'ben", "the edit changes nothing", "`add`, `set`"),
        ("edit = { user = 'ben@contoso.com', disable = false }", "false", "this is `true`, or left out", ""),
        (
            "edit = { user = 'ben@contoso.com', group = 'Sales', delete = true }",
            "'Sales', delete",
            "name a `user` or a `group`, not both",
            "",
        ),
        (
            "edit = { user = 'ben@contoso.com', assign = true, role = 'Admin' }",
            "'Admin'",
            "the scenario has no app role `Admin`",
            "`[[app_role]]`",
        ),
        (
            "edit = { user = 'ben@contoso.com', set = { accountEnabled = 'maybe' } }",
            "'maybe'",
            "`accountEnabled` is neither `True` nor `False`: `maybe`",
            "",
        ),
        ("fault = {}", "{}", "a fault is one of `target`, of `source` or of `process`", "fault = {"),
        (
            "fault = { target = 'forgets' }",
            "{ target",
            "whom does the app treat so: `forgets` needs a name",
            "`user",
        ),
        (
            "fault = { target = 'edited', user = 'ben@contoso.com' }",
            "{ target",
            "what somebody changed is missing: `edited` needs `set`",
            "`set = {",
        ),
        (
            "fault = { target = 'slow', status = 503 }",
            "503",
            "`status` does not belong to `slow`",
            "`latency`",
        ),
        (
            "fault = { source = 'missing', times = 7 }",
            "7 }",
            "`times` does not belong to `missing`",
            "nothing",
        ),
        (
            "fault = { source = 'none', user = 'ben@contoso.com' }",
            "'ben",
            "`user` does not belong to `none`",
            "",
        ),
        ("fault = { target = 'none', method = 'GET' }", "'GET'", "`method` does not belong to `none`", ""),
        ("fault = { process = 'none', after = 2 }", "2 }", "`after` does not belong to `none`", ""),
        (
            "fault = { process = 'killed', status = 503 }",
            "503",
            "`status` does not belong to `killed`",
            "`times`",
        ),
        (
            "fault = { target = 'forgets', user = 'ben@contoso.com', percent = 5 }",
            "5 }",
            "`percent` does not belong to `forgets`",
            "`user`, `group`",
        ),
        (
            "fault = { target = 'forgets', user = 'ben@contoso.com', set = { active = true } }",
            "{ active",
            "`set` does not belong to `forgets`",
            "",
        ),
        (
            "fault = { target = 'error', set = { active = true } }",
            "{ active",
            "`set` does not belong to `error`",
            "",
        ),
        (
            "fault = { target = 'error', status = 302 }",
            "{ target",
            "the status is from 400 to 599, not 302",
            "",
        ),
        ("fault = { target = 'limits' }", "{ target", "whose limits: `limits` needs `of`", ""),
        ("fault = { target = 'limits', of = 'slack' }", "'slack'", "`of` can not be `slack`", "`Slack`"),
        ("fault = { target = 'dwon' }", "'dwon'", "`target` can not be `dwon`", "did you mean `down`?"),
    ];
    for (step, mark, message, help) in cases {
        mistake(&format!("[[step]]\n{step}\n"), mark, message, help);
    }
}

#[test]
fn a_scenario_may_name_a_folder_and_app_roles() {
    let project = Project::with([
        ("directory/users.csv", "userPrincipalName,displayName\na@contoso.com,A\n"),
        ("directory/assignments.csv", "principal,appRole\na@contoso.com,Admin\n"),
        ("scenarios/one.toml", "title = 'x'\ndirectory = '../directory'\n[[step]]\n"),
        (
            "scenarios/two.toml",
            "title = 'x'\ndirectory = '../directory'\n[[step]]\n[[app_role]]\n\
             id = '06b07648-ecfe-589f-9d2f-6325724a46ee'\nvalue = 'Admin'\ndisplayName = 'Administrator'\n",
        ),
    ]);
    let found = scenario::load(&project.path("scenarios/one.toml")).unwrap_err();
    assert_eq!(found[0].message, "the scenario has no app role `Admin`");
    assert_eq!(found[0].place.as_ref().unwrap().file.file_name().unwrap(), "assignments.csv");
    let (two, _) = scenario::load(&project.path("scenarios/two.toml")).unwrap();
    assert_eq!((two.name(), two.steps.len()), ("two".to_owned(), 1));
}

#[test]
fn excerpts_of_scenarios_are_readable_and_hide_what_is_unknown() {
    let project = Project::with([(
        "a.toml",
        "title = 'x'\n[job]\ntoken = 's3cr3t'\n[[user]]\nuserPrincipalName = 'a@contoso.com'\ndisplayName = 'A'\n\
         [[step]]\nedit = { user = 'b@contoso.com', disable = true }\n",
    )]);
    let output = project.scimulator(["scenario", "run", "a.toml"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("edit = { user = 'b@contoso.com', disable = true }"), "{told}");
    assert!(!told.contains("s3cr3t"), "{told}");
}

#[test]
fn the_shipped_schema_of_scenarios_is_fresh() {
    let file = root().join("docs/scenario.schema.json");
    let fresh = format!("{}\n", serde_json::to_string_pretty(json_schema()).unwrap());
    if std::env::var_os("SCIMULATOR_BLESS").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    let shipped = std::fs::read_to_string(&file).unwrap();
    assert_eq!(shipped, fresh, "run the tests with SCIMULATOR_BLESS=1 and read the difference");
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = jsonschema::validator_for(json_schema()).unwrap();
    let as_json =
        |text: &str| -> Value { serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap() };
    let good = text_of(
        "[[step]]\nedit = [{ user = 'ben@contoso.com', disable = true }]\nfault = { target = 'down' }\n",
    );
    parsed(&good);
    assert!(schema.is_valid(&as_json(&good)));
    for steps in ["[[step]]\nedit = 1\n", "[[step]]\nedit = { usr = 'x' }\n", "[[step]]\nexpect.only = 'x'\n"]
    {
        assert!(!schema.is_valid(&as_json(&text_of(steps))), "{steps}");
        findings(&text_of(steps));
    }
}

#[test]
fn the_guide_names_every_key_and_word() {
    fn visit(schema: &Value, page: &str, keys: &mut usize) {
        for (key, of) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            *keys += 1;
            let named = ["`", "."].iter().any(|before| page.contains(&format!("{before}{key}")));
            assert!(named, "`{key}` is not on the page");
            // The keys of a job are those of the configuration, and told there.
            if key == "job" && of.get("properties").is_some_and(|keys| keys.get("fidelity").is_some())
                || key == "app_role"
            {
                continue;
            }
            for word in of.get("enum").and_then(Value::as_array).into_iter().flatten() {
                let word = word.as_str().unwrap();
                let told = page.contains(&format!("`{word}`")) || page.contains(&format!("`\"{word}\"`"));
                assert!(told || key == "action" || key == "app", "{key}: `{word}`");
            }
            visit(of, page, keys);
            visit(of.get("items").unwrap_or(&Value::Null), page, keys);
            for choice in of.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
                visit(choice, page, keys);
            }
        }
    }
    let page = std::fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let mut keys = 0;
    visit(json_schema(), &page, &mut keys);
    assert!(70 <= keys, "{keys} keys");
}

#[test]
fn the_examples_of_the_guide_are_scenarios() {
    let page = std::fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let project = Project::with([
        (
            "directory/users.csv",
            "userPrincipalName,displayName\nadele@contoso.com,Adele\nben@contoso.com,Ben\ncarla@contoso.com,C\n",
        ),
        ("directory/groups.csv", "displayName\nSales\n"),
        ("scenarios/x.toml", ""),
    ]);
    let mut seen = 0;
    for block in blocks {
        let text = if block.starts_with("title") {
            block.to_owned()
        } else {
            format!("title = 'x'\ndirectory = '../directory'\n[[step]]\n{block}")
        };
        scenario::parse(&text, &project.path("scenarios/x.toml"))
            .unwrap_or_else(|findings| panic!("{text}\n{findings:#?}"));
        seen += 1;
    }
    assert_eq!(seen, 2);
}
