//! Where the inference log lives. Reads see every write that was acknowledged before them.

use async_trait::async_trait;

use super::{Page, StoreError};
use crate::{
    Timestamp,
    job::Owner,
    prediction::{Ending, NewPrediction, Prediction, Surface},
};

/// Entries, and remembered results, that one sweep forgets at most of each.
pub const MAX_FORGOTTEN: usize = 10_000;

/// Which entries a listing shows. Every field narrows; the default matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PredictionFilter {
    /// Of the model of this name, found or not.
    pub model: Option<String>,
    /// Of this version of it.
    pub version: Option<String>,
    /// Asked here.
    pub surface: Option<Surface>,
    /// That ended so.
    pub ending: Option<Ending>,
    /// Whose likeliest label is this one.
    pub label: Option<String>,
    /// Asked by this owner.
    pub owner: Option<Owner>,
    /// Answered at or after.
    pub since: Option<Timestamp>,
    /// Answered before.
    pub until: Option<Timestamp>,
}

impl PredictionFilter {
    /// Whether it shows this entry: the meaning of the filter, which every store keeps to.
    pub fn shows(&self, entry: &NewPrediction) -> bool {
        let model = entry.model.as_ref();
        let best = match &entry.answer {
            crate::prediction::Answer::Given(best) => best.as_ref(),
            crate::prediction::Answer::Failed { .. } => None,
        };
        self.model.as_ref().is_none_or(|name| model.is_some_and(|model| model.name == *name))
            && self.version.as_ref().is_none_or(|v| model.is_some_and(|m| m.version.as_ref() == Some(v)))
            && self.surface.is_none_or(|surface| entry.surface == surface)
            && self.ending.is_none_or(|ending| entry.answer.ending() == ending)
            && self.label.as_ref().is_none_or(|l| best.is_some_and(|best| best.label.as_ref() == Some(l)))
            && self.owner.as_ref().is_none_or(|owner| entry.owner == *owner)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
    }
}

/// The inference log. [`super::Queue::sweep`] forgets the oldest entries once they are older than
/// [`super::StoreLimits::keep_predictions`] or more than [`super::StoreLimits::max_predictions`]: at most
/// [`MAX_FORGOTTEN`] a sweep, and none that follows one which is kept.
#[async_trait]
pub trait Predictions: Send + Sync {
    /// Adds entries, in their order. Those of a job come with its settlement instead, see [`super::Beside`].
    async fn record(&self, entries: Vec<NewPrediction>) -> Result<(), StoreError>;

    /// Entries that match, newest first.
    async fn predictions(&self, filter: PredictionFilter, page: Page) -> Result<Vec<Prediction>, StoreError>;
}
