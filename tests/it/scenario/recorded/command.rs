//! `scenario new --from` as a person meets it.

use serde_json::Value;

use crate::common::{Project, Run};
use crate::target::faults::Target;

const CONFIG: &str = "[directory]\npath = \"directory\"\nseed = 7\n\
    [[job]]\nname = \"contoso\"\ntenant_url = \"embedded\"\ninterval = \"20m\"\ndelete_threshold = 50\n\
    notification_email = \"ops@contoso.com\"\n[job.fidelity]\nmanager_style = \"object\"\n\
    [[job.filter]]\nobject = \"user\"\nname = \"People\"\nclauses = [{ attribute = \"userPrincipalName\", operator = \"IS NOT NULL\" }]\n";

const USERS: &str = "objectId,userPrincipalName,displayName,mailNickname,jobTitle,manager\n\
    00000000-0000-4000-8000-000000000001,ada@contoso.com,Ada Berg,ada,Engineer,\n\
    00000000-0000-4000-8000-000000000002,ben@contoso.com,Ben Ito,ben,Engineer,ada@contoso.com\n\
    00000000-0000-4000-8000-000000000003,cem@contoso.com,Cem Aydin,cem,Engineer,ada@contoso.com\n";

#[track_caller]
fn fine<'a>(project: &Project, arguments: impl IntoIterator<Item = &'a str>) -> Run {
    let told = project.run(arguments);
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    told
}

/// A job that created three people and a group, then changed, disabled and deleted some of them.
fn recorded() -> Project {
    let project = Project::with([
        ("scimulator.toml", CONFIG),
        ("directory/users.csv", USERS),
        ("directory/groups.csv", "objectId,displayName\n00000000-0000-4000-8000-000000000009,Sales\n"),
        ("directory/members.csv", "group,member\nSales,ada@contoso.com\nSales,ben@contoso.com\n"),
        ("directory/assignments.csv", "principal\nSales\ncem@contoso.com\n"),
    ]);
    fine(&project, ["cycle", "--initial"]);
    fine(&project, ["directory", "set", "ben@contoso.com", "jobTitle=Lead", "manager=cem@contoso.com"]);
    fine(&project, ["directory", "disable", "cem@contoso.com"]);
    fine(&project, ["cycle"]);
    fine(&project, ["directory", "remove-member", "Sales", "ada@contoso.com"]);
    fine(&project, ["directory", "purge", "cem@contoso.com"]);
    fine(&project, ["cycle"]);
    project
}

#[test]
fn the_journal_of_a_job_becomes_a_scenario_that_passes() {
    let project = recorded();
    let told = fine(&project, ["scenario", "new", "monday", "--from", "journal"]);
    assert_eq!(
        told.stdout,
        "scenarios/monday.toml\npassed  monday  Recording of job `contoso`, cycles 1 to 3\n"
    );
    assert!(
        told.stderr.contains("3 cycles of the recording") && told.stderr.contains("personal data"),
        "{}",
        told.stderr
    );
    let text = project.read("scenarios/monday.toml");
    for words in [
        "seed = 7",
        "interval = \"20m\"",
        "manager_style = \"object\"",
        "set = { jobTitle = \"Lead\", manager = \"cem@contoso.com\" }",
        "{ user = \"cem@contoso.com\", disable = true }",
        "{ user = \"cem@contoso.com\", purge = true }",
        "{ group = \"Sales\", remove_members = [\"ada@contoso.com\"] }",
        "{ method = \"DELETE\", path = \"/Users/{cem@contoso.com}\", status = 204 }",
    ] {
        assert!(text.contains(words), "`{words}` is not in\n{text}");
    }
    // What the recording implies is not taken over, and whom mails go to is nobody's business.
    for words in ["delete_threshold", "filter = [", "ops@contoso.com"] {
        assert!(!text.contains(words), "`{words}` stands in\n{text}");
    }
    assert!(fine(&project, ["scenario", "run", "scenarios"]).stdout.ends_with("1 scenario: 1 passed\n"));
    let again = project.run(["scenario", "new", "monday", "--from", "journal"]);
    assert!(
        again.code == 2 && again.stderr.contains("there is already a `scenarios/monday.toml`"),
        "{}",
        again.stderr
    );
    assert_eq!(project.read("scenarios/monday.toml"), text);
}

