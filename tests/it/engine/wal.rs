//! SQLite's write-ahead log as the bytes that a killed process leaves ("WAL-mode File Format" of its documentation): a
//! state file can be cut off after any transaction in it, which is all that a kill can do to it.

use std::path::{Path, PathBuf};

/// Length of the log's header, and of the header of each frame in it.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// With so many frames SQLite copies them into the database and begins the log anew; then it can't be cut any more.
const FRAMES_MAX: usize = 1_000;

/// A state file and its log.
pub(super) struct StateFile {
    database: PathBuf,
}

impl StateFile {
    pub(super) fn new(database: &Path) -> Self {
        Self { database: database.to_owned() }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    fn log(&self) -> Vec<u8> {
        std::fs::read(self.beside("-wal")).unwrap_or_default()
    }

    /// How many transactions the log holds.
    pub(super) fn commits(&self) -> usize {
        ends(&self.log()).len()
    }

    /// What is on the disk once so many of the log's transactions are.
    pub(super) fn after(&self, commits: usize) -> Snapshot {
        let mut log = self.log();
        let end = commits.checked_sub(1).map_or(0, |last| ends(&log)[last]);
        log.truncate(end);
        Snapshot { database: std::fs::read(&self.database).unwrap(), log }
    }

    /// Puts that back. The file must not be open.
    pub(super) fn put_back(&self, snapshot: &Snapshot) {
        std::fs::write(&self.database, &snapshot.database).unwrap();
        std::fs::write(self.beside("-wal"), &snapshot.log).unwrap();
        // The index of the log is SQLite's to make anew.
        std::fs::remove_file(self.beside("-shm")).ok();
    }
}

/// The bytes of a state file.
pub(super) struct Snapshot {
    database: Vec<u8>,
    log: Vec<u8>,
}

/// The lengths at which the log holds a whole number of transactions, without the length 0.
fn ends(log: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    if log.len() < HEADER {
        return Vec::new();
    }
    let (page, salts) = (number(8), &log[16..24]);
    let length = FRAME_HEADER + page;
    let frames = (log.len() - HEADER) / length;
    assert!(frames < FRAMES_MAX, "the story is too long for its log");
    let starts = (0..frames).map(|frame| HEADER + frame * length);
    // Frames of an earlier round of the log have other salts; one that ends a transaction says how large the file is.
    let ours = starts.take_while(|start| &log[start + 8..start + 16] == salts);
    ours.filter(|start| number(start + 4) != 0).map(|start| start + length).collect()
}
