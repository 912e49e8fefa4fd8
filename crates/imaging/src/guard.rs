//! The way out of a decode that takes too long or that nobody waits for any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::ImageError;

/// Asked between rows and steps; stops the work when time is up or the caller has cancelled.
#[derive(Debug, Clone)]
pub struct Guard {
    deadline: Instant,
    allowed: Duration,
    cancelled: Arc<AtomicBool>,
}

impl Guard {
    /// A guard that lets work run for `allowed`, and stops it early once `cancelled` is true.
    pub fn new(allowed: Duration, cancelled: Arc<AtomicBool>) -> Self {
        Self { deadline: Instant::now() + allowed, allowed, cancelled }
    }

    /// Cheap enough to be called for every row.
    pub fn check(&self) -> Result<(), ImageError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(ImageError::Cancelled);
        }
        if Instant::now() > self.deadline {
            return Err(ImageError::TimedOut(self.allowed));
        }
        Ok(())
    }
}
