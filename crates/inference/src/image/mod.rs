//! From a frame to the tensor that a manifest describes, equal to what Pillow and torchvision make.

mod geometry;
mod resample;

use darkroom_imaging as imaging;
use half::f16;

use crate::{
    digit,
    manifest::{Colour, Filter, ImageInput, Layout, Resize},
    tensor::{Data, ElementType, Tensor},
};
use geometry::Placement;
pub use geometry::Window;
pub use resample::window;

/// The shorter side that a frame for this model should have at least, so that nothing is enlarged that need not be.
pub fn wanted_side(input: &ImageInput) -> u32 {
    // A digit may be a small part of a photograph; it is cut out before it is made small.
    if input.resize == Resize::Digit {
        return digit::WANTED_SIDE;
    }
    input.resize_to.unwrap_or_else(|| input.size[0].max(input.size[1]))
}

/// Whether a frame for this model keeps its alpha, if it has any. Digits do: a white one on nothing would vanish on
/// white. For all others the decoder puts a colour behind.
pub fn wants_alpha(input: &ImageInput) -> bool {
    input.resize == Resize::Digit
}

/// Resizes, crops and normalises a frame (grey or RGB; a digit's may have alpha) to the `F32` tensor of one image.
pub fn prepare(frame: &imaging::Frame, input: &ImageInput) -> Result<Tensor, String> {
    let wrong_alpha = frame.layout.has_alpha() && !wants_alpha(input);
    if wrong_alpha || frame.width == 0 || frame.height == 0 {
        return Err("a frame for a model has pixels, and no alpha".to_owned());
    }
    let values = if input.resize == Resize::Digit {
        let digit = digit::normalise(frame).map_err(|nothing| nothing.to_string())?;
        digit.iter().map(|ink| (ink * 255.0 - input.mean[0]) / input.std[0]).collect()
    } else {
        normalised(&place(&pixels(frame, input.colour)?, input), input)
    };
    Tensor::new(input.shape(), Data::F32(values))
        .ok_or_else(|| "the image was made in another size".to_owned())
}

/// 8-bit samples, interleaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Samples a pixel.
    pub channels: usize,
    /// `width * height * channels` of them.
    pub samples: Vec<u8>,
}

/// Brings the pixels to the model's size.
fn place(pixels: &Pixels, input: &ImageInput) -> Pixels {
    let placement = Placement::new(input, (pixels.width, pixels.height));
    let made = window(pixels, placement.scaled, placement.window, input.filter);
    let [width, height] = input.size;
    if (made.width, made.height) == (width, height) {
        return made;
    }
    on_canvas(&made, input, placement.offset)
}

/// The colours of a frame that a model wants, as they are.
pub(crate) fn pixels(frame: &imaging::Frame, colour: Colour) -> Result<Pixels, String> {
    if frame.layout.has_alpha() || frame.width == 0 || frame.height == 0 {
        return Err("a frame for a model has pixels, and no alpha".to_owned());
    }
    Ok(match colour {
        Colour::Grey => grey(frame),
        Colour::Rgb | Colour::Bgr => rgb(frame),
    })
}

/// The whole image in another size.
pub(crate) fn scaled(pixels: Pixels, (width, height): (u32, u32), filter: Filter) -> Pixels {
    if (pixels.width, pixels.height) == (width, height) {
        return pixels;
    }
    window(&pixels, (width, height), Window { left: 0, top: 0, width, height }, filter)
}

/// The tensor of an image in the top left corner of a canvas that is at least as large.
pub(crate) fn on_top_left(
    pixels: &Pixels,
    input: &ImageInput,
    (width, height): (u32, u32),
) -> Result<Tensor, String> {
    let input = ImageInput { size: [width, height], ..input.clone() };
    let values = normalised(&on_canvas(pixels, &input, (0, 0)), &input);
    Tensor::new(input.shape(), Data::F32(values))
        .ok_or_else(|| "the image was made in another size".to_owned())
}

fn on_canvas(made: &Pixels, input: &ImageInput, (left, top): (u32, u32)) -> Pixels {
    let [width, height] = input.size;
    let row = width as usize * made.channels;
    let mut samples = vec![input.pad; row * height as usize];
    let there = samples.chunks_exact_mut(row).skip(top as usize);
    for (to, from) in there.zip(made.samples.chunks_exact(made.width as usize * made.channels)) {
        let start = left as usize * made.channels;
        to[start..start + from.len()].copy_from_slice(from);
    }
    Pixels { width, height, channels: made.channels, samples }
}

/// `(v - mean) / std`, in the order of channels and dimensions that the model wants.
fn normalised(pixels: &Pixels, input: &ImageInput) -> Vec<f32> {
    let channels = pixels.channels;
    let tables: Vec<[f32; 256]> =
        (0..channels).map(|c| std::array::from_fn(|v| (v as f32 - input.mean[c]) / input.std[c])).collect();
    // The table of channel c of the model, and the sample that it reads.
    let from = |c: usize| if input.colour == Colour::Bgr { channels - 1 - c } else { c };
    let mut values = Vec::with_capacity(pixels.samples.len());
    match input.layout {
        Layout::Nchw => {
            for (c, table) in tables.iter().enumerate() {
                let plane = pixels.samples.iter().skip(from(c)).step_by(channels);
                values.extend(plane.map(|v| table[usize::from(*v)]));
            }
        }
        Layout::Nhwc => {
            for pixel in pixels.samples.chunks_exact(channels) {
                values.extend(tables.iter().enumerate().map(|(c, table)| table[usize::from(pixel[from(c)])]));
            }
        }
    }
    values
}

/// The values in the kind that a model takes: `F32`, `F16`, or `U8` (rounded).
pub(crate) fn cast(values: Data, kind: ElementType) -> Result<Data, String> {
    let Data::F32(values) = values else { return Ok(values) };
    match kind {
        ElementType::F32 => Ok(Data::F32(values)),
        ElementType::F16 => Ok(Data::F16(values.into_iter().map(f16::from_f32).collect())),
        ElementType::U8 => {
            Ok(Data::U8(values.into_iter().map(|v| v.round().clamp(0.0, 255.0) as u8).collect()))
        }
        other => Err(format!("an image cannot be made into {}", other.name())),
    }
}

fn rgb(frame: &imaging::Frame) -> Pixels {
    let samples = match frame.layout {
        imaging::Layout::Gray => frame.pixels.iter().flat_map(|&v| [v; 3]).collect(),
        _ => frame.pixels.clone(),
    };
    Pixels { width: frame.width, height: frame.height, channels: 3, samples }
}

/// ITU-R BT.601 luma in 16 fractional bits, rounded, as Pillow's `convert("L")` computes it.
fn grey(frame: &imaging::Frame) -> Pixels {
    let luma = |p: &[u8; 3]| {
        ((u32::from(p[0]) * 19_595 + u32::from(p[1]) * 38_470 + u32::from(p[2]) * 7_471 + 0x8000) >> 16) as u8
    };
    let samples = match frame.layout {
        imaging::Layout::Gray => frame.pixels.clone(),
        _ => frame.pixels.as_chunks::<3>().0.iter().map(luma).collect(),
    };
    Pixels { width: frame.width, height: frame.height, channels: 1, samples }
}
