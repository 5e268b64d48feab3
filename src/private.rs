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

/// Writes a file whole or not at all, where there must be none.
///
/// # Errors
/// There is one, which stays, or those of the system.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    written(path, bytes)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// Writes a file whole or not at all, unless there is one: that somebody else has just made it is fine.
///
/// # Errors
/// Those of the system; there is then no file.
pub fn write_unless_there(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match write_new(path, bytes) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_replaced_refused_or_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let text = || std::fs::read_to_string(&file).unwrap();
        write_unless_there(&file, b"first").unwrap();
        write_unless_there(&file, b"second").unwrap();
        assert_eq!(text(), "first");
        assert_eq!(write_new(&file, b"third").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(text(), "first");
        write(&file, b"fourth").unwrap();
        assert_eq!((text().as_str(), std::fs::read_dir(folder.path()).unwrap().count()), ("fourth", 1));
    }
}
