//! What the read side answers and is asked.

use serde::{Deserialize, Serialize};

use super::MaxRunning;
use crate::{
    RunId, SessionId, Timestamp,
    job::{FailureKind, Origin, Owner, QueueName, Shown, State},
};

/// Jobs of one page at most.
pub const MAX_PAGE: u32 = 1_000;

/// Which jobs a listing shows, and in what order. Every field but the order narrows; the default matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Any of these states; empty is any.
    pub states: Vec<Shown>,
    /// Jobs with this operation.
    pub operation: Option<String>,
    /// Jobs of this owner.
    pub owner: Option<Owner>,
    /// Jobs that came through this surface.
    pub origin: Option<Origin>,
    /// Jobs of this queue.
    pub queue: Option<QueueName>,
    /// Items of this run.
    pub run: Option<RunId>,
    /// Submitted at or after.
    pub since: Option<Timestamp>,
    /// Submitted before.
    pub until: Option<Timestamp>,
    /// File names that contain this, ASCII case ignored. No wildcards.
    pub text: Option<String>,
    /// Jobs that show a failure of any of these kinds: that have failed, or wait for another attempt. Empty is any.
    pub failures: Vec<FailureKind>,
    /// Which of them come first.
    pub order: Order,
}

/// The end from which a listing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What was submitted last comes first.
    #[default]
    Newest,
    /// What was submitted first comes first.
    Oldest,
}

/// A part of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Jobs at most, 1 to [`MAX_PAGE`].
    pub limit: u32,
    /// Only what comes behind this sequence number in the listing's order: that of the last one on the page before.
    pub before: Option<u64>,
}

/// How many jobs there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// By queue, sorted by name; queues that were never used or paused are left out.
    pub queues: Vec<QueueCounts>,
    /// By operation since the store was made, sorted by name.
    pub operations: Vec<OperationCounts>,
    /// Jobs that are failed now, by reason, in the order of [`FailureKind::ALL`]; reasons without any are left out.
    pub failures: Vec<(FailureKind, u64)>,
    /// Jobs that ended since the store was opened.
    pub ended: Ended,
    /// What finished in each of the last 60 minutes that had any, oldest first.
    pub recent: Vec<Bucket>,
    /// When the oldest queued job that is not held became claimable.
    pub oldest_queued: Option<Timestamp>,
}

/// How jobs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCounts {
    /// Its name.
    pub queue: QueueName,
    /// Whether claims are stopped.
    pub paused: bool,
    /// Jobs of it that may run at a time; any number if `None`.
    pub max_running: Option<MaxRunning>,
    /// When its oldest queued job became claimable, or would have while the queue is paused. Items of runs that give no
    /// work are left out.
    pub oldest_queued: Option<Timestamp>,
    /// Of the queued jobs, items of runs that give no work: paused, stopped or cancelled.
    pub held: u64,
    /// Jobs by stored state, in the order of [`crate::job::State::ALL`].
    pub states: [u64; 6],
}

impl Counts {
    /// Jobs of all queues that are shown in this state.
    pub fn shown(&self, state: Shown) -> u64 {
        self.queues.iter().map(|queue| queue.shown(state)).sum()
    }
}

impl QueueCounts {
    /// Its jobs that are shown in this state. Queued ones are all held while the queue is paused.
    pub fn shown(&self, state: Shown) -> u64 {
        let of = |state: State| self.states[state as usize];
        let waiting = of(State::Queued);
        let held = if self.paused { waiting } else { self.held.min(waiting) };
        match state {
            Shown::Scheduled => of(State::Scheduled),
            Shown::Queued => waiting - held,
            Shown::Held => held,
            Shown::Running => of(State::Running),
            Shown::Succeeded => of(State::Succeeded),
            Shown::Failed => of(State::Failed),
            Shown::Cancelled => of(State::Cancelled),
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationCounts {
    /// Its name.
    pub operation: String,
    /// Jobs with it that succeeded.
    pub succeeded: u64,
    /// Jobs with it that failed.
    pub failed: u64,
}

/// What finished within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The start of the minute.
    pub minute: Timestamp,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
}

/// How a worker process introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// Its host.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Its program version.
    pub version: String,
    /// Jobs that it works on at a time.
    pub slots: u32,
}

impl WorkerInfo {
    /// `host:pid`, as attempts keep it.
    pub fn label(&self) -> String {
        format!("{}:{}", self.host, self.pid)
    }
}

/// What a worker says with each beat, counted since its session began.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct WorkerStats {
    /// Jobs that it works on now.
    pub running: u32,
    /// Attempts that succeeded.
    pub succeeded: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// The host's load average over one minute.
    pub load: f32,
}

/// A worker whose session lives.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveWorker {
    /// Its session.
    pub session: SessionId,
    /// How it introduced itself.
    pub info: WorkerInfo,
    /// What it said last.
    pub stats: WorkerStats,
    /// When its session began.
    pub since: Timestamp,
    /// When it last beat.
    pub last_beat: Timestamp,
}
