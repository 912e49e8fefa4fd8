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
    let mut resizer = Resizer::new();
    let pixels = match kernel.light {
        Light::Linear if kernel.filter != Filter::Nearest => linear(frame, size, &options(region, kernel)),
        _ => {
            let mut out = vec![0; size.0 as usize * size.1 as usize * frame.layout.channels()];
            let source = (frame.width, frame.height, frame.pixels.as_slice());
            let rows = band_rows(frame, size.1, kernel.filter);
            let height = region.height / f64::from(size.1);
            let band_bytes = rows as usize * size.0 as usize * frame.layout.channels();
            let mut done = 0;
            for out in out.chunks_mut(band_bytes) {
                let rows = rows.min(size.1 - done);
                let top = height.mul_add(f64::from(done), region.top);
                // Rounding may put the last band a hair outside.
                let rest = f64::from(frame.height) - top;
                let band = Rect { top, height: (height * f64::from(rows)).min(rest), ..region };
                let out = (size.0, rows, out);
                run(&mut resizer, source, out, pixel_type(frame.layout), &options(band, kernel));
                done += rows;
            }
            out
        }
    };
    Frame { width: size.0, height: size.1, layout: frame.layout, pixels }
}

/// The whole frame in another size, weighed as its samples are, without a detour over linear light. Each sample is
/// within two steps of the exact value.
pub fn scaled(frame: &Frame, size: (u32, u32), filter: Filter) -> Frame {
    let (width, height) = (f64::from(frame.width), f64::from(frame.height));
    let whole = Rect { left: 0.0, top: 0.0, width, height };
    resample(frame, whole, size, Kernel { filter, light: Light::Gamma })
}

/// Most bytes between the two passes: the library filters down first, so rows of a result can be made in bands that
/// share nothing. More of them would cost more for the weights of the second pass than the memory is worth.
const BAND_BYTES: u64 = 4 << 20;

/// Result rows of a band. With alpha the library makes a copy of the source, which it should make once.
fn band_rows(frame: &Frame, rows: u32, filter: Filter) -> u32 {
    if frame.layout.has_alpha() || filter == Filter::Nearest {
        return rows;
    }
    let row_bytes = u64::from(frame.width) * frame.layout.channels() as u64;
    let bands = (row_bytes * u64::from(rows)).div_ceil(BAND_BYTES);
    rows.div_ceil(u32::try_from(bands).unwrap_or(rows).clamp(1, rows))
}

/// Bytes that [`resample`] takes beside a frame of `size` and a result of `rows` rows.
pub(crate) fn scratch_bytes(layout: Layout, size: (u32, u32), rows: u32, light: Light) -> u64 {
    let row_bytes = u64::from(size.0) * layout.channels() as u64;
    let (frame, between) = (row_bytes * u64::from(size.1), row_bytes * u64::from(rows));
    match light {
        // Both at 16 bits, as is the result.
        Light::Linear => 2 * (frame + 2 * between),
        Light::Gamma if layout.has_alpha() => frame + between,
        Light::Gamma => between.min(BAND_BYTES + row_bytes),
    }
}

