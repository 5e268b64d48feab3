//! `directory show`: one user or group with everything that is known of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::output::{relative, table};
use super::super::session::{find, next_retry, now, store_failure};
use super::super::{Exit, Failure};
use super::{Tenant, purge_due, to_json, value_to_json, value_to_text};
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::store::{AssignmentRow, Escrow, Link, Neighbour, ObjectState, StoreError, StoredObject};

/// So many members of a group are shown as text; JSON has all of them.
const MEMBERS_SHOWN_MAX: u32 = 20;

/// An object's account in one job.
struct Account {
    job: String,
    link: Option<Link>,
    escrows: Vec<Escrow>,
}

struct Surroundings {
    groups: Vec<Neighbour>,
    members: Vec<Neighbour>,
    member_count: u64,
    assignments: Vec<AssignmentRow>,
    accounts: Vec<Account>,
}

pub(super) fn run(context: &Context, name: &str) -> Result<Exit, Failure> {
    let (tenant, exit) = Tenant::to_look_at(context)?;
    let object = find(&tenant.store, name, None)?;
    let jobs: Vec<&str> = context.jobs(&tenant.config)?.into_iter().map(|job| job.name.as_str()).collect();
    let limit = if context.output.is_json() { u32::MAX } else { MEMBERS_SHOWN_MAX };
    let around = surroundings(&tenant, &object, &jobs, limit).map_err(|error| store_failure(&error))?;
    if context.output.is_json() {
        context.output.json(&json_of(&tenant, &object, &around))?;
    } else {
        context.output.text(&text_of(&tenant, &object, &around))?;
    }
    Ok(exit)
}

fn surroundings(
    tenant: &Tenant,
    object: &StoredObject,
    jobs: &[&str],
    limit: u32,
) -> Result<Surroundings, StoreError> {
    let store = &tenant.store;
    let is_group = object.kind == ObjectKind::Group;
    let account = |job: &&str| {
        let mut escrows = Vec::new();
        for is_reference in [false, true] {
            escrows.extend(store.escrow(job, object.kind, &object.id, is_reference)?);
        }
        Ok(Account { job: (*job).to_owned(), link: store.link(job, object.kind, &object.id)?, escrows })
    };
    Ok(Surroundings {
        groups: store.groups_of(&object.id)?,
        members: if is_group { store.members_of(&object.id, limit)? } else { Vec::new() },
        member_count: if is_group { store.member_count(&object.id)? } else { 0 },
        assignments: store.assignments_of(&object.id)?,
        accounts: jobs.iter().map(account).collect::<Result<_, StoreError>>()?,
    })
}

/// Names of the attributes that a command gave another value than the file.
fn edited_names(object: &StoredObject) -> BTreeSet<&String> {
    let names = object.attributes.keys().chain(object.imported.keys());
    names.filter(|name| object.attributes.get(*name) != object.imported.get(*name)).collect()
}

fn json_of(tenant: &Tenant, object: &StoredObject, around: &Surroundings) -> Value {
    let mut json = to_json(object);
    let mut put = |name: &str, value: Value| json.insert(name.to_owned(), value);
    put("purgeDateTime", purge_due(object, &tenant.config).map(|due| due.to_string()).into());
    let edited: serde_json::Map<String, Value> = edited_names(object)
        .into_iter()
        .map(|name| {
            let value = |of: &std::collections::BTreeMap<_, _>| of.get(name).map(value_to_json);
            let both = json!({ "value": value(&object.attributes), "file": value(&object.imported) });
            (name.clone(), both)
        })
        .collect();
    put("edited", edited.into());
    let neighbours = |of: &[Neighbour]| -> Value {
        of.iter()
            .map(|other| {
                json!({
                    "objectType": other.kind.as_str(),
                    "objectId": other.id,
                    "name": other.label,
                    "status": if other.active { "active" } else { "deleted" },
                    "edit": edit_word(other.edited),
                })
            })
            .collect()
    };
    put("memberOf", neighbours(&around.groups));
    if object.kind == ObjectKind::Group {
        put("memberCount", around.member_count.into());
        put("members", neighbours(&around.members));
    }
    let assignment = |row: &AssignmentRow| {
        let job = (!row.job.is_empty()).then_some(&row.job);
        let role = (!row.role.is_empty()).then_some(&row.role);
        json!({ "job": job, "appRole": role, "edit": edit_word(row.edited) })
    };
    put("assignments", around.assignments.iter().map(assignment).collect());
    let account = |account: &Account| {
        let link = account.link.as_ref();
        json!({
            "job": account.job,
            "targetId": link.map(|link| &link.target_id),
            "inScopeWhenLastEvaluated": link.map(|link| link.managed),
            "escrows": account.escrows.iter().map(|escrow| json!({
                "errorCode": escrow.error_code,
                "isReference": escrow.is_reference,
                "retries": escrow.retries,
                "nextRetry": escrow.next_retry.map(|next| next.to_string()),
            })).collect::<Vec<_>>(),
        })
    };
    put("accounts", around.accounts.iter().map(account).collect());
    json.into()
}

