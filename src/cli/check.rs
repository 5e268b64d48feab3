//! `check`: everything that is wrong with what was written, without touching the network unless asked to.

mod attributes;
mod target;

use super::arguments::CheckArguments;
use super::context::Context;
use super::failure::{findings_to_json, print_findings};
use super::output::counted;
use super::schema::imported_note;
use super::session::{now, run_failure, store_failure};
use super::{Exit, Failure};
use crate::config::tenant_url::TenantUrlWarning;
use crate::config::{Config, Endpoint, JobConfig};
use crate::diagnostic::{Diagnostic, Place, Severity, has_errors};
use crate::directory::import::{ImportError, import};
use crate::directory::read::Counts;
use crate::engine::spec::JobSpec;
use crate::runner::{RunError, imported_schema, source};
use crate::store::{ImportFault, Store};

use attributes::Known;

pub(super) fn run(context: &Context, arguments: &CheckArguments) -> Result<Exit, Failure> {
    let mut disagreement = Exit::Fine;
    let mut summary = Vec::new();
    let mut notes = Vec::new();
    let findings = match context.load()? {
        Ok((config, mut findings)) => {
            let jobs = context.jobs(&config)?;
            summary.push(counted(jobs.len(), "job"));
            findings.extend(jobs.iter().filter_map(|job| check_token(&config, job, &Context::env)));
            let imported = check_schemas(&config, &jobs)?;
            findings.extend(imported.findings);
            notes.extend(imported.jobs.iter().map(|job| imported_note(job)));
            notes.extend(jobs.iter().filter_map(|job| off_spec(job)));
            let configured = jobs.iter().filter(|job| !imported.jobs.contains(&job.name));
            findings.extend(configured.clone().flat_map(|job| check_mappings(&config, job)));
            let CheckedDirectory { read, findings: found } = check_directory(&config)?;
            findings.extend(found);
            if let Some((counts, attributes)) = read {
                let found: Vec<Diagnostic> =
                    configured.flat_map(|job| attributes::check(&config, job, &attributes)).collect();
                // Reading took some of them for misspelt, and now that is known.
                findings.retain(|guess| {
                    guess.severity == Severity::Error || found.iter().all(|sure| sure.place != guess.place)
                });
                findings.extend(found);
                summary.extend(summary_of(&counts));
                notes.extend(derived_ids(&counts));
            }
            if arguments.target && !has_errors(&findings) {
                for job in jobs {
                    let compared = target::check(&config, job)?;
                    findings.extend(compared.findings);
                    disagreement = worse(disagreement, compared.exit);
                }
            }
            findings
        }
        Err(findings) => findings,
    };
    let failed = has_errors(&findings);
    if context.output.is_json() {
        context.output.json(&findings_to_json(&findings))?;
    } else {
        print_findings(&findings);
        for note in notes {
            context.output.note(&note);
        }
        if failed {
            context.output.note(&format!("found {}", counts(&findings).join(", ")));
        } else {
            summary.extend(counts(&findings));
            context.output.text(&format!("ok: {}", summary.join(", ")))?;
        }
    }
    Ok(if disagreement == Exit::Fine && failed { Exit::Usage } else { disagreement })
}

/// The one to end with, of two jobs: a target that can't be asked weighs more than one that disagrees.
fn worse(one: Exit, other: Exit) -> Exit {
    if one == Exit::Target || other == Exit::Fine { one } else { other }
}

/// A token that can not be had is a warning: it may be there when the job runs.
fn check_token(config: &Config, job: &JobConfig, env: &dyn Fn(&str) -> Option<String>) -> Option<Diagnostic> {
    let mut secrets = Vec::new();
    let mut missing = None;
    for (what, source) in job.access.secrets() {
        match source.resolve(env) {
            Ok(secret) => secrets.push(secret),
            Err(error) => missing = missing.or(Some((what, error))),
        }
    }
    let Some((what, error)) = missing else {
        let bytes = job.excess_credentials(&secrets)?;
        let refused = RunError::CredentialLimit { job: job.name.clone(), bytes };
        return Some(Diagnostic::error(refused.to_string()).at(Place::file(&config.file)));
    };
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let message = format!("job `{}` has no {what}: {error}{cause}", job.name);
    Some(Diagnostic::warning(message).at(Place::file(&config.file)))
}

/// What is said of a target on this machine without TLS; one on another machine has a warning in its place.
fn off_spec(job: &JobConfig) -> Option<String> {
    match &job.endpoint {
        Endpoint::Remote(url) if url.is_loopback() && url.base().starts_with("http://") => {
            Some(format!("job `{}`: {}; on this machine it is allowed", job.name, TenantUrlWarning::OffSpec))
        }
        Endpoint::Remote(_) | Endpoint::Embedded => None,
    }
}

/// The jobs that run an imported schema, and what is wrong with it.
struct ImportedSchemas {
    jobs: Vec<String>,
    findings: Vec<Diagnostic>,
}

