//! The one thread that writes: it takes whatever waits, does it as one transaction, answers claims, and leaves the other
//! answers to the thread that makes the transaction durable.

use std::{
    collections::BTreeMap,
    iter,
    sync::{Arc, Mutex, PoisonError},
};

use darkroom_core::{
    SessionId,
    store::{LiveWorker, StoreError},
};
use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, oneshot};

use super::{
    attempts::Given,
    book::Book,
    faults::{Point, pass},
    syncer::{OnDisk, Syncer},
    trouble::{Trouble, shared, told},
};
use crate::{notices::Notices, totals::Totals};

/// Calls that may wait for the writer; more wait for room.
pub(super) const MAX_WAITING_CALLS: usize = 1_024;

/// Items of one transaction, unless one call alone has more.
const MAX_ITEMS_A_TRANSACTION: usize = 10_000;

/// Items of other calls that a claim waits for at most, but for those of the transaction before. Up to here one
/// transaction costs less than two, and claims find what it queues.
const MAX_ITEMS_BEFORE_CLAIMS: usize = 256;

/// What readers take from memory instead of the file. Replaced after each transaction, before its calls are answered.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) totals: Mutex<Totals>,
    pub(super) workers: Mutex<BTreeMap<SessionId, LiveWorker>>,
}

/// Answers a call, once it is known whether its transaction is kept.
pub(super) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Does a call within a transaction. An error undoes the whole transaction.
type Work = Box<dyn FnOnce(&mut Book) -> (Result<(), rusqlite::Error>, Answer) + Send>;

/// A session, how many jobs it wants, and whom to tell.
type Claim = (SessionId, u32, oneshot::Sender<Result<Vec<Given>, StoreError>>);

/// What the writer is asked.
pub(super) enum Call {
    /// A claim: those that wait together are served together.
    Claim(SessionId, u32, oneshot::Sender<Result<Vec<Given>, StoreError>>),
    /// Anything else, with the number of its items.
    Do(usize, Work),
}

impl Call {
    /// A call that does `work` and the answer to it.
    pub(super) fn new<T: Send + 'static>(
        items: usize,
        work: impl FnOnce(&mut Book) -> Result<T, Trouble> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |book| {
            let (fate, result) = match work(book) {
                Ok(value) => (Ok(()), Ok(value)),
                Err(Trouble::Call(error)) => (Ok(()), Err(error)),
                Err(Trouble::File(error)) => (Err(error), Err(StoreError::Unavailable(String::new()))),
            };
            // Whoever does not listen any more needs no answer.
            let answer: Answer = Box::new(move |kept| drop(sender.send(kept.and(result))));
            (fate, answer)
        });
        (Self::Do(items, work), receiver)
    }
}

pub(super) struct Writer {
    pub(super) book: Book,
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) notices: Notices,
    pub(super) published: Arc<Published>,
    pub(super) on_disk: Arc<OnDisk>,
    pub(super) syncer: Syncer,
}

/// Calls that are served together.
#[derive(Default)]
struct Batch {
    works: Vec<Work>,
    claims: Vec<Claim>,
    /// Items of the works.
    items: usize,
}

impl Batch {
    fn add(&mut self, call: Call) {
        match call {
            Call::Claim(session, slots, sender) => self.claims.push((session, slots, sender)),
            Call::Do(items, work) => {
                self.works.push(work);
                self.items += items;
            }
        }
    }

    fn is_full(&self) -> bool {
        let claimed: usize = self.claims.iter().map(|(_, slots, _)| *slots as usize).sum();
        self.items + claimed >= MAX_ITEMS_A_TRANSACTION
    }
}

impl Writer {
    /// Serves calls until nobody can make any; then folds the log into the file.
    pub(super) fn run(mut self) {
        while let Some(first) = self.calls.blocking_recv() {
            let mut batch = Batch::default();
            batch.add(first);
            while !batch.is_full()
                && let Ok(next) = self.calls.try_recv()
            {
                batch.add(next);
            }
            self.serve(batch);
        }
        self.end();
    }

    fn serve(&mut self, mut batch: Batch) {
        if self.on_disk.is_lost() {
            // Whoever made a call that is dropped is told why.
            return;
        }
        if batch.items > MAX_ITEMS_BEFORE_CLAIMS && !batch.claims.is_empty() {
            let claims = std::mem::take(&mut batch.claims);
            self.transact(Batch { claims, ..Batch::default() });
        }
        self.transact(batch);
    }

