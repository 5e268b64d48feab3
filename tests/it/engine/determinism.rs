//! Same seed, same bytes (design, law 5), for any number of workers.

use scimulator::clock::SignedDuration;
use scimulator::directory::generate::{Population, generate};
use scimulator::engine::Purpose;
use scimulator::http::Request;
use scimulator::store::LogFilter;

use super::harness::{JOB, World};

/// The wire journal and the provisioning log of a story.
#[derive(PartialEq, Eq)]
struct Told {
    journal: String,
    log: Vec<String>,
}

/// An initial cycle over a made-up directory, a change to every third user, two leavers and a group, an incremental
/// cycle, a full one.
fn told(workers: usize, latency: fn(&Request) -> SignedDuration) -> Told {
    const USERS: u32 = 200;
    let mut world = World::new("");
    world.workers = workers;
    world.saves = false;
    world.latency(latency);
    generate(&world.project.path("directory"), Population::new(USERS, 7)).unwrap();
    world.cycle();
    let users = world.project.read("directory/users.csv");
    let edited: Vec<String> = users
        .lines()
        .enumerate()
        .filter(|(row, _)| *row != 20 && *row != 21)
        .map(|(row, line)| if row % 3 == 1 { line.replace("True", "False") } else { line.to_owned() })
        .collect();
    assert_ne!(users.lines().count(), edited.len());
    world.project.write("directory/users.csv", &(edited.join("\n") + "\n"));
    let members = world.project.read("directory/members.csv");
    let fewer: Vec<&str> =
        members.lines().enumerate().filter(|(row, _)| row % 10 != 5).map(|(_, line)| line).collect();
    world.project.write("directory/members.csv", &(fewer.join("\n") + "\n"));
    world.restart();
    world.cycle();
    world.run(Purpose::InitialCycle);
    let journal = world.project.read(&format!("state/journal/{JOB}.jsonl"));
    assert!(journal.lines().count() > 500, "a story worth telling");
    let log = world.store().log_entries(JOB, &LogFilter::default()).unwrap();
    Told { journal, log: log.iter().map(|row| format!("{row:?}")).collect() }
}

fn none(_request: &Request) -> SignedDuration {
    SignedDuration::ZERO
}

/// From 0 to 996 ms, by the bytes of the request.
fn uneven(request: &Request) -> SignedDuration {
    let bytes = request.url.bytes().chain(request.body.iter().flatten().copied());
    let sum = bytes.fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 997);
    SignedDuration::from_millis(sum)
}

fn agree(left: &Told, right: &Told, what: &str) {
    let differing = left.journal.lines().zip(right.journal.lines()).find(|(left, right)| left != right);
    assert_eq!(differing, None, "{what}");
    assert!(left.journal == right.journal, "{what}: one journal is longer");
    let differing = left.log.iter().zip(&right.log).find(|(left, right)| left != right);
    assert_eq!(differing, None, "{what}");
    assert_eq!(left.log.len(), right.log.len(), "{what}");
}

#[test]
fn two_runs_agree_to_the_byte_with_one_worker_with_four_and_with_each_other() {
    let (one, four) = (told(1, none), told(4, none));
    agree(&one, &told(1, none), "one worker, twice");
    agree(&four, &told(4, none), "four workers, twice");
    agree(&one, &four, "one worker and four");
    scimulator::covers!("E-266");
}

#[test]
fn two_runs_agree_to_the_byte_when_every_answer_takes_its_own_time() {
    let first = told(4, uneven);
    agree(&first, &told(4, uneven), "four workers, twice");
    assert!(told(1, uneven).journal != first.journal, "with latency four workers overlap");
}

/// Phases never overlap, whatever the number of workers and however slow the answers are.
#[test]
fn users_groups_and_references_never_overlap() {
    const USERS: u32 = 60;
    let mut world = World::new("");
    world.workers = 4;
    world.saves = false;
    world.latency(uneven);
    generate(&world.project.path("directory"), Population::new(USERS, 3)).unwrap();
    world.cycle();
    let phase = |line: &String| match line {
        line if line.starts_with("GET /Users?") || line.starts_with("POST /Users") => 0,
        line if line.starts_with("GET /Groups?") || line.starts_with("POST /Groups") => 1,
        line if line.starts_with("PATCH /Users") => 2,
        line if line.starts_with("PATCH /Groups") => 3,
        line => panic!("`{line}` in a first cycle"),
    };
    let phases: Vec<i32> = world.requests().iter().map(phase).collect();
    assert!(phases.is_sorted() && phases.contains(&3));
    scimulator::covers!("W-154");
}
