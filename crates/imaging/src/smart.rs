//! The content-aware crop.
//!
//! A small version of the frame is scored pixel by pixel: detail (the Laplacian of luma), saturation and skin tone,
//! after the idea of smartcrop.js (detail, skin and saturation as weights). Then the window with the highest sum wins,
//! found over a summed-area table, with a slight preference for windows whose content lies near the middle.

use crate::{Frame, Layout};

/// The longer side of the scored version: details that count at thumbnail size survive, noise does not.
const LONGER: usize = 128;

const DETAIL: f32 = 1.0;
const SKIN: f32 = 1.2;
const SATURATION: f32 = 0.3;

/// What a window loses, at most, for lying at an edge of the image. Flat images crop to the middle.
const EDGE_COST: f64 = 0.12;

/// Where the most interesting window of `window` pixels (width, height) begins (left, top), within the part of the
/// frame that `covers` says is image. The same input always gives the same answer.
pub(crate) fn crop(frame: &Frame, covers: (f64, f64), window: (f64, f64)) -> (f64, f64) {
    let free = ((covers.0 - window.0).max(0.0), (covers.1 - window.1).max(0.0));
    if free.0 < 1.0 && free.1 < 1.0 {
        return (free.0 / 2.0, free.1 / 2.0);
    }
    let small = Small::new(frame);
    let scale = (small.width as f64 / f64::from(frame.width), small.height as f64 / f64::from(frame.height));
    let sums = Sums::new(&small);
    let size = (window.0 * scale.0, window.1 * scale.1);
    let steps = (steps(free.0 * scale.0), steps(free.1 * scale.1));
    let mut best = (f64::NEG_INFINITY, (free.0 / 2.0, free.1 / 2.0));
    for y in 0..=steps.1 {
        for x in 0..=steps.0 {
            let at = (part(x, steps.0), part(y, steps.1));
            let score = score(&sums, (at.0 * free.0 * scale.0, at.1 * free.1 * scale.1), size, at);
            if score > best.0 {
                best = (score, (at.0 * free.0, at.1 * free.1));
            }
        }
    }
    best.1
}

/// Positions that are tried along one axis: one a small pixel.
fn steps(free: f64) -> u32 {
    (free.ceil() as u32).clamp(u32::from(free > 0.0), 2 * LONGER as u32)
}

fn part(step: u32, steps: u32) -> f64 {
    if steps == 0 { 0.5 } else { f64::from(step) / f64::from(steps) }
}

/// The content of the window, counted more where its inner third is: what matters should not touch the frame.
fn score(sums: &Sums, (left, top): (f64, f64), (width, height): (f64, f64), at: (f64, f64)) -> f64 {
    let whole = sums.within(left, top, width, height);
    let inner = sums.within(left + width / 6.0, top + height / 6.0, width * 2.0 / 3.0, height * 2.0 / 3.0);
    let eccentricity = ((at.0 - 0.5).abs() * 2.0).max((at.1 - 0.5).abs() * 2.0);
    let content = (whole + 0.5 * inner) / (1.5 * sums.total().max(1e-6));
    content - EDGE_COST * eccentricity * eccentricity
}

/// The frame as at most 128 × 128 RGB pixels; transparent ones count as white, as they are usually shown.
struct Small {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 3]>,
}

impl Small {
    fn new(frame: &Frame) -> Self {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let longer = width.max(height);
        let side = |side: usize| (side * LONGER / longer.max(LONGER)).clamp(1, side.max(1));
        let (small_width, small_height) = (side(width), side(height));
        let mut pixels = Vec::with_capacity(small_width * small_height);
        for y in 0..small_height {
            let rows = y * height / small_height..((y + 1) * height / small_height);
            for x in 0..small_width {
                let columns = x * width / small_width..((x + 1) * width / small_width);
                pixels.push(mean(frame, rows.clone(), columns));
            }
        }
        Self { width: small_width, height: small_height, pixels }
    }

    fn luma(&self, x: usize, y: usize) -> f32 {
        let [red, green, blue] = self.pixels[y * self.width + x];
        0.299 * red + 0.587 * green + 0.114 * blue
    }