#[test]
fn json_has_the_file_the_notes_and_the_replay() {
    let project = recorded();
    let arguments = ["scenario", "new", "one.toml", "--from", "journal", "--cycle", "2", "--format", "json"];
    let told: Value = serde_json::from_str(&fine(&project, arguments).stdout).unwrap();
    assert_eq!((&told["written"], &told["cycles"]), (&serde_json::json!(["one.toml"]), &1.into()));
    assert_eq!(told["replay"]["summary"]["passed"], 1, "{told:#}");
    assert_eq!(told["replay"]["scenarios"][0]["title"], "Recording of job `contoso`, cycle 2");
    assert!(told["notes"].is_array() && 3 < told["requests"].as_u64().unwrap());
    let page = std::fs::read_to_string(crate::sources::root().join("docs/scenarios.md")).unwrap();
    for key in told.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{key}")), "`{key}` is not documented");
    }
}

#[test]
fn a_journal_that_came_by_itself_needs_no_project() {
    let journal = recorded().read("state/journal/contoso.jsonl");
    let project = Project::with([("theirs.jsonl", journal.as_str())]);
    let told = fine(&project, ["scenario", "new", "theirs", "--from", "theirs.jsonl", "--cycles", "1..2"]);
    assert!(
        told.stdout.ends_with("passed  theirs  Recording of `theirs.jsonl`, cycles 1 to 2\n"),
        "{}",
        told.stdout
    );
    // A line that a crash tore is told and passed over.
    let torn = &journal[..journal.trim_end().len() - 20];
    project.write("torn.jsonl", torn);
    let told = project.run(["scenario", "new", "torn", "--from", "torn.jsonl"]);
    let line = torn.lines().count();
    assert!(told.stderr.contains(&format!("line {line} of the wire journal")), "{}", told.stderr);
    assert!(project.path("scenarios/torn.toml").exists(), "{}", told.stderr);
}

#[test]
fn a_redacted_recording_can_be_handed_on() {
    let project = recorded();
    assert_eq!(fine(&project, ["logs", "--jsonl", "-"]).stdout, project.read("state/journal/contoso.jsonl"));
    fine(&project, ["logs", "--jsonl", "masked.jsonl", "--redact"]);
    let masked = project.read("masked.jsonl");
    assert!(!masked.contains("contoso.com") && !masked.contains("Ada"), "{masked}");
    let theirs = Project::with([("masked.jsonl", masked.as_str())]);
    fine(&theirs, ["scenario", "new", "masked", "--from", "masked.jsonl"]);
    let made = theirs.read("scenarios/masked.toml");
    // What is handed on is what `--redact` makes of the journal, under the key of that state.
    fine(&project, ["scenario", "new", "own", "--from", "journal", "--redact"]);
    let own = project.read("scenarios/own.toml");
    let requests = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("  { method")).map(str::to_owned).collect()
    };
    assert_eq!(requests(&made), requests(&own));
}

/// A run on demand is a cycle of one person; the next cycle looks at that person again.
#[test]
fn a_run_on_demand_is_repeated_as_a_cycle() {
    let project = recorded();
    fine(&project, ["directory", "set", "ben@contoso.com", "jobTitle=Boss"]);
    fine(&project, ["provision", "ben@contoso.com"]);
    fine(&project, ["cycle"]);
    let told = fine(&project, ["scenario", "new", "demand", "--from", "journal"]);
    assert!(told.stdout.contains("passed  demand"), "{}", told.stdout);
    assert!(project.read("scenarios/demand.toml").contains("set = { jobTitle = \"Boss\" }"));
}

