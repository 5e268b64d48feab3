//! What commands on a configured job share: the job, its state, its lock, and how its troubles are told.

use std::time::Duration;

use super::context::Context;
use super::failure::print_findings;
use super::output::{Output, relative};
use super::{Exit, Failure};
use crate::clock::{Clock as _, Timestamp};
use crate::config::tenant_url::RemoteRefused;
use crate::config::{Config, JobConfig, TenantUrl};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::directory::import::{ImportError, Read, import};
use crate::directory::object::ObjectKind;
use crate::engine::quarantine::{Quarantine, Reason};
use crate::engine::spec::JobSpec;
use crate::engine::{CycleResult, EngineError, RunState};
use crate::runner::{Job, RunError, source, spec_in_effect};
use crate::stop::{self, Stop};
use crate::store::{Escrow, JobLock, LockError, Resolved, Store, StoreError, StoredObject};

/// Advice where a file of the state can't be used.
const WRITABLE: &str = "see that the folder can be written to and that the disk is not full";

/// A configured job and the state it runs on.
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) job: JobConfig,
    pub(super) store: Store,
}

impl Session {
    /// Opens the configuration, the one job that is meant, and the state.
    pub(super) fn open(context: &Context) -> Result<Self, Failure> {
        let config = context.config()?;
        let job = context.job(&config)?.clone();
        let store = Store::open(&config.state_dir).map_err(|error| store_failure(&error))?;
        Ok(Self { config, job, store })
    }

    /// The same for a command that only looks: where there is no state yet, it looks at an empty one and makes none.
    pub(super) fn look(context: &Context) -> Result<Self, Failure> {
        let config = context.config()?;
        let job = context.job(&config)?.clone();
        let store = state_to_look_at(&config)?;
        Ok(Self { config, job, store })
    }

    /// Takes the job's lock: one process at a time runs its cycles.
    pub(super) fn lock(&self) -> Result<JobLock, Failure> {
        let name = &self.job.name;
        JobLock::take(&self.config.state_dir, name).map_err(|error| match error {
            LockError::Held { .. } => {
                Failure::new(Exit::Usage, format!("job `{name}` is busy")).because(&error)
            }
            LockError::File { .. } => {
                Failure::new(Exit::Usage, format!("the lock of job `{name}` can't be had"))
                    .because(&error)
                    .help(WRITABLE)
            }
        })
    }

    /// The job, ready to run.
    pub(super) fn ready(&self) -> Result<Job, Failure> {
        Job::new(&self.config, &self.job, &Context::env).map_err(|error| run_failure(&error))
    }

    /// What the engine sees of the job, with the schema in effect. Unlike a job made ready to run, it needs no token.
    pub(super) fn spec(&self) -> Result<JobSpec, Failure> {
        let spec = JobSpec::new(&self.config, &self.job, 1);
        match spec_in_effect(&spec, &self.job, &self.store) {
            Ok(spec) => Ok(spec.into_owned()),
            Err(error) => Err(run_failure(&error)),
        }
    }

    /// The quarantine that the job is in. Mappings or filters saved since then have ended it (`engine.md 1.1`).
    pub(super) fn quarantine(&self) -> Result<Option<Quarantine>, Failure> {
        let job = self.store.job(&self.job.name).map_err(|error| store_failure(&error))?;
        let spec = self.spec()?;
        match job.filter(|job| job.definition == spec.definition) {
            Some(job) => crate::engine::status::quarantine(&job).map_err(|error| store_failure(&error)),
            None => Ok(None),
        }
    }
}

/// The state of a configuration; an empty one, kept nowhere, as long as there is none.
pub(super) fn state_to_look_at(config: &Config) -> Result<Store, Failure> {
    let failed = |error| store_failure(&error);
    match Store::open_existing(&config.state_dir).map_err(failed)? {
        Some(store) => Ok(store),
        None => Store::temporary().map_err(failed),
    }
}

/// When a failure is tried again, as a piece of a sentence.
pub(super) fn next_retry(escrow: &Escrow, now: Timestamp) -> String {
    match escrow.next_retry {
        Some(next) => format!("next try {}", relative(next, now)),
        None => "given up".to_owned(),
    }
}

