//! How far an upload is, on a terminal: bytes, bytes a second, time left.

use std::{fmt::Write, io::IsTerminal, time::Duration};

use indicatif::{BinaryBytes, HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use crate::{
    fit::{Part, beside_bar},
    terminal::tell,
};

/// A bar on standard error, if someone looks at it. Cheap to clone; all of them are the same.
#[derive(Clone)]
pub(crate) struct UploadBar(Option<ProgressBar>);

impl UploadBar {
    /// Of so many bytes, as far as that is known.
    pub(crate) fn start(bytes: u64) -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(bytes);
            let style = ProgressStyle::with_template("{wide_bar} {told}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("told", told));
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

fn told(state: &ProgressState, line: &mut dyn Write) {
    let parts = parts((state.pos(), state.len().unwrap_or_default()), state.per_sec(), state.eta());
    // There is nobody to tell that a line has no room in memory.
    let _ = line.write_str(&beside_bar(parts));
}

fn parts((sent, bytes): (u64, u64), rate: f64, left: Duration) -> Vec<Part> {
    if sent >= bytes && sent > 0 {
        return vec![
            Part::kept(format!("sent {}", BinaryBytes(sent))),
            Part::giving_way("the server looks at it", 1),
        ];
    }
    vec![
        Part::giving_way("sending", 3),
        Part::kept(format!("{}/{}", BinaryBytes(sent), BinaryBytes(bytes))),
        Part::giving_way(format!("{}/s", BinaryBytes(rate as u64)), 2),
        Part::giving_way(format!("{} left", HumanDuration(left)), 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::fit;

    #[test]
    fn a_line_says_what_there_is_room_for() {
        let line = |sent: u64, columns| {
            fit(parts((sent << 20, 200 << 20), 4.5 * 1_048_576.0, Duration::from_secs(40)), columns)
        };
        assert_eq!(line(20, 80), "sending  20.00 MiB/200.00 MiB  4.50 MiB/s  40 seconds left");
        assert_eq!(line(20, 64), "20.00 MiB/200.00 MiB  4.50 MiB/s  40 seconds left");
        assert_eq!(line(20, 52), "20.00 MiB/200.00 MiB  40 seconds left");
        assert_eq!(line(20, 40), "20.00 MiB/200.00 MiB");
        assert_eq!(line(200, 80), "sent 200.00 MiB  the server looks at it");
        assert_eq!(line(200, 40), "sent 200.00 MiB");
    }
}
