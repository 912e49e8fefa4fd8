//! What the creation of a run must say, checked before it reaches a store.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AggregateSpec, InvalidAggregate, MAX_AGGREGATES, OnError};
use crate::{
    BlobId, Operation, RunId, Timestamp,
    job::{AttemptLimits, Caching, Idempotency, MAX_OPERATIONS, Origin, Owner, QueueName},
};

/// The longest name of a run, in characters.
pub const MAX_RUN_NAME: usize = 200;

/// The longest description of a source, in bytes of JSON.
pub const MAX_SOURCE: usize = 1 << 20;

/// What people call a run: one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunName(String);

impl RunName {
    /// The first [`MAX_RUN_NAME`] characters of what was given that are no control characters; `None` if nothing is
    /// left.
    pub fn clean(given: &str) -> Option<Self> {
        let kept: String = given.chars().filter(|c| !c.is_control()).take(MAX_RUN_NAME).collect();
        let kept = kept.trim();
        (!kept.is_empty()).then(|| Self(kept.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Items of a run that may wait at a time, 1 to 10,000; 10,000 unless told. More wait in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct HighWater(u32);

impl HighWater {
    /// The highest.
    pub const MAX: u32 = 10_000;

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for HighWater {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

impl TryFrom<u32> for HighWater {
    type Error = InvalidRun;
    fn try_from(value: u32) -> Result<Self, InvalidRun> {
        if (1..=Self::MAX).contains(&value) { Ok(Self(value)) } else { Err(InvalidRun::HighWater) }
    }
}

impl From<HighWater> for u32 {
    fn from(mark: HighWater) -> Self {
        mark.0
    }
}

/// A valid run to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Chosen by whoever asks.
    pub id: RunId,
    /// What people call it.
    pub name: RunName,
    /// Who asks.
    pub owner: Owner,
    /// The queue that its items wait in.
    pub queue: QueueName,
    /// The surface that it came through.
    pub origin: Origin,
    /// Where its items come from, as a document of at most [`MAX_SOURCE`] bytes.
    pub source: serde_json::Value,
    /// The archive that its items are in, if it was uploaded: kept until all items are known.
    pub archive: Option<BlobId>,
    /// What is done to each item: 1 to [`MAX_OPERATIONS`].
    pub operations: Vec<Operation>,
    /// What is gathered: at most [`MAX_AGGREGATES`].
    pub aggregates: Vec<AggregateSpec>,
    /// What failed items mean to it.
    pub on_error: OnError,
    /// Items that may wait at a time.
    pub high_water: HighWater,
    /// Bounds on the attempts of each item.
    pub limits: AttemptLimits,
    /// Whether its results may be remembered ones, and are remembered.
    pub caching: Caching,
    /// Makes a repeated request give the first one's run, for as long as that is kept.
    pub idempotency: Option<Idempotency>,
}

/// Why a run cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRun {
    /// There is nothing to do, or too much.
    #[error("a run has 1 to {MAX_OPERATIONS} operations")]
    Operations,
    /// Too much is to be gathered.
    #[error("a run has at most {MAX_AGGREGATES} aggregates")]
    TooManyAggregates,
    /// Something cannot be gathered.
    #[error("aggregate {0}: {1}")]
    Aggregate(usize, #[source] InvalidAggregate),
    /// The description of the source is too long.
    #[error("the description of a source has at most {MAX_SOURCE} bytes")]
    SourceTooLong,
    /// The mark is none.
    #[error("1 to {} items of a run may wait", HighWater::MAX)]
    HighWater,
}

impl NewRun {
    /// A run with every choice at its default; gathers what [`AggregateSpec::defaults`] says for its operations.
    pub fn new(
        now: Timestamp,
        name: RunName,
        source: serde_json::Value,
        operations: Vec<Operation>,
    ) -> Result<Self, InvalidRun> {
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            return Err(InvalidRun::Operations);
        }
        if source.to_string().len() > MAX_SOURCE {
            return Err(InvalidRun::SourceTooLong);
        }
        Ok(Self {
            id: RunId::new(now),
            name,
            owner: Owner::default(),
            queue: QueueName::default(),
            origin: Origin::default(),
            source,
            archive: None,
            aggregates: AggregateSpec::defaults(&operations),
            operations,
            on_error: OnError::default(),
            high_water: HighWater::default(),
            limits: AttemptLimits::default(),
            caching: Caching::default(),
            idempotency: None,
        })
    }

    /// The run, gathering these instead.
    pub fn gathering(self, aggregates: Vec<AggregateSpec>) -> Result<Self, InvalidRun> {
        if aggregates.len() > MAX_AGGREGATES {
            return Err(InvalidRun::TooManyAggregates);
        }
        for (at, spec) in aggregates.iter().enumerate() {
            spec.check(&self.operations).map_err(|error| InvalidRun::Aggregate(at, error))?;
        }
        Ok(Self { aggregates, ..self })
    }
}
