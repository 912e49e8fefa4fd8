//! BMP decoding: a file header of 14 bytes before a bitmap.

use std::io::Read;

use crate::{
    Format, Header, ImageError, Limits, Source,
    decode::{
        Decoded, Input,
        dib::{Alpha, Dib},
    },
};

/// Bytes of the file header (`BITMAPFILEHEADER`).
const FILE_HEADER: usize = 14;

/// Enough for the longest bitmap header, its masks and its palette.
const ENOUGH: u64 = 4 << 10;

/// Reads the headers.
pub(crate) fn header(source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    let mut start = Vec::new();
    source.open()?.take(ENOUGH).read_to_end(&mut start)?;
    let dib = parse(&start)?;
    Ok(dib.header(Format::Bmp, source.len()?))
}

/// Decodes the image.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let bytes = input.source.read_all()?;
    let dib = parse(&bytes)?;
    let frame = dib.frame(&bytes, input.guard)?;
    Ok(Decoded::whole(frame, dib.metadata(&bytes)))
}

fn parse(bytes: &[u8]) -> Result<Dib, ImageError> {
    let pixels = bytes.get(10..14).and_then(|field| field.try_into().ok()).map(u32::from_le_bytes);
    let pixels = pixels.ok_or_else(|| ImageError::corrupt(Format::Bmp, "the file header is cut"))?;
    let dib = Dib::parse(bytes, FILE_HEADER, Some(pixels as usize))?;
    Ok(dib.with_alpha(Alpha::AsDeclared))
}
