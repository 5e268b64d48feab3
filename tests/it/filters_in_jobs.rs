//! Scoping filters and profiles of one's own in running jobs: configuration in, requests out, all in process.

use scimulator::clock::{SignedDuration, VirtualClock};
use scimulator::config;
use scimulator::covers;
use scimulator::engine::{CycleKind, CycleResult, Purpose};
use scimulator::runner::{Job, Mode, Unwatched, Watch};
use scimulator::scope::filter::Operator;
use scimulator::store::{LogFilter, Store};
use serde_json::Value;

use crate::common::{Project, free_port};

const USERS: &str = "objectId,userPrincipalName,displayName,mailNickname,department,accountEnabled\n\
    u1,ann@contoso.com,Ann,ann,Sales,true\n\
    u2,bob@contoso.com,Bob,bob,Finance,true\n\
    u3,cyd@contoso.com,Cyd,cyd,,true\n";
const GROUPS: &str = "objectId,displayName,mailNickname\ng1,Finance,finance\ng2,Sales,sales\n";
const HEAD: &str = "[directory]\npath = \"directory\"\n[[job]]\nname = \"j\"\ntenant_url = \"embedded\"\n";

/// A project with one job on the embedded app, its state, and the time.
pub(crate) struct Bench {
    pub(crate) project: Project,
    clock: VirtualClock,
}

impl Bench {
    /// Everybody is in scope but for filters; `settings` go below the job's own keys.
    pub(crate) fn new(settings: &str) -> Self {
        let project = Project::with([("directory/users.csv", USERS), ("directory/groups.csv", GROUPS)]);
        let bench = Self { project, clock: VirtualClock::new("2026-03-02T08:00:00Z".parse().unwrap()) };
        bench.configure(settings);
        bench
    }

    /// Saves another configuration.
    pub(crate) fn configure(&self, settings: &str) {
        self.project.write("scimulator.toml", &format!("{HEAD}scope = \"all\"\n{settings}"));
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.project.path("state")).unwrap()
    }

    /// One cycle, 40 minutes after the last.
    pub(crate) fn cycle(&self) -> CycleResult {
        self.cycle_watched(&mut Unwatched)
    }

    pub(crate) fn cycle_watched(&self, watch: &mut dyn Watch) -> CycleResult {
        let (config, _) = config::load(&self.project.path("scimulator.toml")).unwrap();
        let job = Job::new(&config, &config.jobs[0], &|_| None).unwrap();
        self.clock.advance(SignedDuration::from_mins(40));
        let result = job.cycle(&mut self.store(), &self.clock, Purpose::Cycle, Mode::Real, watch).unwrap();
        assert_eq!(result.statistics.actions.failed, 0, "{:?}", result.statistics);
        result
    }

    /// What the app holds: names, and whether they are active; a group is.
    pub(crate) fn app(&self) -> Vec<(String, bool)> {
        let name = |resource: &Value| {
            let user = resource["userName"].as_str();
            user.or(resource["displayName"].as_str()).unwrap().to_owned()
        };
        let content = self.store().embedded_content("j").unwrap();
        let mut held: Vec<_> =
            content.iter().map(|one| (name(one), one["active"].as_bool().unwrap_or(true))).collect();
        held.sort();
        held
    }

    /// Label, status and step details of the log entries of a cycle.
    fn log(&self, cycle: i64) -> Vec<(String, Value)> {
        let filter = LogFilter { cycle: Some(cycle), ..LogFilter::default() };
        let rows = self.store().log_entries("j", &filter).unwrap();
        rows.into_iter().map(|row| (row.label, serde_json::from_str(&row.entry).unwrap())).collect()
    }
}

fn held(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(name, active)| ((*name).to_owned(), *active)).collect()
}

const SALES: &str = "[[job.filter]]\nobject = \"user\"\nname = \"Sales only\"\n\
    clauses = [{ attribute = \"department\", operator = \"EQUALS\", value = \"Sales\" }]\n";

