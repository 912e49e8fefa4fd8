//! What a job's move changes besides its status. Both stores record moves by these rules and by nothing else.

use darkroom_core::{
    Timestamp,
    job::{AttemptEnd, AttemptLimits, Event, Failure, FailureKind, OperationResult, Outcome, State, Status},
};

/// When things happened to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "as a job names them")]
pub(crate) struct Marks {
    pub(crate) run_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

impl Marks {
    /// The marks after a move at `now`. A job that falls due keeps the time that it was scheduled for.
    pub(crate) fn after(self, event: Event, to: State, now: Timestamp) -> Self {
        let run_at = if to == State::Queued && event != Event::Due { now } else { self.run_at };
        let started_at = if event == Event::Claim { Some(now) } else { self.started_at };
        Self { run_at, started_at, finished_at: to.is_final().then_some(now) }
    }
}

/// How an attempt ended, ready to be recorded.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) event: Event,
    pub(crate) end: AttemptEnd,
    pub(crate) failure: Option<Failure>,
    pub(crate) results: Vec<OperationResult>,
    pub(crate) delay: Option<std::time::Duration>,
}

impl Ending {
    /// What a worker reports. A cancellation that nobody asked for gives the attempt back, as a shutdown does.
    pub(crate) fn of(outcome: Outcome, status: Status) -> Self {
        match outcome {
            Outcome::Succeeded(results) => {
                Self { results, ..Self::plain(Event::Succeed, AttemptEnd::Succeeded) }
            }
            Outcome::FailedPermanently(failure) => {
                Self { failure: Some(failure), ..Self::plain(Event::FailPermanently, AttemptEnd::Failed) }
            }
            Outcome::FailedTransiently(failure, delay) => Self {
                failure: Some(failure),
                delay: Some(delay),
                ..Self::plain(Event::FailTransiently, AttemptEnd::FailedTransiently)
            },
            Outcome::Cancelled if status.cancel_requested => {
                Self::plain(Event::ObserveCancel, AttemptEnd::Cancelled)
            }
            Outcome::Interrupted | Outcome::Cancelled => Self::interrupted(),
        }
    }

    /// The worker closed its session.
    pub(crate) fn interrupted() -> Self {
        Self::plain(Event::Interrupt, AttemptEnd::Interrupted)
    }

    /// The worker vanished.
    pub(crate) fn lost() -> Self {
        let failure = Failure::new(FailureKind::Crashed, "the worker vanished while it worked on this job");
        Self { failure: Some(failure), ..Self::plain(Event::Lose, AttemptEnd::Lost) }
    }

    fn plain(event: Event, end: AttemptEnd) -> Self {
        Self { event, end, failure: None, results: Vec::new(), delay: None }
    }

    /// The marks of the job after this ending led it to `to`.
    pub(crate) fn marks(&self, marks: Marks, to: State, now: Timestamp) -> Marks {
        let after = marks.after(self.event, to, now);
        match (to, self.delay) {
            (State::Scheduled, Some(delay)) => Marks { run_at: now + delay, ..after },
            _ => after,
        }
    }
}

/// Whether a job in this state shows the failure of its last attempt: it explains why it failed, or why it waits.
pub(crate) fn shows_failure(state: State) -> bool {
    matches!(state, State::Scheduled | State::Queued | State::Failed)
}

/// A job's status when it is submitted to run at `run_at`.
pub(crate) fn first_state(run_at: Timestamp, now: Timestamp) -> State {
    if run_at > now { State::Scheduled } else { State::Queued }
}

/// Limits under which a job can run at all: at least one attempt and one crash.
pub(crate) fn at_least_one(limits: AttemptLimits) -> AttemptLimits {
    AttemptLimits { attempts: limits.attempts.max(1), crashes: limits.crashes.max(1) }
}
