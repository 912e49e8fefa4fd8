//! What a source is, as it is asked for and kept with the run.

use std::path::PathBuf;

use darkroom_core::BlobId;
use serde::{Deserialize, Serialize};

use super::Checksum;

/// Where images come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// Files of a folder.
    Folder(Folder),
    /// Files that were named one by one: the command line's, no client asks for them.
    Files {
        /// Where they lie.
        paths: Vec<PathBuf>,
        /// The folder below which each is called by its path; without it each is called by its file name alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<PathBuf>,
    },
    /// The entries of an archive: tar, tar.gz, tar.zst or zip, by its content.
    Archive(Archive),
    /// Images at addresses.
    Urls {
        /// Each `http:` or `https:`.
        urls: Vec<String>,
    },
    /// Images that are in the blob store already, by their content address.
    Prefix {
        /// The first digits of the addresses that are meant.
        prefix: String,
    },
}

/// Files of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// The folder, or a single file.
    pub path: PathBuf,
    /// Whether folders in it are worked through too.
    #[serde(default)]
    pub depth: Depth,
    /// Patterns of the paths that are meant (`**/*.jpg`), relative to the folder; none is everything.
    #[serde(default)]
    pub include: Vec<String>,
    /// Patterns of the paths that are not; of a folder, it keeps from everything in it.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// How deep a folder is worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// With everything below.
    #[default]
    All,
    /// Its own files only.
    Flat,
}

impl Folder {
    /// A folder with everything below.
    pub fn all(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), depth: Depth::All, include: Vec::new(), exclude: Vec::new() }
    }
}

/// The entries of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Where it is.
    pub at: ArchiveAt,
    /// What its bytes must sum up to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveAt {
    /// A file on this machine.
    File(PathBuf),
    /// An address, `http:` or `https:`.
    Url(String),
    /// An upload.
    Blob(BlobId),
}
