//! Threads that read, each with a connection of its own and a cap on the time of one question.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use darkroom_core::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::{
    syncer::OnDisk,
    trouble::{Trouble, closed},
};

/// Questions that may wait; more wait for room.
const MAX_WAITING_QUESTIONS: usize = 256;

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 2_000;

type Question = Box<dyn FnOnce(&Connection) + Send>;

pub(super) struct Readers {
    on_disk: Arc<OnDisk>,
    questions: Mutex<Option<mpsc::Sender<Question>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    pub(super) fn open(
        path: &Path,
        on_disk: Arc<OnDisk>,
        (count, cap): (usize, Duration),
    ) -> Result<Self, Trouble> {
        let (sender, receiver) = mpsc::channel(MAX_WAITING_QUESTIONS);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::new();
        for number in 0..count.max(1) {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut db = Connection::open_with_flags(path, flags)?;
            db.execute_batch("PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY;")?;
            super::plan_once(&db)?;
            db.busy_timeout(cap)?;
            db.set_prepared_statement_cache_capacity(64);
            let receiver = receiver.clone();
            let thread = std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || answer_all(&mut db, &receiver, cap))
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            threads.push(thread);
        }
        Ok(Self { on_disk, questions: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Asks one of the readers; the answer is of one moment, after every write that was acknowledged before, and what
    /// it says is on the disk.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask_without_snapshot(|db| at_one_moment(db, read)).await
    }

    /// As [`Readers::ask`]; each statement sees the moment at which it runs.
    pub(super) async fn ask_without_snapshot<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let on_disk = self.on_disk.clone();
        let question: Question = Box::new(move |db| {
            let answer = read(db);
            let _ = sender.send((answer, on_disk.newest()));
        });
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        questions.ok_or_else(closed)?.send(question).await.map_err(|_| closed())?;
        let (answer, seen) = receiver.await.map_err(|_| closed())?;
        self.on_disk.holds(seen).await?;
        Ok(answer?)
    }

    pub(super) fn close(&self) {
        drop(self.questions.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A reader that panicked has answered nobody; there is nothing left to save.
            let _ = thread.join();
        }
    }
}

fn at_one_moment<T>(
    db: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let moment = db.unchecked_transaction()?;
    let answer = read(&moment)?;
    moment.finish()?;
    Ok(answer)
}

fn answer_all(db: &mut Connection, questions: &Mutex<mpsc::Receiver<Question>>, cap: Duration) {
    loop {
        let next = questions.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(question) = next else { return };
        let started = Instant::now();
        if let Err(error) = db.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || started.elapsed() >= cap)) {
            tracing::error!(%error, "a question is asked without a cap on its time");
        }
        question(db);
    }
}
