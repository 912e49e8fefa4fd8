//! A folder, worked through in an order that is the same each time, with memory that does not grow with its size.
//!
//! Names are met sorted by their bytes, a folder's content where its name stands. Of a large folder only a window of
//! names is kept: the smallest ones behind the last that was met. For the next window it is read again.

use std::{
    collections::{BinaryHeap, VecDeque},
    ffi::{OsStr, OsString},
    fs::{self, File, FileType},
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use super::{
    Config, Depth, Fault, Folder, ItemPath, SkipReason, SourceError,
    feed::{Feed, Found},
    item::reason_of,
    pattern::Patterns,
};

/// Extensions that make people think that something is an image. Only folders are asked for theirs.
const EXTENSIONS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp"];

/// Whether the patterns make sense.
pub(super) fn check(folder: &Folder) -> Result<(), SourceError> {
    Patterns::new(folder).map(drop)
}

/// Works through a folder of which everything up to `feed`'s position was met before. `ours` may lie in it, and has no
/// images of the user: what a run gives is no new image for it.
pub(super) fn walk(
    folder: &Folder,
    ours: &Path,
    config: &Config,
    feed: &mut Feed,
) -> Result<(), SourceError> {
    let patterns = Patterns::new(folder)?;
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(folder.path.clone()),
        _ => error.into(),
    };
    let root = folder.path.canonicalize().map_err(missing)?;
    let after = feed.take_position().map(|path| path.bytes()).unwrap_or_default();
    let ours = ours.canonicalize().unwrap_or_default();
    let mut walk = Walk { root, ours, folder, config, patterns, feed };
    if walk.root.is_file() {
        return if after.is_empty() { walk.alone() } else { Ok(()) };
    }
    // A folder that cannot be read at all is no empty one.
    fs::read_dir(&walk.root)?;
    walk.through(&after)
}

struct Walk<'a> {
    root: PathBuf,
    ours: PathBuf,
    folder: &'a Folder,
    config: &'a Config,
    patterns: Patterns,
    feed: &'a mut Feed,
}

/// A folder on the way down.
struct Level {
    /// Relative to the root; empty for the root itself.
    relative: PathBuf,
    /// The next names, the first one first.
    window: VecDeque<(OsString, FileType)>,
    /// The last name that is or was in the window.
    last: Option<OsString>,
    /// Whether there are no names behind the window.
    complete: bool,
}

