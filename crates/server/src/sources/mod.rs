//! Where a run's images come from: a folder, an archive, a list of addresses, what is stored already.
//!
//! [`Sources::open`] gives [`Items`]: what is there, one after another, in an order that is the same each time, with
//! memory that does not grow with the number of items. Whoever works through them keeps the [`Position`] beside the
//! jobs that it made, and opens the source there again after an interruption.
//!
//! ```text
//! URL ──download──▶ spool file ──▶ gunzip, unzstd ──▶ tar, zip ──┐
//!                     (grows while it is read)                   ├─▶ Feed ══channel══▶ Items::next
//! folder ────────────────────────────────────────▶ walk ─────────┘
//! ```
//!
//! **Nothing is unpacked to the disk**, so that no name in an archive is ever a path. What is no image, by its content,
//! is passed over and counted under a [`SkipReason`]; only what concerns the source as a whole is a [`SourceError`].
//!
//! **A checksum is verified before the first item**: the archive is fetched whole, summed up, and read only then; so
//! no result of an archive with the wrong sum is ever seen. One that is sent along is summed up while it comes. Without a checksum items flow while the download runs.

mod archive;
mod checksum;
mod config;
mod download;
mod error;
mod feed;
mod files;
mod folder;
mod item;
mod path;
mod pattern;
mod position;
mod progress;
mod spec;
mod spool;
mod stored;
mod urls;

use std::{
    fs::File,
    io::{self, Seek},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    blobs::Blobs,
    web::{Private, Web},
};

pub use darkroom_core::run::SkipReason;

pub use checksum::{Checksum, InvalidChecksum};
pub use config::Config;
pub use error::SourceError;
pub use feed::{Items, Summary};
pub use item::{Broken, Chunks, Content, Fault, Item, Met, Passed, Placed};
pub use path::ItemPath;
pub use position::Position;
pub use progress::{Phase, Progress};
pub use spec::{Archive, ArchiveAt, Depth, Folder, Source};

use archive::Packed;
use download::{Download, Readers};
use feed::Feed;
use progress::Gauge;
use spool::{Growing, Spool};

/// Opens sources. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sources {
    config: Config,
    blobs: Blobs,
    spool: PathBuf,
    data_dir: PathBuf,
    reach: Reach,
    item_bytes: u64,
    web: Arc<Web>,
    url_time: Duration,
}

/// What of this machine and its networks may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Files below `sources.roots`, and public addresses unless `http.fetch_private` is set: a client asks.
    Roots,
    /// All that the process can reach: its own user asks.
    Anywhere,
}

impl Sources {
    /// Opens sources for who may read as far as `reach`. Archives that are fetched are kept in the folder of
    /// [`Config::folder`] until [`Sources::forget`]. What is in `data_dir` is ours: no folder that it lies in has it.
    pub fn new(config: &crate::Config, blobs: Blobs, data_dir: &Path, reach: Reach) -> Self {
        let mut rules = config.http.fetch_rules();
        if reach == Reach::Anywhere {
            rules.private = Private::Allowed;
        }
        Self {
            config: config.sources.clone(),
            blobs,
            spool: config.sources.folder(data_dir),
            data_dir: data_dir.to_owned(),
            reach,
            item_bytes: config.limits.input_bytes.bytes(),
            web: Arc::new(Web::new(rules)),
            url_time: config.http.fetch_timeout,
        }
    }

    /// Whether a source makes sense and may be read, without opening it: to be asked before a run is accepted.
    pub fn check(&self, source: &Source) -> Result<(), SourceError> {
        match source {
            Source::Folder(folder) => {
                folder::check(folder)?;
                self.within_reach(&folder.path).map(drop)
            }
            Source::Files { paths, .. } => {
                paths.iter().try_for_each(|path| self.within_reach(path).map(drop))
            }
            Source::Archive(archive) => match &archive.at {
                ArchiveAt::File(path) => self.within_reach(path).map(drop),
                ArchiveAt::Url(url) => Ok(self.web.check(url)?),
                ArchiveAt::Blob(_) => Ok(()),
            },
            Source::Urls { urls } => urls::check(urls, &self.config),
            Source::Prefix { prefix } => stored::check(prefix),
        }
    }

    /// Bytes of an archive that is sent along with a run.
    pub fn upload_cap(&self) -> u64 {
        self.config.upload_bytes.bytes()
    }

