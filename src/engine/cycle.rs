//! One run of a job, from the import of the source to the watermark (`engine.md 1.2, 1.3`).
//!
//! Phases never overlap: import, probes, users, groups, managers, members, removals. Within a phase as many objects
//! are under way as there are workers, each with one request at a time.

mod ending;
mod probe;
mod progress;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use self::probe::probe_answered;
use self::progress::Pages;
use super::audit;
use super::context::{About, Answer, Context, EffectId, EngineError, Next, phase_number};
use super::entry::{Action, Status};
use super::escrow;
use super::guard;
use super::ids;
use super::object::ObjectTask;
use super::on_demand::Choice;
use super::quarantine::Quarantine;
use super::reference::ReferenceTask;
use super::removal::RemovalTask;
use super::spec::JobSpec;
use super::statistics::Statistics;
use crate::client::Redactor;
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::object::ObjectKind;
use crate::http::{Request, Response, TransportError};
use crate::scim::failure::Exchange;
use crate::scope::ScopeMode;
use crate::store::{Execution, JobRow, Phase, Store, WorkItem, WorkWindow};

/// Something that the outside world has to do for a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Read the source into the store; all of it or nothing.
    Import,
    /// Send a request and bring the answer.
    Exchange {
        /// The request, without `Authorization`.
        request: Request,
        /// Which object it is about; `None` for a probe.
        about: Option<About>,
    },
    /// Wait before anything else is sent: in wire time against a real target, in virtual time in process.
    Pause(SignedDuration),
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The import is over.
    Imported(ImportOutcome),
    /// The answer, or why there is none.
    Answered(Result<Response, TransportError>),
    /// The pause is over.
    Resumed,
}

/// What came of the import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The directory is as the files say.
    Done,
    /// The files could not be read or were not believed: nothing is sent, the watermark stays.
    Fault(String),
}

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A cycle: initial when the job has no watermark or its mappings or filters changed.
    Cycle,
    /// A cycle now, because somebody asks for it: whatever failed and is not given up is tried again (contract 2).
    CycleByHand,
    /// The same as an initial cycle, whatever the watermark says.
    InitialCycle,
    /// Nothing but the probes, as Test Connection sends them.
    TestConnection,
    /// One object, and nothing about the job changes (`engine.md 8`). The source has been read before.
    OnDemand(Choice),
}

/// Which kind of cycle it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleKind {
    /// Every object is read.
    Initial,
    /// What changed since the watermark is read.
    Incremental,
}

/// How a run ended (`graph-api.md 3.3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum RunState {
    /// Nothing failed.
    Succeeded,
    /// A global failure ended it; the watermark stays.
    Failed,
    /// Objects failed and are in escrow.
    EntryLevelErrors,
}

impl RunState {
    /// Its name in the job's status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::EntryLevelErrors => "EntryLevelErrors",
        }
    }
}

/// What a cycle came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleResult {
    /// Its number.
    pub cycle: i64,
    /// Its id: cycleId in the log.
    pub id: String,
    /// Initial or incremental.
    pub kind: CycleKind,
    /// How it ended.
    pub state: RunState,
    /// What it counted.
    pub statistics: Statistics,
    /// What a probe found odd and let pass, in sentences.
    pub warnings: Vec<String>,
    /// Whether the source, not the target, is what failed.
    pub source_fault: bool,
    /// Whether quarantine was lifted, or the record now in force.
    pub quarantine: Option<Quarantine>,
    /// Whether it was an initial cycle with too many failures: they were dropped, and the job is paused.
    pub pruned: bool,
    /// When the next cycle is due.
    pub next_cycle: Timestamp,
}

/// An object was dealt with: one entry of the log, for progress views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// User or group.
    pub kind: ObjectKind,
    /// Its name.
    pub label: String,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub status: Status,
    /// The last step's sentence.
    pub summary: String,
    /// Entra's code, when there is one.
    pub code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Import,
    Probe(ObjectKind),
    Objects(Phase),
    Over,
}

#[derive(Debug)]
enum Task {
    Object(Box<ObjectTask>),
    Reference(Box<ReferenceTask>),
    Removal(Box<RemovalTask>),
    Probe(ObjectKind, String),
}

