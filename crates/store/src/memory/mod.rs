//! The store in memory: for trying things out, and the model that other stores are compared with.
//!
//! Everything is lost with the process. Calls never wait: each takes one lock for microseconds.

mod admin;
mod cache;
mod history;
mod ledger;
mod predictions;
mod queue;
mod runs;
mod stock;
mod users;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use darkroom_core::{
    Clock, Timestamp,
    store::{MAX_BATCH, StoreError, StoreLimits},
};

use crate::notices::{News, Notices};
use stock::Stock;

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    limits: StoreLimits,
    clock: Arc<dyn Clock>,
    stock: Mutex<Stock>,
    notices: Notices,
}

impl Memory {
    /// An empty store.
    pub fn new(limits: StoreLimits, clock: Arc<dyn Clock>) -> Self {
        Self { limits, clock, stock: Mutex::default(), notices: Notices::default() }
    }

    /// Does what reopening does to a durable store whose process died: every session is lost.
    #[cfg(feature = "faults")]
    pub fn restart(&self) {
        self.with(|stock, now, news| {
            stock.totals.ended = darkroom_core::store::Ended::default();
            for session in stock.sessions_that(|_| true) {
                stock.lose(session, now, news);
            }
            stock.forget_turns();
        });
    }

    /// Runs `work` on the stock, then tells watchers what changed.
    fn with<T>(&self, work: impl FnOnce(&mut Stock, Timestamp, &mut News) -> T) -> T {
        let mut news = News::default();
        let mut stock = self.stock();
        let answer = work(&mut stock, self.clock.now(), &mut news);
        drop(stock);
        self.notices.tell(&mut news);
        answer
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        // A panic under the lock is a bug that its caller has seen; the others go on with what is there.
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_batch(items: usize) -> Result<(), StoreError> {
    if items > MAX_BATCH { Err(StoreError::BatchTooLarge) } else { Ok(()) }
}