    /// One transaction. Claims are answered when it is committed: a loss of power that takes back a claim takes its
    /// worker with it, and the job is back in the queue. All else waits for the disk.
    fn transact(&mut self, Batch { works, claims, .. }: Batch) {
        let (mut durable, mut claimed) = (Vec::with_capacity(works.len()), Vec::with_capacity(claims.len()));
        let (has_works, changes) = (!works.is_empty(), self.book.db.total_changes());
        let begun = self.begin();
        // Works first: claims find what they queue.
        let done = self.work(works, &mut durable);
        let done = begun.and(done).and(self.claim(claims, &mut claimed)).and_then(|()| self.fold());
        // Readers do not wait for claims, as claims themselves do not.
        let writes = has_works && self.book.db.total_changes() != changes;
        let commit = if writes { self.on_disk.announce() } else { self.on_disk.newest() };
        match done.and_then(|()| self.commit()) {
            Ok(()) => {
                self.publish();
                self.book.notices_to(&self.notices);
                for answer in claimed {
                    answer(Ok(()));
                }
                if has_works {
                    self.syncer.answer_after(commit, durable);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a transaction was undone");
                for answer in claimed.into_iter().chain(durable) {
                    answer(Err(shared(&error)));
                }
                self.recover();
                // Readers may wait for the commit that was announced.
                self.syncer.answer_after(commit, Vec::new());
            }
        }
    }

    fn begin(&self) -> Result<(), rusqlite::Error> {
        self.book.db.prepare_cached("BEGIN")?.execute([]).map(drop)
    }

    /// Once one work has failed, the others are only answered.
    fn work(&mut self, works: Vec<Work>, answers: &mut Vec<Answer>) -> Result<(), rusqlite::Error> {
        let mut fate = Ok(());
        for work in works {
            let (done, answer) = work(&mut self.book);
            answers.push(answer);
            fate = fate.and(done);
            pass(Point::InBatch);
        }
        fate
    }

    fn claim(&mut self, claims: Vec<Claim>, answers: &mut Vec<Answer>) -> Result<(), rusqlite::Error> {
        if claims.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> = claims.iter().map(|(session, slots, _)| (*session, *slots)).collect();
        let (done, given) = match self.book.claim(&wanted) {
            Ok(given) => (Ok(()), given),
            Err(trouble) => (Err(trouble.of_file()), Vec::new()),
        };
        let given = given.into_iter().map(Some).chain(iter::repeat_with(|| None));
        for ((_, _, sender), given) in claims.into_iter().zip(given) {
            let result = given.unwrap_or_else(|| Ok(Vec::new()));
            answers.push(Box::new(move |kept| drop(sender.send(kept.and(result)))));
        }
        done
    }

    /// Writes what is written once a transaction.
    fn fold(&mut self) -> Result<(), rusqlite::Error> {
        self.book.references.fold(&self.book.db)?;
        self.book.write_totals().map_err(Trouble::of_file)
    }

    fn commit(&mut self) -> Result<(), rusqlite::Error> {
        pass(Point::BeforeCommit);
        self.book.db.prepare_cached("COMMIT")?.execute([])?;
        pass(Point::BeforeSync);
        self.book.committed();
        Ok(())
    }

    fn recover(&mut self) {
        if !self.book.db.is_autocommit()
            && let Err(error) = self.book.db.execute_batch("ROLLBACK")
        {
            tracing::error!(error = %told(error), "a transaction could not be undone");
        }
        if let Err(trouble) = self.book.reload() {
            tracing::error!(error = %StoreError::from(trouble), "the store could not be read again");
        }
        self.publish();
    }

    pub(super) fn publish(&mut self) {
        let mut totals = self.published.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if *totals != self.book.totals {
            totals.clone_from(&self.book.totals);
        }
        drop(totals);
        if !std::mem::take(&mut self.book.sessions_changed) {
            return;
        }
        let workers = self.book.sessions.iter().map(|(id, held)| (*id, held.worker.clone())).collect();
        *self.published.workers.lock().unwrap_or_else(PoisonError::into_inner) = workers;
    }

    fn end(self) {
        self.syncer.finish();
        let db = &self.book.db;
        // A log that could not be synced is left as it is: whoever opens it next checks it frame by frame.
        let ended = if self.on_disk.is_lost() {
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
        } else {
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the write-ahead log could not be folded into the file; it is read on the next start");
        }
    }
}

impl Book {
    fn notices_to(&mut self, notices: &Notices) {
        notices.tell(&mut self.news);
    }
}
