//! Looking for the account of an object: by its matching attributes, and before that by what a create sent whose answer
//! never arrived (design, law 4).

use super::notes::SKIPPED;
use super::{ObjectTask, Stage, usable};
use crate::engine::context::{Answer, Context, EngineError, Next, Refusal};
use crate::engine::entry::{Action, Status, StepKind};
use crate::http::Method;
use crate::scim::answer::{ListAnswer, Resource, parse_list};
use crate::scim::failure::{ErrorCode, Exchange};
use crate::scim::path::TargetPath;
use crate::scim::query::{FilterValue, match_query, unescaped_specials};
use crate::store::{Link, ObjectState};

impl ObjectTask {
    /// Begins to look for the account: by what an interrupted create sent, if that differs, then by what matches now.
    pub(super) fn begin_match(&mut self, context: &mut Context<'_>) -> Result<Next, EngineError> {
        if let Some((path, value)) = self.interrupted(context)?
            && self
                .matching
                .first()
                .is_none_or(|(known, now)| known.as_str() != path.as_str() || now.as_str() != value)
        {
            self.stage = Stage::Recover;
            return self.look_for_interrupted(context, &path, value);
        }
        self.match_by(context, 0)
    }

    /// The create of this object that may have been cut off: matching attribute and the value it sent.
    pub(super) fn interrupted(
        &self,
        context: &Context<'_>,
    ) -> Result<Option<(TargetPath, String)>, EngineError> {
        if !context.spec.rules.intent_recovery || self.loaded.link.is_some() {
            return Ok(None);
        }
        let intent = context.store.intent(&context.spec.name, self.item.kind, &self.item.id)?;
        Ok(intent.and_then(|(path, value)| Some((TargetPath::parse(&path).ok()?, value))))
    }

    pub(super) fn look_for_interrupted(
        &mut self,
        context: &mut Context<'_>,
        path: &TargetPath,
        value: String,
    ) -> Result<Next, EngineError> {
        let step = self.entry.step(
            "EntryImport",
            StepKind::Matching,
            format!("A create of '{value}' may have been cut off earlier; looking for it first (this step is ours, not Entra's)"),
        );
        step.details.insert("InterruptedCreate".to_owned(), value.clone());
        self.query(context, path, &FilterValue::Text(value))
    }

    /// Takes the answer about an interrupted create of an object that is not to be created any more. An account that
    /// is there and nobody else's is linked, as it would have been, and the decision is taken again.
    pub(super) fn settled(&mut self, context: &mut Context<'_>, answer: Answer) -> Result<Next, EngineError> {
        let resource = match self.one_match(answer) {
            Ok(resource) => resource,
            Err(refusal) => return self.fail_here(context, &refusal),
        };
        let (job, kind) = (context.spec.name.clone(), self.item.kind);
        if let Some(resource) = resource
            && context.store.source_of(&job, kind, &resource.id)?.is_none()
        {
            let link = Link { target_id: resource.id, managed: true, removed: false };
            context.store.save_link(&job, (kind, &self.item.id), &self.loaded.object.label, &link)?;
            self.loaded.link = Some(link);
        }
        let decision = self.decide(context);
        self.act(context, decision)
    }

    pub(super) fn match_by(&mut self, context: &mut Context<'_>, number: usize) -> Result<Next, EngineError> {
        let Some((path, value)) = self.matching.get(number).cloned() else {
            return self.unmatched(context);
        };
        self.stage = Stage::Match(number);
        self.query(context, &path, &value)
    }

    pub(super) fn query(
        &mut self,
        context: &mut Context<'_>,
        path: &TargetPath,
        value: &FilterValue,
    ) -> Result<Next, EngineError> {
        match match_query(self.item.kind, path, value, &context.spec.style) {
            Ok(query) => {
                self.warn_of_specials(context, path, value);
                Ok(Next::Send(Exchange::MatchQuery, context.request(Method::Get, &query, None)))
            }
            Err(error) => {
                let refusal = Refusal::ours(ErrorCode::ServiceIncompatibleFiltering, error.to_string());
                self.fail_here(context, &refusal)
            }
        }
    }

    /// Says so where a value is sent with characters that filters are known to fail with (`mapping.md 1.5`).
    fn warn_of_specials(&mut self, context: &Context<'_>, path: &TargetPath, value: &FilterValue) {
        let specials = unescaped_specials(value, &context.spec.style);
        if specials.is_empty() {
            return;
        }
        let text = format!(
            "the value for `{path}` is sent with `{specials}` as it is; such queries are known to fail"
        );
        let step = self.entry.step("EntryImport", StepKind::Matching, text.clone());
        step.status = Status::Warning;
        step.details.insert("Warning".to_owned(), text);
    }

