//! The converters on small networks whose results are computed a second time, from the definitions and the weights as
//! they were before folding; and on files that mean harm.

mod dequantised;
mod keras_models;
mod lite_models;
mod pickles;
mod plane;
mod quantised;
mod run;
mod stored_models;

/// Numbers between -1 and 1 that look random and are always the same (Knuth's MMIX generator).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub(super) fn vector(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }

    /// Numbers between 0.5 and 1.5: variances, and scales of batch norms.
    fn positive(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| 1.0 + self.next() / 2.0).collect()
    }
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 2e-5, "{worst} apart: {found:?} {expected:?}");
    let spread = expected.iter().copied().fold(0.0, f32::max) - expected.iter().copied().fold(1.0, f32::min);
    assert!(spread > 0.01, "all outcomes are alike, so that this proves nothing: {expected:?}");
}
