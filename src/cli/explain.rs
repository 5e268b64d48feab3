//! `explain`: why something was or was not sent for a user or group.

use serde_json::{Value, json};

use super::arguments::ExplainArguments;
use super::context::Context;
use super::directory::{value_to_json, value_to_text};
use super::output::table;
use super::session::{Session, engine_failure, find, look_at_directory, next_retry, now, store_failure};
use super::{Exit, Failure};
use crate::client::{Exchange, Filter, JournalError, file_name, one_line, read};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::engine::decide::{Decision, Skip};
use crate::engine::entry::{Entry, ModifiedProperty, seconds, summary};
use crate::engine::inspect::{Inspection, inspect};
use crate::engine::spec::JobSpec;
use crate::expression::AttributeValue;
use crate::mapping::{Evaluated, MappedAttribute, MappedValue, MappingSource};
use crate::runner::journal_folder;
use crate::scope::Entitlement;
use crate::scope::filter::ClauseResult;
use crate::store::{Escrow, LogFilter, LogRow, ObjectState, Store};

pub(super) fn run(context: &Context, arguments: &ExplainArguments) -> Result<Exit, Failure> {
    let mut session = Session::look(context)?;
    let exit = look_at_directory(context, &mut session.store, &session.config)?;
    let (spec, now) = (session.spec()?, now(&session.store));
    let object = find(&session.store, &arguments.object, None)?;
    let inspection = inspect(&spec, &mut session.store, (object.kind, &object.id), now)
        .map_err(|error| engine_failure(&error))?
        .ok_or_else(|| Failure::new(Exit::Defect, format!("`{}` was found and is not there", object.id)))?;
    let rows = rows(&spec, &session.store, &inspection)?;
    let last = last_entry(&session, &inspection)?;
    if context.output.is_json() {
        context.output.json(&to_json(&spec, &session.store, &inspection, &rows, last.as_ref())?)?;
    } else {
        context.output.text(&to_text(&spec, &inspection, &rows, last.as_ref(), now)?)?;
    }
    Ok(exit)
}

/// One attribute mapping and what it makes of the object.
struct Row {
    target: String,
    source: String,
    /// The attributes read, with their values.
    read: Vec<(String, Option<AttributeValue>)>,
    matching: u32,
    outcome: RowOutcome,
}

