//! Inputs that lie in files of this machine: read where they are, and only with the content that they came in with.
//!
//! A file belongs to somebody else, who may change, exchange or remove it at any moment, also while it is read. So its
//! bytes are taken once, summed up, and worked on as they were taken: what has the wrong sum is no input. No time stamp
//! and no number of a file could promise that, and the sum of an image takes far less time than its pixels. It also
//! means that nothing is ever read through a place but what was read through it before: wherever a link leads that
//! was put there meanwhile, what lies behind it has another content.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use darkroom_core::{
    BlobId,
    job::{Input, Place},
};
use darkroom_imaging::Source;
use rustix::{fs::OFlags, io::Errno};
use sha2::{Digest, Sha256};

use super::{Blob, BlobError, Blobs, Inner, Stored, Written, blocking, pins::Pins, writer::Temporary};

/// Inputs up to this size are taken into memory; larger ones into a temporary file.
const IN_MEMORY: u64 = 16 << 20;

/// Bytes of a file that are copied at a time.
const CHUNK: usize = 256 << 10;

/// An input that can be read for as long as this is kept.
#[derive(Debug)]
pub struct Held {
    /// Its bytes.
    pub source: Source,
    _copy: Option<Temporary>,
}

impl Held {
    /// Bytes of memory that it takes.
    pub fn memory(&self) -> u64 {
        if let Source::Bytes(bytes) = &self.source { bytes.len() as u64 } else { 0 }
    }
}

impl Blobs {
    /// The bytes of an input, wherever they lie: the one door to inputs. Blocks. Errors: [`BlobError::Missing`] and
    /// [`BlobError::Changed`] if they are neither at their place nor in the store.
    pub fn input(&self, input: &Input) -> Result<Held, BlobError> {
        let stored = || Held { source: Source::file(self.local_path(input.blob)), _copy: None };
        let Some(place) = &input.place else { return Ok(stored()) };
        let taken = if input.bytes <= IN_MEMORY {
            in_memory(place, input)
        } else {
            copy(&self.inner, place, input)
                .map(|(copy, path)| Held { source: Source::file(path), _copy: Some(copy) })
        };
        // The same content may have come in by another way.
        taken.or_else(|error| if self.local_path(input.blob).exists() { Ok(stored()) } else { Err(error) })
    }

    /// Opens an input for reading by parts.
    pub async fn open_input(&self, input: &Input) -> Result<Blob, BlobError> {
        let (blobs, input) = (self.clone(), input.clone());
        blocking(move || match (Blob::open(input.blob, &blobs.local_path(input.blob)), &input.place) {
            (Err(BlobError::Missing(_)), Some(place)) => {
                let (copy, path) = copy(&blobs.inner, place, &input)?;
                let opened = Blob::open(input.blob, &path);
                // It has a name no more, and is there for who has opened it.
                drop(copy);
                opened
            }
            (opened, _) => opened,
        })
        .await
    }

    /// A blob of an input that has a place: for whoever is not to depend on that.
    pub async fn take_in(&self, input: &Input) -> Result<Stored, BlobError> {
        let Some(place) = input.place.clone() else { return Err(BlobError::Missing(input.blob)) };
        let (blobs, input) = (self.clone(), input.clone());
        let written = blocking(move || {
            let stored =
                Stored { id: input.blob, bytes: input.bytes, pin: Pins::pin(&blobs.inner.pins, input.blob) };
            let (copy, _) = copy(&blobs.inner, &place, &input)?;
            Ok(Written { stored, file: Some(copy), content: None })
        });
        self.make_durable_one(written.await?).await
    }
}

fn in_memory(place: &Place, input: &Input) -> Result<Held, BlobError> {
    let file = open(place.path(), input)?;
    let mut content = Vec::with_capacity(input.bytes as usize);
    // One byte more than there may be tells that there are more.
    file.take(input.bytes + 1).read_to_end(&mut content).map_err(|error| lost(error, input.blob))?;
    if content.len() as u64 != input.bytes || BlobId::of(&content) != input.blob {
        return Err(BlobError::Changed(input.blob));
    }
    Ok(Held { source: Source::bytes(content), _copy: None })
}

/// A temporary file with what lies at the place.
fn copy(inner: &Inner, place: &Place, input: &Input) -> Result<(Temporary, PathBuf), BlobError> {
    let file = open(place.path(), input)?;
    let mut copy = Temporary::create(inner)?;
    let (mut file, mut hash, mut chunk) = (file.take(input.bytes + 1), Sha256::new(), vec![0; CHUNK]);
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(lost(error, input.blob)),
        };
        hash.update(&chunk[..count]);
        copy.handle.write_all(&chunk[..count])?;
    }
    if BlobId::from_bytes(hash.finalize().into()) != input.blob {
        return Err(BlobError::Changed(input.blob));
    }
    let path = copy.path().ok_or_else(|| io::Error::other("a temporary file without a name"))?.to_owned();
    Ok((copy, path))
}

/// Opens a plain file that lies at this very place, with no link on the way, and is as long as it was.
fn open(path: &Path, input: &Input) -> Result<File, BlobError> {
    let told = |error| lost(error, input.blob);
    // Opening a pipe would wait for its writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(told)?;
    let metadata = file.metadata().map_err(told)?;
    let is_there = path.canonicalize().map_err(told)? == path;
    if is_there && metadata.is_file() && metadata.len() == input.bytes {
        Ok(file)
    } else {
        Err(BlobError::Changed(input.blob))
    }
}

/// What an error of reading says of the input: that it is gone, that something else is there, or nothing.
fn lost(error: io::Error, id: BlobId) -> BlobError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => BlobError::Missing(id),
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => BlobError::Changed(id),
        _ => match error.raw_os_error().map(Errno::from_raw_os_error) {
            // A link, and a socket.
            Some(Errno::LOOP | Errno::NXIO) => BlobError::Changed(id),
            // A file of another machine that was removed there.
            Some(Errno::STALE) => BlobError::Missing(id),
            _ => BlobError::Io(error),
        },
    }
}
