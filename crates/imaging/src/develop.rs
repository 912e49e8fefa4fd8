//! From the decoded image to the pixels of one result: resample, colour, upright, background, canvas.

use darkroom_core::operation::{Background, Gravity, Light, Mode};

use crate::{
    Format, Frame, Header, Layout, Orientation, colour,
    geometry::Rect,
    levels::{Level, Levels},
    orient,
    plan::Work,
    resample::{Kernel, resample},
    smart,
};

/// Makes the pixels of one result, in sRGB, upright, ready to be encoded in `work.format`.
///
/// The steps that touch every pixel come after the resampling, where there are few.
pub(crate) fn develop(levels: &mut Levels, header: &Header, icc: Option<&[u8]>, work: &Work<'_>) -> Frame {
    // Without a level chain in linear light, a reduction would average encoded values.
    let smallest =
        if work.request.light == Light::Linear { (f64::INFINITY, f64::INFINITY) } else { work.averaged };
    let level = levels.at_least(smallest);
    let swaps = header.orientation.swaps_sides();
    let size = if swaps { (work.geometry.size.1, work.geometry.size.0) } else { work.geometry.size };
    let kernel = Kernel { filter: work.request.filter, light: work.request.light };
    let mut frame = resample(&level.frame, kept_region(level, header, work), size, kernel);
    if let Some(icc) = icc {
        colour::to_srgb(&mut frame, icc);
    }
    let frame = orient::upright(frame, header.orientation);
    let frame = over_background(frame, work);
    if work.geometry.canvas == work.geometry.size { frame } else { on_canvas(&frame, work) }
}

/// The crop in pixels of the level, stored orientation.
fn kept_region(level: &Level, header: &Header, work: &Work<'_>) -> Rect {
    let full = (header.width, header.height);
    let region = level.region(stored(work.geometry.crop, header.orientation, full), full);
    let crops = work.request.mode == Mode::Fill && work.request.gravity == Gravity::Smart;
    if !crops {
        return region;
    }
    let (left, top) = smart::crop(&level.frame, level.covers, (region.width, region.height));
    Rect { left, top, ..region }
}

/// An upright rectangle where it lies in a stored image of `full` pixels: the inverse of [`orient::upright`].
fn stored(upright: Rect, orientation: Orientation, full: (u32, u32)) -> Rect {
    let mut rect = upright;
    if orientation.swaps_sides() {
        rect = Rect { left: upright.top, top: upright.left, width: upright.height, height: upright.width };
    }
    if matches!(orientation.exif(), 2 | 3 | 7 | 8) {
        rect.left = f64::from(full.0) - rect.left - rect.width;
    }
    if matches!(orientation.exif(), 3 | 4 | 6 | 7) {
        rect.top = f64::from(full.1) - rect.top - rect.height;
    }
    rect
}

fn can_be_transparent(format: Format) -> bool {
    !matches!(format, Format::Jpeg)
}

/// Flattens transparency where the format has none or a background is asked for.
fn over_background(frame: Frame, work: &Work<'_>) -> Frame {
    if !frame.layout.has_alpha() || (work.request.background.is_none() && can_be_transparent(work.format)) {
        return frame;
    }
    let Background(colour) = work.request.background.unwrap_or(Background::WHITE);
    flatten(&frame, colour)
}

pub(crate) fn flatten(frame: &Frame, colour: [u8; 3]) -> Frame {
    let grey = frame.layout == Layout::GrayAlpha && colour[0] == colour[1] && colour[1] == colour[2];
    let layout = if grey { Layout::Gray } else { Layout::Rgb };
    let channels = frame.layout.channels();
    let mut pixels = Vec::with_capacity(frame.pixels.len() / channels * layout.channels());
    for pixel in frame.pixels.chunks_exact(channels) {
        let alpha = u32::from(pixel[channels - 1]);
        for (c, under) in colour.iter().enumerate().take(layout.channels()) {
            let over = pixel[if channels == 2 { 0 } else { c }];
            pixels.push(((u32::from(over) * alpha + u32::from(*under) * (255 - alpha) + 127) / 255) as u8);
        }
    }
    Frame { width: frame.width, height: frame.height, layout, pixels }
}

