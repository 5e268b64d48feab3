//! Mappings in running jobs: a profile and a directory in, requests and accounts out, all in process.

use scimulator::client::{Exchange, one_line};
use scimulator::clock::{SignedDuration, VirtualClock};
use scimulator::config;
use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::engine::{CycleResult, Purpose};
use scimulator::runner::{Job, Mode, Watch};
use scimulator::store::{Edit, Store};
use serde_json::Value;

use crate::common::Project;

/// A job whose user profile has these rows, on the embedded app.
struct Bench {
    project: Project,
    clock: VirtualClock,
}

/// Every request as one line.
#[derive(Default)]
struct Seen(Vec<String>);

impl Watch for Seen {
    fn exchanged(&mut self, exchange: &Exchange) {
        self.0.push(one_line(exchange));
    }
}

impl Bench {
    /// `rows` are the user mappings, `attributes` the target's list but for `id`; `settings` go below the job's keys.
    fn new(rows: &str, attributes: &str, settings: &str) -> Self {
        let clock = VirtualClock::new("2026-03-02T08:00:00Z".parse().unwrap());
        let bench = Self { project: Project::with([]), clock };
        bench.configure(rows, attributes, settings);
        bench
    }

    fn configure(&self, rows: &str, attributes: &str, settings: &str) {
        let profile = format!(
            "name = \"p\"\ntitle = \"P\"\ngallery = true\n[user]\nname = \"Users\"\n\
             target = \"urn:ietf:params:scim:schemas:core:2.0:User\"\nattributes = [\n\
             {{ name = \"id\", anchor = true }},\n{attributes}]\nmappings = [\n{rows}]\n"
        );
        self.project.write("p.toml", &profile);
        let config = format!(
            "[directory]\npath = \"directory\"\n[[job]]\nname = \"j\"\ntenant_url = \"embedded\"\n\
             profile = \"p.toml\"\n{settings}"
        );
        self.project.write("scimulator.toml", &config);
    }

    fn users(&self, csv: &str) {
        self.project.write("directory/users.csv", csv);
    }

    /// One cycle, 40 minutes after the last, and its requests apart from the probe.
    fn cycle(&self) -> (CycleResult, Vec<String>) {
        let file = self.project.path("scimulator.toml");
        let (config, _) = config::load(&file).unwrap_or_else(|findings| panic!("{findings:#?}"));
        let job = Job::new(&config, &config.jobs[0], &|_| None).unwrap();
        self.clock.advance(SignedDuration::from_mins(40));
        let (mut store, mut seen) = (self.store(), Seen::default());
        let result = job.cycle(&mut store, &self.clock, Purpose::Cycle, Mode::Real, &mut seen).unwrap();
        (result, seen.0.split_off(1))
    }

    fn store(&self) -> Store {
        Store::open(&self.project.path("state")).unwrap()
    }

    fn accounts(&self) -> Vec<Value> {
        self.store().embedded_content("j").unwrap()
    }

    fn account(&self, name: &str) -> Value {
        let found = self.accounts().into_iter().find(|one| one["userName"] == name);
        found.unwrap_or_else(|| panic!("no account of {name}"))
    }
}

const ALL: &str = "scope = \"all\"\n";
const NAME: &str = "{ attribute = \"userPrincipalName\", target = \"userName\", matching = 1 },\n";
const NAMED: &str = "{ name = \"userName\", required = true },\n";

#[test]
fn matching_attributes_are_asked_for_one_by_one_in_their_order() {
    let attributes =
        "{ name = \"userName\", required = true }, { name = \"externalId\" }, { name = \"title\" },\n";
    let rows = "{ attribute = \"userPrincipalName\", target = \"userName\", matching = 2 },\n\
        { expression = 'ToUpper([employeeId])', target = \"externalId\", matching = 1 },\n";
    let bench = Bench::new(rows, attributes, ALL);
    bench.users("objectId,userPrincipalName,employeeId\nu1,ann@contoso.com,a7\nu2,bob@contoso.com,\n");
    let (_, requests) = bench.cycle();
    covers!("M-006", "M-007", "M-027", "E-019");
    let asked: Vec<&String> = requests.iter().filter(|line| line.starts_with("GET")).collect();
    assert_eq!(asked.len(), 3, "{requests:#?}");
    assert!(asked[0].contains("externalId eq \"A7\""), "the mapped value: {}", asked[0]);
    assert!(asked[1].contains("userName eq \"ann@contoso.com\""), "{}", asked[1]);
    assert!(asked[2].contains("userName eq \"bob@contoso.com\""), "no value, no query: {}", asked[2]);
    assert!(asked.iter().all(|line| !line.contains(" and ")));

    // A second job state against the same app finds both by what it asks for first.
    let other = Bench::new(rows, attributes, ALL);
    other.users("objectId,userPrincipalName,employeeId\nu1,ann@contoso.com,a7\n");
    let store = other.store();
    for account in bench.accounts() {
        store.save_embedded("j", account["id"].as_str().unwrap(), &account).unwrap();
    }
    drop(store);
    let (result, requests) = other.cycle();
    assert_eq!(result.statistics.actions.created, 0);
    assert_eq!(requests.iter().filter(|line| line.contains("filter")).count(), 1, "{requests:#?}");
}

