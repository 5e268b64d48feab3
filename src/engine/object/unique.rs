//! Values that must be free in the target: a create asks for each before it sends it (`mapping.md 7.37`).
//!
//! An evaluation is repeated with what was found to be taken, and draws the same random values again: so the candidates
//! come in their order, each looked up once.

use super::{ObjectTask, Stage};
use crate::engine::context::{Answer, Context, EngineError, Next};
use crate::engine::entry::StepKind;

impl ObjectTask {
    /// Asks for the unique value of that number, in mapping order; creates when there is none left to ask for.
    pub(super) fn look_for_unique(
        &mut self,
        context: &mut Context<'_>,
        number: usize,
    ) -> Result<Next, EngineError> {
        let wanted = self.mapped.as_ref().and_then(|mapped| mapped.unique_values().into_iter().nth(number));
        let Some((_, path, value)) = wanted else {
            return self.create(context);
        };
        self.stage = Stage::Unique(number);
        self.query(context, &path, &value)
    }

    /// A free value stays; a taken one makes way for the next candidate. Without one the object fails.
    pub(super) fn looked_for_unique(
        &mut self,
        context: &mut Context<'_>,
        number: usize,
        answer: Answer,
    ) -> Result<Next, EngineError> {
        let found = match self.listed(answer) {
            Ok((list, _)) => list.total,
            Err(refusal) => return self.fail_here(context, &refusal),
        };
        let asked = self.mapped.as_ref().and_then(|mapped| mapped.unique_values().into_iter().nth(number));
        let Some((mapping_index, path, value)) = asked.filter(|_| found != 0) else {
            return self.look_for_unique(context, number.saturating_add(1));
        };
        self.entry.step(
            "EntrySynchronizationAdd",
            StepKind::Matching,
            format!("'{}' as {path} is taken in {}", value.as_str(), context.spec.target_system),
        );
        self.taken.entry(mapping_index).or_default().insert(value.as_str().to_owned());
        self.map(context);
        match self.unmappable.take() {
            None => self.look_for_unique(context, number),
            Some(refusal) => self.fail_here(context, &refusal),
        }
    }
}
