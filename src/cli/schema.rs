//! `schema`: the job's mappings and filters as Graph's `synchronizationSchema`, out and in.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::SchemaCommand;
use super::context::Context;
use super::failure::{findings_to_json, print_findings};
use super::session::{Session, run_failure, store_failure};
use super::{Exit, Failure};
use crate::diagnostic::{Diagnostic, Place};
use crate::engine::spec::JobSpec;
use crate::runner;
use crate::schema::{self, DOCUMENT_BYTES_MAX};

/// Stands for standard input or output.
const STANDARD: &str = "-";

pub(super) fn run(context: &Context, command: &SchemaCommand) -> Result<Exit, Failure> {
    match command {
        SchemaCommand::Export { file } => export(context, file),
        SchemaCommand::Import { file } => import(context, file),
        SchemaCommand::Reset => reset(context),
    }
}

fn export(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let session = Session::look(context)?;
    let spec = JobSpec::new(&session.config, &session.job, 1);
    let document =
        runner::schema_document(&spec, &session.job, &session.store).map_err(|error| run_failure(&error))?;
    if file == Path::new(STANDARD) {
        context.output.json(&document)?;
    } else {
        std::fs::write(file, format!("{document:#}\n")).map_err(|error| {
            Failure::new(Exit::Usage, format!("can not write `{}`", file.display())).because(&error)
        })?;
        context.output.note(&format!("wrote `{}`", file.display()));
    }
    Ok(Exit::Fine)
}

fn import(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let session = Session::open(context)?;
    let refuse = |finding: Diagnostic| Failure::findings(Exit::Usage, vec![finding]);
    let text = read(file).map_err(|message| refuse(Diagnostic::error(message).at(Place::file(file))))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| {
        let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let place = Place::at(file, small(error.line()), small(error.column()));
        refuse(Diagnostic::error(format!("not JSON: {error}")).at(place))
    })?;
    let placed = |findings: Vec<Diagnostic>| -> Vec<Diagnostic> {
        findings.into_iter().map(|finding| finding.at(Place::file(file))).collect()
    };
    let imported = schema::import(&document, &session.job.mappings.mappings, &session.job.reading())
        .map_err(|findings| Failure::findings(Exit::Usage, placed(findings)))?;
    let job = session.job.name.clone();
    session
        .store
        .save_job_schema(&job, Some(&imported.document.to_string()))
        .map_err(|error| store_failure(&error))?;
    let warnings = placed(imported.warnings);
    if context.output.is_json() {
        context.output.json(&json!({ "job": job, "warnings": findings_to_json(&warnings) }))?;
    } else {
        print_findings(&warnings);
        context.output.note(&format!(
            "job `{job}` runs the imported schema from its next cycle on, which is an initial one if mappings or filters \
             changed; `scimulator schema reset` goes back to the profile"
        ));
    }
    Ok(Exit::Fine)
}

fn reset(context: &Context) -> Result<Exit, Failure> {
    let session = Session::open(context)?;
    let job = session.job.name.clone();
    let had = session.store.job_schema(&job).map_err(|error| store_failure(&error))?.is_some();
    session.store.save_job_schema(&job, None).map_err(|error| store_failure(&error))?;
    context.output.note(&if had {
        format!("job `{job}` runs the mappings and filters of its configuration again")
    } else {
        format!("job `{job}` has no imported schema: there was nothing to drop")
    });
    Ok(Exit::Fine)
}

/// That a job does not run what its configuration says.
pub(super) fn imported_note(job: &str) -> String {
    format!("job `{job}` runs an imported schema in place of its profile; `scimulator schema reset` drops it")
}

/// The text of a file or of standard input.
fn read(file: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = |from: &mut dyn Read, bytes: &mut Vec<u8>| {
        from.take(DOCUMENT_BYTES_MAX.saturating_add(1)).read_to_end(bytes)
    };
    let done = if file == Path::new(STANDARD) {
        read(&mut std::io::stdin().lock(), &mut bytes)
    } else {
        File::open(file).and_then(|mut file| read(&mut file, &mut bytes))
    };
    done.map_err(|error| format!("can not read the schema: {error}"))?;
    if u64::try_from(bytes.len()).map_or(true, |bytes| DOCUMENT_BYTES_MAX < bytes) {
        return Err(format!("the schema is larger than {DOCUMENT_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "the schema is not UTF-8 text".to_owned())?;
    // Files that PowerShell and the portal wrote may begin with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
