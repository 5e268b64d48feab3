//! `test-connection`: the probe of Test Connection (`wire.md 1.5`).

use serde_json::{Value, json};

use super::context::Context;
use super::session::{Session, exit_of, run_failure};
use super::{Exit, Failure};
use crate::client::{Exchange, MASK, one_line};
use crate::config::JobConfig;
use crate::engine::{Purpose, RunState};
use crate::runner::{Mode, Watch};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let mut session = Session::look(context)?;
    let job = session.ready()?;
    let clock = session.store.clock().clone();
    let mut watch = Requests::default();
    let result = job
        .cycle(&mut session.store, &clock, Purpose::TestConnection, Mode::Plan, &mut watch)
        .map_err(|error| run_failure(&error))?;
    let error = &result.statistics.error;
    let connected = result.state != RunState::Failed;
    if context.output.is_json() {
        context.output.json(&json!({
            "job": session.job.name,
            "credentials": credentials(&session.job),
            "connected": connected,
            "error": if connected { None } else { Some(error) },
            "warnings": result.warnings,
            "exchanges": watch.0,
        }))?;
        return Ok(exit_of(&result));
    }
    for exchange in &watch.0 {
        context.output.text(&one_line(exchange))?;
    }
    for warning in &result.warnings {
        context.output.text(&format!("warning: {warning}"))?;
    }
    if connected {
        if watch.0.is_empty() {
            context.output.text("nothing was sent: `probe` is off for this job")?;
        } else {
            context.output.text("connected: Entra would accept this target")?;
        }
    } else {
        context.output.text(&format!("refused: {}\n{}", error.code, error.message))?;
        context.output.note(
            "Entra would refuse these settings; in a cycle the same answer puts the job into quarantine at once",
        );
    }
    Ok(exit_of(&result))
}

/// The connection's settings as `validateCredentials` takes them (`graph-api.md 4.2`), secrets masked.
fn credentials(job: &JobConfig) -> Vec<Value> {
    let shown = |(key, value): (&str, Option<String>)| json!({ "key": key, "value": value.unwrap_or_else(|| MASK.to_owned()) });
    job.connection().into_iter().map(shown).collect()
}

/// Keeps what was sent.
#[derive(Default)]
struct Requests(Vec<Exchange>);

impl Watch for Requests {
    fn exchanged(&mut self, exchange: &Exchange) {
        self.0.push(exchange.clone());
    }
}