#[test]
fn who_fails_a_filter_that_was_saved_is_disabled_by_the_next_cycle() {
    let bench = Bench::new("");
    assert_eq!(bench.cycle().kind, CycleKind::Initial);
    assert_eq!(
        bench.app(),
        held(&[
            ("Finance", true),
            ("Sales", true),
            ("ann@contoso.com", true),
            ("bob@contoso.com", true),
            ("cyd@contoso.com", true)
        ])
    );
    assert_eq!(bench.cycle().kind, CycleKind::Incremental);

    bench.configure(SALES);
    let saved = bench.cycle();
    covers!("E-009", "E-062", "E-066", "E-067", "E-087");
    assert_eq!(saved.kind, CycleKind::Initial, "a saved filter starts an initial cycle");
    let actions = &saved.statistics.actions;
    assert_eq!((actions.created, actions.disabled, actions.deleted), (0, 2, 0), "links are kept");
    let everybody_else = held(&[
        ("Finance", true),
        ("Sales", true),
        ("ann@contoso.com", true),
        ("bob@contoso.com", false),
        ("cyd@contoso.com", false),
    ]);
    assert_eq!(bench.app(), everybody_else, "groups are not the user filter's business");

    let log = bench.log(saved.cycle);
    let (_, entry) = log.iter().find(|(label, _)| label == "bob@contoso.com").unwrap();
    let steps = entry["provisioningSteps"].as_array().unwrap();
    let scoping = steps.iter().find(|step| step["provisioningStepType"] == "scoping").unwrap();
    let details = &scoping["details"];
    assert_eq!(details["Scoping filter evaluation passed"], "False");
    assert_eq!(details["ScopeEvaluationResult"], r#"{"Sales only.department EQUALS 'Sales'":false}"#);

    assert_eq!(bench.cycle().kind, CycleKind::Incremental);
    assert_eq!(bench.app(), everybody_else);

    // Who passes again is enabled again, by the account that is there.
    bench.project.write("directory/users.csv", &USERS.replace("Finance", "Sales"));
    let back = bench.cycle();
    assert_eq!((back.statistics.actions.created, back.statistics.actions.updated), (0, 1));
    assert_eq!(bench.app()[3], ("bob@contoso.com".to_owned(), true));
}

#[test]
fn a_saved_filter_ends_a_quarantine_and_keeps_the_links() {
    let port = free_port();
    let bench = Bench::new("");
    bench.cycle();
    let config = bench.project.read("scimulator.toml");
    let nowhere = format!("tenant_url = \"http://127.0.0.1:{port}\"");
    bench.project.write("scimulator.toml", &config.replace("tenant_url = \"embedded\"", &nowhere));
    bench.project.scimulator(["cycle"]).assert().code(3);
    bench.project.scimulator(["cycle"]).assert().code(4);
    assert!(bench.store().job("j").unwrap().unwrap().quarantine.is_some());

    bench.configure(SALES);
    let result = bench.project.scimulator(["cycle", "--format", "json"]).assert().success();
    let result: Value = serde_json::from_slice(&result.get_output().stdout).unwrap();
    covers!("E-010");
    assert_eq!((&result["kind"], &result["quarantine"]), (&Value::from("initial"), &Value::Null));
    assert_eq!(bench.app().len(), 5, "nobody is created twice");
    assert_eq!(bench.app().iter().filter(|(_, active)| *active).count(), 3);
}

#[test]
fn the_group_mapping_can_be_switched_off() {
    let bench = Bench::new("groups = false\n");
    bench.cycle();
    covers!("E-053", "E-054", "M-014");
    let names: Vec<String> = bench.app().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ann@contoso.com", "bob@contoso.com", "cyd@contoso.com"]);
}

#[test]
fn the_skip_flag_spares_those_who_fail_the_filter() {
    let bench = Bench::new("");
    bench.cycle();
    bench.configure(&format!("skip_out_of_scope_deletions = true\n{SALES}"));
    let result = bench.cycle();
    covers!("E-087");
    assert_eq!(result.statistics.actions.disabled, 0);
    assert!(bench.app().iter().all(|(_, active)| *active));
}

#[test]
fn assignment_and_filter_have_to_agree() {
    covers!("E-051", "E-052");
    let bench = Bench::new(SALES);
    bench.cycle();
    let users = |held: Vec<(String, bool)>| held.into_iter().filter(|(name, _)| name.contains('@')).count();
    assert_eq!(bench.app()[2], ("ann@contoso.com".to_owned(), true), "everybody, and the filter");
    assert_eq!(users(bench.app()), 1);

    let bench = Bench::new("");
    bench.project.write("directory/assignments.csv", "principal,appRole\nbob@contoso.com,\n");
    bench.project.write("scimulator.toml", &format!("{HEAD}scope = \"assigned\"\n{SALES}"));
    bench.cycle();
    assert_eq!(bench.app(), [], "Ann passes and is not assigned, Bob is assigned and does not pass");
    bench.project.write("directory/assignments.csv", "principal,appRole\nann@contoso.com,\n");
    bench.cycle();
    assert_eq!(bench.app(), held(&[("ann@contoso.com", true)]));
}

#[test]
fn input_and_category_filters_freeze_what_they_keep_out() {
    for kind in ["input", "category"] {
        let bench = Bench::new("");
        bench.cycle();
        bench.configure(&SALES.replace("clauses", &format!("kind = \"{kind}\"\nclauses")));
        // Bob changes and is blocked, Cyd vanishes for good: neither is processed any more.
        let users = USERS.replace("Bob,bob,Finance,true", "Robert,bob,Finance,false");
        bench.project.write("directory/users.csv", &users.replace("Ann,", "Anna,"));
        let result = bench.cycle();
        covers!("E-063", "E-064");
        let actions = &result.statistics.actions;
        assert_eq!((actions.updated, actions.disabled, actions.deleted), (1, 0, 0), "{kind}: Ann alone");
        assert!(bench.app().iter().all(|(_, active)| *active), "{kind}");
        let log = bench.log(result.cycle);
        let (_, entry) = log.iter().find(|(label, _)| label == "bob@contoso.com").unwrap();
        assert!(entry.to_string().contains("NotProcessed"), "{kind}: nothing hides: {entry}");

        bench.configure("");
        bench.cycle();
        assert_eq!(bench.app()[3], ("bob@contoso.com".to_owned(), false), "{kind}: looked at again");
    }
}

#[test]
fn a_group_that_fails_its_filter_is_deleted_and_users_are_not_touched() {
    let bench = Bench::new("");
    bench.cycle();
    bench.configure(
        "[[job.filter]]\nobject = \"group\"\nname = \"Sales\"\n\
         clauses = [{ attribute = \"displayName\", operator = \"EQUALS\", value = \"Sales\" }]\n",
    );
    let result = bench.cycle();
    covers!("E-067");
    assert_eq!((result.statistics.actions.deleted, result.statistics.actions.disabled), (1, 0));
    assert_eq!(
        bench.app(),
        held(&[
            ("Sales", true),
            ("ann@contoso.com", true),
            ("bob@contoso.com", true),
            ("cyd@contoso.com", true)
        ])
    );
}

const PROFILE: &str = r#"
name = "mine"
title = "Mine"

[user]
name = "Users"
target = "urn:ietf:params:scim:schemas:core:2.0:User"
filters = [{ name = "Sales only", clauses = [{ attribute = "department", operator = "EQUALS", value = "Sales" }] }]
attributes = [
    { name = "id", anchor = true, required = true },
    { name = "userName", required = true },
    { name = "active", type = "Boolean" },
    { name = "title" },
]
mappings = [
    { attribute = "userPrincipalName", target = "userName", matching = 1 },
    { expression = 'Not([IsSoftDeleted])', target = "active" },
    { expression = 'ToUpper([department])', target = "title" },
]
"#;

#[test]
fn a_profile_of_ones_own_replaces_the_mappings() {
    let bench =
        Bench::new("profile = \"profiles/mine.toml\"\n[job.fidelity]\nscoping_key_names = \"older\"\n");
    bench.project.write("profiles/mine.toml", PROFILE);
    let result = bench.cycle();
    covers!("E-053", "E-089", "M-001");
    let content = bench.store().embedded_content("j").unwrap();
    assert_eq!(content.len(), 1, "no group mapping, and one user who passes the profile's filter");
    assert_eq!(content[0]["title"], "SALES");
    let log = bench.log(result.cycle);
    assert!(log.iter().all(|(_, entry)| !entry.to_string().contains("Active in the source system")));
    assert!(log.iter().any(|(_, entry)| entry.to_string().contains("IsInProvisioningScopeDisplayName")));

    // A job's own filter takes the place of the profile's; saved mappings start an initial cycle.
    bench.configure(&format!(
        "profile = \"profiles/mine.toml\"\n{}",
        SALES.replace("\"Sales\" }", "\"Finance\" }")
    ));
    assert_eq!(bench.cycle().kind, CycleKind::Initial);
    assert_eq!(bench.app(), held(&[("ann@contoso.com", false), ("bob@contoso.com", true)]));
    bench.project.write("profiles/mine.toml", &PROFILE.replace("ToUpper", "ToLower"));
    assert_eq!(bench.cycle().kind, CycleKind::Initial);
    assert_eq!(bench.store().embedded_content("j").unwrap()[1]["title"], "finance");
}

#[test]
fn mistakes_in_a_profile_of_ones_own_have_their_place_in_its_file() {
    let bench = Bench::new("profile = \"mine.toml\"\n");
    let broken = PROFILE.replace("\"EQUALS\"", "\"EQALS\"").replace("[department])'", "[departement])'");
    bench.project.write("mine.toml", &broken);
    let findings = config::load(&bench.project.path("scimulator.toml")).unwrap_err();
    let told: Vec<_> = findings
        .iter()
        .map(|finding| {
            let place = finding.place.as_ref().unwrap();
            assert_eq!(place.file, bench.project.path("mine.toml"));
            (place.line.unwrap(), finding.message.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (8, "unknown operator `EQALS`; did you mean `EQUALS`?"),
            (18, "Entra knows no attribute `departement` of a User"),
        ]
    );

    bench.configure("profile = \"absent.toml\"\n");
    let findings = config::load(&bench.project.path("scimulator.toml")).unwrap_err();
    assert!(
        findings[0].to_string().contains("absent.toml: error: can not read the profile: "),
        "{findings:?}"
    );
}

/// The fenced blocks of a page, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_example_of_the_documentation_loads_without_a_word_and_runs() {
    let page = std::fs::read_to_string(crate::sources::root().join("docs/mappings.md")).unwrap();
    let [config_text, profile] = &blocks(&page, "toml")[..] else { panic!("two files") };
    let project = Project::with([
        ("scimulator.toml", config_text.as_str()),
        ("my-app.toml", profile.as_str()),
        (
            "directory/users.csv",
            "userPrincipalName,givenName,surname,department,mail,jobTitle,employeeId\n\
            ann@contoso.com,Ann,Lee,Sales,ann@contoso.com,,17\n\
            bob@contoso.com,Bob,Ray,Sales,,,\n\
            cyd@contoso.com,Cyd,Fox,Finance,,Chief Financial Officer,\n",
        ),
        ("directory/groups.csv", "displayName\ntest-1\nSales\n"),
        (
            "directory/assignments.csv",
            "principal,appRole\nann@contoso.com,\nbob@contoso.com,\ncyd@contoso.com,\ntest-1,\nSales,\n",
        ),
    ]);
    let (_, warnings) = config::load(&project.path("scimulator.toml")).unwrap();
    assert_eq!(warnings, []);
    project.scimulator(["cycle", "--fail-on", "escrows"]).assert().success();
    let content = Store::open(&project.path("state")).unwrap().embedded_content("my-app").unwrap();
    let name = |one: &Value| one["displayName"].as_str().unwrap().to_owned();
    assert_eq!(content.iter().map(name).collect::<Vec<_>>(), ["Ann Lee", "Cyd Fox", "Sales"]);
    assert_eq!(content[0]["urn:ietf:params:scim:schemas:extension:MyApp:2.0:User"]["badge"], "17");
    assert_eq!(
        (&content[1]["preferredLanguage"], &content[1]["userType"]),
        (&"en-US".into(), &"Employee".into())
    );
    for operator in Operator::ALL {
        assert!(page.contains(&format!("`{}`", operator.api_name())), "{}", operator.api_name());
    }
}

fn explained(bench: &Bench, name: &str) -> Value {
    let assert = bench.project.scimulator(["explain", name, "--format", "json"]).assert().success();
    serde_json::from_slice(&assert.get_output().stdout).unwrap()
}

#[test]
fn explain_shows_filters_clause_by_clause_and_those_of_an_imported_schema_in_their_place() {
    let bench = Bench::new(SALES);
    let bob = explained(&bench, "bob@contoso.com");
    assert_eq!(bob["scope"]["inScope"], false);
    assert_eq!(
        bob["scope"]["filters"],
        serde_json::json!([{
            "collection": "scope",
            "name": "Sales only",
            "passed": false,
            "clauses": [{
                "clause": "department EQUALS 'Sales'", "holds": false, "invalid": null, "warning": null
            }],
        }])
    );
    let text = bench.project.scimulator(["explain", "bob@contoso.com"]).assert().success();
    let text = String::from_utf8(text.get_output().stdout.clone()).unwrap();
    assert!(
        text.contains(
            "  scope filter `Sales only`: not passed\n    department EQUALS 'Sales' does not hold\n"
        ),
        "{text}"
    );

    // Finance in place of Sales, saved as a document: the configuration still says Sales.
    let export = bench.project.scimulator(["schema", "export"]).assert().success();
    let document = String::from_utf8(export.get_output().stdout.clone()).unwrap();
    bench.project.write("schema.json", &document.replace("\"Sales\"", "\"Finance\""));
    bench.project.scimulator(["schema", "import", "schema.json"]).assert().success();
    assert_eq!(explained(&bench, "bob@contoso.com")["scope"]["inScope"], true);
    let ann = explained(&bench, "ann@contoso.com");
    assert_eq!(ann["scope"]["filters"][0]["clauses"][0]["clause"], "department EQUALS 'Finance'");
    assert_eq!(ann["conclusion"]["action"], "skip");
}

#[test]
fn explain_says_that_an_input_filter_leaves_the_object_alone() {
    let bench = Bench::new(&format!("{SALES}kind = \"input\"\n"));
    let bob = explained(&bench, "bob@contoso.com");
    assert_eq!(bob["scope"]["filters"][0]["collection"], "input");
    let conclusion = bob["conclusion"]["description"].as_str().unwrap();
    assert!(conclusion.contains("it did not pass an input or category filter"), "{conclusion}");
}

#[test]
fn who_drops_out_of_an_assigned_dynamic_group_is_deprovisioned_like_anybody_unassigned() {
    let bench = Bench::new("");
    bench.project.write("scimulator.toml", &format!("{HEAD}scope = \"assigned\"\n"));
    let groups = "objectId,displayName,groupTypes,membershipRule\n\
        g1,Sales,DynamicMembership,\"user.department -eq \"\"Sales\"\"\"\n";
    bench.project.write("directory/groups.csv", groups);
    bench
        .project
        .write("directory/members.csv", "group,member\nSales,ann@contoso.com\nSales,bob@contoso.com\n");
    bench.project.write("directory/assignments.csv", "principal,appRole\nSales,\n");
    bench.cycle();
    let users = |held: Vec<(String, bool)>| -> Vec<(String, bool)> {
        held.into_iter().filter(|(name, _)| name.contains('@')).collect()
    };
    assert_eq!(users(bench.app()), held(&[("ann@contoso.com", true), ("bob@contoso.com", true)]));
    // The rule was evaluated anew, which is the source's business: Bob is no member any more.
    bench.project.write("directory/members.csv", "group,member\nSales,ann@contoso.com\n");
    bench.cycle();
    covers!("E-057");
    assert_eq!(users(bench.app()), held(&[("ann@contoso.com", true), ("bob@contoso.com", false)]));
}