#[test]
fn who_has_no_matching_value_is_neither_looked_up_nor_created() {
    let bench =
        Bench::new("{ attribute = \"employeeId\", target = \"userName\", matching = 1 },\n", NAMED, ALL);
    bench.users("userPrincipalName,employeeId\nann@contoso.com,7\nbob@contoso.com,\n");
    let (result, requests) = bench.cycle();
    covers!("M-008");
    assert_eq!(requests.len(), 2, "{requests:#?}");
    assert_eq!((result.statistics.actions.created, result.statistics.actions.failed), (1, 0));
}

#[test]
fn an_evaluation_error_stops_its_object_and_nobody_else() {
    let rows = format!("{NAME}{{ expression = 'CStr(CDate([city]))', target = \"title\" }},\n");
    let bench = Bench::new(&rows, &format!("{NAMED}{{ name = \"title\" }},\n"), ALL);
    bench.users("userPrincipalName,city\nann@contoso.com,2026-01-02\nbob@contoso.com,soon\n");
    let (result, requests) = bench.cycle();
    covers!("M-016");
    assert_eq!((result.statistics.actions.created, result.statistics.actions.failed), (1, 1));
    assert!(requests.iter().all(|line| !line.contains("bob@")), "{requests:#?}");
    assert_eq!(bench.account("ann@contoso.com")["title"], "1/2/2026 12:00:00 AM");
    assert_eq!(bench.store().escrows("j").unwrap().len(), 1);
    bench.users("userPrincipalName,city\nann@contoso.com,2026-01-02\nbob@contoso.com,2026-02-03\n");
    assert_eq!(bench.cycle().0.statistics.actions.created, 1, "tried again like any failed object");
}

/// What takes an account away needs no value of any mapping.
#[test]
fn a_mapping_that_fails_does_not_keep_an_account_alive() {
    let rows = format!("{NAME}{{ expression = 'CStr(CDate([city]))', target = \"title\" }},\n");
    let bench = Bench::new(&rows, &format!("{NAMED}{{ name = \"title\" }},\n"), ALL);
    let users = "objectId,userPrincipalName,city,deletedDateTime\n1,ann@contoso.com,2026-01-02,\n";
    bench.users(&format!("{users}2,bob@contoso.com,2026-01-02,\n"));
    assert_eq!(bench.cycle().0.statistics.actions.created, 2);
    bench.users(&format!("{users}2,bob@contoso.com,soon,\n"));
    assert_eq!(bench.cycle().0.statistics.actions.failed, 1, "an update needs the value");
    let now = scimulator::clock::Clock::now(&bench.clock);
    bench.store().edit(ObjectKind::User, "2", &Edit::Purge, now).unwrap();
    let (result, _) = bench.cycle();
    assert_eq!((result.statistics.actions.deleted, result.statistics.actions.failed), (1, 0));
    assert_eq!((bench.accounts().len(), bench.store().escrows("j").unwrap().len()), (1, 0));
}

