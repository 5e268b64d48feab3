//! Plays a scenario: edits into the change log, faults into the app, time on the virtual clock, cycles as they become
//! due, and at the end of each step its expectations.

use serde_json::Value;

use super::expect::{self, Evidence, JobFacts, Miss, Seen};
use super::language::JOB;
use super::mask::mask;
use super::model::{Act, AtConsole, Edit, FaultKind, Scenario, SourceFault, Step, Time, To, Until, Wanted};
use super::names::Ids;
use super::report::{Failure, Report, Verdict};
use super::snapshot::Prefix;
use super::stage::{Stage, StagedApp};
use super::{Options, Target};
use crate::clock::{Clock as _, SignedDuration, Timestamp, VirtualClock, WireInstant};
use crate::config::{Access, Config, Endpoint, TokenSource};
use crate::daemon::due::{Due, Standing, next_due};
use crate::directory::object::ObjectKind;
use crate::engine::quarantine::Reason;
use crate::engine::restart::{Reset, Stop, pause, restart, start};
use crate::engine::spec::JobSpec;
use crate::engine::status::{quarantine, settle, synchronization_job};
use crate::engine::{CycleResult, EngineError, Purpose};
use crate::runner::{Job, RunError, Unreached};
use crate::scim::answer::ReadById;
use crate::scim::query::resource_path;
use crate::store::{EditError, ImportFault, LogFilter, Store, StoreError};
use crate::target::{AppRules, ConsoleCommand, Mode, RulesError};

mod changes;
mod end;
mod oracle;
#[cfg(test)]
mod sabotage;

pub use end::{End, Unrest};
#[cfg(test)]
pub(crate) use sabotage::Sabotage;

/// How far time moves at most until something holds, when nothing else is said: past the 28 days of a quarantine and
/// the 30 of the recycle bin.
const UNTIL_MAX: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Why a scenario can't go on; not what the app or the job did.
#[derive(Debug, thiserror::Error)]
enum PlayError {
    #[error("{0}")]
    Edit(String),
    #[error(transparent)]
    Import(#[from] ImportFault),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the app can't be played")]
    Rules(#[source] RulesError),
    #[error("what the target holds can't be told: GET {path}: {why}")]
    Unreadable { path: String, why: String },
}

impl From<EditError> for PlayError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Store(error) => Self::Store(error),
            other @ (EditError::State { .. } | EditError::NameTaken(_)) => Self::Edit(other.to_string()),
        }
    }
}

/// Plays a scenario to its end, or to the first step of which something does not hold.
pub(super) fn play(scenario: &Scenario, options: &Options, number: usize) -> Report {
    play_to_end(scenario, options, number, |_| ()).0
}

