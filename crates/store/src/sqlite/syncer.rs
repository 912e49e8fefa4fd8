//! The thread that makes commits durable: it syncs the write-ahead log, then answers the calls whose commits that covers.
//! Meanwhile the writer is at the next transaction.
//!
//! Why what was answered survives a loss of power, though SQLite syncs no commit itself (`synchronous = NORMAL`):
//!
//! - A commit appends frames to the log, the last of them marked. Each has a checksum over itself and all before it, and
//!   a log is recovered up to the last mark before the first frame that is not whole
//!   (<https://sqlite.org/fileformat2.html#the_write_ahead_log>). So what has to be on the disk is the log's beginning.
//! - The sync begins after the commit and returns when all that was written to the log before it is on the disk: this
//!   commit, and each before it. Only then is anybody answered.
//! - What leaves the log has reached the file: with `NORMAL`, SQLite syncs the log before it copies from it, the file
//!   after, and the header of a log that begins anew before the frames that take the place of old ones
//!   (<https://sqlite.org/pragma.html#pragma_synchronous>).
//! - The log is one file for as long as the writer's connection is open; recovered commits are synced when it is opened.
//!
//! Readers see commits that are not on the disk yet. They answer once those are, see [`OnDisk::holds`]: a blob that is
//! deleted because its last job is gone must not be missed by a job that came back.
//!
//! A log that could not be synced is not trusted again: the kernel may have dropped what it could not write, and the next
//! sync would succeed without it. From then on the store answers nobody; opening it again recovers what is whole.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use darkroom_core::store::StoreError;
use tokio::sync::watch;

use super::{
    faults::{self, Point, pass},
    writer::Answer,
};

/// Commits that may wait for the disk; with more, the writer waits too.
const MAX_WAITING_COMMITS: usize = 8;

/// What waits for a commit to be on the disk.
struct Waiting {
    commit: u64,
    answers: Vec<Answer>,
}

/// The writer's side.
pub(super) struct Syncer {
    on_disk: Arc<OnDisk>,
    waiting: SyncSender<Waiting>,
    thread: JoinHandle<()>,
}

impl Syncer {
    /// Makes what the log has durable, and starts the thread. The log is there: the database has been read.
    pub(super) fn start(database: &Path, on_disk: Arc<OnDisk>) -> Result<Self, StoreError> {
        let unavailable =
            |error: io::Error| StoreError::Unavailable(format!("{}: {error}", database.display()));
        let log = Log::open(database).map_err(unavailable)?;
        let (waiting, commits) = sync_channel(MAX_WAITING_COMMITS);
        let thread = std::thread::Builder::new().name("store-syncer".to_owned());
        let thread = {
            let on_disk = on_disk.clone();
            thread.spawn(move || sync_all(&log, &commits, &on_disk)).map_err(unavailable)?
        };
        Ok(Self { on_disk, waiting, thread })
    }

    /// Answers these once the commit of this number is on the disk, or cannot be.
    pub(super) fn answer_after(&self, commit: u64, answers: Vec<Answer>) {
        if self.on_disk.has(commit) {
            for answer in answers {
                answer(Ok(()));
            }
            return;
        }
        if self.waiting.send(Waiting { commit, answers }).is_err() {
            tracing::error!("the thread that syncs is gone");
        }
    }

    /// Ends once all are answered.
    pub(super) fn finish(self) {
        drop(self.waiting);
        // A thread that panicked has answered what is on the disk; the others see that nobody answers.
        let _ = self.thread.join();
    }
}

/// Which commits are on the disk.
#[derive(Debug)]
pub(super) struct OnDisk {
    /// The newest that anybody may have seen.
    newest: AtomicU64,
    until: watch::Sender<Until>,
    #[cfg(feature = "faults")]
    pub(super) fails: std::sync::atomic::AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Commit(u64),
    /// The disk failed; what came after the last sync may be gone.
    Lost,
}

