//! What outlives the process: one SQLite file for directory history, jobs, links, escrows and logs.
//!
//! Nobody else speaks SQL. Every call is synchronous and part of the step that makes it: [`Store::step`] makes
//! several of them one transaction. WAL mode gives prefix consistency: a power cut may lose the last moments, never
//! their order (design, law 4). The tables are described in `docs/state.md`.

mod browse;
mod control;
mod directory;
mod embedded;
mod history;
mod import;
mod job;
mod journaled;
mod link;
mod lock;
mod notices;
#[cfg(test)]
mod plans;
mod schema;
mod standing;
mod work;

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, MAIN_DB, OpenFlags, Params, Row};

use crate::clock::{JobClock, Timestamp};

pub use browse::{AssignmentRow, Departure, Neighbour};
pub use directory::{Edit, EditError, ObjectState, Resolved, StoredObject};
pub use history::{Account, Edge, Happened};
pub use import::{Import, ImportFault, Imported, Vanished, Vanishing};
pub use job::{Escrow, Execution, JobRow, Progress};
pub use journaled::{LogFilter, LogRow};
pub use link::Link;
pub use lock::{JobLock, LockError};
pub use notices::{AuditRow, MailRow};
pub use standing::OpenFailures;
pub use work::{Membership, Phase, WorkItem, WorkWindow};

/// The version of the tables that this program writes; older ones are migrated, newer ones refused.
const SCHEMA_VERSION: i64 = 8;
/// The state file in its folder.
const FILE_NAME: &str = "scimulator.db";
/// `PRAGMA application_id`: tells our files from other SQLite files (`SCiM`).
const APPLICATION_ID: i64 = 0x5343_694d;
/// How long another process may hold the file before we give up, in milliseconds of wire time.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// SQLite's page cache, in KiB: an import of 100,000 changed rows stays in it instead of being spilt to the log.
const CACHE_KIB: i64 = 64 * 1024;
/// How many prepared statements a connection keeps; beyond, the one that was not used for longest is prepared anew. All
/// of this module's together are fewer, some KiB each.
const STATEMENTS_KEPT_MAX: usize = 256;
/// Migrations in order; number N leads to version N.
const MIGRATIONS: &[&str] = &[
    include_str!("store/001.sql"),
    include_str!("store/002.sql"),
    include_str!("store/003.sql"),
    include_str!("store/004.sql"),
    include_str!("store/005.sql"),
    include_str!("store/006.sql"),
    include_str!("store/007.sql"),
    include_str!("store/008.sql"),
];

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process is writing.
    #[error("the state file `{}` is in use by another process", file.display())]
    Busy {
        /// The file.
        file: PathBuf,
    },
    /// Written by a later version of this program.
    #[error("the state file `{}` has version {found}; this program knows up to {known}", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A SQLite file that something else made, or no SQLite file at all.
    #[error("`{}` is not a state file of this program, or it is damaged", file.display())]
    NotOurs {
        /// The file.
        file: PathBuf,
        /// What SQLite said, when it did.
        #[source]
        source: Option<rusqlite::Error>,
    },
    /// A file without content where the state should be: ours never is.
    #[error("the state file `{}` is empty: what it held is lost", file.display())]
    Emptied {
        /// The file.
        file: PathBuf,
    },
    /// The folder or file can't be made or opened.
    #[error("can't open the state file `{}`", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row that breaks the rules it was written by.
    #[error("the state file holds a row that makes no sense: {0}")]
    Corrupt(String),
    /// Another process kept the file from us in the middle of the work.
    #[error("the state file `{FILE_NAME}` is in use by another process")]
    Locked,
    /// The file was found damaged in the middle of the work.
    #[error("the state file `{FILE_NAME}` is damaged")]
    Damaged(#[source] rusqlite::Error),
    /// There is no room for what was to be written; the step that wrote it is taken back.
    #[error("the disk is full: the state file `{FILE_NAME}` can't grow")]
    Full(#[source] rusqlite::Error),
    /// The file, its folder or its disk may only be read.
    #[error("the state file `{FILE_NAME}` may be read, and not written to")]
    ReadOnly,
    /// Reading or writing failed.
    #[error("the state file `{FILE_NAME}` can't be read or written")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Locked,
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(error)
            }
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full(error),
            Some(rusqlite::ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(format!("not the JSON expected ({error})"))
    }
}

/// One open state file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    file: PathBuf,
    /// Steps under way, one within the other.
    steps: u32,
    /// Job time of this state.
    clock: JobClock,
}

