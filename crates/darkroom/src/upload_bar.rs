//! How far an upload is, on a terminal: bytes, bytes a second, time left.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::tell;

/// A bar on standard error, if someone looks at it. Cheap to clone; all of them are the same.
#[derive(Clone)]
pub(crate) struct UploadBar(Option<ProgressBar>);

impl UploadBar {
    /// Of so many bytes, as far as that is known.
    pub(crate) fn start(bytes: u64) -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(bytes);
            let look =
                "{wide_bar} sending  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
            bar.set_style(
                ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    /// So many bytes more have left.
    pub(crate) fn sent(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
            // What is packed is a little more than its files, and these are counted beside it.
            if bar.length().is_some_and(|length| length < bar.position()) {
                bar.set_length(bar.position());
            }
        }
    }

    /// There are so many bytes more to send than was known.
    pub(crate) fn more(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc_length(bytes);
        }
    }

    /// So many bytes less: they need not be sent.
    pub(crate) fn less(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.dec_length(bytes);
        }
    }

    /// A line above the bar.
    pub(crate) fn note(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    /// The bar goes away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