/// The same; and what `look` sees of the stage once it is over, unless it could not begin. The report is masked where that
/// is asked for; what `look` sees is not.
pub(super) fn play_to_end<T>(
    scenario: &Scenario,
    options: &Options,
    number: usize,
    look: impl FnOnce(&mut Play<'_>) -> T,
) -> (Report, Option<T>) {
    let began = WireInstant::now();
    let mut report = Report {
        file: scenario.file.clone(),
        name: scenario.name(),
        title: scenario.title.clone(),
        verdict: Verdict::Passed,
        prefix: None,
        steps: 0,
        cycles: 0,
        kills: 0,
        span: (scenario.start, scenario.start),
        exchanges: Vec::new(),
        held: Vec::new(),
        left: Vec::new(),
        took: std::time::Duration::ZERO,
    };
    if let (Target::Remote(_), Some(why)) = (&options.target, scenario.needs_embedded()) {
        report.verdict = Verdict::Skipped(why);
        return (report, None);
    }
    if options.stop.is_asked() {
        report.verdict = Verdict::Skipped("the run was stopped before it".to_owned());
        return (report, None);
    }
    let (mut seen, mut read) = (None, Vec::new());
    let prefix = options.prefix(number);
    report.prefix = prefix.as_str().map(str::to_owned);
    match Play::new(scenario, options, prefix) {
        Ok(mut play) => {
            report.verdict = play.steps(&mut report.steps);
            seen = Some(look(&mut play));
            if !options.keep {
                report.left = play.clean_up();
            }
            (report.cycles, report.kills) = (play.cycles, play.kills);
            if !play.is_remote {
                report.held = play.app.resources();
            }
            report.span.1 = play.clock.now();
            report.exchanges = play.stage.exchanges;
            read = play.read;
        }
        Err(error) => report.verdict = Verdict::Broken(broken(scenario, 0, None, scenario.start, &error)),
    }
    report.took = began.elapsed();
    if let Some(pseudonyms) = &options.redact {
        mask(&mut report, scenario, &read, pseudonyms);
    }
    (report, seen)
}

/// What is told of a scenario that can't go on.
fn broken(
    scenario: &Scenario,
    at: usize,
    place: Option<crate::diagnostic::Place>,
    now: Timestamp,
    error: &PlayError,
) -> Failure {
    let step = scenario.steps.get(at);
    let place = place.or_else(|| step.map(|step| step.place.clone()));
    let mut got = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        got = format!("{got}: {cause}");
        source = cause.source();
    }
    Failure {
        place: place.unwrap_or_else(|| crate::diagnostic::Place::file(&scenario.file)),
        step: at + 1,
        title: step.and_then(|step| step.title.clone()),
        at: now,
        key: "step".to_owned(),
        expected: "that the step can be done".to_owned(),
        got,
        guilty: None,
    }
}

pub(super) struct Play<'s> {
    scenario: &'s Scenario,
    config: Config,
    job: Job,
    is_remote: bool,
    store: Store,
    clock: VirtualClock,
    stage: Stage,
    app: StagedApp,
    /// Edits that a stale source does not show yet.
    unseen: Vec<&'s Edit>,
    ids: Ids,
    prefix: Prefix,
    /// Exchanges that `ids` has learned from.
    learned: usize,
    cycles: u64,
    /// Cycles that were cut off.
    kills: u64,
    last: Option<CycleResult>,
    /// The newest token of the app's console, and how many there were.
    token: Option<String>,
    tokens: u32,
    /// Where the step under way went wrong.
    place: Option<crate::diagnostic::Place>,
    /// Exchanges at whose end the app held what it should.
    right_until: usize,
    /// The end of the change log when a cycle of the step under way was found clean.
    clean_at: Option<i64>,
    /// What the oracle found after a cycle of the step under way.
    found: Vec<Miss>,
    /// What was read back of somebody's app in the step under way, for what fails may tell of it.
    read: Vec<Value>,
    #[cfg(test)]
    sabotage: Option<Sabotage>,
    /// How many scenarios were played before.
    #[cfg(test)]
    nth: u64,
}

/// The configuration of a scenario's job against what it is played against, and whether that is somebody's app.
fn config_of(scenario: &Scenario, target: &Target) -> (Config, bool) {
    let mut config = scenario.config.clone();
    let is_remote = match (target, config.jobs.first_mut()) {
        (Target::Remote(remote), Some(job)) => {
            job.endpoint = Endpoint::Remote(remote.url.clone());
            job.allow_remote = true;
            if let Some(token) = &remote.token {
                job.access = Access::Token(token.clone());
            }
            true
        }
        (Target::Remote(_) | Target::Embedded, _) => false,
    };
    (config, is_remote)
}

/// Looks whether somebody's app is there and lets the job of this scenario in.
pub(super) fn reach(scenario: &Scenario, options: &Options) -> Result<Result<(), Unreached>, RunError> {
    let (config, is_remote) = config_of(scenario, &options.target);
    let Some(job) = config.jobs.first().filter(|_| is_remote) else { return Ok(Ok(())) };
    let job = Job::new(&config, job, &|name| options.variable(name))?;
    job.reach(&Store::in_memory()?, &VirtualClock::new(scenario.start))
}

