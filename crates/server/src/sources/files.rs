//! Files of this machine, one by one, as somebody has named them.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    Config, Fault, ItemPath, SkipReason, SourceError,
    feed::{Feed, Found},
    item::reason_of,
};

/// Works through a list of files. Each is called by its path below a folder, if one is named, else by its file name alone;
/// `reach` says where it lies, if it may be read.
pub(super) fn read(
    (paths, below): (&[PathBuf], Option<&Path>),
    reach: impl Fn(&Path) -> Result<PathBuf, SourceError>,
    config: &Config,
    feed: &mut Feed,
) -> Result<(), SourceError> {
    for path in paths {
        let within = below.and_then(|folder| path.strip_prefix(folder).ok()).map(Path::as_os_str);
        let name = ItemPath::below(within.or(path.file_name()).unwrap_or_default().as_bytes());
        if feed.is_past(&name)? {
            continue;
        }
        let found = reach(path).map_err(|_| Fault::from(SkipReason::Vanished)).and_then(open);
        match found {
            Ok(found) => feed.offer_file(name, found, config)?,
            Err(fault) => feed.pass(name, fault)?,
        }
    }
    Ok(())
}

fn open(path: PathBuf) -> Result<Found, Fault> {
    let fault = |error: io::Error| Fault::from(reason_of(&error));
    // Opening a pipe would wait for its writer.
    if !fs::metadata(&path).map_err(fault)?.is_file() {
        return Err(SkipReason::Special.into());
    }
    let file = File::open(&path).map_err(fault)?;
    let bytes = file.metadata().map_err(fault)?.len();
    Ok(Found { file, bytes, path })
}
