//! The store: jobs, queue, results and workers as one source of truth.
//!
//! The queue is the store. A separate broker would make every accept and every finish a write to two systems, whose
//! gap loses or doubles jobs.
//!
//! **The promise** is at-least-once execution and exactly-once recorded effect: what [`Queue::submit`] has
//! acknowledged is executed until it is final, and of all attempts only the one with the newest lease is recorded.

mod bulk;
mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
mod history;
mod predictions;
mod running;
mod runs;
mod users;
mod view;

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use futures_core::Stream;

pub use bulk::{Acted, Action, Chosen};
pub use cache::{Cache, CacheKey};
pub use history::{History, MINUTE, Period, Sample};
pub use predictions::{MAX_FORGOTTEN, PredictionFilter, Predictions};
pub use running::{InvalidMaxRunning, MaxRunning};
pub use runs::{Appended, GroupPage, ItemPage, RunFilter, Runs};
pub use users::{Added, Keys, MAX_REVOKED_TOKENS, MAX_TOKEN_KEYS, Tokens, Users};
pub use view::{
    Bucket, Counts, Ended, JobFilter, LiveWorker, MAX_PAGE, OperationCounts, Order, Page, QueueCounts,
    WorkerInfo, WorkerStats,
};

use crate::{
    BlobId, JobId, RunId, SessionId, Timestamp,
    job::{Input, Job, NewJob, Origin, Outcome, Owner, QueueName, Timings},
    prediction::NewPrediction,
};

/// How long a session lives after its last beat.
pub const SESSION_TTL: Duration = Duration::from_secs(15);

/// How often a session beats.
pub const BEAT_INTERVAL: Duration = Duration::from_secs(5);

/// Items of one call at most.
pub const MAX_BATCH: usize = 10_000;

/// Everything a store is. The server holds one of these and never knows which.
pub trait Store:
    Queue + Ledger + Admin + Runs + Users + Keys + Tokens + Predictions + Cache + History
{
}
impl<T: Queue + Ledger + Admin + Runs + Users + Keys + Tokens + Predictions + Cache + History> Store for T {}

/// The queue side: what surfaces and workers call. Every call may carry many items and answers in their order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Records jobs. Once this returns, the accepted ones survive any crash.
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError>;

    /// Introduces a worker process. Its session lives [`SESSION_TTL`] after its last beat.
    async fn open_session(&self, worker: WorkerInfo) -> Result<SessionId, StoreError>;

    /// Claims at most `slots` jobs that are due, of no queue more than may run at a time, turn by turn over the lanes (see [`crate::fairness::Turns`]), in a
    /// lane by priority, then by order of submission. Never waits for work.
    /// Errors: [`StoreError::SessionLost`] if the session has ended.
    async fn claim(&self, session: SessionId, slots: u32) -> Result<Vec<Leased>, StoreError>;

    /// Says that the worker lives and what it works on. Renews all its leases at once.
    async fn beat(&self, session: SessionId, stats: WorkerStats) -> Result<Beat, StoreError>;

    /// Records how attempts ended. Only an outcome whose lease is still the job's newest is recorded; the others
    /// are [`Settled::Stale`] and change nothing.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError>;

    /// Ends a session; what it still held is returned to the queue as interrupted. Unknown sessions are no error.
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError>;

    /// Upkeep, to be called about once a second by any number of processes: makes scheduled jobs due, ends sessions
    /// that have stopped beating, deletes what retention has outlived, samples the queue for the history once a minute.
    /// Bounded work a call.
    async fn sweep(&self) -> Result<Swept, StoreError>;

    /// Notices of change: a lossy hint that saves waiting. Whoever relies on it also polls, at a floor.
    fn watch(&self) -> Pin<Box<dyn Stream<Item = Notice> + Send>>;
}

