//! Turning a frame upright.

use crate::{Frame, Orientation};

/// Side of the square blocks that a turn by 90° works in: 32 rows of 32 RGBA pixels (4 KiB read, 4 KiB written) stay
/// in the first-level cache, where reading whole rows and writing whole columns would miss it on every pixel.
const BLOCK: usize = 32;

/// Applies the EXIF orientation: the result is what a viewer shows.
pub(crate) fn upright(mut frame: Frame, orientation: Orientation) -> Frame {
    // Every orientation is a mirror image (2), a half turn (3), upside down (4), or one of these after swapping rows
    // and columns (5): EXIF 2.32, table 4.
    match orientation.exif() {
        2 => mirror(&mut frame),
        3 => half_turn(&mut frame),
        4 => flip(&mut frame),
        5 => return transpose(&frame),
        6 => return mirrored(transpose(&frame)),
        7 => return half_turned(transpose(&frame)),
        8 => return flipped(transpose(&frame)),
        _ => {}
    }
    frame
}

/// Left becomes right.
fn mirror(frame: &mut Frame) {
    let row = frame.width as usize * frame.layout.channels();
    for row in frame.pixels.chunks_exact_mut(row.max(1)) {
        reverse_pixels(row, frame.layout.channels());
    }
}

/// Top becomes bottom and left becomes right.
fn half_turn(frame: &mut Frame) {
    reverse_pixels(&mut frame.pixels, frame.layout.channels());
}

/// Top becomes bottom.
fn flip(frame: &mut Frame) {
    let row = frame.width as usize * frame.layout.channels();
    let height = frame.height as usize;
    let (upper, lower) = frame.pixels.split_at_mut(height / 2 * row);
    for (above, below) in upper.chunks_exact_mut(row.max(1)).zip(lower.chunks_exact_mut(row.max(1)).rev()) {
        above.swap_with_slice(below);
    }
}

fn mirrored(mut frame: Frame) -> Frame {
    mirror(&mut frame);
    frame
}

fn half_turned(mut frame: Frame) -> Frame {
    half_turn(&mut frame);
    frame
}

fn flipped(mut frame: Frame) -> Frame {
    flip(&mut frame);
    frame
}

fn reverse_pixels(samples: &mut [u8], channels: usize) {
    match channels {
        1 => samples.reverse(),
        2 => samples.as_chunks_mut::<2>().0.reverse(),
        3 => samples.as_chunks_mut::<3>().0.reverse(),
        _ => samples.as_chunks_mut::<4>().0.reverse(),
    }
}

/// Rows become columns, the top left corner stays.
fn transpose(frame: &Frame) -> Frame {
    let size = (frame.width as usize, frame.height as usize);
    let mut pixels = vec![0; frame.pixels.len()];
    match frame.layout.channels() {
        1 => transpose_pixels::<1>(&frame.pixels, &mut pixels, size),
        2 => transpose_pixels::<2>(&frame.pixels, &mut pixels, size),
        3 => transpose_pixels::<3>(&frame.pixels, &mut pixels, size),
        _ => transpose_pixels::<4>(&frame.pixels, &mut pixels, size),
    }
    Frame { width: frame.height, height: frame.width, layout: frame.layout, pixels }
}

fn transpose_pixels<const N: usize>(from: &[u8], to: &mut [u8], (width, height): (usize, usize)) {
    let (from, to) = (from.as_chunks::<N>().0, to.as_chunks_mut::<N>().0);
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for x in left..(left + BLOCK).min(width) {
                let column = &mut to[x * height + top..x * height + (top + BLOCK).min(height)];
                for (y, pixel) in column.iter_mut().enumerate() {
                    *pixel = from[(top + y) * width + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;

    /// Where the stored pixel (x, y) of a `w` × `h` frame is shown, in the words of the EXIF table: which sides of the
    /// shown image the stored row 0 and column 0 are.
    fn shown(orientation: u8, (x, y): (u32, u32), (w, h): (u32, u32)) -> (u32, u32) {
        let (right, bottom) = (w - 1 - x, h - 1 - y);
        match orientation {
            1 => (x, y),          // row 0 top, column 0 left
            2 => (right, y),      // top, right
            3 => (right, bottom), // bottom, right
            4 => (x, bottom),     // bottom, left
            5 => (y, x),          // left, top
            6 => (bottom, x),     // right, top
            7 => (bottom, right), // right, bottom
            _ => (y, right),      // left, bottom
        }
    }

    #[test]
    fn all_orientations_put_every_pixel_where_exif_says() {
        for layout in [Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba] {
            for (w, h) in [(1, 1), (1, 7), (5, 1), (3, 2), (33, 70), (64, 32)] {
                for orientation in 1..=8 {
                    check(layout, (w, h), orientation);
                }
            }
        }
    }

    fn check(layout: Layout, (w, h): (u32, u32), orientation: u8) {
        let n = layout.channels();
        let pixels: Vec<u8> = (0..(w * h) as usize * n).map(|i| (i * 31 % 251) as u8).collect();
        let frame = Frame { width: w, height: h, layout, pixels };
        let turned = upright(frame.clone(), Orientation::from_exif(u16::from(orientation)));
        let swapped = orientation >= 5;
        assert_eq!((turned.width, turned.height), if swapped { (h, w) } else { (w, h) });
        assert_eq!(turned.pixels.len(), frame.pixels.len());
        for y in 0..h {
            for x in 0..w {
                let (to_x, to_y) = shown(orientation, (x, y), (w, h));
                let from = (y * w + x) as usize * n;
                let to = (to_y * turned.width + to_x) as usize * n;
                assert_eq!(
                    frame.pixels[from..from + n],
                    turned.pixels[to..to + n],
                    "{layout:?} {w}x{h} orientation {orientation} pixel {x},{y}"
                );
            }
        }
    }
}
