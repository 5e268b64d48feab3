//! `check`: everything that is wrong with what was written, without touching the network.

use super::context::Context;
use super::failure::{findings_to_json, print_findings};
use super::schema::imported_note;
use super::session::{run_failure, store_failure};
use super::{Exit, Failure};
use crate::config::{Config, JobConfig};
use crate::diagnostic::{Diagnostic, Place, Severity, has_errors};
use crate::engine::spec::JobSpec;
use crate::runner::{RunError, spec_in_effect};
use crate::store::Store;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let (mut summary, findings) = match context.load()? {
        Ok((config, mut findings)) => {
            let jobs = context.jobs(&config)?;
            findings.extend(check(&config, &jobs, &Context::env));
            findings.extend(check_schemas(context, &config, &jobs)?);
            (summary(&jobs), findings)
        }
        Err(findings) => (Vec::new(), findings),
    };
    let failed = has_errors(&findings);
    if context.output.is_json() {
        context.output.json(&findings_to_json(&findings))?;
    } else {
        print_findings(&findings);
        if failed {
            context.output.note(&format!("found {}", counts(&findings).join(", ")));
        } else {
            summary.extend(counts(&findings));
            context.output.text(&format!("ok: {}", summary.join(", ")))?;
        }
    }
    Ok(if failed { Exit::Usage } else { Exit::Fine })
}

/// What a configuration that reads well may still lack.
fn check(config: &Config, jobs: &[&JobConfig], env: &dyn Fn(&str) -> Option<String>) -> Vec<Diagnostic> {
    jobs.iter().filter_map(|job| check_token(config, job, env)).collect()
}

/// Which jobs run an imported schema, and whether they still can.
fn check_schemas(
    context: &Context,
    config: &Config,
    jobs: &[&JobConfig],
) -> Result<Vec<Diagnostic>, Failure> {
    let store = Store::open_existing(&config.state_dir).map_err(|error| store_failure(&error))?;
    let Some(store) = store else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for job in jobs {
        if store.job_schema(&job.name).map_err(|error| store_failure(&error))?.is_some() {
            context.output.note(&imported_note(&job.name));
        }
        let spec = JobSpec::new(config, job, 1);
        match spec_in_effect(&spec, job, &store) {
            Ok(_) => {}
            Err(error @ RunError::Schema { .. }) => findings.push(
                Diagnostic::error(error.to_string())
                    .at(Place::file(&config.file))
                    .help("import it again, or drop it with `scimulator schema reset`"),
            ),
            Err(error) => return Err(run_failure(&error)),
        }
    }
    Ok(findings)
}

/// A token that can not be had is a warning: it may be there when the job runs.
fn check_token(config: &Config, job: &JobConfig, env: &dyn Fn(&str) -> Option<String>) -> Option<Diagnostic> {
    let error = job.token.as_ref()?.resolve(env).err()?;
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let message = format!("job `{}` has no token: {error}{cause}", job.name);
    Some(Diagnostic::warning(message).at(Place::file(&config.file)))
}

/// What there is.
fn summary(jobs: &[&JobConfig]) -> Vec<String> {
    vec![counted(jobs.len(), "job")]
}

/// How many errors and warnings there are; a kind without any is left out.
fn counts(findings: &[Diagnostic]) -> Vec<String> {
    [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .map(|(severity, name)| {
            (findings.iter().filter(|finding| finding.severity == severity).count(), name)
        })
        .filter(|(count, _)| *count != 0)
        .map(|(count, name)| counted(count, name))
        .collect()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
