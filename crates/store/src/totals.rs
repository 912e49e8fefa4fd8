//! Running totals, so that counting a million jobs reads a dozen numbers.

use std::collections::BTreeMap;

use darkroom_core::{
    Timestamp,
    job::{FailureKind, QueueName, State},
    store::{Bucket, Counts, Ended, MaxRunning, OperationCounts, QueueCounts},
};

use crate::history::place_of;

/// One queue's totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct QueueTotals {
    pub(crate) paused: bool,
    pub(crate) max_running: Option<MaxRunning>,
    pub(crate) states: [u64; 6],
}

impl QueueTotals {
    pub(crate) fn running(&self) -> u64 {
        self.states[State::Running as usize]
    }
}

/// When the oldest queued job of each queue became claimable.
pub(crate) type OldestQueued = BTreeMap<QueueName, Timestamp>;

/// Queued jobs of each queue that runs hold.
pub(crate) type Held = BTreeMap<QueueName, u64>;

/// How many jobs there are and how many finished.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) queues: BTreeMap<QueueName, QueueTotals>,
    /// By operation: succeeded, failed.
    pub(crate) operations: BTreeMap<String, [u64; 2]>,
    /// Since the store was opened; not in the file.
    pub(crate) ended: Ended,
    /// Jobs that are failed now, in the order of [`FailureKind::ALL`].
    pub(crate) failures: [u64; FailureKind::ALL.len()],
}

impl Totals {
    /// A job of this queue went from one state to another; `None` is outside of the store.
    pub(crate) fn moved(&mut self, queue: &QueueName, from: Option<State>, to: Option<State>) {
        if !self.queues.contains_key(queue) {
            self.queues.insert(queue.clone(), QueueTotals::default());
        }
        let Some(totals) = self.queues.get_mut(queue) else { return };
        if let Some(state) = from {
            totals.states[state as usize] -= 1;
        }
        if let Some(state) = to {
            totals.states[state as usize] += 1;
        }
    }

    /// A job with these operations (each name once) reached a final state.
    pub(crate) fn finished<'a>(&mut self, operations: impl Iterator<Item = &'a str>, state: State) {
        let column = match state {
            State::Succeeded => 0,
            State::Failed => 1,
            _ => {
                self.ended.cancelled += 1;
                return;
            }
        };
        let ended = if column == 0 { &mut self.ended.succeeded } else { &mut self.ended.failed };
        *ended += 1;
        for name in operations {
            match self.operations.get_mut(name) {
                Some(counts) => counts[column] += 1,
                None => self.operations.entry(name.to_owned()).or_default()[column] += 1,
            }
        }
    }

    /// A job failed for good, for this reason.
    pub(crate) fn failed(&mut self, kind: Option<FailureKind>) {
        if let Some(kind) = kind {
            self.failures[place_of(kind)] += 1;
        }
    }

    /// A job that had failed for this reason is queued again, or deleted.
    pub(crate) fn failed_no_more(&mut self, kind: Option<FailureKind>) {
        if let Some(kind) = kind {
            let count = &mut self.failures[place_of(kind)];
            *count = count.saturating_sub(1);
        }
    }

    /// Scheduled and queued jobs.
    pub(crate) fn waiting(&self) -> u64 {
        let of = |totals: &QueueTotals| {
            totals.states[State::Scheduled as usize] + totals.states[State::Queued as usize]
        };
        self.queues.values().map(of).sum()
    }

    /// Queues with a limit: how many of their jobs may run, and how many do.
    pub(crate) fn limited(&self) -> impl Iterator<Item = (&QueueName, MaxRunning, u64)> {
        self.queues.iter().filter_map(|(name, totals)| Some((name, totals.max_running?, totals.running())))
    }

    /// Sets the limit of a queue, known or not; returns how many of its jobs run.
    pub(crate) fn limit(&mut self, queue: &QueueName, max: Option<MaxRunning>) -> u64 {
        let totals = self.queues.entry(queue.clone()).or_default();
        totals.max_running = max;
        totals.running()
    }

    pub(crate) fn is_paused(&self, queue: &QueueName) -> bool {
        self.queues.get(queue).is_some_and(|totals| totals.paused)
    }

    /// Queues in which jobs wait to be claimed, or would if they were not paused.
    pub(crate) fn waited_in(&self) -> impl Iterator<Item = &QueueName> {
        self.queues
            .iter()
            .filter(|(_, totals)| totals.states[State::Queued as usize] > 0)
            .map(|(name, _)| name)
    }

    /// The first of these times that is of a queue whose jobs can be claimed.
    fn oldest_claimable(&self, oldest: &OldestQueued) -> Option<Timestamp> {
        oldest.iter().filter(|(queue, _)| !self.is_paused(queue)).map(|(_, at)| *at).min()
    }

    /// The answer to [`darkroom_core::store::Ledger::counts`].
    pub(crate) fn counts(&self, recent: Vec<Bucket>, (oldest, held): (&OldestQueued, &Held)) -> Counts {
        let queue = |(name, totals): (&QueueName, &QueueTotals)| QueueCounts {
            queue: name.clone(),
            paused: totals.paused,
            max_running: totals.max_running,
            oldest_queued: oldest.get(name).copied(),
            // The states may be of a moment before.
            held: held.get(name).map_or(0, |held| totals.states[State::Queued as usize].min(*held)),
            states: totals.states,
        };
        let operation = |(name, [succeeded, failed]): (&String, &[u64; 2])| OperationCounts {
            operation: name.clone(),
            succeeded: *succeeded,
            failed: *failed,
        };
        let failures = FailureKind::ALL.into_iter().zip(self.failures);
        Counts {
            queues: self.queues.iter().map(queue).collect(),
            operations: self.operations.iter().map(operation).collect(),
            ended: self.ended,
            failures: failures.filter(|(_, count)| *count > 0).collect(),
            recent,
            oldest_queued: self.oldest_claimable(oldest),
        }
    }
}
