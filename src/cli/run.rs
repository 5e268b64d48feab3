//! `run`: the service.

use std::sync::Arc;

use super::context::Context;
use super::logging;
use super::session::store_failure;
use super::{Exit, Failure};
use crate::clock::{Clock, SystemClock};
use crate::daemon::{self, Settings};
use crate::store::{JobLock, Store};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let (config, warnings) = context.load()?.map_err(|findings| Failure::findings(Exit::Usage, findings))?;
    context.jobs(&config)?;
    // State that can't be used is told at once, not in the log of a service that does nothing.
    let store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
    let _lock = JobLock::take_service(&config.state_dir)
        .map_err(|error| Failure::new(Exit::Usage, "the service can't start").because(&error))?;
    drop(store);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    logging::start_service(context.global(), Arc::clone(&clock))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no description");
        tracing::error!(
            event = "defect",
            place,
            "a defect of scimulator itself: {what} ({place}); please report it"
        );
    }));
    let settings = Arc::new(Settings::new((config, warnings), context.job_named().map(str::to_owned)));
    daemon::run(&settings, &clock)
        .map_err(|error| Failure::new(Exit::Defect, "the service can't run").because(&error))?;
    Ok(Exit::Fine)
}