/// A task and its request under way.
#[derive(Debug)]
struct Running {
    task: Task,
    exchange: Exchange,
    request: Request,
    about: Option<About>,
    /// What the object is and was called; see [`Cycle::names`].
    names: BTreeSet<String>,
    step: u32,
    /// The request was throttled and has been sent again.
    repeated: bool,
}

/// One run of a job.
#[derive(Debug)]
pub struct Cycle<'a> {
    context: Context<'a>,
    job: JobRow,
    id: String,
    purpose: Purpose,
    stage: Stage,
    /// Effects that are ready to be carried out.
    ready: VecDeque<(EffectId, Effect)>,
    running: BTreeMap<(u8, i64), Running>,
    /// Place of the object taken up last.
    position: i64,
    /// Pauses under way; nothing is sent while there are any.
    pauses: u32,
    import_fault: Option<String>,
    result: Option<CycleResult>,
    done: u64,
    total: u64,
    pages: Pages,
}

impl<'a> Cycle<'a> {
    /// Begins a run at job time `now`; `secrets` masks what the target echoes in all that is written down.
    pub fn begin(
        spec: &'a JobSpec,
        secrets: &'a Redactor,
        store: &'a mut Store,
        now: Timestamp,
        purpose: Purpose,
    ) -> Result<Self, EngineError> {
        let mut job =
            store.job(&spec.name)?.unwrap_or_else(|| JobRow::new(&spec.name, &spec.id, &spec.definition));
        if purpose == Purpose::InitialCycle {
            job.watermark = None;
        }
        let mut changes = Vec::new();
        let choice = match &purpose {
            Purpose::OnDemand(choice) => Some(choice.clone()),
            Purpose::Cycle | Purpose::CycleByHand | Purpose::InitialCycle | Purpose::TestConnection => None,
        };
        if choice.is_none() {
            changes = audit::changes(store, &job, spec, now)?;
            if job.definition != spec.definition {
                // Saved mappings and filters clear watermark and quarantine; links and escrows stay (`engine.md 1.1`).
                job.watermark = None;
                job.quarantine = None;
            }
            job.definition.clone_from(&spec.definition);
        }
        job.cycle += 1;
        let id = ids::derived(spec.seed, &[&spec.name, &job.cycle.to_string(), "cycle"]).to_string();
        let execution = Execution {
            cycle: job.cycle,
            id: id.clone(),
            initial: job.watermark.is_none(),
            began: now,
            ended: None,
            state: None,
            statistics: serde_json::to_string(&Statistics::default())?,
        };
        let window = match &purpose {
            Purpose::Cycle | Purpose::CycleByHand | Purpose::InitialCycle => {
                store.step(|store| {
                    for change in &changes {
                        store.add_audit(&spec.name, change)?;
                    }
                    audit::keep_settings(store, spec)?;
                    store.drop_progress(&spec.name)?;
                    store.save_job(&job)?;
                    store.save_execution(&spec.name, &execution)
                })?;
                WorkWindow { after: job.watermark, until: 0 }
            }
            Purpose::TestConnection => WorkWindow { after: job.watermark, until: 0 },
            Purpose::OnDemand(_) => {
                // It takes a number, which its entries and exchanges go by, and is no execution of the job.
                store.save_job(&job)?;
                let newest = store.last_seq()?;
                WorkWindow { after: Some(newest), until: newest }
            }
        };
        let context = Context {
            spec,
            secrets,
            store,
            cycle: job.cycle,
            began: now,
            now,
            window,
            statistics: Statistics::default(),
            abort: None,
            held: None,
            warnings: Vec::new(),
            unreachable_in_a_row: 0,
            choice,
            events: Vec::new(),
        };
        let import = (EffectId { phase: 0, position: 0, step: 0 }, Effect::Import);
        let (stage, ready) = match &purpose {
            Purpose::Cycle | Purpose::CycleByHand | Purpose::InitialCycle => {
                (Stage::Import, VecDeque::from([import]))
            }
            Purpose::TestConnection | Purpose::OnDemand(_) => {
                (Stage::Probe(ObjectKind::User), VecDeque::new())
            }
        };
        Ok(Self {
            context,
            job,
            id,
            purpose,
            stage,
            ready,
            running: BTreeMap::new(),
            position: i64::MIN,
            pauses: 0,
            import_fault: None,
            result: None,
            done: 0,
            total: 0,
            pages: Pages::default(),
        })
    }

