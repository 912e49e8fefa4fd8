//! A job: the durable unit that a client submits. One image, one or more operations.

mod attempt;
mod name;
mod new;
mod place;
mod state;

use serde::{Deserialize, Serialize};

pub use attempt::{Artifact, Attempt, AttemptEnd, Failure, FailureKind, OperationResult, Outcome, Timings};
pub use name::{FileName, InvalidName, Lane, Origin, Owner, QueueName};
pub use new::{Caching, Idempotency, Input, InvalidJob, MAX_OPERATIONS, NewJob};
pub use place::Place;
pub use state::{AttemptLimits, Event, Refused, Shown, State, Status};

use crate::{JobId, Operation, Timestamp, run::ItemOf};

/// A job as the store knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name for ever.
    pub id: JobId,
    /// The order of submission in this store; newer jobs have greater numbers. The cursor of every listing.
    pub seq: u64,
    /// Who submitted it.
    pub owner: Owner,
    /// The queue that it waits in.
    pub queue: QueueName,
    /// The surface that it came through.
    pub origin: Origin,
    /// Which item of which run it is, if it is one.
    pub item: Option<ItemOf>,
    /// A name that the surface looks it up by, see [`NewJob::alias`].
    pub alias: Option<String>,
    /// Higher is claimed first within a lane.
    pub priority: i8,
    /// The image.
    pub input: Input,
    /// What is done to it.
    pub operations: Vec<Operation>,
    /// Where it stands.
    pub status: Status,
    /// Whether its queue is paused, or its run gives no work: a queued job is then shown as held.
    pub held: bool,
    /// Bounds on its attempts.
    pub limits: AttemptLimits,
    /// Whether it has to do with the result cache.
    pub caching: Caching,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it became (or becomes) claimable.
    pub run_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub finished_at: Option<Timestamp>,
    /// Every attempt that has ended, oldest first; left empty in listings, the newest alone in those of items.
    pub attempts: Vec<Attempt>,
    /// One result an operation, in their order, once it has succeeded; left empty in listings.
    pub results: Vec<OperationResult>,
    /// Why it failed, if its state is failed, or why it waits for another attempt.
    pub failure: Option<Failure>,
}

impl Job {
    /// The state as users see it.
    pub fn shown(&self) -> Shown {
        self.status.state.shown(self.held)
    }

    /// Where the time of the attempt that ended it went. `None` where that is not known: it has not ended, all its
    /// results were remembered, or its worker never said.
    pub fn spent(&self) -> Option<Timings> {
        let remembered = !self.results.is_empty() && self.results.iter().all(|result| result.cached);
        let last = self.attempts.last().filter(|_| self.status.state.is_final() && !remembered)?;
        let told = last.number == self.status.lease_seq && last.end.is_told_by_its_worker();
        told.then_some(last.timings)
    }
}
