//! Scales a digit into its box and puts its centre of mass at the centre of the frame.

use super::plane::Plane;

/// Width and height of a prepared digit.
pub const SIDE: usize = 28;
/// The longer side of the digit in it.
pub(super) const BOX: usize = 20;
/// One digit: `SIDE` rows of `SIDE` values, 0 is paper and 1 is ink.
pub type Digit = [f32; SIDE * SIDE];

/// Where the centre of mass of the training digits is on average, along both axes: the middle of pixel 14, counted from 0.
const CENTRE: f32 = 14.5;
/// Scaled digits are made stronger until their strongest pixel is 1, but no more than so many times.
const MOST_GAIN: f32 = 3.0;

pub(super) fn place(ink: &Plane) -> Digit {
    let scaled = boxed(ink);
    let strongest = scaled.values.iter().fold(0.0, |most: f32, value| most.max(*value));
    let gain = (1.0 / strongest.max(f32::MIN_POSITIVE)).min(MOST_GAIN);
    let left = offset(&scaled, |x, _| x, scaled.width);
    let top = offset(&scaled, |_, y| y, scaled.height);
    let mut digit = [0.0; SIDE * SIDE];
    for (y, row) in scaled.values.chunks_exact(scaled.width).enumerate() {
        for (x, value) in row.iter().enumerate() {
            digit[(top + y) * SIDE + left + x] = (value * gain).min(1.0);
        }
    }
    digit
}

/// In the box, aspect kept. What fits to a pixel stays as it is: sharp.
fn boxed(ink: &Plane) -> Plane {
    let longer = ink.longer();
    if longer.abs_diff(BOX) <= 1 {
        return ink.clone();
    }
    let scaled = |side: usize| ((side * BOX + longer / 2) / longer).max(1);
    ink.resized(scaled(ink.width), scaled(ink.height))
}

/// Where the digit must begin along one axis, in whole pixels as in MNIST, so that its mass is centred.
fn offset(ink: &Plane, axis: impl Fn(usize, usize) -> usize, side: usize) -> usize {
    let (mut mass, mut moment) = (0.0, 0.0);
    for (at, &value) in ink.values.iter().enumerate() {
        mass += value;
        moment += value * (axis(at % ink.width, at / ink.width) as f32 + 0.5);
    }
    let begin = CENTRE - moment / mass.max(f32::MIN_POSITIVE);
    (begin.round().max(0.0) as usize).min(SIDE - side)
}
