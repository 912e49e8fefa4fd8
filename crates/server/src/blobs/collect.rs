//! The collector: removes what no row names any more, and what a crash left behind.

use std::{
    fs::{self, DirEntry},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use darkroom_core::{
    BlobId,
    store::{Store, StoreError},
};

use super::{BlobError, Blobs, Inner, blocking, sizes::measure};
use crate::failpoint;

/// Blobs of one question to the store.
const BATCH: usize = 1_000;

/// What a collection removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Blobs that no row names.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Temporary files that a crash left.
    pub temporary: u64,
}

impl Collected {
    fn add(&mut self, other: Self) {
        self.blobs += other.blobs;
        self.bytes += other.bytes;
        self.temporary += other.temporary;
    }
}

/// Why nothing more was collected this time.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder did not answer.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// Where the search for leftovers stands: the folders of the store are looked through one at a time.
#[derive(Debug, Default)]
pub struct Walk {
    next: u8,
}

impl Blobs {
    /// Removes those of `candidates` that no row names and nobody holds. Call it with the blobs that the store said
    /// were orphaned; it asks again, because they may have found a new row since. What is held now is kept in mind for
    /// the next call, as is what was held in an earlier one: whoever hears of a job's end may delete it before its
    /// worker has let go of the artifacts.
    pub async fn collect(
        &self,
        store: &dyn Store,
        candidates: Vec<BlobId>,
    ) -> Result<Collected, CollectError> {
        let mut collected = Collected::default();
        let candidates = [candidates, self.inner.pins.take_postponed()].concat();
        for batch in candidates.chunks(BATCH) {
            let condemned = self.inner.pins.condemn(batch);
            let answer = store.unreferenced(condemned.clone()).await;
            let unreferenced = answer.inspect_err(|_| self.inner.pins.reprieve(&condemned))?;
            let inner = Arc::clone(&self.inner);
            let removed = blocking(move || Ok(remove_all(&inner, &condemned, &unreferenced))).await?;
            collected.add(removed);
        }
        Ok(collected)
    }

    /// Looks through one folder for blobs and temporary files that are older than `grace` and belong to nobody, as
    /// a crash leaves them. Called now and then with the same `walk`, it comes round to every folder.
    pub async fn collect_leftovers(
        &self,
        store: &dyn Store,
        walk: &mut Walk,
        grace: Duration,
    ) -> Result<Collected, CollectError> {
        let inner = Arc::clone(&self.inner);
        let folder = walk.next;
        let (old, temporary) = blocking(move || {
            let temporary = if folder == 0 { remove_stale(&inner.root.join("tmp"), grace)? } else { 0 };
            measure(&inner, folder)?;
            Ok((old_blobs(&inner.root.join(hex::encode([folder])), grace)?, temporary))
        })
        .await?;
        let mut collected = self.collect(store, old).await?;
        collected.temporary += temporary;
        walk.next = walk.next.wrapping_add(1);
        Ok(collected)
    }
}

/// Removes the `unreferenced` of `condemned`, and reprieves the others.
fn remove_all(inner: &Inner, condemned: &[BlobId], unreferenced: &[BlobId]) -> Collected {
    let mut collected = Collected::default();
    for id in unreferenced {
        match remove(inner, *id) {
            Ok(Some(bytes)) => collected.add(Collected { blobs: 1, bytes, temporary: 0 }),
            Ok(None) => {}
            // It stays, and the search for leftovers comes back to it.
            Err(error) => tracing::warn!(blob = %id, %error, "a blob could not be removed"),
        }
    }
    inner.pins.reprieve(condemned);
    collected
}

/// Removes one blob unless somebody has pinned it; its size, if it was there.
fn remove(inner: &Inner, id: BlobId) -> io::Result<Option<u64>> {
    let (path, aside) = (inner.path(id), inner.fresh_temporary());
    // Unlinking a large file takes long, renaming does not; and a pin must wait for it.
    match inner.pins.execute(id, || fs::rename(&path, &aside)) {
        None => return Ok(None),
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Some(renamed) => renamed?,
    }
    failpoint::reached("blobs.set_aside");
    let bytes = aside.metadata()?.len();
    inner.sizes.removed(id, bytes);
    fs::remove_file(&aside)?;
    Ok(Some(bytes))
}

/// The blobs of one folder that have not been touched for `grace`.
fn old_blobs(folder: &Path, grace: Duration) -> io::Result<Vec<BlobId>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(id), true) = (id, is_older(&entry, grace)) {
            found.push(id);
        }
    }
    Ok(found)
}

/// Removes the files of `folder` that have not been touched for `grace`; how many.
fn remove_stale(folder: &Path, grace: Duration) -> io::Result<u64> {
    let entries: Vec<DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    let stale = entries.iter().filter(|entry| is_older(entry, grace)).map(DirEntry::path);
    Ok(stale.filter(|path: &PathBuf| fs::remove_file(path).is_ok()).count() as u64)
}

/// Ages are measured by the file system's times; whoever reuses a blob touches it.
#[allow(
    clippy::disallowed_methods,
    reason = "file ages are compared with file ages, not with the service's clock"
)]
fn is_older(entry: &DirEntry, grace: Duration) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age >= grace)
}