impl<'s> Play<'s> {
    fn new(scenario: &'s Scenario, options: &Options, prefix: Prefix) -> Result<Self, PlayError> {
        let (config, is_remote) = config_of(scenario, &options.target);
        let Some(job_config) = config.jobs.first() else {
            return Err(PlayError::Edit("the scenario has no job".to_owned()));
        };
        let job = Job::new(&config, job_config, &|name| options.variable(name))?;
        let clock = VirtualClock::new(scenario.start);
        let rules = AppRules::read(&job_config.played).map_err(PlayError::Rules)?;
        let app = StagedApp::new(job_config.fidelity.timeout, rules, config.directory.seed);
        let mut store = Store::in_memory()?;
        scenario.directory.import(&mut store, clock.now(), &prefix)?;
        let mut ids = Ids::default();
        for (object, _) in &scenario.directory.objects {
            ids.named(object.kind, object.label(), &object.id);
        }
        Ok(Self {
            scenario,
            config,
            job,
            is_remote,
            store,
            clock,
            stage: Stage { stop: options.stop.clone(), ..Stage::default() },
            app,
            unseen: Vec::new(),
            ids,
            prefix,
            learned: 0,
            cycles: 0,
            kills: 0,
            last: None,
            token: None,
            tokens: 0,
            place: None,
            right_until: 0,
            clean_at: None,
            found: Vec::new(),
            read: Vec::new(),
            #[cfg(test)]
            sabotage: options.sabotage,
            #[cfg(test)]
            nth: sabotage::played_before(options.sabotage),
        })
    }

    fn spec(&self) -> &JobSpec {
        self.job.spec()
    }

    /// Does step after step; `done` counts those that were done.
    fn steps(&mut self, done: &mut usize) -> Verdict {
        let scenario = self.scenario;
        for (at, step) in scenario.steps.iter().enumerate() {
            match self.step(step) {
                Ok(misses) if misses.is_empty() => *done += 1,
                Ok(misses) => {
                    let now = self.clock.now();
                    let failure = |miss: Miss| Failure {
                        place: miss.place,
                        step: at + 1,
                        title: step.title.clone(),
                        at: now,
                        key: miss.key,
                        expected: miss.expected,
                        got: miss.got,
                        guilty: miss.guilty,
                    };
                    return Verdict::Failed(misses.into_iter().map(failure).collect());
                }
                Err(error) => {
                    let place = self.place.take();
                    return Verdict::Broken(broken(scenario, at, place, self.clock.now(), &error));
                }
            }
        }
        Verdict::Passed
    }

    /// Whether to go on, or an error when somebody asked to stop.
    fn go_on(&self) -> Result<(), EngineError> {
        if self.stage.stop.is_asked() { Err(EngineError::Stopped) } else { Ok(()) }
    }

    fn step(&mut self, step: &'s Step) -> Result<Vec<Miss>, PlayError> {
        self.go_on()?;
        (self.place, self.clean_at) = (None, None);
        self.read.clear();
        let (from, cycles, log_from) = (self.stage.exchanges.len(), self.cycles, self.log_position()?);
        let stale = Some(SourceFault::Stale);
        let is_stale = self.stage.source == stale
            || step.faults.iter().any(|fault| fault.kind == FaultKind::Source(stale));
        for edit in &step.edits {
            self.place = Some(edit.place.clone());
            if is_stale {
                self.unseen.push(edit);
            } else {
                self.edit(edit)?;
            }
        }
        for fault in &step.faults {
            self.place = Some(fault.place.clone());
            self.fault(fault)?;
        }
        self.place = None;
        if let Some(at_console) = step.console {
            self.at_console(at_console)?;
        }
        if let Some(act) = step.action {
            self.act(act)?;
        }
        let reached = match step.time {
            Time::Stands => true,
            Time::Moves { to, until } => self.advance(to, until, cycles)?,
        };
        self.learn();
        let mut misses = std::mem::take(&mut self.found);
        for wanted in &step.expect {
            if let Wanted::Oracle(word) = wanted.what {
                misses.extend(oracle::misses(&self.consult()?, word, (&wanted.place, &wanted.key)));
            }
        }
        misses.extend(self.hold(step, from, self.cycles.saturating_sub(cycles), log_from, reached)?);
        Ok(misses)
    }

