//! The queue side and administration, handed to the writer.

use std::pin::Pin;

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId, SessionId,
    job::{Event, Job, NewJob, QueueName},
    store::{
        Acted, Action, Admin, Beat, Chosen, Leased, MAX_BATCH, MaxRunning, Notice, Page, Queue, Settled,
        Settlement, StoreError, Submitted, Swept, WorkerInfo, WorkerStats,
    },
};
use futures_core::Stream;
use tokio::sync::oneshot;

use super::{
    Sqlite,
    attempts::{Given, Report},
    book::Book,
    ledger::job_by_id,
    submit::Prepared,
    trouble::Trouble,
    writer::Call,
};
use crate::moves::Ending;

#[async_trait]
impl Queue for Sqlite {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        check_batch(jobs.len())?;
        let jobs: Vec<Prepared> = jobs.into_iter().map(Prepared::new).collect::<Result<_, _>>()?;
        self.write(jobs.len(), move |book| book.submit(jobs)).await
    }

    async fn open_session(&self, worker: WorkerInfo) -> Result<SessionId, StoreError> {
        self.write(1, move |book| book.open_session(worker)).await
    }

    async fn claim(&self, session: SessionId, slots: u32) -> Result<Vec<Leased>, StoreError> {
        let (sender, answer) = oneshot::channel();
        let given = self.call(Call::Claim(session, slots, sender), answer).await?;
        Ok(given.into_iter().map(|given| self.lease(given)).collect::<Result<_, _>>()?)
    }

    async fn beat(&self, session: SessionId, stats: WorkerStats) -> Result<Beat, StoreError> {
        self.write(0, move |book| Ok(book.beat(session, stats))).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        check_batch(settlements.len())?;
        let reports: Vec<Report> = settlements.into_iter().map(Report::new).collect::<Result<_, _>>()?;
        self.write(reports.len(), move |book| book.settle(reports)).await
    }

    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.write(1, move |book| book.release(session, &Ending::interrupted()).map(drop)).await
    }

    async fn sweep(&self) -> Result<Swept, StoreError> {
        self.write(MAX_BATCH, Book::sweep).await
    }

    fn watch(&self) -> Pin<Box<dyn Stream<Item = Notice> + Send>> {
        self.notices.watch()
    }
}

#[async_trait]
impl Admin for Sqlite {
    async fn cancel(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.move_by_hand(id, Event::Cancel).await
    }

    async fn retry(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.move_by_hand(id, Event::Retry).await
    }

    async fn delete(&self, id: JobId) -> Result<Option<Vec<BlobId>>, StoreError> {
        self.write(1, move |book| book.delete(id)).await
    }

    async fn act(&self, action: Action, chosen: Chosen, page: Page) -> Result<Acted, StoreError> {
        self.act_on_many(action, chosen, page).await
    }

    async fn pause(&self, queue: QueueName) -> Result<(), StoreError> {
        self.write(1, move |book| book.pause(queue)).await
    }

    async fn resume(&self, queue: QueueName) -> Result<(), StoreError> {
        self.write(1, move |book| {
            book.resume(&queue);
            Ok(())
        })
        .await
    }

    async fn limit(&self, queue: QueueName, max_running: Option<MaxRunning>) -> Result<(), StoreError> {
        self.write(1, move |book| book.limit(&queue, max_running)).await
    }
}

impl Sqlite {
    async fn move_by_hand(&self, id: JobId, event: Event) -> Result<Option<Job>, StoreError> {
        // Read within the transaction: the answer is the job as this call has left it.
        self.write(1, move |book| {
            book.move_by_hand(id, event)?;
            book.write_totals()?;
            job_by_id(&book.db, id)
        })
        .await
    }

    fn lease(&self, given: Given) -> Result<Leased, Trouble> {
        let operations = self.recipes.parse(given.job.operations())?;
        Ok(Leased { lease: given.lease, job: given.job.doing(operations)?, deadline: given.deadline })
    }
}

pub(super) fn check_batch(items: usize) -> Result<(), StoreError> {
    if items > MAX_BATCH { Err(StoreError::BatchTooLarge) } else { Ok(()) }
}
