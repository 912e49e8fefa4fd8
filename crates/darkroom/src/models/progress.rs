//! What is being done, for whoever looks at it: a line that moves on a terminal, plain lines elsewhere.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::tell;

/// The state of a fetch.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Counts up to `steps`.
    pub(super) fn start(steps: u64) -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps);
            let look = "{spinner} [{pos}/{len}] {msg} ({elapsed})";
            bar.set_style(
                ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    /// What is done now.
    pub(super) fn step(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.set_message(text.to_owned()),
            None => tell(text),
        }
    }

    /// A step is done.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
