//! The store in memory: for trying things out, and the model that other stores are compared with.
//!
//! Everything is lost with the process. Calls never wait: each takes one lock for microseconds.

mod admin;
mod ledger;
mod queue;
mod shelf;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use darkroom_core::{
    Clock, Timestamp,
    store::{MAX_BATCH, StoreError, StoreLimits},
};

use crate::notices::{News, Notices};
use shelf::Shelf;

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    limits: StoreLimits,
    clock: Arc<dyn Clock>,
    shelf: Mutex<Shelf>,
    notices: Notices,
}

impl Memory {
    /// An empty store.
    pub fn new(limits: StoreLimits, clock: Arc<dyn Clock>) -> Self {
        Self { limits, clock, shelf: Mutex::default(), notices: Notices::default() }
    }

    /// Does what reopening does to a durable store whose process died: every session is lost.
    #[cfg(feature = "faults")]
    pub fn restart(&self) {
        self.with(|shelf, now, news| {
            let sessions: Vec<_> = shelf.sessions.keys().copied().collect();
            for session in sessions {
                shelf.lose(session, now, news);
            }
            shelf.forget_turns();
        });
    }

    /// Runs `work` on the shelf, then tells watchers what changed.
    fn with<T>(&self, work: impl FnOnce(&mut Shelf, Timestamp, &mut News) -> T) -> T {
        let mut news = News::default();
        let mut shelf = self.shelf();
        let answer = work(&mut shelf, self.clock.now(), &mut news);
        drop(shelf);
        self.notices.tell(&mut news);
        answer
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // A panic under the lock is a bug that its caller has seen; the others go on with what is there.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_batch(items: usize) -> Result<(), StoreError> {
    if items > MAX_BATCH { Err(StoreError::BatchTooLarge) } else { Ok(()) }
}
