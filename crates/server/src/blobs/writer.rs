//! Writing: content goes to a temporary name here; `durable` makes a blob of it.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use darkroom_core::BlobId;
use sha2::{Digest, Sha256};

use super::{BlobError, Blobs, Inner, Stored, blocking, pins::Pins};
use crate::failpoint;

/// Content is gathered to pieces of this size, so that small blobs take one trip to the file threads and large ones
/// never sit in memory.
const PIECE: usize = 512 << 10;

/// Takes the content of one blob, chunk by chunk. Dropped before [`BlobWriter::finish`], it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    inner: Arc<Inner>,
    cap: u64,
    bytes: u64,
    gathered: Vec<u8>,
    spilled: Option<Spilled>,
}

impl BlobWriter {
    pub(super) fn new(inner: Arc<Inner>, cap: u64) -> Self {
        Self { inner, cap, bytes: 0, gathered: Vec::new(), spilled: None }
    }

    /// Appends a chunk. Errors: [`BlobError::TooLarge`] as soon as the cap is passed, [`BlobError::DiskFull`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), BlobError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.cap {
            return Err(BlobError::TooLarge { cap: self.cap });
        }
        self.gathered.extend_from_slice(chunk);
        if self.gathered.len() >= PIECE {
            self.spill().await?;
        }
        Ok(())
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the blob durable. Content that is there already is not written again.
    pub async fn finish(self) -> Result<Stored, BlobError> {
        let blobs = Blobs { inner: Arc::clone(&self.inner) };
        blobs.make_durable_one(self.written().await?).await
    }

    /// Writes what is left; see [`Blobs::make_durable`] for the rest of the way.
    pub async fn written(mut self) -> Result<Written, BlobError> {
        let (inner, rest, spilled) = (self.inner, std::mem::take(&mut self.gathered), self.spilled.take());
        blocking(move || match spilled {
            None => write(&inner, rest.into()),
            Some(spilled) => spilled.finish(&inner, &rest),
        })
        .await
    }

    async fn spill(&mut self) -> Result<(), BlobError> {
        let inner = Arc::clone(&self.inner);
        let piece = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE));
        let spilled = self.spilled.take();
        let spilled = blocking(move || {
            let mut spilled = spilled.map_or_else(|| Spilled::create(&inner), Ok)?;
            spilled.append(&piece)?;
            Ok(spilled)
        });
        self.spilled = Some(spilled.await?);
        Ok(())
    }
}

/// Content that is too large to gather: in a temporary file, hashed so far.
#[derive(Debug)]
struct Spilled {
    file: Temporary,
    hash: Sha256,
    bytes: u64,
}

impl Spilled {
    fn create(inner: &Inner) -> Result<Self, BlobError> {
        Ok(Self { file: Temporary::create(inner)?, hash: Sha256::new(), bytes: 0 })
    }

    fn append(&mut self, piece: &[u8]) -> Result<(), BlobError> {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        Ok(self.file.handle.write_all(piece)?)
    }

    fn finish(mut self, inner: &Inner, rest: &[u8]) -> Result<Written, BlobError> {
        self.append(rest)?;
        let id = BlobId::from_bytes(self.hash.finalize().into());
        let stored = Stored { id, bytes: self.bytes, pin: Pins::pin(&inner.pins, id) };
        let file = if reuse(inner, id)? { None } else { Some(self.file) };
        Ok(Written { stored, file, content: None })
    }
}

/// Content that is written, and that a loss of power may still take back.
#[derive(Debug)]
pub struct Written {
    pub(super) stored: Stored,
    /// What is to become the blob; `None` if it is there already.
    pub(super) file: Option<Temporary>,
    /// What is in the file, if it is to be recorded in the journal.
    pub(super) content: Option<Bytes>,
}

impl Written {
    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.stored.bytes
    }
}

/// Writes `content` unless it is there already. Blocks.
pub(super) fn write(inner: &Inner, content: Bytes) -> Result<Written, BlobError> {
    let id = BlobId::of(&content);
    // The pin comes before the look: what is pinned can no longer vanish, what vanished before is written again.
    let stored = Stored { id, bytes: content.len() as u64, pin: Pins::pin(&inner.pins, id) };
    if reuse(inner, id)? {
        return Ok(Written { stored, file: None, content: None });
    }
    let file = Temporary::holding(inner, &content)?;
    let content = inner.journal.takes(content.len()).then_some(content);
    Ok(Written { stored, file: Some(file), content })
}

/// Whether the blob exists; then its age starts anew, so that no collector takes it for a leftover.
#[allow(
    clippy::disallowed_methods,
    reason = "file ages are compared with file ages, not with the service's clock"
)]
fn reuse(inner: &Inner, id: BlobId) -> io::Result<bool> {
    let path = inner.path(id);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    file.set_times(FileTimes::new().set_modified(std::time::SystemTime::now()))?;
    Ok(true)
}

/// A file in `tmp/` that is removed unless it becomes a blob.
#[derive(Debug)]
pub(super) struct Temporary {
    pub(super) handle: File,
    path: Option<PathBuf>,
}

impl Temporary {
    pub(super) fn create(inner: &Inner) -> io::Result<Self> {
        let path = inner.fresh_temporary();
        let handle = File::create_new(&path)?;
        failpoint::reached("blobs.created");
        Ok(Self { handle, path: Some(path) })
    }

    /// One with this content.
    pub(super) fn holding(inner: &Inner, content: &[u8]) -> io::Result<Self> {
        let mut file = Self::create(inner)?;
        file.handle.write_all(content)?;
        Ok(file)
    }

    /// Where it is, until it is a blob.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Gives it the name of its blob; its size.
    pub(super) fn become_blob(mut self, inner: &Inner, id: BlobId) -> io::Result<u64> {
        let bytes = self.handle.metadata()?.len();
        if let Some(path) = &self.path {
            fs::rename(path, inner.path(id))?;
        }
        self.path = None;
        Ok(bytes)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is a leftover like that of a crash.
            let _ = fs::remove_file(path);
        }
    }
}
