//! JPEG, decoded at the smallest scale that the plan allows, row by row: baseline up to 4/8 by a reader of our own,
//! which passes what such a scale does not show, everything else (and everything damaged) through libjpeg-turbo.

mod markers;
mod quick;
mod raw;
mod row_buffer;
mod scans;

use darkroom_core::operation::Light;

use crate::{
    Format, Frame, Header, ImageError, Layout, Limits, Orientation, Source,
    colour::CmykToRgb,
    decode::{Decoded, Input, Wish},
    inspect::within,
    metadata,
    reducer::{Reducer, factors},
};
use markers::{Extent, Markers};
use quick::{Reduced, Refusal};
use raw::{Decompressor, Samples, Upsampling};
use row_buffer::RowBuffer;
use scans::Leave;

/// Reads the markers up to the first scan; of an image that libjpeg must hold as coefficients, to the end.
pub(crate) fn header(source: &Source, limits: &Limits) -> Result<Header, ImageError> {
    let markers = Markers::read(source.open()?, Extent::Scans(limits.scans))?;
    within("scans", u64::from(markers.scans), u64::from(limits.scans))?;
    let (width, height) = (markers.frame.width, markers.frame.height);
    let held = if markers.has_several_scans() { markers.frame.coefficient_bytes() } else { 0 };
    let channels = if markers.frame.components.len() == 1 { 1 } else { 3 };
    Ok(Header {
        format: Format::Jpeg,
        width,
        height,
        orientation: markers.exif.as_deref().map_or(Orientation::default(), metadata::orientation),
        frames: 1,
        has_alpha: false,
        streams: !markers.has_several_scans(),
        memory: held + u64::from(width) * u64::from(height) * channels,
        held,
    })
}

/// Decodes at the smallest scale that the wish allows, and averages whole cells of what is still too large.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let markers = Markers::read(input.source.open()?, Extent::Header)?;
    let samples = match markers.frame.components.len() {
        1 => Samples::Gray,
        4 => Samples::Cmyk,
        _ => Samples::Rgb,
    };
    let scale = Scale::new(input.header, input.wish);
    let frame = match quickly(input, &markers, scale)? {
        Some(frame) => frame,
        None => by_libjpeg(input, &markers, samples, scale)?,
    };
    let eighths = f64::from(scale.eighths) / 8.0;
    let covers = (
        f64::from(input.header.width) * eighths / f64::from(scale.factors.0),
        f64::from(input.header.height) * eighths / f64::from(scale.factors.1),
    );
    let mut metadata = markers.metadata();
    if samples == Samples::Cmyk {
        metadata.icc = None;
    }
    Ok(Decoded { frame, covers, metadata })
}

/// Up to 4/8 without reading what that does not show; `None` if only libjpeg can do it.
fn quickly(input: &Input<'_>, markers: &Markers, scale: Scale) -> Result<Option<Frame>, ImageError> {
    if scale.eighths > quick::MOST_EIGHTHS || markers.frame.is_progressive() {
        return Ok(None);
    }
    let layout = if markers.frame.components.len() == 1 { Layout::Gray } else { Layout::Rgb };
    let rows = |reduced: Reduced<_>| {
        let mut reducer = Reducer::new(reduced.size(), layout, scale.factors, input.wish.light);
        reduced.rows(input.guard, |row| reducer.push(row)).map(|()| reducer.finish())
    };
    let upsampling = scale.upsampling(input);
    match Reduced::open(input.source.open()?, scale.eighths, upsampling).and_then(rows) {
        Ok(frame) => Ok(Some(frame)),
        Err(Refusal::Unsupported) => Ok(None),
        Err(Refusal::Failed(error)) => Err(error),
    }
}

fn by_libjpeg(
    input: &Input<'_>,
    markers: &Markers,
    samples: Samples,
    scale: Scale,
) -> Result<Frame, ImageError> {
    let leave = match scale.eighths {
        1 if markers.frame.is_progressive() => Some(Leave::Ac),
        2 if markers.frame.is_progressive() => Some(Leave::LowestBit),
        _ => None,
    };
    let mut decompressor = Decompressor::open(input.source, leave, input.guard)?;
    let size = decompressor.start(scale.eighths, samples, scale.upsampling(input))?;
    let layout = if samples == Samples::Gray { Layout::Gray } else { Layout::Rgb };
    let mut reducer = Reducer::new(size, layout, scale.factors, input.wish.light);
    let mut rows = Rows::new(markers, samples, size.0);
    let mut left = size.1 as usize;
    while left > 0 {
        left -= rows.decode(&mut decompressor, &mut reducer, left)?;
        if decompressor.decoded_nothing() {
            return Err(ImageError::corrupt(Format::Jpeg, "ends before the first row of pixels"));
        }
    }
    Ok(reducer.finish())
}

