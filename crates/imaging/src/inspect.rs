//! The header, and every limit that it can break.

use std::io::Read;

use crate::{Header, ImageError, Limits, Source, decode, sniff};

/// Reads the header only and checks all limits: microseconds, whatever the size of the image.
///
/// A progressive JPEG is the exception: its scans are counted by walking the markers, without decoding.
pub fn inspect(source: &Source, limits: &Limits) -> Result<Header, ImageError> {
    within("input_bytes", source.len()?, limits.input_bytes)?;
    let mut start = Vec::with_capacity(sniff::ENOUGH);
    source.open()?.take(sniff::ENOUGH as u64).read_to_end(&mut start)?;
    let format = sniff::format(&start).ok_or(ImageError::NotAnImage)?;
    let header = (decode::decoder(format)?.header)(source, limits)?;
    check(&header, limits)?;
    Ok(header)
}

fn check(header: &Header, limits: &Limits) -> Result<(), ImageError> {
    if header.width == 0 || header.height == 0 {
        return Err(ImageError::corrupt(header.format, "a side of 0 pixels"));
    }
    within("side", u64::from(header.width.max(header.height)), u64::from(limits.side))?;
    let pixels = u64::from(header.width) * u64::from(header.height);
    if header.streams {
        within("streamed_pixels", pixels, limits.streamed_pixels)?;
    } else {
        within("frame_pixels", pixels, limits.frame_pixels)?;
    }
    within("memory", header.held, limits.memory)
}

/// Refuses what exceeds the named limit.
pub(crate) fn within(limit: &'static str, actual: u64, allowed: u64) -> Result<(), ImageError> {
    if actual > allowed { Err(ImageError::Limit { limit, actual, allowed }) } else { Ok(()) }
}
