//! Shrinks an image by whole factors while its rows arrive, so that a large one never is in memory.
//!
//! Each result pixel is the mean of `across` × `down` source pixels. At the right and lower edge a cell may hold
//! fewer; it averages those that exist, and [`Reducer::covers`] tells which fraction of it is image. Nothing is
//! dropped, so the picture does not shift: the last resampling step takes the fraction into account.

use darkroom_core::operation::Light;

use crate::{
    Frame, Layout,
    light::{encoded_table, linear_table},
};

/// The largest factor: 257 rows of 255 still fit the 16-bit sums.
const MOST: u32 = 257;

/// Takes rows from the top, gives a frame.
pub(crate) struct Reducer {
    width: u32,
    height: u32,
    layout: Layout,
    across: u32,
    down: u32,
    sums: Sums,
    rows_summed: u32,
    out: Frame,
}

/// Column sums of the rows of one cell.
enum Sums {
    /// Of the samples.
    Plain(Vec<u16>),
    /// Of the samples in linear light.
    Linear(Vec<u32>),
    /// Of the samples weighted by alpha, and of alpha.
    Weighted(Vec<u32>, Light),
}

/// The whole factors (across, down) that leave at least `smallest`.
pub(crate) fn factors(size: (u32, u32), smallest: (u32, u32)) -> (u32, u32) {
    let factor = |side: u32, least: u32| (side / least.max(1)).clamp(1, MOST);
    (factor(size.0, smallest.0), factor(size.1, smallest.1))
}

impl Reducer {
    /// For an image of `size` pixels (each at least 1) and whole factors of 1 to 257.
    pub(crate) fn new(size: (u32, u32), layout: Layout, factors: (u32, u32), light: Light) -> Self {
        let ((width, height), (across, down)) = (size, factors);
        let samples = width as usize * layout.channels();
        let (out_width, out_height) = (width.div_ceil(across), height.div_ceil(down));
        let capacity = out_width as usize * out_height as usize * layout.channels();
        Self {
            width,
            height,
            layout,
            across,
            down,
            sums: match light {
                _ if layout.has_alpha() => Sums::Weighted(vec![0; samples], light),
                Light::Gamma => Sums::Plain(vec![0; samples]),
                Light::Linear => Sums::Linear(vec![0; samples]),
            },
            rows_summed: 0,
            out: Frame { width: out_width, height: out_height, layout, pixels: Vec::with_capacity(capacity) },
        }
    }

    /// The size in result pixels that the image covers; smaller than the frame by the remainder of the division.
    pub(crate) fn covers(&self) -> (f64, f64) {
        (f64::from(self.width) / f64::from(self.across), f64::from(self.height) / f64::from(self.down))
    }

    /// Takes the next row of `width` pixels.
    pub(crate) fn push(&mut self, row: &[u8]) {
        if (self.across, self.down) == (1, 1) {
            self.out.pixels.extend_from_slice(row);
            return;
        }
        match &mut self.sums {
            Sums::Plain(sums) => add(sums, row),
            Sums::Linear(sums) => add_linear(sums, row),
            Sums::Weighted(sums, light) if self.layout == Layout::Rgba => {
                add_weighted::<4>(sums, row, *light);
            }
            Sums::Weighted(sums, light) => add_weighted::<2>(sums, row, *light),
        }
        self.rows_summed += 1;
        if self.rows_summed == self.down {
            self.finish_row();
        }
    }

    /// The reduced frame. Rows that never came are black, or transparent where there is alpha.
    pub(crate) fn finish(mut self) -> Frame {
        if self.rows_summed > 0 {
            self.finish_row();
        }
        let (width, height) = (self.out.width as usize, self.out.height as usize);
        self.out.pixels.resize(width * height * self.layout.channels(), 0);
        self.out
    }

