//! Where runs live: datasets, many jobs each.
//!
//! **The promise**: an item is recorded once, however often its source gives it; counts and aggregates change in the
//! transaction that moves the item's job, so that they are exactly those of the items that have succeeded, whatever
//! crashed in between; and no call holds the store for longer than one batch takes.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    JobId, RunId, Timestamp,
    job::{Job, Owner, State},
    run::{Aggregate, Cell, Entry, NewItem, NewRun, Run, RunEvent, RunState},
};

/// Runs, their items, and what was gathered over them.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Makes a run; its source is still growing. A run of this id that is there already is left as it is, and given, as is
    /// one that this owner asked for under the same idempotency key with the same fingerprint.
    /// Errors: [`StoreError::KeyTaken`] if it was asked for with another.
    async fn create_run(&self, run: NewRun) -> Result<Run, StoreError>;

    /// Records what a source gave, in its order, and with it the run's position: as much as there is room for under
    /// the run's high-water mark and the store's. What lies before the position was recorded before; it is passed
    /// over and counts as taken. `None` if unknown.
    /// Errors: [`StoreError::RunRefused`] for a run that has ended or whose items are all known.
    async fn append(&self, run: RunId, items: Vec<NewItem>) -> Result<Option<Appended>, StoreError>;

    /// Something happens to a run, by [`crate::run::RunStatus::after`]. Pausing and failing hold its waiting items;
    /// cancelling cancels them, those above a batch with the next sweeps, and has running ones stop;
    /// [`RunEvent::Retry`] first queues everything that has failed, with a fresh budget of attempts, and
    /// [`RunEvent::Redo`] everything that has ended (see [`Runs::redo`]), in bounded steps. The run as this has left it; `None` if unknown. Errors: [`StoreError::RunRefused`].
    async fn change_run(&self, run: RunId, event: RunEvent) -> Result<Option<Run>, StoreError>;

    /// Queues items that have succeeded once more. What they gave to the aggregates is taken back, and their results
    /// with it. Other jobs are passed over. How many were queued; `None` if the run is unknown.
    /// Errors: [`StoreError::RunRefused`] for a cancelled run.
    async fn redo(&self, run: RunId, jobs: Vec<JobId>) -> Result<Option<u64>, StoreError>;

    /// Deletes a run: it is gone at once, its items with the next sweeps. Whether there was one.
    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError>;

    /// One run.
    async fn run(&self, run: RunId) -> Result<Option<Run>, StoreError>;

    /// Runs that match, newest first.
    async fn runs(&self, filter: RunFilter, page: super::Page) -> Result<Vec<Run>, StoreError>;

    /// Items of a run as jobs with results, in the order in which the source gave them. Of their attempts they have
    /// the newest one alone, once it has ended.
    async fn items(&self, run: RunId, page: ItemPage) -> Result<Vec<Job>, StoreError>;

    /// What the run has gathered so far. `None` if unknown.
    async fn aggregates(&self, run: RunId) -> Result<Option<Vec<Aggregate>>, StoreError>;

    /// How many items had ended, well or not, by when: the ends of at most `slices` even parts of the time from the
    /// first claim to the last end, those in which something ended.
    async fn pace(&self, run: RunId, slices: u32) -> Result<Vec<(Timestamp, u64)>, StoreError>;

    /// The groups of one aggregate, by name: folders with their sums, labels with their counts.
    async fn groups(&self, run: RunId, page: GroupPage) -> Result<Vec<(String, Cell)>, StoreError>;
}

/// The answer to a chunk of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Items of the chunk that are dealt with, from its beginning; the rest is to come again when there is room.
    pub taken: usize,
    /// Those of them that are new.
    pub added: usize,
    /// Items that may wait beyond those that do.
    pub room: u64,
}

impl Appended {
    /// What becomes of a chunk where so many items more may wait in the whole store. What the run's position is past
    /// was recorded before. Images stop at the first for which there is no room; what is none needs none.
    pub fn by(run: &Run, items: &[NewItem], free: u64) -> Self {
        let mut done = Self { room: run.room().min(free), ..Self::default() };
        for item in items {
            if item.index >= run.position.next {
                let is_image = matches!(item.entry, Entry::Image(..));
                if is_image && done.room == 0 {
                    break;
                }
                done.room -= u64::from(is_image);
                done.added += 1;
            }
            done.taken += 1;
        }
        done
    }
}

/// Which runs a listing shows. Every field narrows; the default matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Any of these states; empty is any.
    pub states: Vec<RunState>,
    /// Runs of this owner.
    pub owner: Option<Owner>,
    /// The run that was asked for under this idempotency key; each owner may have one.
    pub key: Option<String>,
}

/// A part of the items of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage {
    /// Items at most, 1 to [`super::MAX_PAGE`].
    pub limit: u32,
    /// Only items after this sequence number: the last one of the page before.
    pub after: Option<u64>,
    /// Any of these states; empty is any.
    pub states: Vec<State>,
}

/// A part of the groups of an aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPage {
    /// The place of the aggregate in the run.
    pub aggregate: u8,
    /// Groups at most, 1 to [`super::MAX_PAGE`].
    pub limit: u32,
    /// Only groups after this one: the last one of the page before.
    pub after: Option<String>,
}
