//! Images of a source on their way into the blob store, in the order of the source.

use std::collections::VecDeque;

use bytes::Bytes;
use darkroom_core::{
    Clock, JobId,
    job::Input,
    run::{Entry, InvalidKey, ItemKey, NewItem, SkipReason},
};
use tokio::task::JoinHandle;

use crate::{
    blobs::{BlobError, Blobs, Pin, Stored, Written, blocking},
    sources::{self, Broken, Item, ItemPath, Met, Placed},
};

/// Bytes that are gathered before they are written.
const MAX_BYTES: usize = 4 << 20;

/// Images that are written before they are made durable: each is an open file.
const MAX_FILES: usize = 64;

/// What is recorded together. While blobs are made durable, more is gathered.
#[derive(Default)]
pub(super) struct Gathered {
    waiting: Vec<Waiting>,
    /// Bytes of those whose content is in memory.
    bytes: usize,
    /// Those whose content is in a file.
    files: usize,
    begun: Option<Begun>,
}

struct Waiting {
    index: u64,
    key: ItemKey,
    image: Result<Image, SkipReason>,
}

/// An image whose bytes are all there.
struct Image {
    content: Content,
    media_type: &'static str,
}

enum Content {
    /// They go into the blob store.
    Copied(Copied),
    /// They stay where they are.
    Placed(Placed),
}

enum Copied {
    /// A small image.
    Memory(Bytes),
    /// A large one.
    File(Written),
}

/// Items whose blobs are being made durable.
struct Begun {
    items: Vec<(u64, ItemKey, Result<Begin, SkipReason>)>,
    blobs: JoinHandle<Result<Vec<Stored>, BlobError>>,
}

/// An image on its way: what is known of it, except for the address of what is being stored.
struct Begin {
    media_type: &'static str,
    placed: Option<Placed>,
}

/// Items that are ready to be recorded, and what holds their blobs.
#[derive(Default)]
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
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.begun.is_none()
    }

    /// Whether it is time to record: there are `chunk` items, or as much as may be held.
    pub(super) fn is_full(&self, chunk: usize) -> bool {
        self.waiting.len() >= chunk || self.bytes >= MAX_BYTES || self.files >= MAX_FILES
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
                read(&mut item, blobs, cap).await?.map(|content| Image { content, media_type })
            }
        };
        match &image {
            Ok(Image { content: Content::Copied(Copied::Memory(bytes)), .. }) => self.bytes += bytes.len(),
            Ok(Image { content: Content::Copied(Copied::File(_)), .. }) => self.files += 1,
            Ok(Image { content: Content::Placed(_), .. }) | Err(_) => {}
        }
        let key = key.unwrap_or_else(|InvalidKey| nameless(index));
        self.waiting.push(Waiting { index, key, image });
        Ok(())
    }

    /// Begins to make durable what was gathered, and gives what was begun before. After an error nothing is left: what
    /// comes later may not be recorded before what comes first.
    pub(super) async fn turn(&mut self, blobs: &Blobs, clock: &dyn Clock) -> Result<Ready, BlobError> {
        (self.bytes, self.files) = (0, 0);
        let next = begin(std::mem::take(&mut self.waiting), blobs);
        let Some(begun) = std::mem::replace(&mut self.begun, next) else { return Ok(Ready::default()) };
        let ready = begun.ready(clock).await;
        if ready.is_err() {
            self.begun = None;
        }
        ready
    }
}

fn begin(waiting: Vec<Waiting>, blobs: &Blobs) -> Option<Begun> {
    if waiting.is_empty() {
        return None;
    }
    let (mut items, mut contents) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
    for Waiting { index, key, image } in waiting {
        let image = image.map(|Image { content, media_type }| {
            let placed = match content {
                Content::Placed(placed) => Some(placed),
                Content::Copied(copied) => {
                    contents.push(copied);
                    None
                }
            };
            Begin { media_type, placed }
        });
        items.push((index, key, image));
    }
    Some(Begun { items, blobs: tokio::spawn(store_all(contents, blobs.clone())) })
}

/// Blobs of all contents, in their order.
async fn store_all(contents: Vec<Copied>, blobs: Blobs) -> Result<Vec<Stored>, BlobError> {
    let mut stored = Vec::with_capacity(contents.len());
    let mut contents = contents.into_iter();
    while !contents.as_slice().is_empty() {
        let some: Vec<Copied> = contents.by_ref().take(MAX_FILES).collect();
        let writer = blobs.clone();
        let written = blocking(move || some.into_iter().map(|content| content.written(&writer)).collect());
        stored.extend(blobs.make_durable(written.await?).await?);
    }
    Ok(stored)
}

impl Copied {
    fn written(self, blobs: &Blobs) -> Result<Written, BlobError> {
        match self {
            Self::Memory(bytes) => blobs.write(bytes),
            Self::File(written) => Ok(written),
        }
    }
}

impl Begun {
    async fn ready(self, clock: &dyn Clock) -> Result<Ready, BlobError> {
        let stored = self.blobs.await.map_err(|panic| BlobError::Io(std::io::Error::other(panic)))??;
        let mut stored: VecDeque<Stored> = stored.into();
        let mut ready = Ready { items: Vec::with_capacity(self.items.len()), pins: Vec::new() };
        for (index, key, image) in self.items {
            let entry = match image {
                Ok(Begin { media_type, placed }) => {
                    let (blob, bytes, place) = if let Some(Placed { blob, bytes, place }) = placed {
                        (blob, bytes, Some(place))
                    } else {
                        let none = || BlobError::Io(std::io::Error::other("an image gave no blob"));
                        let Stored { id, bytes, pin } = stored.pop_front().ok_or_else(none)?;
                        ready.pins.push(pin);
                        (id, bytes, None)
                    };
                    let media_type = media_type.to_owned();
                    Entry::Image(
                        JobId::new(clock.now()),
                        Input { blob, bytes, media_type, name: None, place },
                    )
                }
                Err(reason) => Entry::Skipped(reason),
            };
            ready.items.push(NewItem { index, key, entry });
        }
        Ok(ready)
    }
}

/// All bytes of an item. Those of a large one go to the disk while they come.
async fn read(item: &mut Item, blobs: &Blobs, cap: u64) -> Result<Result<Content, SkipReason>, NotGathered> {
    let chunks = match &mut item.content {
        sources::Content::Placed(placed) => return Ok(Ok(Content::Placed(placed.clone()))),
        sources::Content::Chunks(chunks) => chunks,
    };
    if let Some(whole) = chunks.whole() {
        let small = whole.len() as u64 <= cap;
        return Ok(if small {
            Ok(Content::Copied(Copied::Memory(whole)))
        } else {
            Err(SkipReason::TooLarge)
        });
    }
    let mut writer = blobs.writer(cap);
    loop {
        match chunks.chunk().await {
            Ok(Some(chunk)) => match writer.write(&chunk).await {
                Ok(()) => {}
                Err(BlobError::TooLarge { .. }) => return Ok(Err(SkipReason::TooLarge)),
                Err(error) => return Err(error.into()),
            },
            Ok(None) => return Ok(Ok(Content::Copied(Copied::File(writer.written().await?)))),
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
