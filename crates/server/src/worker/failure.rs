//! What an error means for the job: why it failed, and whether another attempt is worth it.

use std::io::ErrorKind;

use darkroom_core::job::{Failure, FailureKind};
use darkroom_imaging::ImageError;

use super::{memory::BeyondBudget, pool::Panicked};
use crate::blobs::BlobError;

/// Why an attempt gave no results.
#[derive(Debug)]
pub(super) enum Broken {
    /// It would fail again.
    Permanent(Failure),
    /// It may pass.
    Transient(Failure),
    /// It was told to stop.
    Stopped,
}

fn permanent(kind: FailureKind, message: impl ToString) -> Broken {
    Broken::Permanent(Failure::new(kind, message.to_string()))
}

fn transient(kind: FailureKind, message: impl ToString) -> Broken {
    Broken::Transient(Failure::new(kind, message.to_string()))
}

impl From<ImageError> for Broken {
    fn from(error: ImageError) -> Self {
        use ImageError as E;
        match &error {
            E::NotAnImage | E::Corrupt { .. } => permanent(FailureKind::Undecodable, error),
            E::Unsupported { .. } => permanent(FailureKind::Unsupported, error),
            E::Limit { .. } => permanent(FailureKind::LimitExceeded, error),
            E::Encode { .. } => permanent(FailureKind::Unencodable, error),
            // A busy machine may be to blame.
            E::TimedOut(_) => transient(FailureKind::TimedOut, error),
            E::Cancelled => Self::Stopped,
            E::Io(io) => match io.kind() {
                ErrorKind::NotFound => permanent(FailureKind::InputMissing, "the image is gone"),
                // Decoders that read to the end of a cut file.
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                    permanent(FailureKind::Undecodable, "the file ends early or is damaged")
                }
                _ => transient(FailureKind::StorageUnavailable, error),
            },
        }
    }
}

impl From<BlobError> for Broken {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing(_) => permanent(FailureKind::InputMissing, "the image is gone"),
            _ => transient(FailureKind::StorageUnavailable, error),
        }
    }
}

impl From<BeyondBudget> for Broken {
    fn from(beyond: BeyondBudget) -> Self {
        let message = format!("needs more memory than worker.memory allows ({} bytes)", beyond.total);
        permanent(FailureKind::LimitExceeded, message)
    }
}

impl From<Panicked> for Broken {
    /// The same image would do the same again, and what the panic said is for the log only.
    fn from(panicked: Panicked) -> Self {
        tracing::error!(panic = panicked.0, "the pixel work of a job panicked");
        permanent(FailureKind::Internal, "an internal fault while the image was worked on")
    }
}
