//! `advance`: moves virtual job time; by the service when one runs, else here and now.

use std::sync::Arc;
use std::time::Duration;

use super::arguments::{AdvanceArguments, AdvanceUntil};
use super::context::Context;
use super::logging;
use super::output::Output;
use super::run::live_in_virtual_time;
use super::session::store_failure;
use super::{Exit, Failure};
use crate::clock::{SignedDuration, VirtualClock};
use crate::config::Config;
use crate::daemon::{Advanced, Answer, Lull, Settings, Until, VirtualJobs, Wish};
use crate::engine::entry::seconds;
use crate::store::{JobLock, LockError, Store};

/// How often the service is asked whether it is done, and a job whether it is free, in wire time.
const POLL: Duration = Duration::from_millis(100);
/// So many times a service is asked whether it lives in virtual time: one that is just starting takes a moment to say.
const VIRTUAL_POLLS: u32 = 20;

pub(super) fn run(context: &Context, arguments: &AdvanceArguments) -> Result<Exit, Failure> {
    let config = context.config()?;
    context.jobs(&config)?;
    let wish = Wish {
        by: arguments.by,
        until: arguments.until.map(|until| match until {
            AdvanceUntil::Quarantined => Until::Quarantined,
            AdvanceUntil::Active => Until::Active,
            AdvanceUntil::Disabled => Until::Disabled,
            AdvanceUntil::Cycle => Until::Cycle,
        }),
        job: context.job_named().map(str::to_owned),
    };
    let store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
    let advanced = match service_lock(&config)? {
        Some(lock) => here(context, config, store, &wish, &lock)?,
        None => match by_service(&config, &store, &wish)? {
            Asked::Answered(advanced) => advanced,
            Asked::NobodyThere(lock, rest) => here(context, config, store, &rest, &lock)?,
        },
    };
    print(context.output, &advanced)?;
    if let Some(fault) = &advanced.source_fault {
        let at = seconds(advanced.to);
        let message = format!("the source can't be used, and job time stopped at {at}: {fault}");
        return Err(Failure::new(Exit::Usage, message)
            .help("nothing was sent; mend the files and advance again, for the next cycle reads them anew"));
    }
    Ok(if advanced.reached == Some(false) || advanced.interrupted { Exit::Failed } else { Exit::Fine })
}

/// The lock of the service; `None` when one runs.
fn service_lock(config: &Config) -> Result<Option<JobLock>, Failure> {
    match JobLock::take_service(&config.state_dir) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(error @ LockError::File { .. }) => {
            Err(Failure::new(Exit::Usage, "can't tell whether a service runs").because(&error))
        }
    }
}

/// Moves job time in this process.
fn here(
    context: &Context,
    config: Config,
    mut store: Store,
    wish: &Wish,
    _lock: &JobLock,
) -> Result<Advanced, Failure> {
    let failed = |error| store_failure(&error);
    if store.virtual_time().map_err(failed)?.is_none() {
        for job in &config.jobs {
            if store.job(&job.name).map_err(failed)?.is_some() {
                return Err(real_time("job time of this state is the wall clock's, and cycles have run"));
            }
        }
    }
    let clock = VirtualClock::new(live_in_virtual_time(&mut store).map_err(failed)?);
    logging::start_jobs(context.global(), Arc::new(clock.clone()))?;
    let settings = Arc::new(Settings::new((config, Vec::new()), None));
    let mut wait = |lull| {
        if lull == Lull::Busy {
            pause();
        }
        true
    };
    VirtualJobs::new(&settings, store, &clock).advance(wish, &mut wait).map_err(failed)
}

enum Asked {
    Answered(Advanced),
    /// The service has ended before it answered; its lock is ours now, and so is the rest of the way.
    NobodyThere(JobLock, Wish),
}

/// Asks the service and waits for its answer.
fn by_service(config: &Config, store: &Store, wish: &Wish) -> Result<Asked, Failure> {
    let failed = |error| store_failure(&error);
    let mut polls = 0;
    let from = loop {
        if let Some(at) = store.virtual_time().map_err(failed)? {
            break at;
        }
        if VIRTUAL_POLLS <= polls {
            return Err(real_time("the service that runs lives in real time"));
        }
        polls += 1;
        pause();
    };
    let asked = serde_json::to_string(wish).map_err(|error| store_failure(&error.into()))?;
    let command = store.ask_service(&asked).map_err(failed)?;
    loop {
        if let Some(answer) = store.answer_of_service(command).map_err(failed)? {
            store.drop_commands(Some(command)).map_err(failed)?;
            return match serde_json::from_str(&answer).map_err(|error| store_failure(&error.into()))? {
                Answer::Advanced(advanced) => Ok(Asked::Answered(advanced)),
                Answer::NotUnderstood(why) => {
                    Err(Failure::new(Exit::Usage, format!("the service did not understand: {why}"))
                        .help("it may be of another version; start it anew"))
                }
            };
        }
        if let Some(lock) = service_lock(config)? {
            store.drop_commands(Some(command)).map_err(failed)?;
            let came = store
                .virtual_time()
                .map_err(failed)?
                .map_or(SignedDuration::ZERO, |at| at.duration_since(from));
            let rest = wish.by.map(|by| by.saturating_sub(came).max(SignedDuration::ZERO));
            return Ok(Asked::NobodyThere(lock, Wish { by: rest, ..wish.clone() }));
        }
        pause();
    }
}

fn real_time(why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("job time can't be moved: {why}")).help(
        "`scimulator run --virtual` lets it stand still; a folder `state` of its own keeps the two apart",
    )
}

#[expect(clippy::disallowed_methods, reason = "this command waits for another process")]
fn pause() {
    std::thread::sleep(POLL);
}

fn print(output: Output, advanced: &Advanced) -> Result<(), Failure> {
    if output.is_json() {
        let json = serde_json::to_value(advanced).map_err(|error| store_failure(&error.into()))?;
        return output.json(&json);
    }
    let cycles: Vec<String> = advanced.cycles.iter().map(|(job, count)| format!("{job} {count}")).collect();
    let cycles = if cycles.is_empty() { "none".to_owned() } else { cycles.join(", ") };
    output.text(&format!(
        "job time moved from {} to {}; cycles: {cycles}",
        seconds(advanced.from),
        seconds(advanced.to)
    ))?;
    if advanced.interrupted {
        output.note("stopped before its end: the service was stopped");
    } else if advanced.reached == Some(false) {
        output.note("what it was to move until does not hold");
    }
    Ok(())
}
