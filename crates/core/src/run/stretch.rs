//! How long a run was worked on, and how quickly, without the times in which it stood still.
//!
//! A run that is paused for a night, whose failures are retried the next day or whose server was off has not become
//! slower: what counts is the time since it was last taken up. Nothing needs to say that it was: it shows, because
//! nothing was at work for a while although something waited.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Moved, Tally};
use crate::{Timestamp, job::State};

/// How long nothing may be at work before what comes next is a new beginning.
pub const STANDSTILL: Duration = Duration::from_secs(10);

/// The time since a run was last taken up, and what ended in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stretch {
    /// When the first item of it was claimed.
    pub since: Option<Timestamp>,
    /// Items that gave a result or failed since; one that did so twice counts twice.
    pub ended: u64,
    /// When an item was last claimed or ended.
    pub active_at: Option<Timestamp>,
    /// When the source gave an item while there was nothing to do: waiting for the source is no standstill.
    pub fed_at: Option<Timestamp>,
    /// How long all stretches before this one were.
    pub before: Duration,
}

impl Stretch {
    /// An item moved; `tally` is the one before that.
    pub(super) fn moved(&mut self, moved: Moved, tally: &Tally, now: Timestamp) {
        match (moved.from, moved.to) {
            (_, State::Running) => {
                if self.since.is_none() || self.stands_still(tally, now) {
                    self.before += self.until(self.active_at.unwrap_or(now));
                    (self.since, self.ended) = (Some(now), 0);
                }
                self.active_at = Some(now);
            }
            (State::Running, State::Succeeded | State::Failed) => {
                self.ended += 1;
                self.active_at = Some(now);
            }
            _ => {}
        }
    }

    /// The source gave an item; `tally` is the one before that.
    pub(super) fn fed(&mut self, tally: &Tally, now: Timestamp) {
        if tally.open() == 0 {
            self.fed_at = Some(now);
        }
    }

    /// Whether nothing has been at work for long.
    pub(super) fn stands_still(&self, tally: &Tally, now: Timestamp) -> bool {
        let last = self.active_at.max(self.fed_at);
        tally.of(State::Running) == 0 && last.is_some_and(|last| now.since(last) > STANDSTILL)
    }

    /// How long this stretch is.
    fn length(&self, tally: &Tally, now: Timestamp) -> Duration {
        let at_work = tally.of(State::Running) > 0;
        self.until(if at_work { now } else { self.active_at.unwrap_or(now) })
    }

    fn until(&self, until: Timestamp) -> Duration {
        self.since.map_or(Duration::ZERO, |since| until.since(since))
    }

    /// How long the run was worked on, this stretch and all before.
    pub(super) fn worked(&self, tally: &Tally, now: Timestamp) -> Duration {
        self.before + self.length(tally, now)
    }

    /// Items that ended a second in this stretch.
    pub(super) fn rate(&self, tally: &Tally, now: Timestamp) -> Option<f64> {
        self.since?;
        // Time has steps of a millisecond: what ended within the first took no longer.
        let length = self.length(tally, now).max(Duration::from_millis(self.ended.min(1)));
        (!length.is_zero()).then(|| self.ended as f64 / length.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of three items, at some second of its life.
    struct Bench {
        stretch: Stretch,
        tally: Tally,
    }

    impl Bench {
        fn new() -> Self {
            let mut tally = Tally::default();
            for _ in 0..3 {
                tally.added(1);
            }
            Self { stretch: Stretch::default(), tally }
        }

        fn step(&mut self, from: State, to: State, second: i64) {
            let moved = Moved { from, to, failure: None };
            self.stretch.moved(moved, &self.tally, at(second));
            self.tally.moved(moved);
        }

        fn work(&mut self, from: i64, until: i64) {
            self.step(State::Queued, State::Running, from);
            self.step(State::Running, State::Succeeded, until);
        }

        fn figures(&self, second: i64) -> (Option<f64>, u64) {
            let worked = self.stretch.worked(&self.tally, at(second));
            (self.stretch.rate(&self.tally, at(second)), worked.as_secs())
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn a_pause_a_night_or_a_retry_makes_no_run_slow() {
        let mut bench = Bench::new();
        assert_eq!(bench.figures(0), (None, 0));
        bench.work(100, 102);
        bench.work(102, 104);
        assert_eq!(bench.figures(104), (Some(0.5), 4));
        assert_eq!(bench.figures(50_000), (Some(0.5), 4), "nothing is at work");
        bench.step(State::Queued, State::Running, 50_000);
        assert_eq!(bench.figures(50_002), (Some(0.0), 6), "it was taken up again");
        bench.step(State::Running, State::Succeeded, 50_004);
        assert_eq!(bench.figures(60_000), (Some(0.25), 8));
        bench.step(State::Succeeded, State::Queued, 70_000);
        bench.work(70_000, 70_001);
        assert_eq!(
            bench.figures(70_001),
            (Some(1.0), 9),
            "one that is done again counts, and the night does not"
        );
    }

    #[test]
    fn an_item_that_takes_long_and_a_source_that_is_slow_are_no_standstill() {
        let mut bench = Bench::new();
        bench.work(0, 90);
        bench.work(90, 180);
        bench.work(180, 270);
        assert_eq!(bench.figures(270), (Some(3.0 / 270.0), 270));
        bench.stretch.fed(&bench.tally, at(330));
        bench.tally.added(1);
        bench.work(331, 360);
        assert_eq!(bench.figures(360), (Some(4.0 / 360.0), 360));
    }

    #[test]
    fn a_worker_that_vanished_was_not_at_work_when_it_was_missed() {
        let mut bench = Bench::new();
        bench.work(0, 2);
        bench.step(State::Queued, State::Running, 2);
        bench.step(State::Running, State::Queued, 900);
        assert_eq!(bench.figures(900), (Some(0.5), 2));
        bench.step(State::Queued, State::Running, 900);
        assert_eq!(bench.figures(901), (Some(0.0), 3), "the server was off");
    }
}
