//! Recordings made into scenarios: a replay sends what was sent, and meets what was met.

mod command;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use scimulator::client::{Body, Exchange, Outcome, Pseudonyms, one_line};
use scimulator::clock::SignedDuration;
use scimulator::scenario::{self, Options, RecordError, Recorded, Recording, Report, scenario_of};

use super::{DIRECTORY, played, text_of};
use crate::sources::root;

/// Where a scenario of a test would stand.
const FILE: &str = "recorded.toml";

/// The keys of a scenario that say how its job is. The filter and the guard are left out: what the recording shows was in
/// scope, and was let through.
fn head_of(text: &str) -> toml::Table {
    let mut head: toml::Table = toml::from_str(text).unwrap();
    head.retain(|key, _| ["app", "app_role", "multi_valued", "seed", "job"].contains(&key));
    if let Some(job) = head.get_mut("job").and_then(toml::Value::as_table_mut) {
        job.retain(|key, _| !["filter", "delete_threshold", "notification_email"].contains(&key));
    }
    head
}

fn recording(exchanges: Vec<Exchange>) -> Recording {
    Recording {
        file: FILE.into(),
        title: "A recording".to_owned(),
        head: toml::Table::new(),
        exchanges,
        cycles: 0..=u64::MAX,
    }
}

/// The scenario of what these steps sent.
#[track_caller]
fn recorded(steps: &str) -> (Report, Recorded) {
    let report = played(steps);
    assert_eq!(report.verdict.as_str(), "passed", "{report}");
    let recorded = scenario_of(&recording(report.exchanges.clone())).unwrap();
    (report, recorded)
}

#[track_caller]
fn replayed(file: &Path, text: &str) -> Report {
    match scenario::parse(text, file) {
        Ok((scenario, _)) => scenario::run(&scenario, &Options::embedded()),
        Err(findings) => panic!("{findings:#?}\n{text}"),
    }
}

/// What was sent and came of it, in no order: cycles have several workers, and a replay other probes.
fn traffic(report: &Report) -> Vec<String> {
    let told = |exchange: &Exchange| {
        let object = exchange.about.object.as_ref()?;
        let status = match &exchange.outcome {
            Outcome::Response(response) => response.status,
            Outcome::Error(_) => 0,
        };
        let body = serde_json::to_string(&exchange.request.body).unwrap();
        Some(format!(
            "{} {} {body} {status} {}",
            exchange.request.method, exchange.request.url, object.source_id
        ))
    };
    let mut told: Vec<String> = report.exchanges.iter().filter_map(told).collect();
    told.sort();
    told
}

/// Plays what these steps' recording makes: it passes, and sent the same.
#[track_caller]
fn repeats(steps: &str) -> Recorded {
    let (report, recorded) = recorded(steps);
    let again = replayed(FILE.as_ref(), &recorded.text);
    assert_eq!(again.verdict.as_str(), "passed", "{again}\n{}", recorded.text);
    // The embedded app derives its ids from what it is sent, so that the same traffic is the same text.
    assert_eq!(traffic(&again), traffic(&report), "{}", recorded.text);
    recorded
}

const INITIAL: &str = "[[step]]\ndo = \"initial cycle\"\n";

#[test]
fn a_week_of_changes_is_repeated_to_the_byte() {
    let recorded = repeats(&format!(
        "{INITIAL}\
         [[step]]\nat = \"+40m\"\nedit = [\n\
           {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\", surname = \"Berg\", manager = \"ben@contoso.com\" }} }},\n\
           {{ user = \"zoe@contoso.com\", assign = true }} ]\n\
         [[step]]\nat = \"+80m\"\nedit = [\n\
           {{ user = \"adele@contoso.com\", set = {{ userPrincipalName = \"adele.berg@contoso.com\" }} }},\n\
           {{ user = \"zoe@contoso.com\", disable = true }}, {{ group = \"Sales\", remove_members = [\"ben@contoso.com\"] }} ]\n\
         [[step]]\nadvance = \"1d\"\n\
         [[step]]\nadvance = \"40m\"\nedit = [{{ user = \"zoe@contoso.com\", delete = true }}, {{ group = \"Sales\", set = {{ displayName = \"Vertrieb\" }} }}]\n\
         [[step]]\nadvance = \"31d\"\n\
         [[step]]\nadvance = \"40m\"\nedit = {{ group = \"Vertrieb\", delete = true }}\n"
    ));
    assert!(recorded.notes.is_empty(), "{:?}", recorded.notes);
    // Idle cycles are no steps of their own: 31 days have more than a thousand.
    assert!(recorded.cycles < 10, "{}", recorded.cycles);
    for words in ["purge = true", "{ group = \"Vertrieb\", delete = true }", "disable = true", "advance = "] {
        assert!(recorded.text.contains(words), "`{words}` is not in\n{}", recorded.text);
    }
}

