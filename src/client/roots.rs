//! Certificates that a job trusts besides the system's: a file of PEM blocks.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};

/// The most bytes such a file may have, one mebibyte: the whole list of public authorities is smaller. A larger file
/// is something else, named by mistake.
pub const ROOTS_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why there are no such certificates.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file can not be read.
    #[error("can not read the certificate file `{}`", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The file is larger than [`ROOTS_FILE_BYTES_MAX`].
    #[error("the certificate file `{}` is larger than {ROOTS_FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// A block is broken.
    #[error("the certificate file `{}` is not PEM: {}", .0.display(), .1)]
    Pem(PathBuf, PemError),
    /// There is no `-----BEGIN CERTIFICATE-----` in it.
    #[error("the certificate file `{}` holds no certificate in PEM form", .0.display())]
    None(PathBuf),
}

/// The certificates of a PEM file in DER, at least one; other blocks in it are passed over.
pub fn read_roots(path: &Path) -> Result<Vec<Vec<u8>>, RootsError> {
    let fail = |error| RootsError::File(path.to_owned(), error);
    let mut text = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(ROOTS_FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut text).map_err(fail)?;
    if u64::try_from(text.len()).map_or(true, |bytes| ROOTS_FILE_BYTES_MAX < bytes) {
        return Err(RootsError::TooLarge(path.to_owned()));
    }
    let roots = CertificateDer::pem_slice_iter(&text)
        .map(|root| root.map(|root| root.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| RootsError::Pem(path.to_owned(), error))?;
    if roots.is_empty() {
        return Err(RootsError::None(path.to_owned()));
    }
    Ok(roots)
}
