//! The bar while results are fetched: how many are here, how fast, how much longer. Only where someone looks at it.

use std::{fmt::Write, io::IsTerminal, time::Duration};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use crate::{
    fit::{Part, beside_bar},
    terminal::tell,
};

/// Shows how much of a run is here.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar if standard error is a terminal.
    pub(super) fn start(total: u64) -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{wide_bar} {told}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("told", told));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    /// One more image is done.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// One more needs nothing, so that it says nothing about the rate.
    pub(super) fn skipped(&self) {
        if let Some(bar) = &self.0 {
            bar.dec_length(1);
        }
    }

    /// A line above the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    /// The bar goes away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn told(state: &ProgressState, line: &mut dyn Write) {
    let (done, total) = (HumanCount(state.pos()), HumanCount(state.len().unwrap_or_default()));
    let parts = vec![
        Part::giving_way("fetching", 3),
        Part::kept(format!("{done}/{total}")),
        Part::giving_way(format!("{:.1}/s", state.per_sec()), 2),
        Part::giving_way(format!("{} left", HumanDuration(state.eta())), 1),
    ];
    // There is nobody to tell that a line has no room in memory.
    let _ = line.write_str(&beside_bar(parts));
}