impl Store {
    /// Opens the state in `folder`, making it when it is not there. A file that is not ours, damaged or newer is
    /// left alone.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join(FILE_NAME);
        let failed = |source| StoreError::Open { file: file.clone(), source: Box::new(source) };
        private_folder(folder).map_err(failed)?;
        match std::fs::metadata(&file) {
            Ok(metadata) if metadata.len() == 0 => return Err(StoreError::Emptied { file }),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::create(folder, &file)?,
            Err(error) => return Err(failed(error)),
        }
        let connection =
            Connection::open_with_flags(&file, OpenFlags::default() - OpenFlags::SQLITE_OPEN_CREATE)
                .map_err(|source| StoreError::Open { file: file.clone(), source: Box::new(source) })?;
        // SQLite takes a file that it may not write to without a word.
        if connection.is_readonly(MAIN_DB)? {
            return Err(StoreError::ReadOnly);
        }
        restrict(&file).map_err(failed)?;
        Self::prepare(connection, file)
    }

    /// Makes a new state file under another name and gives it its own once it is whole, so that an empty file is never
    /// one of ours that a kill left behind.
    fn create(folder: &Path, file: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::Open { file: file.to_owned(), source: Box::new(source) };
        let made =
            tempfile::Builder::new().prefix(".new-").suffix(".db").tempfile_in(folder).map_err(failed)?;
        drop(Self::prepare(
            Connection::open(made.path())
                .map_err(|source| StoreError::Open { file: file.to_owned(), source: Box::new(source) })?,
            file.to_owned(),
        )?);
        match made.persist_noclobber(file) {
            Ok(_) => Ok(()),
            // Another process was first; its file will do.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed(error.error)),
        }
    }

    /// Opens the state to look at it, or nothing when there is none yet. Where it may not be written to, it is opened
    /// read-only.
    pub fn open_existing(folder: &Path) -> Result<Option<Self>, StoreError> {
        let file = folder.join(FILE_NAME);
        if !file.exists() {
            return Ok(None);
        }
        match Self::open(folder) {
            // Whoever may not write may not make SQLite's files beside the state either, which fails as an opening.
            Err(error @ (StoreError::ReadOnly | StoreError::Open { .. })) => {
                Self::open_read_only(file).map(Some).map_err(|_| error)
            }
            opened => opened.map(Some),
        }
    }

    fn open_read_only(file: PathBuf) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { file: file.clone(), source: Box::new(source) };
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let is_whole = std::fs::metadata(&log).map_or(true, |log| log.len() == 0);
        // With nothing in the log the file alone is the state, and no lock is needed to read what nobody can change.
        let mut uri = url::Url::from_file_path(std::path::absolute(&file).map_err(failed)?)
            .map_err(|()| StoreError::ReadOnly)?;
        uri.set_query(Some(if is_whole { "mode=ro&immutable=1" } else { "mode=ro" }));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri.as_str(), flags)?;
        Self::prepare(connection, file)
    }

    /// Whether it was opened read-only.
    pub fn is_read_only(&self) -> bool {
        self.connection.is_readonly(MAIN_DB).unwrap_or(false)
    }

    /// A store in memory, gone when dropped: `check`, `demo`, scenarios, tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        // With the rest in memory, nothing is gained by scratch tables that could be moved to a file.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Self::prepare(connection, PathBuf::from(":memory:"))
    }

    /// A store in a temporary file of its own, gone when dropped: for directories that may not fit into memory. Small
    /// ones never reach the disk.
    pub fn temporary() -> Result<Self, StoreError> {
        Self::prepare(Connection::open("")?, PathBuf::from("a temporary file"))
    }

    /// A temporary copy of everything here: what `plan` works on, so that nothing it does is kept and a running
    /// service is never locked out.
    pub fn copy(&self) -> Result<Self, StoreError> {
        let mut connection = Connection::open("")?;
        rusqlite::backup::Backup::new(&self.connection, &mut connection)?.run_to_completion(
            i32::MAX,
            std::time::Duration::ZERO,
            None,
        )?;
        Self::prepare(connection, self.file.clone())
    }

    fn prepare(connection: Connection, file: PathBuf) -> Result<Self, StoreError> {
        let mut store = Self { connection, file, steps: 0, clock: JobClock::Real };
        match store.settle() {
            Ok(()) => Ok(store),
            Err(StoreError::Locked) => Err(StoreError::Busy { file: store.file }),
            Err(StoreError::Damaged(source)) => {
                Err(StoreError::NotOurs { file: store.file, source: Some(source) })
            }
            Err(StoreError::Sqlite(source)) => {
                Err(StoreError::Open { file: store.file, source: Box::new(source) })
            }
            Err(other) => Err(other),
        }
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        connection.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS))?;
        let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let tables: i64 =
            connection
                .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))?;
        if application != APPLICATION_ID && (application != 0 || found != 0 || tables != 0) {
            return Err(StoreError::NotOurs { file: self.file.clone(), source: None });
        }
        if SCHEMA_VERSION < found {
            return Err(StoreError::Newer { file: self.file.clone(), found, known: SCHEMA_VERSION });
        }
        let is_read_only = connection.is_readonly(MAIN_DB)?;
        if is_read_only && found < SCHEMA_VERSION {
            return Err(StoreError::ReadOnly);
        }
        if !is_read_only {
            connection.pragma_update(None, "journal_mode", "WAL")?;
        }
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT_MAX);
        // Else a statement is planned anew whenever certain values of it change, in search of a better plan; there are
        // no statistics here that it could come from.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        if found < SCHEMA_VERSION {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            // Another process may have been here between the first look and the lock.
            let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
                transaction.execute_batch(migration)?;
            }
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()?;
        }
        connection.execute_batch(work::TEMPORARY_TABLES)?;
        // SQLite's own lower() knows ASCII only.
        connection.create_scalar_function(
            "scimulator_lower",
            1,
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
            |context| Ok(context.get::<Option<String>>(0)?.map(|text| text.to_lowercase())),
        )?;
        self.read_clock()
    }

    /// Waits so long for another process, or another job's import, that is writing, in place of a few seconds.
    pub fn wait_for_writers(&self, patience: std::time::Duration) -> Result<(), StoreError> {
        Ok(self.connection.busy_timeout(patience)?)
    }

    /// Runs `body` as one transaction: everything it wrote is kept together, or nothing when it fails.
    pub fn step<T, E: From<StoreError>>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin_step()?;
        let result = body(self);
        self.end_step(result.is_ok())?;
        result
    }

    /// Begins a transaction, or a part of the one under way, for callers that [`Self::step`] does not fit.
    pub fn begin_step(&mut self) -> Result<(), StoreError> {
        // A transaction that begins by reading can't wait for another writer later: SQLite gives it up at once.
        self.execute(if self.steps == 0 { "BEGIN IMMEDIATE" } else { "SAVEPOINT step" }, [])?;
        self.steps = self.steps.saturating_add(1);
        Ok(())
    }

    /// Ends what [`Self::begin_step`] began: keeps it, or takes it back.
    pub fn end_step(&mut self, keep: bool) -> Result<(), StoreError> {
        self.steps = self.steps.saturating_sub(1);
        // On a full disk SQLite takes the whole transaction back by itself; whoever asked for it knows why it failed.
        if !keep && self.connection.is_autocommit() {
            return Ok(());
        }
        let ended = match (self.steps, keep) {
            (0, true) => self.execute("COMMIT", []),
            (0, false) => self.execute("ROLLBACK", []),
            (_, true) => self.execute("RELEASE step", []),
            (_, false) => self.execute("ROLLBACK TO step", []).and_then(|_| self.execute("RELEASE step", [])),
        };
        if ended.is_err() && self.steps == 0 && !self.connection.is_autocommit() {
            self.execute("ROLLBACK", [])?;
        }
        ended?;
        Ok(())
    }

    /// Runs a statement that is prepared when it is first met: preparing one takes longer than running it. What it
    /// takes is in `parameters`, not in its text, of which there must be few.
    fn execute(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(parameters)
    }

    /// The first row of a query, which is prepared as in [`Self::execute`].
    fn query_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.connection.prepare_cached(sql)?.query_row(parameters, read)
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    /// The file, for messages.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A named value that belongs to the whole state.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        let mut rows = statement.query([key])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Sets a named value, or removes it.
    pub fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value])?,
            None => self.execute("DELETE FROM meta WHERE key = ?1", [key])?,
        };
        Ok(())
    }

    /// Tells of each statement how long it took, rows included, when it is over: used by benches.
    pub fn time_statements(
        &mut self,
        mut told: impl FnMut(&str, std::time::Duration) + Send + 'static,
    ) -> Result<(), StoreError> {
        let told = move |event: TraceEvent<'_>| {
            if let TraceEvent::Profile(statement, took) = event {
                told(&statement.sql(), took);
            }
        };
        Ok(self.connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(told))?)
    }

    /// Lets the file grow to so many pages at most, as a full disk would: used by tests.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        // Answered with the number in effect.
        self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        Ok(())
    }

    /// How many pages the file has: used by tests.
    pub fn pages(&self) -> Result<u32, StoreError> {
        Ok(self.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?)
    }
}

/// A moment as the tables hold it: UTC, microseconds, fixed width, so that text order is time order.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Reads a moment back.
fn moment(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("`{text}` is no time")))
}

/// Makes a folder that only its owner may enter, or makes one that is there such a folder.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return match restrict(folder) {
            // Somebody else's folder that we may write to: the files are ours and private all the same.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
            result => result,
        };
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Leaves a file or folder to its owner: what is in it is personal data.
fn restrict(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = std::fs::metadata(path)?.permissions();
        let mode = permissions.mode();
        if mode & 0o077 != 0 {
            permissions.set_mode(mode & 0o700);
            std::fs::set_permissions(path, permissions)?;
        }
    }
    Ok(())
}