    fn learn(&mut self) {
        let base_url = self.job.spec().base_url.clone();
        for exchange in self.stage.exchanges.iter().skip(self.learned) {
            self.ids.learn(exchange, &base_url, &self.prefix);
        }
        self.learned = self.stage.exchanges.len();
    }

    fn act(&mut self, act: Act) -> Result<(), PlayError> {
        let now = self.clock.now();
        match act {
            Act::InitialCycle => self.cycle(Purpose::InitialCycle)?,
            Act::Cycle => self.cycle_by_hand()?,
            Act::Restart(reset) => self.restart(reset)?,
            Act::Start => {
                start(&mut self.store, JOB, now)?;
            }
            Act::Pause => {
                if !pause(&mut self.store, JOB, Stop::Pause, now)? {
                    return Err(PlayError::Edit("a job that has not run has nothing to pause".to_owned()));
                }
            }
            Act::AllowDeletions | Act::RejectDeletions => {
                let row = self.store.job(JOB)?;
                let held = row.as_ref().map(quarantine).transpose()?.flatten();
                if held.is_none_or(|quarantine| quarantine.reason != Reason::TooManyDeletes) {
                    return Err(PlayError::Edit("the deletion guard holds nothing back".to_owned()));
                }
                self.restart(if act == Act::AllowDeletions { Reset::FORCE_DELETES } else { Reset::EMPTY })?;
            }
            Act::SetToken => {
                let Some(token) = self.token.clone() else {
                    return Err(PlayError::Edit("no token was made in the app's console".to_owned()));
                };
                if let Some(job) = self.config.jobs.first_mut() {
                    job.access = Access::Token(TokenSource::Value(token.into()));
                }
                if let Some(job) = self.config.jobs.first() {
                    self.job = Job::new(&self.config, job, &|_| None)?;
                }
            }
        }
        self.clock.advance_to(now);
        Ok(())
    }

    fn at_console(&mut self, what: AtConsole) -> Result<(), PlayError> {
        let command = match what {
            AtConsole::TestModeOn => ConsoleCommand::TestMode(true),
            AtConsole::TestModeOff => ConsoleCommand::TestMode(false),
            AtConsole::Scim => ConsoleCommand::Mode(Mode::Scim),
            AtConsole::OtherMode => ConsoleCommand::Mode(Mode::Other),
            AtConsole::Off => ConsoleCommand::Mode(Mode::Off),
            AtConsole::NewToken => {
                self.tokens += 1;
                // The same in every run: nothing but this run's app knows it.
                let token = format!("token-{}", self.tokens);
                self.token = Some(token.clone());
                ConsoleCommand::NewToken { token }
            }
            AtConsole::RevokeTokens => ConsoleCommand::RevokeTokens,
        };
        self.app.console(command).map_err(|error| PlayError::Edit(error.to_string()))
    }

    fn restart(&mut self, reset: Reset) -> Result<(), PlayError> {
        let now = self.clock.now();
        restart(&mut self.store, self.job.spec(), reset, now)?;
        Ok(())
    }

    /// A cycle as `scimulator cycle` runs it: not while the job is paused, in quarantine only when an attempt is due.
    fn cycle_by_hand(&mut self) -> Result<(), PlayError> {
        let row = self.store.job(JOB)?;
        if let Some(row) = &row {
            let held = quarantine(row)?.is_some_and(|quarantine| self.clock.now() < quarantine.next_attempt);
            if row.paused || row.disabled || held {
                return Ok(());
            }
        }
        self.cycle(Purpose::CycleByHand)
    }

    fn cycle(&mut self, purpose: Purpose) -> Result<(), PlayError> {
        self.go_on()?;
        let Self { job, store, clock, stage, app, .. } = self;
        let result = match job.cycle_on(store, clock, purpose, stage, app) {
            Err(RunError::Engine(EngineError::Killed)) => return self.start_again(),
            other => other?,
        };
        self.cycles = self.cycles.saturating_add(1);
        self.last = Some(result);
        #[cfg(test)]
        self.sabotage_cycle()?;
        self.consult_after_cycle()
    }