    pub(super) fn matched(
        &mut self,
        context: &mut Context<'_>,
        number: Option<usize>,
        answer: Answer,
    ) -> Result<Next, EngineError> {
        match self.one_match(answer) {
            Ok(Some(resource)) => self.link_to(context, resource),
            Ok(None) => self.match_by(context, number.map_or(0, |number| number.saturating_add(1))),
            Err(refusal) => self.fail_here(context, &refusal),
        }
    }

    /// What a query found, and the status that said so.
    pub(super) fn listed(&self, answer: Answer) -> Result<(ListAnswer, u16), Refusal> {
        let response = usable(Exchange::MatchQuery, answer)?;
        let list = parse_list(self.item.kind, &response.body)
            .map_err(|error| Refusal::answer(Exchange::MatchQuery, &error, &response))?;
        Ok((list, response.status))
    }

    /// What a match query found: one account or none. Several are a failure (`wire.md 2.4`).
    fn one_match(&mut self, answer: Answer) -> Result<Option<Resource>, Refusal> {
        let (list, status) = self.listed(answer)?;
        let ids: Vec<String> = list.resources.iter().map(|resource| resource.id.clone()).collect();
        let mut found = list.resources.into_iter();
        match (list.total, found.next()) {
            (0, _) | (_, None) => Ok(None),
            (1, Some(resource)) => Ok(Some(resource)),
            (total, Some(_)) => {
                let label = &self.loaded.object.label;
                let text = format!("{} '{label}' matches {total} objects in the target", self.item.kind);
                let step = self.entry.step("EntryImport", StepKind::Matching, text);
                step.status = Status::Failure;
                step.details.insert("TargetId".to_owned(), ids.join(";"));
                Err(Refusal {
                    http_status: Some(status),
                    ..Refusal::ours(
                        ErrorCode::DuplicateTargetEntries,
                        format!("{total} objects in the target match; nothing was written"),
                    )
                })
            }
        }
    }

    /// Exactly one account matches: it is linked, then compared.
    fn link_to(&mut self, context: &mut Context<'_>, resource: Resource) -> Result<Next, EngineError> {
        let (job, kind) = (context.spec.name.clone(), self.item.kind);
        let mut former = None;
        if let Some(other) = context.store.source_of(&job, kind, &resource.id)?
            && other != self.item.id
        {
            let stands = context.store.link(&job, kind, &other)?.is_some_and(|link| link.managed);
            let lives =
                context.store.object(kind, &other)?.is_some_and(|object| object.state == ObjectState::Active);
            if stands && lives {
                let refusal = Refusal::ours(
                    ErrorCode::DuplicateSourceEntries,
                    format!(
                        "the account `{}` is linked to another source object with the same matching value",
                        resource.id
                    ),
                );
                return self.fail_here(context, &refusal);
            }
            former = Some(other);
        }
        let step = self.entry.step(
            "EntryImport",
            StepKind::Matching,
            format!(
                "{kind} '{}' matches the account {} in {}",
                self.loaded.object.label, resource.id, context.spec.target_system
            ),
        );
        step.details.insert("TargetId".to_owned(), resource.id.clone());
        // Managed until what was decided is done: a disable that fails is still owed.
        let link = Link { target_id: resource.id, managed: true, removed: false };
        context.store.save_link(&job, (kind, &self.item.id), &self.loaded.object.label, &link)?;
        if let Some(former) = former {
            // Whoever held the account before has left: a rehire under the same name takes it over, and the purge
            // of the former owner must not delete it (inferred). What was recorded of a lost account of the new owner
            // is void by now; what comes with this one is not.
            context.store.hand_over(&job, kind, &former, &self.item.id)?;
            context.store.owe_referrers(&job, &self.item.id, context.choice.is_none())?;
        }
        self.loaded.link = Some(link);
        self.fresh = true;
        if !context.spec.mapping(kind).update {
            let text =
                "it was linked; Update is switched off in the mapping's target object actions".to_owned();
            self.finish_skipped(context, Action::Other, (SKIPPED, "ActionDisabled"), text)?;
            return Ok(Next::Done);
        }
        self.compare(context, resource.body)
    }
}
