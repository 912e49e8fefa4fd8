//! Blobs: immutable bytes in a local folder, addressed by their SHA-256.
//!
//! **Blob first, row second, delete last.** A blob is durable before any row names it, and it is deleted after the
//! last row is gone; so a crash at any point leaves at most garbage, which [`collect`] finds. Between its writing
//! and its row a blob is held by a [`Pin`].
//!
//! ```text
//! <root>/ab/ab34…  one file a blob, fanned out over 256 folders by the first byte
//! <root>/journal/… small blobs whose files the disk may not have yet, see [`journal`]
//! <root>/tmp/…     files that are being written or deleted; leftovers of a crash are removed after a grace period
//! ```
//!
//! Files of folders are inputs without being blobs: they stay where they are, see [`places`].

mod collect;
mod durable;
mod journal;
mod pins;
mod places;
mod reader;
mod sizes;
mod writer;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use darkroom_core::BlobId;

pub use collect::{Collected, Walk};
pub use pins::Pin;
pub use places::Held;
pub use reader::Blob;
pub use sizes::Room;
pub use writer::{BlobWriter, Written};

use crate::{
    config::{ByteSize, Mistake},
    disk, settings,
};
use durable::Durable;
use journal::Journal;
use pins::Pins;
use sizes::Sizes;

settings! {
    /// Where images and artifacts are kept.
    pub struct Config in "blobs" {
        /// The folder, as a `file:` URL or a path. Empty is `blobs` inside the data folder.
        url: String = String::new(),
        /// Blobs of up to 256 KiB become durable by a record in a journal, many with one sync; their files are left to the
        /// kernel. With so many bytes of records it is emptied: that waits until the file system has written everything.
        /// 0 is no journal: each file is synced, and its folder.
        journal: ByteSize = ByteSize(64 << 20),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        match self.url.split_once(':') {
            Some((scheme, _)) if scheme != "file" => {
                vec![Mistake::new(
                    "blobs.url",
                    format!("`{scheme}:` is not supported; give a folder or a file: URL"),
                )]
            }
            _ => Vec::new(),
        }
    }

    /// The folder; `blobs` inside `data_dir` unless one is set.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        let set = self.url.strip_prefix("file:").unwrap_or(&self.url);
        let set = set.strip_prefix("//").unwrap_or(set);
        if set.is_empty() { data_dir.join("blobs") } else { PathBuf::from(set) }
    }
}

/// Conditions that a caller can act on.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The content is larger than the writer's cap. Nothing was kept.
    #[error("the content is larger than {cap} bytes")]
    TooLarge {
        /// The cap in bytes.
        cap: u64,
    },
    /// There is no room. Nothing was kept.
    #[error("the disk is full")]
    DiskFull,
    /// No such blob.
    #[error("the blob {0} does not exist")]
    Missing(BlobId),
    /// The file that an input is was changed since it came in.
    #[error("the file of the input {0} has another content")]
    Changed(BlobId),
    /// The folder cannot be read or written.
    #[error("the blob store cannot be reached")]
    Io(#[source] io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(error),
        }
    }
}

/// A blob that was just written (or was there already), held until the pin is dropped.
#[derive(Debug)]
pub struct Stored {
    /// Its content address.
    pub id: BlobId,
    /// Its size in bytes.
    pub bytes: u64,
    /// Keep this until the row that names the blob is recorded.
    pub pin: Pin,
}

/// The blob store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    pins: Arc<Pins>,
    sizes: Sizes,
    durable: Durable,
    journal: Journal,
    /// What the temporary files of this process are called, before a number.
    prefix: uuid::Uuid,
    temporaries: AtomicU64,
}

impl Blobs {
    /// Opens the store in `root`, which is made if it is missing. One process at a time: pins are not shared, and the
    /// journal that another left is taken for that of a crash.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        Self::with_journal(root, Config::default().journal)
    }

    /// The same, with a journal of so many bytes.
    pub fn with_journal(root: impl Into<PathBuf>, bytes: ByteSize) -> Result<Self, BlobError> {
        let root = root.into();
        disk::make_folder(&root)?;
        fs::create_dir_all(root.join("tmp"))?;
        // All folders exist before the first write, so that no write has to make its own durable.
        for first in 0..=u8::MAX {
            match fs::create_dir(root.join(hex::encode([first]))) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => {}
            }
        }
        let journal = Journal::new(&root, bytes.bytes())?;
        sync_folder(&root)?;
        let inner = Inner {
            root,
            pins: Arc::default(),
            sizes: Sizes::default(),
            durable: Durable::default(),
            journal,
            prefix: uuid::Uuid::new_v4(),
            temporaries: AtomicU64::new(0),
        };
        journal::restore(&inner)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A writer that takes at most `cap` bytes, chunk by chunk.
    pub fn writer(&self, cap: u64) -> BlobWriter {
        BlobWriter::new(Arc::clone(&self.inner), cap)
    }

    /// Stores bytes that are in memory already.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<Stored, BlobError> {
        let blobs = self.clone();
        let written = blocking(move || blobs.write(bytes.into())).await?;
        self.make_durable_one(written).await
    }

    /// Writes bytes without waiting for the disk: the first half of the way, see [`Blobs::make_durable`]. Blocks.
    pub fn write(&self, bytes: Bytes) -> Result<Written, BlobError> {
        writer::write(&self.inner, bytes)
    }

    /// Makes an end of the journal's records. To be called now and then, and at the end.
    pub(crate) async fn empty_journal(&self) -> Result<(), BlobError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            inner.empty_journal();
            Ok(())
        })
        .await
    }

    /// Opens a blob for reading.
    pub async fn get(&self, id: BlobId) -> Result<Blob, BlobError> {
        let path = self.local_path(id);
        blocking(move || Blob::open(id, &path)).await
    }

    /// Where the blob lies, for readers that want a file. Whether it exists is not checked.
    pub fn local_path(&self, id: BlobId) -> PathBuf {
        self.inner.path(id)
    }

    /// The blobs in one of the 256 folders, sorted. Blocks.
    pub(crate) fn folder(&self, first: u8) -> io::Result<Vec<BlobId>> {
        let entries = fs::read_dir(self.inner.folder(first))?;
        let named = |entry: fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse().ok());
        let mut blobs: Vec<BlobId> = entries
            .map(|entry| Ok(named(entry?)))
            .filter_map(io::Result::transpose)
            .collect::<io::Result<_>>()?;
        blobs.sort_unstable();
        Ok(blobs)
    }

    /// Keeps a blob from being collected while the pin lives: for submissions that name a blob by its id.
    /// Pin first, then check that it exists.
    pub fn pin(&self, id: BlobId) -> Pin {
        Pins::pin(&self.inner.pins, id)
    }
}

impl Inner {
    fn path(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        self.root.join(&name[..2]).join(name)
    }

    /// The folder of the blobs whose address begins so.
    fn folder(&self, first: u8) -> PathBuf {
        self.root.join(hex::encode([first]))
    }

    /// A name in `tmp/` that nobody else uses.
    fn fresh_temporary(&self) -> PathBuf {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        self.root.join("tmp").join(format!("{}-{number}", self.prefix))
    }
}

/// Makes the names inside a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| BlobError::Io(io::Error::other(panic)))?
}

#[cfg(test)]
mod journal_tests;
#[cfg(test)]
mod places_tests;
#[cfg(test)]
mod tests;
