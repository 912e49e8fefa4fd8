//! When a failed job is tried again.

use std::time::Duration;

use rand::Rng;

/// Exponential backoff with full jitter: a uniform draw between zero and a bound that doubles with each attempt.
/// Full jitter spreads a burst of failures best (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
/// Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The bound after the first attempt.
    pub base: Duration,
    /// The bound never grows past this.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { base: Duration::from_secs(2), cap: Duration::from_mins(15) }
    }
}

impl RetryPolicy {
    /// The greatest delay after `used` attempts.
    pub fn bound(&self, used: u32) -> Duration {
        let doublings = used.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The delay after `used` attempts, drawn from `rng`.
    pub fn delay(&self, used: u32, rng: &mut impl Rng) -> Duration {
        let bound = u64::try_from(self.bound(used).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(rng.random_range(0..=bound))
    }
}
