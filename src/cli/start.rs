//! `start`: clears quarantine; the job goes on from its watermark (`engine.md 6.5`).

use super::context::Context;
use super::session::{Session, store_failure};
use super::{Exit, Failure};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let session = Session::open(context)?;
    let _lock = session.lock()?;
    let name = &session.job.name;
    let Some(mut job) = session.store.job(name).map_err(|error| store_failure(&error))? else {
        context.output.note(&format!("job `{name}` has not run yet: there is nothing to clear"));
        return Ok(Exit::Fine);
    };
    let was = job.quarantine.take().is_some();
    if was {
        job.next_cycle = None;
    }
    session.store.save_job(&job).map_err(|error| store_failure(&error))?;
    context.output.note(&if was {
        format!("job `{name}` is out of quarantine and goes on from its watermark")
    } else {
        format!("job `{name}` was not in quarantine")
    });
    Ok(Exit::Fine)
}