    fn finish_row(&mut self) {
        let (across, rows) = (self.across as usize, self.rows_summed);
        let out = &mut self.out.pixels;
        match (&mut self.sums, self.layout) {
            (Sums::Plain(sums), Layout::Rgb) => average::<3>(sums, across, rows, out),
            (Sums::Plain(sums), _) => average::<1>(sums, across, rows, out),
            (Sums::Linear(sums), Layout::Rgb) => average_linear::<3>(sums, across, rows, out),
            (Sums::Linear(sums), _) => average_linear::<1>(sums, across, rows, out),
            (Sums::Weighted(sums, light), Layout::Rgba) => {
                average_weighted::<4>((sums, *light), across, rows, out);
            }
            (Sums::Weighted(sums, light), _) => average_weighted::<2>((sums, *light), across, rows, out),
        }
        self.rows_summed = 0;
    }
}

fn add(sums: &mut [u16], row: &[u8]) {
    for (sum, &sample) in sums.iter_mut().zip(row) {
        *sum += u16::from(sample);
    }
}

fn add_linear(sums: &mut [u32], row: &[u8]) {
    let linear = linear_table();
    for (sum, &sample) in sums.iter_mut().zip(row) {
        *sum += u32::from(linear[usize::from(sample)]);
    }
}

/// Alpha is the last of the `N` samples; 257 rows of 65,535 · 255 fit 32 bits.
fn add_weighted<const N: usize>(sums: &mut [u32], row: &[u8], light: Light) {
    if light == Light::Linear {
        return add_weighted_linear::<N>(sums, row);
    }
    for (sum, pixel) in sums.as_chunks_mut::<N>().0.iter_mut().zip(row.as_chunks::<N>().0) {
        let alpha = u32::from(pixel[N - 1]);
        for c in 0..N - 1 {
            sum[c] += u32::from(pixel[c]) * alpha;
        }
        sum[N - 1] += alpha;
    }
}

fn add_weighted_linear<const N: usize>(sums: &mut [u32], row: &[u8]) {
    let linear = linear_table();
    for (sum, pixel) in sums.as_chunks_mut::<N>().0.iter_mut().zip(row.as_chunks::<N>().0) {
        let alpha = u32::from(pixel[N - 1]);
        for c in 0..N - 1 {
            sum[c] += u32::from(linear[usize::from(pixel[c])]) * alpha;
        }
        sum[N - 1] += alpha;
    }
}

/// Averages cells of `across` column sums and clears them.
fn average<const N: usize>(sums: &mut [u16], across: usize, rows: u32, out: &mut Vec<u8>) {
    for cell in sums.as_chunks::<N>().0.chunks(across) {
        let mut total = [0u32; N];
        for column in cell {
            for c in 0..N {
                total[c] += u32::from(column[c]);
            }
        }
        let scale = 1.0 / (cell.len() as u32 * rows) as f32;
        // Not `mul_add`: without FMA in the target that is a call into the C library.
        out.extend(total.map(|t| (t as f32 * scale + 0.5) as u8));
    }
    sums.fill(0);
}

/// As [`average`], from linear light back to encoded samples.
fn average_linear<const N: usize>(sums: &mut [u32], across: usize, rows: u32, out: &mut Vec<u8>) {
    let encoded = encoded_table();
    for cell in sums.as_chunks::<N>().0.chunks(across) {
        let mut total = [0u64; N];
        for column in cell {
            for c in 0..N {
                total[c] += u64::from(column[c]);
            }
        }
        let pixels = cell.len() as u64 * u64::from(rows);
        out.extend(total.map(|t| encoded[((t + pixels / 2) / pixels) as usize]));
    }
    sums.fill(0);
}

