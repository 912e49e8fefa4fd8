//! Results that need no work: what an earlier job of the same owner gave for the same image and operation.

use darkroom_core::{
    Operation,
    job::{Artifact, Job, OperationResult},
    store::CacheKey,
};
use darkroom_imaging::Format;

use super::{
    Workshop,
    work::{Content, File, Product, thumbnail_stem},
};
use crate::{
    blobs::{Blobs, Stored},
    predict,
};

/// What a thumbnail can be.
const WRITTEN: [Format; 5] = [Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif];

/// What is remembered for each operation of a job, in one question. A cache that does not answer knows nothing.
pub(super) async fn recall(shop: &Workshop, job: &Job, keys: &[CacheKey]) -> Vec<Option<Product>> {
    let found = shop.store.recall(keys.to_vec()).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "remembered results could not be looked for");
        Vec::new()
    });
    let mut products = Vec::with_capacity(job.operations.len());
    let mut found = found.into_iter();
    for operation in &job.operations {
        products.push(match found.next().flatten() {
            Some(result) => product(&shop.blobs, operation, result).await,
            None => None,
        });
    }
    let hits = products.iter().flatten().count() as u64;
    shop.metrics.looked_for(hits, keys.len() as u64 - hits);
    products
}

/// The result with its blobs held; `None` if one of them is gone.
async fn product(blobs: &Blobs, operation: &Operation, result: OperationResult) -> Option<Product> {
    let OperationResult { document, artifacts, .. } = result;
    let mut files = Vec::with_capacity(artifacts.len());
    for (number, Artifact { blob, media_type, .. }) in artifacts.into_iter().enumerate() {
        // Held first, looked for then: what is there now cannot be collected before a row of this job names it.
        let pin = blobs.pin(blob);
        let bytes = blobs.get(blob).await.ok()?.bytes();
        let (stem, place, extension, media_type) = match operation {
            Operation::Thumbnail(thumbnail) => {
                let format = WRITTEN.into_iter().find(|format| format.media_type() == media_type)?;
                (thumbnail_stem(thumbnail), String::new(), format.extension(), format.media_type())
            }
            Operation::Model(any) => {
                let stem = predict::tensor_stem(any, &document, number)?;
                (stem, format!("/outputs/{number}"), "npy", "application/octet-stream")
            }
            _ => return None,
        };
        let content = Content::Stored(Stored { id: blob, bytes, pin });
        files.push(File { stem, extension, media_type, content, place });
    }
    Some(Product { document, files, model: None, cached: true })
}
