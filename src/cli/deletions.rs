//! `deletions allow|reject`: answers the accidental-deletion guard (`engine.md 7`).

use super::arguments::DeletionsCommand;
use super::context::Context;
use super::session::{Session, engine_failure, look_at_directory, now, store_failure};
use super::start::{lock, tell};
use super::{Exit, Failure};
use crate::directory::object::ObjectKind;
use crate::engine::inspect::inspect;
use crate::engine::quarantine::Reason;
use crate::engine::restart::{Reset, restart};

/// So many names of those who are held back are shown.
const NAMES_SHOWN_MAX: usize = 20;

pub(super) fn run(context: &Context, command: DeletionsCommand) -> Result<Exit, Failure> {
    let mut session = Session::open(context)?;
    let _lock = lock(context, &session)?;
    let name = session.job.name.clone();
    let staged = session.store.staged(&name).map_err(|error| store_failure(&error))?;
    let held = session.quarantine()?.is_some_and(|quarantine| quarantine.reason == Reason::TooManyDeletes);
    if !held || staged.is_empty() {
        context.output.note(&format!("job `{name}`: the deletion guard holds nothing back"));
        return Ok(Exit::Fine);
    }
    let now = now(&session.store);
    let reset = match command {
        DeletionsCommand::Allow => Reset::FORCE_DELETES,
        DeletionsCommand::Reject => {
            warn_of_causes(context, &mut session, &staged)?;
            Reset::EMPTY
        }
    };
    let spec = session.spec()?;
    let restarted = restart(&mut session.store, &spec, reset, now).map_err(|error| engine_failure(&error))?;
    match (command, restarted) {
        (DeletionsCommand::Allow, _) => {
            context.output.note(&format!(
                "the next cycle of job `{name}` deletes or disables these {}, and ends its quarantine:",
                staged.len()
            ));
            names(context, staged.iter().map(|(_, _, label)| label.as_str()));
        }
        (DeletionsCommand::Reject, Some(restarted)) => tell(context, &name, reset, &restarted),
        (DeletionsCommand::Reject, None) => {}
    }
    Ok(Exit::Fine)
}

/// A restart counts anew, so whoever still has a reason to go is counted again: the cause is to be mended first.
fn warn_of_causes(
    context: &Context,
    session: &mut Session,
    staged: &[(ObjectKind, String, String)],
) -> Result<(), Failure> {
    look_at_directory(context, &mut session.store, &session.config)?;
    let (spec, now) = (session.spec()?, now(&session.store));
    let mut going = Vec::new();
    for (kind, id, label) in staged {
        let inspection =
            inspect(&spec, &mut session.store, (*kind, id), now).map_err(|error| engine_failure(&error))?;
        if inspection.is_some_and(|inspection| inspection.takes_away()) {
            going.push(label.as_str());
        }
    }
    if !going.is_empty() {
        context.output.note(&format!(
            "{} of {} still have a reason to go; if it is not mended before the next cycle, they are counted again:",
            going.len(),
            staged.len()
        ));
        names(context, going.into_iter());
    }
    Ok(())
}

fn names<'n>(context: &Context, names: impl ExactSizeIterator<Item = &'n str>) {
    let count = names.len();
    for name in names.take(NAMES_SHOWN_MAX) {
        context.output.note(&format!("  {name}"));
    }
    if NAMES_SHOWN_MAX < count {
        context.output.note(&format!("  and {} more", count.saturating_sub(NAMES_SHOWN_MAX)));
    }
}
