//! One execution of a job, how it ended, and what it gave.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BlobId, Timestamp};

/// How an attempt ended, as its worker reports it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Every operation gave a result, one each, in their order.
    Succeeded(Vec<OperationResult>),
    /// It failed and would fail again.
    FailedPermanently(Failure),
    /// It failed, and may succeed after this long. The worker draws the delay (see [`crate::RetryPolicy`]), so that
    /// stores stay free of chance.
    FailedTransiently(Failure, std::time::Duration),
    /// The worker shuts down; the job goes back as if this attempt had not been.
    Interrupted,
    /// The worker saw the cancellation and stopped.
    Cancelled,
}

/// How an attempt ended, as history keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// It gave results.
    Succeeded,
    /// It failed for good.
    Failed,
    /// It failed and another attempt follows (or the budget is spent).
    FailedTransiently,
    /// Its worker shut down.
    Interrupted,
    /// It was cancelled while it ran.
    Cancelled,
    /// Its lease ran out: the worker crashed, hung or was cut off.
    Lost,
}

impl AttemptEnd {
    /// Whether its worker said how it ended; nobody knows where the time of another went.
    pub fn is_told_by_its_worker(self) -> bool {
        !matches!(self, Self::Interrupted | Self::Lost)
    }
}

/// One ended execution of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counted from 1: the fencing token of its lease.
    pub number: u32,
    /// The worker's host and process, as it introduced itself.
    pub worker: String,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub end: AttemptEnd,
    /// Why, unless it succeeded.
    pub failure: Option<Failure>,
    /// Where the time went, if the worker said.
    pub timings: Timings,
}

/// Where the time of an attempt went, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Reading the input from the blob store.
    pub read_us: u64,
    /// Waiting for memory or for a free processor.
    pub wait_us: u64,
    /// Decoding, operating, encoding.
    pub work_us: u64,
    /// Writing artifacts to the blob store.
    pub write_us: u64,
    /// Of the work: from bytes to pixels. Decoders that reduce an image on their way, as those of JPEG and WebP and all
    /// that stream rows do, spend that time here; what is left to resample counts as neither this nor the others.
    #[serde(default)]
    pub decode_us: u64,
    /// Of the work: from the first question to a model to the last answer, with preparing what it sees and waiting for
    /// its turn.
    #[serde(default)]
    pub infer_us: u64,
    /// Of the work: from pixels to the bytes of results.
    #[serde(default)]
    pub encode_us: u64,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason, from a closed set.
    pub kind: FailureKind,
    /// One sentence for people. Never holds internals.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// The closed set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The input is not an image, or a damaged one.
    Undecodable,
    /// The input is an image of a kind that is not supported.
    Unsupported,
    /// A named limit is exceeded.
    LimitExceeded,
    /// The work took too long.
    TimedOut,
    /// The input is gone: its blob, or the file that it is.
    InputMissing,
    /// The result could not be written: encoder or parameters.
    Unencodable,
    /// Blobs could not be read or written just now.
    StorageUnavailable,
    /// The model that was asked for is not installed.
    ModelMissing,
    /// The model could not be loaded, or did not give what its manifest says.
    ModelFailed,
    /// The job crashed its worker, or the worker vanished.
    Crashed,
    /// A fault of ours.
    Internal,
    /// The file that is the input was changed since the job was made.
    InputChanged,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Undecodable,
        Self::Unsupported,
        Self::LimitExceeded,
        Self::TimedOut,
        Self::InputMissing,
        Self::Unencodable,
        Self::StorageUnavailable,
        Self::ModelMissing,
        Self::ModelFailed,
        Self::Crashed,
        Self::Internal,
        // Stores keep these by number: new ones come last.
        Self::InputChanged,
    ];

    /// The word on the wire and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Unsupported => "unsupported",
            Self::LimitExceeded => "limit_exceeded",
            Self::TimedOut => "timed_out",
            Self::InputMissing => "input_missing",
            Self::Unencodable => "unencodable",
            Self::StorageUnavailable => "storage_unavailable",
            Self::ModelMissing => "model_missing",
            Self::ModelFailed => "model_failed",
            Self::Crashed => "crashed",
            Self::Internal => "internal",
            Self::InputChanged => "input_changed",
        }
    }
}

impl FromStr for FailureKind {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| format!("`{word}` is not a kind of failure"))
    }
}

/// What one operation of a job gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationResult {
    /// The operation's name.
    pub operation: String,
    /// The result as a document: for a thumbnail its format and size.
    pub document: serde_json::Value,
    /// Blobs that it produced.
    pub artifacts: Vec<Artifact>,
    /// Whether it was remembered from an earlier job, not worked out anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
}

/// A blob that a job produced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Unique within the job; the last part of its URL and its file name on download.
    pub name: String,
    /// Its content address.
    pub blob: BlobId,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
}
