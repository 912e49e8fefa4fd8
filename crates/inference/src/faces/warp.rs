//! Cutting a face out, upright and in the embedder's size.

use darkroom_imaging::{Frame, Layout};

use super::{CROP_SIDE, Point, Similarity};

/// The aligned face: [`CROP_SIDE`] pixels square, RGB; none if the five points say nothing of how it is turned.
pub fn crop(frame: &Frame, landmarks: &[Point; 5]) -> Option<Frame> {
    Some(warp(frame, Similarity::to_template(landmarks)?))
}

/// The frame (grey or RGB) as it looks after `to`, [`CROP_SIDE`] pixels square, black beyond its borders.
///
/// Bilinear between pixels whose centres are at whole numbers, as OpenCV's `warpAffine` does it, except that more than
/// two pixels to one are averaged first: a large face is not reduced to a few of its pixels.
pub fn warp(frame: &Frame, to: Similarity) -> Frame {
    let halvings = (-to.scale().log2()).floor().clamp(0.0, 16.0) as u32;
    if halvings == 0 {
        return sampled(frame, to.inverse());
    }
    let cell = 1u32 << halvings;
    let back = to.inverse();
    let (reduced, (left, top)) = averaged(frame, window(frame, back), cell);
    // The centre of a cell is half a cell, less half a pixel, from the centre of its first pixel.
    let (cell, centre) = (f64::from(cell), (f64::from(cell) - 1.0) / 2.0);
    let inside = Similarity {
        a: back.a / cell,
        b: back.b / cell,
        tx: (back.tx - f64::from(left) - centre) / cell,
        ty: (back.ty - f64::from(top) - centre) / cell,
    };
    sampled(&reduced, inside)
}

/// Each pixel of the result, from where `back` leads.
fn sampled(frame: &Frame, back: Similarity) -> Frame {
    let mut pixels = Vec::with_capacity((CROP_SIDE * CROP_SIDE * 3) as usize);
    for y in 0..CROP_SIDE {
        for x in 0..CROP_SIDE {
            pixels.extend(between(frame, back.apply((f64::from(x), f64::from(y)))));
        }
    }
    Frame { width: CROP_SIDE, height: CROP_SIDE, layout: Layout::Rgb, pixels }
}

/// The colour at a place, of the four pixels around it; those outside are black.
fn between(frame: &Frame, (x, y): (f64, f64)) -> [u8; 3] {
    let (left, top) = (floor(x), floor(y));
    let (right_share, lower_share) = (x - left as f64, y - top as f64);
    let shares = [
        (1.0 - lower_share) * (1.0 - right_share),
        (1.0 - lower_share) * right_share,
        lower_share * (1.0 - right_share),
        lower_share * right_share,
    ];
    let mut sums = [0.5; 3];
    for (pixel, share) in square(frame, left, top).into_iter().zip(shares) {
        for (sum, sample) in sums.iter_mut().zip(pixel) {
            *sum += f64::from(sample) * share;
        }
    }
    sums.map(|sum| sum as u8)
}

/// Four pixels, row by row, the first of which is in this column and row; black outside.
fn square(frame: &Frame, left: i64, top: i64) -> [[u8; 3]; 4] {
    inner_square(frame, left, top).unwrap_or_else(|| {
        let (right, bottom) = (left.saturating_add(1), top.saturating_add(1));
        [(left, top), (right, top), (left, bottom), (right, bottom)]
            .map(|(column, row)| pixel(frame, column, row).unwrap_or_default())
    })
}

