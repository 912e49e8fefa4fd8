//! Resizing exactly as Pillow does it, bit by bit.
//!
//! First across, then down, each rounded to 8 bits; weights with 22 fractional bits; when reducing, the filter is
//! stretched over all pixels that one result covers. Only the window that is kept is computed: pixels do not depend
//! on each other, so it has the values that cutting it out afterwards would give.

use std::borrow::Cow;

use super::{Pixels, geometry::Window};
use crate::manifest::Filter;

/// Fractional bits of a weight: 32 less 8 for the sample and 2 for the overshoot of negative weights.
const PRECISION: u32 = 32 - 8 - 2;

/// The part `window` of the image resized to `scaled`; it lies inside.
pub fn window<'a>(pixels: &'a Pixels<'_>, scaled: (u32, u32), window: Window, filter: Filter) -> Pixels<'a> {
    if scaled == (pixels.width, pixels.height) {
        return cut(pixels, window);
    }
    if filter == Filter::Nearest {
        return nearest(pixels, scaled, window);
    }
    let across = Weights::new(pixels.width, scaled.0, window.left..window.left + window.width, filter);
    let down = Weights::new(pixels.height, scaled.1, window.top..window.top + window.height, filter);
    let rows = down.reach();
    let narrow = across.filter_rows(pixels, rows.clone());
    let samples = down.filter_columns(&narrow, window.width as usize * pixels.channels, rows.start);
    made(window, pixels.channels, samples)
}

/// What is kept of an image that has its size already: every filter gives each sample back as it is.
fn cut<'a>(pixels: &'a Pixels<'_>, window: Window) -> Pixels<'a> {
    let Pixels { width, height, channels, ref samples } = *pixels;
    if (window.width, window.height) == (width, height) {
        return Pixels { width, height, channels, samples: Cow::Borrowed(samples) };
    }
    let rows = samples.chunks_exact(width as usize * channels);
    let rows = rows.skip(window.top as usize).take(window.height as usize);
    let (from, count) = (window.left as usize * channels, window.width as usize * channels);
    made(window, channels, rows.flat_map(|row| &row[from..from + count]).copied().collect())
}

fn made(Window { width, height, .. }: Window, channels: usize, samples: Vec<u8>) -> Pixels<'static> {
    Pixels { width, height, channels, samples: Cow::Owned(samples) }
}

/// The weights of some results along one axis.
struct Weights {
    /// Of each result: the first sample it reads, and where its weights are.
    spans: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<i32>,
}

impl Weights {
    /// For the results `kept` of an axis of `from` samples that becomes `to` long.
    fn new(from: u32, to: u32, kept: std::ops::Range<u32>, filter: Filter) -> Self {
        let scale = f64::from(from) / f64::from(to);
        let stretch = scale.max(1.0);
        let (support, shrink) = (support(filter) * stretch, 1.0 / stretch);
        let (mut spans, mut weights) = (Vec::new(), Vec::new());
        for at in kept {
            let centre = (f64::from(at) + 0.5) * scale;
            let first = ((centre - support + 0.5) as i64).max(0) as usize;
            let last = ((centre + support + 0.5) as i64).min(i64::from(from)) as usize;
            let shares: Vec<f64> =
                (first..last).map(|x| weigh(filter, (x as f64 - centre + 0.5) * shrink)).collect();
            let sum: f64 = shares.iter().sum();
            let start = weights.len();
            weights.extend(shares.iter().map(|share| fixed(if sum == 0.0 { *share } else { share / sum })));
            spans.push((first, start..weights.len()));
        }
        Self { spans, weights }
    }

    /// All samples that any result reads.
    fn reach(&self) -> std::ops::Range<usize> {
        let start = self.spans.iter().map(|(first, _)| *first).min().unwrap_or(0);
        let end = self.spans.iter().map(|(first, at)| first + at.len()).max().unwrap_or(0);
        start..end
    }

