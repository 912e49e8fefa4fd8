//! The items of a run in the order of the source, and documents that are made of them: streamed, with memory that does
//! not grow with their number.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use darkroom_core::{
    RunId,
    job::Job,
    store::{ItemPage, Store, StoreError},
};
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::results::ResultsError;

/// Items that are read at a time.
const ITEMS: u32 = 200;

/// All items of a run, some at a time.
pub(super) struct Items {
    store: Arc<dyn Store>,
    run: RunId,
    after: Option<u64>,
}

impl Items {
    pub(super) fn of(store: &Arc<dyn Store>, run: RunId) -> Self {
        Self { store: Arc::clone(store), run, after: None }
    }

    /// The next ones; none after the last.
    pub(super) async fn next(&mut self) -> Result<Vec<Job>, StoreError> {
        let page = ItemPage { limit: ITEMS, after: self.after, states: Vec::new() };
        let items = self.store.items(self.run, page).await?;
        self.after = items.last().map(|last| last.seq).or(self.after);
        Ok(items)
    }
}

/// A document that is made of items.
pub(super) trait Document: Send + Sized + 'static {
    /// Appends what there is to say of these.
    fn write(&mut self, items: &[Job], out: &mut Vec<u8>) -> Result<(), ResultsError>;

    /// Appends what comes after the last.
    fn finish(self, out: &mut Vec<u8>) -> Result<(), ResultsError>;
}

/// The document as the body of an answer, after `head`; `permit` is held until it ends.
pub(super) fn body_of(
    items: Items,
    head: Vec<u8>,
    document: impl Document,
    permit: OwnedSemaphorePermit,
) -> Body {
    Body::from_stream(pieces(Reading { items, head, document: Some(document), _permit: permit }))
}

/// A document on its way.
struct Reading<D> {
    items: Items,
    /// What comes before the first item.
    head: Vec<u8>,
    /// `None` once everything is written.
    document: Option<D>,
    _permit: OwnedSemaphorePermit,
}

/// An error ends the connection: nobody takes half of a document for all of it.
fn pieces<D: Document>(reading: Reading<D>) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::try_unfold(reading, async |mut reading| {
        // Parquet gathers thousands of rows before it has anything to say.
        while let Some(mut document) = reading.document.take() {
            let items = reading.items.next().await?;
            let mut piece = std::mem::take(&mut reading.head);
            if items.is_empty() {
                document.finish(&mut piece)?;
            } else {
                document.write(&items, &mut piece)?;
                reading.document = Some(document);
            }
            if !piece.is_empty() {
                return Ok(Some((Bytes::from(piece), reading)));
            }
        }
        Ok(None)
    })
}

impl From<ResultsError> for StoreError {
    fn from(error: ResultsError) -> Self {
        Self::Internal(Box::new(error))
    }
}
