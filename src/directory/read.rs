//! Readers of directory folders: CSV, TOML, the admin center's exports, Graph JSON.
//!
//! [`read_folder`] streams typed rows into a [`Sink`]. An import is all or nothing: when the outcome holds an error,
//! the rows already handed over must be thrown away.
//!
//! | role | files |
//! | --- | --- |
//! | users | `users.csv`, `exportUsers*.csv` (*Download users*), `users.toml`, `users*.json` (pages of Graph's `/users`) |
//! | more attributes of users | `users.extra.csv`: exports have no managers and no extension attributes. It has a column `objectId` or `userPrincipalName` or both; a row belongs to the user of that objectId, or of that userPrincipalName where the objectId is empty, and its other cells fill in what the user's own row lacks. Two different values are an error |
//! | groups | `groups.csv`, `exportGroups*.csv` (*Download groups*), `groups.toml`, `groups*.json` |
//! | members | `members.csv`, `members.toml`, and `members/<group>.csv` (*Download members*, membership templates), where `<group>` is an objectId or displayName |
//! | assignments | `assignments.csv`, `assignments.toml` |
//! | any of them | `directory.toml`, with `[[user]]`, `[[group]]`, `[[member]]`, `[[assignment]]` |
//!
//! A role comes from one file, except for pages of JSON; members add up over their file, `members/`, the `members` of
//! TOML groups and those that Graph expanded. A TOML file other than `directory.toml` holds its own role's tables
//! only; an empty list is written out (`assignment = []`). File names are matched without regard to case.
//!
//! The bulk create template is read as `users.csv`. What a cell means does not depend on the format: see
//! `exports.md` and contract 4.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Place};
use crate::directory::object::{ObjectKind, SourceObject};

mod collect;
mod delimited;
mod extras;
mod folder;
mod graph_json;
mod names;
mod table;
mod text;
mod toml_tables;
mod written;

pub use collect::{DIAGNOSTICS_MAX, ID_CHARS_MAX};
pub use delimited::{CELL_BYTES_MAX, COLUMNS_MAX};
pub use extras::EXTRA_FILE_BYTES_MAX;
pub use folder::{FileStat, FolderStat, stat_folder};
pub use names::holds_passwords;
pub use toml_tables::TOML_FILE_BYTES_MAX;
pub use written::{Written, WrittenError, is_multi_valued, written};

/// What a reader must be told besides the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Attributes declared as multi-valued, besides the known ones (`proxyAddresses`, `otherMails`, …): their cells
    /// are split at `;`. Letter case does not count.
    pub multi_valued: BTreeSet<String>,
}

/// Where rows go, one at a time: memory never holds the directory.
///
/// Rows come in a fixed order (by role, then file name, then line), and references in them are as written: the
/// referenced object may come later, or never.
pub trait Sink {
    /// A user or group.
    fn object(&mut self, object: SourceObject, place: Place) -> Result<(), SinkError>;
    /// An object that the source says is gone, known by its id alone (`@removed` of a delta answer).
    fn removal(&mut self, row: RemovalRow, place: Place) -> Result<(), SinkError>;
    /// A membership. The same one may come twice and counts once.
    fn membership(&mut self, row: MembershipRow, place: Place) -> Result<(), SinkError>;
    /// An assignment to the application.
    fn assignment(&mut self, row: AssignmentRow, place: Place) -> Result<(), SinkError>;
}

/// Why a sink took no row: not a fault of the source, and it ends the reading.
#[derive(Debug, thiserror::Error)]
#[error("cannot take a row of the directory: {0}")]
pub struct SinkError(#[source] pub Box<dyn Error + Send + Sync>);

/// How an object was removed at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Moved to the recycle bin, at an unknown time (`@removed` with reason `changed`).
    SoftDeleted,
    /// Gone for good (`@removed` with reason `deleted`).
    Purged,
}

/// One object that the source says is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalRow {
    /// User or group.
    pub kind: ObjectKind,
    /// Its objectId.
    pub id: String,
    /// How it went.
    pub removal: Removal,
}

