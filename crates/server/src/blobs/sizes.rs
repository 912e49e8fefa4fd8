//! How many bytes all blobs have: measured folder by folder, counted along in between.

use std::{
    fs, io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use darkroom_core::BlobId;

use super::{BlobError, Blobs, Inner, blocking};

/// Folders of the store, one for each first byte of an address.
const FOLDERS: usize = 256;

/// The bytes of each folder, once it was measured. What is written or removed while a folder is measured may count
/// twice or not at all, until it is measured again.
#[derive(Debug)]
pub(super) struct Sizes(Mutex<[Option<u64>; FOLDERS]>);

/// What the disk of the blobs has room for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What may still be written.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self(Mutex::new([None; FOLDERS]))
    }
}

impl Sizes {
    pub(super) fn added(&self, id: BlobId, bytes: u64) {
        if let Some(known) = &mut self.lock()[place(id)] {
            *known = known.saturating_add(bytes);
        }
    }

    pub(super) fn removed(&self, id: BlobId, bytes: u64) {
        if let Some(known) = &mut self.lock()[place(id)] {
            *known = known.saturating_sub(bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, [Option<u64>; FOLDERS]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blobs {
    /// Bytes of all blobs; `None` until each folder was measured once.
    pub fn bytes(&self) -> Option<u64> {
        self.inner.sizes.lock().iter().try_fold(0_u64, |sum, folder| Some(sum.saturating_add((*folder)?)))
    }

    /// Measures one of the folders.
    pub async fn measure(&self, folder: u8) -> Result<(), BlobError> {
        let inner = std::sync::Arc::clone(&self.inner);
        blocking(move || Ok(measure(&inner, folder)?)).await
    }

    /// How much room there is; `None` where that cannot be asked. Blocks.
    pub fn room(&self) -> Option<Room> {
        let disk = rustix::fs::statvfs(&self.inner.root).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Room { free: bytes(disk.f_bavail), total: bytes(disk.f_blocks) })
    }
}

/// Measures one folder.
pub(super) fn measure(inner: &Inner, folder: u8) -> io::Result<()> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(inner.root.join(hex::encode([folder])))? {
        match entry?.metadata() {
            Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
            // It was removed after its name was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    inner.sizes.lock()[usize::from(folder)] = Some(bytes);
    Ok(())
}

fn place(id: BlobId) -> usize {
    usize::from(id.as_bytes()[0])
}
