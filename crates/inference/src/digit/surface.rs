//! A smooth surface through most of the samples.

use super::background::median;

/// Terms of the surface: 1, x, y, x², xy, y².
const TERMS: usize = 6;
/// Terms of a plane, which is all that the border alone is trusted to tell.
const PLANE: usize = 3;
const ROUNDS: usize = 5;
/// Tukey's constant: samples so many spreads off do not count, and 95 % efficiency on normal noise.
const BIWEIGHT: f32 = 4.685;
/// Samples fewer than this can only tell a constant.
const LEAST_SAMPLES: usize = 32;

/// A grey value at a place; each axis from -1 to 1.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) value: f32,
    pub(super) border: bool,
}

pub(super) struct Surface([f32; TERMS]);

impl Surface {
    /// The surface that most samples lie on, and how far the border is spread around it, at least `least_spread`.
    ///
    /// It starts from the border's median and takes the spread from the border alone, because that is where the
    /// paper is: of a bold digit more pixels can be ink than paper.
    pub(super) fn robust(samples: &[Sample], least_spread: f32) -> (Self, f32) {
        let border: Vec<Sample> = samples.iter().filter(|sample| sample.border).copied().collect();
        let mut surface = Self::constant(median(border.iter().map(|sample| sample.value).collect()));
        let mut spread = surface.spread(&border).max(least_spread);
        // A border of one tone all around is a drawing's, not a photo's: there is no light to be fitted.
        let even = border.iter().all(|sample| (sample.value - surface.0[0]).abs() < least_spread);
        if even || samples.len() < LEAST_SAMPLES {
            return (surface, spread);
        }
        for (samples, terms) in [(border.as_slice(), PLANE), (samples, TERMS)] {
            for _ in 0..ROUNDS {
                surface = surface.fitted(samples, terms, BIWEIGHT * spread).unwrap_or(surface);
                spread = surface.spread(&border).max(least_spread);
            }
        }
        (surface, spread)
    }

    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        terms(x, y).iter().zip(self.0).map(|(term, factor)| term * factor).sum()
    }

    fn constant(value: f32) -> Self {
        Self([value, 0.0, 0.0, 0.0, 0.0, 0.0])
    }

    /// The standard deviation of normal noise that has the same median distance.
    fn spread(&self, samples: &[Sample]) -> f32 {
        1.4826
            * median(
                samples.iter().map(|sample| (sample.value - self.at(sample.x, sample.y)).abs()).collect(),
            )
    }

    /// Weighted least squares, the weights from the distances to this surface; `None` if no sample is near.
    fn fitted(&self, samples: &[Sample], count: usize, reach: f32) -> Option<Self> {
        let mut equations = [[0.0_f64; TERMS + 1]; TERMS];
        for sample in samples {
            let off = (sample.value - self.at(sample.x, sample.y)) / reach;
            let weight = f64::from((1.0 - off * off).max(0.0).powi(2));
            let terms = terms(sample.x, sample.y).map(f64::from);
            for (row, term) in equations.iter_mut().zip(terms).take(count) {
                for (sum, other) in row.iter_mut().zip(terms).take(count) {
                    *sum += weight * term * other;
                }
                row[TERMS] += weight * term * f64::from(sample.value);
            }
        }
        solve(&mut equations, count).map(Self)
    }
}

fn terms(x: f32, y: f32) -> [f32; TERMS] {
    [1.0, x, y, x * x, x * y, y * y]
}

/// Gauss-Jordan with the diagonal as pivots: normal equations are symmetric and positive. The right side is the last
/// column.
fn solve(equations: &mut [[f64; TERMS + 1]; TERMS], count: usize) -> Option<[f32; TERMS]> {
    let total = equations[0][0];
    for at in 0..count {
        // A frame of one row or column says nothing of the other axis; this keeps those factors at 0.
        if at > 0 {
            equations[at][at] += 1e-6 * total;
        }
        let pivot = equations[at];
        if pivot[at] <= 1e-9 {
            return None;
        }
        for (_, equation) in equations.iter_mut().enumerate().filter(|(row, _)| *row != at) {
            let factor = equation[at] / pivot[at];
            for (value, pivot) in equation.iter_mut().zip(pivot) {
                *value -= factor * pivot;
            }
        }
    }
    let mut factors = [0.0; TERMS];
    for (at, factor) in factors.iter_mut().enumerate().take(count) {
        *factor = (equations[at][TERMS] / equations[at][at]) as f32;
    }
    Some(factors)
}
