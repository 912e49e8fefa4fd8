//! From exact fractions to floating-point numbers, rounded once: to the nearest, ties to even (IEEE 754, 4.3.1).

use super::big::Big;

/// A floating-point format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// Binary digits of a normal number.
    digits: i32,
    /// The exponent of the last digit of the smallest numbers.
    least: i32,
}

pub(super) const SINGLE: Format = Format { digits: 24, least: -149 };
pub(super) const DOUBLE: Format = Format { digits: 53, least: -1074 };

/// `numerator / denominator · 2^exponent`, rounded to `format` and given as the `f64` of that value. A denominator
/// of zero is the caller's mistake and gives infinity.
pub(super) fn rounded(numerator: &Big, denominator: &Big, exponent: i32, format: Format) -> f64 {
    if numerator.is_zero() {
        return 0.0;
    }
    if denominator.is_zero() {
        return f64::INFINITY;
    }
    // Shifted so that the quotient has 64 or 65 digits: more than any format keeps.
    let shift = 64 + denominator.bits() as i32 - numerator.bits() as i32;
    let (quotient, remains) = if shift >= 0 {
        numerator.shifted_left(shift.unsigned_abs()).divide(denominator)
    } else {
        numerator.clone().divide(&denominator.shifted_left(shift.unsigned_abs()))
    };
    let exponent = exponent - shift;
    let digits = 128 - quotient.leading_zeros() as i32;
    let dropped = (digits - format.digits).max(format.least - exponent);
    // Above 128 digits nothing is left, not even a half.
    let (kept, rest, half) = match dropped {
        128.. => (0, quotient, u128::MAX),
        n => (quotient >> n, quotient & ((1 << n) - 1), 1_u128 << (n - 1)),
    };
    let up = rest > half || (rest == half && (remains || kept & 1 == 1));
    let kept = kept + u128::from(up);
    let value = kept as f64 * power_of_two(exponent + dropped);
    if format.digits == SINGLE.digits && value > f64::from(f32::MAX) { f64::INFINITY } else { value }
}

/// `2^exponent`; infinity above what an `f64` can hold. The exponent is never below that of the last digit.
fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022..1024 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::from_bits(1 << (exponent + 1074).max(0)),
    }
}
