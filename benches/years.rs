//! How long two virtual years take: cycles of 40 minutes over 1,000 users, and where the time goes.
//! `cargo bench --bench years`, or `cargo bench --bench years -- 30` for so many days.
//!
//! The aim is 20 s. It is reported, and not judged: `docs/speed.md` has what it came to, and what each part stands for.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a report for people, which stops where something is wrong"
)]

#[path = "years/life.rs"]
mod life;
#[path = "years/parts.rs"]
mod parts;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scimulator::clock::{SignedDuration, Timestamp, VirtualClock, WireInstant};
use scimulator::config::{self, Config};
use scimulator::daemon::{Settings, VirtualJobs, Wish};
use scimulator::scenario::{self, Options};
use scimulator::store::Store;

use life::Life;

/// Users at the start; as many join as leave.
const USERS: u32 = 1_000;
/// Two years.
const DAYS: u32 = 730;
const SEED: u64 = 7;
/// So many of them with state on disk, where each cycle reads the directory's files and the app's content anew.
const DAYS_ON_DISK: u32 = 20;
/// A day, in which 36 cycles are due.
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn main() {
    let days = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(DAYS);
    println!("{days} days, {USERS} users");
    println!("{:<28} {:>8} {:>8} {:>8} {:>9} {:>9}", "", "wall s", "cpu s", "cycles", "requests", "cycles/s");
    as_scenario(days);
    as_advance(days.min(DAYS_ON_DISK));
    parts::run(days);
}

/// A moment at which all runs begin, a Monday.
fn start() -> Timestamp {
    "2026-01-05T08:00:00Z".parse().expect("a time")
}

/// As a scenario with a step a day: the directory is changed by edits, everything is in memory.
fn as_scenario(days: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut life = Life::new(USERS, SEED);
    life.write(folder.path());
    let text = life.scenario(days);
    let spent = Spent::begin();
    let (scenario, _warnings) = scenario::parse(&text, &folder.path().join("years.toml"))
        .unwrap_or_else(|findings| panic!("{findings:?}"));
    let report = scenario::run(&scenario, &Options::embedded());
    spent.told("scenario run", report.cycles, Some(report.exchanges.len()));
    assert!(report.is_fine(), "{report}");
}

/// As `scimulator advance --by 1d` does it, day after day: files in a folder that are written anew each morning, state
/// on disk, the app's content kept there.
fn as_advance(days: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut life = Life::new(USERS, SEED);
    let config = project(folder.path(), &life);
    let mut store = Store::open(&config.state_dir).expect("a new state");
    store.set_virtual_time(Some(start())).expect("a new state");
    let settings = Arc::new(Settings::new((config, Vec::new()), None));
    let mut jobs = VirtualJobs::new(&settings, store, &VirtualClock::new(start()));
    let wish = Wish { by: Some(DAY), until: None, job: None };
    let spent = Spent::begin();
    let mut cycles = 0;
    for _ in 0..days {
        let advanced = jobs.advance(&wish, &mut |_| true).expect("a sound state");
        assert_eq!(advanced.source_fault, None);
        cycles += advanced.cycles.values().sum::<u64>();
        life.day();
        life.write(&folder.path().join("directory"));
    }
    spent.told(&format!("advance, on disk, {days} days"), cycles, None);
}

/// A project folder with the directory as it is.
fn project(folder: &Path, life: &Life) -> Config {
    let directory = folder.join("directory");
    std::fs::create_dir(&directory).expect("a folder");
    life.write(&directory);
    let file = folder.join("scimulator.toml");
    let text = "[directory]\npath = \"directory\"\nseed = 7\n\n[[job]]\nname = \"years\"\ntenant_url = \"embedded\"\n";
    std::fs::write(&file, text).expect("a file");
    let (config, _warnings) = config::load(&file).unwrap_or_else(|findings| panic!("{findings:?}"));
    config
}

/// Time that something takes.
struct Spent {
    began: WireInstant,
    cpu: Option<Duration>,
}

impl Spent {
    fn begin() -> Self {
        Self { began: WireInstant::now(), cpu: cpu_time() }
    }

    /// Prints a row of the table.
    fn told(&self, what: &str, cycles: u64, requests: Option<usize>) {
        let wall = self.began.elapsed().as_secs_f64();
        let cpu = cpu_time().zip(self.cpu).map(|(now, then)| now.saturating_sub(then).as_secs_f64());
        let cpu_shown = cpu.map_or("-".to_owned(), |cpu| format!("{cpu:.2}"));
        let requests = requests.map_or("-".to_owned(), |requests| requests.to_string());
        let rate = f64::from(u32::try_from(cycles).unwrap_or(u32::MAX)) / cpu.unwrap_or(wall);
        println!("{what:<28} {wall:>8.2} {cpu_shown:>8} {cycles:>8} {requests:>9} {rate:>9.0}");
    }
}

/// Processor time of this thread, which does everything, where the operating system tells.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