    /// A new process in place of the one that was killed: it has what is in the state, and nothing else.
    fn start_again(&mut self) -> Result<(), PlayError> {
        self.kills = self.kills.saturating_add(1);
        self.store = self.store.copy()?;
        #[cfg(test)]
        self.sabotage_restart()?;
        let Some(job) = self.config.jobs.first() else { return Ok(()) };
        self.job = Job::new(&self.config, job, &|_| None)?;
        Ok(())
    }

    /// Moves time and runs every cycle that becomes due; whether what it was to move until holds.
    fn advance(
        &mut self,
        to: Option<To>,
        until: Option<Until>,
        cycles_before: u64,
    ) -> Result<bool, PlayError> {
        let now = self.clock.now();
        let later = |from: Timestamp, by| from.saturating_add(by).unwrap_or(Timestamp::MAX);
        let end = match to {
            Some(To::At(distance)) => later(self.scenario.start, distance),
            Some(To::After(distance)) => later(now, distance),
            None => later(now, UNTIL_MAX),
        };
        loop {
            if let Some(until) = until
                && self.holds(until, cycles_before)?
            {
                return Ok(true);
            }
            match self.due()? {
                Due::Now => self.cycle(Purpose::Cycle)?,
                Due::At(at) if at <= end => self.clock.advance_to(at),
                Due::At(_) | Due::Never => {
                    self.clock.advance_to(end);
                    return until.map_or(Ok(true), |until| self.holds(until, cycles_before));
                }
            }
        }
    }

    /// When the job runs next. A quarantine that has lasted too long disables it.
    fn due(&mut self) -> Result<Due, PlayError> {
        let Some(job) = self.config.jobs.first() else { return Ok(Due::Never) };
        let (interval, limit) = (job.interval, job.fidelity.failures.quarantine_limit);
        let now = self.clock.now();
        settle(&mut self.store, self.job.spec(), now)?;
        let row = self.store.job(JOB)?;
        Ok(next_due(&Standing::of(row.as_ref(), interval, limit)?, now))
    }

    fn holds(&self, until: Until, cycles_before: u64) -> Result<bool, PlayError> {
        let row = self.store.job(JOB)?;
        let in_quarantine = row.as_ref().is_some_and(|row| row.quarantine.is_some());
        Ok(match until {
            Until::Quarantined => in_quarantine,
            Until::Active => row.is_some_and(|row| row.next_cycle.is_some()) && !in_quarantine,
            Until::Disabled => row.is_some_and(|row| row.disabled),
            Until::Paused => row.is_some_and(|row| row.paused),
            Until::Settled => {
                let open = self.store.open_failures(JOB)?;
                cycles_before < self.cycles && open.objects == 0 && open.references == 0
            }
            Until::Cycle => cycles_before < self.cycles,
        })
    }

    /// The newest cycle that the log may have entries of.
    fn log_position(&self) -> Result<i64, PlayError> {
        Ok(self.store.job(JOB)?.map_or(0, |row| row.cycle))
    }

    fn hold(
        &mut self,
        step: &Step,
        from: usize,
        cycles: u64,
        log_from: i64,
        reached: bool,
    ) -> Result<Vec<Miss>, PlayError> {
        if step.expect.is_empty() {
            return Ok(Vec::new());
        }
        let resources = if step.expect.iter().any(|wanted| wanted.what.needs_target()) {
            self.resources()?
        } else {
            Vec::new()
        };
        if self.is_remote {
            self.read.extend(resources.iter().map(|(_, resource)| resource.clone()));
        }
        let base_url = &self.spec().base_url;
        let seen: Vec<Seen<'_>> = self
            .stage
            .exchanges
            .iter()
            .enumerate()
            .map(|(at, exchange)| Seen::new(at, exchange, base_url, &self.prefix))
            .collect();
        let mut log = self.store.log_entries(JOB, &LogFilter::default())?;
        log.retain(|row| log_from < row.cycle);
        for row in &mut log {
            row.label = self.prefix.strip(&row.label);
        }
        let evidence = Evidence {
            seen: &seen,
            from,
            ids: &self.ids,
            resources: &resources,
            job: &self.facts(cycles)?,
            log: &log,
            reached,
        };
        let mut misses: Vec<Miss> =
            step.expect.iter().flat_map(|expectation| expect::hold(expectation, &evidence)).collect();
        misses.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(misses)
    }