/// As [`average`], with every colour weighted by its alpha: transparent pixels lend no colour to their neighbours.
fn average_weighted<const N: usize>(sums: (&mut [u32], Light), across: usize, rows: u32, out: &mut Vec<u8>) {
    let (sums, light) = sums;
    for cell in sums.as_chunks::<N>().0.chunks(across) {
        let mut total = [0u64; N];
        for column in cell {
            for c in 0..N {
                total[c] += u64::from(column[c]);
            }
        }
        let alpha = total[N - 1];
        let pixels = cell.len() as u64 * u64::from(rows);
        for colour in &total[..N - 1] {
            let mean = (colour + alpha / 2).checked_div(alpha).unwrap_or(0);
            out.push(if light == Light::Linear { encoded_table()[mean as usize] } else { mean as u8 });
        }
        out.push(((alpha + pixels / 2) / pixels) as u8);
    }
    sums.fill(0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reduce(frame: &Frame, factors: (u32, u32)) -> Frame {
        let mut reducer = Reducer::new((frame.width, frame.height), frame.layout, factors, Light::Gamma);
        for row in frame.pixels.chunks_exact(frame.width as usize * frame.layout.channels()) {
            reducer.push(row);
        }
        reducer.finish()
    }

    /// The mean by definition, in floating point.
    fn naive(frame: &Frame, (across, down): (u32, u32)) -> Vec<f64> {
        let (w, h, n) = (frame.width as usize, frame.height as usize, frame.layout.channels());
        if (across, down) == (1, 1) {
            return frame.pixels.iter().map(|&v| f64::from(v)).collect();
        }
        let mut out = Vec::new();
        for top in (0..h).step_by(down as usize) {
            for left in (0..w).step_by(across as usize) {
                let rows = top..(top + down as usize).min(h);
                let cells: Vec<usize> = rows
                    .flat_map(|y| (left..(left + across as usize).min(w)).map(move |x| (y * w + x) * n))
                    .collect();
                let alpha_at = |i: usize| {
                    if frame.layout.has_alpha() { f64::from(frame.pixels[i + n - 1]) } else { 255.0 }
                };
                let alpha: f64 = cells.iter().map(|&i| alpha_at(i)).sum();
                let colours = n - usize::from(frame.layout.has_alpha());
                for c in 0..colours {
                    let sum: f64 = cells.iter().map(|&i| f64::from(frame.pixels[i + c]) * alpha_at(i)).sum();
                    out.push(if alpha > 0.0 { sum / alpha } else { 0.0 });
                }
                if frame.layout.has_alpha() {
                    out.push(alpha / cells.len() as f64);
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn every_layout_averages_what_is_there(
            width in 1u32..40, height in 1u32..40, across in 1u32..9, down in 1u32..9, seed in any::<u32>(),
            layout in proptest::sample::select(&[Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba][..]),
        ) {
            let count = (width * height) as usize * layout.channels();
            let pixels = (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) ^ seed).to_le_bytes()[2]).collect();
            let frame = Frame { width, height, layout, pixels };
            let reduced = reduce(&frame, (across, down));
            prop_assert_eq!(reduced.pixels.len(), (reduced.width * reduced.height) as usize * layout.channels());
            for (got, want) in reduced.pixels.iter().zip(naive(&frame, (across, down))) {
                prop_assert!((f64::from(*got) - want).abs() <= 0.501, "{} against {}", got, want);
            }
        }
    }

    #[test]
    fn the_largest_factor_does_not_overflow() {
        let frame = Frame { width: 300, height: 300, layout: Layout::Gray, pixels: vec![255; 90_000] };
        assert_eq!(reduce(&frame, (257, 257)).pixels, [255; 4]);
    }

    #[test]
    fn linear_light_averages_light() {
        for (layout, row, mean) in [
            (Layout::Gray, vec![0, 255], vec![188]),
            (Layout::Rgb, vec![0, 0, 0, 255, 255, 0], vec![188, 188, 0]),
            (Layout::Rgba, vec![0, 0, 0, 255, 255, 255, 255, 255], vec![188, 188, 188, 255]),
            (Layout::GrayAlpha, vec![0, 0, 255, 255], vec![255, 128]),
        ] {
            let mut reducer = Reducer::new((2, 1), layout, (2, 1), Light::Linear);
            reducer.push(&row);
            assert_eq!(reducer.finish().pixels, mean, "{layout:?}");
        }
    }

    #[test]
    fn the_remainder_is_covered_by_a_fraction() {
        let reducer = Reducer::new((1001, 10), Layout::Gray, (8, 5), Light::Gamma);
        assert_eq!(reducer.covers(), (125.125, 2.0));
    }

    #[test]
    fn factors_leave_at_least_the_smallest() {
        assert_eq!(factors((4000, 3000), (1024, 768)), (3, 3));
        assert_eq!(factors((100, 100), (512, 512)), (1, 1));
        assert_eq!(factors((60_000, 1), (1, 1)), (257, 1));
    }
}
