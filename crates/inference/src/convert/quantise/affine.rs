//! A float as an unsigned byte.

use super::ranges::Range;

/// The largest byte.
const MOST: f32 = 255.0;

/// What a byte `q` stands for: `(q − zero) · scale`, as ONNX's `DequantizeLinear` computes it. Zero is always exact:
/// padding and ReLU depend on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    pub(super) scale: f32,
    pub(super) zero: u8,
}

impl Affine {
    /// Bytes that reach over a range. Its ends move by at most half a step, so that zero falls on a byte.
    pub(super) fn over(range: Range) -> Self {
        let scale = (range.high - range.low) / MOST;
        // `as` saturates.
        Self { scale, zero: (-range.low / scale).round_ties_even() as u8 }
    }

    /// The byte of a value: rounded half to even, saturated; as `QuantizeLinear` says.
    pub(super) fn byte(self, value: f32) -> u8 {
        ((value / self.scale).round_ties_even() + f32::from(self.zero)) as u8
    }

    /// The value of a byte.
    pub(super) fn value(self, byte: u8) -> f32 {
        (f32::from(byte) - f32::from(self.zero)) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(low: f32, high: f32) -> Affine {
        Affine::over(Range::new(low, high).unwrap())
    }

    #[test]
    fn halves_go_to_the_even_byte_and_what_is_outside_to_the_last() {
        let affine = over(0.0, 510.0);
        assert_eq!(affine, Affine { scale: 2.0, zero: 0 });
        let cases = [(1.0, 0), (3.0, 2), (5.0, 2), (5.1, 3), (-7.0, 0), (510.0, 255), (1e9, 255)];
        for (value, byte) in cases {
            assert_eq!(affine.byte(value), byte, "{value}");
        }
        let signed = over(-128.0, 127.0);
        assert_eq!(signed, Affine { scale: 1.0, zero: 128 });
        for (value, byte) in [(-0.5, 128), (0.5, 128), (1.5, 130), (-1.5, 126), (-129.0, 0), (128.0, 255)] {
            assert_eq!(signed.byte(value), byte, "{value}");
        }
    }

    #[test]
    fn zero_is_exact_whatever_the_range() {
        for (low, high) in [(-1.0, 3.7), (0.0, 1e-3), (-9.0, 0.0), (2.0, 3.0), (-3.0, -2.0), (0.0, 0.0)] {
            let affine = over(low, high);
            assert!(affine.value(affine.byte(0.0)).abs() < f32::MIN_POSITIVE, "{low} {high}");
        }
    }

    #[test]
    fn no_value_inside_is_further_off_than_a_step() {
        let affine = over(-0.3, 1.7);
        for at in 0..=2000 {
            let value = at as f32 / 1000.0 - 0.3;
            let off = (affine.value(affine.byte(value)) - value).abs();
            // Half a step, and at the ends another half, by which zero was moved.
            assert!(off <= affine.scale, "{value} is {off} off");
        }
    }
}
