//! Named points at which a crash test ends the process. Without the feature `faults` they are nothing.

/// Where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// In a transaction, after one of its calls.
    InBatch,
    /// All is written, nothing is committed.
    BeforeCommit,
    /// All is committed, nobody has been answered.
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
