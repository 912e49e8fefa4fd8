//! A model's folder that is being written: it appears whole, or not at all.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// Begins with a dot, so that nothing takes it for a model.
const PREFIX: &str = ".draft-";

/// A folder beside its later place.
pub(super) struct Draft {
    folder: TempDir,
    root: PathBuf,
}

impl Draft {
    /// An empty draft in the folder of all models.
    pub(super) fn begin(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let mut builder = tempfile::Builder::new();
        // The service may run as another user than the one who fetches.
        let folder = builder.prefix(PREFIX).permissions(Permissions::from_mode(0o755)).tempdir_in(root)?;
        Ok(Self { folder, root: root.to_owned() })
    }

    /// Removes what an interrupted fetch left behind. No other may be writing.
    pub(super) fn clear(root: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes a file, and waits until the disk has it.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.folder.path().join(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Moves the folder to `<root>/<name>/<version>`; what was there before goes.
    pub(super) fn publish(self, name: &str, version: &str) -> io::Result<PathBuf> {
        let parent = self.root.join(name);
        let place = parent.join(version);
        sync(self.folder.path())?;
        fs::create_dir_all(&parent)?;
        // Into the draft's own sibling, which is cleared if this is interrupted.
        let old = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&self.root)?;
        if place.exists() {
            fs::rename(&place, old.path().join("old"))?;
        }
        fs::rename(self.folder.path(), &place)?;
        // It has another name now: there is nothing left to remove.
        let _moved = self.folder.keep();
        sync(&parent)?;
        sync(&self.root)?;
        Ok(place)
    }
}

/// Writes a single file to its place: a temporary sibling, then a rename.
pub(super) fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(PREFIX).permissions(Permissions::from_mode(0o755)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_draft_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let draft = Draft::begin(root.path()).unwrap();
        draft.write("model.onnx", b"half").unwrap();
        drop(draft);
        assert!(names(root.path()).is_empty());

        let draft = Draft::begin(root.path()).unwrap();
        draft.write("model.onnx", b"whole").unwrap();
        let place = draft.publish("net", "1").unwrap();
        assert_eq!(fs::read(place.join("model.onnx")).unwrap(), b"whole");
        assert_eq!(names(root.path()), ["net"]);
        // Another user may read it.
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o055, 0o055);
    }

    #[test]
    fn what_is_replaced_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in [("old.onnx", b"old"), ("new.onnx", b"new")] {
            let draft = Draft::begin(root.path()).unwrap();
            draft.write(name, bytes).unwrap();
            draft.publish("net", "1").unwrap();
        }
        assert_eq!(names(&root.path().join("net/1")), ["new.onnx"]);
        assert_eq!(names(root.path()), ["net"]);
    }

    #[test]
    fn drafts_that_were_left_behind_are_cleared() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(".draft-x")).unwrap();
        fs::create_dir_all(root.path().join("net/1")).unwrap();
        Draft::clear(root.path()).unwrap();
        assert_eq!(names(root.path()), ["net"]);
    }
}