#[test]
fn what_the_target_did_wrong_is_a_fault_that_meets_the_same_requests() {
    let change = "edit = { user = \"adele@contoso.com\", set = { jobTitle = \"Director\" } }";
    for (fault, words) in [
        (
            "target = \"throttled\", method = \"PATCH\", retry_after = \"90s\", times = 2",
            "retry_after = \"90s\"",
        ),
        (
            "target = \"error\", status = 500, method = \"PATCH\", times = 1",
            "status = 500, method = \"PATCH\"",
        ),
        (
            "target = \"error\", status = 400, method = \"GET\", user = \"adele@contoso.com\", times = 1",
            "status = 400",
        ),
        ("target = \"slow\", method = \"PATCH\", times = 1", "target = \"slow\""),
        ("target = \"down\", method = \"PATCH\", times = 1", "target = \"down\""),
        ("target = \"lost_reply\", method = \"PATCH\", times = 1", "target = \"lost_reply\""),
        ("target = \"html\", method = \"PATCH\", status = 502, times = 1", "target = \"html\", status = 502"),
        (
            "target = \"unauthorized\", times = 1",
            "target = \"unauthorized\", method = \"GET\", path = \"/Users\"",
        ),
        ("target = \"down\", path = \"/Groups\", times = 1", "path = \"/Groups\""),
        (
            "target = \"forgets\", user = \"adele@contoso.com\"",
            "{ target = \"forgets\", user = \"adele@contoso.com\" }",
        ),
        (
            "target = \"renumbers\", user = \"adele@contoso.com\"",
            "{ target = \"renumbers\", user = \"adele@contoso.com\" }",
        ),
        (
            "target = \"edited\", user = \"adele@contoso.com\", set = { title = \"Boss\" }",
            "target = \"edited\", set = { title = \"Boss\" }",
        ),
    ] {
        let recorded = repeats(&format!(
            "{INITIAL}[[step]]\nadvance = \"40m\"\n{change}\nfault = {{ {fault} }}\n[[step]]\nadvance = \"13h\"\n"
        ));
        assert!(recorded.text.contains(words), "{fault}: `{words}` is not in\n{}", recorded.text);
    }
    let failed =
        "fault = { target = \"lost_reply\", method = \"POST\", user = \"ben@contoso.com\", times = 1 }";
    let recorded = repeats(&format!("{INITIAL}{failed}\n[[step]]\nadvance = \"2h\"\n"));
    assert!(
        recorded.text.contains(failed.trim_start_matches("fault = ").split(", times").next().unwrap()),
        "{}",
        recorded.text
    );
    repeats(&format!(
        "{INITIAL}fault = {{ target = \"unauthorized\", times = 1 }}\n[[step]]\nuntil = \"job.active\"\n"
    ));
}

