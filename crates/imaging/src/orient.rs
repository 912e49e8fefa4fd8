//! Turning a frame upright.

use crate::{Frame, Orientation};

/// Applies the EXIF orientation: the result is what a viewer shows.
pub(crate) fn upright(frame: Frame, orientation: Orientation) -> Frame {
    let place: fn(usize, usize, usize, usize) -> usize = match orientation.exif() {
        2 => |x, y, w, _| y * w + (w - 1 - x),
        3 => |x, y, w, h| (h - 1 - y) * w + (w - 1 - x),
        4 => |x, y, w, h| (h - 1 - y) * w + x,
        5 => |x, y, _, h| x * h + y,
        6 => |x, y, _, h| x * h + (h - 1 - y),
        7 => |x, y, w, h| (w - 1 - x) * h + (h - 1 - y),
        8 => |x, y, w, h| (w - 1 - x) * h + y,
        _ => return frame,
    };
    let (w, h, n) = (frame.width as usize, frame.height as usize, frame.layout.channels());
    let mut pixels = vec![0; frame.pixels.len()];
    for (i, pixel) in frame.pixels.chunks_exact(n).enumerate() {
        let to = place(i % w, i / w, w, h) * n;
        pixels[to..to + n].copy_from_slice(pixel);
    }
    let (width, height) =
        if orientation.swaps_sides() { (frame.height, frame.width) } else { (frame.width, frame.height) };
    Frame { width, height, layout: frame.layout, pixels }
}
