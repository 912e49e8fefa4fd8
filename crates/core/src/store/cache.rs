//! Results that are remembered, so that the same question about the same image is not worked on twice.
//!
//! A result of a job is remembered by reference: what keeps it, and its blobs, is the job. So there is never a
//! remembered result without its blobs, and whoever deletes the job has deleted what is remembered of it.

use async_trait::async_trait;

use super::StoreError;
use crate::job::OperationResult;

/// What a result depends on, as a digest: owner, image, operation, model, and the code that looks at pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// A key from a finished digest.
    pub fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Remembered results. [`super::Queue::sweep`] forgets those first that were remembered (again) longest ago: while
/// they are older than [`super::StoreLimits::keep_cached`] or more than [`super::StoreLimits::max_cached`], at most
/// [`super::MAX_FORGOTTEN`] a sweep.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What is remembered under each of these keys. The blobs of a result are there for as long as the job that
    /// made it: whoever uses them pins them first, and then looks whether they are still there.
    async fn recall(&self, keys: Vec<CacheKey>) -> Result<Vec<Option<OperationResult>>, StoreError>;

    /// Remembers results that belong to no job. Those with artifacts are left out: only a job keeps blobs.
    async fn remember(&self, results: Vec<(CacheKey, OperationResult)>) -> Result<(), StoreError>;
}
