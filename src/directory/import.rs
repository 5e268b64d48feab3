//! From the directory's files into the store: read, compare, accept or refuse as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::object::{ObjectKind, SourceObject};
use super::read::{
    AssignmentRow, Counts, MembershipRow, ReadOptions, Removal, RemovalRow, Role, Sink, SinkError,
    read_folder, stat_folder,
};
use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, Place, Severity, did_you_mean, has_errors};
use crate::store::{Import, ImportFault, Imported, Store, StoreError, Vanished};

/// So often is a folder read that changes while it is read; then it counts as busy.
const READS_MAX: u32 = 3;

/// Where the source is and how it is read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The folder.
    pub folder: PathBuf,
    /// How its files are read.
    pub options: ReadOptions,
    /// Share in percent and least number of users, groups, memberships or assignments that may not vanish at once;
    /// `None` accepts any number.
    pub vanish_limit: Option<(u32, u32)>,
    /// The app roles that the configuration declares, by value.
    pub roles: Vec<String>,
    /// The jobs that the configuration declares.
    pub jobs: Vec<String>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What changed.
    pub imported: Imported,
    /// Rows by what they are.
    pub counts: Counts,
    /// The attributes that users and groups have in the files, filled or not.
    pub attributes: BTreeMap<ObjectKind, BTreeSet<String>>,
    /// Findings that stop nothing.
    pub warnings: Vec<Diagnostic>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files are wrong; every finding, warnings included.
    #[error("the directory can't be read")]
    Files(Vec<Diagnostic>),
    /// The files can be read, but are not believed.
    #[error(transparent)]
    Refused(ImportFault),
    /// The state failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// The findings to show a person.
    pub fn findings(&self) -> Vec<Diagnostic> {
        match self {
            Self::Files(findings) | Self::Refused(ImportFault::Ambiguous(findings)) => findings.clone(),
            Self::Refused(ImportFault::Vanished(vanished)) => vanished.iter().map(about_vanished).collect(),
            Self::Refused(fault @ ImportFault::FileGone { role, is_part, .. }) => {
                let otherwise = if *is_part {
                    Some(
                        "if what it held is really gone, say so with `scimulator directory accept`"
                            .to_owned(),
                    )
                } else {
                    Role::from_name(role).map(Role::how_to_say_none)
                };
                let otherwise = otherwise.map(|otherwise| format!("; {otherwise}"));
                let help = format!("put it back{}", otherwise.unwrap_or_default());
                vec![Diagnostic::error(fault.to_string()).help(help)]
            }
            Self::Refused(fault @ (ImportFault::Overtaken | ImportFault::Store(_))) => {
                vec![Diagnostic::error(fault.to_string())]
            }
            Self::Store(error) => vec![Diagnostic::error(error.to_string())],
        }
    }
}

fn about_vanished(vanished: &Vanished) -> Diagnostic {
    let finding = Diagnostic::error(vanished.to_string()).help(
        "if they are really gone, say so with `scimulator directory accept`; until then nothing is sent",
    );
    match vanished.files.first() {
        Some(file) => finding.at(Place::file(file)),
        None => finding,
    }
}

/// Reads the source into the store at job time `now`; nothing of it is kept unless all of it is good.
pub fn import(store: &mut Store, source: &Source, now: Timestamp) -> Result<Read, ImportError> {
    for _ in 0..READS_MAX {
        let before = stat_folder(&source.folder).map_err(|finding| ImportError::Files(vec![*finding]))?;
        let import = store.begin_import(now)?;
        let mut writer = Writer { import, source, findings: Vec::new(), unknown: BTreeMap::new() };
        let outcome =
            read_folder(&source.folder, &source.options, &mut writer).map_err(|error| {
                match error.0.downcast::<StoreError>() {
                    Ok(error) => ImportError::Store(*error),
                    Err(other) => ImportError::Store(StoreError::Corrupt(other.to_string())),
                }
            })?;
        let Writer { import, findings, unknown, .. } = writer;
        let mut diagnostics = outcome.diagnostics;
        diagnostics.extend(findings);
        diagnostics.extend(unknown.into_values());
        if has_errors(&diagnostics) {
            return Err(ImportError::Files(diagnostics));
        }
        let after = stat_folder(&source.folder).map_err(|finding| ImportError::Files(vec![*finding]))?;
        if after != before {
            continue;
        }
        let files: Vec<(String, String, u64)> = outcome
            .files
            .iter()
            .map(|file| (file.path.display().to_string(), file.role.as_str().to_owned(), file.rows))
            .collect();
        let mut imported = match import.finish(&files, source.vanish_limit) {
            Ok(imported) => imported,
            Err(ImportFault::Overtaken) => continue,
            Err(ImportFault::Store(error)) => return Err(ImportError::Store(error)),
            Err(
                fault @ (ImportFault::Vanished(_) | ImportFault::FileGone { .. } | ImportFault::Ambiguous(_)),
            ) => return Err(ImportError::Refused(fault)),
        };
        diagnostics.append(&mut imported.warnings);
        diagnostics.retain(|finding| finding.severity == Severity::Warning);
        return Ok(Read {
            imported,
            counts: outcome.counts,
            attributes: outcome.attributes,
            warnings: diagnostics,
        });
    }
    Err(ImportError::Files(vec![
        Diagnostic::error("the folder kept changing while it was read")
            .at(Place::file(&source.folder))
            .help("write the files elsewhere and move them here when they are whole"),
    ]))
}

struct Writer<'s, 'i> {
    import: Import<'s>,
    source: &'i Source,
    findings: Vec<Diagnostic>,
    /// Unknown roles and jobs: one finding each, at the first place.
    unknown: BTreeMap<String, Diagnostic>,
}

fn stop(error: StoreError) -> SinkError {
    SinkError(Box::new(error))
}

impl Sink for Writer<'_, '_> {
    fn object(&mut self, object: SourceObject, place: Place) -> Result<(), SinkError> {
        self.import.object(&object, &place).map_err(stop)
    }

    fn removal(&mut self, row: RemovalRow, _place: Place) -> Result<(), SinkError> {
        match row.removal {
            Removal::SoftDeleted => self.import.recycled(row.kind, &row.id),
            Removal::Purged => self.import.purged(row.kind, &row.id),
        }
        .map_err(stop)
    }

    fn membership(&mut self, row: MembershipRow, place: Place) -> Result<(), SinkError> {
        self.import.membership(&row.group, &row.member, &place).map_err(stop)
    }

    fn assignment(&mut self, row: AssignmentRow, place: Place) -> Result<(), SinkError> {
        let (job, role) = (row.job.unwrap_or_default(), row.app_role.unwrap_or_default());
        let known_job = job.is_empty() || self.source.jobs.contains(&job);
        let known_role = role.is_empty() || self.source.roles.contains(&role);
        for (known, what, name, candidates) in
            [(known_job, "job", &job, &self.source.jobs), (known_role, "app role", &role, &self.source.roles)]
        {
            if !known {
                let finding = Diagnostic::error(format!("the configuration has no {what} `{name}`"));
                let finding = match did_you_mean(name, candidates.iter().map(String::as_str)) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None if what == "job" => {
                        finding.help("jobs are the `[[job]]` tables of the configuration")
                    }
                    None => finding.help("roles are the `[[app_role]]` tables of the configuration"),
                };
                self.unknown.entry(format!("{what} {name}")).or_insert(finding.at(place.clone()));
            }
        }
        if known_job && known_role {
            self.import.assignment(&job, &row.principal, &role, &place).map_err(stop)?;
        }
        Ok(())
    }
}
