//! Takes the paper away: what is left is how much ink there is at each pixel.
//!
//! The paper is the smooth surface that most of the frame, and of its border, lies on: a quadratic fitted so that
//! what is far off counts for nothing (Tukey's biweight), then the local mean of what is not ink. The ink is on the
//! side of it where more is left over, so dark on light and light on dark need no switch.

use super::{
    plane::Plane,
    surface::{Sample, Surface},
};

/// Ink fainter than this part of the whole range is not seen.
const FAINTEST: f32 = 0.06;
/// So many times its noise the paper does not reach.
const NOISE_REACH: f32 = 4.0;
/// Noisier than this part of the ink's strength, the frame is looked at from farther away,
const NOISY: f32 = 0.12;
/// down to this size. What is noisier than the second part even then shows nothing.
const LEAST_SIDE: usize = 64;
const TOO_NOISY: f32 = 0.2;
/// Samples a side that the surface is fitted to.
const SAMPLES: usize = 64;
/// Grey values that the paper may be off the surface even when no noise is measured.
const LEAST_SPREAD: f32 = 2.0;
/// The window of the local mean: this part of the longer side in each direction.
const WINDOW: usize = 8;

/// Strength of the ink in 0..1, and the standard deviation of what was paper, in the same unit.
pub(super) struct Ink {
    pub(super) plane: Plane,
    /// Whether it is lighter than the paper.
    pub(super) light: bool,
    noise: f32,
}

/// `grey` (0..255) as ink; averaged to a smaller plane as long as it is too noisy. `None`: there is none.
pub(super) fn remove(grey: &Plane) -> Option<Ink> {
    let mut seen = grey.clone();
    loop {
        let ink = separate(&seen);
        let calm = ink.as_ref().is_some_and(|ink| ink.noise < NOISY);
        if calm || seen.longer() < 2 * LEAST_SIDE {
            return ink.filter(|ink| ink.noise < TOO_NOISY);
        }
        seen = seen.resized(seen.width.div_ceil(2), seen.height.div_ceil(2));
    }
}

fn separate(grey: &Plane) -> Option<Ink> {
    let (surface, spread) = Surface::robust(&samples(grey), LEAST_SPREAD);
    let reach = 3.0 * spread;
    let smooth: Vec<f32> = places(grey).map(|(x, y)| surface.at(x, y).clamp(0.0, 255.0)).collect();
    let light = lean(&grey.values, &smooth, reach)? > 0.0;
    // From here on the ink is light: dark ink is looked at in the negative.
    let toned =
        |values: &[f32]| values.iter().map(|value| if light { *value } else { 255.0 - value }).collect();
    let (values, smooth): (Vec<f32>, Vec<f32>) = (toned(&grey.values), toned(&smooth));
    let is_paper: Vec<bool> =
        values.iter().zip(&smooth).map(|(value, smooth)| (value - smooth).abs() < reach).collect();
    let paper = local_paper(grey, &values, &smooth, &is_paper);
    // What ink does to paper is a share of the distance to full ink, however the paper is lit.
    let strength: Vec<f32> =
        values.iter().zip(&paper).map(|(value, paper)| (value - paper) / (255.0 - paper).max(32.0)).collect();
    let off: Vec<f32> = strength
        .iter()
        .zip(&is_paper)
        .filter(|(_, paper)| **paper)
        .map(|(strength, _)| strength.abs())
        .collect();
    let noise = if off.is_empty() { 0.0 } else { 1.4826 * median(off) };
    let full = full_strength(&strength, (NOISE_REACH * noise).max(FAINTEST))?;
    let low = (3.0 * noise).min(0.4 * full);
    let values = strength.iter().map(|strength| ((strength - low) / (full - low)).clamp(0.0, 1.0)).collect();
    Some(Ink { plane: Plane { values, ..*grey }, light, noise: noise / full })
}

/// Places of the pixels, each axis from -1 to 1.
fn places(grey: &Plane) -> impl Iterator<Item = (f32, f32)> {
    let (width, height) = (grey.width, grey.height);
    (0..height).flat_map(move |y| (0..width).map(move |x| (place(x, width), place(y, height))))
}

