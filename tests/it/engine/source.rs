//! A source fault is not a deletion (design, law 3): nothing is sent, and nothing moves.

use scimulator::engine::RunState;

use super::harness::World;

fn settled() -> World {
    let mut world = World::new("");
    for number in 0..30 {
        let name = format!("user{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world.people.group("G").member("G", "user0").assign("G");
    world.clean_cycle();
    world.sent();
    world
}

#[test]
fn a_source_that_cannot_be_believed_sends_nothing_and_moves_nothing() {
    type Harm = fn(&World);
    let faults: [(&str, Harm); 8] = [
        ("users.csv is gone", |world| {
            std::fs::remove_file(world.project.path("directory/users.csv")).unwrap();
        }),
        ("members.csv is gone", |world| {
            std::fs::remove_file(world.project.path("directory/members.csv")).unwrap();
        }),
        ("the folder is gone", |world| std::fs::remove_dir_all(world.project.path("directory")).unwrap()),
        ("users.csv is empty", |world| world.project.write("directory/users.csv", "")),
        ("assignments.csv is empty", |world| world.project.write("directory/assignments.csv", "")),
        ("users.csv breaks off in a row", |world| {
            let text = world.project.read("directory/users.csv");
            let cut = text.trim_end().rfind(',').unwrap();
            world.project.write("directory/users.csv", text.split_at(cut).0);
        }),
        ("users.csv has half a quote", |world| {
            let text = world.project.read("directory/users.csv");
            world.project.write("directory/users.csv", &(text + "\"broken,x,y\n"));
        }),
        ("most users vanish at once", |world| {
            let text = world.project.read("directory/users.csv");
            let few: Vec<&str> = text.lines().take(6).collect();
            world.project.write("directory/users.csv", &(few.join("\n") + "\n"));
        }),
    ];
    for (name, harm) in faults {
        let mut world = settled();
        let (before, seq) = (world.job(), world.store().last_seq().unwrap());
        world.saves = false;
        harm(&world);
        world.restart();
        let result = world.cycle();
        assert_eq!((result.state, result.source_fault), (RunState::Failed, true), "{name}");
        assert_eq!(result.statistics.error.code, "ImportFailed", "{name}");
        assert_eq!(world.sent(), [], "{name}");
        let after = world.job();
        assert_eq!((after.watermark, after.quarantine), (before.watermark, None), "{name}");
        assert_eq!(after.failures, 1, "{name}");
        assert_eq!(world.store().last_seq().unwrap(), seq, "{name}: nothing was imported");
        // The files are whole again: it goes on as if nothing had been.
        world.saves = true;
        world.people.set("user1", "jobTitle", "Boss");
        world.clean_cycle();
        assert_eq!(world.requests().len(), 2, "{name}");
        assert_eq!(world.job().failures, 0, "{name}");
    }
    scimulator::covers!("E-213", "E-221");
}

#[test]
fn accepted_vanished_users_are_disabled() {
    let mut world = settled();
    for number in 3..30 {
        world.people.hide(&format!("user{number}"));
    }
    assert!(world.cycle().source_fault);
    assert_eq!(world.sent(), []);
    world.accept_vanished = true;
    world.clean_cycle();
    assert_eq!(
        (world.active("user2"), world.active("user3"), world.active("user29")),
        (Some(true), Some(false), Some(false))
    );
    world.accept_vanished = false;
    world.sent();
    world.clean_cycle();
    assert_eq!(world.requests(), [""; 0]);
}

#[test]
fn fewer_than_the_least_number_may_always_vanish() {
    let mut world = settled();
    for number in 12..30 {
        world.people.hide(&format!("user{number}"));
    }
    world.clean_cycle();
    assert_eq!((world.active("user11"), world.active("user12")), (Some(true), Some(false)));
}

#[test]
fn a_fault_in_the_first_cycle_leaves_it_to_be_an_initial_one() {
    let mut world = World::new("");
    world.people.user("u", &[]).assign("u");
    world.saves = false;
    world.project.write("directory/users.csv", "");
    assert!(world.cycle().source_fault);
    assert_eq!((world.job().watermark, world.sent()), (None, Vec::new()));
    world.saves = true;
    world.clean_cycle();
    assert!(world.held("u").is_some());
}
