//! What lies in the model folder.

use std::{fs, path::Path, path::PathBuf, time::SystemTime};

use crate::manifest;

/// Folders of models, and files in one: more are not looked at.
const MOST: usize = 10_000;

/// A folder that has a manifest.
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// Names, lengths and times of the files of a model: another stamp is another model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(String, u64, Option<SystemTime>)>);

/// All folders `<name>/<version>` with a manifest. What cannot be read is not there; what has another sort of name
/// (temporary folders begin with a dot) is no model.
pub(super) fn folders(dir: &Path) -> Vec<Folder> {
    let mut found = Vec::new();
    for (name, path) in named(dir) {
        for (version, path) in named(&path) {
            if path.join(manifest::FILE_NAME).is_file() {
                let stamp = stamp(&path);
                found.push(Folder { name: name.clone(), version, path, stamp });
            }
        }
    }
    found
}

fn named(dir: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).take(MOST);
    let named = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path()));
    entries.filter_map(named).filter(|(name, path)| manifest::is_name(name) && path.is_dir()).collect()
}

fn stamp(folder: &Path) -> Stamp {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).take(MOST);
    let file = |entry: fs::DirEntry| {
        let metadata = fs::metadata(entry.path()).ok()?;
        Some((entry.file_name().into_string().ok()?, metadata.len(), metadata.modified().ok()))
    };
    let mut files: Vec<_> = entries.filter_map(file).collect();
    files.sort();
    Stamp(files)
}
