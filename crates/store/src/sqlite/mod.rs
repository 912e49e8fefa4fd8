//! The store in a SQLite file.
//!
//! One thread writes ([`writer`]): it takes whatever waits and does it as one transaction. Another ([`syncer`]) makes
//! durable what was written, once for all that waits, and answers. Two threads read. Serial commits reach a tenth of the
//! rate of merged ones, for the cost is the `fsync`, not the rows. Claims do not wait for one: a claim that a loss of
//! power takes back took its worker along.

mod attempts;
mod book;
mod bulk;
mod cache;
mod faults;
mod history;
mod ledger;
mod open_jobs;
mod predictions;
mod query;
mod queue;
mod readers;
mod recipes;
mod references;
mod rows;
mod run_book;
mod run_reads;
mod runs;
mod schema;
mod submit;
mod syncer;
mod trouble;
mod upkeep;
mod users;
mod words;
mod writer;

use std::{
    fs::{File, Permissions, TryLockError},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use darkroom_core::{
    Clock,
    store::{StoreError, StoreLimits},
};
use rusqlite::{Connection, config::DbConfig};
use tokio::sync::{mpsc, oneshot};

use crate::notices::Notices;
use book::Book;
use readers::Readers;
use recipes::Recipes;
use references::RecentReferences;
use syncer::{OnDisk, Syncer, lost};
use trouble::{Trouble, closed};
use writer::{Call, MAX_WAITING_CALLS, Published, Writer};

/// How the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Threads that read at a time.
    pub threads: usize,
    /// A question that takes longer is answered with [`StoreError::Unavailable`].
    pub cap: Duration,
}

impl Default for Reading {
    fn default() -> Self {
        Self { threads: 2, cap: Duration::from_secs(5) }
    }
}

/// A store in a SQLite file that this process alone has open.
pub struct Sqlite {
    clock: Arc<dyn Clock>,
    calls: Mutex<Option<mpsc::Sender<Call>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    references: RecentReferences,
    recipes: Recipes,
    published: Arc<Published>,
    on_disk: Arc<OnDisk>,
    notices: Notices,
    /// Held as long as the file is open; the operating system releases it with the process.
    lock: Mutex<Option<File>>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the file, or makes it. Jobs that a dead process was running are rescued.
    /// Errors: [`StoreError::InUse`] if another process has it open, [`StoreError::Unavailable`] if a newer program
    /// has written it.
    pub fn open(
        path: impl AsRef<Path>,
        limits: StoreLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::open_reading(path, limits, clock, Reading::default())
    }

    /// As [`Sqlite::open`], reading as told.
    pub fn open_reading(
        path: impl AsRef<Path>,
        limits: StoreLimits,
        clock: Arc<dyn Clock>,
        reading: Reading,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = lock(path)?;
        let notices = Notices::default();
        let (published, on_disk) = (Arc::<Published>::default(), Arc::<OnDisk>::default());
        let (sender, calls) = mpsc::channel(MAX_WAITING_CALLS);
        let book = open_book(path, limits, clock.clone())?;
        let references = book.references.reader();
        let syncer = Syncer::start(path, on_disk.clone())?;
        let mut writer = Writer {
            book,
            calls,
            notices: notices.clone(),
            published: published.clone(),
            on_disk: on_disk.clone(),
            syncer,
        };
        writer.publish();
        let readers = Readers::open(path, on_disk.clone(), (reading.threads, reading.cap))?;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            clock,
            calls: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            readers,
            references,
            recipes: Recipes::default(),
            published,
            on_disk,
            notices,
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Finishes what was asked, folds the write-ahead log into the file and releases it. Later calls are
    /// [`StoreError::Unavailable`]. Blocks for as long as one transaction takes. Dropping the store does the same.
    pub fn close(&self) {
        self.readers.close();
        drop(self.calls.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that panicked has committed what it answered; there is nothing left to save.
            let _ = thread.join();
        }
        if let Some(lock) = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take()
            && let Err(error) = lock.unlock()
        {
            // Closing the file does the same, unless a process that is being started still has a copy of it.
            tracing::warn!(%error, "the database could not be released");
        }
    }

    /// The file grows to this many pages at most; a full disk, for tests.
    #[cfg(feature = "faults")]
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.write(0, move |book| {
            book.db.pragma_update(None, "max_page_count", pages)?;
            Ok(())
        })
        .await
    }

    /// From now on the disk fails to keep what is written, for tests.
    #[cfg(feature = "faults")]
    pub fn fail_syncs(&self) {
        self.on_disk.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Has the writer do something and waits until it is durable.
    async fn write<T: Send + 'static>(
        &self,
        items: usize,
        work: impl FnOnce(&mut Book) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (call, answer) = Call::new(items, work);
        self.call(call, answer).await
    }

    async fn call<T>(
        &self,
        call: Call,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        calls.ok_or_else(closed)?.send(call).await.map_err(|_| closed())?;
        answer.await.map_err(|_| if self.on_disk.is_lost() { lost() } else { closed() })?
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

fn open_book(path: &Path, limits: StoreLimits, clock: Arc<dyn Clock>) -> Result<Book, StoreError> {
    let make = || -> Result<Book, Trouble> {
        keep_to_owner(path)?;
        let mut db = Connection::open(path)?;
        db.execute_batch(schema::SETTINGS)?;
        plan_once(&db)?;
        schema::migrate(&mut db, schema::MIGRATIONS)?;
        // What was recovered may be in the kernel's memory only, and count as written though its sync has failed. Copied
        // to the file, it is written anew.
        if let Err(error) = db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log could not be folded into the file");
        }
        let mut book = Book::open(db, limits, clock)?;
        book.db.execute_batch("BEGIN")?;
        let rescued = book.release_everyone()?;
        book.write_totals()?;
        book.db.execute_batch("COMMIT")?;
        book.committed();
        if rescued > 0 {
            tracing::warn!(rescued, "jobs of a process that died were rescued");
        }
        Ok(book)
    };
    Ok(make()?)
}

/// Statements are planned once, whatever values they are asked with. Otherwise SQLite plans anew each time where a
/// value might matter to an index: for a claim, that costs more than the claim.
fn plan_once(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Lets nobody but the owner of this process read the file: it holds secrets. Its log takes over who may read it.
fn keep_to_owner(path: &Path) -> Result<(), Trouble> {
    let unavailable = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.map_err(unavailable)?;
    let mode = file.metadata().map_err(unavailable)?.permissions().mode();
    if mode & 0o077 != 0
        && let Err(error) = file.set_permissions(Permissions::from_mode(0o600))
    {
        tracing::warn!(%error, path = %path.display(), "others can read the database; take that from them");
    }
    Ok(())
}

/// Takes the lock file next to the database.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-lock");
    let beside = PathBuf::from(beside);
    let unavailable =
        |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", beside.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&beside).map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}
