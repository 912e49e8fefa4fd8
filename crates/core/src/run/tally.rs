//! What has become of the items of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SkipReason;
use crate::job::{FailureKind, OperationResult, State};

/// Items by state, and why some failed or are none. Changed with each move of a job, never recounted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Items by state, in the order of [`State::ALL`].
    pub states: [u64; 6],
    /// Why the failed ones failed.
    pub failures: BTreeMap<FailureKind, u64>,
    /// What the source held besides: nothing is done to it, and it fails nothing.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Bytes of all items.
    pub bytes: u64,
    /// Items that have succeeded without any work: all their results were remembered.
    #[serde(default)]
    pub cached: u64,
}

/// A job went from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Where it was.
    pub from: State,
    /// Where it is.
    pub to: State,
    /// Why it failed, if it has failed in one of the two.
    pub failure: Option<FailureKind>,
}

impl Tally {
    /// Items so far.
    pub fn total(&self) -> u64 {
        self.states.iter().sum()
    }

    /// Items in this state.
    pub fn of(&self, state: State) -> u64 {
        self.states[state as usize]
    }

    /// Items that nobody works on yet.
    pub fn waiting(&self) -> u64 {
        self.of(State::Scheduled) + self.of(State::Queued)
    }

    /// Items that have not ended.
    pub fn open(&self) -> u64 {
        self.waiting() + self.of(State::Running)
    }

    /// Items that gave a result or failed.
    pub fn finished(&self) -> u64 {
        self.of(State::Succeeded) + self.failed()
    }

    /// Items that failed.
    pub fn failed(&self) -> u64 {
        self.of(State::Failed)
    }

    pub(super) fn added(&mut self, bytes: u64) {
        self.states[State::Queued as usize] += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn skipped(&mut self, reason: SkipReason) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// An item has given these results.
    pub(super) fn gave(&mut self, results: &[OperationResult]) {
        self.cached += u64::from(all_remembered(results));
    }

    /// An item that had given these results is to be done again.
    pub(super) fn took_back(&mut self, results: &[OperationResult]) {
        self.cached = self.cached.saturating_sub(u64::from(all_remembered(results)));
    }

    pub(super) fn moved(&mut self, moved: Moved) {
        let Moved { from, to, failure } = moved;
        if from == to {
            return;
        }
        self.states[from as usize] = self.states[from as usize].saturating_sub(1);
        self.states[to as usize] += 1;
        let Some(kind) = failure else { return };
        if to == State::Failed {
            *self.failures.entry(kind).or_default() += 1;
        } else if from == State::Failed
            && let Some(count) = self.failures.get_mut(&kind)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.failures.remove(&kind);
            }
        }
    }
}

fn all_remembered(results: &[OperationResult]) -> bool {
    !results.is_empty() && results.iter().all(|result| result.cached)
}
