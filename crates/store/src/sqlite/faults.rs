//! Named points at which a crash test ends the process, and what a loss of power would leave. Without the feature
//! `faults` they are nothing.

use std::{fs::File, io, path::Path};

/// Where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// In a transaction, after one of its calls.
    InBatch,
    /// All is written, nothing is committed.
    BeforeCommit,
    /// All is committed, and may not be on the disk.
    BeforeSync,
    /// All is on the disk, nobody has been answered.
    BeforeAnswer,
}

#[cfg(not(feature = "faults"))]
pub(super) fn pass(_: Point) {}

/// Ends the process at the n-th pass of the point in `DARKROOM_ABORT_AT`, written as `before_commit:12`.
#[cfg(feature = "faults")]
pub(super) fn pass(point: Point) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicI64, Ordering},
    };
    static CHOSEN: LazyLock<Option<(Point, AtomicI64)>> = LazyLock::new(|| {
        let text = std::env::var("DARKROOM_ABORT_AT").ok()?;
        let (name, passes) = text.split_once(':')?;
        let point = match name {
            "in_batch" => Point::InBatch,
            "before_commit" => Point::BeforeCommit,
            "before_sync" => Point::BeforeSync,
            "before_answer" => Point::BeforeAnswer,
            _ => return None,
        };
        Some((point, AtomicI64::new(passes.parse().ok()?)))
    });
    if let Some((chosen, left)) = &*CHOSEN
        && *chosen == point
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

/// Syncs the log. Where `DARKROOM_KEEP_SYNCED` is set, a copy of what is on the disk for certain is kept beside it: what
/// a loss of power leaves at least.
#[cfg(feature = "faults")]
pub(super) fn sync(log: &File, path: &Path) -> io::Result<()> {
    use std::io::Read as _;
    if std::env::var_os("DARKROOM_KEEP_SYNCED").is_none() {
        return log.sync_data();
    }
    let before = log.metadata()?.len();
    log.sync_data()?;
    let mut copy = File::create(path.with_extension("copying"))?;
    io::copy(&mut File::open(path)?.take(before), &mut copy)?;
    std::fs::rename(path.with_extension("copying"), path.with_extension("synced"))
}

#[cfg(not(feature = "faults"))]
pub(super) fn sync(log: &File, _: &Path) -> io::Result<()> {
    log.sync_data()
}