/// The same where all four are inside an RGB frame, which nearly all are.
fn inner_square(frame: &Frame, left: i64, top: i64) -> Option<[[u8; 3]; 4]> {
    let (left, top) = (usize::try_from(left).ok()?, usize::try_from(top).ok()?);
    let width = frame.width as usize;
    if left.saturating_add(1) >= width || frame.layout != Layout::Rgb {
        return None;
    }
    let row = |row: usize| {
        let at = row.checked_mul(width)?.checked_add(left)?.checked_mul(3)?;
        let &[r, g, b, red, green, blue] = frame.pixels.get(at..)?.first_chunk()?;
        Some([[r, g, b], [red, green, blue]])
    };
    let ([first, second], [third, fourth]) = (row(top)?, row(top.checked_add(1)?)?);
    Some([first, second, third, fourth])
}

/// The next whole number below, or the number itself. `f64::floor` is a call to a library where x86 has only SSE2.
fn floor(number: f64) -> i64 {
    let whole = number as i64;
    if whole as f64 > number { whole - 1 } else { whole }
}

/// The pixel in a column and row, none outside.
fn pixel(frame: &Frame, column: i64, row: i64) -> Option<[u8; 3]> {
    let (column, row) = (u32::try_from(column).ok()?, u32::try_from(row).ok()?);
    if column >= frame.width || row >= frame.height {
        return None;
    }
    let at = (row as usize * frame.width as usize + column as usize) * frame.layout.channels();
    Some(colours(frame.pixels.get(at..at + frame.layout.channels())?))
}

/// Red, green and blue of a pixel's samples.
fn colours(samples: &[u8]) -> [u8; 3] {
    match *samples {
        [red, green, blue, ..] => [red, green, blue],
        [grey, ..] => [grey; 3],
        [] => [0; 3],
    }
}

/// The pixels that the result shows: first column and row, and those after the last.
type Span = ((u32, u32), (u32, u32));

fn window(frame: &Frame, back: Similarity) -> Span {
    let last = f64::from(CROP_SIDE - 1);
    let corners = [(0.0, 0.0), (last, 0.0), (0.0, last), (last, last)].map(|corner| back.apply(corner));
    let span = |of: fn(&(f64, f64)) -> f64, most: u32| {
        let (low, high) = corners
            .iter()
            .map(of)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
        let from = (low - 1.0).floor().clamp(0.0, f64::from(most)) as u32;
        (from, (high + 2.0).ceil().clamp(f64::from(from), f64::from(most)) as u32)
    };
    let (across, down) = (span(|at| at.0, frame.width), span(|at| at.1, frame.height));
    ((across.0, down.0), (across.1, down.1))
}

/// The mean of each cell of `cell` × `cell` pixels in the window, and where the first cell begins. Cells lie on a grid
/// that begins at the frame's corner; those at its borders have fewer pixels.
fn averaged(frame: &Frame, ((left, top), (right, bottom)): Span, cell: u32) -> (Frame, (u32, u32)) {
    let (first, end) = ((left / cell, top / cell), (right.div_ceil(cell), bottom.div_ceil(cell)));
    let (width, height) = (end.0 - first.0, end.1 - first.1);
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for row in first.1..end.1 {
        for column in first.0..end.0 {
            pixels.extend(mean(frame, (column * cell, row * cell), cell));
        }
    }
    (Frame { width, height, layout: Layout::Rgb, pixels }, (first.0 * cell, first.1 * cell))
}

