//! The one thread that writes: it takes whatever waits, does it as one transaction (claims as one of their own), and
//! answers once that is safe.

use std::{
    collections::BTreeMap,
    iter,
    sync::{Arc, Mutex, PoisonError},
};

use darkroom_core::{
    SessionId,
    store::{LiveWorker, StoreError},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    attempts::Given,
    book::Book,
    faults::{Point, pass},
    trouble::{Trouble, shared, told},
};
use crate::{notices::Notices, totals::Totals};

/// Calls that may wait for the writer; more wait for room.
pub(super) const MAX_WAITING_CALLS: usize = 1_024;

/// Items of one transaction, unless one call alone has more.
const MAX_ITEMS_A_TRANSACTION: usize = 10_000;

/// What a transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survives {
    /// It is on the disk when it is answered.
    PowerLoss,
    /// The death of this process, but a loss of power only with the next durable one. A claim that is lost takes its
    /// worker with it: the job is back in the queue, as if it had not been claimed.
    OwnDeath,
}

/// What readers take from memory instead of the file. Replaced after each transaction, before its calls are answered.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) totals: Mutex<Totals>,
    pub(super) workers: Mutex<BTreeMap<SessionId, LiveWorker>>,
}

/// Answers a call, once it is known whether its transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

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
            let answer: Answer = Box::new(move |committed| drop(sender.send(committed.and(result))));
            (fate, answer)
        });
        (Self::Do(items, work), receiver)
    }

    fn items(&self) -> usize {
        match self {
            Self::Claim(_, slots, _) => *slots as usize,
            Self::Do(items, _) => *items,
        }
    }
}

pub(super) struct Writer {
    pub(super) book: Book,
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) notices: Notices,
    pub(super) published: Arc<Published>,
    /// What the connection is set to, if that is known.
    pub(super) survives: Option<Survives>,
}

impl Writer {
    /// Serves calls until nobody can make any; then folds the log into the file.
    pub(super) fn run(mut self) {
        while let Some(first) = self.calls.blocking_recv() {
            let mut items = first.items();
            let mut batch = vec![first];
            while items < MAX_ITEMS_A_TRANSACTION
                && let Ok(next) = self.calls.try_recv()
            {
                items += next.items();
                batch.push(next);
            }
            self.serve(batch);
        }
        if let Err(error) = self.book.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log could not be folded into the file; it is read on the next start");
        }
    }

    /// Claims go first, in a transaction of their own that does not wait for the disk, see [`CLAIMING`].
    fn serve(&mut self, batch: Vec<Call>) {
        let (mut claims, mut works) = (Vec::new(), Vec::new());
        for call in batch {
            match call {
                Call::Claim(session, slots, sender) => claims.push((session, slots, sender)),
                Call::Do(_, work) => works.push(work),
            }
        }
        if !claims.is_empty() {
            self.transact(Survives::OwnDeath, |writer, answers| writer.claim(claims, answers));
        }
        if !works.is_empty() {
            self.transact(Survives::PowerLoss, |writer, answers| writer.work(works, answers));
        }
    }

    /// One transaction, and the answers once it is known how that ended.
    fn transact(
        &mut self,
        survives: Survives,
        work: impl FnOnce(&mut Self, &mut Vec<Answer>) -> Result<(), rusqlite::Error>,
    ) {
        let mut answers = Vec::new();
        let begun = self.begin(survives);
        let done = work(self, &mut answers);
        match begun.and(done).and_then(|()| self.commit()) {
            Ok(()) => {
                pass(Point::BeforeAnswer);
                self.publish();
                self.book.notices_to(&self.notices);
                for answer in answers {
                    answer(Ok(()));
                }
            }
            Err(error) => {
                tracing::error!(%error, "a transaction was undone");
                for answer in answers {
                    answer(Err(shared(&error)));
                }
                self.recover();
            }
        }
    }

    /// Statements are parsed once; only SQLite's setting cannot be kept ready.
    fn begin(&mut self, survives: Survives) -> Result<(), rusqlite::Error> {
        if self.survives != Some(survives) {
            self.survives = None;
            self.book.db.execute_batch(match survives {
                Survives::PowerLoss => "PRAGMA synchronous = FULL",
                Survives::OwnDeath => "PRAGMA synchronous = NORMAL",
            })?;
            self.survives = Some(survives);
        }
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
        let wanted: Vec<_> = claims.iter().map(|(session, slots, _)| (*session, *slots)).collect();
        let (done, given) = match self.book.claim(&wanted) {
            Ok(given) => (Ok(()), given),
            Err(trouble) => (Err(trouble.of_file()), Vec::new()),
        };
        let given = given.into_iter().map(Some).chain(iter::repeat_with(|| None));
        for ((_, _, sender), given) in claims.into_iter().zip(given) {
            let result = given.unwrap_or_else(|| Ok(Vec::new()));
            answers.push(Box::new(move |committed| drop(sender.send(committed.and(result)))));
        }
        done
    }

    fn commit(&mut self) -> Result<(), rusqlite::Error> {
        self.book.references.fold(&self.book.db)?;
        self.book.write_totals().map_err(Trouble::of_file)?;
        pass(Point::BeforeCommit);
        self.book.db.prepare_cached("COMMIT")?.execute([])?;
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

    pub(super) fn publish(&self) {
        let mut totals = self.published.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if *totals != self.book.totals {
            totals.clone_from(&self.book.totals);
        }
        drop(totals);
        let workers = self.book.sessions.iter().map(|(id, held)| (*id, held.worker.clone())).collect();
        *self.published.workers.lock().unwrap_or_else(PoisonError::into_inner) = workers;
    }
}

impl Book {
    fn notices_to(&mut self, notices: &Notices) {
        notices.tell(&mut self.news);
    }
}