    /// Starts reading at `from`, which is the start or what [`Met::position`] said of what was recorded last. What is
    /// fetched is kept under the name `run`: one reader of it at a time.
    ///
    /// Must be called within a tokio runtime. What is wrong is told by the first [`Items::next`].
    pub fn open(&self, run: &str, source: &Source, from: Position) -> Items {
        let gauge = Gauge::default();
        let stop = CancellationToken::new();
        let (feed, receiver) = Feed::new(from, self.item_bytes, gauge.clone());
        match source {
            Source::Archive(archive @ Archive { at: ArchiveAt::Url(url), .. }) => {
                let spool = Spool::new(&self.spool, run);
                let fetched = spool.reader(&gauge);
                let download = Download {
                    web: Arc::clone(&self.web),
                    url: url.clone(),
                    config: self.config.clone(),
                    spool,
                    gauge,
                    readers: if archive.checksum.is_some() { Readers::AtItsEnd } else { Readers::Along },
                };
                tokio::spawn(download.run(stop.clone()));
                let (config, checksum) = (self.config.clone(), archive.checksum.clone());
                feed::start(feed, receiver, stop, move |feed| {
                    read_fetched(fetched, checksum.as_ref(), &config, feed)
                })
            }
            Source::Urls { urls } => {
                let fetcher = urls::Fetcher::new(self, stop.clone());
                let urls = urls.clone();
                feed::start(feed, receiver, stop, move |feed| fetcher.read(&urls, feed))
            }
            source => {
                let (sources, source) = (self.clone(), source.clone());
                feed::start(feed, receiver, stop, move |feed| sources.read(&source, feed))
            }
        }
    }

    /// Removes what was fetched for a run: it is recorded, or nobody wants it any more.
    pub fn forget(&self, run: &str) -> io::Result<()> {
        Spool::new(&self.spool, run).remove()
    }

    /// Removes what was fetched for runs that are not among these. To be called while no source is open.
    pub fn forget_others<'a>(&self, runs: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        spool::remove_others(&self.spool, runs)
    }

    /// Reads what is on this machine. Blocks.
    fn read(&self, source: &Source, feed: &mut Feed) -> Result<(), SourceError> {
        match source {
            Source::Folder(folder) => {
                let path = self.within_reach(&folder.path)?;
                folder::walk(&Folder { path, ..folder.clone() }, &self.data_dir, &self.config, feed)
            }
            Source::Files { paths, below } => {
                let reach = |path: &Path| self.within_reach(path);
                files::read((paths, below.as_deref()), reach, &self.config, feed)
            }
            Source::Archive(archive) => {
                let (path, checksum) = match &archive.at {
                    ArchiveAt::File(path) => (self.within_reach(path)?, archive.checksum.as_ref()),
                    // It was summed up while it came in, and what it is called is its sum.
                    ArchiveAt::Blob(id) => (self.blobs.local_path(*id), None),
                    ArchiveAt::Url(url) => return Err(SourceError::UrlFailed(url.clone())),
                };
                let file = File::open(&path).map_err(|error| missing(error, &path))?;
                feed.gauge().size(file.metadata()?.len());
                read_whole(file, checksum, &self.config, feed)
            }
            Source::Prefix { prefix } => stored::walk(&self.blobs, prefix, feed),
            Source::Urls { .. } => Ok(()),
        }
    }

    /// The place that a path leads to, if it may be read.
    fn within_reach(&self, path: &Path) -> Result<PathBuf, SourceError> {
        let outside = || SourceError::OutsideRoots(path.to_owned());
        let place = path.canonicalize();
        if self.reach == Reach::Anywhere {
            return place.map_err(|error| missing(error, path));
        }
        // Whether there is something outside of the roots is nobody's business.
        let place = place.map_err(|_| outside())?;
        let within = |root: &String| Path::new(root).canonicalize().is_ok_and(|root| place.starts_with(root));
        if self.config.roots.iter().any(within) { Ok(place) } else { Err(outside()) }
    }
}

/// Reads an archive while it is fetched; with a checksum, once it is there and right.
fn read_fetched(
    mut fetched: Growing,
    checksum: Option<&Checksum>,
    config: &Config,
    feed: &mut Feed,
) -> Result<(), SourceError> {
    if checksum.is_none() {
        return archive::read(Box::new(fetched), config, feed);
    }
    let file = fetched.whole()?;
    read_whole(file, checksum, config, feed)
}

fn read_whole(
    mut file: File,
    checksum: Option<&Checksum>,
    config: &Config,
    feed: &mut Feed,
) -> Result<(), SourceError> {
    if let Some(checksum) = checksum {
        feed.gauge().enter(Phase::Verifying);
        checksum.verify(&mut file)?;
        file.rewind()?;
        feed.gauge().enter(Phase::Reading);
    }
    archive::read(Box::new(file), config, feed)
}

fn missing(error: io::Error, path: &Path) -> SourceError {
    match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path.to_owned()),
        _ => error.into(),
    }
}
