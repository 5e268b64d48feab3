//! One process at a time runs cycles of a job (contract 5), and one serves a state.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::clock::{Clock as _, SystemClock};
use crate::private;

/// Held while cycles of a job run, or while a service does; released when dropped or when the process ends, however
/// it ends.
#[derive(Debug)]
pub struct JobLock(File);

/// The name of a service's lock file; no job can have it.
const SERVICE: &str = ".service";

/// Why a lock can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another process{} {}", holder.as_ref().map(|it| format!(" ({it})")).unwrap_or_default(), does)]
    Held {
        /// Who, and since when by the wall clock, as that process wrote it.
        holder: Option<String>,
        /// What it does with it.
        does: &'static str,
    },
    /// The lock file can't be made.
    #[error("the lock file `{file}` can't be used")]
    File {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl JobLock {
    /// Takes the lock of a job, whose state is in `folder`.
    pub fn take(folder: &Path, job: &str) -> Result<Self, LockError> {
        Self::named(folder, job, "is running cycles of this job")
    }

    /// Takes the lock that a service holds as long as it runs on the state in `folder`; it keeps nobody from running a
    /// cycle by hand.
    pub fn take_service(folder: &Path) -> Result<Self, LockError> {
        Self::named(folder, SERVICE, "is the service of this configuration")
    }

    fn named(folder: &Path, name: &str, does: &'static str) -> Result<Self, LockError> {
        let path = folder.join(format!("{name}.lock"));
        let failed = |source| LockError::File { file: path.display().to_string(), source };
        let mut file = private::lock_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                return Err(LockError::Held { holder: known.then(|| holder.trim().to_owned()), does });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        let since = SystemClock.now().strftime("%Y-%m-%dT%H:%M:%SZ");
        writeln!(file, "process {} since {since}", std::process::id()).map_err(failed)?;
        Ok(Self(file))
    }
}

impl Drop for JobLock {
    fn drop(&mut self) {
        // The name of a process that is gone would only mislead.
        drop(self.0.set_len(0));
        // The lock falls with the last copy of the file handle, and a child that is just being started has one.
        drop(self.0.unlock());
    }
}
