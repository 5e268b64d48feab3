//! Drivers: what carries out the effects of a cycle. They differ in transport and in how they wait, in nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::context::{About, EffectId, EngineError};
use super::cycle::{Cycle, CycleResult, Effect, Event, ImportOutcome, Outcome};
use crate::client::journal::{self, ObjectRef};
use crate::client::{Answered, Authorization, Authorized, Network, Pace, Redactor};
use crate::clock::{Clock, SignedDuration, Timestamp, VirtualClock};
use crate::http::{Request, Response, TransportError};
use crate::stop::Stop;
use crate::store::Store;

/// What a driver needs beside the transport: the source, the journal, and somebody who watches.
pub trait Ports {
    /// Reads the source into the store; nothing is kept when it can't be read whole.
    fn import(&mut self, store: &mut Store, now: Timestamp) -> Result<ImportOutcome, EngineError>;

    /// An exchange is over. Called in the order in which outcomes are taken in.
    fn exchanged(&mut self, exchange: &journal::Exchange);

    /// An object was dealt with.
    fn logged(&mut self, event: &Event);

    /// The phase under way, objects done, objects to do.
    fn progress(&mut self, phase: &str, done: u64, total: u64);

    /// Whether a cycle over the network is to end early. Requests under way are then heard to their end, so that what
    /// they made is known; nothing further is sent.
    fn stop(&self) -> Stop {
        Stop::default()
    }
}

/// How a job identifies itself, and what must never be written down.
#[derive(Debug)]
pub struct Credentials {
    /// What is added to each request.
    pub authorization: Authorization,
    /// Masks secrets in everything that is recorded.
    pub redactor: Redactor,
}

/// What comes of a request to a target in process, and how long after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The answer; or why there is none, as over a network.
    pub outcome: Result<Response, TransportError>,
    /// Virtual time from the request to its outcome.
    pub latency: SignedDuration,
}

