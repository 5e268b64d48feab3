//! `run`: the service.

use std::sync::Arc;

use super::arguments::RunArguments;
use super::context::Context;
use super::logging;
use super::session::{now, store_failure};
use super::{Exit, Failure};
use crate::clock::{Clock as _, SystemClock, Timestamp, VirtualClock};
use crate::config::Loaded;
use crate::daemon::{self, ServiceError, Settings};
use crate::engine::entry::seconds;
use crate::store::{JobLock, Store, StoreError};

pub(super) fn run(context: &Context, arguments: &RunArguments) -> Result<Exit, Failure> {
    let loaded: Loaded = context.load()?;
    let (config, warnings) = loaded.map_err(|findings| Failure::findings(Exit::Usage, findings))?;
    context.jobs(&config)?;
    // State that can't be used is told at once, not in the log of a service that does nothing.
    let mut store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
    let _lock = JobLock::take_service(&config.state_dir)
        .map_err(|error| Failure::new(Exit::Usage, "the service can't start").because(&error))?;
    // Whoever asked a service that is gone has been told so.
    store.drop_commands(None).map_err(|error| store_failure(&error))?;
    let settings = |loaded| Arc::new(Settings::new(loaded, context.job_named().map(str::to_owned)));
    let served = if arguments.virtual_time {
        let at = live_in_virtual_time(&mut store).map_err(|error| store_failure(&error))?;
        let clock = VirtualClock::new(at);
        logging::start_service(context.global(), Arc::new(clock.clone()))?;
        std::panic::set_hook(Box::new(say_defect));
        daemon::run_virtual(&settings((config, warnings)), store, &clock)
    } else {
        live_in_real_time(&mut store)?;
        drop(store);
        logging::start_service(context.global(), Arc::new(SystemClock))?;
        std::panic::set_hook(Box::new(say_defect));
        daemon::run(&settings((config, warnings)))
    };
    served
        .map_err(|error: ServiceError| Failure::new(Exit::Defect, "the service can't run").because(&error))?;
    Ok(Exit::Fine)
}

/// Lets the state's job time stand still, if it does not yet: where it stands.
pub(super) fn live_in_virtual_time(store: &mut Store) -> Result<Timestamp, StoreError> {
    if let Some(at) = store.virtual_time()? {
        return Ok(at);
    }
    // A whole second reads better, and must not lie before what is already in the state.
    let now = now(store);
    let at = Timestamp::from_second(now.as_second().saturating_add(1)).unwrap_or(now);
    store.set_virtual_time(Some(at))?;
    Ok(at)
}

/// Gives the state's job time back to the wall clock.
///
/// # Errors
/// It is ahead of the wall clock: job time never goes back.
fn live_in_real_time(store: &mut Store) -> Result<(), Failure> {
    let at = store.virtual_time().map_err(|error| store_failure(&error))?;
    match at {
        None => Ok(()),
        Some(at) if at <= SystemClock.now() => {
            store.set_virtual_time(None).map_err(|error| store_failure(&error))
        }
        Some(at) => Err(Failure::new(
            Exit::Usage,
            format!("job time is virtual and stands at {}, ahead of the wall clock", seconds(at)),
        )
        .help(
            "go on with `scimulator run --virtual`; to start over in real time, delete the folder `state`",
        )),
    }
}

fn say_defect(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let what = panic.payload_as_str().unwrap_or("no description");
    tracing::error!(
        event = "defect",
        place,
        "a defect of scimulator itself: {what} ({place}); please report it"
    );
}