#[test]
fn defaults_fill_a_create_and_ignored_attributes_take_none() {
    let attributes = format!(
        "{NAMED}{{ name = \"title\", default = \"of the definition\" }},\n\
         {{ name = \"nickName\", default = \"of the definition\" }},\n{{ name = \"locale\" }},\n{{ name = \"timezone\" }},\n"
    );
    let rows = format!(
        "{NAME}{{ attribute = \"jobTitle\", target = \"title\", default = \"of the mapping\" }},\n\
         {{ attribute = \"city\", target = \"nickName\" }},\n\
         {{ expression = 'IgnoreFlowIfNullOrEmpty([state])', target = \"locale\", default = \"never\" }},\n\
         {{ expression = 'IIF([country]=\"x\", IgnoreAttributeFlow, [country])', target = \"timezone\", default = \"never\" }},\n"
    );
    let bench = Bench::new(&rows, &attributes, ALL);
    bench.users("userPrincipalName,country,jobTitle\nann@contoso.com,x,\n");
    bench.cycle();
    let ann = bench.account("ann@contoso.com");
    covers!("M-017", "M-022");
    assert_eq!((&ann["title"], &ann["nickName"]), (&"of the mapping".into(), &"of the definition".into()));
    assert_eq!((&ann["locale"], &ann["timezone"]), (&Value::Null, &Value::Null));
}

#[test]
fn letter_case_is_a_change_only_where_the_definition_says_so() {
    let attributes = format!(
        "{NAMED}{{ name = \"title\", case_exact = false }},\n{{ name = \"nickName\", case_exact = true }},\n"
    );
    let rows = format!(
        "{NAME}{{ attribute = \"jobTitle\", target = \"title\" }},\n\
         {{ attribute = \"city\", target = \"nickName\" }},\n"
    );
    let bench = Bench::new(&rows, &attributes, ALL);
    bench.users("userPrincipalName,jobTitle,city\nann@contoso.com,clerk,oslo\nbob@contoso.com,clerk,oslo\n");
    bench.cycle();
    bench.users("userPrincipalName,jobTitle,city\nann@contoso.com,Clerk,oslo\nbob@contoso.com,clerk,Oslo\n");
    let (_, requests) = bench.cycle();
    covers!("M-024");
    assert_eq!(requests.iter().filter(|line| line.starts_with("PATCH")).count(), 1, "{requests:#?}");
    assert_eq!(bench.account("ann@contoso.com")["title"], "clerk");
    assert_eq!(bench.account("bob@contoso.com")["nickName"], "Oslo");
}

#[test]
fn active_from_account_enabled_does_not_notice_a_lost_assignment() {
    for (source, active) in [("'Not([IsSoftDeleted])'", false), ("'CStr([accountEnabled])'", true)] {
        let rows = format!("{NAME}{{ expression = {source}, target = \"active\" }},\n");
        let bench = Bench::new(&rows, &format!("{NAMED}{{ name = \"active\", type = \"Boolean\" }},\n"), "");
        bench.users("userPrincipalName,accountEnabled\nann@contoso.com,true\n");
        bench.project.write("directory/assignments.csv", "principal,appRole\nann@contoso.com,\n");
        bench.cycle();
        assert_eq!(bench.account("ann@contoso.com")["active"], true, "{source}");
        bench.project.write("directory/assignments.csv", "principal,appRole\n");
        bench.cycle();
        covers!("M-067");
        assert_eq!(bench.account("ann@contoso.com")["active"], active, "{source}");
    }
}

#[test]
fn required_source_attributes_stop_nothing_and_guests_have_short_names() {
    let rows = format!(
        "{NAME}{{ attribute = \"originalUserPrincipalName\", target = \"title\" }},\n\
         {{ attribute = \"surname\", target = \"nickName\" }},\n"
    );
    let attributes = format!("{NAMED}{{ name = \"title\" }},\n{{ name = \"nickName\" }},\n");
    let bench = Bench::new(&rows, &attributes, ALL);
    bench.users("userPrincipalName\nada_fabrikam.com#EXT#@contoso.com\n");
    bench.cycle();
    let guest = bench.account("ada@fabrikam.com");
    covers!("M-074", "M-081", "E-061");
    assert_eq!(guest["title"], "ada_fabrikam.com#EXT#@contoso.com");
    assert_eq!(guest["nickName"], Value::Null);
}

#[test]
fn a_double_quote_in_a_matching_value_fails_the_object_before_anything_is_sent() {
    let bench =
        Bench::new("{ attribute = \"displayName\", target = \"userName\", matching = 1 },\n", NAMED, ALL);
    bench.users("userPrincipalName,displayName\nann@contoso.com,\"Ann \"\"Lee\"\"\"\nbob@contoso.com,Bob\n");
    let (result, requests) = bench.cycle();
    covers!("E-094");
    assert_eq!((result.statistics.actions.created, result.statistics.actions.failed), (1, 1));
    assert_eq!(requests.len(), 2, "{requests:#?}");
    let escrows = bench.store().escrows("j").unwrap();
    assert!(escrows[0].reason.contains("holds a double quote"), "{}", escrows[0].reason);
}