/// A job reads both forms of `Retry-After`, and so does who reads its journal.
#[test]
fn a_pause_that_is_told_by_its_end_is_as_long() {
    let pause = |text: &dyn Fn(&Exchange) -> String| {
        let steps = format!(
            "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}\n\
             fault = {{ target = \"throttled\", method = \"PATCH\", retry_after = \"90s\", times = 1 }}\n"
        );
        let mut exchanges = played(&steps).exchanges;
        for exchange in &mut exchanges {
            let text = text(exchange);
            if let Outcome::Response(response) = &mut exchange.outcome {
                let headers = response.headers.iter_mut().filter(|(name, _)| name == "Retry-After");
                headers.for_each(|(_, value)| value.clone_from(&text));
            }
        }
        let text = scenario_of(&recording(exchanges)).unwrap().text;
        assert_eq!(replayed(FILE.as_ref(), &text).verdict.as_str(), "passed", "{text}");
        let (_, after) = text.split_once("retry_after = \"").unwrap();
        after.split_once('"').unwrap().0.to_owned()
    };
    let date = |seconds: i64| {
        move |exchange: &Exchange| {
            let until = exchange.about.started + SignedDuration::from_secs(seconds);
            until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
        }
    };
    assert_eq!(pause(&date(90)), "90s");
    assert_eq!(pause(&date(-90)), "1s");
    assert_eq!(pause(&|_| "0".to_owned()), "1s");
}

/// An account holds more than the mappings write; a fault needs to tell what they do.
#[test]
fn what_somebody_changed_in_the_app_is_told_by_mapped_paths_without_null() {
    let changed = "{ \"name.givenName\" = \"Eva\" }";
    let steps = format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}\n\
         fault = {{ target = \"edited\", user = \"adele@contoso.com\", set = {changed} }}\n"
    );
    let mut exchanges = played(&steps).exchanges;
    for exchange in &mut exchanges {
        if let Outcome::Response(response) = &mut exchange.outcome
            && let Some(Body::Json(body)) = &mut response.body
            && let Some(name) = body.get_mut("name").and_then(serde_json::Value::as_object_mut)
        {
            name.insert("honorificPrefix".to_owned(), "Dr".into());
            name.insert("middleName".to_owned(), serde_json::Value::Null);
        }
    }
    let recorded = scenario_of(&recording(exchanges)).unwrap();
    assert!(recorded.text.contains(&format!("target = \"edited\", set = {changed}")), "{}", recorded.text);
    assert!(recorded.notes.is_empty(), "{:?}", recorded.notes);
    let again = replayed(FILE.as_ref(), &recorded.text);
    assert_eq!(again.verdict.as_str(), "passed", "{again}\n{}", recorded.text);
}

#[test]
fn an_app_that_answers_otherwise_fails_the_scenario() {
    let steps = format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}\n"
    );
    let (_, recorded) = recorded(&steps);
    // The exchange that the first failure blames: its beginning, and its answer.
    for (fault, request, answer) in [
        ("{ target = \"error\", status = 400, method = \"POST\" }", "POST   /Users ", " 400  "),
        (
            "{ target = \"error\", status = 500, user = \"adele@contoso.com\" }",
            "GET    /Users?filter=userName eq \"adele@contoso.com\"",
            " 500  ",
        ),
        (
            "{ target = \"down\", method = \"PATCH\", times = 1 }",
            "PATCH  /Users/",
            " ---  no connection: connection refused",
        ),
        // Done, it is answered with 204.
        ("{ target = \"patch_ignored\" }", "PATCH  /Groups/", " 200"),
    ] {
        let broken = recorded.text.replacen("[[step]]\n", &format!("[[step]]\nfault = {fault}\n"), 1);
        let report = replayed(FILE.as_ref(), &broken);
        assert_eq!(report.verdict.as_str(), "failed", "{fault}: {report}");
        let guilty = one_line(&report.exchanges[report.failures()[0].guilty.unwrap()]);
        assert!(guilty.starts_with(request) && guilty.contains(answer), "{fault}: {report}");
    }
}