    fn filter_rows(&self, pixels: &Pixels<'_>, rows: std::ops::Range<usize>) -> Vec<u8> {
        match pixels.channels {
            1 => self.rows_of::<1>(pixels, rows),
            _ => self.rows_of::<3>(pixels, rows),
        }
    }

    fn rows_of<const N: usize>(&self, pixels: &Pixels<'_>, rows: std::ops::Range<usize>) -> Vec<u8> {
        let width = pixels.width as usize;
        let all = pixels.samples.as_chunks::<N>().0;
        let mut out = Vec::with_capacity(rows.len() * self.spans.len() * N);
        for row in all[rows.start * width..rows.end * width].chunks_exact(width) {
            for (first, at) in &self.spans {
                let mut sums = [1i32 << (PRECISION - 1); N];
                for (pixel, weight) in row[*first..].iter().zip(&self.weights[at.clone()]) {
                    for c in 0..N {
                        sums[c] += i32::from(pixel[c]) * weight;
                    }
                }
                out.extend(sums.map(rounded));
            }
        }
        out
    }

    /// `rows` holds rows of `row` samples, the first of which is row `start` of the image.
    fn filter_columns(&self, rows: &[u8], row: usize, start: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.spans.len() * row);
        let mut sums = vec![0i32; row];
        for (first, at) in &self.spans {
            sums.fill(1 << (PRECISION - 1));
            let from = (first - start) * row;
            for (samples, weight) in rows[from..].chunks_exact(row).zip(&self.weights[at.clone()]) {
                for (sum, sample) in sums.iter_mut().zip(samples) {
                    *sum += i32::from(*sample) * weight;
                }
            }
            out.extend(sums.iter().map(|sum| rounded(*sum)));
        }
        out
    }
}

fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// Rounds half away from zero.
fn fixed(weight: f64) -> i32 {
    (weight * f64::from(1 << PRECISION)).round() as i32
}

/// How far the filter reaches at its own scale.
fn support(filter: Filter) -> f64 {
    match filter {
        Filter::Nearest => 0.0,
        Filter::Bilinear => 1.0,
        Filter::Bicubic => 2.0,
        Filter::Lanczos3 => 3.0,
    }
}

/// The filter's value at a distance.
fn weigh(filter: Filter, x: f64) -> f64 {
    let far = x.abs();
    match filter {
        Filter::Bilinear => (1.0 - far).max(0.0),
        // Keys' cubic with a = -0.5, in the same order of operations.
        Filter::Bicubic if far < 1.0 => (1.5 * far - 2.5) * far * far + 1.0,
        Filter::Bicubic if far < 2.0 => (((far - 5.0) * far + 8.0) * far - 4.0) * -0.5,
        Filter::Lanczos3 if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
        Filter::Nearest | Filter::Bicubic | Filter::Lanczos3 => 0.0,
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// The sample under the middle of each result, with positions added up as Pillow adds them.
fn nearest(pixels: &Pixels<'_>, scaled: (u32, u32), window: Window) -> Pixels<'static> {
    let positions = |from: u32, to: u32, kept: std::ops::Range<u32>| -> Vec<usize> {
        let step = f64::from(from) / f64::from(to);
        let mut at = step * 0.5;
        let mut all = Vec::with_capacity(to as usize);
        for _ in 0..kept.end {
            all.push((at as usize).min(from as usize - 1));
            at += step;
        }
        all.split_off(kept.start as usize)
    };
    let across = positions(pixels.width, scaled.0, window.left..window.left + window.width);
    let down = positions(pixels.height, scaled.1, window.top..window.top + window.height);
    let n = pixels.channels;
    let mut samples = Vec::with_capacity(across.len() * down.len() * n);
    for y in down {
        let row = &pixels.samples[y * pixels.width as usize * n..];
        for x in &across {
            samples.extend_from_slice(&row[x * n..(x + 1) * n]);
        }
    }
    made(window, n, samples)
}
