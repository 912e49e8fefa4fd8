//! A frame of any layout as one small channel.

use darkroom_imaging::{Frame, Layout};

use super::plane::Plane;

/// Rec. 601, as everywhere where grey is made of gamma-encoded samples.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];
/// A colour channel is taken instead of the luma if it varies so many times as much: yellow on white, blue on black.
const CLEARER: f32 = 2.0;

/// Grey values 0..255 of at most `longest` a side. Of a coloured frame the channel on which the drawing is clearest.
pub(super) fn of(frame: &Frame, longest: usize) -> Plane {
    let cells = Cells::of(frame, longest);
    let (width, height) = (cells.width, cells.height);
    let paper = cells.paper();
    let channel =
        |index: usize| -> Vec<f32> { cells.all.iter().map(|cell| cell.over(paper, index)).collect() };
    if matches!(frame.layout, Layout::Gray | Layout::GrayAlpha) {
        return Plane { width, height, values: channel(0) };
    }
    let colours = [channel(0), channel(1), channel(2)];
    let luma: Vec<f32> =
        (0..width * height).map(|at| (0..3).map(|index| LUMA[index] * colours[index][at]).sum()).collect();
    let enough = CLEARER * variance(&luma);
    let clearest = colours.into_iter().map(|colour| (variance(&colour), colour));
    let clearest = clearest.max_by(|one, other| one.0.total_cmp(&other.0));
    let values = clearest.filter(|(varies, _)| *varies > enough).map_or(luma, |(_, colour)| colour);
    Plane { width, height, values }
}

/// What lies in one pixel of the smaller plane: sums of red, green and blue times alpha (0..1), of alpha, and the
/// number of pixels.
#[derive(Clone, Copy, Default)]
struct Cell {
    colour: [f32; 3],
    alpha: f32,
    count: f32,
}

impl Cell {
    fn over(&self, paper: f32, index: usize) -> f32 {
        (self.colour[index] + paper * (self.count - self.alpha)) / self.count
    }
}

struct Cells {
    width: usize,
    height: usize,
    all: Vec<Cell>,
}

impl Cells {
    fn of(frame: &Frame, longest: usize) -> Self {
        let (from_width, from_height) = (frame.width as usize, frame.height as usize);
        let side = cell_side(from_width, from_height, longest);
        let (width, height) = (from_width.div_ceil(side), from_height.div_ceil(side));
        let channels = frame.layout.channels();
        let mut all = vec![Cell::default(); width * height];
        for (y, row) in frame.pixels.chunks_exact(from_width * channels).enumerate() {
            let cells = &mut all[y / side * width..][..width];
            for (cell, samples) in cells.iter_mut().zip(row.chunks(side * channels)) {
                cell.add(samples, frame.layout);
            }
        }
        Self { width, height, all }
    }

    /// What to put under transparent pixels. A drawing on nothing gets paper that it stands out from; a frame that
    /// merely has transparent corners gets more of what it mostly is.
    fn paper(&self) -> f32 {
        let total = |of: fn(&Cell) -> f32| self.all.iter().map(of).sum::<f32>();
        let alpha = total(|cell| cell.alpha);
        let seen = total(|cell| (0..3).map(|index| LUMA[index] * cell.colour[index]).sum());
        let light = seen >= 127.5 * alpha;
        let drawing = alpha < 0.5 * total(|cell| cell.count);
        if light == drawing { 0.0 } else { 255.0 }
    }
}

impl Cell {
    /// Adds a stretch of pixels.
    fn add(&mut self, samples: &[u8], layout: Layout) {
        let (colour, alpha, count) = match layout {
            Layout::Gray => (summed(samples.as_chunks().0, |[grey]| [grey; 3]), None, samples.len()),
            Layout::Rgb => (summed(samples.as_chunks().0, |rgb| rgb), None, samples.len() / 3),
            Layout::GrayAlpha => {
                let pixels = samples.as_chunks().0;
                let colour = summed(pixels, |[grey, alpha]| [grey * alpha; 3]);
                (colour, Some(summed(pixels, |[_, alpha]| [alpha])), pixels.len())
            }
            Layout::Rgba => {
                let pixels = samples.as_chunks().0;
                let colour =
                    summed(pixels, |[red, green, blue, alpha]| [red, green, blue].map(|c| c * alpha));
                (colour, Some(summed(pixels, |[_, _, _, alpha]| [alpha])), pixels.len())
            }
        };
        let count = count as f32;
        let opaque = if alpha.is_some() { 1.0 / 255.0 } else { 1.0 };
        for (sum, value) in self.colour.iter_mut().zip(colour) {
            *sum += value as f32 * opaque;
        }
        self.alpha += alpha.map_or(count, |[alpha]| alpha as f32 / 255.0);
        self.count += count;
    }
}

/// The sums of what `of` makes of each pixel. A row has at most 65,500 of them, so they fit.
fn summed<const N: usize, const M: usize>(pixels: &[[u8; N]], of: impl Fn([u32; N]) -> [u32; M]) -> [u32; M] {
    let mut sums = [0; M];
    for pixel in pixels {
        for (sum, value) in sums.iter_mut().zip(of(pixel.map(u32::from))) {
            *sum += value;
        }
    }
    sums
}

/// Pixels on each side of a cell, the least with which the longer side has at most `longest` cells. Whole pixels: where
/// some cells had more than others, strokes would change their width from place to place.
fn cell_side(width: usize, height: usize, longest: usize) -> usize {
    width.max(height).div_ceil(longest)
}

fn variance(values: &[f32]) -> f32 {
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count
}
