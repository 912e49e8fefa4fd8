//! ICO and CUR decoding: the largest entry, and of several as large the one with most colours.

use std::io::BufReader;

use image::codecs::ico::IcoDecoder;

use crate::{
    Format, Header, ImageError, Limits, Source,
    decode::{Decoded, Input, pixels},
    source::ReadSeek,
};

/// Reads the directory and the header of the chosen entry.
pub(crate) fn header(source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    Ok(pixels::header(Format::Ico, &open(source)?))
}

/// Decodes the chosen entry.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let mut decoder = open(input.source)?;
    pixels::limit(Format::Ico, &mut decoder, input.limits)?;
    pixels::read(Format::Ico, decoder, input.guard)
}

fn open(source: &Source) -> Result<IcoDecoder<BufReader<Box<dyn ReadSeek>>>, ImageError> {
    IcoDecoder::new(BufReader::new(source.open()?)).map_err(|error| pixels::error(Format::Ico, error))
}