    /// The next thing to be done, if something can be done now. `None` with effects under way: wait for one of them;
    /// without: the cycle is over, see [`Self::into_result`].
    pub fn poll_effect(&mut self, now: Timestamp) -> Result<Option<(EffectId, Effect)>, EngineError> {
        self.context.now = self.context.now.max(now);
        loop {
            if self.context.abort.is_some() {
                self.call_off();
            }
            if 0 < self.pauses {
                // Of what is ready only pauses may go ahead.
                let pause = self.ready.iter().position(|(_, effect)| matches!(effect, Effect::Pause(_)));
                return Ok(pause.and_then(|index| self.ready.remove(index)));
            }
            if let Some(effect) = self.ready.pop_front() {
                if matches!(effect.1, Effect::Exchange { .. }) {
                    self.context.statistics.actions.requests += 1;
                }
                return Ok(Some(effect));
            }
            if self.context.abort.is_some() && self.stage != Stage::Over {
                if !self.running.is_empty() {
                    return Ok(None); // what is under way may still be accepted, and must not be forgotten
                }
                self.end()?;
            }
            match self.stage {
                Stage::Over | Stage::Import => return Ok(None),
                Stage::Probe(_) if !self.running.is_empty() => return Ok(None),
                Stage::Probe(kind) => self.probe_or_go_on(kind)?,
                Stage::Objects(_) if self.context.spec.workers() <= self.running.len() => {
                    return Ok(None);
                }
                Stage::Objects(phase) => {
                    if !self.take_up(phase)? {
                        if !self.running.is_empty() {
                            return Ok(None);
                        }
                        self.next_phase(phase)?;
                    }
                }
            }
        }
    }

    /// A failed cycle sends nothing further: what has not left yet is left to the next attempt, which reads the same
    /// changes again.
    fn call_off(&mut self) {
        for (id, effect) in self.ready.drain(..) {
            if matches!(effect, Effect::Pause(_)) {
                self.pauses = self.pauses.saturating_sub(1);
            }
            self.running.remove(&(id.phase, id.position));
        }
    }

    /// Brings what came of an effect.
    pub fn handle_outcome(
        &mut self,
        now: Timestamp,
        id: EffectId,
        outcome: Outcome,
    ) -> Result<(), EngineError> {
        self.context.now = self.context.now.max(now);
        match outcome {
            Outcome::Imported(outcome) => self.imported(outcome),
            Outcome::Resumed => {
                self.pauses = self.pauses.saturating_sub(1);
                let Some(running) = self.running.get_mut(&(id.phase, id.position)) else {
                    return Err(EngineError::Defect("a pause ended that nobody had asked for"));
                };
                running.step += 1;
                let effect =
                    Effect::Exchange { request: running.request.clone(), about: running.about.clone() };
                self.ready.push_back((EffectId { step: running.step, ..id }, effect));
                Ok(())
            }
            Outcome::Answered(answer) => self.answered(id, answer),
        }
    }

    /// What the cycle came to.
    ///
    /// # Errors
    /// When it is not over: a driver stopped too early.
    pub fn into_result(self) -> Result<CycleResult, EngineError> {
        self.result.ok_or(EngineError::Defect("a cycle was left before its end"))
    }

    /// The store, for the import.
    pub fn store(&mut self) -> &mut Store {
        self.context.store
    }

