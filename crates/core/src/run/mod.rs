//! A run: a dataset worked through, many jobs and their aggregate.
//!
//! Its items are jobs like all others; they share a lane, so that a run of a million never starves one upload, and
//! live and die with their run. What is counted here is changed in the transaction that moves the job, so that the
//! counts are exact at every moment and after every crash.

mod aggregate;
mod cell;
mod item;
mod new;
mod state;
mod stretch;
mod summary;
mod tally;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use aggregate::{
    AggregateKind, AggregateSpec, CellName, InvalidAggregate, MAX_AGGREGATES, MAX_LABEL, Part, Pointer,
};
pub use cell::{Cell, InvalidCell};
pub use item::{Entry, InvalidKey, ItemKey, ItemOf, MAX_KEY, NewItem, Position, SkipReason};
pub use new::{HighWater, InvalidRun, MAX_RUN_NAME, MAX_SOURCE, NewRun, RunName};
pub use state::{OnError, Percent, RunEvent, RunRefused, RunState, RunStatus, SourceState, Stop, StopKind};
pub use stretch::{STANDSTILL, Stretch};
pub use summary::{Aggregate, MAX_CLASSES, Summary, Value};
pub use tally::{Moved, Tally};

use crate::{
    BlobId, JobId, Operation, RunId, Timestamp,
    fairness::LaneKey,
    job::{
        AttemptLimits, Caching, FailureKind, FileName, Idempotency, Input, InvalidJob, Lane, NewJob,
        OperationResult, Origin, Owner, QueueName, State,
    },
};

/// A run as the store knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name for ever.
    pub id: RunId,
    /// The order of creation in this store: the cursor of listings.
    pub seq: u64,
    /// What people call it.
    pub name: RunName,
    /// Who asked for it.
    pub owner: Owner,
    /// The queue that its items wait in.
    pub queue: QueueName,
    /// The surface that it came through.
    pub origin: Origin,
    /// Where its items come from, in the words of whoever enumerates them.
    pub source: serde_json::Value,
    /// The archive that its items are in, if it was uploaded.
    #[serde(default)]
    pub archive: Option<BlobId>,
    /// What is done to each item.
    pub operations: Vec<Operation>,
    /// What is gathered over all items.
    pub aggregates: Vec<AggregateSpec>,
    /// What failed items mean to it.
    pub on_error: OnError,
    /// Items that may wait at a time.
    pub high_water: HighWater,
    /// Bounds on the attempts of each item.
    pub limits: AttemptLimits,
    /// Whether its results may be remembered ones, and are remembered.
    #[serde(default)]
    pub caching: Caching,
    /// What it was asked for under, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Where it stands.
    pub status: RunStatus,
    /// How far its source was worked through.
    pub position: Position,
    /// What has become of its items.
    pub tally: Tally,
    /// What is wrong with the archive, and after how many entries: what came before was taken.
    #[serde(default)]
    pub damage: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the first item was claimed; the first one of all that was done once more, if it was redone.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub finished_at: Option<Timestamp>,
    /// The time since it was last taken up.
    #[serde(default)]
    pub stretch: Stretch,
}

impl Run {
    /// Whether it was asked for under this idempotency key.
    pub fn is_of_key(&self, key: &str) -> bool {
        self.idempotency.as_ref().is_some_and(|given| given.key == key)
    }

    /// A run that was just made.
    pub fn made(new: NewRun, seq: u64, now: Timestamp) -> Self {
        Self {
            id: new.id,
            seq,
            name: new.name,
            owner: new.owner,
            queue: new.queue,
            origin: new.origin,
            source: new.source,
            archive: new.archive,
            operations: new.operations,
            aggregates: new.aggregates,
            on_error: new.on_error,
            high_water: new.high_water,
            limits: new.limits,
            caching: new.caching,
            idempotency: new.idempotency,
            status: RunStatus::default(),
            position: Position::default(),
            tally: Tally::default(),
            damage: None,
            created_at: now,
            started_at: None,
            finished_at: None,
            stretch: Stretch::default(),
        }
    }

    /// The lane that its items take turns in.
    pub fn lane(&self) -> LaneKey {
        LaneKey { queue: self.queue.clone(), lane: Lane::from(self.id) }
    }

    /// The job of one item.
    pub fn job(&self, id: JobId, key: &ItemKey, input: Input, now: Timestamp) -> Result<NewJob, InvalidJob> {
        let name = input.name.or_else(|| FileName::clean(key.as_str()));
        let job = NewJob::new(now, Input { name, ..input }, self.operations.clone())?;
        Ok(NewJob {
            id,
            owner: self.owner.clone(),
            queue: self.queue.clone(),
            lane: Lane::from(self.id),
            origin: self.origin.clone(),
            limits: self.limits,
            caching: self.caching,
            ..job
        })
    }

