//! Remembered results: references to those of jobs, and a few of no job.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use darkroom_core::{
    Timestamp,
    job::OperationResult,
    store::{Cache, CacheKey, MAX_FORGOTTEN, StoreError, StoreLimits},
};

use super::{Memory, check_batch, stock::Stock};

/// Where a remembered result is.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// Among the results of this job, at this place.
    Job(u64, usize),
    /// Here: it belongs to no job.
    Here(OperationResult),
}

#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// By key, with the number in `order`.
    results: HashMap<CacheKey, (u64, Kept)>,
    /// In the order in which they were remembered last.
    order: BTreeMap<u64, (Timestamp, CacheKey)>,
    jobs: HashMap<u64, Vec<CacheKey>>,
    last: u64,
}

#[async_trait]
impl Cache for Memory {
    async fn recall(&self, keys: Vec<CacheKey>) -> Result<Vec<Option<OperationResult>>, StoreError> {
        check_batch(keys.len())?;
        let stock = self.stock();
        Ok(keys.iter().map(|key| stock.recall(key)).collect())
    }

    async fn remember(&self, results: Vec<(CacheKey, OperationResult)>) -> Result<(), StoreError> {
        check_batch(results.len())?;
        self.with(|stock, now, _| {
            for (key, result) in results.into_iter().filter(|(_, result)| result.artifacts.is_empty()) {
                stock.remembered.put(key, Kept::Here(result), now);
            }
        });
        Ok(())
    }
}

impl Stock {
    fn recall(&self, key: &CacheKey) -> Option<OperationResult> {
        match &self.remembered.results.get(key)?.1 {
            Kept::Job(seq, place) => self.jobs.get(seq)?.job.results.get(*place).cloned(),
            Kept::Here(result) => Some(result.clone()),
        }
    }
}

impl Remembered {
    /// Remembers a result, or remembers it anew.
    pub(super) fn put(&mut self, key: CacheKey, kept: Kept, now: Timestamp) {
        self.drop_key(&key);
        self.last += 1;
        if let Kept::Job(seq, _) = kept {
            self.jobs.entry(seq).or_default().push(key);
        }
        self.results.insert(key, (self.last, kept));
        self.order.insert(self.last, (now, key));
    }

    /// Forgets what is remembered of a job.
    pub(super) fn forget_job(&mut self, seq: u64) {
        for key in self.jobs.get(&seq).cloned().unwrap_or_default() {
            self.drop_key(&key);
        }
    }

    /// Forgets what was remembered longest ago, as far as it is too old or too much; how many.
    pub(super) fn forget(&mut self, limits: &StoreLimits, now: Timestamp) -> u64 {
        let beyond = (self.results.len() as u64).saturating_sub(limits.max_cached) as usize;
        let oldest = self.order.values().take(MAX_FORGOTTEN).enumerate();
        let outlived =
            oldest.take_while(|(place, (at, _))| *place < beyond || *at + limits.keep_cached <= now);
        let keys: Vec<CacheKey> = outlived.map(|(_, (_, key))| *key).collect();
        for key in &keys {
            self.drop_key(key);
        }
        keys.len() as u64
    }

    fn drop_key(&mut self, key: &CacheKey) {
        let Some((number, kept)) = self.results.remove(key) else { return };
        self.order.remove(&number);
        let Kept::Job(seq, _) = kept else { return };
        if let Some(keys) = self.jobs.get_mut(&seq) {
            keys.retain(|known| known != key);
            if keys.is_empty() {
                self.jobs.remove(&seq);
            }
        }
    }
}