/// A profile of one's own is found from the scenario's folder, and no credential goes along.
#[test]
fn a_job_with_its_own_profile_and_a_token_is_taken_over_without_the_token() {
    let target = Target::start(&["--token", "very-secret-token"]);
    let url = target.url();
    let config = format!(
        "[directory]\npath = \"directory\"\n[[job]]\nname = \"other\"\ntenant_url = \"embedded\"\n\
         [[job]]\nname = \"own\"\nprofile = \"profiles/own.toml\"\nscope = \"all\"\n\
         tenant_url = \"{url}?aadOptscim062020\"\ntoken = {{ value = \"very-secret-token\" }}\n"
    );
    let profile = "name = \"own\"\ntitle = \"Own\"\n[user]\nname = \"Users\"\n\
        target = \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"\n\
        attributes = [{ name = \"id\", anchor = true, required = true }, { name = \"userName\", required = true },\n\
        { name = \"active\", type = \"Boolean\" }, { name = \"title\" }]\n\
        mappings = [{ attribute = \"userPrincipalName\", target = \"userName\", matching = 1 },\n\
        { expression = 'Not([IsSoftDeleted])', target = \"active\" }, { attribute = \"jobTitle\", target = \"title\" }]\n";
    let project = Project::with([
        ("scimulator.toml", config.as_str()),
        ("profiles/own.toml", profile),
        ("directory/users.csv", USERS),
    ]);
    let told = [
        project.run(["cycle", "--initial", "--job", "own"]),
        project.run(["directory", "set", "ben@contoso.com", "jobTitle=Lead"]),
        project.run(["cycle", "--job", "own"]),
        project.run(["scenario", "new", "own", "--from", "journal", "--job", "own"]),
    ];
    for told in told {
        assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    }
    let text = project.read("scenarios/own.toml");
    for words in [
        "profile = \"../profiles/own.toml\"",
        "scope = \"all\"",
        "dialect = \"optscim\"",
        "set = { jobTitle = \"Lead\" }",
    ] {
        assert!(text.contains(words), "`{words}` is not in\n{text}");
    }
    for words in ["secret", "127.0.0.1", "[[assignment]]", "assign = true"] {
        assert!(!text.contains(words), "`{words}` stands in\n{text}");
    }
}

#[test]
fn a_redacted_scenario_names_nobody() {
    let project = recorded();
    fine(&project, ["scenario", "new", "masked", "--from", "journal", "--redact"]);
    let text = project.read("scenarios/masked.toml").to_lowercase();
    let personal =
        ["contoso.com", "ada", "ben ito", "cem", "berg", "aydin", "lead", "sales", "00000000-0000-4000"];
    for word in personal {
        assert!(
            !text.contains(&format!("\"{word}")) && !text.contains(&format!("{word}\"")),
            "`{word}` in\n{text}"
        );
    }
    assert!(text.contains("@example.invalid"));
    assert!(fine(&project, ["scenario", "run", "scenarios"]).stdout.ends_with("1 scenario: 1 passed\n"));
}

#[test]
fn a_target_that_did_wrong_unsaid_shows_in_the_replay() {
    let journal = recorded().read("state/journal/contoso.jsonl");
    // The app of this journal lost a change: the next cycle sent it again.
    let lines: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_change = |line: &&Value| line["cycle"] == 2 && line["object"]["label"] == "ben@contoso.com";
    let repeated = lines.iter().filter(is_change).map(|line| {
        let mut line = line.clone();
        line["cycle"] = 4.into();
        line
    });
    let all: Vec<String> = lines.iter().cloned().chain(repeated).map(|line| format!("{line}\n")).collect();
    let project = Project::with([("theirs.jsonl", all.concat().as_str())]);
    let told = project.run(["scenario", "new", "lost", "--from", "theirs.jsonl"]);
    assert_eq!(told.code, 1, "{}{}", told.stdout, told.stderr);
    assert!(
        told.stdout.contains("failed  lost") && told.stdout.contains("Cycle 4 of the recording"),
        "{}",
        told.stdout
    );
    assert!(told.stderr.contains("does not go as the recording went"), "{}", told.stderr);
    assert!(project.path("scenarios/lost.toml").exists());
}

/// A scenario has a size that is read at most; a part of the recording has only those in it whom it is about.
#[test]
fn a_recording_that_is_too_large_is_taken_in_parts() {
    let long = "x".repeat(40_000);
    let row = |number: usize| {
        format!("00000000-0000-4000-8000-{number:012},u{number}@contoso.com,U{number},u{number},{long},\n")
    };
    let rows: String = (1..=20).map(row).collect();
    let users = format!("objectId,userPrincipalName,displayName,mailNickname,jobTitle,manager\n{rows}");
    let config = CONFIG.replace("tenant_url", "scope = \"all\"\ntenant_url");
    let project =
        Project::with([("scimulator.toml", config.as_str()), ("directory/users.csv", users.as_str())]);
    fine(&project, ["cycle", "--initial"]);
    fine(&project, ["directory", "disable", "u7@contoso.com"]);
    fine(&project, ["cycle"]);
    let told = project.run(["scenario", "new", "all", "--from", "journal"]);
    assert!(told.code == 2 && told.stderr.contains("--cycles A..B"), "{}", told.stderr);
    assert!(!project.path("scenarios").exists());
    fine(&project, ["scenario", "new", "part", "--from", "journal", "--cycle", "2"]);
    assert_eq!(project.read("scenarios/part.toml").matches("[[user]]").count(), 1);
}

#[test]
fn what_is_no_recording_is_refused() {
    let project = recorded();
    project.write("empty.jsonl", "");
    project.write("prose.jsonl", &"no journal\n".repeat(20));
    for (arguments, words) in [
        (&["--from", "journal", "--job", "nobody"][..], "nobody"),
        (&["--from", "nowhere.jsonl"], "there is no file `nowhere.jsonl`"),
        (&["--from", "empty.jsonl"], "shows no user and no group"),
        (&["--from", "prose.jsonl"], "`prose.jsonl` is no journal: no line of it is a record"),
        (&["--from", "directory"], "`directory` is a folder, and no journal"),
        (
            &["--from", "journal", "--cycle", "9"],
            "the recording has no such cycle\n  help: it has the cycles 1 to 3",
        ),
        (&["--from", "journal", "--cycles", "3..2"], "3 comes after 2"),
        (&["--from", "journal", "--cycles", "two"], "write `A..B`"),
        (&["--from", "journal", "--app", "scim"], "the configuration says which app"),
        (&["--redact"], "--from"),
    ] {
        let told = project.run(["scenario", "new", "x"].iter().chain(arguments).copied());
        assert_eq!(told.code, 2, "{arguments:?}: {}", told.stderr);
        assert!(told.stderr.contains(words), "{arguments:?}: {}", told.stderr);
        assert!(!told.stderr.contains("it was skipped"), "{arguments:?}: {}", told.stderr);
        assert!(!project.path("scenarios").exists(), "{arguments:?}");
    }
    let told = project.run(["scenario", "new", "state/a/b/x.toml", "--from", "empty.jsonl"]);
    assert_eq!(told.code, 2, "{}", told.stderr);
    assert!(project.path("state").exists() && !project.path("state/a").exists(), "what was made goes again");
    let fresh = Project::with([("scimulator.toml", CONFIG), ("directory/users.csv", USERS)]);
    let told = fresh.run(["scenario", "new", "x", "--from", "journal"]);
    assert!(told.code == 2 && told.stderr.contains("scimulator cycle"), "{}", told.stderr);
    assert!(!fresh.path("state").exists(), "who only looks leaves nothing");
}