fn options(region: Rect, kernel: Kernel) -> ResizeOptions {
    ResizeOptions::new().resize_alg(algorithm(kernel.filter)).crop(
        region.left,
        region.top,
        region.width,
        region.height,
    )
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
        &mut Resizer::new(),
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

#[allow(clippy::needless_pass_by_value, reason = "a mutable slice can only be moved in")]
fn run(
    resizer: &mut Resizer,
    source: (u32, u32, &[u8]),
    out: (u32, u32, &mut [u8]),
    kind: PixelType,
    options: &ResizeOptions,
) {
    let source = ImageRef::new(source.0, source.1, source.2, kind);
    let out = Image::from_slice_u8(out.0, out.1, out.2, kind);
    let (Ok(source), Ok(mut out)) = (source, out) else {
        unreachable!("buffers are sized and aligned by the callers above");
    };
    let done = resizer.resize(&source, &mut out, options);
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

#[cfg(test)]
mod tests {
    use super::*;

    type Weigh = fn(f64) -> f64;

    const WHOLE: Rect = Rect { left: 0.0, top: 0.0, width: 23.0, height: 17.0 };

    fn noise(layout: Layout) -> Frame {
        let count = 23 * 17 * layout.channels() as u32;
        // Away from both ends, so that no overshoot is cut and the order of the passes does not matter.
        let pixels = (0..count).map(|i| 64 + (i.wrapping_mul(2_654_435_761) >> 25) as u8).collect();
        Frame { width: 23, height: 17, layout, pixels }
    }

    /// The filter by definition, in floating point: the kernel is stretched by the reduction.
    fn weights(
        kernel: fn(f64) -> f64,
        support: f64,
        from: f64,
        length: f64,
        (at, out, limit): (u32, u32, u32),
    ) -> Vec<f64> {
        let scale = (length / f64::from(out)).max(1.0);
        let centre = from + (f64::from(at) + 0.5) * length / f64::from(out);
        let weight = |i: u32| {
            let x = (f64::from(i) + 0.5 - centre) / scale;
            if x.abs() < support { kernel(x) } else { 0.0 }
        };
        let weights: Vec<f64> = (0..limit).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / sum).collect()
    }

    /// Across, rounded to 8 bits, then down, in floating point; the library does it the other way round.
    fn naive(frame: &Frame, region: Rect, size: (u32, u32), kernel: (fn(f64) -> f64, f64)) -> Vec<f64> {
        let (n, width) = (frame.layout.channels(), frame.width as usize);
        let across = |x| weights(kernel.0, kernel.1, region.left, region.width, (x, size.0, frame.width));
        let down = |y| weights(kernel.0, kernel.1, region.top, region.height, (y, size.1, frame.height));
        let mut middle = Vec::new();
        for row in frame.pixels.chunks_exact(width * n) {
            for x in 0..size.0 {
                let weights = across(x);
                for c in 0..n {
                    let sum: f64 =
                        weights.iter().enumerate().map(|(i, w)| w * f64::from(row[i * n + c])).sum();
                    middle.push(sum.round().clamp(0.0, 255.0));
                }
            }
        }
        let samples = size.0 as usize * n;
        let column = |weights: &[f64], at: usize| -> f64 {
            weights.iter().enumerate().map(|(j, w)| w * middle[j * samples + at]).sum()
        };
        (0..size.1)
            .map(down)
            .flat_map(|weights| {
                (0..samples).map(|at| column(&weights, at).clamp(0.0, 255.0)).collect::<Vec<_>>()
            })
            .collect()
    }

    fn lanczos3(x: f64) -> f64 {
        let sinc = |x: f64| {
            if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) }
        };
        sinc(x) * sinc(x / 3.0)
    }

    fn triangle(x: f64) -> f64 {
        1.0 - x.abs()
    }

    fn catmull_rom(x: f64) -> f64 {
        let x = x.abs();
        if x < 1.0 {
            1.5 * x.powi(3) - 2.5 * x * x + 1.0
        } else {
            -0.5 * x.powi(3) + 2.5 * x * x - 4.0 * x + 2.0
        }
    }

    fn mitchell(x: f64) -> f64 {
        let x = x.abs();
        if x < 1.0 {
            (7.0 * x.powi(3) - 12.0 * x * x + 16.0 / 3.0) / 6.0
        } else {
            (-7.0 / 3.0 * x.powi(3) + 12.0 * x * x - 20.0 * x + 32.0 / 3.0) / 6.0
        }
    }

    #[test]
    fn filters_are_what_their_names_say() {
        let kernels: [(Filter, Weigh, f64); 5] = [
            (Filter::Lanczos3, lanczos3, 3.0),
            (Filter::Bilinear, triangle, 1.0),
            (Filter::Hermite, hermite, 1.0),
            (Filter::CatmullRom, catmull_rom, 2.0),
            (Filter::Mitchell, mitchell, 2.0),
        ];
        let crop = Rect { left: 2.25, top: 1.5, width: 17.5, height: 12.25 };
        for (filter, kernel, support) in kernels {
            for (region, size) in [(WHOLE, (7, 5)), (crop, (6, 4)), (WHOLE, (40, 31))] {
                for layout in [Layout::Gray, Layout::Rgb] {
                    let frame = noise(layout);
                    let got = resample(&frame, region, size, Kernel { filter, light: Light::Gamma });
                    for (got, want) in got.pixels.iter().zip(naive(&frame, region, size, (kernel, support))) {
                        assert!(
                            (f64::from(*got) - want).abs() <= 2.0,
                            "{filter} {size:?}: {got} against {want}"
                        );
                    }
                }
            }
        }
    }

    /// What is made in bands is what would be made at once.
    #[test]
    fn bands_join_without_a_seam() {
        let (width, height) = (2900_u32, 1200_u32);
        let pixels = (0..width * height).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let frame = Frame { width, height, layout: Layout::Gray, pixels };
        let kernel = Kernel { filter: Filter::Lanczos3, light: Light::Gamma };
        let region = Rect { left: 1.5, top: 3.25, width: 2800.0, height: 1190.5 };
        let size = (1500, 4000);
        assert!(band_rows(&frame, size.1, kernel.filter) < size.1 / 2);
        let banded = resample(&frame, region, size, kernel);
        let mut whole = vec![0; banded.pixels.len()];
        let source = (width, height, frame.pixels.as_slice());
        let out = (size.0, size.1, whole.as_mut_slice());
        run(&mut Resizer::new(), source, out, PixelType::U8, &options(region, kernel));
        let off = banded.pixels.iter().zip(&whole).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(1), "{off:?}");
    }

    #[test]
    fn a_flat_colour_stays_what_it_is() {
        for layout in [Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba] {
            let frame = Frame { pixels: vec![201; noise(layout).pixels.len()], ..noise(layout) };
            for &filter in Filter::ALL {
                for light in [Light::Gamma, Light::Linear] {
                    let out = resample(&frame, WHOLE, (9, 31), Kernel { filter, light });
                    let off = out.pixels.iter().map(|v| v.abs_diff(201)).max();
                    assert!(off <= Some(1), "{filter} {light} {layout:?}: {off:?}");
                }
            }
        }
    }
}
