//! From the low frequencies of a block to its points.

use super::plane::MOST_POINTS;

/// The slot of a coefficient that is not shown.
pub(super) const UNSHOWN: u8 = SHOWN as u8;

const SHOWN: usize = MOST_POINTS * MOST_POINTS;

/// Dequantised coefficients, four a row; the last place takes what is not shown.
pub(super) struct Block {
    coefficients: [f32; SHOWN + 1],
    flat: bool,
}

impl Block {
    #[inline]
    pub(super) fn of(dc: f32) -> Self {
        let mut coefficients = [0.0; SHOWN + 1];
        coefficients[0] = dc;
        Self { coefficients, flat: true }
    }

    /// `slot` is at most [`UNSHOWN`].
    #[inline]
    pub(super) fn put(&mut self, slot: u8, value: f32) {
        self.coefficients[usize::from(slot).min(SHOWN)] = value;
        self.flat &= slot == UNSHOWN;
    }
}

/// Draws a block with its first point at the start of the samples, whose rows are so far apart.
pub(super) type Draw = fn(&Block, &mut [u8], usize);

/// For blocks of (columns, rows).
pub(super) fn of(points: (usize, usize)) -> Option<Draw> {
    Some(match points {
        (1, 1) => draw::<1, 1>,
        (2, 1) => draw::<2, 1>,
        (1, 2) => draw::<1, 2>,
        (2, 2) => draw::<2, 2>,
        (3, 3) => draw::<3, 3>,
        (4, 2) => draw::<4, 2>,
        (2, 4) => draw::<2, 4>,
        (4, 4) => draw::<4, 4>,
        _ => return None,
    })
}

fn draw<const COLUMNS: usize, const ROWS: usize>(block: &Block, samples: &mut [u8], stride: usize) {
    let c = &block.coefficients;
    if block.flat {
        let flat = [sample(c[0] / 8.0); COLUMNS];
        for y in 0..ROWS {
            samples[y * stride..][..COLUMNS].copy_from_slice(&flat);
        }
        return;
    }
    // Columns first: each step is the same for the four numbers of a row.
    let mut lines = [[0.0; MOST_POINTS]; MOST_POINTS];
    for x in 0..COLUMNS {
        let column = inverse::<ROWS>([c[x], c[4 + x], c[8 + x], c[12 + x]]);
        for y in 0..ROWS {
            lines[y][x] = column[y];
        }
    }
    for (y, line) in lines.iter().enumerate().take(ROWS) {
        let points = inverse::<COLUMNS>(*line).map(sample);
        samples[y * stride..][..COLUMNS].copy_from_slice(&points[..COLUMNS]);
    }
}

/// Inverse DCT of 1 to 4 points of 8-point coefficients: orthonormal, times the square root of `POINTS` / 8.
#[inline]
fn inverse<const POINTS: usize>(c: [f32; MOST_POINTS]) -> [f32; MOST_POINTS] {
    const ROOT: f32 = 0.353_553_39; // 1/√8
    const COS: f32 = 0.461_939_77; // cos(π/8) / 2
    const SIN: f32 = 0.191_341_72; // sin(π/8) / 2
    const SIXTH: f32 = 0.433_012_7; // cos(π/6) / 2
    match POINTS {
        1 => [c[0] * ROOT, 0.0, 0.0, 0.0],
        2 => [(c[0] + c[1]) * ROOT, (c[0] - c[1]) * ROOT, 0.0, 0.0],
        3 => {
            let (even, odd, second) = (c[0] * ROOT, c[1] * SIXTH, c[2] / 4.0);
            [even + odd + second, even - 2.0 * second, even - odd + second, 0.0]
        }
        _ => {
            let (even, odd) = ((c[0] + c[2]) * ROOT, (c[0] - c[2]) * ROOT);
            let (outer, inner) = (c[1] * COS + c[3] * SIN, c[1] * SIN - c[3] * COS);
            [even + outer, odd + inner, odd - inner, even - outer]
        }
    }
}

#[inline]
fn sample(value: f32) -> u8 {
    // A cast saturates.
    (value + 128.5) as u8
}