fn check_schemas(config: &Config, jobs: &[&JobConfig]) -> Result<ImportedSchemas, Failure> {
    let mut imported = ImportedSchemas { jobs: Vec::new(), findings: Vec::new() };
    let store = Store::open_existing(&config.state_dir).map_err(|error| store_failure(&error))?;
    let Some(store) = store else { return Ok(imported) };
    for job in jobs {
        match imported_schema(job, &store) {
            Ok(None) => continue,
            Ok(Some(schema)) => {
                imported.findings.extend(schema.warnings.into_iter().map(|warning| Diagnostic {
                    message: format!("job `{}`, imported schema: {}", job.name, warning.message),
                    ..warning
                }));
            }
            Err(error @ RunError::Schema { .. }) => imported.findings.push(
                Diagnostic::error(error.to_string())
                    .at(Place::file(&config.file))
                    .help("import it again, or drop it with `scimulator schema reset`"),
            ),
            Err(error) => return Err(run_failure(&error)),
        }
        imported.jobs.push(job.name.clone());
    }
    Ok(imported)
}

/// What is wrong with the mappings of a built-in profile under the job's choices, the disabled ones left out. Reading
/// the configuration has told what is wrong with a profile of one's own, and with filters.
fn check_mappings(config: &Config, job: &JobConfig) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if job.profile.is_some() {
        return findings;
    }
    let spec = JobSpec::new(config, job, 1);
    for mapping in [&spec.users, &spec.groups].into_iter().filter(|mapping| mapping.enabled) {
        for problem in mapping.check(job.reading().check) {
            let target = problem.mapping_index.and_then(|index| mapping.attributes.get(index));
            let place = target.map(|one| format!(", mapping to `{}`", one.target)).unwrap_or_default();
            let message = format!("job `{}`, {}{place}: {}", job.name, mapping.name, problem.message);
            let finding = match problem.severity {
                Severity::Error => Diagnostic::error(message),
                Severity::Warning => Diagnostic::warning(message),
            };
            findings.push(match problem.help {
                Some(help) => finding.help(help),
                None => finding,
            });
        }
    }
    findings
}

/// What there is in the directory, if it can be read, and what is wrong with it.
struct CheckedDirectory {
    read: Option<(Counts, Known)>,
    findings: Vec<Diagnostic>,
}

/// Reads the directory's files as an import would, and holds them against what is known of them. Nothing is kept.
fn check_directory(config: &Config) -> Result<CheckedDirectory, Failure> {
    let source = source(config);
    let mut empty = Store::temporary().map_err(|error| store_failure(&error))?;
    let known = Store::open_existing(&config.state_dir).map_err(|error| store_failure(&error))?;
    let now = now(known.as_ref().unwrap_or(&empty));
    let (read, mut findings) = match import(&mut empty, &source, now) {
        Ok(read) => (Some((read.counts, read.attributes)), read.warnings),
        Err(ImportError::Store(error)) => return Err(store_failure(&error)),
        Err(error) => return Ok(CheckedDirectory { read: None, findings: error.findings() }),
    };
    // Rows known before say nothing new, so only a refusal is of interest here.
    let Some(known) = known else { return Ok(CheckedDirectory { read, findings }) };
    let mut copy = known.copy().map_err(|error| store_failure(&error))?;
    drop(known);
    match import(&mut copy, &source, now) {
        Ok(_) => {}
        Err(ImportError::Store(error)) => return Err(store_failure(&error)),
        Err(error @ ImportError::Refused(ImportFault::Vanished(_) | ImportFault::FileGone { .. })) => {
            findings.extend(error.findings());
        }
        // Something in the state makes a difference: a group renamed by command, say. It is told as an import tells it.
        Err(error) => findings = error.findings(),
    }
    Ok(CheckedDirectory { read, findings })
}

/// What there is; what there is none of is left out, but for users.
fn summary_of(counts: &Counts) -> Vec<String> {
    let mut summary = vec![counted(counts.users, "user")];
    let others = [
        (counts.groups, "group"),
        (counts.memberships, "membership"),
        (counts.assignments, "assignment"),
        (counts.removals, "removal"),
    ];
    summary.extend(
        others.into_iter().filter(|(count, _)| *count != 0).map(|(count, what)| counted(count, what)),
    );
    summary
}

/// Objects known by their names alone (contract 4).
fn derived_ids(counts: &Counts) -> Vec<String> {
    [
        (counts.users_id_derived, "user", "userPrincipalName"),
        (counts.groups_id_derived, "group", "displayName"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count != 0)
    .map(|(count, what, name)| {
        let verb = if count == 1 { "has" } else { "have" };
        format!(
            "note: {} {verb} no objectId; one is derived from the {name}, so a rename is a leaver and a joiner",
            counted(count, what)
        )
    })
    .collect()
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
