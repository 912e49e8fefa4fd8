//! The last resampling step: a region of a frame to a frame of exact size.

use darkroom_core::operation::{Filter, Light};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use crate::{
    Frame, Layout,
    geometry::Rect,
    light::{encoded_table, linear_table},
};

/// How pixels are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kernel {
    pub(crate) filter: Filter,
    pub(crate) light: Light,
}

/// Resamples `region` (in pixels of `frame`, clamped to it) to `size`. Colours are weighted by their alpha.
pub(crate) fn resample(frame: &Frame, region: Rect, size: (u32, u32), kernel: Kernel) -> Frame {
    let region = clamp(region, frame);
    if is_whole(region, frame) && size == (frame.width, frame.height) {
        return frame.clone();
    }
    let options = ResizeOptions::new().resize_alg(algorithm(kernel.filter)).crop(
        region.left,
        region.top,
        region.width,
        region.height,
    );
    let pixels = match kernel.light {
        Light::Linear if kernel.filter != Filter::Nearest => linear(frame, size, &options),
        _ => {
            let mut out = vec![0; size.0 as usize * size.1 as usize * frame.layout.channels()];
            run(
                (frame.width, frame.height, &frame.pixels),
                (size.0, size.1, &mut out),
                pixel_type(frame.layout),
                &options,
            );
            out
        }
    };
    Frame { width: size.0, height: size.1, layout: frame.layout, pixels }
}

/// Crops are computed at full scale, so rounding may put them a hair outside.
fn clamp(region: Rect, frame: &Frame) -> Rect {
    let (width, height) = (f64::from(frame.width), f64::from(frame.height));
    let left = region.left.clamp(0.0, (width - 1.0).max(0.0));
    let top = region.top.clamp(0.0, (height - 1.0).max(0.0));
    Rect { left, top, width: region.width.min(width - left), height: region.height.min(height - top) }
}

fn is_whole(region: Rect, frame: &Frame) -> bool {
    region == Rect { left: 0.0, top: 0.0, width: f64::from(frame.width), height: f64::from(frame.height) }
}

/// Averages in linear light at 16 bits. Alpha is linear already.
fn linear(frame: &Frame, size: (u32, u32), options: &ResizeOptions) -> Vec<u8> {
    let channels = frame.layout.channels();
    let colours = channels - usize::from(frame.layout.has_alpha());
    let (linear, encoded) = (linear_table(), encoded_table());
    let mut source = Vec::with_capacity(frame.pixels.len());
    for pixel in frame.pixels.chunks_exact(channels) {
        source.extend(pixel[..colours].iter().map(|&v| linear[usize::from(v)]));
        source.extend(pixel[colours..].iter().map(|&alpha| u16::from(alpha) * 257));
    }
    let mut out = vec![0u16; size.0 as usize * size.1 as usize * channels];
    run(
        (frame.width, frame.height, bytemuck::cast_slice(&source)),
        (size.0, size.1, bytemuck::cast_slice_mut(&mut out)),
        deep_pixel_type(frame.layout),
        options,
    );
    let mut pixels = Vec::with_capacity(out.len());
    for pixel in out.chunks_exact(channels) {
        pixels.extend(pixel[..colours].iter().map(|&v| encoded[usize::from(v)]));
        pixels.extend(pixel[colours..].iter().map(|&alpha| ((u32::from(alpha) + 128) / 257) as u8));
    }
    pixels
}

fn run(source: (u32, u32, &[u8]), out: (u32, u32, &mut [u8]), kind: PixelType, options: &ResizeOptions) {
    let source = ImageRef::new(source.0, source.1, source.2, kind);
    let out = Image::from_slice_u8(out.0, out.1, out.2, kind);
    let (Ok(source), Ok(mut out)) = (source, out) else {
        unreachable!("buffers are sized and aligned by the callers above");
    };
    let done = Resizer::new().resize(&source, &mut out, options);
    debug_assert!(done.is_ok(), "{done:?}");
}

fn algorithm(filter: Filter) -> ResizeAlg {
    ResizeAlg::Convolution(match filter {
        Filter::Nearest => return ResizeAlg::Nearest,
        Filter::Box => FilterType::Box,
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Hermite => fast_image_resize::Filter::new("hermite", hermite, 1.0)
            .map_or(FilterType::Hamming, FilterType::Custom),
        Filter::CatmullRom => FilterType::CatmullRom,
        Filter::Mitchell => FilterType::Mitchell,
        Filter::Lanczos3 => FilterType::Lanczos3,
    })
}

/// The cubic with value 1 and slope 0 at 0, value 0 and slope 0 at 1.
fn hermite(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 { (2.0 * x - 3.0).mul_add(x * x, 1.0) } else { 0.0 }
}

fn pixel_type(layout: Layout) -> PixelType {
    match layout {
        Layout::Gray => PixelType::U8,
        Layout::GrayAlpha => PixelType::U8x2,
        Layout::Rgb => PixelType::U8x3,
        Layout::Rgba => PixelType::U8x4,
    }
}

fn deep_pixel_type(layout: Layout) -> PixelType {
    match layout {
        Layout::Gray => PixelType::U16,
        Layout::GrayAlpha => PixelType::U16x2,
        Layout::Rgb => PixelType::U16x3,
        Layout::Rgba => PixelType::U16x4,
    }
}
