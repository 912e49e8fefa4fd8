//! Running totals, so that counting a million jobs reads a dozen numbers.

use std::collections::BTreeMap;

use darkroom_core::{
    Timestamp,
    job::{FailureKind, QueueName, State},
    store::{Bucket, Counts, Ended, OperationCounts, QueueCounts},
};

use crate::history::place_of;

/// One queue's totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct QueueTotals {
    pub(crate) paused: bool,
    pub(crate) states: [u64; 6],
}

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

    pub(crate) fn is_paused(&self, queue: &QueueName) -> bool {
        self.queues.get(queue).is_some_and(|totals| totals.paused)
    }

    /// Queues whose jobs can be claimed.
    pub(crate) fn open_queues(&self) -> impl Iterator<Item = &QueueName> {
        self.queues.iter().filter(|(_, totals)| !totals.paused).map(|(name, _)| name)
    }

    /// The answer to [`darkroom_core::store::Ledger::counts`].
    pub(crate) fn counts(&self, recent: Vec<Bucket>, oldest_queued: Option<Timestamp>) -> Counts {
        let queue = |(name, totals): (&QueueName, &QueueTotals)| QueueCounts {
            queue: name.clone(),
            paused: totals.paused,
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
            oldest_queued,
        }
    }
}
