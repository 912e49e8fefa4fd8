//! What people do to jobs and queues.

use std::collections::BTreeSet;

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId,
    job::{Event, Job, QueueName, State},
    store::{Acted, Action, Admin, Chosen, MAX_PAGE, MaxRunning, Page, StoreError},
};

use super::{Memory, stock::Stock};

#[async_trait]
impl Admin for Memory {
    async fn cancel(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.move_by_hand(id, Event::Cancel)
    }

    async fn retry(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.move_by_hand(id, Event::Retry)
    }

    async fn delete(&self, id: JobId) -> Result<Option<Vec<BlobId>>, StoreError> {
        self.with(|stock, _, _| {
            let Some(seq) = stock.ids.get(&id).copied() else { return Ok(None) };
            let job = stock.jobs.get(&seq).map(|entry| &entry.job);
            if job.is_some_and(|job| job.item.is_some()) {
                return Err(StoreError::PartOfRun);
            }
            if job.is_some_and(|job| job.status.state == State::Running) {
                return Err(StoreError::Running);
            }
            let blobs = stock.remove(seq);
            Ok(Some(blobs.into_iter().filter(|blob| !stock.blobs.contains_key(blob)).collect()))
        })
    }

    async fn act(&self, action: Action, chosen: Chosen, page: Page) -> Result<Acted, StoreError> {
        let Chosen { filter, ids } = chosen;
        if ids.as_ref().is_some_and(|ids| ids.len() > MAX_PAGE as usize) {
            return Err(StoreError::BatchTooLarge);
        }
        let limit = page.limit.clamp(1, MAX_PAGE) as usize;
        self.with(|stock, now, news| {
            let meant: Option<BTreeSet<u64>> =
                ids.map(|ids| ids.iter().filter_map(|id| stock.ids.get(id)).copied().collect());
            let is_meant = |seq: &u64| meant.as_ref().is_none_or(|meant| meant.contains(seq));
            let mut found: Vec<u64> =
                stock.listed(&filter, page.before).filter(is_meant).take(limit + 1).collect();
            let more = found.len() > limit;
            found.truncate(limit);
            let mut acted = Acted { next: found.last().copied().filter(|_| more), ..Acted::default() };
            let mut blobs = BTreeSet::new();
            for seq in found {
                if stock.changes(seq, action) {
                    acted.changed += 1;
                    match action.event() {
                        Some(event) => drop(stock.step(seq, event, now, news)?),
                        None => blobs.extend(stock.remove(seq)),
                    }
                } else {
                    acted.skipped += 1;
                }
            }
            acted.orphans = blobs.into_iter().filter(|blob| !stock.blobs.contains_key(blob)).collect();
            Ok(acted)
        })
    }

    async fn pause(&self, queue: QueueName) -> Result<(), StoreError> {
        self.with(|stock, _, _| stock.pause(queue));
        Ok(())
    }

    async fn resume(&self, queue: QueueName) -> Result<(), StoreError> {
        self.with(|stock, _, news| {
            stock.resume(&queue);
            news.work = true;
        });
        Ok(())
    }

    async fn limit(&self, queue: QueueName, max_running: Option<MaxRunning>) -> Result<(), StoreError> {
        self.with(|stock, _, news| {
            stock.limit(&queue, max_running);
            news.work = true;
        });
        Ok(())
    }
}

impl Memory {
    fn move_by_hand(&self, id: JobId, event: Event) -> Result<Option<Job>, StoreError> {
        self.with(|stock, now, news| {
            let Some(seq) = stock.ids.get(&id).copied() else { return Ok(None) };
            stock.step(seq, event, now, news)?;
            Ok(stock.job(seq))
        })
    }
}

impl Stock {
    /// Whether an action changes this job.
    fn changes(&self, seq: u64, action: Action) -> bool {
        let Some(job) = self.jobs.get(&seq).map(|entry| &entry.job) else { return false };
        action.changes(job.status, job.limits, job.item.as_ref().map(|item| &item.key))
    }
}
