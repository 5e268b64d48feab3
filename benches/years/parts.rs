//! Where the time goes: the same life without troubles, with a stopwatch on everything that a cycle is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scimulator::client::Exchange;
use scimulator::clock::{Clock as _, Timestamp, VirtualClock, WireInstant};
use scimulator::daemon::due::{Due, next_due};
use scimulator::daemon::standing_of;
use scimulator::directory::import::import;
use scimulator::engine::drive::{Delivery, InProcess, Ports};
use scimulator::engine::spec::EMBEDDED_PATH;
use scimulator::engine::{EngineError, Event, ImportOutcome, Purpose};
use scimulator::http::Request;
use scimulator::runner::{self, Job};
use scimulator::store::Store;
use scimulator::target::{App, AppOptions};

use crate::life::Life;
use crate::{DAY, SEED, Spent, USERS, project, start};

/// Statements that the table names; the others are summed up.
const STATEMENTS: usize = 6;

/// Time and number of runs of each statement outside of imports.
type Statements = Arc<Mutex<BTreeMap<String, (Duration, u64)>>>;

/// The ports of the job. Its directory is read between cycles, once a day.
#[derive(Default)]
struct Counted {
    exchanges: usize,
}

impl Ports for Counted {
    fn import(&mut self, _store: &mut Store, _now: Timestamp) -> Result<ImportOutcome, EngineError> {
        Ok(ImportOutcome::Done)
    }

    fn exchanged(&mut self, _exchange: &Exchange) {
        self.exchanges += 1;
    }

    fn logged(&mut self, _event: &Event) {}

    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}
}

struct Timed {
    app: App,
    spent: Duration,
}

impl InProcess for Timed {
    fn handle(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Delivery {
        let began = WireInstant::now();
        let delivery = InProcess::handle(&mut self.app, request, label, now);
        self.spent += began.elapsed();
        delivery
    }
}

/// Runs so many days and prints what each part took.
pub(super) fn run(days: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut life = Life::new(USERS, SEED);
    let config = project(folder.path(), &life);
    let job_config = config.jobs.first().expect("a job");
    let job = Job::new(&config, job_config, &|_| None).expect("a sound job");
    let statements = Statements::default();
    let mut store = Store::in_memory().expect("memory");
    let source = runner::source(&config);
    let read = |store: &mut Store, now| {
        let began = WireInstant::now();
        import(store, &source, now).expect("a sound directory");
        began.elapsed()
    };
    let told = Arc::clone(&statements);
    store
        .time_statements(move |sql, took| {
            let mut told = told.lock().expect("one thread");
            match told.get_mut(sql) {
                Some((spent, runs)) => (*spent, *runs) = (*spent + took, *runs + 1),
                None => drop(told.insert(sql.to_owned(), (took, 1))),
            }
        })
        .expect("a store");
    let options = AppOptions { base_path: EMBEDDED_PATH.to_owned(), ..AppOptions::default() };
    let mut app = Timed { app: App::new(options), spent: Duration::ZERO };
    let mut ports = Counted::default();
    let clock = VirtualClock::new(start());
    let (spent, mut cycles, mut in_cycles, mut reading) = (Spent::begin(), 0, Duration::ZERO, Duration::ZERO);
    let mut morning = start();
    for _ in 0..days {
        // Apart from the cycles, and its statements with it.
        let before = statements.lock().expect("one thread").clone();
        reading += read(&mut store, clock.now());
        *statements.lock().expect("one thread") = before;
        morning = morning.saturating_add(DAY).unwrap_or(Timestamp::MAX);
        loop {
            let row = store.job(&job.spec().name).expect("a store");
            match next_due(&standing_of(row.as_ref(), job_config).expect("a store"), clock.now()) {
                Due::Now => {
                    let began = WireInstant::now();
                    job.cycle_on(&mut store, &clock, Purpose::Cycle, &mut ports, &mut app).expect("a cycle");
                    in_cycles += began.elapsed();
                    cycles += 1;
                }
                Due::At(at) if at < morning => clock.advance_to(at),
                Due::At(_) | Due::Never => break,
            }
        }
        clock.advance_to(morning);
        life.day();
        life.write(&folder.path().join("directory"));
    }
    spent.told("in parts, with stopwatches", cycles, Some(ports.exchanges));
    let statements = std::mem::take(&mut *statements.lock().expect("one thread"));
    let in_store: Duration = statements.values().map(|(spent, _)| *spent).sum();
    let share = |part: Duration| 100.0 * part.as_secs_f64() / in_cycles.as_secs_f64();
    let row = |what: &str, part: Duration| println!("  {what:<70} {:>5.1} %", share(part));
    let (cycles_s, reading_s) = (in_cycles.as_secs_f64(), reading.as_secs_f64());
    println!(
        "\n  of {cycles_s:.2} s in cycles; reading the files anew each morning took another {reading_s:.2} s"
    );
    let in_engine = in_cycles.saturating_sub(app.spent).saturating_sub(in_store);
    row("embedded app", app.spent);
    row("engine: scope, matching, mapping, JSON, log entries, records of exchanges", in_engine);
    row("store: statements", in_store);
    let mut sorted: Vec<_> = statements.iter().collect();
    sorted.sort_by_key(|(_, (spent, _))| std::cmp::Reverse(*spent));
    for (sql, (part, runs)) in sorted.into_iter().take(STATEMENTS) {
        let words: Vec<&str> = sql.split_whitespace().collect();
        let short: String = words.join(" ").chars().take(50).collect();
        row(&format!("  {short:<52} {runs:>9} runs"), *part);
    }
}
