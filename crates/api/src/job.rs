//! A job as clients see it.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use darkroom_core::{Operation, job as core, store::Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Time;

/// What a listing says about a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Its name for ever.
    #[schema(format = Uuid)]
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// The file name that came with the image.
    pub name: Option<String>,
    /// Who submitted it.
    pub owner: String,
    /// The queue that it waits in.
    pub queue: String,
    /// The surface that it came through: `v1`, `cli`, or the name of a classic service.
    pub origin: String,
    /// The run that it is an image of; absent if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    pub run: Option<String>,
    /// Its path in the source of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Higher is taken first among the jobs of its owner.
    pub priority: i8,
    /// Whether a running job has been told to stop.
    pub cancel_requested: bool,
    /// The image.
    pub input: InputInfo,
    /// What is done to it.
    pub operations: Vec<Operation>,
    /// Attempts that have begun so far.
    #[serde(default)]
    pub attempts_made: u32,
    /// When it was submitted.
    pub created_at: Time,
    /// When it became, or becomes, claimable.
    pub run_at: Time,
    /// When its last attempt began.
    pub started_at: Option<Time>,
    /// When it reached a final state.
    pub finished_at: Option<Time>,
    /// Why it failed, or why it waits for another attempt.
    pub failure: Option<Failure>,
}

/// A job with its history and results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// What listings say, too.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// Every attempt that has ended, oldest first.
    pub attempts: Vec<Attempt>,
    /// One result an operation, in their order, once the job has succeeded.
    pub results: Vec<OperationResult>,
}

/// Where a job stands. `succeeded`, `failed` and `cancelled` are final; `held` waits in a paused queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are those of the type's own sentence")]
pub enum State {
    Scheduled,
    Queued,
    Held,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    /// Whether nothing but a retry moves the job any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl From<core::Shown> for State {
    fn from(shown: core::Shown) -> Self {
        match shown {
            core::Shown::Scheduled => Self::Scheduled,
            core::Shown::Queued => Self::Queued,
            core::Shown::Held => Self::Held,
            core::Shown::Running => Self::Running,
            core::Shown::Succeeded => Self::Succeeded,
            core::Shown::Failed => Self::Failed,
            core::Shown::Cancelled => Self::Cancelled,
        }
    }
}

impl From<State> for core::Shown {
    fn from(state: State) -> Self {
        match state {
            State::Scheduled => Self::Scheduled,
            State::Queued => Self::Queued,
            State::Held => Self::Held,
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::Shown::from(*self).as_str())
    }
}

/// The image of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputInfo {
    /// Its content address: SHA-256 in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub blob: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its media type by content, or `application/octet-stream` where nobody has looked yet.
    pub media_type: String,
}

/// One execution of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// The worker's host and process.
    pub worker: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Time,
    /// How it ended.
    pub end: AttemptEnd,
    /// Why, unless it succeeded.
    pub failure: Option<Failure>,
    /// Where its time went.
    pub timings: Timings,
}

/// How an attempt ended. After `failed_transiently`, `interrupted` and `lost` another one may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of core's AttemptEnd, which explains each")]
pub enum AttemptEnd {
    Succeeded,
    Failed,
    FailedTransiently,
    Interrupted,
    Cancelled,
    Lost,
}

impl From<core::AttemptEnd> for AttemptEnd {
    fn from(end: core::AttemptEnd) -> Self {
        match end {
            core::AttemptEnd::Succeeded => Self::Succeeded,
            core::AttemptEnd::Failed => Self::Failed,
            core::AttemptEnd::FailedTransiently => Self::FailedTransiently,
            core::AttemptEnd::Interrupted => Self::Interrupted,
            core::AttemptEnd::Cancelled => Self::Cancelled,
            core::AttemptEnd::Lost => Self::Lost,
        }
    }
}

/// Where the time of an attempt went, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// Reading the input.
    pub read_us: u64,
    /// Waiting for memory or for a free processor.
    pub wait_us: u64,
    /// Decoding, operating, encoding.
    pub work_us: u64,
    /// Writing artifacts.
    pub write_us: u64,
    /// Of the work: from bytes to pixels, with the reduction that a decoder does on its way.
    #[serde(default)]
    pub decode_us: u64,
    /// Of the work: from the first question to a model to the last answer.
    #[serde(default)]
    pub infer_us: u64,
    /// Of the work: from pixels to the bytes of results.
    #[serde(default)]
    pub encode_us: u64,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// The reason, from a closed set.
    pub kind: FailureKind,
    /// One sentence for people.
    pub message: String,
}

/// The closed set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of core's FailureKind, which explains each")]
pub enum FailureKind {
    Undecodable,
    Unsupported,
    LimitExceeded,
    TimedOut,
    InputMissing,
    Unencodable,
    StorageUnavailable,
    ModelMissing,
    ModelFailed,
    Crashed,
    Internal,
    InputChanged,
}

impl From<core::FailureKind> for FailureKind {
    fn from(kind: core::FailureKind) -> Self {
        match kind {
            core::FailureKind::Undecodable => Self::Undecodable,
            core::FailureKind::Unsupported => Self::Unsupported,
            core::FailureKind::LimitExceeded => Self::LimitExceeded,
            core::FailureKind::TimedOut => Self::TimedOut,
            core::FailureKind::InputMissing => Self::InputMissing,
            core::FailureKind::Unencodable => Self::Unencodable,
            core::FailureKind::StorageUnavailable => Self::StorageUnavailable,
            core::FailureKind::ModelMissing => Self::ModelMissing,
            core::FailureKind::ModelFailed => Self::ModelFailed,
            core::FailureKind::Crashed => Self::Crashed,
            core::FailureKind::Internal => Self::Internal,
            core::FailureKind::InputChanged => Self::InputChanged,
        }
    }
}

