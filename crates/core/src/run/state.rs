//! The life of a run, as one function. Every store moves runs by it and by nothing else.
//!
//! ```text
//! enumerating ──source ended──▶ running ──last item──▶ succeeded
//!      └───────── pause ───▶ paused ◀─ pause ─┘
//!      └─ source failed, too many failures ─▶ failed ──retry, redo──▶ enumerating | running
//! ```
//! Whoever cancels ends it from everywhere but `succeeded`. Items are claimed while it is enumerating or running.

use serde::{Deserialize, Serialize};

use super::Tally;

/// Items that have to be finished before a share of failures says anything.
const MIN_FINISHED_FOR_PERCENT: u64 = 20;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Items still come in; those that have are worked on. Out: the source ends or fails, pause, cancel.
    Enumerating,
    /// All items are known. Out: the last one ends, too many fail, pause, cancel.
    Running,
    /// Nothing is claimed and nothing is appended; what was running ends. Out: resume, cancel.
    Paused,
    /// All items have ended. Final, unless items are worked on again.
    Succeeded,
    /// The source failed or too many items did; what waits is held. Final; retry goes on.
    Failed,
    /// Someone cancelled it; its waiting items are cancelled too. Final.
    Cancelled,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Enumerating, Self::Running, Self::Paused, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether nothing but a person moves the run any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// Whether its items are claimed. One that was retried after the run has succeeded is.
    pub fn gives_work(self) -> bool {
        matches!(self, Self::Enumerating | Self::Running | Self::Succeeded)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enumerating => "enumerating",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RunState {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| format!("`{word}` is not a state of a run"))
    }
}

/// Whether all items of a run are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// More may come.
    Growing,
    /// These are all.
    Complete,
}

/// Why a run does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stop {
    /// The reason, from a closed set.
    pub kind: StopKind,
    /// One sentence for people. Never holds internals.
    pub message: String,
}

/// The closed set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// Someone asked for it.
    Asked,
    /// There is no room to write.
    DiskFull,
    /// The source cannot be read at the moment.
    SourceUnavailable,
    /// Images or results cannot be kept at the moment.
    StorageUnavailable,
    /// The source is not what it was said to be.
    SourceFailed,
    /// More items failed than the run allows.
    TooManyFailures,
}

impl StopKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::DiskFull => "disk_full",
            Self::SourceUnavailable => "source_unavailable",
            Self::StorageUnavailable => "storage_unavailable",
            Self::SourceFailed => "source_failed",
            Self::TooManyFailures => "too_many_failures",
        }
    }
}

impl Stop {
    /// A stop of this kind.
    pub fn new(kind: StopKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Someone asked for it.
    pub fn asked(message: impl Into<String>) -> Self {
        Self::new(StopKind::Asked, message)
    }
}

/// What failed items mean to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// They are counted.
    #[default]
    Continue,
    /// The run stops once this many have failed; the first one if it is 0.
    StopAfter(u64),
    /// The run stops once this share of what has finished has failed, in percent, 1 to 100. Looked at from 20
    /// finished items on.
    StopAtPercent(Percent),
}

/// A share, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schema(value_type = u8, minimum = 1, maximum = 100)]
pub struct Percent(u8);

impl TryFrom<u8> for Percent {
    type Error = &'static str;
    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if (1..=100).contains(&value) { Ok(Self(value)) } else { Err("a share is 1 to 100 percent") }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl OnError {
    /// Why a run with this tally is to stop.
    fn objects(self, tally: &Tally) -> Option<Stop> {
        let (failed, finished) = (tally.failed(), tally.finished());
        let stops = match self {
            Self::Continue => false,
            Self::StopAfter(most) => failed >= most.max(1),
            Self::StopAtPercent(Percent(share)) => {
                finished >= MIN_FINISHED_FOR_PERCENT && failed * 100 >= u64::from(share) * finished
            }
        };
        let message = || format!("{failed} of {finished} finished items failed");
        stops.then(|| Stop::new(StopKind::TooManyFailures, message()))
    }
}

/// Where a run stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunStatus {
    /// Its state.
    pub state: RunState,
    /// Whether all its items are known.
    pub source: SourceState,
    /// Why it is paused, failed or cancelled.
    pub stop: Option<Stop>,
}