fn mean(frame: &Frame, (left, top): (u32, u32), cell: u32) -> [u8; 3] {
    let (right, bottom) = ((left + cell).min(frame.width), (top + cell).min(frame.height));
    let (channels, width) = (frame.layout.channels(), frame.width as usize);
    let mut sums = [0u64; 3];
    for row in top as usize..bottom as usize {
        let (from, to) = (row * width + left as usize, row * width + right as usize);
        for samples in frame.pixels[from * channels..to * channels].chunks_exact(channels) {
            for (sum, sample) in sums.iter_mut().zip(colours(samples)) {
                *sum += u64::from(sample);
            }
        }
    }
    let count = u64::from(right - left) * u64::from(bottom - top);
    sums.map(|sum| ((sum + count / 2) / count.max(1)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = pixels.flat_map(|(x, y)| colour(x, y)).collect();
        Frame { width, height, layout: Layout::Rgb, pixels }
    }

    fn at(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
        pixel(frame, i64::from(x), i64::from(y)).unwrap()
    }

    const SAME: Similarity = Similarity { a: 1.0, b: 0.0, tx: 0.0, ty: 0.0 };

    #[test]
    fn whole_steps_copy_pixels_and_halves_average_them() {
        let from = frame(200, 200, |x, y| [x as u8, y as u8, 7]);
        let moved = warp(&from, Similarity { tx: -30.0, ty: -40.0, ..SAME });
        assert_eq!((moved.width, moved.height, at(&moved, 0, 0)), (112, 112, [30, 40, 7]));
        assert_eq!(at(&moved, 111, 111), [141, 151, 7]);
        let checked = frame(200, 200, |x, _| [if x % 2 == 0 { 0 } else { 100 }, 0, 0]);
        assert_eq!(at(&warp(&checked, Similarity { tx: -30.5, ..SAME }), 5, 5), [50, 0, 0]);
    }

    #[test]
    fn beyond_the_border_it_is_black() {
        let white = frame(50, 50, |_, _| [200; 3]);
        let warped = warp(&white, Similarity { tx: 20.0, ty: 20.0, ..SAME });
        assert_eq!(
            [at(&warped, 0, 0), at(&warped, 30, 30), at(&warped, 100, 30)],
            [[0; 3], [200; 3], [0; 3]]
        );
        let half = warp(&white, Similarity { tx: 20.5, ty: 20.0, ..SAME });
        assert_eq!(at(&half, 20, 30), [100; 3]);
    }

    #[test]
    fn a_quarter_turn_turns_clockwise() {
        let from = frame(112, 112, |x, y| [x as u8, y as u8, 0]);
        // x' = -y + 111, y' = x: what was at the top is at the right.
        let turned = warp(&from, Similarity { a: 0.0, b: 1.0, tx: 111.0, ty: 0.0 });
        assert_eq!([at(&turned, 111, 20), at(&turned, 0, 20)], [[20, 0, 0], [20, 111, 0]]);
    }

    #[test]
    fn a_large_face_is_averaged_before_it_is_reduced() {
        // Stripes of one pixel, which plain bilinear reduction by eight would show as they fall.
        let from = frame(1_000, 1_000, |x, _| [if x % 2 == 0 { 0 } else { 200 }; 3]);
        let small = warp(&from, Similarity { a: 0.125, b: 0.0, tx: 0.0, ty: 0.0 });
        for (x, y) in [(1, 1), (60, 60), (100, 20)] {
            assert_eq!(at(&small, x, y), [100; 3]);
        }
        // A slope keeps its place: position 8 x of the frame is shown at x.
        let slope = frame(800, 800, |x, y| [(x / 4) as u8, (y / 4) as u8, 0]);
        let small = warp(&slope, Similarity { a: 0.125, b: 0.0, tx: 0.0, ty: 0.0 });
        for (x, y) in [(10, 20), (50, 70)] {
            let [red, green, _] = at(&small, x, y);
            assert!(red.abs_diff(2 * x as u8) <= 1 && green.abs_diff(2 * y as u8) <= 1, "{red} {green}");
        }
    }

    #[test]
    fn grey_frames_and_faces_far_outside_are_no_trouble() {
        let grey = Frame { width: 2, height: 2, layout: Layout::Gray, pixels: vec![10, 20, 30, 40] };
        assert_eq!(at(&warp(&grey, SAME), 1, 1), [40; 3]);
        for to in [
            Similarity { tx: 1e9, ..SAME },
            Similarity { a: 1e-9, tx: -1e3, ..SAME },
            Similarity { a: 1e9, ..SAME },
            Similarity { a: 0.1, tx: 1e6, ty: -1e6, ..SAME },
        ] {
            assert_eq!(warp(&grey, to).pixels.len(), 112 * 112 * 3);
        }
    }
}