/// The size of the frame that [`still`] gives.
pub(crate) fn reduced_size(header: &Header, wish: Wish) -> (u32, u32) {
    let scale = Scale::new(header, wish);
    let (width, height) = scale.decoded((header.width, header.height));
    (width.div_ceil(scale.factors.0), height.div_ceil(scale.factors.1))
}

/// libjpeg's transforms at 1/8, 2/8, 4/8 and 8/8 use vector instructions, those between do not: a frame of no more pixels
/// than these is decoded at the next of the four, which is faster (1 megapixel to 512 px: 7.3 ms at 8/8, 9.8 ms at 5/8)
/// and better. A larger one would cost more in memory and averaging than it saves.
const VECTOR_PIXELS: u64 = 4 << 20;

/// How an image is made smaller: first by the decoder, then by averaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    eighths: u32,
    factors: (u32, u32),
}

impl Scale {
    fn new(header: &Header, wish: Wish) -> Self {
        let full = (header.width, header.height);
        let at = |eighths| Self { eighths, factors: (1, 1) };
        let suits = |eighths: &u32| {
            let (width, height) = at(*eighths).decoded(full);
            width >= wish.scaled.0 && height >= wish.scaled.1
        };
        // The scaled inverse transform averages encoded values, so linear light starts from every pixel.
        let scales = if wish.light == Light::Linear { 8..=8 } else { 1..=8 };
        let mut eighths = scales.into_iter().find(suits).unwrap_or(8);
        let ours = eighths <= quick::MOST_EIGHTHS && header.streams && at(eighths).is_halved(full, wish);
        let (width, height) = at(eighths.next_power_of_two()).decoded(full);
        if !ours && u64::from(width) * u64::from(height) <= VECTOR_PIXELS {
            eighths = eighths.next_power_of_two();
        }
        Self { eighths, factors: factors(at(eighths).decoded(full), wish.averaged) }
    }

    /// How the colour of a frame is spread, which is seen only where the frame will not be halved.
    fn upsampling(self, input: &Input<'_>) -> Upsampling {
        let halved = self.is_halved((input.header.width, input.header.height), input.wish);
        if halved { Upsampling::Repeat } else { Upsampling::Smooth }
    }

    /// Whether every result has at most half of the frame's width and height.
    fn is_halved(self, full: (u32, u32), wish: Wish) -> bool {
        let (width, height) = self.decoded(full);
        width >= 2 * wish.shown.0 && height >= 2 * wish.shown.1
    }

    /// What libjpeg gives, rounded up.
    fn decoded(self, full: (u32, u32)) -> (u32, u32) {
        ((full.0 * self.eighths).div_ceil(8), (full.1 * self.eighths).div_ceil(8))
    }
}

/// A few rows on their way from libjpeg to the reducer.
struct Rows {
    buffer: RowBuffer,
    rgb: Vec<u8>,
    /// Converts CMYK; inverted as Adobe's programs write it when their marker is there.
    ink: Option<(CmykToRgb, bool)>,
}

impl Rows {
    fn new(markers: &Markers, samples: Samples, width: u32) -> Self {
        let buffer = RowBuffer::new(width as usize * samples.channels());
        let ink = (samples == Samples::Cmyk)
            .then(|| (CmykToRgb::new(markers.icc().as_deref()), markers.adobe_transform.is_some()));
        let rgb = if ink.is_some() { vec![0; width as usize * 3] } else { Vec::new() };
        Self { buffer, rgb, ink }
    }

    fn decode(
        &mut self,
        from: &mut Decompressor,
        to: &mut Reducer,
        most: usize,
    ) -> Result<usize, ImageError> {
        let count = from.read(&mut self.buffer, most)?;
        for row in self.buffer.rows(count) {
            match &self.ink {
                None => to.push(row),
                Some((ink, inverted)) => {
                    if *inverted {
                        for v in row.iter_mut() {
                            *v = 255 - *v;
                        }
                    }
                    ink.row(row, &mut self.rgb);
                    to.push(&self.rgb);
                }
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