impl Default for RunStatus {
    fn default() -> Self {
        Self { state: RunState::Enumerating, source: SourceState::Growing, stop: None }
    }
}

/// What happens to a run as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// All its items are known.
    SourceEnded,
    /// The same, of an archive that is damaged from somewhere on: what is wrong, and after how many entries.
    SourceDamaged(String),
    /// Its source is not what it was said to be.
    SourceFailed(String),
    /// It is to wait.
    Pause(Stop),
    /// It is to go on after a pause.
    Resume,
    /// It is to end.
    Cancel(Stop),
    /// What failed is to be done again; it has been queued.
    Retry,
    /// Everything that has ended is to be done again; it has been queued.
    Redo,
}

/// The event makes no sense in this state; the run is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that is not possible for a run that is {state}")]
pub struct RunRefused {
    /// Where the run stands.
    pub state: RunState,
}

impl RunStatus {
    /// Where the run stands after `event`. Pausing what is paused, resuming what goes on and cancelling what has
    /// ended change nothing.
    #[allow(clippy::match_same_arms, reason = "one line an edge of the diagram")]
    pub fn after(self, event: RunEvent) -> Result<Self, RunRefused> {
        use RunEvent as E;
        use RunState as S;
        let stopped = |state, stop| Self { state, stop: Some(stop), source: self.source };
        Ok(match (self.state, event) {
            (S::Enumerating | S::Running, E::SourceEnded | E::SourceDamaged(_)) => {
                Self::going(SourceState::Complete)
            }
            (S::Paused, E::SourceEnded | E::SourceDamaged(_)) => {
                Self { source: SourceState::Complete, ..self }
            }
            (S::Enumerating | S::Running | S::Paused, E::SourceFailed(message)) => {
                stopped(S::Failed, Stop::new(StopKind::SourceFailed, message))
            }
            (S::Enumerating | S::Running, E::Pause(stop)) => stopped(S::Paused, stop),
            (S::Paused, E::Pause(_)) => self,
            (S::Paused, E::Resume) => Self::going(self.source),
            (S::Enumerating | S::Running, E::Resume) => self,
            (S::Succeeded | S::Cancelled, E::Cancel(_)) => self,
            (_, E::Cancel(stop)) => stopped(S::Cancelled, stop),
            (S::Enumerating | S::Running | S::Paused, E::Retry | E::Redo) => self,
            (S::Succeeded | S::Failed, E::Retry | E::Redo) => Self::going(self.source),
            (state, _) => return Err(RunRefused { state }),
        })
    }

    /// Where the run stands with its items as they are.
    #[must_use]
    pub fn progressed(self, tally: &Tally, on_error: OnError) -> Self {
        use RunState as S;
        match self.state {
            S::Enumerating | S::Running | S::Paused if self.is_done(tally) => {
                Self { state: S::Succeeded, stop: None, ..self }
            }
            S::Enumerating | S::Running => match on_error.objects(tally) {
                Some(stop) => Self { state: S::Failed, stop: Some(stop), ..self },
                None => self,
            },
            S::Succeeded if tally.open() > 0 => Self::going(self.source),
            S::Succeeded | S::Paused | S::Failed | S::Cancelled => self,
        }
    }

    fn is_done(&self, tally: &Tally) -> bool {
        self.source == SourceState::Complete && tally.open() == 0
    }

    fn going(source: SourceState) -> Self {
        let state = match source {
            SourceState::Growing => RunState::Enumerating,
            SourceState::Complete => RunState::Running,
        };
        Self { state, source, stop: None }
    }
}
