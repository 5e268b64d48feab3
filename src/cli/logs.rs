//! `logs`: the provisioning log, with the exchanges behind it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::arguments::{LogStatus, LogsArguments};
use super::context::Context;
use super::session::{Session, store_failure, wait_to_look};
use super::{Exit, Failure};
use crate::client::{Exchange, Filter, JournalError, Pseudonyms, file_name, har, one_line, read};
use crate::engine::entry::{Entry, seconds, summary};
use crate::engine::phase_of;
use crate::engine::spec::JobSpec;
use crate::engine::{audit, export};
use crate::private;
use crate::runner::journal_folder;
use crate::store::{AuditRow, LogFilter, LogRow, Resolved, Store};

/// So many entries are shown when nothing else is asked for.
const ENTRIES_SHOWN: u32 = 100;

pub(super) fn run(context: &Context, arguments: &LogsArguments) -> Result<Exit, Failure> {
    let session = Session::look(context)?;
    let until = session.store.log_mark().map_err(|error| store_failure(&error))?;
    let rows = chosen(&session, arguments, (0, until))?;
    let pseudonyms = if arguments.redact {
        Some(Pseudonyms::kept_in(&session.config.state_dir).map_err(|error| {
            Failure::new(Exit::Usage, "the key of the pseudonyms can't be had").because(&error)
        })?)
    } else {
        None
    };
    if let Some(form) = Form::of(arguments) {
        return write_exchanges(context, &session, (arguments, form), &rows, pseudonyms.as_ref());
    }
    if arguments.audit {
        return show_audit(context, &session, arguments, &rows);
    }
    if arguments.csv.is_some() || arguments.monitor {
        return export_entries(context, &session, arguments, &rows, pseudonyms.as_ref());
    }
    show(context, &session, arguments, &rows, pseudonyms.as_ref())?;
    if arguments.follow {
        return follow(context, arguments, pseudonyms.as_ref(), until);
    }
    if rows.is_empty() {
        context.output.note("no entries");
    }
    Ok(Exit::Fine)
}

/// Shows entries as they come, until nobody reads any more. The state is opened anew each time: it may not be there
/// yet, and nobody is to be kept from moving it.
fn follow(
    context: &Context,
    arguments: &LogsArguments,
    pseudonyms: Option<&Pseudonyms>,
    mut seen: i64,
) -> Result<Exit, Failure> {
    loop {
        wait_to_look();
        let session = Session::look(context)?;
        let until = session.store.log_mark().map_err(|error| store_failure(&error))?;
        if until != seen {
            let rows = chosen(&session, arguments, (seen, until))?;
            show(context, &session, arguments, &rows, pseudonyms)?;
            seen = until;
        }
    }
}

/// The entries for other programs: the files of the portal's download, or rows of Azure Monitor.
fn export_entries(
    context: &Context,
    session: &Session,
    arguments: &LogsArguments,
    rows: &[LogRow],
    pseudonyms: Option<&Pseudonyms>,
) -> Result<Exit, Failure> {
    let records = records(session, rows, pseudonyms)?;
    match &arguments.csv {
        Some(folder) => write_csv(context, &records, folder, pseudonyms.is_some())?,
        None => {
            for record in &records {
                context.output.json_line(&export::monitor_row(record))?;
            }
        }
    }
    Ok(Exit::Fine)
}

/// The entries in Graph's form.
fn records(
    session: &Session,
    rows: &[LogRow],
    pseudonyms: Option<&Pseudonyms>,
) -> Result<Vec<Value>, Failure> {
    let spec = JobSpec::new(&session.config, &session.job, 1);
    rows.iter()
        .map(|row| {
            let mut record = record(session, &spec, row)?;
            if let Some(pseudonyms) = pseudonyms {
                pseudonyms.log_entry(&mut record);
            }
            Ok(record)
        })
        .collect()
}

fn record(session: &Session, spec: &JobSpec, row: &LogRow) -> Result<Value, Failure> {
    let cycle_id = session.store.cycle_id(&session.job.name, row.cycle);
    let cycle_id = cycle_id.map_err(|error| store_failure(&error))?.unwrap_or_default();
    summary(spec, &cycle_id, row).map_err(|error| store_failure(&error.into()))
}

