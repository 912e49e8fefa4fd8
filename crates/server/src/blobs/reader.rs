//! Reading, whole or by range.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, path::Path, sync::Arc};

use bytes::Bytes;
use darkroom_core::BlobId;
use futures_util::{Stream, stream};

use super::{BlobError, blocking};

/// Bytes of one chunk of a stream.
const CHUNK: u64 = 256 << 10;

/// An open blob. It stays readable even if it is deleted meanwhile.
#[derive(Debug, Clone)]
pub struct Blob {
    id: BlobId,
    bytes: u64,
    file: Arc<File>,
}

impl Blob {
    pub(super) fn open(id: BlobId, path: &Path) -> Result<Self, BlobError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(id),
            _ => error.into(),
        })?;
        let bytes = file.metadata()?.len();
        Ok(Self { id, bytes, file: Arc::new(file) })
    }

    /// Its content address.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes of `range` (cut at the end of the blob), chunk by chunk.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static {
        let blob = self.clone();
        let left = range.start..range.end.min(blob.bytes);
        stream::try_unfold(left, move |left| {
            let blob = blob.clone();
            async move {
                if left.is_empty() {
                    return Ok(None);
                }
                let end = left.end.min(left.start + CHUNK);
                let chunk = blob.read(left.start..end).await?;
                Ok(Some((chunk, end..left.end)))
            }
        })
    }

    /// The bytes of `range` at once; the caller bounds it.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, BlobError> {
        let file = Arc::clone(&self.file);
        blocking(move || {
            let mut chunk = vec![0; (range.end - range.start) as usize];
            file.read_exact_at(&mut chunk, range.start)?;
            Ok(chunk.into())
        })
        .await
    }
}
