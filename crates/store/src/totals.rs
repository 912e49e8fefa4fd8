//! Running totals, so that counting a million jobs reads a dozen numbers.

use std::collections::BTreeMap;

use darkroom_core::{
    Timestamp,
    job::{QueueName, State},
    store::{Bucket, Counts, OperationCounts, QueueCounts},
};

const MINUTE_MS: i64 = 60_000;

/// Minutes that [`Counts::recent`] looks back, the current one included.
const RECENT_MINUTES: i64 = 60;

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
    /// By start of minute in milliseconds: succeeded, failed, cancelled.
    pub(crate) minutes: BTreeMap<i64, [u64; 3]>,
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
    pub(crate) fn finished<'a>(
        &mut self,
        operations: impl Iterator<Item = &'a str>,
        state: State,
        at: Timestamp,
    ) {
        let column = match state {
            State::Succeeded => 0,
            State::Failed => 1,
            _ => 2,
        };
        self.minutes.entry(minute_of(at)).or_default()[column] += 1;
        if column == 2 {
            return;
        }
        for name in operations {
            match self.operations.get_mut(name) {
                Some(counts) => counts[column] += 1,
                None => self.operations.entry(name.to_owned()).or_default()[column] += 1,
            }
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

    /// Drops the minutes that [`Counts::recent`] does not show any more.
    pub(crate) fn forget_old_minutes(&mut self, now: Timestamp) {
        self.minutes = self.minutes.split_off(&oldest_minute(now));
    }

    /// The answer to [`darkroom_core::store::Ledger::counts`].
    pub(crate) fn counts(&self, now: Timestamp, oldest_queued: Option<Timestamp>) -> Counts {
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
        let bucket = |(minute, [succeeded, failed, cancelled]): (&i64, &[u64; 3])| Bucket {
            minute: Timestamp::from_millis(*minute),
            succeeded: *succeeded,
            failed: *failed,
            cancelled: *cancelled,
        };
        Counts {
            queues: self.queues.iter().map(queue).collect(),
            operations: self.operations.iter().map(operation).collect(),
            recent: self.minutes.range(oldest_minute(now)..).map(bucket).collect(),
            oldest_queued,
        }
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS
}

fn oldest_minute(now: Timestamp) -> i64 {
    minute_of(now) - (RECENT_MINUTES - 1) * MINUTE_MS
}
