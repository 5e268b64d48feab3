//! What a job reads, and what a change of its settings does to it (`engine.md 1` and `4`).

use scimulator::covers;
use scimulator::engine::CycleKind;
use scimulator::engine::status::synchronization_job;
use scimulator::mapping::MappingSource;
use scimulator::scim::path::TargetPath;

use super::harness::{Event, World, status, upn};

#[test]
fn a_full_read_takes_in_everybody_with_all_that_mappings_read() {
    let mut world = World::new("");
    let row = [("jobTitle", "Boss"), ("department", "Sales"), ("unmapped", "x")];
    world.people.user("u", &row).user("stranger", &[]).group("G").group("H").member("G", "u").assign("G");
    let result = world.clean_cycle();
    assert_eq!((result.kind, result.statistics.count_imported), (CycleKind::Initial, 4));
    assert_eq!(result.statistics.count_entitled, 2);
    let log = world.last_log();
    let created = log.iter().find(|logged| logged.line() == "u create success").unwrap();
    let read = &created.entry.steps[0].details;
    let texts =
        ["userPrincipalName", "jobTitle", "department", "IsSoftDeleted"].map(|name| read[name].as_str());
    assert_eq!(texts, [upn("u").as_str(), "Boss", "Sales", "False"]);
    assert!(!read.contains_key("unmapped"), "what no mapping reads is not read");
    covers!("E-017");
}

#[test]
fn other_credentials_start_nothing_over() {
    let mut world = World::new("");
    world.people.user("u", &[]).user("late", &[]).assign("u");
    world.always(scimulator::http::Method::Post, "/Users", status(500));
    world.cycle();
    let before = world.job().watermark;
    assert_eq!(world.escrow_lines(), ["u InternalServerError 0"]);
    world.configure("token = { value = \"another\" }");
    world.heal();
    world.people.assign("late");
    let result = world.clean_cycle();
    assert_eq!(result.kind, CycleKind::Incremental);
    assert!(before < world.job().watermark && world.held("u").is_some() && world.held("late").is_some());
    covers!("E-011");
}

#[test]
fn the_soft_delete_may_be_mapped_to_another_attribute_and_active_stays_as_it_is() {
    let events: [Event; 4] = [
        |world| {
            world.people.set("u", "accountEnabled", "False");
        },
        |world| {
            world.people.hide("u");
        },
        |world| {
            world.people.unassign("u");
        },
        |world| {
            world.people.set("u", "site", "Out");
        },
    ];
    for event in events {
        let mut world = World::new(
            "[[job.filter]]\nobject = \"user\"\nname = \"In\"\n\
             clauses = [{ attribute = \"site\", operator = \"NOT EQUALS\", value = \"Out\" }]\n",
        );
        world.adjust = |spec| {
            for rule in &mut spec.users.attributes {
                if rule.source.attributes().contains(&"IsSoftDeleted") {
                    rule.target = TargetPath::parse("userType").unwrap();
                }
            }
        };
        world.people.user("u", &[("site", "Here")]).user("other", &[]).assign("u").assign("other");
        world.clean_cycle();
        world.sent();
        event(&mut world);
        world.clean_cycle();
        assert_eq!(
            world.requests(),
            ["GET /Users/{u}", r#"PATCH /Users/{u} [{"op":"Replace","path":"userType","value":"False"}]"#]
        );
    }
    covers!("E-116");
}

#[test]
fn a_group_without_a_matching_value_is_passed_over_with_its_members() {
    let mut world = World::new("");
    world.adjust = |spec| {
        for rule in &mut spec.groups.attributes {
            if 0 < rule.matching_priority {
                rule.source = MappingSource::Direct("mailNickname".to_owned());
            }
        }
    };
    world.people.user("u", &[]).user("v", &[]).group("G").member("G", "u").group("H").member("H", "v");
    world.people.set("H", "mailNickname", "h").assign("G").assign("H");
    world.clean_cycle();
    let writes: Vec<String> = world.requests().into_iter().filter(|line| !line.starts_with("GET")).collect();
    assert_eq!(
        writes,
        [
            "POST /Users",
            "POST /Users",
            "POST /Groups",
            r#"PATCH /Groups/{h} [{"op":"Add","path":"members","value":[{"value":"{v}"}]}]"#,
        ]
    );
    assert!(world.log_lines().contains(&"G other skipped ImportSkipped".to_owned()));
    covers!("E-126");
}

/// What an escrow holds, and that a retry writes a line of its own.
#[test]
fn each_retry_is_an_entry_of_its_own_and_the_escrow_says_what_it_is_about() {
    let mut world = World::new("");
    world.people.user("boss", &[]).user("u", &[("manager", &upn("boss"))]).assign("boss").assign("u");
    world.times(2, scimulator::http::Method::Patch, "/Users", status(503));
    world.cycle();
    let first = world.log();
    world.cycle();
    let escrow = world.escrows().remove(0);
    assert_eq!((escrow.kind.as_str(), escrow.label.as_str()), ("User", upn("u").as_str()));
    assert_eq!((escrow.source_id, escrow.target_id), (world.people.id("u"), Some(world.target_id("u"))));
    assert_eq!((escrow.operation.as_str(), escrow.is_reference, escrow.retries), ("update", true, 1));
    assert_eq!((escrow.error_code.as_str(), escrow.http_status), ("InternalServerError", Some(503)));
    assert!(
        Some(escrow.first_failure) < escrow.next_retry && escrow.reason.contains("503"),
        "{}",
        escrow.reason
    );
    let both = world.log();
    assert_eq!(both.len(), first.len() + 1);
    for (before, now) in first.iter().zip(&both) {
        assert_eq!(before.row, now.row, "what was written stays as it was");
    }
    covers!("E-146", "E-138");
}

/// When cycles begin, in minutes after the one before.
fn pauses(lines: &str, cycles: usize) -> Vec<i64> {
    let mut world = World::new(lines);
    world.people.user("u", &[]).assign("u");
    let mut began = Vec::new();
    for _ in 0..=cycles {
        began.push(world.begin_next());
        world.clean_cycle();
    }
    began.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_mins()).collect()
}

#[test]
fn cycles_are_40_minutes_apart_or_with_jitter_20_to_40() {
    assert_eq!(pauses("", 5), [40; 5]);
    let varied = pauses("fidelity = { interval_jitter = true }", 40);
    assert!(varied.iter().all(|minutes| (20..=40).contains(minutes)), "{varied:?}");
    let mut different = varied.clone();
    different.sort_unstable();
    different.dedup();
    assert!(10 < different.len() && different[0] < 25 && 35 < different[different.len() - 1], "{varied:?}");
    assert_eq!(varied, pauses("fidelity = { interval_jitter = true }", 40), "one seed, one schedule");

    // A failed object is tried again in the next cycle, however soon that comes.
    let mut world = World::new("fidelity = { interval_jitter = true }");
    world.people.user("u", &[]).assign("u");
    world.once(scimulator::http::Method::Post, "/Users", status(500));
    world.cycle();
    world.clean_cycle();
    assert!(world.held("u").is_some());

    // What is shown is the interval, whether a cycle has run or not.
    for (lines, ran) in [("", false), ("", true), ("fidelity = { interval_jitter = true }", true)] {
        let mut world = World::new(lines);
        world.people.user("u", &[]);
        if ran {
            world.clean_cycle();
        }
        let (spec, _) = world.spec();
        let shown = synchronization_job(&spec, world.store()).unwrap();
        assert_eq!(shown["schedule"]["interval"], "PT40M", "{lines} {ran}");
    }
    covers!("E-048");
}
