//! A loss of power takes what the disk was not made to keep: what was acknowledged is not among that.
//!
//! The child keeps a copy of its write-ahead log as each sync leaves it. When it was killed, the rest of the log is lost,
//! or some of it: a disk writes in any order. The child is the one of `crash.rs`; too little is written for SQLite to
//! copy the log to the file, which syncs both.

use std::path::Path;

use crate::crash::{Acknowledged, check, child, parent_path, random_below, start};

/// Times that the power is cut.
const ROUNDS: usize = 20;

/// Times at most, should all that was written have been synced each time.
const MOST_ROUNDS: usize = 200;

/// What a disk writes at once.
const BLOCK: usize = 4_096;

#[test]
fn a_loss_of_power_at_random_moments_takes_nothing_that_was_acknowledged() {
    let Some(path) = parent_path() else { return child() };
    let (mut known, mut lost) = (Acknowledged::default(), 0);
    for round in 0..MOST_ROUNDS {
        let test = a_loss_of_power_at_random_moments_takes_nothing_that_was_acknowledged;
        let mut child = start(&test, &path, &[("DARKROOM_KEEP_SYNCED", "1")]);
        let news = known.read_until(&mut child, 1 + random_below(100));
        lost += cut_power(&path, if round % 2 == 0 { Unsynced::Gone } else { Unsynced::WithHole });
        let is_last = round + 1 >= ROUNDS && lost > 0;
        crate::block_on(check(&path, &news, &known, is_last));
        if is_last {
            break;
        }
    }
    assert!(known.jobs.len() > ROUNDS, "the children got nothing done: {}", known.jobs.len());
    assert!(lost > 0, "there was never anything to lose");
}

/// What becomes of that part of the log that was written and not synced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsynced {
    Gone,
    /// All but one block has reached the disk.
    WithHole,
}

/// Leaves of the log what a loss of power would; how many bytes of it were not synced.
fn cut_power(path: &Path, unsynced: Unsynced) -> usize {
    let log = path.with_extension("db-wal");
    let mut written = std::fs::read(&log).expect("the log");
    let mut left = std::fs::read(path.with_extension("synced")).expect("a copy from before the first answer");
    let lost = written.len().checked_sub(left.len()).expect("the log only grows");
    if unsynced == Unsynced::WithHole && lost > 0 {
        let hole = left.len() + random_below(lost);
        let end = written.len().min(hole + BLOCK);
        written[hole..end].fill(0);
        left = written;
    }
    std::fs::write(&log, left).expect("the log as it is left");
    lost
}
