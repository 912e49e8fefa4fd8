//! What an error means for the job: why it failed, and whether another attempt is worth it.

use std::{io::ErrorKind, time::Duration};

use darkroom_core::job::{Failure, FailureKind};
use darkroom_imaging::ImageError;
use darkroom_inference::InferenceError;

use super::{memory::BeyondBudget, pool::Panicked};
use crate::{blobs::BlobError, predict};

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

fn permanent(kind: FailureKind, message: &dyn ToString) -> Broken {
    Broken::Permanent(Failure::new(kind, message.to_string()))
}

fn transient(kind: FailureKind, message: &dyn ToString) -> Broken {
    Broken::Transient(Failure::new(kind, message.to_string()))
}

impl From<ImageError> for Broken {
    fn from(error: ImageError) -> Self {
        use ImageError as E;
        match &error {
            E::NotAnImage | E::Corrupt { .. } => permanent(FailureKind::Undecodable, &error),
            E::Unsupported { .. } => permanent(FailureKind::Unsupported, &error),
            E::Limit { .. } => permanent(FailureKind::LimitExceeded, &error),
            E::Encode { .. } => permanent(FailureKind::Unencodable, &error),
            E::TimedOut(_) => permanent(FailureKind::TimedOut, &error),
            E::Cancelled => Self::Stopped,
            E::Io(io) => match io.kind() {
                ErrorKind::NotFound => permanent(FailureKind::InputMissing, &"the image is gone"),
                // Decoders that read to the end of a cut file.
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                    permanent(FailureKind::Undecodable, &"the file ends early or is damaged")
                }
                _ => transient(FailureKind::StorageUnavailable, &error),
            },
        }
    }
}

impl Broken {
    /// An error of pixel work that kept a processor `busy` for so long. Time is limited by the clock on the wall, so
    /// running out of it is the image's fault only if its work had the processor for most of it.
    pub(super) fn of_work(error: ImageError, busy: Duration) -> Self {
        match error {
            ImageError::TimedOut(allowed) if busy < allowed / 2 => transient(FailureKind::TimedOut, &error),
            error => error.into(),
        }
    }
}

impl From<InferenceError> for Broken {
    fn from(error: InferenceError) -> Self {
        use InferenceError as E;
        tracing::warn!(%error, "a model did not answer");
        let told = predict::told(&error);
        match error {
            E::UnknownModel(_) | E::RuntimeMissing { .. } => permanent(FailureKind::ModelMissing, &told),
            E::BadInput(_) => permanent(FailureKind::Unsupported, &told),
            E::TimedOut { .. } => transient(FailureKind::TimedOut, &told),
            // An image that crashes it again and again fails once its attempts are used up.
            E::Overloaded { .. } | E::Crashed { .. } => transient(FailureKind::ModelFailed, &told),
            E::RuntimeUnusable(_) | E::BadManifest { .. } | E::BadModel { .. } | E::Failed { .. } => {
                permanent(FailureKind::ModelFailed, &told)
            }
        }
    }
}

impl From<BlobError> for Broken {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing(_) => permanent(FailureKind::InputMissing, &"the image is gone"),
            BlobError::Changed(_) => {
                permanent(FailureKind::InputChanged, &"the file was changed after the run had read it")
            }
            _ => transient(FailureKind::StorageUnavailable, &error),
        }
    }
}

impl From<BeyondBudget> for Broken {
    fn from(beyond: BeyondBudget) -> Self {
        let message = format!("needs more memory than worker.memory allows ({} bytes)", beyond.total);
        permanent(FailureKind::LimitExceeded, &message)
    }
}

impl From<Panicked> for Broken {
    /// The same image would do the same again, and what the panic said is for the log only.
    fn from(panicked: Panicked) -> Self {
        tracing::error!(panic = panicked.0, "the pixel work of a job panicked");
        permanent(FailureKind::Internal, &"an internal fault while the image was worked on")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_time_on_a_busy_machine_is_worth_another_attempt() {
        let ten = Duration::from_secs(10);
        let starved = Broken::of_work(ImageError::TimedOut(ten), Duration::from_secs(2));
        assert!(matches!(starved, Broken::Transient(failure) if failure.kind == FailureKind::TimedOut));
        let bomb = Broken::of_work(ImageError::TimedOut(ten), Duration::from_secs(9));
        assert!(matches!(bomb, Broken::Permanent(failure) if failure.kind == FailureKind::TimedOut));
    }
}
