//! The command line: a file a command, arguments in, one call, rendering out.

use std::ffi::OsString;

/// What the process ends with (contract 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done; a cycle with escrows counts.
    Fine = 0,
    /// A check, test, `--fail-if` or `--fail-on` failed.
    Failed = 1,
    /// Wrong use, configuration or source.
    Usage = 2,
    /// This run found the target unreachable or was refused.
    Target = 3,
    /// The job was already in quarantine.
    Quarantine = 4,
    /// Held back by the deletion guard.
    Held = 5,
    /// A defect of ours.
    Defect = 70,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        let code: u8 = match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Target => 3,
            Exit::Quarantine => 4,
            Exit::Held => 5,
            Exit::Defect => 70,
        };
        code.into()
    }
}

/// Runs the program with these arguments (the first one is the program's name).
pub fn main(_arguments: impl IntoIterator<Item = OsString>) -> Exit {
    Exit::Fine
}
