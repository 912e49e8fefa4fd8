//! How quickly the items of a run ended.

use darkroom_core::{Timestamp, run::Run};

/// Even parts of the time from the first claim of a run to the last end of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slices {
    pub(crate) start: i64,
    /// Milliseconds of each; at least 1.
    pub(crate) width: i64,
    last: i64,
}

impl Slices {
    /// At most `count` of them; `last` is when the last item ended.
    pub(crate) fn of(run: &Run, last: i64, count: u32) -> Self {
        let start = run.started_at.unwrap_or(run.created_at).as_millis().min(last);
        // The last instant lies inside of the last slice.
        let width = (last - start) / i64::from(count.max(1)) + 1;
        Self { start, width, last }
    }

    /// What had ended by the end of each slice, from what ended in it; slices come in their order.
    pub(crate) fn sums(self, ended: impl IntoIterator<Item = (i64, u64)>) -> Vec<(Timestamp, u64)> {
        let mut sum = 0;
        let mut add = |(slice, count): (i64, u64)| {
            sum += count;
            let end = (self.start + (slice + 1) * self.width - 1).min(self.last);
            (Timestamp::from_millis(end), sum)
        };
        ended.into_iter().map(&mut add).collect()
    }
}