/// Puts the frame on its canvas. Beside it lies the background; without one white, or nothing where the image has
/// alpha and the format keeps it.
fn on_canvas(frame: &Frame, work: &Work<'_>) -> Frame {
    let Background(colour) = work.request.background.unwrap_or(Background::WHITE);
    let grey = colour[0] == colour[1] && colour[1] == colour[2];
    let frame = if grey || frame.layout.has_alpha() { frame } else { &coloured(frame) };
    let fill: &[u8] = match frame.layout {
        Layout::Gray => &colour[..1],
        Layout::Rgb => &colour,
        Layout::GrayAlpha => &[255, 0],
        Layout::Rgba => &[255, 255, 255, 0],
    };
    let ((width, height), (left, top)) = (work.geometry.canvas, work.geometry.offset);
    let channels = frame.layout.channels();
    let mut pixels = fill.repeat(width as usize * height as usize);
    let row_bytes = frame.width as usize * channels;
    for (y, row) in frame.pixels.chunks_exact(row_bytes).enumerate() {
        let at = ((top as usize + y) * width as usize + left as usize) * channels;
        pixels[at..at + row_bytes].copy_from_slice(row);
    }
    Frame { width, height, layout: frame.layout, pixels }
}

/// Three channels, so that a coloured background can lie beside a grey image.
pub(crate) fn coloured(frame: &Frame) -> Frame {
    if frame.layout != Layout::Gray {
        return frame.clone();
    }
    let pixels = frame.pixels.iter().flat_map(|&v| [v; 3]).collect();
    Frame { layout: Layout::Rgb, pixels, ..*frame }
}

/// Alpha that hides nothing only costs time.
pub(crate) fn without_idle_alpha(frame: Frame) -> Frame {
    let idle = match frame.layout {
        Layout::Gray | Layout::Rgb => false,
        Layout::GrayAlpha => frame.pixels.as_chunks::<2>().0.iter().all(|p| p[1] == 255),
        Layout::Rgba => frame.pixels.as_chunks::<4>().0.iter().all(|p| p[3] == 255),
    };
    if !idle {
        return frame;
    }
    let (layout, pixels) = match frame.layout {
        Layout::GrayAlpha => (Layout::Gray, frame.pixels.as_chunks::<2>().0.iter().map(|p| p[0]).collect()),
        _ => (Layout::Rgb, frame.pixels.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect()),
    };
    Frame { layout, pixels, ..frame }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Cutting after turning and turning after cutting give the same pixels.
        #[test]
        fn a_stored_crop_is_the_upright_crop(
            width in 1u32..9, height in 1u32..9, exif in 1u16..=8, cut in (0.0f64..1.0, 0.0f64..1.0),
        ) {
            let orientation = Orientation::from_exif(exif);
            let pixels = (0..(width * height) as u8).collect();
            let frame = Frame { width, height, layout: Layout::Gray, pixels };
            let upright = orient::upright(frame.clone(), orientation);
            let left = (cut.0 * f64::from(upright.width)).floor();
            let top = (cut.1 * f64::from(upright.height)).floor();
            let rect = Rect { left, top, width: f64::from(upright.width) - left, height: 1.0 };
            let there = stored(rect, orientation, (width, height));
            let turned = orient::upright(cut_out(&frame, there), orientation);
            prop_assert_eq!(turned, cut_out(&upright, rect));
        }
    }

    fn cut_out(frame: &Frame, rect: Rect) -> Frame {
        let (left, top) = (rect.left as u32, rect.top as u32);
        let (width, height) = (rect.width as u32, rect.height as u32);
        let at = |x: u32, y: u32| frame.pixels[((top + y) * frame.width + left + x) as usize];
        let pixels =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
        Frame { width, height, layout: Layout::Gray, pixels }
    }

    #[test]
    fn half_transparent_black_over_white_is_grey() {
        let frame = Frame { width: 1, height: 1, layout: Layout::Rgba, pixels: vec![0, 0, 0, 128] };
        assert_eq!(flatten(&frame, [255; 3]).pixels, [127; 3]);
        let grey = Frame { width: 1, height: 1, layout: Layout::GrayAlpha, pixels: vec![0, 0] };
        assert_eq!(flatten(&grey, [1, 2, 3]).pixels, [1, 2, 3]);
    }

    #[test]
    fn only_idle_alpha_is_dropped() {
        let opaque = Frame { width: 1, height: 1, layout: Layout::Rgba, pixels: vec![1, 2, 3, 255] };
        assert_eq!(without_idle_alpha(opaque).pixels, [1, 2, 3]);
        let veiled = Frame { width: 1, height: 1, layout: Layout::GrayAlpha, pixels: vec![1, 254] };
        assert_eq!(without_idle_alpha(veiled.clone()), veiled);
    }
}