fn place(at: usize, side: usize) -> f32 {
    (2 * at + 1) as f32 / side as f32 - 1.0
}

fn samples(grey: &Plane) -> Vec<Sample> {
    let (columns, rows) = (spread_out(grey.width), spread_out(grey.height));
    let sample = |x: usize, y: usize| Sample {
        x: place(x, grey.width),
        y: place(y, grey.height),
        value: grey.at(x, y),
        border: x == 0 || y == 0 || x + 1 == grey.width || y + 1 == grey.height,
    };
    rows.iter().flat_map(|&y| columns.iter().map(move |&x| (x, y))).map(|(x, y)| sample(x, y)).collect()
}

/// Up to `SAMPLES` indices of `0..side`, the first and the last among them.
fn spread_out(side: usize) -> Vec<usize> {
    let count = side.min(SAMPLES);
    (0..count).map(|at| if count == 1 { 0 } else { at * (side - 1) / (count - 1) }).collect()
}

/// How much more is left over above the surface than below; `None` if nothing is.
fn lean(values: &[f32], smooth: &[f32], reach: f32) -> Option<f32> {
    let over = |sign: f32| -> f32 {
        values.iter().zip(smooth).map(|(value, smooth)| (sign * (value - smooth) - reach).max(0.0)).sum()
    };
    let (above, below) = (over(1.0), over(-1.0));
    (above.max(below) > 0.0).then_some(above - below)
}

/// The mean of the paper around each pixel, drawn to the smooth surface where there is little of it.
fn local_paper(grey: &Plane, values: &[f32], smooth: &[f32], is_paper: &[bool]) -> Vec<f32> {
    let window = (grey.longer() / WINDOW).max(2);
    let weights: Vec<f32> = is_paper.iter().map(|&paper| f32::from(u8::from(paper))).collect();
    // Distances from the surface are averaged, not values: at the frame's edge the window is lopsided.
    let offsets: Vec<f32> = values
        .iter()
        .zip(smooth)
        .zip(&weights)
        .map(|((value, smooth), weight)| (value - smooth) * weight)
        .collect();
    let offsets = Sums::of(grey, &offsets);
    let weights = Sums::of(grey, &weights);
    let around = |at: usize| {
        let (x, y) = (at % grey.width, at / grey.width);
        let (offset, weight) = (offsets.around(x, y, window), weights.around(x, y, window));
        offset / (weight + 0.05 * (window * window) as f64)
    };
    smooth.iter().enumerate().map(|(at, smooth)| smooth + around(at) as f32).collect()
}

/// The strength of full ink: half of the energy of what is above `faintest` lies below it.
fn full_strength(strength: &[f32], faintest: f32) -> Option<f32> {
    const BINS: usize = 512;
    let mut energy = [0.0_f64; BINS];
    for &value in strength.iter().filter(|&&value| value > faintest) {
        energy[((value * BINS as f32) as usize).min(BINS - 1)] += f64::from(value * value);
    }
    let half = energy.iter().sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let bin = energy.iter().position(|energy| {
        sum += energy;
        sum > 0.0 && sum >= half
    })?;
    Some((bin + 1) as f32 / BINS as f32)
}

pub(super) fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Sums over any rectangle in constant time.
struct Sums {
    width: usize,
    height: usize,
    // One row and one column more than the plane: sums of all that is above and to the left.
    table: Vec<f64>,
}

impl Sums {
    fn of(plane: &Plane, values: &[f32]) -> Self {
        let (width, height) = (plane.width, plane.height);
        let mut table = vec![0.0; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = 0.0;
            for x in 0..width {
                row += f64::from(values[y * width + x]);
                table[(y + 1) * (width + 1) + x + 1] = table[y * (width + 1) + x + 1] + row;
            }
        }
        Self { width, height, table }
    }

    fn around(&self, x: usize, y: usize, reach: usize) -> f64 {
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(self.width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(self.height));
        let at = |x: usize, y: usize| self.table[y * (self.width + 1) + x];
        at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top)
    }
}
