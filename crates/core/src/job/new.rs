//! What a submission must say, checked before it reaches a store.

use serde::{Deserialize, Serialize};

use super::{AttemptLimits, FileName, Lane, Origin, Owner, Place, QueueName};
use crate::{BlobId, JobId, Operation, Timestamp};

/// Operations of one job at most.
pub const MAX_OPERATIONS: usize = 16;

/// The image of a job: a blob that is already stored, or a file that is read where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its content address.
    pub blob: BlobId,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its media type by content, or `application/octet-stream`.
    pub media_type: String,
    /// What the uploader called it.
    pub name: Option<FileName>,
    /// The file that holds its bytes, if they were not copied into the blob store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Makes a repeated submission give the first one's job. Scoped to the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// The digest of everything that the client sent: the same key with another digest is a conflict.
    pub fingerprint: [u8; 32],
}

/// A valid submission.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Chosen by the submitter, so that it can answer before it asks.
    pub id: JobId,
    /// Who submits.
    pub owner: Owner,
    /// Where it waits.
    pub queue: QueueName,
    /// What it takes turns with inside the queue.
    pub lane: Lane,
    /// The surface that it came through.
    pub origin: Origin,
    /// A further name within the origin, not necessarily unique: the newest job of a name is what look-ups find.
    pub alias: Option<String>,
    /// Higher is claimed first within the lane.
    pub priority: i8,
    /// The image.
    pub input: Input,
    /// What is done to it: 1 to [`MAX_OPERATIONS`].
    pub operations: Vec<Operation>,
    /// Not claimable before; `None` is at once.
    pub run_at: Option<Timestamp>,
    /// Bounds on its attempts.
    pub limits: AttemptLimits,
    /// Rejected if its owner has this many jobs that have not ended; `None` is any number.
    pub max_open: Option<u64>,
    /// Set if the client may repeat the submission.
    pub idempotency: Option<Idempotency>,
    /// Whether its results may be remembered ones, and are remembered.
    pub caching: Caching,
}

/// Whether a job has to do with the result cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Caching {
    /// Its results may be remembered ones, and are remembered.
    #[default]
    Used,
    /// Everything is worked out anew, and nothing of it is remembered.
    Refused,
}

/// Why a submission is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJob {
    /// There is nothing to do.
    #[error("a job has at least one operation")]
    NoOperations,
    /// There is too much to do.
    #[error("a job has at most {MAX_OPERATIONS} operations")]
    TooManyOperations,
}

impl NewJob {
    /// A job with every choice at its default.
    pub fn new(now: Timestamp, input: Input, operations: Vec<Operation>) -> Result<Self, InvalidJob> {
        match operations.len() {
            0 => return Err(InvalidJob::NoOperations),
            n if n > MAX_OPERATIONS => return Err(InvalidJob::TooManyOperations),
            _ => {}
        }
        Ok(Self {
            id: JobId::new(now),
            owner: Owner::default(),
            queue: QueueName::default(),
            lane: Lane::default(),
            origin: Origin::default(),
            alias: None,
            priority: 0,
            input,
            operations,
            run_at: None,
            limits: AttemptLimits::default(),
            max_open: None,
            idempotency: None,
            caching: Caching::default(),
        })
    }
}
