//! The same thing done to many jobs.

use super::JobFilter;
use crate::{
    BlobId, JobId,
    job::{AttemptLimits, Event, State, Status},
    run::ItemKey,
};

/// What is done to many jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// As [`super::Admin::retry`].
    Retry,
    /// As [`super::Admin::cancel`].
    Cancel,
    /// As [`super::Admin::delete`].
    Delete,
}

/// Which jobs are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Those that match.
    pub filter: JobFilter,
    /// Of these only, at most [`super::MAX_PAGE`]; `None` is all.
    pub ids: Option<Vec<JobId>>,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acted {
    /// Jobs that were changed.
    pub changed: u64,
    /// Jobs that were left as they are: for one of them alone, the call changes nothing or is refused.
    pub skipped: u64,
    /// The last job that was looked at, if others are chosen behind it.
    pub next: Option<u64>,
    /// Blobs of deleted jobs that nobody refers to any more.
    pub orphans: Vec<BlobId>,
}

impl Action {
    /// The event by which it moves jobs; none if it removes them.
    pub fn event(self) -> Option<Event> {
        match self {
            Self::Retry => Some(Event::Retry),
            Self::Cancel => Some(Event::Cancel),
            Self::Delete => None,
        }
    }

    /// Whether it changes a job that stands like this; `item` is its name in its run, if it belongs to one.
    pub fn changes(self, status: Status, limits: AttemptLimits, item: Option<&ItemKey>) -> bool {
        match self.event() {
            Some(event) => status.after(event, limits).is_ok_and(|after| after != status),
            None => status.state != State::Running && item.is_none(),
        }
    }
}
