//! GIF decoding.

use crate::{
    Format, Header, ImageError, Limits, Source,
    decode::{Animation, Decoded, Input},
};

const REFUSED: ImageError = ImageError::Unsupported { format: Format::Gif, what: "decoding" };

/// Reads the header.
pub(crate) fn header(_source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    Err(REFUSED)
}

/// Decodes the (first) frame.
pub(crate) fn still(_input: &Input<'_>) -> Result<Decoded, ImageError> {
    Err(REFUSED)
}

/// The composited frames.
pub(crate) fn animation(_input: &Input<'_>) -> Result<Box<dyn Animation>, ImageError> {
    Err(REFUSED)
}