#[test]
fn roles_reach_the_functions_direct_and_through_groups() {
    let roles = "[[app_role]]\nid = \"00000000-0000-0000-0000-00000000000a\"\nvalue = \"admin\"\n\
        displayName = \"Admin\"\n[[app_role]]\nid = \"00000000-0000-0000-0000-00000000000b\"\nvalue = \"user\"\n\
        displayName = \"Ordinary\"\n";
    let rows = format!(
        "{NAME}{{ expression = 'SingleAppRoleAssignment([appRoleAssignments])', target = \"title\", default = \"none\" }},\n"
    );
    let attributes = format!("{NAMED}{{ name = \"title\" }},\n");
    let bench = Bench::new(&rows, &attributes, "");
    let with_roles = |bench: &Bench| {
        let text = bench.project.read("scimulator.toml");
        bench.project.write("scimulator.toml", &format!("{roles}{text}"));
    };
    with_roles(&bench);
    bench.users("userPrincipalName\nann@contoso.com\nbob@contoso.com\ncyd@contoso.com\ndee@contoso.com\n");
    bench
        .project
        .write("directory/groups.csv", "displayName,securityEnabled\nStaff,true\nInner,true\nLoose,false\n");
    bench.project.write(
        "directory/members.csv",
        "group,member\nStaff,bob@contoso.com\nStaff,Inner\nInner,cyd@contoso.com\nLoose,dee@contoso.com\n",
    );
    bench.project.write(
        "directory/assignments.csv",
        "principal,appRole\nann@contoso.com,admin\nStaff,user\nLoose,user\n",
    );
    let (result, _) = bench.cycle();
    covers!("M-181", "M-182", "E-055", "E-056", "E-058");
    assert_eq!(result.statistics.actions.created, 2, "neither nested members nor those of a loose group");
    assert_eq!(bench.account("ann@contoso.com")["title"], "Admin");
    assert_eq!(bench.account("bob@contoso.com")["title"], "Ordinary");

    // Another role is a change of the user, though his row stays as it is.
    bench.project.write(
        "directory/assignments.csv",
        "principal,appRole\nann@contoso.com,user\nStaff,admin\nLoose,user\n",
    );
    bench.cycle();
    assert_eq!(bench.account("ann@contoso.com")["title"], "Ordinary");
    assert_eq!(bench.account("bob@contoso.com")["title"], "Admin");

    // By switch the role's value; default access has no role text, and provisions all the same.
    let bench = Bench::new(&rows, &attributes, "[job.fidelity]\nrole_text = \"value\"\n");
    with_roles(&bench);
    bench.users("userPrincipalName\nann@contoso.com\nbob@contoso.com\n");
    bench
        .project
        .write("directory/assignments.csv", "principal,appRole\nann@contoso.com,admin\nbob@contoso.com,\n");
    bench.cycle();
    covers!("E-059", "M-184");
    assert_eq!(bench.account("ann@contoso.com")["title"], "admin");
    assert_eq!(bench.account("bob@contoso.com")["title"], "none");
}

#[test]
fn the_switches_of_the_language_reach_a_running_job() {
    let rows =
        format!("{NAME}{{ expression = 'coalesce(Left([city], 0), [state])', target = \"title\" }},\n");
    let settings = format!("{ALL}[job.fidelity]\nfunction_case = \"any\"\ncoalesce_skips_empty = true\n");
    let bench = Bench::new(&rows, &format!("{NAMED}{{ name = \"title\" }},\n"), &settings);
    bench.users("userPrincipalName,city,state\nann@contoso.com,,Oslo\n");
    bench.cycle();
    covers!("M-089", "M-132");
    assert_eq!(bench.account("ann@contoso.com")["title"], "Oslo");

    bench.configure(&rows, &format!("{NAMED}{{ name = \"title\" }},\n"), ALL);
    let findings = config::load(&bench.project.path("scimulator.toml")).unwrap_err();
    assert!(findings[0].message.contains("coalesce"), "{findings:?}");
}

