//! How a job in work is told to stop, and why.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

/// Why a job is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Someone cancelled it.
    Cancelled,
    /// This process shuts down.
    Interrupted,
    /// The lease is not ours any more: whatever comes out is dropped.
    Lost,
}

/// Set once, seen by the task of the job and, through the flag, by its pixel work.
#[derive(Debug, Default)]
pub(super) struct StopSign {
    reason: OnceLock<Reason>,
    flag: Arc<AtomicBool>,
    told: Notify,
}

impl StopSign {
    /// Asks the job to stop. The first reason stays.
    pub(super) fn set(&self, reason: Reason) {
        if self.reason.set(reason).is_ok() {
            self.flag.store(true, Ordering::Relaxed);
            self.told.notify_one();
        }
    }

    /// Why, if it is to stop.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason.get().copied()
    }

    /// What pixel work looks at between rows.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Returns once the job is to stop.
    pub(super) async fn stopped(&self) {
        while self.reason().is_none() {
            self.told.notified().await;
        }
    }
}
