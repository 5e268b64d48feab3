//! Which files of a folder give what, and the order in which they are read.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::diagnostic::{Diagnostic, Place, did_you_mean};

use super::collect::{Collector, read_of};
use super::text::TextReader;
use super::{Role, SinkError, graph_json, table, toml_tables};

/// The files of a folder that would be read, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderStat {
    /// By path.
    pub files: Vec<FileStat>,
}

/// One file as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStat {
    /// The file, below the folder as the person named it.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written; `None` when the file system does not say.
    pub modified: Option<Timestamp>,
}

/// What the files of the folder look like now, to tell whether they changed while they were read.
///
/// A file that cannot be looked at counts as absent: reading says what is wrong with it.
///
/// # Errors
/// The folder is missing or cannot be listed.
pub fn stat_folder(folder: &Path) -> Result<FolderStat, Box<Diagnostic>> {
    let files = scan(folder)?
        .files
        .into_iter()
        .filter_map(|file| {
            let metadata = fs::metadata(&file.path).ok()?;
            let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            Some(FileStat { path: file.path, bytes: metadata.len(), modified })
        })
        .collect();
    Ok(FolderStat { files })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Toml,
    Json,
}

/// What a file is by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    UsersExtra,
    Users,
    Groups,
    /// `directory.toml`.
    Anything,
    Members,
    /// A file of `members/`, with the group it is for.
    MembersOf(String),
    Assignments,
}

impl Content {
    /// The role it gives; `None` when its content decides.
    fn role(&self) -> Option<Role> {
        match self {
            Self::UsersExtra => Some(Role::UsersExtra),
            Self::Users => Some(Role::Users),
            Self::Groups => Some(Role::Groups),
            Self::Members | Self::MembersOf(_) => Some(Role::Members),
            Self::Assignments => Some(Role::Assignments),
            Self::Anything => None,
        }
    }
}

#[derive(Debug)]
struct FoundFile {
    path: PathBuf,
    content: Content,
    format: Format,
}

#[derive(Debug)]
struct Scan {
    files: Vec<FoundFile>,
    /// Files that look like data and are not read.
    strangers: Vec<PathBuf>,
}

/// Names that a stranger may have been meant to have.
const FILE_NAMES: &[&str] = &[
    "users.csv",
    "users.toml",
    "users.json",
    "users.extra.csv",
    "groups.csv",
    "groups.toml",
    "groups.json",
    "members.csv",
    "members.toml",
    "assignments.csv",
    "assignments.toml",
    "directory.toml",
];

/// Reads a folder into the collector.
pub(super) fn read(folder: &Path, collector: &mut Collector<'_>) -> Result<(), SinkError> {
    let scan = match scan(folder) {
        Ok(scan) => scan,
        Err(diagnostic) => {
            collector.report(*diagnostic);
            return Ok(());
        }
    };
    for stranger in &scan.strangers {
        collector.report(about_stranger(stranger));
    }
    let rivals = rivals(&scan.files);
    if !rivals.is_empty() {
        // Reading both would bury this under a duplicate a row.
        collector.report_all(rivals);
        return Ok(());
    }
    if !scan.files.iter().any(|file| matches!(file.content, Content::Users | Content::Anything)) {
        collector.report(no_users(folder));
        return Ok(());
    }

    let mut pages = BTreeMap::new();
    let mut errors_by_role = 0;
    let mut extras_pending = true;
    for file in &scan.files {
        if extras_pending && Content::Anything < file.content {
            collector.report_unused_extras();
            extras_pending = false;
        }
        let errors_before = collector.errors();
        read_file(file, &scan.files, &mut pages, collector)?;
        errors_by_role += usize::from(errors_before < collector.errors());
    }
    if extras_pending {
        collector.report_unused_extras();
    }
    for (role, set) in &pages {
        if let Some(diagnostic) = set.fault(*role) {
            collector.report(diagnostic);
        }
    }
    if errors_by_role == 0 {
        report_empty(folder, collector);
    }
    Ok(())
}

