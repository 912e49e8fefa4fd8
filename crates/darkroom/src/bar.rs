//! How far runs are, on a terminal: counts, images a second, time left, bytes, failures by reason.

use std::{
    collections::{BTreeMap, VecDeque},
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use darkroom_api::{Run, RunState};
use indicatif::{BinaryBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::{
    fit::{Part, beside_bar},
    terminal::tell,
};

/// The rate is that of the last so many seconds.
const WINDOW: Duration = Duration::from_secs(10);

/// How far some runs are together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standing {
    /// Images so far.
    pub(crate) total: u64,
    /// Those of them that have ended.
    pub(crate) ended: u64,
    /// Bytes of all of them.
    pub(crate) bytes: u64,
    /// Whether these are all.
    pub(crate) complete: bool,
    /// Why images failed.
    pub(crate) failures: BTreeMap<String, u64>,
    /// Why the runs wait, if they do.
    pub(crate) waits: Option<String>,
}

impl Standing {
    /// Of these runs.
    pub(crate) fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut all = Self { complete: true, ..Self::default() };
        for run in runs {
            all.total += run.total;
            all.ended += run.counts.succeeded + run.counts.failed + run.counts.cancelled;
            all.bytes += run.bytes;
            all.complete &= run.complete;
            for (reason, count) in &run.failures {
                *all.failures.entry(reason.clone()).or_default() += count;
            }
            if run.state == RunState::Paused {
                all.waits = run.stop.as_ref().map(|stop| stop.message.clone()).or(all.waits);
            }
        }
        all
    }

    /// What stands beside the bar, at this many images a second.
    fn parts(&self, rate: Option<f64>) -> Vec<Part> {
        if self.total == 0 && !self.complete {
            let waits = self.waits.clone();
            return vec![Part::kept(waits.unwrap_or_else(|| "reading the source".to_owned()))];
        }
        let more = if self.complete { "" } else { "+" };
        let counts = format!("{}/{}{more}", HumanCount(self.ended), HumanCount(self.total));
        let mut parts = vec![Part::kept(counts)];
        let left = self.total - self.ended.min(self.total);
        if let Some(rate) = rate.filter(|rate| *rate > 0.0) {
            parts.push(Part::giving_way(format!("{rate:.1}/s"), 4));
            if self.complete && left > 0 {
                let left = Duration::from_secs_f64((left as f64 / rate).min(1e9));
                parts.push(Part::giving_way(format!("{} left", HumanDuration(left)), 3));
            }
        }
        parts.push(Part::giving_way(BinaryBytes(self.bytes).to_string(), 5));
        if !self.failures.is_empty() {
            let failed = format!("{} failed", self.failures.values().sum::<u64>());
            parts.push(Part::giving_way(format!("{failed}: {}", reasons(&self.failures)), 2).or(failed));
        }
        parts.extend(self.waits.iter().map(|why| Part::giving_way(format!("waits: {why}"), 1).or("waits")));
        parts
    }
}

/// `2 undecodable, 1 timed_out`: the most frequent reason first.
pub(crate) fn reasons(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), *reason));
    counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
}

/// A bar on standard error, if someone looks at it.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    pace: Mutex<Pace>,
}

impl Bar {
    pub(crate) fn start() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{wide_bar} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, pace: Mutex::new(Pace::default()) }
    }

    /// Shows how far the runs are now.
    pub(crate) fn show(&self, standing: &Standing) {
        let Some(bar) = &self.bar else { return };
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = pace.after(Instant::now(), standing.ended);
        drop(pace);
        bar.set_length(standing.total);
        bar.set_position(standing.ended);
        bar.set_message(beside_bar(standing.parts(rate)));
    }

    /// A line above the bar.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    /// Does something that prints, with the bar out of its way.
    pub(crate) fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// The bar goes away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How many had ended when, lately.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    /// Images a second up to now, of which so many have ended.
    fn after(&mut self, now: Instant, ended: u64) -> Option<f64> {
        // What is done once more has not ended any more: it counts anew.
        if self.0.back().is_some_and(|(_, before)| *before > ended) {
            self.0.clear();
        }
        self.0.push_back((now, ended));
        while self.0.len() > 2 && self.0.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.0.pop_front();
        }
        let (began, before) = self.0.front()?;
        let seconds = (now - *began).as_secs_f64();
        (seconds > 0.5).then(|| ended.saturating_sub(*before) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::fit;

    fn line(standing: &Standing, rate: Option<f64>) -> String {
        fit(standing.parts(rate), 120)
    }

    #[test]
    fn a_line_says_counts_rate_time_left_bytes_and_why_images_failed() {
        let failures = BTreeMap::from([("timed_out".to_owned(), 1), ("undecodable".to_owned(), 2)]);
        let standing =
            Standing { total: 1_412, ended: 412, bytes: 3 << 30, complete: true, failures, waits: None };
        let whole = "412/1,412  50.0/s  20 seconds left  3.00 GiB  3 failed: 2 undecodable, 1 timed_out";
        assert_eq!(line(&standing, Some(50.0)), whole);
        let narrow = fit(standing.parts(Some(50.0)), 40);
        assert_eq!(narrow, "412/1,412  3 failed");
        let growing = Standing { complete: false, failures: BTreeMap::new(), ..standing };
        assert_eq!(line(&growing, None), "412/1,412+  3.00 GiB");
        assert_eq!(line(&Standing::default(), None), "reading the source");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let began = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.after(began, 100), None);
        assert_eq!(pace.after(began + Duration::from_secs(2), 120), Some(10.0));
        for second in 3..60 {
            pace.after(began + Duration::from_secs(second), 120 + 50 * (second - 2));
        }
        assert_eq!(pace.after(began + Duration::from_mins(1), 120 + 50 * 58), Some(50.0));
        assert_eq!(pace.after(began + Duration::from_secs(61), 0), None, "all of it is done once more");
        assert_eq!(pace.after(began + Duration::from_secs(63), 40), Some(20.0));
    }
}