/// Writes the three files of the portal's download; older ones of these names are replaced.
fn write_csv(context: &Context, records: &[Value], folder: &Path, is_masked: bool) -> Result<(), Failure> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::new(Exit::Usage, format!("can not write `{}`", path.display())).because(error)
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let files = export::csv_files(records).map_err(|error| failed(folder, &error.into()))?;
    for (name, bytes) in export::CSV_FILES.iter().zip(files) {
        let path = folder.join(name);
        write_out(&path, &bytes, is_masked).map_err(|error| failed(&path, &error))?;
    }
    context.output.note(&format!("{} entries written to {}", records.len(), folder.display()));
    Ok(())
}

fn show_audit(
    context: &Context,
    session: &Session,
    arguments: &LogsArguments,
    rows: &[LogRow],
) -> Result<Exit, Failure> {
    let spec = JobSpec::new(&session.config, &session.job, 1);
    let store = &session.store;
    if context.output.is_json() {
        let entries =
            audit::entries(store, &spec, rows, arguments.cycle).map_err(|error| store_failure(&error))?;
        entries.iter().try_for_each(|entry| context.output.json_line(entry))?;
        return Ok(Exit::Fine);
    }
    let entries = store.audit(&session.job.name).map_err(|error| store_failure(&error))?;
    let of_cycle = |row: &&AuditRow| arguments.cycle.is_none() || row.cycle == arguments.cycle;
    let chosen: Vec<&AuditRow> = entries.iter().filter(of_cycle).collect();
    let limit = usize::try_from(arguments.limit.unwrap_or(ENTRIES_SHOWN)).unwrap_or(usize::MAX);
    for row in chosen.iter().skip(chosen.len().saturating_sub(limit)) {
        let code = row.error_code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
        context.output.text(&format!("{}  {}{code}  {}", seconds(row.at), row.activity, row.details))?;
    }
    if chosen.is_empty() {
        context.output.note("no entries");
    }
    Ok(Exit::Fine)
}

/// The entries that the arguments choose.
fn chosen(session: &Session, arguments: &LogsArguments, written: (i64, i64)) -> Result<Vec<LogRow>, Failure> {
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
        action: arguments.action.map(|action| action.as_str().to_owned()),
        object,
        cycle: arguments.cycle,
        limit: Some(arguments.limit.unwrap_or(if arguments.is_whole() || 0 < written.0 {
            u32::MAX
        } else {
            ENTRIES_SHOWN
        })),
        written: Some(written),
    };
    store.log_entries(&session.job.name, &filter).map_err(|error| store_failure(&error))
}

fn show(
    context: &Context,
    session: &Session,
    arguments: &LogsArguments,
    rows: &[LogRow],
    pseudonyms: Option<&Pseudonyms>,
) -> Result<(), Failure> {
    let spec = JobSpec::new(&session.config, &session.job, 1);
    let store = &session.store;
    let exchanges = if arguments.wire { by_object(read_exchanges(session)?) } else { BTreeMap::new() };
    for row in rows {
        let wire = match exchanges.get(&(row.cycle.unsigned_abs(), row.source_id.clone())) {
            Some(all) => behind(store, &session.job.name, row, all)?,
            None => Vec::new(),
        };
        let wire: Vec<Cow<'_, Exchange>> = wire
            .into_iter()
            .map(|exchange| match pseudonyms {
                Some(pseudonyms) => Cow::Owned(pseudonyms.exchange(exchange)),
                None => Cow::Borrowed(exchange),
            })
            .collect();
        let mut record = record(session, &spec, row)?;
        if context.output.is_json() {
            if let Some(pseudonyms) = pseudonyms {
                pseudonyms.log_entry(&mut record);
            }
            if arguments.wire
                && let Some(members) = record.as_object_mut()
            {
                let wire = serde_json::to_value(&wire).map_err(|error| store_failure(&error.into()))?;
                members.insert("exchanges".to_owned(), wire);
            }
            context.output.json_line(&record)?;
        } else {
            let line = line(row)?;
            context
                .output
                .text(&pseudonyms.map_or(line.clone(), |pseudonyms| pseudonyms.line_about(&record, &line)))?;
            for exchange in &wire {
                context.output.text(&format!(
                    "    {:>6} ms  {}",
                    exchange.duration_ms,
                    one_line(exchange)
                ))?;
            }
        }
    }
    Ok(())
}

