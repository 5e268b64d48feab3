//! `app`: the console of the embedded app, for what its administrator does there apart from SCIM.

use serde_json::{Value, json};

use super::arguments::{AppCommand, AppMode, OnOff, TokenCommand};
use super::context::Context;
use super::session::{Session, engine_failure, now, run_failure, store_failure};
use super::{Exit, Failure};
use crate::engine::restart::{Reset, restart};
use crate::engine::status;
use crate::runner;
use crate::store::JobLock;
use crate::target::{App, ConsoleCommand, ConsoleError, Mode, new_token};

pub(super) fn run(context: &Context, command: &AppCommand) -> Result<Exit, Failure> {
    match command {
        AppCommand::Show => {
            let shown = at_app(context, |app| app.console_shown())?;
            show(context, &shown.ok_or_else(no_console)?)?;
        }
        AppCommand::Token { command: TokenCommand::New } => {
            let token = new_token();
            set(context, ConsoleCommand::NewToken { token: token.clone() })?;
            if context.output.is_json() {
                context.output.json(&json!({ "token": token }))?;
            } else {
                context.output.text(&token)?;
            }
            context.output.note("shown this once: put it where the job's `token` is read from");
        }
        AppCommand::Token { command: TokenCommand::Revoke } => {
            set(context, ConsoleCommand::RevokeTokens)?;
            context.output.note("no token is good any more: the next cycle is refused");
        }
        AppCommand::Mode { mode } => {
            let mode = match mode {
                AppMode::Off => Mode::Off,
                AppMode::Scim => Mode::Scim,
                AppMode::Other => Mode::Other,
            };
            set(context, ConsoleCommand::Mode(mode))?;
            show(context, &at_app(context, |app| app.console_shown())?.ok_or_else(no_console)?)?;
        }
        AppCommand::TestMode { state } => {
            let on = *state == OnOff::On;
            set(context, ConsoleCommand::TestMode(on))?;
            context.output.note(if on {
                "changes are answered as done, and nothing changes; `scimulator app report` says what would"
            } else {
                "changes are made from now on; what was rehearsed is forgotten"
            });
        }
        AppCommand::Report => report(context)?,
        AppCommand::Alias { user, address } => {
            set(context, ConsoleCommand::Alias { user: user.clone(), address: address.clone() })?;
        }
        AppCommand::ForceSync => force_sync(context)?,
    }
    Ok(Exit::Fine)
}

/// Does something at the app of the job, and keeps it.
fn at_app<T>(context: &Context, act: impl FnOnce(&mut App) -> T) -> Result<T, Failure> {
    let mut session = Session::open(context)?;
    let _lock = session.lock()?;
    let done = runner::at_app(&session.job, &mut session.store, &Context::env, act);
    let done = done.map_err(|error| run_failure(&error))?;
    done.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("the target of job `{}` is not the embedded app", session.job.name))
            .help("an app of `scimulator target` has its console at `/console`")
    })
}

fn set(context: &Context, command: ConsoleCommand) -> Result<(), Failure> {
    at_app(context, |app| app.console(command))?.map_err(|error| refused(&error))
}

fn refused(error: &ConsoleError) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

fn no_console() -> Failure {
    Failure::new(Exit::Usage, "this app has no console: its vendor sets it up")
}

fn show(context: &Context, shown: &Value) -> Result<(), Failure> {
    if context.output.is_json() {
        return context.output.json(shown);
    }
    for (name, value) in shown.as_object().into_iter().flatten() {
        context.output.text(&format!("{name}: {}", plain(value)))?;
    }
    Ok(())
}

fn report(context: &Context) -> Result<(), Failure> {
    let report = at_app(context, |app| app.rehearsal_report())?;
    let report = report.ok_or_else(|| {
        Failure::new(Exit::Usage, "nothing is rehearsed: test mode is off")
            .help("`scimulator app test-mode on`, then a cycle")
    })?;
    if context.output.is_json() {
        return context.output.json(&json!(report));
    }
    for entry in &report {
        let part = |name: &str| entry.get(name).map(plain).unwrap_or_default();
        context.output.text(&format!("{} {} {}", part("action"), part("kind"), part("name")))?;
        for change in entry.get("changes").and_then(Value::as_array).into_iter().flatten() {
            let part = |name: &str| change.get(name).filter(|value| !value.is_null()).map(plain);
            let (old, new) = (part("old").unwrap_or("-".to_owned()), part("new").unwrap_or("-".to_owned()));
            context.output.text(&format!("  {}: {old} -> {new}", part("attribute").unwrap_or_default()))?;
        }
    }
    context.output.note(&format!("{} objects would change; nothing has", report.len()));
    Ok(())
}

/// The app asks for a sync: the job is due at once and reads everybody, its links kept, as after a restart that resets
/// the watermark (`gallery.md`, choices).
fn force_sync(context: &Context) -> Result<(), Failure> {
    if !at_app(context, |app| app.can_force_sync())? {
        return Err(refused(&ConsoleError::NotOffered { what: "Force Sync Now" })
            .help("`scimulator restart --reset watermark` has the same effect"));
    }
    let mut session = Session::open(context)?;
    let lock = session.lock()?;
    let name = session.job.name.clone();
    let refuse = |why: &str, help: &str| {
        Err(Failure::new(Exit::Usage, format!("job `{name}` {why}: an app can not start it")).help(help))
    };
    let row = session.store.job(&name).map_err(|error| store_failure(&error))?;
    if let Some(row) = &row {
        if row.paused || row.disabled {
            return refuse("is paused or disabled", "`scimulator start`");
        }
        if status::quarantine(row).map_err(|error| store_failure(&error))?.is_some() {
            return refuse("is in quarantine", "`scimulator quarantine` says why");
        }
    }
    let (spec, now) = (session.spec()?, now(&session.store));
    restart(&mut session.store, &spec, Reset::WATERMARK, now).map_err(|error| engine_failure(&error))?;
    drop(lock);
    let served = JobLock::take_service(&session.config.state_dir).is_err();
    context.output.note(if served {
        "the service that runs evaluates everybody at once"
    } else {
        "no service runs: `scimulator cycle` evaluates everybody"
    });
    Ok(())
}

/// A value as people read it: a text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