/// What a command said about an edge.
fn edit_word(edited: Option<bool>) -> Option<&'static str> {
    edited.map(|present| if present { "added" } else { "removed" })
}

fn text_of(tenant: &Tenant, object: &StoredObject, around: &Surroundings) -> String {
    let mut lines = vec![
        format!("{} {}", object.kind, object.label),
        format!("objectId   {}", object.id),
        format!("state      {}", state_text(tenant, object)),
        String::new(),
        attributes_table(object),
        String::new(),
    ];
    lines.push(format!("member of  {}", neighbours_text(&around.groups)));
    if object.kind == ObjectKind::Group {
        let shown = u64::try_from(around.members.iter().filter(|member| is_member(member)).count());
        let more = around.member_count.saturating_sub(shown.unwrap_or_default());
        let more = if 0 < more { format!(", and {more} more") } else { String::new() };
        lines.push(format!("members    {}: {}{more}", around.member_count, neighbours_text(&around.members)));
    }
    let assignments: Vec<String> = around.assignments.iter().map(assignment_text).collect();
    lines.push(format!("assigned   {}", or_none(&assignments)));
    for account in &around.accounts {
        lines.push(format!("job {}: {}", account.job, account_text(account, now(&tenant.store))));
    }
    lines.join("\n")
}

fn state_text(tenant: &Tenant, object: &StoredObject) -> String {
    let state = match object.state {
        ObjectState::Active if object.text("accountEnabled") == Some("False") => {
            "active, disabled".to_owned()
        }
        ObjectState::Active => "active".to_owned(),
        ObjectState::Recycled(since) => {
            let due = purge_due(object, &tenant.config).unwrap_or(since);
            format!("in the recycle bin since {since} until {due} ({})", relative(due, now(&tenant.store)))
        }
        ObjectState::Gone(since) => format!("deleted for good since {since}"),
    };
    let file = if object.in_file { "" } else { "; not in the files" };
    let edited = if object.edited { "; changed by command until its row changes in the file" } else { "" };
    format!("{state}{file}{edited}")
}

fn attributes_table(object: &StoredObject) -> String {
    let edited = edited_names(object);
    let shown = |value: Option<_>, absent: &str| value.map_or_else(|| absent.to_owned(), value_to_text);
    let mut names: BTreeSet<&String> = object.attributes.keys().collect();
    names.extend(&edited);
    let rows = names.into_iter().map(|name| {
        let mut row = vec![name.clone(), shown(object.attributes.get(name), "(none)")];
        if edited.contains(name) {
            row.push(shown(object.imported.get(name), "(none)"));
        } else if !edited.is_empty() {
            row.push(String::new());
        }
        row
    });
    let headings: &[&str] =
        if edited.is_empty() { &["attribute", "value"] } else { &["attribute", "value", "in the file"] };
    // The last cell of a row may be empty; nobody wants its blanks.
    table(headings, rows).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn is_member(neighbour: &Neighbour) -> bool {
    neighbour.active && neighbour.edited != Some(false)
}

fn neighbours_text(neighbours: &[Neighbour]) -> String {
    let texts: Vec<String> = neighbours
        .iter()
        .map(|other| {
            let edited = other
                .edited
                .map_or("", |present| if present { " (added by command)" } else { " (removed by command)" });
            let state = if other.active { "" } else { " (deleted)" };
            format!("{}{state}{edited}", other.label)
        })
        .collect();
    or_none(&texts)
}

fn assignment_text(row: &AssignmentRow) -> String {
    let role = if row.role.is_empty() { "default access".to_owned() } else { format!("role `{}`", row.role) };
    let job = if row.job.is_empty() { String::new() } else { format!(" to job `{}`", row.job) };
    let edited = match row.edited {
        Some(true) => " (by command)",
        Some(false) => " (taken back by command)",
        None => "",
    };
    format!("{role}{job}{edited}")
}

fn account_text(account: &Account, now: Timestamp) -> String {
    let link = match &account.link {
        Some(link) if link.managed => format!("linked to {}", link.target_id),
        Some(link) => format!("linked to {}, out of scope when last evaluated", link.target_id),
        None => "not linked".to_owned(),
    };
    let escrows = account.escrows.iter().map(|escrow| {
        let what = if escrow.is_reference { "a reference" } else { "it" };
        format!("; {what} failed with {}, {}", escrow.error_code, next_retry(escrow, now))
    });
    format!("{link}{}", escrows.collect::<String>())
}

fn or_none(texts: &[String]) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}
