//! `start`, `pause`, `restart`: as in Graph (`engine.md 6.5`, 9).

use super::arguments::{PauseArguments, RestartArguments};
use super::context::Context;
use super::session::{Session, engine_failure, now, store_failure};
use super::{Exit, Failure};
use crate::diagnostic::did_you_mean;
use crate::engine::restart::{self, Reset, Restarted, Stop, restart};

/// Clears quarantine and pause; the job goes on from its watermark, where it has one.
pub(super) fn start(context: &Context) -> Result<Exit, Failure> {
    let mut session = Session::open(context)?;
    let _lock = session.lock()?;
    let (name, at) = (session.job.name.clone(), now(&session.store));
    let before = restart::start(&mut session.store, &name, at).map_err(|error| store_failure(&error))?;
    let Some(before) = before else {
        context.output.note(&format!("job `{name}` has not run yet: there is nothing to clear"));
        return Ok(Exit::Fine);
    };
    let goes_on = match before.watermark {
        Some(_) => "goes on from its watermark",
        None => "begins with an initial cycle, which reads everybody",
    };
    context.output.note(&match (before.quarantine.is_some(), before.paused) {
        (true, _) => format!("job `{name}` is out of quarantine and {goes_on}"),
        (false, true) => format!("job `{name}` {goes_on}"),
        (false, false) => format!("job `{name}` was neither in quarantine nor paused"),
    });
    Ok(Exit::Fine)
}

/// Lets a running cycle end, and no further one start.
pub(super) fn pause(context: &Context, arguments: PauseArguments) -> Result<Exit, Failure> {
    let mut session = Session::open(context)?;
    let (name, at) = (&session.job.name, now(&session.store));
    // No lock: a running cycle keeps the mark when it ends.
    let (stop, done) = if arguments.off { (Stop::Off, "turned off") } else { (Stop::Pause, "paused") };
    let known = restart::pause(&mut session.store, name, stop, at).map_err(|error| store_failure(&error))?;
    if !known {
        return Err(Failure::new(Exit::Usage, format!("job `{name}` has not run yet")).help(
            "a job that never ran has nothing to pause; leave it alone, or take it out of the configuration",
        ));
    }
    context.output.note(&format!(
        "job `{name}` is {done}: a running cycle ends, no further one starts until `scimulator start`"
    ));
    Ok(Exit::Fine)
}

/// Starts over, as far as is asked for.
pub(super) fn restart_job(context: &Context, arguments: &RestartArguments) -> Result<Exit, Failure> {
    let reset = reset(&arguments.reset)?;
    let mut session = Session::open(context)?;
    let _lock = session.lock()?;
    let spec = session.spec()?;
    let now = now(&session.store);
    let restarted = restart(&mut session.store, &spec, reset, now).map_err(|error| engine_failure(&error))?;
    match restarted {
        Some(restarted) => tell(context, &spec.name, reset, &restarted),
        None => {
            context.output.note(&format!("job `{}` has not run yet: there is nothing to reset", spec.name));
        }
    }
    Ok(Exit::Fine)
}

fn reset(names: &[String]) -> Result<Reset, Failure> {
    let mut reset = None;
    for name in names.iter().flat_map(|names| names.split([',', ' '])).filter(|name| !name.is_empty()) {
        let part = Reset::named(name).ok_or_else(|| {
            let help = match did_you_mean(name, Reset::names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", Reset::names().collect::<Vec<_>>().join(", ")),
            };
            Failure::new(Exit::Usage, format!("`--reset`: there is no `{name}`")).help(help)
        })?;
        reset = Some(reset.unwrap_or(Reset::NONE) | part);
    }
    Ok(reset.unwrap_or(Reset::EMPTY))
}

pub(super) fn tell(context: &Context, job: &str, reset: Reset, restarted: &Restarted) {
    let kind = if restarted.initial { "an initial one, which reads everybody" } else { "an incremental one" };
    context.output.note(&format!("job `{job}` is restarted; its next cycle is {kind}"));
    let counts = [
        (restarted.escrows_dropped, "failures are tried again no more"),
        (
            restarted.links_dropped,
            "links are forgotten: everybody in scope is looked up again, and who is out of scope is left as he is",
        ),
        (restarted.staged_dropped, "removals that were held back are dropped; the next cycle counts anew"),
    ];
    for (count, what) in counts {
        if 0 < count {
            context.output.note(&format!("  {count} {what}"));
        }
    }
    if reset.contains(Reset::WATERMARK) {
        context.output.note(
            "  who was deleted for good since the last cycle is not seen by a full read: such accounts stay as they are",
        );
    }
    if let Some(quarantine) = &restarted.quarantine {
        let text = format!("  it is still in quarantine ({})", quarantine.reason.as_str());
        context.output.note(&text);
    }
}
