//! The fidelity ledger: the numbered behaviours of the fact sheets, and the record of which ones a test run covered.
//!
//! A test says what it covers where it asserts it: `covers!("W-063");`. The record of a run is one file beside the
//! build's test executables, read by the last test target, `zz_ledger`. Nothing but tests calls this module.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Says that the test around it covers these behaviours of the ledger, and fails it when an id is in no sheet.
///
/// Goes beside the assertion that would fail if the behaviour broke. Ids are literals, so that the sources can be
/// searched for them. Each place is recorded once a process.
#[doc(hidden)]
#[macro_export]
macro_rules! covers {
    ($($id:literal),+ $(,)?) => {{
        static RECORDED: ::std::sync::atomic::AtomicBool = ::std::sync::atomic::AtomicBool::new(false);
        if !RECORDED.swap(true, ::std::sync::atomic::Ordering::Relaxed) {
            $crate::ledger::record(&[$($id),+], ::std::module_path!(), ::std::line!());
        }
    }};
}

/// One table of numbered behaviours.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    /// The name in the file's name: `wire` in `behaviours-wire.tsv`.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// Every table, in the order of `FIDELITY.md`.
pub const SHEETS: [Sheet; 5] = [
    Sheet { name: "wire", text: include_str!("../ledger/behaviours-wire.tsv") },
    Sheet { name: "engine", text: include_str!("../ledger/behaviours-engine.tsv") },
    Sheet { name: "mapping", text: include_str!("../ledger/behaviours-mapping.tsv") },
    Sheet { name: "graph-gallery", text: include_str!("../ledger/behaviours-graph-gallery.tsv") },
    Sheet { name: "own", text: include_str!("../ledger/behaviours-own.tsv") },
];

/// One numbered behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Letter, hyphen, three digits; never changes.
    pub id: &'static str,
    /// Section of the sheet, such as `4.2`.
    pub section: &'static str,
    /// How well it is known: D, O, V, I, X, or P in the sheet `own`.
    pub mark: &'static str,
    /// The key that chooses another behaviour; empty when there is none.
    pub switch: &'static str,
    /// What happens, in a sentence.
    pub behaviour: &'static str,
}

impl Sheet {
    /// The lines below the heading, as they stand.
    pub fn lines(self) -> impl Iterator<Item = &'static str> {
        self.text.lines().skip(1)
    }

    /// The rows, in the file's order. A missing column is empty.
    pub fn rows(self) -> impl Iterator<Item = Row> {
        self.lines().map(|line| {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            Row { id: next(), section: next(), mark: next(), switch: next(), behaviour: next() }
        })
    }
}

/// Whether a sheet has a row of this id.
pub fn is_known(id: &str) -> bool {
    static IDS: OnceLock<BTreeSet<&str>> = OnceLock::new();
    IDS.get_or_init(|| SHEETS.iter().flat_map(|sheet| sheet.rows()).map(|row| row.id).collect()).contains(id)
}

/// What [`covers!`](crate::covers) expands to: appends a line `id`, module, line number for each id to the run's
/// [record](record_file). Fails the test when an id is unknown or the record cannot be written.
#[track_caller]
pub fn record(ids: &[&str], module: &str, line: u32) {
    for id in ids {
        assert!(is_known(id), "`{id}` is in none of the sheets ledger/behaviours-*.tsv");
    }
    let text: String =
        ids.iter().map(|id| [id, "\t", module, "\t", &line.to_string(), "\n"].concat()).collect();
    if let Some(path) = record_file() {
        let folder = path.parent().unwrap_or(Path::new("."));
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            // One write in append mode: threads and processes of a run do not split each other's lines.
            std::fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(text.as_bytes())
        });
        if let Err(error) = written {
            panic!("cannot record coverage in `{}`: {error}", path.display());
        }
    }
}

/// Where this run of the tests records what it covers: `covers/<run>.tsv` in the folder of the build profile.
/// `None` when the process is not a test executable of cargo's.
pub fn record_file() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok()?;
    let folder = executable.parent().filter(|folder| folder.ends_with("deps"))?;
    Some(folder.parent()?.join("covers").join(format!("{}.tsv", run_id())))
}

/// A name for the run of `cargo test` (or nextest) that started this process; all its test processes share it and no
/// earlier run has it, so that what an earlier or a filtered run covered never counts for this one.
fn run_id() -> String {
    if let Ok(id) = std::env::var("NEXTEST_RUN_ID") {
        return id;
    }
    starter()
}

/// The process that started this one: its id and, where the system tells, when it was born (a process id is used
/// again, the pair is not).
#[cfg(unix)]
fn starter() -> String {
    /// Place of the start time among the fields of `/proc/<pid>/stat` that follow the command's name.
    const STARTED: usize = 19;
    let id = std::os::unix::process::parent_id();
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let born = after_name.split(' ').nth(STARTED).unwrap_or("0");
    format!("{id}-{born}")
}

/// Not told by the standard library elsewhere: there, all runs share one record.
#[cfg(not(unix))]
fn starter() -> String {
    "run".to_owned()
}