/// Reads the directory's files as a cycle would, and empties the recycle bin of what is due. `vanish_limit` off
/// accepts whatever vanished.
pub(super) fn read_directory(
    store: &mut Store,
    config: &Config,
    vanish_limit: bool,
) -> Result<Read, ImportError> {
    let mut source = source(config);
    if !vanish_limit {
        source.vanish_limit = None;
    }
    let now = now(store);
    let read = import(store, &source, now)?;
    store.expire_recycle_bin(now, config.directory.soft_delete_retention)?;
    Ok(read)
}

/// Reads the directory's files for a command that only looks, into a copy of a state that may not be written to. Where
/// they can't be used, the last good import is looked at, what was found is told, and the command is to end with what
/// is returned.
pub(super) fn look_at_directory(
    context: &Context,
    store: &mut Store,
    config: &Config,
) -> Result<Exit, Failure> {
    if store.is_read_only() {
        *store = store.copy().map_err(|error| store_failure(&error))?;
    }
    match read_directory(store, config, true) {
        Ok(read) => {
            if !context.output.is_quiet() {
                print_findings(&read.warnings);
            }
            Ok(Exit::Fine)
        }
        Err(ImportError::Store(error)) => Err(store_failure(&error)),
        Err(error) => {
            print_findings(&error.findings());
            context.output.note("the files can't be used; this is what the last good import left");
            Ok(Exit::Usage)
        }
    }
}

/// The user or group that a person named, tombstones included; of the kind wanted where one is.
pub(super) fn find(store: &Store, text: &str, wanted: Option<ObjectKind>) -> Result<StoredObject, Failure> {
    let failed = |error: StoreError| store_failure(&error);
    let what = wanted.map_or("user or group", |kind| match kind {
        ObjectKind::User => "user",
        ObjectKind::Group => "group",
    });
    let candidates = match store.resolve(text).map_err(failed)? {
        Resolved::Unknown => Vec::new(),
        Resolved::One(kind, id) => vec![(kind, id)],
        Resolved::Several(candidates) => candidates,
    };
    let is_wanted = |kind: ObjectKind| wanted.is_none_or(|wanted| wanted == kind);
    let fits: Vec<_> = candidates.iter().filter(|(kind, _)| is_wanted(*kind)).collect();
    match fits.as_slice() {
        [(kind, id)] => store
            .object(*kind, id)
            .map_err(failed)?
            .ok_or_else(|| Failure::new(Exit::Defect, format!("`{id}` was found and is not there"))),
        [] => {
            let failure = Failure::new(Exit::Usage, format!("there is no {what} `{text}`"));
            let names = store.names_like(text).map_err(failed)?;
            Err(match (candidates.first(), near(text, &names)) {
                (Some((kind, id)), _) => failure.help(format!("{id} is a {}", kind.as_str().to_lowercase())),
                (None, Some(near)) => failure.help(format!("did you mean `{near}`?")),
                (None, None) => failure.help("`scimulator directory list` shows everybody"),
            })
        }
        several => {
            let ids = several.iter().map(|(kind, id)| format!("{} {id}", kind.as_str().to_lowercase()));
            let ids: Vec<String> = ids.collect();
            Err(Failure::new(Exit::Usage, format!("`{text}` is the name of {} objects", several.len()))
                .help(format!("name one by its objectId: {}", ids.join(", "))))
        }
    }
}

/// The name most like `text`. Of names in one domain only what is before the `@` is compared: the rest is alike.
fn near<'n>(text: &str, names: &'n [String]) -> Option<&'n str> {
    let domain = text.split_once('@').map(|(_, domain)| domain.to_lowercase());
    let part = |name: &str| match (name.split_once('@'), &domain) {
        (Some((local, its)), Some(domain)) if its.eq_ignore_ascii_case(domain) => local.to_lowercase(),
        (_, _) => name.to_lowercase(),
    };
    let parts: Vec<String> = names.iter().map(|name| part(name)).collect();
    let best = did_you_mean(&part(text), parts.iter().map(String::as_str))?;
    let at = parts.iter().position(|part| part == best)?;
    names.get(at).map(String::as_str)
}

/// How a defect or trouble of the engine is told.
pub(super) fn engine_failure(error: &EngineError) -> Failure {
    match error {
        EngineError::Store(error) => store_failure(error),
        EngineError::Stopped => Failure::new(Exit::Interrupted, error.to_string()),
        EngineError::Note(_) | EngineError::Defect(_) | EngineError::Killed => {
            Failure::new(Exit::Defect, "a defect of scimulator").because(error)
        }
    }
}