    /// How interesting one pixel is, 0 to about 2.5.
    fn interest(&self, x: usize, y: usize) -> f32 {
        let pixel = self.pixels[y * self.width + x];
        let luma = self.luma(x, y);
        DETAIL * self.detail(x, y) + SKIN * skin(pixel, luma) + SATURATION * saturation(pixel, luma)
    }

    /// The Laplacian of luma, 0 to 1; edges of the image have none.
    fn detail(&self, x: usize, y: usize) -> f32 {
        if x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height {
            return 0.0;
        }
        let around = self.luma(x - 1, y) + self.luma(x + 1, y) + self.luma(x, y - 1) + self.luma(x, y + 1);
        (4.0 * self.luma(x, y) - around).abs().min(1.0)
    }
}

fn mean(frame: &Frame, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> [f32; 3] {
    let channels = frame.layout.channels();
    let mut sum = [0u32; 3];
    let count = (rows.len() * columns.len()) as u32;
    for y in rows {
        let row = &frame.pixels[y * frame.width as usize * channels..];
        for pixel in row[columns.start * channels..columns.end * channels].chunks_exact(channels) {
            let rgb = over_white(pixel, frame.layout);
            (0..3).for_each(|c| sum[c] += rgb[c]);
        }
    }
    sum.map(|sum| sum as f32 / (count.max(1) * 255) as f32)
}

fn over_white(pixel: &[u8], layout: Layout) -> [u32; 3] {
    let of = |c: usize| u32::from(pixel[c]);
    let over = |v: u32, alpha: u32| (v * alpha + 255 * (255 - alpha)) / 255;
    match layout {
        Layout::Gray => [of(0); 3],
        Layout::GrayAlpha => [over(of(0), of(1)); 3],
        Layout::Rgb => [of(0), of(1), of(2)],
        Layout::Rgba => [0, 1, 2].map(|c| over(of(c), of(3))),
    }
}

/// Nearness to a typical direction of skin in RGB, 0 to 1 (the colour and threshold of smartcrop.js: 0.78, 0.57,
/// 0.44, more than 0.8 alike, not too dark). All human skin tones lie near this direction, at different lengths.
fn skin([r, g, b]: [f32; 3], luma: f32) -> f32 {
    const SKIN_COLOUR: [f32; 3] = [0.78, 0.57, 0.44];
    let length = (r * r + g * g + b * b).sqrt();
    if length < 1e-3 || luma < 0.2 {
        return 0.0;
    }
    let away = [r / length - SKIN_COLOUR[0], g / length - SKIN_COLOUR[1], b / length - SKIN_COLOUR[2]];
    let alike = 1.0 - away.iter().map(|d| d * d).sum::<f32>().sqrt();
    ((alike - 0.8) / 0.2).max(0.0)
}

/// Saturation of colours that are neither nearly black nor nearly white, 0 to 1.
fn saturation([r, g, b]: [f32; 3], luma: f32) -> f32 {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most <= least || !(0.05..=0.9).contains(&luma) {
        return 0.0;
    }
    let saturation = (most - least) / most;
    ((saturation - 0.4) / 0.6).max(0.0)
}

/// A summed-area table of the interest, one row and column longer than the image.
struct Sums {
    width: usize,
    height: usize,
    table: Vec<f64>,
}

impl Sums {
    fn new(small: &Small) -> Self {
        let (width, height) = (small.width + 1, small.height + 1);
        let mut table = vec![0.0; width * height];
        for y in 1..height {
            let mut row = 0.0;
            for x in 1..width {
                row += f64::from(small.interest(x - 1, y - 1));
                table[y * width + x] = table[(y - 1) * width + x] + row;
            }
        }
        Self { width, height, table }
    }

    fn total(&self) -> f64 {
        self.table[self.table.len() - 1]
    }

    /// The sum over a rectangle with fractions, cut at the edges of the image.
    fn within(&self, left: f64, top: f64, width: f64, height: f64) -> f64 {
        let (right, bottom) = (left + width, top + height);
        self.before(right, bottom) - self.before(left, bottom) - self.before(right, top)
            + self.before(left, top)
    }

    /// The sum left of and above a point, interpolated between the table's entries.
    fn before(&self, x: f64, y: f64) -> f64 {
        let cut = |v: f64, side: usize| {
            let v = v.clamp(0.0, (side - 1) as f64);
            let whole = (v as usize).min(side.saturating_sub(2));
            (whole, v - whole as f64)
        };
        let ((x, fx), (y, fy)) = (cut(x, self.width), cut(y, self.height));
        let at = |x: usize, y: usize| self.table[y * self.width + x];
        let upper = at(x, y) + (at(x + 1, y) - at(x, y)) * fx;
        let lower = at(x, y + 1) + (at(x + 1, y + 1) - at(x, y + 1)) * fx;
        upper + (lower - upper) * fy
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A plain sky-blue frame with a checkered subject in skin tones.
    fn scene(width: u32, height: u32, subject: (u32, u32, u32)) -> Frame {
        let (left, top, side) = subject;
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
                let light = (x / 8 + y / 8) % 2 == 0;
                pixels.extend(match (inside, light) {
                    (false, _) => [120, 160, 200],
                    (true, true) => [224, 172, 140],
                    (true, false) => [96, 60, 40],
                });
            }
        }
        Frame { width, height, layout: Layout::Rgb, pixels }
    }

    fn whole(frame: &Frame) -> (f64, f64) {
        (f64::from(frame.width), f64::from(frame.height))
    }

    #[test]
    fn a_subject_off_centre_stays_in_view() {
        for left in [0, 60, 240, 480, 540] {
            let frame = scene(640, 200, (left, 60, 96));
            let (x, y) = crop(&frame, whole(&frame), (200.0, 200.0));
            let left = f64::from(left);
            assert!(x <= left + 1.0 && left + 96.0 <= x + 201.0, "subject at {left}, window at {x}");
            assert!(y.abs() < 1e-9);
        }
    }

    #[test]
    fn upright_frames_move_the_window_down() {
        let frame = scene(200, 640, (50, 500, 100));
        let (_, y) = crop(&frame, whole(&frame), (200.0, 200.0));
        assert!((399.0..=441.0).contains(&y), "{y}");
    }

    #[test]
    fn a_flat_frame_is_cropped_in_the_middle() {
        let frame = Frame { width: 300, height: 100, layout: Layout::Gray, pixels: vec![128; 30_000] };
        let (x, y) = crop(&frame, whole(&frame), (100.0, 100.0));
        assert!((x - 100.0).abs() < 2.0 && y.abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn transparency_is_no_content() {
        let mut pixels = vec![0; 400 * 100 * 4];
        for y in 20..80usize {
            for x in 300..360usize {
                let v = if (x / 6 + y / 6) % 2 == 0 { 30 } else { 220 };
                pixels[(y * 400 + x) * 4..][..4].copy_from_slice(&[v, v / 2, v, 255]);
            }
        }
        let frame = Frame { width: 400, height: 100, layout: Layout::Rgba, pixels };
        let (x, _) = crop(&frame, whole(&frame), (100.0, 100.0));
        assert!((260.0..=300.0).contains(&x), "{x}");
    }

    proptest! {
        #[test]
        fn the_window_lies_in_the_image(
            width in 1u32..300, height in 1u32..300, w in 0.01f64..1.0, h in 0.01f64..1.0, seed in any::<u32>(),
            layout in proptest::sample::select(&[Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba][..]),
        ) {
            let count = (width * height) as usize * layout.channels();
            let pixels = (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) ^ seed).to_le_bytes()[3]).collect();
            let frame = Frame { width, height, layout, pixels };
            let covers = (f64::from(width) - 0.4, f64::from(height) - 0.3);
            let window = (covers.0 * w, covers.1 * h);
            let (x, y) = crop(&frame, covers, window);
            prop_assert!(x >= 0.0 && x + window.0 <= covers.0 + 1e-6);
            prop_assert!(y >= 0.0 && y + window.1 <= covers.1 + 1e-6);
            prop_assert_eq!(crop(&frame, covers, window), (x, y));
        }
    }
}
