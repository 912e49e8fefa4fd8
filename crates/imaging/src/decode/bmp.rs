//! BMP decoding.

use std::io::BufReader;

use image::codecs::bmp::BmpDecoder;

use crate::{
    Format, Header, ImageError, Limits, Source,
    decode::{Decoded, Input, pixels},
    source::ReadSeek,
};

/// Reads the header.
pub(crate) fn header(source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    Ok(pixels::header(Format::Bmp, &open(source)?))
}

/// Decodes the image.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let mut decoder = open(input.source)?;
    pixels::limit(Format::Bmp, &mut decoder, input.limits)?;
    pixels::read(Format::Bmp, decoder, input.guard)
}

fn open(source: &Source) -> Result<BmpDecoder<BufReader<Box<dyn ReadSeek>>>, ImageError> {
    BmpDecoder::new(BufReader::new(source.open()?)).map_err(|error| pixels::error(Format::Bmp, error))
}
