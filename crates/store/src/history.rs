//! What both stores do alike with the minutes of the past.

use std::time::Duration;

use darkroom_core::{
    Timestamp,
    job::{FailureKind, Shown},
    store::{MINUTE, Period, Sample},
};

use crate::totals::{Held, OldestQueued, Totals};

/// Minutes that [`darkroom_core::store::Counts::recent`] looks back, the current one included.
const RECENT_MINUTES: u32 = 60;

/// Minutes that are deleted at most when the minute changes.
pub(crate) const MAX_FORGOTTEN_MINUTES: u64 = 1_000;

/// How many minutes are kept.
pub(crate) fn kept(keep: Duration) -> u64 {
    (keep.as_secs() / MINUTE.as_secs()).max(u64::from(RECENT_MINUTES))
}

/// Which of two minutes goes first, the first and the last that are kept: the one that is farther from now. So what a
/// wrong clock left in a distant future goes before the true past does, and a clock that is wrong for some minutes
/// costs no more than as many.
pub(crate) fn goes_first(first: Timestamp, last: Timestamp, now: Timestamp) -> Timestamp {
    let distance = |at: Timestamp| at.as_millis().abs_diff(now.as_millis());
    if distance(last) > distance(first) { last } else { first }
}

/// The first and the last minute that [`darkroom_core::store::Counts::recent`] shows.
pub(crate) fn recent(now: Timestamp) -> (Timestamp, Timestamp) {
    let last = Period::minute_of(now).start;
    (last - MINUTE * (RECENT_MINUTES - 1), last)
}

/// How much there is to do, as [`darkroom_core::store::Ledger::counts`] would say it.
pub(crate) fn sample(totals: &Totals, waiting: (&OldestQueued, &Held), now: Timestamp) -> Sample {
    let counts = totals.counts(Vec::new(), waiting);
    Sample {
        queued: counts.shown(Shown::Queued),
        running: counts.shown(Shown::Running),
        oldest_wait: counts.oldest_queued.map_or(Duration::ZERO, |since| now.since(since)),
    }
}

/// The place of a reason among all of them, as the totals and the file have it.
pub(crate) fn place_of(kind: FailureKind) -> usize {
    FailureKind::ALL.iter().position(|known| *known == kind).unwrap_or_default()
}
