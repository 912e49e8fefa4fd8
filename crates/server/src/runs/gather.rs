//! Images of a source on their way into the blob store, in the order of the source.

use std::collections::VecDeque;

use darkroom_core::{
    Clock, JobId,
    job::Input,
    run::{Entry, InvalidKey, ItemKey, NewItem, SkipReason},
};
use tokio::task::JoinHandle;

use crate::{
    blobs::{BlobError, BlobWriter, Blobs, Pin, Stored},
    sources::{Broken, Item, ItemPath, Met},
};

/// What is recorded together. Blobs are made durable at the same time as others, and held until their rows are there.
#[derive(Default)]
pub(super) struct Gathered {
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    index: u64,
    key: ItemKey,
    image: Result<Written, SkipReason>,
}

/// An image whose bytes are all there; its blob is being made durable.
struct Written {
    blob: JoinHandle<Result<Stored, BlobError>>,
    media_type: &'static str,
}

/// Items that are ready to be recorded, and what holds their blobs.
pub(super) struct Ready {
    pub(super) items: Vec<NewItem>,
    /// To be kept until the rows are there.
    pub(super) pins: Vec<Pin>,
}

/// Why an image could not be taken in.
pub(super) enum NotGathered {
    /// The source has ended in the middle of it: it says why itself.
    SourceBroken,
    /// The blob store fails.
    Blobs(BlobError),
}

impl From<BlobError> for NotGathered {
    fn from(error: BlobError) -> Self {
        Self::Blobs(error)
    }
}

impl Gathered {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the content of what was met. Its blob need not be durable yet.
    pub(super) async fn take(&mut self, met: Met, blobs: &Blobs, cap: u64) -> Result<(), NotGathered> {
        let (index, path) = match &met {
            Met::Image(item) => (item.index, &item.path),
            Met::Passed(passed) => (passed.index, &passed.path),
        };
        let key = key_of(path);
        let image = match (&key, met) {
            (Err(InvalidKey), _) => Err(SkipReason::UnsafePath),
            (Ok(_), Met::Passed(passed)) => Err(passed.fault.reason),
            (Ok(_), Met::Image(mut item)) => {
                let media_type = item.format.media_type();
                let written = read(&mut item, blobs.writer(cap)).await?;
                written.map(|writer| Written { blob: tokio::spawn(writer.finish()), media_type })
            }
        };
        let key = key.unwrap_or_else(|InvalidKey| nameless(index));
        self.waiting.push_back(Waiting { index, key, image });
        Ok(())
    }

    /// Waits until all blobs are durable. After an error nothing is left: what comes later may not be recorded before
    /// what comes first.
    pub(super) async fn ready(&mut self, clock: &dyn Clock) -> Result<Ready, BlobError> {
        let ready = self.all_ready(clock).await;
        self.waiting.clear();
        ready
    }

    async fn all_ready(&mut self, clock: &dyn Clock) -> Result<Ready, BlobError> {
        let mut ready = Ready { items: Vec::with_capacity(self.len()), pins: Vec::new() };
        while let Some(Waiting { index, key, image }) = self.waiting.pop_front() {
            let entry = match image {
                Ok(Written { blob, media_type }) => {
                    let stored =
                        blob.await.map_err(|panic| BlobError::Io(std::io::Error::other(panic)))??;
                    let media_type = media_type.to_owned();
                    let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name: None };
                    ready.pins.push(stored.pin);
                    Entry::Image(JobId::new(clock.now()), input)
                }
                Err(reason) => Entry::Skipped(reason),
            };
            ready.items.push(NewItem { index, key, entry });
        }
        Ok(ready)
    }
}

async fn read(
    item: &mut Item,
    mut writer: BlobWriter,
) -> Result<Result<BlobWriter, SkipReason>, NotGathered> {
    loop {
        match item.content.chunk().await {
            Ok(Some(chunk)) => match writer.write(&chunk).await {
                Ok(()) => {}
                Err(BlobError::TooLarge { .. }) => return Ok(Err(SkipReason::TooLarge)),
                Err(error) => return Err(error.into()),
            },
            Ok(None) => return Ok(Ok(writer)),
            Err(Broken::Item(fault)) => return Ok(Err(fault.reason)),
            Err(Broken::Source) => return Err(NotGathered::SourceBroken),
        }
    }
}

fn key_of(path: &ItemPath) -> Result<ItemKey, InvalidKey> {
    path.as_str().parse()
}

/// What something is called whose own name is too long.
fn nameless(index: u64) -> ItemKey {
    let name = format!("item {index}");
    // Digits and letters make a name.
    name.parse().unwrap_or_else(|InvalidKey| unreachable!())
}
