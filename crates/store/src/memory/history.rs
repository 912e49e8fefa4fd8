//! The past, minute by minute.

use std::collections::BTreeMap;

use async_trait::async_trait;
use darkroom_core::{
    Timestamp,
    store::{Bucket, History, Period, StoreError, StoreLimits},
};

use super::{Memory, stock::Stock};
use crate::history::{MAX_FORGOTTEN_MINUTES, goes_first, kept, recent, sample};

/// Minutes by their start.
#[derive(Debug, Default)]
pub(super) struct Past(BTreeMap<Timestamp, Period>);

#[async_trait]
impl History for Memory {
    async fn history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Period>, StoreError> {
        if until <= from {
            return Ok(Vec::new());
        }
        Ok(self.stock().past.0.range(from..until).map(|(_, minute)| minute.clone()).collect())
    }
}

impl Past {
    /// The minute of the present.
    pub(super) fn minute(&mut self, now: Timestamp) -> &mut Period {
        let minute = Period::minute_of(now);
        self.0.entry(minute.start).or_insert(minute)
    }

    /// What finished lately.
    pub(super) fn recent(&self, now: Timestamp) -> Vec<Bucket> {
        let (first, last) = recent(now);
        self.0.range(first..=last).filter_map(|(_, minute)| bucket(minute)).collect()
    }

    fn forget(&mut self, limits: &StoreLimits, now: Timestamp) {
        let over = (self.0.len() as u64).saturating_sub(kept(limits.keep_history));
        for _ in 0..over.min(MAX_FORGOTTEN_MINUTES) {
            let ends = self.0.first_key_value().zip(self.0.last_key_value());
            let Some(((first, _), (last, _))) = ends else { return };
            let farthest = goes_first(*first, *last, now);
            self.0.remove(&farthest);
        }
    }
}

/// What finished within a minute, if anything did.
fn bucket(minute: &Period) -> Option<Bucket> {
    let Period { start, succeeded, failed, cancelled, .. } = *minute;
    let any = succeeded + failed + cancelled > 0;
    any.then_some(Bucket { minute: start, succeeded, failed, cancelled })
}

impl Stock {
    /// Samples the queue, once a minute.
    pub(super) fn look_at_queue(&mut self, limits: &StoreLimits, now: Timestamp) {
        if self.past.minute(now).sample.is_none() {
            let sample = sample(&self.totals, (&self.oldest_queued(), &self.held()), now);
            self.past.minute(now).sample = Some(sample);
            self.past.forget(limits, now);
        }
    }
}
