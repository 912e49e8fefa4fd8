//! The inference log.

use std::collections::VecDeque;

use async_trait::async_trait;
use darkroom_core::{
    Timestamp,
    prediction::{NewPrediction, Prediction},
    store::{MAX_FORGOTTEN, MAX_PAGE, Page, PredictionFilter, Predictions, StoreError, StoreLimits},
};

use super::{Memory, check_batch};

/// Every entry that is kept, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Prediction>,
    last_seq: u64,
}

#[async_trait]
impl Predictions for Memory {
    async fn record(&self, entries: Vec<NewPrediction>) -> Result<(), StoreError> {
        check_batch(entries.len())?;
        self.with(|stock, _, _| stock.log.record(entries));
        Ok(())
    }

    async fn predictions(&self, filter: PredictionFilter, page: Page) -> Result<Vec<Prediction>, StoreError> {
        let before = page.before.unwrap_or(u64::MAX);
        let stock = self.stock();
        let newest_first = stock.log.entries.iter().rev().filter(|logged| logged.seq < before);
        let matching = newest_first.filter(|logged| filter.shows(&logged.entry));
        Ok(matching.take(page.limit.clamp(1, MAX_PAGE) as usize).cloned().collect())
    }
}

impl Log {
    pub(super) fn record(&mut self, entries: Vec<NewPrediction>) {
        for entry in entries {
            self.last_seq += 1;
            self.entries.push_back(Prediction { seq: self.last_seq, entry });
        }
    }

    /// Drops the oldest entries that retention has outlived; how many.
    pub(super) fn forget(&mut self, limits: &StoreLimits, now: Timestamp) -> u64 {
        let outlived = |logged: &&Prediction| {
            logged.entry.at + limits.keep_predictions <= now
                || logged.seq + limits.max_predictions <= self.last_seq
        };
        let count = self.entries.iter().take(MAX_FORGOTTEN).take_while(outlived).count();
        self.entries.drain(..count);
        count as u64
    }
}
