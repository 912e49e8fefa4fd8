//! From a frame to the tensor that a manifest describes, equal to what Pillow and torchvision make.

mod geometry;
mod resample;

use std::borrow::Cow;

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
pub struct Pixels<'a> {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Samples a pixel.
    pub channels: usize,
    /// `width * height * channels` of them.
    pub samples: Cow<'a, [u8]>,
}

/// Brings the pixels to the model's size.
fn place<'a>(pixels: &'a Pixels<'_>, input: &ImageInput) -> Pixels<'a> {
    let placement = Placement::new(input, (pixels.width, pixels.height));
    let made = window(pixels, placement.scaled, placement.window, input.filter);
    on_canvas(made, input, placement.offset)
}

/// The colours of a frame that a model wants, as they are.
fn pixels(frame: &imaging::Frame, colour: Colour) -> Result<Pixels<'_>, String> {
    if frame.layout.has_alpha() || frame.width == 0 || frame.height == 0 {
        return Err("a frame for a model has pixels, and no alpha".to_owned());
    }
    Ok(match colour {
        Colour::Grey => grey(frame),
        Colour::Rgb | Colour::Bgr => rgb(frame),
    })
}

/// The whole frame in another size, for a model that takes any. Much quicker than [`window`], and within two steps of it.
pub(crate) fn scaled(frame: &imaging::Frame, size: (u32, u32), filter: Filter) -> imaging::Frame {
    let filter = match filter {
        Filter::Nearest => imaging::Filter::Nearest,
        Filter::Bilinear => imaging::Filter::Bilinear,
        Filter::Bicubic => imaging::Filter::CatmullRom,
        Filter::Lanczos3 => imaging::Filter::Lanczos3,
    };
    imaging::scaled(frame, size, filter)
}

/// The tensor of a frame in the top left corner of a canvas that is at least as large.
pub(crate) fn on_top_left(
    frame: &imaging::Frame,
    input: &ImageInput,
    (width, height): (u32, u32),
) -> Result<Tensor, String> {
    let input = ImageInput { size: [width, height], ..input.clone() };
    let values = normalised(&on_canvas(pixels(frame, input.colour)?, &input, (0, 0)), &input);
    Tensor::new(input.shape(), Data::F32(values))
        .ok_or_else(|| "the image was made in another size".to_owned())
}

/// The pixels at a place of a canvas of the model's size, with its padding around.
fn on_canvas<'a>(made: Pixels<'a>, input: &ImageInput, (left, top): (u32, u32)) -> Pixels<'a> {
    let [width, height] = input.size;
    if (made.width, made.height) == (width, height) {
        return made;
    }
    let row = width as usize * made.channels;
    let mut samples = vec![input.pad; row * height as usize];
    let there = samples.chunks_exact_mut(row).skip(top as usize);
    for (to, from) in there.zip(made.samples.chunks_exact(made.width as usize * made.channels)) {
        let start = left as usize * made.channels;
        to[start..start + from.len()].copy_from_slice(from);
    }
    Pixels { width, height, channels: made.channels, samples: Cow::Owned(samples) }
}

/// `(v - mean) / std`, in the order of channels and dimensions that the model wants.
fn normalised(pixels: &Pixels<'_>, input: &ImageInput) -> Vec<f32> {
    match pixels.channels {
        1 => normalised_of::<1>(&pixels.samples, input),
        _ => normalised_of::<3>(&pixels.samples, input),
    }
}

fn normalised_of<const N: usize>(samples: &[u8], input: &ImageInput) -> Vec<f32> {
    let table = |c: usize| std::array::from_fn::<f32, 256, _>(|v| (v as f32 - input.mean[c]) / input.std[c]);
    // Of each channel of the model: its values, and the sample that it reads.
    let channels: [_; N] =
        std::array::from_fn(|c| (table(c), if input.colour == Colour::Bgr { N - 1 - c } else { c }));
    let all = samples.as_chunks::<N>().0;
    let mut values = Vec::with_capacity(samples.len());
    match input.layout {
        Layout::Nchw => {
            for (table, from) in &channels {
                values.extend(all.iter().map(|pixel| table[usize::from(pixel[*from])]));
            }
        }
        Layout::Nhwc => {
            for pixel in all {
                values.extend(channels.each_ref().map(|(table, from)| table[usize::from(pixel[*from])]));
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

fn rgb(frame: &imaging::Frame) -> Pixels<'_> {
    let samples = match frame.layout {
        imaging::Layout::Gray => frame.pixels.iter().flat_map(|&v| [v; 3]).collect(),
        _ => Cow::Borrowed(frame.pixels.as_slice()),
    };
    Pixels { width: frame.width, height: frame.height, channels: 3, samples }
}

/// ITU-R BT.601 luma in 16 fractional bits, rounded, as Pillow's `convert("L")` computes it.
fn grey(frame: &imaging::Frame) -> Pixels<'_> {
    let luma = |p: &[u8; 3]| {
        ((u32::from(p[0]) * 19_595 + u32::from(p[1]) * 38_470 + u32::from(p[2]) * 7_471 + 0x8000) >> 16) as u8
    };
    let samples = match frame.layout {
        imaging::Layout::Gray => Cow::Borrowed(frame.pixels.as_slice()),
        _ => frame.pixels.as_chunks::<3>().0.iter().map(luma).collect(),
    };
    Pixels { width: frame.width, height: frame.height, channels: 1, samples }
}
