//! Probes: the first requests of a cycle, for nobody in particular (`wire.md 1.5`).

use super::{Cycle, Purpose, Stage, Task};
use crate::config::fidelity::Probe;
use crate::directory::object::ObjectKind;
use crate::engine::context::{Answer, Context, EngineError, Refusal};
use crate::engine::ids;
use crate::http::Method;
use crate::scim::answer::parse_list;
use crate::scim::failure::{Exchange, probe_failure_text};
use crate::scim::query::{collection_path, probe_query};
use crate::store::Phase;

impl Cycle<'_> {
    /// Sends the probe for a kind, or goes on when it is not wanted (`wire.md 1.5`).
    pub(super) fn probe_or_go_on(&mut self, kind: ObjectKind) -> Result<(), EngineError> {
        let spec = self.context.spec;
        let wanted = match kind {
            ObjectKind::User => spec.rules.probe != Probe::Off,
            // On demand it is one request, for a test user (`engine.md 8`).
            ObjectKind::Group if self.context.choice.is_some() => false,
            ObjectKind::Group => spec.rules.probe == Probe::Both && spec.groups.enabled,
        };
        let path = spec.mapping(kind).matching().first().map(|(_, mapping)| mapping.target.clone());
        let position = i64::from(kind == ObjectKind::Group);
        let Some(path) = path.filter(|_| wanted) else { return self.probed(kind) };
        let when = match &self.purpose {
            Purpose::Cycle | Purpose::CycleByHand | Purpose::InitialCycle | Purpose::OnDemand(_) => {
                self.context.cycle.to_string()
            }
            Purpose::TestConnection => self.context.began.to_string(),
        };
        let value = ids::derived(spec.seed, &[&spec.name, &when, "probe", kind.as_str()]);
        let query = probe_query(kind, &path, value, &spec.style);
        let request = self.context.request(Method::Get, &query, None);
        let url = request.url.clone();
        self.launch((1, position), Task::Probe(kind, url), Exchange::Probe, request, None);
        Ok(())
    }

    /// The probe for a kind is over, or not wanted.
    pub(super) fn probed(&mut self, kind: ObjectKind) -> Result<(), EngineError> {
        match kind {
            ObjectKind::User => {
                self.stage = Stage::Probe(ObjectKind::Group);
                Ok(())
            }
            ObjectKind::Group if self.purpose == Purpose::TestConnection => self.end(),
            ObjectKind::Group if let Purpose::OnDemand(choice) = &self.purpose => {
                self.context.store.plan_object(choice.kind(), choice.id())?;
                self.enter(Phase::Users)
            }
            ObjectKind::Group => self.plan(),
        }
    }
}

/// What the answer to a probe means (`wire.md 1.5`): anything but a list ends the cycle, and a list that is not empty is
/// worth a warning.
pub(super) fn probe_answered(context: &mut Context<'_>, kind: ObjectKind, url: &str, answer: Answer) {
    let refusal = match answer {
        Ok(response) if response.status == 200 => match parse_list(kind, &response.body) {
            Ok(list) if 0 < list.total => {
                context.warnings.push(format!(
                    "the target found {} {} for a value that nothing has; it may ignore filters. Resource: {url}",
                    list.total,
                    collection_path(kind)
                ));
                return;
            }
            Ok(_) => return,
            Err(error) => Refusal {
                reason: format!(
                    "{error}. Resource: {url} Operation: GET. The answer began: {}",
                    String::from_utf8_lossy(&response.body)
                ),
                ..Refusal::answer(Exchange::Probe, &error, &response)
            },
        },
        Ok(mut response) => {
            for (name, value) in &mut response.headers {
                *value = context.secrets.redact_header(name, value);
            }
            Refusal {
                reason: probe_failure_text(Method::Get, url, &response),
                ..Refusal::status(Exchange::Probe, &response)
            }
        }
        Err(error) => Refusal {
            reason: format!("{error}. Resource: {url} Operation: GET"),
            ..Refusal::transport(Exchange::Probe, &error)
        },
    };
    context.abort = Some(refusal);
}
