//! What the server counts: jobs by state, queue, operation and reason, and what of the machine is used.

use darkroom_core::{
    Timestamp, job as core,
    job::Shown,
    store::{Bucket, Counts, Ended, MaxRunning, OperationCounts, QueueCounts},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Latency, Time, job::FailureKind};

/// Counts and rates of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Jobs by state, over all queues.
    pub jobs: StateCounts,
    /// The same, a queue.
    pub queues: Vec<QueueStats>,
    /// What each operation has done since the store was made.
    pub operations: Vec<OperationStats>,
    /// Jobs finished a minute, over the last five full or partial minutes.
    pub finished_per_minute: f64,
    /// What finished in each of the last 60 minutes that had any, oldest first.
    pub recent: Vec<MinuteCounts>,
    /// When the oldest queued job that is not held became claimable.
    pub oldest_queued: Option<Time>,
    /// Jobs that are failed now, by reason; reasons without any are left out.
    pub failures: Vec<FailureCount>,
    /// From submission to success or failure, of the jobs that ended so in the last five full or partial minutes.
    pub latency: Latency,
    /// What this process has seen end.
    pub since_start: SinceStart,
    /// The machine, and what of it is used.
    pub system: SystemStats,
}

/// Jobs by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct StateCounts {
    /// Waiting for their time, or for another attempt.
    pub scheduled: u64,
    /// Waiting for a worker.
    pub queued: u64,
    /// Waiting in a paused queue, or for a run that is paused or was stopped.
    pub held: u64,
    /// Being worked on.
    pub running: u64,
    /// Done.
    pub succeeded: u64,
    /// Failed for good.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

/// Jobs that failed for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureCount {
    /// The reason.
    pub kind: FailureKind,
    /// How many.
    pub count: u64,
}

/// Jobs that ended since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SinceStart {
    /// When it started.
    pub at: Time,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
}

/// The machine, and what of it is used; null where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemStats {
    /// What may still be written to the disk that holds images and artifacts.
    pub disk_free_bytes: Option<u64>,
    /// How large that disk is.
    pub disk_total_bytes: Option<u64>,
    /// Images and artifacts: measured once when the server starts, which takes some seconds, then counted along.
    pub blob_bytes: Option<u64>,
    /// Memory that the server has in use (its resident set).
    pub memory_bytes: Option<u64>,
    /// Weights of the models that are loaded, see `memory_bytes` of models.
    pub model_bytes: Option<u64>,
    /// Processors that it may use.
    pub processors: Option<u32>,
    /// When it started.
    pub started_at: Time,
}

/// Every queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queues {
    /// The queues that were ever used or paused.
    pub queues: Vec<QueueStats>,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueStats {
    /// Its name.
    pub name: String,
    /// Whether its jobs are held.
    pub paused: bool,
    /// Jobs of it that may run at a time; any number if null.
    pub max_running: Option<u32>,
    /// When its oldest queued job became claimable, or would have while the queue is paused; null if none waits. Images
    /// of runs that are paused do not count.
    pub oldest_queued: Option<Time>,
    /// Its jobs by state.
    pub jobs: StateCounts,
}

/// How many jobs of a queue may run at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueLimit {
    /// As many; null for any number. It has to be said: what is forgotten lifts no limit.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, minimum = 1, maximum = 100_000)]
    pub max_running: Option<u64>,
}

/// One operation's totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationStats {
    /// Its name.
    pub operation: String,
    /// Jobs with it that succeeded.
    pub succeeded: u64,
    /// Jobs with it that failed.
    pub failed: u64,
}

/// What finished within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MinuteCounts {
    /// The start of the minute.
    pub minute: Time,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
}

impl StateCounts {
    fn of(queue: &QueueCounts) -> Self {
        Self {
            scheduled: queue.shown(Shown::Scheduled),
            queued: queue.shown(Shown::Queued),
            held: queue.shown(Shown::Held),
            running: queue.shown(Shown::Running),
            succeeded: queue.shown(Shown::Succeeded),
            failed: queue.shown(Shown::Failed),
            cancelled: queue.shown(Shown::Cancelled),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            scheduled: self.scheduled + other.scheduled,
            queued: self.queued + other.queued,
            held: self.held + other.held,
            running: self.running + other.running,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}

impl From<&QueueCounts> for QueueStats {
    fn from(queue: &QueueCounts) -> Self {
        Self {
            name: queue.queue.to_string(),
            paused: queue.paused,
            max_running: queue.max_running.map(MaxRunning::get),
            oldest_queued: queue.oldest_queued.map(Time::from),
            jobs: StateCounts::of(queue),
        }
    }
}

impl From<&OperationCounts> for OperationStats {
    fn from(counts: &OperationCounts) -> Self {
        Self { operation: counts.operation.clone(), succeeded: counts.succeeded, failed: counts.failed }
    }
}

impl From<&(core::FailureKind, u64)> for FailureCount {
    fn from((kind, count): &(core::FailureKind, u64)) -> Self {
        Self { kind: (*kind).into(), count: *count }
    }
}

impl From<&Bucket> for MinuteCounts {
    fn from(bucket: &Bucket) -> Self {
        Self {
            minute: bucket.minute.into(),
            succeeded: bucket.succeeded,
            failed: bucket.failed,
            cancelled: bucket.cancelled,
        }
    }
}

/// The minutes that the rate and the latency in [`Stats`] look back.
pub const RATE_MINUTES: u64 = 5;

impl SinceStart {
    /// How jobs ended since `start`.
    pub fn of(start: Timestamp, ended: Ended) -> Self {
        let Ended { succeeded, failed, cancelled } = ended;
        Self { at: start.into(), succeeded, failed, cancelled }
    }
}

impl Stats {
    /// The counts as seen at `now`, with what was measured beside them.
    pub fn at(now: Timestamp, counts: &Counts, (latency, system): (Latency, SystemStats)) -> Self {
        let queues: Vec<QueueStats> = counts.queues.iter().map(QueueStats::from).collect();
        let window = std::time::Duration::from_mins(RATE_MINUTES);
        let lately: u64 = counts
            .recent
            .iter()
            .filter(|bucket| now.since(bucket.minute) < window)
            .map(|bucket| bucket.succeeded + bucket.failed + bucket.cancelled)
            .sum();
        Self {
            jobs: queues.iter().fold(StateCounts::default(), |sum, queue| sum.plus(queue.jobs)),
            queues,
            operations: counts.operations.iter().map(OperationStats::from).collect(),
            finished_per_minute: lately as f64 / RATE_MINUTES as f64,
            recent: counts.recent.iter().map(MinuteCounts::from).collect(),
            oldest_queued: counts.oldest_queued.map(Time::from),
            failures: counts.failures.iter().map(FailureCount::from).collect(),
            latency,
            since_start: SinceStart::of(system.started_at.0, counts.ended),
            system,
        }
    }
}
