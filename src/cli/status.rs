//! `status`: how the jobs stand.

use std::io::IsTerminal as _;

use jiff::Unit;
use serde_json::{Value, json};

use super::arguments::StatusArguments;
use super::context::Context;
use super::output::{Output, relative, table};
use super::schema::imported_note;
use super::session::{now, store_failure, wait_to_look};
use super::{Exit, Failure};
use crate::clock::{Clock as _, JobClock, Timestamp};
use crate::config::{Config, JobConfig};
use crate::daemon::due::{Due, next_due};
use crate::daemon::standing_of;
use crate::directory::object::ObjectKind;
use crate::engine::entry::seconds;
use crate::engine::spec::JobSpec;
use crate::engine::status::{quarantine, synchronization_job};
use crate::store::{Execution, Store, StoreError};

/// Moves to the upper left corner of a terminal and clears what follows.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

pub(super) fn run(context: &Context, arguments: &StatusArguments) -> Result<Exit, Failure> {
    let config = context.config()?;
    let jobs = context.jobs(&config)?;
    if arguments.watch {
        return watch(context.output, &config, &jobs);
    }
    let seen = look(&config, &jobs).map_err(|error| store_failure(&error))?;
    for job in seen.jobs.iter().filter(|job| job.imported) {
        context.output.note(&imported_note(&job.name));
    }
    if let Some(at) = seen.virtual_time {
        context.output.note(&format!("job time is virtual and stands at {}", seconds(at)));
    }
    if context.output.is_json() {
        context.output.json(&seen.to_json())?;
    } else {
        context.output.text(&seen.to_text())?;
    }
    Ok(if seen.jobs.iter().any(|job| job.quarantined) { Exit::Quarantine } else { Exit::Fine })
}

/// Shows how the jobs stand until stopped: on a terminal the whole time, else whenever something has changed.
fn watch(output: Output, config: &Config, jobs: &[&JobConfig]) -> Result<Exit, Failure> {
    let redraws = !output.is_json() && std::io::stdout().is_terminal();
    let mut shown: Option<Vec<Job>> = None;
    loop {
        let seen = look(config, jobs).map_err(|error| store_failure(&error))?;
        if redraws {
            output.text(&format!("{CLEAR}{}   {}", seen.to_text(), seconds(seen.now)))?;
        } else if shown.as_ref() != Some(&seen.jobs) {
            if output.is_json() {
                output.json_line(&seen.to_json())?;
            } else {
                output.text(&format!("{}\n{}", seconds(seen.now), seen.to_text()))?;
            }
        }
        shown = Some(seen.jobs);
        wait_to_look();
    }
}

/// How all jobs stand.
struct Seen {
    now: Timestamp,
    virtual_time: Option<Timestamp>,
    jobs: Vec<Job>,
}

/// How one job stands.
#[derive(PartialEq)]
struct Job {
    name: String,
    /// `synchronizationJob`.
    record: Value,
    due: Due,
    linked: (u64, u64),
    escrows: usize,
    /// Whether a cycle has begun, or somebody has stopped the job before.
    started: bool,
    quarantined: bool,
    /// Whether it runs a schema that was imported.
    imported: bool,
    /// The run that shows progress, when one is under way or was killed.
    under_way: Option<Execution>,
    /// The last run that ended.
    last: Option<Execution>,
}

fn look(config: &Config, jobs: &[&JobConfig]) -> Result<Seen, StoreError> {
    let store = match Store::open_existing(&config.state_dir)? {
        Some(store) => store,
        None => Store::in_memory()?,
    };
    let now = now(&store);
    let virtual_time = match store.clock() {
        JobClock::Virtual(clock) => Some(clock.now()),
        JobClock::Real => None,
    };
    let jobs = jobs.iter().map(|job| look_at(config, job, &store, now)).collect::<Result<_, _>>()?;
    Ok(Seen { now, virtual_time, jobs })
}

