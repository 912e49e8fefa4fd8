//! What runs can be told.

use std::time::Duration;

use crate::{config::Mistake, settings};

settings! {
    /// Datasets that are worked through.
    pub struct Config in "runs" {
        /// Runs whose sources are read at a time; more wait for their turn.
        max_enumerating: usize = 4,
        /// Items that are recorded together.
        chunk: usize = 64,
        /// After how long a run tries again that was paused for want of room, or because its source was away.
        resume_after: Duration = Duration::from_secs(30),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.max_enumerating == 0 {
            mistakes.push(Mistake::new("runs.max_enumerating", "is at least 1"));
        }
        if !(1..=1_000).contains(&self.chunk) {
            mistakes.push(Mistake::new("runs.chunk", "is 1 to 1000"));
        }
        if self.resume_after < Duration::from_secs(1) {
            mistakes.push(Mistake::new("runs.resume_after", "is at least 1s"));
        }
        mistakes
    }
}
