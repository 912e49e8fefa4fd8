//! An archive that is fetched: a file that grows while it is read, so that a slow reader never holds up a server, and
//! that an interrupted download goes on with.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use darkroom_core::BlobId;
use serde::{Deserialize, Serialize};

use super::{Phase, SourceError, archive::Packed, progress::Gauge};

/// Where one archive is kept while it is fetched and read.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    folder: PathBuf,
    name: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    end: Option<End>,
}

/// How the download ended.
#[derive(Debug)]
enum End {
    Whole,
    /// The error is taken by whoever meets it first.
    Failed(Option<SourceError>),
}

/// What is known of an archive on the disk. Written after what it tells of is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) url: String,
    /// By which the server tells whether it is still the same archive.
    pub(super) validator: Option<String>,
    pub(super) size: Option<u64>,
    /// Bytes that survive a loss of power.
    pub(super) durable: u64,
    pub(super) whole: bool,
}

impl Spool {
    pub(super) fn new(folder: &Path, run: &str) -> Self {
        Self { folder: folder.to_owned(), name: file_name(run), shared: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn note_path(&self) -> PathBuf {
        self.path().with_extension("json")
    }

    /// What is there of the archive at `url`, cut to what is certain, open to be appended to.
    pub(super) fn resume(&self, url: &str) -> io::Result<(File, Note)> {
        fs::create_dir_all(&self.folder)?;
        let kept =
            fs::read(self.note_path()).ok().and_then(|note| serde_json::from_slice::<Note>(&note).ok());
        let file = OpenOptions::new().read(true).append(true).create(true).open(self.path())?;
        let there = file.metadata()?.len();
        let fresh = Note { url: url.to_owned(), ..Note::default() };
        let note = kept.filter(|note| note.url == url && note.durable <= there).unwrap_or(fresh);
        file.set_len(note.durable)?;
        self.grown(note.durable);
        Ok((file, note))
    }

    /// Makes what was written durable, and then the note of it.
    pub(super) fn keep(&self, file: &File, note: &Note) -> io::Result<()> {
        file.sync_data()?;
        let fresh = self.path().with_extension("new");
        let mut out = File::create(&fresh)?;
        out.write_all(&serde_json::to_vec(note)?)?;
        out.sync_data()?;
        fs::rename(fresh, self.note_path())
    }

    /// Lets readers have the first `bytes` of the file.
    pub(super) fn grown(&self, bytes: u64) {
        self.shared.lock().bytes = bytes;
        self.shared.changed.notify_all();
    }

    /// Nothing more will come.
    pub(super) fn end(&self, how: Result<(), SourceError>) {
        self.shared.lock().end = Some(how.map_or_else(|error| End::Failed(Some(error)), |()| End::Whole));
        self.shared.changed.notify_all();
    }

    /// Reads the file as it grows.
    pub(super) fn reader(&self, gauge: &Gauge) -> Growing {
        Growing { spool: self.clone(), gauge: gauge.clone(), file: None, at: 0 }
    }

    /// Removes everything.
    pub(super) fn remove(&self) -> io::Result<()> {
        for path in [self.note_path(), self.path()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Removes what belongs to none of these runs.
pub(super) fn remove_others<'a>(folder: &Path, runs: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    let kept: HashSet<String> = runs.into_iter().map(file_name).collect();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if !kept.contains(&stem) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// No name of a run is a path.
fn file_name(run: &str) -> String {
    BlobId::of(run.as_bytes()).to_string()
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there are bytes behind `at`, or no more will come; how many there are then.
    fn wait(&self, at: u64) -> io::Result<u64> {
        let mut state = self.lock();
        loop {
            let there = state.bytes;
            match &mut state.end {
                Some(End::Failed(error)) => {
                    let error = error.take();
                    return Err(error
                        .unwrap_or_else(|| SourceError::UrlFailed("it broke off".to_owned()))
                        .into_io());
                }
                Some(End::Whole) => return Ok(there),
                None if there > at => return Ok(there),
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Reads an archive that is still fetched; waits for what is not there yet.
#[derive(Debug)]
pub(super) struct Growing {
    spool: Spool,
    gauge: Gauge,
    file: Option<File>,
    at: u64,
}

impl Growing {
    fn open(&mut self) -> io::Result<&File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(File::open(self.spool.path())?)),
        }
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (at, there) = (self.at, self.spool.shared.wait(self.at)?);
        let most = there.saturating_sub(at).min(buffer.len() as u64) as usize;
        let count = self.open()?.read_at(&mut buffer[..most], at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Packed for Growing {
    fn whole(&mut self) -> Result<File, SourceError> {
        self.gauge.enter(Phase::Downloading);
        self.spool.shared.wait(u64::MAX)?;
        self.gauge.enter(Phase::Reading);
        Ok(File::open(self.spool.path())?)
    }
}