fn look_at(config: &Config, job: &JobConfig, store: &Store, now: Timestamp) -> Result<Job, StoreError> {
    let spec = JobSpec::new(config, job, 1);
    let row = store.job(&job.name)?;
    let under_way = match store.progress(&job.name)? {
        Some(progress) => store.execution(&job.name, progress.cycle)?,
        None => None,
    };
    let last = store.executions(&job.name, 1)?.pop();
    Ok(Job {
        name: job.name.clone(),
        record: synchronization_job(&spec, store)?,
        due: next_due(&standing_of(row.as_ref(), job)?, now),
        linked: (
            store.link_count(&job.name, ObjectKind::User)?,
            store.link_count(&job.name, ObjectKind::Group)?,
        ),
        escrows: store.escrows(&job.name)?.len(),
        started: store.has_begun(&job.name)? || row.as_ref().is_some_and(|row| row.paused),
        quarantined: row.as_ref().map(quarantine).transpose()?.flatten().is_some(),
        imported: store.job_schema(&job.name)?.is_some(),
        under_way,
        last,
    })
}

fn kind_of(run: &Execution) -> &'static str {
    if run.initial { "initial" } else { "incremental" }
}

impl Seen {
    /// One record as it is, several as a Graph collection.
    fn to_json(&self) -> Value {
        let mut records = self.jobs.iter().map(|job| job.record.clone());
        match (records.next(), self.jobs.len()) {
            (Some(record), 1) => record,
            (first, _) => json!({ "value": first.into_iter().chain(records).collect::<Vec<_>>() }),
        }
    }

    fn to_text(&self) -> String {
        let headings = ["job", "status", "last run", "ended", "next cycle", "users", "groups", "escrows"];
        let mut text = table(&headings, self.jobs.iter().map(|job| job.to_row(self.now)));
        for line in self.jobs.iter().filter_map(Job::progress) {
            text.extend(["\n", &line]);
        }
        // Of one job the rest of what the portal's progress view shows.
        if let [job] = self.jobs.as_slice() {
            for line in job.last_cycle() {
                text.extend(["\n", &line]);
            }
        }
        text
    }
}

impl Job {
    /// The cycle that is under way, and how much of it is done (`engine.md 10`).
    fn progress(&self) -> Option<String> {
        let units = |name: &str| self.record.pointer(&format!("/status/progress/0/{name}"))?.as_u64();
        let (completed, total) = (units("completedUnits")?, units("totalUnits")?);
        let percent = completed.saturating_mul(100).checked_div(total).unwrap_or(100);
        let kind = kind_of(self.under_way.as_ref()?);
        Some(format!("{}: {kind} cycle under way, {percent} % ({completed} of {total} pages)", self.name))
    }

    /// The last cycle that ended, with the two ids that support asks for.
    fn last_cycle(&self) -> Vec<String> {
        let Some((last, ended)) = self.last.as_ref().and_then(|last| Some((last, last.ended?))) else {
            return Vec::new();
        };
        vec![
            format!(
                "{}: {} cycle {} ended at {} after {:#}",
                self.name,
                kind_of(last),
                last.cycle,
                seconds(ended),
                ended.duration_since(last.began).round(Unit::Second).unwrap_or_default()
            ),
            format!("  held as links  users {}, groups {}", self.linked.0, self.linked.1),
            format!("  Activity ID    {}", last.id),
            format!(
                "  Job ID         {}",
                self.record.pointer("/id").and_then(Value::as_str).unwrap_or_default()
            ),
        ]
    }

    fn to_row(&self, now: Timestamp) -> Vec<String> {
        let status = |path: &str| {
            let value = self.record.pointer(&format!("/status/{path}"));
            value.and_then(Value::as_str).unwrap_or_default()
        };
        let ended_at = self.last.as_ref().and_then(|last| last.ended);
        vec![
            self.name.clone(),
            // The codes of a job that nobody started would read as if somebody had stopped it.
            if self.started { status("code").to_owned() } else { "not started".to_owned() },
            if self.last.is_some() {
                status("lastExecution/state").to_owned()
            } else {
                "never run".to_owned()
            },
            ended_at.map_or_else(|| "never".to_owned(), |at| relative(at, now)),
            match self.due {
                Due::Now => "now".to_owned(),
                Due::At(at) => relative(at, now),
                Due::Never => "never".to_owned(),
            },
            self.linked.0.to_string(),
            self.linked.1.to_string(),
            self.escrows.to_string(),
        ]
    }
}
