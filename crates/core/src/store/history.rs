//! What happened, minute by minute: the past that a dashboard draws.
//!
//! Every store counts into the minute of the present, in the transaction that moves the job, and samples its queue with
//! the first [`super::Queue::sweep`] of each minute. A transaction so writes one row more, of a hundred bytes, however
//! many jobs it settles; nothing is read, for the row of the present is in memory.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::{Latencies, Timestamp, job::State};

/// How long the shortest period is.
pub const MINUTE: Duration = Duration::from_mins(1);

/// What happened within some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Period {
    /// Its first millisecond.
    pub start: Timestamp,
    /// Jobs that were submitted.
    pub submitted: u64,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// From submission to the end, of the jobs that succeeded or failed.
    pub latencies: Latencies,
    /// How much there was to do, if it was looked at.
    pub sample: Option<Sample>,
}

/// How much there is to do at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Jobs that wait for a worker and that one may take: held ones, of a paused queue or of a run that is paused or was
    /// stopped, are left out.
    pub queued: u64,
    /// Jobs that are worked on.
    pub running: u64,
    /// How long the oldest of those that wait and are not held has been claimable.
    pub oldest_wait: Duration,
}

/// The past.
#[async_trait]
pub trait History: Send + Sync {
    /// The minutes that began at `from` or later and before `until`, if anything is known of them; oldest first. There
    /// are as many as go into [`super::StoreLimits::keep_history`]; those farthest from the present go first, whether
    /// they lie before it or, after the clock was wrong, behind it.
    async fn history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Period>, StoreError>;
}

impl Period {
    /// The minute of this instant, in which nothing has happened yet.
    pub fn minute_of(at: Timestamp) -> Self {
        Self { start: at.floor(MINUTE), ..Self::default() }
    }

    /// A job that was submitted at `created_at` reached a final state at `at`.
    pub fn ended(&mut self, state: State, created_at: Timestamp, at: Timestamp) {
        match state {
            State::Succeeded => self.succeeded += 1,
            State::Failed => self.failed += 1,
            _ => self.cancelled += 1,
        }
        if matches!(state, State::Succeeded | State::Failed) {
            self.latencies.add(at.since(created_at));
        }
    }

    /// Adds what happened within another period. Of two samples the greater counts: a queue that was long for a minute
    /// is not to vanish in the mean of a quiet hour.
    pub fn merge(&mut self, other: &Self) {
        self.submitted += other.submitted;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.latencies.merge(&other.latencies);
        self.sample = match (self.sample, other.sample) {
            (Some(one), Some(two)) => Some(Sample {
                queued: one.queued.max(two.queued),
                running: one.running.max(two.running),
                oldest_wait: one.oldest_wait.max(two.oldest_wait),
            }),
            (one, two) => one.or(two),
        };
    }

    /// `count` periods of `step` each, the first of which begins at `first`, and what happened within each. Minutes
    /// outside of them are left out.
    pub fn steps(minutes: &[Self], first: Timestamp, (step, count): (Duration, usize)) -> Vec<Self> {
        let mut steps = Vec::with_capacity(count);
        let mut start = first;
        for _ in 0..count {
            steps.push(Self { start, ..Self::default() });
            start = start + step;
        }
        let within = |minute: &&Self| first <= minute.start && minute.start < start;
        for minute in minutes.iter().filter(within) {
            let place = minute.start.since(first).as_millis() / step.as_millis().max(1);
            if let Some(period) = steps.get_mut(place as usize) {
                period.merge(minute);
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(at: i64, queued: u64) -> Period {
        let mut minute = Period::minute_of(Timestamp::from_millis(at * 60_000 + 7));
        minute.submitted = 1;
        minute.ended(State::Succeeded, Timestamp::from_millis(0), Timestamp::from_millis(20));
        minute.ended(State::Cancelled, Timestamp::from_millis(0), Timestamp::from_millis(20));
        minute.sample = Some(Sample { queued, ..Sample::default() });
        minute
    }

    #[test]
    fn every_step_is_there_and_holds_the_minutes_within_it() {
        let minutes = [minute(1, 9), minute(2, 5), minute(3, 7), minute(8, 1), minute(9, 9)];
        let first = Timestamp::from_millis(2 * 60_000);
        let steps = Period::steps(&minutes, first, (2 * MINUTE, 3));
        let starts: Vec<i64> = steps.iter().map(|step| step.start.as_millis() / 60_000).collect();
        assert_eq!(starts, [2, 4, 6]);
        assert_eq!((steps[0].submitted, steps[0].succeeded, steps[0].cancelled), (2, 2, 2));
        assert_eq!(steps[0].latencies.count(), 2, "who cancels does not measure");
        assert_eq!(steps[0].sample.map(|sample| sample.queued), Some(7));
        assert_eq!(steps[1], Period { start: first + 2 * MINUTE, ..Period::default() });
        assert_eq!(steps[2], Period { start: first + 4 * MINUTE, ..Period::default() });
    }

    #[test]
    fn minutes_before_the_epoch_are_minutes_too() {
        assert_eq!(Period::minute_of(Timestamp::from_millis(-1)).start.as_millis(), -60_000);
        assert_eq!(Period::minute_of(Timestamp::from_millis(i64::MIN)).start.as_millis(), i64::MIN);
    }
}
