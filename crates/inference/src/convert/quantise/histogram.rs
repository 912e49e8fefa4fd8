//! How often which value was seen, and what range of bytes loses least of it.

use super::{affine::Affine, ranges::Range};

/// Bins, half of them for negative values. Whatever the values, at least an eighth of a byte's step is told apart.
const BINS: usize = 1 << 14;

/// What the bins reach at first. They reach twice as far whenever a value lies outside.
const FIRST_REACH: f32 = 1.0 / 1024.0;

/// Ranges that are tried: every hundredth of the highest value seen, from there down to this.
const NARROWEST: u32 = 30;

/// A histogram of values of any size.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    /// The first bin begins at `-reach`, the last ends there.
    reach: f32,
    low: f32,
    high: f32,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BINS], reach: FIRST_REACH, low: 0.0, high: 0.0 }
    }

    /// Counts finite values.
    pub(super) fn see(&mut self, values: &[f32]) {
        for &value in values.iter().filter(|value| value.is_finite()) {
            while value.abs() >= self.reach {
                self.widen();
            }
            let bin = (value / self.reach + 1.0) * (BINS / 2) as f32;
            self.counts[(bin as usize).min(BINS - 1)] += 1;
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    /// Two bins become one; the middle stays where it is.
    fn widen(&mut self) {
        let mut counts = vec![0; BINS];
        for (at, pair) in self.counts.as_chunks::<2>().0.iter().enumerate() {
            counts[BINS / 4 + at] = pair[0] + pair[1];
        }
        (self.counts, self.reach) = (counts, self.reach * 2.0);
    }

    /// From the lowest to the highest value.
    pub(super) fn whole(&self) -> Option<Range> {
        Range::new(self.low, self.high)
    }

    /// The range whose bytes are nearest to the values, by the mean of the squares: cutting off a few large values makes
    /// the steps of all others finer. The low end is cut along with the high one, or stays.
    pub(super) fn best(&self) -> Option<Range> {
        let cut = |share: u32, both: bool| {
            let share = share as f32 / 100.0;
            Range::new(if both { self.low * share } else { self.low }, self.high * share)
        };
        let tried = (NARROWEST..=100).rev().flat_map(|share| [cut(share, true), cut(share, false)]).flatten();
        let losses = tried.map(|range| (self.loss(range), range));
        losses.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, range)| range)
    }

    /// The sum of the squares of what is lost; all values of a bin are taken to lie in its middle.
    fn loss(&self, range: Range) -> f64 {
        let affine = Affine::over(range);
        let width = self.reach / (BINS / 2) as f32;
        let seen = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let loss = seen.map(|(bin, &count)| {
            let middle = (bin as f32 + 0.5) * width - self.reach;
            let lost = f64::from(affine.value(affine.byte(middle)) - middle);
            lost * lost * count as f64
        });
        loss.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::Numbers;

    #[test]
    fn counts_survive_that_the_bins_widen() {
        let mut histogram = Histogram::new();
        histogram.see(&[1e-4, -1e-4, f32::NAN, 0.0]);
        histogram.see(&[100.0, -50.0, f32::INFINITY]);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 5);
        assert!((histogram.reach - 128.0).abs() < 1e-3);
        assert_eq!(histogram.whole(), Range::new(-50.0, 100.0));
        let middle = &histogram.counts[BINS / 2 - 1..=BINS / 2];
        assert_eq!(middle, [1, 2], "small values keep their sign");
    }

    #[test]
    fn a_single_outlier_does_not_cost_all_others_their_precision() {
        let mut histogram = Histogram::new();
        let values: Vec<f32> = Numbers(5).vector(100_000).iter().map(|value| value.abs()).collect();
        for _ in 0..20 {
            histogram.see(&values);
        }
        let even = histogram.best().unwrap();
        assert!(even.high > 0.98, "values that are spread evenly are cut to {even:?}");
        histogram.see(&[2.0]);
        let best = histogram.best().unwrap();
        assert!((0.9..1.2).contains(&best.high), "{best:?}");
        assert!(histogram.loss(best) < histogram.loss(histogram.whole().unwrap()));
    }

    #[test]
    fn values_that_are_all_zero_have_a_range() {
        let mut histogram = Histogram::new();
        histogram.see(&[0.0; 10]);
        assert_eq!(histogram.best(), Range::new(0.0, 0.0));
    }
}