enum RowOutcome {
    /// A value, as text or texts.
    Value(Value),
    /// No value; on create this default is sent.
    Default(Value),
    /// No value, or one that nobody is to see.
    Nothing(&'static str),
    /// A reference: what it comes to.
    Reference(String),
    /// The mappings as a whole failed.
    Unknown,
}

fn rows(spec: &JobSpec, store: &Store, inspection: &Inspection) -> Result<Vec<Row>, Failure> {
    let mapping = spec.mapping(inspection.object.kind);
    let references: Vec<usize> =
        mapping.references().iter().map(|reference| reference.mapping_index).collect();
    let mut rows = Vec::new();
    for (index, attribute) in mapping.attributes.iter().enumerate() {
        let read = attribute.source.attributes().into_iter();
        let outcome = if references.contains(&index) {
            reference(spec, store, inspection)?
        } else {
            match &inspection.evaluated {
                Ok(Evaluated::Mapped(mapped)) => mapped
                    .attributes
                    .iter()
                    .find(|mapped| mapped.mapping_index == index)
                    .map_or(RowOutcome::Unknown, outcome),
                Ok(Evaluated::IgnoreObject { .. }) | Err(_) => RowOutcome::Unknown,
            }
        };
        rows.push(Row {
            target: attribute.target.to_string(),
            source: match &attribute.source {
                MappingSource::Direct(name) => format!("[{name}]"),
                MappingSource::Constant(text) => format!("{text:?}"),
                MappingSource::Expression(expression) => expression.canonical(),
                MappingSource::None => String::new(),
            },
            read: read.map(|name| (name.to_owned(), inspection.source.get(name).cloned())).collect(),
            matching: attribute.matching_priority,
            outcome,
        });
    }
    Ok(rows)
}

fn outcome(mapped: &MappedAttribute) -> RowOutcome {
    let json = |value: &MappedValue| match value {
        MappedValue::Text(text) => text.clone().into(),
        MappedValue::List(texts) => texts.clone().into(),
    };
    match (&mapped.log_text, &mapped.value, &mapped.default) {
        (Some(_), _, _) => RowOutcome::Nothing("redacted"),
        (None, Some(value), _) => RowOutcome::Value(json(value)),
        (None, None, _) if mapped.ignored => RowOutcome::Nothing("ignored"),
        (None, None, Some(default)) => RowOutcome::Default(json(default)),
        (None, None, None) => RowOutcome::Nothing("nothing"),
    }
}

/// What the manager or the members come to: accounts of this job.
fn reference(spec: &JobSpec, store: &Store, inspection: &Inspection) -> Result<RowOutcome, Failure> {
    let failed = |error| store_failure(&error);
    let object = &inspection.object;
    let text = match object.kind {
        ObjectKind::User => match object.text("manager") {
            None => "no manager".to_owned(),
            Some(name) => match store.resolve_manager(name).map_err(failed)? {
                None => format!("`{name}` is nobody; counts as absent"),
                Some(id) => match store.link(&spec.name, ObjectKind::User, &id).map_err(failed)? {
                    Some(link) if link.managed => format!("account {}", link.target_id),
                    Some(_) | None => {
                        let failed =
                            store.escrow(&spec.name, ObjectKind::User, &id, false).map_err(failed)?;
                        without_account(name, failed.is_some())
                    }
                },
            },
        },
        ObjectKind::Group => {
            let members = store.memberships(&spec.name, &object.id, None).map_err(failed)?;
            let present = members.iter().filter(|member| member.present);
            let linked = present.clone().filter(|member| member.target_id.is_some()).count();
            format!("{linked} of {} members have an account", present.count())
        }
    };
    Ok(RowOutcome::Reference(text))
}

/// What becomes of a manager without an account in use, by the rule of the reference pass (`engine.md 1.5`).
fn without_account(manager: &str, failed: bool) -> String {
    if failed {
        format!("`{manager}` has failed so far; written when it succeeds")
    } else {
        format!("`{manager}` has no account in scope; one that comes later is not noticed until a restart")
    }
}

/// The newest entry of the log, with its exchanges.
struct Last {
    row: LogRow,
    exchanges: Vec<Exchange>,
}

fn last_entry(session: &Session, inspection: &Inspection) -> Result<Option<Last>, Failure> {
    let job = &session.job.name;
    let filter =
        LogFilter { object: Some(inspection.object.id.clone()), limit: Some(1), ..LogFilter::default() };
    let Some(row) = session.store.log_entries(job, &filter).map_err(|error| store_failure(&error))?.pop()
    else {
        return Ok(None);
    };
    let file = journal_folder(&session.config).join(file_name(job));
    let unreadable =
        |error: &JournalError| Failure::new(Exit::Usage, "the wire journal can't be read").because(error);
    let wanted = Filter { cycle: Some(row.cycle.unsigned_abs()), object: Some(inspection.object.id.clone()) };
    let mut exchanges = Vec::new();
    for exchange in read(&file, wanted).map_err(|error| unreadable(&error))? {
        match exchange {
            Ok(exchange) => exchanges.push(exchange),
            Err(torn @ JournalError::Torn { .. }) => {
                tracing::info!(%torn, "a line of the journal was skipped");
            }
            Err(error) => return Err(unreadable(&error)),
        }
    }
    Ok(Some(Last { row, exchanges }))
}

/// What the source says about the object.
fn import_text(inspection: &Inspection) -> String {
    let object = &inspection.object;
    let state = match object.state {
        ObjectState::Active => "in the directory".to_owned(),
        ObjectState::Recycled(since) => format!("in the recycle bin since {since}"),
        ObjectState::Gone(since) => format!("deleted for good since {since}"),
    };
    let origin = match (object.edited, object.in_file) {
        (true, _) => "changed by command",
        (false, true) => "as the files have it",
        (false, false) => "not in the files",
    };
    format!("{state}, {origin}")
}

/// Whether and why the next cycle looks at the object.
fn work_text(inspection: &Inspection) -> String {
    let Some(work) = &inspection.work else {
        return "the next cycle passes it over: nothing about it has changed since the last one".to_owned();
    };
    if inspection.initial {
        return "the next cycle is an initial one and looks at everything".to_owned();
    }
    let reasons: Vec<&str> = [
        (work.changed, "its row or its members changed"),
        (work.entitlement, "its assignment may have changed"),
        (work.escrow, "it failed before and is due"),
    ]
    .into_iter()
    .filter(|(holds, _)| *holds)
    .map(|(_, reason)| reason)
    .collect();
    format!("the next cycle looks at it: {}", reasons.join(", "))
}

/// The ways by which the object is assigned.
fn routes(inspection: &Inspection) -> Vec<String> {
    match &inspection.verdict.entitlement {
        Entitlement::SyncAll => vec!["the job takes everybody".to_owned()],
        Entitlement::NotAssigned => Vec::new(),
        Entitlement::Assigned(routes) | Entitlement::Broken(routes) => routes
            .iter()
            .map(|route| {
                let role = if route.role.is_empty() {
                    "default access".to_owned()
                } else {
                    format!("role `{}`", route.role)
                };
                match &route.group {
                    Some(group) => format!("as a member of `{group}`, {role}"),
                    None => format!("directly, {role}"),
                }
            })
            .collect(),
    }
}

/// What is done when the object is looked at.
fn conclusion(inspection: &Inspection) -> (&'static str, String) {
    if !inspection.kind_enabled {
        return ("skip", "nothing is sent: the job's mapping of this kind is off".to_owned());
    }
    if let (Err(error), Decision::Provision | Decision::Evaluate { .. }) =
        (&inspection.evaluated, inspection.decision)
    {
        return ("fail", format!("it fails before anything is sent: {error}"));
    }
    if let (Ok(Evaluated::IgnoreObject { target }), Decision::Provision | Decision::Evaluate { .. }) =
        (&inspection.evaluated, inspection.decision)
    {
        return ("skip", format!("nothing is written: the expression of `{target}` says IgnoreObjectFlow"));
    }
    match inspection.decision {
        Decision::Provision => (
            "provision",
            "it is looked up by the matching attributes; found, it is linked and updated; else it is created"
                .to_owned(),
        ),
        Decision::Evaluate { removes: true, .. } => {
            ("disable", "its account is read, and what differs is written: it is to be disabled".to_owned())
        }
        Decision::Evaluate { removes: false, .. } => {
            ("update", "its account is read, and what differs is written".to_owned())
        }
        Decision::Remove => ("delete", "its account is deleted".to_owned()),
        Decision::Nothing => ("nothing", "nothing is to be done".to_owned()),
        Decision::Skip(skip) => ("skip", format!("nothing is sent: {}", skip_text(skip, inspection))),
    }
}

fn skip_text(skip: Skip, inspection: &Inspection) -> String {
    match skip {
        Skip::NoMatchingValue => "no matching attribute has a value".to_owned(),
        Skip::NotEntitled => inspection.verdict.objections().join(", and "),
        Skip::SkipOutOfScopeDeletions => {
            "it is out of scope, and `skip_out_of_scope_deletions` leaves such accounts alone".to_owned()
        }
        Skip::GroupKept => "it is out of scope, and `group_out_of_scope` keeps such groups".to_owned(),
        Skip::ActionOff => "the action is switched off in the mapping's target object actions".to_owned(),
        Skip::SoftDeleteNotMapped => {
            "no mapping reads IsSoftDeleted, so there is no way to disable it".to_owned()
        }
        Skip::Unmanaged => "it left scope before, and is nobody's business since".to_owned(),
        Skip::NotProcessed => {
            format!("the mapping does not look at it: {}", inspection.verdict.objections().join(", and "))
        }
    }
}

fn to_text(
    spec: &JobSpec,
    inspection: &Inspection,
    rows: &[Row],
    last: Option<&Last>,
    now: Timestamp,
) -> Result<String, Failure> {
    let object = &inspection.object;
    let mut lines = vec![
        format!("{} {} ({}) in job {}", object.kind, object.label, object.id, spec.name),
        String::new(),
        format!("IMPORT: {}", import_text(inspection)),
        format!("  {}", work_text(inspection)),
        String::new(),
        format!("SCOPE: {}", if inspection.verdict.in_scope() { "in scope" } else { "out of scope" }),
    ];
    let details = inspection.verdict.details(spec.rules.scoping_keys);
    lines.extend(details.iter().map(|(name, value)| format!("  {name}: {value}")));
    lines.extend(filter_lines(inspection));
    lines.extend(routes(inspection).iter().map(|route| format!("  assigned {route}")));
    lines.extend(inspection.verdict.objections().iter().map(|objection| format!("  but {objection}")));
    lines.push(String::new());
    lines.push(match &inspection.link {
        Some(link) if link.managed => format!("LINK: account {}", link.target_id),
        Some(link) => format!("LINK: account {}, out of scope when last evaluated", link.target_id),
        None => "LINK: none".to_owned(),
    });
    lines.extend(inspection.escrows.iter().map(|escrow| escrow_text(escrow, now)));
    for query in &inspection.queries {
        lines.push(match query {
            Ok(url) => format!("  asks GET {url}"),
            Err(error) => format!("  asks nothing: {error}"),
        });
    }
    lines.push(String::new());
    lines.push("MAPPING".to_owned());
    lines.push(mapping_table(rows));
    lines.push(String::new());
    let when = if inspection.work.is_some() { "" } else { "once the next change is seen, " };
    lines.push(format!("CONCLUSION: {when}{}", conclusion(inspection).1));
    lines.push(String::new());
    lines.extend(last_lines(last)?);
    Ok(lines.join("\n"))
}

/// The filters, clause by clause.
fn filter_lines(inspection: &Inspection) -> Vec<String> {
    let mut lines = Vec::new();
    for (collection, groups) in inspection.verdict.filter.collections() {
        for group in groups {
            let passed = if group.passed { "passed" } else { "not passed" };
            lines.push(format!("  {} filter `{}`: {passed}", collection.as_str(), group.name));
            for clause in &group.clauses {
                let holds = if clause.holds { "holds" } else { "does not hold" };
                lines.push(format!("    {} {holds}", clause.text));
                lines
                    .extend(clause.invalid.iter().chain(&clause.warning).map(|note| format!("      {note}")));
            }
        }
    }
    lines
}

fn filters_to_json(inspection: &Inspection) -> Vec<Value> {
    let clause = |clause: &ClauseResult| {
        json!({
            "clause": clause.text,
            "holds": clause.holds,
            "invalid": clause.invalid,
            "warning": clause.warning,
        })
    };
    let collections = inspection.verdict.filter.collections().into_iter();
    let groups =
        collections.flat_map(|(collection, groups)| groups.iter().map(move |group| (collection, group)));
    groups
        .map(|(collection, group)| {
            json!({
                "collection": collection.as_str(),
                "name": group.name,
                "passed": group.passed,
                "clauses": group.clauses.iter().map(clause).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn escrow_text(escrow: &Escrow, now: Timestamp) -> String {
    let what = if escrow.is_reference { "its references" } else { escrow.operation.as_str() };
    format!(
        "  in escrow: {what} failed with {} since {}, {} retries, {}\n    {}",
        escrow.error_code,
        escrow.first_failure,
        escrow.retries,
        next_retry(escrow, now),
        escrow.reason.replace('\n', "\n    ")
    )
}

fn mapping_table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let matching = if 0 < row.matching { format!(" (matching {})", row.matching) } else { String::new() };
        let read: Vec<String> = row
            .read
            .iter()
            .map(|(_, value)| value.as_ref().map_or_else(|| "(none)".to_owned(), value_to_text))
            .collect();
        vec![
            row.source.clone(),
            read.join(" | "),
            format!("{}{matching}", row.target),
            outcome_text(&row.outcome),
        ]
    });
    let table = table(&["source", "value", "target", "is to be"], cells);
    table.lines().map(|line| format!("  {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

fn outcome_text(outcome: &RowOutcome) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match outcome {
        RowOutcome::Value(value) => text(value),
        RowOutcome::Default(value) => format!("{} (on create)", text(value)),
        RowOutcome::Nothing(why) => format!("({why})"),
        RowOutcome::Reference(what) => format!("({what})"),
        RowOutcome::Unknown => "(unknown)".to_owned(),
    }
}

fn last_lines(last: Option<&Last>) -> Result<Vec<String>, Failure> {
    let Some(Last { row, exchanges }) = last else {
        return Ok(vec!["LAST ENTRY: none".to_owned()]);
    };
    let entry: Entry = serde_json::from_str(&row.entry).map_err(|error| store_failure(&error.into()))?;
    let code = row.error_code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
    let run = if entry.on_demand { "on demand".to_owned() } else { format!("in cycle {}", row.cycle) };
    let mut lines = vec![
        format!("LAST ENTRY: {} {} {}{code} {run}", seconds(row.at), row.status, row.action),
        format!("  {}", entry.summary()),
    ];
    if let Some(error) = &entry.error_information {
        lines.push(format!("  {}", error.reason.replace('\n', "\n  ")));
    }
    lines.extend(entry.modified_properties.iter().map(|property| format!("  {}", property_text(property))));
    lines.extend(exchanges.iter().map(|exchange| format!("  {}", one_line(exchange))));
    Ok(lines)
}

/// An attribute that was written, in words.
pub(super) fn property_text(property: &ModifiedProperty) -> String {
    let value = |value: &Option<String>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`"))
    };
    format!("{}: {} became {}", property.display_name, value(&property.old_value), value(&property.new_value))
}

fn to_json(
    spec: &JobSpec,
    store: &Store,
    inspection: &Inspection,
    rows: &[Row],
    last: Option<&Last>,
) -> Result<Value, Failure> {
    let object = &inspection.object;
    let details: serde_json::Map<String, Value> = inspection
        .verdict
        .details(spec.rules.scoping_keys)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let (action, sentence) = conclusion(inspection);
    let queries: Vec<Value> = inspection
        .queries
        .iter()
        .map(|query| match query {
            Ok(url) => json!({ "method": "GET", "url": url }),
            Err(error) => json!({ "error": error.to_string() }),
        })
        .collect();
    let escrow = |escrow: &Escrow| {
        json!({
            "isReference": escrow.is_reference,
            "operation": escrow.operation,
            "errorCode": escrow.error_code,
            "reason": escrow.reason,
            "httpStatus": escrow.http_status,
            "firstFailure": escrow.first_failure.to_string(),
            "retries": escrow.retries,
            "nextRetry": escrow.next_retry.map(|next| next.to_string()),
        })
    };
    let last = match last {
        Some(Last { row, exchanges }) => {
            let cycle_id = store
                .cycle_id(&spec.name, row.cycle)
                .map_err(|error| store_failure(&error))?
                .unwrap_or_default();
            let mut entry = summary(spec, &cycle_id, row).map_err(|error| store_failure(&error.into()))?;
            if let Some(members) = entry.as_object_mut() {
                let exchanges =
                    serde_json::to_value(exchanges).map_err(|error| store_failure(&error.into()))?;
                members.insert("exchanges".to_owned(), exchanges);
            }
            entry
        }
        None => Value::Null,
    };
    Ok(json!({
        "job": spec.name,
        "objectType": object.kind.as_str(),
        "objectId": object.id,
        "name": object.label,
        "import": {
            "description": import_text(inspection),
            "edited": object.edited,
            "inFile": object.in_file,
            "isInNextCycle": inspection.work.is_some(),
            "nextCycle": work_text(inspection),
        },
        "scope": {
            "inScope": inspection.verdict.in_scope(),
            "isSoftDeleted": inspection.verdict.is_soft_deleted(),
            "details": details,
            "filters": filters_to_json(inspection),
            "assigned": routes(inspection),
            "objections": inspection.verdict.objections(),
        },
        "link": inspection.link.as_ref().map(|link| json!({
            "targetId": link.target_id, "inScopeWhenLastEvaluated": link.managed })),
        "escrows": inspection.escrows.iter().map(escrow).collect::<Vec<_>>(),
        "queries": queries,
        "mapping": rows.iter().map(row_to_json).collect::<Vec<_>>(),
        "conclusion": { "action": action, "description": sentence },
        "lastEntry": last,
    }))
}

fn row_to_json(row: &Row) -> Value {
    let read: serde_json::Map<String, Value> = row
        .read
        .iter()
        .map(|(name, value)| (name.clone(), value.as_ref().map_or(Value::Null, value_to_json)))
        .collect();
    let (value, note) = match &row.outcome {
        RowOutcome::Value(value) => (value.clone(), None),
        RowOutcome::Default(value) => (value.clone(), Some("default, on create only".to_owned())),
        RowOutcome::Nothing(why) => (Value::Null, Some((*why).to_owned())),
        RowOutcome::Reference(what) => (Value::Null, Some(what.clone())),
        RowOutcome::Unknown => (Value::Null, Some("unknown, since the mappings failed".to_owned())),
    };
    json!({
        "source": row.source,
        "sourceValues": read,
        "target": row.target,
        "matchingPriority": row.matching,
        "value": value,
        "note": note,
    })
}
