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
        self.with(|shelf, _, _| {
            let Some(seq) = shelf.ids.get(&id).copied() else { return Ok(None) };
            let state = shelf.jobs.get(&seq).map(|entry| entry.job.status.state);
            if state == Some(State::Running) {
                return Err(StoreError::Running);
            }
            let blobs = shelf.remove(seq);
            Ok(Some(blobs.into_iter().filter(|blob| !shelf.blobs.contains_key(blob)).collect()))
        })
    }

    async fn pause(&self, queue: QueueName) -> Result<(), StoreError> {
        self.with(|shelf, _, _| shelf.pause(queue));
        Ok(())
    }

    async fn resume(&self, queue: QueueName) -> Result<(), StoreError> {
        self.with(|shelf, _, news| {
            shelf.resume(&queue);
            news.work = true;
        });
        Ok(())
    }
}

impl Memory {
    fn move_by_hand(&self, id: JobId, event: Event) -> Result<Option<Job>, StoreError> {
        self.with(|shelf, now, news| {
            let Some(seq) = shelf.ids.get(&id).copied() else { return Ok(None) };
            shelf.step(seq, event, now, news)?;
            Ok(shelf.job(seq))
        })
    }
}