impl Default for OnDisk {
    fn default() -> Self {
        Self {
            newest: AtomicU64::new(0),
            until: watch::Sender::new(Until::Commit(0)),
            #[cfg(feature = "faults")]
            fails: false.into(),
        }
    }
}

impl OnDisk {
    /// The number of a commit that is about to be made. It is known before the commit can be seen.
    pub(super) fn announce(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// All that has been seen by now is of this commit, or older.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::SeqCst)
    }

    fn has(&self, commit: u64) -> bool {
        matches!(*self.until.borrow(), Until::Commit(last) if commit <= last)
    }

    pub(super) fn is_lost(&self) -> bool {
        *self.until.borrow() == Until::Lost
    }

    /// Waits until the disk has this commit, for the time of one sync or two.
    pub(super) async fn holds(&self, commit: u64) -> Result<(), StoreError> {
        if self.has(commit) {
            return Ok(());
        }
        let mut until = self.until.subscribe();
        let reached = |until: &Until| match until {
            Until::Commit(last) => commit <= *last,
            Until::Lost => true,
        };
        match until.wait_for(reached).await.map(|until| *until) {
            Ok(Until::Commit(_)) => Ok(()),
            Ok(Until::Lost) | Err(_) => Err(lost()),
        }
    }
}

#[cfg(feature = "faults")]
impl OnDisk {
    fn fault(&self) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) { Err(io::Error::other("a fault")) } else { Ok(()) }
    }
}

#[cfg(not(feature = "faults"))]
impl OnDisk {
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the feature")]
    fn fault(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What callers are told once the disk has failed.
pub(super) fn lost() -> StoreError {
    StoreError::Unavailable(
        "the disk failed to keep what was written; look after it, then start the service again".to_owned(),
    )
}

fn sync_all(log: &Log, commits: &Receiver<Waiting>, on_disk: &OnDisk) {
    while let Ok(first) = commits.recv() {
        let (mut last, mut answers) = (first.commit, first.answers);
        for next in commits.try_iter() {
            last = next.commit;
            answers.extend(next.answers);
        }
        if !on_disk.is_lost() && !on_disk.has(last) {
            let until = match log.sync().and_then(|()| on_disk.fault()) {
                Ok(()) => Until::Commit(last),
                Err(error) => {
                    tracing::error!(%error, "the write-ahead log could not be synced; nothing is answered any more");
                    Until::Lost
                }
            };
            pass(Point::BeforeAnswer);
            on_disk.until.send_replace(until);
        }
        let is_lost = on_disk.is_lost();
        for answer in answers {
            answer(if is_lost { Err(lost()) } else { Ok(()) });
        }
    }
}

/// The write-ahead log. SQLite holds no locks on this file, so that opening it twice is safe.
struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Opens it and syncs what it has, and the folder that names it.
    fn open(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let path = PathBuf::from(path);
        let log = Self { file: File::open(&path)?, path };
        log.sync()?;
        let folder = log.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(log)
    }

    fn sync(&self) -> io::Result<()> {
        faults::sync(&self.file, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_waits_until_the_disk_has_what_it_saw() {
        let on_disk = OnDisk::default();
        on_disk.holds(on_disk.newest()).await.unwrap();
        let (seen, later) = (on_disk.announce(), on_disk.announce());
        let (mut waits, mut waits_longer) = (Box::pin(on_disk.holds(seen)), Box::pin(on_disk.holds(later)));
        assert!(futures_util::poll!(&mut waits).is_pending());
        on_disk.until.send_replace(Until::Commit(seen));
        waits.await.unwrap();
        assert!(futures_util::poll!(&mut waits_longer).is_pending());
        on_disk.until.send_replace(Until::Lost);
        assert!(matches!(waits_longer.await, Err(StoreError::Unavailable(_))));
        assert!(on_disk.holds(seen).await.is_err(), "what was on the disk cannot be told from what is not");
    }
}