/// The form in which exchanges go into a file.
enum Form<'a> {
    Har(&'a Path),
    /// Lines of a journal.
    Lines(&'a Path),
}

impl<'a> Form<'a> {
    /// `None` when they are not asked for.
    fn of(arguments: &'a LogsArguments) -> Option<Self> {
        let har = arguments.har.as_deref().map(Self::Har);
        har.or_else(|| arguments.jsonl.as_deref().map(Self::Lines))
    }
}

/// Writes the exchanges behind the entries, or the whole journal when nothing chooses among them: as HAR, or as lines of
/// a journal.
fn write_exchanges(
    context: &Context,
    session: &Session,
    (arguments, form): (&LogsArguments, Form<'_>),
    rows: &[LogRow],
    pseudonyms: Option<&Pseudonyms>,
) -> Result<Exit, Failure> {
    let LogsArguments { status, action, object, limit, cycle, .. } = arguments;
    let all = read_exchanges(session)?;
    let mut exchanges =
        if status.is_none() && action.is_none() && object.is_none() && limit.is_none() && cycle.is_none() {
            all
        } else {
            let by_object = by_object(all);
            let mut exchanges = Vec::new();
            for row in rows {
                if let Some(all) = by_object.get(&(row.cycle.unsigned_abs(), row.source_id.clone())) {
                    exchanges
                        .extend(behind(&session.store, &session.job.name, row, all)?.into_iter().cloned());
                }
            }
            exchanges
        };
    if let Some(pseudonyms) = pseudonyms {
        exchanges = exchanges.iter().map(|exchange| pseudonyms.exchange(exchange)).collect();
    }
    let (file, text) = match form {
        Form::Har(file) => (file, format!("{:#}\n", har(&exchanges))),
        Form::Lines(file) => {
            let lines = exchanges.iter().map(|exchange| Ok(serde_json::to_string(exchange)? + "\n"));
            let lines = lines.collect::<Result<String, serde_json::Error>>();
            (file, lines.map_err(|error| store_failure(&error.into()))?)
        }
    };
    if file == Path::new("-") {
        if !text.is_empty() {
            context.output.text(text.trim_end())?;
        }
    } else {
        write_out(file, text.as_bytes(), pseudonyms.is_some()).map_err(|error| {
            Failure::new(Exit::Usage, format!("can not write `{}`", file.display())).because(&error)
        })?;
        context.output.note(&format!("{} exchanges written to {}", exchanges.len(), file.display()));
    }
    Ok(Exit::Fine)
}

/// Writes a file, its owner's alone where people are named in it.
fn write_out(path: &Path, bytes: &[u8], is_masked: bool) -> std::io::Result<()> {
    // A pipe, or what a link leads to, is written to and not replaced.
    let is_other = std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file());
    if is_masked || is_other { std::fs::write(path, bytes) } else { private::write(path, bytes) }
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

/// The exchanges of the job's journal in the order in which they were sent.
fn read_exchanges(session: &Session) -> Result<Vec<Exchange>, Failure> {
    let file = journal_folder(&session.config).join(file_name(&session.job.name));
    let failed =
        |error: &JournalError| Failure::new(Exit::Usage, "the wire journal can't be read").because(error);
    let mut exchanges = Vec::new();
    for exchange in read(&file, Filter::all()).map_err(|error| failed(&error))? {
        match exchange {
            Ok(exchange) => exchanges.push(exchange),
            Err(torn @ JournalError::Torn { .. }) => {
                tracing::info!(%torn, "a line of the journal was skipped");
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(exchanges)
}

/// Those of objects, by cycle and objectId.
fn by_object(exchanges: Vec<Exchange>) -> BTreeMap<(u64, String), Vec<Exchange>> {
    let mut found: BTreeMap<(u64, String), Vec<Exchange>> = BTreeMap::new();
    for exchange in exchanges {
        if let (Some(cycle), Some(object)) = (exchange.about.cycle, &exchange.about.object) {
            found.entry((cycle, object.source_id.clone())).or_default().push(exchange);
        }
    }
    found
}

fn status_name(status: LogStatus) -> &'static str {
    match status {
        LogStatus::Success => "success",
        LogStatus::Failure => "failure",
        LogStatus::Skipped => "skipped",
        LogStatus::Warning => "warning",
    }
}
