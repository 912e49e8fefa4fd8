//! The life of a job, as one function. Every store moves jobs by it and by nothing else.
//!
//! ```text
//! scheduled ──due──▶ queued ──claim──▶ running ──▶ succeeded | failed | cancelled
//!     ▲                ▲  (shown as held while the queue or the run is paused)
//!     │                └─ interrupted, lost ─┤
//!     └──────── failed, worth another attempt┘
//! ```

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In: submitted for later, or failed and worth another attempt. Out: its time comes, cancel, retry now.
    Scheduled,
    /// In: submitted, due, retried, or returned by a worker that stopped or vanished. Out: claim, cancel.
    Queued,
    /// In: claim. Out: whatever its worker reports, or the end of its lease.
    Running,
    /// In: its worker reported results. Final. Out: redo, for items of runs.
    Succeeded,
    /// In: a permanent failure, no attempts left, or too many crashes. Out: retry.
    Failed,
    /// In: cancel. Out: retry.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Scheduled, Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether nothing but a person's retry moves the job any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The state as users see it.
    pub fn shown(self, held: bool) -> Shown {
        match self {
            Self::Scheduled => Shown::Scheduled,
            Self::Queued if held => Shown::Held,
            Self::Queued => Shown::Queued,
            Self::Running => Shown::Running,
            Self::Succeeded => Shown::Succeeded,
            Self::Failed => Shown::Failed,
            Self::Cancelled => Shown::Cancelled,
        }
    }
}

/// What users see: the stored states, and `held` for a queued job of a paused queue, or of a run that gives no work.
/// Derived, never stored, so that pausing a queue of a million jobs changes one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "State says what each means")]
pub enum Shown {
    Scheduled,
    Queued,
    Held,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl Shown {
    /// Every shown state.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Queued,
        Self::Held,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Shown {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or_else(|| format!("`{word}` is not a state"))
    }
}

/// Bounds on the attempts of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptLimits {
    /// Attempts before a transient failure becomes final; at least 1.
    pub attempts: u32,
    /// Attempts that may end with a vanished worker. A job that kills its worker must not kill them all.
    pub crashes: u32,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self { attempts: 5, crashes: 3 }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    /// Its state.
    pub state: State,
    /// Claims so far: the fencing token of the current lease and the number of the current attempt.
    pub lease_seq: u32,
    /// Attempts that count against the budget since the last retry by a person.
    pub used: u32,
    /// Attempts that ended with a vanished worker since then.
    pub crashes: u32,
    /// Whether someone wants the running attempt to stop.
    pub cancel_requested: bool,
}

impl Status {
    /// A fresh job.
    pub fn new(state: State) -> Self {
        Self { state, lease_seq: 0, used: 0, crashes: 0, cancel_requested: false }
    }
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its time has come.
    Due,
    /// A worker takes it.
    Claim,
    /// Its worker reports results.
    Succeed,
    /// Its worker reports a permanent failure.
    FailPermanently,
    /// Its worker reports a failure that may pass.
    FailTransiently,
    /// Its worker shuts down.
    Interrupt,
    /// Its worker saw the cancellation.
    ObserveCancel,
    /// Its lease ran out.
    Lose,
    /// Someone cancels it.
    Cancel,
    /// Someone wants it done (again).
    Retry,
    /// Someone wants an item of a run done again, whatever it gave.
    Redo,
}

/// The event makes no sense in this state; the job is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} is not possible for a job that is {state:?}")]
pub struct Refused {
    /// Where the job stands.
    pub state: State,
    /// What was tried.
    pub event: Event,
}

impl Status {
    /// Where the job stands after `event`. Cancelling a finished job and retrying a waiting or running one change
    /// nothing: both calls are idempotent.
    #[allow(clippy::match_same_arms, reason = "one line an edge of the diagram")]
    pub fn after(self, event: Event, limits: AttemptLimits) -> Result<Self, Refused> {
        use Event as E;
        use State as S;
        let to = |state| Self { state, ..self };
        let returned = if self.cancel_requested { S::Cancelled } else { S::Queued };
        Ok(match (self.state, event) {
            (S::Scheduled, E::Due) => to(S::Queued),
            (S::Queued, E::Claim) => {
                Self { state: S::Running, lease_seq: self.lease_seq + 1, used: self.used + 1, ..self }
            }
            (S::Running, E::Succeed) => to(S::Succeeded),
            (S::Running, E::FailPermanently) => to(S::Failed),
            (S::Running, E::FailTransiently) if self.cancel_requested => to(S::Cancelled),
            (S::Running, E::FailTransiently) if self.used >= limits.attempts => to(S::Failed),
            (S::Running, E::FailTransiently) => to(S::Scheduled),
            (S::Running, E::Interrupt) => Self { state: returned, used: self.used - 1, ..self },
            (S::Running, E::ObserveCancel) if self.cancel_requested => to(S::Cancelled),
            (S::Running, E::Lose) => {
                let lost = Self { crashes: self.crashes + 1, ..self };
                let exhausted = lost.crashes >= limits.crashes || lost.used >= limits.attempts;
                match (self.cancel_requested, exhausted) {
                    (true, _) => Self { state: S::Cancelled, ..lost },
                    (false, true) => Self { state: S::Failed, ..lost },
                    (false, false) => Self { state: S::Queued, ..lost },
                }
            }
            (S::Scheduled | S::Queued, E::Cancel) => to(S::Cancelled),
            (S::Running, E::Cancel) => Self { cancel_requested: true, ..self },
            (S::Succeeded | S::Failed | S::Cancelled, E::Cancel) => self,
            (S::Scheduled | S::Failed | S::Cancelled, E::Retry) => {
                Self { state: S::Queued, used: 0, crashes: 0, cancel_requested: false, ..self }
            }
            (S::Queued | S::Running, E::Retry) => self,
            (S::Succeeded, E::Redo) => {
                Self { state: S::Queued, used: 0, crashes: 0, cancel_requested: false, ..self }
            }
            (state, event) => return Err(Refused { state, event }),
        })
    }
}
