//! The bar: how many are done, how fast, how much longer. Only where someone looks at it.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::tell;

/// Shows how far the run is.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    total: Arc<AtomicU64>,
    skipped: AtomicU64,
}

impl Progress {
    /// A bar if standard error is a terminal. `total` may still grow.
    pub(super) fn start(total: Arc<AtomicU64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let look = "{wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left";
            bar.set_style(
                ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, total, skipped: AtomicU64::new(0) }
    }

    /// One more image is done.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.bar {
            self.stretch(bar);
            bar.inc(1);
        }
    }

    /// One more file needs no work, so that it says nothing about the rate.
    pub(super) fn skipped(&self) {
        if let Some(bar) = &self.bar {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            self.stretch(bar);
        }
    }

    /// The count runs beside the work, and may be behind it.
    fn stretch(&self, bar: &ProgressBar) {
        let (total, skipped) = (self.total.load(Ordering::Relaxed), self.skipped.load(Ordering::Relaxed));
        bar.set_length(total.saturating_sub(skipped).max(bar.position()));
    }

    /// A line above the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    /// The bar goes away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