/// One member of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipRow {
    /// objectId or displayName of the group.
    pub group: String,
    /// objectId, userPrincipalName or displayName of the member.
    pub member: String,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    /// objectId, userPrincipalName or displayName of the user or group.
    pub principal: String,
    /// The app role by value; `None` is the default access.
    pub app_role: Option<String>,
    /// The job's name; `None` when the row is for the only job.
    pub job: Option<String>,
}

/// What a file gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// More attributes of users.
    UsersExtra,
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Members of groups.
    Members,
    /// Assignments to the application.
    Assignments,
}

impl Role {
    /// The noun for messages, in the plural.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsersExtra => "more attributes of users",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Members => "members",
            Self::Assignments => "assignments",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::UsersExtra, Self::Users, Self::Groups, Self::Members, Self::Assignments]
            .into_iter()
            .find(|role| role.as_str() == name)
    }

    /// How a source says outright that there are none left: advice for messages (contract 4).
    pub fn how_to_say_none(self) -> String {
        match self {
            Self::Users | Self::Groups => {
                format!("to remove the last {self}, keep their rows with a `deletedDateTime`")
            }
            Self::UsersExtra | Self::Members | Self::Assignments => {
                "a file with its headings and no rows says that there are none".to_owned()
            }
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One file that was read, for one role; `directory.toml` counts once for each role it gives.
///
/// A role that was read before and has no file now is a fault of the source (contract 4); only the caller knows what
/// was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    /// The file, below the folder as the person named it.
    pub path: PathBuf,
    /// What it gave.
    pub role: Role,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written; `None` when the file system does not say.
    pub modified: Option<Timestamp>,
    /// Rows of that role in it, faulty ones included.
    pub rows: u64,
}

/// Rows handed to the sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: u64,
    /// Users without an objectId of their own: a rename makes them a leaver and a joiner.
    pub users_id_derived: u64,
    /// Groups.
    pub groups: u64,
    /// Groups without an objectId of their own.
    pub groups_id_derived: u64,
    /// Objects that the source says are gone.
    pub removals: u64,
    /// Memberships.
    pub memberships: u64,
    /// Assignments.
    pub assignments: u64,
}

/// What reading a folder gave, besides the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOutcome {
    /// Findings in the order they were made. One error, and the import must be refused as a whole.
    pub diagnostics: Vec<Diagnostic>,
    /// The files read.
    pub files: Vec<FileRead>,
    /// Rows handed to the sink.
    pub counts: Counts,
    /// The attributes that users and groups have here: columns and keys, filled or not.
    pub attributes: BTreeMap<ObjectKind, BTreeSet<String>>,
}

/// Reads the directory that is part of a TOML file of another kind: `part` holds its tables `[[user]]`, `[[group]]`,
/// `[[member]]` and `[[assignment]]`, `text` is the whole file, by which places are told.
///
/// # Errors
/// When the sink fails. Faults of the source are in the outcome's diagnostics.
pub fn read_part(
    file: &Path,
    text: &str,
    part: &DeTable<'_>,
    options: &ReadOptions,
    sink: &mut dyn Sink,
) -> Result<ReadOutcome, SinkError> {
    let mut collector = collect::Collector::new(options, sink);
    let source = collector.source(file);
    toml_tables::read_part(text, part, source, &mut collector)?;
    Ok(collector.finish())
}

/// Reads a directory folder.
///
/// The folder may change meanwhile: compare [`stat_folder`] before and after, and read again when they differ.
///
/// # Errors
/// When the sink fails. Faults of the source are in the outcome's diagnostics.
pub fn read_folder(
    folder: &Path,
    options: &ReadOptions,
    sink: &mut dyn Sink,
) -> Result<ReadOutcome, SinkError> {
    let mut collector = collect::Collector::new(options, sink);
    folder::read(folder, &mut collector)?;
    Ok(collector.finish())
}
