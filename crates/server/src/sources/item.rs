//! What a source holds: images, and what is passed over.

use bytes::Bytes;
use darkroom_imaging::Format;
use serde::{Deserialize, Serialize};
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
    /// Its bytes.
    pub content: Content,
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
    pub reason: Reason,
    /// One sentence for people; empty where the reason says it all.
    pub detail: String,
}

impl Fault {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: String::new() }
    }
}

macro_rules! reasons {
    ($( $(#[doc = $about:literal])+ $name:ident = $word:literal, )+) => {
        /// The closed set of reasons why something in a source gives no job.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $( $(#[doc = $about])+ $name, )+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$( Self::$name ),+];

            /// The word on the wire and in counts.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )+ }
            }
        }
    };
}

reasons! {
    /// Its content is that of no known image format.
    NotAnImage = "not_an_image",
    /// There is nothing in it.
    Empty = "empty",
    /// It is larger than an upload may be (`limits.input_bytes`).
    TooLarge = "too_large",
    /// A folder that is called like an image. What is in it is looked at.
    Folder = "folder",
    /// A link, in an archive; in a folder, one that leads out of it or nowhere.
    Link = "link",
    /// A device, a pipe, a socket, or a sparse file of an archive.
    Special = "special",
    /// An archive's name that would lead out of the folder that it was unpacked into.
    UnsafePath = "unsafe_path",
    /// It lies deeper than `sources.folder_depth`.
    TooDeep = "too_deep",
    /// It is encrypted.
    Encrypted = "encrypted",
    /// It is compressed in a way that is not known here.
    UnsupportedCompression = "unsupported_compression",
    /// Its checksum or its structure is wrong.
    Damaged = "damaged",
    /// It ends before its end.
    Truncated = "truncated",
    /// It cannot be read, for want of permission or by a fault of the disk.
    Unreadable = "unreadable",
    /// It was there and is gone.
    Vanished = "vanished",
    /// Its address may not be fetched from.
    UrlRefused = "url_refused",
    /// Fetching its address failed.
    UrlFailed = "url_failed",
}

impl Reason {
    /// What an error of reading comes to.
    pub(super) fn of(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Self::Vanished,
            Kind::UnexpectedEof => Self::Truncated,
            Kind::InvalidData | Kind::InvalidInput => Self::Damaged,
            _ => Self::Unreadable,
        }
    }
}

/// The bytes of an item, chunk by chunk. What is not taken is passed over.
#[derive(Debug)]
pub struct Content {
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

impl Content {
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