impl Walk<'_> {
    /// A single file instead of a folder.
    fn alone(&mut self) -> Result<(), SourceError> {
        let name = PathBuf::from(self.root.file_name().unwrap_or_default());
        let root = self.root.clone();
        root.parent().unwrap_or(&root).clone_into(&mut self.root);
        self.file(&name)
    }

    fn through(&mut self, after: &[u8]) -> Result<(), SourceError> {
        let mut levels = self.descend_to(after);
        while let Some(level) = levels.last_mut() {
            if level.window.is_empty() && !level.complete {
                self.refill(level)?;
            }
            let Some((name, kind)) = level.window.pop_front() else {
                levels.pop();
                continue;
            };
            let relative = level.relative.join(&name);
            if !self.patterns.keep(&relative) {
                continue;
            }
            if kind.is_dir() {
                let depth = levels.len();
                levels.extend(self.enter(relative, depth)?);
            } else if self.patterns.mean(&relative) {
                self.meet(&relative, kind)?;
            }
        }
        Ok(())
    }

    /// The folders that lead to the name that was met last, each to go on behind its part of it. What was met last
    /// may have been a folder (see [`Walk::enter`]); it was not worked through then.
    fn descend_to(&self, after: &[u8]) -> Vec<Level> {
        let mut levels = vec![Level::new(PathBuf::new(), None)];
        let parts = after.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        for part in parts.take(self.config.folder_depth as usize) {
            let Some(level) = levels.last_mut() else { break };
            level.last = Some(OsString::from_vec(part.to_vec()));
            let below = level.relative.join(OsStr::from_bytes(part));
            let is_folder = fs::symlink_metadata(self.root.join(&below)).is_ok_and(|found| found.is_dir());
            if !is_folder || self.folder.depth == Depth::Flat {
                break;
            }
            levels.push(Level::new(below, None));
        }
        levels
    }

    /// The level of a folder that was met, if it is to be worked through.
    fn enter(&mut self, relative: PathBuf, depth: usize) -> Result<Option<Level>, SourceError> {
        if self.root.join(&relative) == self.ours {
            return Ok(None);
        }
        let extension = relative.extension().and_then(OsStr::to_str).unwrap_or_default();
        if EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
            && self.patterns.mean(&relative)
        {
            self.feed.pass(name(&relative), SkipReason::Folder)?;
        }
        if self.folder.depth == Depth::Flat {
            return Ok(None);
        }
        if depth >= self.config.folder_depth as usize {
            self.feed.pass(name(&relative), SkipReason::TooDeep)?;
            return Ok(None);
        }
        Ok(Some(Level::new(relative, None)))
    }

    /// Reads the names of the folder behind the last one.
    fn refill(&mut self, level: &mut Level) -> Result<(), SourceError> {
        match window(&self.root.join(&level.relative), level.last.as_deref(), self.config.folder_window) {
            Ok((window, complete)) => {
                level.last = window.back().map(|(name, _)| name.clone());
                level.complete = complete;
                level.window = window;
                Ok(())
            }
            // The folder itself could be read at first; now the run is to wait for it.
            Err(error) if level.relative.as_os_str().is_empty() => Err(error.into()),
            Err(error) => {
                level.complete = true;
                self.feed.pass(name(&level.relative), fault(&error))
            }
        }
    }

    fn meet(&mut self, relative: &Path, kind: FileType) -> Result<(), SourceError> {
        if kind.is_symlink() {
            let target = self.root.join(relative).canonicalize();
            match target {
                Ok(target) if target.starts_with(&self.root) && target.is_file() => self.file(relative),
                // A folder that it leads to is met by its own name, or lies outside.
                _ => self.feed.pass(name(relative), SkipReason::Link),
            }
        } else if kind.is_file() {
            self.file(relative)
        } else {
            self.feed.pass(name(relative), SkipReason::Special)
        }
    }

    fn file(&mut self, relative: &Path) -> Result<(), SourceError> {
        match self.open(relative) {
            Ok(found) => self.feed.offer_file(name(relative), found, self.config),
            Err(fault) => self.feed.pass(name(relative), fault),
        }
    }

    /// Opens a file that lies below the root, whoever exchanges folders for links meanwhile: what was opened must be
    /// what lies at the place that the name leads to, and that place must be below the root.
    fn open(&self, relative: &Path) -> Result<Found, Fault> {
        let path = self.root.join(relative);
        let read = |error: io::Error| fault(&error);
        let file = File::open(&path).map_err(read)?;
        let opened = file.metadata().map_err(read)?;
        let place = path.canonicalize().map_err(read)?;
        let there = fs::metadata(&place).map_err(read)?;
        if !opened.is_file() {
            return Err(SkipReason::Special.into());
        }
        if !place.starts_with(&self.root) || (opened.dev(), opened.ino()) != (there.dev(), there.ino()) {
            return Err(SkipReason::Link.into());
        }
        Ok(Found { file, bytes: opened.len(), path: place })
    }
}

impl Level {
    fn new(relative: PathBuf, last: Option<OsString>) -> Self {
        Self { relative, window: VecDeque::new(), last, complete: false }
    }
}

/// The first `most` names of a folder that are greater than `after`, sorted, and whether these are all. Hidden ones
/// are left out.
fn window(
    folder: &Path,
    after: Option<&OsStr>,
    most: usize,
) -> io::Result<(VecDeque<(OsString, FileType)>, bool)> {
    let mut complete = true;
    let mut kept: BinaryHeap<Named> = BinaryHeap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_bytes().starts_with(b".") || after.is_some_and(|after| name.as_os_str() <= after) {
            continue;
        }
        if kept.len() == most && kept.peek().is_some_and(|greatest| greatest.0 < name) {
            complete = false;
            continue;
        }
        // One that vanishes in this moment is met as gone later.
        let Ok(kind) = entry.file_type() else { continue };
        kept.push(Named(name, kind));
        if kept.len() > most {
            kept.pop();
            complete = false;
        }
    }
    Ok((kept.into_sorted_vec().into_iter().map(|Named(name, kind)| (name, kind)).collect(), complete))
}

/// Ordered by the name alone.
struct Named(OsString, FileType);

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Named {}
impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Named {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

fn name(relative: &Path) -> ItemPath {
    ItemPath::below(relative.as_os_str().as_bytes())
}

fn fault(error: &io::Error) -> Fault {
    Fault::new(reason_of(error), error.kind().to_string())
}