/// A target that is called in process.
pub trait InProcess {
    /// Takes a request at virtual time `now`; `label` is the object's name.
    fn handle(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Delivery;

    /// Keeps what the last request changed, as a server would before it answers; in memory there is nothing to keep.
    ///
    /// # Errors
    /// It can't be kept; or the process of the job is killed here, before it hears of the answer.
    fn keep(&mut self, _store: &mut Store) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Stands between a cycle and a target that is not to be written (`plan`).
pub trait Simulation {
    /// The answer to a write, and to a read of what was written; `None` where the target is to be asked.
    fn answer(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Option<Response>;

    /// Puts the target's answer to a read right by what was written before.
    fn amend(&mut self, request: &Request, response: &mut Response, now: Timestamp);
}

/// A target in process that is read but never written.
pub struct ReadOnly<'a> {
    /// The target.
    pub target: &'a mut dyn InProcess,
    /// Answers in its place.
    pub simulation: &'a mut dyn Simulation,
}

impl InProcess for ReadOnly<'_> {
    fn handle(&mut self, request: &Request, label: Option<&str>, now: Timestamp) -> Delivery {
        if let Some(response) = self.simulation.answer(request, label, now) {
            return Delivery { outcome: Ok(response), latency: SignedDuration::ZERO };
        }
        let mut delivery = self.target.handle(request, label, now);
        if let Ok(response) = &mut delivery.outcome {
            self.simulation.amend(request, response, now);
        }
        delivery
    }
}

/// A target over the network.
#[derive(Clone)]
pub struct Remote {
    /// The transport.
    pub network: Network,
    /// How fast requests may follow each other.
    pub pace: Arc<Pace>,
}

/// Runs a cycle against the embedded app, called in process. Answers take no real time: they are taken in by the
/// order of (virtual time, effect), so equal seeds give equal runs whatever the number of workers (design, law 5).
pub fn in_process(
    mut cycle: Cycle<'_>,
    target: &mut dyn InProcess,
    clock: &VirtualClock,
    credentials: &Credentials,
    ports: &mut dyn Ports,
) -> Result<CycleResult, EngineError> {
    let mut due: BTreeMap<(Timestamp, EffectId), (Outcome, Option<journal::Exchange>)> = BTreeMap::new();
    loop {
        while let Some((id, effect)) = cycle.poll_effect(clock.now())? {
            let now = clock.now();
            match effect {
                Effect::Import => {
                    let outcome = ports.import(cycle.store(), now)?;
                    cycle.handle_outcome(now, id, Outcome::Imported(outcome))?;
                }
                Effect::Pause(pause) => {
                    let until = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
                    due.insert((until, id), (Outcome::Resumed, None));
                }
                Effect::Exchange { mut request, about } => {
                    credentials.authorization.apply(&mut request);
                    let label = about.as_ref().map(|about| about.label.as_str());
                    let delivery = target.handle(&request, label, now);
                    target.keep(cycle.store())?;
                    let answered = Answered {
                        outcome: delivery.outcome,
                        elapsed: Duration::try_from(delivery.latency).unwrap_or_default(),
                    };
                    let exchange = record(&cycle, id, about, now, &request, &answered, credentials);
                    let at = now.saturating_add(delivery.latency).unwrap_or(Timestamp::MAX);
                    due.insert((at, id), (Outcome::Answered(answered.outcome), Some(exchange)));
                }
            }
        }
        report(&mut cycle, ports);
        let Some(((at, id), (outcome, exchange))) = due.pop_first() else { break };
        clock.advance_to(at);
        if let Some(exchange) = &exchange {
            ports.exchanged(exchange);
        }
        cycle.handle_outcome(clock.now(), id, outcome)?;
    }
    cycle.into_result()
}

/// Runs a cycle over the network. Job time is the clock's; waits and time-outs are wire time (design, law 1). With a
/// simulation nothing is written to the target.
///
/// # Errors
/// The state can't be used; or somebody asked to stop.
pub async fn over_network(
    mut cycle: Cycle<'_>,
    remote: &Remote,
    mut simulation: Option<&mut dyn Simulation>,
    clock: &dyn Clock,
    credentials: &Credentials,
    ports: &mut dyn Ports,
) -> Result<CycleResult, EngineError> {
    let stop = ports.stop();
    credentials.authorization.begin_cycle().await;
    let mut under_way: JoinSet<(EffectId, Landed)> = JoinSet::new();
    loop {
        while !stop.is_asked()
            && let Some((id, effect)) = cycle.poll_effect(clock.now())?
        {
            match effect {
                Effect::Import => {
                    let outcome = ports.import(cycle.store(), clock.now())?;
                    cycle.handle_outcome(clock.now(), id, Outcome::Imported(outcome))?;
                }
                Effect::Pause(pause) => {
                    let pause = Duration::try_from(pause).unwrap_or_default();
                    let stop = stop.clone();
                    under_way.spawn(async move {
                        tokio::select! {
                            () = wait(pause) => {}
                            () = stop.asked() => {}
                        }
                        (id, Landed::Pause)
                    });
                }
                Effect::Exchange { mut request, about } => {
                    let remote = remote.clone();
                    let authorization = credentials.authorization.clone();
                    let started = clock.now();
                    let label = about.as_ref().map(|about| about.label.as_str());
                    let simulated = match &mut simulation {
                        Some(simulation) => simulation.answer(&request, label, started),
                        None => None,
                    };
                    under_way.spawn(async move {
                        let authorized = if let Some(response) = simulated {
                            authorization.apply(&mut request);
                            let answered = Answered { outcome: Ok(response), elapsed: Duration::ZERO };
                            Authorized { before: Vec::new(), request, answered }
                        } else {
                            while let Some(pause) = remote.pace.admit() {
                                wait(pause).await;
                            }
                            authorization.exchange(&remote.network, request).await
                        };
                        (id, Landed::Exchange(Box::new((authorized, about, started))))
                    });
                }
            }
        }
        report(&mut cycle, ports);
        let Some(joined) = under_way.join_next().await else { break };
        let (id, landed) = joined.map_err(|_| EngineError::Defect("a request under way was lost"))?;
        let outcome = match landed {
            Landed::Pause => Outcome::Resumed,
            Landed::Exchange(exchange) => {
                let (Authorized { before, request, mut answered }, about, started) = *exchange;
                if let (Some(simulation), Ok(response)) = (&mut simulation, &mut answered.outcome) {
                    simulation.amend(&request, response, started);
                }
                for (aside, (request, answered)) in ('a'..='z').zip(&before) {
                    let mut exchange =
                        record(&cycle, id, about.clone(), started, request, answered, credentials);
                    exchange.about.effect.push(aside);
                    ports.exchanged(&exchange);
                }
                ports.exchanged(&record(&cycle, id, about, started, &request, &answered, credentials));
                Outcome::Answered(answered.outcome)
            }
        };
        cycle.handle_outcome(clock.now(), id, outcome)?;
    }
    if stop.is_asked() {
        return Err(EngineError::Stopped);
    }
    cycle.into_result()
}

/// An effect that is over.
enum Landed {
    Pause,
    Exchange(Box<(Authorized, Option<About>, Timestamp)>),
}

/// A wait in wire time.
#[expect(clippy::disallowed_methods, reason = "the network driver is what waits; nothing in the engine does")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}

fn record(
    cycle: &Cycle<'_>,
    id: EffectId,
    about: Option<About>,
    started: Timestamp,
    request: &Request,
    answered: &Answered,
    credentials: &Credentials,
) -> journal::Exchange {
    let about = journal::About {
        effect: id.to_string(),
        cycle: Some(cycle.number().unsigned_abs()),
        object: about.map(|about| ObjectRef {
            kind: about.kind,
            label: about.label,
            source_id: about.source_id,
        }),
        started,
    };
    journal::Exchange::record(about, request, answered, &credentials.redactor)
}

fn report(cycle: &mut Cycle<'_>, ports: &mut dyn Ports) {
    for event in cycle.drain_events() {
        ports.logged(&event);
    }
    if let Some((phase, done, total)) = cycle.progress() {
        ports.progress(phase, done, total);
    }
}
