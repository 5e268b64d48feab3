//! `logs`: the provisioning log, with the exchanges behind it.

use std::collections::BTreeMap;

use super::arguments::{LogAction, LogStatus, LogsArguments};
use super::context::Context;
use super::session::{Session, store_failure};
use super::{Exit, Failure};
use crate::client::{Exchange, Filter, file_name, one_line};
use crate::engine::entry::{Entry, seconds, summary};
use crate::engine::phase_of;
use crate::engine::spec::JobSpec;
use crate::runner::journal_folder;
use crate::store::{LogFilter, LogRow, Resolved, Store};

/// So many entries are shown when nothing else is asked for.
const ENTRIES_SHOWN: u32 = 100;

pub(super) fn run(context: &Context, arguments: &LogsArguments) -> Result<Exit, Failure> {
    let session = Session::look(context)?;
    let spec = JobSpec::new(&session.config, &session.job, 1);
    let store = &session.store;
    let object = match &arguments.object {
        Some(text) => Some(match store.resolve(text).map_err(|error| store_failure(&error))? {
            Resolved::One(_, id) => id,
            Resolved::Unknown | Resolved::Several(_) => text.clone(),
        }),
        None => None,
    };
    let filter = LogFilter {
        status: arguments.status.map(|status| status_name(status).to_owned()),
        action: arguments.action.map(|action| action_name(action).to_owned()),
        object,
        cycle: None,
        limit: Some(arguments.limit.unwrap_or(ENTRIES_SHOWN)),
    };
    let rows = store.log_entries(&session.job.name, &filter).map_err(|error| store_failure(&error))?;
    let exchanges = if arguments.wire {
        read_exchanges(&journal_folder(&session.config).join(file_name(&session.job.name)))?
    } else {
        BTreeMap::new()
    };
    for row in &rows {
        let wire = match exchanges.get(&(row.cycle.unsigned_abs(), row.source_id.clone())) {
            Some(all) => behind(store, &session.job.name, row, all)?,
            None => Vec::new(),
        };
        if context.output.is_json() {
            let cycle_id = store
                .cycle_id(&session.job.name, row.cycle)
                .map_err(|error| store_failure(&error))?
                .unwrap_or_default();
            let mut record = summary(&spec, &cycle_id, row)
                .map_err(|error| store_failure(&crate::store::StoreError::from(error)))?;
            if arguments.wire
                && let Some(members) = record.as_object_mut()
            {
                let wire = serde_json::to_value(&wire).map_err(|error| store_failure(&error.into()))?;
                members.insert("exchanges".to_owned(), wire);
            }
            context.output.json_line(&record)?;
        } else {
            context.output.text(&line(row)?)?;
            for exchange in &wire {
                context.output.text(&format!("    {}", one_line(exchange)))?;
            }
        }
    }
    if rows.is_empty() {
        context.output.note("no entries");
    }
    Ok(Exit::Fine)
}

fn line(row: &LogRow) -> Result<String, Failure> {
    let entry: Entry = serde_json::from_str(&row.entry).map_err(|error| store_failure(&error.into()))?;
    let code = row.error_code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
    let mut text = format!(
        "{}  {:<7} {:<7}  {:<5} {}{code}  {}",
        seconds(row.at),
        row.status,
        row.action,
        row.kind.as_str(),
        row.label,
        entry.summary()
    );
    for warning in entry.steps.iter().filter_map(|step| step.details.get("Warning")) {
        text.push_str("\n    warning: ");
        text.push_str(warning);
    }
    if let Some(error) = &entry.error_information
        && row.status == "failure"
    {
        text.push_str("\n    ");
        text.push_str(&error.reason.replace('\n', "\n    "));
    }
    Ok(text)
}

/// The exchanges behind one entry: an object may have an entry for itself and one for its references, and each shows
/// what led to it.
fn behind<'e>(
    store: &Store,
    job: &str,
    row: &LogRow,
    all: &'e [Exchange],
) -> Result<Vec<&'e Exchange>, Failure> {
    let filter =
        LogFilter { object: Some(row.source_id.clone()), cycle: Some(row.cycle), ..LogFilter::default() };
    let entries = store.log_entries(job, &filter).map_err(|error| store_failure(&error))?;
    let here = phase_of(row.position);
    let before = entries.iter().map(|entry| phase_of(entry.position)).filter(|phase| *phase < here).max();
    Ok(all
        .iter()
        .filter(|exchange| {
            let phase = exchange.about.effect.split('.').next().and_then(|phase| phase.parse::<i64>().ok());
            phase.is_some_and(|phase| phase <= here && before.is_none_or(|before| before < phase))
        })
        .collect())
}

/// Exchanges by cycle and object, in the order in which they were sent.
fn read_exchanges(file: &std::path::Path) -> Result<BTreeMap<(u64, String), Vec<Exchange>>, Failure> {
    let mut found: BTreeMap<(u64, String), Vec<Exchange>> = BTreeMap::new();
    let failed = |error: &crate::client::JournalError| {
        Failure::new(Exit::Usage, "the wire journal can't be read").because(error)
    };
    for exchange in crate::client::read(file, Filter::all()).map_err(|error| failed(&error))? {
        let exchange = match exchange {
            Ok(exchange) => exchange,
            Err(torn @ crate::client::JournalError::Torn { .. }) => {
                tracing::info!(%torn, "a line of the journal was skipped");
                continue;
            }
            Err(error) => return Err(failed(&error)),
        };
        if let (Some(cycle), Some(object)) = (exchange.about.cycle, &exchange.about.object) {
            found.entry((cycle, object.source_id.clone())).or_default().push(exchange);
        }
    }
    Ok(found)
}

fn status_name(status: LogStatus) -> &'static str {
    match status {
        LogStatus::Success => "success",
        LogStatus::Failure => "failure",
        LogStatus::Skipped => "skipped",
        LogStatus::Warning => "warning",
    }
}

fn action_name(action: LogAction) -> &'static str {
    match action {
        LogAction::Create => "create",
        LogAction::Update => "update",
        LogAction::Delete => "delete",
        LogAction::Disable => "disable",
        LogAction::Other => "other",
    }
}
