//! What people do to jobs and queues.

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId,
    job::{Event, Job, QueueName, State},
    store::{Admin, StoreError},
};

use super::Memory;

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