/// The present moment of the job time that the state lives in.
pub(super) fn now(store: &Store) -> Timestamp {
    store.clock().now()
}

/// A URL that was typed as the endpoint to be tested; what is odd about it is told. Another machine has to be allowed,
/// and `danger` says what happens there.
pub(super) fn endpoint(
    output: Output,
    text: &str,
    allow_remote: bool,
    danger: &str,
) -> Result<TenantUrl, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let (url, warnings) = TenantUrl::parse(text).map_err(|error| usage(format!("the URL: {error}")))?;
    if !output.is_quiet() {
        let told = warnings.iter().map(|warning| Diagnostic {
            help: warning.help(),
            ..Diagnostic::warning(format!("the URL: {warning}"))
        });
        print_findings(&told.collect::<Vec<_>>());
    }
    url.permit(allow_remote).map_err(|refused: RemoteRefused| {
        usage(refused.to_string())
            .help(format!("{danger}: once you are sure that it is the right server, add `--allow-remote`"))
    })?;
    Ok(url)
}

/// A wish to stop that SIGINT or SIGTERM (Ctrl-C elsewhere) expresses. A second one ends the process at once.
#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for anything")]
pub(super) fn stop_on_signals(output: Output) -> Result<Stop, Failure> {
    let stop = Stop::default();
    let asked = stop.clone();
    let heard = move |name: &str| {
        if asked.is_asked() {
            std::process::exit(Exit::Interrupted.code().into());
        }
        asked.ask();
        output.note(&format!("{name}: stops here and takes away what it made, unless a second signal comes"));
    };
    stop::listen(heard)
        .map_err(|error| Failure::new(Exit::Usage, "signals can't be listened to").because(&error))?;
    Ok(stop)
}

/// How often `status --watch` and `logs --follow` look, in wire time.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until it is time to look again.
#[expect(clippy::disallowed_methods, reason = "a person watches")]
pub(super) fn wait_to_look() {
    std::thread::sleep(LOOK);
}

/// How a trouble with the state is told.
pub(super) fn store_failure(error: &StoreError) -> Failure {
    let failure = Failure::new(Exit::Usage, "the state can't be used").because(error);
    match error {
        StoreError::Busy { .. } | StoreError::Locked => {
            failure.help("wait until the other process is done, or end it")
        }
        StoreError::Newer { .. } => {
            failure.help("install the version of scimulator that wrote it; nothing was changed")
        }
        StoreError::NotOurs { .. } | StoreError::Emptied { .. } => {
            failure.help("nothing was changed; move the file away to start over, or put a copy back")
        }
        StoreError::Damaged(_) | StoreError::Corrupt(_) => {
            failure.help("move the file away to start over, or put a copy back")
        }
        StoreError::Full(_) => {
            failure.help("make room, and run it again: what was done is kept, and nothing is done twice")
        }
        StoreError::ReadOnly => failure.help(
            "see that this user may write to the file and its folder; `status`, `logs` and what else only looks work \
             as it is",
        ),
        StoreError::Open { .. } | StoreError::Sqlite(_) => failure.help(WRITABLE),
    }
}

/// How a run that could not take place is told.
pub(super) fn run_failure(error: &RunError) -> Failure {
    match error {
        RunError::Store(error) => store_failure(error),
        RunError::Engine(error) => engine_failure(error),
        RunError::Token { .. }
        | RunError::InvalidToken { .. }
        | RunError::Kept { .. }
        | RunError::CredentialLimit { .. }
        | RunError::Roots { .. }
        | RunError::Network(_)
        | RunError::Journal(_)
        | RunError::Rules { .. }
        | RunError::Content(_)
        | RunError::Schema { .. }
        | RunError::Runtime(_) => Failure::new(Exit::Usage, "the job can't run").because(error),
    }
}

/// What a finished run makes the process end with.
pub(super) fn exit_of(result: &CycleResult) -> Exit {
    let held = result.quarantine.as_ref().is_some_and(|it| it.reason == Reason::TooManyDeletes);
    match result.state {
        RunState::Succeeded | RunState::EntryLevelErrors if held => Exit::Held,
        RunState::Succeeded | RunState::EntryLevelErrors => Exit::Fine,
        RunState::Failed if result.source_fault => Exit::Usage,
        RunState::Failed => Exit::Target,
    }
}