/// The read side. Reads see every write that was acknowledged before them.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// One job with its attempts and results.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs that match, in the filter's order, without attempts and results.
    async fn jobs(&self, filter: JobFilter, page: Page) -> Result<Vec<Job>, StoreError>;

    /// The newest job of this alias within its origin, with attempts and results.
    async fn newest_by_alias(&self, origin: Origin, alias: String) -> Result<Option<Job>, StoreError>;

    /// How many jobs there are, by state, queue and operation, why some failed, and what finished lately.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// Workers whose session lives.
    async fn workers(&self) -> Result<Vec<LiveWorker>, StoreError>;

    /// Which of these blobs no job refers to, as input or artifact, nor a run as the archive that it is still read from.
    async fn unreferenced(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError>;

    /// Whether a job of this owner refers to this blob, as input or artifact.
    async fn refers(&self, owner: Owner, blob: BlobId) -> Result<bool, StoreError>;

    /// Which of these blobs are the input of a job.
    async fn inputs(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError>;

    /// The input with this content that has a place; the one of the earliest job, if there are several.
    async fn placed(&self, blob: BlobId) -> Result<Option<Input>, StoreError>;

    /// Whether the store can serve at this moment.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// What people do to jobs and queues.
#[async_trait]
pub trait Admin: Send + Sync {
    /// Cancels: a waiting job at once, a running one as soon as its worker notices. Idempotent. `None` if unknown.
    async fn cancel(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Queues a failed, cancelled or scheduled job at once, with a fresh budget of attempts. Idempotent for waiting
    /// and running jobs. Errors: [`StoreError::Refused`] for a succeeded one. `None` if unknown.
    async fn retry(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Deletes a job that is not running, and tells which of its blobs nobody refers to any more.
    /// Errors: [`StoreError::Running`]; [`StoreError::PartOfRun`] for an item of a run, which goes with its run.
    /// `None` if unknown.
    async fn delete(&self, id: JobId) -> Result<Option<Vec<BlobId>>, StoreError>;

    /// Does the same to many jobs: those that are chosen, in their filter's order, as many as the page says, in one
    /// transaction. Each job is chosen by what it is within that transaction.
    /// Errors: [`StoreError::BatchTooLarge`] for more than [`MAX_PAGE`] ids.
    async fn act(&self, action: Action, chosen: Chosen, page: Page) -> Result<Acted, StoreError>;

    /// Stops claims from a queue; running jobs finish. Idempotent, survives restarts, and unknown names are created.
    async fn pause(&self, queue: QueueName) -> Result<(), StoreError>;

    /// Allows claims from a queue again. Idempotent.
    async fn resume(&self, queue: QueueName) -> Result<(), StoreError>;

    /// Lets at most so many jobs of a queue run at a time from now on, whoever claims them; any number if `None`. Those
    /// that are above it go on to their end. Survives restarts, and unknown names are created.
    async fn limit(&self, queue: QueueName, max_running: Option<MaxRunning>) -> Result<(), StoreError>;
}

/// The answer to one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// A new job.
    Created(JobId),
    /// The same idempotency key and fingerprint were submitted before by this owner.
    Existing(JobId),
    /// The same idempotency key was submitted before with another fingerprint.
    Conflict(JobId),
    /// Too many jobs wait already.
    Rejected(QueueFull),
    /// The owner has [`NewJob::max_open`] jobs that have not ended.
    TooManyOpen,
}

/// Back-pressure: the client is to come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull {
    /// The setting that bounds the number of waiting (scheduled and queued) jobs.
    pub max_waiting: u64,
}

/// The time-bound exclusive right to one attempt. Settling needs it; it is stale once anyone else has claimed the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Its place in the store, so that settling needs no look-up by id.
    pub seq: u64,
    /// The fencing token; also the number of the attempt.
    pub token: u32,
    /// Who holds it.
    pub session: SessionId,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq)]
pub struct Leased {
    /// The right to work on it.
    pub lease: Lease,
    /// What is to be done. Attempts and results are left empty.
    pub job: Job,
    /// The lease ends then, unless the session beats.
    pub deadline: Timestamp,
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The right under which it ran.
    pub lease: Lease,
    /// How it ended.
    pub outcome: Outcome,
    /// Where its time went.
    pub timings: Timings,
    /// What is recorded together with it.
    pub beside: Beside,
}