    fn facts(&self, cycles: u64) -> Result<JobFacts, PlayError> {
        let shown = synchronization_job(self.spec(), &self.store)?;
        let text =
            |pointer: &str| shown.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let row = self.store.job(JOB)?;
        let held = row.as_ref().map(quarantine).transpose()?.flatten();
        let mut escrows = self.store.escrows(JOB)?;
        for escrow in &mut escrows {
            escrow.label = self.prefix.strip(&escrow.label);
        }
        Ok(JobFacts {
            status: text("/status/code"),
            schedule: text("/schedule/state"),
            quarantine: held.map(|held| (held.reason.as_str().to_owned(), held.error_message)),
            escrows,
            held: u64::try_from(self.store.staged(JOB)?.len()).unwrap_or(u64::MAX),
            cycles,
            result: self.last.as_ref().map(|last| last.state.as_str().to_owned()),
        })
    }

    /// What the target holds: the embedded app's content read out of band, or over the wire whatever the run has met.
    fn resources(&self) -> Result<Vec<(ObjectKind, Value)>, PlayError> {
        if !self.is_remote {
            let kind = |resource: &Value| {
                let name = resource.pointer("/meta/resourceType").and_then(Value::as_str)?;
                ObjectKind::from_name(name)
            };
            let all = self.app.resources().into_iter();
            return Ok(all.filter_map(|resource| Some((kind(&resource)?, resource))).collect());
        }
        let mut found = Vec::new();
        for (kind, id) in self.ids.targets() {
            self.go_on()?;
            let path = resource_path(kind, id);
            let read = match self.job.get(&self.store, &self.clock, &path)? {
                Ok(answer) => ReadById::of(&answer),
                Err(error) => ReadById::Unreadable(error.to_string()),
            };
            match read {
                ReadById::There(resource) => found.push((kind, self.prefix.strip_json(&resource))),
                ReadById::Gone => {}
                ReadById::Unreadable(why) => {
                    return Err(PlayError::Unreadable { path: format!("/{path}"), why });
                }
            }
        }
        Ok(found)
    }

    /// Deletes from somebody's app what the run has made there, heard of it or not. What is left: what could not be
    /// deleted, and what the run met and did not make, which may be somebody's.
    fn clean_up(&mut self) -> Vec<String> {
        if !self.is_remote {
            return Vec::new();
        }
        self.learn();
        // Whose creation was never answered may be there all the same.
        for (key, query) in self.ids.missing() {
            if let Ok(Ok(answer)) = self.job.get(&self.store, &self.clock, &query)
                && let ReadById::There(list) = ReadById::of(&answer)
            {
                self.ids.searched(&key, &list, &self.prefix);
            }
        }
        let mut left = Vec::new();
        // Groups first: no member list then names somebody who is gone.
        for (kind, id) in self.ids.targets().into_iter().rev() {
            let path = resource_path(kind, id);
            let is_there =
                || matches!(self.job.get(&self.store, &self.clock, &path), Ok(Ok(it)) if it.is_success());
            if !self.ids.is_made(kind, id) {
                if is_there() {
                    left.push(format!("{path} (met, not made by this run)"));
                }
                continue;
            }
            let why = match self.job.delete(&path) {
                Ok(Ok(answer)) if answer.is_success() || answer.status == 404 => continue,
                Ok(Ok(answer)) => answer.status.to_string(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            left.push(format!("{path} ({why})"));
        }
        left
    }
}