/// The rows, attributes and settings of a job that gives each account a free nick name.
fn unique(rules: &str, settings: &str) -> Bench {
    let rows = format!(
        "{NAME}{{ expression = 'SelectUniqueValue({rules})', target = \"nickName\", flow_type = \"ObjectAddOnly\" }},\n"
    );
    let attributes = format!("{NAMED}{{ name = \"nickName\" }},\n");
    Bench::new(&rows, &attributes, &format!("{ALL}[job.fidelity]\nunique_value_outbound = true\n{settings}"))
}

#[test]
fn a_unique_value_is_looked_up_before_it_is_sent_and_only_then() {
    let bench = unique(r#"[mailNickname], [city], Append([mailNickname], "2")"#, "");
    bench.users(
        "userPrincipalName,mailNickname,city\nann@x.com,ann,\nanna@x.com,ann,\nbob@x.com,,bobby\nann3@x.com,ann,rome\n",
    );
    let (result, requests) = bench.cycle();
    covers!("M-170", "M-172");
    let asked: Vec<&String> = requests.iter().filter(|line| line.contains("filter=nickName")).collect();
    let wanted = ["ann", "ann", "ann2", "bobby", "ann", "rome"];
    assert_eq!(asked.len(), wanted.len(), "{requests:#?}");
    for (asked, wanted) in asked.iter().zip(wanted) {
        assert!(asked.contains(&format!("nickName eq \"{wanted}\"")), "{asked}, not {wanted}");
    }
    assert_eq!(result.statistics.actions.created, 4);
    for (name, nick) in
        [("ann@x.com", "ann"), ("anna@x.com", "ann2"), ("bob@x.com", "bobby"), ("ann3@x.com", "rome")]
    {
        assert_eq!(bench.account(name)["nickName"], nick, "{name}");
    }
    // Whoever has an account is not asked about again, whatever changed.
    bench.users(
        "userPrincipalName,mailNickname,city\nann@x.com,annie,\nanna@x.com,ann,\nbob@x.com,,bobby\nann3@x.com,ann,rome\n",
    );
    let (_, requests) = bench.cycle();
    assert!(requests.iter().all(|line| !line.contains("nickName")), "{requests:#?}");
    assert_eq!(bench.account("ann@x.com")["nickName"], "ann");
}

#[test]
fn an_object_whose_candidates_are_all_taken_waits_in_escrow() {
    let bench = unique("[mailNickname], [city]", "");
    bench.users("userPrincipalName,mailNickname,city\nann@x.com,ann,\nben@x.com,ann,ann\n");
    let (result, requests) = bench.cycle();
    covers!("M-170");
    assert_eq!((result.statistics.actions.created, result.statistics.actions.failed), (1, 1));
    assert!(
        requests.iter().all(|line| !(line.starts_with("POST") && line.contains("ben@"))),
        "{requests:#?}"
    );
    let escrows = bench.store().escrows("j").unwrap();
    assert_eq!(escrows.len(), 1);
    assert!(escrows[0].reason.contains("'SelectUniqueValue.'"), "{}", escrows[0].reason);
    bench.users("userPrincipalName,mailNickname,city\nann@x.com,ann,\nben@x.com,ann,oslo\n");
    assert_eq!(bench.cycle().0.statistics.actions.created, 1, "retried like any failed object");
    assert_eq!(bench.account("ben@x.com")["nickName"], "oslo");
}

#[test]
fn more_workers_choose_no_other_unique_values() {
    let nicks = |workers: u32| {
        let bench = unique("[mailNickname], RandomString(6, 6, 0, 0, 0)", &format!("workers = {workers}\n"));
        let rows: Vec<String> = (0..12).map(|number| format!("u{number}@x.com,same")).collect();
        bench.users(&format!("userPrincipalName,mailNickname\n{}\n", rows.join("\n")));
        assert_eq!(bench.cycle().0.statistics.actions.created, 12);
        let mut nicks: Vec<String> = bench.accounts().iter().map(|one| one["nickName"].to_string()).collect();
        nicks.sort();
        nicks
    };
    let alone = nicks(1);
    assert_eq!(alone.iter().filter(|nick| *nick == "\"same\"").count(), 1);
    assert_eq!(nicks(8), alone);
}

#[test]
fn select_unique_value_is_refused_unless_it_is_allowed() {
    let rows = format!(
        "{NAME}{{ expression = 'SelectUniqueValue([city], [state])', target = \"nickName\", flow_type = \"ObjectAddOnly\" }},\n"
    );
    let bench = Bench::new(&rows, &format!("{NAMED}{{ name = \"nickName\" }},\n"), ALL);
    let findings = config::load(&bench.project.path("scimulator.toml")).unwrap_err();
    covers!("M-172");
    assert!(
        findings.iter().any(|one| one.message.contains("SelectUniqueValue is not supported")),
        "{findings:?}"
    );
}

#[test]
fn an_unchanged_switch_never_writes_null_unless_the_defect_is_imitated() {
    let rows = format!(
        "{NAME}{{ expression = 'Switch([state], , \"WA\", \"West\")', target = \"title\" }},\n\
         {{ expression = 'Switch([state], \"Nowhere\", \"WA\", \"West\")', target = \"nickName\" }},\n\
         {{ attribute = \"city\", target = \"locale\" }},\n"
    );
    let attributes =
        format!("{NAMED}{{ name = \"title\" }}, {{ name = \"nickName\" }}, {{ name = \"locale\" }},\n");
    let people = |city: &str| format!("userPrincipalName,state,city\nann@x.com,WA,{city}\n");
    for (settings, title, nick) in [
        ("", Value::from("West"), "West"),
        ("[job.fidelity]\nswitch_null_defect = true\n", Value::Null, "Nowhere"),
    ] {
        let bench = Bench::new(&rows, &attributes, &format!("{ALL}{settings}"));
        bench.users(&people("Oslo"));
        bench.cycle();
        assert_eq!(bench.account("ann@x.com")["title"], "West", "a create is not concerned");
        bench.users(&people("Rome"));
        bench.cycle();
        covers!("M-025");
        let ann = bench.account("ann@x.com");
        assert_eq!((&ann["locale"], &ann["nickName"]), (&"Rome".into(), &nick.into()), "{settings}");
        assert_eq!(ann["title"], title, "{settings}");
    }
}

#[test]
fn null_flows_only_where_definition_mapping_and_switch_say_so() {
    let people = |city: &str| format!("userPrincipalName,city\nann@x.com,{city}\n");
    for (definition, mapping, switch, cleared) in [
        (true, true, false, false),
        (true, false, true, false),
        (false, true, true, false),
        (true, true, true, true),
    ] {
        let rows = format!(
            "{NAME}{{ attribute = \"city\", target = \"title\", default = \"-\", flow_null_values = {mapping} }},\n"
        );
        let attributes = format!("{NAMED}{{ name = \"title\", flow_null_values = {definition} }},\n");
        let bench =
            Bench::new(&rows, &attributes, &format!("{ALL}[job.fidelity]\nflow_null_values = {switch}\n"));
        bench.users(&people("Oslo"));
        bench.cycle();
        bench.users(&people(""));
        let (_, requests) = bench.cycle();
        covers!("M-026");
        let wanted = if cleared { Value::Null } else { "Oslo".into() };
        assert_eq!(bench.account("ann@x.com")["title"], wanted, "{definition} {mapping} {switch}");
        assert_eq!(requests.iter().any(|line| line.starts_with("PATCH")), cleared, "{requests:#?}");
    }
}

#[test]
fn a_random_value_is_new_in_every_cycle_unless_it_flows_on_create_only() {
    for (flow_type, patches) in [("Always", 1), ("ObjectAddOnly", 0)] {
        let rows =
            format!("{NAME}{{ expression = 'Guid()', target = \"title\", flow_type = \"{flow_type}\" }},\n");
        let bench = Bench::new(&rows, &format!("{NAMED}{{ name = \"title\" }},\n"), ALL);
        let mut values = Vec::new();
        for city in ["Oslo", "Rome", "Bonn"] {
            bench.users(&format!("userPrincipalName,city\nann@x.com,{city}\n"));
            let (_, requests) = bench.cycle();
            if city != "Oslo" {
                assert_eq!(
                    requests.iter().filter(|line| line.starts_with("PATCH")).count(),
                    patches,
                    "{requests:#?}"
                );
            }
            values.push(bench.account("ann@x.com")["title"].to_string());
        }
        covers!("M-195");
        values.sort();
        values.dedup();
        assert_eq!(values.len(), 1 + 2 * patches, "{flow_type}");
    }
}
