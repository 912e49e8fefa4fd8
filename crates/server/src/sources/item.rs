//! What a source holds: images, and what is passed over.

use bytes::Bytes;
use darkroom_core::{BlobId, job::Place, run::SkipReason};
use darkroom_imaging::Format;
use tokio::sync::mpsc;

use super::{ItemPath, Position};

/// What a source comes to next.
#[derive(Debug)]
pub enum Met {
    /// An image.
    Image(Item),
    /// Something that gives no job.
    Passed(Passed),
}

impl Met {
    /// Where to go on once this is recorded.
    pub fn position(&self) -> Position {
        let (index, path) = match self {
            Self::Image(item) => (item.index, &item.path),
            Self::Passed(passed) => (passed.index, &passed.path),
        };
        Position { next: index + 1, after: Some(path.clone()) }
    }
}

/// An image of a source, by its content.
#[derive(Debug)]
pub struct Item {
    /// Its place in the source, from 0. Two entries of one name differ by it.
    pub index: u64,
    /// Its name.
    pub path: ItemPath,
    /// What it is, by its first bytes; whether it can be decoded is for the job to find out.
    pub format: Format,
    /// Its size in bytes, if the source says so before its end.
    pub bytes: Option<u64>,
    /// Its bytes, or where they are.
    pub content: Content,
}

/// What there is of an item.
#[derive(Debug)]
pub enum Content {
    /// Its bytes.
    Chunks(Chunks),
    /// A file that stays where it is.
    Placed(Placed),
}

/// A file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The address of what it held.
    pub blob: BlobId,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it is.
    pub place: Place,
}

/// What gives no job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Its place in the source, from 0.
    pub index: u64,
    /// Its name, to be shown.
    pub path: ItemPath,
    /// Why.
    pub fault: Fault,
}

/// Why something gives no job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The reason, from a closed set.
    pub reason: SkipReason,
    /// One sentence for people; empty where the reason says it all.
    pub detail: String,
}

impl Fault {
    pub(super) fn new(reason: SkipReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<SkipReason> for Fault {
    fn from(reason: SkipReason) -> Self {
        Self { reason, detail: String::new() }
    }
}

/// What an error of reading comes to.
pub(super) fn reason_of(error: &std::io::Error) -> SkipReason {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => SkipReason::Vanished,
        Kind::UnexpectedEof => SkipReason::Truncated,
        Kind::InvalidData | Kind::InvalidInput => SkipReason::Damaged,
        _ => SkipReason::Unreadable,
    }
}

/// The bytes of an item, chunk by chunk. What is not taken is passed over.
#[derive(Debug)]
pub struct Chunks {
    pub(super) first: Option<Bytes>,
    /// `None` if the first chunk is all.
    pub(super) rest: Option<mpsc::Receiver<Piece>>,
}

/// What comes of an item's content beyond its first chunk.
#[derive(Debug)]
pub(super) enum Piece {
    Chunk(Bytes),
    End,
    Broken(Broken),
}

/// Why an item's content ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The fault is the item's: it is to be recorded as failed, and the next one may be fine.
    Item(Fault),
    /// The fault is the source's: nothing is to be recorded of the item, so that it is met again later.
    /// [`super::Items::next`] says what is wrong.
    Source,
}

impl Chunks {
    /// All bytes, if they are one chunk that was not taken yet.
    pub fn whole(&mut self) -> Option<Bytes> {
        if self.rest.is_none() { self.first.take() } else { None }
    }

    /// The next bytes; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(rest) = &mut self.rest else { return Ok(None) };
        match rest.recv().await {
            Some(Piece::Chunk(chunk)) => Ok(Some(chunk)),
            Some(Piece::End) => {
                self.rest = None;
                Ok(None)
            }
            Some(Piece::Broken(broken)) => Err(broken),
            // Who reads the source has ended in the middle.
            None => Err(Broken::Source),
        }
    }
}