impl From<FailureKind> for core::FailureKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Undecodable => Self::Undecodable,
            FailureKind::Unsupported => Self::Unsupported,
            FailureKind::LimitExceeded => Self::LimitExceeded,
            FailureKind::TimedOut => Self::TimedOut,
            FailureKind::InputMissing => Self::InputMissing,
            FailureKind::Unencodable => Self::Unencodable,
            FailureKind::StorageUnavailable => Self::StorageUnavailable,
            FailureKind::ModelMissing => Self::ModelMissing,
            FailureKind::ModelFailed => Self::ModelFailed,
            FailureKind::Crashed => Self::Crashed,
            FailureKind::Internal => Self::Internal,
            FailureKind::InputChanged => Self::InputChanged,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::FailureKind::from(*self).as_str())
    }
}

/// The end from which jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobOrder {
    /// What was submitted last comes first.
    #[default]
    Newest,
    /// What was submitted first comes first.
    Oldest,
}

impl FromStr for JobOrder {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "newest" => Ok(Self::Newest),
            "oldest" => Ok(Self::Oldest),
            _ => Err(format!("`{word}` is neither `newest` nor `oldest`")),
        }
    }
}

impl From<JobOrder> for Order {
    fn from(order: JobOrder) -> Self {
        match order {
            JobOrder::Newest => Self::Newest,
            JobOrder::Oldest => Self::Oldest,
        }
    }
}

/// What one operation gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationResult {
    /// The operation's name.
    pub operation: String,
    /// The result as a document; for a thumbnail its format and size.
    #[schema(value_type = Object)]
    pub document: Value,
    /// The files that it produced.
    pub artifacts: Vec<ArtifactLink>,
    /// Whether it was remembered from an earlier job, not worked out anew.
    #[serde(default)]
    pub cached: bool,
}

/// A file that a job produced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactLink {
    /// Unique within the job.
    pub name: String,
    /// Where it is downloaded, relative to the server.
    pub url: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
    /// Its content address: SHA-256 in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub blob: String,
}

/// A part of a listing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<JobSummary>,
    /// What to send as `cursor` for the part after this one; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}

impl From<&core::Failure> for Failure {
    fn from(failure: &core::Failure) -> Self {
        Self { kind: failure.kind.into(), message: failure.message.clone() }
    }
}

impl From<core::Timings> for Timings {
    fn from(timings: core::Timings) -> Self {
        let core::Timings { read_us, wait_us, work_us, write_us, decode_us, infer_us, encode_us } = timings;
        Self { read_us, wait_us, work_us, write_us, decode_us, infer_us, encode_us }
    }
}

impl From<&core::Attempt> for Attempt {
    fn from(attempt: &core::Attempt) -> Self {
        Self {
            number: attempt.number,
            worker: attempt.worker.clone(),
            started_at: attempt.started_at.into(),
            ended_at: attempt.ended_at.into(),
            end: attempt.end.into(),
            failure: attempt.failure.as_ref().map(Failure::from),
            timings: attempt.timings.into(),
        }
    }
}

impl From<&core::Job> for JobSummary {
    fn from(job: &core::Job) -> Self {
        Self {
            id: job.id.to_string(),
            state: job.shown().into(),
            name: job.input.name.as_ref().map(ToString::to_string),
            owner: job.owner.to_string(),
            queue: job.queue.to_string(),
            origin: job.origin.to_string(),
            run: job.item.as_ref().map(|item| item.run.to_string()),
            path: job.item.as_ref().map(|item| item.key.to_string()),
            priority: job.priority,
            cancel_requested: job.status.cancel_requested,
            input: InputInfo {
                blob: job.input.blob.to_string(),
                bytes: job.input.bytes,
                media_type: job.input.media_type.clone(),
            },
            operations: job.operations.clone(),
            attempts_made: job.status.lease_seq,
            created_at: job.created_at.into(),
            run_at: job.run_at.into(),
            started_at: job.started_at.map(Time::from),
            finished_at: job.finished_at.map(Time::from),
            failure: job.failure.as_ref().map(Failure::from),
        }
    }
}

impl From<&core::Job> for Job {
    fn from(job: &core::Job) -> Self {
        let results = job.results.iter().map(|result| OperationResult {
            operation: result.operation.clone(),
            document: result.document.clone(),
            artifacts: result.artifacts.iter().map(|artifact| ArtifactLink::of(job, artifact)).collect(),
            cached: result.cached,
        });
        Self {
            summary: job.into(),
            attempts: job.attempts.iter().map(Attempt::from).collect(),
            results: results.collect(),
        }
    }
}

impl ArtifactLink {
    fn of(job: &core::Job, artifact: &core::Artifact) -> Self {
        Self {
            name: artifact.name.clone(),
            url: format!("/v1/jobs/{}/artifacts/{}", job.id, escape_segment(&artifact.name)),
            bytes: artifact.bytes,
            media_type: artifact.media_type.clone(),
            blob: artifact.blob.to_string(),
        }
    }
}

/// `text` as one segment of a URL's path: everything but unreserved characters percent-encoded (RFC 3986, 2.3).
pub fn escape_segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
