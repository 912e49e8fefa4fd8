//! How many jobs wait within a worker for their work. Enough that no processor waits for the store; no more than it gets
//! through in a moment, so that an upload in the middle of a run is not behind a row of slow images.

use std::time::{Duration, Instant};

/// What is held ahead is worked through within this time.
const MOMENT: Duration = Duration::from_millis(20);

/// The weight of the newest job in the mean: about the last eight count.
const SHARE: f64 = 0.125;

/// Follows the pace at which images are worked through.
#[derive(Debug)]
pub(super) struct Ahead {
    most: u32,
    /// Seconds from one image to the next, on average. The first guess is slow: a pace is shown before it is trusted.
    apart: f64,
    last: Instant,
}

impl Ahead {
    /// Never more than `most`, and never less than one.
    pub(super) fn new(most: u32) -> Self {
        Self { most: most.max(1), apart: MOMENT.as_secs_f64(), last: Instant::now() }
    }

    /// Work begins after there was none: what passed meanwhile is no pace.
    pub(super) fn woke(&mut self, now: Instant) {
        self.last = now;
    }

    /// So many images were worked through since the last time.
    pub(super) fn passed(&mut self, count: u32, now: Instant) {
        let apart = now.saturating_duration_since(self.last).as_secs_f64() / f64::from(count.max(1));
        self.last = now;
        let old = (1.0 - SHARE).powi(count.max(1) as i32);
        self.apart = self.apart * old + apart * (1.0 - old);
    }

    /// How many may wait now.
    pub(super) fn jobs(&self) -> u32 {
        let jobs = MOMENT.as_secs_f64() / self.apart.max(f64::MIN_POSITIVE);
        (jobs.round() as u32).clamp(1, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is held ahead after a hundred jobs that end so far apart.
    fn after(apart: Duration) -> u32 {
        let mut ahead = Ahead::new(16);
        let mut now = Instant::now();
        ahead.woke(now);
        for _ in 0..100 {
            now += apart;
            ahead.passed(1, now);
        }
        ahead.jobs()
    }

    #[test]
    fn quick_jobs_are_held_by_the_dozen_and_slow_ones_singly() {
        assert_eq!(after(Duration::from_micros(300)), 16);
        assert_eq!(after(Duration::from_millis(4)), 5);
        assert_eq!(after(Duration::from_millis(40)), 1);
    }

    #[test]
    fn images_that_are_told_of_together_are_not_taken_for_quicker_ones() {
        let mut ahead = Ahead::new(16);
        let mut now = Instant::now();
        ahead.woke(now);
        for _ in 0..25 {
            now += Duration::from_millis(16);
            ahead.passed(4, now);
        }
        assert_eq!(ahead.jobs(), 5);
    }

    #[test]
    fn a_rest_is_no_pace() {
        let mut ahead = Ahead::new(16);
        let mut now = Instant::now();
        ahead.woke(now);
        for _ in 0..100 {
            now += Duration::from_millis(1);
            ahead.passed(1, now);
        }
        now += Duration::from_hours(1);
        ahead.woke(now);
        ahead.passed(1, now + Duration::from_millis(1));
        assert_eq!(ahead.jobs(), 16);
    }
}
