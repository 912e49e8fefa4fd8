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
    let paper = cells.paper();
    let channel =
        |index: usize| -> Vec<f32> { cells.sums.iter().map(|sum| sum.over(paper)[index]).collect() };
    let (width, height) = (cells.width, cells.height);
    let colours = [channel(0), channel(1), channel(2)];
    let luma: Vec<f32> =
        (0..width * height).map(|at| (0..3).map(|index| LUMA[index] * colours[index][at]).sum()).collect();
    let enough = CLEARER * variance(&luma);
    let clearest = colours.into_iter().max_by(|one, other| variance(one).total_cmp(&variance(other)));
    let values = clearest.filter(|colour| variance(colour) > enough).unwrap_or(luma);
    Plane { width, height, values }
}

/// What lies in one pixel of the smaller plane: sums of red, green and blue times alpha, of alpha, and the count.
#[derive(Clone, Copy, Default)]
struct Sum {
    colour: [f32; 3],
    alpha: f32,
    count: f32,
}

impl Sum {
    fn over(&self, paper: f32) -> [f32; 3] {
        self.colour.map(|colour| (colour + paper * (self.count - self.alpha)) / self.count)
    }
}

struct Cells {
    width: usize,
    height: usize,
    sums: Vec<Sum>,
}

impl Cells {
    fn of(frame: &Frame, longest: usize) -> Self {
        let (from_width, from_height) = (frame.width as usize, frame.height as usize);
        let (width, height) = bounded(from_width, from_height, longest);
        let columns: Vec<usize> = (0..from_width).map(|x| x * width / from_width).collect();
        let channels = frame.layout.channels();
        let mut sums = vec![Sum::default(); width * height];
        for (y, row) in frame.pixels.chunks_exact(from_width * channels).enumerate() {
            let cells = &mut sums[y * height / from_height * width..][..width];
            for (pixel, &x) in row.chunks_exact(channels).zip(&columns) {
                add(&mut cells[x], pixel, frame.layout);
            }
        }
        Self { width, height, sums }
    }

    /// What to put under transparent pixels. A drawing on nothing gets paper that it stands out from; a frame that
    /// merely has transparent corners gets more of what it mostly is.
    fn paper(&self) -> f32 {
        let total = |of: fn(&Sum) -> f32| self.sums.iter().map(of).sum::<f32>();
        let alpha = total(|sum| sum.alpha);
        let seen = total(|sum| (0..3).map(|index| LUMA[index] * sum.colour[index]).sum());
        let light = seen >= 127.5 * alpha;
        let drawing = alpha < 0.5 * total(|sum| sum.count);
        if light == drawing { 0.0 } else { 255.0 }
    }
}

fn add(sum: &mut Sum, pixel: &[u8], layout: Layout) {
    let (colour, alpha) = match layout {
        Layout::Gray => ([pixel[0]; 3], 255),
        Layout::GrayAlpha => ([pixel[0]; 3], pixel[1]),
        Layout::Rgb => ([pixel[0], pixel[1], pixel[2]], 255),
        Layout::Rgba => ([pixel[0], pixel[1], pixel[2]], pixel[3]),
    };
    let alpha = f32::from(alpha) / 255.0;
    for (sum, value) in sum.colour.iter_mut().zip(colour) {
        *sum += f32::from(value) * alpha;
    }
    sum.alpha += alpha;
    sum.count += 1.0;
}

/// The size with its longer side cut to `longest`, aspect kept as far as whole pixels can.
fn bounded(width: usize, height: usize, longest: usize) -> (usize, usize) {
    let longer = width.max(height);
    if longer <= longest {
        return (width, height);
    }
    let scaled = |side: usize| (side * longest / longer).max(1);
    (scaled(width), scaled(height))
}

fn variance(values: &[f32]) -> f32 {
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count
}