    /// What was logged since the last call.
    pub fn drain_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.context.events)
    }

    /// Objects done and objects known to be done in this phase, and the phase's name; `None` outside of phases.
    pub fn progress(&self) -> Option<(&'static str, u64, u64)> {
        match self.stage {
            Stage::Objects(phase) => Some((phase.as_str(), self.done, self.total)),
            Stage::Import | Stage::Probe(_) | Stage::Over => None,
        }
    }

    /// Its number.
    pub fn number(&self) -> i64 {
        self.context.cycle
    }

    /// Initial or incremental.
    pub fn kind(&self) -> CycleKind {
        if self.context.is_initial() { CycleKind::Initial } else { CycleKind::Incremental }
    }

    fn imported(&mut self, outcome: ImportOutcome) -> Result<(), EngineError> {
        if self.stage != Stage::Import {
            return Err(EngineError::Defect("an import came that nobody had asked for"));
        }
        match outcome {
            ImportOutcome::Fault(reason) => {
                self.import_fault = Some(reason);
                self.end()
            }
            ImportOutcome::Done => {
                let retention = self.context.spec.rules.soft_delete_retention;
                self.context.store.expire_recycle_bin(self.context.now, retention)?;
                self.context.window.until = self.context.store.last_seq()?;
                if self.context.is_initial() {
                    self.context.store.begin_full_read(&self.context.spec.name, self.context.window.until)?;
                }
                self.stage = Stage::Probe(ObjectKind::User);
                Ok(())
            }
        }
    }

    /// Plans who is to be looked at in this cycle, and begins with the users.
    fn plan(&mut self) -> Result<(), EngineError> {
        let quarantine = super::status::quarantine(&self.job)?;
        let rules = &self.context.spec.rules;
        let due = match (&self.purpose, &quarantine) {
            (Purpose::CycleByHand | Purpose::InitialCycle, _) => Timestamp::MAX,
            (_, Some(_)) if !rules.quarantine.retries_escrows => Timestamp::MIN,
            // An attempt may come before the cycle that a retry waits for: then it is that cycle.
            (_, Some(quarantine)) => {
                let regular = quarantine.current_began.saturating_add(self.context.spec.interval);
                regular.unwrap_or(Timestamp::MAX).max(self.context.now)
            }
            (_, None) => self.context.now,
        };
        let spec = self.context.spec;
        let by_assignment = spec.scope == ScopeMode::Assigned;
        let latest = escrow::latest_retry(self.context.now, spec.interval);
        self.context.store.recall_escrows(&spec.name, latest, self.context.now)?;
        self.context.store.plan_work(&spec.name, by_assignment, self.context.window, due)?;
        if let (Some(guard), false) = (rules.guard, self.job.force_deletes) {
            self.context.held = guard::held_back(&self.context, guard, quarantine.as_ref())?;
        }
        self.count_pages()?;
        self.enter(Phase::Users)
    }

    fn enter(&mut self, phase: Phase) -> Result<(), EngineError> {
        self.stage = Stage::Objects(phase);
        self.position = i64::MIN;
        self.done = 0;
        self.total = self.context.store.work_count(phase)?;
        Ok(())
    }

    fn next_phase(&mut self, phase: Phase) -> Result<(), EngineError> {
        match phase {
            Phase::Users => self.enter(Phase::Groups),
            Phase::Groups => self.enter(Phase::Managers),
            Phase::Managers => self.enter(Phase::Members),
            Phase::Members => self.enter(Phase::UserRemovals),
            Phase::UserRemovals => self.enter(Phase::GroupRemovals),
            Phase::GroupRemovals => self.end(),
        }
    }

    /// Takes up the next object of a phase; `false` when there is none left, or none before something else is done.
    fn take_up(&mut self, phase: Phase) -> Result<bool, EngineError> {
        let Some(item) = self.context.store.next_work(phase, self.position)? else { return Ok(false) };
        let names = self.names(phase, &item)?;
        if self.running.values().any(|running| !running.names.is_disjoint(&names)) {
            return Ok(false);
        }
        self.position = item.position;
        let key = (phase_number(phase), item.position);
        // What starting an object writes (a skip, a link, an intent) is one transaction.
        let started = in_step(&mut self.context, |context| {
            Ok(match phase {
                Phase::Users | Phase::Groups => {
                    ObjectTask::start(context, phase, item)?.map(|(task, next)| {
                        (about(&task.item, task.label()), Task::Object(Box::new(task)), next)
                    })
                }
                Phase::Managers | Phase::Members => {
                    ReferenceTask::start(context, phase, item)?.map(|(task, next)| {
                        (about(&task.item, task.label()), Task::Reference(Box::new(task)), next)
                    })
                }
                Phase::UserRemovals | Phase::GroupRemovals => {
                    RemovalTask::start(context, phase, item)?.map(|(task, next)| {
                        (about(&task.item, task.label()), Task::Removal(Box::new(task)), next)
                    })
                }
            })
        })?;
        match started {
            Some((about, task, Next::Send(exchange, request))) => {
                self.launch(key, task, exchange, request, Some(about));
                if let Some(running) = self.running.get_mut(&key) {
                    running.names = names;
                }
            }
            Some((.., Next::Done)) | None => self.one_done()?,
        }
        Ok(true)
    }

    fn launch(
        &mut self,
        key: (u8, i64),
        task: Task,
        exchange: Exchange,
        request: Request,
        about: Option<About>,
    ) {
        let id = EffectId { phase: key.0, position: key.1, step: 1 };
        let effect = Effect::Exchange { request: request.clone(), about: about.clone() };
        self.ready.push_back((id, effect));
        let names = BTreeSet::new();
        self.running.insert(key, Running { task, exchange, request, about, names, step: 1, repeated: false });
    }

    /// What an object is and was called, while others are worked on at the same time: whoever has the name of somebody who
    /// leaves or is renamed has to wait until that is done. Other values that match are not looked at.
    fn names(&self, phase: Phase, item: &WorkItem) -> Result<BTreeSet<String>, EngineError> {
        let spec = self.context.spec;
        if !matches!(phase, Phase::Users | Phase::Groups) || spec.workers() < 2 {
            return Ok(BTreeSet::new());
        }
        Ok(self.context.store.names(&spec.name, item.kind, &item.id)?)
    }

    fn answered(&mut self, id: EffectId, answer: Answer) -> Result<(), EngineError> {
        let key = (id.phase, id.position);
        let Some(mut running) = self.running.remove(&key) else {
            return Err(EngineError::Defect("an answer came that nobody had asked for"));
        };
        if answer.is_ok() {
            self.context.unreachable_in_a_row = 0;
        }
        if let Some(pause) = self.throttled(&running, &answer) {
            running.repeated = true;
            running.step += 1;
            self.ready.push_back((EffectId { step: running.step, ..id }, Effect::Pause(pause)));
            self.running.insert(key, running);
            self.pauses += 1;
            return Ok(());
        }
        // What an answer leads to (a link, a log entry, an escrow) is one transaction: the answer is either taken in
        // whole or, after a kill, asked for again.
        let task = &mut running.task;
        let next = in_step(&mut self.context, |context| match task {
            Task::Object(task) => task.resume(context, answer),
            Task::Reference(task) => task.resume(context, answer),
            Task::Removal(task) => task.resume(context, answer),
            Task::Probe(kind, url) => {
                probe_answered(context, *kind, url, answer);
                Ok(Next::Done)
            }
        })?;
        match next {
            Next::Send(exchange, request) => {
                running.step += 1;
                let id = EffectId { step: running.step, ..id };
                let effect = Effect::Exchange { request: request.clone(), about: running.about.clone() };
                self.ready.push_back((id, effect));
                self.running.insert(key, Running { exchange, request, repeated: false, ..running });
            }
            Next::Done => {
                self.one_done()?;
                if let (Task::Probe(kind, _), None) = (&running.task, &self.context.abort) {
                    self.probed(*kind)?;
                }
            }
        }
        Ok(())
    }

    /// How long to wait before a throttled request is repeated, once (`retry_after`; README of the sheets).
    fn throttled(&self, running: &Running, answer: &Answer) -> Option<SignedDuration> {
        let (Ok(response), Some(longest)) = (answer, self.context.spec.rules.retry_after) else {
            return None;
        };
        if response.status != 429 || running.repeated || running.exchange == Exchange::Probe {
            return None;
        }
        let wait = crate::scim::retry_after::parse(response.header("Retry-After")?, self.context.now)?;
        Some(wait.min(longest))
    }
}

fn about(item: &WorkItem, label: &str) -> About {
    About { kind: item.kind, source_id: item.id.clone(), label: label.to_owned() }
}

/// Runs `body` as one transaction of the store.
fn in_step<T>(
    context: &mut Context<'_>,
    body: impl FnOnce(&mut Context<'_>) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    context.store.begin_step()?;
    let result = body(context);
    context.store.end_step(result.is_ok())?;
    result
}
