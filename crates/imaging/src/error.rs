//! Why an image gives no result. Every variant is something that the caller can tell the user.

use crate::header::Format;

/// What went wrong with one image. Nothing here is worth another attempt except [`ImageError::Cancelled`],
/// [`ImageError::TimedOut`] under load, and [`ImageError::Io`].
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The content matches no known format.
    #[error("not an image in a format that is known here")]
    NotAnImage,
    /// The format is known, but not this variety of it.
    #[error("{format}: {what} is not supported")]
    Unsupported {
        /// The recognised format.
        format: Format,
        /// What exactly, in words that the user can act on.
        what: &'static str,
    },
    /// The content breaks its own format, or ends early.
    #[error("{format}: the file is damaged: {detail}")]
    Corrupt {
        /// The recognised format.
        format: Format,
        /// What the decoder said.
        detail: String,
    },
    /// A named limit is exceeded. Checked before any pixel work.
    #[error("{limit} is {actual}, the limit is {allowed}")]
    Limit {
        /// The name of the setting, as in [`crate::Limits`].
        limit: &'static str,
        /// What the image asks for.
        actual: u64,
        /// What the setting allows.
        allowed: u64,
    },
    /// The encoder refused.
    #[error("cannot write {format}: {detail}")]
    Encode {
        /// The format of the result.
        format: Format,
        /// What the encoder said.
        detail: String,
    },
    /// The decode took longer than `decode_time`.
    #[error("decoding took longer than {0:?}")]
    TimedOut(std::time::Duration),
    /// The caller asked to stop.
    #[error("stopped")]
    Cancelled,
    /// Reading the source failed.
    #[error("reading the image failed")]
    Io(#[from] std::io::Error),
}

impl ImageError {
    /// Shorthand for [`ImageError::Corrupt`].
    #[allow(clippy::needless_pass_by_value, reason = "callers hand over errors and literals alike")]
    pub(crate) fn corrupt(format: Format, detail: impl ToString) -> Self {
        Self::Corrupt { format, detail: detail.to_string() }
    }
}
