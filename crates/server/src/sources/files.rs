//! Files of this machine, one by one, as somebody has named them.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{Fault, ItemPath, SkipReason, SourceError, feed::Feed, item::reason_of};

/// Works through a list of files. Each is called by its file name alone; `reach` says where it lies, if it may be read.
pub(super) fn read(
    paths: &[PathBuf],
    reach: impl Fn(&Path) -> Result<PathBuf, SourceError>,
    feed: &mut Feed,
) -> Result<(), SourceError> {
    for path in paths {
        let name = ItemPath::below(path.file_name().unwrap_or_default().as_bytes());
        if feed.is_past(&name)? {
            continue;
        }
        let found = reach(path).map_err(|_| Fault::from(SkipReason::Vanished)).and_then(|place| open(&place));
        match found {
            Ok((mut file, bytes)) => feed.offer(name, Some(bytes), &mut file)?,
            Err(fault) => feed.pass(name, fault)?,
        }
    }
    Ok(())
}

fn open(place: &Path) -> Result<(File, u64), Fault> {
    let fault = |error: io::Error| Fault::from(reason_of(&error));
    // Opening a pipe would wait for its writer.
    if !fs::metadata(place).map_err(fault)?.is_file() {
        return Err(SkipReason::Special.into());
    }
    let file = File::open(place).map_err(fault)?;
    let bytes = file.metadata().map_err(fault)?.len();
    Ok((file, bytes))
}