/// What is recorded in the same transaction as an outcome, and like it only if the lease is still the newest: so
/// nothing of a stale attempt is logged or remembered, and nothing twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beside {
    /// Entries for the inference log.
    pub predictions: Vec<NewPrediction>,
    /// Results to remember, by their place among those of a success.
    pub remembered: Vec<(CacheKey, usize)>,
}

/// The answer to one settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Recorded.
    Accepted,
    /// The lease is not the newest any more, or the job is gone: nothing was recorded.
    Stale,
}

/// The answer to a beat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beat {
    /// Whether the session had ended: the worker drops everything and opens a new one.
    pub lost: bool,
    /// Running jobs of this session that someone has cancelled.
    pub cancel: Vec<JobId>,
}

/// What a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// Scheduled jobs that became queued.
    pub due: u64,
    /// Sessions that had stopped beating.
    pub lost_sessions: u64,
    /// Their jobs that were rescued: returned to the queue, failed or cancelled.
    pub rescued: u64,
    /// Jobs that were deleted: finished ones that retention has outlived, and items of deleted runs.
    pub deleted: u64,
    /// Blobs of those that nobody refers to any more.
    pub orphans: Vec<BlobId>,
    /// Entries of the inference log that retention deleted.
    pub predictions: u64,
    /// Remembered results that were forgotten.
    pub forgotten: u64,
}

/// A hint that something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// There may be work to claim.
    Work,
    /// This job changed its state.
    Job(JobId),
    /// This run changed, or what has become of its items.
    Run(RunId),
    /// Notices were lost; look at everything that you wait for.
    Missed,
}

/// What a store is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLimits {
    /// Jobs that may wait (scheduled or queued) before submissions are rejected.
    pub max_waiting: u64,
    /// How long succeeded and cancelled jobs and runs are kept. The items of a run are kept as long as the run.
    pub keep_finished: Duration,
    /// How long failed jobs and runs are kept.
    pub keep_failed: Duration,
    /// Jobs that one sweep deletes at most.
    pub max_deleted_per_sweep: u32,
    /// How long entries of the inference log are kept.
    pub keep_predictions: Duration,
    /// Entries of the inference log that are kept at most.
    pub max_predictions: u64,
    /// How long results are remembered that nobody asks for again.
    pub keep_cached: Duration,
    /// Results that are remembered at most.
    pub max_cached: u64,
    /// As many minutes of history as go into this time are kept.
    pub keep_history: Duration,
}

impl Default for StoreLimits {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            max_waiting: 10_000_000,
            keep_finished: 7 * day,
            keep_failed: 30 * day,
            max_deleted_per_sweep: 1_000,
            keep_predictions: 30 * day,
            max_predictions: 1_000_000,
            keep_cached: 7 * day,
            max_cached: 100_000,
            keep_history: 8 * day,
        }
    }
}

/// Conditions that a caller can act on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The session has ended; open a new one.
    #[error("the session has ended")]
    SessionLost,
    /// The job's state forbids it.
    #[error(transparent)]
    Refused(#[from] crate::job::Refused),
    /// The job runs; cancel it first.
    #[error("the job is running")]
    Running,
    /// The run's state forbids it.
    #[error(transparent)]
    RunRefused(#[from] crate::run::RunRefused),
    /// The same idempotency key was used before for another run.
    #[error("the idempotency key was used for another run")]
    KeyTaken,
    /// The job is an item of a run, and goes with it.
    #[error("the job is an item of a run")]
    PartOfRun,
    /// More than [`MAX_BATCH`] items in one call.
    #[error("a call carries at most {MAX_BATCH} items")]
    BatchTooLarge,
    /// There is no room to write. Nothing was recorded.
    #[error("the disk is full")]
    DiskFull,
    /// The store cannot be reached or is shutting down. Whether the call was recorded is unknown.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another process has it open.
    #[error("the store is in use by another process")]
    InUse,
    /// A fault of ours or of the file.
    #[error("store fault")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}