fn read_file(
    file: &FoundFile,
    all: &[FoundFile],
    pages: &mut BTreeMap<Role, graph_json::Pages>,
    collector: &mut Collector<'_>,
) -> Result<(), SinkError> {
    let source = collector.source(&file.path);
    let (handle, metadata) = match open(&file.path, file.content.role()) {
        Ok(opened) => opened,
        Err(diagnostic) => {
            collector.report(*diagnostic);
            return Ok(());
        }
    };
    let text = match TextReader::open(handle) {
        Ok(text) => text,
        Err(fault) => {
            collector.fault(source, fault);
            return Ok(());
        }
    };
    let role = file.content.role();
    let rows = match (&file.content, file.format, role) {
        (Content::MembersOf(group), Format::Csv, Some(_)) => {
            table::read_members_of(group, text, source, collector)?
        }
        (_, Format::Csv, Some(role)) => table::read(role, text, &metadata, source, collector)?,
        (_, Format::Json, Some(role)) => {
            graph_json::read(role, text, pages.entry(role).or_default(), source, collector)?
        }
        (_, _, role) => {
            let tables = toml_tables::read(role, text, source, collector)?;
            for (role, rows) in tables {
                let rival = all.iter().find(|other| other.path != file.path && is_rival(other, role));
                if let Some(rival) = rival {
                    collector.report(two_files(role, &rival.path, &file.path));
                }
                collector.file_read(read_of(&file.path, role, &metadata, rows));
            }
            return Ok(());
        }
    };
    if let Some(role) = role {
        collector.file_read(read_of(&file.path, role, &metadata, rows));
    }
    Ok(())
}

/// Opens a regular file that is not empty. `role` is what it would give, if its name says so.
fn open(path: &Path, role: Option<Role>) -> Result<(File, Metadata), Box<Diagnostic>> {
    let error = |message: String| Diagnostic::error(message).at(Place::file(path));
    // Looked at before it is opened: opening a pipe would wait for a writer.
    let metadata =
        fs::metadata(path).map_err(|cause| Box::new(error(format!("the file cannot be read: {cause}"))))?;
    if !metadata.is_file() {
        return Err(Box::new(
            error("this is not a regular file".to_owned())
                .help("put the file itself here, not a folder, pipe or device of its name"),
        ));
    }
    if metadata.len() == 0 {
        let none = role.map(|role| format!("; {}", role.how_to_say_none())).unwrap_or_default();
        return Err(Box::new(
            error("the file is empty (zero bytes)".to_owned())
                .help(format!("an export that failed leaves such a file{none}")),
        ));
    }
    let file =
        File::open(path).map_err(|cause| Box::new(error(format!("the file cannot be read: {cause}"))))?;
    Ok((file, metadata))
}

fn scan(folder: &Path) -> Result<Scan, Box<Diagnostic>> {
    let mut scan = Scan { files: Vec::new(), strangers: Vec::new() };
    for path in list(folder)? {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else {
            continue;
        };
        if name == "members" && path.is_dir() {
            for path in list(&path)? {
                scan.add(path, true);
            }
        } else {
            scan.add(path, false);
        }
    }
    scan.files.sort_by(|a, b| (&a.content, &a.path).cmp(&(&b.content, &b.path)));
    Ok(scan)
}

impl Scan {
    fn add(&mut self, path: PathBuf, below_members: bool) {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else {
            return;
        };
        // Locks and backups of office programs and editors.
        if name.starts_with(['.', '~']) || name == "scimulator.toml" {
            return;
        }
        let Some((stem, extension)) = name.rsplit_once('.') else {
            return;
        };
        let format = match extension {
            "csv" => Format::Csv,
            "toml" => Format::Toml,
            "json" => Format::Json,
            _ => return,
        };
        let content = match (stem, format) {
            (_, Format::Csv) if below_members => path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .map(|stem| Content::MembersOf(stem.to_owned())),
            _ if below_members => None,
            ("users.extra", Format::Csv) => Some(Content::UsersExtra),
            ("users", _) => Some(Content::Users),
            ("groups", _) => Some(Content::Groups),
            ("members", Format::Csv | Format::Toml) => Some(Content::Members),
            ("assignments", Format::Csv | Format::Toml) => Some(Content::Assignments),
            ("directory", Format::Toml) => Some(Content::Anything),
            (stem, Format::Csv) if stem.starts_with("exportusers") => Some(Content::Users),
            (stem, Format::Csv) if stem.starts_with("exportgroups") => Some(Content::Groups),
            (stem, Format::Json) if stem.starts_with("users") => Some(Content::Users),
            (stem, Format::Json) if stem.starts_with("groups") => Some(Content::Groups),
            _ => None,
        };
        match content {
            Some(content) => self.files.push(FoundFile { path, content, format }),
            None => self.strangers.push(path),
        }
    }
}

