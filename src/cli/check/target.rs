//! `check --target`: the mappings against the target's `/Schemas`.

use super::super::context::Context;
use super::super::session::{run_failure, state_to_look_at};
use super::super::{Exit, Failure};
use crate::clock::SystemClock;
use crate::config::{Config, JobConfig};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::mapping::ObjectMapping;
use crate::runner::{Job, spec_in_effect};
use crate::scim::schemas::Schemas;

/// What one job's target says of its mappings.
pub(super) struct Compared {
    pub(super) findings: Vec<Diagnostic>,
    /// How the command is to end because of it.
    pub(super) exit: Exit,
}

/// Asks the target of a job for its schemas and compares.
pub(super) fn check(config: &Config, job: &JobConfig) -> Result<Compared, Failure> {
    let store = state_to_look_at(config)?;
    let ready = Job::new(config, job, &Context::env).map_err(|error| run_failure(&error))?;
    let answer = ready.get(&store, &SystemClock, "Schemas").map_err(|error| run_failure(&error))?;
    let refused = |message: String, exit| {
        let finding =
            Diagnostic::error(format!("job `{}`: {message}", job.name)).at(Place::file(&config.file));
        Ok(Compared { findings: vec![finding], exit })
    };
    let response = match answer {
        Ok(response) => response,
        Err(error) => return refused(format!("the target could not be reached: {error}"), Exit::Target),
    };
    match response.status {
        200 => {}
        status @ (401 | 403) => {
            return refused(
                format!("the target refused the request for `/Schemas` with {status}"),
                Exit::Target,
            );
        }
        status => {
            let message = format!("the target has no `/Schemas` to compare with: it answered {status}");
            return refused(message, Exit::Failed);
        }
    }
    let schemas = match Schemas::parse(&response.body) {
        Ok(schemas) => schemas,
        Err(error) => return refused(format!("`/Schemas` can't be compared with: {error}"), Exit::Failed),
    };
    let spec = spec_in_effect(ready.spec(), job, &store).map_err(|error| run_failure(&error))?;
    let mappings = [&spec.users, &spec.groups].into_iter().filter(|mapping| mapping.enabled);
    let findings: Vec<Diagnostic> =
        mappings.flat_map(|mapping| compare(config, job, mapping, &schemas)).collect();
    let exit = if crate::diagnostic::has_errors(&findings) { Exit::Failed } else { Exit::Fine };
    Ok(Compared { findings, exit })
}

fn compare(config: &Config, job: &JobConfig, mapping: &ObjectMapping, schemas: &Schemas) -> Vec<Diagnostic> {
    let written = |index: usize| {
        // An imported schema takes the place of what is written; then the places don't fit.
        let same = job.mappings.mapping(mapping.kind).is_some_and(|own| own.attributes == mapping.attributes);
        job.mappings.places.mappings.get(&(mapping.kind, index)).filter(|_| same).cloned()
    };
    let problems = mapping.check_against(schemas).into_iter();
    problems
        .map(|problem| {
            let place = problem.mapping_index.and_then(written).unwrap_or_else(|| Place::file(&config.file));
            let target = problem.mapping_index.and_then(|index| mapping.attributes.get(index));
            let which = target.map(|one| format!(", mapping to `{}`", one.target)).unwrap_or_default();
            let message = format!("job `{}`, {}{which}: {}", job.name, mapping.name, problem.message);
            let finding = match problem.severity {
                Severity::Error => Diagnostic::error(message),
                Severity::Warning => Diagnostic::warning(message),
            };
            let finding = finding.at(place);
            match problem.help {
                Some(help) => finding.help(help),
                None => finding,
            }
        })
        .collect()
}
