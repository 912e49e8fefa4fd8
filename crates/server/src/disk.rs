//! Files and folders that a loss of power leaves whole: content first, then the name, then the folder that holds it.
//!
//! A file system writes what it was given when it likes and in the order that it likes. A name that comes before the
//! content leaves an empty file under it; what was renamed and not synced may be gone although it was there.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What a file is called while it is written: a sibling that is overwritten by who tries again.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Writes a small file, with these permissions if it is new: it has its old content or the new one, and the new one once
/// this returns. One writer at a time.
pub fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let partial = partial(path);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&partial)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(&partial, path)?;
    sync_folder(parent(path))
}

/// Gives a written file its name, once the disk has its content. The name is durable after [`sync_folder`].
pub fn give_name(written: &Path, path: &Path) -> io::Result<()> {
    File::open(written)?.sync_data()?;
    fs::rename(written, path)
}

/// Has the disk begin with a file. Only a hint, for who syncs many: what became of it is known once it is synced.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the C library has no other door to this call")]
pub fn start_writing(file: &File) {
    // SAFETY: the descriptor is open for as long as the file is borrowed; no memory is handed over.
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE);
    }
}

/// Has the disk begin with a file, where the system can be told so.
#[cfg(not(target_os = "linux"))]
pub fn start_writing(_file: &File) {}

/// Makes the names inside a folder durable. Where a folder may be written to and not read, or the file system knows of
/// no such thing, that is left to the system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind as Kind;
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(error.kind(), Kind::PermissionDenied | Kind::Unsupported | Kind::InvalidInput) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Makes the names of files durable, in each of their folders once.
pub fn sync_folders_of<'a>(files: impl IntoIterator<Item = &'a Path>) -> io::Result<()> {
    let folders: BTreeSet<&Path> = files.into_iter().map(parent).collect();
    folders.into_iter().try_for_each(sync_folder)
}

/// Makes a folder and what is missing above it, durably.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    make_folder(parent(folder))?;
    match fs::create_dir(folder) {
        // Somebody else was as quick.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync_folder(parent(folder))
}

/// A file system that is known to write back all that it was given when it is asked to, and to tell what it could not:
/// one wait for many files.
#[derive(Debug)]
pub struct WriteBack {
    folder: File,
    device: u64,
}

impl WriteBack {
    /// That of a folder; `None` if nothing is known of it, or it may not be read. It tells of what it could not write
    /// since this was made, so make it before the first write.
    pub fn of(folder: &Path) -> io::Result<Option<Self>> {
        if !writes_all_back(folder) {
            return Ok(None);
        }
        let folder = match File::open(folder) {
            // One may be allowed to write into it all the same.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            folder => folder?,
        };
        let device = folder.metadata()?.dev();
        Ok(Some(Self { folder, device }))
    }

    /// Whether a file is on it: a folder may lead to another one.
    pub fn holds(&self, file: &Path) -> bool {
        fs::metadata(file).is_ok_and(|file| file.dev() == self.device)
    }

    /// Waits until all that was written to it, by whomever, is on the disk. What could not be written is told once.
    pub fn write_all(&self) -> io::Result<()> {
        write_all_back(&self.folder)
    }
}

/// Numbers of <https://man7.org/linux/man-pages/man2/statfs.2.html>: ext2 to ext4, XFS, Btrfs, F2FS and tmpfs. In FUSE a
/// file system may take no notice of it, and an overlay keeps to itself what its parts could not write.
#[cfg(target_os = "linux")]
fn writes_all_back(folder: &Path) -> bool {
    const KNOWN: [u32; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];
    // Before 5.8 Linux told of no errors.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(5), Some(8))
        && rustix::fs::statfs(folder).is_ok_and(|system| KNOWN.contains(&(system.f_type as u32)))
}

#[cfg(target_os = "linux")]
fn write_all_back(folder: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(target_os = "linux"))]
fn writes_all_back(_folder: &Path) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn write_all_back(_folder: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The folder of a path, as the system takes it.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_what_was_cut_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note");
        fs::write(partial(&path), b"a part that is longer than the whole").unwrap();
        for content in [&b"first"[..], b"2nd"] {
            write(&path, content, 0o600).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
            assert!(!partial(&path).exists());
        }
    }

    #[test]
    fn permissions_are_those_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("secret"), b"secret", 0o600).unwrap();
        let mode = fs::metadata(folder.path().join("secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn folders_are_made_with_all_above_and_a_file_in_the_way_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
        fs::write(folder.path().join("a/file"), b"").unwrap();
        assert!(make_folder(&folder.path().join("a/file")).is_err());
        assert!(make_folder(&folder.path().join("a/file/below")).is_err());
    }
}
