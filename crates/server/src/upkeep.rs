//! Housekeeping beside the work: due jobs, ended sessions, retention, and what a crash left in the blob store.

use std::time::Duration;

use crate::{config::Mistake, settings};

settings! {
    /// Housekeeping.
    pub struct Config in "upkeep" {
        /// How often due jobs, ended sessions and outlived jobs are looked for.
        interval: Duration = Duration::from_secs(1),
        /// How old a blob without a job, or an unfinished file, must be to count as left by a crash.
        leftover_age: Duration = Duration::from_hours(1),
        /// How often the next of the 256 blob folders is searched for such leftovers.
        leftover_interval: Duration = Duration::from_secs(30),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.interval.is_zero() || self.interval > Duration::from_mins(1) {
            mistakes.push(Mistake::new("upkeep.interval", "is between 1ms and 1m"));
        }
        if self.leftover_age < Duration::from_mins(1) {
            mistakes.push(Mistake::new("upkeep.leftover_age", "is at least 1m: younger files may be in use"));
        }
        if self.leftover_interval.is_zero() {
            mistakes.push(Mistake::new("upkeep.leftover_interval", "is at least 1ms"));
        }
        mistakes
    }
}