#[test]
fn a_recording_with_pseudonyms_names_nobody_and_is_repeated() {
    let steps = format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = [{{ user = \"adele@contoso.com\", set = {{ department = \"Support\", \
         manager = \"ben@contoso.com\" }} }}, {{ user = \"ben@contoso.com\", disable = true }}]\n\
         [[step]]\nadvance = \"40m\"\nedit = {{ group = \"Sales\", remove_members = [\"adele@contoso.com\"] }}\n"
    );
    let pseudonyms = Pseudonyms::of_one_run();
    let masked = played(&steps).exchanges.iter().map(|exchange| pseudonyms.exchange(exchange)).collect();
    let recorded = scenario_of(&recording(masked)).unwrap();
    // Every value of the directory, and every id of source and target.
    let open = played(&steps).exchanges;
    let ids = open.iter().filter_map(|exchange| match &exchange.outcome {
        Outcome::Response(response) => {
            serde_json::to_value(&response.body).ok()?.pointer("/json/id")?.as_str().map(str::to_owned)
        }
        Outcome::Error(_) => None,
    });
    let personal =
        DIRECTORY.split('"').skip(1).step_by(2).map(str::to_owned).chain(ids).chain(["Support".to_owned()]);
    let personal: BTreeSet<String> = personal.filter(|text| !text.is_empty()).collect();
    assert!(15 < personal.len(), "{personal:?}");
    for text in personal {
        assert!(!recorded.text.contains(&text), "`{text}` stands in\n{}", recorded.text);
    }
    let again = replayed(FILE.as_ref(), &recorded.text);
    assert_eq!(again.verdict.as_str(), "passed", "{again}\n{}", recorded.text);
    // The pseudonym of a text put together of others is not put together of theirs.
    assert!(recorded.notes.iter().all(|note| note.contains("`name")), "{:?}", recorded.notes);
}

#[test]
fn an_expression_is_read_backwards_where_it_makes_of_a_value_the_value() {
    let mapping = |expression: &str| {
        format!(
            "name = \"own\"\ntitle = \"Own\"\n[user]\nname = \"Users\"\ntarget = \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"\n\
             attributes = [{{ name = \"id\", anchor = true, required = true }}, {{ name = \"userName\", required = true }}, {{ name = \"active\", type = \"Boolean\" }}, {{ name = \"nickName\" }}]\n\
             mappings = [{{ attribute = \"userPrincipalName\", target = \"userName\", matching = 1 }}, {{ expression = 'Not([IsSoftDeleted])', target = \"active\" }}, {{ expression = '{expression}', target = \"nickName\" }}]\n"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    for (expression, words, is_open) in [
        ("ToLower([jobTitle])", "jobTitle = \"director\"", false),
        ("Coalesce([employeeType], [jobTitle])", "employeeType = \"Director\"", false),
        ("Append([jobTitle], \"!\")", "left out", true),
    ] {
        std::fs::write(folder.path().join("own.toml"), mapping(expression)).unwrap();
        let job = "[job]\nprofile = \"own.toml\"\n";
        let steps = format!(
            "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}\n"
        );
        let text = text_of(&format!("{job}{steps}"));
        let report = replayed(&file, &text);
        assert_eq!(report.verdict.as_str(), "passed", "{report}");
        let recording = Recording { file: file.clone(), head: head_of(&text), ..recording(report.exchanges) };
        let recorded = scenario_of(&recording).unwrap();
        assert!(recorded.text.contains(words), "{expression}: {}", recorded.text);
        assert_eq!(recorded.notes.is_empty(), !is_open, "{:?}", recorded.notes);
        if !is_open {
            let again = replayed(&file, &recorded.text);
            assert_eq!(again.verdict.as_str(), "passed", "{expression}: {again}");
        }
    }
}

#[test]
fn two_of_one_name_are_told_apart_by_their_ids() {
    let again = "00000000-0000-4000-8000-000000000072";
    let recorded = repeats(&format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"ben@contoso.com\", delete = true }}\n\
         [[step]]\nadvance = \"40m\"\nedit = {{ user = \"ben@contoso.com\", purge = true }}\n\
         [[step]]\nadvance = \"40m\"\nedit = {{ user = \"ben@contoso.com\", add = {{ objectId = \"{again}\", displayName = \"Ben Two\", mailNickname = \"ben2\" }}, assign = true }}\n"
    ));
    assert!(recorded.text.contains("/Users/{00000000-0000-4000-8000-000000000003}"), "{}", recorded.text);
    assert!(recorded.text.contains(&format!("add = {{ objectId = \"{again}\"")), "{}", recorded.text);
}

#[test]
fn what_was_there_before_the_chosen_cycles_is_made_before_them() {
    let steps = format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}\n\
         [[step]]\nadvance = \"40m\"\nedit = [{{ user = \"zoe@contoso.com\", assign = true }}, {{ group = \"Sales\", add_members = [\"carla@contoso.com\"] }}]\n"
    );
    let exchanges = played(&steps).exchanges;
    // With the cycles before, and where the journal has lost them: then reads and queries say what there was.
    let lost: Vec<Exchange> =
        exchanges.iter().filter(|exchange| exchange.about.cycle != Some(1)).cloned().collect();
    for exchanges in [exchanges, lost] {
        let number = exchanges.iter().filter_map(|exchange| exchange.about.cycle).max().unwrap();
        let recording = Recording { cycles: 2..=number, ..recording(exchanges) };
        let recorded = scenario_of(&recording).unwrap();
        assert_eq!(recorded.cycles, 2, "{}", recorded.text);
        assert!(recorded.text.contains("What there was before"), "{}", recorded.text);
        let again = replayed(FILE.as_ref(), &recorded.text);
        assert_eq!(again.verdict.as_str(), "passed", "{again}\n{}", recorded.text);
    }
}

/// A job that is new to an app finds accounts there, one of them disabled.
#[test]
fn accounts_that_were_there_are_found_again() {
    let steps = format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = {{ user = \"ben@contoso.com\", disable = true }}\n\
         [[step]]\ndo = \"restart\"\nreset = \"full\"\nadvance = \"40m\"\nedit = [{{ user = \"ben@contoso.com\", enable = true }},\n\
         {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}, {{ user = \"zoe@contoso.com\", assign = true }}]\n\
         [[step]]\nadvance = \"40m\"\nedit = {{ user = \"adele@contoso.com\", disable = true }}\n"
    );
    let mut exchanges = played(&steps).exchanges;
    exchanges.retain(|exchange| Some(2) < exchange.about.cycle);
    let recorded = scenario_of(&recording(exchanges)).unwrap();
    for words in [
        "reset = \"full\"",
        "Whose accounts were disabled before",
        "user = \"ben@contoso.com\", enable = true",
    ] {
        assert!(recorded.text.contains(words), "`{words}` is not in\n{}", recorded.text);
    }
    let again = replayed(FILE.as_ref(), &recorded.text);
    assert_eq!(again.verdict.as_str(), "passed", "{again}\n{}", recorded.text);
}

#[test]
fn requests_in_another_dialect_are_spoken_again() {
    let text = text_of(&format!(
        "[job.fidelity]\ndialect = \"optscim\"\n{INITIAL}[[step]]\nadvance = \"40m\"\n\
         edit = [{{ user = \"adele@contoso.com\", set = {{ department = \"Support\", jobTitle = \"Director\" }}, disable = true }},\n\
         {{ user = \"ben@contoso.com\", set = {{ manager = \"carla@contoso.com\" }} }}, {{ group = \"Sales\", remove_members = [\"ben@contoso.com\"] }}]\n"
    ));
    let report = replayed(FILE.as_ref(), &text);
    // Nobody says which dialect it is: the verbs do.
    let recorded = scenario_of(&recording(report.exchanges)).unwrap();
    assert!(
        recorded.text.contains("dialect = \"optscim\"") && recorded.text.contains("op = \"replace\""),
        "{}",
        recorded.text
    );
    let again = replayed(FILE.as_ref(), &recorded.text);
    assert_eq!(again.verdict.as_str(), "passed", "{again}");
}

#[test]
fn a_recording_of_nobody_is_none() {
    let refused = |exchanges| matches!(scenario_of(&recording(exchanges)), Err(RecordError::Nothing));
    assert!(refused(Vec::new()));
    let mut probes = played(INITIAL).exchanges;
    probes.retain(|exchange| exchange.about.object.is_none());
    assert!(!probes.is_empty() && refused(probes));
    let beyond = Recording { cycles: 7..=9, ..recording(played(INITIAL).exchanges) };
    assert!(matches!(scenario_of(&beyond), Err(RecordError::Nothing)));
}

/// What ships is played, recorded and played again, openly and under pseudonyms. Two apps take no pseudonym where they
/// want a date or one of their licences.
#[test]
fn whatever_ships_is_repeated() {
    let picky = ["licences", "custom-date"];
    let pseudonyms = Pseudonyms::of_one_run();
    let mut bad = Vec::new();
    for file in scenario::files(&[root().join("scenarios")]).unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        let report = replayed(&file, &text);
        let masked: Vec<Exchange> = report.exchanges.iter().map(|one| pseudonyms.exchange(one)).collect();
        for (exchanges, is_masked) in [(report.exchanges.clone(), false), (masked, true)] {
            // A month of idle cycles is no other one under pseudonyms.
            if is_masked && 1_000 < exchanges.len() {
                continue;
            }
            let recording = Recording { file: file.clone(), head: head_of(&text), ..recording(exchanges) };
            let recorded = scenario_of(&recording).unwrap();
            let again = replayed(&file, &recorded.text);
            if again.is_fine() == (is_masked && picky.contains(&report.name.as_str())) {
                bad.push(format!("{again}\n{}", recorded.text));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Six steps of whatever people and an app may do.
fn story(seed: u64) -> String {
    let mut state = seed;
    let mut drawn = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let users = ["carla@contoso.com", "adele@contoso.com", "ben@contoso.com", "zoe@contoso.com"];
    let mut text = INITIAL.to_owned();
    for step in 0..6 {
        let mut edits = Vec::new();
        for _ in 0..=drawn(2) {
            let (user, other) = (users[drawn(4)], users[drawn(4)]);
            let of_group = ["add_members", "remove_members"][drawn(2)];
            let what = match drawn(15) {
                0 => format!("set = {{ jobTitle = \"T{step}\" }}"),
                1 => format!("set = {{ department = \"D{step}\", mobile = \"+{step}\" }}"),
                2 => format!("set = {{ surname = \"S{step}\" }}"),
                3 => "clear = [\"jobTitle\"]".to_owned(),
                4 => format!("set = {{ manager = \"{other}\" }}"),
                5 => "clear = [\"manager\"]".to_owned(),
                6 => format!("set = {{ userPrincipalName = \"n{step}.{user}\" }}"),
                7 | 8 => {
                    edits.push(format!("{{ group = \"Sales\", {of_group} = [\"{user}\"] }}"));
                    continue;
                }
                other => {
                    let flags = ["disable", "enable", "delete", "restore", "assign", "unassign"];
                    format!("{} = true", flags[other - 9])
                }
            };
            edits.push(format!("{{ user = \"{user}\", {what} }}"));
        }
        text.extend(["[[step]]\nedit = [", &edits.join(", "), "]\n"]);
        if drawn(3) == 0 {
            let method = ["GET", "POST", "PATCH", "DELETE"][drawn(4)];
            let fault =
                ["error", "throttled", "lost_reply", "slow", "down", "unauthorized", "html"][drawn(7)];
            let (after, times) = (drawn(3), 1 + drawn(2));
            let narrowed = format!("method = \"{method}\", after = {after}, times = {times}");
            text.extend(["fault = { target = \"", fault, "\", ", &narrowed, " }\n"]);
        }
        text.push_str(
            ["do = \"cycle\"\n", "advance = \"6h\"\n", "advance = \"40m\"\n", "advance = \"40m\"\n"]
                [drawn(4)],
        );
    }
    text
}

/// The cycles that asked about anybody, in their order.
fn busy(exchanges: &[Exchange]) -> BTreeSet<u64> {
    let about = exchanges.iter().filter(|exchange| exchange.about.object.is_some());
    about.filter_map(|exchange| exchange.about.cycle).collect()
}

/// A story that asks for what can't be done is recorded up to there. Of each, the end is repeated as well, once with a
/// journal that has lost what was before.
#[test]
fn stories_that_nobody_thought_of_are_repeated() {
    for seed in 0..20 {
        let exchanges = played(&story(seed)).exchanges;
        let mut lost = exchanges.clone();
        let from = busy(&exchanges).into_iter().nth(2).unwrap_or(0);
        lost.retain(|exchange| Some(from) <= exchange.about.cycle);
        for (exchanges, from) in [(exchanges.clone(), 0), (exchanges, from), (lost, from)] {
            let recording = Recording { cycles: from..=u64::MAX, ..recording(exchanges) };
            let recorded = scenario_of(&recording).unwrap();
            let again = replayed(FILE.as_ref(), &recorded.text);
            assert_eq!(
                again.verdict.as_str(),
                "passed",
                "seed {seed} from {from}: {again}\n{}",
                recorded.text
            );
        }
    }
}

/// The exchanges with other ids of the target, as an app would have given them: what `id_of` makes of a kind, a name, and
/// the number of the object among its kind, from 1.
fn under_ids(exchanges: &[Exchange], id_of: impl Fn(&str, &str, usize) -> String) -> Vec<Exchange> {
    let mut text = serde_json::to_string(exchanges).unwrap();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.request.method == "POST") {
        let (Outcome::Response(response), Some(object)) = (&exchange.outcome, &exchange.about.object) else {
            continue;
        };
        let answer = serde_json::to_value(&response.body).unwrap();
        let kind = object.kind.as_str();
        let number = numbers.entry(kind.to_owned()).or_default();
        *number += 1;
        let id = id_of(kind, &object.label, *number);
        text = text.replace(answer.pointer("/json/id").unwrap().as_str().unwrap(), &id);
    }
    serde_json::from_str(&text).unwrap()
}

/// An app that numbers users and groups each from 1, and one whose id is the name, are recorded as any other.
#[test]
fn an_id_is_somebodys_only_where_the_target_says_ids_of_that_kind() {
    let steps = format!(
        "{INITIAL}[[step]]\nadvance = \"40m\"\nedit = [\n\
           {{ user = \"adele@contoso.com\", set = {{ employeeId = \"1\", jobTitle = \"ben@contoso.com\", manager = \"ben@contoso.com\" }} }},\n\
           {{ group = \"Sales\", remove_members = [\"ben@contoso.com\"] }} ]\n\
         [[step]]\nadvance = \"40m\"\nedit = {{ group = \"Sales\", set = {{ displayName = \"Vertrieb\" }} }}\n"
    );
    for dialect in ["default", "legacy2018", "optscim"] {
        let text = text_of(&format!("[job.fidelity]\ndialect = \"{dialect}\"\n{steps}"));
        let numbered = |_: &str, _: &str, number: usize| number.to_string();
        let named = |_: &str, name: &str, _: usize| name.to_owned();
        let report = replayed(FILE.as_ref(), &text).exchanges;
        let head = head_of(&text);
        for (what, exchanges) in
            [("numbers", under_ids(&report, numbered)), ("names", under_ids(&report, named))]
        {
            let recording = Recording { head: head.clone(), ..recording(exchanges) };
            let recorded = scenario_of(&recording).unwrap();
            let text = &recorded.text;
            assert!(recorded.notes.is_empty(), "{what}: {:?}\n{text}", recorded.notes);
            for words in [
                "/Groups/{Sales}",
                "/Users/{adele@contoso.com}",
                "\"1\"",
                "\"{ben@contoso.com}\"",
                "userName = \"adele@contoso.com\"",
            ] {
                assert!(text.contains(words), "{dialect}, {what}: `{words}` is not in\n{text}");
            }
            for words in
                ["/Groups/{adele", "/Groups/{carla", "/Users/{Sales", "userName eq \"{", "userName = \"{"]
            {
                assert!(!text.contains(words), "{dialect}, {what}: `{words}` is in\n{text}");
            }
            let again = replayed(FILE.as_ref(), text);
            assert_eq!(again.verdict.as_str(), "passed", "{dialect}, {what}: {again}\n{text}");
        }
    }
}
