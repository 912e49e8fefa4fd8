//! How fast a server must be.

use std::time::Duration;

use tokio::time::Instant;

use super::{Break, retry};
use crate::sources::Config;

/// Whether a server is fast enough: over each stretch of time it must give something.
pub(super) struct Pace {
    pause: Duration,
    least: u64,
    pub(super) until: Instant,
    pub(super) gained: u64,
}

impl Pace {
    pub(super) fn new(config: &Config) -> Self {
        let pause = config.download_pause;
        let least = (config.download_slowest.bytes() as f64 * pause.as_secs_f64()) as u64;
        Self { pause, least, until: Instant::now() + pause, gained: 0 }
    }

    /// The stretch is over.
    pub(super) fn next(&mut self) -> Result<(), Break> {
        if self.gained < self.least.max(1) {
            return Err(retry("its server is too slow"));
        }
        self.gained = 0;
        self.until = Instant::now() + self.pause;
        Ok(())
    }
}
