//! `clean`: removes from the target what the job created.

use serde_json::{Value, json};

use super::arguments::CleanArguments;
use super::context::Context;
use super::output::table;
use super::session::{Session, engine_failure, now, run_failure, store_failure};
use super::{Exit, Failure};
use crate::engine::restart::{Reset, Stop, pause, restart};
use crate::store::{Account, StoreError};

pub(super) fn run(context: &Context, arguments: &CleanArguments) -> Result<Exit, Failure> {
    let mut session = if arguments.yes { Session::open(context)? } else { Session::look(context)? };
    let _lock = if arguments.yes { Some(session.lock()?) } else { None };
    let name = session.job.name.clone();
    let accounts = session.store.accounts(&name).map_err(|error| store_failure(&error))?;
    // What was there before the job came is not the job's to take away.
    let (made, found): (Vec<Account>, Vec<Account>) =
        accounts.into_iter().partition(|account| account.created);
    if !arguments.yes {
        show(context, "would be removed", &made, &found, &[])?;
        if !context.output.is_json() && !made.is_empty() {
            context.output.note("nothing was removed; `scimulator clean --yes` does it");
        }
        return Ok(Exit::Fine);
    }
    let job = session.ready()?;
    let clock = session.store.clock().clone();
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    for account in made {
        let answer = job.remove(&mut session.store, &clock, &account).map_err(|error| run_failure(&error))?;
        match answer {
            Ok(answer) if answer.is_success() || answer.status == 404 => {
                forget(&mut session, &account).map_err(|error| store_failure(&error))?;
                removed.push(account);
            }
            Ok(answer) => left.push((account, format!("the target answered {}", answer.status))),
            Err(error) => left.push((account, error.to_string())),
        }
    }
    if !removed.is_empty() {
        let (spec, now) = (session.spec()?, now(&session.store));
        let reset = Reset::WATERMARK | Reset::ESCROWS;
        restart(&mut session.store, &spec, reset, now).map_err(|error| engine_failure(&error))?;
        pause(&mut session.store, &name, Stop::Pause, now).map_err(|error| store_failure(&error))?;
    }
    show(context, "removed", &removed, &found, &left)?;
    if !removed.is_empty() {
        context.output.note(&format!("job `{name}` is paused; `scimulator start` begins with a full read"));
    }
    Ok(if left.is_empty() { Exit::Fine } else { Exit::Target })
}

/// The account is gone: nothing is left to be written about it.
fn forget(session: &mut Session, account: &Account) -> Result<(), StoreError> {
    let name = session.job.name.clone();
    session.store.step(|store| {
        store.drop_link(&name, account.kind, &account.source_id)?;
        for is_reference in [false, true] {
            store.drop_escrow(&name, account.kind, &account.source_id, is_reference)?;
        }
        Ok(())
    })
}

fn show(
    context: &Context,
    done: &str,
    made: &[Account],
    found: &[Account],
    left: &[(Account, String)],
) -> Result<(), Failure> {
    let object = |account: &Account| {
        json!({
            "kind": account.kind.as_str(), "label": account.label, "sourceId": account.source_id,
            "targetId": account.target_id,
        })
    };
    if context.output.is_json() {
        let failed = |(account, why): &(Account, String)| {
            let mut object = object(account);
            if let Value::Object(members) = &mut object {
                members.insert("why".to_owned(), json!(why));
            }
            object
        };
        return context.output.json(&json!({
            "removed": done == "removed",
            "accounts": made.iter().map(object).collect::<Vec<_>>(),
            "kept": found.iter().map(object).collect::<Vec<_>>(),
            "failed": left.iter().map(failed).collect::<Vec<_>>(),
        }));
    }
    let row = |account: &Account, what: &str| {
        let kind = account.kind.as_str().to_lowercase();
        vec![kind, account.label.clone(), account.target_id.clone(), what.to_owned()]
    };
    let rows = made
        .iter()
        .map(|account| row(account, done))
        .chain(left.iter().map(|(account, why)| row(account, why)))
        .chain(found.iter().map(|account| row(account, "stays: it was not made by this job")));
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return context.output.text("this job has nothing in the target");
    }
    context.output.text(&table(&["kind", "name", "target id", "what"], rows))
}
