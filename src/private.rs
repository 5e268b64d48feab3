//! Files that only their owner may read: what is in them is secret, or personal data.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file whole or not at all; one that is there is replaced.
///
/// # Errors
/// Those of the system; the file is then what it was.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    written(path, bytes)?.persist(path).map(drop).map_err(|error| error.error)
}

/// Writes a file whole or not at all; one that somebody else has just made stays.
///
/// # Errors
/// Those of the system; there is then no file.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match written(path, bytes)?.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

/// A file to be locked: made when it is not there, and left as it is otherwise.
///
/// # Errors
/// Those of the system.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The bytes in a file beside the one that they are for. Temporary files are their owner's alone.
fn written(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}
