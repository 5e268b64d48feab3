//! What a scenario's job runs on: a source that does not come from files, and an app that may misbehave.

use std::sync::Arc;

use serde_json::Value;

use super::model::{AccountFault, SourceFault};
use crate::client::Exchange;
use crate::clock::{SignedDuration, Timestamp};
use crate::directory::object::ObjectKind;
use crate::engine::drive::{Delivery, InProcess, Ports};
use crate::engine::spec::EMBEDDED_PATH;
use crate::engine::{EngineError, Event, ImportOutcome};
use crate::http::{Request, TransportError};
use crate::stop::Stop;
use crate::store::Store;
use crate::target::{
    App, AppOptions, AppRules, ConsoleCommand, ConsoleError, Counter, Fault, FaultRule, FaultyApp,
    ResourceKind, Served as _, Tampering, Which,
};

/// The ports of a scenario's cycles: the directory is in the state already, edits are in its change log.
#[derive(Debug, Default)]
pub(super) struct Stage {
    /// What is wrong with the source.
    pub(super) source: Option<SourceFault>,
    /// Every exchange so far.
    pub(super) exchanges: Vec<Exchange>,
    /// Whether somebody asked to stop.
    pub(super) stop: Stop,
}

impl Ports for Stage {
    fn import(&mut self, _store: &mut Store, _now: Timestamp) -> Result<ImportOutcome, EngineError> {
        Ok(match self.source {
            // A stale source is a good one; what it does not show yet is kept back where edits are made.
            None | Some(SourceFault::None | SourceFault::Stale) => ImportOutcome::Done,
            Some(SourceFault::Missing) => ImportOutcome::Fault("the source is not there".to_owned()),
            Some(SourceFault::Truncated) => ImportOutcome::Fault("the source ends in the middle".to_owned()),
            Some(SourceFault::Empty) => {
                ImportOutcome::Fault("the source is empty all of a sudden".to_owned())
            }
            Some(SourceFault::HalfWritten) => {
                ImportOutcome::Fault("the source ends within a line: somebody is still writing it".to_owned())
            }
        })
    }

    fn exchanged(&mut self, exchange: &Exchange) {
        self.exchanges.push(exchange.clone());
    }

    fn logged(&mut self, _event: &Event) {}

    fn progress(&mut self, _phase: &str, _done: u64, _total: u64) {}

    fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

/// The embedded app with its faults, as the job meets it.
pub(super) struct StagedApp {
    app: FaultyApp,
    /// How long the job waits for an answer.
    timeout: SignedDuration,
    seed: u64,
    /// Around which requests the job's process is killed: after them, when nobody is to hear of the answer.
    kills: Vec<(bool, Counter)>,
    /// How many of them there ever were.
    numbered: u64,
    /// Whether it has just been killed.
    is_killed: bool,
}

impl StagedApp {
    pub(super) fn new(timeout: SignedDuration, rules: Option<AppRules>, seed: u64) -> Self {
        let rules = rules.map(Arc::new);
        let options = AppOptions { base_path: EMBEDDED_PATH.to_owned(), rules, ..AppOptions::default() };
        let app = FaultyApp::new(App::new(options), seed);
        Self { app, timeout, seed, kills: Vec::new(), numbered: 0, is_killed: false }
    }

    /// Requests meet this fault from now on. A later one goes before those that were there.
    pub(super) fn break_it(&mut self, fault: Fault, which: Which) {
        self.app.break_it(FaultRule { fault, which });
    }

    /// The process of the job is killed around such requests from now on.
    pub(super) fn kill(&mut self, unheard: bool, which: Which) {
        // Numbered from the other end: draws differ from those of the app's own faults.
        let number = u64::MAX.saturating_sub(self.numbered);
        self.numbered = self.numbered.saturating_add(1);
        self.kills.push((unheard, Counter::new(which, number)));
    }

    /// Whether no request meets a fault, or the end of the process, any more.
    pub(super) fn is_mended(&self) -> bool {
        self.app.is_mended() && self.kills.iter().all(|(_, counter)| counter.is_over())
    }

    /// It is killed no more.
    pub(super) fn spare(&mut self) {
        self.kills.clear();
    }

    /// Whether a request is the end of the process, and whether the app still does it.
    fn deadly(&mut self, request: &Request, label: Option<&str>) -> Option<bool> {
        let path = self.app.path_of(request);
        let Self { kills, seed, .. } = self;
        let (unheard, counter) = kills.iter_mut().find_map(|(unheard, counter)| {
            counter.reaches(*seed, request.method, &path, label).then_some((*unheard, counter))
        })?;
        counter.met();
        Some(unheard)
    }

    /// Requests meet no fault any more.
    pub(super) fn mend(&mut self) {
        self.app.mend();
    }

    /// Does something in the console of the app.
    pub(super) fn console(&mut self, command: ConsoleCommand) -> Result<(), ConsoleError> {
        self.app.app().console(command)
    }

    /// Everything that it holds, read out of band.
    pub(super) fn resources(&self) -> Vec<Value> {
        self.app.resources().cloned().collect()
    }

    /// Lets somebody else do something to a resource, out of band; whether the app agreed.
    pub(super) fn tamper(
        &mut self,
        fault: AccountFault,
        (kind, id): (ObjectKind, &str),
        set: &Value,
        now: Timestamp,
    ) -> bool {
        let what = match fault {
            AccountFault::Forgets => Tampering::Forget,
            AccountFault::Renumbers => Tampering::Renumber,
            AccountFault::Edited => Tampering::Edit(set),
            AccountFault::Duplicated => Tampering::Duplicate,
        };
        let kind = match kind {
            ObjectKind::User => ResourceKind::User,
            ObjectKind::Group => ResourceKind::Group,
        };
        self.app.tamper(what, kind, id, now)
    }
}

impl InProcess for StagedApp {
    fn handle(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Delivery {
        let deadly = self.deadly(request, label);
        self.is_killed = deadly.is_some();
        if deadly == Some(false) {
            let outcome = Err(TransportError::Connect("it never left".to_owned()));
            return Delivery { outcome, latency: SignedDuration::ZERO };
        }
        let met = self.app.handle(request, label, now);
        if met.latency < self.timeout {
            return Delivery { outcome: met.outcome, latency: met.latency };
        }
        let after_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        Delivery { outcome: Err(TransportError::Timeout { after_ms }), latency: self.timeout }
    }

    fn keep(&mut self, _store: &mut Store) -> Result<(), EngineError> {
        if self.is_killed { Err(EngineError::Killed) } else { Ok(()) }
    }
}