/// The entries of a folder, in the order of their names.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let error = |cause: std::io::Error| {
        let missing = cause.kind() == std::io::ErrorKind::NotFound;
        let message = if missing {
            "the directory folder does not exist".to_owned()
        } else {
            format!("the directory folder cannot be read: {cause}")
        };
        Box::new(
            Diagnostic::error(message)
                .at(Place::file(folder))
                .help("`path` under `[directory]` names the folder with `users.csv` or `users.toml`"),
        )
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        paths.push(folder.join(entry.map_err(error)?.file_name()));
    }
    paths.sort();
    Ok(paths)
}

/// Whether the file claims a role for itself, so that a second one is a contradiction.
fn is_rival(file: &FoundFile, role: Role) -> bool {
    !matches!(file.content, Content::MembersOf(_)) && file.content.role() == Some(role)
}

/// An error for each second file of a role, unless both are pages of JSON.
fn rivals(files: &[FoundFile]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<Role, &FoundFile> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files {
        let Some(role) = file.content.role().filter(|role| is_rival(file, *role)) else {
            continue;
        };
        match first.get(&role) {
            Some(other) if other.format == Format::Json && file.format == Format::Json => {}
            Some(other) => found.push(two_files(role, &other.path, &file.path)),
            None => {
                first.insert(role, file);
            }
        }
    }
    found
}

fn two_files(role: Role, a: &Path, b: &Path) -> Diagnostic {
    let name =
        |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (a_name, b_name) = (name(a), name(b));
    Diagnostic::error(format!("both `{a_name}` and `{b_name}` give the {role}"))
        .at(Place::file(b))
        .help(format!("remove `{a_name}` or `{b_name}`, whichever is out of date"))
}

fn about_stranger(path: &Path) -> Diagnostic {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let warning = Diagnostic::warning("this file is not read: its name says nothing about its content");
    let help = if name.starts_with("exportgroupmembers") {
        "a group's members go to `members/<group>.csv`, named by the group's objectId or displayName"
            .to_owned()
    } else {
        match did_you_mean(&name, FILE_NAMES.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("names that are read: {}", FILE_NAMES.join(", ")),
        }
    };
    warning.at(Place::file(path)).help(help)
}

fn no_users(folder: &Path) -> Diagnostic {
    Diagnostic::error("the folder has no file of users")
        .at(Place::file(folder))
        .help("it needs `users.csv`, `users.toml`, `users*.json`, `exportUsers*.csv` or a `directory.toml` with `[[user]]`")
}

/// Nobody at all, or no group in a file of groups, is a source that broke and not a directory that emptied itself
/// (contract 4).
fn report_empty(folder: &Path, collector: &mut Collector<'_>) {
    if !collector.files().iter().any(|file| file.role == Role::Users) {
        collector.report(no_users(folder));
    }
    for role in [Role::Users, Role::Groups] {
        let mut files = collector.files().iter().filter(|file| file.role == role).peekable();
        let Some(first) = files.peek().map(|file| file.path.clone()) else {
            continue;
        };
        if files.all(|file| file.rows == 0) {
            collector.report(
                Diagnostic::error(format!("the file has no {role}")).at(Place::file(first)).help(format!(
                    "only members and assignments may be an empty list; {}",
                    role.how_to_say_none()
                )),
            );
        }
    }
}
