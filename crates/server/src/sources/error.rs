//! What is wrong with a source as a whole.

use std::{io, path::PathBuf};

use super::Checksum;
use crate::web::WebError;

/// What is wrong with a source as a whole. What concerns one entry is a [`super::Fault`].
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The folder or archive is outside of every folder of `sources.roots`.
    #[error("`{}` is in none of the folders that sources.roots names, or is not there", .0.display())]
    OutsideRoots(PathBuf),
    /// There is no such folder or file.
    #[error("there is no `{}`", .0.display())]
    Missing(PathBuf),
    /// A pattern of a folder makes no sense.
    #[error("`{pattern}` is not a pattern: {why}")]
    Pattern {
        /// As it was given.
        pattern: String,
        /// What is wrong.
        why: String,
    },
    /// The content is that of no archive that is read here.
    #[error("{0}")]
    NotAnArchive(String),
    /// The archive's bytes do not sum up as they must.
    #[error("the archive's checksum is {found}, and not {expected} as it must be")]
    WrongChecksum {
        /// What was given.
        expected: Checksum,
        /// What the bytes come to.
        found: Checksum,
    },
    /// The archive exceeds a bound.
    #[error("the archive exceeds sources.{limit} ({allowed})")]
    Limit {
        /// The setting's name.
        limit: &'static str,
        /// What the setting allows.
        allowed: u64,
    },
    /// The archive is not the one that it was before the interruption.
    #[error("the archive has changed since the run began")]
    Changed,
    /// The address may not be fetched from.
    #[error("the address is refused: {0}")]
    UrlRefused(String),
    /// The server has nothing at the address for whoever asks: asking again does not help.
    #[error("the archive is not there to be fetched: {0}")]
    NotServed(String),
    /// The address could not be fetched from, for now.
    #[error("fetching the archive failed: {0}")]
    UrlFailed(String),
    /// There is no room for the archive.
    #[error("the disk is full")]
    DiskFull,
    /// A file could not be read or written.
    #[error("reading failed: {0}")]
    Io(#[source] io::Error),
}

impl SourceError {
    /// Whether the same source may do later, from where it broke off: the run is to be paused, not ended.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::UrlFailed(_) | Self::DiskFull | Self::Io(_))
    }

    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::OutsideRoots(_) => "outside_roots",
            Self::Missing(_) => "missing",
            Self::Pattern { .. } => "pattern",
            Self::NotAnArchive(_) => "not_an_archive",
            Self::WrongChecksum { .. } => "wrong_checksum",
            Self::Limit { .. } => "limit_exceeded",
            Self::Changed => "changed",
            Self::UrlRefused(_) | Self::NotServed(_) => "url_refused",
            Self::UrlFailed(_) => "url_failed",
            Self::DiskFull => "disk_full",
            Self::Io(_) => "unreadable",
        }
    }
}

impl From<io::Error> for SourceError {
    /// Also unpacks an error that went through a reader (see [`SourceError::into_io`]).
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => error.downcast::<Self>().unwrap_or_else(Self::Io),
        }
    }
}

impl SourceError {
    /// As an error of a reader.
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// Whether an error of a reader is the source's as a whole.
    pub(super) fn is_inside(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

impl From<WebError> for SourceError {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Refused(why) => Self::UrlRefused(why.to_owned()),
            WebError::Failed(why) => Self::UrlFailed(why.to_owned()),
            WebError::Unable(error) => Self::Io(io::Error::other(error)),
        }
    }
}
