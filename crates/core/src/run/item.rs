//! What a source gives.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{JobId, RunId, job::Input};

/// The longest name of an item, in bytes: the longest path, with every byte escaped.
pub const MAX_KEY: usize = 16_384;

/// The name of an item within its run: its path in the source, with forward slashes. Only a name: nothing is ever
/// written to where it points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemKey(String);

/// The text cannot name an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name of an item is 1 to {MAX_KEY} bytes without control characters")]
pub struct InvalidKey;

impl ItemKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that it is in, empty at the top: the identity that means by folder go by.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

impl FromStr for ItemKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let sound = (1..=MAX_KEY).contains(&text.len()) && !text.chars().any(char::is_control);
        if sound { Ok(Self(text.to_owned())) } else { Err(InvalidKey) }
    }
}

impl TryFrom<String> for ItemKey {
    type Error = InvalidKey;
    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<ItemKey> for String {
    fn from(key: ItemKey) -> Self {
        key.0
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which item of which run a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemOf {
    /// The run.
    pub run: RunId,
    /// The item.
    pub key: ItemKey,
}

/// Something that a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Its place in the source, from 0: what lies before the run's position was recorded before, and is passed over.
    pub index: u64,
    /// Its name; two may have the same.
    pub key: ItemKey,
    /// What it is.
    pub entry: Entry,
}

/// How far the source of a run was worked through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// The place of what comes next.
    pub next: u64,
    /// The name of what came last.
    pub after: Option<ItemKey>,
}

/// What something in a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An image, stored as a blob, and the id that its job gets.
    Image(JobId, Input),
    /// Something that is no item, and why.
    Skipped(SkipReason),
}

macro_rules! reasons {
    ($( $(#[doc = $about:literal])+ $name:ident = $word:literal, )+) => {
        /// Why something in a source is no item. The closed set.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SkipReason {
            $( $(#[doc = $about])+ $name, )+
        }

        impl SkipReason {
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
    /// It is larger than an upload may be.
    TooLarge = "too_large",
    /// A folder that is called like an image.
    Folder = "folder",
    /// A link.
    Link = "link",
    /// A device, a pipe, a socket, or a sparse file.
    Special = "special",
    /// Its name would lead out of the archive.
    UnsafePath = "unsafe_path",
    /// It lies too deep.
    TooDeep = "too_deep",
    /// It is encrypted.
    Encrypted = "encrypted",
    /// It is compressed in a way that is not known here.
    UnsupportedCompression = "unsupported_compression",
    /// Its checksum or its structure is wrong.
    Damaged = "damaged",
    /// It ends before its end.
    Truncated = "truncated",
    /// It cannot be read.
    Unreadable = "unreadable",
    /// It was there and is gone.
    Vanished = "vanished",
    /// It is what a job gave, and no image that came in.
    Artifact = "artifact",
    /// Its address may not be fetched from.
    UrlRefused = "url_refused",
    /// Fetching its address failed.
    UrlFailed = "url_failed",
}

impl FromStr for SkipReason {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|reason| reason.as_str() == word);
        found.copied().ok_or_else(|| format!("`{word}` is not a reason"))
    }
}