    /// What an item with these results gives to the aggregates.
    pub fn parts(&self, key: &ItemKey, results: &[OperationResult]) -> Vec<(CellName, Part)> {
        let specs = self.aggregates.iter().enumerate();
        specs.flat_map(|(at, spec)| spec.parts(at as u8, key, results)).collect()
    }

    /// An item has given these results.
    pub fn gave(&mut self, results: &[OperationResult]) {
        self.tally.gave(results);
    }

    /// An item that had given these results is to be done again.
    pub fn took_back(&mut self, results: &[OperationResult]) {
        self.tally.took_back(results);
    }

    /// The uploaded archive, for as long as there may be items in it that are not known: until then it belongs to the
    /// run.
    pub fn needed_archive(&self) -> Option<BlobId> {
        self.archive.filter(|_| self.status.source == SourceState::Growing)
    }

    /// Whether more items may come.
    pub fn takes_items(&self) -> Result<(), RunRefused> {
        let state = self.status.state;
        let ended = state.is_final() || self.status.source == SourceState::Complete;
        if ended { Err(RunRefused { state }) } else { Ok(()) }
    }

    /// Items that may be appended now.
    pub fn room(&self) -> u64 {
        u64::from(self.high_water.get()).saturating_sub(self.tally.waiting())
    }

    /// Items that gave a result or failed, a second, since the run was last taken up.
    pub fn rate(&self, now: Timestamp) -> Option<f64> {
        self.stretch.rate(&self.tally, now)
    }

    /// How long it takes for the items that there are to end at that rate, while they are worked on.
    pub fn time_left(&self, now: Timestamp) -> Option<Duration> {
        let goes_on = self.status.state == RunState::Running && !self.stretch.stands_still(&self.tally, now);
        let rate = self.rate(now).filter(|rate| goes_on && *rate > 0.0)?;
        Duration::try_from_secs_f64(self.tally.open() as f64 / rate).ok()
    }

    /// How long it was worked on, without the times in which it stood still.
    pub fn worked(&self, now: Timestamp) -> Duration {
        self.stretch.worked(&self.tally, now)
    }

    /// Something of the source was recorded: an item, which waits now, or what is none.
    pub fn took(&mut self, item: &NewItem, now: Timestamp) {
        match &item.entry {
            Entry::Image(_, input) => {
                self.stretch.fed(&self.tally, now);
                self.tally.added(input.bytes);
            }
            Entry::Skipped(reason) => self.tally.skipped(*reason),
        }
        self.position = Position { next: item.index + 1, after: Some(item.key.clone()) };
    }

    /// An item's job went from one state to another. The run moves along: to its end with the last item, to a stop
    /// with one failure too many.
    pub fn item_moved(&mut self, moved: Moved, now: Timestamp) {
        self.stretch.moved(moved, &self.tally, now);
        self.tally.moved(moved);
        if moved.to == State::Running {
            self.started_at.get_or_insert(now);
        }
        let mut after = self.status.clone().progressed(&self.tally, self.on_error);
        // Blobs that cannot be read or written are no fault of the item: the others would fare the same.
        if moved.failure == Some(FailureKind::StorageUnavailable) && moved.from == State::Running {
            let stop =
                Stop::new(StopKind::StorageUnavailable, "images or results cannot be kept at the moment");
            after = after.clone().after(RunEvent::Pause(stop)).unwrap_or(after);
        }
        self.stand(after, now);
    }

    /// Something happened to the run as a whole.
    pub fn happen(&mut self, event: RunEvent, now: Timestamp) -> Result<(), RunRefused> {
        let after = self.status.clone().after(event.clone())?;
        match event {
            RunEvent::SourceDamaged(damage) => self.damage = Some(damage),
            RunEvent::Redo if self.tally.open() > 0 => self.begin_anew(now),
            _ => {}
        }
        self.stand(after.progressed(&self.tally, self.on_error), now);
        Ok(())
    }

    /// What was done before is not there any more, nor does its time count. Some of it may be at work again already.
    fn begin_anew(&mut self, now: Timestamp) {
        self.started_at = (self.tally.of(State::Running) > 0).then_some(now);
        self.stretch = Stretch { since: self.started_at, active_at: self.started_at, ..Stretch::default() };
    }

    fn stand(&mut self, after: RunStatus, now: Timestamp) {
        match (self.status.state.is_final(), after.state.is_final()) {
            (false, true) => self.finished_at = Some(now),
            (true, false) => self.finished_at = None,
            _ => {}
        }
        self.status = after;
    }
}

impl From<RunId> for Lane {
    fn from(run: RunId) -> Self {
        Self::of_run(run)
    }
}
