//! `status`: how the jobs stand.

use serde_json::{Value, json};

use super::context::Context;
use super::output::{relative, table};
use super::schema::imported_note;
use super::session::{now, store_failure};
use super::{Exit, Failure};
use crate::clock::{Clock as _, JobClock};
use crate::daemon::due::{Due, Standing, next_due};
use crate::engine::entry::seconds;
use crate::engine::spec::JobSpec;
use crate::engine::status::{quarantine, synchronization_job};
use crate::store::Store;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let config = context.config()?;
    let jobs = context.jobs(&config)?;
    let store = match Store::open_existing(&config.state_dir).map_err(|error| store_failure(&error))? {
        Some(store) => store,
        None => Store::in_memory().map_err(|error| store_failure(&error))?,
    };
    let now = now(&store);
    let mut quarantined = false;
    let (mut records, mut rows) = (Vec::new(), Vec::new());
    for job in jobs {
        let spec = JobSpec::new(&config, job, 1);
        if store.job_schema(&spec.name).map_err(|error| store_failure(&error))?.is_some() {
            context.output.note(&imported_note(&spec.name));
        }
        let record = synchronization_job(&spec, &store).map_err(|error| store_failure(&error))?;
        let row = store.job(&spec.name).map_err(|error| store_failure(&error))?;
        let escrows = store.escrows(&spec.name).map_err(|error| store_failure(&error))?.len();
        let state = match &row {
            Some(row) => quarantine(row).map_err(|error| store_failure(&error))?,
            None => None,
        };
        quarantined |= state.is_some();
        let status = |name: &str| {
            record.get("status").and_then(|status| status.get(name)).cloned().unwrap_or_default()
        };
        let last = status("lastExecution");
        // A cycle under way, or one that was cut off, is no last run.
        let ended = !store.executions(&spec.name, 1).map_err(|error| store_failure(&error))?.is_empty();
        let when = |name: &str| {
            last.get(name)
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
                .map_or_else(|| "never".to_owned(), |at| relative(at, now))
        };
        let standing = Standing::of(row.as_ref(), job.interval).map_err(|error| store_failure(&error))?;
        let linked = row.as_ref().map_or((0, 0), |row| row.linked);
        rows.push(vec![
            job.name.clone(),
            text(&status("code")),
            if ended { text(last.get("state").unwrap_or(&Value::Null)) } else { "never run".to_owned() },
            if ended { when("timeEnded") } else { "never".to_owned() },
            match next_due(&standing, now) {
                Due::Now => "now".to_owned(),
                Due::At(at) => relative(at, now),
                Due::Never => "never".to_owned(),
            },
            linked.0.to_string(),
            linked.1.to_string(),
            escrows.to_string(),
        ]);
        records.push(record);
    }
    if let JobClock::Virtual(clock) = store.clock() {
        context.output.note(&format!("job time is virtual and stands at {}", seconds(clock.now())));
    }
    if context.output.is_json() {
        let one = records.len() == 1;
        context.output.json(&match records.pop() {
            Some(record) if one => record,
            record => json!({ "value": records.into_iter().chain(record).collect::<Vec<_>>() }),
        })?;
    } else {
        let headings = ["job", "status", "last run", "ended", "next cycle", "users", "groups", "escrows"];
        context.output.text(&table(&headings, rows))?;
    }
    Ok(if quarantined { Exit::Quarantine } else { Exit::Fine })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
